"""A made-up province as a real ``.osm.pbf``: what growth and Henan's size are measured on.

Counties stand on a lattice of 33 km, as in Henan. Each has a seat and townships, all of them jittered street grids with
bent streets; townships hang on country roads, seats on trunk roads. Ways carry classes, names, one-ways, limits and
rules by hour; nodes carry barriers, signals and crossings; relations forbid turns, at nodes, over ways and by hour;
buildings stand among them for the reader to pass over. The same seed writes the same map.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
import osmium
from numpy.typing import NDArray

HENAN: Final = 1_400_000  # junctions whose file is of about 50 MB, as Henan's extract is
_WEST, _SOUTH = 110.4, 31.4
_PER_LAT: Final = 110_900.0
_CELL_M: Final = 33_000.0
_PER_COUNTY: Final = 8_000
_SEAT_SHARE: Final = 0.7
_LARGEST_COUNTY: Final = 56_000  # a seat of 200 x 200 streets, 23 km wide, still fits into its cell
_BLOCKS_PER_WAY: Final = 6

Ids = NDArray[np.int64]
Metres = NDArray[np.float64]

# Tags of streets; a line's place in its grid decides between them, chance between those of small streets.
_STREETS: Final[tuple[Mapping[str, str], ...]] = (
    {"highway": "primary", "maxspeed": "60", "lanes": "6"},
    {"highway": "secondary", "maxspeed": "50", "lanes": "4"},
    {"highway": "tertiary", "maxspeed": "40"},
    {"highway": "residential"},
    {"highway": "residential", "oneway": "yes"},
    {"highway": "residential", "oneway": "-1"},
    {"highway": "living_street"},
    {"highway": "service"},
    {"highway": "service", "access": "private"},
    {"highway": "footway"},
    {"highway": "cycleway"},
    {"highway": "primary", "maxspeed": "60", "hgv:conditional": "no @ (07:00-20:00)"},
    {"highway": "residential", "motor_vehicle:conditional": "no @ (Mo-Fr 07:00-09:00,17:00-19:00)"},
    {"highway": "tertiary", "maxspeed": "40", "maxspeed:conditional": "30 @ (22:00-06:00)"},
    {"highway": "secondary", "maxspeed": "50", "bridge": "yes", "layer": "1", "maxweight": "20"},
    {"highway": "unclassified"},
    {"highway": "trunk", "maxspeed": "80", "lanes": "4"},
)
_BY_CHANCE: Final = {
    0: ((0, 0.96), (11, 0.04)),
    1: ((1, 0.97), (14, 0.03)),
    2: ((2, 0.97), (13, 0.03)),
    3: ((3, 0.7), (6, 0.07), (7, 0.12), (8, 0.02), (9, 0.05), (10, 0.03), (12, 0.01)),
    4: ((4, 1.0),),
    5: ((5, 1.0),),
}
_COUNTRY_ROAD, _TRUNK = 15, 16
_BARRIERS: Final = ("gate", "bollard", "lift_gate", "block")
_TURNS: Final[tuple[Mapping[str, str], ...]] = (
    {"restriction": "no_left_turn"},
    {"restriction": "no_right_turn"},
    {"restriction": "no_left_turn", "except": "bicycle"},
    {"restriction:hgv": "no_left_turn"},
    {"restriction:conditional": "no_left_turn @ (07:00-19:00)"},
)


@dataclass(slots=True)
class _Draft:
    """Nodes, ways and relations so far; ids count from 1 in the order of drawing."""

    random: np.random.Generator
    nodes: int = 0
    ways: int = 0
    x: list[Metres] = field(default_factory=list)
    y: list[Metres] = field(default_factory=list)
    node_tags: dict[int, Mapping[str, str]] = field(default_factory=dict)
    refs: list[Ids] = field(default_factory=list)
    sizes: list[Ids] = field(default_factory=list)
    kinds: list[Ids] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    relations: list[tuple[list[tuple[str, int, str]], Mapping[str, str]]] = field(default_factory=list)

    def add_nodes(self, x: Metres, y: Metres) -> Ids:
        """Draw nodes; returns their ids."""
        ids = np.arange(self.nodes + 1, self.nodes + 1 + len(x))
        self.nodes += len(x)
        self.x.append(x)
        self.y.append(y)
        return ids

    def add_ways(self, refs: Ids, sizes: Ids, kinds: Ids, names: list[str]) -> Ids:
        """Draw ways, all their references one behind the other; kind -1 is a building. Returns their ids."""
        ids = np.arange(self.ways + 1, self.ways + 1 + len(sizes))
        self.ways += len(sizes)
        self.refs.append(refs)
        self.sizes.append(sizes)
        self.kinds.append(kinds)
        self.names += names
        return ids


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Streets:
    """Parallel streets of a grid: the way of every block, 0 where there is none; shape (lines, blocks)."""

    way: Ids


def write_province(path: Path, *, junctions: int, seed: int = 1) -> None:
    """Write a province of about so many junctions of streets; about 35 bytes of file for each."""
    if junctions < 1000:
        raise ValueError(f"a province has at least 1000 junctions, not {junctions}")
    draft = _Draft(np.random.default_rng(seed))
    counties = max(1, round(junctions / _PER_COUNTY))
    columns = math.ceil(math.sqrt(counties))
    weight = np.minimum(draft.random.lognormal(0.0, 0.7, counties), 6.0)
    share = np.minimum(junctions * weight / weight.sum(), _LARGEST_COUNTY)
    gates: dict[tuple[int, int], Ids] = {}
    for county in range(counties):
        row, column = divmod(county, columns)
        gates[row, column] = _county(draft, county, (column * _CELL_M, row * _CELL_M), int(share[county]))
    for (row, column), (_, east, north, _) in gates.items():
        for neighbour, mine, facing in (((row, column + 1), east, 0), ((row + 1, column), north, 3)):
            if neighbour in gates:
                ends = int(mine), int(gates[neighbour][facing])
                # Whoever may not use a trunk road takes the old road beside it.
                _road(draft, *ends, _TRUNK, f"国道{200 + row + column}")
                _road(draft, *ends, _COUNTRY_ROAD, f"老路{200 + row + column}")
    _write(draft, path)


def _county(draft: _Draft, number: int, corner: tuple[float, float], junctions: int) -> Ids:
    """A seat in the middle of its cell and townships around it; returns the seat's gates: west, east, north, south."""
    random = draft.random
    side = max(8, round(math.sqrt(_SEAT_SHARE * junctions)))
    step = 115.0
    middle = (corner[0] + _CELL_M / 2, corner[1] + _CELL_M / 2)
    gates = _town(draft, f"{number}县", middle, side, step)
    half = side * step / 2 + 1500.0
    left = junctions - side * side
    ends = [int(gate) for gate in gates]
    places = [_place(draft, gate) for gate in ends]
    township = 0
    while left > 0:
        size = int(random.integers(8, 14))
        at = random.uniform(1500.0, _CELL_M - 1500.0, 2) + np.array(corner)
        if np.abs(at - middle).max() < half:
            continue
        entrance = int(_town(draft, f"{number}县{township}镇", (float(at[0]), float(at[1])), size, 75.0)[0])
        place = _place(draft, entrance)
        nearest = min(range(len(ends)), key=lambda one: math.dist(places[one], place))
        _road(draft, ends[nearest], entrance, _COUNTRY_ROAD, f"{number}县道{township}")
        ends.append(entrance)
        places.append(place)
        left -= size * size
        township += 1
    return gates


