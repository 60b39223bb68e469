"""Coordinate systems of Chinese maps: to WGS-84 on the way in, from WGS-84 on the way out.

Longitude and latitude are degrees in this order, whatever the axis order of an EPSG definition. Inside China's bounds
(:data:`CHINA`) GCJ-02 lies 540 to 610 m from WGS-84, and BD-09 about 1.3 km. Outside these bounds both are WGS-84 by
definition. CGCS2000 differs from WGS-84 by less than a metre and is treated as equal to it.
"""

import difflib
import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache
from typing import TypeVar, cast

import geopandas
import numpy as np
import pyproj
import pyproj.database
import shapely
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Geometries = TypeVar("Geometries", geopandas.GeoSeries, NDArray[np.object_])

#: West, south, east, north of the box in which GCJ-02 and BD-09 are shifted, in degrees.
CHINA = (72.004, 0.8293, 137.8347, 55.8271)
#: What a user may declare, as shown in messages.
ACCEPTED = "wgs84, gcj02, bd09, cgcs2000, EPSG:n"

_SPELLINGS = {
    "wgs84": ("wgs84", "wgs1984", "crs84", "ogc:crs84", "gps", "osm", "epsg:4326"),
    "gcj02": ("gcj02", "gcj", "amap", "gaode", "tencent", "mars", "高德", "腾讯", "火星", "国测局"),
    "bd09": ("bd09", "bd09ll", "baidu", "百度"),
    "cgcs2000": ("cgcs2000", "国家2000", "2000国家大地", "大地2000", "天地图", "tianditu", "epsg:4490"),
}
_KNOWN = {spelling: name for name, spellings in _SPELLINGS.items() for spelling in spellings}

_SEMI_MAJOR_M = 6378245.0  # Krasovsky 1940, which GCJ-02 is built on
_ECCENTRICITY_SQUARED = 0.00669342162296594323
_BD_FREQUENCY = np.pi * 3000.0 / 180.0
_INVERSE_TOLERANCE = 1e-12  # degrees; a tenth of a micrometre
_BOUNDS_MARGIN = 0.1  # degrees; more than the largest shift


@lru_cache(maxsize=256)
def parse_crs(text: str) -> str:
    """Normalise the name of a coordinate system.

    Parameters
    ----------
    text
        Any common spelling: ``WGS 84``, ``GCJ-02``, ``高德``, ``百度坐标系``, ``EPSG:4547``, ``CRS84``, an OGC URN.

    Returns
    -------
    str
        ``wgs84``, ``gcj02``, ``bd09``, ``cgcs2000`` or ``EPSG:n``; EPSG:4326 and EPSG:4490 come back by name.

    Raises
    ------
    ValueError
        When the name is not known (the message gives the nearest known one), or when the EPSG code does not exist or
        is not a geographic or projected system.
    """
    spelling = re.sub(r"[\s_\-]", "", unicodedata.normalize("NFKC", text)).casefold()
    if code := re.fullmatch(r"(?:urn:(?:x)?ogc:def:crs:)?epsg:(?:[\d.]*:)?(\d+)", spelling):
        return _parse_epsg(int(code[1]))
    if code := re.fullmatch(r"https?://www\.opengis\.net/def/crs/epsg/[\d.]+/(\d+)", spelling):
        return _parse_epsg(int(code[1]))
    if re.fullmatch(r"(urn:(x)?ogc:def:crs:ogc:|https?://www\.opengis\.net/def/crs/ogc/).*crs84", spelling):
        return "wgs84"
    stem = re.sub(r"(地图)?(坐标系统?|坐标)?$", "", spelling)
    if name := _KNOWN.get(spelling) or _KNOWN.get(stem):
        return name
    if re.fullmatch(r"(epsg)?\d+", spelling):
        nearest = f"EPSG:{spelling.removeprefix('epsg')}"
    else:
        matches = difflib.get_close_matches(stem, _KNOWN, n=1, cutoff=0.5)
        nearest = _KNOWN[matches[0]] if matches else ""
    hint = f" Did you mean {nearest}?" if nearest else ""
    raise ValueError(f"unknown coordinate system {text!r}.{hint} Accepted: {ACCEPTED}")


