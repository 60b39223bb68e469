"""There are as many vehicles as the plan uses, and it counts them rightly."""

from collections import Counter

from lastmile.plans import FleetEntry, Violation
from lastmile.referee.case import Case, Violations
from lastmile.scenario import VehicleType
from lastmile.units import fen


def check_fleet(case: Case) -> Violations:
    """Counts of vehicles and permits by type.

    A vehicle may hold a permit that its round of the planned day does not need, so the fleet may count more holders
    than rounds do.
    """
    driven = Counter(route.vehicle_type for route in case.plan.routes)
    entries = {entry.vehicle_type: entry for entry in case.plan.fleet}
    for vehicle in case.vehicles.values():
        entry = entries.get(vehicle.id)
        used = max(driven[vehicle.id], driven[vehicle.id] + entry.reserve if entry is not None else 0)
        if vehicle.count is not None and used > vehicle.count:
            yield _fault(vehicle.id, f"{used - vehicle.count} over {vehicle.count}", f"there are {vehicle.count}")
        if entry is not None:
            yield from _entry(case, vehicle, entry, driven[vehicle.id])
        elif driven[vehicle.id]:
            yield _fault(vehicle.id, f"0 for {driven[vehicle.id]}", "the fleet has no entry for them")


def _entry(case: Case, vehicle: VehicleType, entry: FleetEntry, driven: int) -> Violations:
    if entry.driven != driven:
        yield _fault(vehicle.id, f"{entry.driven} for {driven}", f"{driven} are driven, the fleet says {entry.driven}")
    if entry.reserve < 0:
        yield _fault(vehicle.id, f"{entry.reserve}", f"a reserve of {entry.reserve} is none")
    stated = (entry.vehicle_class, entry.energy, entry.new, entry.marked, entry.available)
    actual = (vehicle.vehicle_class, vehicle.energy, vehicle.new, vehicle.marked, vehicle.count)
    if stated != actual:
        yield _fault(
            vehicle.id,
            ", ".join(str(value) for value in stated),
            f"class, energy, new, marked and count are {', '.join(str(value) for value in actual)}",
        )
    if entry.price_fen != fen(vehicle.price_yuan):
        yield _fault(vehicle.id, f"{entry.price_fen} fen", f"one costs {vehicle.price_yuan:g} yuan")
    held = Counter(
        permit for route in case.plan.routes if route.vehicle_type == vehicle.id for permit in set(route.permits)
    )
    vehicles = driven + entry.reserve
    for permit in sorted(held.keys() | entry.permits.keys()):
        stated_holders = entry.permits.get(permit, 0)
        if not held[permit] <= stated_holders <= vehicles:
            yield _fault(
                vehicle.id,
                f"{stated_holders} for {held[permit]} {permit}",
                f"{held[permit]} of {vehicles} vehicles drive with permit {permit}, "
                f"the fleet says that {stated_holders} hold it",
            )


def _fault(vehicle: str, amount: str, detail: str) -> Violation:
    return Violation(rule="fleet", place=vehicle, amount=amount, detail=f"vehicles of type {vehicle}: {detail}")
