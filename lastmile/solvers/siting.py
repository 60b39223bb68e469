"""Siting as one mixed-integer program, solved by HiGHS through OR-Tools MathOpt.

Up to ten thousand possible sites the program is solved as it is. For a whole city its linear relaxation is solved
first, which bounds every plan, then the program with the sites alone that the relaxation opens or nearly does: kernel
search [3]_. Each further kernel is larger, until the gap to the bound is closed as far as was asked for.

Model, with o_j open, m_j modules, x_ij share of demand i served at site j, c_i demand near an opened attracting site::

    max  p (sum w_i x_ij (1 - e d_ij) + sum w_i c_i) - sum (f_j o_j + g_j m_j) - M sum slacks
    s.t. sum_j x_ij <= 1;  x_ij <= o_j;  sum_i w_i x_ij <= k_j m_j;  o_j <= m_j <= M_j o_j
         sum of w_i x_ij of size s or larger <= k_js m_j, for every size s that site j limits
         c_i <= sum of o_j near i;  every rule's row with its slacks

The limits by size are exact, not only necessary: what may hold a large parcel may hold a small one, so the compartments
that may hold each size are nested, and by Hall's theorem [4]_ all parcels find room if, for every size, those of it and
above are no more than the compartments of it and above. Refrigerated modules are a site j' of their own, open only
where one that they may stand at is, with so many modules as find a place there::

    o_j' <= sum of o_j;  m_j' <= M_j' / n sum of o_j     over the n sites j that j' may stand at

The term e d_ij (at most 10 % at the edge of reach) prefers the nearer of two sites.

References
----------
.. [1] Church, ReVelle (1974). The maximal covering location problem. doi:10.1007/BF01942293
.. [2] Current, Storbeck (1988). Capacitated covering models. doi:10.1068/b150153
.. [3] Angelelli, Mansini, Speranza (2010). Kernel search: a general heuristic for the multi-dimensional knapsack
       problem. doi:10.1016/j.cor.2010.02.002
.. [4] Hall (1935). On representatives of subsets. doi:10.1112/jlms/s1-10.37.26
"""

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

import numpy as np
from ortools.math_opt.python import mathopt

from lastmile.solvers.siting_problem import NoPlanInTimeError, Shortfall, SitingProblem, SitingSolution

_NEARNESS = 0.1
_SLACK_TOLERANCE = 1e-4
_AT_ONCE: Final = 10_000  # sites up to which the program is solved as a whole
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """The best plan found, what none exceeds, and whether these met within the gap that was asked for."""

    values: Mapping[mathopt.Variable, float]
    objective: float
    bound: float
    finished: bool


