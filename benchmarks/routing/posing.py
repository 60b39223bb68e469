"""From the facts of an instance to the integers that every solver gets."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.routing.instance import Facts, Instance, Vehicles
from benchmarks.routing.tables import planar, whole_up
from lastmile.solvers.problem import (
    TIME_MAX,
    Battery,
    Group,
    Reload,
    RoutingProfile,
    RoutingVehicle,
    routing_problem,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How many of the problem's units are in one of the instance's.

    Metres in a unit of distance, seconds in one of time, units of load and of energy, fen in a unit of cost. What
    does not come out whole is rounded to the safe side: what is feasible in integers is feasible in the instance.
    """

    distance: int = 1
    time: int = 1
    load: int = 1
    energy: int = 1
    cost: int = 1


def pose(facts: Facts, scale: Scale) -> Instance:
    """Make the problem of an instance: locations are its nodes, options its customers, in their sequence.

    Raises
    ------
    ValueError
        When the facts contradict or a cost does not come out whole.
    """
    customers = [facts.nodes[index] for index in facts.customers]
    windowed = any(node.window[0] > 0 or np.isfinite(node.window[1]) for node in customers)
    place = {index: option for option, index in enumerate(facts.customers)}
    alternatives = [cluster for cluster in facts.clusters if len(cluster) > 1]
    problem = routing_problem(
        profiles=[_profile(facts, scale)],
        vehicles=[_vehicle(facts, scale, kind) for kind in facts.vehicles],
        location=facts.customers,
        delivery=_loads([node.delivery for node in customers], scale),
        pickup=_loads([node.pickup for node in customers], scale),
        service_s=whole_up(np.array([node.service for node in customers]) * scale.time),
        window_s=np.array([_window(node.window, scale) for node in customers]) if windowed else None,
        release_s=whole_up(np.array([node.release for node in customers]) * scale.time),
        price_fen=[-1 if node.prize is None else _whole(node.prize * scale.cost, "prize") for node in customers],
        allowed=np.array(
            [[kind.serves is None or index in kind.serves for kind in facts.vehicles] for index in facts.customers]
        ),
        groups=[Group(orders=tuple(place[index] for index in cluster)) for cluster in alternatives],
        chargers=facts.chargers if facts.traction else None,
    )
    return Instance(
        facts=facts,
        problem=problem,
        fen_per_cost=scale.cost * facts.cost_unit,
        metres_per_unit=scale.distance * facts.measure.multiplier,
    )


def _profile(facts: Facts, scale: Scale) -> RoutingProfile:
    measure = facts.measure
    if measure.distances is not None and measure.times is not None:
        return RoutingProfile(
            duration_s=_whole_table(measure.times * scale.time),
            distance_m=_whole_table(measure.distances * scale.distance),
        )
    x = np.array([node.x for node in facts.nodes], dtype=float)
    y = np.array([node.y for node in facts.nodes], dtype=float)
    distance = planar(x, y, measure, scale=scale.distance)
    if measure.speed == 1 and scale.time == scale.distance:
        return RoutingProfile(duration_s=distance, distance_m=distance)  # one array: the core then keeps one
    return RoutingProfile(duration_s=planar(x, y, measure, scale=scale.time, speed=measure.speed), distance_m=distance)


def _whole_table(values: NDArray[np.float64]) -> NDArray[np.int32]:
    return np.ascontiguousarray(whole_up(values), dtype=np.int32)


def _vehicle(facts: Facts, scale: Scale, kind: Vehicles) -> RoutingVehicle:
    limit = kind.max_duration
    return RoutingVehicle(
        count=len(kind.numbers),
        start=kind.depot,
        end=kind.depot,
        profile=0,
        capacity=np.array([int(np.floor(kind.capacity * scale.load + 1e-3))], dtype=np.int64),
        shift_s=_window(facts.nodes[kind.depot].window, scale),
        fixed_fen=_whole(kind.fixed * scale.cost, "fixed cost"),
        fen_per_km=_whole(1000 * kind.per_distance * scale.cost / scale.distance, "cost of 1000 units of distance"),
        max_duration_s=None if limit is None else int(np.floor(limit * scale.time + 1e-6)),
        max_trips=max(1, len(facts.customers)) if kind.reloads else 1,
        reloads=(Reload(location=kind.depot),) if kind.reloads else (),
        battery=_battery(facts, scale),
    )


def _battery(facts: Facts, scale: Scale) -> Battery | None:
    traction = facts.traction
    if traction is None:
        return None
    return Battery(
        capacity_wh=traction.capacity * scale.energy,
        wh_per_m=traction.per_distance * scale.energy / scale.distance,
        seconds_per_wh=traction.time_per_energy * scale.time / scale.energy,
        full_only=traction.full_only,
    )


def _window(window: tuple[float, float], scale: Scale) -> tuple[int, int]:
    first = int(np.ceil(window[0] * scale.time - 1e-6))
    last = TIME_MAX - 1 if np.isinf(window[1]) else int(np.floor(window[1] * scale.time + 1e-6))
    return first, last


def _loads(values: list[float], scale: Scale) -> NDArray[np.float64]:
    """Rounded up, but not for the error of a double of 15 digits."""
    return np.ceil(np.array(values, dtype=float) * scale.load - 1e-3)


def _whole(value: float, what: str) -> int:
    whole = round(value)
    if abs(value - whole) > 1e-6 * max(1.0, abs(value)):
        raise ValueError(f"a {what} of {value} fen is not whole")
    return whole
