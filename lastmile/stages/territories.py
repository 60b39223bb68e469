"""Stage 3a: cut the day's work into territories, each a routing problem with tables of its own.

The upper echelon carries parcels from depots to sites (and to doors that no site dispatches to); below it every
dispatching site serves the doors nearest to it.
"""

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from lastmile.chargers import Charger
from lastmile.geo.access import Period, Profile, eligible
from lastmile.geo.demand import NONE
from lastmile.geo.snapping import EdgePoints
from lastmile.geo.tags import Mode
from lastmile.loading import depot_places
from lastmile.plans import Site
from lastmile.scenario import Facility, Permit, VehicleType
from lastmile.solvers.problem import (
    TIME_MAX,
    UNREACHABLE,
    Battery,
    Reload,
    RoutingProblem,
    RoutingProfile,
    RoutingVehicle,
    routing_problem,
)
from lastmile.stages.breaks import breaks_in_shift, rests_with_batteries
from lastmile.stages.charging import Recharge, choose_chargers, unfilled_wh, with_chargers
from lastmile.stages.prepare import City
from lastmile.stages.trips import hours_of_trip, reload_s, swaps, trips_at_most
from lastmile.units import DAY_S, fen, parse_hours

# More than any vehicle carries, battery has, route costs, and of anything there is: numbers that are larger say no
# more, and sums of these fit.
_NO_LIMIT: Final = 10**10
_MOST_WH: Final = 10**9
_MOST_FEN: Final = 10**8
_MOST: Final = 2**31 - 1
_GRAMS, _CM3 = 1000.0, 1_000_000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """Where rounds begin and end: a depot, or a site that dispatches, open for departures in a span of seconds.

    ``daily`` hours are those of every day; a night's hours may meet a shift on the day before or after.
    """

    id: str
    name: str
    lon: float
    lat: float
    open_s: tuple[int, int]
    daily: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One visit that has to be made: an order's door, or a drop at a site."""

    kind: Literal["door", "site"]
    id: str
    name: str
    lon: float
    lat: float
    parcels: int
    pickups: int
    weight_g: int
    volume_cm3: int
    service_s: int
    window_s: tuple[int, int]
    release_s: int = 0
    on_board_s: int = NONE
    skill: str = ""
    price_fen: int = NONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Vehicles of one type with one set of permits at one base, that make so many trips at most.

    ``recharge`` is what they count on where they charge on their way, None where they do not.
    """

    vehicle: VehicleType
    permits: tuple[str, ...]
    base: int
    count: int
    over: tuple[Period, ...]
    trips: int = 1
    recharge: Recharge | None = None

    @property
    def profile(self) -> Profile:
        """Who may go where, how fast."""
        return Profile(vehicle=self.vehicle, permits=frozenset(self.permits))

    @property
    def full_at_base(self) -> bool:
        """Whether every trip begins with a full battery."""
        return self.trips == 1 or swaps(self.vehicle)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Territory:
    """A routing problem together with what its indices stand for.

    Locations are the bases, then the tasks, then the chargers. ``points`` has their positions on the roads of each
    mode; ``shut`` the zones that are closed to each entry at some hour of its shift.
    """

    name: str
    bases: tuple[Base, ...]
    tasks: tuple[Task, ...]
    chargers: tuple[Charger, ...]
    entries: tuple[Entry, ...]
    points: Mapping[Mode, EdgePoints]
    problem: RoutingProblem
    objections: Mapping[tuple[int, int], tuple[str, str]]
    shut: tuple[tuple[str, ...], ...]


def shift_of(vehicle: VehicleType, base: Base) -> tuple[int, int]:
    """Earliest departure and latest return, within both the shift and the base's hours."""
    start, end = parse_hours(vehicle.shift)
    opens, closes = base.open_s
    if base.daily:
        opens, closes = meeting(base.open_s, [(start, end)])
    leave = min(max(start, opens), 2 * DAY_S - 1)
    return leave, max(min(end, closes), leave)


def meeting(hours: tuple[int, int], spans: Iterable[tuple[int, int]]) -> tuple[int, int]:
    """Hours of every day, on the day on which they have most in common with one of the spans."""
    chosen = list(spans)

    def common(day: int) -> int:
        return max((min(end, hours[1] + day) - max(start, hours[0] + day, 0) for start, end in chosen), default=0)

    day = max((0, DAY_S, -DAY_S), key=lambda day: max(common(day), 0))
    return max(hours[0] + day, 0), hours[1] + day


