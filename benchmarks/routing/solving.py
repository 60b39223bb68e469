"""lastmile on one instance of routing, checked."""

from pathlib import Path
from typing import Any

from benchmarks.routing import lastmile_solver
from benchmarks.routing.best_known import best_known
from benchmarks.routing.check import Judged, check
from benchmarks.routing.families import read_instance
from benchmarks.routing.found import Found
from benchmarks.routing.gaps import gap
from benchmarks.routing.instance import Facts
from benchmarks.solved import Solved


def solve_instance(
    family: str,
    path: Path,
    *,
    convention: str | None,
    seconds: float | None,
    iterations: int | None,
    seed: int,
    threads: int,
) -> Solved:
    """Read, solve and check an instance."""
    instance = read_instance(family, path, convention)
    facts = instance.facts
    found = lastmile_solver.run(instance, seconds=seconds, iterations=iterations, seed=seed, threads=threads)
    judged = check(facts, found.routes)
    if judged.violations:
        return Solved(name=facts.name, violations=judged.violations)
    best = best_known(path, facts)
    behind = f"best known {best.cost:,.10g}, gap {gap(judged, best)}" if best else "no best known"
    return Solved(
        name=facts.name,
        answer=_answer(facts, found, judged),
        told=f"cost {judged.cost:,.10g} with {judged.vehicles} vehicles in {found.seconds:.1f} s; {behind}",
    )


def _answer(facts: Facts, found: Found, judged: Judged) -> dict[str, Any]:
    """As written: routes in the ids of the file, and for each the file's number of a vehicle of its kind."""
    driven = [route for route in found.routes if route.stops]
    unused = [iter(kind.numbers) for kind in facts.vehicles]
    return {
        "family": facts.family,
        "convention": facts.convention or None,
        "instance": facts.name,
        "cost": judged.cost,
        "vehicles": judged.vehicles,
        "distance": judged.distance,
        "routes": [[facts.nodes[stop].id for stop in route.stops] for route in driven],
        "vehicle_numbers": [next(unused[route.vehicles]) for route in driven],
        "seconds": found.seconds,
        "iterations": found.iterations,
        "stopped": found.stopped,
    }
