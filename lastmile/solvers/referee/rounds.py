"""What a tour means: its schedule and cost, or the first rule that it breaks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import combinations_with_replacement, pairwise
from math import ceil
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lastmile.solvers.problem import UNREACHABLE, Cost, Round, RoutingProblem, RoutingVehicle, Tour, Visit
from lastmile.solvers.referee.charging import TOLERANCE, Drive, drive_electric
from lastmile.solvers.referee.trips import Late, Limit, Rest, Times, Trip, least, schedule

ENERGY_TOLERANCE_WH = 1e-6  # sums of fractions, added in another sequence, differ by less

Rule = Literal[
    "tour", "allowed", "once", "group", "pair", "orders", "road", "load", "distance", "energy",
    "window", "on board", "break", "reload", "shift", "duration",
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Infeasible:
    """The first rule that a tour breaks.

    Rules of the sequence come before those of energy, and these before those of time; trips one after another.

    Parameters
    ----------
    words
        The rule in words, with what is too much.
    amount
        By how much a limit is exceeded, in the unit of that limit (seconds, metres, watt-hours, units of load); 0 where
        there is none.
    trip, visit, order
        Where; visits are counted within their trip.
    dimension
        Of the load that is too large.
    """

    rule: Rule
    words: str
    amount: float = 0
    trip: int | None = None
    visit: int | None = None
    order: int | None = None
    dimension: int | None = None


def evaluate(problem: RoutingProblem, tour: Tour) -> Round | Infeasible:
    """The schedule and the cost of a tour, or why it cannot be driven.

    How many vehicles there are is not a matter of one tour, nor are pools. Where the vehicle can charge on its way, it
    is told only that it cannot be driven: for toys.
    """
    broken = timeless(problem, tour)
    if broken is not None:
        return broken
    return _charged(problem, tour) if charges(problem, tour) else _timed(problem, tour)


def charges(problem: RoutingProblem, tour: Tour) -> bool:
    """Whether the vehicle can charge on its way."""
    return problem.vehicles[tour.vehicle].battery is not None and len(problem.chargers) > 0


def timeless(problem: RoutingProblem, tour: Tour) -> Infeasible | None:
    """The first rule that fails whatever the schedule."""
    broken = _tour_broken(problem, tour) or _orders_broken(problem, tour)
    if broken is not None:
        return broken
    vehicle = problem.vehicles[tour.vehicle]
    for k, trip in enumerate(tour.trips):
        broken = _load_broken(problem, vehicle, k, trip)
        if broken is None and not charges(problem, tour):
            # By way of chargers there may be a road, and a shorter one.
            broken = (
                _roads_broken(problem, tour, k)
                or _distance_broken(problem, tour, k)
                or _energy_broken(problem, tour, k)
            )
        if broken is not None:
            return broken
    return None


def _charged(problem: RoutingProblem, tour: Tour) -> Round | Infeasible:
    """Schedule trips that may charge on their way: each the cheapest that leaves time for those behind it.

    Of all ways to divide the breaks over the day, the one of which metres and last return cost least; then the one that
    ends first, the one least out, the shortest, and the one that has its breaks earliest.
    """
    day = _ElectricDay(problem, tour)
    best: tuple[list[float], Round] | None = None
    for division in _divisions(tour, len(day.rests)):
        found = day.driven(division)
        if found is None:
            continue
        driven, out_s = found
        cost = driven.distance_m * day.vehicle.fen_per_km / 1000 + driven.return_s * day.vehicle.fen_per_hour / 3600
        early = [float(-taken) for loaded, leaving, back in division for taken in (loaded, back, leaving)]
        key = [cost, driven.return_s, out_s, float(driven.distance_m), *early]
        if best is None or _less(key, best[0]):
            best = key, driven
    if best is None:
        words = "no way over the chargers is within the battery, the limits of a trip, and in time"
        return Infeasible(rule="energy", words=words)
    return best[1]


def _less(key: Sequence[float], other: Sequence[float]) -> bool:
    """Whether the first difference that is not rounding is one for the better."""
    return next((a < b for a, b in zip(key, other, strict=True) if abs(a - b) > TOLERANCE), False)


class _ElectricDay:
    """The trips of a vehicle that may charge on its way, for every way to divide its breaks over them."""

    def __init__(self, problem: RoutingProblem, tour: Tour) -> None:
        self.problem, self.tour = problem, tour
        self.vehicle = problem.vehicles[tour.vehicle]
        self.rests = [
            Rest(begin_s=(duty.window_s[0], duty.window_s[1] - duty.duration_s), lasts_s=duty.duration_s)
            for duty in self.vehicle.breaks
        ]
        self.trip = cache(self._trip)
        self.due = cache(self._due)
        self.loaded_by = cache(self._loaded_by)

    def driven(self, division: "_Division") -> tuple[Round, float] | None:
        """The day with its breaks divided so, and its time out."""
        vehicle, tour = self.vehicle, self.tour
        idle, ready, out_s, distance = 0, vehicle.shift_s[0], 0.0, 0
        visits: list[Visit] = []
        drives: list[Drive] = []
        for k, (loaded, leaving, home) in enumerate(division):
            before = _one_after_another(self.rests, loaded, leaving, idle)
            due = self.due(k, home)
            if before is None or due is None:
                return None
            driven = self.trip(k, max([ready, *(int(rest.depart_s) for rest in before)]), due, leaving, home)
            if driven is None:
                return None
            if drives:
                visits[-1] = replace(visits[-1], depart_s=driven.depart_s)
                visits += before
            visits += driven.visits
            drives.append(driven)
            out_s += driven.return_s - driven.depart_s
            distance += driven.distance_m
            if k < len(tour.reloads):
                # The clock of pauses counts whole seconds: those of charging are rounded up.
                back = ceil(driven.return_s - TOLERANCE)
                after = _one_after_another(self.rests, home, division[k + 1][0], back)
                if after is None:
                    return None
                index = tour.reloads[k]
                reload = vehicle.reloads[index]
                begin = max([back, reload.window_s[0], *(int(rest.depart_s) for rest in after)])
                idle = ready = begin + reload.duration_s
                arrive = driven.return_s
                visits += after
                visits.append(Visit(kind="reload", index=index, arrive_s=arrive, begin_s=begin, depart_s=ready))
        cost = cost_of(self.problem, tour, distance, out_s, drives[-1].return_s)
        return (
            Round(
                tour=tour,
                visits=tuple(visits),
                depart_s=drives[0].depart_s,
                return_s=drives[-1].return_s,
                distance_m=distance,
                cost=cost,
            ),
            out_s,
        )

    def _trip(self, k: int, ready: int, due: int, leaving: int, home: int) -> Drive | None:
        """One of the trips, with these breaks on its way."""
        problem, vehicle, tour = self.problem, self.vehicle, self.tour
        trip = tour.trips[k]
        release = max(int(problem.release_s[problem.option_order[option]]) for option in trip)
        return drive_electric(
            problem,
            vehicle,
            trip,
            origin=vehicle.start if k == 0 else vehicle.reloads[tour.reloads[k - 1]].location,
            target=vehicle.end if k == len(tour.reloads) else vehicle.reloads[tour.reloads[k]].location,
            ready_s=float(max(ready, release)),
            due_s=float(due),
            limits=limits(problem, trip),
            rests=self.rests[leaving:home],
            first_rest=leaving,
        )

    def _due(self, k: int, home: int) -> int | None:
        """When a trip must be back with so many breaks taken, for what is behind it; None where nothing can be."""
        end = self.vehicle.shift_s[1] + self.vehicle.overtime_s
        every = len(self.rests)
        if k == len(self.tour.reloads):
            return _last(lambda back: _one_after_another(self.rests, home, every, back) is not None, end)
        reload = self.vehicle.reloads[self.tour.reloads[k]]

        def goes_on(back: int) -> bool:
            for before in range(home, every + 1):
                after, by = _one_after_another(self.rests, home, before, back), self.loaded_by(k + 1, before)
                if after is None or by is None:
                    continue
                begin = max([back, reload.window_s[0], *(int(rest.depart_s) for rest in after)])
                if begin <= reload.window_s[1] and begin + reload.duration_s <= by:
                    return True
            return False

        return _last(goes_on, end)

    def _loaded_by(self, k: int, loaded: int) -> int | None:
        """When a vehicle with so many breaks taken must be loaded for a trip."""
        end = self.vehicle.shift_s[1] + self.vehicle.overtime_s

        def goes_on(moment: int) -> bool:
            for leaving in range(loaded, len(self.rests) + 1):
                before = _one_after_another(self.rests, loaded, leaving, moment)
                for home in range(leaving, len(self.rests) + 1):
                    due = self.due(k, home)
                    if before is None or due is None:
                        continue
                    ready = max([moment, *(int(rest.depart_s) for rest in before)])
                    if self.trip(k, ready, due, leaving, home) is not None:
                        return True
            return False

        return _last(goes_on, end)


def _last(possible: Callable[[int], bool], end: int) -> int | None:
    """The last second until ``end`` at which something is possible that is so earlier, too; None where it never is."""
    low, high = 0, end + 1
    if not possible(low):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if possible(middle) else (low, middle)
    return low


def cost_of(problem: RoutingProblem, tour: Tour, distance_m: int, out_s: float, return_s: float) -> Cost:
    """Parts of a round's cost, from what its schedule comes to."""
    vehicle = problem.vehicles[tour.vehicle]
    return Cost(
        fixed=float(vehicle.fixed_fen),
        distance=distance_m * vehicle.fen_per_km / 1000,
        duration=out_s * vehicle.fen_per_hour / 3600,
        overtime=max(0, return_s - vehicle.shift_s[1]) * vehicle.overtime_fen_per_hour / 3600,
        options=float(sum(int(problem.option_fen[option]) for trip in tour.trips for option in trip)),
    )


