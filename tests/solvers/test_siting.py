"""Siting equals the enumeration of all plans on tiny problems."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_siting import problem, shares_short, value_fen

from lastmile.solvers import siting, siting_search
from lastmile.solvers.siting import site
from lastmile.solvers.siting_clash import RulesAlone
from lastmile.solvers.siting_problem import CoverageRow, SitingRow

EMPTY = np.empty(0, dtype=np.int32)
TOLERANCE = 1e-3


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
        found.append((sum(shares_short(made, modules).values()), -value_fen(made, modules)))
    short = min(s for s, _ in found)
    return short, -min(v for s, v in found if s <= short + 1e-6)


def shares(pairs):
    """Of the receivers, those who would come: by pair, or all."""
    return st.none() | st.lists(
        st.sampled_from([0.0, 0.2, 0.35, 0.7, 1.0]), min_size=pairs, max_size=pairs
    ).map(lambda found: np.array(found, dtype=np.float64))  # fmt: skip


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
        attract=draw(st.lists(st.sampled_from(pairs), unique=True, max_size=5)),
    )
    minded = st.lists(st.sampled_from([0.0, 30.0, 99.5, 150.0]), min_size=sites, max_size=sites)
    made = replace(
        made, serve_share=draw(shares(len(made.serve_site))), attract_share=draw(shares(len(made.attract_site))),
        walk_discount=draw(st.sampled_from([0.1, 0.0, 0.6, 1.0])),
        minded_fen=draw(st.none() | minded.map(lambda fen: np.array(fen, dtype=np.float64))),
    )  # fmt: skip
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
                        share=draw(shares(len(near))),
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
            patch.setattr(siting_search, "AT_ONCE", 0)
            patch.setattr(siting_search, "_MORE", 1)
        return site(made, seconds=seconds, gap=gap)


@pytest.mark.parametrize("kernels", [False, True])
@settings(max_examples=examples(30, 300))
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


@pytest.mark.parametrize("kernels", [False, True])
@settings(max_examples=examples(30, 300))
@given(made=problems())
def test_the_rules_alone_fall_short_by_no_less_than_the_best_plan(made, kernels):
    with pytest.MonkeyPatch.context() as patch:
        if kernels:
            patch.setattr(siting_search, "AT_ONCE", 0)
            patch.setattr(siting_search, "_MORE", 1)
        alone = RulesAlone.of(made)
        certain = alone.must_fall_short(10)
        found, _ = alone.least_shortage(10)
    short, _ = best(made)
    assert found.objective == pytest.approx(short, abs=TOLERANCE)
    assert sum(shares_short(made, found.built(alone.modules)).values()) == pytest.approx(short, abs=TOLERANCE)
    assert short > 0 or not certain


def test_rules_that_the_relaxation_cannot_keep_are_known_to_clash():
    # Of each two of three sites one is wanted, so two for 10 yuan each; for the relaxation half of each will do.
    def clash(money):
        pairs = [
            SitingRow(
                name=f"{k}", site=np.array(two, dtype=np.int32), per_open=np.ones(2), per_module=np.zeros(2), lower=1
            )
            for k, two in enumerate([(0, 1), (1, 2), (0, 2)])
        ]
        paid = SitingRow(name="money", site=np.arange(3, dtype=np.int32), per_open=np.full(3, 10.0),
                         per_module=np.zeros(3), upper=money)  # fmt: skip
        alone = RulesAlone.of(problem([0, 0, 0], [1], [], rows=(*pairs, paid)))
        return alone.must_fall_short(10), alone.least_shortage(10)[0].objective

    assert clash(20.0) == (False, pytest.approx(0.0, abs=1e-9))
    assert clash(17.0) == (False, pytest.approx(3 / 17))
    assert clash(14.0) == (True, pytest.approx(6 / 14))


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


def test_walking_weighs_as_much_as_is_asked_for():
    # 10 parcels: at site 0 with a walk of 100 m for 1 fen, at site 1 without a walk for 300 fen.
    # 1,000 * (1 - 0.1) - 1 beats 1,000 - 300; at half of the worth for the walk, 500 - 1 does not.
    made = problem([1, 300], [10], [(0, 0, 100), (0, 1, 0)])
    assert site(made, seconds=10, gap=0.0).modules.tolist() == [1, 0]
    found = site(replace(made, walk_discount=0.5), seconds=10, gap=0.0)
    assert (found.modules.tolist(), found.value_fen) == ([0, 1], pytest.approx(700))


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


def test_one_module_that_two_sites_have_half_of_each_stands_only_where_both_open():
    # Site 2 takes 10 parcels worth 1,000 fen; half of its one module is due at each of two sites for 100 fen.
    needs = np.array([[2, 0], [2, 1]], dtype=np.int32)
    made = problem([100, 100, 0], [10], [(0, 2, 0)], needs=needs)
    assert site(made, seconds=10, gap=0.0).modules.tolist() == [1, 1, 1]
    dear = problem([100, 950, 0], [10], [(0, 2, 0)], needs=needs)
    assert site(dear, seconds=10, gap=0.0).modules.tolist() == [0, 0, 0]


def test_conflicting_sites_do_not_open_together():
    made = problem([0, 0], [5, 6], [(0, 0, 0), (1, 1, 0)], conflicts=np.array([[0, 1]], dtype=np.int32))
    assert site(made, seconds=10, gap=0.0).modules.tolist() == [0, 1]


@pytest.mark.parametrize("most", [np.inf, 4], ids=["at least", "exactly"])
def test_shortfall_is_the_least_possible_and_named(most):
    # Four sites are wanted, there are two.
    every = np.arange(2, dtype=np.int32)
    rows = (
        SitingRow(name="four sites", site=every, per_open=np.ones(2), per_module=np.zeros(2), lower=4, upper=most),
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


def test_where_no_better_plan_is_found_in_time_the_one_that_falls_short_least_is_taken():
    # As above, and the search for a plan worth more finds none: the plan of the rules alone is valued as it is.
    every = np.arange(3, dtype=np.int32)
    rows = (
        SitingRow(name="three", site=every, per_open=np.ones(3), per_module=np.zeros(3), lower=3),
        SitingRow(name="money", site=every, per_open=np.array([60.0, 70.0, 80.0]), per_module=np.zeros(3), upper=150),
    )
    made = problem([60, 70, 80], [9, 9, 9], [(0, 0, 0), (1, 1, 0), (2, 2, 0)], rows=rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(siting_search, "AT_ONCE", 0)
        patch.setattr(siting._Program, "within", lambda *_: None)
        patch.setattr(siting._Program, "without", lambda *_: None)
        found = site(made, seconds=10, gap=0.0)
    assert np.count_nonzero(found.modules) == 2
    assert [(short.name, short.amount) for short in found.shortfalls] == [("three", pytest.approx(1.0, abs=1e-3))]
    assert found.value_fen == pytest.approx(value_fen(made, found.modules))
    assert found.bound_fen >= 2 * 900 - 60 - 70
    assert found.stopped == "limit"
    assert {name for name, _ in found.relaxations} == {"three", "money"}


def test_rules_without_any_site_are_reported():
    rows = (SitingRow(name="two", site=EMPTY, per_open=np.empty(0), per_module=np.empty(0), lower=2),)
    found = site(problem([], [1], [], rows=rows), seconds=1, gap=0.0)
    assert [(short.name, short.amount, short.alone) for short in found.shortfalls] == [("two", 2, 2)]
    assert len(found.modules) == 0


def test_plan_is_found_where_the_solver_ends_with_an_error_of_its_own():
    # Two phases of three sites, of which 1 stands; HiGHS's presolve led to a point that was off by just the tolerance,
    # which HiGHS then called an error.
    def one(name, first):
        sites = np.arange(first, first + 3, dtype=np.int32)
        return SitingRow(name=name, site=sites, per_open=np.zeros(3), per_module=np.ones(3), upper=1)

    def near(name, pairs, minimum):
        return CoverageRow(name=name, demand=np.array([i for i, _ in pairs], dtype=np.int32), minimum=minimum,
                           site=np.array([j for _, j in pairs], dtype=np.int32), weight=np.ones(2))  # fmt: skip

    grows = [
        SitingRow(name="growth", site=np.array([j + 3, j], dtype=np.int32), per_open=np.array([1.0, -1.0]),
                  per_module=np.zeros(2), upper=0.0, hard=True)
        for j in range(3)
    ]  # fmt: skip
    made = problem(
        [0] * 6,
        [1, 1],
        [(0, 0, 0), (0, 1, 0)],
        capacity=2,
        existing=[0, 1, 0, 0, 1, 0],
        rows=(one("one", 0), one("one first", 3), *grows),
        coverage=(
            near("first", [(0, 0), (0, 1)], 0.3),
            near("second", [(0, 0), (1, 1)], 0.9),
            near("early", [(0, 3), (0, 4)], 0.3),
        ),
    )
    found = site(made, seconds=10, gap=0.0)
    assert found.modules.tolist() == [0, 1, 0, 0, 1, 0]
    # Site 1 leaves room for no other, and it covers the second demand alone.
    (short,) = found.shortfalls
    assert (short.name, short.amount) == ("second", pytest.approx(0.4, abs=1e-3))


# Of two places for one locker, site 0 has 6 parcels 100 m away and site 1 has 10 parcels 400 m away.
ONE_OF_TWO = problem(
    [0, 0], [6, 10], [(0, 0, 100), (1, 1, 400)], conflicts=np.array([[0, 1]], dtype=np.int32)
)  # fmt: skip


def test_who_walks_how_far_changes_the_site():
    # All walk: 100 fen * 10 * (1 - 0.1) = 900 at site 1, 100 * 6 * (1 - 0.1 / 4) = 585 at site 0.
    every = site(ONE_OF_TWO, seconds=10, gap=0.0)
    assert (every.modules.tolist(), every.value_fen) == ([0, 1], pytest.approx(900))
    # 90 % walk 100 m and 30 % walk 400 m: 526.5 at site 0, 270 at site 1.
    some = site(replace(ONE_OF_TWO, serve_share=np.array([0.9, 0.3])), seconds=10, gap=0.0)
    assert (some.modules.tolist(), some.value_fen) == ([1, 0], pytest.approx(526.5))


def test_who_does_not_come_takes_no_room():
    # Half of 20 parcels fill the one module of 10, and no second is worth its 300 fen.
    made = problem([0], [20], [(0, 0, 0)], module=[300], most=[3])
    assert site(made, seconds=10, gap=0.0).modules.tolist() == [2]
    half = site(replace(made, serve_share=np.array([0.5])), seconds=10, gap=0.0)
    assert (half.modules.tolist(), half.value_fen) == ([1], pytest.approx(10 * 100 - 300))


def test_of_several_outlets_the_nearest_counts():
    # 10 parcels: 100 fen * 10 * 0.8 by site 0 for 100 fen; site 1 with 0.5 adds nothing.
    made = problem([100, 1], [10], [], attract=[(0, 0), (0, 1)], attract_share=np.array([0.8, 0.5]))
    found = site(made, seconds=10, gap=0.0)
    assert (found.modules.tolist(), found.value_fen) == ([1, 0], pytest.approx(700))


@settings(max_examples=examples(30, 300))
@given(made=problems())
def test_shares_of_one_are_as_none_at_all(made):
    def stated(share):
        cover = tuple(replace(row, share=share(len(row.site))) for row in made.coverage)
        serve, attract = share(len(made.serve_site)), share(len(made.attract_site))
        return replace(made, serve_share=serve, attract_share=attract, coverage=cover)

    none, ones = stated(lambda _: None), stated(np.ones)
    a, b = site(none, seconds=10, gap=0.0), site(ones, seconds=10, gap=0.0)
    assert a.modules.tolist() == b.modules.tolist()
    assert (a.value_fen, a.bound_fen, a.shortfalls, a.relaxations) == (
        b.value_fen,
        b.bound_fen,
        b.shortfalls,
        b.relaxations,
    )


@settings(max_examples=examples(30, 300))
@given(made=problems(), data=st.data())
def test_a_smaller_share_never_raises_the_value(made, data):
    made = replace(made, rows=(), coverage=())

    def fewer(share, pairs):
        factor = data.draw(st.lists(st.sampled_from([0.0, 0.5, 0.9, 1.0]), min_size=pairs, max_size=pairs))
        return np.array(factor, dtype=np.float64) * (1.0 if share is None else share)

    less = replace(
        made, serve_share=fewer(made.serve_share, len(made.serve_site)),
        attract_share=fewer(made.attract_share, len(made.attract_site)),
    )  # fmt: skip
    assert site(less, seconds=10, gap=0.0).value_fen <= site(made, seconds=10, gap=0.0).value_fen + 0.01


def test_what_receivers_mind_is_taken_off():
    # 10 parcels next to both; at site 0, for 100 fen, their receivers mind 40 of 100 fen each: 10 * 60 - 100 = 500.
    # Site 1 costs 450: 10 * 100 - 450 = 550.
    made = problem([100, 450], [10], [(0, 0, 0), (0, 1, 0)])
    assert site(made, seconds=10, gap=0.0).modules.tolist() == [1, 0]
    minded = site(replace(made, minded_fen=np.array([40.0, 0.0])), seconds=10, gap=0.0)
    assert (minded.modules.tolist(), minded.value_fen) == ([0, 1], pytest.approx(550))
    # Where they mind more than the parcel is worth nothing is lost beyond its worth, and nothing opens.
    nobody = site(replace(made, minded_fen=np.array([100.0, 250.0])), seconds=10, gap=0.0)
    assert (nobody.modules.tolist(), nobody.value_fen) == ([0, 0], pytest.approx(0))
