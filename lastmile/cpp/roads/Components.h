// Strongly connected components: which nodes reach each other both ways.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "Graph.h"

namespace lastmile::roads {

// For every node the number of its component, 0, 1, ... without gaps; only edges whose `open` is not 0 are used.
// Throws std::invalid_argument where `open` has not one entry per edge.
[[nodiscard]] std::vector<std::int32_t> strongComponents(const Graph& graph, std::span<const std::uint8_t> open);

}  // namespace lastmile::roads
