"""Stage 3: which vehicles drive which rounds: from depots to sites and doors, and from sites to the doors near them."""

import math
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product

from lastmile.plans import Route, Service, Site, Unserved
from lastmile.scenario import CHILLED
from lastmile.solvers import routing
from lastmile.solvers.problem import Blocked, RoutingProblem, RoutingSolution, Tour
from lastmile.solvers.reasons import NO_ROAD, NOT_ALLOWED, latest_departure
from lastmile.stages.dispatch import dispatch, nearest_base, not_dispatched
from lastmile.stages.prepare import City, Progress
from lastmile.stages.room import loaded
from lastmile.stages.rounds import make_route
from lastmile.stages.sharing import Group, move_spares, share_out
from lastmile.stages.siting import Placement
from lastmile.stages.tasks import Base, Task, depot_bases, door_task, site_tasks
from lastmile.stages.territories import Entry, Territory, make_territory
from lastmile.units import DAY_S, clock

_GENEROUS = 8.0
_LEAST_S = 0.2
_Loss = tuple[tuple[str, ...], str]  # why something is left out, and the remedy
_COLD = ("", CHILLED)  # what the vehicles need that bring a site its ordinary and its chilled parcels
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
    """Shares out what is left of the ceiling on the search time, so that iterations and not the clock end a search."""

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
    lost_orders: dict[str, _Loss] = field(default_factory=dict)
    lost_sites: dict[str, _Loss] = field(default_factory=dict)


