"""How far receivers walk to the plan's sites, over the walking network."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from lastmile.geo.access import stopping_edges
from lastmile.geo.network import RoadNetwork
from lastmile.geo.snapping import EdgePoints, Snapper
from lastmile.referee.case import Case
from lastmile.scenario import AreaTarget, CoverageTarget, Facility

#: Metres by which two honest ways of measuring one walk may differ.
TOLERANCE_M = 1.0
_ROWS = 64  # sites searched at once, to bound memory


@dataclass(frozen=True, slots=True, kw_only=True)
class Walks:
    """Walks from each site to the orders and areas near it, both ways off the road included.

    Parameters
    ----------
    orders, areas
        Site id -> metres to each row of the demand and of the scenario's areas, ``inf`` beyond ``limit_m``. Sites
        inside an area's polygon are at distance 0 of it.
    limit_m
        The widest reach that any rule asks for, and the tolerance.
    """

    orders: dict[str, NDArray[np.float32]]
    areas: dict[str, NDArray[np.float32]]
    limit_m: float


def coming(facility: Facility, metres: NDArray[np.float32], shift_m: float = 0.0) -> NDArray[np.float64]:
    """Share of the receivers at these distances who would use such a site, with all walks this much shorter."""
    share = np.ones(len(metres))
    if facility.walk_shares:
        walked = np.maximum(metres - shift_m, 0.0)
        share = np.where(walked <= facility.walk_shares[0][0], facility.walk_shares[0][1], 0.0)
        for (near, more), (far, fewer) in pairwise(facility.walk_shares):
            on = (near < walked) & (walked <= far)
            share[on] = more + (fewer - more) * (walked[on] - near) / (far - near)
    share[metres > facility.reach_m + shift_m] = 0.0
    return share


def measure_walks(case: Case) -> Walks:
    """Search from every site as far as any facility or target reaches."""
    file = case.scenario.file
    reaches = [facility.reach_m for facility in file.facilities]
    reaches += [target.reach_m for target in file.targets if isinstance(target, CoverageTarget | AreaTarget)]
    limit = max(reaches, default=0.0) + TOLERANCE_M
    sites = [site for site in case.sites.values() if np.isfinite(site.lon) and np.isfinite(site.lat)]
    shapes: NDArray[Any] = np.array([], dtype=object)
    if case.scenario.areas is not None:
        shapes = np.asarray(case.scenario.areas.geometry.to_numpy(), dtype=object)
    middles = shapely.point_on_surface(shapes)
    lon = np.concatenate((case.demand.lon, shapely.get_x(middles)))
    lat = np.concatenate((case.demand.lat, shapely.get_y(middles)))
    metres = _distances(
        case.network,
        Snapper(case.network, "walk", edges=stopping_edges(case.network, file, "walk")),
        np.array([s.lon for s in sites]),
        np.array([s.lat for s in sites]),
        lon,
        lat,
        limit_m=limit,
    )
    for row, site in enumerate(sites):
        inside = shapely.covers(shapes, shapely.Point(site.lon, site.lat))
        metres[row, len(case.demand) :][inside] = 0.0
    return Walks(
        orders={site.id: metres[row, : len(case.demand)] for row, site in enumerate(sites)},
        areas={site.id: metres[row, len(case.demand) :] for row, site in enumerate(sites)},
        limit_m=limit,
    )


def _distances(
    network: RoadNetwork,
    snapper: Snapper,
    site_lon: NDArray[np.float64],
    site_lat: NDArray[np.float64],
    lon: NDArray[np.float64],
    lat: NDArray[np.float64],
    *,
    limit_m: float,
) -> NDArray[np.float32]:
    """Metres from sites (rows) to places (columns).

    A walk goes both ways (there and back with the parcel), so streets that are one-way on foot count in either
    direction.
    """
    found = np.full((len(site_lon), len(lon)), np.inf, dtype=np.float32)
    if not found.size or not snapper.usable:
        return found
    sites, places = snapper.snap(site_lon, site_lat), snapper.snap(lon, lat)
    first, last = _ends(network)
    graph = _with_sites(network, first, last, sites)
    length = network.segment_length_m[places.segment]
    before, after = places.fraction * length, (1 - places.fraction) * length
    for start in range(0, len(sites), _ROWS):
        rows = np.arange(start, min(start + _ROWS, len(sites)))
        nodes = np.asarray(dijkstra(graph, directed=False, indices=network.nodes + rows, limit=limit_m))
        for row, at in zip(rows, nodes, strict=True):
            metres = np.minimum(at[first[places.segment]] + before, at[last[places.segment]] + after)
            same = places.segment == sites.segment[row]
            direct = np.abs(places.fraction - sites.fraction[row]) * length
            metres = np.where(same, np.minimum(metres, direct), metres)
            metres = metres + places.distance_m + sites.distance_m[row]
            found[row] = np.where(metres <= limit_m, metres, np.inf)
    return found


def _ends(network: RoadNetwork) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Nodes at the first and last point of every segment."""
    first = np.zeros(network.segments, dtype=np.int64)
    last = np.zeros(network.segments, dtype=np.int64)
    ahead, tail, head = network.edge_forward, network.edge_source, network.edge_target
    first[network.edge_segment] = np.where(ahead, tail, head)
    last[network.edge_segment] = np.where(ahead, head, tail)
    return first, last


def _with_sites(
    network: RoadNetwork, first: NDArray[np.int64], last: NDArray[np.int64], sites: EdgePoints
) -> csr_array[Any, tuple[int, int]]:
    """The walking network, and each site as one more node that cuts its segment in two."""
    walked = np.unique(network.edge_segment[network.permitted("walk")])
    length = network.segment_length_m[sites.segment]
    extra = network.nodes + np.arange(len(sites))
    u = np.concatenate((first[walked], extra, extra))
    v = np.concatenate((last[walked], first[sites.segment], last[sites.segment]))
    metres = np.concatenate((network.segment_length_m[walked], sites.fraction * length, (1 - sites.fraction) * length))
    # Of parallel streets the shortest counts (a sparse matrix would add them up), and none may have no length (it would
    # be no street to the search).
    order = np.lexsort((metres, np.maximum(u, v), np.minimum(u, v)))
    low, high, metres = np.minimum(u, v)[order], np.maximum(u, v)[order], np.maximum(metres[order], 1e-6)
    keep = np.concatenate(([True], (low[1:] != low[:-1]) | (high[1:] != high[:-1])))
    size = network.nodes + len(sites)
    return csr_array((metres[keep], (low[keep], high[keep])), shape=(size, size))
