"""Charging on the way: which chargers, at what pace, and plans that the referee finds nothing in."""

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import town
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from lastmile.chargers import Charger, charging_s, crowded, energy_yuan, pieces
from lastmile.errors import InputError
from lastmile.loading import load_scenario
from lastmile.pipeline import plan_scenario
from lastmile.scenario import Battery, VehicleType
from lastmile.solvers.problem import UNREACHABLE, RoutingProfile
from lastmile.stages.charging import Recharge, choose_chargers, unfilled_wh, with_chargers
from lastmile.stages.prepare import prepare

TARGETS = town.SCENARIO[town.SCENARIO.index("[[targets]]") : town.SCENARIO.index("[[depots]]")]
BATTERY = "battery = { usable_kwh = 5.4, reserve_kwh = 0.5, kwh_per_km = 0.07 }"


def battery(*curve, usable=10.0):
    return Battery(usable_kwh=usable, kwh_per_km=0.2, charging=curve)


@st.composite
def curves(draw):
    shares = sorted(draw(st.sets(st.integers(1, 99), max_size=4)))
    return tuple((share / 100, draw(st.floats(0.5, 60.0))) for share in (0, *shares))


def test_charging_takes_as_long_as_each_piece_of_the_curve():
    # 10 kWh: 6 kW up to 8 kWh, 2 kW above it. From 7 to 9 kWh: 10 min and 30 min.
    assert charging_s(battery((0.0, 6.0), (0.8, 2.0)), 60.0, from_wh=7000, wh=2000) == pytest.approx(2400)
    # A charger of 3 kW: 20 min and 30 min.
    assert charging_s(battery((0.0, 6.0), (0.8, 2.0)), 3.0, from_wh=7000, wh=2000) == pytest.approx(3000)


@given(curves(), st.floats(0.5, 80.0), st.floats(0, 1), st.floats(0, 1))
def test_charging_time_is_the_sum_over_small_steps(curve, kw, start, part):
    held = battery(*curve)
    low, wh = start * 10_000, part * (1 - start) * 10_000
    inside = [share * 1e4 for share, _ in curve if low < share * 1e4 < low + wh]
    edges = np.unique(np.concatenate((np.linspace(low, low + wh, 50), inside)))
    steps = [
        (b - a) * 3.6 / min(kw, [power for share, power in curve if share * 1e4 <= (a + b) / 2][-1])
        for a, b in pairwise(edges)
    ]
    assert charging_s(held, kw, from_wh=low, wh=wh) == pytest.approx(sum(steps), rel=1e-6, abs=1e-6)
    assert [low for low, _, _ in pieces(held)] == [share for share, _ in curve]


def charger(name, column, kw=7.0, row=0, **changes):
    lon, lat = town.corner(row, column)
    return Charger(**({"id": name, "name": name, "lon": lon, "lat": lat, "power_kw": kw, "slots": 1} | changes))


def table(*chargers):
    lines = ["id,lon,lat,power_kw,slots,vehicles,yuan_per_kwh"]
    for c in chargers:
        price = "" if c.yuan_per_kwh is None else c.yuan_per_kwh
        lines.append(f"{c.id},{c.lon},{c.lat},{c.power_kw},{c.slots},{';'.join(c.vehicle_classes)},{price}")
    return "\n".join(lines) + "\n"


@pytest.fixture
def scenario(tmp_path, row):
    """A town in which trikes bring everything to doors from the depot in its south-west corner."""

    def make(places, chargers, charging="[[0.0, 3.0]]", usable=0.3, keys="", count=1, parcels=2, weight=1.0):
        header = "id,lon,lat,parcels,weight,options"
        rows = [row(f"o{k}", *place, parcels, weight, "door") for k, place in enumerate(places)]
        curve = f", charging = {charging}" if charging else ""
        changes = {
            TARGETS: "",
            'based_at = ["outlet"]': 'based_at = ["dc"]',
            "count = 2\n": "count = 0\n",
            "count = 6\n": f"count = {count}\n{keys}",
            BATTERY: f"battery = {{ usable_kwh = {usable}, reserve_kwh = 0.02, kwh_per_km = 0.07{curve} }}",
        }
        if chargers:
            changes["[demand]\n"] = '[chargers]\nfile = "chargers.csv"\ncrs = "wgs84"\n\n[demand]\n'
        path = town.write_town(tmp_path, scenario=changes, orders="\n".join([header, *rows]) + "\n")
        (tmp_path / "chargers.csv").write_text(table(*chargers), encoding="utf-8")
        return load_scenario(path)

    return make


@pytest.fixture
def make_plan(scenario):
    def make(*arguments, **changes):
        planned = plan_scenario(scenario(*arguments, **changes))
        assert [str(violation) for violation in planned.plan.violations] == []
        return planned

    return make


FAR = [(5, 7)]  # 12 streets away: 2.4 km or 168 Wh, there and back 336 Wh


def charged(planned):
    return [stop for route in planned.plan.routes for stop in route.stops if stop.kind == "charge"]


