"""Stage 3: which vehicles drive which rounds, from depots to sites and doors, and from sites to the doors around them."""

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from lastmile.geo.access import Profile
from lastmile.geo.demand import NONE
from lastmile.plan import Route, Service, Site, Unserved
from lastmile.scenario import VehicleType
from lastmile.solvers.problem import Blocked, RoutingSolution
from lastmile.solvers.routing import solve
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
    parcels_aboard,
    site_tasks,
)
from lastmile.units import DAY_S, parse_hours

_DISPATCH_S = 45 * 60  # doors further than this from every dispatching site are served from the depots
_LEG_S = 120  # guess of one leg's driving time, only to share out vehicles before rounds exist
_SECOND_LOOKS = 2  # how often spare vehicles are moved to territories that lack some


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rounds:
    """Routes, the orders they serve and those they cannot."""

    routes: tuple[Route, ...]
    services: tuple[Service, ...]
    unserved: tuple[Unserved, ...]


@dataclass(slots=True)
class _Work:
    """What is still to be shared out while territories are solved."""

    permits: dict[str, int]
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
    loads = _site_loads(city, placement, hubs, by_hub)

    work = _Work(permits={permit.id: permit.quota for permit in file.permits})
    _supply(city, placement.sites, loads, direct, work, on_progress)
    # A site whose parcels cannot be brought serves nobody.
    cut = {site.id for site in placement.sites if site.id in work.lost}
    arrivals: dict[str, int] = {}
    for route in work.routes:
        for stop in route.stops:
            if stop.kind == "site":
                arrivals[stop.location_id] = max(arrivals.get(stop.location_id, 0), stop.depart_s)
    hubs_served = [(site, by_hub[j]) for j, site in enumerate(hubs) if by_hub[j] and site.id not in cut]
    _deliver(city, hubs_served, arrivals, work, on_progress)
    for j, site in enumerate(hubs):
        if site.id in cut:
            for order in by_hub[j]:
                work.lost[city.demand.id[order]] = work.lost[site.id]
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
    return Rounds(routes=tuple(work.routes), services=tuple(services), unserved=tuple(unserved))


def _dispatch(city: City, hubs: Sequence[Site], doors: Sequence[int]) -> tuple[list[list[int]], list[int]]:
    """Give every door to the dispatching site from which a vehicle is there first; the rest is served directly."""
    by_hub: list[list[int]] = [[] for _ in hubs]
    fleet = _based_at_sites(city)
    if not hubs or not doors or not fleet:
        return by_hub, list(doors)
    vehicle = fleet[0]
    start, end = parse_hours(vehicle.shift)
    over = tuple(p for p in city.roads.periods if p.start_s < end and p.end_s > start)
    snapper = city.snappers[vehicle.vehicle_class]
    origins = snapper.snap([site.lon for site in hubs], [site.lat for site in hubs])
    targets = snapper.snap(city.demand.lon[doors], city.demand.lat[doors])
    offset, target, seconds = city.roads.reachable(
        origins, targets, profile=Profile(vehicle=vehicle), over=over, bound_s=_DISPATCH_S
    )
    origin = np.repeat(np.arange(len(hubs)), np.diff(offset))
    best: dict[int, tuple[int, int]] = {}
    for j, k, s in zip(origin.tolist(), target.tolist(), seconds.tolist(), strict=True):
        if k not in best or (s, j) < best[k]:
            best[k] = (s, j)
    direct = []
    depots = {depot.id for depot in city.scenario.file.depots}
    served_directly = any(set(v.based_at) & depots for v in city.scenario.file.vehicles)
    for k, order in enumerate(doors):
        if k in best and targets.distance_m[k] <= city.scenario.file.map.max_snap_m:
            by_hub[best[k][1]].append(order)
        elif served_directly or k not in best:
            direct.append(order)
        else:
            by_hub[best[k][1]].append(order)
    return by_hub, direct


def _based_at_sites(city: City) -> list[VehicleType]:
    facilities = {facility.id for facility in city.scenario.file.facilities if facility.dispatches}
    return [vehicle for vehicle in city.scenario.file.vehicles if facilities & set(vehicle.based_at)]


