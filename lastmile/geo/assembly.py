"""From roads to a network: ways are cut where they meet, turns are laid, every mode keeps its largest component."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lastmile import _core
from lastmile.errors import InputError
from lastmile.geo.conditions import Condition
from lastmile.geo.distances import step_lengths
from lastmile.geo.junctions import Pieces, take_apart
from lastmile.geo.network import RoadNetwork
from lastmile.geo.osm import Highways
from lastmile.geo.tags import BACKWARD, DETOUR, FORWARD, MODE_BIT, MODES, RoadTags

_ONE_SIGNAL_M: Final = 50.0  # signals nearer than this belong to one crossing of wide roads and hold up once


@dataclass(frozen=True, slots=True, kw_only=True)
class Segments:
    """Roads between junctions, both directions of each: column 0 along its geometry, column 1 against it.

    Parameters
    ----------
    tail, head
        int64, shape (segments, 2): nodes where each direction begins and ends.
    modes, signals, calming
        uint8, shape (segments, 2): who may go there; traffic signals and slowing devices met on the way.
    lon, lat
        Of all points of all segments; segment ``s`` has ``geometry[s]:geometry[s + 1]`` of them.

    The others are those of :class:`~lastmile.geo.network.RoadNetwork`, without ``segment_``.
    """

    tail: NDArray[np.int64]
    head: NDArray[np.int64]
    modes: NDArray[np.uint8]
    signals: NDArray[np.uint8]
    calming: NDArray[np.uint8]
    geometry: NDArray[np.int64]
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    length_m: NDArray[np.float64]
    road: NDArray[np.uint8]
    flags: NDArray[np.uint8]
    max_kmh: NDArray[np.float32]
    max_weight_t: NDArray[np.float32]
    max_height_m: NDArray[np.float32]
    max_width_m: NDArray[np.float32]
    way: NDArray[np.int64]
    name: NDArray[np.int32]
    turn: NDArray[np.uint8]
    condition: NDArray[np.int32]


def build_network(highways: Highways, *, source: str) -> RoadNetwork:
    """Cut ways at their junctions, make directed edges, keep the largest component of every mode.

    Raises
    ------
    InputError
        When nothing usable is left.
    """
    table = [condition for condition in highways.conditions if condition is not None]
    of_kind = np.full(len(highways.tags), -1, dtype=np.int32)
    of_kind[[kind for kind, condition in enumerate(highways.conditions) if condition is not None]] = np.arange(
        len(table)
    )
    roads = _cut(highways, of_kind, source)
    signals, calming = _delays(highways, roads)
    pieces, turn_conditions, unclear = take_apart(highways, roads, first_condition=len(table))
    kind = highways.kind[pieces.way_index]
    used, ends = np.unique(np.concatenate((pieces.tail.ravel(), pieces.head.ravel())), return_inverse=True)
    tail, head = ends.reshape(2, -1, 2)
    position = pieces.first_position[used]
    junctions = len(roads.first_position)
    tags = highways.tags
    flags = _per_tag(tags, "flags", np.uint8)[kind]
    return assemble(
        Segments(
            tail=tail,
            head=head,
            modes=pieces.modes,
            signals=signals[pieces.origin] * (pieces.turn == 0)[:, None],
            calming=calming[pieces.origin] * (pieces.turn == 0)[:, None],
            geometry=pieces.geometry,
            lon=highways.lon[pieces.points],
            lat=highways.lat[pieces.points],
            length_m=pieces.length_m,
            road=_per_tag(tags, "road", np.uint8)[kind],
            flags=np.where(pieces.detour, flags | DETOUR, flags),
            max_kmh=_per_tag(tags, "max_kmh", np.float32)[kind],
            max_weight_t=_per_tag(tags, "max_weight_t", np.float32)[kind],
            max_height_m=_per_tag(tags, "max_height_m", np.float32)[kind],
            max_width_m=_per_tag(tags, "max_width_m", np.float32)[kind],
            way=highways.way[pieces.way_index],
            name=highways.name[pieces.way_index],
            turn=pieces.turn,
            condition=pieces.condition,
        ),
        # Arrivals and departures of junctions that were taken apart have no id of their own.
        node_osm=np.where(used < junctions, highways.node[position], junctions - 1 - used),
        node_lon=highways.lon[position],
        node_lat=highways.lat[position],
        names=highways.names,
        conditions=(*table, *turn_conditions),
        dropped={**highways.dropped, **unclear},
        synthetic=highways.synthetic,
        source=source,
    )


def _per_tag(combinations: tuple[RoadTags, ...], attribute: str, dtype: Any) -> NDArray[Any]:
    return np.array([getattr(tags, attribute) for tags in combinations], dtype=dtype)


def _cut(highways: Highways, of_kind: NDArray[np.int32], source: str) -> Pieces:
    """Cut ways where they meet, at barriers, at missing nodes and at their ends; arrays over node references."""
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
    cut = (count[inverse] > 1) | starts | ends | _barriers(highways, node)
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
    steps = step_lengths(highways.lon[position[points]], highways.lat[position[points]])
    steps[geometry[1:-1] - 1] = 0.0  # the jump from one piece's last point to the next piece's first
    kind = highways.kind[way[opens]]
    return Pieces(
        tail=np.column_stack((inverse[opens], inverse[closes])),
        head=np.column_stack((inverse[closes], inverse[opens])),
        modes=np.column_stack(
            (
                _per_tag(highways.tags, "forward", np.uint8)[kind],
                _per_tag(highways.tags, "backward", np.uint8)[kind],
            )
        ),
        way_index=way[opens],
        origin=np.arange(len(opens)),
        geometry=geometry,
        points=position[points],
        length_m=np.add.reduceat(np.append(steps, 0.0), geometry[:-1]),
        turn=np.zeros(len(opens), dtype=np.uint8),
        detour=np.zeros(len(opens), dtype=bool),
        condition=of_kind[kind],
        first_position=position[first],
    )


def _barriers(highways: Highways, node: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which node references are to a barrier."""
    marked = highways.marks.node[highways.marks.barrier > 0]
    if not len(marked):
        return np.zeros(len(node), dtype=bool)
    # np.isin would do, but it loads numpy.ma, which takes longer than reading a city.
    found: NDArray[np.bool_] = marked[np.minimum(np.searchsorted(marked, node), len(marked) - 1)] == node
    return found


