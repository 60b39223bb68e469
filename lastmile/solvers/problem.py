"""Vehicle routing as the solver sees it: indices, tables, times and money. Nothing here has a longitude.

Times are seconds, distances metres, money fen, energy watt-hours; all integers but for the physics of batteries.
Constructors check what they are given and name the index and the rule.

An *order* is served by one of its *options*: a place with its windows and its service. Orders, options, vehicle types
and locations are numbered from 0.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lastmile.solvers.frozen import freeze

UNREACHABLE = int(np.iinfo(np.int32).max)
TIME_MAX = 2**30  # times and service stay below it, so that sums of two fit 32 bits
_AMOUNT_MAX = 2**53  # loads and money stay below it, so that sums over a problem fit 64 bits


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RoutingProfile:
    """Travel between all locations for one kind of vehicle.

    Parameters
    ----------
    duration_s, distance_m
        int32, shape (n, n), C order, row = origin, may be asymmetric; ``UNREACHABLE`` durations where there is no way.
        The two may be one array. Tables of more than 256 MB are searched twice as fast where near places have near
        numbers; smaller ones are numbered so by the solver.
    energy_wh
        The same of the energy that a vehicle needs at most, whatever it carries; None where it is the distance times
        the battery's ``wh_per_m``.
    """

    duration_s: NDArray[np.int32]
    distance_m: NDArray[np.int32]
    energy_wh: NDArray[np.int32] | None = None

    def __post_init__(self) -> None:
        for name in ("duration_s", "distance_m", "energy_wh"):
            table = getattr(self, name)
            if table is None:
                continue
            if table.dtype != np.int32 or not table.flags.c_contiguous:
                raise ValueError(f"profile: {name} must be int32 in C order, it is {table.dtype}")
            if table.ndim != 2 or table.shape[0] != table.shape[1]:
                raise ValueError(f"profile: {name} must be square, its shape is {table.shape}")
            if table.min(initial=0) < 0:
                raise ValueError(f"profile: {name} has a negative entry at {tuple(np.argwhere(table < 0)[0].tolist())}")
            # By rows: what a whole large table would need besides itself is not to be had.
            if name == "duration_s" and any(((row >= TIME_MAX) & (row != UNREACHABLE)).any() for row in table):
                raise ValueError(f"profile: {name} has an entry of {TIME_MAX} or more that is not UNREACHABLE")
        if self.duration_s.shape != self.distance_m.shape:
            raise ValueError("profile: duration_s and distance_m differ in shape")
        if self.energy_wh is not None and self.energy_wh.shape != self.duration_s.shape:
            raise ValueError("profile: duration_s and energy_wh differ in shape")
        freeze(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Battery:
    """Traction battery of one vehicle, full whenever a trip begins, the first of a day or one behind a reload.

    A vehicle that can charge on its way chooses chargers and charges of each trip, and where on it the breaks lie, so
    that metres and return cost least in all, of all ways that keep the times aboard and the trip's longest distance and
    duration and leave time for what is behind it; among equals the trip that returns first, then the one that leaves
    last. Charging counts as time aboard. Of all ways to divide breaks over the day it takes the one whose metres and
    last return cost least. Fractions of a second that its charging takes are rounded up where a trip ends before
    another.

    Parameters
    ----------
    capacity_wh
        Energy when full.
    reserve_wh
        What must be left at every moment.
    wh_per_m
        Consumption, where the profile has no energies of its own.
    wh_per_m_load
        Consumption on top, per unit of load dimension 0 aboard.
    seconds_per_wh
        Time that a charger takes for one watt-hour, at any state of charge.
    full_only
        True where each visit to a charger fills the battery, False where it may leave with any charge.
    """

    capacity_wh: float
    reserve_wh: float = 0.0
    wh_per_m: float = 0.0
    wh_per_m_load: float = 0.0
    seconds_per_wh: float = 0.0
    full_only: bool = False

    def __post_init__(self) -> None:
        for name in ("capacity_wh", "reserve_wh", "wh_per_m", "wh_per_m_load", "seconds_per_wh"):
            value = getattr(self, name)
            if not (np.isfinite(value) and value >= 0):
                raise ValueError(f"battery: {name} must be finite and not negative, it is {value}")
        if self.reserve_wh > self.capacity_wh:
            raise ValueError(f"battery: a reserve of {self.reserve_wh} Wh exceeds the capacity, {self.capacity_wh} Wh")


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """A rest that must lie in its window; not while driving, serving or reloading.

    It is taken at a stop, at a charger, where the vehicle reloads (ahead of the reload or behind it), or off duty:
    before the first trip leaves or after the last one is back. Whoever rests at a charger is plugged in and charges
    meanwhile.
    """

    window_s: tuple[int, int]
    duration_s: int

    def __post_init__(self) -> None:
        if not (0 < self.duration_s <= self.window_s[1] - self.window_s[0] and self.window_s[0] >= 0):
            raise ValueError(f"break: {self.duration_s} s do not fit its window {self.window_s}")
        if self.window_s[1] >= TIME_MAX:
            raise ValueError(f"break: its window ends at {self.window_s[1]} s, not below {TIME_MAX}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reload:
    """Where a vehicle may end one trip and begin the next, how long that takes, and when it may begin to."""

    location: int
    duration_s: int = 0
    window_s: tuple[int, int] = (0, TIME_MAX - 1)

    def __post_init__(self) -> None:
        if not 0 <= self.window_s[0] <= self.window_s[1] < TIME_MAX or not 0 <= self.duration_s < TIME_MAX:
            raise ValueError(f"reload: window {self.window_s} or duration {self.duration_s} s is impossible")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RoutingVehicle:
    """Vehicles of one type at one depot.

    A vehicle's *trip* goes from a depot to stops and back to a depot; without ``reloads`` it makes one. Every trip
    returns as early as it can and, of the schedules that do so, leaves as late as it can; its cost and its limits are
    those of that schedule. A reload begins as early as it can. A vehicle that can charge on its way chooses as
    :class:`Battery` says.

    Breaks are divided among several trips, and the pauses between them, so that the last trip returns as early as it
    can; of the ways to do so the one is taken that is out least in all, then the one that has its breaks earliest.

    Parameters
    ----------
    count
        How many there are.
    start, end
        Location of the depot where the day begins and ends; an ``end`` of None leaves the last trip open: it ends at
        its last stop.
    profile
        Index of the travel profile.
    capacity
        int64, shape (dimensions,).
    shift_s
        Earliest departure and latest return.
    overtime_s, overtime_fen_per_hour
        How much later it may return, and what that costs on top.
    fixed_fen, fen_per_km, fen_per_hour
        Cost of using one, of distance, and of the time between departure and return of each trip.
    max_distance_m, max_duration_s, max_orders
        Limits of one trip; None without.
    max_trips, reloads
        Most trips of a day, and where one may end and the next begin.
    breaks
        Rests, in the order of their windows, which do not overlap.
    battery
        None where energy sets no limit.
    pools
        Names of :attr:`RoutingProblem.pools` that each vehicle of this type in use draws one from.
    """

    count: int
    start: int
    end: int | None
    profile: int
    capacity: NDArray[np.int64]
    shift_s: tuple[int, int]
    overtime_s: int = 0
    overtime_fen_per_hour: int = 0
    fixed_fen: int = 0
    fen_per_km: int = 0
    fen_per_hour: int = 0
    max_distance_m: int | None = None
    max_duration_s: int | None = None
    max_orders: int | None = None
    max_trips: int = 1
    reloads: tuple[Reload, ...] = ()
    breaks: tuple[Break, ...] = ()
    battery: Battery | None = None
    pools: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.count < 2**31:
            raise ValueError(f"vehicle: count {self.count} is negative or too large")
        if self.shift_s[0] > self.shift_s[1]:
            raise ValueError(f"vehicle: shift {self.shift_s} ends before it starts")
        if self.shift_s[0] < 0 or self.shift_s[1] + self.overtime_s >= TIME_MAX:
            raise ValueError(f"vehicle: shift {self.shift_s} with {self.overtime_s} s more is outside 0..{TIME_MAX}")
        if self.capacity.ndim != 1 or self.capacity.dtype != np.int64:
            raise ValueError(f"vehicle: capacity must be int64 in one dimension, it is {self.capacity.dtype}")
        if self.capacity.min(initial=0) < 0:
            raise ValueError("vehicle: a capacity is negative")
        if self.capacity.max(initial=0) >= _AMOUNT_MAX:
            raise ValueError(f"vehicle: a capacity is not below {_AMOUNT_MAX}")
        for name in ("overtime_s", "overtime_fen_per_hour", "fixed_fen", "fen_per_km", "fen_per_hour"):
            if not 0 <= getattr(self, name) < 2**40:
                raise ValueError(f"vehicle: {name} {getattr(self, name)} is negative or too large")
        for name in ("max_distance_m", "max_duration_s", "max_orders"):
            if (limit := getattr(self, name)) is not None and limit < 0:
                raise ValueError(f"vehicle: {name} {limit} is negative")
        if self.max_trips < 1:
            raise ValueError(f"vehicle: max_trips {self.max_trips} is below 1")
        if self.max_trips > 1 and not self.reloads:
            raise ValueError(f"vehicle: {self.max_trips} trips need a place to reload")
        for before, after in zip(self.breaks, self.breaks[1:], strict=False):
            if before.window_s[1] > after.window_s[0]:
                raise ValueError(f"vehicle: breaks {before.window_s} and {after.window_s} overlap or are not in order")
        freeze(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Orders of which at most one is served.

    Parameters
    ----------
    price_fen
        What serving none of them costs; -1 where exactly one must be served. The orders' own prices do not count.
    """

    orders: tuple[int, ...]
    price_fen: int = -1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RoutingProblem:
    """Orders, vehicles and travel tables of one territory. Make one with :func:`routing_problem`.

    Parameters
    ----------
    profiles
        Travel tables over n locations.
    vehicles
        Vehicle types, each at one depot.
    delivery, pickup
        int64, shape (orders, dimensions): what is brought from the depot and what is taken to it.
    release_s
        int32, shape (orders,): the trip that carries the order may not leave earlier.
    price_fen
        int64, shape (orders,): what leaving it out costs, -1 where it must be served.
    on_board_s
        int32, shape (orders,): longest time from a trip's departure to the beginning of its delivery, -1 without
        limit. For the second order of a pair: from the end of service at the first.
    option_order
        int32, shape (options,), ascending: whose option each is. Every order has one.
    location, service_s
        int32, shape (options,).
    option_fen
        int64, shape (options,): cost of serving the order this way.
    allowed
        bool, shape (options, vehicle types): skills, permits and places are all folded into it.
    window_option, window_s
        int32, shape (windows,), ascending, and (windows, 2): service begins in one of its option's windows, which are
        in order and do not overlap.
    pairs
        int32, shape (pairs, 2): what the first order's ``pickup`` takes aboard, the second's ``delivery`` takes off,
        later in the same trip. Orders in pairs must be served, have one option, and are in no group.
    groups
        Disjoint.
    chargers
        int32: locations where a battery can be charged, any number of times by any number of vehicles.
    pools
        Scarce things that vehicles in use draw one of each: permits, vehicles shared by several entries.
    """

    profiles: tuple[RoutingProfile, ...]
    vehicles: tuple[RoutingVehicle, ...]
    delivery: NDArray[np.int64]
    pickup: NDArray[np.int64]
    release_s: NDArray[np.int32]
    price_fen: NDArray[np.int64]
    on_board_s: NDArray[np.int32]
    option_order: NDArray[np.int32]
    location: NDArray[np.int32]
    service_s: NDArray[np.int32]
    option_fen: NDArray[np.int64]
    allowed: NDArray[np.bool_]
    window_option: NDArray[np.int32]
    window_s: NDArray[np.int32]
    pairs: NDArray[np.int32]
    groups: tuple[Group, ...]
    chargers: NDArray[np.int32]
    pools: Mapping[str, int]

    def __post_init__(self) -> None:
        freeze(self)
        _check_shapes(self)
        _check_orders(self)
        _check_options(self)
        _check_pairs_and_groups(self)
        for pool, limit in self.pools.items():
            if not 0 <= limit < 2**31:
                raise ValueError(f"pool {pool!r}: {limit} is negative or too large")
        for index, vehicle in enumerate(self.vehicles):
            _check_vehicle(self, index, vehicle)

    @property
    def orders(self) -> int:
        """Number of orders."""
        return len(self.release_s)

    @property
    def options(self) -> int:
        """Number of options of all orders."""
        return len(self.option_order)

    @property
    def locations(self) -> int:
        """Number of locations."""
        if self.profiles:
            return len(self.profiles[0].duration_s)
        return int(max(self.location.max(initial=-1), self.chargers.max(initial=-1))) + 1


