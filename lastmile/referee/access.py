"""Vehicles are on roads where they may be, at moments when they may be there."""

import math
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, time, timedelta

import numpy as np

from lastmile.geo.conditions import Moment
from lastmile.geo.tags import MODE_BIT
from lastmile.plans import Route, Violation
from lastmile.referee.case import Case, Violations
from lastmile.referee.travel import Drive, Drives, leg_name
from lastmile.referee.zones import Span, closed_spans, lay_out, segments_inside, speaks_of
from lastmile.scenario import VehicleType
from lastmile.units import DAY_S, clock

_TIME_TOLERANCE_S = 1.0
_SIZE_TOLERANCE = 1e-3  # tonnes, metres: posted limits are stored in single precision


def check_roads(case: Case, drives: Drives) -> Violations:
    """Class of vehicle, posted weight, height and width."""
    modes, segment_of = case.network.edge_modes, case.network.edge_segment
    for (i, j), drive in drives.items():
        route = case.plan.routes[i]
        vehicle, place = case.vehicles[route.vehicle_type], leg_name(route, j)
        edges = np.array([crossing.edge for crossing in drive.crossings], dtype=np.int64)
        closed = edges[(modes[edges] & MODE_BIT[vehicle.vehicle_class]) == 0]
        if len(closed):
            yield Violation(
                rule="road",
                place=place,
                amount=f"{len(closed)} edges",
                detail=f"edge {closed[0]} ({_street(case, int(closed[0]))}) is closed to a {vehicle.vehicle_class}",
            )
        for what, size, unit, posted in (
            ("weight", vehicle.gross_weight_t, "t", case.network.segment_max_weight_t),
            ("height", vehicle.height_m, "m", case.network.segment_max_height_m),
            ("width", vehicle.width_m, "m", case.network.segment_max_width_m),
        ):
            if size is None or not len(edges):
                continue
            limits = posted[segment_of[edges]].astype(np.float64)
            if limits.min() < size - _SIZE_TOLERANCE:
                edge = int(edges[limits.argmin()])
                yield Violation(
                    rule="limit",
                    place=place,
                    amount=f"+{size - limits.min():.2f} {unit}",
                    detail=f"{_street(case, edge)} has a posted {what} of {limits.min():g} {unit}, "
                    f"a {vehicle.id} has {size:g} {unit}",
                )


