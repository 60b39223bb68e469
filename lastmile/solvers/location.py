"""Facility location with a proven bound: which sites to open so that opening and serving cost least.

With y_j open, x_ij the share of customer i that site j serves and z_i the share that none does, over given pairs::

    min  sum f_j y_j + sum c_ij x_ij + sum r_i z_i
    s.t. sum_j x_ij + z_i = 1;  x_ij <= y_j;  sum of y_j of kind h <= p_h;  sum_i a_i x_ij <= k_j y_j with capacities

One model for the p-median problem [1]_, simple plant location [2]_, capacitated facility location with split sourcing
and maximal covering [3]_ (pairs within reach at no cost, r_i the customer's weight), with capacities too [4]_. Ruin and
recreate finds plans, a Lagrangian dual bounds them, and both take turns until they meet, or until what the bound leaves
undecided is small enough for branch and bound. Coverings have a search of their own, by swaps. Small ones branch at
once on their linear relaxation; large ones are bounded by it with cuts, improved by solving such small ones, a region
at a time, and branch beside that on what cuts leave undecided, if that is little. Where sites have capacities, HiGHS
finds plans on the sites that the bound likes best; alone where all must be served, as ruin and recreate knows no plan
before all are.

References
----------
.. [1] Hakimi (1964). Optimum locations of switching centers. Operations Research 12(3). doi:10.1287/opre.12.3.450
.. [2] Krarup, Pruzan (1983). The simple plant location problem. European Journal of Operational Research 12(1).
       doi:10.1016/0377-2217(83)90181-9
.. [3] Church, ReVelle (1974). The maximal covering location problem. doi:10.1007/BF01942293
.. [4] Current, Storbeck (1988). Capacitated covering models. doi:10.1068/b150153
"""

import time
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lastmile import _core
from lastmile.solvers import location_flow, location_relaxation
from lastmile.solvers.location_covering import CoveringBound, CoveringTree, is_covering
from lastmile.solvers.location_order import Order
from lastmile.solvers.location_part import Answer, Part, undecided
from lastmile.solvers.location_part import solve as solve_part
from lastmile.solvers.location_problem import LocationProblem, LocationProgress, LocationSolution
from lastmile.solvers.location_regions import MOST_SITES, Regions
from lastmile.solvers.location_search import TOLD_S, Clock, Search
from lastmile.solvers.location_tree import Tree

_ITERATIONS: Final = 200  # of the search, in the first turn; each turn has twice as many as the one before
_STEPS: Final = 200  # of the bound, the same way
_STRIDE: Final = 20  # of them between two looks
_PART_PAIRS: Final = 25_000  # that HiGHS is given in the first turn; twice as many in each turn
_MOST_PART_PAIRS: Final = 400_000
_TREE_SITES: Final = 500  # left undecided, for branch and bound to begin
_COVERING_TREE_SITES: Final = 2_000  # the same in a large covering
_NODES: Final = 100  # of it, in the first turn; twice as many in each turn
_COVERING_PAIRS: Final = 100_000  # of a covering problem for which branch and bound begins at once
_SHORT_TURNS: Final = 4  # of the search, before what is long is begun
_BEFORE_REGIONS: Final = 3  # turns of the search over the whole of a large covering problem
_COOLED: Final = (0.1, 0.85)  # shares of the time left, for two more coolings over the whole ahead of them
_COVERING_ITERATIONS: Final = 100  # of the search beside it, in the first turn; twice as many in each turn
_ACCURACY: Final = 0.05  # of the linear relaxation, in gaps of cost and bound
_FINEST, _COARSEST = 1e-6, 1e-3  # share of the cost
_STALLED: Final = 0.01  # share of the gap: a bound that so many steps raise by no more is near its best
_CORE: Final = 2.0  # sites of the first core, in numbers of those that the bound opens
_CORE_GROWTH: Final = 1.3  # from turn to turn
_CORE_PRICE: Final = 1.1  # share of a customer's price that a pair of the core costs at most
_ABOVE: Final = 0.05  # share by which a plan is taken to be above the bound as long as none is known
_EXACT_SUM: Final = 2.0**52  # of all costs as whole numbers: doubles hold it
_NOTHING: Final = 1e-9  # of a customer: a share that is rounding
_WHOLE: Final = 1e-6  # of whole numbers: what is rounding
_MEET: Final = 1e-9  # share of the cost within which cost and bound are the same

_Flows = tuple[NDArray[np.int64], NDArray[np.float64]]  # pairs, and the share of the customer that each serves


