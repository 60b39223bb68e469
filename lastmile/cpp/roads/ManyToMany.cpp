#include "ManyToMany.h"

#include <algorithm>
#include <array>
#include <functional>
#include <vector>

#include "Climb.h"
#include "Doors.h"
#include "Parallel.h"

namespace lastmile::roads {

namespace {

std::size_t at(std::int32_t index) { return static_cast<std::size_t>(index); }

// The nodes above all targets, with their arcs, packed in the order of the sweep.
struct Cone {
    std::vector<std::int32_t> rank;      // descending
    std::vector<std::int32_t> firstArc;
    std::vector<std::int32_t> from;      // position in `rank` of the arc's upper end
    std::vector<Weight> down;
    std::vector<std::int32_t> position;  // of a rank; -1 outside
};

Cone coneAbove(const Metric& metric, const std::vector<DoorPair>& targets) {
    const Hierarchy& h = metric.hierarchy();
    Cone cone;
    cone.position.assign(at(h.nodes()), -1);
    for (const auto& pair : targets) {
        for (const auto& door : pair) {
            // Whoever is in the cone already has all its ancestors there.
            std::int32_t rank = door.edge < 0 ? -1 : h.rank(door.node);
            for (; rank >= 0 && cone.position[at(rank)] < 0; rank = h.parent(rank)) {
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
                const std::int32_t length = wrappingSum(above.length[lane], over.length);
                const std::int32_t energy = wrappingSum(above.energy[lane], over.energy);
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

// How a target is arrived at: from a place in the cone, -1 where that way is closed.
struct Arrival {
    std::int32_t from = -1;
    Weight weight = kClosed;
};

std::vector<std::array<Arrival, 2>> arrivals(const Cone& cone, const Hierarchy& hierarchy,
                                             const std::vector<DoorPair>& targets) {
    std::vector<std::array<Arrival, 2>> found(targets.size());
    for (std::size_t target = 0; target < targets.size(); ++target) {
        for (std::size_t i = 0; i < 2; ++i) {
            if (const Door& door = targets[target][i]; door.edge >= 0) {
                found[target][i] = {cone.position[at(hierarchy.rank(door.node))], door.weight};
            }
        }
    }
    return found;
}

// Calls write(cell, sums) once for every pair; sums are closed where there is no path.
template <typename Write>
void allPairs(const Graph& graph, const Metric& metric, const Positions& points, int threads, Third third,
              const Write& write) {
    points.check(graph);
    const std::size_t n = points.size();
    std::vector<DoorPair> leaving;
    std::vector<DoorPair> arriving;
    for (std::size_t place = 0; place < n; ++place) {
        leaving.push_back(doors(graph, metric, points, place, true, third));
        arriving.push_back(doors(graph, metric, points, place, false, third));
    }
    const Cone cone = coneAbove(metric, arriving);
    const auto ends = arrivals(cone, metric.hierarchy(), arriving);
    // Only between two on one segment the way may be direct or nothing.
    const auto neighbours = [&](std::size_t a, std::size_t b) {
        return (points.forward[a] == points.forward[b] && points.forward[a] >= 0) ||
               (points.backward[a] == points.backward[b] && points.backward[a] >= 0);
    };
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
                    Weight best = kClosed;
                    if (neighbours(origin, target)) {
                        best = samePlace(points, origin, target)
                                   ? Weight{0, 0, 0}
                                   : direct(metric, leaving[origin], arriving[target], third);
                    }
                    for (const auto& end : ends[target]) {
                        if (end.from >= 0) {
                            const Lanes& above = lanes[at(end.from)];
                            improve(best, {above.time[lane], above.length[lane], above.energy[lane]}, end.weight);
                        }
                    }
                    write(origin * n + target, best);
                }
            }
        }
    });
}

}  // namespace

Sums manyToMany(const Graph& graph, const Metric& metric, const Positions& points, int threads) {
    const std::size_t n = points.size();
    Sums sums{Square<std::int32_t>(n), Square<std::int32_t>(n), Square<std::int32_t>(n)};
    allPairs(graph, metric, points, threads, Third::shared, [&](std::size_t cell, const Weight& sum) {
        const bool reached = sum.time < kNever;
        sums.time.cells[cell] = reached ? sum.time : kUnreachable;
        sums.length.cells[cell] = reached ? sum.length : 0;
        sums.energy.cells[cell] = reached ? sum.energy : 0;
    });
    return sums;
}

Tables travelTables(const Graph& graph, const Metric& metric, const Positions& points, int threads) {
    const std::size_t n = points.size();
    Tables tables{Square<std::int32_t>(n), Square<float>(n), Square<float>(n)};
    allPairs(graph, metric, points, threads, Third::shared, [&](std::size_t cell, const Weight& sum) {
        const bool reached = sum.time < kNever;
        tables.duration.cells[cell] = reached ? (sum.time + 999) / 1000 : kUnreachable;
        tables.distance.cells[cell] = reached ? static_cast<float>(sum.length / 100.0) : 0.0F;
        tables.energy.cells[cell] = reached ? static_cast<float>(sum.energy / 100.0) : 0.0F;
    });
    return tables;
}

Square<bool> unmarkedPaths(const Graph& graph, const Metric& metric, const Positions& points, int threads) {
    Square<bool> unmarked(points.size());
    allPairs(graph, metric, points, threads, Third::whole,
             [&](std::size_t cell, const Weight& sum) { unmarked.cells[cell] = sum.energy == 0; });
    return unmarked;
}

}  // namespace lastmile::roads
