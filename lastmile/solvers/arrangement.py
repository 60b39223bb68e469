"""Numbers near each other for places that are: then what a search reads together lies together in memory."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

_LEAF: Final = 4  # places in no order of their own


def sequence(metres: NDArray[np.int32]) -> NDArray[np.int64]:
    """All places, so that those which follow each other are near.

    Halves them again and again, by whether they are nearer to the one or to the other of two that are far apart: a
    k-d tree that needs distances alone. Yianilos (1993), Data structures and algorithms for nearest neighbor search in
    general metric spaces, section 2.

    Parameters
    ----------
    metres
        int32, shape (n, n), distances.
    """
    found: list[NDArray[np.int64]] = []
    waiting = [np.arange(len(metres))]
    while waiting:
        places = waiting.pop()
        if len(places) <= _LEAF:
            found.append(places)
            continue
        one = places[np.argmax(metres[places[0], places])]
        other = places[np.argmax(metres[one, places])]
        nearer = np.argsort(metres[one, places].astype(np.int64) - metres[other, places], kind="stable")
        half = len(places) // 2
        waiting += [places[nearer[half:]], places[nearer[:half]]]
    return np.concatenate(found) if found else np.empty(0, dtype=np.int64)
