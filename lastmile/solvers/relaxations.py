"""What would have to be less strict so that a vehicle can drive a tour, and by how much at least."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lastmile.solvers.judging import Judge
from lastmile.solvers.problem import TIME_MAX, Round, RoutingProblem, Tour
from lastmile.solvers.referee import Infeasible
from lastmile.solvers.referee.rounds import charges

_LOAD_UNITS = (("parcels", 1), ("kg", 1000), ("m³", 1_000_000))  # what loads are counted in, as the user writes it
_MINUTE_S, _STEP_M, _STEP_WH = 60, 100, 100
_MOST_STEPS = 2**50  # of a minute, a parcel: without limit, in effect
_MOST_CHANGES = 20  # two rules that take turns would go on for ever


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Remedy:
    """A way out; the smallest is the cheapest.

    Parameters
    ----------
    changes
        How many things it changes.
    hard
        0 where a number grows, 1 where a rule of who may serve goes, 2 where a road must open.
    share
        By how much of what it is now the number grows.
    """

    changes: int
    hard: int
    share: float
    rank: int
    text: str


def _with(problem: RoutingProblem, **changes: Any) -> RoutingProblem:
    """With its one vehicle changed."""
    return replace(problem, vehicles=(replace(problem.vehicles[0], **changes),))


def _windows_later(problem: RoutingProblem, order: int | None, seconds: int) -> RoutingProblem:
    """Windows of one order, or of all, end later; where one meets the next, the two are one."""
    windows = problem.window_s.astype(np.int64)
    own = np.ones(len(windows), dtype=bool)
    if order is not None:
        own = problem.option_order[problem.window_option] == order
    windows[own, 1] += seconds
    following = np.flatnonzero(np.diff(problem.window_option) == 0)
    windows[following, 1] = np.minimum(windows[following, 1], windows[following + 1, 0] - 1)
    windows[:, 1] = np.minimum(windows[:, 1], TIME_MAX - 1)
    return replace(problem, window_s=windows.astype(np.int32))


def _shift_later(problem: RoutingProblem, seconds: int) -> RoutingProblem:
    kind = problem.vehicles[0]
    return _with(problem, shift_s=(kind.shift_s[0], min(kind.shift_s[1] + seconds, TIME_MAX - 1 - kind.overtime_s)))


def _breaks_later(problem: RoutingProblem, seconds: int) -> RoutingProblem:
    breaks = problem.vehicles[0].breaks
    if not breaks:
        return problem
    limits = [*(duty.window_s[0] for duty in breaks[1:]), TIME_MAX - 1][: len(breaks)]
    return _with(
        problem,
        breaks=tuple(
            replace(duty, window_s=(duty.window_s[0], min(duty.window_s[1] + seconds, limit)))
            for duty, limit in zip(breaks, limits, strict=True)
        ),
    )


def _longer_aboard(problem: RoutingProblem, order: int, seconds: int) -> RoutingProblem:
    limits = problem.on_board_s.astype(np.int64)
    if limits[order] < 0:
        return problem
    limits[order] = min(limits[order] + seconds, TIME_MAX - 1)
    return replace(problem, on_board_s=limits.astype(np.int32))


def _released_earlier(problem: RoutingProblem, order: int, seconds: int) -> RoutingProblem:
    if problem.release_s[order] == 0:
        return problem
    release = problem.release_s.copy()
    release[order] = max(0, int(release[order]) - seconds)
    return replace(problem, release_s=release)


def _larger(problem: RoutingProblem, dimension: int, amount: int) -> RoutingProblem:
    capacity = problem.vehicles[0].capacity.copy()
    capacity[dimension] += amount
    return _with(problem, capacity=capacity)


def _larger_battery(problem: RoutingProblem, wh: int) -> RoutingProblem:
    battery = problem.vehicles[0].battery
    return (
        problem if battery is None else _with(problem, battery=replace(battery, capacity_wh=battery.capacity_wh + wh))
    )


def _more(problem: RoutingProblem, name: str, amount: int) -> RoutingProblem:
    """A limit of the vehicle that may be None."""
    limit = getattr(problem.vehicles[0], name)
    return problem if limit is None else _with(problem, **{name: limit + amount})


def load_text(amount: float, dimension: int) -> str:
    """An amount of load in the user's units."""
    unit, per = _LOAD_UNITS[dimension] if dimension < len(_LOAD_UNITS) else (f"in dimension {dimension}", 1)
    return f"{amount / per:,.6g} {unit}"


