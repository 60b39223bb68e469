"""Traces of known drives, matched back to their roads."""

import functools
import itertools
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from driving import Path, at_speed, drive
from hypothesis import assume, given
from hypothesis import strategies as st

from lastmile.geo.access import Access, Profile
from lastmile.geo.distances import metres_per_degree
from lastmile.geo.driven import LEFT_OUT, MATCHED, OFF_ROAD
from lastmile.geo.fixes import Trace
from lastmile.geo.matching import Matcher, MatchSettings, estimate_sigma
from lastmile.geo.network import RoadNetwork
from lastmile.geo.paths import Roads
from lastmile.geo.snapping import Snapper
from lastmile.scenario import Speeds, VehicleType

STREET = {"highway": "residential"}
COLUMNS, ROWS = 5, 4


@pytest.fixture
def street(write_map):
    """Junctions 1 to 5 on one street, 92.4 m apart, driven both ways."""
    nodes = {i + 1: (113.0 + 0.001 * i, 34.0) for i in range(5)}
    return RoadNetwork.from_osm(write_map(nodes, {i: ((i, i + 1), STREET) for i in range(1, 5)}))


def edge_between(network, tail, head):
    source = network.node_osm[network.edge_source]
    target = network.node_osm[network.edge_target]
    return int(np.flatnonzero((source == tail) & (target == head))[0])


def edges_of(network, *junctions):
    return [edge_between(network, a, b) for a, b in itertools.pairwise(junctions)]


def match(network, *traces, mode="e_van", **settings):
    return Matcher(network, mode).match(traces, MatchSettings(**settings))


# ---- small grids -----------------------------------------------------------------------------------------------------


