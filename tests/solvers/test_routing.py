"""The search for rounds: what it promises, on problems that are small enough to see what is right.

Every solution is held against the referee, which shares nothing with the search.
"""

from dataclasses import replace

import numpy as np
import pytest
from examples import examples
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from random_problems import problems_with_tours
from streets import line, vehicle

from lastmile.solvers.problem import (
    UNREACHABLE,
    Battery,
    Break,
    Group,
    Reload,
    Round,
    RoutingProfile,
    Tour,
    routing_problem,
)
from lastmile.solvers.referee import check, evaluate
from lastmile.solvers.routing import Objective, Stop, solve

EXAMPLES = settings(
    max_examples=examples(30, 300),
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
    deadline=None,
)


def problem(profiles, vehicles, count=None, **changes):
    """An order of one parcel at every place but the base."""
    count = len(profiles[0].duration_s) - 1 if count is None else count
    base = {"location": np.arange(1, count + 1), "delivery": np.ones((count, 1))}
    return routing_problem(profiles=profiles, vehicles=vehicles, **base | changes)


def run(made, iterations=2000, **switches):
    """Search, and have the referee look."""
    solution = solve(made, stop=Stop(iterations=iterations), **switches)
    assert check(made, solution) == []
    return solution


def sequences(solution):
    return sorted(found.options for found in solution.rounds)


def must_be_served(made):
    """How many orders and groups have no price."""
    grouped = {order for group in made.groups for order in group.orders}
    alone = sum(price < 0 for order, price in enumerate(made.price_fen.tolist()) if order not in grouped)
    return alone + sum(group.price_fen < 0 for group in made.groups)


def merit(made, tours, unserved_fen):
    """What must be served and is not, then the cost."""
    rounds = [evaluate(made, tour) for tour in tours]
    served = {int(made.option_order[option]) for found in rounds for option in found.options}
    grouped = {order for group in made.groups for order in group.orders}
    alone = sum(made.price_fen[order] < 0 for order in served - grouped)
    groups = sum(group.price_fen < 0 and bool(served & set(group.orders)) for group in made.groups)
    return must_be_served(made) - alone - groups, sum(found.cost.total for found in rounds) + unserved_fen


def left_out_fen(made, tours):
    """Prices of what the tours do not serve."""
    served = {int(made.option_order[option]) for tour in tours for trip in tour.trips for option in trip}
    grouped = {order for group in made.groups for order in group.orders}
    alone = [max(0, int(p)) for o, p in enumerate(made.price_fen) if o not in served | grouped]
    return sum(alone) + sum(max(0, group.price_fen) for group in made.groups if not served & set(group.orders))


@EXAMPLES
@given(drawn=problems_with_tours(), iterations=st.sampled_from([1, 50, 20_000]))
def test_a_start_is_never_returned_worse(drawn, iterations):
    # The longest budget is for several coolings, and reheats the best plan.
    made, tour = drawn
    kind = made.vehicles[tour.vehicle]
    if not isinstance(evaluate(made, tour), Round) or kind.count == 0 or any(not made.pools[p] for p in kind.pools):
        return
    solution = run(made, iterations=iterations, start=(tour,))
    found = [driven.tour for driven in solution.rounds]
    begun = merit(made, [tour], left_out_fen(made, [tour]))
    left, fen = merit(made, found, left_out_fen(made, found))
    assert (left, fen - 1e-6) <= begun


def test_start_that_is_best_stays_as_it_is():
    made = problem([line(10, 20, 30)], [vehicle(count=2)])
    (best,) = run(made).rounds
    assert [found.tour for found in run(made, iterations=1, start=[best.tour]).rounds] == [best.tour]


def test_locked_visits_stay_where_they_are():
    # Once 3 and 1 are aboard in this sequence, 2 comes where it costs least: on the way from 3 to 1.
    made = problem([line(10, 20, 30)], [vehicle()])
    (found,) = run(made, start=[Tour(vehicle=0, trips=((2, 0),), locked=2)]).rounds
    assert found.options == (2, 0, 1)
    assert found.tour.locked == 2


def test_one_way_street_is_driven_the_short_way_round():
    # Base, 1, 2 on a ring that is driven one way: 10 s to the next, 20 s to the one before.
    table = np.array([[0, 10, 20], [20, 0, 10], [10, 20, 0]], dtype=np.int32)
    solution = run(problem([RoutingProfile(duration_s=table, distance_m=table)], [vehicle()]))
    assert sequences(solution) == [(0, 1)]
    assert solution.cost.total == 1000 + 30  # 30 m at 1,000 fen a kilometre


