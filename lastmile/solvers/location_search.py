"""Search of facility location by the clock: by swaps where it is a covering, else by ruin and recreate."""

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final, TypedDict

import numpy as np
from numpy.typing import NDArray

from lastmile import _core


class Cooling(TypedDict):
    """Temperatures in losses of an open site."""

    hot: float
    cold: float


class Ruins(Cooling):
    """With sites that a ruin closes at most, and the share of best ones passed over."""

    closed: int
    blink: float


# Short coolings that follow each other do best with bold ruins; a long one that will not be repeated with small ruins,
# and many of the best sites passed over.
_SHORT: Final = Ruins(closed=6, blink=0.05, hot=0.3, cold=0.003)
_LONG: Final = Ruins(closed=3, blink=0.5, hot=0.06, cold=0.008)
_SWAPS: Final = Cooling(hot=0.04, cold=0.005)
_SWAPS_OF_RUIN: Final = 200  # they take as long, about
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
    """The compiled search, and how long its iterations take: swaps where it is a covering, else ruins."""

    def __init__(
        self, location: _core.Location, seed: int, start: NDArray[np.int32], clock: Clock, *, covers: bool
    ) -> None:
        self.core: _core.LocationSearch | _core.CoveringSearch
        if covers:
            swaps = self.core = _core.CoveringSearch(location, seed)
            self.short = self.long = partial(swaps.run, **_SWAPS)
            self.unit = _SWAPS_OF_RUIN
        else:
            ruins = self.core = _core.LocationSearch(location, seed)
            self.short, self.long = partial(ruins.run, **_SHORT), partial(ruins.run, **_LONG)
            self.unit = 1
        self.core.start(start)
        self.clock = clock
        self.iterations = 0
        self.pace = 0.0  # seconds that an iteration took
        self.long_ones = 0  # coolings for a share of the time
        self.began, self.ends = 0.0, 0.0  # the last one of them

    @property
    def sites(self) -> NDArray[np.int32]:
        """Those of the best plan."""
        return self.core.sites

    def cool(self, ruins: int, seconds: float, *, long: bool = False) -> Iterator[None]:
        """One cooling, in parts: so many ruins, or as many swaps as take as long.

        It takes so many seconds at the least, but no more than half of the time left.
        """
        iterations = ruins * self.unit
        if self.pace > 0:
            iterations = max(iterations, int(seconds / self.pace))
            iterations = max(1, min(iterations, int(self.clock.left() / 2 / self.pace)))
        done = 0
        while done < iterations:
            part = iterations - done
            if self.pace > 0:
                part = max(1, min(part, int(TOLD_S / self.pace)))
            self._run(self.long if long else self.short, part, done / iterations, (done + part) / iterations)
            done += part
            yield

    def cool_on(self, *shares: float) -> bool:
        """A while of as many coolings, each for this share of the time left when it begins; a short one came before.

        Returns False, and does nothing, once they are over.
        """
        now = self.clock.elapsed()
        if now >= self.ends:
            if self.long_ones == len(shares):
                return False
            length = max(shares[self.long_ones] * self.clock.left(), self.pace)
            self.long_ones += 1
            self.began, self.ends = now, now + length
        length = self.ends - self.began
        iterations = max(1, int(min(TOLD_S, length / _WHILES, self.clock.left()) / self.pace))
        done = min(1.0, (now - self.began) / length)
        self._run(self.long, iterations, done, min(1.0, done + iterations * self.pace / length))
        return True

    def _run(self, run: Callable[..., None], iterations: int, begin: float, end: float) -> None:
        begun = self.clock.elapsed()
        run(iterations, begin=begin, end=end)
        self.pace = max(self.clock.elapsed() - begun, np.finfo(float).tiny) / iterations
        self.iterations += iterations
