"""Weights that change a little: whatever is mended equals what is made afresh."""

from dataclasses import replace

import numpy as np
import pytest
from graphs import cases, make_case, tables
from hypothesis import given
from hypothesis import strategies as st

from lastmile import _core
from lastmile.geo.distances import metres_per_degree
from lastmile.geo.network import RoadNetwork
from lastmile.geo.speeds import edge_times_ms
from lastmile.scenario import Speeds


@st.composite
def histories(draw):
    """A graph with positions, and rounds of changes: (edge, time, length, energy) each, -1 closes."""
    case = draw(cases())
    change = st.tuples(
        st.integers(0, len(case.head) - 1),
        st.one_of(st.just(-1), st.just(0), st.integers(1, 5000), st.integers(2**29, 2**31 - 1)),
        st.integers(0, 3000),
        st.integers(0, 100),
    )
    return case, draw(st.lists(st.lists(change, max_size=6), min_size=1, max_size=6))


def weights_of(case):
    length = np.rint(case.length * 100).astype(np.int32)
    return [case.weight.copy(), length, (2 * length).astype(np.int32)]


def mend(metric, weights, changes):
    """Apply changes to the metric and to the plain arrays it was made from."""
    for edge, *values in changes:
        for column, value in zip(weights, values, strict=True):
            column[edge] = value
    columns = [np.array([change[k] for change in changes], dtype=np.int32) for k in range(4)]
    return metric.update(*columns)


def assert_as_if_fresh(case, metric, weights):
    fresh = _core.Metric(case.hierarchy, *weights)
    np.testing.assert_array_equal(metric.up, fresh.up)
    np.testing.assert_array_equal(metric.down, fresh.down)
    for one, two in zip(tables(case, metric), tables(case, fresh), strict=True):
        np.testing.assert_array_equal(one, two)


@given(histories())
def test_sums_are_those_of_a_metric_made_afresh(history):
    case, rounds = history
    weights = weights_of(case)
    metric = _core.Metric(case.hierarchy, *weights)
    for changes in rounds:
        before = (metric.up, metric.down)
        changed = mend(metric, weights, changes)
        assert_as_if_fresh(case, metric, weights)
        other = np.any([(a != b).any(axis=1) for a, b in zip(before, (metric.up, metric.down), strict=True)], axis=0)
        assert other.sum() <= changed <= len(other)


@given(histories())
def test_paths_after_changes_are_paths_of_those_sums(history):
    case, rounds = history
    weights = weights_of(case)
    metric = _core.Metric(case.hierarchy, *weights)
    for changes in rounds:
        mend(metric, weights, changes)
    time, _, _ = tables(case, metric)
    for origin in range(len(case.fraction)):
        for target in range(len(case.fraction)):
            if time[origin, target] == _core.UNREACHABLE:
                with pytest.raises(ValueError, match="no permitted path"):
                    _core.path(case.graph, metric, case.points, origin, target)
                continue
            edges = _core.path(case.graph, metric, case.points, origin, target)
            assert (weights[0][edges] >= 0).all()
            inner = int(weights[0][edges[1:-1]].sum())
            ends = sum(int(weights[0][edge]) for edge in {*edges[:1].tolist(), *edges[-1:].tolist()})
            assert inner <= time[origin, target] <= inner + ends + 1


@given(histories())
def test_a_copy_leads_a_life_of_its_own(history):
    case, rounds = history
    weights = weights_of(case)
    metric = _core.Metric(case.hierarchy, *weights)
    before = (metric.up, metric.down)
    copied = metric.copy()
    mended = [column.copy() for column in weights]
    for changes in rounds:
        mend(copied, mended, changes)
    np.testing.assert_array_equal(metric.up, before[0])
    np.testing.assert_array_equal(metric.down, before[1])
    assert_as_if_fresh(case, copied, mended)


def test_closing_the_fast_of_two_parallel_roads_leaves_the_slow_one():
    # Roads of 100 and 30 between two junctions: 30 from end to end; 100 once the fast one is closed, 30 again after.
    case = make_case(2, [(0, 1, 100, 100, 10), (0, 1, 30, 30, 40)], [(0, 0.0), (0, 1.0)])
    metric = case.metric
    fast = int(np.flatnonzero((case.weight == 30) & (case.tail == 0))[0])
    lengths = np.array([4000], dtype=np.int32)
    closed = np.array([-1], dtype=np.int32)
    assert tables(case, metric)[0].tolist() == [[0, 30], [30, 0]]
    assert metric.update(np.array([fast], dtype=np.int32), closed, lengths, lengths) == 1
    assert tables(case, metric)[0].tolist() == [[0, 100], [30, 0]]
    assert metric.update(np.array([fast], dtype=np.int32), np.array([30], dtype=np.int32), lengths, 2 * lengths) == 1
    assert tables(case, metric)[0].tolist() == [[0, 30], [30, 0]]
    assert metric.update(*(np.array([], dtype=np.int32) for _ in range(4))) == 0


