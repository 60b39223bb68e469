// Nodes with at most two neighbours: they come first in any good node order.
//
// Taking out a dead end adds nothing to the network, taking out a node between two others joins these. What is left is
// smaller, and cuts of it are no worse.
#pragma once

#include <cstdint>
#include <vector>

#include "Part.h"

namespace lastmile::roads {

struct Reduced {
    std::vector<std::int32_t> taken;  // nodes that were taken out, in their order
    std::vector<std::int32_t> left;   // ascending; what `rest` calls 0, 1, ...
    Undirected rest;
};

[[nodiscard]] Reduced withoutLowDegree(Undirected whole);

}  // namespace lastmile::roads
