// Tables and paths between positions on edges, over a customized hierarchy.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "Graph.h"
#include "Metric.h"

namespace lastmile::roads {

struct Sums {
    std::vector<std::int32_t> time;    // milliseconds, row = origin; kUnreachable where there is no path
    std::vector<std::int32_t> length;  // centimetres along that path
    std::vector<std::int32_t> energy;  // hundredths of a watt-hour along that path
};

// All pairs of positions: one upward search per origin, then a sweep over the nodes above the targets, for several
// origins at once and `threads` at a time. A part of an edge costs its share of each sum, rounded to the nearest.
//
// Delling, Goldberg, Werneck (2011). Faster batched shortest paths in road networks. doi:10.4230/OASIcs.ATMOS.2011.52
[[nodiscard]] Sums manyToMany(const Graph& graph, const Metric& metric, const Positions& points, int threads);

// Edges of a fastest path, the partly used first and last included; empty where both are one position.
// Throws std::domain_error where there is none.
[[nodiscard]] std::vector<std::int32_t> fastestPath(const Graph& graph, const Metric& metric, const Positions& points,
                                                    std::size_t origin, std::size_t target);

}  // namespace lastmile::roads