def site(problem: SitingProblem, *, seconds: float, gap: float) -> SitingSolution:
    """Choose sites and their modules.

    Parameters
    ----------
    seconds
        Ceiling of the search time; as much again is used where rules cannot be met, and half of it to tell why. A run
        that ends at the ceiling may differ between machines; one that ends at the gap does not.
    gap
        Relative gap to the bound at which the search stops.

    Returns
    -------
    SitingSolution
        Rules that cannot be met fall short by the least amount, weighted by their size, and are listed.
    """
    model = mathopt.Model(name="siting")
    sites = len(problem.fixed_fen)
    if not sites:
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
    opened = [model.add_variable(lb=float(problem.existing[j] > 0), ub=1.0, is_integer=True) for j in range(sites)]
    modules = []
    for j in range(sites):
        # A site that stands is kept as it is.
        most = int(problem.existing[j]) or int(problem.modules_max[j])
        if most == 1:
            modules.append(opened[j])
            continue
        count = model.add_variable(lb=float(problem.existing[j]), ub=float(most), is_integer=True)
        model.add_linear_constraint(count - opened[j] >= 0)
        model.add_linear_constraint(count - most * opened[j] <= 0)
        modules.append(count)

    gains = [*_served(problem, model, opened, modules), *_attracted(problem, model, opened)]
    costs = [
        float(problem.fixed_fen[j]) * opened[j] + float(problem.module_fen[j]) * modules[j]
        for j in range(sites)
        if not problem.existing[j]
    ]
    slacks = _rules(problem, model, opened, modules)
    # A rule's slack is measured in shares of the rule, and one share outweighs everything that money could buy.
    built = problem.fixed_fen + problem.module_fen * problem.modules_max
    worth = problem.parcel_fen * float(problem.weight.sum()) + float(built.sum()) + 1.0
    dear = 2.0 * worth
    for a, b in problem.conflicts.tolist():
        if not (problem.existing[a] and problem.existing[b]):
            model.add_linear_constraint(opened[a] + opened[b] <= 1)
    bases: dict[int, list[int]] = defaultdict(list)
    for a, b in problem.needs.tolist():
        bases[a].append(b)
    for a, at in bases.items():
        there = mathopt.LinearSum(opened[b] for b in at)
        model.add_linear_constraint(opened[a] - there <= 0)
        if modules[a] is not opened[a]:
            model.add_linear_constraint(modules[a] - int(problem.modules_max[a]) / len(at) * there <= 0)
    value_of = mathopt.LinearSum(gains) - mathopt.LinearSum(costs)
    shortage = mathopt.LinearSum(slack.variable for slack in slacks)
    model.maximize(value_of - dear * shortage)
    found = _optimize(model, opened, seconds, gap)
    if found is None:
        raise NoPlanInTimeError(f"siting found no plan at all in {seconds:g} s")
    relaxations: tuple[tuple[str, float], ...] = ()
    if any(found.values[slack.variable] > _SLACK_TOLERANCE for slack in slacks):
        # A part of a share may be worth less than the money it takes, and a gap in the penalty hides one in the value:
        # first fall short by as little as can be, then be worth as much as that allows.
        model.minimize(shortage)
        least = _optimize(model, opened, seconds / 2, 0.0)
        if least is not None:
            kept = model.add_linear_constraint(shortage <= least.objective + _SLACK_TOLERANCE / 10)
            model.maximize(value_of)
            again = _optimize(model, opened, seconds / 2, gap)
            if again is not None:
                found, dear = again, 0.0
            model.delete_linear_constraint(kept)
    values = found.values
    short = [slack for slack in slacks if values[slack.variable] > _SLACK_TOLERANCE]
    missed = tuple(Shortfall(name=slack.name, amount=values[slack.variable] * slack.scale) for slack in short)
    if short:
        missed, relaxations = _explain(model, opened, slacks, missed, seconds / 2)
    penalty = dear * sum(values[slack.variable] for slack in slacks)
    value = found.objective + penalty
    bound = max(found.bound + penalty, value)
    reached = (bound - value) / max(abs(bound), 1e-9)
    return SitingSolution(
        modules=np.array([round(values[count]) for count in modules], dtype=np.int32),
        value_fen=value,
        bound_fen=bound,
        gap=reached,
        shortfalls=missed,
        relaxations=relaxations,
        stopped="optimal" if found.finished and reached <= 1e-6 else "gap" if found.finished else "limit",
    )


