"""Vehicles that are known to have driven: positions along a path at given times, with noise, as a receiver records."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from lastmile.geo.distances import metres_per_degree
from lastmile.geo.fixes import Trace
from lastmile.geo.network import RoadNetwork
from lastmile.output.route_lines import leg_line
from lastmile.plans import Route


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """Edges driven in order, from ``start`` of the first edge's length to ``end`` of the last's; seconds per edge."""

    edges: np.ndarray
    start: float
    end: float
    seconds: np.ndarray

    @property
    def shares(self) -> tuple[np.ndarray, np.ndarray]:
        first, last = np.zeros(len(self.edges)), np.ones(len(self.edges))
        first[0], last[-1] = self.start, self.end
        return first, last

    def metres(self, network: RoadNetwork) -> float:
        first, last = self.shares
        return float(((last - first) * network.edge_length_m[self.edges]).sum())


def at_speed(network: RoadNetwork, edges, *, kmh: float = 36.0, start: float = 0.0, end: float = 1.0) -> Path:
    """A path driven at one speed."""
    edges = np.asarray(edges, dtype=np.int32)
    path = Path(edges=edges, start=start, end=end, seconds=np.empty(0))
    first, last = path.shares
    return Path(edges=edges, start=start, end=end, seconds=(last - first) * network.edge_length_m[edges] / (kmh / 3.6))


def along(network: RoadNetwork, edge: int, share: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Degrees of the points at shares of an edge's length."""
    line = network.segment_line(int(network.edge_segment[edge]))
    if not network.edge_forward[edge]:
        line = line[::-1]
    per_lon, per_lat = metres_per_degree((line[1:, 1] + line[:-1, 1]) / 2)
    steps = np.hypot(np.diff(line[:, 0]) * per_lon, np.diff(line[:, 1]) * per_lat)
    metres = np.concatenate(([0.0], np.cumsum(steps)))
    return np.interp(share * metres[-1], metres, line[:, 0]), np.interp(share * metres[-1], metres, line[:, 1])


def drive(
    network: RoadNetwork,
    path: Path,
    *,
    every_s: float,
    noise_m: float = 0.0,
    depart_s: float = 0.0,
    seed: int = 0,
    stands: tuple[tuple[float, float], ...] = (),
) -> Trace:
    """What a receiver records that errs by ``noise_m`` in either direction.

    ``stands``: (second after departure, seconds) at which the vehicle stops, in order of time.
    """
    passed = np.concatenate(([0.0], np.cumsum(path.seconds)))
    total = passed[-1] + sum(seconds for _, seconds in stands)
    clock = np.arange(0.0, total + 1e-9, every_s)
    moving = clock.copy()
    waited = 0.0
    for second, seconds in stands:
        begins = second + waited
        moving = np.where(clock > begins, np.maximum(moving - seconds, second), moving)
        waited += seconds
    first, last = path.shares
    edge = np.clip(np.searchsorted(passed, moving, side="right") - 1, 0, len(path.edges) - 1)
    done = np.divide(moving - passed[edge], path.seconds[edge], out=np.zeros(len(clock)), where=path.seconds[edge] > 0)
    share = first[edge] + (last[edge] - first[edge]) * np.clip(done, 0.0, 1.0)
    lon, lat = np.empty(len(clock)), np.empty(len(clock))
    for number in np.unique(edge):
        here = edge == number
        lon[here], lat[here] = along(network, int(path.edges[number]), share[here])
    chance = np.random.default_rng(seed)
    per_lon, per_lat = metres_per_degree(lat)
    return Trace(
        lon=lon + chance.normal(0.0, 1.0, len(clock)) * noise_m / per_lon,
        lat=lat + chance.normal(0.0, 1.0, len(clock)) * noise_m / per_lat,
        second=clock + depart_s,
    )


def follow(network: RoadNetwork, route: Route, *, every_s: float, noise_m: float = 0.0, seed: int = 0) -> Trace:
    """What the receiver of a vehicle records that drives a planned route to the second."""
    metres, seconds, points = [0.0], [float(route.stops[0].depart_s)], []
    for leg, stop in zip(route.legs, route.stops[1:], strict=True):
        line = leg_line(network, leg)
        if len(line):
            points.append(line)
        metres += [metres[-1], metres[-1] + leg.distance_m, metres[-1] + leg.distance_m]
        seconds += [float(leg.depart_s), float(leg.arrive_s), float(stop.depart_s)]
    line = np.concatenate(points)
    per_lon, per_lat = metres_per_degree(line[:, 1])
    steps = np.hypot(np.diff(line[:, 0]) * per_lon[1:], np.diff(line[:, 1]) * per_lat[1:])
    along = np.concatenate(([0.0], np.cumsum(steps)))
    clock = np.arange(seconds[0], seconds[-1] + 1e-9, every_s)
    at = np.interp(clock, seconds, metres) * along[-1] / metres[-1]
    chance = np.random.default_rng(seed)
    return Trace(
        lon=np.interp(at, along, line[:, 0]) + chance.normal(0, 1, len(clock)) * noise_m / per_lon[0],
        lat=np.interp(at, along, line[:, 1]) + chance.normal(0, 1, len(clock)) * noise_m / per_lat[0],
        second=clock,
    )


def as_csv(traces: Mapping[str, Trace], *, extra: Mapping[str, str] | None = None) -> str:
    """A table of traces, times as HH:MM:SS; ``extra``: columns that are the same in every row."""
    extra = extra or {}
    rows = [",".join(("vehicle_id", "time", "lon", "lat", *extra))]
    for name, trace in traces.items():
        for lon, lat, second in zip(trace.lon, trace.lat, trace.second, strict=True):
            whole = int(second)
            clock = f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}"
            rows.append(",".join((name, clock, f"{lon:.7f}", f"{lat:.7f}", *extra.values())))
    return "\n".join(rows) + "\n"
