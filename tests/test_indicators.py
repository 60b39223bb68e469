import dataclasses
import json

import numpy as np
import plan_fixture as city
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lastmile.indicators import covered_orders, gini, measure, weighted_quantile


@pytest.fixture(scope="module")
def kpi():
    return measure(city.scenario(), city.plan(), city.demand(), city.walks())


def test_indicators_are_json(kpi):
    assert json.loads(json.dumps(kpi, allow_nan=False)) == kpi


def test_coverage_counts_parcels_by_distance_to_the_nearest_site(kpi):
    # Of 100 parcels: o1 (10) at 100 m, o2 (20) at 250 m, o3 (30) at 400 m; o4 is near an outlet only.
    assert kpi["coverage"]["within_m"] == {"200": 0.1, "300": 0.3, "500": 0.6, "800": 0.6, "1000": 0.6}
    # o3 is beyond the locker's reach of 300 m.
    assert kpi["coverage"]["within_reach"] == 0.3
    # (10 * 100 + 20 * 250) / 30 = 200 m; nine tenths of 30 parcels are reached only with o2's walk.
    assert kpi["coverage"]["mean_walk_m"] == 200.0
    assert kpi["coverage"]["p90_walk_m"] == 250.0


def test_coverage_by_channel_and_facility_sees_only_its_own_sites(kpi):
    # Station: o1 at 100 m and o2 at 450 m; locker: o2 at 250 m and o3 at 400 m.
    assert kpi["coverage"]["by_channel"]["station"]["within_m"]["500"] == 0.3
    assert kpi["coverage"]["by_facility"]["locker"]["within_m"]["500"] == 0.5
    assert kpi["coverage"]["by_facility"]["locker"]["within_reach"] == 0.2
    assert "outlet" not in kpi["coverage"]["by_facility"]


def test_districts_and_their_inequality(kpi):
    districts = kpi["coverage"]["by_district"]
    assert districts["East"]["within_reach"] == 1.0
    assert districts["West"]["within_reach"] == 0.0
    assert districts["(none)"]["within_reach"] is None
    # Weights 0.3 and 0.7, shares 1 and 0, mean 0.3: 2 * 0.3 * 0.7 * 1 / (2 * 0.3) = 0.7.
    assert kpi["coverage"]["gini_districts"] == 0.7


def test_covered_orders_are_those_within_reach():
    covered = covered_orders(city.scenario(), city.plan(), city.demand(), city.walks())
    assert covered.tolist() == [True, True, False, False, False]


def test_capacity_use_leaves_outlets_out(kpi):
    # Station 10 / 100, locker 20 / 20: median 0.55, 90th percentile 0.1 + 0.9 * 0.9 = 0.91.
    assert kpi["capacity"]["sites"] == 2
    assert kpi["capacity"]["use_p50"] == pytest.approx(0.55)
    assert kpi["capacity"]["use_p90"] == pytest.approx(0.91)
    assert kpi["capacity"]["sites_above_90_percent"] == 1


def test_chilled_parcels_by_what_becomes_of_them():
    # o2 (20 parcels) lies in the locker's refrigerated module, o3 (30) goes to its door, o4 (40) is left out; o1 is not
    # chilled. The locker is 250 m from o2 and 400 m from o3, and its reach 300 m.
    plan, demand = city.plan(), city.demand()
    cold = dataclasses.replace(demand, skill=("", "cold", "cold", "cold", ""))
    station, locker, outlet = plan.sites
    locker = dataclasses.replace(
        locker, chilled_modules=2, capacity_parcels=50, chilled_capacity_parcels=30, chilled_load_parcels=20
    )
    plan = dataclasses.replace(plan, sites=(station, locker, outlet))
    chilled = measure(city.scenario(), plan, cold, city.walks())["chilled"]
    assert chilled["unserved"].pop("by_reason")
    assert chilled == {
        "orders": 3,
        "parcels": 90,
        "modules": 2,
        "capacity_parcels": 30,
        "within_reach": pytest.approx(20 / 90, abs=1e-6),
        "at_refrigerated_modules": pytest.approx(20 / 90, abs=1e-6),
        "at_doors": pytest.approx(30 / 90, abs=1e-6),
        "unserved": {"orders": 1, "parcels": 40, "by_channel": {"door": 1}},
    }


def test_nothing_chilled_has_no_shares(kpi):
    assert kpi["chilled"]["parcels"] == 0
    assert kpi["chilled"]["within_reach"] is None
    assert kpi["capacity"]["by_size"] == {}


def test_reloads_and_charges_are_no_visits(kpi):
    plan = city.plan_with_halts()
    found = measure(city.scenario(), plan, city.demand(), city.walks())
    assert found["routing"]["charging"] == {"stops": 1, "kwh": 2.5, "hours": pytest.approx(1 / 6, abs=1e-3)}
    assert kpi["routing"]["charging"] == {"stops": 0, "kwh": 0.0, "hours": 0.0}
    assert (found["routing"]["stops"], found["routing"]["trips"]) == (kpi["routing"]["stops"], 3)
    # The pauses at the base, 300 s ahead of the reload and 100 s behind it, are neither waiting nor work.
    assert found["routing"]["waiting_hours"] == kpi["routing"]["waiting_hours"]
    assert found["routing"]["hours"] == pytest.approx((1800 + 2300) / 3600, abs=1e-3)


