"""Stage 5: every clause of the scenario's targets: what the plan reaches, and what no plan could reach more of.

Where targets have several dates, each that speaks of sites is held against those that are open by its own.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final, assert_never

import numpy as np

from lastmile.geo.access import eligible
from lastmile.plans import FleetEntry, Site, TargetResult
from lastmile.scenario import (
    AreaTarget,
    BudgetTarget,
    CountTarget,
    CoverageTarget,
    FleetTarget,
    NewEnergyTarget,
    PermitTarget,
    Target,
)
from lastmile.solvers.siting_rules import SLACK_TOLERANCE
from lastmile.stages.coverage import coverage_rows
from lastmile.stages.phases import SiteTarget, phase_dates, standing
from lastmile.stages.prepare import City
from lastmile.stages.walks import Pairs, area_pairs, walks_to_areas, wanted_areas

#: Stands for a bound that there was no time to prove.
NO_TIME: Final = "not computed: time"
_ROUNDING: Final = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome:
    """What a plan reaches of a clause: ``write`` puts a number of the clause's own unit into words."""

    value: float
    met: bool
    required: str
    write: Callable[[float], str]
    reached: str = ""
    note: str = ""
    most: float | None = None


def evaluate(
    city: City,
    sites: tuple[Site, ...],
    reach: Pairs,
    fleet: tuple[FleetEntry, ...],
    most: Mapping[str, float],
    bounds: Mapping[str, float | None],
) -> tuple[TargetResult, ...]:
    """Compare every target with the plan.

    Parameters
    ----------
    reach
        Walks from the sites to the demand's places.
    most, bounds
        By target, what no plan reaches more of, or spends less than: were there no other target, and where all others
        are kept; None where there was no time to prove that. See :class:`lastmile.stages.siting.Placement`.
    """
    lon, lat = np.array([site.lon for site in sites]), np.array([site.lat for site in sites])
    areas = walks_to_areas(city, lon, lat)
    targets = city.scenario.file.targets
    phased = bool(phase_dates(targets))
    results = []
    for target in targets:
        result = _result(target, _outcome(city, target, sites, reach, areas, fleet), most, bounds)
        due = phased and target.by is not None and isinstance(target, SiteTarget)
        results.append(replace(result, required=f"{result.required} by {target.by}") if due else result)
    return tuple(results)


def _result(
    target: Target, outcome: _Outcome, most: Mapping[str, float], bounds: Mapping[str, float | None]
) -> TargetResult:
    alone = most.get(target.id, outcome.most)
    possible = "" if alone is None else outcome.write(alone)
    bound = bounds.get(target.id)
    at_most = outcome.write(bound) if bound is not None else NO_TIME if target.id in bounds else ""
    if isinstance(target, BudgetTarget) and bound is not None:
        at_most = f"at least {at_most}"
    note = outcome.note
    if isinstance(target, CoverageTarget | AreaTarget) and alone is not None and alone < target.minimum:
        note = "; ".join(filter(None, (note, f"all candidates together reach {possible} at most: add some there")))
    return TargetResult(
        id=target.id,
        measure=target.measure,
        text=target.text,
        citation=target.citation,
        required=outcome.required,
        reached=outcome.reached or outcome.write(outcome.value),
        value=outcome.value,
        met=outcome.met,
        possible=possible,
        most=alone,
        at_most=at_most,
        bound=bound,
        note=note,
    )


def _outcome(
    city: City, target: Target, sites: tuple[Site, ...], reach: Pairs, areas: Pairs, fleet: tuple[FleetEntry, ...]
) -> _Outcome:
    if isinstance(target, CountTarget):
        return _count(city, target, sites)
    if isinstance(target, CoverageTarget):
        return _coverage(city, target, sites, reach)
    if isinstance(target, AreaTarget):
        return _areas(city, target, sites, areas)
    if isinstance(target, BudgetTarget):
        return _budget(city, target, sites)
    if isinstance(target, FleetTarget):
        return _vehicles(target, fleet)
    if isinstance(target, NewEnergyTarget):
        return _new_energy(target, fleet)
    if isinstance(target, PermitTarget):
        return _permits(city, target, fleet)
    assert_never(target)


