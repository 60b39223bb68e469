#include "Dijkstra.h"

#include <algorithm>
#include <cmath>
#include <exception>
#include <functional>
#include <mutex>
#include <queue>
#include <stdexcept>
#include <thread>
#include <utility>

namespace lastmile::roads {

namespace {

std::size_t at(std::int32_t index) { return static_cast<std::size_t>(index); }

std::int64_t part(std::int32_t weight, double share) { return std::llround(static_cast<double>(weight) * share); }

// Labels of one search; cleared by a new stamp, so a bounded search costs only what it touches.
class Search {
public:
    explicit Search(const Graph& graph)
        : graph_(&graph), stamp_(at(graph.nodes()), 0), distance_(at(graph.nodes())), parent_(at(graph.nodes())) {}

    void start(std::span<const std::int32_t> weight, const Positions& points, std::size_t origin) {
        ++now_;
        queue_ = {};
        weight_ = weight;
        const double fraction = points.fraction[origin];
        if (const auto edge = points.forward[origin]; edge >= 0 && weight[at(edge)] >= 0) {
            improve(graph_->head(edge), part(weight[at(edge)], 1.0 - fraction), ~edge);
        }
        if (const auto edge = points.backward[origin]; edge >= 0 && weight[at(edge)] >= 0) {
            improve(graph_->head(edge), part(weight[at(edge)], fraction), ~edge);
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
                    improve(graph_->head(edge), distance + weight_[at(edge)], edge);
                }
            }
            return node;
        }
        return -1;
    }

    [[nodiscard]] bool reached(std::int32_t node) const { return stamp_[at(node)] == now_; }
    [[nodiscard]] std::int64_t distance(std::int32_t node) const { return distance_[at(node)]; }
    [[nodiscard]] std::int32_t parent(std::int32_t node) const { return parent_[at(node)]; }

private:
    void improve(std::int32_t node, std::int64_t distance, std::int32_t edge) {
        if (stamp_[at(node)] != now_ || distance < distance_[at(node)]) {
            stamp_[at(node)] = now_;
            distance_[at(node)] = distance;
            parent_[at(node)] = edge;
            queue_.emplace(distance, node);
        }
    }

    using Entry = std::pair<std::int64_t, std::int32_t>;
    const Graph* graph_;
    std::span<const std::int32_t> weight_;
    std::uint32_t now_ = 0;
    std::vector<std::uint32_t> stamp_;
    std::vector<std::int64_t> distance_;
    std::vector<std::int32_t> parent_;  // edge by which the node was reached; ~edge where that is the origin's own
    std::priority_queue<Entry, std::vector<Entry>, std::greater<>> queue_;
};

struct Arrival {
    std::int64_t weight;
    std::int32_t last;    // edge on which the target lies
    bool direct;          // without leaving the origin's edge
};

constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

bool same(const Positions& a, std::size_t i, const Positions& b, std::size_t j) {
    return a.fraction[i] == b.fraction[j] && a.forward[i] == b.forward[j] && a.backward[i] == b.backward[j] &&
           (a.forward[i] >= 0 || a.backward[i] >= 0);
}

// The best way into a target once the search has settled what it needs.
Arrival arrive(const Graph& graph, const Search& search, std::span<const std::int32_t> weight, const Positions& points,
               std::size_t origin, const Positions& targets, std::size_t target) {
    if (same(points, origin, targets, target)) {
        // Who stands there already is there, even while the road is closed to driving.
        return {0, std::max(points.forward[origin], points.backward[origin]), true};
    }
    Arrival best{kNever, -1, false};
    const auto tryEdge = [&](std::int32_t edge, double share, std::int32_t originEdge, double originShare) {
        if (edge < 0 || weight[at(edge)] < 0) {
            return;
        }
        if (edge == originEdge && share >= originShare) {
            const std::int64_t direct = part(weight[at(edge)], share - originShare);
            if (direct < best.weight || (direct == best.weight && !best.direct)) {
                best = {direct, edge, true};
            }
        }
        const std::int32_t tail = graph.tail(edge);
        if (search.reached(tail)) {
            const std::int64_t total = search.distance(tail) + part(weight[at(edge)], share);
            if (total < best.weight) {
                best = {total, edge, false};
            }
        }
    };
    const double fraction = targets.fraction[target];
    tryEdge(targets.forward[target], fraction, points.forward[origin], points.fraction[origin]);
    tryEdge(targets.backward[target], 1.0 - fraction, points.backward[origin], 1.0 - points.fraction[origin]);
    return best;
}

void checkWeights(const Graph& graph, std::size_t size) {
    if (std::cmp_not_equal(size, graph.edges())) {
        throw std::invalid_argument("weights: one per edge is needed");
    }
}

