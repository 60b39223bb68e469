"""What lastmile and osmnx read differently, each as an alteration of the map that makes lastmile read it as osmnx does.

Every alteration says which objects it touched, so that a path which changes with it can name its cause.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from benchmarks.distances.street_map import StreetMap, Tags
from lastmile.geo.tags import MODE_BIT, blocked_by, read_road

# Which ways osmnx 2 downloads for network_type="drive_service", from osmnx._overpass._get_network_filter and
# settings.default_access: a way is left out when the pattern is found in the tag's value.
_LEFT_OUT: Final[Mapping[str, re.Pattern[str]]] = {
    key: re.compile(pattern)
    for key, pattern in {
        "area": "yes",
        "access": "private",
        "highway": "abandoned|bridleway|bus_guideway|construction|corridor|cycleway|elevator|escalator|footway|no|path|"
        "pedestrian|planned|platform|proposed|raceway|razed|rest_area|services|steps|track",
        "motor_vehicle": "no",
        "motorcar": "no",
        "service": "emergency_access|parking|parking_aisle|private",
    }.items()
}
# What osmnx.graph._add_paths takes for one-way, and which of it for one-way against the way.
_ONEWAY: Final = {"yes": "yes", "true": "yes", "1": "yes", "F": "yes", "-1": "-1", "reverse": "-1", "T": "-1"}
_ACCESS: Final = ("access", "vehicle", "motor_vehicle", "goods")
_VAN: Final = MODE_BIT["e_van"]

# An object that was touched, as osm.org names it, and what it carried.
Touched = tuple[str, str]


def drivable(tags: Mapping[str, str]) -> bool:
    """Whether osmnx would have downloaded the way."""
    return not any(key in tags and pattern.search(tags[key]) for key, pattern in _LEFT_OUT.items())


def _van(tags: Tags) -> int:
    """Bits 1 and 2: whether lastmile lets a van along and against a way that carries the tags."""
    road = read_road(tags)
    return 0 if road is None else ((road.forward & _VAN) != 0) + 2 * ((road.backward & _VAN) != 0)


def _described(tags: Tags, *keys: str) -> str:
    return ", ".join(f"{key}={tags[key]}" for key in keys if key in tags)


def _barriers(town: StreetMap) -> Iterator[Touched]:
    for key, node in town.nodes.items():
        if blocked_by(node.tags) & _VAN:
            yield f"node/{key}", _described(node.tags, "barrier", *_ACCESS)
        node.tags.pop("barrier", None)


def _turns(town: StreetMap) -> Iterator[Touched]:
    for key, one in town.relations.items():
        yield f"relation/{key}", ", ".join(value for name, value in one.tags.items() if name.startswith("restriction"))
    town.relations.clear()


def _left_out(town: StreetMap) -> Iterator[Touched]:
    for key, way in town.ways.items():
        if not drivable(way.tags) and _van(way.tags):
            yield f"way/{key}", _described(way.tags, *_LEFT_OUT)
            # Closed to vehicles only: its junctions with other roads stay junctions.
            for name in _ACCESS[1:]:
                way.tags[name] = "no"


def _access(town: StreetMap) -> Iterator[Touched]:
    for key, way in town.ways.items():
        if not drivable(way.tags):
            continue
        before, said = _van(way.tags), _described(way.tags, *_ACCESS)
        for name in [name for name in way.tags if name in _ACCESS or name.endswith(":conditional")]:
            del way.tags[name]
        if _van(way.tags) != before:
            yield f"way/{key}", said


def _classes(town: StreetMap) -> Iterator[Touched]:
    for key, way in town.ways.items():
        if drivable(way.tags) and not _van({"highway": way.tags["highway"]}):
            yield f"way/{key}", _described(way.tags, "highway")
            way.tags["highway"] = "unclassified"


def _oneways(town: StreetMap) -> Iterator[Touched]:
    for key, way in town.ways.items():
        if not drivable(way.tags):
            continue
        before, said = _van(way.tags), _described(way.tags, "highway", "oneway", "junction")
        roundabout = way.tags.pop("junction", "") == "roundabout"
        way.tags["oneway"] = _ONEWAY.get(way.tags.get("oneway", ""), "yes" if roundabout else "no")
        if _van(way.tags) != before:
            yield f"way/{key}", said


# Name of the cause -> the alteration, in the order in which causes are doubted when several would do.
LIFTS: Final[Mapping[str, Callable[[StreetMap], Iterator[Touched]]]] = {
    "class closed to vans": _classes,
    "turn restriction": _turns,
    "barrier": _barriers,
    "one-way read differently": _oneways,
    "road that osmnx leaves out": _left_out,
    "access tag": _access,
}


def lift(town: StreetMap, causes: frozenset[str]) -> tuple[StreetMap, dict[str, dict[str, str]]]:
    """The map with causes lifted, and per cause what was touched: object -> what it carried."""
    altered = town.copy()
    touched = {cause: dict(alter(altered)) for cause, alter in LIFTS.items() if cause in causes}
    return altered, touched
