"""``python -m benchmarks siting``: covering at the size of a city, its growth, and small problems beside spopt."""

import json
import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

import click

from benchmarks.chart import draw
from benchmarks.machine import machine, versions
from benchmarks.processes import run
from benchmarks.siting.city import Kind
from benchmarks.siting.covering import SITES_PER_OPEN, Case, Covered, measure
from lastmile.cli import WholeNumbers

_CITIES: Final = (
    Case(customers=50_000, sites=20_000, kinds=(Kind(reach_m=500, most=1_000),)),
    Case(customers=50_000, sites=20_000, kinds=(Kind(reach_m=300, most=3_000),)),
    # Lockers, stations and large stations: room for 1.2 times what the city brings.
    Case(
        customers=50_000,
        sites=20_000,
        kinds=(
            Kind(reach_m=300, most=1_500, capacity=150),
            Kind(reach_m=500, most=600, capacity=500),
            Kind(reach_m=800, most=100, capacity=1_200),
        ),
    ),
)
_GROWTH: Final = (1_000, 5_000, 20_000, 100_000)
_SMALL: Final = (100, 200, 400)

_limit = click.option(
    "--time-limit", default=60.0, show_default=True, type=click.FloatRange(min=1), help="Seconds of each run."
)
_seed = click.option("--seed", default=0, show_default=True, help="Of the search; the cities are always the same.")


@click.group()
def siting() -> None:
    """Measure siting: one thread, each run in a process of its own, results as Markdown."""


@siting.command()
@_limit
@_seed
def city(time_limit: float, seed: int) -> None:
    """Cover 50,000 customers from 20,000 candidates: 1,000 within 500 m, 3,000 within 300 m, three kinds with room."""
    _head(time_limit)
    click.echo(_table((case, measure(case, time_limit, seed)) for case in _CITIES))


def _candidates(default: tuple[int, ...]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    # Of fewer, none would open.
    return click.option(
        "--sizes",
        default=",".join(map(str, default)),
        show_default=True,
        type=WholeNumbers(least=SITES_PER_OPEN),
        help="Candidates, by commas.",
    )


@siting.command()
@_candidates(_GROWTH)
@_limit
@_seed
@click.option("--chart", type=click.Path(path_type=Path, dir_okay=False), help="Draw it as SVG.")
def growth(sizes: tuple[int, ...], time_limit: float, seed: int, chart: Path | None) -> None:
    """Cover ever larger cities within 500 m, a twentieth of the candidates open, 2.5 customers for each."""
    if chart and len(set(sizes)) < 2:
        raise click.UsageError("--chart needs two sizes at least")
    found = [(case, measure(case, time_limit, seed)) for case in map(Case.of, sizes)]
    _head(time_limit)
    click.echo(_table(found))
    if chart:
        panels = {
            "gap left, %": {"gap": [max(done.gap_percent, 0.01) for _, done in found]},
            "megabytes at most": {"all": [done.peak_mb for _, done in found]},
            "seconds until proven, or the limit": {"all": [max(done.seconds, 0.01) for _, done in found]},
        }
        draw(chart, across="candidates", sizes=sizes, panels=panels)


@siting.command()
@click.argument("paths", nargs=-1, type=click.Path(exists=True, path_type=Path, dir_okay=False))
@_candidates(_SMALL)
@_limit
def peers(paths: tuple[Path, ...], sizes: tuple[int, ...], time_limit: float) -> None:
    """Prove small problems beside spopt with HiGHS: coverings as of the growth, and the p-median files PATHS.

    The time limit is lastmile's; the peer has none.
    """
    if versions(["spopt"])["spopt"] == "absent":
        raise click.ClickException("spopt is not installed; pip install -e .[bench] brings it")
    found = run("-m", "benchmarks.siting.beside_spopt", str(time_limit), json.dumps(sizes), *map(str, paths)).said
    packages = versions(["lastmile", "spopt", "highspy"])
    click.echo(f"{machine()}; {', '.join(f'{name} {version}' for name, version in packages.items())}.\n")
    click.echo("| problem | optimum | lastmile, s | spopt, s | times |\n|---|--:|--:|--:|--:|")
    for one in found:
        same = math.isclose(one["cost"], one["peer_cost"], rel_tol=1e-6)
        cost = f"{one['cost']:,.10g}" if same else f"{one['cost']:,.10g}, spopt {one['peer_cost']:,.10g}"
        times = one["peer_seconds"] / one["seconds"]
        click.echo(f"| {one['name']} | {cost} | {one['seconds']:.2f} | {one['peer_seconds']:.2f} | {times:,.0f} |")


def _head(time_limit: float) -> None:
    click.echo(f"{time_limit:g} s each; {machine()}; lastmile {versions(['lastmile'])['lastmile']}.\n")


def _table(found: Iterable[tuple[Case, Covered]]) -> str:
    lines = [
        "| customers | candidates | reach, m | open | each holds | pairs | greedy | covered | at most | gap "
        "| within 2 %, s | iterations | peak, MB |",
        "|" + "--:|" * 13,
    ]
    for case, done in found:
        near = "–" if done.near_s is None else f"{done.near_s:.0f}"
        kinds = zip(*((f"{kind.reach_m:g}", f"{kind.most:,}", _holds(kind)) for kind in case.kinds), strict=True)
        lines.append(
            f"| {case.customers:,} | {case.sites:,} | {' | '.join(' / '.join(each) for each in kinds)} "
            f"| {done.pairs:,} "
            f"| {done.greedy:.2%} | {done.share:.2%} | {done.bound:.2%} | {done.gap_percent:.2f} % | {near} "
            f"| {done.iterations:,} | {done.peak_mb:,.0f} |"
        )
    return "\n".join(lines)


def _holds(kind: Kind) -> str:
    return "any" if kind.capacity is None else f"{kind.capacity:,g}"
