"""Orders, services and sites: one thing is spoilt, exactly that rule is reported."""

from dataclasses import replace

import geopandas
import numpy as np
import pytest
import shapely

from lastmile.plans import Unserved


def found(town):
    return [(violation.rule, violation.amount) for violation in town.check()]


def test_plan_of_another_network_is_reported_once(town):
    spoilt = town.with_plan(manifest=replace(town.plan.manifest, network_hash="0" * 16))
    assert [violation.rule for violation in spoilt.check()] == ["network"]


def test_plan_of_another_network_is_still_checked_where_streets_do_not_matter(town):
    spoilt = town.with_plan(manifest=replace(town.plan.manifest, network_hash="0" * 16)).with_site(cost_fen=0)
    assert [violation.rule for violation in spoilt.check()] == ["network", "site-cost"]


def test_plan_of_another_day(town):
    assert found(town.with_plan(manifest=replace(town.plan.manifest, day="2026-03-05"))) == [("identity", "2026-03-05")]


def test_vehicle_id_twice(town):
    assert found(town.with_route(1, vehicle_id="van-1")) == [("identity", "2 times")]


def test_permit_that_does_not_exist(town):
    spoilt = town.with_route(0, permits=("golden",)).with_fleet(0, permits={"golden": 1})
    assert found(spoilt) == [("identity", "golden"), ("identity", "golden")]  # of the fleet, and of the round


def test_order_lost(town):
    # Without the service of c the site has 5 parcels of nobody's.
    spoilt = town.with_plan(services=town.plan.services[:2])
    assert found(spoilt) == [("order", "0 services, 0 unserved"), ("site-load", "5 parcels for 0")]


def test_order_served_and_declared_unserved(town):
    lon, lat = float(town.demand.lon[0]), float(town.demand.lat[0])
    item = Unserved(order_id="a", channel="door", parcels=2, lon=lon, lat=lat, reasons=(), remedy="")
    assert found(town.with_plan(unserved=(item,))) == [("order", "1 services, 1 unserved")]


def test_unknown_order(town):
    ghost = replace(town.plan.services[0], order_id="ghost")
    assert found(town.with_plan(services=(*town.plan.services, ghost))) == [("identity", "ghost")]


def test_channel_that_the_receiver_did_not_agree_to(town):
    assert found(town.with_order(2, channels=("door", "locker"))) == [("channel", "station")]


def test_site_without_the_channel(town):
    spoilt = town.with_rule("facilities", 0, channel="locker")
    assert found(spoilt) == [("channel", "station at station:1")]


def test_walk_longer_than_reach(town):
    # c walks 10 + 500 + 10 = 520 m; 500 m are allowed.
    assert found(town.with_rule("facilities", 0, reach_m=500.0)) == [("reach", "+20 m")]


def test_walk_within_tolerance_of_reach(town):
    assert found(town.with_rule("facilities", 0, reach_m=519.5)) == []


def test_parcels_forgotten_in_service(town):
    spoilt = town.with_service(2, parcels=4)
    assert found(spoilt) == [("order", "4 parcels for 5"), ("site-load", "5 parcels for 4")]


def test_site_over_capacity(town):
    # One module takes 4 parcels; opening with it costs 1000 * 0.5 + 100 = 600 yuan.
    spoilt = town.with_site(modules=1, capacity_parcels=4, cost_fen=60_000).with_target("money", value=600)
    assert found(spoilt) == [("site-capacity", "1 parcels over 4")]


def test_capacity_claimed_above_modules(town):
    assert found(town.with_site(capacity_parcels=9)) == [("modules", "9 parcels for 8")]


def test_more_modules_than_the_facility_may_have(town):
    # Three modules take 12 parcels and cost 1000 * 0.5 + 3 * 100 = 800 yuan, over the 700 of the budget.
    spoilt = town.with_site(modules=3, capacity_parcels=12, cost_fen=80_000).with_target("money", value=800, met=False)
    assert found(spoilt) == [("modules", "3 modules, 1 to 2")]


def test_site_at_a_host_that_takes_none(town):
    # Without the discount for homes it costs 1000 + 200 yuan.
    spoilt = town.with_site(host="school", cost_fen=120_000).with_target("money", value=1200, met=False)
    assert found(spoilt) == [("host", "school")]


