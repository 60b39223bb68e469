"""How GeoJSON, GeoPackage and Shapefile become geometries with headers and cells of text."""

import json
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pyogrio.raw
import shapely
from numpy.typing import NDArray

from lastmile.tables.cells import Complaint
from lastmile.tables.raw import RawTable, UnreadableFileError, as_text, decode, name_one_of, read_bytes, starts_with

_GEOJSON_DEPTH = {"Point": 1, "MultiPoint": 2, "LineString": 2, "MultiLineString": 3, "Polygon": 3, "MultiPolygon": 4}


def read_geojson(path: Path) -> RawTable:
    """Read GeoJSON; property values keep every digit."""
    text = decode(read_bytes(path))
    try:
        return _from_document(json.loads(text))
    except RecursionError as error:
        raise UnreadableFileError("the GeoJSON is nested too deeply", "export the map again") from error
    except ValueError as error:
        raise UnreadableFileError(f"this is not JSON: {error}", "export the map again as GeoJSON") from error


def _from_document(document: Any) -> RawTable:
    features = _features(document)
    names: dict[str, None] = {}
    for feature in features:
        names.update(dict.fromkeys(feature["properties"]))
    cells = [[_clean(feature["properties"].get(name)) for feature in features] for name in names]
    geometry = np.full(len(features), None, dtype=object)
    complaints: list[Complaint] = []
    for position, feature in enumerate(features):
        if feature["geometry"] is not None:
            try:
                geometry[position] = _geojson_geometry(feature["geometry"])
            except UnreadableFileError as failure:
                complaints.append(Complaint(position, "geometry", failure.cause, failure.remedy))
    return RawTable(
        headers=[_clean(name) for name in names],
        cells=cells,
        rows=np.arange(1, len(features) + 1, dtype=np.int64),
        geometry=geometry,
        crs=_geojson_crs(document),
        complaints=complaints,
    )


def _features(document: Any) -> list[dict[str, Any]]:
    found: Any = None
    if isinstance(document, dict):
        if document.get("type") == "FeatureCollection":
            found = document.get("features")
        elif document.get("type") == "Feature":
            found = [document]
        elif document.get("type") in (*_GEOJSON_DEPTH, "GeometryCollection"):
            found = [{"geometry": document}]
    if not isinstance(found, list):
        raise UnreadableFileError(
            "this JSON is not GeoJSON: it has no 'type' FeatureCollection with a list of 'features'",
            "export the map as a GeoJSON FeatureCollection",
        )
    features = []
    for item in found:
        feature = item if isinstance(item, dict) else {}
        properties = feature.get("properties")
        properties = properties if isinstance(properties, dict) else {}
        if "id" in feature and "id" not in properties:
            properties = {"id": feature["id"], **properties}
        features.append({"properties": properties, "geometry": feature.get("geometry")})
    return features


def _geojson_geometry(geometry: Any) -> shapely.Geometry:
    remedy = "draw this shape again, or export the map again"
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    if kind not in _GEOJSON_DEPTH:
        raise UnreadableFileError(f"the geometry type {kind!r} is not read", "use points, lines or polygons")
    if not _nests(geometry.get("coordinates"), _GEOJSON_DEPTH[kind]):
        raise UnreadableFileError(f"the coordinates are not nested as those of a {kind}", remedy)
    try:
        # A coordinate that is not finite is written as NaN, which the parser refuses.
        return shapely.from_geojson(json.dumps({"type": kind, "coordinates": geometry["coordinates"]}))
    except (shapely.errors.ShapelyError, ValueError, RecursionError) as error:
        raise UnreadableFileError(f"the geometry is not readable: {error}", remedy) from error


def _nests(coordinates: Any, depth: int) -> bool:
    if not isinstance(coordinates, list):
        return False
    if depth > 1:
        return all(_nests(part, depth - 1) for part in coordinates)
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in coordinates)
    return numbers and len(coordinates) != 1


def _geojson_crs(document: Any) -> str | None:
    member = document.get("crs") if isinstance(document, dict) else None
    properties = member.get("properties") if isinstance(member, dict) else None
    name = properties.get("name") if isinstance(properties, dict) else None
    return name if isinstance(name, str) else None


