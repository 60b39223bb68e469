"""Branch and bound of maximal covering: where customers cost the same at all sites that reach them."""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lastmile import _core
from lastmile.solvers.location_problem import LocationProblem

_VISITS: Final = 20_000_000  # of pairs between two looks, some hundredths of a second


def is_covering(problem: LocationProblem) -> bool:
    """Whether sites have no capacities and each customer costs the same at all of its sites."""
    dearest = np.zeros(len(problem.unserved))
    np.maximum.at(dearest, problem.pair_customer, problem.pair_cost)
    return problem.capacity is None and bool((problem.pair_cost == dearest[problem.pair_customer]).all())


class CoveringTree:
    """As :class:`lastmile.solvers.location_tree.Tree`, compiled, with the linear relaxation at every part."""

    def __init__(self, location: _core.Location, decided: NDArray[np.int8]) -> None:
        self.core = _core.CoveringTree(location, decided)

    def bound(self) -> float:
        """What no plan in the tree costs less than; inf where no part is left."""
        return self.core.bound

    def grow(
        self, limit: float, *, plan: Callable[[NDArray[np.int32]], None], settle: Callable[[NDArray[np.int32]], None]
    ) -> None:
        """Cut parts for a while, or until a better plan is found, which ``plan`` gets; nothing is left to settle."""
        del settle
        before = self.core.cost
        self.core.grow(_VISITS, limit)
        if self.core.cost < before:
            plan(self.core.sites)
