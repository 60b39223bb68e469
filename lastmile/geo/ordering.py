"""The shape of all searches on a network: its hierarchy, made once whatever the vehicle and the hour."""

import numpy as np
from numpy.typing import NDArray

from lastmile import _core
from lastmile.geo.distances import metres_per_degree
from lastmile.geo.network import RoadNetwork


def make_hierarchy(
    network: RoadNetwork, order: NDArray[np.int32] | None = None, *, threads: int = 1
) -> _core.Hierarchy:
    """Contract a network's graph, without weights.

    Parameters
    ----------
    order
        Nodes by ascending rank, kept from an earlier run: int32, shape (nodes,). Found by inertial flow where absent,
        which is the slow step.
    threads
        For that step; the order is the same with any number of them.

    Raises
    ------
    ValueError
        When ``order`` does not name every node once.
    """
    graph = _core.Graph(network.first_out, network.edge_target)
    if order is not None:
        return _core.Hierarchy.from_order(graph, order)
    east, north = metres_per_degree(network.node_lat)
    middle = np.median(network.node_lon)
    return _core.Hierarchy(
        graph, (network.node_lon - middle) * east, (network.node_lat - network.node_lat.min()) * north, threads
    )
