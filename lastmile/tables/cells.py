"""What one column of a table holds, and how its cells are read from text."""

import difflib
import math
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Kind = Literal["text", "number", "integer", "time", "flag", "choice", "list"]

_TRUE = {"yes", "y", "true", "1", "是"}
_FALSE = {"no", "n", "false", "0", "否"}
#: What a spreadsheet leaves in a cell whose formula failed.
FORMULA_ERRORS = {"#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NULL!", "#NUM!", "#SPILL!", "#CALC!"}
_DATE = r"\d{4}[-/.年]\d{1,2}[-/.月]\d{1,2}日?[ T]+"
_TIME = re.compile(rf"(?:{_DATE})?(\d{{1,2}}):(\d{{2}})(?::(\d{{2}})(?:\.\d+)?)?")
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_INTEGER = re.compile(r"[+-]?\d+")
_SEPARATORS = re.compile(r"[;,、|；，｜]")


class Complaint(NamedTuple):
    """A fault before its place is put into words."""

    position: int | None  # of the row among the rows read; None where it is the whole table's
    column: str | None  # canonical name
    cause: str
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a table.

    Parameters
    ----------
    name
        Canonical name, as in the frame that is read.
    kind
        ``text``; ``number``; ``integer``; ``time`` (HH:MM, HH:MM:SS or a date and time, read as seconds after
        midnight); ``flag`` (yes or no); ``choice`` (one of ``choices``); ``list`` (texts separated by ``;``, a comma,
        ``、`` or ``|``).
    required
        Whether the column must exist and no cell of it may be empty.
    default
        Value of an empty cell, as read (seconds for a time); None leaves it missing.
    minimum, maximum
        Inclusive bounds of a number, an integer or a time in seconds.
    choices
        Accepted spelling to canonical value; the canonical values themselves are always accepted. For ``choice``, and
        for the elements of a ``list`` where given.
    aliases
        Other accepted spellings of the header.
    unit
        Unit of the values. Where a header names another known unit in brackets, that is a fault.
    about
        One sentence for the documentation.

    Raises
    ------
    ValueError
        When the kind is unknown, a choice has no choices, or the bounds are reversed.
    """

    name: str
    kind: Kind
    required: bool = False
    default: object = field(default=None, hash=False)
    minimum: float | None = None
    maximum: float | None = None
    choices: Mapping[str, str] = field(default_factory=dict, hash=False)
    aliases: tuple[str, ...] = ()
    unit: str = ""
    about: str = ""

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise ValueError(f"column {self.name!r}: kind {self.kind!r} is none of {', '.join(get_args(Kind))}")
        if self.kind == "choice" and not self.choices:
            raise ValueError(f"column {self.name!r} is a choice without choices")
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise ValueError(f"column {self.name!r}: minimum {self.minimum} is above maximum {self.maximum}")


class UnreadableError(Exception):
    """A cell that its column's kind cannot read."""

    def __init__(self, cause: str, remedy: str) -> None:
        self.cause, self.remedy = cause, remedy
        super().__init__(cause)


def parse_cells(cells: Sequence[str], column: Column) -> tuple["pd.Series[Any]", list[Complaint]]:
    """Read the cells of one column.

    Parameters
    ----------
    cells
        Text, empty where the cell is empty.

    Returns
    -------
    Series
        One value per cell: ``text`` and ``choice`` as str, ``number`` as float64, ``integer`` and ``time`` as int64,
        ``flag`` as bool, ``list`` as tuples of str. Where cells are missing or unreadable the nullable Int64 and
        boolean stand in for int64 and bool; a missing list is the empty tuple.
    list of Complaint
        One per cell that cannot be read or is missing though required, in the order of the cells.
    """
    codes, texts = pd.factorize(np.array([cell.strip() for cell in cells], dtype=object))
    values: list[Any] = []
    failures: dict[int, UnreadableError] = {}
    missing = column.default if column.default is not None else () if column.kind == "list" else None
    parse = _PARSERS[column.kind]
    for code, text in enumerate(texts):
        try:
            if text in FORMULA_ERRORS:
                raise UnreadableError(
                    f"the formula failed: {text}", "mend the formula in the spreadsheet, or type the value"
                )
            if text:
                values.append(_bounded(parse(text, column), text, column))
            elif column.required:
                raise UnreadableError("the cell is empty", _what_to_write(column))
            else:
                values.append(missing)
        except UnreadableError as failure:
            failures[code] = failure
            values.append(() if column.kind == "list" else None)
    complaints: list[Complaint] = []
    if failures:
        for position in np.flatnonzero(np.isin(codes, list(failures))).tolist():
            why = failures[int(codes[position])]
            complaints.append(Complaint(position, column.name, why.cause, why.remedy))
    return _as_series(codes, values, column), complaints


def suggest(text: str, known: Sequence[str]) -> str:
    """Name the known word nearest to ``text``, or return an empty string where none is near."""
    folded = {fold(word): word for word in known}
    matches = difflib.get_close_matches(fold(text), list(folded), n=1, cutoff=0.6)
    return folded[matches[0]] if matches else ""


def fold(text: str) -> str:
    """Bring full-width characters, letter case and surrounding blanks to one form."""
    return unicodedata.normalize("NFKC", text).strip().casefold()


def shown(text: str) -> str:
    """Quote a value for a message, shortened where it is long."""
    return repr(text if len(text) <= 60 else text[:57] + "...")


