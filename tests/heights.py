"""Rasters of heights written for tests."""

import numpy as np
import rasterio
from rasterio.transform import Affine


def write_raster(path, cells, *, west, north, step, crs="EPSG:4326", transform=None, **profile):
    """A GeoTIFF of square cells, first row in the north; ``west`` and ``north`` are its outer edges."""
    cells = np.asarray(cells, dtype=np.float32)
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        count=1,
        dtype="float32",
        width=cells.shape[1],
        height=cells.shape[0],
        crs=crs,
        transform=transform or Affine(step, 0, west, 0, -step, north),
        **profile,
    ) as raster:
        raster.write(cells, 1)
    return path
