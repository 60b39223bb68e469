"""``python -m benchmarks solve``: lastmile on public instances, each solution checked and written."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import click

from benchmarks.routing import lastmile_solver
from benchmarks.routing.best_known import best_known
from benchmarks.routing.check import Judged, check
from benchmarks.routing.families import read_instance
from benchmarks.routing.found import Found
from benchmarks.routing.gaps import gap
from benchmarks.routing.instance import Facts
from benchmarks.routing.options import instances
from benchmarks.siting import orlib
from benchmarks.siting.solving import solve_files


@click.command()
@partial(instances, others=orlib.FAMILIES)
@click.option("--time-limit", type=click.FloatRange(min=0, min_open=True), help="Seconds for each instance.")
@click.option("--iterations", type=click.IntRange(min=1), help="Iterations for each instance.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(min=0))
@click.option("--threads", default=1, show_default=True, type=click.IntRange(min=1))
@click.option(
    "--capacity", type=click.FloatRange(min=0, min_open=True), help="Of cflp: of every site, where files leave it out."
)
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder of the solutions.")
def solve(
    family: str,
    files: tuple[Path, ...],
    convention: str | None,
    time_limit: float | None,
    iterations: int | None,
    seed: int,
    threads: int,
    capacity: float | None,
    out: Path,
) -> None:
    """Solve instances and write a JSON file for each; a solution that breaks a rule is not written, but named."""
    if capacity is not None and family != "cflp":
        raise click.UsageError("--capacity is for cflp")
    if family in orlib.FAMILIES:
        if time_limit is None:
            raise click.UsageError(f"name --time-limit: {family} stops by it, or when the best plan is proven")
        solve_files(family, files, seconds=time_limit, seed=seed, capacity=capacity, out=out)
        return
    if time_limit is None and iterations is None:
        raise click.UsageError("name --time-limit, --iterations or both")
    out.mkdir(parents=True, exist_ok=True)
    broken = []
    for path in files:
        instance = read_instance(family, path, convention)
        facts = instance.facts
        found = lastmile_solver.run(instance, seconds=time_limit, iterations=iterations, seed=seed, threads=threads)
        judged = check(facts, found.routes)
        if judged.violations:
            broken += [f"{facts.name}: {violation}" for violation in judged.violations]
            click.echo(f"{facts.name}: breaks {len(judged.violations)} rules, {judged.violations[0]}", err=True)
            continue
        best = best_known(path, facts)
        text = json.dumps(_solution(facts, found, judged), indent=1, ensure_ascii=False)
        (out / f"{facts.name}.json").write_text(text + "\n", encoding="utf-8")
        behind = f"best known {best.cost:,.10g}, gap {gap(judged, best)}" if best else "no best known"
        click.echo(
            f"{facts.name}: cost {judged.cost:,.10g} with {judged.vehicles} vehicles in {found.seconds:.1f} s; {behind}"
        )
    if broken:
        raise click.ClickException("solutions that break a rule were not written:\n  " + "\n  ".join(broken))


def _solution(facts: Facts, found: Found, judged: Judged) -> dict[str, Any]:
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
