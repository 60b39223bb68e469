"""The road under a plan's legs: points along the network's edges, cut where a leg starts and ends."""

import numpy as np
from numpy.typing import NDArray

from lastmile.geo.distances import metres_per_degree
from lastmile.geo.network import RoadNetwork
from lastmile.plans import Leg, Route

Points = NDArray[np.float64]


def leg_line(network: RoadNetwork, leg: Leg) -> Points:
    """Points (lon, lat) of a leg along its roads, shape (n, 2); no points where the leg stays in one position.

    Raises
    ------
    ValueError
        When the leg names edges that the network does not have: plan and network do not belong together.
    """
    if not leg.edges:
        return np.empty((0, 2))
    if not 0 <= min(leg.edges) <= max(leg.edges) < network.edges:
        raise ValueError(f"the plan's edges do not fit the network: {max(leg.edges)} of {network.edges} edges")
    parts = []
    last = len(leg.edges) - 1
    for position, edge in enumerate(leg.edges):
        points = network.segment_line(int(network.edge_segment[edge]))
        if not network.edge_forward[edge]:
            points = points[::-1]
        start = leg.start_fraction if position == 0 else 0.0
        end = leg.end_fraction if position == last else 1.0
        if start > 0.0 or end < 1.0:
            points = _cut(points, start, end)
        # The first point of an edge is the last of the edge before it.
        parts.append(points if position == 0 else points[1:])
    return np.concatenate(parts)


def route_line(network: RoadNetwork, route: Route) -> Points:
    """Points (lon, lat) of a whole route, leg after leg; fewer than two where the vehicle never leaves its position."""
    parts = [line for line in (leg_line(network, leg) for leg in route.legs) if len(line)]
    if not parts:
        return np.empty((0, 2))
    points = np.concatenate(parts)
    moved = np.ones(len(points), dtype=bool)
    moved[1:] = (np.diff(points, axis=0) != 0.0).any(axis=1)
    return points[moved]


def _cut(points: Points, start: float, end: float) -> Points:
    """The part of a line between two shares of its length."""
    per_lon, per_lat = metres_per_degree((points[1:, 1] + points[:-1, 1]) / 2)
    steps = np.hypot(np.diff(points[:, 0]) * per_lon, np.diff(points[:, 1]) * per_lat)
    along = np.concatenate(([0.0], np.cumsum(steps)))
    if along[-1] == 0.0:
        return points[[0, -1]]
    along /= along[-1]
    inner = points[(along > start) & (along < end)]
    ends = np.column_stack([np.interp((start, end), along, points[:, axis]) for axis in (0, 1)])
    return np.concatenate((ends[:1], inner, ends[1:]))
