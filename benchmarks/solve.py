"""``python -m benchmarks solve``: lastmile on public instances, each solution checked and written."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import click

from benchmarks.routing import solving as routing
from benchmarks.routing.options import instances
from benchmarks.siting import orlib
from benchmarks.siting import solving as siting
from benchmarks.solved import Solved


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
    solve_one: Callable[[Path], Solved]
    if family in orlib.FAMILIES:
        if time_limit is None:
            raise click.UsageError(f"name --time-limit: {family} stops by it, or when the best plan is proven")
        solve_one = partial(siting.solve_instance, family, seconds=time_limit, seed=seed, capacity=capacity)
    else:
        if time_limit is None and iterations is None:
            raise click.UsageError("name --time-limit, --iterations or both")
        solve_one = partial(
            routing.solve_instance,
            family,
            convention=convention,
            seconds=time_limit,
            iterations=iterations,
            seed=seed,
            threads=threads,
        )
    out.mkdir(parents=True, exist_ok=True)
    broken = []
    for path in files:
        solved = solve_one(path)
        if solved.violations:
            broken += [f"{solved.name}: {violation}" for violation in solved.violations]
            click.echo(f"{solved.name}: breaks {len(solved.violations)} rules, {solved.violations[0]}", err=True)
            continue
        text = json.dumps(solved.answer, indent=1, ensure_ascii=False)
        (out / f"{solved.name}.json").write_text(text + "\n", encoding="utf-8")
        click.echo(f"{solved.name}: {solved.told}")
    if broken:
        raise click.ClickException("solutions that break a rule were not written:\n  " + "\n  ".join(broken))
