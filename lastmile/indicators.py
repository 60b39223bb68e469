"""The numbers of a plan: whom it reaches, how its rounds run, what it costs and emits.

Everything is JSON-ready. Shares are between 0 and 1, a number that has no meaning in the plan (a share of nothing) is
None. Money is yuan, lengths metres or kilometres as their names say.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lastmile.chargers import energy_yuan, read_chargers
from lastmile.geo.demand import Demand
from lastmile.loading import Scenario
from lastmile.plans import FleetEntry, Plan, Route, Site, Stop, TargetResult, Unserved
from lastmile.scenario import SIZES, Facility, VehicleType
from lastmile.stages.phases import SiteTarget, standing
from lastmile.units import parse_hours

THRESHOLDS_M: Final = (200, 300, 500, 800, 1000)
FULL_SHARE: Final = 0.9
_NO_DISTRICT: Final = "(none)"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Walks:
    """Walks between orders and the plan's sites, as sparse triplets; pairs too far apart are absent.

    Parameters
    ----------
    order, site
        int32, indices into the demand and into ``plan.sites``.
    metres
        float64, over the walking network with the ways to and from it. All walks of up to 1,000 m, or up to the
        longest reach of a facility where that is more, must be there.
    """

    order: NDArray[np.int32]
    site: NDArray[np.int32]
    metres: NDArray[np.float64]

    def __post_init__(self) -> None:
        if not len(self.order) == len(self.site) == len(self.metres):
            raise ValueError(f"columns differ in length: {len(self.order)}, {len(self.site)}, {len(self.metres)}")
        for column in (self.order, self.site, self.metres):
            column.setflags(write=False)


def measure(scenario: Scenario, plan: Plan, demand: Demand, walks: Walks) -> dict[str, Any]:
    """Compute the indicators of a plan.

    Returns
    -------
    dict
        ``service``, ``coverage``, ``capacity``, ``chilled``, ``routing``, ``fleet``, ``access``, ``money``,
        ``environment``, ``unserved`` and ``targets``; ``phases`` where the plan has some.

    Raises
    ------
    ValueError
        When the walks are those of other orders or sites.
    """
    if len(walks.order) and (walks.order.max() >= len(demand) or walks.site.max() >= len(plan.sites)):
        raise ValueError(
            f"walks speak of {walks.order.max() + 1} orders and {walks.site.max() + 1} sites, "
            f"there are {len(demand)} and {len(plan.sites)}"
        )
    types = {vehicle.id: vehicle for vehicle in scenario.file.vehicles}
    served = sum(service.parcels for service in plan.services)
    environment = _environment(scenario, plan.routes, types, served)
    return {
        "service": _service(scenario, plan, demand, served),
        "coverage": _coverage(scenario, plan, demand, walks),
        "capacity": _capacity(scenario, plan.sites),
        "chilled": _chilled(scenario, plan, demand, walks),
        "routing": {
            **_routing(plan.routes, types),
            "by_type": {
                name: _routing([route for route in plan.routes if route.vehicle_type == name], types)
                for name in sorted({route.vehicle_type for route in plan.routes})
            },
        },
        "fleet": _fleet(plan),
        "access": _access(scenario, plan),
        "money": _money(scenario, plan, types, served),
        "environment": environment,
        "unserved": _unserved(plan.unserved),
        "targets": {**_met(plan.targets), "clauses": [_clause(target) for target in plan.targets]},
        **({"phases": _phases(scenario, plan, demand, walks)} if plan.phases else {}),
    }


def _met(targets: Sequence[TargetResult]) -> dict[str, int]:
    return {"met": sum(target.met for target in targets), "total": len(targets)}


def _clause(target: TargetResult) -> dict[str, Any]:
    """What is reached, and no plan reaches more of, or spends less than: alone, and with all other clauses kept."""
    money = target.measure == "budget"
    return {
        "id": target.id,
        "met": target.met,
        "value": target.value,
        "most_alone": target.most,
        "most_beside_others": None if money else target.bound,
        "least_yuan_beside_others": target.bound if money else None,
        "gap": target.gap,
    }


def _phases(scenario: Scenario, plan: Plan, demand: Demand, walks: Walks) -> list[dict[str, Any]]:
    """What is open by each date, what it takes of the parcels of then, the money spent on it, and the targets due."""
    parcels = demand.parcels.astype(np.float64)
    taking = {facility.id for facility in scenario.file.facilities if facility.channel is not None}
    due = phase_targets(scenario, plan)
    found = []
    for phase in plan.phases:
        sites = standing(plan.sites, phase.by)
        ids = {site.id for site in sites}
        there = np.array([site.id in ids for site in plan.sites], dtype=bool)[walks.site]
        part = Walks(order=walks.order[there], site=walks.site[there], metres=walks.metres[there])
        found.append(
            {
                "by": phase.by.isoformat(),
                "sites": len(sites),
                "modules": sum(site.modules for site in sites),
                "by_facility": dict(sorted(Counter(site.facility for site in sites).items())),
                "parcels": round(float(parcels.sum()) * (phase.demand_factor or 1.0)),
                "capacity_parcels": sum(site.capacity_parcels for site in sites if site.facility in taking),
                "sites_yuan": sum(site.cost_fen for site in sites if not site.existing) / 100,
                "within_reach": _ratio(
                    parcels[covered_orders(scenario, plan, demand, part)].sum(), float(parcels.sum())
                ),
                "gap": phase.siting.gap,
                "targets": _met(due.get(phase.by, [])),
            }
        )
    return found


def phase_targets(scenario: Scenario, plan: Plan) -> dict[date, list[TargetResult]]:
    """By the date of a phase, the targets that are due then; those of vehicles are due with the last."""
    last = plan.phases[-1].by
    dates = {target.id: target.by for target in scenario.file.targets if isinstance(target, SiteTarget)}
    due: dict[date, list[TargetResult]] = defaultdict(list)
    for result in plan.targets:
        due[dates.get(result.id) or last].append(result)
    return due


def _ratio(part: float, whole: float) -> float | None:
    return round(float(part) / float(whole), 6) if whole else None


def _number(value: float) -> float:
    return round(float(value), 3)


def _service(scenario: Scenario, plan: Plan, demand: Demand, served: int) -> dict[str, Any]:
    taking = {facility.id for facility in scenario.file.facilities if facility.channel is not None}
    by_channel: Counter[str] = Counter()
    for service in plan.services:
        by_channel[service.channel] += service.parcels
    return {
        "orders": len(demand),
        "parcels": int(demand.parcels.sum()),
        "pickups": int(demand.pickups.sum()),
        "parcels_served": served,
        "parcels_by_channel": dict(sorted(by_channel.items())),
        "parcels_at_sites": sum(by_channel[channel] for channel in by_channel if channel != "door"),
        "parcels_expected_on_foot": _number(
            sum(site.fetched_parcels for site in plan.sites if site.facility in taking)
        ),
    }


def nearest_walks(
    scenario: Scenario,
    plan: Plan,
    demand: Demand,
    walks: Walks,
    *,
    among: Callable[[Facility], bool] = lambda _: True,
    within_reach: bool = False,
) -> NDArray[np.float64]:
    """Metres from every order to the nearest site that takes parcels, ``inf`` where there is none near.

    Parameters
    ----------
    among
        Which facilities count. Those without a channel (outlets, chargers) never do.
    within_reach
        Walks longer than the reach of the site's own facility do not count.
    """
    facilities = {facility.id: facility for facility in scenario.file.facilities}
    own = [facilities[site.facility] for site in plan.sites]
    counts = np.array([item.channel is not None and among(item) for item in own], dtype=bool)
    reach = np.array([item.reach_m for item in own], dtype=np.float64)
    keep = counts[walks.site]
    if within_reach:
        keep &= walks.metres <= reach[walks.site]
    nearest = np.full(len(demand), np.inf)
    np.minimum.at(nearest, walks.order[keep], walks.metres[keep])
    return nearest


def covered_orders(scenario: Scenario, plan: Plan, demand: Demand, walks: Walks) -> NDArray[np.bool_]:
    """Orders with a site that takes parcels within that site's own walking reach."""
    return np.isfinite(nearest_walks(scenario, plan, demand, walks, within_reach=True))


