"""What may open where, and what opening costs."""

from dataclasses import dataclass

from lastmile.scenario import Facility
from lastmile.units import fen


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One pair of candidate and facility: what the solver calls a site."""

    candidate: int
    facility: Facility


def opening_fen(facility: Facility, host: str) -> int:
    """What opening costs at a host, without modules."""
    return fen(facility.yuan_open * (1 - facility.host_discount.get(host, 0.0)))  # type: ignore[call-overload]