def _delays(highways: Highways, roads: Pieces) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Signals and slowing devices met along and against every piece, at its end or on the way, not at its start."""
    marks = highways.marks
    if not len(marks.node):
        nothing = np.zeros((len(roads.length_m), 2), dtype=np.uint8)
        return nothing, nothing
    node = highways.node[roads.points]
    at = np.minimum(np.searchsorted(marks.node, node), len(marks.node) - 1)
    marked = marks.node[at] == node
    first, last = roads.geometry[:-1], roads.geometry[1:] - 1
    degree = np.bincount(roads.tail.ravel(), minlength=len(roads.first_position))
    found = []
    for bits in (marks.signals, marks.calming):
        mark = np.where(marked, bits[at], 0)
        # Where roads meet, a mark is about all of them, whatever the direction of the way it was drawn for.
        for ends, column in ((first, 0), (last, 1)):
            crossing = (degree[roads.tail[:, column]] > 2) & (mark[ends] > 0)
            mark[ends[crossing]] = FORWARD | BACKWARD
        along, against = (mark & FORWARD) > 0, (mark & BACKWARD) > 0
        counts = np.column_stack(
            (
                np.add.reduceat(along.astype(np.int64), first) - along[first],
                np.add.reduceat(against.astype(np.int64), first) - against[last],
            )
        )
        if bits is marks.signals:
            one = along[first] & along[last] & (roads.length_m < _ONE_SIGNAL_M)
            counts[one] -= np.minimum(counts[one], 1)
        found.append(np.minimum(counts, 255).astype(np.uint8))
    return found[0], found[1]


def assemble(
    segments: Segments,
    *,
    node_osm: NDArray[np.int64],
    node_lon: NDArray[np.float64],
    node_lat: NDArray[np.float64],
    names: tuple[str, ...],
    conditions: tuple[Condition, ...],
    dropped: Mapping[str, int],
    synthetic: bool,
    source: str,
) -> RoadNetwork:
    """Make the directed rows of the segments that somebody may use, less what is cut off from the rest.

    Raises
    ------
    InputError
        When nobody may use any.
    """
    modes, cut_off = largest_components(
        segments.tail, segments.head, segments.modes, segments.length_m, nodes=len(node_lon)
    )
    usable = np.flatnonzero(modes.ravel())
    if not len(usable):
        raise InputError.single(
            place=source, cause="no road is usable by anyone", remedy="use an extract that contains public roads"
        )
    # Directed segments are numbered 2 s along and 2 s + 1 against: a stable sort by tail keeps their order.
    edges = usable[np.argsort(segments.tail.ravel()[usable], kind="stable")]
    counts = np.bincount(segments.tail.ravel()[edges], minlength=len(node_lon))
    return RoadNetwork(
        node_lon=node_lon,
        node_lat=node_lat,
        node_osm=node_osm,
        segment_geometry=segments.geometry.astype(np.int64),
        geometry_lon=segments.lon,
        geometry_lat=segments.lat,
        segment_length_m=segments.length_m,
        segment_road=segments.road.astype(np.uint8),
        segment_flags=segments.flags.astype(np.uint8),
        segment_max_kmh=segments.max_kmh.astype(np.float32),
        segment_max_weight_t=segments.max_weight_t.astype(np.float32),
        segment_max_height_m=segments.max_height_m.astype(np.float32),
        segment_max_width_m=segments.max_width_m.astype(np.float32),
        segment_way=segments.way.astype(np.int64),
        segment_name=segments.name.astype(np.int32),
        segment_turn=segments.turn.astype(np.uint8),
        segment_condition=segments.condition.astype(np.int32),
        first_out=np.concatenate(([0], np.cumsum(counts))).astype(np.int32),
        edge_target=segments.head.ravel()[edges].astype(np.int32),
        edge_segment=(edges >> 1).astype(np.int32),
        edge_forward=(edges & 1) == 0,
        edge_modes=modes.ravel()[edges],
        edge_signals=segments.signals.ravel()[edges],
        edge_calming=segments.calming.ravel()[edges],
        names=names,
        conditions=conditions,
        cut_off=cut_off,
        dropped=dict(dropped),
        synthetic=synthetic,
        source=source,
    )


def largest_components(
    tail: NDArray[np.int64],
    head: NDArray[np.int64],
    modes: NDArray[np.uint8],
    length_m: NDArray[np.float64],
    *,
    nodes: int,
) -> tuple[NDArray[np.uint8], dict[str, float]]:
    """Clear every mode's bits outside its largest strongly connected component (by metres of road).

    Parameters
    ----------
    tail, head, modes
        Shape (segments, 2), see :class:`Segments`.

    Returns
    -------
    The bits that are left, and per mode the metres of segments that nobody of that mode may use any more.
    """
    shape = modes.shape
    tail, head, modes = tail.ravel(), head.ravel(), modes.copy().ravel()
    order = np.argsort(tail, kind="stable")
    first_out = np.concatenate(([0], np.cumsum(np.bincount(tail, minlength=nodes))))
    graph = _core.Graph(first_out.astype(np.int32), head[order].astype(np.int32))
    cut_off: dict[str, float] = {}
    for mode in MODES:
        bit = MODE_BIT[mode]
        allowed = (modes & bit) != 0
        label = _core.strong_components(graph, allowed[order])
        inside = allowed & (label[tail] == label[head])
        # A road that can be driven both ways counts once, for the component of its forward direction.
        pair = inside.reshape(shape)
        usable = pair.any(axis=1)
        of_road = np.where(pair[:, 0], label[tail[::2]], label[tail[1::2]])
        metres = np.bincount(of_road[usable], weights=length_m[usable], minlength=1)
        keep = inside & (label[tail] == metres.argmax())
        modes[~keep] &= np.uint8(0xFF ^ bit)
        before = length_m[allowed.reshape(shape).any(axis=1)].sum()
        cut_off[mode] = float(before - length_m[keep.reshape(shape).any(axis=1)].sum())
    return modes.reshape(shape), cut_off
