"""VROOM by its Python face pyvroom: insertion heuristics and local search at their highest level (BSD-2)."""

import time
from datetime import timedelta

import numpy as np
import vroom

from benchmarks.routing.found import CannotExpress, Found, route_of_trips
from benchmarks.routing.instance import Instance
from benchmarks.routing.peers.expressible import refuse_beyond_plain, vehicle_surcharge, vehicles_to_model
from lastmile.solvers.problem import TIME_MAX, RoutingProblem


def run(instance: Instance, *, seconds: float, seed: int) -> Found:
    """Solve, for some seconds at most; it ends by itself when its local searches do. It takes no seed."""
    del seed
    problem = instance.problem
    _refuse(problem)
    begun = time.perf_counter()
    task, kinds = _model(problem, vehicle_surcharge(problem, fewest_vehicles=instance.facts.fewest_vehicles))
    left = timedelta(seconds=max(0.001, seconds - (time.perf_counter() - begun)))
    solution = task.solve(exploration_level=5, nb_threads=1, timeout=left).to_dict()
    routes = tuple(
        route_of_trips(
            instance.facts,
            kinds[route["vehicle"]],
            [[step["id"] for step in route["steps"] if step["type"] == "job"]],
        )
        for route in solution["routes"]
    )
    took = time.perf_counter() - begun
    return Found(routes=routes, seconds=took, iterations=None, stopped="time" if took >= seconds else "by itself")


def _refuse(problem: RoutingProblem) -> None:
    refuse_beyond_plain(problem)
    if problem.release_s.any() or any(vehicle.max_trips > 1 for vehicle in problem.vehicles):
        raise CannotExpress("releases, and several trips of a vehicle")
    if problem.groups or (problem.price_fen >= 0).any():
        raise CannotExpress("prices of orders left out, and groups of which one is served")
    if any(vehicle.max_duration_s is not None for vehicle in problem.vehicles):
        raise CannotExpress("longest durations of a tour: it limits the time of travel only")


def _model(problem: RoutingProblem, surcharge: int) -> tuple[vroom.Input, list[int]]:
    task = vroom.Input()
    for index, profile in enumerate(problem.profiles):
        task.set_durations_matrix(f"p{index}", profile.duration_s.astype(np.uint32))
        task.set_distances_matrix(f"p{index}", profile.distance_m.astype(np.uint32))
    kinds = vehicles_to_model(problem)
    for index, kind in enumerate(kinds):
        vehicle = problem.vehicles[kind]
        task.add_vehicle(
            vroom.Vehicle(
                index,
                start=vehicle.start,
                end=vehicle.end,
                profile=f"p{vehicle.profile}",
                capacity=vehicle.capacity.tolist(),
                skills=_skills(problem, kind),
                time_window=None if vehicle.shift_s == (0, TIME_MAX - 1) else vroom.TimeWindow(*vehicle.shift_s),
                costs=vroom.VehicleCosts(fixed=vehicle.fixed_fen + surcharge, per_hour=0, per_km=vehicle.fen_per_km),
            )
        )
    for option in range(problem.options):
        first, last = problem.window_s[option].tolist()
        task.add_job(
            vroom.Job(
                option,
                location=int(problem.location[option]),
                default_service=int(problem.service_s[option]),
                delivery=problem.delivery[option].tolist(),
                pickup=problem.pickup[option].tolist(),
                skills=set() if problem.allowed[option].all() else {option},
                time_windows=[] if (first, last) == (0, TIME_MAX - 1) else [vroom.TimeWindow(first, last)],
            )
        )
    return task, kinds


def _skills(problem: RoutingProblem, kind: int) -> set[int]:
    """An order that not all may serve asks for a skill of its own."""
    scarce = ~problem.allowed.all(axis=1)
    return set(np.flatnonzero(scarce & problem.allowed[:, kind]).tolist())