@dataclass(frozen=True, slots=True)
class _Limit:
    """One number that can be widened in steps.

    ``rule`` is the one of :class:`Infeasible` that it stands behind, ``now`` how many steps it has, ``dimension``
    that of the load. What is no limit now is the same problem when it is widened.
    """

    rule: str
    widen: Callable[[RoutingProblem, int], RoutingProblem]
    now: float
    text: Callable[[int], str]
    dimension: int | None = None


def _limits(problem: RoutingProblem, order: int) -> list[_Limit]:
    """Everything that may be less strict, for the sake of one order."""
    kind = problem.vehicles[0]
    day = (kind.shift_s[1] - kind.shift_s[0]) / _MINUTE_S
    battery_wh = kind.battery.capacity_wh if kind.battery is not None else 0.0
    found = [
        _Limit(
            "load",
            lambda p, n, d=d: _larger(p, d, n),  # type: ignore[misc]
            float(kind.capacity[d]),
            lambda n, d=d: f"raise the capacity by {load_text(n, d)}",  # type: ignore[misc]
            d,
        )
        for d in range(len(kind.capacity))
    ]
    return [
        *found,
        _Limit(
            "window",
            lambda p, n: _windows_later(p, order, n * _MINUTE_S),
            day,
            lambda n: f"let the window end {n} min later",
        ),
        _Limit("shift", lambda p, n: _shift_later(p, n * _MINUTE_S), day, lambda n: f"let the shift end {n} min later"),
        _Limit(
            "duration",
            lambda p, n: _more(p, "max_duration_s", n * _MINUTE_S),
            (kind.max_duration_s or 0) / _MINUTE_S,
            lambda n: f"raise max_work_hours by {n} min",
        ),
        _Limit(
            "distance",
            lambda p, n: _more(p, "max_distance_m", n * _STEP_M),
            (kind.max_distance_m or 0) / _STEP_M,
            lambda n: f"raise max_distance_km by {n * _STEP_M / 1000:.1f}",
        ),
        _Limit(
            "energy",
            lambda p, n: _larger_battery(p, n * _STEP_WH),
            battery_wh / _STEP_WH,
            lambda n: f"use a battery of {n * _STEP_WH / 1000:.1f} kWh more",
        ),
        _Limit(
            "on board",
            lambda p, n: _longer_aboard(p, order, n * _MINUTE_S),
            float(problem.on_board_s[order]) / _MINUTE_S,
            lambda n: f"allow {n} min more on board",
        ),
        _Limit(
            "break",
            lambda p, n: _breaks_later(p, n * _MINUTE_S),
            day,
            lambda n: f"let the break end {n} min later",
        ),
        _Limit(
            "orders", lambda p, n: _more(p, "max_orders", n), kind.max_orders or 0, lambda n: f"raise max_stops by {n}"
        ),
        _Limit(
            "",
            lambda p, n: _with(p, shift_s=(max(0, p.vehicles[0].shift_s[0] - n * _MINUTE_S), p.vehicles[0].shift_s[1])),
            day,
            lambda n: f"let the shift begin {n} min earlier",
        ),
        _Limit(
            "",
            lambda p, n: _released_earlier(p, order, n * _MINUTE_S),
            day,
            lambda n: f"have it ready {n} min earlier",
        ),
    ]


def _least_steps(helps: Callable[[int], bool], most: int = _MOST_STEPS) -> int | None:
    """The fewest steps that help, of at most so many; None where none do. More steps never help less."""
    low, high = 0, 1
    while not helps(high):
        if high >= most:
            return None
        low, high = high, min(8 * high, most)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if helps(middle) else (middle, high)
    return high


