"""Facility location equals the enumeration of all sets of sites on tiny problems, and never bounds too high."""

from itertools import combinations, pairwise

import numpy as np
import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from lastmile.solvers.location import locate
from lastmile.solvers.location_problem import LocationProblem

TOLERANCE = 1e-6


def problem(opening, unserved, pairs, **rules):
    """``pairs`` lists (site, customer, cost)."""
    types = {"standing": bool, "kind": np.int32}
    return LocationProblem(
        opening=np.array(opening, dtype=np.float64),
        unserved=np.array(unserved, dtype=np.float64),
        pair_site=np.array([j for j, _, _ in pairs], dtype=np.int32),
        pair_customer=np.array([i for _, i, _ in pairs], dtype=np.int32),
        pair_cost=np.array([c for _, _, c in pairs], dtype=np.float64),
        **{
            name: value if name == "most" or value is None else np.array(value, dtype=types.get(name, float))
            for name, value in rules.items()
        },
    )


def served(made, sites):
    """What serving costs with these sites open."""
    if made.capacity is None:
        cost = made.unserved.copy()
        for j, i, c in zip(made.pair_site, made.pair_customer, made.pair_cost, strict=True):
            if j in sites:
                cost[i] = min(cost[i], c)
        return cost.sum()
    pairs = [p for p, j in enumerate(made.pair_site) if j in sites]
    loose = np.flatnonzero(np.isfinite(made.unserved))
    columns = len(pairs) + len(loose)
    if not columns:
        return np.inf if len(made.unserved) else 0.0
    once, room = np.zeros((len(made.unserved), columns)), np.zeros((len(made.opening), columns))
    for column, p in enumerate(pairs):
        once[made.pair_customer[p], column] = 1
        room[made.pair_site[p], column] = made.amount[made.pair_customer[p]]
    once[loose, len(pairs) + np.arange(len(loose))] = 1
    answer = linprog(
        np.concatenate((made.pair_cost[pairs], made.unserved[loose])),
        A_ub=room, b_ub=made.capacity, A_eq=once, b_eq=np.ones(len(once)),
    )  # fmt: skip
    return answer.fun if answer.status == 0 else np.inf


def least(made):
    """The cheapest of all sets of sites."""
    everyone = range(len(made.opening))
    standing = set() if made.standing is None else set(np.flatnonzero(made.standing).tolist())
    kind, most = made.kinds(), made.limits()
    return min(
        made.opening[list(sites)].sum() + served(made, sites)
        for count in range(len(made.opening) + 1)
        for sites in combinations(everyone, count)
        if standing <= set(sites) and all((kind[list(sites)] == k).sum() <= limit for k, limit in enumerate(most))
    )


@st.composite
def problems(draw, *, capacities=False, everyone=True):
    sites, customers = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    number = draw(st.sampled_from([st.integers(0, 30), st.floats(0, 30, width=32)]))
    every = [(j, i) for j in range(sites) for i in range(customers)]
    pairs = every if draw(st.booleans()) else draw(st.lists(st.sampled_from(every), unique=True))
    price = draw(st.sampled_from([number, st.just(np.inf)]))
    if capacities:
        price = st.just(np.inf) if everyone else number
    numbers = lambda count, of: draw(st.lists(of, min_size=count, max_size=count))  # noqa: E731
    standing = draw(st.none() | st.lists(st.booleans(), min_size=sites, max_size=sites))
    stand = np.array(standing or [False] * sites)
    kind = draw(st.none() | st.lists(st.integers(0, 2), min_size=sites, max_size=sites))
    if kind is None:
        most = draw(st.none() | st.integers(int(stand.sum()), sites))
    else:
        of_kind = np.array(kind)
        most = tuple(draw(st.integers(int(stand[of_kind == k].sum()), sites)) for k in range(3))
    # Less than the tolerances of the program that this is held against would be nothing to it.
    amounts = st.integers(0, 6) if draw(st.booleans()) else st.just(0.0) | st.floats(0.125, 6, width=32)
    free = draw(st.booleans())  # as in covering
    return problem(
        numbers(sites, number),
        numbers(customers, price),
        [(j, i, 0 if free else draw(number)) for j, i in pairs],
        kind=kind,
        most=most,
        standing=standing,
        capacity=numbers(sites, st.integers(0, 12)) if capacities else None,
        amount=numbers(customers, amounts) if capacities else None,
    )