def test_site_claimed_to_exist(town):
    spoilt = town.with_site(existing=True, cost_fen=0).with_target("money", value=0)
    assert found(spoilt) == [("existing", "not in the table")]


def test_site_cost(town):
    assert found(town.with_site(cost_fen=60_000)) == [("site-cost", "-10000 fen")]


@pytest.mark.parametrize(
    ("name", "value", "amount"),
    [
        ("stations", 2, "2 for 1"),
        ("reach", 0.6, "0.6 for 0.5"),
        ("communities", 1.0, "1 for 0.5"),
        ("money", 500, "500 for 700"),
        ("fleet", 3, "3 for 2"),
        ("green", 0.9, "0.9 for 1"),
        ("passes", 1, "1 for 0"),
    ],
)
def test_value_of_a_target_embellished(town, name, value, amount):
    assert found(town.with_target(name, value=value)) == [("target", amount)]


def test_missed_target_claimed_met(town):
    assert found(town.with_target("communities", met=True)) == [("target", "met at 0.5")]


def test_met_target_claimed_missed(town):
    assert found(town.with_target("fleet", met=False)) == [("target", "missed at 2")]


def test_plan_that_reaches_more_than_it_says_that_any_could(town):
    assert found(town.with_target("reach", bound=0.4, at_most="40.0%")) == [("target", "0.4 for 0.5")]
    assert found(town.with_target("reach", bound=0.5, at_most="50.0%")) == []
    assert found(town.with_target("stations", bound=0.0)) == [("target", "0 for 1")]


def test_plan_that_spends_less_than_it_says_that_any_could(town):
    assert found(town.with_target("money", bound=750.0, at_most="at least 750 yuan")) == [("target", "750 for 700")]
    assert found(town.with_target("money", bound=700.0)) == found(town.with_target("money", bound=0.0)) == []


def test_target_without_result(town):
    assert found(town.with_plan(targets=town.plan.targets[1:])) == [("target", "0 results")]


def test_target_that_is_not_a_number(town):
    assert found(town.with_target("reach", value=float("nan"))) == [("target", "nan for 0.5")]


def test_floor_for_every_district_is_the_share_of_the_worst(town):
    # c alone lives in "far" and is covered (1.0); a and b in "town" are not (0.0).
    spoilt = town.with_order(2, district="far").with_rule("targets", 1, each_district=True)
    assert found(spoilt) == [("target", "0.5 for 0"), ("target", "met at 0")]


def test_one_site_per_area_counts_areas_with_exactly_one(town):
    # The only site belongs to the nearest community, north; the other has none: a share of one half, as before.
    assert found(town.with_rule("targets", 2, at_most_one=True)) == []


def test_order_on_the_edge_of_reach_may_count_or_not(town):
    # c walks 520 m; with a reach of 520.3 m both shares, 0.5 and 0, are honest.
    edge = town.with_rule("targets", 1, reach_m=520.3)
    assert found(edge) == []
    assert found(edge.with_target("reach", value=0.0, met=False)) == []


def test_fleet_miscounted(town):
    assert found(town.with_fleet(1, driven=2)) == [("fleet", "2 for 1")]


def test_more_vehicles_than_there_are(town):
    spoilt = town.with_fleet(0, reserve=2).with_target("fleet", value=4)
    assert found(spoilt) == [("fleet", "2 over 1")]


def test_sites_too_near_to_each_other(town):
    # A second station about 80 m west, empty: it is only too near.
    near = replace(
        town.plan.sites[0],
        id="station:2",
        candidate_id="2",
        lon=town.plan.sites[0].lon - 100 * 360 / 36_700_000,
        load_parcels=0,
    )
    per_lon = np.cos(np.radians(near.lat)) * 100 * 360 / 36_700_000 * 111_320
    spoilt = town.with_rule("facilities", 0, minimum_spacing_m=300.0).with_plan(sites=(town.plan.sites[0], near))
    spoilt = spoilt.with_target("stations", value=2).with_target("money", value=1400, met=False)
    spoilt = spoilt.with_target("communities", value=0.5)
    ((rule, amount),) = found(spoilt)
    assert rule == "spacing"
    assert float(amount.removesuffix(" m")) == pytest.approx(per_lon - 300, abs=1.0)


