#include "Within.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <queue>
#include <stdexcept>
#include <utility>

#include "Parallel.h"

namespace lastmile::roads {

namespace {

std::size_t at(std::int32_t index) { return static_cast<std::size_t>(index); }

std::int64_t part(std::int32_t weight, double share) { return std::llround(static_cast<double>(weight) * share); }

// Labels of one search; cleared by a new stamp, so a bounded search costs only what it touches.
class Search {
public:
    explicit Search(const Graph& graph)
        : graph_(&graph), stamp_(at(graph.nodes()), 0), distance_(at(graph.nodes())) {}

    void start(std::span<const std::int32_t> weight, const Positions& points, std::size_t origin) {
        ++now_;
        queue_ = {};
        weight_ = weight;
        const double fraction = points.fraction[origin];
        if (const auto edge = points.forward[origin]; edge >= 0 && weight[at(edge)] >= 0) {
            improve(graph_->head(edge), part(weight[at(edge)], 1.0 - fraction));
        }
        if (const auto edge = points.backward[origin]; edge >= 0 && weight[at(edge)] >= 0) {
            improve(graph_->head(edge), part(weight[at(edge)], fraction));
        }
    }

    // Settle the nearest unsettled node; -1 when there is none within the bound.
    std::int32_t next(std::int64_t bound) {
        while (!queue_.empty()) {
            const auto [distance, node] = queue_.top();
            if (distance > bound) {
                return -1;
            }
            queue_.pop();
            if (distance > distance_[at(node)]) {
                continue;
            }
            for (std::int32_t edge = graph_->begin(node); edge < graph_->end(node); ++edge) {
                if (weight_[at(edge)] >= 0) {
                    improve(graph_->head(edge), distance + weight_[at(edge)]);
                }
            }
            return node;
        }
        return -1;
    }

    [[nodiscard]] bool reached(std::int32_t node) const { return stamp_[at(node)] == now_; }
    [[nodiscard]] std::int64_t distance(std::int32_t node) const { return distance_[at(node)]; }

private:
    void improve(std::int32_t node, std::int64_t distance) {
        if (stamp_[at(node)] != now_ || distance < distance_[at(node)]) {
            stamp_[at(node)] = now_;
            distance_[at(node)] = distance;
            queue_.emplace(distance, node);
        }
    }

    using Entry = std::pair<std::int64_t, std::int32_t>;
    const Graph* graph_;
    std::span<const std::int32_t> weight_;
    std::uint32_t now_ = 0;
    std::vector<std::uint32_t> stamp_;
    std::vector<std::int64_t> distance_;
    std::priority_queue<Entry, std::vector<Entry>, std::greater<>> queue_;
};

constexpr std::int64_t kFar = std::numeric_limits<std::int64_t>::max();

bool same(const Positions& a, std::size_t i, const Positions& b, std::size_t j) {
    return a.fraction[i] == b.fraction[j] && a.forward[i] == b.forward[j] && a.backward[i] == b.backward[j] &&
           (a.forward[i] >= 0 || a.backward[i] >= 0);
}

// The shortest way into a target once the search has settled what it needs.
std::int64_t arrive(const Graph& graph, const Search& search, std::span<const std::int32_t> weight,
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

void checkWeights(const Graph& graph, std::size_t size) {
    if (std::cmp_not_equal(size, graph.edges())) {
        throw std::invalid_argument("weights: one per edge is needed");
    }
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
        Search search(graph);
        for (std::size_t origin = first; origin < last; ++origin) {
            std::vector<std::int32_t> hits;
            const auto note = [&](std::int32_t target) { hits.push_back(target); };
            search.start(weight, origins, origin);
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
