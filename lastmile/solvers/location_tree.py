"""Branch and bound on what a Lagrangian bound leaves undecided of a facility location problem.

Beasley (1993). Lagrangean heuristics for location problems. European Journal of Operational Research 65(3).
doi:10.1016/0377-2217(93)90118-7
"""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lastmile import _core

_STEPS: Final = 30  # of the bound, between two looks
_LOOKS: Final = 6  # at a node, at most
_PROGRESS: Final = 0.05  # share of the way to the limit that steps between two looks must go to be worth more
_CLOSED, _FREE, _OPEN = -1, 0, 1


@dataclass(order=True, slots=True)
class _Node:
    bound: float
    number: int  # the order in which nodes were made settles ties
    decided: NDArray[np.int8] = field(compare=False)  # by site
    price: NDArray[np.float64] = field(compare=False)  # by customer


class Tree:
    """The plans that may be better than the best one, in parts; the part with the lowest bound is cut in two next.

    Parameters
    ----------
    dual
        At its best prices. It is the tree's from now on.
    settle
        Gets the sites of a part in which all is decided, and finds its best plan.
    """

    def __init__(
        self, dual: _core.LocationBound, decided: NDArray[np.int8], *, settle: Callable[[NDArray[np.int32]], None]
    ) -> None:
        self.dual = dual
        self.settle = settle
        self.nodes = [_Node(dual.bound, 0, decided, dual.prices)]
        self.made = 1

    def bound(self) -> float:
        """What no plan in the tree costs less than; inf where no part is left."""
        return self.nodes[0].bound if self.nodes else np.inf

    def grow(self, limit: float, *, plan: Callable[[NDArray[np.int32]], None]) -> None:
        """Cut the part with the lowest bound.

        Parameters
        ----------
        limit
            What costs at least as much is of no use.
        plan
            Gets sites worth a try.
        """
        node = heapq.heappop(self.nodes)
        if node.bound >= limit:
            self.nodes.clear()
            return
        dual = self.dual
        dual.decide(node.decided, node.price)
        before = dual.bound
        for _ in range(_LOOKS):
            dual.run(_STEPS, int(np.ceil(limit)))
            if dual.bound >= limit or dual.bound - before < _PROGRESS * (limit - before):
                break
            before = dual.bound
        bound = max(node.bound, dual.bound)
        if bound >= limit:
            return
        if_open, if_closed = dual.forced()
        free = node.decided == _FREE
        if (free & (if_open >= limit) & (if_closed >= limit)).any():
            return
        decided = node.decided.copy()
        decided[free & (if_open >= limit)] = _CLOSED
        decided[free & (if_closed >= limit)] = _OPEN
        free = decided == _FREE
        if not free.any():
            self.settle(np.flatnonzero(decided == _OPEN).astype(np.int32))
            return
        plan(np.flatnonzero((decided == _OPEN) | (free & (if_open < if_closed))).astype(np.int32))
        # Of the sites that the bound opens, the one without which it is highest; else the one that it would open next.
        opens = free & (if_open < if_closed)
        likes = np.where(opens, if_closed, -np.inf) if opens.any() else np.where(free, -if_open, -np.inf)
        site = int(np.argmax(likes))
        for choice, forced in ((_OPEN, if_open), (_CLOSED, if_closed)):
            child = decided.copy()
            child[site] = choice
            heapq.heappush(self.nodes, _Node(max(bound, float(forced[site])), self.made, child, dual.prices))
            self.made += 1
