"""How far one clause could go at most if all others were kept: a bound that no plan exceeds.

What the clause counts is maximised over the programs of :mod:`lastmile.solvers.siting` and, where there are phases,
:mod:`lastmile.solvers.phased_program`, without money's worth and without the demand that is served: those only choose
among the plans that keep the rules. The other clauses' rules are hard. A rule that a plan misses is kept as far as the
plan keeps it, so that the plan itself is one of those compared, and no bound is below what it reaches. Of its own rules
the clause keeps only the maxima.

First the linear relaxation is solved, whose optimum is above that of every plan, then, where that is not yet what the
plan reaches, the whole program, as long as there is time: each bound that HiGHS proves is above every plan, whenever it
ends.
"""

import math
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from ortools.math_opt.python import mathopt

from lastmile.solvers.money import MoneyLimit
from lastmile.solvers.phased_program import RulesDue, program
from lastmile.solvers.siting_model import (
    AT_ONCE,
    covered_share,
    keep_apart_and_together,
    relaxed,
    solve,
    summed,
    variables,
)
from lastmile.solvers.siting_problem import CoverageRow, SitingProblem, SitingRow

_ROUNDING: Final = 1e-6  # of a count or a share: the solver's tolerance


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Clause:
    """What a clause wants much of: a count, or the least of several shares.

    Parameters
    ----------
    phase
        In which it is due.
    own
        Names of the rules of that phase which are the clause's.
    count
        What it counts, and no more than its ``upper``; None: ``shares``.
    """

    name: str
    phase: int = 0
    own: frozenset[str] = frozenset()
    count: SitingRow | None = None
    shares: tuple[CoverageRow, ...] = ()

    def value(self, modules: NDArray[np.int32]) -> float:
        """What a plan (modules by site) reaches; where there is nothing to cover, nothing."""
        if self.count is not None:
            return self.count.total(modules)
        return min((share.reached(modules > 0) for share in self.shares), default=0.0)

    def open_ended(self, problem: SitingProblem) -> bool:
        """Whether a plan may reach more than is asked for, so that a bound is of interest even where that is met."""
        asked = [self.count.lower] if self.count is not None else [share.minimum for share in self.shares]
        return self.alone(problem) > max(asked, default=0.0) + _ROUNDING

    def alone(self, problem: SitingProblem) -> float:
        """What is reached with every module that there may be: no plan reaches more that keeps the clause's maximum."""
        everything = np.where(problem.existing > 0, problem.existing, problem.modules_max)
        upper = math.inf if self.count is None else self.count.upper
        return min(self.value(everything), upper)

    def attainable(self, bound: float) -> float:
        """The greatest value of a plan that is not above a bound, where values are known to be whole numbers."""
        if self.count is not None:
            whole = (np.concatenate((self.count.per_open, self.count.per_module)) % 1 == 0).all()
            return float(math.floor(bound + _ROUNDING)) if whole else bound
        if len(self.shares) != 1:
            return bound
        (cover,) = self.shares
        whole = (cover.weight % 1 == 0).all() and (cover.share is None or (cover.share % 1 == 0).all())
        total = float(cover.weight.sum())
        return math.floor(bound * total + _ROUNDING * max(total, 1.0)) / total if whole and total > 0 else bound


def most(
    problem: SitingProblem,
    phases: Sequence[RulesDue],
    networks: Sequence[NDArray[np.int32]],
    clause: Clause,
    *,
    seconds: float,
    gap: float,
) -> float | None:
    """What no plan reaches more of that keeps all other rules at least as far as this one does.

    Parameters
    ----------
    problem
        Without rules of its own.
    phases
        In the order of time, one at least.
    networks
        The plan: of each phase, modules by site. They grow, as those of :mod:`lastmile.solvers.phased_siting` do.
    seconds
        Ceiling.
    gap
        Relative gap between bound and best plan at which the search for a lower bound ends.

    Returns
    -------
    float or None
        In the clause's unit, not below what the plan reaches; None where the time was too short for any bound.
    """
    until = time.perf_counter() + seconds
    floor, alone = clause.value(networks[clause.phase]), clause.alone(problem)
    if floor >= alone - _ROUNDING:
        return floor
    last = len(phases) - 1
    kept = [*phases]
    kept[clause.phase] = _without_own(phases[clause.phase], clause)
    earlier = [k for k in range(last) if phases[k].limits or k == clause.phase]
    whole = program(problem, kept, earlier)
    modules = np.concatenate([networks[k] for k in (last, *earlier)])
    start = 0 if clause.phase == last else (earlier.index(clause.phase) + 1) * len(problem.fixed_fen)
    proved = _Aim(whole, modules, clause, start).bounds(floor, until, gap)
    bound = min(proved, default=None)
    return None if bound is None else max(min(bound, alone), floor)


