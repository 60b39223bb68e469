"""lastmile's shortest distances of a van on a map, and what a shortest path leads over."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.distances.street_map import StreetMap
from benchmarks.roads.weighted import weigh
from lastmile import _core
from lastmile.geo.network import RoadNetwork


class VanNetwork:
    """The network of a map, weighed by length in millimetres for a van."""

    def __init__(self, town: StreetMap, folder: Path) -> None:
        path = folder / "town.osm.pbf"
        town.write(path)
        self.network = RoadNetwork.from_osm(path)
        weighted = weigh(self.network)
        metres = self.network.edge_length_m
        self._weighted = replace(weighted, time=np.where(weighted.open, np.rint(metres * 1000), -1).astype(np.int32))
        self._graph = self._weighted.graph()
        self._metric = self._weighted.metric(self._weighted.hierarchy(self._graph))
        # Junctions that were taken apart have no one node any more.
        ids, first, count = np.unique(self.network.node_osm, return_index=True, return_counts=True)
        whole = (ids >= 0) & (count == 1)
        self._number = dict(zip(ids[whole].tolist(), first[whole].tolist(), strict=True))

    @property
    def nodes(self) -> list[int]:
        """OSM ids of the junctions that are one node."""
        return sorted(self._number)

    def distances(self, pairs: NDArray[np.int64]) -> NDArray[np.float64]:
        """Metres between OSM nodes, pairs of shape (n, 2); ``inf`` where there is no way, NaN where no such node."""
        found = np.full(len(pairs), np.nan)
        known = np.array([a in self._number and b in self._number for a, b in pairs.tolist()], dtype=bool)
        if known.any():
            numbers = np.array([[self._number[a], self._number[b]] for a, b in pairs[known].tolist()])
            nodes, place = np.unique(numbers, return_inverse=True)
            table = _core.many_to_many(self._graph, self._metric, self._weighted.positions(nodes), 1)[0]
            millimetres = table[tuple(place.reshape(-1, 2).T)]
            found[known] = np.where(millimetres == _core.UNREACHABLE, np.inf, millimetres / 1000)
        return found

    def leads_over(self, pair: tuple[int, int]) -> tuple[set[int], set[tuple[float, float]]]:
        """OSM ids of the ways on a shortest path and the places of its nodes; empty where there is no path."""
        numbers = np.array([self._number.get(pair[0], -1), self._number.get(pair[1], -1)])
        if (numbers < 0).any() or not np.isfinite(self.distances(np.array([pair])))[0]:
            return set(), set()
        edges = _core.path(self._graph, self._metric, self._weighted.positions(numbers), 0, 1)
        segments = self.network.edge_segment[edges]
        places = {place_key(lon, lat) for one in segments.tolist() for lon, lat in self.network.segment_line(one)}
        return set(self.network.segment_way[segments].tolist()), places


def place_key(lon: float, lat: float) -> tuple[float, float]:
    """A place as the map's own precision knows it."""
    return round(float(lon), 7), round(float(lat), 7)
