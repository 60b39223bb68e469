"""Readers of routing instances: what becomes of the numbers of a file, by the family's convention."""

import numpy as np
import pytest
from routing_texts import CVRP, EVRPTW, FILES, GVRP, JD, MDVRPTW, SOLOMON, VRPTW

from benchmarks.routing import tables
from benchmarks.routing.families import CONVENTIONS, FAMILIES, MISSING, instance_files, read_instance
from benchmarks.routing.instance import Measure
from lastmile.errors import InputError
from lastmile.solvers.problem import TIME_MAX


def test_every_family_has_a_small_instance():
    assert set(FILES) == set(FAMILIES)


def test_cvrp_rounds_to_the_nearest_and_has_no_times(read):
    instance = read("cvrp")
    problem = instance.problem
    # sqrt(18) = 4.243 -> 4, sqrt(85) = 9.220 -> 9
    expected = [[0, 5, 1, 10], [5, 0, 4, 5], [1, 4, 0, 9], [10, 5, 9, 0]]
    np.testing.assert_array_equal(problem.profiles[0].distance_m, expected)
    assert problem.profiles[0].duration_s is problem.profiles[0].distance_m
    (vehicle,) = problem.vehicles
    assert (vehicle.count, vehicle.start, vehicle.end, vehicle.shift_s) == (3, 0, 0, (0, TIME_MAX - 1))
    assert (vehicle.fen_per_km, vehicle.fixed_fen, vehicle.capacity.tolist()) == (1000, 0, [7])
    assert problem.delivery.ravel().tolist() == [3, 4, 5]
    assert (problem.window_s == [0, TIME_MAX - 1]).all()
    assert problem.location.tolist() == [1, 2, 3]
    assert [instance.facts.nodes[node].id for node in instance.facts.customers] == [1, 2, 3]
    assert instance.fen_per_cost == 1


def test_dimacs_cuts_after_one_decimal(read):
    instance = read("vrptw-1000")
    problem = instance.problem
    assert problem.profiles[0].distance_m[1].tolist() == [50, 0, 42, 50]
    assert problem.window_s.tolist() == [[50, 200], [0, 500], [100, 900]]
    assert problem.service_s.tolist() == [20, 20, 20]
    assert problem.vehicles[0].shift_s == (0, 1000)
    assert problem.vehicles[0].count == 9
    assert instance.fen_per_cost == 10  # published with the decimal


def test_several_depots_come_first_and_limit_their_vehicles(read):
    instance = read("mdvrptw")
    first, second = instance.problem.vehicles
    assert (first.count, first.start, first.end) == (2, 0, 0)
    assert (second.count, second.start, second.end) == (1, 1, 1)
    assert first.shift_s == (0, 100_000)
    assert second.shift_s == (5_000, 20_000)
    assert first.max_duration_s == 60_000
    assert instance.problem.location.tolist() == [2, 3]
    assert [instance.facts.nodes[node].id for node in instance.facts.customers] == [2, 3]
    assert instance.problem.profiles[0].distance_m[1, 2] == 4243  # thousandths of sqrt(18)


def test_vehicles_that_serve_the_same_are_one_type(read):
    instance = read("sdvrptw")
    assert [vehicle.count for vehicle in instance.problem.vehicles] == [2, 1]
    assert instance.problem.allowed.tolist() == [[True, True], [True, True], [False, True]]
    assert [kind.numbers for kind in instance.facts.vehicles] == [(1, 2), (3,)]


def test_fleet_is_counted_by_type(read):
    instance = read("hfvrp")
    small, large = instance.problem.vehicles
    # Thousandths of a unit of way at 100 each; fixed costs in the same unit.
    assert (small.count, small.capacity.tolist(), small.fixed_fen, small.fen_per_km) == (2, [7], 150_000, 100_000)
    assert (large.count, large.capacity.tolist(), large.fixed_fen, large.fen_per_km) == (1, [12], 320_000, 134_000)
    assert [kind.numbers for kind in instance.facts.vehicles] == [(1, 3), (2,)]
    assert instance.fen_per_cost == 100_000


def test_trips_and_releases(read):
    (vehicle,) = read("mtvrptw").problem.vehicles
    assert vehicle.max_trips == 3
    assert [reload.location for reload in vehicle.reloads] == [0]
    assert read("mtvrptw").problem.release_s.tolist() == [0, 0, 300]


def test_prizes_are_prices_and_without_one_a_customer_must_be_served(read):
    assert read("pcvrptw").problem.price_fen.tolist() == [60, -1, 80]


def test_group_of_one_is_a_plain_order(read):
    problem = read("gvrp").problem
    assert [(group.orders, group.price_fen) for group in problem.groups] == [((0, 2), -1)]
    assert problem.price_fen.tolist() == [-1, -1, -1]


