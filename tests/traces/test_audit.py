"""Who drove in zones that were closed to them, in a city of 6 by 6 junctions 500 m apart.

The zone covers the third and fourth junction of the second row: x from 900 to 1,600 m, y from 400 to 600 m. Of the
street along y = 500 m it holds the segments 500-1000 (in part), 1000-1500 and 1500-2000 (in part): 1,500 m.
"""

import json

import numpy as np
import pytest
import shapely
from driving import at_speed, drive
from plan_fixture import STEP_M, edges_along, grid_network, place

from lastmile.geo.access import Profile, lay_rules
from lastmile.geo.matching import Matcher
from lastmile.scenario import ScenarioFile
from lastmile.traces.audit import audit_zones
from lastmile.traces.journeys import Journey
from lastmile.traces.stands import find_stands

NETWORK = grid_network()
POLYGON = shapely.box(*place(900, 400), *place(1600, 600))
TRUCK = {
    "id": "truck", "vehicle_class": "truck_light", "energy": "diesel", "based_at": ["dc"], "payload_kg": 1000.0,
}  # fmt: skip
VAN = {
    "id": "van", "vehicle_class": "e_van", "based_at": ["dc"], "parcels": 100.0,
    "battery": {"usable_kwh": 40.0, "kwh_per_km": 0.2},
}  # fmt: skip
ZONE = {
    "id": "core", "name": "Core", "polygon": "core", "citation": "Notice 7", "when": {"hours": ["07:00-20:00"]},
    "vehicles": {"vehicle_class": ["truck_light"]},
}  # fmt: skip


def access(zone=ZONE, *, permits=(), day="2024-03-05", **settings):
    file = ScenarioFile.model_validate_json(
        json.dumps(
            {
                "name": "grid", "day": day, "map": {"osm": "x.osm"}, "zones": [zone], "permits": list(permits),
                "zones_file": {"file": "z.geojson", "crs": "wgs84"},
                "depots": [{"id": "dc", "lon": 112.45, "lat": 34.62, "crs": "wgs84"}], "vehicles": [TRUCK, VAN],
                "demand": {"orders": {"file": "o.csv", "crs": "wgs84"}}, **settings,
            }
        )
    )  # fmt: skip
    return lay_rules(NETWORK, file, {"core": POLYGON}, metric_crs="EPSG:32649")


def edges(*junctions):
    return edges_along(NETWORK, *(6 * y + x for x, y in junctions))


# From west to east along y = 500 m: 2,500 m at 36 km/h are 250 s; it is on zone roads from 50 s to 200 s.
EASTWARD = at_speed(NETWORK, edges((0, 1), (1, 1), (2, 1), (3, 1), (4, 1), (5, 1)))


def journey(rules, path=EASTWARD, *, depart_s=28_800.0, kind="truck", permits=(), noise_m=0.0, stands=()):
    trace = drive(NETWORK, path, every_s=5.0, depart_s=depart_s, noise_m=noise_m, stands=stands)
    vehicle = next(v for v in rules.file.vehicles if v.id == kind)
    profile = Profile(vehicle=vehicle, permits=frozenset(permits))
    (matched,) = Matcher(NETWORK, profile.mode).match([trace])
    return Journey(vehicle_id="v1", profile=profile, trace=trace, matched=matched, stands=find_stands(matched))


def audit(rules=None, **options):
    rules = rules or access()
    return audit_zones([journey(rules, **options)], rules)


def test_drive_through_a_closed_zone_is_found():
    (entry,) = audit()
    assert (entry.vehicle_id, entry.vehicle_type, entry.zone) == ("v1", "truck", "core")
    assert (entry.name, entry.citation) == ("Core", "Notice 7")
    assert entry.first_s == pytest.approx(28_850, abs=1)
    assert entry.seconds == pytest.approx(150, abs=2)
    assert entry.driven_m == pytest.approx(3 * STEP_M, abs=1)
    assert not entry.doubtful
    np.testing.assert_allclose((entry.lon, entry.lat), place(500, 500), atol=1e-4)


def test_noise_changes_little():
    (entry,) = audit(noise_m=8.0)
    assert entry.first_s == pytest.approx(28_850, abs=5)
    assert entry.driven_m == pytest.approx(3 * STEP_M, abs=20)


