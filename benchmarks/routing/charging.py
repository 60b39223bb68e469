"""Times and charges along a fixed sequence of stops and chargers, with the best amounts charged.

With linear charging at one rate everywhere, all that a vehicle can be at a moment after some stops is a line with a
cap: leaving at t, it holds at most ``min(cap, charge + (t - time) / rate)``, from ``time`` on. Travel shifts the line,
waiting moves along it, a charger raises its cap to a full battery, a closing window cuts its end. So one pass decides
exactly whether amounts exist with which the sequence is feasible (the labels of Desaulniers, Errico, Irnich, Schneider
2016, Operations Research 64(6), doi:10.1287/opre.2016.1535).
"""

from dataclasses import dataclass, replace

from benchmarks.routing.instance import Traction


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Best charge by time: ``charge`` at ``time``, rising by 1 / ``time_per_energy`` up to ``cap``."""

    time: float
    charge: float
    cap: float

    def later(self, time: float, traction: Traction) -> "Line":
        """Not before a moment."""
        if time <= self.time:
            return self
        if traction.time_per_energy == 0:
            return replace(self, time=time, charge=self.cap)
        risen = self.charge + (time - self.time) / traction.time_per_energy
        return replace(self, time=time, charge=min(self.cap, risen))

    def until(self, time: float, traction: Traction) -> "Line":
        """Not after a moment, which is not before the line begins."""
        return replace(self, cap=self.later(time, traction).charge)

    def after(self, service: float) -> "Line":
        """When what lasts that long, without charging, is done."""
        return replace(self, time=self.time + service)


def depart(time: float, traction: Traction) -> Line:
    """Leave with a full battery."""
    return Line(time=time, charge=traction.capacity, cap=traction.capacity)


def travel(line: Line, time: float, energy: float, traction: Traction, slack: float) -> Line | None:
    """Drive; None where no charge that can be had suffices. ``slack`` is the error of doubles that is let pass."""
    after = Line(time=line.time + time, charge=line.charge - energy, cap=line.cap - energy)
    if after.cap < -slack:
        return None
    if after.charge < 0:  # charged for longer, at the last charger where that was possible
        lacking = min(-after.charge, after.cap - after.charge)
        after = replace(after, time=after.time + lacking * traction.time_per_energy, charge=after.charge + lacking)
    return after


def charge(line: Line, traction: Traction) -> Line:
    """Stop at a charger: fill the battery, or keep open how much."""
    if not traction.full_only:
        return replace(line, cap=traction.capacity)
    # Before it nothing was open but waiting, so the line is a point.
    full = line.time + (traction.capacity - line.charge) * traction.time_per_energy
    return Line(time=full, charge=traction.capacity, cap=traction.capacity)