def test_battery_too_small_for_a_round_is_rescued_by_a_charger(make_plan):
    assert len(make_plan(FAR, []).plan.unserved) == 1
    planned = make_plan(FAR, [charger("c", 7, row=3)])
    assert planned.plan.unserved == ()
    (route,) = planned.plan.routes
    (stop,) = charged(planned)
    assert (stop.location_id, stop.parcels, stop.is_visit) == ("c", 0, False)
    # 280 Wh above the reserve; what is missing is charged, and no more than rounding and the plan's caution ask for.
    assert route.energy_wh - 280 <= stop.charged_wh <= route.energy_wh - 280 + 12
    assert stop.depart_s - stop.start_s == math.ceil(stop.charged_wh * 3.6 / 3.0)
    assert planned.indicators["routing"]["charging"]["kwh"] == stop.charged_wh / 1000
    assert planned.indicators["routing"]["stops"] == 1


@pytest.mark.parametrize(
    ("chargers", "charging"),
    [
        ([charger("c", 4, vehicle_classes=("e_van",))], "[[0.0, 3.0]]"),
        ([charger("c", 4, kw=0.0)], "[[0.0, 3.0]]"),
        ([charger("c", 4)], ""),
        ([charger("c", 40)], "[[0.0, 3.0]]"),
    ],
)
def test_charger_that_is_none_for_the_vehicle_does_not_help(make_plan, chargers, charging):
    planned = make_plan(FAR, chargers, charging=charging)
    assert len(planned.plan.unserved) == 1
    assert charged(planned) == []


def test_price_of_a_charger_is_paid_for_what_is_charged_there(make_plan):
    own, dear = (make_plan(FAR, [charger("c", 4, yuan_per_kwh=price)]) for price in (None, 5.0))
    (before,), (after,) = own.plan.routes, dear.plan.routes
    # 0.6 yuan a kWh of the vehicle's own against 5 at the charger.
    assert after.cost_fen - before.cost_fen == pytest.approx(100 * 4.4 * after.charged_wh / 1000, abs=1)
    more = dear.indicators["money"]["day_yuan"]["energy"] - own.indicators["money"]["day_yuan"]["energy"]
    assert more == pytest.approx(4.4 * after.charged_wh / 1000, abs=0.011)


def test_battery_is_not_charged_where_it_takes_too_little(make_plan):
    # 3 kW up to 60 % (180 Wh), 0.1 kW above: the plan charges below that share alone, at 3 kW.
    planned = make_plan(FAR, [charger("c", 6, row=5)], charging="[[0.0, 3.0], [0.6, 0.1]]")
    assert planned.plan.unserved == ()
    (stop,) = charged(planned)
    assert stop.depart_s - stop.start_s == math.ceil(stop.charged_wh * 3.6 / 3.0)


def test_round_that_needs_all_of_its_battery_does_not_lose_by_being_able_to_charge(make_plan):
    # One street, 1.4 km there and back: 98 Wh of 98 + 20. A charger far off, used up to half.
    near = [(0, 3.4)]
    alone = make_plan(near, [], usable=0.118, charging="")
    able = make_plan(near, [charger("c", 7, row=7)], usable=0.118, charging="[[0.0, 3.0], [0.5, 0.1]]")
    assert len(alone.plan.routes) == len(able.plan.routes) == 1
    assert charged(able) == []


def test_two_trips_share_a_battery_and_what_is_charged(make_plan):
    # Two loads for one trike of 12 kg: 336 Wh each where the battery gives 280 for the day.
    keys = "trips_per_day = 2\nreload_minutes = 10.0\n"
    doors = [(5, 7), (5, 7)]
    # 150 kg are what a trike takes: each order weighs more than half of it.
    planned = make_plan(doors, [charger("c", 4), charger("d", 5, row=3)], keys=keys, weight=100.0)
    assert planned.plan.unserved == ()
    (route,) = planned.plan.routes
    assert route.trips == 2
    assert route.charged_wh >= route.energy_wh - 280


@pytest.mark.parametrize(
    ("chargers", "charging", "words"),
    [
        ([charger("c", 4)], "", "chargers are only drawn: no vehicle's battery states"),
        ([charger("c", 4, vehicle_classes=("e_van",))], "[[0.0, 3.0]]", "vehicle trike: it can charge on its way, but"),
        ([], "[[0.0, 3.0]]", "vehicle trike: it can charge on its way, but no charger takes it"),
    ],
)
def test_chargers_that_cannot_be_used_are_told(scenario, chargers, charging, words):
    city = prepare(scenario([(0, 1)], chargers, charging=charging), on_progress=lambda *_: None)
    assert any(text.startswith(words) for text in city.warnings)


def test_nothing_is_told_where_chargers_are_used_or_there_are_none(scenario):
    for chargers, charging in (([charger("c", 4)], "[[0.0, 3.0]]"), ([], "")):
        city = prepare(scenario([(0, 1)], chargers, charging=charging), on_progress=lambda *_: None)
        assert not any("charg" in text for text in city.warnings)


