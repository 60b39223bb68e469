#include "NodeOrder.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <stdexcept>
#include <utility>

#include "EliminationTree.h"
#include "LowDegree.h"
#include "MinimumDegree.h"
#include "Parallel.h"
#include "Part.h"
#include "Separator.h"

namespace lastmile::roads {

namespace {

using Ids = std::vector<std::int32_t>;

std::size_t at(std::int32_t index) { return static_cast<std::size_t>(index); }

// Writes the names of a part's nodes: piece after piece, what separates them behind them.
void dissect(Part part, const Undirected& whole, std::span<std::int32_t> order, int threads) {
    if (part.size() <= kSmallPart) {
        minimumDegree(part, whole, order);
        return;
    }
    Ids piece;
    std::size_t pieces = components(part, piece);
    if (pieces == 1) {
        piece = separate(part);
        pieces = 2;
    }
    auto last = order.end();
    for (std::size_t node = part.size(); node-- > 0;) {
        if (piece[node] == kBetween) {
            *--last = part.name[node];
        }
    }
    std::vector<Part> parts = cut(part, piece, pieces);
    part = Part{};
    std::vector<std::size_t> first{0};
    for (const Part& found : parts) {
        first.push_back(first.back() + found.size());
    }
    parallel(parts.size(), threads, [&](std::size_t from, std::size_t to) {
        for (std::size_t i = from; i < to; ++i) {
            dissect(std::move(parts[i]), whole, order.subspan(first[i], first[i + 1] - first[i]), threads / 2);
        }
    });
}

}  // namespace

Ids nestedDissection(const Graph& graph, std::span<const double> x, std::span<const double> y, int threads) {
    if (std::cmp_not_equal(x.size(), graph.nodes()) || x.size() != y.size()) {
        throw std::invalid_argument("node order: one place per node is needed");
    }
    const auto finite = [](double value) { return std::isfinite(value); };
    if (!std::ranges::all_of(x, finite) || !std::ranges::all_of(y, finite)) {
        throw std::invalid_argument("node order: places must be finite");
    }
    const Undirected whole = undirected(graph);
    const Reduced reduced = withoutLowDegree(whole);
    std::vector<double> east;
    std::vector<double> north;
    for (const auto node : reduced.left) {
        east.push_back(x[at(node)]);
        north.push_back(y[at(node)]);
    }
    Ids inner(reduced.left.size());
    dissect(wholePart(reduced.rest, east, north), reduced.rest, inner, threads);
    Ids order = reduced.taken;
    for (const auto node : inner) {
        order.push_back(reduced.left[at(node)]);
    }
    return branchesTogether(whole, order);
}

}  // namespace lastmile::roads
