"""Whether the places of a table can be where they say, and where that is in WGS-84."""

import geopandas
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from lastmile.geo.crs import Floats, area_of_use, geometry_to_wgs84, in_china, is_geographic, parse_crs, to_wgs84
from lastmile.tables.cells import Complaint

_AREA_MARGIN = 3.0  # degrees; a neighbouring zone is in common use at a city's edge
_FAMILIES = {"point": ("Point",), "polygon": ("Polygon", "MultiPolygon")}
_DRAWN = {"point": "point", "polygon": "polygon", "any": "point, line or polygon"}
_REDRAW = "redraw the boundary at this place so that it does not cross itself"
_SWAP = "longitude and latitude look swapped: exchange the two columns"


def points_to_wgs84(x: Floats, y: Floats, crs: str) -> tuple[NDArray[np.object_], list[Complaint]]:
    """Make points of coordinates; None where a coordinate is not finite or is complained of.

    Coordinates that are not finite are not complained of here: the cells they come from already are.
    """
    owners = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
    lon, lat, complaints = _locate(x[owners], y[owners], owners, crs)
    points = np.full(len(x), None, dtype=object)
    placed = np.isfinite(lon) & np.isfinite(lat)
    points[owners[placed]] = shapely.points(lon[placed], lat[placed])
    return points, complaints


def shapes_to_wgs84(
    shapes: NDArray[np.object_], *, family: str, crs: str
) -> tuple[NDArray[np.object_], list[Complaint]]:
    """Check shapes and convert them; None where a shape is complained of.

    Parameters
    ----------
    family
        ``point``, ``polygon`` or ``any``.
    """
    shapes = shapely.force_2d(shapes)
    complaints: list[Complaint] = []

    def complain(position: int, cause: str, remedy: str) -> None:
        complaints.append(Complaint(position, "geometry", cause, remedy))
        shapes[position] = None

    absent = shapely.is_missing(shapes) | shapely.is_empty(shapes)
    for position in np.flatnonzero(absent).tolist():
        complain(position, "the geometry is empty", f"draw it as a {_DRAWN[family]}, or remove it")
    for position in np.flatnonzero(~absent).tolist():
        shape = shapes[position]
        if family == "point" and shape.geom_type == "MultiPoint" and len(shape.geoms) == 1:
            shapes[position] = shape.geoms[0]
        elif family != "any" and shape.geom_type not in _FAMILIES[family]:
            complain(position, f"the geometry is a {shape.geom_type}", f"use {' or '.join(_FAMILIES[family])}")
    coordinates, owners = shapely.get_coordinates(shapes, return_index=True)
    infinite = ~np.isfinite(coordinates).all(axis=1)
    for position in np.unique(owners[infinite]).tolist():
        complain(position, "a coordinate is not a finite number", "draw this shape again, or export the map again")
    kept = ~np.isin(owners, np.unique(owners[infinite]))
    coordinates, owners = coordinates[kept], owners[kept]
    lon, lat, wrong = _locate(coordinates[:, 0], coordinates[:, 1], owners, crs)
    complaints += [complaint._replace(column="geometry") for complaint in wrong]
    misplaced = np.unique(owners[~(np.isfinite(lon) & np.isfinite(lat))])
    shapes[misplaced] = None
    for position in np.flatnonzero(~(shapely.is_valid(shapes) | shapely.is_missing(shapes))).tolist():
        # The place is left in the file's own coordinates, where the user will look for it.
        reason = shapely.is_valid_reason(shapes[position])
        complain(
            position,
            f"the polygon is not valid: {reason}",
            _REDRAW,
        )
    return geometry_to_wgs84(shapes, crs), complaints


def to_geoframe(frame: pd.DataFrame, shapes: NDArray[np.object_]) -> geopandas.GeoDataFrame:
    """Join attributes and shapes in WGS-84."""
    return geopandas.GeoDataFrame(frame, geometry=geopandas.GeoSeries(shapes, index=frame.index, crs="EPSG:4326"))