def _place(draft: _Draft, node: int) -> tuple[float, float]:
    """Where a node stands; looked for from the newest piece backwards."""
    first = draft.nodes + 1
    for x, y in zip(reversed(draft.x), reversed(draft.y), strict=True):
        first -= len(x)
        if node >= first:
            return float(x[node - first]), float(y[node - first])
    raise AssertionError(node)


def _town(draft: _Draft, name: str, middle: tuple[float, float], side: int, step: float) -> Ids:
    """A grid of side x side junctions; returns the middle junctions of its sides: west, east, north, south."""
    random = draft.random
    axis = (np.arange(side) - (side - 1) / 2) * step
    x, y = np.meshgrid(middle[0] + axis, middle[1] + axis)
    x, y = x + random.normal(0, step / 9, x.shape), y + random.normal(0, step / 9, y.shape)
    junction = draft.add_nodes(x.ravel(), y.ravel()).reshape(x.shape)
    across = _streets(draft, junction, x, y, f"{name}横")
    along = _streets(draft, junction.T, x.T, y.T, f"{name}纵")
    main = np.arange(side) % 6 == 3
    for node in junction[np.ix_(main, main)].ravel()[random.random(main.sum() ** 2) < 0.8].tolist():
        draft.node_tags[node] = {"highway": "traffic_signals"}
    _forbid_turns(draft, junction, across.way, along.way)
    _buildings(draft, middle, side, step)
    centre = side // 2
    return np.array([junction[centre, 0], junction[centre, -1], junction[-1, centre], junction[0, centre]])


