"""Everything is done in its time."""

import math
from itertools import pairwise

from lastmile.plans import Route, Stop, Violation
from lastmile.referee.case import Case, Violations, daily, leaving, outside_s, trips
from lastmile.scenario import VehicleType
from lastmile.units import clock, parse_hours


def check_schedule(case: Case) -> Violations:
    """Clock, windows, service times, shifts and limits of every round."""
    for route in case.plan.routes:
        yield from _clock(route)
        for index, stop in enumerate(route.stops):
            if stop.kind == "door":
                yield from _at_door(case, route, stop)
            elif stop.kind == "site":
                yield from _at_site(case, route, stop)
            elif stop.kind == "base" and 0 < index < len(route.stops) - 1:
                yield from _reload(case, route, stop)
        vehicle = case.vehicles.get(route.vehicle_type)
        if vehicle is not None and len(route.stops) > 1:
            yield from _shift(case, route, vehicle)
            yield from _limits(route, vehicle)
            yield from _orders(case, route, vehicle)


def _clock(route: Route) -> Violations:
    """Time never runs backwards, and legs fit between their stops."""
    moments: list[tuple[str, int]] = []
    for index, stop in enumerate(route.stops):
        at = f"at {stop.location_id}"
        moments += [(f"arrival {at}", stop.arrive_s), (f"start {at}", stop.start_s), (f"end {at}", stop.depart_s)]
        if index < len(route.legs):
            moments += [(f"departure from {stop.location_id}", route.legs[index].depart_s)]
    for (before, early), (after, late) in pairwise(moments):
        if late < early:
            yield Violation(
                rule="clock",
                place=route.vehicle_id,
                amount=f"-{early - late} s",
                detail=f"the {after} ({clock(late)}) is before the {before} ({clock(early)})",
            )
    for leg, stop in zip(route.legs, route.stops[1:], strict=False):
        if leg.arrive_s != stop.arrive_s:
            yield Violation(
                rule="clock",
                place=f"{route.vehicle_id}, {stop.location_id}",
                amount=f"{stop.arrive_s - leg.arrive_s:+d} s",
                detail=f"the leg arrives at {stop.location_id} at {clock(leg.arrive_s)}, "
                f"the stop says {clock(stop.arrive_s)}",
            )


def _at_door(case: Case, route: Route, stop: Stop) -> Violations:
    row = case.orders.get(stop.location_id)
    if row is None:
        return
    demand = case.demand
    start, end = int(demand.window_start_s[row]), int(demand.window_end_s[row])
    yield from _within("window", route, stop, outside_s(stop.start_s, [(start, end)]), f"{clock(start)}-{clock(end)}")
    yield from _long_enough(route, stop, _work_s(case, stop) or 0)


def _at_site(case: Case, route: Route, stop: Stop) -> Violations:
    facility = case.facility(stop.location_id)
    if facility is None:
        return
    late = outside_s(stop.start_s, daily(facility.supply_hours))
    yield from _within("supply-hours", route, stop, late, facility.supply_hours)
    yield from _long_enough(route, stop, _work_s(case, stop) or 0)


def _reload(case: Case, route: Route, stop: Stop) -> Violations:
    vehicle = case.vehicles.get(route.vehicle_type)
    if vehicle is not None:
        yield from _long_enough(route, stop, _reload_s(vehicle))


def _reload_s(vehicle: VehicleType) -> float:
    """Loading, and where batteries are swapped, that too."""
    swap = 0.0 if vehicle.battery is None else vehicle.battery.swap_minutes or 0.0
    return (vehicle.reload_minutes + swap) * 60


def check_walks(case: Case) -> Violations:
    """Between vehicle and door somebody walks: what is beyond the visit's own reach takes time, there and back."""
    free_m, pace = case.scenario.file.map.visit_snap_m, case.scenario.file.speeds.walk_kmh / 3.6
    for route in case.plan.routes:
        vehicle = case.vehicles.get(route.vehicle_type)
        for stop in route.stops[1:-1]:
            position = None if vehicle is None or not stop.is_visit else case.position(vehicle, stop)
            if position is None or position.distance_m <= free_m:
                continue
            need = math.floor((position.distance_m - free_m) / pace)
            work = _work_s(case, stop)
            there, back = stop.start_s - stop.arrive_s, stop.depart_s - stop.start_s - (work or 0)
            if work is not None and min(there, back) < need:
                yield Violation(
                    rule="walk",
                    place=f"{route.vehicle_id}, {stop.location_id}",
                    amount=f"-{need - min(there, back)} s",
                    detail=f"{stop.location_id} is {position.distance_m:.0f} m off the road, {need} s of walk each way "
                    f"beyond {free_m:g} m; the plan has {there} s there and {back} s back",
                )


