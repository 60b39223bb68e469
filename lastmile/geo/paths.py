"""Travel tables, catchments and paths: the Python face of the compiled searches."""

import copy
import math
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lastmile import _core
from lastmile.geo.access import Access, Period, Profile
from lastmile.geo.elevation import Climbs
from lastmile.geo.energy import EdgeEnergy, flat_energy, physical_energy
from lastmile.geo.network import RoadNetwork
from lastmile.geo.ordering import make_hierarchy
from lastmile.geo.snapping import EdgePoints
from lastmile.geo.speeds import Regime
from lastmile.geo.tags import MODES, Mode
from lastmile.geo.travel import UNREACHABLE, Matrices, Travel
from lastmile.scenario import Physics, VehicleClass, VehicleType

# Units of the compiled sums: centimetres and hundredths of a watt-hour, so that a continent fits into 32 bits.
_PER_M: Final = 100.0
_PER_WH: Final = 100.0
_INT32: Final = np.iinfo(np.int32)
# What a vehicle is loaded with to learn what a kilogram takes: its payload, this where none is stated, and never so
# much that sums leave 32 bits.
_LOAD_KG: Final = 1_000.0
_MOST_LOAD_KG: Final = 20_000.0

_Key = tuple[Profile, tuple[Period, ...]]
_LoadedKey = tuple[Profile, tuple[Period, ...], float]  # with what is aboard, kg


@dataclass(frozen=True, slots=True, kw_only=True)
class Catchments:
    """Which targets each origin reaches on foot, as compressed rows: ``target[offset[i]:offset[i + 1]]``, metres."""

    offset: NDArray[np.int64]
    target: NDArray[np.int32]
    metres: NDArray[np.float64]

    def rows(self) -> NDArray[np.int64]:
        """The origin of every entry."""
        return np.repeat(np.arange(len(self.offset) - 1), np.diff(self.offset))