def test_who_the_rule_does_not_speak_of_may_enter():
    assert audit(kind="van") == ()


def test_who_holds_a_permit_may_enter_in_its_hours():
    permit = {"id": "p", "zones": ["core"], "quota": 5}
    assert audit(access(permits=[permit]), permits=["p"]) == ()
    assert len(audit(access(permits=[permit]))) == 1
    late = {**permit, "hours": ["09:00-10:00"]}
    assert len(audit(access(permits=[late]), permits=["p"])) == 1
    assert audit(access(permits=[late]), permits=["p"], depart_s=32_500.0) == ()


def test_only_what_is_driven_in_the_rules_hours_counts():
    # It comes in at 06:59:30 and is out at 07:02: 120 s and 1,200 m of it after 07:00.
    (entry,) = audit(depart_s=25_200.0 - 80)
    assert entry.first_s == pytest.approx(25_200, abs=1e-6)
    assert entry.seconds == pytest.approx(120, abs=2)
    assert entry.driven_m == pytest.approx(1200, abs=5)
    assert audit(depart_s=25_200.0 - 300) == ()


def test_vehicle_that_stands_when_the_zone_closes_has_not_driven():
    # Into the zone at 06:50:50, stands from 06:51:40 on; the trace ends at 08:00 where it stands.
    path = at_speed(NETWORK, edges((0, 1), (1, 1), (2, 1), (3, 1)), end=0.5)
    stands = ((float(path.seconds.sum()), 4000.0),)
    assert audit(path=path, depart_s=24_600.0, stands=stands) == ()
    (entry,) = audit(access({**ZONE, "standing_banned": True}), path=path, depart_s=24_600.0, stands=stands)
    assert entry.first_s == pytest.approx(25_200)
    assert entry.driven_m == pytest.approx(0, abs=1)
    assert not entry.doubtful


def test_few_metres_inside_are_doubtful():
    # 20 m into the first zone segment, where it stays.
    path = at_speed(NETWORK, edges((0, 1), (1, 1), (2, 1)), end=0.04)
    (entry,) = audit(path=path, stands=((52.0, 60.0),))
    assert entry.driven_m == pytest.approx(20, abs=6)
    assert entry.doubtful


def test_rules_are_those_of_the_day_that_is_driven():
    # Tuesday, 5 March 2024: a rule of Wednesdays binds the day after.
    rules = access({**ZONE, "when": {"hours": ["07:00-20:00"], "weekdays": ["wed"]}})
    assert audit(rules) == ()
    (entry,) = audit(rules, depart_s=28_800.0 + 86_400)
    assert entry.first_s == pytest.approx(28_850 + 86_400, abs=1)
    assert audit(rules, depart_s=28_800.0 - 6 * 86_400)[0].first_s < 0
    assert audit(rules, depart_s=28_800.0 + 2 * 86_400) == ()


def test_alert_and_holiday_are_the_planned_days():
    alert = access({**ZONE, "when": {"alert_level": "orange"}}, alert_level="red")
    assert len(audit(alert)) == 1
    assert audit(alert, depart_s=28_800.0 + 86_400) == ()
    holiday = access({**ZONE, "when": {"holidays": "excluded"}}, holiday=True)
    assert audit(holiday) == ()
    assert len(audit(holiday, depart_s=28_800.0 + 86_400)) == 1


def test_drive_over_midnight_is_one_entry():
    always = access({**ZONE, "when": {}})
    (entry,) = audit(always, depart_s=86_400.0 - 120)
    assert entry.first_s == pytest.approx(86_400 - 70, abs=1)
    assert entry.seconds == pytest.approx(150, abs=2)


def test_two_stays_are_two_entries():
    back = at_speed(
        NETWORK,
        edges((0, 1), (1, 1), (2, 1), (3, 1), (4, 1), (5, 1), (5, 2), (4, 2), (4, 1), (3, 1), (2, 1), (1, 1), (0, 1)),
    )
    first, second = audit(path=back)
    assert first.first_s + first.seconds < second.first_s


def test_scenario_without_zones_has_no_entries():
    rules = access()
    made = journey(rules)
    file = rules.file.model_copy(update={"zones": (), "permits": ()})
    assert audit_zones([made], lay_rules(NETWORK, file, {}, metric_crs="EPSG:32649")) == ()
