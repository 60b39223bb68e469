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
    "turn": 5.0,
    "skip": 0,
}


def graph(nodes, edges):
    """``edges``: (tail, head, metres), sorted by tail."""
    tails = np.array([edge[0] for edge in edges])
    first_out = np.searchsorted(tails, np.arange(nodes + 1)).astype(np.int32)
    weight = np.array([-1 if edge[2] is None else round(edge[2] * 1000) for edge in edges], dtype=np.int32)
    return _core.Graph(first_out, np.array([edge[1] for edge in edges], dtype=np.int32)), weight


def reverses(edges):
    """Of every edge the first one that leads back over as many metres, each taken once."""
    found = [-1] * len(edges)
    for a, b in itertools.combinations(range(len(edges)), 2):
        if found[a] < 0 and found[b] < 0 and edges[a] == (edges[b][1], edges[b][0], edges[b][2]):
            found[a], found[b] = b, a
    return found


def run(nodes, edges, traces, threads=1, **changes):
    """``traces``: lists of fixes (x, y, second, deviation, [(edge, fraction, distance), ...])."""
    fixes = [fix for trace in traces for fix in trace]
    candidates = [candidate for fix in fixes for candidate in fix[4]]
    numbers = np.array([fix[:4] for fix in fixes], dtype=np.float64).reshape(-1, 4).T
    core, weight = graph(nodes, edges)
    return _core.match(
        core,
        weight,
        np.array(reverses(edges), dtype=np.int32),
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


def routes_mm(far, edges, a, b, behind_mm):
    """Millimetres straight on, and turned around."""
    (edge_a, share_a, _), (edge_b, share_b, _) = a, b
    if edges[edge_a][2] is None or edges[edge_b][2] is None:
        return math.inf, math.inf
    weight_a, weight_b = round(edges[edge_a][2] * 1000), round(edges[edge_b][2] * 1000)
    lead = part(weight_b, share_b)
    on = part(weight_a, 1 - share_a) + far[edges[edge_a][1]][edges[edge_b][0]] + lead
    if edge_a == edge_b:
        if share_b >= share_a:
            on = part(weight_a, share_b - share_a)
        elif part(weight_a, share_a - share_b) <= behind_mm:
            on = 0
    back = reverses(edges)[edge_a]
    if back < 0:
        return on, math.inf
    if back == edge_b:
        return on, part(weight_b, abs(share_b - (1 - share_a)))
    return on, part(weight_a, share_a) + far[edges[edge_a][0]][edges[edge_b][0]] + lead


def way(far, edges, f, g, a, b):
    """What the way from one candidate to the next counts for, whether it turns, and its millimetres."""
    crow = math.hypot(g[0] - f[0], g[1] - f[1])
    both = f[3] + g[3]
    bound = min(crow + MODEL["excess"], MODEL["speed"] * (g[2] - f[2]) + MODEL["slack"] * both)
    behind_mm = round(MODEL["backtrack"] * both * 1000)
    ways = []
    for turned, route in enumerate(routes_mm(far, edges, a, b, behind_mm)):
        if route <= round(bound * 1000):
            turn = MODEL["turn"] + behind_mm / 1000 if turned else 0
            ways.append((abs(route / 1000 - crow) + turn, turned, route))
    difference, turned, route = min(ways, default=(math.inf, 0, 0))
    return difference / (MODEL["beta"] + both / 2 + MODEL["beta_per_metre"] * crow), turned, route


def score(far, edges, trace, choice):
    """Log-probability of a choice of candidates; minus infinity where it is impossible."""
    total = 0.0
    for fix, candidate in zip(trace, choice, strict=True):
        total -= 0.5 * (candidate[2] / fix[3]) ** 2
    for f, g, a, b in zip(trace[:-1], trace[1:], choice[:-1], choice[1:], strict=True):
        total -= way(far, edges, f, g, a, b)[0]
    return total


@st.composite
def cases(draw):
    nodes = draw(st.integers(2, 5))
    node = st.integers(0, nodes - 1)
    metres = st.one_of(st.none(), st.integers(0, 40).map(float))
    roads = draw(st.lists(st.tuples(node, node, metres, st.booleans()), min_size=2, max_size=6))
    edges = [(a, b, m) for a, b, m, _ in roads] + [(b, a, m) for a, b, m, both in roads if both]
    edges.sort(key=lambda e: (e[0], e[1]))
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
    chosen, begins, _, offset, _ = run(nodes, edges, [trace])
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
    chosen, begins, turns, offset, driven = run(nodes, edges, [trace])
    flat = [candidate for fix in trace for candidate in fix[4]]
    for i in range(1, len(trace)):
        row = driven[offset[i] : offset[i + 1]].tolist()
        if begins[i]:
            assert (row, turns[i]) == ([], 0)
            continue
        a, b = flat[chosen[i - 1]], flat[chosen[i]]
        _, turned, route = way(far, edges, trace[i - 1], trace[i], a, b)
        assert turns[i] == turned
        if turned:
            assert (row[0], row[1]) == (a[0], reverses(edges)[a[0]])
            row, a = row[1:], (row[1], 1 - a[1])
            if row == [b[0]]:
                assert route == part(round(edges[a[0]][2] * 1000), abs(b[1] - a[1]))
                continue
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
        chosen, begins, turned, _, driven = run(nodes, edges, [fixes])
        flat = [candidate for fix in fixes for candidate in fix[4]]
        return [flat[i][:2] for i in chosen], begins.tolist(), turned.tolist(), driven.tolist()

    assert outcome(shuffled) == outcome(trace)


@given(st.lists(cases(), min_size=1, max_size=4), st.integers(1, 3))
def test_traces_do_not_touch_each_other(found, threads):
    # All on the first one's graph: candidates of the others are put on its edges.
    nodes, edges, _ = found[0]
    traces = [[(*fix[:4], [(c[0] % len(edges), *c[1:]) for c in fix[4]]) for fix in trace] for _, _, trace in found]
    chosen, begins, turned, offset, driven = run(nodes, edges, traces, threads)
    first = fixes = 0
    for trace in traces:
        alone = run(nodes, edges, [trace])
        own = slice(fixes, fixes + len(trace))
        assert (chosen[own] - first).tolist() == alone[0].tolist()
        assert begins[own].tolist() == alone[1].tolist()
        assert turned[own].tolist() == alone[2].tolist()
        assert driven[offset[fixes] : offset[fixes + len(trace)]].tolist() == alone[4].tolist()
        first += sum(len(fix[4]) for fix in trace)
        fixes += len(trace)


LINE = (3, [(0, 1, 100.0), (1, 2, 100.0)])  # one way, 200 m


def fix(x, second, candidates):
    return (float(x), 0.0, float(second), 5.0, candidates)


def test_fix_that_nothing_leads_to_is_left_out_where_the_next_goes_on():
    trace = [fix(10, 0, [(0, 0.1, 0.0)]), fix(20, 1, [(1, 0.9, 1.0)]), fix(30, 2, [(0, 0.3, 0.0)])]
    # 10 m -> 190 m in a second is too fast at 20 m/s and 20 m of noise; 10 m -> 30 m in two seconds is not.
    chosen, begins, _, offset, edges = run(*LINE, [trace], skip=1)
    assert chosen.tolist() == [0, -1, 2]
    assert begins.tolist() == [1, 0, 0]
    assert (offset.tolist(), edges.tolist()) == ([0, 0, 0, 1], [0])
    chosen, begins, *_ = run(*LINE, [trace], skip=0)
    assert chosen.tolist() == [0, 1, 2]
    assert begins.tolist() == [1, 1, 1]


def test_fix_without_candidates_ends_a_part():
    trace = [fix(10, 0, [(0, 0.1, 0.0)]), fix(20, 1, []), fix(30, 2, [(0, 0.3, 0.0)])]
    chosen, begins, *_ = run(*LINE, [trace])
    assert chosen.tolist() == [0, -1, 1]
    assert begins.tolist() == [1, 1, 1]


def test_no_traces_and_empty_traces_are_matched_to_nothing():
    chosen, _, _, offset, edges = run(*LINE, [])
    assert (len(chosen), offset.tolist(), len(edges)) == (0, [0], 0)
    chosen, *_ = run(*LINE, [[], [fix(10, 0, [(0, 0.1, 0.0)])], []])
    assert chosen.tolist() == [0]


def test_equally_probable_positions_go_to_the_lower_edge():
    # Two parallel roads, both 4 m away.
    edges = [(0, 1, 100.0), (0, 1, 100.0)]
    trace = [fix(10, 0, [(1, 0.1, 4.0), (0, 0.1, 4.0)]), fix(30, 2, [(1, 0.3, 4.0), (0, 0.3, 4.0)])]
    chosen, *_ = run(2, edges, [trace])
    assert chosen.tolist() == [1, 3]


def test_vehicle_may_turn_around_within_a_street():
    # 60 m in, and 60 m back again: by way of the street's end it would be 140 m, and its candidates would lie the same.
    street = (2, [(0, 1, 130.0), (1, 0, 130.0)])
    trace = [fix(x, 5 * i, [(0, x / 130, 0.0), (1, 1 - x / 130, 0.0)]) for i, x in enumerate((5, 30, 60, 30, 5))]
    trace = [(*step[:3], 1.0, step[4]) for step in trace]
    chosen, _, turned, offset, edges = run(*street, [trace])
    assert chosen.tolist() == [0, 2, 4, 7, 9]
    assert turned.tolist() == [0, 0, 0, 1, 0]
    assert (offset.tolist(), edges.tolist()) == ([0, 0, 1, 2, 4, 5], [0, 0, 0, 1, 1])


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
    back = np.full(2, -1, dtype=np.int32)
    empty = np.empty(0)
    sound = {
        "trace": np.array([0, 0]), "x": empty, "y": empty, "second": empty, "deviation": empty,
        "offset": np.array([0]), "edge": np.empty(0, dtype=np.int32), "fraction": empty, "distance": empty, **MODEL,
    }  # fmt: skip
    _core.match(core, weight, back, **sound)
    for change in (
        {"trace": np.array([0, 1])},
        {"trace": np.empty(0, dtype=np.int64)},
        {"y": np.zeros(1)},
        {"offset": np.array([0, 0])},
        {"offset": np.array([1])},
        {"edge": np.zeros(1, dtype=np.int32)},
    ):
        with pytest.raises(ValueError):
            _core.match(core, weight, back, **{**sound, **change})
    with pytest.raises(ValueError, match="one per edge"):
        _core.match(core, weight[:1], back, **sound)
    for wrong in (back[:1], np.array([2, -1], dtype=np.int32)):
        with pytest.raises(ValueError, match="reverse"):
            _core.match(core, weight, wrong, **sound)
