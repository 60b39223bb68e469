"""The compiled core against its slow twin: the same trips can be driven, with the same schedules, at the same cost."""

from itertools import pairwise, permutations

import numpy as np
import pytest
from examples import examples
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st
from random_problems import charging_problems, problems, problems_with_tours, tours
from streets import vehicle

from lastmile.solvers.compiled import MONEY_PER_FEN, Objective, compiled
from lastmile.solvers.judging import round_of
from lastmile.solvers.problem import Reload, RoutingProfile, routing_problem
from lastmile.solvers.referee import Infeasible, cheapest, check, evaluate
from lastmile.solvers.routing import Stop, solve


@settings(max_examples=examples(80, 800), deadline=None)
@given(data=st.data())
def test_a_tour_is_judged_and_scheduled_as_its_twin_does(data):
    problem, tour = data.draw(problems_with_tours())
    assume(problem.vehicles[tour.vehicle].count > 0)  # of a type that is not there the core keeps nothing
    found = evaluate(problem, tour)
    event(found.rule if isinstance(found, Infeasible) else "feasible")
    mine = compiled(problem, Objective()).schedule(tour)
    if isinstance(found, Infeasible):
        assert mine is None
        return
    assert mine is not None
    trips, money = mine
    assert (trips[0][0], trips[-1][1]) == (found.depart_s, found.return_s)
    assert sum(trip[2] for trip in trips) == found.distance_m
    assert money / MONEY_PER_FEN == pytest.approx(found.cost.total)
    halts = [halt for trip in trips for halt in trip[3]]
    assert [(max(option, rest), begin) for option, rest, _, _, begin, _ in halts] == [
        (visit.index, visit.begin_s) for visit in found.visits if visit.kind != "reload"
    ]


@settings(max_examples=examples(50, 400), deadline=None)
@given(data=st.data())
def test_a_tour_that_charges_on_its_way_is_scheduled_as_its_twin_does(data):
    problem = data.draw(charging_problems(max_orders=3, most_chargers=1, weighing=False))
    tour = data.draw(tours(problem))
    assume(problem.vehicles[tour.vehicle].count > 0)
    found = evaluate(problem, tour)
    event(f"{len(tour.trips)} trips, {found.rule if isinstance(found, Infeasible) else 'feasible'}")
    mine = round_of(problem, compiled(problem, Objective()), tour)
    if isinstance(found, Infeasible):
        assert mine is None
        return
    assert mine is not None
    assert (mine.depart_s, mine.return_s) == pytest.approx((found.depart_s, found.return_s))
    assert mine.distance_m == found.distance_m
    assert mine.cost.total == pytest.approx(found.cost.total)


@settings(max_examples=examples(30, 300), deadline=None)
@given(data=st.data())
def test_all_ways_over_chargers_are_no_worse_than_those_that_the_search_knows(data):
    problem = data.draw(charging_problems(max_orders=3))
    tour = data.draw(tours(problem))
    kind = problem.vehicles[tour.vehicle]
    assume(kind.count > 0)
    mine = round_of(problem, compiled(problem, Objective()), tour)
    if mine is None:
        return
    found = evaluate(problem, tour)
    assert not isinstance(found, Infeasible)
    assert (mine.depart_s, mine.return_s) == pytest.approx((found.depart_s, found.return_s))
    assert mine.cost.total == pytest.approx(found.cost.total)


@settings(max_examples=examples(30, 300), deadline=None)
@given(data=st.data())
def test_what_the_search_returns_obeys_every_rule(data):
    problem = data.draw(st.one_of(problems(max_orders=6), charging_problems(max_orders=6)))
    solution = solve(problem, stop=Stop(iterations=30), seed=data.draw(st.integers(0, 99)))
    event(f"served {sum(len(found.options) for found in solution.rounds)}")
    assert check(problem, solution) == []


TINY = {
    "uncharged": problems(max_orders=4, most_vehicles=2, without=frozenset({"on_board"})),
    "charging": charging_problems(
        max_orders=3, most_vehicles=2, most_chargers=1, weighing=False, without=frozenset({"breaks", "on_board"})
    ),
    "charging beside breaks": charging_problems(max_orders=2, most_vehicles=1, most_chargers=1, weighing=False),
}


