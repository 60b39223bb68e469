"""Rounds start and end at their bases and bring every parcel where it is due."""

from collections import Counter

from lastmile.plans import Route, Stop, Violation
from lastmile.referee.case import Case, Violations
from lastmile.scenario import CHILLED, VehicleType

_SAME_PLACE = 1e-6  # degrees
_SNAP_TOLERANCE_M = 1.0
_WEIGHT_TOLERANCE = 0.01  # supplies are split over visits and rounded


def check_rounds(case: Case) -> Violations:
    """Shape, base and stops of every round."""
    for route in case.plan.routes:
        yield from _shape(route)
        vehicle = case.vehicles.get(route.vehicle_type)
        if vehicle is not None:
            yield from _base(case, route, vehicle)
        for stop in route.stops:
            yield from _place(case, route, stop)
            yield from _handover(case, route, stop)


def _shape(route: Route) -> Violations:
    if len(route.stops) < 2 or len(route.legs) != len(route.stops) - 1:
        yield Violation(
            rule="shape",
            place=route.vehicle_id,
            amount=f"{len(route.legs)} legs, {len(route.stops)} stops",
            detail="a round has at least two stops and one leg between each and the next",
        )
    ends = {0: "first", len(route.stops) - 1: "last"} if route.stops else {}
    for index, stop in enumerate(route.stops):
        if stop.kind != "base" and index in ends:
            yield Violation(
                rule="base",
                place=route.vehicle_id,
                amount=stop.location_id,
                detail=f"the {ends[index]} stop of a round is its base, not {stop.location_id}",
            )
        elif stop.kind == "base" and stop.location_id != route.base_id:
            yield Violation(
                rule="base",
                place=route.vehicle_id,
                amount=stop.location_id,
                detail=f"the round is based at {route.base_id}, stop {index} is base {stop.location_id}",
            )


def _base(case: Case, route: Route, vehicle: VehicleType) -> Violations:
    facility = case.facility(route.base_id)
    if route.base_id in case.depots:
        if route.base_id not in vehicle.based_at:
            yield _wrong_base(route, f"{vehicle.id} is based at {', '.join(vehicle.based_at)}")
    elif facility is not None:
        if facility.id not in vehicle.based_at:
            yield _wrong_base(route, f"{vehicle.id} is based at {', '.join(vehicle.based_at)}, not at a {facility.id}")
        elif not facility.dispatches:
            yield _wrong_base(route, f"no rounds start at a {facility.id}")


def _wrong_base(route: Route, detail: str) -> Violation:
    return Violation(rule="base", place=route.vehicle_id, amount=route.base_id, detail=detail)


def _place(case: Case, route: Route, stop: Stop) -> Violations:
    place = case.place(stop)
    if place is not None and not max(abs(stop.lon - place[0]), abs(stop.lat - place[1])) <= _SAME_PLACE:
        yield Violation(
            rule="place",
            place=f"{route.vehicle_id}, {stop.location_id}",
            amount=f"{stop.lon:.6f}, {stop.lat:.6f}",
            detail=f"{stop.location_id} lies at {place[0]:.6f}, {place[1]:.6f}",
        )


def check_snaps(case: Case) -> Violations:
    """No place is too far from the road, and the way on foot is stated truly."""
    for route in case.plan.routes:
        vehicle = case.vehicles.get(route.vehicle_type)
        if vehicle is not None:
            yield from _snaps(case, route, vehicle)


def _snaps(case: Case, route: Route, vehicle: VehicleType) -> Violations:
    limit = case.scenario.file.map.max_snap_m
    for stop in dict.fromkeys(route.stops):
        position = case.position(vehicle, stop)
        place = f"{route.vehicle_id}, {stop.location_id}"
        if position is None:
            continue
        metres = position.distance_m
        if metres > limit:
            yield Violation(
                rule="snap",
                place=place,
                amount=f"+{metres - limit:.0f} m",
                detail=f"{stop.location_id} is {metres:.0f} m from the nearest road that a {vehicle.vehicle_class} "
                f"may use, {limit:.0f} m are allowed",
            )
        if not abs(stop.snap_m - metres) <= _SNAP_TOLERANCE_M:
            yield Violation(
                rule="snap",
                place=place,
                amount=f"{stop.snap_m:.1f} m for {metres:.1f} m",
                detail=f"the nearest road that a {vehicle.vehicle_class} may use is {metres:.1f} m from "
                f"{stop.location_id}, the stop says {stop.snap_m:.1f} m",
            )


