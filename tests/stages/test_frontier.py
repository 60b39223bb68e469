"""The frontier of coverage: what so many sites cover, and what none can exceed."""

from itertools import combinations, pairwise
from xml.etree import ElementTree as ET

import numpy as np
import pytest
import town

from lastmile.errors import InputError
from lastmile.output.frontier_files import chart, rows
from lastmile.stages.frontier import facility_named, find_frontier

SITES = "id,name,host,lon,lat,status,facilities,modules\n"
TABLE = {"[search]": '[candidates]\nfrom_map = false\ntable = { file = "sites.csv", crs = "wgs84" }\n\n[search]'}
PARCELS = {"a": 20, "b": 7, "c": 11, "d": 5}
# Lockers reach 400 m, one block and a bit: which of the orders each candidate reaches.
REACHED = {"x": {"a", "b"}, "y": {"b", "c"}, "z": {"d"}}
PLACES = {"x": (3, 3), "y": (3, 5), "z": (0, 0)}


@pytest.fixture
def city(make_city, row, tmp_path):
    """Orders a, b, c along a street with the candidates x between a and b, y between b and c, and z beside d."""

    def make(existing=(), scenario=None):
        lines = [
            ",".join(
                map(str, (name, name, "residential", *town.corner(*at), "existing" if name in existing else "candidate",
                          "locker", 1 if name in existing else ""))
            )
            for name, at in PLACES.items()
        ]  # fmt: skip
        (tmp_path / "sites.csv").write_text(SITES + "\n".join(lines) + "\n", encoding="utf-8")
        orders = [
            row("a", 3, 2.5, PARCELS["a"], "locker;door"),
            row("b", 3, 4, PARCELS["b"], "door"),
            row("c", 3, 5.5, PARCELS["c"], "locker;door"),
            row("d", 0, 0.5, PARCELS["d"], "locker;door"),
        ]
        return make_city(TABLE | (scenario or {}), orders=orders)

    return make


def of(city, **given):
    facility = facility_named(city.scenario.file.facilities, "locker")
    return find_frontier(city, facility, seconds=10, seed=0, on_progress=lambda *_: None, **given)


def covered(names):
    return sum(PARCELS[order] for order in set().union(*(REACHED[name] for name in names)))


def test_each_point_is_the_best_of_all_sets_and_proven(city):
    made = of(city())
    assert [point.sites for point in made.points] == [1, 2, 3]
    assert made.total == made.coverable == sum(PARCELS.values())
    for point in made.points:
        best = max(covered(names) for names in combinations(REACHED, point.sites))
        assert point.parcels == point.bound == best == covered(point.candidates)
        assert point.stopped == "optimal"
    assert all(a.parcels <= b.parcels for a, b in pairwise(made.points))


def test_sites_that_exist_are_in_every_point(city):
    made = of(city(existing=["z"]), numbers=[2, 1, 2])
    assert made.standing == 1
    assert [set(point.candidates) for point in made.points] == [{"z"}, {"z", "x"}]
    assert made.points[0].parcels == PARCELS["d"]


@pytest.mark.parametrize(("existing", "number"), [((), 4), ((), 0), (("x", "y"), 1)])
def test_numbers_that_cannot_be_are_named(city, existing, number):
    with pytest.raises(InputError, match=rf"(?s)number {number}:.*remedy: give numbers from"):
        of(city(existing), numbers=[number])


def test_a_facility_that_no_candidate_holds_is_named(city):
    with pytest.raises(InputError, match="no candidate may hold it"):
        find_frontier(
            city(), next(f for f in city().scenario.file.facilities if f.id != "locker"), seconds=1, seed=0,
            on_progress=lambda *_: None,
        )  # fmt: skip


def test_table_and_chart_say_the_same(city):
    made = of(city())
    table = rows(made)
    assert [row["covered"] for row in table] == [round(point.parcels / made.total, 6) for point in made.points]
    assert all(row["gap"] == 0 for row in table)
    root = ET.fromstring(chart(made))
    told = [title.text for title in root.findall(".//{*}title")]
    assert told[0] == f"1 sites: {table[0]['covered']:.1%}"
    assert len(root.findall(".//{*}polyline")) == 2


# Hosts are all the same, so that each costs what the town's locker does.
COST = 9000.0


