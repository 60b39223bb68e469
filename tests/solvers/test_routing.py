"""Routing against the enumeration of all rounds of tiny problems, and every rule by itself."""

from dataclasses import replace
from functools import cache
from itertools import combinations, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lastmile.solvers.problem import UNREACHABLE, RoutingProblem, RoutingProfile, RoutingVehicle
from lastmile.solvers.routing import explain, solve

DAY = 100_000


def closed(table):
    """The table with every detour that is shorter taken, as tables of fastest paths are."""
    table = np.array(table, dtype=np.int64)
    for k in range(len(table)):
        table = np.minimum(table, table[:, k : k + 1] + table[k : k + 1])
    return np.minimum(table, UNREACHABLE).astype(np.int32)


def line(*metres):
    """Places along a street, the base at 0; a metre takes a second."""
    at = np.array([0, *metres])
    table = np.abs(at[:, None] - at[None]).astype(np.int32)
    return RoutingProfile(duration_s=table, distance_m=table.copy())


def vehicle(**changes):
    base = {
        "count": 1, "start": 0, "end": 0, "profile": 0, "capacity": np.array([10]), "shift_s": (0, DAY),
        "fixed_fen": 1000, "fen_per_km": 1000,
    }  # fmt: skip
    return RoutingVehicle(**base | changes)


def problem(profiles, vehicles, count=None, **changes):
    count = len(profiles[0].duration_s) - 1 if count is None else count
    base = {
        "location": np.arange(1, count + 1, dtype=np.int32),
        "delivery": np.ones((count, 1), dtype=np.int64),
        "pickup": np.zeros((count, 1), dtype=np.int64),
        "service_s": np.zeros(count, dtype=np.int32),
        "window_s": np.tile(np.array([[0, DAY]], dtype=np.int32), (count, 1)),
        "release_s": np.zeros(count, dtype=np.int32),
        "price_fen": np.full(count, -1),
        "allowed": np.ones((count, len(vehicles)), dtype=bool),
        "on_board_s": np.full(count, -1, dtype=np.int32),
    }
    given_columns = {
        name: np.asarray(column, dtype=base[name].dtype) if name in base else column for name, column in changes.items()
    }
    return RoutingProblem(profiles=tuple(profiles), vehicles=tuple(vehicles), **base | given_columns)


def run(made, solutions=60):
    return solve(made, seconds=20, solutions=solutions)


def timed(made, v, sequence, depart):
    """Return of a round that leaves at a moment; None where it breaks a rule. Slow and obvious."""
    kind = made.vehicles[v]
    table = made.profiles[kind.profile]
    if not kind.shift_s[0] <= depart <= kind.shift_s[1]:
        return None
    load = made.delivery[list(sequence)].sum(axis=0)
    if (load > kind.capacity).any() or (kind.max_orders is not None and len(sequence) > kind.max_orders):
        return None
    now, here, metres = depart, kind.start, 0
    for order in sequence:
        where = made.location[order]
        if table.duration_s[here, where] == UNREACHABLE or not made.allowed[order, v]:
            return None
        metres += int(table.distance_m[here, where])
        now = max(now + int(table.duration_s[here, where]), int(made.window_s[order, 0]))
        if now > made.window_s[order, 1] or depart < made.release_s[order]:
            return None
        if 0 <= made.on_board_s[order] < now - depart:
            return None
        now += int(made.service_s[order])
        load = load - made.delivery[order] + made.pickup[order]
        if (load > kind.capacity).any():
            return None
        here = where
    if table.duration_s[here, kind.end] == UNREACHABLE:
        return None
    metres += int(table.distance_m[here, kind.end])
    now += int(table.duration_s[here, kind.end])
    over = (
        now > kind.shift_s[1]
        or (kind.max_distance_m is not None and metres > kind.max_distance_m)
        or (kind.range_wh is not None and metres * kind.wh_per_m > kind.range_wh)
        or (kind.max_duration_s is not None and now - depart > kind.max_duration_s)
    )
    if over:
        return None
    return kind.fixed_fen + metres * kind.fen_per_km / 1000 + (now - depart) * kind.fen_per_hour / 3600


def moments(made):
    """Departures worth trying: those from which some order is reached just as its window opens, and the earliest."""
    found = {kind.shift_s[0] for kind in made.vehicles} | set(made.release_s.tolist())
    return sorted(found | set(range(0, 130, 1)))


