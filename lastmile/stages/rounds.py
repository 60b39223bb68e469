"""Stage 3b: from sequences of visits to routes on the road: paths, times, energy and cost."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from lastmile.geo.snapping import EdgePoints
from lastmile.plans import Leg, Route, Stop
from lastmile.scenario import Permit, VehicleType
from lastmile.solvers.problem import Break, Round, Visit
from lastmile.stages.prepare import City
from lastmile.stages.territories import Base, Entry, Task, Territory, walks_to_doors_s
from lastmile.units import fen


def make_route(city: City, territory: Territory, found: Round, vehicle_id: str) -> Route:
    """Drive one round on the road network: true paths, at the speeds of the hours in which they are driven."""
    entry = territory.entries[found.vehicle]
    base = territory.bases[entry.base]
    points = territory.points[entry.profile.mode]
    tasks = [territory.tasks[order] for order in found.options]
    places = [entry.base, *(len(territory.bases) + order for order in found.options), entry.base]
    rests = _rests(territory, found)
    aboard_g = sum(task.weight_g for task in tasks)
    walk_s = walks_to_doors_s(city, points, bases=len(territory.bases)).tolist()
    second = round(found.depart_s)
    stops = [_at_base(base, points, entry.base, arrive=second, depart=second)]
    legs = []
    for task, rest, (origin, target) in zip([*tasks, None], rests, pairwise(places), strict=True):
        second = _rested(second, rest.before_drive)
        leg = _drive(city, points, origin, target, entry, depart_s=second, aboard_g=aboard_g)
        legs.append(leg)
        if task is None:
            stops.append(_at_base(base, points, entry.base, arrive=leg.arrive_s, depart=leg.arrive_s))
            break
        start = max(_rested(leg.arrive_s + walk_s[target], rest.on_arrival), task.window_s[0])
        second = start + task.service_s + walk_s[target]
        stops.append(_at_task(task, points, target, arrive=leg.arrive_s, start=start, depart=second))
        aboard_g -= task.weight_g
    permits = [permit for permit in city.scenario.file.permits if permit.id in entry.permits]
    return Route(
        vehicle_id=vehicle_id,
        vehicle_type=entry.vehicle.id,
        vehicle_class=entry.vehicle.vehicle_class,
        energy=entry.vehicle.energy,
        base_id=base.id,
        permits=tuple(permit.id for permit in permits),
        stops=tuple(stops),
        legs=tuple(legs),
        cost_fen=route_cost_fen(entry.vehicle, permits, tuple(stops), tuple(legs)),
    )


@dataclass(frozen=True, slots=True)
class _Rests:
    """Breaks on the way from one stop to the next: before the drive, and between the arrival and the service."""

    before_drive: list[Break] = field(default_factory=list)
    on_arrival: list[Break] = field(default_factory=list)


def _rests(territory: Territory, found: Round) -> list[_Rests]:
    """Where the breaks of a round lie: on the way to each of its stops and back."""
    breaks = territory.problem.vehicles[found.vehicle].breaks
    ways, waiting = [_Rests()], list[Visit]()
    for visit in found.visits:
        if visit.kind == "break":
            waiting.append(visit)
            continue
        for rest in waiting:
            way = ways[-1].on_arrival if rest.begin_s >= visit.arrive_s else ways[-1].before_drive
            way.append(breaks[rest.index])
        ways.append(_Rests())
        waiting = []
    ways[-1].before_drive.extend(breaks[rest.index] for rest in waiting)
    return ways


def _rested(second: int, rests: Sequence[Break]) -> int:
    """When the breaks are over for who is ready to take them at a moment, never later than the round has planned."""
    for rest in rests:
        second = max(second, rest.window_s[0]) + rest.duration_s
    return second


def route_cost_fen(vehicle: VehicleType, permits: list[Permit], stops: tuple[Stop, ...], legs: tuple[Leg, ...]) -> int:
    """Cost of a round: using the vehicle and its permits, kilometres, hours and energy."""
    hours = (stops[-1].arrive_s - stops[0].depart_s) / 3600
    kilometres = sum(leg.distance_m for leg in legs) / 1000
    energy_kwh = sum(leg.energy_wh for leg in legs) / 1000
    yuan = (
        vehicle.yuan_per_day
        + sum(permit.yuan_per_day for permit in permits)
        + vehicle.yuan_per_km * kilometres
        + vehicle.yuan_per_hour * hours
        + vehicle.yuan_per_kwh * energy_kwh
    )
    return fen(yuan)


def _at_base(base: Base, points: EdgePoints, place: int, *, arrive: int, depart: int) -> Stop:
    return Stop(
        kind="base",
        location_id=base.id,
        name=base.name,
        lon=base.lon,
        lat=base.lat,
        arrive_s=arrive,
        start_s=arrive,
        depart_s=depart,
        parcels=0,
        pickups=0,
        weight_g=0,
        volume_cm3=0,
        snap_m=round(float(points.distance_m[place]), 1),
    )


def _at_task(task: Task, points: EdgePoints, place: int, *, arrive: int, start: int, depart: int) -> Stop:
    return Stop(
        kind=task.kind,
        location_id=task.id,
        name=task.name,
        lon=task.lon,
        lat=task.lat,
        arrive_s=arrive,
        start_s=start,
        depart_s=depart,
        parcels=task.parcels,
        pickups=task.pickups,
        weight_g=task.weight_g,
        volume_cm3=task.volume_cm3,
        snap_m=round(float(points.distance_m[place]), 1),
    )


def _drive(
    city: City, points: EdgePoints, origin: int, target: int, entry: Entry, *, depart_s: int, aboard_g: int
) -> Leg:
    profile = entry.profile
    edges = city.roads.path(points, origin, target, profile=profile, over=entry.over)
    if not len(edges):
        return Leg(edges=(), start_fraction=0.0, end_fraction=0.0, depart_s=depart_s, arrive_s=depart_s,
                   distance_m=0.0, energy_wh=0)  # fmt: skip
    start = _along(points, origin, int(edges[0]))
    end = _along(points, target, int(edges[-1]))
    shares = np.ones(len(edges))
    shares[0] -= start
    shares[-1] -= 1.0 - end
    distance = float((city.network.segment_length_m[city.network.edge_segment[edges]] * shares).sum())
    return Leg(
        edges=tuple(edges.tolist()),
        start_fraction=start,
        end_fraction=end,
        depart_s=depart_s,
        arrive_s=city.roads.drive(edges, shares, profile=profile, depart_s=depart_s),
        distance_m=round(distance, 2),
        energy_wh=_energy_wh(city, entry, edges, shares, distance, aboard_g),
    )


def _along(points: EdgePoints, place: int, edge: int) -> float:
    """Where a position lies along an edge's own direction: 0 at its tail, 1 at its head."""
    fraction = float(points.fraction[place])
    return fraction if edge == int(points.forward[place]) else 1.0 - fraction


def _energy_wh(
    city: City, entry: Entry, edges: NDArray[np.int32], shares: NDArray[np.float64], distance_m: float, aboard_g: int
) -> int:
    """Rounded up; with physics that of the edges, enough at every hour of the shift."""
    battery = entry.vehicle.battery
    if battery is None:
        return 0
    if battery.physics is not None:
        energy = city.roads.energy(entry.profile, entry.over)
        each = energy.empty_wh[edges] + energy.wh_per_kg[edges] * (aboard_g / 1000)
        return int(np.ceil((each * shares).sum()))
    per_m = battery.kwh_per_km + battery.kwh_per_ton_km * aboard_g / 1e6
    return int(np.ceil(per_m * distance_m))
