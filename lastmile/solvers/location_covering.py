"""Bound, and branch and bound, of maximal covering: where customers cost the same at all sites that reach them."""

import time
from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lastmile import _core
from lastmile.solvers.location_problem import LocationProblem

_VISITS: Final = 20_000_000  # of pairs between two looks, some hundredths of a second
_STEPS: Final = 20  # of the bound between two looks
_ROUND: Final = 600  # of them at most until the next cuts
_NEAR: Final = 0.05  # share of what the bound misses: a relaxation so near to its end has the next cuts
_CUT_STEPS: Final = 1_000  # steps that the first cuts may take as long as
_STALLED: Final = 0.002  # share of what the bound misses: cuts that raise it by no more are hardly worth it


def is_covering(problem: LocationProblem, dearest: NDArray[np.float64]) -> bool:
    """Whether sites have no capacities and each customer costs the same at all of its sites, so as at its dearest."""
    return problem.capacity is None and bool((problem.pair_cost == dearest[problem.pair_customer]).all())


class CoveringBound:
    """Compiled bound of a large covering: steps of the linear relaxation, and cuts once those are near their end."""

    def __init__(self, location: _core.Location) -> None:
        self.core = _core.CoveringBound(location)
        self.steps = 0  # since the last cuts
        self.cut_s = 0.0  # seconds that cuts take
        self.reached = -np.inf  # bound at the last cuts
        self.slow = 0  # rounds that raised it by hardly more

    @property
    def stalled(self) -> bool:
        """Whether two rounds of cuts hardly raised it."""
        return self.slow > 1

    def run(self, limit: float, seconds: float) -> None:
        """Some steps towards the limit, or cuts where they are due and can be had within seconds."""
        missing = limit - self.core.bound
        begun = time.perf_counter()
        if (self.steps >= _ROUND or self.core.missing < _NEAR * missing) and self.cut_s < seconds:
            self.slow = self.slow + 1 if self.core.bound - self.reached <= _STALLED * missing else 0
            self.reached, self.steps = self.core.bound, 0
            self.core.cut()
            self.cut_s = time.perf_counter() - begun
            return
        self.core.run(_STEPS, limit)
        if not self.steps:
            self.cut_s = max(self.cut_s, _CUT_STEPS / _STEPS * (time.perf_counter() - begun))
        self.steps += _STEPS


class CoveringTree:
    """As :class:`lastmile.solvers.location_tree.Tree`, compiled, with the linear relaxation at every part."""

    def __init__(self, location: _core.Location, decided: NDArray[np.int8]) -> None:
        self.core = _core.CoveringTree(location, decided)

    def bound(self) -> float:
        """What no plan in the tree costs less than; inf where no part is left."""
        return self.core.bound

    def grow(self, limit: float, *, plan: Callable[[NDArray[np.int32]], None]) -> None:
        """Cut parts for a while, or until a better plan is found, which ``plan`` gets."""
        before = self.core.cost
        self.core.grow(_VISITS, limit)
        if self.core.cost < before:
            plan(self.core.sites)
