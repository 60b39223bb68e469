"""Which share of the parcels a clause of coverage counts, wherever sites are or may be."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lastmile.scenario import CoverageTarget, Facility
from lastmile.solvers.siting_problem import CoverageRow
from lastmile.stages.prepare import City
from lastmile.stages.walks import Pairs, site_pairs
from lastmile.walk_shares import walk_share


def coverage_rows(
    city: City, target: CoverageTarget, reach: Pairs, origin: NDArray[np.int32], facility: Sequence[str]
) -> tuple[CoverageRow, ...]:
    """What must be covered, over the demand's places; by district where the share must hold in every one.

    Parameters
    ----------
    reach
        Walks to the demand's places.
    origin, facility
        Of every site, where among the origins of ``reach`` it is, and its facility's id.
    """
    ids = np.array(facility, dtype=object)
    near = site_pairs(reach.within(target.reach_m), origin, np.isin(ids, target.facilities))
    share = np.zeros(len(near.origin))
    for one in city.scenario.file.facilities:
        of = (ids == one.id)[near.origin]
        share[of] = _counted(target, one, near.metres[of])
    district = np.array(city.demand.district, dtype=object)
    names = sorted(set(city.demand.district)) if target.districts is None else target.districts
    return tuple(
        CoverageRow(
            name=f"{target.id}: {group[0]}" if target.each_district else target.id,
            demand=near.target,
            site=near.origin,
            weight=city.parcels_of_places(np.isin(district, group)),
            minimum=target.minimum,
            share=share,
        )
        for group in ([(name,) for name in names] if target.each_district else [tuple(names)])
    )


def _counted(target: CoverageTarget, facility: Facility, metres: NDArray[np.float64]) -> NDArray[np.float64]:
    """What of a parcel is counted, so far from an open site."""
    within = metres <= target.reach_m
    return np.where(within, walk_share(facility, metres), 0.0) if target.expected else within.astype(np.float64)
