"""What was planned beside what was driven: stops, their order and times, roads, kilometres and hours.

A stop counts as visited where the vehicle stayed within :data:`NEAR_M` of it (and what lies between road and door) for
half the planned service, at least a minute and at most :data:`STAY_S`; as passed where it only came that near. It may
have been near several times: the longest stay counts, and of mere passes the one nearest to the planned time. Stops
that are served from one place share one stay; the later ones then seem to be reached early.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from lastmile.geo.distances import metres_per_degree
from lastmile.geo.driven import LEFT_OUT
from lastmile.geo.network import RoadNetwork
from lastmile.plans import Plan, Route, Stop
from lastmile.traces.journeys import Journey
from lastmile.traces.positions import way_line
from lastmile.units import DAY_S

Floats = NDArray[np.float64]
Outcome = Literal["visited", "passed", "missed"]

NEAR_M: Final = 75.0
STAY_S: Final = 300.0
_STAY_LEAST_S: Final = 60.0
_AWAY_S: Final = 120.0  # away for less, noise or a turn around the block, is no end of a stay
_AT_STOP_M: Final = 20.0  # from the nearest it came to a stop it is there: others may lie within NEAR_M too
_STEP_M: Final = 25.0
_LATE_S: Final = 4 * 3600.0  # a round that is driven so long after its planned end still is that round
_ROLLING_M: Final = 50.0  # less than this at either end of the day is moving about in the yard


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One planned stop and what became of it.

    Parameters
    ----------
    near_s
        First and last moment of the stay within :data:`NEAR_M`; None where the stop was missed.
    arrive_s, depart_s
        First and last moment of it at which the vehicle was no more than 20 m further away than the nearest it came.
    """

    vehicle_id: str
    stop_no: int
    stop: Stop
    outcome: Outcome
    near_s: tuple[float, float] | None
    arrive_s: float | None
    depart_s: float | None

    @property
    def error_s(self) -> float | None:
        """How much later than planned it was reached."""
        return None if self.arrive_s is None else self.arrive_s - self.stop.arrive_s


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundCompared:
    """One planned round and what was driven of it.

    Parameters
    ----------
    driven_m, driven_s
        None where nothing of the vehicle was recorded in the round's time. Seconds run from the first to the last
        movement.
    inversions, kendall_tau
        Pairs of visited stops of which the stay planned later had ended before the other began; and
        1 - 4 i / (n (n - 1)) of n stops, None for fewer than two.
    median_error_s
        Of the visited stops' arrivals, later than planned; None where none was visited.
    planned_driven
        Share of the planned metres that lie on roads that were driven, in the same direction.
    """

    vehicle_id: str
    vehicle_type: str
    planned_m: float
    planned_s: float
    driven_m: float | None
    driven_s: float | None
    visits: tuple[Visit, ...]
    inversions: int
    kendall_tau: float | None
    median_error_s: float | None
    planned_driven: float

    def count(self, outcome: Outcome) -> int:
        """Stops with this outcome."""
        return sum(visit.outcome == outcome for visit in self.visits)


def compare(plan: Plan, journeys: Sequence[Journey], network: RoadNetwork) -> tuple[RoundCompared, ...]:
    """Set every planned round beside the trace of its vehicle, in the plan's order."""
    by_vehicle = {journey.vehicle_id: journey for journey in journeys}
    samples = {
        route.vehicle_id: _samples(by_vehicle[route.vehicle_id], network)
        for route in plan.routes
        if route.vehicle_id in by_vehicle
    }
    windows = _windows(plan.routes)
    return tuple(
        _compared(route, window, by_vehicle.get(route.vehicle_id), samples.get(route.vehicle_id), network)
        for route, window in zip(plan.routes, windows, strict=True)
    )


def _windows(routes: Sequence[Route]) -> list[tuple[float, float]]:
    """Seconds in which each route may have been driven: the planned day, shared out where a vehicle has several."""
    windows: list[tuple[float, float]] = []
    for route in routes:
        own = sorted(
            (other.stops[0].depart_s, other.stops[-1].arrive_s)
            for other in routes
            if other.vehicle_id == route.vehicle_id and other.stops
        )
        if not route.stops:
            windows.append((0.0, 0.0))
            continue
        at = own.index((route.stops[0].depart_s, route.stops[-1].arrive_s))
        start = 0.0 if at == 0 else (own[at - 1][1] + own[at][0]) / 2
        end = max(DAY_S, own[at][1] + _LATE_S) if at + 1 == len(own) else (own[at][1] + own[at + 1][0]) / 2
        windows.append((start, end))
    return windows


@dataclass(frozen=True, slots=True, kw_only=True)
class _Samples:
    """Places of a vehicle in the order of time: its fixes, and points along its ways between them."""

    second: Floats
    lon: Floats
    lat: Floats


def _samples(journey: Journey, network: RoadNetwork) -> _Samples:
    matched, trace = journey.matched, journey.trace
    line = way_line(network, matched)
    # Points on the way every few metres between fixes; a vehicle that leaves the road is where its receiver says.
    gap = np.diff(matched.at_m)
    joined = np.diff(matched.at_part) == 0
    count = np.where(joined, np.floor(gap / _STEP_M), 0).astype(np.int64)
    leg = np.repeat(np.arange(len(gap)), count)
    share = (np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count) + 1) / (count[leg] + 1)
    metres = matched.at_m[leg] + share * gap[leg]
    seconds = matched.at_s[leg] + share * np.diff(matched.at_s)[leg]
    lon, lat = line.at(metres, matched.at_part[leg]) if len(leg) else (np.empty(0), np.empty(0))
    sound = matched.state != LEFT_OUT
    order = np.argsort(np.concatenate((trace.second[sound], seconds)), kind="stable")
    return _Samples(
        second=np.concatenate((trace.second[sound], seconds))[order],
        lon=np.concatenate((trace.lon[sound], lon))[order],
        lat=np.concatenate((trace.lat[sound], lat))[order],
    )


