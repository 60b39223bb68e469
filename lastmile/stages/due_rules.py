"""What the targets demand of siting, by when, and what each of them counts."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from lastmile.scenario import AreaTarget, BudgetTarget, CountTarget, CoverageTarget
from lastmile.solvers.clause_bounds import Clause
from lastmile.solvers.phased_program import RulesDue
from lastmile.solvers.siting_problem import CoverageRow, SitingRow
from lastmile.stages.commodities import Refrigerated
from lastmile.stages.coverage import coverage_rows
from lastmile.stages.options import Option, opening_fen
from lastmile.stages.phases import SiteTarget
from lastmile.stages.prepare import City
from lastmile.stages.walks import Pairs, area_pairs, site_pairs, wanted_areas


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Demanded:
    """The targets of sites as rules of each phase, in the order of time, and each as a clause named by its id."""

    phases: tuple[RulesDue, ...]
    clauses: tuple[Clause, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Rules:
    """Of one target, its rules, and what it counts: a row, or money, or shares."""

    rows: tuple[SitingRow, ...] = ()
    coverage: tuple[CoverageRow, ...] = ()
    count: SitingRow | None = None
    spent: SitingRow | None = None
    shares: tuple[CoverageRow, ...] = ()

    def names(self) -> frozenset[str]:
        return frozenset([*(row.name for row in self.rows), *(cover.name for cover in self.coverage)])


def demanded(
    city: City,
    dates: Sequence[date],
    options: list[Option],
    stands: list[Refrigerated],
    reach: Pairs,
    areas: Pairs,
) -> Demanded:
    """The targets of sites by their dates; those without one are due with the last."""
    sites = _Sites(city, options, stands, reach, areas)
    factors: dict[date | None, float] = {phase.by: phase.factor for phase in city.scenario.file.demand.phases}
    phases, clauses = [], []
    for phase, by in enumerate(dates or (None,)):
        own = [
            (target, sites.rules(target))
            for target in city.scenario.file.targets
            if isinstance(target, SiteTarget) and (not dates or (target.by or dates[-1]) == by)
        ]
        phases.append(
            RulesDue(
                name="" if by is None else by.isoformat(),
                demand=factors.get(by, 1.0),
                rows=tuple(row for _, rules in own for row in rules.rows),
                coverage=tuple(cover for _, rules in own for cover in rules.coverage),
            )
        )
        clauses += [
            Clause(
                name=target.id,
                phase=phase,
                own=rules.names(),
                count=rules.count,
                spent=rules.spent,
                shares=rules.shares,
            )
            for target, rules in own
        ]
    return Demanded(phases=tuple(phases), clauses=tuple(clauses))


class _Sites:
    """The solver's sites, and what targets say of them."""

    def __init__(
        self, city: City, options: list[Option], stands: list[Refrigerated], reach: Pairs, areas: Pairs
    ) -> None:
        self.city, self.options, self.stands, self.reach, self.areas = city, options, stands, reach, areas
        self.candidate = np.array([option.candidate for option in options], dtype=np.int32)

    def rules(self, target: SiteTarget) -> _Rules:
        """Those of one target."""
        if isinstance(target, CountTarget):
            return self._count(target)
        if isinstance(target, CoverageTarget):
            rows = coverage_rows(
                self.city, target, self.reach, self.candidate, [option.facility.id for option in self.options]
            )
            return _Rules(coverage=rows, shares=tuple(row for row in rows if row.weight.any()))
        if isinstance(target, AreaTarget):
            return self._areas(target)
        budget = self._budget(target)
        return _Rules(rows=(budget,), spent=budget)

    def _count(self, target: CountTarget) -> _Rules:
        sites = np.array(
            [
                j
                for j, option in enumerate(self.options)
                if option.facility.id == target.facility
                and (target.host is None or self.city.candidates[option.candidate].host in target.host)
                and (target.district is None or self.city.candidates[option.candidate].district == target.district)
            ],
            dtype=np.int32,
        )
        if target.of == "chilled_modules":
            sites = np.array(self._beside(sites), dtype=np.int32)
        ones, zeros = np.ones(len(sites)), np.zeros(len(sites))
        per_open, per_module = (ones, zeros) if target.of == "sites" else (zeros, ones)
        upper = float("inf") if target.maximum is None else float(target.maximum)
        row = SitingRow(
            name=target.id, site=sites, per_open=per_open, per_module=per_module, lower=float(target.minimum),
            upper=upper,
        )  # fmt: skip
        return _Rules(rows=(row,), count=row)

    def _budget(self, target: BudgetTarget) -> SitingRow:
        sites = np.array(
            [
                j
                for j, option in enumerate(self.options)
                if option.facility.budget == target.category
                and not self.city.candidates[option.candidate].existing_modules
            ],
            dtype=np.int32,
        )
        own = [self.options[j] for j in sites.tolist()]
        colds = self._beside(sites)
        stands = [self.stands[site - len(self.options)] for site in colds]

        def column(of_options: Iterable[float], of_stands: Iterable[float]) -> NDArray[np.float64]:
            return np.array([*of_options, *of_stands], dtype=np.float64)

        return SitingRow(
            name=target.id,
            site=np.array([*sites.tolist(), *colds], dtype=np.int32),
            per_open=column(
                (opening_fen(option.facility, self.city.candidates[option.candidate].host) / 100 for option in own),
                (0.0 for _ in stands),
            ),
            per_module=column(
                (option.facility.yuan_per_module for option in own),
                (stand.facility.yuan_per_chilled_module for stand in stands),
            ),
            upper=target.maximum_yuan,
            yuan=True,
        )

    def _areas(self, target: AreaTarget) -> _Rules:
        chosen = np.array([option.facility.id in target.facilities for option in self.options], dtype=bool)
        near = site_pairs(area_pairs(self.city, target, self.areas), self.candidate, chosen)
        rows = []
        for area in np.unique(near.target).tolist():
            sites = near.origin[near.target == area]
            rows.append(
                SitingRow(
                    name=f"{target.id}: {self.city.scenario.areas['name'].iloc[area]}",
                    site=sites,
                    per_open=np.ones(len(sites)),
                    per_module=np.zeros(len(sites)),
                    lower=1.0 if target.minimum >= 1.0 else 0.0,
                    upper=1.0 if target.at_most_one else float("inf"),
                )
            )
        wanted = wanted_areas(self.city, target).astype(np.float64)
        cover = CoverageRow(name=target.id, demand=near.target, site=near.origin, weight=wanted, minimum=target.minimum)
        # Where every area is to have a site, each has a rule of its own.
        return _Rules(rows=tuple(rows), coverage=(cover,) if target.minimum < 1.0 else (), shares=(cover,))

    def _beside(self, sites: NDArray[np.int32]) -> list[int]:
        """Sites of the refrigerated modules of these options: a rule counts all options of a stand or none."""
        chosen = set(sites.tolist())
        stands = enumerate(self.stands, start=len(self.options))
        return [site for site, stand in stands if stand.options[0] in chosen]