def _coverage(scenario: Scenario, plan: Plan, demand: Demand, walks: Walks) -> dict[str, Any]:
    parcels = demand.parcels.astype(np.float64)

    def summary(among: Callable[[Facility], bool], chosen: NDArray[np.bool_] | None = None) -> dict[str, Any]:
        pick = np.ones(len(demand), dtype=bool) if chosen is None else chosen
        any_walk = nearest_walks(scenario, plan, demand, walks, among=among)[pick]
        walk = nearest_walks(scenario, plan, demand, walks, among=among, within_reach=True)[pick]
        weight = parcels[pick]
        total = float(weight.sum())
        reached = np.isfinite(walk)
        covered = float(weight[reached].sum())
        return {
            "parcels": int(total),
            "within_m": {str(m): _ratio(weight[any_walk <= m].sum(), total) for m in THRESHOLDS_M},
            "within_reach": _ratio(covered, total),
            "mean_walk_m": _number((walk[reached] * weight[reached]).sum() / covered) if covered else None,
            "p90_walk_m": _number(weighted_quantile(walk[reached], weight[reached], 0.9)) if covered else None,
        }

    facilities = scenario.file.facilities
    names = np.array([name or _NO_DISTRICT for name in demand.district], dtype=object)
    by_district = {str(name): summary(lambda _: True, names == name) for name in sorted(set(names.tolist()))}
    receiving = [item for item in by_district.values() if item["within_reach"] is not None]
    return {
        **summary(lambda _: True),
        "gini_districts": gini([i["within_reach"] for i in receiving], [i["parcels"] for i in receiving]),
        "by_channel": {
            channel: summary(lambda facility, channel=channel: facility.channel == channel)  # type: ignore[misc]
            for channel in sorted({facility.channel for facility in facilities if facility.channel is not None})
        },
        "by_facility": {
            item.id: summary(lambda facility, item=item: facility.id == item.id)  # type: ignore[misc]
            for item in facilities
            if item.channel is not None
        },
        "by_district": by_district,
    }


