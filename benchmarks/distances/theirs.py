"""osmnx's distances, and what of them is a matter of its graph rather than of the map."""

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import networkx as nx
import numpy as np
import osmnx
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from benchmarks.distances.lifts import drivable
from benchmarks.distances.street_map import StreetMap
from lastmile.geo.distances import metres_per_degree

COMPONENT: Final = "outside the largest component"
LENGTH: Final = "length on a sphere"
SIMPLIFIED: Final = "simplification of osmnx"
CHANGES: Final = (LENGTH, SIMPLIFIED, COMPONENT)


class OsmnxGraph:
    """The graph that osmnx makes of a map's drivable ways, and variants of it.

    Variants by name: ``COMPONENT`` keeps the largest strongly connected component only, as lastmile does; ``LENGTH``
    measures on the ellipsoid; ``SIMPLIFIED`` leaves the graph as it is before simplification.
    """

    def __init__(self, town: StreetMap, folder: Path) -> None:
        path = folder / "drivable.osm"
        # osmnx refuses ways over nodes that are not in the file; they are cut there, as lastmile cuts them.
        ways = {key: way for key, way in town.ways.items() if drivable(way.tags)}
        StreetMap(town.nodes, ways, {}).cut().write(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # osmnx warns of files that it did not write
            self._graph = osmnx.graph_from_xml(path, simplify=False, retain_all=True)
        self._variants: dict[frozenset[str], _Rows] = {}

    @property
    def nodes(self) -> list[int]:
        """OSM ids of the junctions that are left after simplification."""
        return sorted(self._rows(frozenset()).number)

    def distances(self, pairs: NDArray[np.int64], variant: frozenset[str] = frozenset()) -> NDArray[np.float64]:
        """Metres between OSM nodes, pairs of shape (n, 2); ``inf`` where there is no way, NaN where no such node."""
        rows = self._rows(variant)
        known = np.array([a in rows.number and b in rows.number for a, b in pairs.tolist()], dtype=bool)
        found = np.full(len(pairs), np.nan)
        if variant & {COMPONENT}:
            found[~known] = np.inf  # a node that was cut off is reached by nobody
        if known.any():
            numbers = np.array([[rows.number[a], rows.number[b]] for a, b in pairs[known].tolist()])
            origins, row = np.unique(numbers[:, 0], return_inverse=True)
            found[known] = dijkstra(rows.matrix, indices=origins)[row, numbers[:, 1]]
        return found

    def _rows(self, variant: frozenset[str]) -> "_Rows":
        if variant not in self._variants:
            graph = self._graph
            if COMPONENT in variant:
                graph = osmnx.truncate.largest_component(graph, strongly=True)
            if LENGTH in variant:
                graph = _on_the_ellipsoid(graph)
            if SIMPLIFIED not in variant:
                graph = osmnx.simplify_graph(graph)
            self._variants[variant] = _Rows(graph)
        return self._variants[variant]


class _Rows:
    """A graph as a sparse matrix of lengths."""

    def __init__(self, graph: "nx.MultiDiGraph[Any]") -> None:
        self.number: Mapping[int, int] = {node: index for index, node in enumerate(graph.nodes)}
        shortest: dict[tuple[int, int], float] = {}
        for u, v, length in graph.edges(data="length"):
            arc = self.number[u], self.number[v]
            shortest[arc] = min(length, shortest.get(arc, np.inf))
        # A stored zero would be no entry; a tenth of a millimetre is none that matters.
        values = np.maximum(np.array(list(shortest.values())), 1e-4)
        rows, columns = np.array(list(shortest), dtype=np.int64).reshape(-1, 2).T
        self.matrix = csr_array((values, (rows, columns)), shape=(len(graph), len(graph)))


def _on_the_ellipsoid(graph: "nx.MultiDiGraph[Any]") -> "nx.MultiDiGraph[Any]":
    graph = graph.copy()
    arcs = list(graph.edges(keys=True))
    place = {node: (data["x"], data["y"]) for node, data in graph.nodes(data=True)}
    ends = np.array([(*place[u], *place[v]) for u, v, _ in arcs])
    per_lon, per_lat = metres_per_degree((ends[:, 1] + ends[:, 3]) / 2)
    lengths = np.hypot((ends[:, 2] - ends[:, 0]) * per_lon, (ends[:, 3] - ends[:, 1]) * per_lat)
    nx.set_edge_attributes(graph, dict(zip(arcs, lengths.tolist(), strict=True)), "length")
    return graph
