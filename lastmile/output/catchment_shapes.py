"""The streets from which a site can be walked to, as polygons for the map."""

from collections.abc import Sequence
from typing import Any, Final

import geopandas
import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from lastmile.geo.access import stopping_edges
from lastmile.geo.network import RoadNetwork
from lastmile.geo.snapping import EdgePoints, Snapper
from lastmile.loading import Scenario
from lastmile.plans import Site

MARGIN_M: Final = 40.0
_SIMPLIFY_M: Final = 8.0
_HOLE_M2: Final = 6_000.0  # a courtyard between reached streets is no gap in the catchment
_SHORTEST_M: Final = 1e-3  # a stored zero would be no connection


def catchment_shapes(network: RoadNetwork, sites: Sequence[Site], scenario: Scenario) -> dict[str, Any]:
    """Make one shape per facility that takes parcels: everything within its reach of one of its sites.

    Returns
    -------
    dict
        Facility id -> polygon or multipolygon in WGS-84; facilities without sites are absent.
    """
    snapper = Snapper(network, "walk", edges=stopping_edges(network, scenario.file, "walk"))
    shapes = {}
    for facility in scenario.file.facilities:
        own = [site for site in sites if site.facility == facility.id]
        if own and facility.channel is not None:
            shapes[facility.id] = catchment_polygon(
                network,
                snapper.snap([site.lon for site in own], [site.lat for site in own]),
                reach_m=facility.reach_m,
                metric_crs=scenario.metric_crs,
            )
    return shapes


def catchment_polygon(
    network: RoadNetwork, sites: EdgePoints, *, reach_m: float, metric_crs: str, margin_m: float = MARGIN_M
) -> Any:
    """Shape of all walking streets within reach of the nearest of some sites.

    Parameters
    ----------
    sites
        Positions from a :class:`~lastmile.geo.snapping.Snapper` for ``walk``; the way from the site to its street
        counts.
    reach_m
        Length of the walk.
    margin_m
        What is this near to a reached piece of street is inside.

    Returns
    -------
    Polygon or MultiPolygon
        In WGS-84; empty where no site is near a street.
    """
    segment, start, end = reached_pieces(network, sites, reach_m=reach_m)
    if not len(segment):
        return shapely.Polygon()
    pieces = _cut(_plane_lines(network, segment, metric_crs), start, end)
    areas = shapely.buffer(shapely.simplify(pieces, 3.0), margin_m, quad_segs=2)
    shape = shapely.simplify(shapely.union_all(areas), _SIMPLIFY_M)
    return geopandas.GeoSeries([_without_small_holes(shape)], crs=metric_crs).to_crs("EPSG:4326").iloc[0]


