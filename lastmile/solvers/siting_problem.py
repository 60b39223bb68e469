"""Which sites to open: indices, capacities and money. Nothing here has a longitude."""

import math
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lastmile.solvers.frozen import freeze
from lastmile.solvers.money import MoneyLimit


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SitingRow:
    """A linear rule over sites: lower <= sum of (opened + modules) weighted <= upper.

    Parameters
    ----------
    site
        int32, the sites it speaks of.
    per_open, per_module
        float64, weight of opening and of each module.
    hard
        It may not fall short: without a plan that keeps it there is none.
    yuan
        Its weights are yuan of not less than 0: unless it has to give way to other rules, ``upper`` is kept to the fen.
    """

    name: str
    site: NDArray[np.int32]
    per_open: NDArray[np.float64]
    per_module: NDArray[np.float64]
    lower: float = 0.0
    upper: float = float("inf")
    hard: bool = False
    yuan: bool = False

    def total(self, modules: NDArray[np.int32]) -> float:
        """What the rule counts of a plan (modules by site)."""
        built = modules[self.site]
        return float((self.per_open * (built > 0) + self.per_module * built).sum())

    def money(self) -> MoneyLimit:
        """The same rule in fen, where it is one of ``yuan`` with an upper limit or none."""
        most = self.upper if math.isfinite(self.upper) else 0.0
        return MoneyLimit.of_yuan(self.site.tolist(), self.per_open.tolist(), self.per_module.tolist(), most)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CoverageRow:
    """A share of demand that must lie within reach of an opened site.

    ``demand`` and ``site`` are the sparse pairs (row i is covered by site j); ``weight`` is over all demand rows, zero
    for those that the rule does not count. ``share`` is, by pair, how much of the row an opened site covers, the
    greatest of several; None: all of it.
    """

    name: str
    demand: NDArray[np.int32]
    site: NDArray[np.int32]
    weight: NDArray[np.float64]
    minimum: float
    share: NDArray[np.float64] | None = None

    def reached(self, opened: NDArray[np.bool_]) -> float:
        """The share that these open sites cover; of nothing all."""
        whole = float(self.weight.sum())
        if whole <= 0:
            return 1.0
        share = np.ones(len(self.site)) if self.share is None else self.share
        best = np.zeros(len(self.weight))
        np.maximum.at(best, self.demand, np.where(opened[self.site], share, 0.0))
        return float((self.weight * best).sum()) / whole


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SitingProblem:
    """Which sites to open with how many modules.

    A *site* here is a pair of candidate place and facility, or the refrigerated modules beside one. Demand rows are
    parcels of one place and channel; those of different sizes, and those that are chilled, are rows of their own.

    Parameters
    ----------
    fixed_fen, module_fen
        int64, cost per day of a site and of each of its modules.
    modules_max, module_capacity
        int32, most modules; parcels per day that each takes.
    existing
        int32, modules that stand already; such a site stays open as it is, at no cost.
    grows
        bool, by site: where there are phases, modules may come in several of them. None: a site opens with all.
    weight
        float64, parcels per demand row.
    serve_demand, serve_site, serve_metres
        The pairs in which a site may take a demand row's parcels.
    attract_demand, attract_site
        The pairs in which a site counts as near: worth its parcels once, without taking capacity.
    serve_share, attract_share
        float64 between 0 and 1, by pair: of the row's receivers, those who would come to the site. Only they are worth
        something and take room; of several near sites the greatest share counts. None: all.
    parcel_fen
        What a parcel served or attracted is worth per day.
    walk_discount, furthest_m
        The share of a parcel's worth that a walk of ``furthest_m`` takes, and a shorter one in proportion; the longest
        walk of the pairs where that is None.
    minded_fen
        float64, by site: what of it each parcel served there loses as its receiver minds fetching it; where that is
        all or more, it is worth nothing. None: nobody minds.
    rows, coverage
        Rules; each that is not hard may fall short, at a price above everything else, and is then reported.
    conflicts
        int32, shape (k, 2): sites of which at most one may open.
    needs
        int32, shape (k, 2): the first's modules stand at the second, where that is open, or at another of those that
        the first is paired with: at each no more than an equal part of its ``modules_max``.
    size, size_capacity
        int8, the size of each demand row's parcels, 0 the smallest; float64, shape (sites, sizes), parcels per day that
        one module takes of each size or larger, ``inf`` where nothing but ``module_capacity`` limits them. Both are
        empty where no site limits sizes.
    """

    fixed_fen: NDArray[np.int64]
    module_fen: NDArray[np.int64]
    modules_max: NDArray[np.int32]
    module_capacity: NDArray[np.int32]
    existing: NDArray[np.int32]
    weight: NDArray[np.float64]
    serve_demand: NDArray[np.int32]
    serve_site: NDArray[np.int32]
    serve_metres: NDArray[np.float64]
    attract_demand: NDArray[np.int32]
    attract_site: NDArray[np.int32]
    parcel_fen: float
    walk_discount: float = 0.1
    furthest_m: float | None = None
    rows: tuple[SitingRow, ...] = ()
    coverage: tuple[CoverageRow, ...] = ()
    minded_fen: NDArray[np.float64] | None = None
    serve_share: NDArray[np.float64] | None = None
    attract_share: NDArray[np.float64] | None = None
    conflicts: NDArray[np.int32] = field(default_factory=lambda: np.empty((0, 2), dtype=np.int32))
    needs: NDArray[np.int32] = field(default_factory=lambda: np.empty((0, 2), dtype=np.int32))
    size: NDArray[np.int8] = field(default_factory=lambda: np.empty(0, dtype=np.int8))
    size_capacity: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 0)))
    grows: NDArray[np.bool_] | None = None

    def growing(self) -> NDArray[np.bool_]:
        """By site, whether its modules may come in several phases: not of those that stand, which stay as they are."""
        new: NDArray[np.bool_] = self.existing == 0
        return np.zeros(len(new), dtype=np.bool_) if self.grows is None else self.grows & new

    def __post_init__(self) -> None:
        freeze(self)
        sites = len(self.fixed_fen)
        for name in ("module_fen", "modules_max", "module_capacity", "existing"):
            if len(getattr(self, name)) != sites:
                raise ValueError(f"{name} has {len(getattr(self, name))} entries for {sites} sites")
        for name, limit in (
            ("serve_site", sites),
            ("attract_site", sites),
            ("serve_demand", len(self.weight)),
            ("attract_demand", len(self.weight)),
        ):
            index: NDArray[Any] = getattr(self, name)
            if len(index) and not (index.min() >= 0 and index.max() < limit):
                raise ValueError(f"{name} has an index outside 0..{limit - 1}")
        if not 0 <= self.walk_discount <= 1:
            raise ValueError(f"walk_discount is {self.walk_discount}, it must be in 0..1")
        if (self.weight < 0).any():
            raise ValueError("a demand weight is negative")
        if self.minded_fen is not None and len(self.minded_fen) != sites:
            raise ValueError(f"minded_fen has {len(self.minded_fen)} entries for {sites} sites")
        if self.grows is not None and len(self.grows) != sites:
            raise ValueError(f"grows has {len(self.grows)} entries for {sites} sites")
        if self.minded_fen is not None and not (self.minded_fen >= 0).all():
            raise ValueError("minded_fen has an entry that is not at least 0")
        _require_shares("serve_share", self.serve_share, len(self.serve_site))
        _require_shares("attract_share", self.attract_share, len(self.attract_site))
        for cover in self.coverage:
            _require_shares(f"the share of {cover.name}", cover.share, len(cover.site))
        if self.size_capacity.size:
            if (len(self.size), len(self.size_capacity)) != (len(self.weight), sites):
                raise ValueError(
                    f"size and size_capacity have {len(self.size)} and {len(self.size_capacity)} entries "
                    f"for {len(self.weight)} demand rows and {sites} sites"
                )
            if not (self.size.min(initial=0) >= 0 and self.size.max(initial=0) < self.size_capacity.shape[1]):
                raise ValueError(f"a size is outside 0..{self.size_capacity.shape[1] - 1}")