def useful_permits(city: City, vehicle: VehicleType, over: Iterable[Period]) -> tuple[str, ...]:
    """Permits that the type may hold and that open something for it at work."""
    spans = tuple(over)
    bare = Profile(vehicle=vehicle)
    useful = []
    for permit in city.scenario.file.permits:
        holder = Profile(vehicle=vehicle, permits=frozenset({permit.id}))
        if eligible(permit, vehicle) and any(
            city.access.zones_in_force(bare, period) != city.access.zones_in_force(holder, period) for period in spans
        ):
            useful.append(permit.id)
    return tuple(useful)


def entries_for(
    city: City,
    bases: Sequence[Base],
    counts: Mapping[tuple[str, int], int | None],
    orders: int,
    left: Mapping[str, int],
    recharges: Mapping[str, Recharge] | None = None,
) -> tuple[Entry, ...]:
    """Every type at every base, once without permits and once with all that are useful to it and still to be had.

    Of a type that may make several trips there are several entries (see :mod:`lastmile.stages.trips`), and two of one
    that does not charge its whole battery on the way: with charging, and without, where all of it counts. ``counts``
    says how many vehicles of a type (by id) stand at a base (by index), None for any number; ``left`` how many of each
    permit there are; ``recharges`` what types (by id) count on where they charge.
    """
    found = []
    for vehicle in city.scenario.file.vehicles:
        for at, base in enumerate(bases):
            if (vehicle.id, at) not in counts:
                continue
            count = counts[vehicle.id, at]
            start, end = shift_of(vehicle, base)
            over = tuple(p for p in city.roads.periods if p.start_s < max(end, start + 1) and p.end_s > start)
            held = tuple(permit for permit in useful_permits(city, vehicle, over) if left[permit] > 0)
            number = orders if count is None else min(count, _MOST)
            recharge = (recharges or {}).get(vehicle.id)
            ways = (recharge, None) if recharge is not None and recharge.share < 1 else (recharge,)
            for permits, trips, way in product(dict.fromkeys(((), held)), trips_at_most(vehicle, orders), ways):
                found.append(
                    Entry(vehicle=vehicle, permits=permits, base=at, count=number, over=over, trips=trips, recharge=way)
                )
    return tuple(found)


def capacity(vehicle: VehicleType) -> NDArray[np.int64]:
    """Parcels, grams and cubic centimetres that a vehicle takes."""
    stated = ((vehicle.parcels, 1.0), (vehicle.payload_kg, _GRAMS), (vehicle.volume_m3, _CM3))
    return np.array(
        [_NO_LIMIT if most is None else int(min(most * unit, _NO_LIMIT)) for most, unit in stated], dtype=np.int64
    )


