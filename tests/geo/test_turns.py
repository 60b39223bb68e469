"""Turn restrictions on hand-made crossings, and against a slow search over roads instead of junctions."""

import heapq

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lastmile import _core
from lastmile.geo.conditions import parse_clauses
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
    ],
)
def test_whom_a_restriction_binds(tags, expected):
    found = bound_by(tags)
    read = [(kind, {mode for mode in MODES if bits & MODE_BIT[mode]}) for kind, bits, _ in found]
    assert read == ([expected] if expected else [])


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


def turns(rules, way, node):
    """The ways that may be taken from a way at this node, each with its other end."""
    here = [rule for rule in rules if rule[1] == way and rule[2] == node]
    for onward in CROSS + RING:
        ends = divmod(onward, 10)
        if node in ends and all((rule[3] == onward) == rule[0].startswith("only") for rule in here):
            yield onward, sum(ends) - node


def all_reach_all(rules):
    """Whether every way can be driven in both directions from everywhere."""
    drives = {(way, node) for way in CROSS + RING for node in divmod(way, 10)}
    for start in drives:
        reached, ahead = {start}, [start]
        while ahead:
            found = set(turns(rules, *ahead.pop())) - reached
            reached |= found
            ahead += found
        if reached != drives:
            return False
    return True


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
        for onward, end in turns(rules, way, node):
            if onward == target and onward != way:
                best = min(best, metres + lengths[target] / 2)
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
def test_shortest_way_equals_a_search_over_roads(one_folder, drawn, origin, target):
    rules = [(kind, a, node, b) for kind, (a, node, b) in drawn]
    network = crossing(one_folder, rules)
    if not all_reach_all(rules):
        return  # rules that contradict close a road, or one direction of it; the search over roads knows no components
    assert network.cut_off["e_van"] == 0
    assert metres(network, "e_van", origin, target) == pytest.approx(slow_metres(rules, origin, target), abs=2.0)


# Nine junctions, three by three, numbered row by row; a street named 10 a + b between neighbours a < b.
GRID = {3 * row + column + 1: (column, row) for row in range(3) for column in range(3)}
STREETS = [
    10 * a + b for a in GRID for b in GRID if a < b and abs(GRID[a][0] - GRID[b][0]) + abs(GRID[a][1] - GRID[b][1]) == 1
]


def blocks(folder, rules, *, tags="", nodes=""):
    """``rules``: (kind, (first street, ways between or a node …, last street)), kind may be a whole tag."""
    places = "".join(
        f'<node id="{i}" lat="{34 + y / 100}" lon="{112 + x / 100}">{nodes if i == 5 else ""}</node>'
        for i, (x, y) in GRID.items()
    )
    ways = "".join(
        f'<way id="{way}"><nd ref="{way // 10}"/><nd ref="{way % 10}"/><tag k="highway" v="residential"/>{tags}</way>'
        for way in STREETS
    )
    relations = ""
    for k, (kind, (first, *between, last)) in enumerate(rules, start=1):
        key, value = kind if isinstance(kind, tuple) else ("restriction", kind)
        via = "".join(f'<member type="{"node" if ref < 10 else "way"}" ref="{ref}" role="via"/>' for ref in between)
        relations += (
            f'<relation id="{k}"><member type="way" ref="{first}" role="from"/>{via}'
            f'<member type="way" ref="{last}" role="to"/><tag k="type" v="restriction"/><tag k="{key}" v="{value}"/>'
            "</relation>"
        )
    path = folder / "blocks.osm"
    path.write_text(f'<osm version="0.6">{places}{ways}{relations}</osm>', encoding="utf-8")
    return path


def legal(rules, driven):
    """Is the last turn of a drive allowed? Streets of any drive are remembered from its very beginning."""
    for kind, (first, *between, last) in rules:
        ways = [first, *(ref for ref in between if ref > 9)]
        came = driven[-1 - len(ways) : -1]
        via = [ref for ref in between if ref < 10]
        if came == ways and (not via or via[0] in meeting(came[-1], driven[-1]) or came[-1] == driven[-1]):
            at = via[0] if via else None
            if at is not None and at not in divmod(came[-1], 10):
                continue
            if (driven[-1] == last) != kind.startswith("only"):
                return False
    return True


