"""What a tour comes to: its schedule and cost, or the rule that it breaks.

Tours that do not charge on their way are judged by the referee. For those that do, its way is to try all chargers in
all sequences, which takes too long here: the compiled core finds their schedules.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np

from lastmile.solvers.compiled import Compiled, Objective, compiled
from lastmile.solvers.problem import Cost, Round, RoutingProblem, RoutingProfile, RoutingVehicle, Tour, Visit
from lastmile.solvers.referee import Infeasible, evaluate
from lastmile.solvers.referee.rounds import charges, timeless

#: Of what charges on its way it is not known how much it lacks.
SHORT_OF_ENERGY = Infeasible(rule="energy", words="no way over the chargers is within the battery and in time", trip=0)


class Judge:
    """Judges tours of one problem."""

    def __init__(self, problem: RoutingProblem) -> None:
        self._problem = problem

    def __call__(self, tour: Tour) -> Round | Infeasible:
        """The schedule and the cost of a tour, or a rule that it breaks."""
        if not charges(self._problem, tour):
            return evaluate(self._problem, tour)
        broken = timeless(self._problem, tour)
        if broken is not None:
            return broken
        return round_of(self._problem, self._core, tour) or self.broken(tour)

    def possible(self, tour: Tour) -> bool:
        """Whether a tour can be driven, without its rules told one from another."""
        if charges(self._problem, tour):
            return self._core.schedule(tour) is not None
        return isinstance(evaluate(self._problem, tour), Round)

    def broken(self, tour: Tour) -> Infeasible:
        """The rule that is broken by a tour that cannot be driven."""
        broken = timeless(self._problem, tour)
        if broken is not None:
            return broken
        # What fails with a battery that never ends is not the battery's fault.
        outcome = evaluate(self._bare if charges(self._problem, tour) else self._problem, tour)
        return outcome if isinstance(outcome, Infeasible) else SHORT_OF_ENERGY

    @cached_property
    def _core(self) -> Compiled:
        return compiled(self._problem, Objective())

    @cached_property
    def _bare(self) -> RoutingProblem:
        return without_batteries(self._problem)


class Timetable:
    """Tours of a whole problem that can be driven; it is compiled once for all of them.

    Parameters
    ----------
    core
        The same problem compiled with the usual objective, if there is one.
    """

    def __init__(self, problem: RoutingProblem, core: Compiled | None = None) -> None:
        self.problem = problem
        # An order is looked at as if others of its group did not matter.
        self._given = None if problem.groups else core

    def round(self, tour: Tour) -> Round | None:
        """The schedule and the cost of a tour; None where it breaks a rule."""
        return round_of(self.problem, self._core, tour)

    def lasts(self, tour: Tour) -> bool:
        """Whether it could be driven with a battery that never ends, on direct ways."""
        return self._bare.schedule(tour) is not None

    def shortened(self, tour: Tour) -> bool:
        """Whether some way over a charger takes less time than the direct one, for the vehicle of a tour."""
        return charges(self.problem, tour) and self._shortened[self.problem.vehicles[tour.vehicle].profile]

    @cached_property
    def _core(self) -> Compiled:
        return self._given or compiled(replace(self.problem, groups=()), Objective())

    @cached_property
    def _shortened(self) -> list[bool]:
        # If none shortens a way by itself, several do not.
        return [
            any(
                bool((duration[:, [c]].astype(np.int64) + duration[[c], :] < duration).any())
                for c in self.problem.chargers.tolist()
            )
            for duration in (profile.duration_s for profile in self.problem.profiles)
        ]

    @cached_property
    def _bare(self) -> Compiled:
        return compiled(replace(without_batteries(self.problem), groups=()), Objective())


def without_batteries(problem: RoutingProblem) -> RoutingProblem:
    """The problem with vehicles whose batteries never end."""
    return replace(problem, vehicles=tuple(replace(kind, battery=None) for kind in problem.vehicles))


def round_of(problem: RoutingProblem, core: Compiled, tour: Tour) -> Round | None:
    """Write down the core's schedule of a tour, and its cost in fen, without the objective's weights.

    None where the tour breaks a rule.
    """
    found = core.schedule(tour)
    if found is None:
        return None
    trips, _ = found
    vehicle = problem.vehicles[tour.vehicle]
    visits: list[Visit] = []
    for k, (_, back, _, halts) in enumerate(trips):
        for option, rest, charger, *times in halts:
            visits.append(_visit(option, rest, charger, *times))
        if k + 1 < len(trips):
            reload = vehicle.reloads[tour.reloads[k]]
            # What the core lists behind the return lies ahead of the reload.
            begin = max([back, reload.window_s[0], *(depart for _, rest, _, _, _, depart in halts if rest >= 0)])
            visits.append(
                Visit(
                    kind="reload",
                    index=tour.reloads[k],
                    arrive_s=back,
                    begin_s=begin,
                    depart_s=trips[k + 1][0],
                )
            )
    distance = sum(trip[2] for trip in trips)
    out = sum(trip[1] - trip[0] for trip in trips)
    over = max(0, trips[-1][1] - vehicle.shift_s[1])
    options = [option for trip in tour.trips for option in trip]
    return Round(
        tour=tour,
        visits=tuple(visits),
        depart_s=trips[0][0],
        return_s=trips[-1][1],
        distance_m=distance,
        cost=Cost(
            fixed=float(vehicle.fixed_fen),
            distance=distance * vehicle.fen_per_km / 1000,
            duration=out * vehicle.fen_per_hour / 3600,
            overtime=over * vehicle.overtime_fen_per_hour / 3600,
            options=float(problem.option_fen[options].sum()),
        ),
    )


def _visit(option: int, rest: int, charger: int, arrive: float, begin: float, depart: float) -> Visit:
    if option >= 0:
        return Visit(kind="order", index=option, arrive_s=arrive, begin_s=begin, depart_s=depart)
    if rest >= 0:
        return Visit(kind="break", index=rest, arrive_s=arrive, begin_s=begin, depart_s=depart)
    return Visit(kind="charge", index=charger, arrive_s=arrive, begin_s=begin, depart_s=depart)


def only(problem: RoutingProblem, orders: Sequence[int], v: int) -> tuple[RoutingProblem, dict[int, int]]:
    """The problem of one vehicle of a type, these orders and their places; the new number of each option."""
    rows = np.array(sorted(orders), dtype=np.int64)
    options = np.flatnonzero(np.isin(problem.option_order, rows))
    windows = np.flatnonzero(np.isin(problem.window_option, options))
    pairs = problem.pairs[np.isin(problem.pairs, rows).all(axis=1)]
    kind = problem.vehicles[v]
    places = np.unique(np.concatenate((problem.location[options], problem.chargers, _bases(kind))))

    def moved(place: int) -> int:
        return int(np.searchsorted(places, place))

    profile = problem.profiles[kind.profile]
    grid = np.ix_(places, places)
    small = RoutingProblem(
        profiles=(
            RoutingProfile(
                duration_s=np.ascontiguousarray(profile.duration_s[grid]),
                distance_m=np.ascontiguousarray(profile.distance_m[grid]),
                energy_wh=None if profile.energy_wh is None else np.ascontiguousarray(profile.energy_wh[grid]),
            ),
        ),
        vehicles=(
            replace(
                kind,
                profile=0,
                count=1,
                pools=(),
                start=moved(kind.start),
                end=None if kind.end is None else moved(kind.end),
                reloads=tuple(replace(reload, location=moved(reload.location)) for reload in kind.reloads),
            ),
        ),
        delivery=problem.delivery[rows],
        pickup=problem.pickup[rows],
        release_s=problem.release_s[rows],
        price_fen=problem.price_fen[rows],
        on_board_s=problem.on_board_s[rows],
        option_order=np.searchsorted(rows, problem.option_order[options]).astype(np.int32),
        location=np.searchsorted(places, problem.location[options]).astype(np.int32),
        service_s=problem.service_s[options],
        option_fen=problem.option_fen[options],
        allowed=problem.allowed[options][:, [v]],
        window_option=np.searchsorted(options, problem.window_option[windows]).astype(np.int32),
        window_s=problem.window_s[windows],
        pairs=np.searchsorted(rows, pairs).astype(np.int32),
        groups=(),
        chargers=np.searchsorted(places, problem.chargers).astype(np.int32),
        pools={},
    )
    return small, {int(option): number for number, option in enumerate(options)}


def _bases(kind: RoutingVehicle) -> list[int]:
    """Where a vehicle leaves, comes back and reloads."""
    ends = [] if kind.end is None else [kind.end]
    return [kind.start, *ends, *(reload.location for reload in kind.reloads)]