def make_territory(
    city: City,
    name: str,
    bases: Sequence[Base],
    tasks: Sequence[Task],
    counts: Mapping[tuple[str, int], int | None],
    permits_left: Mapping[str, int],
) -> Territory:
    """Snap the places, compute the tables, write the problem down in indices."""
    work: list[Base | Task] = [*bases, *tasks]
    lon, lat = np.array([place.lon for place in work]), np.array([place.lat for place in work])
    recharges = _recharges(city, counts, tasks, lon, lat)
    entries = entries_for(city, bases, counts, len(tasks), permits_left, recharges)
    chargers = tuple(dict.fromkeys(charger for recharge in recharges.values() for charger in recharge.chargers))
    lon = np.append(lon, [charger.lon for charger in chargers])
    lat = np.append(lat, [charger.lat for charger in chargers])
    points = {entry.profile.mode: city.snappers[entry.profile.mode].snap(lon, lat) for entry in entries}
    driven: dict[tuple[Profile, tuple[Period, ...]], RoutingProfile] = {}
    profiles: list[RoutingProfile] = []
    numbers: list[int] = []
    known: dict[Hashable, int] = {}
    for entry in entries:
        ways = (entry.profile, entry.over)
        if ways not in driven:
            load_g = _heaviest_g(entry.vehicle, tasks)
            driven[ways] = _tables(
                city, points[entry.profile.mode], entry, bases=len(bases), tasks=len(tasks), load_g=load_g
            )
        table = driven[ways]
        charging = chargers and table.energy_wh is not None
        beyond_wh = unfilled_wh(entry.vehicle, entry.recharge) if entry.full_at_base else 0.0
        key = (*ways, entry.recharge, beyond_wh) if charging else ways
        if key not in known:
            known[key] = len(profiles)
            profiles.append(
                with_chargers(table, chargers, entry.recharge, base=entry.base, beyond_wh=beyond_wh)
                if charging
                else table
            )
        numbers.append(known[key])
    allowed, objections = _allowed(city, entries, tasks, points, len(bases))
    pools = {f"permit {permit}": max(left, 0) for permit, left in permits_left.items()}
    pools |= {
        f"type {vehicle}": sum(count for (other, _), count in counts.items() if other == vehicle and count is not None)
        for vehicle, _ in counts
        if all(count is not None for (other, _), count in counts.items() if other == vehicle)
    }
    # A type shared by several depots must not be counted once for each.
    limits = {vehicle.id: vehicle.count for vehicle in city.scenario.file.vehicles if vehicle.count is not None}
    pools = {pool: min(limit, limits.get(pool.removeprefix("type "), limit), _MOST) for pool, limit in pools.items()}
    loads = np.array([[t.parcels, t.weight_g, t.volume_cm3, t.pickups] for t in tasks], dtype=np.int64).reshape(-1, 4)
    loads = np.minimum(loads, _NO_LIMIT + 1)
    problem = routing_problem(
        profiles=profiles,
        vehicles=[
            _vehicle(city, entry, bases[entry.base], number, driven[entry.profile, entry.over], pools)
            for entry, number in zip(entries, numbers, strict=True)
        ],
        location=np.arange(len(bases), len(bases) + len(tasks)),
        delivery=loads[:, :3],
        pickup=np.column_stack((loads[:, 3], np.zeros((len(tasks), 2)))),
        service_s=np.array([min(t.service_s, TIME_MAX - 1) for t in tasks]),
        window_s=np.array([t.window_s for t in tasks]).reshape(-1, 2),
        release_s=np.array([t.release_s for t in tasks]),
        price_fen=np.array([min(t.price_fen, _MOST_FEN) for t in tasks]),
        allowed=allowed,
        on_board_s=np.array([min(t.on_board_s, TIME_MAX - 1) for t in tasks]),
        chargers=np.arange(len(work), len(work) + len(chargers)),
        pools=pools,
    )
    return Territory(
        name=name,
        bases=tuple(bases),
        tasks=tuple(tasks),
        chargers=chargers,
        entries=entries,
        points=points,
        problem=problem,
        objections=objections,
        shut=tuple(
            tuple(dict.fromkeys(z for period in entry.over for z in city.access.zones_in_force(entry.profile, period)))
            for entry in entries
        ),
    )


def _heaviest_g(vehicle: VehicleType, tasks: Sequence[Task]) -> int:
    """The heaviest load there can be: never more than fits in, nor than there is."""
    return min(int(capacity(vehicle)[1]), sum(task.weight_g for task in tasks))


def _recharges(
    city: City,
    counts: Mapping[tuple[str, int], int | None],
    tasks: Sequence[Task],
    lon: NDArray[np.float64],
    lat: NDArray[np.float64],
) -> dict[str, Recharge]:
    """Where the types of a territory charge on their way; nowhere where the search cannot plan with that."""
    names = {vehicle for vehicle, _ in counts}
    types = [vehicle for vehicle in city.scenario.file.vehicles if vehicle.id in names]
    if rests_with_batteries(types) or any(task.on_board_s != NONE for task in tasks):
        return {}
    return choose_chargers(city, types, lon, lat)


