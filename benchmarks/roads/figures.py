"""What was measured, beside what was hoped for: rows of one table."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Either a least ratio of the peer's figure to lastmile's, or a largest figure of lastmile's own."""

    ratio: float | None = None
    most: float | None = None

    def text(self, unit: str) -> str:
        """As the table says it."""
        return f"ratio ≥ {self.ratio:g}" if self.ratio is not None else f"≤ {self.most:g} {unit}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One thing measured on one map, beside one peer.

    Parameters
    ----------
    peer
        Name of the peer, empty where there is none.
    other
        The peer's figure, None where there is none. ``absent`` says why.
    """

    data: str
    what: str
    unit: str
    lastmile: float | None
    peer: str = ""
    other: float | None = None
    absent: str = ""
    target: Target | None = None

    @property
    def ratio(self) -> float | None:
        """The peer's figure over lastmile's: above 1 where lastmile needs less."""
        if self.other is None or not self.lastmile:
            return None
        return self.other / self.lastmile

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None where there is none, or nothing to compare."""
        if self.target is None or self.lastmile is None:
            return None
        if self.target.most is not None:
            return self.lastmile <= self.target.most
        assert self.target.ratio is not None
        return None if self.ratio is None else self.ratio >= self.target.ratio

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "data": self.data,
            "what": self.what,
            "unit": self.unit,
            "lastmile": self.lastmile,
            "peer": self.peer,
            "peer_figure": self.other,
            "peer_absent": self.absent,
            "ratio": self.ratio,
            "target": self.target.text(self.unit) if self.target else "",
            "met": self.met,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What one question gave: rows of the table, sentences to stand below it, and answers that turned out wrong."""

    figures: tuple[Figure, ...] = ()
    notes: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()


def number(value: float | None) -> str:
    """Three digits that count."""
    if value is None:
        return "–"
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.{0 if value >= 100 else 1 if value >= 10 else 2 if value >= 1 else 3}f}"


def markdown(figures: Iterable[Figure], notes: Iterable[str]) -> str:
    """The table and what stands below it."""
    lines = ["| map | what | lastmile | peer | peer's | ratio | target | met |", "|---|---|--:|---|--:|--:|---|---|"]
    for one in figures:
        peer = f"{one.peer}: absent, {one.absent}" if one.absent else one.peer
        target = one.target.text(one.unit) if one.target else ""
        met = {None: "", True: "yes", False: "no"}[one.met]
        if one.target and one.met is None:
            met = "not measured"
        cells = (one.data, f"{one.what}, {one.unit}", number(one.lastmile), peer or "–", number(one.other))
        lines.append("| " + " | ".join((*cells, number(one.ratio), target, met)) + " |")
    return "\n".join([*lines, "", *(f"- {note}" for note in notes)])