def _clean(value: Any) -> str:
    # JSON can spell half a character (a lone surrogate), which no encoding can write.
    return "" if value is None else as_text(value).encode("utf-8", errors="replace").decode("utf-8")


def read_geopackage(path: Path, *, layer: str | None) -> RawTable:
    """Read the named or the only layer of a GeoPackage."""
    # Looked at first, so that no other format is read under this name.
    if not starts_with(path, b"SQLite format 3"):
        raise UnreadableFileError("this is not a GeoPackage", "export the map again as .gpkg")
    names = [str(name) for name, _ in _ogr(lambda: pyogrio.list_layers(path))]
    if layer is None and len(names) != 1:
        raise UnreadableFileError(
            f"the GeoPackage has {len(names)} layers", f"name the layer to read: {', '.join(names) or 'it has none'}"
        )
    if layer is not None and layer not in names:
        raise UnreadableFileError(f"the GeoPackage has no layer {layer!r}", name_one_of(layer, names, "layers"))
    return _from_ogr(path, layer=layer or names[0], encoding=None)


def read_shapefile(path: Path) -> RawTable:
    """Read a Shapefile; texts in what its .cpg says, else UTF-8 or GB18030, whichever fits."""
    if not starts_with(path, b"\x00\x00\x27\x0a"):
        raise UnreadableFileError("this is not a Shapefile", "export the map again as Shapefile or GeoPackage")
    beside = {entry.suffix.lower(): entry for entry in path.parent.iterdir() if entry.stem == path.stem}
    missing = [suffix for suffix in (".shx", ".dbf") if suffix not in beside]
    if missing:
        raise UnreadableFileError(
            f"the Shapefile lacks its {' and '.join(path.stem + suffix for suffix in missing)}",
            "copy all files of the Shapefile into one folder",
        )
    if ".cpg" in beside:
        encoding = decode(read_bytes(beside[".cpg"])).strip() or "utf-8"
        try:
            "".encode(encoding)
            return _from_ogr(path, layer=None, encoding=encoding)
        except (LookupError, UnicodeError):
            table = _from_ogr(path, layer=None, encoding=_dbf_encoding(beside[".dbf"]))
            table.warnings.append(f"{beside['.cpg'].name} names the encoding {encoding!r}, which the texts are not in")
            return table
    return _from_ogr(path, layer=None, encoding=_dbf_encoding(beside[".dbf"]))


def _dbf_encoding(path: Path) -> str:
    content = read_bytes(path)
    body = content[int.from_bytes(content[8:10], "little") :]
    for encoding in ("utf-8", "gb18030"):
        try:
            body.decode(encoding)
        except UnicodeDecodeError:
            continue
        return encoding
    return "latin-1"


def _ogr(call: Callable[[], Any]) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return call()
    except UnicodeError:
        raise
    except Exception as error:  # of a damaged file; the library raises many kinds
        raise UnreadableFileError(f"the map cannot be read: {error}", "export the map again") from error


def _from_ogr(path: Path, *, layer: str | None, encoding: str | None) -> RawTable:
    info, _, shapes, values = _ogr(lambda: pyogrio.raw.read(path, layer=layer, encoding=encoding, force_2d=True))
    columns: Iterable[NDArray[Any]] = values
    headers = [str(name) for name in info["fields"]]
    cells = [[_ogr_text(value) for value in column] for column in columns]
    count = len(shapes) if shapes is not None else len(cells[0]) if cells else 0
    geometry = np.full(count, None, dtype=object)
    if shapes is not None:
        geometry[:] = _ogr(lambda: shapely.from_wkb(shapes, on_invalid="ignore"))
    return RawTable(
        headers=headers,
        cells=cells,
        rows=np.arange(1, count + 1, dtype=np.int64),
        geometry=geometry,
        crs=info.get("crs"),
    )


def _ogr_text(value: Any) -> str:
    if isinstance(value, np.datetime64):
        return "" if np.isnat(value) else str(value).replace("T", " ")
    return "" if value is None else as_text(value)
