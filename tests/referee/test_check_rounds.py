"""Rounds, loads and schedules: one thing is spoilt, exactly that rule is reported."""

from dataclasses import replace

import numpy as np
import pytest

from lastmile.scenario import Break

H = 3600


def found(town):
    return [(violation.rule, violation.amount) for violation in town.check()]


def test_base_where_the_type_is_not_based(town):
    assert found(town.with_rule("vehicles", 0, based_at=("station",))) == [("base", "depot")]


def test_site_that_does_not_dispatch(town):
    assert found(town.with_rule("facilities", 0, dispatches=False)) == [("base", "station:1")]


def test_round_that_does_not_return(town):
    # The trike stays at b: its last stop is no base. Without the way back it has two legs.
    route = town.plan.routes[1]
    assert found(town.with_route(1, stops=route.stops[:3], legs=route.legs[:2])) == [("base", "b")]


def test_leg_missing(town):
    assert ("shape", "2 legs, 4 stops") in found(town.with_route(1, legs=town.plan.routes[1].legs[:2]))


def test_door_never_visited(town):
    assert found(town.with_order(2, channels=("door",)).with_service(2, channel="door", site_id=None).with_site(
        load_parcels=0
    )) == [("door", "0 visits for 1"), ("supply", "+5 parcels")]  # fmt: skip


def test_supply_short(town):
    # The van brings 9 of 10 parcels, a kilogram and five litres too little; tolerance is 1 % and 1.
    spoilt = town.with_stop(0, 1, parcels=9, weight_g=9000, volume_cm3=45_000)
    assert found(spoilt) == [("supply", "-1 parcels"), ("supply", "-1000 g"), ("supply", "-5000 cm3")]


def test_weight_of_supply_made_lighter(town):
    assert found(town.with_stop(0, 1, weight_g=5000)) == [("supply", "-5000 g")]


def test_door_stop_hands_over_less(town):
    # b keeps 3 parcels in its service, gets 2: the hub now has one too many as well.
    assert found(town.with_stop(1, 2, parcels=2)) == [("handover", "2 for 3 parcels"), ("supply", "+1 parcels")]


def test_stop_elsewhere(town):
    spoilt = town.with_stop(1, 1, lon=112.5)
    assert [rule for rule, _ in found(spoilt)] == ["place"]


def test_way_on_foot_understated(town):
    assert found(town.with_stop(1, 1, snap_m=5.0)) == [("snap", "5.0 m for 10.0 m")]


def test_place_too_far_from_the_road(town):
    file = town.scenario.file
    file = file.model_copy(update={"map": file.map.model_copy(update={"max_snap_m": 4.0})})
    spoilt = replace(town, scenario=replace(town.scenario, file=file))
    # All seven stops that the two rounds name, each at its own time, are 10 m off.
    assert set(found(spoilt)) == {("snap", "+6 m")}


def test_too_many_parcels_aboard(town):
    assert found(town.with_rule("vehicles", 0, parcels=8.0)) == [("load-parcels", "2 parcels over 8")]


def test_too_much_weight_aboard(town):
    assert found(town.with_rule("vehicles", 0, payload_kg=9.5)) == [("load-weight", "500 g over 9500")]


def test_too_much_volume_aboard(town):
    assert found(town.with_rule("vehicles", 0, volume_m3=0.04)) == [("load-volume", "10000 cm3 over 40000")]


def test_pickups_fill_the_vehicle_up(town):
    # Five parcels at the start; after a 3 - 0, after b 0 + 6 picked up: six, over five.
    spoilt = town.with_order(1, pickups=6).with_stop(1, 2, pickups=6, start_s=40265, depart_s=40715)
    legs = town.plan.routes[1].legs
    spoilt = spoilt.with_leg(1, 2, depart_s=40715, arrive_s=40998).with_stop(
        1, 3, arrive_s=40998, start_s=40998, depart_s=40998
    )
    assert len(legs) == 3
    assert found(spoilt) == []
    assert found(spoilt.with_rule("vehicles", 1, parcels=5.0)) == [("load-parcels", "1 parcels over 5")]


def test_service_outside_the_window(town):
    # a is served at 39883; its window closes 312 s before.
    assert found(town.with_order(0, window_end_s=39883 - 312)) == [("window", "312 s outside")]


def test_supply_outside_hours(town):
    # The van is there at 10:05, the site opens at 11:00: 55 min.
    assert found(town.with_rule("facilities", 0, supply_hours="11:00-20:00")) == [("supply-hours", "3300 s outside")]


def test_service_too_short(town):
    # Five more seconds a parcel: 10 * 5 = 50 s at the station.
    assert found(town.with_rule("facilities", 0, parcel_s=11.0)) == [("service-time", "-50 s")]


def test_service_time_of_the_order_itself(town):
    assert found(town.with_order(0, service_s=300)) == [("service-time", "-60 s")]


def test_leg_before_its_stop_ends(town):
    assert found(town.with_leg(1, 1, depart_s=40122)) == [("clock", "-1 s")]