def holds(made, solution):
    """Flows come from open sites and come to the cost, the bound is below it."""
    assert set(solution.served_by.tolist()) <= set(solution.sites.tolist())
    share = np.zeros(len(made.unserved))
    np.add.at(share, solution.served_customer, solution.served_share)
    cost = {(j, i): c for j, i, c in zip(made.pair_site, made.pair_customer, made.pair_cost, strict=True)}
    if made.capacity is not None:
        load = np.zeros(len(made.opening))
        np.add.at(load, solution.served_by, solution.served_share * made.amount[solution.served_customer])
        assert (load <= made.capacity * (1 + 1e-6) + 1e-6).all()
    assert (share <= 1 + 1e-6).all()
    missing = np.flatnonzero(share < 1 - 1e-6)
    total = made.opening[solution.sites].sum() + (made.unserved[missing] * (1 - share[missing])).sum()
    total += sum(
        cost[j, i] * part
        for j, i, part in zip(solution.served_by, solution.served_customer, solution.served_share, strict=True)
    )
    assert solution.cost == pytest.approx(total, rel=1e-6, abs=1e-6)
    assert solution.bound <= solution.cost


def equals_enumeration(made):
    """Solves it, holds cost and bound against the cheapest of all sets of sites, and returns the solution."""
    best = least(made)
    solution = locate(made, seconds=20)
    assert solution.bound <= best * (1 + TOLERANCE) + TOLERANCE
    assert solution.cost == pytest.approx(best, rel=TOLERANCE, abs=TOLERANCE)
    if np.isfinite(best):
        holds(made, solution)
    return solution


@settings(max_examples=examples(50, 600), deadline=None)
@given(problems())
def test_equals_enumeration(made):
    solution = equals_enumeration(made)
    if np.isfinite(solution.cost):
        assert solution.stopped == "optimal"


@settings(max_examples=examples(40, 400), deadline=None)
@given(problems(capacities=True))
def test_equals_enumeration_with_capacities(made):
    equals_enumeration(made)


@settings(max_examples=examples(60, 800), deadline=None)
@given(problems(capacities=True, everyone=False))
def test_equals_enumeration_with_capacities_and_prices(made):
    solution = equals_enumeration(made)
    assert solution.stopped == "optimal"


def scattered(customers, sites, reach, *, seed, most):
    """Maximal covering in a square: pairs within reach cost nothing, weights are prices."""
    random = np.random.default_rng(seed)
    at, places = random.random((customers, 2)), random.random((sites, 2))
    near = np.hypot(*(places[:, None] - at[None]).transpose(2, 0, 1)) <= reach
    site, customer = np.nonzero(near)
    return LocationProblem(
        opening=np.zeros(sites),
        unserved=random.integers(1, 20, customers).astype(float),
        pair_site=site.astype(np.int32),
        pair_customer=customer.astype(np.int32),
        pair_cost=np.zeros(len(site)),
        most=most,
    )


def test_covers_with_a_bound_and_never_less_than_the_start():
    made = scattered(400, 120, 0.08, seed=3, most=15)
    solution = locate(made, seconds=20)
    assert solution.stopped == "optimal"
    assert len(solution.sites) <= 15
    holds(made, solution)
    again = locate(made, seconds=20, start=solution.sites.tolist())
    assert again.cost == solution.cost
    told = []
    locate(made, seconds=20, seed=1, on_progress=told.append)
    assert told[-1].cost == solution.cost
    assert all(a.cost >= b.cost and a.bound <= b.bound for a, b in pairwise(told))


