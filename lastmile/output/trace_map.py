"""Recorded traces on an interactive map: how fast ways were driven, closed zones entered, stops visited, and tables."""

import html
from collections.abc import Sequence
from typing import Any, Final

import folium
import numpy as np
import shapely

from lastmile.output.geojson_layers import dot, escaped, feature_of, layer_of, simplified
from lastmile.output.map_layers import background_layers, zone_layers
from lastmile.output.map_style import COVERED, CSS, UNCOVERED, UNSERVED, ZONE
from lastmile.output.maps import ATTRIBUTION
from lastmile.output.offline_page import AsItStands, Attribution, DrawingOrder, empty_map, render
from lastmile.output.plan_files import SYNTHETIC_NOTICE
from lastmile.output.trace_files import moment
from lastmile.traces.speeds import PASSES_MIN, WayUse
from lastmile.traces.study import TraceStudy

#: Measured over tabulated speed below which a way has the colour; the last one is for all above.
RATIOS: Final = (
    (0.5, "#991b1b", "below half of the table's speed / 低于表速一半"),
    (0.75, "#ea580c", "0.5 to 0.75 / 0.5 至 0.75"),
    (0.9, "#d9a406", "0.75 to 0.9 / 0.75 至 0.9"),
    (1.1, "#16a34a", "as in the table (± 10 %) / 与表速相符"),
    (float("inf"), "#2563eb", "faster / 高于表速"),
)
FEW: Final = "#6b7280"
OUTCOMES: Final = {
    "visited": (COVERED, "Visited stops / 已到访站点"),
    "passed": (UNCOVERED, "Stops only passed / 仅经过站点"),
    "missed": (UNSERVED, "Missed stops / 未到访站点"),
}
ROWS_MAX: Final = 40  # of a table on the map; all are in the files
_LINE_TOLERANCE_M: Final = 2.0
_CSS: Final = """
.lm-tables { margin-top: 8px; max-height: 52vh; overflow: auto; font-size: 12px; }
.lm-tables summary { cursor: pointer; font-weight: 600; }
.lm-tables table { border-collapse: collapse; margin: 2px 0 8px; }
.lm-tables th, .lm-tables td { padding: 1px 9px 1px 0; text-align: left; vertical-align: top; }
.lm-tables th { color: #6b7280; font-weight: 500; }
.lm-tables td.n { text-align: right; font-variant-numeric: tabular-nums; }
.lm-tables td { max-width: 150px; overflow-wrap: break-word; }
"""


def draw_traces(study: TraceStudy) -> str:
    """Draw a study of traces.

    Returns
    -------
    str
        A page with every script, style and image inside; it asks the network for nothing. Text from tables and maps is
        escaped.
    """
    title = study.scenario.file.title or study.scenario.file.name
    page = empty_map(title=f"{title} – traces – lastmile", css=CSS + _CSS, tiles=False)
    layers = [
        *background_layers(study.network, study.features),
        *zone_layers(study.scenario),
        *way_layers(study),
        *visit_layers(study),
        *entry_layers(study),
    ]
    for layer in layers:
        layer.add_to(page)
    DrawingOrder(layers).add_to(page)
    folium.LayerControl(collapsed=False, position="topright").add_to(page)
    Attribution(ATTRIBUTION).add_to(page)
    page.fit_bounds(_view(study), padding_top_left=(40, 60), padding_bottom_right=(40, 40))
    root: Any = page.get_root()
    if study.network.synthetic:
        banner = f'<div class="lm-card lm-banner">{html.escape(SYNTHETIC_NOTICE)}</div>'
        root.html.add_child(AsItStands(banner), name="banner")
    root.html.add_child(AsItStands(_card(study, title)), name="title")
    root.html.add_child(AsItStands(_legend(study)), name="legend")
    return render(page)


