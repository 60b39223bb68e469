"""Whether a solution is what it says: every violation, in words."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import fields
from itertools import pairwise
from math import isclose

from lastmile.solvers.problem import Battery, Cost, Round, RoutingProblem, RoutingSolution, Visit
from lastmile.solvers.referee.rounds import (
    ENERGY_TOLERANCE_WH,
    Infeasible,
    aboard,
    charges,
    cost_of,
    evaluate,
    limits,
    places,
    timeless,
    windows,
)

_TOLERANCE_S = 1e-6  # charging makes times fractional
_RELATIVE = 1e-6  # of money


def check(problem: RoutingProblem, solution: RoutingSolution) -> list[str]:
    """Every violation of a solution; none where it is sound.

    Each round must be that of its tour: same departure, return, distance and cost as :func:`evaluate` finds, and visits
    that obey every rule one by one. Where those begin within what departure and return leave free is the solver's
    matter.
    """
    found = []
    for index, driven in enumerate(solution.rounds):
        found += [f"round {index}: {text}" for text in _round_violations(problem, driven)]
    return [*found, *_shared(problem, solution), *_orders(problem, solution), *_sums(problem, solution)]


def _round_violations(problem: RoutingProblem, driven: Round) -> Iterator[str]:
    if charges(problem, driven.tour):
        # The twin tries every sequence of chargers, too many of them for more than a toy: the schedule is followed
        # step by step, but nobody says that none is better.
        broken = timeless(problem, driven.tour)
        if broken is not None:
            yield f"{broken.rule}: {broken.words}"
            return
        reloads = [visit for visit in driven.visits if visit.kind == "reload"]
        out_s = driven.return_s - driven.depart_s - sum(visit.depart_s - visit.arrive_s for visit in reloads)
        yield from _differences(driven.cost, cost_of(problem, driven.tour, driven.distance_m, out_s, driven.return_s))
        yield from _steps(problem, driven)
        yield from _trip_limits(problem, driven)
        return
    twin = evaluate(problem, driven.tour)
    if isinstance(twin, Infeasible):
        where = "".join(
            f", {name} {value}"
            for name, value in (("trip", twin.trip), ("visit", twin.visit), ("order", twin.order))
            if value is not None
        )
        yield f"{twin.rule}{where}: {twin.words}"
        return
    for name in ("depart_s", "return_s", "distance_m"):
        has, should = getattr(driven, name), getattr(twin, name)
        if abs(has - should) > _TOLERANCE_S:
            yield f"{name} is {has}, not {should}"
    yield from _differences(driven.cost, twin.cost)
    yield from _steps(problem, driven)


def _differences(has: Cost, should: Cost) -> Iterator[str]:
    for part in fields(Cost):
        a, b = getattr(has, part.name), getattr(should, part.name)
        if not isclose(a, b, rel_tol=_RELATIVE, abs_tol=_RELATIVE):
            yield f"cost of {part.name} is {a}, not {b}"


def _steps(problem: RoutingProblem, driven: Round) -> Iterator[str]:
    """Follow the visits one by one."""
    tour, vehicle = driven.tour, problem.vehicles[driven.vehicle]
    stops = [visit for visit in driven.visits if visit.kind != "break"]
    due = [
        step
        for k, trip in enumerate(tour.trips)
        for step in [*([("reload", tour.reloads[k - 1])] if k else []), *(("order", option) for option in trip)]
    ]
    if [(visit.kind, visit.index) for visit in stops if visit.kind != "charge"] != due:
        yield "its visits are not those of its tour"
        return
    rests = [visit for visit in driven.visits if visit.kind == "break"]
    busy: list[tuple[float, float]] = []  # serving, reloading; while it charges a vehicle may rest
    yield from _breaks(problem, driven, rests)
    trips: list[list[Visit]] = [[]]
    for visit in stops:
        if visit.kind == "reload":
            trips.append([])
        else:
            trips[-1].append(visit)
    reloads = [visit for visit in stops if visit.kind == "reload"]
    for k, trip in enumerate(trips):
        leave = reloads[k - 1].depart_s if k else driven.depart_s
        back = reloads[k].arrive_s if k < len(reloads) else driven.return_s
        ready = reloads[k - 1].begin_s + vehicle.reloads[reloads[k - 1].index].duration_s if k else vehicle.shift_s[0]
        if leave < ready - _TOLERANCE_S:
            yield f"trip {k} leaves at {leave} s, ready at {ready} s"
        yield from _orders_in_time(problem, trip, leave)
        yield from _charges(problem, driven, k, trip)
        yield from _drives(problem, driven, k, trip, (leave, back), rests)
        busy += [
            (visit.begin_s, visit.begin_s + _lasts(problem, driven, visit)) for visit in trip if visit.kind == "order"
        ]
    for visit in reloads:
        opens, closes = vehicle.reloads[visit.index].window_s
        if not (max(visit.arrive_s, opens) - _TOLERANCE_S <= visit.begin_s <= closes + _TOLERANCE_S):
            yield f"reloads at {visit.begin_s} s, arrived at {visit.arrive_s} s, window {opens} to {closes}"
        busy.append((visit.begin_s, visit.begin_s + _lasts(problem, driven, visit)))
    for rest in rests:
        for start, end in busy:
            if max(start, rest.begin_s) < min(end, rest.depart_s) - _TOLERANCE_S:
                yield f"break {rest.index} at {rest.begin_s} s lies in work from {start} to {end} s"


def _trip_limits(problem: RoutingProblem, driven: Round) -> Iterator[str]:
    """The longest distance and time of each trip, and the end of the day."""
    vehicle = problem.vehicles[driven.vehicle]
    due = vehicle.shift_s[1] + vehicle.overtime_s
    if driven.return_s > due + _TOLERANCE_S:
        yield f"returns at {driven.return_s} s, its shift and overtime end at {due} s"
    trips: list[list[Visit]] = [[]]
    leave, ends = driven.depart_s, []
    for visit in driven.visits:
        if visit.kind == "reload":
            ends.append((leave, visit.arrive_s))
            leave = visit.depart_s
            trips.append([])
        elif visit.kind != "break":
            trips[-1].append(visit)
    ends.append((leave, driven.return_s))
    table = problem.profiles[vehicle.profile].distance_m
    for k, ((leave, back), trip) in enumerate(zip(ends, trips, strict=True)):
        if vehicle.max_duration_s is not None and back - leave > vehicle.max_duration_s + _TOLERANCE_S:
            yield f"trip {k} is out for {back - leave} s, at most {vehicle.max_duration_s}"
        metres = sum(int(table[a, b]) for a, b in pairwise(_route(problem, driven, k, trip)))
        if vehicle.max_distance_m is not None and metres > vehicle.max_distance_m:
            yield f"trip {k} is {metres} m long, at most {vehicle.max_distance_m}"


def _lasts(problem: RoutingProblem, driven: Round, visit: Visit) -> float:
    if visit.kind == "order":
        return int(problem.service_s[visit.index])
    if visit.kind == "reload":
        return problem.vehicles[driven.vehicle].reloads[visit.index].duration_s
    return visit.depart_s - visit.begin_s


def _breaks(problem: RoutingProblem, driven: Round, rests: list[Visit]) -> Iterator[str]:
    duties = problem.vehicles[driven.vehicle].breaks
    taken = [rest.index for rest in rests]
    if taken != sorted(set(taken)) or not all(0 <= index < len(duties) for index in taken):
        yield f"its breaks are {taken}"
        return
    for index, duty in enumerate(duties):
        start, end = duty.window_s
        for rest in rests:
            if rest.index == index and not (
                start - _TOLERANCE_S <= rest.begin_s
                and rest.begin_s + duty.duration_s <= rest.depart_s + _TOLERANCE_S
                and rest.depart_s <= end + _TOLERANCE_S
            ):
                yield f"break {index} from {rest.begin_s} to {rest.depart_s} s is not {duty}"
        before = start + duty.duration_s <= driven.depart_s + _TOLERANCE_S
        after = driven.return_s + duty.duration_s <= end + _TOLERANCE_S
        if index not in taken and not before and not after:
            yield f"break {index} is not taken"


def _orders_in_time(problem: RoutingProblem, trip: list[Visit], leave: float) -> Iterator[str]:
    served = [visit for visit in trip if visit.kind == "order"]
    for visit in served:
        order = int(problem.option_order[visit.index])
        if not any(
            start - _TOLERANCE_S <= visit.begin_s <= end + _TOLERANCE_S for start, end in windows(problem, visit.index)
        ):
            yield f"order {order} begins at {visit.begin_s} s, outside its windows"
        if visit.begin_s < visit.arrive_s - _TOLERANCE_S:
            yield f"order {order} begins before the vehicle arrives"
        if visit.depart_s < visit.begin_s + int(problem.service_s[visit.index]) - _TOLERANCE_S:
            yield f"order {order} is left before its service ends"
        if leave < problem.release_s[order] - _TOLERANCE_S:
            yield f"order {order} leaves at {leave} s, released at {problem.release_s[order]} s"
    for limit in limits(problem, [visit.index for visit in served]):
        since = leave
        if limit.since >= 0:
            since = served[limit.since].begin_s + int(problem.service_s[served[limit.since].index])
        if served[limit.to].begin_s - since > limit.seconds + _TOLERANCE_S:
            order = int(problem.option_order[served[limit.to].index])
            yield f"order {order} is aboard for {served[limit.to].begin_s - since} s, at most {limit.seconds} s"


def _drives(
    problem: RoutingProblem, driven: Round, k: int, trip: list[Visit], ends: tuple[float, float], rests: list[Visit]
) -> Iterator[str]:
    """Between two stops the way must be driven in one go, beside the breaks."""
    seconds = problem.profiles[problem.vehicles[driven.vehicle].profile].duration_s
    route = _route(problem, driven, k, trip)
    leaves = [ends[0], *(visit.begin_s + _lasts(problem, driven, visit) for visit in trip)]
    arrives = [*(visit.arrive_s for visit in trip), ends[1]]
    for leg, (a, b) in enumerate(pairwise(route)):
        edges = [leaves[leg]]
        for rest in rests:
            if rest.begin_s < arrives[leg] and rest.depart_s > leaves[leg]:
                edges += [max(rest.begin_s, leaves[leg]), min(rest.depart_s, arrives[leg])]
        edges.append(arrives[leg])
        if max(edges[i + 1] - edges[i] for i in range(0, len(edges), 2)) < int(seconds[a, b]) - _TOLERANCE_S:
            yield f"trip {k}: {seconds[a, b]} s to drive from {leaves[leg]} s, there at {arrives[leg]} s"
    if len(route) == len(leaves) and ends[1] < leaves[-1] - _TOLERANCE_S:
        yield f"trip {k} is over at {ends[1]} s, its last service at {leaves[-1]} s"


def _route(problem: RoutingProblem, driven: Round, k: int, trip: list[Visit]) -> list[int]:
    """Locations of a trip with the chargers on its way."""
    plain = places(problem, driven.tour, k)
    stops = [
        int(problem.location[visit.index] if visit.kind == "order" else problem.chargers[visit.index]) for visit in trip
    ]
    return [plain[0], *stops, *plain[1 + len(driven.tour.trips[k]) :]]


def _charges(problem: RoutingProblem, driven: Round, k: int, trip: list[Visit]) -> Iterator[str]:
    """The battery from leg to leg: it takes at each charger what the time there gives."""
    vehicle = problem.vehicles[driven.vehicle]
    battery, profile = vehicle.battery, problem.profiles[vehicle.profile]
    if battery is None:
        if any(visit.kind == "charge" for visit in trip):
            yield f"trip {k} charges a vehicle without a battery"
        return
    charge = battery.capacity_wh
    loads = [load[0] if load else 0 for load in aboard(problem, driven.tour.trips[k])]
    served = 0
    route = _route(problem, driven, k, trip)
    for leg, (a, b) in enumerate(pairwise(route)):
        metres = int(profile.distance_m[a, b])
        empty = battery.wh_per_m * metres if profile.energy_wh is None else int(profile.energy_wh[a, b])
        charge -= empty + battery.wh_per_m_load * loads[served] * metres
        if charge < battery.reserve_wh - ENERGY_TOLERANCE_WH:
            yield f"trip {k}: the battery is at {charge:.6g} Wh on leg {leg}, its reserve is {battery.reserve_wh:.6g}"
        if leg < len(trip) and trip[leg].kind == "charge":
            charge = _charged(battery, charge, trip[leg])
            if battery.full_only and charge < battery.capacity_wh - ENERGY_TOLERANCE_WH:
                yield f"trip {k}: the battery leaves charger {trip[leg].index} with {charge:.6g} Wh, not full"
        elif leg < len(trip):
            served += 1


def _charged(battery: Battery, charge: float, visit: Visit) -> float:
    seconds = visit.depart_s - visit.begin_s
    if battery.seconds_per_wh * (battery.capacity_wh - charge) <= seconds + _TOLERANCE_S:
        return battery.capacity_wh
    return charge + seconds / battery.seconds_per_wh


def _shared(problem: RoutingProblem, solution: RoutingSolution) -> Iterator[str]:
    """What rounds draw on together: vehicles and pools."""
    used = Counter(driven.vehicle for driven in solution.rounds if 0 <= driven.vehicle < len(problem.vehicles))
    for index, vehicle in enumerate(problem.vehicles):
        if used[index] > vehicle.count:
            yield f"vehicle {index}: {used[index]} in use, there are {vehicle.count}"
    for pool, most in problem.pools.items():
        drawn = sum(used[index] for index, vehicle in enumerate(problem.vehicles) if pool in vehicle.pools)
        if drawn > most:
            yield f"pool {pool!r}: {drawn} drawn, there are {most}"


def _served(problem: RoutingProblem, solution: RoutingSolution) -> Counter[int]:
    return Counter(
        int(problem.option_order[option])
        for driven in solution.rounds
        for option in driven.options
        if 0 <= option < problem.options
    )


def _orders(problem: RoutingProblem, solution: RoutingSolution) -> Iterator[str]:
    served = _served(problem, solution)
    blocked = Counter(item.order for item in solution.blocked)
    for order in sorted(set(served) | set(blocked)):
        if not 0 <= order < problem.orders:
            yield f"blocked: there is no order {order}"
        elif served[order] > 1:
            yield f"order {order} is served {served[order]} times"
        elif served[order] and blocked[order]:
            yield f"order {order} is served and blocked"
        elif blocked[order] > 1:
            yield f"order {order} is blocked {blocked[order]} times"
    for item in solution.blocked:
        if len(item.reasons) != len(problem.vehicles):
            yield f"order {item.order}: {len(item.reasons)} reasons for {len(problem.vehicles)} vehicle types"
    grouped = {order for group in problem.groups for order in group.orders}
    for index, group in enumerate(problem.groups):
        chosen = [order for order in group.orders if served[order]]
        if len(chosen) > 1:
            yield f"group {index}: orders {chosen} are served, at most one may be"
        if chosen and any(blocked[order] for order in group.orders):
            yield f"group {index}: order {chosen[0]} is served and another is blocked"
        if not chosen and group.price_fen < 0 and not any(blocked[order] for order in group.orders):
            yield f"group {index}: none of it is served or blocked"
    for order in range(problem.orders):
        must = problem.price_fen[order] < 0 and order not in grouped
        if must and not served[order] and not blocked[order]:
            yield f"order {order} is neither served nor blocked"


def unserved_fen(problem: RoutingProblem, served: frozenset[int]) -> float:
    """Prices of what is not served."""
    grouped = {order for group in problem.groups for order in group.orders}
    single = sum(
        max(0, int(problem.price_fen[order]))
        for order in range(problem.orders)
        if order not in served and order not in grouped
    )
    return float(single + sum(max(0, group.price_fen) for group in problem.groups if not served & set(group.orders)))


def _sums(problem: RoutingProblem, solution: RoutingSolution) -> Iterator[str]:
    parts = {
        part.name: sum(getattr(driven.cost, part.name) for driven in solution.rounds)
        for part in fields(Cost)
        if part.name != "unserved"
    }
    unserved = unserved_fen(problem, frozenset(_served(problem, solution)))
    for text in _differences(solution.cost, Cost(**parts, unserved=unserved)):
        yield f"sum: {text}"
