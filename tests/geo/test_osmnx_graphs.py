"""Street graphs of osmnx, there and back."""

import geopandas as gpd
import networkx as nx
import numpy as np
import osmnx as ox
import pandas as pd
import pytest
import shapely
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from lastmile.errors import InputError
from lastmile.geo.network import RoadNetwork
from lastmile.geo.osmnx_graphs import features_from_place, from_osmnx, from_place, to_osmnx
from lastmile.geo.speeds import edge_times_ms
from lastmile.geo.tags import BRIDGE, ELEVATED, MODE_BIT, MODES, ROAD_CODE
from lastmile.scenario import Speeds

STREET = {"highway": "residential"}
NODES = {1: (113.0, 34.0), 2: (113.001, 34.0), 3: (113.001, 34.001), 4: (113.0, 34.001), 5: (113.002, 34.0)}
TOWN = {
    11: ((1, 2, 3), {**STREET, "name": "中州路", "maxspeed": "30 mph"}),
    12: ((3, 4, 1), {**STREET, "oneway": "yes", "maxheight": "2.5"}),
    13: ((2, 5), {"highway": "footway"}),
    14: ((1, 3), {"highway": "trunk", "bridge": "viaduct"}),
    15: ((2, 4), {**STREET, "oneway": "-1"}),
}


def graph(*edges, crs="epsg:4326", nodes=NODES):
    result = nx.MultiDiGraph(crs=crs)
    for node, (x, y) in nodes.items():
        result.add_node(node, x=x, y=y)
    for u, v, data in edges:
        result.add_edge(u, v, **data)
    return result


def pair(u, v, **data):
    """Two directions of one road, as osmnx makes them."""
    return [(u, v, {"oneway": False, "reversed": False, **data}), (v, u, {"oneway": False, "reversed": True, **data})]


def modes(network):
    """{(source, target): bits} over OSM ids."""
    return {
        (int(network.node_osm[a]), int(network.node_osm[b])): int(bits)
        for a, b, bits in zip(network.edge_source, network.edge_target, network.edge_modes, strict=True)
    }


def times(network, mode, ids):
    """Shortest times between nodes, by OSM id."""
    usable = np.flatnonzero(network.permitted(mode))
    weight = edge_times_ms(network, mode, "free", Speeds())[usable].astype(np.float64)
    ends = np.column_stack((network.edge_source[usable], network.edge_target[usable]))
    order = np.lexsort((weight, ends[:, 1], ends[:, 0]))
    _, fastest = np.unique(ends[order], axis=0, return_index=True)  # csr_array would add parallel roads up
    ends, weight = ends[order][fastest], weight[order][fastest]
    matrix = csr_array((weight, (ends[:, 0], ends[:, 1])), shape=(network.nodes, network.nodes))
    node = {int(osm): index for index, osm in enumerate(network.node_osm)}
    chosen = [node[osm] for osm in ids]
    return dijkstra(matrix, indices=chosen)[:, chosen]


def assert_same_roads(one, other):
    """Everything that routing depends on, edge by edge."""

    def table(network):
        segment = network.edge_segment
        columns = [
            network.node_osm[network.edge_source], network.node_osm[network.edge_target], network.edge_modes,
            network.edge_length_m, network.segment_way[segment], network.segment_road[segment],
            network.segment_flags[segment], network.segment_max_kmh[segment], network.segment_max_weight_t[segment],
            network.segment_max_height_m[segment], network.segment_max_width_m[segment],
        ]  # fmt: skip
        return sorted(zip(*(column.tolist() for column in columns), strict=True))

    assert table(one) == table(other)


def test_reverse_edges_become_one_segment():
    network = from_osmnx(graph(*pair(1, 2, osmid=7, highway="residential", length=92.4, name="中州路")))
    assert (network.segments, network.edges) == (1, 2)
    assert network.segment_length_m.tolist() == [92.4]
    assert network.names[network.segment_name[0]] == "中州路"
    assert network.segment_way.tolist() == [7]


def test_parallel_roads_are_not_joined():
    bend = shapely.LineString([NODES[1], NODES[4], NODES[3]])
    edges = [
        *pair(1, 3, osmid=7, highway="residential", length=150.0),
        (1, 3, {"osmid": 8, "highway": "residential", "length": 203.0, "geometry": bend}),
        (3, 1, {"osmid": 8, "highway": "residential", "length": 203.0, "geometry": bend.reverse()}),
    ]
    network = from_osmnx(graph(*edges))
    assert sorted(network.segment_length_m.tolist()) == [150.0, 203.0]
    assert network.edges == 4


