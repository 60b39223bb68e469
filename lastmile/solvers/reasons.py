"""Why an order is left out: what keeps each vehicle type from it, and the cheapest single way out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil

import numpy as np

from lastmile.solvers.compiled import Compiled
from lastmile.solvers.judging import Judge, Timetable, only
from lastmile.solvers.one_more import Attempt, attempts, options_of, together, ways
from lastmile.solvers.problem import TIME_MAX, Blocked, Round, RoutingProblem, Tour
from lastmile.solvers.referee import Infeasible
from lastmile.solvers.referee.rounds import charges
from lastmile.solvers.relaxations import Remedy, load_text, several_changes, single_changes
from lastmile.units import clock

NOT_ALLOWED = "may not carry it"
NO_ROAD = "no permitted road leads there and back"

_NONE_HERE = "there is none at this base"
_ADD_VEHICLE = "add one vehicle of this type"
# In the sequence in which they are told; each is tried with all others away.
_RULES = ("load", "road", "window", "shift", "duration", "distance", "energy", "on board", "break", "orders")


def explain(problem: RoutingProblem, order: int, rounds: Sequence[Round]) -> Blocked:
    """Say why no vehicle carries an order, see :class:`Reasons`."""
    return Reasons(problem, rounds)(order)


class Reasons:
    """Says why no vehicle carries an order.

    Per vehicle type: every constraint that fails for this order alone on a vehicle of its own; where none fails but no
    vehicle or no permit is left, that, and what fails when the order is put into the rounds of this type; else what
    it costs. The first and second order of a pair are looked at together. Orders that are alike are looked at once.

    Parameters
    ----------
    rounds
        Of the solution that leaves orders out.
    core
        The problem compiled with the usual objective, where that is done already.
    """

    def __init__(self, problem: RoutingProblem, rounds: Sequence[Round], core: Compiled | None = None) -> None:
        self._problem = problem
        self._rounds = rounds
        self._table = Timetable(problem, core)
        self._told: dict[tuple[bytes, ...], Blocked] = {}

    def __call__(self, order: int) -> Blocked:
        """The constraint of each vehicle type, and the remedy.

        The remedy is the single change that needs least in proportion to what there is now, each tried: with a new
        number in it the order can be served. Only where no single change helps it names several.
        """
        alike = _alike(self._problem, order)
        if alike not in self._told:
            self._told[alike] = self._explained(order)
        return replace(self._told[alike], order=order)

    def _explained(self, order: int) -> Blocked:
        if not self._problem.vehicles:
            return Blocked(order=order, reasons=(), remedy="add a vehicle")
        reasons: list[str] = []
        cheapest: Remedy | None = None
        for v in range(len(self._problem.vehicles)):
            found = _of_type(self._table, order, v, self._rounds, cheapest)
            reasons.append("; ".join(dict.fromkeys(found.texts)))
            cheapest = _least([*found.remedies, cheapest])
        if cheapest is None:
            raise AssertionError("some remedy is always found")
        return Blocked(order=order, reasons=tuple(reasons), remedy=cheapest.text)


def _alike(problem: RoutingProblem, order: int) -> tuple[bytes, ...]:
    """All that tells an order from others; an order of a pair is like no other."""
    options = options_of(problem, order)
    windows = np.isin(problem.window_option, options)
    columns = (
        problem.delivery[order],
        problem.pickup[order],
        problem.release_s[[order]],
        problem.on_board_s[[order]],
        problem.location[options],
        problem.service_s[options],
        problem.option_fen[options],
        problem.allowed[options],
        problem.window_option[windows] - options[0],
        problem.window_s[windows],
        np.array([-1 if (price := _price_fen(problem, order)) is None else price]),
        np.array([order] if order in problem.pairs else []),
    )
    return tuple(column.tobytes() for column in columns)


def latest_departure(problem: RoutingProblem, order: int) -> int | None:
    """The latest second at which some vehicle may leave its base to serve the order alone, whatever its release."""
    found = []
    for v, kind in enumerate(problem.vehicles):
        if kind.count == 0:
            continue
        small, tours = _alone(problem, order, v)
        small = replace(small, release_s=np.zeros_like(small.release_s))
        due = kind.shift_s[1] + kind.overtime_s

        def leaves(moment: int, small: RoutingProblem = small, tours: Sequence[Tour] = tours, due: int = due) -> bool:
            """Whether some schedule leaves no earlier."""
            later = replace(small.vehicles[0], shift_s=(moment, due), overtime_s=0)
            judge = Judge(replace(small, vehicles=(later,)))
            return any(judge.possible(tour) for tour in tours)

        low, high = kind.shift_s[0], due + 1
        if not leaves(low):
            continue
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if leaves(middle) else (low, middle)
        found.append(low)
    return max(found, default=None)


@dataclass(frozen=True, slots=True)
class _Finding:
    """What is to say of one vehicle type."""

    texts: list[str]
    remedies: list[Remedy]


def _least(remedies: Sequence[Remedy | None]) -> Remedy | None:
    return min((remedy for remedy in remedies if remedy is not None), default=None)


def _alone(problem: RoutingProblem, order: int, v: int) -> tuple[RoutingProblem, list[Tour]]:
    """The problem of this order and one fresh vehicle, with a tour for each of its options."""
    small, number = only(problem, together(problem, order), v)
    return small, [Tour(vehicle=0, trips=(tuple(number[option] for option in trip),)) for trip in ways(problem, order)]


def _of_type(table: Timetable, order: int, v: int, rounds: Sequence[Round], cheapest: Remedy | None) -> _Finding:
    """What keeps a type from the order; of remedies those that are dearer than the cheapest so far may be left out."""
    problem = table.problem
    tours = [Tour(vehicle=v, trips=(trip,)) for trip in ways(problem, order)]
    fresh = [driven for tour in tours if (driven := table.round(tour)) is not None]
    if not fresh or problem.vehicles[v].count == 0:
        return _impossible(problem, order, v, cheapest)
    price = _price_fen(problem, order)
    scarce = _scarce(problem, v, rounds)
    if not scarce.texts:
        own = min(driven.cost.total for driven in fresh)
        if price is None or own < price:
            return _searched_too_little("a round of its own could take it")
        return _too_dear(f"a round of its own would cost {own / 100:.2f} yuan", own, price)
    into = _into_rounds(table, order, v, rounds, price, _least([*scarce.remedies, cheapest]))
    return _Finding([*scarce.texts, *into.texts], [*scarce.remedies, *into.remedies])


def _impossible(problem: RoutingProblem, order: int, v: int, cheapest: Remedy | None) -> _Finding:
    """What keeps even a fresh vehicle from the order."""
    small, tours = _alone(problem, order, v)
    number = sorted(together(problem, order)).index(order)
    texts: list[str] = []
    remedies: list[Remedy] = []
    none = problem.vehicles[v].count == 0
    judge = Judge(small)
    for tour in tours:
        texts += _obstacles(small, tour, none=none)
        known = _least([*remedies, cheapest])
        outcome = judge(tour)
        if isinstance(outcome, Round):
            changes = [Remedy(changes=1, hard=0, share=1.0, rank=0, text=_ADD_VEHICLE)] if none else []
        elif none and known is not None and known.changes == 1:
            changes = []
        elif none:
            changes = [
                replace(way, changes=way.changes + 1, share=max(way.share, 1.0), text=f"{_ADD_VEHICLE} and {way.text}")
                for way in single_changes(small, tour, number, outcome) or [several_changes(small, tour, number)]
            ]
        else:
            changes = single_changes(small, tour, number, outcome, known)
            # No several changes are cheaper than a single number.
            if not changes and (known is None or known.changes > 1 or known.hard):
                changes = [several_changes(small, tour, number)]
        # A load that no vehicle of this type takes can also come in parts.
        remedies += [
            replace(way, text=f"split the order, or {way.text}") if way.text.startswith("raise the capacity") else way
            for way in changes
        ]
    return _Finding(texts, remedies)


def _obstacles(small: RoutingProblem, tour: Tour, *, none: bool) -> list[str]:
    """Every rule that fails with all others away; where none does, the first that fails beside the others."""
    texts = []
    if not small.allowed[list(tour.trips[0]), 0].all():
        texts.append(NOT_ALLOWED)
    if none:
        texts.append(_NONE_HERE)
    able = small if small.allowed.all() else replace(small, allowed=np.ones_like(small.allowed))
    kind = small.vehicles[0]
    limits = {
        "duration": kind.max_duration_s is not None,
        "distance": kind.max_distance_m is not None,
        "energy": kind.battery is not None,
        "on board": bool((small.on_board_s >= 0).any()),
        "break": bool(kind.breaks),
        "orders": kind.max_orders is not None,
    }
    for rule in _RULES:
        if not limits.get(rule, True):
            continue
        outcome = Judge(_without_others(able, rule))(tour)
        # Where no road leads, nothing but the load can be judged.
        if isinstance(outcome, Infeasible) and outcome.rule == rule:
            texts.append(_text(able, tour, outcome))
            if rule == "road":
                return texts
    if not texts and isinstance(outcome := Judge(able)(tour), Infeasible):
        texts.append(_text(able, tour, outcome))
    return texts


def _without_others(small: RoutingProblem, rule: str) -> RoutingProblem:
    """The problem with no upper limit but one; where something begins at the earliest stays."""
    kind = small.vehicles[0]
    changes: dict[str, object] = {}
    if rule != "load":
        changes["capacity"] = np.full_like(kind.capacity, 2**53 - 1)
    if rule != "shift":
        changes |= {"shift_s": (kind.shift_s[0], TIME_MAX - 1), "overtime_s": 0}
    for name, field in (
        ("duration", "max_duration_s"),
        ("distance", "max_distance_m"),
        ("energy", "battery"),
        ("orders", "max_orders"),
    ):
        if rule != name:
            changes[field] = None
    if rule != "break":
        changes["breaks"] = ()
    columns = {}
    if rule != "window":
        # Only the first begin of each option stays.
        _, first = np.unique(small.window_option, return_index=True)
        columns["window_option"] = small.window_option[first]
        columns["window_s"] = np.column_stack((small.window_s[first, 0], np.full(len(first), TIME_MAX - 1))).astype(
            np.int32
        )
    if rule != "on board":
        columns["on_board_s"] = np.full_like(small.on_board_s, -1)
    return replace(small, vehicles=(replace(kind, **changes),), **columns)  # type: ignore[arg-type]


def _text(small: RoutingProblem, tour: Tour, outcome: Infeasible) -> str:
    """A rule that fails for a fresh vehicle, in words."""
    kind = small.vehicles[0]
    minutes = ceil(outcome.amount / 60)
    match outcome.rule:
        case "load":
            return f"load exceeds the capacity by {load_text(outcome.amount, outcome.dimension or 0)}"
        case "window":
            option = tour.trips[0][outcome.visit or 0]
            last = int(small.window_s[small.window_option == option, 1].max())
            return f"arrives at {clock(last + outcome.amount)}, {minutes} min after its window ends"
        case "shift":
            overtime = " and its overtime" if kind.overtime_s else ""
            return f"would return {minutes} min after the shift{overtime}"
        case "duration":
            return f"would be out {minutes} min too long"
        case "distance":
            metres = (kind.max_distance_m or 0) + outcome.amount
            return f"{metres / 1000:.1f} km there and back exceed the limit"
        case "energy" if charges(small, tour):
            return "the battery does not last, even with charging on its way"
        case "energy":
            return f"the battery is {ceil(outcome.amount)} Wh short for the way there and back"
        case "on board":
            limit = int(small.on_board_s[outcome.order or 0])
            return f"{ceil((limit + outcome.amount) / 60)} min on board exceed the limit"
        case "break":
            return f"its break does not fit ({minutes} min)"
        case "orders":
            return f"{outcome.amount:.0f} stops more than a trip may have"
        case _:
            return NO_ROAD


def _price_fen(problem: RoutingProblem, order: int) -> int | None:
    """What leaving the order out costs; None where it must be served."""
    group = next((group for group in problem.groups if order in group.orders), None)
    price = int(problem.price_fen[order]) if group is None else group.price_fen
    return price if price >= 0 else None


def _scarce(problem: RoutingProblem, v: int, rounds: Sequence[Round]) -> _Finding:
    """What is used up, so that not one more of these vehicles can leave."""
    kind = problem.vehicles[v]
    used = [sum(driven.vehicle == w for driven in rounds) for w in range(len(problem.vehicles))]
    lacks: list[tuple[str, str, int]] = []
    if used[v] >= kind.count:
        lacks.append((f"all {kind.count} are in use", _ADD_VEHICLE, kind.count))
    for pool in kind.pools:
        limit = problem.pools[pool]
        if sum(used[w] for w, other in enumerate(problem.vehicles) if pool in other.pools) >= limit:
            lacks.append((f"all {limit} of {pool!r} are in use", f"add one of {pool!r}", limit))
    remedy = Remedy(
        changes=len(lacks),
        hard=0,
        share=max((1 / max(limit, 1) for _, _, limit in lacks), default=0.0),
        rank=0,
        text=" and ".join(text for _, text, _ in lacks),
    )
    return _Finding([text for text, _, _ in lacks], [remedy])


def _searched_too_little(text: str) -> _Finding:
    return _Finding([text], [Remedy(changes=1, hard=0, share=0.0, rank=0, text="search longer")])


def _too_dear(text: str, fen: float, price: int) -> _Finding:
    share = (fen - price) / max(price, 1)
    remedy = Remedy(changes=1, hard=0, share=share, rank=0, text="raise the order's price")
    return _Finding([f"{text}, leaving it out {price / 100:.2f}"], [remedy])


def _into_rounds(
    table: Timetable, order: int, v: int, rounds: Sequence[Round], price: int | None, cheapest: Remedy | None
) -> _Finding:
    """What fails when the order is put into the rounds of a type, at every place."""
    dearer: list[float] = []
    least: dict[str, Attempt] = {}
    for driven in rounds:
        if driven.vehicle != v:
            continue
        for tried in attempts(table, order, driven):
            if isinstance(tried, Round):
                if price is None:
                    return _searched_too_little("a round of this type could take it")
                dearer.append(tried.cost.total - driven.cost.total)
                continue
            broken = tried.outcome
            if broken.rule not in least or broken.amount < least[broken.rule].outcome.amount:
                least[broken.rule] = tried
    if dearer and price is not None:
        if min(dearer) < price:
            return _searched_too_little("a round of this type could take it")
        return _too_dear(f"a round of this type would cost {min(dearer) / 100:.2f} yuan more", min(dearer), price)
    remedies: list[Remedy] = []
    for attempt in least.values():
        remedies += single_changes(*attempt.small(), attempt.outcome, _least([*remedies, cheapest]))
    return _Finding(_lacks({rule: attempt.outcome for rule, attempt in least.items()}), remedies)


def _lacks(least: dict[str, Infeasible]) -> list[str]:
    """What the rounds of a type lack for one more order, with the least of each."""
    parts = []
    if "load" in least:
        load = least["load"]
        parts.append(f"is full (least excess {load_text(load.amount, load.dimension or 0)})")
    if "orders" in least:
        parts.append("has all the stops it may have")
    if "distance" in least:
        parts.append(f"would be too long (least excess {least['distance'].amount / 1000:.1f} km)")
    if "energy" in least:
        # Of a round that charges on its way it is not known how much.
        short = ceil(least["energy"].amount)
        parts.append(f"lacks energy (least {short} Wh)" if short else "lacks energy, even with charging on its way")
    late = [
        outcome.amount
        for rule, outcome in least.items()
        if rule in {"window", "on board", "break", "shift", "reload", "duration"}
    ]
    if late:
        parts.append(f"has no time (least delay {ceil(min(late) / 60)} min)")
    if not parts and "road" in least:
        parts.append("has no road from it or to it")
    return [f"every round of this type {' or '.join(parts)}"] if parts else []