def _explain(
    model: mathopt.Model,
    opened: list[mathopt.Variable],
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

    def least(slack: _Slack) -> float | None:
        model.minimize(slack.variable)
        found = _optimize(model, opened, each, 0.0)
        return None if found is None or not found.finished else found.objective * slack.scale

    of_name = {slack.name: slack for slack in slacks if not slack.limits} | {
        slack.name: slack for slack in slacks if slack.name in names and slack.limits
    }
    told = [
        replace(shortfall, alone=least(of_name[shortfall.name])) if k < _EXPLAINED else shortfall
        for k, shortfall in enumerate(missed)
    ]
    found = []
    for slack in loose[:_EXPLAINED]:
        with _none_of(other.variable for other in slacks if other is not slack):
            amount = least(slack)
        if amount is not None:
            found.append((amount / slack.scale, slack.name, amount))
    return tuple(told), tuple((name, amount) for _, name, amount in sorted(found))


def _optimize(model: mathopt.Model, opened: list[mathopt.Variable], seconds: float, gap: float) -> _Found | None:
    """The best plan within a time limit, None where none was found."""
    until = time.perf_counter() + seconds
    if len(opened) <= _AT_ONCE:
        return _whole(model, seconds, gap)
    integers = [variable for variable in model.variables() if variable.integer]
    for variable in integers:
        variable.integer = False
    relaxed = _solve(model, seconds * _RELAXED, 0.0)
    for variable in integers:
        variable.integer = True
    if relaxed.termination.reason != mathopt.TerminationReason.OPTIMAL:
        return _whole(model, until - time.perf_counter(), gap)
    bound = float(relaxed.objective_value())
    share = np.array(relaxed.variable_values(opened))
    # Of what the relaxation leaves closed, first what it would cost least to open.
    closed = np.flatnonzero((share <= _UNUSED) & (np.array([site.lower_bound for site in opened]) <= 0))
    closed = closed[np.argsort(np.abs(np.array(relaxed.reduced_costs(opened))[closed]), kind="stable")]
    best: _Found | None = None
    size = 0
    while best is None or (not best.finished and time.perf_counter() < until and size < len(closed)):
        if best is not None:
            size = size * 2 + _MORE
        left = [opened[site] for site in closed[size:].tolist()]
        with _none_of(left):
            kernel = _whole(model, max(until - time.perf_counter(), 1.0), gap / 2)
        if kernel is None:
            return best
        if best is None or abs(bound - kernel.objective) < abs(bound - best.objective):
            best = _Found(
                values=kernel.values,
                objective=kernel.objective,
                bound=bound,
                finished=abs(bound - kernel.objective) <= gap * abs(bound),
            )
        if not left:
            # Nothing is left out: what bounds this one bounds all.
            return kernel
    return best


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
    result = _solve(model, seconds, gap)
    if not result.has_primal_feasible_solution():
        return None
    return _Found(
        values=result.variable_values(),
        objective=float(result.objective_value()),
        bound=float(result.termination.objective_bounds.dual_bound),
        finished=result.termination.reason == mathopt.TerminationReason.OPTIMAL,
    )


def _solve(model: mathopt.Model, seconds: float, gap: float) -> mathopt.SolveResult:
    parameters = mathopt.SolveParameters(
        time_limit=timedelta(seconds=max(seconds, 0.0)), relative_gap_tolerance=gap, random_seed=1
    )
    return mathopt.solve(model, mathopt.SolverType.HIGHS, params=parameters)


def _served(
    problem: SitingProblem, model: mathopt.Model, opened: list[mathopt.Variable], modules: list[mathopt.Variable]
) -> list[mathopt.LinearTypes]:
    if not len(problem.serve_site):
        return []
    per_site: dict[int, list[mathopt.LinearTypes]] = defaultdict(list)
    per_demand: dict[int, list[mathopt.LinearTypes]] = defaultdict(list)
    per_size: dict[int, dict[int, list[mathopt.LinearTypes]]] = defaultdict(lambda: defaultdict(list))
    gains: list[mathopt.LinearTypes] = []
    furthest = max(float(problem.serve_metres.max()), 1.0)
    for i, j, metres in zip(
        problem.serve_demand.tolist(), problem.serve_site.tolist(), problem.serve_metres.tolist(), strict=True
    ):
        weight = float(problem.weight[i])
        if weight <= 0:
            continue
        share = model.add_variable(lb=0.0, ub=1.0)
        model.add_linear_constraint(share - opened[j] <= 0)
        per_site[j].append(weight * share)
        if problem.size_capacity.size:
            per_size[j][int(problem.size[i])].append(weight * share)
        per_demand[i].append(share)
        gains.append(problem.parcel_fen * weight * (1 - _NEARNESS * metres / furthest) * share)
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
    near: dict[int, list[mathopt.Variable]] = defaultdict(list)
    for i, j in zip(problem.attract_demand.tolist(), problem.attract_site.tolist(), strict=True):
        near[i].append(opened[j])
    gains: list[mathopt.LinearTypes] = []
    for i, sites in near.items():
        if problem.weight[i] <= 0:
            continue
        covered = model.add_variable(lb=0.0, ub=1.0)
        model.add_linear_constraint(covered - mathopt.LinearSum(sites) <= 0)
        gains.append(problem.parcel_fen * float(problem.weight[i]) * covered)
    return gains


def _rules(
    problem: SitingProblem, model: mathopt.Model, opened: list[mathopt.Variable], modules: list[mathopt.Variable]
) -> list[_Slack]:
    """Add every rule, with a slack but for hard ones."""
    slacks = []
    for row in problem.rows:
        total = mathopt.LinearSum(
            float(a) * opened[j] + float(b) * modules[j]
            for j, a, b in zip(row.site.tolist(), row.per_open, row.per_module, strict=True)
        )
        for limit, sign in ((row.lower, 1.0), (row.upper, -1.0)):
            if (sign > 0 and limit <= 0) or np.isinf(limit):
                continue
            if row.hard:
                model.add_linear_constraint(sign * (total - limit) >= 0)
                continue
            scale = max(abs(limit), 1.0)
            slack = model.add_variable(lb=0.0)
            model.add_linear_constraint(sign * (total - limit) + scale * slack >= 0)
            slacks.append(_Slack(name=row.name, variable=slack, scale=scale, limits=sign < 0))
    for cover in problem.coverage:
        total_weight = float(cover.weight.sum())
        if total_weight <= 0 or cover.minimum <= 0:
            continue
        near: dict[int, list[mathopt.Variable]] = defaultdict(list)
        for i, j in zip(cover.demand.tolist(), cover.site.tolist(), strict=True):
            if cover.weight[i] > 0:
                near[i].append(opened[j])
        reached = []
        for i, sites in near.items():
            covered = model.add_variable(lb=0.0, ub=1.0)
            model.add_linear_constraint(covered - mathopt.LinearSum(sites) <= 0)
            reached.append(float(cover.weight[i]) / total_weight * covered)
        slack = model.add_variable(lb=0.0, ub=1.0)
        model.add_linear_constraint(mathopt.LinearSum(reached) + slack >= cover.minimum)
        slacks.append(_Slack(name=cover.name, variable=slack, scale=1.0))
    return slacks
