#include "Climb.h"

#include <array>
#include <cstddef>

namespace lastmile::roads {

namespace {

std::size_t at(std::int32_t index) { return static_cast<std::size_t>(index); }

}  // namespace

Climb::Climb(const Hierarchy& hierarchy)
    : hierarchy_(&hierarchy), weight_(at(hierarchy.nodes()), kClosed), arc_(at(hierarchy.nodes()), -1) {}

void Climb::run(const Metric& metric, const DoorPair& from, bool leaving) {
    const Hierarchy& h = *hierarchy_;
    for (const auto rank : visited_) {
        weight_[at(rank)] = kClosed;
        arc_[at(rank)] = -1;
    }
    visited_.clear();
    std::array<std::int32_t, 2> climbers{-1, -1};
    for (std::size_t i = 0; i < 2; ++i) {
        if (from[i].edge >= 0) {
            climbers[i] = h.rank(from[i].node);
            if (from[i].weight < weight_[at(climbers[i])]) {
                weight_[at(climbers[i])] = from[i].weight;
            }
        }
    }
    // Two climbers meet in the elimination tree, or each ends at a root of its own; the lower one goes first.
    while (climbers[0] >= 0 || climbers[1] >= 0) {
        auto& lower = climbers[1] < 0 || (climbers[0] >= 0 && climbers[0] <= climbers[1]) ? climbers[0] : climbers[1];
        const std::int32_t rank = lower;
        visited_.push_back(rank);
        if (const Weight here = weight_[at(rank)]; here.time < kNever) {
            for (std::int32_t arc = h.begin(rank); arc < h.end(rank); ++arc) {
                if (improve(weight_[at(h.head(arc))], here, leaving ? metric.up(arc) : metric.down(arc))) {
                    arc_[at(h.head(arc))] = arc;
                }
            }
        }
        if (climbers[0] == climbers[1]) {
            climbers[1] = -1;
            climbers[0] = h.parent(rank);
        } else {
            lower = h.parent(rank);
        }
    }
}

}  // namespace lastmile::roads
