"""Stage 3: which vehicles drive which rounds: from depots to sites and doors, and from sites to the doors near them."""

import math
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from lastmile.geo.access import Profile
from lastmile.geo.network import metres_per_degree
from lastmile.plans import Route, Service, Site, Unserved
from lastmile.scenario import VehicleType
from lastmile.solvers.problem import Blocked, RoutingSolution
from lastmile.solvers.routing import NOT_ALLOWED, latest_departure, solve
from lastmile.stages.prepare import City, Progress
from lastmile.stages.rounds import make_route
from lastmile.stages.siting import Placement
from lastmile.stages.territories import (
    Base,
    Task,
    Territory,
    capacity,
    depot_bases,
    door_task,
    make_territory,
    site_tasks,
    useful_permits,
)
from lastmile.units import DAY_S, clock, parse_hours

_DISPATCH_S = 45 * 60  # doors further than this from every dispatching site are served from the depots
_HORIZON_S = 6 * 3600
_GENEROUS = 8.0
_LEAST_S = 0.2
# Guesses that only share out vehicles before rounds exist.
_CIRCUITY = 1.35
_CRUISE_M_S = {"e_trike": 3.3, "e_van": 5.5, "truck_light": 5.0, "truck_medium": 5.0}
_SECOND_LOOKS = 2  # how often spare vehicles are moved to territories that lack some


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rounds:
    """Routes, the orders they serve and those they cannot; sites with the loads that reach them.

    ``cut_short`` says that the clock ended a search, so that another machine may find other rounds.
    """

    sites: tuple[Site, ...]
    routes: tuple[Route, ...]
    services: tuple[Service, ...]
    unserved: tuple[Unserved, ...]
    cut_short: bool


@dataclass(slots=True)
class _Clock:
    """Shares out what is left of the ceiling on the search time, so that steps and not the clock end a search."""

    seconds: float
    visits: int
    started: float = field(default_factory=time.monotonic)
    cut_short: bool = False

    def share(self, visits: int) -> float:
        """Seconds that one problem may take: several times its share, as most need far less than theirs."""
        left = self.seconds - (time.monotonic() - self.started)
        return max(left * min(_GENEROUS * visits / max(self.visits, 1), 1.0), _LEAST_S)


@dataclass(slots=True)
class _Work:
    """What is still to be shared out while territories are solved."""

    permits: dict[str, int]
    clock: _Clock
    numbers: Counter[str] = field(default_factory=Counter)
    routes: list[Route] = field(default_factory=list)
    lost: dict[str, tuple[tuple[str, ...], str]] = field(default_factory=dict)