def routing_problem(
    *,
    profiles: Sequence[RoutingProfile],
    vehicles: Sequence[RoutingVehicle],
    location: ArrayLike,
    delivery: ArrayLike | None = None,
    pickup: ArrayLike | None = None,
    service_s: ArrayLike | None = None,
    window_s: ArrayLike | None = None,
    window_option: ArrayLike | None = None,
    release_s: ArrayLike | None = None,
    price_fen: ArrayLike | None = None,
    on_board_s: ArrayLike | None = None,
    option_order: ArrayLike | None = None,
    option_fen: ArrayLike | None = None,
    allowed: ArrayLike | None = None,
    pairs: ArrayLike | None = None,
    groups: Sequence[Group] = (),
    chargers: ArrayLike | None = None,
    pools: Mapping[str, int] | None = None,
) -> RoutingProblem:
    """Make a problem from what is not usual; arrays as in :class:`RoutingProblem`.

    Left out, every order has one option and one window, the whole day; it must be served, by any vehicle; it weighs
    and takes nothing.

    Raises
    ------
    ValueError
        When something contradicts; the message names the index and the rule.
    """
    places = _integers("location", location, np.int32)
    options = len(places)
    owner = _integers("option_order", np.arange(options) if option_order is None else option_order, np.int32)
    orders = int(owner.max(initial=-1)) + 1
    if orders > options:
        raise ValueError(f"option_order names order {orders - 1}; {options} options have at most {options} orders")
    dimensions = len(vehicles[0].capacity) if vehicles else 1
    of_window = np.arange(options) if window_option is None else window_option
    windows = np.tile([0, TIME_MAX - 1], (options, 1)) if window_s is None else window_s

    def column(name: str, given: ArrayLike | None, length: int, usual: int, dtype: Any) -> NDArray[Any]:
        return _integers(name, np.full(length, usual) if given is None else given, dtype)

    def loads(name: str, given: ArrayLike | None) -> NDArray[np.int64]:
        table = _integers(name, np.zeros((orders, dimensions)) if given is None else given, np.int64)
        return table[:, None] if table.ndim == 1 else table

    return RoutingProblem(
        profiles=tuple(profiles),
        vehicles=tuple(vehicles),
        delivery=loads("delivery", delivery),
        pickup=loads("pickup", pickup),
        release_s=column("release_s", release_s, orders, 0, np.int32),
        price_fen=column("price_fen", price_fen, orders, -1, np.int64),
        on_board_s=column("on_board_s", on_board_s, orders, -1, np.int32),
        option_order=owner,
        location=places,
        service_s=column("service_s", service_s, options, 0, np.int32),
        option_fen=column("option_fen", option_fen, options, 0, np.int64),
        allowed=np.ones((options, len(vehicles)), dtype=bool) if allowed is None else np.array(allowed, dtype=bool),
        window_option=_integers("window_option", of_window, np.int32),
        window_s=_integers("window_s", windows, np.int32).reshape(-1, 2),
        pairs=_integers("pairs", np.empty((0, 2)) if pairs is None else pairs, np.int32).reshape(-1, 2),
        groups=tuple(groups),
        chargers=_integers("chargers", np.empty(0) if chargers is None else chargers, np.int32),
        pools=dict(pools or {}),
    )


