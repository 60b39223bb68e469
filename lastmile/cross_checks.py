"""What only the whole scenario shows: names that lead nowhere, rows against each other, rules that contradict."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pyproj

from lastmile.errors import Fault
from lastmile.geo.crs import parse_crs
from lastmile.geo.speeds import check_speeds
from lastmile.scenario import (
    AreaTarget,
    BudgetTarget,
    CountTarget,
    CoverageTarget,
    PermitTarget,
    ScenarioFile,
)
from lastmile.stages.breaks import breaks_in_shift
from lastmile.stages.phases import phase_dates
from lastmile.tables import Table
from lastmile.units import DAY_S, parse_hours
from lastmile.validation import nearest


def check_references(file: ScenarioFile, *, place: str) -> list[Fault]:
    """References between the parts of the file."""
    faults: list[Fault] = []

    def known(where: str, name: str, choices: Iterable[str], what: str) -> None:
        options = list(choices)
        if name not in options:
            remedy = nearest(name, options) if options else f"the scenario defines no {what}"
            faults.append(Fault(place=f"{place}, {where}", cause=f"{name!r} is no {what}", remedy=remedy))

    for group, items in (
        ("zones", file.zones),
        ("permits", file.permits),
        ("facilities", file.facilities),
        ("targets", file.targets),
        ("depots", file.depots),
        ("vehicles", file.vehicles),
        ("demand.firms", file.demand.firms),
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
    for clash in sorted(set(facilities) & set(depots)):
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
        if zone_rule.valid_from and zone_rule.valid_to and zone_rule.valid_to < zone_rule.valid_from:
            faults.append(
                Fault(
                    place=f"{place}, zones[{i}] {zone_rule.id!r}.valid_to",
                    cause=f"the rule ends on {zone_rule.valid_to}, before it begins on {zone_rule.valid_from}",
                    remedy="exchange or mend the dates",
                )
            )
    for i, opened in enumerate(file.facilities):
        if not opened.hosts and file.candidates.table is None:
            faults.append(
                Fault(
                    place=f"{place}, facilities[{i}] {opened.id!r}.hosts",
                    cause="no host is named and there is no table of candidates, so it can stand nowhere",
                    remedy="name hosts of the map, for example shop or residential, or give candidates.table",
                )
            )
    if file.facilities and not file.candidates.from_map and file.candidates.table is None:
        faults.append(
            Fault(
                place=f"{place}, candidates",
                cause="facilities may open, but neither the map nor a table says where",
                remedy="write from_map = true, or give candidates.table",
            )
        )
    for i, vehicle in enumerate(file.vehicles):
        where = f"vehicles[{i}] {vehicle.id!r}"
        for base in vehicle.based_at:
            known(f"{where}.based_at", base, depots + dispatching, "depot or dispatching facility")
        if not vehicle.based_at:
            faults.append(
                Fault(
                    place=f"{place}, {where}.based_at",
                    cause="the type has no base, so none of its vehicles can drive",
                    remedy="name a depot, or a facility that dispatches; to keep it out of the plan write count = 0",
                )
            )
        try:
            breaks_in_shift(vehicle)
        except ValueError as error:
            faults.append(
                Fault(
                    place=f"{place}, {where}.breaks",
                    cause=str(error),
                    remedy="make them shorter or fewer, or their windows wider",
                )
            )
    for i, target in enumerate(file.targets):
        where = f"targets[{i}] {target.id!r}"
        if isinstance(target, CountTarget):
            known(f"{where}.facility", target.facility, facilities, "facility")
            if target.of == "chilled_modules" and target.minimum:
                faults += [
                    Fault(
                        place=f"{place}, {where}.of",
                        cause=f"facility {counted.id!r} says nothing of refrigerated modules, so it never has any",
                        remedy="give it chilled_modules_max and parcels_per_chilled_module",
                    )
                    for counted in file.facilities
                    if counted.id == target.facility and counted.parcels_per_chilled_module is None
                ]
        elif isinstance(target, CoverageTarget | AreaTarget):
            for facility in target.facilities:
                known(f"{where}.facilities", facility, facilities, "facility")
        elif isinstance(target, BudgetTarget):
            known(
                f"{where}.category", target.category, {f.budget for f in file.facilities if f.budget}, "budget category"
            )
        elif isinstance(target, PermitTarget):
            known(f"{where}.permit", target.permit, [permit.id for permit in file.permits], "permit")
        if file.districts is None and (
            (isinstance(target, CountTarget) and target.district is not None)
            or (isinstance(target, CoverageTarget | AreaTarget) and target.districts is not None)
        ):
            faults.append(
                Fault(
                    place=f"{place}, {where}",
                    cause="the target names districts, but the scenario has no table of them",
                    remedy="add [districts] with their names and places",
                )
            )
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
    dates = phase_dates(file.targets)
    named: set[date] = set()
    for i, phase in enumerate(file.demand.phases):
        if phase.by not in dates or phase.by in named:
            listed = ", ".join(map(str, dates)) or "none, as targets of sites do not have several dates"
            faults.append(
                Fault(
                    place=f"{place}, demand.phases[{i}].by",
                    cause=f"{phase.by} " + ("occurs twice" if phase.by in named else "is no phase of the targets"),
                    remedy=f"name each phase once at most; there are {listed}",
                )
            )
        named.add(phase.by)
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


def odd(file: ScenarioFile) -> list[str]:
    """What is allowed but hardly meant, in sentences for the user."""
    depots = {depot.id: depot for depot in file.depots}
    shifts = [
        f"vehicle {vehicle.id}: its shift {vehicle.shift} lies outside the hours {depots[base].hours} of depot {base}, "
        "so none can leave from there"
        for vehicle in file.vehicles
        for base in vehicle.based_at
        if base in depots and _common_s(vehicle.shift, depots[base].hours) <= 0
    ]
    grows = [
        f"facility {facility.id}: modules_grow changes nothing, as targets of sites do not have several dates"
        for facility in file.facilities
        if facility.modules_grow and not phase_dates(file.targets)
    ]
    return shifts + grows


def _common_s(shift: str, hours: str) -> int:
    """Seconds that a shift has in common with hours of every day, of the day before or after where it has more then."""
    (start, end), (first, last) = parse_hours(shift), parse_hours(hours)
    return max(min(end, last + day) - max(start, first + day) for day in (-DAY_S, 0, DAY_S))


def check_tables(file: ScenarioFile, tables: Mapping[str, Table], *, place: str) -> list[Fault]:
    """References from the file into its tables, and rows against each other."""
    faults: list[Fault] = []
    for key, column in (
        ("orders", "id"),
        ("areas", "id"),
        ("candidates", "id"),
        ("chargers", "id"),
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
        first: dict[str, int] = {}
        again = [
            (row, value)
            for row, value in zip(table.rows.tolist(), table.frame[column], strict=True)
            if first.setdefault(value, row) != row
        ]
        faults += [
            Fault(
                place=f"{table.source}, row {row}, column {column!r}",
                cause=f"{value!r} occurs twice, first in row {first[value]}",
                remedy="give each row its own",
            )
            for row, value in again[:10]
        ]
        if len(again) > 10:
            faults.append(
                Fault(
                    place=f"{table.source}, column {column!r}",
                    cause=f"and {len(again) - 10} more rows repeat a value",
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
                        remedy=nearest(zone.polygon, polygons),
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
                    remedy=nearest(name, names),
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
    if (areas := tables.get("areas")) is not None:
        kinds = list(dict.fromkeys(areas.frame["kind"]))
        faults += [
            Fault(
                place=f"{place}, targets[{i}] {target.id!r}.area_kind",
                cause=f"{areas.source} has no {target.area_kind}, only {', '.join(kinds)}",
                remedy="add such areas to the table, or mend area_kind",
            )
            for i, target in enumerate(file.targets)
            if isinstance(target, AreaTarget) and target.area_kind not in kinds
        ]
    if (orders := tables.get("orders")) is not None:
        served = {"door", *(facility.channel for facility in file.facilities if facility.channel)}
        for row, chosen in zip(orders.rows, orders.frame["options"], strict=True):
            if isinstance(chosen, tuple) and chosen and not served & set(chosen):
                faults.append(
                    Fault(
                        place=f"{orders.source}, row {row}, column 'options'",
                        cause=f"no facility of the scenario takes parcels for {' or '.join(map(repr, chosen))}",
                        remedy=f"add a facility with channel = {chosen[0]!r}, or let the receiver also agree to 'door'",
                    )
                )
        start, end = orders.frame["window_start"], orders.frame["window_end"]
        for position in np.flatnonzero((end < start).fillna(False).to_numpy(dtype=bool)):
            faults.append(
                Fault(
                    place=f"{orders.source}, row {orders.rows[position]}, column 'window_end'",
                    cause=f"the window ends at {_time(end.iloc[position])}, "
                    f"before it starts at {_time(start.iloc[position])}",
                    remedy="exchange the two times, or mend the wrong one",
                )
            )
    if (candidates := tables.get("candidates")) is not None:
        facilities = [facility.id for facility in file.facilities]
        warm = {facility.id for facility in file.facilities if facility.parcels_per_chilled_module is None}
        for row, status, chosen, chilled in zip(
            candidates.rows,
            candidates.frame["status"],
            candidates.frame["facilities"],
            candidates.frame["chilled_modules"],
            strict=True,
        ):
            if status == "existing" and chilled and warm & set(chosen or facilities):
                faults.append(
                    Fault(
                        place=f"{candidates.source}, row {row}, column 'chilled_modules'",
                        cause=f"the site has {chilled} refrigerated modules, but no one knows what one takes a day",
                        remedy="give its facility parcels_per_chilled_module, or write 0",
                    )
                )
            if status == "existing" and not chosen and len(facilities) > 1:
                faults.append(
                    Fault(
                        place=f"{candidates.source}, row {row}, column 'facilities'",
                        cause="the site exists, but the row does not say what it is",
                        remedy=f"name its facility: {', '.join(facilities)}",
                    )
                )
            faults += [
                Fault(
                    place=f"{candidates.source}, row {row}, column 'facilities'",
                    cause=f"{name!r} is no facility of the scenario",
                    remedy=nearest(name, facilities),
                )
                for name in (chosen if isinstance(chosen, tuple) else ())
                if name not in facilities
            ]
    return faults


def _time(seconds: Any) -> str:
    return f"{int(seconds) // 3600:02d}:{int(seconds) % 3600 // 60:02d}" if not pd.isna(seconds) else "?"
