"""What opens by a date opens by one of the scenario's, and the plan's phases are those."""

from collections.abc import Iterator
from datetime import date

from lastmile.plans import Site, Violation
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
    for site in case.plan.sites:
        if site.existing and site.opens_by is not None:
            yield _fault(site.id, f"{site.opens_by}", f"{site.id} exists, and is said to open by {site.opens_by}")
        elif not site.existing and (site.opens_by not in dates if dates else site.opens_by is not None):
            yield _fault(
                site.id,
                f"{site.opens_by or 'no date'}",
                f"{site.id} opens by {site.opens_by or 'no date'}, the scenario has the phases {_listed(dates)}",
            )


def standing(case: Case, target: Target) -> Iterator[Site]:
    """The sites that are open on the target's day; all where it names none."""
    for site in case.plan.sites:
        if target.by is None or site.existing or site.opens_by is None or site.opens_by <= target.by:
            yield site


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
