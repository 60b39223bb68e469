"""Siting as one mixed-integer program, solved by HiGHS through OR-Tools MathOpt.

Up to ten thousand possible sites the program is solved as it is. For a whole city its linear relaxation is solved
first, which bounds every plan, then the program with the sites alone that the relaxation opens or nearly does: kernel
search [3]_. Each further kernel is larger, until the gap to the bound is closed as far as was asked for.

Model, with o_j open, m_j modules, x_ij share of demand i that site j is for, s_ij the share of those who would walk
there (1: all), c_is demand i whose best opened attracting site has the share s::

    max  sum p_j w_i s_ij x_ij (1 - e d_ij) + p sum w_i s c_is - sum (f_j o_j + g_j m_j) - M sum slacks
    s.t. sum_j x_ij <= 1;  x_ij <= o_j;  sum_i w_i s_ij x_ij <= k_j m_j;  o_j <= m_j <= M_j o_j
         sum of w_i s_ij x_ij of size s or larger <= k_js m_j, for every size s that site j limits
         c_is <= sum of o_j with s_ij = s;  sum_s c_is <= 1;  every rule's row with its slacks

A parcel is worth p, and p_j = max(p - what its receiver minds, 0) where it has to be fetched at site j. The term e d_ij
(e: what the longest walk takes of that worth) prefers the nearer of two sites.

Shares that fall with the distance make it generalized or gradual covering [4]_ [5]_: who does not come is worth nothing
and takes no room. With y_ij = w_i s_ij x_ij, those who come, smaller shares only tighten y_ij <= w_i s_ij o_j and
sum_j y_ij / (w_i s_ij) <= 1: no plan's value rises. Rules of coverage count the best share in the same way as c_is.

The limits by size are exact, not only necessary: what may hold a large parcel may hold a small one, so the compartments
that may hold each size are nested, and by Hall's theorem [6]_ all parcels find room if, for every size, those of it and
above are no more than the compartments of it and above. Refrigerated modules are a site j' of their own, open only
where one that they may stand at is, with so many modules as find a place there::

    o_j' <= sum of o_j;  m_j' <= M_j' / n sum of o_j     over the n sites j that j' may stand at

Limits of money are kept to the fen at first (:mod:`lastmile.solvers.money`), and have a slack only where other rules
cannot be met beside them.

References
----------
.. [1] Church, ReVelle (1974). The maximal covering location problem. doi:10.1007/BF01942293
.. [2] Current, Storbeck (1988). Capacitated covering models. doi:10.1068/b150153
.. [3] Angelelli, Mansini, Speranza (2010). Kernel search: a general heuristic for the multi-dimensional knapsack
       problem. doi:10.1016/j.cor.2010.02.002
.. [4] Church, Roberts (1983). Generalized coverage models and public facility location.
       doi:10.1111/j.1435-5597.1983.tb00802.x
.. [5] Berman, Krass, Drezner (2003). The gradual covering decay location problem on a network.
       doi:10.1016/S0377-2217(02)00604-5
.. [6] Hall (1935). On representatives of subsets. doi:10.1112/jlms/s1-10.37.26
"""

import math
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from ortools.math_opt.python import mathopt

from lastmile.solvers.money import MoneyLimit
from lastmile.solvers.siting_model import (
    AT_ONCE,
    best_shares,
    covered_share,
    keep_apart_and_together,
    relaxed,
    solve,
    summed,
    variables,
)
from lastmile.solvers.siting_problem import NoPlanInTimeError, Shortfall, SitingProblem, SitingRow, SitingSolution

#: Of a rule, the share by which it may be missed unnoticed.
SLACK_TOLERANCE: Final = 1e-5
_MORE: Final = 2_000  # sites that the second kernel has more than the first; each further one twice as many more
_EXPLAINED: Final = 12  # rules that fall short, and that may give way, that are looked into
_RELAXED: Final = 1 / 3  # of the time, for the relaxation; where that is too short, the program is solved as it is
_UNUSED: Final = 1e-7  # of a site, in the relaxation: closed


