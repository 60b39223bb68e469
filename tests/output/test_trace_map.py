"""The map of recorded traces, in a page that asks nobody for anything."""

import dataclasses
import re

import browser
import numpy as np
import pytest
import trace_fixture

from lastmile.output.trace_map import FEW, RATIOS, draw_traces, ratio_colour
from lastmile.traces.speeds import WayUse


@pytest.fixture(scope="module")
def study():
    return trace_fixture.study()


@pytest.fixture(scope="module")
def page(study):
    return draw_traces(study)


def test_page_loads_nothing_from_outside(page):
    assert browser.loaded_from_outside(page) == []
    assert "default-src 'none'" in page
    assert "tile.openstreetmap" not in page


def test_page_is_the_same_each_time(page, study):
    assert draw_traces(study) == page


def test_text_of_tables_is_escaped(page):
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page  # the truck's id, in the table of entries
    assert "<b>zone</b>" not in page


def test_title_and_tables_show_the_numbers(page):
    for text in ("格网市 Grid City", "<b>2</b>", "<b>9 km</b>", "<b>1</b><span>closed zones entered", "3/3", "made up"):
        assert text in page, text


def test_long_tables_are_cut_and_say_so(study):
    many = dataclasses.replace(study, entries=study.entries * 50)
    page = draw_traces(many)
    assert "and 10 more, see the CSV files" in page
    assert "<b>50</b><span>closed zones entered" in page


def test_traces_that_lead_nowhere_are_drawn(study):
    still = [
        dataclasses.replace(
            journey,
            matched=dataclasses.replace(
                journey.matched,
                **{name: np.empty(0, dtype=np.float64) for name in ("start", "end", "metres", "enter_s", "leave_s")},
                edge=np.empty(0, dtype=np.int32),
                part=np.empty(0, dtype=np.int32),
            ),
        )
        for journey in study.journeys
    ]
    nothing = dataclasses.replace(
        study, journeys=tuple(still), ways=(), uses=(), classes=(), entries=(), rounds=None, features=()
    )
    page = draw_traces(nothing)
    assert "<b>0 km</b>" in page
    assert "Driven ways" not in page


def use(ratio, passes=3):
    return WayUse(way_id=1, ratio=ratio, passes=passes, kmh=(None, None))


def test_colour_tells_the_ratio():
    colours = [colour for _, colour, _ in RATIOS]
    assert [ratio_colour(use(ratio)) for ratio in (0.3, 0.5, 0.8, 1.0, 1.1, 9.0)] == [
        colours[0], colours[1], colours[2], colours[3], colours[4], colours[4],
    ]  # fmt: skip
    assert ratio_colour(use(1.0, passes=2)) == ratio_colour(use(None)) == FEW


_LOOK = """
window.alert = function () { document.title = 'ALERT'; };
var map = Object.keys(window).filter(k => /^map_/.test(k)).map(k => window[k])[0];
document.querySelectorAll('.leaflet-control-layers-selector').forEach(box => { box.click(); box.click(); });
var opened = document.createElement('div');
opened.id = 'opened';
document.body.appendChild(opened);
map.eachLayer(function (group) {
  if (!(group instanceof L.GeoJSON) || !group.getTooltip()) { return; }
  group.eachLayer(function (layer) { opened.appendChild(group.getTooltip()._content(layer)); });
});
"""


@pytest.mark.browser
@browser.needs_browser
def test_map_opens_without_a_network_and_shows_its_layers(page, tmp_path):
    opened = browser.open_page(page, tmp_path, script=_LOOK)
    assert opened.console == []
    assert "<title>ALERT" not in opened.dom
    control = opened.dom.split("leaflet-control-layers-overlays", 1)[1].split("</section>")[0]
    labels = [re.sub(r"<[^>]*>", "", text).strip() for text in re.findall(r"<label>(.*?)</label>", control, re.DOTALL)]
    assert labels == [
        "Water and parks / 水域与绿地",
        "Main roads / 主干道路",
        "Restricted zones / 限行区域",
        "Driven ways / 实际行驶道路",
        "Visited stops / 已到访站点 (3)",
        "Missed stops / 未到访站点 (1)",
        "Closed zones entered / 驶入禁行区 (1)",
    ]
    assert "© OpenStreetMap contributors (ODbL)" in opened.dom
    shown = opened.dom.split('id="opened"', 1)[1]
    assert "&lt;script&gt;alert(1)&lt;/script&gt; (truck)" in shown
    assert "Core &lt;b&gt;zone&lt;/b&gt;" in shown
    assert "km/h" in shown
    assert opened.dom.count("<canvas") == 1