@pytest.mark.parametrize(
    ("convention", "row", "windows", "fewest", "unit"),
    [
        ("dimacs", [50, 0, 42], [[50, 200], [0, 500]], False, 10),
        ("hierarchical", [50_000, 0, 42_427], [[50_000, 200_000], [0, 500_000]], True, 10_000),
        ("distance", [50_000, 0, 42_427], [[50_000, 200_000], [0, 500_000]], False, 10_000),
    ],
)
def test_solomon_conventions(read, convention, row, windows, fewest, unit):
    # 10,000 sqrt(18) = 42,426.4, rounded up.
    instance = read("vrptw-100", convention)
    assert instance.problem.profiles[0].distance_m[1].tolist() == row
    assert instance.problem.window_s.tolist() == windows
    assert instance.facts.fewest_vehicles is fewest
    assert instance.fen_per_cost == unit
    assert read("vrptw-100").facts.convention == "dimacs"


@pytest.mark.parametrize(("convention", "full"), [(None, False), ("partial", False), ("full", True)])
def test_electric_vehicles(read, convention, full):
    instance = read("evrptw", convention)
    (vehicle,) = instance.problem.vehicles
    battery = vehicle.battery
    assert (battery.capacity_wh, battery.wh_per_m, battery.seconds_per_wh) == (6.0, 1e-4, 20_000.0)
    assert battery.full_only is full
    assert instance.problem.chargers.tolist() == [1]
    assert instance.problem.location.tolist() == [2]
    assert instance.facts.fewest_vehicles
    assert [node.id for node in instance.facts.nodes] == ["D0", "S1", "C1"]


def test_speed_divides_times_only(read):
    problem = read("evrptw", text=EVRPTW.replace("Velocity /1.0/", "Velocity /2.0/")).problem
    assert problem.profiles[0].distance_m[0, 2] == 50_000
    assert problem.profiles[0].duration_s[0, 2] == 25_000


def test_jd_is_in_seconds_watt_hours_and_thousandths_of_a_yuan(read):
    instance = read("evrptwspd-jd")
    problem = instance.problem
    (vehicle,) = problem.vehicles
    assert problem.profiles[0].distance_m.tolist() == [[0, 10000, 20000], [11000, 0, 10000], [21000, 9000, 0]]
    assert problem.profiles[0].duration_s[0].tolist() == [0, 1200, 1800]
    assert (vehicle.fixed_fen, vehicle.fen_per_km) == (300_000, 14_000)  # 0.014 yuan a metre
    assert (vehicle.battery.capacity_wh, vehicle.battery.wh_per_m) == (30_000.0, 0.25)
    assert vehicle.battery.seconds_per_wh == 0.06  # a minute for a kilowatt-hour
    assert problem.delivery.tolist() == [[15_297_748_182]]  # 0.015297748181828 in 10^-12, up
    assert problem.pickup.tolist() == [[8_002_251_819]]
    assert vehicle.capacity.tolist() == [2_500_000_000_000]
    assert problem.window_s.tolist() == [[3600, 9000]]
    assert [node.id for node in instance.facts.nodes] == [0, 7, 9]
    assert instance.fen_per_cost == 1000


@pytest.mark.parametrize(
    ("family", "text", "cause"),
    [
        ("vrptw-1000", CVRP, "its type is 'CVRP', not VRPTW"),
        ("cvrp", CVRP.replace("3 0 1", "4 0 1"), "a row 4 where row 3 is expected"),
        ("cvrp", CVRP.replace("3 0 1", "3 0"), "NODE_COORD_SECTION is not 4 rows of two numbers"),
        ("cvrp", CVRP.replace("4 5\nDEPOT", "4 5 6\nDEPOT"), "DEMAND_SECTION has rows that differ in length"),
        ("cvrp", CVRP.replace("3 0 1", "3 0 x"), "NODE_COORD_SECTION is not 4 rows of two numbers"),
        ("cvrp", CVRP.replace("2 3\n", "2 -3\n"), "order 0: delivery"),
        ("cvrp", CVRP.replace("EUC_2D", "GEO"), "EDGE_WEIGHT_TYPE"),
        ("cvrp", CVRP.replace("DIMENSION: 4", "DIMENSION: five"), "DIMENSION is 'five', not a number"),
        ("cvrp", CVRP.replace("DEPOT_SECTION\n1", "DEPOT_SECTION\n2"), "not the first of the file"),
        ("cvrp", CVRP.replace("CAPACITY : 7", "BACKHAUL : 7"), "BACKHAUL, a rule that is not known"),
        ("cvrp", CVRP.replace("CAPACITY : 7\n", ""), "no CAPACITY"),
        ("cvrp", "no such format", "no VRPLIB file"),
        ("vrptw-1000", VRPTW.replace("2 5 20", "2 25 20"), "ends before it starts"),
        ("mdvrptw", MDVRPTW.replace("3 2\nDEPOT", "3 3\nDEPOT"), "vehicle 3 belongs to node 3, which is no depot"),
        ("gvrp", GVRP.replace("2 3\nDEPOT", "2 4\nDEPOT"), "two groups share a node"),
        ("vrptw-100", SOLOMON.replace("2       0 ", "3       0 "), "numbered from 0"),
        ("vrptw-100", SOLOMON.replace("CAPACITY", "LOAD"), "VEHICLE and CUSTOMER"),
        ("evrptw", EVRPTW.replace("g inverse", "h inverse"), "neither a node nor a parameter"),
        ("evrptw", EVRPTW.replace("C1 ", "S1 "), "ids that differ"),
        ("evrptw", EVRPTW.replace("S1         f          3.0       0.0       0.0        0.0", "S1 f 3 0 0 5"), "hours"),
        ("evrptwspd-jd", JD.replace("3,7,9,10000,15\n", ""), "every pair"),
        ("evrptwspd-jd", JD.replace("7,c,", "7,x,"), "NODE_SECTION has '7,x,"),
        ("evrptwspd-jd", JD.replace("UNITCOST", "COST"), "its head lacks a number"),
        ("evrptwspd-jd", JD.replace("UNITCOST : 0.014", "UNITCOST : 0.0145555"), "is not whole"),
    ],
)
def test_broken_file_is_named_with_its_fault(read, family, text, cause):
    with pytest.raises(InputError) as caught:
        read(family, text=text)
    (fault,) = caught.value.faults
    assert FILES[family][0] in fault.place
    assert cause in fault.cause
    assert fault.remedy


