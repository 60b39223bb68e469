"""Limits of money to the fen, for solvers that keep a row to a tolerance only.

In floating point a tolerance is no longer small for sums in fen: plans that cost too much slip through, and some that
the money pays for are cut off. So a row counts money in a greater unit where whole fen would be large numbers, each
cost and the limit rounded down, and lies half a unit above the limit. As a sum of costs rounded down is not above the
sum rounded down, no plan that the money pays for is cut off, and a bound stands. What is paid is added up in whole fen:
a plan that costs too much after all is forbidden by its cover inequality [1]_, and the program solved again.

References
----------
.. [1] Balas (1975). Facets of the knapsack polytope. doi:10.1007/BF01580440
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lastmile.units import fen

# Of money in the greatest cost. With 100 million HiGHS bounded a problem of five sites too low.
_UNITS: Final = 100_000
_FEN_PART: Final = 1e-6  # of a fen: rounding of yuan as they are written


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneyLimit:
    """What sites may cost together, at most, in fen.

    Parameters
    ----------
    site
        Those that cost, each once.
    open_fen, module_fen
        For opening each, and for each of its modules; not negative.
    """

    site: tuple[int, ...]
    open_fen: tuple[int, ...]
    module_fen: tuple[int, ...]
    most_fen: int

    @classmethod
    def of_yuan(
        cls, site: Sequence[int], per_open: Sequence[float], per_module: Sequence[float], most: float
    ) -> "MoneyLimit":
        """The limit where costs are yuan."""
        return cls(
            site=tuple(site),
            open_fen=tuple(map(fen, per_open)),
            module_fen=tuple(map(fen, per_module)),
            most_fen=math.floor(most * 100 + _FEN_PART),
        )

    def paid_fen(self, modules: NDArray[np.int32]) -> int:
        """What a plan (modules by site) costs."""
        paid = zip(self.site, self.open_fen, self.module_fen, strict=True)
        return sum(opening + each * int(modules[j]) for j, opening, each in paid if modules[j] > 0)

    def excess_fen(self, modules: NDArray[np.int32]) -> int:
        """By how much a plan costs more; not positive where the money pays for it."""
        return self.paid_fen(modules) - self.most_fen

    @property
    def unit_fen(self) -> int:
        """What :meth:`rounded` counts money in."""
        costs = (*self.open_fen, *self.module_fen)
        divisor = math.gcd(*costs) or 1
        return divisor * max(math.ceil(max(costs, default=0) // divisor / _UNITS), 1)

    def rounded(self) -> tuple[list[int], list[int], float]:
        """Costs of opening and of modules, and their limit, for a row that cuts off no plan that is paid for."""
        unit = self.unit_fen
        opening, each = [cost // unit for cost in self.open_fen], [cost // unit for cost in self.module_fen]
        return opening, each, self.most_fen // unit + 0.5

    def cover(self, modules: NDArray[np.int32]) -> dict[int, int]:
        """Of a plan that costs too much: sites with so many modules as do already, and with fewer of any do not."""
        excess = self.excess_fen(modules)
        costs = [
            (opening + each * int(modules[j]), j, each)
            for j, opening, each in zip(self.site, self.open_fen, self.module_fen, strict=True)
            if modules[j] > 0
        ]
        least = {}
        for cost, j, each in sorted(costs):
            if cost < excess:
                excess -= cost
                continue
            spared = min((excess - 1) // each, int(modules[j]) - 1) if each else int(modules[j]) - 1
            excess -= spared * each
            least[j] = int(modules[j]) - spared
        return least