@functools.cache
def grid(one_way, folder):
    """Streets in both directions, or by turns one way like a snake, 92.4 by 110.9 m apart."""
    nodes = {
        row * COLUMNS + column + 1: (113.0 + 0.001 * column, 34.0 + 0.001 * row)
        for row in range(ROWS)
        for column in range(COLUMNS)
    }
    ways = []
    for row in range(ROWS):
        refs = [row * COLUMNS + column + 1 for column in range(COLUMNS)]
        ways.append(refs if row % 2 == 0 else refs[::-1])
    for column in range(COLUMNS):
        refs = [row * COLUMNS + column + 1 for row in range(ROWS)]
        ways.append(refs if column % 2 == 1 else refs[::-1])
    tag = '<tag k="oneway" v="yes"/>' if one_way else ""
    text = "".join(f'<node id="{i}" lon="{lon!r}" lat="{lat!r}"/>' for i, (lon, lat) in nodes.items())
    for i, refs in enumerate(ways):
        inner = "".join(f'<nd ref="{ref}"/>' for ref in refs)
        text += f'<way id="{i + 1}">{inner}<tag k="highway" v="residential"/>{tag}</way>'
    path = folder / f"grid-{one_way}.osm"
    path.write_text(f'<osm version="0.6">{text}</osm>', encoding="utf-8")
    return RoadNetwork.from_osm(path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("grids")


@st.composite
def walks(draw, network):
    """A drive through the grid that never turns back at a junction, from within an edge to within an edge."""
    permitted = np.flatnonzero(network.permitted("e_van")).tolist()
    edges = [draw(st.sampled_from(permitted))]
    for _ in range(draw(st.integers(0, 9))):
        node = network.edge_target[edges[-1]]
        back = network.edge_source[edges[-1]]
        out = [e for e in range(network.first_out[node], network.first_out[node + 1]) if e in permitted]
        edges.append(draw(st.sampled_from([e for e in out if network.edge_target[e] != back])))
    start, end = draw(st.floats(0.05, 0.45)), draw(st.floats(0.55, 0.95))
    return at_speed(network, edges, start=start, end=end)


@given(data=st.data(), one_way=st.booleans(), every_s=st.sampled_from([1.0, 2.0, 3.0]))
def test_exact_places_give_the_path_that_was_driven(folder, data, one_way, every_s):
    network = grid(one_way, folder)
    path = data.draw(walks(network))
    # Where it began and ended is known to half of what lies between two places: 12 m, or 36 km/h for every_s. Of less
    # driven than that there is one place, and no way.
    unknown_m = 2 * 12 + 10 * every_s
    assume(path.metres(network) > unknown_m)
    trace = drive(network, path, every_s=every_s)
    (found,) = match(network, trace)
    assert found.edge.tolist() == path.edges.tolist()
    assert found.breaks == 0
    assert found.matched_share == 1.0
    assert found.metres.sum() == pytest.approx(path.metres(network), abs=unknown_m)


@given(data=st.data(), one_way=st.booleans(), noise_m=st.floats(0, 15), seed=st.integers(0, 99))
def test_what_is_found_is_a_way_that_can_be_driven(folder, data, one_way, noise_m, seed):
    network = grid(one_way, folder)
    trace = drive(network, data.draw(walks(network)), every_s=2.0, noise_m=noise_m, seed=seed)
    (found,) = match(network, trace, sigma_m=max(noise_m, 3.0))
    assert (np.diff(found.at_m) >= 0).all()
    assert (np.diff(found.at_part) >= 0).all()
    assert (found.leave_s >= found.enter_s).all()
    assert ((found.start >= 0) & (found.end <= 1) & (found.start <= found.end)).all()
    np.testing.assert_allclose(found.metres, (found.end - found.start) * network.edge_length_m[found.edge])
    joined = found.part[1:] == found.part[:-1]
    np.testing.assert_array_equal(found.enter_s[1:][joined], found.leave_s[:-1][joined])
    before, after = found.edge[:-1][joined], found.edge[1:][joined]
    end, start = found.end[:-1][joined], found.start[1:][joined]
    on = (network.edge_target[before] == network.edge_source[after]) & (end == 1.0) & (start == 0.0)
    back = (network.edge_segment[before] == network.edge_segment[after]) & (np.abs(start - (1.0 - end)) < 1e-9)
    assert (on | back).all()


@given(data=st.data(), seed=st.integers(0, 99))
def test_a_trace_is_matched_alike_alone_and_among_others(folder, data, seed):
    network = grid(False, folder)
    traces = [
        drive(network, data.draw(walks(network)), every_s=2.0, noise_m=8.0, seed=seed + i, depart_s=100.0 * i)
        for i in range(3)
    ]
    together = Matcher(network, "e_van", threads=2).match(traces)
    for trace, found in zip(traces, together, strict=True):
        (alone,) = match(network, trace)
        assert found.edge.tolist() == alone.edge.tolist()
        np.testing.assert_array_equal(found.state, alone.state)
        for name in ("enter_s", "leave_s", "at_m", "metres"):
            np.testing.assert_allclose(getattr(found, name), getattr(alone, name), atol=1e-6)


# ---- times -----------------------------------------------------------------------------------------------------------


def test_edges_are_entered_when_the_vehicle_was_at_their_beginning(street):
    # 92.385 m at 36 km/h are 9.24 s an edge.
    path = at_speed(street, edges_of(street, 1, 2, 3, 4, 5))
    (found,) = match(street, drive(street, path, every_s=2.0, depart_s=1000.0))
    assert found.edge.tolist() == path.edges.tolist()
    np.testing.assert_allclose(found.enter_s[1:], 1000.0 + np.cumsum(path.seconds)[:-1], atol=0.05)


def test_vehicle_that_stands_before_a_junction_stands_on_the_edge_before_it(street):
    path = at_speed(street, edges_of(street, 1, 2, 3))
    # It stops 8 s after it left, 12.4 m before the junction, for 300 s, and is past it 1.24 s later.
    trace = drive(street, path, every_s=5.0, stands=((8.0, 300.0),))
    (found,) = match(street, trace)
    assert found.leave_s[0] == pytest.approx(309.24, abs=2.5)
    assert found.leave_s[1] - found.enter_s[1] == pytest.approx(9.24, abs=5.0)


def test_silence_splits_a_trace(street):
    path = at_speed(street, edges_of(street, 1, 2, 3, 4, 5), kmh=3.6)  # 92 s an edge
    trace = drive(street, path, every_s=10.0)
    keep = (trace.second < 90) | (trace.second > 280)
    split = Trace(lon=trace.lon[keep], lat=trace.lat[keep], second=trace.second[keep])
    (found,) = match(street, split)
    assert (found.parts, found.breaks) == (2, 1)
    edges = edges_of(street, 1, 2, 3, 4, 5)
    assert found.edge.tolist() == [edges[0], edges[3]]
    assert found.part.tolist() == [0, 1]
    assert found.enter_s[1] >= 280
    assert found.leave_s[0] <= 90
    (whole,) = match(street, split, gap_s=300.0)
    assert whole.edge.tolist() == edges


def test_silence_while_standing_splits_nothing(street):
    path = at_speed(street, edges_of(street, 1, 2, 3))
    trace = drive(street, path, every_s=2.0, stands=((12.0, 900.0),))
    keep = (trace.second <= 14) | (trace.second >= 910)
    (found,) = match(street, Trace(lon=trace.lon[keep], lat=trace.lat[keep], second=trace.second[keep]))
    assert found.breaks == 0
    assert found.edge.tolist() == path.edges.tolist()


def test_vehicle_that_turns_around_in_a_street_is_followed(write_map):
    # 250 m into a dead end of 500 m, and back: by its end it would be 1,000 m.
    nodes = {1: (113.0, 34.0), 2: (113.0054, 34.0), 3: (113.0, 34.002)}
    network = RoadNetwork.from_osm(write_map(nodes, {1: ((1, 2), STREET), 2: ((1, 3), STREET)}))
    (start,) = edges_of(network, 3, 1)
    (into,) = edges_of(network, 1, 2)
    (out,) = edges_of(network, 2, 1)
    there = drive(network, at_speed(network, [start, into], end=0.5), every_s=5.0)
    back = drive(network, at_speed(network, [out], start=0.5), every_s=5.0, depart_s=there.second[-1] + 60)
    both = Trace(
        lon=np.concatenate((there.lon, back.lon)),
        lat=np.concatenate((there.lat, back.lat)),
        second=np.concatenate((there.second, back.second)),
    )
    (found,) = match(network, both)
    assert found.edge.tolist() == [start, into, out]
    assert found.end[1] == pytest.approx(0.5, abs=0.05)
    assert found.start[2] == pytest.approx(1 - found.end[1])
    # It turns after it has driven in, and before it has driven far out again.
    assert there.second[-1] - 10 <= found.enter_s[2] <= back.second[0] + 10


# ---- bad traces ------------------------------------------------------------------------------------------------------


def test_trace_far_from_any_road_matches_nothing(street):
    n = 20
    lon, lat = np.linspace(113.0, 113.004, n), np.full(n, 34.027)  # 3 km north
    (found,) = match(street, Trace(lon=lon, lat=lat, second=np.arange(n) * 10.0))
    assert len(found.edge) == len(found.at_s) == 0
    assert (found.state == OFF_ROAD).all()
    assert (found.parts, found.breaks, found.matched_share) == (0, 0, 0.0)


def test_places_at_the_poles_match_nothing(street):
    trace = Trace(lon=np.zeros(3), lat=np.array([90.0, -90.0, 89.9999]), second=np.arange(3.0))
    (found,) = match(street, trace)
    assert found.matched_share == 0.0


def test_one_fix_is_a_part_without_a_way(street):
    (found,) = match(street, Trace(lon=np.array([113.0015]), lat=np.array([34.0]), second=np.array([7.0])))
    assert (len(found.edge), found.parts, found.matched_share) == (0, 1, 1.0)
    assert (found.at_s.tolist(), found.at_m.tolist()) == ([7.0], [0.0])


def test_no_fix_and_no_trace_match_nothing(street):
    nothing = np.empty(0)
    (found,) = match(street, Trace(lon=nothing, lat=nothing, second=nothing))
    assert (len(found.edge), found.parts, found.matched_share) == (0, 0, 0.0)
    assert match(street) == ()


def test_vehicle_that_only_stands_drives_nothing(street):
    chance = np.random.default_rng(3)
    per_lon, per_lat = metres_per_degree(np.array([34.0]))
    n = 400
    trace = Trace(
        lon=113.0015 + chance.normal(0, 6, n) / per_lon,
        lat=34.0 + chance.normal(0, 6, n) / per_lat,
        second=np.arange(n) * 10.0,
    )
    (found,) = match(street, trace)
    assert found.metres.sum() < 30.0
    assert found.breaks == 0


def test_outlier_beside_another_road_is_left_out(write_map):
    # Two streets 1.1 km apart that meet nowhere near: a fix on the other one needs 200 m/s.
    nodes = {i + 1: (113.0 + 0.001 * i, 34.0) for i in range(5)} | {i + 6: (113.0 + 0.001 * i, 34.01) for i in range(5)}
    ways = {1: ((1, 2, 3, 4, 5), STREET), 2: ((6, 7, 8, 9, 10), STREET), 3: ((1, 6), STREET)}
    network = RoadNetwork.from_osm(write_map(nodes, ways))
    trace = drive(network, at_speed(network, edges_of(network, 1, 5)), every_s=5.0)
    lat = trace.lat.copy()
    lat[3] = 34.01
    (found,) = match(network, Trace(lon=trace.lon, lat=lat, second=trace.second))
    assert found.state.tolist() == [LEFT_OUT if i == 3 else MATCHED for i in range(len(trace))]
    assert found.edge.tolist() == edges_of(network, 1, 5)
    assert found.breaks == 0


def test_fixes_off_the_road_are_dropped_and_counted(street):
    trace = drive(street, at_speed(street, edges_of(street, 1, 2, 3, 4, 5)), every_s=4.0)
    lat = trace.lat.copy()
    lat[4] += 0.002  # 222 m
    (found,) = match(street, Trace(lon=trace.lon, lat=lat, second=trace.second))
    assert np.flatnonzero(found.state == OFF_ROAD).tolist() == [4]
    assert found.matched_share == pytest.approx(1 - 1 / len(trace))
    assert found.edge.tolist() == edges_of(street, 1, 2, 3, 4, 5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lat": np.zeros(2)}, "one length"),
        ({"lon": np.array([1.0, np.nan, 2.0])}, "not finite"),
        ({"second": np.array([0.0, 2.0, 1.0])}, "must rise"),
        ({"second": np.array([0.0, 1.0, 1.0])}, "must rise"),
        ({"deviation_m": np.array([1.0, 0.0, 1.0])}, "above 0"),
    ],
)
def test_trace_that_is_none_is_refused(change, message):
    sound = {"lon": np.zeros(3), "lat": np.zeros(3), "second": np.arange(3.0)}
    Trace(**sound)
    with pytest.raises(ValueError, match=message):
        Trace(**{**sound, **change})