@dataclass(frozen=True, slots=True, kw_only=True)
class _Slack:
    """By how much a rule is missed, in units of ``scale``; ``limits``: by too much, not by too little."""

    name: str
    variable: mathopt.Variable
    scale: float
    limits: bool = False
    money: "_Money | None" = None

    def missed(self, found: "_Found", modules: list[mathopt.Variable]) -> float:
        """By how much a plan misses the rule, in the rule's own unit; money to the fen, else 0 within the tolerance."""
        if self.money is not None:
            return max(self.money.limit.excess_fen(found.built(modules)), 0) / 100
        share = found.values[self.variable]
        return share * self.scale if share > SLACK_TOLERANCE else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Money:
    """A limit of money: the row with its slack, and rows without one, each with its upper bound; either is in force."""

    limit: MoneyLimit
    loose: mathopt.LinearConstraint
    loose_from: float
    strict: dict[mathopt.LinearConstraint, float]

    def keep(self, kept: bool) -> None:
        """Keep the limit, or let it give way."""
        self.loose.lower_bound = -math.inf if kept else self.loose_from
        for row, most in self.strict.items():
            row.upper_bound = most if kept else math.inf


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """The best plan found, what none exceeds, and whether these met within the gap that was asked for."""

    values: Mapping[mathopt.Variable, float]
    objective: float
    bound: float
    finished: bool

    def built(self, modules: list[mathopt.Variable]) -> NDArray[np.int32]:
        """Modules by site."""
        return np.array([round(self.values[count]) for count in modules], dtype=np.int32)


def site(problem: SitingProblem, *, seconds: float, gap: float) -> SitingSolution:
    """Choose sites and their modules.

    Parameters
    ----------
    seconds
        Ceiling of the search time. Where rules cannot be met, the whole takes up to four times as long: to let as
        little as can be give way, and to tell why. A run that ends at the ceiling may differ between machines; one that
        ends at the gap does not.
    gap
        Relative gap to the bound at which the search stops.

    Returns
    -------
    SitingSolution
        Rules that cannot be met fall short by the least amount, weighted by their size, and are listed. No limit of
        money is overspent, be it by a fen, where the others can be met as well within it.
    """
    if not len(problem.fixed_fen):
        missing = tuple(
            Shortfall(name=name, amount=amount, alone=amount)
            for name, amount in (
                *((row.name, row.lower) for row in problem.rows),
                *((row.name, row.minimum) for row in problem.coverage),
            )
            if amount > 0
        )
        return SitingSolution(
            modules=np.zeros(0, dtype=np.int32), value_fen=0.0, bound_fen=0.0, gap=0.0, shortfalls=missing,
            stopped="optimal",
        )  # fmt: skip
    model = mathopt.Model(name="siting")
    opened, modules = variables(problem, model)
    gains = [*_served(problem, model, opened, modules), *_attracted(problem, model, opened)]
    costs = [
        float(problem.fixed_fen[j]) * opened[j] + float(problem.module_fen[j]) * modules[j]
        for j in range(len(opened))
        if not problem.existing[j]
    ]
    slacks = _rules(problem, model, opened, modules)
    # A rule's slack is measured in shares of the rule, and one share outweighs everything that money could buy.
    built = problem.fixed_fen + problem.module_fen * problem.modules_max
    worth = problem.parcel_fen * float(problem.weight.sum()) + float(built.sum()) + 1.0
    dear = 2.0 * worth
    keep_apart_and_together(problem, model, opened, modules)
    value_of = mathopt.LinearSum(gains) - mathopt.LinearSum(costs)
    shortage = mathopt.LinearSum(slack.variable for slack in slacks)
    model.maximize(value_of - dear * shortage)
    moneys = [slack.money for slack in slacks if slack.money is not None]
    found = _within(model, opened, modules, moneys, seconds, gap)
    if found is None and moneys:
        found = _without(model, opened, moneys, seconds, gap)
    if found is None:
        raise NoPlanInTimeError(f"siting found no plan at all in {seconds:g} s")
    relaxations: tuple[tuple[str, float], ...] = ()
    if any(slack.missed(found, modules) for slack in slacks):
        # A part of a share may be worth less than the money it takes, and a gap in the penalty hides one in the value:
        # first fall short by as little as can be, then be worth as much as that allows.
        model.minimize(shortage)
        least = _without(model, opened, moneys, seconds / 2, 0.0)
        if least is not None:
            little = least.objective + SLACK_TOLERANCE / 10
            kept = model.add_linear_constraint(shortage <= little)
            model.maximize(value_of)
            # Where as little falls short with all money kept, all is kept again.
            with_money_kept = sum(found.values[slack.variable] for slack in slacks) <= little
            need_not = [
                slack.money
                for slack in slacks
                if slack.money is not None and (with_money_kept or least.values[slack.variable] <= SLACK_TOLERANCE)
            ]
            again = _within(model, opened, modules, need_not, seconds / 2, gap)
            if again is None and need_not:
                again = _without(model, opened, need_not, seconds / 2, gap)
            if again is not None:
                found, dear = again, 0.0
            model.delete_linear_constraint(kept)
    missed = tuple(
        Shortfall(name=slack.name, amount=amount) for slack in slacks if (amount := slack.missed(found, modules))
    )
    penalty = dear * sum(found.values[slack.variable] for slack in slacks)
    if missed:
        missed, relaxations = _explain(model, opened, modules, slacks, missed, seconds / 2)
    value = found.objective + penalty
    bound = max(found.bound + penalty, value)
    reached = (bound - value) / max(abs(bound), 1e-9)
    return SitingSolution(
        modules=found.built(modules),
        value_fen=value,
        bound_fen=bound,
        gap=reached,
        shortfalls=missed,
        relaxations=relaxations,
        stopped="optimal" if found.finished and reached <= 1e-6 else "gap" if found.finished else "limit",
    )


