"""A territory's problem: entries, permits, counts, drops, objections."""

import numpy as np
import pytest

from lastmile.scenario import Facility, VehicleType
from lastmile.solvers.problem import Break
from lastmile.stages.tasks import Base, capacity, depot_bases, door_task, meeting, shift_of, site_tasks
from lastmile.stages.territories import entries_for, make_territory, useful_permits
from lastmile.units import DAY_S

HOUR = 3600


def base(opens, closes, *, daily=True):
    return Base(id="b", name="b", lon=0.0, lat=0.0, open_s=(opens * HOUR, closes * HOUR), daily=daily)


@pytest.mark.parametrize(
    ("shift", "hours", "span"),
    [
        ("08:00-18:00", (0, 48), (8, 18)),
        ("08:00-18:00", (10, 16), (10, 16)),
        ("20:00-04:00", (0, 48), (20, 28)),
        ("20:00-04:00", (6, 22), (20, 22)),
        ("04:00-10:00", (22, 31), (4, 7)),  # 22:00-07:00: the night before the planned day
    ],
)
def test_shift_within_the_hours_of_the_base(make_city, shift, hours, span):
    vehicle = make_city().scenario.file.vehicles[1].model_copy(update={"shift": shift})
    assert shift_of(vehicle, base(*hours)) == (span[0] * HOUR, span[1] * HOUR)


def test_hours_meet_a_span_on_the_day_they_share():
    assert meeting((22 * HOUR, 30 * HOUR), [(4 * HOUR, 16 * HOUR)]) == (0, 6 * HOUR)
    assert meeting((5 * HOUR, 8 * HOUR), [(20 * HOUR, 30 * HOUR)]) == (29 * HOUR, 32 * HOUR)
    assert meeting((5 * HOUR, 8 * HOUR), []) == (5 * HOUR, 8 * HOUR)


def test_permits_only_where_they_open_something(make_city):
    city = make_city()
    trike, truck = city.scenario.file.vehicles
    periods = city.roads.periods
    assert useful_permits(city, truck, periods) == ("marked",)
    assert useful_permits(city, trike, periods) == ()  # not marked, and the zone is none of its business
    before = [p for p in periods if p.end_s <= 7 * HOUR]
    assert useful_permits(city, truck, before) == ()


def test_variants_share_the_count_and_none_is_offered_a_permit_that_is_gone(make_city):
    city = make_city()
    bases = depot_bases(city)
    counts = {("truck", 0): 2}
    assert [e.permits for e in entries_for(city, bases, counts, 9, {"marked": 1})] == [(), ("marked",)]
    assert [e.permits for e in entries_for(city, bases, counts, 9, {"marked": 0})] == [()]
    tasks = [door_task(city, k) for k in range(3)]
    problem = make_territory(city, "dc", bases, tasks, counts, {"marked": 1}).problem
    assert [kind.count for kind in problem.vehicles] == [2, 2]
    assert problem.pools == {"permit marked": 1, "type truck": 2}
    assert all("type truck" in kind.pools for kind in problem.vehicles)


def test_unlimited_type_has_as_many_vehicles_as_orders(make_city):
    city = make_city()
    (bare, _) = entries_for(city, depot_bases(city), {("truck", 0): None}, 9, {"marked": 1})
    assert bare.count == 9


def drops(load, *vehicles, hours="06:00-20:00"):
    class Site:
        id, name, lon, lat = "s", "s", 1.0, 2.0

    facility = Facility(id="f", kind="outlet", parcels_per_module=1.0, hosts=(), supply_hours=hours)
    return site_tasks(Site, facility, load, vehicles, release_s=5)


def truck(**changes):
    values = {"id": "t", "vehicle_class": "truck_light", "energy": "diesel", "based_at": ("dc",)} | changes
    return VehicleType(**values)


def test_drops_fit_every_type_in_every_dimension():
    # 100 parcels of 1 kg and 10 L: by weight 40 kg need three drops, by volume 0.25 m3 four.
    tasks = drops((100, 100_000, 1_000_000), truck(payload_kg=40.0), truck(volume_m3=0.25))
    assert [t.parcels for t in tasks] == [25, 25, 25, 25]
    assert sum(t.weight_g for t in tasks) == 100_000
    assert max(t.volume_cm3 for t in tasks) <= 250_000
    assert tasks[0].service_s == 180 + 6 * 25
    assert {t.release_s for t in tasks} == {5}
    assert [t.parcels for t in drops((7, 0, 0), truck(parcels=3.0))] == [2, 2, 3]
    assert len(drops((3, 0, 0), truck(parcels=0.5))) == 3  # no vehicle takes one: each drop is a parcel, and is blocked


def test_supply_hours_of_the_night_meet_the_shift():
    (task,) = drops((1, 0, 0), truck(parcels=9.0, shift="04:30-16:00"), hours="22:00-06:00")
    assert task.window_s == (0, 6 * HOUR)
    (task,) = drops((1, 0, 0), truck(parcels=9.0, shift="20:00-04:00"), hours="00:00-24:00")
    assert task.window_s == (0, 2 * DAY_S)


