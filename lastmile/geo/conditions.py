"""Rules of the map that hold only at some hours or for some vehicles: ``access:conditional=no @ (Mo-Fr 07:00-09:00)``.

The grammar is that of https://wiki.openstreetmap.org/wiki/Conditional_restrictions: values with their conditions,
separated by semicolons; conditions joined by AND are hours (the opening_hours grammar), sizes of the vehicle, or the
purpose of the trip. Where several match, the last one decides.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from itertools import product
from typing import TYPE_CHECKING, Final, Protocol

from lastmile.geo.tags import ALL_MODES, MODE_BIT, Mode, RoadTags, parse_metres, parse_tonnes, read_road

if TYPE_CHECKING:
    from opening_hours import OpeningHours

SUFFIX: Final = ":conditional"
# Keys whose conditional form is understood; maxspeed is not among them, as speeds come by class and hour.
BASE_KEYS: Final = frozenset(
    {"access", "vehicle", "motor_vehicle", "goods", "hgv", "bicycle", "foot", "oneway", "maxweight", "maxweightrating",
     "maxheight", "maxwidth"}
)  # fmt: skip
# Delivering is what these purposes are for; the others are not ours.
_OURS: Final = frozenset({"delivery", "destination", "customers", "loading", "unloading", "loading_unloading"})
_NOT_OURS: Final = frozenset(
    {"residents", "resident", "permit", "permit_holder", "private", "disabled", "emergency", "psv", "bus", "taxi",
     "agricultural", "forestry", "military", "tourist_bus", "coach", "hov", "carpool", "motorcycle", "moped", "trailer"}
)  # fmt: skip
_SIZE: Final = re.compile(r"(weight|weightrating|maxweight|height|length|width)\s*(<=|>=|<|>|=)\s*([\d.,'\" a-z]+)")
_WEEKDAYS: Final = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
_MOST_STATES: Final = 64  # combinations of conditional values that are looked at when asking what may ever be open


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A local time, and whether its day is a public holiday (``PH``)."""

    time: datetime
    holiday: bool = False


class Sized(Protocol):
    """What a size condition asks of a vehicle; None where the scenario does not state it."""

    @property
    def gross_weight_t(self) -> float | None: ...  # noqa: D102
    @property
    def height_m(self) -> float | None: ...  # noqa: D102
    @property
    def length_m(self) -> float | None: ...  # noqa: D102
    @property
    def width_m(self) -> float | None: ...  # noqa: D102


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """One value and everything that must hold for it: hours, sizes (what, operator, limit), and purposes."""

    value: str
    hours: tuple[str, ...] = ()
    sizes: tuple[tuple[str, str, float], ...] = ()
    ours: bool = True

    def holds(self, moment: Moment, vehicle: Sized | None) -> bool:
        """Tell whether the value is in force; a size that is not stated exceeds no limit and undercuts none."""
        if not self.ours:
            return False
        if any(not _compare(_size(vehicle, what), operator, limit) for what, operator, limit in self.sizes):
            return False
        return all(_on_day(text, moment).is_open(moment.time) for text in self.hours)


@cache
def opening_hours(text: str) -> "OpeningHours":
    """An hours expression, ready to be asked; raises ``opening_hours.ParserError`` where it is none."""
    from opening_hours import OpeningHours

    return OpeningHours(text, auto_country=False, auto_timezone=False)


def _on_day(text: str, moment: Moment) -> "OpeningHours":
    """Hours as they hold on the moment's day: on a public holiday its weekday takes the place of ``PH``."""
    if moment.holiday and "PH" in text:
        text = re.sub(r"\bPH\b", _WEEKDAYS[moment.time.weekday()], text)
    return opening_hours(text)


def _size(vehicle: Sized | None, what: str) -> float | None:
    if vehicle is None:
        return None
    return {
        "height": vehicle.height_m,
        "length": vehicle.length_m,
        "width": vehicle.width_m,
    }.get(what, vehicle.gross_weight_t)


def _compare(size: float | None, operator: str, limit: float) -> bool:
    if size is None:
        return False
    return {
        "<": size < limit,
        "<=": size <= limit,
        ">": size > limit,
        ">=": size >= limit,
        "=": size == limit,
    }[operator]


def _outside_parentheses(text: str, separator: str) -> Iterator[str]:
    depth, start = 0, 0
    for at, char in enumerate(text):
        depth += (char == "(") - (char == ")")
        if char == separator and depth == 0:
            yield text[start:at]
            start = at + 1
    yield text[start:]


@cache
def parse_clauses(text: str) -> tuple[Clause, ...] | None:
    """Read a conditional value; None where any part of it is not understood, so that no half of a rule is applied."""
    clauses = []
    for part in _outside_parentheses(text, ";"):
        if not part.strip():
            continue
        value, at, condition = part.partition("@")
        condition = condition.strip()
        if condition.startswith("(") and condition.endswith(")"):
            condition = condition[1:-1]
        clause = _clause(value.strip(), condition) if at and value.strip() else None
        if clause is None:
            return None
        clauses.append(clause)
    return tuple(clauses) or None


