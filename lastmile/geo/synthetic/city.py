"""A made-up city of any size, written as a real ``.osm.pbf`` with its demand and zones.

No map of a real city is shipped with this package. What stands in is *synthetic*: towns, rings and rivers lie roughly
where ``city.toml`` says, every street between them is invented, and every file says so.
"""

import csv
import io
import json
import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import osmium
import shapely
from numpy.typing import NDArray

from lastmile.geo.osm import SYNTHETIC_GENERATOR
from lastmile.geo.synthetic.details import add_details
from lastmile.geo.synthetic.draft import Draft, Tags, cut, join
from lastmile.geo.synthetic.places import Community, population_grid, settle_town
from lastmile.geo.synthetic.roads import county_roads, grid_lines, motorways, ring_roads, river_roads
from lastmile.geo.synthetic.spec import CitySpec
from lastmile.geo.synthetic.terrain import Floats, ring_line, terrain_of
from lastmile.geo.synthetic.villages import villages


@dataclass(frozen=True, slots=True, kw_only=True)
class SyntheticCity:
    """A generated city.

    Parameters
    ----------
    lon, lat
        Nodes, degrees WGS-84; node ``k`` has the OSM id ``k + 1``.
    node_tags
        Index of a node to its tags; most nodes have none.
    ways
        Node indices and tags; way ``k`` has the OSM id ``k + 1``. Areas are closed ways.
    relations
        Turn restrictions: members (type ``n`` or ``w``, index, role) and tags.
    population
        Rows of longitude, latitude, residents.
    communities
        Every group of compounds, village, township and campus.
    zones
        Identifier, name, and the closed counterclockwise outline in degrees.
    """

    spec: CitySpec
    lon: Floats
    lat: Floats
    node_tags: dict[int, Tags]
    ways: tuple[tuple[tuple[int, ...], Tags], ...]
    relations: tuple[tuple[tuple[tuple[str, int, str], ...], Tags], ...]
    population: tuple[tuple[float, float, int], ...]
    communities: tuple[Community, ...]
    zones: tuple[tuple[str, str, Floats], ...]


def synthesize(spec: CitySpec) -> SyntheticCity:
    """Make up a city; the same specification always gives the same city."""
    rng = np.random.default_rng(spec.seed)
    terrain = terrain_of(spec)
    rings = [line for ring in spec.rings for line in ring_roads(terrain, ring)]
    banks = river_roads(terrain)
    avoid = shapely.union_all(
        [shapely.LineString(ring_line(ring)) for ring in spec.rings]
        + [shapely.LineString(line.points) for line in banks]
    )
    streets = grid_lines(terrain, spec, avoid, rng)
    country = county_roads(terrain, spec, rng)
    hamlets, settled = villages(terrain, spec, country, rng)
    ground = [*rings, *banks, *streets, *country, *hamlets]
    fast = motorways(terrain, spec, ground)
    lines = cut([*ground, *fast], terrain.bank, {"bridge": "yes", "layer": "1"})
    draft = Draft()
    join(lines, draft)
    town = settle_town(draft, terrain, spec, settled, rng)
    add_details(draft, terrain, rng)
    cells, people = population_grid(terrain, spec, town.compounds, settled)

    kept = np.zeros(len(draft.points), dtype=bool)
    for nodes, _ in draft.ways:
        kept[nodes] = True
    kept[list(draft.node_tags)] = True
    number = np.cumsum(kept) - 1
    degrees = terrain.plane.degrees(np.array(draft.points)[kept])
    zones = []
    for zone in spec.zones:
        outlines = [terrain.plane.degrees(ring_line(ring)) for ring in spec.rings if ring.id == zone.ring]
        outline = outlines[0] if outlines else np.array([*zone.polygon, zone.polygon[0]])
        polygon = shapely.orient_polygons(shapely.Polygon(outline), exterior_cw=False)
        zones.append((zone.id, zone.name, shapely.get_coordinates(polygon.exterior)))
    return SyntheticCity(
        spec=spec,
        lon=degrees[:, 0],
        lat=degrees[:, 1],
        node_tags={int(number[node]): tags for node, tags in sorted(draft.node_tags.items())},
        ways=tuple((tuple(number[nodes].tolist()), tags) for nodes, tags in draft.ways),
        relations=tuple(
            (tuple((kind, int(number[ref]) if kind == "n" else ref, role) for kind, ref, role in members), tags)
            for members, tags in draft.relations
        ),
        population=_rows(terrain.plane.degrees(cells), people),
        communities=town.communities,
        zones=tuple(zones),
    )


