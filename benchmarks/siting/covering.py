"""Maximal covering of made-up cities, with capacities or without: one run, in the process that it measures."""

import json
import math
import sys
import time
from dataclasses import asdict, dataclass
from typing import Final

from benchmarks.processes import run
from benchmarks.siting.city import Kind, covered, covering
from lastmile.solvers.location import locate
from lastmile.solvers.location_problem import LocationProblem, LocationProgress

SITES_PER_OPEN: Final = 20
_NEAR_PERCENT: Final = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A made-up city: customers, candidate places, and the kinds of facility that each can hold."""

    customers: int
    sites: int
    kinds: tuple[Kind, ...]

    @classmethod
    def of(cls, sites: int) -> "Case":
        """Of cities that grow: 2.5 customers for each candidate, 500 m, a twentieth of the candidates open."""
        kind = Kind(reach_m=500, most=sites // SITES_PER_OPEN)
        return cls(customers=math.ceil(2.5 * sites), sites=sites, kinds=(kind,))

    @classmethod
    def read(cls, text: str) -> "Case":
        """From its JSON."""
        told = json.loads(text)
        return cls(**told | {"kinds": tuple(Kind(**kind) for kind in told["kinds"])})

    def pose(self) -> LocationProblem:
        """The city, for the solver."""
        return covering(self.customers, self.sites, self.kinds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Covered:
    """What a run came to: shares of the city's weight, the gap in % of what is covered, and when it was near it."""

    pairs: int
    greedy: float
    share: float
    bound: float
    gap_percent: float
    near_s: float | None  # until the gap was within 2 %
    iterations: int
    seconds: float
    peak_mb: float


def measure(case: Case, seconds: float, seed: int) -> Covered:
    """Site in a process of its own."""
    done = run("-m", "benchmarks.siting.covering", json.dumps(asdict(case)), str(seconds), str(seed))
    return Covered(**done.said, peak_mb=done.peak_mb)


def _measured(case: Case, seconds: float, seed: int) -> dict[str, float | None]:
    problem = case.pose()
    total = float(problem.unserved.sum())
    near: list[float] = []
    told: list[LocationProgress] = []

    def tell(progress: LocationProgress) -> None:
        told.append(progress)
        if 100 * (progress.cost - progress.bound) <= _NEAR_PERCENT * (total - progress.cost):
            near.append(progress.seconds)

    greedy = locate(problem, seconds=0.0, seed=seed)
    begun = time.perf_counter()
    solution = locate(problem, seconds=seconds, seed=seed, on_progress=tell)
    took = time.perf_counter() - begun
    weight = covered(problem, solution)
    if abs(weight - (total - solution.cost)) > 0.5:
        raise RuntimeError(f"{len(solution.sites)} sites cover {weight:g}, not {total - solution.cost:g}")
    return {
        "pairs": len(problem.pair_site),
        "greedy": (total - greedy.cost) / total,
        "share": weight / total,
        "bound": (total - solution.bound) / total,
        "gap_percent": 100 * (solution.cost - solution.bound) / weight,
        "near_s": near[0] if near else None,
        "iterations": solution.iterations,
        "seconds": took,
    }


if __name__ == "__main__":
    print(json.dumps(_measured(Case.read(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]))))
