"""Small graphs with positions on their edges, for tests of the compiled searches."""

import math
from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from lastmile import _core


@dataclass(frozen=True)
class Case:
    first_out: np.ndarray
    head: np.ndarray
    tail: np.ndarray
    weight: np.ndarray
    length: np.ndarray
    forward: np.ndarray
    backward: np.ndarray
    fraction: np.ndarray
    # (lon, lat) of the nodes. For a small graph any will do; on a city only its own make a hierarchy of few arcs.
    places: tuple[np.ndarray, np.ndarray] | None = None

    @property
    def graph(self):
        return _core.Graph(self.first_out, self.head)

    @property
    def points(self):
        return _core.Positions(self.forward, self.backward, self.fraction)

    @property
    def hierarchy(self):
        nodes = np.arange(len(self.first_out) - 1)
        lon, lat = (np.cos(nodes * 1.7), np.sin(nodes * 2.3)) if self.places is None else self.places
        return _core.Hierarchy(self.graph, lon, lat)

    @property
    def metric(self):
        return self.metric_on(self.hierarchy)

    def metric_on(self, hierarchy):
        # Energy is twice the length, so that the third sum is seen to follow it.
        centimetres = np.rint(self.length * 100).astype(np.int32)
        return _core.Metric(hierarchy, self.weight, centimetres, 2 * centimetres)

    def table(self, threads=1):
        time, length, energy = tables(self, self.metric, threads)
        np.testing.assert_allclose(energy, 2 * length, atol=2)
        return time, length / 100

    def path(self, origin, target):
        return _core.path(self.graph, self.metric, self.points, origin, target).tolist()


def tables(case, metric, threads=1):
    return _core.many_to_many(case.graph, metric, case.points, threads)


def make_case(nodes, segments, places):
    """``segments``: (u, v, weight along, weight against, metres), None where that direction does not exist."""
    edges = []
    for segment, (u, v, along, against, metres) in enumerate(segments):
        if along is not None:
            edges.append((u, v, along, metres, segment, True))
        if against is not None:
            edges.append((v, u, against, metres, segment, False))
    edges.sort(key=lambda edge: edge[0])
    number = {(edge[4], edge[5]): index for index, edge in enumerate(edges)}
    tails = np.array([edge[0] for edge in edges], dtype=np.int64)
    return Case(
        first_out=np.searchsorted(tails, np.arange(nodes + 1)).astype(np.int32),
        head=np.array([edge[1] for edge in edges], dtype=np.int32),
        tail=tails,
        weight=np.array([edge[2] for edge in edges], dtype=np.int32),
        length=np.array([edge[3] for edge in edges], dtype=np.float64),
        forward=np.array([number.get((segment, True), -1) for segment, _ in places], dtype=np.int32),
        backward=np.array([number.get((segment, False), -1) for segment, _ in places], dtype=np.int32),
        fraction=np.array([fraction for _, fraction in places], dtype=np.float64),
    )


def part(weight, share):
    return math.floor(weight * share + 0.5)


@st.composite
def cases(draw):
    nodes = draw(st.integers(1, 8))
    node = st.integers(0, nodes - 1)
    weight = st.one_of(st.none(), st.just(-1), st.just(0), st.integers(0, 5000))
    segment = st.tuples(node, node, weight, weight, st.integers(0, 3000).map(float))
    segments = draw(st.lists(segment.filter(lambda s: s[2] is not None or s[3] is not None), min_size=1, max_size=14))
    place = st.tuples(st.integers(0, len(segments) - 1), st.integers(0, 16).map(lambda k: k / 16))
    return make_case(nodes, segments, draw(st.lists(place, min_size=1, max_size=7)))
