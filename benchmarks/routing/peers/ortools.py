"""OR-Tools' routing library: parallel cheapest insertion, then guided local search (Apache-2.0)."""

import time
from datetime import timedelta
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from ortools.constraint_solver import pywrapcp, routing_enums_pb2

from benchmarks.routing.found import CannotExpress, Found, route_of_trips
from benchmarks.routing.instance import Instance, Route
from benchmarks.routing.peers.expressible import refuse_beyond_plain, vehicle_surcharge, vehicles_to_model
from lastmile.solvers.problem import TIME_MAX, UNREACHABLE, RoutingProblem

_MOST_LOCATIONS: Final = 5000


def run(instance: Instance, *, seconds: float, seed: int) -> Found:
    """Solve for some seconds; making the model counts. The library takes no seed: every run is the same search."""
    del seed
    problem = instance.problem
    refuse_beyond_plain(problem)
    if problem.release_s.any() or any(vehicle.max_trips > 1 for vehicle in problem.vehicles):
        raise CannotExpress("releases, and several trips of a vehicle")
    if problem.locations > _MOST_LOCATIONS:
        raise CannotExpress(f"more than {_MOST_LOCATIONS:,} locations: its tables are lists of Python numbers")
    begun = time.perf_counter()
    used = vehicles_to_model(problem)
    manager = pywrapcp.RoutingIndexManager(
        problem.locations,
        len(used),
        [problem.vehicles[kind].start for kind in used],
        [problem.vehicles[kind].start for kind in used],
    )
    routing = pywrapcp.RoutingModel(manager)
    _costs(problem, routing, used, vehicle_surcharge(problem, fewest_vehicles=instance.facts.fewest_vehicles))
    _loads(problem, routing, used)
    _times(problem, routing, manager, used)
    _orders(problem, routing, manager, used)
    parameters = pywrapcp.DefaultRoutingSearchParameters()
    parameters.first_solution_strategy = routing_enums_pb2.FirstSolutionStrategy.PARALLEL_CHEAPEST_INSERTION
    parameters.local_search_metaheuristic = routing_enums_pb2.LocalSearchMetaheuristic.GUIDED_LOCAL_SEARCH
    parameters.time_limit.FromTimedelta(timedelta(seconds=max(0.001, seconds - (time.perf_counter() - begun))))
    assignment = routing.SolveWithParameters(parameters)
    return Found(
        routes=_routes(instance, routing, manager, used, assignment),
        seconds=time.perf_counter() - begun,
        iterations=None,
        stopped="time" if assignment is not None else "time, without a feasible solution",
    )


def _costs(problem: RoutingProblem, routing: pywrapcp.RoutingModel, used: list[int], surcharge: int) -> None:
    arcs: dict[tuple[int, int], int] = {}
    for index, kind in enumerate(used):
        vehicle = problem.vehicles[kind]
        per_metre = vehicle.fen_per_km // 1000
        key = (vehicle.profile, per_metre)
        if key not in arcs:
            table = problem.profiles[vehicle.profile].distance_m.astype(np.int64) * per_metre
            arcs[key] = routing.RegisterTransitMatrix(table.tolist())
        routing.SetArcCostEvaluatorOfVehicle(arcs[key], index)
        routing.SetFixedCostOfVehicle(vehicle.fixed_fen + surcharge, index)


def _by_location(problem: RoutingProblem, values: NDArray[np.integer[Any]]) -> list[int]:
    column = np.zeros(problem.locations, dtype=np.int64)
    column[problem.location] = values
    return [int(value) for value in column]


def _loads(problem: RoutingProblem, routing: pywrapcp.RoutingModel, used: list[int]) -> None:
    if problem.pickup.any():
        raise CannotExpress("deliveries and pickups in one tour")
    for dimension in range(problem.delivery.shape[1]):
        load = routing.RegisterUnaryTransitVector(_by_location(problem, problem.delivery[:, dimension]))
        capacities = [int(problem.vehicles[kind].capacity[dimension]) for kind in used]
        routing.AddDimensionWithVehicleCapacity(load, 0, capacities, True, f"load {dimension}")


def _times(
    problem: RoutingProblem, routing: pywrapcp.RoutingModel, manager: pywrapcp.RoutingIndexManager, used: list[int]
) -> None:
    """Time is modelled where a window, a shift or a limit can bind."""
    free = (problem.window_s[:, 0] == 0).all() and (problem.window_s[:, 1] == TIME_MAX - 1).all()
    if free and all(
        vehicle.shift_s == (0, TIME_MAX - 1) and vehicle.max_duration_s is None for vehicle in problem.vehicles
    ):
        return
    service = np.array(_by_location(problem, problem.service_s), dtype=np.int64)
    passing = []
    for profile in problem.profiles:
        table = profile.duration_s.astype(np.int64)
        table[table == UNREACHABLE] = TIME_MAX
        passing.append(routing.RegisterTransitMatrix((table + service[:, None]).tolist()))
    by_vehicle = [passing[problem.vehicles[kind].profile] for kind in used]
    horizon = max(vehicle.shift_s[1] for vehicle in problem.vehicles)
    routing.AddDimensionWithVehicleTransits(by_vehicle, horizon, horizon, False, "time")
    clock = routing.GetDimensionOrDie("time")
    for option, location in enumerate(problem.location.tolist()):
        first, last = problem.window_s[option].tolist()
        clock.CumulVar(manager.NodeToIndex(location)).SetRange(first, min(last, horizon))
    for index, kind in enumerate(used):
        vehicle = problem.vehicles[kind]
        for end in (routing.Start(index), routing.End(index)):
            clock.CumulVar(end).SetRange(*vehicle.shift_s)
        if vehicle.max_duration_s is not None:
            clock.SetSpanUpperBoundForVehicle(vehicle.max_duration_s, index)
        routing.AddVariableMinimizedByFinalizer(clock.CumulVar(routing.End(index)))
        routing.AddVariableMaximizedByFinalizer(clock.CumulVar(routing.Start(index)))


def _orders(
    problem: RoutingProblem, routing: pywrapcp.RoutingModel, manager: pywrapcp.RoutingIndexManager, used: list[int]
) -> None:
    """Prices, groups, and who may serve what."""
    nodes = [manager.NodeToIndex(location) for location in problem.location.tolist()]
    for option, node in enumerate(nodes):
        if problem.price_fen[option] >= 0:
            routing.AddDisjunction([node], int(problem.price_fen[option]))
        allowed = [index for index, kind in enumerate(used) if problem.allowed[option, kind]]
        if len(allowed) < len(used):
            routing.VehicleVar(node).SetValues([-1, *allowed])
    for group in problem.groups:
        routing.AddDisjunction([nodes[order] for order in group.orders])


def _routes(
    instance: Instance,
    routing: pywrapcp.RoutingModel,
    manager: pywrapcp.RoutingIndexManager,
    used: list[int],
    assignment: pywrapcp.Assignment | None,
) -> tuple[Route, ...]:
    if assignment is None:
        return ()
    option_of = {location: option for option, location in enumerate(instance.problem.location.tolist())}
    routes = []
    for index, kind in enumerate(used):
        node = assignment.Value(routing.NextVar(routing.Start(index)))
        trip = []
        while not routing.IsEnd(node):
            trip.append(option_of[manager.IndexToNode(node)])
            node = assignment.Value(routing.NextVar(node))
        routes.append(route_of_trips(instance.facts, kind, [trip]))
    return tuple(routes)