def test_energy_counts_the_heaviest_load_there_can_be(make_city):
    # 2 Wh/m and 1 Wh per tonne and metre; the trike has no limit of weight, but all tasks together weigh 6.0 kg.
    city = make_city(
        {"payload_kg = 150.0\nvolume_m3 = 1.0": "parcels = 50.0",
         "kwh_per_km = 0.07": "kwh_per_km = 2.0, kwh_per_ton_km = 1.0",
         'based_at = ["outlet"]': 'based_at = ["outlet", "dc"]'}
    )  # fmt: skip
    tasks = [door_task(city, 0), door_task(city, 3), door_task(city, 6)]
    problem = make_territory(city, "dc", depot_bases(city), tasks, {("trike", 0): 1}, {"marked": 1}).problem
    grams = sum(task.weight_g for task in tasks)
    (table,), (kind,) = problem.profiles, problem.vehicles
    # Rounded up, and one more: a leg's own energy is rounded up as well.
    legs = ~np.eye(4, dtype=bool)
    exact = np.ceil(table.distance_m * (2.0 + grams / 1e6)) + 1
    assert table.energy_wh[legs].tolist() == exact[legs].tolist()
    assert np.diag(table.energy_wh).tolist() == [0] * 4
    assert (kind.battery.capacity_wh, kind.battery.reserve_wh) == (5400, 500)


def test_physics_limits_the_round_by_energies_of_the_heaviest_load(make_city):
    # 1,000 kg and all tasks' 6.0 kg; a flat town: 9.81 * 0.01 / 0.5 J per kg and metre, no air, no auxiliaries.
    physics = "curb_kg = 1000.0, drag_area_m2 = 0.0, auxiliary_w = 0.0, drivetrain_efficiency = 0.5"
    city = make_city(
        {"kwh_per_km = 0.07": f"kwh_per_km = 9.0, physics = {{ {physics} }}",
         'based_at = ["outlet"]': 'based_at = ["outlet", "dc"]'}
    )  # fmt: skip
    tasks = [door_task(city, 0), door_task(city, 3), door_task(city, 6)]
    problem = make_territory(city, "dc", depot_bases(city), tasks, {("trike", 0): 1}, {"marked": 1}).problem
    (table,), (kind,) = problem.profiles, problem.vehicles
    mass = 1000 + sum(task.weight_g for task in tasks) / 1000
    exact = table.distance_m * mass * 9.81 * 0.01 / 0.5 / 3600
    # Metres are rounded up, energies up by one more than a part of a watt-hour; 0.01 Wh is lost on each edge.
    assert (table.energy_wh >= exact - 0.01).all()
    assert (table.energy_wh <= exact + 2.5).all()
    assert np.diag(table.energy_wh).tolist() == [0] * 4
    assert kind.battery.capacity_wh - kind.battery.reserve_wh == 4900
    # 20 yuan an hour; a kWh costs 0.6 yuan, and money goes by the mean of the table.
    assert kind.fen_per_km == round(60 * table.energy_wh.sum() / table.distance_m.sum())


def test_too_far_from_the_road_and_without_skill_is_objected(make_city, row):
    header = "id,lon,lat,parcels,skill"
    city = make_city(
        orders=[row("near", 3, 3, 1, ""), row("cold", 3, 4, 1, "cold"), row("far", -3, 3, 1, "")], header=header
    )
    tasks = [door_task(city, k) for k in range(3)]
    territory = make_territory(city, "dc", depot_bases(city), tasks, {("truck", 0): 1}, {"marked": 0})
    assert territory.problem.allowed.ravel().tolist() == [True, False, False]
    assert territory.objections[1, 0][0] == "lacks the skill 'cold'"
    assert territory.objections[2, 0][0].startswith(
        "is 599 m from the nearest road for truck_light, the limit is 500 m"
    )
    assert capacity(territory.entries[0].vehicle)[1] == 1_500_000


def test_no_vehicle_makes_a_problem_without_vehicles(make_city):
    city = make_city()
    problem = make_territory(city, "dc", depot_bases(city), [door_task(city, 0)], {}, {"marked": 1}).problem
    assert problem.vehicles == ()
    assert problem.allowed.shape == (1, 0)
    assert np.array_equal(problem.location, [1])


def test_numbers_beyond_all_measure_make_a_problem_all_the_same(make_city, row):
    # More parcels, money, kilometres and vehicles than any city has; nothing of it is an error of the user's.
    city = make_city(
        {'id = "truck"\n': 'id = "truck"\nparcels = 1e300\nmax_distance_km = 1e300\nmax_work_hours = 1e300\n',
         "yuan_per_day = 120.0": "yuan_per_day = 1e200", "count = 2\n": "count = 9000000000\n"},
        orders=[row("a", 3, 3, 1, 1e12, 1e15)], header="id,lon,lat,parcels,weight,price",
    )  # fmt: skip
    tasks = [door_task(city, 0)]
    problem = make_territory(
        city, "dc", depot_bases(city), tasks, {("truck", 0): 9 * 10**9}, {"marked": 10**12}
    ).problem
    kind = problem.vehicles[0]
    assert (kind.max_distance_m, kind.max_duration_s) == (None, None)
    assert problem.delivery[0, 1] > kind.capacity[1]
    assert kind.fixed_fen == problem.price_fen[0] == 10**8
    assert kind.count == problem.pools["permit marked"] == 2**31 - 1


def test_breaks_of_the_shift_are_breaks_of_the_vehicle(make_city):
    city = make_city({'id = "truck"\n': 'id = "truck"\nbreaks = [{ minutes = 30, window = "11:00-13:00" }]\n'})
    problem = make_territory(
        city, "dc", depot_bases(city), [door_task(city, 0)], {("truck", 0): 1}, {"marked": 0}
    ).problem
    assert problem.vehicles[0].breaks == (Break(window_s=(11 * HOUR, 13 * HOUR), duration_s=1800),)
