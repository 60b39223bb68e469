"""Steps inside one process: medians over runs that take turns."""

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """Median seconds of some runs, and what the last returned."""

    seconds: float
    made: Any


def by_turns(steps: Mapping[str, Callable[[], Any]], runs: int) -> dict[str, Timed]:
    """Run steps one after the other, again and again, so that a busy moment of the machine meets all of them."""
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    made: dict[str, Any] = {}
    for _ in range(runs):
        for name, step in steps.items():
            made[name] = None  # what the last run made is freed before the clock starts
            start = time.perf_counter()
            made[name] = step()
            seconds[name].append(time.perf_counter() - start)
    return {name: Timed(seconds=statistics.median(seconds[name]), made=made[name]) for name in steps}


def timed(step: Callable[[], Any], runs: int = 1) -> Timed:
    """Run one step by itself."""
    return by_turns({"": step}, runs)[""]
