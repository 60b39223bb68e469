"""Metres on the ground between near places."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

_A: Final = 6_378_137.0
_E2: Final = 0.006_694_379_990_14


def metres_per_degree(lat: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Metres in one degree of longitude and of latitude on the WGS-84 ellipsoid, exact for short pieces."""
    sin2 = np.sin(np.radians(lat)) ** 2
    root = np.sqrt(1 - _E2 * sin2)
    per_lon = np.radians(1.0) * _A / root * np.cos(np.radians(lat))
    per_lat = np.radians(1.0) * _A * (1 - _E2) / root**3
    return per_lon, per_lat


def step_lengths(lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.float64]:
    """Metres between neighbouring points of a line."""
    per_lon, per_lat = metres_per_degree((lat[1:] + lat[:-1]) / 2)
    return np.hypot(np.diff(lon) * per_lon, np.diff(lat) * per_lat)
