"""No plan spends a fen more than it may, and none that the money pays for is lost: against the enumeration of all."""

from itertools import product

import numpy as np
import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from lastmile.solvers import siting_search
from lastmile.solvers.money import MoneyLimit
from lastmile.solvers.siting import site
from lastmile.solvers.siting_problem import SitingProblem, SitingRow

EMPTY = np.empty(0, dtype=np.int32)


def problem(weight, near, most, rows):
    """Every demand is worth a fen a parcel if one of the sites near it opens; ``near`` lists (demand, site)."""
    sites = len(most)
    return SitingProblem(
        fixed_fen=np.zeros(sites, dtype=np.int64),
        module_fen=np.zeros(sites, dtype=np.int64),
        modules_max=np.array(most, dtype=np.int32),
        module_capacity=np.zeros(sites, dtype=np.int32),
        existing=np.zeros(sites, dtype=np.int32),
        weight=np.array(weight, dtype=np.float64),
        serve_demand=EMPTY,
        serve_site=EMPTY,
        serve_metres=np.empty(0),
        attract_demand=np.array([i for i, _ in near], dtype=np.int32),
        attract_site=np.array([j for _, j in near], dtype=np.int32),
        parcel_fen=1.0,
        rows=tuple(rows),
    )


def money(name, sites, open_fen, module_fen, most_fen):
    return SitingRow(
        name=name, site=np.array(sites, dtype=np.int32), per_open=np.array([fen / 100 for fen in open_fen]),
        per_module=np.array([fen / 100 for fen in module_fen]), upper=most_fen / 100, yuan=True,
    )  # fmt: skip


def fen(yuan):
    return round(float(yuan) * 100)


def excess_fen(row, modules):
    """To the fen, in whole numbers."""
    paid = sum(
        fen(a) + fen(b) * modules[j]
        for j, a, b in zip(row.site.tolist(), row.per_open, row.per_module, strict=True)
        if modules[j]
    )
    return max(paid - fen(row.upper), 0)


def few(row, modules):
    """By what share of its number a row of counts is missed."""
    total = sum(
        modules[j] * b + (modules[j] > 0) * a for j, a, b in zip(row.site, row.per_open, row.per_module, strict=True)
    )
    return max(row.lower - total, 0) / max(row.lower, 1)


def value(made, modules):
    near = {i for i, j in zip(made.attract_demand.tolist(), made.attract_site.tolist(), strict=True) if modules[j]}
    return sum(made.weight[i] for i in near)


@st.composite
def problems(draw):
    """Up to five sites of up to two modules; costs a fen apart or any, of which some budgets pay to the fen."""
    sites, demands = draw(st.integers(1, 5)), draw(st.integers(1, 6))
    costs = draw(
        st.sampled_from([
            st.tuples(st.integers(0, 3), st.integers(0, 2)).map(lambda k: k[0] * 50_000_000 + k[1]),
            st.integers(0, 60_000_000),
            st.integers(0, 30).map(lambda k: k * 100_000),
        ])
    )  # fmt: skip
    most = draw(st.lists(st.integers(1, 2), min_size=sites, max_size=sites))
    open_fen = draw(st.lists(costs, min_size=sites, max_size=sites))
    module_fen = draw(st.lists(st.just(0) | costs, min_size=sites, max_size=sites))
    rows = []
    for name in ("money", "more money")[: draw(st.integers(1, 2))]:
        own = sorted(draw(st.sets(st.integers(0, sites - 1), min_size=1)))
        paid = sum(open_fen[j] + module_fen[j] * n for j in own if (n := draw(st.integers(0, most[j]))))
        limit = max(paid - draw(st.integers(0, 1)), 0)
        rows.append(money(name, own, [open_fen[j] for j in own], [module_fen[j] for j in own], limit))
    every = np.arange(sites, dtype=np.int32)
    if draw(st.booleans()):
        rows.append(
            SitingRow(name="count", site=every, per_open=np.zeros(sites), per_module=np.ones(sites),
                      lower=float(draw(st.integers(0, sum(most) + 1))))
        )  # fmt: skip
    pairs = [(i, j) for i in range(demands) for j in range(sites)]
    near = draw(st.lists(st.sampled_from(pairs), unique=True, max_size=12))
    weight = draw(st.lists(st.sampled_from([1, 2, 3, 50, 1000, 10**6]), min_size=demands, max_size=demands))
    return problem(weight, near, most, rows)


