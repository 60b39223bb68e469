"""The layers of the map: one function each, that returns no layer where there is nothing to draw."""

import html
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

import folium
import numpy as np
import shapely
from numpy.typing import NDArray

from lastmile.geo.demand import Demand
from lastmile.geo.distances import metres_per_degree
from lastmile.geo.features import Feature
from lastmile.geo.network import RoadNetwork
from lastmile.geo.tags import ROAD_CLASSES
from lastmile.loading import Scenario, depot_places
from lastmile.output.geojson_layers import dot, escaped, feature_of, filled, layer_of, simplified, swatch
from lastmile.output.map_style import (
    CHARGER,
    COVERED,
    DEPOT,
    FACILITIES,
    PARK,
    ROADS,
    UNCOVERED,
    UNSERVED,
    VEHICLES,
    WATER,
    ZONE,
)
from lastmile.output.plan_frames import built_text, by_size, stop_kinds
from lastmile.output.route_lines import route_line
from lastmile.plans import Plan, Site
from lastmile.scenario import Calendar, VehicleFilter, Zone
from lastmile.units import clock

POINTS_MAX: Final = 20_000  # above this, demand is drawn in cells
_CELLS_MAX: Final = 4_000
_HALTS_MAX: Final = 12  # of one place, told in its tooltip
_ROAD_TOLERANCE_M: Final = 6.0
_ROUTE_TOLERANCE_M: Final = 2.0
_AREA_TOLERANCE_M: Final = 8.0


def background_layers(network: RoadNetwork, features: Sequence[Feature]) -> list[folium.GeoJson]:
    """Water and parks, and the main roads: what makes a city recognisable without tiles."""
    areas = []
    for kind, colour in (("park", PARK), ("water", WATER)):
        shapes = [f.geometry for f in features if _ground(f.tags) == kind and f.geometry.geom_type != "Point"]
        if shapes:
            areas.append(
                feature_of(simplified(shapely.union_all(shapes), _AREA_TOLERANCE_M), {"style": filled(colour)})
            )
    roads = []
    for name, (colour, width, _) in ROADS.items():
        codes = [ROAD_CLASSES.index(name), ROAD_CLASSES.index(f"{name}_link")]
        driven = np.unique(network.edge_segment[network.permitted("e_van")])
        chosen = driven[np.isin(network.segment_road[driven], codes)]
        if len(chosen):
            lines = shapely.MultiLineString([network.segment_line(int(segment)) for segment in chosen])
            merged = simplified(shapely.line_merge(lines), _ROAD_TOLERANCE_M)
            roads.append(feature_of(merged, {"style": {"color": colour, "weight": width, "opacity": 1}}))
    layers = []
    if areas:
        layers.append(layer_of("Water and parks / 水域与绿地", areas, interactive=False))
    if roads:
        layers.append(layer_of("Main roads / 主干道路", roads, interactive=False))
    return layers


def _ground(tags: Mapping[str, str]) -> str:
    if tags.get("natural") == "water" or tags.get("waterway") == "riverbank":
        return "water"
    return "park" if tags.get("leisure") == "park" else ""


def zone_layers(scenario: Scenario) -> list[folium.GeoJson]:
    """Polygons of the traffic rules, with the rules in words."""
    if scenario.zones is None:
        return []
    polygons = scenario.zone_polygons
    names = dict(zip(scenario.zones["zone_id"], scenario.zones["name"], strict=True))
    drawn = []
    for zone in scenario.file.zones:
        colour = ZONE[zone.effect]
        style = {"color": colour, "weight": 2, "dashArray": "7 5", "fillColor": colour, "fillOpacity": 0.07}
        words = {"Zone / 区域": zone.name or names.get(zone.polygon) or zone.id, **zone_words(zone)}
        drawn.append(feature_of(simplified(polygons[zone.polygon], 2.0), {"style": style, **escaped(words)}))
    return [layer_of("Restricted zones / 限行区域", drawn, tip=True)] if drawn else []


def zone_words(zone: Zone) -> dict[str, str]:
    """Say a rule in words: effect, hours, vehicles, roads, citation."""
    effect = "permit required / 需通行证" if zone.effect == "permit" else "closed / 禁行"
    if zone.standing_banned:
        effect += ", no standing / 禁停"
    vehicles = vehicle_words(zone.vehicles)
    if zone.except_vehicles:
        vehicles += " except " + "; ".join(vehicle_words(item) for item in zone.except_vehicles)
    return {
        "Rule / 规则": effect,
        "Hours / 时段": _calendar_words(zone.when),
        "Vehicles / 车辆": vehicles,
        "Roads / 道路": ", ".join(zone.roads),
        "Citation / 依据": zone.citation or "–",
    }


