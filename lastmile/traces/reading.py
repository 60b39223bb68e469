"""Recorded traces from the user's files: one trace per vehicle, in the order of time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from lastmile.errors import Fault, InputError
from lastmile.geo.fixes import Trace
from lastmile.tables import Table, read_table
from lastmile.tables.schemas import TRACES
from lastmile.traces.moments import read_moments
from lastmile.units import DAY_S

# Radius in which two of three places lie, in standard deviations of a Gaussian in the plane.
_RADIUS: Final = 1.5096
_FAULTS_MAX: Final = 50
_HALF_DAY_S: Final = DAY_S / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What one vehicle recorded; ``vehicle_type`` is empty where the files do not state it."""

    vehicle_id: str
    vehicle_type: str
    trace: Trace


@dataclass(frozen=True, slots=True, kw_only=True)
class Recordings:
    """All vehicles, in the order in which the files name them; ``warnings``: what was decided for the user."""

    vehicles: tuple[Recorded, ...]
    warnings: tuple[str, ...]

    @property
    def fixes(self) -> int:
        """Number of fixes of all vehicles."""
        return sum(len(vehicle.trace) for vehicle in self.vehicles)


def read_recordings(
    paths: Sequence[Path], *, crs: str, day: date, utc_offset_s: int | None = None, layer: str | None = None
) -> Recordings:
    """Read traces from tables or GPX files.

    Rows of a vehicle may stand in any order and in several files. Of fixes with equal times the first is kept.

    Parameters
    ----------
    crs
        The coordinates' system, declared by the caller; a file's own word for it is not relied on.
    day
        The planned day, from whose midnight seconds are counted.
    utc_offset_s
        See :func:`lastmile.traces.moments.read_moments`; GPX files have times of UTC.
    layer
        Sheet of a workbook or layer of a GeoPackage.

    Raises
    ------
    InputError
        With every fault of all files.
    """
    tables = [read_table(path, TRACES, crs=crs, layer=layer) for path in paths]
    faults = [fault for table in tables for fault in table.faults]
    warnings = [f"{table.source}: {text}" for table in tables for text in table.warnings]
    frames = []
    for number, table in enumerate(tables):
        if table.faults:
            continue
        frame, wrong = _rows(table, day, utc_offset_s)
        faults += wrong
        frames.append(frame.assign(file=number))
    if faults:
        raise InputError(faults)
    rows = pd.concat(frames, ignore_index=True)
    columns = {name: rows[name].to_numpy() for name in rows.columns}
    codes, names = pd.factorize(rows["vehicle_id"])
    by_vehicle = np.split(np.argsort(codes, kind="stable"), np.cumsum(np.bincount(codes))[:-1])
    vehicles = []
    for name, index in zip(names, by_vehicle, strict=True):
        own = {key: values[index] for key, values in columns.items()}
        source = ", ".join(tables[number].source for number in pd.unique(own["file"]))
        vehicle, found, notes = _vehicle(str(name), own, source)
        faults += found
        warnings += notes
        vehicles.append(vehicle)
    if faults:
        raise InputError(faults[:_FAULTS_MAX])
    return Recordings(vehicles=tuple(vehicles), warnings=tuple(warnings))


def _rows(table: Table, day: date, utc_offset_s: int | None) -> tuple[pd.DataFrame, list[Fault]]:
    """The table's rows with their seconds and places, and its faults."""
    moments = read_moments(table.frame["time"].tolist(), day, utc_offset_s=utc_offset_s)
    faults = [
        Fault(place=f"{table.source}, row {table.rows[k]}, column 'time'", cause=cause, remedy=remedy)
        for k, cause, remedy in moments.complaints[:_FAULTS_MAX]
    ]
    if len(moments.complaints) > _FAULTS_MAX:
        faults.append(
            Fault(
                place=f"{table.source}, column 'time'",
                cause=f"and {len(moments.complaints) - _FAULTS_MAX:,} more rows",
                remedy="mend those listed and read the table again",
            )
        )
    places = shapely.get_coordinates(table.frame.geometry.to_numpy())
    frame = pd.DataFrame(
        {
            "vehicle_id": table.frame["vehicle_id"],
            "vehicle_type": table.frame["vehicle_type"],
            "accuracy": table.frame["accuracy"],
            "second": moments.second,
            "dated": moments.dated,
            "lon": places[:, 0],
            "lat": places[:, 1],
            "row": table.rows,
        }
    )
    return frame, faults


def _vehicle(name: str, rows: Mapping[str, NDArray[Any]], source: str) -> tuple[Recorded, list[Fault], list[str]]:
    """One vehicle's trace from its rows (by column), its faults, and what was decided."""
    faults: list[Fault] = []
    notes: list[str] = []
    kinds = [kind for kind in dict.fromkeys(rows["vehicle_type"].tolist()) if kind]
    if len(kinds) > 1:
        faults.append(
            Fault(
                place=f"{source}, vehicle {name!r}, column 'vehicle_type'",
                cause=f"the vehicle is of {len(kinds)} types: {', '.join(kinds)}",
                remedy="state one type for each vehicle",
            )
        )
    second, dated = rows["second"], rows["dated"]
    falls = np.flatnonzero(np.diff(second) < 0) + 1
    past = falls[~dated[falls] & ~dated[falls - 1] & (second[falls - 1] - second[falls] > _HALF_DAY_S)]
    if len(past):
        faults.append(
            Fault(
                place=f"{source}, row {rows['row'][past[0]]}, column 'time'",
                cause=f"the times of vehicle {name!r} fall by more than half a day; a time of day alone does not say "
                "whether the next day has begun",
                remedy="write date and time, or go on after midnight with 24:00:00",
            )
        )
    elif len(falls):
        notes.append(
            f"{source}: {len(falls)} times of vehicle {name!r} are before the one above, first in row "
            f"{rows['row'][falls[0]]}; its rows are put in the order of time"
        )
    order = np.argsort(second, kind="stable")
    kept = order[np.concatenate(([True], np.diff(second[order]) > 0))]
    if len(kept) < len(order):
        notes.append(
            f"{source}: {len(order) - len(kept)} fixes of vehicle {name!r} have the time of another; the first is kept"
        )
    accuracy = rows["accuracy"][kept].astype(np.float64)
    stated = bool((accuracy > 0).all())
    if not stated and (accuracy > 0).any():
        notes.append(
            f"{source}: the accuracy of vehicle {name!r} is missing for {int((~(accuracy > 0)).sum())} of "
            f"{len(accuracy)} fixes, so it is estimated for all"
        )
    trace = Trace(
        lon=rows["lon"][kept],
        lat=rows["lat"][kept],
        second=second[kept],
        deviation_m=accuracy / _RADIUS if stated else None,
    )
    return Recorded(vehicle_id=name, vehicle_type=kinds[0] if kinds else "", trace=trace), faults, notes