def _integers(name: str, given: ArrayLike, dtype: Any) -> NDArray[Any]:
    """A new array of integers; whoever gives fractions, NaN or what does not fit is told."""
    values = np.asarray(given)
    if values.dtype.kind not in "iufb":
        raise ValueError(f"{name} must hold numbers, it holds {values.dtype}")
    if values.dtype.kind == "f" and not (np.isfinite(values) & (values == np.floor(values))).all():
        raise ValueError(f"{name} holds NaN, infinity or a fraction; it takes whole numbers")
    limits = np.iinfo(dtype)
    if values.size and (values.min() < limits.min or values.max() > limits.max):
        raise ValueError(f"{name} holds a number that does not fit {limits.bits} bits")
    return np.array(values, dtype=dtype, order="C")


def _check_shapes(problem: RoutingProblem) -> None:
    for rows, count, names in (
        ("orders", problem.orders, ("delivery", "pickup", "price_fen", "on_board_s")),
        ("options", problem.options, ("location", "service_s", "option_fen", "allowed")),
        ("windows", len(problem.window_s), ("window_option",)),
    ):
        for name in names:
            if len(getattr(problem, name)) != count:
                raise ValueError(f"{name} has {len(getattr(problem, name))} rows for {count} {rows}")
    if problem.vehicles and not problem.profiles:
        raise ValueError("a problem with vehicles needs at least one profile")
    if any(len(profile.duration_s) != problem.locations for profile in problem.profiles):
        raise ValueError("the profiles differ in their number of locations")
    if problem.allowed.shape != (problem.options, len(problem.vehicles)):
        raise ValueError(f"allowed has shape {problem.allowed.shape}, not ({problem.options}, {len(problem.vehicles)})")
    for name in ("delivery", "pickup"):
        table = getattr(problem, name)
        if table.ndim != 2 or table.shape != problem.delivery.shape:
            raise ValueError(f"{name} has shape {table.shape}; delivery and pickup are (orders, dimensions)")


