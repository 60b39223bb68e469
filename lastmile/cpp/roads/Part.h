// Networks on their way to a node order: without directions, whole or in parts.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "Graph.h"

namespace lastmile::roads {

// Nodes are 0 .. size-1; every edge is stored at both ends, none twice, and none leads to its own tail.
struct Undirected {
    std::vector<std::int32_t> firstOut;
    std::vector<std::int32_t> head;

    [[nodiscard]] std::size_t size() const { return firstOut.size() - 1; }
    [[nodiscard]] std::int32_t begin(std::int32_t node) const { return firstOut[static_cast<std::size_t>(node)]; }
    [[nodiscard]] std::int32_t end(std::int32_t node) const { return firstOut[static_cast<std::size_t>(node) + 1]; }
};

[[nodiscard]] Undirected undirected(const Graph& graph);

inline constexpr std::size_t kDirections = 4;  // east, north and the diagonals between

struct Part : Undirected {
    std::vector<std::int32_t> name;     // of a node in the whole
    std::vector<std::int32_t> reverse;  // the same edge as seen from its other end
    std::array<std::vector<std::int32_t>, kDirections> sorted;  // nodes along each direction
};

// The whole as a part of itself. Places only guide the cuts; they must be finite.
[[nodiscard]] Part wholePart(const Undirected& whole, std::span<const double> x, std::span<const double> y);

// Numbers the connected components of a part: one number per node, and how many there are.
[[nodiscard]] std::size_t components(const Part& part, std::vector<std::int32_t>& piece);

// Cuts a part into pieces: `piece` numbers them per node, -1 where a node is in none. Edges between pieces are lost.
[[nodiscard]] std::vector<Part> cut(const Part& whole, const std::vector<std::int32_t>& piece, std::size_t pieces);

}  // namespace lastmile::roads
