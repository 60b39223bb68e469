"""Covering within a budget equals the enumeration of all sets of sites on tiny problems, to the fen."""

from dataclasses import replace
from itertools import chain, combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lastmile.solvers import budget_covering
from lastmile.solvers.budget_covering import CoveringProblem, cover
from lastmile.solvers.siting_problem import NoPlanInTimeError

YUAN = 100


def problem(cost_fen, reached, weight, standing=()):
    """``reached`` lists, by site, the customers near it."""
    return CoveringProblem(
        cost_fen=np.array(cost_fen, dtype=np.int64),
        standing=np.array([j in standing for j in range(len(cost_fen))], dtype=bool),
        weight=np.array(weight, dtype=np.float64),
        pair_site=np.array([j for j, near in enumerate(reached) for _ in near], dtype=np.int32),
        pair_customer=np.array([i for near in reached for i in sorted(near)], dtype=np.int32),
    )


def most(cost_fen, reached, weight, standing, budget_fen):
    """Parcels of the best of all sets that the budget pays for; counted without the library."""
    new = [j for j in range(len(cost_fen)) if j not in standing]
    return max(
        sum(weight[i] for i in set().union(*(reached[j] for j in {*sites, *standing})))
        for sites in chain.from_iterable(combinations(new, k) for k in range(len(new) + 1))
        if sum(cost_fen[j] for j in sites) <= budget_fen
    )


@st.composite
def instances(draw):
    """Up to seven sites; costs of round thousands, of any fen, or of large sums that are a fen apart."""
    costs = draw(
        st.sampled_from([
            st.integers(1, 9).map(lambda k: k * 1_000 * YUAN),
            st.integers(0, 600_000 * YUAN),
            st.tuples(st.integers(1, 3), st.integers(0, 2)).map(lambda k: k[0] * 500_000 * YUAN + k[1]),
        ])
    )  # fmt: skip
    customers = draw(st.integers(1, 8))
    reached = draw(st.lists(st.sets(st.integers(0, customers - 1)), min_size=1, max_size=7))
    cost_fen = draw(st.lists(costs, min_size=len(reached), max_size=len(reached)))
    weight = draw(st.lists(st.integers(0, 9), min_size=customers, max_size=customers))
    standing = draw(st.sets(st.integers(0, len(reached) - 1), max_size=2))
    # Budgets that a set of sites costs to the fen, or a fen less: there the solver's tolerance would tell.
    paid = draw(st.sets(st.integers(0, len(reached) - 1)))
    budget = max(sum(cost_fen[j] for j in paid - standing) - draw(st.integers(0, 1)), 0)
    return cost_fen, reached, weight, standing, budget


@settings(max_examples=150)
@given(instances())
def test_a_budget_covers_what_the_best_of_all_sets_does_and_not_a_fen_more_is_paid(instance):
    cost_fen, reached, weight, standing, budget = instance
    made = problem(cost_fen, reached, weight, standing)
    found = cover(made, budget_fen=budget, seconds=10)
    assert sum(cost_fen[j] for j in found.sites if j not in standing) <= budget
    assert standing <= set(found.sites)
    covered = set().union(*(reached[j] for j in found.sites))
    assert found.parcels == sum(weight[i] for i in covered) == most(*instance)
    assert found.bound == pytest.approx(found.parcels)
    assert found.stopped == "optimal"


@settings(max_examples=150)
@given(instances(), st.integers(0, 10**6))
def test_of_several_sites_the_greatest_share_counts(instance, seed):
    cost_fen, reached, weight, standing, budget = instance
    made = problem(cost_fen, reached, weight, standing)
    share = np.random.default_rng(seed).choice([0.0, 0.15, 0.5, 0.51, 1.0], len(made.pair_site))
    made = replace(made, pair_share=share)
    of = dict(zip(zip(made.pair_site.tolist(), made.pair_customer.tolist(), strict=True), share.tolist(), strict=True))

    def parcels(sites):
        return sum(w * max((of.get((j, i), 0.0) for j in sites), default=0.0) for i, w in enumerate(weight))

    found = cover(made, budget_fen=budget, seconds=10)
    new = [j for j in range(len(cost_fen)) if j not in standing]
    payable = [
        {*sites, *standing}
        for sites in chain.from_iterable(combinations(new, k) for k in range(len(new) + 1))
        if sum(cost_fen[j] for j in sites) <= budget
    ]
    best = max(map(parcels, payable))
    assert set(found.sites) in payable
    assert found.parcels == pytest.approx(parcels(found.sites)) == pytest.approx(best, rel=1e-5)
    assert best * (1 - 1e-9) <= found.bound <= best * (1 + 1e-5) + 1e-9
    # None is paid for that covers no more of anybody than the others do.
    for j in set(found.sites) - standing:
        assert parcels(set(found.sites) - {j}) < found.parcels


