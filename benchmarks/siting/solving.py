"""lastmile on instances of siting, each plan checked and written."""

import json
import time
from pathlib import Path
from typing import Any

import click

from benchmarks.routing.best_known import best_cost
from benchmarks.siting import orlib
from benchmarks.siting.check import Judged, check_flows, check_median
from lastmile.solvers.location import locate


def solve_files(
    family: str, files: tuple[Path, ...], *, seconds: float, seed: int, capacity: float | None, out: Path
) -> None:
    """Solve instances and write a JSON file for each; a plan that breaks a rule is not written, but named."""
    out.mkdir(parents=True, exist_ok=True)
    broken = []
    for path in files:
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
        judged: Judged = check_median(facts, sites) if family == "pmedian" else check_flows(facts, flows)
        if judged.violations:
            broken += [f"{facts.name}: {violation}" for violation in judged.violations]
            click.echo(f"{facts.name}: breaks {len(judged.violations)} rules, {judged.violations[0]}", err=True)
            continue
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
        (out / f"{facts.name}.json").write_text(json.dumps(answer, indent=1) + "\n", encoding="utf-8")
        best = None if capacity is not None else best_cost(path, facts.name)
        behind = f"; best known {best:,.10g}" if best is not None else ""
        click.echo(
            f"{facts.name}: cost {judged.cost:,.10g}, bound {solution.bound:,.10g}, {len(sites)} sites,"
            f" {solution.stopped} in {took:.1f} s{behind}"
        )
    if broken:
        raise click.ClickException("plans that break a rule were not written:\n  " + "\n  ".join(broken))
