"""A network under one class of vehicle: what lastmile's searches and its peers are given alike."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lastmile import _core
from lastmile.geo.distances import metres_per_degree
from lastmile.geo.network import RoadNetwork
from lastmile.geo.speeds import Regime, edge_times_ms
from lastmile.geo.tags import Mode
from lastmile.scenario import Speeds

_WH_PER_M = 0.2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Weighted:
    """Edges and their weights, closed edges included.

    Parameters
    ----------
    time, length, energy
        int32, shape (edges,): milliseconds (-1 where closed), centimetres, hundredths of a watt-hour.
    tail, head
        int32, shape (edges,).
    lon, lat
        float64, degrees of the nodes.
    """

    first_out: NDArray[np.int32]
    tail: NDArray[np.int32]
    head: NDArray[np.int32]
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    time: NDArray[np.int32]
    length: NDArray[np.int32]
    energy: NDArray[np.int32]

    @property
    def nodes(self) -> int:
        """Number of nodes."""
        return len(self.lon)

    @property
    def open(self) -> NDArray[np.bool_]:
        """Edges that may be driven."""
        permitted: NDArray[np.bool_] = self.time >= 0
        return permitted

    def graph(self) -> _core.Graph:
        """The graph for the compiled core."""
        return _core.Graph(self.first_out, self.head)

    def hierarchy(self, graph: _core.Graph) -> _core.Hierarchy:
        """Order and contraction."""
        east, north = metres_per_degree(self.lat)
        return _core.Hierarchy(graph, (self.lon - np.median(self.lon)) * east, (self.lat - self.lat.min()) * north)

    def metric(self, hierarchy: _core.Hierarchy) -> _core.Metric:
        """Customization with all three sums."""
        return _core.Metric(hierarchy, self.time, self.length, self.energy)

    def sample(self, count: int, seed: int = 1) -> NDArray[np.int64]:
        """Nodes, without repetition, that open edges both enter and leave; all of them where they are fewer."""
        both = np.intersect1d(self.tail[self.open], self.head[self.open])
        chosen = np.random.default_rng(seed).choice(both, min(count, len(both)), replace=False)
        return np.sort(chosen).astype(np.int64)

    def positions(self, nodes: NDArray[np.int64]) -> _core.Positions:
        """Positions at nodes: the end of an edge that enters one and the start of one that leaves it are the node."""
        usable = np.flatnonzero(self.open).astype(np.int32)
        entering = np.full(self.nodes, -1, dtype=np.int32)
        entering[self.head[usable]] = usable
        leaving = np.full(self.nodes, -1, dtype=np.int32)
        leaving[self.tail[usable]] = usable
        return _core.Positions(entering[nodes], leaving[nodes], np.ones(len(nodes)))


def weigh(network: RoadNetwork, mode: Mode = "e_van", regime: Regime = "free") -> Weighted:
    """Lay one class of vehicle in one regime of traffic on a network."""
    length_m = network.edge_length_m
    return Weighted(
        first_out=network.first_out,
        tail=network.edge_source,
        head=network.edge_target,
        lon=network.node_lon,
        lat=network.node_lat,
        time=np.where(network.permitted(mode), edge_times_ms(network, mode, regime, Speeds()), -1).astype(np.int32),
        length=np.rint(length_m * 100).astype(np.int32),
        energy=np.rint(length_m * (_WH_PER_M * 100)).astype(np.int32),
    )
