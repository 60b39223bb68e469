"""How much of a city's demand a number of sites, or a budget, can cover: the frontier, each point with its bound."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lastmile.errors import InputError
from lastmile.geo.candidates import Candidate
from lastmile.scenario import Facility
from lastmile.solvers.location import locate
from lastmile.solvers.location_problem import LocationProblem
from lastmile.solvers.siting import site as solve_siting
from lastmile.solvers.siting_problem import SitingProblem, SitingRow
from lastmile.stages.prepare import City, Progress
from lastmile.stages.siting import opening_fen
from lastmile.stages.walks import Pairs, walks
from lastmile.units import fen

_SERIES: Final = (1, 2, 5)  # numbers of sites tried in each decade, where none are given


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontierPoint:
    """These ``candidates`` cover ``parcels``; none of as many, or for as much, cover more than ``bound``.

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
        Parcels a day of all orders, and of those within reach of any candidate.
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
    """The candidates of one facility: what opening each costs, which of them exist, and whom they reach."""

    chosen: list[Candidate]
    standing: NDArray[np.bool_]
    cost_fen: NDArray[np.int64]
    near: Pairs
    weight: NDArray[np.float64]

    def covered(self, sites: Sequence[int]) -> float:
        """Parcels within reach of these."""
        reached = np.zeros(len(self.weight), dtype=bool)
        reached[self.near.of(np.isin(np.arange(len(self.chosen)), sites)).target] = True
        return float(self.weight[reached].sum())

    def point(self, sites: Sequence[int], *, budget: float | None, bound: float, stopped: str) -> FrontierPoint:
        """These sites as a point."""
        return FrontierPoint(
            sites=len(sites),
            yuan=float(self.cost_fen[np.asarray(sites, dtype=np.int64)].sum()) / 100,
            budget=budget,
            parcels=self.covered(sites),
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
    capacities and targets play no part.

    Parameters
    ----------
    numbers
        Of sites, for each point, in any order, with those that exist; without them, and without budgets, 1, 2, 5, 10,
        20, ... until all that can be covered is.
    budgets
        Yuan for opening new sites with one module each, for each point, in any order, instead of numbers.
    seconds
        Ceiling for each point.

    Raises
    ------
    InputError
        When no candidate may hold the facility, a number is below the existing sites or above all candidates, a budget
        is not a positive number of yuan or opens nothing, or both numbers and budgets are given.
    """
    field = _field(city, facility)
    kept = int(field.standing.sum())
    if numbers and budgets:
        raise InputError.single(
            place="frontier", cause="both numbers of sites and budgets are given", remedy="give one of the two"
        )
    _require(facility, len(field.chosen), kept, numbers)
    total, coverable = float(field.weight.sum()), field.covered(range(len(field.chosen)))
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
    return _Field(
        chosen=chosen,
        standing=standing,
        cost_fen=np.where(standing, 0, np.array(cost, dtype=np.int64)),
        near=walks(city, lon, lat, city.walk_places).within(facility.reach_m),
        weight=city.parcels_of_places(),
    )


def _by_number(
    field: _Field, series: Sequence[int], enough: float, seconds: float, seed: int, on_progress: Progress
) -> list[FrontierPoint]:
    points: list[FrontierPoint] = []
    before: list[int] = []
    for number in series:
        problem = LocationProblem(
            opening=np.zeros(len(field.chosen)),
            unserved=field.weight,
            pair_site=field.near.origin,
            pair_customer=field.near.target,
            pair_cost=np.zeros(len(field.near.origin)),
            most=number,
            standing=field.standing,
        )
        solution = locate(problem, seconds=seconds, seed=seed, start=before[:number])
        before = solution.sites.tolist()
        bound = float(field.weight.sum()) - solution.bound
        found = field.point(before, budget=None, bound=bound, stopped=solution.stopped)
        points.append(replace(found, sites=number))
        _tell(field, points[-1], f"{number:,} sites", on_progress)
        if points[-1].parcels >= enough:
            break
    return points


def _by_budget(field: _Field, budgets: Sequence[float], seconds: float, on_progress: Progress) -> list[FrontierPoint]:
    """Maximal covering with a budget for its row: as a mixed-integer program, one for each point."""
    points: list[FrontierPoint] = []
    before: list[int] = np.flatnonzero(field.standing).tolist()
    sites = len(field.chosen)
    for budget in budgets:
        new = np.flatnonzero(~field.standing).astype(np.int32)
        money = SitingRow(
            name="budget", site=new, per_open=field.cost_fen[new] / 100, per_module=np.zeros(len(new)), upper=budget,
            hard=True,
        )  # fmt: skip
        problem = SitingProblem(
            fixed_fen=np.zeros(sites, dtype=np.int64),
            module_fen=np.zeros(sites, dtype=np.int64),
            modules_max=np.ones(sites, dtype=np.int32),
            module_capacity=np.zeros(sites, dtype=np.int32),
            existing=field.standing.astype(np.int32),
            weight=field.weight,
            serve_demand=np.empty(0, dtype=np.int32),
            serve_site=np.empty(0, dtype=np.int32),
            serve_metres=np.empty(0),
            attract_demand=field.near.target,
            attract_site=field.near.origin,
            parcel_fen=1.0,
            rows=(money,),
        )
        solution = solve_siting(problem, seconds=seconds, gap=0.0)
        found = np.flatnonzero(solution.modules > 0).tolist()
        if field.covered(found) < field.covered(before):
            # Time was up: a plan for less money is also one for more.
            found = before
        before = found
        points.append(field.point(found, budget=budget, bound=solution.bound_fen, stopped=solution.stopped))
        _tell(field, points[-1], f"{budget:,.0f} yuan", on_progress)
    # What no plan for more money exceeds none for less does.
    for k in range(len(points) - 2, -1, -1):
        points[k] = replace(points[k], bound=min(points[k].bound, points[k + 1].bound))
    return points


def _tell(field: _Field, point: FrontierPoint, what: str, on_progress: Progress) -> None:
    on_progress("frontier", f"{what}: {point.parcels / max(float(field.weight.sum()), 1.0):.1%} covered")


def _payable(field: _Field, budgets: Sequence[float]) -> list[float]:
    """In order, each once."""
    cheapest = int(field.cost_fen[~field.standing].min(initial=np.iinfo(np.int64).max)) / 100
    for budget in budgets:
        if not (math.isfinite(budget) and budget > 0):
            raise InputError.single(place=f"budget {budget:g}", cause="is no sum of money", remedy="give yuan above 0")
        if budget < cheapest and not field.standing.any():
            raise InputError.single(
                place=f"budget {budget:,.0f}",
                cause=f"opens no site: the cheapest costs {cheapest:,.0f} yuan",
                remedy=f"give at least {math.ceil(cheapest):,} yuan",
            )
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