@pytest.mark.parametrize(
    "change", [{"sigma_m": 0.0}, {"candidates": 0}, {"gap_s": -1.0}, {"beta_per_metre": -0.1}, {"radius_m": np.inf}]
)
def test_settings_that_make_no_sense_are_refused(change):
    with pytest.raises(ValueError, match=next(iter(change))):
        MatchSettings(**change)


def test_mode_without_roads_is_refused(write_map):
    nodes = {1: (113.0, 34.0), 2: (113.001, 34.0)}
    network = RoadNetwork.from_osm(write_map(nodes, {1: ((1, 2), {"highway": "footway"})}))
    with pytest.raises(ValueError, match="no road for e_van"):
        match(network, Trace(lon=np.zeros(1), lat=np.zeros(1), second=np.zeros(1)))


# ---- accuracy --------------------------------------------------------------------------------------------------------


def test_sigma_is_estimated_from_the_median():
    # The median of |N(0, 10)| is 6.745 m.
    assert estimate_sigma(np.array([1.0, 6.745, 500.0])) == pytest.approx(10.0, abs=0.01)
    with pytest.raises(ValueError, match="no distance"):
        estimate_sigma(np.empty(0))


@pytest.mark.parametrize("noise_m", [5.0, 10.0, 20.0])
def test_sigma_of_a_trace_comes_out_near_its_noise(folder, noise_m):
    network = grid(True, folder)
    walk = (1, 2, 3, 4, 9, 8, 7, 12, 13, 14, 19)
    trace = drive(network, at_speed(network, edges_of(network, *walk), kmh=5.0), every_s=1.0, noise_m=noise_m, seed=1)
    (found,) = match(network, trace)
    assert found.sigma_m == pytest.approx(noise_m, rel=0.25)