def test_stop_and_leg_arrive_at_different_times(town):
    assert found(town.with_leg(1, 1, arrive_s=40275)) == [("clock", "-10 s")]


def test_departure_before_the_shift(town):
    assert found(town.with_rule("vehicles", 1, shift="11:30-18:00")) == [("shift", "-1800 s")]


def test_return_after_the_shift(town):
    # Back at 40848 s = 11:20:48.
    assert found(town.with_rule("vehicles", 1, shift="08:00-11:20")) == [("shift", "+48 s")]


def test_shift_across_midnight_begins_on_the_planned_day(town):
    # 22:00 is 11 h after the departure at 11:00.
    assert found(town.with_rule("vehicles", 1, shift="22:00-06:00")) == [("shift", f"-{11 * H} s")]


def test_depot_closed(town):
    assert found(town.with_rule("depots", 0, hours="10:05-20:00")) == [("depot-hours", "300 s outside")]


def test_work_too_long(town):
    # The van is out for 840 s; 0.2 h are 720 s.
    assert found(town.with_rule("vehicles", 0, max_work_hours=0.2)) == [("work-hours", "+120 s")]


def test_round_too_far(town):
    assert found(town.with_rule("vehicles", 0, max_distance_km=2.5)) == [("distance-limit", "+500 m")]


def test_too_many_stops(town):
    assert found(town.with_rule("vehicles", 1, max_stops=1)) == [("stops-limit", "+1 stops")]


def test_parcels_not_there_yet(town):
    # The van that brings its three parcels to the hub left the depot at 10:00, the trike leaves the hub at 11:00.
    assert found(town.with_order(1, release_s=39660)) == [("release", "-60 s"), ("release", "3 parcels")]


def test_too_long_on_board(town):
    # On board from 39600 to 40265 s: 665 s.
    assert found(town.with_order(1, on_board_s=600)) == [("on-board", "+65 s")]


def test_skill(town):
    cooled = town.with_rule("vehicles", 0, skills=("cold",)).with_order(0, skill="cold")
    assert found(cooled) == []
    assert found(town.with_order(0, skill="heavy")) == [("skill", "heavy")]


def test_round_leaves_before_its_goods_arrive(town):
    # The supply is unloaded at 36540; the same round an hour and ten minutes earlier leaves at 35400.
    route, shift = town.plan.routes[1], -4200
    stops = tuple(
        replace(s, arrive_s=s.arrive_s + shift, start_s=s.start_s + shift, depart_s=s.depart_s + shift)
        for s in route.stops
    )
    legs = tuple(replace(g, depart_s=g.depart_s + shift, arrive_s=g.arrive_s + shift) for g in route.legs)
    assert found(town.with_route(1, stops=stops, legs=legs)) == [("goods", "-1140 s")]


def test_no_room_for_a_break(town):
    # Within 10:00-10:30 the van drives and works until 10:14: 16 min are left.
    breaks = (Break(minutes=20.0, window="10:00-10:30"),)
    assert found(town.with_rule("vehicles", 0, breaks=breaks)) == [("break", "-240 s")]


def test_two_breaks_cannot_share_one_gap(town):
    both = (Break(minutes=16.0, window="10:00-10:30"), Break(minutes=5.0, window="10:00-10:30"))
    assert found(town.with_rule("vehicles", 0, breaks=both)) == [("break", "2 breaks")]


def test_break_while_waiting_at_a_stop(town):
    # The trike waits at a until noon: 39883 to 43200 s are 3317 s, 283 s short of an hour.
    late = 43200 - 39883
    route = town.plan.routes[1]
    stops = [route.stops[0], replace(route.stops[1], start_s=43200, depart_s=43440)]
    stops += [
        replace(s, arrive_s=s.arrive_s + late, start_s=s.start_s + late, depart_s=s.depart_s + late)
        for s in route.stops[2:]
    ]
    legs = [
        route.legs[0],
        *(replace(g, depart_s=g.depart_s + late, arrive_s=g.arrive_s + late) for g in route.legs[1:]),
    ]
    waiting = town.with_route(1, stops=tuple(stops), legs=tuple(legs))
    hour, less = (Break(minutes=minutes, window="11:00-12:00") for minutes in (60.0, 55.0))
    assert found(waiting.with_rule("vehicles", 1, breaks=(hour,))) == [("break", "-283 s")]
    assert found(waiting.with_rule("vehicles", 1, breaks=(less,))) == []


def test_route_cost(town):
    assert found(town.with_route(0, cost_fen=10_000)) == [("route-cost", "-587 fen")]


@pytest.mark.parametrize("speed", [1.0, 50.0])
def test_cost_of_distance(town, speed):
    # 3 km at so many yuan more.
    ((rule, amount),) = found(town.with_rule("vehicles", 0, yuan_per_km=0.2 + speed))
    assert rule == "route-cost"
    assert abs(int(amount.split()[0]) + 300 * speed) <= 1