def test_round_leaves_as_late_as_its_windows_allow():
    # Order 0 is 100 s away and opens at 1,000 s: leaving at 900 s the driver need not wait.
    (found,) = run(problem([line(100)], [vehicle(fen_per_hour=3600)], window_s=[[1000, 2000]])).rounds
    assert (found.depart_s, found.return_s) == (900, 1100)


def test_round_waits_for_what_is_released_last():
    (found,) = run(problem([line(10, 20)], [vehicle()], release_s=[0, 500])).rounds
    assert found.depart_s == 500


def test_time_on_board_splits_a_round():
    # Served one after the other, the second parcel is on board for 10 + 60 + 20 s; alone it is 10 s away.
    table = np.array([[0, 10, 10], [10, 0, 20], [10, 20, 0]], dtype=np.int32)
    made = problem(
        [RoutingProfile(duration_s=table, distance_m=table)],
        [vehicle(count=2)],
        service_s=[60, 60],
        on_board_s=[15, 15],
    )
    assert sequences(run(made)) == [(0,), (1,)]


def test_pickups_fill_what_deliveries_leave():
    # 6 to deliver and 6 to fetch fit into 8 only when the delivery comes first.
    made = problem([line(10, 20)], [vehicle(capacity=np.array([8]))], delivery=[[0], [6]], pickup=[[6], [0]])
    assert sequences(run(made)) == [(1, 0)]


def test_the_option_that_costs_least_in_all_is_chosen():
    # The door is 1,000 m away and free, the locker 10 m and 500 fen: 2,000 fen of driving against 20 + 500.
    made = problem([line(1000, 10)], [vehicle()], delivery=[[1]], option_order=[0, 0], option_fen=[0, 500])
    solution = run(made)
    assert sequences(solution) == [(1,)]
    assert (solution.cost.distance, solution.cost.options) == (20, 500)


def test_pair_is_in_one_round_and_in_its_sequence():
    # From 20 to 10: out to 20 first, although 10 lies on the way.
    made = problem([line(10, 20)], [vehicle(count=2)], delivery=[[1], [0]], pickup=[[0], [1]], pairs=[[1, 0]])
    assert sequences(run(made)) == [(1, 0)]


def test_of_a_group_one_is_served():
    made = problem([line(100, 10, 50)], [vehicle()], groups=[Group(orders=(0, 1, 2))])
    assert sequences(run(made)) == [(1,)]


def test_second_trip_where_one_does_not_hold_everything():
    # One vehicle for one parcel: out, back, 5 s to reload, out again.
    kind = vehicle(capacity=np.array([1]), max_trips=2, reloads=(Reload(location=0, duration_s=5),))
    (found,) = run(problem([line(10, 20)], [kind])).rounds
    assert sorted(found.tour.trips) == [(0,), (1,)]
    assert found.distance_m == 60


def test_a_trip_that_would_be_too_far_from_the_end_is_none_too_far_from_the_reload():
    # 20 m behind the base and back to reload; alone it would end 120 m further on, where the vehicle ends its day.
    kind = vehicle(capacity=np.array([1]), end=2, max_distance_m=100, max_trips=2, reloads=(Reload(location=0),))
    both = Tour(vehicle=0, trips=((0,), (1,)), reloads=(0,))
    (found,) = run(problem([line(-20, 100)], [kind]), start=[both]).rounds
    assert found.tour == both


def test_break_between_two_trips_costs_nothing():
    # 20 s and 40 s out; the break, by 50 s at the latest, is at the depot, where nobody pays for it.
    kind = vehicle(
        capacity=np.array([1]), fen_per_hour=3600, max_trips=2, reloads=(Reload(location=0, duration_s=5),),
        breaks=(Break(window_s=(15, 80), duration_s=30),),
    )  # fmt: skip
    made = problem([line(10, 20)], [kind], delivery=[1, 1])
    (found,) = run(made).rounds
    assert check(made, run(made)) == []
    assert [visit.kind for visit in found.visits].count("break") == 1
    assert found.cost.duration == pytest.approx(20 + 40)


