"""Reasons and remedies against the referee: what is said to block an order does, and what is said to help helps."""

from dataclasses import replace

import numpy as np
import pytest
from examples import examples
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st
from random_problems import charging_problems, problems, problems_with_tours, tours
from streets import DAY, line, vehicle

from lastmile.solvers.judging import Judge, Timetable
from lastmile.solvers.one_more import attempts
from lastmile.solvers.problem import (
    UNREACHABLE,
    Battery,
    Break,
    Group,
    Reload,
    Round,
    RoutingProfile,
    Tour,
    routing_problem,
)
from lastmile.solvers.reasons import explain, latest_departure
from lastmile.solvers.referee import evaluate
from lastmile.solvers.relaxations import single_changes


def street(*metres, kinds=None, **columns):
    """An order of one parcel at each place of a street."""
    columns = {"delivery": [1] * len(metres)} | columns
    return routing_problem(
        profiles=[line(*metres)], vehicles=kinds or [vehicle()], location=range(1, len(metres) + 1), **columns
    )


def driven(problem, *trips, v=0, **tour):
    found = evaluate(problem, Tour(vehicle=v, trips=trips, **tour))
    assert isinstance(found, Round), found
    return found


def battery(capacity):
    return {"battery": Battery(capacity_wh=capacity, wh_per_m=1)}


def resting(end):
    return {"breaks": (Break(window_s=(0, end), duration_s=end - 10),)}