def _work_s(case: Case, stop: Stop) -> int | None:
    """Seconds of work at a stop, None for stops that are reported elsewhere."""
    if stop.kind == "site":
        facility = case.facility(stop.location_id)
        return None if facility is None else math.floor(facility.visit_s + facility.parcel_s * stop.parcels + 1e-6)
    row = case.orders.get(stop.location_id)
    if row is None:
        return None
    times, stated = case.scenario.file.demand.door, int(case.demand.service_s[row])
    handed = int(case.demand.parcels[row] + case.demand.pickups[row])
    return stated if stated >= 0 else math.floor(times.visit_s + times.parcel_s * handed + 1e-6)


def _within(rule: str, route: Route, stop: Stop, missed: float, hours: str) -> Violations:
    if missed > 0:
        yield Violation(
            rule=rule,
            place=f"{route.vehicle_id}, {stop.location_id}",
            amount=f"{missed:.0f} s outside",
            detail=f"service at {stop.location_id} starts at {clock(stop.start_s)}, it must within {hours}",
        )


def _long_enough(route: Route, stop: Stop, seconds: float) -> Violations:
    need, given = math.floor(seconds + 1e-6), stop.depart_s - stop.start_s
    if given < need:
        yield Violation(
            rule="service-time",
            place=f"{route.vehicle_id}, {stop.location_id}",
            amount=f"-{need - given} s",
            detail=f"the work at {stop.location_id} takes {need} s, the plan gives it {given} s "
            f"from {clock(stop.start_s)}",
        )


def _shift(case: Case, route: Route, vehicle: VehicleType) -> Violations:
    out, back = route.stops[0].depart_s, route.stops[-1].arrive_s
    start, end = parse_hours(vehicle.shift)
    if out < start:
        yield _span(route, "shift", f"-{start - out} s", f"leaves at {clock(out)}, the shift starts at {clock(start)}")
    if back > end:
        yield _span(route, "shift", f"+{back - end} s", f"returns at {clock(back)}, the shift ends at {clock(end)}")
    depot = case.depots.get(route.base_id)
    if depot is None:
        return
    for what, moment in (("leaves", out), ("returns", back)):
        missed = outside_s(moment, daily(depot.hours))
        if missed > 0:
            detail = f"{what} at {clock(moment)}, depot {depot.id} is open {depot.hours}"
            yield _span(route, "depot-hours", f"{missed:.0f} s outside", detail)


def _limits(route: Route, vehicle: VehicleType) -> Violations:
    hours = route.duration_s / 3600
    if vehicle.max_work_hours is not None and hours > vehicle.max_work_hours + 1e-9:
        over = route.duration_s - vehicle.max_work_hours * 3600
        detail = f"is out for {hours:.2f} h, {vehicle.max_work_hours:g} h are allowed"
        yield _span(route, "work-hours", f"+{over:.0f} s", detail)
    km = route.distance_m / 1000
    if vehicle.max_distance_km is not None and km > vehicle.max_distance_km + 1e-6:
        detail = f"drives {km:.2f} km, {vehicle.max_distance_km:g} km are allowed"
        yield _span(route, "distance-limit", f"+{(km - vehicle.max_distance_km) * 1000:.0f} m", detail)
    visits = sum(stop.is_visit for stop in route.stops)
    if vehicle.max_stops is not None and visits > vehicle.max_stops:
        detail = f"makes {visits} stops, {vehicle.max_stops} are allowed"
        yield _span(route, "stops-limit", f"+{visits - vehicle.max_stops} stops", detail)
    count = len(trips(route))
    if count > vehicle.trips_per_day:
        detail = f"makes {count} trips, {vehicle.trips_per_day} are allowed"
        yield _span(route, "trips", f"+{count - vehicle.trips_per_day} trips", detail)