def vehicle_words(wanted: VehicleFilter) -> str:
    """Say which vehicles a rule speaks of."""
    parts = []
    for name, value in wanted.model_dump(exclude_none=True).items():
        label = name.replace("_", " ")
        if isinstance(value, bool):
            parts.append(label if value else f"not {label}")
        elif isinstance(value, tuple):
            parts.append(", ".join(str(item) for item in value) if name != "plate_digits" else f"{label} {value}")
        else:
            parts.append(f"{label} {value:g}")
    return "; ".join(parts) or "all vehicles"


def _calendar_words(when: Calendar) -> str:
    parts = [", ".join(when.hours)]
    if when.weekdays is not None:
        parts.append(", ".join(when.weekdays))
    if when.months is not None:
        parts.append("months " + ", ".join(str(month) for month in when.months))
    if when.holidays != "included":
        parts.append(f"holidays {when.holidays}")
    if when.alert_level is not None:
        parts.append(f"from {when.alert_level} alert")
    return "; ".join(parts)


def catchment_layers(scenario: Scenario, catchments: Mapping[str, Any]) -> list[folium.GeoJson]:
    """One shape per facility: the streets within its walking reach."""
    layers = []
    for facility in scenario.file.facilities:
        shape = catchments.get(facility.id)
        if shape is None or shape.is_empty:
            continue
        colour = FACILITIES[facility.kind][0]
        style = {"color": colour, "weight": 0.8, "opacity": 0.6, "fillColor": colour, "fillOpacity": 0.13}
        name = f"Walk ≤ {facility.reach_m:g} m: {facility.name or facility.id}"
        layers.append(
            layer_of(name, [feature_of(simplified(shape, 4.0), {"style": style})], colour=colour, interactive=False)
        )
    return layers


def demand_layers(demand: Demand, covered: NDArray[np.bool_]) -> list[folium.GeoJson]:
    """Orders within and beyond walking reach; cells where there are too many for points."""
    if len(demand) > POINTS_MAX:
        return _demand_cells(demand, covered)
    layers = []
    for name, colour, chosen in (
        ("Demand within reach / 覆盖内需求", COVERED, covered),
        ("Demand beyond reach / 覆盖外需求", UNCOVERED, ~covered),
    ):
        points = [
            feature_of(
                shapely.Point(demand.lon[i], demand.lat[i]),
                {
                    "style": {"radius": round(min(1.6 + 0.55 * float(demand.parcels[i]) ** 0.5, 9.0), 1)},
                    **escaped(
                        {
                            "Order / 订单": demand.id[i],
                            "Receiver / 收件": demand.name[i] or "–",
                            "District / 区县": demand.district[i] or "–",
                            "Parcels / 件数": demand.parcels[i],
                            "Channels / 方式": ", ".join(demand.channels[i]),
                        }
                    ),
                },
            )
            for i in np.flatnonzero(chosen)
        ]
        if points:
            layers.append(layer_of(name, points, colour=colour, marker=dot(colour, opacity=0.55), tip=True))
    return layers


def _demand_cells(demand: Demand, covered: NDArray[np.bool_]) -> list[folium.GeoJson]:
    """Square cells in place of points: as small as _CELLS_MAX of them allow, coloured by the share within reach."""
    per_lon, per_lat = metres_per_degree(np.array([float(demand.lat.mean())]))
    cell = np.empty((0, 2), dtype=np.int64)
    inverse = np.empty(0, dtype=np.int64)
    size = 250.0
    while True:
        x = np.floor(demand.lon * per_lon[0] / size).astype(np.int64)
        y = np.floor(demand.lat * per_lat[0] / size).astype(np.int64)
        cell, inverse = np.unique(np.column_stack((x, y)), axis=0, return_inverse=True)
        if len(cell) <= _CELLS_MAX:
            break
        size *= 2
    parcels = np.bincount(inverse, weights=demand.parcels)
    reached = np.bincount(inverse, weights=demand.parcels * covered)
    most = float(np.quantile(parcels, 0.98)) or 1.0
    width, height = size / per_lon[0], size / per_lat[0]
    drawn = []
    for (column, row), total, near in zip(cell.tolist(), parcels, reached, strict=True):
        share = near / total if total else 0.0
        box = shapely.box(column * width, row * height, (column + 1) * width, (row + 1) * height)
        fill = {
            **filled(COVERED if share >= 0.5 else UNCOVERED),
            "fillOpacity": round(0.12 + 0.6 * min(total / most, 1), 2),
        }
        words = {"Parcels / 件数": int(total), "Within reach / 覆盖率": f"{share:.0%}"}
        drawn.append(feature_of(box, {"style": fill, **escaped(words)}))
    return [layer_of(f"Demand per {size:g} m cell / 需求网格", drawn, tip=True)]


