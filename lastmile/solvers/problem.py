"""What the solvers see: indices, matrices, times and money. Nothing here has a longitude.

Times are seconds, distances metres, money fen, energy watt-hours; all integers. Constructors check what they are
given and name the index and the rule.
"""

from dataclasses import dataclass, field, fields
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

UNREACHABLE = int(np.iinfo(np.int32).max)


def _freeze(instance: object) -> None:
    for item in fields(instance):  # type: ignore[arg-type]
        value = getattr(instance, item.name)
        if isinstance(value, np.ndarray):
            value.setflags(write=False)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RoutingProfile:
    """Travel between all locations for one kind of vehicle.

    Parameters
    ----------
    duration_s, distance_m
        int32, shape (n, n), row = origin, may be asymmetric; ``UNREACHABLE`` durations where there is no way.
    energy_wh
        The same of the energy that a vehicle needs at most, whatever it carries; None where it is the distance times
        the vehicle's ``wh_per_m``.
    """

    duration_s: NDArray[np.int32]
    distance_m: NDArray[np.int32]
    energy_wh: NDArray[np.int32] | None = None

    def __post_init__(self) -> None:
        for name in ("duration_s", "distance_m", "energy_wh"):
            table = getattr(self, name)
            if table is None:
                continue
            if table.ndim != 2 or table.shape[0] != table.shape[1]:
                raise ValueError(f"profile: {name} must be square, its shape is {table.shape}")
            if (table < 0).any():
                raise ValueError(f"profile: {name} has a negative entry at {tuple(np.argwhere(table < 0)[0].tolist())}")
        if self.duration_s.shape != self.distance_m.shape:
            raise ValueError("profile: duration_s and distance_m differ in shape")
        if self.energy_wh is not None and self.energy_wh.shape != self.duration_s.shape:
            raise ValueError("profile: duration_s and energy_wh differ in shape")
        _freeze(self)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RoutingVehicle:
    """Vehicles of one type at one depot.

    Parameters
    ----------
    count
        How many there are.
    start, end
        Location of the depot where a round begins and ends.
    profile
        Index of the travel profile.
    capacity
        int64, shape (dimensions,).
    shift_s
        Earliest departure and latest return.
    fixed_fen, fen_per_km, fen_per_hour
        Cost of using one, of distance, and of the time between departure and return.
    max_distance_m, max_duration_s, max_orders
        Limits of one round; None without.
    wh_per_m, range_wh
        Consumption, where the profile has no energies of its own, and the energy that a round may use; None without a
        limit.
    pools
        Names of :attr:`RoutingProblem.pools` that each vehicle of this type in use draws one from.
    """

    count: int
    start: int
    end: int
    profile: int
    capacity: NDArray[np.int64]
    shift_s: tuple[int, int]
    fixed_fen: int = 0
    fen_per_km: int = 0
    fen_per_hour: int = 0
    max_distance_m: int | None = None
    max_duration_s: int | None = None
    max_orders: int | None = None
    wh_per_m: float = 0.0
    range_wh: int | None = None
    pools: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.count < 0:
            raise ValueError(f"vehicle: count {self.count} is negative")
        if self.shift_s[0] > self.shift_s[1]:
            raise ValueError(f"vehicle: shift {self.shift_s} ends before it starts")
        if (self.capacity < 0).any():
            raise ValueError("vehicle: a capacity is negative")
        _freeze(self)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RoutingProblem:
    """Orders, vehicles and travel tables of one territory.

    Parameters
    ----------
    profiles
        Travel tables over n locations.
    vehicles
        Vehicle types, each at one depot.
    location
        int32, shape (orders,): where each order is.
    delivery, pickup
        int64, shape (orders, dimensions).
    service_s
        int32, shape (orders,).
    window_s
        int32, shape (orders, 2), in which service must begin.
    release_s
        int32, shape (orders,): the round that carries the order may not leave earlier.
    price_fen
        int64, shape (orders,): what leaving it out costs, -1 where it must be served.
    allowed
        bool, shape (orders, vehicle types).
    on_board_s
        int32, shape (orders,): longest time from departure to delivery, -1 without limit.
    pools
        Scarce things that vehicles in use draw one of each: permits, vehicles shared by several entries.
    """

    profiles: tuple[RoutingProfile, ...]
    vehicles: tuple[RoutingVehicle, ...]
    location: NDArray[np.int32]
    delivery: NDArray[np.int64]
    pickup: NDArray[np.int64]
    service_s: NDArray[np.int32]
    window_s: NDArray[np.int32]
    release_s: NDArray[np.int32]
    price_fen: NDArray[np.int64]
    allowed: NDArray[np.bool_]
    on_board_s: NDArray[np.int32]
    pools: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _freeze(self)
        count = len(self.location)
        for name in ("delivery", "pickup", "service_s", "window_s", "release_s", "price_fen", "allowed", "on_board_s"):
            if len(getattr(self, name)) != count:
                raise ValueError(f"{name} has {len(getattr(self, name))} rows for {count} orders")
        if self.vehicles and not self.profiles:
            raise ValueError("a problem with vehicles needs at least one profile")
        places = len(self.profiles[0].duration_s) if self.profiles else int(self.location.max(initial=-1)) + 1
        if any(len(profile.duration_s) != places for profile in self.profiles):
            raise ValueError("the profiles differ in their number of locations")
        if count and not (self.location.min() >= 0 and self.location.max() < places):
            raise ValueError(f"an order's location is outside 0..{places - 1}")
        if self.allowed.shape != (count, len(self.vehicles)):
            raise ValueError(f"allowed has shape {self.allowed.shape}, not ({count}, {len(self.vehicles)})")
        backwards = np.flatnonzero(self.window_s[:, 0] > self.window_s[:, 1])
        if len(backwards):
            raise ValueError(f"order {backwards[0]}: its window ends before it starts")
        if (self.delivery < 0).any() or (self.pickup < 0).any():
            raise ValueError("a load is negative")
        for index, vehicle in enumerate(self.vehicles):
            if not 0 <= vehicle.profile < len(self.profiles):
                raise ValueError(f"vehicle {index}: there is no profile {vehicle.profile}")
            if not (0 <= vehicle.start < places and 0 <= vehicle.end < places):
                raise ValueError(f"vehicle {index}: its depot is outside 0..{places - 1}")
            if len(vehicle.capacity) != self.delivery.shape[1]:
                raise ValueError(
                    f"vehicle {index}: {len(vehicle.capacity)} capacities for {self.delivery.shape[1]} loads"
                )
            for pool in vehicle.pools:
                if pool not in self.pools:
                    raise ValueError(f"vehicle {index}: there is no pool {pool!r}")

    @property
    def orders(self) -> int:
        """Number of orders."""
        return len(self.location)


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One vehicle's round: its type, its orders in the sequence of visits, and when to leave."""

    vehicle: int
    orders: tuple[int, ...]
    depart_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocked:
    """Why an order is left out: the constraint that fails for each vehicle type, and the cheapest single way out."""

    order: int
    reasons: tuple[str, ...]
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutingSolution:
    """Rounds, what is left out and why, cost in fen, and why the search stopped."""

    rounds: tuple[Round, ...]
    blocked: tuple[Blocked, ...]
    cost_fen: int
    stopped: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SitingRow:
    """A linear rule over sites: lower <= sum of (opened + modules) weighted <= upper.

    Parameters
    ----------
    site
        int32, the sites it speaks of.
    per_open, per_module
        float64, weight of opening and of each module.
    """

    name: str
    site: NDArray[np.int32]
    per_open: NDArray[np.float64]
    per_module: NDArray[np.float64]
    lower: float = 0.0
    upper: float = float("inf")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CoverageRow:
    """A share of demand that must lie within reach of an opened site.

    ``demand`` and ``site`` are the sparse pairs (row i is covered by site j); ``weight`` is over all demand rows, zero
    for those that the rule does not count.
    """

    name: str
    demand: NDArray[np.int32]
    site: NDArray[np.int32]
    weight: NDArray[np.float64]
    minimum: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SitingProblem:
    """Which sites to open with how many modules.

    A *site* here is a pair of candidate place and facility. Demand rows are parcels of one place and channel.

    Parameters
    ----------
    fixed_fen, module_fen
        int64, cost per day of a site and of each of its modules.
    modules_max, module_capacity
        int32, most modules; parcels per day that each takes.
    existing
        int32, modules that stand already; such a site stays open as it is, at no cost.
    weight
        float64, parcels per demand row.
    serve_demand, serve_site, serve_metres
        The pairs in which a site may take a demand row's parcels.
    attract_demand, attract_site
        The pairs in which a site counts as near: worth its parcels once, without taking capacity.
    parcel_fen
        What a parcel served or attracted is worth per day.
    rows, coverage
        Rules; each may fall short, at a price above everything else, and is then reported.
    conflicts
        int32, shape (k, 2): sites of which at most one may open.
    """

    fixed_fen: NDArray[np.int64]
    module_fen: NDArray[np.int64]
    modules_max: NDArray[np.int32]
    module_capacity: NDArray[np.int32]
    existing: NDArray[np.int32]
    weight: NDArray[np.float64]
    serve_demand: NDArray[np.int32]
    serve_site: NDArray[np.int32]
    serve_metres: NDArray[np.float64]
    attract_demand: NDArray[np.int32]
    attract_site: NDArray[np.int32]
    parcel_fen: float
    rows: tuple[SitingRow, ...] = ()
    coverage: tuple[CoverageRow, ...] = ()
    conflicts: NDArray[np.int32] = field(default_factory=lambda: np.empty((0, 2), dtype=np.int32))

    def __post_init__(self) -> None:
        _freeze(self)
        sites = len(self.fixed_fen)
        for name in ("module_fen", "modules_max", "module_capacity", "existing"):
            if len(getattr(self, name)) != sites:
                raise ValueError(f"{name} has {len(getattr(self, name))} entries for {sites} sites")
        for name, limit in (
            ("serve_site", sites),
            ("attract_site", sites),
            ("serve_demand", len(self.weight)),
            ("attract_demand", len(self.weight)),
        ):
            index: NDArray[Any] = getattr(self, name)
            if len(index) and not (index.min() >= 0 and index.max() < limit):
                raise ValueError(f"{name} has an index outside 0..{limit - 1}")
        if (self.weight < 0).any():
            raise ValueError("a demand weight is negative")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SitingSolution:
    """Modules per site (0: closed), value and proven bound in fen per day, what falls short, why it stopped."""

    modules: NDArray[np.int32]
    value_fen: float
    bound_fen: float
    gap: float
    shortfalls: tuple[tuple[str, float], ...]
    stopped: Literal["optimal", "gap", "limit"]