def test_edge_without_its_reverse_is_walked_both_ways_and_driven_one():
    edges = [
        (1, 2, {"osmid": 7, "highway": "residential", "oneway": True, "length": 92.0}),
        (2, 3, {"osmid": 7, "highway": "residential", "oneway": True, "length": 110.0}),
        (3, 1, {"osmid": 8, "highway": "residential", "oneway": True, "length": 144.0}),
    ]
    found = modes(from_osmnx(graph(*edges)))
    assert found[1, 2] & MODE_BIT["e_van"]
    assert found[2, 1] == MODE_BIT["walk"]


def test_motorway_without_the_tag_stays_one_way():
    # osmnx makes both directions of a motorway whose oneway is implied; nobody may drive the second.
    ring = [(1, 2), (2, 3), (3, 1)]
    edges = [edge for u, v in ring for edge in pair(u, v, osmid=u, highway="motorway", length=100.0)]
    assert set(modes(from_osmnx(graph(*edges)))) == set(ring)


def test_strictest_of_merged_values_holds():
    data = {
        "osmid": [7, 8],
        "highway": ["primary", "residential"],
        "maxspeed": ["60", "40"],
        "maxheight": ["4", "2.5"],
        "hgv": ["yes", "no"],
        "bridge": "yes",
        "length": 92.0,
    }
    network = from_osmnx(graph(*pair(1, 2, **data)))
    assert network.segment_max_kmh.tolist() == [40]
    assert network.segment_max_height_m.tolist() == [2.5]
    assert network.segment_flags.tolist() == [BRIDGE]
    assert network.segment_road.tolist() == [ROAD_CODE["residential"]]
    assert network.edge_modes.tolist() == [MODE_BIT["walk"] | MODE_BIT["e_trike"] | MODE_BIT["e_van"]] * 2


def test_missing_length_is_measured_along_the_geometry():
    # 0.001 degrees of longitude at 34 degrees north: 92.385 m (see test_network).
    network = from_osmnx(graph(*pair(1, 2, osmid=7, highway="residential")))
    assert network.segment_length_m[0] == pytest.approx(92.385, abs=0.002)


def test_values_that_a_table_leaves_empty_are_absent():
    nan = float("nan")
    network = from_osmnx(
        graph(*pair(1, 2, osmid=7, highway="residential", length=9.0, access=nan, geometry=nan, name=None))
    )
    assert network.edges == 2
    assert network.names == ("",)


def test_geometry_drawn_the_other_way_is_turned():
    line = shapely.LineString([NODES[2], NODES[1]])
    network = from_osmnx(graph((1, 2, {"osmid": 7, "highway": "footway", "length": 92.0, "geometry": line})))
    edge = int(np.flatnonzero(network.edge_forward)[0])
    assert network.node_osm[network.edge_source[edge]] == 1
    assert network.segment_line(0)[0].tolist() == list(NODES[1])


@pytest.mark.parametrize("crs", ["epsg:32649", None, "nonsense"])
def test_graph_in_metres_is_refused(crs):
    with pytest.raises(InputError, match="project_graph"):
        from_osmnx(graph(*pair(1, 2, osmid=7, highway="residential"), crs=crs))


def test_graph_without_places_or_roads_is_refused():
    bare = nx.MultiDiGraph(crs="epsg:4326")
    with pytest.raises(InputError, match="no road"):
        from_osmnx(bare)
    bare.add_edge(1, 2, highway="residential")
    with pytest.raises(InputError, match="x and y"):
        from_osmnx(bare)
    with pytest.raises(InputError, match="no road"):
        from_osmnx(graph(*pair(1, 2, osmid=7, highway="construction")))


def test_round_trip_keeps_every_road(write_map):
    network = RoadNetwork.from_osm(write_map(NODES, TOWN))
    back = from_osmnx(to_osmnx(network))
    assert_same_roads(network, back)
    assert back.segment_flags.max() == BRIDGE | ELEVATED
    for mode in MODES:
        assert back.cut_off[mode] == 0


def test_exported_graph_is_usable_by_osmnx(write_map, tmp_path):
    exported = to_osmnx(RoadNetwork.from_osm(write_map(NODES, TOWN)))
    assert exported.graph["crs"] == "epsg:4326"
    route = ox.routing.shortest_path(exported, 5, 4, weight="length")
    assert route == [5, 2, 4]
    nodes, edges = ox.graph_to_gdfs(exported)
    assert len(nodes) == 5
    assert set(edges["oneway"]) == {True, False}
    one_way = edges[edges["osmid"] == 12]
    assert set(one_way["modes"]) == {"walk", "walk;e_trike;e_van;truck_light;truck_medium"}
    assert isinstance(edges.geometry.iloc[0], shapely.LineString)
    ox.save_graphml(exported, tmp_path / "town.graphml")
    again = ox.load_graphml(tmp_path / "town.graphml")
    assert_same_roads(from_osmnx(again), from_osmnx(exported))


