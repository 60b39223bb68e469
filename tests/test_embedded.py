"""The embedded Luoyang scenario, planned as a user would, opened in a browser as a user would."""

from dataclasses import replace
from pathlib import Path

import pytest
from browser import needs_browser, open_page

import lastmile

ROOT = Path(__file__).parents[1]


def scenario_of(city: str) -> lastmile.Scenario:
    return lastmile.load_scenario(ROOT / "data" / city / "scenario.toml")


@pytest.fixture(scope="module")
def luoyang(tmp_path_factory):
    """All of it but for the length of the search for rounds, which takes most of the time and decides no target."""
    scenario = scenario_of("luoyang")
    search = scenario.file.search.model_copy(update={"routing_iterations": 5})
    planned = lastmile.plan_scenario(replace(scenario, file=scenario.file.model_copy(update={"search": search})))
    folder = tmp_path_factory.mktemp("luoyang") / "plan"
    lastmile.write_outputs(planned, folder)
    return planned.plan, folder


def pilot_stands(plan):
    assert plan.violations == ()
    assert plan.unserved == ()
    reached = {target.id: target.value for target in plan.targets}
    assert reached["outlets"] == 50
    assert reached["lockers"] == 50
    assert reached["pickup-stores"] == 10
    assert reached["marked-permits"] == 100
    assert reached["vehicles"] >= 100
    assert reached["new-energy"] >= 0.30
    assert plan.feasible


def test_the_pilots_targets_are_met_and_the_referee_agrees(luoyang):
    pilot_stands(luoyang[0])


@pytest.mark.slow
def test_the_pilot_stands_as_it_is_shipped(luoyang):
    plan = lastmile.plan(scenario_of("luoyang"))
    pilot_stands(plan)
    # What the longer search is for.
    assert sum(route.cost_fen for route in plan.routes) < sum(route.cost_fen for route in luoyang[0].routes)


@pytest.mark.slow
def test_zhengzhous_clauses_are_all_met():
    plan = lastmile.plan(scenario_of("zhengzhou"))
    assert plan.violations == ()
    assert plan.unserved == ()
    assert [target.id for target in plan.targets if not target.met] == []


def test_every_page_says_that_the_city_is_synthetic(luoyang):
    plan, folder = luoyang
    assert plan.manifest.synthetic_map
    for name in ("map.html", "report.html"):
        assert "Synthetic city" in (folder / name).read_text(encoding="utf-8")
    for name in ("sites.geojson", "routes.geojson"):
        assert "made up" in (folder / name).read_text(encoding="utf-8")


@needs_browser
@pytest.mark.browser
@pytest.mark.parametrize("name", ["map.html", "report.html"])
def test_pages_open_without_network_and_without_a_word_on_the_console(name, luoyang, tmp_path):
    _, folder = luoyang
    opened = open_page((folder / name).read_text(encoding="utf-8"), tmp_path)
    assert opened.console == []
    if name == "map.html":
        places = ("智能快件箱 (", "标准化快递营业网点 (50)", "网订店取综合服务站 (10)", "Depots")
        for layer in ("Main roads", "Restricted zones", "Demand within reach", "Routes", *places):
            assert layer in opened.dom, layer
        assert 'class="leaflet-control-layers-overlays"' in opened.dom
        assert "<canvas" in opened.dom
