"""Where sites may stand: places of the map and rows of a table, each exclusion with its reason."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Transformer
from scipy.spatial import cKDTree

from lastmile.errors import Fault, InputError
from lastmile.geo.districts import Districts
from lastmile.geo.features import Feature
from lastmile.geo.snapping import Snapper
from lastmile.loading import Scenario
from lastmile.scenario import HostKind

_AMENITY: Final[Mapping[str, HostKind]] = {
    "university": "university", "college": "university", "school": "school", "hospital": "hospital",
    "post_office": "post_office", "townhall": "office", "marketplace": "shop",
}  # fmt: skip
_LANDUSE: Final[Mapping[str, HostKind]] = {
    "residential": "residential", "industrial": "industrial", "commercial": "commercial", "retail": "commercial",
}  # fmt: skip
_PLACE: Final[Mapping[str, HostKind]] = {"village": "village", "hamlet": "village", "town": "town"}
_NO_BUILDING: Final = frozenset({"military", "cemetery", "forest", "reservoir", "basin"})
_SAME_PLACE_M: Final = 25.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A place where a site may stand, or stands already.

    ``facilities`` are the ids of the facilities that may open here; ``existing_modules`` is 0 for a mere candidate,
    and so are ``existing_chilled_modules``, the refrigerated ones beside them.
    """

    id: str
    name: str
    host: HostKind
    district: str
    lon: float
    lat: float
    facilities: tuple[str, ...]
    existing_modules: int = 0
    existing_chilled_modules: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Excluded:
    """A place that may not hold a site, and why."""

    id: str
    name: str
    host: str
    lon: float
    lat: float
    reason: str


def host_of(tags: Mapping[str, str]) -> HostKind | None:
    """What kind of host a place of the map is; None when it is none."""
    if (host := _AMENITY.get(tags.get("amenity", ""))) is not None:
        return host
    if "shop" in tags:
        return "shop"
    if "office" in tags or tags.get("building") == "office":
        return "office"
    if (host := _PLACE.get(tags.get("place", ""))) is not None:
        return host
    return _LANDUSE.get(tags.get("landuse", ""))


def find_candidates(
    scenario: Scenario,
    features: tuple[Feature, ...],
    walk: Snapper,
    districts: Districts,
    demand_places: NDArray[np.float64],
) -> tuple[tuple[Candidate, ...], tuple[Excluded, ...]]:
    """Collect candidates from the map and the table.

    Parameters
    ----------
    walk
        Finds the nearest place of the walking network: a site nobody can walk to is excluded.
    demand_places
        float64, shape (n, 2), lon and lat of the demand; candidates out of walking reach of all of it are excluded.

    Returns
    -------
    Candidates in a fixed order (table first, then the map's by id), and what was excluded.

    Raises
    ------
    InputError
        When an existing site lies off the map.
    """
    wanted = {host for facility in scenario.file.facilities for host in facility.hosts}
    found: list[Candidate] = []
    excluded: list[Excluded] = []
    facilities_at = {
        host: tuple(facility.id for facility in scenario.file.facilities if host in facility.hosts) for host in wanted
    }
    if scenario.candidates is not None:
        every = tuple(facility.id for facility in scenario.file.facilities)
        for row in scenario.candidates.itertuples():
            if row.status == "forbidden":
                excluded.append(
                    Excluded(id=row.id, name=row.name, host=row.host, lon=row.geometry.x, lat=row.geometry.y,
                             reason="forbidden in the table")
                )  # fmt: skip
                continue
            chosen = row.facilities if isinstance(row.facilities, tuple) and row.facilities else every
            standing = row.status == "existing"
            found.append(
                Candidate(id=row.id, name=row.name, host=row.host, district=row.district, lon=row.geometry.x,
                          lat=row.geometry.y, facilities=chosen,
                          existing_modules=int(row.modules) if standing else 0,
                          existing_chilled_modules=int(row.chilled_modules) if standing else 0)
            )  # fmt: skip
    if scenario.file.candidates.from_map and scenario.file.facilities:
        for feature in sorted(features, key=lambda f: f.osm_id):
            host = host_of(feature.tags)
            if host in wanted:
                point = feature.geometry.representative_point()
                found.append(
                    Candidate(id=feature.osm_id, name=feature.name, host=host, district="", lon=point.x, lat=point.y,
                              facilities=facilities_at[host])
                )  # fmt: skip
    if not found:
        return (), tuple(excluded)
    lon, lat = np.array([c.lon for c in found]), np.array([c.lat for c in found])
    reason = _exclusions(scenario, features, found, lon, lat, walk, demand_places)
    district = districts.of(lon, lat)
    kept = []
    for index, candidate in enumerate(found):
        if reason[index]:
            excluded.append(
                Excluded(id=candidate.id, name=candidate.name, host=candidate.host, lon=candidate.lon,
                         lat=candidate.lat, reason=reason[index])
            )  # fmt: skip
        else:
            kept.append(replace(candidate, district=candidate.district or districts.name[district[index]]))
    return tuple(kept), tuple(excluded)


