"""Which columns a table must have, and the one reader of every table that a user gives.

A table is CSV or TSV (UTF-8, UTF-16 or GB18030; comma, semicolon or tab), XLSX, GeoJSON, GeoPackage, Shapefile or the
tracks of a GPX file. Bad content never raises: whatever is wrong is a :class:`~lastmile.errors.Fault`, and all faults
come from one reading.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
import pyproj
from numpy.typing import NDArray

from lastmile.errors import Fault
from lastmile.geo.crs import ACCEPTED, parse_crs
from lastmile.tables.cells import Column, Complaint, parse_cells
from lastmile.tables.gpx import read_gpx
from lastmile.tables.headers import bare, match_headers, spellings_of
from lastmile.tables.places import points_to_wgs84, shapes_to_wgs84, to_geoframe
from lastmile.tables.raw import RawTable, UnreadableFileError, require_file
from lastmile.tables.shapes import read_geojson, read_geopackage, read_shapefile
from lastmile.tables.sheets import read_csv, read_xlsx

Geometry = Literal["none", "point", "polygon", "any"]

_COORDINATES = (
    Column(
        name="lon",
        kind="number",
        required=True,
        aliases=("lng", "long", "longitude", "x", "经度", "东经", "横坐标"),
        about="Longitude in degrees, or east in the declared projected system.",
    ),
    Column(
        name="lat",
        kind="number",
        required=True,
        aliases=("latitude", "y", "纬度", "北纬", "纵坐标"),
        about="Latitude in degrees, or north in the declared projected system.",
    ),
)
_SUFFIXES = (".csv", ".tsv", ".txt", ".xlsx", ".xlsm", ".geojson", ".json", ".gpkg", ".shp", ".gpx")


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSchema:
    """The columns of a table and the kind of its places.

    Parameters
    ----------
    name
        What the table is called in messages and documentation.
    geometry
        ``none``, ``point``, ``polygon`` or ``any``. In CSV and XLSX points come from the columns lon and lat, which are
        not listed among ``columns``.

    Raises
    ------
    ValueError
        When two columns share a spelling, or a column is named lon, lat or geometry beside a geometry.
    """

    name: str
    columns: tuple[Column, ...]
    geometry: Geometry = "none"

    def __post_init__(self) -> None:
        if self.geometry not in get_args(Geometry):
            raise ValueError(f"geometry {self.geometry!r} is none of {', '.join(get_args(Geometry))}")
        if self.geometry != "none" and (taken := {"lon", "lat", "geometry"} & {column.name for column in self.columns}):
            raise ValueError(f"table {self.name!r}: {', '.join(sorted(taken))} would clash with the geometry")
        owners: dict[str, str] = {}
        for column in self.columns:
            for spelling in spellings_of(column):
                if owners.setdefault(spelling, column.name) != column.name:
                    raise ValueError(
                        f"table {self.name!r}: {spelling!r} names both {owners[spelling]} and {column.name}"
                    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Table:
    """What was read.

    Parameters
    ----------
    frame
        The schema's columns in its order; with a geometry, a GeoDataFrame in WGS-84. Fit for use only without faults:
        values and shapes that could not be read are missing in it.
    faults
        Everything that must be mended, in reading order.
    warnings
        What was decided for the user, or looks odd.
    unused_columns
        Headers, as spelt, that the schema does not know.
    source
        The file, as it is named in faults.
    rows
        Number of each row of the frame in the file: the spreadsheet's row, or the feature counted from 1.
    """

    frame: pd.DataFrame
    faults: tuple[Fault, ...] = ()
    warnings: tuple[str, ...] = ()
    unused_columns: tuple[str, ...] = ()
    source: str = ""
    rows: NDArray[np.int64]


def read_table(
    path: str | Path, schema: TableSchema, *, crs: str | None, layer: str | None = None, max_faults: int = 50
) -> Table:
    """Read and check a table.

    Parameters
    ----------
    crs
        Declared coordinate system. Required where the schema has a geometry; only a GeoPackage may state it instead.
    layer
        Sheet of a workbook (default the first) or layer of a GeoPackage (default the only one).
    max_faults
        How many faults are listed; one more says how many were left out.

    Returns
    -------
    Table
        With faults instead of exceptions, whatever the file holds.
    """
    path = Path(path)
    source = path.name if layer is None else f"{path.name} [{layer}]"
    try:
        raw = _read_raw(path, schema, layer)
    except UnreadableFileError as failure:
        empty = RawTable(headers=[], cells=[], rows=np.array([], dtype=np.int64))
        frame = _join(_parse_columns(empty, {}, schema)[0], np.array([], dtype=object), schema)
        fault = Fault(place=source, cause=failure.cause, remedy=failure.remedy)
        return Table(frame=frame, faults=(fault,), source=source, rows=empty.rows)

    header_place = source if raw.header_row is None else f"{source}, row {raw.header_row}"
    matched, faults, warnings = match_headers(
        raw.headers, _wanted(schema, sheet=raw.geometry is None), place=header_place
    )
    frame, complaints = _parse_columns(raw, matched, schema)
    complaints = raw.complaints + complaints
    shapes: NDArray[np.object_] = np.full(len(raw.rows), None, dtype=object)
    if schema.geometry != "none":
        name = _coordinate_system(raw, crs, path, source=source, faults=faults, warnings=warnings)
        shapes, misplaced = _place_rows(raw, frame, schema, crs=name, source=source, faults=faults)
        told = {complaint.position for complaint in raw.complaints if complaint.column == "geometry"}
        complaints += [c for c in misplaced if c.column != "geometry" or c.position not in told]
    if not len(raw.rows):
        what = "features" if raw.header_row is None else "rows below its header"
        faults.append(
            Fault(place=source, cause=f"the table has no {what}", remedy="export the table again with its rows")
        )

    used = {name: raw.headers[index] for name, index in matched.items()}
    listed = _to_faults(complaints, raw, used, source)
    rest = len(faults) + len(complaints) - max_faults
    faults = [*faults, *islice(listed, max(0, max_faults - len(faults)))][:max_faults]
    if rest > 0:
        cause = f"and {rest} more fault{'s' if rest > 1 else ''}"
        faults.append(Fault(place=source, cause=cause, remedy="mend those listed and read the table again"))
    unused = tuple(header for i, header in enumerate(raw.headers) if header and i not in matched.values())
    return Table(
        frame=_join(frame[[column.name for column in schema.columns]], shapes, schema),
        faults=tuple(faults),
        warnings=(*raw.warnings, *warnings),
        unused_columns=unused,
        source=source,
        rows=raw.rows,
    )


def describe_schema(schema: TableSchema) -> str:
    """Write the columns of a table as Markdown, for the documentation."""

    def code(words: Sequence[object]) -> str:
        return ", ".join(f"`{str(word).replace('|', chr(92) + '|')}`" for word in words)

    lines = [
        "| column | kind | unit | default | also accepted as header | values | about |",
        "|---|---|---|---|---|---|---|",
    ]
    coordinates = _COORDINATES if schema.geometry in ("point", "any") else ()
    for column in (*schema.columns, *coordinates):
        default = "required" if column.required else "" if column.default is None else code([column.default])
        low = "" if column.minimum is None else f"at least {column.minimum:g}"
        high = "" if column.maximum is None else f"at most {column.maximum:g}"
        choices = code([*dict.fromkeys(column.choices.values()), *(a for a, c in column.choices.items() if a != c)])
        values = ", ".join(part for part in (low, high, choices) if part)
        parts = [code([column.name]), column.kind, column.unit, default, code(column.aliases), values]
        lines.append(f"| {' | '.join([*parts, column.about.replace('|', chr(92) + '|')])} |")
    if coordinates:
        lines += ["", "`lon` and `lat` are read from CSV and XLSX; map files bring their own geometry."]
    return "\n".join(lines) + "\n"


def _read_raw(path: Path, schema: TableSchema, layer: str | None) -> RawTable:
    require_file(path)
    suffix = path.suffix.lower()
    if suffix in (".csv", ".tsv", ".txt"):
        known = {spelling for column in _wanted(schema, sheet=True) for spelling in spellings_of(column)}
        return read_csv(path, count_known=lambda headers: sum(bare(header) in known for header in headers))
    if suffix in (".xlsx", ".xlsm"):
        return read_xlsx(path, sheet=layer)
    if suffix in (".geojson", ".json"):
        return read_geojson(path)
    if suffix == ".gpkg":
        return read_geopackage(path, layer=layer)
    if suffix == ".shp":
        return read_shapefile(path)
    if suffix == ".gpx":
        return read_gpx(path)
    hint = "in the spreadsheet program save it as .xlsx" if suffix == ".xls" else "convert it"
    raise UnreadableFileError(f"the format {suffix!r} is not read", f"{hint}; accepted: {', '.join(_SUFFIXES)}")


def _wanted(schema: TableSchema, *, sheet: bool) -> tuple[Column, ...]:
    return (*schema.columns, *(_COORDINATES if sheet and schema.geometry in ("point", "any") else ()))


def _parse_columns(raw: RawTable, matched: dict[str, int], schema: TableSchema) -> tuple[pd.DataFrame, list[Complaint]]:
    parsed: dict[str, pd.Series[Any]] = {}
    complaints: list[Complaint] = []
    for column in _wanted(schema, sheet=raw.geometry is None):
        if column.name in matched:
            parsed[column.name], wrong = parse_cells(raw.cells[matched[column.name]], column)
        else:  # reported once, not row by row
            parsed[column.name], wrong = parse_cells([""] * len(raw.rows), replace(column, required=False))
        complaints += wrong
    return pd.DataFrame(parsed, index=pd.RangeIndex(len(raw.rows))), complaints


def _coordinate_system(
    raw: RawTable, declared: str | None, path: Path, *, source: str, faults: list[Fault], warnings: list[str]
) -> str | None:
    stated = _stated_crs(raw.crs)
    if declared is not None:
        try:
            name = parse_crs(declared)
        except ValueError as error:
            faults.append(Fault(place=source, cause=str(error), remedy=f"declare crs as one of {ACCEPTED}"))
            return None
        # WGS-84 is what programs write when they do not know better; it contradicts no other system in degrees.
        if stated is not None and stated != name and not (stated == "wgs84" and not name.startswith("EPSG:")):
            warnings.append(f"{source}: read as {name}, as declared, though the file says {stated}")
        return name
    if stated is not None and path.suffix.lower() == ".gpkg":
        warnings.append(f"{source}: read as {stated}, as the file says; none was declared")
        return stated
    says = f" The file says {stated}, which is often written without knowing." if stated is not None else ""
    if path.suffix.lower() in (".geojson", ".json"):
        says += " GeoJSON should be WGS-84 (RFC 7946), but Chinese maps are often GCJ-02."
    remedy = f"declare crs as one of {ACCEPTED}; Amap and Tencent are gcj02, Baidu is bd09, GPS and OpenStreetMap wgs84"
    faults.append(Fault(place=source, cause=f"the coordinate system is not declared.{says}", remedy=remedy))
    return None


def _stated_crs(text: str | None) -> str | None:
    if not text:
        return None
    try:
        return parse_crs(text)
    except ValueError:
        try:
            code = pyproj.CRS.from_user_input(text).to_epsg()
            return None if code is None else parse_crs(f"EPSG:{code}")
        except (pyproj.exceptions.CRSError, ValueError):
            return None


def _place_rows(
    raw: RawTable, frame: pd.DataFrame, schema: TableSchema, *, crs: str | None, source: str, faults: list[Fault]
) -> tuple[NDArray[np.object_], list[Complaint]]:
    nowhere: NDArray[np.object_] = np.full(len(raw.rows), None, dtype=object)
    if raw.geometry is None and schema.geometry == "polygon":
        cause = "polygons cannot be read from a table without geometry"
        faults.append(Fault(place=source, cause=cause, remedy="give a .geojson, .gpkg or .shp file"))
        return nowhere, []
    if crs is None:
        return nowhere, []
    if raw.geometry is not None:
        return shapes_to_wgs84(raw.geometry, family=schema.geometry, crs=crs)
    return points_to_wgs84(frame["lon"].to_numpy(dtype=np.float64), frame["lat"].to_numpy(dtype=np.float64), crs)


def _join(frame: pd.DataFrame, shapes: NDArray[np.object_], schema: TableSchema) -> pd.DataFrame:
    attributes = frame[[column.name for column in schema.columns]]
    return attributes if schema.geometry == "none" else to_geoframe(attributes, shapes)


def _to_faults(complaints: Sequence[Complaint], raw: RawTable, used: dict[str, str], source: str) -> Iterator[Fault]:
    order = {name: index for index, name in enumerate(used)}
    word = "feature" if raw.header_row is None else "row"
    for position, column, cause, remedy in sorted(
        complaints, key=lambda c: (c.position or 0, order.get(c.column or "", 0))
    ):
        place = source if position is None else f"{source}, {word} {raw.rows[position]}"
        if column is not None and column != "geometry":
            place += f", column {used.get(column, column)!r}"
        yield Fault(place=place, cause=cause, remedy=remedy)
