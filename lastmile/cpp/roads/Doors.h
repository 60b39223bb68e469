// Where positions on edges meet the nodes of the graph: what searches begin and end with.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "Graph.h"
#include "Metric.h"

namespace lastmile::roads {

// What a part of an edge takes of its third sum: its share, or all of it as soon as any of the edge is used (where the
// third sum counts edges).
enum class Third { shared, whole };

// A way between a position and the end of its edge that a search sees: the head when leaving, the tail on arrival.
struct Door {
    std::int32_t edge = -1;
    std::int32_t node = -1;
    double share = 0.0;  // position along the edge's own direction
    Weight weight = kClosed;
};
using DoorPair = std::array<Door, 2>;  // along the segment and against it; edge -1 where that way is closed

// A part of an edge weighs its share of each sum, rounded to the nearest.
[[nodiscard]] DoorPair doors(const Graph& graph, const Metric& metric, const Positions& points, std::size_t place,
                             bool leaving, Third third = Third::shared);

// The way along one edge without leaving it, where the target lies ahead; `over` receives the edge.
[[nodiscard]] Weight direct(const Metric& metric, const DoorPair& from, const DoorPair& to,
                            Third third = Third::shared, std::int32_t* over = nullptr);

// Whoever stands at a place is there already, even while the road is closed to driving.
[[nodiscard]] bool samePlace(const Positions& points, std::size_t a, std::size_t b);

}  // namespace lastmile::roads
