"""Plans that are put together from tours of several plans."""

from itertools import combinations

import numpy as np
import pytest
from examples import examples
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from random_problems import problems
from streets import line, vehicle

from lastmile.solvers.compiled import Found, Objective, compiled
from lastmile.solvers.problem import Group, Tour, routing_problem
from lastmile.solvers.referee import check
from lastmile.solvers.routing import Stop, solve
from lastmile.solvers.set_partitioning import recombine

METRE = 18_000  # money, at 1000 fen per km


def both_ways(vehicles, **changes):
    """Two orders on each side of the base."""
    base = {"location": np.arange(1, 5), "delivery": np.ones((4, 1))}
    return routing_problem(profiles=[line(10, 20, -10, -20)], vehicles=vehicles, **base | changes)


def put_together(made, best, pool):
    """The better plan, of the tours that are given as (vehicle type, trip) or whole."""
    core = compiled(made, Objective())

    def priced(given):
        tours = [one if isinstance(one, Tour) else Tour(vehicle=one[0], trips=(one[1],)) for one in given]
        return [(tour, core.schedule(tour)[1]) for tour in tours]

    found = Found(tours=priced(best), pool=priced(pool), iterations=1, stopped="iterations")
    return recombine(made, core, found, seconds=None)


def trips(plan):
    return sorted(tour.trips[0] for tour in plan.tours)


def searched(core, iterations, threads=1):
    return core.solve(
        seconds=0.0,
        iterations=iterations,
        seed=1,
        threads=threads,
        fewest_vehicles=False,
        start=(),
        poll=lambda *_: True,
    )


def test_tours_of_several_plans_make_a_better_one():
    # Each of the two plans with a tour that goes both ways; together 40 m to each side.
    made = both_ways([vehicle(count=3)])
    plan = put_together(made, [(0, (0, 2)), (0, (1, 3))], [(0, (0, 1)), (0, (2,)), (0, (3,)), (0, (2, 3))])
    assert trips(plan) == [(0, 1), (2, 3)]
    assert plan.money == 2 * 1000 * METRE + 80 * METRE
    assert plan.unserved == 0


def test_the_best_plan_stays_where_nothing_is_cheaper():
    made = both_ways([vehicle(count=3)])
    assert put_together(made, [(0, (0, 1)), (0, (2, 3))], [(0, (0,)), (0, (1, 2, 3))]) is None


def test_no_more_vehicles_than_there_are():
    # The small one is cheaper, and there is one of it.
    small = vehicle(fixed_fen=100)
    made = both_ways([vehicle(count=2), small])
    plan = put_together(made, [(0, (0, 1)), (0, (2, 3))], [(1, (0, 1)), (1, (2, 3))])
    assert sorted(tour.vehicle for tour in plan.tours) == [0, 1]


def test_no_more_of_a_pool_than_there_is():
    # Both cheap types need the permit.
    cheap = [vehicle(fixed_fen=fen, pools=("permit",)) for fen in (100, 200)]
    made = both_ways([vehicle(count=2), *cheap], pools={"permit": 1})
    plan = put_together(made, [(0, (0, 1)), (0, (2, 3))], [(1, (0, 1)), (2, (2, 3))])
    assert sorted(tour.vehicle for tour in plan.tours) == [0, 1]


def test_what_does_not_pay_is_left_out_and_what_pays_is_served():
    # 1,020 fen for a vehicle and 20 m: orders 0 and 1 pay that together, 2 and 3 do not.
    made = both_ways([vehicle(count=3)], price_fen=[600, 600, 500, 400])
    plan = put_together(made, [(0, (2, 3))], [(0, (0, 1))])
    assert trips(plan) == [(0, 1)]
    assert plan.unserved == 2
    assert plan.money == (1000 + 40 + 500 + 400) * METRE


def test_of_a_group_one_tour_serves_one():
    made = both_ways([vehicle(count=3)], groups=[Group(orders=(0, 2))])
    plan = put_together(made, [(0, (1, 0)), (0, (3,))], [(0, (1,)), (0, (3, 2)), (0, (1, 2, 3))])
    assert trips(plan) in ([(1,), (3, 2)], [(1, 2, 3)])


def test_what_is_locked_is_served_though_it_does_not_pay():
    made = both_ways([vehicle(count=3)], price_fen=[1, 5000, 5000, 5000])
    best = [Tour(vehicle=0, trips=((0, 2, 3),), locked=1), Tour(vehicle=0, trips=((1,),))]
    pool = [(0, (1, 2, 3)), Tour(vehicle=0, trips=((0, 1),), locked=1), (0, (2, 3))]
    plan = put_together(made, best, pool)
    assert trips(plan) == [(0, 1), (2, 3)]
    assert sum(tour.locked for tour in plan.tours) == 1


@settings(
    max_examples=examples(20, 200),
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
    deadline=None,
)
@given(problem=problems(max_orders=6), threads=st.integers(1, 2))
def test_it_is_the_best_of_all_sets_of_tours(problem, threads):
    if not any(kind.count for kind in problem.vehicles):
        return
    core = compiled(problem, Objective())
    found = searched(core, 8_000, threads)
    columns = [*found.tours, *found.pool]
    # What the search says that a tour costs is what it costs.
    assert all(core.schedule(tour)[1] == money for tour, money in columns)
    must = {r for tour, _ in found.tours for r in core.requests_of(tour) if core.required[r]}
    least = None
    for size in range(min(problem.orders, len(columns)) + 1):
        for plan in combinations(columns, size):
            served = [r for tour, _ in plan for r in core.requests_of(tour)]
            kinds = [tour.vehicle for tour, _ in plan]
            drawn = [pool for kind in kinds for pool in problem.vehicles[kind].pools]
            if (
                len(set(served)) < len(served)
                or not must <= set(served)
                or any(kinds.count(kind) > problem.vehicles[kind].count for kind in kinds)
                or any(drawn.count(pool) > problem.pools[pool] for pool in drawn)
            ):
                continue
            left_out = sum(price for r, price in enumerate(core.prices) if r not in served)
            money = left_out + sum(money for _, money in plan)
            least = money if least is None else min(least, money)
    served = {r for tour, _ in found.tours for r in core.requests_of(tour)}
    before = sum(price for r, price in enumerate(core.prices) if r not in served) + sum(m for _, m in found.tours)
    better = recombine(problem, core, found, seconds=None)
    assert (before if better is None else better.money) == least


@pytest.mark.parametrize("threads", [1, 2])
def test_same_seed_same_plan_of_a_search_that_pools(threads):
    rng = np.random.default_rng(3)
    at = rng.integers(-500, 500, 40)
    made = routing_problem(
        profiles=[line(*at.tolist())],
        vehicles=[vehicle(count=12, capacity=np.array([9]))],
        location=np.arange(1, 41),
        delivery=rng.integers(1, 4, (40, 1)),
    )
    once, again = (solve(made, stop=Stop(iterations=30_000), seed=5, threads=threads) for _ in range(2))
    assert once.rounds == again.rounds
    assert check(made, once) == []
    assert searched(compiled(made, Objective()), 30_000, threads).pool
