#include "routing/Neighbours.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace lastmile::routing {

namespace {

constexpr double kWait = 0.2, kDelay = 1.0;  // weights of waiting and delay against travel: as in the paper
constexpr int32_t kNearest = 10;
constexpr int32_t kTile = 16;  // rows of a table that are read side by side

/// The shorter of the two ways between them, by any profile.
double shortest(const Problem& problem, const Visit& a, const Visit& b) {
    int32_t metres = kUnreachable;
    for (size_t k = 0; k < problem.profiles.size(); ++k) {
        const auto p = static_cast<int32_t>(k);
        metres = std::min({metres, problem.distance(p, a.location, b.location),
                           problem.distanceInto(p, b.location, a.location)});
    }
    return metres;
}

/// How far the one is behind the other.
double reach(int32_t metres, Seconds travel, const Visit& from, const Visit& to, bool timed) {
    if (travel == kUnreachable) return static_cast<double>(kUnreachable);
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

/// How far apart two visits are in a plan, at least as far as their shortest way.
double apart(const Problem& problem, int32_t a, int32_t b, bool companions) {
    const Visit &x = problem.visits[a], &y = problem.visits[b];
    double nearest = static_cast<double>(kUnreachable);
    for (size_t k = 0; k < problem.profiles.size(); ++k) {
        const auto p = static_cast<int32_t>(k);
        const int32_t at = x.location, on = y.location;
        nearest = std::min({nearest,
                            reach(problem.distance(p, at, on), problem.duration(p, at, on), x, y, companions),
                            reach(problem.distanceInto(p, on, at), problem.durationInto(p, on, at), y, x, companions)});
    }
    // Visits of one request are never together, but for a pair's.
    const bool never =
        (x.request == y.request && x.partner != b) || (companions && !haveTypeInCommon(problem, a, b));
    return never ? nearest + static_cast<double>(kUnreachable) : nearest;
}

/// The nearest of those that are told to it.
class Nearest {
public:
    explicit Nearest(size_t most) : most(most) {}

    void clear() {
        row.clear();
        farthest = std::numeric_limits<double>::infinity();
    }
    /// Whether one this far away could still be among them.
    bool wants(double distance) const { return distance <= farthest; }
    void tell(double distance, int32_t visit) {
        row.emplace_back(distance, visit);
        if (row.size() >= kSlack * most) cut();
    }
    const std::vector<std::pair<double, int32_t>>& sorted() {
        cut();
        std::sort(row.begin(), row.end());
        return row;
    }

private:
    static constexpr size_t kSlack = 3;  // times as many are held before they are cut back

    size_t most;
    double farthest = std::numeric_limits<double>::infinity();
    std::vector<std::pair<double, int32_t>> row;

    void cut() {
        if (row.size() <= most) return;
        const auto last = row.begin() + static_cast<std::ptrdiff_t>(most) - 1;
        std::nth_element(row.begin(), last, row.end());
        farthest = last->first;
        row.resize(most);
    }
};

}  // namespace

Neighbours::Neighbours(const Problem& problem, int32_t most, bool companions) {
    const auto visits = static_cast<int32_t>(problem.visitCount());
    const int64_t each = problem.meanOptions() * (companions ? problem.meanSelection() : 1);
    width = static_cast<int32_t>(std::clamp<int64_t>(most * each, 0, std::max(0, visits - 1)));
    lists.resize(static_cast<size_t>(visits) * width);
    const auto scale = kNearest * problem.meanOptions();
    if (width == 0) return;
    int64_t counted = 0;
    // A few rows at a time: of a table that is not symmetric, columns beside each other are read together.
    std::vector<Nearest> tile(kTile, Nearest(width));
    for (int32_t begin = 0; begin < visits; begin += kTile) {
        const int32_t end = std::min(begin + kTile, visits);
        for (Nearest& nearest : tile) nearest.clear();
        for (int32_t k = 0; k < visits; ++k) {
            // Near numbers first: they are near as a rule, and what is far is soon seen to be.
            const int32_t b = (begin + k) % visits;
            for (int32_t a = begin; a < end; ++a) {
                Nearest& nearest = tile[a - begin];
                if (a == b || !nearest.wants(shortest(problem, problem.visits[a], problem.visits[b]))) continue;
                const double distance = apart(problem, a, b, companions);
                if (nearest.wants(distance)) nearest.tell(distance, b);
            }
        }
        for (int32_t a = begin; a < end; ++a) {
            const auto& row = tile[a - begin].sorted();
            for (int32_t k = 0; k < width; ++k) {
                const auto [distance, b] = row[k];
                lists[static_cast<size_t>(a) * width + k] = b;
                if (k >= scale || distance >= static_cast<double>(kUnreachable)) continue;
                metres += problem.distance(0, problem.visits[a].location, problem.visits[b].location);
                seconds += problem.duration(0, problem.visits[a].location, problem.visits[b].location);
                ++counted;
            }
        }
    }
    if (counted > 0) metres /= static_cast<double>(counted), seconds /= static_cast<double>(counted);
}

}  // namespace lastmile::routing
