"""Gates and bollards on a hand-made street: who gets through, and what is left open."""

import pytest

from lastmile.geo.network import RoadNetwork
from lastmile.geo.tags import MODE_BIT, MODES, blocked_by

MOTORS = {"e_van", "truck_light", "truck_medium"}


def names(bits: int) -> set[str]:
    return {mode for mode in MODES if bits & MODE_BIT[mode]}


@pytest.mark.parametrize(
    ("tags", "kept_out"),
    [
        ({"barrier": "bollard"}, MOTORS),
        ({"barrier": "bollard", "motor_vehicle": "delivery"}, set()),
        ({"barrier": "gate"}, set()),
        ({"barrier": "gate", "access": "private", "foot": "yes"}, MOTORS | {"e_trike"}),
        ({"barrier": "gate", "access": "private", "bicycle": "yes"}, MOTORS | {"walk"}),
        ({"barrier": "lift_gate", "hgv": "no"}, {"truck_light", "truck_medium"}),
        ({"barrier": "kissing_gate"}, MOTORS | {"e_trike"}),
        ({"barrier": "something_new"}, set()),
    ],
)
def test_who_a_barrier_keeps_out(tags, kept_out):
    assert names(blocked_by(tags)) == kept_out


def town(folder, *, barrier_at, ways, extra=""):
    """Nodes 1..6 in a row, 100 m apart (0.001 degrees of latitude are 111 m); ways as lists of node ids."""
    tag = '<tag k="barrier" v="bollard"/>'
    nodes = "".join(
        f'<node id="{i}" lat="{34 + i / 1000}" lon="112.0">{tag if i in barrier_at else ""}</node>' for i in range(1, 8)
    )
    roads = "".join(
        f'<way id="{k}">{"".join(f"""<nd ref="{n}"/>""" for n in refs)}<tag k="highway" v="residential"/></way>'
        for k, refs in enumerate(ways, start=1)
    )
    path = folder / "town.osm"
    path.write_text(f'<osm version="0.6">{nodes}{roads}{extra}</osm>', encoding="utf-8")
    return path


def reached(network, mode):
    """Metres of road of the mode's component: what lies beyond a closed barrier is cut off."""
    usable = network.permitted(mode)
    return round(float(network.segment_length_m[list(set(network.edge_segment[usable].tolist()))].sum()))


def test_bollard_in_the_middle_of_a_way_stops_vans_and_lets_trikes_through(tmp_path):
    network = RoadNetwork.from_osm(town(tmp_path, barrier_at={4}, ways=[[1, 2, 3, 4, 5, 6]]))
    # Five blocks of 111 m; for vans the three south of the bollard are the larger part.
    assert reached(network, "e_trike") == reached(network, "walk") == pytest.approx(555, abs=3)
    assert reached(network, "e_van") == pytest.approx(333, abs=2)
    assert network.cut_off["e_van"] == pytest.approx(222, abs=2)


def test_bollard_where_two_ways_meet_end_to_end(tmp_path):
    network = RoadNetwork.from_osm(town(tmp_path, barrier_at={3}, ways=[[1, 2, 3], [3, 4, 5, 6]]))
    assert reached(network, "e_van") == pytest.approx(333, abs=2)
    assert reached(network, "walk") == pytest.approx(555, abs=3)


@pytest.mark.parametrize("ways", [[[1, 2, 3], [3, 4, 1]], [[3, 4, 1], [1, 2, 3]]])
def test_one_way_road_goes_on_through_its_gate(tmp_path, ways):
    # A one-way ring of two ways whose ends meet at the bollard 3, in either order in the file: trikes go round it.
    path = town(tmp_path, barrier_at={3}, ways=ways)
    oneway = '<tag k="highway" v="residential"/><tag k="oneway" v="yes"/>'
    path.write_text(path.read_text().replace('<tag k="highway" v="residential"/>', oneway), encoding="utf-8")
    network = RoadNetwork.from_osm(path)
    assert network.cut_off["e_trike"] == 0
    assert reached(network, "e_trike") == pytest.approx(666, abs=4)  # 111 + 111, then 111 + 333


def test_two_bollards_on_one_way_leave_the_longest_part(tmp_path):
    network = RoadNetwork.from_osm(town(tmp_path, barrier_at={2, 6}, ways=[[1, 2, 3, 4, 5, 6, 7]]))
    assert reached(network, "e_van") == pytest.approx(444, abs=3)
    assert reached(network, "walk") == pytest.approx(666, abs=4)


def test_bollard_where_three_roads_meet_is_counted_and_not_applied(tmp_path):
    # Whether it bars the main road or the side street is not mapped.
    path = town(tmp_path, barrier_at={3}, ways=[[1, 2, 3, 4, 5], [3, 7]])
    network = RoadNetwork.from_osm(path)
    assert network.cut_off["e_van"] == 0
    assert any("three or more roads" in reason and count == 1 for reason, count in network.dropped.items())


def test_bollard_at_a_dead_end_changes_nothing(tmp_path):
    network = RoadNetwork.from_osm(town(tmp_path, barrier_at={5}, ways=[[1, 2, 3, 4, 5]]))
    assert (network.nodes, network.segments) == (2, 1)


def test_what_is_not_understood_is_counted_and_stays_open(tmp_path):
    extra = (
        '<way id="9"><nd ref="5"/><nd ref="6"/><tag k="highway" v="residential"/>'
        '<tag k="access:conditional" v="no @ (whenever)"/></way>'
        '<relation id="1"><member type="way" ref="1" role="from"/><member type="node" ref="3" role="via"/>'
        '<member type="way" ref="9" role="to"/><tag k="type" v="restriction"/>'
        '<tag k="restriction" v="no_left_turn"/></relation>'
        '<relation id="2"><member type="way" ref="1" role="from"/><member type="node" ref="5" role="via"/>'
        '<member type="way" ref="9" role="to"/><tag k="type" v="restriction"/>'
        '<tag k="restriction:conditional" v="no_straight_on @ (at times)"/></relation>'
    )
    network = RoadNetwork.from_osm(town(tmp_path, barrier_at=set(), ways=[[1, 2, 3, 4, 5]], extra=extra))
    assert network.dropped == {
        "turn restrictions whose roads are unclear (not applied)": 1,
        "turn restrictions by hour not understood (not applied)": 1,
        "values of access:conditional not understood (the road is taken as it is at other hours)": 1,
    }
    assert reached(network, "e_van") == pytest.approx(555, abs=3)
