"""The blocks between the streets: cut into lots, walled in, and opened to the street by gates."""

import numpy as np
import shapely

from lastmile.geo.synthetic.draft import Draft, Tags

_DRIVEN = {"trunk", "primary", "secondary", "tertiary", "residential", "unclassified"}


class Streets:
    """The streets that gates and entrances may open to, with the nodes still to be inserted in them."""

    def __init__(self, draft: Draft, kinds: set[str]) -> None:
        self._draft = draft
        ends, owner = [], []
        for way, (nodes, tags) in enumerate(draft.ways):
            if tags["highway"] in kinds and not tags.keys() & {"bridge", "tunnel"}:
                for place in range(len(nodes) - 1):
                    ends.append((nodes[place], nodes[place + 1]))
                    owner.append((way, place))
        points = np.array(draft.points)
        self._segments = shapely.linestrings(points[np.array(ends)])
        self._owner = owner
        self._tree = shapely.STRtree(self._segments)
        self._insertions: dict[int, list[tuple[int, float, int]]] = {}

    def foot(self, x: float, y: float, *, within_m: float = 1e9) -> tuple[int, float, float, float] | None:
        """Segment, distance along it and point of the street nearest to a place."""
        place = shapely.Point(x, y)
        segment = int(self._tree.nearest(place))
        line = self._segments[segment]
        if line.distance(place) > within_m:
            return None
        along = float(np.clip(line.project(place), min(4.0, line.length / 3), max(line.length - 4.0, line.length / 2)))
        spot = line.interpolate(along)
        return segment, along, spot.x, spot.y

    def attach(self, segment: int, along: float, x: float, y: float) -> int:
        """Add a node to a street; :meth:`settle` puts it into its way."""
        way, place = self._owner[segment]
        node = self._draft.node(x, y)
        self._insertions.setdefault(way, []).append((place, along, node))
        return node

    def settle(self) -> None:
        """Insert all attached nodes."""
        for way, entries in self._insertions.items():
            nodes, tags = self._draft.ways[way]
            for place, _, node in sorted(entries, reverse=True):
                nodes.insert(place + 1, node)
            self._draft.ways[way] = (nodes, tags)
        self._insertions.clear()


def blocks(draft: Draft) -> list[shapely.Polygon]:
    """Faces between the streets, away from the kerbs, largest first."""
    segments = [
        (nodes[place], nodes[place + 1])
        for nodes, tags in draft.ways
        if tags["highway"] in _DRIVEN and not (tags.get("bridge") and tags["highway"] == "trunk")
        for place in range(len(nodes) - 1)
    ]
    lines = np.asarray(shapely.linestrings(np.array(draft.points)[np.array(segments)]))
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(shapely.node(shapely.multilinestrings(lines)))))
    tree = shapely.STRtree(lines)
    found = []
    for inner in shapely.get_parts(shapely.buffer(faces, -20.0, join_style="mitre")):
        # a face says nothing of the dead ends that reach into it
        ends = tree.query(inner, predicate="intersects")
        free = inner.difference(shapely.union_all(lines[ends]).buffer(15.0)) if len(ends) else inner
        found += [part for part in shapely.get_parts(free) if part.area > 8000.0 and not part.interiors]
    return sorted(found, key=lambda part: (-round(part.area), part.bounds))


def halves(polygon: shapely.Polygon, most_m2: float) -> list[shapely.Polygon]:
    """Cut a block across its longer side until no lot is larger than ``most_m2``."""
    if polygon.area <= most_m2:
        return [polygon]
    corners = shapely.get_coordinates(shapely.minimum_rotated_rectangle(polygon))
    side, other = corners[1] - corners[0], corners[2] - corners[1]
    if np.hypot(*side) < np.hypot(*other):
        corners, side, other = np.roll(corners[:-1], -1, axis=0), other, -side
    reach = 2.0 * other
    middle = corners[0] + side / 2
    near = shapely.Polygon([corners[0] - side - reach, corners[0] - side + reach, middle + reach, middle - reach])
    result = []
    for part in (polygon.intersection(near), polygon.difference(near)):
        for piece in shapely.get_parts(part):
            if isinstance(piece, shapely.Polygon) and piece.area > 4000.0:
                result += halves(piece, most_m2)
    return result


def _leaves(line: shapely.LineString, wall: shapely.LinearRing | shapely.Polygon) -> bool:
    """Whether a straight line that begins at a wall gets away from it at once instead of running along it."""
    beyond = shapely.LineString([line.interpolate(min(4.0, line.length / 2)), line.interpolate(line.length)])
    return bool(beyond.distance(wall) > 1.0)


def _loop(lot: shapely.Polygon) -> shapely.Polygon | None:
    """Outline of the road round the middle of a lot; None when the lot is too slim for one."""
    width = 2.0 * lot.area / lot.length
    loop = lot.buffer(-min(45.0, 0.55 * width), join_style="mitre").simplify(4.0)
    if not isinstance(loop, shapely.Polygon) or loop.is_empty or loop.interiors or loop.area < 600.0:
        return None
    return loop


