"""Swaps of maximal covering: what they claim is what their sites cost, and they find what enumeration finds."""

import numpy as np
import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from test_location_covering import core_of, cost_of, coverings, least, scattered

from benchmarks.siting.city import Kind, covered, covering
from lastmile import _core
from lastmile.solvers import location
from lastmile.solvers.location import locate
from lastmile.solvers.location_problem import LocationProblem

NONE = np.empty(0, dtype=np.int32)


def cool(search, iterations):
    search.run(iterations, hot=0.3, cold=0.01, begin=0.0, end=1.0)


def found(search, made, order):
    """What the search's sites cost, counted anew; they keep to the rules."""
    sites = order[search.sites]
    assert search.sites.tolist() == sorted(set(search.sites.tolist()))
    assert (np.bincount(made.kinds()[sites], minlength=len(made.limits())) <= made.limits()).all()
    assert set(np.flatnonzero(made.stands())) <= set(sites.tolist())
    return cost_of(made, sites.tolist())


@settings(max_examples=examples(200, 2000), deadline=None)
@given(coverings(must=False), st.integers(0, 2**32))
def test_costs_what_its_sites_cost_and_finds_what_enumeration_finds(made, seed):
    location, order = core_of(made)
    search = _core.CoveringSearch(location, seed)
    search.start(NONE)
    before = search.cost
    assert found(search, made, order) == before
    for _ in range(20):
        cool(search, 500)
        assert found(search, made, order) == search.cost <= before
        before = search.cost
    assert search.cost == least(made)


@settings(max_examples=examples(200, 2000), deadline=None)
@given(coverings(must=False), st.data())
def test_never_gets_worse_than_its_start(made, data):
    location, order = core_of(made)
    wanted = data.draw(st.lists(st.integers(0, len(order) - 1), unique=True))
    left = np.array(made.limits()) - np.bincount(made.kinds()[made.stands()], minlength=len(made.limits()))
    begin = []
    for site in wanted:
        kind = made.kinds()[order[site]]
        if not made.stands()[order[site]] and left[kind] > 0:
            left[kind] -= 1
            begin.append(site)
    search = _core.CoveringSearch(location, 0)
    search.start(np.array(begin, dtype=np.int32))
    if begin:
        assert search.cost <= cost_of(made, {*order[begin].tolist(), *np.flatnonzero(made.stands()).tolist()})
    cool(search, 10)
    assert found(search, made, order) == search.cost
    before = search.cost
    search.start(NONE)
    cool(search, 10)
    assert found(search, made, order) == search.cost <= before


def test_sites_go_from_one_end_of_a_city_to_the_other():
    # Ten sites a side, each with a customer of its own; those on the right are worth more.
    sites = 20
    right = np.arange(sites) >= sites // 2
    made = LocationProblem(
        opening=np.zeros(sites),
        unserved=np.where(right, 3.0, 2.0),
        pair_site=np.arange(sites, dtype=np.int32),
        pair_customer=np.arange(sites, dtype=np.int32),
        pair_cost=np.zeros(sites),
        kind=np.zeros(sites, dtype=np.int32),
        most=(5,),
    )
    location, order = core_of(made)
    search = _core.CoveringSearch(location, 0)
    search.start(np.arange(5, dtype=np.int32))
    assert found(search, made, order) == 3 * 10 + 2 * 5
    cool(search, 2_000)
    assert right[search.sites].all()


@pytest.mark.parametrize("seed", range(4))
def test_finds_what_branch_and_bound_proves_best(seed):
    made = scattered(150, 600, (8, 6), reach=0.1, seed=seed)
    best = locate(made, seconds=60)
    assert best.stopped == "optimal"
    location, order = core_of(made)
    search = _core.CoveringSearch(location, seed)
    search.start(NONE)
    for _ in range(5):
        search.run(200_000, hot=0.1, cold=0.005, begin=0.0, end=1.0)
    assert found(search, made, order) == best.cost


def test_the_same_seed_gives_the_same_plan():
    made = scattered(100, 400, (6, 6), reach=0.12, seed=7)
    location, _ = core_of(made)
    plans = []
    for _ in range(2):
        search = _core.CoveringSearch(location, 5)
        search.start(NONE)
        cool(search, 3_000)
        plans.append(search.sites.tolist())
    assert plans[0] == plans[1]


def test_a_start_that_cannot_be_is_refused():
    made = scattered(20, 50, (2, 2), reach=0.3, seed=0)
    location, _ = core_of(made)
    search = _core.CoveringSearch(location, 0)
    with pytest.raises(ValueError, match="site 20, there are 20"):
        search.start(np.array([20], dtype=np.int32))
    with pytest.raises(ValueError, match="more sites than may be open"):
        search.start(np.array([2, 4, 6], dtype=np.int32))


@pytest.fixture
def large(monkeypatch):
    """A covering that cuts alone do not prove, treated as if it were a large one."""
    monkeypatch.setattr(location, "_COVERING_PAIRS", 10_000)
    return covering(750, 300, [Kind(reach_m=500, most=15)], seed=3)


def test_a_large_covering_is_searched_by_swaps_to_the_end(large, monkeypatch):
    monkeypatch.setattr(location, "_COVERING_TREE_SITES", -1)  # branches would prove it before
    greedy = locate(large, seconds=0.0)
    solution = locate(large, seconds=2.0)
    assert solution.stopped == "limit"
    assert solution.bound <= solution.cost < greedy.cost
    assert solution.cost == large.unserved.sum() - covered(large, solution)


def test_what_cuts_leave_undecided_of_a_large_covering_is_branched_on(large, monkeypatch):
    monkeypatch.setattr(location, "_TREE_SITES", -1)  # more than other problems would be branched with
    solution = locate(large, seconds=60.0)
    assert solution.stopped == "optimal"
    monkeypatch.undo()
    assert locate(large, seconds=60.0).cost == solution.cost