def _handover(case: Case, route: Route, stop: Stop) -> Violations:
    """What changes hands is the whole order at a door, nothing at a base or charger; nothing is collected at a site."""
    due: dict[str, int] = {}
    row = case.orders.get(stop.location_id) if stop.kind == "door" else None
    if row is not None:
        for column in ("parcels", "pickups", "weight_g", "volume_cm3"):
            due[column] = int(getattr(case.demand, column)[row])
    elif stop.kind in ("base", "charge"):
        due = {"parcels": 0, "pickups": 0, "weight_g": 0, "volume_cm3": 0}
    elif stop.kind == "site":
        due = {"pickups": 0}
    for column, value in due.items():
        stated = getattr(stop, column)
        if stated != value:
            yield Violation(
                rule="handover",
                place=f"{route.vehicle_id}, {stop.location_id}",
                amount=f"{stated} for {value} {column}",
                detail=f"the stop at {stop.location_id} states {column} {stated}, due is {value}",
            )
    if stop.charged_wh < 0 or (stop.charged_wh and stop.kind != "charge"):
        yield Violation(
            rule="handover",
            place=f"{route.vehicle_id}, {stop.location_id}",
            amount=f"{stop.charged_wh} Wh",
            detail=f"{stop.charged_wh} Wh cannot be charged at a stop of kind {stop.kind}",
        )
    if stop.parcels < 0 or stop.pickups < 0 or stop.weight_g < 0 or stop.volume_cm3 < 0:
        yield Violation(
            rule="handover",
            place=f"{route.vehicle_id}, {stop.location_id}",
            amount="below 0",
            detail=f"the stop at {stop.location_id} hands over less than nothing",
        )


def check_doors(case: Case) -> Violations:
    """An order served at the door is visited once, any other never.

    An order with nothing to hand over and nothing to collect needs no visit.
    """
    visits = Counter(stop.location_id for route in case.plan.routes for stop in route.stops if stop.kind == "door")
    at_door = {service.order_id for service in case.plan.services if service.channel == "door"}
    for row, order in enumerate(case.demand.id):
        due = 1 if order in at_door else 0
        nothing = case.demand.parcels[row] + case.demand.pickups[row] == 0
        if visits[order] != due and not (nothing and visits[order] == 0):
            yield Violation(
                rule="door",
                place=order,
                amount=f"{visits[order]} visits for {due}",
                detail=f"order {order} is {'' if due else 'not '}served at its door and visited {visits[order]} times",
            )


def check_supply(case: Case) -> Violations:
    """What rounds bring to a site is what its receivers fetch and what its own rounds carry away.

    Parcels for doors that stay unserved may lie there too; the plan does not say at which site. Chilled ones come in
    vehicles that keep them so.
    """
    unserved = {item.order_id for item in case.plan.unserved}
    left_behind = sum(
        int(case.demand.parcels[row])
        for order, row in case.orders.items()
        if order in unserved and "door" in case.demand.channels[row]
    )
    brought: dict[str, Counter[str]] = {site: Counter() for site in case.sites}
    due: dict[str, Counter[str]] = {site: Counter() for site in case.sites}
    for route in case.plan.routes:
        vehicle = case.vehicles.get(route.vehicle_type)
        for stop in route.stops:
            if not stop.is_visit:
                continue
            goods = {"parcels": stop.parcels, "weight_g": stop.weight_g, "volume_cm3": stop.volume_cm3}
            if stop.kind == "site" and stop.location_id in brought:
                brought[stop.location_id].update({**goods, "visits": 1})
                if vehicle is not None and CHILLED in vehicle.skills:
                    brought[stop.location_id]["cold"] += stop.parcels
            if route.base_id in due:
                due[route.base_id].update(goods)
                row = case.orders.get(stop.location_id) if stop.kind == "door" else None
                if row is not None and case.demand.skill[row] == CHILLED:
                    due[route.base_id]["cold"] += stop.parcels
    for service in case.plan.services:
        row = case.orders.get(service.order_id)
        if row is not None and service.channel != "door" and service.site_id in due:
            due[service.site_id].update(
                {"weight_g": int(case.demand.weight_g[row]), "volume_cm3": int(case.demand.volume_cm3[row])}
            )
            if case.demand.skill[row] == CHILLED:
                due[service.site_id]["cold"] += service.parcels
    for site in case.sites.values():
        got, need = brought[site.id], due[site.id]
        need["parcels"] += site.load_parcels
        surplus = got["parcels"] - need["parcels"]
        if 0 < surplus <= left_behind:
            left_behind -= surplus
        elif surplus:
            yield Violation(
                rule="supply",
                place=site.id,
                amount=f"{got['parcels'] - need['parcels']:+d} parcels",
                detail=f"rounds bring {got['parcels']} parcels to {site.id}, "
                f"{need['parcels']} are fetched or carried on",
            )
        if got["cold"] < need["cold"]:
            yield Violation(
                rule="cold-chain",
                place=site.id,
                amount=f"{need['cold'] - got['cold']} parcels",
                detail=f"{need['cold']} chilled parcels are fetched from {site.id} or carried on, "
                f"vehicles with the skill {CHILLED!r} bring {got['cold']}",
            )
        for column, unit in (("weight_g", "g"), ("volume_cm3", "cm3")):
            missing = need[column] - got[column]
            if missing > _WEIGHT_TOLERANCE * need[column] + got["visits"]:
                yield Violation(
                    rule="supply",
                    place=site.id,
                    amount=f"-{missing} {unit}",
                    detail=f"the supplies of {site.id} make {got[column]} {unit}, its parcels {need[column]} {unit}",
                )
