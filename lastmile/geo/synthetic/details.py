"""The rare things that a reader of OSM must get right: roundabouts, odd one-way tags, limits, turn bans."""

import itertools
from collections import Counter

import numpy as np

from lastmile.geo.synthetic.draft import Draft, Tags
from lastmile.geo.synthetic.terrain import Terrain

_RARE: tuple[tuple[str, int, Tags], ...] = (
    ("residential", 6, {"oneway": "yes", "oneway:bicycle": "no"}),
    ("residential", 3, {"oneway": "-1"}),
    ("tertiary", 4, {"oneway": "yes", "maxspeed": "30"}),
    ("residential", 4, {"motor_vehicle": "no"}),
    ("residential", 3, {"highway": "pedestrian"}),
    ("tertiary", 5, {"maxheight": "2.8", "tunnel": "yes", "layer": "-1"}),
    ("tertiary", 5, {"maxweight": "5"}),
    ("secondary", 6, {"hgv": "no"}),
    ("tertiary", 6, {"maxspeed": "30"}),
    ("residential", 8, {"maxspeed": "20"}),
)


def add_details(draft: Draft, terrain: Terrain, rng: np.random.Generator) -> None:
    """Retag short pieces of streets in the towns, lay roundabouts, forbid turns and mark motorway exits."""
    for _ in range(4):
        _roundabout(draft, terrain, rng)
    for kind, count, tags in _RARE:
        for _ in range(count):
            _retag(draft, terrain, kind, tags, rng)
    for _ in range(12):
        _turn_ban(draft, terrain, rng)
    exits = 0
    above = {node for nodes, tags in draft.ways if tags.get("highway") == "motorway" for node in nodes}
    for nodes, tags in draft.ways:
        if tags.get("highway") == "motorway_link" and nodes[0] in above:
            exits += 1
            draft.node_tags[nodes[0]] = {"highway": "motorway_junction", "ref": str(exits)}


def _degrees(draft: Draft) -> Counter[int]:
    """Number of segments of roads that meet at each node."""
    count: Counter[int] = Counter()
    for nodes, tags in draft.ways:
        if "highway" in tags:
            count.update(nodes[:-1])
            count.update(nodes[1:])
    return count


def _inner_pieces(draft: Draft, terrain: Terrain, kind: str) -> list[tuple[int, int, int]]:
    """Pieces (way, first, last place) of plain town streets from one junction to the next, dead ends excluded."""
    degree = _degrees(draft)
    found = []
    for way, (nodes, tags) in enumerate(draft.ways):
        if tags.get("highway") != kind or tags.keys() & {"bridge", "oneway", "junction", "tunnel", "hgv", "maxheight"}:
            continue
        joints = [place for place, node in enumerate(nodes) if degree[node] >= 3]
        found += [
            (way, first, last)
            for first, last in itertools.pairwise(joints)
            if degree[nodes[first]] >= 4 and degree[nodes[last]] >= 4
        ]
    if not found:
        return []
    spots = np.array([draft.points[draft.ways[way][0][first]] for way, first, _ in found])
    inside = terrain.density(spots) > 0.3
    return [piece for piece, ok in zip(found, inside, strict=True) if ok]


def _split(draft: Draft, way: int, first: int, last: int) -> int:
    """Make places ``first`` to ``last`` of a way a way of their own; return its number."""
    nodes, tags = draft.ways[way]
    piece = draft.way(nodes[first : last + 1], tags)
    if last < len(nodes) - 1:
        draft.way(nodes[last:], tags)
    if first > 0:
        draft.ways[way] = (nodes[: first + 1], tags)
        return piece
    draft.ways[way] = draft.ways[piece]  # nothing is left before the piece, so it takes the old number
    tail = draft.ways.pop() if last < len(nodes) - 1 else None
    draft.ways.pop()
    if tail is not None:
        draft.ways.append(tail)
    return way


def _retag(draft: Draft, terrain: Terrain, kind: str, tags: Tags, rng: np.random.Generator) -> None:
    pieces = _inner_pieces(draft, terrain, kind)
    if pieces:
        piece = _split(draft, *pieces[int(rng.integers(len(pieces)))])
        draft.ways[piece] = (draft.ways[piece][0], draft.ways[piece][1] | tags)


