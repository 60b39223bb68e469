"""Siting equals the enumeration of all plans on tiny problems."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from lastmile.solvers import siting
from lastmile.solvers.siting import site
from lastmile.solvers.siting_problem import CoverageRow, SitingProblem, SitingRow

EMPTY = np.empty(0, dtype=np.int32)
TOLERANCE = 1e-3


def problem(
    fixed, weight, serve, *, module=None, most=None, capacity=10, existing=None, attract=(), parcel_fen=100.0, **rules
):
    """``serve`` lists (demand, site, metres), ``attract`` (demand, site)."""
    sites = len(fixed)
    return SitingProblem(
        fixed_fen=np.array(fixed, dtype=np.int64),
        module_fen=np.array(module or [0] * sites, dtype=np.int64),
        modules_max=np.array(most or [1] * sites, dtype=np.int32),
        module_capacity=np.full(sites, capacity, dtype=np.int32),
        existing=np.array(existing or [0] * sites, dtype=np.int32),
        weight=np.array(weight, dtype=np.float64),
        serve_demand=np.array([i for i, _, _ in serve], dtype=np.int32),
        serve_site=np.array([j for _, j, _ in serve], dtype=np.int32),
        serve_metres=np.array([d for _, _, d in serve], dtype=np.float64),
        attract_demand=np.array([i for i, _ in attract], dtype=np.int32),
        attract_site=np.array([j for _, j in attract], dtype=np.int32),
        parcel_fen=parcel_fen,
        **rules,
    )


def served_fen(made, modules):
    """The most that the parcels of a plan are worth: a transport problem, from places into single compartments."""
    pairs = [
        (i, j, d)
        for i, j, d in zip(made.serve_demand, made.serve_site, made.serve_metres, strict=True)
        if modules[j] > 0
    ]
    near = {i for i, j in zip(made.attract_demand, made.attract_site, strict=True) if modules[j] > 0}
    value = made.parcel_fen * sum(made.weight[i] for i in near)
    if not pairs:
        return value
    furthest = max(made.serve_metres.max(), 1.0)
    sizes = range(made.size_capacity.shape[1])
    # From each place to each site, and there into compartments of each size that is large enough.
    ways = [
        (i, j, d, c) for i, j, d in pairs for c in (sizes if len(sizes) else [None]) if c is None or c >= made.size[i]
    ]
    if not ways:
        return value
    gain = np.array([made.parcel_fen * made.weight[i] * (1 - 0.1 * d / furthest) for i, _, d, _ in ways])
    rows, limits = [], []
    for i in range(len(made.weight)):
        rows.append([float(a == i) for a, _, _, _ in ways])
        limits.append(1.0)
    for j in range(len(modules)):
        rows.append([made.weight[a] * (b == j) for a, b, _, _ in ways])
        limits.append(float(made.module_capacity[j] * modules[j]))
        for size in sizes if sizes and np.isfinite(made.size_capacity[j, 0]) else ():
            of_size = made.size_capacity[j, size] - (made.size_capacity[j, size + 1] if size + 1 in sizes else 0)
            rows.append([made.weight[a] * (b == j and c == size) for a, b, _, c in ways])
            limits.append(float(of_size * modules[j]))
    return value - linprog(-gain, A_ub=np.array(rows), b_ub=np.array(limits), bounds=(0, 1)).fun


def shares_short(made, modules):
    """By how many shares of each rule a plan falls short."""
    opened = modules > 0
    short = {}
    for row in made.rows:
        total = float((row.per_open * opened[row.site] + row.per_module * modules[row.site]).sum())
        below = max(row.lower - total, 0) / max(abs(row.lower), 1.0) if row.lower > 0 else 0.0
        above = 0.0 if np.isinf(row.upper) else max(total - row.upper, 0) / max(abs(row.upper), 1.0)
        short[row.name] = below + above
    for cover in made.coverage:
        near = {i for i, j in zip(cover.demand, cover.site, strict=True) if opened[j]}
        total = cover.weight.sum()
        if total > 0:
            short[cover.name] = max(cover.minimum - sum(cover.weight[i] for i in near) / total, 0.0)
    return short


def room_beside(made, opened, site):
    """Most modules of a site that stands at others: an equal part of all at each that is open."""
    at = made.needs[made.needs[:, 0] == site, 1]
    return made.modules_max[site] / len(at) * np.count_nonzero(opened[at])


def best(made):
    """(fewest shares short, highest value) over all plans."""
    found = []
    ranges = [[int(e)] if e else range(int(most) + 1) for e, most in zip(made.existing, made.modules_max, strict=True)]
    for plan in product(*ranges):
        modules = np.array(plan)
        opened = modules > 0
        if any(opened[a] and opened[b] and not (made.existing[a] and made.existing[b]) for a, b in made.conflicts):
            continue
        if any(modules[a] > room_beside(made, opened, a) + 1e-9 for a in set(made.needs[:, 0].tolist())):
            continue
        new = made.existing == 0
        cost = (made.fixed_fen * opened + made.module_fen * modules)[new].sum()
        found.append((sum(shares_short(made, modules).values()), -(served_fen(made, modules) - cost)))
    short = min(s for s, _ in found)
    return short, -min(v for s, v in found if s <= short + 1e-6)


@st.composite
def problems(draw):
    sites, demands = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    whole = st.integers(0, 900)
    pairs = [(i, j) for i in range(demands) for j in range(sites)]
    serve = draw(st.lists(st.sampled_from(pairs), unique=True, max_size=8))
    made = problem(
        draw(st.lists(whole, min_size=sites, max_size=sites)),
        draw(st.lists(st.integers(0, 12), min_size=demands, max_size=demands)),
        [(i, j, draw(st.integers(0, 500))) for i, j in serve],
        module=draw(st.lists(whole, min_size=sites, max_size=sites)),
        most=draw(st.lists(st.integers(1, 3), min_size=sites, max_size=sites)),
        capacity=draw(st.integers(1, 8)),
        existing=draw(st.lists(st.sampled_from([0, 0, 1, 2]), min_size=sites, max_size=sites)),
        attract=draw(st.lists(st.sampled_from(pairs), unique=True, max_size=3)),
    )
    every = np.arange(sites, dtype=np.int32)
    ones, zeros = np.ones(sites), np.zeros(sites)
    rows = []
    if draw(st.booleans()):
        lower = draw(st.integers(0, 5))
        rows.append(SitingRow(name="count", site=every, per_open=ones, per_module=zeros, lower=lower,
                              upper=draw(st.sampled_from([float(lower), float("inf")]))))  # fmt: skip
    if draw(st.booleans()):
        new = every[made.existing == 0]
        rows.append(SitingRow(name="budget", site=new, per_open=made.fixed_fen[new].astype(float),
                              per_module=made.module_fen[new].astype(float),
                              upper=float(draw(st.integers(0, 1500)))))  # fmt: skip
    cover = ()
    if draw(st.booleans()):
        near = draw(st.lists(st.sampled_from(pairs), unique=True, max_size=6))
        cover = (
            CoverageRow(name="near", demand=np.array([i for i, _ in near], dtype=np.int32),
                        site=np.array([j for _, j in near], dtype=np.int32), weight=made.weight,
                        minimum=draw(st.sampled_from([0.3, 0.8, 1.0]))),
        )  # fmt: skip
    apart = [(a, b) for a in range(sites) for b in range(a + 1, sites)]
    conflicts = draw(st.lists(st.sampled_from(apart), unique=True, max_size=2)) if apart else []
    # Refrigerated modules open only beside others; compartments of three sizes in some of the sites.
    beside = [(a, b) for a in range(sites) for b in range(sites) if a != b and not made.existing[a]]
    needs = draw(st.lists(st.sampled_from(beside), unique=True, max_size=2)) if beside else []
    by_size = {}
    if draw(st.booleans()):
        compartments = st.lists(st.integers(0, 6), min_size=3, max_size=3)
        cumulated = [
            np.cumsum(draw(compartments)[::-1])[::-1] * draw(st.sampled_from([1.0, 0.75]))
            if draw(st.booleans())
            else np.full(3, np.inf)
            for _ in range(sites)
        ]
        by_size = {
            "size": np.array(draw(st.lists(st.integers(0, 2), min_size=demands, max_size=demands)), dtype=np.int8),
            "size_capacity": np.array(cumulated),
        }
    return replace(
        made,
        rows=tuple(rows),
        coverage=cover,
        conflicts=np.array(conflicts, dtype=np.int32).reshape(-1, 2),
        needs=np.array(needs, dtype=np.int32).reshape(-1, 2),
        **by_size,
    )


def sited(made, *, kernels, gap=0.0, seconds=10):
    """Site it at once, or by kernels that grow by one site, as a whole city is."""
    with pytest.MonkeyPatch.context() as patch:
        if kernels:
            patch.setattr(siting, "_AT_ONCE", 0)
            patch.setattr(siting, "_MORE", 1)
        return site(made, seconds=seconds, gap=gap)


@pytest.mark.parametrize("kernels", [False, True])
@settings(max_examples=60)
@given(made=problems())
def test_equals_enumeration(made, kernels):
    found = sited(made, kernels=kernels)
    short, value = best(made)
    stated = sum(shares_short(made, found.modules).values())
    assert stated == pytest.approx(short, abs=TOLERANCE)
    assert found.value_fen == pytest.approx(value, rel=1e-4, abs=0.5)
    assert found.bound_fen >= found.value_fen
    assert {shortfall.name for shortfall in found.shortfalls} == {
        name for name, share in shares_short(made, found.modules).items() if share > TOLERANCE
    }
    assert (found.modules >= made.existing).all()


@pytest.mark.parametrize("seed", range(3))
def test_kernels_come_as_near_to_the_bound_as_is_asked_for(seed):
    random = np.random.default_rng(seed)
    demands, sites = 150, 80
    away = np.hypot(*(random.random((2, demands, 1)) - random.random((2, 1, sites))))
    near = np.argwhere(away < 0.2)
    every = np.arange(sites, dtype=np.int32)
    count = SitingRow(name="count", site=every, per_open=np.ones(sites), per_module=np.zeros(sites), lower=12, upper=12)
    made = problem(
        random.integers(100, 400, sites).tolist(),
        random.integers(1, 9, demands).tolist(),
        [(i, j, 1000 * away[i, j]) for i, j in near.tolist()],
        capacity=80,
        rows=(count,),
    )
    whole = sited(made, kernels=False, gap=1e-6, seconds=60)
    found = sited(made, kernels=True, gap=0.02, seconds=60)
    assert found.stopped in {"gap", "optimal"}
    assert found.gap <= 0.02
    assert found.value_fen <= whole.value_fen * (1 + 1e-6) <= found.bound_fen * (1 + 2e-6)
    assert np.count_nonzero(found.modules) == 12


def test_known_optimum():
    # Site 0 (50 fen) takes both demands of 3 and 4 parcels, at 0 and 100 m; site 1 (10 fen) only the second at 0 m.
    # A parcel is worth 100 fen, 10 less at the edge of reach.
    # Site 0 alone: 300 + 400 * 0.9 - 50 = 610. Site 1 alone: 400 - 10 = 390. Both: 300 + 400 - 60 = 640, the best.
    made = problem([50, 10], [3, 4], [(0, 0, 0), (1, 0, 100), (1, 1, 0)])
    found = site(made, seconds=10, gap=0.0)
    assert found.modules.tolist() == [1, 1]
    assert found.value_fen == pytest.approx(640)
    assert found.bound_fen == pytest.approx(640)
    assert found.stopped == "optimal"


def test_modules_are_bought_as_long_as_they_pay():
    # 25 parcels, 10 a module at 300 fen each: the first two bring 1,000 each, the third 500.
    made = problem([0], [25], [(0, 0, 0)], module=[300], most=[5])
    assert site(made, seconds=10, gap=0.0).modules.tolist() == [3]


def by_size(demand, *compartments):
    """Sizes of demand rows, and for each site its module's compartments from the smallest size on."""
    return {
        "size": np.array(demand, dtype=np.int8),
        "size_capacity": np.cumsum(np.array(compartments, dtype=float)[:, ::-1], axis=1)[:, ::-1],
    }


