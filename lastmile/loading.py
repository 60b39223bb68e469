"""Read a scenario file with all its tables, and report every fault at once."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lastmile.cross_checks import check_references, check_tables
from lastmile.errors import Fault, InputError
from lastmile.geo.crs import metric_crs, to_wgs84
from lastmile.geo.osm import check_path
from lastmile.scenario import ScenarioFile, TableFile
from lastmile.tables import Table, TableSchema, read_table
from lastmile.tables.schemas import AREAS, CANDIDATES, CHARGERS, DISTRICTS, FORBIDDEN, ORDERS, POPULATION, ZONES
from lastmile.validation import read_scenario_file


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
    file = read_scenario_file(path)
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
    faults += check_references(file, place=path.name)
    if not faults:
        faults += check_tables(file, tables, place=path.name)
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


def _hashes(path: Path, file: ScenarioFile) -> dict[str, str]:
    files = [path]
    if file.map.osm is not None:
        files.append(path.parent / file.map.osm)
    files += [path.parent / source.file for _, source, _ in _table_files(file)]
    return {item.name: _sha256(item) for item in files}


def _sha256(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
