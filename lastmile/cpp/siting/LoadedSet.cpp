#include "siting/LoadedSet.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace lastmile::siting {

LoadedSet::LoadedSet(const Location& location)
    : Roster(location),
      firstOfSite(location.sites() + 1, 0),
      firstOfCustomer(location.customers() + 1, 0),
      capacity(location.sites()),
      room(location.sites(), 0),
      waits(location.customers()),
      waiting(location.sites()),
      servings(location.customers()) {
    const double all = std::accumulate(location.amount.begin(), location.amount.end(), 0.0);
    const auto whole = [](double one) { return one == std::floor(one); };
    const bool exact = all <= kUnits && std::all_of(location.amount.begin(), location.amount.end(), whole);
    const double unit = exact || all <= 0 ? 1.0 : kUnits / all;
    for (std::int32_t s = 0; s < location.sites(); ++s)
        capacity[s] = static_cast<Amount>(std::min(location.capacity[s], 2 * all + 1) * unit);
    for (std::int32_t c = 0; c < location.customers(); ++c) {
        // Up, so that loads in these units fit where they do in truth.
        waits[c] = static_cast<Amount>(std::ceil(location.amount[c] * unit));
        total += location.unserved[c];
    }
    const auto saved = [&](std::int32_t customer, Cost cost) {
        return (location.unserved[customer] - cost) / std::max<Amount>(waits[customer], 1);
    };
    for (std::int32_t c = 0; c < location.customers(); ++c) {
        for (const auto& [site, cost] : location.near(c))
            if (saved(c, cost) > 0 && waits[c] > 0) byCustomer.push_back({site, saved(c, cost)});
        firstOfCustomer[c + 1] = byCustomer.size();
    }
    for (std::int32_t s = 0; s < location.sites(); ++s) {
        for (const auto& [customer, cost] : location.of(s))
            if (saved(customer, cost) > 0 && waits[customer] > 0) bySite.push_back({customer, saved(customer, cost)});
        firstOfSite[s + 1] = bySite.size();
        const auto degree = [&](std::int32_t customer) { return firstOfCustomer[customer + 1] - firstOfCustomer[customer]; };
        std::sort(bySite.begin() + static_cast<std::ptrdiff_t>(firstOfSite[s]), bySite.end(), [&](const Arc& a, const Arc& b) {
            if (a.saved != b.saved) return a.saved > b.saved;
            const std::size_t left = degree(a.other), right = degree(b.other);
            return left != right ? left < right : a.other < b.other;
        });
        for (std::size_t k = firstOfSite[s]; k < bySite.size(); ++k) {
            waiting[s].worth += waits[bySite[k].other] * bySite[k].saved;
            waiting[s].amount += waits[bySite[k].other];
        }
    }
    known = waits;
    for (std::int32_t s = 0; s < location.sites(); ++s)
        if (location.standing[s]) open(s);
    log.clear();
}

Cost LoadedSet::gain(std::int32_t site) const {
    const auto& [worth, amount] = waiting[site];
    if (amount <= capacity[site]) return worth - location.opening[site];
    const double share = static_cast<double>(capacity[site]) / static_cast<double>(amount);
    return static_cast<Cost>(static_cast<double>(worth) * share) - location.opening[site];
}

Cost LoadedSet::loss(std::int32_t site) {
    const Cost before = total;
    begin();
    close(site);
    const Cost after = total;
    rollback();
    return after - before;
}

/// More of a customer, or less of it, is served there.
void LoadedSet::add(std::int32_t customer, std::int32_t site, Cost saved, Amount amount) {
    room[site] -= amount;
    total -= amount * saved;
    auto& list = servings[customer];
    const auto found = std::find_if(list.begin(), list.end(), [&](const Serving& one) { return one.site == site; });
    if (found == list.end()) {
        list.push_back({site, saved, amount});
    } else if ((found->amount += amount) == 0) {
        *found = list.back();
        list.pop_back();
    }
}

/// A customer who waits is served there, or, below 0, waits again.
void LoadedSet::serve(std::int32_t customer, std::int32_t site, Cost saved, Amount amount) {
    log.push_back({Change::What::served, site, customer, -1, saved, 0, amount});
    add(customer, site, saved, amount);
    if (waits[customer] == known[customer]) late.push_back(customer);
    waits[customer] -= amount;
}