def check_hours(case: Case, drives: Drives) -> Violations:
    """Roads and turns that the map closes at some hours are driven at others."""
    conditions, segment_of = case.network.conditions, case.network.edge_segment
    midnight = datetime.combine(case.scenario.file.day, time())
    for (i, j), drive in drives.items():
        route = case.plan.routes[i]
        vehicle = case.vehicles[route.vehicle_type]
        for crossing in drive.crossings:
            number = int(case.network.segment_condition[segment_of[crossing.edge]])
            if number < 0 or crossing.leave_ms <= crossing.enter_ms:
                continue
            side = 0 if case.network.edge_forward[crossing.edge] else 1
            closed = 0
            # Every second on the road is looked at by itself.
            for second in range(int(crossing.enter_ms // 1000), math.ceil(crossing.leave_ms / 1000)):
                moment = Moment(
                    time=midnight + timedelta(seconds=second), holiday=case.scenario.file.holiday and second < DAY_S
                )
                closed += not conditions[number].open_to(vehicle.vehicle_class, moment, vehicle)[side]
            if closed > _TIME_TOLERANCE_S:
                yield Violation(
                    rule="hours",
                    place=leg_name(route, j),
                    amount=f"{closed} s",
                    detail=f"edge {crossing.edge} ({_street(case, crossing.edge)}) is closed to a "
                    f"{vehicle.vehicle_class} for {closed} s of the drive from {clock(crossing.enter_ms / 1000)} on",
                )


def _street(case: Case, edge: int) -> str:
    name = case.network.names[case.network.segment_name[case.network.edge_segment[edge]]]
    return name or "a road without a name"


def check_zones(case: Case, drives: Drives) -> Violations:
    """Nobody drives in a zone while it is closed to them, nor stands there where the rule bans that too."""
    zones = case.scenario.file.zones
    if not zones:
        return
    driven = {crossing.edge for drive in drives.values() for crossing in drive.crossings}
    segments = {int(case.network.edge_segment[edge]) for edge in driven}
    segments |= {position.segment for position in case.positions.values()}
    streets = lay_out(case, segments)
    for zone in zones:
        inside = segments_inside(case, zone, streets)
        if not inside:
            continue
        for i, route in enumerate(case.plan.routes):
            vehicle = case.vehicles.get(route.vehicle_type)
            if vehicle is None:
                continue
            spans = closed_spans(zone, vehicle, route.permits, case.scenario.file)
            if not spans:
                continue
            closure = _Closure(zone=zone.id, segments=inside, spans=spans)
            for j in range(len(route.legs)):
                if (i, j) in drives:
                    yield from _drives_in(case, closure, leg_name(route, j), drives[i, j])
            if zone.standing_banned:
                yield from _stands_in(case, closure, route, vehicle)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Closure:
    """A zone as one vehicle meets it: the segments looked at that lie in it, and when it is closed."""

    zone: str
    segments: frozenset[int]
    spans: list[Span]


def _drives_in(case: Case, closure: _Closure, place: str, drive: Drive) -> Violations:
    seconds, first = 0.0, None
    for crossing in drive.crossings:
        if case.network.edge_segment[crossing.edge] not in closure.segments:
            continue
        enter, leave = crossing.enter_ms / 1000, crossing.leave_ms / 1000
        for start, end in closure.spans:
            both = min(leave, end) - max(enter, start)
            if both > 0:
                seconds += both
                first = max(enter, start) if first is None else first
    if first is not None and seconds > _TIME_TOLERANCE_S:
        yield Violation(
            rule="zone",
            place=place,
            amount=f"{seconds:.0f} s",
            detail=f"it drives in zone {closure.zone} for {seconds:.0f} s from {clock(first)} on, closed to it then",
        )


def _stands_in(case: Case, closure: _Closure, route: Route, vehicle: VehicleType) -> Violations:
    """Standing counts at doors and sites, by the segment that the stop lies on; bases are off the street."""
    for index, stop in enumerate(route.stops[: len(route.legs)]):
        position = case.position(vehicle, stop)
        if stop.kind == "base" or position is None or position.segment not in closure.segments:
            continue
        seconds = sum(max(min(route.legs[index].depart_s, b) - max(stop.arrive_s, a), 0) for a, b in closure.spans)
        if seconds > _TIME_TOLERANCE_S:
            yield Violation(
                rule="standing",
                place=f"{route.vehicle_id}, {stop.location_id}",
                amount=f"{seconds:.0f} s",
                detail=f"{route.vehicle_id} stands in zone {closure.zone} from {clock(stop.arrive_s)} "
                f"to {clock(route.legs[index].depart_s)}, {seconds:.0f} s of it while standing is banned",
            )


def check_permits(case: Case) -> Violations:
    """Permits go to eligible vehicles, and no more of them than there are."""
    for route in case.plan.routes:
        for name in sorted(set(route.permits)):
            yield from _eligible(case, route.vehicle_id, route.vehicle_type, name)
    for entry in case.plan.fleet:
        driving = {
            name for route in case.plan.routes if route.vehicle_type == entry.vehicle_type for name in route.permits
        }
        for name in sorted(name for name, count in entry.permits.items() if count and name not in driving):
            yield from _eligible(case, "fleet", entry.vehicle_type, name)
    for permit in case.permits.values():
        held = holders(case, permit.id)
        if held > permit.quota:
            yield Violation(
                rule="quota",
                place=permit.id,
                amount=f"{held - permit.quota} over {permit.quota}",
                detail=f"{held} vehicles hold permit {permit.id}, there are {permit.quota}",
            )


def holders(case: Case, permit: str) -> int:
    """Vehicles that hold a permit: those that drive with it, and those of the fleet that hold it unused."""
    driving = Counter(route.vehicle_type for route in case.plan.routes if permit in route.permits)
    for entry in case.plan.fleet:
        driving[entry.vehicle_type] = max(driving[entry.vehicle_type], entry.permits.get(permit, 0))
    return driving.total()


def _eligible(case: Case, place: str, vehicle_type: str, name: str) -> Violations:
    permit, vehicle = case.permits.get(name), case.vehicles.get(vehicle_type)
    if permit is not None and vehicle is not None and not speaks_of(permit.eligible, vehicle):
        yield Violation(
            rule="permit",
            place=place,
            amount=name,
            detail=f"a {vehicle.id} may not be given permit {name}",
        )