def route_vehicles(city: City, placement: Placement, *, on_progress: Progress) -> Rounds:
    """Plan all rounds of the day."""
    file = city.scenario.file
    facilities = {facility.id: facility for facility in file.facilities}
    order_of = {text: k for k, text in enumerate(city.demand.id)}
    doors = [order_of[service.order_id] for service in placement.services if service.channel == "door"]
    doors = [k for k in doors if city.demand.parcels[k] + city.demand.pickups[k] > 0]
    hubs = [site for site in placement.sites if facilities[site.facility].dispatches]
    by_hub, direct = _dispatch(city, hubs, doors)
    fetched = _fetched(city, placement, hubs, by_hub)

    work = _Work(
        permits={permit.id: permit.quota for permit in file.permits},
        clock=_Clock(seconds=file.search.routing_seconds, visits=len(doors) + len(fetched)),
    )
    _supply(city, placement.sites, fetched, direct, work, on_progress)
    # A site whose parcels cannot be brought serves nobody.
    cut = {site.id for site in placement.sites if site.id in work.lost}
    arrivals: dict[str, int] = {}
    for route in work.routes:
        for stop in route.stops:
            if stop.kind == "site":
                arrivals[stop.location_id] = max(arrivals.get(stop.location_id, 0), stop.depart_s)
    there = [[order for order in orders if city.demand.id[order] not in work.lost] for orders in by_hub]
    hubs_served = [(site, orders) for site, orders in zip(hubs, there, strict=True) if orders and site.id not in cut]
    _deliver(city, hubs_served, arrivals, work, on_progress)
    for j, site in enumerate(hubs):
        if site.id in cut:
            for order in by_hub[j]:
                work.lost[city.demand.id[order]] = work.lost[site.id]
    for order in direct:
        if (gone := work.lost.get(city.demand.id[order])) is not None:
            work.lost[city.demand.id[order]] = (*_not_dispatched(city, hubs, order), *gone[0]), gone[1]
    services, unserved = [], list(placement.unserved)
    for service in placement.services:
        gone = work.lost.get(service.order_id) or (work.lost.get(service.site_id) if service.site_id else None)
        if gone is None:
            services.append(service)
        else:
            k = order_of[service.order_id]
            unserved.append(
                Unserved(order_id=service.order_id, channel=service.channel, parcels=service.parcels,
                         lon=float(city.demand.lon[k]), lat=float(city.demand.lat[k]), reasons=gone[0], remedy=gone[1])
            )  # fmt: skip
    # A site that cannot be supplied, or whose orders are left out, holds less than siting meant it to.
    held = Counter[str]()
    for service in services:
        if service.site_id is not None:
            held[service.site_id] += service.parcels
    return Rounds(
        sites=tuple(replace(site, load_parcels=held[site.id]) for site in placement.sites),
        routes=tuple(work.routes),
        services=tuple(services),
        unserved=tuple(unserved),
        cut_short=work.clock.cut_short,
    )


def _dispatch(city: City, hubs: Sequence[Site], doors: Sequence[int]) -> tuple[list[list[int]], list[int]]:
    """Give every door to the dispatching site from which a vehicle is there first; the rest is served directly."""
    by_hub: list[list[int]] = [[] for _ in hubs]
    lon, lat = city.demand.lon[list(doors)], city.demand.lat[list(doors)]
    best_s, best = np.full(len(doors), np.inf), np.full(len(doors), -1)
    for vehicle in _based_at_sites(city):
        at = np.array([j for j, site in enumerate(hubs) if site.facility in vehicle.based_at], dtype=np.int64)
        skilled = np.array([city.demand.skill[k] in ("", *vehicle.skills) for k in doors], dtype=bool)
        if vehicle.count == 0 or not len(at) or not skilled.any():
            continue
        origin = np.array([(hubs[j].lon, hubs[j].lat) for j in at.tolist()])
        seconds, hub = _first_there(city, vehicle, origin, np.column_stack((lon, lat)), bound_s=_DISPATCH_S)
        nearer = skilled & (seconds < best_s)
        best_s[nearer], best[nearer] = seconds[nearer], at[hub[nearer]]
    for order, j in zip(doors, best.tolist(), strict=True):
        if j >= 0:
            by_hub[j].append(order)
    return by_hub, [order for order, j in zip(doors, best.tolist(), strict=True) if j < 0]


