"""Several trips a day: how many a vehicle may plan with, and how much of what is limited a day each of them may use.

The search knows limits of one trip. Hours of work, kilometres, stops and a battery that is not swapped at the base are
limits of the day: a vehicle that may make k trips gets a k-th of them for each, so that any k such trips keep within
the day. As one long trip may need more than that, the same vehicles are offered with fewer trips and larger parts too.
"""

import math

from lastmile.scenario import VehicleType


def trips_at_most(vehicle: VehicleType, visits: int) -> tuple[int, ...]:
    """Most trips of the variants in which a type is offered: what it may make, and below that 4, 2, 1 and so on.

    Where no limit is of the day, more trips are never worse, so there is one variant. The search takes the first of
    equal vehicles, and a round may still get more trips where more are allowed: the most come first.

    Parameters
    ----------
    visits
        That there are to be made; nobody makes more trips than that.
    """
    most = max(min(vehicle.trips_per_day, visits), 1)
    if not _limited_a_day(vehicle):
        return (most,)
    numbers = [most, *(2**k for k in reversed(range(most.bit_length())) if 2**k < most)]
    return tuple(k for k in numbers if k == 1 or _leaves_something(vehicle, k))


def reload_s(vehicle: VehicleType) -> int:
    """Seconds at the base between two trips, the swap of the battery included."""
    swap = 0.0 if vehicle.battery is None else vehicle.battery.swap_minutes or 0.0
    return math.ceil((vehicle.reload_minutes + swap) * 60 - 1e-6)


def swaps(vehicle: VehicleType) -> bool:
    """Whether every trip begins with a full battery."""
    return vehicle.battery is not None and vehicle.battery.swap_minutes is not None


def hours_of_trip(vehicle: VehicleType, trips: int) -> float | None:
    """Hours that each of so many trips may be out, None without a limit: reloading is work too."""
    if vehicle.max_work_hours is None:
        return None
    return max(vehicle.max_work_hours - (trips - 1) * reload_s(vehicle) / 3600, 0.0) / trips


def _limited_a_day(vehicle: VehicleType) -> bool:
    limits = (vehicle.max_work_hours, vehicle.max_distance_km, vehicle.max_stops)
    return any(limit is not None for limit in limits) or (vehicle.battery is not None and not swaps(vehicle))


def _leaves_something(vehicle: VehicleType, trips: int) -> bool:
    """Whether each of so many trips may do anything at all."""
    return hours_of_trip(vehicle, trips) != 0 and (vehicle.max_stops is None or vehicle.max_stops >= trips)
