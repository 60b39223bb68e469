"""What opens by a date opens by one of the scenario's, and the plan's phases are those."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

from lastmile.plans import Built, Site, Violation
from lastmile.referee.case import Case, Violations
from lastmile.scenario import FleetTarget, NewEnergyTarget, PermitTarget, Target


def check_phases(case: Case) -> Violations:
    """Every new site opens in a phase of the scenario, if it has phases; existing ones open in none."""
    dates = _dates(case)
    claimed = [phase.by for phase in case.plan.phases]
    # Without facilities nothing is sited, in no phase.
    if claimed != dates and (claimed or case.facilities):
        yield _fault(
            "plan", _listed(claimed), f"the plan has the phases {_listed(claimed)}, the scenario {_listed(dates)}"
        )
    factors = {phase.by: phase.factor for phase in case.scenario.file.demand.phases}
    for phase in case.plan.phases:
        if phase.demand_factor != factors.get(phase.by):
            yield _fault(
                f"{phase.by}",
                f"{phase.demand_factor} for {factors.get(phase.by)}",
                f"by {phase.by} the parcels are {phase.demand_factor} times the planned day's, "
                f"the scenario says {factors.get(phase.by)}",
            )
    for site in case.plan.sites:
        if site.built:
            yield from _growth(case, site, dates)
        if site.existing and site.opens_by is not None:
            yield _fault(site.id, f"{site.opens_by}", f"{site.id} exists, and is said to open by {site.opens_by}")
        elif not site.existing and (site.opens_by not in dates if dates else site.opens_by is not None):
            yield _fault(
                site.id,
                f"{site.opens_by or 'no date'}",
                f"{site.id} opens by {site.opens_by or 'no date'}, the scenario has the phases {_listed(dates)}",
            )


def standing(case: Case, target: Target) -> Iterator[Site]:
    """Sites that are open on the target's day, as they are then; where it names none, all as they are in the end."""
    for site in case.plan.sites:
        if target.by is None or site.existing or site.opens_by is None or site.opens_by <= target.by:
            yield as_of(site, target.by)


def as_of(site: Site, day: date | None) -> Site:
    """The site with the modules of that day, or of its opening where that is later; None: in the end."""
    if day is None or not site.built:
        return site
    state = site.built[0]
    for later in site.built[1:]:
        if later.by <= day:
            state = later
    return replace(
        site,
        modules=state.modules,
        chilled_modules=state.chilled_modules,
        capacity_parcels=state.capacity_parcels,
        chilled_capacity_parcels=state.chilled_capacity_parcels,
        cost_fen=state.cost_fen,
    )


def _growth(case: Case, site: Site, dates: list[date]) -> Violations:
    """Modules come where the facility may grow, in phases of the scenario, and only more of them."""
    facility = case.facilities.get(site.facility)
    told = ", ".join(f"{state.by}: {state.modules} + {state.chilled_modules}" for state in site.built)
    if site.existing or (facility is not None and not facility.modules_grow):
        why = "it exists" if site.existing else f"a {site.facility} opens with all its modules"
        yield _fault(site.id, told, f"{site.id} grows, but {why}")
    days = [state.by for state in site.built]
    if days != sorted(set(days)) or not set(days) <= set(dates) or days[0] != site.opens_by or len(days) < 2:
        yield _fault(
            site.id, told, f"{site.id} opens by {site.opens_by} and grows on other days than phases after that"
        )
    for before, after in zip(site.built, site.built[1:], strict=False):
        fewer = after.modules < before.modules or after.chilled_modules < before.chilled_modules
        if fewer or _numbers(before)[:2] == _numbers(after)[:2]:
            yield _fault(site.id, told, f"{site.id} has no more modules by {after.by} than by {before.by}")
    if _numbers(site.built[-1]) != _numbers(site):
        yield _fault(site.id, told, f"{site.id} grows to something else than it is in the end")


def _numbers(of: Built | Site) -> tuple[int, ...]:
    return of.modules, of.chilled_modules, of.capacity_parcels, of.chilled_capacity_parcels, of.cost_fen


def _dates(case: Case) -> list[date]:
    """Days of the targets that sites can meet, where they are several."""
    found: list[date] = []
    for target in case.scenario.file.targets:
        of_fleet = isinstance(target, FleetTarget | NewEnergyTarget | PermitTarget)
        if not of_fleet and target.by is not None and target.by not in found:
            found.append(target.by)
    return sorted(found) if len(found) >= 2 else []


def _listed(dates: list[date]) -> str:
    return ", ".join(day.isoformat() for day in dates) or "none"


def _fault(place: str, amount: str, detail: str) -> Violation:
    return Violation(rule="phase", place=place, amount=amount, detail=detail)
