#include "EliminationTree.h"

#include <cstddef>

namespace lastmile::roads {

namespace {

using Ids = std::vector<std::int32_t>;

std::size_t at(std::int32_t index) { return static_cast<std::size_t>(index); }

// The next node above each in the tree, -1 at a root; all by rank.
Ids parents(const Undirected& whole, const Ids& order) {
    Ids rank(order.size());
    for (std::size_t r = 0; r < order.size(); ++r) {
        rank[at(order[r])] = static_cast<std::int32_t>(r);
    }
    Ids parent(order.size(), -1);
    Ids ancestor(order.size(), -1);  // a short cut up the tree as far as it is known
    for (std::int32_t r = 0; r < static_cast<std::int32_t>(order.size()); ++r) {
        const auto node = order[at(r)];
        for (auto edge = whole.begin(node); edge < whole.end(node); ++edge) {
            std::int32_t below = rank[at(whole.head[at(edge)])];
            while (below < r) {
                const auto next = ancestor[at(below)];
                ancestor[at(below)] = r;
                if (next < 0) {
                    parent[at(below)] = r;
                    break;
                }
                below = next;
            }
        }
    }
    return parent;
}

}  // namespace

Ids branchesTogether(const Undirected& whole, const Ids& order) {
    const Ids parent = parents(whole, order);
    // Places from the end: a node's branch takes those just before it. Sizes first, then places from the roots down.
    Ids size(order.size(), 1);
    for (std::size_t r = 0; r < order.size(); ++r) {
        if (parent[r] >= 0) {
            size[at(parent[r])] += size[r];
        }
    }
    Ids found(order.size());
    Ids free(order.size());  // where the next branch below a node ends
    auto end = static_cast<std::int32_t>(order.size());
    for (std::size_t r = order.size(); r-- > 0;) {
        std::int32_t& last = parent[r] >= 0 ? free[at(parent[r])] : end;
        found[at(last - 1)] = order[r];
        free[r] = last - 1;
        last -= size[r];
    }
    return found;
}

}  // namespace lastmile::roads