@pytest.mark.parametrize("kind", TINY)
@settings(max_examples=examples(15, 200), deadline=None)
@given(data=st.data())
def test_tiny_problems_are_not_solved_better_than_the_best_there_is(kind, data):
    problem = data.draw(TINY[kind])
    cost, tours = cheapest(problem)
    served = {int(problem.option_order[option]) for tour in tours for trip in tour.trips for option in trip}
    assume(all(order in served or problem.price_fen[order] >= 0 for order in range(problem.orders)))
    solution = solve(problem, stop=Stop(iterations=400), seed=1)
    assert solution.cost.total >= cost.total - 1e-6
    event("best" if solution.cost.total <= cost.total + 1e-6 else "not best")


@settings(max_examples=examples(20, 200), deadline=None)
@given(problem=st.one_of(problems(max_orders=6), charging_problems(max_orders=5)), threads=st.integers(1, 3))
def test_the_same_seed_gives_the_same_plan(problem, threads):
    once, again = (solve(problem, stop=Stop(iterations=60), seed=7, threads=threads) for _ in range(2))
    assert once.rounds == again.rounds
    assert once.iterations == again.iterations


@settings(max_examples=examples(20, 200), deadline=None)
@given(problem=problems(max_orders=6))
def test_a_given_plan_is_never_returned_worse(problem):
    first = solve(problem, stop=Stop(iterations=20), seed=3)
    second = solve(problem, stop=Stop(iterations=5), seed=4, start=[found.tour for found in first.rounds])
    assert len(second.blocked) <= len(first.blocked)
    if len(second.blocked) == len(first.blocked):
        assert second.cost.total <= first.cost.total + 1e-6


def test_a_vehicle_in_use_makes_a_further_trip_for_a_pair():
    here = np.zeros((1, 1), dtype=np.int32)
    problem = routing_problem(
        profiles=[RoutingProfile(duration_s=here, distance_m=here)],
        vehicles=[vehicle(max_orders=2, max_trips=2, reloads=(Reload(location=0, duration_s=0, window_s=(0, 120)),))],
        location=[0, 0, 0, 0],
        pairs=[[0, 1], [2, 3]],
    )
    solution = solve(problem, stop=Stop(iterations=20))
    assert [sorted(trip) for found in solution.rounds for trip in found.tour.trips] == [[0, 1], [2, 3]]


def _length(metres, orders):
    places = [0, *(order + 1 for order in orders), 0]
    return sum(int(metres[a, b]) for a, b in pairwise(places))


def _everywhere(orders, coming):
    return [(*orders[:k], coming, *orders[k:]) for k in range(len(orders) + 1)]


@settings(max_examples=examples(25, 250), deadline=None)
@given(seed=st.integers(0, 10**6), orders=st.integers(6, 24), searched=st.integers(1, 20))
def test_no_visit_has_a_better_place_and_no_two_of_different_rounds_change_trips_to_advantage(seed, orders, searched):
    dice = np.random.default_rng(seed)
    at = dice.integers(0, 1000, (orders + 1, 2))
    metres = np.rint(np.linalg.norm(at[:, None] - at[None], axis=2)).astype(np.int32)
    load, room = dice.integers(1, 10, orders), 20
    problem = routing_problem(
        profiles=[RoutingProfile(duration_s=metres, distance_m=metres)],
        vehicles=[vehicle(count=orders, capacity=np.array([room]), shift_s=(0, 10**6), fen_per_km=1000)],
        location=np.arange(1, orders + 1),
        delivery=load[:, None],
    )
    rounds = [found.options for found in solve(problem, stop=Stop(iterations=searched), seed=seed).rounds]
    event(f"{len(rounds)} rounds")
    for a, b in permutations(rounds, 2):
        now = _length(metres, a) + _length(metres, b)
        for k, u in enumerate(a):
            left = (*a[:k], *a[k + 1 :])
            if load[list(b)].sum() + load[u] <= room:
                assert now <= _length(metres, left) + min(_length(metres, way) for way in _everywhere(b, u))
            for m, v in enumerate(b):
                if load[list(a)].sum() - load[u] + load[v] > room or load[list(b)].sum() - load[v] + load[u] > room:
                    continue
                others = (*b[:m], *b[m + 1 :])
                swapped = min(_length(metres, way) for way in _everywhere(left, v))
                assert now <= swapped + min(_length(metres, way) for way in _everywhere(others, u))
