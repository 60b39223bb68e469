"""Facility location: sites, customers, and what serving them costs. Nothing here has a longitude."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lastmile.solvers.frozen import freeze


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LocationProblem:
    """Sites, customers and the pairs in which one may serve the other.

    Parameters
    ----------
    opening
        float64 (sites,), cost of opening each.
    unserved
        float64 (customers,), cost of not serving each; inf: it must be served.
    pair_site, pair_customer, pair_cost
        int32, int32, float64 (pairs,), each pair once: the cost of serving all of the customer there.
    capacity, amount
        float64 (sites,), (customers,): what a site can take, and what each customer brings, who may be served in parts;
        None: no limits. With them either every customer must be served or none.
    kind
        int32 (sites,), of each the kind; None: all are of one.
    most
        Sites that may be open, of each kind where there are kinds; None: any number.
    standing
        bool (sites,), those that are open already and stay so.

    Raises
    ------
    ValueError
        When lengths differ, a number is negative or not finite, or an index or a pair is impossible.
    """

    opening: NDArray[np.float64]
    unserved: NDArray[np.float64]
    pair_site: NDArray[np.int32]
    pair_customer: NDArray[np.int32]
    pair_cost: NDArray[np.float64]
    capacity: NDArray[np.float64] | None = None
    amount: NDArray[np.float64] | None = None
    kind: NDArray[np.int32] | None = None
    most: int | tuple[int, ...] | None = None
    standing: NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        sites, customers = len(self.opening), len(self.unserved)
        for name, values, length in (
            ("pair_customer", self.pair_customer, len(self.pair_site)),
            ("pair_cost", self.pair_cost, len(self.pair_site)),
            ("capacity", self.capacity, sites),
            ("amount", self.amount, customers),
            ("kind", self.kind, sites),
            ("standing", self.standing, sites),
        ):
            if values is not None and len(values) != length:
                raise ValueError(f"{name} has {len(values)} entries, {length} are needed")
        for name, index, limit in (
            ("pair_site", self.pair_site, sites),
            ("pair_customer", self.pair_customer, customers),
        ):
            wrong = np.flatnonzero((index < 0) | (index >= limit))
            if len(wrong):
                raise ValueError(f"{name}[{wrong[0]}] is {index[wrong[0]]}, it must be in 0..{limit - 1}")
        for name, numbers in (
            ("opening", self.opening), ("pair_cost", self.pair_cost), ("capacity", self.capacity),
            ("amount", self.amount),
        ):  # fmt: skip
            if numbers is None:
                continue
            wrong = np.flatnonzero(~(np.isfinite(numbers) & (numbers >= 0)))
            if len(wrong):
                raise ValueError(f"{name}[{wrong[0]}] is {numbers[wrong[0]]}, it must be finite and not negative")
        wrong = np.flatnonzero(np.isnan(self.unserved) | (self.unserved < 0))
        if len(wrong):
            raise ValueError(f"unserved[{wrong[0]}] is {self.unserved[wrong[0]]}, it must not be negative")
        if (self.capacity is None) != (self.amount is None):
            raise ValueError("capacity and amount go together: give both or none")
        if self.capacity is not None and len(np.unique(np.isinf(self.unserved))) > 1:
            raise ValueError("unserved must be inf for every customer or for none where sites have capacities")
        self._check_kinds()
        key = self.pair_site.astype(np.int64) * max(customers, 1) + self.pair_customer
        key.sort()
        twice = key[1:][np.diff(key) == 0]
        if len(twice):
            site, customer = divmod(int(twice[0]), customers)
            raise ValueError(f"the pair of site {site} and customer {customer} is there twice")
        freeze(self)

    def _check_kinds(self) -> None:
        if self.most is not None and isinstance(self.most, tuple) != (self.kind is not None):
            raise ValueError("most must be a number, or where there are kinds a number for each")
        limits = self.limits()
        for most in limits:
            if most < 0:
                raise ValueError(f"most is {most}, it must not be negative")
        kind = self.kinds()
        wrong = np.flatnonzero((kind < 0) | (kind >= len(limits)))
        if len(wrong):
            raise ValueError(f"kind[{wrong[0]}] is {kind[wrong[0]]}, it must be in 0..{len(limits) - 1}")
        stand = np.bincount(kind[self.stands()], minlength=len(limits))
        for there, most in zip(stand, limits, strict=True):
            if there > most:
                raise ValueError(f"{there} sites stand already, and most lets {most} be open")

    def kinds(self) -> NDArray[np.int32]:
        """By site, its kind."""
        return np.zeros(len(self.opening), dtype=np.int32) if self.kind is None else self.kind

    def limits(self) -> tuple[int, ...]:
        """By kind, how many may be open; the number of all sites where there is no limit."""
        if self.most is None:
            return (len(self.opening),) * (int(self.kinds().max(initial=0)) + 1)
        return self.most if isinstance(self.most, tuple) else (self.most,)

    def scarce(self) -> NDArray[np.int64]:
        """The kinds of which there are more sites than may be open."""
        limits = self.limits()
        return np.flatnonzero(np.bincount(self.kinds(), minlength=len(limits)) > np.array(limits, dtype=float))

    def must_hold_everyone(self) -> bool:
        """Whether sites have capacities, in which all customers must find room."""
        return self.capacity is not None and bool(np.isinf(self.unserved).all())

    def dearest(self) -> NDArray[np.float64]:
        """By customer, what it costs at the dearest of its sites; nothing where it has none."""
        dearest = np.zeros(len(self.unserved))
        np.maximum.at(dearest, self.pair_customer, self.pair_cost)
        return dearest

    def stands(self) -> NDArray[np.bool_]:
        """By site, whether it stands already."""
        return np.zeros(len(self.opening), dtype=bool) if self.standing is None else self.standing

    def pairs_of(self, sites: NDArray[np.int32]) -> NDArray[np.int64]:
        """The pairs of these sites."""
        among = np.zeros(len(self.opening), dtype=bool)
        among[sites] = True
        return np.flatnonzero(among[self.pair_site])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LocationSolution:
    """Open sites and what the plan costs; no plan costs less than ``bound``.

    Parameters
    ----------
    sites
        int32, ascending.
    served_by, served_customer, served_share
        What the sites serve: of each flow its site, its customer and the share of it. Customers that no flow names are
        not served.
    cost
        inf where no plan was found that serves whom it must.
    stopped
        ``optimal``: cost and bound meet; ``gap``: as near as was asked; ``limit``: time was up.
    """

    sites: NDArray[np.int32]
    served_by: NDArray[np.int32]
    served_customer: NDArray[np.int32]
    served_share: NDArray[np.float64]
    cost: float
    bound: float
    iterations: int
    stopped: Literal["optimal", "gap", "limit"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LocationProgress:
    """How a run stands."""

    seconds: float
    iterations: int
    cost: float
    bound: float
