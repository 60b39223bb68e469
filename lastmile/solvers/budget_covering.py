"""Maximal covering within a budget: which sites, for so much money, cover the most parcels.

Model, with o_j open, s_ij the share of customer i that site j covers, c_is customer i covered by a site of the share s,
f_j the cost of opening in fen, B the budget::

    max  sum w_i s c_is    s.t.  c_is <= sum of o_j with s_ij = s;  sum_s c_is <= 1;  sum f_j o_j <= B

Of several sites the greatest share counts: gradual covering [3]_. It is a mixed-integer program of
:mod:`lastmile.solvers.siting`, with a greedy plan [2]_ beside it, and exact to the fen as
:mod:`lastmile.solvers.money` tells.

References
----------
.. [1] Church, ReVelle (1974). The maximal covering location problem. doi:10.1007/BF01942293
.. [2] Khuller, Moss, Naor (1999). The budgeted maximum coverage problem. doi:10.1016/S0020-0190(99)00031-9
.. [3] Berman, Krass, Drezner (2003). The gradual covering decay location problem on a network.
       doi:10.1016/S0377-2217(02)00604-5
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from lastmile.solvers.frozen import freeze
from lastmile.solvers.money import MoneyLimit
from lastmile.solvers.siting import site as solve_siting
from lastmile.solvers.siting_problem import NoPlanInTimeError, SitingProblem, SitingRow

_SAME: Final = 1e-6  # of the bound: the plan meets it


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CoveringProblem:
    """Sites, what opening each costs, and the customers near each.

    Parameters
    ----------
    cost_fen
        int64 (sites,), of opening; what stands already is not paid for.
    standing
        bool (sites,), those that are open already and stay so.
    weight
        float64 (customers,), parcels.
    pair_site, pair_customer
        int32 (pairs,), each pair once: the customer is near the site.
    pair_share
        float64 between 0 and 1 (pairs,), of the customer's parcels those that the site covers; None: all.

    Raises
    ------
    ValueError
        When lengths differ, a cost or weight is negative, or a share is outside 0..1.
    """

    cost_fen: NDArray[np.int64]
    standing: NDArray[np.bool_]
    weight: NDArray[np.float64]
    pair_site: NDArray[np.int32]
    pair_customer: NDArray[np.int32]
    pair_share: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        if len(self.standing) != len(self.cost_fen):
            raise ValueError(f"standing has {len(self.standing)} entries for {len(self.cost_fen)} sites")
        if len(self.pair_customer) != len(self.pair_site):
            raise ValueError(f"pair_customer has {len(self.pair_customer)} entries for {len(self.pair_site)} pairs")
        if (self.cost_fen < 0).any() or (self.weight < 0).any():
            raise ValueError("a cost or a weight is negative")
        share = self.shares()
        if len(share) != len(self.pair_site):
            raise ValueError(f"pair_share has {len(share)} entries for {len(self.pair_site)} pairs")
        if not ((share >= 0) & (share <= 1)).all():
            raise ValueError("pair_share has an entry outside 0..1")
        freeze(self)

    def shares(self) -> NDArray[np.float64]:
        """By pair, what of the customer's parcels the site covers."""
        return np.ones(len(self.pair_site)) if self.pair_share is None else self.pair_share

    def parcels(self, sites: Sequence[int] | NDArray[np.int64]) -> float:
        """Parcels that these cover, of each customer as many as the best of them does."""
        among = np.zeros(len(self.cost_fen), dtype=bool)
        among[np.asarray(sites, dtype=np.int64)] = True
        pairs = among[self.pair_site]
        best = np.zeros(len(self.weight))
        np.maximum.at(best, self.pair_customer[pairs], self.shares()[pairs])
        return float((self.weight * best).sum())

    def paid_fen(self, sites: Sequence[int] | NDArray[np.int64]) -> int:
        """Fen for opening those of these that do not stand yet."""
        chosen = np.asarray(sites, dtype=np.int64)
        return int(self.cost_fen[chosen[~self.standing[chosen]]].sum())


@dataclass(frozen=True, slots=True, kw_only=True)
class CoveringSolution:
    """Open sites, ascending, with those that stand; no sites for as much money cover more than ``bound`` parcels.

    Parameters
    ----------
    stopped
        ``optimal``: plan and bound meet; ``limit``: time was up.
    """

    sites: tuple[int, ...]
    parcels: float
    bound: float
    stopped: Literal["optimal", "limit"]


