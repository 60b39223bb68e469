"""Where the towns and the waters of a made-up city lie, on a plane of metres."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from lastmile.geo.synthetic.spec import CitySpec, District, LonLat, Ring, River

Floats = NDArray[np.float64]

_METRES_PER_DEGREE = 111_195.0


@dataclass(frozen=True, slots=True)
class Plane:
    """Metres east and north of the city centre; an equidistant approximation, good to 2 % at 100 km."""

    centre: LonLat

    def metres(self, points: Iterable[LonLat]) -> Floats:
        """Project (longitude, latitude) in degrees to metres, shape (n, 2)."""
        degrees = np.asarray(list(points), dtype=float).reshape(-1, 2) - self.centre
        return np.asarray(degrees * self._factors())

    def degrees(self, metres: Floats) -> Floats:
        """Longitude and latitude, rounded to the 1e-7 degrees that OSM stores."""
        return np.asarray(np.round(metres / self._factors() + self.centre, 7))

    def _factors(self) -> Floats:
        return np.array([_METRES_PER_DEGREE * np.cos(np.radians(self.centre[1])), _METRES_PER_DEGREE])


def shifted(points: Floats, right_m: float) -> Floats:
    """Move a line sideways, to the right of its direction, mitred at its corners; closed lines stay closed."""
    steps = np.diff(points, axis=0)
    lengths = np.maximum(np.hypot(steps[:, 0], steps[:, 1]), 1e-9)
    normals = np.column_stack([steps[:, 1], -steps[:, 0]]) / lengths[:, None]
    closed = bool(np.allclose(points[0], points[-1]))
    before = np.vstack([normals[-1:] if closed else normals[:1], normals])
    after = np.vstack([normals, normals[:1] if closed else normals[-1:]])
    mitre = before + after
    mitre /= np.maximum((mitre * before).sum(axis=1), 0.5)[:, None]
    return np.asarray(points + right_m * mitre)


def resampled(points: Floats, step_m: float) -> Floats:
    """Points along a line, about ``step_m`` apart, both ends kept."""
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    marks = np.linspace(0.0, along[-1], max(2, round(along[-1] / step_m) + 1))
    return np.column_stack([np.interp(marks, along, points[:, axis]) for axis in (0, 1)])


def ring_line(ring: Ring) -> Floats:
    """Centreline of a ring road, counterclockwise and closed, a vertex about every 120 m."""
    angle = np.linspace(0.0, 2.0 * np.pi, 2001)
    power = 2.0 / ring.squareness
    unit = [np.sign(part) * np.abs(part) ** power for part in (np.cos(angle), np.sin(angle))]
    points = resampled(
        np.column_stack([1000.0 * ring.radius_km[0] * unit[0], 1000.0 * ring.radius_km[1] * unit[1]]), 120
    )
    points[-1] = points[0]
    return points


def town_radius_m(district: District, scale: float) -> float:
    """Radius of a district's built-up disc: 8,000 residents per km2 on the urban share of its people."""
    if district.town_radius_km is not None:
        return 1000.0 * district.town_radius_km * float(np.sqrt(scale))
    share, low = (0.85, 1200.0) if district.kind == "urban" else (0.2, 900.0)
    return float(np.clip(1000.0 * np.sqrt(share * district.population * scale / (8000.0 * np.pi)), low, 9000.0))


@dataclass(frozen=True, slots=True)
class Terrain:
    """Where the town and the water are, in metres on the plane."""

    plane: Plane
    centres: Floats
    radii: Floats
    rivers: tuple[tuple[River, shapely.LineString], ...]
    water: BaseGeometry
    bank: BaseGeometry
    outer: BaseGeometry

    def density(self, points: Floats) -> Floats:
        """1 at the middle of a town, 0 at its edge, negative outside."""
        gaps = np.hypot(points[:, None, 0] - self.centres[None, :, 0], points[:, None, 1] - self.centres[None, :, 1])
        return np.asarray((1.0 - gaps / self.radii[None, :]).max(axis=1))

    def nearest_district(self, points: Floats) -> NDArray[np.int64]:
        """Index of the district whose centre is closest."""
        gaps = np.hypot(points[:, None, 0] - self.centres[None, :, 0], points[:, None, 1] - self.centres[None, :, 1])
        return np.asarray(gaps.argmin(axis=1))


def terrain_of(spec: CitySpec) -> Terrain:
    """Lay out the towns and the rivers."""
    plane = Plane(spec.centre)
    lines = []
    for river in spec.rivers:
        points = plane.metres(river.line)
        for _ in range(3):  # Chaikin's corner cutting: a river has no kinks
            inner = np.stack([0.75 * points[:-1] + 0.25 * points[1:], 0.25 * points[:-1] + 0.75 * points[1:]], axis=1)
            points = np.vstack([points[:1], inner.reshape(-1, 2), points[-1:]])
        lines.append((river, shapely.LineString(resampled(points, 150.0))))
    water = shapely.union_all([line.buffer(river.width_m / 2) for river, line in lines])
    bank = shapely.union_all([line.buffer(river.width_m / 2 + 12.0) for river, line in lines])
    outer = shapely.union_all([shapely.Polygon(ring_line(ring)) for ring in spec.rings])
    shapely.prepare(bank)
    shapely.prepare(outer)
    centres = plane.metres(district.centre for district in spec.districts)
    radii = np.array([town_radius_m(district, spec.scale) for district in spec.districts])
    return Terrain(plane, centres, radii, tuple(lines), water, bank, outer)