# What blocks the order 100 m away; the remedy; the problem with that remedy; and one with a bit less than it.
ALONE = {
    "load": (
        ({"delivery": [12]}, {}), "load exceeds the capacity by 2 parcels",
        "split the order, or raise the capacity by 2 parcels",
        ({"delivery": [12]}, {"capacity": np.array([12])}), ({"delivery": [12]}, {"capacity": np.array([11])}),
    ),
    "pickup": (
        ({"pickup": [12]}, {}), "load exceeds the capacity by 2 parcels",
        "split the order, or raise the capacity by 2 parcels",
        ({"pickup": [12]}, {"capacity": np.array([12])}), ({"pickup": [12]}, {"capacity": np.array([11])}),
    ),
    "window": (
        ({"window_s": [[0, 39]]}, {}), "arrives at 00:02, 2 min after its window ends",
        "let the window end 2 min later",
        ({"window_s": [[0, 159]]}, {}), ({"window_s": [[0, 99]]}, {}),
    ),
    "last of two windows": (
        ({"window_s": [[0, 9], [20, 39]], "window_option": [0, 0]}, {}),
        "arrives at 00:02, 2 min after its window ends", "let the window end 2 min later",
        ({"window_s": [[0, 159]]}, {}), ({"window_s": [[0, 99]]}, {}),
    ),
    "shift": (
        ({}, {"shift_s": (0, 150)}), "would return 1 min after the shift", "let the shift end 1 min later",
        ({}, {"shift_s": (0, 210)}), ({}, {"shift_s": (0, 199)}),
    ),
    "overtime": (
        ({}, {"shift_s": (0, 50), "overtime_s": 100}), "would return 1 min after the shift and its overtime",
        "let the shift end 1 min later",
        ({}, {"shift_s": (0, 110), "overtime_s": 100}), ({}, {"shift_s": (0, 50), "overtime_s": 149}),
    ),
    "hours": (
        ({}, {"max_duration_s": 150}), "would be out 1 min too long", "raise max_work_hours by 1 min",
        ({}, {"max_duration_s": 210}), ({}, {"max_duration_s": 199}),
    ),
    "distance": (
        ({}, {"max_distance_m": 150}), "0.2 km there and back exceed the limit", "raise max_distance_km by 0.1",
        ({}, {"max_distance_m": 250}), ({}, {"max_distance_m": 199}),
    ),
    "battery": (
        ({}, battery(50)), "the battery is 150 Wh short for the way there and back", "use a battery of 0.2 kWh more",
        ({}, battery(250)), ({}, battery(150)),
    ),
    "aboard": (
        ({"on_board_s": [20]}, {}), "2 min on board exceed the limit", "allow 2 min more on board",
        ({"on_board_s": [140]}, {}), ({"on_board_s": [99]}, {}),
    ),
    "break": (
        # It begins within 0..10 and lasts 50: off duty until 50 it comes at 150, too late for the window; at the stop
        # it could begin at 100, 90 s too late.
        ({"window_s": [[0, 140]]}, resting(60)), "its break does not fit (2 min)", "let the window end 1 min later",
        ({"window_s": [[0, 200]]}, resting(60)), ({"window_s": [[0, 149]]}, resting(60)),
    ),
    "stops": (
        ({}, {"max_orders": 0}), "1 stops more than a trip may have", "raise max_stops by 1",
        ({}, {"max_orders": 1}), ({}, {"max_orders": 0}),
    ),
    "count": (
        ({}, {"count": 0}), "there is none at this base", "add one vehicle of this type",
        ({}, {"count": 1}), ({}, {"count": 0}),
    ),
    "skill": (
        ({"allowed": [[False]]}, {}), "may not carry it",
        "let this vehicle type serve the order (base, skill or place)",
        ({"allowed": [[True]]}, {}), ({"allowed": [[False]]}, {}),
    ),
    "release": (
        # Ready at 300, the window ends at 250: ready 150 s earlier it is there in time. The window asks for as much.
        ({"release_s": [300], "window_s": [[0, 250]]}, {}), "arrives at 00:07, 3 min after its window ends",
        "let the window end 3 min later",
        ({"release_s": [300], "window_s": [[0, 430]]}, {}), ({"release_s": [300], "window_s": [[0, 399]]}, {}),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ALONE)
def test_reason_is_true_and_its_remedy_helps_and_no_less_would(name):
    (columns, kind), reason, remedy, (mended_columns, mended_kind), (less_columns, less_kind) = ALONE[name]
    blocked = explain(street(100, kinds=[vehicle(**kind)], **columns), 0, ())
    assert (blocked.reasons, blocked.remedy) == ((reason,), remedy)
    fits = "a round of its own could take it"
    assert explain(street(100, kinds=[vehicle(**mended_kind)], **mended_columns), 0, ()).reasons == (fits,)
    assert explain(street(100, kinds=[vehicle(**less_kind)], **less_columns), 0, ()).reasons != (fits,)


def test_every_option_is_told_and_the_easier_is_the_remedy():
    # The door at 100 m closes at 40; the locker at 300 m closes at 280.
    made = routing_problem(
        profiles=[line(100, 300)],
        vehicles=[vehicle()],
        location=[1, 2],
        option_order=[0, 0],
        window_s=[[0, 40], [0, 280]],
    )
    blocked = explain(made, 0, ())
    assert blocked.reasons == (
        "arrives at 00:02, 1 min after its window ends; arrives at 00:05, 1 min after its window ends",
    )
    assert blocked.remedy == "let the window end 1 min later"
    assert (
        explain(replace(made, window_s=np.array([[0, 40], [0, 300]], dtype=np.int32)), 0, ())
        .reasons[0]
        .startswith("a round of its own")
    )


def test_energies_of_the_table_decide_instead_of_metres():
    # 100 m out at 100 Wh, uphill, and back at 5 Wh; by metres both ways would be 2 Wh.
    uphill = replace(line(100), energy_wh=np.array([[0, 100], [5, 0]], dtype=np.int32))

    def blocked(capacity):
        kind = vehicle(battery=Battery(capacity_wh=capacity, wh_per_m=0.01))
        return explain(routing_problem(profiles=[uphill], vehicles=[kind], location=[1]), 0, ())

    assert blocked(104).reasons == ("the battery is 1 Wh short for the way there and back",)
    assert blocked(105).reasons == ("a round of its own could take it",)


def test_unreachable_order_says_so():
    duration = line(100).duration_s.copy()
    duration[0, 1] = UNREACHABLE
    made = routing_problem(
        profiles=[RoutingProfile(duration_s=duration, distance_m=line(100).distance_m)],
        vehicles=[vehicle()],
        location=[1],
        delivery=[11],
    )
    blocked = explain(made, 0, ())
    assert blocked.reasons == ("load exceeds the capacity by 1 parcels; no permitted road leads there and back",)
    assert (
        blocked.remedy
        == "split the order, or raise the capacity by 1 parcels and give the vehicle a permit, or move the stop"
    )


def test_two_obstacles_are_both_named_and_the_easier_vehicle_is_the_remedy():
    made = street(
        100, kinds=[vehicle(capacity=np.array([1]), shift_s=(0, 150)), vehicle(shift_s=(0, 150))], delivery=[3]
    )
    blocked = explain(made, 0, ())
    assert blocked.reasons == (
        "load exceeds the capacity by 2 parcels; would return 1 min after the shift",
        "would return 1 min after the shift",
    )
    assert blocked.remedy == "let the shift end 1 min later"
    first = explain(replace(made, vehicles=made.vehicles[:1], allowed=made.allowed[:, :1]), 0, ())
    assert first.remedy == "split the order, or raise the capacity by 2 parcels and let the shift end 1 min later"


def test_what_fails_only_together_is_named_too():
    # The first window is missed by 50 s and the second waited for: back at 600, 300 s after the shift.
    made = street(100, kinds=[vehicle(shift_s=(0, 300))], window_s=[[0, 50], [500, 600]], window_option=[0, 0])
    blocked = explain(made, 0, ())
    assert blocked.reasons == ("would return 5 min after the shift",)
    assert blocked.remedy == "let the window end 1 min later"


def test_full_rounds_say_how_much_they_lack_and_a_vehicle_or_room_helps():
    # Vans of 3 with 2 and 3 aboard; the order is of 4: it lacks 3 in the first and 4 in the second.
    kind = vehicle(count=2, capacity=np.array([4]))
    made = street(10, 20, 30, kinds=[kind], delivery=[2, 3, 4])
    blocked = explain(made, 2, (driven(made, (0,)), driven(made, (1,))))
    assert blocked.reasons == ("all 2 are in use; every round of this type is full (least excess 2 parcels)",)
    # A half more room (2 of 4) or a half more vehicles (1 of 2).
    assert blocked.remedy == "add one vehicle of this type"
    four = replace(made, vehicles=(replace(kind, capacity=np.array([5])),))
    rounds = (driven(four, (0,)), driven(four, (1,)))
    assert explain(four, 2, rounds).remedy == "raise the capacity by 1 parcels"
    assert isinstance(
        evaluate(replace(made, vehicles=(replace(kind, capacity=np.array([6])),)), Tour(vehicle=0, trips=((0, 2),))),
        Round,
    )


def test_rounds_without_time_say_the_least_delay_and_a_later_window_is_tried_in_them():
    # The only van serves a stop at 100 m from 100 to 1,000 s, then this one at 200 m by 1,040: 60 s too late. Served
    # before it, the other would be 300 s late.
    made = street(100, 200, service_s=[900, 300], window_s=[[0, 100], [0, 1040]])
    blocked = explain(made, 1, (driven(made, (0,)),))
    assert blocked.reasons == ("all 1 are in use; every round of this type has no time (least delay 1 min)",)
    assert blocked.remedy == "let the window end 1 min later"
    later = replace(made, window_s=np.array([[0, 100], [0, 1100]], dtype=np.int32))
    assert evaluate(later, Tour(vehicle=0, trips=((0, 1),))).return_s == 1600


def test_different_rounds_may_lack_different_things():
    kind = vehicle(count=2, capacity=np.array([4]))
    made = street(
        100, 200, 300, kinds=[kind], delivery=[4, 1, 1], service_s=[0, 500, 0], window_s=[[0, DAY], [0, 200], [0, 310]]
    )
    blocked = explain(made, 2, (driven(made, (0,)), driven(made, (1,))))
    # Behind the second stop it is 200 + 500 + 100 = 800, 490 s late; before it the second is 200 s late.
    lacks = "is full (least excess 1 parcels) or has no time (least delay 4 min)"
    assert blocked.reasons == (f"all 2 are in use; every round of this type {lacks}",)


def test_locked_visits_stay_in_front():
    # Before the locked stop there would be time, behind it there is not.
    made = street(100, 50, window_s=[[0, DAY], [0, 60]])
    free, locked = driven(made, (0,)), driven(made, (0,), locked=1)
    assert explain(made, 1, (free,)).reasons == ("all 1 are in use; a round of this type could take it",)
    assert explain(made, 1, (locked,)).reasons == (
        "all 1 are in use; every round of this type has no time (least delay 2 min)",
    )


def test_another_trip_counts_as_a_place():
    kind = vehicle(capacity=np.array([1]), max_trips=2, reloads=(Reload(location=0),))
    made = street(100, 50, kinds=[kind])
    blocked = explain(made, 1, (driven(made, (0,)),))
    assert (blocked.reasons, blocked.remedy) == (
        ("all 1 are in use; a round of this type could take it",), "search longer",
    )  # fmt: skip


def test_empty_pool_is_named_and_one_more_of_it_helps():
    kinds = [vehicle(count=3, capacity=np.array([1]), pools=("permit",)), vehicle(count=0)]
    made = street(10, 20, kinds=kinds, pools={"permit": 1})
    blocked = explain(made, 1, (driven(made, (0,)),))
    assert blocked.reasons[0].startswith("all 1 of 'permit' are in use; every round of this type is full")
    assert blocked.reasons[1] == "there is none at this base"
    assert (
        explain(replace(made, pools={"permit": 2}), 1, (driven(made, (0,)),))
        .reasons[0]
        .startswith("a round of its own")
    )


def test_order_is_left_out_where_its_price_is_lower_than_its_round():
    # 1,000 fen and 2 km at 1,000 fen a kilometre.
    blocked = explain(street(1000, price_fen=[2999]), 0, ())
    assert blocked.reasons == ("a round of its own would cost 30.00 yuan, leaving it out 29.99",)
    assert blocked.remedy == "raise the order's price"
    # On the way of a round that drives by anyway it costs nothing; 500 m further, 1 km.
    made = street(1000, 1500, price_fen=[-1, 999])
    blocked = explain(made, 1, (driven(made, (0,)),))
    assert blocked.reasons == (
        "all 1 are in use; a round of this type would cost 10.00 yuan more, leaving it out 9.99",
    )


def test_price_of_a_group_counts_instead_of_its_orders():
    made = street(1000, 2000, price_fen=[-1, -1], groups=[Group(orders=(0, 1), price_fen=100)])
    assert explain(made, 0, ()).reasons == ("a round of its own would cost 30.00 yuan, leaving it out 1.00",)


def test_pair_is_looked_at_as_one():
    # Fetched at 100 m, brought 100 m on: 100 s aboard where 30 are allowed.
    made = street(100, 200, delivery=[0, 2], pickup=[2, 0], pairs=[[0, 1]], on_board_s=[-1, 30])
    for order in (0, 1):
        assert explain(made, order, ()).reasons == ("2 min on board exceed the limit",)
    assert explain(made, 1, ()).remedy == "allow 2 min more on board"
    # Into a round: fetched and brought behind or around its stop.
    free = street(100, 200, 150, delivery=[0, 2, 1], pickup=[2, 0, 0], pairs=[[0, 1]], on_board_s=[-1, 100, -1])
    assert explain(free, 0, (driven(free, (2,)),)).reasons == ("all 1 are in use; a round of this type could take it",)


def test_no_vehicle_at_all_is_an_answer():
    made = routing_problem(profiles=[], vehicles=[], location=[0])
    blocked = explain(made, 0, ())
    assert (blocked.reasons, blocked.remedy) == ((), "add a vehicle")


@settings(max_examples=examples(25, 250))
@given(made=problems())
def test_alone_an_order_is_servable_or_every_type_has_an_obstacle(made):
    first_of = {second: first for first, second in made.pairs.tolist()}
    second_of = {first: second for second, first in first_of.items()}
    for order in range(made.orders):
        blocked = explain(made, order, ())
        assert blocked.remedy
        for v, reason in enumerate(blocked.reasons):
            ways = [(option,) for option in np.flatnonzero(made.option_order == order).tolist()]
            for partner, before in ((first_of.get(order), True), (second_of.get(order), False)):
                if partner is not None:
                    other = int(np.flatnonzero(made.option_order == partner)[0])
                    ways = [(other, *ways[0]) if before else (*ways[0], other)]
            alone = any(isinstance(evaluate(made, Tour(vehicle=v, trips=(way,))), Round) for way in ways)
            servable = alone and made.vehicles[v].count > 0
            event(f"servable: {servable}")
            assert servable == reason.startswith(("all 0 of", "a round of its own")), (order, v, reason)


@settings(max_examples=examples(30, 300))
@given(case=problems_with_tours(min_orders=2, max_orders=4, without={"groups", "pairs", "allowed"}))
def test_what_is_said_of_rounds_in_use_agrees_with_trying_every_place(case):
    made, tour = case
    made = replace(made, vehicles=tuple(replace(kind, count=1, pools=()) for kind in made.vehicles))
    found, v = evaluate(made, tour), tour.vehicle
    served = {int(made.option_order[option]) for trip in tour.trips for option in trip}
    assume(isinstance(found, Round) and len(served) < made.orders)
    order = min(set(range(made.orders)) - served)
    kind = made.vehicles[v]
    tried = []
    for option in np.flatnonzero(made.option_order == order).tolist():
        for k, trip in enumerate(tour.trips):
            for place in range(len(trip) + 1):
                longer = list(trip)
                longer.insert(place, option)
                tried.append(replace(tour, trips=(*tour.trips[:k], tuple(longer), *tour.trips[k + 1 :])))
        if len(tour.trips) < kind.max_trips:
            for reload in range(len(kind.reloads)):
                tried.append(replace(tour, trips=(*tour.trips, (option,)), reloads=(*tour.reloads, reload)))
    fits = any(isinstance(evaluate(made, other), Round) for other in tried)
    blocked = explain(made, order, (found,))
    reason = blocked.reasons[v]
    assert blocked.remedy
    event(reason.split("(")[0][:60])
    if reason.startswith("all 1 are in use"):
        assert fits == ("a round of this type" in reason and "every round of this type" not in reason)


NUMBERS = {
    "let the window end {} min later": "window",
    "let the shift end {} min later": "shift",
    "raise max_stops by {}": "stops",
}


@settings(max_examples=examples(25, 250))
@given(
    made=problems(
        max_orders=2, most_vehicles=1, without={"allowed", "unreachable", "capacity", "pairs", "battery", "pools"}
    ),
    windows=st.lists(st.tuples(st.integers(0, 300), st.integers(0, 100)), min_size=6, max_size=6),
    long_shift=st.booleans(),
    data=st.data(),
)
def test_the_number_in_a_remedy_is_the_least_that_helps(made, windows, long_shift, data):
    # Drives take minutes here, and windows close early.
    order = data.draw(st.integers(0, made.orders - 1))
    profiles = [replace(profile, duration_s=profile.duration_s * 60) for profile in made.profiles]
    made = replace(
        made,
        profiles=tuple(profiles),
        vehicles=tuple(
            replace(kind, count=1, shift_s=(0, 20_000) if long_shift else kind.shift_s) for kind in made.vehicles
        ),
        window_option=np.arange(made.options, dtype=np.int32),
        window_s=np.array([(a, a + b) for a, b in windows[: made.options]], dtype=np.int32),
    )
    remedy = explain(made, order, ()).remedy
    shape = next(
        (shape for shape in NUMBERS if remedy.startswith(shape.split("{}")[0]) and " and " not in remedy), None
    )
    event(str(shape))
    if shape is None:
        return
    number = int(remedy.removeprefix(shape.split("{}")[0]).split()[0])

    def servable(amount):
        mended = made
        if NUMBERS[shape] == "window":
            window = made.window_s.copy()
            own = made.option_order[made.window_option] == order
            window[own, 1] += 60 * amount
            inner = np.flatnonzero(np.diff(made.window_option) == 0)
            window[inner, 1] = np.minimum(window[inner, 1], window[inner + 1, 0] - 1)
            mended = replace(made, window_s=window)
        found = []
        for kind in made.vehicles:
            if NUMBERS[shape] == "shift":
                found.append(replace(kind, shift_s=(kind.shift_s[0], kind.shift_s[1] + 60 * amount)))
            elif NUMBERS[shape] == "stops":
                found.append(replace(kind, max_orders=None if kind.max_orders is None else kind.max_orders + amount))
            else:
                found.append(kind)
        reasons = explain(replace(mended, vehicles=tuple(found)), order, ()).reasons
        return any(reason.startswith(("all 0 of", "a round of its own")) for reason in reasons)

    assert not servable(number - 1)
    assert servable(number)


def test_latest_departure_is_the_last_second_from_which_the_order_can_be_served():
    # 100 s away, 20 s of service: for the window by 400 leave at 300; for the shift's end at 1,000 leave at 780.
    assert latest_departure(street(100, service_s=[20], window_s=[[0, 400]], release_s=[700]), 0) == 300
    assert latest_departure(street(100, service_s=[20], kinds=[vehicle(shift_s=(0, 1000))]), 0) == 780
    # An open end spares the way back, overtime adds to it; the best of two types counts.
    open_end = vehicle(end=None, shift_s=(0, 1000))
    assert latest_departure(street(100, service_s=[20], kinds=[open_end]), 0) == 880
    late = vehicle(shift_s=(0, 1000), overtime_s=60)
    assert latest_departure(street(100, service_s=[20], kinds=[vehicle(shift_s=(0, 1000)), late]), 0) == 840
    # Of two windows the later one counts, of two options the nearer.
    two = street(100, window_s=[[0, 200], [500, 600]], window_option=[0, 0])
    assert latest_departure(two, 0) == 500
    # A break within 300..400 must be over before it leaves, or come after.
    rest = vehicle(breaks=(Break(window_s=(300, 400), duration_s=100),), shift_s=(0, 700))
    assert latest_departure(street(100, kinds=[rest]), 0) == 500
    # To be there by 450 it rests at the stop: from 300 to 400, as it must be there by 300.
    assert latest_departure(street(100, kinds=[rest], window_s=[[0, 450]]), 0) == 200
    assert latest_departure(street(100, kinds=[vehicle(count=0)]), 0) is None
    assert latest_departure(street(100, window_s=[[0, 99]]), 0) is None


def charging(*metres, capacity=1000, seconds_per_wh=0.0, kind=None, **columns):
    """A street with a charger at 500 m, and orders at other places; a metre takes a watt-hour."""
    cell = Battery(capacity_wh=capacity, wh_per_m=1, seconds_per_wh=seconds_per_wh)
    return routing_problem(
        profiles=[line(500, *metres)],
        vehicles=[vehicle(battery=cell, **kind or {})],
        location=range(2, len(metres) + 2),
        delivery=[1] * len(metres),
        chargers=[1],
        **columns,
    )


SHORT_OF_ENERGY = "the battery does not last, even with charging on its way"


def test_a_battery_too_small_for_the_way_between_chargers_and_the_least_larger_one():
    # From the charger to the order and back it is 1,000 m.
    blocked = explain(charging(1000, capacity=600), 0, ())
    assert (blocked.reasons, blocked.remedy) == ((SHORT_OF_ENERGY,), "use a battery of 0.4 kWh more")
    assert explain(charging(1000, capacity=999), 0, ()).reasons == (SHORT_OF_ENERGY,)
    assert explain(charging(1000, capacity=1000), 0, ()).reasons == ("a round of its own could take it",)


def test_time_to_charge_can_be_what_lacks():
    # 2,000 Wh for the way, 1,200 in the battery: 800 s of charging, so it is back at 2,800.
    def late(end):
        return charging(1000, capacity=1200, seconds_per_wh=1, kind={"shift_s": (0, end)})

    blocked = explain(late(2100), 0, ())
    assert (blocked.reasons, blocked.remedy) == ((SHORT_OF_ENERGY,), "let the shift end 12 min later")
    assert explain(late(2799), 0, ()).reasons == (SHORT_OF_ENERGY,)
    assert explain(late(2800), 0, ()).reasons == ("a round of its own could take it",)


def test_rules_besides_the_battery_are_named_for_vehicles_that_charge():
    blocked = explain(charging(1000, capacity=600, window_s=[[0, 900]]), 0, ())
    assert blocked.reasons == (f"arrives at 00:17, 2 min after its window ends; {SHORT_OF_ENERGY}",)
    assert blocked.remedy == "let the window end 2 min later and use a battery of 0.4 kWh more"
    assert explain(charging(1000, window_s=[[0, 900]]), 0, ()).remedy == "let the window end 2 min later"


def test_rounds_that_charge_say_what_they_lack_for_one_more_order():
    # The other order lies 400 m behind the base: from the charger to it and back to the base are 1,300 m.
    made = charging(1000, -400)
    blocked = explain(made, 1, (driven(made, (0,)),))
    lacks = "every round of this type lacks energy, even with charging on its way"
    assert blocked.reasons == (f"all 1 are in use; {lacks}",)
    assert blocked.remedy == "use a battery of 0.3 kWh more"
    larger = charging(1000, -400, capacity=1300)
    assert explain(larger, 1, (driven(larger, (0,)),)).reasons == (
        "all 1 are in use; a round of this type could take it",
    )
    full = charging(1000, 900, kind={"capacity": np.array([1])})
    assert explain(full, 1, (driven(full, (0,)),)).reasons == (
        "all 1 are in use; every round of this type is full (least excess 1 parcels)",
    )


@settings(max_examples=examples(20, 200))
@given(made=charging_problems(min_orders=2, max_orders=4, without={"allowed"}), data=st.data())
def test_attempts_are_what_judging_every_place_alone_finds(made, data):
    made = replace(made, groups=())
    tour = data.draw(tours(made, most=2))
    assume(made.vehicles[tour.vehicle].count > 0)  # of a type that is not there the core keeps nothing
    found = Judge(made)(tour)
    served = {int(made.option_order[option]) for trip in tour.trips for option in trip}
    assume(isinstance(found, Round) and len(served) < made.orders)
    order = min(set(range(made.orders)) - served)
    least = {}
    for tried in attempts(Timetable(made), order, found):
        if isinstance(tried, Round):
            assert tried == Judge(made)(tried.tour)
            continue
        small, longer, number = tried.small()
        alone = Judge(small)(longer)
        assert alone == tried.outcome
        event(alone.rule)
        if alone.rule not in least or alone.amount < least[alone.rule]:
            least[alone.rule] = alone.amount
            # A remedy known before spares the trials of dearer ones only.
            all_ways = single_changes(small, longer, number, alone)
            for known in all_ways:
                assert min([known, *single_changes(small, longer, number, alone, known)]) == min(all_ways)


def test_the_latest_departure_leaves_time_to_charge():
    assert latest_departure(charging(1000, window_s=[[0, 1500]]), 0) == 500
    # To come back to the charger it takes 500 Wh there first.
    assert latest_departure(charging(1000, seconds_per_wh=1, window_s=[[0, 1600]]), 0) == 100
    assert latest_departure(charging(1000, capacity=999), 0) is None
