"""Street graphs of osmnx: from and to :class:`~lastmile.geo.network.RoadNetwork`, and the download of a place.

An osmnx graph has one edge per direction and, once simplified, lists of values where ways were merged. Edges that are
each other's reverse become one segment again; of several values the strictest holds.
"""

import itertools
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final

import networkx as nx
import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS
from pyproj.exceptions import CRSError

from lastmile.errors import InputError
from lastmile.geo.assembly import Segments, assemble
from lastmile.geo.distances import step_lengths
from lastmile.geo.features import AREA_VALUES, POINT_VALUES, Feature, wanted
from lastmile.geo.network import RoadNetwork
from lastmile.geo.tags import (
    ALL_MODES,
    BRIDGE,
    ELEVATED,
    EXPRESSWAY,
    KEYS,
    MODE_BIT,
    MODES,
    ROAD_CLASSES,
    TUNNEL,
    RoadTags,
    read_road,
)

SOURCE: Final = "osmnx graph"
_TAGS: Final = tuple(key for key in KEYS if key != "oneway")
# Raw values of graphs that were made with osmnx's all_oneway; otherwise the presence of the reverse edge decides.
_RAW_ONEWAY: Final = frozenset({"-1", "reverse", "reversible", "alternating", "no"})
_KEPT: Final = {"Point": POINT_VALUES, "Polygon": AREA_VALUES, "MultiPolygon": AREA_VALUES}
_VEHICLES: Final = ALL_MODES - MODE_BIT["walk"]


@dataclass(frozen=True, slots=True)
class _Segment:
    """One road between two nodes; ``back`` is the reverse edge's attributes, None where there is none."""

    u: Any
    v: Any
    line: NDArray[np.float64]
    ahead: Mapping[str, Any]
    back: Mapping[str, Any] | None


def from_osmnx(graph: "nx.MultiDiGraph[Any]") -> RoadNetwork:
    """Convert an osmnx street graph, simplified or not.

    Tags are read as from a file, so a graph that was downloaded with few useful tags knows few limits;
    :func:`from_place` asks for all that matter. Edges that carry ``modes`` (see :func:`to_osmnx`) keep them.
    An edge without its reverse is one-way for vehicles and may be walked both ways.

    Raises
    ------
    InputError
        When the graph is not in degrees, has nodes without ``x`` and ``y``, or no usable road.
    """
    _check_degrees(graph)
    position = _positions(graph)
    dropped: dict[str, int] = {}

    def drop(reason: str) -> None:
        dropped[reason] = dropped.get(reason, 0) + 1

    segments: list[_Segment] = []
    tags: list[RoadTags] = []
    for segment in _segments(graph, position):
        read = _read(segment)
        if read is None:
            drop("edges that are no road or path, or closed to everyone")
            continue
        for key in read.unread:
            drop(f"values of {key} not understood ({'closed to vehicles' if key == 'oneway' else 'treated as absent'})")
        segments.append(segment)
        tags.append(read)
    if not segments:
        raise InputError.single(
            place=SOURCE, cause="the graph has no road", remedy="edges need the attribute 'highway' of OpenStreetMap"
        )
    used = list(dict.fromkeys(node for segment in segments for node in (segment.u, segment.v)))
    index = {node: number for number, node in enumerate(used)}
    u = np.array([index[segment.u] for segment in segments], dtype=np.int32)
    v = np.array([index[segment.v] for segment in segments], dtype=np.int32)
    points = np.concatenate([segment.line for segment in segments])
    length_m = np.array([_length(segment) for segment in segments])
    names, name = np.unique([_name(segment.ahead) for segment in segments], return_inverse=True)
    lit = [graph.nodes[node].get("highway") == "traffic_signals" for node in used]
    ends = np.column_stack((v, u))
    signals = [
        (_count(segment.ahead, "signals", lit[b]), _count(segment.back or {}, "signals", lit[a]))
        for segment, a, b in zip(segments, u.tolist(), v.tolist(), strict=True)
    ]
    calming = [(_count(segment.ahead, "calming"), _count(segment.back or {}, "calming")) for segment in segments]
    return assemble(
        Segments(
            tail=ends[:, ::-1].astype(np.int64),
            head=ends.astype(np.int64),
            modes=np.array([(read.forward, read.backward) for read in tags], dtype=np.uint8),
            signals=np.array(signals, dtype=np.uint8),
            calming=np.array(calming, dtype=np.uint8),
            geometry=np.concatenate(([0], np.cumsum([len(segment.line) for segment in segments]))),
            lon=points[:, 0].copy(),
            lat=points[:, 1].copy(),
            length_m=length_m,
            road=np.array([read.road for read in tags], dtype=np.uint8),
            flags=np.array([read.flags for read in tags], dtype=np.uint8),
            max_kmh=np.array([read.max_kmh for read in tags], dtype=np.float32),
            max_weight_t=np.array([read.max_weight_t for read in tags], dtype=np.float32),
            max_height_m=np.array([read.max_height_m for read in tags], dtype=np.float32),
            max_width_m=np.array([read.max_width_m for read in tags], dtype=np.float32),
            way=np.array([_whole(_values(segment.ahead.get("osmid", -1))[0], -1) for segment in segments]),
            name=name.astype(np.int32),
            turn=np.array([_count(segment.ahead, "turn") for segment in segments], dtype=np.uint8),
            condition=np.full(len(segments), -1, dtype=np.int32),
        ),
        node_osm=np.array([_whole(node, number) for number, node in enumerate(used)], dtype=np.int64),
        node_lon=np.array([position[node][0] for node in used]),
        node_lat=np.array([position[node][1] for node in used]),
        names=tuple(str(text) for text in names),
        conditions=(),
        dropped=dropped,
        synthetic=False,
        source=SOURCE,
    )