def _within(
    model: mathopt.Model,
    opened: list[mathopt.Variable],
    modules: list[mathopt.Variable],
    moneys: list[_Money],
    seconds: float,
    gap: float,
) -> _Found | None:
    """The best plan that keeps these limits of money to the fen, None where none was found."""
    for money in moneys:
        money.keep(True)
    until = time.perf_counter() + seconds
    while (left := until - time.perf_counter()) > 0:
        found = _optimize(model, opened, left, gap)
        if found is None:
            return None
        built = found.built(modules)
        too_dear = [money for money in moneys if money.limit.excess_fen(built) > 0]
        if not too_dear:
            return found
        for money in too_dear:
            _forbid(model, opened, modules, money, built)
    return None


def _without(
    model: mathopt.Model, opened: list[mathopt.Variable], moneys: list[_Money], seconds: float, gap: float
) -> _Found | None:
    """The best plan where these limits of money may give way."""
    for money in moneys:
        money.keep(False)
    return _optimize(model, opened, seconds, gap)


def _forbid(
    model: mathopt.Model,
    opened: list[mathopt.Variable],
    modules: list[mathopt.Variable],
    money: _Money,
    built: NDArray[np.int32],
) -> None:
    """Forbid what costs too much in a plan, wherever the limit is kept."""
    as_many = []
    for j, least in money.limit.cover(built).items():
        if least == 1:
            as_many.append(opened[j])
            continue
        as_many.append(model.add_variable(lb=0.0, ub=1.0, is_integer=True))
        model.add_linear_constraint(modules[j] - (modules[j].upper_bound - least + 1) * as_many[-1] <= least - 1)
    fewer = len(as_many) - 1.0
    money.strict[model.add_linear_constraint(mathopt.LinearSum(as_many) <= fewer)] = fewer