void LoadedSet::catchUp() {
    for (const std::int32_t customer : late) {
        const Amount more = waits[customer] - known[customer];
        if (more == 0) continue;
        known[customer] = waits[customer];
        for (std::size_t k = firstOfCustomer[customer]; k < firstOfCustomer[customer + 1]; ++k) {
            const Arc& arc = byCustomer[k];
            waiting[arc.other].worth += more * arc.saved;
            waiting[arc.other].amount += more;
            changed(arc.other);
        }
    }
    late.clear();
}

void LoadedSet::move(std::int32_t customer, const Serving& from, std::int32_t site, Cost saved, Amount amount) {
    const auto [other, savedThere, unused] = from;  // `from` may lie in what changes
    log.push_back({Change::What::moved, site, customer, other, saved, savedThere, amount});
    add(customer, other, savedThere, -amount);
    add(customer, site, saved, amount);
}

void LoadedSet::setOpen(std::int32_t site, bool open) {
    log.push_back({open ? Change::What::opened : Change::What::closed, site, -1, -1, 0, 0, 0});
    mark(site, open);
    total += open ? location.opening[site] : -location.opening[site];
    room[site] += open ? capacity[site] : -capacity[site];
}

void LoadedSet::open(std::int32_t site) {
    setOpen(site, true);
    takeWaiting(site);
    if (room[site] > 0) relieve(site);
}

void LoadedSet::takeWaiting(std::int32_t site) {
    for (std::size_t k = firstOfSite[site]; k < firstOfSite[site + 1] && room[site] > 0; ++k) {
        const auto [customer, saved] = bySite[k];
        if (const Amount amount = std::min(waits[customer], room[site]); amount > 0) serve(customer, site, saved, amount);
    }
}

/// With the room that is left: customers who save more here, and those of full sites that others wait for.
void LoadedSet::relieve(std::int32_t site) {
    catchUp();
    for (std::size_t k = firstOfSite[site]; k < firstOfSite[site + 1] && room[site] > 0; ++k) {
        const auto [customer, saved] = bySite[k];
        for (std::size_t n = servings[customer].size(); n-- > 0 && room[site] > 0;) {
            const Serving from = servings[customer][n];
            if (from.site == site) continue;
            const Waiting& others = waiting[from.site];
            const bool wanted = room[from.site] == 0 && others.amount > 0;
            Amount amount = std::min(from.amount, room[site]);
            if (saved <= from.saved) {
                if (!wanted) continue;
                amount = std::min(amount, others.amount);
                if (others.worth / others.amount + saved <= from.saved) continue;
            }
            move(customer, from, site, saved, amount);
            if (!wanted) continue;
            takeWaiting(from.site);
            catchUp();
        }
    }
}

void LoadedSet::close(std::int32_t site) {
    for (std::size_t k = firstOfSite[site]; k < firstOfSite[site + 1]; ++k) {
        const auto [customer, saved] = bySite[k];
        const auto& list = servings[customer];
        const auto found = std::find_if(list.begin(), list.end(), [&](const Serving& one) { return one.site == site; });
        if (found == list.end()) continue;
        serve(customer, site, saved, -found->amount);
        for (std::size_t n = firstOfCustomer[customer]; n < firstOfCustomer[customer + 1] && waits[customer] > 0; ++n) {
            const auto [other, there] = byCustomer[n];
            if (other == site || room[other] <= 0) continue;
            serve(customer, other, there, std::min(waits[customer], room[other]));
        }
    }
    setOpen(site, false);
}

void LoadedSet::rollback() {
    for (std::size_t k = log.size(); k-- > 0;) {
        const Change change = log[k];
        switch (change.what) {
            case Change::What::opened: setOpen(change.site, false); break;
            case Change::What::closed: setOpen(change.site, true); break;
            case Change::What::served: serve(change.other, change.site, change.saved, -change.amount); break;
            case Change::What::moved:
                move(change.other, {change.site, change.saved, 0}, change.from, change.savedFrom, change.amount);
                break;
        }
    }
    log.clear();
}

}  // namespace lastmile::siting
