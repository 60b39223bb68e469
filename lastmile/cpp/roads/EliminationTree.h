// The elimination tree of a node order, and the order in which its branches stand together.
//
// Liu (1990). The role of elimination trees in sparse factorization. doi:10.1137/0611010
#pragma once

#include <cstdint>
#include <vector>

#include "Part.h"

namespace lastmile::roads {

// The same order as far as it matters: of two nodes that share an arc, the lower stays the lower, so that the hierarchy
// is the same; but nodes stand as near as can be to the nodes above them, which is kind to caches.
[[nodiscard]] std::vector<std::int32_t> branchesTogether(const Undirected& whole,
                                                         const std::vector<std::int32_t>& order);

}  // namespace lastmile::roads