def _explain(
    model: mathopt.Model,
    opened: list[mathopt.Variable],
    modules: list[mathopt.Variable],
    slacks: list[_Slack],
    missed: tuple[Shortfall, ...],
    seconds: float,
) -> tuple[tuple[Shortfall, ...], tuple[tuple[str, float], ...]]:
    """How far each missed rule could be met alone, and which rule alone would have to give way, and how far."""
    names = {shortfall.name for shortfall in missed}
    # What may give way is what holds back, limits of numbers and of money, or what is missed.
    loose = [slack for slack in slacks if slack.limits or slack.name in names]
    questions = min(len(missed), _EXPLAINED) + min(len(loose), _EXPLAINED)
    each = seconds / max(questions, 1)

    moneys = [slack.money for slack in slacks if slack.money is not None]

    def least(slack: _Slack, *, kept: list[_Money]) -> float | None:
        for money in moneys:
            money.keep(False)
        model.minimize(slack.variable)
        found = _within(model, opened, modules, kept, each, 0.0)
        if found is None or not found.finished:
            return None
        return found.objective * slack.scale if slack.money is None else slack.missed(found, modules)

    of_name = {slack.name: slack for slack in slacks if not slack.limits} | {
        slack.name: slack for slack in slacks if slack.name in names and slack.limits
    }
    told = [
        replace(shortfall, alone=least(of_name[shortfall.name], kept=[])) if k < _EXPLAINED else shortfall
        for k, shortfall in enumerate(missed)
    ]
    found = []
    for slack in loose[:_EXPLAINED]:
        with _none_of(other.variable for other in slacks if other is not slack):
            amount = least(slack, kept=[money for money in moneys if money is not slack.money])
        if amount is not None:
            found.append((amount / slack.scale, slack.name, amount))
    return tuple(told), tuple((name, amount) for _, name, amount in sorted(found))


def _optimize(model: mathopt.Model, opened: list[mathopt.Variable], seconds: float, gap: float) -> _Found | None:
    """The best plan within a time limit, None where none was found."""
    until = time.perf_counter() + seconds
    if len(opened) <= AT_ONCE:
        return _whole(model, seconds, gap)
    with relaxed(model):
        found = solve(model, seconds * _RELAXED, 0.0)
    if found.termination.reason != mathopt.TerminationReason.OPTIMAL:
        return _whole(model, until - time.perf_counter(), gap)
    bound = float(found.objective_value())
    share = np.array(found.variable_values(opened))
    # Of what the relaxation leaves closed, first what it would cost least to open.
    closed = np.flatnonzero((share <= _UNUSED) & (np.array([site.lower_bound for site in opened]) <= 0))
    closed = closed[np.argsort(np.abs(np.array(found.reduced_costs(opened))[closed]), kind="stable")]
    best: _Found | None = None
    size = 0
    while True:
        left = [opened[site] for site in closed[size:].tolist()]
        with _none_of(left):
            kernel = _whole(model, max(until - time.perf_counter(), 1.0), gap / 2)
        # A kernel may be too small for any plan.
        if kernel is not None and (best is None or abs(bound - kernel.objective) < abs(bound - best.objective)):
            best = _Found(
                values=kernel.values,
                objective=kernel.objective,
                bound=bound,
                finished=abs(bound - kernel.objective) <= gap * abs(bound),
            )
        if not left and kernel is not None:
            # Nothing is left out: what bounds this one bounds all.
            return kernel
        if not left or (best is not None and best.finished) or time.perf_counter() >= until:
            return best
        size = size * 2 + _MORE


@contextmanager
def _none_of(variables: Iterable[mathopt.Variable]) -> Iterator[None]:
    """Meanwhile these are nothing."""
    before = [(variable, variable.upper_bound) for variable in variables]
    for variable, _ in before:
        variable.upper_bound = 0.0
    yield
    for variable, most in before:
        variable.upper_bound = most


def _whole(model: mathopt.Model, seconds: float, gap: float) -> _Found | None:
    """Solve the program as it is."""
    result = solve(model, seconds, gap)
    if not result.has_primal_feasible_solution():
        return None
    return _Found(
        values=result.variable_values(),
        objective=float(result.objective_value()),
        bound=float(result.termination.objective_bounds.dual_bound),
        finished=result.termination.reason == mathopt.TerminationReason.OPTIMAL,
    )


