// Weights on a customizable contraction hierarchy: laid in milliseconds.
//
// Dibbelt, Strasser, Wagner (2016). Customizable contraction hierarchies. doi:10.1145/2886843
#pragma once

#include <compare>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "Hierarchy.h"

namespace lastmile::roads {

// Sums along a fastest path: the shorter of two equally fast ones, and of those the thriftier. With this order all
// searches agree on the sums, whatever path each of them finds.
struct Weight {
    std::int32_t time;    // milliseconds
    std::int32_t length;  // centimetres
    std::int32_t energy;  // hundredths of a watt-hour

    friend auto operator<=>(const Weight&, const Weight&) = default;
    friend Weight operator+(const Weight& a, const Weight& b) {
        return {a.time + b.time, a.length + b.length, a.energy + b.energy};
    }
};

// Half of the range, so that the sum of two is still no overflow.
inline constexpr std::int32_t kNever = std::numeric_limits<std::int32_t>::max() / 2;
inline constexpr Weight kClosed{kNever, 0, 0};

// Weights laid on a hierarchy: for every arc the fastest way up and down it that uses no node above its ends.
class Metric {
public:
    // One weight per edge of the network; a negative time closes the edge.
    // Throws std::invalid_argument where their number is wrong. The hierarchy must outlive the metric.
    Metric(const Hierarchy& hierarchy, std::span<const std::int32_t> time, std::span<const std::int32_t> length,
           std::span<const std::int32_t> energy);

    [[nodiscard]] const Hierarchy& hierarchy() const { return *hierarchy_; }
    [[nodiscard]] const Weight& up(std::int32_t arc) const { return up_[static_cast<std::size_t>(arc)]; }
    [[nodiscard]] const Weight& down(std::int32_t arc) const { return down_[static_cast<std::size_t>(arc)]; }
    // Weight of an edge of the network as it was given.
    [[nodiscard]] Weight edge(std::int32_t edge) const;

    // Appends the edges of the network that the arc stands for, in the order of travel.
    void unpack(std::int32_t arc, bool upward, std::vector<std::int32_t>& edges) const;

private:
    void customize();

    const Hierarchy* hierarchy_;
    std::vector<Weight> edges_;
    std::vector<Weight> up_;
    std::vector<Weight> down_;
    // How the best way came about: a node below both ends, or ~edge of the network.
    std::vector<std::int32_t> viaUp_;
    std::vector<std::int32_t> viaDown_;
};

}  // namespace lastmile::roads
