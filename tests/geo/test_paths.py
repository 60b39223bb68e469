"""The compiled searches against scipy's Dijkstra on a graph where every position is a node of its own."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from graphs import Case, cases, make_case, part, tables
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from lastmile import _core

NEVER = _core.UNREACHABLE


def slow_table(case):
    """All pairs by scipy: position i leaves from node n + i and is arrived at in node n + p + i."""
    n, p = len(case.first_out) - 1, len(case.fraction)
    arcs = {}

    def arc(a, b, weight):
        arcs[a, b] = min(weight, arcs.get((a, b), weight))

    for a, b, weight in zip(case.tail, case.head, case.weight, strict=True):
        if weight >= 0:
            arc(int(a), int(b), int(weight))
    ways = [(case.forward, case.fraction), (case.backward, 1.0 - case.fraction)]
    for edges, shares in ways:
        for i in range(p):
            edge = edges[i]
            if edge < 0 or case.weight[edge] < 0:
                continue
            weight = int(case.weight[edge])
            arc(n + i, int(case.head[edge]), part(weight, 1.0 - shares[i]))
            arc(int(case.tail[edge]), n + p + i, part(weight, shares[i]))
            for j in range(p):
                if edges[j] == edge and shares[j] >= shares[i]:
                    arc(n + i, n + p + j, part(weight, shares[j] - shares[i]))
    for i in range(p):
        for j in range(p):
            here = (case.forward[i], case.backward[i], case.fraction[i])
            if here == (case.forward[j], case.backward[j], case.fraction[j]) and max(here[:2]) >= 0:
                arc(n + i, n + p + j, 0)
    size = n + 2 * p
    # scipy takes stored zeros as arcs only by accident of version: one unit is added per arc and rounded away.
    unit = 2.0**-20
    rows = [a for a, _ in arcs]
    columns = [b for _, b in arcs]
    matrix = csr_array((np.array(list(arcs.values())) + unit, (rows, columns)), shape=(size, size))
    found = dijkstra(matrix, indices=np.arange(n, n + p))[:, n + p :]
    return np.where(np.isfinite(found), np.floor(np.where(np.isfinite(found), found, 0)), NEVER).astype(np.int32)


@given(cases())
def test_table_equals_scipy_on_the_expanded_graph(case):
    weight, _ = case.table()
    np.testing.assert_array_equal(weight, slow_table(case))


@given(cases())
def test_edges_of_a_path_sum_to_the_table(case):
    weights, metres = case.table()
    for origin in range(len(case.fraction)):
        for target in range(len(case.fraction)):
            if weights[origin, target] == NEVER:
                with pytest.raises(ValueError, match="no permitted path"):
                    case.path(origin, target)
                continue
            edges = case.path(origin, target)
            if not edges:
                assert weights[origin, target] == 0
                assert metres[origin, target] == 0
                continue

            def share(edge, position):
                along = case.fraction[position]
                return along if edge == case.forward[position] else 1 - along

            for a, b in pairwise(edges):
                assert case.head[a] == case.tail[b]
            if len(edges) == 1:
                shares = [share(edges[0], target) - share(edges[0], origin)]
            else:
                shares = [1 - share(edges[0], origin), *[1.0] * (len(edges) - 2), share(edges[-1], target)]
            pairs = list(zip(edges, shares, strict=True))
            assert sum(part(int(case.weight[edge]), s) for edge, s in pairs) == weights[origin, target]
            assert metres[origin, target] == pytest.approx(sum(case.length[edge] * s for edge, s in pairs), abs=0.011)


@given(cases(), st.integers(0, 8000))
def test_within_equals_brute_force_from_the_table(case, bound):
    weights, _ = case.table()
    offset, target, weight = _core.within(case.graph, case.weight, case.points, case.points, bound)
    expected = [[(j, int(w)) for j, w in enumerate(row) if w <= bound and w != NEVER] for row in weights]
    rows = [list(zip(target[a:b].tolist(), weight[a:b].tolist(), strict=True)) for a, b in pairwise(offset)]
    assert rows == expected


@given(cases())
def test_threads_do_not_change_the_answer(case):
    for one, two in zip(case.table(1), case.table(2), strict=True):
        np.testing.assert_array_equal(one, two)
    alone = _core.within(case.graph, case.weight, case.points, case.points, 2000, 1)
    together = _core.within(case.graph, case.weight, case.points, case.points, 2000, 2)
    for one, two in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one, two)


@given(cases(), st.randoms(use_true_random=False))
def test_any_order_of_the_nodes_gives_the_same_table(case, random):
    own = case.metric_on(case.hierarchy)
    order = case.hierarchy.order
    assert sorted(order.tolist()) == list(range(len(order)))
    again = _core.Hierarchy.from_order(case.graph, order)
    assert again.order.tolist() == order.tolist()
    assert again.arcs == case.hierarchy.arcs
    shuffled = random.sample(order.tolist(), len(order))
    other = _core.Hierarchy.from_order(case.graph, np.array(shuffled, dtype=np.int32))
    assert other.order.tolist() == shuffled
    for hierarchy in (again, other):
        for one, two in zip(tables(case, own), tables(case, case.metric_on(hierarchy)), strict=True):
            np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("order", [[0, 1], [0, 1, 1], [0, 1, 3], [-1, 0, 1], [0, 1, 2, 3], []])
def test_order_that_is_no_permutation_is_refused(order):
    case = make_case(3, [(0, 1, 5, 5, 1), (1, 2, 5, 5, 1)], [])
    with pytest.raises(ValueError, match="name every node"):
        _core.Hierarchy.from_order(case.graph, np.array(order, dtype=np.int32))


def test_position_behind_on_a_one_way_loop_goes_all_the_way_round():
    # One-way triangle 0 -> 1 -> 2 -> 0 of 100 each. From the middle of the first side to its quarter:
    # 50 to node 1, 100, 100, then 25 = 275; forwards from quarter to middle 25.
    case = make_case(3, [(0, 1, 100, None, 10), (1, 2, 100, None, 10), (2, 0, 100, None, 10)], [(0, 0.5), (0, 0.25)])
    weight, metres = case.table()
    assert weight.tolist() == [[0, 275], [25, 0]]
    assert metres.tolist() == [[0.0, 27.5], [2.5, 0.0]]
    assert case.path(0, 1) == [0, 1, 2, 0]
    assert case.path(1, 0) == [0]


def test_who_stands_on_a_closed_road_is_already_there():
    # Driving is banned (-1), standing is not: the way to itself is nothing, the way to anywhere else does not exist.
    case = make_case(2, [(0, 1, -1, -1, 100)], [(0, 0.5), (0, 0.5), (0, 0.75)])
    weight, _ = case.table()
    assert weight.tolist() == [[0, 0, NEVER], [0, 0, NEVER], [NEVER, NEVER, 0]]
    assert case.path(0, 1) == []


def test_parallel_road_is_taken_where_it_is_faster():
    # Two roads between 0 and 1: 100 and 30. From end to end of the slow one: along it 100, or round by the fast one 30.
    case = make_case(2, [(0, 1, 100, 100, 10), (0, 1, 30, 30, 40)], [(0, 0.0), (0, 1.0)])
    weight, metres = case.table()
    assert weight.tolist() == [[0, 30], [30, 0]]
    assert metres.tolist() == [[0.0, 40.0], [40.0, 0.0]]


def test_too_long_to_count_is_unreachable():
    # Two edges of 2,000,000,000 make more than int32 holds.
    case = make_case(3, [(0, 1, 2_000_000_000, None, 1), (1, 2, 2_000_000_000, None, 1)], [(0, 0.0), (1, 1.0)])
    weight, _ = case.table()
    assert weight[0, 1] == NEVER


@pytest.mark.parametrize(
    ("first_out", "head", "message"),
    [
        ([0, 100, 2], [0, 1], "decreases"),
        ([0, -5, 2], [0, 1], "decreases"),
        ([0, 1, 2], [0, 2], "does not exist"),
        ([0, 1, 2], [0, -1], "does not exist"),
        ([1, 1, 2], [0, 1], "start at 0"),
        ([0, 1], [0, 1], "end at the number"),
        ([], [], "start at 0"),
    ],
)
def test_rows_that_describe_no_graph_are_refused(first_out, head, message):
    with pytest.raises(ValueError, match=message):
        _core.Graph(np.array(first_out, dtype=np.int32), np.array(head, dtype=np.int32))


@pytest.mark.parametrize(
    ("forward", "backward", "fraction"),
    [([9], [-1], [0.5]), ([0], [9], [0.5]), ([0], [-1], [1.5]), ([0], [-1], [float("nan")]), ([0, 0], [-1], [0.5])],
)
def test_positions_off_the_graph_are_refused(forward, backward, fraction):
    case = make_case(2, [(0, 1, 5, 5, 1)], [(0, 0.5)])
    points = _core.Positions(
        np.array(forward, dtype=np.int32), np.array(backward, dtype=np.int32), np.array(fraction, dtype=np.float64)
    )
    with pytest.raises(ValueError, match="position"):
        _core.many_to_many(case.graph, case.metric, points)


def test_weights_of_another_graph_are_refused():
    case = make_case(2, [(0, 1, 5, 5, 1)], [(0, 0.5)])
    with pytest.raises(ValueError, match="per edge"):
        replace(case, weight=case.weight[:1]).table()
    with pytest.raises(ValueError, match="no such position"):
        case.path(0, 1)


def test_no_positions_make_an_empty_table():
    case = make_case(2, [(0, 1, 5, 5, 1)], [])
    weight, metres = case.table(2)
    assert weight.shape == metres.shape == (0, 0)


def real_case(path: Path, mode: str) -> Case:
    from lastmile.geo.network import RoadNetwork
    from lastmile.geo.snapping import Snapper
    from lastmile.geo.speeds import edge_times_ms
    from lastmile.scenario import Speeds

    network = RoadNetwork.from_osm(path)
    random = np.random.default_rng(7)
    west, south, east, north = network.bounds
    points = Snapper(network, mode).snap(random.uniform(west, east, 60), random.uniform(south, north, 60))
    # Sixteenths, so that the twin's rounding of parts is the core's.
    fraction = np.round(points.fraction * 16) / 16
    weight = np.where(network.permitted(mode), edge_times_ms(network, mode, "free", Speeds()), -1).astype(np.int32)
    return Case(
        network.first_out, network.edge_target, network.edge_source, weight, network.edge_length_m,
        points.forward, points.backward, fraction, (network.node_lon.copy(), network.node_lat.copy()),
    )  # fmt: skip


@pytest.mark.parametrize("mode", ["walk", "e_van"])
def test_real_city_equals_scipy(data_folder, mode):
    case = real_case(data_folder / "osm" / "porto-alegre.osm.pbf", mode)
    weight, _ = case.table(2)
    assert weight.shape == (60, 60)
    assert (weight != NEVER).all()  # one component: whoever is snapped reaches everyone
    np.testing.assert_array_equal(weight, slow_table(case))