def _tables(city: City, points: EdgePoints, entry: Entry, *, bases: int, tasks: int, load_g: int) -> RoutingProfile:
    """Travel between places: walking back to the vehicle, driving, walking to the next door."""
    found = city.roads.matrices(points, profile=entry.profile, over=entry.over)
    # One second more on every leg: parts of edges are rounded to the nearest millisecond in the table, and the true
    # drive must never take longer than the table promises.
    walk = walks_to_doors_s(city, points, bases=bases, tasks=tasks)
    there = found.duration_s.astype(np.int64) + 1 + walk[:, None] + walk[None, :]
    duration = np.where(found.duration_s == UNREACHABLE, UNREACHABLE, np.minimum(there, TIME_MAX - 1))
    np.fill_diagonal(duration, 0)
    distance = np.where(found.duration_s == UNREACHABLE, 0, np.ceil(found.distance_m)).astype(np.int32)
    energy, battery = None, entry.vehicle.battery
    heaviest: NDArray[np.floating[Any]]
    if battery is not None:
        # Of the heaviest load, or of none where load gives back on a descent. A descent itself gives nothing here: the
        # battery may be full. One more for legs, whose energy is rounded up, and for the tables' own rounding.
        if battery.physics is not None:
            heaviest = found.energy_wh + np.maximum(found.energy_wh_per_kg, 0) * (load_g / 1000)
        else:
            # 1 kWh/km is 1 Wh/m
            heaviest = distance * (battery.kwh_per_km + battery.kwh_per_ton_km * load_g / 1e6)
        energy = (np.ceil(np.clip(heaviest, 0, _MOST_WH)) + 1).astype(np.int32)
        energy[found.duration_s == UNREACHABLE] = 0
        np.fill_diagonal(energy, 0)
    return RoutingProfile(duration_s=duration.astype(np.int32), distance_m=distance, energy_wh=energy)


def walks_to_doors_s(city: City, points: EdgePoints, *, bases: int, tasks: int) -> NDArray[np.int32]:
    """Seconds on foot between the vehicle and each place beyond what a visit contains; only tasks are walked to."""
    file = city.scenario.file
    walk = points.access_s(free_m=file.map.visit_snap_m, walk_kmh=file.speeds.walk_kmh)
    walk[:bases] = walk[bases + tasks :] = 0
    return walk


def _allowed(
    city: City, entries: Sequence[Entry], tasks: Sequence[Task], points: Mapping[Mode, EdgePoints], bases: int
) -> tuple[NDArray[np.bool_], dict[tuple[int, int], tuple[str, str]]]:
    """Which vehicle may make which visit; per visit and entry that may not, the reason and the remedy."""
    allowed = np.ones((len(tasks), len(entries)), dtype=bool)
    objections: dict[tuple[int, int], tuple[str, str]] = {}
    limit = city.scenario.file.map.max_snap_m
    for v, entry in enumerate(entries):
        away = points[entry.profile.mode].distance_m[bases : bases + len(tasks)]
        for k in np.flatnonzero(away > limit).tolist():
            objections[k, v] = (
                f"is {away[k]:,.0f} m from the nearest road for {entry.profile.mode}, the limit is {limit:g} m",
                f"move the stop to a road, or raise map.max_snap_m to {math.ceil(away[k])}",
            )
        for k, task in enumerate(tasks):
            if task.skill and task.skill not in entry.vehicle.skills:
                objections[k, v] = (f"lacks the skill {task.skill!r}", f"give a vehicle type the skill {task.skill!r}")
    for k, v in objections:
        allowed[k, v] = False
    return allowed, objections


def _vehicle(
    city: City, entry: Entry, base: Base, profile: int, table: RoutingProfile, pools: Mapping[str, int]
) -> RoutingVehicle:
    vehicle, trips = entry.vehicle, entry.trips
    battery, yuan_per_km = None, vehicle.yuan_per_km
    if vehicle.battery is not None and table.energy_wh is not None:
        usable_wh, reserve_wh = vehicle.battery.usable_kwh * 1000, vehicle.battery.reserve_kwh * 1000
        if entry.recharge is not None:
            # One watt-hour less: what is charged is rounded down to whole ones where it fills the battery.
            usable_wh = max(usable_wh - unfilled_wh(vehicle, entry.recharge) - 1, reserve_wh)
        if not entry.full_at_base:
            usable_wh = reserve_wh + (usable_wh - reserve_wh) / trips
        battery = Battery(
            capacity_wh=min(usable_wh, _MOST_WH),
            reserve_wh=min(reserve_wh, _MOST_WH),
            seconds_per_wh=0.0 if entry.recharge is None else entry.recharge.seconds_per_wh,
        )
        # For money the mean of the table is good enough to choose by.
        wh_per_m = float(table.energy_wh.sum()) / max(float(table.distance_m.sum()), 1.0)
        yuan_per_km += wh_per_m * vehicle.yuan_per_kwh
    fixed_yuan = vehicle.yuan_per_day + sum(permit.yuan_per_day for permit in _held(city, entry.permits))
    named = (f"type {vehicle.id}", *(f"permit {permit}" for permit in entry.permits))
    return RoutingVehicle(
        count=entry.count,
        start=entry.base,
        end=entry.base,
        profile=profile,
        capacity=capacity(vehicle),
        shift_s=shift_of(vehicle, base),
        fixed_fen=_rate(fixed_yuan),
        fen_per_km=_rate(yuan_per_km),
        fen_per_hour=_rate(vehicle.yuan_per_hour),
        max_distance_m=_limit(vehicle.max_distance_km, 1000, trips),
        max_duration_s=_limit(hours_of_trip(vehicle, trips), 3600),
        max_orders=_limit(vehicle.max_stops, 1, trips),
        max_trips=trips,
        reloads=(Reload(location=entry.base, duration_s=min(reload_s(vehicle), TIME_MAX - 1)),) if trips > 1 else (),
        breaks=breaks_in_shift(vehicle),
        battery=battery,
        pools=tuple(pool for pool in named if pool in pools),
    )


