"""A folium page that needs nothing but itself: scripts, styles and images are inside, and the page forbids requests."""

import base64
import html
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import folium
from branca.element import Element, MacroElement
from folium.template import Template
from xstatic.pkg import leaflet

_LEAFLET: Final = Path(leaflet.BASE_DIR)
_TILE_HOSTS: Final = "https://tile.openstreetmap.org"


class AsItStands(Element):
    """Text for the page's head or body, unchanged: branca would read bare text as a template."""

    _template = Template("{{ this.text }}")

    def __init__(self, text: str) -> None:
        super().__init__()
        self._name = "AsItStands"
        self.text = text


class Attribution(MacroElement):
    """A line in Leaflet's attribution control, for maps without tiles."""

    _template = Template(
        "{% macro script(this, kwargs) %}"
        "{{ this._parent.get_name() }}.attributionControl.setPrefix('Leaflet');"
        "{{ this._parent.get_name() }}.attributionControl.addAttribution({{ this.text|tojson }});"
        "{% endmacro %}"
    )

    def __init__(self, text: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._name = "Attribution"
        self.text = text


class DrawingOrder(MacroElement):
    """Keeps layers above each other as listed: one that is switched on again would cover the others.

    Folium's own ``keep_in_front`` needs jQuery.
    """

    _template = Template(
        "{% macro script(this, kwargs) %}"
        "{{ this._parent.get_name() }}.on('overlayadd', function () {"
        "[{% for layer in this.layers %}{{ layer.get_name() }},{% endfor %}].forEach(function (layer) {"
        "if ({{ this._parent.get_name() }}.hasLayer(layer)) { layer.bringToFront(); } }); });"
        "{% endmacro %}"
    )

    def __init__(self, layers: Sequence[Element]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._name = "DrawingOrder"
        self.layers = layers


def empty_map(*, title: str, css: str, tiles: bool) -> folium.Map:
    """Make a map whose page loads Leaflet from within and may not ask the network for anything but tiles.

    The page's content security policy enforces it: a request that slips in is blocked by the browser and shows as an
    error in its console.
    """
    page = folium.Map(tiles=None, prefer_canvas=True, zoom_control=True, max_zoom=19)
    page.default_js, page.default_css = [], []
    images = f"data: {_TILE_HOSTS}" if tiles else "data:"
    policy = f"default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src {images}"
    root: Any = page.get_root()
    for name, text in (
        ("policy", f'<meta http-equiv="Content-Security-Policy" content="{policy}">'),
        # Without an icon of its own, a page on a server is asked for /favicon.ico.
        ("icon", '<link rel="icon" href="data:,">'),
        ("title", f"<title>{html.escape(title)}</title>"),
        ("leaflet_css", f"<style>{_style_sheet()}</style>"),
        ("leaflet_js", f"<script>{_script()}</script>"),
        ("css", f"<style>{css}</style>"),
    ):
        root.header.add_child(AsItStands(text), name=name)
    if tiles:
        folium.TileLayer(
            tiles=f"{_TILE_HOSTS}/{{z}}/{{x}}/{{y}}.png",
            attr="© OpenStreetMap contributors (ODbL)",
            name="OpenStreetMap tiles",
            overlay=True,
            show=True,
            max_zoom=19,
        ).add_to(page)
    return page


def render(page: folium.Map) -> str:
    """Spell the page; folium's random element names are numbered, so that equal maps are equal to the byte."""
    root: Any = page.get_root()
    text: str = root.render()
    names = {element._id: f"{number:04d}" for number, element in enumerate(_elements(root))}
    pattern = re.compile(r"(?<=_)[0-9a-f]{32}(?![0-9a-f])")
    return pattern.sub(lambda match: names.get(match[0], match[0]), text)


def _elements(element: Any) -> list[Any]:
    found = [element]
    for child in element._children.values():
        found += _elements(child)
    return found


def _script() -> str:
    text = (_LEAFLET / "leaflet.js").read_text(encoding="utf-8")
    return re.sub(r"//# sourceMappingURL=\S*", "", text)


def _style_sheet() -> str:
    text = (_LEAFLET / "leaflet.css").read_text(encoding="utf-8")
    text = re.sub(r"behavior:\s*url\(#default#VML\);?", "", text)

    def inline(match: re.Match[str]) -> str:
        image = base64.b64encode((_LEAFLET / match[1]).read_bytes()).decode()
        return f"url(data:image/png;base64,{image})"

    return re.sub(r"url\((images/[\w.-]+\.png)\)", inline, text)
