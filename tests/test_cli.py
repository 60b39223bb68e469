"""The command line as a user meets it: words in, files, stdout, stderr and an exit code out."""

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from command_line import contents, run
from town import GENERATED, ORDERS_KEY, island_order, orders, street_map, write_town

EIGHT = {
    "plan.json",
    "sites.geojson",
    "routes.geojson",
    "plan.gpkg",
    "stops.csv",
    "indicators.json",
    "map.html",
    "report.html",
}
COMMANDS = [
    ["plan"],
    ["check"],
    ["schema"],
    ["site"],
    ["network", "build"],
    ["network", "info"],
    ["map"],
    ["report"],
    ["joint"],
    ["traces"],
    ["synth"],
]

CITY = """
name = "Hamlet"
name_zh = "小镇"
seed = 5
centre = [112.435, 34.662]
scale = 0.05
compounds = 12
campuses = 1

[[districts]]
name = "镇区"
name_en = "Town"
centre = [112.435, 34.662]
population = 20000
kind = "urban"
"""


@pytest.fixture(scope="module")
def town(tmp_path_factory) -> Path:
    return write_town(tmp_path_factory.mktemp("town"))


@pytest.fixture(scope="module")
def planned(town, tmp_path_factory):
    """The town's plan: its folder and how the command ended."""
    folder = tmp_path_factory.mktemp("plans") / "town"
    return folder, run("plan", town, "-o", folder)


def plan_without_timings(folder: Path) -> dict[str, object]:
    plan = json.loads((folder / "plan.json").read_text(encoding="utf-8"))
    assert plan.pop("timings_s")
    return plan


def lastmile(*words: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run the installed program as a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "lastmile", *map(str, words)],
        cwd=cwd,
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONUTF8": "1"},
        timeout=120,
        check=False,
    )


# ---- help ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help_shows_examples_as_written(command, flag):
    ran = run(*command, flag)
    assert ran.code == 0
    assert re.search(rf"^ +lastmile {' '.join(command)} ", ran.out, re.MULTILINE), ran.out
    assert "Example" in ran.out


def test_help_of_the_program_lists_commands_and_exit_codes():
    ran = run("--help")
    assert ran.code == 0
    for word in (
        "plan",
        "check",
        "schema",
        "site",
        "network",
        "map",
        "report",
        "traces",
        "synth",
        "Exit codes: 0 done, 2",
        "Examples:",
    ):
        assert word in ran.out


def test_version_is_that_of_the_package():
    from lastmile import __version__

    assert run("--version").out == f"lastmile, version {__version__}\n"


@pytest.mark.parametrize("words", [["plann"], ["plan"], ["plan", "x.toml", "--seed", "-1"], ["plan", "x", "--bogus"]])
def test_wrong_words_are_the_users_fault(words):
    ran = run(*words)
    assert ran.code == 2
    assert "Usage: " in ran.err


# ---- plan ------------------------------------------------------------------------------------------------------------


def test_plan_writes_all_files_and_a_verdict(planned):
    folder, ran = planned
    assert ran.code == 0, ran.err
    assert {path.name for path in folder.iterdir()} == EIGHT
    assert all(path.stat().st_size for path in folder.iterdir())
    assert "90 parcels served" in ran.out  # thirty orders of 2, 3 and 4 parcels
    assert "  met    lockers: 2 modules, required 2 modules" in ran.out
    assert ran.out.endswith("feasible: the referee found nothing\n")
    assert "synthetic" not in ran.out


def test_progress_is_on_stderr_and_can_be_silenced(planned, town, tmp_path):
    _, ran = planned
    for stage in ("map", "demand", "candidates", "siting", "routing", "check", "output"):
        assert re.search(rf"^ *\d+\.\d s  {stage} ", ran.err, re.MULTILINE), stage
        assert not re.search(rf" s  {stage} ", ran.out)
    quiet = run("plan", town, "-o", tmp_path / "plan", "--quiet")
    assert quiet.err == ""
    assert quiet.out == ran.out