def test_large_parcels_find_only_large_compartments():
    # Two small compartments and two large ones a module: of three large parcels two find room in one module, and no
    # small one after them in a large compartment; a second module for 130 fen takes the third for 100 and no more.
    made = problem([0], [3, 2], [(0, 0, 0), (1, 0, 0)], module=[130], most=[2], **by_size([1, 0], [2, 2]))
    found = site(made, seconds=10, gap=0.0)
    assert found.modules.tolist() == [1]
    assert found.value_fen == pytest.approx(2 * 100 + 2 * 100 - 130)
    # For 90 fen it pays.
    found = site(replace(made, module_fen=np.array([90])), seconds=10, gap=0.0)
    assert found.modules.tolist() == [2]
    assert found.value_fen == pytest.approx(5 * 100 - 2 * 90)


def test_small_parcels_may_lie_in_large_compartments():
    # Three small parcels, one small compartment and one large: two are served.
    made = problem([0], [3], [(0, 0, 0)], **by_size([0], [1, 1]))
    assert site(made, seconds=10, gap=0.0).value_fen == pytest.approx(200)
    # One of middle size may take the large one or the only one of its own, no small one.
    made = problem([0], [3], [(0, 0, 0)], **by_size([1], [5, 1, 1]))
    assert site(made, seconds=10, gap=0.0).value_fen == pytest.approx(200)


