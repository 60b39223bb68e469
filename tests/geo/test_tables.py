"""All three sums of a table against a slow search that compares them in order, and what is made of them."""

import math

import numpy as np
from graphs import cases, make_case, tables
from hypothesis import given
from hypothesis import strategies as st

from lastmile import _core

NEVER = _core.UNREACHABLE


def nearest(amount, share):
    """Rounded to the nearest, halves away from zero."""
    product = int(amount) * float(share)
    return int(math.copysign(math.floor(abs(product) + 0.5), product))


def slow_sums(case, length, energy, *, whole=False):
    """(time, length, energy) per pair, the least in that order; None where there is no path. Bellman and Ford."""
    n, p = len(case.first_out) - 1, len(case.fraction)
    arcs = []

    def arc(a, b, edge, share):
        if case.weight[edge] >= 0:
            third = int(energy[edge]) if whole and share > 0 else nearest(energy[edge], share)
            arcs.append((a, b, (nearest(case.weight[edge], share), nearest(length[edge], share), third)))

    for edge in range(len(case.head)):
        arc(int(case.tail[edge]), int(case.head[edge]), edge, 1.0)
    for edges, shares in ((case.forward, case.fraction), (case.backward, 1.0 - case.fraction)):
        for i in np.flatnonzero(edges >= 0).tolist():
            arc(n + i, int(case.head[edges[i]]), edges[i], 1.0 - shares[i])
            arc(int(case.tail[edges[i]]), n + p + i, edges[i], shares[i])
            for j in range(p):
                if edges[j] == edges[i] and shares[j] >= shares[i]:
                    arc(n + i, n + p + j, edges[i], shares[j] - shares[i])
    found = []
    for i in range(p):
        best = {n + i: (0, 0, 0)}
        changed = True
        while changed:
            changed = False
            for a, b, weight in arcs:
                if a in best:
                    way = tuple(x + y for x, y in zip(best[a], weight, strict=True))
                    if b not in best or way < best[b]:
                        best[b], changed = way, True
        here = (case.forward[i], case.backward[i], case.fraction[i])
        row = []
        for j in range(p):
            same = here == (case.forward[j], case.backward[j], case.fraction[j]) and max(here[:2]) >= 0
            row.append((0, 0, 0) if same else best.get(n + p + j))
        found.append(row)
    return found


@st.composite
def weighed(draw):
    """A graph with lengths and energies; energy is given back only where time or length is spent, and to the end."""
    case = draw(cases())
    count = len(case.head)
    length = np.array(draw(st.lists(st.integers(0, 3), min_size=count, max_size=count)), dtype=np.int32) * 64
    energy = np.array(draw(st.lists(st.integers(-3, 5), min_size=count, max_size=count)), dtype=np.int32) * 64
    # Sixteenths of multiples of 64 ms: parts of edges are whole, and no part is free that gives energy back.
    weight = np.where(case.weight > 0, case.weight // 64 * 64, case.weight).astype(np.int32)
    energy = np.where((weight == 0) & (length == 0), abs(energy), energy).astype(np.int32)
    object.__setattr__(case, "weight", weight)
    return case, length, energy


@given(weighed())
def test_sums_are_the_least_in_the_order_of_time_length_and_energy(given_case):
    case, length, energy = given_case
    metric = _core.Metric(case.hierarchy, case.weight, length, energy)
    sums = [table.tolist() for table in tables(case, metric)]
    for i, row in enumerate(slow_sums(case, length, energy)):
        for j, expected in enumerate(row):
            assert tuple(table[i][j] for table in sums) == (expected or (NEVER, 0, 0))


@given(weighed())
def test_tables_are_the_sums_in_seconds_metres_and_watt_hours(given_case):
    case, length, energy = given_case
    metric = _core.Metric(case.hierarchy, case.weight, length, energy)
    time, centimetres, hundredths = tables(case, metric)
    for threads in (1, 2):
        seconds, metres, watt_hours = _core.travel_tables(case.graph, metric, case.points, threads)
        expected = np.where(time == NEVER, NEVER, -(-time.astype(np.int64) // 1000))
        np.testing.assert_array_equal(seconds, expected)
        np.testing.assert_array_equal(metres, (centimetres / 100).astype(np.float32))
        np.testing.assert_array_equal(watt_hours, (hundredths / 100).astype(np.float32))
        assert (seconds.dtype, metres.dtype, watt_hours.dtype) == (np.int32, np.float32, np.float32)


@given(weighed(), st.data())
def test_path_is_unmarked_where_no_part_of_a_marked_edge_is_on_one_as_fast_and_short(given_case, data):
    case, length, _ = given_case
    count = len(case.head)
    marks = np.array(data.draw(st.lists(st.integers(0, 1), min_size=count, max_size=count)), dtype=np.int32)
    metric = _core.Metric(case.hierarchy, case.weight, length, marks)
    slow = slow_sums(case, length, marks, whole=True)
    for threads in (1, 2):
        unmarked = _core.unmarked_paths(case.graph, metric, case.points, threads)
        assert unmarked.dtype == np.bool_
        assert unmarked.tolist() == [[sums is None or sums[2] == 0 for sums in row] for row in slow]


def test_a_sixteenth_of_a_marked_edge_is_part_of_it():
    # From 1/16 to 2/16 of a marked road of 100 ms: its share of the mark would round to nothing.
    case = make_case(2, [(0, 1, 100, None, 10)], [(0, 1 / 16), (0, 2 / 16), (0, 2 / 16)])
    ones = np.ones(1, dtype=np.int32)
    metric = _core.Metric(case.hierarchy, case.weight, ones, ones)
    assert _core.unmarked_paths(case.graph, metric, case.points)[:2].tolist() == [[True, False, False], [True] * 3]
