// The road graph as compressed rows, and positions on its edges.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace lastmile::roads {

inline constexpr std::int32_t kUnreachable = std::numeric_limits<std::int32_t>::max();

// Directed graph: edges of node v are firstOut[v] .. firstOut[v + 1] - 1.
class Graph {
public:
    // Throws std::invalid_argument where the rows do not describe a graph.
    Graph(std::vector<std::int32_t> firstOut, std::vector<std::int32_t> head);

    [[nodiscard]] std::int32_t nodes() const { return static_cast<std::int32_t>(firstOut_.size()) - 1; }
    [[nodiscard]] std::int32_t edges() const { return static_cast<std::int32_t>(head_.size()); }
    [[nodiscard]] std::int32_t begin(std::int32_t node) const { return firstOut_[static_cast<std::size_t>(node)]; }
    [[nodiscard]] std::int32_t end(std::int32_t node) const { return firstOut_[static_cast<std::size_t>(node) + 1]; }
    [[nodiscard]] std::int32_t head(std::int32_t edge) const { return head_[static_cast<std::size_t>(edge)]; }
    [[nodiscard]] std::int32_t tail(std::int32_t edge) const { return tail_[static_cast<std::size_t>(edge)]; }

private:
    std::vector<std::int32_t> firstOut_;
    std::vector<std::int32_t> head_;
    std::vector<std::int32_t> tail_;
};

// Positions on segments. A segment may be entered along `forward`, against it by `backward`; -1: not permitted.
// `fraction` in [0, 1] is measured along the forward direction.
struct Positions {
    std::span<const std::int32_t> forward;
    std::span<const std::int32_t> backward;
    std::span<const double> fraction;

    [[nodiscard]] std::size_t size() const { return fraction.size(); }
    // Throws std::invalid_argument where sizes differ, an edge does not exist or a fraction is outside [0, 1].
    void check(const Graph& graph) const;
};

}  // namespace lastmile::roads
