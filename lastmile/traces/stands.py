"""Where a vehicle stood: what is no driving.

A vehicle that comes no further than :func:`reach_m` along its way in :data:`STAND_S` has stood: at a stop, at the
base, at lunch. Shorter halts count as driving, for most of them are traffic: red lights and queues belong to the time
that a road takes. A delivery that is handed over in less than that is therefore taken for slow driving on its street;
medians over passes blunt it.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lastmile.geo.driven import MatchedTrace

Floats = NDArray[np.float64]

STAND_S: Final = 120.0
_REACH_M: Final = 20.0
_REACH_SIGMAS: Final = 3.0
_APART_M: Final = 1e3  # between parts of a trace, more than any reach


@dataclass(frozen=True, slots=True, kw_only=True)
class Stands:
    """Spans of a trace in which the vehicle stood, in order and apart from each other.

    ``start_s``, ``end_s``: seconds; ``start_m``, ``end_m``: metres along the way, as in
    :class:`~lastmile.geo.driven.MatchedTrace`.
    """

    start_s: Floats
    end_s: Floats
    start_m: Floats
    end_m: Floats

    def __len__(self) -> int:
        return len(self.start_s)

    def seconds_before(self, second: Floats) -> Floats:
        """Seconds that the vehicle has stood until each moment."""
        return _amount_before(second, self.start_s, self.end_s)

    def metres_before(self, metres: Floats) -> Floats:
        """Metres that it crept while it stood, until each place of its way."""
        return _amount_before(metres, self.start_m, self.end_m)


def _amount_before(at: Floats, start: Floats, end: Floats) -> Floats:
    if not len(start):
        return np.zeros(len(at))
    edges = np.column_stack((start, end)).ravel()
    amounts = np.column_stack((np.concatenate(([0.0], np.cumsum(end - start)[:-1])), np.cumsum(end - start))).ravel()
    found: Floats = np.interp(at, edges, amounts)
    return found


def reach_m(sigma_m: float) -> float:
    """Metres along the way that noise may feign for a vehicle that stands."""
    return max(_REACH_M, _REACH_SIGMAS * sigma_m)


def find_stands(matched: MatchedTrace, *, stand_s: float = STAND_S) -> Stands:
    """Find the spans in which a vehicle stood, the earliest first, each as long as it goes."""
    way = matched.at_m + _APART_M * matched.at_part
    last = np.searchsorted(way, way + reach_m(matched.sigma_m), side="right") - 1
    long = np.flatnonzero(matched.at_s[last] - matched.at_s >= stand_s) if len(way) else np.empty(0, dtype=np.int64)
    chosen: list[int] = []
    free = 0
    for i in long.tolist():
        if i >= free:
            chosen.append(i)
            free = int(last[i]) + 1
    first = np.array(chosen, dtype=np.int64)
    return Stands(
        start_s=matched.at_s[first],
        end_s=matched.at_s[last[first]],
        start_m=matched.at_m[first],
        end_m=matched.at_m[last[first]],
    )


def moving(matched: MatchedTrace, stands: Stands) -> tuple[Floats, Floats]:
    """Metres and seconds that each edge was driven, without what was stood on it."""
    after = np.cumsum(matched.metres)
    before = after - matched.metres
    seconds = matched.leave_s - matched.enter_s
    stood = stands.seconds_before(matched.leave_s) - stands.seconds_before(matched.enter_s)
    crept = stands.metres_before(after) - stands.metres_before(before)
    return np.maximum(matched.metres - crept, 0.0), np.maximum(seconds - stood, 0.0)
