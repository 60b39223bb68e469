"""The road network: immutable arrays of segments and directed edges, one largest component per mode of travel.

A segment is a piece of a way between two junctions, with its geometry; an edge is a segment in one direction. Edges
are sorted by their source node, so ``first_out`` and ``edge_target`` are the compressed rows that the compiled
searches walk.
"""

import hashlib
import io
import json
import os
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from lastmile.errors import InputError
from lastmile.geo.osm import Highways, read_highways
from lastmile.geo.tags import ALL_MODES, MODE_BIT, MODES, RoadTags, TurnRule

if TYPE_CHECKING:
    import networkx as nx

FORMAT: Final = "lastmile-network/2"
# What numpy, zipfile and the checks raise on a damaged file.
_DAMAGED: Final = (
    OSError, ValueError, KeyError, TypeError, AttributeError, SyntaxError, EOFError, MemoryError, RuntimeError,
    zipfile.BadZipFile, zlib.error,
)  # fmt: skip
_A: Final = 6_378_137.0
_E2: Final = 0.006_694_379_990_14


def metres_per_degree(lat: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Metres in one degree of longitude and of latitude on the WGS-84 ellipsoid, exact for short pieces."""
    sin2 = np.sin(np.radians(lat)) ** 2
    root = np.sqrt(1 - _E2 * sin2)
    per_lon = np.radians(1.0) * _A / root * np.cos(np.radians(lat))
    per_lat = np.radians(1.0) * _A * (1 - _E2) / root**3
    return per_lon, per_lat


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
        into ``names``.
    first_out
        int32, shape (nodes + 1,): edges leaving node ``v`` are ``first_out[v]:first_out[v + 1]``.
    edge_target, edge_segment
        int32, shape (edges,). ``edge_forward``: bool, along the segment's geometry or against it.
    edge_modes
        uint8 bits of ``tags.MODE_BIT``: who may use the edge. Bits outside the mode's largest strongly connected
        component are cleared, so that whoever enters can also return.
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
    first_out: NDArray[np.int32]
    edge_target: NDArray[np.int32]
    edge_segment: NDArray[np.int32]
    edge_forward: NDArray[np.bool_]
    edge_modes: NDArray[np.uint8]
    names: tuple[str, ...]
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
        """Number of junctions and dead ends."""
        return len(self.node_lon)

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
                digest.update(np.ascontiguousarray(value).tobytes())
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
    def from_osm(cls, path: Path | str) -> "RoadNetwork":
        """Read an ``.osm.pbf``, ``.osm``, ``.osm.gz`` or ``.osm.bz2`` file.

        Raises
        ------
        InputError
            When the file is missing, cut, or has no usable road.
        """
        return build_network(read_highways(Path(path)), source=Path(path).name)

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
        """Write to an ``.npz`` file, whole or not at all."""
        path = Path(path)
        arrays: dict[str, Any] = {
            item.name: getattr(self, item.name)
            for item in fields(self)
            if isinstance(getattr(self, item.name), np.ndarray)
        }
        arrays["format"] = np.array(FORMAT)
        arrays["names"] = np.frombuffer(json.dumps(self.names).encode(), dtype=np.uint8)
        arrays["cut_off"] = np.array([self.cut_off[mode] for mode in MODES])
        arrays["dropped_reasons"] = np.array(list(self.dropped), dtype=np.str_)
        arrays["dropped_counts"] = np.array(list(self.dropped.values()), dtype=np.int64)
        arrays["synthetic"] = np.array(self.synthetic)
        arrays["source"] = np.array(self.source)
        temporary = path.with_name(f"{path.name}.{os.getpid()}.part")
        try:
            with temporary.open("wb") as handle:
                np.savez(handle, **arrays)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise

    @classmethod
    def load(cls, path: Path | str) -> "RoadNetwork":
        """Read a file written by :meth:`save`.

        Raises
        ------
        InputError
            When the file is missing, damaged or of another version.
        """
        path = Path(path)
        try:
            with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as stored:
                if str(stored["format"]) != FORMAT:
                    raise ValueError(f"it is of format {stored['format']}, this version reads {FORMAT}")
                arrays = {item.name: stored[item.name] for item in fields(cls) if item.name in stored}
                arrays["names"] = tuple(json.loads(bytes(stored["names"])))
                arrays["cut_off"] = dict(zip(MODES, stored["cut_off"].tolist(), strict=True))
                arrays["dropped"] = dict(
                    zip(stored["dropped_reasons"].tolist(), stored["dropped_counts"].tolist(), strict=True)
                )
                arrays["synthetic"] = bool(stored["synthetic"])
                arrays["source"] = str(stored["source"])
                return cls(**arrays)
        except _DAMAGED as error:
            raise InputError.single(
                place=str(path),
                cause=f"no readable network file: {error}",
                remedy="build it again with: lastmile network build MAP -o FILE",
            ) from error


def build_network(highways: Highways, *, source: str) -> RoadNetwork:
    """Cut ways at their junctions, make directed edges, keep the largest component of every mode.

    Raises
    ------
    InputError
        When nothing usable is left.
    """
    pieces = _split_at_junctions(highways, source)
    combinations = highways.tags
    kind = highways.kind[pieces.way_index]
    forward = _per_tag(combinations, "forward", np.uint8)[kind]
    backward = _per_tag(combinations, "backward", np.uint8)[kind]
    junctions = len(pieces.first_position)
    pieces, turns, unclear = restrict_turns(highways, pieces)
    kind = np.concatenate((kind, kind[turns.piece]))
    forward, backward = np.concatenate((forward, turns.modes)), np.concatenate((backward, np.zeros_like(turns.modes)))
    ends = np.concatenate((pieces.node_u, pieces.node_v, pieces.back_v, pieces.back_u))
    used, node_index = np.unique(ends, return_inverse=True)
    u, v, *others = np.split(node_index.astype(np.int32), 4)
    back = (others[0], others[1])
    forward, backward, cut_off = largest_components(
        u, v, forward, backward, pieces.length_m, nodes=len(used), back=back
    )
    names, name_index = np.unique(np.array(highways.names, dtype=object), return_inverse=True)
    return assemble(
        # Arrivals and departures of junctions that were taken apart have no id of their own.
        node_osm=np.where(used < junctions, highways.node[pieces.first_position[used]], junctions - 1 - used),
        node_lon=highways.lon[pieces.first_position[used]],
        node_lat=highways.lat[pieces.first_position[used]],
        u=u,
        v=v,
        back=back,
        forward=forward,
        backward=backward,
        segment={
            "geometry": pieces.geometry,
            "lon": highways.lon[pieces.points],
            "lat": highways.lat[pieces.points],
            "length_m": pieces.length_m,
            "road": _per_tag(combinations, "road", np.uint8)[kind],
            "flags": _per_tag(combinations, "flags", np.uint8)[kind],
            "max_kmh": _per_tag(combinations, "max_kmh", np.float32)[kind],
            "max_weight_t": _per_tag(combinations, "max_weight_t", np.float32)[kind],
            "max_height_m": _per_tag(combinations, "max_height_m", np.float32)[kind],
            "max_width_m": _per_tag(combinations, "max_width_m", np.float32)[kind],
            "way": highways.way[pieces.way_index],
            "name": name_index.astype(np.int32)[pieces.way_index],
        },
        names=tuple(str(name) for name in names),
        cut_off=cut_off,
        dropped={**highways.dropped, **unclear},
        synthetic=highways.synthetic,
        source=source,
    )


def _per_tag(combinations: tuple[RoadTags, ...], attribute: str, dtype: Any) -> NDArray[Any]:
    return np.array([getattr(tags, attribute) for tags in combinations], dtype=dtype)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pieces:
    """Segments before their nodes are numbered: along them from u to v, against them from back_v to back_u.

    Both directions share their nodes but where turns are restricted.
    """

    node_u: NDArray[np.int64]
    node_v: NDArray[np.int64]
    back_u: NDArray[np.int64]
    back_v: NDArray[np.int64]
    way_index: NDArray[np.int64]
    geometry: NDArray[np.int64]
    points: NDArray[np.int64]
    length_m: NDArray[np.float64]
    first_position: NDArray[np.int64]


def _split_at_junctions(highways: Highways, source: str) -> _Pieces:
    """Cut ways where they meet, at missing nodes and at their ends; all in arrays over node references."""
    way_of = np.repeat(np.arange(len(highways.way)), np.diff(highways.offset))
    present = ~np.isnan(highways.lon)
    position = np.flatnonzero(present)
    node, way = highways.node[position], way_of[position]
    # A repeated reference would make a piece of no length between a node and itself.
    same = np.zeros(len(position), dtype=bool)
    same[1:] = (node[1:] == node[:-1]) & (way[1:] == way[:-1]) & (position[1:] == position[:-1] + 1)
    position, node, way = position[~same], node[~same], way[~same]
    _, first, inverse, count = np.unique(node, return_index=True, return_inverse=True, return_counts=True)
    # A gap in positions within a way is a missing node (or the repeated reference just removed, which is no gap).
    original = np.cumsum(~present)[position]
    joined = (way[1:] == way[:-1]) & (original[1:] == original[:-1])
    starts = np.concatenate(([True], ~joined))
    ends = np.concatenate((~joined, [True]))
    cut = (count[inverse] > 1) | starts | ends
    # Every cut point that does not end its run opens a piece that reaches to the next cut point.
    cut_at = np.flatnonzero(cut)
    opens = cut_at[:-1][~ends[cut_at[:-1]]] if len(cut_at) else cut_at
    closes = cut_at[1:][~ends[cut_at[:-1]]] if len(cut_at) else cut_at
    if not len(opens):
        raise InputError.single(
            place=source, cause="no road has two nodes with a place", remedy="take a complete extract of the region"
        )
    sizes = closes - opens + 1
    geometry = np.concatenate(([0], np.cumsum(sizes)))
    points = np.repeat(opens - geometry[:-1], sizes) + np.arange(geometry[-1])
    lon, lat = highways.lon[position[points]], highways.lat[position[points]]
    steps = step_lengths(lon, lat)
    steps[geometry[1:-1] - 1] = 0.0  # the jump from one piece's last point to the next piece's first
    return _Pieces(
        node_u=inverse[opens],
        node_v=inverse[closes],
        back_u=inverse[opens],
        back_v=inverse[closes],
        way_index=way[opens],
        geometry=geometry,
        points=position[points],
        length_m=np.add.reduceat(np.append(steps, 0.0), geometry[:-1]),
        first_position=position[first],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Turns:
    """Segments of no length that stand for permitted turns: the piece each comes from, and who may turn."""

    piece: NDArray[np.int64]
    modes: NDArray[np.uint8]


def restrict_turns(highways: Highways, pieces: _Pieces) -> tuple[_Pieces, _Turns, dict[str, int]]:
    """Take junctions with turn restrictions apart: every road arrives and leaves at nodes of its own.

    Turns lead from arrivals to departures: one-way segments of no length that carry the modes which may turn so.

    Returns
    -------
    The pieces with their turns behind them, what the turns carry, and restrictions that were not applied, counted.
    """
    by_node: dict[int, list[TurnRule]] = {}
    for rule in highways.turns:
        by_node.setdefault(rule.via_node, []).append(rule)
    nothing = _Turns(piece=np.empty(0, dtype=np.int64), modes=np.empty(0, dtype=np.uint8))
    if not by_node:
        return pieces, nothing, {}
    # Positions in `first_position` of the junctions that the rules speak of.
    names = highways.node[pieces.first_position]
    restricted = np.flatnonzero(np.isin(names, np.fromiter(by_node, dtype=np.int64, count=len(by_node))))
    touched = np.isin(pieces.node_u, restricted) | np.isin(pieces.node_v, restricted)
    ends: dict[int, list[tuple[int, bool]]] = {}
    for piece in np.flatnonzero(touched).tolist():
        ends.setdefault(int(pieces.node_u[piece]), []).append((piece, True))
        ends.setdefault(int(pieces.node_v[piece]), []).append((piece, False))
    way = highways.way[pieces.way_index]
    node_u, node_v = pieces.node_u.copy(), pieces.node_v.copy()
    back_u, back_v = pieces.back_u.copy(), pieces.back_v.copy()
    twins: list[int] = []
    source, target, owner, modes = [], [], [], []
    unclear = 0
    for node in restricted.tolist():
        around = ends.get(node, [])
        rules = by_node[int(names[node])]
        ways_here = [int(way[piece]) for piece, _ in around]
        # A road that goes on behind the junction under the same id leaves open which of its two parts is meant.
        clear = [rule for rule in rules if ways_here.count(rule.from_way) == ways_here.count(rule.to_way) == 1]
        unclear += len(rules) - len(clear)
        if not clear:
            continue
        arrival, departure = [], []
        for piece, at_start in around:
            arrival.append(len(names) + len(twins))
            departure.append(arrival[-1] + 1)
            twins += [node, node]
            # Along the segment one departs from its start and arrives at its end; against it, the other way round.
            if at_start:
                node_u[piece], back_u[piece] = departure[-1], arrival[-1]
            else:
                node_v[piece], back_v[piece] = arrival[-1], departure[-1]
        for a, (piece, _) in enumerate(around):
            for b in range(len(around)):
                allowed = ALL_MODES
                for rule in clear:
                    if rule.from_way == ways_here[a] and (rule.to_way == ways_here[b]) != rule.only:
                        allowed &= ~rule.modes
                source.append(arrival[a])
                target.append(departure[b])
                owner.append(piece)
                modes.append(allowed & ALL_MODES)
    counted = {"turn restrictions whose roads are unclear (not applied)": unclear} if unclear else {}
    if not source:
        return pieces, nothing, counted
    turned = np.array(owner, dtype=np.int64)
    first_position = np.concatenate((pieces.first_position, pieces.first_position[twins]))
    there = first_position[source]
    return (
        _Pieces(
            node_u=np.concatenate((node_u, source)),
            node_v=np.concatenate((node_v, target)),
            back_u=np.concatenate((back_u, source)),
            back_v=np.concatenate((back_v, target)),
            way_index=np.concatenate((pieces.way_index, pieces.way_index[turned])),
            geometry=np.concatenate((pieces.geometry, pieces.geometry[-1] + 2 * np.arange(1, len(source) + 1))),
            points=np.concatenate((pieces.points, np.repeat(there, 2))),
            length_m=np.concatenate((pieces.length_m, np.zeros(len(source)))),
            first_position=first_position,
        ),
        _Turns(piece=turned, modes=np.array(modes, dtype=np.uint8)),
        counted,
    )


def step_lengths(lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.float64]:
    """Metres between neighbouring points of a line."""
    per_lon, per_lat = metres_per_degree((lat[1:] + lat[:-1]) / 2)
    return np.hypot(np.diff(lon) * per_lon, np.diff(lat) * per_lat)


def largest_components(
    u: NDArray[np.int32],
    v: NDArray[np.int32],
    forward: NDArray[np.uint8],
    backward: NDArray[np.uint8],
    length_m: NDArray[np.float64],
    *,
    nodes: int,
    back: tuple[NDArray[np.int32], NDArray[np.int32]] | None = None,
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], dict[str, float]]:
    """Clear every mode's bits outside its largest strongly connected component (by metres of road).

    Parameters
    ----------
    back
        Nodes where the way against each segment begins and ends; ``(v, u)`` where absent.

    Returns
    -------
    The two arrays of bits, and per mode the metres of segments that nobody of that mode may use any more.
    """
    back_source, back_target = (v, u) if back is None else back
    forward, backward = forward.copy(), backward.copy()
    cut_off: dict[str, float] = {}
    for mode in MODES:
        bit = MODE_BIT[mode]
        ahead, against = (forward & bit) != 0, (backward & bit) != 0
        before = float(length_m[ahead | against].sum())
        source = np.concatenate((u[ahead], back_source[against]))
        target = np.concatenate((v[ahead], back_target[against]))
        matrix = csr_array((np.ones(len(source), dtype=np.int8), (source, target)), shape=(nodes, nodes))
        _, label = connected_components(matrix, directed=True, connection="strong")
        along = ahead & (label[u] == label[v])
        other = against & (label[back_source] == label[back_target])
        # A road that can be driven both ways counts once, for the component of its forward direction.
        of_road = np.where(along, label[u], label[back_source])
        usable = along | other
        metres = np.bincount(of_road[usable], weights=length_m[usable], minlength=1)
        largest = metres.argmax()
        keep, keep_back = along & (label[u] == largest), other & (label[back_source] == largest)
        forward[~keep] &= np.uint8(0xFF ^ bit)
        backward[~keep_back] &= np.uint8(0xFF ^ bit)
        cut_off[mode] = before - float(length_m[keep | keep_back].sum())
    return forward, backward, cut_off


def assemble(
    *,
    node_osm: NDArray[np.int64],
    node_lon: NDArray[np.float64],
    node_lat: NDArray[np.float64],
    u: NDArray[np.int32],
    v: NDArray[np.int32],
    forward: NDArray[np.uint8],
    backward: NDArray[np.uint8],
    segment: Mapping[str, NDArray[Any]],
    names: tuple[str, ...],
    cut_off: Mapping[str, float],
    dropped: Mapping[str, int],
    synthetic: bool,
    source: str,
    back: tuple[NDArray[np.int32], NDArray[np.int32]] | None = None,
) -> RoadNetwork:
    """Make the directed rows from segments and the modes that may go along and against them.

    ``back``: nodes where the way against each segment begins and ends; ``(v, u)`` where absent.
    """
    along, against = np.flatnonzero(forward), np.flatnonzero(backward)
    back_source, back_target = (v, u) if back is None else back
    edge_source = np.concatenate((u[along], back_source[against]))
    edge_segment = np.concatenate((along, against)).astype(np.int32)
    edge_forward = np.concatenate((np.ones(len(along), dtype=bool), np.zeros(len(against), dtype=bool)))
    order = np.lexsort((~edge_forward, edge_segment, edge_source))
    if not len(order):
        raise InputError.single(
            place=source, cause="no road is usable by anyone", remedy="use an extract that contains public roads"
        )
    counts = np.bincount(edge_source, minlength=len(node_lon))
    return RoadNetwork(
        node_lon=node_lon,
        node_lat=node_lat,
        node_osm=node_osm,
        segment_geometry=segment["geometry"].astype(np.int64),
        geometry_lon=segment["lon"],
        geometry_lat=segment["lat"],
        segment_length_m=segment["length_m"],
        segment_road=segment["road"].astype(np.uint8),
        segment_flags=segment["flags"].astype(np.uint8),
        segment_max_kmh=segment["max_kmh"].astype(np.float32),
        segment_max_weight_t=segment["max_weight_t"].astype(np.float32),
        segment_max_height_m=segment["max_height_m"].astype(np.float32),
        segment_max_width_m=segment["max_width_m"].astype(np.float32),
        segment_way=segment["way"].astype(np.int64),
        segment_name=segment["name"].astype(np.int32),
        first_out=np.concatenate(([0], np.cumsum(counts))).astype(np.int32),
        edge_target=np.concatenate((v[along], back_target[against]))[order].astype(np.int32),
        edge_segment=edge_segment[order],
        edge_forward=edge_forward[order],
        edge_modes=np.concatenate((forward[along], backward[against]))[order].astype(np.uint8),
        names=names,
        cut_off=dict(cut_off),
        dropped=dict(dropped),
        synthetic=synthetic,
        source=source,
    )
