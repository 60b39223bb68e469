// Dijkstra's search from one place outwards, node by node, as far as it is asked to go.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <stdexcept>
#include <utility>
#include <vector>

#include "Graph.h"

namespace lastmile::roads {

inline std::size_t at(std::int32_t index) { return static_cast<std::size_t>(index); }

// A share of an edge costs its share of the weight, rounded to the nearest.
inline std::int64_t part(std::int32_t weight, double share) {
    return std::llround(static_cast<double>(weight) * share);
}

// Throws std::invalid_argument where there is not one weight per edge.
inline void checkWeights(const Graph& graph, std::size_t size) {
    if (std::cmp_not_equal(size, graph.edges())) {
        throw std::invalid_argument("weights: one per edge is needed");
    }
}

// Labels are cleared by a new stamp, so a bounded search costs only what it touches.
class BoundedSearch {
public:
    explicit BoundedSearch(const Graph& graph) : graph_(&graph), labels_(at(graph.nodes())) {}

    // Forget the search before; edges of negative weight are closed.
    void begin(std::span<const std::int32_t> weight) {
        if (++now_ == 0) {  // after four billion searches old stamps would look new
            std::ranges::fill(labels_, Label{});
            now_ = 1;
        }
        queue_.clear();
        weight_ = weight;
    }

    // A node that can be reached at this distance, by this edge or (-1) from the place where the search starts.
    void reach(std::int32_t node, std::int64_t distance, std::int32_t via = -1) {
        Label& label = labels_[at(node)];
        if (label.stamp != now_ || distance < label.distance) {
            label = {distance, via, now_};
            queue_.emplace_back(distance, node);
            std::ranges::push_heap(queue_, std::greater<>());
        }
    }

    // Settle the nearest unsettled node; -1 when there is none within the bound.
    std::int32_t next(std::int64_t bound) {
        while (!queue_.empty() && queue_.front().first <= bound) {
            const auto [distance, node] = queue_.front();
            std::ranges::pop_heap(queue_, std::greater<>());
            queue_.pop_back();
            if (distance > labels_[at(node)].distance) {
                continue;
            }
            for (std::int32_t edge = graph_->begin(node); edge < graph_->end(node); ++edge) {
                if (weight_[at(edge)] >= 0) {
                    reach(graph_->head(edge), distance + weight_[at(edge)], edge);
                }
            }
            return node;
        }
        return -1;
    }

    [[nodiscard]] bool reached(std::int32_t node) const { return labels_[at(node)].stamp == now_; }
    // Of a node that is reached: final once it is settled, before that no less than the true distance.
    [[nodiscard]] std::int64_t distance(std::int32_t node) const { return labels_[at(node)].distance; }
    [[nodiscard]] std::int32_t via(std::int32_t node) const { return labels_[at(node)].via; }

private:
    struct Label {
        std::int64_t distance = 0;
        std::int32_t via = -1;
        std::uint32_t stamp = 0;
    };

    const Graph* graph_;
    std::span<const std::int32_t> weight_;
    std::uint32_t now_ = 0;
    std::vector<Label> labels_;
    std::vector<std::pair<std::int64_t, std::int32_t>> queue_;  // a heap, the nearest first
};

}  // namespace lastmile::roads
