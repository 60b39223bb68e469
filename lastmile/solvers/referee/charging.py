"""Where a battery is charged along a fixed order of stops, slowly and obviously: the twin of the core's ``Charging``.

Every sequence of chargers between every two stops is tried, and every choice of windows. What is left, how long to
charge at each, is a system of difference constraints: with the charge counted in seconds of charging, ``y`` the charge
taken so far and ``p`` the time less ``y``, every rule bounds the difference of two of the values ``p`` and ``-y``. Its
least return is a shortest path [1]_. Nothing is dominated and nothing is cut off but what already costs more than the
best. For small problems only.

Beside breaks, limits of time aboard and a longest time out, that is a linear program, of the moments and the charge on
leaving each halt: a time aboard bounds a difference of two moments, each of them the sum of two of those values, and a
break at a charger lets it charge meanwhile. Where each break lies is tried too.

References
----------
.. [1] Cormen, Leiserson, Rivest, Stein. Introduction to Algorithms, "Difference constraints and shortest paths".
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations_with_replacement, count, permutations
from math import inf

import numpy as np
from scipy.optimize import linprog

from lastmile.solvers.problem import UNREACHABLE, Battery, RoutingProblem, RoutingVehicle, Visit
from lastmile.solvers.referee.trips import Limit, Rest

TOLERANCE = 1e-6  # seconds, watt-hours and fen; for rounding alone


@dataclass(frozen=True, slots=True, kw_only=True)
class Drive:
    """A trip with its schedule; visits of orders and chargers and the breaks between, without the depots."""

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
    rest: int = -1  # a break at a stop
    rests: tuple[int, ...] = ()  # breaks at a charger


_STAY = _Leg(0, 0, 0.0)


def drive_electric(
    problem: RoutingProblem,
    vehicle: RoutingVehicle,
    trip: Sequence[int],
    *,
    origin: int,
    target: int | None,
    ready_s: float,
    due_s: float,
    limits: Sequence[Limit] = (),
    rests: Sequence[Rest] = (),
    first_rest: int = 0,
) -> Drive | None:
    """The best schedule of a trip of an electric vehicle; None where there is none.

    Of all choices of chargers and charges, and of where the breaks lie, the one with the least cost of distance and
    return that is no longer than the vehicle's limits of a trip; among equals the earliest return, then the latest
    departure, then the fewest metres.

    Parameters
    ----------
    trip
        Options in the order of their visits.
    origin, target
        Locations where the trip begins, with a full battery, and ends; without a target it ends at its last stop.
    ready_s, due_s
        Earliest departure and latest return.
    limits
        Of times aboard.
    rests
        Breaks on the way, in their order: at stops or at chargers, where charging goes on. All are taken.
    first_rest
        Number of the first of them, for the visits.

    Raises
    ------
    ValueError
        When the vehicle has no battery.
    """
    battery = vehicle.battery
    if battery is None:
        raise ValueError("the vehicle has no battery")
    search = _Search(problem, vehicle, battery, ready_s, due_s, tuple(limits), tuple(rests), first_rest)
    aboard = _loads(problem, trip)
    stops: list[tuple[int, float, list[_Halt]]] = []
    for option, load in zip(trip, aboard, strict=False):
        windows = problem.window_s[problem.window_option == option].tolist()
        service = float(problem.service_s[option])
        halts = [_Halt(_STAY, -1, option, (opens, closes), service) for opens, closes in windows]
        stops.append((int(problem.location[option]), load, halts))
    if target is not None:
        stops.append((target, aboard[-1], [_Halt(_STAY)]))
    search.extend([], origin, stops, 0)
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
        self,
        problem: RoutingProblem,
        vehicle: RoutingVehicle,
        battery: Battery,
        ready_s: float,
        due_s: float,
        limits: tuple[Limit, ...],
        rests: tuple[Rest, ...],
        first_rest: int,
    ) -> None:
        self.profile = problem.profiles[vehicle.profile]
        self.battery = battery
        self.chargers = problem.chargers.tolist()
        self.scale = battery.seconds_per_wh or 1.0
        self.full = (battery.capacity_wh - battery.reserve_wh) * self.scale
        self.fen = (vehicle.fen_per_km / 1000, vehicle.fen_per_hour / 3600)
        self.ready_s, self.due_s = ready_s, due_s
        self.limits, self.rests, self.first_rest = limits, rests, first_rest
        self.max_distance_m = inf if vehicle.max_distance_m is None else vehicle.max_distance_m
        self.max_duration_s = inf if vehicle.max_duration_s is None else vehicle.max_duration_s
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

    def extend(self, halts: list[_Halt], here: int, stops: list[tuple[int, float, list[_Halt]]], taken: int) -> None:
        """Try everything for the stops that are left, with so many breaks taken."""
        if not self._promising(halts):
            return
        if not stops:
            if taken == len(self.rests):
                self._finish(halts)
            return
        (place, load, choices), rest = stops[0], stops[1:]
        for chargers, last in self.ways(here, place, load):
            for choice in choices:
                for way, so_far in self._resting([*chargers, replace(choice, leg=last)], taken, is_last=not rest):
                    self.extend([*halts, *way], place, rest, so_far)

    def _resting(self, way: list[_Halt], taken: int, *, is_last: bool) -> Iterator[tuple[list[_Halt], int]]:
        """Everywhere that breaks can lie: at each charger, ahead of the service and, but at the end, behind it."""
        *chargers, stop = way
        ahead, behind = int(stop.option >= 0), int(not is_last)
        for cuts in combinations_with_replacement(range(taken, len(self.rests) + 1), len(chargers) + ahead + behind):
            edges = [taken, *cuts]
            found = [replace(charger, rests=tuple(range(edges[k], edges[k + 1]))) for k, charger in enumerate(chargers)]
            k = len(chargers)
            before = [self._rest(index) for index in range(edges[k], edges[k + ahead])]
            after = [self._rest(index) for index in range(edges[k + ahead], edges[-1])]
            if before:
                before[0] = replace(before[0], leg=stop.leg)
            yield [*found, *before, replace(stop, leg=_STAY) if before else stop, *after], edges[-1]

    def _rest(self, index: int) -> _Halt:
        rest = self.rests[index]
        return _Halt(_STAY, window=rest.begin_s, service=rest.lasts_s, rest=index)

    def _promising(self, halts: list[_Halt]) -> bool:
        """Whether it is in time even if charging took none, and costs no more than the best even then."""
        time, metres = self.ready_s, 0
        for halt in halts:
            time = max(time + halt.leg.seconds, halt.window[0])
            if time > halt.window[1] + TOLERANCE:
                return False
            time += halt.service
            metres += halt.leg.metres
            for index in halt.rests:
                opens, closes = self.rests[index].begin_s
                time = max(time, opens)
                if time > closes + TOLERANCE:
                    return False
                time += self.rests[index].lasts_s
        if metres > self.max_distance_m:
            return False
        return self.best is None or self._cost(metres, time) <= self._cost_of(self.best) + TOLERANCE

    def _cost(self, metres: int, time: float) -> float:
        return self.fen[0] * metres + self.fen[1] * time

    def _cost_of(self, drive: Drive) -> float:
        return self._cost(drive.distance_m, drive.return_s)

    def _finish(self, halts: list[_Halt]) -> None:
        simple = not self.rests and not self.limits and self.max_duration_s == inf
        drive = self._scheduled(halts) if simple else self._programmed(halts)
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

    def _programmed(self, halts: list[_Halt]) -> Drive | None:
        """The same of halts with breaks and limits of time, by linear programs."""
        program = _Program()
        time, charge = program.unknown(self.ready_s), program.unknown(self.full, self.full)
        departs = time
        ends: list[int] = []  # of the services
        begins: list[list[int]] = []  # of the breaks at each halt
        leaves = [time]
        for halt in halts:
            since, lasts, left = time, halt.leg.seconds, charge
            after = program.unknown(halt.window[0] + halt.service, halt.window[1] + halt.service)
            rests: list[int] = []
            program.rows([(time, 1), (after, -1)], -halt.leg.seconds - halt.service)
            charge = program.unknown(0.0, self.full)
            if halt.charger < 0:
                program.rows([(charge, 1), (left, -1)], -halt.leg.energy)
            else:
                program.rows([(left, -1)], -halt.leg.energy)
                # It leaves with no less than it came with, and with no more than the stand gave.
                program.rows([(left, 1), (charge, -1)], halt.leg.energy)
                if self.battery.seconds_per_wh > 0:
                    program.rows([(charge, 1), (left, -1), (after, -1), (time, 1)], -halt.leg.energy - halt.leg.seconds)
                if self.battery.full_only:
                    program.rows([(charge, -1)], -self.full)
                for index in halt.rests:
                    rest = self.rests[index]
                    begin = program.unknown(*map(float, rest.begin_s))
                    program.rows([(since, 1), (begin, -1)], -lasts)
                    since, lasts = begin, rest.lasts_s
                    program.rows([(begin, 1), (after, -1)], -lasts)
                    rests.append(begin)
            if halt.option >= 0:
                ends.append(after)
            begins.append(rests)
            time = after
            leaves.append(time)
        services = [halt.service for halt in halts if halt.option >= 0]
        for limit in self.limits:
            begun = departs if limit.since < 0 else ends[limit.since]
            program.rows([(ends[limit.to], 1), (begun, -1)], limit.seconds + services[limit.to])
        program.rows([(time, 1)], self.due_s)
        if self.max_duration_s < inf:
            program.rows([(time, 1), (departs, -1)], self.max_duration_s)
        soonest = program.least(time)
        if soonest is None:
            return None
        program.rows([(time, 1)], soonest[time])
        latest = program.least(departs, sign=-1)
        if latest is None:
            raise ArithmeticError("the earliest return cannot be kept")
        visits = []
        arrive = 0.0
        for k, halt in enumerate(halts):
            before, after_s = latest[leaves[k]], latest[leaves[k + 1]]
            if halt.leg is not _STAY:
                arrive = before + halt.leg.seconds
            if halt.charger >= 0:
                visits.append(
                    Visit(kind="charge", index=halt.charger, arrive_s=arrive, begin_s=arrive, depart_s=after_s)
                )
                for index, unknown in zip(halt.rests, begins[k], strict=True):
                    visits.append(self._rested(index, latest[unknown]))
            elif halt.rest >= 0:
                visits.append(self._rested(halt.rest, after_s - halt.service))
            elif halt.option >= 0:
                begin_s = after_s - halt.service
                visits.append(
                    Visit(kind="order", index=halt.option, arrive_s=arrive, begin_s=begin_s, depart_s=after_s)
                )
        return Drive(
            visits=tuple(visits),
            depart_s=latest[departs],
            return_s=latest[time],
            distance_m=sum(halt.leg.metres for halt in halts),
        )

    def _rested(self, index: int, begin_s: float) -> Visit:
        end_s = begin_s + self.rests[index].lasts_s
        return Visit(kind="break", index=self.first_rest + index, arrive_s=begin_s, begin_s=begin_s, depart_s=end_s)

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


class _Program:
    """A linear program that grows."""

    def __init__(self) -> None:
        self._bounds: list[tuple[float, float]] = []
        self._rows: list[tuple[list[tuple[int, float]], float]] = []

    def unknown(self, low: float = -inf, high: float = inf) -> int:
        """A new one, within bounds."""
        self._bounds.append((low, high))
        return len(self._bounds) - 1

    def rows(self, terms: list[tuple[int, float]], most: float) -> None:
        """A sum is at most so much."""
        self._rows.append((terms, most))

    def least(self, which: int, sign: int = 1) -> list[float] | None:
        """All unknowns where one is least (or, with sign -1, greatest); None where the rows contradict each other."""
        table, most = np.zeros((len(self._rows), len(self._bounds))), np.array([bound for _, bound in self._rows])
        for row, (terms, _) in enumerate(self._rows):
            for unknown, factor in terms:
                table[row, unknown] += factor
        cost = np.zeros(len(self._bounds))
        cost[which] = sign
        found = linprog(cost, A_ub=table, b_ub=most, bounds=self._bounds, method="highs")
        if found.status == 2:
            return None
        if found.x is None:
            raise ArithmeticError(f"linear program: {found.message}")
        return [float(value) for value in found.x]
