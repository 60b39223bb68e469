"""Lockers with compartments by size and one refrigerated pilot, from the town's scenario to its files."""

import json
from collections import Counter
from dataclasses import replace

import pytest
import town

import lastmile
from lastmile.joint import serve_jointly
from lastmile.scenario import SIZES
from lastmile.stages.frontier import facility_named, find_frontier

PILOT = """[[targets]]
measure = "count"
id = "cold-pilot"
text = "智能冷藏快件箱试点 / a pilot of refrigerated lockers"
citation = "洛政办〔2016〕7号"
facility = "locker"
of = "chilled_modules"
minimum = 1
maximum = 1

[[depots]]
"""
CHANGES = {
    town.ORDERS_KEY: "generate = { parcels_per_person_day = 0.02, chilled_share = 0.1, bundle_parcels_max = 12 }",
    "parcels_per_module = 40.0\nmodules_max = 2": "parcels_per_module = 60.0\nmodules_max = 3\n"
    "compartments = { S = 20, M = 12, L = 4, XL = 1 }\nturnover_per_day = 1.2\n"
    "chilled_modules_max = 1\nparcels_per_chilled_module = 12.0\nyuan_per_chilled_module = 15000.0\n"
    "yuan_per_chilled_module_day = 4.0",
    "yuan_per_module = 9000.0": "yuan_per_module = 900.0",
    "[[depots]]\n": PILOT,
    'based_at = ["dc"]': 'based_at = ["dc"]\nskills = ["cold"]',
    'based_at = ["outlet"]': 'based_at = ["outlet"]\nskills = ["cold"]',
}


@pytest.fixture(scope="module")
def planned(tmp_path_factory):
    path = town.write_town(tmp_path_factory.mktemp("lockers"), scenario=CHANGES, orders=None)
    return lastmile.plan_scenario(lastmile.load_scenario(path))


@pytest.fixture(scope="module")
def folder(planned, tmp_path_factory):
    folder = tmp_path_factory.mktemp("out") / "plan"
    lastmile.write_outputs(planned, folder)
    return folder


def lockers(plan):
    return [site for site in plan.sites if site.facility == "locker"]


def test_the_pilot_stands_and_the_referee_agrees(planned):
    plan = planned.plan
    assert [str(violation) for violation in plan.violations] == []
    assert plan.unserved == ()
    (pilot,) = [site for site in lockers(plan) if site.chilled_modules]
    assert 0 < pilot.chilled_load_parcels <= pilot.chilled_capacity_parcels == 12
    result = next(target for target in plan.targets if target.id == "cold-pilot")
    assert (result.met, result.required, result.reached) == (True, "exactly 1 chilled modules", "1 chilled modules")
    assert not any("not planned" in text for text in plan.warnings)


def test_parcels_of_every_size_find_compartments(planned):
    demand, plan = planned.city.demand, planned.plan
    order_of = {order: k for k, order in enumerate(demand.id)}
    lying: dict[str, Counter[str]] = {site.id: Counter() for site in lockers(plan)}
    for service in plan.services:
        order = order_of[service.order_id]
        if service.channel == "locker" and not demand.skill[order]:
            lying[service.site_id][demand.size[order]] += service.parcels
    for site in lockers(plan):
        assert {size: lying[site.id][size] for size in SIZES} == site.parcels_by_size
        for least in range(len(SIZES)):
            due = sum(lying[site.id][size] for size in SIZES[least:])
            assert due <= 1.2 * sum(site.compartments[size] for size in SIZES[least:]) + 1e-9
    # All sizes are there: the plan is not one of small parcels alone.
    assert all(sum(site.parcels_by_size[size] for site in lockers(plan)) for size in SIZES)


def test_chilled_parcels_are_counted_and_paid_for(planned):
    chilled, money = planned.indicators["chilled"], planned.indicators["money"]["day_yuan"]
    assert chilled["parcels"] == sum(planned.city.demand.parcels[planned.city.demand.chilled()])
    assert chilled["at_refrigerated_modules"] + chilled["at_doors"] == pytest.approx(1.0, abs=1e-5)
    assert 0 < chilled["at_refrigerated_modules"] <= chilled["within_reach"] < 1
    assert money["sites_running"] == 4.0
    by_size = planned.indicators["capacity"]["by_facility"]["locker"]["by_size"]
    assert by_size["S"]["compartments"] == 20 * sum(site.modules for site in lockers(planned.plan))


def test_files_tell_of_sizes_and_of_the_refrigerated_module(planned, folder):
    assert lastmile.read_plan(folder) == planned.plan
    sites = json.loads((folder / "sites.geojson").read_text(encoding="utf-8"))["features"]
    told = [site["properties"] for site in sites if site["properties"]["chilled_modules"]]
    (pilot,) = [site for site in lockers(planned.plan) if site.chilled_modules]
    assert [site["id"] for site in told] == [pilot.id]
    assert told[0]["compartments"] == ", ".join(f"{size} {number}" for size, number in pilot.compartments.items())
    report, drawn = ((folder / name).read_text(encoding="utf-8") for name in ("report.html", "map.html"))
    assert "Compartments and parcels by size" in report
    assert "Refrigerated modules: 1, for 12 parcels a day" in report
    for words in ("Refrigerated modules / 冷藏组数", "Compartments / 格口", "Parcels by size / 按规格"):
        assert words in drawn or json.dumps(words)[1:-1] in drawn


@pytest.mark.parametrize(
    "change",
    [
        {"chilled_modules": 2},
        {"chilled_modules": 0},
        {"chilled_capacity_parcels": 13},
        {"chilled_load_parcels": 0},
        {"compartments": {"S": 999}},
        {"parcels_by_size": {"S": 1}},
    ],
    ids=str,
)
def test_referee_finds_a_changed_number_of_the_pilot(planned, change):
    plan = planned.plan
    sites = tuple(replace(site, **change) if site.chilled_modules else site for site in plan.sites)
    assert lastmile.check(planned.scenario, planned.city.network, planned.city.demand, replace(plan, sites=sites))


def test_same_scenario_gives_same_plan(planned):
    again = lastmile.plan_scenario(planned.scenario).plan
    assert replace(again, timings_s={}) == replace(planned.plan, timings_s={})


def test_frontier_and_joint_delivery_go_on_working(tmp_path):
    two = {
        town.ORDERS_KEY: CHANGES[town.ORDERS_KEY] + '\nfirms = [{ id = "a", share = 0.6 }, { id = "b", share = 0.4 }]'
    }
    path = town.write_town(tmp_path, scenario=CHANGES | two, orders=None)
    city = lastmile.prepare(lastmile.load_scenario(path), on_progress=lambda *_: None)
    made = serve_jointly(city, on_progress=lambda *_: None)
    assert made.comparable
    assert sum(firm.share_fen for firm in made.firms) == pytest.approx(made.together.cost_fen)
    locker = facility_named(city.scenario.file.facilities, "locker")
    found = find_frontier(city, locker, numbers=(1, 2), seconds=5.0, seed=1, on_progress=lambda *_: None)
    assert found.points[0].parcels <= found.points[1].parcels <= found.total
