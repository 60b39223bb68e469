"""The checker of routing solutions: it finds what solutions cost, and every rule that they break."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from routing_texts import EVRPTW, JD
from scipy.optimize import linprog

from benchmarks.routing import charging
from benchmarks.routing.check import check
from benchmarks.routing.families import read_instance
from benchmarks.routing.instance import Measure, Route, Traction


def routes(*stops, vehicles=0):
    return [Route(vehicles=vehicles, stops=tuple(one)) for one in stops]


def test_cost_of_a_tour(read):
    # 0-1-2-0: 5 + 4 + 1; 0-3-0: 10 + 10.
    judged = check(read("cvrp").facts, routes([1, 2], [3], []))
    assert (judged.cost, judged.distance, judged.vehicles, judged.violations) == (30, 30, 2, ())


@pytest.mark.parametrize(
    ("family", "solution", "violation"),
    [
        ("cvrp", routes([1, 2]), "node 3: it is not visited"),
        ("cvrp", routes([1, 2], [3, 1]), "node 1: it is visited 2 times"),
        ("cvrp", routes([1], [2, 3]), "route 2: it carries 9, its capacity is 7"),
        ("cvrp", routes([1, 0, 2], [3]), "route 1: it stops at node 0, where there is nothing to do"),
        ("cvrp", routes([1, 2], [3, 4]), "route 2: there is no node 4"),
        ("cvrp", routes([1, 2], [3], vehicles=1), "vehicle type 1: 2 vehicles are used, 0 are there"),
        ("mdvrptw", routes([2], [3], vehicles=1), "vehicle type 1: 2 vehicles are used, 1 are there"),
        # 0-3 takes 100, waiting none, service 20, 3-1 takes 50: at 170 within [50, 200]; by 2 first: 10 + 20 + 92 +
        # 20 + 50 = 192; and a third turn, 3 at 100, 2 at 100 + 20 + 92 = 212, 1 at 212 + 20 + 42 = 274.
        ("vrptw-1000", routes([3], [1, 2]), None),
        ("vrptw-1000", routes([2, 3], [1]), "route 1: it carries 9, its capacity is 7"),
        ("vrptw-1000", routes([3, 2, 1]), "route 1: service at node 1 begins at 274, its window ends at 200"),
        ("sdvrptw", routes([1, 2], [3]), "route 2: its vehicle may not serve node 3"),
        ("gvrp", routes([1, 2], [3]), "group of 1, 3: 2 of its nodes are visited, not 1"),
        ("gvrp", routes([2]), "group of 1, 3: 0 of its nodes are visited, not 1"),
        ("gvrp", routes([2, 3]), None),
        ("pcvrptw", routes([2]), None),
        ("pcvrptw", routes([1], [3]), "node 2: it is not visited"),
        ("mtvrptw", routes([1, 2, 3]), "route 1: it carries 12, its capacity is 8"),
        ("mtvrptw", routes([1, 2, 0, 3]), None),
        # The second trip waits for order 3, out at 300: 1 is reached at 300 + 100 + 20 + 50 = 470.
        ("mtvrptw", routes([2, 0, 3, 1]), "route 1: service at node 1 begins at 470, its window ends at 200"),
        ("evrptw", routes([2]), "route 1: the battery does not reach node D0: 4 are missing"),
        ("evrptw", routes([1, 2]), "route 1: the battery does not reach node D0: 3 are missing"),
    ],
)
def test_rules(read, family, solution, violation):
    violations = check(read(family).facts, solution).violations
    assert violations == () if violation is None else violation in violations


def test_route_back_too_late_and_too_long(read):
    facts = read("sdvrptw").facts
    # 2 from (0,1): thousandths; 0-3-0 takes 10 + 1 + 10 = 21 at least, in a day of 100.
    (kind,) = [kind for kind in facts.vehicles if kind.numbers == (3,)]
    short = replace(facts, vehicles=(replace(kind, max_duration=20_999.0),))
    assert "route 1: it lasts 21000, at most 20999 are allowed" in check(short, routes([3])).violations
    enough = replace(facts, vehicles=(replace(kind, max_duration=21_000.0),))
    assert not [text for text in check(enough, routes([3])).violations if "route" in text]
    early = replace(facts.nodes[0], window=(0.0, 20_000.0))
    closed = replace(facts, nodes=(early, *facts.nodes[1:]), vehicles=(kind,))
    assert "route 1: it is back at 21000, the depot closes at 20000" in check(closed, routes([3])).violations


def test_waiting_that_a_later_departure_avoids_does_not_count(read):
    # 3 opens at 10 and is 10 away; 2 opens at 0: 0-2-3 waits nowhere. 1 opens at 5, 5 away: leaving at 0 is right.
    # With a window from 50 the vehicle leaves at 40 and is away for 21, not 61.
    facts = read("sdvrptw").facts
    nodes = (*facts.nodes[:3], replace(facts.nodes[3], window=(50_000.0, 90_000.0)))
    limited = replace(facts, nodes=nodes, vehicles=(replace(facts.vehicles[1], max_duration=21_000.0),))
    assert not [text for text in check(limited, routes([3])).violations if "route" in text]


def test_cost_counts_fleet_prizes_and_yuan(read):
    # A large vehicle: 320 + 1.34 * ... in hundredths: (320 + 134 * (5 + 5 + 10)) / 100 + (150 + 100 * 2) / 100.
    judged = check(read("hfvrp").facts, [*routes([1, 3], vehicles=1), *routes([2])])
    assert judged.cost == pytest.approx((320 + 134 * 20 + 150 + 100 * 2) / 100)
    assert judged.violations == ()
    # Only 2 is visited: 10 + 10, and prizes of 60 and 80 not collected.
    assert check(read("pcvrptw").facts, routes([2])).cost == 160
    # 300 + 0.014 * (10,000 + 11,000)
    assert check(read("evrptwspd-jd").facts, routes([1])).cost == pytest.approx(594.0)


def test_pickups_fill_what_deliveries_leave(read):
    full = JD.replace("0.015297748181828,0.008002251818172", "2.5,2.5")
    assert check(read("evrptwspd-jd", text=full).facts, routes([1])).violations == ()
    over = JD.replace("0.015297748181828,0.008002251818172", "2.4,2.51")
    (violation,) = check(read("evrptwspd-jd", text=over).facts, routes([1])).violations
    assert violation == "route 1: it carries 2.51, its capacity is 2.5"


def test_charge_is_enough_or_takes_too_long(read):
    # D0-S1 3, charge 3 in 6, S1-C1 4 at 13, service 2, C1-S1 4 with 2 left: not enough; so S1 before and after:
    # leaves S1 full at 9, C1 at 13, to S1 with -2: 8 of way on 6.
    longer = EVRPTW.replace("tank capacity /6.0/", "tank capacity /8.0/")
    # Partial: 3 to S1 leaves 5, charge 3 (6 time) for the 8 there and back: C1 at 13, S1 at 19, charge 3 more: 25, 28.
    assert check(read("evrptw", text=longer).facts, routes([1, 2, 1])).violations == ()
    # Full: on the second visit 8 more take 16: back at 19 + 16 + 3 = 38.
    (violation,) = check(read("evrptw", "full", text=longer).facts, routes([1, 2, 1])).violations
    assert violation == "route 1: it is back at 38, the depot closes at 30"
    late = longer.replace("5.0        20.0", "5.0        12.0")
    (violation,) = check(read("evrptw", text=late).facts, routes([1, 2, 1])).violations
    assert violation == "route 1: the battery does not reach node S1: 0.5 are missing"  # 2.5 charged by 8, not 3
    later = longer.replace("5.0        20.0", "5.0        6.0")
    (violation,) = check(read("evrptw", text=later).facts, routes([1, 2, 1])).violations
    assert violation == "route 1: it is at node C1 at 7 at the earliest, closed at 6"


def test_charging_early_while_a_window_is_closed_costs_nothing():
    # Two chargers in a row around a stop that opens at 20: what is charged before it is free.
    traction = Traction(capacity=10, per_distance=1, time_per_energy=2, full_only=False)
    line = charging.travel(charging.depart(0, traction), 8, 8, traction, 0)
    line = charging.charge(line, traction)  # at 8 with 2
    line = charging.travel(line, 1, 1, traction, 0)
    line = line.later(20, traction)  # 11 of waiting: 5.5 more, 6.5 in all
    assert (line.time, line.charge, line.cap) == (20, 6.5, 9)
    line = charging.travel(line, 8, 8, traction, 0)  # 1.5 more took 3
    assert (line.time, line.charge) == (31, 0)


@given(
    legs=st.lists(
        st.tuples(st.integers(1, 6), st.integers(0, 20), st.integers(0, 15), st.booleans()), min_size=1, max_size=6
    ),
    rate=st.integers(0, 3),
)
def test_earliest_return_is_that_of_a_linear_programme(legs, rate):
    traction = Traction(capacity=8.0, per_distance=1.0, time_per_energy=float(rate), full_only=False)
    line = charging.depart(0.0, traction)
    for way, opens, lasts, charger in legs:
        line = line and charging.travel(line, way, way, traction, 1e-9)
        if line is None:
            break
        line = line.later(opens, traction)
        if line.time > opens + lasts + 1e-9:
            line = None
            break
        line = line.until(max(line.time, opens + lasts), traction)
        line = charging.charge(line, traction) if charger else line.after(1.0)
    line = line and charging.travel(line, 1.0, 1.0, traction, 1e-9)
    best = _linear_programme(legs, rate, traction.capacity)
    assert (line is None) == (best is None)
    if line is not None:
        assert line.time == pytest.approx(best)


def _linear_programme(legs, rate, capacity):
    """Earliest return: variables are the beginning at each stop and the energy charged there."""
    count = len(legs)
    rows, limits = [], []

    def at_most(limit, times=(), amounts=()):
        row = np.zeros(2 * count + 1)
        for index, factor in times:
            row[index] += factor
        for index, factor in amounts:
            row[count + 1 + index] += factor
        rows.append(row)
        limits.append(limit)

    ways = [way for way, *_ in legs] + [1]
    used = np.cumsum(ways)
    for index in range(count + 1):
        # charge on arrival is not below 0
        at_most(capacity - used[index], amounts=[(before, -1) for before in range(index)])
        if index == 0:
            at_most(-ways[0], times=[(0, -1)])
        else:
            charger = legs[index - 1][3]
            stay = [(index - 1, rate)] if charger else []
            at_most(-ways[index] - (0 if charger else 1), times=[(index - 1, 1), (index, -1)], amounts=stay)
        if index < count:
            at_most(used[index], amounts=[(before, 1) for before in range(index + 1)])  # and not above full
    bounds = [(opens, opens + lasts) for _, opens, lasts, _ in legs] + [(0, None)]
    bounds += [(0, None if charger else 0) for *_, charger in legs]
    target = np.zeros(2 * count + 1)
    target[count] = 1
    solved = linprog(target, A_ub=np.array(rows), b_ub=np.array(limits), bounds=bounds)
    return solved.fun if solved.status == 0 else None


# Routes published beside the instances, https://github.com/PyVRP/Instances (MIT), and for c101_21 beside
# https://github.com/0SliverBullet/EVRP-TW-SPD-HMA: customers by number, stations from 101 in the file's sequence.
_PUBLISHED = {
    "sdvrptw/PR01.vrp": (
        1655420,
        {
            1: "37 6", 3: "8 10 9 45 15 11 46", 4: "24 21 39 28 36 14 33 23 44", 5: "26 41 19 48 2 16",
            6: "13 27 29 4 1 43 25 32", 7: "7 20 38 30 31 22 40 34", 8: "47 18 17 42 35 5 12 3",
        },
    ),
    "gvrp/M-n101-k10-C51-V5.vrp": (
        542,
        {
            1: "47 46 50 52 31 35 37 39 36 32 29 20", 2: "65 62 66 68 55 54 56 58 40",
            3: "72 80 79 73 71 76 81 83 84 86 89 90", 4: "5 6 2 99 100 97 94 95 98", 5: "22 28 13 17 19 15 14 12 10",
        },
    ),
    "mtvrptw/C201R0.25.vrp": (
        15006,
        {
            1: "45 51 50 52 47 43 42 41 48", 2: "63 62 66 0 68 65 49 55 54 59 44", 3: "53 56 58 60 0 57 40 46 87",
            4: "93 5 75 2 0 1 99 95 98 7 89 0 18 19 16 14 12 0 15 17 13 9 0 8 21",
            5: "67 74 72 61 64 69 0 91 88 84 83 82 90", 6: "32 33 36 34 0 86 85 81 78 77",
            7: "100 97 92 94 3 4 0 76 71 70 73 80 79 96",
            8: "20 22 24 27 30 29 6 0 31 35 37 38 39 0 28 26 23 25 11 10",
        },
    ),
}  # fmt: skip
_CHARGED = (
    "41 40 42 44 45 48 46 47 43", "116 59 60 58 56 53 54 55 57 116", "90 87 86 82 83 84 85 88 89 91",
    "75 1 96 95 94 92 93 97 100 99 104", "67 65 62 64 68 69", "23 25 27 30 28 26 10 11 9 8",
    "20 24 34 36 39 38 37 35 112 51 50 49", "21 22 29 32 33 31 52", "63 74 120 79 77 80 72 61 66", "98 2 4 6 7 3 5",
    "120 73 70 71 76 78 81 120", "106 12 14 16 19 18 17 15 13",
)  # fmt: skip


@pytest.mark.parametrize("file", _PUBLISHED)
def test_published_solutions_cost_what_is_published(data_folder, file):
    path = data_folder / "benchmarks" / file
    if not path.is_file():
        pytest.skip(f"{path} is not there")
    cost, published = _PUBLISHED[file]
    facts = read_instance(path.parent.name, path).facts
    kind = {number: index for index, kind in enumerate(facts.vehicles) for number in kind.numbers}
    solution = [Route(vehicles=kind[one], stops=tuple(map(int, row.split()))) for one, row in published.items()]
    judged = check(facts, solution)
    assert (judged.cost, judged.vehicles, judged.violations) == (cost, len(published), ())


@pytest.mark.parametrize("rounded_up", [False, True])
def test_published_electric_solution_needs_partial_charging(data_folder, rounded_up):
    path = data_folder / "benchmarks" / "evrptw" / "c101_21.txt"
    if not path.is_file():
        pytest.skip(f"{path} is not there")

    def judge(convention):
        instance = read_instance("evrptw", path, convention)
        facts = instance.facts
        if rounded_up:  # the integers that solvers get leave it feasible
            table = instance.problem.profiles[0].distance_m / 10_000
            facts = replace(facts, measure=Measure(distances=table, times=table))
        node = {one.id: index for index, one in enumerate(facts.nodes)}
        solution = [
            [node[f"C{stop}"] if stop <= 100 else facts.chargers[stop - 101] for stop in map(int, row.split())]
            for row in _CHARGED
        ]
        return check(facts, routes(*solution))

    partial = judge("partial")
    assert (partial.vehicles, partial.violations) == (12, ())
    assert partial.cost == pytest.approx(1043.38, abs=0.01)
    assert judge("full").violations
