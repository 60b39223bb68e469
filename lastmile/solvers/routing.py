"""Vehicle routing through OR-Tools' routing library.

This is the simple version: period-free travel tables, batteries as an energy limit per round, one trip per vehicle.
The compiled core replaces its inside. Same problem, seed and number of improving steps give the same rounds; the clock
is only a ceiling.

Travel tables are taken to obey the triangle inequality, as fastest paths do: what a vehicle cannot serve on a round of
its own, it cannot serve on any.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from ortools.constraint_solver import pywrapcp, routing_enums_pb2

from lastmile.solvers.problem import UNREACHABLE, Blocked, Round, RoutingProblem, RoutingSolution, RoutingVehicle
from lastmile.units import clock

_COST_SCALE = 1000  # costs inside are in 1/1000 fen, so that a second of driver's time is not rounded away
_PRICE_MAX_FEN = 10**8  # a higher price for leaving an order out says no more than this one
_HORIZON_S = 3 * 86_400
_LOAD_UNITS = (("parcels", 1), ("kg", 1000), ("m³", 1_000_000))  # what loads are counted in, as the user writes it
NOT_ALLOWED = "may not carry it"
NO_ROAD = "no permitted road leads there and back"

Progress = Callable[[str], None]


def solve(
    problem: RoutingProblem, *, seconds: float, solutions: int, on_progress: Progress | None = None
) -> RoutingSolution:
    """Find rounds of low cost.

    Parameters
    ----------
    seconds
        Ceiling of the search time.
    solutions
        Improving steps after which the search stops.
    on_progress
        Called with a line of text when a better set of rounds is found.

    Returns
    -------
    RoutingSolution
        Orders left out carry, per vehicle type, the constraint that fails.
    """
    vehicles = [index for index, kind in enumerate(problem.vehicles) for _ in range(min(kind.count, problem.orders))]
    able = {
        order: [v for v in range(len(problem.vehicles)) if not _obstacles(problem, order, v)]
        for order in range(problem.orders)
    }
    if not vehicles or not any(able.values()):
        idle = [0] * len(problem.vehicles)
        blocked = tuple(explain(problem, order, used=idle) for order in range(problem.orders))
        cost = sum(max(int(price), 0) for price in problem.price_fen)
        return RoutingSolution(rounds=(), blocked=blocked, cost_fen=cost, stopped="nothing to solve")
    # Nodes 0..orders-1 are orders; each vehicle then has a start and an end node of its own.
    starts = [problem.orders + 2 * k for k in range(len(vehicles))]
    ends = [node + 1 for node in starts]
    place = np.concatenate(
        (problem.location, np.array([[problem.vehicles[v].start, problem.vehicles[v].end] for v in vehicles]).ravel())
    ).astype(np.int64)
    manager = pywrapcp.RoutingIndexManager(len(place), len(vehicles), starts, ends)
    routing = pywrapcp.RoutingModel(manager)
    _add_costs_and_times(problem, routing, manager, vehicles, place)
    _add_loads(problem, routing, vehicles)
    _add_limits(problem, routing, vehicles, place)
    penalty = _penalties(problem, able)
    for order in range(problem.orders):
        index = manager.NodeToIndex(order)
        allowed = [k for k, v in enumerate(vehicles) if v in able[order]]
        routing.AddDisjunction([index], penalty[order] * _COST_SCALE)
        if len(allowed) < len(vehicles):
            routing.VehicleVar(index).SetValues([-1, *allowed])  # -1: left out
    solver = routing.solver()
    for pool, limit in problem.pools.items():
        members = [k for k, v in enumerate(vehicles) if pool in problem.vehicles[v].pools]
        if len(members) > limit:
            solver.Add(solver.Sum([routing.ActiveVehicleVar(k) for k in members]) <= limit)

    parameters = pywrapcp.DefaultRoutingSearchParameters()
    parameters.first_solution_strategy = routing_enums_pb2.FirstSolutionStrategy.PARALLEL_CHEAPEST_INSERTION
    # With a single order there is nothing to guide: such a search would end only with the clock.
    parameters.local_search_metaheuristic = (
        routing_enums_pb2.LocalSearchMetaheuristic.GUIDED_LOCAL_SEARCH
        if sum(map(bool, able.values())) > 1
        else routing_enums_pb2.LocalSearchMetaheuristic.GREEDY_DESCENT
    )
    parameters.solution_limit = solutions
    limit_ms = max(round(seconds * 1000), 100)
    parameters.time_limit.FromMilliseconds(limit_ms)
    steps = _count_steps(routing, on_progress)
    answer = routing.SolveWithParameters(parameters)
    if answer is None:
        raise RuntimeError("the routing library found no solution although every order may be left out")
    rounds = []
    used = [0] * len(problem.vehicles)
    served = np.zeros(problem.orders, dtype=bool)
    for k, v in enumerate(vehicles):
        sequence = []
        index = answer.Value(routing.NextVar(routing.Start(k)))
        while not routing.IsEnd(index):
            sequence.append(manager.IndexToNode(index))
            index = answer.Value(routing.NextVar(index))
        if sequence:
            served[sequence] = True
            used[v] += 1
            depart = answer.Value(routing.GetDimensionOrDie("time").CumulVar(routing.Start(k)))
            rounds.append(Round(vehicle=v, orders=tuple(sequence), depart_s=depart))
    cost = answer.ObjectiveValue() / _COST_SCALE
    for order in np.flatnonzero(~served).tolist():
        cost += max(int(problem.price_fen[order]), 0) - penalty[order]
        for dear, v in sorted((_own_cost(problem, order, v), v) for v in able[order]):
            if not _scarce(problem, v, used) and dear < penalty[order]:
                rounds.append(Round(vehicle=v, orders=(order,), depart_s=_own_times(problem, order, v)[0]))
                used[v] += 1
                served[order] = True
                cost += dear - max(int(problem.price_fen[order]), 0)
                break
    return RoutingSolution(
        rounds=tuple(rounds),
        blocked=tuple(explain(problem, int(order), used=used) for order in np.flatnonzero(~served)),
        cost_fen=round(cost),
        stopped="steps" if len(steps) >= solutions else "time" if solver.WallTime() >= limit_ms else "exhausted",
    )


def _count_steps(routing: pywrapcp.RoutingModel, on_progress: Progress | None) -> list[int]:
    """The costs that the search has stepped through so far; better ones are reported."""
    costs: list[int] = []

    def at_solution() -> None:
        cost = routing.CostVar().Max()
        if on_progress is not None and cost < min(costs, default=cost + 1):
            on_progress(f"cost {cost / _COST_SCALE / 100:,.0f} yuan")
        costs.append(cost)

    routing.AddAtSolutionCallback(at_solution)
    return costs


def _penalties(problem: RoutingProblem, able: dict[int, list[int]]) -> list[int]:
    """What leaving out costs: the order's price; where it must be served, more than any round and all prices."""
    prices = [min(int(price), _PRICE_MAX_FEN) for price in problem.price_fen]
    own = max(_own_cost(problem, order, v) for order, chosen in able.items() for v in chosen)
    must = 2 * int(own) + sum(price for price in prices if price > 0) + 1
    return [price if price >= 0 else must for price in prices]