def places(problem: RoutingProblem, tour: Tour, k: int) -> list[int]:
    """Locations of a trip from depot to depot; that of an open end is left out."""
    vehicle = problem.vehicles[tour.vehicle]
    origin = vehicle.start if k == 0 else vehicle.reloads[tour.reloads[k - 1]].location
    target = vehicle.end if k == len(tour.trips) - 1 else vehicle.reloads[tour.reloads[k]].location
    stops = [int(problem.location[option]) for option in tour.trips[k]]
    return [origin, *stops, *([] if target is None else [target])]


def _legs(table: NDArray[np.int32], stops: Sequence[int]) -> list[int]:
    return [int(table[a, b]) for a, b in pairwise(stops)]


def _tour_broken(problem: RoutingProblem, tour: Tour) -> Infeasible | None:
    """A tour that means nothing."""

    def broken(words: str, trip: int | None = None, visit: int | None = None) -> Infeasible:
        return Infeasible(rule="tour", words=words, trip=trip, visit=visit)

    if not 0 <= tour.vehicle < len(problem.vehicles):
        return broken(f"there is no vehicle {tour.vehicle}")
    vehicle = problem.vehicles[tour.vehicle]
    if not 1 <= len(tour.trips) <= vehicle.max_trips:
        return broken(f"{len(tour.trips)} trips; the vehicle makes 1 to {vehicle.max_trips}")
    if len(tour.reloads) != len(tour.trips) - 1:
        return broken(f"{len(tour.trips)} trips with {len(tour.reloads)} reloads between them")
    for k, reload in enumerate(tour.reloads):
        if not 0 <= reload < len(vehicle.reloads):
            return broken(f"the vehicle has no reload {reload}", k)
    for k, options in enumerate(tour.trips):
        if not options:
            return broken("a trip serves nothing", k)
        for visit, option in enumerate(options):
            if not 0 <= option < problem.options:
                return broken(f"there is no option {option}", k, visit)
    return None


