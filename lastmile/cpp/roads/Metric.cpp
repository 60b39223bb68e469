#include "Metric.h"

#include <stdexcept>
#include <string>
#include <utility>

namespace lastmile::roads {

namespace {

std::size_t at(std::int32_t index) { return static_cast<std::size_t>(index); }

}  // namespace

void Weights::check(std::size_t count) const {
    if (time.size() != count || length.size() != count || energy.size() != count) {
        throw std::invalid_argument("metric: one time, length and energy per edge are needed");
    }
    for (std::size_t i = 0; i < count; ++i) {
        const Weight weight = (*this)[i];  // of a closed edge length and energy do not matter
        const bool free = weight.time == 0 && weight.length == 0;
        if (weight.length < 0 || (free && weight.energy < 0)) {
            throw std::invalid_argument("metric: weight " + std::to_string(i) +
                                        (free ? " gives energy for nothing" : " has a negative length"));
        }
    }
}

Metric::Metric(std::shared_ptr<const Hierarchy> hierarchy, const Weights& weights) : hierarchy_(std::move(hierarchy)) {
    const auto edges = at(hierarchy_->edges());
    weights.check(edges);
    edges_.reserve(edges);
    for (std::size_t edge = 0; edge < edges; ++edge) {
        edges_.push_back(weights[edge]);
    }
    customize();
}

void Metric::customize() {
    const Hierarchy& h = *hierarchy_;
    ways_.assign(at(h.arcs()), {kClosed, kClosed});
    viaUp_.assign(at(h.arcs()), kNone);
    viaDown_.assign(at(h.arcs()), kNone);
    for (std::int32_t edge = 0; edge < h.edges(); ++edge) {
        if (const auto arc = h.arcOf(edge); arc >= 0) {
            Weight& best = h.leadsUp(edge) ? ways_[at(arc)].up : ways_[at(arc)].down;
            if (edges_[at(edge)] < best) {
                best = edges_[at(edge)];
                (h.leadsUp(edge) ? viaUp_ : viaDown_)[at(arc)] = ~edge;
            }
        }
    }
    // Every triangle below an arc (middle, low, high) offers the way over its middle. Ascending, so that the two
    // lower sides are final when they are used.
    std::vector<std::int32_t> arcTo(at(h.nodes()), -1);
    for (std::int32_t low = 0; low < h.nodes(); ++low) {
        for (std::int32_t arc = h.begin(low); arc < h.end(low); ++arc) {
            arcTo[at(h.head(arc))] = arc;
        }
        for (const auto side : h.below(low)) {
            const std::int32_t middle = h.tail(side);
            const Weight toMiddle = ways_[at(side)].down;
            const Weight fromMiddle = ways_[at(side)].up;
            if (toMiddle.time >= kNever && fromMiddle.time >= kNever) {
                continue;
            }
            for (std::int32_t other = side + 1; other < h.end(middle); ++other) {
                const auto arc = at(arcTo[at(h.head(other))]);
                if (improve(ways_[arc].up, toMiddle, ways_[at(other)].up)) {
                    viaUp_[arc] = middle;
                }
                if (improve(ways_[arc].down, fromMiddle, ways_[at(other)].down)) {
                    viaDown_[arc] = middle;
                }
            }
        }
    }
}

void Metric::unpack(std::int32_t arc, bool upward, std::vector<std::int32_t>& edges) const {
    const Hierarchy& h = *hierarchy_;
    std::vector<std::pair<std::int32_t, bool>> open{{arc, upward}};
    while (!open.empty()) {
        const auto [next, ascending] = open.back();
        open.pop_back();
        const std::int32_t via = (ascending ? viaUp_ : viaDown_)[at(next)];
        if (via < 0) {
            edges.push_back(~via);
            continue;
        }
        const std::int32_t low = h.arc(via, h.tail(next));
        const std::int32_t high = h.arc(via, h.head(next));
        // Going up: down to the middle, then up to the head; the last pushed is taken first.
        open.emplace_back(ascending ? high : low, true);
        open.emplace_back(ascending ? low : high, false);
    }
}

}  // namespace lastmile::roads
