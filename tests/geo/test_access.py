"""Zones, permits and calendars: which edges are closed to whom, and when."""

from datetime import date
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from lastmile.geo.access import (
    Period,
    Profile,
    eligible,
    lay_rules,
    matches,
    periods,
    stopping_edges,
    zone_spans,
)
from lastmile.geo.network import RoadNetwork
from lastmile.geo.paths import UNREACHABLE, Roads
from lastmile.geo.snapping import Snapper
from lastmile.geo.speeds import lay_measured
from lastmile.scenario import (
    Battery,
    Calendar,
    Demand,
    Depot,
    Generated,
    MapSource,
    Permit,
    ScenarioFile,
    Speeds,
    VehicleFilter,
    VehicleType,
    Zone,
)

HOUR = 3600
DAY = 86_400
WEDNESDAY = date(2026, 11, 18)
QUIET = Speeds(peak=(), night=())


def van(**values):
    given_values = {"id": "v", "vehicle_class": "e_van", "based_at": ("d",), "parcels": 100.0}
    given_values["battery"] = Battery(usable_kwh=40.0, kwh_per_km=0.2)
    return VehicleType(**(given_values | values))


def truck(**values):
    return van(**({"vehicle_class": "truck_light", "energy": "diesel", "battery": None} | values))


def scenario(*, zones=(), permits=(), day=WEDNESDAY, speeds=QUIET, vehicles=None, **values):
    return ScenarioFile(
        name="town",
        day=day,
        map=MapSource(osm="town.osm"),
        demand=Demand(generate=Generated(parcels_per_person_day=0.3)),
        depots=(Depot(id="d", lon=113.0, lat=34.0, crs="wgs84"),),
        vehicles=vehicles or (van(),),
        zones=zones,
        permits=permits,
        speeds=speeds,
        **values,
    )


def zone(**values):
    return Zone(**({"id": "z", "polygon": "centre"} | values))


def spans(calendar=None, file=None, **values):
    rule = zone(when=calendar or Calendar(), **values)
    return [(start / HOUR, end / HOUR) for start, end in zone_spans(rule, file or scenario())]


@pytest.mark.parametrize(
    ("rule", "vehicle", "expected"),
    [
        ({}, van(), True),
        ({"vehicle_class": ("e_van",)}, van(), True),
        ({"vehicle_class": ("truck_light", "truck_medium")}, van(), False),
        ({"energy": ("diesel", "petrol")}, truck(), True),
        ({"energy": ("diesel",)}, van(), False),
        ({"marked": True}, van(marked=True), True),
        ({"marked": True}, van(), False),
        ({"marked": False}, van(), True),
        ({"marked": False}, van(marked=True), False),
        # Emission stages: up to and with the named one; unstated is the oldest; electric vehicles have none.
        ({"emission_stage_max": 4}, truck(emission_stage=4), True),
        ({"emission_stage_max": 4}, truck(emission_stage=5), False),
        ({"emission_stage_max": 4}, truck(), True),
        ({"emission_stage_max": 7}, van(), False),
        # Sizes: over, not from; unstated exceeds nothing.
        ({"gross_weight_over_t": 3.5}, van(gross_weight_t=3.6), True),
        ({"gross_weight_over_t": 3.5}, van(gross_weight_t=3.5), False),
        ({"gross_weight_over_t": 3.5}, van(), False),
        ({"length_over_m": 6.0}, van(length_m=6.1), True),
        ({"length_over_m": 6.0}, van(length_m=6.0), False),
        ({"width_over_m": 2.0}, van(width_m=2.1), True),
        ({"width_over_m": 2.0}, van(width_m=2.0), False),
        ({"height_over_m": 2.5}, van(height_m=2.6), True),
        ({"height_over_m": 2.5}, van(height_m=2.5), False),
        ({"plate_digits": (1, 6)}, van(plate_digit=6), True),
        ({"plate_digits": (1, 6)}, van(plate_digit=0), False),
        ({"plate_digits": (0, 5)}, van(plate_digit=0), True),
        ({"plate_digits": (1, 6)}, van(), False),
        # Every stated property must hold.
        ({"vehicle_class": ("e_van",), "marked": True, "length_over_m": 5.0}, van(marked=True, length_m=5.5), True),
        ({"vehicle_class": ("e_van",), "marked": True, "length_over_m": 5.0}, van(marked=True, length_m=4.5), False),
    ],
)
def test_filter_speaks_of_a_vehicle(rule, vehicle, expected):
    assert matches(VehicleFilter(**rule), vehicle) is expected


