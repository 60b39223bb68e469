"""The routing stage: supplies, releases, several depots, spare vehicles, what is left out and why."""

import pytest
import town

from lastmile.errors import InputError
from lastmile.loading import load_scenario
from lastmile.pipeline import plan_scenario

HEADER = "id,lon,lat,parcels,options,release,skill"
TARGETS = town.SCENARIO[town.SCENARIO.index("[[targets]]") : town.SCENARIO.index("[[depots]]")]
ONE_OUTLET = TARGETS[: TARGETS.index("[[targets]]", 5)]
DEPOT = town.SCENARIO[town.SCENARIO.index("[[depots]]") : town.SCENARIO.index("[[vehicles]]")]


def depot(name, row, column):
    lon, lat = town.corner(row, column)
    return f'[[depots]]\nid = "{name}"\nlon = {lon}\nlat = {lat}\ncrs = "wgs84"\n\n'


@pytest.fixture
def make_plan(tmp_path):
    def make(orders, scenario=None, targets=ONE_OUTLET):
        text = "\n".join([HEADER, *orders]) + "\n"
        path = town.write_town(tmp_path, scenario={TARGETS: targets} | (scenario or {}), orders=text)
        plan = plan_scenario(load_scenario(path)).plan
        assert [str(violation) for violation in plan.violations] == []
        return plan

    return make


@pytest.fixture
def door(row):
    return lambda name, r, c, parcels=2, release="", skill="": row(name, r, c, parcels, "door", release, skill)


def left(plan):
    return {item.order_id: " | ".join(item.reasons) for item in plan.unserved}


def bases(plan):
    return {s.location_id: route.base_id for route in plan.routes for s in route.stops if s.kind == "door"}


def test_site_that_cannot_be_supplied_serves_nobody_and_its_vehicles_do_other_work(make_plan, door):
    # The outlet is supplied from 05:00 to 05:01: no truck is there in time.
    plan = make_plan(
        [door("a", 3, 3), door("b", 4, 4)], {'supply_hours = "05:00-08:00"': 'supply_hours = "04:00-04:01"'}
    )
    assert plan.routes == ()
    assert set(left(plan)) == {"a", "b"}
    assert all(
        "cannot be supplied: truck from dc" in text and "after its window ends" in text for text in left(plan).values()
    )
    assert all(site.load_parcels == 0 for site in plan.sites)


def test_parcels_released_too_late_for_the_supply_stay_behind_alone(make_plan, door):
    plan = make_plan([door("early", 3, 3), door("late", 3, 4, release="10:00"), door("soon", 4, 4, release="06:00")])
    assert set(left(plan)) == {"late"}
    assert "at the depot at 10:00" in left(plan)["late"]
    supply = [route for route in plan.routes if route.base_id == "dc"]
    assert [route.stops[0].depart_s >= 6 * 3600 for route in supply] == [True]
    assert sum(route.parcels for route in supply) == 4


def test_doors_are_served_directly_where_no_vehicle_is_based_at_a_site(make_plan, door):
    plan = make_plan([door("a", 6, 1)], {'based_at = ["outlet"]': 'based_at = ["dc"]'})
    assert bases(plan) == {"a": "dc"}


def test_skill_that_only_the_depots_vehicle_has_is_served_directly(make_plan, door):
    skills = {'id = "truck"\n': 'id = "truck"\nskills = ["cold"]\n'}
    plan = make_plan([door("a", 6, 1), door("cold", 6, 2, skill="cold")], skills)
    assert plan.unserved == ()
    assert bases(plan)["cold"] == "dc"
    assert bases(plan)["a"].startswith("outlet:")


COLD_LOCKER = {
    "parcels_per_module = 40.0\n": "parcels_per_module = 40.0\nchilled_modules_max = 1\n"
    "parcels_per_chilled_module = 20.0\n",
    "yuan_per_module = 9000.0": "yuan_per_module = 9.0",
}


def test_chilled_parcels_are_brought_to_a_site_by_a_vehicle_that_keeps_them_so(make_plan, row):
    orders = [row("c", 3, 3.1, 5, "locker", "", "cold"), row("o", 3, 3.1, 7, "locker", "", "")]
    van = {"[search]": VAN + "[search]"}
    plan = make_plan(orders, COLD_LOCKER | van)
    assert plan.unserved == ()
    brought = {
        (route.vehicle_type, stop.parcels) for route in plan.routes for stop in route.stops if stop.kind == "site"
    }
    # All twelve may ride in the cold van; where the truck takes the other seven, five ride in the van.
    assert ("van", 5) in brought
    (site,) = [site for site in plan.sites if site.facility == "locker"]
    assert (site.load_parcels, site.chilled_load_parcels) == (12, 5)


def test_chilled_parcels_that_nobody_can_bring_are_left_out_alone(make_plan, row):
    orders = [
        row("c", 3, 3.1, 5, "locker", "", "cold"),
        row("o", 3, 3.1, 7, "locker", "", ""),
        row("d", 3, 3.3, 1, "door", "", "cold"),
        row("e", 3, 3.3, 1, "door", "", ""),
    ]
    # The trikes keep parcels cold, the truck that supplies their outlet and the lockers does not.
    plan = make_plan(orders, COLD_LOCKER | {'id = "trike"\n': 'id = "trike"\nskills = ["cold"]\n'})
    assert set(left(plan)) == {"c", "d"}
    assert all("cannot be supplied: truck from dc: lacks the skill 'cold'" in text for text in left(plan).values())
    assert {service.order_id for service in plan.services} == {"o", "e"}
    assert {site.facility: (site.load_parcels, site.chilled_load_parcels) for site in plan.sites}["locker"] == (7, 0)


