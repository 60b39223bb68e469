"""Heights of a raster laid on the roads: metres up and down along every segment.

Any free terrain model will do (Copernicus GLO-30, SRTM). One that shows the ground without buildings and trees, or a
smoothed one, keeps noise out of the climbs.
"""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyproj
from numpy.typing import NDArray

from lastmile.errors import InputError
from lastmile.geo.distances import step_lengths
from lastmile.geo.network import RoadNetwork
from lastmile.geo.tags import BRIDGE, TUNNEL

#: A rise or fall within a segment counts from this size on, in metres; what is less is the raster's noise.
THRESHOLD_M: Final = 0.5

_STEP_M: Final = 30.0  # heights are taken at least this often: the cells of the free world-wide rasters
_BLOCK: Final = 200_000  # segments whose points are in memory at once
_MOST_CELLS: Final = 400_000_000  # 1.6 GB
_LOWEST_M, _HIGHEST_M = -500.0, 9_000.0
# A format that names no other files: nothing is read (or downloaded) but what the scenario names.
_DRIVER: Final = "GTiff"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Climbs:
    """Metres up and down every segment.

    Parameters
    ----------
    ascent_m, descent_m
        float32, shape (segments,), neither below 0, along the segment's geometry. Their difference is that of the
        heights of its ends.
    """

    ascent_m: NDArray[np.float32]
    descent_m: NDArray[np.float32]

    def __post_init__(self) -> None:
        for values in (self.ascent_m, self.descent_m):
            values.setflags(write=False)

    def along(self, network: RoadNetwork) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Metres up and down every edge in its own direction, shape (edges,)."""
        ascent, descent = self.ascent_m[network.edge_segment], self.descent_m[network.edge_segment]
        forward = network.edge_forward
        return np.where(forward, ascent, descent), np.where(forward, descent, ascent)


def climbs(network: RoadNetwork, path: Path | str) -> Climbs:
    """Lay the heights of a raster on the roads.

    Heights are sampled bilinearly between the centres of cells, at the points of every segment and at least every 30 m
    between them. Bridges and tunnels are straight between the heights of their ends.

    Rises and falls below :data:`THRESHOLD_M` between two turns of the profile are left out. The difference between the
    ends of a segment always counts, however small: streets are cut at every junction, and a slope that is lost on each
    of twenty blocks would be a hill.

    Parameters
    ----------
    path
        GeoTIFF in any coordinate system; metres in the first band. Heights may count from
        anywhere: only differences matter.

    Raises
    ------
    InputError
        When the file cannot be read, has no coordinate system, does not cover the roads, has no height at one of them
        or none that the Earth has, or when rasterio is not installed.
    """
    path = Path(path)
    heights = _Heights.read(path, network)
    ascent = np.zeros(network.segments, dtype=np.float32)
    descent = np.zeros(network.segments, dtype=np.float32)
    for segments, first, lon, lat in _sampled(network):
        ascent[segments], descent[segments] = _rises(heights.at(lon, lat), first)
    return Climbs(ascent_m=ascent, descent_m=descent)


def _sampled(
    network: RoadNetwork,
) -> Iterator[tuple[slice, NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]]:
    """Blocks of segments: which, where the points of each begin (one more at the end), longitudes and latitudes."""
    spanned = (network.segment_flags & (BRIDGE | TUNNEL)) != 0
    for start in range(0, network.segments, _BLOCK):
        stop = min(start + _BLOCK, network.segments)
        bounds = network.segment_geometry[start : stop + 1]
        lon, lat = (values[bounds[0] : bounds[-1]] for values in (network.geometry_lon, network.geometry_lat))
        starts, sizes = bounds[:-1] - bounds[0], np.diff(bounds)
        keep = np.ones(len(lon), dtype=bool)
        keep &= ~np.repeat(spanned[start:stop], sizes)
        keep[starts] = keep[starts + sizes - 1] = True
        owner = np.repeat(np.arange(stop - start), sizes)[keep]
        lon, lat = lon[keep], lat[keep]
        # Every point but a segment's last is followed by the points between it and the next.
        parts = np.ones(len(lon), dtype=np.int64)
        parts[:-1] = np.maximum(np.ceil(step_lengths(lon, lat) / _STEP_M), 1)
        last = np.append(owner[1:] != owner[:-1], True)
        parts[last | spanned[start:stop][owner]] = 1
        share = _counted(parts) / np.repeat(parts, parts)
        at = np.repeat(np.arange(len(lon)), parts)
        following = np.minimum(at + 1, len(lon) - 1)
        first = np.concatenate(([0], np.cumsum(np.bincount(owner, weights=parts, minlength=stop - start))))
        yield (
            slice(start, stop),
            first.astype(np.int64),
            lon[at] + share * (lon[following] - lon[at]),
            lat[at] + share * (lat[following] - lat[at]),
        )


def _counted(parts: NDArray[np.int64]) -> NDArray[np.int64]:
    """0, 1, .. below each number, one after the other."""
    counted: NDArray[np.int64] = np.arange(parts.sum()) - np.repeat(np.cumsum(parts) - parts, parts)
    return counted


def _rises(height: NDArray[np.float64], first: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Metres up and down along each profile ``height[first[i]:first[i + 1]]``, without what is less than the threshold.

    One pass over all profiles at once: each knows the last turn that counts, and the furthest it has come since. When
    it comes back from there by the threshold, that was the next turn.
    """
    count = np.diff(first)
    order = np.argsort(-count, kind="stable")  # the longest first, so that those still going on are the first ones
    begin = height[first[:-1]][order]
    turn, top, bottom = begin.copy(), begin.copy(), begin.copy()
    trend = np.zeros(len(order), dtype=np.int8)  # 0 where the profile has not left its beginning by the threshold
    up, down = np.zeros(len(order)), np.zeros(len(order))
    longest = int(count.max(initial=0))
    going = np.searchsorted(-count[order], -np.arange(longest), side="left")  # profiles that have a k-th point
    for k in range(1, longest):
        n = going[k]
        now = height[first[:-1][order[:n]] + k]
        top[:n], bottom[:n] = np.maximum(top[:n], now), np.minimum(bottom[:n], now)
        falls = (trend[:n] >= 0) & (top[:n] - now >= THRESHOLD_M)
        rises = (trend[:n] <= 0) & (now - bottom[:n] >= THRESHOLD_M) & ~falls
        over, under = np.flatnonzero(falls & (trend[:n] > 0)), np.flatnonzero(rises & (trend[:n] < 0))
        up[over] += top[over] - turn[over]
        turn[over] = top[over]
        down[under] += turn[under] - bottom[under]
        turn[under] = bottom[under]
        trend[:n][falls], trend[:n][rises] = -1, 1
        changed = np.flatnonzero(falls | rises)
        top[changed] = bottom[changed] = now[changed]
    left = height[first[1:] - 1][order] - turn
    ascent, descent = np.empty_like(up), np.empty_like(down)
    ascent[order], descent[order] = up + np.maximum(left, 0), down + np.maximum(-left, 0)
    return ascent, descent


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Heights:
    """The part of a raster in which the roads lie."""

    path: Path
    cells: NDArray[np.float32]  # NaN where there is no height
    to_crs: pyproj.Transformer
    to_cell: tuple[float, ...]  # a to f of the affine map from (x, y) to (column, row) of the whole raster
    corner: tuple[int, int]  # column and row at which the part begins
    shape: tuple[int, int]  # columns and rows of the whole raster

    @classmethod
    def read(cls, path: Path, network: RoadNetwork) -> "_Heights":
        try:
            import rasterio
            from rasterio.errors import NotGeoreferencedWarning, RasterioError
            from rasterio.windows import Window
        except ImportError as error:
            raise InputError.single(
                place=str(path),
                cause="rasterio, which reads rasters of heights, is not installed",
                remedy="pip install 'lastmile[elevation]', or leave map.elevation out: the land is then flat",
            ) from error
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", NotGeoreferencedWarning)  # said below, as a fault
                raster = rasterio.open(path.resolve(), driver=_DRIVER)
            with raster:
                to_crs = _transformer(path, raster.crs)
                if raster.transform.is_degenerate:
                    raise ValueError("its cells have no size")
                to_cell, shape = tuple(~raster.transform)[:6], (raster.width, raster.height)
                column, row = _placed(to_crs, to_cell, network.geometry_lon, network.geometry_lat)
                _covered(path, network, column, row, shape)
                left, upper = max(int(column.min()) - 2, 0), max(int(row.min()) - 2, 0)
                width = min(int(column.max()) + 3, raster.width) - left
                height = min(int(row.max()) + 3, raster.height) - upper
                if width * height > _MOST_CELLS:
                    raise InputError.single(
                        place=str(path),
                        cause=f"the roads lie on {width:,} by {height:,} cells, more than fit into memory",
                        remedy="resample the raster to cells of 10 m or more",
                    )
                band = raster.read(1, window=Window(left, upper, width, height), masked=True)
                cells = band.astype(np.float32).filled(np.nan) * raster.scales[0] + raster.offsets[0]
        except (RasterioError, OSError, ValueError) as error:
            raise InputError.single(
                place=str(path),
                cause=f"the raster cannot be read: {error}",
                remedy="give a whole GeoTIFF with heights in metres (gdal_translate makes one of other formats)",
            ) from error
        cells = cells.astype(np.float32)
        return cls(path=path, cells=cells, to_crs=to_crs, to_cell=to_cell, corner=(left, upper), shape=shape)

    def at(self, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.float64]:
        """Heights by bilinear sampling; in the outer half of the cells at the raster's edge those of their centres."""
        column, row = _placed(self.to_crs, self.to_cell, lon, lat)
        rows, columns = self.cells.shape
        x = np.clip(column - 0.5, 0, self.shape[0] - 1) - self.corner[0]
        y = np.clip(row - 0.5, 0, self.shape[1] - 1) - self.corner[1]
        left, upper = (np.floor(values).astype(np.int64) for values in (x, y))
        x, y = x - left, y - upper
        height = np.zeros(len(lon))
        for dx, dy, weight in ((0, 0, (1 - x) * (1 - y)), (1, 0, x * (1 - y)), (0, 1, (1 - x) * y), (1, 1, x * y)):
            cell = self.cells[np.minimum(upper + dy, rows - 1), np.minimum(left + dx, columns - 1)]
            height += np.where(weight > 0, weight * cell, 0)  # a cell without height next to the place does not matter
        wrong = np.flatnonzero(~((height >= _LOWEST_M) & (height <= _HIGHEST_M)))
        if len(wrong):
            at = wrong[0]
            found = "no height" if np.isnan(height[at]) else f"the height {height[at]:,.0f} m"
            raise InputError.single(
                place=str(self.path),
                cause=f"the raster has {found} on the road at lon {lon[at]:.5f}, lat {lat[at]:.5f} "
                f"(and at {len(wrong) - 1:,} places after it)",
                remedy="fill its gaps (gdal_fillnodata), declare its nodata value, and give heights in metres",
            )
        return height