def test_permit_goes_to_the_eligible():
    permit = Permit(id="p", zones=("z",), quota=3, eligible=VehicleFilter(marked=True))
    assert eligible(permit, van(marked=True))
    assert not eligible(permit, van())


def test_hours_across_midnight_belong_to_the_day_they_begin_on():
    # Every day 22-6: last night's ends at 6, tonight's runs to 30, tomorrow's from 46.
    assert spans(Calendar(hours=("22:00-06:00",))) == [(-2, 6), (22, 30), (46, 54)]
    # Wednesdays only: neither last night's end nor tomorrow's.
    assert spans(Calendar(hours=("22:00-06:00",), weekdays=("wed",))) == [(22, 30)]
    # Tuesdays only: nothing but last night's end.
    assert spans(Calendar(hours=("22:00-06:00",), weekdays=("tue",))) == [(-2, 6)]


def test_several_spans_of_hours():
    assert spans(Calendar(hours=("07:00-09:00", "17:00-19:00"), weekdays=("wed",))) == [(7, 9), (17, 19)]


def test_weekday_of_the_planned_day_decides():
    assert spans(Calendar(weekdays=("sat", "sun"))) == []
    assert spans(Calendar(weekdays=("wed", "thu"))) == [(0, 24), (24, 48)]


def test_months_turn_at_midnight():
    file = scenario(day=date(2026, 11, 30))
    assert spans(Calendar(months=(12, 1, 2)), file) == [(24, 48)]
    assert spans(Calendar(months=(11,)), file) == [(-24, 0), (0, 24)]


def test_first_and_last_day_in_force_count():
    assert spans(valid_from=WEDNESDAY) == [(0, 24), (24, 48)]
    assert spans(valid_to=WEDNESDAY) == [(-24, 0), (0, 24)]
    assert spans(valid_from=date(2026, 11, 20)) == []
    assert spans(valid_to=date(2026, 11, 16)) == []


@pytest.mark.parametrize(
    ("alert", "level", "expected"),
    [
        (None, None, True),
        (None, "yellow", False),
        ("yellow", None, True),
        ("yellow", "yellow", True),
        ("yellow", "orange", False),
        ("red", "orange", True),
        ("orange", "red", False),
    ],
)
def test_rule_of_an_alert_level_holds_at_that_level_and_above(alert, level, expected):
    assert bool(spans(Calendar(alert_level=level), scenario(alert_level=alert))) is expected


@pytest.mark.parametrize(
    ("holiday", "rule", "expected"),
    [
        (False, "included", True),
        (True, "included", True),
        (False, "excluded", True),
        (True, "excluded", False),
        (False, "only", False),
        (True, "only", True),
    ],
)
def test_holidays(holiday, rule, expected):
    found = spans(Calendar(holidays=rule), scenario(holiday=holiday))
    assert ((0, 24) in found) is expected


def test_days_beside_a_holiday_are_ordinary():
    file = scenario(holiday=True)
    assert spans(Calendar(holidays="only"), file) == [(0, 24)]
    assert spans(Calendar(holidays="excluded"), file) == [(-24, 0), (24, 48)]


def test_day_is_cut_where_rules_permits_and_traffic_change():
    file = scenario(
        zones=(zone(when=Calendar(hours=("07:00-20:00",))),),
        permits=(Permit(id="p", zones=("z",), quota=1, hours=("10:00-16:00",)),),
        speeds=Speeds(peak=("07:00-09:00",), night=("22:00-06:00",)),
    )
    found = periods(file)
    first_day = [0, 6, 7, 9, 10, 16, 20, 22]
    assert [period.start_s / HOUR for period in found] == first_day + [hour + 24 for hour in first_day if hour]
    # Neither midnight is a cut: night runs through it.
    assert [period.regime for period in found[:8]] == [
        "night", "free", "peak", "free", "free", "free", "free", "night",
    ]  # fmt: skip