def _first(bad: NDArray[np.bool_]) -> int | None:
    """Index of the first row that is bad."""
    rows = np.flatnonzero(bad if bad.ndim == 1 else bad.any(axis=1))
    return int(rows[0]) if len(rows) else None


def _check_orders(problem: RoutingProblem) -> None:
    for name, lowest, limit in (
        ("delivery", 0, _AMOUNT_MAX),
        ("pickup", 0, _AMOUNT_MAX),
        ("release_s", 0, TIME_MAX),
        ("price_fen", -1, 2**48),
        ("on_board_s", -1, TIME_MAX),
    ):
        table = getattr(problem, name)
        if (order := _first((table < lowest) | (table >= limit))) is not None:
            raise ValueError(f"order {order}: {name} {table[order].tolist()} is outside {lowest}..{limit - 1}")
    for name in ("delivery", "pickup"):
        if getattr(problem, name).astype(float).sum(axis=0).max(initial=0) >= _AMOUNT_MAX:
            raise ValueError(f"{name} sums to more than {_AMOUNT_MAX}")
    owned = np.unique(problem.option_order)
    if len(owned) != problem.orders or (len(owned) and (owned[0] < 0 or owned[-1] != problem.orders - 1)):
        raise ValueError(f"option_order must name every order of 0..{problem.orders - 1}")
    if (np.diff(problem.option_order) < 0).any():
        raise ValueError("option_order must be ascending")


