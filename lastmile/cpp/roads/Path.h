// One fastest path, edge by edge.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "Graph.h"
#include "Metric.h"

namespace lastmile::roads {

// Edges of a fastest path, the partly used first and last included; empty where both are one position.
// Throws std::domain_error where there is none.
[[nodiscard]] std::vector<std::int32_t> fastestPath(const Graph& graph, const Metric& metric, const Positions& points,
                                                    std::size_t origin, std::size_t target);

}  // namespace lastmile::roads
