"""Several trips a day: variants that keep within the day's limits, rounds with reloads, batteries between them."""

from itertools import pairwise

import pytest
import town
from hypothesis import given
from hypothesis import strategies as st

from lastmile.loading import load_scenario
from lastmile.pipeline import plan_scenario
from lastmile.scenario import Battery, VehicleType
from lastmile.stages.prepare import prepare
from lastmile.stages.trips import hours_of_trip, reload_s, swaps, trips_at_most

TARGETS = town.SCENARIO[town.SCENARIO.index("[[targets]]") : town.SCENARIO.index("[[depots]]")]


def van(**changes):
    given = {"id": "van", "vehicle_class": "e_van", "energy": "electric", "based_at": ("dc",), "parcels": 10.0,
             "battery": Battery(usable_kwh=10.0, kwh_per_km=0.2)}  # fmt: skip
    return VehicleType(**(given | changes))


def diesel(**changes):
    return van(vehicle_class="truck_light", energy="diesel", battery=None, **changes)


def test_one_variant_where_nothing_limits_the_day():
    assert trips_at_most(diesel(trips_per_day=5), 100) == (5,)
    assert trips_at_most(
        van(trips_per_day=5, battery=Battery(usable_kwh=10.0, kwh_per_km=0.2, swap_minutes=3.0)), 100
    ) == (5,)


def test_variants_double_up_to_what_the_type_may_and_the_visits_need():
    assert trips_at_most(van(trips_per_day=6), 100) == (6, 4, 2, 1)
    assert trips_at_most(van(trips_per_day=6), 3) == (3, 2, 1)
    assert trips_at_most(van(), 100) == (1,)
    assert trips_at_most(van(trips_per_day=4), 0) == (1,)


def test_trips_that_could_do_nothing_are_not_offered():
    # 3 h of work with a reload of 90 min: two trips of 45 min, four would have no minute.
    assert trips_at_most(diesel(trips_per_day=4, max_work_hours=3.0, reload_minutes=90.0), 9) == (2, 1)
    assert hours_of_trip(diesel(trips_per_day=2, max_work_hours=3.0, reload_minutes=90.0), 2) == 0.75
    assert trips_at_most(diesel(trips_per_day=4, max_stops=3), 9) == (2, 1)


def test_reload_takes_the_swap_too():
    assert reload_s(van(reload_minutes=10.0)) == 600
    swapping = van(reload_minutes=10.0, battery=Battery(usable_kwh=10.0, kwh_per_km=0.2, swap_minutes=3.5))
    assert reload_s(swapping) == 810
    assert swaps(swapping)
    assert not swaps(van())
    assert not swaps(diesel())


@given(
    most=st.integers(1, 12),
    hours=st.floats(0.1, 24.0),
    minutes=st.floats(0.0, 200.0),
    visits=st.integers(0, 30),
)
def test_trips_of_the_hours_they_may_have_keep_within_the_day(most, hours, minutes, visits):
    vehicle = diesel(trips_per_day=most, max_work_hours=hours, reload_minutes=minutes)
    offered = trips_at_most(vehicle, visits)
    assert offered[-1] == 1
    assert list(offered) == sorted(set(offered), reverse=True)
    assert offered[0] <= most
    for k in offered:
        each = hours_of_trip(vehicle, k)
        assert each > 0
        assert k * each + (k - 1) * minutes / 60 <= hours + 1e-9


@pytest.fixture
def make_plan(tmp_path, row):
    """A plan of doors that trucks bring everything to from the depot; it breaks no rule."""

    def make(places, vehicle, parcels=10, orders=None):
        header = "id,lon,lat,parcels,options,release"
        rows = orders or [row(f"o{k}", *place, parcels, "door", "") for k, place in enumerate(places)]
        changes = {TARGETS: "", 'based_at = ["outlet"]': 'based_at = ["dc"]', "count = 6\n": "count = 0\n", **vehicle}
        path = town.write_town(tmp_path, scenario=changes, orders="\n".join([header, *rows]) + "\n")
        planned = plan_scenario(load_scenario(path))
        assert [str(violation) for violation in planned.plan.violations] == []
        return planned

    return make


def one_truck(**keys):
    lines = "".join(f"{key} = {value}\n" for key, value in keys.items())
    return {"count = 2\n": "count = 1\n" + lines, "payload_kg = 1500.0": "payload_kg = 24.0"}


def test_one_truck_makes_two_trips_where_its_load_takes_two(make_plan):
    # Four doors with 12 kg each, a truck of 24 kg.
    places = [(1, 1), (1, 5), (5, 1), (5, 5)]
    one = make_plan(places, one_truck())
    assert len(one.plan.unserved) == 2
    two = make_plan(places, one_truck(trips_per_day=2, reload_minutes=30.0))
    assert two.plan.unserved == ()
    (route,) = two.plan.routes
    assert (route.trips, route.parcels) == (2, 40)
    assert two.indicators["routing"]["trips"] == 2
    assert two.indicators["routing"]["stops"] == 4
    (reload,) = [stop for stop in route.stops[1:-1] if stop.kind == "base"]
    assert reload.depart_s - reload.start_s == 1800
    assert reload.start_s >= reload.arrive_s