def test_same_seed_gives_the_same_files(planned, town, tmp_path):
    folder, _ = planned
    run("plan", town, "-o", tmp_path / "again", "--quiet")
    assert plan_without_timings(tmp_path / "again") == plan_without_timings(folder)
    first, second = contents(folder), contents(tmp_path / "again")
    for name in ("sites.geojson", "routes.geojson", "stops.csv", "plan.gpkg", "indicators.json"):
        assert first[name] == second[name], name
    timings = re.compile(rb'"timings_s": .*\n')
    assert timings.sub(b"", first["plan.json"]) == timings.sub(b"", second["plan.json"])


def test_seed_changes_what_is_drawn_by_chance(tmp_path):
    scenario = write_town(tmp_path / "town", scenario={ORDERS_KEY: GENERATED}, orders=None)
    plans = {}
    for name, words in {"stated": (), "same": ("--seed", "7"), "other": ("--seed", "8")}.items():
        assert run("plan", scenario, "-o", tmp_path / name, "--quiet", *words).code == 0
        plans[name] = plan_without_timings(tmp_path / name)
    assert plans["stated"] == plans["same"]
    assert plans["other"]["manifest"]["seed"] == 8
    assert plans["other"]["services"] != plans["stated"]["services"]


def test_plan_of_another_seed_is_checked_and_drawn_with_that_seed(tmp_path):
    scenario = write_town(tmp_path / "town", scenario={ORDERS_KEY: GENERATED}, orders=None)
    run("plan", scenario, "-o", tmp_path / "plan", "--quiet", "--seed", "8")
    assert run("check", scenario, "--plan", tmp_path / "plan", "--quiet").code == 0
    assert run("check", scenario, "--plan", tmp_path / "plan", "--quiet", "--seed", "7").code == 3
    for command in ("map", "report"):
        run(command, scenario, tmp_path / "plan", "-o", tmp_path / "page.html", "--quiet")
        assert (tmp_path / "page.html").read_bytes() == (tmp_path / "plan" / f"{command}.html").read_bytes()