def optimum(made):
    """The cheapest plan by enumeration of all partitions into rounds; prices of what is left out included."""
    orders = range(made.orders)
    starts = moments(made)

    @cache
    def round_cost(v, chosen):
        costs = [timed(made, v, p, t) for p in permutations(chosen) for t in starts]
        return min((cost for cost in costs if cost is not None), default=None)

    fleet = [v for v, kind in enumerate(made.vehicles) for _ in range(min(kind.count, made.orders))]

    @cache
    def best(left, at, used):
        if at == len(fleet):
            prices = [made.price_fen[o] for o in left]
            return sum(10**9 if price < 0 else price for price in prices)
        v, found = fleet[at], best(left, at + 1, used)
        for size in range(1, len(left) + 1):
            for chosen in combinations(left, size):
                cost = round_cost(v, chosen)
                drawn = (*used, v)
                within = all(
                    sum(pool in made.vehicles[w].pools for w in drawn) <= limit for pool, limit in made.pools.items()
                )
                if cost is not None and within:
                    found = min(found, cost + best(tuple(o for o in left if o not in chosen), at + 1, drawn))
        return found

    return best(tuple(orders), 0, ())


def legal(made, solution):
    """Every round keeps all rules when it leaves as stated; every order is in one place; pools suffice."""
    for found in solution.rounds:
        assert timed(made, found.vehicle, found.orders, found.depart_s) is not None, found
    placed = [o for found in solution.rounds for o in found.orders] + [b.order for b in solution.blocked]
    assert sorted(placed) == list(range(made.orders))
    used = [sum(found.vehicle == v for found in solution.rounds) for v in range(len(made.vehicles))]
    assert all(number <= kind.count for number, kind in zip(used, made.vehicles, strict=True))
    for pool, limit in made.pools.items():
        assert sum(n for n, kind in zip(used, made.vehicles, strict=True) if pool in kind.pools) <= limit


def full_cost(made, solution):
    """As the enumeration counts it."""
    return solution.cost_fen + 10**9 * sum(made.price_fen[blocked.order] < 0 for blocked in solution.blocked)


@st.composite
def problems(draw):
    count = draw(st.integers(1, 4))
    profiles = []
    for _ in range(draw(st.integers(1, 2))):
        entries = draw(st.lists(st.integers(1, 30), min_size=(count + 1) ** 2, max_size=(count + 1) ** 2))
        table = np.array(entries).reshape(count + 1, -1)
        np.fill_diagonal(table, 0)
        profiles.append(RoutingProfile(duration_s=closed(table), distance_m=closed(table)))
    vehicles = []
    for _ in range(draw(st.integers(1, 2))):
        opened = draw(st.integers(0, 20))
        vehicles.append(
            vehicle(
                count=draw(st.integers(0, 2)),
                profile=draw(st.integers(0, len(profiles) - 1)),
                capacity=np.array([draw(st.integers(1, 6))]),
                shift_s=(opened, opened + draw(st.integers(30, 100))),
                fixed_fen=draw(st.integers(0, 50)),
                fen_per_km=draw(st.integers(0, 3)) * 1000,
                max_orders=draw(st.sampled_from([None, None, 1, 2])),
                max_distance_m=draw(st.sampled_from([None, None, 60])),
                max_duration_s=draw(st.sampled_from([None, None, 60])),
                range_wh=draw(st.sampled_from([None, None, 70])),
                wh_per_m=1.0,
                pools=draw(st.sampled_from([(), ("permit",)])),
            )
        )

    def column(choice):
        return draw(st.lists(choice, min_size=count, max_size=count))

    return problem(
        profiles,
        vehicles,
        count,
        delivery=np.array(column(st.integers(0, 4))).reshape(-1, 1),
        pickup=np.array(column(st.sampled_from([0, 0, 3]))).reshape(-1, 1),
        service_s=column(st.integers(0, 9)),
        window_s=np.array(column(st.sampled_from([(0, 120), (0, 120), (20, 40), (50, 60)]))),
        release_s=column(st.sampled_from([0, 0, 30])),
        price_fen=column(st.sampled_from([-1, -1, 40])),
        on_board_s=column(st.sampled_from([-1, -1, 25])),
        pools={"permit": draw(st.integers(0, 2))},
    )


@settings(max_examples=40)
@given(made=problems())
def test_close_to_enumeration_and_legal(made):
    solution = run(made)
    legal(made, solution)
    # Nobody is left out who can be served, and the cost is within a twentieth (and the rounding of a fen).
    exact, found = optimum(made), full_cost(made, solution)
    assert exact - 1 <= found <= exact * 1.05 + 1, (exact, found)
    again = run(made)
    assert (again.rounds, again.blocked, again.cost_fen) == (solution.rounds, solution.blocked, solution.cost_fen)


def test_one_way_street_is_driven_the_short_way_round():
    # Base, 1, 2 on a ring that is driven one way: 10 s to the next, 20 s to the one before.
    table = np.array([[0, 10, 20], [20, 0, 10], [10, 20, 0]], dtype=np.int32)
    solution = run(problem([RoutingProfile(duration_s=table, distance_m=table)], [vehicle()]))
    assert [found.orders for found in solution.rounds] == [(0, 1)]
    assert solution.cost_fen == 1000 + 30  # 30 m at 1,000 fen a kilometre


