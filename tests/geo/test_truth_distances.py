"""Shortest distances against osmnx's, and that the explanations of differences are true ones."""

import pytest

from benchmarks.distances.explain import compare
from benchmarks.distances.street_map import Node, Relation, StreetMap, Way
from benchmarks.distances.theirs import LENGTH, SIMPLIFIED

# A square of 1 km with a stub at every corner, and a road across it from 1 to 3 by way of 9:
#
#   5-4---3-7
#     | 9 |
#   6-1---2-8
CORNERS = {
    1: (113.0, 34.0), 2: (113.01, 34.0), 3: (113.01, 34.009), 4: (113.0, 34.009), 9: (113.005, 34.0045),
    5: (112.999, 34.009), 6: (112.999, 34.0), 7: (113.011, 34.009), 8: (113.011, 34.0),
}  # fmt: skip
STREET = {"highway": "residential"}


def square(across, *, at_9=None, stub=None, relation=None):
    ways = {
        10: Way([1, 2], dict(STREET)), 11: Way([2, 3], dict(STREET)), 12: Way([3, 4], dict(STREET)),
        13: Way([4, 1], dict(STREET)), 14: Way([4, 5], dict(STREET)), 15: Way([1, 6], dict(STREET)),
        16: Way([3, 7], dict(STREET)), 17: Way([2, 8], {**STREET, **(stub or {})}), 18: Way([1, 9, 3], across),
    }  # fmt: skip
    nodes = {key: Node(lon, lat, {}) for key, (lon, lat) in CORNERS.items()}
    nodes[9].tags.update(at_9 or {})
    return StreetMap(nodes, ways, {} if relation is None else {1: relation})


def compared(tmp_path, town):
    path = tmp_path / "town.osm"
    town.write(path)
    return compare(path, 60)


def test_equal_roads_have_equal_distances(tmp_path):
    found = compared(tmp_path, square(STREET))
    assert found.pairs == 60
    assert found.common_nodes == 8
    assert found.differences == ()


@pytest.mark.parametrize(
    ("across", "more", "category", "named"),
    [
        ({**STREET, "access": "no"}, {}, "access tag", "way/18 (access=no)"),
        ({**STREET, "vehicle": "no"}, {}, "access tag", "way/18 (vehicle=no)"),
        ({"highway": "busway"}, {}, "class closed to vans", "way/18 (highway=busway)"),
        ({"highway": "track"}, {}, "road that osmnx leaves out", "way/18 (highway=track)"),
        ({"highway": "motorway"}, {}, "one-way read differently", "way/18 (highway=motorway)"),
        (STREET, {"at_9": {"barrier": "block"}}, "barrier", "node/9 (barrier=block)"),
        (STREET, {"stub": {"oneway": "yes"}}, "outside the largest component", None),
    ],
)
def test_cause_of_a_difference_is_named(tmp_path, across, more, category, named):
    found = compared(tmp_path, square(across, **more))
    assert set(found.counts) == {category}
    if named is not None:
        assert {one.objects for one in found.differences} == {(named,)}


def test_forbidden_turn_is_named(tmp_path):
    # From 6 one may not turn at 1 into the road across: 6-1-2-3 is 2.0 km instead of 1.4.
    rule = Relation([("w", 15, "from"), ("n", 1, "via"), ("w", 18, "to")], {"type": "restriction"})
    rule.tags["restriction"] = "no_left_turn"
    found = compared(tmp_path, square(STREET, relation=rule))
    assert set(found.counts) == {"turn restriction"}
    assert {one.origin for one in found.differences} == {6}
    assert {one.objects for one in found.differences} == {("relation/1 (no_left_turn)",)}


def test_way_with_a_missing_node_is_cut_by_both(tmp_path):
    # Node 9 is not in the file, so there is no road across: 1-2-3 is the shortest way for both.
    town = square(STREET)
    del town.nodes[9]
    found = compared(tmp_path, town)
    assert found.differences == ()
    assert found.unreachable_in_both == 0


def test_two_causes_are_both_named(tmp_path):
    # A block on a road that is closed as well: either alone closes it.
    found = compared(tmp_path, square({**STREET, "access": "no"}, at_9={"barrier": "block"}))
    assert set(found.counts) == {"barrier + access tag"}


def test_difference_that_nothing_lifts_is_unexplained(tmp_path, monkeypatch):
    monkeypatch.setattr("benchmarks.distances.explain.ALL", ("barrier",))
    found = compared(tmp_path, square({**STREET, "access": "no"}))
    assert found.differences
    assert found.unexplained == found.differences


def test_every_difference_in_chengdu_is_explained(data_folder):
    found = compare(data_folder / "osm" / "chengdu.osm", 200)
    assert found.common_nodes > 2000
    assert found.unexplained == ()
    causes = {cause for one in found.differences for cause in one.causes}
    # Streets that lead out of the extract and not back in: osmnx drives into them, lastmile does not.
    assert "outside the largest component" in causes
    # Streets, their directions and lengths are read alike; only rules that osmnx does not know may differ.
    assert not causes & {"class closed to vans", "one-way read differently", SIMPLIFIED, LENGTH}
    assert found.ours_km == pytest.approx(found.theirs_km, rel=0.002)
