"""Stage 4: vehicles driven, vehicles bought beyond that for the fleet's targets, and who holds permits."""

import math
from collections import Counter

import numpy as np
from ortools.math_opt.python import mathopt

from lastmile.geo.access import eligible
from lastmile.plans import FleetEntry, Route
from lastmile.scenario import FleetTarget, NewEnergyTarget, PermitTarget, ScenarioFile
from lastmile.units import fen

_SHORTAGE_TOLERANCE = 1e-4  # vehicles


def make_fleet(file: ScenarioFile, routes: tuple[Route, ...]) -> tuple[FleetEntry, ...]:
    """Count what is driven and buy the cheapest reserve that meets the targets, as far as they can be met."""
    driven = Counter(route.vehicle_type for route in routes)
    reserve = _reserve(file, driven)
    permits = _permits(file, routes, driven, reserve)
    return tuple(
        FleetEntry(
            vehicle_type=vehicle.id,
            vehicle_class=vehicle.vehicle_class,
            energy=vehicle.energy,
            new=vehicle.new,
            marked=vehicle.marked,
            driven=driven[vehicle.id],
            reserve=reserve[vehicle.id],
            available=vehicle.count,
            permits=permits[vehicle.id],
            price_fen=fen(vehicle.price_yuan),
        )
        for vehicle in file.vehicles
    )


def _reserve(file: ScenarioFile, driven: Counter[str]) -> dict[str, int]:
    """Fewest yuan of vehicles beyond those driven; targets that cannot be met fall short by as little as possible."""
    model = mathopt.Model(name="fleet")
    more = []
    wanted = sum(target.minimum for target in file.targets if isinstance(target, FleetTarget | PermitTarget))
    # To raise a share above m, so many for each that is there or wanted already.
    shares = [t.minimum for t in file.targets if isinstance(t, NewEnergyTarget) and t.minimum < 1]
    enough = wanted + math.ceil(max((m / (1 - m) for m in shares), default=0.0) * (driven.total() + wanted))
    for vehicle in file.vehicles:
        room = enough if vehicle.count is None else vehicle.count - driven[vehicle.id]
        more.append(model.add_integer_variable(lb=0, ub=max(room, 0)))
    total = [driven[vehicle.id] + extra for vehicle, extra in zip(file.vehicles, more, strict=True)]
    shortfalls = []

    def at_least(left: mathopt.LinearTypes, right: mathopt.LinearTypes) -> None:
        short = model.add_variable(lb=0.0)
        model.add_linear_constraint(left + short >= right)
        shortfalls.append(short)

    for target in file.targets:
        if isinstance(target, FleetTarget):
            chosen = [
                t
                for vehicle, t in zip(file.vehicles, total, strict=True)
                if (vehicle.new or not target.new_only) and (vehicle.marked or not target.marked_only)
            ]
            at_least(mathopt.LinearSum(chosen), float(target.minimum))
        elif isinstance(target, NewEnergyTarget):
            counted = [(v, t) for v, t in zip(file.vehicles, total, strict=True) if v.new or not target.new_only]
            electric = mathopt.LinearSum(t for v, t in counted if v.energy == "electric")
            at_least(electric, target.minimum * mathopt.LinearSum(t for _, t in counted))
        elif isinstance(target, PermitTarget):
            permit = next(permit for permit in file.permits if permit.id == target.permit)
            holders = [t for v, t in zip(file.vehicles, total, strict=True) if eligible(permit, v)]
            at_least(mathopt.LinearSum(holders), float(min(target.minimum, permit.quota)))
    price = mathopt.LinearSum(
        (vehicle.price_yuan + 1.0) * extra for vehicle, extra in zip(file.vehicles, more, strict=True)
    )
    # First as little short of the targets as can be, then as cheap as that allows.
    shortage = mathopt.LinearSum(shortfalls)
    model.minimize(shortage)
    least = mathopt.solve(model, mathopt.SolverType.HIGHS)
    model.add_linear_constraint(shortage <= least.objective_value() + _SHORTAGE_TOLERANCE)
    model.minimize(price)
    result = mathopt.solve(model, mathopt.SolverType.HIGHS)
    values = result.variable_values()
    return {vehicle.id: round(values[extra]) for vehicle, extra in zip(file.vehicles, more, strict=True)}


def _permits(
    file: ScenarioFile, routes: tuple[Route, ...], driven: Counter[str], reserve: dict[str, int]
) -> dict[str, dict[str, int]]:
    """Holders per type: first who needs the permit today, then marked and other eligible vehicles up to the target."""
    held: dict[str, dict[str, int]] = {vehicle.id: {} for vehicle in file.vehicles}
    for permit in file.permits:
        in_use = Counter(route.vehicle_type for route in routes if permit.id in route.permits)
        wanted = max(
            (t.minimum for t in file.targets if isinstance(t, PermitTarget) and t.permit == permit.id), default=0
        )
        left = max(min(wanted, permit.quota) - sum(in_use.values()), 0)
        for vehicle in sorted(file.vehicles, key=lambda v: not v.marked):
            without = driven[vehicle.id] + reserve[vehicle.id] - in_use[vehicle.id]
            extra = int(np.clip(without, 0, left)) if eligible(permit, vehicle) else 0
            left -= extra
            if in_use[vehicle.id] + extra:
                held[vehicle.id][permit.id] = in_use[vehicle.id] + extra
    return held