def test_every_violation_is_listed(town):
    spoilt = town.with_order(0, skill="heavy").with_rule("vehicles", 0, parcels=8.0).with_site(cost_fen=0)
    assert sorted(rule for rule, _ in found(spoilt)) == ["load-parcels", "site-cost", "skill"]


def reloading(town):
    """The trike returns to the hub after a (leg of 1,000 m), reloads for 10 min and drives 1,000 m to b."""
    route = town.plan.routes[1]
    base, a, b, end = route.stops
    there, on, back = route.legs
    half = replace(base, arrive_s=40406, start_s=40406, depart_s=41006)
    # The last trip: 1,000 m to b (283 s), 300 s of work, 1,000 m back.
    b = replace(b, arrive_s=41289, start_s=41289, depart_s=41589)
    end = replace(end, arrive_s=41872, start_s=41872, depart_s=41872)
    legs = (
        there,
        replace(on, edges=reverse(town, there.edges), depart_s=40123, arrive_s=40406, distance_m=1000.0, energy_wh=50),
        replace(back, edges=reverse(town, back.edges), depart_s=41006, arrive_s=41289),
        replace(back, depart_s=41589, arrive_s=41872),
    )
    changed = town.with_route(1, stops=(base, a, half, b, end), legs=legs)
    return changed.with_rule("vehicles", 1, trips_per_day=2, reload_minutes=10.0)


def reverse(town, edges):
    network = town.network
    back = []
    for edge in reversed(edges):
        (twin,) = np.flatnonzero(
            (network.edge_segment == network.edge_segment[edge]) & (network.edge_forward != network.edge_forward[edge])
        )
        back.append(int(twin))
    return tuple(back)


def test_two_trips_carry_more_than_the_vehicle_holds_at_once(town):
    # 2 parcels on the first trip, 3 on the second.
    assert found(reloading(town).with_rule("vehicles", 1, trips_per_day=2, parcels=3.0)) == []
    assert found(town.with_rule("vehicles", 1, parcels=3.0)) == [("load-parcels", "2 parcels over 3")]


def test_more_trips_than_allowed(town):
    assert found(reloading(town).with_rule("vehicles", 1, trips_per_day=1)) == [("trips", "+1 trips")]


def test_reload_too_short(town):
    assert found(reloading(town).with_rule("vehicles", 1, reload_minutes=11.0)) == [("service-time", "-60 s")]


def test_battery_lasts_for_all_trips_unless_it_is_swapped_where_the_vehicle_reloads(town):
    # Four legs of 50 Wh; a reload of 10 min. The swap takes a minute of them.
    small = reloading(town).scenario.file.vehicles[1].battery.model_copy(update={"usable_kwh": 0.15})
    swapped = small.model_copy(update={"swap_minutes": 1.0})
    trips = reloading(town)
    assert found(trips.with_rule("vehicles", 1, battery=small)) == [("battery", "+50 Wh")]
    assert found(trips.with_rule("vehicles", 1, battery=swapped, reload_minutes=9.0)) == []
    assert found(trips.with_rule("vehicles", 1, battery=swapped)) == [("service-time", "-60 s")]


def test_trip_leaves_with_its_first_leg(town):
    # 480 s of reload and 120 s of waiting: the second trip leaves at 41006 s and is at b at 41289 s.
    row = town.demand.id.index("b")
    waits = reloading(town).with_rule("vehicles", 1, reload_minutes=8.0).with_stop(1, 2, depart_s=40886)
    assert found(waits.with_order(row, on_board_s=283)) == []
    assert found(waits.with_order(row, on_board_s=282)) == [("on-board", "+1 s")]


def test_pause_at_the_base_is_neither_work_nor_paid(town):
    # 100 s of pause ahead of the reload: the plan's cost and hours are those of before, a pause of minus 100 s.
    trips = reloading(town)
    worked = trips.plan.routes[1].duration_s
    stops, legs = trips.plan.routes[1].stops, trips.plan.routes[1].legs
    base = replace(stops[2], start_s=stops[2].start_s + 100, depart_s=stops[2].depart_s + 100)
    later = [replace(s, arrive_s=s.arrive_s + 100, start_s=s.start_s + 100, depart_s=s.depart_s + 100) for s in stops]
    moved = [replace(x, depart_s=x.depart_s + 100, arrive_s=x.arrive_s + 100) for x in legs]
    paused = trips.with_route(1, stops=(*stops[:2], base, *later[3:]), legs=(*legs[:2], *moved[2:]))
    assert paused.plan.routes[1].duration_s == worked
    assert found(paused) == []
    hours = worked / H
    assert found(paused.with_rule("vehicles", 1, max_work_hours=hours)) == []
    assert found(paused.with_rule("vehicles", 1, max_work_hours=hours - 60 / H)) == [("work-hours", "+60 s")]


def test_break_outside_the_shift_is_not_due(town):
    # The shift ends at 10:30; who is off duty at noon needs no break from it.
    assert found(town.with_rule("vehicles", 0, shift="08:00-10:30")) == []
