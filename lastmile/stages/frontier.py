"""How much of a city's demand a number of sites can cover: the frontier of coverage, each point with its bound."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from lastmile.errors import InputError
from lastmile.scenario import Facility
from lastmile.solvers.location import locate
from lastmile.solvers.location_problem import LocationProblem
from lastmile.stages.prepare import City, Progress
from lastmile.stages.walks import walks

_SERIES: Final = (1, 2, 5)  # numbers of sites tried in each decade, where none are given


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontierPoint:
    """So many sites, the ``candidates``, cover ``parcels``; none of as many cover more than ``bound``."""

    sites: int
    parcels: float
    bound: float
    stopped: str
    candidates: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frontier:
    """Coverage against the number of sites of one facility.

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
        place="--frontier", cause=f"the scenario has no facility {name!r}", remedy=f"name one of these: {known}"
    )


def find_frontier(
    city: City, facility: Facility, *, numbers: Sequence[int] = (), seconds: float, seed: int, on_progress: Progress
) -> Frontier:
    """Cover as many parcels as possible with ever more sites.

    Coverage counts every order's parcels once, whatever its channel, if a site is within the facility's walking reach;
    capacities and targets play no part.

    Parameters
    ----------
    numbers
        Of sites, for each point, in any order, with those that exist; without them 1, 2, 5, 10, 20, ... until all that
        can be covered is.
    seconds
        Ceiling for each point.

    Raises
    ------
    InputError
        When no candidate may hold the facility, or a number is below the existing sites or above all candidates.
    """
    chosen = [candidate for candidate in city.candidates if facility.id in candidate.facilities]
    standing = np.array([candidate.existing_modules > 0 for candidate in chosen], dtype=bool)
    kept = int(standing.sum())
    _require(facility, len(chosen), kept, numbers)
    near = walks(
        city, np.array([one.lon for one in chosen]), np.array([one.lat for one in chosen]), city.walk_places
    ).within(facility.reach_m)  # fmt: skip
    weight = city.parcels_of_places()
    reached = np.zeros(len(weight), dtype=bool)
    reached[near.target] = True
    total, coverable = float(weight.sum()), float(weight[reached].sum())
    points: list[FrontierPoint] = []
    before: list[int] = []
    for number in sorted(set(numbers)) or _series(max(1, kept), len(chosen)):
        problem = LocationProblem(
            opening=np.zeros(len(chosen)),
            unserved=weight,
            pair_site=near.origin,
            pair_customer=near.target,
            pair_cost=np.zeros(len(near.origin)),
            most=number,
            standing=standing,
        )
        solution = locate(problem, seconds=seconds, seed=seed, start=before[:number])
        before = solution.sites.tolist()
        points.append(
            FrontierPoint(
                sites=number,
                parcels=total - solution.cost,
                bound=total - solution.bound,
                stopped=solution.stopped,
                candidates=tuple(chosen[site].id for site in before),
            )
        )
        on_progress("frontier", f"{number:,} sites: {points[-1].parcels / max(total, 1.0):.1%} covered")
        if not numbers and points[-1].parcels >= coverable:
            break
    return Frontier(
        facility=facility, total=total, coverable=coverable, candidates=len(chosen), standing=kept, points=tuple(points)
    )


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
                place=f"--numbers {number}",
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
