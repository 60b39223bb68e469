"""``python -m benchmarks compare``: lastmile and its peers on the same instances, integers, machine and seconds."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import click

from benchmarks.machine import machine, versions
from benchmarks.routing.best_known import best_known
from benchmarks.routing.check import check
from benchmarks.routing.comparison import Result, markdown
from benchmarks.routing.families import read_instance
from benchmarks.routing.found import CannotExpress
from benchmarks.routing.options import instances
from benchmarks.routing.process import PEERS, absent, solve_apart

_PACKAGES = {"lastmile": "lastmile", "pyvrp": "pyvrp", "ortools": "ortools", "vroom": "pyvroom"}


def _peers(context: click.Context, parameter: click.Parameter, value: str) -> tuple[str, ...]:
    del context, parameter
    names = tuple(dict.fromkeys(name for name in value.split(",") if name))
    if unknown := [name for name in names if name not in PEERS]:
        raise click.BadParameter(f"{unknown[0]!r} is none of {', '.join(PEERS)}")
    return names


@click.command()
@instances
@click.option("--time-limit", required=True, type=click.FloatRange(min=0, min_open=True), help="Seconds of each run.")
@click.option("--peers", default=",".join(PEERS), show_default=True, callback=_peers, help="Which, by commas.")
@click.option("--runs", default=1, show_default=True, type=click.IntRange(min=1), help="Runs, seeds from 0.")
@click.option("--jobs", default=1, show_default=True, type=click.IntRange(min=1), help="Instances side by side.")
@click.option("--out", type=click.Path(dir_okay=False, writable=True, path_type=Path), help="All results as JSON.")
def compare(
    family: str,
    files: tuple[Path, ...],
    convention: str | None,
    time_limit: float,
    peers: tuple[str, ...],
    runs: int,
    jobs: int,
    out: Path | None,
) -> None:
    """Run lastmile and its peers, one thread and one process each, and print costs and gaps as Markdown.

    Every solution is judged by a checker of its own, not by its solver's word.
    """
    missing = [peer for peer in peers if absent(peer)]
    solvers = ("lastmile", *(peer for peer in peers if peer not in missing))

    def measure(path: Path) -> list[Result]:
        done = _measure(family, path, convention, time_limit, solvers, runs)
        click.echo(f"done: {path.name}", err=True)
        return done

    with ThreadPoolExecutor(max_workers=jobs) as pool:
        results = [result for some in pool.map(measure, files) for result in some]
    numbers = versions(_PACKAGES[solver] for solver in solvers)
    click.echo(
        f"{family}{f' ({convention})' if convention else ''}: {time_limit:g} s and one thread for each run, "
        f"{runs} run{'s' if runs > 1 else ''}, {jobs} side by side; {machine()}; "
        f"{', '.join(f'{name} {number}' for name, number in numbers.items())}.\n"
    )
    click.echo(markdown(family, results, solvers, time_limit))
    for peer in missing:
        click.echo(f"- {peer}: absent, it is not installed")
    if out:
        content = {
            "family": family,
            "convention": convention,
            "time_limit_s": time_limit,
            "machine": machine(),
            "versions": numbers,
            "absent": missing,
            "results": [result.plain() for result in results],
        }
        out.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _measure(
    family: str, path: Path, convention: str | None, seconds: float, solvers: tuple[str, ...], runs: int
) -> list[Result]:
    """All runs on one instance; solvers take turns, so that a busy moment of the machine meets all of them."""
    facts = read_instance(family, path, convention).facts
    best = best_known(path, facts)
    results = []
    for seed in range(runs):
        for solver in solvers:
            result = Result(solver=solver, instance=facts.name, customers=len(facts.customers), seed=seed, best=best)
            try:
                found = solve_apart(solver, path, family=family, convention=convention, seconds=seconds, seed=seed)
            except CannotExpress as refusal:
                result = replace(result, reason=f"cannot express {refusal}")
            except RuntimeError as failure:
                result = replace(result, reason=f"failed: {str(failure).strip().splitlines()[-1]}")
            else:
                judged = check(facts, found.routes)
                result = replace(result, judged=judged, seconds=found.seconds, iterations=found.iterations)
            results.append(result)
    return results
