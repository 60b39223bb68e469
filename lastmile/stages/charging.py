"""Which chargers a territory plans with, and how fast its vehicles can count on filling there.

The search charges at one pace, whatever the charger and however full the battery is. So a vehicle type keeps to what
gives at least half of the most power that there is for it: to chargers of at least that power, and to the shares of
charge below which its battery takes it. The pace is that of the slowest of these, hence never faster than the truth.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lastmile.chargers import Charger, pieces
from lastmile.geo.access import Profile
from lastmile.geo.distances import metres_per_degree
from lastmile.scenario import Battery, VehicleType
from lastmile.solvers.problem import TIME_MAX, UNREACHABLE, RoutingProfile
from lastmile.stages.prepare import City
from lastmile.units import parse_hours

_WEAKER: Final = 0.5  # of the most power
_NEAREST: Final = 64  # chargers, as the crow flies, whose ways by road are looked at
_CHOSEN: Final = 6  # of these
_PLACES: Final = 50  # from which ways are looked at
_BOUND_S: Final = 3600  # a charger further from a place is as good as none


@dataclass(frozen=True, slots=True, kw_only=True)
class Recharge:
    """What vehicles of one type count on where they charge on their way.

    Parameters
    ----------
    chargers
        Where they do.
    share
        Up to which share of the usable energy.
    kw
        The least power that they find there, up to that share.
    """

    chargers: tuple[Charger, ...]
    share: float
    kw: float

    @property
    def seconds_per_wh(self) -> float:
        """How fast the search takes a battery to be charged."""
        return 3.6 / self.kw


def choose_chargers(
    city: City, vehicles: Iterable[VehicleType], lon: NDArray[np.float64], lat: NDArray[np.float64]
) -> dict[str, Recharge]:
    """Where vehicles that have work at these places charge on their way, by the id of their type.

    Of the chargers that admit a type and are near a road for it, those are chosen from which the places are reached
    soonest, one after another (a greedy p-median [1]_): six at most, as tables grow with them.

    References
    ----------
    .. [1] Cornuéjols, Fisher, Nemhauser (1977). Location of bank accounts to optimize float. Management Science 23(8).
       doi:10.1287/mnsc.23.8.789
    """
    found = {}
    for vehicle in vehicles:
        if not vehicle.charges_on_its_way:
            continue
        assert vehicle.battery is not None
        near = _near_roads(city, vehicle, [charger for charger in city.chargers if charger.admits(vehicle)])
        near = _nearest(near, lon, lat)
        least = _least_kw(vehicle.battery, near)
        strong = [charger for charger in near if charger.power_kw >= least]
        chosen = _greedy(strong, _seconds(city, vehicle, strong, lon, lat))
        if chosen:
            share, kw = _pace(vehicle.battery, least)
            weakest = min(charger.power_kw for charger in chosen)
            found[vehicle.id] = Recharge(chargers=tuple(chosen), share=share, kw=min(kw, weakest))
    return found


def unfilled_wh(vehicle: VehicleType, recharge: Recharge | None) -> float:
    """Energy of a full battery beyond the share up to which it is charged on the way."""
    if recharge is None or vehicle.battery is None:
        return 0.0
    return (1 - recharge.share) * vehicle.battery.usable_kwh * 1000


def with_chargers(
    table: RoutingProfile, chargers: Sequence[Charger], recharge: Recharge | None, *, base: int, beyond_wh: float
) -> RoutingProfile:
    """Travel with energies, whose last places are chargers: closed to those that are not the vehicle's own.

    Parameters
    ----------
    base, beyond_wh
        Where each trip begins, and what the battery holds there beyond the share up to which it is charged. The search
        takes it to be full at that share and the first drive of a trip to need so much less: never more than there is,
        but what that drive does not need of it is lost.
    """
    duration, distance = table.duration_s.copy(), table.distance_m.copy()
    energy = np.zeros_like(duration) if table.energy_wh is None else table.energy_wh.copy()
    first = len(duration) - len(chargers)
    for k, charger in enumerate(chargers, start=first):
        if recharge is None or charger not in recharge.chargers:
            for near in (np.s_[k, :], np.s_[:, k]):
                duration[near], distance[near], energy[near] = UNREACHABLE, 0, 0
            duration[k, k] = 0
    if recharge is not None:
        # Time for what is rounded: one watt-hour more to charge, and up to a whole second.
        extra = min(math.ceil(recharge.seconds_per_wh) + 2, TIME_MAX)
        there = (duration[first:] != UNREACHABLE) & (duration[first:] != 0)
        later = np.minimum(duration[first:].astype(np.int64) + extra, TIME_MAX - 1)
        duration[first:] = np.where(there, later, duration[first:])
        energy[base] = np.maximum(energy[base] - int(min(beyond_wh, UNREACHABLE)), 0)
    return RoutingProfile(duration_s=duration, distance_m=distance, energy_wh=energy)


def _least_kw(battery: Battery, chargers: Sequence[Charger]) -> float:
    most = min(max((charger.power_kw for charger in chargers), default=0.0), max(kw for _, _, kw in pieces(battery)))
    return most * _WEAKER


def _pace(battery: Battery, least_kw: float) -> tuple[float, float]:
    """Up to which share of charge the battery takes that power, and what it takes below it at least.

    All of the battery, however slowly, where it never takes that much at first, or not beyond the reserve.
    """
    low, kw = 1.0, [kw for _, _, kw in pieces(battery)]
    for row, (start, _, power) in enumerate(pieces(battery)):
        if power < least_kw:
            low, kw = start, kw[:row]
            break
    if low * battery.usable_kwh <= battery.reserve_kwh:
        return 1.0, min(power for _, _, power in pieces(battery))
    return low, min(kw)


def _near_roads(city: City, vehicle: VehicleType, chargers: Sequence[Charger]) -> list[Charger]:
    if not chargers:
        return []
    points = city.snappers[vehicle.vehicle_class].snap([c.lon for c in chargers], [c.lat for c in chargers])
    near = points.distance_m <= city.scenario.file.map.max_snap_m
    return [charger for charger, by in zip(chargers, near.tolist(), strict=True) if by and charger.power_kw > 0]


def _nearest(chargers: Sequence[Charger], lon: NDArray[np.float64], lat: NDArray[np.float64]) -> list[Charger]:
    """Those that lie nearest to some place."""
    if len(chargers) <= _NEAREST:
        return list(chargers)
    scale = np.concatenate(metres_per_degree(lat[:1]))
    places = np.column_stack((lon, lat)) * scale
    away = [float(np.linalg.norm(places - np.array((c.lon, c.lat)) * scale, axis=1).min()) for c in chargers]
    return [chargers[k] for k in sorted(np.argsort(away, kind="stable")[:_NEAREST].tolist())]


def _seconds(
    city: City,
    vehicle: VehicleType,
    chargers: Sequence[Charger],
    lon: NDArray[np.float64],
    lat: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Driving from places (rows) to chargers (columns), the bound where it is further."""
    rows = np.unique(np.linspace(0, len(lon) - 1, min(len(lon), _PLACES)).astype(np.int64))
    seconds = np.full((len(rows), len(chargers)), float(_BOUND_S))
    if not chargers:
        return seconds
    start, end = parse_hours(vehicle.shift)
    over = tuple(p for p in city.roads.periods if p.start_s < end and p.end_s > start)
    snapper = city.snappers[vehicle.vehicle_class]
    origins = snapper.snap(lon[rows], lat[rows])
    targets = snapper.snap([c.lon for c in chargers], [c.lat for c in chargers])
    profile = Profile(vehicle=vehicle)
    offset, target, found = city.roads.reachable(origins, targets, profile=profile, over=over, bound_s=_BOUND_S)
    seconds[np.repeat(np.arange(len(rows)), np.diff(offset)), target] = found
    return seconds


def _greedy(chargers: Sequence[Charger], seconds: NDArray[np.float64]) -> list[Charger]:
    best, chosen = np.full(len(seconds), float(_BOUND_S)), list[int]()
    while len(chosen) < min(_CHOSEN, len(chargers)):
        sums = np.minimum(seconds, best[:, None]).sum(axis=0)
        column = int(sums.argmin())
        if sums[column] >= best.sum():
            break
        chosen.append(column)
        best = np.minimum(best, seconds[:, column])
    # Those chosen first may be the nearest of no place any more.
    nearest = {chosen[k] for k in seconds[:, chosen].argmin(axis=1).tolist()} if chosen else set()
    return [chargers[k] for k in sorted(nearest)]
