// Linear programs of a few unknowns.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace lastmile::routing {

// The least value of unknown `which` of `unknowns`, none of which is below 0, where every row (a constant, then a
// coefficient of each unknown) is at least 0 but for `tolerance`; the unknowns that have it are written to `at`. Nothing
// where the rows contradict each other.
//
// Dual simplex with Bland's rule: the origin is the least there is, rows that it breaks are mended one by one. Lemke
// (1954), doi:10.1002/nav.3800010107; Bland (1977), doi:10.1287/moor.2.2.103
std::optional<double> least(std::span<const double> rows, std::size_t unknowns, std::size_t which, double tolerance,
                            std::vector<double>& at);

}  // namespace lastmile::routing
