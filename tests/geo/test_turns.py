"""Turn restrictions on hand-made crossings, and against a slow search over roads instead of junctions."""

import heapq

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lastmile import _core
from lastmile.geo.network import RoadNetwork
from lastmile.geo.tags import MODE_BIT, MODES, bound_by

MOTORS = {"e_van", "truck_light", "truck_medium"}
# Five nodes: 1 in the middle, 2 north, 3 east, 4 south, 5 west, ways 12, 13, 14, 15 from the middle outwards; a ring of
# ways 23, 34, 45, 52 makes every detour possible.
PLACES = {1: (0, 0), 2: (0, 1), 3: (1, 0), 4: (0, -1), 5: (-1, 0)}
CROSS = [12, 13, 14, 15]
RING = [23, 34, 45, 52]


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({"restriction": "no_left_turn"}, ("no_left_turn", MOTORS | {"e_trike"})),
        ({"restriction": "no_left_turn", "except": "bicycle"}, ("no_left_turn", MOTORS)),
        ({"restriction": "only_straight_on", "except": "bicycle;hgv"}, ("only_straight_on", {"e_van"})),
        ({"restriction:hgv": "no_right_turn"}, ("no_right_turn", {"truck_light", "truck_medium"})),
        ({"restriction": "no_left_turn", "except": "bicycle;motor_vehicle"}, None),
        ({"type": "restriction"}, None),
        ({"restriction": "give_way"}, None),
    ],
)
def test_whom_a_restriction_binds(tags, expected):
    found = bound_by(tags)
    assert (found and (found[0], {mode for mode in MODES if found[1] & MODE_BIT[mode]})) == expected


def crossing(folder, rules):
    """``rules``: (kind, from way, via node, to way)."""
    nodes = "".join(f'<node id="{i}" lat="{34 + y / 100}" lon="{112 + x / 100}"/>' for i, (x, y) in PLACES.items())
    ways = "".join(
        f'<way id="{way}"><nd ref="{way // 10}"/><nd ref="{way % 10}"/><tag k="highway" v="residential"/></way>'
        for way in CROSS + RING
    )
    relations = "".join(
        f'<relation id="{k}"><member type="way" ref="{a}" role="from"/><member type="node" ref="{via}" role="via"/>'
        f'<member type="way" ref="{b}" role="to"/><tag k="type" v="restriction"/><tag k="restriction" v="{kind}"/>'
        "</relation>"
        for k, (kind, a, via, b) in enumerate(rules, start=1)
    )
    path = folder / "crossing.osm"
    path.write_text(f'<osm version="0.6">{nodes}{ways}{relations}</osm>', encoding="utf-8")
    return RoadNetwork.from_osm(path)


def metres(network, mode, origin, target):
    """From the middle of one way to the middle of another, over the compiled core; and the ways that are used."""
    graph = _core.Graph(network.first_out, network.edge_target)
    weight = np.where(network.permitted(mode), np.rint(network.edge_length_m * 1000), -1).astype(np.int32)
    hierarchy = _core.Hierarchy(graph, network.node_lon.copy(), network.node_lat.copy())
    metric = _core.Metric(hierarchy, weight, weight, weight)
    segments = [
        int(np.flatnonzero((network.segment_way == way) & (network.segment_length_m > 0))[0])
        for way in (origin, target)
    ]
    number = np.full((2, network.segments), -1, dtype=np.int32)
    number[(~network.edge_forward).astype(int), network.edge_segment] = np.arange(network.edges)
    points = _core.Positions(number[0, segments].copy(), number[1, segments].copy(), np.array([0.5, 0.5]))
    time, _, _ = _core.many_to_many(graph, metric, points)
    return time[0, 1] / 1000


def slow_metres(rules, origin, target):
    """The same over roads: a state is a way and the node it is left at; turning round is a turn like any other."""
    lengths = {}
    for way in CROSS + RING:
        (x, y), (u, v) = PLACES[way // 10], PLACES[way % 10]
        lengths[way] = np.hypot((x - u) * 923.8, (y - v) * 1109.3)
    queue = [(lengths[origin] / 2, origin, node) for node in (origin // 10, origin % 10)]
    heapq.heapify(queue)
    seen = set()
    best = 0.0 if origin == target else np.inf
    while queue:
        metres, way, node = heapq.heappop(queue)
        if (way, node) in seen:
            continue
        seen.add((way, node))
        for onward in CROSS + RING:
            if node not in (onward // 10, onward % 10):
                continue
            here = [rule for rule in rules if rule[1] == way and rule[2] == node]
            if any((rule[3] == onward) != rule[0].startswith("only") for rule in here):
                continue
            if onward == target and onward != way:
                best = min(best, metres + lengths[target] / 2)
            end = onward // 10 if onward % 10 == node else onward % 10
            heapq.heappush(queue, (metres + lengths[onward], onward, end))
    return best


def test_no_left_turn_sends_vans_round_and_leaves_walkers_alone(tmp_path):
    # From the north (12) to the east (13) over the middle: half of both arms. With the turn banned: back north and
    # along the ring (23), then in from the east.
    free = crossing(tmp_path, [])
    banned = crossing(tmp_path, [("no_left_turn", 12, 1, 13)])
    straight = metres(free, "e_van", 12, 13)
    assert straight == pytest.approx(0.5 * 1109.3 + 0.5 * 923.8, rel=1e-3)
    assert metres(banned, "walk", 12, 13) == pytest.approx(straight)
    assert metres(banned, "e_van", 12, 13) == pytest.approx(
        0.5 * 1109.3 + np.hypot(923.8, 1109.3) + 0.5 * 923.8, rel=1e-3
    )
    assert metres(banned, "e_van", 13, 12) == pytest.approx(straight)  # the other way it is allowed


def test_only_straight_on_bans_both_turns(tmp_path):
    rules = [("only_straight_on", 12, 1, 14)]
    network = crossing(tmp_path, rules)
    for target in (13, 15):
        assert metres(network, "e_van", 12, target) == pytest.approx(slow_metres(rules, 12, target), rel=1e-3)
    assert metres(network, "e_van", 12, 14) == pytest.approx(1109.3, rel=1e-3)


def test_only_rule_also_bans_turning_round(tmp_path):
    # Who comes from the north may only go on to the south: back north is no turn that the sign allows.
    rules = [("only_straight_on", 12, 1, 14)]
    assert metres(crossing(tmp_path, rules), "e_van", 12, 12) == 0
    network = crossing(tmp_path, rules)
    turns = network.segment_length_m == 0
    assert turns.sum() == 16  # four arrivals, four departures
    assert network.cut_off["e_van"] == 0


def meeting(way, other):
    return set(divmod(way, 10)) & set(divmod(other, 10))


TURNS = [(a, node, b) for a in CROSS + RING for b in CROSS + RING if a != b for node in meeting(a, b)]


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.sampled_from(["no_left_turn", "only_straight_on"]), st.sampled_from(TURNS)), max_size=6),
    st.sampled_from(CROSS + RING),
    st.sampled_from(CROSS + RING),
)
def test_shortest_way_equals_a_search_over_roads(tmp_path_factory, drawn, origin, target):
    rules = [(kind, a, node, b) for kind, (a, node, b) in drawn]
    network = crossing(tmp_path_factory.mktemp("crossing"), rules)
    if network.cut_off["e_van"] > 0:
        return  # contradicting rules closed a road altogether; the search over roads knows no components
    assert metres(network, "e_van", origin, target) == pytest.approx(slow_metres(rules, origin, target), abs=2.0)
