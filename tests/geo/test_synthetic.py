import dataclasses
import itertools
import json
from pathlib import Path

import numpy as np
import osmium
import pytest
import shapely
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from lastmile.errors import InputError
from lastmile.geo.synthetic import (
    CitySpec,
    District,
    Motorway,
    Ring,
    River,
    SyntheticCity,
    Zone,
    read_city,
    synthesize,
    write_city,
)

MOTOR = {
    *("motorway", "trunk", "primary", "secondary", "tertiary", "residential", "unclassified", "service"),
    *("living_street", "motorway_link", "trunk_link"),
}
WALKED = MOTOR - {"motorway", "motorway_link", "trunk", "trunk_link"} | {"footway", "pedestrian", "cycleway", "track"}

# A town of 3 km radius with a river 600 m south of its centre, and one county town 15 km to the east.
SPEC = CitySpec(
    slug="testcity",
    name="Testcity",
    name_zh="试城",
    seed=7,
    centre=(112.0, 34.5),
    scale=0.5,
    compounds=60,
    campuses=3,
    districts=(
        District(name="城关区", name_en="Chengguan", centre=(112.0, 34.5), population=500_001, kind="urban"),
        District(
            name="东县", name_en="Dongxian", centre=(112.16, 34.5), population=100_001, kind="county", villages=10
        ),
    ),
    rings=(
        Ring(id="inner", name="内环", radius_km=(1.5, 1.4), elevated=True, squareness=3.0),
        Ring(
            id="outer", name="外环", radius_km=(4.0, 3.5), squareness=6.0, side_names=("东环", "北环", "西环", "南环")
        ),
    ),
    rivers=(
        River(
            name="试河",
            name_en="Shi River",
            line=((111.9, 34.475), (112.0, 34.492), (112.3, 34.46)),
            width_m=150,
            bridges=3,
        ),
    ),
    motorways=(Motorway(name="试高速", ref="G99", line=((112.08, 34.4), (112.08, 34.6))),),
    zones=(
        Zone(id="inner_ring", name="内环以内", ring="inner"),
        Zone(id="box", name="方区", polygon=((112.0, 34.5), (112.0, 34.51), (112.01, 34.51), (112.01, 34.5))),
    ),
)


@pytest.fixture(scope="module")
def city() -> SyntheticCity:
    return synthesize(SPEC)


@pytest.fixture(scope="module")
def folder(city: SyntheticCity, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("city")
    write_city(city, folder)
    return folder


@pytest.fixture(scope="module")
def pbf(folder: Path) -> Path:
    return folder / "testcity-synthetic.osm.pbf"


def roads(city: SyntheticCity) -> list[tuple[tuple[int, ...], dict[str, str]]]:
    return [(nodes, tags) for nodes, tags in city.ways if "highway" in tags]


def line(city: SyntheticCity, nodes: tuple[int, ...]) -> shapely.LineString:
    picked = list(nodes)
    return shapely.LineString(np.column_stack([city.lon[picked], city.lat[picked]]))


def largest_share(edges: list[tuple[int, int]], segments: list[tuple[int, int]], size: int, connection: str) -> float:
    """Share of the segments whose two nodes lie in the largest component of the directed edges."""
    tails, heads = np.array(edges).T
    graph = coo_matrix((np.ones(len(edges)), (tails, heads)), shape=(size, size))
    _, label = connected_components(graph, directed=True, connection=connection)
    ends = label[np.array(segments)]
    same = ends[:, 0] == ends[:, 1]
    return np.bincount(ends[same, 0]).max() / len(segments)


def test_regenerating_gives_identical_files(folder: Path, tmp_path: Path) -> None:
    written = write_city(synthesize(SPEC), tmp_path)
    assert sorted(path.name for path in written) == sorted(path.name for path in folder.iterdir())
    for path in written:
        assert path.read_bytes() == (folder / path.name).read_bytes(), path.name


def test_another_seed_gives_another_city(city: SyntheticCity) -> None:
    other = synthesize(dataclasses.replace(SPEC, seed=8))
    assert other.lon.tolist() != city.lon.tolist()


def test_map_reads_back_sorted_and_every_reference_resolves(pbf: Path) -> None:
    kinds, ids, nodes, ways = [], [], set(), set()
    for entity in osmium.FileProcessor(pbf):
        kinds.append(entity.type_str())
        ids.append(entity.id)
        assert entity.version == 1
        assert entity.timestamp.year == 1970  # osmium's way of saying that there is none
        if entity.is_node():
            nodes.add(entity.id)
        elif entity.is_way():
            ways.add(entity.id)
            assert {ref.ref for ref in entity.nodes} <= nodes
            assert len(entity.nodes) >= 2
        else:
            assert {member.ref for member in entity.members if member.type == "n"} <= nodes
            assert {member.ref for member in entity.members if member.type == "w"} <= ways
    assert min(ids) == 1
    assert "".join(kind for kind, _ in itertools.groupby(kinds)) == "nwr"
    for kind in "nwr":
        of_kind = [number for number, other in zip(ids, kinds, strict=True) if other == kind]
        assert of_kind == sorted(set(of_kind))


def test_header_says_that_the_map_is_synthetic(pbf: Path) -> None:
    with osmium.io.Reader(str(pbf)) as reader:
        assert reader.header().get("generator") == "lastmile synthetic city"


def test_no_unfinished_file_is_left_behind(folder: Path) -> None:
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]


