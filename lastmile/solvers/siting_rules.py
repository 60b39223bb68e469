"""The rules of a siting program: each with what it is missed by, and limits of money that are kept to the fen."""

import math
import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from ortools.math_opt.python import mathopt

from lastmile.solvers.money import MoneyLimit
from lastmile.solvers.siting_model import covered_share, summed
from lastmile.solvers.siting_problem import SitingProblem, SitingRow
from lastmile.solvers.siting_search import Found, optimize

#: Of a rule, the share by which it may be missed unnoticed.
SLACK_TOLERANCE: Final = 1e-5


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
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
class Slack:
    """By how much a rule is missed, in units of ``scale``; ``limits``: by too much, not by too little."""

    name: str
    variable: mathopt.Variable
    scale: float
    limits: bool = False
    money: Money | None = None

    def missed(self, found: Found, modules: list[mathopt.Variable]) -> float:
        """By how much a plan misses the rule, in the rule's own unit; money to the fen, else 0 within the tolerance."""
        if self.money is not None:
            return max(self.money.limit.excess_fen(found.built(modules)), 0) / 100
        share = found.values[self.variable]
        return share * self.scale if share > SLACK_TOLERANCE else 0.0


def add_rules(
    problem: SitingProblem, model: mathopt.Model, opened: list[mathopt.Variable], modules: list[mathopt.Variable]
) -> list[Slack]:
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
            slacks.append(Slack(name=row.name, variable=slack, scale=scale, limits=sign < 0, money=money))
    for cover in problem.coverage:
        if cover.weight.sum() <= 0 or cover.minimum <= 0:
            continue
        share = covered_share(model, opened, cover)
        slack = model.add_variable(lb=0.0, ub=1.0)
        model.add_linear_constraint(share + slack >= cover.minimum)
        slacks.append(Slack(name=cover.name, variable=slack, scale=1.0))
    return slacks


def _money(
    row: SitingRow,
    loose: mathopt.LinearConstraint,
    model: mathopt.Model,
    opened: list[mathopt.Variable],
    modules: list[mathopt.Variable],
) -> Money:
    limit = row.money()
    opening, each, most = limit.rounded()
    strict = model.add_linear_constraint(summed(opened, modules, limit.site, opening, each) <= most)
    return Money(limit=limit, loose=loose, loose_from=loose.lower_bound, strict={strict: most})


@dataclass(frozen=True, slots=True, kw_only=True)
class RuledProgram:
    """A program of sites and their modules, with its rules' slacks."""

    model: mathopt.Model
    opened: list[mathopt.Variable]
    modules: list[mathopt.Variable]
    slacks: list[Slack]

    @property
    def moneys(self) -> list[Money]:
        """All its limits of money."""
        return [slack.money for slack in self.slacks if slack.money is not None]

    @property
    def shortage(self) -> mathopt.LinearSum:
        """Of all rules, in shares."""
        return mathopt.LinearSum(slack.variable for slack in self.slacks)

    def within(self, moneys: list[Money], seconds: float, gap: float, start: Collection[int] = ()) -> Found | None:
        """The best plan that keeps these limits of money to the fen, None without any; ``start`` as for `optimize`."""
        for money in moneys:
            money.keep(True)
        until = time.perf_counter() + seconds
        while (left := until - time.perf_counter()) > 0:
            found = optimize(self.model, self.opened, left, gap, start)
            if found is None:
                return None
            built = found.built(self.modules)
            too_dear = [money for money in moneys if money.limit.excess_fen(built) > 0]
            if not too_dear:
                return found
            for money in too_dear:
                _forbid(self.model, self.opened, self.modules, money, built)
        return None

    def without(self, moneys: list[Money], seconds: float, gap: float, start: Collection[int] = ()) -> Found | None:
        """The best plan where these limits of money may give way."""
        for money in moneys:
            money.keep(False)
        return optimize(self.model, self.opened, seconds, gap, start)


def _forbid(
    model: mathopt.Model,
    opened: list[mathopt.Variable],
    modules: list[mathopt.Variable],
    money: Money,
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
