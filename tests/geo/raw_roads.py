"""What the tests of the map decoder ask for, texts to build blocks from, and the same read with pyosmium."""

from itertools import pairwise

import numpy as np
import osmium
from pbf_bytes import (
    DENSE,
    WAY,
    block,
    dense,
    way,
)

from lastmile.geo.pbf import MISSING, read_pbf

WANTED = {
    "way_filter": {"highway": None, "route": frozenset({"ferry"})},
    "way_keys": frozenset({"highway", "route", "oneway", "maxspeed", "access"}),
    "way_suffixes": (":conditional",),
    "node_keys": frozenset({"barrier", "highway"}),
    "relation_filter": ("type", "restriction"),
}
TEXTS = ["", "highway", "residential", "name", "barrier", "gate", "type", "restriction", "from", "oneway", "yes"]
EMPTY, HIGHWAY, RESIDENTIAL, NAME, BARRIER, GATE, TYPE, RESTRICTION, FROM, ONEWAY, YES = range(11)
RULE = {"keys": [TYPE], "values": [RESTRICTION]}
STREET = {"keys": [HIGHWAY], "values": [RESIDENTIAL]}
HISTORY = ("OsmSchema-V0.6", "HistoricalInformation")


def read(path, **changes):
    return read_pbf(path, **WANTED | changes)


def plain(roads):
    """What was read, as one value per way, node and relation."""
    bounds = list(pairwise(roads.offset.tolist()))
    places = list(zip(roads.node.tolist(), roads.x.tolist(), roads.y.tolist(), strict=True))
    return {
        "ways": [
            (number, places[first:last], roads.combinations[tags], roads.names[name])
            for number, (first, last), tags, name in zip(
                roads.way.tolist(), bounds, roads.tags.tolist(), roads.name.tolist(), strict=True
            )
        ],
        "nodes": {
            number: roads.node_combinations[tags]
            for number, tags in zip(roads.tagged_node.tolist(), roads.tagged.tolist(), strict=True)
        },
        "relations": [(relation.id, relation.tags, relation.members) for relation in roads.relations],
    }


def consistent(roads):
    """Whether every index leads somewhere and every list is as long as it should be."""
    assert roads.offset[0] == 0
    assert roads.offset[-1] == len(roads.node) == len(roads.x) == len(roads.y)
    assert (np.diff(roads.offset) >= 0).all()
    assert len(roads.offset) - 1 == len(roads.way) == len(roads.tags) == len(roads.name)
    assert ((roads.x == MISSING) == (roads.y == MISSING)).all()
    assert len(set(roads.way.tolist())) == len(roads.way)
    assert (np.diff(roads.tagged_node) > 0).all()
    assert np.isin(roads.tagged_node, roads.node).all()
    assert len(roads.tagged_node) == len(roads.tagged)
    plain(roads)
    return True


def by_osmium(path):
    """The same from pyosmium's objects, places looked up in all nodes of the file."""
    places, ways, nodes, relations = {}, [], {}, []
    for item in osmium.FileProcessor(str(path)):
        tags = dict(item.tags)
        if item.is_node():
            known = item.location.valid()
            places[item.id] = (item.location.x, item.location.y) if known else (MISSING, MISSING)
            nodes[item.id] = {key: value for key, value in tags.items() if key in WANTED["node_keys"]}
        elif item.is_way():
            if "highway" in tags or tags.get("route") == "ferry":
                kept = {
                    key: value
                    for key, value in tags.items()
                    if key in WANTED["way_keys"] or key.endswith(":conditional")
                }
                ways.append((item.id, [ref.ref for ref in item.nodes], kept, tags.get("name", "")))
        elif tags.get("type") == "restriction":
            relations.append((item.id, tags, tuple((m.role, m.type, m.ref) for m in item.members)))
    used = {ref for _, refs, _, _ in ways for ref in refs}
    return {
        "ways": [
            (number, [(ref, *places.get(ref, (MISSING, MISSING))) for ref in refs], kept, name)
            for number, refs, kept, name in ways
        ],
        "nodes": {number: kept for number, kept in nodes.items() if kept and number in used},
        "relations": relations,
    }


def nodes_of(*numbers, about=b""):
    return block(TEXTS, [(DENSE, dense(numbers, [10 * n for n in numbers], [-n for n in numbers], about=about))])


def ways_of(*ways):
    return block(TEXTS, [(WAY, way(number, refs, **STREET)) for number, refs in ways])
