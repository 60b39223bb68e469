"""Travel between places at any second of the day: tables of the day's periods, joined so that nobody overtakes time."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lastmile import _core
from lastmile.geo.access import Period

UNREACHABLE: Final[int] = _core.UNREACHABLE
#: What :meth:`Travel.latest_departure` returns where no departure is early enough.
TOO_LATE: Final = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrices:
    """Fastest paths between all pairs of n points, row = origin.

    ``duration_s``: int32, rounded up, ``UNREACHABLE`` where there is no permitted path; ``distance_m`` and
    ``energy_wh``: float32 along that path, energy of the empty vehicle and 0 where it burns fuel; ``energy_wh_per_kg``:
    float32, what every kilogram aboard adds. Energies are below 0 where a descent gives back more than the way takes.
    """

    duration_s: NDArray[np.int32]
    distance_m: NDArray[np.float32]
    energy_wh: NDArray[np.float32]
    energy_wh_per_kg: NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Travel:
    """Fastest paths between all pairs of n points in every period of the day, and how they follow on each other.

    Parameters
    ----------
    periods
        Consecutive, without gaps.
    tables
        One per period. Periods in which everything takes the same time share one object.
    stays_open
        For the change from period k to k + 1: bool, shape (n, n), whether a fastest path of period k (the shortest of
        them) is permitted in k + 1 as well; None where nothing closes, so that every path stays open.
    through
        For the change from period k to k + 1: int32, shape (n, n), seconds along the fastest path that is permitted in
        both, at the slower pace of both; None where nothing closes, so that it is not needed. Where no road opens and
        the pace stays, it is the duration of k + 1 itself: the same object.

    Notes
    -----
    All times are whole seconds; what takes a part of one is rounded up, so that nothing is promised that the roads do
    not give. Nothing is known of what comes after the last period: no trip ends there.
    """

    periods: tuple[Period, ...]
    tables: tuple[Matrices, ...]
    stays_open: tuple[NDArray[np.bool_] | None, ...]
    through: tuple[NDArray[np.int32] | None, ...]

    def __post_init__(self) -> None:
        count = len(self.periods)
        if not count:
            raise ValueError("travel: at least one period is needed")
        if any(a.end_s != b.start_s for a, b in zip(self.periods[:-1], self.periods[1:], strict=True)):
            raise ValueError("travel: periods must follow on each other without gaps")
        if (len(self.tables), len(self.stays_open), len(self.through)) != (count, count - 1, count - 1):
            raise ValueError("travel: one table per period and one answer per change of period are needed")

    def arrival(self, origin: ArrayLike, target: ArrayLike, depart_s: ArrayLike) -> NDArray[np.int32]:
        """Earliest arrival at ``target`` of who is at ``origin``, ready to leave, at ``depart_s``.

        In period k the way takes the table's time T(k). Who is under way when the period ends goes on at the pace of
        the next: of the share that is left, T(k + 1) [1]_; but only where the path stays open. On a path that is about
        to close no trip is begun: the best of waiting for a later period and of a path that is open before and after
        the change is taken. Arrivals of later departures are never earlier (FIFO).

        A trip that lasts longer than the whole period after its own passes a second change only where nothing closes
        at it or the path is known to be the one that stays open: the table of a later period may be another path's.

        Parameters
        ----------
        origin, target, depart_s
            Integers that broadcast to one shape: points, and seconds within the periods.

        Returns
        -------
        int32 of that shape, ``UNREACHABLE`` where no trip ends within the periods.

        Raises
        ------
        ValueError
            When a departure is outside the periods.

        References
        ----------
        .. [1] Ichoua, Gendreau, Potvin (2003). Vehicle dispatching with time-dependent travel times.
           doi:10.1016/S0377-2217(02)00147-9
        """
        i, j, ready = _together(origin, target, depart_s)
        first, end = self.periods[0].start_s, self.periods[-1].end_s
        if ((ready < first) | (ready >= end)).any():
            raise ValueError(f"departures must be from {first} to {end - 1} s, the span of the periods")
        return self._arrivals(i.ravel(), j.ravel(), ready.ravel()).reshape(i.shape).astype(np.int32)

    def latest_departure(self, origin: ArrayLike, target: ArrayLike, arrive_s: ArrayLike) -> NDArray[np.int32]:
        """Latest moment to be ready at ``origin`` that :meth:`arrival` brings to ``target`` by ``arrive_s``.

        Returns
        -------
        int32, ``TOO_LATE`` where even who is ready at the start of the periods arrives later.
        """
        given = _together(origin, target, arrive_s)
        i, j, due = (values.ravel() for values in given)
        due = np.minimum(due, UNREACHABLE - 1)
        first, last = self.periods[0].start_s, self.periods[-1].end_s
        # Arrivals do not decrease: halve the span between a departure that is early enough and one that is too late.
        early = np.full(len(due), first - 1, dtype=np.int64)
        late = np.clip(due + 1, first, last)
        while (open_ := np.flatnonzero(late - early > 1)).size:
            middle = (early[open_] + late[open_]) // 2
            good = self._arrivals(i[open_], j[open_], middle) <= due[open_]
            early[open_[good]] = middle[good]
            late[open_[~good]] = middle[~good]
        return np.where(early < first, TOO_LATE, early).reshape(given[0].shape).astype(np.int32)

    def _arrivals(self, i: NDArray[np.int64], j: NDArray[np.int64], ready: NDArray[np.int64]) -> NDArray[np.int64]:
        """The best of leaving at once and of waiting for the start of each later period; all of one dimension."""
        best = np.full(len(ready), UNREACHABLE, dtype=np.int64)
        for k, period in enumerate(self.periods):
            leave = np.maximum(ready, period.start_s)
            rows = np.flatnonzero((ready < period.end_s) & (leave < best))
            if not rows.size:
                continue
            trips = (i[rows], j[rows], leave[rows])
            found = self._under_way(k, self.tables[k].duration_s, *trips)
            both = self.through[k] if k < len(self.through) else None
            if both is not None:
                np.minimum(found, self._under_way(k, both, *trips, changes=1), out=found)
            best[rows] = np.minimum(best[rows], found)
        return best

    def _under_way(
        self,
        k: int,
        table: NDArray[np.int32],
        i: NDArray[np.int64],
        j: NDArray[np.int64],
        leave: NDArray[np.int64],
        *,
        changes: int = 0,
    ) -> NDArray[np.int64]:
        """Arrivals of trips that begin in period k on a table's paths, which hold for ``changes`` more periods."""
        found = np.full(len(leave), UNREACHABLE, dtype=np.int64)
        whole = table[i, j].astype(np.int64)  # of the way at the pace of the period in hand
        left = whole  # of it
        trips = np.flatnonzero(whole < UNREACHABLE)
        i, j, now, whole, left = i[trips], j[trips], leave[trips], whole[trips], left[trips]
        for p in range(k, len(self.periods)):
            end = self.periods[p].end_s
            there = now + left <= end
            found[trips[there]] = (now + left)[there]
            going = ~there
            if p + 1 == len(self.periods):
                break
            if p >= k + changes:
                open_, pace = self.stays_open[p], self.tables[p + 1].duration_s
                if open_ is not None:
                    going &= open_[i, j] & (table is self.tables[p].duration_s)
            else:
                pace = table
            trips, i, j, now, whole, left = (values[going] for values in (trips, i, j, now, whole, left))
            if not trips.size:
                break
            following = pace[i, j].astype(np.int64)
            left = -(-(left - (end - now)) * following // whole)  # rounded up
            now, whole = np.full(len(trips), end, dtype=np.int64), following
        return found


def _together(
    origin: ArrayLike, target: ArrayLike, moment: ArrayLike
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    i, j, second = np.broadcast_arrays(*(np.asarray(values, dtype=np.int64) for values in (origin, target, moment)))
    return i, j, second