@pytest.mark.parametrize("kernels", [False, True])
@settings(max_examples=examples(80, 1200), deadline=None)
@given(made=problems())
def test_no_plan_spends_a_fen_too_much_where_it_need_not(made, kernels):
    with pytest.MonkeyPatch.context() as patch:
        if kernels:
            patch.setattr(siting_search, "AT_ONCE", 0)
            patch.setattr(siting_search, "_MORE", 1)
        found = site(made, seconds=20, gap=0.0)
    limits, counts = [row for row in made.rows if row.yuan], [row for row in made.rows if not row.yuan]
    plans = list(product(*(range(most + 1) for most in made.modules_max.tolist())))
    within = [plan for plan in plans if not any(excess_fen(row, plan) for row in limits)]
    short = {plan: sum(few(row, plan) for row in counts) for plan in plans}
    over = {plan: sum(excess_fen(row, plan) / 100 / max(row.upper, 1.0) for row in limits) for plan in plans}
    least_within = min(short[plan] for plan in within)
    chosen = tuple(found.modules.tolist())
    told = {shortfall.name: shortfall.amount for shortfall in found.shortfalls}
    for row in limits:
        assert told.get(row.name, 0) == pytest.approx(excess_fen(row, chosen) / 100, abs=1e-9)
    if least_within <= min(short[plan] + over[plan] for plan in plans) + 1e-12:
        best = max(value(made, plan) for plan in within if short[plan] <= least_within + 1e-9)
        assert chosen in within
        assert short[chosen] == pytest.approx(least_within)
        assert value(made, chosen) == pytest.approx(best)
        assert found.bound_fen >= best * (1 - 1e-9)
    else:
        # Money gives way, by no more than it has to.
        least = min(short[plan] + over[plan] for plan in plans)
        assert short[chosen] + over[chosen] <= least + 1e-4


def test_a_fen_too_much_is_not_spent_for_a_parcel():
    # Both sites cost 1,500,000.01 yuan, a fen more than there is; the second alone has most parcels.
    limit = money("money", [0, 1], [50_000_000, 100_000_001], [0, 0], 150_000_000)
    made = problem([3, 5], [(0, 0), (1, 1)], [1, 1], [limit])
    found = site(made, seconds=10, gap=0.0)
    assert (found.modules.tolist(), found.shortfalls, found.stopped) == ([0, 1], (), "optimal")
    assert found.bound_fen == pytest.approx(5)


def test_money_that_has_to_give_way_is_told_to_the_fen():
    # Two are wanted; they cost a fen more than there is, which is a smaller share of it than one is of two.
    limit = money("money", [0, 1], [50_000_000, 100_000_001], [0, 0], 150_000_000)
    two = SitingRow(name="two", site=np.arange(2, dtype=np.int32), per_open=np.ones(2), per_module=np.zeros(2), lower=2)
    found = site(problem([3, 5], [(0, 0), (1, 1)], [1, 1], [limit, two]), seconds=10, gap=0.0)
    assert found.modules.tolist() == [1, 1]
    assert [(short.name, short.amount) for short in found.shortfalls] == [("money", pytest.approx(0.01))]
    assert dict(found.relaxations)["money"] == pytest.approx(0.01)


@given(
    costs=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(0, 3)), min_size=1, max_size=5),
    most=st.integers(0, 40),
)
def test_a_cover_costs_too_much_and_with_one_fewer_does_not(costs, most):
    limit = MoneyLimit(
        site=tuple(range(len(costs))), open_fen=tuple(a for a, _, _ in costs), module_fen=tuple(b for _, b, _ in costs),
        most_fen=most,
    )  # fmt: skip
    modules = np.array([n for _, _, n in costs], dtype=np.int32)
    if limit.excess_fen(modules) <= 0:
        return
    cover = limit.cover(modules)
    least = np.array([cover.get(j, 0) for j in range(len(costs))], dtype=np.int32)
    assert (least <= modules).all()
    assert limit.excess_fen(least) > 0
    for j in cover:
        assert limit.excess_fen(least - (np.arange(len(costs)) == j).astype(np.int32)) <= 0


@given(
    costs=st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 3)), max_size=5),
    spare=st.integers(0, 10**6),
)
def test_the_rounded_row_cuts_off_nothing_that_is_paid_for(costs, spare):
    paid = sum(a + b * n for a, b, n in costs if n)
    limit = MoneyLimit(
        site=tuple(range(len(costs))), open_fen=tuple(a for a, _, _ in costs), module_fen=tuple(b for _, b, _ in costs),
        most_fen=paid + spare,
    )  # fmt: skip
    opening, each, most = limit.rounded()
    assert sum(a + b * n for a, b, (_, _, n) in zip(opening, each, costs, strict=True) if n) <= most - 0.5
    assert max([*opening, *each], default=0) <= 100_000
