"""One region at a time: no other choice of its sites is better, and what is told is what the plan costs less."""

from itertools import product

import numpy as np
import pytest
from examples import examples
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from test_location_covering import cost_of, coverings

from benchmarks.siting.city import Kind, covered, covering
from lastmile.solvers import location, location_regions
from lastmile.solvers.location import locate
from lastmile.solvers.location_order import Order
from lastmile.solvers.location_regions import Regions


def solve(part, seconds, start, order):
    return locate(part, seconds=seconds, start=start, order=order)


def allowed(problem, sites):
    count = np.bincount(problem.kinds()[list(sites)], minlength=len(problem.limits()))
    return (count <= problem.limits()).all() and set(np.flatnonzero(problem.stands())) <= set(sites)


@settings(max_examples=examples(200, 1000), deadline=None)
@given(made=coverings(), data=st.data())
def test_no_other_choice_of_the_region_is_better(made, data):
    problem = Order.of(made).renumber(made)
    count = len(problem.opening)
    begin = data.draw(st.sets(st.integers(0, count - 1))) | set(np.flatnonzero(problem.stands()).tolist())
    assume(allowed(problem, begin))
    regions = Regions(problem, seed=0, solve=solve)
    regions.begin(np.array(sorted(begin), dtype=np.int32))
    region = sorted(data.draw(st.sets(st.integers(0, count - 1), min_size=1)))
    before = cost_of(problem, begin)
    gained = regions.renew(np.array(region), 20.0)
    after = cost_of(problem, regions.sites.tolist())
    assert allowed(problem, regions.sites.tolist())
    assert set(regions.sites.tolist()) - set(region) == begin - set(region)
    assert after <= before
    if np.isfinite(before):
        assert gained == pytest.approx(before - after)
    for choice in product((False, True), repeat=len(region)):
        other = (begin - set(region)) | {site for site, opens in zip(region, choice, strict=True) if opens}
        if allowed(problem, other):
            assert cost_of(problem, other) >= after


def test_every_site_comes_into_a_region_and_regions_grow_where_they_gain_little(monkeypatch):
    monkeypatch.setattr(location_regions, "_SITES", 30)
    made = covering(400, 160, [Kind(reach_m=500, most=12)])
    problem = Order.of(made).renumber(made)
    regions = Regions(problem, seed=1, solve=solve)
    regions.begin(np.arange(12, dtype=np.int32))
    first = cost_of(problem, regions.sites.tolist())
    for _ in range(200):
        regions.improve(gap=1.0, seconds=5.0)
    assert (regions.visited > 0).all()
    assert 30 < regions.size <= location_regions.MOST_SITES
    assert len(regions.sites) <= 12
    assert cost_of(problem, regions.sites.tolist()) < 0.8 * first
    assert cost_of(problem, regions.sites.tolist()) == pytest.approx(locate(problem, seconds=60).cost, rel=0.02)


def test_a_large_covering_is_improved_by_regions(monkeypatch):
    # As if it were large: neither the tree nor the search over the whole may end it.
    monkeypatch.setattr(location, "_COVERING_PAIRS", 10_000)
    monkeypatch.setattr(location_regions, "_SITES", 60)
    monkeypatch.setattr(location, "_COVERING_TREE_SITES", -1)
    monkeypatch.setattr(location, "_COOLED", (0.1, 0.3))
    monkeypatch.setattr(location, "_BEFORE_REGIONS", 1)
    monkeypatch.setattr(location, "MOST_SITES", 200)
    problem = covering(1_000, 400, [Kind(reach_m=500, most=20)], seed=1)  # one that cuts do not prove
    used = []
    renew = Regions.renew
    monkeypatch.setattr(
        Regions, "renew", lambda self, region, seconds: used.append(len(region)) or renew(self, region, seconds)
    )
    greedy = locate(problem, seconds=0.0)
    solution = locate(problem, seconds=2.0)
    assert used
    assert solution.bound <= solution.cost < greedy.cost
    assert solution.cost == problem.unserved.sum() - covered(problem, solution)
