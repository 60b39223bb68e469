"""Which header of a file names which column."""

import difflib
import re
from collections import Counter
from collections.abc import Sequence

from lastmile.errors import Fault
from lastmile.tables.cells import Column, fold

_UNIT = re.compile(r"\s*[(\[{【〔]([^()\[\]{}]*)[)\]}】〕]\s*$")
_QUOTES = "\"'“”‘’「」`"
_UNITS = {
    **{"克": "g", "千克": "kg", "公斤": "kg", "吨": "t", "米": "m", "公里": "km", "千米": "km", "厘米": "cm"},
    **{
        "秒": "s",
        "分钟": "min",
        "分": "min",
        "小时": "h",
        "元": "yuan",
        "万元": "10000 yuan",
        "度": "kwh",
        "千瓦时": "kwh",
    },
    **{name: name for name in ("g", "kg", "t", "mm", "cm", "m", "km", "s", "min", "h", "wh", "kwh", "fen", "yuan")},
    **{name: name for name in ("cm3", "m3", "l", "m2", "km2", "km/h", "m/s", "kw", "w", "percent")},
    **{"立方厘米": "cm3", "立方米": "m3", "升": "l", "平方米": "m2", "平方公里": "km2", "%": "percent", "cny": "yuan"},
}


def bare(header: str) -> str:
    """Reduce a header to what is compared: no case, blanks, underscores, hyphens, quotes or trailing unit."""
    text = fold(header).strip(_QUOTES).strip()
    return re.sub(r"[\s_\-]", "", _UNIT.sub("", text) or text)


def spellings_of(column: Column) -> set[str]:
    """Name every spelling of a column's header, reduced by :func:`bare`."""
    return {bare(spelling) for spelling in (column.name, *column.aliases)}


def match_headers(
    headers: Sequence[str], columns: Sequence[Column], *, place: str
) -> tuple[dict[str, int], list[Fault], list[str]]:
    """Find each column among the headers of a file.

    Parameters
    ----------
    place
        Where the headers stand, for messages.

    Returns
    -------
    dict
        Canonical name to index among the headers; a column that is not there is left out.
    list of Fault
        Duplicated headers, required columns that are missing, units that contradict.
    list of str
        Warnings: headers that look misspelt, columns named twice.
    """
    faults: list[Fault] = []
    warnings: list[str] = []
    plain = [bare(header) for header in headers]
    matched: dict[str, int] = {}
    for header, count in Counter(name for name in plain if name).items():
        if count > 1:
            spelt = [headers[i] for i, name in enumerate(plain) if name == header]
            cause = f"the header {spelt[0]!r} occurs {count} times" + (
                f" ({', '.join(spelt)})" if len({*spelt}) > 1 else ""
            )
            faults.append(Fault(place=place, cause=cause, remedy="rename or remove all but one of them"))
    for column in columns:
        found = [index for index, name in enumerate(plain) if name in spellings_of(column)]
        exact = [index for index in found if plain[index] == bare(column.name)]
        if len({plain[index] for index in found}) > 1:
            both = " and ".join(repr(headers[index]) for index in found)
            if exact:
                warnings.append(
                    f"{place}: of {both}, all names of column {column.name!r}, {headers[exact[0]]!r} is read"
                )
            else:
                cause = f"the headers {both} all name the column {column.name!r}"
                faults.append(Fault(place=place, cause=cause, remedy="rename or remove all but one of them"))
        if found:
            matched[column.name] = (exact or found)[0]
            faults += _check_unit(headers[matched[column.name]], column, place)
    free = [header for i, header in enumerate(headers) if header and i not in matched.values()]
    for column in columns:
        if column.name not in matched:
            nearest = _nearest_header(column, free)
            if column.required:
                faults.append(_missing_column(column, nearest, free, place))
            elif nearest:
                warnings.append(f"{place}: the header {nearest!r} is not known; did you mean {column.name!r}?")
    return matched, faults, warnings


def _check_unit(header: str, column: Column, place: str) -> list[Fault]:
    stated = _UNIT.search(fold(header).strip(_QUOTES))
    if not stated or not column.unit:
        return []
    found, expected = _UNITS.get(stated[1].strip()), _UNITS.get(fold(column.unit))
    if found is None or expected is None or found == expected:
        return []
    cause = f"the header says {stated[1].strip()}, the column {column.name!r} is read in {column.unit}"
    remedy = f"convert the values to {column.unit} and name the column {column.name!r}"
    return [Fault(place=f"{place}, column {header!r}", cause=cause, remedy=remedy)]


def _nearest_header(column: Column, headers: Sequence[str]) -> str:
    best, merit = "", 0.6
    for header in headers:
        for spelling in spellings_of(column):
            ratio = difflib.SequenceMatcher(None, bare(header), spelling).ratio()
            if ratio > merit:
                best, merit = header, ratio
    return best


def _missing_column(column: Column, nearest: str, free: Sequence[str], place: str) -> Fault:
    accepted = ", ".join((column.name, *column.aliases))
    if nearest:
        remedy = f"rename {nearest!r}, the nearest header found, to {column.name!r}, or add the column"
    else:
        found = f"; unknown headers found: {', '.join(free[:10])}" if free else ""
        remedy = f"add the column{found}"
    return Fault(
        place=place, cause=f"the column {column.name!r} is missing (accepted headers: {accepted})", remedy=remedy
    )