def _orders(case: Case, route: Route, vehicle: VehicleType) -> Violations:
    """Release, time on board and skill of every door order."""
    demand = case.demand
    for trip in trips(route):
        leaves = leaving(route, trip)
        for stop in (route.stops[index] for index in trip[1:-1]):
            row = case.orders.get(stop.location_id) if stop.kind == "door" else None
            if row is None:
                continue
            place = f"{route.vehicle_id}, {stop.location_id}"
            release, longest, skill = int(demand.release_s[row]), int(demand.on_board_s[row]), demand.skill[row]
            if leaves < release:
                yield Violation(
                    rule="release",
                    place=place,
                    amount=f"-{release - leaves} s",
                    detail=f"{route.vehicle_id} leaves at {clock(leaves)}, "
                    f"order {stop.location_id} is there at {clock(release)}",
                )
            if longest >= 0 and stop.start_s - leaves > longest:
                yield Violation(
                    rule="on-board",
                    place=place,
                    amount=f"+{stop.start_s - leaves - longest} s",
                    detail=f"order {stop.location_id} is on board from {clock(leaves)} to {clock(stop.start_s)}, "
                    f"{longest / 60:g} min are allowed",
                )
            if skill and skill not in vehicle.skills:
                yield Violation(
                    rule="skill",
                    place=place,
                    amount=skill,
                    detail=f"order {stop.location_id} needs {skill!r}, a {vehicle.id} has "
                    f"{', '.join(vehicle.skills) or 'no skill'}",
                )


def check_goods(case: Case) -> Violations:
    """Parcels are at the depot before they are driven to a site, and there before its own rounds take them away."""
    yield from _released(case)
    last: dict[str, Stop] = {}
    for route in case.plan.routes:
        for stop in route.stops:
            if stop.kind == "site" and stop.parcels > 0:
                known = last.get(stop.location_id)
                last[stop.location_id] = stop if known is None or stop.depart_s > known.depart_s else known
    for route in case.plan.routes:
        supply = last.get(route.base_id)
        if supply is None or len(route.stops) < 2:
            continue
        for trip in trips(route):
            leaves = leaving(route, trip)
            if leaves < supply.depart_s and any(route.stops[index].parcels for index in trip[1:-1]):
                yield Violation(
                    rule="goods",
                    place=f"{route.vehicle_id}, {route.base_id}",
                    amount=f"-{supply.depart_s - leaves} s",
                    detail=f"{route.vehicle_id} leaves {route.base_id} at {clock(leaves)}, "
                    f"the last supply is unloaded at {clock(supply.depart_s)}",
                )


def _released(case: Case) -> Violations:
    """Drops that leave the depot from a moment on take everything that is only there by then."""
    drops: dict[str, list[tuple[int, int]]] = {}
    due: dict[str, list[tuple[int, int]]] = {}

    def wanted(site_id: str, order_id: str) -> None:
        row = case.orders.get(order_id)
        if row is not None:
            due.setdefault(site_id, []).append((int(case.demand.release_s[row]), int(case.demand.parcels[row])))

    for route in case.plan.routes:
        for trip in trips(route) if route.stops else ():
            leaves = leaving(route, trip)
            for stop in (route.stops[index] for index in trip[1:-1]):
                if stop.kind == "site":
                    drops.setdefault(stop.location_id, []).append((leaves, stop.parcels))
                elif stop.kind == "door" and route.base_id in case.sites:
                    wanted(route.base_id, stop.location_id)
    for service in case.plan.services:
        if service.site_id is not None:
            wanted(service.site_id, service.order_id)
    for site_id, orders in due.items():
        # What is not brought at all is the business of the rule of supply.
        missing = sum(parcels for _, parcels in orders) - sum(parcels for _, parcels in drops.get(site_id, ()))
        for moment in sorted({release for release, _ in orders if release > 0}):
            late = sum(parcels for release, parcels in orders if release >= moment)
            brought = sum(parcels for leaves, parcels in drops.get(site_id, ()) if leaves >= moment)
            if brought + max(missing, 0) < late:
                yield Violation(
                    rule="release",
                    place=site_id,
                    amount=f"{late - brought} parcels",
                    detail=f"{late} parcels for {site_id} are at the depot at {clock(moment)} or later, "
                    f"only {brought} are driven to it after that",
                )
                break


def _span(route: Route, rule: str, amount: str, detail: str) -> Violation:
    return Violation(rule=rule, place=route.vehicle_id, amount=amount, detail=f"{route.vehicle_id} {detail}")
