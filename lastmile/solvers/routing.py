"""Vehicle routing by ruin and recreate: the face of the compiled search.

The method is slack induction by string removals [1]_ with a granular local search [2]_ under simulated annealing. Every
change of a trip is judged first by bounds that take constant time and, where a problem has rules beyond loads, single
windows and limits, by an exact evaluation of that one trip: the only place that knows such rules. At the end tours of
several good plans are put together by set partitioning.

References
----------
.. [1] Christiaens, Vanden Berghe (2020). Slack induction by string removals for vehicle routing problems.
       Transportation Science 54(2). doi:10.1287/trsc.2019.0914
.. [2] Toth, Vigo (2003). The granular tabu search and its application to the vehicle-routing problem. INFORMS Journal
       on Computing 15(4). doi:10.1287/ijoc.15.4.333.24890
"""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from lastmile.solvers.compiled import MONEY_PER_FEN, Compiled, Objective, compiled
from lastmile.solvers.judging import round_of
from lastmile.solvers.problem import Cost, Round, RoutingProblem, RoutingSolution, Tour
from lastmile.solvers.reasons import explain
from lastmile.solvers.referee import Infeasible, evaluate
from lastmile.solvers.referee.rounds import charges, timeless
from lastmile.solvers.set_partitioning import recombine

__all__ = ["Objective", "Progress", "Stop", "solve"]

