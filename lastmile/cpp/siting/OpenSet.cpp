#include "siting/OpenSet.h"

#include <algorithm>

namespace lastmile::siting {

OpenSet::OpenSet(const Location& location)
    : Roster(location), gains(location.sites()), losses(location.sites(), 0), served(location.customers()) {
    for (std::int32_t c = 0; c < location.customers(); ++c) {
        served[c].cost = served[c].next = location.unserved[c];
        total += location.unserved[c];
    }
    for (std::int32_t s = 0; s < location.sites(); ++s) {
        gains[s] = -location.opening[s];
        for (const Location::Pair& pair : location.of(s))
            gains[s] += std::max<Cost>(0, location.unserved[pair.other] - pair.cost);
    }
    for (std::int32_t s = 0; s < location.sites(); ++s)
        if (location.standing[s]) open(s);
}

/// A customer is served at another cost: what its other sites would save changes.
void OpenSet::reprice(std::int32_t customer, Cost before, Cost after) {
    const Cost most = std::max(before, after);
    for (const Location::Pair& pair : location.near(customer)) {
        if (pair.cost >= most) break;
        gains[pair.other] += std::max<Cost>(0, after - pair.cost) - std::max<Cost>(0, before - pair.cost);
        changed(pair.other);
    }
}

void OpenSet::open(std::int32_t site) {
    mark(site, true);
    log.push_back(site);
    losses[site] = -location.opening[site];
    total += location.opening[site];
    for (const auto& [customer, cost] : location.of(site)) {
        Service& service = served[customer];
        if (cost < service.cost) {
            const Cost before = service.cost;
            if (service.first >= 0) losses[service.first] -= service.next - before;
            service.second = service.first;
            service.next = before;
            service.first = site;
            service.cost = cost;
            losses[site] += before - cost;
            total += cost - before;
            reprice(customer, before, cost);
        } else if (cost < service.next) {
            if (service.first >= 0) losses[service.first] += cost - service.next;
            service.next = cost;
            service.second = site;
        }
    }
}

void OpenSet::close(std::int32_t site) {
    mark(site, false);
    log.push_back(site);
    total -= location.opening[site];
    for (const auto& [customer, cost] : location.of(site)) {
        Service& service = served[customer];
        if (service.first == site) {
            service.first = service.second;
            service.cost = service.next;
            total += service.cost - cost;
            reprice(customer, cost, service.cost);
            findSecond(customer);
            if (service.first >= 0) losses[service.first] += service.next - service.cost;
        } else if (service.second == site) {
            const Cost before = service.next;
            findSecond(customer);
            losses[service.first] += service.next - before;
        }
    }
}

void OpenSet::findSecond(std::int32_t customer) {
    Service& service = served[customer];
    service.second = -1;
    service.next = location.unserved[customer];
    if (service.first < 0) return;
    for (const auto& [site, cost] : location.near(customer)) {
        if (cost >= service.next) return;
        if (!isOpen(site) || site == service.first) continue;
        service.second = site;
        service.next = cost;
        return;
    }
}

void OpenSet::rollback() {
    for (std::size_t k = log.size(); k-- > 0;) isOpen(log[k]) ? close(log[k]) : open(log[k]);
    log.clear();
}

}  // namespace lastmile::siting
