"""A whole small map in memory: read, altered and written again."""

from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import osmium

Tags = dict[str, str]


@dataclass(slots=True)
class Node:
    """A node: degrees, and what it carries."""

    lon: float
    lat: float
    tags: Tags


@dataclass(slots=True)
class Way:
    """A way: the nodes it leads over, and what it carries."""

    refs: list[int]
    tags: Tags


@dataclass(slots=True)
class Relation:
    """A relation: (kind, id, role) of its members, and what it carries."""

    members: list[tuple[str, int, str]]
    tags: Tags


@dataclass(slots=True)
class StreetMap:
    """Nodes, ways with the tag highway and relations that restrict turns, by id."""

    nodes: dict[int, Node]
    ways: dict[int, Way]
    relations: dict[int, Relation]

    def copy(self) -> "StreetMap":
        """A map whose tags can be altered without altering this one's."""
        return StreetMap(
            nodes={key: Node(one.lon, one.lat, dict(one.tags)) for key, one in self.nodes.items()},
            ways={key: Way(one.refs, dict(one.tags)) for key, one in self.ways.items()},
            relations={key: Relation(one.members, dict(one.tags)) for key, one in self.relations.items()},
        )

    def cut(self) -> "StreetMap":
        """The ways without their references to nodes that are not in the map: those end there and begin anew behind."""
        pieces: dict[int, Way] = {}
        fresh = max(self.ways, default=0) + 1
        for key, way in self.ways.items():
            for present, run in groupby(way.refs, self.nodes.__contains__):
                refs = list(run)
                if present and len(refs) > 1:
                    pieces[fresh if key in pieces else key] = Way(refs, way.tags)
                    fresh += 1
        return StreetMap(self.nodes, pieces, self.relations)

    def write(self, path: Path) -> None:
        """Write ways, the nodes they lead over, and relations, in the format of the path's suffix."""
        chosen = sorted(self.ways)
        used = sorted({ref for way in self.ways.values() for ref in way.refs} & self.nodes.keys())
        with osmium.SimpleWriter(str(path), overwrite=True) as writer:
            for key in used:
                node = self.nodes[key]
                place = (node.lon, node.lat)
                writer.add_node(osmium.osm.mutable.Node(id=key, version=1, location=place, tags=node.tags))
            for key in chosen:
                way = self.ways[key]
                writer.add_way(osmium.osm.mutable.Way(id=key, version=1, nodes=way.refs, tags=way.tags))
            for key, one in sorted(self.relations.items()):
                writer.add_relation(osmium.osm.mutable.Relation(id=key, version=1, members=one.members, tags=one.tags))


def read_map(path: Path) -> StreetMap:
    """Read all highways of a file."""
    found = StreetMap({}, {}, {})
    for one in osmium.FileProcessor(str(path)):
        tags = dict(one.tags)
        if one.is_node():
            if one.location.valid():
                found.nodes[one.id] = Node(one.lon, one.lat, tags)
        elif one.is_way():
            if "highway" in tags:
                found.ways[one.id] = Way([ref.ref for ref in one.nodes], tags)
        elif tags.get("type") == "restriction":
            found.relations[one.id] = Relation([(m.type, m.ref, m.role) for m in one.members], tags)
    return found