def test_routing_totals(kpi):
    routing = kpi["routing"]
    # Van 5 km in 0.5 h with 30 parcels at 3 stops, truck 4 km in 0.25 h with 30 parcels at 1.
    assert (routing["routes"], routing["vehicles"], routing["stops"]) == (2, 2, 4)
    assert (routing["km"], routing["hours"], routing["parcels"]) == (9.0, 0.75, 60)
    assert routing["parcels_per_km"] == pytest.approx(60 / 9, abs=1e-6)
    assert routing["stops_per_hour"] == pytest.approx(4 / 0.75, abs=1e-6)
    assert routing["minutes_per_parcel"] == 45 / 60
    assert routing["waiting_hours"] == pytest.approx(300 / 3600, abs=1e-3)


def test_legs_with_nothing_aboard_are_empty(kpi):
    # The van is empty from the locker to the pickup (1.5 km of 5) and carries 5 home; the truck returns empty (2 of 4).
    assert kpi["routing"]["by_type"]["van"]["empty_km_share"] == 0.3
    assert kpi["routing"]["by_type"]["truck"]["empty_km_share"] == 0.5
    assert kpi["routing"]["empty_km_share"] == pytest.approx(3.5 / 9, abs=1e-6)


def test_load_factor_is_the_most_aboard_by_the_room(kpi):
    # Van 30 of 100 parcels, 30 of 500 kg, 0.24 of 4 m3; truck 30 of 200 parcels and no other limit.
    assert kpi["routing"]["by_type"]["van"]["load_factor"] == {"parcels": 0.3, "kg": 0.06, "m3": 0.06}
    assert kpi["routing"]["load_factor"]["parcels"] == 60 / 300
    assert kpi["routing"]["by_type"]["truck"]["load_factor"]["kg"] is None


def test_every_visit_to_a_base_starts_a_trip():
    plan = city.plan()
    van, truck = plan.routes
    # One vehicle: to the station and the locker, home, then to the door of o3 and home.
    joined = dataclasses.replace(van, stops=(*van.stops, *truck.stops[1:]), legs=(*van.legs, *truck.legs))
    kpi = measure(city.scenario(), dataclasses.replace(plan, routes=(joined,)), city.demand(), city.walks())
    assert kpi["routing"]["trips"] == 2
    assert kpi["routing"]["load_factor"]["parcels"] == (30 + 30) / 200
    assert kpi["routing"]["empty_km_share"] == pytest.approx(3.5 / 9, abs=1e-6)


def test_workload_balance(kpi):
    # 0.5 h and 0.25 h: mean 0.375, deviation 0.125.
    assert kpi["routing"]["workload_cv"] == pytest.approx(1 / 3, abs=1e-6)
    assert kpi["routing"]["workload_max_min"] == 2.0


def test_new_energy_shares(kpi):
    # Three vans (one driven) and one truck; the van drives 5 of 9 km.
    assert kpi["fleet"]["new_energy_share"] == {"fleet": 0.75, "driven": 0.5, "new": 1.0, "km": 0.555556}


def test_permits_against_their_quota(kpi):
    permit = kpi["access"]["permits"]["pass"]
    assert (permit["granted"], permit["used"], permit["quota"], permit["use_share"]) == (1, 1, 4, 0.25)
    assert permit["hours"] == 0.25


def test_money_by_part(kpi):
    assert kpi["money"]["day_yuan"] == {
        "vehicles": 250.0,  # 100 + 150
        "distance": 6.5,  # 5 km * 0.5 + 4 km * 1.0
        "hours": 17.5,  # 0.5 h * 20 + 0.25 h * 30
        "energy": 0.8,  # 1 kWh
        "permits": 10.0,
        "sites_running": 35.0,  # 30 + 5
        "sites_opening": 3.84,  # 7,000 / (5 * 365)
    }
    # 319.80 + 3.8356 over 60 parcels served.
    assert kpi["money"]["yuan_per_parcel"] == pytest.approx((319.8 + 7000 / 1825) / 60, abs=1e-6)


def test_new_vehicles_and_reserves_are_bought(kpi):
    # Vans are new: one driven and two in reserve at 100,000; the truck that drives is there already.
    assert kpi["money"]["fleet_purchase_yuan"] == 300_000
    assert kpi["fleet"]["by_type"]["truck"]["purchase_yuan"] == 0


def test_emissions(kpi):
    # 1 kWh * 0.5 + 4 km * 10 L/100 km * 2.5 = 0.5 + 1.0.
    assert kpi["environment"]["litres"]["diesel"] == 0.4
    assert kpi["environment"]["kg_co2"] == 1.5
    assert kpi["environment"]["kg_co2_per_parcel"] == 0.025


