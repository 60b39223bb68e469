"""Stage 5: every clause of the scenario's targets: what the plan reaches, and what no plan could reach more of.

Where targets have several dates, each that speaks of sites is held against those that are open by its own.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

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
from lastmile.solvers.siting import SLACK_TOLERANCE
from lastmile.stages.phases import SiteTarget, phase_dates, standing
from lastmile.stages.prepare import City
from lastmile.stages.room import chilled_modules_max
from lastmile.stages.walks import Pairs, area_pairs, counted_share, walks_to_areas, wanted_areas


def ceilings(city: City, reach: Pairs, areas: Pairs) -> dict[str, float]:
    """What sites could reach of each target that speaks of sites, were there no other target and no budget.

    Every candidate holds every facility that it may, with all modules; at most as many as the target itself allows.

    Parameters
    ----------
    reach, areas
        Walks from the candidates to the demand's places, and to the named areas.

    Returns
    -------
    dict
        By the target's id, in its own unit: no plan reaches more. Targets of budgets and fleets are not there.
    """
    facilities = {facility.id: facility for facility in city.scenario.file.facilities}
    found = {}
    for target in city.scenario.file.targets:
        if isinstance(target, CountTarget):
            facility = facilities[target.facility]
            places = [
                candidate
                for candidate in city.candidates
                if facility.id in candidate.facilities
                and _counts(target, host=candidate.host, district=candidate.district)
            ]
            most = float(
                len(places)
                if target.of == "sites"
                else sum(place.existing_modules or facility.modules_max for place in places)
                if target.of == "modules"
                else sum(chilled_modules_max(facility, place) for place in places)
            )
            found[target.id] = most if target.maximum is None else min(most, float(target.maximum))
        elif isinstance(target, CoverageTarget | AreaTarget):
            wanted_here = frozenset(target.facilities)
            may = np.array([bool(wanted_here & set(one.facilities)) for one in city.candidates], dtype=bool)
            if isinstance(target, CoverageTarget):
                held = {
                    name: np.array([name in one.facilities for one in city.candidates], dtype=bool)
                    for name in target.facilities
                }
                found[target.id], _ = _coverage(city, target, reach, held)
            else:
                wanted = wanted_areas(city, target)
                near = area_pairs(city, target, areas.of(may)).target
                found[target.id] = len(np.unique(near)) / int(wanted.sum()) if wanted.any() else 1.0
    return found


def evaluate(
    city: City,
    sites: tuple[Site, ...],
    reach: Pairs,
    fleet: tuple[FleetEntry, ...],
    most: Mapping[str, float],
) -> tuple[TargetResult, ...]:
    """Compare every target with the plan.

    Parameters
    ----------
    reach
        Walks from the sites to the demand's places.
    most
        Of :func:`ceilings`.
    """
    lon, lat = np.array([site.lon for site in sites]), np.array([site.lat for site in sites])
    areas = walks_to_areas(city, lon, lat)
    targets = city.scenario.file.targets
    results = (_result(city, target, sites, reach, areas, fleet, most) for target in targets)
    phased = bool(phase_dates(targets))
    return tuple(
        replace(result, required=f"{result.required} by {target.by}")
        if phased and target.by is not None and isinstance(target, SiteTarget)
        else result
        for target, result in zip(targets, results, strict=True)
    )


def _counts(target: CountTarget, *, host: str, district: str) -> bool:
    """Whether a site of the target's facility is one of those that it counts."""
    return (target.host is None or host in target.host) and (target.district is None or district == target.district)