@pytest.mark.parametrize("existing", [(), ("z",)])
def test_a_budget_buys_the_best_of_all_sets_that_it_pays_for(city, existing):
    made = of(city(existing=existing), budgets=[3 * COST, COST, 2 * COST + 1, 2 * COST - 1])
    assert [point.budget for point in made.points] == [COST, 2 * COST - 1, 2 * COST + 1, 3 * COST]
    for point in made.points:
        sets = [
            set(names) | set(existing)
            for k in range(4)
            for names in combinations([n for n in REACHED if n not in existing], k)
            if k * COST <= point.budget
        ]
        assert point.parcels == max(map(covered, sets)) == covered(point.candidates)
        assert point.bound == pytest.approx(point.parcels)
        assert point.yuan == COST * len(set(point.candidates) - set(existing)) <= point.budget
        assert point.sites == len(point.candidates)


@pytest.mark.parametrize(
    ("budgets", "words"),
    [([COST - 1], "the cheapest costs 9,000 yuan"), ([0], "is no sum of money"), ([-5], "is no sum of money"),
     ([float("nan")], "is no sum of money"), ([float("inf")], "is no sum of money"), ([10**400], "is no sum of money")],
)  # fmt: skip
def test_budgets_that_cannot_be_are_named(city, budgets, words):
    with pytest.raises(InputError, match=words):
        of(city(), budgets=budgets)


def test_every_budget_that_cannot_be_is_named(city):
    with pytest.raises(InputError, match="2 faults") as found:
        of(city(), budgets=[-5, COST, 1])
    assert [fault.place for fault in found.value.faults] == ["budget -5", "budget 1"]


def test_money_is_not_spent_beyond_what_covers_more(city):
    made = of(city(), budgets=[100 * COST])
    assert (made.points[0].sites, made.points[0].yuan) == (3, 3 * COST)


# Nine of ten come from 100 m, half from 200 m, and of those further away fewer and fewer.
SHARES = {"reach_m = 400.0": "reach_m = 400.0\nwalk_shares = [[100, 0.9], [200, 0.5], [400, 0.1]]"}


def expected(names):
    """Parcels of each order times the share that walks to the best of these places; along the street, 200 m a block."""
    blocks = {"a": (3, 2.5), "b": (3, 4), "c": (3, 5.5), "d": (0, 0.5)}
    found = 0.0
    for order, (row, column) in blocks.items():
        metres = [200 * (abs(row - PLACES[name][0]) + abs(column - PLACES[name][1])) for name in names]
        share = [np.interp(away, [100, 200, 400], [0.9, 0.5, 0.1], right=0.0) for away in metres if away <= 400]
        found += PARCELS[order] * max(share, default=0.0)
    return found


def test_points_count_the_parcels_that_are_expected_where_shares_of_who_walks_are_stated(city):
    made = city(scenario=SHARES)
    # a and d 100 m from x and z, b 200 m from x and y, c 100 m from y: the walks are known to some decimetres.
    by_number = of(made, numbers=[1, 2, 3])
    by_budget = of(made, budgets=[COST, 2 * COST, 3 * COST])
    for k, points in enumerate(zip(by_number.points, by_budget.points, strict=True), start=1):
        best = max(expected(names) for names in combinations(PLACES, k))
        for point in points:
            assert point.parcels == pytest.approx(best, rel=5e-3)
            assert point.parcels == pytest.approx(expected(point.candidates), rel=5e-3)
            assert point.bound == pytest.approx(point.parcels, rel=1e-5)
            assert point.stopped == "optimal"
    assert by_number.points[0].parcels < covered({"x"})
    assert by_number.coverable == pytest.approx(by_number.points[-1].parcels)
    assert by_number.total == sum(PARCELS.values())
    assert "parcels expected from within 400 m on foot" in chart(by_number)
    assert "parcels within 400 m on foot" in chart(of(city()))


def test_numbers_and_budgets_exclude_each_other(city):
    with pytest.raises(InputError, match="give one of the two"):
        of(city(), numbers=[1], budgets=[COST])


def test_a_frontier_of_budgets_is_drawn_in_yuan(city):
    made = of(city(), budgets=[COST, 2 * COST])
    assert [row["budget"] for row in rows(made)] == [COST, 2 * COST]
    told = [title.text for title in ET.fromstring(chart(made)).findall(".//{*}title")]
    assert told[1].startswith("18,000 yuan: ")
