"""Targets by several dates, from the scenario to the files."""

import json
from datetime import date

import geopandas
import pytest
from command_line import run
from town import SCENARIO, write_town

from lastmile.indicators import measure
from lastmile.loading import load_scenario
from lastmile.output import write_outputs
from lastmile.output.plan_files import read_plan
from lastmile.pipeline import plan_scenario, restore

FIRST, MIDDLE, LAST = date(2022, 12, 31), date(2023, 6, 30), date(2024, 12, 31)
# By 2022 an outlet and one group of lockers, for 35,000 yuan at most; by the middle of 2023 two groups; in the end half
# of the parcels near a locker or station, and 60,000 yuan.
DATED = {
    'id = "outlets"': f'id = "outlets"\nby = {FIRST}',
    'id = "lockers"': f'id = "lockers"\nby = {MIDDLE}',
    'id = "near"': f'id = "near"\nby = {LAST}',
    "[[depots]]": f"""
[[targets]]
measure = "count"
id = "first-locker"
text = "one group of lockers"
by = {FIRST}
facility = "locker"
of = "modules"
minimum = 1
maximum = 1

[[targets]]
measure = "budget"
id = "first-money"
text = "35,000 yuan"
by = {FIRST}
category = "sites"
maximum_yuan = 35000.0

[[targets]]
measure = "budget"
id = "money"
text = "60,000 yuan"
category = "sites"
maximum_yuan = 60000.0

[[depots]]""",
}


@pytest.fixture(scope="module")
def planned(tmp_path_factory):
    told = []
    scenario = load_scenario(write_town(tmp_path_factory.mktemp("town"), scenario=DATED))
    return plan_scenario(scenario, on_progress=lambda stage, text: told.append((stage, text))), told


def test_every_clause_is_met_at_its_date(planned):
    plan = planned[0].plan
    assert plan.feasible, (plan.violations, plan.unserved, [target for target in plan.targets if not target.met])
    assert [phase.by for phase in plan.phases] == [FIRST, MIDDLE, LAST]
    assert plan.phases[-1].siting == plan.siting
    opened = {day: [site for site in plan.sites if site.opens_by <= day] for day in (FIRST, MIDDLE, LAST)}
    lockers = {day: sum(site.modules for site in sites if site.kind == "locker") for day, sites in opened.items()}
    assert lockers[FIRST] == 1
    assert lockers[MIDDLE] >= 2
    assert [site.kind for site in opened[FIRST]].count("outlet") == 1
    assert sum(site.cost_fen for site in opened[FIRST]) <= 3_500_000 < sum(site.cost_fen for site in plan.sites)
    assert sum(site.cost_fen for site in plan.sites) <= 6_000_000
    required = {target.id: target.required for target in plan.targets}
    assert required["first-money"] == "at most 35,000 yuan by 2022-12-31"
    assert required["money"] == "at most 60,000 yuan"


def test_progress_tells_each_phase_and_its_gap(planned):
    told = [text for stage, text in planned[1] if stage == "siting"]
    found = [text.split(":")[0] for text in told if text.startswith("by ")]
    assert found == [f"by {LAST}", f"by {MIDDLE}", f"by {FIRST}"]
    assert "from the best possible (" in next(text for text in told if text.startswith(f"by {LAST}"))
    assert "from the best part of the network after it (" in next(
        text for text in told if text.startswith(f"by {FIRST}")
    )


def test_files_say_the_same(planned, tmp_path):
    made = planned[0]
    write_outputs(made, tmp_path / "plan")
    plan = read_plan(tmp_path / "plan")
    assert plan == made.plan
    again = restore(made.scenario, plan)
    assert again.plan.violations == ()
    assert again.indicators == made.indicators == measure(made.scenario, plan, made.city.demand, made.walks)
    assert json.loads((tmp_path / "plan" / "indicators.json").read_text("utf-8"))["phases"] == made.indicators["phases"]
    assert [phase["targets"]["met"] for phase in made.indicators["phases"]] == [3, 1, 3]
    frame = geopandas.read_file(tmp_path / "plan" / "sites.geojson")
    assert [str(day)[:10] for day in frame["opens_by"]] == [site.opens_by.isoformat() for site in plan.sites]
    report = (tmp_path / "plan" / "report.html").read_text("utf-8")
    assert report.count("<td>2022-12-31</td>") >= 3 + 2  # its clauses, and the sites that open then
    assert "by 2022-12-31 (1)" in (tmp_path / "plan" / "map.html").read_text("utf-8")


def test_a_date_in_the_plan_that_is_changed_is_found(planned, tmp_path):
    made = planned[0]
    write_outputs(made, tmp_path / "plan")
    path = tmp_path / "plan" / "plan.json"
    text = path.read_text("utf-8")
    path.write_text(text.replace('"opens_by":"2022-12-31"', '"opens_by":"2023-06-30"', 1), "utf-8")
    ran = run("check", made.scenario.path, "--plan", path)
    assert ran.code == 3
    assert "target" in ran.err + ran.out
    path.write_text(text.replace('"opens_by":"2022-12-31"', '"opens_by":"2022-12-30"', 1), "utf-8")
    assert "phase" in (ran := run("check", made.scenario.path, "--plan", path)).err + ran.out


