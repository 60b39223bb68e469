"""Zones and permits: which edges are closed to which vehicle in which period of the planned day."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from datetime import time as clock_time
from functools import cached_property
from itertools import pairwise
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Transformer

from lastmile import _core
from lastmile.geo.conditions import Moment, changes
from lastmile.geo.network import RoadNetwork
from lastmile.geo.speeds import MeasuredSpeeds, Regime, edge_kmh, edge_times_ms
from lastmile.geo.tags import ELEVATED, EXPRESSWAY, RAMP, Mode
from lastmile.scenario import Calendar, Permit, ScenarioFile, VehicleClass, VehicleFilter, VehicleType, Zone
from lastmile.units import DAY_S, parse_hours

_ALERTS: Final = (None, "yellow", "orange", "red")
_WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_INSIDE_M: Final = 1.0  # a road that only touches the polygon is not in it


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """A span of seconds after the planned day's midnight in which rules and speeds do not change."""

    start_s: int
    end_s: int
    regime: Regime


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A vehicle type with the permits it carries: who may go where, how fast."""

    vehicle: VehicleType
    permits: frozenset[str] = frozenset()

    @property
    def mode(self) -> Mode:
        """The mode of travel on the network."""
        return self.vehicle.vehicle_class


def matches(rule: VehicleFilter, vehicle: VehicleType) -> bool:
    """Tell whether the filter speaks of the vehicle.

    A size that the scenario does not state counts as exceeding no limit; an emission stage that it does not state
    counts as the oldest, and electric vehicles have none.
    """

    def over(value: float | None, limit: float | None) -> bool:
        return limit is None or (value is not None and value > limit)

    if rule.emission_stage_max is not None and (
        vehicle.energy == "electric" or (vehicle.emission_stage or 0) > rule.emission_stage_max
    ):
        return False
    return (
        (rule.vehicle_class is None or vehicle.vehicle_class in rule.vehicle_class)
        and (rule.energy is None or vehicle.energy in rule.energy)
        and (rule.marked is None or vehicle.marked == rule.marked)
        and over(vehicle.gross_weight_t, rule.gross_weight_over_t)
        and over(vehicle.length_m, rule.length_over_m)
        and over(vehicle.width_m, rule.width_over_m)
        and over(vehicle.height_m, rule.height_over_m)
        and (rule.plate_digits is None or vehicle.plate_digit in rule.plate_digits)
    )


def _on_day(calendar: Calendar, day: date, *, holiday: bool, alert: str | None) -> bool:
    if calendar.weekdays is not None and _WEEKDAYS[day.weekday()] not in calendar.weekdays:
        return False
    if calendar.months is not None and day.month not in calendar.months:
        return False
    if calendar.holidays == ("excluded" if holiday else "only"):
        return False
    return calendar.alert_level is None or _ALERTS.index(alert) >= _ALERTS.index(calendar.alert_level)


def _spans(hours: Iterable[str]) -> list[tuple[int, int]]:
    return [parse_hours(text) for text in hours]


def zone_spans(zone: Zone, file: ScenarioFile) -> list[tuple[int, int]]:
    """Spans of seconds in which the zone's rule is in force, from the day before to the day after the planned day.

    Hours across midnight belong to the day on which they begin. Neighbouring days count as ordinary days where the
    planned day is a holiday, and carry the same alert.
    """
    found = []
    for offset in (-1, 0, 1):
        day = file.day + timedelta(days=offset)
        if (zone.valid_from and day < zone.valid_from) or (zone.valid_to and day > zone.valid_to):
            continue
        if _on_day(zone.when, day, holiday=file.holiday and offset == 0, alert=file.alert_level):
            found += [(start + offset * DAY_S, end + offset * DAY_S) for start, end in _spans(zone.when.hours)]
    return found


def _covers(spans: Iterable[tuple[int, int]], second: float) -> bool:
    return any(start <= second < end for start, end in spans)


def _daily(hours: Iterable[str]) -> list[tuple[int, int]]:
    return [(start + day * DAY_S, end + day * DAY_S) for start, end in _spans(hours) for day in (-1, 0, 1)]


def periods(file: ScenarioFile, network: RoadNetwork | None = None) -> tuple[Period, ...]:
    """Cut the planned day and the night after it wherever a rule, a permit or the traffic changes.

    Parameters
    ----------
    network
        Also where its map's own rules change by the hour.

    Returns
    -------
    Periods that cover 0 to 172,800 s without gaps.
    """
    peak, night = _daily(file.speeds.peak), _daily(file.speeds.night)
    spans = peak + night
    for zone in file.zones:
        spans += zone_spans(zone, file)
    for permit in file.permits:
        spans += _daily(permit.hours)
    horizon = 2 * DAY_S
    seconds = {second for span in spans for second in span}
    if network is not None and network.conditions:
        midnight = _moment(file, 0)
        seconds |= {
            int((moment - midnight.time).total_seconds()) for moment in changes(network.conditions, midnight, 2)
        }
    cuts = sorted({0, horizon, *(second for second in seconds if 0 < second < horizon)})
    return tuple(
        Period(
            start_s=start,
            end_s=end,
            regime="peak" if _covers(peak, start) else "night" if _covers(night, start) else "free",
        )
        for start, end in pairwise(cuts)
    )


def _moment(file: ScenarioFile, second: int) -> Moment:
    """Seconds after the planned day's midnight as local time; only that day itself is the scenario's holiday."""
    return Moment(
        time=datetime.combine(file.day, clock_time()) + timedelta(seconds=second),
        holiday=file.holiday and 0 <= second < DAY_S,
    )


def _states(
    network: RoadNetwork, file: ScenarioFile, mode: Mode, period: Period, vehicle: VehicleType | None
) -> NDArray[np.bool_]:
    """Per condition of the map, whether it is open along and against: shape (conditions, 2)."""
    moment = _moment(file, period.start_s)
    states = [condition.open_to(mode, moment, vehicle) for condition in network.conditions]
    return np.array(states, dtype=bool).reshape(-1, 2)


def _conditional(network: RoadNetwork) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int64]]:
    """Edges whose permissions change, the condition of each, and its side of it: 0 along, 1 against."""
    condition = network.segment_condition[network.edge_segment]
    edges = np.flatnonzero(condition >= 0)
    return edges, condition[edges], np.where(network.edge_forward[edges], 0, 1)


def stopping_edges(network: RoadNetwork, file: ScenarioFile, mode: Mode) -> NDArray[np.bool_]:
    """Edges on which vehicles of a mode may be told to stop: bool, shape (edges,).

    Those that the map's own rules leave open all through the shifts, as far as they hang together by themselves: who is
    sent to a street that closes at noon may not get out again. Driving is not held to them.
    """
    permitted = network.permitted(mode)
    if not network.conditions:
        return permitted
    shifts = [parse_hours(v.shift) for v in file.vehicles if v.vehicle_class == mode] or [(0, DAY_S)]
    edges, condition, sides = _conditional(network)
    for period in periods(file, network):
        if any(period.start_s < end and period.end_s > start for start, end in shifts):
            permitted[edges] &= _states(network, file, mode, period, None)[condition, sides]
    label = _core.strong_components(_core.Graph(network.first_out, network.edge_target), permitted)
    inside = permitted & (label[network.edge_source] == label[network.edge_target])
    metres = np.bincount(label[network.edge_target[inside]], weights=network.edge_length_m[inside], minlength=1)
    largest: NDArray[np.bool_] = inside & (label[network.edge_target] == metres.argmax())
    return largest


@dataclass(frozen=True, kw_only=True, eq=False)
class Access:
    """The city's rules and traffic laid on its roads.

    Parameters
    ----------
    inside
        Per zone id the segments its rule is about: bool, shape (segments,).
    measured
        Speeds that are known better than by class.
    """

    network: RoadNetwork
    file: ScenarioFile
    inside: Mapping[str, NDArray[np.bool_]]
    measured: MeasuredSpeeds | None = None

    @cached_property
    def periods(self) -> tuple[Period, ...]:
        """The planned day and the night after it, cut wherever something changes; see :func:`periods`."""
        return periods(self.file, self.network)

    def times_ms(self, mode: Mode, regime: Regime) -> NDArray[np.int32]:
        """Milliseconds per edge; see :func:`~lastmile.geo.speeds.edge_times_ms`."""
        return edge_times_ms(self.network, mode, regime, self.file.speeds, self.measured)

    def kmh(self, mode: VehicleClass, regime: Regime) -> NDArray[np.float64]:
        """Moving speed per edge; see :func:`~lastmile.geo.speeds.edge_kmh`."""
        return edge_kmh(self.network, mode, regime, self.file.speeds, self.measured)

    def barred(self, profile: Profile) -> NDArray[np.bool_]:
        """Edges closed to the profile at any hour: by class, or by posted weight, height or width."""
        vehicle, network = profile.vehicle, self.network
        segments = (
            (network.segment_max_weight_t < (vehicle.gross_weight_t or 0.0))
            | (network.segment_max_height_m < (vehicle.height_m or 0.0))
            | (network.segment_max_width_m < (vehicle.width_m or 0.0))
        )
        closed: NDArray[np.bool_] = ~network.permitted(profile.mode) | segments[network.edge_segment]
        return closed

    def zones_in_force(self, profile: Profile, period: Period) -> tuple[str, ...]:
        """Ids of the zones that are closed to the profile in the period."""
        held = [permit for permit in self.file.permits if permit.id in profile.permits]
        closed = []
        for zone in self.file.zones:
            if not matches(zone.vehicles, profile.vehicle):
                continue
            if any(matches(exempt, profile.vehicle) for exempt in zone.except_vehicles):
                continue
            if not _covers(zone_spans(zone, self.file), period.start_s):
                continue
            if any(zone.id in permit.zones and _covers(_daily(permit.hours), period.start_s) for permit in held):
                continue
            closed.append(zone.id)
        return tuple(closed)

    @cached_property
    def _changing(self) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int64]]:
        return _conditional(self.network)

    def closed_now(self, profile: Profile, period: Period) -> NDArray[np.int64]:
        """Edges that the map's own rules close to the profile in the period and may open in another."""
        edges, condition, sides = self._changing
        if not len(edges):
            return edges
        states = _states(self.network, self.file, profile.mode, period, profile.vehicle)
        closed: NDArray[np.int64] = edges[~states[condition, sides]]
        return closed

    def closed_edges(self, profile: Profile, period: Period) -> NDArray[np.bool_]:
        """Edges the profile may not drive in the period, shape (edges,)."""
        closed = self.barred(profile)
        closed[self.closed_now(profile, period)] = True
        for zone in self.zones_in_force(profile, period):
            closed |= self.inside[zone][self.network.edge_segment]
        return closed


