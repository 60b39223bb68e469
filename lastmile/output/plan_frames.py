"""A plan as tables with a geometry: sites, routes, stops, demand, unserved orders."""

from collections.abc import Mapping
from typing import Any, Final

import geopandas
import numpy as np
import shapely

from lastmile.geo.demand import Demand
from lastmile.geo.network import RoadNetwork
from lastmile.output.route_lines import route_line
from lastmile.plans import Plan, Route, Site
from lastmile.units import clock

DECIMALS: Final = 6  # of degrees; 0.1 m
_SITE_COLUMNS: Final = {
    "id": "text", "candidate_id": "text", "facility": "text", "kind": "text", "name": "text", "host": "text",
    "district": "text", "existing": "bool", "modules": "int64", "capacity_parcels": "int64", "load_parcels": "int64",
    "fetched_parcels": "float64", "cost_yuan": "float64", "chilled_modules": "int64",
    "chilled_capacity_parcels": "int64", "chilled_load_parcels": "int64", "compartments": "text",
    "parcels_by_size": "text",
}  # fmt: skip
_ROUTE_COLUMNS: Final = {
    "vehicle_id": "text", "type": "text", "base": "text", "permits": "text", "distance_km": "float64",
    "duration_min": "float64", "trips": "int64", "parcels": "int64", "cost_yuan": "float64", "energy_kwh": "float64",
    "charged_kwh": "float64",
}  # fmt: skip
STOP_COLUMNS: Final = {
    "vehicle_id": "text", "vehicle_type": "text", "trip": "int64", "stop_no": "int64", "kind": "text", "name": "text",
    "location_id": "text", "arrive": "text", "start": "text", "depart": "text", "parcels": "int64",
    "pickups": "int64", "kg": "float64", "charged_kwh": "float64", "lon": "float64", "lat": "float64",
}  # fmt: skip
_DEMAND_COLUMNS: Final = {
    "id": "text", "name": "text", "district": "text", "channels": "text", "served_by": "text", "site_id": "text",
    "parcels": "int64", "pickups": "int64", "weight_kg": "float64", "volume_l": "float64", "size": "text",
    "skill": "text",
}  # fmt: skip
_UNSERVED_COLUMNS: Final = {
    "order_id": "text", "channel": "text", "parcels": "int64", "reasons": "text", "remedy": "text"
}  # fmt: skip


def _frame(rows: list[dict[str, Any]], columns: Mapping[str, str], geometry: Any) -> geopandas.GeoDataFrame:
    data = {
        name: np.array([row[name] for row in rows], dtype=object if kind == "text" else kind)
        for name, kind in columns.items()
    }
    return geopandas.GeoDataFrame(data, geometry=geometry, crs="EPSG:4326")


def _points(lon: Any, lat: Any) -> Any:
    return shapely.points(np.asarray(lon, dtype=float), np.asarray(lat, dtype=float))


def by_size(numbers: Mapping[str, int]) -> str:
    """Numbers of each size in words, such as ``S 20, M 12``."""
    return ", ".join(f"{size} {number:,}" for size, number in numbers.items())


def built_text(site: Site) -> str:
    """Modules by date in words, refrigerated ones apart; empty where all come at once."""
    return ", ".join(
        f"{state.by}: {state.modules}{f' + {state.chilled_modules} ❄' if state.chilled_modules else ''}"
        for state in site.built
    )


def site_frame(plan: Plan) -> geopandas.GeoDataFrame:
    """Sites as points; with phases, also by when each opens (nothing for those that exist), and how it grows."""
    columns = _SITE_COLUMNS | ({"opens_by": "text"} if plan.phases else {})
    columns |= {"built": "text"} if any(site.built for site in plan.sites) else {}
    rows = [
        {
            **{name: getattr(site, name) for name in _SITE_COLUMNS if name != "cost_yuan"},
            "cost_yuan": site.cost_fen / 100,
            "opens_by": "" if site.opens_by is None else site.opens_by.isoformat(),
            "built": built_text(site),
            "compartments": by_size(site.compartments),
            "parcels_by_size": by_size(site.parcels_by_size),
        }
        for site in plan.sites
    ]
    return _frame(rows, columns, _points([s.lon for s in plan.sites], [s.lat for s in plan.sites]))


