"""A map while it is drawn: lines on the plane, joined into ways that share nodes where they meet."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from lastmile.geo.synthetic.terrain import Floats

Tags = dict[str, str]

_SAME_NODE_M = 1.2
_HANZI = (
    "建jian 和he 平ping 安an 文wen 化hua 新xin 华hua 长chang 兴xing 中zhong 州zhou 金jin "
    "谷gu 龙long 门men 牡mu 丹dan 开kai 元yuan 景jing 瑞rui 天tian 泰tai 康kang 宁ning "
    "嵩song 山shan 河he 洛luo 春chun 晴qing 青qing 岛dao 武wu 汉han 丽li 太tai 原yuan "
    "联lian 盟meng 学xue 府fu 白bai 云yun 红hong 旗qi 丰feng 收shou 玉yu 泉quan 明ming "
    "德de"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line on the plane that will become one way.

    Parameters
    ----------
    noded
        Whether crossings with other noded lines become junctions.
    level
        Nodes are shared within one level only; ``ends`` overrides the level of the first and the last point,
        which is how a ramp joins two levels.
    """

    points: Floats
    tags: Tags
    noded: bool = True
    level: str = "ground"
    ends: tuple[str, str] | None = None


@dataclass(slots=True)
class Draft:
    """The map while it grows: nodes on the plane, ways and relations with tags."""

    points: list[tuple[float, float]] = field(default_factory=list)
    node_tags: dict[int, Tags] = field(default_factory=dict)
    ways: list[tuple[list[int], Tags]] = field(default_factory=list)
    relations: list[tuple[list[tuple[str, int, str]], Tags]] = field(default_factory=list)

    def node(self, x: float, y: float, tags: Tags | None = None) -> int:
        """Add a node; coordinates in metres."""
        self.points.append((float(x), float(y)))
        if tags:
            self.node_tags[len(self.points) - 1] = dict(tags)
        return len(self.points) - 1

    def way(self, nodes: Sequence[int], tags: Tags) -> int:
        """Add a way over existing nodes."""
        self.ways.append((list(nodes), dict(tags)))
        return len(self.ways) - 1

    def area(self, polygon: shapely.Polygon, tags: Tags) -> int:
        """Add the outline of a polygon as a closed way of its own nodes."""
        ring = [self.node(x, y) for x, y in polygon.exterior.coords[:-1]]
        return self.way([*ring, ring[0]], tags)


