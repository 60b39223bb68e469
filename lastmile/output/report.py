"""The plan as a report: one HTML file to read, print and file, in English and Chinese."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from lastmile.indicators import phase_targets
from lastmile.loading import Scenario
from lastmile.output.map_style import FACILITIES, UNSERVED, VEHICLES
from lastmile.output.plan_files import SYNTHETIC_NOTICE
from lastmile.output.plan_frames import built_text
from lastmile.plans import Plan, Route, TargetResult
from lastmile.scenario import BudgetTarget, CountTarget, PermitTarget, ScenarioFile
from lastmile.units import clock

ROWS_MAX: Final = 300  # of unserved orders and violations; all of them are in plan.json
_MET: Final = "#15803d"
_MONEY: Final = {
    "vehicles": "Vehicles per day / 车辆日租",
    "distance": "Distance / 里程",
    "hours": "Driver hours / 工时",
    "energy": "Energy / 能源",
    "permits": "Permits / 通行证",
    "sites_running": "Sites, running / 站点运营",
    "sites_opening": "Sites, opening / 站点建设分摊",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One bar of a chart: ``share`` is its length, 1 is the width of the chart's scale."""

    label: str
    share: float
    text: str
    colour: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DayRow:
    """A vehicle's day as SVG paths in a chart that is 1,000 units wide."""

    vehicle_id: str
    text: str
    driving: str
    serving: str
    charging: str
    waiting: str


