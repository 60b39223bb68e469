"""Ruin and recreate of facility location by the clock."""

import time
from collections.abc import Iterator
from typing import Final, TypedDict

import numpy as np
from numpy.typing import NDArray

from lastmile import _core


class Cooling(TypedDict):
    """Sites that a ruin closes at most, share of best ones passed over, and temperatures in losses of an open site."""

    closed: int
    blink: float
    hot: float
    cold: float


# Short coolings that follow each other do best with bold ruins; a long one that will not be repeated with small ruins,
# and many of the best sites passed over.
SHORT: Final = Cooling(closed=6, blink=0.05, hot=0.3, cold=0.003)
LONG: Final = Cooling(closed=3, blink=0.5, hot=0.06, cold=0.008)
TOLD_S: Final = 0.5  # seconds between two looks at a cooling
_WHILES: Final = 10  # that a cooling for a share of the time is cut into, at the least


class Clock:
    """Seconds since a run began, and until it ends."""

    def __init__(self, begun: float, seconds: float) -> None:
        self.begun = begun
        self.seconds = seconds

    def elapsed(self) -> float:
        """Seconds since the run began."""
        return time.perf_counter() - self.begun

    def left(self) -> float:
        """Seconds until it ends, none below nothing."""
        return max(0.0, self.seconds - self.elapsed())


class Search:
    """The compiled search, and how long its iterations take."""

    def __init__(self, location: _core.Location, seed: int, start: NDArray[np.int32], clock: Clock) -> None:
        self.core = _core.LocationSearch(location, seed)
        self.core.start(start)
        self.clock = clock
        self.iterations = 0
        self.pace = 0.0  # seconds that an iteration took
        self.cooling: float | None = None  # when the last cooling began

    @property
    def sites(self) -> NDArray[np.int32]:
        """Those of the best plan."""
        return self.core.sites

    def cool(self, iterations: int, seconds: float, *, how: Cooling = SHORT) -> Iterator[None]:
        """One cooling of so many iterations and so long at the least, or half of the time left, in parts."""
        if self.pace > 0:
            iterations = max(iterations, int(seconds / self.pace))
            iterations = max(1, min(iterations, int(self.clock.left() / 2 / self.pace)))
        done = 0
        while done < iterations:
            part = iterations - done
            if self.pace > 0:
                part = max(1, min(part, int(TOLD_S / self.pace)))
            self._run(part, how, done / iterations, (done + part) / iterations)
            done += part
            yield

    def cool_on(self, share: float) -> bool:
        """A while of one cooling for this share of the time that is left when it begins; there must have been another.

        Returns False, and does nothing, once that time is over.
        """
        now = self.clock.elapsed()
        if self.cooling is None:
            self.cooling = now
        length = max(share * (self.clock.seconds - self.cooling), self.pace)
        if now - self.cooling >= length:
            return False
        iterations = max(1, int(min(TOLD_S, length / _WHILES, self.clock.left()) / self.pace))
        done = min(1.0, (now - self.cooling) / length)
        self._run(iterations, LONG, done, min(1.0, done + iterations * self.pace / length))
        return True

    def _run(self, iterations: int, how: Cooling, begin: float, end: float) -> None:
        begun = self.clock.elapsed()
        self.core.run(iterations, **how, begin=begin, end=end)
        self.pace = max(self.clock.elapsed() - begun, np.finfo(float).tiny) / iterations
        self.iterations += iterations
