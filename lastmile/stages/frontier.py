"""How much of a city's demand a number of sites, or a budget, can cover: the frontier, each point with its bound."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from lastmile.errors import Fault, InputError
from lastmile.geo.candidates import Candidate
from lastmile.scenario import Facility
from lastmile.solvers.budget_covering import CoveringProblem, cover
from lastmile.solvers.location import locate
from lastmile.solvers.location_order import Order
from lastmile.solvers.location_problem import LocationProblem
from lastmile.stages.options import opening_fen
from lastmile.stages.prepare import City, Progress
from lastmile.stages.walks import walks
from lastmile.units import fen
from lastmile.walk_shares import walk_share

_SERIES: Final = (1, 2, 5)  # numbers of sites tried in each decade, where none are given
_MOST_YUAN: Final = 10**13  # of a budget; in fen, sums of many stay within 64 bits


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontierPoint:
    """These ``candidates`` cover ``parcels``; none of as many, or for as much, cover more than ``bound``.

    Where the facility has ``walk_shares``, both count the parcels that are expected.

    Parameters
    ----------
    yuan
        What opening them costs, one module each; those that exist cost nothing.
    budget
        Yuan that could be spent; None where the number of sites was given.
    """

    sites: int
    yuan: float
    budget: float | None
    parcels: float
    bound: float
    stopped: str
    candidates: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frontier:
    """Coverage against the number of sites of one facility, or against the money for opening them.

    Parameters
    ----------
    total, coverable
        Parcels a day of all orders, and of those that all candidates together cover.
    standing
        Sites that exist already; every point has them.
    """

    facility: Facility
    total: float
    coverable: float
    candidates: int
    standing: int
    points: tuple[FrontierPoint, ...]


def facility_named(facilities: Sequence[Facility], name: str) -> Facility:
    """The scenario's facility of this id.

    Raises
    ------
    InputError
        When there is none.
    """
    for facility in facilities:
        if facility.id == name:
            return facility
    known = ", ".join(facility.id for facility in facilities) or "none"
    raise InputError.single(
        place=f"facility {name!r}", cause=f"the scenario has no facility {name!r}", remedy=f"name one of these: {known}"
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Field:
    """The candidates of one facility, and as a problem: their costs, which of them exist, and whom they reach."""

    chosen: list[Candidate]
    covering: CoveringProblem

    def location(self, number: int) -> LocationProblem:
        """The same covering with so many sites: what is not covered costs a parcel each."""
        covering = self.covering
        weight = covering.weight
        return LocationProblem(
            opening=np.zeros(len(self.chosen)),
            unserved=weight,
            pair_site=covering.pair_site,
            pair_customer=covering.pair_customer,
            pair_cost=weight[covering.pair_customer] * (1.0 - covering.shares()),
            most=number,
            standing=covering.standing,
        )

    def point(self, sites: Sequence[int], *, budget: float | None, bound: float, stopped: str) -> FrontierPoint:
        """These sites as a point."""
        return FrontierPoint(
            sites=len(sites),
            yuan=self.covering.paid_fen(sites) / 100,
            budget=budget,
            parcels=self.covering.parcels(sites),
            bound=bound,
            stopped=stopped,
            candidates=tuple(self.chosen[site].id for site in sites),
        )


def find_frontier(
    city: City,
    facility: Facility,
    *,
    numbers: Sequence[int] = (),
    budgets: Sequence[float] = (),
    seconds: float,
    seed: int,
    on_progress: Progress,
) -> Frontier:
    """Cover as many parcels as possible with ever more sites, or ever more money.

    Coverage counts every order's parcels once, whatever its channel, if a site is within the facility's walking reach;
    where the facility states who walks how far (``walk_shares``), the share of them that would walk to the best of the
    sites: the parcels expected. Capacities and targets play no part.

    Parameters
    ----------
    numbers
        Of sites, for each point, in any order, with those that exist; without them, and without budgets, 1, 2, 5, 10,
        20, ... until all that can be covered is.
    budgets
        Yuan, to the fen, for opening new sites with one module each, for each point, in any order, instead of numbers.
    seconds
        Ceiling for each point.

    Raises
    ------
    InputError
        When no candidate may hold the facility, a number is below the existing sites or above all candidates, a budget
        is not a positive number of yuan or opens nothing, or both numbers and budgets are given.
    """
    field = _field(city, facility)
    kept = int(field.covering.standing.sum())
    if numbers and budgets:
        raise InputError.single(
            place="frontier", cause="both numbers of sites and budgets are given", remedy="give one of the two"
        )
    _require(facility, len(field.chosen), kept, numbers)
    total = float(field.covering.weight.sum())
    coverable = field.covering.parcels(range(len(field.chosen)))
    if budgets:
        points = _by_budget(field, _payable(field, budgets), seconds, on_progress)
    else:
        series = sorted(set(numbers)) or _series(max(1, kept), len(field.chosen))
        enough = np.inf if numbers else coverable
        points = _by_number(field, series, enough, seconds, seed, on_progress)
    return Frontier(
        facility=facility, total=total, coverable=coverable, candidates=len(field.chosen), standing=kept,
        points=tuple(points),
    )  # fmt: skip


def _field(city: City, facility: Facility) -> _Field:
    chosen = [candidate for candidate in city.candidates if facility.id in candidate.facilities]
    standing = np.array([candidate.existing_modules > 0 for candidate in chosen], dtype=bool)
    cost = [opening_fen(facility, candidate.host) + fen(facility.yuan_per_module) for candidate in chosen]
    lon, lat = np.array([one.lon for one in chosen]), np.array([one.lat for one in chosen])
    near = walks(city, lon, lat, city.walk_places).within(facility.reach_m)
    return _Field(
        chosen=chosen,
        covering=CoveringProblem(
            cost_fen=np.array(cost, dtype=np.int64),
            standing=standing,
            weight=city.parcels_of_places(),
            pair_site=near.origin,
            pair_customer=near.target,
            pair_share=walk_share(facility, near.metres) if facility.walk_shares else None,
        ),
    )


def _by_number(
    field: _Field, series: Sequence[int], enough: float, seconds: float, seed: int, on_progress: Progress
) -> list[FrontierPoint]:
    points: list[FrontierPoint] = []
    before: list[int] = []
    covering = field.covering
    problem = field.location(series[0])
    order = Order.of(problem)
    for number in series:
        solution = locate(replace(problem, most=number), order=order, seconds=seconds, seed=seed, start=before[:number])
        before = solution.sites.tolist()
        # Sums of shares are off by their rounding.
        bound = max(float(covering.weight.sum()) - solution.bound, covering.parcels(before))
        found = field.point(before, budget=None, bound=bound, stopped=solution.stopped)
        points.append(replace(found, sites=number))
        _tell(field, points[-1], f"{number:,} sites", on_progress)
        if points[-1].parcels >= enough:
            break
    return points


def _by_budget(field: _Field, budgets: Sequence[float], seconds: float, on_progress: Progress) -> list[FrontierPoint]:
    """Each point begins with the one before: a plan for less money is also one for more."""
    points: list[FrontierPoint] = []
    before: tuple[int, ...] = ()
    for budget in budgets:
        solution = cover(field.covering, budget_fen=fen(budget), seconds=seconds, start=before)
        before = solution.sites
        points.append(field.point(before, budget=budget, bound=solution.bound, stopped=solution.stopped))
        _tell(field, points[-1], f"{budget:,.0f} yuan", on_progress)
    # What no plan for more money exceeds none for less does.
    for k in range(len(points) - 2, -1, -1):
        points[k] = replace(points[k], bound=min(points[k].bound, points[k + 1].bound))
    return points


def _tell(field: _Field, point: FrontierPoint, what: str, on_progress: Progress) -> None:
    on_progress("frontier", f"{what}: {point.parcels / max(float(field.covering.weight.sum()), 1.0):.1%} covered")


def _payable(field: _Field, budgets: Sequence[float]) -> list[float]:
    """In order, each once."""
    covering = field.covering
    new = covering.cost_fen[~covering.standing]
    cheapest = int(new.min()) if len(new) and not covering.standing.any() else 0
    faults = []
    for budget in budgets:
        if not 0 < budget <= _MOST_YUAN:
            faults.append(
                Fault(
                    place=f"budget {budget}", cause="is no sum of money",
                    remedy=f"give yuan above 0, {_MOST_YUAN:,} at most",
                )
            )  # fmt: skip
        elif fen(budget) < cheapest:
            faults.append(
                Fault(
                    place=f"budget {budget:,.0f}",
                    cause=f"opens no site: the cheapest costs {cheapest / 100:,.0f} yuan",
                    remedy=f"give at least {math.ceil(cheapest / 100):,} yuan",
                )
            )
    if faults:
        raise InputError(faults)
    return sorted({float(budget) for budget in budgets})


def _require(facility: Facility, candidates: int, standing: int, numbers: Sequence[int]) -> None:
    if not candidates:
        raise InputError.single(
            place=f"facility {facility.id}",
            cause="no candidate may hold it",
            remedy="add candidates, or hosts to the facility",
        )
    for number in numbers:
        if not max(1, standing) <= number <= candidates:
            raise InputError.single(
                place=f"number {number}",
                cause=f"{standing} sites of {facility.id} exist, and there are {candidates} candidates with them",
                remedy=f"give numbers from {max(1, standing)} to {candidates}",
            )


def _series(least: int, most: int) -> list[int]:
    """1, 2, 5, 10, 20, ... from the least number to the greatest, and these two."""
    found = {least, most}
    decade = 1
    while decade <= most:
        found.update(step * decade for step in _SERIES if least <= step * decade <= most)
        decade *= 10
    return sorted(found)
