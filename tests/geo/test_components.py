"""Strongly connected components of the core against scipy's and against the definition."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from lastmile import _core


def graph_of(nodes, edges):
    """A graph and its edges' order in it."""
    tail = np.array([edge[0] for edge in edges], dtype=np.int64)
    order = np.argsort(tail, kind="stable")
    first_out = np.searchsorted(tail[order], np.arange(nodes + 1)).astype(np.int32)
    head = np.array([edge[1] for edge in edges], dtype=np.int32)[order]
    return _core.Graph(first_out, head), order


def same_partition(one, other):
    pairs = set(zip(one.tolist(), other.tolist(), strict=True))
    return len(pairs) == len(set(one.tolist())) == len(set(other.tolist()))


@st.composite
def graphs(draw):
    nodes = draw(st.integers(1, 40))
    node = st.integers(0, nodes - 1)
    edges = draw(st.lists(st.tuples(node, node), max_size=120))
    return nodes, edges, draw(st.lists(st.booleans(), min_size=len(edges), max_size=len(edges)))


@settings(max_examples=400)
@given(graphs())
def test_components_are_scipys(case):
    nodes, edges, is_open = case
    graph, order = graph_of(nodes, edges)
    flags = np.array(is_open, dtype=bool)[order]
    labels = _core.strong_components(graph, flags)
    kept = np.array([edge for edge, used in zip(edges, is_open, strict=True) if used], dtype=np.int64).reshape(-1, 2)
    matrix = csr_array((np.ones(len(kept)), (kept[:, 0], kept[:, 1])), shape=(nodes, nodes))
    count, expected = connected_components(matrix, directed=True, connection="strong")
    assert labels.dtype == np.int32
    assert sorted(set(labels.tolist())) == list(range(count))
    assert same_partition(labels, expected)


def test_closed_edge_breaks_a_round():
    # 0 -> 1 -> 2 -> 0, and 2 -> 3.
    graph, _ = graph_of(4, [(0, 1), (1, 2), (2, 0), (2, 3)])
    whole = _core.strong_components(graph, np.ones(4, dtype=np.uint8))
    assert whole[0] == whole[1] == whole[2] != whole[3]
    broken = _core.strong_components(graph, np.array([1, 1, 0, 1], dtype=np.uint8))
    assert sorted(broken.tolist()) == [0, 1, 2, 3]


def test_long_road_needs_no_deep_stack():
    # A line of a million nodes one way, closed to a round by its last edge: one component, or a million.
    nodes = 1_000_000
    graph = _core.Graph(np.arange(nodes + 1, dtype=np.int32), np.roll(np.arange(nodes, dtype=np.int32), -1))
    is_open = np.ones(nodes, dtype=bool)
    assert not _core.strong_components(graph, is_open).any()
    is_open[-1] = False
    assert len(np.unique(_core.strong_components(graph, is_open))) == nodes


def test_flags_must_be_one_per_edge():
    graph, _ = graph_of(2, [(0, 1)])
    with pytest.raises(ValueError, match="one entry per edge"):
        _core.strong_components(graph, np.ones(2, dtype=bool))


def test_empty_graph_has_no_component():
    graph = _core.Graph(np.zeros(1, dtype=np.int32), np.zeros(0, dtype=np.int32))
    assert len(_core.strong_components(graph, np.zeros(0, dtype=bool))) == 0
