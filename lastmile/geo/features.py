"""Places and areas of an OpenStreetMap file: where people live, work, study and shop; and water.

Areas come from closed ways and from multipolygon relations, put together inside pyosmium. Real files are clipped and
hold broken outlines: whatever cannot be used is dropped, counted and reported.
"""

import re
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import osmium
import shapely

from lastmile.geo.map_file import check_path, reading

_UNSORTED: Final = re.compile("twice in input|out of order|after a")  # libosmium joins areas from sorted files only


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """A place or area of the map: where people live, work, study, shop; or water.

    ``geometry`` is in WGS-84: a point, or a polygon where the map has one.
    """

    osm_id: str
    name: str
    tags: Mapping[str, str]
    geometry: Any


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
    with reading(path):
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
    dropped = {"areas whose outline is broken or incomplete": len(expected)} if expected else {}
    geometries = _geometries(shapes)
    return (
        tuple(
            Feature(osm_id=f.osm_id, name=f.name, tags=f.tags, geometry=geometry)
            for f, geometry in zip(features, geometries, strict=True)
        ),
        dropped,
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