def _compared(
    route: Route,
    window: tuple[float, float],
    journey: Journey | None,
    samples: _Samples | None,
    network: RoadNetwork,
) -> RoundCompared:
    stops = [(number, stop) for number, stop in enumerate(route.stops) if stop.kind != "base"]
    driven_m = driven_s = None
    visits: list[Visit] = []
    driven = np.empty(0, dtype=np.int32)
    if journey is not None and samples is not None:
        matched = journey.matched
        inside = (matched.at_s >= window[0]) & (matched.at_s < window[1])
        if inside.any():
            driven_m, driven_s = _driven(matched.at_s[inside], matched.at_m[inside])
            driven = matched.edge[(matched.leave_s > window[0]) & (matched.enter_s < window[1])]
        own = np.flatnonzero((samples.second >= window[0]) & (samples.second < window[1]))
        visits = _visits(route, stops, samples, own)
    else:
        visits = [_missed(route, number, stop) for number, stop in stops]
    reached = [visit for visit in visits if visit.outcome == "visited"]
    stays = np.array([visit.near_s for visit in reached], dtype=np.float64).reshape(-1, 2)
    # Stays that overlap, at stops side by side, have no order.
    inversions = int(np.count_nonzero(np.triu(stays[:, :1] >= stays[None, :, 1], 1)))
    pairs = len(reached) * (len(reached) - 1) / 2
    errors = [visit.error_s for visit in reached if visit.error_s is not None]
    return RoundCompared(
        vehicle_id=route.vehicle_id,
        vehicle_type=route.vehicle_type,
        planned_m=route.distance_m,
        planned_s=float(route.duration_s),
        driven_m=driven_m,
        driven_s=driven_s,
        visits=tuple(visits),
        inversions=inversions,
        kendall_tau=1.0 - 2.0 * inversions / pairs if pairs else None,
        median_error_s=float(np.median(errors)) if errors else None,
        planned_driven=_share_driven(route, driven, network),
    )


def _share_driven(route: Route, driven: NDArray[np.int32], network: RoadNetwork) -> float:
    """Share of a route's planned metres that lie on edges that were driven; 0 of a route that leads nowhere."""
    edges: list[int] = []
    shares: list[float] = []
    for leg in route.legs:
        first, last = np.zeros(len(leg.edges)), np.ones(len(leg.edges))
        if leg.edges:
            first[0], last[-1] = leg.start_fraction, leg.end_fraction
        edges += leg.edges
        shares += (last - first).tolist()
    planned = np.array(edges, dtype=np.int64)
    metres = network.edge_length_m[planned] * np.maximum(np.array(shares), 0.0)
    return float(metres[np.isin(planned, driven)].sum() / metres.sum()) if metres.sum() > 0 else 0.0


def _driven(at_s: Floats, at_m: Floats) -> tuple[float, float]:
    """Metres, and seconds from the first to the last movement."""
    metres = float(at_m[-1] - at_m[0])
    if metres <= 2 * _ROLLING_M:
        return metres, 0.0
    leaves = np.searchsorted(at_m, at_m[0] + _ROLLING_M, side="right") - 1
    comes = np.searchsorted(at_m, at_m[-1] - _ROLLING_M, side="left")
    return metres, float(at_s[comes] - at_s[leaves])


def _missed(route: Route, number: int, stop: Stop) -> Visit:
    return Visit(
        vehicle_id=route.vehicle_id,
        stop_no=number,
        stop=stop,
        outcome="missed",
        near_s=None,
        arrive_s=None,
        depart_s=None,
    )


def _visits(route: Route, stops: list[tuple[int, Stop]], samples: _Samples, own: NDArray[np.int64]) -> list[Visit]:
    if not len(own) or not stops:
        return [_missed(route, number, stop) for number, stop in stops]
    per_lon, per_lat = (float(value[0]) for value in metres_per_degree(np.array([stops[0][1].lat])))
    places = np.column_stack((samples.lon[own] * per_lon, samples.lat[own] * per_lat))
    tree = cKDTree(places)
    visits = []
    for number, stop in stops:
        near = tree.query_ball_point((stop.lon * per_lon, stop.lat * per_lat), NEAR_M + stop.snap_m)
        if not near:
            visits.append(_missed(route, number, stop))
            continue
        index = np.sort(np.array(near, dtype=np.int64))
        second = samples.second[own[index]]
        # Silence alone ends no stay: many receivers sleep while the vehicle is parked.
        left = (np.diff(index) > 1) & (np.diff(second) > _AWAY_S)
        ends = np.append(np.flatnonzero(left), len(second) - 1)
        starts = np.concatenate(([0], ends[:-1] + 1))
        enough = min(max((stop.depart_s - stop.start_s) / 2, _STAY_LEAST_S), STAY_S)
        stayed = second[ends] - second[starts]
        visited = bool((stayed >= enough).any())
        best = int(np.argmax(stayed) if visited else np.argmin(np.abs(second[starts] - stop.arrive_s)))
        stay = index[starts[best] : ends[best] + 1]
        away = np.hypot(*(places[stay] - (stop.lon * per_lon, stop.lat * per_lat)).T)
        at_stop = samples.second[own[stay[away <= away.min() + _AT_STOP_M]]]
        visits.append(
            Visit(
                vehicle_id=route.vehicle_id,
                stop_no=number,
                stop=stop,
                outcome="visited" if visited else "passed",
                near_s=(float(second[starts[best]]), float(second[ends[best]])),
                arrive_s=float(at_stop[0]),
                depart_s=float(at_stop[-1]),
            )
        )
    return visits
