"""The best plan that tours of several good plans make, as a set-partitioning program for HiGHS.

A search that changes a plan a little at a time seldom has every part of it at its best at the same moment. Tours that
it came by at different moments are put together here [1]_, [2]_. A column is all that one vehicle does, so that every
rule within a tour holds; what tours share are the requests, the vehicles of each type and the pools.

References
----------
.. [1] Rochat, Taillard (1995). Probabilistic diversification and intensification in local search for vehicle routing.
       Journal of Heuristics 1. doi:10.1007/BF02430370
.. [2] Subramanian, Uchoa, Ochi (2013). A hybrid algorithm for a class of vehicle routing problems. Computers &
       Operations Research 40(10). doi:10.1016/j.cor.2013.01.013
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array, vstack

from lastmile.solvers.compiled import Compiled, Found, PricedTour
from lastmile.solvers.problem import RoutingProblem, Tour

_NODES: Final = 50  # of branch and bound; most programs end at the first
_SCALE: Final = 1e5  # of the best plan's cost in the program, whose tolerances are absolute


@dataclass(frozen=True, slots=True, kw_only=True)
class Recombined:
    """A plan, what it costs in all, and how many requests it leaves out."""

    tours: tuple[Tour, ...]
    money: int
    unserved: int


def recombine(problem: RoutingProblem, core: Compiled, found: Found, *, seconds: float | None) -> Recombined | None:
    """The cheapest plan of the tours that a search found, None where its best plan is not beaten.

    Minimise the sum of x[t] * (cost of t - prices of what t serves) over sets of tours, where each request is served
    once at most, and no more vehicles of a type or of a pool are in use than there are. What the best plan serves and
    must be served, or is locked, is served.

    Parameters
    ----------
    seconds
        Time limit. Without one the same tours give the same plan.
    """
    if not found.pool:
        return None
    columns = [*found.tours, *found.pool]
    served = [core.requests_of(tour) for tour, _ in columns]
    price = core.prices
    requests = _incidence(served, len(price))
    best = np.arange(len(columns)) < len(found.tours)
    kept = (requests @ best > 0) & core.required
    for tour, _ in found.tours:
        kept[core.requests_of(tour, locked=True)] = True
    worth = [money - sum(price[r] for r in chosen) for (_, money), chosen in zip(columns, served, strict=True)]
    # What is served in any case is no reward: prices of what must be served would drown all else.
    loose = [0 if must else one for one, must in zip(price, kept.tolist(), strict=True)]
    cost = [money - sum(loose[r] for r in chosen) for (_, money), chosen in zip(columns, served, strict=True)]
    shared, most = _shared(problem, columns)
    rows = vstack((requests, shared), format="csr")
    upper = np.concatenate((np.ones(len(price)), most))
    lower = np.concatenate((kept.astype(float), np.zeros(len(most))))
    unit = max(sum(money for _, money in found.tours), 1) / _SCALE
    result = milp(
        np.array([float(value) for value in cost]) / unit,
        integrality=np.ones(len(columns), dtype=np.int64),
        bounds=Bounds(0, 1),
        constraints=LinearConstraint(rows, lower, upper),
        options={
            "mip_rel_gap": 0.0,
            "node_limit": _NODES,
            "time_limit": np.inf if seconds is None else max(seconds, 0.01),
        },
    )
    if result.x is None:
        return None
    chosen = result.x > 0.5
    used = rows @ chosen
    # What is wrong only by the program's tolerances is wrong; costs are whole numbers.
    before, after = (sum(value for value, here in zip(worth, plan, strict=True) if here) for plan in (best, chosen))
    if after >= before or (used < lower).any() or (used > upper).any():
        return None
    return Recombined(
        tours=tuple(columns[k][0] for k in np.flatnonzero(chosen)),
        money=sum(price) + after,
        unserved=int(len(price) - used[: len(price)].sum()),
    )


def _shared(problem: RoutingProblem, columns: Sequence[PricedTour]) -> tuple[csr_array, NDArray[np.float64]]:
    """Rows of the vehicle types, then of the pools, and how many vehicles each has."""
    types = len(problem.vehicles)
    row = {name: types + k for k, name in enumerate(problem.pools)}
    drawn = [(tour.vehicle, *(row[name] for name in problem.vehicles[tour.vehicle].pools)) for tour, _ in columns]
    most = [vehicle.count for vehicle in problem.vehicles] + list(problem.pools.values())
    return _incidence(drawn, len(most)), np.array(most, dtype=np.float64)


def _incidence(rows_of: Sequence[Sequence[int]], rows: int) -> csr_array:
    """1 where a column has a row."""
    row = np.concatenate([np.asarray(one, dtype=np.int64) for one in rows_of])
    column = np.repeat(np.arange(len(rows_of)), [len(one) for one in rows_of])
    return csr_array((np.ones(len(row)), (row, column)), shape=(rows, len(rows_of)))
