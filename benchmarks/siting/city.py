"""A made-up city of clusters, for covering at scale."""

import numpy as np
from scipy.spatial import cKDTree

from lastmile.solvers.location_problem import LocationProblem

_SIDE_M = 32_000.0
_CLUSTERS = 80
_WIDTH_M = (600.0, 2_500.0)  # standard deviation of a cluster
_SCATTERED = 0.15  # share of places outside all clusters


def covering(customers: int, sites: int, *, reach_m: float, most: int, seed: int = 0) -> LocationProblem:
    """Maximal covering: customers of whole weights within circles around candidates.

    The city's area grows with the number of customers; 50,000 of them live on 32 by 32 km.
    """
    random = np.random.default_rng(seed)
    side = _SIDE_M * np.sqrt(customers / 50_000)
    clusters = max(1, round(_CLUSTERS * customers / 50_000))
    centre = random.uniform(0, side, (clusters, 2))
    width = random.uniform(*_WIDTH_M, clusters)
    size = random.lognormal(0, 1, clusters)

    def places(count: int) -> np.ndarray:
        cluster = random.choice(clusters, count, p=size / size.sum())
        at = centre[cluster] + random.normal(size=(count, 2)) * width[cluster, None]
        scattered = random.random(count) < _SCATTERED
        at[scattered] = random.uniform(0, side, (int(scattered.sum()), 2))
        return np.abs(side - np.abs(side - at))  # folded back at the borders

    live, stand = places(customers), places(sites)
    weight = np.ceil(random.lognormal(2, 0.8, customers))
    near = cKDTree(live).query_ball_point(stand, reach_m)
    count = np.array([len(one) for one in near])
    return LocationProblem(
        opening=np.zeros(sites),
        unserved=weight,
        pair_site=np.repeat(np.arange(sites, dtype=np.int32), count),
        pair_customer=np.concatenate(near).astype(np.int32),
        pair_cost=np.zeros(int(count.sum())),
        most=most,
    )
