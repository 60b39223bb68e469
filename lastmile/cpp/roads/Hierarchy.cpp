#include "Hierarchy.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <utility>

namespace lastmile::roads {

namespace {

std::size_t at(std::int32_t index) { return static_cast<std::size_t>(index); }

std::span<const std::int32_t> row(const std::vector<std::int32_t>& values, const std::vector<std::int32_t>& first,
                                  std::int32_t index) {
    const auto begin = at(first[at(index)]);
    return std::span(values).subspan(begin, at(first[at(index) + 1]) - begin);
}

// An arc's number, and twice it, must fit into 32 bits.
constexpr std::size_t kMostArcs = std::numeric_limits<std::int32_t>::max() / 2;

}  // namespace

Hierarchy::Hierarchy(const Graph& graph, std::span<const std::int32_t> order) {
    const std::int32_t n = graph.nodes();
    if (std::cmp_not_equal(order.size(), n)) {
        throw std::invalid_argument("hierarchy: the order must name every node");
    }
    rank_.assign(at(n), -1);
    for (std::int32_t r = 0; r < n; ++r) {
        const std::int32_t node = order[at(r)];
        if (node < 0 || node >= n || rank_[at(node)] >= 0) {
            throw std::invalid_argument("hierarchy: the order must name every node once");
        }
        rank_[at(node)] = r;
    }
    // Neighbours above, then contract from below: a node's neighbours become its lowest neighbour's as well.
    std::vector<std::vector<std::int32_t>> above(at(n));
    for (std::int32_t edge = 0; edge < graph.edges(); ++edge) {
        const auto [low, high] = std::minmax({rank(graph.tail(edge)), rank(graph.head(edge))});
        if (low != high) {
            above[at(low)].push_back(high);
        }
    }
    std::vector<std::int32_t> merged;
    firstUp_.reserve(at(n) + 1);
    firstUp_.push_back(0);
    for (std::int32_t r = 0; r < n; ++r) {
        auto& heads = above[at(r)];
        std::ranges::sort(heads);
        heads.erase(std::ranges::unique(heads).begin(), heads.end());
        if (heads.size() > 1) {
            auto& inherits = above[at(heads.front())];
            inherits.insert(inherits.end(), heads.begin() + 1, heads.end());
            // Kept short now and then, so that a node with many children does not collect repetitions.
            if (inherits.size() > 256) {
                std::ranges::sort(inherits);
                inherits.erase(std::ranges::unique(inherits).begin(), inherits.end());
            }
        }
        if (head_.size() + heads.size() > kMostArcs) {
            throw std::invalid_argument("hierarchy: too many arcs; the order does not suit the graph");
        }
        head_.insert(head_.end(), heads.begin(), heads.end());
        tail_.insert(tail_.end(), heads.size(), r);
        firstUp_.push_back(static_cast<std::int32_t>(head_.size()));
        std::vector<std::int32_t>().swap(heads);
    }
    firstBelow_.assign(at(n) + 1, 0);
    for (const auto head : head_) {
        ++firstBelow_[at(head) + 1];
    }
    std::partial_sum(firstBelow_.begin(), firstBelow_.end(), firstBelow_.begin());
    below_.resize(head_.size());
    auto next = firstBelow_;
    for (std::int32_t arc = 0; arc < arcs(); ++arc) {
        below_[at(next[at(head(arc))]++)] = arc;
    }
    edgeArc_.reserve(at(graph.edges()));
    edgeUp_.reserve(at(graph.edges()));
    for (std::int32_t edge = 0; edge < graph.edges(); ++edge) {
        const std::int32_t tail = rank(graph.tail(edge));
        const std::int32_t head = rank(graph.head(edge));
        edgeUp_.push_back(static_cast<char>(tail < head));
        if (tail == head) {
            edgeArc_.push_back(-1);
            continue;
        }
        const auto [low, high] = std::minmax({tail, head});
        edgeArc_.push_back(arc(low, high));
    }
    firstEdge_.assign(at(n) + 1, 0);
    for (const auto arc : edgeArc_) {
        if (arc >= 0) {
            ++firstEdge_[at(tail(arc)) + 1];
        }
    }
    std::partial_sum(firstEdge_.begin(), firstEdge_.end(), firstEdge_.begin());
    edgesByTail_.resize(at(firstEdge_.back()));
    next = firstEdge_;
    for (std::int32_t edge = 0; edge < edges(); ++edge) {
        if (const auto arc = arcOf(edge); arc >= 0) {
            edgesByTail_[at(next[at(tail(arc))]++)] = edge;
        }
    }
}

std::vector<std::int32_t> Hierarchy::order() const {
    std::vector<std::int32_t> nodes(rank_.size());
    for (std::size_t node = 0; node < rank_.size(); ++node) {
        nodes[at(rank_[node])] = static_cast<std::int32_t>(node);
    }
    return nodes;
}

std::span<const std::int32_t> Hierarchy::below(std::int32_t rank) const { return row(below_, firstBelow_, rank); }

std::span<const std::int32_t> Hierarchy::edgesFrom(std::int32_t rank) const {
    return row(edgesByTail_, firstEdge_, rank);
}

}  // namespace lastmile::roads
