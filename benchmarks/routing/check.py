"""An independent look at a solution: every rule that it breaks, and what it costs by the family's convention.

Works on the numbers of the file in doubles, and shares no code with the solver or with the tables that it gets.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.routing import charging
from benchmarks.routing.instance import Facts, Route, Vehicles

_SLACK: Final = 1e-6  # error of doubles that is let pass; far below the unit of every convention


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What a solution is worth.

    Parameters
    ----------
    cost, distance
        As the family publishes them.
    violations
        Each with the route (from 1), the node's id and the amount; empty for a feasible solution.
    """

    cost: float
    vehicles: int
    distance: float
    violations: tuple[str, ...]


def check(facts: Facts, routes: Sequence[Route]) -> Judged:
    """Judge the routes of an instance; routes without stops do not count.

    Raises
    ------
    ValueError
        When the instance has both batteries and longest durations: no family does, so that is not worked out.
    """
    if facts.traction is not None and any(kind.max_duration is not None for kind in facts.vehicles):
        raise ValueError("durations of routes with batteries are not judged")
    driven = [route for route in routes if route.stops]
    violations = [*_fleet(facts, driven), *_visits(facts, driven)]
    distance = cost = 0.0
    for number, route in enumerate(driven, start=1):
        if not 0 <= route.vehicles < len(facts.vehicles):
            continue
        kind = facts.vehicles[route.vehicles]
        place = f"route {number}"
        if strange := [stop for stop in route.stops if not 0 <= stop < len(facts.nodes)]:
            violations.append(f"{place}: there is no node {strange[0]}")
            continue
        length = sum(_distance(facts, a, b) for a, b in _arcs(route.stops, kind.depot))
        distance += length
        cost += kind.fixed + kind.per_distance * length
        violations += _served(facts, kind, route.stops, place)
        violations += _times(facts, kind, route.stops, place)
    visited = {stop for route in driven for stop in route.stops}
    cost += sum(facts.nodes[index].prize or 0.0 for index in facts.customers if index not in visited)
    return Judged(
        cost=cost / facts.cost_unit,
        vehicles=len(driven),
        distance=distance / facts.cost_unit,
        violations=tuple(violations),
    )


def _arcs(stops: Sequence[int], depot: int) -> list[tuple[int, int]]:
    return list(zip([depot, *stops], [*stops, depot], strict=True))


def _distance(facts: Facts, a: int, b: int) -> float:
    measure = facts.measure
    if measure.distances is not None:
        return float(measure.distances[a, b])
    across, up = facts.nodes[a].x - facts.nodes[b].x, facts.nodes[a].y - facts.nodes[b].y
    length = math.sqrt(across * across + up * up) * measure.multiplier
    if measure.rounding == "none":
        return length
    return float(math.floor(length + 0.5) if measure.rounding == "nearest" else math.floor(length))


def _time(facts: Facts, a: int, b: int) -> float:
    if facts.measure.times is not None:
        return float(facts.measure.times[a, b])
    return _distance(facts, a, b) / facts.measure.speed


def _fleet(facts: Facts, routes: Sequence[Route]) -> list[str]:
    """Not more vehicles of a kind than there are."""
    used = Counter(route.vehicles for route in routes)
    found = []
    for kind, count in sorted(used.items()):
        there = len(facts.vehicles[kind].numbers) if 0 <= kind < len(facts.vehicles) else 0
        if count > there:
            found.append(f"vehicle type {kind}: {count} vehicles are used, {there} are there")
    return found


def _visits(facts: Facts, routes: Sequence[Route]) -> list[str]:
    """Every customer once; of a cluster exactly one; those with a prize at most once."""
    visits = Counter(stop for route in routes for stop in route.stops)
    clustered = {index for cluster in facts.clusters for index in cluster}
    found = []
    for index in facts.customers:
        node = facts.nodes[index]
        if visits[index] > 1:
            found.append(f"node {node.id}: it is visited {visits[index]} times")
        if not visits[index] and node.prize is None and index not in clustered:
            found.append(f"node {node.id}: it is not visited")
    for cluster in facts.clusters:
        served = sum(visits[index] > 0 for index in cluster)
        if served != 1:
            ids = ", ".join(str(facts.nodes[index].id) for index in cluster)
            found.append(f"group of {ids}: {served} of its nodes are visited, not 1")
    return found


