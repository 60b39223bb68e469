"""Instances of Beasley's OR-Library: p-median on graphs and capacitated facility location.

Beasley (1985), A note on solving large p-median problems, doi:10.1016/0377-2217(85)90040-2; Beasley (1988), An
algorithm for solving large capacitated warehouse location problems, doi:10.1016/0377-2217(88)90175-0.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

from lastmile.errors import InputError
from lastmile.solvers.location_problem import LocationProblem

FAMILIES: Final = ("pmedian", "cflp")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Facts:
    """What the file says, for the checker.

    Parameters
    ----------
    cost
        float64 (sites, customers), of serving all of a customer.
    opening, capacity, demand
        Of cflp; None for pmedian.
    median
        Sites that may be open, of pmedian.
    """

    name: str
    family: str
    cost: NDArray[np.float64]
    opening: NDArray[np.float64] | None = None
    capacity: NDArray[np.float64] | None = None
    demand: NDArray[np.float64] | None = None
    median: int | None = None


def read(family: str, path: Path, capacity: float | None = None) -> Facts:
    """Read one instance; ``capacity`` is every site's where the file leaves it out, as capa to capc do.

    Raises
    ------
    InputError
        When the file is not of its family's format, or lacks the capacity.
    """
    text = path.read_text(encoding="utf-8", errors="replace").split()
    numbers = _Numbers(path, text)
    return _graph(path, numbers) if family == "pmedian" else _warehouses(path, numbers, capacity)


def pose(facts: Facts) -> LocationProblem:
    """The problem that the facts describe: every pair of a site and a customer exists."""
    sites, customers = facts.cost.shape
    site, customer = np.divmod(np.arange(sites * customers, dtype=np.int64), customers)
    return LocationProblem(
        opening=np.zeros(sites) if facts.opening is None else facts.opening,
        unserved=np.full(customers, np.inf),
        pair_site=site.astype(np.int32),
        pair_customer=customer.astype(np.int32),
        pair_cost=facts.cost.ravel(),
        capacity=facts.capacity,
        amount=facts.demand,
        most=facts.median,
    )


class _Numbers:
    """The numbers of a file, one after the other."""

    def __init__(self, path: Path, words: list[str]) -> None:
        self.path = path
        self.words: Iterator[tuple[int, str]] = iter(enumerate(words, start=1))

    def take(self, what: str) -> float:
        at, word = next(self.words, (0, ""))
        try:
            number = float(word)
        except ValueError:
            cause = f"number {at} is {word!r}, {what} is needed" if at else f"it ends where {what} is needed"
            raise _fault(self.path, cause) from None
        if not (np.isfinite(number) and number >= 0):
            raise _fault(self.path, f"number {at} is {word}, {what} cannot be that")
        return number

    def count(self, what: str, most: int = 100_000) -> int:
        number = self.take(what)
        if number != int(number) or not 1 <= number <= most:
            raise _fault(self.path, f"{what} is {number:g}, a whole number from 1 to {most:,} is needed")
        return int(number)

    def end(self) -> None:
        at, word = next(self.words, (0, ""))
        if at:
            raise _fault(self.path, f"it goes on with {word!r} behind its last number")


def _graph(path: Path, numbers: _Numbers) -> Facts:
    nodes = numbers.count("the number of vertices")
    edges = numbers.count("the number of edges", 10_000_000)
    median = numbers.count("p", nodes)
    length: dict[tuple[int, int], float] = {}
    for _ in range(edges):
        ends = sorted(numbers.count("a vertex", nodes) - 1 for _ in range(2))
        length[ends[0], ends[1]] = numbers.take("an edge's cost")  # of an edge that is there twice, the last one counts
    numbers.end()
    row, column = np.array(list(length), dtype=np.int64).T
    graph = coo_array((np.array(list(length.values())), (row, column)), shape=(nodes, nodes)).tocsr()
    cost = dijkstra(graph, directed=False)
    if np.isinf(cost).any():
        raise _fault(path, "its graph is not connected")
    return Facts(name=path.stem, family="pmedian", cost=cost, median=median)


def _warehouses(path: Path, numbers: _Numbers, capacity: float | None) -> Facts:
    sites, customers = numbers.count("the number of sites"), numbers.count("the number of customers")
    room, opening = np.empty(sites), np.empty(sites)
    for j in range(sites):
        at, word = next(numbers.words, (0, ""))
        if word.lower() == "capacity":  # capa to capc have this word in its place
            if capacity is None:
                raise InputError.single(
                    place=str(path),
                    cause="it leaves the capacity open",
                    remedy="name one with --capacity, such as 8000",
                )
            room[j] = capacity
        else:
            numbers.words = _again(at, word, numbers.words)
            room[j] = numbers.take("a capacity")
            if capacity is not None:
                room[j] = capacity
        opening[j] = numbers.take("a fixed cost")
    demand, cost = np.empty(customers), np.empty((sites, customers))
    for i in range(customers):
        demand[i] = numbers.take("a demand")
        cost[:, i] = [numbers.take("a cost") for _ in range(sites)]
    numbers.end()
    return Facts(name=path.stem, family="cflp", cost=cost, opening=opening, capacity=room, demand=demand)


def _again(at: int, word: str, rest: Iterator[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    yield at, word
    yield from rest


def _fault(path: Path, cause: str) -> InputError:
    return InputError.single(place=str(path), cause=cause, remedy="name an instance in OR-Library's format")
