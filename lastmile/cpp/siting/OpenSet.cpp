#include "siting/OpenSet.h"

#include <algorithm>

namespace lastmile::siting {

OpenSet::OpenSet(const Location& location)
    : location(location),
      opened(location.sites(), 0),
      held(location.sites(), 0),
      gains(location.sites()),
      losses(location.sites(), 0),
      served(location.customers()),
      bestOf((location.sites() + kBlock - 1) / kBlock, -1),
      isStale(bestOf.size(), 1) {
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
    opened[site] = 1;
    ++openCount;
    losses[site] = -location.opening[site];
    total += location.opening[site];
    changed(site);
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
    opened[site] = 0;
    --openCount;
    total -= location.opening[site];
    changed(site);
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
        if (!opened[site] || site == service.first) continue;
        service.second = site;
        service.next = cost;
        return;
    }
}

void OpenSet::hold(std::int32_t site, bool back) {
    held[site] = back;
    changed(site);
}

std::int32_t OpenSet::best() {
    std::int32_t found = -1;
    for (std::size_t block = 0; block < bestOf.size(); ++block) {
        if (isStale[block]) {
            isStale[block] = 0;
            std::int32_t winner = -1;
            const auto from = static_cast<std::int32_t>(block) * kBlock;
            const std::int32_t to = std::min(from + kBlock, location.sites());
            for (std::int32_t s = from; s < to; ++s)
                if (!opened[s] && !held[s] && (winner < 0 || gains[s] > gains[winner])) winner = s;
            bestOf[block] = winner;
        }
        if (bestOf[block] >= 0 && (found < 0 || gains[bestOf[block]] > gains[found])) found = bestOf[block];
    }
    return found;
}

}  // namespace lastmile::siting
