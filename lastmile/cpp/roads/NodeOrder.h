// A node order for contraction by nested dissection: separators last, found by inertial flow.
//
// Schild, Sommer (2015). On balanced separators in road networks. doi:10.1007/978-3-319-20086-6_22
// Dibbelt, Strasser, Wagner (2016). Customizable contraction hierarchies. doi:10.1145/2886843
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "Graph.h"

namespace lastmile::roads {

// Returns the nodes by ascending rank. Directions of edges do not matter, places (x, y) only guide the cuts.
// Throws std::invalid_argument where there is not one place per node.
[[nodiscard]] std::vector<std::int32_t> nestedDissection(const Graph& graph, std::span<const double> x,
                                                         std::span<const double> y);

}  // namespace lastmile::roads
