"""From places to positions on roads."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod

from lastmile.geo.network import RoadNetwork
from lastmile.geo.snapping import Snapper

GEOD = Geod(ellps="WGS84")
STREET = {"highway": "residential"}
NODES = {1: (113.0, 34.0), 2: (113.004, 34.0), 3: (113.004, 34.002), 4: (113.0, 34.002)}


def edge(network, index):
    """(source, target) of an edge as OSM ids, None where there is none."""
    if index < 0:
        return None
    return int(network.node_osm[network.edge_source[index]]), int(network.node_osm[network.edge_target[index]])


def test_position_is_on_the_edge_not_at_its_nearest_node(write_map):
    network = RoadNetwork.from_osm(write_map(NODES, {1: ((1, 2), STREET)}))
    # A quarter of the way along, 0.0005 degrees = 55.46 m north of it.
    points = Snapper(network, "e_van").snap(113.001, 34.0005)
    assert len(points) == 1
    assert points.fraction[0] == pytest.approx(0.25, abs=1e-6)
    assert points.distance_m[0] == pytest.approx(55.46, abs=0.01)
    assert (points.lon[0], points.lat[0]) == (pytest.approx(113.001, abs=1e-9), pytest.approx(34.0, abs=1e-9))
    assert edge(network, points.forward[0]) == (1, 2)
    assert edge(network, points.backward[0]) == (2, 1)


def test_one_way_street_has_one_edge_for_vans(write_map):
    ways = {1: ((1, 2), {**STREET, "oneway": "yes"}), 2: ((2, 3, 4, 1), STREET)}
    network = RoadNetwork.from_osm(write_map(NODES, ways))
    van = Snapper(network, "e_van").snap([113.001], [34.0001])
    walker = Snapper(network, "walk").snap([113.001], [34.0001])
    assert (edge(network, van.forward[0]), edge(network, van.backward[0])) == ((1, 2), None)
    assert (edge(network, walker.forward[0]), edge(network, walker.backward[0])) == ((1, 2), (2, 1))


def test_reversed_one_way_street_has_only_its_backward_edge(write_map):
    ways = {1: ((1, 2), {**STREET, "oneway": "-1"}), 2: ((2, 3, 4, 1), STREET)}
    van = Snapper(network := RoadNetwork.from_osm(write_map(NODES, ways)), "e_van").snap([113.001], [34.0001])
    assert (edge(network, van.forward[0]), edge(network, van.backward[0])) == (None, (2, 1))


def test_nearest_permitted_road_wins_over_the_nearest(write_map):
    ways = {1: ((1, 2), {"highway": "footway"}), 2: ((2, 3, 4), STREET)}
    network = RoadNetwork.from_osm(write_map(NODES, ways))
    place = ([113.001], [34.0002])
    walker = Snapper(network, "walk").snap(*place)
    van = Snapper(network, "e_van").snap(*place)
    assert network.segment_way[walker.segment].tolist() == [1]
    assert network.segment_way[van.segment].tolist() == [2]
    assert van.distance_m[0] == pytest.approx(0.0018 * 110_922, rel=1e-3)


def test_nearest_is_measured_in_metres_not_in_degrees(write_map):
    # At 60 degrees north a degree of longitude is half as long: the road 0.0014 degrees (78 m) east is nearer than the
    # one 0.0009 degrees (100 m) north.
    nodes = {1: (25.0014, 59.99), 2: (25.0014, 60.0009), 3: (24.99, 60.0009)}
    network = RoadNetwork.from_osm(write_map(nodes, {1: ((1, 2), STREET), 2: ((2, 3), STREET)}))
    points = Snapper(network, "walk").snap(25.0, 60.0)
    assert network.segment_way[points.segment].tolist() == [1]
    assert points.distance_m[0] == pytest.approx(78.1, abs=0.1)


def test_place_beyond_the_end_snaps_to_the_end(write_map):
    network = RoadNetwork.from_osm(write_map(NODES, {1: ((1, 2), STREET)}))
    points = Snapper(network, "walk").snap([112.9, 113.1], [34.0, 34.0])
    assert points.fraction.tolist() == [0.0, 1.0]


def test_mode_without_roads_is_refused(write_map):
    network = RoadNetwork.from_osm(write_map(NODES, {1: ((1, 2), {"highway": "footway"})}))
    snapper = Snapper(network, "e_van")
    assert not snapper.usable
    with pytest.raises(ValueError, match="no road for e_van"):
        snapper.snap(113, 34)


def test_no_places_make_no_positions(write_map):
    network = RoadNetwork.from_osm(write_map(NODES, {1: ((1, 2), STREET)}))
    assert len(Snapper(network, "walk").snap([], [])) == 0


def test_road_of_no_length_can_be_snapped_to(write_map):
    nodes = {1: (113.0, 34.0), 2: (113.0, 34.0)}
    network = RoadNetwork.from_osm(write_map(nodes, {1: ((1, 2), STREET)}))
    points = Snapper(network, "walk").snap(113.001, 34.0)
    assert points.fraction.tolist() == [0.0]
    assert points.distance_m[0] == pytest.approx(92.385, abs=0.01)


def test_taken_positions_keep_their_columns(write_map):
    network = RoadNetwork.from_osm(write_map(NODES, {1: ((1, 2, 3), STREET)}))
    points = Snapper(network, "walk").snap([113.001, 113.002, 113.003], [34.0, 34.0001, 34.0002])
    taken = points.take([2, 0])
    assert taken.lon.tolist() == points.lon[[2, 0]].tolist()
    assert taken.fraction.tolist() == points.fraction[[2, 0]].tolist()


def cross(lon, lat, metres):
    """A network of two streets that cross at a place, 2 km each."""
    west, _, _ = GEOD.fwd(lon, lat, 270, metres)
    east, _, _ = GEOD.fwd(lon, lat, 90, metres)
    _, south, _ = GEOD.fwd(lon, lat, 180, metres)
    _, north, _ = GEOD.fwd(lon, lat, 0, metres)
    return {1: (west, lat), 2: (lon, lat), 3: (east, lat), 4: (lon, south), 5: (lon, north)}


@given(
    lat=st.floats(-75, 75),
    azimuth=st.floats(0, 360),
    metres=st.floats(1, 900),
    away=st.floats(0, 1.5),
)
def test_distance_is_within_half_a_percent_of_the_geodesic(tmp_path_factory, lat, azimuth, metres, away):
    # The junction lies up to 1.5 degrees from the network's middle, where a plane around the middle is sheared.
    lon = 113.0 + away
    nodes = {**cross(lon, lat, 1000), 9: (113.0 - away, lat + 0.5)}
    ways = "".join(
        f'<way id="{way}">{"".join(f"<nd ref={chr(34)}{ref}{chr(34)}/>" for ref in refs)}'
        '<tag k="highway" v="residential"/></way>'
        for way, refs in {1: (1, 2, 3), 2: (4, 2, 5), 3: (5, 9)}.items()
    )
    places = "".join(f'<node id="{node}" lon="{x:.7f}" lat="{y:.7f}"/>' for node, (x, y) in nodes.items())
    path = tmp_path_factory.mktemp("cross") / "cross.osm"
    path.write_text(f'<osm version="0.6">{places}{ways}</osm>')
    network = RoadNetwork.from_osm(path)
    x, y, _ = GEOD.fwd(lon, lat, azimuth, metres)
    points = Snapper(network, "walk").snap(x, y)
    _, _, truth = GEOD.inv(x, y, points.lon[0], points.lat[0])
    assert points.distance_m[0] == pytest.approx(truth, rel=0.005, abs=0.02)
    # And no point of any road is nearer than that.
    lines = [network.segment_line(segment) for segment in range(network.segments)]
    samples = np.concatenate(
        [line[:-1, None] + (line[1:] - line[:-1])[:, None] * np.linspace(0, 1, 400)[:, None] for line in lines]
    ).reshape(-1, 2)
    _, _, distances = GEOD.inv(np.full(len(samples), x), np.full(len(samples), y), samples[:, 0], samples[:, 1])
    assert truth <= distances.min() * 1.005 + 0.05


@given(
    lon=st.floats(112.998, 113.006),
    lat=st.floats(33.998, 34.004),
    radius_m=st.floats(1, 500),
    most=st.integers(1, 6),
)
def test_positions_within_a_radius_are_the_nearest_on_each_segment(streets, lon, lat, radius_m, most):
    snapper = Snapper(streets, "e_trike")
    every = np.arange(streets.segments, dtype=np.int32)[streets.segment_length_m > 0]
    each = snapper.on_segments(every, np.full(len(every), lon), np.full(len(every), lat))
    order = np.lexsort((each.segment, each.distance_m))
    order = order[each.distance_m[order] <= radius_m][:most]
    offset, found = snapper.near(lon, lat, radius_m=radius_m, most=most)
    assert offset.tolist() == [0, len(order)]
    for name in ("segment", "forward", "backward", "fraction", "distance_m", "lon", "lat"):
        np.testing.assert_array_equal(getattr(found, name), getattr(each, name)[order])


@pytest.fixture(scope="module")
def streets(tmp_path_factory):
    """A square of streets with a diagonal, and a bollard in it, a road of no length."""
    places = "".join(f'<node id="{i}" lon="{lon!r}" lat="{lat!r}"/>' for i, (lon, lat) in NODES.items())
    places += '<node id="9" lon="113.002" lat="34.001"><tag k="barrier" v="bollard"/></node>'
    ways = "".join(
        f'<way id="{way}">{"".join(f"<nd ref={chr(34)}{ref}{chr(34)}/>" for ref in refs)}'
        '<tag k="highway" v="residential"/></way>'
        for way, refs in {1: (1, 2, 3), 2: (3, 4, 1), 3: (1, 9, 3)}.items()
    )
    path = tmp_path_factory.mktemp("streets") / "streets.osm"
    path.write_text(f'<osm version="0.6">{places}{ways}</osm>')
    return RoadNetwork.from_osm(path)


def test_each_place_has_its_own_radius_and_rows(streets):
    snapper = Snapper(streets, "e_trike")
    lon, lat = np.array([113.0, 120.0, 113.002]), np.array([34.0, 34.0, 34.001])
    offset, found = snapper.near(lon, lat, radius_m=np.array([1.0, 500.0, 1.0]), most=8)
    # At corner 1 two streets and the diagonal meet; at the bollard the diagonal's two halves, without the bollard.
    assert offset.tolist() == [0, 3, 3, 5]
    assert (streets.segment_length_m[found.segment] > 0).all()


def test_places_that_are_nowhere_are_near_nothing(streets):
    offset, found = Snapper(streets, "e_trike").near([0, np.nan, 113.0], [90, 34, np.nan], radius_m=1000, most=8)
    assert (offset.tolist(), len(found)) == ([0, 0, 0, 0], 0)


def test_segment_that_the_mode_may_not_use_has_no_positions(write_map):
    ways = {1: ((1, 2), {"highway": "footway"}), 2: ((2, 3), STREET)}
    network = RoadNetwork.from_osm(write_map(NODES, ways))
    footway = np.flatnonzero(network.segment_way == 1).astype(np.int32)
    with pytest.raises(ValueError, match="closed to e_van"):
        Snapper(network, "e_van").on_segments(footway, [113.0], [34.0])


@pytest.mark.parametrize(("drive_on", "north"), [("right", "forward"), ("left", "backward")])
def test_vehicle_stops_at_the_place_s_own_kerb(write_map, drive_on, north):
    # The street runs east; who drives on the right has the south side at the kerb along it, so the north against it.
    network = RoadNetwork.from_osm(write_map(NODES, {1: ((1, 2), {"highway": "primary"})}))
    snapper = Snapper(network, "e_van", kerbside=("primary",), drive_on=drive_on)
    points = snapper.snap([113.001, 113.001, 113.001], [34.0002, 33.9998, 34.00001])
    ends = [(edge(network, a), edge(network, b)) for a, b in zip(points.forward, points.backward, strict=True)]
    along, against = ((1, 2), None), (None, (2, 1))
    expected = [against, along] if north == "forward" else [along, against]
    assert ends == [*expected, ((1, 2), (2, 1))]  # 1.1 m from the middle: no side


def test_other_roads_and_one_way_roads_have_no_kerb_to_choose(write_map):
    ways = {1: ((1, 2), STREET), 2: ((2, 3), {"highway": "primary", "oneway": "yes"}), 3: ((3, 4, 1), STREET)}
    network = RoadNetwork.from_osm(write_map(NODES, ways))
    points = Snapper(network, "e_van", kerbside=("primary",)).snap([113.001, 113.0035], [34.0002, 34.001])
    assert (points.forward >= 0).all()
    assert points.backward[0] >= 0
    assert points.backward[1] == -1


@given(st.floats(113.0001, 113.0039), st.floats(-0.0009, 0.0009), st.booleans())
def test_the_edge_that_stays_has_the_place_at_its_right(write_map_once, lon, aside, southwards):
    network = write_map_once
    points = Snapper(network, "e_van", kerbside=("primary",)).snap([lon], [34.0 + aside])
    if points.distance_m[0] <= 3:
        assert points.forward[0] >= 0 and points.backward[0] >= 0
        return
    # The way was drawn eastwards: south of it is on the right of who drives along it.
    assert (points.forward[0] >= 0) == (aside < 0)
    assert (points.backward[0] >= 0) == (aside > 0)


@pytest.fixture(scope="module")
def write_map_once(tmp_path_factory):
    path = tmp_path_factory.mktemp("street") / "street.osm"
    path.write_text(
        '<osm version="0.6"><node id="1" lon="113.0" lat="34"/><node id="2" lon="113.004" lat="34"/>'
        '<way id="1"><nd ref="1"/><nd ref="2"/><tag k="highway" v="primary"/></way></osm>'
    )
    return RoadNetwork.from_osm(path)


def test_walk_to_the_door_beyond_what_a_visit_contains(write_map):
    network = RoadNetwork.from_osm(write_map(NODES, {1: ((1, 2), STREET)}))
    points = Snapper(network, "e_van").snap([113.001, 113.001], [34.001, 34.0002])
    # 110.92 m and 22.18 m from the road; 4.5 km/h are 1.25 m/s: (110.92 - 50) / 1.25 = 48.7 s.
    assert points.access_s(free_m=50.0, walk_kmh=4.5).tolist() == [49, 0]


def test_nobody_stops_on_a_turn(write_map):
    arms = {1: (113.0, 34.01), 2: (113.01, 34.0), 3: (113.0, 33.99), 4: (112.99, 34.0), 5: (113.0, 34.0)}
    path = write_map(arms, {n: ((n, 5), STREET) for n in (1, 2, 3, 4)})
    lit = '<node id="5" lon="113.0" lat="34.0"><tag k="highway" v="traffic_signals"/></node>'
    path.write_text(path.read_text().replace('<node id="5" lon="113.0" lat="34.0"/>', lit))
    network = RoadNetwork.from_osm(path)
    assert (network.segment_turn > 0).sum() == 16
    points = Snapper(network, "e_van").snap([113.0], [34.0])
    assert network.segment_turn[points.segment[0]] == 0


def test_a_hundred_thousand_places_at_once(data_folder):
    network = RoadNetwork.from_osm(data_folder / "osm" / "porto-alegre.osm.pbf")
    west, south, east, north = network.bounds
    random = np.random.default_rng(7)
    lon, lat = random.uniform(west, east, 100_000), random.uniform(south, north, 100_000)
    snapper = Snapper(network, "e_van")
    points = snapper.snap(lon, lat)
    some = random.choice(100_000, 50, replace=False)
    alone = [snapper.snap(lon[k], lat[k]) for k in some]
    assert [int(point.segment[0]) for point in alone] == points.segment[some].tolist()
    assert [float(point.distance_m[0]) for point in alone] == points.distance_m[some].tolist()