def _locate(x: Floats, y: Floats, owners: NDArray[np.intp], crs: str) -> tuple[Floats, Floats, list[Complaint]]:
    """Convert finite coordinates; NaN and one complaint per owner where they cannot be right."""
    name = parse_crs(crs)
    lon, lat, possible = _convert(x, y, name)
    complaints: list[Complaint] = []
    inside = possible & in_china(lon, lat)
    if inside.all():
        return lon, lat, complaints
    other_lon, other_lat, other_possible = _convert(y, x, name)
    only_swapped = (in_china(other_lon, other_lat) & ~inside) | (~possible & other_possible)
    explained = np.zeros(len(x), dtype=bool)
    if only_swapped.sum() * 2 > len(x):
        first = int(np.flatnonzero(only_swapped)[0])
        count, total = len(np.unique(owners[only_swapped])), len(np.unique(owners))
        where = "lie in China only" if in_china(other_lon, other_lat)[first] else "are possible only"
        cause = f"{count} of {total} places {where} after swapping, the first at ({x[first]:.10g}, {y[first]:.10g})"
        complaints.append(Complaint(int(owners[first]), "lat", cause, _SWAP))
        explained = only_swapped
    reported = np.flatnonzero(~possible & ~explained)
    _, firsts = np.unique(owners[reported], return_index=True)
    listed = reported[firsts].tolist()
    summary = ""
    if len(listed) > 3 and len(listed) * 2 > (total := len(np.unique(owners))):  # one cause, so one fault
        summary, listed = f"{len(listed)} of {total} places cannot be right; in the first, ", listed[:1]
    for index in listed:
        column, cause, remedy = _misplaced(float(x[index]), float(y[index]), bool(other_possible[index]), name)
        complaints.append(Complaint(int(owners[index]), column, summary + cause, remedy))
    wrong = ~possible | explained
    return np.where(wrong, np.nan, lon), np.where(wrong, np.nan, lat), complaints


def _convert(x: Floats, y: Floats, crs: str) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    if is_geographic(crs):
        possible = (np.abs(x) <= 180) & (np.abs(y) <= 90)
        lon, lat = to_wgs84(np.where(possible, x, np.nan), np.where(possible, y, np.nan), crs)
    else:
        lon, lat = to_wgs84(x, y, crs)
        west, south, east, north = area_of_use(crs)
        possible = np.isfinite(lon) & np.isfinite(lat)
        possible &= (lat >= south - _AREA_MARGIN) & (lat <= north + _AREA_MARGIN)
        if west <= east:  # otherwise the area crosses the date line
            possible &= (lon >= west - _AREA_MARGIN) & (lon <= east + _AREA_MARGIN)
    return np.where(possible, lon, np.nan), np.where(possible, lat, np.nan), possible


def _misplaced(x: float, y: float, swap_helps: bool, crs: str) -> tuple[str, str, str]:
    if is_geographic(crs):
        column, word, value, limit = ("lat", "latitude", y, 90) if abs(x) <= 180 else ("lon", "longitude", x, 180)
        cause = f"the {word} {value:.10g} is outside -{limit} to {limit}"
        if swap_helps:
            return column, cause, "longitude and latitude look swapped: exchange the two values"
        if abs(x) > 1000 and abs(y) > 1000:
            return column, cause, "these look like metres: declare the projected system, for instance crs = 'EPSG:4547'"
        return column, cause, "correct the value; degrees with decimals are read"
    west, south, east, north = area_of_use(crs)
    cause = f"({x:.10g}, {y:.10g}) is outside the area of {crs}, {west:g} to {east:g} E and {south:g} to {north:g} N"
    if abs(x) <= 180 and abs(y) <= 90:
        return "lon", cause, "these look like degrees: declare wgs84, gcj02, bd09 or cgcs2000"
    if swap_helps:
        return "lon", cause, "x (east) and y (north) look swapped: exchange the two values"
    return "lon", cause, "check the declared coordinate system and the values; x is east, y is north"
