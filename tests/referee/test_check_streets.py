"""Travel, energy and access: one thing is spoilt, exactly that rule is reported."""

from dataclasses import replace

import numpy as np
import pytest

from lastmile.geo.conditions import RoadCondition
from lastmile.geo.tags import MODE_BIT
from lastmile.referee.traffic import Traffic
from lastmile.referee.zones import in_force
from lastmile.scenario import Calendar, Speeds, VehicleFilter


def found(town):
    return [(violation.rule, violation.amount) for violation in town.check()]


def with_network(town, **arrays):
    """Other streets of the same shape; the plan is said to be made on them."""
    network = replace(town.network, **arrays)
    manifest = replace(town.plan.manifest, network_hash=network.hash)
    return replace(town, network=network).with_plan(manifest=manifest)


def test_leg_jumps(town, chain):
    # From HG to DE without GD.
    gap = (chain("HG")[0], chain("DE")[0])
    assert found(town.with_leg(1, 0, edges=gap)) == [("chain", f"edges {gap[0]}, {gap[1]}")]


def test_edge_that_does_not_exist(town):
    assert found(town.with_leg(1, 0, edges=(10**6,))) == [("chain", "edge 1000000")]


def test_leg_backwards_on_one_edge(town, chain):
    assert ("chain", "0.5 to 0.25") in found(town.with_leg(1, 1, edges=chain("DE"), end_fraction=0.25))


def test_leg_starts_elsewhere_on_the_street(town):
    # From 0.25 instead of 0.5 the way is 125 m longer and takes 141.2 * 1.25 = 176.5 s, the plan has 142 s.
    spoilt = town.with_leg(1, 1, start_fraction=0.25, distance_m=625.0, energy_wh=32)
    assert found(spoilt) == [("position", "segment 2 at 0.250000"), ("travel-time", "-34 s")]


def test_leg_without_edges_between_two_places(town):
    spoilt = town.with_leg(1, 1, edges=(), distance_m=0.0)
    assert found(spoilt) == [("position", "no edges")]


def test_arrival_earlier_than_the_streets_allow(town):
    # 141.2 s are needed; the stop is reached 100 s early, waits, and goes on as before.
    spoilt = town.with_leg(1, 1, arrive_s=40165).with_stop(1, 2, arrive_s=40165)
    assert found(spoilt) == [("travel-time", "-99 s")]


def test_peak_traffic_is_slower(town):
    # All peak: 15 km/h instead of 18. 1,500 m take the van 360 s, the trike stays at 12.75 km/h.
    file = town.scenario.file.model_copy(update={"speeds": Speeds(peak=("09:00-12:00",))})
    spoilt = replace(town, scenario=replace(town.scenario, file=file))
    assert found(spoilt) == [("travel-time", "-60 s"), ("travel-time", "-60 s")]


def test_pace_changes_inside_an_edge(town, chain):
    # AB from the peak into free traffic at 09:00: 4.1667 m/s for 60 s make 250 m, the other 250 m at 5 m/s take 50 s.
    traffic = Traffic(town.network, Speeds())
    (crossing,) = traffic.drive("e_van", chain("AB"), [1.0], 9 * 3600 - 60)
    assert crossing.leave_ms / 1000 == pytest.approx(9 * 3600 + 50, abs=0.05)


def test_night_is_no_free_traffic(town, chain):
    # 20 km/h at night: 90 s for 500 m.
    (crossing,) = Traffic(town.network, Speeds()).drive("e_van", chain("AB"), [1.0], 23 * 3600)
    assert crossing.leave_ms / 1000 == pytest.approx(23 * 3600 + 90, abs=0.05)


def test_distance(town):
    assert found(town.with_leg(1, 2, distance_m=900.0)) == [("distance", "-100 m")]


def test_energy_of_a_leg(town):
    assert found(town.with_leg(0, 1, energy_wh=290)) == [("energy", "290 Wh for 300 Wh")]


def test_load_takes_energy(town):
    # 10 kg over 1.5 km at 1000 Wh a ton-kilometre: 15 Wh instead of 1.5.
    battery = town.scenario.file.vehicles[0].battery.model_copy(update={"kwh_per_ton_km": 1.0})
    assert found(town.with_rule("vehicles", 0, battery=battery)) == [("energy", "302 Wh for 315 Wh")]


