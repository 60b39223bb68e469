"""When a fix was recorded: seconds after the planned day's midnight, from what receivers write."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lastmile.tables.cells import shown
from lastmile.units import DAY_S

#: Moments further from the planned day than this are a fault: a receiver without a satellite writes 1980 or 2000.
DAYS_MAX: Final = 366
_NUMBER: Final = r"\d{1,7}(?:\.\d+)?"
_CLOCK: Final = r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2}(?:[.,]\d+)?))?"
_DATE: Final = r"(?P<year>\d{4})[-/.年](?P<month>\d{1,2})[-/.月](?P<day>\d{1,2})日?[ T]+"
_ZONE: Final = r"(?P<zone>Z|[+-]\d{2}(?::?\d{2})?)"
_PATTERN: Final = re.compile(rf"(?P<number>{_NUMBER})|(?:{_DATE})?{_CLOCK} ?{_ZONE}?")
_REMEDY: Final = "write 2024-03-05T08:30:00, or 08:30:00 or seconds after midnight of the planned day"


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """Read times, n of them.

    Parameters
    ----------
    second
        float64 after the planned day's midnight, NaN where the text is no time.
    dated
        bool, whether the text states its date.
    complaints
        (index, cause, remedy) of every text that is no time.
    """

    second: NDArray[np.float64]
    dated: NDArray[np.bool_]
    complaints: tuple[tuple[int, str, str], ...]


def read_moments(texts: Sequence[str], day: date, *, utc_offset_s: int | None) -> Moments:
    """Read times.

    Parameters
    ----------
    texts
        Local date and time by ISO 8601 (``2024-03-05T08:30:00``, also with ``/`` or 年月日), with an offset from UTC or
        without; ``HH:MM:SS`` of the planned day, to 48:00; or seconds after its midnight, to 172,800.
    day
        The planned day.
    utc_offset_s
        Offset of local time from UTC, for texts that state theirs. Where None, such texts must all state one offset
        that is not zero, and are taken as they are written: UTC is nobody's clock in most places.
    """
    codes, distinct = pd.factorize(np.array([text.strip() for text in texts], dtype=object))
    parts = [_PATTERN.fullmatch(str(text)) for text in distinct]
    seconds = np.full(len(distinct), np.nan)
    dated = np.zeros(len(distinct), dtype=bool)
    faults: dict[int, tuple[str, str]] = {}
    zones = {part["zone"] for part in parts if part is not None and part["zone"]}
    for i, (text, part) in enumerate(zip(distinct, parts, strict=True)):
        if part is None:
            faults[i] = (f"{shown(text)} is no time", _REMEDY)
            continue
        second, wrong = _second(part, day)
        dated[i] = part["year"] is not None
        zone = part["zone"]
        if not wrong and zone:
            if utc_offset_s is not None:
                second += utc_offset_s - _offset_s(zone)
            elif _offset_s(zone) == 0:
                wrong = "it is a time of UTC"
                faults[i] = (f"{shown(text)}: {wrong}", "say how local time differs from it: --utc-offset +08:00")
                continue
            elif len(zones) > 1:
                wrong = f"times with different offsets from UTC ({', '.join(sorted(zones))})"
                faults[i] = (f"{shown(text)}: {wrong}", "say which is local time: --utc-offset +08:00")
                continue
        if wrong:
            faults[i] = (f"{shown(text)} is no time: {wrong}", _REMEDY)
        elif abs(second) > DAYS_MAX * DAY_S:
            faults[i] = (
                f"{shown(text)} lies {abs(second) / DAY_S:,.0f} days from the planned day {day.isoformat()}",
                "remove what a receiver wrote before it knew the time, or set the scenario's day",
            )
        else:
            seconds[i] = second
    complaints = (
        [(int(k), *faults[int(codes[k])]) for k in np.flatnonzero(np.isin(codes, list(faults)))] if faults else []
    )
    return Moments(second=seconds[codes], dated=dated[codes], complaints=tuple(complaints))


def _second(part: re.Match[str], day: date) -> tuple[float, str]:
    """Seconds after the planned day's midnight, and what is wrong with them."""
    if part["number"] is not None:
        second = float(part["number"])
        return second, "" if second <= 2 * DAY_S else f"more than {2 * DAY_S:,} seconds after midnight"
    hours, minutes = int(part["hour"]), int(part["minute"])
    seconds = float((part["second"] or "0").replace(",", "."))
    total = hours * 3600 + minutes * 60 + seconds
    most = 24 if part["year"] is not None else 48
    if minutes > 59 or seconds >= 61 or total > most * 3600:
        return 0.0, f"hours run from 00:00 to {most}:00"
    if part["year"] is None:
        return total, ""
    try:
        stated = date(int(part["year"]), int(part["month"]), int(part["day"]))
    except ValueError:
        return 0.0, "there is no such day"
    return total + (stated - day).days * DAY_S, ""


def _offset_s(zone: str) -> int:
    """Seconds by which a clock with this offset is ahead of UTC."""
    if zone == "Z":
        return 0
    digits = zone[1:].replace(":", "").ljust(4, "0")
    return (-1 if zone[0] == "-" else 1) * (int(digits[:2]) * 3600 + int(digits[2:]) * 60)


def parse_utc_offset(text: str) -> int:
    """Read an offset from UTC such as ``+08:00``, ``8`` or ``-3`` as seconds.

    Raises
    ------
    ValueError
        When the text is none, or more than 14 hours.
    """
    match = re.fullmatch(r"([+-]?)(\d{1,2})(?::?(\d{2}))?", text.strip())
    seconds = (int(match[2]) * 60 + int(match[3] or 0)) * 60 if match else 0
    if match is None or int(match[3] or 0) > 59 or seconds > 14 * 3600:
        raise ValueError(f"{text!r} is no offset from UTC; write for example +08:00")
    return -seconds if match[1] == "-" else seconds
