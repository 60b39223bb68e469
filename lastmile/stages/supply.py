"""What it costs to bring parcels to a site: the true cost of a plan's rounds, for siting to reckon with."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from lastmile.geo.distances import metres_per_degree
from lastmile.plans import Route, Site

_NEIGHBOURS: Final = 3  # sites whose mean is the guess for a place that none stands at


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Supply:
    """Of each facility, where its sites stand and what a day's supply of each costs.

    Parameters
    ----------
    places
        By facility, float64 (sites, 2), degrees.
    fen
        By facility, float64 (sites,).
    """

    places: dict[str, NDArray[np.float64]]
    fen: dict[str, NDArray[np.float64]]

    @classmethod
    def of(cls, sites: Iterable[Site], routes: Iterable[Route]) -> "Supply":
        """Share out each round's cost by time: to a stop belong its service and half of the ways there and on."""
        cost: defaultdict[str, float] = defaultdict(float)
        for route in routes:
            legs = [leg.arrive_s - leg.depart_s for leg in route.legs]
            taken = [
                (stop, stop.depart_s - stop.start_s + (before + after) / 2)
                for stop, before, after in zip(route.stops[1:-1], legs[:-1], legs[1:], strict=True)
                if stop.is_visit
            ]
            whole = sum(seconds for _, seconds in taken)
            for stop, seconds in taken:
                if stop.kind == "site" and whole > 0:
                    cost[stop.location_id] += route.cost_fen * seconds / whole
        places, fen = defaultdict(list), defaultdict(list)
        for site in sites:
            places[site.facility].append((site.lon, site.lat))
            fen[site.facility].append(cost[site.id])
        return cls(
            places={name: np.array(at) for name, at in places.items()},
            fen={name: np.array(of) for name, of in fen.items()},
        )

    def at(self, facility: str, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.float64]:
        """Fen a day at these places: a site's own cost where one stands, else the mean of the nearest three.

        Nothing where the plan has no site of the facility.
        """
        if facility not in self.places:
            return np.zeros(len(lon))
        sites, fen = self.places[facility], self.fen[facility]
        scale = np.concatenate(metres_per_degree(np.array([sites[:, 1].mean()])))
        count = min(_NEIGHBOURS, len(sites))
        found = cKDTree(sites * scale).query(np.column_stack((lon, lat)) * scale, k=[*range(1, count + 1)])
        away, near = np.asarray(found[0], dtype=np.float64), np.asarray(found[1], dtype=np.int64)
        return np.where(away[:, 0] == 0.0, fen[near[:, 0]], fen[near].mean(axis=1))
