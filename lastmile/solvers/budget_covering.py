"""Maximal covering within a budget: which sites, for so much money, have the most parcels near them.

Model, with o_j open, c_i covered, f_j the cost of opening in fen, B the budget::

    max  sum w_i c_i    s.t.  c_i <= sum of o_j near i;  sum f_j o_j <= B

It is a mixed-integer program of :mod:`lastmile.solvers.siting`, with a greedy plan [2]_ beside it, and exact to the fen
as :mod:`lastmile.solvers.money` tells.

References
----------
.. [1] Church, ReVelle (1974). The maximal covering location problem. doi:10.1007/BF01942293
.. [2] Khuller, Moss, Naor (1999). The budgeted maximum coverage problem. doi:10.1016/S0020-0190(99)00031-9
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

    Raises
    ------
    ValueError
        When lengths differ or a cost or weight is negative.
    """

    cost_fen: NDArray[np.int64]
    standing: NDArray[np.bool_]
    weight: NDArray[np.float64]
    pair_site: NDArray[np.int32]
    pair_customer: NDArray[np.int32]

    def __post_init__(self) -> None:
        if len(self.standing) != len(self.cost_fen):
            raise ValueError(f"standing has {len(self.standing)} entries for {len(self.cost_fen)} sites")
        if len(self.pair_customer) != len(self.pair_site):
            raise ValueError(f"pair_customer has {len(self.pair_customer)} entries for {len(self.pair_site)} pairs")
        if (self.cost_fen < 0).any() or (self.weight < 0).any():
            raise ValueError("a cost or a weight is negative")
        freeze(self)

    def parcels(self, sites: Sequence[int] | NDArray[np.int64]) -> float:
        """Parcels near any of these."""
        among = np.zeros(len(self.cost_fen), dtype=bool)
        among[np.asarray(sites, dtype=np.int64)] = True
        near = np.zeros(len(self.weight), dtype=bool)
        near[self.pair_customer[among[self.pair_site]]] = True
        return float(self.weight[near].sum())

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
    reach = _reach(problem)
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


def _reach(problem: CoveringProblem) -> csr_array:
    """Sites by customers, 1 where near; of customers without parcels nothing."""
    use = problem.weight[problem.pair_customer] > 0
    return csr_array(
        (np.ones(int(use.sum())), (problem.pair_site[use], problem.pair_customer[use])),
        shape=(len(problem.cost_fen), len(problem.weight)),
    )


def _filled(
    problem: CoveringProblem, reach: csr_array, sites: Sequence[int] | set[int], budget_fen: int, until: float
) -> list[int]:
    """These, and of the others always the one with most parcels for its money, as long as there is money for any."""
    chosen = sorted(sites)
    left = budget_fen - problem.paid_fen(chosen)
    bare = problem.weight.copy()
    for j in chosen:
        bare[_near(reach, j)] = 0.0
    while time.perf_counter() < until:
        gain = np.where(problem.cost_fen <= left, reach @ bare, 0.0)
        # What costs nothing counts as a fen.
        j = int(np.argmax(gain / np.maximum(problem.cost_fen, 1))) if len(gain) else 0
        if not gain.any():
            break
        chosen.append(j)
        left -= int(problem.cost_fen[j])
        bare[_near(reach, j)] = 0.0
    return _needed(problem, reach, chosen)


def _cheaper(problem: CoveringProblem, reach: csr_array, sites: list[int], budget_fen: int) -> list[int]:
    """Some of these that the budget pays for; first goes the one with the fewest parcels of its own for its money."""
    kept = list(sites)
    times = _times(problem, reach, kept)
    while problem.paid_fen(kept) > budget_fen:
        near = {j: _near(reach, j) for j in kept if not problem.standing[j] and problem.cost_fen[j]}
        leaves = min(near, key=lambda j: problem.weight[near[j][times[near[j]] == 1]].sum() / problem.cost_fen[j])
        times[near[leaves]] -= 1
        kept.remove(leaves)
    return kept


def _times(problem: CoveringProblem, reach: csr_array, sites: Sequence[int]) -> NDArray[np.int64]:
    """By customer, how many of these sites are near."""
    times = np.zeros(len(problem.weight), dtype=np.int64)
    for j in sites:
        times[_near(reach, j)] += 1
    return times


def _near(reach: csr_array, j: int) -> NDArray[np.int32]:
    """Customers near one site."""
    near: NDArray[np.int32] = reach.indices[reach.indptr[j] : reach.indptr[j + 1]]
    return near


def _needed(problem: CoveringProblem, reach: csr_array, sites: Sequence[int]) -> list[int]:
    """Without those whose customers others reach as well, the dearest of them left out first."""
    times = _times(problem, reach, sites)
    kept = set(sites)
    for j in sorted(sites, key=lambda j: (-problem.cost_fen[j], j)):
        near = _near(reach, j)
        if not problem.standing[j] and (times[near] > 1).all():
            times[near] -= 1
            kept.remove(j)
    return sorted(kept)