def _served(facts: Facts, kind: Vehicles, stops: Sequence[int], place: str) -> list[str]:
    """What the vehicle may serve, where it may stop, and its load on every leg of every trip."""
    customers, chargers = set(facts.customers), set(facts.chargers)
    found = []
    for stop in stops:
        name = facts.nodes[stop].id
        if stop in customers:
            if kind.serves is not None and stop not in kind.serves:
                found.append(f"{place}: its vehicle may not serve node {name}")
        elif stop not in chargers and not (stop == kind.depot and kind.reloads):
            found.append(f"{place}: it stops at node {name}, where there is nothing to do")
    for trip in _trips(stops, kind.depot):
        load = sum(facts.nodes[stop].delivery for stop in trip)
        most = load
        for stop in trip:
            load += facts.nodes[stop].pickup - facts.nodes[stop].delivery
            most = max(most, load)
        if most > kind.capacity * (1 + 1e-9):
            found.append(f"{place}: it carries {most:g}, its capacity is {kind.capacity:g}")
    return found


def _trips(stops: Sequence[int], depot: int) -> list[list[int]]:
    trips: list[list[int]] = [[]]
    for stop in stops:
        if stop == depot:
            trips.append([])
        else:
            trips[-1].append(stop)
    return trips


def _times(facts: Facts, kind: Vehicles, stops: Sequence[int], place: str) -> list[str]:
    """Windows, releases, the shift, the longest duration, and with batteries the charge."""
    ready, closes = facts.nodes[kind.depot].window
    found = []
    for trip in _trips(stops, kind.depot):
        leave = max([ready, *(facts.nodes[stop].release for stop in trip)])
        back, late = _trip(facts, kind, trip, leave) if facts.traction is None else _charged(facts, kind, trip, leave)
        found += [f"{place}: {text}" for text in late]
        if late:
            return found
        if back > closes + _SLACK:
            found.append(f"{place}: it is back at {back:g}, the depot closes at {closes:g}")
        if kind.max_duration is not None:
            lasts = back - _latest_departure(facts, kind, trip, back)
            if lasts > kind.max_duration + _SLACK:
                found.append(f"{place}: it lasts {lasts:g}, at most {kind.max_duration:g} are allowed")
        ready = back
    return found


def _trip(facts: Facts, kind: Vehicles, trip: Sequence[int], leave: float) -> tuple[float, list[str]]:
    """Return as early as possible, and which windows are missed."""
    moment = leave
    late = []
    for before, stop in _arcs(trip, kind.depot)[:-1]:
        node = facts.nodes[stop]
        moment = max(moment + _time(facts, before, stop), node.window[0])
        if moment > node.window[1] + _SLACK:
            late.append(f"service at node {node.id} begins at {moment:g}, its window ends at {node.window[1]:g}")
        moment += node.service
    return moment + (_time(facts, trip[-1], kind.depot) if trip else 0.0), late


def _latest_departure(facts: Facts, kind: Vehicles, trip: Sequence[int], back: float) -> float:
    """The latest departure with which the trip still returns at that moment."""
    moment = back
    for stop, after in reversed(_arcs(trip, kind.depot)[1:]):
        node = facts.nodes[stop]
        moment = min(moment - _time(facts, stop, after) - node.service, node.window[1])
    return moment - (_time(facts, kind.depot, trip[0]) if trip else 0.0)


def _charged(facts: Facts, kind: Vehicles, trip: Sequence[int], leave: float) -> tuple[float, list[str]]:
    """The same with a battery, charged as much as is best."""
    traction = facts.traction
    assert traction is not None
    line = charging.depart(leave, traction)
    for before, stop in _arcs(trip, kind.depot):
        node = facts.nodes[stop]
        energy = traction.per_distance * _distance(facts, before, stop)
        reached = charging.travel(line, _time(facts, before, stop), energy, traction, _SLACK)
        if reached is None:
            return line.time, [f"the battery does not reach node {node.id}: {energy - line.cap:g} are missing"]
        line = reached
        if stop == kind.depot:
            continue
        line = line.later(node.window[0], traction)
        if line.time > node.window[1] + _SLACK:
            return line.time, [
                f"it is at node {node.id} at {line.time:g} at the earliest, closed at {node.window[1]:g}"
            ]
        line = line.until(max(line.time, node.window[1]), traction)
        line = charging.charge(line, traction) if stop in facts.chargers else line.after(node.service)
    return line.time, []
