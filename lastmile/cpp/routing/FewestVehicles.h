#pragma once

#include <cstdint>
#include <vector>

#include "common/Random.h"
#include "routing/Insertion.h"
#include "routing/Plan.h"

namespace lastmile::routing {

/// Where vehicles come before all else: takes one vehicle after the other from a plan, and says which plans lead to one
/// that serves everything without it.
///
/// By absence counters: leaving out what was seldom left out is the way to serve all. Christiaens & Vanden Berghe
/// (2020), section 5, doi:10.1287/trsc.2019.0914.
class FewestVehicles {
public:
    FewestVehicles(Plan& plan, const Insertion& insertion);

    /// Note what a change starts from: the required requests that are absent though some vehicle could serve them.
    void look();
    bool complete() const { return missing.empty(); }
    int32_t anyMissing(Random& random) const { return missing[random.below(static_cast<int32_t>(missing.size()))]; }
    /// Of the plan since `look`: below 0 better, above 0 worse, 0 as good. Counts what is absent now.
    int compare();

    /// Whether no fewer vehicles can carry all loads.
    bool least() const { return plan.vehicles() <= bound; }
    /// Take away the vehicle whose requests were easiest to serve so far, for good.
    void takeOne();

private:
    Plan& plan;
    const Problem& problem;
    const Insertion& insertion;
    std::vector<int64_t> absences;  // by request: how many plans left it out
    std::vector<int32_t> missing;
    int64_t sum = 0;  // of the absences of what is missing
    int64_t bound = 1;
};

}  // namespace lastmile::routing
