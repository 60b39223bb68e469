import dataclasses
import json
import re

import browser
import numpy as np
import plan_fixture as city
import pytest
import shapely

from lastmile.geo.snapping import Snapper
from lastmile.indicators import measure
from lastmile.output import map_layers
from lastmile.output.catchment_shapes import catchment_polygon, catchment_shapes, reached_pieces
from lastmile.output.map_layers import vehicle_words, zone_words
from lastmile.output.maps import draw_map
from lastmile.scenario import VehicleFilter, Zone


@pytest.fixture(scope="module")
def network():
    return city.grid_network()


def draw(network, plan=None, **changes):
    plan = plan or city.plan(network)
    scenario = changes.pop("scenario", city.scenario())
    demand = changes.pop("demand", city.demand())
    walks = changes.pop("walks", city.walks())
    return draw_map(
        plan,
        measure(scenario, plan, demand, walks),
        scenario=scenario,
        demand=demand,
        network=network,
        features=city.features(),
        catchments=catchment_shapes(network, plan.sites, scenario),
        walks=walks,
        **changes,
    )


@pytest.fixture(scope="module")
def page(network):
    return draw(network)


def test_page_loads_nothing_from_outside(page):
    assert browser.loaded_from_outside(page) == []
    assert "sourceMappingURL" not in page
    assert "jquery" not in page.lower()
    assert "default-src 'none'" in page


def test_page_is_the_same_each_time(page, network):
    assert draw(network) == page


def test_text_of_tables_is_escaped_twice_over(page):
    # Once for the HTML that Leaflet makes of it, once for the script that carries it.
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert" not in page
    assert r"\u0026lt;script\u0026gt;alert(1)" in page
    assert "\u2028" not in page
    assert "<b>zone</b>" not in page


def test_made_up_city_says_so(page, network):
    plan = city.plan(network)
    real = dataclasses.replace(plan, manifest=dataclasses.replace(plan.manifest, synthetic_map=False))
    assert "made up, not a real map" in page
    assert "made up" not in draw(network, real)


def test_title_shows_the_indicators(page):
    for text in ("格网市 Grid City", "<b>30.0%</b>", "<b>9 km</b>", "¥5.39", "not feasible"):
        assert text in page


def test_tiles_only_when_asked_for(page, network):
    assert "tile.openstreetmap.org" not in page
    tiled = draw(network, tiles=True)
    assert "https://tile.openstreetmap.org/{z}/{x}/{y}.png" in tiled
    assert "img-src data: https://tile.openstreetmap.org" in tiled


def test_empty_plan_is_drawn(network):
    plan = dataclasses.replace(city.plan(network), sites=(), services=(), routes=(), unserved=())
    scenario = dataclasses.replace(city.scenario(), zones=None, chargers=None)
    scenario = dataclasses.replace(scenario, file=scenario.file.model_copy(update={"zones": ()}))
    assert "Depots" in draw(network, plan, scenario=scenario, walks=city.no_walks())


def test_reloads_and_charging_stops_are_drawn_with_their_times(page, network):
    assert "Charging stops" not in page
    assert "Reloads" not in page
    halts = draw(network, city.plan_with_halts(network))
    for text in (
        "Charging stops / 途中充电 (1)",
        "truck-1 08:30–08:40, 2.5 kWh",
        "Reloads / 装货 (1)",
        "truck-1 08:20–08:25",
    ):
        assert json.dumps(text)[1:-1] in halts


def test_much_demand_is_drawn_in_cells(network, monkeypatch):
    monkeypatch.setattr(map_layers, "POINTS_MAX", 4)
    page = draw(network)
    assert "Demand per 250 m cell" in page
    assert "Demand within reach / \\u8986" not in page


def test_zone_is_said_in_words():
    zone = Zone.model_validate_json(
        """{"id": "z", "polygon": "z", "vehicles": {"vehicle_class": ["truck_light"], "gross_weight_over_t": 4.5},
        "except_vehicles": [{"energy": ["electric"], "marked": true}], "standing_banned": true,
        "when": {"hours": ["07:00-09:00", "17:00-19:00"], "weekdays": ["mon"], "holidays": "excluded"}}"""
    )
    assert zone_words(zone) == {
        "Rule / 规则": "closed / 禁行, no standing / 禁停",
        "Hours / 时段": "07:00-09:00, 17:00-19:00; mon; holidays excluded",
        "Vehicles / 车辆": "truck_light; gross weight over t 4.5 except electric; marked",
        "Roads / 道路": "all",
        "Citation / 依据": "–",
    }
    assert vehicle_words(VehicleFilter()) == "all vehicles"


def test_catchment_reaches_as_far_as_the_walk(network):
    # From 100 m north of a corner junction's street, 300 m: along the street to both sides, and up the crossing.
    sites = Snapper(network, "walk").snap(*city.place(700, 0))
    segment, start, end = reached_pieces(network, sites, reach_m=300)
    metres = network.segment_length_m[segment] * (end - start)
    # The street of the site from 400 m to 1,000 m; beyond 500 m lies the next piece (400 to 500 m, 100 m) and the
    # crossing (100 m north). Around the site: 500 to 1,000 m.
    assert metres.sum() == pytest.approx(500 + 100 + 100, abs=0.5)


