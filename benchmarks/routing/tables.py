"""Travel tables of nodes in the plane."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.routing.instance import Measure

_BLOCK: Final = 2**22  # entries whose doubles are held at a time


def whole_up(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Round up to whole numbers; a millionth above one counts as that one, for it is an error of doubles."""
    return np.ceil(values - 1e-6)


def planar(
    x: NDArray[np.float64], y: NDArray[np.float64], measure: Measure, *, scale: int, speed: float = 1.0
) -> NDArray[np.int32]:
    """Distances, or times at a speed, between all nodes: int32, shape (n, n).

    Rounded as the measure says; where it does not round, the distances times ``scale`` are rounded up. Rows are made
    in blocks, so that a table of 11,000 nodes needs no doubles of its size.
    """
    count = len(x)
    table = np.empty((count, count), dtype=np.int32)
    rows = max(1, _BLOCK // max(count, 1))
    for first in range(0, count, rows):
        part = slice(first, first + rows)
        across = x[part, None] - x[None, :]
        up = y[part, None] - y[None, :]
        lengths = np.sqrt(across * across + up * up) * measure.multiplier
        if measure.rounding == "nearest":
            lengths = np.floor(lengths + 0.5) * scale
        elif measure.rounding == "down":
            lengths = np.floor(lengths) * scale
        else:
            lengths = whole_up(lengths * (scale / speed))
        if lengths.max(initial=0) >= 2**30:
            raise ValueError(f"a distance of {lengths.max():.0f} does not fit the travel tables")
        table[part] = lengths
    return table
