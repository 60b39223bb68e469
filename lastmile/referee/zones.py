"""Where and when each zone's rule closes roads, read from the scenario's own words."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray

from lastmile.geo.tags import ELEVATED, EXPRESSWAY, RAMP
from lastmile.referee.case import Case
from lastmile.scenario import ScenarioFile, VehicleFilter, VehicleType, Zone
from lastmile.units import DAY_S, parse_hours

Span = tuple[float, float]
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_ALERTS = {None: 0, "yellow": 1, "orange": 2, "red": 3}
_TOUCH_M = 1.0  # less road than this inside a polygon is no road in the zone


def speaks_of(rule: VehicleFilter, vehicle: VehicleType) -> bool:
    """Every stated property of the filter holds for the vehicle.

    A size the vehicle does not state exceeds nothing. A fuel vehicle without an emission stage counts as the oldest;
    electric vehicles have no stage.
    """
    if rule.vehicle_class is not None and vehicle.vehicle_class not in rule.vehicle_class:
        return False
    if rule.energy is not None and vehicle.energy not in rule.energy:
        return False
    if rule.marked is not None and vehicle.marked is not rule.marked:
        return False
    if rule.plate_digits is not None and vehicle.plate_digit not in rule.plate_digits:
        return False
    if rule.emission_stage_max is not None:
        stage = math.inf if vehicle.energy == "electric" else (vehicle.emission_stage or 0)
        if stage > rule.emission_stage_max:
            return False
    for limit, size in (
        (rule.gross_weight_over_t, vehicle.gross_weight_t),
        (rule.length_over_m, vehicle.length_m),
        (rule.width_over_m, vehicle.width_m),
        (rule.height_over_m, vehicle.height_m),
    ):
        if limit is not None and (size is None or size <= limit):
            return False
    return True


def concerns(zone: Zone, vehicle: VehicleType) -> bool:
    """The zone's rule is about this vehicle, and none of its exceptions is."""
    return speaks_of(zone.vehicles, vehicle) and not any(speaks_of(e, vehicle) for e in zone.except_vehicles)


def in_force(zone: Zone, file: ScenarioFile) -> list[Span]:
    """Spans (seconds after the planned day's midnight) of the rule on the planned day and the days beside it.

    Hours across midnight belong to the day on which they begin. Only the planned day can be a holiday.
    """
    spans: list[Span] = []
    calendar = zone.when
    for offset in (-1, 0, 1):
        day = file.day + timedelta(days=offset)
        holiday = file.holiday and offset == 0
        if zone.valid_from is not None and day < zone.valid_from:
            continue
        if zone.valid_to is not None and day > zone.valid_to:
            continue
        if calendar.weekdays is not None and _WEEKDAYS[day.weekday()] not in calendar.weekdays:
            continue
        if calendar.months is not None and day.month not in calendar.months:
            continue
        if (calendar.holidays == "excluded" and holiday) or (calendar.holidays == "only" and not holiday):
            continue
        if calendar.alert_level is not None and _ALERTS[file.alert_level] < _ALERTS[calendar.alert_level]:
            continue
        for text in calendar.hours:
            start, end = parse_hours(text)
            spans.append((start + offset * DAY_S, end + offset * DAY_S))
    return spans


def closed_spans(zone: Zone, vehicle: VehicleType, held: Iterable[str], file: ScenarioFile) -> list[Span]:
    """Spans in which the zone is closed to a vehicle that holds permits: the rule's, less the hours of the permits."""
    if not concerns(zone, vehicle):
        return []
    spans = in_force(zone, file)
    carried = set(held)
    for permit in file.permits:
        if permit.id not in carried or zone.id not in permit.zones:
            continue
        for text in permit.hours:
            start, end = parse_hours(text)
            for offset in (-1, 0, 1, 2):
                spans = _without(spans, (start + offset * DAY_S, end + offset * DAY_S))
    return spans


def _without(spans: list[Span], hole: Span) -> list[Span]:
    rest = []
    for start, end in spans:
        rest += [(a, b) for a, b in ((start, min(end, hole[0])), (max(start, hole[1]), end)) if a < b]
    return rest


@dataclass(frozen=True, slots=True, kw_only=True)
class Streets:
    """Segments of the network as lines in the scenario's metric plane."""

    segments: NDArray[np.int64]
    lines: NDArray[np.object_]
    flags: list[int]


def lay_out(case: Case, segments: Iterable[int]) -> Streets:
    """Draw segments in the metric plane."""
    chosen = np.array(sorted(segments), dtype=np.int64)
    lines = [shapely.LineString(case.network.segment_line(segment)) for segment in chosen.tolist()]
    return Streets(
        segments=chosen,
        lines=_in_plane(case, np.array(lines, dtype=object)),
        flags=case.network.segment_flags[chosen].tolist(),
    )


def _in_plane(case: Case, shapes: NDArray[np.object_]) -> NDArray[np.object_]:
    project = pyproj.Transformer.from_crs("EPSG:4326", case.scenario.metric_crs, always_xy=True)

    def to_plane(points: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.column_stack(project.transform(points[:, 0], points[:, 1]))

    return np.asarray(shapely.transform(shapes, to_plane), dtype=object)


def segments_inside(case: Case, zone: Zone, streets: Streets) -> frozenset[int]:
    """Which of the streets the rule is about.

    More than a metre of the segment lies in the polygon, grown by the tolerance where roads on the boundary belong to
    the zone and shrunk by it where they do not; and the road is of a kind that the rule names.
    """
    table = case.scenario.zones
    if table is None:
        return frozenset()
    polygons = table.geometry[table["zone_id"] == zone.polygon].to_numpy()
    area = shapely.union_all(_in_plane(case, polygons))
    area = area.buffer(zone.boundary_tolerance_m if zone.boundary == "included" else -zone.boundary_tolerance_m)
    shapely.prepare(area)
    near = np.flatnonzero(shapely.intersects(area, streets.lines))
    metres = shapely.length(shapely.intersection(streets.lines[near], area))
    inside = near[metres > _TOUCH_M].tolist()
    return frozenset(int(streets.segments[row]) for row in inside if _named(zone, streets.flags[row]))


def _named(zone: Zone, flags: int) -> bool:
    """A road with these flags is of a kind that the rule names."""
    kinds = {"all"}
    kinds.add("elevated" if flags & ELEVATED else "surface")
    if flags & EXPRESSWAY:
        kinds.add("expressway")
    if flags & RAMP:
        kinds.add("ramp")
    return not kinds.isdisjoint(zone.roads)