def _orders_broken(problem: RoutingProblem, tour: Tour) -> Infeasible | None:
    """Which orders go together, in this vehicle, and in what sequence."""
    vehicle = problem.vehicles[tour.vehicle]
    where: dict[int, tuple[int, int]] = {}
    for k, trip in enumerate(tour.trips):
        for visit, option in enumerate(trip):
            order = int(problem.option_order[option])
            if not problem.allowed[option, tour.vehicle]:
                words = f"this vehicle type may not serve option {option}"
                return Infeasible(rule="allowed", words=words, trip=k, visit=visit, order=order)
            if order in where:
                return Infeasible(rule="once", words="it is served already", trip=k, visit=visit, order=order)
            where[order] = k, visit
    for group in problem.groups:
        chosen = [order for order in group.orders if order in where]
        if len(chosen) > 1:
            words = f"order {chosen[0]} of its group is served too"
            k, visit = where[chosen[1]]
            return Infeasible(rule="group", words=words, trip=k, visit=visit, order=chosen[1])
    for first, second in problem.pairs.tolist():
        if (first in where) != (second in where):
            alone = first if first in where else second
            words = f"it is served without order {second if alone == first else first}"
            return Infeasible(rule="pair", words=words, trip=where[alone][0], visit=where[alone][1], order=alone)
        if first in where and not (where[first][0] == where[second][0] and where[first][1] < where[second][1]):
            words = f"it does not follow order {first} in the same trip"
            return Infeasible(rule="pair", words=words, trip=where[second][0], visit=where[second][1], order=second)
    for k, trip in enumerate(tour.trips):
        if vehicle.max_orders is not None and len(trip) > vehicle.max_orders:
            over = len(trip) - vehicle.max_orders
            words = f"{len(trip)} orders in a trip, at most {vehicle.max_orders}"
            return Infeasible(rule="orders", words=words, amount=over, trip=k)
    return None


