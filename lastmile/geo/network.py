"""The road network: immutable arrays of segments and directed edges, one largest component per mode of travel.

A segment is a piece of a way between two junctions, with its geometry; an edge is a segment in one direction. Edges
are sorted by their source node, so ``first_out`` and ``edge_target`` are the compressed rows that the compiled
searches walk.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from lastmile.geo.conditions import Condition
from lastmile.geo.osm import ReadOptions, read_highways
from lastmile.geo.tags import MODE_BIT

if TYPE_CHECKING:
    import networkx as nx

FORMAT: Final = "lastmile-network/3"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RoadNetwork:
    """Roads and paths of a region.

    Parameters
    ----------
    node_lon, node_lat
        float64 degrees (WGS-84), shape (nodes,). ``node_osm``: int64 ids, negative for arrivals at and departures
        from a junction with turn restrictions.
    segment_geometry
        int64, shape (segments + 1,): segment ``s`` has the points ``geometry_lon/lat[geometry[s]:geometry[s + 1]]``.
    segment_length_m
        float64. ``segment_road``: uint8 index into ``tags.ROAD_CLASSES``; ``segment_flags``: uint8 bits of ``tags``;
        ``segment_max_kmh``: float32, 0 where no limit is posted; ``segment_max_weight_t``, ``_height_m``,
        ``_width_m``: float32, ``inf`` where unlimited; ``segment_way``: int64 OSM ids; ``segment_name``: int32 index
        into ``names``; ``segment_turn``: uint8, for segments of no length that stand for a turn which of ``junctions``
        it is, 0 for roads; ``segment_condition``: int32 index into ``conditions``, -1 where nothing changes.
    first_out
        int32, shape (nodes + 1,): edges leaving node ``v`` are ``first_out[v]:first_out[v + 1]``.
    edge_target, edge_segment
        int32, shape (edges,). ``edge_forward``: bool, along the segment's geometry or against it.
    edge_modes
        uint8 bits of ``tags.MODE_BIT``: who may use the edge, at some hour. Bits outside the mode's largest strongly
        connected component are cleared, so that whoever enters can also return.
    edge_signals, edge_calming
        uint8, traffic signals and slowing devices met on the edge, that at its end included.
    conditions
        What is open to whom at which hours.
    cut_off
        Per mode, metres of road that were cleared for that reason.
    dropped
        What the reader left out, counted.
    """

    node_lon: NDArray[np.float64]
    node_lat: NDArray[np.float64]
    node_osm: NDArray[np.int64]
    segment_geometry: NDArray[np.int64]
    geometry_lon: NDArray[np.float64]
    geometry_lat: NDArray[np.float64]
    segment_length_m: NDArray[np.float64]
    segment_road: NDArray[np.uint8]
    segment_flags: NDArray[np.uint8]
    segment_max_kmh: NDArray[np.float32]
    segment_max_weight_t: NDArray[np.float32]
    segment_max_height_m: NDArray[np.float32]
    segment_max_width_m: NDArray[np.float32]
    segment_way: NDArray[np.int64]
    segment_name: NDArray[np.int32]
    segment_turn: NDArray[np.uint8]
    segment_condition: NDArray[np.int32]
    first_out: NDArray[np.int32]
    edge_target: NDArray[np.int32]
    edge_segment: NDArray[np.int32]
    edge_forward: NDArray[np.bool_]
    edge_modes: NDArray[np.uint8]
    edge_signals: NDArray[np.uint8]
    edge_calming: NDArray[np.uint8]
    names: tuple[str, ...]
    conditions: tuple[Condition, ...]
    cut_off: Mapping[str, float]
    dropped: Mapping[str, int]
    synthetic: bool
    source: str

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if isinstance(value, np.ndarray):
                value.setflags(write=False)

    @property
    def nodes(self) -> int:
        """Number of junctions and dead ends, and of arrivals and departures of junctions that were taken apart."""
        return len(self.node_lon)

    @property
    def junctions(self) -> int:
        """Number of places where roads meet or end: a junction that was taken apart is one."""
        return len(np.unique(self.node_lon + 1j * self.node_lat))

    @property
    def segments(self) -> int:
        """Number of pieces of way between junctions."""
        return len(self.segment_length_m)

    @property
    def edges(self) -> int:
        """Number of directed edges."""
        return len(self.edge_target)

    @property
    def edge_source(self) -> NDArray[np.int32]:
        """Source node of every edge, from the rows."""
        return np.repeat(np.arange(self.nodes, dtype=np.int32), np.diff(self.first_out))

    @property
    def edge_length_m(self) -> NDArray[np.float64]:
        """Length of every edge in metres."""
        return self.segment_length_m[self.edge_segment]

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east, north."""
        return (
            float(self.node_lon.min()),
            float(self.node_lat.min()),
            float(self.node_lon.max()),
            float(self.node_lat.max()),
        )

    @property
    def hash(self) -> str:
        """A fingerprint of everything that edge indices, times and permissions depend on."""
        digest = hashlib.sha256(FORMAT.encode())
        for item in fields(self):
            value = getattr(self, item.name)
            if isinstance(value, np.ndarray):
                digest.update(item.name.encode())
                digest.update(np.ascontiguousarray(value).data)
        digest.update(repr(self.conditions).encode())
        return digest.hexdigest()[:16]

    def permitted(self, mode: str) -> NDArray[np.bool_]:
        """Edges that ``mode`` may use, shape (edges,)."""
        permitted: NDArray[np.bool_] = (self.edge_modes & MODE_BIT[mode]) != 0
        return permitted

    def segment_line(self, segment: int) -> NDArray[np.float64]:
        """Points of a segment, shape (points, 2), lon and lat."""
        part = slice(self.segment_geometry[segment], self.segment_geometry[segment + 1])
        return np.column_stack((self.geometry_lon[part], self.geometry_lat[part]))

    @classmethod
    def from_osm(cls, path: Path | str, options: ReadOptions = ReadOptions()) -> "RoadNetwork":  # noqa: B008
        """Read an ``.osm.pbf``, ``.osm``, ``.osm.gz`` or ``.osm.bz2`` file.

        Raises
        ------
        InputError
            When the file is missing, cut, or has no usable road.
        """
        from lastmile.geo.assembly import build_network

        return build_network(read_highways(Path(path), options), source=Path(path).name)

    @classmethod
    def from_osmnx(cls, graph: "nx.MultiDiGraph[Any]") -> "RoadNetwork":
        """Convert an osmnx street graph; see :mod:`lastmile.geo.osmnx_graphs`."""
        from lastmile.geo.osmnx_graphs import from_osmnx

        return from_osmnx(graph)

    def to_osmnx(self) -> "nx.MultiDiGraph[Any]":
        """Convert to an osmnx street graph; see :mod:`lastmile.geo.osmnx_graphs`."""
        from lastmile.geo.osmnx_graphs import to_osmnx

        return to_osmnx(self)

    @classmethod
    def from_place(cls, name: str) -> "RoadNetwork":
        """Download the streets of a named place through osmnx; the only network access of the package."""
        from lastmile.geo.osmnx_graphs import from_place

        return from_place(name)

    def save(self, path: Path | str) -> None:
        """Write to a file, whole or not at all; see :mod:`lastmile.geo.storage`."""
        from lastmile.geo.storage import save

        save(Path(path), self)

    @classmethod
    def load(cls, path: Path | str) -> "RoadNetwork":
        """Read a file written by :meth:`save`; its arrays stay in the file until they are used.

        Raises
        ------
        InputError
            When the file is missing, damaged or of another version.
        """
        from lastmile.geo.storage import load

        return load(Path(path)).network
