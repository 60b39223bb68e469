"""What supplying a site costs, and sites that are chosen anew with it."""

from dataclasses import replace

import numpy as np
import pytest
import town

from lastmile.loading import load_scenario
from lastmile.pipeline import plan_scenario
from lastmile.stages.supply import Supply


@pytest.fixture(scope="module")
def planned(tmp_path_factory):
    return plan_scenario(load_scenario(town.write_town(tmp_path_factory.mktemp("town"))))


def test_the_rounds_cost_is_shared_out_whole_among_their_stops(planned):
    plan = planned.plan
    supply = Supply.of(plan.sites, plan.routes)
    assert {name: len(places) for name, places in supply.places.items()} == {
        name: sum(site.facility == name for site in plan.sites) for name in {site.facility for site in plan.sites}
    }
    to_sites = [route for route in plan.routes if all(stop.kind == "site" for stop in route.stops[1:-1])]
    mixed = [route for route in plan.routes if route not in to_sites]
    shared = sum(float(fen.sum()) for fen in supply.fen.values())
    assert to_sites
    assert shared >= sum(route.cost_fen for route in to_sites) - 1e-6
    assert shared <= sum(route.cost_fen for route in (*to_sites, *mixed)) + 1e-6
    assert shared > 0


def test_a_place_costs_what_its_site_does_or_its_nearest_ones_on_the_mean(planned):
    some = planned.plan.sites[0]
    places = [(0.0, 0.0), (0.001, 0.0), (0.002, 0.0), (0.5, 0.0)]
    sites = [replace(some, id=f"s{k}", facility="station", lon=lon, lat=lat) for k, (lon, lat) in enumerate(places)]
    supply = replace(Supply.of(sites, ()), fen={"station": np.array([10.0, 20.0, 60.0, 900.0])})
    found = supply.at("station", np.array([0.001, 0.0001, 0.5]), np.zeros(3))
    assert found == pytest.approx([20.0, 30.0, 900.0])
    assert supply.at("locker", np.zeros(2), np.zeros(2)).tolist() == [0.0, 0.0]
    two = Supply.of(sites[:2], ())
    assert two.at("station", np.array([0.3]), np.zeros(1)).tolist() == [0.0]


def test_choosing_sites_anew_never_makes_the_plan_worse(planned, tmp_path):
    told = []
    again = plan_scenario(
        load_scenario(town.write_town(tmp_path, scenario={"[search]": "[search]\nsiting_rounds = 3"})),
        on_progress=lambda stage, text: told.append((stage, text)),
    )
    chosen = [text for stage, text in told if stage == "siting" and text.startswith("again with the cost of supply")]
    assert 1 <= len(chosen) <= 3
    assert again.plan.violations == ()
    assert sum(not t.met for t in again.plan.targets) <= sum(not t.met for t in planned.plan.targets)
    assert sum(u.parcels for u in again.plan.unserved) <= sum(u.parcels for u in planned.plan.unserved)
    yuan = [made.indicators["money"]["day_total_yuan"] for made in (again, planned)]
    # Rounds that tie may come out in the other direction.
    assert yuan[0] <= yuan[1] + 2.0
    assert set(again.plan.timings_s) == set(planned.plan.timings_s)
