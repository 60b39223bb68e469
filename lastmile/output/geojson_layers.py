"""The bricks of the map's layers: GeoJSON features with their style, and text that is safe in the page."""

import html
from collections.abc import Mapping
from typing import Any, Final

import folium
import numpy as np
import shapely
from folium.utilities import JsCode

_DECIMALS: Final = 5  # of degrees; 1 m
_STYLE_OF_FEATURE: Final = JsCode("function (feature) { return feature.properties.style; }")


def layer_of(
    name: str,
    features: list[dict[str, Any]],
    *,
    colour: str | None = None,
    marker: folium.CircleMarker | None = None,
    tip: bool = False,
    popup: bool = False,
    highlight: dict[str, Any] | None = None,
    interactive: bool = True,
) -> folium.GeoJson:
    """One GeoJson layer; tooltips and popups show all properties but the style, which is escaped text."""
    words = [key for key in features[0]["properties"] if key != "style"]
    options: dict[str, Any] = {"interactive": interactive}
    if features[0]["properties"].get("style") is not None:
        options["style"] = _STYLE_OF_FEATURE
    return folium.GeoJson(
        {"type": "FeatureCollection", "features": features},
        name=(swatch(colour) if colour else "") + html.escape(name),
        marker=marker,
        tooltip=folium.GeoJsonTooltip(words, sticky=True, class_name="lm-tip") if tip else None,
        popup=folium.GeoJsonPopup(words, class_name="lm-tip", max_width=420) if popup else None,
        highlight_function=(lambda _: highlight) if highlight else None,
        smooth_factor=1.0,
        **options,
    )


def swatch(colour: str) -> str:
    """A dot of the colour before a layer's name."""
    return f'<i style="background:{colour}"></i>'


def dot(colour: str, *, radius: float = 3.0, opacity: float = 0.9) -> folium.CircleMarker:
    """A marker without outline."""
    return folium.CircleMarker(radius=radius, stroke=False, fill=True, fill_color=colour, fill_opacity=opacity)


def filled(colour: str) -> dict[str, Any]:
    """The style of an area without outline."""
    return {"stroke": False, "fillColor": colour, "fillOpacity": 1}


def feature_of(geometry: Any, properties: Mapping[str, Any]) -> dict[str, Any]:
    """A GeoJSON feature, its coordinates rounded to a metre."""
    rounded = shapely.transform(geometry, lambda points: np.round(points, _DECIMALS))
    return {"type": "Feature", "geometry": shapely.geometry.mapping(rounded), "properties": dict(properties)}


def simplified(geometry: Any, metres: float) -> Any:
    """The geometry with fewer points, nowhere moved by more than so many metres."""
    return shapely.simplify(geometry, metres / 111_000.0)


def escaped(words: Mapping[str, Any]) -> dict[str, Any]:
    """Text as HTML, since folium's tooltips and popups put values into the page as they stand."""
    return {key: html.escape(str(value)) for key, value in words.items()}
