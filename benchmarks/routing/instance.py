"""An instance as its file states it, and the problem that the solvers get."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lastmile.solvers.problem import RoutingProblem


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A place of the file. Times are in the instance's units, an open end is infinity.

    Parameters
    ----------
    id
        What solutions call it: as the file does (evrptw ``C98``, jd ``17``); in VRPLIB files, as their published
        solutions do, the file's number less 1: depots come first, so with d depots the first customer is d.
    prize
        What leaving it out costs; None where it must be served.
    """

    id: int | str
    x: float
    y: float
    delivery: float = 0.0
    pickup: float = 0.0
    window: tuple[float, float] = (0.0, np.inf)
    service: float = 0.0
    release: float = 0.0
    prize: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Vehicles:
    """Vehicles of the file that are alike.

    Parameters
    ----------
    numbers
        Which of the file's vehicles they are, from 1.
    depot
        Index of the node where they begin and end; its window is their shift.
    fixed, per_distance
        Cost of using one, and of a unit of distance.
    max_duration
        Longest time from departure to return.
    serves
        Indices of the nodes that they may serve; None for all.
    reloads
        Whether they may come back to the depot and leave again, any number of times.
    """

    numbers: tuple[int, ...]
    depot: int
    capacity: float
    fixed: float = 0.0
    per_distance: float = 1.0
    max_duration: float | None = None
    serves: frozenset[int] | None = None
    reloads: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Traction:
    """Battery of every vehicle: full at the start; ``full_only`` where each charge fills it."""

    capacity: float
    per_distance: float
    time_per_energy: float
    full_only: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Measure:
    """How far it is between two nodes, in the instance's units.

    In the plane: the Euclidean distance times ``multiplier``, rounded; time is distance / ``speed``, which is 1 where
    something is rounded. With tables, what they say.
    """

    multiplier: int = 1
    rounding: Literal["nearest", "down", "none"] = "none"
    speed: float = 1.0
    distances: NDArray[np.float64] | None = None
    times: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        if self.speed != 1 and self.rounding != "none":
            raise ValueError(f"a speed of {self.speed} with rounded distances: no convention says which is rounded")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Facts:
    """What a file says, numbers as its convention counts them.

    Parameters
    ----------
    family, convention
        Folder of the benchmark, and which of its conventions; empty where it has one.
    depots, customers, chargers
        Indices of nodes.
    clusters
        Nodes of which exactly one is served.
    fewest_vehicles
        Whether fewer vehicles come before a lower cost.
    cost_unit
        Units of this instance in one unit of the family's published costs.
    """

    name: str
    family: str
    convention: str = ""
    nodes: tuple[Node, ...]
    depots: tuple[int, ...]
    customers: tuple[int, ...]
    chargers: tuple[int, ...] = ()
    vehicles: tuple[Vehicles, ...]
    measure: Measure
    clusters: tuple[tuple[int, ...], ...] = ()
    traction: Traction | None = None
    fewest_vehicles: bool = False
    cost_unit: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Instance:
    """Facts, and the same as integers for the solvers.

    Location i of the problem is node i, option i is customer i, charger i is charger i, vehicle type i is
    ``vehicles[i]``: the tuples of :class:`Facts` turn every index into a node.

    Parameters
    ----------
    fen_per_cost
        The solver's fen in one unit of the family's published costs. Where the convention is doubles the problem's
        tables are rounded up, so what a solver reports is a little above what :mod:`benchmarks.routing.check` finds.
    metres_per_unit
        The problem's metres in one unit of the file's distances.
    """

    facts: Facts
    problem: RoutingProblem
    fen_per_cost: float
    metres_per_unit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """What one vehicle does: indices of nodes in the sequence of visits, without the depot at both ends.

    Chargers are named where they are visited, the depot where the vehicle comes back to reload.
    """

    vehicles: int  # index into Facts.vehicles
    stops: tuple[int, ...]