def _streets(draft: _Draft, junction: Ids, x: Metres, y: Metres, name: str) -> _Streets:
    """Streets along the rows of a grid: bent, with gaps, cut into ways of a few blocks."""
    random = draft.random
    lines, blocks = junction.shape[0], junction.shape[1] - 1
    line, block = np.repeat(np.arange(lines), blocks), np.tile(np.arange(blocks), lines)
    # The outermost and the main streets have no gaps, so that the town holds together.
    kept = (random.random(lines * blocks) >= 0.08) | (line % 3 == 0) | (line == lines - 1)
    bends = np.where(kept, random.choice(7, lines * blocks, p=(0.2, 0.14, 0.18, 0.18, 0.14, 0.1, 0.06)), 0)
    of = np.repeat(np.arange(len(bends)), bends)
    nth = np.arange(len(of)) - np.repeat(np.cumsum(bends) - bends, bends)
    share = (nth + 1) / (bends[of] + 1)
    x0, y0 = x[:, :-1].ravel(), y[:, :-1].ravel()
    dx, dy = x[:, 1:].ravel() - x0, y[:, 1:].ravel() - y0
    bow = random.normal(0, 0.06, len(bends))[of] * np.sin(np.pi * share) + random.normal(0, 0.006, len(of))
    bend = draft.add_nodes(x0[of] + share * dx[of] - bow * dy[of], y0[of] + share * dy[of] + bow * dx[of])
    starts = (block % _BLOCKS_PER_WAY == 0) | ~np.concatenate(([False], kept[:-1]))
    where = np.flatnonzero(kept)
    start = starts[where]
    size = start + bends[where] + 1
    begin = np.cumsum(size) - size
    refs = np.empty(int(size.sum()), dtype=np.int64)
    refs[begin[start]] = junction[:, :-1].ravel()[where[start]]
    refs[begin + size - 1] = junction[:, 1:].ravel()[where]
    inside = np.repeat(begin + start - (np.cumsum(bends[where]) - bends[where]), bends[where])
    refs[inside + np.arange(len(inside))] = bend
    first = where[start]
    way_line = line[first]
    kinds = _kinds(draft, way_line)
    ids = draft.add_ways(
        refs, np.diff(np.append(begin[start], len(refs))), kinds, [f"{name}{one}路" for one in way_line.tolist()]
    )
    way = np.zeros(lines * blocks, dtype=np.int64)
    way[where] = ids[np.cumsum(start) - 1]
    _mark_bends(draft, bend, kinds[np.cumsum(start) - 1][np.repeat(np.arange(len(where)), bends[where])])
    return _Streets(way=way.reshape(lines, blocks))


def _kinds(draft: _Draft, line: Ids) -> Ids:
    """Kinds of ways by the lines they lie on: main streets every six lines, one-way streets in turn between them."""
    rank = np.where(line % 24 == 3, 0, np.where(line % 12 == 3, 1, np.where(line % 6 == 3, 2, 3)))
    rank = np.where((rank == 3) & (line % 8 == 1), 4, np.where((rank == 3) & (line % 8 == 5), 5, rank))
    kinds = np.zeros(len(line), dtype=np.int64)
    for value, choices in _BY_CHANCE.items():
        here = np.flatnonzero(rank == value)
        names, odds = zip(*choices, strict=True)
        kinds[here] = draft.random.choice(names, len(here), p=odds)
    return kinds


def _mark_bends(draft: _Draft, bend: Ids, kind: Ids) -> None:
    """Barriers on small streets and crossings on large ones."""
    chance = draft.random.random(len(bend))
    for node in bend[(kind >= 3) & (kind <= 8) & (chance < 0.006)].tolist():
        draft.node_tags[node] = {"barrier": _BARRIERS[node % len(_BARRIERS)]}
    for node in bend[(kind <= 2) & (chance < 0.05)].tolist():
        draft.node_tags[node] = {"highway": "crossing"}