def with_candidate(town, **columns):
    """The scenario's table names the hub's place."""
    row = {
        "id": "1",
        "name": "",
        "host": "residential",
        "district": "",
        "facilities": None,
        "status": "candidate",
        "modules": 1,
        "chilled_modules": 0,
    } | columns
    place = shapely.points(town.plan.sites[0].lon, town.plan.sites[0].lat)
    table = geopandas.GeoDataFrame({name: [value] for name, value in row.items()}, geometry=[place], crs="EPSG:4326")
    return replace(town, scenario=replace(town.scenario, candidates=table))


def test_existing_site_costs_nothing_and_keeps_its_modules(town):
    # Three modules stand there already, though a new one may have two.
    kept = town.with_site(existing=True, cost_fen=0, modules=3, capacity_parcels=12).with_target("money", value=0)
    assert found(with_candidate(kept, status="existing", modules=3)) == []
    assert found(with_candidate(kept, modules=3)) == [("existing", "not in the table")]


def test_candidate_for_another_facility(town):
    assert found(with_candidate(town, facilities=("station", "outlet"))) == []
    assert found(with_candidate(town, facilities=("outlet",))) == [("host", "station")]


def test_forbidden_place(town):
    assert found(with_candidate(town, status="forbidden")) == [("forbidden", "forbidden")]


def test_forbidden_land(town):
    site = town.plan.sites[0]
    land = shapely.box(site.lon - 1e-3, site.lat - 1e-3, site.lon + 1e-3, site.lat + 1e-3)
    table = geopandas.GeoDataFrame({"reason": ["park"]}, geometry=[land], crs="EPSG:4326")
    assert found(replace(town, scenario=replace(town.scenario, forbidden=table))) == [("forbidden", "park")]


def test_station_inside_the_areas_polygon_serves_it_whatever_the_walk(town):
    site = town.plan.sites[0]
    wide = shapely.box(site.lon - 1e-3, site.lat - 1e-3, site.lon + 0.5, site.lat + 0.5)
    areas = geopandas.GeoDataFrame(
        {"id": ["x"], "name": [""], "district": [""], "kind": ["community"]}, geometry=[wide], crs="EPSG:4326"
    )
    changed = replace(town, scenario=replace(town.scenario, areas=areas))
    assert found(changed.with_target("communities", value=1.0, met=True)) == []
    assert found(changed) == [("target", "0.5 for 1"), ("target", "missed at 1")]


def test_order_with_nothing_to_hand_over_needs_no_visit(town):
    # a has no parcels: the trike goes past without stopping, the van brings 8.
    route = town.plan.routes[1]
    base, _, b, end = route.stops
    there, on, back = route.legs
    through = replace(there, edges=there.edges + on.edges[1:], arrive_s=40023, distance_m=1500.0, energy_wh=75)
    early = 40265 - 40023
    b, end = (
        replace(s, arrive_s=s.arrive_s - early, start_s=s.start_s - early, depart_s=s.depart_s - early)
        for s in (b, end)
    )
    back = replace(back, depart_s=back.depart_s - early, arrive_s=back.arrive_s - early)
    changed = town.with_order(0, parcels=0, weight_g=0, volume_cm3=0).with_service(0, parcels=0)
    changed = changed.with_route(1, stops=(base, b, end), legs=(through, back))
    changed = changed.with_stop(0, 1, parcels=8, weight_g=8000, volume_cm3=40_000)
    assert found(changed.with_target("reach", value=5 / 8)) == []


def test_parcels_of_an_unserved_door_may_lie_at_the_site(town):
    # The van brought 10 parcels; a stays unserved and its 2 parcels stay at the hub.
    route = town.plan.routes[1]
    base, _, b, end = route.stops
    there, on, back = route.legs
    through = replace(there, edges=there.edges + on.edges[1:], arrive_s=40265, distance_m=1500.0, energy_wh=75)
    lon, lat = float(town.demand.lon[0]), float(town.demand.lat[0])
    item = Unserved(order_id="a", channel="door", parcels=2, lon=lon, lat=lat, reasons=("full",), remedy="")
    changed = town.with_route(1, stops=(base, b, end), legs=(through, back)).with_plan(
        services=town.plan.services[1:], unserved=(item,)
    )
    assert found(changed) == []
    assert found(changed.with_stop(0, 1, parcels=11, depart_s=36546)) == [
        ("supply", "+3 parcels"),
        ("load-parcels", "1 parcels over 10"),
        ("clock", "-6 s"),
    ]