def locate(
    problem: LocationProblem,
    *,
    seconds: float,
    gap: float = 0.0,
    seed: int = 0,
    start: Sequence[int] = (),
    order: Order | None = None,
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
    order
        Of a problem with the same pairs and kinds, where several are solved; None: it is found.

    Raises
    ------
    ValueError
        When ``start`` names sites that do not exist or are more than may be open, or is given where sites have
        capacities and all must be served: nothing begins from a plan there.
    """
    if problem.must_hold_everyone() and len(start):
        raise ValueError("start: where sites have capacities and all must be served, nothing begins from a plan")
    begun = time.perf_counter()
    wrong = [site for site in start if not 0 <= site < len(problem.opening)]
    if wrong:
        raise ValueError(f"start: it opens site {wrong[0]}, there are {len(problem.opening)}")
    order = order or Order.of(problem)
    run = _Run(
        order.renumber(problem), Clock(begun, seconds), seed, order.new(np.asarray(start, dtype=np.int32)), on_progress
    )
    while not run.done(gap):
        run.turn()
        run.tell()
    return order.restore(run.solution(gap))


class _Run:
    """Search and bound of one problem, in turns that double."""

    def __init__(
        self,
        problem: LocationProblem,
        clock: Clock,
        seed: int,
        start: NDArray[np.int32],
        on_progress: Callable[[LocationProgress], None] | None,
    ) -> None:
        self.problem = problem
        self.clock = clock
        self.on_progress = on_progress
        finite = np.isfinite(problem.unserved)
        dearest = problem.dearest()
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
            standing=problem.stands().astype(np.uint8),
            capacity=empty if problem.capacity is None else problem.capacity,
            amount=empty if problem.amount is None else problem.amount,
            everyone=problem.must_hold_everyone(),
            kind=problem.kinds(),
            most=np.minimum(problem.limits(), len(problem.opening)).astype(np.int32),
        )
        self.dual = _core.LocationBound(location)
        self.location = location
        self.relaxed = False
        self.seed = seed
        self.regions: Regions | None = None
        self.covers = is_covering(problem, dearest)
        self.search: Search | None = None
        if not problem.must_hold_everyone():
            self.search = Search(location, seed, start, self.clock, covers=self.covers)
        # What must be served would outweigh all else.
        large = self.covers and len(problem.pair_site) > _COVERING_PAIRS and bool(finite.all())
        self.cuts = CoveringBound(location) if large else None
        self.tree: Tree | CoveringTree | None = None
        self.sites: NDArray[np.int32] = np.empty(0, dtype=np.int32)
        self.flows: _Flows = (np.empty(0, dtype=np.int64), np.empty(0))
        self.taken = np.inf  # what these sites and flows cost
        self.cost = np.inf  # no more than that: of a plan of the search, flows are not known yet
        self.bound = 0.0
        self.told = 0.0  # seconds
        self.turns = 0
        self.bounding = 0.0  # seconds that bound, and branches, took in the last turn
        if self.search is not None and problem.capacity is not None:
            # At the whole price every site that gets full is worth the same, and steps from there lead nowhere.
            open_now = np.isin(problem.pair_site, self.search.sites)
            near = np.bincount(problem.pair_customer[open_now], minlength=len(price))
            self.dual.decide(np.zeros(len(problem.opening), dtype=np.int8), self._whole(price) / (1.0 + near))
            now = self.clock.elapsed()
            self._adopt(self.search.sites)
            self.clock.seconds -= self.clock.elapsed() - now  # the last plan's flows take as long
        self._follow()
        self._look()

    def _whole(self, costs: NDArray[np.float64]) -> NDArray[np.int64]:
        return np.rint(costs * self.unit).astype(np.int64)

    def done(self, gap: float) -> bool:
        return self.met(gap) or self.clock.left() <= 0

    def met(self, gap: float = 0.0) -> bool:
        if np.isinf(self.cost):
            return bool(np.isinf(self.bound))  # no plan serves whom it must
        return bool(self.cost - self.bound <= max(gap, _MEET * abs(self.cost), 2 * self.rounding))

    def turn(self) -> None:
        """Search; bound, or branch where little is left undecided; with capacities, solve what the bound likes best."""
        times = 2**self.turns
        self.turns += 1
        if self.covers and len(self.problem.pair_site) <= _COVERING_PAIRS and np.isfinite(self.cost):
            self._cover(times)
            return
        begun = self.clock.elapsed()
        if self.search is not None:
            self._search(self.search, times)
            self._follow()
        now = self.clock.elapsed()
        until = 2 * now - begun  # at least as long as the search took
        stalled = self.tree is None and not self.relaxed and self._raise_by(_STEPS * times, until)
        self.bounding = self.clock.elapsed() - now
        most = min(_PART_PAIRS * times, _MOST_PART_PAIRS)
        if self.search is None and not self.done(0.0):
            self._solve_core(_CORE * _CORE_GROWTH ** (self.turns - 1), most)
        if np.isinf(self.cost):
            self._solve_all(most)
        if np.isinf(self.cost):
            return
        if stalled or self.relaxed:
            self._plant()
        if self.tree is not None:
            # Beside a large covering's search branches get as long as that.
            self._branch(_NODES * times if self.cuts is None else 1, until)
            if not self.covers:
                self._finish(most)
                self.bounding = self.clock.elapsed() - now
        # A bound is often at its best before the search has looked far.
        if stalled and self.search is not None and self.turns > _SHORT_TURNS and not self.done(0.0):
            self.relaxed = True
            if self.problem.capacity is None and self.cuts is None and self.tree is None:
                self._relax()
                self._plant()

    def _search(self, search: Search, times: int) -> None:
        """Cool over the whole again and again; once the bound is at its best, for long; and then by regions.

        A bound with cuts rises for as long as that takes, so that the long cooling begins at once.
        """
        large = self.covers and len(self.problem.opening) > MOST_SITES
        waits = not self.relaxed and (self.cuts is None or self.turns == 1)
        if not waits and (large or self.tree is None) and search.cool_on(*(_COOLED if large else (1.0,))):
            return
        if large and self.turns > _BEFORE_REGIONS:
            self._improve_regions(max(TOLD_S, self.bounding))
            return
        # Loads make plans harder to find than bounds.
        least = 0.0 if self.problem.capacity is None and self.tree is None else self.bounding
        for _ in search.cool(_ITERATIONS * times, least):
            self._watch()

    def _cover(self, times: int) -> None:
        """Cover: the relaxation is quick enough to branch at once, and the search to help it now and then."""
        if self.tree is None:
            self.tree = CoveringTree(self.location, np.zeros(len(self.problem.opening), dtype=np.int8))
        self._branch(times, 0.0)
        if self.search is not None and not self.done(0.0):
            for _ in self.search.cool(_COVERING_ITERATIONS * times, 0.0, long=True):
                self._watch()
            self._follow()

    def _improve_regions(self, seconds: float) -> None:
        """Solve regions anew for so long."""
        if self.regions is None:
            self.regions = Regions(self.problem, seed=self.seed, solve=self._solve_region)
        self.regions.begin(self.sites)
        until = self.clock.elapsed() + seconds
        while self.clock.elapsed() < until and not self.done(0.0):
            self.regions.improve(self.cost - self.bound, self.clock.left())
            if self.clock.elapsed() >= self.told + TOLD_S:
                self._adopt(self.regions.sites)
                self.tell()
        self._adopt(self.regions.sites)

    def _solve_region(self, part: LocationProblem, seconds: float, start: list[int], order: Order) -> LocationSolution:
        return locate(part, seconds=seconds, seed=self.seed, start=start, order=order)

    def _raise_by(self, least: int, until: float) -> bool:
        """Raise the bound, by so many steps and until then; returns whether it is near its best."""
        if self.cuts is None:
            return self._raise(least, until)
        while not self.done(0.0) and self.clock.elapsed() < until:
            self.cuts.run(self._limit(), self.clock.left())
            self._improve_bound(self.cuts.core.bound / self.unit)
            self._watch()
        self.forced = self.cuts.core.forced()
        return self.cuts.stalled

    def _raise(self, least: int, until: float) -> bool:
        """Raise the bound, by so many steps and until then; returns whether the last ones raised it by hardly more."""
        steps, before, stalled, slow = 0, self.dual.bound, False, False
        while (steps < least and not stalled) or steps % _STEPS > 0 or self.clock.elapsed() < until:
            if self.done(0.0):
                break
            aim = self.unit * (self.cost if np.isfinite(self.cost) else self.bound * (1 + _ABOVE) + 1.0)
            self.dual.run(_STRIDE, int(np.ceil(aim)))
            self._look()
            self._watch()
            steps += _STRIDE
            if steps % _STEPS == 0:
                # Once may be chance: the steps have become short, and get long again.
                was_slow, slow = slow, self.dual.bound - before <= _STALLED * (aim - self.dual.bound)
                stalled = slow and was_slow
                before = self.dual.bound
        self._note()
        return stalled

    def _relax(self) -> None:
        """Raise the bound to that of the linear relaxation, where steps raise it by hardly more and leave much."""
        accuracy = min(max(_ACCURACY * (self.cost - self.bound) / self.cost, _FINEST), _COARSEST)
        prices = location_relaxation.prices(self.problem, accuracy=accuracy, seconds=self.clock.left() / 2)
        root, before = self.root, self.price
        undecided = np.zeros(len(self.problem.opening), dtype=np.int8)
        self.dual.decide(undecided, prices * self.unit)
        if self.dual.bound < root:
            self.dual.decide(undecided, before * self.unit)
        self._look()
        self._note()

    def _note(self) -> None:
        """Keep what is known at the best prices, with nothing decided."""
        self.forced = self.dual.forced()
        self.price = self.dual.prices / self.unit
        self.root = self.dual.bound

    def _limit(self) -> float:
        """What a part of the tree must stay below to hold a plan that is better than the best one, in its units."""
        # Of whole numbers, what is better than a plan is so by one.
        better = self.cost - 1 + _WHOLE if self.integral else self.cost * (1 - _MEET)
        return better * self.unit

    def _plant(self) -> None:
        """Begin to branch, where there is no tree yet and little enough is left undecided."""
        if self.tree is not None or self.done(0.0):
            return
        if_open, if_closed = self.forced
        limit = self._limit()
        decided = np.zeros(len(if_open), dtype=np.int8)
        decided[if_closed >= limit] = 1
        decided[if_open >= limit] = -1
        decided[self.problem.stands()] = 1
        most = _TREE_SITES if self.cuts is None else _COVERING_TREE_SITES
        if np.count_nonzero(decided == 0) <= most:
            self.tree = (
                CoveringTree(self.location, decided) if self.covers else Tree(self.dual, decided, settle=self._settle)
            )

    def _branch(self, least: int, until: float) -> None:
        """Grow the tree, until then and by so many nodes, as long as they do not take longer than all until now."""
        tree, nodes = self.tree, 0
        late = self.clock.elapsed() + self._share_of_time()
        while tree is not None and not self.done(0.0):
            now = self.clock.elapsed()
            if now >= until and (nodes >= least or now >= late):
                return
            limit = self._limit()
            if tree.bound() >= limit:
                self.bound = self.cost
                return
            tree.grow(limit, plan=self._try)
            nodes += 1
            self._improve_bound(tree.bound() / self.unit)
            self._watch()

    def _try(self, sites: NDArray[np.int32]) -> None:
        if self.problem.capacity is None:
            self._adopt(sites)

    def _settle(self, sites: NDArray[np.int32]) -> None:
        """Find the best plan of these sites."""
        if self.search is not None:
            self._adopt(sites)
            return
        part = Part(site=sites, fixed=np.ones(len(sites), dtype=bool), pair=self.problem.pairs_of(sites))
        self._take_answer(part, solve_part(self.problem, part, np.inf))

    def _solve_core(self, size: float, most: int) -> None:
        """With capacities: the best plan of the sites that the bound likes best, and of pairs that it nearly uses.

        Kernel search: Guastaroba & Speranza (2014), doi:10.1016/j.ejor.2014.02.020. ``size``: sites, in numbers of
        those that the bound opens.
        """
        problem = self.problem
        if_open, if_closed = self.forced
        standing = problem.stands()
        count = 1 + int(min(size * np.count_nonzero(if_open < if_closed), len(if_open)))
        liked = np.argsort(np.where(standing, -np.inf, if_open - if_closed), kind="stable")
        core = np.sort(liked[: max(count, np.count_nonzero(standing))]).astype(np.int32)
        pair = problem.pairs_of(core)
        near = problem.pair_cost[pair] <= _CORE_PRICE * self.price[problem.pair_customer[pair]]
        part = Part(site=core, fixed=standing[core], pair=pair[near])
        if len(part.pair) <= most:
            self._take_answer(part, solve_part(problem, part, self._share_of_time()))

    def _finish(self, most: int) -> None:
        """Where branches do not end soon: solve what the root leaves undecided, if that is not too much."""
        if self.done(0.0):
            return
        limit = self._limit() / self.unit
        if_open, if_closed = self.forced
        part = undecided(
            self.problem,
            if_open=if_open / self.unit,
            if_closed=if_closed / self.unit,
            price=self.price,
            bound=self.root / self.unit,
            limit=limit,
        )
        if len(part.pair) > most:
            return
        answer = solve_part(self.problem, part, self._share_of_time())
        self._take_answer(part, answer)
        # What was left out costs at least as much as the limit.
        self._improve_bound(min(answer.bound, limit + _MEET * abs(limit)))

    def _solve_all(self, most: int) -> None:
        """Where no plan is known: whether there is one, and what none costs less than."""
        problem = self.problem
        if len(problem.pair_site) > most:
            return
        part = Part(
            site=np.arange(len(problem.opening), dtype=np.int32),
            fixed=problem.stands(),
            pair=np.arange(len(problem.pair_site), dtype=np.int64),
        )
        answer = solve_part(problem, part, self._share_of_time())
        self._take_answer(part, answer)
        self._improve_bound(answer.bound)

    def _share_of_time(self) -> float:
        """Seconds for one mixed-integer program, or for branches: as long as all took until now, at least a second."""
        return min(self.clock.left(), max(1.0, self.clock.elapsed()))

    def _look(self) -> None:
        self._improve_bound(self.dual.bound / self.unit)

    def _improve_bound(self, bound: float) -> None:
        """Take a bound over; rounding of costs may have made it too great by half a unit for each of them."""
        bound -= self.rounding
        if self.integral and np.isfinite(bound):
            bound = np.ceil(bound - _WHOLE)
        self.bound = min(max(self.bound, bound), self.cost)

    def _follow(self) -> None:
        """Take the search's best plan over; with capacities its cost, and its flows at the end."""
        if self.search is None:
            return
        if self.problem.capacity is None:
            self._adopt(self.search.sites)
        else:
            self.cost = min(self.cost, self.search.core.cost / self.unit)

    def _adopt(self, sites: NDArray[np.int32]) -> None:
        """Take the best plan of these sites over if it is better than the best one; not where all must find room."""
        whole = self.problem.capacity is None
        self._take(sites, _cheapest(self.problem, sites) if whole else location_flow.serve(self.problem, sites))

    def _take(self, sites: NDArray[np.int32], flows: _Flows) -> None:
        pair, share = flows
        served = np.zeros(len(self.problem.unserved))
        np.add.at(served, self.problem.pair_customer[pair], share)
        missing = np.flatnonzero(1 - served > _WHOLE)
        cost = float(
            self.problem.opening[sites].sum()
            + (self.problem.pair_cost[pair] * share).sum()
            + (self.problem.unserved[missing] * (1 - served[missing])).sum()
        )
        if cost < self.taken:
            self.sites, self.flows, self.taken = np.sort(sites), flows, cost
            self.cost = min(self.cost, cost)

    def _take_answer(self, part: Part, answer: Answer) -> None:
        if answer.share is None:
            return
        if self.search is not None:
            self._adopt(answer.sites)
            return
        flowing = np.flatnonzero(answer.share > _NOTHING)
        self._take(answer.sites, (part.pair[flowing], answer.share[flowing]))

    def _watch(self) -> None:
        """Tell how it stands, now and then."""
        if self.clock.elapsed() >= self.told + TOLD_S:
            self._follow()
            self.tell()

    def tell(self) -> None:
        """Tell how it stands."""
        self.told = self.clock.elapsed()
        if self.on_progress is not None:
            self.on_progress(
                LocationProgress(seconds=self.told, iterations=self.iterations(), cost=self.cost, bound=self.bound)
            )

    def iterations(self) -> int:
        """Of the search."""
        return 0 if self.search is None else self.search.iterations

    def solution(self, gap: float) -> LocationSolution:
        if self.search is not None and self.cost < self.taken:
            self._adopt(self.search.sites)
            self.cost = self.taken
            self.bound = min(self.bound, self.cost)  # but for rounding it is
        pair, share = self.flows
        return LocationSolution(
            sites=self.sites,
            served_by=self.problem.pair_site[pair],
            served_customer=self.problem.pair_customer[pair],
            served_share=share,
            cost=self.cost,
            bound=self.bound,
            iterations=self.iterations(),
            stopped="optimal" if self.met() else "gap" if self.met(gap) else "limit",
        )


def _cheapest(problem: LocationProblem, sites: NDArray[np.int32]) -> _Flows:
    """Pairs in which open sites serve, each customer whole and by the cheapest, and their shares."""
    customer = problem.pair_customer
    pair = problem.pairs_of(sites)
    pair = pair[problem.pair_cost[pair] < problem.unserved[customer[pair]]]
    order = pair[np.lexsort((problem.pair_site[pair], problem.pair_cost[pair], customer[pair]))]
    first = np.ones(len(order), dtype=bool)
    first[1:] = customer[order][1:] != customer[order][:-1]
    chosen = order[first]
    return chosen, np.ones(len(chosen))
