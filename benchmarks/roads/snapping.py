"""From places to positions on roads, in bulk."""

import numpy as np

from benchmarks.roads.figures import Figure, Measured
from benchmarks.roads.timing import timed
from lastmile.geo.network import RoadNetwork
from lastmile.geo.snapping import Snapper


def measure(data: str, network: RoadNetwork, points: int, runs: int) -> Measured:
    """Snap places at random within the map's bounds to the roads of a van."""
    random = np.random.default_rng(1)
    west, south, east, north = network.bounds
    lon, lat = random.uniform(west, east, points), random.uniform(south, north, points)
    index = timed(lambda: Snapper(network, "e_van").snap(lon[:1], lat[:1]), runs)
    snapper = Snapper(network, "e_van")
    snapper.snap(lon[:1], lat[:1])
    snap = timed(lambda: snapper.snap(lon, lat), runs)
    return Measured(
        figures=tuple(
            Figure(data=data, what=what, unit="s", lastmile=found.seconds)
            for what, found in (("index for snapping", index), (f"snapping of {points:,} places", snap))
        )
    )
