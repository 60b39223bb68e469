#include "Doors.h"

#include <cmath>
#include <utility>

namespace lastmile::roads {

namespace {

std::int32_t part(std::int32_t amount, double share) {
    return static_cast<std::int32_t>(std::llround(static_cast<double>(amount) * share));
}

Weight part(const Weight& weight, double share, Third third) {
    return {part(weight.time, share), part(weight.length, share),
            third == Third::whole && share > 0.0 ? weight.energy : part(weight.energy, share)};
}

}  // namespace

DoorPair doors(const Graph& graph, const Metric& metric, const Positions& points, std::size_t place, bool leaving,
               Third third) {
    DoorPair found;
    const double fraction = points.fraction[place];
    const std::array<std::pair<std::int32_t, double>, 2> sides{
        {{points.forward[place], fraction}, {points.backward[place], 1.0 - fraction}}};
    for (std::size_t i = 0; i < 2; ++i) {
        const auto [edge, share] = sides[i];
        if (edge >= 0 && metric.edge(edge).time < kNever) {
            found[i] = {edge, leaving ? graph.head(edge) : graph.tail(edge), share,
                        part(metric.edge(edge), leaving ? 1.0 - share : share, third)};
        }
    }
    return found;
}

Weight direct(const Metric& metric, const DoorPair& from, const DoorPair& to, Third third, std::int32_t* over) {
    Weight best = kClosed;
    for (std::size_t i = 0; i < 2; ++i) {
        if (from[i].edge >= 0 && from[i].edge == to[i].edge && to[i].share >= from[i].share) {
            const Weight way = part(metric.edge(from[i].edge), to[i].share - from[i].share, third);
            if (way < best) {
                best = way;
                if (over != nullptr) {
                    *over = from[i].edge;
                }
            }
        }
    }
    return best;
}

bool samePlace(const Positions& points, std::size_t a, std::size_t b) {
    return points.fraction[a] == points.fraction[b] && points.forward[a] == points.forward[b] &&
           points.backward[a] == points.backward[b] && (points.forward[a] >= 0 || points.backward[a] >= 0);
}

}  // namespace lastmile::roads