def test_locked_visits_stay_where_breaks_lie_between_trips():
    kind = vehicle(
        capacity=np.array([2]),
        max_trips=2,
        reloads=(Reload(location=0),),
        breaks=(Break(window_s=(30, 90), duration_s=30),),
    )
    made = problem([line(10, 20, 30)], [kind], delivery=[1, 1, 1])
    (found,) = run(made, start=[Tour(vehicle=0, trips=((1, 0),), locked=2)]).rounds
    assert found.tour.trips[0] == (1, 0)
    assert len(found.tour.trips) == 2
    assert check(made, run(made, start=[found.tour])) == []


def test_break_is_taken_where_the_round_cannot_avoid_it():
    # Both doors open at 100 s and 400 s; the break within 150-390 s lies between them.
    rest = Break(window_s=(150, 390), duration_s=60)
    made = problem([line(10, 20)], [vehicle(breaks=(rest,))], window_s=[[100, 100], [400, 400]])
    (found,) = run(made).rounds
    assert [visit.kind for visit in found.visits] == ["order", "break", "order"]


def test_battery_limits_the_trip():
    # 20 m out and 20 back take 40 Wh, as much as there is above the reserve; with 39 Wh the far one stays.
    battery = Battery(capacity_wh=42, reserve_wh=2, wh_per_m=1.0)
    assert len(run(problem([line(10, 20)], [vehicle(battery=battery)])).blocked) == 0
    low = replace(battery, reserve_wh=3)
    assert [item.order for item in run(problem([line(10, 20)], [vehicle(battery=low)])).blocked] == [1]


def test_pools_are_shared_by_the_variants_of_a_type():
    # Three vans, with or without a permit; order 2 lies where only permit holders go. There are two vans, one permit.
    near = line(10, 20, 30)
    duration = near.duration_s.copy()
    duration[3, :3] = duration[:3, 3] = UNREACHABLE
    plain = RoutingProfile(duration_s=duration, distance_m=near.distance_m)
    made = problem(
        [plain, near],
        [
            vehicle(count=3, capacity=np.array([1]), pools=("van",)),
            vehicle(count=3, profile=1, capacity=np.array([1]), fixed_fen=1100, pools=("van", "permit")),
        ],
        pools={"van": 2, "permit": 1},
    )
    solution = run(made)
    assert len(solution.rounds) == 2
    assert len(solution.blocked) == 1
    assert "all 2 of 'van' are in use" in solution.blocked[0].reasons[1]


def test_unused_vehicle_whose_depots_are_not_connected_is_no_obstacle():
    table = np.array([[0, 5, UNREACHABLE], [5, 0, UNREACHABLE], [UNREACHABLE, UNREACHABLE, 0]], dtype=np.int32)
    made = problem(
        [RoutingProfile(duration_s=table, distance_m=np.zeros_like(table))], [vehicle(), vehicle(end=2)], count=1
    )
    assert [found.vehicle for found in run(made).rounds] == [0]


def test_must_serve_goes_before_any_price():
    # One place aboard: the order that must be served takes it, whatever the other offers.
    made = problem([line(10, 20)], [vehicle(capacity=np.array([1]))], price_fen=[10**12, -1])
    solution = run(made)
    assert sequences(solution) == [(1,)]
    assert solution.cost.total == 1000 + 40 + 10**12


def test_order_is_left_out_where_its_price_is_lower_than_its_round():
    made = problem([line(1000)], [vehicle()], price_fen=[2999])  # 1,000 fen and 2 km at 1,000 fen
    solution = run(made)
    assert solution.rounds == ()
    assert solution.cost.unserved == solution.cost.total == 2999
    assert solution.blocked[0].reasons == ("a round of its own would cost 30.00 yuan, leaving it out 29.99",)
    assert run(replace(made, price_fen=np.array([3001]))).blocked == ()


def test_vehicle_goes_out_for_orders_that_pay_only_together():
    # 21 km and 1,000 fen for ten orders of 3,000 fen each; for one of them alone it would not.
    made = problem([line(*range(10_000, 10_010))], [vehicle()], price_fen=[3000] * 10)
    solution = run(made)
    assert [len(options) for options in sequences(solution)] == [10]


def test_cheaper_vehicle_takes_no_round_that_its_shift_cannot_hold():
    # The cheap one is back too early for the far order, which the other one takes.
    cheap = vehicle(fixed_fen=0, fen_per_km=100, shift_s=(0, 1000))
    made = problem([line(-400, 900)], [cheap, vehicle(count=2)])
    solution = run(made)
    assert {found.vehicle: found.options for found in solution.rounds} == {0: (0,), 1: (1,)}


