// Weights on a customizable contraction hierarchy: laid in milliseconds, a few changed ones in a fraction of that.
//
// Dibbelt, Strasser, Wagner (2016). Customizable contraction hierarchies. doi:10.1145/2886843
#pragma once

#include <compare>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <vector>

#include "Hierarchy.h"

namespace lastmile::roads {

// Lengths and energies of a path stay in range unless a map or a vehicle is absurd (21,000 km in 298 hours): then they
// wrap around, which is defined, instead of overflowing. Times cannot: see kNever.
inline std::int32_t wrappingSum(std::int32_t a, std::int32_t b) {
    return static_cast<std::int32_t>(static_cast<std::uint32_t>(a) + static_cast<std::uint32_t>(b));
}

// Sums along a fastest path: the shorter of two equally fast ones, and of those the thriftier. With this order all
// searches agree on the sums, whatever path each of them finds.
struct Weight {
    std::int32_t time;    // milliseconds
    std::int32_t length;  // centimetres
    std::int32_t energy;  // hundredths of a watt-hour; below 0 where a descent gives some back

    friend auto operator<=>(const Weight&, const Weight&) = default;
    friend Weight operator+(const Weight& a, const Weight& b) {
        return {a.time + b.time, wrappingSum(a.length, b.length), wrappingSum(a.energy, b.energy)};
    }
};

// Half of the range, so that the sum of two is still no overflow.
inline constexpr std::int32_t kNever = std::numeric_limits<std::int32_t>::max() / 2;
inline constexpr Weight kClosed{kNever, 0, 0};

// What edges of the network weigh; a negative time, or one of kNever and more, closes the edge.
struct Weights {
    std::span<const std::int32_t> time;
    std::span<const std::int32_t> length;
    std::span<const std::int32_t> energy;

    // Throws std::invalid_argument where there are not `count` of each, an open edge's length is negative, or one that
    // takes neither time nor length gives energy back (to go round on it for ever would pay).
    void check(std::size_t count) const;
    [[nodiscard]] Weight operator[](std::size_t i) const {
        return time[i] < 0 || time[i] >= kNever ? kClosed : Weight{time[i], length[i], energy[i]};
    }
};

// Takes the way over two others where it is better. Mostly the time decides.
inline bool improve(Weight& best, const Weight& a, const Weight& b) {
    const std::int32_t time = a.time + b.time;
    if (time > best.time) [[likely]] {
        return false;
    }
    const Weight way = a + b;
    if (!(way < best)) {
        return false;
    }
    best = way;
    return true;
}

inline constexpr std::int32_t kNone = std::numeric_limits<std::int32_t>::max();

// For every arc the fastest way up and down it that uses no node above its ends.
class Metric {
public:
    // One weight per edge of the network, see Weights::check.
    Metric(std::shared_ptr<const Hierarchy> hierarchy, const Weights& weights);

    [[nodiscard]] const Hierarchy& hierarchy() const { return *hierarchy_; }
    [[nodiscard]] const Weight& up(std::int32_t arc) const { return ways_[static_cast<std::size_t>(arc)].up; }
    [[nodiscard]] const Weight& down(std::int32_t arc) const { return ways_[static_cast<std::size_t>(arc)].down; }
    // Weight of an edge of the network as it was given.
    [[nodiscard]] const Weight& edge(std::int32_t edge) const { return edges_[static_cast<std::size_t>(edge)]; }

    // Gives some edges new weights; of an edge that is named twice the last counts. Afterwards all sums are those of a
    // metric made afresh; among equal ways another may have been kept. Returns the number of arcs that were set anew.
    // Throws std::invalid_argument where an edge does not exist, or as Weights::check does, and then changes nothing.
    std::int32_t update(std::span<const std::int32_t> edges, const Weights& weights);

    // Appends the edges of the network that the arc stands for, in the order of travel.
    void unpack(std::int32_t arc, bool upward, std::vector<std::int32_t>& edges) const;

private:
    class Update;

    // Both directions side by side: whoever needs one needs the other (measured a third faster than apart).
    struct Ways {
        Weight up;
        Weight down;
    };

    void customize();

    std::shared_ptr<const Hierarchy> hierarchy_;
    std::vector<Weight> edges_;
    std::vector<Ways> ways_;
    // How the best way came about: a node below both ends, ~edge of the network, or kNone where there is no way.
    std::vector<std::int32_t> viaUp_;
    std::vector<std::int32_t> viaDown_;
    // Scratch space of updates: marks of arcs, 0 between updates; the arc to a node in hand, -1 between updates.
    std::vector<std::uint8_t> marks_;
    std::vector<std::int32_t> slots_;
};

}  // namespace lastmile::roads
