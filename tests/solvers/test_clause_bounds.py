"""What a clause could reach at most beside all others: never below the best of all plans, and on tiny problems that."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_phased_siting import count, due, near, parts, phased, sited
from tiny_siting import problem, shares_short

from lastmile.solvers import clause_bounds
from lastmile.solvers.clause_bounds import Clause, furthest
from lastmile.solvers.phased_program import RulesDue
from lastmile.solvers.siting_problem import SitingRow


def clauses(phases):
    """Every count, limit of money and share of the rules as a clause of its own."""
    for at, phase in enumerate(phases):
        for row in phase.rows:
            counts = {"spent": row} if row.yuan else {"count": row}
            yield Clause(name=row.name, phase=at, own=frozenset({row.name}), **counts)
        for cover in phase.coverage:
            yield Clause(name=cover.name, phase=at, own=frozenset({cover.name}), shares=(cover,))


def without(phases, clause):
    """The rules without the clause's minimum."""
    rows = [replace(row, lower=0.0) if row.name in clause.own else row for row in phases[clause.phase].rows]
    coverage = [cover for cover in phases[clause.phase].coverage if cover.name not in clause.own]
    loose = replace(phases[clause.phase], rows=tuple(rows), coverage=tuple(coverage))
    return [*phases[: clause.phase], loose, *phases[clause.phase + 1 :]]


def networks(made):
    """All networks whose sites may stand together."""
    ranges = [[int(e)] if e else range(int(m) + 1) for e, m in zip(made.existing, made.modules_max, strict=True)]
    for modules in map(np.array, product(*ranges)):
        apart = any(
            modules[a] and modules[b] and not (made.existing[a] and made.existing[b]) for a, b in made.conflicts
        )
        if not apart and not any(modules[a] and not modules[b] for a, b in made.needs):
            yield modules


def loosened(made, phases, plan):
    """By phase, the problem with what is due in it, each rule only as far as the plan keeps it."""
    found = []
    for at, network in enumerate(plan):
        whole = due(made, phases, at)
        rows = [
            replace(row, lower=min(row.lower, row.total(network)), upper=max(row.upper, row.total(network)))
            for row in whole.rows
        ]
        cover = [replace(one, minimum=min(one.minimum, one.reached(network > 0))) for one in whole.coverage]
        found.append(replace(whole, rows=tuple(rows), coverage=tuple(cover)))
    return found


def chains(problems, at, network):
    """Networks of the phases up to this one that grow into this one, all of which keep the rules."""
    if sum(shares_short(problems[at], network).values()) > 1e-6:
        return
    if at == 0:
        yield (network,)
        return
    for part in parts(problems[at], network):
        for chain in chains(problems, at - 1, part):
            yield (*chain, network)


def best(made, phases, plan, clause):
    """How far a clause goes in any chain of networks that keep the other rules as far as the plan does."""
    problems = loosened(made, without(phases, clause), plan)
    every = (chain for network in networks(made) for chain in chains(problems, len(phases) - 1, network))
    return max((clause.value(chain[clause.phase]) for chain in every), key=lambda value: clause.sense * value)


@settings(max_examples=120)
@given(seed=st.integers(0, 10**9), single=st.booleans(), at_once=st.booleans())
def test_bound_is_the_best_of_all_plans_that_keep_the_other_rules(seed, single, at_once):
    made, phases = phased(seed)
    phases = phases[-1:] if single else phases
    found = sited(made, phases)
    if any(solution.shortfalls for solution in found):
        return
    plan = [solution.modules for solution in found]
    for clause in clauses(phases):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(clause_bounds, "AT_ONCE", 10_000 if at_once else 0)
            bound = furthest(made, phases, plan, clause, seconds=10, gap=0.0)
        exact = best(made, phases, plan, clause)
        reached, alone = clause.value(plan[clause.phase]), clause.alone(made)
        assert clause.sense * reached <= clause.sense * bound <= clause.sense * alone + 1e-6
        assert clause.sense * bound >= clause.sense * exact - 1e-6
        if at_once:
            assert bound == pytest.approx(exact, abs=1e-5)


@settings(max_examples=60)
@given(seed=st.integers(0, 10**9))
def test_rules_that_a_plan_misses_are_kept_as_far_as_it_keeps_them(seed):
    # Any chain of networks is a plan, whatever it misses.
    made, phases = phased(seed)
    random = np.random.default_rng(seed)
    every = list(networks(made))
    if not every:
        return
    plan = [every[random.integers(len(every))]]
    for _ in phases[1:]:
        smaller = parts(made, plan[0])
        plan.insert(0, smaller[random.integers(len(smaller))])
    for clause in clauses(phases):
        bound = furthest(made, phases, plan, clause, seconds=10, gap=0.0)
        assert bound == pytest.approx(best(made, phases, plan, clause), abs=1e-5)


# Three demands of 5, 4 and 3 parcels, a site beside each.
MADE = problem([10, 10, 10], [5, 4, 3], [(0, 0, 0), (1, 1, 0), (2, 2, 0)])
COVER = near([(0, 0), (1, 1), (2, 2)], [5, 4, 3], 0.3)


