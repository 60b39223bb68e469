"""Vehicles stop at the place's own side of the roads where the scenario asks for it."""

import math
from itertools import pairwise

from lastmile.geo.distances import metres_per_degree
from lastmile.geo.tags import MODE_BIT, ROAD_CLASSES
from lastmile.plans import Stop, Violation
from lastmile.referee.case import Case, Violations
from lastmile.referee.travel import Drives, leg_name
from lastmile.scenario import VehicleType

_SIDE_M = 4.0  # a place nearer than this to the middle of the road may be on either side


def check_kerb(case: Case, drives: Drives) -> Violations:
    """The last edge of a leg has the stop at its kerb, and so has the first edge of the next."""
    source = case.scenario.file.map
    if not source.kerbside:
        return
    for i, j in drives:
        route = case.plan.routes[i]
        vehicle = case.vehicles[route.vehicle_type]
        edges = route.legs[j].edges
        if not edges:
            continue
        for stop, edge, what in ((route.stops[j], edges[0], "leaves"), (route.stops[j + 1], edges[-1], "reaches")):
            left = _lies_left(case, vehicle, stop, edge)
            if left is not None and left == (source.drive_on == "right"):
                yield Violation(
                    rule="kerb",
                    place=leg_name(route, j),
                    amount=stop.location_id,
                    detail=f"it {what} {stop.location_id} on edge {edge}, whose kerb is on the other side of the road",
                )


def _lies_left(case: Case, vehicle: VehicleType, stop: Stop, edge: int) -> bool | None:
    """Is the stop on the left of who drives the edge? None where it does not matter or has no side."""
    network, position, place = case.network, case.position(vehicle, stop), case.place(stop)
    segment = int(network.edge_segment[edge])
    if position is None or place is None or position.segment != segment or position.distance_m <= _SIDE_M:
        return None
    if ROAD_CLASSES[network.segment_road[segment]] not in case.scenario.file.map.kerbside:
        return None
    bits = network.edge_modes[network.edge_segment == segment]
    if int(((bits & MODE_BIT[vehicle.vehicle_class]) != 0).sum()) < 2:
        return None  # one-way: whichever side it is, one gets there only so
    per_lon, per_lat = (float(value[0]) for value in metres_per_degree(network.geometry_lat[:1]))
    line = [((lon - place[0]) * per_lon, (lat - place[1]) * per_lat) for lon, lat in network.segment_line(segment)]
    if not network.edge_forward[edge]:
        line.reverse()
    # The straight piece that is nearest to the place, which is the origin here.
    near, side = math.inf, 0.0
    for (x0, y0), (x1, y1) in pairwise(line):
        dx, dy = x1 - x0, y1 - y0
        share = min(max(-(x0 * dx + y0 * dy) / max(dx * dx + dy * dy, 1e-12), 0.0), 1.0)
        away = math.hypot(x0 + share * dx, y0 + share * dy)
        if away < near:
            near, side = away, -(dx * y0 - dy * x0)
    return side > 0