def _crossroads(draft: Draft, terrain: Terrain, kinds: set[str]) -> list[tuple[int, list[tuple[int, int]]]]:
    """Nodes where two plain streets cross, each with its two (way, place)."""
    degree = _degrees(draft)
    at: dict[int, list[tuple[int, int]]] = {}
    for way, (nodes, tags) in enumerate(draft.ways):
        if "highway" in tags:
            for place, node in enumerate(nodes):
                if degree[node] == 4:
                    at.setdefault(node, []).append((way, place))
    used = {ref for members, _ in draft.relations for kind, ref, _ in members if kind == "w"}
    result = []
    for node, uses in at.items():
        plain = all(
            draft.ways[way][1]["highway"] in kinds
            and 0 < place < len(draft.ways[way][0]) - 1
            and not draft.ways[way][1].keys() & {"oneway", "bridge", "tunnel", "junction"}
            and way not in used
            for way, place in uses
        )
        if len(uses) == 2 and uses[0][0] != uses[1][0] and plain:
            result.append((node, uses))
    if not result:
        return []
    inside = terrain.density(np.array([draft.points[node] for node, _ in result])) > 0.2
    return [entry for entry, ok in zip(result, inside, strict=True) if ok]


def _roundabout(draft: Draft, terrain: Terrain, rng: np.random.Generator) -> None:
    """Replace a crossroads by a circle of 16 m radius, counterclockwise because China drives on the right."""
    options = _crossroads(draft, terrain, {"tertiary", "secondary"})
    if not options:
        return
    centre, uses = options[int(rng.integers(len(options)))]
    middle = np.array(draft.points[centre])
    arms: list[tuple[float, int]] = []
    for way, place in uses:
        nodes, tags = draft.ways[way]
        ends = []
        for neighbour in (nodes[place - 1], nodes[place + 1]):
            away = np.array(draft.points[neighbour]) - middle
            if np.hypot(*away) < 40.0:
                return
            node = draft.node(*(middle + 16.0 * away / np.hypot(*away)))
            arms.append((float(np.arctan2(away[1], away[0])), node))
            ends.append(node)
        draft.ways[way] = ([*nodes[:place], ends[0]], tags)
        draft.way([ends[1], *nodes[place + 1 :]], tags)
    arms.sort()
    circle: list[int] = []
    for (angle, node), (following, _) in zip(arms, [*arms[1:], (arms[0][0] + 2 * np.pi, 0)], strict=True):
        between = (angle + following) / 2
        circle += [node, draft.node(*(middle + 16.0 * np.array([np.cos(between), np.sin(between)])))]
    draft.way([*circle, circle[0]], {"highway": "tertiary", "junction": "roundabout"})


def _turn_ban(draft: Draft, terrain: Terrain, rng: np.random.Generator) -> None:
    """Forbid one left turn at a crossroads; its ways are cut there, as the tagging scheme demands."""
    options = _crossroads(draft, terrain, {"tertiary", "secondary"})
    if not options:
        return
    via, uses = options[int(rng.integers(len(options)))]
    arms: list[tuple[int, int]] = []
    for way, place in uses:
        nodes, tags = draft.ways[way]
        draft.ways[way] = (nodes[: place + 1], tags)
        arms += [(way, nodes[place - 1]), (draft.way(nodes[place:], tags), nodes[place + 1])]
    middle = np.array(draft.points[via])
    origin, start = arms[0]
    heading = middle - np.array(draft.points[start])
    turns = []
    for way, neighbour in arms[1:]:
        away = np.array(draft.points[neighbour]) - middle
        turns.append((float(np.arctan2(heading[0] * away[1] - heading[1] * away[0], heading @ away)), way))
    target = min(turns, key=lambda turn: abs(turn[0] - np.pi / 2))[1]
    members = [("w", origin, "from"), ("n", via, "via"), ("w", target, "to")]
    draft.relations.append((members, {"type": "restriction", "restriction": "no_left_turn"}))