def render_report(plan: Plan, indicators: Mapping[str, Any], scenario: Scenario) -> str:
    """Write the report.

    Parameters
    ----------
    indicators
        From :func:`lastmile.indicators.measure`: the same numbers that the map shows.

    Returns
    -------
    str
        A page without scripts that loads nothing; every text of tables and maps is escaped.
    """
    environment = Environment(
        loader=PackageLoader("lastmile.output"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(percent=_percent, number=_number, yuan=_yuan, metres=_metres)
    start, end, rows = working_day(plan.routes)
    return environment.get_template("report.html.j2").render(
        plan=plan,
        manifest=plan.manifest,
        file=scenario.file,
        kpi=indicators,
        obstacles=obstacles(plan),
        due=phase_targets(scenario, plan) if plan.phases else {},
        notice=SYNTHETIC_NOTICE,
        target_bars=target_bars(plan.targets, scenario.file),
        reach_bars=_reach_bars(indicators["coverage"]["within_m"]),
        money_bars=_money_bars(indicators["money"]["day_yuan"]),
        site_columns=_site_columns(plan),
        day_rows=rows,
        day_hours=[
            (clock(hour * 3600), _at(hour * 3600, start, end)) for hour in range(start // 3600, end // 3600 + 1)
        ],
        facilities={item.id: item for item in scenario.file.facilities},
        vehicle_names={item.id: item.name or item.id for item in scenario.file.vehicles},
        kinds=FACILITIES,
        rows_max=ROWS_MAX,
        built_text=built_text,
        grows=any(site.built for site in plan.sites),
        expects=any(site.expected_parcels is not None for site in plan.sites),
    )


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"


def _number(value: float | None, decimals: int = 0) -> str:
    return "–" if value is None else f"{value:,.{decimals}f}"


def _yuan(value: float | None, decimals: int = 0) -> str:
    return "–" if value is None else f"¥{value:,.{decimals}f}"


def _metres(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f} m"


def obstacles(plan: Plan) -> list[tuple[str, str]]:
    """Why a plan is not feasible, in English and Chinese; empty for a feasible one."""
    missed = [target.id for target in plan.targets if not target.met]
    found = []
    if not plan.checked:
        found.append(("the referee has not looked at it", "尚未校核"))
    if plan.violations:
        found.append((_counted(len(plan.violations), "broken rule"), f"{len(plan.violations)} 处违规"))
    if plan.unserved:
        found.append((_counted(len(plan.unserved), "unserved order"), f"{len(plan.unserved)} 个订单未配送"))
    if missed:
        found.append((f"{_counted(len(missed), 'missed target')}: {', '.join(missed)}", f"{len(missed)} 项目标未达成"))
    return found


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def target_bars(targets: Sequence[TargetResult], file: ScenarioFile) -> list[Bar]:
    """What was reached as a share of what is required; for a ceiling, what was used of it.

    ``TargetResult.value`` is in the unit of the target's own number. Targets without a number have no bar.
    """
    required: dict[str, float] = {}
    for target in file.targets:
        if isinstance(target, BudgetTarget):
            required[target.id] = target.maximum_yuan
        elif isinstance(target, CountTarget | PermitTarget) and not target.minimum:
            required[target.id] = target.maximum or 0
        else:
            required[target.id] = target.minimum
    return [
        Bar(
            label=result.id,
            share=result.value / required[result.id],
            text=f"{result.reached} / {result.required}",
            colour=_MET if result.met else UNSERVED,
        )
        for result in targets
        if required.get(result.id, 0) > 0 and math.isfinite(result.value)
    ]


def _reach_bars(within: Mapping[str, float | None]) -> list[Bar]:
    return [
        Bar(label=f"≤ {metres} m", share=share, text=_percent(share), colour="#2563eb")
        for metres, share in within.items()
        if share is not None
    ]


def _money_bars(parts: Mapping[str, float]) -> list[Bar]:
    most = max(parts.values(), default=0.0)
    return [
        Bar(label=_MONEY[name], share=value / most if most else 0.0, text=_yuan(value), colour=VEHICLES[index])
        for index, (name, value) in enumerate(parts.items())
    ]


def _site_columns(plan: Plan) -> list[Bar]:
    """Use of every site that has a capacity and a load, fullest first."""
    bars = [
        Bar(
            label=site.name or site.id,
            share=site.load_parcels / site.capacity_parcels,
            text=f"{site.name or site.id}: {site.load_parcels:,} / {site.capacity_parcels:,}",
            colour=FACILITIES[site.kind][0],
        )
        for site in plan.sites
        if site.capacity_parcels > 0 and site.load_parcels > 0
    ]
    return sorted(bars, key=lambda bar: -bar.share)


def working_day(routes: Sequence[Route]) -> tuple[int, int, list[DayRow]]:
    """When each vehicle drives, serves (and reloads), charges and waits, longest day first.

    Returns
    -------
    tuple
        Start and end of the chart in seconds (full hours), and one row per vehicle.
    """
    moments = [stop.arrive_s for route in routes for stop in route.stops[-1:]]
    moments += [stop.depart_s for route in routes for stop in route.stops[:1]]
    start = min(moments, default=0) // 3600 * 3600
    end = max(-(-max(moments, default=0) // 3600) * 3600, start + 3600)
    by_vehicle: dict[str, list[Route]] = {}
    for route in routes:
        by_vehicle.setdefault(route.vehicle_id, []).append(route)
    rows = []
    for vehicle, own in by_vehicle.items():
        driving, waiting = [], []
        serving: list[tuple[int, int]] = []
        charging: list[tuple[int, int]] = []
        for route in own:
            for number, (stop, leg) in enumerate(zip(route.stops, route.legs, strict=False)):
                driving.append((leg.depart_s, leg.arrive_s))
                (charging if stop.kind == "charge" else serving).append((stop.start_s, stop.depart_s))
                if number == 0 or stop.kind != "base":  # a pause between two trips is no work
                    waiting += [(stop.arrive_s, stop.start_s), (stop.depart_s, leg.depart_s)]
        worked = sum(route.duration_s for route in own)
        row = DayRow(
            vehicle_id=vehicle,
            text=f"{worked / 3600:.1f} h",
            driving=_spans(driving, start, end),
            serving=_spans(serving, start, end),
            charging=_spans(charging, start, end),
            waiting=_spans(waiting, start, end),
        )
        rows.append((-worked, vehicle, row))
    return start, end, [row for _, _, row in sorted(rows, key=lambda item: item[:2])]


def _at(moment: float, start: int, end: int) -> float:
    return round(1000 * (moment - start) / (end - start), 1)


def _spans(spans: Sequence[tuple[int, int]], start: int, end: int) -> str:
    return "".join(f"M{_at(a, start, end):g} 0H{_at(b, start, end):g}" for a, b in spans if b > a)
