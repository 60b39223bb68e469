"""How many vehicles stand at which base: shared out by guessed work, and moved where some are short."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lastmile.geo.distances import metres_per_degree
from lastmile.scenario import VehicleType
from lastmile.solvers.problem import RoutingSolution
from lastmile.stages.prepare import City
from lastmile.stages.tasks import Base, Task, capacity
from lastmile.stages.territories import Territory
from lastmile.stages.trips import reload_s
from lastmile.units import parse_hours

# Guesses that only share out vehicles before rounds exist.
_CIRCUITY = 1.35
_CRUISE_M_S = {"e_trike": 3.3, "e_van": 5.5, "truck_light": 5.0, "truck_medium": 5.0}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Group:
    """One base with its visits, before its problem is made; ``based_at`` is how vehicle types name the base."""

    base: Base
    based_at: str
    tasks: tuple[Task, ...]


def share_out(city: City, groups: Sequence[Group], driven: Counter[str]) -> list[dict[tuple[str, int], int | None]]:
    """Vehicles of every type that are not driven yet per base, in proportion to the work there (largest remainder)."""
    counts: list[dict[tuple[str, int], int | None]] = [{} for _ in groups]
    for vehicle in city.scenario.file.vehicles:
        at = [g for g, group in enumerate(groups) if group.based_at in vehicle.based_at]
        if not at:
            continue
        if vehicle.count is None:
            for g in at:
                counts[g][vehicle.id, 0] = None
            continue
        there_are = vehicle.count - driven[vehicle.id]
        need = np.array([_need(vehicle, groups[g].base, groups[g].tasks) for g in at])
        whole = np.ceil(need)
        if whole.sum() > there_are:
            exact = need / need.sum() * there_are
            whole = np.floor(exact)
            rest = np.argsort(-(exact - whole), kind="stable")[: round(there_are - whole.sum())]
            whole[rest] += 1
        for g, number in zip(at, whole.tolist(), strict=True):
            counts[g][vehicle.id, 0] = int(number)
    return counts


def _need(vehicle: VehicleType, base: Base, tasks: Sequence[Task]) -> float:
    """Vehicles of one type that the tasks keep busy: by load or by time, whichever is more.

    Time by continuous approximation: from stop to stop 0.57 times the root of the area per stop, and once per vehicle
    the way out and back [1]_. Where vehicles make several trips, each load takes that way and a reload.

    References
    ----------
    .. [1] Daganzo (1984). The distance traveled to visit N points with a maximum of C stops per vehicle.
       doi:10.1287/trsc.18.4.331
    """
    load = np.array([[t.parcels, t.weight_g, t.volume_cm3] for t in tasks], dtype=np.float64).sum(axis=0)
    by_load = float((load / np.maximum(capacity(vehicle), 1)).max())
    per_lon, per_lat = metres_per_degree(np.array([base.lat]))
    places = (np.array([[t.lon, t.lat] for t in tasks]) - (base.lon, base.lat)) * (per_lon[0], per_lat[0])
    spread = np.ptp(places, axis=0) + 200.0
    speed = _CRUISE_M_S[vehicle.vehicle_class] / _CIRCUITY
    stop_s = float(np.mean([task.service_s for task in tasks]))
    stop_s += 0.57 * math.sqrt(float(spread.prod()) / len(tasks)) / speed
    out_and_back_s = 2.0 * float(np.linalg.norm(places, axis=1).mean()) / speed
    start, end = parse_hours(vehicle.shift)
    at_work_s = min(end - start, (vehicle.max_work_hours or 24.0) * 3600)
    by_time = len(tasks) * stop_s / max(at_work_s - out_and_back_s, at_work_s / 4)
    if vehicle.trips_per_day > 1:
        by_time += max(by_load - by_time, 0.0) * (out_and_back_s + reload_s(vehicle)) / at_work_s
        by_load /= vehicle.trips_per_day
    return max(by_load, by_time)


def move_spares(
    city: City,
    groups: Sequence[Group],
    counts: list[dict[tuple[str, int], int | None]],
    solved: Mapping[int, tuple[Territory, RoutingSolution]],
    before: Counter[str],
) -> set[int]:
    """Move vehicles that stand idle to bases where visits were left out; returns the groups that get more."""
    changed: set[int] = set()
    for vehicle in city.scenario.file.vehicles:
        if vehicle.count is None:
            continue
        at = [g for g in solved if (vehicle.id, 0) in counts[g]]
        had = {g: counts[g][vehicle.id, 0] or 0 for g in at}
        driven = {
            g: sum(solved[g][0].entries[found.vehicle].vehicle.id == vehicle.id for found in solved[g][1].rounds)
            for g in at
        }
        spare = vehicle.count - before[vehicle.id] - sum(driven.values())
        for g in at:
            more = 0
            territory, solution = solved[g]
            if solution.blocked and spare > 0:
                left_out = [territory.tasks[blocked.order] for blocked in solution.blocked]
                more = min(math.ceil(_need(vehicle, groups[g].base, left_out)) + 1, spare)
            counts[g][vehicle.id, 0] = driven[g] + more
            spare -= more
            if driven[g] + more > had[g]:
                changed.add(g)
    return changed
