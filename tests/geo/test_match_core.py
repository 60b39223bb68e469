"""The compiled matching against the same model tried out sequence by sequence."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lastmile import _core

MODEL = {
    "beta": 2.0,
    "beta_per_deviation": 1.0,
    "beta_per_metre": 0.1,
    "excess": 60.0,
    "speed": 20.0,
    "slack": 2.0,
    "backtrack": 2.0,
    "skip": 0,
}


def graph(nodes, edges):
    """``edges``: (tail, head, metres), sorted by tail."""
    tails = np.array([edge[0] for edge in edges])
    first_out = np.searchsorted(tails, np.arange(nodes + 1)).astype(np.int32)
    weight = np.array([-1 if edge[2] is None else round(edge[2] * 1000) for edge in edges], dtype=np.int32)
    return _core.Graph(first_out, np.array([edge[1] for edge in edges], dtype=np.int32)), weight


def run(nodes, edges, traces, threads=1, **changes):
    """``traces``: lists of fixes (x, y, second, deviation, [(edge, fraction, distance), ...])."""
    fixes = [fix for trace in traces for fix in trace]
    candidates = [candidate for fix in fixes for candidate in fix[4]]
    numbers = np.array([fix[:4] for fix in fixes], dtype=np.float64).reshape(-1, 4).T
    core, weight = graph(nodes, edges)
    return _core.match(
        core,
        weight,
        trace=np.cumsum([0, *map(len, traces)]).astype(np.int64),
        x=numbers[0].copy(),
        y=numbers[1].copy(),
        second=numbers[2].copy(),
        deviation=numbers[3].copy(),
        offset=np.cumsum([0, *(len(fix[4]) for fix in fixes)]).astype(np.int64),
        edge=np.array([c[0] for c in candidates], dtype=np.int32),
        fraction=np.array([c[1] for c in candidates], dtype=np.float64),
        distance=np.array([c[2] for c in candidates], dtype=np.float64),
        threads=threads,
        **{**MODEL, **changes},
    )


def node_distances(nodes, edges):
    far = [[0 if a == b else math.inf for b in range(nodes)] for a in range(nodes)]
    for tail, head, metres in edges:
        if metres is not None:
            far[tail][head] = min(far[tail][head], round(metres * 1000))
    for k, a, b in itertools.product(range(nodes), repeat=3):
        far[a][b] = min(far[a][b], far[a][k] + far[k][b])
    return far


def part(weight, share):
    return math.floor(weight * share + 0.5)


def route_mm(far, edges, a, b, behind_mm):
    (edge_a, share_a, _), (edge_b, share_b, _) = a, b
    if edges[edge_a][2] is None or edges[edge_b][2] is None:
        return math.inf
    weight_a, weight_b = round(edges[edge_a][2] * 1000), round(edges[edge_b][2] * 1000)
    if edge_a == edge_b:
        if share_b >= share_a:
            return part(weight_a, share_b - share_a)
        if part(weight_a, share_a - share_b) <= behind_mm:
            return 0
    return part(weight_a, 1 - share_a) + far[edges[edge_a][1]][edges[edge_b][0]] + part(weight_b, share_b)


def score(far, edges, trace, choice):
    """Log-probability of a choice of candidates; minus infinity where it is impossible."""
    total = 0.0
    for fix, candidate in zip(trace, choice, strict=True):
        total -= 0.5 * (candidate[2] / fix[3]) ** 2
    for f, g, a, b in zip(trace[:-1], trace[1:], choice[:-1], choice[1:], strict=True):
        crow = math.hypot(g[0] - f[0], g[1] - f[1])
        both = f[3] + g[3]
        bound = min(crow + MODEL["excess"], MODEL["speed"] * (g[2] - f[2]) + MODEL["slack"] * both)
        route = route_mm(far, edges, a, b, round(MODEL["backtrack"] * both * 1000))
        if route > round(bound * 1000):
            return -math.inf
        total -= abs(route / 1000 - crow) / (MODEL["beta"] + both / 2 + MODEL["beta_per_metre"] * crow)
    return total


@st.composite
def cases(draw):
    nodes = draw(st.integers(2, 5))
    node = st.integers(0, nodes - 1)
    metres = st.one_of(st.none(), st.integers(0, 40).map(float))
    edges = sorted(draw(st.lists(st.tuples(node, node, metres), min_size=2, max_size=9)), key=lambda e: (e[0], e[1]))
    candidate = st.tuples(
        st.integers(0, len(edges) - 1), st.integers(0, 8).map(lambda k: k / 8), st.integers(0, 30).map(float)
    )
    fix = st.tuples(
        st.integers(0, 60).map(float),
        st.integers(0, 60).map(float),
        st.integers(0, 5).map(float),
        st.sampled_from([3.0, 8.0]),
        st.lists(candidate, min_size=1, max_size=3),
    )
    steps = draw(st.lists(fix, min_size=1, max_size=4))
    seconds = np.cumsum([fix[2] for fix in steps])
    return nodes, edges, [(f[0], f[1], float(s), f[3], f[4]) for f, s in zip(steps, seconds, strict=True)]


@given(cases())
def test_choice_is_the_most_probable_of_all_sequences(case):
    nodes, edges, trace = case
    far = node_distances(nodes, edges)
    chosen, begins, offset, _ = run(nodes, edges, [trace])
    flat = [candidate for fix in trace for candidate in fix[4]]
    starts = [*np.flatnonzero(begins).tolist(), len(trace)]
    assert starts[0] == 0
    for first, last in itertools.pairwise(starts):
        piece = trace[first:last]
        best = max(score(far, edges, piece, choice) for choice in itertools.product(*(fix[4] for fix in piece)))
        assert score(far, edges, piece, [flat[i] for i in chosen[first:last]]) == pytest.approx(best, abs=1e-9)
        assert offset[first] == offset[first + 1]
        if last < len(trace):  # nothing leads on: however the part before is chosen, the next fix is out of reach
            longer = itertools.product(*(fix[4] for fix in trace[first : last + 1]))
            assert max(score(far, edges, trace[first : last + 1], choice) for choice in longer) == -math.inf


@given(cases())
def test_edges_join_the_chosen_positions_by_a_shortest_way(case):
    nodes, edges, trace = case
    far = node_distances(nodes, edges)
    chosen, begins, offset, driven = run(nodes, edges, [trace])
    flat = [candidate for fix in trace for candidate in fix[4]]
    for i in range(1, len(trace)):
        row = driven[offset[i] : offset[i + 1]].tolist()
        if begins[i]:
            assert row == []
            continue
        a, b = flat[chosen[i - 1]], flat[chosen[i]]
        both = trace[i - 1][3] + trace[i][3]
        route = route_mm(far, edges, a, b, round(MODEL["backtrack"] * both * 1000))
        if not row:
            assert route == 0
            assert a[0] == b[0]
        elif row == [a[0]]:
            assert (a[0], route) == (b[0], part(round(edges[a[0]][2] * 1000), b[1] - a[1]))
        else:
            assert (row[0], row[-1]) == (a[0], b[0])
            assert all(edges[p][1] == edges[q][0] for p, q in itertools.pairwise(row))
            inner = sum(round(edges[e][2] * 1000) for e in row[1:-1])
            ends = part(round(edges[a[0]][2] * 1000), 1 - a[1]) + part(round(edges[b[0]][2] * 1000), b[1])
            assert inner + ends == route


@given(cases(), st.randoms(use_true_random=False))
def test_order_of_candidates_does_not_matter(case, random):
    nodes, edges, trace = case
    shuffled = [(*fix[:4], random.sample(fix[4], len(fix[4]))) for fix in trace]

    def outcome(fixes):
        chosen, begins, _, driven = run(nodes, edges, [fixes])
        flat = [candidate for fix in fixes for candidate in fix[4]]
        return [flat[i][:2] for i in chosen], begins.tolist(), driven.tolist()

    assert outcome(shuffled) == outcome(trace)


@given(st.lists(cases(), min_size=1, max_size=4), st.integers(1, 3))
def test_traces_do_not_touch_each_other(found, threads):
    # All on the first one's graph: candidates of the others are put on its edges.
    nodes, edges, _ = found[0]
    traces = [[(*fix[:4], [(c[0] % len(edges), *c[1:]) for c in fix[4]]) for fix in trace] for _, _, trace in found]
    chosen, begins, offset, driven = run(nodes, edges, traces, threads)
    first = fixes = 0
    for trace in traces:
        alone = run(nodes, edges, [trace])
        own = slice(fixes, fixes + len(trace))
        assert (chosen[own] - first).tolist() == alone[0].tolist()
        assert begins[own].tolist() == alone[1].tolist()
        assert driven[offset[fixes] : offset[fixes + len(trace)]].tolist() == alone[3].tolist()
        first += sum(len(fix[4]) for fix in trace)
        fixes += len(trace)


LINE = (3, [(0, 1, 100.0), (1, 2, 100.0)])  # one way, 200 m


def fix(x, second, candidates):
    return (float(x), 0.0, float(second), 5.0, candidates)


def test_fix_that_nothing_leads_to_is_left_out_where_the_next_goes_on():
    trace = [fix(10, 0, [(0, 0.1, 0.0)]), fix(20, 1, [(1, 0.9, 1.0)]), fix(30, 2, [(0, 0.3, 0.0)])]
    # 10 m -> 190 m in a second is too fast at 20 m/s and 20 m of noise; 10 m -> 30 m in two seconds is not.
    chosen, begins, offset, edges = run(*LINE, [trace], skip=1)
    assert chosen.tolist() == [0, -1, 2]
    assert begins.tolist() == [1, 0, 0]
    assert (offset.tolist(), edges.tolist()) == ([0, 0, 0, 1], [0])
    chosen, begins, _, _ = run(*LINE, [trace], skip=0)
    assert chosen.tolist() == [0, 1, 2]
    assert begins.tolist() == [1, 1, 1]


def test_fix_without_candidates_ends_a_part():
    trace = [fix(10, 0, [(0, 0.1, 0.0)]), fix(20, 1, []), fix(30, 2, [(0, 0.3, 0.0)])]
    chosen, begins, _, _ = run(*LINE, [trace])
    assert chosen.tolist() == [0, -1, 1]
    assert begins.tolist() == [1, 1, 1]


def test_no_traces_and_empty_traces_are_matched_to_nothing():
    chosen, _, offset, edges = run(*LINE, [])
    assert (len(chosen), offset.tolist(), len(edges)) == (0, [0], 0)
    chosen, *_ = run(*LINE, [[], [fix(10, 0, [(0, 0.1, 0.0)])], []])
    assert chosen.tolist() == [0]


def test_equally_probable_positions_go_to_the_lower_edge():
    # Two parallel roads, both 4 m away.
    edges = [(0, 1, 100.0), (0, 1, 100.0)]
    trace = [fix(10, 0, [(1, 0.1, 4.0), (0, 0.1, 4.0)]), fix(30, 2, [(1, 0.3, 4.0), (0, 0.3, 4.0)])]
    chosen, *_ = run(2, edges, [trace])
    assert chosen.tolist() == [1, 3]


@pytest.mark.parametrize(
    ("trace", "message"),
    [
        ([fix(0, 0, [(2, 0.5, 0.0)])], "candidate 0 is on no edge"),
        ([fix(0, 0, [(-1, 0.5, 0.0)])], "candidate 0 is on no edge"),
        ([fix(0, 0, [(0, 1.5, 0.0)])], "fraction 0"),
        ([fix(0, 0, [(0, math.nan, 0.0)])], "fraction 0"),
        ([fix(0, 0, [(0, 0.5, -1.0)])], "distance 0"),
        ([fix(math.inf, 0, [(0, 0.5, 0.0)])], "x 0"),
        ([(0.0, 0.0, 0.0, 0.0, [])], "deviation 0"),
        ([fix(0, 5, []), fix(0, 4, [])], "second 1 is before"),
    ],
)
def test_fixes_that_do_not_fit_are_refused(trace, message):
    with pytest.raises(ValueError, match=message):
        run(*LINE, [trace])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"beta": 0.0, "beta_per_deviation": 0.0}, "beta"),
        ({"speed": -1.0}, "model"),
        ({"excess": math.nan}, "model"),
        ({"skip": -1}, "skip"),
    ],
)
def test_models_that_make_no_sense_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        run(*LINE, [[fix(0, 0, [(0, 0.5, 0.0)])]], **change)


def test_arrays_that_do_not_fit_are_refused():
    core, weight = graph(*LINE)
    empty = np.empty(0)
    sound = {
        "trace": np.array([0, 0]), "x": empty, "y": empty, "second": empty, "deviation": empty,
        "offset": np.array([0]), "edge": np.empty(0, dtype=np.int32), "fraction": empty, "distance": empty, **MODEL,
    }  # fmt: skip
    _core.match(core, weight, **sound)
    for change in (
        {"trace": np.array([0, 1])},
        {"trace": np.empty(0, dtype=np.int64)},
        {"y": np.zeros(1)},
        {"offset": np.array([0, 0])},
        {"offset": np.array([1])},
        {"edge": np.zeros(1, dtype=np.int32)},
    ):
        with pytest.raises(ValueError):
            _core.match(core, weight, **{**sound, **change})
    with pytest.raises(ValueError, match="one per edge"):
        _core.match(core, weight[:1], **sound)
