"""Vehicles beyond those driven, and who holds permits."""

from lastmile.plans import Route, Stop
from lastmile.stages.fleet import make_fleet

TARGET = '[[targets]]\nmeasure = "{}"\nid = "t"\ntext = "t"\n{}\n\n[[depots]]'


def route(vehicle_type, *permits):
    stop = Stop(kind="base", location_id="dc", name="", lon=0, lat=0, arrive_s=0, start_s=0, depart_s=0, parcels=0,
                pickups=0, weight_g=0, volume_cm3=0, snap_m=0)  # fmt: skip
    return Route(vehicle_id="v", vehicle_type=vehicle_type, vehicle_class="e_trike", energy="electric", base_id="dc",
                 permits=permits, stops=(stop, stop), legs=(), cost_fen=0)  # fmt: skip


def fleet(city, *routes):
    return {entry.vehicle_type: entry for entry in make_fleet(city.scenario.file, routes)}


PRICES = {
    'id = "trike"\n': 'id = "trike"\nnew = true\nprice_yuan = 9000.0\n',
    'id = "truck"\n': 'id = "truck"\nnew = true\nprice_yuan = 90000.0\n',
}


def test_reserve_is_the_cheapest_that_meets_the_target(make_city):
    city = make_city(PRICES | {"[[depots]]": TARGET.format("vehicles", "minimum = 5")})
    found = fleet(city, route("truck"), route("trike"))
    # A marked truck drives, so the permit has its holder; three trikes make five vehicles.
    assert {name: (entry.driven, entry.reserve) for name, entry in found.items()} == {"trike": (1, 3), "truck": (1, 0)}
    assert found["trike"].price_fen == 900_000


def test_target_beyond_the_counts_falls_short_by_the_least(make_city):
    city = make_city(PRICES | {"[[depots]]": TARGET.format("vehicles", "minimum = 50")})
    found = fleet(city)
    assert (found["trike"].reserve, found["truck"].reserve) == (6, 2)


def test_smallest_share_of_new_energy_is_bought_even_where_nothing_else_is_wanted(make_city):
    # One new truck drives; a share of 0.05 needs an electric vehicle, whatever that costs.
    no_permit = {"minimum = 1\n\n[[depots]]": "minimum = 0\n\n[[depots]]"}
    share = TARGET.format("new_energy_share", "minimum = 0.05").replace('"t"', '"s"')
    city = make_city(PRICES | {"count = 6\n": ""} | no_permit | {"[search]": share.replace("[[depots]]", "[search]")})
    found = fleet(city, route("truck"))
    assert (found["trike"].reserve, found["truck"].reserve) == (1, 0)


def test_permits_go_to_who_drives_with_them_then_to_marked_vehicles(make_city):
    city = make_city({"quota = 1\neligible = { marked = true }": "quota = 3\neligible = { marked = true }",
                      'permit = "marked"\nminimum = 1': 'permit = "marked"\nminimum = 2'})  # fmt: skip
    found = fleet(city, route("truck", "marked"))
    assert found["truck"].permits == {"marked": 2}
    assert found["truck"].reserve == 1
    assert found["trike"].permits == {}


def test_no_more_permits_than_the_quota(make_city):
    city = make_city({'permit = "marked"\nminimum = 1': 'permit = "marked"\nminimum = 9'})
    assert fleet(city, route("truck"))["truck"].permits == {"marked": 1}
