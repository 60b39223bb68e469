"""When one trip leaves, serves, rests and returns: the schedule that the core is held against.

Once it is fixed between which stops each break lies, a trip is a chain of moments (departure, begin of each service and
of each break, return). Every rule about them is of one of two forms: a moment lies in a union of intervals, or one
moment is at least so much after another (time aboard: the departure is at least the begin of service less the limit).
Of two schedules that obey such rules, the earlier of each moment, taken one by one, obeys them too, and so does the
later of each. So there is a schedule in which everything is earliest: it is found by pushing moments up until nothing
moves (a simple temporal problem; Dechter, Meiri & Pearl 1991, doi:10.1016/0004-3702(91)90006-6). With the return held
there, pushing moments down from above finds the schedule in which the departure is latest. Several windows change
nothing in this; only where the breaks lie has to be tried.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import Literal

from lastmile.solvers.problem import TIME_MAX

_NEVER = 8 * TIME_MAX  # later than all that is of interest
_Intervals = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """A break: it begins within two moments, and lasts so long."""

    begin_s: tuple[int, int]
    lasts_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """Visit ``to`` begins at most so much after the end of service at ``since``; -1 is the departure."""

    since: int
    to: int
    seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Trip:
    """What is known of a trip before it has times.

    Parameters
    ----------
    ready_s
        Earliest departure.
    drive_s
        To each visit, then to the depot; where that last one is missing, the trip ends with its last service.
    service_s, windows
        Of each visit.
    limits
        Of times aboard.
    rests
        Breaks on the way, in the order in which they are taken.
    """

    ready_s: int
    drive_s: tuple[int, ...]
    service_s: tuple[int, ...]
    windows: tuple[_Intervals, ...]
    limits: tuple[Limit, ...] = ()
    rests: tuple[Rest, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """The schedule of a trip: (arrival, begin) of each visit, begins of the breaks."""

    depart_s: int
    return_s: int
    visits: tuple[tuple[int, int], ...]
    rests: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Late:
    """The first rule that cannot be obeyed, and by how many seconds its limit is too small.

    ``index`` is a visit or an entry of ``limits``. Of breaks nothing is told: they could lie elsewhere in the day.
    """

    rule: Literal["window", "on board", "break"]
    index: int = 0
    amount: int = 0


def schedule(trip: Trip) -> Times | Late:
    """Of all schedules, those that return earliest; of these, the one that leaves latest.

    If several do, the one that begins all else earliest.
    """
    soonest = _soonest(trip)
    if isinstance(soonest, Late):
        return soonest
    return _best(trip, soonest) or _first_late(trip, soonest)


def _first_late(trip: Trip, soonest: list[int]) -> Late:
    """Add the rules one at a time: the first that cannot be obeyed with those before it is the one named."""
    for k, limit in enumerate(trip.limits):

        def allowing(extra: int, k: int = k, limit: Limit = limit) -> bool:
            longer = replace(limit, seconds=limit.seconds + extra)
            return _best(replace(trip, limits=(*trip.limits[:k], longer), rests=()), soonest) is not None

        if not allowing(0):
            return Late(rule="on board", index=k, amount=least(allowing))
    return Late(rule="break")


def _soonest(trip: Trip) -> list[int] | Late:
    """Arrival at each visit and end of its service where nothing but windows delays it: to drive on at once is best."""
    now, moments = trip.ready_s, []
    for visit, windows in enumerate(trip.windows):
        now += trip.drive_s[visit]
        begin = _up(windows, now)
        if begin is None:
            return Late(rule="window", index=visit, amount=now - windows[-1][1])
        moments += [now, begin + trip.service_s[visit]]
        now = moments[-1]
    return moments


def least(possible: Callable[[int], bool]) -> int:
    """The smallest extension that helps; one of the whole horizon does."""
    low, high = 0, 4 * TIME_MAX
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if possible(middle) else (middle, high)
    return high


@dataclass(frozen=True, slots=True, kw_only=True)
class _Moment:
    """One link of the chain: it begins within ``allowed``, at least ``drive`` after the end of the one before."""

    kind: Literal["rest", "leave", "visit", "return"]
    index: int = 0
    allowed: _Intervals
    lasts: int = 0
    drive: int = 0


def _best(trip: Trip, soonest: list[int]) -> Times | None:
    """Try every place of every break, but for those that are reached too late for it even without other breaks."""
    visits = len(trip.service_s)
    # Gap 2i+1 is after the arrival at visit i, before its service; 2i+2 after its service, before the next drive.
    over = 2 * visits + (len(trip.drive_s) - visits)
    found: list[tuple[tuple[int, ...], Times]] = []
    places = [[gap for gap in range(1, over) if soonest[gap - 1] <= rest.begin_s[1]] for rest in trip.rests]
    for gaps in product(*places):
        times = _with_breaks_in(trip, gaps, over) if list(gaps) == sorted(gaps) else None
        if times is not None:
            begins = (*(begin for _, begin in times.visits), *times.rests)
            found.append(((times.return_s, -times.depart_s, *begins), times))
    return min(found, key=lambda pair: pair[0])[1] if found else None


def _chain(trip: Trip, gaps: tuple[int, ...], over: int) -> Iterator[_Moment]:
    def rests(gap: int, drive: int = 0) -> Iterator[_Moment]:
        for k, rest in enumerate(trip.rests):
            if gaps[k] == gap:
                yield _Moment(kind="rest", index=k, allowed=(rest.begin_s,), lasts=rest.lasts_s, drive=drive)
                drive = 0

    yield _Moment(kind="leave", allowed=((trip.ready_s, _NEVER),))
    for i, windows in enumerate(trip.windows):
        drive = trip.drive_s[i]
        for moment in rests(2 * i + 1, drive):
            yield moment
            drive = 0
        yield _Moment(kind="visit", index=i, allowed=windows, lasts=trip.service_s[i], drive=drive)
        if 2 * i + 2 < over:
            yield from rests(2 * i + 2)
    yield _Moment(kind="return", allowed=((0, _NEVER),), drive=sum(trip.drive_s[len(trip.windows) :]))


def _with_breaks_in(trip: Trip, gaps: tuple[int, ...], over: int) -> Times | None:
    chain = list(_chain(trip, gaps, over))
    place = {moment.index: row for row, moment in enumerate(chain) if moment.kind == "visit"}
    place[-1] = leave = next(row for row, moment in enumerate(chain) if moment.kind == "leave")
    limits = [(place[limit.since], place[limit.to], limit.seconds) for limit in trip.limits]

    earliest = _pushed_up(chain, limits, [0] * len(chain))
    if earliest is None:
        return None
    latest = _pushed_down(chain, limits, [_NEVER] * (len(chain) - 1) + [earliest[-1]])
    lowest = [0] * len(chain)
    lowest[leave] = latest[leave]
    times = _pushed_up(chain, limits, lowest)
    if times is None:
        raise AssertionError("the latest departure has a schedule")
    visits = []
    arrive = 0
    for row, moment in enumerate(chain):
        if row > leave and (moment.drive > 0 or chain[row - 1].kind in {"leave", "visit"}):
            arrive = times[row - 1] + chain[row - 1].lasts + moment.drive
        if moment.kind == "visit":
            visits.append((arrive, times[row]))
    return Times(
        depart_s=times[leave],
        return_s=times[-1],
        visits=tuple(visits),
        rests=tuple(begin for begin, moment in zip(times, chain, strict=True) if moment.kind == "rest"),
    )


def _rounds(chain: list[_Moment]) -> int:
    """As many rounds of pushing as can be of use.

    While every moment stays in the interval it is in, rules of the form "so much after" settle within as many rounds
    as there are moments, or never (Bellman 1958); each interval is left at most once.
    """
    return (len(chain) + 1) * (1 + sum(len(moment.allowed) for moment in chain))


def _pushed_up(chain: list[_Moment], limits: list[tuple[int, int, int]], lowest: list[int]) -> list[int] | None:
    """The earliest begin of every moment, none before ``lowest``; None where some rule cannot be obeyed."""
    times = list(lowest)
    for _ in range(_rounds(chain)):
        before = list(times)
        for row, moment in enumerate(chain):
            if row > 0:
                times[row] = max(times[row], times[row - 1] + chain[row - 1].lasts + moment.drive)
            begin = _up(moment.allowed, times[row])
            if begin is None:
                return None
            times[row] = begin
        for since, to, seconds in limits:
            times[since] = max(times[since], times[to] - seconds - chain[since].lasts)
        if times == before:
            return times
    return None


def _pushed_down(chain: list[_Moment], limits: list[tuple[int, int, int]], highest: list[int]) -> list[int]:
    """The latest begin of every moment, none after ``highest``; there is a schedule, so this ends."""
    times = list(highest)
    while True:
        before = list(times)
        for row in range(len(chain) - 1, -1, -1):
            moment = chain[row]
            if row + 1 < len(chain):
                times[row] = min(times[row], times[row + 1] - moment.lasts - chain[row + 1].drive)
            begin = _down(moment.allowed, times[row])
            if begin is None:
                raise AssertionError("a schedule that exists lies below")
            times[row] = begin
        for since, to, seconds in limits:
            times[to] = min(times[to], times[since] + chain[since].lasts + seconds)
        if times == before:
            return times


def _up(allowed: _Intervals, moment: int) -> int | None:
    """The first allowed moment that is not earlier."""
    return next((max(moment, start) for start, end in allowed if max(moment, start) <= end), None)


def _down(allowed: _Intervals, moment: int) -> int | None:
    """The last allowed moment that is not later."""
    return next((min(moment, end) for start, end in reversed(allowed) if min(moment, end) >= start), None)
