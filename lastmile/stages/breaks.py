"""Which rests a vehicle takes within its shift, each in a window of its own, one after another."""

import math
from collections.abc import Iterable, Sequence

from lastmile.scenario import VehicleType
from lastmile.solvers.problem import Break
from lastmile.units import DAY_S, parse_hours

_Rest = tuple[int, int, int]  # start and end of its window, and how long it lasts, in seconds


def breaks_in_shift(vehicle: VehicleType) -> tuple[Break, ...]:
    """Rests that fall due, in the order in which they are taken.

    A rest is due where its window leaves room for it within the shift; who is off duty then rests anyway. Of the days
    on which its window recurs, it is taken on the one that leaves most room. Windows that overlap are cut: every rest
    keeps room for itself.

    Raises
    ------
    ValueError
        When the rests find no room one after another, even of a vehicle that does nothing else.
    """
    due = []
    start, end = parse_hours(vehicle.shift)
    for rest in vehicle.breaks:
        opens, closes = parse_hours(rest.window)
        days = (-DAY_S, 0, DAY_S)
        left, right = max(
            ((max(opens + day, start), min(closes + day, end)) for day in days), key=lambda span: span[1] - span[0]
        )
        if right - left >= rest.minutes * 60:
            due.append((left, right, math.ceil(rest.minutes * 60)))
    sequence = _one_after_another(sorted(due, key=lambda rest: (rest[1], rest[0])), -1)
    if sequence is None:
        raise ValueError(f"the breaks of {vehicle.id} find no room one after another within its shift {vehicle.shift}")
    return _apart(sequence)


def rests_with_batteries(vehicles: Iterable[VehicleType]) -> list[VehicleType]:
    """Electric types with breaks: the search does not plan with these where any vehicle charges on its way."""
    return [vehicle for vehicle in vehicles if vehicle.battery is not None and breaks_in_shift(vehicle)]


def _one_after_another(left: Sequence[_Rest], now: int) -> list[_Rest] | None:
    """A sequence in which each rest, taken as early as it can be, ends within its window."""
    if any(max(now, opens) + lasts > closes for opens, closes, lasts in left):
        return None
    for k, rest in enumerate(left):
        later = _one_after_another([*left[:k], *left[k + 1 :]], max(now, rest[0]) + rest[2])
        if later is not None:
            return [rest, *later]
    return None if left else []


def _apart(sequence: Sequence[_Rest]) -> tuple[Break, ...]:
    """Cut windows that overlap, in the middle of what leaves room on both sides."""
    begin_by: list[int] = []  # the latest begin of each rest that leaves time for those behind it
    for _, closes, lasts in reversed(sequence):
        begin_by.insert(0, min([closes, *begin_by[:1]]) - lasts)
    found: list[Break] = []
    for k, (opens, closes, lasts) in enumerate(sequence):
        start = max(opens, found[-1].window_s[1]) if found else opens
        end = closes
        if k + 1 < len(sequence) and sequence[k + 1][0] < closes:
            end = (max(start + lasts, sequence[k + 1][0]) + min(closes, begin_by[k + 1])) // 2
        found.append(Break(window_s=(start, end), duration_s=lasts))
    return tuple(found)