def test_a_descent_gives_energy_back_along_the_fastest_path():
    # Two roads downhill, 50 ms each: one of 10 m that costs 4, one of 9 m that gives 3 back. The shorter is taken.
    case = make_case(2, [(0, 1, 50, 50, 10), (0, 1, 50, 50, 9)], [(0, 0.0), (0, 1.0)])
    length = np.rint(case.length * 100).astype(np.int32)
    energy = np.where(length == 900, -3, 4).astype(np.int32)
    metric = _core.Metric(case.hierarchy, case.weight, length, energy)
    time, metres, hundredths = tables(case, metric)
    assert (time[0, 1], metres[0, 1], hundredths[0, 1]) == (50, 900, -3)
    # Of two equally short ones the thriftier.
    longer = np.flatnonzero((length == 1000) & (case.tail == 0)).astype(np.int32)
    metric.update(longer, *(np.array([v], dtype=np.int32) for v in (50, 900, -8)))
    assert tables(case, metric)[2][0, 1] == -8


@pytest.mark.parametrize(
    ("edges", "columns", "message"),
    [
        ([2], [[1], [1], [1]], "no edge 2"),
        ([-1], [[1], [1], [1]], "no edge -1"),
        ([0, 1], [[1], [1], [1]], "per edge"),
        ([0], [[1], [1, 1], [1]], "per edge"),
        ([0], [[1], [-1], [1]], "negative length"),
        ([0], [[0], [0], [-1]], "energy for nothing"),
    ],
)
def test_weights_that_cannot_be_are_refused_and_change_nothing(edges, columns, message):
    case = make_case(2, [(0, 1, 5, 5, 1)], [])
    metric = case.metric
    before = metric.up
    values = [np.array(column, dtype=np.int32) for column in columns]
    with pytest.raises(ValueError, match=message):
        metric.update(np.array(edges, dtype=np.int32), *values)
    np.testing.assert_array_equal(metric.up, before)


def test_metric_of_weights_that_cannot_be_is_refused():
    case = make_case(2, [(0, 1, 0, 5, 0)], [])
    with pytest.raises(ValueError, match="energy for nothing"):
        _core.Metric(case.hierarchy, case.weight, np.zeros(2, np.int32), np.array([-1, 0], dtype=np.int32))
    with pytest.raises(ValueError, match="negative length"):
        _core.Metric(case.hierarchy, case.weight, np.array([-1, 0], dtype=np.int32), np.zeros(2, np.int32))
    # What is closed weighs nothing.
    closed = replace(case, weight=np.array([-1, -1], dtype=np.int32))
    assert _core.Metric(closed.hierarchy, closed.weight, closed.weight, closed.weight).up.tolist() == [
        [2**30 - 1, 0, 0]
    ]


def test_real_city_equals_a_metric_made_afresh(data_folder):
    network = RoadNetwork.from_osm(data_folder / "osm" / "porto-alegre.osm.pbf")
    graph = _core.Graph(network.first_out, network.edge_target)
    per_lon, per_lat = metres_per_degree(network.node_lat)
    east, north = network.node_lon * per_lon, network.node_lat * per_lat
    hierarchy = _core.Hierarchy(graph, east, north)
    times = np.where(network.permitted("e_van"), edge_times_ms(network, "e_van", "free", Speeds()), -1).astype(np.int32)
    length = np.rint(network.edge_length_m * 100).astype(np.int32)
    metric = _core.Metric(hierarchy, times, length, length)
    random = np.random.default_rng(3)
    driven = np.flatnonzero(times >= 0)
    middle = network.edge_source[driven[len(driven) // 2]]
    away = np.hypot(east - east[middle], north - north[middle])[network.edge_source]
    quarter = driven[np.argsort(away[driven])[:100]]
    scattered = random.choice(driven, 100, replace=False)
    now = times.copy()
    for edges, factor in ((scattered, 2.0), (quarter, -1.0), (scattered, 0.5), (quarter, 1.0), (scattered, 1.0)):
        now[edges] = -1 if factor < 0 else np.ceil(times[edges] * factor * random.uniform(0.5, 1.5, len(edges)))
        assert 0 < metric.update(edges.astype(np.int32), now[edges], length[edges], length[edges]) < hierarchy.arcs
        fresh = _core.Metric(hierarchy, now, length, length)
        np.testing.assert_array_equal(metric.up, fresh.up)
        np.testing.assert_array_equal(metric.down, fresh.down)
