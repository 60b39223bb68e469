#include "Search.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>
#include <utility>

#include "Parallel.h"

namespace lastmile::roads {

namespace {

std::size_t at(std::int32_t index) { return static_cast<std::size_t>(index); }

std::int32_t part(std::int32_t amount, double share) {
    return static_cast<std::int32_t>(std::llround(static_cast<double>(amount) * share));
}

Weight part(const Weight& weight, double share) {
    return {part(weight.time, share), part(weight.length, share), part(weight.energy, share)};
}

// A way between a position and the end of its edge that the search sees: the head when leaving, the tail on arrival.
struct Door {
    std::int32_t edge = -1;
    std::int32_t node = -1;
    double share = 0.0;  // position along the edge's own direction
    Weight weight = kClosed;
};

std::array<Door, 2> doors(const Graph& graph, const Metric& metric, const Positions& points, std::size_t place,
                          bool leaving) {
    std::array<Door, 2> found;
    const double fraction = points.fraction[place];
    const std::array<std::pair<std::int32_t, double>, 2> sides{
        {{points.forward[place], fraction}, {points.backward[place], 1.0 - fraction}}};
    for (std::size_t i = 0; i < 2; ++i) {
        const auto [edge, share] = sides[i];
        if (edge >= 0 && metric.edge(edge).time < kNever) {
            found[i] = {edge, leaving ? graph.head(edge) : graph.tail(edge), share,
                        part(metric.edge(edge), leaving ? 1.0 - share : share)};
        }
    }
    return found;
}

// The way along one edge without leaving it, where the target lies ahead.
Weight direct(const Metric& metric, const std::array<Door, 2>& from, const std::array<Door, 2>& to,
              std::int32_t* over = nullptr) {
    Weight best = kClosed;
    for (std::size_t i = 0; i < 2; ++i) {
        if (from[i].edge >= 0 && from[i].edge == to[i].edge && to[i].share >= from[i].share) {
            const Weight way = part(metric.edge(from[i].edge), to[i].share - from[i].share);
            if (way < best) {
                best = way;
                if (over != nullptr) {
                    *over = from[i].edge;
                }
            }
        }
    }
    return best;
}

bool samePlace(const Positions& points, std::size_t a, std::size_t b) {
    return points.fraction[a] == points.fraction[b] && points.forward[a] == points.forward[b] &&
           points.backward[a] == points.backward[b] && (points.forward[a] >= 0 || points.backward[a] >= 0);
}

// Weights from (or to) a position, on the nodes above it; cleared by walking the same way again.
class Climb {
public:
    explicit Climb(const Hierarchy& hierarchy)
        : hierarchy_(&hierarchy), weight_(at(hierarchy.nodes()), kClosed), arc_(at(hierarchy.nodes()), -1) {}

    void run(const Metric& metric, const std::array<Door, 2>& from, bool leaving) {
        const Hierarchy& h = *hierarchy_;
        for (const auto rank : visited_) {
            weight_[at(rank)] = kClosed;
            arc_[at(rank)] = -1;
        }
        visited_.clear();
        std::array<std::int32_t, 2> climbers{-1, -1};
        for (std::size_t i = 0; i < 2; ++i) {
            if (from[i].edge >= 0) {
                climbers[i] = h.rank(from[i].node);
                if (from[i].weight < weight_[at(climbers[i])]) {
                    weight_[at(climbers[i])] = from[i].weight;
                }
            }
        }
        // Two climbers meet in the elimination tree, or each ends at a root of its own; the lower one goes first.
        while (climbers[0] >= 0 || climbers[1] >= 0) {
            auto& lower = climbers[1] < 0 || (climbers[0] >= 0 && climbers[0] <= climbers[1]) ? climbers[0] : climbers[1];
            const std::int32_t rank = lower;
            visited_.push_back(rank);
            if (const Weight here = weight_[at(rank)]; here.time < kNever) {
                for (std::int32_t arc = h.begin(rank); arc < h.end(rank); ++arc) {
                    const Weight& over = leaving ? metric.up(arc) : metric.down(arc);
                    if (const Weight way = here + over; way < weight_[at(h.head(arc))]) {
                        weight_[at(h.head(arc))] = way;
                        arc_[at(h.head(arc))] = arc;
                    }
                }
            }
            if (climbers[0] == climbers[1]) {
                climbers[1] = -1;
                climbers[0] = h.parent(rank);
            } else {
                lower = h.parent(rank);
            }
        }
    }

