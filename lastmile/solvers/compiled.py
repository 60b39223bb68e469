"""From a routing problem to the compiled core's own form of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from lastmile import _core
from lastmile.solvers.arrangement import sequence
from lastmile.solvers.problem import RoutingProblem, RoutingVehicle, Tour

MONEY_PER_FEN = 18_000  # whole numbers of it: a metre at fen per km, a second at fen per hour
_PER_METRE, _PER_SECOND = 18, 5
_IN_CACHE: Final = 100  # locations whose tables are in the nearest cache, however they are numbered
_COPIED: Final = 2**28  # bytes of all tables that are copied in another order; copies of more would be too large

PricedTour = tuple[Tour, int]  # with its cost, weighted by the objective
CoreTrip = tuple[float, float, int, list[tuple[int, int, int, float, float, float]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """What is made small: the weighted sum of the parts of the cost.

    Parameters
    ----------
    fewest_vehicles
        First as few vehicles as can be, then the weighted cost.
    """

    fewest_vehicles: bool = False
    fixed: float = 1.0
    distance: float = 1.0
    duration: float = 1.0
    overtime: float = 1.0
    options: float = 1.0
    unserved: float = 1.0

    def __post_init__(self) -> None:
        for item in fields(self):
            weight = getattr(self, item.name)
            if not (np.isfinite(weight) and weight >= 0):
                raise ValueError(f"objective: the weight {item.name} must be finite and not negative, it is {weight}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a search found: its best plan, and tours of other good plans."""

    tours: list[PricedTour]
    pool: list[PricedTour]
    iterations: int
    stopped: Literal["iterations", "time", "interrupted"]


class Compiled:
    """The core's problem, its visits numbered otherwise than the options they stand for.

    Parameters
    ----------
    option_of, visit_of
        int64, the option of each visit, and the visit of each option.
    request_of
        int64, the request of each option.
    required
        bool, requests that must be served.
    """

    def __init__(
        self,
        core: _core.RoutingCore,
        *,
        option_of: NDArray[np.int64],
        visit_of: NDArray[np.int64],
        request_of: NDArray[np.int64],
        required: NDArray[np.bool_],
    ) -> None:
        self._core = core
        self._option_of = option_of.tolist()
        self._visit_of = visit_of.tolist()
        self._request_of = request_of.tolist()
        self.required = required

    @property
    def prices(self) -> list[int]:
        """What leaving out a request costs the search, by request."""
        return self._core.prices

    def requests_of(self, tour: Tour, *, locked: bool = False) -> list[int]:
        """Requests that a tour serves, or those of its locked visits."""
        options = [option for trip in tour.trips for option in trip]
        return sorted({self._request_of[option] for option in (options[: tour.locked] if locked else options)})

    def solve(
        self,
        *,
        seconds: float,
        iterations: int,
        seed: int,
        threads: int,
        fewest_vehicles: bool,
        start: Sequence[Tour],
        poll: Callable[[float, int, int, int, int], bool],
    ) -> Found:
        """Search."""
        tours, pool, iterations, stopped = self._core.solve(
            seconds=seconds,
            iterations=iterations,
            seed=seed,
            threads=threads,
            fewest_vehicles=fewest_vehicles,
            start=[self._given(tour) for tour in start],
            poll=poll,
        )
        return Found(tours=self._priced(tours), pool=self._priced(pool), iterations=iterations, stopped=stopped)

    def schedule(self, tour: Tour) -> tuple[list[CoreTrip], int] | None:
        """Halts, by option, and times of each trip, and the tour's cost; None where it breaks a rule."""
        found = self._core.schedule(self._given(tour))
        if found is None:
            return None
        trips, cost = found
        return [
            (
                out,
                back,
                metres,
                [
                    (self._option_of[visit] if visit >= 0 else -1, rest, charger, arrive, begin, depart)
                    for visit, rest, charger, arrive, begin, depart in halts
                ],
            )
            for out, back, metres, halts in trips
        ], cost

    def _priced(self, given: list[tuple[int, list[list[int]], list[int], int, int]]) -> list[PricedTour]:
        return [
            (
                Tour(
                    vehicle=kind,
                    trips=tuple(tuple(self._option_of[visit] for visit in trip) for trip in trips),
                    reloads=tuple(reloads),
                    locked=locked,
                ),
                money,
            )
            for kind, trips, reloads, locked, money in given
        ]

    def _given(self, tour: Tour) -> tuple[int, list[list[int]], list[int], int]:
        trips = [[self._visit_of[option] for option in trip] for trip in tour.trips]
        return tour.vehicle, trips, list(tour.reloads), tour.locked


