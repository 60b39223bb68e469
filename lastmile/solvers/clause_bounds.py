"""How far one clause could go if all others were kept: a bound beyond which no plan goes.

What the clause counts is maximised, or where it is money minimised, over the programs of :mod:`lastmile.solvers.siting`
and, where there are phases, :mod:`lastmile.solvers.phased_program`, without money's worth and without the demand that
is served: those only choose among the plans that keep the rules. The other clauses' rules are hard. A rule that a plan
misses is kept as far as the plan keeps it, so that the plan itself is one of those compared, and goes beyond no bound.
Of its own rules the clause keeps only the maxima.

First the linear relaxation is solved, whose optimum no plan betters, then, where that is not yet what the plan reaches,
the whole program, as long as there is time: no plan betters a bound that HiGHS proves, whenever it ends. Money is
counted in units, each cost rounded down (:mod:`lastmile.solvers.money`), so that a plan costs no less than its units.
"""

import math
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from ortools.math_opt.python import mathopt

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
    """What a clause wants much of, a count or the least of several shares, or little: money.

    Parameters
    ----------
    phase
        In which it is due.
    own
        Names of the rules of that phase which are the clause's.
    count
        What it counts, and no more than its ``upper``.
    spent
        A rule of yuan: the money that it limits.
    shares
        Where it neither counts nor spends.
    """

    name: str
    phase: int = 0
    own: frozenset[str] = frozenset()
    count: SitingRow | None = None
    spent: SitingRow | None = None
    shares: tuple[CoverageRow, ...] = ()

    @property
    def sense(self) -> float:
        """1 where much is wanted, -1 where little is."""
        return 1.0 if self.spent is None else -1.0

    def further(self, one: float, other: float) -> float:
        """Of two values the one that goes further: the greater, of money the smaller."""
        return max(one, other) if self.spent is None else min(one, other)

    def value(self, modules: NDArray[np.int32]) -> float:
        """What a plan (modules by site) reaches; where there is nothing to cover, nothing."""
        if self.count is not None:
            return self.count.total(modules)
        if self.spent is not None:
            return self.spent.money().paid_fen(modules) / 100
        return min((share.reached(modules > 0) for share in self.shares), default=0.0)

    def open_ended(self, problem: SitingProblem) -> bool:
        """Whether a plan may reach more than is asked for, so that a bound is of interest even where that is met."""
        if self.spent is not None:
            return self.value(_everything(problem)) > self.alone(problem)
        asked = [self.count.lower] if self.count is not None else [share.minimum for share in self.shares]
        return self.alone(problem) > max(asked, default=0.0) + _ROUNDING

    def alone(self, problem: SitingProblem) -> float:
        """How far any plan goes that keeps the clause's maximum: with all modules that may be, or none but old."""
        if self.spent is not None:
            return self.value(problem.existing)
        upper = math.inf if self.count is None else self.count.upper
        return min(self.value(_everything(problem)), upper)

    def attainable(self, bound: float) -> float:
        """The furthest value of a plan that is not beyond a bound, where values are known to be whole numbers.

        The bound of money is in its units.
        """
        if self.spent is not None:
            return math.ceil(bound - _ROUNDING * max(bound, 1.0)) * self.spent.money().unit_fen / 100
        if self.count is not None:
            whole = (np.concatenate((self.count.per_open, self.count.per_module)) % 1 == 0).all()
            return float(math.floor(bound + _ROUNDING)) if whole else bound
        if len(self.shares) != 1:
            return bound
        (cover,) = self.shares
        whole = (cover.weight % 1 == 0).all() and (cover.share is None or (cover.share % 1 == 0).all())
        total = float(cover.weight.sum())
        return math.floor(bound * total + _ROUNDING * max(total, 1.0)) / total if whole and total > 0 else bound


def _everything(problem: SitingProblem) -> NDArray[np.int32]:
    return np.where(problem.existing > 0, problem.existing, problem.modules_max)


def furthest(
    problem: SitingProblem,
    phases: Sequence[RulesDue],
    networks: Sequence[NDArray[np.int32]],
    clause: Clause,
    *,
    seconds: float,
    gap: float,
) -> float | None:
    """What no plan reaches more of, or spends less than, that keeps all other rules at least as far as this one does.

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
        In the clause's unit, nothing that the plan goes beyond; None where the time was too short for any bound.
    """
    until = time.perf_counter() + seconds
    reached, alone = clause.value(networks[clause.phase]), clause.alone(problem)
    if clause.sense * reached >= clause.sense * alone - _ROUNDING:
        return reached
    last = len(phases) - 1
    kept = [*phases]
    kept[clause.phase] = _without_own(phases[clause.phase], clause)
    earlier = [k for k in range(last) if phases[k].limits or k == clause.phase]
    whole = program(problem, kept, earlier)
    modules = np.concatenate([networks[k] for k in (last, *earlier)])
    start = 0 if clause.phase == last else (earlier.index(clause.phase) + 1) * len(problem.fixed_fen)
    proved = [alone, *_Aim(whole, modules, clause, start).bounds(reached, until, gap)]
    if len(proved) == 1:
        return None
    return clause.further(min(proved, key=lambda bound: clause.sense * bound), reached)


def _without_own(phase: RulesDue, clause: Clause) -> RulesDue:
    """The phase's rules, of the clause's own only the maxima."""
    return replace(
        phase,
        rows=tuple(replace(row, lower=0.0) if row.name in clause.own else row for row in phase.rows),
        coverage=tuple(cover for cover in phase.coverage if cover.name not in clause.own),
    )


class _Aim:
    """The program whose optimum is the furthest that a clause may go."""

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
        elif clause.spent is not None:
            limit = clause.spent.money()
            opening, each, _ = limit.rounded()
            self.model.minimize(summed(self.opened[start:], self.modules[start:], limit.site, opening, each))
        else:
            share = self.model.add_variable(lb=0.0, ub=1.0)
            for cover in clause.shares:
                self.model.add_linear_constraint(share - covered_share(self.model, self.opened[start:], cover) <= 0)
            self.model.maximize(share)

    def bounds(self, reached: float, until: float, gap: float) -> Iterable[float]:
        """Of the relaxation, and of the whole program where that is beyond what is reached; none where time is up."""
        with relaxed(self.model):
            first = self._bound(until, 0.0, ends=True)
        if first is None:
            return
        yield first
        sense = self.clause.sense
        if sense * first <= sense * reached + _ROUNDING or len(self.opened) > AT_ONCE:
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
        limit = row.money()
        limit = replace(limit, most_fen=limit.most_fen + max(limit.excess_fen(plan), 0))
        opening, each, upper = limit.rounded()
        self.model.add_linear_constraint(summed(self.opened, self.modules, limit.site, opening, each) <= upper)