def test_pause_between_trips_is_neither_work_nor_paid(make_plan, row):
    # What the second trip carries is at the depot at 12:00, hours after the first is back.
    orders = [
        row("a", 1, 1, 10, "door", ""),
        row("b", 1, 5, 10, "door", ""),
        row("c", 5, 1, 10, "door", "12:00"),
        row("d", 5, 5, 10, "door", "12:00"),
    ]
    planned = make_plan((), one_truck(trips_per_day=2, reload_minutes=30.0, max_work_hours=4.0), orders=orders)
    assert planned.plan.unserved == ()
    (route,) = planned.plan.routes
    number = next(k for k, stop in enumerate(route.stops) if k and stop.kind == "base")
    reload = route.stops[number]
    assert route.legs[number].depart_s >= 12 * 3600
    # The reload itself is work, the wait ahead of it is not.
    assert reload.depart_s == route.legs[number].depart_s
    worked = (reload.arrive_s - route.stops[0].depart_s) + 1800 + (route.stops[-1].arrive_s - reload.depart_s)
    assert route.duration_s == worked <= 4 * 3600
    yuan = 120.0 + 0.9 * route.distance_m / 1000 + 30.0 * worked / 3600
    assert route.cost_fen == pytest.approx(100 * yuan, abs=1)


def test_two_trips_leave_room_for_a_break(make_plan):
    # Four doors of 50 min, a reload and a break of an hour in a shift of six.
    rest = '[{ minutes = 60, window = "12:00-13:30" }]'
    places = [(1, 1), (1, 5), (5, 1), (5, 5)]
    changes = one_truck(trips_per_day=2, reload_minutes=30.0, breaks=rest) | {
        'shift = "04:30-16:00"': 'shift = "10:00-16:00"',
        "[demand]\n": "[demand]\ndoor = { visit_s = 3000.0, parcel_s = 0.0 }\n",
    }
    planned = make_plan(places, changes)
    assert planned.plan.unserved == ()
    (route,) = planned.plan.routes
    assert route.trips == 2


@pytest.mark.parametrize("swap", ["", ", swap_minutes = 5.0"])
def test_battery_lasts_for_all_trips_unless_it_is_swapped(make_plan, swap):
    # 4 orders of 12 kg for one trike of 24 kg. There and back are at least 2 * 2 km = 4 km each trip, 280 Wh of the
    # 400 Wh above the reserve: both trips need a second battery.
    places = [(5, 5), (5, 5), (5, 5.1), (5, 5.1)]
    trike = {
        "count = 0\n": "count = 1\ntrips_per_day = 2\nreload_minutes = 10.0\n",
        "count = 2\n": "count = 0 \n",
        "payload_kg = 150.0": "payload_kg = 24.0",
        "usable_kwh = 5.4, reserve_kwh = 0.5, kwh": "usable_kwh = 0.5, reserve_kwh = 0.1, kwh",
        "kwh_per_km = 0.07": f"kwh_per_km = 0.07{swap}",
    }
    planned = make_plan(places, {"count = 6\n": "count = 0\n"} | trike)
    (route,) = planned.plan.routes
    if swap:
        assert planned.plan.unserved == ()
        assert route.trips == 2
        assert route.energy_wh > 400
        (reload,) = [stop for stop in route.stops[1:-1] if stop.kind == "base"]
        assert reload.depart_s - reload.start_s == 900
    else:
        assert route.trips == 1
        assert len(planned.plan.unserved) == 2
        assert any("on 2 trips: the battery is" in text for left in planned.plan.unserved for text in left.reasons)


def test_swap_without_a_reload_is_told(tmp_path):
    path = town.write_town(tmp_path, scenario={"kwh_per_km = 0.07": "kwh_per_km = 0.07, swap_minutes = 3.0"})
    city = prepare(load_scenario(path), on_progress=lambda *_: None)
    assert any(text.startswith("vehicle trike: its battery is swapped where it reloads") for text in city.warnings)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("limits", [{}, {"max_stops": 7}, {"max_distance_km": 9.0}, {"max_work_hours": 3.0}])
def test_rounds_of_several_trips_break_no_rule_and_more_trips_serve_no_fewer(make_plan, seed, limits):
    # The referee counts the limits over the whole day; make_plan holds the plan against it.
    places = [((3 * k + seed) % 8, (5 * k + 2 * seed) % 6) for k in range(10)]
    served = []
    for trips in (1, 4):
        planned = make_plan(places, one_truck(trips_per_day=trips, reload_minutes=15.0, **limits), parcels=6)
        served.append(len(planned.plan.services))
        for route in planned.plan.routes:
            assert route.trips <= trips
            assert [stop.kind for stop in route.stops].count("base") == route.trips + 1
            for before, after in pairwise(route.stops):
                assert not before.kind == after.kind == "base"
    assert served[0] <= served[1]