def test_customers_that_no_site_can_serve_are_left_out_at_their_price():
    solution = locate(problem([5], [3, 9], [(0, 1, 2)]), seconds=5)
    assert solution.sites.tolist() == [0]
    assert solution.cost == 5 + 2 + 3
    assert solution.served_customer.tolist() == [1]


def test_whom_no_site_can_serve_though_it_must_be_makes_the_cost_infinite():
    solution = locate(problem([5], [np.inf, 9], [(0, 1, 2)]), seconds=0.2)
    assert solution.cost == np.inf


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"pair_site": [0, 2]}, r"pair_site\[1\] is 2, it must be in 0..1"),
        ({"pair_customer": [0, 0], "pair_site": [1, 1]}, "the pair of site 1 and customer 0 is there twice"),
        ({"opening": [1, -1]}, r"opening\[1\] is -1.0"),
        ({"opening": [1, np.nan]}, r"opening\[1\] is nan"),
        ({"pair_cost": [1]}, "pair_cost has 1 entries, 2 are needed"),
        ({"unserved": [np.nan, 0]}, r"unserved\[0\] is nan"),
        ({"most": -1}, "most is -1"),
        ({"most": 1, "standing": [True, True]}, "2 sites stand already, and most lets 1 be open"),
        ({"capacity": [1.0, 1.0]}, "capacity and amount go together"),
        ({"capacity": [1, 1], "amount": [1, 1], "unserved": [1, np.inf]}, "unserved must be inf for every customer or"),
        ({"kind": [0, 1], "most": 1}, "most must be a number, or where there are kinds a number for each"),
        ({"most": (1,)}, "most must be a number, or where there are kinds a number for each"),
        ({"kind": [0, 2], "most": (1, 1)}, r"kind\[1\] is 2, it must be in 0..1"),
        ({"kind": [0, 1], "most": (1, -1)}, "most is -1"),
        ({"kind": [0, 1], "most": (1, 0), "standing": [True, True]}, "1 sites stand already, and most lets 0 be open"),
    ],
)
def test_malformed_problems_are_named(change, says):
    given = {
        "opening": [1, 1], "unserved": [4, 4], "pair_site": [0, 1], "pair_customer": [0, 1], "pair_cost": [1, 1],
    } | change  # fmt: skip
    kinds = {"pair_site": np.int32, "pair_customer": np.int32, "standing": bool, "kind": np.int32}
    arrays = {
        name: value if name == "most" else np.array(value, kinds.get(name, float)) for name, value in given.items()
    }
    with pytest.raises(ValueError, match=says):
        LocationProblem(**arrays)


@pytest.mark.parametrize(("start", "says"), [([7], "opens site 7, there are 1"), ([-1], "opens site -1, there are 1")])
def test_a_start_that_does_not_exist_is_named(start, says):
    with pytest.raises(ValueError, match=says):
        locate(problem([5], [9], [(0, 0, 2)]), seconds=1, start=start)


def test_costs_of_no_weight_beside_others_are_settled():
    solution = locate(problem([1], [1.2e-7], []), seconds=20)
    assert solution.stopped == "optimal"
    assert solution.sites.tolist() == []


def test_who_is_worth_next_to_nothing_is_served_where_there_is_room():
    pairs = [(0, i, 0) for i in range(2)]
    solution = locate(problem([0], [5, 9.99999972e-10], pairs, capacity=[2], amount=[1, 1]), seconds=20)
    assert solution.stopped == "optimal"
    assert solution.cost == 0.0


def test_customers_that_are_split_cost_parts_of_whole_numbers():
    made = problem([0, 0], [np.inf], [(0, 0, 0), (1, 0, 1)], capacity=[1, 1], amount=[2])
    solution = locate(made, seconds=20)
    assert solution.cost == pytest.approx(0.5)
    assert solution.bound <= 0.5
    assert solution.stopped == "optimal"