def test_permit_held_in_reserve_counts(town):
    # One more van in reserve holds the pass, though no round drives with it.
    spare = town.with_rule("vehicles", 0, count=2).with_fleet(0, reserve=1, available=2, permits={"pass": 1})
    spare = spare.with_target("fleet", value=3)
    assert found(spare.with_target("passes", value=1, met=False)) == []
    assert found(spare) == [("target", "0 for 1"), ("target", "met at 1")]


def test_target_in_other_words(town):
    assert found(town.with_target("fleet", text="one vehicle")) == [("target", "other words")]


def test_site_in_another_district(town):
    assert found(town.with_site(district="elsewhere")) == [("district", "elsewhere")]


def test_site_under_another_name_than_its_candidate(town):
    assert found(town.with_site(candidate_id="7")) == [("identity", "7")]


def test_host_other_than_the_table_says(town):
    # A table that says "school" for what the plan calls a home (and takes its discount).
    assert found(with_candidate(town, host="school")) == [("host", "residential")]


# c walks 520 m: of a share that falls from 1 at the site to 0.4 at 600 m there is 1 - 0.6 * 520 / 600 = 0.48 left.
SHARES = ((0.0, 1.0), (600.0, 0.4))


def test_expected_parcels_left_out_or_embellished(town):
    shared = town.with_rule("facilities", 0, walk_shares=SHARES)
    assert found(shared) == [("expected", "nothing for 2.4")]
    assert found(shared.with_site(expected_parcels=2.4)) == []
    assert found(shared.with_site(expected_parcels=3.0)) == [("expected", "3.0 for 2.4")]


def test_expected_parcels_of_a_site_without_shares(town):
    assert found(town.with_site(expected_parcels=5.0)) == [("expected", "5")]


def test_expected_share_is_recomputed(town):
    # 5 of 10 parcels, 0.48 of them.
    shared = town.with_rule("facilities", 0, walk_shares=SHARES).with_site(expected_parcels=2.4)
    expecting = shared.with_rule("targets", 1, expected=True)
    assert [(rule, amount[:-4]) for rule, amount in found(expecting)] == [
        ("target", "0.5 for 0.24"),
        ("target", "met at 0.24"),
    ]
    assert found(expecting.with_target("reach", value=0.24, met=False)) == []


def with_compartments(town, size="L", **numbers):
    """The hub with two modules of compartments, in which c's five parcels lie by their size."""
    by_size = town.with_rule("facilities", 0, compartments=numbers, parcels_per_module=20.0).with_order(2, size=size)
    capacity = min(2 * sum(numbers.values()), 2 * 20)
    return by_size.with_site(
        compartments={name: 2 * number for name, number in numbers.items()},
        parcels_by_size={size or "S": 5},
        capacity_parcels=capacity,
    )


def test_larger_compartments_take_smaller_parcels(town):
    assert found(with_compartments(town, size="L", L=2, XL=1)) == []
    assert found(with_compartments(town, size="", S=1, M=1, XL=1)) == []


def test_parcels_larger_than_their_compartments(town):
    # Two modules have 4 large compartments, and small ones for all the rest.
    assert found(with_compartments(town, size="L", S=40, L=2)) == [("compartments", "1 parcels over")]
    assert found(with_compartments(town, size="XL", S=40, L=2)) == [("compartments", "5 parcels over")]


def test_turnover_makes_room_and_takes_it(town):
    tight = with_compartments(town, size="L", L=2, S=6).with_rule(
        "facilities", 0, compartments={"L": 2, "S": 6}, parcels_per_module=20.0, turnover_per_day=1.25
    )
    assert found(tight.with_site(**{**changed(tight), "capacity_parcels": 20})) == []
    slow = tight.with_rule(
        "facilities", 0, compartments={"L": 2, "S": 6}, parcels_per_module=20.0, turnover_per_day=0.75
    )
    assert found(slow.with_site(**{**changed(slow), "capacity_parcels": 12})) == [("compartments", "2 parcels over")]