def _check_options(problem: RoutingProblem) -> None:
    for name, limit in (("service_s", TIME_MAX), ("option_fen", 2**48)):
        table = getattr(problem, name)
        if (option := _first((table < 0) | (table >= limit))) is not None:
            raise ValueError(f"option {option}: {name} {table[option]} is outside 0..{limit - 1}")
    for name in ("location", "chargers"):
        table = getattr(problem, name)
        if (row := _first((table < 0) | (table >= problem.locations))) is not None:
            what = "option" if name == "location" else "charger"
            raise ValueError(f"{what} {row}: its location {table[row]} is outside 0..{problem.locations - 1}")
    owner, window = problem.window_option, problem.window_s
    if len(owner) and (owner.min() < 0 or owner.max() >= problem.options or (np.diff(owner) < 0).any()):
        raise ValueError(f"window_option must be ascending within 0..{problem.options - 1}")
    if (option := _first(np.bincount(owner, minlength=problem.options) == 0)) is not None:
        raise ValueError(f"option {option} has no window")
    if (row := _first(window[:, 0] > window[:, 1])) is not None:
        raise ValueError(f"option {owner[row]}: its window {window[row].tolist()} ends before it starts")
    if (row := _first((window[:, 0] < 0) | (window[:, 1] >= TIME_MAX))) is not None:
        raise ValueError(f"option {owner[row]}: its window {window[row].tolist()} is outside 0..{TIME_MAX - 1}")
    if (row := _first((np.diff(owner) == 0) & (window[1:, 0] <= window[:-1, 1]))) is not None:
        raise ValueError(f"option {owner[row]}: its windows overlap or are not in order")


