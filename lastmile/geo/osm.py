"""Read an OpenStreetMap file: highways as flat arrays, and the places and areas that receive parcels.

Filtering and node locations happen inside pyosmium's C++; a Python loop runs only over kept ways. Real files are
clipped, repeat ids and lack time stamps: whatever cannot be used is dropped, counted and reported.
"""

import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import osmium
import shapely
from numpy.typing import NDArray

from lastmile.errors import InputError
from lastmile.geo.tags import KEYS, RoadTags, TurnRule, blocked_by, bound_by, read_road

SUFFIXES: Final = (".osm.pbf", ".pbf", ".osm", ".osm.gz", ".osm.bz2")
SYNTHETIC_GENERATOR: Final = "lastmile synthetic city"
_UNDEFINED: Final = 2_147_483_647  # osmium's coordinate of a node that is not in the file
_SCALE: Final = 1e-7  # osmium keeps coordinates as integers of this many degrees
_KEY_SET: Final = frozenset(KEYS)
_UNSORTED: Final = re.compile("twice in input|out of order|after a")  # libosmium joins areas from sorted files only


@dataclass(frozen=True, slots=True, kw_only=True)
class Highways:
    """Highways of a file, as flat arrays over all their node references.

    Parameters
    ----------
    offset
        int64, shape (ways + 1,): way ``i`` has references ``offset[i]:offset[i + 1]``.
    node
        int64, OSM node ids.
    lon, lat
        float64 degrees, NaN where the node is not in the file.
    way
        int64, OSM way ids.
    kind
        int32, index into ``tags``.
    tags
        The distinct tag combinations that occur.
    turns
        Turn restrictions at nodes.
    dropped
        What was left out and why, counted.
    """

    offset: NDArray[np.int64]
    node: NDArray[np.int64]
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    way: NDArray[np.int64]
    kind: NDArray[np.int32]
    tags: tuple[RoadTags, ...]
    names: tuple[str, ...]
    turns: tuple[TurnRule, ...]
    dropped: Mapping[str, int]
    synthetic: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """A place or area of the map: where people live, work, study, shop; or water.

    ``geometry`` is in WGS-84: a point, or a polygon where the map has one.
    """

    osm_id: str
    name: str
    tags: Mapping[str, str]
    geometry: Any


@dataclass(slots=True)
class _Dropped:
    counts: dict[str, int] = field(default_factory=dict)

    def add(self, reason: str, number: int = 1) -> None:
        if number:
            self.counts[reason] = self.counts.get(reason, 0) + number


def check_path(path: Path) -> None:
    """Raise InputError unless ``path`` is a file of a kind that can be read."""
    if not path.is_file():
        near = sorted(p.name for p in path.parent.glob("*.osm*"))[:5] if path.parent.is_dir() else []
        hint = f"; the folder has {', '.join(near)}" if near else ""
        raise InputError.single(
            place=str(path),
            cause="the map file does not exist" if not path.exists() else "it is not a file",
            remedy=f"give the path of an OpenStreetMap file{hint}",
        )
    if not path.name.lower().endswith(SUFFIXES):
        raise InputError.single(
            place=str(path), cause="unknown kind of map file", remedy=f"give one of {', '.join(SUFFIXES)}"
        )


