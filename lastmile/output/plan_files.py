"""A plan's files: JSON that reads back to the same plan, GeoJSON, GeoPackage, and the drivers' sheets.

``write_plan`` writes into a folder that the caller moves into place when all of it is there.
"""

import csv
import dataclasses
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import geopandas
import numpy as np
import pyogrio
import shapely
from pydantic import TypeAdapter, ValidationError

from lastmile.errors import Fault, InputError
from lastmile.geo.demand import Demand
from lastmile.geo.network import RoadNetwork
from lastmile.output.plan_frames import (
    DECIMALS,
    STOP_COLUMNS,
    demand_frame,
    route_frame,
    site_frame,
    stop_frame,
    stop_rows,
    unserved_frame,
)
from lastmile.plans import FORMAT, Manifest, Plan

SYNTHETIC_NOTICE: Final = "Synthetic city: made up, not a real map / 虚构城市"
_FAULTS_MAX: Final = 50
_REMEDY: Final = "take plan.json as lastmile wrote it, or make the plan again with: lastmile plan SCENARIO"
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")
_ADAPTER: Final = TypeAdapter(Plan)
# Keys that are not there where there are no phases, nothing is said of them, or nothing is charged, as in older files.
_WHERE_USED: Final = ("opens_by", "built", "phases", "demand_factor", "charged_wh")


def write_plan(plan: Plan, demand: Demand, network: RoadNetwork, folder: Path) -> None:
    """Write ``plan.json``, ``sites.geojson``, ``routes.geojson``, ``plan.gpkg`` and ``stops.csv``.

    Parameters
    ----------
    demand
        The orders that the plan serves; a layer of the GeoPackage.
    network
        The network that the plan's edges index.
    folder
        Exists and is empty: GeoPackage layers are added to a file that is there.

    Raises
    ------
    ValueError
        When the plan's edges do not fit the network, or a number of the plan is not a number.
    """
    sites = site_frame(plan)
    routes = route_frame(plan, network)
    (folder / "plan.json").write_text(plan_text(plan), encoding="utf-8", newline="\n")
    for name, frame in (("sites", sites), ("routes", routes)):
        (folder / f"{name}.geojson").write_text(_geojson(frame, plan.manifest), encoding="utf-8", newline="\n")
    layers = {"sites": sites, "routes": routes, "stops": stop_frame(plan), "demand": demand_frame(plan, demand)}
    layers["unserved"] = unserved_frame(plan)
    _write_geopackage(folder / "plan.gpkg", layers, day=plan.manifest.day)
    write_table(folder / "stops.csv", STOP_COLUMNS, (row.values() for row in stop_rows(plan)))


def plan_text(plan: Plan) -> str:
    """Spell a plan as JSON: keys in the order of the dataclasses, one list item a line, numbers without loss.

    Numbers are not rounded: a plan that was read must be checked with the same result as the plan that was written.
    """
    values = {"format": FORMAT, **_keys([(item.name, getattr(plan, item.name)) for item in dataclasses.fields(plan)])}
    lines = []
    for key, value in values.items():
        if isinstance(value, tuple) and value:
            items = ",\n".join(f"  {_compact(item)}" for item in value)
            lines.append(f'"{key}": [\n{items}\n]')
        else:
            lines.append(f'"{key}": {_compact(value)}')
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return {key: value for key, value in pairs if value or key not in _WHERE_USED}


def _compact(value: Any) -> str:
    plain = value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        plain = dataclasses.asdict(value, dict_factory=_keys)
    return json.dumps(plain, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=date.isoformat)


def read_plan(path: Path | str) -> Plan:
    """Read a plan from ``plan.json``, or from the folder that holds it.

    Raises
    ------
    InputError
        With every fault that was found, when the file is missing, cut, of another version or altered.
    """
    path = Path(path)
    if path.is_dir():
        path = path / "plan.json"
    try:
        raw = json.loads(path.read_bytes().decode("utf-8-sig"))
        text = json.dumps(raw, allow_nan=False)
    except OSError as error:
        raise InputError.single(
            place=str(path), cause=f"cannot be read: {error.strerror}", remedy="give the path of a plan.json"
        ) from error
    except (ValueError, RecursionError) as error:
        raise InputError.single(place=path.name, cause=f"is no valid JSON: {error}", remedy=_REMEDY) from error
    if not isinstance(raw, dict) or raw.get("format") != FORMAT:
        found = raw.get("format") if isinstance(raw, dict) else type(raw).__name__
        raise InputError.single(
            place=path.name,
            cause=f"is no plan of this version: format {found!r}, this version reads {FORMAT!r}",
            remedy=_REMEDY,
        )
    del raw["format"]
    try:
        plan = _ADAPTER.validate_json(text, strict=True)
    except ValidationError as error:
        raise InputError(
            Fault(place=f"{path.name}, {_spell(item['loc'])}", cause=_cause(item), remedy=_REMEDY)
            for item in error.errors(include_url=False)[:_FAULTS_MAX]
        ) from error
    faults = [*_unknown_keys(raw, dataclasses.asdict(plan), ""), *_inconsistencies(plan)]
    if faults:
        raise InputError(
            Fault(place=f"{path.name}, {where}", cause=cause, remedy=_REMEDY) for where, cause in faults[:_FAULTS_MAX]
        )
    return plan


def _spell(location: tuple[int | str, ...]) -> str:
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in location)
    return text.removeprefix(".") or "whole file"


def _cause(item: Any) -> str:
    if item["type"] == "missing":
        return "the key is missing"
    found = json.dumps(item.get("input"), ensure_ascii=False, default=str)
    return f"found {found if len(found) <= 60 else found[:57] + '...'}: {item['msg'][0].lower()}{item['msg'][1:]}"