def _placed(
    to_crs: pyproj.Transformer, to_cell: tuple[float, ...], lon: NDArray[np.float64], lat: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Columns and rows of places, 0 at the raster's outer edge; infinite where its system has no such place."""
    x, y = to_crs.transform(lon, lat)
    a, b, c, d, e, f = to_cell
    return np.asarray(a * x + b * y + c), np.asarray(d * x + e * y + f)


def _transformer(path: Path, crs: Any) -> pyproj.Transformer:
    if crs is None:
        raise InputError.single(
            place=str(path),
            cause="the raster does not say its coordinate system",
            remedy="declare it (gdal_edit -a_srs EPSG:n), it is never assumed",
        )
    try:
        return pyproj.Transformer.from_crs("EPSG:4326", pyproj.CRS.from_wkt(crs.to_wkt()).to_2d(), always_xy=True)
    except pyproj.exceptions.ProjError as error:
        raise InputError.single(
            place=str(path),
            cause=f"the raster's coordinate system cannot be used: {error}",
            remedy="warp it to EPSG:4326 or a UTM zone (gdalwarp -t_srs)",
        ) from error


def _covered(
    path: Path,
    network: RoadNetwork,
    column: NDArray[np.float64],
    row: NDArray[np.float64],
    shape: tuple[int, int],
) -> None:
    """Raise InputError where roads lie off the raster."""
    off = ~((column >= 0) & (column <= shape[0]) & (row >= 0) & (row <= shape[1]))
    if off.any():
        at = int(off.argmax())
        raise InputError.single(
            place=str(path),
            cause=f"the raster does not cover the roads: {int(off.sum()):,} of {len(off):,} points lie off it, "
            f"the first at lon {network.geometry_lon[at]:.5f}, lat {network.geometry_lat[at]:.5f}",
            remedy="give a raster of the whole map ({:.3f}, {:.3f} to {:.3f}, {:.3f}), with its true "
            "coordinate system".format(*network.bounds),
        )
