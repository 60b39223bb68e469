#include "Graph.h"

#include <stdexcept>
#include <string>
#include <utility>

namespace lastmile::roads {

Graph::Graph(std::vector<std::int32_t> firstOut, std::vector<std::int32_t> head)
    : firstOut_(std::move(firstOut)), head_(std::move(head)) {
    if (firstOut_.empty() || firstOut_.front() != 0 || std::cmp_not_equal(firstOut_.back(), head_.size())) {
        throw std::invalid_argument("first_out must start at 0 and end at the number of edges");
    }
    // All rows are checked before the first is walked: one that ends too late would be followed past the edges.
    for (std::int32_t node = 0; node < nodes(); ++node) {
        if (begin(node) > end(node)) {
            throw std::invalid_argument("first_out decreases at node " + std::to_string(node));
        }
    }
    tail_.resize(head_.size());
    for (std::int32_t node = 0; node < nodes(); ++node) {
        for (std::int32_t edge = begin(node); edge < end(node); ++edge) {
            tail_[static_cast<std::size_t>(edge)] = node;
        }
    }
    for (std::size_t edge = 0; edge < head_.size(); ++edge) {
        if (head_[edge] < 0 || head_[edge] >= nodes()) {
            throw std::invalid_argument("edge " + std::to_string(edge) + " leads to a node that does not exist");
        }
    }
}

void Positions::check(const Graph& graph) const {
    if (forward.size() != size() || backward.size() != size()) {
        throw std::invalid_argument("positions: forward, backward and fraction must have one length");
    }
    for (std::size_t i = 0; i < size(); ++i) {
        if (forward[i] >= graph.edges() || backward[i] >= graph.edges() || !(fraction[i] >= 0.0 && fraction[i] <= 1.0)) {
            throw std::invalid_argument("position " + std::to_string(i) + " is not on the graph");
        }
    }
}

}  // namespace lastmile::roads
