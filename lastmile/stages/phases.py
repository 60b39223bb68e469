"""Phases: the dates by which targets of sites must hold. A site opens in one of them and stays."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date

from lastmile.plans import Site
from lastmile.scenario import AreaTarget, BudgetTarget, CountTarget, CoverageTarget, Target

SiteTarget = CountTarget | CoverageTarget | AreaTarget | BudgetTarget


def phase_dates(targets: Iterable[Target]) -> tuple[date, ...]:
    """The dates by which targets of sites must hold, in order; none unless there are two of them at least."""
    dates = {target.by for target in targets if isinstance(target, SiteTarget) and target.by is not None}
    return tuple(sorted(dates)) if len(dates) > 1 else ()


def standing(sites: tuple[Site, ...], by: date | None) -> tuple[Site, ...]:
    """The sites that are open by then, with the modules that they have by then; None: in the end."""
    return tuple(_as_of(site, by) for site in sites if by is None or site.opens_by is None or site.opens_by <= by)


def _as_of(site: Site, by: date | None) -> Site:
    if by is None or not site.built:
        return site
    then = [state for state in site.built if state.by <= by][-1]
    return replace(
        site,
        modules=then.modules,
        chilled_modules=then.chilled_modules,
        capacity_parcels=then.capacity_parcels,
        chilled_capacity_parcels=then.chilled_capacity_parcels,
        cost_fen=then.cost_fen,
        compartments={
            size: number * then.modules // max(site.modules, 1) for size, number in site.compartments.items()
        },
    )
