#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "routing/Plan.h"

namespace lastmile::routing {

/// Tours of good plans, for a better plan from parts of several: of each vehicle type and set of requests the cheapest
/// tour, and of all those the ones of the cheapest plans.
///
/// Rochat & Taillard (1995). Probabilistic diversification and intensification in local search for vehicle routing.
/// Journal of Heuristics 1. doi:10.1007/BF02430370.
class TourPool {
public:
    /// `most`: tours that it gives.
    TourPool(const Problem& problem, size_t most);

    /// Note the tours that were touched since the plan's `begin`.
    void note(const Plan& plan);
    /// Note what another pool of this problem holds.
    void note(const TourPool& other);
    /// Those of the cheapest plans first.
    std::vector<Tour> tours() const;

private:
    struct Entry {
        Tour tour;
        Money plan;  // cost of the cheapest plan that it was part of
    };
    struct Rank {
        Money plan;
        uint64_t key;
        auto operator<=>(const Rank&) const = default;
    };

    const Problem& problem;
    const size_t most;
    std::vector<uint64_t> codes;  // of the requests, then of the vehicle types
    std::unordered_map<uint64_t, Entry> entries;
    Money limit = kNever;  // tours of plans that cost as much are not among the best
    Tour tour;             // being noted

    void add(const Tour& tour, Money plan);
    std::vector<Rank> ranks() const;
    void prune();
};

}  // namespace lastmile::routing
