"""Charging on the way: one thing is spoilt, exactly that rule is reported."""

import math
from dataclasses import replace

import geopandas
import pytest
import shapely


def found(town):
    return [(violation.rule, violation.amount) for violation in town.check()]


def with_chargers(town, kw=1.0, classes=(), price=math.nan):
    """A charger at the door of a."""
    row = town.demand.id.index("a")
    frame = geopandas.GeoDataFrame(
        {"id": ["c"], "name": [""], "power_kw": [kw], "slots": [1], "vehicles": [classes], "yuan_per_kwh": [price]},
        geometry=[shapely.Point(town.demand.lon[row], town.demand.lat[row])],
        crs="EPSG:4326",
    )
    return replace(town, scenario=replace(town.scenario, chargers=frame))


def with_battery(town, **changes):
    battery = town.scenario.file.vehicles[1].battery.model_copy(update=changes)
    return town.with_rule("vehicles", 1, battery=battery)


@pytest.fixture
def charging(town):
    """The trike, 50 Wh short of full at a, charges 40 Wh there at 1 kW in 144 s; then come 25 Wh to b and 50 Wh back.

    Its battery of 100 Wh takes 2 kW up to 90 %, half a kW above: to 90 Wh in 80 s if the charger gave as much.
    """
    route = town.plan.routes[1]
    base, a, b, end = route.stops
    there, on, back = route.legs
    stop = replace(
        a, kind="charge", location_id="c", name="c", arrive_s=a.depart_s, start_s=a.depart_s, depart_s=a.depart_s + 144,
        parcels=0, pickups=0, weight_g=0, volume_cm3=0, charged_wh=40,
    )  # fmt: skip
    at = replace(on, edges=(), start_fraction=0.0, end_fraction=0.0, arrive_s=on.depart_s, distance_m=0.0, energy_wh=0)
    later = [
        replace(s, arrive_s=s.arrive_s + 144, start_s=s.start_s + 144, depart_s=s.depart_s + 144) for s in (b, end)
    ]
    legs = [replace(leg, depart_s=leg.depart_s + 144, arrive_s=leg.arrive_s + 144) for leg in (on, back)]
    changed = town.with_route(1, stops=(base, a, stop, *later), legs=(there, at, *legs))
    return with_battery(with_chargers(changed), usable_kwh=0.1, reserve_kwh=0.0, charging=((0.0, 2.0), (0.9, 0.5)))


def test_round_that_charges_is_legal(charging):
    assert found(charging) == []
    assert charging.plan.routes[1].charged_wh == 40


def test_without_the_charge_the_battery_is_empty(charging):
    # 125 Wh in all; with 10 Wh charged 15 are missing, 20 less what was never taken.
    assert found(charging.with_stop(1, 2, charged_wh=10)) == [("battery", "+15 Wh")]
    assert found(with_battery(charging, reserve_kwh=0.03)) == [("battery", "+15 Wh")]


def test_charge_takes_its_time(charging):
    # 40 Wh at 1 kW are 144 s.
    assert found(charging.with_stop(1, 2, depart_s=charging.plan.routes[1].stops[2].depart_s - 10)) == [
        ("charge", "-10 s")
    ]
    assert found(with_chargers(charging, kw=0.9)) == [("charge", "-16 s")]
    # At a stronger charger by the curve: from 50 to 90 Wh at 2 kW in 72 s, to 100 Wh at half a kW in 72 s more.
    strong = with_chargers(charging, kw=50.0)
    assert found(strong.with_stop(1, 2, charged_wh=50)) == []
    slow = with_battery(strong, charging=((0.0, 2.0), (0.8, 0.5)))
    # 30 Wh in 54 s, 20 Wh in 144 s.
    assert found(slow.with_stop(1, 2, charged_wh=50)) == [("charge", "-54 s")]


def test_battery_has_room_for_what_is_charged(charging):
    strong = with_battery(with_chargers(charging, kw=50.0), charging=((0.0, 50.0),))
    assert found(strong.with_stop(1, 2, charged_wh=55)) == [("charge", "+5 Wh")]


def test_vehicle_that_does_not_charge_on_its_way(charging):
    assert found(with_battery(charging, charging=())) == [("charge", "40 Wh")]


def test_charger_of_another_class(charging):
    assert found(with_chargers(charging, classes=("e_van",))) == [("charge", "e_trike")]
    assert found(with_chargers(charging, classes=("e_van", "e_trike"))) == []


def test_charger_that_does_not_exist(charging):
    assert found(charging.with_stop(1, 2, location_id="d")) == [("identity", "d")]


def test_energy_from_nowhere(charging):
    assert found(charging.with_stop(1, 1, charged_wh=7)) == [("handover", "7 Wh")]
    assert ("handover", "-7 Wh") in found(charging.with_stop(1, 2, charged_wh=-7))


def test_price_of_a_charger(charging):
    # 40 Wh at 5 yuan a kWh are 20 fen; the trike's own energy costs nothing.
    dear = with_chargers(charging, price=5.0).with_rule("vehicles", 1, yuan_per_kwh=0.0)
    assert found(dear) == [("route-cost", "-20 fen")]
    assert found(dear.with_route(1, cost_fen=charging.plan.routes[1].cost_fen + 20)) == []


def test_parcels_are_not_handed_over_at_a_charger(charging):
    assert ("handover", "1 for 0 parcels") in found(charging.with_stop(1, 2, parcels=1))