def test_refrigerated_modules_stand_beside_others():
    # Site 1 is the refrigerated modules of site 0: its 4 parcels are worth 400 less 150; alone they do not pay for the
    # 300 of the site that they stand at, with 2 ordinary parcels there they do.
    needs = np.array([[1, 0]], dtype=np.int32)
    made = problem([300, 0], [4, 2], [(0, 1, 0), (1, 0, 0)], module=[0, 150], needs=needs)
    assert site(made, seconds=10, gap=0.0).modules.tolist() == [1, 1]
    assert site(made, seconds=10, gap=0.0).value_fen == pytest.approx(400 - 150 + 200 - 300)
    made = replace(made, weight=np.array([4.0, 0.0]))
    assert site(made, seconds=10, gap=0.0).modules.tolist() == [0, 0]


def test_modules_that_may_stand_at_several_sites_stand_at_those_that_open():
    # Site 3 is up to six refrigerated modules, two at each of the others; five are wanted, so all three open.
    needs = np.array([[3, 0], [3, 1], [3, 2]], dtype=np.int32)
    five = SitingRow(
        name="five", site=np.array([3], dtype=np.int32), per_open=np.zeros(1), per_module=np.ones(1), lower=5
    )
    made = problem([10, 10, 10, 0], [0], [], module=[0, 0, 0, 1], most=[1, 1, 1, 6], needs=needs, rows=(five,))
    found = site(made, seconds=10, gap=0.0)
    assert found.modules.tolist() == [1, 1, 1, 5]
    four = site(replace(made, rows=(replace(five, lower=4),)), seconds=10, gap=0.0)
    assert sorted(four.modules.tolist()[:3]) == [0, 1, 1]