def _require_shares(name: str, share: NDArray[np.float64] | None, pairs: int) -> None:
    if share is None:
        return
    if len(share) != pairs:
        raise ValueError(f"{name} has {len(share)} entries for {pairs} pairs")
    if not ((share >= 0) & (share <= 1)).all():
        raise ValueError(f"{name} has an entry outside 0..1")


class NoPlanInTimeError(RuntimeError):
    """The search ended without any plan, not even a poor one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortfall:
    """A rule that cannot be met beside the others.

    Parameters
    ----------
    amount
        By how much the plan falls short of it.
    alone
        By how much it would fall short at the least if there were no other rule; None where the time was too short to
        know.
    """

    name: str
    amount: float
    alone: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SitingSolution:
    """Modules per site (0: closed), value and proven bound in fen per day, what falls short, why it stopped.

    Parameters
    ----------
    relaxations
        Where rules fall short: each rule that, by giving way by this amount at the least, would let all others be met.
        The amounts are in the rule's own unit: sites, yuan, a share of what is to be covered.
    """

    modules: NDArray[np.int32]
    value_fen: float
    bound_fen: float
    gap: float
    shortfalls: tuple[Shortfall, ...]
    relaxations: tuple[tuple[str, float], ...] = ()
    stopped: Literal["optimal", "gap", "limit"]
