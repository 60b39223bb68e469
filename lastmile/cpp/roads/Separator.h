// A small and balanced separator of a part of a network.
//
// Schild, Sommer (2015). On balanced separators in road networks. doi:10.1007/978-3-319-20086-6_22
#pragma once

#include <cstdint>
#include <vector>

#include "Part.h"

namespace lastmile::roads {

inline constexpr std::int32_t kBetween = -1;

// Per node of a connected part of two nodes or more: piece 0, piece 1 or kBetween. No edge leads from piece to piece.
// Each of both has about three tenths of the nodes at least, less what lies between.
[[nodiscard]] std::vector<std::int32_t> separate(const Part& part);

}  // namespace lastmile::roads