class Roads:
    """A network ready for searches: graph and edge weights are made once and shared by all queries.

    Parameters
    ----------
    order
        :attr:`order` of the same network, kept from an earlier run: int32, shape (nodes,). Finding it is the one slow
        step; any permutation gives the same answers, a poor one slowly.
    climbs
        Metres up and down, for vehicles with ``battery.physics``; flat where None.

    Raises
    ------
    ValueError
        On first use, when ``order`` does not name every node once.
    """

    def __init__(
        self,
        network: RoadNetwork,
        access: Access,
        *,
        threads: int = 1,
        order: NDArray[np.int32] | None = None,
        climbs: Climbs | None = None,
    ) -> None:
        self.network = network
        self.access = access
        self.threads = threads
        self.climbs = climbs
        self._known_order = order
        self._graph = _core.Graph(network.first_out, network.edge_target)
        self._length = np.ascontiguousarray(network.edge_length_m)
        self._centimetres = np.rint(self._length * _PER_M).astype(np.int32)
        # By rules and speed tables alone: shared with what :meth:`altered` makes.
        self._ruled: dict[_Key, NDArray[np.int32]] = {}
        self._paces: dict[tuple[Mode, Regime], NDArray[np.int32]] = {}
        # What is known of edges now, per mode: 0 nothing, -1 closed, else milliseconds.
        self._live: dict[Mode, NDArray[np.int32]] = {}
        self._weights: dict[_Key, NDArray[np.int32]] = {}
        self._metrics: dict[_LoadedKey, _core.Metric] = {}
        self._physical: dict[_Key, EdgeEnergy] = {}
        self.periods = access.periods

    def altered(self, edges: ArrayLike, time_ms: ArrayLike, *, mode: VehicleClass | None = None) -> "Roads":
        """These roads with what is known now: closures, and live speeds in place of the tables'.

        Made in a fraction of the time that new roads take: network, order and hierarchy are shared, and tables of
        weights that are in use already are copied and mended where the edges matter. This object stays as it is.
        Whatever is altered holds at all hours. Rules still hold: an edge that is closed to a profile stays closed.
        Walking is not affected.

        Parameters
        ----------
        edges
            int32, shape (k,). Of an edge that is named twice the last counts.
        time_ms
            int32, shape (k,): milliseconds from end to end, at least 1, or -1 where the edge is closed.
        mode
            The class of vehicles whose times they are; closures and times for all where None.

        Raises
        ------
        ValueError
            When an edge does not exist, a time is neither -1 nor positive, or their numbers differ.
        """
        given, known = (np.asarray(values, dtype=np.int64) for values in (edges, time_ms))
        if given.ndim != 1 or given.shape != known.shape:
            raise ValueError(f"altered: one time per edge is needed, got {given.shape} edges and {known.shape} times")
        if ((given < 0) | (given >= self.network.edges)).any():
            raise ValueError(f"altered: edges are numbered from 0 to {self.network.edges - 1}")
        if (((known < 1) & (known != -1)) | (known > np.iinfo(np.int32).max)).any():
            raise ValueError(
                "altered: a time is at least 1 ms and fits into 32 bits, or is -1 where the edge is closed"
            )
        chosen, times = given.astype(np.int32), known.astype(np.int32)
        _ = self._hierarchy  # made now if it has not been, so that it is shared
        other = copy.copy(self)
        other._live = dict(self._live)
        for changed in MODES if mode is None else (mode,):
            live = self._live.get(changed)
            live = np.zeros(self.network.edges, dtype=np.int32) if live is None else live.copy()
            live[chosen] = times
            other._live[changed] = live
        other._weights, other._metrics, other._physical = {}, {}, {}
        for key, metric in self._metrics.items():
            if mode is None or key[0].mode == mode:
                mended = metric.copy()
                mended.update(chosen, *(values[chosen] for values in other._sums(*key)))
                other._metrics[key] = mended
            else:
                other._metrics[key] = metric
        return other

    def weights(self, profile: Profile, over: tuple[Period, ...]) -> NDArray[np.int32]:
        """Milliseconds per edge that hold throughout the given periods: the slowest of them, -1 if closed in any.

        What is possible with these is possible at every moment of the periods.
        """
        if not over:
            raise ValueError("weights: at least one period is needed")
        key = (profile, over)
        found = self._weights.get(key)
        if found is None:
            found, live = self._by_rules(profile, over), self._live.get(profile.mode)
            if live is not None:
                found = np.where((live == 0) | (found < 0), found, live)
                found.setflags(write=False)
            self._weights[key] = found
        return found

    def _by_rules(self, profile: Profile, over: tuple[Period, ...]) -> NDArray[np.int32]:
        """The weights by rules and speed tables alone."""
        key = (profile, over)
        found = self._ruled.get(key)
        if found is None:
            found = np.zeros(self.network.edges, dtype=np.int32)
            for regime in {period.regime for period in over}:
                np.maximum(found, self._times(profile, regime), out=found)
            for period in over:
                found[self.access.closed_edges(profile, period)] = -1
            found.setflags(write=False)
            self._ruled[key] = found
        return found

    @property
    def order(self) -> NDArray[np.int32]:
        """Nodes by ascending rank in the hierarchy: int32, shape (nodes,)."""
        return self._hierarchy.order

    @cached_property
    def _hierarchy(self) -> _core.Hierarchy:
        """The shape of the searches: made once, whatever the vehicle and the hour."""
        return make_hierarchy(self.network, self._known_order, threads=self.threads)

    def energy(self, profile: Profile, over: tuple[Period, ...]) -> EdgeEnergy:
        """Energy of every edge that is enough throughout the given periods: per edge the largest of their regimes'.

        The slowest regime, whose times :meth:`weights` holds, is not the one that takes most: its air resists less,
        but its auxiliaries run longer. Where a live time is known (:meth:`altered`), auxiliaries run for it, and the
        speed is no less than it says.
        """
        physics = _physics(profile.vehicle)
        if physics is None:
            return flat_energy(self.network, profile.vehicle.battery)
        if not over:
            raise ValueError("energy: at least one period is needed")
        found = self._physical.get((profile, over))
        if found is None:
            for regime in dict.fromkeys(period.regime for period in over):
                one = self._in_regime(profile, physics, regime)
                found = one if found is None else found.at_most(one)
            assert found is not None
            self._physical[profile, over] = found
        return found

    def _in_regime(self, profile: Profile, physics: Physics, regime: Regime) -> EdgeEnergy:
        kmh, time = self.access.kmh(profile.vehicle.vehicle_class, regime), self._times(profile, regime)
        live = self._live.get(profile.mode)
        if live is not None:
            known = live > 0
            time = np.where(known, live, time)
            kmh = np.where(known, np.maximum(kmh, self._length * 3600 / time), kmh)
        return physical_energy(self.network, physics, kmh=kmh, time_ms=time, climbs=self.climbs)

    def _metric(self, profile: Profile, over: tuple[Period, ...], load_kg: float = 0.0) -> _core.Metric:
        """Time, length and energy laid on the hierarchy for one profile throughout the periods."""
        key = (profile, over, load_kg)
        found = self._metrics.get(key)
        if found is None:
            found = self._metrics[key] = _core.Metric(self._hierarchy, *self._sums(*key))
        return found

    def _sums(
        self, profile: Profile, over: tuple[Period, ...], load_kg: float
    ) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
        """What every edge adds to a path's sums: milliseconds, centimetres, hundredths of a watt-hour."""
        energy = self.energy(profile, over)
        if _physics(profile.vehicle) is None:
            hundredths = np.rint(energy.empty_wh * _PER_WH)
        else:
            # Rounded up, so that many short edges do not promise more than the battery gives.
            exact = np.ceil((energy.empty_wh + energy.wh_per_kg * load_kg) * _PER_WH)
            hundredths = np.clip(exact, _INT32.min, _INT32.max)
        return self.weights(profile, over), self._centimetres, hundredths.astype(np.int32)

    def matrices(self, points: EdgePoints, *, profile: Profile, over: tuple[Period, ...]) -> Matrices:
        """Fastest paths between all pairs of points that hold throughout the periods."""
        duration, distance, energy = _core.travel_tables(
            self._graph, self._metric(profile, over), points.core(), self.threads
        )
        per_kg = self._per_kg(points, profile, over, distance, energy)
        return Matrices(duration_s=duration, distance_m=distance, energy_wh=energy, energy_wh_per_kg=per_kg)

    def _per_kg(
        self,
        points: EdgePoints,
        profile: Profile,
        over: tuple[Period, ...],
        distance: NDArray[np.float32],
        empty: NDArray[np.float32],
    ) -> NDArray[np.float32]:
        """What a kilogram aboard adds between all pairs of points."""
        battery = profile.vehicle.battery
        if battery is None or (battery.physics is None and not battery.kwh_per_ton_km):
            return np.broadcast_to(np.float32(0), distance.shape)  # takes no memory
        if battery.physics is None:
            return distance * np.float32(battery.kwh_per_ton_km / 1000)
        load_kg = min(profile.vehicle.payload_kg or _LOAD_KG, _MOST_LOAD_KG)
        _, _, loaded = _core.travel_tables(
            self._graph, self._metric(profile, over, load_kg), points.core(), self.threads
        )
        loaded -= empty
        loaded /= np.float32(load_kg)
        return loaded

    def travel(self, points: EdgePoints, *, profile: Profile, periods: tuple[Period, ...] | None = None) -> Travel:
        """Fastest paths between all pairs of points in every period, for travel at any second.

        Parameters
        ----------
        periods
            Consecutive periods of :attr:`periods`; all of them where None.

        Raises
        ------
        ValueError
            When there is no period, or there are gaps between them.
        """
        chosen = self.periods if periods is None else periods
        weights = [self.weights(profile, (period,)) for period in chosen]
        # Periods by what every edge takes in them: the first of equal ones stands for all.
        known: dict[bytes, int] = {}
        like = [known.setdefault(array.tobytes(), k) for k, array in enumerate(weights)]
        tables = {k: self.matrices(points, profile=profile, over=(chosen[k],)) for k in known.values()}
        changes = {
            pair: self._change(points, profile, (chosen[pair[0]], chosen[pair[1]]), tables[pair[1]])
            for pair in dict.fromkeys(pairwise(like))
        }
        return Travel(
            periods=chosen,
            tables=tuple(tables[k] for k in like),
            stays_open=tuple(changes[pair][0] for pair in pairwise(like)),
            through=tuple(changes[pair][1] for pair in pairwise(like)),
        )

    def _change(
        self, points: EdgePoints, profile: Profile, around: tuple[Period, Period], after: Matrices
    ) -> tuple[NDArray[np.bool_] | None, NDArray[np.int32] | None]:
        """Which paths stay open from one period to the next, and how long the ways take that are open in both."""
        first, second = (self.weights(profile, (period,)) for period in around)
        closing = (first >= 0) & (second < 0)
        if not closing.any():
            return None, None
        # The sums of paths are compared by time, length and third sum: a third sum that counts closing edges finds, of
        # the fastest and shortest paths, one that uses the fewest of them.
        metric = _core.Metric(self._hierarchy, first, self._centimetres, closing.astype(np.int32))
        open_ = _core.unmarked_paths(self._graph, metric, points.core(), self.threads)
        if np.array_equal(self.weights(profile, around), second):
            return open_, after.duration_s
        return open_, self.matrices(points, profile=profile, over=around).duration_s

    def path(
        self, points: EdgePoints, origin: int, target: int, *, profile: Profile, over: tuple[Period, ...]
    ) -> NDArray[np.int32]:
        """Edges of the fastest path; empty where both points are one position.

        Raises
        ------
        ValueError
            When there is no permitted path.
        """
        return _core.path(self._graph, self._metric(profile, over), points.core(), origin, target)

    def catchments(self, origins: EdgePoints, targets: EdgePoints, *, reach_m: float) -> Catchments:
        """Targets within ``reach_m`` of each origin over the walking network.

        The walk from an origin to its road and from the road to the target is not free: both snap distances count.
        """
        weight = np.where(self.network.permitted("walk"), np.rint(self._length * 1000), -1).astype(np.int32)
        offset, target, millimetres = _core.within(
            self._graph,
            weight,
            origins.core(),
            targets.core(),
            min(round(reach_m * 1000), UNREACHABLE - 1),
            self.threads,
        )
        origin = np.repeat(np.arange(len(origins)), np.diff(offset))
        metres = millimetres / 1000 + origins.distance_m[origin] + targets.distance_m[target]
        keep = metres <= reach_m
        counts = np.bincount(origin[keep], minlength=len(origins))
        return Catchments(offset=np.concatenate(([0], np.cumsum(counts))), target=target[keep], metres=metres[keep])

    def reachable(
        self, origins: EdgePoints, targets: EdgePoints, *, profile: Profile, over: tuple[Period, ...], bound_s: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int32]]:
        """Targets within ``bound_s`` of driving from each origin, as compressed rows (offset, target, seconds)."""
        offset, target, milliseconds = _core.within(
            self._graph, self.weights(profile, over), origins.core(), targets.core(), bound_s * 1000, self.threads
        )
        return offset, target, (-(-milliseconds // 1000)).astype(np.int32)

    def drive(self, edges: NDArray[np.int32], shares: NDArray[np.float64], *, profile: Profile, depart_s: int) -> int:
        """Arrival when driving ``edges`` from ``depart_s``, each at the pace of the period it is driven in.

        A period that ends while an edge is driven leaves the rest of the edge to the pace of the next one [1]_.

        Parameters
        ----------
        shares
            float64, the part of each edge that is driven.

        Raises
        ------
        ValueError
            When an edge is closed now (see :meth:`altered`), or the drive does not end within two days.

        References
        ----------
        .. [1] Ichoua, Gendreau, Potvin (2003). Vehicle dispatching with time-dependent travel times.
           doi:10.1016/S0377-2217(02)00147-9
        """
        live = self._live.get(profile.mode)
        now = np.zeros(len(edges), dtype=np.int32) if live is None else live[edges]
        if (now < 0).any():
            raise ValueError(f"edge {int(edges[now < 0][0])} is closed")
        second = float(depart_s)
        done = 0
        for period in self.periods:
            if period.end_s <= second or done == len(edges):
                continue
            by_table = self._times(profile, period.regime)[edges[done:]]
            pace = np.where(now[done:] > 0, now[done:], by_table) * shares[done:] / 1000.0
            arrivals = second + np.cumsum(pace)
            whole = int(np.searchsorted(arrivals, period.end_s, side="right"))
            if whole == len(pace):
                return math.ceil(round(float(arrivals[-1]), 6))
            if whole:
                second = float(arrivals[whole - 1])
            driven = (period.end_s - second) / float(pace[whole])
            shares = shares.copy()
            shares[done + whole] *= 1.0 - driven
            done += whole
            second = float(period.end_s)
        if done == len(edges):
            return math.ceil(round(second, 6))
        raise ValueError(f"a drive that begins at {depart_s} s does not end within two days")

    def _times(self, profile: Profile, regime: Regime) -> NDArray[np.int32]:
        key = (profile.mode, regime)
        if key not in self._paces:
            self._paces[key] = self.access.times_ms(profile.mode, regime)
        return self._paces[key]


def _physics(vehicle: VehicleType) -> Physics | None:
    return None if vehicle.battery is None else vehicle.battery.physics
