#include "Within.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "BoundedSearch.h"
#include "Parallel.h"

namespace lastmile::roads {

namespace {

constexpr std::int64_t kFar = std::numeric_limits<std::int64_t>::max();

// Begin a search at a position: both ends of its segment, as far as they may be driven to.
void leave(const Graph& graph, BoundedSearch& search, std::span<const std::int32_t> weight, const Positions& points,
           std::size_t origin) {
    search.begin(weight);
    const double fraction = points.fraction[origin];
    if (const auto edge = points.forward[origin]; edge >= 0 && weight[at(edge)] >= 0) {
        search.reach(graph.head(edge), part(weight[at(edge)], 1.0 - fraction));
    }
    if (const auto edge = points.backward[origin]; edge >= 0 && weight[at(edge)] >= 0) {
        search.reach(graph.head(edge), part(weight[at(edge)], fraction));
    }
}

bool same(const Positions& a, std::size_t i, const Positions& b, std::size_t j) {
    return a.fraction[i] == b.fraction[j] && a.forward[i] == b.forward[j] && a.backward[i] == b.backward[j] &&
           (a.forward[i] >= 0 || a.backward[i] >= 0);
}

// The shortest way into a target once the search has settled what it needs.
std::int64_t arrive(const Graph& graph, const BoundedSearch& search, std::span<const std::int32_t> weight,
                    const Positions& origins, std::size_t origin, const Positions& targets, std::size_t target) {
    if (same(origins, origin, targets, target)) {
        return 0;  // who stands there already is there, even while the road is closed to driving
    }
    std::int64_t best = kFar;
    const auto tryEdge = [&](std::int32_t edge, double share, std::int32_t originEdge, double originShare) {
        if (edge < 0 || weight[at(edge)] < 0) {
            return;
        }
        if (edge == originEdge && share >= originShare) {
            best = std::min(best, part(weight[at(edge)], share - originShare));
        }
        if (const std::int32_t tail = graph.tail(edge); search.reached(tail)) {
            best = std::min(best, search.distance(tail) + part(weight[at(edge)], share));
        }
    };
    const double fraction = targets.fraction[target];
    tryEdge(targets.forward[target], fraction, origins.forward[origin], origins.fraction[origin]);
    tryEdge(targets.backward[target], 1.0 - fraction, origins.backward[origin], 1.0 - origins.fraction[origin]);
    return best;
}

}  // namespace

Rows within(const Graph& graph, std::span<const std::int32_t> weight, const Positions& origins,
            const Positions& targets, std::int32_t bound, int threads) {
    checkWeights(graph, weight.size());
    origins.check(graph);
    targets.check(graph);
    // Targets by the tail of their edges, so that settling a node finds them; and by edge, for a target on the origin's
    // own edge with neither end of that edge inside the bound.
    std::vector<std::pair<std::int32_t, std::int32_t>> byTail;
    std::vector<std::pair<std::int32_t, std::int32_t>> byEdge;
    for (std::size_t target = 0; target < targets.size(); ++target) {
        for (const auto edge : {targets.forward[target], targets.backward[target]}) {
            if (edge >= 0) {
                byTail.emplace_back(graph.tail(edge), static_cast<std::int32_t>(target));
                byEdge.emplace_back(edge, static_cast<std::int32_t>(target));
            }
        }
    }
    std::ranges::sort(byTail);
    std::ranges::sort(byEdge);
    const auto each = [](const auto& index, std::int32_t key, const auto& use) {
        auto item = std::ranges::lower_bound(index, std::pair{key, std::int32_t{-1}});
        for (; item != index.end() && item->first == key; ++item) {
            use(item->second);
        }
    };
    const std::size_t n = origins.size();
    std::vector<std::vector<std::pair<std::int32_t, std::int32_t>>> found(n);
    parallel(n, threads, [&](std::size_t first, std::size_t last) {
        BoundedSearch search(graph);
        for (std::size_t origin = first; origin < last; ++origin) {
            std::vector<std::int32_t> hits;
            const auto note = [&](std::int32_t target) { hits.push_back(target); };
            leave(graph, search, weight, origins, origin);
            for (const auto edge : {origins.forward[origin], origins.backward[origin]}) {
                if (edge >= 0) {
                    each(byEdge, edge, note);
                }
            }
            for (std::int32_t node = search.next(bound); node >= 0; node = search.next(bound)) {
                each(byTail, node, note);
            }
            std::ranges::sort(hits);
            hits.erase(std::ranges::unique(hits).begin(), hits.end());
            for (const auto target : hits) {
                const std::int64_t best = arrive(graph, search, weight, origins, origin, targets, at(target));
                if (best <= bound) {
                    found[origin].emplace_back(target, static_cast<std::int32_t>(best));
                }
            }
        }
    });
    Rows rows;
    rows.offset.reserve(n + 1);
    rows.offset.push_back(0);
    for (const auto& row : found) {
        for (const auto& [target, distance] : row) {
            rows.target.push_back(target);
            rows.weight.push_back(distance);
        }
        rows.offset.push_back(static_cast<std::int64_t>(rows.target.size()));
    }
    return rows;
}

}  // namespace lastmile::roads