def test_fewest_vehicles_packs_loads_that_leave_little_room():
    # Ten vehicles hold it all; neighbours do not fit together.
    sizes = [6] * 5 + [7] * 5 + [3] * 5 + [4] * 5
    made = problem([line(*range(10, 210, 10))], [vehicle(count=20, fixed_fen=0)], delivery=np.array(sizes)[:, None])
    assert len(run(made, iterations=20_000, objective=Objective(fewest_vehicles=True)).rounds) == 10


def test_fewest_vehicles_leaves_out_only_what_nobody_can_serve():
    # The last order is too large for any vehicle.
    made = problem([line(10, 20, 30)], [vehicle(count=3)], delivery=np.array([[5], [5], [11]]))
    solution = run(made, objective=Objective(fewest_vehicles=True))
    assert [sorted(options) for options in sequences(solution)] == [[0, 1]]


def test_fewest_vehicles_goes_before_the_cost():
    # Two vehicles from both ends of a street of 1 km cost less than one that drives all of it.
    kinds = [vehicle(fixed_fen=0), vehicle(fixed_fen=0, start=3, end=3)]
    made = problem([line(10, 990, 1000)], kinds, count=2)
    assert len(run(made).rounds) == 2
    assert len(run(made, objective=Objective(fewest_vehicles=True)).rounds) == 1


def test_weights_of_the_objective_decide():
    # 0 m is dear by the hour, 1 m by the kilometre: a fast van of 36,000 fen an hour, a slow one of none.
    fast = RoutingProfile(duration_s=np.array([[0, 10], [10, 0]], np.int32), distance_m=line(100).distance_m)
    kinds = [vehicle(profile=1, fen_per_hour=36_000, fen_per_km=0), vehicle(fen_per_km=1000)]
    # Fast: 20 s, 200 fen. Slow: 200 m, 200 fen.
    made = problem([line(100), fast], kinds)
    assert [f.vehicle for f in run(made, objective=Objective(duration=2.0)).rounds] == [1]
    assert [f.vehicle for f in run(made, objective=Objective(distance=2.0)).rounds] == [0]


def test_fleets_that_share_no_order_cost_together_what_they_cost_apart():
    """However many others' orders lie between: what is near and may be served together is what counts."""
    kinds, each = 20, 20
    random = np.random.default_rng(0)
    at = np.vstack(([5000, 5000], random.uniform(0, 10_000, (kinds * each, 2))))
    metres = np.hypot(*(at[:, None] - at[None]).transpose(2, 0, 1)).astype(np.int32)
    kind, load = np.arange(kinds * each) % kinds, random.integers(1, 4, (kinds * each, 1))

    def cost(orders, fleets, iterations):
        places = np.concatenate(([0], 1 + orders))
        table = np.ascontiguousarray(metres[np.ix_(places, places)])
        van = vehicle(count=len(orders), capacity=np.array([12]), shift_s=(0, 10**6), fixed_fen=0)
        made = problem(
            [RoutingProfile(duration_s=table, distance_m=table)], [van] * len(fleets),
            delivery=load[orders], allowed=kind[orders, None] == fleets,
        )  # fmt: skip
        return run(made, iterations, reasons=False).cost.total

    apart = sum(cost(np.flatnonzero(kind == fleet), np.array([fleet]), 3000) for fleet in range(kinds))
    together = cost(np.arange(kinds * each), np.arange(kinds), 1000 * kinds)
    # Fewer iterations for each fleet: a thousandth is allowed.
    assert together <= 1.001 * apart


def test_no_vehicle_at_all_is_an_answer():
    solution = run(problem([line(10)], []))
    assert solution.stopped == "nothing to solve"
    assert [(item.reasons, item.remedy) for item in solution.blocked] == [((), "add a vehicle")]


def street(count):
    at = np.random.default_rng(1).integers(1, 10_000, count)
    return problem([line(*at.tolist())], [vehicle(count=count, capacity=np.array([4]))])


def test_search_says_why_it_stopped():
    assert run(street(12), iterations=50).stopped == "iterations"
    assert solve(street(12), stop=Stop(seconds=0.05)).stopped == "time"
    with pytest.raises(ValueError, match="seconds"):
        Stop()


