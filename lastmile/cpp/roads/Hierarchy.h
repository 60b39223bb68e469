// Customizable contraction hierarchy: the shape, made once per network; weights are laid on it by Metric.
//
// Dibbelt, Strasser, Wagner (2016). Customizable contraction hierarchies. doi:10.1145/2886843
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "Graph.h"

namespace lastmile::roads {

// The contracted graph without weights. Nodes are named by rank; every arc leads from a lower rank to a higher.
class Hierarchy {
public:
    // `order` holds the nodes by ascending rank. Throws std::invalid_argument where it is no permutation.
    Hierarchy(const Graph& graph, std::span<const std::int32_t> order);

    [[nodiscard]] std::int32_t nodes() const { return static_cast<std::int32_t>(firstUp_.size()) - 1; }
    [[nodiscard]] std::int32_t arcs() const { return static_cast<std::int32_t>(head_.size()); }
    [[nodiscard]] std::int32_t edges() const { return static_cast<std::int32_t>(edgeArc_.size()); }
    [[nodiscard]] std::int32_t rank(std::int32_t node) const { return rank_[static_cast<std::size_t>(node)]; }
    // The nodes by ascending rank, as the constructor takes them.
    [[nodiscard]] std::vector<std::int32_t> order() const;
    [[nodiscard]] std::int32_t begin(std::int32_t rank) const { return firstUp_[static_cast<std::size_t>(rank)]; }
    [[nodiscard]] std::int32_t end(std::int32_t rank) const { return firstUp_[static_cast<std::size_t>(rank) + 1]; }
    [[nodiscard]] std::int32_t head(std::int32_t arc) const { return head_[static_cast<std::size_t>(arc)]; }
    [[nodiscard]] std::int32_t tail(std::int32_t arc) const { return tail_[static_cast<std::size_t>(arc)]; }
    // The next ancestor in the elimination tree; -1 at a root.
    [[nodiscard]] std::int32_t parent(std::int32_t rank) const {
        return begin(rank) < end(rank) ? head(begin(rank)) : -1;
    }
    // The arc between two nodes, the lower one first. There must be one.
    [[nodiscard]] std::int32_t arc(std::int32_t low, std::int32_t high) const {
        const auto last = head_.begin() + end(low);
        return static_cast<std::int32_t>(std::lower_bound(head_.begin() + begin(low), last, high) - head_.begin());
    }
    // Arcs that lead up to a node from below, by ascending tail.
    [[nodiscard]] std::span<const std::int32_t> below(std::int32_t rank) const;
    // The arc over which an edge of the network lies, -1 for a loop, and whether the edge leads up it.
    [[nodiscard]] std::int32_t arcOf(std::int32_t edge) const { return edgeArc_[static_cast<std::size_t>(edge)]; }
    // Edges of the network whose lower end a node is.
    [[nodiscard]] std::span<const std::int32_t> edgesFrom(std::int32_t rank) const;
    [[nodiscard]] bool leadsUp(std::int32_t edge) const { return edgeUp_[static_cast<std::size_t>(edge)] != 0; }

private:
    std::vector<std::int32_t> rank_;
    std::vector<std::int32_t> firstUp_;
    std::vector<std::int32_t> head_;
    std::vector<std::int32_t> tail_;
    std::vector<std::int32_t> firstBelow_;
    std::vector<std::int32_t> below_;
    std::vector<std::int32_t> edgeArc_;
    std::vector<char> edgeUp_;
    std::vector<std::int32_t> firstEdge_;
    std::vector<std::int32_t> edgesByTail_;
};

}  // namespace lastmile::roads
