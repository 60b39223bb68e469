// The search from one position to all nodes above it in the hierarchy.
#pragma once

#include <cstdint>
#include <vector>

#include "Doors.h"
#include "Metric.h"

namespace lastmile::roads {

// Weights from (or to) a position, on the nodes above it; cleared by walking the same way again.
class Climb {
public:
    explicit Climb(const Hierarchy& hierarchy);

    void run(const Metric& metric, const DoorPair& from, bool leaving);

    [[nodiscard]] const Weight& weight(std::int32_t rank) const { return weight_[static_cast<std::size_t>(rank)]; }
    // The arc by which the best way came to a node; -1 at a door.
    [[nodiscard]] std::int32_t arc(std::int32_t rank) const { return arc_[static_cast<std::size_t>(rank)]; }
    // Ascending.
    [[nodiscard]] const std::vector<std::int32_t>& visited() const { return visited_; }

private:
    const Hierarchy* hierarchy_;
    std::vector<Weight> weight_;
    std::vector<std::int32_t> arc_;
    std::vector<std::int32_t> visited_;
};

}  // namespace lastmile::roads