def _check_degrees(graph: "nx.MultiDiGraph[Any]") -> None:
    try:
        degrees = CRS.from_user_input(graph.graph.get("crs")).is_geographic
    except CRSError:
        degrees = False
    if not degrees:
        raise InputError.single(
            place=SOURCE,
            cause=f"its coordinate system is {graph.graph.get('crs')!r}, not longitude and latitude",
            remedy='project it back: osmnx.project_graph(graph, to_crs="epsg:4326")',
        )


def _positions(graph: "nx.MultiDiGraph[Any]") -> dict[Any, tuple[float, float]]:
    try:
        return {node: (float(place["x"]), float(place["y"])) for node, place in graph.nodes(data=True)}
    except (KeyError, TypeError, ValueError) as error:
        raise InputError.single(
            place=SOURCE, cause=f"a node has no place: {error!r}", remedy="every node needs numbers x and y, in degrees"
        ) from error


def _segments(graph: "nx.MultiDiGraph[Any]", position: Mapping[Any, tuple[float, float]]) -> Iterator[_Segment]:
    """Join every edge with its reverse: same ways, same points in the other order."""
    order = {node: number for number, node in enumerate(graph.nodes)}
    waiting: dict[Any, list[_Segment]] = {}
    found: list[_Segment | None] = []
    slot: dict[int, int] = {}
    for u, v, data in graph.edges(data=True):
        line = _line(data.get("geometry"), position[u], position[v])
        there, back = line.tobytes(), line[::-1].tobytes()
        swapped = order[u] > order[v] or (u == v and there > back)
        road = (
            tuple(sorted(map(str, _values(data.get("osmid", ""))))),
            min(there, back),
            *sorted((order[u], order[v])),
        )
        partners = waiting.get((road, not swapped))
        segment = _Segment(u, v, line, data, None)
        if partners:
            other = partners.pop()
            # The way's own direction leads, so that names of sides keep their meaning.
            ahead, behind = (segment, other) if _values(other.ahead.get("reversed", False))[0] else (other, segment)
            found[slot.pop(id(other))] = replace(ahead, back=behind.ahead)
        else:
            waiting.setdefault((road, swapped), []).append(segment)
            slot[id(segment)] = len(found)
            found.append(segment)
    return (segment for segment in found if segment is not None)


def _line(geometry: Any, start: tuple[float, float], end: tuple[float, float]) -> NDArray[np.float64]:
    if geometry is None or isinstance(geometry, float):  # NaN, where the graph came from a table
        return np.array([start, end])
    line: NDArray[np.float64] = shapely.get_coordinates(geometry)
    flipped = np.hypot(*(line[0] - start)) + np.hypot(*(line[-1] - end)) > (
        np.hypot(*(line[-1] - start)) + np.hypot(*(line[0] - end))
    )
    return line[::-1].copy() if flipped else line


def _values(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple | set) and value else [value]


