#include "Path.h"

#include <stdexcept>

#include "Climb.h"
#include "Doors.h"

namespace lastmile::roads {

std::vector<std::int32_t> fastestPath(const Graph& graph, const Metric& metric, const Positions& points,
                                      std::size_t origin, std::size_t target) {
    points.check(graph);
    if (origin >= points.size() || target >= points.size()) {
        throw std::invalid_argument("path: no such position");
    }
    if (samePlace(points, origin, target)) {
        return {};
    }
    const Hierarchy& h = metric.hierarchy();
    const auto from = doors(graph, metric, points, origin, true);
    const auto to = doors(graph, metric, points, target, false);
    std::int32_t along = -1;
    Weight best = direct(metric, from, to, Third::shared, &along);
    Climb ahead(h);
    Climb back(h);
    ahead.run(metric, from, true);
    back.run(metric, to, false);
    std::int32_t top = -1;
    for (const auto rank : ahead.visited()) {
        if (const Weight way = ahead.weight(rank) + back.weight(rank); way < best) {
            best = way;
            top = rank;
        }
    }
    if (best.time >= kNever) {
        throw std::domain_error("there is no permitted path between the two places");
    }
    if (top < 0) {
        return {along};
    }
    const auto doorAt = [&](const DoorPair& doors, std::int32_t rank, const Weight& weight) {
        for (const auto& door : doors) {
            if (door.edge >= 0 && h.rank(door.node) == rank && door.weight == weight) {
                return door.edge;
            }
        }
        throw std::logic_error("path: a climb does not begin at a door");
    };
    std::vector<std::int32_t> climbed;
    std::int32_t rank = top;
    for (std::int32_t arc = ahead.arc(rank); arc >= 0; arc = ahead.arc(rank)) {
        climbed.push_back(arc);
        rank = h.tail(arc);
    }
    std::vector<std::int32_t> edges{doorAt(from, rank, ahead.weight(rank))};
    for (auto arc = climbed.rbegin(); arc != climbed.rend(); ++arc) {
        metric.unpack(*arc, true, edges);
    }
    rank = top;
    for (std::int32_t arc = back.arc(rank); arc >= 0; arc = back.arc(rank)) {
        metric.unpack(arc, false, edges);
        rank = h.tail(arc);
    }
    edges.push_back(doorAt(to, rank, back.weight(rank)));
    return edges;
}

}  // namespace lastmile::roads