def _result(
    city: City,
    target: Target,
    sites: tuple[Site, ...],
    reach: Pairs,
    areas: Pairs,
    fleet: tuple[FleetEntry, ...],
    ceiling: Mapping[str, float],
) -> TargetResult:
    note = ""
    most = ceiling.get(target.id)
    possible = ""
    if isinstance(target, CountTarget):
        counted = [
            site
            for site in standing(sites, target.by)
            if site.facility == target.facility and _counts(target, host=site.host, district=site.district)
        ]
        value = float(len(counted) if target.of == "sites" else sum(getattr(site, target.of) for site in counted))
        met = target.minimum <= value and (target.maximum is None or value <= target.maximum)
        unit = target.of.replace("_", " ")
        if target.maximum is None or target.maximum == target.minimum:
            required = f"{target.minimum:,} {unit}" if target.maximum is None else f"exactly {target.minimum:,} {unit}"
        else:
            required = f"{target.minimum:,} to {target.maximum:,} {unit}"
        reached = f"{value:,.0f} {unit}"
        if most is not None:
            possible = f"{most:,.0f} {unit}"
        if value < target.minimum:
            places = sum(target.facility in candidate.facilities for candidate in city.candidates)
            note = f"short by {target.minimum - value:,.0f}; {places:,} candidate places can hold one"
        elif target.maximum is not None and value > target.maximum:
            note = f"{value - target.maximum:,.0f} too many"
    elif isinstance(target, CoverageTarget):
        held = {name: _of(sites, target, (name,)) for name in target.facilities}
        value, note = _coverage(city, target, reach, held)
        # An expectation is no sum of whole parcels: it may stay below by as much as siting's solver does.
        met = value >= target.minimum - (SLACK_TOLERANCE if target.expected else 1e-9)
        if not met:
            note = "; ".join(filter(None, (f"short by {target.minimum - value:.1%} of the parcels", note)))
        where = " in every district" if target.each_district else ""
        whose = "parcels expected from within" if target.expected else "parcels within"
        required = f"{target.minimum:.1%} of {whose} {target.reach_m:,.0f} m{where}"
        reached = f"{value:.1%}"
        if most is not None:
            possible = f"{most:.1%}"
    elif isinstance(target, AreaTarget):
        value, required, reached, note = _areas(city, target, areas.of(_of(sites, target, target.facilities)))
        if most is not None:
            possible = f"{round(most * int(wanted_areas(city, target).sum())):,}"
        met = value >= target.minimum - 1e-9
    elif isinstance(target, BudgetTarget):
        facilities = {f.id for f in city.scenario.file.facilities if f.budget == target.category}
        value = sum(site.cost_fen for site in standing(sites, target.by) if site.facility in facilities) / 100
        met = value <= target.maximum_yuan + 0.005
        note = "" if met else f"{value - target.maximum_yuan:,.0f} yuan too much"
        required, reached = f"at most {target.maximum_yuan:,.0f} yuan", f"{value:,.0f} yuan"
    elif isinstance(target, FleetTarget):
        counted_fleet = [
            entry for entry in fleet if (entry.new or not target.new_only) and (entry.marked or not target.marked_only)
        ]
        value = float(sum(entry.driven + entry.reserve for entry in counted_fleet))
        met = value >= target.minimum
        most = _available(counted_fleet)
        required, reached = f"{target.minimum:,} vehicles", f"{value:,.0f} vehicles"
        possible = "" if most is None else f"{most:,.0f} vehicles"
        note = f"{sum(entry.driven for entry in counted_fleet):,} of them driven on the planned day"
        if not met:
            note = f"short by {target.minimum - value:,.0f}, the vehicle types' counts allow no more; {note}"
    elif isinstance(target, NewEnergyTarget):
        counted_fleet = [entry for entry in fleet if entry.new or not target.new_only]
        total = sum(entry.driven + entry.reserve for entry in counted_fleet)
        electric = sum(entry.driven + entry.reserve for entry in counted_fleet if entry.energy == "electric")
        value = electric / total if total else 0.0
        met = value >= target.minimum - 1e-9
        note = "" if met else f"short by {target.minimum - value:.1%}; give electric types a higher count"
        required, reached = f"{target.minimum:.0%} new-energy", f"{value:.0%} ({electric:,} of {total:,})"
    else:
        assert isinstance(target, PermitTarget)
        value = float(sum(entry.permits.get(target.permit, 0) for entry in fleet))
        met = target.minimum <= value and (target.maximum is None or value <= target.maximum)
        if value < target.minimum:
            quota = next(permit.quota for permit in city.scenario.file.permits if permit.id == target.permit)
            bound = f"the quota is {quota:,}" if value >= quota else "no more eligible vehicles"
            note = f"short by {target.minimum - value:,.0f}, {bound}"
        elif target.maximum is not None and value > target.maximum:
            note = f"{value - target.maximum:,.0f} too many"
        required = f"{target.minimum:,} vehicles" + ("" if target.maximum is None else f", at most {target.maximum:,}")
        reached = f"{value:,.0f} vehicles"
    if isinstance(target, CoverageTarget | AreaTarget) and most is not None and most < target.minimum:
        note = "; ".join(filter(None, (note, f"all candidates together reach {possible} at most: add some there")))
    return TargetResult(
        id=target.id,
        measure=target.measure,
        text=target.text,
        citation=target.citation,
        required=required,
        reached=reached,
        value=value,
        met=met,
        possible=possible,
        most=most,
        note=note,
    )