def _served(
    problem: SitingProblem, model: mathopt.Model, opened: list[mathopt.Variable], modules: list[mathopt.Variable]
) -> list[mathopt.LinearTypes]:
    if not len(problem.serve_site):
        return []
    per_site: dict[int, list[mathopt.LinearTypes]] = defaultdict(list)
    per_demand: dict[int, list[mathopt.LinearTypes]] = defaultdict(list)
    per_size: dict[int, dict[int, list[mathopt.LinearTypes]]] = defaultdict(lambda: defaultdict(list))
    gains: list[mathopt.LinearTypes] = []
    furthest = max(float(problem.serve_metres.max()) if problem.furthest_m is None else problem.furthest_m, 1.0)
    minded = np.zeros(len(problem.fixed_fen)) if problem.minded_fen is None else problem.minded_fen
    worth = np.maximum(problem.parcel_fen - minded, 0.0).tolist()
    come = np.ones(len(problem.serve_site)) if problem.serve_share is None else problem.serve_share
    for i, j, metres, among in zip(
        problem.serve_demand.tolist(),
        problem.serve_site.tolist(),
        problem.serve_metres.tolist(),
        come.tolist(),
        strict=True,
    ):
        weight = float(problem.weight[i]) * among
        if weight <= 0 or worth[j] <= 0:
            continue
        share = model.add_variable(lb=0.0, ub=1.0)
        model.add_linear_constraint(share - opened[j] <= 0)
        per_site[j].append(weight * share)
        if problem.size_capacity.size:
            per_size[j][int(problem.size[i])].append(weight * share)
        per_demand[i].append(share)
        gains.append(worth[j] * weight * (1 - problem.walk_discount * metres / furthest) * share)
    for shares in per_demand.values():
        if len(shares) > 1:
            model.add_linear_constraint(mathopt.LinearSum(shares) <= 1)
    for j, loads in per_site.items():
        model.add_linear_constraint(mathopt.LinearSum(loads) - float(problem.module_capacity[j]) * modules[j] <= 0)
    for j, of_size in per_size.items():
        for least in of_size:
            limit = float(problem.size_capacity[j, least])
            if np.isfinite(limit):
                above = mathopt.LinearSum(load for size, loads in of_size.items() if size >= least for load in loads)
                model.add_linear_constraint(above - limit * modules[j] <= 0)
    return gains


def _attracted(
    problem: SitingProblem, model: mathopt.Model, opened: list[mathopt.Variable]
) -> list[mathopt.LinearTypes]:
    worth = problem.parcel_fen * problem.weight
    return best_shares(model, opened, problem.attract_demand, problem.attract_site, problem.attract_share, worth)


def _money(
    row: SitingRow,
    loose: mathopt.LinearConstraint,
    model: mathopt.Model,
    opened: list[mathopt.Variable],
    modules: list[mathopt.Variable],
) -> _Money:
    limit = row.money()
    opening, each, most = limit.rounded()
    strict = model.add_linear_constraint(summed(opened, modules, limit.site, opening, each) <= most)
    return _Money(limit=limit, loose=loose, loose_from=loose.lower_bound, strict={strict: most})


def _rules(
    problem: SitingProblem, model: mathopt.Model, opened: list[mathopt.Variable], modules: list[mathopt.Variable]
) -> list[_Slack]:
    """Add every rule, with a slack but for hard ones."""
    slacks = []
    for row in problem.rows:
        total = summed(opened, modules, row.site.tolist(), row.per_open, row.per_module)
        for limit, sign in ((row.lower, 1.0), (row.upper, -1.0)):
            if (sign > 0 and limit <= 0) or np.isinf(limit):
                continue
            if row.hard:
                model.add_linear_constraint(sign * (total - limit) >= 0)
                continue
            scale = max(abs(limit), 1.0)
            slack = model.add_variable(lb=0.0)
            loose = model.add_linear_constraint(sign * (total - limit) + scale * slack >= 0)
            money = _money(row, loose, model, opened, modules) if row.yuan and sign < 0 else None
            slacks.append(_Slack(name=row.name, variable=slack, scale=scale, limits=sign < 0, money=money))
    for cover in problem.coverage:
        if cover.weight.sum() <= 0 or cover.minimum <= 0:
            continue
        share = covered_share(model, opened, cover)
        slack = model.add_variable(lb=0.0, ub=1.0)
        model.add_linear_constraint(share + slack >= cover.minimum)
        slacks.append(_Slack(name=cover.name, variable=slack, scale=1.0))
    return slacks