def _check_pairs_and_groups(problem: RoutingProblem) -> None:
    taken: dict[int, str] = {}

    def take(order: int, where: str) -> None:
        if not 0 <= order < problem.orders:
            raise ValueError(f"{where}: there is no order {order}")
        if order in taken:
            raise ValueError(f"{where}: order {order} is in {taken[order]} already")
        taken[order] = where

    ways = np.bincount(problem.option_order, minlength=problem.orders)
    for index, (first, second) in enumerate(problem.pairs.tolist()):
        where = f"pair {index}"
        take(first, where)
        take(second, where)
        if (problem.pickup[first] != problem.delivery[second]).any():
            raise ValueError(f"{where}: order {first} takes aboard what order {second} does not take off")
        if problem.delivery[first].any() or problem.pickup[second].any():
            raise ValueError(f"{where}: its orders may have no load besides what goes from {first} to {second}")
        for order in (first, second):
            if ways[order] != 1 or problem.price_fen[order] >= 0:
                raise ValueError(f"{where}: order {order} must have one option and no price")
        if problem.on_board_s[first] >= 0 or problem.release_s[[first, second]].any():
            raise ValueError(
                f"{where}: nothing of it is at the depot; release, and time aboard of {first}, say nothing"
            )
    for index, group in enumerate(problem.groups):
        if not group.orders or not -1 <= group.price_fen < 2**48:
            raise ValueError(f"group {index}: it is empty, or its price {group.price_fen} is impossible")
        for order in group.orders:
            take(order, f"group {index}")


def _check_vehicle(problem: RoutingProblem, index: int, vehicle: RoutingVehicle) -> None:
    where = f"vehicle {index}"
    if not 0 <= vehicle.profile < len(problem.profiles):
        raise ValueError(f"{where}: there is no profile {vehicle.profile}")
    depots = [vehicle.start, *(reload.location for reload in vehicle.reloads)]
    if vehicle.end is not None:
        depots.append(vehicle.end)
    if not all(0 <= depot < problem.locations for depot in depots):
        raise ValueError(f"{where}: its depot is outside 0..{problem.locations - 1}")
    if len(vehicle.capacity) != problem.delivery.shape[1]:
        raise ValueError(f"{where}: {len(vehicle.capacity)} capacities for {problem.delivery.shape[1]} loads")
    for pool in vehicle.pools:
        if pool not in problem.pools:
            raise ValueError(f"{where}: there is no pool {pool!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tour:
    """What one vehicle does: its trips, each the options that it serves in the sequence of visits.

    Parameters
    ----------
    reloads
        Between trips: index into the vehicle type's ``reloads``; one less than there are trips.
    locked
        So many visits from the beginning are done or loaded already: they stay as they are.
    """

    vehicle: int
    trips: tuple[tuple[int, ...], ...]
    reloads: tuple[int, ...] = ()
    locked: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One stop of a schedule: when the vehicle arrives, begins and leaves, in seconds.

    ``index`` is an option, a row of ``chargers``, of the vehicle's ``breaks`` or of its ``reloads``. A break has no
    place of its own: it lies between the visits, or within the waiting time of one. Rests off duty are not listed. A
    reload departs when the next trip leaves.
    """

    kind: Literal["order", "charge", "break", "reload"]
    index: int
    arrive_s: float
    begin_s: float
    depart_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Parts of a cost, in fen."""

    fixed: float = 0.0
    distance: float = 0.0
    duration: float = 0.0
    overtime: float = 0.0
    options: float = 0.0
    unserved: float = 0.0

    @property
    def total(self) -> float:
        """Sum of the parts."""
        return self.fixed + self.distance + self.duration + self.overtime + self.options + self.unserved


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """A tour with its schedule and cost."""

    tour: Tour
    visits: tuple[Visit, ...]
    depart_s: float
    return_s: float
    distance_m: int
    cost: Cost

    @property
    def vehicle(self) -> int:
        """Index of the vehicle type."""
        return self.tour.vehicle

    @property
    def options(self) -> tuple[int, ...]:
        """Options in the sequence of visits, over all trips."""
        return tuple(option for trip in self.tour.trips for option in trip)


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocked:
    """Why an order is left out: the constraint that fails for each vehicle type, and the cheapest single way out."""

    order: int
    reasons: tuple[str, ...]
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutingSolution:
    """Rounds, what is left out and why, cost by part, and how the search went.

    Parameters
    ----------
    stopped
        Why the search ended.
    iterations
        Of all threads together.
    phases_s
        Seconds by phase.
    trace
        (seconds, iterations, cost in fen) of every new best that was reported.
    """

    rounds: tuple[Round, ...]
    blocked: tuple[Blocked, ...]
    cost: Cost
    stopped: Literal["iterations", "time", "interrupted", "nothing to solve"]
    iterations: int
    phases_s: Mapping[str, float]
    trace: tuple[tuple[float, int, float], ...] = ()
