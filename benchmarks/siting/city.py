"""A made-up city of clusters, for covering at scale."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from lastmile.solvers.location_problem import LocationProblem, LocationSolution

_CUSTOMERS: Final = 50_000  # that live on so large a square, in so many clusters
_SIDE_M: Final = 32_000.0
_CLUSTERS: Final = 80
_WIDTH_M: Final = (600.0, 2_500.0)  # standard deviation of a cluster
_ROUNDING: Final = 1e-6
_SCATTERED: Final = 0.15  # share of places outside all clusters


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of facility: how far it reaches, how many may open, and the weight that each can take."""

    reach_m: float
    most: int
    capacity: float | None = None  # any


def covering(customers: int, places: int, kinds: Sequence[Kind], seed: int = 0) -> LocationProblem:
    """Maximal covering: customers of whole weights within circles around places, each of which can hold every kind.

    The city's area grows with the number of customers, so that what is near does not. Either all kinds have a capacity
    or none.
    """
    random = np.random.default_rng(seed)
    side = _SIDE_M * np.sqrt(customers / _CUSTOMERS)
    clusters = max(1, round(_CLUSTERS * customers / _CUSTOMERS))
    centre = random.uniform(0, side, (clusters, 2))
    width = random.uniform(*_WIDTH_M, clusters)
    size = random.lognormal(0, 1, clusters)

    def scatter(count: int) -> NDArray[np.float64]:
        cluster = random.choice(clusters, count, p=size / size.sum())
        at = centre[cluster] + random.normal(size=(count, 2)) * width[cluster, None]
        scattered = random.random(count) < _SCATTERED
        at[scattered] = random.uniform(0, side, (int(scattered.sum()), 2))
        # What falls outside is folded back, once: no cluster is wider than the city.
        return np.clip(side - np.abs(side - np.abs(at)), 0, side)

    live, stand = scatter(customers), scatter(places)
    tree = cKDTree(live)
    near = [row for kind in kinds for row in tree.query_ball_point(stand, kind.reach_m)]
    count = np.array([len(one) for one in near])
    weight = np.ceil(random.lognormal(2, 0.8, customers))
    room = np.array([np.nan if kind.capacity is None else kind.capacity for kind in kinds])
    limited = not np.isnan(room).any()
    return LocationProblem(
        opening=np.zeros(len(near)),
        unserved=weight,
        pair_site=np.repeat(np.arange(len(near), dtype=np.int32), count),
        pair_customer=np.concatenate(near).astype(np.int32),
        pair_cost=np.zeros(int(count.sum())),
        capacity=np.repeat(room, places) if limited else None,
        amount=weight if limited else None,
        kind=np.repeat(np.arange(len(kinds), dtype=np.int32), places),
        most=tuple(kind.most for kind in kinds),
    )


def covered(problem: LocationProblem, solution: LocationSolution) -> float:
    """Weight of the customers that a plan covers, from its sites alone, or with capacities from its flows.

    Raises
    ------
    RuntimeError
        When the plan breaks a rule.
    """
    open_of_kind = np.bincount(problem.kinds()[solution.sites], minlength=len(problem.limits()))
    if (open_of_kind > problem.limits()).any():
        raise RuntimeError(f"{open_of_kind} sites of the kinds are open, {problem.limits()} may be")
    if problem.capacity is None:
        reached = np.zeros(len(problem.unserved), dtype=bool)
        reached[problem.pair_customer[np.isin(problem.pair_site, solution.sites)]] = True
        return float(problem.unserved[reached].sum())
    flows = list(zip(solution.served_by.tolist(), solution.served_customer.tolist(), strict=True))
    if not set(flows) <= set(zip(problem.pair_site.tolist(), problem.pair_customer.tolist(), strict=True)):
        raise RuntimeError("a site serves a customer out of its reach")
    if not set(solution.served_by.tolist()) <= set(solution.sites.tolist()):
        raise RuntimeError("a site serves that is not open")
    weight = solution.served_share * problem.unserved[solution.served_customer]
    load = np.bincount(solution.served_by, weight, len(problem.opening))
    share = np.bincount(solution.served_customer, solution.served_share, len(problem.unserved))
    if (load > problem.capacity + _ROUNDING).any() or (share > 1 + _ROUNDING).any():
        raise RuntimeError("a site takes more than it holds, or a customer is served more than once")
    return float(weight.sum())