@pytest.mark.parametrize("name", ["chengdu.osm", "helsinki-clipped.osm.pbf"])
def test_round_trip_of_a_real_city_gives_equal_times(data_folder, name):
    network = RoadNetwork.from_osm(data_folder / "osm" / name)
    back = from_osmnx(to_osmnx(network))
    assert_same_roads(network, back)
    random = np.random.default_rng(3)
    for mode in MODES:
        usable = np.unique(network.edge_source[network.permitted(mode)])
        ids = random.choice(network.node_osm[usable], 40, replace=False).tolist()
        found = times(network, mode, ids)
        assert np.isfinite(found).all()
        np.testing.assert_array_equal(found, times(back, mode, ids))


def test_osmnx_and_our_reader_agree_on_a_real_city(data_folder, monkeypatch):
    from lastmile.geo.tags import KEYS

    path = data_folder / "osm" / "shenzhen-longgang.osm"
    monkeypatch.setattr(ox.settings, "useful_tags_way", sorted({*ox.settings.useful_tags_way, *KEYS}))
    unsimplified = ox.graph_from_xml(path, simplify=False, retain_all=True)
    ours = RoadNetwork.from_osm(path)
    theirs = from_osmnx(unsimplified)
    for mode in MODES:
        metres = [network.edge_length_m[network.permitted(mode)].sum() for network in (ours, theirs)]
        assert metres[1] == pytest.approx(metres[0], rel=0.005), mode  # great circles against the ellipsoid


def test_place_is_asked_for_with_all_tags_that_matter(monkeypatch):
    asked = {}

    def download(name, **options):
        asked.update(options, name=name, tags=list(ox.settings.useful_tags_way))
        edges = [
            *pair(1, 2, osmid=7, highway="residential", length=92.0),
            *pair(2, 5, osmid=7, highway="residential", length=92.0),
        ]
        return graph(*edges)

    before = list(ox.settings.useful_tags_way)
    monkeypatch.setattr(ox, "graph_from_place", download)
    network = from_place("洛阳市, 中国")
    assert network.source == "洛阳市, 中国"
    assert (asked["name"], asked["network_type"]) == ("洛阳市, 中国", "all")
    assert {"maxweight", "hgv", "oneway:bicycle", "motor_vehicle"} <= set(asked["tags"])
    assert list(ox.settings.useful_tags_way) == before
    # 1-2-5 is one way: simplified to one segment of two pieces.
    assert network.segments == 1
    assert network.segment_length_m.tolist() == [184.0]


def test_places_are_asked_for_and_kept_like_those_of_a_file(monkeypatch):
    asked = {}
    square = shapely.box(113, 34, 113.01, 34.01)
    rows = [
        ("node", 1, shapely.Point(113, 34), {"amenity": "post_office", "name": "邮局"}),
        ("node", 2, shapely.Point(113, 34), {"building": "yes"}),  # a point is no building to live in
        ("way", 3, square, {"landuse": "residential"}),
        ("way", 4, shapely.LineString([(113, 34), (114, 34)]), {"landuse": "residential"}),
        ("relation", 5, shapely.MultiPolygon([square]), {"natural": "water"}),
    ]

    def download(name, tags):
        asked.update(tags)
        return gpd.GeoDataFrame(
            [row[3] for row in rows],
            geometry=[row[2] for row in rows],
            index=pd.MultiIndex.from_tuples([row[:2] for row in rows], names=["element", "id"]),
            crs="epsg:4326",
        )

    monkeypatch.setattr(ox, "features_from_place", download)
    features = features_from_place("洛阳市, 中国")
    assert [(feature.osm_id, feature.name) for feature in features] == [
        ("node/1", "邮局"), ("way/3", ""), ("relation/5", ""),
    ]  # fmt: skip
    assert features[1].tags == {"landuse": "residential"}
    assert asked["building"] is True
    assert {"neighbourhood", "village"} <= set(asked["place"])


@pytest.mark.parametrize("error", [ValueError("no such place"), ConnectionError("no route"), TypeError("a point")])
def test_failed_download_is_a_fault_with_a_remedy(monkeypatch, error):
    def fail(*_, **__):
        raise error

    before = list(ox.settings.useful_tags_way)
    monkeypatch.setattr(ox, "graph_from_place", fail)
    with pytest.raises(InputError, match=r"map\.osm") as caught:
        RoadNetwork.from_place("Nowhere")
    assert str(error) in str(caught.value)
    monkeypatch.setattr(ox, "features_from_place", fail)
    with pytest.raises(InputError, match=r"map\.osm"):
        features_from_place("Nowhere")
    assert list(ox.settings.useful_tags_way) == before