def cover(problem: CoveringProblem, *, budget_fen: int, seconds: float, start: Sequence[int] = ()) -> CoveringSolution:
    """Cover as many parcels as the budget can.

    Parameters
    ----------
    seconds
        Ceiling of the search. A run that ends at it may differ between machines; one that ends before does not.
    start
        Sites of a plan for no more money: the solution covers no less than it.

    Raises
    ------
    ValueError
        When the budget is negative, or ``start`` costs more.
    """
    if budget_fen < 0:
        raise ValueError(f"budget_fen is {budget_fen}, it must not be negative")
    if problem.paid_fen(start) > budget_fen:
        raise ValueError(f"start costs {problem.paid_fen(start)} fen, more than the budget of {budget_fen}")
    until = time.perf_counter() + seconds
    reach = _Reach(problem)
    standing = np.flatnonzero(problem.standing).tolist()
    starts = (_filled(problem, reach, sites, budget_fen, until) for sites in (standing, {*start, *standing}))
    best = max(starts, key=problem.parcels)
    bound = problem.parcels(np.flatnonzero(problem.standing | (problem.cost_fen <= budget_fen)))
    too_dear: list[list[int]] = []
    while not _meets(problem.parcels(best), bound) and (left := until - time.perf_counter()) > 0:
        try:
            solution = solve_siting(_program(problem, budget_fen, too_dear), seconds=left, gap=0.0)
        except NoPlanInTimeError:
            break
        bound = min(bound, solution.bound_fen)
        found = _needed(problem, reach, np.flatnonzero(solution.modules > 0).tolist())
        payable = _filled(problem, reach, _cheaper(problem, reach, found, budget_fen), budget_fen, until)
        best = max(best, payable, key=problem.parcels)
        if problem.paid_fen(found) <= budget_fen:
            break
        opened = np.zeros(len(problem.cost_fen), dtype=np.int32)
        opened[found] = 1
        too_dear.append(sorted(_limit(problem, budget_fen).cover(opened)))
    parcels = problem.parcels(best)
    return CoveringSolution(
        sites=tuple(sorted(best)),
        parcels=parcels,
        # The solver's bound has its tolerance.
        bound=max(bound, parcels),
        stopped="optimal" if _meets(parcels, bound) else "limit",
    )


def _meets(parcels: float, bound: float) -> bool:
    return parcels >= bound * (1 - _SAME)


def _program(problem: CoveringProblem, budget_fen: int, too_dear: list[list[int]]) -> SitingProblem:
    """The model in fen of which a parcel is worth one, so that its value is the parcels covered."""
    sites = len(problem.cost_fen)
    limit = _limit(problem, budget_fen)
    costs, _, most = limit.rounded()
    rows = [_at_most("budget", np.array(limit.site, dtype=np.int32), np.array(costs), most)]
    rows += [_at_most("cover", np.array(cut, dtype=np.int32), np.ones(len(cut)), len(cut) - 1.0) for cut in too_dear]
    return SitingProblem(
        fixed_fen=np.zeros(sites, dtype=np.int64),
        module_fen=np.zeros(sites, dtype=np.int64),
        modules_max=np.ones(sites, dtype=np.int32),
        module_capacity=np.zeros(sites, dtype=np.int32),
        existing=problem.standing.astype(np.int32),
        weight=problem.weight,
        serve_demand=np.empty(0, dtype=np.int32),
        serve_site=np.empty(0, dtype=np.int32),
        serve_metres=np.empty(0),
        attract_demand=problem.pair_customer,
        attract_site=problem.pair_site,
        attract_share=problem.pair_share,
        parcel_fen=1.0,
        rows=tuple(rows),
    )


def _limit(problem: CoveringProblem, budget_fen: int) -> MoneyLimit:
    """What the sites that do not stand yet may cost."""
    new = np.flatnonzero(~problem.standing).tolist()
    cost = problem.cost_fen[new].tolist()
    return MoneyLimit(site=tuple(new), open_fen=tuple(cost), module_fen=(0,) * len(new), most_fen=budget_fen)