def route_vehicles(city: City, placement: Placement, *, on_progress: Progress) -> Rounds:
    """Plan all rounds of the day."""
    file = city.scenario.file
    facilities = {facility.id: facility for facility in file.facilities}
    order_of = {text: k for k, text in enumerate(city.demand.id)}
    doors = [order_of[service.order_id] for service in placement.services if service.channel == "door"]
    doors = [k for k in doors if city.demand.parcels[k] + city.demand.pickups[k] > 0]
    hubs = [site for site in placement.sites if facilities[site.facility].dispatches]
    by_hub, direct = dispatch(city, hubs, doors)
    fetched = _fetched(city, placement, hubs, by_hub)

    work = _Work(
        permits={permit.id: permit.quota for permit in file.permits},
        clock=_Clock(seconds=file.search.routing_seconds, visits=len(doors) + len(fetched)),
    )
    _supply(city, placement.sites, fetched, direct, work, on_progress)
    # A site whose parcels cannot be brought serves nobody.
    cut = set(work.lost_sites)
    arrivals: dict[str, int] = {}
    for route in work.routes:
        for stop in route.stops:
            if stop.kind == "site":
                arrivals[stop.location_id] = max(arrivals.get(stop.location_id, 0), stop.depart_s)
    there = [[order for order in orders if city.demand.id[order] not in work.lost_orders] for orders in by_hub]
    hubs_served = [(site, orders) for site, orders in zip(hubs, there, strict=True) if orders and site.id not in cut]
    _deliver(city, hubs_served, arrivals, work, on_progress)
    for j, site in enumerate(hubs):
        if site.id in cut:
            for order in by_hub[j]:
                work.lost_orders[city.demand.id[order]] = work.lost_sites[site.id]
    for order in direct:
        if (gone := work.lost_orders.get(city.demand.id[order])) is not None:
            work.lost_orders[city.demand.id[order]] = (*not_dispatched(city, hubs, order), *gone[0]), gone[1]
    services, unserved = [], list(placement.unserved)
    for service in placement.services:
        gone = work.lost_orders.get(service.order_id) or work.lost_sites.get(service.site_id or "")
        if gone is None:
            services.append(service)
        else:
            k = order_of[service.order_id]
            unserved.append(
                Unserved(order_id=service.order_id, channel=service.channel, parcels=service.parcels,
                         lon=float(city.demand.lon[k]), lat=float(city.demand.lat[k]), reasons=gone[0], remedy=gone[1])
            )  # fmt: skip
    return Rounds(
        # A site that cannot be supplied, or whose orders are left out, holds less than siting meant it to.
        sites=loaded(placement.sites, services, city.demand, file.facilities),
        routes=tuple(work.routes),
        services=tuple(services),
        unserved=tuple(unserved),
        cut_short=work.clock.cut_short,
    )


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
    at the site within its supply hours stay behind, and their orders unserved. Chilled parcels are drops of their own,
    by vehicles that keep them so; where none can, their orders alone are left out.
    """
    bases = depot_bases(city)
    based = [v for v in city.scenario.file.vehicles if {base.id for base in bases} & set(v.based_at)]
    types = [v for v in based if v.count != 0]
    facilities = {facility.id: facility for facility in city.scenario.file.facilities}
    demand, chilled = city.demand, city.demand.chilled()
    orders_of = {
        (site, skill): [order for order in orders if chilled[order] == bool(skill)]
        for site, orders in fetched.items()
        for skill in _COLD
    }

    def drops(site: Site) -> tuple[Task, ...]:
        found: list[Task] = []
        for skill in _COLD:
            orders = orders_of.get((site.id, skill), [])
            if orders:
                load = [int(column[orders].sum()) for column in (demand.parcels, demand.weight_g, demand.volume_cm3)]
                release, facility = int(demand.release_s[orders].max()), facilities[site.facility]
                whole = (load[0], load[1], load[2])
                found += site_tasks(site, facility, whole, types, release_s=release, skill=skill)
        return tuple(found)

    tasks = [task for site in sites for task in drops(site)]
    tasks += [door_task(city, order) for order in direct]
    if not tasks:
        return
    nearest = nearest_base(city, bases, tasks, types)
    groups = [
        Group(base=base, based_at=base.id, tasks=tuple(t for t, k in zip(tasks, nearest, strict=True) if k == at))
        for at, base in enumerate(bases)
    ]
    groups = [group for group in groups if group.tasks]
    while True:
        solved = _solve_groups(city, groups, work, on_progress, what="depots")
        failed: dict[tuple[str, str], _Loss] = {}
        latest: dict[tuple[str, str], int] = {}
        for territory, solution in solved:
            for blocked in solution.blocked:
                task = territory.tasks[blocked.order]
                if task.kind == "site":
                    failed[task.id, task.skill] = _reasons(territory, blocked)
                    last = latest_departure(territory.problem, blocked.order)
                    if last is not None and last < task.release_s:
                        latest[task.id, task.skill] = last
        if not failed:
            break
        for site, skill in product(sites, _COLD):
            key = site.id, skill
            if key not in failed:
                continue
            late = [k for k in orders_of[key] if demand.release_s[k] > latest.get(key, 2 * DAY_S)]
            orders_of[key] = [k for k in orders_of[key] if k not in set(late)]
            for k in late:
                work.lost_orders[demand.id[k]] = _too_late(site, int(demand.release_s[k]), latest[key])
            if not late or not (orders_of[key] or orders_of[site.id, CHILLED]):
                reasons, remedy = failed[key]
                loss = tuple(f"its site {site.id} cannot be supplied: {text}" for text in reasons), remedy
                if skill:
                    work.lost_orders |= {demand.id[k]: loss for k in orders_of[key]}
                else:
                    # Part of a site's parcels is of no use: leave the whole site out, its vehicles do other work.
                    work.lost_sites[site.id] = loss
                    orders_of[site.id, CHILLED] = []
                orders_of[key] = []
        again = {site.id: drops(site) for site in sites if {(site.id, skill) for skill in _COLD} & failed.keys()}
        groups = [
            replace(
                group,
                tasks=(
                    *(task for task in group.tasks if task.id not in again),
                    *(drop for name in dict.fromkeys(t.id for t in group.tasks) for drop in again.get(name, ())),
                ),
            )
            for group in groups
        ]
        groups = [group for group in groups if group.tasks]
    for territory, solution in solved:
        _keep(city, territory, solution, work)


def _too_late(site: Site, release_s: int, latest_s: int) -> _Loss:
    text = (
        f"its parcels are at the depot at {clock(release_s)}, the last vehicle that can supply {site.id} in time "
        f"leaves at {clock(latest_s)}"
    )
    return (text,), "bring the parcels to the depot earlier, or widen the facility's supply_hours"


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
        work.lost_orders[territory.tasks[blocked.order].id] = _reasons(territory, blocked)


def _reasons(territory: Territory, blocked: Blocked) -> _Loss:
    """The constraint that blocks an order, per vehicle type in the user's words."""
    texts, remedies = [], []
    for v, (entry, reason) in enumerate(zip(territory.entries, blocked.reasons, strict=True)):
        permits = f" with {', '.join(entry.permits)}" if entry.permits else ""
        trips = f" on {entry.trips} trips" if entry.trips > 1 else ""
        base = territory.bases[entry.base].id
        text, mend = territory.objections.get((blocked.order, v), (NOT_ALLOWED, ""))
        text = reason.replace(NOT_ALLOWED, text)
        if territory.shut[v]:
            text = text.replace(NO_ROAD, f"{NO_ROAD} (closed to it: {', '.join(territory.shut[v])})")
        remedies.append(mend)
        texts.append(f"{entry.vehicle.id} from {base}{permits}{trips}: {text}")
    if not texts:
        return (f"no vehicle is based at {territory.name}",), "base a vehicle type there (vehicles.based_at)"
    # Where this stage objects to every vehicle, the solver knows no better remedy.
    return tuple(dict.fromkeys(texts)), min(remedies) if all(remedies) else blocked.remedy


