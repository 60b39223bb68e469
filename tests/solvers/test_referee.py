"""The referee against the enumeration of all schedules of tiny days, rule by rule on paper, and its laws."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from examples import examples
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st
from random_problems import large, problems, problems_with_tours, seldom, tours

from lastmile.solvers.problem import (
    UNREACHABLE,
    Battery,
    Blocked,
    Break,
    Cost,
    Group,
    Reload,
    Round,
    RoutingProfile,
    RoutingSolution,
    RoutingVehicle,
    Tour,
    Visit,
    routing_problem,
)
from lastmile.solvers.referee import Infeasible, cheapest, check, evaluate

DAY = 1000


def line(*metres):
    """Places along a street, the depot at 0; a metre takes a second."""
    at = np.array([0, *metres])
    table = np.abs(at[:, None] - at[None]).astype(np.int32)
    return RoutingProfile(duration_s=table, distance_m=table)


def vehicle(**changes):
    base = {"count": 1, "start": 0, "end": 0, "profile": 0, "capacity": np.array([10]), "shift_s": (0, DAY)}
    return RoutingVehicle(**base | changes)


def street(*metres, kind=None, **columns):
    """One vehicle, and an order at each place of a street."""
    return routing_problem(
        profiles=[line(*metres)], vehicles=[kind or vehicle()], location=range(1, len(metres) + 1), **columns
    )


def drive(problem, *trips, reloads=(), v=0):
    return evaluate(problem, Tour(vehicle=v, trips=trips, reloads=reloads))


def times(driven):
    assert isinstance(driven, Round), driven
    return driven.depart_s, driven.return_s


def broken(outcome):
    assert isinstance(outcome, Infeasible), outcome
    return outcome.rule, outcome.amount


# --- every schedule of a day of twelve seconds ---------------------------------------------------------------------


def rests(kind, now, rested):
    """All (moment, breaks taken) after none, one or more breaks at a place."""
    yield now, rested
    if rested < len(kind.breaks):
        duty = kind.breaks[rested]
        for begin in range(max(now, duty.window_s[0]), duty.window_s[1] - duty.duration_s + 1):
            yield from rests(kind, begin + duty.duration_s, rested + 1)


def every_schedule(problem, tour, k, ready, taken):
    """All (return, departure, breaks taken) of a trip, second by second: no rule is put in another form here."""
    kind = problem.vehicles[tour.vehicle]
    drives = problem.profiles[kind.profile].duration_s
    trip, last = tour.trips[k], k == len(tour.trips) - 1
    origin = kind.start if k == 0 else kind.reloads[tour.reloads[k - 1]].location
    target = kind.end if last else kind.reloads[tour.reloads[k]].location
    orders = [int(problem.option_order[option]) for option in trip]
    first_of = {second: first for first, second in problem.pairs.tolist()}
    horizon = range(kind.shift_s[1] + kind.overtime_s + 1)

    def served(i, leave, begins, now, rested):
        """From the end of service at visit i - 1, or from the departure."""
        if i == len(trip):
            if target is None:
                yield now, leave, rested
                return
            for moment, more in rests(kind, now, rested):
                yield moment + int(drives[problem.location[trip[-1]], target]), leave, more
            return
        here = origin if i == 0 else problem.location[trip[i - 1]]
        windows = problem.window_s[problem.window_option == trip[i]].tolist()
        aboard = int(problem.on_board_s[orders[i]])
        for before, some in rests(kind, now, rested) if i else [(now, rested)]:
            for ready_there, more in rests(kind, before + int(drives[here, problem.location[trip[i]]]), some):
                for begin in horizon:
                    if begin < ready_there or not any(start <= begin <= end for start, end in windows):
                        continue
                    since = leave
                    if orders[i] in first_of:
                        at = orders.index(first_of[orders[i]])
                        since = begins[at] + int(problem.service_s[trip[at]])
                    if 0 <= aboard < begin - since:
                        continue
                    done = begin + int(problem.service_s[trip[i]])
                    yield from served(i + 1, leave, (*begins, begin), done, more)

    released = max(int(problem.release_s[order]) for order in orders)
    for leave in horizon:
        if leave >= max(ready, released):
            yield from served(0, leave, (), leave, taken)


def earliest_end(problem, tour):
    """The first moment at which a day can be over, of all days, second by second; None where there is none."""
    kind = problem.vehicles[tour.vehicle]
    loaded = {(0, 0)}  # (moment, breaks taken)
    for k in range(len(tour.trips)):
        ready = {state for moment, taken in loaded for state in rests(kind, moment, taken)}
        if k == 0:
            ready = {(max(moment, kind.shift_s[0]), taken) for moment, taken in ready}
        backs = {
            (back, more)
            for moment, taken in ready
            for back, _, more in every_schedule(problem, tour, k, moment, taken)
            if back <= kind.shift_s[1] + kind.overtime_s
        }
        done = {state for back, taken in backs for state in rests(kind, back, taken)}
        if k < len(tour.reloads):
            reload = kind.reloads[tour.reloads[k]]
            opens, closes = reload.window_s
            loaded = {
                (begin + reload.duration_s, taken)
                for moment, taken in done
                for begin in range(max(moment, opens), closes + 1)
            }
    every = len(kind.breaks)
    return min(
        (back for back, taken in backs if any(rested == every for _, rested in rests(kind, back, taken))), default=None
    )


@st.composite
def short_days(draw, *, most_orders=3, most_trips=2):
    """A day of at most 12 s with every rule about time, and a tour of one or two trips."""
    orders = draw(large(1, most_orders))
    ends = 12
    entries = draw(st.lists(st.integers(0, 3), min_size=(orders + 1) ** 2, max_size=(orders + 1) ** 2))
    table = np.array(entries, dtype=np.int32).reshape(orders + 1, -1)
    window_s, window_option = [], []
    for option in range(orders):
        edges = sorted(draw(st.lists(st.integers(0, ends), min_size=4, max_size=4, unique=True)))
        edges = draw(st.sampled_from([edges, [edges[0], edges[-1]], [0, ends]]))
        window_s += [edges[k : k + 2] for k in range(0, len(edges), 2)]
        window_option += [option] * (len(edges) // 2)
    pairs = [(0, 1)] if orders > 1 and draw(st.booleans()) else None
    aboard = draw(st.lists(seldom(-1, 1, 2, 4), min_size=orders, max_size=orders))
    release = draw(st.lists(seldom(0, 2, 4), min_size=orders, max_size=orders))
    if pairs:
        aboard[0], release[0], release[1] = -1, 0, 0
        aboard[1] = draw(st.sampled_from([-1, 1, 2, 3, 4, 5]))
    duties, start = [], 0
    for _ in range(draw(st.sampled_from([0, 1, 1, 2]))):
        start += draw(st.integers(0, 4))
        length = draw(st.integers(1, 6))
        duties.append(Break(window_s=(start, start + length), duration_s=draw(st.integers(1, min(3, length)))))
        start += length
    opens = draw(st.integers(0, 6))
    closes = opens + draw(seldom(ends, 0, 2))
    reload = Reload(location=0, duration_s=draw(st.integers(0, 2)), window_s=(opens, closes))
    kind = vehicle(
        end=draw(seldom(0, None)),
        shift_s=(draw(st.integers(0, 2)), draw(st.integers(8, ends))),
        overtime_s=draw(st.integers(0, 2)),
        max_trips=2,
        reloads=(reload,),
        breaks=tuple(duties),
    )
    problem = routing_problem(
        profiles=[RoutingProfile(duration_s=table, distance_m=table)],
        vehicles=[kind],
        location=range(1, orders + 1),
        service_s=draw(st.lists(st.integers(0, 2), min_size=orders, max_size=orders)),
        window_s=window_s,
        window_option=window_option,
        release_s=release,
        on_board_s=aboard,
        pairs=pairs,
    )
    sequence = list(range(orders)) if pairs else draw(st.permutations(range(orders)))
    if pairs and orders == 3:
        sequence = [0, 1]
        sequence.insert(draw(st.integers(0, 2)), 2)
    cut = draw(st.sampled_from([0, *range(1, orders if most_trips > 1 else 1)]))
    if pairs and any(sequence.index(0) < place <= sequence.index(1) for place in [cut]):
        cut = 0
    trips = (tuple(sequence[:cut]), tuple(sequence[cut:])) if cut else (tuple(sequence),)
    return problem, Tour(vehicle=0, trips=trips, reloads=(0,) * (len(trips) - 1))


@settings(max_examples=examples(100, 1000))
@given(day=short_days())
def test_no_day_is_over_earlier_and_no_trip_returns_earlier_or_leaves_later_for_it(day):
    problem, tour = day
    kind = problem.vehicles[tour.vehicle]
    outcome, expected = evaluate(problem, tour), earliest_end(problem, tour)
    event(f"{len(tour.trips)} trips: {outcome.rule if isinstance(outcome, Infeasible) else 'feasible'}")
    if expected is None:
        assert isinstance(outcome, Infeasible)
        return
    assert isinstance(outcome, Round), (outcome, expected)
    assert outcome.return_s == expected
    reloads = [visit for visit in outcome.visits if visit.kind == "reload"]
    leaves = [outcome.depart_s, *(visit.depart_s for visit in reloads)]
    backs = [*(visit.arrive_s for visit in reloads), outcome.return_s]
    taken = [visit for visit in outcome.visits if visit.kind == "break"]
    for k, (leave, back) in enumerate(zip(leaves, backs, strict=True)):
        inside = [rest.index for rest in taken if leave <= rest.begin_s and rest.depart_s <= back]
        ready = 0
        if k:
            pause = [
                rest.depart_s for rest in taken if reloads[k - 1].begin_s <= rest.begin_s and rest.depart_s <= leave
            ]
            ready = max([reloads[k - 1].begin_s + kind.reloads[reloads[k - 1].index].duration_s, *pause])
        start = inside[0] if inside else 0
        possible = [
            (end, out)
            for end, out, more in every_schedule(problem, tour, k, ready, start)
            if more == start + len(inside) and (k or end >= back)
        ]
        assert (back, leave) == min(possible, key=lambda times: (times[0], -times[1]))
    assert check(problem, whole(problem, [outcome])) == []


# --- rules, each by itself ------------------------------------------------------------------------------------------


def test_waiting_is_moved_before_the_departure():
    # 100 s away, open from 300 s: served at 300, back at 300 + 5 + 100; leaving at 200 is early enough.
    driven = drive(street(100, window_s=[[300, 400]], service_s=[5]), (0,))
    assert times(driven) == (200, 405)
    assert driven.visits == (Visit(kind="order", index=0, arrive_s=300, begin_s=300, depart_s=305),)


def test_waiting_between_two_windows_stays():
    # The first closes at 110, so the departure is at 10 at the latest although the second opens only at 500.
    driven = drive(street(100, 200, window_s=[[0, 110], [500, 600]]), (0, 1))
    assert times(driven) == (10, 700)
    assert [(visit.arrive_s, visit.begin_s) for visit in driven.visits] == [(110, 110), (210, 500)]


def test_service_begins_in_one_of_several_windows():
    # Two windows of the first, 0..50 and 150..160; it cannot be reached by 50.
    problem = street(100, window_s=[[0, 50], [150, 160]], window_option=[0, 0])
    assert times(drive(problem, (0,))) == (50, 250)
    late = street(100, window_s=[[0, 50], [60, 90]], window_option=[0, 0])
    assert broken(drive(late, (0,))) == ("window", 10)
    # Latest departure: the return is held at 600 by the second stop, so the first may use its later window.
    both = street(100, 200, window_s=[[0, 120], [300, 310], [400, 400]], window_option=[0, 0, 1])
    assert times(drive(both, (0, 1))) == (200, 600)


def test_trip_waits_for_what_is_released_last():
    assert times(drive(street(10, 20, release_s=[0, 500]), (0, 1))) == (500, 540)


def test_time_aboard_delays_the_departure_and_what_cannot_wait_is_named():
    # The second opens at 300 and may be aboard for 250 s: leave at 50 or later; the first is open until 150.
    problem = street(100, 200, window_s=[[0, 150], [300, 400]], on_board_s=[-1, 250])
    assert times(drive(problem, (0, 1))) == (50, 500)
    # With the first open only until 120, the departure is by 20: 30 s more aboard are needed.
    problem = street(100, 200, window_s=[[0, 120], [300, 400]], on_board_s=[-1, 250])
    outcome = drive(problem, (0, 1))
    assert broken(outcome) == ("on board", 30)
    assert (outcome.trip, outcome.visit, outcome.order) == (0, 1, 1)


def test_time_aboard_of_a_pair_counts_from_the_end_of_its_pickup():
    # Fetched at 100 (10 s of service), brought 100 m on: 100 s aboard, whatever the vehicle did before.
    columns = {"pickup": [2, 0], "delivery": [0, 2], "pairs": [[0, 1]], "service_s": [10, 0]}
    assert times(drive(street(100, 200, on_board_s=[-1, 100], **columns), (0, 1))) == (0, 410)
    assert broken(drive(street(100, 200, on_board_s=[-1, 99], **columns), (0, 1))) == ("on board", 1)
    # Where the second waits for its window, the pickup waits too.
    waiting = street(100, 200, on_board_s=[-1, 100], window_s=[[0, 500], [400, 500]], **columns)
    assert times(drive(waiting, (0, 1))) == (190, 600)


def whole(problem, rounds, blocked=()):
    """A solution of these rounds that leaves out the rest."""
    parts = [driven.cost for driven in rounds]
    served = {int(problem.option_order[option]) for driven in rounds for option in driven.options}
    grouped = {order for group in problem.groups for order in group.orders}
    lost = [order for order in range(problem.orders) if order not in served and order not in grouped]
    groups = [group for group in problem.groups if not served & set(group.orders)]
    left = [order for order in lost if problem.price_fen[order] < 0]
    left += [group.orders[0] for group in groups if group.price_fen < 0]
    reasons = ("why",) * len(problem.vehicles)
    return RoutingSolution(
        rounds=tuple(rounds),
        blocked=tuple(Blocked(order=order, reasons=reasons, remedy="do") for order in sorted(left)),
        cost=Cost(
            fixed=sum(cost.fixed for cost in parts),
            distance=sum(cost.distance for cost in parts),
            duration=sum(cost.duration for cost in parts),
            overtime=sum(cost.overtime for cost in parts),
            options=sum(cost.options for cost in parts),
            unserved=sum(max(0, int(problem.price_fen[order])) for order in lost)
            + sum(max(0, group.price_fen) for group in groups),
        ),
        stopped="iterations",
        iterations=1,
        phases_s={},
    )


def resting(window, duration, **changes):
    return vehicle(breaks=(Break(window_s=window, duration_s=duration),), **changes)


def test_break_is_taken_at_the_stop_where_neither_depot_nor_road_will_do():
    # It begins within 50..110. Off duty before the departure: leave at 80, there at 180, after the window's end, 140.
    # After the return: back at 200 at best. At the stop: there at 100, served, rest until 130, back at 230.
    problem = street(100, kind=resting((50, 140), 30), window_s=[[0, 140]])
    driven = drive(problem, (0,))
    assert times(driven) == (0, 230)
    assert [(visit.kind, visit.begin_s, visit.depart_s) for visit in driven.visits] == [
        ("order", 100, 100), ("break", 100, 130),
    ]  # fmt: skip


def test_break_shortens_nothing_where_the_vehicle_waits_anyway():
    # Leave by 10 for the first, wait at the second from 110 to 500: the break is in there.
    problem = street(100, 200, kind=resting((150, 300), 60), window_s=[[0, 110], [500, 600]])
    driven = drive(problem, (0, 1))
    assert times(driven) == (10, 700)
    assert [visit.kind for visit in driven.visits] == ["order", "break", "order"]
    assert driven.visits[1].begin_s == 150  # at the first stop, as early as it can


def test_break_off_duty_is_no_visit():
    before, after = street(100, kind=resting((0, 50), 30)), street(100, kind=resting((200, 300), 100))
    # It could leave at 0, rest at the stop and be back at 230; resting before it leaves it is back then as well.
    assert times(drive(before, (0,))) == (30, 230)
    assert times(drive(after, (0,))) == (0, 200)
    assert [visit.kind for visit in (*drive(before, (0,)).visits, *drive(after, (0,)).visits)] == ["order", "order"]


def test_break_that_no_pause_can_hold_is_named_with_what_it_lacks():
    # It must begin by 10. Before leaving: the stop, 100 s away, closes at 105, so the departure is by 5; the break
    # would end at 30. On the way nothing stands still. At the stop it begins at 100, 90 s too late; off duty it ends
    # 25 s too late for the stop, but that is not cured by a later end of the break.
    outcome = drive(street(100, kind=resting((0, 40), 30), window_s=[[0, 105]]), (0,))
    assert broken(outcome) == ("break", 90)


def test_two_breaks_keep_their_sequence():
    kind = vehicle(breaks=(Break(window_s=(100, 200), duration_s=50), Break(window_s=(200, 400), duration_s=50)))
    # 300 s to the stop: both off duty, from 100 and from 200. Leaving at 0, the first would end at 350, too late;
    # leaving at 150 after the first, the second would begin at 450, too late.
    assert times(drive(street(300, kind=kind), (0,))) == (250, 850)
    # With a stop at 60 m on the way both are taken there, from 150 and from 200: leave at 90, on at 250, 240 s out
    # and 300 s back. The first off duty until 150 and the second there, from 210, would be 10 s longer.
    driven = drive(street(60, 300, kind=kind), (0, 1))
    assert times(driven) == (90, 790)
    assert [visit.begin_s for visit in driven.visits if visit.kind == "break"] == [150, 200]


def two_trips(**changes):
    return vehicle(max_trips=2, reloads=(Reload(location=0, **changes),))


def test_second_trip_begins_when_the_vehicle_is_loaded_again():
    problem = street(100, 50, kind=two_trips(duration_s=20), service_s=[5, 0])
    driven = drive(problem, (0,), (1,), reloads=(0,))
    # Back at 205, loaded at 225, back again at 325.
    assert times(driven) == (0, 325)
    assert driven.visits[1] == Visit(kind="reload", index=0, arrive_s=205, begin_s=205, depart_s=225)


def test_reload_waits_for_its_window_and_can_be_missed():
    opens = street(100, 50, kind=two_trips(duration_s=20, window_s=(300, 400)))
    driven = drive(opens, (0,), (1,), reloads=(0,))
    assert times(driven) == (0, 420)  # loading from 300 to 320
    assert driven.visits[1] == Visit(kind="reload", index=0, arrive_s=200, begin_s=300, depart_s=320)
    missed = street(100, 50, kind=two_trips(duration_s=20, window_s=(0, 190)))
    assert broken(drive(missed, (0,), (1,), reloads=(0,))) == ("reload", 10)


def test_time_between_trips_is_not_paid_and_both_distances_are():
    # The second order is released at 500: trips of 200 s and 100 s, 300 m; a fen a second and a fen a metre.
    kind = replace(two_trips(), fixed_fen=7, fen_per_hour=3600, fen_per_km=1000)
    driven = drive(street(100, 50, kind=kind, release_s=[0, 500]), (0,), (1,), reloads=(0,))
    assert times(driven) == (0, 600)
    assert driven.visits[1].depart_s == 500  # it leaves the depot then
    assert driven.distance_m == 300
    assert driven.cost == Cost(fixed=7, distance=300, duration=300)


def test_reload_elsewhere_is_where_the_next_trip_begins():
    # Depot at 0, a store at 80 beside the stop at 100: 100 + 20, then 30 back out to 110, and 110 home.
    problem = routing_problem(
        profiles=[line(100, 110, 80)],
        vehicles=[vehicle(max_trips=2, reloads=(Reload(location=3),), capacity=np.array([1]))],
        location=[1, 2],
        delivery=[1, 1],
    )
    driven = drive(problem, (0,), (1,), reloads=(0,))
    assert times(driven) == (0, 260)
    assert broken(drive(problem, (0, 1))) == ("load", 1)


@pytest.mark.parametrize(
    ("window", "closes", "rest", "leave"),
    [
        ((200, 300), 270, 200, 270),  # while waiting for the reload's window, which opens at 250
        ((240, 300), 270, 240, 290),  # the reload waits for it until 270
        ((245, 300), 270, 270, 300),  # the reload runs from 250 to 270: the break lies behind it
    ],
)
def test_break_between_trips_is_taken_at_the_depot(window, closes, rest, leave):
    reload = Reload(location=0, duration_s=20, window_s=(250, closes))
    kind = vehicle(breaks=(Break(window_s=window, duration_s=30),), max_trips=2, reloads=(reload,))
    driven = drive(street(100, 10, kind=kind), (0,), (1,), reloads=(0,))
    assert [visit.begin_s for visit in driven.visits if visit.kind == "break"] == [rest]
    assert [visit.depart_s for visit in driven.visits if visit.kind == "reload"] == [leave]
    assert times(driven) == (0, leave + 20)


def test_break_is_divided_so_that_the_day_ends_first():
    # Back at 200 the break, 230 to 260, would make the second trip miss its order, which closes at 245. On the first
    # trip it would keep the vehicle from its order, which closes at 100. It is taken behind the second order.
    kind = vehicle(breaks=(Break(window_s=(230, 290), duration_s=30),), max_trips=2, reloads=(Reload(location=0),))
    problem = street(100, 40, kind=kind, window_s=[[0, 100], [0, 245]])
    driven = drive(problem, (0,), (1,), reloads=(0,))
    assert [(visit.kind, visit.begin_s) for visit in driven.visits] == [
        ("order", 100), ("reload", 200), ("order", 240), ("break", 240),
    ]  # fmt: skip
    assert times(driven) == (0, 310)


def test_open_end_is_over_with_the_last_service():
    problem = street(100, kind=vehicle(end=None, shift_s=(0, 104)), service_s=[5])
    outcome = drive(problem, (0,))
    assert broken(outcome) == ("shift", 1)
    driven = drive(street(100, kind=vehicle(end=None, shift_s=(0, 105)), service_s=[5]), (0,))
    assert times(driven) == (0, 105)
    assert driven.distance_m == 100


def test_overtime_is_paid_beyond_the_shift_and_limited():
    kind = vehicle(shift_s=(0, 150), overtime_s=50, overtime_fen_per_hour=7200)
    assert drive(street(100, kind=kind), (0,)).cost == Cost(overtime=100)  # 50 s at 2 fen
    assert broken(drive(street(101, kind=kind), (0,))) == ("shift", 2)


@pytest.mark.parametrize(
    ("limit", "rule", "amount"),
    [
        ({"max_distance_m": 399}, "distance", 1),
        ({"max_duration_s": 399}, "duration", 1),
        ({"max_orders": 1}, "orders", 1),
        ({"shift_s": (10, 409)}, "shift", 1),
        ({"battery": Battery(capacity_wh=450, reserve_wh=60, wh_per_m=1)}, "energy", 10),
        # 2 aboard for 100 m, then 1 for 100 m, then none: 0.1 Wh x 300.
        ({"battery": Battery(capacity_wh=420, wh_per_m=1, wh_per_m_load=0.1)}, "energy", 10),
    ],
)
def test_limit_of_a_trip(limit, rule, amount):
    # 100 m, 200 m, and back: 400 m in 400 s with two orders.
    outcome = drive(street(100, 200, kind=vehicle(**limit), delivery=[1, 1]), (0, 1))
    assert (outcome.rule, outcome.amount) == (rule, pytest.approx(amount))


def test_energies_of_the_table_replace_metres():
    uphill = replace(line(100), energy_wh=np.array([[0, 100], [5, 0]], dtype=np.int32))

    def outcome(capacity):
        battery = Battery(capacity_wh=capacity, wh_per_m=9)
        return evaluate(
            routing_problem(profiles=[uphill], vehicles=[vehicle(battery=battery)], location=[1]),
            Tour(vehicle=0, trips=((0,),)),
        )

    assert isinstance(outcome(105), Round)
    assert broken(outcome(104)) == ("energy", 1)


def test_load_counts_deliveries_from_the_depot_pickups_to_it_and_pairs_between():
    kind = vehicle(capacity=np.array([8]))
    # 6 to deliver and 6 to fetch fit into 8 only when the delivery comes first.
    fetch = street(10, 20, kind=kind, delivery=[0, 6], pickup=[6, 0])
    assert isinstance(drive(fetch, (1, 0)), Round)
    outcome = drive(fetch, (0, 1))
    assert broken(outcome) == ("load", 4)
    assert (outcome.visit, outcome.order, outcome.dimension) == (0, 0, 0)
    # What a pair carries is not aboard at the departure.
    between = street(10, 20, 30, kind=kind, delivery=[6, 0, 6], pickup=[0, 6, 0], pairs=[[1, 2]])
    assert isinstance(drive(between, (0, 1, 2)), Round)
    assert broken(drive(between, (1, 0, 2))) == ("load", 4)
    # At one stop the delivery comes off before the pickup goes on.
    swap = street(10, kind=kind, delivery=[8], pickup=[8])
    assert isinstance(drive(swap, (0,)), Round)
    assert broken(drive(street(10, kind=kind, delivery=[9]), (0,))) == ("load", 1)


def test_second_dimension_counts_too():
    kind = vehicle(capacity=np.array([8, 3]))
    outcome = drive(street(10, kind=kind, delivery=[[1, 5]]), (0,))
    assert (outcome.rule, outcome.amount, outcome.dimension) == ("load", 2, 1)


def test_unreachable_arc_is_named():
    table = line(10, 20).duration_s.copy()
    table[1, 2] = UNREACHABLE
    profile = RoutingProfile(duration_s=table, distance_m=line(10, 20).distance_m)
    problem = routing_problem(profiles=[profile], vehicles=[vehicle()], location=[1, 2])
    outcome = drive(problem, (0, 1))
    assert (outcome.rule, outcome.visit, outcome.order) == ("road", 1, 1)
    assert isinstance(drive(problem, (1, 0)), Round)


@pytest.mark.parametrize(
    ("tour", "rule"),
    [
        (Tour(vehicle=1, trips=((0,),)), "tour"),
        (Tour(vehicle=0, trips=()), "tour"),
        (Tour(vehicle=0, trips=((),)), "tour"),
        (Tour(vehicle=0, trips=((4,),)), "tour"),
        (Tour(vehicle=0, trips=((0,), (1,))), "tour"),
        (Tour(vehicle=0, trips=((0,), (1,)), reloads=(1,)), "tour"),
        (Tour(vehicle=0, trips=((0,), (1,), (3,)), reloads=(0, 0)), "tour"),
        (Tour(vehicle=0, trips=((3,),)), "allowed"),
        (Tour(vehicle=0, trips=((0, 0),)), "once"),
        (Tour(vehicle=0, trips=((0,), (1,)), reloads=(0,)), "group"),
        (Tour(vehicle=0, trips=((2,),)), "pair"),
    ],
)
def test_tour_that_means_nothing_or_mixes_what_must_not(tour, rule):
    kind = two_trips()
    problem = street(
        10, 20, 30, 40, kind=kind, groups=[Group(orders=(0, 1))], pairs=[[2, 3]], allowed=[[1], [1], [1], [0]]
    )
    outcome = evaluate(problem, tour)
    assert isinstance(outcome, Infeasible)
    assert outcome.rule == rule


@pytest.mark.parametrize(
    ("trips", "reloads", "fits"),
    [(((0, 1),), (), True), (((1, 0),), (), False), (((0,), (1,)), (0,), False), (((0,),), (), False)],
)
def test_pair_stays_together_and_in_sequence(trips, reloads, fits):
    outcome = evaluate(street(10, 20, kind=two_trips(), pairs=[[0, 1]]), Tour(vehicle=0, trips=trips, reloads=reloads))
    assert isinstance(outcome, Round) == fits


def test_who_rests_at_a_charger_charges_meanwhile():
    # 200 m on 110 Wh: 90 more, 180 s at the charger at 60 m. It is there from 60 s on, or from 140 s on; the break of
    # 100 s begins by 230, and is over by then: back at 380, not at 480.
    kind = vehicle(
        battery=Battery(capacity_wh=110, wh_per_m=1.0, seconds_per_wh=2.0), shift_s=(0, 400),
        breaks=(Break(window_s=(150, 330), duration_s=100),),
    )  # fmt: skip
    driven = drive(street(100, 60, kind=kind, chargers=[2]), (0,))
    assert times(driven) == (0, pytest.approx(380))
    (rest,) = [visit for visit in driven.visits if visit.kind == "break"]
    assert any(
        visit.kind == "charge" and visit.arrive_s <= rest.begin_s and rest.depart_s <= visit.depart_s
        for visit in driven.visits
    )


def test_charging_on_the_way_out_is_time_aboard():
    # 200 m on 150 Wh: 50 more, 100 s. The charger cannot be reached from the stop: all of it comes before the delivery.
    table = line(100, 60).duration_s.copy()
    table[1, 2] = UNREACHABLE
    profile = RoutingProfile(duration_s=table, distance_m=line(100, 60).distance_m)
    battery = Battery(capacity_wh=150, wh_per_m=1.0, seconds_per_wh=2.0)

    def driven(seconds):
        made = street(100, 60, kind=vehicle(battery=battery), chargers=[2], on_board_s=[seconds, -1])
        return drive(replace(made, profiles=(profile,)), (0,))

    assert times(driven(200)) == (0, pytest.approx(300))
    assert broken(driven(199))[0] == "energy"


def test_of_ways_over_chargers_the_cheapest_within_the_limits_of_a_trip_is_taken():
    # There and back: 100 m in 10 s, or past the charger 60 m in 50 s. A second costs a fen, a metre a tenth.
    seconds, metres = (
        np.array([[0, 10, 25], [10, 0, 25], [25, 25, 0]]),
        np.array([[0, 100, 30], [100, 0, 30], [30, 30, 0]]),
    )
    profile = RoutingProfile(duration_s=seconds.astype(np.int32), distance_m=metres.astype(np.int32))

    def far_and_back(**limits):
        kind = vehicle(battery=Battery(capacity_wh=1), fen_per_hour=3600, fen_per_km=100, **limits)
        made = routing_problem(profiles=[profile], vehicles=[kind], location=[1], chargers=[2])
        driven = drive(made, (0,))
        return driven.distance_m, driven.return_s - driven.depart_s

    assert far_and_back() == (200, 20)
    assert far_and_back(max_distance_m=199) == (160, 60)
    assert far_and_back(max_distance_m=159) == (120, 100)


def every_charging_schedule(problem, tour):
    """All (fen, return, departure) of a trip, second by second; a second charges a watt-hour, a metre takes one."""
    kind, (trip,) = problem.vehicles[tour.vehicle], tour.trips
    battery, chargers = kind.battery, problem.chargers.tolist()
    table = problem.profiles[0].duration_s.tolist()
    end = kind.shift_s[1] + kind.overtime_s
    orders = [int(problem.option_order[option]) for option in trip]
    first_of = {second: first for first, second in problem.pairs.tolist()}
    released = max(int(problem.release_s[order]) for order in orders)

    def driven(state, a, b):
        now, charge, metres, taken = state
        way = table[a][b]
        return {(now + way, charge - way, metres + way, taken)} if charge >= way and now + way <= end else set()

    @cache
    def stands(state):
        """All states on leaving a charger, with breaks meanwhile."""
        now, charge, metres, taken = state
        return {
            (leave, full, metres, more)
            for leave in range(now, end + 1)
            for full in [min(battery.capacity_wh, charge + leave - now)]
            for moment, more in rests(kind, now, taken)
            if moment <= leave and (full == battery.capacity_wh or not battery.full_only)
        }

    @cache
    def one_reached(state, a, b):
        """At b, by way of chargers or directly."""
        found = set(driven(state, a, b))
        new = {(charger, there) for charger in chargers for there in driven(state, a, charger)}
        seen = set()
        while new:
            seen |= new
            left = {(charger, leaving) for charger, there in new for leaving in stands(there)}
            found |= {there for charger, leaving in left for there in driven(leaving, charger, b)}
            new = {(d, there) for c, leaving in left for d in chargers if d != c for there in driven(leaving, c, d)}
            new -= seen
        return found

    def reached(states, a, b):
        return {there for state in states for there in one_reached(state, a, b)}

    def resting(states):
        return {
            (moment, *middle, more)
            for now, *middle, taken in states
            for moment, more in rests(kind, now, taken)
            if moment <= end
        }

    def served(i, states, leave, ends):
        """All (metres, return, breaks taken) from the end of service at visit i - 1 on."""
        here = kind.start if i == 0 else int(problem.location[trip[i - 1]])
        if i == len(trip):
            home = states if kind.end is None else reached(resting(states), here, kind.end)
            yield from {(metres, now, taken) for now, _, metres, taken in home}
            return
        states = resting(states) if i else states
        there = resting(reached(states, here, int(problem.location[trip[i]])))
        windows = problem.window_s[problem.window_option == trip[i]].tolist()
        aboard, service = int(problem.on_board_s[orders[i]]), int(problem.service_s[trip[i]])
        since = ends[orders.index(first_of[orders[i]])] if orders[i] in first_of else leave
        for begin in range(end + 1):
            if any(opens <= begin <= closes for opens, closes in windows) and not 0 <= aboard < begin - since:
                ready = {(begin + service, *others) for now, *others in there if now <= begin}
                if ready:
                    yield from served(i + 1, ready, leave, (*ends, begin + service))

    for leave in range(max(kind.shift_s[0], released), end + 1):
        before = {taken for moment, taken in rests(kind, 0, 0) if moment <= leave}
        start = {(leave, int(kind.battery.capacity_wh), 0, taken) for taken in before}
        for metres, back, taken in set(served(0, start, leave, ())):
            if any(more == len(kind.breaks) for _, more in rests(kind, back, taken)):
                yield metres * kind.fen_per_km / 1000 + back * kind.fen_per_hour / 3600, back, leave


@settings(max_examples=examples(50, 1000), deadline=None)
@given(data=st.data())
def test_no_schedule_with_charging_is_better(data):
    problem, tour = data.draw(short_days(most_orders=2, most_trips=1))
    battery = Battery(
        capacity_wh=data.draw(st.integers(2, 8)), wh_per_m=1.0, seconds_per_wh=1.0, full_only=data.draw(st.booleans())
    )
    kind = replace(
        problem.vehicles[0], battery=battery, fen_per_km=data.draw(st.sampled_from([0, 1000])),
        fen_per_hour=data.draw(st.sampled_from([0, 3600])),
    )  # fmt: skip
    chargers = data.draw(st.lists(st.integers(0, problem.locations - 1), min_size=1, max_size=2, unique=True))
    problem = replace(problem, vehicles=(kind,), chargers=np.array(chargers, dtype=np.int32))
    outcome = evaluate(problem, tour)
    possible = sorted((fen, back, -leave) for fen, back, leave in every_charging_schedule(problem, tour))
    event(f"breaks {len(kind.breaks)}, {'none' if isinstance(outcome, Infeasible) else 'feasible'}")
    if isinstance(outcome, Infeasible):
        assert possible == []
        return
    fen = outcome.distance_m * kind.fen_per_km / 1000 + outcome.return_s * kind.fen_per_hour / 3600
    found = pytest.approx(fen), pytest.approx(outcome.return_s), pytest.approx(-outcome.depart_s)
    # The best of all may need fractions of a second.
    moments = [moment for visit in outcome.visits for moment in (visit.begin_s, visit.depart_s)]
    whole_seconds = all(abs(moment - round(moment)) < 1e-6 for moment in [outcome.depart_s, *moments])
    event("whole seconds" if whole_seconds else "fractions")
    if whole_seconds:
        assert possible[0] == found
    else:
        assert not possible or possible[0][0] >= fen - 1e-6
    assert check(problem, whole(problem, [outcome])) == []


# --- laws -----------------------------------------------------------------------------------------------------------


@settings(max_examples=examples(40, 400))
@given(case=problems_with_tours())
def test_what_is_evaluated_passes_the_check(case):
    problem, tour = case
    outcome = evaluate(problem, tour)
    event(outcome.rule if isinstance(outcome, Infeasible) else "feasible")
    if isinstance(outcome, Round):
        vehicles = [replace(kind, count=1, pools=()) for kind in problem.vehicles]
        assert check(replace(problem, vehicles=tuple(vehicles)), whole(problem, [outcome])) == []


@settings(max_examples=examples(40, 400))
@given(case=problems_with_tours(), data=st.data())
def test_names_of_places_do_not_matter(case, data):
    problem, tour = case
    order = np.array(data.draw(st.permutations(range(problem.locations))))
    name = np.argsort(order)  # the new name of each place
    cells = np.ix_(order, order)

    def table(given_table):
        return None if given_table is None else np.ascontiguousarray(given_table[cells])

    renamed = replace(
        problem,
        profiles=tuple(
            RoutingProfile(
                duration_s=table(profile.duration_s),
                distance_m=table(profile.distance_m),
                energy_wh=table(profile.energy_wh),
            )
            for profile in problem.profiles
        ),
        location=name[problem.location].astype(np.int32),
        vehicles=tuple(
            replace(
                kind,
                start=int(name[kind.start]),
                end=None if kind.end is None else int(name[kind.end]),
                reloads=tuple(replace(reload, location=int(name[reload.location])) for reload in kind.reloads),
            )
            for kind in problem.vehicles
        ),
    )
    assert evaluate(renamed, tour) == evaluate(problem, tour)


def wider(problem, v, change, amount):
    """One limit less strict."""
    kind = problem.vehicles[v]
    window = problem.window_s.copy()
    if change == "windows":
        window[:, 1] += amount
        last = np.append(np.diff(problem.window_option) > 0, True)
        for row in range(len(window) - 1):
            if not last[row]:  # windows of one option stay apart
                window[row, 1] = min(window[row, 1], window[row + 1, 0] - 1)
        return replace(problem, window_s=window)
    if change == "aboard":
        return replace(problem, on_board_s=np.where(problem.on_board_s < 0, -1, problem.on_board_s + amount))
    changes = {
        "shift": {"shift_s": (max(0, kind.shift_s[0] - amount), kind.shift_s[1] + amount)},
        "capacity": {"capacity": kind.capacity + amount},
        "overtime": {"overtime_s": kind.overtime_s + amount},
        "distance": {"max_distance_m": None},
        "battery": {"battery": None},
    }
    mended = replace(kind, **changes[change])
    return replace(problem, vehicles=(*problem.vehicles[:v], mended, *problem.vehicles[v + 1 :]))


@settings(max_examples=60)
@given(
    data=st.data(),
    change=st.sampled_from(["windows", "aboard", "shift", "capacity", "overtime", "distance", "battery"]),
    amount=st.integers(1, 60),
)
def test_less_strict_limits_never_forbid_a_tour_or_make_it_return_later(data, change, amount):
    # Not so with a limit of the time out, which is judged on the schedule that returns first.
    problem = data.draw(problems())
    problem = replace(problem, vehicles=tuple(replace(kind, max_duration_s=None) for kind in problem.vehicles))
    tour = data.draw(tours(problem))
    strict, loose = (evaluate(some, tour) for some in (problem, wider(problem, tour.vehicle, change, amount)))
    event(f"{change}: {isinstance(strict, Round)} {isinstance(loose, Round)}")
    if isinstance(strict, Round):
        assert isinstance(loose, Round), loose
        assert loose.return_s <= strict.return_s
        assert replace(loose.cost, duration=0).total <= replace(strict.cost, duration=0).total


@settings(max_examples=examples(25, 250))
@given(case=problems_with_tours(without={"limits"}))
def test_amount_of_a_late_tour_is_what_its_limit_lacks(case):
    problem, tour = case
    outcome = evaluate(problem, tour)
    assume(isinstance(outcome, Infeasible) and outcome.rule in {"shift", "window", "on board", "load"})
    event(outcome.rule)
    kind = problem.vehicles[tour.vehicle]

    def mended(amount):
        if outcome.rule == "shift":
            return wider(problem, tour.vehicle, "overtime", amount)
        if outcome.rule == "window":
            option = tour.trips[outcome.trip][outcome.visit]
            window = problem.window_s.copy()
            window[np.flatnonzero(problem.window_option == option)[-1], 1] += amount
            return replace(problem, window_s=window)
        if outcome.rule == "on board":
            limit = problem.on_board_s.copy()
            limit[outcome.order] += amount
            return replace(problem, on_board_s=limit)
        capacity = kind.capacity.copy()
        capacity[outcome.dimension] += amount
        vehicles = list(problem.vehicles)
        vehicles[tour.vehicle] = replace(kind, capacity=capacity)
        return replace(problem, vehicles=tuple(vehicles))

    def same(other):
        names = ("rule", "trip", "visit", "order", "dimension")
        return all(getattr(other, name, None) == getattr(outcome, name) for name in names)

    assert same(evaluate(mended(int(outcome.amount) - 1), tour))
    assert not same(evaluate(mended(int(outcome.amount)), tour))


# --- the cheapest solution, and solutions that are not what they say ------------------------------------------------


def test_cheapest_of_a_small_town_on_paper():
    # Two vans of 2 at 1,000 fen and 1 fen a metre; stops 10, 20 and 30 m away. One round of two and one of one:
    # the far two together, 60 m, and the near one alone, 20 m.
    kind = vehicle(count=2, capacity=np.array([2]), fixed_fen=1000, fen_per_km=1000)
    cost, found = cheapest(street(10, 20, 30, kind=kind, delivery=[1, 1, 1]))
    assert cost == Cost(fixed=2000, distance=80)
    assert sorted(sorted(tour.trips[0]) for tour in found) == [[0], [1, 2]]
    # With two trips a day one van does both.
    cost, found = cheapest(
        street(10, 20, 30, kind=replace(kind, max_trips=2, reloads=(Reload(location=0),)), delivery=[1] * 3)
    )
    assert cost == Cost(fixed=1000, distance=80)


def test_required_orders_go_before_any_price():
    kind = vehicle(capacity=np.array([1]))
    cost, (tour,) = cheapest(street(10, 20, kind=kind, delivery=[1, 1], price_fen=[10**12, -1]))
    assert tour.trips == ((1,),)
    assert cost.unserved == 10**12


def test_group_is_served_once_by_its_cheapest_order_or_not_at_all():
    kind = vehicle(fen_per_km=1000)
    for price, served, fen in ((-1, True, 20), (19, False, 19), (21, True, 20)):
        problem = street(10, 20, kind=kind, groups=[Group(orders=(1, 0), price_fen=price)], price_fen=[7, 7])
        cost, found = cheapest(problem)
        assert (cost.total, bool(found)) == (fen, served)


def test_pool_limits_vehicles_of_all_types():
    near = vehicle(capacity=np.array([1]), pools=("permit",))
    problem = routing_problem(
        profiles=[line(10, 20)], vehicles=[near, near], location=[1, 2], delivery=[1, 1], pools={"permit": 1}
    )
    assert len(cheapest(problem)[1]) == 1
    assert len(cheapest(replace(problem, pools={"permit": 2}))[1]) == 2


@settings(max_examples=examples(25, 250))
@given(data=st.data())
def test_cheapest_is_sound_and_no_tour_beats_it(data):
    problem = data.draw(problems(max_orders=3, most_vehicles=2))
    cost, found = cheapest(problem)
    rounds = [evaluate(problem, tour) for tour in found]
    event(f"{len(rounds)} rounds")
    solution = whole(problem, rounds)
    assert check(problem, solution) == []
    assert cost.total == pytest.approx(solution.cost.total)
    one = evaluate(problem, data.draw(tours(problem)))
    assume(isinstance(one, Round) and problem.vehicles[one.vehicle].count > 0)
    assume(all(problem.pools[pool] > 0 for pool in problem.vehicles[one.vehicle].pools))
    other = whole(problem, [one])
    assume(not check(problem, other) or other.blocked)
    # Blocked are exactly the required orders and groups that are left out.
    assert (len(solution.blocked), solution.cost.total - 1e-6) <= (len(other.blocked), other.cost.total)


def solved():
    kind = vehicle(
        count=2, breaks=(Break(window_s=(100, 160), duration_s=20),), fen_per_km=1000, fen_per_hour=3600, max_trips=2,
        reloads=(Reload(location=0, duration_s=10),), pools=("permit",),
    )  # fmt: skip
    problem = street(
        50, 100, 30, 40, kind=kind, window_s=[[0, 60], [0, 900], [0, 900], [0, 900]], on_board_s=[60, -1, -1, -1],
        service_s=[5, 5, 5, 5], price_fen=[-1, -1, -1, 9], pools={"permit": 1}, delivery=[1, 1, 1, 1],
        release_s=[0, 0, 250, 0],
    )  # fmt: skip
    driven = drive(problem, (0, 1), (2,), reloads=(0,))
    assert isinstance(driven, Round)
    return problem, whole(problem, [driven])


def shifted(solution, kind, seconds=0.0, **changes):
    """The solution with its first visit of a kind moved or changed."""
    (driven,) = solution.rounds
    visits = list(driven.visits)
    at = next(k for k, visit in enumerate(visits) if visit.kind == kind)
    old = visits[at]
    visits[at] = replace(
        old, arrive_s=old.arrive_s + seconds, begin_s=old.begin_s + seconds, depart_s=old.depart_s + seconds
    )
    visits[at] = replace(visits[at], **changes)
    return replace(solution, rounds=(replace(driven, visits=tuple(visits)),))


def changed(solution, **changes):
    (driven,) = solution.rounds
    return replace(solution, rounds=(replace(driven, **changes),))


BLOCK = Blocked(order=0, reasons=("why",), remedy="do")
CORRUPT = {
    "departs earlier": (lambda p, s: changed(s, depart_s=-1), "depart_s is -1"),
    "returns later": (lambda p, s: changed(s, return_s=999), "return_s is 999"),
    "shorter": (lambda p, s: changed(s, distance_m=1), "distance_m is 1"),
    "cheaper": (lambda p, s: changed(s, cost=Cost()), "cost of distance is 0.0"),
    "wrong sum": (lambda p, s: replace(s, cost=Cost()), "sum: cost of duration"),
    "unserved not paid": (lambda p, s: replace(s, cost=replace(s.cost, unserved=0)), "cost of unserved is 0, not 9"),
    "visit missing": (lambda p, s: changed(s, visits=s.rounds[0].visits[1:]), "visits are not those of its tour"),
    "too early at a stop": (lambda p, s: shifted(s, "order", -1), "to drive from"),
    "served before arriving": (lambda p, s: shifted(s, "order", begin_s=49), "before the vehicle arrives"),
    "outside its window": (lambda p, s: shifted(s, "order", 11), "outside its windows"),
    "aboard too long": (lambda p, s: shifted(s, "order", 11), "is aboard for 61"),
    "left before it is done": (lambda p, s: shifted(s, "order", depart_s=51), "left before its service ends"),
    "break while driving": (lambda p, s: shifted(s, "break", 15), "to drive from"),
    "break outside its window": (lambda p, s: shifted(s, "break", 50), "is not Break"),
    "break too short": (lambda p, s: shifted(s, "break", depart_s=111), "is not Break"),
    "break missing": (
        lambda p, s: changed(s, visits=tuple(v for v in s.rounds[0].visits if v.kind != "break")),
        "break 0 is not taken",
    ),
    "break in service": (lambda p, s: shifted(s, "break", -4), "lies in work"),
    "unknown break": (lambda p, s: shifted(s, "break", index=1), "its breaks are [1]"),
    "reloads before it is there": (lambda p, s: shifted(s, "reload", begin_s=1), "reloads at 1 s"),
    "leaves before it is loaded": (lambda p, s: shifted(s, "reload", depart_s=239), "trip 1 leaves at 239 s"),
    "leaves before release": (lambda p, s: shifted(s, "reload", depart_s=249), "released at 250 s"),
    "too many vehicles": (lambda p, s: replace(s, rounds=s.rounds * 3), "vehicle 0: 3 in use"),
    "pool": (lambda p, s: replace(s, rounds=s.rounds * 2), "pool 'permit': 2 drawn"),
    "served twice": (lambda p, s: replace(s, rounds=s.rounds * 2), "order 0 is served 2 times"),
    "served and blocked": (lambda p, s: replace(s, blocked=(BLOCK,)), "order 0 is served and blocked"),
    "blocked twice": (lambda p, s: replace(s, blocked=(replace(BLOCK, order=3),) * 2), "order 3 is blocked 2 times"),
    "blocked unknown": (lambda p, s: replace(s, blocked=(replace(BLOCK, order=4),)), "there is no order 4"),
    "no reasons": (lambda p, s: replace(s, blocked=(replace(BLOCK, order=3, reasons=()),)), "0 reasons for 1 vehicle"),
    "nothing served": (lambda p, s: replace(s, rounds=()), "order 2 is neither served nor blocked"),
    "infeasible tour": (
        lambda p, s: changed(s, tour=Tour(vehicle=0, trips=((1, 0), (2,)), reloads=(0,))),
        "round 0: window, trip 0, visit 1, order 0",
    ),
}  # fmt: skip


def test_solution_on_paper_is_sound():
    problem, solution = solved()
    # 50 s, 5 s of service, 50 s, 5 s: 110, where the break is taken until 130; back at 230 and loaded at 240. The
    # third is released at 250: 30 s there, 5 s, 30 s back.
    (driven,) = solution.rounds
    assert times(driven) == (0, 315)
    assert [visit.kind for visit in driven.visits] == ["order", "order", "break", "reload", "order"]
    assert check(problem, solution) == []
    assert solution.cost == Cost(distance=260, duration=230 + 65, unserved=9)


@pytest.mark.parametrize("name", CORRUPT)
def test_corrupt_solution_is_found_out(name):
    corrupt, message = CORRUPT[name]
    problem, solution = solved()
    assert any(message in text for text in check(problem, corrupt(problem, solution))), check(
        problem, corrupt(problem, solution)
    )


def test_required_group_is_served_or_blocked():
    problem = street(10, 20, groups=[Group(orders=(0, 1))])
    nothing = whole(problem, [])
    assert check(problem, nothing) == []
    assert check(problem, replace(nothing, blocked=())) == ["group 0: none of it is served or blocked"]
    one = whole(problem, [drive(problem, (0,))])
    assert check(problem, one) == []
    both = replace(one, blocked=(replace(BLOCK, order=1),))
    assert check(problem, both) == ["group 0: order 0 is served and another is blocked"]