def eligible(permit: Permit, vehicle: VehicleType) -> bool:
    """Tell whether a vehicle of this type may be given the permit."""
    return matches(permit.eligible, vehicle)


def lay_rules(
    network: RoadNetwork,
    file: ScenarioFile,
    polygons: Mapping[str, Any],
    *,
    metric_crs: str,
    measured: MeasuredSpeeds | None = None,
) -> Access:
    """Find the segments of every zone.

    A segment is in a zone when more than a metre of it lies within the polygon, widened by the rule's tolerance where
    the boundary roads are included and narrowed by it where they are not.

    Parameters
    ----------
    polygons
        Zone id of the polygon table -> shapely polygon in WGS-84.
    metric_crs
        Projected system in which tolerances are metres.
    """
    inside: dict[str, NDArray[np.bool_]] = {}
    if not file.zones:
        return Access(network=network, file=file, inside=inside, measured=measured)
    project = Transformer.from_crs("EPSG:4326", metric_crs, always_xy=True)
    plane = np.column_stack(project.transform(network.geometry_lon, network.geometry_lat))
    sizes = np.diff(network.segment_geometry)
    lines: NDArray[np.object_] = shapely.linestrings(  # type: ignore[assignment]
        plane, indices=np.repeat(np.arange(network.segments), sizes)
    )
    tree = shapely.STRtree(lines)

    def transform(points: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.column_stack(project.transform(points[:, 0], points[:, 1]))

    for zone in file.zones:
        polygon = shapely.transform(polygons[zone.polygon], transform)
        sign = 1 if zone.boundary == "included" else -1
        area = shapely.buffer(polygon, sign * zone.boundary_tolerance_m)
        mask = np.zeros(network.segments, dtype=bool)
        near = tree.query(area, predicate="intersects")
        mask[near] = shapely.length(shapely.intersection(lines[near], area)) > _INSIDE_M
        inside[zone.id] = mask & _on_roads(network, zone)
    return Access(network=network, file=file, inside=inside, measured=measured)


def _on_roads(network: RoadNetwork, zone: Zone) -> NDArray[np.bool_]:
    flags = network.segment_flags
    chosen = np.zeros(network.segments, dtype=bool)
    for road in zone.roads:
        chosen |= {
            "all": np.ones(network.segments, dtype=bool),
            "surface": (flags & ELEVATED) == 0,
            "elevated": (flags & ELEVATED) != 0,
            "expressway": (flags & EXPRESSWAY) != 0,
            "ramp": (flags & RAMP) != 0,
        }[road]
    return chosen
