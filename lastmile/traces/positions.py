"""Where a vehicle was at any metre of its way."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lastmile.geo.distances import step_lengths
from lastmile.geo.driven import MatchedTrace
from lastmile.geo.network import RoadNetwork

Floats = NDArray[np.float64]

_APART_M: Final = 1e3  # between parts of a trace on the scale on which places are looked up


@dataclass(frozen=True, slots=True, kw_only=True)
class WayLine:
    """The line of a trace's ways.

    Parameters
    ----------
    lon, lat
        float64 degrees of its points, part after part.
    metres
        float64, how far along the way each point lies, on the scale of the trace's ``at_m``.
    part
        int64, part of each point.
    """

    lon: Floats
    lat: Floats
    metres: Floats
    part: NDArray[np.int64]

    def at(self, metres: Floats, part: NDArray[np.int32]) -> tuple[Floats, Floats]:
        """Degrees of the places so many metres along the way."""
        scale = self.metres + _APART_M * self.part
        sought = metres + _APART_M * part
        return np.interp(sought, scale, self.lon), np.interp(sought, scale, self.lat)


def way_line(network: RoadNetwork, matched: MatchedTrace) -> WayLine:
    """Draw the ways of a trace along their roads, cut where driving begins and ends."""
    edge = matched.edge
    segment = network.edge_segment[edge]
    start, stop = network.segment_geometry[segment], network.segment_geometry[segment + 1]
    size = stop - start
    visit = np.repeat(np.arange(len(edge)), size)
    rank = np.arange(size.sum()) - np.repeat(np.cumsum(size) - size, size)
    point = np.where(network.edge_forward[edge][visit], start[visit] + rank, stop[visit] - 1 - rank)
    lon, lat = network.geometry_lon[point], network.geometry_lat[point]
    steps = np.concatenate(([0.0], step_lengths(lon, lat))) if len(lon) else lon
    steps[rank == 0] = 0.0  # from the last point of one edge to the first of the next
    along = np.cumsum(steps)
    along -= np.repeat(along[rank == 0], size)
    length = network.edge_length_m[edge]
    low, high = (matched.start * length)[visit], (matched.end * length)[visit]
    before = (np.cumsum(matched.metres) - matched.metres)[visit]
    # Points beyond the driven share move to its ends; where these fall between points, they move too.
    clipped = np.clip(along, low, high)
    moved = clipped != along
    if moved.any():
        scale = along + np.cumsum(rank == 0) * (length.max() + 1.0)
        sought = clipped[moved] + (visit[moved] + 1) * (length.max() + 1.0)
        whole = np.interp(sought, scale, lon), np.interp(sought, scale, lat)
        lon, lat = lon.copy(), lat.copy()
        lon[moved], lat[moved] = whole
    return WayLine(lon=lon, lat=lat, metres=before + clipped - low, part=matched.part[visit].astype(np.int64))