def _available(fleet: list[FleetEntry]) -> float | None:
    """Vehicles that there can be of these types; None without limit."""
    counts = [entry.available for entry in fleet if entry.available is not None]
    return float(sum(counts)) if len(counts) == len(fleet) else None


def _of(sites: tuple[Site, ...], target: SiteTarget, facilities: tuple[str, ...]) -> NDArray[np.bool_]:
    """Which sites are of these facilities and open when the target is due."""
    there = {site.id for site in standing(sites, target.by)}
    return np.array([site.facility in facilities and site.id in there for site in sites], dtype=bool)


def _coverage(
    city: City, target: CoverageTarget, reach: Pairs, held: Mapping[str, NDArray[np.bool_]]
) -> tuple[float, str]:
    """The share that is covered, where each of the target's facilities is held by these origins of ``reach``."""
    covered = np.zeros(len(city.places))
    for facility in city.scenario.file.facilities:
        if facility.id in held:
            near = reach.of(held[facility.id])
            np.maximum.at(covered, near.target, counted_share(target, facility, near.metres))
    parcels = city.demand.parcels.astype(np.float64)
    at = covered[city.place_of] * parcels
    district = np.array(city.demand.district, dtype=object)
    names = sorted(set(city.demand.district)) if target.districts is None else list(target.districts)
    shares = {}
    for group in [[name] for name in names] if target.each_district else [names]:
        chosen = np.isin(district, group)
        total = float(parcels[chosen].sum())
        if total:  # a district that receives nothing has no share to reach
            shares[group[0] if target.each_district else ""] = float(at[chosen].sum()) / total
    if not shares:
        return 0.0, "no parcels there"
    worst = min(shares, key=lambda name: shares[name])
    return shares[worst], f"lowest in {worst}" if target.each_district else ""


def _areas(city: City, target: AreaTarget, areas: Pairs) -> tuple[float, str, str, str]:
    frame = city.scenario.areas
    wanted = wanted_areas(city, target)
    near = area_pairs(city, target, areas)
    number = np.bincount(near.target, minlength=len(frame))
    good = number == 1 if target.at_most_one else number > 0
    total, served = int(wanted.sum()), int((good & wanted).sum())
    value = served / total if total else 1.0
    missing = frame["name"][wanted & ~good].tolist()
    some = ", ".join(missing[:5]) + (f" and {len(missing) - 5} more" if len(missing) > 5 else "")
    each = "exactly one" if target.at_most_one else "one"
    share = "every" if target.minimum >= 1 else f"{target.minimum:.0%} of every"
    return (
        value,
        f"{each} for {share} {target.area_kind} ({total:,})",
        f"{served:,} of {total:,}",
        f"without: {some}" if missing else "",
    )
