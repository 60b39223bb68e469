"""The plan costs what it says."""

import math
from typing import cast

from lastmile.plans import Route, Site, Stop, Violation
from lastmile.referee.case import Case, Violations
from lastmile.referee.phases import as_of
from lastmile.scenario import Facility, HostKind, VehicleType

_TOLERANCE = 0.001
_TOLERANCE_FEN = 1


def check_costs(case: Case) -> Violations:
    """Fen of every site and every round."""
    for site in case.plan.sites:
        facility = case.facilities.get(site.facility)
        if facility is not None:
            yield from _compare("site-cost", site.id, site.cost_fen, site_yuan(site, facility) * 100)
            for state in site.built[:-1]:
                due = site_yuan(as_of(site, state.by), facility) * 100
                yield from _compare("site-cost", f"{site.id} by {state.by}", state.cost_fen, due)
    for route in case.plan.routes:
        vehicle = case.vehicles.get(route.vehicle_type)
        if vehicle is not None:
            yield from _compare("route-cost", route.vehicle_id, route.cost_fen, _route_yuan(case, route, vehicle) * 100)


def site_yuan(site: Site, facility: Facility) -> float:
    """What a site costs: nothing where it exists, else opening (less the host's discount) and its modules."""
    if site.existing:
        return 0.0
    discount = facility.host_discount.get(cast(HostKind, site.host), 0.0)
    modules = facility.yuan_per_module * site.modules + facility.yuan_per_chilled_module * site.chilled_modules
    return facility.yuan_open * (1 - discount) + modules


def _route_yuan(case: Case, route: Route, vehicle: VehicleType) -> float:
    permits = [case.permits[name] for name in set(route.permits) if name in case.permits]
    return (
        vehicle.yuan_per_day
        + vehicle.yuan_per_km * route.distance_m / 1000
        + vehicle.yuan_per_hour * route.duration_s / 3600
        + vehicle.yuan_per_kwh * route.energy_wh / 1000
        + sum(_charging_yuan(case, stop, vehicle) for stop in route.stops)
        + sum(permit.yuan_per_day for permit in permits)
    )


def _charging_yuan(case: Case, stop: Stop, vehicle: VehicleType) -> float:
    """What energy from a charger costs more than the vehicle's own, which all that is used is reckoned at."""
    charger = case.chargers.get(stop.location_id) if stop.kind == "charge" else None
    if charger is None or math.isnan(charger.price):
        return 0.0
    return (charger.price - vehicle.yuan_per_kwh) * stop.charged_wh / 1000


def _compare(rule: str, place: str, stated: int, due: float) -> Violations:
    if not abs(stated - due) <= _TOLERANCE_FEN + _TOLERANCE * due:
        yield Violation(
            rule=rule,
            place=place,
            amount=f"{stated - due:+.0f} fen",
            detail=f"{place} costs {due / 100:.2f} yuan, the plan says {stated / 100:.2f} yuan",
        )
