"""The order, the customization for new weights and the change of a few of them, beside RoutingKit's.

Edges are changed that lie around one junction, as those of a closure or a jam do (the median of some junctions), and
edges that are scattered over the whole map, which is the worst case.

lastmile carries time, length and energy, RoutingKit time. RoutingKit customizes again in the memory it has (``reset``),
lastmile into new memory, as the planner does for every profile and period.
"""

import statistics
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.roads.figures import Figure, Measured, Target
from benchmarks.roads.peers import routingkit
from benchmarks.roads.timing import by_turns
from benchmarks.roads.weighted import Weighted
from lastmile import _core

_CHANGED = 100
_JUNCTIONS = 9  # around which edges are changed together


def measure(data: str, weighted: Weighted, runs: int) -> Measured:
    """Measure all three steps."""
    graph = weighted.graph()
    order = by_turns(
        {"lastmile": lambda: weighted.hierarchy(graph)}
        | ({} if routingkit.ABSENT else {"peer": lambda: routingkit.contract(weighted)}),
        min(runs, 3),
    )
    hierarchy = order["lastmile"].made
    steps: dict[str, Any] = {"lastmile": lambda: weighted.metric(hierarchy)}
    if not routingkit.ABSENT:
        weight = routingkit.weights(weighted)
        theirs = routingkit.customize(order["peer"].made, weight)
        steps["peer"] = lambda: theirs.reset(weight)
    metric = by_turns(steps, 4 * runs)
    figures = [
        Figure(
            data=data,
            what=what,
            unit=unit,
            lastmile=found["lastmile"].seconds * scale,
            peer=routingkit.NAME,
            other=found["peer"].seconds * scale if "peer" in found else None,
            absent=routingkit.ABSENT,
            target=target,
        )
        for what, unit, scale, found, target in (
            ("order and contraction", "s", 1, order, None),
            ("customization", "ms", 1000, metric, Target(ratio=0.5)),
        )
    ]
    changed = change(weighted, hierarchy, runs)
    their_change_s = None if routingkit.ABSENT else change_theirs(weighted, order["peer"].made, theirs, runs)
    figures += change_figures(data, changed.seconds, metric["lastmile"].seconds, their_change_s)
    near_s = statistics.median(change(weighted, hierarchy, runs, around=k).seconds or 0.0 for k in range(_JUNCTIONS))
    figures.append(
        Figure(
            data=data,
            what=f"change of {_CHANGED} edges around a junction",
            unit="ms",
            lastmile=near_s * 1000,
            peer="lastmile, customization",
            other=metric["lastmile"].seconds * 1000,
            absent="",
            target=Target(ratio=10),
        )
    )
    return Measured(figures=tuple(figures), faults=tuple(f"{data}: {fault}" for fault in changed.faults))


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Seconds of changing a few edges, None where the core cannot; and whether the outcome was wrong."""

    seconds: float | None = None
    faults: tuple[str, ...] = ()


def change_figures(data: str, seconds: float | None, whole_s: float, their_s: float | None) -> list[Figure]:
    """Changing a few edges beside customizing all of them, and beside RoutingKit's change."""
    return [
        Figure(
            data=data,
            what=f"change of {_CHANGED} scattered edges",
            unit="ms",
            lastmile=None if seconds is None else seconds * 1000,
            peer=peer,
            other=None if other is None else other * 1000,
            absent=absent,
            target=target,
        )
        for peer, other, absent, target in (
            ("lastmile, customization", whole_s, "", Target(ratio=10)),
            (f"{routingkit.NAME}, partial", their_s, routingkit.ABSENT, None),
        )
    ]


def change(weighted: Weighted, hierarchy: _core.Hierarchy, runs: int, *, around: int | None = None) -> Change:
    """Make some edges slower and normal again; the slower ones are compared with a customization of their own."""
    if not hasattr(_core.Metric, "update"):
        return Change()
    edges = _edges(weighted) if around is None else _edges_around(weighted, around)
    length, energy, normal = weighted.length[edges], weighted.energy[edges], weighted.time[edges]
    metric = weighted.metric(hierarchy).copy()
    found = by_turns(
        {
            "slower": lambda: metric.update(edges, 2 * normal, length, energy),
            "normal": lambda: metric.update(edges, normal, length, energy),
        },
        4 * runs,
    )
    metric.update(edges, 2 * normal, length, energy)
    time = weighted.time.copy()
    time[edges] *= 2
    afresh = replace(weighted, time=time).metric(hierarchy)
    graph, points = weighted.graph(), weighted.positions(weighted.sample(100))
    tables = (_core.many_to_many(graph, one, points, 1)[0] for one in (metric, afresh))
    return Change(
        seconds=(found["slower"].seconds + found["normal"].seconds) / 2,
        faults=() if np.array_equal(*tables) else ("changed edges give other tables than customizing all",),
    )


def change_theirs(weighted: Weighted, cch: Any, metric: Any, runs: int) -> float:
    """The same with RoutingKit, which numbers the open edges only; the metric is left as it was."""
    number = np.cumsum(weighted.open) - 1
    normal = {int(number[edge]): int(weighted.time[edge]) for edge in _edges(weighted)}
    slower = {edge: 2 * time for edge, time in normal.items()}
    updater = routingkit.updater(cch)
    found = by_turns(
        {"slower": lambda: updater.apply(metric, slower), "normal": lambda: updater.apply(metric, normal)}, 4 * runs
    )
    return (found["slower"].seconds + found["normal"].seconds) / 2


def _edges(weighted: Weighted) -> NDArray[np.int32]:
    """Open edges at random, in rising order."""
    usable = np.flatnonzero(weighted.open)
    return np.sort(np.random.default_rng(2).choice(usable, _CHANGED, replace=False)).astype(np.int32)


def _edges_around(weighted: Weighted, number: int) -> NDArray[np.int32]:
    """The open edges whose heads are the fewest steps from one of some junctions drawn by chance."""
    usable = np.flatnonzero(weighted.open)
    found = [int(np.random.default_rng(number).choice(usable))]
    seen = set(found)
    for edge in found:
        node = int(weighted.head[edge])
        for onward in np.flatnonzero(weighted.tail == node).tolist():
            if weighted.open[onward] and onward not in seen and len(found) < _CHANGED:
                seen.add(onward)
                found.append(onward)
    return np.sort(np.array(found, dtype=np.int32))