def _site_loads(
    city: City, placement: Placement, hubs: Sequence[Site], by_hub: Sequence[Sequence[int]]
) -> dict[str, tuple[int, int, int]]:
    """Parcels, grams and cubic centimetres that have to be brought to every site."""
    demand = city.demand
    order_of = {text: k for k, text in enumerate(demand.id)}
    loads: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])

    def add(site: str, order: int) -> None:
        for d, column in enumerate((demand.parcels, demand.weight_g, demand.volume_cm3)):
            loads[site][d] += int(column[order])

    for service in placement.services:
        if service.site_id is not None:
            add(service.site_id, order_of[service.order_id])
    for site, orders in zip(hubs, by_hub, strict=True):
        for order in orders:
            add(site.id, order)
    return {site: (load[0], load[1], load[2]) for site, load in loads.items() if load[0] > 0}


def _supply(
    city: City,
    sites: Sequence[Site],
    loads: Mapping[str, tuple[int, int, int]],
    direct: Sequence[int],
    work: _Work,
    on_progress: Progress,
) -> None:
    """Rounds from the depots: drops at sites, and doors that no site dispatches to."""
    file = city.scenario.file
    bases = depot_bases(city)
    index = {base.id: at for at, base in enumerate(bases)}
    counts = {
        (vehicle.id, index[base]): vehicle.count
        for vehicle in file.vehicles
        for base in vehicle.based_at
        if base in index
    }
    facilities = {facility.id: facility for facility in file.facilities}
    total = np.array(list(loads.values()) or [(1, 0, 0)], dtype=np.float64).sum(axis=0)
    types = [vehicle for vehicle in file.vehicles if any((vehicle.id, at) in counts for at in range(len(bases)))]
    # Any vehicle can take the largest drop, so drops need not be made to measure for one type.
    most = min((parcels_aboard(v, total[1] / total[0], total[2] / total[0]) for v in types), default=1)
    dropped: set[str] = set()
    while True:
        tasks = [
            task
            for site in sites
            if site.id in loads and site.id not in dropped
            for task in site_tasks(site, facilities[site.facility], loads[site.id], most)
        ]
        tasks += [door_task(city, order) for order in direct]
        if not tasks:
            return
        territory = make_territory(city, "depots", bases, tasks, counts, work.permits)
        on_progress("routing", f"depots: {len(tasks)} visits, {len(territory.entries)} kinds of vehicle")
        solution = solve(
            territory.problem,
            seconds=file.search.routing_seconds,
            solutions=file.search.routing_solutions,
            on_progress=lambda text: on_progress("routing", f"depots: {text}"),
        )
        failed = {tasks[b.order].id: b for b in solution.blocked if tasks[b.order].kind == "site"}
        if not failed:
            break
        # Part of a site's parcels is of no use: leave the whole site out and let its vehicles do other work.
        for site_id, blocked in failed.items():
            reasons, remedy = _reasons(territory, blocked)
            work.lost[site_id] = (tuple(f"its site {site_id} cannot be supplied: {text}" for text in reasons), remedy)
        dropped |= set(failed)
    _keep(city, territory, solution, work)


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
    texts = []
    for v, (entry, reason) in enumerate(zip(territory.entries, blocked.reasons, strict=True)):
        permits = f" with {', '.join(entry.permits)}" if entry.permits else ""
        base = territory.bases[entry.base].id
        text = territory.objections.get((blocked.order, v), reason)
        texts.append(f"{entry.vehicle.id} from {base}{permits}: {text}")
    if not texts:
        return (f"no vehicle is based at {territory.name}",), "base a vehicle type there (vehicles.based_at)"
    return tuple(dict.fromkeys(texts)), blocked.remedy


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Hub:
    """One dispatching site with its doors, before its problem is made."""

    site: Site
    base: Base
    tasks: tuple[Task, ...]


