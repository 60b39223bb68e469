"""Problems check what they are given and name the index and the rule."""

from dataclasses import fields, replace

import numpy as np
import pytest

from lastmile.solvers.problem import (
    TIME_MAX,
    UNREACHABLE,
    Battery,
    Break,
    Cost,
    Group,
    Reload,
    Round,
    RoutingProblem,
    RoutingProfile,
    RoutingVehicle,
    Tour,
    routing_problem,
)

TABLE = np.array([[0, 5], [7, 0]], dtype=np.int32)


def profile(**changes):
    return RoutingProfile(**{"duration_s": TABLE.copy(), "distance_m": TABLE.copy()} | changes)


def vehicle(**changes):
    base = {"count": 1, "start": 0, "end": 0, "profile": 0, "capacity": np.array([10]), "shift_s": (0, 100)}
    return RoutingVehicle(**base | changes)


def problem(**changes):
    """Two orders at place 1."""
    base = {"profiles": [profile()], "vehicles": [vehicle()], "location": [1, 1]}
    return routing_problem(**base | changes)


def pair(**changes):
    return problem(**{"pickup": [2, 0], "delivery": [0, 2], "pairs": [[0, 1]]} | changes)


PROFILES = [
    (lambda: profile(duration_s=TABLE.astype(float)), "duration_s must be int32 in C order, it is float64"),
    (lambda: profile(distance_m=np.asfortranarray(TABLE)), "distance_m must be int32 in C order"),
    (lambda: profile(duration_s=TABLE[:1]), "duration_s must be square"),
    (lambda: profile(duration_s=-TABLE), r"negative entry at \(0, 1\)"),
    (lambda: profile(duration_s=TABLE + TIME_MAX), f"entry of {TIME_MAX} or more that is not UNREACHABLE"),
    (lambda: profile(distance_m=TABLE[:1, :1].copy()), "duration_s and distance_m differ in shape"),
    (lambda: profile(energy_wh=TABLE[:1, :1].copy()), "energy_wh differ in shape"),
    (lambda: profile(energy_wh=-TABLE), "energy_wh has a negative"),
]
VEHICLES = [
    (lambda: vehicle(count=-1), "count -1 is negative"),
    (lambda: vehicle(count=2**31), "negative or too large"),
    (lambda: vehicle(shift_s=(5, 4)), "ends before it starts"),
    (lambda: vehicle(shift_s=(-1, 4)), "is outside"),
    (lambda: vehicle(overtime_s=TIME_MAX), "with 1073741824 s more is outside"),
    (lambda: vehicle(overtime_s=-1), "overtime_s -1 is negative"),
    (lambda: vehicle(capacity=np.array([-1])), "capacity is negative"),
    (lambda: vehicle(capacity=np.array([2**53])), "capacity is not below"),
    (lambda: vehicle(capacity=np.array([1.5])), "capacity must be int64 in one dimension, it is float64"),
    (lambda: vehicle(capacity=np.array([[1]])), "capacity must be int64 in one dimension"),
    *[
        (lambda name=name: vehicle(**{name: -1}), f"{name} -1 is negative")
        for name in ("overtime_fen_per_hour", "fixed_fen", "fen_per_km", "fen_per_hour")
    ],
    *[
        (lambda name=name: vehicle(**{name: -1}), f"{name} -1 is negative")
        for name in ("max_distance_m", "max_duration_s", "max_orders")
    ],
    (lambda: vehicle(max_trips=0), "max_trips 0 is below 1"),
    (lambda: vehicle(max_trips=2), "2 trips need a place to reload"),
    (
        lambda: vehicle(breaks=(Break(window_s=(0, 9), duration_s=1), Break(window_s=(8, 20), duration_s=1))),
        "overlap or are not in order",
    ),
    (lambda: Break(window_s=(0, 9), duration_s=10), "10 s do not fit its window"),
    (lambda: Break(window_s=(0, 9), duration_s=0), "0 s do not fit its window"),
    (lambda: Break(window_s=(-1, 9), duration_s=1), "do not fit its window"),
    (lambda: Break(window_s=(0, TIME_MAX), duration_s=1), "its window ends at"),
    (lambda: Reload(location=0, window_s=(5, 4)), "impossible"),
    (lambda: Reload(location=0, window_s=(0, TIME_MAX)), "impossible"),
    (lambda: Reload(location=0, duration_s=-1), "impossible"),
    *[
        (lambda name=name, bad=bad: Battery(**{"capacity_wh": 10.0} | {name: bad}), f"{name} must be finite and not")
        for name in ("capacity_wh", "reserve_wh", "wh_per_m", "wh_per_m_load", "seconds_per_wh")
        for bad in (-1.0, float("nan"), float("inf"))
    ],
    (lambda: Battery(capacity_wh=1, reserve_wh=2), "exceeds the capacity"),
]
PROBLEMS = [
    (lambda: problem(profiles=[]), "at least one profile"),
    (lambda: problem(profiles=[profile(), profile(duration_s=TABLE[:1, :1].copy(), distance_m=TABLE[:1, :1].copy())]),
     "differ in their number of locations"),
    (lambda: problem(vehicles=[vehicle(profile=1)]), "vehicle 0: there is no profile 1"),
    (lambda: problem(vehicles=[vehicle(start=2)]), "vehicle 0: its depot is outside"),
    (lambda: problem(vehicles=[vehicle(end=-1)]), "vehicle 0: its depot is outside"),
    (lambda: problem(vehicles=[vehicle(reloads=(Reload(location=2),))]), "vehicle 0: its depot is outside"),
    (lambda: problem(vehicles=[vehicle(capacity=np.array([1, 1])), vehicle()]), "vehicle 1: 1 capacities for 2 loads"),
    (lambda: problem(vehicles=[vehicle(pools=("permit",))]), "vehicle 0: there is no pool 'permit'"),
    (lambda: problem(pools={"permit": -1}), "pool 'permit': -1 is negative"),
    # Columns of orders.
    (lambda: problem(delivery=[1]), "delivery has 1 rows for 2 orders"),
    (lambda: problem(pickup=[[1], [1], [1]]), "pickup has 3 rows for 2 orders"),
    (lambda: problem(pickup=[[1, 1], [1, 1]]), "delivery and pickup are"),
    (lambda: problem(price_fen=[1]), "price_fen has 1 rows for 2 orders"),
    (lambda: problem(on_board_s=[1]), "on_board_s has 1 rows for 2 orders"),
    (lambda: problem(delivery=[0, -1]), "order 1: delivery"),
    (lambda: problem(pickup=[0, 2**53]), "order 1: pickup"),
    (lambda: problem(delivery=[2**52, 2**52]), "delivery sums to more"),
    (lambda: problem(release_s=[0, -1]), "order 1: release_s -1 is outside"),
    (lambda: problem(price_fen=[0, -2]), "order 1: price_fen -2 is outside"),
    (lambda: problem(price_fen=[2**48, 0]), "order 0: price_fen"),
    (lambda: problem(on_board_s=[-2, 0]), "order 0: on_board_s -2 is outside"),
    (lambda: problem(release_s=[0, 0.5]), "release_s holds NaN, infinity or a fraction"),
    (lambda: problem(release_s=[0, float("nan")]), "release_s holds NaN"),
    (lambda: problem(release_s=[0, 2**31]), "release_s holds a number that does not fit 32 bits"),
    (lambda: problem(release_s=["a", "b"]), "release_s must hold numbers"),
    # Columns of options.
    (lambda: problem(option_order=[0, 2]), "option_order names order 2; 2 options have at most 2 orders"),
    (lambda: problem(option_order=[1, 1]), r"option_order must name every order of 0\.\.1"),
    (lambda: problem(option_order=[-1, 0]), "option_order must name every order"),
    (lambda: problem(option_order=[1, 0]), "option_order must be ascending"),
    (lambda: problem(service_s=[1]), "service_s has 1 rows for 2 options"),
    (lambda: problem(option_fen=[1]), "option_fen has 1 rows for 2 options"),
    (lambda: problem(service_s=[0, -1]), "option 1: service_s -1 is outside"),
    (lambda: problem(service_s=[TIME_MAX, 0]), "option 0: service_s"),
    (lambda: problem(option_fen=[0, -1]), "option 1: option_fen -1 is outside"),
    (lambda: problem(location=[1, 2]), r"option 1: its location 2 is outside 0\.\.1"),
    (lambda: problem(chargers=[-1]), "charger 0: its location -1 is outside"),
    (lambda: problem(allowed=[[True]]), "allowed has 1 rows for 2 options"),
    (lambda: problem(allowed=[[True, True], [True, True]]), r"allowed has shape \(2, 2\), not \(2, 1\)"),
    # Windows.
    (lambda: problem(window_s=[[0, 1]]), "window_option has 2 rows for 1 windows"),
    (lambda: problem(window_s=[[0, 1], [0, 1]], window_option=[0, 0]), "option 1 has no window"),
    (lambda: problem(window_s=[[0, 1], [0, 1]], window_option=[1, 0]), "window_option must be ascending"),
    (lambda: problem(window_s=[[0, 1], [0, 1]], window_option=[0, 2]), "window_option must be ascending within"),
    (lambda: problem(window_s=[[0, 1], [9, 8]]), r"option 1: its window \[9, 8\] ends before it starts"),
    (lambda: problem(window_s=[[-1, 1], [0, 1]]), r"option 0: its window \[-1, 1\] is outside"),
    (lambda: problem(window_s=[[0, TIME_MAX], [0, 1]]), "option 0: its window"),
    (lambda: problem(window_s=[[0, 5], [5, 9], [0, 1]], window_option=[0, 0, 1]), "option 0: its windows overlap"),
    # Pairs and groups.
    (lambda: pair(pairs=[[0, 2]]), "pair 0: there is no order 2"),
    (lambda: pair(pairs=[[0, 0]]), "pair 0: order 0 is in pair 0 already"),
    (lambda: pair(delivery=[0, 1]), "pair 0: order 0 takes aboard what order 1 does not take off"),
    (lambda: pair(delivery=[1, 2]), "pair 0: its orders may have no load besides"),
    (lambda: pair(pickup=[2, 1]), "pair 0: its orders may have no load besides"),
    (lambda: pair(price_fen=[-1, 3]), "pair 0: order 1 must have one option and no price"),
    (lambda: pair(location=[1, 1, 1], option_order=[0, 0, 1]), "pair 0: order 0 must have one option"),
    (lambda: pair(release_s=[0, 5]), "pair 0: nothing of it is at the depot"),
    (lambda: pair(on_board_s=[5, -1]), "pair 0: nothing of it is at the depot"),
    (lambda: pair(groups=[Group(orders=(1,))]), "group 0: order 1 is in pair 0 already"),
    (lambda: problem(groups=[Group(orders=())]), "group 0: it is empty"),
    (lambda: problem(groups=[Group(orders=(0,), price_fen=-2)]), "group 0: it is empty, or its price -2"),
    (lambda: problem(groups=[Group(orders=(0,)), Group(orders=(1, 0))]), "group 1: order 0 is in group 0 already"),
    (lambda: problem(groups=[Group(orders=(2,))]), "group 0: there is no order 2"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "message"), [*PROFILES, *VEHICLES, *PROBLEMS])
