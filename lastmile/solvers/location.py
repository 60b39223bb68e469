"""Facility location with a proven bound: which sites to open so that opening and serving cost least.

With y_j open, x_ij the share of customer i that site j serves and z_i the share that none does, over given pairs::

    min  sum f_j y_j + sum c_ij x_ij + sum r_i z_i
    s.t. sum_j x_ij + z_i = 1;  x_ij <= y_j;  sum_j y_j <= p;  sum_i a_i x_ij <= k_j y_j where there are capacities

One model for the p-median problem [1]_, simple plant location [2]_, capacitated facility location with split sourcing
and maximal covering [3]_ (pairs within reach at no cost, r_i the customer's weight). Ruin and recreate finds plans, a
Lagrangian dual bounds them, and both take turns until they meet, or until what the bound leaves undecided is small
enough for HiGHS.

References
----------
.. [1] Hakimi (1964). Optimum locations of switching centers. Operations Research 12(3). doi:10.1287/opre.12.3.450
.. [2] Krarup, Pruzan (1983). The simple plant location problem. European Journal of Operational Research 12(1).
       doi:10.1016/0377-2217(83)90181-9
.. [3] Church, ReVelle (1974). The maximal covering location problem. doi:10.1007/BF01942293
"""

import time
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lastmile import _core
from lastmile.solvers.location_problem import LocationProblem, LocationProgress, LocationSolution
from lastmile.solvers.location_rest import Answer, Rest, undecided
from lastmile.solvers.location_rest import solve as solve_rest

_ITERATIONS: Final = 2_000  # of the search, in the first turn; each turn has twice as many as the one before
_STEPS: Final = 200  # of the bound, the same way
_STRIDE: Final = 20  # of them between two looks
_REST_PAIRS: Final = 25_000  # left undecided that HiGHS is given in the first turn; twice as many in each turn
_MOST_REST_PAIRS: Final = 400_000
_ABOVE: Final = 0.05  # share by which a plan is taken to be above the bound as long as none is known
_EXACT_SUM: Final = 2.0**52  # of all costs as whole numbers: doubles hold it
_NOTHING: Final = 1e-9  # of a customer: a share that is rounding
_MEET: Final = 1e-9  # share of the cost within which cost and bound are the same

_Flows = tuple[NDArray[np.int64], NDArray[np.float64]]  # pairs, and the share of the customer that each serves


def locate(
    problem: LocationProblem,
    *,
    seconds: float,
    gap: float = 0.0,
    seed: int = 0,
    start: Sequence[int] = (),
    on_progress: Callable[[LocationProgress], None] | None = None,
) -> LocationSolution:
    """Choose the sites to open.

    Parameters
    ----------
    seconds
        Ceiling.
    gap
        Difference of cost and bound, in the unit of the costs, at which to stop.
    start
        Sites to begin with, besides those that stand; the plan is never worse than theirs.

    Raises
    ------
    ValueError
        When ``start`` names sites that do not exist or are more than may be open, or is given with capacities: nothing
        begins from a plan there.
    """
    if problem.capacity is not None and len(start):
        raise ValueError("start: where sites have capacities, nothing begins from a plan")
    run = _Run(problem, seconds, seed, start)
    while not run.done(gap):
        run.turn()
        if on_progress is not None:
            on_progress(run.progress())
    return run.solution(gap)


