"""From the places that a vehicle's receiver recorded to the roads it drove: map matching.

The model is that of Newson and Krumm [1]_: states are positions on directed edges near each place, a place lies around
its position with a Gaussian error, and the way between two positions differs from the straight line between their
places by an exponentially distributed length. The compiled core finds the most probable positions.

Vehicles are matched to the roads that their class may ever use, whatever zones and hours say: an audit must see who
drove where it is closed. Who drives against a one-way street, or where the map has no road, is not seen: such a drive
is matched to permitted roads nearby, or breaks the trace. Of two roads above each other, an elevated road and the
street of the same course below, places do not tell which was driven.

Share of road matched wrongly (missed and added metres over the true ones), of 40 fastest drives over 3 km through Porto
Alegre with Gaussian noise in either direction and the deviation estimated: 0.003 at 5 m every second or every five,
0.014 at 10 m every ten seconds, 0.022 at 10 m every thirty, 0.015 at 20 m every second, 0.06 at 20 m every thirty.

References
----------
.. [1] Newson, Krumm (2009). Hidden Markov map matching through noise and sparseness. doi:10.1145/1653771.1653818
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

from lastmile import _core
from lastmile.geo.driven import (
    LEFT_OUT,
    MATCHED,
    OFF_ROAD,
    MatchedTrace,
    Ways,
    crossing_times,
    join_ways,
    without_empty,
)
from lastmile.geo.fixes import Fixes, Floats, Places, Trace, gather
from lastmile.geo.network import RoadNetwork
from lastmile.geo.snapping import EdgePoints, Snapper
from lastmile.geo.tags import Mode

#: Kilometres an hour that no vehicle of the class exceeds: a way that would need more was not driven.
FASTEST_KMH: Final[dict[Mode, float]] = {
    "walk": 15.0, "e_trike": 60.0, "e_van": 150.0, "truck_light": 130.0, "truck_medium": 120.0
}  # fmt: skip
#: What an estimated deviation is kept within: the map's own error, and more than a receiver's between houses.
SIGMA_M: Final = (3.0, 30.0)
_MAD: Final = 1.4826  # median absolute deviation -> standard deviation of a Gaussian
_FIRST_GUESS_M: Final = 20.0  # places this far apart are asked for the first estimate of the deviation
_FIRST_GUESS: Final = 500  # no more of them
_ROUNDS: Final = 3  # of estimating it anew from what was matched
_CHANGE: Final = 1.2  # factor by which an estimate must change to match again
_TOGETHER_SIGMAS: Final = 4.0
_RADIUS_SIGMAS: Final = 4.0
_RADIUS_M: Final = 30.0
# Times the sum of two places' deviations; the difference of their errors as good as never is more.
_SLACK: Final = 2.0
_BACKTRACK: Final = 4.0
_TURN_M: Final = 20.0  # turning around counts as so much more than going back by noise
_SKIP: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchSettings:
    """What the matching takes for possible and for probable.

    Parameters
    ----------
    sigma_m
        Standard deviation of a fix in either direction. Where None, that of each trace is estimated: from the distances
        to the nearest roads at first, then from those to the roads matched (:func:`estimate_sigma`), and kept within
        :data:`SIGMA_M`.
    beta_sigmas, beta_per_metre
        Mean difference between a way and the straight line between its places: so many sigma, and so much for each
        metre of the line. The paper has one value for each sampling interval; what grows with the interval is the
        line, which also holds where intervals vary.
    radius_m
        How far from a place its road may be; where None, 4 sigma but at least 30 m.
    candidates
        Roads looked at for each place, the nearest ones.
    gap_s
        A longer silence between two places splits a trace: what was driven in it is not guessed.
    excess_m
        A way longer than the straight line by more was not driven.
    fastest_kmh
        Speed that is never exceeded; where None, that of :data:`FASTEST_KMH`.
    """

    sigma_m: float | None = None
    beta_sigmas: float = 1.0
    beta_per_metre: float = 0.05
    radius_m: float | None = None
    candidates: int = 8
    gap_s: float = 180.0
    excess_m: float = 2000.0
    fastest_kmh: float | None = None

    def __post_init__(self) -> None:
        for name in ("sigma_m", "beta_sigmas", "radius_m", "candidates", "gap_s", "excess_m", "fastest_kmh"):
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise ValueError(f"{name} must be above 0, got {value}")
        if not 0 <= self.beta_per_metre < math.inf:
            raise ValueError(f"beta_per_metre must not be negative, got {self.beta_per_metre}")


_DEFAULT: Final = MatchSettings()


def estimate_sigma(distance_m: Floats) -> float:
    """Standard deviation of fixes from their distances to the road, robust against outliers: 1.4826 times the median.

    Section 5.1 of the paper (see the module). Distances to the nearest road understate it where roads lie closer
    together than the error, and overstate it for a vehicle that stands away from the road.

    Raises
    ------
    ValueError
        When there is no distance.
    """
    if not len(distance_m):
        raise ValueError("no distance to estimate from")
    return _MAD * float(np.median(distance_m))


class Matcher:
    """Matches traces of one mode on one network; the graph and its index are made once."""

    def __init__(self, network: RoadNetwork, mode: Mode, *, threads: int = 1) -> None:
        self.network = network
        self.mode = mode
        self.snapper = Snapper(network, mode)
        self._threads = threads
        self._graph = _core.Graph(network.first_out, network.edge_target)
        self._length = np.ascontiguousarray(network.edge_length_m)
        millimetres = np.minimum(np.rint(self._length * 1000), _core.UNREACHABLE - 1)
        permitted = network.permitted(mode)
        self._weight = np.where(permitted, millimetres, -1).astype(np.int32)
        self._reverse = _other_directions(network, permitted)

    def match(self, traces: Sequence[Trace], settings: MatchSettings = _DEFAULT) -> tuple[MatchedTrace, ...]:
        """Match traces, each on its own: alone or among others, the result is the same.

        Raises
        ------
        ValueError
            When the mode may use no road.
        """
        if not self.snapper.usable:
            raise ValueError(f"the network has no road for {self.mode}")
        estimated = [settings.sigma_m is None and trace.deviation_m is None and len(trace) > 0 for trace in traces]
        sigma = np.array(
            [
                self._first_guess(trace) if unknown else settings.sigma_m or SIGMA_M[0]
                for trace, unknown in zip(traces, estimated, strict=True)
            ]
        )
        made: dict[int, MatchedTrace] = {}
        pending = list(range(len(traces)))
        for _ in range(_ROUNDS):
            found = self._match([traces[i] for i in pending], sigma[pending], settings) if pending else []
            again = []
            for i, (matched, away_m) in zip(pending, found, strict=True):
                made[i] = matched
                if estimated[i] and len(away_m):
                    better = float(np.clip(estimate_sigma(away_m), *SIGMA_M))
                    if max(better / sigma[i], sigma[i] / better) > _CHANGE:
                        sigma[i] = better
                        again.append(i)
            pending = again
        return tuple(made[i] for i in range(len(traces)))

    def _first_guess(self, trace: Trace) -> float:
        """Deviation by the distances to the nearest roads, of places apart: where it stood, many fixes tell of one."""
        fixes = Fixes.of([trace], np.array([SIGMA_M[0]]))
        first = gather(fixes, np.full(len(fixes), _FIRST_GUESS_M)).first[:-1]
        first = first[:: len(first) // _FIRST_GUESS + 1]
        near = self.snapper.snap(trace.lon[first], trace.lat[first]).distance_m
        return float(np.clip(estimate_sigma(near), *SIGMA_M))

    def _match(
        self, traces: Sequence[Trace], sigma_m: Floats, settings: MatchSettings
    ) -> list[tuple[MatchedTrace, Floats]]:
        """Every trace's roads, and the distances of its fixes to them."""
        fixes = Fixes.of(traces, sigma_m)
        places = gather(fixes, _TOGETHER_SIGMAS * fixes.deviation_m)
        offset, points = self.snapper.near(
            places.lon,
            places.lat,
            radius_m=settings.radius_m or np.maximum(_RADIUS_M, _RADIUS_SIGMAS * places.deviation_m),
            most=settings.candidates,
        )
        on_road = np.flatnonzero(np.diff(offset) > 0)
        candidates = _Candidates.of(offset[np.append(on_road, -1)], points)
        chosen, broken, turned, rows, edges = _core.match(
            self._graph,
            self._weight,
            self._reverse,
            trace=_runs(fixes, places, on_road, settings.gap_s),
            x=places.x[on_road],
            y=places.y[on_road],
            second=places.second[on_road],
            deviation=places.deviation_m[on_road],
            offset=candidates.offset,
            edge=candidates.edge,
            fraction=candidates.fraction,
            distance=candidates.distance_m,
            beta=0.0,
            beta_per_deviation=settings.beta_sigmas,
            beta_per_metre=settings.beta_per_metre,
            excess=settings.excess_m,
            speed=(settings.fastest_kmh or FASTEST_KMH[self.mode]) / 3.6,
            slack=_SLACK,
            backtrack=_BACKTRACK,
            turn=_TURN_M,
            skip=_SKIP,
            threads=self._threads,
        )
        found = chosen >= 0
        # Nothing leads to a place that was left out, so the rows of the others follow each other without a hole.
        ways = join_ways(
            candidates.fraction[chosen[found]],
            broken[found].astype(bool),
            turned[found].astype(bool),
            rows[np.append(found, True)],
            edges,
            self._length,
        )
        state = np.full(len(places), OFF_ROAD, dtype=np.int8)
        state[on_road] = np.where(found, MATCHED, LEFT_OUT)
        matched = np.flatnonzero(state == MATCHED)
        progress = self._progress(fixes, places, matched, candidates.distance_m[chosen[found]], ways)
        return self._split(fixes, np.repeat(state, np.diff(places.first)), progress, ways)

    def _progress(
        self, fixes: Fixes, places: Places, matched: NDArray[np.int64], distance_m: Floats, ways: Ways
    ) -> "_Progress":
        """How far along its way the vehicle was at every fix of a matched place: on the nearest point of the way there.

        Fixes before a place's mean time lie on the way to it, those after it on the way to the next.
        """
        size = np.diff(places.first)[matched]
        place = np.repeat(np.arange(len(matched)), size)
        fix = np.repeat(places.first[matched] - np.cumsum(size) + size, size) + np.arange(size.sum())
        leg = place + (fixes.second[fix] > places.second[matched][place])
        rows = np.append(ways.piece_offset, ways.piece_offset[-1:])
        count = np.where(size[place] > 1, rows[leg + 1] - rows[leg], 0)  # a fix by itself lies where its place does
        metres, away = ways.fix_m[place], distance_m[place]
        of = np.repeat(np.arange(len(fix)), count)
        if len(of):
            piece = np.repeat(rows[leg] - np.cumsum(count) + count, count) + np.arange(len(of))
            visit = ways.piece_visit[piece]
            edge = ways.edge[visit]
            points = self.snapper.on_segments(self.network.edge_segment[edge], fixes.lon[fix[of]], fixes.lat[fix[of]])
            along = np.where(self.network.edge_forward[edge], points.fraction, 1.0 - points.fraction)
            clipped = np.clip(along, ways.piece_start[piece], ways.piece_end[piece])
            off = points.distance_m + np.abs(along - clipped) * self._length[edge]
            best = np.lexsort((piece, off, of))[np.concatenate(([0], np.flatnonzero(np.diff(of)) + 1))]
            visit = visit[best]
            on_edge = np.maximum(clipped[best] - ways.start[visit], 0.0) * self._length[edge[best]]
            metres[of[best]] = ways.after_m[visit] - ways.metres[visit] + on_edge
            away[of[best]] = points.distance_m[best]
        return _Progress(fix=fix, metres=metres, part=ways.fix_part[place], away_m=away)

    def _split(
        self, fixes: Fixes, state: NDArray[np.int8], progress: "_Progress", ways: Ways
    ) -> list[tuple[MatchedTrace, Floats]]:
        """Put times on the ways, and hand each trace its own."""
        ways = without_empty(ways, self._length)
        bounds = np.searchsorted(progress.fix, fixes.offset)
        made = []
        for i in range(len(fixes.offset) - 1):
            own, given = slice(bounds[i], bounds[i + 1]), slice(fixes.offset[i], fixes.offset[i + 1])
            part = progress.part[own]
            first = int(part[0]) if len(part) else 0
            visits = slice(*np.searchsorted(ways.part, (first, int(part[-1]) + 1 if len(part) else 0)))
            at_s = fixes.second[progress.fix[own]]
            # Noise moves fixes to and fro on the way: of all that never go back, these lie nearest to them.
            at_m = isotonic_regression(progress.metres[own]).x if len(part) else np.empty(0)
            metres, parts = ways.metres[visits], ways.part[visits] - first
            before = ways.after_m[visits][0] - metres[0] if len(metres) else at_m[0] if len(at_m) else 0.0
            at_m = at_m - before
            enter, leave = crossing_times(np.cumsum(metres), parts, at_s, at_m, part - first)
            matched = MatchedTrace(
                edge=ways.edge[visits],
                start=ways.start[visits],
                end=ways.end[visits],
                metres=metres,
                enter_s=enter,
                leave_s=leave,
                part=parts.astype(np.int32),
                at_s=at_s,
                at_m=at_m,
                at_part=(part - first).astype(np.int32),
                state=state[given],
                sigma_m=float(np.median(fixes.deviation_m[given])) if len(state[given]) else SIGMA_M[0],
            )
            made.append((matched, progress.away_m[own]))
        return made