def _unknown_keys(raw: Any, known: Any, where: str) -> Iterator[tuple[str, str]]:
    if isinstance(raw, dict) and isinstance(known, dict):
        for key, value in raw.items():
            place = f"{where}.{key}".removeprefix(".")
            if key not in known:
                yield place, "the key is unknown"
            else:
                yield from _unknown_keys(value, known[key], place)
    elif isinstance(raw, list) and isinstance(known, list | tuple):
        for index, (value, same) in enumerate(zip(raw, known, strict=True)):
            if isinstance(value, dict):
                yield from _unknown_keys(value, same, f"{where}[{index}]")


def _inconsistencies(plan: Plan) -> Iterator[tuple[str, str]]:
    """What single values cannot show: numbers out of their range, references to nothing, times that run back."""
    places: list[tuple[str, float, float]] = []
    for i, site in enumerate(plan.sites):
        places.append((f"sites[{i}]", site.lon, site.lat))
        days = [state.by for state in site.built]
        if days and (days[0] != site.opens_by or days != sorted(set(days))):
            yield f"sites[{i}].built", f"its dates do not ascend from {site.opens_by}, when it opens"
    for i, left in enumerate(plan.unserved):
        places.append((f"unserved[{i}]", left.lon, left.lat))
    for i, route in enumerate(plan.routes):
        if len(route.stops) != len(route.legs) + 1:
            yield f"routes[{i}]", f"{len(route.stops)} stops need one leg fewer, not {len(route.legs)}"
        for j, stop in enumerate(route.stops):
            where = f"routes[{i}].stops[{j}]"
            places.append((where, stop.lon, stop.lat))
            if not stop.arrive_s <= stop.start_s <= stop.depart_s:
                yield where, f"times run back: {stop.arrive_s}, {stop.start_s}, {stop.depart_s}"
        for j, leg in enumerate(route.legs):
            where = f"routes[{i}].legs[{j}]"
            if not (0.0 <= leg.start_fraction <= 1.0 and 0.0 <= leg.end_fraction <= 1.0):
                yield where, f"fractions must be within 0 and 1: {leg.start_fraction}, {leg.end_fraction}"
            if any(edge < 0 for edge in leg.edges):
                yield where, f"an edge is negative: {min(leg.edges)}"
            if leg.arrive_s < leg.depart_s or leg.distance_m < 0:
                yield where, "time or distance is negative"
    for where, lon, lat in places:
        if not (-180.0 <= lon <= 180.0 and -90.0 <= lat <= 90.0):
            yield where, f"no place on earth: lon {lon}, lat {lat}"
    if plan.phases and plan.phases[-1].siting != plan.siting:
        yield "phases", "the last one's siting is not the plan's"
    if any(before.by >= after.by for before, after in pairwise(plan.phases)):
        yield "phases", "their dates do not ascend"
    known = [site.id for site in plan.sites]
    if len(set(known)) != len(known):
        yield "sites", "an id occurs twice"
    names = set(known)
    for i, service in enumerate(plan.services):
        if service.site_id is not None and service.site_id not in names:
            yield f"services[{i}].site_id", f"{service.site_id!r} is no site of the plan"


def _geojson(frame: geopandas.GeoDataFrame, manifest: Manifest) -> str:
    """A FeatureCollection by RFC 7946; ``attribution`` and ``notice`` are foreign members (section 6.1)."""
    head: dict[str, Any] = {"type": "FeatureCollection", "attribution": manifest.attribution}
    if manifest.synthetic_map:
        head["notice"] = SYNTHETIC_NOTICE
    names = [name for name in frame.columns if name != "geometry"]
    columns = [frame[name].tolist() for name in names]
    features = []
    for values, geometry in zip(zip(*columns, strict=True), frame.geometry, strict=True):
        place = None
        if geometry is not None:
            coordinates = np.round(shapely.get_coordinates(geometry), DECIMALS).tolist()
            is_point = geometry.geom_type == "Point"
            place = {"type": geometry.geom_type, "coordinates": coordinates[0] if is_point else coordinates}
        properties = dict(zip(names, values, strict=True))
        feature = {"type": "Feature", "properties": properties, "geometry": place}
        features.append(json.dumps(feature, ensure_ascii=False, allow_nan=False, separators=(",", ":")))
    opening = json.dumps(head, ensure_ascii=False)[:-1]
    return opening + ', "features": [\n' + ",\n".join(features) + "\n]}\n"


def _write_geopackage(path: Path, layers: Mapping[str, geopandas.GeoDataFrame], *, day: str) -> None:
    kinds = {"routes": "LineString"}
    before = pyogrio.get_gdal_config_option("OGR_CURRENT_DATE")
    # GeoPackage stamps layers with the time of writing; the planned day keeps equal plans equal to the byte.
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": f"{day}T00:00:00.000Z"})
    try:
        for name, frame in layers.items():
            pyogrio.write_dataframe(
                frame, path, layer=name, driver="GPKG", geometry_type=kinds.get(name, "Point"), append=False
            )
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": before})


def safe_cell(text: str) -> str:
    """Keep a spreadsheet from reading text as a formula.

    References
    ----------
    .. [1] OWASP. CSV Injection. https://owasp.org/www-community/attacks/CSV_Injection
    """
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def write_table(path: Path, columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> None:
    """Write a table as CSV that spreadsheets read as what it is; None leaves its cell empty."""
    # The mark at the start of the file is what makes Excel read it as UTF-8.
    with path.open("w", encoding="utf-8-sig", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(columns)
        for row in rows:
            writer.writerow(["" if v is None else safe_cell(v) if isinstance(v, str) else v for v in row])