def route_layers(plan: Plan, network: RoadNetwork, scenario: Scenario) -> list[folium.FeatureGroup]:
    """One group per vehicle type, one colour per vehicle."""
    names = {vehicle.id: vehicle.name for vehicle in scenario.file.vehicles}
    colours: dict[str, str] = {}
    groups = []
    for kind in sorted({route.vehicle_type for route in plan.routes}):
        drawn = []
        for route in plan.routes:
            if route.vehicle_type != kind:
                continue
            colour = colours.setdefault(route.vehicle_id, VEHICLES[len(colours) % len(VEHICLES)])
            line = route_line(network, route)
            if len(line) < 2:
                continue
            words = {
                "Vehicle / 车辆": route.vehicle_id,
                "Type / 车型": names.get(kind) or kind,
                "Base / 起点": route.base_id,
                "Distance / 里程": f"{route.distance_m / 1000:.1f} km",
                "Parcels / 件数": route.parcels,
                "Stops / 站点": sum(stop.is_visit for stop in route.stops),
                **({"Trips / 趟数": route.trips} if route.trips > 1 else {}),
                **({"Charged / 途中充电": f"{route.charged_wh / 1000:.1f} kWh"} if route.charged_wh else {}),
                "Hours / 时间": f"{clock(route.stops[0].depart_s)}–{clock(route.stops[-1].arrive_s)}"
                f" ({route.duration_s / 3600:.1f} h)",
                "Permits / 通行证": ", ".join(route.permits) or "–",
            }
            style = {"color": colour, "weight": 2, "opacity": 0.75}
            shape = simplified(shapely.linestrings(line), _ROUTE_TOLERANCE_M)
            drawn.append(feature_of(shape, {"style": style, **escaped(words)}))
        if drawn:
            group = folium.FeatureGroup(name=html.escape(f"Routes / 路线: {names.get(kind) or kind} ({len(drawn)})"))
            layer_of(kind, drawn, tip=True, highlight={"weight": 6, "opacity": 1}).add_to(group)
            groups.append(group)
    return groups


def charger_layers(scenario: Scenario) -> list[folium.GeoJson]:
    """The scenario's chargers."""
    if scenario.chargers is None or not len(scenario.chargers):
        return []
    table = scenario.chargers
    points = [
        feature_of(
            place,
            escaped(
                {"Charger / 充电桩": name or key, "Power / 功率": f"{float(power):g} kW", "Slots / 桩数": int(slots)}
            ),
        )
        for key, name, power, slots, place in zip(
            table["id"], table["name"], table["power_kw"], table["slots"], table.geometry, strict=True
        )
    ]
    return [layer_of("Chargers / 充电桩", points, colour=CHARGER, marker=dot(CHARGER, radius=4), tip=True)]


def halt_layers(plan: Plan) -> list[folium.GeoJson]:
    """Where vehicles charge on their way, and where they reload between trips; all halts in one place as one."""
    layers = []
    for kind, name in (("charge", "Charging stops / 途中充电"), ("reload", "Reloads / 装货")):
        halts: dict[tuple[float, float], list[str]] = {}
        for route in plan.routes:
            for stop, (_, what) in zip(route.stops, stop_kinds(route), strict=True):
                if what == kind:
                    words = f"{route.vehicle_id} {clock(stop.start_s)}–{clock(stop.depart_s)}"
                    words += f", {stop.charged_wh / 1000:.1f} kWh" if kind == "charge" else ""
                    halts.setdefault((stop.lon, stop.lat), []).append(words)
        points = [feature_of(shapely.Point(at), escaped({name: _first(words)})) for at, words in halts.items()]
        if points:
            colour = CHARGER if kind == "charge" else DEPOT
            marker = folium.CircleMarker(radius=7, color=colour, weight=2, fill=False)
            number = sum(map(len, halts.values()))
            layers.append(layer_of(f"{name} ({number})", points, colour=colour, marker=marker, tip=True))
    return layers


