"""Why an order is left out: what keeps each vehicle type from it, and the cheapest single way out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil

import numpy as np

from lastmile.solvers.judging import Judge, only
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
    """Say why no vehicle carries an order.

    Per vehicle type: every constraint that fails for this order alone on a vehicle of its own; where none fails but no
    vehicle or no permit is left, that, and what fails when the order is put into the rounds of this type; else what
    it costs. The first and second order of a pair are looked at together.

    Parameters
    ----------
    rounds
        Of the solution that leaves the order out.

    Returns
    -------
    Blocked
        Its remedy is the single change that needs least in proportion to what there is now, each tried: with a new
        number in it the order can be served. Only where no single change helps it names several.
    """
    if not problem.vehicles:
        return Blocked(order=order, reasons=(), remedy="add a vehicle")
    reasons, remedies = [], []
    for v in range(len(problem.vehicles)):
        found = _of_type(problem, order, v, rounds)
        reasons.append("; ".join(dict.fromkeys(found.texts)))
        remedies += found.remedies
    return Blocked(order=order, reasons=tuple(reasons), remedy=min(remedies).text)


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
            return any(isinstance(judge(tour), Round) for tour in tours)

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


@dataclass(frozen=True, slots=True)
class _Attempt:
    """A tour of a small problem with one order more, and why it cannot be driven."""

    small: RoutingProblem
    tour: Tour
    order: int
    outcome: Infeasible


def _together(problem: RoutingProblem, order: int) -> list[int]:
    """The order, or its pair in the sequence of visits."""
    for pair in problem.pairs.tolist():
        if order in pair:
            return list(pair)
    return [order]


def _options(problem: RoutingProblem, order: int) -> list[int]:
    return np.flatnonzero(problem.option_order == order).tolist()


def _alone(problem: RoutingProblem, order: int, v: int) -> tuple[RoutingProblem, list[Tour]]:
    """The problem of this order and one fresh vehicle, with a tour for each of its options."""
    together = _together(problem, order)
    small, number = only(problem, together, v)
    if len(together) > 1:
        trips = [tuple(number[_options(problem, one)[0]] for one in together)]
    else:
        trips = [(number[option],) for option in _options(problem, order)]
    return small, [Tour(vehicle=0, trips=(trip,)) for trip in trips]


def _of_type(problem: RoutingProblem, order: int, v: int, rounds: Sequence[Round]) -> _Finding:
    small, tours = _alone(problem, order, v)
    number = sorted(_together(problem, order)).index(order)
    judge = Judge(small)
    fresh = [driven for tour in tours if isinstance(driven := judge(tour), Round)]
    if not fresh or problem.vehicles[v].count == 0:
        return _impossible(problem, v, small, tours, number)
    price = _price_fen(problem, order)
    scarce = _scarce(problem, v, rounds)
    if not scarce.texts:
        own = min(driven.cost.total for driven in fresh)
        if price is None or own < price:
            return _searched_too_little("a round of its own could take it")
        return _too_dear(f"a round of its own would cost {own / 100:.2f} yuan", own, price)
    into = _into_rounds(problem, order, v, rounds, price)
    return _Finding([*scarce.texts, *into.texts], [*scarce.remedies, *into.remedies])


def _impossible(problem: RoutingProblem, v: int, small: RoutingProblem, tours: Sequence[Tour], number: int) -> _Finding:
    """What keeps even a fresh vehicle from the order."""
    texts: list[str] = []
    remedies: list[Remedy] = []
    none = problem.vehicles[v].count == 0
    judge = Judge(small)
    for tour in tours:
        possible = isinstance(judge(tour), Round)
        texts += _obstacles(small, tour, none=none)
        ways = [] if possible else single_changes(small, tour, number) or [several_changes(small, tour, number)]
        if none:
            ways = [
                replace(way, changes=way.changes + 1, share=max(way.share, 1.0), text=f"{_ADD_VEHICLE} and {way.text}")
                for way in ways
            ] or [Remedy(changes=1, hard=0, share=1.0, rank=0, text=_ADD_VEHICLE)]
        # A load that no vehicle of this type takes can also come in parts.
        remedies += [
            replace(way, text=f"split the order, or {way.text}") if way.text.startswith("raise the capacity") else way
            for way in ways
        ]
    return _Finding(texts, remedies)


def _obstacles(small: RoutingProblem, tour: Tour, *, none: bool) -> list[str]:
    """Every rule that fails with all others away; where none does, the first that fails beside the others."""
    texts = []
    if not small.allowed[list(tour.trips[0]), 0].all():
        texts.append(NOT_ALLOWED)
    if none:
        texts.append(_NONE_HERE)
    able = replace(small, allowed=np.ones_like(small.allowed))
    for rule in _RULES:
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


def _into_rounds(problem: RoutingProblem, order: int, v: int, rounds: Sequence[Round], price: int | None) -> _Finding:
    """What fails when the order is put into the rounds of a type, at every place."""
    dearer: list[float] = []
    least: dict[str, _Attempt] = {}
    together = _together(problem, order)
    for driven in rounds:
        if driven.vehicle != v:
            continue
        orders = sorted({*together, *(int(problem.option_order[option]) for option in driven.options)})
        small, number = only(problem, orders, v)
        own = replace(driven.tour, vehicle=0, trips=tuple(tuple(number[k] for k in trip) for trip in driven.tour.trips))
        judge = Judge(small)
        for tour in _insertions(small, orders.index(order), own):
            outcome = judge(tour)
            if isinstance(outcome, Round):
                if price is None:
                    return _searched_too_little("a round of this type could take it")
                dearer.append(outcome.cost.total - driven.cost.total)
            elif outcome.rule not in least or outcome.amount < least[outcome.rule].outcome.amount:
                least[outcome.rule] = _Attempt(small, tour, orders.index(order), outcome)
    if dearer and price is not None:
        if min(dearer) < price:
            return _searched_too_little("a round of this type could take it")
        return _too_dear(f"a round of this type would cost {min(dearer) / 100:.2f} yuan more", min(dearer), price)
    remedies = []
    for attempt in least.values():
        remedies += single_changes(attempt.small, attempt.tour, attempt.order)
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


def _insertions(problem: RoutingProblem, order: int, tour: Tour) -> Iterator[Tour]:
    """The tour with the order at every place behind its locked visits, and on one more trip at its end."""
    together = _together(problem, order)
    choices = [[option] for option in _options(problem, together[0])]
    if len(together) > 1:
        choices = [[*choices[0], _options(problem, together[1])[0]]]
    for options in choices:
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
                    yield replace(tour, trips=(*tour.trips[:k], new, *tour.trips[k + 1 :]))
        kind = problem.vehicles[tour.vehicle]
        if len(tour.trips) < kind.max_trips:
            for reload in range(len(kind.reloads)):
                yield replace(tour, trips=(*tour.trips, tuple(options)), reloads=(*tour.reloads, reload))
