#include "routing/FewestVehicles.h"

#include <algorithm>
#include <limits>

namespace lastmile::routing {

FewestVehicles::FewestVehicles(Plan& plan, const Insertion& insertion)
    : plan(plan), problem(plan.problem), insertion(insertion), absences(plan.problem.requests.size(), 0) {
    for (int d = 0; d < problem.dimensions; ++d) {
        int64_t load = 0, most = 1;
        for (size_t r = 0; r < problem.requests.size(); ++r) {
            if (!problem.requests[r].required) continue;
            int64_t lightest = std::numeric_limits<int64_t>::max();
            for (int32_t visit : problem.visitsOf(static_cast<int32_t>(r)))
                lightest = std::min(lightest, problem.delivered[visit * problem.dimensions + d]);
            load += lightest;
        }
        for (size_t t = 0; t < problem.types.size(); ++t)
            most = std::max(most, problem.capacity[t * problem.dimensions + d] * problem.types[t].maxTrips);
        bound = std::max(bound, (load + most - 1) / most);
    }
}

void FewestVehicles::look() {
    missing.clear();
    sum = 0;
    for (int32_t request : plan.absent()) {
        if (!problem.requests[request].required || !insertion.servable(request)) continue;
        missing.push_back(request);
        sum += absences[request];
    }
}

int FewestVehicles::compare() {
    const size_t countBefore = missing.size();
    const int64_t sumBefore = sum;
    look();
    const size_t count = missing.size();
    const int order = count < countBefore || sum < sumBefore ? -1 : count == countBefore ? 0 : 1;
    for (int32_t request : missing) ++absences[request];
    return order;
}

void FewestVehicles::takeOne() {
    int32_t chosen = -1;
    int64_t easiest = 0;
    for (size_t t = 0; t < plan.trips.size(); ++t) {
        const Trip& first = plan.trips[t];
        if (first.count == 0 || first.before >= 0 || first.locked > 0) continue;
        int64_t effort = 0;
        for (auto trip = static_cast<int32_t>(t); trip >= 0; trip = plan.trips[trip].after)
            for (int32_t s = plan.stops[plan.startOf(trip)].next; plan.isVisit(s); s = plan.stops[s].next)
                effort += 1 + absences[problem.visits[s].request];
        if (chosen >= 0 && effort >= easiest) continue;
        chosen = static_cast<int32_t>(t);
        easiest = effort;
    }
    while (chosen >= 0) {
        const int32_t after = plan.trips[chosen].after;
        while (plan.trips[chosen].count > 0) plan.unlink(plan.stops[plan.startOf(chosen)].next);
        plan.settle(chosen);
        chosen = after;
    }
    plan.mostVehicles = plan.vehicles();
}

}  // namespace lastmile::routing