def test_battery_empty(town):
    # 602 Wh of 800 - 300.
    battery = town.scenario.file.vehicles[0].battery.model_copy(update={"reserve_kwh": 0.5})
    assert found(town.with_rule("vehicles", 0, battery=battery)) == [("battery", "+102 Wh")]


def test_street_closed_to_the_class(town, chain):
    modes = town.network.edge_modes.copy()
    modes[list(chain("DG"))] &= 0xFF ^ MODE_BIT["e_van"]
    assert found(with_network(town, edge_modes=modes)) == [("road", "1 edges")]


def test_street_with_a_weight_limit(town, chain):
    limits = town.network.segment_max_weight_t.copy()
    limits[town.network.edge_segment[chain("DG")[0]]] = 2.0
    limited = with_network(town, segment_max_weight_t=limits)
    assert found(limited.with_rule("vehicles", 0, gross_weight_t=2.0)) == []
    spoilt = limited.with_rule("vehicles", 0, gross_weight_t=2.5)
    assert found(spoilt) == [("limit", "+0.50 t"), ("limit", "+0.50 t")]


def test_closed_zone(town):
    # AD and DG run through the zone, there and back: 200 s each.
    spoilt = town.with_rule("zones", 0, when=Calendar(hours=("10:00-11:00",)))
    assert found(spoilt) == [("zone", "200 s"), ("zone", "200 s")]


def test_zone_that_closes_behind_the_vehicle(town):
    # Closed from 36240 to 36600 s. The van is inside from 36050 to 36250, and on the way back from 36590 to 36790.
    spoilt = town.with_rule("zones", 0, when=Calendar(hours=("10:04-10:10",)))
    assert found(spoilt) == [("zone", "10 s"), ("zone", "10 s")]


def test_zone_speaks_of_others(town):
    spoilt = town.with_rule("zones", 0, when=Calendar(), vehicles=VehicleFilter(energy=("diesel",)))
    assert found(spoilt) == []


def test_zone_with_exception(town):
    spoilt = town.with_rule("zones", 0, when=Calendar(), except_vehicles=(VehicleFilter(energy=("electric",)),))
    assert found(spoilt) == []


def test_zone_on_roads_of_another_kind(town):
    assert found(town.with_rule("zones", 0, when=Calendar(), roads=("elevated",))) == []


def test_zone_on_other_days(town):
    assert found(town.with_rule("zones", 0, when=Calendar(weekdays=("sat", "sun")))) == []


def test_rule_across_midnight_belongs_to_the_day_on_which_it_begins(town):
    # On Tuesdays from 22:00 to 06:00: on the Wednesday until 06:00.
    zone = town.scenario.file.zones[0].model_copy(update={"when": Calendar(hours=("22:00-06:00",), weekdays=("tue",))})
    assert in_force(zone, town.scenario.file) == [(-2 * 3600, 6 * 3600)]


def permitted(town):
    """The zone is closed all day and the van holds the pass, for 3 yuan more."""
    changed = town.with_rule("zones", 0, when=Calendar()).with_route(0, permits=("pass",), cost_fen=10_887)
    return changed.with_fleet(0, permits={"pass": 1}).with_target("passes", value=1, met=False)


def test_permit_opens_the_zone(town):
    assert found(permitted(town)) == []


def test_permit_outside_its_hours(town):
    # Valid from 10:09: the way there is forbidden, the way back (36590 to 36790) is not.
    assert found(permitted(town).with_rule("permits", 0, hours=("10:09-12:00",))) == [("zone", "200 s")]


def test_permit_for_whom_it_is_not_meant(town):
    spoilt = permitted(town).with_rule("permits", 0, eligible=VehicleFilter(marked=True))
    assert found(spoilt) == [("permit", "pass")]


def test_more_permits_than_there_are(town):
    assert found(permitted(town).with_rule("permits", 0, quota=0)) == [("quota", "1 over 0")]