class _Run:
    """Search and bound of one problem, in turns that double."""

    def __init__(self, problem: LocationProblem, seconds: float, seed: int, start: Sequence[int]) -> None:
        self.problem = problem
        self.begun = time.perf_counter()
        self.seconds = seconds
        finite = np.isfinite(problem.unserved)
        dearest = np.zeros(len(problem.unserved))
        np.maximum.at(dearest, problem.pair_customer, problem.pair_cost)
        # Whoever must be served costs more unserved than any plan could save by that.
        must = float(dearest.sum() + problem.opening.sum()) + 1.0 if problem.most is not None else 0.0
        price = np.where(finite, problem.unserved, np.maximum(must, dearest + problem.opening.max(initial=0.0) + 1.0))
        total = float(problem.opening.sum() + price.sum())
        whole = (np.concatenate((problem.opening, problem.pair_cost, problem.unserved[finite])) % 1 == 0).all()
        # What capacities split costs parts of whole numbers.
        self.integral = bool(whole) and total < _EXACT_SUM and problem.capacity is None
        self.unit = 1.0 if self.integral else 2.0 ** np.floor(np.log2(_EXACT_SUM / max(total, 1.0)))
        # Whole numbers may be off by half a unit for each cost of a plan.
        self.rounding = 0.0 if self.integral else (len(problem.opening) + len(problem.unserved)) / 2 / self.unit
        empty = np.empty(0)
        location = _core.Location(
            site=problem.pair_site,
            customer=problem.pair_customer,
            cost=self._whole(problem.pair_cost),
            opening=self._whole(problem.opening),
            unserved=self._whole(price),
            standing=np.zeros(len(problem.opening), np.uint8)
            if problem.standing is None
            else problem.standing.astype(np.uint8),
            capacity=empty if problem.capacity is None else problem.capacity,
            amount=empty if problem.amount is None else problem.amount,
            most=-1 if problem.most is None else problem.most,
        )
        self.search = None if problem.capacity is not None else _core.LocationSearch(location, seed)
        self.dual = _core.LocationBound(location)
        self.sites: NDArray[np.int32] = np.empty(0, dtype=np.int32)
        self.flows: _Flows = (np.empty(0, dtype=np.int64), np.empty(0))
        self.cost = np.inf
        self.bound = 0.0
        self.iterations = 0
        self.turns = 0
        self.pace = 0.0  # seconds that an iteration took
        if self.search is not None:
            self.search.start(np.asarray(start, dtype=np.int32))
            self._adopt(self.search.sites)
        self._look()

    def _whole(self, costs: NDArray[np.float64]) -> NDArray[np.int64]:
        return np.rint(costs * self.unit).astype(np.int64)

    def elapsed(self) -> float:
        return time.perf_counter() - self.begun

    def done(self, gap: float) -> bool:
        return self.met(gap) or self.elapsed() >= self.seconds

    def met(self, gap: float = 0.0) -> bool:
        if np.isinf(self.cost):
            return bool(np.isinf(self.bound))  # no plan serves whom it must
        return bool(self.cost - self.bound <= max(gap, _MEET * abs(self.cost), 2 * self.rounding))

    def turn(self) -> None:
        """Search, bound, and solve what is left undecided if it is small."""
        times = 2**self.turns
        self.turns += 1
        begun = self.elapsed()
        if self.search is not None:
            count = _ITERATIONS * times
            if self.pace > 0:
                count = max(1, min(count, int((self.seconds - begun) / 2 / self.pace)))
            self.search.run(count)
            self.pace = (self.elapsed() - begun) / count
            self.iterations += count
            self._adopt(self.search.sites)
        until = 2 * self.elapsed() - begun  # at least as long as the search took
        steps = 0
        while (steps < _STEPS * times or self.elapsed() < until) and not self.done(0.0):
            aim = self.cost if np.isfinite(self.cost) else self.bound * (1 + _ABOVE) + 1.0
            self.dual.run(_STRIDE, int(np.ceil(aim * self.unit)))
            self._look()
            steps += _STRIDE
            if self.search is None and steps % (_STEPS // 2) == 0:
                self._open_chosen()
        if not self.done(0.0):
            self._finish(min(_REST_PAIRS * times, _MOST_REST_PAIRS))

    def _open_chosen(self) -> None:
        """With capacities: the sites that the bound opens, and the cheapest flows from them."""
        if_open, if_closed = self.dual.forced()
        chosen = np.flatnonzero(if_open <= if_closed).astype(np.int32)
        rest = Rest(
            site=chosen,
            fixed=np.ones(len(chosen), dtype=bool),
            pair=np.flatnonzero(np.isin(self.problem.pair_site, chosen)),
        )
        self._take_answer(rest, solve_rest(self.problem, rest, self.seconds - self.elapsed()))

    def _look(self) -> None:
        """Take the bound over; rounding of costs may have made it too great by half a unit for each of them."""
        bound = self.dual.bound / self.unit - self.rounding
        if self.integral:
            bound = np.ceil(bound - 1e-6)
        self.bound = min(max(self.bound, bound), self.cost)

    def _adopt(self, sites: NDArray[np.int32]) -> None:
        """Take a plan over if it is better; without capacities all go to the cheapest open site."""
        self._take(sites, _cheapest(self.problem, sites))

    def _take(self, sites: NDArray[np.int32], flows: _Flows) -> None:
        pair, share = flows
        served = np.zeros(len(self.problem.unserved))
        np.add.at(served, self.problem.pair_customer[pair], share)
        missing = 1 - served > 1e-6
        cost = float(
            self.problem.opening[sites].sum()
            + (self.problem.pair_cost[pair] * share).sum()
            + self.problem.unserved[missing].sum()
        )
        if cost < self.cost:
            self.sites, self.flows, self.cost = np.sort(sites), flows, cost

    def _finish(self, most: int) -> None:
        """Solve what plans better than the best one leave undecided, if that is not more than so many pairs."""
        # Of whole numbers, what is better than a plan is so by one.
        better = self.cost - 1 if self.integral else self.cost
        if_open, if_closed = self.dual.forced()
        rest = undecided(
            self.problem,
            if_open=if_open / self.unit,
            if_closed=if_closed / self.unit,
            price=self.dual.prices / self.unit,
            bound=self.dual.bound / self.unit,
            limit=better * (1 + _MEET),
        )
        if len(rest.pair) > most:
            return
        answer = solve_rest(self.problem, rest, min(self.seconds - self.elapsed(), max(1.0, self.elapsed())))
        limit = self.cost  # what was left out costs at least as much
        self._take_answer(rest, answer)
        self.bound = min(max(self.bound, min(answer.bound, limit)), self.cost)

    def _take_answer(self, rest: Rest, answer: Answer) -> None:
        if answer.share is None:
            return
        if self.problem.capacity is None:
            self._adopt(answer.sites)
            return
        flowing = np.flatnonzero(answer.share > _NOTHING)
        self._take(answer.sites, (rest.pair[flowing], answer.share[flowing]))

    def progress(self) -> LocationProgress:
        return LocationProgress(seconds=self.elapsed(), iterations=self.iterations, cost=self.cost, bound=self.bound)

    def solution(self, gap: float) -> LocationSolution:
        pair, share = self.flows
        return LocationSolution(
            sites=self.sites,
            served_by=self.problem.pair_site[pair],
            served_customer=self.problem.pair_customer[pair],
            served_share=share,
            cost=self.cost,
            bound=self.bound,
            iterations=self.iterations,
            stopped="optimal" if self.met() else "gap" if self.met(gap) else "limit",
        )


def _cheapest(problem: LocationProblem, sites: NDArray[np.int32]) -> _Flows:
    """Pairs in which open sites serve, each customer whole and by the cheapest, and their shares."""
    customer = problem.pair_customer
    pair = np.flatnonzero(np.isin(problem.pair_site, sites) & (problem.pair_cost < problem.unserved[customer]))
    order = pair[np.lexsort((problem.pair_site[pair], problem.pair_cost[pair], customer[pair]))]
    first = np.ones(len(order), dtype=bool)
    first[1:] = customer[order][1:] != customer[order][:-1]
    chosen = order[first]
    return chosen, np.ones(len(chosen))
