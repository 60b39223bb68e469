// A node order for small parts of a network: the node with the fewest neighbours first.
//
// Tinney, Walker (1967). Direct solutions of sparse network equations by optimally ordered triangular factorization.
// doi:10.1109/PROC.1967.6011
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "Part.h"

namespace lastmile::roads {

inline constexpr std::size_t kSmallPart = 256;

// Writes the names of a part's nodes, at most kSmallPart, in their order. As a node is taken out, its neighbours become
// neighbours of each other. Neighbours outside the part count too: what separates the part from the rest comes later.
void minimumDegree(const Part& part, const Undirected& whole, std::span<std::int32_t> order);

}  // namespace lastmile::roads