def _absent(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _whole(value: Any, otherwise: int) -> int:
    return int(value) if isinstance(value, int | np.integer) else otherwise


def _name(data: Mapping[str, Any]) -> str:
    return " / ".join(str(value) for value in _values(data.get("name")) if not _absent(value))


def _length(segment: _Segment) -> float:
    """Length in metres as the graph states it, else along the geometry."""
    length = segment.ahead.get("length")
    if isinstance(length, int | float) and math.isfinite(length) and length >= 0:
        return float(length)
    return float(step_lengths(segment.line[:, 0], segment.line[:, 1]).sum())


def _read(segment: _Segment) -> RoadTags | None:
    data = segment.ahead
    several = []
    for key in _TAGS:
        values = sorted({str(value) for value in _values(data.get(key)) if not _absent(value)})
        if values:
            several.append(tuple((key, value) for value in values))
    if segment.back is None:
        raw = str(_values(data.get("oneway"))[0]).strip().lower()
        several.append((("oneway", raw if raw in _RAW_ONEWAY else "yes"),))
    elif "reversed" not in data:
        several.append((("oneway", "no"),))
    # Else unstated: osmnx makes a motorway without the tag two-way, read_road one-way in the way's own direction.
    stated = _stated_modes(data)
    if stated is not None:
        several.append((("foot", "yes"),))  # so that no road is left out; the stated modes replace what follows from it
    read = _strictest(tuple(several))
    if read is None or stated is None:
        return read
    return replace(read, forward=stated, backward=(_stated_modes(segment.back) or 0) if segment.back else 0)


def _count(data: Mapping[str, Any], key: str, default: int = 0) -> int:
    """A small number that :func:`to_osmnx` wrote."""
    value = data.get(key, default)
    try:
        return min(max(int(value), 0), 255)
    except (TypeError, ValueError):
        return int(default)


def _stated_modes(data: Mapping[str, Any]) -> int | None:
    modes = data.get("modes")
    return sum(MODE_BIT.get(mode, 0) for mode in set(modes.split(";"))) if isinstance(modes, str) else None


@lru_cache(maxsize=4096)
def _strictest(several: tuple[tuple[tuple[str, str], ...], ...]) -> RoadTags | None:
    """What holds on all of the merged ways; which value belongs to which of them is not in the graph."""
    result: RoadTags | None = None
    for combination in itertools.product(*several):
        read = read_road(dict(combination))
        if read is None:
            return None
        if result is None:
            result = read
            continue
        result = RoadTags(
            road=max(result.road, read.road),  # classes are ordered from fast to slow
            forward=result.forward & read.forward,
            backward=result.backward & read.backward,
            flags=result.flags | read.flags,
            max_kmh=min(filter(None, (result.max_kmh, read.max_kmh)), default=0.0),
            max_weight_t=min(result.max_weight_t, read.max_weight_t),
            max_height_m=min(result.max_height_m, read.max_height_m),
            max_width_m=min(result.max_width_m, read.max_width_m),
            unread=tuple(dict.fromkeys(result.unread + read.unread)),
        )
    return result if result is not None and result.forward | result.backward else None


def to_osmnx(network: RoadNetwork) -> "nx.MultiDiGraph[Any]":
    """Convert to a street graph that osmnx can route on, plot and save.

    Nodes have their OSM ids, ``x`` and ``y``. Every direction that someone may use is an edge; ``modes`` says who
    (``walk;e_trike``), so a one-way street has a reverse edge for walkers. ``oneway`` speaks of vehicles; ``signals``,
    ``calming`` and ``turn`` are those of the network. What changes by the hour is not carried over.
    """
    graph: nx.MultiDiGraph[Any] = nx.MultiDiGraph(crs="epsg:4326", simplified=True, name=network.source)
    unique = len(np.unique(network.node_osm)) == network.nodes
    ids = (network.node_osm if unique else np.arange(network.nodes)).tolist()
    source, target = network.edge_source, network.edge_target
    for node in np.unique(np.concatenate((source, target))).tolist():
        graph.add_node(ids[node], x=float(network.node_lon[node]), y=float(network.node_lat[node]))
    driven = np.zeros((network.segments, 2), dtype=bool)
    driven[network.edge_segment, network.edge_forward.astype(int)] = (network.edge_modes & _VEHICLES) != 0
    oneway = driven[:, 0] != driven[:, 1]
    common = [_attributes(network, segment) for segment in range(network.segments)]
    modes = {
        bits: ";".join(mode for mode in MODES if bits & MODE_BIT[mode]) for bits in set(network.edge_modes.tolist())
    }
    for edge in np.flatnonzero(network.edge_modes).tolist():
        segment, ahead = int(network.edge_segment[edge]), bool(network.edge_forward[edge])
        line = network.segment_line(segment)
        graph.add_edge(
            ids[source[edge]],
            ids[target[edge]],
            **common[segment],
            oneway=bool(oneway[segment]),
            reversed=not ahead,
            geometry=shapely.LineString(line if ahead else line[::-1]),
            modes=modes[int(network.edge_modes[edge])],
            signals=int(network.edge_signals[edge]),
            calming=int(network.edge_calming[edge]),
        )
    return graph


def _attributes(network: RoadNetwork, segment: int) -> dict[str, Any]:
    flags = int(network.segment_flags[segment])
    data: dict[str, Any] = {
        "osmid": int(network.segment_way[segment]),
        "highway": ROAD_CLASSES[network.segment_road[segment]],
        "length": float(network.segment_length_m[segment]),
        "turn": int(network.segment_turn[segment]),
    }
    if flags & (BRIDGE | ELEVATED):
        data["bridge"] = "viaduct" if flags & ELEVATED else "yes"
    if flags & TUNNEL:
        data["tunnel"] = "yes"
    if flags & EXPRESSWAY:
        data["expressway"] = "yes"
    if network.segment_max_kmh[segment] > 0:
        data["maxspeed"] = str(network.segment_max_kmh[segment])
    for key, limit in (
        ("maxweight", network.segment_max_weight_t[segment]),
        ("maxheight", network.segment_max_height_m[segment]),
        ("maxwidth", network.segment_max_width_m[segment]),
    ):
        if np.isfinite(limit):
            data[key] = str(limit)
    if name := network.names[network.segment_name[segment]]:
        data["name"] = name
    return data


@contextmanager
def _downloading(name: str, what: str) -> Iterator[None]:
    """Turn what osmnx raises into InputError; its ValueErrors include an unknown place and a refusing server."""
    try:
        yield
    except (ValueError, TypeError, RuntimeError, OSError) as error:
        raise InputError.single(
            place=f"map.place {name!r}",
            cause=f"the {what} cannot be downloaded: {type(error).__name__}: {error}",
            remedy="check the spelling and the connection, or download an extract and give its file as map.osm",
        ) from error


def from_place(name: str) -> RoadNetwork:
    """Download the streets of a named place; this and :func:`features_from_place` alone use the network.

    Raises
    ------
    InputError
        When the place is not found, the servers do not answer, or nothing usable comes.
    """
    import osmnx as ox  # slow to import, and only needed here

    before = ox.settings.useful_tags_way
    ox.settings.useful_tags_way = sorted({*before, *KEYS})
    try:
        with _downloading(name, "streets"):
            graph = ox.graph_from_place(name, network_type="all", simplify=False, retain_all=True)
            # Merged only within one way, every segment keeps that way's tags exactly.
            graph = ox.simplify_graph(graph, edge_attrs_differ=["osmid"])
    finally:
        ox.settings.useful_tags_way = before
    return replace(from_osmnx(graph), source=name)


def features_from_place(name: str) -> tuple[Feature, ...]:
    """Download the places and areas of a named place, those that :func:`~lastmile.geo.features.read_features` keeps.

    Raises
    ------
    InputError
        When the place is not found, the servers do not answer, or nothing comes.
    """
    import osmnx as ox

    asked: dict[str, bool | str | list[str]] = {}
    for key in {**POINT_VALUES, **AREA_VALUES}:
        values = [POINT_VALUES.get(key, frozenset()), AREA_VALUES.get(key, frozenset())]
        asked[key] = True if None in values else sorted(frozenset().union(*filter(None, values)))
    with _downloading(name, "places"):
        table = ox.features_from_place(name, asked)
    columns = table.drop(columns="geometry").to_dict("records")
    features = []
    for (element, number), geometry, values in zip(table.index, table.geometry, columns, strict=True):
        tags = {key: value for key, value in values.items() if isinstance(value, str)}
        kept = _KEPT.get(geometry.geom_type)
        if kept is not None and wanted(tags, kept):
            features.append(
                Feature(osm_id=f"{element}/{number}", name=tags.get("name", ""), tags=tags, geometry=geometry)
            )
    return tuple(features)
