"""``python -m benchmarks growth``: what an iteration and the memory cost as problems grow."""

import json
import sys
from itertools import product
from typing import Final

import click
import numpy as np

from benchmarks.machine import machine, versions
from benchmarks.processes import run
from lastmile.cli import WholeNumbers
from lastmile.solvers.problem import RoutingProblem, RoutingProfile, RoutingVehicle, routing_problem
from lastmile.solvers.routing import Progress, Stop, solve

_SPACING_M: Final = 100.0  # between neighbours: the same whatever the size
_STRIP: Final = 8  # neighbours side by side on a strip
_LOADS: Final = (1, 3)  # of an order, from and to
_CAPACITY: Final = 20  # of a vehicle
_EQUALLY_FAR_M: Final = 1_500
_DAY_S: Final = 36_000
_METRES_PER_S: Final = 5


def town(orders: int, *, central: bool, timed: bool, seed: int) -> RoutingProblem:
    """Orders scattered over a square whose area grows with them; on request with windows.

    They are numbered along strips of the square, so that those with near numbers are near, as in a table of a city's
    addresses that is sorted by district and street. The depot is in the middle (``central``), where ways to it grow
    with the town, and with them what a round is like; or as far from all orders: then only the number of rounds grows.
    """
    random = np.random.default_rng(seed)
    side = _SPACING_M * np.sqrt(orders)
    scattered = random.uniform(0, side, (orders, 2))
    scattered = scattered[np.lexsort((scattered[:, 1], scattered[:, 0] // (_STRIP * _SPACING_M)))]
    at = np.vstack(([side / 2, side / 2], scattered)).astype(np.float32)
    metres = np.empty((orders + 1, orders + 1), dtype=np.int32)
    for row, place in enumerate(at):
        metres[row] = np.hypot(*(at - place).T)
    if not central:
        metres[0, 1:] = metres[1:, 0] = _EQUALLY_FAR_M
    # Tables of time would double the memory; a metre takes as long as a metre costs.
    opens = random.integers(0, _DAY_S // 2, orders) if timed else np.zeros(orders, dtype=np.int64)
    windows = np.column_stack((opens, opens + _DAY_S // 4 if timed else np.full(orders, _DAY_S))) * _METRES_PER_S
    return routing_problem(
        profiles=[RoutingProfile(duration_s=metres, distance_m=metres)],
        vehicles=[
            RoutingVehicle(
                count=orders, start=0, end=0, profile=0, capacity=np.array([_CAPACITY]),
                shift_s=(0, _DAY_S * _METRES_PER_S), fen_per_km=1000,
            )
        ],
        location=np.arange(1, orders + 1),
        delivery=random.integers(_LOADS[0], _LOADS[1] + 1, (orders, 1)),
        window_s=windows,
        window_option=np.arange(orders),
    )  # fmt: skip


def measure(orders: int, *, central: bool, timed: bool, seconds: float) -> dict[str, float]:
    """Search in this process: seconds until the search is under way, and iterations a second from then on."""
    problem = town(orders, central=central, timed=timed, seed=0)
    told: list[Progress] = []
    solve(problem, stop=Stop(seconds=seconds), reasons=False, on_progress=told.append)
    begun = next(progress for progress in told if progress.iterations > 0)
    last = told[-1]
    rate = (last.iterations - begun.iterations) / (last.seconds - begun.seconds)
    return {"begun_s": begun.seconds, "per_s": rate, "matrix_mb": problem.profiles[0].distance_m.nbytes / 2**20}


@click.command()
@click.option("--sizes", default="1000,5000,20000", show_default=True, type=WholeNumbers(), help="Orders, by commas.")
@click.option(
    "--time-limit",
    default=4.0,
    show_default=True,
    type=click.FloatRange(min=1),
    help="Seconds of each run for every thousand orders, a thousand at least.",
)
def growth(sizes: tuple[int, ...], time_limit: float) -> None:
    """Search ever larger made-up towns, a process each, and print iterations a second and memory as Markdown.

    Time grows with the orders: an iteration costs twice as much in a plan that is still poor as in a good one, so only
    runs that got equally far with each order tell what size costs.
    """
    click.echo(
        f"{time_limit:g} s for every thousand orders, one thread; {machine()}; "
        f"lastmile {versions(['lastmile'])['lastmile']}.\n"
    )
    click.echo("| depot | windows | orders | iterations/s | under way after, s | peak, MB | of it the table, MB |")
    click.echo("|---|---|--:|--:|--:|--:|--:|")
    for central, timed, size in product((False, True), (False, True), sizes):
        seconds = time_limit * max(1.0, size / 1_000)
        task = json.dumps({"orders": size, "central": central, "timed": timed, "seconds": seconds})
        done = run("-m", "benchmarks.routing.growth_command", task)
        said = done.said
        click.echo(
            f"| {'in the middle' if central else 'equally far'} | {'yes' if timed else 'no'} | {size:,} "
            f"| {said['per_s']:,.0f} | {said['begun_s']:.1f} | {done.peak_mb:,.0f} | {said['matrix_mb']:,.0f} |"
        )


if __name__ == "__main__":
    print(json.dumps(measure(**json.loads(sys.argv[1]))))