def test_conflicting_sites_do_not_open_together():
    made = problem([0, 0], [5, 6], [(0, 0, 0), (1, 1, 0)], conflicts=np.array([[0, 1]], dtype=np.int32))
    assert site(made, seconds=10, gap=0.0).modules.tolist() == [0, 1]


def test_shortfall_is_the_least_possible_and_named():
    # Four sites are wanted, there are two; the budget of 100 pays for one.
    every = np.arange(2, dtype=np.int32)
    rows = (
        SitingRow(name="four sites", site=every, per_open=np.ones(2), per_module=np.zeros(2), lower=4),
        SitingRow(name="money", site=every, per_open=np.array([60.0, 70.0]), per_module=np.zeros(2), upper=1000),
    )
    found = site(problem([60, 70], [1], [], rows=rows), seconds=10, gap=0.0)
    assert found.modules.tolist() == [1, 1]
    (short,) = found.shortfalls
    assert (short.name, short.amount) == ("four sites", pytest.approx(2.0, abs=1e-3))
    assert short.alone == pytest.approx(2.0, abs=1e-3)
    assert found.relaxations == (("four sites", pytest.approx(2.0, abs=1e-3)),)


@pytest.mark.parametrize("kernels", [False, True])
def test_which_rule_would_have_to_give_way_is_told(kernels):
    # Three sites of 60, 70 and 80 yuan: three are wanted, and there are 150 yuan.
    every = np.arange(3, dtype=np.int32)
    yuan = np.array([60.0, 70.0, 80.0])
    rows = (
        SitingRow(name="three", site=every, per_open=np.ones(3), per_module=np.zeros(3), lower=3),
        SitingRow(name="money", site=every, per_open=yuan, per_module=np.zeros(3), upper=150),
    )
    found = sited(problem([60, 70, 80], [1], [], rows=rows), kernels=kernels)
    # The money pays for two.
    assert [(short.name, short.alone) for short in found.shortfalls] == [("three", pytest.approx(0.0, abs=1e-6))]
    assert found.shortfalls[0].amount == pytest.approx(1.0, abs=1e-3)
    assert dict(found.relaxations) == {
        "three": pytest.approx(1.0, abs=1e-3),
        "money": pytest.approx(210 - 150, abs=0.2),
    }


def test_rules_without_any_site_are_reported():
    rows = (SitingRow(name="two", site=EMPTY, per_open=np.empty(0), per_module=np.empty(0), lower=2),)
    found = site(problem([], [1], [], rows=rows), seconds=1, gap=0.0)
    assert [(short.name, short.amount, short.alone) for short in found.shortfalls] == [("two", 2, 2)]
    assert len(found.modules) == 0