def weighted_quantile(values: NDArray[np.float64], weights: NDArray[np.float64], share: float) -> float:
    """The smallest value that at least ``share`` of the weight does not exceed."""
    order = np.argsort(values, kind="stable")
    cumulated = np.cumsum(weights[order])
    # The sum may miss the exact share by rounding.
    position = int(np.searchsorted(cumulated, share * cumulated[-1] * (1 - 1e-12)))
    return float(values[order][position])


def gini(values: Sequence[float], weights: Sequence[float]) -> float | None:
    """Inequality of a share between weighted groups: 0 where all are equal, towards 1 where one has it all.

    With weights p_i that sum to 1 and the mean m = sum p_i x_i, it is sum_ij p_i p_j |x_i - x_j| / (2 m).
    """
    x, p = np.asarray(values, dtype=np.float64), np.asarray(weights, dtype=np.float64)
    if not len(x) or p.sum() == 0:
        return None
    p = p / p.sum()
    mean = float((p * x).sum())
    if mean == 0:
        return None
    return round(float((np.outer(p, p) * np.abs(x[:, None] - x)).sum() / (2 * mean)), 6)


def _capacity(scenario: Scenario, sites: Iterable[Site]) -> dict[str, Any]:
    """Use of the sites that take parcels, and of each facility; outlets, which only pass parcels on, count there."""
    taking = {facility.id for facility in scenario.file.facilities if facility.channel is not None}

    def summary(chosen: list[Site]) -> dict[str, Any]:
        use = [site.load_parcels / site.capacity_parcels for site in chosen if site.capacity_parcels > 0]
        p50, p90 = np.percentile(use, [50, 90]) if use else (None, None)
        return {
            "sites": len(chosen),
            "modules": sum(site.modules for site in chosen),
            "chilled_modules": sum(site.chilled_modules for site in chosen),
            "capacity_parcels": sum(site.capacity_parcels for site in chosen),
            "load_parcels": sum(site.load_parcels for site in chosen),
            "expected_parcels": _number(sum(site.fetched_parcels for site in chosen)),
            "use_p50": None if p50 is None else round(float(p50), 6),
            "use_p90": None if p90 is None else round(float(p90), 6),
            "sites_above_90_percent": sum(value > FULL_SHARE for value in use),
            "overflow_parcels": sum(max(0, site.load_parcels - site.capacity_parcels) for site in chosen),
            "by_size": {
                size: {
                    "compartments": sum(site.compartments.get(size, 0) for site in chosen),
                    "parcels": sum(site.parcels_by_size.get(size, 0) for site in chosen),
                }
                for size in (SIZES if any(site.compartments for site in chosen) else ())
            },
        }

    chosen = list(sites)
    return {
        **summary([site for site in chosen if site.facility in taking]),
        "by_facility": {
            name: summary([site for site in chosen if site.facility == name])
            for name in sorted({site.facility for site in chosen})
        },
    }


