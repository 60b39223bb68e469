"""The bound of large coverings: its cuts hold for every plan, and close what the linear relaxation leaves open."""

import numpy as np
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from lastmile import _core
from lastmile.solvers import location
from lastmile.solvers.location import locate
from lastmile.solvers.location_problem import LocationProblem
from tests.solvers.test_location_covering import core_of, cost_of, coverings, least, scattered


def ring(count, *, opening=2.0, unserved=9.0):
    """Customers in a ring with a site between each two neighbours, which covers both."""
    site = np.repeat(np.arange(count, dtype=np.int32), 2)
    customer = (site + np.tile([0, 1], count)) % count
    return LocationProblem(
        opening=np.full(count, opening),
        unserved=np.full(count, unserved),
        pair_site=site,
        pair_customer=customer.astype(np.int32),
        pair_cost=np.zeros(2 * count),
    )


@st.composite
def graphs(draw):
    """Sites are vertices and customers edges: half open sites are what their relaxation likes best."""
    sites = draw(st.integers(3, 7))
    every = [(a, b) for a in range(sites) for b in range(a)]
    edges = draw(st.lists(st.sampled_from(every), min_size=min(sites, 5), max_size=12, unique=True))
    numbers = lambda count, low, high: np.array(  # noqa: E731
        draw(st.lists(st.integers(low, high), min_size=count, max_size=count)), dtype=float
    )
    return LocationProblem(
        opening=numbers(sites, 1, 2),
        unserved=numbers(len(edges), 1, 6),
        pair_site=np.array(edges, dtype=np.int32).ravel(),
        pair_customer=np.repeat(np.arange(len(edges), dtype=np.int32), 2),
        pair_cost=np.zeros(2 * len(edges)),
        kind=np.zeros(sites, dtype=np.int32),
        most=(draw(st.integers(2, sites)),),
    )


def relaxed(made):
    """The linear relaxation's optimum, by HiGHS."""
    sites, customers = len(made.opening), len(made.unserved)
    cover = np.zeros((customers, sites))
    cover[made.pair_customer, made.pair_site] = 1
    of_kind = np.array([made.kinds() == kind for kind in range(len(made.limits()))], dtype=float)
    result = linprog(
        np.concatenate((made.opening, made.unserved)),
        A_ub=np.block([[-cover, -np.eye(customers)], [of_kind, np.zeros((len(of_kind), customers))]]),
        b_ub=np.concatenate((-np.ones(customers), made.limits())),
        bounds=[(float(stands), 1.0) for stands in made.stands()] + [(0, 1)] * customers,
    )
    return result.fun


def best_of(made, may_open):
    """What the best plan costs in which these sites open at most, by whether each site opens in it."""
    best = np.full((len(made.opening), 2), np.inf)
    for bits in range(2 ** len(made.opening)):
        opens = np.array([bits >> j & 1 for j in range(len(made.opening))], dtype=bool)
        count = np.bincount(made.kinds()[opens], minlength=len(made.limits()))
        if (count <= made.limits()).all() and not (opens & ~may_open).any() and opens[made.stands()].all():
            cost = cost_of(made, np.flatnonzero(opens).tolist())
            rows = np.arange(len(opens))
            best[rows, opens.astype(int)] = np.minimum(best[rows, opens.astype(int)], cost)
    return best


def test_a_triangle_of_half_open_sites_costs_two_whole_ones():
    # Half of each site covers all three customers for 3 x 2 / 2 = 3; two whole ones cost 4.
    problem, _ = core_of(ring(3))
    bound = _core.CoveringBound(problem)
    bound.run(2_000, 1e9)
    assert bound.bound == pytest.approx(3.0, abs=1e-3)
    bound.cut()
    assert bound.sets == 1
    bound.run(2_000, 1e9)
    assert bound.bound == pytest.approx(4.0, abs=1e-3)
    assert bound.bound <= 4.0 + 1e-9