def test_permits_miscounted(town):
    assert found(permitted(town).with_fleet(0, permits={})) == [("fleet", "0 for 1 pass")]


def test_standing_where_it_is_banned(town):
    # Trikes may not be in the middle row from 11:06 on; a is left at 40123 (11:08:43), b from 40265 to 40565.
    # Driving is banned too: DE from 39960 (11:06) to a is over by then, a to b is all in it: 141 s; EH and the half
    # of EF on the way back: 70.6 + 141.2 = 212 s.
    spoilt = town.with_rule(
        "zones", 0, standing_banned=True, when=Calendar(hours=("11:06-12:00",)), vehicles=VehicleFilter()
    )
    assert found(spoilt) == [("zone", "141 s"), ("zone", "212 s"), ("standing", "163 s"), ("standing", "300 s")]


def test_broken_numbers_are_violations_not_exceptions(town):
    spoilt = town.with_leg(1, 1, start_fraction=float("nan"), distance_m=float("nan")).with_stop(1, 1, lon=np.nan)
    assert {rule for rule, _ in found(spoilt)} >= {"chain", "place"}


def test_site_in_the_sky_is_a_violation_not_an_exception(town):
    spoilt = town.with_site(lon=float("nan"))
    assert ("place", "nan, nan") in [(rule, amount) for rule, amount in found(spoilt.with_site(lat=float("nan")))]
    assert "place" in {rule for rule, _ in found(spoilt)}


def test_road_driven_while_the_map_s_own_hours_close_it(town, chain):
    # The trike's first edge is closed to wheels from 09:00 to 12:00: every second of the drive on it counts.
    edge = chain("HG")[0]
    condition = np.full(town.network.segments, -1, dtype=np.int32)
    condition[town.network.edge_segment[edge]] = 0
    rule = RoadCondition(tags={"highway": "residential", "vehicle:conditional": "no @ (09:00-12:00)"})
    spoilt = with_network(town, segment_condition=condition, conditions=(rule,))
    rules = {rule for rule, _ in found(spoilt)}
    assert "hours" in rules
    assert rules <= {"hours", "position", "snap", "walk"}  # a stop on it is no longer where the plan has it
    night = RoadCondition(tags={"highway": "residential", "vehicle:conditional": "no @ (00:00-05:00)"})
    assert found(with_network(town, segment_condition=condition, conditions=(night,))) == []


def test_signals_on_the_way_take_time(town, chain):
    # Ten signals of 2 s each on an edge that two legs drive half of: each of them is 10 s too fast.
    signals = np.zeros(town.network.edges, dtype=np.uint8)
    signals[chain("HG")[0]] = 10
    rules = found(with_network(town, edge_signals=signals))
    assert {rule for rule, _ in rules} == {"travel-time"}
    assert rules[0] == ("travel-time", "-10 s")


def test_walk_between_vehicle_and_door_takes_its_time(town):
    # Without a free way from the road every stop of the plan starts too early: the plan has no walks at all.
    file = town.scenario.file
    source = file.map.model_copy(update={"visit_snap_m": 0.0})
    spoilt = replace(town, scenario=replace(town.scenario, file=file.model_copy(update={"map": source})))
    away = [stop.snap_m for route in town.plan.routes for stop in route.stops[1:-1] if stop.kind != "base"]
    assert len([rule for rule, _ in found(spoilt) if rule == "walk"]) == sum(metres > 1.25 for metres in away)


def test_stop_on_the_wrong_side_of_the_road(town):
    file = town.scenario.file
    sides = {}
    for side in ("right", "left"):
        source = file.map.model_copy(update={"kerbside": ("residential", "primary", "secondary"), "drive_on": side})
        spoilt = replace(town, scenario=replace(town.scenario, file=file.model_copy(update={"map": source})))
        sides[side] = {amount for rule, amount in found(spoilt) if rule == "kerb"}
        assert {rule for rule, _ in found(spoilt)} <= {"kerb"}
    aside = {stop.location_id for route in town.plan.routes for stop in route.stops if stop.snap_m > 4}
    # Every stop beside a road is at the kerb of one side only, whichever way it is reached and left.
    assert sides["right"] | sides["left"] == aside