def walled(
    draft: Draft,
    streets: Streets,
    lot: shapely.Polygon,
    *,
    neighbours: shapely.STRtree,
    tags: Tags,
    rng: np.random.Generator,
) -> bool:
    """Wall in a lot, open one to three gates to the street and lay roads inside; False when no gate is possible.

    The wall, the gate and the road through it share the gate's node, so the wall can be passed there only.
    """
    outline, corners = lot.exterior, shapely.MultiPoint(list(lot.exterior.coords))
    wanted = int(rng.integers(1, 4))
    gates: list[tuple[float, tuple[int, float, float, float]]] = []
    for along in (rng.permutation(8) + rng.uniform(0.2, 0.8)) / 8.0 * outline.length:
        if len(gates) == wanted:
            break
        at = outline.interpolate(float(along))
        foot = streets.foot(at.x, at.y, within_m=60.0)
        if foot is None or corners.distance(at) < 6.0 or any(abs(along - other) < 40.0 for other, _ in gates):
            continue
        link = shapely.LineString([(at.x, at.y), foot[2:]])
        alone = all(neighbours.geometries[k] == lot for k in neighbours.query(link, predicate="intersects"))
        if alone and lot.intersection(link).length < 0.01 and _leaves(link, lot):
            gates.append((float(along), foot))
    if not gates:
        return False
    gates.sort()
    loop = _loop(lot)
    if loop is None:
        return False
    inner = shapely.get_coordinates(loop.exterior)[:-1]
    stations = [(loop.exterior.project(shapely.Point(x, y)), draft.node(x, y)) for x, y in inner.tolist()]
    paths = []
    for along, _ in gates:
        at = outline.interpolate(along)
        meets = loop.exterior.project(at)
        spot = loop.exterior.interpolate(meets)
        path = shapely.LineString([(at.x, at.y), (spot.x, spot.y)])
        inward = shapely.LineString([path.interpolate(0.5), path.interpolate(path.length)])
        if not lot.covers(inward) or path.crosses(outline) or not _leaves(path, outline):
            return False
        paths.append((meets, spot))
    inside_nodes = []
    for meets, spot in paths:
        near = [node for place, node in stations if abs(place - meets) < 1.5]
        node = near[0] if near else draft.node(spot.x, spot.y)
        if not near:
            stations.append((meets, node))
        inside_nodes.append(node)
    access = (
        {"access": "private", "foot": "yes"} if rng.random() < 0.6 else {"access": "destination", "foot": "permissive"}
    )
    road: Tags = {"highway": "living_street" if rng.random() < 0.25 else "service"} | access
    ring = [node for _, node in sorted(stations)]
    draft.way([*ring, ring[0]], road)
    across = [ring[0], ring[len(ring) // 2]]
    if loop.covers(shapely.LineString([draft.points[node] for node in across])):
        draft.way(across, {"highway": "footway"})
    posts = [(outline.project(shapely.Point(x, y)), draft.node(x, y)) for x, y in outline.coords[:-1]]
    for (along, foot), inside in zip(gates, inside_nodes, strict=True):
        at = outline.interpolate(along)
        gate = draft.node(at.x, at.y, {"barrier": "gate"} | access)
        posts.append((along, gate))
        draft.way([streets.attach(*foot), gate, inside], road)
    wall = [node for _, node in sorted(posts)]
    draft.way([*wall, wall[0]], tags | {"barrier": "wall"})
    return True


def buildings(draft: Draft, lot: shapely.Polygon, rng: np.random.Generator) -> None:
    """Rows of slabs facing south, clear of the roads inside."""
    loop = _loop(lot)
    if loop is None:
        return
    free = lot.buffer(-6.0).difference(loop.exterior.buffer(5.0))
    levels = int(rng.choice([6, 6, 7, 11, 18, 26, 33]))
    length, gap = (46.0, 34.0) if levels < 10 else (30.0, 52.0)
    west, south, east, north = lot.bounds
    for y in np.arange(south + 10.0, north - 12.0, gap):
        for x in np.arange(west + 8.0, east - length, length + 14.0):
            slab = shapely.box(x, y, x + length, y + 13.0)
            if free.covers(slab):
                draft.area(slab, {"building": "apartments", "building:levels": str(levels)})


def filled(polygon: shapely.Polygon) -> float:
    """Share of its bounding rectangle that a polygon fills: 1 for a rectangle, 0.5 for a triangle."""
    return float(polygon.area / max(shapely.minimum_rotated_rectangle(polygon).area, 1.0))


def yard(draft: Draft, streets: Streets, lot: shapely.Polygon, *, neighbours: shapely.STRtree, joined: bool) -> None:
    """A service road across a works; a few are left unconnected on purpose, as mappers sometimes do."""
    spot = lot.representative_point()
    nodes = [draft.node(spot.x, spot.y), draft.node(spot.x + 25.0, spot.y)]
    if joined:
        foot = streets.foot(spot.x, spot.y, within_m=200.0)
        link = shapely.LineString([(spot.x, spot.y), foot[2:]]) if foot else None
        if foot is None or link is None or len(neighbours.query(link, predicate="intersects")) > 1:
            del draft.points[-2:]
            return
        nodes.insert(0, streets.attach(*foot))
    draft.way(nodes, {"highway": "service"})
