"""Walking catchments of 500 m around many sites: which of the sites reach which."""

from typing import Final

import numpy as np

from benchmarks.roads.figures import Figure, Measured, Target
from benchmarks.roads.timing import Timed, timed
from lastmile import _core
from lastmile.geo.network import RoadNetwork
from lastmile.geo.snapping import Snapper

REACH_M: Final = 500


def reach(network: RoadNetwork, sites: int, runs: int = 1) -> Timed:
    """Search from sites within a hundred metres or so of junctions drawn at random, snapped beforehand."""
    random = np.random.default_rng(1)
    near = random.integers(0, network.nodes, sites)
    lon, lat = (at[near] + random.uniform(-0.001, 0.001, sites) for at in (network.node_lon, network.node_lat))
    at = Snapper(network, "walk").snap(lon, lat).core()
    on_foot = np.where(network.permitted("walk"), np.rint(network.edge_length_m * 1000), -1).astype(np.int32)
    graph = _core.Graph(network.first_out, network.edge_target)
    return timed(lambda: _core.within(graph, on_foot, at, at, REACH_M * 1000, 1), runs)


def measure(data: str, network: RoadNetwork, sites: int, runs: int) -> Measured:
    """Time the catchments."""
    found = reach(network, sites, runs)
    return Measured(
        figures=(
            Figure(
                data=data,
                what=f"{sites:,} walking catchments of {REACH_M} m",
                unit="s",
                lastmile=found.seconds,
                target=Target(most=2),
            ),
        ),
        notes=(f"{data}: the {sites:,} catchments hold {len(found.made[1]):,} pairs.",),
    )
