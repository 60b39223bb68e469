"""Sites stand where they may and can take what they are given."""

import math
from collections import Counter
from typing import Any

import numpy as np
import shapely

from lastmile.geo.distances import metres_per_degree
from lastmile.plans import Site, Violation
from lastmile.referee.case import Case, Violations
from lastmile.referee.phases import as_of
from lastmile.scenario import CHILLED, SIZES, Facility

_SAME_PLACE = 1e-6  # degrees
_SPACING_TOLERANCE_M = 1.0
_PARCEL_TOLERANCE = 1e-6


def check_sites(case: Case) -> Violations:
    """Load, capacity and modules of every site."""
    given: Counter[str] = Counter()
    cold: Counter[str] = Counter()
    sizes: dict[str, Counter[str]] = {site.id: Counter() for site in case.plan.sites}
    for service in case.plan.services:
        if service.site_id is None or service.channel == "door":
            continue
        given[service.site_id] += service.parcels
        row = case.orders.get(service.order_id)
        if row is not None and case.demand.skill[row] == CHILLED:
            cold[service.site_id] += service.parcels
        elif service.site_id in sizes:
            size = case.demand.size[row] if row is not None else ""
            sizes[service.site_id][size or SIZES[0]] += service.parcels
    for site in case.plan.sites:
        if site.load_parcels != given[site.id]:
            yield Violation(
                rule="site-load",
                place=site.id,
                amount=f"{site.load_parcels} parcels for {given[site.id]}",
                detail=f"the services at {site.id} bring {given[site.id]} parcels, the site says {site.load_parcels}",
            )
        if site.chilled_load_parcels != cold[site.id]:
            yield Violation(
                rule="site-load",
                place=site.id,
                amount=f"{site.chilled_load_parcels} chilled parcels for {cold[site.id]}",
                detail=f"of the parcels at {site.id} {cold[site.id]} are chilled, "
                f"the site says {site.chilled_load_parcels}",
            )
        for kind, parcels, room in (
            ("", given[site.id] - cold[site.id], site.capacity_parcels - site.chilled_capacity_parcels),
            ("chilled ", cold[site.id], site.chilled_capacity_parcels),
        ):
            if parcels > room:
                yield Violation(
                    rule="site-capacity",
                    place=site.id,
                    amount=f"{parcels - room} {kind}parcels over {room}",
                    detail=f"{site.id} is given {parcels} {kind}parcels and can take {room}",
                )
        facility = case.facilities.get(site.facility)
        if facility is not None:
            yield from _modules(case, site, facility)
            for state in site.built[:-1]:
                yield from _modules(case, as_of(site, state.by), facility)
            yield from _compartments(site, facility, sizes[site.id])


def _compartments(site: Site, facility: Facility, parcels: Counter[str]) -> Violations:
    """Put the largest parcels into the largest compartments first: what is then left over finds room nowhere."""
    due = {size: site.modules * number for size, number in facility.compartments.items()}
    if site.compartments != due:
        yield Violation(
            rule="compartments",
            place=site.id,
            amount=f"{site.compartments} for {due}",
            detail=f"{site.modules} modules have compartments {due}, {site.id} says {site.compartments}",
        )
    stated = {size: number for size, number in site.parcels_by_size.items() if number}
    brought = {size: number for size, number in parcels.items() if number} if due else {}
    if stated != brought:
        yield Violation(
            rule="site-load",
            place=site.id,
            amount=f"{stated} for {brought}",
            detail=f"by size the parcels at {site.id} are {brought}, the site says {stated}",
        )
    free = 0.0
    for size in reversed(SIZES) if due else ():
        free += facility.turnover_per_day * due.get(size, 0) - parcels[size]
        if free < -_PARCEL_TOLERANCE:
            yield Violation(
                rule="compartments",
                place=site.id,
                amount=f"{math.ceil(-free - _PARCEL_TOLERANCE)} parcels over",
                detail=f"of {parcels[size]} parcels of size {size} at {site.id}, {-free:g} find no compartment",
            )
            free = 0.0


