"""Better plans of a large location problem by solving it anew in one region at a time.

All that is open elsewhere stays, so that a region is a small problem with as many sites to open as it has now: its
customers have what serves them from elsewhere to fall back on. It is solved with proof where that is quick. Regions
overlap, and get larger once passes over all of them gain little.

Taillard & Voss (2002). POPMUSIC: partial optimization metaheuristic under special intensification conditions.
doi:10.1007/978-1-4615-1507-4_27
"""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from lastmile.solvers.location_order import Order
from lastmile.solvers.location_problem import LocationProblem, LocationSolution

_SITES: Final = 300  # of the first regions
MOST_SITES: Final = 1_200
_GROWTH: Final = 1.5
_PASS: Final = 2.0  # how often a pass goes over every site, on average
_LITTLE: Final = 0.05  # share of the gap: a pass that gains less is followed by larger regions
_SECONDS_A_SITE: Final = 0.001  # for a region, at most

Solve = Callable[[LocationProblem, float, list[int], Order], LocationSolution]
"""Solves a problem within seconds, from sites to begin with, which it is numbered by as it is."""


class Regions:
    """A plan, and what of it was solved anew how long ago.

    Parameters
    ----------
    problem
        Without capacities; near sites have near numbers, and sites of a kind lie together.
    solve
        Solves a region's problem; no worse than what it begins with.
    """

    def __init__(self, problem: LocationProblem, *, seed: int, solve: Solve) -> None:
        count, customers = len(problem.opening), len(problem.unserved)
        self.problem = problem
        self.solve = solve
        self.random = np.random.default_rng(seed)
        pairs = (problem.pair_cost, (problem.pair_site, problem.pair_customer))
        self.of_site = csr_array(pairs, shape=(count, customers))
        self.of_customer = self.of_site.T.tocsr()
        self.is_open = np.zeros(count, dtype=bool)
        self.size = _SITES
        self.visited = np.zeros(count, dtype=np.int64)  # by site: how many regions it was in
        self.passed = 0  # sites of the regions of this pass
        self.gained = 0.0  # in this pass

    def begin(self, sites: NDArray[np.int32]) -> None:
        """Go on from the plan with these sites open."""
        self.is_open[:] = False
        self.is_open[sites] = True

    @property
    def sites(self) -> NDArray[np.int32]:
        """Those of the plan."""
        return np.flatnonzero(self.is_open).astype(np.int32)

    def improve(self, gap: float, seconds: float) -> None:
        """Solve one region anew; ``gap`` is what the whole plan is above its bound."""
        region = self._around(self._least_visited())
        self.visited[region] += 1
        self.passed += len(region)
        self.gained += self.renew(region, min(seconds, _SECONDS_A_SITE * len(region)))
        if self.passed >= _PASS * len(self.is_open):
            if self.gained < _LITTLE * gap:
                self.size = min(int(self.size * _GROWTH), MOST_SITES)
            self.passed, self.gained = 0, 0.0

    def _least_visited(self) -> int:
        return int(self.random.choice(np.flatnonzero(self.visited == self.visited.min())))

    def _around(self, centre: int) -> NDArray[np.int64]:
        """As many sites as a region has, in steps from one to those that share customers with it."""
        found = np.array([centre])
        is_found = np.zeros(len(self.is_open), dtype=bool)
        is_found[centre] = True
        ring = found
        while len(found) < self.size:
            customers = np.unique(self.of_site[ring].indices)
            ring = np.unique(self.of_customer[customers].indices)
            ring = ring[~is_found[ring]]
            if not len(ring):
                break
            is_found[ring] = True
            found = np.concatenate((found, ring))
        return np.sort(found[: self.size])

    def renew(self, region: NDArray[np.int64], seconds: float) -> float:
        """Solve these sites anew, in ascending order; returns what the plan costs less for it."""
        problem = self.problem
        pairs = self.of_site[region].tocoo()
        site, cost = pairs.row, pairs.data
        customers, number = np.unique(pairs.col, return_inverse=True)
        elsewhere = self._fallback(customers, region)
        useful = cost < elsewhere[number]
        is_open = self.is_open[region]
        kinds = problem.kinds()
        open_now = np.bincount(kinds[self.is_open], minlength=len(problem.limits()))
        inside = np.bincount(kinds[region[is_open]], minlength=len(problem.limits()))
        part = LocationProblem(
            opening=problem.opening[region],
            unserved=elsewhere,
            pair_site=site[useful].astype(np.int32),
            pair_customer=number[useful].astype(np.int32),
            pair_cost=cost[useful],
            kind=kinds[region],
            most=tuple(int(most) for most in np.minimum(problem.limits() - open_now + inside, len(region))),
            standing=problem.stands()[region],
        )
        best = np.full(len(customers), np.inf)
        serving = useful & is_open[site]
        np.minimum.at(best, number[serving], cost[serving])
        before = float(problem.opening[region[is_open]].sum() + np.minimum(best, elsewhere).sum())
        order = Order(np.arange(len(region), dtype=np.int32), np.arange(len(customers), dtype=np.int32))
        solution = self.solve(part, seconds, np.flatnonzero(is_open).tolist(), order)
        if not solution.cost < before:
            return 0.0
        self.is_open[region] = False
        self.is_open[region[solution.sites]] = True
        return before - solution.cost if np.isfinite(before) else 0.0

    def _fallback(self, customers: NDArray[np.int32], region: NDArray[np.int64]) -> NDArray[np.float64]:
        """What these customers cost at least without the sites of a region."""
        among = np.zeros(len(self.is_open), dtype=bool)
        among[region] = True
        near = self.of_customer[customers]
        cost = np.where(self.is_open[near.indices] & ~among[near.indices], near.data, np.inf)
        # Each of these customers has a pair at least, so no part is empty.
        least = np.minimum.reduceat(cost, near.indptr[:-1]) if len(customers) else cost
        return np.minimum(least, self.problem.unserved[customers])
