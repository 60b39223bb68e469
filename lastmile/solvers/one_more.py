"""One order more in a round: whether it can be driven with it at some place, and what fails where it cannot."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from lastmile.solvers.judging import SHORT_OF_ENERGY, Judge, Timetable, only
from lastmile.solvers.problem import Round, RoutingProblem, Tour
from lastmile.solvers.referee import Infeasible


class _Small:
    """The problem of one round and one order more, made when it is needed."""

    def __init__(self, problem: RoutingProblem, order: int, driven: Round) -> None:
        self._problem = problem
        self._order = order
        self._driven = driven

    @cached_property
    def problem(self) -> RoutingProblem:
        """Of the vehicle, the orders and their places."""
        return self._made[0]

    @cached_property
    def judge(self) -> Judge:
        """Of that problem."""
        return Judge(self.problem)

    @cached_property
    def number(self) -> int:
        """Of the order."""
        return self._orders.index(self._order)

    def tour(self, tour: Tour) -> Tour:
        """The same in its numbers."""
        return replace(
            tour, vehicle=0, trips=tuple(tuple(self._made[1][option] for option in trip) for trip in tour.trips)
        )

    @cached_property
    def _orders(self) -> list[int]:
        own = self._problem.option_order[list(self._driven.options)].tolist()
        return sorted({*together(self._problem, self._order), *own})

    @cached_property
    def _made(self) -> tuple[RoutingProblem, dict[int, int]]:
        return only(self._problem, self._orders, self._driven.vehicle)


@dataclass(frozen=True, slots=True, eq=False)
class Attempt:
    """A round with one order more, and why it cannot be driven."""

    outcome: Infeasible
    _of: _Small
    _tour: Tour

    def small(self) -> tuple[RoutingProblem, Tour, int]:
        """The problem of this tour alone, the tour, and the order's number there."""
        return self._of.problem, self._of.tour(self._tour), self._of.number


def attempts(table: Timetable, order: int, driven: Round) -> Iterator[Round | Attempt]:
    """What comes of each place for the order in a round.

    What no place in a trip changes is told once for that trip. The two orders of a pair are put in together.
    """
    small = _Small(table.problem, order, driven)
    full: tuple[tuple[int, ...], int] | None = None
    for options, k, tour in _insertions(table.problem, order, driven.tour):
        if (options, k) == full:
            continue
        lasts = table.lasts(tour)
        # Without its battery it can do no less than with it, unless it is quicker over chargers.
        found = table.round(tour) if lasts or table.shortened(tour) else None
        if found is not None:
            yield found
        elif lasts:
            yield Attempt(SHORT_OF_ENERGY, small, tour)
        else:
            broken = small.judge.broken(small.tour(tour))
            # What is too much at departure is too much wherever the order is put.
            if broken.rule in {"allowed", "orders"} or (broken.rule == "load" and broken.visit is None):
                full = options, k
            yield Attempt(broken, small, tour)


def together(problem: RoutingProblem, order: int) -> list[int]:
    """The order, or its pair in the sequence of visits."""
    for pair in problem.pairs[(problem.pairs == order).any(axis=1)].tolist():
        return list(pair)
    return [order]


def options_of(problem: RoutingProblem, order: int) -> list[int]:
    """The options of an order."""
    first, end = np.searchsorted(problem.option_order, (order, order + 1)).tolist()
    return list(range(first, end))


def ways(problem: RoutingProblem, order: int) -> list[tuple[int, ...]]:
    """Trips that serve an order alone, or its pair: one for each option."""
    orders = together(problem, order)
    if len(orders) > 1:
        return [tuple(options_of(problem, one)[0] for one in orders)]
    return [(option,) for option in options_of(problem, order)]


def _insertions(problem: RoutingProblem, order: int, tour: Tour) -> Iterator[tuple[tuple[int, ...], int, Tour]]:
    """What is put in, into which trip, and the tour: at every place behind its locked visits, and on one more trip."""
    kind = problem.vehicles[tour.vehicle]
    for options in ways(problem, order):
        done = 0
        for k, trip in enumerate(tour.trips):
            locked = max(0, tour.locked - done)
            done += len(trip)
            for i in range(min(locked, len(trip) + 1), len(trip) + 1):
                one = (*trip[:i], options[0], *trip[i:])
                longer = [one]
                if len(options) > 1:
                    longer = [(*one[:j], options[1], *one[j:]) for j in range(i + 1, len(one) + 1)]
                for new in longer:
                    yield options, k, replace(tour, trips=(*tour.trips[:k], new, *tour.trips[k + 1 :]))
        if len(tour.trips) < kind.max_trips:
            for reload in range(len(kind.reloads)):
                trips = (*tour.trips, options)
                yield options, len(tour.trips) + reload, replace(tour, trips=trips, reloads=(*tour.reloads, reload))