def fastest_paths(network, *, count, least_m):
    """Fastest ways of a van between places drawn over the map."""
    # At no particular hour: without the map's own rules by the hour.
    network = replace(network, conditions=(), segment_condition=np.full(network.segments, -1, dtype=np.int32))
    access = Access(network=network, file=SimpleNamespace(zones=(), permits=(), speeds=Speeds()), inside={})
    roads = Roads(network, access, threads=2)
    van = VehicleType(
        id="van",
        vehicle_class="e_van",
        based_at=("depot",),
        parcels=1.0,
        battery={"usable_kwh": 50.0, "kwh_per_km": 0.2},
    )
    profile, free = Profile(vehicle=van), tuple(p for p in roads.periods if p.regime == "free")
    chance = np.random.default_rng(7)
    west, south, east, north = network.bounds
    points = Snapper(network, "e_van").snap(chance.uniform(west, east, 1000), chance.uniform(south, north, 1000))
    paths = []
    for i in range(0, 1000, 2):
        edges = roads.path(points, i, i + 1, profile=profile, over=free)
        if len(edges) < 2 or points.distance_m[i : i + 2].max() > 200:
            continue
        ends = [
            points.fraction[k] if network.edge_forward[edge] else 1.0 - points.fraction[k]
            for k, edge in ((i, edges[0]), (i + 1, edges[-1]))
        ]
        path = Path(edges=edges, start=ends[0], end=ends[1], seconds=np.empty(0))
        if path.metres(network) < least_m:
            continue
        first, last = path.shares
        seconds = roads.weights(profile, free)[edges] / 1000.0 * (last - first)
        paths.append(Path(edges=edges, start=ends[0], end=ends[1], seconds=seconds))
        if len(paths) == count:
            return paths
    raise AssertionError("too few paths")