def compiled(problem: RoutingProblem, objective: Objective) -> Compiled:
    """Make the core's problem. Near places get near numbers there; it looks into large travel tables as they are.

    Raises
    ------
    ValueError
        When sums could exceed 64 bits.
    """
    tables = [(profile.duration_s, profile.distance_m, profile.energy_wh) for profile in problem.profiles]
    place = np.arange(problem.locations)
    option_of = np.arange(problem.options)
    if tables and problem.locations > _IN_CACHE:
        near = sequence(problem.profiles[0].distance_m)
        rank = np.argsort(near)
        option_of = np.argsort(rank[problem.location], kind="stable")
        arrays = {id(table): table for one in tables for table in one if table is not None}
        if sum(table.nbytes for table in arrays.values()) <= _COPIED:
            place = rank
            # What is one array stays one.
            moved = {key: table[np.ix_(near, near)] for key, table in arrays.items()}
            tables = [
                (moved[id(duration)], moved[id(distance)], None if energy is None else moved[id(energy)])
                for duration, distance, energy in tables
            ]
    visit_of = np.argsort(option_of)
    pools = {name: k for k, name in enumerate(problem.pools)}
    extra = _vehicle_first(problem, objective) if objective.fewest_vehicles else 0
    dimensions = problem.delivery.shape[1]
    owner = problem.option_order
    partner, leads, request_of, requests = _requests(problem, objective)
    delivered, gained = problem.delivery.copy(), problem.pickup.copy()
    if len(problem.pairs):
        followers = problem.pairs[:, 1]
        gained[followers] = -delivered[followers]
        delivered[followers] = 0
    first = np.searchsorted(problem.window_option, np.arange(problem.options))
    visit = np.column_stack(
        (
            place[problem.location],
            request_of[owner],
            problem.service_s,
            problem.release_s[owner],
            problem.on_board_s[owner],
            np.where(partner[owner] >= 0, visit_of[partner[owner]], -1),
            leads[owner],
            first,
            np.bincount(problem.window_option, minlength=problem.options),
            _rates(problem.option_fen * MONEY_PER_FEN, objective.options),
        )
    ).astype(np.int64)[option_of]
    core = _core.RoutingCore(
        locations=problem.locations,
        dimensions=dimensions,
        profiles=tables,
        vehicles=[_vehicle(vehicle, objective, pools, extra, place.tolist()) for vehicle in problem.vehicles],
        visit=visit.reshape(-1, 10),
        windows=problem.window_s,
        request=requests,
        delivered=delivered[owner][option_of].ravel(),
        gained=gained[owner][option_of].ravel(),
        capacity=np.concatenate([vehicle.capacity for vehicle in problem.vehicles] or [np.empty(0, np.int64)]),
        allowed=np.ascontiguousarray(problem.allowed[option_of].T, dtype=np.uint8).ravel(),
        pools=list(problem.pools.values()),
        chargers=place[problem.chargers].tolist(),
    )
    return Compiled(
        core, option_of=option_of, visit_of=visit_of, request_of=request_of[owner], required=requests[:, 0] < 0
    )


def _rates(values: NDArray[np.int64], weight: float) -> NDArray[np.int64]:
    """Whole numbers stay exact at weight 1."""
    return values if weight == 1 else np.rint(values * weight).astype(np.int64)


def _rate(value: int, weight: float) -> int:
    return value if weight == 1 else round(value * weight)