def test_round_leaves_as_late_as_its_windows_allow():
    # Order 0 is 100 s away and opens at 1,000 s: leaving at 900 s the driver need not wait.
    made = problem([line(100)], [vehicle(fen_per_hour=3600)], window_s=[[1000, 2000]])
    (found,) = run(made).rounds
    assert found.depart_s == 900


def test_round_waits_for_what_is_released_last():
    made = problem([line(10, 20)], [vehicle()], release_s=[0, 500])
    (found,) = run(made).rounds
    assert found.depart_s >= 500


def test_time_on_board_splits_a_round():
    # Served one after the other, the second parcel is on board for 10 + 60 + 20 s; alone it is 10 s away.
    table = np.array([[0, 10, 10], [10, 0, 20], [10, 20, 0]], dtype=np.int32)
    made = problem(
        [RoutingProfile(duration_s=table, distance_m=table)],
        [vehicle(count=2)],
        service_s=[60, 60],
        on_board_s=[15, 15],
    )
    assert sorted(found.orders for found in run(made).rounds) == [(0,), (1,)]


def test_pickups_fill_what_deliveries_leave():
    # 6 to deliver and 6 to fetch fit into 8 only when the delivery comes first.
    made = problem([line(10, 20)], [vehicle(capacity=np.array([8]))], delivery=[[0], [6]], pickup=[[6], [0]])
    assert [found.orders for found in run(made).rounds] == [(1, 0)]


def test_pools_are_shared_by_the_variants_of_a_type():
    # Three vans, with or without a permit; order 2 lies where only permit holders go, and there is one permit.
    near, all_over = line(10, 20, 30), line(10, 20, 30)
    duration = near.duration_s.copy()
    duration[3, :3] = duration[:3, 3] = UNREACHABLE
    plain = RoutingProfile(duration_s=duration, distance_m=near.distance_m)
    made = problem(
        [plain, all_over],
        [
            vehicle(count=3, capacity=np.array([1]), pools=("van",)),
            vehicle(count=3, profile=1, capacity=np.array([1]), fixed_fen=1100, pools=("van", "permit")),
        ],
        pools={"van": 2, "permit": 1},
    )
    solution = run(made)
    legal(made, solution)
    assert len(solution.rounds) == 2
    (blocked,) = solution.blocked
    if blocked.order == 2:
        assert blocked.reasons[0] == "no permitted road leads there and back"
    assert "all 2 of 'van' are in use" in blocked.reasons[1]


def test_unused_vehicle_whose_bases_are_not_connected_is_no_obstacle():
    table = np.array([[0, 5, UNREACHABLE], [5, 0, UNREACHABLE], [UNREACHABLE, UNREACHABLE, 0]], dtype=np.int32)
    made = problem(
        [RoutingProfile(duration_s=table, distance_m=np.zeros_like(table))], [vehicle(), vehicle(end=2)], count=1
    )
    assert [found.vehicle for found in run(made).rounds] == [0]


def test_must_serve_goes_before_any_price_and_costs_no_penalty():
    # One place aboard: the order that must be served takes it, whatever the other offers.
    made = problem([line(10, 20)], [vehicle(capacity=np.array([1]))], price_fen=[10**12, -1])
    solution = run(made)
    assert [found.orders for found in solution.rounds] == [(1,)]
    assert solution.cost_fen == 1000 + 40 + 10**12


def test_order_is_left_out_where_its_price_is_lower_than_its_round():
    made = problem([line(1000)], [vehicle()], price_fen=[2999])  # 1,000 fen and 2 km at 1,000 fen
    solution = run(made)
    assert solution.rounds == ()
    assert solution.cost_fen == 2999
    assert solution.blocked[0].reasons == ("a round of its own would cost 30.00 yuan, leaving it out 29.99",)
    assert run(replace(made, price_fen=np.array([3001]))).blocked == ()


# What blocks the order 100 m away, and the change that its remedy asks for.
ALONE = {
    "load": ({"delivery": [[12]]}, {}, "exceeds the capacity by 2", {"delivery": [[10]]}, {}),
    "pickup": ({"pickup": [[12]]}, {}, "exceeds the capacity by 2", {"pickup": [[10]]}, {}),
    "window": ({"window_s": [[0, 40]]}, {}, "2 min after its window ends", {"window_s": [[0, 160]]}, {}),
    "shift": ({}, {"shift_s": (0, 150)}, "1 min after the shift", {}, {"shift_s": (0, 210)}),
    "hours": ({}, {"max_duration_s": 150}, "1 min too long", {}, {"max_duration_s": 210}),
    "distance": ({}, {"max_distance_m": 150}, "0.2 km there and back", {}, {"max_distance_m": 200}),
    "battery": ({}, {"range_wh": 150, "wh_per_m": 1.0}, "50 Wh short", {}, {"range_wh": 200, "wh_per_m": 1.0}),
    "aboard": ({"on_board_s": [60]}, {}, "1 min on board", {"on_board_s": [100]}, {}),
    "count": ({}, {"count": 0}, "there is none", {}, {"count": 1}),
    "skill": ({"allowed": [[False]]}, {}, "may not carry it", {"allowed": [[True]]}, {}),
}