def to_wgs84(lon: ArrayLike, lat: ArrayLike, crs: str) -> tuple[Floats, Floats]:
    """Convert coordinates to WGS-84.

    Parameters
    ----------
    lon, lat
        Degrees, or x (east) and y (north) in the system's unit where ``crs`` is projected. Broadcast together.
    crs
        Any spelling that :func:`parse_crs` reads.

    Returns
    -------
    tuple of ndarray
        Longitude and latitude in degrees, new float64 arrays. Not finite where the input is not, or where a projection
        has no inverse.

    Notes
    -----
    The inverse of GCJ-02 and BD-09 is the fixed point of ``x <- x - (f(x) - g)``, exact to 1e-9 degrees. Within about a
    kilometre of the bounds of :data:`CHINA` the mapping is not one to one; there the shifted reading is preferred.
    """
    x, y = _as_floats(lon, lat)
    name = parse_crs(crs)
    if name in _FORWARD:
        return _invert(_FORWARD[name], x, y)
    if name.startswith("EPSG:"):
        x, y = _transformer(name, "wgs84").transform(x, y)
    return np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)


def from_wgs84(lon: ArrayLike, lat: ArrayLike, crs: str) -> tuple[Floats, Floats]:
    """Convert WGS-84 longitude and latitude to ``crs``; the inverse of :func:`to_wgs84`."""
    x, y = _as_floats(lon, lat)
    name = parse_crs(crs)
    if name in _FORWARD:
        inside = in_china(x, y)
        x[inside], y[inside] = _FORWARD[name](x[inside], y[inside])
    elif name.startswith("EPSG:"):
        x, y = _transformer("wgs84", name).transform(x, y)
    return np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)


def geometry_to_wgs84(geometry: Geometries, crs: str) -> Geometries:
    """Convert geometries vertex by vertex to WGS-84.

    Parameters
    ----------
    geometry
        A GeoSeries, or an array of shapely geometries. A third dimension is dropped; missing geometries stay missing.
    crs
        Any spelling that :func:`parse_crs` reads. The declaration of a GeoSeries itself is not consulted: maps in
        GCJ-02 are commonly labelled EPSG:4326.

    Returns
    -------
    GeoSeries or ndarray
        The same kind as given; a GeoSeries comes back with its index and in EPSG:4326.
    """
    name = parse_crs(crs)

    def convert(coordinates: Floats) -> Floats:
        return np.column_stack(to_wgs84(coordinates[:, 0], coordinates[:, 1], name))

    if isinstance(geometry, geopandas.GeoSeries):
        converted = shapely.transform(geometry.to_numpy(), convert)
        series = geopandas.GeoSeries(converted, index=geometry.index, name=geometry.name, crs="EPSG:4326")
        return cast(Geometries, series)
    array: NDArray[np.object_] = shapely.transform(np.asarray(geometry, dtype=object), convert)
    return array


def metric_crs(lon: float, lat: float) -> str:
    """Name the UTM zone of a WGS-84 location, the default projected system of a scenario.

    Raises
    ------
    ValueError
        When the location is not finite, or outside the latitudes that UTM covers (80 S to 84 N).
    """
    if not (-180 <= lon <= 180 and -80 <= lat <= 84):
        raise ValueError(f"no UTM zone at longitude {lon}, latitude {lat}")
    zone = min(int((lon + 180) // 6) + 1, 60)
    return f"EPSG:{(32600 if lat >= 0 else 32700) + zone}"


def is_geographic(crs: str) -> bool:
    """Whether coordinates in ``crs`` are degrees of longitude and latitude."""
    name = parse_crs(crs)
    return not name.startswith("EPSG:") or pyproj.CRS.from_user_input(name).is_geographic


def area_of_use(crs: str) -> tuple[float, float, float, float]:
    """West, south, east and north of where ``crs`` is meant to be used, in degrees."""
    name = parse_crs(crs)
    area = pyproj.CRS.from_user_input(name).area_of_use if name.startswith("EPSG:") else None
    return (-180.0, -90.0, 180.0, 90.0) if area is None else area.bounds


def in_china(lon: ArrayLike, lat: ArrayLike) -> NDArray[np.bool_]:
    """Whether points lie in the bounds within which GCJ-02 and BD-09 are shifted; False where not finite."""
    return _within(np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64), margin=0.0)


def _within(lon: Floats, lat: Floats, *, margin: float) -> NDArray[np.bool_]:
    west, south, east, north = CHINA
    inside = (lon >= west - margin) & (lon <= east + margin) & (lat >= south - margin) & (lat <= north + margin)
    return np.asarray(inside)


def _as_floats(lon: ArrayLike, lat: ArrayLike) -> tuple[Floats, Floats]:
    x, y = np.broadcast_arrays(np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64))
    return x.copy(), y.copy()