def test_unserved_by_reason(kpi):
    assert kpi["unserved"]["parcels"] == 40
    assert kpi["unserved"]["by_reason"] == {"van: battery": 1, "truck: closed zone": 1}


def test_empty_plan_has_no_meaningless_numbers():
    plan = dataclasses.replace(city.plan(), sites=(), services=(), routes=(), fleet=(), unserved=(), targets=())
    kpi = measure(city.scenario(), plan, city.demand(), city.no_walks())
    json.dumps(kpi, allow_nan=False)
    assert kpi["coverage"]["within_reach"] == 0.0
    assert kpi["coverage"]["gini_districts"] is None
    assert kpi["routing"]["km_per_vehicle"] is None
    assert kpi["money"]["yuan_per_parcel"] is None


def test_walks_of_another_plan_are_refused():
    plan = dataclasses.replace(city.plan(), sites=())
    with pytest.raises(ValueError, match="4 orders and 3 sites, there are 5 and 0"):
        measure(city.scenario(), plan, city.demand(), city.walks())


def test_night_is_between_22_and_6():
    plan = city.plan()
    truck = plan.routes[1]
    late = tuple(dataclasses.replace(leg, depart_s=leg.depart_s + 14 * 3600) for leg in truck.legs)  # 22:00 and 22:10
    kpi = measure(
        city.scenario(),
        dataclasses.replace(plan, routes=(plan.routes[0], dataclasses.replace(truck, legs=late))),
        city.demand(),
        city.walks(),
    )
    assert kpi["routing"]["night_km_share"] == pytest.approx(4 / 9, abs=1e-6)


weights = st.lists(st.integers(1, 50), min_size=1, max_size=8)


@given(values=st.data(), weight=weights)
def test_gini_equals_that_of_single_persons(values, weight):
    x = values.draw(st.lists(st.integers(0, 100), min_size=len(weight), max_size=len(weight)))
    if sum(x) == 0:
        assert gini(x, weight) is None
        return
    # The textbook formula over all persons, each counted once, sorted.
    persons = np.sort(np.repeat(np.array(x, dtype=float), weight))
    count = len(persons)
    rank = np.arange(1, count + 1)
    expected = (2 * (rank * persons).sum() / persons.sum() - count - 1) / count
    assert gini(x, weight) == pytest.approx(expected, abs=1e-6)


@given(values=st.data(), weight=weights, share=st.sampled_from([0.1, 0.5, 0.9, 1.0]))
def test_weighted_quantile_equals_that_of_single_parcels(values, weight, share):
    x = np.array(values.draw(st.lists(st.integers(0, 100), min_size=len(weight), max_size=len(weight))), dtype=float)
    parcels = np.repeat(x, weight)
    expected = np.quantile(parcels, share, method="inverted_cdf")
    assert weighted_quantile(x, np.array(weight, dtype=float), share) == expected


def test_phases_are_of_all_that_is_open_by_then(kpi):
    assert "phases" not in kpi
    kpi = measure(city.phased_scenario(), city.phased_plan(), city.demand(), city.walks())
    first, last = kpi["phases"]
    # By 2018 the station, which reaches o1 (100 m) and o2 (450 m): 30 of 100 parcels; the outlet was there before.
    assert first == {
        "by": "2018-12-31",
        "sites": 2,
        "modules": 2,
        "by_facility": {"outlet": 1, "station": 1},
        "parcels": 100,
        "capacity_parcels": 100,
        "sites_yuan": 5000.0,
        "within_reach": 0.3,
        "gap": 0.002,
        "targets": {"met": 1, "total": 1},
    }
    assert (last["sites"], last["sites_yuan"], last["within_reach"]) == (3, 7000.0, kpi["coverage"]["within_reach"])
    assert last["targets"] == {"met": 0, "total": 1}
    assert json.loads(json.dumps(kpi, allow_nan=False)) == kpi


def test_phase_reaches_those_whom_its_own_sites_reach():
    plan = city.phased_plan()
    station, *others = plan.sites
    late = dataclasses.replace(plan, sites=(dataclasses.replace(station, opens_by=city.LAST_PHASE), *others))
    first, last = measure(city.phased_scenario(), late, city.demand(), city.walks())["phases"]
    # The outlet takes no parcels, so nobody is within reach of it.
    assert (first["within_reach"], last["within_reach"]) == (0.0, 0.3)


def test_who_is_expected_to_walk_is_told_beside_the_load(kpi):
    # The station's 10 parcels and the locker's 20: all, as no shares are stated.
    assert (kpi["service"]["parcels_at_sites"], kpi["service"]["parcels_expected_on_foot"]) == (30, 30.0)
    plan = city.plan()
    sites = tuple(
        dataclasses.replace(site, expected_parcels=12.5) if site.facility == "locker" else site for site in plan.sites
    )
    some = measure(city.scenario(), dataclasses.replace(plan, sites=sites), city.demand(), city.walks())
    assert some["service"]["parcels_expected_on_foot"] == 22.5
    assert some["capacity"]["by_facility"]["locker"]["expected_parcels"] == 12.5
