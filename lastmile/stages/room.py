"""What a site can take of parcels by the compartment they need and of chilled ones, and what it does take."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lastmile.geo.candidates import Candidate
from lastmile.geo.demand import Demand
from lastmile.plans import Service, Site
from lastmile.scenario import SIZES, Facility

_ROUNDING: Final = 1e-9  # of a number of parcels


def rank(size: str) -> int:
    """Place of a size among all; without a size that of the smallest."""
    return [str(one) for one in SIZES].index(size) if size else 0


def chilled_modules_max(facility: Facility, candidate: Candidate) -> int:
    """Most refrigerated modules of a facility at a place: a site that stands keeps what it has."""
    return candidate.existing_chilled_modules if candidate.existing_modules else facility.chilled_modules_max


def module_takes(facility: Facility) -> NDArray[np.float64]:
    """Parcels a day of each size or larger that one module's compartments take; ``inf`` where there are none."""
    if not facility.compartments:
        return np.full(len(SIZES), np.inf)
    return facility.turnover_per_day * np.array([facility.compartments_from(size) for size in SIZES], dtype=np.float64)


@dataclass(slots=True)
class Room:
    """Parcels that a site can still take today.

    ``ordinary`` is by size: parcels of this size or larger. As what may hold a large parcel may hold a small one,
    parcels find compartments if none of these numbers is exceeded (Hall 1935, doi:10.1112/jlms/s1-10.37.26).
    """

    ordinary: list[int]
    chilled: int

    @classmethod
    def of(cls, facility: Facility, modules: int, chilled_modules: int) -> "Room":
        """That of a site without any parcels."""
        at_most = int(modules * facility.parcels_per_module)
        sizes = (modules * module_takes(facility)).tolist()
        return cls(
            ordinary=[at_most if math.isinf(most) else min(at_most, int(most + _ROUNDING)) for most in sizes],
            chilled=int(chilled_modules * (facility.parcels_per_chilled_module or 0)),
        )

    def left(self, size: str, chilled: bool) -> int:
        """How many more parcels of a size, or chilled ones of any, find room."""
        return self.chilled if chilled else min(self.ordinary[: rank(size) + 1])

    def take(self, parcels: int, size: str, chilled: bool) -> None:
        """Let parcels take their room."""
        if chilled:
            self.chilled -= parcels
        else:
            for smaller in range(rank(size) + 1):
                self.ordinary[smaller] -= parcels


def lacks(site: Site, facility: Facility, size: str, chilled: bool) -> str:
    """What a site has none of that such parcels need; empty where it takes them."""
    if chilled:
        return "" if site.chilled_modules else "refrigerated modules"
    if facility.compartments and not facility.compartments_from(SIZES[rank(size)]):
        return f"compartments of size {size or SIZES[0]}"
    return ""


def loaded(
    sites: Sequence[Site], services: Iterable[Service], demand: Demand, facilities: Iterable[Facility]
) -> tuple[Site, ...]:
    """The sites with the parcels that these services bring them."""
    order_of = {text: k for k, text in enumerate(demand.id)}
    chilled = demand.chilled()
    held, cold = Counter[str](), Counter[str]()
    sizes: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for service in services:
        if service.site_id is not None:
            order = order_of[service.order_id]
            held[service.site_id] += service.parcels
            if chilled[order]:
                cold[service.site_id] += service.parcels
            else:
                sizes[service.site_id][demand.size[order] or SIZES[0]] += service.parcels
    by_size = {facility.id for facility in facilities if facility.compartments}
    return tuple(
        replace(
            site,
            load_parcels=held[site.id],
            chilled_load_parcels=cold[site.id],
            parcels_by_size={size: sizes[site.id][size] for size in SIZES} if site.facility in by_size else {},
        )
        for site in sites
    )