    [[nodiscard]] const Weight& weight(std::int32_t rank) const { return weight_[at(rank)]; }
    // The arc by which the best way came to a node; -1 at a door.
    [[nodiscard]] std::int32_t arc(std::int32_t rank) const { return arc_[at(rank)]; }
    [[nodiscard]] const std::vector<std::int32_t>& visited() const { return visited_; }

private:
    const Hierarchy* hierarchy_;
    std::vector<Weight> weight_;
    std::vector<std::int32_t> arc_;
    std::vector<std::int32_t> visited_;  // ascending
};

// The nodes above all targets, with their arcs, packed in the order of the sweep.
struct Cone {
    std::vector<std::int32_t> rank;      // descending
    std::vector<std::int32_t> firstArc;
    std::vector<std::int32_t> from;      // position in `rank` of the arc's upper end
    std::vector<Weight> down;
    std::vector<std::int32_t> position;  // of a rank; -1 outside
};

Cone coneAbove(const Metric& metric, const std::vector<std::array<Door, 2>>& targets) {
    const Hierarchy& h = metric.hierarchy();
    Cone cone;
    cone.position.assign(at(h.nodes()), -1);
    for (const auto& target : targets) {
        for (const auto& door : target) {
            if (door.edge < 0) {
                continue;
            }
            for (auto rank = h.rank(door.node); rank >= 0 && cone.position[at(rank)] < 0; rank = h.parent(rank)) {
                cone.position[at(rank)] = 0;
                cone.rank.push_back(rank);
            }
        }
    }
    std::ranges::sort(cone.rank, std::greater<>());
    cone.firstArc.push_back(0);
    for (std::size_t i = 0; i < cone.rank.size(); ++i) {
        const std::int32_t rank = cone.rank[i];
        cone.position[at(rank)] = static_cast<std::int32_t>(i);
        for (std::int32_t arc = h.begin(rank); arc < h.end(rank); ++arc) {
            if (metric.down(arc).time < kNever) {
                cone.from.push_back(cone.position[at(h.head(arc))]);
                cone.down.push_back(metric.down(arc));
            }
        }
        cone.firstArc.push_back(static_cast<std::int32_t>(cone.from.size()));
    }
    return cone;
}

constexpr std::size_t kLanes = 8;  // origins swept together

struct Lanes {
    std::array<std::int32_t, kLanes> time;
    std::array<std::int32_t, kLanes> length;
    std::array<std::int32_t, kLanes> energy;
};

void sweep(const Cone& cone, std::vector<Lanes>& lanes) {
    for (std::size_t i = 0; i < cone.rank.size(); ++i) {
        Lanes best = lanes[i];
        for (std::int32_t arc = cone.firstArc[i]; arc < cone.firstArc[i + 1]; ++arc) {
            const Lanes& above = lanes[at(cone.from[at(arc)])];
            const Weight over = cone.down[at(arc)];
            for (std::size_t lane = 0; lane < kLanes; ++lane) {
                const std::int32_t time = above.time[lane] + over.time;
                const std::int32_t length = above.length[lane] + over.length;
                const std::int32_t energy = above.energy[lane] + over.energy;
                const bool better =
                    (time < best.time[lane]) |
                    ((time == best.time[lane]) &
                     ((length < best.length[lane]) | ((length == best.length[lane]) & (energy < best.energy[lane]))));
                best.time[lane] = better ? time : best.time[lane];
                best.length[lane] = better ? length : best.length[lane];
                best.energy[lane] = better ? energy : best.energy[lane];
            }
        }
        lanes[i] = best;
    }
}

}  // namespace

Sums manyToMany(const Graph& graph, const Metric& metric, const Positions& points, int threads) {
    points.check(graph);
    const std::size_t n = points.size();
    std::vector<std::array<Door, 2>> leaving(n);
    std::vector<std::array<Door, 2>> arriving(n);
    for (std::size_t place = 0; place < n; ++place) {
        leaving[place] = doors(graph, metric, points, place, true);
        arriving[place] = doors(graph, metric, points, place, false);
    }
    const Cone cone = coneAbove(metric, arriving);
    Sums sums{std::vector<std::int32_t>(n * n, kUnreachable), std::vector<std::int32_t>(n * n, 0),
              std::vector<std::int32_t>(n * n, 0)};
    const std::size_t batches = (n + kLanes - 1) / kLanes;
    parallel(batches, threads, [&](std::size_t first, std::size_t last) {
        Climb climb(metric.hierarchy());
        Lanes closed{};
        closed.time.fill(kNever);
        std::vector<Lanes> lanes(cone.rank.size());
        for (std::size_t batch = first; batch < last; ++batch) {
            std::ranges::fill(lanes, closed);
            const std::size_t start = batch * kLanes;
            const std::size_t width = std::min(kLanes, n - start);
            for (std::size_t lane = 0; lane < width; ++lane) {
                climb.run(metric, leaving[start + lane], true);
                for (const auto rank : climb.visited()) {
                    if (const auto i = cone.position[at(rank)]; i >= 0) {
                        lanes[at(i)].time[lane] = climb.weight(rank).time;
                        lanes[at(i)].length[lane] = climb.weight(rank).length;
                        lanes[at(i)].energy[lane] = climb.weight(rank).energy;
                    }
                }
            }
            sweep(cone, lanes);
            for (std::size_t lane = 0; lane < width; ++lane) {
                const std::size_t origin = start + lane;
                for (std::size_t target = 0; target < n; ++target) {
                    Weight best = samePlace(points, origin, target) ? Weight{0, 0, 0}
                                                                    : direct(metric, leaving[origin], arriving[target]);
                    for (const auto& door : arriving[target]) {
                        if (door.edge < 0) {
                            continue;
                        }
                        const Lanes& end = lanes[at(cone.position[at(metric.hierarchy().rank(door.node))])];
                        const Weight way = Weight{end.time[lane], end.length[lane], end.energy[lane]} + door.weight;
                        best = std::min(best, way);
                    }
                    if (best.time < kNever) {
                        sums.time[origin * n + target] = best.time;
                        sums.length[origin * n + target] = best.length;
                        sums.energy[origin * n + target] = best.energy;
                    }
                }
            }
        }
    });
    return sums;
}

std::vector<std::int32_t> fastestPath(const Graph& graph, const Metric& metric, const Positions& points,
                                      std::size_t origin, std::size_t target) {
    points.check(graph);
    if (origin >= points.size() || target >= points.size()) {
        throw std::invalid_argument("path: no such position");
    }
    if (samePlace(points, origin, target)) {
        return {};
    }
    const Hierarchy& h = metric.hierarchy();
    const auto from = doors(graph, metric, points, origin, true);
    const auto to = doors(graph, metric, points, target, false);
    std::int32_t along = -1;
    Weight best = direct(metric, from, to, &along);
    Climb ahead(h);
    Climb back(h);
    ahead.run(metric, from, true);
    back.run(metric, to, false);
    std::int32_t top = -1;
    for (const auto rank : ahead.visited()) {
        if (const Weight way = ahead.weight(rank) + back.weight(rank); way < best) {
            best = way;
            top = rank;
        }
    }
    if (best.time >= kNever) {
        throw std::domain_error("there is no permitted path between the two places");
    }
    if (top < 0) {
        return {along};
    }
    const auto doorAt = [&](const std::array<Door, 2>& doors, std::int32_t rank, const Weight& weight) {
        for (const auto& door : doors) {
            if (door.edge >= 0 && h.rank(door.node) == rank && door.weight == weight) {
                return door.edge;
            }
        }
        throw std::logic_error("path: a climb does not begin at a door");
    };
    std::vector<std::int32_t> climbed;
    std::int32_t rank = top;
    for (std::int32_t arc = ahead.arc(rank); arc >= 0; arc = ahead.arc(rank)) {
        climbed.push_back(arc);
        rank = h.tail(arc);
    }
    std::vector<std::int32_t> edges{doorAt(from, rank, ahead.weight(rank))};
    for (auto arc = climbed.rbegin(); arc != climbed.rend(); ++arc) {
        metric.unpack(*arc, true, edges);
    }
    rank = top;
    for (std::int32_t arc = back.arc(rank); arc >= 0; arc = back.arc(rank)) {
        metric.unpack(arc, false, edges);
        rank = h.tail(arc);
    }
    edges.push_back(doorAt(to, rank, back.weight(rank)));
    return edges;
}

}  // namespace lastmile::roads
