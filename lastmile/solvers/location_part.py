"""Part of a facility location problem, some of its sites and pairs, as a mixed-integer program for HiGHS."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array, csr_array

from lastmile.solvers.location_problem import LocationProblem


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Part:
    """What plans may use.

    Parameters
    ----------
    site
        int32, those that may be open; ``fixed`` tells which of them must.
    pair
        int64, indices of the pairs that may be used.
    """

    site: NDArray[np.int32]
    fixed: NDArray[np.bool_]
    pair: NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Answer:
    """The best plan among those of a part, if one was found; none of them costs less than ``bound``."""

    share: NDArray[np.float64] | None  # of each pair of the part
    sites: NDArray[np.int32]
    bound: float


def undecided(
    problem: LocationProblem,
    *,
    if_open: NDArray[np.float64],
    if_closed: NDArray[np.float64],
    price: NDArray[np.float64],
    bound: float,
    limit: float,
) -> Part:
    """Leave out what costs more than ``limit`` at the least.

    Parameters
    ----------
    if_open, if_closed
        Bounds of all plans in which a site is open, or closed.
    price
        Multiplier of each customer, at which ``bound`` holds.
    """
    may_open = if_open <= limit
    fixed = (if_closed > limit) & may_open
    standing = problem.stands()
    fixed |= standing
    may_open |= standing
    site, customer, cost = problem.pair_site, problem.pair_customer, problem.pair_cost
    dearer = np.maximum(cost - price[customer], 0.0)
    kept = may_open[site] & (np.maximum(if_open[site], bound) + dearer <= limit) & (cost < problem.unserved[customer])
    if problem.capacity is None:
        # A customer never goes farther than to the cheapest site that is open for certain.
        nearest = np.full(len(problem.unserved), np.inf)
        sure = fixed[site]
        np.minimum.at(nearest, customer[sure], cost[sure])
        kept |= sure & (cost == nearest[customer]) & (cost < problem.unserved[customer])
        kept &= cost <= nearest[customer]
    chosen = np.flatnonzero(may_open).astype(np.int32)
    return Part(site=chosen, fixed=fixed[chosen], pair=np.flatnonzero(kept))


def solve(problem: LocationProblem, part: Part, seconds: float) -> Answer:
    """The best plan of a part, within a time limit."""
    sites, pairs, customers = len(part.site), len(part.pair), len(problem.unserved)
    row = np.full(len(problem.opening), -1)
    row[part.site] = np.arange(sites)
    of_site = row[problem.pair_site[part.pair]]
    of_customer = problem.pair_customer[part.pair]
    loose = np.flatnonzero(np.isfinite(problem.unserved))
    # Columns: sites, pairs, and for each customer that may be left out the share that is.
    cost = np.concatenate((problem.opening[part.site], problem.pair_cost[part.pair], problem.unserved[loose]))
    width = len(cost)
    if width == 0:
        return Answer(share=np.empty(0), sites=part.site, bound=0.0)
    site_column, pair_column = np.arange(sites), sites + np.arange(pairs)
    loose_column = sites + pairs + np.arange(len(loose))
    every_share = np.concatenate((pair_column, loose_column))
    once = _matrix(np.ones(len(every_share)), np.concatenate((of_customer, loose)), every_share, (customers, width))
    rules = [LinearConstraint(once, 1.0, 1.0)]
    free = np.flatnonzero(~part.fixed[of_site]) if pairs else np.empty(0, dtype=np.int64)
    if len(free):
        line = np.tile(np.arange(len(free)), 2)
        column = np.concatenate((pair_column[free], of_site[free]))
        only_open = _matrix(np.repeat((1.0, -1.0), len(free)), line, column, (len(free), width))
        rules.append(LinearConstraint(only_open, -np.inf, 0.0))
    for kind in problem.scarce():
        of_kind = np.zeros(width)
        of_kind[:sites] = problem.kinds()[part.site] == kind
        rules.append(LinearConstraint(of_kind[None, :], 0.0, float(problem.limits()[kind])))
    if problem.capacity is not None and problem.amount is not None:
        room = problem.capacity[part.site]
        load = np.concatenate((problem.amount[of_customer], -room))
        column = np.concatenate((pair_column, site_column))
        held = _matrix(load, np.concatenate((of_site, site_column)), column, (sites, width))
        rules.append(LinearConstraint(held, -np.inf, 0.0))
        if problem.must_hold_everyone():
            total = np.concatenate((room, np.zeros(width - sites)))
            rules.append(LinearConstraint(total[None, :], float(problem.amount.sum()), np.inf))
    lower = np.zeros(width)
    lower[:sites] = part.fixed
    result = milp(
        cost,
        integrality=(np.arange(width) < sites).astype(int),
        bounds=Bounds(lower, np.ones(width)),
        constraints=rules,
        options={"time_limit": max(seconds, 0.01), "mip_rel_gap": 0.0},
    )
    if result.status == 2:
        return Answer(share=None, sites=part.site, bound=np.inf)
    least = -np.inf if result.mip_dual_bound is None else float(result.mip_dual_bound)
    if result.x is None:
        return Answer(share=None, sites=part.site, bound=least)
    opened = part.site[result.x[:sites] > 0.5]
    return Answer(share=np.asarray(result.x[sites : sites + pairs]), sites=opened, bound=least)


def _matrix(
    values: NDArray[np.float64], row: NDArray[np.int64], column: NDArray[np.int64], shape: tuple[int, int]
) -> csr_array:
    return csr_array(coo_array((values, (row, column)), shape=shape))
