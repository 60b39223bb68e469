"""Drivers rest when they must."""

from itertools import permutations

from lastmile.plans import Route, Violation
from lastmile.referee.case import Case, Violations, daily
from lastmile.scenario import Break, VehicleType
from lastmile.units import parse_hours

Span = tuple[float, float]


def check_breaks(case: Case) -> Violations:
    """Room for every break within its window and the shift, apart from driving, serving and the other breaks.

    Who charges may rest meanwhile.
    """
    for route in case.plan.routes:
        vehicle = case.vehicles.get(route.vehicle_type)
        if vehicle is None or not vehicle.breaks or not route.stops:
            continue
        idle = idle_spans(route, vehicle)
        due = [rest for rest in vehicle.breaks if _on_duty(rest, vehicle)]
        missing = [rest for rest in due if not _fits((rest,), idle)]
        if not missing and not any(_fits(order, idle) for order in permutations(due)):
            yield Violation(
                rule="break",
                place=route.vehicle_id,
                amount=f"{len(due)} breaks",
                detail="each break finds room by itself, but not all of them one after another",
            )
        for rest in missing:
            longest = max((min(b, d) - max(a, c) for a, b in idle for c, d in daily(rest.window)), default=0.0)
            yield Violation(
                rule="break",
                place=route.vehicle_id,
                amount=f"-{rest.minutes * 60 - max(longest, 0.0):.0f} s",
                detail=f"{route.vehicle_id} must rest {rest.minutes:g} min within {rest.window}, "
                f"the longest gap there is {max(longest, 0.0) / 60:.1f} min",
            )


def _on_duty(rest: Break, vehicle: VehicleType) -> bool:
    """A break is due where its window leaves room for it within the shift; who is off duty then rests anyway."""
    start, end = parse_hours(vehicle.shift)
    return any(min(end, b) - max(start, a) >= rest.minutes * 60 for a, b in daily(rest.window))


def idle_spans(route: Route, vehicle: VehicleType) -> list[Span]:
    """Spans of the shift in which the driver neither drives nor serves, in order; charging asks nothing of them."""
    start, end = parse_hours(vehicle.shift)
    busy: list[Span] = []
    for index, stop in enumerate(route.stops):
        if 0 < index < len(route.stops) - 1 and stop.kind != "charge":
            busy.append((stop.start_s, stop.depart_s))
    busy += [(leg.depart_s, leg.arrive_s) for leg in route.legs]
    idle, free_from = [], float(start)
    for a, b in sorted(busy):
        if a > free_from:
            idle.append((free_from, float(a)))
        free_from = max(free_from, b)
    if end > free_from:
        idle.append((free_from, float(end)))
    return idle


def _fits(breaks: tuple[Break, ...], idle: list[Span]) -> bool:
    """Place the breaks in this order, each as early as it can be; earlier is never worse for those that follow."""
    now = float("-inf")
    for rest in breaks:
        need = rest.minutes * 60
        begins = [
            max(now, a, c) for a, b in idle for c, d in daily(rest.window) if max(now, a, c) + need <= min(b, d) + 1e-6
        ]
        if not begins:
            return False
        now = min(begins) + need
    return True
