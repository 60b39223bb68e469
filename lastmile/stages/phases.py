"""Phases: the dates by which targets of sites must hold. A site opens in one of them and stays."""

from collections.abc import Iterable
from datetime import date

from lastmile.plans import Site
from lastmile.scenario import AreaTarget, BudgetTarget, CountTarget, CoverageTarget, Target

SiteTarget = CountTarget | CoverageTarget | AreaTarget | BudgetTarget


def phase_dates(targets: Iterable[Target]) -> tuple[date, ...]:
    """The dates by which targets of sites must hold, in order; none unless there are two of them at least."""
    dates = {target.by for target in targets if isinstance(target, SiteTarget) and target.by is not None}
    return tuple(sorted(dates)) if len(dates) > 1 else ()


def standing(sites: tuple[Site, ...], by: date | None) -> tuple[Site, ...]:
    """The sites that are open by then; None: in the end."""
    return tuple(site for site in sites if by is None or site.opens_by is None or site.opens_by <= by)
