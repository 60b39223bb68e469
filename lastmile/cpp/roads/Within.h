// What lies within a bound of many origins: bounded Dijkstra searches between positions on edges.
//
// Weights are integers (milliseconds or millimetres), negative where an edge is closed. A part of an edge costs its
// share of the weight, rounded to the nearest.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "Graph.h"

namespace lastmile::roads {

struct Rows {
    std::vector<std::int64_t> offset;   // of the origins
    std::vector<std::int32_t> target;   // ascending within a row
    std::vector<std::int32_t> weight;   // of the shortest path, at most the bound
};

// For every origin the targets within `bound`, sparse; `threads` origins at a time.
// Throws std::invalid_argument where sizes do not fit the graph.
[[nodiscard]] Rows within(const Graph& graph, std::span<const std::int32_t> weight, const Positions& origins,
                          const Positions& targets, std::int32_t bound, int threads);

}  // namespace lastmile::roads
