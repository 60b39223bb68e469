"""The order, the customization for new weights and the change of a few of them, beside RoutingKit's.

lastmile carries time, length and energy, RoutingKit time. RoutingKit customizes again in the memory it has (``reset``),
lastmile into new memory, as the planner does for every profile and period.
"""

from typing import Any

import numpy as np

from benchmarks.roads.figures import Figure, Measured, Target
from benchmarks.roads.peers import routingkit
from benchmarks.roads.timing import by_turns
from benchmarks.roads.weighted import Weighted
from lastmile import _core

_CHANGED = 100


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
    partial = _change(data, weighted, metric["lastmile"].made, metric["lastmile"].seconds, runs)
    if not routingkit.ABSENT:
        theirs_s = _their_change(weighted, order["peer"].made, theirs, runs)
        partial.append(
            Figure(
                data=data,
                what=partial[0].what,
                unit="ms",
                lastmile=partial[0].lastmile,
                peer=f"{routingkit.NAME}, partial",
                other=theirs_s * 1000,
            )
        )
    return Measured(figures=(*figures, *partial))


def _changed(weighted: Weighted) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Open edges at random, in rising order."""
    usable = np.flatnonzero(weighted.open)
    return np.sort(np.random.default_rng(2).choice(usable, _CHANGED, replace=False))


def _change(data: str, weighted: Weighted, metric: Any, whole_s: float, runs: int) -> list[Figure]:
    """Make some edges slower and normal again, beside customizing everything."""
    what, peer = f"change of {_CHANGED} edges", "lastmile, customization"
    if not hasattr(_core.Metric, "update"):
        return [
            Figure(
                data=data,
                what=what,
                unit="ms",
                lastmile=None,
                peer=peer,
                other=whole_s * 1000,
                target=Target(ratio=10),
            )
        ]
    edges = _changed(weighted).astype(np.int32)
    length, energy = weighted.length[edges], weighted.energy[edges]
    normal = weighted.time[edges]
    changed = metric.copy()
    steps = {
        "slower": lambda: changed.update(edges, 2 * normal, length, energy),
        "normal": lambda: changed.update(edges, normal, length, energy),
    }
    found = by_turns(steps, 4 * runs)
    seconds = (found["slower"].seconds + found["normal"].seconds) / 2
    return [
        Figure(
            data=data,
            what=what,
            unit="ms",
            lastmile=seconds * 1000,
            peer=peer,
            other=whole_s * 1000,
            target=Target(ratio=10),
        )
    ]


def _their_change(weighted: Weighted, cch: Any, metric: Any, runs: int) -> float:
    # RoutingKit numbers the open edges only.
    number = np.cumsum(weighted.open) - 1
    edges = _changed(weighted)
    normal = {int(number[edge]): int(weighted.time[edge]) for edge in edges}
    slower = {edge: 2 * time for edge, time in normal.items()}
    updater = routingkit.updater(cch)
    steps = {"slower": lambda: updater.apply(metric, slower), "normal": lambda: updater.apply(metric, normal)}
    found = by_turns(steps, 4 * runs)
    return (found["slower"].seconds + found["normal"].seconds) / 2
