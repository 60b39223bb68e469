"""Rounds on the road: time across a change of traffic, energy, cost, paths."""

import math
from itertools import pairwise

import pytest

from lastmile.solvers.problem import Cost, Round, Tour, Visit
from lastmile.solvers.referee import evaluate
from lastmile.stages.rounds import make_route
from lastmile.stages.tasks import depot_bases, door_task
from lastmile.stages.territories import make_territory


@pytest.fixture
def drive(make_city, row):
    """The route of one vehicle to doors east along row 0, leaving at a moment."""

    def make(vehicle, columns, depart_s, scenario=None, weights=()):
        """Without a departure: as the referee of routing schedules the tour."""
        orders = [
            row(f"o{k}", 0, column, 2, weight)
            for k, (column, weight) in enumerate(zip(columns, weights or [1] * len(columns), strict=True))
        ]
        both = {'based_at = ["outlet"]': 'based_at = ["outlet", "dc"]'}
        city = make_city(both | (scenario or {}), orders=orders, header="id,lon,lat,parcels,weight")
        tasks = [door_task(city, k) for k in range(len(columns))]
        territory = make_territory(city, "dc", depot_bases(city), tasks, {(vehicle, 0): 1}, {"marked": 0})
        tour = Tour(vehicle=0, trips=(tuple(range(len(columns))),))
        found = evaluate(territory.problem, tour)
        if depart_s is not None:
            visits = tuple(
                Visit(kind="order", index=k, arrive_s=depart_s, begin_s=depart_s, depart_s=depart_s)
                for k in range(len(columns))
            )
            found = Round(tour=tour, visits=visits, depart_s=depart_s, return_s=depart_s, distance_m=0, cost=Cost())
        return city, make_route(city, territory, found, "v-1")

    return make


def test_leg_across_the_end_of_the_peak_goes_on_at_the_new_pace(drive):
    # A truck on a residential street: 15 * 0.85 km/h until 09:00, 18 * 0.85 after it. Leaving at 08:59 it drives
    # 60 s * 3.5417 m/s = 212.5 m in the peak and the rest at 4.25 m/s.
    _, route = drive("truck", [5], 9 * 3600 - 60)
    (out, back) = route.legs
    assert out.distance_m == pytest.approx(1000, rel=0.01)
    expected = 9 * 3600 + (out.distance_m - 60 * 12.75 / 3.6) / (15.3 / 3.6)
    assert out.arrive_s == pytest.approx(expected, abs=1.01)
    # Two parcels: 180 + 2 * 30 s at the door.
    assert route.stops[1].depart_s == out.arrive_s + 240 == back.depart_s
    assert back.arrive_s - back.depart_s == math.ceil(back.distance_m / (15.3 / 3.6)) or back.arrive_s > back.depart_s


def test_energy_follows_what_is_aboard(drive):
    heavy = {"kwh_per_km = 0.07": "kwh_per_km = 0.07, kwh_per_ton_km = 0.5"}
    _, route = drive("trike", [2, 5], 10 * 3600, heavy, weights=(40, 60))
    # 100 kg to the first door, 60 kg to the second, nothing back: 0.07 + 0.5 * t Wh a metre.
    for leg, tonnes in zip(route.legs, (0.100, 0.060, 0.0), strict=True):
        assert leg.energy_wh == math.ceil((0.07 + 0.5 * tonnes) * leg.distance_m - 1e-6)


def test_energy_by_physics_is_that_of_the_edges_and_what_is_aboard(drive):
    # Rolling alone, 9.81 * 0.02 / 0.75 J per kg and metre: 400 kg and what is left of 100 kg.
    physics = (
        "physics = { curb_kg = 400.0, drag_area_m2 = 0.0, rolling_resistance = 0.02, drivetrain_efficiency = 0.75, "
        "auxiliary_w = 0.0 }"
    )
    _, route = drive(
        "trike", [2, 5], 10 * 3600, {"kwh_per_km = 0.07": f"kwh_per_km = 9.0, {physics}"}, weights=(40, 60)
    )
    for leg, kg in zip(route.legs, (500, 460, 400), strict=True):
        exact = 9.81 * 0.02 / 0.75 * kg * leg.distance_m / 3600
        assert exact - 1e-3 <= leg.energy_wh < exact + 1


def test_cost_is_day_kilometres_hours_and_energy(drive):
    _, route = drive("trike", [3], 10 * 3600)
    hours = (route.stops[-1].arrive_s - route.stops[0].depart_s) / 3600
    assert route.cost_fen == round(100 * (8.0 + 20.0 * hours + 0.6 * route.energy_wh / 1000))
    _, route = drive("truck", [3], 10 * 3600)
    hours = route.duration_s / 3600
    assert route.cost_fen == round(100 * (120.0 + 0.9 * route.distance_m / 1000 + 30.0 * hours))


def test_edges_are_one_way_through_the_streets(drive):
    city, route = drive("truck", [2.5, 6.5], 10 * 3600)
    network = city.network
    for leg in route.legs:
        for a, b in pairwise(leg.edges):
            assert network.edge_target[a] == network.edge_source[b]
        assert 0 <= leg.start_fraction <= 1
        assert 0 <= leg.end_fraction <= 1
    assert route.legs[0].end_fraction == pytest.approx(0.5, abs=0.01)


def test_two_orders_at_one_place_have_a_leg_of_no_length(drive):
    _, route = drive("truck", [3, 3], 10 * 3600)
    leg = route.legs[1]
    assert (leg.edges, leg.distance_m, leg.arrive_s - leg.depart_s) == ((), 0.0, 0)


def rest(hours, minutes=60):
    return {'id = "truck"\n': f'id = "truck"\nbreaks = [{{ minutes = {minutes}, window = "{hours}" }}]\n'}


def test_break_that_the_round_cannot_avoid_is_waited_for(drive):
    # Leaves by 12:00, the end of the shift before its break would be later: two doors of 70 min of work each.
    long = {
        "[demand]": "[demand]\ndoor = { visit_s = 4200.0, parcel_s = 0.0 }",
        'shift = "04:30-16:00"': 'shift = "12:00-16:00"',
    }
    _, route = drive("truck", [3, 6], None, rest("12:30-14:30") | long)
    busy = sorted(
        [(leg.depart_s, leg.arrive_s) for leg in route.legs] + [(s.start_s, s.depart_s) for s in route.stops[1:-1]]
    )
    gaps = [(a_end, b) for (_, a_end), (b, _) in pairwise(busy)]
    assert any(min(end, 14.5 * 3600) - max(start, 12.5 * 3600) >= 3600 for start, end in gaps)
    _, same = drive("truck", [3, 6], None, long)
    assert route.duration_s >= same.duration_s + 3600
