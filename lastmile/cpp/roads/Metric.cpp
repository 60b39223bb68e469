#include "Metric.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace lastmile::roads {

namespace {

std::size_t at(std::int32_t index) { return static_cast<std::size_t>(index); }

}  // namespace

Metric::Metric(const Hierarchy& hierarchy, std::span<const std::int32_t> time, std::span<const std::int32_t> length,
               std::span<const std::int32_t> energy)
    : hierarchy_(&hierarchy) {
    const auto edges = at(hierarchy.edges());
    if (time.size() != edges || length.size() != edges || energy.size() != edges) {
        throw std::invalid_argument("metric: one time, length and energy per edge are needed");
    }
    edges_.reserve(edges);
    for (std::size_t edge = 0; edge < edges; ++edge) {
        edges_.push_back(time[edge] < 0 || time[edge] >= kNever ? kClosed : Weight{time[edge], length[edge], energy[edge]});
    }
    customize();
}

Weight Metric::edge(std::int32_t edge) const { return edges_[at(edge)]; }

void Metric::customize() {
    const Hierarchy& h = *hierarchy_;
    up_.assign(at(h.arcs()), kClosed);
    down_.assign(at(h.arcs()), kClosed);
    viaUp_.assign(at(h.arcs()), 0);
    viaDown_.assign(at(h.arcs()), 0);
    for (std::int32_t edge = 0; edge < h.edges(); ++edge) {
        if (const auto arc = h.arcOf(edge); arc >= 0) {
            Weight& best = h.leadsUp(edge) ? up_[at(arc)] : down_[at(arc)];
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
            const Weight toMiddle = down_[at(side)];
            const Weight fromMiddle = up_[at(side)];
            if (toMiddle.time >= kNever && fromMiddle.time >= kNever) {
                continue;
            }
            for (std::int32_t other = side + 1; other < h.end(middle); ++other) {
                const auto arc = at(arcTo[at(h.head(other))]);
                if (const Weight way = toMiddle + up_[at(other)]; way < up_[arc]) {
                    up_[arc] = way;
                    viaUp_[arc] = middle;
                }
                if (const Weight way = down_[at(other)] + fromMiddle; way < down_[arc]) {
                    down_[arc] = way;
                    viaDown_[arc] = middle;
                }
            }
        }
    }
}

void Metric::unpack(std::int32_t arc, bool upward, std::vector<std::int32_t>& edges) const {
    const Hierarchy& h = *hierarchy_;
    std::vector<std::pair<std::int32_t, bool>> open{{arc, upward}};
    const auto find = [&](std::int32_t tail, std::int32_t head) {
        std::int32_t found = h.begin(tail);
        while (h.head(found) != head) {
            ++found;
        }
        return found;
    };
    while (!open.empty()) {
        const auto [next, ascending] = open.back();
        open.pop_back();
        const std::int32_t via = (ascending ? viaUp_ : viaDown_)[at(next)];
        if (via < 0) {
            edges.push_back(~via);
            continue;
        }
        const std::int32_t low = find(via, h.tail(next));
        const std::int32_t high = find(via, h.head(next));
        // Going up: down to the middle, then up to the head; the last pushed is taken first.
        open.emplace_back(ascending ? high : low, true);
        open.emplace_back(ascending ? low : high, false);
    }
}

}  // namespace lastmile::roads