def _unreadable(path: Path, error: Exception) -> InputError:
    return InputError.single(
        place=str(path),
        cause=f"the map file cannot be read to its end: {error}",
        remedy="download it again and compare its checksum; a cut or altered file is not used in part",
    )


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Turn what pyosmium raises on broken files into InputError; text that is no UTF-8 shows only when it is used."""
    try:
        yield
    except (RuntimeError, ValueError, OSError, osmium.InvalidLocationError) as error:
        raise _unreadable(path, error) from error


def is_synthetic(path: Path) -> bool:
    """True when the file says it was made by :mod:`lastmile.geo.synthetic`."""
    with _reading(path):
        reader = osmium.io.Reader(str(path), osmium.osm.osm_entity_bits.NOTHING)
        generator = reader.header().get("generator", "")
        reader.close()
    return bool(generator == SYNTHETIC_GENERATOR)


def read_highways(path: Path) -> Highways:
    """Read every way that someone may walk or drive on.

    Raises
    ------
    InputError
        When the file is missing, of an unknown kind, cut, or has no usable road.
    """
    check_path(path)
    synthetic = is_synthetic(path)
    dropped = _Dropped()
    known: dict[tuple[tuple[str, str], ...], int] = {}
    combinations: list[RoadTags | None] = []
    nodes: list[int] = []
    xs: list[int] = []
    ys: list[int] = []
    lengths: list[int] = []
    ways: list[int] = []
    kinds: list[int] = []
    names: list[str] = []
    seen: set[int] = set()
    with _reading(path):
        processor: Iterable[Any] = (
            osmium.FileProcessor(str(path))
            .with_locations()
            .with_filter(osmium.filter.EntityFilter(osmium.osm.WAY))
            .with_filter(osmium.filter.KeyFilter("highway"))
        )
        for way in processor:
            name = ""
            relevant = []
            for key, value in way.tags:
                if key in _KEY_SET:
                    relevant.append((key, value))
                elif key == "name":
                    name = value
                elif key.endswith(":conditional"):
                    dropped.add(f"values of {key} (rules by hour or vehicle are not read yet)")
            combination = tuple(sorted(relevant))
            kind = known.get(combination)
            if kind is None:
                kind = known[combination] = len(combinations)
                combinations.append(read_road(dict(combination)))
            if combinations[kind] is None:
                dropped.add("ways that are no road or path, or closed to everyone")
                continue
            if way.id in seen:
                dropped.add("ways whose id occurs twice (the first is kept)")
                continue
            seen.add(way.id)
            before = len(nodes)
            for ref in way.nodes:
                nodes.append(ref.ref)
                xs.append(ref.x)
                ys.append(ref.y)
            lengths.append(len(nodes) - before)
            ways.append(way.id)
            kinds.append(kind)
            names.append(name)
        blocked = _read_barriers(path)
        turns = _read_turn_rules(path, dropped)
    x = np.array(xs, dtype=np.int64)
    y = np.array(ys, dtype=np.int64)
    missing = (x == _UNDEFINED) | (y == _UNDEFINED) | (np.abs(x) > 1_800_000_000) | (np.abs(y) > 900_000_000)
    dropped.add("references of roads to nodes that are not in the file", int(missing.sum()))
    if not ways:
        raise InputError.single(
            place=str(path), cause="the map has no road", remedy="use an extract that keeps ways with the tag highway"
        )
    if missing.all():
        raise InputError.single(
            place=str(path),
            cause="no road's nodes have a place",
            remedy="nodes must stand before ways and have positive ids (osmium sort, osmium renumber); or take a "
            "complete extract",
        )
    unread: dict[str, int] = {}
    for kind, number in zip(*np.unique(kinds, return_counts=True), strict=True):
        tags = combinations[kind]
        assert tags is not None
        for key in tags.unread:
            unread[key] = unread.get(key, 0) + int(number)
    for key, number in sorted(unread.items()):
        reason = "closed to vehicles" if key == "oneway" else "treated as absent"
        dropped.add(f"values of {key} not understood ({reason})", number)
    # Combinations of closed ways leave holes in the numbering; close them.
    kept = [index for index, tags in enumerate(combinations) if tags is not None]
    renumber = np.full(len(combinations), -1, dtype=np.int32)
    renumber[kept] = np.arange(len(kept), dtype=np.int32)
    highways = Highways(
        offset=np.concatenate(([0], np.cumsum(np.array(lengths, dtype=np.int64)))),
        node=np.array(nodes, dtype=np.int64),
        lon=np.where(missing, np.nan, x * _SCALE),
        lat=np.where(missing, np.nan, y * _SCALE),
        way=np.array(ways, dtype=np.int64),
        kind=renumber[np.array(kinds, dtype=np.int64)],
        tags=tuple(tags for tags in combinations if tags is not None),
        names=tuple(names),
        turns=turns,
        dropped=dropped.counts,
        synthetic=synthetic,
    )
    highways, not_applied = close_barriers(highways, blocked)
    dropped.add(
        "barriers where three or more roads meet (not applied: whose barrier it is, is not mapped)", not_applied
    )
    return highways


def _read_barriers(path: Path) -> dict[int, int]:
    """Node id -> bits of the modes that its barrier keeps out; nodes that keep nobody out are left out."""
    processor: Iterable[Any] = osmium.FileProcessor(str(path), osmium.osm.NODE).with_filter(
        osmium.filter.KeyFilter("barrier")
    )
    found = {node.id: blocked_by(dict(node.tags)) for node in processor}
    return {node: bits for node, bits in found.items() if bits}


def _read_turn_rules(path: Path, dropped: _Dropped) -> tuple[TurnRule, ...]:
    """Turn restrictions at single nodes; those over ways and those by hour are counted as dropped."""
    processor: Iterable[Any] = osmium.FileProcessor(str(path), osmium.osm.RELATION).with_filter(
        osmium.filter.TagFilter(("type", "restriction"))
    )
    rules = []
    for relation in processor:
        tags = dict(relation.tags)
        if any(key.endswith(":conditional") for key in tags):
            dropped.add("turn restrictions by hour (not read yet)")
            continue
        bound = bound_by(tags)
        if bound is None:
            continue
        members = [(member.role, member.type, member.ref) for member in relation.members]
        froms = [ref for role, kind, ref in members if role == "from" and kind == "w"]
        vias = [ref for role, kind, ref in members if role == "via" and kind == "n"]
        tos = [ref for role, kind, ref in members if role == "to" and kind == "w"]
        if len(vias) != 1 or not froms or not tos:
            dropped.add("turn restrictions over ways, or incomplete (not applied)")
            continue
        kind, modes = bound
        rules += [
            TurnRule(from_way=a, via_node=vias[0], to_way=b, only=kind.startswith("only_"), modes=modes)
            for a in froms
            for b in tos
        ]
    return tuple(rules)


def close_barriers(highways: Highways, blocked: Mapping[int, int]) -> tuple[Highways, int]:
    """Put a gate of no length into the road at every barrier, passable only for whom it lets through.

    The node is doubled: the road arrives at one copy and goes on from the other, and a way between them carries the
    road's own permissions less those of the modes kept out.

    Returns
    -------
    The highways with their gates, and the number of barriers at which more than two roads meet, which are left open.
    """
    at = np.flatnonzero(np.isin(highways.node, np.fromiter(blocked, dtype=np.int64, count=len(blocked))))
    if not len(at):
        return highways, 0
    way_of = np.searchsorted(highways.offset, at, side="right") - 1
    first, last = highways.offset[way_of], highways.offset[way_of + 1] - 1
    places: dict[int, list[tuple[int, int, bool]]] = {}
    for position, way, is_end in zip(
        at.tolist(), way_of.tolist(), ((at == first) | (at == last)).tolist(), strict=True
    ):
        places.setdefault(int(highways.node[position]), []).append((position, way, is_end))
    node = highways.node.copy()
    fresh = int(node.max()) + 1
    cuts: list[int] = []  # positions after which a way is cut in two, its node doubled
    cut_ids: list[int] = []
    gates: list[tuple[int, int, int, int]] = []  # two copies of a node in the way's direction, position, way
    kept_out: list[int] = []
    tags = list(highways.tags)
    not_applied = 0
    for name, refs in places.items():
        roads = sum(1 if is_end else 2 for _, _, is_end in refs)
        if roads > 2:
            not_applied += 1
        if roads != 2:
            continue
        position, way, is_end = refs[-1]
        if is_end:
            node[position] = fresh
        else:
            cuts.append(position)
            cut_ids.append(fresh)
        # A way whose last node was doubled comes through the gate from the copy, any other goes on from it.
        arrives = is_end and position == highways.offset[way + 1] - 1
        gates.append((fresh, name, position, way) if arrives else (name, fresh, position, way))
        kept_out.append(blocked[name])
        fresh += 1
    if not gates:
        return highways, not_applied
    kinds = []
    for (_, _, _, way), bits in zip(gates, kept_out, strict=True):
        road, keep = highways.tags[highways.kind[way]], 0xFF ^ bits
        tags.append(replace(road, forward=road.forward & keep, backward=road.backward & keep))
        kinds.append(len(tags) - 1)
    # The doubled node begins the second half of a cut way; gates follow as ways of two nodes at one place.
    order = np.argsort(cuts)
    where = np.array(cuts, dtype=np.int64)[order] + 1
    node = np.insert(node, where, np.array(cut_ids, dtype=np.int64)[order])
    lon = np.insert(highways.lon, where, highways.lon[where - 1])
    lat = np.insert(highways.lat, where, highways.lat[where - 1])
    halves = np.searchsorted(highways.offset, where - 1, side="right") - 1
    moved = highways.offset + np.searchsorted(where, highways.offset, side="right")
    starts = np.sort(np.concatenate((moved[:-1], where + np.arange(len(where)))))
    repeat = 1 + np.bincount(halves, minlength=len(highways.way))
    spot = np.array([position for _, _, position, _ in gates], dtype=np.int64)
    owner = np.array([way for _, _, _, way in gates], dtype=np.int64)
    return replace(
        highways,
        offset=np.concatenate((starts, len(node) + 2 * np.arange(len(gates) + 1))),
        node=np.concatenate((node, np.array([(a, b) for a, b, _, _ in gates], dtype=np.int64).ravel())),
        lon=np.concatenate((lon, np.repeat(highways.lon[spot], 2))),
        lat=np.concatenate((lat, np.repeat(highways.lat[spot], 2))),
        way=np.concatenate((np.repeat(highways.way, repeat), highways.way[owner])),
        kind=np.concatenate((np.repeat(highways.kind, repeat), np.array(kinds, dtype=np.int32))),
        tags=tuple(tags),
        names=(
            *(name for name, times in zip(highways.names, repeat.tolist(), strict=True) for _ in range(times)),
            *(highways.names[way] for way in owner.tolist()),
        ),
    ), not_applied


PLACE_KEYS: Final = ("place", "amenity", "shop", "office", "landuse", "building", "natural", "waterway", "leisure")
POINT_VALUES: Final[Mapping[str, frozenset[str] | None]] = {
    "place": frozenset({"village", "hamlet", "town", "suburb", "quarter", "neighbourhood"}),
    "amenity": frozenset({"university", "college", "school", "hospital", "post_office", "charging_station",
                          "townhall", "marketplace"}),
    "shop": frozenset({"supermarket", "convenience", "mall", "department_store", "general"}),
    "office": None,
}  # fmt: skip
AREA_VALUES: Final[Mapping[str, frozenset[str] | None]] = {
    "amenity": POINT_VALUES["amenity"],
    "shop": POINT_VALUES["shop"],
    "office": None,
    "place": frozenset({"neighbourhood", "quarter"}),
    "landuse": frozenset({"residential", "industrial", "commercial", "retail", "education", "military", "cemetery",
                          "forest", "reservoir", "basin"}),
    "building": None,
    "natural": frozenset({"water"}),
    "waterway": frozenset({"riverbank"}),
    "leisure": frozenset({"park"}),
}  # fmt: skip


def wanted(tags: Mapping[str, str], values: Mapping[str, frozenset[str] | None]) -> bool:
    """Tell whether a place or area with these tags is one that :func:`read_features` keeps."""
    return any(key in tags and (allowed is None or tags[key] in allowed) for key, allowed in values.items())


def read_features(path: Path) -> tuple[tuple[Feature, ...], dict[str, int]]:
    """Read places and areas; the second value counts what was dropped and why.

    Areas come from closed ways and from multipolygon relations; broken ones are dropped and counted.

    Raises
    ------
    InputError
        When the file is missing or cannot be read to its end.
    """
    check_path(path)
    with _reading(path):
        try:
            return _features(path)
        except RuntimeError as error:
            if not _UNSORTED.search(str(error)):
                raise
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / "sorted.osm.pbf"
            with osmium.SimpleWriter(str(copy)) as writer:
                merge = osmium.MergeInputReader()
                merge.add_file(str(path))
                merge.apply(_Copy(writer))
            return _features(copy)


class _Copy(osmium.SimpleHandler):
    """Writes what it is given."""

    def __init__(self, writer: osmium.SimpleWriter) -> None:
        super().__init__()
        self.node = self.way = self.relation = writer.add


def _features(path: Path) -> tuple[tuple[Feature, ...], dict[str, int]]:
    dropped = _Dropped()
    factory = osmium.geom.WKBFactory()
    features: list[Feature] = []
    shapes: list[str | tuple[float, float]] = []
    expected: set[str] = set()
    processor: Iterable[Any] = (
        osmium.FileProcessor(str(path))
        .with_locations()
        .with_areas(osmium.filter.KeyFilter(*PLACE_KEYS))
        .with_filter(osmium.filter.KeyFilter(*PLACE_KEYS))
    )
    for item in processor:
        tags = dict(item.tags)
        if item.is_node():
            if wanted(tags, POINT_VALUES) and item.location.valid():
                shapes.append((item.lon, item.lat))
                features.append(Feature(osm_id=f"node/{item.id}", name=tags.get("name", ""), tags=tags, geometry=None))
        elif not wanted(tags, AREA_VALUES):
            continue
        elif item.is_area():
            origin = f"{'way' if item.from_way() else 'relation'}/{item.orig_id()}"
            try:
                shapes.append(factory.create_multipolygon(item))
            except RuntimeError:
                continue
            expected.discard(origin)
            features.append(Feature(osm_id=origin, name=tags.get("name", ""), tags=tags, geometry=None))
        elif item.is_way():
            if item.is_closed() and tags.get("area") != "no":
                expected.add(f"way/{item.id}")
        elif tags.get("type") == "multipolygon":
            expected.add(f"relation/{item.id}")
    # Areas come after all ways and relations; osmium leaves out those that it cannot close, without a word.
    dropped.add("areas whose outline is broken or incomplete", len(expected))
    geometries = _geometries(shapes)
    return (
        tuple(
            Feature(osm_id=f.osm_id, name=f.name, tags=f.tags, geometry=geometry)
            for f, geometry in zip(features, geometries, strict=True)
        ),
        dropped.counts,
    )


def _geometries(shapes: list[str | tuple[float, float]]) -> list[Any]:
    """Turn hex WKB and coordinate pairs into shapely geometries in bulk."""
    result = np.empty(len(shapes), dtype=object)
    is_point = np.array([isinstance(shape, tuple) for shape in shapes], dtype=bool)
    points = [shape for shape in shapes if isinstance(shape, tuple)]
    if points:
        result[is_point] = shapely.points(np.array(points))
    areas = [shape for shape in shapes if isinstance(shape, str)]
    if areas:
        result[~is_point] = shapely.from_wkb(np.array(areas, dtype=object))
    return list(result)
