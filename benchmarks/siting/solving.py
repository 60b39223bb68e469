"""lastmile on one instance of siting, checked."""

import time
from pathlib import Path
from typing import Any

from benchmarks.routing.best_known import best_cost
from benchmarks.siting import orlib
from benchmarks.siting.check import check_flows, check_median
from benchmarks.solved import Solved
from lastmile.solvers.location import locate


def solve_instance(family: str, path: Path, *, seconds: float, seed: int, capacity: float | None) -> Solved:
    """Read, solve and check an instance."""
    facts = orlib.read(family, path, capacity)
    problem = orlib.pose(facts)
    begun = time.perf_counter()
    solution = locate(problem, seconds=seconds, seed=seed)
    took = time.perf_counter() - begun
    flows = list(
        zip(
            solution.served_by.tolist(), solution.served_customer.tolist(), solution.served_share.tolist(),
            strict=True,
        )
    )  # fmt: skip
    sites = solution.sites.tolist()
    judged = check_median(facts, sites) if family == "pmedian" else check_flows(facts, flows)
    if judged.violations:
        return Solved(name=facts.name, violations=judged.violations)
    answer: dict[str, Any] = {
        "family": family,
        "instance": facts.name,
        "capacity": capacity,
        "cost": judged.cost,
        "bound": solution.bound,
        "seconds": took,
        "iterations": solution.iterations,
        "stopped": solution.stopped,
        "open": [site + 1 for site in sites],
    }
    if family == "cflp":
        answer["flows"] = [[site + 1, customer + 1, share] for site, customer, share in flows]
    best = None if capacity is not None else best_cost(path, facts.name)
    behind = f"; best known {best:,.10g}" if best is not None else ""
    return Solved(
        name=facts.name,
        answer=answer,
        told=f"cost {judged.cost:,.10g}, bound {solution.bound:,.10g}, {len(sites)} sites,"
        f" {solution.stopped} in {took:.1f} s{behind}",
    )
