// Maximum flow with unit capacities between the two ends of a direction, which may grow while the flow is kept.
//
// Ford, Fulkerson (1956), doi:10.4153/CJM-1956-045-5, with many disjoint paths per search, straight ahead first. Growing
// ends: Hamann, Strasser (2018). Graph bisection with Pareto optimization. doi:10.1145/3173045
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "Part.h"

namespace lastmile::roads {

class Flow {
public:
    explicit Flow(const Part& part);

    // Begins anew along a direction: the part's nodes in its order.
    void start(std::span<const std::int32_t> sorted);
    // Makes the first and the last so many nodes sources and sinks; never fewer than before.
    void widen(std::size_t nodes);
    // Pushes flow until it is at its maximum (true) or reaches a limit (false).
    bool saturate(int limit);

    [[nodiscard]] int value() const { return value_; }
    // After saturate: nodes on the sources' side of the cut that is nearest to them, and their number.
    [[nodiscard]] bool reached(std::int32_t node) const {
        return nodes_[static_cast<std::size_t>(node)].seen == kReached;
    }
    [[nodiscard]] std::size_t reachedCount() const { return reached_; }

private:
    static constexpr std::int32_t kReached = std::numeric_limits<std::int32_t>::max();

    struct Node {
        std::int32_t place;  // along the direction
        std::int32_t seen;   // the last search that came by; kReached for sources and what they reach for good
    };

    bool augment(std::int32_t source);

    const Part* part_;
    std::span<const std::int32_t> sorted_;
    std::vector<Node> nodes_;
    std::vector<signed char> flow_;   // of edges, -1 .. 1
    std::vector<std::int32_t> rim_;   // sources that may have neighbours that are none
    std::vector<std::int32_t> seen_;  // by the search in hand
    std::vector<std::int32_t> path_;
    std::int32_t search_ = 0;
    std::int32_t firstSink_ = 0;      // place
    std::size_t ends_ = 0;            // number of sources, and of sinks
    std::size_t reached_ = 0;
    int value_ = 0;
};

}  // namespace lastmile::roads
