"""The plan on an interactive map: one HTML file that opens without a network."""

import html
from collections.abc import Mapping, Sequence
from typing import Any, Final

import folium
import numpy as np

from lastmile.geo.demand import Demand
from lastmile.geo.features import Feature
from lastmile.geo.network import RoadNetwork
from lastmile.indicators import Walks, covered_orders
from lastmile.loading import Scenario
from lastmile.output.map_layers import (
    background_layers,
    catchment_layers,
    charger_layers,
    demand_layers,
    depot_layers,
    halt_layers,
    route_layers,
    site_layers,
    unserved_layers,
    zone_layers,
)
from lastmile.output.map_style import (
    CHARGER,
    COVERED,
    CSS,
    DEPOT,
    FACILITIES,
    ROADS,
    UNCOVERED,
    UNSERVED,
    VEHICLES,
    ZONE,
)
from lastmile.output.offline_page import AsItStands, Attribution, DrawingOrder, empty_map, render
from lastmile.output.plan_files import SYNTHETIC_NOTICE
from lastmile.plans import Plan

ATTRIBUTION: Final = "© OpenStreetMap contributors (ODbL)"


def draw_map(
    plan: Plan,
    indicators: Mapping[str, Any],
    *,
    scenario: Scenario,
    demand: Demand,
    network: RoadNetwork,
    features: Sequence[Feature],
    catchments: Mapping[str, Any],
    walks: Walks,
    tiles: bool = False,
) -> str:
    """Draw a plan.

    Parameters
    ----------
    indicators
        From :func:`lastmile.indicators.measure`; the title's numbers.
    features
        Places and areas of the map file; water and parks are drawn.
    catchments
        From :func:`lastmile.output.catchment_shapes.catchment_shapes`, per facility.
    walks
        Between the demand and the plan's sites; they decide which orders are drawn as covered.
    tiles
        Put OpenStreetMap's tiles underneath. The page then asks the network for them.

    Returns
    -------
    str
        A page with every script, style and image inside. Text from tables and maps is escaped.
    """
    title = plan.manifest.title or plan.manifest.scenario_name
    page = empty_map(title=f"{title} – lastmile", css=CSS, tiles=tiles)
    covered = covered_orders(scenario, plan, demand, walks)
    layers = [
        *background_layers(network, features),
        *zone_layers(scenario),
        *catchment_layers(scenario, catchments),
        *demand_layers(demand, covered),
        *route_layers(plan, network, scenario),
        *charger_layers(scenario),
        *depot_layers(scenario),
        *halt_layers(plan),
        *site_layers(plan, scenario),
        *unserved_layers(plan),
    ]
    for layer in layers:
        layer.add_to(page)
    DrawingOrder(layers).add_to(page)
    folium.LayerControl(collapsed=False, position="topright").add_to(page)
    Attribution(ATTRIBUTION).add_to(page)
    page.fit_bounds(_view(plan, demand, network), padding_top_left=(40, 60), padding_bottom_right=(40, 40))
    root: Any = page.get_root()
    if plan.manifest.synthetic_map:
        banner = f'<div class="lm-card lm-banner">{html.escape(SYNTHETIC_NOTICE)}</div>'
        root.html.add_child(AsItStands(banner), name="banner")
    root.html.add_child(AsItStands(_title(plan, indicators, title)), name="title")
    root.html.add_child(AsItStands(_legend(plan, scenario)), name="legend")
    return render(page)


def _view(plan: Plan, demand: Demand, network: RoadNetwork) -> list[list[float]]:
    """South-west and north-east corners of what the plan is about."""
    lon = [*demand.lon.tolist(), *(site.lon for site in plan.sites)]
    lat = [*demand.lat.tolist(), *(site.lat for site in plan.sites)]
    if not lon:
        west, south, east, north = network.bounds
        return [[south, west], [north, east]]
    # A few far villages must not shrink the city to a dot.
    west, east = np.quantile(lon, [0.01, 0.99])
    south, north = np.quantile(lat, [0.01, 0.99])
    return [[float(south), float(west)], [float(north), float(east)]]


def _title(plan: Plan, indicators: Mapping[str, Any], title: str) -> str:
    coverage = indicators["coverage"]["within_reach"]
    cost = indicators["money"]["yuan_per_parcel"]
    facts = [
        (f"{indicators['service']['parcels_served']:,}", "parcels / 件"),
        (f"{len(plan.sites):,}", "sites / 站点"),
        ("–" if coverage is None else f"{coverage:.1%}", "within reach / 覆盖率"),
        (f"{indicators['routing']['vehicles']:,}", "vehicles / 车辆"),
        (f"{indicators['routing']['km']:,.0f} km", "driven / 里程"),
        ("–" if cost is None else f"¥{cost:.2f}", "per parcel / 每件"),
    ]
    cells = "".join(f"<div><b>{html.escape(value)}</b><span>{name}</span></div>" for value, name in facts)
    verdict, colour = ("feasible / 可行", COVERED) if plan.feasible else ("not feasible / 不可行", UNSERVED)
    return (
        f'<div class="lm-card lm-title"><h1>{html.escape(title)}</h1>'
        f'<p>{html.escape(plan.manifest.day)} <span class="lm-verdict" style="background:{colour}">{verdict}</span></p>'
        f'<div class="lm-facts">{cells}</div></div>'
    )


def _legend(plan: Plan, scenario: Scenario) -> str:
    def dot(fill: str, stroke: str = "#fff") -> str:
        return f'<circle cx="11" cy="7" r="5" fill="{fill}" stroke="{stroke}" stroke-width="1.6"/>'

    def line(colour: str, width: float, dash: str = "") -> str:
        return f'<path d="M1 7H21" stroke="{colour}" stroke-width="{width}" stroke-dasharray="{dash}"/>'

    rows = [(dot(FACILITIES[k][0]), " / ".join(FACILITIES[k][1:])) for k in dict.fromkeys(s.kind for s in plan.sites)]
    rows.append((dot(DEPOT, "#facc15"), "Depot / 分拨中心"))
    rows.append((dot(COVERED), "Demand within reach / 覆盖内"))
    rows.append((dot(UNCOVERED), "Demand beyond reach / 覆盖外"))
    if plan.unserved:
        rows.append((dot("#fff", UNSERVED), "Unserved order / 未配送"))
    if scenario.chargers is not None:
        rows.append((dot(CHARGER), "Charger / 充电桩"))
    for effect, words in (("ban", "Closed zone / 禁行区"), ("permit", "Permit zone / 通行证区")):
        if any(zone.effect == effect for zone in scenario.file.zones):
            rows.append((line(ZONE[effect], 2, "5 3"), words))
    if plan.routes:
        thirds = "".join(
            f'<path d="M{1 + 7 * i} 7h6" stroke="{colour}" stroke-width="3"/>' for i, colour in enumerate(VEHICLES[:3])
        )
        rows.append((thirds, "Route, one colour per vehicle / 路线"))
    for name, (colour, width, words) in reversed(ROADS.items()):
        rows.append((line(colour, width), f"{name.capitalize()} / {words}"))
    cells = "".join(
        f'<tr><td><svg width="22" height="14">{shape}</svg></td><td>{html.escape(words)}</td></tr>'
        for shape, words in rows
    )
    return f'<details class="lm-card lm-legend" open><summary>Legend / 图例</summary><table>{cells}</table></details>'