class Namer:
    """Draws Chinese names with their pinyin."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._syllables = [(entry[0], entry[1:]) for entry in _HANZI.split()]

    def pair(self) -> tuple[str, str]:
        """Two characters and their romanisation."""
        first, second = self._rng.choice(len(self._syllables), size=2, replace=False)
        one, two = self._syllables[int(first)], self._syllables[int(second)]
        return one[0] + two[0], (one[1] + two[1]).capitalize()

    def tags(self, suffix: str, suffix_en: str) -> Tags:
        """``name`` and ``name:en`` with a generic ending."""
        name, english = self.pair()
        return {"name": name + suffix, "name:en": f"{english} {suffix_en}"}


def cut(lines: list[Line], region: BaseGeometry, tags: Tags) -> list[Line]:
    """Split lines at the edge of a region; the pieces inside get ``tags`` and no junctions."""
    shapely.prepare(region)
    result = []
    for line in lines:
        shape = shapely.LineString(line.points)
        if "bridge" in line.tags or not region.intersects(shape):
            result.append(line)
            continue
        for inside, pieces in ((False, shape.difference(region)), (True, shape.intersection(region))):
            for part in parts(pieces):
                extra: Tags = tags if inside else {}
                result.append(replace(line, points=part, tags=line.tags | extra, noded=line.noded and not inside))
    return result


def parts(geometry: BaseGeometry) -> list[Floats]:
    """Coordinates of every line in a geometry."""
    pieces = shapely.get_parts(geometry)
    return [
        shapely.get_coordinates(part) for part in pieces if isinstance(part, shapely.LineString) and part.length > 0
    ]


def join(lines: list[Line], draft: Draft) -> None:
    """Turn lines into ways that share nodes where they meet, then trim stubs and drop what is cut off."""
    extra = _crossings([line for line in lines if line.noded])
    cells: dict[tuple[str, int, int], list[int]] = {}

    def node_at(x: float, y: float, level: str) -> int:
        column, row = int(np.floor(x / 2.0)), int(np.floor(y / 2.0))
        for i in (column - 1, column, column + 1):
            for j in (row - 1, row, row + 1):
                for node in cells.get((level, i, j), ()):
                    other = draft.points[node]
                    if abs(other[0] - x) < _SAME_NODE_M and abs(other[1] - y) < _SAME_NODE_M:
                        return node
        cells.setdefault((level, column, row), []).append(len(draft.points))
        return draft.node(x, y)

    ways: list[tuple[list[int], Tags]] = []
    noded = -1
    for line in lines:
        noded += line.noded
        cuts = extra.get(noded, {}) if line.noded else {}
        nodes: list[int] = []
        for place, (x, y) in enumerate(line.points.tolist()):
            level = line.level
            if line.ends and place in (0, len(line.points) - 1):
                level = line.ends[0 if place == 0 else 1]
            nodes.append(node_at(x, y, level))
            nodes += [node_at(cx, cy, line.level) for _, cx, cy in sorted(cuts.get(place, ()))]
        nodes = [node for place, node in enumerate(nodes) if place == 0 or node != nodes[place - 1]]
        if len(nodes) > 1:
            ways.append((nodes, line.tags))
    draft.ways += _main_part(_trimmed(ways, draft.points))


def _crossings(lines: list[Line]) -> dict[int, dict[int, list[tuple[float, float, float]]]]:
    """Line number -> segment number -> crossings as (share of the segment, x, y)."""
    starts = np.vstack([line.points[:-1] for line in lines])
    stops = np.vstack([line.points[1:] for line in lines])
    owner = np.concatenate([np.full(len(line.points) - 1, number) for number, line in enumerate(lines)])
    place = np.concatenate([np.arange(len(line.points) - 1) for line in lines])
    segments = np.asarray(shapely.linestrings(np.stack([starts, stops], axis=1)))
    one, two = shapely.STRtree(segments).query(segments, predicate="intersects")
    pick = (one < two) & (owner[one] != owner[two])
    one, two = one[pick], two[pick]
    first, second, gap = stops[one] - starts[one], stops[two] - starts[two], starts[two] - starts[one]
    turn = first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]
    usable = np.abs(turn) > 1e-6
    safe = np.where(usable, turn, 1.0)
    share = np.clip((gap[:, 0] * second[:, 1] - gap[:, 1] * second[:, 0]) / safe, 0.0, 1.0)
    share_two = np.clip((gap[:, 0] * first[:, 1] - gap[:, 1] * first[:, 0]) / safe, 0.0, 1.0)
    spots = starts[one] + share[:, None] * first
    found: dict[int, dict[int, list[tuple[float, float, float]]]] = {}
    for k in np.flatnonzero(usable):
        x, y = float(spots[k, 0]), float(spots[k, 1])
        for segment, at in ((one[k], share[k]), (two[k], share_two[k])):
            found.setdefault(int(owner[segment]), {}).setdefault(int(place[segment]), []).append((float(at), x, y))
    return found


def _trimmed(ways: list[tuple[list[int], Tags]], points: list[tuple[float, float]]) -> list[tuple[list[int], Tags]]:
    """Cut off dead ends shorter than 35 m: the rests of lines that ran just past their last crossing."""
    uses = Counter(node for nodes, _ in ways for node in nodes)
    for nodes, _ in ways:
        for end, inner in ((0, 1), (-1, -2)):
            while len(nodes) > 1 and uses[nodes[end]] == 1:
                (ax, ay), (bx, by) = points[nodes[end]], points[nodes[inner]]
                if np.hypot(ax - bx, ay - by) > 35.0:
                    break
                uses[nodes[end]] -= 1
                nodes.pop(end)
    return [(nodes, tags) for nodes, tags in ways if len(nodes) > 1]


def _main_part(ways: list[tuple[list[int], Tags]]) -> list[tuple[list[int], Tags]]:
    """Keep the largest connected part."""
    root: dict[int, int] = {}

    def find(node: int) -> int:
        while root.setdefault(node, node) != node:
            root[node] = root[root[node]]
            node = root[node]
        return node

    for nodes, _ in ways:
        for node in nodes[1:]:
            root[find(node)] = find(nodes[0])
    sizes = Counter(find(nodes[0]) for nodes, _ in ways)
    largest = sizes.most_common(1)[0][0]
    return [(nodes, tags) for nodes, tags in ways if find(nodes[0]) == largest]