def _without_own(phase: RulesDue, clause: Clause) -> RulesDue:
    """The phase's rules, of the clause's own only the maxima."""
    return replace(
        phase,
        rows=tuple(replace(row, lower=0.0) if row.name in clause.own else row for row in phase.rows),
        coverage=tuple(cover for cover in phase.coverage if cover.name not in clause.own),
    )


class _Aim:
    """The program whose optimum is the most of a clause."""

    def __init__(self, problem: SitingProblem, plan: NDArray[np.int32], clause: Clause, start: int) -> None:
        """``start``: where the sites of the clause's phase begin."""
        self.clause = clause
        self.model = mathopt.Model(name="clause")
        self.opened, self.modules = variables(problem, self.model)
        keep_apart_and_together(problem, self.model, self.opened, self.modules)
        for row in problem.rows:
            self._keep_row(row, plan)
        for cover in problem.coverage:
            if cover.minimum > 0 and cover.weight.sum() > 0:
                least = min(cover.minimum, cover.reached(plan > 0))
                self.model.add_linear_constraint(covered_share(self.model, self.opened, cover) >= least)
        if clause.count is not None:
            self.model.maximize(self._total(clause.count, start))
        else:
            share = self.model.add_variable(lb=0.0, ub=1.0)
            for cover in clause.shares:
                self.model.add_linear_constraint(share - covered_share(self.model, self.opened[start:], cover) <= 0)
            self.model.maximize(share)

    def bounds(self, floor: float, until: float, gap: float) -> Iterable[float]:
        """Of the relaxation, and of the whole program where that is above the floor; none where time is up before."""
        with relaxed(self.model):
            first = self._bound(until, 0.0, ends=True)
        if first is None:
            return
        yield first
        if first <= floor + _ROUNDING or len(self.opened) > AT_ONCE:
            return
        whole = self._bound(until, gap, ends=False)
        if whole is not None:
            yield whole

    def _bound(self, until: float, gap: float, *, ends: bool) -> float | None:
        """``ends``: only what is proved when the search has come to its end counts."""
        left = until - time.perf_counter()
        if left <= 0:
            return None
        ended = solve(self.model, left, gap).termination
        if ends and ended.reason != mathopt.TerminationReason.OPTIMAL:
            return None
        bound = float(ended.objective_bounds.dual_bound)
        return self.clause.attainable(bound) if math.isfinite(bound) else None

    def _total(self, row: SitingRow, start: int) -> mathopt.LinearSum:
        return summed(self.opened[start:], self.modules[start:], row.site.tolist(), row.per_open, row.per_module)

    def _keep_row(self, row: SitingRow, plan: NDArray[np.int32]) -> None:
        counted = row.total(plan)
        if row.lower > 0:
            self.model.add_linear_constraint(self._total(row, 0) >= min(row.lower, counted))
        if math.isinf(row.upper):
            return
        if not row.yuan:
            self.model.add_linear_constraint(self._total(row, 0) <= max(row.upper, counted))
            return
        limit = MoneyLimit.of_yuan(row.site.tolist(), row.per_open.tolist(), row.per_module.tolist(), row.upper)
        limit = replace(limit, most_fen=limit.most_fen + max(limit.excess_fen(plan), 0))
        opening, each, upper = limit.rounded()
        self.model.add_linear_constraint(summed(self.opened, self.modules, limit.site, opening, each) <= upper)
