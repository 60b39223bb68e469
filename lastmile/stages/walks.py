"""Who can walk where: sparse distances on foot between candidates, demand places and named areas."""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from lastmile.geo.snapping import EdgePoints
from lastmile.scenario import AreaTarget, CoverageTarget
from lastmile.stages.prepare import City

INDICATOR_REACH_M = 1000.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pairs:
    """Sparse distances on foot: ``origin[k]`` reaches ``target[k]`` in ``metres[k]``, sorted by origin."""

    origin: NDArray[np.int32]
    target: NDArray[np.int32]
    metres: NDArray[np.float64]

    @classmethod
    def none(cls) -> "Pairs":
        """No pair at all."""
        return cls(origin=np.empty(0, np.int32), target=np.empty(0, np.int32), metres=np.empty(0))

    def take(self, index: NDArray[np.int64]) -> "Pairs":
        """The pairs at ``index``."""
        return Pairs(origin=self.origin[index], target=self.target[index], metres=self.metres[index])

    def within(self, reach_m: float) -> "Pairs":
        """The pairs no longer than ``reach_m``."""
        return self.take(np.flatnonzero(self.metres <= reach_m))

    def of(self, origins: NDArray[np.bool_]) -> "Pairs":
        """The pairs whose origin is marked."""
        return self.take(np.flatnonzero(origins[self.origin]))


def furthest_reach(city: City) -> float:
    """The longest walk that any facility, target or indicator asks about, in metres."""
    file = city.scenario.file
    reaches = [facility.reach_m for facility in file.facilities]
    reaches += [t.reach_m for t in file.targets if isinstance(t, CoverageTarget | AreaTarget)]
    return max([INDICATOR_REACH_M, *reaches])


def walks(city: City, lon: NDArray[np.float64], lat: NDArray[np.float64], targets: EdgePoints) -> Pairs:
    """Distances on foot from places (candidates, sites) to ``targets``, up to :func:`furthest_reach`."""
    if not len(lon) or not len(targets):
        return Pairs.none()
    origins = city.snappers["walk"].snap(lon, lat)
    found = city.roads.catchments(origins, targets, reach_m=furthest_reach(city))
    return Pairs(origin=found.rows().astype(np.int32), target=found.target, metres=found.metres)


def walks_to_areas(city: City, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> Pairs:
    """Distances on foot from places to the named areas; 0 m for a place inside an area's polygon."""
    areas = city.scenario.areas
    if areas is None or not len(lon):
        return Pairs.none()
    shapes = areas.geometry.to_numpy()
    middle = shapely.get_coordinates(shapely.point_on_surface(shapes))
    pairs = walks(city, lon, lat, city.snappers["walk"].snap(middle[:, 0], middle[:, 1]))
    inside, area = shapely.STRtree(shapes).query(shapely.points(lon, lat), predicate="covered_by")
    if not len(inside):
        return pairs
    key = np.concatenate((inside, pairs.origin)) * np.int64(len(shapes)) + np.concatenate((area, pairs.target))
    metres = np.concatenate((np.zeros(len(inside)), pairs.metres))
    _, first = np.unique(key, return_index=True)  # the pairs inside come first and win
    return Pairs(
        origin=(key[first] // len(shapes)).astype(np.int32),
        target=(key[first] % len(shapes)).astype(np.int32),
        metres=metres[first],
    )


def area_pairs(city: City, target: AreaTarget, areas: Pairs) -> Pairs:
    """The pairs of places and areas that count for a target.

    Where every area is to have exactly one site, a place between two areas of the kind belongs to the nearer one.
    """
    near = areas.within(target.reach_m)
    if target.at_most_one:
        same_kind = (city.scenario.areas["kind"] == target.area_kind).to_numpy(dtype=bool)[near.target]
        near = near.take(np.flatnonzero(same_kind))
        order = np.lexsort((near.target, near.metres, near.origin))
        _, first = np.unique(near.origin[order], return_index=True)
        near = near.take(np.sort(order[first]))
    return near.take(np.flatnonzero(wanted_areas(city, target)[near.target]))


def wanted_areas(city: City, target: AreaTarget) -> NDArray[np.bool_]:
    """Which of the named areas a target speaks of."""
    frame = city.scenario.areas
    wanted: NDArray[np.bool_] = (frame["kind"] == target.area_kind).to_numpy(dtype=bool)
    if target.districts is not None:
        place = shapely.get_coordinates(shapely.point_on_surface(frame.geometry.to_numpy()))
        found = np.array(city.districts.name, dtype=object)[city.districts.of(place[:, 0], place[:, 1])]
        named = frame["district"].to_numpy(dtype=object)
        wanted = wanted & np.isin(np.where(named == "", found, named).astype(str), target.districts)
    return wanted


def to_sites(reach: Pairs, chosen: NDArray[np.int32]) -> Pairs:
    """Pairs of candidates -> pairs of sites at these candidates; several sites may share one."""
    starts = np.searchsorted(reach.origin, chosen)
    ends = np.searchsorted(reach.origin, chosen, side="right")
    index = np.concatenate([np.arange(a, b) for a, b in zip(starts, ends, strict=True)] or [np.empty(0, np.int64)])
    return Pairs(
        origin=np.repeat(np.arange(len(chosen), dtype=np.int32), ends - starts),
        target=reach.target[index.astype(np.int64)],
        metres=reach.metres[index.astype(np.int64)],
    )


def site_pairs(reach: Pairs, candidate: NDArray[np.int32], chosen: NDArray[np.bool_]) -> Pairs:
    """Pairs of candidates -> pairs of the indices of the options that are chosen."""
    index = np.flatnonzero(chosen).astype(np.int32)
    pairs = to_sites(reach, candidate[index])
    return Pairs(origin=index[pairs.origin], target=pairs.target, metres=pairs.metres)
