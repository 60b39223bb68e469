"""Stage 3a: cut the day's work into territories, each a routing problem with tables of its own.

The upper echelon carries parcels from depots to sites (and to doors that no site dispatches to); below it every
dispatching site serves the doors nearest to it.
"""

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lastmile.chargers import Charger
from lastmile.geo.access import Period, Profile, eligible
from lastmile.geo.demand import NONE
from lastmile.geo.snapping import EdgePoints
from lastmile.geo.tags import Mode
from lastmile.scenario import Permit, VehicleType
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
from lastmile.stages.tasks import NO_LIMIT, Base, Task, capacity, shift_of
from lastmile.stages.trips import hours_of_trip, reload_s, swaps, trips_at_most
from lastmile.units import fen

# More than any battery has, route costs, and of anything there is: numbers that are larger say no
# more, and sums of these fit.
_MOST_WH: Final = 10**9
_MOST_FEN: Final = 10**8
_MOST: Final = 2**31 - 1


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
    travel = _travel(city, points, entries, bases=len(bases), tasks=tasks, chargers=chargers)
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
    loads = np.minimum(loads, NO_LIMIT + 1)
    problem = routing_problem(
        profiles=travel.tables,
        vehicles=[
            _vehicle(city, entry, bases[entry.base], number, wh_per_m, pools)
            for entry, number, wh_per_m in zip(entries, travel.of_entry, travel.wh_per_m, strict=True)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Travel:
    """Tables of all entries; of each entry, which is its own, and what it takes for a metre on the mean."""

    tables: list[RoutingProfile]
    of_entry: list[int]
    wh_per_m: list[float]


def _travel(
    city: City,
    points: Mapping[Mode, EdgePoints],
    entries: Sequence[Entry],
    *,
    bases: int,
    tasks: Sequence[Task],
    chargers: Sequence[Charger],
) -> _Travel:
    """Each table once, however many entries drive by it."""
    driven: dict[tuple[Profile, tuple[Period, ...]], RoutingProfile] = {}
    known: dict[Hashable, int] = {}
    found = _Travel(tables=[], of_entry=[], wh_per_m=[])
    for entry in entries:
        ways = (entry.profile, entry.over)
        if ways not in driven:
            load_g = _heaviest_g(entry.vehicle, tasks)
            driven[ways] = _tables(
                city, points[entry.profile.mode], entry, bases=bases, tasks=len(tasks), load_g=load_g
            )
        table = driven[ways]
        beyond_wh = unfilled_wh(entry.vehicle, entry.recharge) if entry.full_at_base else 0.0
        key: Hashable = ways
        if chargers and table.energy_wh is not None:
            key = (*ways, entry.recharge, beyond_wh)
            if key not in known:
                table = with_chargers(table, chargers, entry.recharge, base=entry.base, beyond_wh=beyond_wh)
        if key not in known:
            known[key] = len(found.tables)
            found.tables.append(table)
        found.of_entry.append(known[key])
        energy = driven[ways].energy_wh
        metres = max(float(driven[ways].distance_m.sum()), 1.0)
        found.wh_per_m.append(0.0 if energy is None else float(energy.sum()) / metres)
    return found


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
    city: City, entry: Entry, base: Base, profile: int, wh_per_m: float, pools: Mapping[str, int]
) -> RoutingVehicle:
    vehicle, trips = entry.vehicle, entry.trips
    battery, yuan_per_km = None, vehicle.yuan_per_km
    if vehicle.battery is not None:
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