def test_a_ring_of_five_needs_all_five_in_one_set():
    # Half of each site costs 5 x 2 / 2 = 5; three whole ones cost 6.
    problem, _ = core_of(ring(5))
    bound = _core.CoveringBound(problem)
    for _ in range(3):
        bound.run(2_000, 1e9)
        bound.cut()
    assert bound.sets == 1
    assert bound.bound == pytest.approx(6.0, abs=1e-3)
    assert bound.bound <= 6.0 + 1e-9


@settings(max_examples=300, deadline=None)
@given(st.one_of(graphs(), coverings(must=False)), st.integers(1, 5))
def test_no_plan_costs_less_than_the_bound_whatever_is_cut(made, rounds):
    problem, order = core_of(made)
    best = least(made)
    bound = _core.CoveringBound(problem)
    before = -np.inf
    for _ in range(rounds):
        bound.run(100, 1e9)
        bound.cut()
        assert before <= bound.bound <= best + 1e-6
        before = bound.bound
    event("cut" if bound.sets else "not cut")
    if_open, if_closed = (forced[np.argsort(order)] for forced in bound.forced())
    # Some sites are as good as others at most: there is a best plan without them.
    may_open = np.isfinite(if_open)
    best_by_choice = best_of(made, may_open)
    assert best_by_choice.min() == best
    assert (if_open[may_open] <= best_by_choice[may_open, 1] + 1e-6).all()
    assert (if_closed[~made.stands()] <= best_by_choice[~made.stands(), 0] + 1e-6).all()


@settings(max_examples=100, deadline=None)
@given(graphs())
def test_without_cuts_it_is_the_linear_relaxation(made):
    problem, _ = core_of(made)
    bound = _core.CoveringBound(problem)
    bound.run(5_000, 1e9)
    assert bound.bound == pytest.approx(relaxed(made), abs=1e-3)


@pytest.mark.parametrize("seed", range(4))
def test_cuts_close_a_third_of_what_the_relaxation_leaves(seed):
    made = scattered(100, 400, (6, 6), reach=0.12, seed=seed)
    best = locate(made, seconds=60)
    assert best.stopped == "optimal"
    problem, _ = core_of(made)
    bound = _core.CoveringBound(problem)
    for _ in range(20):
        bound.run(600, best.cost)
        bound.cut()
        assert bound.bound <= best.cost + 1e-6
    linear = relaxed(made)
    assert bound.bound - linear >= (best.cost - linear) / 3


@settings(max_examples=60, deadline=None)
@given(st.one_of(graphs(), coverings()))
def test_a_large_covering_equals_enumeration(made):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(location, "_COVERING_PAIRS", -1)
        solution = locate(made, seconds=20)
    best = least(made)
    assert solution.cost == best
    if np.isfinite(best):
        assert solution.stopped == "optimal"


@pytest.mark.parametrize("seed", range(3))
def test_a_large_covering_is_proven_as_a_small_one_is(monkeypatch, seed):
    made = scattered(60, 250, (4, 3), reach=0.15, seed=seed)
    small = locate(made, seconds=60)
    monkeypatch.setattr(location, "_COVERING_PAIRS", -1)
    large = locate(made, seconds=60)
    assert small.stopped == large.stopped == "optimal"
    assert small.cost == large.cost


def test_the_bound_is_the_same_each_time():
    problem, _ = core_of(scattered(100, 400, (6, 6), reach=0.12, seed=0))
    bounds = []
    for _ in range(2):
        bound = _core.CoveringBound(problem)
        for _ in range(3):
            bound.run(300, 1e9)
            bound.cut()
        bounds.append((bound.bound, bound.sets))
    assert bounds[0] == bounds[1]


@settings(max_examples=200, deadline=None)
@given(graphs())
def test_a_tree_with_cuts_at_its_root_finds_the_best_plan(made):
    problem, order = core_of(made)
    best = least(made)
    tree = _core.CoveringTree(problem, np.zeros(len(order), dtype=np.int8))
    limit = best + 0.5
    while tree.bound < limit:
        assert tree.bound <= min(best, tree.cost) + 1e-6
        tree.grow(1, limit)
        limit = min(limit, tree.cost - 0.5)
    assert tree.cost == best