def _count(city: City, target: CountTarget, sites: tuple[Site, ...]) -> _Outcome:
    counted = [
        site
        for site in standing(sites, target.by)
        if site.facility == target.facility
        and (target.host is None or site.host in target.host)
        and (target.district is None or site.district == target.district)
    ]
    value = float(len(counted) if target.of == "sites" else sum(getattr(site, target.of) for site in counted))
    unit = target.of.replace("_", " ")
    if target.maximum is None:
        required = f"{target.minimum:,} {unit}"
    elif target.maximum == target.minimum:
        required = f"exactly {target.minimum:,} {unit}"
    else:
        required = f"{target.minimum:,} to {target.maximum:,} {unit}"
    places = sum(target.facility in candidate.facilities for candidate in city.candidates)
    note = _outside(value, target, f"; {places:,} candidate places can hold one")
    return _Outcome(
        value=value,
        met=not note,
        required=required,
        write=lambda number: f"{number:,.0f} {unit}",
        note=note,
    )


def _outside(value: float, target: CountTarget | PermitTarget, why_short: str) -> str:
    """By how much a number is below its minimum, and why, or above its maximum; empty where it is neither."""
    if value < target.minimum:
        return f"short by {target.minimum - value:,.0f}{why_short}"
    if target.maximum is not None and value > target.maximum:
        return f"{value - target.maximum:,.0f} too many"
    return ""


def _coverage(city: City, target: CoverageTarget, sites: tuple[Site, ...], reach: Pairs) -> _Outcome:
    there = {site.id for site in standing(sites, target.by)}
    opened = np.array([site.id in there for site in sites], dtype=bool)
    every = np.arange(len(sites), dtype=np.int32)
    rows = coverage_rows(city, target, reach, every, [site.facility for site in sites])
    # A district that receives nothing has no share to reach.
    shares = {row.name: row.reached(opened) for row in rows if row.weight.any()}
    worst = min(shares, key=lambda name: shares[name], default=None)
    value = 0.0 if worst is None else shares[worst]
    # An expectation is no sum of whole parcels: it may stay below by as much as siting's solver does.
    met = value >= target.minimum - (SLACK_TOLERANCE if target.expected else _ROUNDING)
    note = "no parcels there" if worst is None else ""
    if worst is not None and target.each_district:
        note = f"lowest in {worst.removeprefix(f'{target.id}: ')}"
    if not met:
        note = "; ".join(filter(None, (f"short by {target.minimum - value:.1%} of the parcels", note)))
    where = " in every district" if target.each_district else ""
    whose = "parcels expected from within" if target.expected else "parcels within"
    return _Outcome(
        value=value,
        met=met,
        required=f"{target.minimum:.1%} of {whose} {target.reach_m:,.0f} m{where}",
        write=lambda number: f"{number:.1%}",
        note=note,
    )


def _areas(city: City, target: AreaTarget, sites: tuple[Site, ...], areas: Pairs) -> _Outcome:
    there = {site.id for site in standing(sites, target.by)}
    counted = np.array([site.facility in target.facilities and site.id in there for site in sites], dtype=bool)
    frame = city.scenario.areas
    wanted = wanted_areas(city, target)
    number = np.bincount(area_pairs(city, target, areas.of(counted)).target, minlength=len(frame))
    good = number == 1 if target.at_most_one else number > 0
    total, served = int(wanted.sum()), int((good & wanted).sum())
    value = served / total if total else 1.0
    missing = frame["name"][wanted & ~good].tolist()
    some = ", ".join(missing[:5]) + (f" and {len(missing) - 5} more" if len(missing) > 5 else "")
    each = "exactly one" if target.at_most_one else "one"
    share = "every" if target.minimum >= 1 else f"{target.minimum:.0%} of every"
    return _Outcome(
        value=value,
        met=value >= target.minimum - _ROUNDING,
        required=f"{each} for {share} {target.area_kind} ({total:,})",
        write=lambda number: f"{round(number * total):,}",
        reached=f"{served:,} of {total:,}",
        note=f"without: {some}" if missing else "",
    )