def test_charger_that_occurs_twice_is_refused(scenario):
    with pytest.raises(InputError, match=r"chargers.csv, row 3, column 'id': 'c' occurs twice"):
        scenario([(0, 1)], [charger("c", 4), charger("c", 5)])


def test_breaks_of_electric_vehicles_keep_chargers_out(make_plan):
    planned = make_plan(FAR, [charger("c", 4)], keys='breaks = [{ minutes = 30, window = "11:00-14:00" }]\n')
    assert charged(planned) == []
    assert any("not planned together with the breaks" in text for text in planned.plan.warnings)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("charging", ["[[0.0, 3.0]]", "[[0.0, 4.0], [0.5, 3.0], [0.8, 0.5]]"])
def test_plans_that_charge_break_no_rule_and_serve_no_fewer(make_plan, seed, charging):
    # make_plan holds each against the referee.
    places = [((3 * k + seed) % 6, (5 * k + 2 * seed) % 8) for k in range(9)]
    chargers = [charger(f"c{k}", (2 * k + seed) % 8, row=(3 * k + 1) % 6, kw=(3.0, 7.0, 2.0)[k % 3]) for k in range(5)]
    without = make_plan(places, [], charging="", usable=0.25, count=2)
    able = make_plan(places, chargers, charging=charging, usable=0.25, count=2)
    assert len(able.plan.services) >= len(without.plan.services)
    trips = make_plan(places, chargers, charging=charging, usable=0.25, count=2, keys="trips_per_day = 2\n")
    assert len(trips.plan.services) >= len(without.plan.services)


def test_chargers_are_chosen_where_the_work_is(scenario):
    lon, lat = (np.array(values) for values in zip(*(town.corner(0, column) for column in (0, 1, 6, 7)), strict=True))
    chargers = [charger(f"c{k}", column) for k, column in enumerate((0.5, 3.0, 6.5))]
    weak = charger("weak", 3.2, kw=0.5)
    city = prepare(scenario([(0, 1)], [*chargers, weak]), on_progress=lambda *_: None)
    (trike, *_) = city.scenario.file.vehicles
    able = trike.model_copy(update={"battery": battery((0.0, 3.0), (0.8, 2.0), (0.9, 1.0))})
    (found,) = choose_chargers(city, [able], lon, lat).values()
    # Whoever is nearest to some place; c1 is nearest to none once the others are there.
    assert [chosen.id for chosen in found.chargers] == ["c0", "c2"]
    # At least half of 3 kW, which the battery takes up to 90 %.
    assert (found.share, found.kw) == (0.9, 2.0)
    assert choose_chargers(city, [trike.model_copy(update={"battery": battery()})], lon, lat) == {}


SECONDS = st.integers(1, 5000)


@settings(max_examples=examples(50, 500))
@given(st.data())
def test_energies_with_chargers_promise_no_more_than_the_battery_has(data):
    # Base 0, stops 1 and 2, chargers 3 and 4: along any way the level that the search sees is at most the true one.
    draw = data.draw
    duration, energy = (
        np.array([[0 if i == j else draw(SECONDS) for j in range(5)] for i in range(5)], dtype=np.int32) for _ in "te"
    )
    before = RoutingProfile(duration_s=duration, distance_m=duration, energy_wh=energy)
    own, other = charger("own", 1), charger("other", 2)
    recharge = Recharge(chargers=(own,), share=draw(st.sampled_from((0.5, 0.8, 1.0))), kw=3.0)
    van = VehicleType(id="v", vehicle_class="e_van", based_at=("dc",), parcels=1.0, battery=battery((0.0, 3.0)))
    beyond = unfilled_wh(van, recharge)
    after = with_chargers(before, (own, other), recharge, base=0, beyond_wh=beyond)
    way = [0, *draw(st.lists(st.sampled_from((1, 2, 3)), min_size=1, max_size=6)), 0]
    full = 10_000.0
    true, seen, top = full, full - beyond, full - beyond
    for a, b in pairwise(way):
        true, seen = true - int(energy[a, b]), seen - int(after.energy_wh[a, b])
        assert seen <= true
        if b == 3:
            wh = draw(st.floats(0, 1)) * (top - seen)
            seen, true = seen + wh, true + min(wh, max(top - true, 0.0))
            assert seen <= true + 1e-9
    assert (after.duration_s[4, :4] == UNREACHABLE).all()
    assert (after.duration_s[:4, 4] == UNREACHABLE).all()
    assert after.duration_s[3, 1] >= before.duration_s[3, 1] + recharge.seconds_per_wh + 1


def test_more_vehicles_at_once_than_slots_are_told(make_plan):
    planned = make_plan(FAR, [charger("c", 4)])
    (route,) = planned.plan.routes
    later = replace(route, vehicle_id="other")
    assert crowded([charger("c", 4)], [route]) == []
    (text,) = crowded([charger("c", 4)], [route, later])
    assert text.startswith("charger c: 2 vehicles at once at")
    assert crowded([charger("c", 4, slots=2)], [route, later]) == []
    assert energy_yuan(planned.scenario.file.vehicles[0], route, []) == pytest.approx(0.6 * route.energy_wh / 1000)
