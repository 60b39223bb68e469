"""Problems check what they are given and name the index and the rule."""

from dataclasses import replace

import numpy as np
import pytest

from lastmile.solvers.problem import RoutingProblem, RoutingProfile, RoutingVehicle, SitingProblem

TABLE = np.array([[0, 5], [7, 0]], dtype=np.int32)


def vehicle(**changes):
    base = {"count": 1, "start": 0, "end": 0, "profile": 0, "capacity": np.array([10]), "shift_s": (0, 100)}
    return RoutingVehicle(**base | changes)


def problem(**changes):
    base = {
        "profiles": (RoutingProfile(duration_s=TABLE.copy(), distance_m=TABLE.copy()),),
        "vehicles": (vehicle(),),
        "location": np.array([1], dtype=np.int32),
        "delivery": np.array([[1]]),
        "pickup": np.array([[0]]),
        "service_s": np.array([0], dtype=np.int32),
        "window_s": np.array([[0, 100]], dtype=np.int32),
        "release_s": np.array([0], dtype=np.int32),
        "price_fen": np.array([-1]),
        "allowed": np.array([[True]]),
        "on_board_s": np.array([-1], dtype=np.int32),
    }
    return RoutingProblem(**base | changes)


def siting(**changes):
    base = {
        "fixed_fen": np.array([10, 20]), "module_fen": np.array([1, 1]),
        "modules_max": np.array([1, 2], dtype=np.int32),
        "module_capacity": np.array([5, 5], dtype=np.int32), "existing": np.array([0, 0], dtype=np.int32),
        "weight": np.array([3.0]), "serve_demand": np.array([0], dtype=np.int32),
        "serve_site": np.array([1], dtype=np.int32), "serve_metres": np.array([10.0]),
        "attract_demand": np.empty(0, np.int32), "attract_site": np.empty(0, np.int32), "parcel_fen": 100.0,
    }  # fmt: skip
    return SitingProblem(**base | changes)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: RoutingProfile(duration_s=TABLE[:1], distance_m=TABLE[:1]), "duration_s must be square"),
        (lambda: RoutingProfile(duration_s=-TABLE, distance_m=TABLE), r"negative entry at \(0, 1\)"),
        (lambda: RoutingProfile(duration_s=TABLE, distance_m=TABLE[:1, :1]), "differ in shape"),
        (lambda: RoutingProfile(duration_s=TABLE, distance_m=TABLE, energy_wh=TABLE[:1, :1]), "energy_wh differ in"),
        (lambda: RoutingProfile(duration_s=TABLE, distance_m=TABLE, energy_wh=-TABLE), "energy_wh has a negative"),
        (lambda: vehicle(count=-1), "count -1 is negative"),
        (lambda: vehicle(shift_s=(5, 4)), "ends before it starts"),
        (lambda: vehicle(capacity=np.array([-1])), "capacity is negative"),
        (lambda: problem(service_s=np.zeros(2, dtype=np.int32)), "service_s has 2 rows for 1 orders"),
        (lambda: problem(profiles=()), "at least one profile"),
        (lambda: problem(location=np.array([2], dtype=np.int32)), r"location is outside 0\.\.1"),
        (lambda: problem(allowed=np.array([[True, True]])), r"allowed has shape \(1, 2\), not \(1, 1\)"),
        (lambda: problem(window_s=np.array([[9, 8]], dtype=np.int32)), "order 0: its window ends before"),
        (lambda: problem(delivery=np.array([[-1]])), "load is negative"),
        (lambda: problem(vehicles=(vehicle(profile=1),)), "vehicle 0: there is no profile 1"),
        (lambda: problem(vehicles=(vehicle(end=2),)), "vehicle 0: its depot is outside"),
        (lambda: problem(vehicles=(vehicle(capacity=np.array([1, 1])),)), "2 capacities for 1 loads"),
        (lambda: problem(vehicles=(vehicle(pools=("permit",)),)), "vehicle 0: there is no pool 'permit'"),
        (lambda: siting(existing=np.array([0], dtype=np.int32)), "existing has 1 entries for 2 sites"),
        (lambda: siting(serve_site=np.array([2], dtype=np.int32)), r"serve_site has an index outside 0\.\.1"),
        (lambda: siting(attract_demand=np.array([1], dtype=np.int32)), r"attract_demand has an index outside 0\.\.0"),
        (lambda: siting(weight=np.array([-1.0])), "weight is negative"),
    ],
)
def test_fault_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_orders_without_any_vehicle_need_no_tables():
    empty = problem(profiles=(), vehicles=(), allowed=np.empty((1, 0), dtype=bool))
    assert empty.orders == 1


def test_arrays_are_read_only():
    made = problem()
    with pytest.raises(ValueError, match="read-only"):
        made.location[0] = 0
    with pytest.raises(AttributeError):
        made.location = np.array([0])
    assert replace(made, pools={"permit": 1}).pools == {"permit": 1}