def _at_most(name: str, site: NDArray[np.int32], each: NDArray[np.generic], upper: float) -> SitingRow:
    return SitingRow(
        name=name, site=site, per_open=each.astype(np.float64), per_module=np.zeros(len(site)), upper=upper, hard=True
    )


class _Reach:
    """What each site covers of whom, but for customers without parcels."""

    def __init__(self, problem: CoveringProblem) -> None:
        self.problem = problem
        share = problem.shares()
        use = np.flatnonzero((problem.weight[problem.pair_customer] > 0) & (share > 0))
        self.site, self.customer, self.share = problem.pair_site[use], problem.pair_customer[use], share[use]
        shape = (len(problem.cost_fen), len(problem.weight))
        self._of_site = csr_array((self.share, (self.site, self.customer)), shape=shape)
        self._of_customer = self._of_site.T.tocsr()

    def near(self, j: int) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """Customers that a site covers, and of each the share."""
        part = slice(self._of_site.indptr[j], self._of_site.indptr[j + 1])
        return self._of_site.indices[part], self._of_site.data[part]

    def best(self, sites: Sequence[int]) -> NDArray[np.float64]:
        """By customer, the greatest share that any of these sites covers."""
        best = np.zeros(len(self.problem.weight))
        for j in sites:
            self.add(best, j)
        return best

    def add(self, best: NDArray[np.float64], j: int) -> None:
        """One site more."""
        customers, share = self.near(j)
        best[customers] = np.maximum(best[customers], share)

    def gain(self, best: NDArray[np.float64]) -> NDArray[np.float64]:
        """By site, the parcels that are covered by it beyond these shares."""
        more = np.maximum(self.share - best[self.customer], 0.0) * self.problem.weight[self.customer]
        return np.bincount(self.site, more, minlength=len(self.problem.cost_fen)).astype(np.float64)

    def own(self, j: int, kept: NDArray[np.bool_]) -> float:
        """Parcels that a site covers, and none of the others that are kept does."""
        customers, share = self.near(j)
        others = self._of_customer[customers]
        among = np.where(kept[others.indices] & (others.indices != j), others.data, 0.0)
        # Each of these customers has this site at least, so no part is empty.
        best = np.maximum.reduceat(among, others.indptr[:-1]) if len(customers) else share
        return float((np.maximum(share - best, 0.0) * self.problem.weight[customers]).sum())


def _filled(
    problem: CoveringProblem, reach: _Reach, sites: Sequence[int] | set[int], budget_fen: int, until: float
) -> list[int]:
    """These, and of the others always the one with most parcels for its money, as long as there is money for any."""
    chosen = sorted(sites)
    left = budget_fen - problem.paid_fen(chosen)
    best = reach.best(chosen)
    while time.perf_counter() < until:
        gain = np.where(problem.cost_fen <= left, reach.gain(best), 0.0)
        # What costs nothing counts as a fen.
        j = int(np.argmax(gain / np.maximum(problem.cost_fen, 1))) if len(gain) else 0
        if not gain.any():
            break
        chosen.append(j)
        left -= int(problem.cost_fen[j])
        reach.add(best, j)
    return _needed(problem, reach, chosen)


def _cheaper(problem: CoveringProblem, reach: _Reach, sites: list[int], budget_fen: int) -> list[int]:
    """Some of these that the budget pays for; first goes the one with the fewest parcels of its own for its money."""
    kept = _marked(problem, sites)
    while problem.paid_fen(np.flatnonzero(kept)) > budget_fen:
        paid = np.flatnonzero(kept & ~problem.standing & (problem.cost_fen > 0)).tolist()
        kept[min(paid, key=lambda j: reach.own(j, kept) / problem.cost_fen[j])] = False
    return np.flatnonzero(kept).tolist()


def _needed(problem: CoveringProblem, reach: _Reach, sites: Sequence[int]) -> list[int]:
    """Without those of whose customers others cover as much, the dearest of them left out first."""
    kept = _marked(problem, sites)
    for j in sorted(set(sites), key=lambda j: (-problem.cost_fen[j], j)):
        if not problem.standing[j] and reach.own(j, kept) <= 0:
            kept[j] = False
    return np.flatnonzero(kept).tolist()


def _marked(problem: CoveringProblem, sites: Sequence[int]) -> NDArray[np.bool_]:
    kept = np.zeros(len(problem.cost_fen), dtype=bool)
    kept[list(sites)] = True
    return kept
