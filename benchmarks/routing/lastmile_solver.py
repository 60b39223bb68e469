"""lastmile on an instance."""

import time

from benchmarks.routing.found import Found
from benchmarks.routing.instance import Instance, Route
from lastmile.solvers import routing
from lastmile.solvers.problem import Round


def run(instance: Instance, *, seconds: float | None, iterations: int | None, seed: int, threads: int = 1) -> Found:
    """Solve until a time or a number of iterations is up."""
    begun = time.perf_counter()
    solution = routing.solve(
        instance.problem,
        stop=routing.Stop(seconds=seconds, iterations=iterations),
        seed=seed,
        threads=threads,
        objective=routing.Objective(fewest_vehicles=instance.facts.fewest_vehicles),
        reasons=False,
    )
    return Found(
        routes=tuple(_route(instance, driven) for driven in solution.rounds),
        seconds=time.perf_counter() - begun,
        iterations=solution.iterations,
        stopped=solution.stopped,
    )


def _route(instance: Instance, driven: Round) -> Route:
    facts = instance.facts
    stops: list[int] = []
    for visit in driven.visits:
        if visit.kind == "order":
            stops.append(facts.customers[visit.index])
        elif visit.kind == "charge":
            stops.append(facts.chargers[visit.index])
        elif visit.kind == "reload":
            stops.append(instance.problem.vehicles[driven.vehicle].reloads[visit.index].location)
    return Route(vehicles=driven.vehicle, stops=tuple(stops))