def test_chilled_parcels_that_come_too_late_leave_the_others_alone(make_plan, row):
    orders = [row("c", 3, 3.1, 5, "locker", "21:00", "cold"), row("o", 3, 3.1, 7, "locker", "", "")]
    plan = make_plan(orders, COLD_LOCKER | {'id = "truck"\n': 'id = "truck"\nskills = ["cold"]\n'})
    assert set(left(plan)) == {"c"}
    assert {service.order_id for service in plan.services} == {"o"}


VAN = """[[vehicles]]
id = "van"
vehicle_class = "e_van"
count = 1
based_at = ["dc"]
shift = "04:30-16:00"
payload_kg = 800.0
skills = ["cold"]
battery = { usable_kwh = 45.0, kwh_per_km = 0.2 }

"""


def test_island_is_left_out_with_a_reason_for_every_type(make_plan, door):
    # Nothing is based at the depot: the territory there has no vehicle at all.
    plan = make_plan([door("island", 2.5, 14)], {'based_at = ["dc"]': 'based_at = ["outlet"]'})
    (text,) = left(plan).values()
    assert "trike: is " in text
    assert "no vehicle is based at dc" in text


def test_each_depot_serves_what_is_near_it_with_the_vehicles_it_has(make_plan, door):
    # The truck is at the southern depot, the trikes at the northern one; nobody is at the one in the middle.
    three = {
        DEPOT: depot("south", 0, 0) + depot("north", 7, 7) + depot("middle", 3, 3),
        'based_at = ["dc"]': 'based_at = ["south"]',
        'based_at = ["outlet"]': 'based_at = ["north"]',
    }
    plan = make_plan([door("s", 0, 2), door("m", 3, 3), door("n", 7, 6)], three)
    assert plan.unserved == ()
    assert bases(plan)["s"] == "south"
    assert bases(plan)["n"] == "north"


def test_spare_vehicles_go_where_some_are_short(make_plan, door):
    # Six trikes at two depots, one stop a round: the south has five orders, the north one.
    two = {
        DEPOT: depot("south", 0, 0) + depot("north", 7, 7),
        'based_at = ["dc"]': 'based_at = ["south"]\nmax_stops = 1',
        'based_at = ["outlet"]': 'based_at = ["south", "north"]\nmax_stops = 1',
        "count = 2\n": "count = 0\n",
    }
    orders = [door(f"s{k}", 0, k) for k in range(5)] + [door("n", 7, 6)]
    plan = make_plan(orders, two, targets="")
    assert plan.unserved == ()
    assert sum(base == "south" for base in bases(plan).values()) == 5


def test_type_at_depot_and_site_is_not_counted_twice(make_plan, door):
    # One trike: it supplies the outlet from the depot, or delivers from it, not both.
    both = {"count = 6": "count = 1", 'based_at = ["outlet"]': 'based_at = ["outlet", "dc"]', "count = 2": "count = 0",
            'supply_hours = "05:00-08:00"': 'supply_hours = "05:00-18:00"'}  # fmt: skip
    plan = make_plan([door("a", 3, 3)], both)
    assert len(plan.routes) == 1
    assert set(left(plan)) == {"a"}
    assert "all 0 are in use" in left(plan)["a"] or "there is none" in left(plan)["a"]


def test_large_load_comes_in_several_drops(make_plan, door):
    # 90 parcels at 1.2 kg are 108 kg, two loads of a truck of 60 kg; there are two trucks.
    small = {"payload_kg = 1500.0": "payload_kg = 60.0"}
    plan = make_plan([door("a", 3, 3, 45), door("b", 3, 4, 45)], small)
    drops = [s.parcels for route in plan.routes for s in route.stops if s.kind == "site"]
    assert drops == [45, 45]


def test_order_with_nothing_to_hand_over_needs_no_visit(make_plan, door):
    plan = make_plan([door("none", 3, 3, 0)])
    assert plan.unserved == ()
    assert plan.routes == ()


def test_rounds_leave_room_for_breaks(make_plan, door):
    # One trike with six stops of 40 min and one hour of rest from 12:00 to 14:00: out from 10:30 at the earliest, it
    # cannot rest before or after them.
    rests = {
        "count = 6\n": 'count = 1\nbreaks = [{ minutes = 60, window = "12:00-14:00" }]\nshift = "10:30-16:30"\n',
        "[demand]\n": "[demand]\ndoor = { visit_s = 2400.0, parcel_s = 0.0 }\n",
    }
    orders = [door(f"d{k}", 3, 2 + k) for k in range(6)]
    plan = make_plan(orders, rests)
    assert len(left(plan)) == 0
    assert [len(route.stops) for route in plan.routes if route.vehicle_type == "trike"] == [8]


def test_breaks_that_leave_no_room_for_each_other_are_an_error_of_the_input(make_plan, door):
    rests = '[{ minutes = 60, window = "12:00-13:00" }, { minutes = 5, window = "12:00-13:00" }]'
    with pytest.raises(InputError, match="find no room one after another"):
        make_plan([door("a", 3, 3)], {"count = 6\n": f"count = 6\nbreaks = {rests}\n"})