def _energies_wh(
    problem: RoutingProblem, vehicle: RoutingVehicle, origin: Any = slice(None), target: Any = slice(None)
) -> NDArray[np.float64]:
    """Energy between locations, all of them where none are named."""
    profile = problem.profiles[vehicle.profile]
    if profile.energy_wh is not None:
        return np.asarray(profile.energy_wh[origin, target], dtype=np.float64)
    return np.asarray(profile.distance_m[origin, target] * np.float64(vehicle.wh_per_m))


def _padded(table: NDArray[Any], place: NDArray[np.int64], orders: int) -> NDArray[Any]:
    """Entries of a table between all nodes; a vehicle that stays at its base does not drive from start to end."""
    padded: NDArray[Any] = table[np.ix_(place, place)]
    starts = np.arange(orders, len(place), 2)
    padded[starts, starts + 1] = 0
    return padded


def _add_costs_and_times(
    problem: RoutingProblem,
    routing: pywrapcp.RoutingModel,
    manager: pywrapcp.RoutingIndexManager,
    vehicles: list[int],
    place: NDArray[np.int64],
) -> None:
    service = np.concatenate((problem.service_s, np.zeros(len(place) - problem.orders, dtype=np.int32)))
    transit: dict[int, int] = {}
    costs: dict[tuple[int, int], int] = {}
    for v in set(vehicles):
        vehicle = problem.vehicles[v]
        profile = problem.profiles[vehicle.profile]
        if vehicle.profile not in transit:
            duration = np.minimum(profile.duration_s.astype(np.int64), _HORIZON_S + 1)
            table = _padded(duration, place, problem.orders) + service[:, None]
            transit[vehicle.profile] = routing.RegisterTransitMatrix(table.tolist())
        key = (vehicle.profile, vehicle.fen_per_km)
        if key not in costs:
            metres = _padded(profile.distance_m.astype(np.int64), place, problem.orders)
            costs[key] = routing.RegisterTransitMatrix((metres * vehicle.fen_per_km * _COST_SCALE // 1000).tolist())
    for k, v in enumerate(vehicles):
        vehicle = problem.vehicles[v]
        routing.SetArcCostEvaluatorOfVehicle(costs[vehicle.profile, vehicle.fen_per_km], k)
        routing.SetFixedCostOfVehicle(vehicle.fixed_fen * _COST_SCALE, k)
    routing.AddDimensionWithVehicleTransits(
        [transit[problem.vehicles[v].profile] for v in vehicles], _HORIZON_S, _HORIZON_S, False, "time"
    )
    time = routing.GetDimensionOrDie("time")
    solver = routing.solver()
    for order in range(problem.orders):
        index = manager.NodeToIndex(order)
        start, end = problem.window_s[order].tolist()
        time.CumulVar(index).SetRange(start, min(end, _HORIZON_S))
    for k, v in enumerate(vehicles):
        vehicle = problem.vehicles[v]
        time.CumulVar(routing.Start(k)).SetRange(*vehicle.shift_s)
        time.CumulVar(routing.End(k)).SetRange(*vehicle.shift_s)
        time.SetSpanCostCoefficientForVehicle(vehicle.fen_per_hour * _COST_SCALE // 3600, k)
        if vehicle.max_duration_s is not None:
            time.SetSpanUpperBoundForVehicle(vehicle.max_duration_s, k)
    # Return as early as the sequence allows, and for that return leave as late as possible.
    for k in range(len(vehicles)):
        routing.AddVariableMinimizedByFinalizer(time.CumulVar(routing.End(k)))
    for k in range(len(vehicles)):
        routing.AddVariableMaximizedByFinalizer(time.CumulVar(routing.Start(k)))
    # Parcels that reach the base late, and parcels that may not stay aboard long, tie their order to the departure.
    departures = [time.CumulVar(routing.Start(k)) for k in range(len(vehicles))]
    earliest = min(problem.vehicles[v].shift_s[0] for v in vehicles)
    for order in range(problem.orders):
        release, on_board = min(int(problem.release_s[order]), _HORIZON_S), int(problem.on_board_s[order])
        if release <= earliest and on_board < 0:
            continue
        index = manager.NodeToIndex(order)
        # A vehicle index of -1 (order left out) is mapped to a departure that satisfies every limit.
        shifted = routing.VehicleVar(index) + 1
        if release > earliest:
            solver.Add(solver.Element([solver.IntConst(_HORIZON_S), *departures], shifted) >= release)
        if on_board >= 0:
            free = [solver.IntConst(_HORIZON_S), *departures]
            solver.Add(time.CumulVar(index) - solver.Element(free, shifted) <= on_board)


def _add_loads(problem: RoutingProblem, routing: pywrapcp.RoutingModel, vehicles: list[int]) -> None:
    nodes = problem.orders + 2 * len(vehicles)

    def dimension(name: str, change: NDArray[np.int64], capacities: list[int], *, from_zero: bool) -> None:
        values = np.zeros(nodes, dtype=np.int64)
        values[: problem.orders] = change
        routing.AddDimensionWithVehicleCapacity(
            routing.RegisterUnaryTransitVector(values.tolist()), 0, capacities, from_zero, name
        )

    for d in range(problem.delivery.shape[1]):
        capacities = [int(problem.vehicles[v].capacity[d]) for v in vehicles]
        delivery, pickup = problem.delivery[:, d], problem.pickup[:, d]
        if delivery.any() or not pickup.any():
            dimension(f"delivery{d}", delivery, capacities, from_zero=True)
        if pickup.any():
            # What is aboard: everything to deliver at the start, then less a delivery and more a pickup at each stop.
            dimension(f"aboard{d}", pickup - delivery, capacities, from_zero=False)
            aboard = routing.GetDimensionOrDie(f"aboard{d}")
            for k in range(len(vehicles)):
                start = aboard.CumulVar(routing.Start(k))
                if delivery.any():
                    total = routing.GetDimensionOrDie(f"delivery{d}").CumulVar(routing.End(k))
                    routing.solver().Add(start == total)
                else:
                    start.SetValue(0)


def _add_limits(
    problem: RoutingProblem, routing: pywrapcp.RoutingModel, vehicles: list[int], place: NDArray[np.int64]
) -> None:
    kinds = [problem.vehicles[v] for v in vehicles]
    if any(kind.max_distance_m is not None for kind in kinds):
        tables = {
            p: routing.RegisterTransitMatrix(
                _padded(profile.distance_m.astype(np.int64), place, problem.orders).tolist()
            )
            for p, profile in enumerate(problem.profiles)
        }
        limits = [kind.max_distance_m if kind.max_distance_m is not None else 10**9 for kind in kinds]
        routing.AddDimensionWithVehicleTransitAndCapacity(
            [tables[kind.profile] for kind in kinds], 0, limits, True, "distance"
        )
    if any(kind.range_wh is not None for kind in kinds):
        energy: dict[tuple[int, float], int] = {}
        for kind in kinds:
            key = (kind.profile, kind.wh_per_m)
            if key not in energy:
                used = np.ceil(_padded(_energies_wh(problem, kind), place, problem.orders) * 1000)  # milliwatt-hours
                energy[key] = routing.RegisterTransitMatrix(used.astype(np.int64).tolist())
        ranges = [kind.range_wh * 1000 if kind.range_wh is not None else 10**12 for kind in kinds]
        routing.AddDimensionWithVehicleTransitAndCapacity(
            [energy[kind.profile, kind.wh_per_m] for kind in kinds], 0, ranges, True, "energy"
        )
    if any(kind.max_orders is not None for kind in kinds):
        ones = np.zeros(len(place), dtype=np.int64)
        ones[: problem.orders] = 1
        routing.AddDimensionWithVehicleCapacity(
            routing.RegisterUnaryTransitVector(ones.tolist()),
            0,
            [kind.max_orders if kind.max_orders is not None else problem.orders for kind in kinds],
            True,
            "stops",
        )


def explain(problem: RoutingProblem, order: int, *, used: list[int]) -> Blocked:
    """Say why no vehicle carries an order: per type every constraint that fails for this order alone.

    Parameters
    ----------
    used
        Vehicles in use per type, to tell an order that cannot be carried from one for which none is left.
    """
    reasons, remedies = [], []
    for v in range(len(problem.vehicles)):
        found = _obstacles(problem, order, v)
        if not found:
            found = [_scarce(problem, v, used) or _too_dear(problem, order, v)]
        reasons.append("; ".join(reason for reason, _, _ in found))
        # The single cheapest way out is the one that takes the fewest changes.
        remedies.append((len(found), max(rank for _, _, rank in found), " and ".join(text for _, text, _ in found)))
    if not remedies:
        return Blocked(order=order, reasons=(), remedy="add a vehicle")
    return Blocked(order=order, reasons=tuple(reasons), remedy=min(remedies)[2])


def latest_departure(problem: RoutingProblem, order: int) -> int | None:
    """The latest second at which some vehicle may leave its base to serve the order alone, whatever its release."""
    found = []
    for v, vehicle in enumerate(problem.vehicles):
        profile = problem.profiles[vehicle.profile]
        where = int(problem.location[order])
        if vehicle.count == 0 or not problem.allowed[order, v] or not _reaches(problem, order, v):
            continue
        done = vehicle.shift_s[1] - int(profile.duration_s[where, vehicle.end]) - int(problem.service_s[order])
        latest = min(done, int(problem.window_s[order, 1])) - int(profile.duration_s[vehicle.start, where])
        if latest >= vehicle.shift_s[0]:
            found.append(latest)
    return max(found, default=None)


def _reaches(problem: RoutingProblem, order: int, v: int) -> bool:
    vehicle = problem.vehicles[v]
    table = problem.profiles[vehicle.profile].duration_s
    where = problem.location[order]
    return bool(table[vehicle.start, where] != UNREACHABLE and table[where, vehicle.end] != UNREACHABLE)


def _own_times(problem: RoutingProblem, order: int, v: int) -> tuple[int, int, int]:
    """Departure, start of service and return of a round for this order alone: back early, and out no sooner."""
    vehicle = problem.vehicles[v]
    table = problem.profiles[vehicle.profile].duration_s
    where = int(problem.location[order])
    out = int(table[vehicle.start, where])
    ready = max(vehicle.shift_s[0], int(problem.release_s[order]))
    start = max(ready + out, int(problem.window_s[order, 0]))
    return start - out, start, start + int(problem.service_s[order]) + int(table[where, vehicle.end])


def _own_metres(problem: RoutingProblem, order: int, v: int) -> int:
    vehicle = problem.vehicles[v]
    table = problem.profiles[vehicle.profile].distance_m
    where = int(problem.location[order])
    return int(table[vehicle.start, where]) + int(table[where, vehicle.end])


def _own_cost(problem: RoutingProblem, order: int, v: int) -> float:
    """Fen of a round for this order alone."""
    vehicle = problem.vehicles[v]
    leave, _, back = _own_times(problem, order, v)
    by_distance = _own_metres(problem, order, v) * vehicle.fen_per_km / 1000
    return vehicle.fixed_fen + by_distance + (back - leave) * vehicle.fen_per_hour / 3600


# A reason, its remedy, and the rank of the remedy's cost: 0 is the cheapest.
_Obstacle = tuple[str, str, int]


def _obstacles(problem: RoutingProblem, order: int, v: int) -> list[_Obstacle]:
    """Everything that keeps a vehicle from a round for this order alone."""
    vehicle = problem.vehicles[v]
    found: list[_Obstacle] = []
    if not problem.allowed[order, v]:
        found.append((NOT_ALLOWED, "let this vehicle type serve the order (base, skill or place)", 4))
    if vehicle.count == 0:
        found.append(("there is none at this base", "add one vehicle of this type", 3))
    over = np.maximum(problem.delivery[order], problem.pickup[order]) - vehicle.capacity
    if (over > 0).any():
        d = int((over / np.maximum(vehicle.capacity, 1)).argmax())
        unit, per = _LOAD_UNITS[d] if d < len(_LOAD_UNITS) else (f"in dimension {d}", 1)
        found.append((f"load exceeds the capacity by {over[d] / per:,.6g} {unit}", "split the order", 1))
    if not _reaches(problem, order, v):
        found.append((NO_ROAD, "give the vehicle a permit, or move the stop", 5))
        return found
    leave, start, back = _own_times(problem, order, v)
    late = start - int(problem.window_s[order, 1])
    if late > 0:
        minutes = late // 60 + 1
        found.append(
            (
                f"arrives at {clock(start)}, {minutes} min after its window ends",
                f"let the window end {minutes} min later",
                2,
            )
        )
    if back > vehicle.shift_s[1]:
        minutes = (back - vehicle.shift_s[1]) // 60 + 1
        found.append((f"would return {minutes} min after the shift", f"let the shift end {minutes} min later", 2))
    if vehicle.max_duration_s is not None and back - leave > vehicle.max_duration_s:
        minutes = (back - leave - vehicle.max_duration_s) // 60 + 1
        found.append((f"would be out {minutes} min too long", f"raise max_work_hours by {minutes} min", 2))
    metres = _own_metres(problem, order, v)
    if vehicle.max_distance_m is not None and metres > vehicle.max_distance_m:
        found.append((f"{metres / 1000:.1f} km there and back exceed the limit", "raise max_distance_km", 2))
    where = problem.location[order]
    needed = float(
        _energies_wh(problem, vehicle, vehicle.start, where) + _energies_wh(problem, vehicle, where, vehicle.end)
    )
    if vehicle.range_wh is not None and needed > vehicle.range_wh:
        short = needed - vehicle.range_wh
        found.append((f"the battery is {short:.0f} Wh short for the way there and back", "use a larger battery", 3))
    on_board = int(problem.on_board_s[order])
    if 0 <= on_board < start - leave:
        found.append((f"{(start - leave) // 60} min on board exceed the limit", "allow more time on board", 2))
    return found


def _scarce(problem: RoutingProblem, v: int, used: list[int]) -> _Obstacle | None:
    """What is used up, so that not one more of these vehicles can leave; None where one can."""
    vehicle = problem.vehicles[v]
    if used[v] >= vehicle.count:
        return f"all {vehicle.count} are in use", "add one vehicle of this type", 3
    for pool in vehicle.pools:
        drawn = sum(used[w] for w, other in enumerate(problem.vehicles) if pool in other.pools)
        if drawn >= problem.pools[pool]:
            return f"all {problem.pools[pool]} of {pool!r} are in use", f"add one of {pool!r}", 3
    return None


def _too_dear(problem: RoutingProblem, order: int, v: int) -> _Obstacle:
    own, price = _own_cost(problem, order, v) / 100, int(problem.price_fen[order]) / 100
    return f"a round of its own would cost {own:.2f} yuan, leaving it out {price:.2f}", "raise the order's price", 0
