"""No vehicle is ever fuller than it may be."""

from lastmile.plans import Route, Violation
from lastmile.referee.case import Case, Violations, trips
from lastmile.scenario import VehicleType


def check_loads(case: Case) -> Violations:
    """Parcels, weight and volume aboard after every stop of every trip.

    Deliveries are aboard from the base on, pickups from their stop on. The weight and volume of pickups are not known
    before they are seen; they take up room for parcels only.
    """
    for route in case.plan.routes:
        vehicle = case.vehicles.get(route.vehicle_type)
        if vehicle is not None and len(route.stops) > 1:
            for dimension, limit in _limits(vehicle).items():
                yield from _dimension(route, dimension, limit)


def _limits(vehicle: VehicleType) -> dict[str, float]:
    stated = {
        "parcels": vehicle.parcels,
        "weight_g": None if vehicle.payload_kg is None else vehicle.payload_kg * 1e3,
        "volume_cm3": None if vehicle.volume_m3 is None else vehicle.volume_m3 * 1e6,
    }
    return {dimension: limit for dimension, limit in stated.items() if limit is not None}


def _dimension(route: Route, dimension: str, limit: float) -> Violations:
    unit = {"parcels": "parcels", "weight_g": "g", "volume_cm3": "cm3"}[dimension]
    for trip in trips(route):
        visited = [route.stops[index] for index in trip[1:-1]]
        aboard = sum(getattr(stop, dimension) for stop in visited)
        most, where = aboard, route.stops[trip[0]]
        for stop in visited:
            aboard -= getattr(stop, dimension)
            if dimension == "parcels":
                aboard += stop.pickups
            if aboard > most:
                most, where = aboard, stop
        if most > limit:
            yield Violation(
                rule=f"load-{dimension.partition('_')[0]}",
                place=f"{route.vehicle_id}, {where.location_id}",
                amount=f"{most - limit:g} {unit} over {limit:g}",
                detail=f"{route.vehicle_id} leaves {where.location_id} with {most} {unit}, {limit:g} fit in",
            )


def weight_after(route: Route) -> list[int]:
    """Grams of deliveries aboard on every leg."""
    grams = []
    for trip in trips(route):
        aboard = sum(route.stops[index].weight_g for index in trip[1:-1])
        for index in trip[:-1]:
            aboard -= route.stops[index].weight_g if index != trip[0] else 0
            grams.append(aboard)
    return grams