def _roads_broken(problem: RoutingProblem, tour: Tour, k: int) -> Infeasible | None:
    profile = problem.profiles[problem.vehicles[tour.vehicle].profile]
    for leg, seconds in enumerate(_legs(profile.duration_s, places(problem, tour, k))):
        if seconds == UNREACHABLE:
            trip = tour.trips[k]
            visit = min(leg, len(trip) - 1)
            order = int(problem.option_order[trip[visit]])
            words = "no road leads there" if leg < len(trip) else "no road leads from there to the depot"
            return Infeasible(rule="road", words=words, trip=k, visit=visit, order=order)
    return None


def aboard(problem: RoutingProblem, trip: Sequence[int]) -> list[list[int]]:
    """What a vehicle carries at departure and after each visit, per dimension."""
    seconds = set(problem.pairs[:, 1].tolist())
    orders = [int(problem.option_order[option]) for option in trip]
    load = [
        sum(int(problem.delivery[order, d]) for order in orders if order not in seconds)
        for d in range(problem.delivery.shape[1])
    ]
    found = [load]
    for order in orders:
        load = [
            have - int(off) + int(on)
            for have, off, on in zip(load, problem.delivery[order], problem.pickup[order], strict=True)
        ]
        found.append(load)
    return found


def _load_broken(problem: RoutingProblem, vehicle: RoutingVehicle, k: int, trip: Sequence[int]) -> Infeasible | None:
    # What is delivered comes off before what is picked up goes on: the most is aboard at departure or after a visit.
    for row, load in enumerate(aboard(problem, trip)):
        for d, (have, most) in enumerate(zip(load, vehicle.capacity.tolist(), strict=True)):
            if have > most:
                visit = row - 1 if row else None
                order = int(problem.option_order[trip[row - 1]]) if row else None
                words = f"{have} aboard in dimension {d}, at most {most}"
                return Infeasible(
                    rule="load", words=words, amount=have - most, trip=k, visit=visit, order=order, dimension=d
                )
    return None


def _distance_broken(problem: RoutingProblem, tour: Tour, k: int) -> Infeasible | None:
    vehicle = problem.vehicles[tour.vehicle]
    metres = sum(_legs(problem.profiles[vehicle.profile].distance_m, places(problem, tour, k)))
    if vehicle.max_distance_m is None or metres <= vehicle.max_distance_m:
        return None
    words = f"{metres} m, at most {vehicle.max_distance_m}"
    return Infeasible(rule="distance", words=words, amount=metres - vehicle.max_distance_m, trip=k)


def _energy_broken(problem: RoutingProblem, tour: Tour, k: int) -> Infeasible | None:
    vehicle = problem.vehicles[tour.vehicle]
    battery, profile = vehicle.battery, problem.profiles[vehicle.profile]
    if battery is None:
        return None
    stops = places(problem, tour, k)
    metres = _legs(profile.distance_m, stops)
    empty = [battery.wh_per_m * m for m in metres] if profile.energy_wh is None else _legs(profile.energy_wh, stops)
    # A trip with an open end has one drive less than it has loads.
    loads = [load[0] if load else 0 for load in aboard(problem, tour.trips[k])]
    loaded = [battery.wh_per_m_load * load * m for load, m in zip(loads, metres, strict=False)]
    needed, most = sum(empty) + sum(loaded), battery.capacity_wh - battery.reserve_wh
    if needed <= most + ENERGY_TOLERANCE_WH:
        return None
    words = f"{needed:.6g} Wh, the battery has {most:.6g}"
    return Infeasible(rule="energy", words=words, amount=needed - most, trip=k)


