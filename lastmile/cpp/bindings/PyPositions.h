// Positions on edges as Python holds them: keeps the arrays alive beside the spans into them.
#pragma once

#include <cstdint>

#include "Arrays.h"
#include "roads/Graph.h"

namespace lastmile::bindings {

struct PyPositions {
    Array<std::int32_t> forward;
    Array<std::int32_t> backward;
    Array<double> fraction;

    [[nodiscard]] roads::Positions spans() const { return {view(forward), view(backward), view(fraction)}; }
};

}  // namespace lastmile::bindings