// Run work(first, last) on `threads` threads over [0, count); the first exception is thrown again.
void parallel(std::size_t count, int threads, const std::function<void(std::size_t, std::size_t)>& work) {
    const std::size_t workers = std::clamp<std::size_t>(threads > 0 ? static_cast<std::size_t>(threads) : 1, 1,
                                                        std::max<std::size_t>(count, 1));
    if (workers == 1) {
        work(0, count);
        return;
    }
    std::exception_ptr failure;
    std::mutex guard;
    std::vector<std::jthread> pool;  // joins when it dies, also where starting a thread throws
    for (std::size_t i = 0; i < workers; ++i) {
        pool.emplace_back([&, i] {
            try {
                work(count * i / workers, count * (i + 1) / workers);
            } catch (...) {
                const std::lock_guard lock(guard);
                failure = std::current_exception();
            }
        });
    }
    pool.clear();
    if (failure) {
        std::rethrow_exception(failure);
    }
}

}  // namespace

Table manyToMany(const Graph& graph, std::span<const std::int32_t> weight, std::span<const double> length,
                 const Positions& points, int threads) {
    checkWeights(graph, weight.size());
    checkWeights(graph, length.size());
    points.check(graph);
    const std::size_t n = points.size();
    std::vector<char> isTail(at(graph.nodes()), 0);
    std::size_t tails = 0;
    for (const auto edges : {points.forward, points.backward}) {
        for (const auto edge : edges) {
            if (edge >= 0 && !std::exchange(isTail[at(graph.tail(edge))], char{1})) {
                ++tails;
            }
        }
    }
    Table table{std::vector<std::int32_t>(n * n, kUnreachable), std::vector<float>(n * n, 0.0F)};
    parallel(n, threads, [&](std::size_t first, std::size_t last) {
        Search search(graph);
        std::vector<double> metres(at(graph.nodes()));
        for (std::size_t origin = first; origin < last; ++origin) {
            search.start(weight, points, origin);
            std::size_t open = tails;
            const auto metresTo = [&](std::int32_t node) {
                const std::int32_t edge = search.parent(node);
                if (edge < 0) {
                    const double share = ~edge == points.forward[origin] ? 1.0 - points.fraction[origin]
                                                                         : points.fraction[origin];
                    return length[at(~edge)] * share;
                }
                return metres[at(graph.tail(edge))] + length[at(edge)];
            };
            while (open > 0) {
                const std::int32_t node = search.next(kNever);
                if (node < 0) {
                    break;
                }
                metres[at(node)] = metresTo(node);
                open -= static_cast<std::size_t>(isTail[at(node)]);
            }
            for (std::size_t target = 0; target < n; ++target) {
                const Arrival best = arrive(graph, search, weight, points, origin, points, target);
                if (best.weight >= kUnreachable) {
                    continue;
                }
                const double share = best.last == points.forward[target] ? points.fraction[target]
                                                                         : 1.0 - points.fraction[target];
                const double originShare = best.last == points.forward[origin] ? points.fraction[origin]
                                                                               : 1.0 - points.fraction[origin];
                const double total = best.direct ? length[at(best.last)] * (share - originShare)
                                                 : metres[at(graph.tail(best.last))] + length[at(best.last)] * share;
                table.weight[origin * n + target] = static_cast<std::int32_t>(best.weight);
                table.length[origin * n + target] = static_cast<float>(total);
            }
        }
    });
    return table;
}

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
                const Arrival best = arrive(graph, search, weight, origins, origin, targets, at(target));
                if (best.weight <= bound) {
                    found[origin].emplace_back(target, static_cast<std::int32_t>(best.weight));
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

std::vector<std::int32_t> path(const Graph& graph, std::span<const std::int32_t> weight, const Positions& points,
                               std::size_t origin, std::size_t target) {
    checkWeights(graph, weight.size());
    points.check(graph);
    if (origin >= points.size() || target >= points.size()) {
        throw std::invalid_argument("path: no such position");
    }
    if (same(points, origin, points, target)) {
        return {};
    }
    Search search(graph);
    search.start(weight, points, origin);
    std::vector<std::int32_t> open;
    for (const auto edge : {points.forward[target], points.backward[target]}) {
        if (edge >= 0 && weight[at(edge)] >= 0) {
            open.push_back(graph.tail(edge));
        }
    }
    while (!open.empty()) {
        const std::int32_t node = search.next(kNever);
        if (node < 0) {
            break;
        }
        std::erase(open, node);
    }
    const Arrival best = arrive(graph, search, weight, points, origin, points, target);
    if (best.weight == kNever) {
        throw std::domain_error("there is no permitted path between the two places");
    }
    std::vector<std::int32_t> edges{best.last};
    if (best.direct) {
        return edges;
    }
    std::int32_t edge = search.parent(graph.tail(best.last));
    while (edge >= 0) {
        edges.push_back(edge);
        edge = search.parent(graph.tail(edge));
    }
    edges.push_back(~edge);
    std::ranges::reverse(edges);
    return edges;
}

}  // namespace lastmile::roads