def _modules(case: Case, site: Site, facility: Facility) -> Violations:
    exact = site.modules * facility.parcels_per_module
    if facility.compartments:
        exact = min(exact, site.modules * facility.turnover_per_day * sum(facility.compartments.values()))
    chilled = site.chilled_modules * (facility.parcels_per_chilled_module or 0.0)
    made, cold = math.floor(exact + 1e-9), math.floor(chilled + 1e-9)
    if site.capacity_parcels - site.chilled_capacity_parcels not in (made, math.floor(exact)):
        yield Violation(
            rule="modules",
            place=site.id,
            amount=f"{site.capacity_parcels - site.chilled_capacity_parcels} parcels for {made}",
            detail=f"{site.modules} modules of {site.id} take {made} parcels, "
            f"the site says {site.capacity_parcels - site.chilled_capacity_parcels}",
        )
    if site.chilled_capacity_parcels not in (cold, math.floor(chilled)):
        yield Violation(
            rule="modules",
            place=site.id,
            amount=f"{site.chilled_capacity_parcels} chilled parcels for {cold}",
            detail=f"{site.chilled_modules} refrigerated modules of {site.id} take {cold} parcels, "
            f"the site says {site.chilled_capacity_parcels}",
        )
    listed = _listed(case, site)
    cold_allowed = facility.chilled_modules_max
    if site.existing and listed is not None:
        cold_allowed = int(listed["chilled_modules"])
    if not 0 <= site.chilled_modules <= cold_allowed:
        yield Violation(
            rule="modules",
            place=site.id,
            amount=f"{site.chilled_modules} refrigerated modules, 0 to {cold_allowed}",
            detail=f"a {facility.id} at this place has at most {cold_allowed} refrigerated modules, "
            f"{site.id} has {site.chilled_modules}",
        )
    allowed = facility.modules_max if listed is None else max(facility.modules_max, int(listed["modules"]))
    if not 1 <= site.modules <= allowed:
        yield Violation(
            rule="modules",
            place=site.id,
            amount=f"{site.modules} modules, 1 to {allowed}",
            detail=f"a {facility.id} at this place has 1 to {allowed} modules, {site.id} has {site.modules}",
        )


def check_ground(case: Case) -> Violations:
    """Existing sites are in the scenario's table, new ones stand on allowed ground at allowed distances."""
    forbidden = case.scenario.forbidden
    for site in case.plan.sites:
        facility, listed = case.facilities.get(site.facility), _listed(case, site)
        if listed is not None and site.host != listed["host"]:
            yield _ground("host", site, site.host, f"the scenario's table says {listed['host']}")
        named = str(listed["district"]) if listed is not None else ""
        if site.district not in ({named} if named else case.districts_at(site.lon, site.lat)):
            yield _ground("district", site, site.district, "the site is in another district")
        if site.existing:
            if listed is None or listed["status"] != "existing":
                yield _ground("existing", site, "not in the table", "no existing site of the scenario stands there")
            continue
        if listed is not None and listed["status"] == "forbidden":
            yield _ground("forbidden", site, "forbidden", "the scenario's table forbids a site there")
        if facility is not None and listed is None and site.host not in facility.hosts:
            yield _ground("host", site, site.host, f"{facility.id} may stand at {', '.join(facility.hosts)} only")
        chosen = listed["facilities"] if listed is not None else None
        if isinstance(chosen, tuple) and chosen and site.facility not in chosen:
            yield _ground("host", site, site.facility, f"the scenario's table allows {', '.join(chosen)} only")
        if forbidden is not None:
            inside = shapely.covers(forbidden.geometry.to_numpy(), shapely.Point(site.lon, site.lat))
            for reason in forbidden["reason"].to_numpy()[inside]:
                yield _ground("forbidden", site, str(reason), f"it stands on land where no site may be: {reason}")
    yield from _spacing(case)


def _spacing(case: Case) -> Violations:
    for facility in case.facilities.values():
        if not facility.minimum_spacing_m:
            continue
        alike = [site for site in case.plan.sites if site.facility == facility.id]
        lon, lat = np.array([site.lon for site in alike]), np.array([site.lat for site in alike])
        for i, a in enumerate(alike):
            per_lon, per_lat = metres_per_degree((lat[i + 1 :] + a.lat) / 2)
            metres = np.hypot((lon[i + 1 :] - a.lon) * per_lon, (lat[i + 1 :] - a.lat) * per_lat)
            for j in np.flatnonzero(metres < facility.minimum_spacing_m - _SPACING_TOLERANCE_M):
                b = alike[i + 1 + int(j)]
                if a.existing and b.existing:
                    continue
                yield _ground(
                    "spacing",
                    a,
                    f"-{facility.minimum_spacing_m - metres[j]:.0f} m",
                    f"{b.id} is only {metres[j]:.0f} m away, {facility.minimum_spacing_m:.0f} m must lie between them",
                )


def _listed(case: Case, site: Site) -> Any:
    """The row of the scenario's candidates at the site's place, by its id where there are several; None without one."""
    lon, lat = case.candidate_places
    near = (np.abs(lon - site.lon) <= _SAME_PLACE) & (np.abs(lat - site.lat) <= _SAME_PLACE)
    if not near.any():
        return None
    rows = case.scenario.candidates[near]
    same = rows[rows["id"] == site.candidate_id]
    return same.iloc[0] if len(same) else rows.iloc[0]


def _ground(rule: str, site: Site, amount: str, detail: str) -> Violation:
    return Violation(rule=rule, place=site.id, amount=amount, detail=f"{site.id} at {site.name!r}: {detail}")
