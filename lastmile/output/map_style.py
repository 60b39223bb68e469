"""Colours, widths and words of the map; the legend and the layers read the same tables."""

from typing import Final

#: Facility kind -> (colour, English, Chinese).
FACILITIES: Final[dict[str, tuple[str, str, str]]] = {
    "community_station": ("#1b7f5c", "Community station", "社区服务站"),
    "village_station": ("#7a9a01", "Village station", "村级服务站"),
    "campus_station": ("#0f7fbf", "Campus station", "校园服务站"),
    "outlet": ("#c2410c", "Delivery outlet", "快递网点"),
    "locker": ("#6d28d9", "Parcel locker", "智能快件箱"),
    "pickup_store": ("#be185d", "Pick-up store", "代收点"),
    "charging": ("#0e9488", "Charging point", "充电站"),
    "swap": ("#115e59", "Battery swap", "换电站"),
    "distribution_centre": ("#1f2937", "Distribution centre", "配送中心"),
}

#: Road class -> (colour, width in pixels, Chinese), drawn in this order.
ROADS: Final[dict[str, tuple[str, float, str]]] = {
    "secondary": ("#d8d3c7", 1.4, "次干路"),
    "primary": ("#cbbfa3", 2.0, "主干路"),
    "trunk": ("#e0b070", 2.6, "快速路"),
    "motorway": ("#d98f5c", 3.2, "高速公路"),
}

WATER: Final = "#b9d7ea"
PARK: Final = "#d9e8cd"
COVERED: Final = "#15803d"
UNCOVERED: Final = "#b45309"
UNSERVED: Final = "#dc2626"
CHARGER: Final = "#0e9488"
DEPOT: Final = "#111827"
ZONE: Final = {"ban": "#dc2626", "permit": "#7c3aed"}

#: One colour per vehicle, in turn; chosen to differ from each other on a light ground.
VEHICLES: Final = (
    "#2563eb", "#d97706", "#059669", "#db2777", "#7c3aed", "#0891b2", "#65a30d", "#e11d48", "#4f46e5", "#b45309",
    "#0d9488", "#9333ea",
)  # fmt: skip

CSS: Final = """
html, body { width: 100%; height: 100%; margin: 0; padding: 0; }
.leaflet-container { background: #f3f1ec; font: 13px/1.45 system-ui, "Segoe UI", "Noto Sans CJK SC", "PingFang SC",
  "Microsoft YaHei", sans-serif; }
.lm-card { position: absolute; z-index: 900; background: rgba(255, 255, 255, .94); border-radius: 8px; color: #1f2937;
  box-shadow: 0 1px 6px rgba(0, 0, 0, .25); font: 13px/1.45 system-ui, "Segoe UI", "Noto Sans CJK SC", "PingFang SC",
  "Microsoft YaHei", sans-serif; }
.lm-title { top: 10px; left: 54px; padding: 10px 14px; max-width: min(430px, 45vw); }
.lm-title h1 { font-size: 17px; margin: 0; line-height: 1.25; }
.lm-title p { margin: 2px 0 0; color: #4b5563; }
.lm-facts { display: flex; flex-wrap: wrap; gap: 6px 16px; margin: 8px 0 0; padding: 0; }
.lm-facts div { line-height: 1.2; }
.lm-facts b { display: block; font-size: 16px; }
.lm-facts span { color: #6b7280; font-size: 11px; }
.lm-verdict { display: inline-block; border-radius: 4px; padding: 0 7px; color: #fff; font-weight: 600; }
.lm-banner { top: 0; left: 50%; transform: translateX(-50%); background: #facc15; color: #422006; font-weight: 600;
  border-radius: 0 0 8px 8px; padding: 3px 14px; white-space: nowrap; z-index: 950; }
.lm-banner ~ .lm-title { top: 36px; }
.lm-legend { bottom: 12px; left: 10px; padding: 5px 12px; max-height: 45vh; font-size: 12px; overflow: auto; }
.lm-legend summary { cursor: pointer; font-weight: 600; }
.lm-legend table { border-collapse: collapse; }
.lm-legend td { padding: 1px 8px 1px 0; vertical-align: middle; }
.lm-legend svg { display: block; }
.leaflet-control-layers-expanded { max-height: calc(100vh - 90px); overflow: auto; max-width: 300px; }
.leaflet-container .leaflet-control-attribution { font-size: 11px; }
.leaflet-control-layers label { line-height: 1.35; font-size: 12px; }
.leaflet-control-layers-overlays i { display: inline-block; width: 11px; height: 11px; border-radius: 6px;
  margin-right: 4px; vertical-align: -1px; }
.leaflet-container .lm-tip { font-size: 12px; line-height: 1.35; }
.lm-tip table { border-collapse: collapse; }
.lm-tip th { text-align: left; padding: 1px 12px 1px 0; color: #6b7280; font-weight: 500; vertical-align: top;
  white-space: nowrap; }
.lm-tip td { min-width: 130px; max-width: 280px; white-space: normal; overflow-wrap: break-word; }
.leaflet-tooltip.lm-tip { white-space: normal; width: max-content; max-width: 460px; }
.lm-tip .leaflet-popup-content { margin: 12px 16px; }
@media (max-width: 760px) { .lm-legend, .lm-facts { display: none; } .lm-title { max-width: 40vw; } }
@media print { .leaflet-control-zoom { display: none; } }
"""
