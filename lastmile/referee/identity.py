"""The plan is one for these streets, this day and these orders, and everything that it names exists."""

import math
from collections import Counter
from collections.abc import Iterable

from lastmile.plans import Violation
from lastmile.referee.case import Case, Violations


def check_network(case: Case) -> Violations:
    """The edges of the plan are indices into one network and mean nothing in another."""
    claimed, actual = case.plan.manifest.network_hash, case.network.hash
    if claimed != actual:
        yield Violation(
            rule="network",
            place="plan",
            amount=f"{claimed} for {actual}",
            detail="the plan was made on another road network; its legs, times and walks cannot be checked",
        )


def check_identity(case: Case) -> Violations:
    """Names are unique and known."""
    plan = case.plan
    day = case.scenario.file.day.isoformat()
    if plan.manifest.day != day:
        yield _fault("plan", plan.manifest.day, f"the plan is for {plan.manifest.day}, the scenario for {day}")
    yield from _once("site", (site.id for site in plan.sites))
    yield from _once("vehicle", (route.vehicle_id for route in plan.routes))
    yield from _once("fleet entry", (entry.vehicle_type for entry in plan.fleet))
    for site in plan.sites:
        facility = case.facilities.get(site.facility)
        if site.id != f"{site.facility}:{site.candidate_id}":
            yield _fault(site.id, site.candidate_id, f"a site's id is its facility and candidate, {site.id} is not")
        if facility is None:
            yield _unknown(site.id, "facility", site.facility)
        elif site.kind != facility.kind:
            yield _fault(site.id, site.kind, f"facility {facility.id} is a {facility.kind}, the site says {site.kind}")
        if not (math.isfinite(site.lon) and math.isfinite(site.lat)):
            yield Violation(
                rule="place", place=site.id, amount=f"{site.lon}, {site.lat}", detail=f"{site.id} is nowhere on earth"
            )
    for service in plan.services:
        if service.order_id not in case.orders:
            yield _unknown(service.order_id, "order", service.order_id)
        if service.site_id is not None and service.site_id not in case.sites:
            yield _unknown(service.order_id, "site", service.site_id)
    for unserved in plan.unserved:
        if unserved.order_id not in case.orders:
            yield _unknown(unserved.order_id, "order", unserved.order_id)
    for entry in plan.fleet:
        if entry.vehicle_type not in case.vehicles:
            yield _unknown("fleet", "vehicle type", entry.vehicle_type)
        for permit in entry.permits:
            if permit not in case.permits:
                yield _unknown("fleet", "permit", permit)
    yield from _routes(case)


def _routes(case: Case) -> Violations:
    for route in case.plan.routes:
        vehicle = case.vehicles.get(route.vehicle_type)
        if vehicle is None:
            yield _unknown(route.vehicle_id, "vehicle type", route.vehicle_type)
        elif (route.vehicle_class, route.energy) != (vehicle.vehicle_class, vehicle.energy):
            yield _fault(
                route.vehicle_id,
                f"{route.vehicle_class}, {route.energy}",
                f"a {vehicle.id} is of class {vehicle.vehicle_class} and runs on {vehicle.energy}",
            )
        if route.base_id not in case.depots and route.base_id not in case.sites:
            yield _unknown(route.vehicle_id, "depot or site", route.base_id)
        for permit in route.permits:
            if permit not in case.permits:
                yield _unknown(route.vehicle_id, "permit", permit)
        for stop in route.stops:
            if stop.kind == "door" and stop.location_id not in case.orders:
                yield _unknown(route.vehicle_id, "order", stop.location_id)
            elif stop.kind == "site" and stop.location_id not in case.sites:
                yield _unknown(route.vehicle_id, "site", stop.location_id)
            elif stop.kind == "charge" and stop.location_id not in case.chargers:
                yield _unknown(route.vehicle_id, "charger", stop.location_id)


def check_orders(case: Case) -> Violations:
    """Nothing is silently lost: every order is served once or declared unserved once."""
    served = Counter(service.order_id for service in case.plan.services)
    unserved = Counter(item.order_id for item in case.plan.unserved)
    for order in case.demand.id:
        if served[order] + unserved[order] != 1:
            yield Violation(
                rule="order",
                place=order,
                amount=f"{served[order]} services, {unserved[order]} unserved",
                detail=f"order {order} must have one service or one entry among the unserved",
            )
    for item in case.plan.unserved:
        row = case.orders.get(item.order_id)
        if row is None:
            continue
        place = (float(case.demand.lon[row]), float(case.demand.lat[row]))
        if not max(abs(item.lon - place[0]), abs(item.lat - place[1])) <= 1e-6:
            yield Violation(
                rule="place",
                place=item.order_id,
                amount=f"{item.lon:.6f}, {item.lat:.6f}",
                detail=f"unserved order {item.order_id} lies at {place[0]:.6f}, {place[1]:.6f}",
            )
        if item.channel not in case.demand.channels[row]:
            yield Violation(
                rule="channel",
                place=item.order_id,
                amount=item.channel,
                detail=f"the receiver of unserved order {item.order_id} agreed to "
                f"{', '.join(case.demand.channels[row])}, not to {item.channel}",
            )
        if item.parcels != case.demand.parcels[row]:
            yield Violation(
                rule="order",
                place=item.order_id,
                amount=f"{item.parcels} parcels for {case.demand.parcels[row]}",
                detail=f"unserved order {item.order_id} has {case.demand.parcels[row]} parcels",
            )


def _once(what: str, names: Iterable[str]) -> Violations:
    for name, count in Counter(names).items():
        if count > 1:
            yield _fault(name, f"{count} times", f"{what} {name} occurs {count} times")


def _unknown(place: str, what: str, name: str) -> Violation:
    return _fault(place, name, f"there is no {what} {name!r}")


def _fault(place: str, amount: str, detail: str) -> Violation:
    return Violation(rule="identity", place=place, amount=amount, detail=detail)