def test_default_folder_is_named_after_the_scenario(town, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run("plan", town, "--quiet", "--time-limit", "1").code == 0
    assert {path.name for path in (tmp_path / "maps" / "town").iterdir()} == EIGHT


def test_time_limit_reaches_the_solvers(town, tmp_path, monkeypatch):
    asked = {}

    def look(scenario, **_words):
        asked.update(scenario.file.search.model_dump())
        raise KeyboardInterrupt

    monkeypatch.setattr("lastmile.pipeline.plan_scenario", look)
    run("plan", town, "-o", tmp_path / "plan", "--time-limit", "30")
    assert (asked["siting_seconds"], asked["routing_seconds"]) == (10.0, 20.0)


def test_made_up_city_is_called_so(tmp_path):
    map_text = street_map().replace('version="0.6"', 'version="0.6" generator="lastmile synthetic city"')
    ran = run("plan", write_town(tmp_path / "town", map=map_text), "-o", tmp_path / "plan", "--quiet")
    assert ran.code == 0
    assert ran.out.startswith("The map is a synthetic city: made up, not real.\n")


def test_text_of_tables_is_only_text_in_pages(tmp_path):
    evil = "<script>alert(1)</script>"
    table = orders().replace("收件人00", evil) + island_order().replace("岛民", evil)
    scenario = write_town(
        tmp_path / "town",
        orders=table.replace("island,", "<img src=x onerror=alert(2)>,"),
        scenario={'title = "试验镇"': f"title = '{evil}'", 'name = "分拨中心"': f"name = '{evil}'"},
        map={"第1超市": "&lt;script&gt;alert(1)&lt;/script&gt;"},
        areas={"第1小区": evil},
    )
    assert run("plan", scenario, "-o", tmp_path / "plan", "--quiet").code == 3
    for name in ("map.html", "report.html"):
        page = (tmp_path / "plan" / name).read_text(encoding="utf-8")
        assert "alert(1)" in page, "the text itself is shown"
        assert evil not in page
        assert "<img src=x" not in page


# ---- check -----------------------------------------------------------------------------------------------------------


def test_check_says_what_it_read(town):
    ran = run("check", town)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == "scenario.toml: no fault; 3 facilities, 4 targets, 2 vehicle types, 2 zones\n"


def test_check_notes_what_was_decided_for_the_user(tmp_path):
    ran = run("check", write_town(tmp_path, orders={"parcels,": "parcel,"}))
    assert ran.code == 0
    assert ran.err.startswith("note: orders.csv")
    assert "parcel" in ran.err


def test_check_lets_the_referee_see_a_plan(planned, town):
    ran = run("check", town, "--plan", planned[0] / "plan.json", "--quiet")
    assert ran.code == 0, ran.out
    assert ran.out.endswith("plan.json: 0 violations\n")


def _earlier(plan):
    plan["routes"][0]["stops"][1]["start_s"] -= 4 * 3600
    plan["routes"][0]["stops"][1]["arrive_s"] -= 4 * 3600


def _unserved(plan):
    plan["services"].pop()


def _faster(plan):
    plan["routes"][0]["legs"][0]["distance_m"] /= 2


def _other_map(plan):
    plan["manifest"]["network_hash"] = "0" * 16


@pytest.mark.parametrize("spoil", [_earlier, _unserved, _faster, _other_map])
def test_check_finds_what_was_altered_in_a_plan(planned, town, tmp_path, spoil):
    plan = json.loads((planned[0] / "plan.json").read_text(encoding="utf-8"))
    spoil(plan)
    (tmp_path / "plan.json").write_text(json.dumps(plan), encoding="utf-8")
    ran = run("check", town, "--plan", tmp_path / "plan.json", "--quiet")
    assert ran.code == 3, ran
    assert ran.out.count("VIOLATION ") >= 1
    assert not re.search(r"\b0 violations", ran.out)


def test_check_refuses_a_file_that_is_no_plan(town, tmp_path):
    (tmp_path / "plan.json").write_text("{}", encoding="utf-8")
    ran = run("check", town, "--plan", tmp_path / "plan.json", "--quiet")
    assert ran.code == 2
    assert "plan.json: is no plan of this version" in ran.err
    missing = run("check", town, "--plan", tmp_path / "plann.json", "--quiet")
    assert missing.code == 2
    assert "cannot be read" in missing.err


# ---- schema ----------------------------------------------------------------------------------------------------------


def test_schema_is_a_json_schema():
    ran = run("schema")
    assert ran.code == 0
    jsonschema.Draft202012Validator.check_schema(json.loads(ran.out))


def test_schema_as_a_reference_for_people():
    ran = run("schema", "--markdown")
    assert ran.code == 0
    for word in ("max_snap_m", "parcels_per_module", "window_start", "经度"):
        assert word in ran.out


# ---- network ---------------------------------------------------------------------------------------------------------


def test_network_is_built_and_described_alike_from_both_files(town, tmp_path):
    ran = run("network", "build", town.parent / "town.osm", "-o", tmp_path / "town.roads")
    assert ran.code == 0
    assert "65 junctions" in ran.out
    from_map = json.loads(run("network", "info", town.parent / "town.osm", "--json").out)
    from_file = json.loads(run("network", "info", tmp_path / "town.roads", "--json").out)
    assert from_map == from_file
    # Eight rows and columns of 1.4 km, less seven gaps of 200 m at the river; the elevated road, the island.
    assert from_map["road_km"] == pytest.approx(8 * 1.4 + 8 * 1.4 - 7 * 0.2 + 1.4 + 0.8, abs=0.1)
    # The island: a street is counted once, whichever its directions.
    assert from_map["cut_off_km"]["e_van"] == pytest.approx(0.8, abs=0.1)
    assert not from_map["synthetic"]


def test_network_info_is_read_by_people_too(town):
    ran = run("network", "info", town.parent / "town.osm")
    assert ran.code == 0
    assert "112.43" in ran.out
    assert re.search(r"^e_trike +\d", ran.out, re.MULTILINE)


def test_network_faults(town, tmp_path):
    assert run("network", "info", tmp_path / "none.osm").code == 2
    (tmp_path / "rubbish.roads").write_bytes(b"no network")
    rubbish = run("network", "info", tmp_path / "rubbish.roads")
    assert (rubbish.code, "rubbish.roads" in rubbish.err, "remedy: " in rubbish.err) == (2, True, True)
    assert run("network", "info", tmp_path / "none.roads").code == 2
    nowhere = run("network", "build", town.parent / "town.osm", "-o", tmp_path / "none" / "town.roads")
    assert (nowhere.code, "no such folder" in nowhere.err) == (2, True)
    assert run("network", "build", town.parent / "town.osm", "-o", tmp_path).code == 2


# ---- map, report -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["map", "report"])
def test_pages_are_drawn_again_from_the_plan(planned, town, tmp_path, command):
    page = tmp_path / "page.html"
    ran = run(command, town, planned[0] / "plan.json", "-o", page, "--quiet")
    assert (ran.code, ran.out, ran.err) == (0, f"{page}\n", "")
    assert page.read_text(encoding="utf-8") == (planned[0] / f"{command}.html").read_text(encoding="utf-8")
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


def test_tiles_only_when_asked_for(planned, town, tmp_path):
    ran = run("map", town, planned[0], "-o", tmp_path / "page.html", "--tiles", "--quiet")
    assert ran.code == 0
    assert "tile.openstreetmap.org" in (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "tile.openstreetmap.org" not in (planned[0] / "map.html").read_text(encoding="utf-8")


def test_pages_of_another_map_are_refused(planned, tmp_path):
    other = write_town(tmp_path / "town", map={'highway" v="trunk"': 'highway" v="primary"', "南北0路": "路"})
    lines = other.parent.joinpath("town.osm").read_text(encoding="utf-8").splitlines()
    other.parent.joinpath("town.osm").write_text("\n".join(line for line in lines if "大桥" not in line))
    ran = run("map", other, planned[0], "-o", tmp_path / "page.html", "--quiet")
    assert ran.code == 2
    assert "another road network" in ran.err
    assert not (tmp_path / "page.html").exists()


@pytest.mark.parametrize("command", ["map", "report"])
def test_pages_need_a_folder(planned, town, tmp_path, command):
    ran = run(command, town, planned[0], "-o", tmp_path / "none" / "page.html", "--quiet")
    assert (ran.code, "no such folder" in ran.err) == (2, True)


# ---- synth -----------------------------------------------------------------------------------------------------------


def test_made_up_city_can_be_read_back(tmp_path):
    (tmp_path / "city.toml").write_text(CITY, encoding="utf-8")
    ran = run("synth", tmp_path / "city.toml", "-o", tmp_path / "city")
    assert ran.code == 0, ran.err
    written = [Path(line) for line in ran.out.splitlines()]
    assert all(path.is_file() for path in written)
    (osm,) = [path for path in written if path.name.endswith(".osm.pbf")]
    assert json.loads(run("network", "info", osm, "--json").out)["synthetic"]


def test_city_with_faults_is_refused(tmp_path):
    (tmp_path / "city.toml").write_text(CITY.replace("compounds", "compunds"), encoding="utf-8")
    ran = run("synth", tmp_path / "city.toml", "-o", tmp_path / "city")
    assert ran.code == 2
    assert "did you mean 'compounds'" in ran.err


# ---- as a process ----------------------------------------------------------------------------------------------------


def test_program_plans_in_a_process_of_its_own(town, tmp_path):
    ran = lastmile("plan", town, "-o", "out", cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.endswith("feasible: the referee found nothing\n")
    assert {path.name for path in (tmp_path / "out").iterdir()} == EIGHT
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_program_ends_with_2_and_no_traceback_on_bad_input(tmp_path):
    ran = lastmile("plan", "none.toml", cwd=tmp_path)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "none.toml: cannot be read" in ran.stderr
    assert "Traceback" not in ran.stderr


_BROKEN = (
    "import lastmile.pipeline as p; p.prepare = lambda *a, **k: 1 // 0; from lastmile.cli import main; main({words})"
)


@pytest.mark.parametrize("debug", [False, True])
def test_our_own_faults_are_one_line_or_with_debug_a_traceback(town, tmp_path, debug):
    words = [*(["--debug"] if debug else []), "plan", str(town), "-o", "out", "--quiet"]
    ran = subprocess.run(
        [sys.executable, "-c", _BROKEN.format(words=repr(words))],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 1
    assert ("Traceback (most recent call last)" in ran.stderr) == debug
    assert "ZeroDivisionError" in ran.stderr
    if not debug:
        first, remedy = ran.stderr.splitlines()
        assert first.startswith("lastmile failed: integer division")
        assert "--debug" in remedy
    assert list(tmp_path.iterdir()) == []


def test_reader_that_stops_listening_is_no_fault(tmp_path):
    pipe = subprocess.Popen(
        [sys.executable, "-m", "lastmile", "schema"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert pipe.stdout is not None
    assert pipe.stderr is not None
    pipe.stdout.read(10)
    pipe.stdout.close()
    errors = pipe.stderr.read().decode()
    pipe.stderr.close()
    pipe.wait(timeout=60)
    assert "Traceback" not in errors


def test_site_writes_a_frontier_and_nothing_else(town, tmp_path):
    folder = tmp_path / "frontier"
    ran = run("site", town, "--frontier", "locker", "--numbers", "3,1", "-o", folder, "--quiet")
    assert ran.code == 0, ran.err
    assert contents(folder).keys() == {"frontier.csv", "frontier.svg"}
    lines = (folder / "frontier.csv").read_text(encoding="utf-8-sig").splitlines()
    assert [line.split(",")[0] for line in lines] == ["sites", "1", "3"]
    assert re.search(r"^ +1 +9,000 +\d+\.\d+% +\d+\.\d+% +0\.00%$", ran.out, re.MULTILINE), ran.out


def test_site_tells_what_budgets_cover(town, tmp_path):
    folder = tmp_path / "frontier"
    ran = run("site", town, "--frontier", "locker", "--budgets", "20000,9000", "-o", folder, "--quiet")
    assert ran.code == 0, ran.err
    with (folder / "frontier.csv").open(encoding="utf-8-sig", newline="") as file:
        table = list(csv.DictReader(file))
    # A locker costs 9,000 yuan.
    assert [(row["budget"], row["sites"], row["yuan"]) for row in table] == [
        ("9000.0", "1", "9000.0"), ("20000.0", "2", "18000.0")
    ]  # fmt: skip
    assert re.search(r"^ +20,000 +2 +18,000 +\d+\.\d+% +\d+\.\d+% +0\.00%$", ran.out, re.MULTILINE), ran.out
    assert "yuan</text>" in (folder / "frontier.svg").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--frontier", "shop"], "the scenario has no facility 'shop'"),
        (["--frontier", "locker", "--numbers", "9999"], "give numbers from"),
        (["--frontier", "locker", "--numbers", "few"], "'few' is not whole numbers"),
        (["--frontier", "locker", "--budgets", "1"], "opens no site"),
        (["--frontier", "locker", "--budgets", "-9000"], "budget -9000: is no sum of money"),
        (["--frontier", "locker", "--budgets", "nan"], "'nan' is not whole numbers"),
        (["--frontier", "locker", "--budgets", "9" * 400], "is no sum of money"),
        (["--frontier", "locker", "--budgets", "9000", "--numbers", "1"], "give one of the two"),
    ],
)
def test_site_names_what_it_cannot_do(town, tmp_path, arguments, says):
    ran = run("site", town, *arguments, "-o", tmp_path / "none")
    assert ran.code == 2
    assert says in ran.err
    assert not (tmp_path / "none").exists()
