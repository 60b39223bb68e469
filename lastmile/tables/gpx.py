"""How the track points of a GPX file become a table: vehicle_id, time, lon and lat as they are written.

GPX 1.0 and 1.1 (https://www.topografix.com/gpx.asp). Waypoints and planned routes are left aside: nobody drove them.
"""

from pathlib import Path
from typing import Any

import numpy as np
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

from lastmile.tables.raw import RawTable, UnreadableFileError, read_bytes


def read_gpx(path: Path) -> RawTable:
    """Read the points of all tracks; a track's name is its vehicle's, the file's where it has none."""
    try:
        root: Any = fromstring(read_bytes(path))
    except (ParseError, DefusedXmlException, ValueError, LookupError, RecursionError) as error:
        raise UnreadableFileError(f"this is not readable as XML: {error}", "export the track again as GPX") from error
    if _local(root) != "gpx":
        raise UnreadableFileError(
            f"this XML is no GPX: its outermost element is {_local(root)!r}", "export the track again as GPX"
        )
    columns: tuple[list[str], ...] = ([], [], [], [])
    for track in root:
        if _local(track) != "trk":
            continue
        name = _text(track, "name") or path.stem
        for segment in track:
            for point in segment if _local(segment) == "trkseg" else ():
                if _local(point) == "trkpt":
                    row = (name, _text(point, "time"), point.get("lon", ""), point.get("lat", ""))
                    for column, value in zip(columns, row, strict=True):
                        column.append(value)
    return RawTable(
        headers=["vehicle_id", "time", "lon", "lat"],
        cells=list(columns),
        rows=np.arange(1, len(columns[0]) + 1, dtype=np.int64),
    )


def _local(element: Any) -> str:
    """An element's name without its namespace, which differs between the versions."""
    return str(element.tag).rpartition("}")[2]


def _text(element: Any, name: str) -> str:
    return next(((child.text or "").strip() for child in element if _local(child) == name), "")
