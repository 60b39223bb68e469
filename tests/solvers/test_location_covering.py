"""Branch and bound of maximal covering: equal to enumeration, and to HiGHS where there is too much to enumerate."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lastmile import _core
from lastmile.solvers.location import locate
from lastmile.solvers.location_covering import is_covering
from lastmile.solvers.location_part import Part
from lastmile.solvers.location_part import solve as solve_part
from lastmile.solvers.location_problem import LocationProblem


def cost_of(made, sites):
    """What a plan costs, from the sites alone."""
    cost = made.unserved.copy()
    for j, i, c in zip(made.pair_site, made.pair_customer, made.pair_cost, strict=True):
        if j in sites:
            cost[i] = min(cost[i], c)
    return made.opening[list(sites)].sum() + cost.sum()


def least(made):
    """Of all sets of sites that the rules allow."""
    sites = len(made.opening)
    best = np.inf
    for bits in range(2**sites):
        chosen = [j for j in range(sites) if bits >> j & 1]
        count = np.bincount(made.kinds()[chosen], minlength=len(made.limits()))
        if (count <= made.limits()).all() and set(np.flatnonzero(made.stands())) <= set(chosen):
            best = min(best, cost_of(made, chosen))
    return best


@st.composite
def coverings(draw, *, must=True):
    """Few sites and many customers, so that sets of sites overlap; whole numbers."""
    sites, customers = draw(st.integers(1, 7)), draw(st.integers(1, 12))
    covers = draw(
        st.lists(st.lists(st.booleans(), min_size=customers, max_size=customers), min_size=sites, max_size=sites)
    )
    site, customer = np.nonzero(np.array(covers))
    ints = lambda count, high: np.array(  # noqa: E731
        draw(st.lists(st.integers(0, high), min_size=count, max_size=count)), dtype=float
    )
    covered = ints(customers, 3) if draw(st.booleans()) else np.zeros(customers)
    unserved = ints(customers, 9)
    if must and draw(st.booleans()):
        unserved[draw(st.integers(0, customers - 1))] = np.inf
    standing = np.array(draw(st.lists(st.integers(0, 4), min_size=sites, max_size=sites))) == 0
    kind = np.array(draw(st.lists(st.integers(0, 1), min_size=sites, max_size=sites)), dtype=np.int32)
    most = tuple(draw(st.integers(int(standing[kind == k].sum()), sites)) for k in range(2))
    return LocationProblem(
        opening=ints(sites, 6) if draw(st.booleans()) else np.zeros(sites),
        unserved=unserved,
        pair_site=site.astype(np.int32),
        pair_customer=customer.astype(np.int32),
        pair_cost=covered[customer],
        kind=kind,
        most=most,
        standing=standing,
    )


def core_of(made):
    """The problem as the compiled tree gets it, where kinds lie together and numbers are whole."""
    order = np.argsort(made.kinds(), kind="stable")
    new = np.argsort(order)
    empty = np.empty(0)
    location = _core.Location(
        site=new[made.pair_site].astype(np.int32),
        customer=made.pair_customer,
        cost=made.pair_cost.astype(np.int64),
        opening=made.opening[order].astype(np.int64),
        unserved=made.unserved.astype(np.int64),
        standing=made.stands()[order].astype(np.uint8),
        capacity=empty,
        amount=empty,
        everyone=False,
        kind=made.kinds()[order],
        most=np.array(made.limits(), dtype=np.int32),
    )
    return location, order


@settings(max_examples=300, deadline=None)
@given(coverings())
def test_equals_enumeration(made):
    assert is_covering(made, made.dearest())
    best = least(made)
    solution = locate(made, seconds=20)
    assert solution.cost == best
    if np.isfinite(best):
        assert solution.stopped == "optimal"
        assert cost_of(made, solution.sites.tolist()) == best


@settings(max_examples=300, deadline=None)
@given(coverings(must=False), st.integers(0, 3))
def test_the_tree_never_bounds_above_the_best_plan_and_finds_it(made, above):
    location, order = core_of(made)
    tree = _core.CoveringTree(location, np.zeros(len(order), dtype=np.int8))
    best = least(made)
    limit = best + above + 0.5
    while tree.bound < limit:
        assert tree.bound <= min(best, tree.cost) + 1e-6
        tree.grow(1, limit)
        limit = min(limit, tree.cost - 0.5)
    assert tree.cost == best
    assert cost_of(made, order[tree.sites].tolist()) == best


@settings(max_examples=100, deadline=None)
@given(coverings(must=False), st.data())
def test_a_tree_of_what_is_left_undecided_keeps_to_what_is_decided(made, data):
    decided = np.array(data.draw(st.lists(st.integers(-1, 0), min_size=len(made.opening), max_size=len(made.opening))))
    decided[made.stands()] = 1
    location, order = core_of(made)
    tree = _core.CoveringTree(location, decided[order].astype(np.int8))
    kept = np.flatnonzero(decided >= 0)
    number = np.cumsum(decided >= 0) - 1
    pairs = np.flatnonzero(decided[made.pair_site] >= 0)
    part = LocationProblem(
        opening=made.opening[kept],
        unserved=made.unserved,
        pair_site=number[made.pair_site[pairs]].astype(np.int32),
        pair_customer=made.pair_customer[pairs],
        pair_cost=made.pair_cost[pairs],
        kind=made.kinds()[kept],
        most=made.limits(),
        standing=made.stands()[kept],
    )
    best = least(part)
    assert tree.bound <= best
    tree.grow(10**9, best + 0.5)
    # A swap may have led to a plan outside, which is better still.
    assert tree.cost <= best


def scattered(sites, customers, most, *, reach, seed):
    """Sites of two kinds in a square, two that stand, some that cost something to open."""
    random = np.random.default_rng(seed)
    places, at = random.random((sites, 2)), random.random((customers, 2))
    far = np.hypot(*(places[:, None] - at[None]).transpose(2, 0, 1))
    kind = np.arange(sites, dtype=np.int32) % 2
    site, customer = np.nonzero(far <= np.where(kind == 0, reach, 1.3 * reach)[:, None])
    return LocationProblem(
        opening=np.where(random.random(sites) < 0.3, random.integers(0, 30, sites), 0).astype(float),
        unserved=random.integers(0, 40, customers).astype(float),
        pair_site=site.astype(np.int32),
        pair_customer=customer.astype(np.int32),
        pair_cost=np.zeros(len(site)),
        kind=kind,
        most=most,
        standing=np.arange(sites) < 2,
    )


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("most", "reach"), [((4, 3), 0.15), ((8, 2), 0.1)])
def test_equals_highs_on_what_cannot_be_enumerated(most, reach, seed):
    made = scattered(60, 250, most, reach=reach, seed=seed)
    whole = Part(
        site=np.arange(60, dtype=np.int32), fixed=made.stands(), pair=np.arange(len(made.pair_site), dtype=np.int64)
    )
    answer = solve_part(made, whole, 60.0)
    solution = locate(made, seconds=60)
    assert solution.stopped == "optimal"
    assert solution.cost == pytest.approx(answer.bound)
    assert cost_of(made, set(solution.sites.tolist())) == solution.cost


def test_the_same_seed_gives_the_same_plan_and_another_one_the_same_cost():
    made = scattered(100, 400, (6, 6), reach=0.12, seed=7)
    first, again, other = (locate(made, seconds=60, seed=seed) for seed in (0, 0, 1))
    assert first.sites.tolist() == again.sites.tolist()
    assert first.iterations == again.iterations
    assert other.cost == first.cost


def test_where_time_is_up_the_bound_stays_below_and_progress_was_told():
    made = scattered(150, 600, (12, 12), reach=0.1, seed=1)
    best = locate(made, seconds=60)
    assert best.stopped == "optimal"
    told = []
    short = locate(made, seconds=0.0, on_progress=told.append)
    assert short.stopped == "limit"
    assert short.bound <= best.cost <= short.cost
    locate(made, seconds=60, on_progress=told.append)
    assert told[-1].cost == told[-1].bound == best.cost


def test_what_is_no_covering_is_refused():
    made = scattered(10, 20, (2, 2), reach=0.4, seed=0)
    location, order = core_of(made)
    with pytest.raises(ValueError, match="a decision for each site"):
        _core.CoveringTree(location, np.zeros(len(order) - 1, dtype=np.int8))
    dearer = made.pair_cost.copy()
    dearer[np.flatnonzero(made.pair_customer == made.pair_customer[0])[0]] = 1
    uneven = LocationProblem(
        opening=made.opening, unserved=made.unserved, pair_site=made.pair_site, pair_customer=made.pair_customer,
        pair_cost=dearer, kind=made.kind, most=made.most, standing=made.standing,
    )  # fmt: skip
    assert is_covering(made, made.dearest())
    assert not is_covering(uneven, uneven.dearest())
    location, order = core_of(uneven)
    with pytest.raises(ValueError, match="costs more at one site than at another"):
        _core.CoveringTree(location, np.zeros(len(order), dtype=np.int8))