def _rate(yuan: float) -> int:
    return fen(min(yuan, _MOST_FEN / 100))


def _limit(most: float | None, unit: int, parts: int = 1) -> int | None:
    """A part of a limit of the user's in whole units of the problem; None without, and where nothing reaches it."""
    return None if most is None or most * unit > _MOST else int(most * unit / parts)


def _held(city: City, permits: Iterable[str]) -> list[Permit]:
    names = set(permits)
    return [permit for permit in city.scenario.file.permits if permit.id in names]


def door_task(city: City, order: int) -> Task:
    """The visit to an order's door."""
    demand, times = city.demand, city.scenario.file.demand.door
    handled = int(demand.parcels[order] + demand.pickups[order])
    stated = int(demand.service_s[order])
    return Task(
        kind="door",
        id=demand.id[order],
        name=demand.name[order],
        lon=float(demand.lon[order]),
        lat=float(demand.lat[order]),
        parcels=int(demand.parcels[order]),
        pickups=int(demand.pickups[order]),
        weight_g=int(demand.weight_g[order]),
        volume_cm3=int(demand.volume_cm3[order]),
        service_s=stated if stated != NONE else int(times.visit_s + times.parcel_s * handled),
        window_s=(int(demand.window_start_s[order]), int(demand.window_end_s[order])),
        release_s=int(demand.release_s[order]),
        on_board_s=int(demand.on_board_s[order]),
        skill=demand.skill[order],
        price_fen=int(demand.price_fen[order]),
    )


def site_tasks(
    site: Site,
    facility: Facility,
    load: tuple[int, int, int],
    types: Sequence[VehicleType],
    *,
    release_s: int = 0,
    skill: str = "",
) -> list[Task]:
    """Drops that bring a site its parcels, grams and cubic centimetres.

    Any vehicle of the types can take each of them, so that drops need not be made to measure for one type. With a skill
    the types are those that have it, as far as any has.
    """
    types = [vehicle for vehicle in types if skill in ("", *vehicle.skills)] or types
    room = np.min([capacity(vehicle) for vehicle in types], axis=0) if types else np.full(3, _NO_LIMIT)
    number = max(*(math.ceil(amount / max(int(most), 1)) for amount, most in zip(load, room, strict=True)), 1)
    number = min(number, max(load[0], 1))
    window_s = meeting(parse_hours(facility.supply_hours), [parse_hours(vehicle.shift) for vehicle in types])
    cuts = [tuple(amount * part // number for amount in load) for part in range(number + 1)]
    return [
        Task(
            kind="site",
            id=site.id,
            name=site.name,
            lon=site.lon,
            lat=site.lat,
            parcels=after[0] - before[0],
            pickups=0,
            weight_g=after[1] - before[1],
            volume_cm3=after[2] - before[2],
            service_s=int(facility.visit_s + facility.parcel_s * (after[0] - before[0])),
            window_s=(0, 2 * DAY_S) if window_s == (0, DAY_S) else window_s,
            release_s=release_s,
            skill=skill,
        )
        for before, after in pairwise(cuts)
    ]


def depot_bases(city: City) -> tuple[Base, ...]:
    """The scenario's depots."""
    lon, lat = depot_places(city.scenario.file)
    return tuple(
        Base(id=depot.id, name=depot.name or depot.id, lon=x, lat=y, open_s=_open(depot.hours), daily=True)
        for depot, x, y in zip(city.scenario.file.depots, lon, lat, strict=True)
    )


def _open(hours: str) -> tuple[int, int]:
    start, end = parse_hours(hours)
    return (0, 2 * DAY_S) if (start, end) == (0, DAY_S) else (start, end)
