"""How far a solution is from the best known one."""

from dataclasses import dataclass

from benchmarks.routing.best_known import Best
from benchmarks.routing.check import Judged


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Vehicles more than the best known solution has, and with as many as it has, what the cost is above its, in %.

    ``percent`` is None where the numbers of vehicles differ: their costs cannot be compared.
    """

    vehicles: int
    percent: float | None

    def __str__(self) -> str:
        if self.percent is None:
            return f"{self.vehicles:+d} vehicle{'s' if abs(self.vehicles) > 1 else ''}"
        return percent(self.percent)


def percent(value: float) -> str:
    """Two decimals, with a sign; costs published with two decimals leave a gap of nothing, not of minus nothing."""
    return f"{round(value, 2) + 0.0:+.2f} %"


def gap(judged: Judged, best: Best) -> Gap:
    """Compare, first by vehicles where the convention does."""
    more = 0 if best.vehicles is None else judged.vehicles - best.vehicles
    return Gap(vehicles=more, percent=None if more else 100 * (judged.cost / best.cost - 1))
