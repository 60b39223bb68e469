// A node order for contraction by nested dissection: separators last.
//
// George (1973). Nested dissection of a regular finite element mesh. doi:10.1137/0710032
// Dibbelt, Strasser, Wagner (2016). Customizable contraction hierarchies. doi:10.1145/2886843
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "Graph.h"

namespace lastmile::roads {

// Returns the nodes by ascending rank. Directions of edges do not matter, places (x, y) only guide the cuts. The order
// does not depend on the number of threads.
// Throws std::invalid_argument where there is not one finite place per node.
[[nodiscard]] std::vector<std::int32_t> nestedDissection(const Graph& graph, std::span<const double> x,
                                                         std::span<const double> y, int threads = 1);

}  // namespace lastmile::roads
