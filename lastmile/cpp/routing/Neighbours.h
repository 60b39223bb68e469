#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "routing/Problem.h"

namespace lastmile::routing {

/// For every visit the others that it is likely to be next to, nearest first.
///
/// Near is what takes little way and, where windows say so, little waiting and no delay: the proximity of Vidal,
/// Crainic, Gendreau & Prins (2013), section 4.5, doi:10.1016/j.cor.2012.07.018. Companions also have a vehicle type in
/// common. Where requests have several options, lists are longer by their mean number, as one option of each is in use;
/// where vehicles may not serve all, companions' are, as many are in trips that the visit cannot join.
/// Memory: visits times `most`, times these numbers (8 and 4 at most).
class Neighbours {
public:
    Neighbours(const Problem& problem, int32_t most, bool companions);

    std::span<const int32_t> of(int32_t visit) const {
        return {lists.data() + static_cast<size_t>(visit) * width, static_cast<size_t>(width)};
    }
    /// Mean arc to a visit's ten nearest: the scale of the temperatures.
    double meanMetres() const { return metres; }
    double meanSeconds() const { return seconds; }

private:
    int32_t width;
    double metres = 0, seconds = 0;
    std::vector<int32_t> lists;
};

}  // namespace lastmile::routing
