"""What a solver found, as all solvers here say it, and as it goes from one process to another."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.routing.instance import Facts, Route


class CannotExpress(Exception):  # noqa: N818 - it is no error: the table says so and goes on
    """The solver has no means for a rule of this instance; the text says which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Routes, and how the search went.

    Parameters
    ----------
    seconds
        From the problem in lastmile's form to the routes: making the peer's model counts.
    iterations
        None where the solver does not say.
    stopped
        Why it ended.
    """

    routes: tuple[Route, ...]
    seconds: float
    iterations: int | None
    stopped: str

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        routes = [[route.vehicles, list(route.stops)] for route in self.routes]
        return {
            "routes": routes,
            "seconds": self.seconds,
            "iterations": self.iterations,
            "stopped": self.stopped,
        }

    @classmethod
    def read(cls, plain: dict[str, Any]) -> "Found":
        """Back from JSON."""
        routes = tuple(Route(vehicles=kind, stops=tuple(stops)) for kind, stops in plain["routes"])
        return cls(routes=routes, seconds=plain["seconds"], iterations=plain["iterations"], stopped=plain["stopped"])


def route_of_trips(facts: Facts, vehicles: int, trips: Sequence[Sequence[int]]) -> Route:
    """Route from the options of each trip of a vehicle, which reloads at its depot."""
    stops: list[int] = []
    for trip in trips:
        if stops and trip:
            stops.append(facts.vehicles[vehicles].depot)
        stops += [facts.customers[option] for option in trip]
    return Route(vehicles=vehicles, stops=tuple(stops))