def _clause(value: str, condition: str) -> Clause | None:
    from opening_hours import ParserError  # type: ignore[attr-defined]  # its stub leaves it out

    hours, sizes, ours = [], [], True
    for part in re.split(r"\s+AND\s+", condition.strip()):
        if (match := _SIZE.fullmatch(part.lower())) is not None:
            what, operator, number = match[1], match[2], match[3].strip()
            limit = parse_tonnes(number) if "weight" in what else parse_metres(number)
            if limit is None:
                return None
            sizes.append((what, operator, limit))
        elif part in _OURS:
            pass
        elif part in _NOT_OURS:
            ours = False
        else:
            try:
                opening_hours(part)
            except ParserError:
                return None
            hours.append(part)
    return Clause(value=value, hours=tuple(hours), sizes=tuple(sizes), ours=ours)


class Condition(Protocol):
    """Who may go along and against a segment, where that changes by the hour or with the vehicle."""

    def open_to(self, mode: Mode, moment: Moment, vehicle: Sized | None) -> tuple[bool, bool]:
        """(along, against) at this moment; what the mode may never do is not asked here."""

    def hours(self) -> Iterable[str]:
        """The hours expressions on which it depends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoadCondition:
    """A road with conditional tags: at any moment it is the road whose tags are those in force then."""

    tags: Mapping[str, str]
    _clauses: tuple[tuple[str, tuple[Clause, ...]], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        read = []
        for key, text in self.tags.items():
            if key.endswith(SUFFIX):
                clauses = parse_clauses(text)
                if clauses is None:
                    raise ValueError(f"{key}={text} is not understood")
                read.append((key.removesuffix(SUFFIX), clauses))
        object.__setattr__(self, "_clauses", tuple(read))

    def _plain(self) -> dict[str, str]:
        return {key: value for key, value in self.tags.items() if not key.endswith(SUFFIX)}

    def at(self, moment: Moment, vehicle: Sized | None) -> RoadTags | None:
        """The road as its tags have it at this moment, None where it is closed to everyone."""
        tags = self._plain()
        for key, clauses in self._clauses:
            in_force = [clause.value for clause in clauses if clause.holds(moment, vehicle)]
            if in_force:
                tags[key] = in_force[-1]
        return read_road(tags)

    def ever(self) -> tuple[int, int]:
        """Bits of the modes that may go along and against the road at some hour, in some vehicle."""
        choices = [[None, *dict.fromkeys(clause.value for clause in clauses)] for _, clauses in self._clauses]
        along = against = 0
        for number, state in enumerate(product(*choices)):
            if number >= _MOST_STATES:  # absurdly many rules on one road: the hours decide alone
                return ALL_MODES, ALL_MODES
            tags = self._plain()
            tags |= {key: value for (key, _), value in zip(self._clauses, state, strict=True) if value is not None}
            if (road := read_road(tags)) is not None:
                along |= road.forward
                against |= road.backward
        return along, against

    def open_to(self, mode: Mode, moment: Moment, vehicle: Sized | None) -> tuple[bool, bool]:
        """See :class:`Condition`; posted limits by the hour are part of it."""
        road = self.at(moment, vehicle)
        if road is None:
            return False, False
        if vehicle is not None and (
            (vehicle.gross_weight_t or 0.0) > road.max_weight_t
            or (vehicle.height_m or 0.0) > road.max_height_m
            or (vehicle.width_m or 0.0) > road.max_width_m
        ):
            return False, False
        bit = MODE_BIT[mode]
        return bool(road.forward & bit), bool(road.backward & bit)

    def hours(self) -> Iterable[str]:
        """See :class:`Condition`."""
        return (text for _, clauses in self._clauses for clause in clauses for text in clause.hours)


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnCondition:
    """A turn that is forbidden at some hours: pairs of bound modes and the conditional value that forbids it."""

    bans: tuple[tuple[int, str], ...]

    def __post_init__(self) -> None:
        for _, text in self.bans:
            if parse_clauses(text) is None:
                raise ValueError(f"{text} is not understood")

    def _clauses(self) -> Iterator[tuple[int, Clause]]:
        for modes, text in self.bans:
            for clause in parse_clauses(text) or ():
                yield modes, clause

    def open_to(self, mode: Mode, moment: Moment, vehicle: Sized | None) -> tuple[bool, bool]:
        """See :class:`Condition`; a turn has one direction."""
        banned = any(modes & MODE_BIT[mode] and clause.holds(moment, vehicle) for modes, clause in self._clauses())
        return not banned, False

    def hours(self) -> Iterable[str]:
        """See :class:`Condition`."""
        return (text for _, clause in self._clauses() for text in clause.hours)


def changes(conditions: Iterable[Condition], start: Moment, days: int) -> list[datetime]:
    """Moments within some days from ``start`` at which an hours expression of the conditions begins or ends to hold.

    Only the first day may be a public holiday.
    """
    found: set[datetime] = set()
    for text in dict.fromkeys(text for condition in conditions for text in condition.hours()):
        for day in range(days):
            begin = start.time + timedelta(days=day)
            hours = _on_day(text, Moment(time=begin, holiday=start.holiday and day == 0))
            for interval in hours.intervals(begin, begin + timedelta(days=1)):
                found.update(moment for moment in interval[:2] if moment is not None)
    end = start.time + timedelta(days=days)
    return sorted(moment for moment in found if start.time < moment < end)