def _may_help(limit: _Limit, problem: RoutingProblem, tour: Tour, outcome: Infeasible) -> bool:
    """Whether more of a limit can mend the first rule that is broken."""
    rule = outcome.rule
    if rule in {"allowed", "once", "pair"}:
        return False
    if rule in {"orders", "load"} or limit.rule in {"orders", "load"}:
        return limit.rule == rule and limit.dimension == outcome.dimension
    if charges(problem, tour):
        # By way of chargers all else hangs together.
        return True
    if rule in {"road", "distance", "energy"} or limit.rule in {"distance", "energy"}:
        return limit.rule == rule
    return True


def _steps_within(limit: _Limit, cheapest: Remedy | None) -> int:
    """How many steps may be as cheap as the cheapest remedy that is known."""
    if cheapest is None or cheapest.changes > 1 or cheapest.hard:
        return _MOST_STEPS
    return min(int(cheapest.share * max(limit.now, 1.0)) + 1, _MOST_STEPS)


def single_changes(
    problem: RoutingProblem, tour: Tour, order: int, outcome: Infeasible, cheapest: Remedy | None = None
) -> list[Remedy]:
    """Every single number that would make the tour possible, by as little as it takes.

    Parameters
    ----------
    problem
        Of one vehicle, see :func:`lastmile.solvers.judging.only`.
    order
        Whose window, release and time aboard may change; those of others stay.
    outcome
        The first rule that is broken.
    cheapest
        Another remedy: those that are not cheaper may be left out.
    """
    tried: list[tuple[int, _Limit, int]] = []
    all_at_once = problem
    for rank, limit in enumerate(_limits(problem, order)):
        if _may_help(limit, problem, tour, outcome):
            most = _steps_within(limit, cheapest)
            if limit.widen(problem, most) is not problem:
                tried.append((rank, limit, most))
                all_at_once = limit.widen(all_at_once, most)
    # Where all together do not help, none of them does.
    if len(tried) > 1 and not Judge(all_at_once).possible(tour):
        return []
    found: list[Remedy] = []
    for rank, limit, most in tried:

        def helps(steps: int, limit: _Limit = limit) -> bool:
            return Judge(limit.widen(problem, steps)).possible(tour)

        within = min(most, _steps_within(limit, min(found, default=None)))
        steps = _least_steps(helps, within) if helps(within) else None
        if steps is not None:
            share = steps / max(limit.now, 1.0)
            found.append(Remedy(changes=1, hard=0, share=share, rank=rank, text=limit.text(steps)))
    return found


def several_changes(problem: RoutingProblem, tour: Tour, order: int) -> Remedy:
    """Mend what fails first, by as little as it takes, until nothing fails."""
    widened: dict[tuple[str, int], tuple[_Limit, int]] = {}
    allow: list[str] = []
    road: list[str] = []
    for _ in range(_MOST_CHANGES):
        outcome = Judge(problem)(tour)
        if isinstance(outcome, Round):
            break
        rule = outcome.rule
        if rule == "allowed":
            problem = replace(problem, allowed=np.ones_like(problem.allowed))
            allow = ["let this vehicle type serve the order (base, skill or place)"]
            continue
        own = outcome.order if rule in {"window", "on board"} and outcome.order is not None else order
        ways = [limit for limit in _limits(problem, own) if limit.rule == rule]
        limit = ways[outcome.dimension or 0] if ways else None

        def helps(steps: int, limit: _Limit | None = limit, rule: str = rule, now: RoutingProblem = problem) -> bool:
            after = Judge(limit.widen(now, steps))(tour) if limit is not None else None
            return isinstance(after, Round) or (after is not None and after.rule != rule)

        steps = _least_steps(helps)
        if limit is None or steps is None:
            road = ["give the vehicle a permit, or move the stop"]
            break
        problem = limit.widen(problem, steps)
        # What is mended twice is one change by the sum; it is told against what there was at first.
        key = (rule, own if outcome.dimension is None else outcome.dimension)
        first, before = widened.get(key, (limit, 0))
        widened[key] = first, before + steps
    texts = [*allow, *(limit.text(steps) for limit, steps in widened.values()), *road]
    share = max((steps / max(limit.now, 1.0) for limit, steps in widened.values()), default=0.0)
    hard = 2 if road else 1 if allow else 0
    return Remedy(changes=len(texts), hard=hard, share=share, rank=0, text=" and ".join(texts))
