"""Siting as one mixed-integer program, solved by HiGHS through OR-Tools MathOpt.

This is the simple version: the whole problem in one model. It proves a bound and is exact where it finishes, and it
suits a pilot's few hundred places; siting for a whole city replaces its inside.

Model, with o_j open, m_j modules, x_ij share of demand i served at site j, c_i demand near an opened attracting site::

    max  p (sum w_i x_ij (1 - e d_ij) + sum w_i c_i) - sum (f_j o_j + g_j m_j) - M sum slacks
    s.t. sum_j x_ij <= 1;  x_ij <= o_j;  sum_i w_i x_ij <= k_j m_j;  o_j <= m_j <= M_j o_j
         c_i <= sum of o_j near i;  every rule's row with its slacks

The term e d_ij (at most 10 % at the edge of reach) prefers the nearer of two sites.

References
----------
.. [1] Church, ReVelle (1974). The maximal covering location problem. doi:10.1007/BF01942293
.. [2] Current, Storbeck (1988). Capacitated covering models. doi:10.1068/b150153
"""

from collections import defaultdict
from datetime import timedelta

import numpy as np
from ortools.math_opt.python import mathopt

from lastmile.solvers.siting_problem import SitingProblem, SitingSolution

_NEARNESS = 0.1
_SLACK_TOLERANCE = 1e-4


def site(problem: SitingProblem, *, seconds: float, gap: float) -> SitingSolution:
    """Choose sites and their modules.

    Parameters
    ----------
    seconds
        Ceiling of the search time; as much again is used where rules cannot be met. A run that ends at the ceiling may
        differ between machines; one that ends at the gap does not.
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
        missing = tuple((row.name, row.lower) for row in problem.rows if row.lower > 0)
        missing += tuple((row.name, row.minimum) for row in problem.coverage if row.minimum > 0)
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
    value_of = mathopt.LinearSum(gains) - mathopt.LinearSum(costs)
    shortage = mathopt.LinearSum(slack for _, slack, _ in slacks)
    model.maximize(value_of - dear * shortage)
    result = _solve(model, seconds, gap)
    if not result.has_primal_feasible_solution():
        raise RuntimeError(f"siting found no solution at all: {result.termination}")
    if any(result.variable_values(slack) > _SLACK_TOLERANCE for _, slack, _ in slacks):
        # A part of a share may be worth less than the money it takes, and a gap in the penalty hides one in the value:
        # first fall short by as little as can be, then be worth as much as that allows.
        model.minimize(shortage)
        least = _solve(model, seconds / 2, 0.0)
        if least.has_primal_feasible_solution():
            model.add_linear_constraint(shortage <= least.objective_value() + _SLACK_TOLERANCE / 10)
            model.maximize(value_of)
            again = _solve(model, seconds / 2, gap)
            if again.has_primal_feasible_solution():
                result, dear = again, 0.0
    values = result.variable_values()
    missed = tuple(
        (name, float(values[slack]) * scale) for name, slack, scale in slacks if values[slack] > _SLACK_TOLERANCE
    )
    penalty = dear * sum(float(values[slack]) for _, slack, _ in slacks)
    value = float(result.objective_value()) + penalty
    bound = max(float(result.termination.objective_bounds.dual_bound) + penalty, value)
    reached = (bound - value) / max(abs(bound), 1e-9)
    finished = result.termination.reason == mathopt.TerminationReason.OPTIMAL
    return SitingSolution(
        modules=np.array([round(values[count]) for count in modules], dtype=np.int32),
        value_fen=value,
        bound_fen=bound,
        gap=reached,
        shortfalls=missed,
        stopped="optimal" if finished and reached <= 1e-6 else "gap" if finished else "limit",
    )


def _solve(model: mathopt.Model, seconds: float, gap: float) -> mathopt.SolveResult:
    parameters = mathopt.SolveParameters(
        time_limit=timedelta(seconds=seconds), relative_gap_tolerance=gap, random_seed=1
    )
    return mathopt.solve(model, mathopt.SolverType.HIGHS, params=parameters)


def _served(
    problem: SitingProblem, model: mathopt.Model, opened: list[mathopt.Variable], modules: list[mathopt.Variable]
) -> list[mathopt.LinearTypes]:
    if not len(problem.serve_site):
        return []
    per_site: dict[int, list[mathopt.LinearTypes]] = defaultdict(list)
    per_demand: dict[int, list[mathopt.LinearTypes]] = defaultdict(list)
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
        per_demand[i].append(share)
        gains.append(problem.parcel_fen * weight * (1 - _NEARNESS * metres / furthest) * share)
    for shares in per_demand.values():
        if len(shares) > 1:
            model.add_linear_constraint(mathopt.LinearSum(shares) <= 1)
    for j, loads in per_site.items():
        model.add_linear_constraint(mathopt.LinearSum(loads) - float(problem.module_capacity[j]) * modules[j] <= 0)
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
) -> list[tuple[str, mathopt.Variable, float]]:
    """Add every rule with a slack; returns (rule, slack, how much of the rule one unit of slack is)."""
    slacks = []
    for row in problem.rows:
        total = mathopt.LinearSum(
            float(a) * opened[j] + float(b) * modules[j]
            for j, a, b in zip(row.site.tolist(), row.per_open, row.per_module, strict=True)
        )
        for limit, sign in ((row.lower, 1.0), (row.upper, -1.0)):
            if (sign > 0 and limit <= 0) or np.isinf(limit):
                continue
            scale = max(abs(limit), 1.0)
            slack = model.add_variable(lb=0.0)
            model.add_linear_constraint(sign * (total - limit) + scale * slack >= 0)
            slacks.append((row.name, slack, scale))
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
        slacks.append((cover.name, slack, 1.0))
    return slacks
