"""Which base serves which visit: the one from which a vehicle is there first."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lastmile.geo.access import Profile
from lastmile.geo.distances import metres_per_degree
from lastmile.plans import Site
from lastmile.scenario import VehicleType
from lastmile.stages.prepare import City
from lastmile.stages.tasks import Base, Task
from lastmile.stages.territories import useful_permits
from lastmile.units import parse_hours

_DISPATCH_S = 45 * 60  # doors further than this from every dispatching site are served from the depots
_HORIZON_S = 6 * 3600


def dispatch(city: City, hubs: Sequence[Site], doors: Sequence[int]) -> tuple[list[list[int]], list[int]]:
    """Give every door to the dispatching site from which a vehicle is there first; the rest is served directly."""
    by_hub: list[list[int]] = [[] for _ in hubs]
    lon, lat = city.demand.lon[list(doors)], city.demand.lat[list(doors)]
    best_s, best = np.full(len(doors), np.inf), np.full(len(doors), -1)
    for vehicle in _based_at_sites(city):
        at = np.array([j for j, site in enumerate(hubs) if site.facility in vehicle.based_at], dtype=np.int64)
        skilled = np.array([city.demand.skill[k] in ("", *vehicle.skills) for k in doors], dtype=bool)
        if vehicle.count == 0 or not len(at) or not skilled.any():
            continue
        origin = np.array([(hubs[j].lon, hubs[j].lat) for j in at.tolist()])
        seconds, hub = _first_there(city, vehicle, origin, np.column_stack((lon, lat)), bound_s=_DISPATCH_S)
        nearer = skilled & (seconds < best_s)
        best_s[nearer], best[nearer] = seconds[nearer], at[hub[nearer]]
    for order, j in zip(doors, best.tolist(), strict=True):
        if j >= 0:
            by_hub[j].append(order)
    return by_hub, [order for order, j in zip(doors, best.tolist(), strict=True) if j < 0]


def _first_there(
    city: City, vehicle: VehicleType, origin: NDArray[np.float64], target: NDArray[np.float64], *, bound_s: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Seconds from the origin that is nearest to each target in time, and that origin; ``inf`` beyond the bound.

    Permits are used only for targets that cannot be reached without them. A target too far from any road is beyond it.
    """
    start, end = parse_hours(vehicle.shift)
    over = tuple(p for p in city.roads.periods if p.start_s < end and p.end_s > start)
    snapper = city.snappers[vehicle.vehicle_class]
    origins, targets = snapper.snap(origin[:, 0], origin[:, 1]), snapper.snap(target[:, 0], target[:, 1])
    best_s, best = np.full(len(target), np.inf), np.zeros(len(target), dtype=np.int64)
    for permits in dict.fromkeys(((), useful_permits(city, vehicle, over))):
        profile = Profile(vehicle=vehicle, permits=frozenset(permits))
        offset, found, seconds = city.roads.reachable(origins, targets, profile=profile, over=over, bound_s=bound_s)
        source = np.repeat(np.arange(len(origin)), np.diff(offset))
        order = np.lexsort((source, seconds, found))
        place, first = np.unique(found[order], return_index=True)
        fresh = np.isinf(best_s[place])
        chosen = order[first[fresh]]
        best_s[place[fresh]], best[place[fresh]] = seconds[chosen], source[chosen]
    best_s[targets.distance_m > city.scenario.file.map.max_snap_m] = np.inf
    return best_s, best


def not_dispatched(city: City, hubs: Sequence[Site], order: int) -> tuple[str, ...]:
    """Why no vehicle that is based at sites takes an order, per type."""
    limit = city.scenario.file.map.max_snap_m
    lon, lat = city.demand.lon[order], city.demand.lat[order]
    skill = city.demand.skill[order]
    texts = []
    for vehicle in _based_at_sites(city):
        away = float(city.snappers[vehicle.vehicle_class].snap(lon, lat).distance_m[0])
        if vehicle.count == 0:
            text = "there is none"
        elif not any(site.facility in vehicle.based_at for site in hubs):
            text = "no site that dispatches is open"
        elif skill not in ("", *vehicle.skills):
            text = f"lacks the skill {skill!r}"
        elif away > limit:
            text = f"is {away:,.0f} m from the nearest road for {vehicle.vehicle_class}, the limit is {limit:g} m"
        else:
            text = f"no site that dispatches is within {_DISPATCH_S // 60} min of driving"
        texts.append(f"{vehicle.id}: {text}")
    return tuple(texts)


def _based_at_sites(city: City) -> list[VehicleType]:
    facilities = {facility.id for facility in city.scenario.file.facilities if facility.dispatches}
    return [vehicle for vehicle in city.scenario.file.vehicles if facilities & set(vehicle.based_at)]


def nearest_base(city: City, bases: Sequence[Base], tasks: Sequence[Task], types: Sequence[VehicleType]) -> list[int]:
    """The depot from which some vehicle reaches each visit first; the nearest as the crow flies where none does."""
    places = np.array([[place.lon, place.lat] for place in tasks])
    origin = np.array([[base.lon, base.lat] for base in bases])
    per_lon, per_lat = metres_per_degree(origin[:1, 1])
    scale = np.array([per_lon[0], per_lat[0]])
    # Seconds replace metres where they are known; what is unknown stays behind, and a depot without vehicles is last.
    unknown = np.array([1e7 * (1 + all(base.id not in v.based_at for v in types)) for base in bases])
    reach = np.linalg.norm((places[:, None] - origin[None]) * scale, axis=2) + unknown
    for vehicle in types:
        skilled = np.array([task.skill in ("", *vehicle.skills) for task in tasks], dtype=bool)
        for at, base in enumerate(bases):
            if base.id in vehicle.based_at:
                seconds, _ = _first_there(city, vehicle, origin[at : at + 1], places, bound_s=_HORIZON_S)
                reach[:, at] = np.where(skilled, np.minimum(reach[:, at], seconds), reach[:, at])
    return [int(k) for k in reach.argmin(axis=1)]