def test_peak_wins_where_peak_and_night_overlap():
    file = scenario(speeds=Speeds(peak=("05:00-07:00",), night=("22:00-06:00",)))
    regimes = {period.start_s / HOUR: period.regime for period in periods(file)}
    assert (regimes[0], regimes[5], regimes[6]) == ("night", "peak", "peak")


clock = st.integers(0, 24 * 60 - 1)
hours = st.tuples(clock, clock).filter(lambda pair: pair[0] != pair[1]).map(
    lambda pair: f"{pair[0] // 60:02d}:{pair[0] % 60:02d}-{pair[1] // 60:02d}:{pair[1] % 60:02d}"
)  # fmt: skip
some_hours = st.lists(hours, max_size=3).map(tuple)
weekdays = st.one_of(
    st.none(),
    st.lists(st.sampled_from(["mon", "tue", "wed", "thu", "fri", "sat", "sun"]), min_size=1, max_size=3).map(tuple),
)


@given(some_hours, some_hours, st.lists(st.tuples(some_hours, weekdays), max_size=3), some_hours)
def test_periods_cover_two_days_without_gaps_and_nothing_changes_within(peak, night, rules, permit_hours):
    zones = tuple(
        zone(id=f"z{number}", when=Calendar(hours=when, weekdays=days)) for number, (when, days) in enumerate(rules)
    )
    permits = (Permit(id="p", zones=("z0",), quota=1, hours=permit_hours),) if zones else ()
    file = scenario(zones=zones, permits=permits, speeds=Speeds(peak=peak, night=night))
    found = periods(file)
    assert (found[0].start_s, found[-1].end_s) == (0, 2 * DAY)
    assert all(a.end_s == b.start_s for a, b in pairwise(found))
    assert all(period.start_s < period.end_s for period in found)
    # The state at a second, from the rules alone: the same at a period's first and last second.
    daily = [peak, night, permit_hours if permits else ()]

    def state(second):
        values = []
        for texts in daily:
            values.append(any(in_hours(second + day * DAY, text) for text in texts for day in (-1, 0, 1)))
        for rule in zones:
            values.append(any(start <= second < end for start, end in zone_spans(rule, file)))
        return values

    def in_hours(second, text):
        (h1, m1), (h2, m2) = (part.split(":") for part in text.split("-"))
        start, end = int(h1) * HOUR + int(m1) * 60, int(h2) * HOUR + int(m2) * 60
        return start <= second < (end if end > start else end + DAY)

    for period in found:
        assert state(period.start_s) == state((period.start_s + period.end_s) // 2) == state(period.end_s - 1)


# Laying rules on roads. The centre is a square of 0.02 degrees (about 1.85 km by 2.2 km) around (113, 34); streets:
#   1 inside, 2 along the square's southern edge, 3 from inside to outside, 4 far outside, 5 an elevated road across.
CENTRE = shapely.box(112.99, 33.99, 113.01, 34.01)
NODES = {
    1: (112.995, 34.0), 2: (113.005, 34.0), 3: (112.995, 33.99), 4: (113.005, 33.99), 5: (113.02, 34.0),
    6: (113.02, 33.99), 7: (113.03, 33.99), 8: (112.995, 33.9898), 9: (113.005, 33.9898),
}  # fmt: skip
STREET = {"highway": "residential"}
WAYS = {
    1: ((1, 2), STREET),
    2: ((3, 4), STREET),
    3: ((2, 5), STREET),
    4: ((6, 7), STREET),
    5: ((1, 5), {"highway": "trunk", "bridge": "viaduct", "layer": "1"}),
    6: ((1, 3), STREET),
    7: ((2, 4), STREET),
    8: ((5, 6), STREET),
    9: ((8, 9), STREET),
    10: ((3, 8), STREET),
    11: ((4, 9), STREET),
    12: ((2, 5), {"highway": "trunk", "expressway": "yes"}),
    13: ((2, 5), {"highway": "trunk_link"}),
}


@pytest.fixture
def network(write_map):
    return RoadNetwork.from_osm(write_map(NODES, WAYS))


def access(network, *zones, permits=()):
    file = scenario(zones=zones, permits=permits)
    return lay_rules(network, file, {"centre": CENTRE}, metric_crs="EPSG:32649")


def inside(network, rule):
    return set(network.segment_way[access(network, rule).inside[rule.id]].tolist())


def test_boundary_roads_are_out_unless_included(network):
    # Road 2 runs on the edge, road 9 (22 m south of it) within the tolerance of 30 m; 6 and 7 lead inwards.
    assert inside(network, zone(boundary="excluded")) == {1, 3, 5, 6, 7, 12, 13}
    assert inside(network, zone(boundary="included")) == {1, 2, 3, 5, 6, 7, 9, 10, 11, 12, 13}
    assert inside(network, zone(boundary="included", boundary_tolerance_m=10.0)) == {1, 2, 3, 5, 6, 7, 10, 11, 12, 13}


def test_rule_for_elevated_roads_leaves_the_street_below_open(network):
    assert inside(network, zone(roads=("elevated",))) == {5}
    assert inside(network, zone(roads=("surface",))) == {1, 3, 6, 7, 12, 13}
    assert inside(network, zone(roads=("expressway",))) == {12}
    assert inside(network, zone(roads=("ramp",))) == {13}
    assert inside(network, zone(roads=("elevated", "ramp"))) == {5, 13}


def test_no_rules_close_nothing(network):
    rules = access(network)
    assert rules.inside == {}
    closed = rules.closed_edges(Profile(vehicle=van()), Period(start_s=0, end_s=DAY, regime="free"))
    np.testing.assert_array_equal(closed, ~network.permitted("e_van"))


def test_polygon_away_from_all_roads_holds_nothing(network):
    file = scenario(zones=(zone(),))
    rules = lay_rules(network, file, {"centre": shapely.box(114, 35, 114.1, 35.1)}, metric_crs="EPSG:32649")
    assert not rules.inside["z"].any()


def test_zone_opens_and_closes_with_its_hours_and_permits(network):
    rule = zone(when=Calendar(hours=("07:00-20:00",)), vehicles=VehicleFilter(vehicle_class=("e_van",)))
    permit = Permit(id="p", zones=("z",), quota=1, hours=("10:00-16:00",))
    rules = access(network, rule, permits=(permit,))

    def closed(hour, **profile):
        period = Period(start_s=hour * HOUR, end_s=hour * HOUR + 60, regime="free")
        return rules.zones_in_force(Profile(**({"vehicle": van()} | profile)), period) == ("z",)

    assert [closed(hour) for hour in (6, 7, 12, 19, 20, 31)] == [False, True, True, True, False, True]
    held = {"permits": frozenset({"p"})}
    assert [closed(hour, **held) for hour in (7, 9, 10, 15, 16, 34)] == [True, True, False, False, True, False]
    assert not closed(12, vehicle=truck())
    assert closed(12, permits=frozenset({"other"}))


def test_exempt_vehicles_pass(network):
    rules = access(network, zone(except_vehicles=(VehicleFilter(marked=True), VehicleFilter(energy=("diesel",)))))
    noon = Period(start_s=12 * HOUR, end_s=13 * HOUR, regime="free")
    assert rules.zones_in_force(Profile(vehicle=van()), noon) == ("z",)
    assert rules.zones_in_force(Profile(vehicle=van(marked=True)), noon) == ()
    assert rules.zones_in_force(Profile(vehicle=truck()), noon) == ()


@pytest.mark.parametrize(
    ("tag", "limit", "fits", "not_fits"),
    [
        ("maxheight", "2.1", van(height_m=2.1), van(height_m=2.11)),
        ("maxwidth", "1.7", van(width_m=1.7), van(width_m=1.71)),
        ("maxweight", "3.3", van(gross_weight_t=3.3), van(gross_weight_t=3.31)),
    ],
)
def test_posted_limit_bars_what_exceeds_it(write_map, tag, limit, fits, not_fits):
    network = RoadNetwork.from_osm(write_map(NODES, {1: ((1, 2), {**STREET, tag: limit})}))
    rules = access(network)
    assert not rules.barred(Profile(vehicle=fits)).any()
    assert not rules.barred(Profile(vehicle=van())).any()
    assert rules.barred(Profile(vehicle=not_fits)).all()


def test_closed_zone_is_driven_around_or_not_at_all(network):
    rule = zone(when=Calendar(hours=("07:00-20:00",)))
    roads = Roads(network, access(network, rule))  # road 4 and its like lie outside and stay open
    points = Snapper(network, "e_van").snap([112.996, 113.004, 113.029], [34.0, 34.0, 33.99])
    profile = Profile(vehicle=van())
    night = Period(start_s=0, end_s=7 * HOUR, regime="night")
    day = Period(start_s=7 * HOUR, end_s=20 * HOUR, regime="free")
    free = roads.matrices(points, profile=profile, over=(night,)).duration_s
    shut = roads.matrices(points, profile=profile, over=(day,)).duration_s
    assert (free < UNREACHABLE).all()
    assert (shut[~np.eye(3, dtype=bool)] == UNREACHABLE).all()
    assert (np.diag(shut) == 0).all()
    # What holds over both is the slower of both, and closed if closed in one.
    both = roads.weights(profile, (night, day))
    assert (both[roads.weights(profile, (day,)) < 0] == -1).all()
    still = both >= 0
    slower = np.maximum(roads.weights(profile, (night,)), roads.weights(profile, (day,)))
    assert still.any()
    np.testing.assert_array_equal(both[still], slower[still])
    with pytest.raises(ValueError, match="no permitted path"):
        roads.path(points, 0, 2, profile=profile, over=(day,))
    assert len(roads.path(points, 0, 2, profile=profile, over=(night,))) >= 2
    with pytest.raises(ValueError, match="period"):
        roads.weights(profile, ())


def test_catchment_counts_the_way_to_and_from_the_road(network):
    roads = Roads(network, access(network))
    walk = Snapper(network, "walk")
    # Site on road 1; homes 0.001 deg of longitude (92.39 m) and 0.002 along it, each 0.0001 deg (11.09 m) off.
    site = walk.snap([112.998], [34.0])
    homes = walk.snap([112.999, 113.000], [34.0001, 34.0001])
    found = roads.catchments(site, homes, reach_m=150.0)
    assert found.rows().tolist() == [0]
    assert found.target.tolist() == [0]
    assert found.metres[0] == pytest.approx(92.385 + 11.092, abs=0.01)
    assert roads.catchments(site, homes, reach_m=103.4).target.tolist() == []
    assert roads.catchments(site, homes, reach_m=1e9).target.tolist() == [0, 1]


# A street that its own sign closes to motors in the morning, beside one that is always open.
#
#   3---4
#   |   |      1-2 is signed, 1-3-4-2 is the way round
#   1---2
SIGNED = {1: (113.0, 34.0), 2: (113.01, 34.0), 3: (113.0, 34.01), 4: (113.01, 34.01)}


def signed(write_map, tags, **file):
    ways = {12: ((1, 2), {"highway": "primary", **tags}), 1342: ((1, 3, 4, 2), {"highway": "primary"})}
    network = RoadNetwork.from_osm(write_map(SIGNED, ways))
    return network, lay_rules(network, scenario(**file), {}, metric_crs="EPSG:32649")


def closed_ways(network, access, profile, second):
    period = next(period for period in access.periods if period.start_s <= second < period.end_s)
    closed = access.closed_edges(profile, period)
    return sorted(
        (int(network.segment_way[network.edge_segment[edge]]), bool(network.edge_forward[edge]))
        for edge in np.flatnonzero(closed)
    )


def test_the_map_s_own_hours_cut_the_day_and_close_the_street(write_map):
    network, access = signed(write_map, {"motor_vehicle:conditional": "no @ (Mo-Fr 07:00-09:00)"})
    # Wednesday and Thursday.
    assert [period.start_s / HOUR for period in access.periods] == [0, 7, 9, 24, 31, 33]
    drive = Profile(vehicle=van())
    assert closed_ways(network, access, drive, 8 * HOUR) == [(12, False), (12, True)]
    assert closed_ways(network, access, drive, 7 * HOUR - 1) == []
    assert closed_ways(network, access, drive, 9 * HOUR) == []
    trike = Profile(vehicle=van(vehicle_class="e_trike"))
    assert closed_ways(network, access, trike, 8 * HOUR) == []


def test_scenario_s_holiday_is_the_map_s(write_map):
    tags = {"motor_vehicle:conditional": "no @ (Mo-Fr 07:00-09:00; PH off)"}
    network, access = signed(write_map, tags, holiday=True)
    # Only the planned day is a holiday; the morning after it is not.
    drive = Profile(vehicle=van())
    assert closed_ways(network, access, drive, 8 * HOUR) == []
    assert closed_ways(network, access, drive, 32 * HOUR) == [(12, False), (12, True)]


def test_one_way_by_the_hour_closes_one_direction(write_map):
    network, access = signed(write_map, {"oneway:conditional": "yes @ (07:00-19:00)"})
    drive = Profile(vehicle=van())
    assert closed_ways(network, access, drive, 12 * HOUR) == [(12, False)]
    assert closed_ways(network, access, drive, 20 * HOUR) == []


def test_weight_by_the_hour_closes_the_street_to_heavy_vehicles_only(write_map):
    network, access = signed(write_map, {"hgv:conditional": "no @ (weight>4 AND 06:00-22:00)"})
    assert closed_ways(network, access, Profile(vehicle=truck(gross_weight_t=4.5)), 12 * HOUR) != []
    assert closed_ways(network, access, Profile(vehicle=truck(gross_weight_t=3.5)), 12 * HOUR) == []
    assert closed_ways(network, access, Profile(vehicle=truck(gross_weight_t=4.5)), 23 * HOUR) == []


def test_fastest_path_goes_round_while_the_street_is_closed(write_map):
    network, access = signed(write_map, {"motor_vehicle:conditional": "no @ (Mo-Fr 07:00-09:00)"})
    roads = Roads(network, access)
    points = Snapper(network, "e_van").snap([113.0, 113.01], [34.001, 34.001])
    metres = [
        roads.matrices(points, profile=Profile(vehicle=van()), over=(period,)).distance_m[0, 1]
        for period in access.periods[:3]
    ]
    # 110.9 m north of either end: 2 x 110.9 + 923.85 m along the street, 2 x (1,109.2 - 110.9) + 923.8 m round it.
    assert metres == pytest.approx([1145.7, 2920.3, 1145.7], abs=1)


def test_measured_speeds_are_the_access_s(write_map):
    network, access = signed(write_map, {})
    frame = pd.DataFrame(
        [{"way_id": 12, "direction": "both", "edge_id": np.nan, "network": "", "period": "all", "kmh": 5.0,
          "vehicle_class": ""}]
    )  # fmt: skip
    speeds, _ = lay_measured(network, frame, place="m.csv")
    slow = lay_rules(network, scenario(), {}, metric_crs="EPSG:32649", measured=speeds)
    street = network.segment_way[network.edge_segment] == 12
    assert (slow.times_ms("e_van", "free")[street] > 6 * access.times_ms("e_van", "free")[street]).all()
    assert (slow.times_ms("e_van", "free")[~street] == access.times_ms("e_van", "free")[~street]).all()


def test_stops_are_made_only_on_streets_open_all_through_the_shift(write_map):
    # 1-2 closes to motors in the morning; the dead end 2-5 is always open, but only over 1-2.
    ways = {
        12: ((1, 2), {"highway": "primary", "motor_vehicle:conditional": "no @ (Mo-Fr 07:00-09:00)"}),
        134: ((1, 3, 4), {"highway": "primary"}),
        25: ((2, 5), {"highway": "primary"}),
    }
    network = RoadNetwork.from_osm(write_map({**SIGNED, 5: (113.02, 34.0)}, ways))

    def stops(mode, **values):
        file = scenario(**values)
        return sorted(set(network.segment_way[network.edge_segment[stopping_edges(network, file, mode)]].tolist()))

    assert stops("e_van") == [134]  # shift 08:00-18:00
    late = van(shift="09:00-18:00")
    assert stops("e_van", vehicles=(late,)) == [12, 25, 134]
    assert stops("walk") == [12, 25, 134]
    assert sorted(set(network.segment_way[network.edge_segment[network.permitted("e_van")]].tolist())) == [12, 25, 134]
