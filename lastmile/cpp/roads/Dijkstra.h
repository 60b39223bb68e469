// Shortest paths by Dijkstra's algorithm between positions on edges.
//
// Weights are integers (milliseconds or millimetres), negative where an edge is closed. A part of an edge costs its
// share of the weight, rounded to the nearest.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "Graph.h"

namespace lastmile::roads {

struct Table {
    std::vector<std::int32_t> weight;  // row = origin; kUnreachable where there is no path
    std::vector<float> length;         // metres along that path
};

// All pairs of positions, one search per origin, `threads` at a time.
// Throws std::invalid_argument where sizes do not fit the graph.
[[nodiscard]] Table manyToMany(const Graph& graph, std::span<const std::int32_t> weight,
                               std::span<const double> length, const Positions& points, int threads);

struct Rows {
    std::vector<std::int64_t> offset;   // of the origins
    std::vector<std::int32_t> target;   // ascending within a row
    std::vector<std::int32_t> weight;   // of the shortest path, at most the bound
};

// For every origin the targets within `bound`, sparse.
[[nodiscard]] Rows within(const Graph& graph, std::span<const std::int32_t> weight, const Positions& origins,
                          const Positions& targets, std::int32_t bound, int threads);

// Edges of the shortest path from one position to another, the partly used first and last included; empty where both
// are the same place. Throws std::domain_error where there is none.
[[nodiscard]] std::vector<std::int32_t> path(const Graph& graph, std::span<const std::int32_t> weight,
                                             const Positions& points, std::size_t origin, std::size_t target);

}  // namespace lastmile::roads