def _deliver(
    city: City,
    hubs: Sequence[tuple[Site, Sequence[int]]],
    arrivals: Mapping[str, int],
    work: _Work,
    on_progress: Progress,
) -> None:
    """Rounds from the dispatching sites to the doors around them, each site a territory of its own."""
    if not hubs:
        return
    file = city.scenario.file
    found = [
        _Hub(
            site=site,
            base=Base(
                id=site.id, name=site.name, lon=site.lon, lat=site.lat, open_s=(arrivals.get(site.id, 0), 2 * DAY_S)
            ),
            tasks=tuple(door_task(city, order) for order in orders),
        )
        for site, orders in hubs
    ]
    counts = _share_out(city, found)
    solved: dict[int, tuple[Territory, RoutingSolution]] = {}
    visits = sum(len(hub.tasks) for hub in found)
    changed = set(range(len(found)))
    for look in range(_SECOND_LOOKS + 1):
        for done, h in enumerate(sorted(changed), start=1):
            held = _permits_held(solved, except_for=h)
            left = {permit: number - held[permit] for permit, number in work.permits.items()}
            territory = make_territory(city, found[h].site.id, (found[h].base,), found[h].tasks, counts[h], left)
            seconds = file.search.routing_seconds * len(found[h].tasks) / visits
            solution = solve(territory.problem, seconds=max(seconds, 0.5), solutions=file.search.routing_solutions)
            solved[h] = (territory, solution)
            if done % 10 == 0 or done == len(changed):
                on_progress("routing", f"rounds from {done} of {len(changed)} sites")
        changed = _move_spares(city, found, counts, solved) if look < _SECOND_LOOKS else set()
        if not changed:
            break
        on_progress("routing", f"spare vehicles moved between sites, {len(changed)} sites once more")
    for territory, solution in (solved[h] for h in range(len(found))):
        _keep(city, territory, solution, work)


def _permits_held(solved: Mapping[int, tuple[Territory, RoutingSolution]], *, except_for: int) -> Counter[str]:
    held: Counter[str] = Counter()
    for h, (territory, solution) in solved.items():
        if h != except_for:
            for round_ in solution.rounds:
                held.update(territory.entries[round_.vehicle].permits)
    return held


def _share_out(city: City, hubs: Sequence[_Hub]) -> list[dict[tuple[str, int], int | None]]:
    """Vehicles of every type per site, in proportion to the work there (largest remainder)."""
    counts: list[dict[tuple[str, int], int | None]] = [{} for _ in hubs]
    for vehicle in _based_at_sites(city):
        at = [h for h, hub in enumerate(hubs) if hub.site.facility in vehicle.based_at]
        if not at:
            continue
        if vehicle.count is None:
            for h in at:
                counts[h][vehicle.id, 0] = None
            continue
        need = np.array([_need(vehicle, hubs[h].tasks) for h in at])
        whole = np.ceil(need)
        if whole.sum() > vehicle.count:
            exact = need / need.sum() * vehicle.count
            whole = np.floor(exact)
            rest = np.argsort(-(exact - whole), kind="stable")[: round(vehicle.count - whole.sum())]
            whole[rest] += 1
        for h, number in zip(at, whole.tolist(), strict=True):
            counts[h][vehicle.id, 0] = int(number)
    return counts


def _need(vehicle: VehicleType, tasks: Sequence[Task]) -> float:
    """Vehicles of one type that the tasks would keep busy: by load or by time, whichever is more."""
    load = np.array([[t.parcels, t.weight_g, t.volume_cm3] for t in tasks], dtype=np.float64).sum(axis=0)
    start, end = parse_hours(vehicle.shift)
    hours = sum(task.service_s + _LEG_S for task in tasks) / max(end - start, 1)
    return max(float((load / capacity(vehicle)).max()), hours)


def _move_spares(
    city: City,
    hubs: Sequence[_Hub],
    counts: list[dict[tuple[str, int], int | None]],
    solved: Mapping[int, tuple[Territory, RoutingSolution]],
) -> set[int]:
    """Move vehicles that stand idle to sites where orders were left out; returns the sites that changed."""
    changed: set[int] = set()
    for vehicle in _based_at_sites(city):
        if vehicle.count is None:
            continue
        given = {h: counts[h].get((vehicle.id, 0)) or 0 for h in range(len(hubs))}
        driven = {
            h: sum(territory.entries[r.vehicle].vehicle.id == vehicle.id for r in solution.rounds)
            for h, (territory, solution) in solved.items()
        }
        spare = vehicle.count - sum(driven.values())
        for h, (territory, solution) in solved.items():
            if not solution.blocked or (vehicle.id, 0) not in counts[h] or spare <= 0:
                continue
            left_out = [territory.tasks[b.order] for b in solution.blocked]
            more = min(math.ceil(_need(vehicle, left_out)), spare)
            counts[h][vehicle.id, 0] = driven[h] + more if driven[h] == given[h] else given[h] + more
            spare -= more
            changed.add(h)
        for h in solved:
            if h not in changed and (vehicle.id, 0) in counts[h]:
                counts[h][vehicle.id, 0] = driven[h]
    return changed