def _chilled(scenario: Scenario, plan: Plan, demand: Demand, walks: Walks) -> dict[str, Any]:
    """Chilled parcels: those within reach of a site with refrigerated modules, and what becomes of all of them."""
    chilled = demand.chilled()
    parcels = np.where(chilled, demand.parcels, 0)
    total = int(parcels.sum())
    reach = {facility.id: facility.reach_m for facility in scenario.file.facilities}
    limit = np.array([reach[site.facility] if site.chilled_modules else -1.0 for site in plan.sites])
    near = np.zeros(len(demand), dtype=bool)
    near[walks.order[walks.metres <= limit[walks.site]]] = True
    of_order = dict(zip(demand.id, parcels.tolist(), strict=True))
    at_site = sum(of_order[service.order_id] for service in plan.services if service.channel != "door")
    at_door = sum(of_order[service.order_id] for service in plan.services if service.channel == "door")
    ids = {order for order, cold in zip(demand.id, chilled.tolist(), strict=True) if cold}
    return {
        "orders": int(chilled.sum()),
        "parcels": total,
        "modules": sum(site.chilled_modules for site in plan.sites),
        "capacity_parcels": sum(site.chilled_capacity_parcels for site in plan.sites),
        "within_reach": _ratio(int(parcels[near].sum()), total),
        "at_refrigerated_modules": _ratio(at_site, total),
        "at_doors": _ratio(at_door, total),
        "unserved": _unserved([left for left in plan.unserved if left.order_id in ids]),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Trip:
    """What a vehicle carries between two visits to a base."""

    most_parcels: int
    weight_g: int
    volume_cm3: int
    empty_m: float


def _trips(route: Route) -> list[_Trip]:
    bases = [index for index, stop in enumerate(route.stops) if stop.kind == "base"]
    trips = []
    for start, end in pairwise(bases):
        stops = route.stops[start + 1 : end]
        aboard = most = sum(stop.parcels for stop in stops)
        empty = route.legs[start].distance_m if aboard == 0 else 0.0
        for stop, leg in zip(stops, route.legs[start + 1 : end], strict=True):
            aboard += stop.pickups - stop.parcels
            most = max(most, aboard)
            empty += leg.distance_m if aboard == 0 else 0.0
        trips.append(
            _Trip(
                most_parcels=most,
                weight_g=sum(stop.weight_g for stop in stops),
                volume_cm3=sum(stop.volume_cm3 for stop in stops),
                empty_m=empty,
            )
        )
    return trips


def _waiting_s(route: Route) -> int:
    """Out on the road, before a stop and behind it; pauses at the base between trips are none."""
    at_stops = sum(stop.start_s - stop.arrive_s for stop in route.stops if stop.kind != "base")
    return at_stops + sum(
        leg.depart_s - stop.depart_s
        for number, (stop, leg) in enumerate(zip(route.stops, route.legs, strict=False))
        if number == 0 or stop.kind != "base"
    )


def _routing(routes: Sequence[Route], types: dict[str, VehicleType]) -> dict[str, Any]:
    visits: list[Stop] = [stop for route in routes for stop in route.stops if stop.is_visit]
    charges = [stop for route in routes for stop in route.stops if stop.kind == "charge"]
    parcels = sum(stop.parcels for stop in visits)
    km = sum(route.distance_m for route in routes) / 1000
    hours = sum(route.duration_s for route in routes) / 3600
    worked: dict[str, float] = defaultdict(float)
    for route in routes:
        worked[route.vehicle_id] += route.duration_s / 3600
    spans = np.array(list(worked.values()))
    trips = [(types[route.vehicle_type], trip) for route in routes for trip in _trips(route)]

    def load(capacity: Callable[[VehicleType], float | None], carried: Callable[[_Trip], float]) -> float | None:
        limited = [(room, carried(trip)) for kind, trip in trips if (room := capacity(kind)) is not None]
        return _ratio(sum(amount for _, amount in limited), sum(room for room, _ in limited))

    return {
        "routes": len(routes),
        "vehicles": len(worked),
        "trips": len(trips),
        "stops": len(visits),
        "parcels": parcels,
        "pickups": sum(stop.pickups for stop in visits),
        "km": _number(km),
        "hours": _number(hours),
        "cost_yuan": sum(route.cost_fen for route in routes) / 100,
        "parcels_per_route": _ratio(parcels, len(routes)),
        "parcels_per_km": _ratio(parcels, km),
        "km_per_vehicle": _ratio(km, len(worked)),
        "stops_per_hour": _ratio(len(visits), hours),
        "minutes_per_parcel": _ratio(hours * 60, parcels),
        "load_factor": {
            "parcels": load(lambda kind: kind.parcels, lambda trip: trip.most_parcels),
            "kg": load(lambda kind: kind.payload_kg, lambda trip: trip.weight_g / 1000),
            "m3": load(lambda kind: kind.volume_m3, lambda trip: trip.volume_cm3 / 1e6),
        },
        "empty_km_share": _ratio(sum(trip.empty_m for _, trip in trips) / 1000, km),
        "charging": {
            "stops": len(charges),
            "kwh": _number(sum(stop.charged_wh for stop in charges) / 1000),
            "hours": _number(sum(stop.depart_s - stop.start_s for stop in charges) / 3600),
        },
        "waiting_hours": _number(sum(_waiting_s(route) for route in routes) / 3600),
        "night_km_share": _ratio(_night_km(routes), km),
        "workload_cv": _ratio(spans.std(), spans.mean()) if len(spans) else None,
        "workload_max_min": _ratio(spans.max(), spans.min()) if len(spans) else None,
    }


_NIGHT: Final = parse_hours("22:00-06:00")


def _night_km(routes: Iterable[Route]) -> float:
    """Kilometres of legs begun between 22:00 and 06:00."""
    start, end = _NIGHT
    legs = (leg for route in routes for leg in route.legs)
    return sum(leg.distance_m for leg in legs if (leg.depart_s - start) % 86_400 < end - start) / 1000


def _purchase_fen(entry: FleetEntry) -> int:
    """New vehicles are bought, and the reserve of any type; others that drive are there already."""
    return entry.price_fen * (entry.reserve + (entry.driven if entry.new else 0))


def _fleet(plan: Plan) -> dict[str, Any]:
    total = sum(entry.driven + entry.reserve for entry in plan.fleet)
    new = [entry for entry in plan.fleet if entry.new]
    clean = [entry for entry in plan.fleet if entry.energy == "electric"]
    clean_m = sum(route.distance_m for route in plan.routes if route.energy == "electric")
    return {
        "vehicles": total,
        "driven": sum(entry.driven for entry in plan.fleet),
        "reserve": sum(entry.reserve for entry in plan.fleet),
        "new": sum(entry.driven + entry.reserve for entry in new),
        "marked": sum(entry.driven + entry.reserve for entry in plan.fleet if entry.marked),
        "by_type": {
            entry.vehicle_type: {
                "driven": entry.driven,
                "reserve": entry.reserve,
                "available": entry.available,
                "purchase_yuan": _purchase_fen(entry) / 100,
            }
            for entry in plan.fleet
        },
        "new_energy_share": {
            "fleet": _ratio(sum(entry.driven + entry.reserve for entry in clean), total),
            "driven": _ratio(sum(e.driven for e in clean), sum(e.driven for e in plan.fleet)),
            "new": _ratio(sum(e.driven + e.reserve for e in clean if e.new), sum(e.driven + e.reserve for e in new)),
            "km": _ratio(clean_m, sum(route.distance_m for route in plan.routes)),
        },
    }


def _access(scenario: Scenario, plan: Plan) -> dict[str, Any]:
    permits = {}
    for permit in scenario.file.permits:
        used = {route.vehicle_id for route in plan.routes if permit.id in route.permits}
        granted = sum(entry.permits.get(permit.id, 0) for entry in plan.fleet)
        permits[permit.id] = {
            "name": permit.name,
            "quota": permit.quota,
            "granted": granted,
            "used": len(used),
            "use_share": _ratio(max(granted, len(used)), permit.quota),
            "hours": _number(sum(route.duration_s for route in plan.routes if permit.id in route.permits) / 3600),
        }
    return {"permits": permits, "violations": len(plan.violations), "checked": plan.checked}


def _money(scenario: Scenario, plan: Plan, types: dict[str, VehicleType], served: int) -> dict[str, Any]:
    """Running cost of the day by part, and what is spent once.

    The cost per parcel is the day's cost by the parcels served; in it the opening of new sites is spread over the
    days of ``economics.site_life_years``, the purchase of vehicles is not (``yuan_per_day`` stands for it).
    """
    facilities = {facility.id: facility for facility in scenario.file.facilities}
    chargers = read_chargers(scenario)
    driven = {route.vehicle_id: types[route.vehicle_type] for route in plan.routes}
    access = _access(scenario, plan)["permits"]
    opening = sum(site.cost_fen for site in plan.sites if not site.existing) / 100
    day = {
        "vehicles": sum(kind.yuan_per_day for kind in driven.values()),
        "distance": sum(types[r.vehicle_type].yuan_per_km * r.distance_m / 1000 for r in plan.routes),
        "hours": sum(types[r.vehicle_type].yuan_per_hour * r.duration_s / 3600 for r in plan.routes),
        "energy": sum(energy_yuan(types[r.vehicle_type], r, chargers) for r in plan.routes),
        "permits": sum(
            permit.yuan_per_day * max(access[permit.id]["granted"], access[permit.id]["used"])
            for permit in scenario.file.permits
        ),
        "sites_running": sum(running_yuan(site, facilities[site.facility]) for site in plan.sites),
        "sites_opening": opening / (scenario.file.economics.site_life_years * 365),
    }
    total = sum(day.values())
    return {
        "day_yuan": {name: round(value, 2) for name, value in day.items()},
        "day_total_yuan": round(total, 2),
        "yuan_per_parcel": _ratio(total, served),
        "routes_yuan": sum(route.cost_fen for route in plan.routes) / 100,
        "sites_yuan": opening,
        "fleet_purchase_yuan": sum(map(_purchase_fen, plan.fleet)) / 100,
    }


def running_yuan(site: Site, facility: Facility) -> float:
    """What a site costs a day once it is there."""
    return facility.yuan_per_day + facility.yuan_per_chilled_module_day * site.chilled_modules


def _environment(
    scenario: Scenario, routes: Sequence[Route], types: dict[str, VehicleType], served: int
) -> dict[str, Any]:
    factors = scenario.file.emissions
    per_litre = {"diesel": factors.diesel_kg_per_l, "petrol": factors.petrol_kg_per_l, "gas": factors.gas_kg_per_l}
    kwh = sum(route.energy_wh for route in routes) / 1000
    litres = dict.fromkeys(per_litre, 0.0)
    for route in routes:
        if route.energy in litres:
            litres[route.energy] += types[route.vehicle_type].fuel_l_per_100km * route.distance_m / 100_000
    kg = kwh * factors.grid_kg_per_kwh + sum(litres[fuel] * per_litre[fuel] for fuel in litres)
    return {
        "kwh": _number(kwh),
        "litres": {fuel: _number(amount) for fuel, amount in litres.items()},
        "kg_co2": _number(kg),
        "kg_co2_per_parcel": _ratio(kg, served),
        "factors": factors.model_dump(),
    }


def _unserved(orders: Sequence[Unserved]) -> dict[str, Any]:
    reasons = Counter(reason for left in orders for reason in dict.fromkeys(left.reasons))
    return {
        "orders": len(orders),
        "parcels": sum(left.parcels for left in orders),
        "by_channel": dict(sorted(Counter(left.channel for left in orders).items())),
        "by_reason": dict(reasons.most_common()),
    }
