"""A plan beside what was driven: the hand-made plan of the grid city, followed and not followed.

The van's round: hub (0, 0), station A at 500 m for 300 s, the locker at 1,000 m for 300 s, o5 at 2,500 m from 08:15 to
08:21, and back by 08:30: 5,000 m in 1,800 s.
"""

import dataclasses

import numpy as np
import plan_fixture as city
import pytest
from driving import follow

from lastmile.geo.access import Profile
from lastmile.geo.fixes import Trace
from lastmile.geo.matching import Matcher
from lastmile.traces.comparison import compare
from lastmile.traces.journeys import Journey
from lastmile.traces.stands import find_stands

NETWORK = city.grid_network()
PLAN = city.plan(NETWORK)
VAN, TRUCK = PLAN.routes
EIGHT = 8 * 3600
TYPES = {vehicle.id: vehicle for vehicle in city.scenario().file.vehicles}


def journey(trace, route=VAN):
    (matched,) = Matcher(NETWORK, route.vehicle_class).match([trace])
    return Journey(
        vehicle_id=route.vehicle_id,
        profile=Profile(vehicle=TYPES[route.vehicle_type]),
        trace=trace,
        matched=matched,
        stands=find_stands(matched),
    )


def compared(trace, plan=PLAN):
    """The van's round, or the first of its rounds."""
    return compare(plan, [journey(trace)], NETWORK)[0]


def changed(route, **stops):
    """The route with other stops: by their number, ``s2=None`` leaves it out, else new values."""
    kept = [
        dataclasses.replace(stop, **(stops.get(f"s{k}") or {}))
        for k, stop in enumerate(route.stops)
        if stops.get(f"s{k}", {}) is not None
    ]
    return dataclasses.replace(route, stops=tuple(kept))


def cut(trace, keep):
    return Trace(lon=trace.lon[keep], lat=trace.lat[keep], second=trace.second[keep])


@pytest.mark.parametrize("noise_m", [0.0, 8.0])
def test_plan_that_is_followed_is_found_followed(noise_m):
    found = compared(follow(NETWORK, VAN, every_s=5.0, noise_m=noise_m))
    assert [visit.outcome for visit in found.visits] == ["visited"] * 3
    assert [visit.stop_no for visit in found.visits] == [1, 2, 3]
    assert (found.inversions, found.kendall_tau) == (0, 1.0)
    assert found.planned_driven == pytest.approx(1.0, abs=0.01)
    assert (found.planned_m, found.planned_s) == (5000.0, 1800.0)
    assert found.driven_m == pytest.approx(5000, abs=60)
    assert found.driven_s == pytest.approx(1800, abs=30)
    assert abs(found.median_error_s) < 15
    for visit in found.visits:
        assert visit.arrive_s == pytest.approx(visit.stop.arrive_s, abs=15)
        assert visit.depart_s == pytest.approx(visit.stop.depart_s, abs=15)


def test_late_vehicle_is_late():
    trace = follow(NETWORK, VAN, every_s=5.0)
    found = compared(dataclasses.replace(trace, second=trace.second + 600))
    assert found.median_error_s == pytest.approx(600, abs=10)
    assert found.visits[0].error_s == pytest.approx(600, abs=10)
    assert found.driven_s == pytest.approx(1800, abs=30)


def test_stop_that_is_driven_by_is_passed():
    # It does not stop at the locker: from 500 m it drives 500 m in 60 s and on.
    trace = follow(NETWORK, VAN, every_s=5.0)
    skipped = cut(trace, (trace.second <= EIGHT + 420) | (trace.second >= EIGHT + 720))
    second = np.where(skipped.second >= EIGHT + 720, skipped.second - 299, skipped.second)
    found = compared(dataclasses.replace(skipped, second=second))
    assert [visit.outcome for visit in found.visits] == ["visited", "passed", "visited"]
    assert found.visits[1].arrive_s == pytest.approx(EIGHT + 420, abs=15)
    assert found.count("passed") == 1


def test_stop_that_is_not_reached_is_missed():
    # The trace ends at the locker.
    trace = follow(NETWORK, VAN, every_s=5.0)
    found = compared(cut(trace, trace.second <= EIGHT + 700))
    assert [visit.outcome for visit in found.visits] == ["visited", "visited", "missed"]
    assert (found.visits[2].arrive_s, found.visits[2].depart_s, found.visits[2].error_s) == (None, None, None)
    # 1,000 of 2,500 m out, nothing of the 2,500 m back.
    assert found.planned_driven == pytest.approx(1000 / 5000, abs=0.02)


def test_short_service_needs_a_short_stay():
    # o5 is served from 08:20 to 08:21: half of that is less than a minute, so a minute is asked for.
    at = {"lon": VAN.stops[3].lon, "lat": VAN.stops[3].lat}
    seconds = np.arange(EIGHT + 900.0, EIGHT + 1000.0, 5.0)

    def stay(length):
        own = seconds[seconds <= EIGHT + 900 + length]
        return Trace(lon=np.full(len(own), at["lon"]), lat=np.full(len(own), at["lat"]), second=own)

    assert compared(stay(60)).visits[2].outcome == "visited"
    assert compared(stay(55)).visits[2].outcome == "passed"


