"""What peers are given, and what they are spared."""

from dataclasses import replace

import pytest

from benchmarks.routing.found import CannotExpress
from benchmarks.routing.peers.expressible import refuse_beyond_plain, vehicle_surcharge, vehicles_to_model
from benchmarks.routing.process import solve_apart


@pytest.mark.parametrize("family", ["evrptw", "evrptwspd-jd"])
def test_batteries_are_refused_not_dropped(read, family):
    with pytest.raises(CannotExpress, match="batteries"):
        refuse_beyond_plain(read(family).problem)


@pytest.mark.parametrize("family", ["cvrp", "vrptw-1000", "mdvrptw", "sdvrptw", "hfvrp", "mtvrptw", "pcvrptw", "gvrp"])
def test_plain_families_are_not_refused(read, family):
    refuse_beyond_plain(read(family).problem)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"end": None}, "ends elsewhere"),
        ({"max_orders": 3}, "most orders"),
        ({"fen_per_km": 14}, "not whole for a metre"),
        ({"fen_per_hour": 1}, "costs of time"),
    ],
)
def test_rule_that_no_family_has_is_refused(read, change, reason):
    problem = read("cvrp").problem
    with pytest.raises(CannotExpress, match=reason):
        refuse_beyond_plain(replace(problem, vehicles=(replace(problem.vehicles[0], **change),)))


def test_one_vehicle_less_outweighs_any_way(read):
    instance = read("cvrp")
    assert vehicle_surcharge(instance.problem, fewest_vehicles=False) == 0
    # Every order by itself: 2 * (5 + 1 + 10) = 32, at a fen a metre.
    assert vehicle_surcharge(instance.problem, fewest_vehicles=True) == 33


def test_so_many_vehicles_are_modelled_as_can_be_of_use(read):
    problem = read("hfvrp").problem
    assert vehicles_to_model(problem) == [0, 0, 1]
    many = tuple(replace(vehicle, count=1000) for vehicle in problem.vehicles)
    # A load of 12 fills two vehicles of 7 and one of 12: 4 + 25 and 2 + 25.
    assert vehicles_to_model(replace(problem, vehicles=many)) == [0] * 29 + [1] * 27


def test_process_says_what_it_cannot_express(write):
    with pytest.raises(CannotExpress, match="batteries"):
        solve_apart("ortools", write("evrptw"), family="evrptw", convention=None, seconds=1.0, seed=0)


def test_process_that_fails_says_why(write):
    with pytest.raises(RuntimeError, match="its type is 'CVRP', not GVRP"):
        solve_apart("ortools", write("cvrp"), family="gvrp", convention=None, seconds=1.0, seed=0)
