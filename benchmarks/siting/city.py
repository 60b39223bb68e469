"""A made-up city of clusters, for covering at scale."""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from lastmile.solvers.location_problem import LocationProblem

_CUSTOMERS: Final = 50_000  # that live on so large a square, in so many clusters
_SIDE_M: Final = 32_000.0
_CLUSTERS: Final = 80
_WIDTH_M: Final = (600.0, 2_500.0)  # standard deviation of a cluster
_SCATTERED: Final = 0.15  # share of places outside all clusters


def covering(customers: int, sites: int, *, reach_m: float, most: int, seed: int = 0) -> LocationProblem:
    """Maximal covering: customers of whole weights within circles around candidates.

    The city's area grows with the number of customers, so that what is near does not.
    """
    random = np.random.default_rng(seed)
    side = _SIDE_M * np.sqrt(customers / _CUSTOMERS)
    clusters = max(1, round(_CLUSTERS * customers / _CUSTOMERS))
    centre = random.uniform(0, side, (clusters, 2))
    width = random.uniform(*_WIDTH_M, clusters)
    size = random.lognormal(0, 1, clusters)

    def places(count: int) -> NDArray[np.float64]:
        cluster = random.choice(clusters, count, p=size / size.sum())
        at = centre[cluster] + random.normal(size=(count, 2)) * width[cluster, None]
        scattered = random.random(count) < _SCATTERED
        at[scattered] = random.uniform(0, side, (int(scattered.sum()), 2))
        # What falls outside is folded back, once: no cluster is wider than the city.
        return np.clip(side - np.abs(side - np.abs(at)), 0, side)

    live, stand = places(customers), places(sites)
    near = cKDTree(live).query_ball_point(stand, reach_m)
    count = np.array([len(one) for one in near])
    return LocationProblem(
        opening=np.zeros(sites),
        unserved=np.ceil(random.lognormal(2, 0.8, customers)),
        pair_site=np.repeat(np.arange(sites, dtype=np.int32), count),
        pair_customer=np.concatenate(near).astype(np.int32),
        pair_cost=np.zeros(int(count.sum())),
        most=most,
    )


def covered(problem: LocationProblem, sites: NDArray[np.int32]) -> float:
    """Weight of the customers that these sites cover, counted from the pairs alone."""
    reached = np.zeros(len(problem.unserved), dtype=bool)
    reached[problem.pair_customer[np.isin(problem.pair_site, sites)]] = True
    return float(problem.unserved[reached].sum())
