"""Read a scenario file with all its tables, and report every fault at once."""

import difflib
import hashlib
import json
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin

import numpy as np
import pandas as pd
import pyproj
from pydantic import BaseModel, ValidationError

from lastmile.errors import Fault, InputError
from lastmile.geo.crs import metric_crs, parse_crs, to_wgs84
from lastmile.geo.osm import check_path
from lastmile.geo.speeds import check_speeds
from lastmile.scenario import (
    AreaTarget,
    BudgetTarget,
    CountTarget,
    CoverageTarget,
    PermitTarget,
    ScenarioFile,
    TableFile,
)
from lastmile.tables import Table, TableSchema, read_table
from lastmile.tables.schemas import AREAS, CANDIDATES, CHARGERS, DISTRICTS, FORBIDDEN, ORDERS, POPULATION, ZONES


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A scenario file and its tables, checked and in WGS-84.

    Parameters
    ----------
    path
        The TOML file; ``folder`` is where its relative paths start.
    file
        What it says.
    districts, areas, population, zones, forbidden, candidates, chargers, orders
        Frames with the columns of :mod:`lastmile.schemas` and a geometry in WGS-84, None where not given.
    metric_crs
        Projected system for metric work.
    inputs
        File name -> SHA-256 of every file that the plan depends on.
    warnings
        What the reading decided for the user.
    """

    path: Path
    file: ScenarioFile
    metric_crs: str
    inputs: dict[str, str]
    warnings: tuple[str, ...] = ()
    districts: Any = None
    areas: Any = None
    population: Any = None
    zones: Any = None
    forbidden: Any = None
    candidates: Any = None
    chargers: Any = None
    orders: Any = None

    @property
    def folder(self) -> Path:
        """The folder in which relative paths of the file start."""
        return self.path.parent

    @property
    def map_path(self) -> Path | None:
        """The map file, None where a place is to be downloaded."""
        return None if self.file.map.osm is None else self.folder / self.file.map.osm


def load_scenario(path: Path | str) -> Scenario:
    """Read and check a scenario.

    Raises
    ------
    InputError
        With every fault of the file and its tables.
    """
    path = Path(path)
    file = _validate(_read_toml(path), place=path.name)
    tables: dict[str, Table] = {}
    faults: list[Fault] = []
    for key, source, schema in _table_files(file):
        table = read_table(path.parent / source.file, schema, crs=source.crs, layer=source.layer)
        faults += table.faults
        tables[key] = table
    if file.map.osm is not None:
        try:
            check_path(path.parent / file.map.osm)
        except InputError as error:
            faults += error.faults
    faults += _cross_check(file, place=path.name)
    if not faults:
        faults += _check_against_tables(file, tables, place=path.name)
    if faults:
        raise InputError(faults)
    frames = {key: table.frame for key, table in tables.items()}
    lon, lat = depot_places(file)
    return Scenario(
        path=path,
        file=file,
        metric_crs=file.metric_crs or metric_crs(float(np.mean(lon)), float(np.mean(lat))),
        inputs=_hashes(path, file),
        warnings=tuple(f"{t.source}: {text}" for t in tables.values() for text in t.warnings),
        **frames,
    )


def depot_places(file: ScenarioFile) -> tuple[list[float], list[float]]:
    """Longitudes and latitudes of the depots in WGS-84."""
    lon, lat = [], []
    for depot in file.depots:
        x, y = to_wgs84(np.array([depot.lon]), np.array([depot.lat]), depot.crs)
        lon.append(float(x[0]))
        lat.append(float(y[0]))
    return lon, lat


def _read_toml(path: Path) -> dict[str, Any]:
    place = path.name
    try:
        raw = path.read_bytes()
    except OSError as error:
        near = sorted(p.name for p in path.parent.glob("*.toml")) if path.parent.is_dir() else []
        hint = f"; the folder has {', '.join(near)}" if near else ""
        raise InputError.single(
            place=str(path), cause=f"cannot be read: {error.strerror}", remedy=f"give the path of a scenario file{hint}"
        ) from error
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        # TOML is UTF-8 by definition, but Chinese editors on Windows still save GB18030.
        try:
            text = raw.decode("gb18030")
        except UnicodeDecodeError as error:
            raise InputError.single(
                place=place, cause="is neither UTF-8 nor GB18030 text", remedy="save the file as UTF-8"
            ) from error
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError.single(
            place=place, cause=f"is no valid TOML: {error}", remedy="mend the line named here; see https://toml.io"
        ) from error


# -- what pydantic found, in the words of a fault -------------------------------------------------------------------

_REMEDIES: Final = {
    "int_type": "write a whole number, without quotes",
    "int_from_float": "write a whole number",
    "float_type": "write a number, without quotes",
    "string_type": 'write text in quotes: "…"',
    "bool_type": "write true or false, without quotes",
    "tuple_type": "write a list in square brackets: […]",
    "dict_type": "write a table",
    "model_type": "write a table of keys",
    "finite_number": "write a finite number",
    "date_from_datetime_parsing": "write a date as YYYY-MM-DD",
    "date_type": "write a date as YYYY-MM-DD, without quotes",
}


def _validate(values: dict[str, Any], *, place: str) -> ScenarioFile:
    try:
        # By way of JSON, where strict means what it means in TOML: a list for a tuple, but no text for a number.
        return ScenarioFile.model_validate_json(json.dumps(values, default=str, ensure_ascii=False))
    except ValidationError as error:
        items = error.errors(include_url=False)
        # A list whose every item is wrong is not also "too short".
        telling = [item for item in items if item["type"] != "too_short" or len(items) == 1]
        raise InputError([_fault(item, values, place) for item in telling]) from error


def _fault(item: Any, values: dict[str, Any], place: str) -> Fault:
    kind, raw_path = item["type"], tuple(item["loc"])
    path, model = _walk(raw_path)
    spot = f"{place}, {_spell(path, values)}" if path else place
    context = item.get("ctx", {})
    if kind == "extra_forbidden":
        key = str(path[-1])
        known = list(model.model_fields) if model is not None else []
        return Fault(place=spot, cause=f"unknown key {key!r}", remedy=_nearest(key, known))
    if kind == "missing":
        return Fault(place=spot, cause="the key is missing", remedy=f"add it{_meaning(model, path)}")
    found = json.dumps(item.get("input"), ensure_ascii=False, default=str)
    found = found if len(found) <= 80 else found[:77] + "..."
    if kind in ("literal_error", "union_tag_invalid"):
        expected = str(context.get("expected") or context.get("expected_tags"))
        choices = [part.strip(" '") for part in expected.replace(" or ", ",").split(",")]
        return Fault(
            place=spot, cause=f"{found} is not a known value", remedy=_nearest(str(item.get("input")), choices)
        )
    if kind == "value_error":
        return Fault(place=spot, cause=f"{context.get('error')}", remedy=f"mend the value{_meaning(model, path)}")
    message = item["msg"][0].lower() + item["msg"][1:]
    return Fault(place=spot, cause=f"found {found}: {message}", remedy=_REMEDIES.get(kind, "mend the value"))


def _nearest(found: str, known: Iterable[str]) -> str:
    known = [name for name in known if name]
    near = difflib.get_close_matches(found, known, n=1, cutoff=0.6)
    return f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(known)}"


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif get_origin(annotation) in (Annotated, Union, UnionType, tuple, dict):
        for part in get_args(annotation):
            yield from _models_in(part)


def _walk(path: tuple[Any, ...]) -> tuple[tuple[Any, ...], type[BaseModel] | None]:
    """Drop what pydantic adds to a path (union tags), and find the model that holds its last key."""
    models: list[type[BaseModel]] = [ScenarioFile]
    holder: type[BaseModel] | None = ScenarioFile
    kept: list[Any] = []
    for step in path:
        if isinstance(step, int):
            kept.append(step)
            continue
        tagged = [
            m
            for m in models
            if m.model_fields.get("measure") and step in get_args(m.model_fields["measure"].annotation)
        ]
        if len(models) > 1 and tagged:
            models = tagged
            continue
        kept.append(step)
        holder = models[0] if models else None
        field = holder.model_fields.get(step) if holder is not None else None
        models = list(_models_in(field.annotation)) if field is not None else []
    return tuple(kept), holder


def _spell(path: tuple[Any, ...], values: Any) -> str:
    """``vehicles[0] 'trike'.battery.usable_kwh``: the path, with the id of what it leads through."""
    text = ""
    for step in path:
        try:
            values = values[step]
        except (KeyError, IndexError, TypeError):
            values = None
        if isinstance(step, int):
            text += f"[{step}]"
            name = values.get("id") if isinstance(values, dict) else None
            text += f" {name!r}" if isinstance(name, str) else ""
        else:
            text += f".{step}" if text else str(step)
    return text


def _meaning(model: type[BaseModel] | None, path: tuple[Any, ...]) -> str:
    field = model.model_fields.get(str(path[-1])) if model is not None and path else None
    return f": {field.description}" if field is not None and field.description else ""


# -- what only the whole shows ---------------------------------------------------------------------------------------


def _table_files(file: ScenarioFile) -> Iterator[tuple[str, TableFile, TableSchema]]:
    generate = file.demand.generate
    for key, source, schema in (
        ("districts", file.districts, DISTRICTS),
        ("areas", file.areas, AREAS),
        ("zones", file.zones_file, ZONES),
        ("chargers", file.chargers, CHARGERS),
        ("orders", file.demand.orders, ORDERS),
        ("population", generate.population if generate else None, POPULATION),
        ("candidates", file.candidates.table, CANDIDATES),
        ("forbidden", file.candidates.forbidden, FORBIDDEN),
    ):
        if source is not None:
            yield key, source, schema


def _cross_check(file: ScenarioFile, *, place: str) -> list[Fault]:
    """References between the parts of the file."""
    faults: list[Fault] = []

    def known(where: str, name: str, choices: Iterable[str], what: str) -> None:
        options = list(choices)
        if name not in options:
            remedy = _nearest(name, options) if options else f"the scenario defines no {what}"
            faults.append(Fault(place=f"{place}, {where}", cause=f"{name!r} is no {what}", remedy=remedy))

    for group, items in (
        ("zones", file.zones),
        ("permits", file.permits),
        ("facilities", file.facilities),
        ("targets", file.targets),
        ("depots", file.depots),
        ("vehicles", file.vehicles),
    ):
        seen: set[str] = set()
        for index, item in enumerate(items):
            if item.id in seen:
                faults.append(
                    Fault(
                        place=f"{place}, {group}[{index}].id",
                        cause=f"{item.id!r} occurs twice",
                        remedy="give each its own id",
                    )
                )
            seen.add(item.id)
    zones = [zone.id for zone in file.zones]
    facilities = [facility.id for facility in file.facilities]
    depots = [depot.id for depot in file.depots]
    dispatching = [facility.id for facility in file.facilities if facility.dispatches]
    for clash in set(facilities) & set(depots):
        faults.append(
            Fault(
                place=f"{place}, depots", cause=f"{clash!r} names a depot and a facility", remedy="rename one of them"
            )
        )
    for i, permit in enumerate(file.permits):
        for zone in permit.zones:
            known(f"permits[{i}] {permit.id!r}.zones", zone, zones, "zone")
    for i, zone_rule in enumerate(file.zones):
        if zone_rule.effect == "permit" and not any(zone_rule.id in permit.zones for permit in file.permits):
            faults.append(
                Fault(
                    place=f"{place}, zones[{i}] {zone_rule.id!r}.effect",
                    cause="a permit is required but no permit opens this zone",
                    remedy='add the zone to a permit\'s zones, or write effect = "ban"',
                )
            )
    for i, vehicle in enumerate(file.vehicles):
        for base in vehicle.based_at:
            known(f"vehicles[{i}] {vehicle.id!r}.based_at", base, depots + dispatching, "depot or dispatching facility")
    for i, target in enumerate(file.targets):
        where = f"targets[{i}] {target.id!r}"
        if isinstance(target, CountTarget):
            known(f"{where}.facility", target.facility, facilities, "facility")
        elif isinstance(target, CoverageTarget | AreaTarget):
            for facility in target.facilities:
                known(f"{where}.facilities", facility, facilities, "facility")
        elif isinstance(target, BudgetTarget):
            known(
                f"{where}.category", target.category, {f.budget for f in file.facilities if f.budget}, "budget category"
            )
        elif isinstance(target, PermitTarget):
            known(f"{where}.permit", target.permit, [permit.id for permit in file.permits], "permit")
        if isinstance(target, AreaTarget) and file.areas is None:
            faults.append(
                Fault(
                    place=f"{place}, {where}",
                    cause="the target speaks of areas, but the scenario has no table of them",
                    remedy="add [areas] with a table of communities, villages, townships or campuses",
                )
            )
        if (
            isinstance(target, CountTarget | PermitTarget)
            and target.maximum is not None
            and target.maximum < target.minimum
        ):
            faults.append(
                Fault(
                    place=f"{place}, {where}.maximum",
                    cause=f"maximum {target.maximum} is below minimum {target.minimum}",
                    remedy="exchange or mend them",
                )
            )
    if file.zones and file.zones_file is None:
        faults.append(
            Fault(
                place=f"{place}, zones",
                cause="zones are defined but zones_file, the table with their polygons, is not",
                remedy='add [zones_file] with file = "….geojson" and its crs',
            )
        )
    if file.demand.generate is not None and file.districts is None and file.demand.generate.population is None:
        faults.append(
            Fault(
                place=f"{place}, demand.generate",
                cause="there is nothing to scale the demand to",
                remedy="give [districts] with populations, or demand.generate.population",
            )
        )
    for i, depot in enumerate(file.depots):
        try:
            parse_crs(depot.crs)
        except ValueError as error:
            faults.append(
                Fault(
                    place=f"{place}, depots[{i}] {depot.id!r}.crs",
                    cause=str(error),
                    remedy="declare the coordinates' system",
                )
            )
    if file.metric_crs is not None:
        try:
            projected = pyproj.CRS.from_user_input(file.metric_crs).is_projected
        except pyproj.exceptions.CRSError:
            projected = False
        if not projected:
            faults.append(
                Fault(
                    place=f"{place}, metric_crs",
                    cause=f"{file.metric_crs!r} is no projected coordinate system",
                    remedy="name one in metres, for example EPSG:32649, or leave the key out",
                )
            )
    return faults + check_speeds(file.speeds, place=place)


def _check_against_tables(file: ScenarioFile, tables: dict[str, Table], *, place: str) -> list[Fault]:
    """References from the file into its tables, and rows against each other."""
    faults: list[Fault] = []
    for key, column in (
        ("orders", "id"),
        ("areas", "id"),
        ("candidates", "id"),
        ("zones", "zone_id"),
        ("districts", "name"),
    ):
        table = tables.get(key)
        if table is None:
            continue
        if not len(table.frame):
            faults.append(
                Fault(place=table.source, cause="the table has no rows", remedy="fill it, or leave the key out")
            )
        again = table.frame[column].duplicated()
        for row, value in zip(table.rows[again.to_numpy()][:10], table.frame[column][again], strict=False):
            faults.append(
                Fault(
                    place=f"{table.source}, row {row}, column {column!r}",
                    cause=f"{value!r} occurs twice",
                    remedy="give each row its own",
                )
            )
    if (zones := tables.get("zones")) is not None:
        polygons = list(zones.frame["zone_id"])
        for i, zone in enumerate(file.zones):
            if zone.polygon not in polygons:
                faults.append(
                    Fault(
                        place=f"{place}, zones[{i}] {zone.id!r}.polygon",
                        cause=f"{zone.polygon!r} is no zone_id of {zones.source}",
                        remedy=_nearest(zone.polygon, polygons),
                    )
                )
    if (districts := tables.get("districts")) is not None:
        names = list(districts.frame["name"])
        wanted: list[tuple[str, tuple[str, ...]]] = []
        if file.demand.generate is not None and file.demand.generate.districts is not None:
            wanted.append(("demand.generate.districts", file.demand.generate.districts))
        for i, target in enumerate(file.targets):
            if isinstance(target, CoverageTarget | AreaTarget) and target.districts is not None:
                wanted.append((f"targets[{i}] {target.id!r}.districts", target.districts))
            elif isinstance(target, CountTarget) and target.district is not None:
                wanted.append((f"targets[{i}] {target.id!r}.district", (target.district,)))
        for where, chosen in wanted:
            faults += [
                Fault(
                    place=f"{place}, {where}",
                    cause=f"{name!r} is no district of {districts.source}",
                    remedy=_nearest(name, names),
                )
                for name in chosen
                if name not in names
            ]
        if (
            file.demand.generate is not None
            and file.demand.generate.population is None
            and districts.frame["population"].isna().any()
        ):
            faults.append(
                Fault(
                    place=f"{districts.source}, column 'population'",
                    cause="some districts have no population and there is no population table",
                    remedy="fill the column, or give demand.generate.population",
                )
            )
    if (orders := tables.get("orders")) is not None:
        start, end = orders.frame["window_start"], orders.frame["window_end"]
        for position in np.flatnonzero((end < start).fillna(False).to_numpy(dtype=bool)):
            faults.append(
                Fault(
                    place=f"{orders.source}, row {orders.rows[position]}, column 'window_end'",
                    cause=f"the window ends at {_time(end.iloc[position])}, before it starts at {_time(start.iloc[position])}",
                    remedy="exchange the two times, or mend the wrong one",
                )
            )
    if (candidates := tables.get("candidates")) is not None:
        facilities = [facility.id for facility in file.facilities]
        for row, chosen in zip(candidates.rows, candidates.frame["facilities"], strict=True):
            faults += [
                Fault(
                    place=f"{candidates.source}, row {row}, column 'facilities'",
                    cause=f"{name!r} is no facility of the scenario",
                    remedy=_nearest(name, facilities),
                )
                for name in (chosen if isinstance(chosen, tuple) else ())
                if name not in facilities
            ]
    return faults


def _time(seconds: Any) -> str:
    return f"{int(seconds) // 3600:02d}:{int(seconds) % 3600 // 60:02d}" if not pd.isna(seconds) else "?"


def _hashes(path: Path, file: ScenarioFile) -> dict[str, str]:
    files = [path]
    if file.map.osm is not None:
        files.append(path.parent / file.map.osm)
    files += [path.parent / source.file for _, source, _ in _table_files(file)]
    return {item.name: _sha256(item) for item in files}


def _sha256(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