def reached_pieces(
    network: RoadNetwork, sites: EdgePoints, *, reach_m: float
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Find the pieces of walking segments within reach of the nearest site.

    Returns
    -------
    tuple of ndarray
        Segment, and the shares of its length between which it is reached; a segment that is reached from both ends
        but not in its middle occurs twice.
    """
    walk = np.flatnonzero(network.permitted("walk"))
    length = network.segment_length_m
    to_node = _walked_metres(network, walk, sites, reach_m)
    source = network.edge_source
    # Along each directed edge the walk goes on from its source for what is left of the reach.
    rest = reach_m - to_node[source[walk]]
    walk, rest = walk[rest > 0], rest[rest > 0]
    segment = network.edge_segment[walk].astype(np.int64)
    share = np.minimum(rest / np.maximum(length[segment], _SHORTEST_M), 1.0)
    ahead = network.edge_forward[walk]
    starts = [np.where(ahead, 0.0, 1.0 - share)]
    ends = [np.where(ahead, share, 1.0)]
    segments = [segment]
    left = reach_m - sites.distance_m
    near = left > 0
    own = sites.segment[near].astype(np.int64)
    around = left[near] / np.maximum(length[own], _SHORTEST_M)
    fraction = sites.fraction[near]
    segments.append(own)
    starts.append(np.where(sites.backward[near] >= 0, np.maximum(fraction - around, 0.0), fraction))
    ends.append(np.where(sites.forward[near] >= 0, np.minimum(fraction + around, 1.0), fraction))
    segment, start, end = np.concatenate(segments), np.concatenate(starts), np.concatenate(ends)
    whole = np.unique(segment[(start == 0.0) & (end == 1.0)])
    partial = ~np.isin(segment, whole) & (end > start)
    return (
        np.concatenate((whole, segment[partial])),
        np.concatenate((np.zeros(len(whole)), start[partial])),
        np.concatenate((np.ones(len(whole)), end[partial])),
    )


def _walked_metres(
    network: RoadNetwork, walk: NDArray[np.int64], sites: EdgePoints, reach_m: float
) -> NDArray[np.float64]:
    """Metres from the nearest site to every node, ``inf`` beyond reach."""
    source, target = network.edge_source[walk], network.edge_target[walk]
    metres = network.edge_length_m[walk]
    # Every site is a node of its own, one step from the ends of its segment.
    own = np.arange(len(sites)) + network.nodes
    length = network.segment_length_m[sites.segment]
    for edge, rest in ((sites.forward, 1.0 - sites.fraction), (sites.backward, sites.fraction)):
        open_ = edge >= 0
        source = np.concatenate((source, own[open_]))
        target = np.concatenate((target, network.edge_target[edge[open_]]))
        metres = np.concatenate((metres, (sites.distance_m + rest * length)[open_]))
    metres = np.maximum(metres, _SHORTEST_M)
    # Of parallel edges the shortest counts; a sparse matrix would add them up.
    order = np.lexsort((metres, target, source))
    source, target, metres = source[order], target[order], metres[order]
    first = np.ones(len(order), dtype=bool)
    first[1:] = (source[1:] != source[:-1]) | (target[1:] != target[:-1])
    size = network.nodes + len(sites)
    graph = csr_array((metres[first], (source[first], target[first])), shape=(size, size))
    found: NDArray[np.float64] = dijkstra(graph, indices=own, limit=reach_m, min_only=True)
    return found[: network.nodes]


def _plane_lines(network: RoadNetwork, segment: NDArray[np.int64], metric_crs: str) -> NDArray[np.object_]:
    starts = network.segment_geometry[segment]
    sizes = network.segment_geometry[segment + 1] - starts
    points = np.repeat(starts - np.concatenate(([0], np.cumsum(sizes)[:-1])), sizes) + np.arange(sizes.sum())
    lines = shapely.linestrings(
        network.geometry_lon[points], network.geometry_lat[points], indices=np.repeat(np.arange(len(sizes)), sizes)
    )
    plane: NDArray[np.object_] = geopandas.GeoSeries(lines, crs="EPSG:4326").to_crs(metric_crs).to_numpy()
    return plane


def _cut(lines: NDArray[np.object_], start: ArrayLike, end: ArrayLike) -> NDArray[np.object_]:
    """Parts of lines between two shares of their lengths."""
    lines = lines.copy()
    start, end = np.asarray(start), np.asarray(end)
    for index in np.flatnonzero((start > 0.0) | (end < 1.0)):
        line = lines[index]
        points = shapely.get_coordinates(line)
        along = np.concatenate(([0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))))
        low, high = start[index] * along[-1], end[index] * along[-1]
        ends = np.column_stack([np.interp((low, high), along, points[:, axis]) for axis in (0, 1)])
        inner = points[(along > low) & (along < high)]
        lines[index] = shapely.linestrings(np.concatenate((ends[:1], inner, ends[1:])))
    return lines


def _without_small_holes(shape: Any) -> Any:
    parts = []
    for polygon in shapely.get_parts(shape):
        holes = [hole for hole in polygon.interiors if shapely.area(shapely.Polygon(hole)) >= _HOLE_M2]
        parts.append(shapely.Polygon(polygon.exterior, holes))
    return parts[0] if len(parts) == 1 else shapely.MultiPolygon(parts)
