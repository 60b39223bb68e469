"""What has to be done, and from where: visits to doors, drops at sites, and the bases that rounds begin at."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from lastmile.geo.demand import NONE
from lastmile.loading import depot_places
from lastmile.plans import Site
from lastmile.scenario import Facility, VehicleType
from lastmile.stages.prepare import City
from lastmile.units import DAY_S, parse_hours

NO_LIMIT: Final = 10**10  # more than any vehicle carries: numbers that are larger say no more, and sums of these fit
_GRAMS, _CM3 = 1000.0, 1_000_000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """Where rounds begin and end: a depot, or a site that dispatches, open for departures in a span of seconds.

    ``daily`` hours are those of every day; a night's hours may meet a shift on the day before or after.
    """

    id: str
    name: str
    lon: float
    lat: float
    open_s: tuple[int, int]
    daily: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One visit that has to be made: an order's door, or a drop at a site."""

    kind: Literal["door", "site"]
    id: str
    name: str
    lon: float
    lat: float
    parcels: int
    pickups: int
    weight_g: int
    volume_cm3: int
    service_s: int
    window_s: tuple[int, int]
    release_s: int = 0
    on_board_s: int = NONE
    skill: str = ""
    price_fen: int = NONE


def shift_of(vehicle: VehicleType, base: Base) -> tuple[int, int]:
    """Earliest departure and latest return, within both the shift and the base's hours."""
    start, end = parse_hours(vehicle.shift)
    opens, closes = base.open_s
    if base.daily:
        opens, closes = meeting(base.open_s, [(start, end)])
    leave = min(max(start, opens), 2 * DAY_S - 1)
    return leave, max(min(end, closes), leave)


def meeting(hours: tuple[int, int], spans: Iterable[tuple[int, int]]) -> tuple[int, int]:
    """Hours of every day, on the day on which they have most in common with one of the spans."""
    chosen = list(spans)

    def common(day: int) -> int:
        return max((min(end, hours[1] + day) - max(start, hours[0] + day, 0) for start, end in chosen), default=0)

    day = max((0, DAY_S, -DAY_S), key=lambda day: max(common(day), 0))
    return max(hours[0] + day, 0), hours[1] + day


def capacity(vehicle: VehicleType) -> NDArray[np.int64]:
    """Parcels, grams and cubic centimetres that a vehicle takes."""
    stated = ((vehicle.parcels, 1.0), (vehicle.payload_kg, _GRAMS), (vehicle.volume_m3, _CM3))
    return np.array(
        [NO_LIMIT if most is None else int(min(most * unit, NO_LIMIT)) for most, unit in stated], dtype=np.int64
    )


def door_task(city: City, order: int) -> Task:
    """The visit to an order's door."""
    demand, times = city.demand, city.scenario.file.demand.door
    handled = int(demand.parcels[order] + demand.pickups[order])
    stated = int(demand.service_s[order])
    return Task(
        kind="door",
        id=demand.id[order],
        name=demand.name[order],
        lon=float(demand.lon[order]),
        lat=float(demand.lat[order]),
        parcels=int(demand.parcels[order]),
        pickups=int(demand.pickups[order]),
        weight_g=int(demand.weight_g[order]),
        volume_cm3=int(demand.volume_cm3[order]),
        service_s=stated if stated != NONE else int(times.visit_s + times.parcel_s * handled),
        window_s=(int(demand.window_start_s[order]), int(demand.window_end_s[order])),
        release_s=int(demand.release_s[order]),
        on_board_s=int(demand.on_board_s[order]),
        skill=demand.skill[order],
        price_fen=int(demand.price_fen[order]),
    )


def site_tasks(
    site: Site,
    facility: Facility,
    load: tuple[int, int, int],
    types: Sequence[VehicleType],
    *,
    release_s: int = 0,
    skill: str = "",
) -> list[Task]:
    """Drops that bring a site its parcels, grams and cubic centimetres.

    Any vehicle of the types can take each of them, so that drops need not be made to measure for one type. With a skill
    the types are those that have it, as far as any has.
    """
    types = [vehicle for vehicle in types if skill in ("", *vehicle.skills)] or types
    room = np.min([capacity(vehicle) for vehicle in types], axis=0) if types else np.full(3, NO_LIMIT)
    number = max(*(math.ceil(amount / max(int(most), 1)) for amount, most in zip(load, room, strict=True)), 1)
    number = min(number, max(load[0], 1))
    window_s = meeting(parse_hours(facility.supply_hours), [parse_hours(vehicle.shift) for vehicle in types])
    cuts = [tuple(amount * part // number for amount in load) for part in range(number + 1)]
    return [
        Task(
            kind="site",
            id=site.id,
            name=site.name,
            lon=site.lon,
            lat=site.lat,
            parcels=after[0] - before[0],
            pickups=0,
            weight_g=after[1] - before[1],
            volume_cm3=after[2] - before[2],
            service_s=int(facility.visit_s + facility.parcel_s * (after[0] - before[0])),
            window_s=(0, 2 * DAY_S) if window_s == (0, DAY_S) else window_s,
            release_s=release_s,
            skill=skill,
        )
        for before, after in pairwise(cuts)
    ]


def depot_bases(city: City) -> tuple[Base, ...]:
    """The scenario's depots."""
    lon, lat = depot_places(city.scenario.file)
    return tuple(
        Base(id=depot.id, name=depot.name or depot.id, lon=x, lat=y, open_s=_open(depot.hours), daily=True)
        for depot, x, y in zip(city.scenario.file.depots, lon, lat, strict=True)
    )


def _open(hours: str) -> tuple[int, int]:
    start, end = parse_hours(hours)
    return (0, 2 * DAY_S) if (start, end) == (0, DAY_S) else (start, end)