@settings(max_examples=40)
@given(instances())
def test_no_site_is_paid_for_whose_customers_others_reach(instance):
    cost_fen, reached, weight, standing, budget = instance
    found = cover(problem(cost_fen, reached, weight, standing), budget_fen=budget, seconds=10)
    for j in set(found.sites) - standing:
        others = set().union(*(reached[k] for k in found.sites if k != j))
        assert any(weight[i] for i in reached[j] - others)


@settings(max_examples=40)
@given(instances(), st.lists(st.integers(0, 2_000_000 * YUAN), min_size=2, max_size=4))
def test_more_money_never_covers_less(instance, budgets):
    made = problem(*instance[:4])
    found = [cover(made, budget_fen=budget, seconds=10) for budget in sorted(budgets)]
    assert all(a.parcels <= b.parcels and a.bound <= b.bound + 1e-6 for a, b in pairwise(found))


def test_a_plan_that_costs_a_fen_too_much_is_not_let_through():
    # Together 150,000,001 fen, one more than there is: the second alone covers most.
    made = problem([50_000_000, 100_000_001], [{0}, {1}], [3, 5])
    assert cover(made, budget_fen=150_000_000, seconds=10).sites == (1,)
    assert cover(made, budget_fen=150_000_001, seconds=10).sites == (0, 1)


def test_a_plan_that_costs_the_budget_nearly_is_not_cut_off():
    # 8 + 1 + 6 near site 3 and 3 near the one that stands, for 100,000,002 fen of 150,000,001.
    made = problem(
        [50_000_000, 50_000_001, 150_000_002, 100_000_002, 0],
        [{2}, {2}, {0, 2}, {2, 3, 4}, {5}], [7, 1, 8, 1, 6, 3, 1], standing={4},
    )  # fmt: skip
    found = cover(made, budget_fen=150_000_001, seconds=10)
    assert (found.sites, found.parcels, found.bound) == ((3, 4), 18, pytest.approx(18))


# Greedy takes site 0, with 10 parcels for 10 yuan, and then has no money for both of the others with 9 each for 10.
TRAP = problem([10 * YUAN, 10 * YUAN, 10 * YUAN], [{0, 1}, {0, 2}, {1, 3}], [5, 5, 4, 4])


def test_greedy_is_not_the_last_word():
    # Sites 1 and 2: 5 + 4 + 5 + 4; site 0 and either: 5 + 5 + 4.
    found = cover(TRAP, budget_fen=20 * YUAN, seconds=10)
    assert (found.sites, found.parcels, found.stopped) == ((1, 2), 18, "optimal")


def test_without_a_plan_of_the_program_the_greedy_one_stands_with_all_that_sites_reach_for_its_bound(monkeypatch):
    def late(*_, **__):
        raise NoPlanInTimeError("siting found no plan at all")

    monkeypatch.setattr(budget_covering, "solve_siting", late)
    found = cover(TRAP, budget_fen=20 * YUAN, seconds=10)
    assert (found.parcels, found.bound, found.stopped) == (14, 18, "limit")


def test_a_plan_for_less_money_is_kept_where_time_is_up(monkeypatch):
    def late(*_, **__):
        raise NoPlanInTimeError("siting found no plan at all")

    monkeypatch.setattr(budget_covering, "solve_siting", late)
    assert cover(TRAP, budget_fen=25 * YUAN, seconds=10, start=(1, 2)).parcels == 18


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"standing": np.zeros(2, dtype=bool)}, "standing has 2 entries for 3 sites"),
        ({"pair_site": np.zeros(1, dtype=np.int32)}, "pair_customer has 6 entries for 1 pairs"),
        ({"pair_share": np.ones(5)}, "pair_share has 5 entries for 6 pairs"),
        ({"pair_share": np.array([0.0, 0.5, 1.0, 1.0, 1.0, 1.1])}, "pair_share has an entry outside 0..1"),
        ({"cost_fen": np.array([1, -1, 1])}, "a cost or a weight is negative"),
    ],
)
def test_what_cannot_be_is_named(change, words):
    given_ = {name: getattr(TRAP, name) for name in ("cost_fen", "standing", "weight", "pair_site", "pair_customer")}
    with pytest.raises(ValueError, match=words):
        CoveringProblem(**{**given_, **change})


def test_money_below_nothing_is_named():
    with pytest.raises(ValueError, match="must not be negative"):
        cover(TRAP, budget_fen=-1, seconds=1)


def test_a_start_that_the_budget_does_not_pay_for_is_named():
    with pytest.raises(ValueError, match="start costs 2000 fen, more than the budget of 1999"):
        cover(TRAP, budget_fen=2_000 - 1, seconds=1, start=(1, 2))
