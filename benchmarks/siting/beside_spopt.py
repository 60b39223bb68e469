"""Small problems, by lastmile and by spopt with HiGHS, in the process that is measured."""

import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pulp
from spopt.locate import MCLP, PMedian

from benchmarks.siting import orlib
from benchmarks.siting.covering import Case
from lastmile.solvers.location import locate
from lastmile.solvers.location_problem import LocationProblem


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """Seconds from the arrays to the proven optimum, and what it is."""

    name: str
    cost: float
    peer_cost: float
    seconds: float
    peer_seconds: float


def small(sizes: list[int], files: list[Path]) -> list[tuple[str, LocationProblem]]:
    """Covering with so many candidates, and the p-median problems of these files."""
    coverings = [
        (f"covering {case.customers:,} from {case.sites:,}, {case.kinds[0].most} open", case.pose())
        for case in map(Case.of, sizes)
    ]
    return coverings + [(file.stem, orlib.pose(orlib.read("pmedian", file))) for file in files]


def beside(name: str, problem: LocationProblem, seconds: float) -> Beside:
    """Solve by both; the peer has no limit of time."""
    begun = time.perf_counter()
    ours = locate(problem, seconds=seconds)
    took = time.perf_counter() - begun
    begun = time.perf_counter()
    theirs = _spopt(problem)
    lasted = time.perf_counter() - begun
    return Beside(name=name, cost=ours.cost, peer_cost=theirs, seconds=took, peer_seconds=lasted)


def _spopt(problem: LocationProblem) -> float:
    customers, sites = len(problem.unserved), len(problem.opening)
    solver = pulp.HiGHS(msg=False)
    if np.isinf(problem.unserved).all():
        metres = np.full((customers, sites), np.inf)
        metres[problem.pair_customer, problem.pair_site] = problem.pair_cost
        model = PMedian.from_cost_matrix(metres, np.ones(customers), p_facilities=problem.limits()[0])
        return float(pulp.value(model.solve(solver, results=False).problem.objective))
    away = np.ones((customers, sites))
    away[problem.pair_customer, problem.pair_site] = 0
    covers = MCLP.from_cost_matrix(away, problem.unserved, service_radius=0.5, p_facilities=problem.limits()[0])
    covered = pulp.value(covers.solve(solver, results=False).problem.objective)
    return float(problem.unserved.sum() - covered)


if __name__ == "__main__":
    every = small(json.loads(sys.argv[2]), [Path(file) for file in sys.argv[3:]])
    print(json.dumps([asdict(beside(*one, float(sys.argv[1]))) for one in every]))