def route_properties(route: Route) -> dict[str, Any]:
    """What a map says about a route."""
    return {
        "vehicle_id": route.vehicle_id,
        "type": route.vehicle_type,
        "base": route.base_id,
        "permits": ", ".join(route.permits),
        "distance_km": round(route.distance_m / 1000, 3),
        "duration_min": round(route.duration_s / 60, 1),
        "trips": route.trips,
        "parcels": route.parcels,
        "cost_yuan": route.cost_fen / 100,
        "energy_kwh": route.energy_wh / 1000,
        "charged_kwh": route.charged_wh / 1000,
    }


def route_frame(plan: Plan, network: RoadNetwork) -> geopandas.GeoDataFrame:
    """Routes as lines along their roads; no geometry where a vehicle stays in one position."""
    lines = [route_line(network, route) for route in plan.routes]
    geometry = np.array([shapely.linestrings(line) if len(line) > 1 else None for line in lines], dtype=object)
    return _frame([route_properties(route) for route in plan.routes], _ROUTE_COLUMNS, geometry)


def stop_kinds(route: Route) -> list[tuple[int, str]]:
    """Of each stop, which trip it belongs to, from 1 on, and its kind; the base between two trips is a reload."""
    found: list[tuple[int, str]] = []
    trip = 1
    for number, stop in enumerate(route.stops):
        inner = 0 < number < len(route.stops) - 1
        found.append((trip, "reload" if inner and stop.kind == "base" else stop.kind))
        trip += inner and stop.kind == "base"
    return found


def stop_rows(plan: Plan) -> list[dict[str, Any]]:
    """What a driver reads about each stop, route after route."""
    return [
        {
            "vehicle_id": route.vehicle_id,
            "vehicle_type": route.vehicle_type,
            "trip": trip,
            "stop_no": number,
            "kind": kind,
            "name": stop.name,
            "location_id": stop.location_id,
            "arrive": clock(stop.arrive_s),
            "start": clock(stop.start_s),
            "depart": clock(stop.depart_s),
            "parcels": stop.parcels,
            "pickups": stop.pickups,
            "kg": round(stop.weight_g / 1000, 3),
            "charged_kwh": stop.charged_wh / 1000,
            "lon": round(stop.lon, DECIMALS),
            "lat": round(stop.lat, DECIMALS),
        }
        for route in plan.routes
        for number, (stop, (trip, kind)) in enumerate(zip(route.stops, stop_kinds(route), strict=True))
    ]


def stop_frame(plan: Plan) -> geopandas.GeoDataFrame:
    """Stops of all routes as points."""
    rows = stop_rows(plan)
    return _frame(rows, STOP_COLUMNS, _points([row["lon"] for row in rows], [row["lat"] for row in rows]))


def demand_frame(plan: Plan, demand: Demand) -> geopandas.GeoDataFrame:
    """All orders as points, with the channel that serves them."""
    served = {service.order_id: service for service in plan.services}
    rows = []
    for i, order in enumerate(demand.id):
        service = served.get(order)
        rows.append(
            {
                "id": order,
                "name": demand.name[i],
                "district": demand.district[i],
                "channels": ", ".join(demand.channels[i]),
                "served_by": service.channel if service else "",
                "site_id": (service.site_id or "") if service else "",
                "parcels": int(demand.parcels[i]),
                "pickups": int(demand.pickups[i]),
                "weight_kg": int(demand.weight_g[i]) / 1000,
                "volume_l": int(demand.volume_cm3[i]) / 1000,
                "size": demand.size[i],
                "skill": demand.skill[i],
            }
        )
    return _frame(rows, _DEMAND_COLUMNS, _points(demand.lon, demand.lat))


def unserved_frame(plan: Plan) -> geopandas.GeoDataFrame:
    """Orders left out, as points."""
    rows = [
        {
            "order_id": left.order_id,
            "channel": left.channel,
            "parcels": left.parcels,
            "reasons": "; ".join(left.reasons),
            "remedy": left.remedy,
        }
        for left in plan.unserved
    ]
    return _frame(rows, _UNSERVED_COLUMNS, _points([u.lon for u in plan.unserved], [u.lat for u in plan.unserved]))
