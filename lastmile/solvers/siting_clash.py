"""Where rules of siting clash: how little can fall short, and which rule would have to give way for all others.

What is asked is which plans keep the rules, whatever they are worth, so the demand that is served is left out: the
program of the rules alone is smaller by most of its variables. What is told is exact, of large programs to a
thousandth.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ortools.math_opt.python import mathopt

from lastmile.solvers.siting_model import keep_apart_and_together, relaxed, solve, variables
from lastmile.solvers.siting_problem import Shortfall, SitingProblem
from lastmile.solvers.siting_rules import SLACK_TOLERANCE, Money, RuledProgram, Slack, add_rules
from lastmile.solvers.siting_search import Found, is_large, none_of

_EXPLAINED: Final = 12  # rules that fall short, and that may give way, that are looked into
_NEAR: Final = 1e-3  # relative gap that will do where whole numbers of sites cannot be proven in time


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesAlone(RuledProgram):
    """The program of the rules without the demand; ``slacks`` come in the order of those of the whole program."""

    @classmethod
    def of(cls, problem: SitingProblem) -> "RulesAlone":
        """Build it."""
        model = mathopt.Model(name="rules")
        opened, modules = variables(problem, model)
        keep_apart_and_together(problem, model, opened, modules)
        return cls(model=model, opened=opened, modules=modules, slacks=add_rules(problem, model, opened, modules))

    def must_fall_short(self, seconds: float) -> bool:
        """Whether no plan keeps all rules, as far as the linear relaxation proves that in time."""
        self.model.minimize(self.shortage)
        with relaxed(self.model):
            found = solve(self.model, seconds, 0.0)
        proven = found.termination.reason == mathopt.TerminationReason.OPTIMAL
        return proven and float(found.objective_value()) > SLACK_TOLERANCE

    def least_shortage(self, seconds: float) -> tuple[Found | None, bool]:
        """A plan that misses rules by the fewest shares, None without any in time; and whether it keeps all money."""
        moneys = self.moneys
        self.model.minimize(self.shortage)
        least = self.without(moneys, seconds / 2, self._gap())
        if least is None or not moneys:
            return least, True
        kept = self.within(moneys, seconds / 2, self._gap())
        if kept is None or kept.objective > least.objective + SLACK_TOLERANCE / 10:
            return least, False
        return kept, True

    def explain(
        self, amounts: Sequence[float], seconds: float
    ) -> tuple[tuple[Shortfall, ...], tuple[tuple[str, float], ...]]:
        """How far each missed rule could be met alone, and which rule alone would have to give way, and how far.

        ``amounts``: by slack, as a minimum and a maximum may have one name. Questions have an equal part of the time
        that is left each; what there is no time for is not told.
        """
        until = time.perf_counter() + seconds
        missed = [(slack, amount) for slack, amount in zip(self.slacks, amounts, strict=True) if amount]
        names = {slack.name for slack, _ in missed}
        # What may give way is what is missed, or what holds back: limits of money and of numbers.
        loose = [slack for slack in self.slacks if slack.limits or slack.name in names]
        loose = sorted(loose, key=lambda slack: (slack.name not in names, slack.money is None))[:_EXPLAINED]
        questions = min(len(missed), _EXPLAINED) + len(loose)
        told: list[Shortfall] = []
        for slack, amount in missed[:_EXPLAINED]:
            alone = self._least(slack, [], (until - time.perf_counter()) / questions)
            told.append(Shortfall(name=slack.name, amount=amount, alone=alone))
            questions -= 1
        found = []
        for slack in loose:
            with none_of(other.variable for other in self.slacks if other is not slack):
                kept = [money for money in self.moneys if money is not slack.money]
                least = self._least(slack, kept, (until - time.perf_counter()) / questions)
            questions -= 1
            if least is not None:
                found.append((least / slack.scale, slack.name, least))
        told += [Shortfall(name=slack.name, amount=amount) for slack, amount in missed[_EXPLAINED:]]
        return tuple(told), tuple((name, least) for _, name, least in sorted(found))

    def _gap(self) -> float:
        return _NEAR if is_large(self.opened) else 0.0

    def _least(self, slack: Slack, kept: list[Money], seconds: float) -> float | None:
        """By how little a rule is missed where these limits of money are kept; None where that was not proven."""
        for money in self.moneys:
            money.keep(False)
        self.model.minimize(slack.variable)
        found = self.within(kept, seconds, self._gap())
        if found is None or not found.finished:
            return None
        return found.objective * slack.scale if slack.money is None else slack.missed(found, self.modules)
