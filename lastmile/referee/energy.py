"""Batteries last."""

from lastmile.plans import Route, Violation
from lastmile.referee.case import Case, Violations
from lastmile.referee.loads import weight_after
from lastmile.referee.travel import Drives, leg_name
from lastmile.scenario import VehicleType

_TOLERANCE_WH = 1.0


def check_energy(case: Case, drives: Drives) -> Violations:
    """Energy of every leg by distance and load, and of every round by the battery's usable part above the reserve.

    This version plans no charging on the way: a round must do with one full battery.
    """
    for i, route in enumerate(case.plan.routes):
        vehicle = case.vehicles.get(route.vehicle_type)
        if vehicle is None or len(route.stops) < 2:
            continue
        yield from _legs(i, route, vehicle, drives)
        if vehicle.battery is not None:
            able = (vehicle.battery.usable_kwh - vehicle.battery.reserve_kwh) * 1000
            if route.energy_wh > able + _TOLERANCE_WH:
                yield Violation(
                    rule="battery",
                    place=route.vehicle_id,
                    amount=f"+{route.energy_wh - able:.0f} Wh",
                    detail=f"the round uses {route.energy_wh} Wh, the battery gives {able:.0f} Wh above its reserve",
                )


def _legs(index: int, route: Route, vehicle: VehicleType, drives: Drives) -> Violations:
    battery = vehicle.battery
    for j, (leg, grams) in enumerate(zip(route.legs, weight_after(route), strict=False)):
        need = 0.0
        if battery is not None:
            # The shorter of both distances: a wrong distance is reported by its own rule, not twice.
            drive = drives.get((index, j))
            km = (leg.distance_m if drive is None else min(leg.distance_m, drive.distance_m)) / 1000
            need = (battery.kwh_per_km + battery.kwh_per_ton_km * grams / 1e6) * km * 1000
        if leg.energy_wh < need - _TOLERANCE_WH or (battery is None and leg.energy_wh != 0):
            yield Violation(
                rule="energy",
                place=leg_name(route, j),
                amount=f"{leg.energy_wh} Wh for {need:.0f} Wh",
                detail=f"the leg takes {need:.0f} Wh with {grams / 1000:.1f} kg aboard, "
                f"the plan says {leg.energy_wh} Wh",
            )