def test_progress_and_trace_tell_of_ever_better_plans():
    told = []
    solution = solve(street(60), stop=Stop(seconds=1.0), on_progress=told.append, trace=True)
    best = [item.best_fen for item in told]
    assert best
    assert best == sorted(best, reverse=True)
    assert best[-1] >= solution.cost.total - 1e-6
    assert [item.iterations for item in told] == sorted(item.iterations for item in told)
    costs = [fen for _, _, fen in solution.trace]
    assert costs
    assert costs == sorted(costs, reverse=True)
    assert run(street(60)).trace == ()


def test_progress_counts_the_reasons_and_ctrl_c_ends_them():
    at = np.random.default_rng(1).integers(1, 10_000, 12)
    crowded = problem([line(*at.tolist())], [vehicle(count=1, capacity=np.array([4]))], delivery=[1] * 12)
    told = []
    solution = solve(crowded, stop=Stop(iterations=50), on_progress=told.append)
    assert len(solution.blocked) == 8
    assert [item.explained for item in told if item.explained] == list(range(1, 9))

    def interrupt(now):
        if now.explained == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        solve(crowded, stop=Stop(iterations=50), on_progress=interrupt)


def test_charger_on_the_way_carries_further_than_the_battery():
    # 100 m out and back take 200 Wh, 110 are aboard: a charger at 60 m fills in the missing 90, at 2 s each.
    battery = Battery(capacity_wh=110, wh_per_m=1.0, seconds_per_wh=2.0)
    made = problem([line(100, 60)], [vehicle(battery=battery, fen_per_hour=3600)], count=1, chargers=[2])
    (found,) = solve(made, stop=Stop(iterations=100)).rounds
    assert "charge" in [visit.kind for visit in found.visits]
    assert found.return_s - found.depart_s == pytest.approx(200 + 2 * 90)


def test_vehicle_that_charges_on_its_way_reloads_with_a_full_battery():
    # As before on each of two trips: 90 Wh at 2 s. The second leaves 20 s after the first one is back.
    battery = Battery(capacity_wh=110, wh_per_m=1.0, seconds_per_wh=2.0)
    kind = vehicle(
        battery=battery, capacity=np.array([1]), max_trips=2, reloads=(Reload(location=0, duration_s=20),),
        shift_s=(0, 800), fen_per_hour=3600,
    )  # fmt: skip
    made = problem([line(100, 100, 60)], [kind], count=2, chargers=[3], delivery=[1, 1])
    solution = run(made, iterations=100)
    assert check(made, solution) == []
    (found,) = solution.rounds
    assert [visit.kind for visit in found.visits].count("charge") >= 2
    assert found.cost.duration == pytest.approx(2 * (200 + 2 * 90))
    assert found.return_s == pytest.approx(2 * (200 + 2 * 90) + 20)


def test_driver_rests_at_a_charger_beside_chilled_food():
    # 200 m on 110 Wh: 90 more, 180 s at the charger at 60 m, 60 of them on the way out, or it does not get back there.
    # Aboard for these and the drive of 100 s at most: the others on the way back, from 200 s on, with a rest meanwhile.
    battery = Battery(capacity_wh=110, wh_per_m=1.0, seconds_per_wh=2.0)
    rest = Break(window_s=(150, 330), duration_s=100)
    kind = vehicle(battery=battery, breaks=(rest,), shift_s=(0, 400), fen_per_hour=3600)
    made = problem([line(100, 60)], [kind], count=1, chargers=[2], on_board_s=[160])
    solution = run(made, iterations=100)
    assert check(made, solution) == []
    (found,) = solution.rounds
    assert [visit.kind for visit in found.visits] == ["charge", "order", "charge", "break"]
    assert (found.depart_s, found.return_s) == (0, pytest.approx(380))
    assert run(replace(made, on_board_s=np.array([159], dtype=np.int32)), iterations=10).rounds == ()


def test_of_ways_over_chargers_the_search_takes_one_within_the_limits_of_a_trip():
    # There and back: 100 m in 10 s, or past the charger 60 m in 50 s; time costs more.
    seconds = np.array([[0, 10, 25], [10, 0, 25], [25, 25, 0]], dtype=np.int32)
    metres = np.array([[0, 100, 30], [100, 0, 30], [30, 30, 0]], dtype=np.int32)
    kind = vehicle(battery=Battery(capacity_wh=1), fen_per_hour=3600, max_distance_m=199)
    made = problem([RoutingProfile(duration_s=seconds, distance_m=metres)], [kind], count=1, chargers=[2])
    (found,) = run(made, iterations=10).rounds
    assert (found.distance_m, found.return_s - found.depart_s) == (160, pytest.approx(60))