@dataclass(frozen=True, slots=True, kw_only=True)
class _Candidates:
    """Positions on directed edges, in compressed rows by place."""

    offset: NDArray[np.int64]
    edge: NDArray[np.int32]
    fraction: Floats
    distance_m: Floats

    @classmethod
    def of(cls, offset: NDArray[np.int64], points: EdgePoints) -> "_Candidates":
        edge = np.column_stack((points.forward, points.backward)).ravel()
        fraction = np.column_stack((points.fraction, 1.0 - points.fraction)).ravel()
        there = edge >= 0
        return cls(
            offset=np.concatenate(([0], np.cumsum(there)))[2 * offset],
            edge=edge[there],
            fraction=fraction[there],
            distance_m=np.repeat(points.distance_m, 2)[there],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Progress:
    """Fixes of matched places, how far along the way (counted over the batch) they lie, and how far from it."""

    fix: NDArray[np.int64]
    metres: Floats
    part: NDArray[np.int64]
    away_m: Floats


def _other_directions(network: RoadNetwork, permitted: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Of every edge, the permitted edge of its segment's other direction; -1 where there is none."""
    edges = np.flatnonzero(permitted).astype(np.int32)
    way = np.where(network.edge_forward[edges], 1, 0)
    there = np.full((2, network.segments), -1, dtype=np.int32)
    there[way, network.edge_segment[edges]] = edges
    other: NDArray[np.int32] = there[np.where(network.edge_forward, 0, 1), network.edge_segment]
    return other


def _runs(fixes: Fixes, places: Places, on_road: NDArray[np.int64], gap_s: float) -> NDArray[np.int64]:
    """Where a trace, or the first place after a silence, begins among the places on a road; and their number."""
    begins = np.ones(len(on_road), dtype=bool)
    silence = fixes.second[places.first[on_road[1:]]] - fixes.second[places.first[on_road[:-1] + 1] - 1]
    begins[1:] = (places.trace[on_road[1:]] != places.trace[on_road[:-1]]) | (silence > gap_s)
    return np.append(np.flatnonzero(begins), len(on_road)).astype(np.int64)
