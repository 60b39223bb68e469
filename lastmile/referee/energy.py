"""Batteries last."""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lastmile.geo.energy import AIR_KG_M3, GRAVITY, STOP_SHARE
from lastmile.plans import Route, Stop, Violation
from lastmile.referee.case import Case, Violations
from lastmile.referee.loads import weight_after
from lastmile.referee.traffic import Traffic
from lastmile.referee.travel import Drive, Drives, leg_name
from lastmile.scenario import Battery, Physics, VehicleType

_TOLERANCE_WH = 1.0
_TIME_TOLERANCE_S = 1.0
_FASTEST_M_S = 100.0  # two moments that lie too close together tell no speed


def check_energy(case: Case, drives: Drives) -> Violations:
    """Energy of every leg by distance and load, or by physics, and of every round by the battery above its reserve.

    A round begins with a full battery and must do with it and what is charged on the way, unless batteries are swapped
    where the vehicle reloads. What descents give back while it is still full is lost.
    """
    streets = _Streets(case)
    for i, route in enumerate(case.plan.routes):
        vehicle = case.vehicles.get(route.vehicle_type)
        if vehicle is None or len(route.stops) < 2:
            continue
        yield from _legs(i, route, vehicle, drives, streets)
        if vehicle.battery is not None:
            yield from _battery(case, route, vehicle, vehicle.battery)


def _battery(case: Case, route: Route, vehicle: VehicleType, battery: Battery) -> Violations:
    able = (battery.usable_kwh - battery.reserve_kwh) * 1000
    out = most = 0
    for stop, leg in zip(route.stops, route.legs, strict=False):
        if stop.kind == "base" and battery.swap_minutes is not None:
            out = 0
        if stop.kind == "charge":
            yield from _charge(case, route, stop, vehicle, battery, out)
            out = max(out - max(stop.charged_wh, 0), 0)
        out = max(out + leg.energy_wh, 0)
        most = max(most, out)
    if most > able + _TOLERANCE_WH:
        yield Violation(
            rule="battery",
            place=route.vehicle_id,
            amount=f"+{most - able:.0f} Wh",
            detail=f"the round uses {most} Wh, the battery gives {able:.0f} Wh above its reserve",
        )


def _charge(case: Case, route: Route, stop: Stop, vehicle: VehicleType, battery: Battery, out: int) -> Violations:
    """A stop at a charger: it takes such vehicles, the battery has room, and the time is enough."""
    place = f"{route.vehicle_id}, {stop.location_id}"
    charger = case.chargers.get(stop.location_id)
    if charger is None:
        return  # reported by the rule of identity
    if not battery.charging:
        yield Violation(
            rule="charge",
            place=place,
            amount=f"{stop.charged_wh} Wh",
            detail=f"a {vehicle.id} states no power of charging, so it charges overnight only",
        )
        return
    if charger.classes and vehicle.vehicle_class not in charger.classes:
        yield Violation(
            rule="charge",
            place=place,
            amount=vehicle.vehicle_class,
            detail=f"charger {stop.location_id} is for {', '.join(charger.classes)}",
        )
    if stop.charged_wh > out + _TOLERANCE_WH:
        yield Violation(
            rule="charge",
            place=place,
            amount=f"+{stop.charged_wh - out} Wh",
            detail=f"{stop.charged_wh} Wh are charged, the battery has room for {out} Wh",
        )
    full = battery.usable_kwh * 1000
    need = _charging_s(battery, charger.kw, full - out, min(full - out + max(stop.charged_wh, 0), full))
    given = stop.depart_s - stop.start_s
    if not given >= need - _TIME_TOLERANCE_S:
        yield Violation(
            rule="charge",
            place=place,
            amount=f"-{need - given:.0f} s",
            detail=f"to charge {stop.charged_wh} Wh takes {need:.0f} s there, the plan has {given} s",
        )


def _charging_s(battery: Battery, kw: float, before: float, after: float) -> float:
    """Seconds from one energy in the battery to another, by its curve: each piece holds until the next begins."""
    seconds, level = 0.0, before
    while level < after - 1e-6:
        share = level / (battery.usable_kwh * 1000) + 1e-12
        power = min(kw, [own for start, own in battery.charging if start <= share][-1])
        if power <= 0:
            return float("inf")
        ahead = [start * battery.usable_kwh * 1000 for start, _ in battery.charging if start > share]
        until = min([after, *ahead])
        seconds += (until - level) / power * 3.6
        level = until
    return seconds


def _legs(index: int, route: Route, vehicle: VehicleType, drives: Drives, streets: "_Streets") -> Violations:
    battery = vehicle.battery
    for j, (leg, grams) in enumerate(zip(route.legs, weight_after(route), strict=False)):
        need = 0.0
        drive = drives.get((index, j))
        if battery is not None and battery.physics is not None:
            if drive is None:  # no way through the streets, which is reported by its own rule
                continue
            need = streets.need_wh(battery.physics, drive, grams / 1000)
        elif battery is not None:
            # The shorter of both distances: a wrong distance is reported by its own rule, not twice.
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


class _Streets:
    """What physics asks of the streets, looked up when the first such vehicle drives."""

    def __init__(self, case: Case) -> None:
        self._case = case

    @cached_property
    def _delay_s(self) -> NDArray[np.float64]:
        scenario = self._case.scenario
        return Traffic(self._case.network, scenario.file.speeds, scenario.measured).delays_s()

    def need_wh(self, physics: Physics, drive: Drive, load_kg: float) -> float:
        """Energy of a leg, force by force, at the speeds at which its edges were driven."""
        network = self._case.network
        mass = physics.curb_kg + load_kg
        joules = 0.0
        for crossing in drive.crossings:
            segment = int(network.edge_segment[crossing.edge])
            metres = float(network.segment_length_m[segment]) * crossing.share
            seconds = (crossing.leave_ms - crossing.enter_ms) / 1000
            joules += physics.auxiliary_w * seconds
            if metres == 0:
                continue
            moving = seconds - float(self._delay_s[crossing.edge]) * crossing.share
            speed = metres / max(moving, metres / _FASTEST_M_S)
            work = physics.rolling_resistance * mass * GRAVITY * metres
            work += 0.5 * AIR_KG_M3 * physics.drag_area_m2 * speed**2 * metres
            # Who stops brakes, which gives back, and has to come to speed again.
            stops = STOP_SHARE * int(network.edge_signals[crossing.edge]) * crossing.share
            kinetic = stops * 0.5 * mass * speed**2
            work += kinetic
            back = kinetic
            if self._case.rises is not None:
                along, against = (float(metres[segment]) * crossing.share for metres in self._case.rises)
                up, down = (along, against) if network.edge_forward[crossing.edge] else (against, along)
                work += mass * GRAVITY * up
                back += mass * GRAVITY * down
            joules += work / physics.drivetrain_efficiency - back * physics.regeneration
        return joules / 3600