def test_one_site_less_than_all_leaves_the_fewest_parcels_out():
    phases = [RulesDue(rows=(count("two", 3, upper=2),), coverage=(COVER,))]
    share = Clause(name="near", own=frozenset({"near"}), shares=(COVER,))
    plan = [np.array([0, 1, 1], dtype=np.int32)]
    assert share.alone(MADE) == 1.0
    assert furthest(MADE, phases, plan, share, seconds=10, gap=0.0) == pytest.approx(9 / 12)
    # Of the least of two shares no more than one can be: one site reaches the first, another the second.
    apart = [near([(0, 0)], [5, 0, 0], 0.0), near([(1, 1), (2, 1)], [0, 4, 3], 0.0), near([(2, 2)], [0, 0, 3], 0.0)]
    least = replace(share, shares=tuple(apart))
    assert furthest(MADE, phases, plan, least, seconds=10, gap=0.0) == pytest.approx(0.0)
    assert furthest(MADE, phases, plan, replace(share, shares=tuple(apart[:2])), seconds=10, gap=0.0) == 1.0


def test_the_least_money_that_keeps_the_other_clauses():
    # 7 of 12 parcels take two sites: 0 and another for 39.99 yuan or more, or 1 and 2 for 29.99.
    money = SitingRow(name="money", site=np.arange(3, dtype=np.int32), per_open=np.array([30.0, 20.0, 9.99]),
                      per_module=np.zeros(3), upper=100, yuan=True)  # fmt: skip
    seven = replace(COVER, minimum=7 / 12)
    phases = [RulesDue(rows=(money,), coverage=(seven,))]
    spent = Clause(name="money", own=frozenset({"money"}), spent=money)
    every = np.ones(3, dtype=np.int32)
    assert (spent.value(every), spent.alone(MADE)) == (59.99, 0.0)
    assert furthest(MADE, phases, [every], spent, seconds=10, gap=0.0) == 29.99
    assert furthest(MADE, phases, [np.array([0, 1, 1], dtype=np.int32)], spent, seconds=10, gap=0.0) == 29.99
    # The least is above the limit: no plan keeps all.
    little = [RulesDue(rows=(replace(money, upper=10.0),), coverage=(seven,))]
    assert furthest(MADE, little, [every], spent, seconds=10, gap=0.0) == 29.99
    assert furthest(MADE, phases, [every], spent, seconds=0, gap=0.0) is None
    assert furthest(MADE, phases, [0 * every], spent, seconds=0, gap=0.0) == 0.0
    # What stands costs its money in any plan.
    standing = replace(MADE, existing=np.array([1, 0, 0], dtype=np.int32))
    assert spent.alone(standing) == 30.0
    assert furthest(standing, phases, [every], spent, seconds=10, gap=0.0) == 39.99


def test_money_that_is_rounded_to_units_is_never_bounded_too_high():
    # A site for a billion yuan and some for odd fen: units of 10,000 yuan and more, of which the small ones are none.
    money = SitingRow(name="money", site=np.arange(3, dtype=np.int32), per_open=np.array([1e9 + 0.01, 123.45, 0.07]),
                      per_module=np.zeros(3), upper=1e10, yuan=True)  # fmt: skip
    for cover, least in ((COVER, 123.45 + 0.07), (replace(COVER, minimum=0.8), 1e9 + 0.01 + 123.45)):
        phases = [RulesDue(rows=(money,), coverage=(replace(cover, minimum=max(cover.minimum, 0.5)),))]
        spent = Clause(name="money", own=frozenset({"money"}), spent=money)
        bound = furthest(MADE, phases, [np.ones(3, dtype=np.int32)], spent, seconds=10, gap=0.0)
        assert least * (1 - 2e-5) - 1e4 <= bound <= least


def test_clause_that_allows_no_more_than_it_asks_for_is_settled_by_meeting_it():
    exactly, at_least = count("two", 3, lower=2, upper=2), count("two", 3, lower=2)
    assert not Clause(name="two", count=exactly).open_ended(MADE)
    assert Clause(name="two", count=at_least).open_ended(MADE)
    assert Clause(name="near", shares=(COVER,)).open_ended(MADE)
    assert not Clause(name="near", shares=(replace(COVER, minimum=1.0),)).open_ended(MADE)
    money = SitingRow(name="money", site=np.arange(3, dtype=np.int32), per_open=np.ones(3), per_module=np.zeros(3),
                      upper=1, yuan=True)  # fmt: skip
    assert Clause(name="money", spent=money).open_ended(MADE)
    assert not Clause(name="money", spent=replace(money, per_open=np.zeros(3))).open_ended(MADE)


def test_without_time_there_is_no_bound_but_where_all_is_reached_anyway():
    phases = [RulesDue(rows=(count("two", 3, upper=2),), coverage=(COVER,))]
    share = Clause(name="near", own=frozenset({"near"}), shares=(COVER,))
    assert furthest(MADE, phases, [np.array([0, 1, 1], dtype=np.int32)], share, seconds=0, gap=0.0) is None
    assert furthest(MADE, phases, [np.array([1, 1, 1], dtype=np.int32)], share, seconds=0, gap=0.0) == 1.0


def test_what_counts_whole_numbers_is_rounded_down():
    whole = Clause(name="sites", count=count("sites", 3))
    assert whole.attainable(2.7) == 2
    assert replace(whole, count=count("yuan", 3, per=[0.5, 1, 1])).attainable(2.7) == 2.7
    share = Clause(name="near", shares=(COVER,))
    assert share.attainable(0.7) == 8 / 12
    assert replace(share, shares=(replace(COVER, share=np.array([0.3, 1, 1])),)).attainable(0.7) == 0.7