def _timed(problem: RoutingProblem, tour: Tour) -> Round | Infeasible:
    """Schedule the trips one after another, each back as early as it can, with the breaks wherever they do best.

    A day that cannot be driven without breaks is not their fault. Of breaks that find no room, the first that does not
    beside those before it is named.
    """
    bare = _day(problem, tour, (), _divisions(tour, 0)[0])
    if isinstance(bare, Infeasible):
        return bare
    rests = [
        Rest(begin_s=(duty.window_s[0], duty.window_s[1] - duty.duration_s), lasts_s=duty.duration_s)
        for duty in problem.vehicles[tour.vehicle].breaks
    ]
    best = _best_day(problem, tour, rests)
    return best or _without_room(problem, tour, rests)


def _without_room(problem: RoutingProblem, tour: Tour, rests: Sequence[Rest]) -> Infeasible:
    for k, rest in enumerate(rests):

        def resting(extra: int, k: int = k, rest: Rest = rest) -> bool:
            later = replace(rest, begin_s=(rest.begin_s[0], rest.begin_s[1] + extra))
            return _best_day(problem, tour, [*rests[:k], later]) is not None

        if not resting(0):
            amount = least(resting)
            words = f"a break of {rest.lasts_s} s that begins by {rest.begin_s[1]} s fits only {amount} s later"
            return Infeasible(rule="break", words=words, amount=amount)
    raise AssertionError("a day without breaks that lack room has a schedule")


_Division = tuple[tuple[int, int, int], ...]


def _divisions(tour: Tour, breaks: int) -> list[_Division]:
    """All ways to divide the breaks over a day: how many are taken when each trip is loaded, leaves and is back.

    Off duty, before the first departure, the vehicle may rest from midnight on.
    """
    found = []
    for taken in combinations_with_replacement(range(breaks + 1), 3 * len(tour.trips) - 1):
        steps = (0, *taken)
        found.append(tuple((steps[k], steps[k + 1], steps[k + 2]) for k in range(0, len(steps), 3)))
    return found


def _best_day(problem: RoutingProblem, tour: Tour, rests: Sequence[Rest]) -> Round | None:
    """The day that ends first; of these the one least out, and of these the one that has its breaks earliest."""
    best: tuple[tuple[int, ...], Round] | None = None
    for division in _divisions(tour, len(rests)):
        day = _day(problem, tour, rests, division)
        if isinstance(day, Infeasible):
            continue
        driven, back_s, out_s = day
        early = [-taken for loaded, leaving, back in division for taken in (loaded, back, leaving)]
        key = (back_s, out_s, *early)
        if best is None or key < best[0]:
            best = key, driven
    return None if best is None else best[1]


def _day(
    problem: RoutingProblem, tour: Tour, rests: Sequence[Rest], division: _Division
) -> tuple[Round, int, int] | Infeasible:
    """A round with its breaks where the division puts them, its return, and its time out."""
    vehicle = problem.vehicles[tour.vehicle]
    profile = problem.profiles[vehicle.profile]
    no_room = Infeasible(rule="break", words="a break finds no room")
    idle, out_s, distance, back = 0, 0, 0, 0
    visits: list[Visit] = []
    departures: list[int] = []
    for k, (options, (loaded, leaving, home)) in enumerate(zip(tour.trips, division, strict=True)):
        before = _one_after_another(rests, loaded, leaving, idle)
        if before is None:
            return no_room
        ready = max([idle if k else vehicle.shift_s[0], *(rest.depart_s for rest in before)])
        trip = _trip(problem, tour, k, ready_s=int(ready), rests=rests[leaving:home])
        times = schedule(trip)
        if isinstance(times, Late):
            return no_room if times.rule == "break" else _late(problem, tour, k, trip, times)
        if (broken := _times_broken(vehicle, tour, k, times)) is not None:
            return broken
        departures.append(times.depart_s)
        back = times.return_s
        out_s += back - times.depart_s
        distance += sum(_legs(profile.distance_m, places(problem, tour, k)))
        stops = [_order_visit(problem, option, *at) for option, at in zip(options, times.visits, strict=True)]
        stops += [_break_visit(rests, leaving + n, at) for n, at in enumerate(times.rests)]
        if k:
            visits[-1] = replace(visits[-1], depart_s=times.depart_s)
            visits += before
        visits += sorted(stops, key=lambda visit: (visit.begin_s, visit.depart_s))
        last = k == len(tour.trips) - 1
        after = _one_after_another(rests, home, len(rests) if last else division[k + 1][0], back)
        if after is None:
            return no_room
        if not last:
            index = tour.reloads[k]
            reload = vehicle.reloads[index]
            begin = int(max([back, reload.window_s[0], *(rest.depart_s for rest in after)]))
            if begin > reload.window_s[1]:
                return no_room
            visits += after
            idle = begin + reload.duration_s
            visits.append(Visit(kind="reload", index=index, arrive_s=back, begin_s=begin, depart_s=idle))
    driven = Round(
        tour=tour,
        visits=tuple(visits),
        depart_s=departures[0],
        return_s=back,
        distance_m=distance,
        cost=cost_of(problem, tour, distance, out_s, back),
    )
    return driven, back, out_s


