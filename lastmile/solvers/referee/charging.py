"""Where a battery is charged along a fixed order of stops, slowly and obviously: the twin of the core's ``Charging``.

Every sequence of chargers between every two stops is tried, and every choice of windows. What is left, how long to
charge at each, is a system of difference constraints: with the charge counted in seconds of charging, ``y`` the charge
taken so far and ``p`` the time less ``y``, every rule bounds the difference of two of the values ``p`` and ``-y``. Its
least return is a shortest path [1]_. Nothing is dominated and nothing is cut off but what already costs more than the
best. For small problems only.

References
----------
.. [1] Cormen, Leiserson, Rivest, Stein. Introduction to Algorithms, "Difference constraints and shortest paths".
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count, permutations
from math import inf

from lastmile.solvers.problem import UNREACHABLE, Battery, RoutingProblem, RoutingVehicle, Visit

TOLERANCE = 1e-6  # seconds, watt-hours and fen; for rounding alone


@dataclass(frozen=True, slots=True, kw_only=True)
class Drive:
    """A trip with its schedule; visits of orders and chargers, without the depots."""

    visits: tuple[Visit, ...]
    depart_s: float
    return_s: float
    distance_m: int


@dataclass(frozen=True, slots=True)
class _Leg:
    """From one halt to the next: energy in seconds of charging, or in watt-hours where that takes no time."""

    seconds: int
    metres: int
    energy: float


@dataclass(frozen=True, slots=True)
class _Halt:
    leg: _Leg
    charger: int = -1
    option: int = -1
    window: tuple[float, float] = (-inf, inf)
    service: float = 0.0


def drive_electric(
    problem: RoutingProblem,
    vehicle: RoutingVehicle,
    trip: Sequence[int],
    *,
    origin: int,
    target: int | None,
    ready_s: float,
    due_s: float,
) -> Drive | None:
    """The best schedule of a trip of an electric vehicle; None where there is none.

    Of all choices of chargers and charges the one with the least cost of distance and return; among equals the
    earliest return, then the latest departure, then the fewest metres.

    Parameters
    ----------
    trip
        Options in the order of their visits.
    origin, target
        Locations where the trip begins, with a full battery, and ends; without a target it ends at its last stop.
    ready_s, due_s
        Earliest departure and latest return.

    Raises
    ------
    ValueError
        When the vehicle has no battery.
    """
    battery = vehicle.battery
    if battery is None:
        raise ValueError("the vehicle has no battery")
    search = _Search(problem, vehicle, battery, ready_s, due_s)
    aboard = _loads(problem, trip)
    stops: list[tuple[int, float, list[_Halt]]] = []
    for option, load in zip(trip, aboard, strict=False):
        windows = problem.window_s[problem.window_option == option].tolist()
        service = float(problem.service_s[option])
        halts = [_Halt(_Leg(0, 0, 0.0), -1, option, (opens, closes), service) for opens, closes in windows]
        stops.append((int(problem.location[option]), load, halts))
    if target is not None:
        stops.append((target, aboard[-1], [_Halt(_Leg(0, 0, 0.0))]))
    search.extend([], origin, stops)
    return search.best


def _loads(problem: RoutingProblem, trip: Sequence[int]) -> list[float]:
    """What is aboard, of the first dimension, on the way to each stop and on the way from the last."""
    orders = problem.option_order[list(trip)].tolist()
    if not problem.delivery.shape[1]:
        return [0.0] * (len(orders) + 1)
    seconds = set(problem.pairs[:, 1].tolist())
    aboard = [float(sum(problem.delivery[order, 0] for order in orders if order not in seconds))]
    for order in orders:
        aboard.append(aboard[-1] + float(problem.pickup[order, 0] - problem.delivery[order, 0]))
    return aboard


class _Search:
    """Depth first over chargers and windows, stop by stop."""

    def __init__(
        self, problem: RoutingProblem, vehicle: RoutingVehicle, battery: Battery, ready_s: float, due_s: float
    ) -> None:
        self.profile = problem.profiles[vehicle.profile]
        self.battery = battery
        self.chargers = problem.chargers.tolist()
        self.scale = battery.seconds_per_wh or 1.0
        self.full = (battery.capacity_wh - battery.reserve_wh) * self.scale
        self.fen = (vehicle.fen_per_km / 1000, vehicle.fen_per_hour / 3600)
        self.ready_s, self.due_s = ready_s, due_s
        self.best: Drive | None = None

    def leg(self, start: int, end: int, load: float) -> _Leg | None:
        """None where there is no way, or none that a full battery lasts for."""
        seconds, metres = int(self.profile.duration_s[start, end]), int(self.profile.distance_m[start, end])
        if seconds == UNREACHABLE:
            return None
        table = self.profile.energy_wh
        energy = metres * self.battery.wh_per_m if table is None else float(table[start, end])
        energy += self.battery.wh_per_m_load * load * metres
        if energy * self.scale > self.full + TOLERANCE * self.scale:
            return None
        return _Leg(seconds, metres, energy * self.scale)

    def ways(self, start: int, end: int, load: float) -> Iterator[tuple[list[_Halt], _Leg]]:
        """Chargers on the way, no one twice, and the leg from the last of them."""
        for number in range(len(self.chargers) + 1):
            for rows in permutations(range(len(self.chargers)), number):
                legs, here = [], start
                for row in rows:
                    legs.append(self.leg(here, self.chargers[row], load))
                    here = self.chargers[row]
                last = self.leg(here, end, load)
                if last is not None and all(legs):
                    yield [_Halt(leg, row) for leg, row in zip(legs, rows, strict=True) if leg is not None], last

    def extend(self, halts: list[_Halt], here: int, stops: list[tuple[int, float, list[_Halt]]]) -> None:
        """Try everything for the stops that are left."""
        if not self._promising(halts):
            return
        if not stops:
            self._finish(halts)
            return
        (place, load, choices), rest = stops[0], stops[1:]
        for chargers, last in self.ways(here, place, load):
            for choice in choices:
                stop = _Halt(last, -1, choice.option, choice.window, choice.service)
                self.extend([*halts, *chargers, stop], place, rest)

    def _promising(self, halts: list[_Halt]) -> bool:
        """Whether it is in time even if charging took none, and costs no more than the best even then."""
        time, metres = self.ready_s, 0
        for halt in halts:
            time = max(time + halt.leg.seconds, halt.window[0])
            if time > halt.window[1] + TOLERANCE:
                return False
            time += halt.service
            metres += halt.leg.metres
        return self.best is None or self._cost(metres, time) <= self._cost_of(self.best) + TOLERANCE

    def _cost(self, metres: int, time: float) -> float:
        return self.fen[0] * metres + self.fen[1] * time

    def _cost_of(self, drive: Drive) -> float:
        return self._cost(drive.distance_m, drive.return_s)

    def _finish(self, halts: list[_Halt]) -> None:
        drive = self._scheduled(halts)
        if drive is None:
            return
        if self.best is None:
            self.best = drive
            return
        for new, old in (
            (self._cost_of(drive), self._cost_of(self.best)),
            (drive.return_s, self.best.return_s),
            (-drive.depart_s, -self.best.depart_s),
            (drive.distance_m, self.best.distance_m),
        ):
            if abs(new - old) > TOLERANCE:
                self.best = drive if new < old else self.best
                return

    def _scheduled(self, halts: list[_Halt]) -> Drive | None:
        """The earliest return of these halts, and of the schedules with it one of the latest departure."""
        rules, clocks, charged = self._rules(halts)
        due = (charged[-1], clocks[-1], self.due_s)
        if _shortest([*rules, due], len(rules), charged[0]) is None:
            return None
        to_charge = _shortest([*rules, due], len(rules), clocks[-1])
        if to_charge is None:
            return None
        return_s = -to_charge[charged[-1]]
        # The greatest values that the rules allow: the latest departure, and of p and -y the latest of all, so that
        # no more is charged than must be.
        latest = _shortest([*rules, (charged[-1], clocks[-1], return_s)], len(rules), charged[0])
        if latest is None:
            raise ArithmeticError("the earliest return cannot be kept")
        leaves = [latest[clock] - latest[charge] for clock, charge in zip(clocks, charged, strict=True)]
        visits = []
        for halt, before, after in zip(halts, leaves, leaves[1:], strict=False):
            arrive = before + halt.leg.seconds
            if halt.charger >= 0:
                visits.append(Visit(kind="charge", index=halt.charger, arrive_s=arrive, begin_s=arrive, depart_s=after))
            elif halt.option >= 0:
                begin = after - halt.service
                visits.append(Visit(kind="order", index=halt.option, arrive_s=arrive, begin_s=begin, depart_s=after))
        metres = sum(halt.leg.metres for halt in halts)
        return Drive(visits=tuple(visits), depart_s=leaves[0], return_s=leaves[-1], distance_m=metres)

    def _rules(self, halts: list[_Halt]) -> tuple[list[tuple[int, int, float]], list[int], list[int]]:
        """Rules (i, j, w), value j - value i <= w, and the values p and -y on leaving the depot and each halt."""
        instant = self.battery.seconds_per_wh == 0
        rules = [(1, 0, -self.ready_s)]  # p0 - (-y0) >= ready
        clocks, charged, fresh = [1], [0], count(2)
        used = 0.0  # since the departure; since the last charger where charging takes no time
        for halt in halts:
            clock, before, charge = next(fresh), clocks[-1], charged[-1]
            used += halt.leg.energy
            # At least full - used + y is left on arrival.
            rules.append((charged[0], charge, self.full - used))
            if halt.charger >= 0 and instant:
                used = 0.0
            elif halt.charger >= 0:
                charge = next(fresh)
                rules.append((charged[-1], charge, 0.0))  # -y falls
                rules.append((charge, charged[0], used))  # to y = used at most, which is full
                if self.battery.full_only:
                    rules.append((charged[0], charge, -used))
            rules.append((clock, before, -(halt.leg.seconds + halt.service)))
            if halt.window != (-inf, inf):
                opens, closes = halt.window
                rules.append((clock, charge, -(opens + halt.service)))
                rules.append((charge, clock, closes + halt.service))
            clocks.append(clock)
            charged.append(charge)
        return rules, clocks, charged


def _shortest(rules: Sequence[tuple[int, int, float]], rounds: int, source: int) -> dict[int, float] | None:
    """Lengths of the shortest paths from a value; None where the rules contradict each other (Bellman, Ford)."""
    length = {value: inf for rule in rules for value in rule[:2]}
    length[source] = 0.0
    for _ in range(rounds + 2):
        changed = False
        for start, end, bound in rules:
            if length[start] + bound < length[end] - 1e-9:
                length[end] = length[start] + bound
                changed = True
        if not changed:
            return length
    return None