def _parse_epsg(code: int) -> str:
    if code in (4326, 4490):
        return "wgs84" if code == 4326 else "cgcs2000"
    try:
        system = pyproj.CRS.from_epsg(code)
    except pyproj.exceptions.CRSError as error:
        nearest = difflib.get_close_matches(str(code), pyproj.database.get_codes("EPSG", "PROJECTED_CRS"), n=1)
        hint = f" Did you mean EPSG:{nearest[0]}?" if nearest else ""
        raise ValueError(f"unknown coordinate system 'EPSG:{code}'.{hint} Accepted: {ACCEPTED}") from error
    if not (system.is_geographic or system.is_projected):
        raise ValueError(f"EPSG:{code} ({system.name}) is neither geographic nor projected. Accepted: {ACCEPTED}")
    return f"EPSG:{code}"


@lru_cache(maxsize=32)
def _transformer(source: str, target: str) -> pyproj.Transformer:
    source, target = ("EPSG:4326" if name == "wgs84" else name for name in (source, target))
    return pyproj.Transformer.from_crs(source, target, always_xy=True)


def _gcj02(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    # The public reconstruction of the shift: a polynomial and a few sines in degrees from (105 E, 35 N), in metres
    # on the Krasovsky ellipsoid. The official definition is not published.
    x, y = lon - 105.0, lat - 35.0
    sin, px, py = np.sin, np.pi * x, np.pi * y
    root = np.sqrt(np.abs(x))
    short_waves = 20.0 * sin(6.0 * px) + 20.0 * sin(2.0 * px)
    north_waves = 20.0 * sin(py) + 40.0 * sin(py / 3.0) + 160.0 * sin(py / 12.0) + 320.0 * sin(py / 30.0)
    east_waves = 20.0 * sin(px) + 40.0 * sin(px / 3.0) + 150.0 * sin(px / 12.0) + 300.0 * sin(px / 30.0)
    polynomial_north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root
    polynomial_east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root
    north_m = polynomial_north + (short_waves + north_waves) * 2.0 / 3.0
    east_m = polynomial_east + (short_waves + east_waves) * 2.0 / 3.0
    phi = np.radians(lat)
    w = 1.0 - _ECCENTRICITY_SQUARED * sin(phi) ** 2
    meridian_radius_m = _SEMI_MAJOR_M * (1.0 - _ECCENTRICITY_SQUARED) / w**1.5
    parallel_radius_m = _SEMI_MAJOR_M / np.sqrt(w) * np.cos(phi)
    return lon + np.degrees(east_m / parallel_radius_m), lat + np.degrees(north_m / meridian_radius_m)


def _bd09(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    x, y = _gcj02(lon, lat)
    radius = np.hypot(x, y) + 0.00002 * np.sin(y * _BD_FREQUENCY)
    angle = np.arctan2(y, x) + 0.000003 * np.cos(x * _BD_FREQUENCY)
    return radius * np.cos(angle) + 0.0065, radius * np.sin(angle) + 0.006


_FORWARD: dict[str, Callable[[Floats, Floats], tuple[Floats, Floats]]] = {"gcj02": _gcj02, "bd09": _bd09}


def _invert(
    forward: Callable[[Floats, Floats], tuple[Floats, Floats]], lon: Floats, lat: Floats
) -> tuple[Floats, Floats]:
    # Computed a little beyond the bounds, as the image of a point inside may lie outside; kept where the answer is in.
    near = _within(lon, lat, margin=_BOUNDS_MARGIN)
    target_x, target_y = lon[near], lat[near]
    x, y = target_x.copy(), target_y.copy()
    for _ in range(50):  # each pass shrinks the error to 2 % or less, so some seven are made
        shifted_x, shifted_y = forward(x, y)
        step_x, step_y = shifted_x - target_x, shifted_y - target_y
        x, y = x - step_x, y - step_y
        if max(np.abs(step_x).max(initial=0.0), np.abs(step_y).max(initial=0.0)) < _INVERSE_TOLERANCE:
            break
    inside = in_china(x, y)
    lon[near], lat[near] = np.where(inside, x, target_x), np.where(inside, y, target_y)
    return lon, lat