@pytest.mark.parametrize("name", ALONE)
def test_reason_is_true_and_its_remedy_helps(name):
    columns, kind, reason, mended_columns, mended_kind = ALONE[name]
    solution = run(problem([line(100)], [vehicle(**kind)], **columns))
    (blocked,) = solution.blocked
    assert reason in blocked.reasons[0]
    assert blocked.remedy
    assert run(problem([line(100)], [vehicle(**mended_kind)], **mended_columns)).blocked == ()


def test_energies_of_the_table_decide_instead_of_metres():
    # 100 m out at 100 Wh, uphill, and back at 5 Wh; by metres both ways would be 2 Wh.
    made = line(100)
    uphill = replace(made, energy_wh=np.array([[0, 100], [5, 0]], dtype=np.int32))
    kind = {"wh_per_m": 0.01, "range_wh": 104}
    (blocked,) = run(problem([uphill], [vehicle(**kind)])).blocked
    assert "the battery is 1 Wh short" in blocked.reasons[0]
    assert run(problem([uphill], [vehicle(**kind | {"range_wh": 105})])).blocked == ()
    # Two doors, 100 and 200 m away: one round takes 100 + 100 + 5 Wh.
    far = np.array([[0, 100, 200], [5, 0, 100], [5, 5, 0]], dtype=np.int32)
    made = replace(line(100, 200), energy_wh=far)
    assert len(run(problem([made], [vehicle(count=2, wh_per_m=0.01, range_wh=205)])).rounds) == 1
    assert len(run(problem([made], [vehicle(count=2, wh_per_m=0.01, range_wh=204)])).blocked) == 1


def test_unreachable_order_says_so():
    made = line(100)
    duration = made.duration_s.copy()
    duration[0, 1] = UNREACHABLE
    solution = run(problem([RoutingProfile(duration_s=duration, distance_m=made.distance_m)], [vehicle()]))
    assert solution.blocked[0].reasons == ("no permitted road leads there and back",)


def test_two_obstacles_are_both_named_and_the_easier_vehicle_is_the_remedy():
    made = problem(
        [line(100)], [vehicle(capacity=np.array([1]), shift_s=(0, 150)), vehicle(shift_s=(0, 150))], delivery=[[3]]
    )
    (blocked,) = run(made).blocked
    first, second = blocked.reasons[0].split("; ")
    assert first.startswith("load exceeds the capacity by 2")
    assert second == "would return 1 min after the shift"
    assert blocked.reasons[1] == "would return 1 min after the shift"
    assert blocked.remedy == "let the shift end 1 min later"


def test_one_more_vehicle_helps_where_all_are_in_use():
    made = problem([line(10, 20)], [vehicle(capacity=np.array([1]))])
    (blocked,) = run(made).blocked
    assert (blocked.reasons, blocked.remedy) == (("all 1 are in use",), "add one vehicle of this type")
    assert run(replace(made, vehicles=(vehicle(count=2, capacity=np.array([1])),))).blocked == ()


@settings(max_examples=60)
@given(made=problems())
def test_alone_an_order_is_servable_or_every_type_has_an_obstacle(made):
    """What explain says of an order without competition agrees with the enumeration of its own round."""
    for order in range(made.orders):
        blocked = explain(made, order, used=[0] * len(made.vehicles))
        for v, reason in enumerate(blocked.reasons):
            alone = any(timed(made, v, (order,), t) is not None for t in moments(made))
            servable = alone and made.vehicles[v].count > 0
            free = reason.startswith(("all 0 of", "a round of its own"))
            assert servable == free, (order, v, reason)


def test_no_vehicle_at_all_is_an_answer():
    made = problem([line(10)], [])
    (blocked,) = run(made).blocked
    assert (blocked.reasons, blocked.remedy) == ((), "add a vehicle")


def test_search_says_why_it_stopped():
    rng = np.random.default_rng(1)
    at = np.sort(rng.integers(1, 10_000, 12))
    made = problem([line(*at.tolist())], [vehicle(count=4, capacity=np.array([4]))])
    assert solve(made, seconds=30, solutions=5).stopped == "steps"
    assert solve(made, seconds=0.1, solutions=10**9).stopped == "time"
    assert run(problem([line(5)], [vehicle()])).stopped == "exhausted"