def test_a_failed_write_leaves_the_old_file_alone(
    city: SyntheticCity, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tmp_path / "testcity-synthetic.osm.pbf"
    old.write_bytes(b"old")

    def broken(*_: object, **__: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("lastmile.geo.synthetic.city.osmium.SimpleWriter", broken)
    with pytest.raises(OSError, match="disk full"):
        write_city(city, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [old.name]
    assert old.read_bytes() == b"old"


def test_river_is_crossed_only_by_bridges_and_tunnels(city: SyntheticCity) -> None:
    water = [line(city, nodes) for nodes, tags in city.ways if tags.get("natural") == "water"]
    assert len(water) == 1
    surface = shapely.Polygon(water[0])
    crossing = [tags for nodes, tags in roads(city) if line(city, nodes).intersects(surface)]
    assert crossing
    for tags in crossing:
        assert tags.get("bridge") == "yes" or tags.get("tunnel") == "yes", tags


def test_compounds_are_entered_only_at_gates(city: SyntheticCity) -> None:
    walls = [(nodes, tags) for nodes, tags in city.ways if tags.get("barrier") == "wall"]
    compounds = [tags for _, tags in walls if tags.get("landuse") == "residential"]
    assert len(compounds) == SPEC.compounds
    assert all(tags["name"] and tags["name:en"] for tags in compounds)
    ways = roads(city)
    lines = [line(city, nodes) for nodes, _ in ways]
    tree = shapely.STRtree(lines)
    for wall, _ in walls:
        assert wall[0] == wall[-1]
        outline = line(city, wall)
        gates = {node for node in wall if city.node_tags.get(node, {}).get("barrier") == "gate"}
        assert 1 <= len(gates) <= 3
        for number in tree.query(outline, predicate="intersects"):
            nodes, _ = ways[number]
            shared = gates & set(nodes)
            assert len(shared) == 1
            gate = shared.pop()
            (met,) = shapely.get_coordinates(outline.intersection(lines[number])).tolist()
            assert met == pytest.approx([city.lon[gate], city.lat[gate]], abs=1e-7)


def test_cars_reach_nearly_everything_and_come_back(city: SyntheticCity) -> None:
    edges, segments = [], []
    for nodes, tags in roads(city):
        if tags["highway"] not in MOTOR or tags.get("motor_vehicle") == "no":
            continue
        way = tags.get("oneway", "yes" if tags.get("junction") == "roundabout" else "no")
        for tail, head in itertools.pairwise(nodes):
            segments.append((tail, head))
            edges += [(tail, head)] if way != "-1" else []
            edges += [(head, tail)] if way in ("-1", "no") else []
    share = largest_share(edges, segments, len(city.lon), "strong")
    assert 0.97 <= share < 1.0  # the rest is cut off on purpose


def test_walkers_reach_nearly_everything(city: SyntheticCity) -> None:
    segments = [
        pair
        for nodes, tags in roads(city)
        if tags["highway"] in WALKED or tags.get("foot") == "yes"
        for pair in itertools.pairwise(nodes)
    ]
    assert largest_share(segments, segments, len(city.lon), "weak") >= 0.97


def test_every_kind_of_road_and_odd_tag_is_there(city: SyntheticCity) -> None:
    tags = [tags for _, tags in roads(city)]
    assert MOTOR | {"footway", "cycleway", "pedestrian", "track"} <= {tag["highway"] for tag in tags}
    for key, value in (
        *(("oneway", "-1"), ("oneway:bicycle", "no"), ("junction", "roundabout"), ("tunnel", "yes")),
        *(("hgv", "no"), ("motor_vehicle", "no"), ("access", "private"), ("area", "yes")),
    ):
        assert any(tag.get(key) == value for tag in tags), key
    assert {"maxspeed", "maxheight", "maxweight"} <= {key for tag in tags for key in tag}
    points = [{(key, tags.get(key)) for key in tags} for tags in city.node_tags.values()]
    for pair in (
        ("highway", "motorway_junction"),
        ("amenity", "post_office"),
        ("place", "village"),
        ("barrier", "gate"),
    ):
        assert any(pair in entry for entry in points), pair
    assert any(tag["highway"] == "trunk" and tag.get("layer") == "1" for tag in tags)


def test_banned_turns_lead_from_way_to_way_over_their_common_end(city: SyntheticCity) -> None:
    assert city.relations
    for members, tags in city.relations:
        assert tags == {"type": "restriction", "restriction": "no_left_turn"}
        (_, origin, _), (_, via, _), (_, target, _) = members
        assert [role for _, _, role in members] == ["from", "via", "to"]
        assert city.ways[origin][0][-1] == via
        assert via in (city.ways[target][0][0], city.ways[target][0][-1])


def test_roundabouts_turn_counterclockwise(city: SyntheticCity) -> None:
    circles = [nodes for nodes, tags in city.ways if tags.get("junction") == "roundabout"]
    assert circles
    assert all(shapely.LinearRing(line(city, nodes)).is_ccw for nodes in circles)


def test_population_sums_to_the_scaled_districts(folder: Path) -> None:
    rows = (folder / "population.csv").read_text(encoding="utf-8").splitlines()
    assert rows[0] == "lon,lat,population"
    # 500001 / 2 and 100001 / 2 both end in .5, which Python rounds to the even neighbour: 250000 + 50000
    assert sum(int(row.split(",")[2]) for row in rows[1:]) == 300_000
    districts = (folder / "districts.csv").read_text(encoding="utf-8").splitlines()
    assert districts == [
        "name,name_en,lon,lat,population,kind",
        "城关区,Chengguan,112.0,34.5,250000,urban",
        "东县,Dongxian,112.16,34.5,50000,county",
    ]


def test_communities_villages_and_campuses_are_listed_once(folder: Path) -> None:
    rows = [row.split(",") for row in (folder / "communities.csv").read_text(encoding="utf-8").splitlines()]
    assert rows[0] == ["id", "name", "district", "kind", "lon", "lat"]
    assert len({row[0] for row in rows[1:]}) == len(rows) - 1
    kinds = [row[3] for row in rows[1:]]
    assert kinds.count("village") + kinds.count("township") == 10
    assert kinds.count("township") == 2  # those drawn when 9 and 1 are still wanted
    assert kinds.count("campus") == 3
    assert 5 <= kinds.count("community") <= 60
    assert {row[2] for row in rows[1:]} == {"城关区", "东县"}


def test_zones_are_counterclockwise_polygons_on_the_ring_road(folder: Path, city: SyntheticCity) -> None:
    zones = json.loads((folder / "zones.geojson").read_text(encoding="utf-8"))
    assert "synthetic" in zones["description"]
    assert [feature["properties"]["zone_id"] for feature in zones["features"]] == ["inner_ring", "box"]
    for feature in zones["features"]:
        ring = feature["geometry"]["coordinates"][0]
        assert ring[0] == ring[-1]
        assert shapely.LinearRing(ring).is_ccw
    inner = shapely.LinearRing(zones["features"][0]["geometry"]["coordinates"][0])
    above = [line(city, nodes) for nodes, tags in roads(city) if tags.get("name") == "内环高架"]
    # the carriageways run 8 m either side of the centreline; a degree is at most 111.2 km
    assert {round(inner.hausdorff_distance(way) * 111_200) for way in above} <= set(range(6, 13))


GOOD = """
name = "Test City"
name_zh = "试城"
seed = 1
centre = [112.0, 34.5]
scale = 0.5
compounds = 5
campuses = 0
[[districts]]
name = "甲区"
name_en = "Jia"
centre = [112.0, 34.5]
population = 1000
kind = "urban"
"""


def test_minimal_city_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "city.toml"
    path.write_text(GOOD, encoding="utf-8")
    spec = read_city(path)
    assert (spec.slug, spec.scale, spec.centre, spec.rings) == ("test-city", 0.5, (112.0, 34.5), ())
    assert spec.districts == (
        District(name="甲区", name_en="Jia", centre=(112.0, 34.5), population=1000, kind="urban"),
    )


def test_all_faults_of_a_city_file_are_reported_at_once(tmp_path: Path) -> None:
    text = GOOD.replace("scale = 0.5", "scale = 1.5").replace("seed = 1", 'seed = "one"')
    text = text.replace('name_zh = "试城"\n', "compuonds = 9\n")
    text += 'population_ = 3\n[[zones]]\nid = "z"\nname = "Z"\nring = "inne"\n'
    text += '[[rings]]\nid = "inner"\nname = "内环"\nradius_km = [1, 1]\n'
    path = tmp_path / "city.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_city(path)
    found = {fault.place: (fault.cause, fault.remedy) for fault in caught.value.faults}
    assert found == {
        "city.toml, compuonds": ("unknown key", "did you mean 'compounds'?"),
        "city.toml, name_zh": ("is missing", "add a line 'name_zh = ...'"),
        "city.toml, seed": ("'one' is not a whole number", "write a whole number"),
        "city.toml, districts[1].population_": ("unknown key", "did you mean 'population'?"),
        "city.toml, scale": ("1.5 is not in (0, 1]", "write the share of the real city to generate, such as 0.3"),
        "city.toml, zones, z": ("there is no ring 'inne'", "did you mean 'inner'?"),
    }


@pytest.mark.parametrize("content", [b"name = ", b"\xff\xfe", None])
def test_unreadable_city_file_is_one_fault(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "city.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=r"^1 fault in the input"):
        read_city(path)


def test_contradictory_specification_is_refused() -> None:
    with pytest.raises(ValueError, match=r"no ring 'other'.*"):
        dataclasses.replace(SPEC, zones=(Zone(id="z", name="Z", ring="other"),))


@pytest.mark.parametrize("slug", ["luoyang", "zhengzhou"])
def test_shipped_city_file_is_valid(slug: str) -> None:
    spec = read_city(Path(__file__).parents[2] / "data" / slug / "city.toml")
    assert spec.slug == slug
    total = sum(district.population for district in spec.districts)
    assert total == pytest.approx({"luoyang": 7_057_000, "zhengzhou": 12_600_000}[slug], rel=0.01)
