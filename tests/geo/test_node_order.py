"""The order in which nodes are contracted: complete, the same on every machine, and good."""

import numpy as np
import pytest
from graphs import cases
from hypothesis import given
from hypothesis import strategies as st

from lastmile import _core


def both_ways(nodes, pairs):
    """The graph of undirected edges."""
    tail, head = np.array([*pairs, *((b, a) for a, b in pairs)], dtype=np.int64).reshape(-1, 2).T
    by_tail = np.argsort(tail, kind="stable")
    first_out = np.searchsorted(tail[by_tail], np.arange(nodes + 1)).astype(np.int32)
    return _core.Graph(first_out, head[by_tail].astype(np.int32))


def grid_pairs(side, keep=1.0, seed=1):
    at = np.arange(side * side).reshape(side, side)
    pairs = np.concatenate(
        (np.column_stack((at[:, :-1].ravel(), at[:, 1:].ravel())), np.column_stack((at[:-1].ravel(), at[1:].ravel())))
    )
    return pairs[np.random.default_rng(seed).random(len(pairs)) < keep].tolist()


def places(side):
    north, east = np.divmod(np.arange(side * side, dtype=np.float64), side)
    return east, north


@given(cases())
def test_every_node_has_one_rank(case):
    assert sorted(case.hierarchy.order.tolist()) == list(range(len(case.first_out) - 1))


@given(st.integers(1, 400), st.integers(0, 1000))
def test_a_tree_needs_no_arc_beside_its_edges(nodes, seed):
    random = np.random.default_rng(seed)
    pairs = [(node, int(random.integers(0, node))) for node in range(1, nodes)]
    hierarchy = _core.Hierarchy(both_ways(nodes, pairs), random.random(nodes), random.random(nodes))
    assert hierarchy.arcs == nodes - 1


@pytest.mark.parametrize("nodes", [3, 4, 100, 2000])
def test_a_ring_needs_the_fewest_arcs_a_ring_can_have(nodes):
    # A triangulated polygon of n corners has n sides and n - 3 diagonals.
    pairs = [(node, (node + 1) % nodes) for node in range(nodes)]
    turn = np.arange(nodes) * (2 * np.pi / nodes)
    assert _core.Hierarchy(both_ways(nodes, pairs), np.cos(turn), np.sin(turn)).arcs == 2 * nodes - 3


@pytest.mark.parametrize("keep", [1.0, 0.8, 0.5])
def test_order_does_not_depend_on_the_number_of_threads(keep):
    # 3,600 nodes: several levels of cuts above the size that is ordered directly; at 0.5 in many components.
    graph = both_ways(3600, grid_pairs(60, keep))
    alone = _core.Hierarchy(graph, *places(60))
    for threads in (2, 3, 8):
        together = _core.Hierarchy(graph, *places(60), threads)
        np.testing.assert_array_equal(together.order, alone.order)
    assert sorted(alone.order.tolist()) == list(range(3600))


def test_a_square_grid_is_cut_as_well_as_by_hand():
    # Crosses of separators make about 31/4 n^2 log2 n arcs of n by n nodes (George 1973), 190,464 for n = 64. Cuts
    # by flow, and care for what is small, make less than half of that.
    side = 64
    hierarchy = _core.Hierarchy(both_ways(side * side, grid_pairs(side)), *places(side))
    assert hierarchy.arcs < 31 / 8 * side**2 * np.log2(side)


def test_nodes_that_share_a_place_are_ordered_too():
    graph = both_ways(1600, grid_pairs(40))
    hierarchy = _core.Hierarchy(graph, np.zeros(1600), np.zeros(1600))
    assert sorted(hierarchy.order.tolist()) == list(range(1600))


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        ([0.0, 1.0], [0.0, 1.0, 2.0], "one place per node"),
        ([0.0, 1.0], [0.0, 1.0], "one place per node"),
        ([0.0, 1.0, float("nan")], [0.0, 1.0, 2.0], "finite"),
        ([0.0, 1.0, 2.0], [0.0, float("inf"), 2.0], "finite"),
    ],
)
def test_places_that_cannot_guide_are_refused(x, y, message):
    graph = both_ways(3, [(0, 1), (1, 2)])
    with pytest.raises(ValueError, match=message):
        _core.Hierarchy(graph, np.array(x), np.array(y))
