"""A table as its file gives it, headers and cells as text, and what makes a file unreadable."""

import datetime
import difflib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lastmile.tables.cells import Complaint, suggest

_SPREADSHEET_DAY_ONE = (datetime.datetime(1899, 12, 31), datetime.datetime(1900, 1, 1))


class UnreadableFileError(Exception):
    """A file that cannot be read at all."""

    def __init__(self, cause: str, remedy: str) -> None:
        self.cause, self.remedy = cause, remedy
        super().__init__(cause)


@dataclass(kw_only=True)
class RawTable:
    """Headers and cells as text.

    Parameters
    ----------
    headers
        As spelt in the file; empty where a column has none.
    cells
        One list per header, all of one length.
    rows
        Number of each row as the user sees it: the spreadsheet's row, or the feature counted from 1.
    header_row
        Number of the row with the headers; None in files that have none.
    geometry
        One geometry or None per row; None where the format has no geometry.
    crs
        What the file itself says about its coordinate system.
    """

    headers: list[str]
    cells: list[list[str]]
    rows: NDArray[np.int64]
    header_row: int | None = None
    geometry: NDArray[np.object_] | None = None
    crs: str | None = None
    complaints: list[Complaint] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def require_file(path: Path) -> None:
    """Refuse a path that names no file with content."""
    try:
        if not path.exists():
            names = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
            near = difflib.get_close_matches(path.name, names, n=3) or [n for n in names if Path(n).stem == path.stem]
            if near:
                remedy = f"did you mean {' or '.join(repr(name) for name in near)}?"
            elif path.parent.is_dir():
                remedy = f"no file in {str(path.parent)!r} has a similar name; check the path"
            else:
                remedy = f"the folder {str(path.parent)!r} does not exist either; check the path"
            raise UnreadableFileError("the file does not exist", remedy)
        if path.is_dir():
            raise UnreadableFileError("this is a folder", "name a file in it")
        if path.stat().st_size == 0:
            raise UnreadableFileError("the file is empty", "export the table again")
    except (OSError, ValueError) as error:
        raise UnreadableFileError(f"the file cannot be opened: {error}", "check its name and permissions") from error


def read_bytes(path: Path) -> bytes:
    """Read a whole file."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise UnreadableFileError(f"the file cannot be opened: {error}", "check its name and permissions") from error


def starts_with(path: Path, signature: bytes) -> bool:
    """Whether a file's first bytes are these."""
    try:
        with path.open("rb") as stream:
            return stream.read(len(signature)) == signature
    except OSError as error:
        raise UnreadableFileError(f"the file cannot be opened: {error}", "check its name and permissions") from error


def decode(content: bytes) -> str:
    """Turn bytes in UTF-8, UTF-16 or GB18030, with or without byte order mark, into text."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _decode_as(content, "utf-16")
    if content.startswith(b"\xef\xbb\xbf"):
        return _decode_as(content, "utf-8-sig")
    head = content[:4096]
    if head.count(0) * 4 > len(head) and len(content) % 2 == 0:  # UTF-16 without mark: delimiters and digits have a 0
        return _decode_as(content, "utf-16-le" if head[1::2].count(0) > head[::2].count(0) else "utf-16-be")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        # Text in GB18030 is hardly ever right as UTF-8; where most of it is, it is UTF-8 with a damaged place.
        attempt = content.decode("utf-8", errors="replace")
        wrong = attempt.count("\ufffd")
        right = sum(not character.isascii() for character in attempt) - wrong
        return _decode_as(content, "utf-8" if right > 2 * wrong else "gb18030")


def _decode_as(content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise UnreadableFileError(
            f"the text is not readable: byte {error.start + 1}, on line {line}, is not {encoding}",
            "save the file as UTF-8 (in a spreadsheet program: 'CSV UTF-8')",
        ) from error


def as_text(value: Any) -> str:
    """Write a value from a workbook or a map as the user would have typed it."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, datetime.datetime):
        # A spreadsheet stores 24:00 as one whole day, which comes back as its day one.
        return "24:00" if value in _SPREADSHEET_DAY_ONE else value.isoformat(sep=" ")
    if isinstance(value, datetime.timedelta):
        seconds = round(value.total_seconds())
        return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    if isinstance(value, float | np.floating):
        number = float(value)
        if math.isnan(number):
            return ""
        return str(int(number)) if number.is_integer() and abs(number) < 2.0**63 else repr(number)
    if isinstance(value, dict | list):
        if isinstance(value, list) and not any(isinstance(item, dict | list) for item in value):
            return ";".join(as_text(item) for item in value if item is not None)
        return json.dumps(value, ensure_ascii=True)
    return str(value)


def name_one_of(name: str, names: Sequence[str], what: str) -> str:
    """Remedy for a sheet or layer that is not there."""
    nearest = suggest(name, names)
    return (f"did you mean {nearest!r}? " if nearest else "") + f"its {what}: {', '.join(names)}"
