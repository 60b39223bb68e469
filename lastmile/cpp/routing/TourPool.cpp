#include "routing/TourPool.h"

#include <algorithm>

#include "common/Random.h"

namespace lastmile::routing {

TourPool::TourPool(const Problem& problem, size_t most) : problem(problem), most(most) {
    // A sum of random codes names a set, as in Zobrist (1990), doi:10.3233/ICG-1990-13203. Should two sets share a name,
    // one is lost: each entry is a tour as it was driven.
    Random random(0);
    codes.resize(problem.requests.size() + problem.types.size());
    for (uint64_t& code : codes) code = random.next();
}

void TourPool::note(const Plan& plan) {
    if (plan.cost >= limit) return;
    for (int32_t trip : plan.touched()) {
        if (plan.trips[trip].count == 0) continue;
        plan.tourOf(trip, tour);
        add(tour, plan.cost);
    }
    if (entries.size() > 2 * most) prune();
}

void TourPool::note(const TourPool& other) {
    for (const Rank& rank : other.ranks()) {
        const Entry& entry = other.entries.at(rank.key);
        add(entry.tour, entry.plan);
    }
}

void TourPool::add(const Tour& added, Money plan) {
    uint64_t key = codes[problem.requests.size() + added.type];
    for (const std::vector<int32_t>& visits : added.trips)
        for (int32_t visit : visits) key += codes[problem.visits[visit].request];
    const auto at = entries.find(key);
    if (at == entries.end()) {
        entries.emplace(key, Entry{added, plan});
        return;
    }
    Entry& entry = at->second;
    entry.plan = std::min(entry.plan, plan);
    if (added.cost < entry.tour.cost) entry.tour = added;
}

std::vector<TourPool::Rank> TourPool::ranks() const {
    std::vector<Rank> found;
    found.reserve(entries.size());
    for (const auto& [key, entry] : entries) found.push_back({entry.plan, key});
    std::sort(found.begin(), found.end());
    return found;
}

void TourPool::prune() {
    const std::vector<Rank> all = ranks();
    limit = all[most].plan;
    for (size_t k = most; k < all.size(); ++k) entries.erase(all[k].key);
}

std::vector<Tour> TourPool::tours() const {
    std::vector<Tour> found;
    for (const Rank& rank : ranks()) {
        if (found.size() == most) break;
        found.push_back(entries.at(rank.key).tour);
    }
    return found;
}

}  // namespace lastmile::routing
