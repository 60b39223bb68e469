"""Read a scenario file with all its tables, and report every fault at once."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from pydantic import ValidationError

from lastmile.cross_checks import check_references, check_tables, odd
from lastmile.errors import Fault, InputError
from lastmile.geo.crs import metric_crs, to_wgs84
from lastmile.geo.map_file import check_path
from lastmile.scenario import ScenarioFile, TableFile
from lastmile.tables import Table, read_table
from lastmile.tables.schemas import (
    AREAS,
    CANDIDATES,
    CHARGERS,
    DISTRICTS,
    FORBIDDEN,
    MEASURED,
    ORDERS,
    POPULATION,
    ZONES,
)
from lastmile.validation import read_toml, validate

# Where the scenario file names its tables.
_TABLES: Final = {
    "districts": (("districts",), DISTRICTS),
    "areas": (("areas",), AREAS),
    "zones": (("zones_file",), ZONES),
    "chargers": (("chargers",), CHARGERS),
    "orders": (("demand", "orders"), ORDERS),
    "population": (("demand", "generate", "population"), POPULATION),
    "candidates": (("candidates", "table"), CANDIDATES),
    "forbidden": (("candidates", "forbidden"), FORBIDDEN),
    "measured": (("speeds", "measured"), MEASURED),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A scenario file and its tables, checked and in WGS-84.

    Parameters
    ----------
    path
        The TOML file; ``folder`` is where its relative paths start.
    file
        What it says.
    districts, areas, population, zones, forbidden, candidates, chargers, orders, measured
        Frames with the columns of :mod:`lastmile.tables.schemas`, those with places with a geometry in WGS-84; None
        where not given.
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
    measured: Any = None

    @property
    def folder(self) -> Path:
        """The folder in which relative paths of the file start."""
        return self.path.parent

    @property
    def elevation_path(self) -> Path | None:
        """The raster of heights, None where the land is taken to be flat."""
        return None if self.file.map.elevation is None else self.folder / self.file.map.elevation

    @property
    def zone_polygons(self) -> dict[str, Any]:
        """Polygons of the zone table in WGS-84 by their id; none where there is no table."""
        return {} if self.zones is None else dict(zip(self.zones["zone_id"], self.zones.geometry, strict=True))

    @property
    def map_path(self) -> Path | None:
        """The map file, None where a place is to be downloaded."""
        return None if self.file.map.osm is None else self.folder / self.file.map.osm


def load_scenario(path: Path | str) -> Scenario:
    """Read and check a scenario.

    Raises
    ------
    InputError
        With every fault of the file and its tables. Tables are read even where the file has faults, as far as it
        names them well, so that one report has everything.
    """
    path = Path(path)
    values = read_toml(path)
    faults: list[Fault] = []
    file: ScenarioFile | None = None
    try:
        file = validate(values, place=path.name)
    except InputError as error:
        faults += error.faults
    sources = dict(_table_files(values))
    tables: dict[str, Table] = {}
    for key, source in sources.items():
        tables[key] = read_table(path.parent / source.file, _TABLES[key][1], crs=source.crs, layer=source.layer)
        faults += tables[key].faults
    osm = _at(values, ("map", "osm"))
    if isinstance(osm, str):
        try:
            check_path(path.parent / osm)
        except InputError as error:
            faults += error.faults
    elevation = _at(values, ("map", "elevation"))
    if isinstance(elevation, str) and not (path.parent / elevation).is_file():
        faults.append(
            Fault(
                place=str(path.parent / elevation),
                cause="the raster of heights does not exist or is not a file",
                remedy="give the path of a raster in map.elevation, or leave it out: the land is then flat",
            )
        )
    if file is not None:
        faults += check_references(file, place=path.name)
        whole = {key: table for key, table in tables.items() if not table.faults}
        faults += check_tables(file, whole, place=path.name)
    if file is None or faults:
        raise InputError(faults)
    frames = {key: table.frame for key, table in tables.items()}
    lon, lat = depot_places(file)
    return Scenario(
        path=path,
        file=file,
        metric_crs=file.metric_crs or metric_crs(float(np.mean(lon)), float(np.mean(lat))),
        inputs=_hashes(path, file, sources.values()),
        warnings=(*odd(file), *(f"{t.source}: {text}" for t in tables.values() for text in t.warnings)),
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


def _at(values: Any, keys: tuple[str, ...]) -> Any:
    """What a nested table has at a path of keys; None where there is nothing."""
    for key in keys:
        values = values.get(key) if isinstance(values, Mapping) else None
    return values


def _table_files(values: Mapping[str, Any]) -> Iterator[tuple[str, TableFile]]:
    """The tables that a scenario file names; a wrong entry is passed over, it is a fault of the file already."""
    for key, (keys, _) in _TABLES.items():
        try:
            yield key, TableFile.model_validate(_at(values, keys))
        except ValidationError:
            continue


def _hashes(path: Path, file: ScenarioFile, sources: Iterable[TableFile]) -> dict[str, str]:
    # By the names that the scenario uses: two files of one name may lie in different folders.
    given = (file.map.osm, file.map.elevation)
    names = [path.name, *(name for name in given if name is not None), *(source.file for source in sources)]
    return {name: _sha256(path.parent / name) for name in names}


def _sha256(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