def test_command_prints_each_phase(tmp_path):
    ran = run("plan", write_town(tmp_path / "town", scenario=DATED), "-o", tmp_path / "plan")
    assert ran.code == 0, ran.err
    lines = [line for line in ran.out.splitlines() if line.startswith("  by 20")]
    assert [line.split(":")[0].strip() for line in lines] == [f"by {FIRST}", f"by {MIDDLE}", f"by {LAST}"]
    # An outlet for 20,000 yuan, a group of lockers for 9,000, and of what pays for itself a station for 5,000.
    assert "3 sites, 34,000 yuan spent, " in lines[0]


def test_later_rounds_of_siting_keep_the_phases(tmp_path):
    changes = DATED | {"siting_seconds = 5.0": "siting_seconds = 5.0\nsiting_rounds = 1"}
    plan = plan_scenario(load_scenario(write_town(tmp_path, scenario=changes))).plan
    assert plan.feasible
    assert {site.opens_by for site in plan.sites} <= {FIRST, MIDDLE, LAST}


# By 2022 one group of lockers at most, by the middle of 2023 two, in the end four.
GROWING = {
    "modules_max = 2": "modules_max = 3\nmodules_grow = true",
    'id = "outlets"': f'id = "outlets"\nby = {FIRST}',
    'id = "lockers"': f'id = "lockers"\nby = {LAST}',
    'of = "modules"\nminimum = 2': 'of = "modules"\nminimum = 4',
    "[[depots]]": "".join(
        f'[[targets]]\nmeasure = "count"\nid = "at-most-{most}"\ntext = "t"\nby = {by}\nfacility = "locker"\n'
        f'of = "modules"\nminimum = {most}\nmaximum = {most}\n\n'
        for by, most in ((FIRST, 1), (MIDDLE, 2))
    )
    + f'[[targets]]\nmeasure = "count"\nid = "two-places"\ntext = "t"\nby = {LAST}\nfacility = "locker"\n'
    f"maximum = 2\n\n[[demand.phases]]\nby = {LAST}\nfactor = 1.5\n\n[[depots]]",
}


def test_sites_that_grow_are_told_and_checked(tmp_path):
    made = plan_scenario(load_scenario(write_town(tmp_path / "town", scenario=GROWING)))
    assert made.plan.violations == ()
    assert all(target.met for target in made.plan.targets)
    grown = [site for site in made.plan.sites if site.built]
    assert grown
    assert {site.facility for site in grown} == {"locker"}
    lockers = [phase["modules"] - 1 - phase["by_facility"].get("station", 0) for phase in made.indicators["phases"]]
    assert lockers[:2] == [1, 2]
    assert lockers[2] >= 4
    parcels = made.indicators["service"]["parcels"]
    assert [phase["parcels"] for phase in made.indicators["phases"]] == [parcels, parcels, round(1.5 * parcels)]
    assert [phase.demand_factor for phase in made.plan.phases] == [None, None, 1.5]
    spent = [phase["sites_yuan"] for phase in made.indicators["phases"]]
    assert spent == sorted(spent)
    assert spent[-1] == made.indicators["money"]["sites_yuan"]
    write_outputs(made, tmp_path / "plan")
    assert read_plan(tmp_path / "plan") == made.plan
    told = ", ".join(f"{state.by}: {state.modules}" for state in grown[0].built)
    frame = geopandas.read_file(tmp_path / "plan" / "sites.geojson")
    assert told in frame["built"].tolist()
    for page in ("report.html", "map.html"):
        assert told in (tmp_path / "plan" / page).read_text("utf-8")
    path = tmp_path / "plan" / "plan.json"
    text = path.read_text("utf-8")
    state = f'"built":[{{"by":"{grown[0].built[0].by}","modules":1'
    assert state in text
    path.write_text(text.replace(state, state[:-1] + "2"), "utf-8")
    ran = run("check", made.scenario.path, "--plan", path)
    assert ran.code == 3
    assert "modules" in ran.err + ran.out


def test_limit_of_an_earlier_date_holds_no_longer(tmp_path):
    # Two groups at most, of 2022: by 2024 there are four, as a target of then wants.
    four = SCENARIO.index('id = "lockers"')
    assert "minimum = 2" in SCENARIO[four:]
    limit = (
        f'[[targets]]\nmeasure = "count"\nid = "few"\ntext = "t"\nby = {FIRST}\nfacility = "locker"\nof = "modules"\n'
    )
    changes = {
        'id = "lockers"': f'id = "lockers"\nby = {LAST}',
        'of = "modules"\nminimum = 2': 'of = "modules"\nminimum = 4',
        "[[depots]]": f"{limit}maximum = 2\n\n[[depots]]",
    }
    plan = plan_scenario(load_scenario(write_town(tmp_path, scenario=changes))).plan
    modules = {
        day: sum(site.modules for site in plan.sites if site.kind == "locker" and site.opens_by <= day)
        for day in (FIRST, LAST)
    }
    assert modules[FIRST] <= 2
    assert modules[LAST] >= 4
    assert all(target.met for target in plan.targets)
    assert plan.violations == ()