def _rows(points: Floats, people: NDArray[np.int64]) -> tuple[tuple[float, float, int], ...]:
    return tuple((float(lon), float(lat), int(count)) for (lon, lat), count in zip(points, people, strict=True))


def write_city(city: SyntheticCity, folder: str | Path) -> list[Path]:
    """Write map, population, districts, communities and zones; every file appears whole or not at all.

    Returns
    -------
    list of Path
        The files written.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    spec = city.spec
    population = [(f"{lon:.5f}", f"{lat:.5f}", people) for lon, lat, people in city.population]
    districts = [(d.name, d.name_en, *d.centre, round(d.population * spec.scale), d.kind) for d in spec.districts]
    communities = [(c.id, c.name, c.district, c.kind, f"{c.lon:.6f}", f"{c.lat:.6f}") for c in city.communities]
    tables: dict[str, str] = {
        "population.csv": _table(("lon", "lat", "population"), population),
        "districts.csv": _table(("name", "name_en", "lon", "lat", "population", "kind"), districts),
        "communities.csv": _table(("id", "name", "district", "kind", "lon", "lat"), communities),
        "zones.geojson": _zones(city),
    }
    written = [_whole(folder / f"{spec.slug}-synthetic.osm.pbf", lambda path: _write_map(city, path))]
    for name, text in tables.items():
        written.append(_whole(folder / name, lambda path, text=text: _write_text(path, text)))  # type: ignore[misc]
    return written


def _whole(path: Path, write: Callable[[Path], None]) -> Path:
    """Write beside the target, then rename; the suffix stays, for it tells osmium the format."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".unfinished-", suffix="".join(path.suffixes[-2:]))
    os.close(handle)
    temporary = Path(name)
    try:
        write(temporary)
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


def _table(columns: tuple[str, ...], rows: Sequence[tuple[object, ...]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue()


def _zones(city: SyntheticCity) -> str:
    features = [
        {
            "type": "Feature",
            "properties": {"zone_id": zone, "name": name},
            "geometry": {"type": "Polygon", "coordinates": [np.round(outline, 7).tolist()]},
        }
        for zone, name, outline in city.zones
    ]
    text = (
        f"Zones of a synthetic {city.spec.name} ({SYNTHETIC_GENERATOR}): made up, not the boundaries of any regulation."
    )
    collection = {"type": "FeatureCollection", "description": text, "features": features}
    return json.dumps(collection, ensure_ascii=False, indent=1) + "\n"


def _write_map(city: SyntheticCity, path: Path) -> None:
    header = osmium.io.Header()
    header.set("generator", SYNTHETIC_GENERATOR)
    west, south, east, north = (float(f(axis)) for f in (np.min, np.max) for axis in (city.lon, city.lat))
    header.add_box(osmium.osm.Box(west, south, east, north))
    with osmium.SimpleWriter(str(path), header=header, overwrite=True) as writer:
        for node, (lon, lat) in enumerate(zip(city.lon.tolist(), city.lat.tolist(), strict=True)):
            tags = city.node_tags.get(node, {})
            writer.add_node(osmium.osm.mutable.Node(id=node + 1, version=1, location=(lon, lat), tags=tags))
        for way, (nodes, tags) in enumerate(city.ways):
            refs = [node + 1 for node in nodes]
            writer.add_way(osmium.osm.mutable.Way(id=way + 1, version=1, nodes=refs, tags=tags))
        for relation, (members, tags) in enumerate(city.relations):
            listed = [(kind, ref + 1, role) for kind, ref, role in members]
            writer.add_relation(osmium.osm.mutable.Relation(id=relation + 1, version=1, members=listed, tags=tags))
