"""The files of a study of traces: tables as CSV, and the ways found as GeoJSON."""

import json
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np

from lastmile.output.plan_files import SYNTHETIC_NOTICE, write_table
from lastmile.output.plan_frames import DECIMALS
from lastmile.traces.comparison import RoundCompared
from lastmile.traces.journeys import Journey
from lastmile.traces.positions import way_line
from lastmile.traces.study import TraceStudy

ATTRIBUTION: Final = "Map data © OpenStreetMap contributors, ODbL 1.0"
SPEED_COLUMNS: Final = ("way_id", "direction", "period", "kmh", "vehicle_class", "passes")
CLASS_COLUMNS: Final = ("road_class", "period", "vehicle_class", "passes", "km", "measured_kmh", "table_kmh", "ratio")
ENTRY_COLUMNS: Final = (
    "vehicle_id", "vehicle_type", "zone", "name", "citation", "first_inside", "seconds_inside", "metres_driven", "lon",
    "lat", "doubtful",
)  # fmt: skip
ROUND_COLUMNS: Final = (
    "vehicle_id", "vehicle_type", "planned_km", "driven_km", "planned_h", "driven_h", "stops", "visited", "passed",
    "missed", "inversions", "kendall_tau", "median_late_min", "planned_roads_driven",
)  # fmt: skip
VISIT_COLUMNS: Final = (
    "vehicle_id", "stop_no", "kind", "location_id", "name", "lon", "lat", "outcome", "planned_arrive", "planned_depart",
    "arrive", "depart", "late_min",
)  # fmt: skip


def moment(day: date, second: float) -> str:
    """Local date and time by ISO 8601, to the second."""
    return (datetime.combine(day, time()) + timedelta(seconds=round(second))).isoformat()


def write_trace_files(study: TraceStudy, folder: Path) -> None:
    """Write the tables and ``matched.geojson``; ``rounds.csv`` and ``visits.csv`` only where a plan was compared."""
    day = study.scenario.file.day
    write_table(
        folder / "measured-speeds.csv",
        SPEED_COLUMNS,
        (
            (
                speed.way_id,
                "forward" if speed.forward else "backward",
                speed.period,
                f"{speed.kmh:.1f}",
                speed.vehicle_class,
                speed.passes,
            )
            for speed in study.ways
        ),
    )
    write_table(
        folder / "speeds-by-class.csv",
        CLASS_COLUMNS,
        (
            (
                speed.road_class,
                speed.period,
                speed.vehicle_class,
                speed.passes,
                f"{speed.km:.1f}",
                f"{speed.kmh:.1f}",
                f"{speed.table_kmh:.1f}",
                f"{speed.kmh / speed.table_kmh:.2f}",
            )
            for speed in study.classes
        ),
    )
    write_table(
        folder / "zone-entries.csv",
        ENTRY_COLUMNS,
        (
            (
                entry.vehicle_id,
                entry.vehicle_type,
                entry.zone,
                entry.name,
                entry.citation,
                moment(day, entry.first_s),
                round(entry.seconds),
                round(entry.driven_m),
                round(entry.lon, DECIMALS),
                round(entry.lat, DECIMALS),
                "yes" if entry.doubtful else "no",
            )
            for entry in study.entries
        ),
    )
    if study.rounds is not None:
        write_table(folder / "rounds.csv", ROUND_COLUMNS, (_round_row(item) for item in study.rounds))
        write_table(folder / "visits.csv", VISIT_COLUMNS, _visit_rows(study.rounds, day))
    text = _geojson(study.journeys, study)
    (folder / "matched.geojson").write_text(text, encoding="utf-8", newline="\n")


def _round_row(item: RoundCompared) -> tuple[Any, ...]:
    return (
        item.vehicle_id,
        item.vehicle_type,
        f"{item.planned_m / 1000:.1f}",
        None if item.driven_m is None else f"{item.driven_m / 1000:.1f}",
        f"{item.planned_s / 3600:.2f}",
        None if item.driven_s is None else f"{item.driven_s / 3600:.2f}",
        len(item.visits),
        item.count("visited"),
        item.count("passed"),
        item.count("missed"),
        item.inversions,
        None if item.kendall_tau is None else f"{item.kendall_tau:.3f}",
        None if item.median_error_s is None else _minutes(item.median_error_s),
        f"{item.planned_driven:.3f}",
    )


def _visit_rows(rounds: Sequence[RoundCompared], day: date) -> Iterable[tuple[Any, ...]]:
    for item in rounds:
        for visit in item.visits:
            stop = visit.stop
            yield (
                visit.vehicle_id,
                visit.stop_no,
                stop.kind,
                stop.location_id,
                stop.name,
                round(stop.lon, DECIMALS),
                round(stop.lat, DECIMALS),
                visit.outcome,
                moment(day, stop.arrive_s),
                moment(day, stop.depart_s),
                None if visit.arrive_s is None else moment(day, visit.arrive_s),
                None if visit.depart_s is None else moment(day, visit.depart_s),
                None if visit.error_s is None else _minutes(visit.error_s),
            )


def _minutes(seconds: float) -> float:
    return round(seconds / 60, 1) + 0.0  # no minus before a zero


def _geojson(journeys: Sequence[Journey], study: TraceStudy) -> str:
    """One line per part of a trace, by RFC 7946; ``attribution`` and ``notice`` are foreign members (section 6.1)."""
    head: dict[str, Any] = {"type": "FeatureCollection", "attribution": ATTRIBUTION}
    if study.network.synthetic:
        head["notice"] = SYNTHETIC_NOTICE
    features = []
    for journey in journeys:
        matched = journey.matched
        line = way_line(study.network, matched)
        points = np.round(np.column_stack((line.lon, line.lat)), DECIMALS)
        for part in np.unique(matched.part).tolist():
            own = points[line.part == part]
            own = own[np.concatenate(([True], (np.diff(own, axis=0) != 0.0).any(axis=1)))]
            if len(own) < 2:
                continue
            visits = matched.part == part
            properties = {
                "vehicle_id": journey.vehicle_id,
                "vehicle_type": journey.profile.vehicle.id,
                "part": part,
                "start": moment(study.scenario.file.day, matched.enter_s[visits][0]),
                "end": moment(study.scenario.file.day, matched.leave_s[visits][-1]),
                "km": round(float(matched.metres[visits].sum()) / 1000, 3),
            }
            geometry = {"type": "LineString", "coordinates": own.tolist()}
            feature = {"type": "Feature", "properties": properties, "geometry": geometry}
            features.append(json.dumps(feature, ensure_ascii=False, allow_nan=False, separators=(",", ":")))
    opening = json.dumps(head, ensure_ascii=False)[:-1]
    return opening + ', "features": [\n' + ",\n".join(features) + "\n]}\n"
