"""From a place to the nearest position on an edge that a mode may use."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, Literal

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from pyproj import Transformer
from pyproj.enums import TransformDirection

from lastmile import _core
from lastmile.geo.distances import metres_per_degree
from lastmile.geo.network import RoadNetwork
from lastmile.geo.tags import DETOUR, ROAD_CLASSES, Mode

_MERCATOR: Final = Transformer.from_crs("EPSG:4326", "EPSG:3395", always_xy=True)
_NO_SIDE_M: Final = 3.0  # as near as mapped centre lines are exact
_MERCATOR_RADIUS_M: Final = 6_378_137.0  # of the equator, where the plane's scale is 1


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgePoints:
    """Positions on the network, length n.

    Parameters
    ----------
    segment
        int32, the segment each place was snapped to.
    forward, backward
        int32, the permitted edges of that segment along and against its geometry; -1 where not permitted.
    fraction
        float64 in [0, 1], share of the segment's length from its first point.
    distance_m
        float64, from the place to the position, as the crow flies.
    lon, lat
        float64 degrees of the position on the road.
    """

    segment: NDArray[np.int32]
    forward: NDArray[np.int32]
    backward: NDArray[np.int32]
    fraction: NDArray[np.float64]
    distance_m: NDArray[np.float64]
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.fraction)

    def access_s(self, *, free_m: float, walk_kmh: float) -> NDArray[np.int32]:
        """Seconds to walk from the vehicle to each place, one way, rounded up; the first ``free_m`` are not counted."""
        seconds = np.maximum(self.distance_m - free_m, 0.0) / walk_kmh * 3.6
        return np.ceil(np.round(seconds, 6)).astype(np.int32)

    def take(self, index: ArrayLike) -> "EdgePoints":
        """The positions at ``index``."""
        chosen = np.asarray(index)
        return EdgePoints(
            segment=self.segment[chosen],
            forward=self.forward[chosen],
            backward=self.backward[chosen],
            fraction=self.fraction[chosen],
            distance_m=self.distance_m[chosen],
            lon=self.lon[chosen],
            lat=self.lat[chosen],
        )

    def core(self) -> _core.Positions:
        """The same positions for the compiled core."""
        return _core.Positions(self.forward, self.backward, self.fraction)


class Snapper:
    """Finds the nearest permitted position; one index per mode, made once.

    Works in the Mercator plane, which is conformal: its scale changes with latitude but not with direction, so the
    nearest there is the nearest on the ground. Distances are computed on the ellipsoid afterwards.

    Parameters
    ----------
    edges
        Those to choose from, bool, shape (edges,); all that the mode may use where absent.
    kerbside
        Classes of road (``highway`` values) on which a vehicle stops only on the place's own side where the road is
        two-way: of the two edges only the one whose kerb it is stays. Carriageways that are mapped apart need it not,
        a place nearer than 3 m to the middle has no side.
    drive_on
        The side of the road on which vehicles drive.
    """

    def __init__(
        self,
        network: RoadNetwork,
        mode: Mode,
        *,
        edges: NDArray[np.bool_] | None = None,
        kerbside: Collection[str] = (),
        drive_on: Literal["right", "left"] = "right",
    ) -> None:
        permitted = network.permitted(mode) if edges is None else edges
        classes = np.array([name in kerbside for name in ROAD_CLASSES])
        self._kerb = classes[network.segment_road] & bool(kerbside)
        self._right = drive_on == "right"
        self._edge_of = np.full((2, network.segments), -1, dtype=np.int32)
        chosen = np.flatnonzero(permitted).astype(np.int32)
        along = network.edge_forward[chosen]
        self._edge_of[0, network.edge_segment[chosen[along]]] = chosen[along]
        self._edge_of[1, network.edge_segment[chosen[~along]]] = chosen[~along]
        self._segments = np.flatnonzero((self._edge_of >= 0).any(axis=0)).astype(np.int32)
        # Rows of the index: nobody stops on a turn, nor on the copy of a road that remembers where one came from.
        road = (network.segment_turn == 0) & ((network.segment_flags & DETOUR) == 0)
        self._stops = np.flatnonzero(road[self._segments])
        self._network = network
        self.mode = mode

    @property
    def usable(self) -> bool:
        """False where the mode may use no road at all."""
        return len(self._stops) > 0

    @cached_property
    def _lines(self) -> NDArray[np.object_]:
        network = self._network
        starts, ends = network.segment_geometry[self._segments], network.segment_geometry[self._segments + 1]
        sizes = ends - starts
        points = np.repeat(starts - np.concatenate(([0], np.cumsum(sizes)[:-1])), sizes) + np.arange(sizes.sum())
        plane = np.column_stack(_MERCATOR.transform(network.geometry_lon[points], network.geometry_lat[points]))
        lines: NDArray[np.object_] = shapely.linestrings(  # type: ignore[assignment]
            plane, indices=np.repeat(np.arange(len(sizes)), sizes)
        )
        return lines

    @cached_property
    def _tree(self) -> shapely.STRtree:
        return shapely.STRtree(self._lines[self._stops])

    def snap(self, lon: ArrayLike, lat: ArrayLike) -> EdgePoints:
        """Snap places to the nearest permitted positions, whatever the distance.

        Parameters
        ----------
        lon, lat
            Degrees in WGS-84, length n.

        Raises
        ------
        ValueError
            When the mode may use no road.
        """
        if not self.usable:
            raise ValueError(f"the network has no road for {self.mode}")
        lon, lat, places = _places(lon, lat)
        nearest = self._stops[np.asarray(self._tree.nearest(places), dtype=np.int64)]
        return self._at_own_side(self._positions(nearest, places, lon, lat), nearest, places)

    def _at_own_side(self, points: EdgePoints, rows: NDArray[np.int64], places: NDArray[np.object_]) -> EdgePoints:
        """Keep, of two edges past a place, the one whose kerb it is."""
        sided = np.flatnonzero(
            self._kerb[points.segment]
            & (points.forward >= 0)
            & (points.backward >= 0)
            & (points.distance_m > _NO_SIDE_M)
        )
        if not len(sided):
            return points
        lines, place = self._lines[rows[sided]], shapely.get_coordinates(places[sided])
        along = shapely.line_locate_point(lines, places[sided])
        step = np.minimum(1.0, shapely.length(lines) / 2)
        behind = shapely.get_coordinates(shapely.line_interpolate_point(lines, np.maximum(along - step, 0.0)))
        ahead = shapely.get_coordinates(
            shapely.line_interpolate_point(lines, np.minimum(along + step, shapely.length(lines)))
        )
        way, aside = ahead - behind, place - behind
        left = way[:, 0] * aside[:, 1] - way[:, 1] * aside[:, 0] > 0
        forward, backward = points.forward.copy(), points.backward.copy()
        own = left != self._right  # driving along the geometry, the kerb is on the right where one drives on the right
        backward[sided[own]] = -1
        forward[sided[~own]] = -1
        return replace(points, forward=forward, backward=backward)

    def near(
        self, lon: ArrayLike, lat: ArrayLike, *, radius_m: ArrayLike, most: int
    ) -> tuple[NDArray[np.int64], EdgePoints]:
        """The nearest permitted position of every segment within a radius of each place.

        Segments of no length are left out: their place is that of the roads they join. A place that is
        not finite is near none.

        Parameters
        ----------
        lon, lat
            Degrees in WGS-84, length n.
        radius_m
            One for all places, or one for each; up to 100 km.
        most
            At most so many positions for a place, the nearest ones; of equally near ones those on the segments of the
            lower numbers.

        Returns
        -------
        offset
            int64, shape (n + 1,): the positions of place ``i`` are ``offset[i]:offset[i + 1]``.
        EdgePoints
            The nearest first.

        Raises
        ------
        ValueError
            When the mode may use no road.
        """
        if not self.usable:
            raise ValueError(f"the network has no road for {self.mode}")
        lon, lat, places = _places(lon, lat)
        radius = np.broadcast_to(np.asarray(radius_m, dtype=np.float64), lon.shape)
        # A place that lies a degree off the network is near none of it, and the plane has no poles.
        _, south, _, north = self._network.bounds
        asked = np.flatnonzero((lat > south - 1) & (lat < north + 1) & np.isfinite(lon))
        # Metres of the plane in a metre on the ground; a little more, as the scale is that of the place alone.
        scale = 2 * np.pi * _MERCATOR_RADIUS_M / 360 / metres_per_degree(lat[asked])[0]
        place, found = self._tree.query(places[asked], predicate="dwithin", distance=radius[asked] * scale * 1.001)
        place, found = asked[place], self._stops[found]
        within = self._network.segment_length_m[self._segments[found]] > 0
        place, found = place[within], found[within]
        points = self._positions(found, places[place], lon[place], lat[place])
        order = np.lexsort((points.segment, points.distance_m, place))
        order = order[points.distance_m[order] <= radius[place[order]]]
        counts = np.bincount(place[order], minlength=len(lon))
        rank = np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)
        counts = np.minimum(counts, most)
        return np.concatenate(([0], np.cumsum(counts))), points.take(order[rank < most])

    def on_segments(self, segment: NDArray[np.int32], lon: ArrayLike, lat: ArrayLike) -> EdgePoints:
        """The nearest position to each place on the segment that is named for it.

        Raises
        ------
        ValueError
            When the mode may not use one of the segments.
        """
        rows = np.searchsorted(self._segments, segment)
        if not np.array_equal(self._segments[np.minimum(rows, len(self._segments) - 1)], segment):
            raise ValueError(f"a segment is closed to {self.mode}")
        lon, lat, places = _places(lon, lat)
        return self._positions(rows, places, lon, lat)

    def _positions(
        self, rows: NDArray[np.int64], places: NDArray[np.object_], lon: NDArray[np.float64], lat: NDArray[np.float64]
    ) -> EdgePoints:
        """The positions nearest to places (as points of the plane, and in degrees) on one row of the index each."""
        lines = self._lines[rows]
        along = shapely.line_locate_point(lines, places)
        total = shapely.length(lines)
        fraction = np.clip(np.divide(along, total, out=np.zeros_like(along), where=total > 0), 0.0, 1.0)
        on_road = shapely.get_coordinates(shapely.line_interpolate_point(lines, along))
        road_lon, road_lat = _MERCATOR.transform(on_road[:, 0], on_road[:, 1], direction=TransformDirection.INVERSE)
        per_lon, per_lat = metres_per_degree((lat + road_lat) / 2)
        segment = self._segments[rows]
        return EdgePoints(
            segment=segment,
            forward=self._edge_of[0, segment],
            backward=self._edge_of[1, segment],
            fraction=fraction,
            distance_m=np.hypot((lon - road_lon) * per_lon, (lat - road_lat) * per_lat),
            lon=road_lon,
            lat=road_lat,
        )


def _places(lon: ArrayLike, lat: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.object_]]:
    """Degrees as arrays, and points of the plane."""
    lon = np.atleast_1d(np.asarray(lon, dtype=np.float64))
    lat = np.atleast_1d(np.asarray(lat, dtype=np.float64))
    points: NDArray[np.object_] = shapely.points(  # type: ignore[assignment]
        np.column_stack(_MERCATOR.transform(lon, lat))
    )
    return lon, lat, points
