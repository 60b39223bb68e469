"""From highways to segments, edges and components, on a town that can be drawn on paper."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod

from lastmile.errors import InputError
from lastmile.geo.assembly import largest_components
from lastmile.geo.distances import metres_per_degree
from lastmile.geo.network import RoadNetwork
from lastmile.geo.tags import MODE_BIT, MODES

# The town: a square 1-2-3-4 of 0.001 degrees with a dead end 2-5.
#
#   4---3
#   |   |
#   1---2---5
NODES = {1: (113.0, 34.0), 2: (113.001, 34.0), 3: (113.001, 34.001), 4: (113.0, 34.001), 5: (113.002, 34.0)}
STREET = {"highway": "residential"}
TOWN = {11: ((1, 2, 3), STREET), 12: ((3, 4, 1), STREET), 13: ((2, 5), {**STREET, "maxspeed": "30", "name": "巷"})}


def ends(network, mode=None):
    """Directed edges as pairs of OSM ids."""
    chosen = network.permitted(mode) if mode else np.ones(network.edges, dtype=bool)
    return sorted(
        zip(
            network.node_osm[network.edge_source[chosen]].tolist(),
            network.node_osm[network.edge_target[chosen]].tolist(),
            strict=True,
        )
    )


def lengths(network):
    """Metres per undirected pair of OSM ids."""
    return {
        tuple(sorted((int(network.node_osm[a]), int(network.node_osm[b])))): metres
        for a, b, metres in zip(network.edge_source, network.edge_target, network.edge_length_m.tolist(), strict=True)
    }


def test_lengths_are_those_of_the_ellipsoid(write_map):
    network = RoadNetwork.from_osm(write_map(NODES, TOWN))
    # At 34 degrees: N = a / sqrt(1 - e2 sin2) = 6,378,137 / sqrt(1 - 0.00669438 x 0.31270) = 6,384,823.5 m, so
    # 0.001 deg of longitude = N cos(34) x 0.001 pi/180 = 6,384,823.5 x 0.829038 x 1.745329e-5 = 92.385 m;
    # M = a (1 - e2) / sqrt(...)^3 = 6,355,386 m, so 0.001 deg of latitude = 110.922 m.
    # 3 and 4 lie 0.001 deg further north: 92.385 x cos(34.001)/cos(34) = 92.384.
    found = lengths(network)
    assert found[2, 5] == pytest.approx(92.385, abs=0.002)
    # Node 1 and 3 are junctions because two ways end there; 2 because three roads meet; 4 is a bend of way 12.
    assert set(found) == {(1, 2), (2, 3), (1, 3), (2, 5)}
    assert found[2, 3] == pytest.approx(110.922, abs=0.002)
    assert found[1, 3] == pytest.approx(92.384 + 110.922, abs=0.003)
    assert network.segments == 4
    assert network.edges == 8


@given(st.floats(-80, 80), st.floats(-179, 179), st.floats(0, 360), st.floats(1, 300))
def test_short_lines_are_as_long_as_the_geodesic(lat, lon, azimuth, metres):
    end_lon, end_lat, _ = Geod(ellps="WGS84").fwd(lon, lat, azimuth, metres)
    per_lon, per_lat = metres_per_degree(np.array([(lat + end_lat) / 2]))
    assert math.hypot((end_lon - lon) * per_lon[0], (end_lat - lat) * per_lat[0]) == pytest.approx(metres, rel=1e-4)


def test_rows_hold_every_edge_at_its_source(write_map):
    network = RoadNetwork.from_osm(write_map(NODES, TOWN))
    assert ends(network) == sorted([(1, 2), (2, 1), (2, 3), (3, 2), (1, 3), (3, 1), (2, 5), (5, 2)])
    for edge in range(network.edges):
        line = network.segment_line(int(network.edge_segment[edge]))
        first, last = (line[0], line[-1]) if network.edge_forward[edge] else (line[-1], line[0])
        source, target = network.edge_source[edge], network.edge_target[edge]
        assert first.tolist() == [network.node_lon[source], network.node_lat[source]]
        assert last.tolist() == [network.node_lon[target], network.node_lat[target]]


def test_one_way_street_is_one_edge_for_vans_and_two_for_walkers(write_map):
    ways = {**TOWN, 14: ((3, 5), {**STREET, "oneway": "yes"})}
    network = RoadNetwork.from_osm(write_map(NODES, ways))
    assert {(3, 5), (5, 3)} <= set(ends(network, "walk"))
    assert (3, 5) in ends(network, "e_van")
    assert (5, 3) not in ends(network, "e_van")


def test_dead_end_of_a_one_way_street_is_cut_off_and_counted(write_map):
    ways = {**TOWN, 13: ((2, 5), {**STREET, "oneway": "yes"})}
    network = RoadNetwork.from_osm(write_map(NODES, ways))
    # A van that went to 5 could never return: its 92.385 m are cleared; a walker can.
    assert network.cut_off["e_van"] == pytest.approx(92.385, abs=0.002)
    assert network.cut_off["walk"] == 0
    assert (2, 5) not in ends(network, "e_van")
    assert (2, 5) in ends(network, "walk")


def test_each_mode_keeps_its_own_largest_component(write_map):
    # West: a street 1-2 of one step; east: a street 3-4 of two steps; a footpath 2-3 joins them.
    nodes = {1: (113.0, 34.0), 2: (113.001, 34.0), 3: (113.002, 34.0), 4: (113.004, 34.0)}
    ways = {1: ((1, 2), STREET), 2: ((3, 4), STREET), 3: ((2, 3), {"highway": "footway"})}
    network = RoadNetwork.from_osm(write_map(nodes, ways))
    assert ends(network, "walk") == [(1, 2), (2, 1), (2, 3), (3, 2), (3, 4), (4, 3)]
    assert ends(network, "e_van") == [(3, 4), (4, 3)]
    assert network.cut_off["e_van"] == pytest.approx(92.385, abs=0.002)
    assert network.cut_off["walk"] == 0


def test_component_is_the_one_with_most_metres_not_most_roads(write_map):
    # Three streets of 0.001 degrees against one of 0.01.
    nodes = {**{n: (113.0 + n * 0.001, 34.0) for n in range(1, 5)}, 8: (113.1, 34.0), 9: (113.11, 34.0)}
    ways = {1: ((1, 2), STREET), 2: ((2, 3), STREET), 3: ((3, 4), STREET), 4: ((8, 9), STREET)}
    network = RoadNetwork.from_osm(write_map(nodes, ways))
    assert ends(network, "e_van") == [(8, 9), (9, 8)]
    assert network.cut_off["e_van"] == pytest.approx(3 * 92.385, abs=0.01)


def test_parallel_roads_stay_apart(write_map):
    # Two ways between 1 and 2: straight, and round by the bend 4.
    ways = {1: ((1, 2), STREET), 2: ((1, 4, 2), {"highway": "primary"})}
    network = RoadNetwork.from_osm(write_map(NODES, ways))
    assert ends(network) == [(1, 2), (1, 2), (2, 1), (2, 1)]
    assert sorted(network.segment_length_m.tolist()) == pytest.approx([92.385, 110.922 + 144.356], abs=0.01)


def test_loop_begins_and_ends_at_its_junction(write_map):
    # A ring 2-3-4-2 that hangs on the street 1-2, and touches itself nowhere else.
    ways = {1: ((1, 2), STREET), 2: ((2, 3, 4, 2), STREET)}
    network = RoadNetwork.from_osm(write_map(NODES, ways))
    assert ends(network) == [(1, 2), (2, 1), (2, 2), (2, 2)]
    assert network.segments == 2


def test_way_that_crosses_itself_is_cut_there(write_map):
    # 1 - 2 - 3 - 4 - 2 - 5: the node 2 is passed twice.
    network = RoadNetwork.from_osm(write_map(NODES, {1: ((1, 2, 3, 4, 2, 5), STREET)}))
    assert network.segments == 3
    assert ends(network) == [(1, 2), (2, 1), (2, 2), (2, 2), (2, 5), (5, 2)]


def test_repeated_reference_makes_no_piece(write_map):
    network = RoadNetwork.from_osm(write_map(NODES, {1: ((1, 1, 2, 2, 2, 5, 5), STREET)}))
    assert ends(network) == [(1, 5), (5, 1)]
    assert network.segment_length_m.tolist() == pytest.approx([2 * 92.385], abs=0.01)


def test_way_of_one_node_is_nothing(write_map):
    network = RoadNetwork.from_osm(write_map(NODES, {**TOWN, 14: ((5,), STREET), 15: ((), STREET)}))
    assert network.segments == 4


def test_two_junctions_at_one_place_make_a_road_of_no_length(write_map):
    nodes = {**NODES, 6: NODES[5]}
    network = RoadNetwork.from_osm(write_map(nodes, {**TOWN, 14: ((5, 6), STREET)}))
    assert lengths(network)[5, 6] == 0


def test_arrays_cannot_be_written(write_map):
    network = RoadNetwork.from_osm(write_map(NODES, TOWN))
    with pytest.raises(ValueError, match="read-only"):
        network.edge_modes[0] = 0


def test_hash_is_the_file_s_not_the_reading_s(write_map):
    network = RoadNetwork.from_osm(write_map(NODES, TOWN))
    assert RoadNetwork.from_osm(write_map(NODES, TOWN, name="copy.osm")).hash == network.hash
    faster = {**TOWN, 13: ((2, 5), {**TOWN[13][1], "maxspeed": "40"})}
    assert RoadNetwork.from_osm(write_map(NODES, faster)).hash != network.hash
    one_way = {**TOWN, 12: (TOWN[12][0], {**STREET, "oneway": "yes"})}
    assert RoadNetwork.from_osm(write_map(NODES, one_way)).hash != network.hash


def test_saved_network_is_the_same(write_map, tmp_path):
    ways = {**TOWN, 13: ((2, 5), {**STREET, "name": '两\u2028行 "O\'Brien"'}), 14: ((1, 77, 3), STREET)}
    network = replace(RoadNetwork.from_osm(write_map(NODES, ways)), names=("", "a\nb"))
    path = tmp_path / "town.roads"
    network.save(path)
    found = RoadNetwork.load(path)
    assert found.hash == network.hash
    assert (found.names, found.cut_off, found.dropped) == (network.names, network.cut_off, network.dropped)
    assert (found.source, found.synthetic) == ("town.osm", False)
    assert [file.name for file in tmp_path.iterdir() if file.suffix == ".roads"] == ["town.roads"]


def test_failed_save_leaves_nothing_behind(write_map, tmp_path):
    network = RoadNetwork.from_osm(write_map(NODES, TOWN))
    (tmp_path / "town.roads").mkdir()
    before = sorted(tmp_path.iterdir())
    with pytest.raises(OSError, match=r"town\.roads"):
        network.save(tmp_path / "town.roads")
    assert sorted(tmp_path.iterdir()) == before


def test_file_of_another_version_is_refused(write_map, tmp_path, monkeypatch):
    path = tmp_path / "town.roads"
    with monkeypatch.context() as patch:
        patch.setattr("lastmile.geo.storage._MAGIC", b"lastmile-network/0\n")
        RoadNetwork.from_osm(write_map(NODES, TOWN)).save(path)
    with pytest.raises(InputError, match="network/3"):
        RoadNetwork.load(path)


def test_missing_file_is_refused(tmp_path):
    with pytest.raises(InputError, match="network build"):
        RoadNetwork.load(tmp_path / "town.roads")


def test_file_that_is_no_network_is_refused(tmp_path):
    path = tmp_path / "town.roads"
    for content in (b"", b"PK\x03\x04", b"rubbish", b"lastmile-network/3\n", b"lastmile-network/3\n" + b"\xff" * 64):
        path.write_bytes(content)
        with pytest.raises(InputError):
            RoadNetwork.load(path)


def test_damaged_file_is_refused_or_reads_the_same(write_map, tmp_path):
    network = RoadNetwork.from_osm(write_map(NODES, TOWN))
    path = tmp_path / "town.roads"
    network.save(path)
    whole = path.read_bytes()
    random = np.random.default_rng(5)
    for _ in range(300):
        content = bytearray(whole)
        content[random.integers(len(whole))] ^= 1 << random.integers(8)
        path.write_bytes(content)
        try:
            found = RoadNetwork.load(path)
        except InputError:
            continue
        assert (
            found.hash == network.hash
        )  # the flipped bit was in the padding before the arrays or in what the hash leaves out
    for length in random.integers(0, len(whole), 50):
        path.write_bytes(whole[:length])
        with pytest.raises(InputError):
            RoadNetwork.load(path)


@given(st.data())
def test_whoever_enters_a_component_can_return(data):
    nodes = data.draw(st.integers(2, 8))
    node = st.integers(0, nodes - 1)
    bits = st.integers(0, 31)
    rows = data.draw(st.lists(st.tuples(node, node, bits, bits, st.integers(0, 9)), min_size=1, max_size=15))
    u, v, forward, backward, length = (np.array(column) for column in zip(*rows, strict=True))
    ends = np.column_stack((u, v))
    left, cut_off = largest_components(
        ends,
        ends[:, ::-1],
        np.column_stack((forward, backward)).astype(np.uint8),
        length.astype(np.float64),
        nodes=nodes,
    )
    ahead, back = left.T
    for mode in MODES:
        bit = MODE_BIT[mode]
        arcs = [(a, b) for a, b, f in zip(u, v, ahead, strict=True) if f & bit]
        arcs += [(b, a) for a, b, f in zip(u, v, back, strict=True) if f & bit]
        reach = np.eye(nodes, dtype=bool)
        for a, b in arcs:
            reach[a, b] = True
        for k in range(nodes):
            reach |= np.outer(reach[:, k], reach[k])
        touched = sorted({n for arc in arcs for n in arc})
        assert reach[np.ix_(touched, touched)].all()
        had = ((forward | backward) & bit) != 0
        has = ((ahead | back) & bit) != 0
        assert cut_off[mode] == length[had & ~has].sum()
