"""Errors a user can act on: each says where, what was found, and what to do about it."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing wrong with an input.

    Parameters
    ----------
    place
        File, and the path, row and column in it (``orders.csv, row 7, column 'weight_g'``).
    cause
        What was found there, with the offending value.
    remedy
        What the user can change to mend it.
    """

    place: str
    cause: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.place}: {self.cause}\n    remedy: {self.remedy}"


class LastmileError(Exception):
    """Base of every error that lastmile raises on purpose."""


class InputError(LastmileError):
    """One or more inputs cannot be used; ``faults`` lists all that were found, in reading order."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        if not self.faults:
            raise ValueError("an InputError needs at least one fault")
        count = len(self.faults)
        head = "1 fault" if count == 1 else f"{count} faults"
        super().__init__("\n".join([f"{head} in the input:", *(f"  {fault}" for fault in self.faults)]))

    @classmethod
    def single(cls, *, place: str, cause: str, remedy: str) -> "InputError":
        """Wrap one fault."""
        return cls([Fault(place=place, cause=cause, remedy=remedy)])
