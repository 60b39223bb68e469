"""Random problems that use every rule at once, and random tours for them: half of them feasible, half not.

Tables are small and asymmetric, with arcs of no length, arcs without a road, and detours that are shorter than the
direct way. Numbers of watt-hours are multiples of 1/8, so that sums do not depend on their sequence.
"""

from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from lastmile.solvers.problem import (
    UNREACHABLE,
    Battery,
    Break,
    Group,
    Reload,
    RoutingProfile,
    RoutingVehicle,
    Tour,
    routing_problem,
)

HORIZON = 120  # seconds; drives take up to 12
RULES = frozenset({
    "options", "windows", "release", "on_board", "pairs", "groups", "prices", "allowed", "limits", "overtime",
    "open_end", "reloads", "breaks", "battery", "pools", "dimensions", "pickups", "unreachable", "capacity", "shift",
})  # fmt: skip


def seldom(usual, *others):
    """The usual in three of four cases."""
    return st.integers(0, 3).flatmap(lambda k: st.sampled_from(others) if k == 2 else st.just(usual))


def large(least, most):
    """An integer between the two, rather a large one."""
    return st.tuples(*[st.integers(least, most)] * 3).map(max)


@st.composite
def profiles(draw, locations, *, unreachable=True, longest=12):
    cells = locations * locations
    duration = np.array(draw(st.lists(st.integers(0, longest), min_size=cells, max_size=cells)), dtype=np.int32)
    distance = duration
    if draw(st.booleans()):
        distance = np.array(draw(st.lists(st.integers(0, 40), min_size=cells, max_size=cells)), dtype=np.int32)
    duration = duration.reshape(locations, locations).copy()
    if unreachable and locations > 2:
        for cell in draw(seldom([], [0], [1, 7], [cells // 2])):
            duration[divmod(cell % cells, locations)] = UNREACHABLE
    energy = None
    if draw(st.integers(0, 3)) == 0:
        energy = np.array(draw(st.lists(st.integers(0, 40), min_size=cells, max_size=cells)), dtype=np.int32)
        energy = energy.reshape(locations, locations)
    return RoutingProfile(duration_s=duration, distance_m=distance.reshape(locations, locations), energy_wh=energy)


@st.composite
def interval(draw, latest=HORIZON, shortest=0):
    start = draw(st.integers(0, latest - shortest))
    return start, min(latest, start + shortest + draw(st.integers(0, latest // 2)))


@st.composite
def breaks(draw, horizon=HORIZON, most=2):
    found, start = [], 0
    for _ in range(draw(st.integers(0, most))):
        start += draw(st.integers(0, horizon // 4))
        length = draw(st.integers(horizon // 20 + 1, horizon // 3))
        found.append(Break(window_s=(start, start + length), duration_s=draw(st.integers(1, length))))
        start += length
    return tuple(found)


@st.composite
def vehicles(draw, rules, locations, profile_count, dimensions):
    def when(rule, strategy, otherwise=None):
        return draw(strategy) if rule in rules else otherwise

    place = st.integers(0, locations - 1)
    opens = when("shift", seldom(0, 10, 40), 0)
    closes = when("shift", seldom(HORIZON, 40, 60, 80), HORIZON)
    reloads = when(
        "reloads",
        st.sampled_from([0, 0, 1, 2]).flatmap(
            lambda n: st.lists(
                st.builds(
                    Reload,
                    location=place,
                    duration_s=st.integers(0, 15),
                    window_s=seldom((0, HORIZON), (30, 80), (60, 61)),
                ),
                min_size=n,
                max_size=n,
            )
        ),
        [],
    )
    return RoutingVehicle(
        count=draw(st.sampled_from([1, 1, 2, 3, 0])),
        start=draw(place),
        end=None if when("open_end", seldom(False, True), False) else draw(place),
        profile=draw(st.integers(0, profile_count - 1)),
        capacity=np.array([when("capacity", st.integers(6, 20), 10**6) for _ in range(dimensions)], dtype=np.int64),
        shift_s=(opens, closes),
        overtime_s=when("overtime", st.sampled_from([0, 30]), 0),
        overtime_fen_per_hour=when("overtime", st.sampled_from([0, 7200]), 0),
        fixed_fen=draw(st.integers(0, 50)),
        fen_per_km=draw(st.sampled_from([0, 1000, 2500])),
        fen_per_hour=draw(st.sampled_from([0, 3600, 1800])),
        max_distance_m=when("limits", seldom(None, 80, 150)),
        max_duration_s=when("limits", seldom(None, 40, 80)),
        max_orders=when("limits", seldom(None, 2, 4)),
        max_trips=draw(st.integers(2, 3)) if reloads else 1,
        reloads=tuple(reloads),
        breaks=when("breaks", breaks(), ()),
        battery=when(
            "battery",
            st.one_of(
                st.none(),
                st.none(),
                st.none(),
                st.builds(
                    Battery,
                    capacity_wh=st.sampled_from([60.0, 120.0, 200.0]),
                    reserve_wh=st.sampled_from([0.0, 10.5]),
                    wh_per_m=st.sampled_from([0.0, 0.5, 1.25]),
                    wh_per_m_load=st.sampled_from([0.0, 0.125]),
                ),
            ),
        ),
        pools=when("pools", st.sampled_from([(), (), ("permit",), ("van",), ("van", "permit")]), ()),
    )


@st.composite
def problems(draw, *, min_orders=1, max_orders=5, without=frozenset(), most_vehicles=3):
    """A problem with all rules but those named in ``without`` (see ``RULES``)."""
    unknown = set(without) - RULES
    if unknown:
        raise ValueError(f"there are no rules {sorted(unknown)}")
    rules = RULES - set(without)
    orders = draw(large(min_orders, max_orders))

    def column(rule, strategy, otherwise, length=orders):
        return draw(st.lists(strategy, min_size=length, max_size=length)) if rule in rules else [otherwise] * length

    paired = draw(st.integers(0, orders // 2)) if "pairs" in rules and draw(st.booleans()) else 0
    shuffled = draw(st.permutations(range(orders)))
    pairs = [(shuffled[2 * k], shuffled[2 * k + 1]) for k in range(paired)]
    free = shuffled[2 * paired :]
    groups = []
    if "groups" in rules and len(free) >= 2 and draw(st.integers(0, 2)) == 0:
        size = draw(st.integers(1, min(3, len(free))))
        groups = [Group(orders=tuple(free[:size]), price_fen=draw(st.sampled_from([-1, 0, 70])))]
    ways = column("options", seldom(1, 2, 3), 1)
    for order in {order for pair in pairs for order in pair}:
        ways[order] = 1
    option_order = [order for order in range(orders) for _ in range(ways[order])]
    options = len(option_order)

    window_option, window_s = [], []
    for option in range(options):
        edges = [0, HORIZON]
        if "windows" in rules:
            count = draw(seldom(1, 2, 3))
            if count > 1 or draw(seldom(False, True)):
                edges = sorted(
                    draw(st.lists(st.integers(0, HORIZON), min_size=2 * count, max_size=2 * count, unique=True))
                )
        window_s += [edges[k : k + 2] for k in range(0, len(edges), 2)]
        window_option += [option] * (len(edges) // 2)

    dimensions = draw(st.sampled_from([1, 1, 2])) if "dimensions" in rules else 1
    delivery = np.array(column("capacity", st.integers(0, 4), 1, orders * dimensions)).reshape(orders, dimensions)
    pickup = np.array(column("pickups", seldom(0, 1, 3), 0, orders * dimensions)).reshape(orders, dimensions)
    release = column("release", seldom(0, 20, 60), 0)
    price = column("prices", seldom(-1, 0, 40, 120), -1)
    aboard = column("on_board", seldom(-1, 10, 25, 50), -1)
    for first, second in pairs:
        pickup[first] = delivery[second]
        delivery[first] = pickup[second] = 0
        release[first] = release[second] = 0
        price[first] = price[second] = aboard[first] = -1

    locations = draw(st.sampled_from(range(orders + 2, 0, -1)))
    profile_count = draw(st.integers(1, 2))
    types = draw(st.integers(1, most_vehicles))
    allowed = np.array(column("allowed", seldom(True, True, False), True, options * types)).reshape(options, types)
    return routing_problem(
        profiles=[draw(profiles(locations, unreachable="unreachable" in rules)) for _ in range(profile_count)],
        vehicles=[draw(vehicles(rules, locations, profile_count, dimensions)) for _ in range(types)],
        location=draw(st.lists(st.integers(0, locations - 1), min_size=options, max_size=options)),
        delivery=delivery,
        pickup=pickup,
        service_s=draw(st.lists(st.integers(0, 8), min_size=options, max_size=options)),
        window_s=window_s,
        window_option=window_option,
        release_s=release,
        price_fen=price,
        on_board_s=aboard,
        option_order=option_order,
        option_fen=column("options", seldom(0, 3, 15), 0, options),
        allowed=allowed,
        pairs=pairs or None,
        groups=groups,
        pools={"permit": draw(st.integers(0, 2)), "van": draw(st.integers(0, 3))},
    )


@st.composite
def charging_problems(draw, *, most_chargers=2, weighing=True, **switches):
    """Problems in which vehicles charge on their way.

    With one charger and without loads that cost energy (``weighing``) the search sees every way there is.
    """
    problem = draw(problems(**switches))
    chargers = draw(st.lists(st.integers(0, problem.locations - 1), min_size=1, max_size=most_chargers, unique=True))
    batteries = st.builds(
        Battery,
        capacity_wh=st.sampled_from([40.0, 60.0, 100.0]),
        reserve_wh=st.sampled_from([0.0, 10.5]),
        wh_per_m=st.sampled_from([0.5, 1.25]),
        wh_per_m_load=st.sampled_from([0.0, 0.0, 0.125] if weighing else [0.0]),
        seconds_per_wh=st.sampled_from([0.0, 0.125, 0.25]),
        full_only=st.booleans(),
    )
    vehicles = tuple(
        replace(kind, battery=draw(st.one_of(st.none(), batteries, batteries))) for kind in problem.vehicles
    )
    return replace(problem, vehicles=vehicles, chargers=np.array(chargers, dtype=np.int32))


@st.composite
def tours(draw, problem, *, most=None, mend=True):
    """A random tour of some of the orders.

    Parameters
    ----------
    most
        Most orders.
    mend
        Mostly leave out what a glance shows to be forbidden: options that the vehicle may not serve, half of a pair,
        two of a group. Without it nearly every tour would fail for such a reason.
    """
    v = draw(st.integers(0, len(problem.vehicles) - 1))
    vehicle = problem.vehicles[v]
    able = set(problem.option_order[problem.allowed[:, v]].tolist()) if mend else set()
    orders = draw(st.permutations(sorted(able) or range(problem.orders)))
    orders = orders[: draw(large(1, min(len(orders), most or len(orders))))]
    apart: list[tuple[int, int]] = []
    if mend and draw(st.integers(0, 9)) < 9:
        for group in problem.groups:
            for order in [order for order in orders if order in group.orders][1:]:
                orders.remove(order)
        partner = dict(problem.pairs.tolist())
        firsts = {second: first for first, second in partner.items()}
        for order in list(orders):
            if order in partner and partner[order] not in orders:
                orders.append(partner[order])
            if order in firsts and firsts[order] not in orders:
                orders.insert(orders.index(order), firsts[order])
        for first, second in partner.items():
            if first in orders and orders.index(first) > orders.index(second):
                a, b = orders.index(first), orders.index(second)
                orders[a], orders[b] = second, first
            if first in orders:
                apart.append((orders.index(first), orders.index(second)))
    options = []
    for order in orders:
        ways = [k for k in range(problem.options) if problem.option_order[k] == order]
        if mend:
            ways = [k for k in ways if problem.allowed[k, v]] or ways
        options.append(draw(st.sampled_from(ways)))
    count = draw(st.integers(1, min(vehicle.max_trips, len(options))))
    places = [cut for cut in range(1, len(options)) if not any(a < cut <= b for a, b in apart)]
    cuts = sorted(draw(st.permutations(places))[: count - 1])
    count = len(cuts) + 1
    edges = [0, *cuts, len(options)]
    trips = tuple(tuple(options[edges[k] : edges[k + 1]]) for k in range(count))
    reloads = tuple(draw(st.integers(0, len(vehicle.reloads) - 1)) for _ in range(count - 1))
    return Tour(vehicle=v, trips=trips, reloads=reloads)


@st.composite
def problems_with_tours(draw, **switches):
    problem = draw(problems(**switches))
    return problem, draw(tours(problem))