_RECOMBINING: Final = 0.03  # share of the time that is kept for it


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """When to stop: at the first limit that is reached. With iterations alone, the same call gives the same plan."""

    seconds: float | None = None
    iterations: int | None = None

    def __post_init__(self) -> None:
        if self.seconds is None and self.iterations is None:
            raise ValueError("stop: give seconds, iterations or both")
        if self.seconds is not None and not (np.isfinite(self.seconds) and self.seconds > 0):
            raise ValueError(f"stop: seconds must be above 0, they are {self.seconds}")
        if self.iterations is not None and self.iterations < 1:
            raise ValueError(f"stop: iterations must be above 0, they are {self.iterations}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How a search stands: its best plan so far, with cost weighted by the objective."""

    seconds: float
    iterations: int
    best_fen: float
    vehicles: int
    unserved: int


def solve(
    problem: RoutingProblem,
    *,
    stop: Stop,
    seed: int = 0,
    threads: int = 1,
    objective: Objective | None = None,
    start: Sequence[Tour] = (),
    on_progress: Callable[[Progress], None] | None = None,
    trace: bool = False,
    reasons: bool = True,
) -> RoutingSolution:
    """Find rounds of low cost.

    Parameters
    ----------
    stop
        Where iterations are limited the search cools down with them and the clock only cuts it short; else it cools
        down with the clock, and 3 % of the time are kept for set partitioning.
    seed, threads
        The same seed, iterations and threads give the same plan. Threads search side by side and exchange their best.
    objective
        Weights of the parts of the cost. What must be served comes before all of them.
    start
        Tours to begin with; the result is never worse by the objective. Their locked visits stay where they are.
    on_progress
        Called several times a second from the thread that called this.
    trace
        Whether to keep the best cost over time.
    reasons
        Whether to find out why orders are left out; that takes up to a tenth of a second per order.

    Returns
    -------
    RoutingSolution
        After Ctrl-C the best so far, with ``stopped`` "interrupted".

    Raises
    ------
    ValueError
        When a tour of ``start`` breaks a rule, or the numbers are so great that sums exceed 64 bits.
    """
    objective = objective or Objective()
    if not 1 <= threads <= 256:
        raise ValueError(f"threads must be within 1..256, they are {threads}")
    if not 0 <= seed < 2**63:
        raise ValueError(f"seed must be within 0..2^63-1, it is {seed}")
    _check_start(problem, start)
    began = time.perf_counter()
    core = compiled(problem, objective)
    built = time.perf_counter()
    traced: list[tuple[float, int, float]] = []

    def poll(seconds: float, iterations: int, money: int, vehicles: int, unserved: int) -> bool:
        fen = money / MONEY_PER_FEN
        if trace and (not traced or fen < traced[-1][2]):
            traced.append((seconds, iterations, fen))
        try:
            if on_progress is not None:
                on_progress(
                    Progress(seconds=seconds, iterations=iterations, best_fen=fen, vehicles=vehicles, unserved=unserved)
                )
        except KeyboardInterrupt:
            return False
        return True

    tours: Sequence[Tour] = ()
    iterations = 0
    stopped: Literal["iterations", "time", "interrupted", "nothing to solve"] = "nothing to solve"
    searched = built
    if problem.orders and any(vehicle.count for vehicle in problem.vehicles):
        found = core.solve(
            seconds=(1 - _RECOMBINING) * (stop.seconds or 0.0),
            iterations=stop.iterations or 0,
            seed=seed,
            threads=threads,
            fewest_vehicles=objective.fewest_vehicles,
            start=start,
            poll=poll,
        )
        tours, iterations, stopped = [tour for tour, _ in found.tours], found.iterations, found.stopped
        searched = time.perf_counter()
        try:
            if stopped != "interrupted":
                left_s = None if stop.seconds is None else stop.seconds - (searched - built)
                better = recombine(problem, core, found, seconds=left_s)
                if better is not None:
                    tours = better.tours
                    now = time.perf_counter() - built
                    poll(now, iterations, better.money, len(tours), better.unserved)
        except KeyboardInterrupt:
            stopped = "interrupted"
    recombined = time.perf_counter()
    rounds = tuple(_driven(problem, core, tour) for tour in tours)
    left = _left_out(problem, rounds)
    blocked = tuple(explain(problem, order, rounds) for order in left) if reasons else ()
    return RoutingSolution(
        rounds=rounds,
        blocked=blocked,
        cost=_total(problem, rounds, left),
        stopped=stopped,
        iterations=iterations,
        phases_s={
            "build": built - began,
            "search": searched - built,
            "recombine": recombined - searched,
            "explain": time.perf_counter() - recombined,
        },
        trace=tuple(traced),
    )


def _check_start(problem: RoutingProblem, start: Sequence[Tour]) -> None:
    used: Counter[int] = Counter()
    for index, tour in enumerate(start):
        # What charges on its way is judged by the core alone: its twin is for toys.
        found = timeless(problem, tour) if charges(problem, tour) else evaluate(problem, tour)
        if isinstance(found, Infeasible):
            raise ValueError(f"start: tour {index} breaks a rule: {found.words}")
        used[tour.vehicle] += 1
    for kind, number in used.items():
        if number > problem.vehicles[kind].count:
            raise ValueError(f"start: {number} vehicles of type {kind}, there are {problem.vehicles[kind].count}")
    served = Counter(int(problem.option_order[option]) for tour in start for trip in tour.trips for option in trip)
    for order, times in served.items():
        if times > 1:
            raise ValueError(f"start: order {order} is served {times} times")


def _driven(problem: RoutingProblem, core: Compiled, tour: Tour) -> Round:
    found = round_of(problem, core, tour)
    # Over all ways to charge another schedule may be chosen than the search's: one of those that keep every limit, and
    # the search's is among them.
    if found is None:
        raise AssertionError(f"the search returned a tour that breaks a rule: {tour}")
    return found


def _left_out(problem: RoutingProblem, rounds: Sequence[Round]) -> list[int]:
    """Orders that nobody serves, but for those of a group of which another is served."""
    served = {int(problem.option_order[option]) for found in rounds for option in found.options}
    settled = set(served)
    for group in problem.groups:
        if not served.isdisjoint(group.orders):
            settled.update(group.orders)
    return [order for order in range(problem.orders) if order not in settled]


def _total(problem: RoutingProblem, rounds: Sequence[Round], left: Sequence[int]) -> Cost:
    parts: Mapping[str, float] = {
        name: sum(getattr(found.cost, name) for found in rounds)
        for name in ("fixed", "distance", "duration", "overtime", "options")
    }
    missing = set(left)
    unserved = 0
    for group in problem.groups:
        if not missing.isdisjoint(group.orders):
            unserved += max(group.price_fen, 0)
            missing.difference_update(group.orders)
    unserved += sum(max(int(problem.price_fen[order]), 0) for order in missing)
    return Cost(unserved=float(unserved), **parts)
