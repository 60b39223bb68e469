"""Stage 2: which sites open with how many modules, and which order goes to which of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np

from lastmile.plans import Built, Phase, Service, Site, SitingSummary, Unserved
from lastmile.scenario import SIZES
from lastmile.solvers.phased_program import RulesDue
from lastmile.solvers.phased_siting import site_in_phases
from lastmile.solvers.siting_problem import Shortfall, SitingSolution
from lastmile.stages.assignment import assign
from lastmile.stages.bounds import clause_bounds
from lastmile.stages.commodities import Refrigerated, modules_beside, refrigerated
from lastmile.stages.due_rules import Demanded, demanded
from lastmile.stages.options import Option, opening_fen
from lastmile.stages.phases import phase_dates
from lastmile.stages.prepare import City, Progress
from lastmile.stages.room import Room
from lastmile.stages.siting_program import siting_problem
from lastmile.stages.supply import Supply
from lastmile.stages.walks import Pairs, to_sites, walks, walks_to_areas
from lastmile.units import fen

_NOTHING = 1e-6  # of a shortfall: rounding
_MANY = 1_000  # from here on amounts are told as whole numbers
_FOR_BOUNDS = 0.2  # of the time: for what is proved of each target


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Placement:
    """What siting decided: sites, the channel and site of every order, orders no site takes, and the proven bound.

    ``ceilings``: by target but budgets, what no choice of sites reaches more of. ``bounds``: by target, what none of
    those that keep all other targets reaches more of, or spends less than, see :mod:`lastmile.stages.bounds`.
    ``phases``: see :class:`lastmile.plans.Plan`.
    """

    sites: tuple[Site, ...]
    services: tuple[Service, ...]
    unserved: tuple[Unserved, ...]
    summary: SitingSummary | None
    phases: tuple[Phase, ...] = ()
    ceilings: Mapping[str, float] = field(default_factory=dict)
    bounds: Mapping[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ground:
    """What every choice of sites for a city starts from, whatever it costs to supply them.

    Parameters
    ----------
    options, stands
        Possible sites, and refrigerated modules beside them.
    reach
        Walks from the candidates to the demand's places.
    dates
        Of the phases; none where there is but one.
    proved
        Bounds of clauses that stand for every plan that keeps all rules.
    """

    options: list[Option]
    stands: list[Refrigerated]
    reach: Pairs
    dates: tuple[date, ...]
    demanded: Demanded
    proved: dict[str, float | None] = field(default_factory=dict)

    @classmethod
    def of(cls, city: City) -> "Ground":
        """Walk from every candidate, and read the targets."""
        file = city.scenario.file
        options = [
            Option(candidate=c, facility=facility)
            for c, candidate in enumerate(city.candidates)
            for facility in file.facilities
            if facility.id in candidate.facilities
        ]
        lon = np.array([candidate.lon for candidate in city.candidates])
        lat = np.array([candidate.lat for candidate in city.candidates])
        reach = walks(city, lon, lat, city.walk_places)
        dates = phase_dates(file.targets)
        # Which of several places refrigerated modules stand at is open until the end: too late for sites with dates.
        stands = refrigerated(city, options, reach, apart=bool(dates))
        return cls(
            options=options,
            stands=stands,
            reach=reach,
            dates=dates,
            demanded=demanded(city, dates, options, stands, reach, walks_to_areas(city, lon, lat)),
        )


def place_sites(
    city: City, *, supply: Supply | None = None, ground: Ground | None = None, on_progress: Progress
) -> Placement:
    """Choose sites by one mixed-integer program, then assign whole orders to them, nearest first.

    Where targets have several dates there is one program for each: the final network first, then from the last date to
    the first the best part of what comes after. Orders are assigned to the final network.

    Parameters
    ----------
    supply
        What it cost to supply the sites of an earlier plan; None: nothing is known of that.
    ground
        Of the same city, where it is known already.
    """
    file = city.scenario.file
    if not file.facilities:
        _, services, unserved = assign(city, (), Pairs.none())
        return Placement(sites=(), services=services, unserved=unserved, summary=None)
    ground = ground or Ground.of(city)
    options, stands, dates, due = ground.options, ground.stands, ground.dates, ground.demanded.phases
    problem = siting_problem(city, options, stands, ground.reach, supply)
    on_progress("siting", f"{len(options):,} possible sites, {len(problem.serve_site):,} pairs within walking reach")

    told: set[str] = set()

    def tell(rules: RulesDue, found: SitingSolution) -> None:
        again = "again, for the sake of earlier dates, " if rules.name in told else ""
        told.add(rules.name)
        by = f"{again}by {rules.name}: " if rules.name else ""
        best = "possible" if rules is due[-1] else "part of the network after it"
        text = (
            f"{by}{np.count_nonzero(found.modules[: len(options)])} sites, at most {found.gap:.2%} from the best {best}"
        )
        on_progress("siting", f"{text} ({found.stopped})")

    clauses = ground.demanded.clauses
    seconds, gap = file.search.siting_seconds, file.search.siting_gap
    for_bounds = _FOR_BOUNDS * seconds
    if any(clause.open_ended(problem) for clause in clauses):
        seconds -= for_bounds
    solutions = site_in_phases(problem, due, seconds=seconds, gap=gap, on_phase=tell)
    bounds = clause_bounds(problem, ground.demanded, solutions, ground.proved, seconds=for_bounds * len(due), gap=gap)
    late = sum(bound is None for bound in bounds.values())
    if clauses:
        text = f"; no time for {late}" if late else ""
        on_progress("siting", f"how far each of {len(clauses)} targets could go, all others kept{text}")
    factors = {phase.by: phase.factor for phase in file.demand.phases}
    summaries = [_summary(solution) for solution in solutions]
    opened = np.flatnonzero(solutions[-1].modules[: len(options)] > 0)
    chilled = [modules_beside(stands, solution.modules) for solution in solutions]
    sites = tuple(
        _site(
            city,
            options[j],
            [(int(found.modules[j]), beside.get(j, 0)) for found, beside in zip(solutions, chilled, strict=True)],
            dates,
        )
        for j in opened.tolist()
    )
    chosen = np.array([options[j].candidate for j in opened.tolist()], dtype=np.int32)
    sites, services, unserved = assign(city, sites, to_sites(ground.reach, chosen))
    return Placement(
        sites=sites,
        services=services,
        unserved=unserved,
        summary=summaries[-1],
        phases=tuple(
            Phase(by=by, siting=summary, demand_factor=factors.get(by))
            for by, summary in zip(dates, summaries, strict=bool(dates))
        ),
        ceilings={clause.name: clause.alone(problem) for clause in clauses if clause.spent is None},
        bounds=bounds,
    )


def _site(city: City, option: Option, by_phase: Sequence[tuple[int, int]], dates: tuple[date, ...]) -> Site:
    """The site as it is in the end; ``by_phase``: its modules and refrigerated ones, none before it opens."""
    candidate, facility = city.candidates[option.candidate], option.facility
    existing = candidate.existing_modules > 0
    (modules, chilled_modules), room = by_phase[-1], Room.of(facility, *by_phase[-1])
    before = [(0, 0), *by_phase[:-1]]
    grown = [
        (by, now) for by, now, then in zip(dates, by_phase, before, strict=bool(dates)) if now != then and not existing
    ]
    return Site(
        id=f"{facility.id}:{candidate.id}",
        candidate_id=candidate.id,
        facility=facility.id,
        kind=facility.kind,
        name=candidate.name,
        host=candidate.host,
        district=candidate.district,
        lon=candidate.lon,
        lat=candidate.lat,
        existing=existing,
        modules=modules,
        capacity_parcels=room.left("", chilled=False) + room.chilled,
        load_parcels=0,
        cost_fen=0 if existing else _spent_fen(option, candidate.host, modules, chilled_modules),
        opens_by=grown[0][0] if grown else None,
        built=tuple(_built(option, candidate.host, by, *now) for by, now in grown) if len(grown) > 1 else (),
        chilled_modules=chilled_modules,
        chilled_capacity_parcels=room.chilled,
        compartments={size: modules * facility.compartments[size] for size in SIZES if size in facility.compartments},
    )


def _built(option: Option, host: str, by: date, modules: int, chilled_modules: int) -> Built:
    room = Room.of(option.facility, modules, chilled_modules)
    return Built(
        by=by,
        modules=modules,
        chilled_modules=chilled_modules,
        capacity_parcels=room.left("", chilled=False) + room.chilled,
        chilled_capacity_parcels=room.chilled,
        cost_fen=_spent_fen(option, host, modules, chilled_modules),
    )


def _spent_fen(option: Option, host: str, modules: int, chilled_modules: int) -> int:
    facility = option.facility
    added = facility.yuan_per_module * modules + facility.yuan_per_chilled_module * chilled_modules
    return opening_fen(facility, host) + fen(added)


def _summary(solution: SitingSolution) -> SitingSummary:
    return SitingSummary(
        value_fen=round(solution.value_fen),
        bound_fen=round(solution.bound_fen),
        gap=solution.gap,
        stopped=solution.stopped,
        shortfalls=tuple(_short(shortfall) for shortfall in solution.shortfalls),
        relaxations=tuple(
            f"all other rules could be met if {name} gave way by {_amount(amount)}"
            for name, amount in solution.relaxations
        ),
    )


def _amount(number: float) -> str:
    return f"{number:,.0f}" if number >= _MANY else f"{number:.4g}"


def _short(shortfall: Shortfall) -> str:
    text = f"{shortfall.name}: short by {_amount(shortfall.amount)}"
    if shortfall.alone is None:
        return text
    alone = f"short by {_amount(shortfall.alone)} even" if shortfall.alone > _NOTHING else "met"
    return f"{text}; {alone} if there were no other rule"