def slow_blocks(rules, origin, target):
    """Dijkstra over whole memories of four streets: from the middle of one street to the middle of another."""
    lengths = {way: np.hypot((GRID[way // 10][0] - GRID[way % 10][0]) * 923.8,
                             (GRID[way // 10][1] - GRID[way % 10][1]) * 1109.3) for way in STREETS}  # fmt: skip
    queue = [(lengths[origin] / 2, (origin,), node) for node in divmod(origin, 10)]
    seen = set()
    best = 0.0 if origin == target else np.inf
    while queue:
        metres, driven, node = heapq.heappop(queue)
        if (driven, node) in seen or metres > best:
            continue
        seen.add((driven, node))
        for onward in STREETS:
            if node not in divmod(onward, 10):
                continue
            turned = [*driven, onward]
            # A node rule speaks of one node only; turning round at the other end of the street is another turn.
            bound = [rule for rule in rules if not (rule[1][1] < 10 and rule[1][1] != node)]
            if not legal(bound, turned):
                continue
            if onward == target and onward != driven[-1]:
                best = min(best, metres + lengths[target] / 2)
            end = onward // 10 if onward % 10 == node else onward % 10
            heapq.heappush(queue, (metres + lengths[onward], tuple(turned[-4:]), end))
    return best


LONGER = [
    (a, b, c)
    for a in STREETS for b in STREETS for c in STREETS
    if len({a, b, c}) == 3 and len(meeting(a, b)) == 1 and len(meeting(b, c)) == 1 and meeting(a, b) != meeting(b, c)
]  # fmt: skip
LONGEST = [
    (a, b, c, d)
    for a, b, c in LONGER for d in STREETS
    if d not in (a, b, c) and len(meeting(c, d)) == 1 and meeting(b, c) != meeting(c, d)
]  # fmt: skip
NODE_TURNS = [(a, node, b) for a in STREETS for b in STREETS if a != b for node in meeting(a, b)]


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["no_left_turn", "only_straight_on"]),
            st.one_of(st.sampled_from(LONGER), st.sampled_from(LONGEST), st.sampled_from(NODE_TURNS)),
        ),
        max_size=6,
    ),
    st.sampled_from(STREETS),
    st.sampled_from(STREETS),
)
def test_restrictions_over_ways_equal_a_search_that_remembers_everything(one_folder, rules, origin, target):
    network = RoadNetwork.from_osm(blocks(one_folder, rules))
    between = {way for _, (_, *vias, _) in rules for way in vias}
    if network.cut_off["e_van"] > 0 or target in between:
        return  # contradicting rules closed a road; a stop on a way between is reached from its other side
    assert network.dropped == {}
    assert metres(network, "e_van", origin, target) == pytest.approx(slow_blocks(rules, origin, target), abs=3.0)
    assert metres(network, "walk", origin, target) == pytest.approx(slow_blocks([], origin, target), abs=3.0)


def test_no_u_turn_over_a_short_way_leaves_other_drivers_alone(tmp_path):
    # From 12 over 25 into 56 is forbidden, from 23 over 25 into 56 is not.
    network = RoadNetwork.from_osm(blocks(tmp_path, [("no_left_turn", (12, 25, 56))]))
    free = RoadNetwork.from_osm(blocks(tmp_path, []))
    assert metres(network, "e_van", 23, 56) == pytest.approx(metres(free, "e_van", 23, 56))
    # Middle of 12 to middle of 56 over 2 and 5 is 461.9 + 1109.3 + 461.9; over 2, 3 and 6 it is 923.8 more.
    assert metres(free, "e_van", 12, 56) == pytest.approx(461.9 + 1109.3 + 461.9, rel=1e-3)
    assert metres(network, "e_van", 12, 56) == pytest.approx(461.9 + 1109.3 + 461.9 + 923.8, rel=1e-3)
    assert metres(network, "walk", 12, 56) == metres(free, "walk", 12, 56)


def test_restriction_by_the_hour_is_a_condition_of_the_turn(tmp_path):
    kind = ("restriction:conditional", "no_left_turn @ (Mo-Fr 07:00-09:00)")
    network = RoadNetwork.from_osm(blocks(tmp_path, [(kind, (25, 5, 56))]))
    (condition,) = network.conditions
    assert condition.bans[0][1] == "no_left_turn @ (Mo-Fr 07:00-09:00)"
    turn = np.flatnonzero(network.segment_condition == 0)
    assert len(turn) == 1
    assert network.segment_turn[turn[0]] > 0
    assert metres(network, "e_van", 25, 56) == pytest.approx(0.5 * 1109.3 + 0.5 * 923.8, rel=1e-3)


@pytest.mark.parametrize(
    ("tags", "when"),
    [
        ({"day_on": "Mo", "day_off": "Fr", "hour_on": "7", "hour_off": "18"}, "no_left_turn @ (Mo-Fr 07:00-18:00)"),
        ({"hour_on": "07:30", "hour_off": "09:00"}, "no_left_turn @ (07:30-09:00)"),
        ({"day_on": "Sa", "day_off": "Su"}, "no_left_turn @ (Sa-Su)"),
    ],
)
def test_old_keys_of_days_and_hours_are_conditions(tags, when):
    (found,) = bound_by({"restriction": "no_left_turn", **tags})
    assert (found[0], found[2]) == (when, True)
    assert parse_clauses(when) is not None


def test_kinds_of_turns_at_signals(tmp_path):
    signals = '<tag k="highway" v="traffic_signals"/>'
    network = RoadNetwork.from_osm(blocks(tmp_path, [], nodes=signals))
    # The middle junction has four arms: each arrival goes straight on, right, left and back.
    assert np.bincount(network.segment_turn, minlength=5).tolist() == [12, 4, 4, 4, 4]
    kinds = {}
    for edge in np.flatnonzero(network.segment_turn[network.edge_segment]):
        before = np.flatnonzero(network.edge_target == network.edge_source[edge])
        after = np.arange(*network.first_out[network.edge_target[edge] :][:2])
        ways = network.segment_way[network.edge_segment[[before[0], after[0]]]].tolist()
        kinds[tuple(ways)] = int(network.segment_turn[network.edge_segment[edge]])
    # Northbound out of 2 (25): 58 is straight on, 56 lies east and so to the right, 45 to the left.
    assert (kinds[25, 58], kinds[25, 56], kinds[25, 45], kinds[25, 25]) == (1, 2, 3, 4)
    assert network.edge_signals.sum() == 4  # one for everyone who arrives
    assert (network.junctions, network.nodes) == (9, 8 + 4 + 4)


def test_signals_of_one_wide_crossing_hold_up_once(tmp_path):
    # Two signalled junctions 30 m apart (0.00027 degrees of latitude), side streets at both.
    places = {1: (0, 0), 2: (0, 0.001), 3: (0, 0.00127), 4: (0, 0.003), 5: (0.001, 0.001), 6: (0.001, 0.00127)}
    lit = '<tag k="highway" v="traffic_signals"/>'
    nodes = "".join(
        f'<node id="{i}" lat="{34 + y}" lon="{112 + x}">{lit * (i in (2, 3))}</node>' for i, (x, y) in places.items()
    )
    ways = "".join(
        f'<way id="{a}{b}"><nd ref="{a}"/><nd ref="{b}"/><tag k="highway" v="residential"/></way>'
        for a, b in ((1, 2), (2, 3), (3, 4), (2, 5), (3, 6))
    )
    path = tmp_path / "wide.osm"
    path.write_text(f'<osm version="0.6">{nodes}{ways}</osm>', encoding="utf-8")
    network = RoadNetwork.from_osm(path)
    ways = np.where(network.edge_length_m > 0, network.segment_way[network.edge_segment], 0)
    assert network.edge_signals[ways == 23].tolist() == [0, 0]
    for way in (12, 34, 25, 36):
        assert sorted(network.edge_signals[ways == way].tolist()) == [0, 1]
