"""scipy's Dijkstra: the plain truth about fastest paths, one sum, one thread."""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from benchmarks.roads.weighted import Weighted
from lastmile import _core

NAME: Final = "scipy"


def matrix(weighted: Weighted) -> csr_array:
    """Sparse matrix of the open edges in which parallel edges are the shortest of them, not their sum."""
    usable = weighted.open
    tail, head, weight = weighted.tail[usable], weighted.head[usable], weighted.time[usable]
    order = np.lexsort((weight, head, tail))
    tail, head, weight = tail[order], head[order], weight[order]
    first = np.ones(len(tail), dtype=bool)
    first[1:] = (tail[1:] != tail[:-1]) | (head[1:] != head[:-1])
    if not weight.all():
        raise ValueError("an edge of no time would be no entry of a sparse matrix")
    entries = (weight[first].astype(np.float64), (tail[first], head[first]))
    return csr_array(entries, shape=(weighted.nodes, weighted.nodes))


def table(edges: csr_array, nodes: NDArray[np.int64], targets: NDArray[np.int64] | None = None) -> NDArray[np.int32]:
    """Times from nodes to targets, to the nodes themselves where none are given, in lastmile's form."""
    found = dijkstra(edges, indices=nodes)[:, nodes if targets is None else targets]
    return np.where(np.isfinite(found), found, _core.UNREACHABLE).astype(np.int32)