def test_fault_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_usual_values_are_those_of_a_simple_day():
    made = problem()
    assert (made.orders, made.options, made.locations) == (2, 2, 2)
    assert made.delivery.tolist() == made.pickup.tolist() == [[0], [0]]
    assert made.window_s.tolist() == [[0, TIME_MAX - 1]] * 2
    assert (made.price_fen.tolist(), made.on_board_s.tolist()) == ([-1, -1], [-1, -1])
    assert made.allowed.all()
    assert (made.service_s.sum(), made.release_s.sum(), made.option_fen.sum()) == (0, 0, 0)


def test_orders_have_options_and_options_have_windows():
    made = problem(
        location=[1, 0, 1], option_order=[0, 0, 1], window_s=[[0, 1], [3, 4], [0, 9], [0, 9]],
        window_option=[0, 0, 1, 2], delivery=[[1], [2]],
    )  # fmt: skip
    assert (made.orders, made.options) == (2, 3)


def test_orders_without_any_vehicle_need_no_tables():
    empty = problem(profiles=[], vehicles=[])
    assert (empty.orders, empty.allowed.shape) == (2, (2, 0))
    assert problem(location=[]).orders == 0


def test_unreachable_is_no_fault():
    table = TABLE.copy()
    table[0, 1] = UNREACHABLE
    assert profile(duration_s=table).duration_s[0, 1] == UNREACHABLE


def test_arrays_are_read_only():
    made = problem()
    for item in fields(RoutingProblem):
        value = getattr(made, item.name)
        assert not isinstance(value, np.ndarray) or not value.flags.writeable, item.name
    with pytest.raises(ValueError, match="read-only"):
        made.profiles[0].duration_s[0, 0] = 1
    with pytest.raises(ValueError, match="read-only"):
        made.vehicles[0].capacity[0] = 1
    with pytest.raises(AttributeError):
        made.location = np.array([0])
    assert replace(made, pools={"permit": 1}).pools == {"permit": 1}


def test_what_is_given_stays_the_callers():
    location = np.array([1, 1], dtype=np.int32)
    made = problem(location=location)
    location[0] = 0
    assert made.location.tolist() == [1, 1]


def test_cost_is_the_sum_of_its_parts_and_a_round_knows_its_options():
    cost = Cost(fixed=1, distance=2, duration=4, overtime=8, options=16, unserved=32)
    assert cost.total == 63
    tour = Tour(vehicle=3, trips=((2, 1), (0,)), reloads=(0,))
    made = Round(tour=tour, visits=(), depart_s=0, return_s=0, distance_m=0, cost=cost)
    assert (made.vehicle, made.options) == (3, (2, 1, 0))
