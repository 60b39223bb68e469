"""Units at the border: what users write (hours, kilometres, yuan) and what the program computes with.

Inside: seconds after the day's midnight, metres, grams, cubic centimetres, parcels, watt-hours and fen (1/100 yuan).
"""

import re

DAY_S = 86_400
HOURS_PATTERN = r"^\d{1,2}:\d{2}-\d{1,2}:\d{2}$"


def clock(seconds: float) -> str:
    """Write seconds after midnight as ``HH:MM``; times past midnight carry the day (``01:30+1``)."""
    total = round(seconds / 60)
    day, minutes = divmod(total, 1440)
    suffix = f"+{day}" if day else ""
    return f"{minutes // 60:02d}:{minutes % 60:02d}{suffix}"


def parse_clock(text: str) -> int:
    """Read ``HH:MM`` (00:00 to 24:00) as seconds after midnight.

    Raises
    ------
    ValueError
        When the text is no time of day.
    """
    match = re.fullmatch(r"(\d{1,2}):(\d{2})", text.strip())
    if match is None:
        raise ValueError(f"{text!r} is no time of day; write HH:MM, for example 07:30")
    hours, minutes = int(match[1]), int(match[2])
    if minutes > 59 or hours * 60 + minutes > 1440:
        raise ValueError(f"{text!r} is no time of day; hours run from 00:00 to 24:00")
    return (hours * 60 + minutes) * 60


def parse_hours(text: str) -> tuple[int, int]:
    """Read ``HH:MM-HH:MM`` as (start, end) in seconds; hours across midnight end after 86,400.

    Raises
    ------
    ValueError
        When the text is no span of hours or the span is empty.
    """
    start_text, dash, end_text = text.partition("-")
    if not dash:
        raise ValueError(f"{text!r} is no span of hours; write HH:MM-HH:MM, for example 07:00-09:00")
    start, end = parse_clock(start_text), parse_clock(end_text)
    if start == end:
        raise ValueError(f"{text!r} is an empty span; for the whole day write 00:00-24:00")
    return (start, end) if end > start else (start, end + DAY_S)


def fen(yuan: float) -> int:
    """Convert yuan to fen, rounded to the nearest."""
    return round(yuan * 100)