def _as_series(codes: NDArray[np.intp], values: list[Any], column: Column) -> "pd.Series[Any]":
    distinct = np.empty(len(values), dtype=object)
    distinct[:] = values
    whole = all(value is not None for value in values)
    if column.kind == "list":
        return pd.Series(distinct[codes], dtype=object)
    if column.kind == "number":
        return pd.Series(distinct.astype(np.float64)[codes])
    if column.kind in ("integer", "time"):
        return pd.Series(pd.array(values, dtype="Int64").take(codes)).astype("int64" if whole else "Int64")
    if column.kind == "flag":
        return pd.Series(pd.array(values, dtype="boolean").take(codes)).astype("bool" if whole else "boolean")
    return pd.Series(distinct[codes], dtype="str")


def _bounded(value: Any, text: str, column: Column) -> Any:
    if column.kind in ("number", "integer", "time"):
        if column.minimum is not None and value < column.minimum:
            raise UnreadableError(
                f"{shown(text)} is below the minimum {_bound(column.minimum, column)}", _allowed(column)
            )
        if column.maximum is not None and value > column.maximum:
            raise UnreadableError(
                f"{shown(text)} is above the maximum {_bound(column.maximum, column)}", _allowed(column)
            )
    return value


def _bound(limit: float, column: Column) -> str:
    if column.kind == "time":
        return f"{int(limit) // 3600:02d}:{int(limit) // 60 % 60:02d}"
    return f"{limit:g}" + (f" {column.unit}" if column.unit else "")


def _allowed(column: Column) -> str:
    low = "" if column.minimum is None else f"of at least {_bound(column.minimum, column)}"
    high = "" if column.maximum is None else f"of at most {_bound(column.maximum, column)}"
    return f"give a value {' and '.join(part for part in (low, high) if part)}"


def _what_to_write(column: Column) -> str:
    wanted = {
        "text": "a text",
        "number": "a number",
        "integer": "a whole number",
        "time": "a time such as 08:30",
        "flag": "yes or no",
        "choice": f"one of {', '.join(dict.fromkeys(column.choices.values()))}",
        "list": "texts separated by ;",
    }
    return f"write {wanted[column.kind]}" + (f" in {column.unit}" if column.unit else "")


def _parse_text(text: str, column: Column) -> str:
    return text


def _parse_number(text: str, column: Column) -> float:
    plain = text if text.isascii() else unicodedata.normalize("NFKC", text).strip()
    if _THOUSANDS.fullmatch(plain):
        plain = plain.replace(",", "")
    if _NUMBER.fullmatch(plain) and math.isfinite(value := float(plain)):
        return value
    if fold(text).lstrip("+-") in ("nan", "inf", "infinity") or _NUMBER.fullmatch(plain):
        raise UnreadableError(f"{shown(text)} is not a finite number", _what_to_write(column))
    raise UnreadableError(f"{shown(text)} is not a number", _what_to_write(column) + ", without unit or words")


def _parse_integer(text: str, column: Column) -> int:
    plain = unicodedata.normalize("NFKC", text).strip()
    if _THOUSANDS.fullmatch(plain):
        plain = plain.replace(",", "")
    # Not by way of a float: identifiers of 17 and more digits would change.
    if _INTEGER.fullmatch(plain) and len(plain) < 21:
        value = int(plain)
    else:
        number = _parse_number(text, column)
        if not number.is_integer():
            raise UnreadableError(f"{shown(text)} is not a whole number", _what_to_write(column))
        value = int(number)
    if not -(2**63) <= value < 2**63:
        raise UnreadableError(f"{shown(text)} is too large for a whole number of 64 bits", _what_to_write(column))
    return value


def _parse_time(text: str, column: Column) -> int:
    match = _TIME.fullmatch(unicodedata.normalize("NFKC", text))
    if match:
        hours, minutes, seconds = int(match[1]), int(match[2]), int(match[3] or 0)
        total = hours * 3600 + minutes * 60 + seconds
        if minutes < 60 and seconds < 60 and total <= 86400:
            return total
    raise UnreadableError(
        f"{shown(text)} is not a time of day", "write HH:MM or HH:MM:SS from 00:00 to 24:00, such as 08:30"
    )


def _parse_flag(text: str, column: Column) -> bool:
    word = fold(text)
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise UnreadableError(f"{shown(text)} is neither yes nor no", "write one of yes, no, true, false, 1, 0, 是, 否")


def _parse_choice(text: str, column: Column) -> str:
    word = fold(text)
    for alias, canonical in column.choices.items():
        if word in (fold(alias), fold(canonical)):
            return canonical
    nearest = suggest(text, [*column.choices.values(), *column.choices])
    hint = f"did you mean {shown(nearest)}? " if nearest else ""
    accepted = ", ".join(dict.fromkeys([*column.choices.values(), *column.choices]))
    raise UnreadableError(f"{shown(text)} is not a known choice", f"{hint}accepted: {accepted}")


def _parse_list(text: str, column: Column) -> tuple[str, ...]:
    pieces = [piece.strip() for piece in _SEPARATORS.split(text)]
    kept = [piece for piece in pieces if piece]
    return tuple(_parse_choice(piece, column) if column.choices else piece for piece in kept)


_PARSERS: dict[str, Callable[[str, Column], Any]] = {
    "text": _parse_text,
    "number": _parse_number,
    "integer": _parse_integer,
    "time": _parse_time,
    "flag": _parse_flag,
    "choice": _parse_choice,
    "list": _parse_list,
}