def _first_there(
    city: City, vehicle: VehicleType, origin: NDArray[np.float64], target: NDArray[np.float64], *, bound_s: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Seconds from the origin that is nearest to each target in time, and that origin; ``inf`` beyond the bound.

    Permits are used only for targets that cannot be reached without them. A target too far from any road is beyond it.
    """
    start, end = parse_hours(vehicle.shift)
    over = tuple(p for p in city.roads.periods if p.start_s < end and p.end_s > start)
    snapper = city.snappers[vehicle.vehicle_class]
    origins, targets = snapper.snap(origin[:, 0], origin[:, 1]), snapper.snap(target[:, 0], target[:, 1])
    best_s, best = np.full(len(target), np.inf), np.zeros(len(target), dtype=np.int64)
    for permits in dict.fromkeys(((), useful_permits(city, vehicle, over))):
        profile = Profile(vehicle=vehicle, permits=frozenset(permits))
        offset, found, seconds = city.roads.reachable(origins, targets, profile=profile, over=over, bound_s=bound_s)
        source = np.repeat(np.arange(len(origin)), np.diff(offset))
        order = np.lexsort((source, seconds, found))
        place, first = np.unique(found[order], return_index=True)
        fresh = np.isinf(best_s[place])
        chosen = order[first[fresh]]
        best_s[place[fresh]], best[place[fresh]] = seconds[chosen], source[chosen]
    best_s[targets.distance_m > city.scenario.file.map.max_snap_m] = np.inf
    return best_s, best


def _not_dispatched(city: City, hubs: Sequence[Site], order: int) -> tuple[str, ...]:
    """Why no vehicle that is based at sites takes an order, per type."""
    limit = city.scenario.file.map.max_snap_m
    lon, lat = city.demand.lon[order], city.demand.lat[order]
    skill = city.demand.skill[order]
    texts = []
    for vehicle in _based_at_sites(city):
        away = float(city.snappers[vehicle.vehicle_class].snap(lon, lat).distance_m[0])
        if vehicle.count == 0:
            text = "there is none"
        elif not any(site.facility in vehicle.based_at for site in hubs):
            text = "no site that dispatches is open"
        elif skill not in ("", *vehicle.skills):
            text = f"lacks the skill {skill!r}"
        elif away > limit:
            text = f"is {away:,.0f} m from the nearest road for {vehicle.vehicle_class}, the limit is {limit:g} m"
        else:
            text = f"no site that dispatches is within {_DISPATCH_S // 60} min of driving"
        texts.append(f"{vehicle.id}: {text}")
    return tuple(texts)


def _based_at_sites(city: City) -> list[VehicleType]:
    facilities = {facility.id for facility in city.scenario.file.facilities if facility.dispatches}
    return [vehicle for vehicle in city.scenario.file.vehicles if facilities & set(vehicle.based_at)]


def _fetched(
    city: City, placement: Placement, hubs: Sequence[Site], by_hub: Sequence[Sequence[int]]
) -> dict[str, list[int]]:
    """Orders whose parcels have to be brought to every site: for its receivers, and for the doors around it."""
    order_of = {text: k for k, text in enumerate(city.demand.id)}
    found: dict[str, list[int]] = defaultdict(list)
    for service in placement.services:
        if service.site_id is not None and service.parcels > 0:
            found[service.site_id].append(order_of[service.order_id])
    for site, orders in zip(hubs, by_hub, strict=True):
        for order in orders:
            if city.demand.parcels[order] > 0:
                found[site.id].append(order)
    return dict(found)


def _supply(
    city: City,
    sites: Sequence[Site],
    fetched: Mapping[str, Sequence[int]],
    direct: Sequence[int],
    work: _Work,
    on_progress: Progress,
) -> None:
    """Rounds from the depots: drops at sites, and doors that no site dispatches to; each depot has its territory.

    A site's drops leave when the last of its parcels is at the depot. Parcels that come too late for any vehicle to be
    at the site within its supply hours stay behind, and their orders unserved.
    """
    bases = depot_bases(city)
    based = [v for v in city.scenario.file.vehicles if {base.id for base in bases} & set(v.based_at)]
    types = [v for v in based if v.count != 0]
    facilities = {facility.id: facility for facility in city.scenario.file.facilities}
    demand, orders_of = city.demand, dict(fetched)

    def drops(site: Site) -> tuple[Task, ...]:
        orders = list(orders_of.get(site.id, ()))
        if not orders:
            return ()
        load = [int(column[orders].sum()) for column in (demand.parcels, demand.weight_g, demand.volume_cm3)]
        release = int(demand.release_s[orders].max())
        facility = facilities[site.facility]
        return tuple(site_tasks(site, facility, (load[0], load[1], load[2]), types, release_s=release))

    tasks = [task for site in sites for task in drops(site)]
    tasks += [door_task(city, order) for order in direct]
    if not tasks:
        return
    nearest = _nearest_base(city, bases, tasks, types)
    groups = [
        _Group(base=base, based_at=base.id, tasks=tuple(t for t, k in zip(tasks, nearest, strict=True) if k == at))
        for at, base in enumerate(bases)
    ]
    groups = [group for group in groups if group.tasks]
    while True:
        solved = _solve_groups(city, groups, work, on_progress, what="depots")
        failed: dict[str, tuple[tuple[str, ...], str]] = {}
        latest: dict[str, int] = {}
        for territory, solution in solved:
            for blocked in solution.blocked:
                task = territory.tasks[blocked.order]
                if task.kind == "site":
                    failed[task.id] = _reasons(territory, blocked)
                    last = latest_departure(territory.problem, blocked.order)
                    if last is not None and last < task.release_s:
                        latest[task.id] = last
        if not failed:
            break
        for site in sites:
            if site.id not in failed:
                continue
            late = [k for k in orders_of[site.id] if demand.release_s[k] > latest.get(site.id, 2 * DAY_S)]
            orders_of[site.id] = [k for k in orders_of[site.id] if k not in set(late)]
            for k in late:
                work.lost[demand.id[k]] = _too_late(site, int(demand.release_s[k]), latest[site.id])
            if not late or not orders_of[site.id]:
                # Part of a site's parcels is of no use: leave the whole site out and let its vehicles do other work.
                reasons, remedy = failed[site.id]
                work.lost[site.id] = (
                    tuple(f"its site {site.id} cannot be supplied: {text}" for text in reasons),
                    remedy,
                )
                orders_of[site.id] = []
        again = {site.id: drops(site) for site in sites if site.id in failed}
        groups = [
            replace(
                group,
                tasks=(
                    *(task for task in group.tasks if task.id not in failed),
                    *(drop for name in dict.fromkeys(t.id for t in group.tasks) for drop in again.get(name, ())),
                ),
            )
            for group in groups
        ]
        groups = [group for group in groups if group.tasks]
    for territory, solution in solved:
        _keep(city, territory, solution, work)


def _too_late(site: Site, release_s: int, latest_s: int) -> tuple[tuple[str, ...], str]:
    text = (
        f"its parcels are at the depot at {clock(release_s)}, the last vehicle that can supply {site.id} in time "
        f"leaves at {clock(latest_s)}"
    )
    return (text,), "bring the parcels to the depot earlier, or widen the facility's supply_hours"


def _nearest_base(city: City, bases: Sequence[Base], tasks: Sequence[Task], types: Sequence[VehicleType]) -> list[int]:
    """The depot from which some vehicle reaches each visit first; the nearest as the crow flies where none does."""
    places = np.array([[place.lon, place.lat] for place in tasks])
    origin = np.array([[base.lon, base.lat] for base in bases])
    per_lon, per_lat = metres_per_degree(origin[:1, 1])
    scale = np.array([per_lon[0], per_lat[0]])
    # Seconds replace metres where they are known; what is unknown stays behind, and a depot without vehicles is last.
    unknown = np.array([1e7 * (1 + all(base.id not in v.based_at for v in types)) for base in bases])
    reach = np.linalg.norm((places[:, None] - origin[None]) * scale, axis=2) + unknown
    for vehicle in types:
        skilled = np.array([task.skill in ("", *vehicle.skills) for task in tasks], dtype=bool)
        for at, base in enumerate(bases):
            if base.id in vehicle.based_at:
                seconds, _ = _first_there(city, vehicle, origin[at : at + 1], places, bound_s=_HORIZON_S)
                reach[:, at] = np.where(skilled, np.minimum(reach[:, at], seconds), reach[:, at])
    return [int(k) for k in reach.argmin(axis=1)]


def _keep(city: City, territory: Territory, solution: RoutingSolution, work: _Work) -> None:
    """Drive the rounds, take their permits off the quota, and note what is blocked."""
    for found in solution.rounds:
        entry = territory.entries[found.vehicle]
        work.numbers[entry.vehicle.id] += 1
        vehicle_id = f"{entry.vehicle.id}-{work.numbers[entry.vehicle.id]:03d}"
        work.routes.append(make_route(city, territory, found, vehicle_id))
        for permit in entry.permits:
            work.permits[permit] -= 1
    for blocked in solution.blocked:
        work.lost[territory.tasks[blocked.order].id] = _reasons(territory, blocked)


def _reasons(territory: Territory, blocked: Blocked) -> tuple[tuple[str, ...], str]:
    """The constraint that blocks an order, per vehicle type in the user's words."""
    texts, remedies = [], []
    for v, (entry, reason) in enumerate(zip(territory.entries, blocked.reasons, strict=True)):
        permits = f" with {', '.join(entry.permits)}" if entry.permits else ""
        base = territory.bases[entry.base].id
        text, mend = territory.objections.get((blocked.order, v), (NOT_ALLOWED, ""))
        text = reason.replace(NOT_ALLOWED, text)
        remedies.append(mend)
        texts.append(f"{entry.vehicle.id} from {base}{permits}: {text}")
    if not texts:
        return (f"no vehicle is based at {territory.name}",), "base a vehicle type there (vehicles.based_at)"
    # Where this stage objects to every vehicle, the solver knows no better remedy.
    return tuple(dict.fromkeys(texts)), min(remedies) if all(remedies) else blocked.remedy


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Group:
    """One base with its visits, before its problem is made; ``based_at`` is how vehicle types name the base."""

    base: Base
    based_at: str
    tasks: tuple[Task, ...]


def _deliver(
    city: City,
    hubs: Sequence[tuple[Site, Sequence[int]]],
    arrivals: Mapping[str, int],
    work: _Work,
    on_progress: Progress,
) -> None:
    """Rounds from the dispatching sites to the doors around them, each site a territory of its own."""
    groups = [
        _Group(
            base=Base(
                id=site.id, name=site.name, lon=site.lon, lat=site.lat, open_s=(arrivals.get(site.id, 0), 2 * DAY_S)
            ),
            based_at=site.facility,
            tasks=tuple(door_task(city, order) for order in orders),
        )
        for site, orders in hubs
    ]
    for territory, solution in _solve_groups(city, groups, work, on_progress, what="sites"):
        _keep(city, territory, solution, work)


def _solve_groups(
    city: City, groups: Sequence[_Group], work: _Work, on_progress: Progress, *, what: str
) -> list[tuple[Territory, RoutingSolution]]:
    """Solve one problem per group; vehicles that stand idle in one are moved to where some are short."""
    search = city.scenario.file.search
    counts = _share_out(city, groups, work.numbers)
    solved: dict[int, tuple[Territory, RoutingSolution]] = {}
    changed = set(range(len(groups)))
    for look in range(_SECOND_LOOKS + 1):
        for done, g in enumerate(sorted(changed), start=1):
            group = groups[g]
            held = _permits_held(solved, except_for=g)
            left = {permit: number - held[permit] for permit, number in work.permits.items()}
            territory = make_territory(city, group.base.id, (group.base,), group.tasks, counts[g], left)
            on_progress("routing", f"{what}: round {look + 1}, {done} of {len(changed)}, {len(group.tasks)} visits")
            solution = solve(
                territory.problem,
                seconds=work.clock.share(len(group.tasks)),
                solutions=search.routing_solutions,
                on_progress=partial(on_progress, "routing"),
            )
            work.clock.cut_short |= solution.stopped == "time"
            if g not in solved or _merit(solution) < _merit(solved[g][1]):
                solved[g] = (territory, solution)
        changed = _move_spares(city, groups, counts, solved, work.numbers) if look < _SECOND_LOOKS else set()
        if not changed:
            break
    return [solved[g] for g in range(len(groups))]


def _merit(solution: RoutingSolution) -> tuple[int, int]:
    return len(solution.blocked), solution.cost_fen


def _permits_held(solved: Mapping[int, tuple[Territory, RoutingSolution]], *, except_for: int) -> Counter[str]:
    held: Counter[str] = Counter()
    for g, (territory, solution) in solved.items():
        if g != except_for:
            for found in solution.rounds:
                held.update(territory.entries[found.vehicle].permits)
    return held


def _share_out(city: City, groups: Sequence[_Group], driven: Counter[str]) -> list[dict[tuple[str, int], int | None]]:
    """Vehicles of every type that are not driven yet per base, in proportion to the work there (largest remainder)."""
    counts: list[dict[tuple[str, int], int | None]] = [{} for _ in groups]
    for vehicle in city.scenario.file.vehicles:
        at = [g for g, group in enumerate(groups) if group.based_at in vehicle.based_at]
        if not at:
            continue
        if vehicle.count is None:
            for g in at:
                counts[g][vehicle.id, 0] = None
            continue
        there_are = vehicle.count - driven[vehicle.id]
        need = np.array([_need(vehicle, groups[g].base, groups[g].tasks) for g in at])
        whole = np.ceil(need)
        if whole.sum() > there_are:
            exact = need / need.sum() * there_are
            whole = np.floor(exact)
            rest = np.argsort(-(exact - whole), kind="stable")[: round(there_are - whole.sum())]
            whole[rest] += 1
        for g, number in zip(at, whole.tolist(), strict=True):
            counts[g][vehicle.id, 0] = int(number)
    return counts


def _need(vehicle: VehicleType, base: Base, tasks: Sequence[Task]) -> float:
    """Vehicles of one type that the tasks keep busy: by load or by time, whichever is more.

    Time by continuous approximation: from stop to stop 0.57 times the root of the area per stop, and once per vehicle
    the way out and back [1]_.

    References
    ----------
    .. [1] Daganzo (1984). The distance traveled to visit N points with a maximum of C stops per vehicle.
       doi:10.1287/trsc.18.4.331
    """
    load = np.array([[t.parcels, t.weight_g, t.volume_cm3] for t in tasks], dtype=np.float64).sum(axis=0)
    by_load = float((load / np.maximum(capacity(vehicle), 1)).max())
    per_lon, per_lat = metres_per_degree(np.array([base.lat]))
    places = (np.array([[t.lon, t.lat] for t in tasks]) - (base.lon, base.lat)) * (per_lon[0], per_lat[0])
    spread = np.ptp(places, axis=0) + 200.0
    speed = _CRUISE_M_S[vehicle.vehicle_class] / _CIRCUITY
    stop_s = float(np.mean([task.service_s for task in tasks]))
    stop_s += 0.57 * math.sqrt(float(spread.prod()) / len(tasks)) / speed
    out_and_back_s = 2.0 * float(np.linalg.norm(places, axis=1).mean()) / speed
    start, end = parse_hours(vehicle.shift)
    at_work_s = min(end - start, (vehicle.max_work_hours or 24.0) * 3600)
    by_time = len(tasks) * stop_s / max(at_work_s - out_and_back_s, at_work_s / 4)
    return max(by_load, by_time)


def _move_spares(
    city: City,
    groups: Sequence[_Group],
    counts: list[dict[tuple[str, int], int | None]],
    solved: Mapping[int, tuple[Territory, RoutingSolution]],
    before: Counter[str],
) -> set[int]:
    """Move vehicles that stand idle to bases where visits were left out; returns the groups that get more."""
    changed: set[int] = set()
    for vehicle in city.scenario.file.vehicles:
        if vehicle.count is None:
            continue
        at = [g for g in solved if (vehicle.id, 0) in counts[g]]
        had = {g: counts[g][vehicle.id, 0] or 0 for g in at}
        driven = {
            g: sum(solved[g][0].entries[found.vehicle].vehicle.id == vehicle.id for found in solved[g][1].rounds)
            for g in at
        }
        spare = vehicle.count - before[vehicle.id] - sum(driven.values())
        for g in at:
            more = 0
            territory, solution = solved[g]
            if solution.blocked and spare > 0:
                left_out = [territory.tasks[blocked.order] for blocked in solution.blocked]
                more = min(math.ceil(_need(vehicle, groups[g].base, left_out)) + 1, spare)
            counts[g][vehicle.id, 0] = driven[g] + more
            spare -= more
            if driven[g] + more > had[g]:
                changed.add(g)
    return changed
