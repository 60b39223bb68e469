"""How fast vehicles really drove: medians by way and direction, and by road class beside the scenario's table.

A pass is a drive of one vehicle along one way in one direction without a break, over all of its segments that follow
each other. Its speed is that of moving: what was stood on the way (:mod:`lastmile.traces.stands`) counts neither as
time nor as metres. Passes of less than :data:`PASS_M` are left aside, as the moments at which edges are entered and
left err by a second or more; where fixes lie far apart, what was driven between two of them has one speed for all its
ways.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lastmile.geo.access import Period, periods
from lastmile.geo.network import RoadNetwork
from lastmile.geo.speeds import REGIMES, edge_times_ms
from lastmile.geo.tags import ROAD_CLASSES, Mode
from lastmile.scenario import ScenarioFile
from lastmile.traces.journeys import Journey
from lastmile.traces.stands import moving
from lastmile.units import DAY_S

PASSES_MIN: Final = 3
PASS_M: Final = 50.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WaySpeed:
    """Median moving speed on a way in one direction and regime of traffic, over so many passes of a vehicle class.

    ``table_kmh`` is the scenario's speed over the same metres.
    """

    way_id: int
    forward: bool
    period: str
    vehicle_class: str
    kmh: float
    table_kmh: float
    passes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassSpeed:
    """The same over all ways of a road class, with the kilometres passed."""

    road_class: str
    period: str
    vehicle_class: str
    kmh: float
    table_kmh: float
    passes: int
    km: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WayUse:
    """A way as the map shows it: its passes in both directions at all hours, and how they compare with the table.

    ``ratio``: median over the passes of measured to tabulated speed; None where every pass was too short to measure.
    ``kmh``: medians along and against the way, None where it was not passed so.
    """

    way_id: int
    ratio: float | None
    passes: int
    kmh: tuple[float | None, float | None]


def passes(journeys: Sequence[Journey], network: RoadNetwork, file: ScenarioFile) -> pd.DataFrame:
    """Every pass: vehicle_class, way_id, forward, period, road (code), metres, kmh, table_kmh."""
    regimes = periods(file)
    times: dict[tuple[Mode, str], NDArray[np.int32]] = {}
    for journey in journeys:
        for regime in REGIMES:
            if (journey.profile.mode, regime) not in times:
                times[journey.profile.mode, regime] = edge_times_ms(network, journey.profile.mode, regime, file.speeds)
    frames = [_passes_of(journey, network, regimes, times) for journey in journeys]
    return pd.concat(frames, ignore_index=True)


def _passes_of(
    journey: Journey,
    network: RoadNetwork,
    regimes: Sequence[Period],
    times: dict[tuple[Mode, str], NDArray[np.int32]],
) -> pd.DataFrame:
    matched = journey.matched
    metres, seconds = moving(matched, journey.stands)
    # Turns and gates have no length, and would come between the segments of a way.
    real = np.flatnonzero(network.edge_length_m[matched.edge] > 0)
    edge = matched.edge[real]
    segment = network.edge_segment[edge]
    way, forward, part = network.segment_way[segment], network.edge_forward[edge], matched.part[real]
    opens = np.ones(len(real), dtype=bool)
    opens[1:] = (np.diff(way) != 0) | (forward[1:] != forward[:-1]) | (np.diff(part) != 0)
    run = np.cumsum(opens) - 1
    first = np.flatnonzero(opens)
    clock = np.mod(matched.enter_s[real][first], DAY_S)
    period = np.searchsorted([span.start_s for span in regimes], clock, side="right") - 1
    regime = np.array([span.regime for span in regimes], dtype=object)[period]
    whole = network.edge_length_m[edge]
    table_ms = np.empty(len(real))
    for name in REGIMES:
        own = regime[run] == name
        table_ms[own] = times[journey.profile.mode, name][edge[own]]
    share = np.divide(metres[real], whole)
    driven_m, driven_s, table_s = (
        np.bincount(run, weights=values, minlength=len(first))
        for values in (metres[real], seconds[real], table_ms * share / 1000.0)
    )
    sound = (driven_m >= PASS_M) & (driven_s > 0)
    return pd.DataFrame(
        {
            "vehicle_class": journey.profile.mode,
            "way_id": way[first],
            "forward": forward[first],
            "period": regime,
            "road": network.segment_road[segment[first]],
            "metres": driven_m,
            "seconds": driven_s,
            "table_s": table_s,
        }
    )[sound].assign(
        kmh=lambda frame: frame["metres"] / frame["seconds"] * 3.6,
        table_kmh=lambda frame: frame["metres"] / frame["table_s"] * 3.6,
    )


def way_speeds(found: pd.DataFrame, *, least: int = PASSES_MIN) -> tuple[WaySpeed, ...]:
    """Medians by way, direction, regime and class of at least so many passes, in this order."""
    return tuple(
        WaySpeed(
            way_id=int(way),
            forward=bool(forward),
            period=str(period),
            vehicle_class=str(mode),
            kmh=kmh,
            table_kmh=table_kmh,
            passes=count,
        )
        for (way, forward, period, mode), kmh, table_kmh, count, _ in _medians(
            found, ["way_id", "forward", "period", "vehicle_class"]
        )
        if count >= least
    )


def class_speeds(found: pd.DataFrame) -> tuple[ClassSpeed, ...]:
    """Medians by road class, regime and class of vehicle, in this order."""
    return tuple(
        ClassSpeed(
            road_class=ROAD_CLASSES[int(road)],
            period=str(period),
            vehicle_class=str(mode),
            kmh=kmh,
            table_kmh=table_kmh,
            passes=count,
            km=metres / 1000.0,
        )
        for (road, period, mode), kmh, table_kmh, count, metres in _medians(found, ["road", "period", "vehicle_class"])
    )


def _medians(found: pd.DataFrame, by: list[str]) -> list[tuple[tuple[Any, ...], float, float, int, float]]:
    """Key, median km/h, the table's km/h over the same metres, number of passes, metres."""
    table = found.groupby(by).agg(
        kmh=("kmh", "median"), metres=("metres", "sum"), table_s=("table_s", "sum"), passes=("kmh", "size")
    )
    rows = [
        (key, float(kmh), float(metres / table_s * 3.6), int(count), float(metres))
        for key, kmh, metres, table_s, count in table.itertuples(name=None)
    ]
    period, forward = by.index("period"), "forward" in by
    return sorted(
        rows,
        key=lambda row: tuple(
            REGIMES.index(part) if i == period else -part if forward and i == 1 else part
            for i, part in enumerate(row[0])
        ),
    )


def way_uses(found: pd.DataFrame, driven: NDArray[np.int64]) -> tuple[WayUse, ...]:
    """How ways were used, in the order of their ids.

    Parameters
    ----------
    driven
        Ids of all ways that were driven, of which some may have no pass that is long enough.
    """
    rated = found.assign(ratio=found["kmh"] / found["table_kmh"])
    ratio = rated.groupby("way_id")["ratio"].agg(["median", "size"])
    medians = rated.groupby(["way_id", "forward"])["kmh"].median().to_dict()
    known = {int(way): (float(median), int(count)) for way, median, count in ratio.itertuples()}
    return tuple(
        WayUse(
            way_id=way,
            ratio=known[way][0] if way in known else None,
            passes=known[way][1] if way in known else 0,
            kmh=(medians.get((way, True)), medians.get((way, False))),
        )
        for way in np.unique(driven).tolist()
    )
