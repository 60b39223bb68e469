"""Siting as one mixed-integer program, solved by HiGHS through OR-Tools MathOpt.

Up to ten thousand possible sites the program is solved as it is. For a whole city its linear relaxation is solved
first, which bounds every plan, then the program with the sites alone that the relaxation opens or nearly does: kernel
search [3]_. Each further kernel is larger, until the gap to the bound is closed as far as was asked for. What rules
that clash come to is found without the demand (:mod:`lastmile.solvers.siting_clash`).

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

import time
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from ortools.math_opt.python import mathopt

from lastmile.solvers.siting_clash import RulesAlone
from lastmile.solvers.siting_model import best_shares, keep_apart_and_together, variables
from lastmile.solvers.siting_problem import NoPlanInTimeError, Shortfall, SitingProblem, SitingSolution
from lastmile.solvers.siting_rules import SLACK_TOLERANCE, RuledProgram, add_rules
from lastmile.solvers.siting_search import Found, as_built, is_large

_AT_MOST: Final = 2.0  # times the seconds asked for, where rules clash
_AT_LEAST: Final = 0.25  # of the seconds, for what comes after a search, as HiGHS may go far beyond its time


class _Clock:
    """What is left of the time for a search and for what comes after it."""

    def __init__(self, seconds: float) -> None:
        self._until = time.perf_counter() + _AT_MOST * seconds
        self._least = _AT_LEAST * seconds

    def left(self, part: float) -> float:
        """So large a part of what is left, in seconds, but some in any case."""
        return max(part * (self._until - time.perf_counter()), self._least)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Program(RuledProgram):
    """The whole program, and what a plan is worth."""

    value: mathopt.LinearExpression

    @classmethod
    def of(cls, problem: SitingProblem) -> "_Program":
        model = mathopt.Model(name="siting")
        opened, modules = variables(problem, model)
        gains = [*_served(problem, model, opened, modules), *_attracted(problem, model, opened)]
        costs = [
            float(problem.fixed_fen[j]) * opened[j] + float(problem.module_fen[j]) * modules[j]
            for j in range(len(opened))
            if not problem.existing[j]
        ]
        slacks = add_rules(problem, model, opened, modules)
        keep_apart_and_together(problem, model, opened, modules)
        value = mathopt.LinearExpression(mathopt.LinearSum(gains) - mathopt.LinearSum(costs))
        return cls(model=model, opened=opened, modules=modules, slacks=slacks, value=value)


def site(problem: SitingProblem, *, seconds: float, gap: float) -> SitingSolution:
    """Choose sites and their modules.

    Parameters
    ----------
    seconds
        Ceiling of the search time. Where rules cannot be met, the whole takes up to twice as long: to let as little as
        can be give way, and to tell why. A run that ends at the ceiling may differ between machines; one that ends at
        the gap does not.
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
    clock = _Clock(seconds)
    program = _Program.of(problem)
    # A rule's slack is measured in shares of the rule, and one share outweighs everything that money could buy.
    built = problem.fixed_fen + problem.module_fen * problem.modules_max
    worth = problem.parcel_fen * float(problem.weight.sum()) + float(built.sum()) + 1.0
    dear = 2.0 * worth

    def search(*, keep_money: bool, within_s: float) -> Found | None:
        program.model.maximize(program.value - dear * program.shortage)
        if keep_money:
            return program.within(program.moneys, within_s, gap)
        return program.without(program.moneys, within_s, gap)

    # Where a large program is known to have no plan that keeps all rules, none is sought.
    clash = RulesAlone.of(problem) if is_large(program.opened) else None
    found = None
    if clash is None or not clash.must_fall_short(clock.left(1 / 4)):
        clash, found = None, search(keep_money=True, within_s=seconds)
        if found is None and program.moneys:
            found = search(keep_money=False, within_s=clock.left(1 / 2))
        if found is not None and any(slack.missed(found, program.modules) for slack in program.slacks):
            clash = RulesAlone.of(problem)
    if clash is not None:
        # A part of a share may be worth less than the money it takes, and a gap in the penalty hides one in the value:
        # first fall short by as little as can be, then be worth as much as that allows.
        again = _missing_least(program, clash, clock, gap, worth)
        if again is not None:
            found, dear = again, 0.0
        elif found is None:
            found = search(keep_money=False, within_s=clock.left(1 / 2))
    if found is None:
        raise NoPlanInTimeError(f"siting found no plan at all in {seconds:g} s")
    relaxations: tuple[tuple[str, float], ...] = ()
    amounts = [slack.missed(found, program.modules) for slack in program.slacks]
    missed = tuple(
        Shortfall(name=slack.name, amount=amount)
        for slack, amount in zip(program.slacks, amounts, strict=True)
        if amount
    )
    penalty = dear * sum(found.values[slack.variable] for slack in program.slacks)
    if missed and clash is not None:
        missed, relaxations = clash.explain(amounts, clock.left(1.0))
    value = found.objective + penalty
    bound = max(found.bound + penalty, value)
    reached = (bound - value) / max(abs(bound), 1e-9)
    return SitingSolution(
        modules=found.built(program.modules),
        value_fen=value,
        bound_fen=bound,
        gap=reached,
        shortfalls=missed,
        relaxations=relaxations,
        stopped="optimal" if found.finished and reached <= 1e-6 else "gap" if found.finished else "limit",
    )


def _missing_least(program: _Program, clash: RulesAlone, clock: _Clock, gap: float, worth: float) -> Found | None:
    """Of the plans that fall short by as little as can be the one worth most, or any; no plan is ``worth`` more."""
    least, with_money_kept = clash.least_shortage(clock.left(1 / 3))
    if least is None:
        return None
    model = program.model
    kept = model.add_linear_constraint(program.shortage <= least.objective + SLACK_TOLERANCE / 10)
    model.maximize(program.value)
    for money in program.moneys:
        money.keep(False)
    # Where as little falls short with all money kept, all is kept again.
    need_not = [
        slack.money
        for slack, alike in zip(program.slacks, clash.slacks, strict=True)
        if slack.money is not None and (with_money_kept or least.values[alike.variable] <= SLACK_TOLERANCE)
    ]
    start = np.flatnonzero(least.built(clash.opened)).tolist()
    found = program.within(need_not, clock.left(2 / 3), gap, start)
    if found is None and need_not:
        found = program.without(need_not, clock.left(1 / 2), gap, start)
    if found is None:
        known = as_built(model, program.opened, program.modules, least.built(clash.modules), clock.left(1 / 2))
        found = None if known is None else replace(known, bound=worth, finished=False)
    model.delete_linear_constraint(kept)
    return found


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