@pytest.mark.parametrize(
    ("family", "convention", "cause"),
    [
        *((family, None, "its rules need what the solver does not have") for family in MISSING),
        ("tsp", None, "there is no such family"),
        ("cvrp", "dimacs", "no convention 'dimacs'"),
        ("evrptw", "swap", "no convention 'swap'"),
    ],
)
def test_family_that_cannot_be_read_says_what_is_missing(tmp_path, family, convention, cause):
    with pytest.raises(InputError) as caught:
        read_instance(family, tmp_path, convention)
    assert cause in caught.value.faults[0].cause


def test_folder_stands_for_its_instances(tmp_path):
    for name in ("b.vrp", "a.txt", "bks.csv"):
        (tmp_path / name).touch()
    assert [path.name for path in instance_files([tmp_path, tmp_path / "b.vrp"])] == ["a.txt", "b.vrp", "b.vrp"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"no \.vrp"):
        instance_files([tmp_path / "empty"])


def test_table_in_blocks_is_the_table_at_once(monkeypatch):
    generator = np.random.default_rng(1)
    x, y = generator.uniform(-50, 50, (2, 23))
    whole = tables.planar(x, y, Measure(), scale=10_000)
    monkeypatch.setattr(tables, "_BLOCK", 100)  # four rows of 23
    np.testing.assert_array_equal(tables.planar(x, y, Measure(), scale=10_000), whole)
    lengths = np.hypot(x[:, None] - x, y[:, None] - y)
    assert (whole >= 10_000 * lengths - 1e-5).all()
    assert (whole < 10_000 * lengths + 1).all()


def test_distance_beyond_the_tables_is_refused():
    with pytest.raises(ValueError, match="does not fit"):
        tables.planar(np.array([0.0, 2e6]), np.zeros(2), Measure(multiplier=1000, rounding="down"), scale=1)


@pytest.mark.parametrize("family", FAMILIES)
def test_all_real_instances_are_read(data_folder, family):
    folder = data_folder / "benchmarks" / family
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there")
    for path in instance_files([folder]):
        if family == "cvrp-large" and path.stem != "Leuven1":
            continue  # 400 MB each
        for convention in CONVENTIONS.get(family, (None,)):
            instance = read_instance(family, path, convention)
            facts, problem = instance.facts, instance.problem
            assert facts.name == path.stem
            assert problem.orders == len(facts.customers) == len(facts.nodes) - len(facts.depots) - len(facts.chargers)
            if family == "cvrp":  # X-n120-k6: 120 nodes, and 6 vehicles carry all
                nodes, fewest = (int(part[1:]) for part in path.stem.split("-")[1:])
                assert len(facts.nodes) == nodes
                assert problem.delivery.sum() <= fewest * problem.vehicles[0].capacity[0]


@pytest.mark.parametrize(
    ("family", "name", "demand", "most"),
    # Sums of the columns of the files; vehicles of all types.
    [
        ("cvrp-large", "Leuven1.vrp", 5068, 3000),
        ("vrptw-100", "C101.txt", 1810, 25),
        ("vrptw-1000", "C1_10_1.vrp", 17_940, 250),
        ("sdvrptw", "PR01.vrp", 574, 8),
        ("hfvrp", "X1001-FSMF.vrp", 5557, 5000),
        ("evrptw", "c101_21.txt", 1810, 100),
    ],
)
def test_real_instances_have_their_demand_and_fleet(data_folder, family, name, demand, most):
    path = data_folder / "benchmarks" / family / name
    if not path.is_file():
        pytest.skip(f"{path} is not there")
    problem = read_instance(family, path).problem
    assert problem.delivery.sum() == demand
    assert sum(vehicle.count for vehicle in problem.vehicles) == most
