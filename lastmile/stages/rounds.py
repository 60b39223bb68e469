"""Stage 3b: from sequences of visits to routes on the road: paths, times, energy and cost."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from lastmile.chargers import Charger, charging_s, energy_yuan
from lastmile.geo.snapping import EdgePoints
from lastmile.plans import Leg, Route, Stop
from lastmile.scenario import Permit, VehicleType
from lastmile.solvers.problem import Break, Round, Visit
from lastmile.stages.prepare import City
from lastmile.stages.tasks import Base, Task
from lastmile.stages.territories import Entry, Territory, walks_to_doors_s
from lastmile.stages.trips import reload_s, swaps
from lastmile.units import fen


def make_route(city: City, territory: Territory, found: Round, vehicle_id: str) -> Route:
    """Drive one round on the road network: true paths, at the speeds of the hours in which they are driven."""
    entry = territory.entries[found.vehicle]
    base = territory.bases[entry.base]
    points = territory.points[entry.profile.mode]
    walk_s = walks_to_doors_s(city, points, bases=len(territory.bases), tasks=len(territory.tasks)).tolist()
    trips = iter(found.tour.trips)
    aboard_g = _weight_g(territory, next(trips))
    here, ready = entry.base, _second(found.depart_s)
    out_wh = 0  # taken from the battery since it was full
    stops, legs = [_stop(base, points, entry.base, arrive=ready, start=ready, depart=ready)], []
    for way in _ways(territory, found):
        visit, target = way.to, _place(territory, entry, way.to)
        leaves = _rested(ready, way.before_drive)
        leg = _drive(city, points, here, target, entry, depart_s=leaves, aboard_g=aboard_g)
        legs.append(leg)
        here = target
        out_wh = max(out_wh + leg.energy_wh, 0)
        if visit is not None and visit.kind == "order":
            task = territory.tasks[visit.index]
            start = max(_rested(leg.arrive_s + walk_s[target], way.on_arrival), task.window_s[0])
            ready = start + task.service_s + walk_s[target]
            stops.append(_stop(task, points, target, arrive=leg.arrive_s, start=start, depart=ready))
            aboard_g -= task.weight_g
        elif visit is not None and visit.kind == "charge":
            start = leg.arrive_s
            charger = territory.chargers[visit.index]
            wh, seconds = _charged(entry, charger, out_wh, planned_s=visit.depart_s - visit.begin_s)
            # Rests and charging run side by side; who has done both leaves.
            out_wh, ready = out_wh - wh, max(start + seconds, _rested(start, way.on_arrival))
            stops.append(_stop(charger, points, target, arrive=leg.arrive_s, start=start, depart=ready, charged_wh=wh))
        elif visit is not None:
            # As late as it can be: what the next trip carries may be there no earlier.
            done = _second(min([visit.depart_s, *way.resting_after]))
            start = done - reload_s(entry.vehicle)
            stops.append(_stop(base, points, entry.base, arrive=leg.arrive_s, start=start, depart=done))
            ready = _second(visit.depart_s)
            aboard_g = _weight_g(territory, next(trips))
            out_wh = 0 if swaps(entry.vehicle) else out_wh
        else:
            at = leg.arrive_s
            stops.append(_stop(base, points, entry.base, arrive=at, start=at, depart=at))
    permits = [permit for permit in city.scenario.file.permits if permit.id in entry.permits]
    route = Route(
        vehicle_id=vehicle_id,
        vehicle_type=entry.vehicle.id,
        vehicle_class=entry.vehicle.vehicle_class,
        energy=entry.vehicle.energy,
        base_id=base.id,
        permits=tuple(permit.id for permit in permits),
        stops=tuple(stops),
        legs=tuple(legs),
        cost_fen=0,
    )
    return replace(route, cost_fen=route_cost_fen(entry.vehicle, permits, route, territory.chargers))


def _second(moment: float) -> int:
    """The whole second that has begun: where charging takes fractions, what comes behind is no later for it."""
    return math.floor(moment + 1e-6)


def _place(territory: Territory, entry: Entry, visit: Visit | None) -> int:
    """Where a visit is made; where there is none, or a reload, at the base."""
    if visit is not None and visit.kind == "order":
        return len(territory.bases) + visit.index
    if visit is not None and visit.kind == "charge":
        return len(territory.bases) + len(territory.tasks) + visit.index
    return entry.base


def _charged(entry: Entry, charger: Charger, out_wh: int, *, planned_s: float) -> tuple[int, int]:
    """Watt-hours that are charged, as many as planned where there is room for them, and the seconds that they take."""
    battery, recharge = entry.vehicle.battery, entry.recharge
    assert battery is not None
    assert recharge is not None
    held_wh = battery.usable_kwh * 1000 - out_wh
    room = max(math.floor(battery.usable_kwh * 1000 * recharge.share - held_wh + 1e-6), 0)
    wh = min(math.ceil(planned_s / recharge.seconds_per_wh - 1e-6), room)
    return wh, math.ceil(charging_s(battery, charger.power_kw, from_wh=held_wh, wh=wh) - 1e-6)


def _weight_g(territory: Territory, orders: Sequence[int]) -> int:
    return sum(territory.tasks[order].weight_g for order in orders)


@dataclass(slots=True, kw_only=True)
class _Way:
    """The way to the next visit or reload, or back for the day (None), with the breaks taken on it.

    Those of a reload's ``on_arrival`` lie ahead of it, those of a charger's while the vehicle is plugged in.
    ``resting_after`` are the begins of those behind a reload, in the pause before the next trip.
    """

    to: Visit | None = None
    before_drive: list[Break] = field(default_factory=list)
    on_arrival: list[Break] = field(default_factory=list)
    resting_after: list[float] = field(default_factory=list)


def _ways(territory: Territory, found: Round) -> list[_Way]:
    """Where a round leads, stop by stop."""
    breaks = territory.problem.vehicles[found.vehicle].breaks
    ways, waiting = list[_Way](), list[Visit]()
    for visit in (*found.visits, None):
        if visit is not None and visit.kind == "break":
            last = ways[-1].to if ways and not waiting else None
            if last is None or last.kind == "order" or visit.depart_s > last.depart_s:
                waiting.append(visit)
            elif last.kind == "charge":
                ways[-1].on_arrival.append(breaks[visit.index])
            else:
                ways[-1].resting_after.append(visit.begin_s)
            continue
        way = _Way(to=visit)
        for rest in waiting:
            arrived = visit is not None and rest.begin_s >= visit.arrive_s
            (way.on_arrival if arrived else way.before_drive).append(breaks[rest.index])
        ways.append(way)
        waiting = []
    return ways


def _rested(second: int, rests: Sequence[Break]) -> int:
    """When the breaks are over for who is ready to take them at a moment, never later than the round has planned."""
    for rest in rests:
        second = max(second, rest.window_s[0]) + rest.duration_s
    return second


def route_cost_fen(
    vehicle: VehicleType, permits: Sequence[Permit], route: Route, chargers: Sequence[Charger] = ()
) -> int:
    """Cost of a round: using the vehicle and its permits, kilometres, hours and energy."""
    yuan = (
        vehicle.yuan_per_day
        + sum(permit.yuan_per_day for permit in permits)
        + vehicle.yuan_per_km * (route.distance_m / 1000)
        + vehicle.yuan_per_hour * (route.duration_s / 3600)
        + energy_yuan(vehicle, route, chargers)
    )
    return fen(yuan)


def _stop(
    at: Base | Charger | Task,
    points: EdgePoints,
    place: int,
    *,
    arrive: int,
    start: int,
    depart: int,
    charged_wh: int = 0,
) -> Stop:
    task = at if isinstance(at, Task) else None
    return Stop(
        kind=task.kind if task else "charge" if isinstance(at, Charger) else "base",
        location_id=at.id,
        name=at.name,
        lon=at.lon,
        lat=at.lat,
        arrive_s=arrive,
        start_s=start,
        depart_s=depart,
        parcels=task.parcels if task else 0,
        pickups=task.pickups if task else 0,
        weight_g=task.weight_g if task else 0,
        volume_cm3=task.volume_cm3 if task else 0,
        snap_m=round(float(points.distance_m[place]), 1),
        charged_wh=charged_wh,
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