def _one_after_another(rests: Sequence[Rest], first: int, end: int, moment: int) -> list[Visit] | None:
    """Breaks in a pause, each as early as it can be; None where one is too late."""
    found = []
    for index in range(first, end):
        begin = max(moment, rests[index].begin_s[0])
        if begin > rests[index].begin_s[1]:
            return None
        found.append(_break_visit(rests, index, begin))
        moment = begin + rests[index].lasts_s
    return found


def _order_visit(problem: RoutingProblem, option: int, arrive: int, begin: int) -> Visit:
    depart = begin + int(problem.service_s[option])
    return Visit(kind="order", index=option, arrive_s=arrive, begin_s=begin, depart_s=depart)


def _break_visit(rests: Sequence[Rest], index: int, begin: int) -> Visit:
    depart = begin + rests[index].lasts_s
    return Visit(kind="break", index=index, arrive_s=begin, begin_s=begin, depart_s=depart)


def windows(problem: RoutingProblem, option: int) -> tuple[tuple[int, int], ...]:
    """When service of an option may begin."""
    rows = problem.window_s[problem.window_option == option]
    return tuple((int(start), int(end)) for start, end in rows)


def limits(problem: RoutingProblem, trip: Sequence[int]) -> list[Limit]:
    """Times aboard that a trip must keep."""
    orders = [int(problem.option_order[option]) for option in trip]
    first_of = {second: first for first, second in problem.pairs.tolist()}
    return [
        Limit(
            since=orders.index(first_of[order]) if order in first_of else -1,
            to=visit,
            seconds=int(problem.on_board_s[order]),
        )
        for visit, order in enumerate(orders)
        if problem.on_board_s[order] >= 0
    ]


def _trip(problem: RoutingProblem, tour: Tour, k: int, *, ready_s: int, rests: Sequence[Rest]) -> Trip:
    vehicle = problem.vehicles[tour.vehicle]
    trip = tour.trips[k]
    release = max(int(problem.release_s[problem.option_order[option]]) for option in trip)
    return Trip(
        ready_s=max(ready_s, release),
        drive_s=tuple(_legs(problem.profiles[vehicle.profile].duration_s, places(problem, tour, k))),
        service_s=tuple(int(problem.service_s[option]) for option in trip),
        windows=tuple(windows(problem, option) for option in trip),
        limits=tuple(limits(problem, trip)),
        rests=tuple(rests),
    )


def _late(problem: RoutingProblem, tour: Tour, k: int, trip: Trip, late: Late) -> Infeasible:
    if late.rule == "window":
        visit = late.index
        words = f"arrives {late.amount} s after its last window ends"
    else:
        visit = trip.limits[late.index].to
        words = f"{trip.limits[late.index].seconds} s aboard are {late.amount} s too few"
    order = int(problem.option_order[tour.trips[k][visit]])
    return Infeasible(rule=late.rule, words=words, amount=late.amount, trip=k, visit=visit, order=order)


def _times_broken(vehicle: RoutingVehicle, tour: Tour, k: int, times: Times) -> Infeasible | None:
    """Limits that are judged on the schedule."""
    back, out = times.return_s, times.return_s - times.depart_s
    due = vehicle.shift_s[1] + vehicle.overtime_s
    if back > due:
        words = f"returns at {back} s, {back - due} s after the shift and its overtime"
        return Infeasible(rule="shift", words=words, amount=back - due, trip=k)
    if k < len(tour.reloads) and back > (closes := vehicle.reloads[tour.reloads[k]].window_s[1]):
        words = f"arrives {back - closes} s too late to reload"
        return Infeasible(rule="reload", words=words, amount=back - closes, trip=k)
    if vehicle.max_duration_s is not None and out > vehicle.max_duration_s:
        words = f"out for {out} s, at most {vehicle.max_duration_s}"
        return Infeasible(rule="duration", words=words, amount=out - vehicle.max_duration_s, trip=k)
    return None