def changed(town):
    site = town.plan.sites[0]
    return {"compartments": site.compartments, "parcels_by_size": site.parcels_by_size}


def test_compartments_and_sizes_are_stated_truly(town):
    honest = with_compartments(town, L=3)
    more = honest.with_site(**changed(honest) | {"compartments": {"L": 9}, "capacity_parcels": 6})
    assert [rule for rule, _ in found(more)] == ["compartments"]
    smaller = honest.with_site(**changed(honest) | {"parcels_by_size": {"S": 5}, "capacity_parcels": 6})
    assert [rule for rule, _ in found(smaller)] == ["site-load"]
    larger = honest.with_site(**changed(honest) | {"capacity_parcels": 8})
    assert found(larger) == [("modules", "8 parcels for 6")]


def refrigerated(town, **changes):
    """The hub with a refrigerated module for six parcels, in which c's five lie; the van keeps them cold.

    The station costs 1000 * 0.5 + 2 * 100 + 50 = 750 yuan and may cost no more than 700.
    """
    cold = {"chilled_modules_max": 1, "parcels_per_chilled_module": 6.5, "yuan_per_chilled_module": 50.0}
    chilled = town.with_rule("facilities", 0, **cold).with_rule("vehicles", 0, skills=("cold",))
    site = {
        "chilled_modules": 1, "capacity_parcels": 14, "chilled_capacity_parcels": 6, "chilled_load_parcels": 5,
        "cost_fen": 75_000,
    }  # fmt: skip
    chilled = chilled.with_order(2, skill="cold").with_site(**site | changes)
    return chilled.with_target("money", value=750, met=False)


def test_chilled_parcels_in_a_refrigerated_module(town):
    assert found(refrigerated(town)) == []


def test_chilled_parcels_without_a_refrigerated_module(town):
    cold = town.with_rule("vehicles", 0, skills=("cold",)).with_order(2, skill="cold")
    assert found(cold) == [("site-load", "0 chilled parcels for 5"), ("site-capacity", "5 chilled parcels over 0")]


def test_ordinary_parcels_do_not_lie_in_a_refrigerated_module(town):
    # Nine of c's parcels are not chilled: 8 find room; the chilled module stands empty.
    full = refrigerated(town, chilled_load_parcels=0, load_parcels=9).with_order(2, skill="", parcels=9)
    full = full.with_service(2, parcels=9)
    assert ("site-capacity", "1 parcels over 8") in found(full)


def test_refrigerated_modules_are_stated_truly(town):
    assert found(refrigerated(town, chilled_capacity_parcels=7, capacity_parcels=15)) == [
        ("modules", "7 chilled parcels for 6")
    ]
    assert found(refrigerated(town, chilled_load_parcels=4)) == [("site-load", "4 chilled parcels for 5")]
    two = refrigerated(town, chilled_modules=2, chilled_capacity_parcels=13, capacity_parcels=21, cost_fen=80_000)
    assert found(two.with_target("money", value=800)) == [("modules", "2 refrigerated modules, 0 to 1")]
    assert [rule for rule, _ in found(refrigerated(town, cost_fen=70_000))] == ["site-cost"]


def test_existing_site_has_the_refrigerated_modules_of_the_table(town):
    kept = refrigerated(town, existing=True, cost_fen=0).with_target("money", value=0, met=True)
    assert found(with_candidate(kept, status="existing", modules=2, chilled_modules=1)) == []
    assert found(with_candidate(kept, status="existing", modules=2)) == [("modules", "1 refrigerated modules, 0 to 0")]


def test_chilled_parcels_ride_to_a_site_in_a_vehicle_that_keeps_them_so(town):
    warm = refrigerated(town).with_rule("vehicles", 0, skills=("heavy",))
    assert found(warm) == [("cold-chain", "5 parcels")]
    # a's two parcels pass the hub on their way to the door.
    door = town.with_order(0, skill="cold")
    assert found(door) == [("cold-chain", "2 parcels")]


def test_count_of_refrigerated_modules(town):
    wanted = refrigerated(town).with_rule("targets", 0, of="chilled_modules", minimum=2)
    assert found(wanted) == [("target", "met at 1")]
    assert found(wanted.with_target("stations", met=False)) == []