def _vehicle_first(problem: RoutingProblem, objective: Objective) -> int:
    """More than any plan without it costs: one vehicle less is worth any way."""
    longest = max((int(profile.distance_m.max(initial=0)) for profile in problem.profiles), default=0)
    legs = problem.orders + 2 * min(problem.orders, sum(vehicle.count for vehicle in problem.vehicles))
    dearest = 0
    for vehicle in problem.vehicles:
        day = vehicle.shift_s[1] + vehicle.overtime_s - vehicle.shift_s[0]
        dearest = max(
            dearest,
            legs * longest * _rate(vehicle.fen_per_km * _PER_METRE, objective.distance)
            + problem.orders
            * (
                _rate(vehicle.fixed_fen * MONEY_PER_FEN, objective.fixed)
                + day * _rate(vehicle.fen_per_hour * _PER_SECOND, objective.duration)
                + vehicle.overtime_s * _rate(vehicle.overtime_fen_per_hour * _PER_SECOND, objective.overtime)
            ),
        )
    return dearest + _rate(int(problem.option_fen.sum()) * MONEY_PER_FEN, objective.options) + 1


def _requests(
    problem: RoutingProblem, objective: Objective
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """What is served at most once: orders, groups, pairs. By order: partner's option, leads, request; (price, pair)."""
    owner = problem.option_order
    option_of = np.searchsorted(owner, np.arange(problem.orders))
    partner = np.full(problem.orders, -1, dtype=np.int64)
    leads = np.zeros(problem.orders, dtype=np.int64)
    price = problem.price_fen.copy()
    head = np.arange(problem.orders)
    pair = np.zeros(problem.orders, dtype=np.int64)
    for first, second in problem.pairs.tolist():
        partner[first], partner[second] = option_of[second], option_of[first]
        leads[first] = 1
        head[second] = first
        pair[first] = 1
    for group in problem.groups:
        head[list(group.orders)] = group.orders[0]
        price[group.orders[0]] = group.price_fen
    heads, request_of = np.unique(head, return_inverse=True)
    owed = price[heads]
    money = np.where(owed < 0, -1, _rates(owed * MONEY_PER_FEN, objective.unserved))
    return partner, leads, request_of, np.column_stack((money, pair[heads])).astype(np.int64).reshape(-1, 2)


def _vehicle(
    vehicle: RoutingVehicle, objective: Objective, pools: dict[str, int], extra: int, place: list[int]
) -> dict[str, object]:
    def limit(value: int | None) -> int:
        return -1 if value is None else value

    battery = vehicle.battery
    return {
        "count": vehicle.count,
        "start": place[vehicle.start],
        "end": -1 if vehicle.end is None else place[vehicle.end],
        "profile": vehicle.profile,
        "shift_start": vehicle.shift_s[0],
        "shift_end": vehicle.shift_s[1],
        "overtime": vehicle.overtime_s,
        "fixed": _rate(vehicle.fixed_fen * MONEY_PER_FEN, objective.fixed) + extra,
        "per_metre": _rate(vehicle.fen_per_km * _PER_METRE, objective.distance),
        "per_second": _rate(vehicle.fen_per_hour * _PER_SECOND, objective.duration),
        "per_overtime_second": _rate(vehicle.overtime_fen_per_hour * _PER_SECOND, objective.overtime),
        "max_distance": limit(vehicle.max_distance_m),
        "max_duration": limit(vehicle.max_duration_s),
        "max_orders": limit(vehicle.max_orders),
        "max_trips": vehicle.max_trips,
        "reloads": [(place[reload.location], reload.duration_s, *reload.window_s) for reload in vehicle.reloads],
        "breaks": [(*rest.window_s, rest.duration_s) for rest in vehicle.breaks],
        "pools": [pools[name] for name in vehicle.pools],
        "battery": None
        if battery is None
        else (
            battery.capacity_wh,
            battery.reserve_wh,
            battery.wh_per_m,
            battery.wh_per_m_load,
            battery.seconds_per_wh,
            battery.full_only,
        ),
    }
