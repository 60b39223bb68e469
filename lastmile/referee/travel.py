"""Legs can be driven as they are written: along the streets, from place to place, in that time."""

import math
from dataclasses import dataclass

from lastmile.plans import Leg, Route, Violation
from lastmile.referee.case import Case, Position, Violations
from lastmile.referee.traffic import Crossing, Traffic
from lastmile.scenario import VehicleType
from lastmile.units import clock

_FRACTION_TOLERANCE = 1e-6
_TIME_TOLERANCE_S = 1.0
_DISTANCE_TOLERANCE = 0.001
_DISTANCE_TOLERANCE_M = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Drive:
    """A leg as driven: every edge with its moments, and the metres of all."""

    crossings: list[Crossing]
    distance_m: float


Drives = dict[tuple[int, int], Drive]


def drive_legs(case: Case) -> Drives:
    """Drive every leg that can be: (route, leg) -> drive. Legs whose edges or fractions are no such are left out."""
    traffic = Traffic(case.network, case.scenario.file.speeds, case.scenario.measured)
    length = case.network.edge_length_m.tolist()
    drives = {}
    for i, route in enumerate(case.plan.routes):
        vehicle = case.vehicles.get(route.vehicle_type)
        if vehicle is None:
            continue
        for j, leg in enumerate(route.legs):
            if _broken(case, leg) is not None:
                continue
            shares = _shares(leg)
            crossings = traffic.drive(vehicle.vehicle_class, leg.edges, shares, leg.depart_s)
            metres = sum(length[edge] * share for edge, share in zip(leg.edges, shares, strict=True))
            drives[i, j] = Drive(crossings=crossings, distance_m=metres)
    return drives


def _shares(leg: Leg) -> list[float]:
    """How much of each edge is driven."""
    shares = [1.0] * len(leg.edges)
    if shares:
        shares[0] -= leg.start_fraction
        shares[-1] -= 1.0 - leg.end_fraction
    return [max(share, 0.0) for share in shares]


def _broken(case: Case, leg: Leg) -> tuple[str, str] | None:
    """Why the leg's edges are no way through the network, as (amount, detail)."""
    tail, head = case.edge_tail, case.network.edge_target
    for edge in leg.edges:
        if not 0 <= edge < case.network.edges:
            return f"edge {edge}", f"the network has no edge {edge}"
    for a, b in zip(leg.edges[:-1], leg.edges[1:], strict=True):
        if head[a] != tail[b]:
            return f"edges {a}, {b}", f"edge {a} ends at node {head[a]}, edge {b} starts at node {tail[b]}"
    if not (0 <= leg.start_fraction <= 1 and 0 <= leg.end_fraction <= 1):
        return f"{leg.start_fraction:g}, {leg.end_fraction:g}", "the leg's fractions are not between 0 and 1"
    if len(leg.edges) == 1 and leg.end_fraction < leg.start_fraction - _FRACTION_TOLERANCE:
        return (
            f"{leg.start_fraction:g} to {leg.end_fraction:g}",
            f"the leg goes backwards on its only edge {leg.edges[0]}",
        )
    return None


def check_travel(case: Case, drives: Drives) -> Violations:
    """Chain, ends, time and length of every leg."""
    for i, route in enumerate(case.plan.routes):
        vehicle = case.vehicles.get(route.vehicle_type)
        if vehicle is None:
            continue
        for j, leg in enumerate(route.legs):
            place = leg_name(route, j)
            broken = _broken(case, leg)
            if broken is not None:
                yield Violation(rule="chain", place=place, amount=broken[0], detail=broken[1])
                continue
            if j + 1 < len(route.stops):
                yield from _ends(case, route, vehicle, j)
            yield from _pace(place, leg, drives[i, j])


def leg_name(route: Route, index: int) -> str:
    """``van-3, leg 0 depot to shop``."""
    names = [stop.location_id for stop in route.stops[index : index + 2]]
    return f"{route.vehicle_id}, leg {index} {' to '.join(names)}"


def _ends(case: Case, route: Route, vehicle: VehicleType, index: int) -> Violations:
    leg, place = route.legs[index], leg_name(route, index)
    origin = case.position(vehicle, route.stops[index])
    target = case.position(vehicle, route.stops[index + 1])
    if origin is None or target is None:
        return
    if not leg.edges:
        if not _same(case, origin, target):
            yield Violation(
                rule="position",
                place=place,
                amount="no edges",
                detail="the two stops lie apart on the road, the leg between them has no edges",
            )
        return
    for position, edge, fraction, what in (
        (origin, leg.edges[0], leg.start_fraction, "starts"),
        (target, leg.edges[-1], leg.end_fraction, "ends"),
    ):
        on_edge = Position(segment=int(case.network.edge_segment[edge]), fraction=fraction, distance_m=0.0)
        if not case.network.edge_forward[edge]:
            on_edge = Position(segment=on_edge.segment, fraction=1.0 - fraction, distance_m=0.0)
        if not _same(case, position, on_edge):
            yield Violation(
                rule="position",
                place=place,
                amount=f"segment {on_edge.segment} at {on_edge.fraction:.6f}",
                detail=f"the leg {what} on segment {on_edge.segment} at {on_edge.fraction:.6f} of its length, "
                f"the stop lies on segment {position.segment} at {position.fraction:.6f}",
            )


def _same(case: Case, a: Position, b: Position) -> bool:
    """Are two positions one point of the road? At a junction the segments that meet there are the same place."""
    if a.segment == b.segment and abs(a.fraction - b.fraction) <= _FRACTION_TOLERANCE:
        return True
    node = _node(case, a)
    return node is not None and node == _node(case, b)


def _node(case: Case, position: Position) -> int | None:
    """The junction at which a position lies, None where it lies between junctions."""
    if _FRACTION_TOLERANCE < position.fraction < 1 - _FRACTION_TOLERANCE:
        return None
    edge = int(case.edge_of_segment[position.segment])
    at_start = (position.fraction <= _FRACTION_TOLERANCE) == bool(case.network.edge_forward[edge])
    return int(case.edge_tail[edge] if at_start else case.network.edge_target[edge])


def _pace(place: str, leg: Leg, drive: Drive) -> Violations:
    earliest = drive.crossings[-1].leave_ms / 1000 if drive.crossings else float(leg.depart_s)
    early = earliest - leg.arrive_s
    if early > _TIME_TOLERANCE_S:
        yield Violation(
            rule="travel-time",
            place=place,
            amount=f"-{math.floor(early + 0.5)} s",
            detail=f"who leaves at {clock(leg.depart_s)} arrives at {clock(earliest)} "
            f"({earliest - leg.depart_s:.0f} s), the plan says {clock(leg.arrive_s)} "
            f"({leg.arrive_s - leg.depart_s} s)",
        )
    off = leg.distance_m - drive.distance_m
    if not abs(off) <= _DISTANCE_TOLERANCE * drive.distance_m + _DISTANCE_TOLERANCE_M:
        yield Violation(
            rule="distance",
            place=place,
            amount=f"{off:+.0f} m",
            detail=f"the leg's edges make {drive.distance_m:.0f} m, the plan says {leg.distance_m:.0f} m",
        )