def way_layers(study: TraceStudy) -> list[folium.GeoJson]:
    """Every way that was driven, coloured by how its speed compares with the scenario's table."""
    network = study.network
    driven = np.unique(np.concatenate([network.edge_segment[journey.matched.edge] for journey in study.journeys]))
    driven = driven[network.segment_length_m[driven] > 0]
    driven = driven[np.argsort(network.segment_way[driven], kind="stable")]
    first = np.searchsorted(network.segment_way[driven], [use.way_id for use in study.uses])
    last = np.searchsorted(network.segment_way[driven], [use.way_id for use in study.uses], side="right")
    features = []
    for use, a, b in zip(study.uses, first.tolist(), last.tolist(), strict=True):
        segments = driven[a:b].tolist()
        lines = shapely.MultiLineString([network.segment_line(segment) for segment in segments])
        name = network.names[network.segment_name[segments[0]]]
        words = {
            "Way / 道路": f"{name or '–'} ({use.way_id})",
            "Along, against / 正向、反向": ", ".join("–" if v is None else f"{v:.0f} km/h" for v in use.kmh),
            "Of the table / 与表速之比": "–" if use.ratio is None else f"{use.ratio:.0%}",
            "Passes / 通过次数": use.passes,
        }
        style = {"color": ratio_colour(use), "weight": 4, "opacity": 0.85}
        shape = simplified(shapely.line_merge(lines), _LINE_TOLERANCE_M)
        features.append(feature_of(shape, {"style": style, **escaped(words)}))
    if not features:
        return []
    return [layer_of("Driven ways / 实际行驶道路", features, tip=True, highlight={"weight": 8, "opacity": 1})]


def ratio_colour(use: WayUse) -> str:
    """The colour of a way; grey where it was passed too rarely to tell."""
    if use.ratio is None or use.passes < PASSES_MIN:
        return FEW
    return next(colour for limit, colour, _ in RATIOS if use.ratio < limit)


def entry_layers(study: TraceStudy) -> list[folium.GeoJson]:
    """Where vehicles came into zones that were closed to them."""
    layers = []
    for doubtful, name in ((False, "Closed zones entered / 驶入禁行区"), (True, "Doubtful entries / 存疑驶入")):
        points = [
            feature_of(
                shapely.Point(entry.lon, entry.lat),
                escaped(
                    {
                        "Vehicle / 车辆": f"{entry.vehicle_id} ({entry.vehicle_type})",
                        "Zone / 区域": entry.name or entry.zone,
                        "From / 时间": moment(study.scenario.file.day, entry.first_s),
                        "Inside / 时长": f"{entry.seconds / 60:.1f} min",
                        "Driven / 行驶": f"{entry.driven_m:,.0f} m",
                        "Citation / 依据": entry.citation or "–",
                    }
                ),
            )
            for entry in study.entries
            if entry.doubtful is doubtful
        ]
        if points:
            colour = FEW if doubtful else ZONE["ban"]
            marker = folium.CircleMarker(
                radius=7, color=colour, weight=3, fill=True, fill_color="#ffffff", fill_opacity=0.9
            )
            layers.append(layer_of(f"{name} ({len(points)})", points, colour=colour, marker=marker, tip=True))
    return layers


def visit_layers(study: TraceStudy) -> list[folium.GeoJson]:
    """The plan's stops by what became of them."""
    layers = []
    for outcome, (colour, name) in OUTCOMES.items():
        points = [
            feature_of(
                shapely.Point(visit.stop.lon, visit.stop.lat),
                escaped(
                    {
                        "Stop / 站点": visit.stop.name or visit.stop.location_id,
                        "Vehicle / 车辆": f"{visit.vehicle_id}, {visit.stop_no}",
                        "Planned / 计划": moment(study.scenario.file.day, visit.stop.arrive_s),
                        "Reached / 到达": "–"
                        if visit.arrive_s is None
                        else moment(study.scenario.file.day, visit.arrive_s),
                    }
                ),
            )
            for item in study.rounds or ()
            for visit in item.visits
            if visit.outcome == outcome
        ]
        if points:
            label = f"{name} ({len(points)})"
            layers.append(layer_of(label, points, colour=colour, marker=dot(colour, radius=5), tip=True))
    return layers


def _view(study: TraceStudy) -> list[list[float]]:
    """South-west and north-east corners of what was driven."""
    network = study.network
    ends = np.concatenate([network.edge_target[journey.matched.edge] for journey in study.journeys])
    if not len(ends):
        west, south, east, north = network.bounds
        return [[south, west], [north, east]]
    lon, lat = network.node_lon[ends], network.node_lat[ends]
    return [[float(lat.min()), float(lon.min())], [float(lat.max()), float(lon.max())]]