def _budget(city: City, target: BudgetTarget, sites: tuple[Site, ...]) -> _Outcome:
    facilities = {f.id for f in city.scenario.file.facilities if f.budget == target.category}
    value = sum(site.cost_fen for site in standing(sites, target.by) if site.facility in facilities) / 100
    met = value <= target.maximum_yuan + 0.005
    return _Outcome(
        value=value,
        met=met,
        required=f"at most {target.maximum_yuan:,.0f} yuan",
        write=lambda number: f"{number:,.0f} yuan",
        note="" if met else f"{value - target.maximum_yuan:,.0f} yuan too much",
    )


def _vehicles(target: FleetTarget, fleet: tuple[FleetEntry, ...]) -> _Outcome:
    counted = [
        entry for entry in fleet if (entry.new or not target.new_only) and (entry.marked or not target.marked_only)
    ]
    value = float(sum(entry.driven + entry.reserve for entry in counted))
    met = value >= target.minimum
    note = f"{sum(entry.driven for entry in counted):,} of them driven on the planned day"
    if not met:
        note = f"short by {target.minimum - value:,.0f}, the vehicle types' counts allow no more; {note}"
    return _Outcome(
        value=value,
        met=met,
        required=f"{target.minimum:,} vehicles",
        write=lambda number: f"{number:,.0f} vehicles",
        note=note,
        most=_available(entry.available for entry in counted),
    )


def _available(counts: Iterable[int | None]) -> float | None:
    """Vehicles that there can be of types with these counts; None without limit."""
    total = 0.0
    for count in counts:
        if count is None:
            return None
        total += count
    return total


def _new_energy(target: NewEnergyTarget, fleet: tuple[FleetEntry, ...]) -> _Outcome:
    counted = [entry for entry in fleet if entry.new or not target.new_only]
    total = sum(entry.driven + entry.reserve for entry in counted)
    electric = sum(entry.driven + entry.reserve for entry in counted if entry.energy == "electric")
    value = electric / total if total else 0.0
    met = value >= target.minimum - _ROUNDING
    return _Outcome(
        value=value,
        met=met,
        required=f"{target.minimum:.0%} new-energy",
        write=lambda number: f"{number:.0%}",
        reached=f"{value:.0%} ({electric:,} of {total:,})",
        note="" if met else f"short by {target.minimum - value:.1%}; give electric types a higher count",
        # Were it for the clause alone, no other vehicle would be there.
        most=float(any(entry.energy == "electric" and entry.available != 0 for entry in counted)),
    )


def _permits(city: City, target: PermitTarget, fleet: tuple[FleetEntry, ...]) -> _Outcome:
    file = city.scenario.file
    value = float(sum(entry.permits.get(target.permit, 0) for entry in fleet))
    permit = next(permit for permit in file.permits if permit.id == target.permit)
    note = _outside(
        value, target, f", the quota is {permit.quota:,}" if value >= permit.quota else ", no more eligible vehicles"
    )
    limits = (_available(v.count for v in file.vehicles if eligible(permit, v)), permit.quota, target.maximum)
    return _Outcome(
        value=value,
        met=not note,
        required=f"{target.minimum:,} vehicles" + ("" if target.maximum is None else f", at most {target.maximum:,}"),
        write=lambda number: f"{number:,.0f} vehicles",
        note=note,
        most=float(min(limit for limit in limits if limit is not None)),
    )