def _deliver(
    city: City,
    hubs: Sequence[tuple[Site, Sequence[int]]],
    arrivals: Mapping[str, int],
    work: _Work,
    on_progress: Progress,
) -> None:
    """Rounds from the dispatching sites to the doors around them, each site a territory of its own."""
    groups = [
        Group(
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
    city: City, groups: Sequence[Group], work: _Work, on_progress: Progress, *, what: str
) -> list[tuple[Territory, RoutingSolution]]:
    """Solve one problem per group; vehicles that stand idle in one are moved to where some are short."""
    counts = share_out(city, groups, work.numbers)
    solved: dict[int, tuple[Territory, RoutingSolution]] = {}
    changed = set(range(len(groups)))
    for look in range(_SECOND_LOOKS + 1):
        for done, g in enumerate(sorted(changed), start=1):
            group = groups[g]
            held = _permits_held(solved, except_for=g)
            left = {permit: number - held[permit] for permit, number in work.permits.items()}
            territory = make_territory(city, group.base.id, (group.base,), group.tasks, counts[g], left)
            on_progress("routing", f"{what}: round {look + 1}, {done} of {len(changed)}, {len(group.tasks)} visits")
            before = _driven_before(territory, *solved[g]) if g in solved else ()
            solution = _solve(city, territory.problem, before, work, on_progress)
            if solution.blocked:
                solution = _by_number_of_trips(city, territory, solution, work, on_progress)
            if g not in solved or _merit(solution) < _merit(solved[g][1]):
                solved[g] = (territory, solution)
        changed = move_spares(city, groups, counts, solved, work.numbers) if look < _SECOND_LOOKS else set()
        if not changed:
            break
    return [solved[g] for g in range(len(groups))]


def _solve(
    city: City,
    problem: RoutingProblem,
    start: Sequence[Tour],
    work: _Work,
    on_progress: Progress,
    *,
    reasons: bool = True,
) -> RoutingSolution:
    """Search within the problem's share of the clock, from tours to begin with."""
    search = city.scenario.file.search
    solution = routing.solve(
        problem,
        stop=routing.Stop(
            seconds=work.clock.share(problem.orders), iterations=search.routing_iterations * problem.orders
        ),
        seed=city.scenario.file.seed % 2**63,
        threads=search.threads,
        start=start,
        on_progress=_telling(on_progress),
        reasons=reasons,
    )
    work.clock.cut_short |= solution.stopped == "time"
    return solution


def _by_number_of_trips(
    city: City, territory: Territory, solution: RoutingSolution, work: _Work, on_progress: Progress
) -> RoutingSolution:
    """Look again where vehicles that could make several trips leave something out.

    The search seldom exchanges the variants of a vehicle (see :mod:`lastmile.stages.trips`): each alone may serve more.
    """
    best = solution
    offered: dict[str, set[int]] = defaultdict(set)
    for entry in territory.entries:
        offered[entry.vehicle.id].add(entry.trips)
    several = set[int]().union(*(numbers for numbers in offered.values() if len(numbers) > 1))
    for most in sorted(several):
        chosen = {name: max((k for k in own if k <= most), default=min(own)) for name, own in offered.items()}
        vehicles = tuple(
            vehicle if chosen[entry.vehicle.id] == entry.trips else replace(vehicle, count=0)
            for vehicle, entry in zip(territory.problem.vehicles, territory.entries, strict=True)
        )
        found = _solve(city, replace(territory.problem, vehicles=vehicles), (), work, on_progress, reasons=False)
        if _served(found) > _served(best):
            best = found
    if best is solution:
        return best
    return _solve(city, territory.problem, [found.tour for found in best.rounds], work, on_progress)


def _served(solution: RoutingSolution) -> tuple[int, float]:
    """Visits that are made, and what they cost, below 0 as less is better."""
    return sum(len(found.options) for found in solution.rounds), -solution.cost.total


def _driven_before(territory: Territory, before: Territory, solution: RoutingSolution) -> tuple[Tour, ...]:
    """Tours of an earlier solution of the same visits, by vehicles that are to be had still."""
    entry_of = {_kind(entry): v for v, entry in enumerate(territory.entries)}
    keys = [_kind(entry) for entry in before.entries]
    tours = [found.tour for found in solution.rounds if keys[found.vehicle] in entry_of]
    return tuple(replace(tour, vehicle=entry_of[keys[tour.vehicle]]) for tour in tours)


def _kind(entry: Entry) -> tuple[object, ...]:
    return entry.vehicle.id, entry.permits, entry.trips, entry.recharge


def _telling(on_progress: Progress) -> Callable[[routing.Progress], None]:
    """Tell of the search whenever it has found something cheaper."""
    told = math.inf

    def tell(now: routing.Progress) -> None:
        nonlocal told
        if now.best_fen < told:
            told = now.best_fen
            left_out = f", {now.unserved} visits left out" if now.unserved else ""
            on_progress("routing", f"cost {told / 100:,.0f} yuan, {now.vehicles} vehicles{left_out}")

    return tell


def _merit(solution: RoutingSolution) -> tuple[int, float]:
    return len(solution.blocked), solution.cost.total


def _permits_held(solved: Mapping[int, tuple[Territory, RoutingSolution]], *, except_for: int) -> Counter[str]:
    held: Counter[str] = Counter()
    for g, (territory, solution) in solved.items():
        if g != except_for:
            for found in solution.rounds:
                held.update(territory.entries[found.vehicle].permits)
    return held
