"""How CSV and XLSX become headers and cells of text; identifiers such as ``007`` stay as they are."""

import csv
import io
import warnings
import zipfile
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl

from lastmile.tables.cells import Complaint
from lastmile.tables.raw import RawTable, UnreadableFileError, as_text, decode, name_one_of, read_bytes

_XLSX_BYTES = 500 * 1024 * 1024  # unpacked
_XLSX_ROWS = 1_048_576  # what a spreadsheet can hold; a file that claims more is forged


def read_csv(path: Path, *, count_known: Callable[[Sequence[str]], int]) -> RawTable:
    """Read delimited text; of comma, semicolon and tab the one that yields most known headers is the delimiter."""
    content = read_bytes(path)
    if content.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise UnreadableFileError(
            "this is a spreadsheet or ZIP file, not text", "rename it to .xlsx, or save the sheet as CSV UTF-8"
        )
    text = decode(content)
    skipped = 0
    if text[:4].lower() == "sep=":  # a line that spreadsheet programs write above the header
        skipped = 1
        text = text.partition("\n")[2]
    records: list[list[str]] = []
    try:
        delimiter = _delimiter(text, count_known)
        # One by one, so that the rows before a failure are counted.
        records.extend(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise UnreadableFileError(
            f"row {len(records) + 1 + skipped} is not readable: {error}",
            "check for a quotation mark that is not closed; a mark inside a quoted cell is written twice",
        ) from error
    return _from_records(records, first_row=1 + skipped)


def _delimiter(text: str, count_known: Callable[[Sequence[str]], int]) -> str:
    def merit(delimiter: str) -> tuple[int, int]:
        try:
            for record in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
                if any(cell.strip() for cell in record):
                    return count_known(record), len(record)
        except csv.Error:
            pass
        return 0, 0

    return max(",;\t", key=merit)


def _from_records(records: list[list[str]], *, first_row: int) -> RawTable:
    start = next((i for i, record in enumerate(records) if any(cell.strip() for cell in record)), None)
    if start is None:
        raise UnreadableFileError("the file is empty", "export the table again, with a header in its first row")
    headers = [cell.strip() for cell in records[start]]
    while headers and not headers[-1]:
        headers.pop()
    width = len(headers)
    kept: list[list[str]] = []
    rows: list[int] = []
    complaints: list[Complaint] = []
    for number, record in enumerate(records[start + 1 :], start=first_row + start + 1):
        if len(record) != width:
            excess = len(record) - width
            if excess > 0 and any(cell.strip() for cell in record[width:]):
                cause = f"the row has {len(record)} cells, the header has {width}"
                remedy = "put quotation marks around the cell that contains the delimiter, or add the missing header"
                complaints.append(Complaint(len(kept), None, cause, remedy))
            record = record[:width] + [""] * -excess  # noqa: PLW2901
        if "".join(record).strip():  # rows without content are common at the end of a sheet
            kept.append(record)
            rows.append(number)
    cells = [list(column) for column in zip(*kept, strict=True)] if kept else [[] for _ in headers]
    return RawTable(
        headers=headers,
        cells=cells,
        rows=np.array(rows, dtype=np.int64),
        header_row=first_row + start,
        complaints=complaints,
    )


def read_xlsx(path: Path, *, sheet: str | None) -> RawTable:
    """Read the named or the first sheet of a workbook, formulas by their stored values."""
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise UnreadableFileError(
            f"this is not an XLSX workbook: {error}", "open it in a spreadsheet program and save it as .xlsx"
        ) from error
    if unpacked > _XLSX_BYTES:
        raise UnreadableFileError(
            f"the workbook unpacks to {unpacked / 2**20:,.0f} MB, more than {_XLSX_BYTES / 2**20:,.0f} MB",
            "save the sheet as CSV UTF-8",
        )
    try:
        # Opened here: where the workbook is damaged, the library would leave the file open.
        with path.open("rb") as stream, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles and extensions that do not touch the cells
            book = openpyxl.load_workbook(stream, read_only=True, data_only=True, keep_links=False)
            try:
                return _read_sheet(book, sheet)
            finally:
                book.close()
    except UnreadableFileError:
        raise
    except Exception as error:  # whatever a damaged or hostile workbook makes the reader raise
        root: BaseException = error
        while root.__context__ is not None:
            root = root.__context__
        raise UnreadableFileError(
            f"the workbook cannot be read: {type(root).__name__}: {root}",
            "open it in a spreadsheet program and save it again as .xlsx, or save the sheet as CSV UTF-8",
        ) from error


def _read_sheet(book: Any, sheet: str | None) -> RawTable:
    names = [worksheet.title for worksheet in book.worksheets]
    if not names:
        raise UnreadableFileError("the workbook has no sheet with cells", "save the table in a worksheet")
    if sheet is not None and sheet not in names:
        raise UnreadableFileError(f"the workbook has no sheet {sheet!r}", name_one_of(sheet, names, "sheets"))
    worksheet = book[sheet if sheet is not None else names[0]]
    worksheet.reset_dimensions()  # the size a file states may be wrong
    records = [
        ["" if value is None else as_text(value) for value in values]
        for values in islice(worksheet.iter_rows(values_only=True), _XLSX_ROWS + 1)
    ]
    if len(records) > _XLSX_ROWS:
        raise UnreadableFileError(
            f"the sheet claims more than {_XLSX_ROWS:,} rows", "save the sheet again as .xlsx, or as CSV UTF-8"
        )
    table = _from_records(records, first_row=1)
    if sheet is None and len(names) > 1:
        table.warnings.append(f"the first of {len(names)} sheets, {names[0]!r}, was read")
    return table