def mismatch(network, path, found):
    """Route mismatch fraction of the paper: road missed and road added, over the true length."""
    length = network.edge_length_m
    true = {int(e): (a, b) for e, a, b in zip(path.edges, *path.shares, strict=True)}
    common = 0.0
    for edge, start, end in zip(found.edge.tolist(), found.start, found.end, strict=True):
        a, b = true.pop(edge, (1.0, 0.0))  # a second time on an edge is an error
        common += max(0.0, min(end, b) - max(start, a)) * length[edge]
    total = path.metres(network)
    return (total - common + found.metres.sum() - common) / total


def mismatches(network, paths, *, every_s, noise_m):
    traces = [drive(network, p, every_s=every_s, noise_m=noise_m, seed=i) for i, p in enumerate(paths)]
    found = Matcher(network, "e_van", threads=2).match(traces)
    return np.array([mismatch(network, path, trace) for path, trace in zip(paths, found, strict=True)])


@pytest.fixture(scope="module")
def porto_alegre(data_folder):
    network = RoadNetwork.from_osm(data_folder / "osm" / "porto-alegre.osm.pbf")
    return network, fastest_paths(network, count=30, least_m=3000)


@pytest.mark.parametrize(
    ("noise_m", "every_s", "most"),
    [(0.0, 1.0, 0.005), (5.0, 5.0, 0.02), (10.0, 10.0, 0.05), (10.0, 30.0, 0.1), (20.0, 1.0, 0.1), (20.0, 30.0, 0.15)],
)
def test_little_road_is_mismatched_in_porto_alegre(porto_alegre, noise_m, every_s, most):
    network, paths = porto_alegre
    assert mismatches(network, paths, every_s=every_s, noise_m=noise_m).mean() < most


def test_little_road_is_mismatched_in_chengdu(data_folder):
    # The elevated second ring road runs over a street of the same course: which of them was driven, places do not tell.
    network = RoadNetwork.from_osm(data_folder / "osm" / "chengdu.osm")
    paths = fastest_paths(network, count=30, least_m=2000)
    assert np.median(mismatches(network, paths, every_s=5.0, noise_m=5.0)) < 0.02
    assert np.median(mismatches(network, paths, every_s=30.0, noise_m=10.0)) < 0.1
