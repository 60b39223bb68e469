"""What facility location is made of at scale: near numbers, the linear relaxation, branch and bound."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array, hstack, identity

from benchmarks.siting.city import Kind, covered, covering
from lastmile.solvers import location
from lastmile.solvers.location import locate
from lastmile.solvers.location_order import Order
from lastmile.solvers.location_problem import LocationProblem
from lastmile.solvers.location_relaxation import prices

PATIENCE_S = 60.0


def optimum(problem, *, integral):
    """Least cost of a maximal covering, by HiGHS; of its linear relaxation where ``integral`` is False."""
    customers, sites = len(problem.unserved), len(problem.opening)
    reach = coo_array(
        (np.ones(len(problem.pair_site)), (problem.pair_customer, problem.pair_site)), shape=(customers, sites)
    )
    answer = milp(
        np.concatenate((np.zeros(sites), problem.unserved)),
        constraints=[
            LinearConstraint(hstack((reach, identity(customers))), 1.0, np.inf),
            LinearConstraint(np.concatenate((np.ones(sites), np.zeros(customers)))[None, :], 0.0, problem.limits()[0]),
        ],
        bounds=Bounds(0, 1),
        integrality=np.concatenate((np.full(sites, integral), np.zeros(customers))),
    )
    assert answer.status == 0
    return answer.fun


def lagrangian(problem, price):
    """The bound that these prices prove, from the pairs alone."""
    worth = np.bincount(
        problem.pair_site, np.maximum(price[problem.pair_customer] - problem.pair_cost, 0), len(problem.opening)
    )
    best = np.sort(worth - problem.opening)[::-1]
    return price.sum() - best[best > 0][: problem.limits()[0]].sum()


def scattered(customers, sites, most, seed):
    """Customers and sites on a square, at costs of their distance; nobody is served beyond half of its side."""
    random = np.random.default_rng(seed)
    live, stand = random.uniform(0, 100, (customers, 2)), random.uniform(0, 100, (sites, 2))
    metres = np.rint(np.hypot(*(live[None] - stand[:, None]).transpose(2, 0, 1)))
    site, customer = np.nonzero(metres < 50)
    return LocationProblem(
        opening=np.rint(random.uniform(0, 30, sites)),
        unserved=np.full(customers, 60.0),
        pair_site=site.astype(np.int32),
        pair_customer=customer.astype(np.int32),
        pair_cost=metres[site, customer],
        most=most,
    )


@pytest.mark.parametrize("seed", range(3))
def test_prices_of_the_relaxation_of_covering_prove_its_optimum(seed):
    problem = covering(120, 50, [Kind(reach_m=900, most=4)], seed)
    price = prices(problem, accuracy=1e-7, seconds=PATIENCE_S)
    assert ((price >= 0) & (price <= problem.unserved)).all()
    assert lagrangian(problem, price) == pytest.approx(optimum(problem, integral=False), rel=1e-4)


def test_prices_of_the_relaxation_of_a_median_prove_more_than_steps_do():
    problem = scattered(80, 40, 6, seed=1)
    proven = lagrangian(problem, prices(problem, accuracy=1e-7, seconds=PATIENCE_S))
    solution = locate(problem, seconds=PATIENCE_S)
    assert solution.stopped == "optimal"
    assert 0.95 * solution.cost <= proven <= solution.cost * (1 + 1e-9)


def test_prices_of_no_pairs_are_those_of_no_service():
    problem = LocationProblem(
        opening=np.ones(2),
        unserved=np.array([3.0, np.inf]),
        pair_site=np.empty(0, dtype=np.int32),
        pair_customer=np.empty(0, dtype=np.int32),
        pair_cost=np.empty(0),
    )
    assert prices(problem, accuracy=1e-6, seconds=1).tolist() == [3.0, 0.0]


@pytest.mark.parametrize("seed", range(4))
def test_branch_and_bound_proves_the_optimum_of_covering(seed):
    problem = covering(200, 80, [Kind(reach_m=700, most=6)], seed)
    solution = locate(problem, seconds=PATIENCE_S)
    assert solution.stopped == "optimal"
    assert solution.cost == solution.bound == pytest.approx(optimum(problem, integral=True))


def test_where_too_much_is_undecided_for_branches_the_relaxation_bounds(monkeypatch):
    problem = covering(1_000, 400, [Kind(reach_m=500, most=20)], seed=1)  # one that cuts do not prove
    best = locate(problem, seconds=PATIENCE_S)
    assert best.stopped == "optimal"
    monkeypatch.setattr(location, "_COVERING_TREE_SITES", -1)
    monkeypatch.setattr(location, "_COVERING_PAIRS", -1)
    told = []
    solution = locate(problem, seconds=2.0, on_progress=told.append)
    assert solution.stopped == "limit"
    assert solution.cost == problem.unserved.sum() - covered(problem, solution)
    assert np.floor(optimum(problem, integral=False)) <= solution.bound < best.cost <= solution.cost
    assert len(told) > 3


def with_room(seed):
    """Lockers with little reach and room, stations with more of both."""
    return covering(
        150, 40, [Kind(reach_m=500, most=6, capacity=60), Kind(reach_m=900, most=2, capacity=200)], seed
    )  # fmt: skip


def optimum_with_room(problem):
    """Least cost of a covering with capacities, by HiGHS."""
    sites, pairs, customers = len(problem.opening), len(problem.pair_site), len(problem.unserved)
    width = sites + pairs
    column = sites + np.arange(pairs)
    once = coo_array((np.ones(pairs), (problem.pair_customer, column)), shape=(customers, width))
    loads = coo_array((problem.amount[problem.pair_customer], (problem.pair_site, column)), shape=(sites, width))
    rooms = coo_array((problem.capacity, (np.arange(sites), np.arange(sites))), shape=(sites, width))
    kinds = coo_array((np.ones(sites), (problem.kinds(), np.arange(sites))), shape=(len(problem.limits()), width))
    answer = milp(
        np.concatenate((np.zeros(sites), -problem.unserved[problem.pair_customer])),
        constraints=[
            LinearConstraint(once, -np.inf, 1.0),
            LinearConstraint(loads - rooms, -np.inf, 0.0),
            LinearConstraint(kinds, -np.inf, np.array(problem.limits(), dtype=float)),
        ],
        bounds=Bounds(0, 1),
        integrality=(np.arange(width) < sites).astype(int),
        options={"mip_rel_gap": 0.0},
    )
    assert answer.status == 0
    return problem.unserved.sum() + answer.fun


@pytest.mark.parametrize("seed", range(3))
def test_several_kinds_with_room_are_proven(seed):
    problem = with_room(seed)
    best = optimum_with_room(problem)
    solution = locate(problem, seconds=PATIENCE_S)
    assert solution.stopped == "optimal"
    assert solution.cost == pytest.approx(best, rel=1e-6)
    assert covered(problem, solution) == pytest.approx(problem.unserved.sum() - best, rel=1e-6)


def test_with_room_the_search_alone_is_near_and_goes_on_from_what_it_is_given(monkeypatch):
    monkeypatch.setattr(location, "_TREE_SITES", -1)
    monkeypatch.setattr(location, "_PART_PAIRS", 0)
    problem = with_room(0)
    best = optimum_with_room(problem)
    solution = locate(problem, seconds=1.0)
    assert solution.bound <= best <= solution.cost <= best * 1.02
    assert covered(problem, solution) == pytest.approx(problem.unserved.sum() - solution.cost)
    again = locate(problem, seconds=0.0, start=solution.sites.tolist())
    assert again.cost <= solution.cost * (1 + 1e-9)


def test_with_room_a_plan_cannot_begin_where_all_must_be_served():
    problem = replace(with_room(0), unserved=np.full(150, np.inf))
    with pytest.raises(ValueError, match="where sites have capacities and all must be served, nothing begins"):
        locate(problem, seconds=1, start=[0])


@pytest.mark.parametrize("seed", range(3))
def test_numbers_do_not_matter(seed):
    random = np.random.default_rng(seed)
    problem = scattered(30, 15, 4, seed)
    order = Order(random.permutation(15).astype(np.int32), random.permutation(30).astype(np.int32))
    solution = locate(order.renumber(problem), seconds=PATIENCE_S)
    restored = order.restore(solution)
    cost_of = dict(zip(zip(problem.pair_site, problem.pair_customer, strict=True), problem.pair_cost, strict=True))
    served = [cost_of[pair] for pair in zip(restored.served_by, restored.served_customer, strict=True)]
    unserved = len(problem.unserved) - len(served)
    assert problem.opening[restored.sites].sum() + sum(served) + 60 * unserved == restored.cost
    assert restored.cost == locate(problem, seconds=PATIENCE_S).cost
    assert order.new(order.site).tolist() == list(range(15))


def test_near_numbers_are_a_permutation_that_brings_pairs_together():
    problem = covering(500, 200, [Kind(reach_m=500, most=10)])
    order = Order.of(problem)
    assert sorted(order.site) == list(range(200))
    assert sorted(order.customer) == list(range(500))
    before = np.abs(problem.pair_site / 200 - problem.pair_customer / 500).mean()
    near = order.renumber(problem)
    assert np.abs(near.pair_site / 200 - near.pair_customer / 500).mean() < before / 2
