"""PyVRP: iterated local search over several depots, trips, releases, prizes, groups and fleets (MIT)."""

import time
from typing import Any

import numpy as np
import pyvrp
from numpy.typing import NDArray
from pyvrp.constants import MAX_VALUE
from pyvrp.stop import MaxRuntime

from benchmarks.routing.found import Found, route_of_trips
from benchmarks.routing.instance import Instance
from benchmarks.routing.peers.expressible import refuse_beyond_plain, vehicle_surcharge
from lastmile.solvers.problem import TIME_MAX, UNREACHABLE, RoutingProblem, RoutingVehicle


def run(instance: Instance, *, seconds: float, seed: int) -> Found:
    """Solve for some seconds; making the model counts."""
    refuse_beyond_plain(instance.problem)
    begun = time.perf_counter()
    data = _model(instance)
    left = max(0.0, seconds - (time.perf_counter() - begun))
    result = pyvrp.solve(data, stop=MaxRuntime(left), seed=seed, display=False)
    routes = []
    for route in result.best.routes():
        trips: list[list[int]] = [[]]
        for activity in route:
            if activity.is_client():
                trips[-1].append(activity.idx)
            elif activity.is_depot():
                trips.append([])
        routes.append(route_of_trips(instance.facts, route.vehicle_type(), trips))
    return Found(
        routes=tuple(routes),
        seconds=time.perf_counter() - begun,
        iterations=result.num_iterations,
        stopped="time" if result.is_feasible() else "time, without a feasible solution",
    )


def _model(instance: Instance) -> pyvrp.ProblemData:
    """Make PyVRP's data: its clients are the options, its vehicle types those of the problem, in their sequence.

    Loads get the factor that distances have, as PyVRP's own reader does: its penalties of excess load are bounded, and
    too small beside distances in thousandths.
    """
    problem, factor = instance.problem, instance.metres_per_unit
    places = sorted({vehicle.start for vehicle in problem.vehicles})
    depot = {place: index for index, place in enumerate(places)}
    group_of = {order: index for index, group in enumerate(problem.groups) for order in group.orders}
    clients = [
        pyvrp.Client(
            location=int(problem.location[option]),
            delivery=(problem.delivery[option] * factor).tolist(),
            pickup=(problem.pickup[option] * factor).tolist(),
            service_duration=int(problem.service_s[option]),
            tw_early=int(problem.window_s[option, 0]),
            tw_late=int(problem.window_s[option, 1]),
            release_time=int(problem.release_s[option]),
            prize=max(0, int(problem.price_fen[option])),
            required=int(problem.price_fen[option]) < 0 and option not in group_of,
            group=group_of.get(option),
        )
        for option in range(problem.options)
    ]
    profiles, profile_of = _profiles(problem)
    surcharge = vehicle_surcharge(problem, fewest_vehicles=instance.facts.fewest_vehicles)
    types = [
        pyvrp.VehicleType(
            num_available=vehicle.count,
            capacity=(vehicle.capacity * factor).tolist(),
            start_depot=depot[vehicle.start],
            end_depot=depot[vehicle.start],
            fixed_cost=vehicle.fixed_fen + surcharge,
            tw_early=vehicle.shift_s[0],
            tw_late=vehicle.shift_s[1],
            unit_distance_cost=vehicle.fen_per_km // 1000,
            profile=profile_of[index],
            reload_depots=[depot[reload.location] for reload in vehicle.reloads],
            **_limits(vehicle),
        )
        for index, vehicle in enumerate(problem.vehicles)
    ]
    return pyvrp.ProblemData(
        locations=[pyvrp.Location(0, 0) for _ in range(problem.locations)],
        clients=clients,
        depots=[pyvrp.Depot(location=place) for place in places],
        vehicle_types=types,
        distance_matrices=[distance for distance, _ in profiles],
        duration_matrices=[duration for _, duration in profiles],
        groups=[pyvrp.ClientGroup(list(group.orders)) for group in problem.groups],
    )


def _limits(vehicle: RoutingVehicle) -> dict[str, Any]:
    """What PyVRP has no bound for unless it is named."""
    limits = {"max_reloads": vehicle.max_trips - 1} if vehicle.reloads else {}
    return limits if vehicle.max_duration_s is None else {**limits, "shift_duration": vehicle.max_duration_s}


def _profiles(problem: RoutingProblem) -> tuple[list[tuple[NDArray[np.int64], NDArray[np.int64]]], list[int]]:
    """Travel tables of each set of options that vehicles may serve; ways to the others are closed."""
    keys: dict[Any, int] = {}
    tables: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []
    of_vehicle = []
    for index, vehicle in enumerate(problem.vehicles):
        closed = problem.location[~problem.allowed[:, index]]
        key = (vehicle.profile, closed.tobytes())
        if key not in keys:
            keys[key] = len(tables)
            profile = problem.profiles[vehicle.profile]
            distance = profile.distance_m.astype(np.int64)
            duration = distance if profile.duration_s is profile.distance_m else profile.duration_s.astype(np.int64)
            if duration is not distance:
                duration[duration == UNREACHABLE] = TIME_MAX
            for table in (distance, duration):
                table[closed, :] = table[:, closed] = MAX_VALUE
                np.fill_diagonal(table, 0)
            tables.append((distance, duration))
        of_vehicle.append(keys[key])
    return tables, of_vehicle
