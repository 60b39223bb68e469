#include "routing/Neighbours.h"

#include <algorithm>
#include <utility>

namespace lastmile::routing {

namespace {

constexpr double kWait = 0.2, kDelay = 1.0;  // weights of waiting and delay against travel: as in the paper
constexpr int32_t kNearest = 10;

/// How far the one is behind the other.
double reach(const Problem& problem, size_t profile, const Visit& from, const Visit& to, bool timed) {
    const auto p = static_cast<int32_t>(profile);
    const Seconds travel = problem.duration(p, from.location, to.location);
    if (travel == kUnreachable) return static_cast<double>(kUnreachable);
    const double metres = problem.distance(p, from.location, to.location);
    if (!timed) return metres;
    const double wait = static_cast<double>(to.open) - travel - from.service - from.close;
    const double delay = static_cast<double>(from.open) + from.service + travel - to.close;
    return metres + kWait * std::max(0.0, wait) + kDelay * std::max(0.0, delay);
}

bool haveTypeInCommon(const Problem& problem, int32_t a, int32_t b) {
    for (size_t t = 0; t < problem.types.size(); ++t) {
        const auto type = static_cast<int32_t>(t);
        if (problem.mayServe(type, a) && problem.mayServe(type, b)) return true;
    }
    return false;
}

}  // namespace

Neighbours::Neighbours(const Problem& problem, int32_t most, bool companions) {
    const auto visits = static_cast<int32_t>(problem.visitCount());
    width = static_cast<int32_t>(std::clamp<int64_t>(most * problem.meanOptions(), 0, std::max(0, visits - 1)));
    lists.resize(static_cast<size_t>(visits) * width);
    const auto scale = kNearest * problem.meanOptions();
    std::vector<std::pair<double, int32_t>> row;
    int64_t counted = 0;
    for (int32_t a = 0; a < visits; ++a) {
        const Visit& x = problem.visits[a];
        row.clear();
        for (int32_t b = 0; b < visits; ++b) {
            if (a == b) continue;
            const Visit& y = problem.visits[b];
            double nearest = static_cast<double>(kUnreachable);
            for (size_t p = 0; p < problem.profiles.size(); ++p) {
                nearest = std::min(nearest, reach(problem, p, x, y, companions));
                nearest = std::min(nearest, reach(problem, p, y, x, companions));
            }
            // Visits of one request are never together, but for a pair's.
            const bool apart = (x.request == y.request && x.partner != b) ||
                               (companions && !haveTypeInCommon(problem, a, b));
            if (apart) nearest += static_cast<double>(kUnreachable);
            row.emplace_back(nearest, b);
        }
        std::nth_element(row.begin(), row.begin() + std::max(0, width - 1), row.end());
        std::sort(row.begin(), row.begin() + width);
        for (int32_t k = 0; k < width; ++k) {
            lists[static_cast<size_t>(a) * width + k] = row[k].second;
            if (k < scale && row[k].first < static_cast<double>(kUnreachable)) {
                metres += problem.distance(0, x.location, problem.visits[row[k].second].location);
                seconds += problem.duration(0, x.location, problem.visits[row[k].second].location);
                ++counted;
            }
        }
    }
    if (counted > 0) metres /= static_cast<double>(counted), seconds /= static_cast<double>(counted);
}

}  // namespace lastmile::routing