def _card(study: TraceStudy, title: str) -> str:
    fixes = sum(len(journey.trace) for journey in study.journeys)
    matched = sum(journey.matched.matched_share * len(journey.trace) for journey in study.journeys)
    km = sum(float(journey.matched.metres.sum()) for journey in study.journeys) / 1000
    facts = [
        (f"{len(study.journeys):,}", "vehicles / 车辆"),
        (f"{fixes:,}", "fixes / 定位点"),
        (f"{matched / fixes:.1%}" if fixes else "–", "matched / 匹配率"),
        (f"{sum(journey.matched.breaks for journey in study.journeys):,}", "breaks / 中断"),
        (f"{km:,.0f} km", "driven / 里程"),
        (f"{len(study.breaches):,}", "closed zones entered / 驶入禁行区"),
    ]
    cells = "".join(f"<div><b>{html.escape(value)}</b><span>{name}</span></div>" for value, name in facts)
    return (
        f'<div class="lm-card lm-title"><h1>{html.escape(title)}</h1><p>Recorded traces / 行驶轨迹 '
        f'{html.escape(study.scenario.file.day.isoformat())}</p><div class="lm-facts">{cells}</div>'
        f'<div class="lm-tables">{"".join(_tables(study))}</div></div>'
    )


def _tables(study: TraceStudy) -> list[str]:
    day = study.scenario.file.day
    tables = []
    if study.entries:
        rows: list[tuple[str, ...]] = [
            (
                entry.vehicle_id,
                entry.name or entry.zone,
                moment(day, entry.first_s).replace("T", " "),
                f"{entry.seconds / 60:.1f}",
                f"{entry.driven_m:,.0f}" + (" ?" if entry.doubtful else ""),
            )
            for entry in study.entries
        ]
        heads = "Vehicle / 车辆|Zone / 区域|From / 时间|min|m"
        tables.append(_table("Closed zones entered / 驶入禁行区", heads, rows, numbers=2, show=True))
    if study.rounds:
        rows = [
            (
                item.vehicle_id,
                f"{item.planned_m / 1000:.1f}",
                "–" if item.driven_m is None else f"{item.driven_m / 1000:.1f}",
                f"{item.count('visited')}/{len(item.visits)}",
                str(item.inversions),
                _late(item.median_error_s),
                f"{item.planned_driven:.0%}",
            )
            for item in study.rounds
        ]
        heads = "Vehicle / 车辆|km planned|driven|visited|inverted|late, min|roads"
        tables.append(_table("Plan and drive / 计划与实际", heads, rows, numbers=6, show=True))
    if study.classes:
        rows = [
            (
                speed.road_class,
                f"{speed.vehicle_class}, {speed.period}",
                str(speed.passes),
                f"{speed.kmh:.0f}",
                f"{speed.table_kmh:.0f}",
            )
            for speed in study.classes
        ]
        heads = "Road / 道路|Vehicle, hours / 车辆、时段|passes|km/h|table"
        tables.append(_table("Speeds / 速度", heads, rows, numbers=3, show=False))
    return tables


def _late(seconds: float | None) -> str:
    if seconds is None:
        return "–"
    minutes = round(seconds / 60)
    return f"{minutes:+d}" if minutes else "0"


def _table(title: str, heads: str, rows: Sequence[Sequence[str]], *, numbers: int, show: bool) -> str:
    """A table that folds away; its last ``numbers`` columns stand to the right."""
    names = heads.split("|")
    left = len(names) - numbers
    head = "".join(f"<th>{html.escape(name)}</th>" for name in names)
    body = "".join(
        "<tr>"
        + "".join(f"<td{' class=n' if k >= left else ''}>{html.escape(cell)}</td>" for k, cell in enumerate(row))
        + "</tr>"
        for row in rows[:ROWS_MAX]
    )
    rest = len(rows) - ROWS_MAX
    more = f"<p>and {rest:,} more, see the CSV files / 其余见 CSV</p>" if rest > 0 else ""
    return (
        f"<details{' open' if show else ''}><summary>{html.escape(title)}</summary>"
        f"<table><tr>{head}</tr>{body}</table>{more}</details>"
    )


def _legend(study: TraceStudy) -> str:
    def line(colour: str, dash: str = "") -> str:
        return f'<path d="M1 7H21" stroke="{colour}" stroke-width="4" stroke-dasharray="{dash}"/>'

    rows = [(line(colour), words) for _, colour, words in RATIOS]
    rows.append((line(FEW), f"fewer than {PASSES_MIN} passes / 少于 {PASSES_MIN} 次"))
    for effect, words in (("ban", "Closed zone / 禁行区"), ("permit", "Permit zone / 通行证区")):
        if any(zone.effect == effect for zone in study.scenario.file.zones):
            rows.append((line(ZONE[effect], "5 3"), words))
    cells = "".join(
        f'<tr><td><svg width="22" height="14">{shape}</svg></td><td>{html.escape(words)}</td></tr>'
        for shape, words in rows
    )
    return f'<details class="lm-card lm-legend" open><summary>Legend / 图例</summary><table>{cells}</table></details>'
