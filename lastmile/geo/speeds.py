"""How long an edge takes: speed by road class and hour for every mode, delays at signals and turns.

The table ``speeds.csv`` is an estimate: free, peak and night speeds of moving cars by class, km/h, anchored on the
commuting-peak averages of large Chinese cities (24-34 km/h, Baidu 2020). Scenarios replace it by class, and by measured
speeds of single roads.
"""

import csv
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from lastmile.errors import Fault, InputError
from lastmile.geo.junctions import LEFT, RIGHT, U_TURN
from lastmile.geo.network import RoadNetwork
from lastmile.geo.tags import ROAD_CLASSES, ROAD_CODE, Mode
from lastmile.scenario import Speeds, VehicleClass

Regime = Literal["free", "peak", "night"]
REGIMES: Final[tuple[Regime, ...]] = ("free", "peak", "night")


def _read_table() -> dict[str, tuple[float, float, float]]:
    rows = csv.DictReader(files("lastmile.geo").joinpath("speeds.csv").read_text(encoding="utf-8").splitlines())
    return {row["road"]: (float(row["free"]), float(row["peak"]), float(row["night"])) for row in rows}


CAR_KMH: Final = _read_table()
TRUCK_FACTOR: Final = 0.85
TRIKE_LIMIT_KMH: Final = 15.0  # YZ/T 0136-2014
TRIKE_FACTOR: Final = 0.85


def check_speeds(speeds: Speeds, *, place: str) -> list[Fault]:
    """Road classes that the scenario names and the map does not know."""
    return [
        Fault(
            place=f"{place}, speeds.kmh.{name}",
            cause=f"{name!r} is no road class",
            remedy=f"use one of {', '.join(ROAD_CLASSES)}",
        )
        for name in speeds.kmh
        if name not in ROAD_CODE
    ]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MeasuredSpeeds:
    """Speeds measured on single edges, km/h, 0 where nothing was measured.

    Parameters
    ----------
    car
        Per regime float32, shape (edges,): of cars; other modes follow from it as from the table.
    own
        The same per (mode, regime), measured on vehicles of that mode: nothing is added to or taken from it.
    """

    car: dict[Regime, NDArray[np.float32]]
    own: dict[tuple[Mode, Regime], NDArray[np.float32]]


def lay_measured(network: RoadNetwork, frame: Any, *, place: str) -> tuple[MeasuredSpeeds, list[str]]:
    """Find the edges of every row of a table of measured speeds; where several rows speak of an edge, the last decides.

    Parameters
    ----------
    frame
        With the columns of :data:`lastmile.tables.schemas.MEASURED`.

    Returns
    -------
    The speeds, and a warning where rows are about ways that the map does not have.

    Raises
    ------
    InputError
        When rows name edges of another network, or no or two things that were measured.
    """
    car: dict[Regime, NDArray[np.float32]] = {}
    own: dict[tuple[Mode, Regime], NDArray[np.float32]] = {}
    faults, unknown = [], 0
    way = network.segment_way[network.edge_segment]
    order = np.argsort(way, kind="stable")
    ways = way[order]
    given = frame[["way_id", "edge_id"]].notna().to_numpy()
    rows = zip(frame.itertuples(index=False), given.tolist(), strict=True)
    for number, (row, (has_way, has_edge)) in enumerate(rows, start=2):  # the first row has the headers
        if has_way == has_edge:
            faults.append(Fault(place=f"{place}, row {number}", cause="it needs either a way_id or an edge_id",
                                remedy="fill exactly one of the two"))  # fmt: skip
            continue
        if has_way:
            first, last = np.searchsorted(ways, [row.way_id, row.way_id + 1])
            edges = order[first:last]
            if row.direction != "both":
                edges = edges[network.edge_forward[edges] == (row.direction == "forward")]
            unknown += not len(edges)
        elif row.network != network.hash or not 0 <= row.edge_id < network.edges:
            faults.append(Fault(place=f"{place}, row {number}", cause=f"edge {int(row.edge_id)} is not of this network",
                                remedy=f"measure on this map (network = {network.hash}), or name ways"))  # fmt: skip
            continue
        else:
            edges = np.array([int(row.edge_id)])
        for regime in REGIMES if row.period == "all" else (row.period,):
            if row.vehicle_class:
                speeds = own.setdefault((row.vehicle_class, regime), np.zeros(network.edges, dtype=np.float32))
            else:
                speeds = car.setdefault(regime, np.zeros(network.edges, dtype=np.float32))
            speeds[edges] = row.kmh
    if faults:
        raise InputError(faults)
    warnings = [f"{place}: {unknown} rows are about ways that the map does not have"] if unknown else []
    return MeasuredSpeeds(car=car, own=own), warnings


def edge_times_ms(
    network: RoadNetwork, mode: Mode, regime: Regime, speeds: Speeds, measured: MeasuredSpeeds | None = None
) -> NDArray[np.int32]:
    """Milliseconds to travel each edge in one regime of traffic, waiting at signals and slowing at turns included.

    Returns
    -------
    int32, shape (edges,), at least 1, rounded up: a time is never promised that the speed does not allow.
    """
    length = network.segment_length_m[network.edge_segment]
    if mode == "walk":
        return _milliseconds(length / speeds.walk_kmh * 3600.0)
    kmh = edge_kmh(network, mode, regime, speeds, measured)
    turns = np.zeros(256)
    turns[[LEFT, RIGHT, U_TURN]] = speeds.left_turn_s, speeds.right_turn_s, speeds.u_turn_s
    delay_s = (
        network.edge_signals * speeds.signal_s
        + network.edge_calming * speeds.calming_s
        + turns[network.segment_turn[network.edge_segment]]
    )
    return _milliseconds(length / kmh * 3600.0 + delay_s * 1000.0)


def edge_kmh(
    network: RoadNetwork,
    mode: VehicleClass,
    regime: Regime,
    speeds: Speeds,
    measured: MeasuredSpeeds | None = None,
) -> NDArray[np.float64]:
    """Speed at which vehicles move along each edge in one regime of traffic, delays left out: km/h, shape (edges,)."""
    column = REGIMES.index(regime)
    table = np.array([speeds.kmh.get(name, CAR_KMH[name])[column] for name in ROAD_CLASSES])
    kmh = table[network.segment_road]
    posted = network.segment_max_kmh > 0
    kmh = np.where(posted, np.minimum(kmh, network.segment_max_kmh), kmh)[network.edge_segment]
    if measured is not None and regime in measured.car:
        kmh = np.where(measured.car[regime] > 0, measured.car[regime], kmh)
    if mode == "e_trike":
        kmh = np.minimum(kmh, TRIKE_LIMIT_KMH) * TRIKE_FACTOR
    elif mode in ("truck_light", "truck_medium"):
        kmh = kmh * TRUCK_FACTOR
    if measured is not None and (mode, regime) in measured.own:
        kmh = np.where(measured.own[mode, regime] > 0, measured.own[mode, regime], kmh)
    return kmh


def _milliseconds(exact: NDArray[np.float64]) -> NDArray[np.int32]:
    # A posted 0.001 km/h must not wrap around: the largest time is as good as never.
    return np.clip(np.ceil(exact), 1, np.iinfo(np.int32).max).astype(np.int32)