def _exclusions(
    scenario: Scenario,
    features: tuple[Feature, ...],
    found: list[Candidate],
    lon: NDArray[np.float64],
    lat: NDArray[np.float64],
    walk: Snapper,
    demand_places: NDArray[np.float64],
) -> list[str]:
    """The reason to exclude each candidate, empty where there is none. Existing sites stay."""
    project = Transformer.from_crs("EPSG:4326", scenario.metric_crs, always_xy=True)
    plane = np.column_stack(project.transform(lon, lat))
    points: Any = shapely.points(lon, lat)
    reason = [""] * len(found)

    def exclude(indices: NDArray[np.int64], text: str) -> None:
        for index in indices.tolist():
            if not reason[index] and not found[index].existing_modules:
                reason[index] = text

    limit = scenario.file.map.max_snap_m
    away = walk.snap(lon, lat).distance_m
    stranded = [k for k in np.flatnonzero(away > limit).tolist() if found[k].existing_modules]
    if stranded:
        source = scenario.file.candidates.table
        assert source is not None
        raise InputError(
            Fault(
                place=f"{source.file}, candidate {found[k].id!r}",
                cause=f"the existing site at ({lon[k]:.5f}, {lat[k]:.5f}) is {away[k]:,.0f} m from any way on foot",
                remedy=f"check its place and crs (limit map.max_snap_m = {limit:g}), or take a larger map",
            )
            for k in stranded[:20]
        )
    exclude(np.flatnonzero(away > limit), f"further than {limit:.0f} m from any way on foot")
    if scenario.forbidden is not None:
        at, area = shapely.STRtree(points).query(scenario.forbidden.geometry.to_numpy(), predicate="intersects")[::-1]
        for index, row in zip(at.tolist(), area.tolist(), strict=True):
            exclude(np.array([index]), str(scenario.forbidden["reason"].iloc[row]))
    closed = [f for f in features if f.tags.get("landuse") in _NO_BUILDING or f.tags.get("natural") == "water"]
    areas = [f for f in closed if f.geometry.geom_type != "Point"]
    if areas:
        _, at = shapely.STRtree(points).query(np.array([f.geometry for f in areas], dtype=object), predicate="contains")
        exclude(np.unique(at), "on land that is not built on (water, forest, military, cemetery)")
    reach = max((facility.reach_m for facility in scenario.file.facilities), default=0.0)
    demand_plane = np.column_stack(project.transform(demand_places[:, 0], demand_places[:, 1]))
    distance: Any = cKDTree(demand_plane).query(plane)[0]
    needed = {t.facility for t in scenario.file.targets if t.measure == "count"}
    needed |= {f for t in scenario.file.targets if t.measure == "each_area" for f in t.facilities}
    far = np.flatnonzero(distance > reach)
    exclude(
        np.array([k for k in far.tolist() if not needed & set(found[k].facilities)], dtype=np.int64),
        f"no demand within {reach:.0f} m",
    )
    taken: dict[HostKind, list[int]] = {}
    for index, candidate in enumerate(found):
        if not reason[index]:
            taken.setdefault(candidate.host, []).append(index)
    for members in taken.values():
        for a, b in sorted(cKDTree(plane[members]).query_pairs(_SAME_PLACE_M)):
            if not reason[members[a]]:
                exclude(np.array([members[b]]), "the same place as another candidate")
    allowed = [k for k in range(len(found)) if not reason[k] and not found[k].existing_modules]
    most = scenario.file.candidates.maximum
    if len(allowed) > most:
        nearest = sorted(allowed, key=lambda k: (distance[k], k))
        exclude(np.array(nearest[most:]), f"beyond the {most} candidates nearest to demand")
    return reason


def count_reasons(excluded: tuple[Excluded, ...]) -> dict[str, int]:
    """How many places were excluded for which reason."""
    return dict(Counter(item.reason for item in excluded).most_common())