def test_way_to_the_street_counts(network):
    sites = Snapper(network, "walk").snap(*city.place(750, 100))
    segment, start, end = reached_pieces(network, sites, reach_m=300)
    # 100 m to the street leave 200 m to each side: 550 to 950 m.
    assert (network.segment_length_m[segment] * (end - start)).sum() == pytest.approx(400, abs=0.5)
    assert len(reached_pieces(network, sites, reach_m=100)[0]) == 0
    assert catchment_polygon(network, sites, reach_m=100, metric_crs="EPSG:32649").is_empty


def test_catchment_polygon_covers_what_is_reached_and_no_more(network):
    sites = Snapper(network, "walk").snap(*city.place(1000, 0))
    shape = catchment_polygon(network, sites, reach_m=300, metric_crs="EPSG:32649", margin_m=40)
    assert shape.is_valid
    inside = [city.place(*xy) for xy in ((1000, 30), (1290, 0), (710, 0), (1000, 290))]
    outside = [city.place(*xy) for xy in ((1360, 0), (1200, 200), (1000, 360))]
    assert shapely.contains_xy(shape, inside).all()
    assert not shapely.contains_xy(shape, outside).any()


def test_nearest_of_several_sites_counts(network):
    snapper = Snapper(network, "walk")
    both = snapper.snap(*np.transpose([city.place(100, 0), city.place(2400, 2500)]))
    shape = catchment_polygon(network, both, reach_m=200, metric_crs="EPSG:32649")
    assert shape.geom_type == "MultiPolygon"
    assert len(shape.geoms) == 2


def test_longer_walks_reach_more_until_all_is_reached(network):
    sites = Snapper(network, "walk").snap(*city.place(730, 20))

    def metres(reach):
        segment, start, end = reached_pieces(network, sites, reach_m=reach)
        return (network.segment_length_m[segment] * (end - start)).sum()

    assert metres(200) < metres(600) < metres(1200)
    assert metres(20_000) == pytest.approx(60 * 500)  # 2 * 6 * 5 segments, each once


def test_one_shape_per_facility_that_takes_parcels(network):
    assert set(catchment_shapes(network, city.plan(network).sites, city.scenario())) == {"station", "locker"}


_LOOK = """
window.alert = function () { document.title = 'ALERT'; };
var map = Object.keys(window).filter(k => /^map_/.test(k)).map(k => window[k])[0];
document.querySelectorAll('.leaflet-control-layers-selector').forEach(box => { box.click(); box.click(); });
var opened = document.createElement('div');
opened.id = 'opened';
document.body.appendChild(opened);
map.eachLayer(function (group) {
  if (!(group instanceof L.GeoJSON)) { return; }
  [group.getTooltip(), group.getPopup()].filter(Boolean).forEach(function (bubble) {
    group.eachLayer(function (layer) { opened.appendChild(bubble._content(layer)); });
  });
  if (group.getTooltip()) { group.openTooltip(map.getCenter()); group.closeTooltip(); }
  if (group.getPopup()) { group.openPopup(map.getCenter()); }
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
        "Walk ≤ 500 m: Community stations",
        "Walk ≤ 300 m: Lockers",
        "Demand within reach / 覆盖内需求",
        "Demand beyond reach / 覆盖外需求",
        "Routes / 路线: Light truck (1)",
        "Routes / 路线: Electric van (1)",
        "Chargers / 充电桩",
        "Depots / 分拨中心",
        "Community stations (1)",
        "Lockers (1)",
        "outlet (1)",
        "Unserved orders / 未配送 (1)",
    ]
    assert opened.dom.count("<canvas") == 1
    assert "© OpenStreetMap contributors (ODbL)" in opened.dom
    shown = opened.dom.split('id="opened"', 1)[1]
    # The receiver's name, the zone's name and the permit rule, read from tooltips; sites from popups.
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown
    assert "Core &lt;b&gt;zone&lt;/b&gt;" in shown
    assert "permit required / 需通行证" in shown
    assert "10 of 100 (10%)" in shown


@pytest.mark.browser
@browser.needs_browser
def test_map_has_a_layer_for_each_phase(page, network, tmp_path):
    assert "Opens by" not in page
    phased = draw(network, city.phased_plan(network), scenario=city.phased_scenario())
    opened = browser.open_page(phased, tmp_path, script=_LOOK)
    assert opened.console == []
    for label in ("Community stations, by 2018-12-31 (1)", "Lockers, by 2020-12-31 (1)", "outlet (1)"):
        assert label in opened.dom
    shown = opened.dom.split('id="opened"', 1)[1]
    assert re.search(r"Opens by / 建成期限</th>\s*<td>2018-12-31", shown)
    assert shown.count("Opens by") == 2


@pytest.mark.browser
@browser.needs_browser
def test_a_request_would_be_seen(page, tmp_path):
    opened = browser.open_page(page, tmp_path, script="new Image().src = 'https://example.org/x.png';")
    assert any("Content Security Policy" in line for line in opened.console)