def test_stops_in_another_order_are_inverted():
    # Planned: A, locker, o5. The plan is written as o5, A, locker: two of three pairs are driven the other way round.
    order = [0, 3, 1, 2, 4]
    route = dataclasses.replace(VAN, stops=tuple(VAN.stops[k] for k in order))
    plan = dataclasses.replace(PLAN, routes=(route,))
    found = compared(follow(NETWORK, VAN, every_s=5.0), plan)
    assert found.count("visited") == 3
    assert found.inversions == 2
    assert found.kendall_tau == pytest.approx(1 - 4 * 2 / (3 * 2))


def test_stops_side_by_side_have_no_order():
    # A second stop 30 m beside station A: both are visited in one stay.
    beside = dataclasses.replace(VAN.stops[1], location_id="beside", lon=city.place(530, 0)[0])
    route = dataclasses.replace(VAN, stops=(VAN.stops[0], beside, *VAN.stops[1:]), legs=(VAN.legs[0], *VAN.legs))
    plan = dataclasses.replace(PLAN, routes=(route,))
    found = compared(follow(NETWORK, VAN, every_s=5.0), plan)
    assert found.count("visited") == 4
    assert found.inversions == 0


def test_walk_from_the_road_to_the_door_is_allowed_for():
    # The door lies 150 m off the street, which the plan says.
    off = {"lat": city.place(500, 150)[1]}
    trace = follow(NETWORK, VAN, every_s=5.0)
    near = dataclasses.replace(PLAN, routes=(changed(VAN, s1={**off, "snap_m": 150.0}),))
    far = dataclasses.replace(PLAN, routes=(changed(VAN, s1=off),))
    assert compared(trace, near).visits[0].outcome == "visited"
    assert compared(trace, far).visits[0].outcome == "missed"


def test_vehicle_parked_off_the_road_was_there():
    # Station A stands 200 m off the street; the van drives into its yard, which the map does not have.
    trace = follow(NETWORK, VAN, every_s=5.0)
    standing = (trace.second > EIGHT + 60) & (trace.second < EIGHT + 360)
    lat = np.where(standing, city.place(500, 200)[1], trace.lat)
    route = changed(VAN, s1={"lat": city.place(500, 200)[1]})
    found = compared(dataclasses.replace(trace, lat=lat), dataclasses.replace(PLAN, routes=(route,)))
    assert found.visits[0].outcome == "visited"


def test_receiver_that_sleeps_while_the_vehicle_stands_ends_no_stay():
    trace = follow(NETWORK, VAN, every_s=5.0)
    asleep = (trace.second > EIGHT + 65) & (trace.second < EIGHT + 355)
    found = compared(cut(trace, ~asleep))
    assert found.visits[0].outcome == "visited"
    assert found.visits[0].depart_s == pytest.approx(EIGHT + 360, abs=15)


def test_vehicle_without_a_trace_missed_all():
    found = compare(PLAN, [], NETWORK)
    assert [item.vehicle_id for item in found] == ["van-1", "truck-1"]
    assert [item.count("missed") for item in found] == [3, 1]
    assert found[0].driven_m is None
    assert (found[0].inversions, found[0].kendall_tau, found[0].median_error_s) == (0, None, None)
    assert found[0].planned_driven == 0.0


def test_trace_of_another_day_is_not_the_plans():
    trace = follow(NETWORK, VAN, every_s=5.0)
    found = compared(dataclasses.replace(trace, second=trace.second - 86_400))
    assert found.driven_m is None
    assert found.count("missed") == 3


def test_two_rounds_of_a_vehicle_are_told_apart_by_time():
    later = dataclasses.replace(
        VAN,
        stops=tuple(
            dataclasses.replace(s, arrive_s=s.arrive_s + 7200, start_s=s.start_s + 7200, depart_s=s.depart_s + 7200)
            for s in VAN.stops
        ),
        legs=tuple(
            dataclasses.replace(leg, depart_s=leg.depart_s + 7200, arrive_s=leg.arrive_s + 7200) for leg in VAN.legs
        ),
    )
    one, two = follow(NETWORK, VAN, every_s=5.0), follow(NETWORK, later, every_s=5.0)
    both = Trace(
        lon=np.concatenate((one.lon, two.lon)),
        lat=np.concatenate((one.lat, two.lat)),
        second=np.concatenate((one.second, two.second)),
    )
    plan = dataclasses.replace(PLAN, routes=(VAN, later))
    first, second = compare(plan, [journey(both)], NETWORK)
    for item in (first, second):
        assert item.count("visited") == 3
        assert item.driven_m == pytest.approx(5000, abs=60)
        assert abs(item.median_error_s) < 15


def test_vehicle_that_never_left_has_no_hours():
    at = city.place(0, 0)
    trace = Trace(lon=np.full(50, at[0]), lat=np.full(50, at[1]), second=EIGHT + np.arange(50) * 10.0)
    found = compared(trace)
    assert (found.driven_m, found.driven_s) == (pytest.approx(0, abs=1), 0.0)
