"""Chargers: what the table says of each, and how long a battery takes there."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate, pairwise
from math import isnan

from lastmile.loading import Scenario
from lastmile.plans import Route
from lastmile.scenario import Battery, VehicleType
from lastmile.units import clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Charger:
    """One row of the table of chargers.

    Parameters
    ----------
    power_kw
        That it gives at most.
    vehicle_classes
        That may charge there; empty for all.
    yuan_per_kwh
        Its price; None where it asks what the vehicle pays anyway.
    """

    id: str
    name: str
    lon: float
    lat: float
    power_kw: float
    slots: int
    vehicle_classes: tuple[str, ...] = ()
    yuan_per_kwh: float | None = None

    def admits(self, vehicle: VehicleType) -> bool:
        """Whether a vehicle may charge there."""
        return not self.vehicle_classes or vehicle.vehicle_class in self.vehicle_classes


def read_chargers(scenario: Scenario) -> tuple[Charger, ...]:
    """The chargers of a scenario; none where it has no table of them."""
    table = scenario.chargers
    if table is None:
        return ()
    columns = (table[name] for name in ("id", "name", "power_kw", "slots", "vehicles", "yuan_per_kwh"))
    return tuple(
        Charger(
            id=key,
            name=name or key,
            lon=float(place.x),
            lat=float(place.y),
            power_kw=float(power),
            slots=int(slots),
            vehicle_classes=tuple(classes),
            yuan_per_kwh=None if isnan(price) else float(price),
        )
        for key, name, power, slots, classes, price, place in zip(*columns, table.geometry, strict=True)
    )


def pieces(battery: Battery) -> list[tuple[float, float, float]]:
    """Of the battery's curve: from which share of charge to which it takes how many kW."""
    ends = [*(share for share, _ in battery.charging), 1.0]
    return [(low, high, kw) for (low, high), (_, kw) in zip(pairwise(ends), battery.charging, strict=True)]


def charging_s(battery: Battery, power_kw: float, *, from_wh: float, wh: float) -> float:
    """Seconds until a battery that holds ``from_wh`` has taken ``wh`` more at a charger of some power."""
    full_wh = battery.usable_kwh * 1000
    seconds = 0.0
    for low, high, kw in pieces(battery):
        taken = min(high * full_wh, from_wh + wh) - max(low * full_wh, from_wh)
        seconds += max(taken, 0.0) * 3.6 / min(kw, power_kw)
    return seconds


def crowded(chargers: Iterable[Charger], routes: Iterable[Route]) -> list[str]:
    """Chargers at which more vehicles charge at once than there are slots: the search does not look at that."""
    slots = {charger.id: charger.slots for charger in chargers}
    changes: dict[str, list[tuple[int, int]]] = {}
    for route in routes:
        for stop in route.stops:
            if stop.kind == "charge" and stop.depart_s > stop.start_s:
                changes.setdefault(stop.location_id, []).extend(((stop.start_s, 1), (stop.depart_s, -1)))
    found = []
    for name, moments in sorted(changes.items()):
        # Who leaves makes room for who comes at the same second.
        moments.sort()
        there = list(accumulate(change for _, change in moments))
        most = max(there)
        if most > slots.get(name, most):
            at = clock(moments[there.index(most)][0])
            found.append(f"charger {name}: {most} vehicles at once at {at}, it has {slots[name]} slots")
    return found


def energy_yuan(vehicle: VehicleType, route: Route, chargers: Iterable[Charger]) -> float:
    """What a round's energy costs: at the chargers' prices what was charged there, the rest at the vehicle's own."""
    prices = {charger.id: charger.yuan_per_kwh for charger in chargers}
    yuan = vehicle.yuan_per_kwh * (route.energy_wh / 1000)
    for stop in route.stops:
        price = prices.get(stop.location_id) if stop.kind == "charge" else None
        if price is not None:
            yuan += (price - vehicle.yuan_per_kwh) * (stop.charged_wh / 1000)
    return yuan