def _first(words: Sequence[str]) -> str:
    """As many as a tooltip has room for."""
    more = [f"+ {len(words) - _HALTS_MAX}"] if len(words) > _HALTS_MAX else []
    return "; ".join([*words[:_HALTS_MAX], *more])


def depot_layers(scenario: Scenario) -> list[folium.GeoJson]:
    """The scenario's depots."""
    lon, lat = depot_places(scenario.file)
    points = [
        feature_of(
            shapely.Point(x, y), escaped({"Depot / 分拨中心": depot.name or depot.id, "Hours / 时间": depot.hours})
        )
        for depot, x, y in zip(scenario.file.depots, lon, lat, strict=True)
    ]
    marker = folium.CircleMarker(radius=9, color="#facc15", weight=3, fill=True, fill_color=DEPOT, fill_opacity=1)
    return [layer_of("Depots / 分拨中心", points, colour=DEPOT, marker=marker, tip=True)]


def site_layers(plan: Plan, scenario: Scenario) -> list[folium.FeatureGroup]:
    """One group of sites per facility, with phases one for each date and one for those that exist; coloured by kind."""
    names = {facility.id: facility.name for facility in scenario.file.facilities}
    kinds = list(dict.fromkeys(site.facility for site in plan.sites))
    alike = {(site.facility, site.opens_by) for site in plan.sites}
    groups = []
    for facility, by in sorted(alike, key=lambda own: (kinds.index(own[0]), own[1] or date.min)):
        own = [site for site in plan.sites if (site.facility, site.opens_by) == (facility, by)]
        colour = FACILITIES[own[0].kind][0]
        points = [feature_of(shapely.Point(site.lon, site.lat), escaped(_site_words(site))) for site in own]
        label = f"{names.get(facility) or facility}{'' if by is None else f', by {by}'} ({len(own)})"
        group = folium.FeatureGroup(name=swatch(colour) + html.escape(label))
        marker = folium.CircleMarker(radius=6, color="#fff", weight=1.5, fill=True, fill_color=colour, fill_opacity=1)
        layer_of(facility, points, marker=marker, tip=False, popup=True).add_to(group)
        groups.append(group)
    return groups


def _site_words(site: Site) -> dict[str, Any]:
    _, english, chinese = FACILITIES[site.kind]
    use = f" ({site.load_parcels / site.capacity_parcels:.0%})" if site.capacity_parcels else ""
    lockers: dict[str, Any] = {}
    if site.compartments:
        lockers["Compartments / 格口"] = by_size(site.compartments)
        lockers["Parcels by size / 按规格"] = by_size(site.parcels_by_size)
    if site.chilled_modules:
        lockers["Refrigerated modules / 冷藏组数"] = site.chilled_modules
        lockers["Chilled / 冷藏件"] = f"{site.chilled_load_parcels:,} of {site.chilled_capacity_parcels:,}"
    return {
        "Name / 名称": site.name or site.id,
        "Kind / 类型": f"{english} / {chinese}",
        "Modules / 组数": site.modules,
        "Load / 负荷": f"{site.load_parcels:,} of {site.capacity_parcels:,}{use}",
        **({} if site.expected_parcels is None else {"Expected on foot / 预计自提": f"{site.expected_parcels:,.0f}"}),
        **lockers,
        "Cost / 费用": f"¥{site.cost_fen / 100:,.0f}",
        "District / 区县": site.district or "–",
        "Host / 场所": site.host,
        "Status / 状态": "existing / 现有" if site.existing else "new / 新建",
        **({} if site.opens_by is None else {"Opens by / 建成期限": site.opens_by}),
        **({"Modules by date / 分期组数": built_text(site)} if site.built else {}),
        "Id / 编号": site.id,
    }


def unserved_layers(plan: Plan) -> list[folium.GeoJson]:
    """Orders left out, with the reasons."""
    points = [
        feature_of(
            shapely.Point(left.lon, left.lat),
            escaped(
                {
                    "Unserved / 未配送": left.order_id,
                    "Parcels / 件数": left.parcels,
                    "Why / 原因": "; ".join(left.reasons) or "–",
                    "Way out / 对策": left.remedy or "–",
                }
            ),
        )
        for left in plan.unserved
    ]
    marker = folium.CircleMarker(radius=6, color=UNSERVED, weight=3, fill=True, fill_color="#ffffff", fill_opacity=0.9)
    name = f"Unserved orders / 未配送 ({len(points)})"
    return [layer_of(name, points, colour=UNSERVED, marker=marker, tip=True)] if points else []