def _forbid_turns(draft: _Draft, junction: Ids, across: Ids, along: Ids) -> None:
    """Forbid turns where ways end, at a quarter of the places; some of them over a way between two junctions."""
    side = len(junction)
    for row in range(_BLOCKS_PER_WAY, side - _BLOCKS_PER_WAY, _BLOCKS_PER_WAY):
        for column in range(_BLOCKS_PER_WAY, side - _BLOCKS_PER_WAY, _BLOCKS_PER_WAY):
            if draft.random.random() >= 0.25:
                continue
            arrives, leaves = int(across[row, column - 1]), int(along[column, row])
            if not arrives or not leaves:
                continue
            via = ("n", int(junction[row, column]), "via")
            ends, kind = ("w", leaves, "to"), _TURNS[(row + column) // _BLOCKS_PER_WAY % len(_TURNS)]
            # The way north of here and the one that comes back from its end: a U-turn over two junctions.
            block = along[column, row : row + _BLOCKS_PER_WAY]
            back = int(across[row + _BLOCKS_PER_WAY, column - 1])
            if draft.random.random() < 0.15 and len(set(block.tolist())) == 1 and back:
                via, ends, kind = ("w", leaves, "via"), ("w", back, "to"), {"restriction": "no_u_turn"}
            draft.relations.append(([("w", arrives, "from"), via, ends], {"type": "restriction", **kind}))


def _buildings(draft: _Draft, middle: tuple[float, float], side: int, step: float) -> None:
    """One house for every eight junctions."""
    count = max(1, side * side // 8)
    random = draft.random
    x, y = (random.uniform(at - side * step / 2, at + side * step / 2, count) for at in middle)
    width, depth = random.uniform(8, 40, count), random.uniform(8, 20, count)
    corners = draft.add_nodes(
        (x[:, None] + width[:, None] * [0, 1, 1, 0]).ravel(), (y[:, None] + depth[:, None] * [0, 0, 1, 1]).ravel()
    ).reshape(count, 4)
    refs = np.column_stack((corners, corners[:, 0])).ravel()
    draft.add_ways(refs, np.full(count, 5), np.full(count, -1), [""] * count)


def _road(draft: _Draft, start: int, end: int, kind: int, name: str) -> None:
    """A winding road across country with a point every 130 m, cut into ways of 40 points."""
    (x0, y0), (x1, y1) = _place(draft, start), _place(draft, end)
    points = max(2, round(math.dist((x0, y0), (x1, y1)) / 130.0))
    share = np.arange(1, points) / points
    waves = draft.random.normal(0, 0.01, 3) @ np.sin(np.pi * np.outer((1, 3, 7), share))
    bow = waves + draft.random.normal(0, 3e-4, points - 1) * np.sin(np.pi * share)
    bend = draft.add_nodes(x0 + share * (x1 - x0) - bow * (y1 - y0), y0 + share * (y1 - y0) + bow * (x1 - x0))
    line = np.concatenate(([start], bend, [end]))
    cuts = np.append(np.arange(0, points, 40), points)
    draft.add_ways(
        np.concatenate([line[a : b + 1] for a, b in pairwise(cuts.tolist())]),
        np.diff(cuts) + 1,
        np.full(len(cuts) - 1, kind),
        [name] * (len(cuts) - 1),
    )


def _write(draft: _Draft, path: Path) -> None:
    x, y = np.concatenate(draft.x), np.concatenate(draft.y)
    lat = _SOUTH + y / _PER_LAT
    lon = _WEST + x / (_PER_LAT * np.cos(np.radians(lat.mean())))
    node, way, relation = osmium.osm.mutable.Node, osmium.osm.mutable.Way, osmium.osm.mutable.Relation
    refs, sizes, kinds = np.concatenate(draft.refs), np.concatenate(draft.sizes), np.concatenate(draft.kinds)
    bounds = np.concatenate(([0], np.cumsum(sizes))).tolist()
    tags_of = draft.node_tags.get
    references = refs.tolist()
    with osmium.SimpleWriter(str(path), bufsz=1 << 22, overwrite=True) as writer:
        for number, place in enumerate(zip(lon.tolist(), lat.tolist(), strict=True), 1):
            writer.add_node(node(id=number, location=place, tags=tags_of(number)))
        for number, (kind, name) in enumerate(zip(kinds.tolist(), draft.names, strict=True)):
            tags = {"building": "yes"} if kind < 0 else {**_STREETS[kind], "name": name}
            writer.add_way(way(id=number + 1, nodes=references[bounds[number] : bounds[number + 1]], tags=tags))
        for number, (members, rule) in enumerate(draft.relations, 1):
            writer.add_relation(relation(id=number, members=members, tags=rule))
