"""Every kind of bad input ends in a message that says where, what and how to mend it, and harms no file."""

import errno
import json
import os
import shutil
import tempfile
from pathlib import Path

import osmium
import pytest
from command_line import Ran, contents, run
from town import GENERATED, ORDERS_KEY, corner, island_order, orders, street_map, write_town

from lastmile.output import folder as output_folder

BAD = Path(__file__).parent / "data" / "bad"


def bad(name: str) -> str:
    return (BAD / name).read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def made_plan(tmp_path_factory) -> Path:
    """A plan of the sound town."""
    folder = tmp_path_factory.mktemp("made")
    assert run("plan", write_town(folder / "town"), "-o", folder / "plan", "--quiet").code == 0
    return folder / "plan"


@pytest.fixture
def old_plan(made_plan, tmp_path) -> Path:
    """A copy of that plan, alone in its folder, which a failing run must not touch."""
    return Path(shutil.copytree(made_plan, tmp_path / "plans" / "town"))


def unharmed(old_plan: Path, made_plan: Path) -> bool:
    """Every byte of the old plan is there, and nothing beside it."""
    return contents(old_plan) == contents(made_plan) and list(old_plan.parent.iterdir()) == [old_plan]


@pytest.fixture
def refused(tmp_path, old_plan, made_plan):
    """Plan the town with changes, expect a refusal in which all ``words`` stand; returns the whole message."""

    def refuse(*words: str, scenario_path: Path | None = None, **changes: object) -> str:
        scenario = scenario_path or write_town(tmp_path / "input", **changes)  # type: ignore[arg-type]
        before = contents(tmp_path / "input")
        ran = run("plan", scenario, "-o", old_plan, "--quiet")
        assert ran.code == 2, ran
        assert ran.out == ""
        for word in (*words, "remedy: "):
            assert word in ran.err, ran.err
        assert "Traceback" not in ran.err
        assert unharmed(old_plan, made_plan)
        assert contents(tmp_path / "input") == before
        return ran.err

    return refuse


# ---- files that are not there, cut, or not what they seem ------------------------------------------------------------


def test_missing_scenario_names_what_is_there(refused, tmp_path):
    write_town(tmp_path / "input")
    refused("scenaro.toml", "cannot be read", "scenario.toml", scenario_path=tmp_path / "input" / "scenaro.toml")


def test_folder_is_no_scenario(refused, tmp_path):
    write_town(tmp_path / "input")
    refused("cannot be read", scenario_path=tmp_path / "input")


def test_missing_map_names_what_is_there(refused):
    refused("twn.osm", "does not exist", "the folder has town.osm", scenario={'osm = "town.osm"': 'osm = "twn.osm"'})


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("orders.csv", "order.csv"),
        ("districts.csv", "district.csv"),
        ("communities.csv", "comunities.csv"),
        ("zones.geojson", "zone.geojson"),
    ],
)
def test_missing_table_names_the_nearest(refused, name, wrong):
    refused(f"{wrong}: the file does not exist", f"did you mean '{name}'", scenario={f'"{name}"': f'"{wrong}"'})


def test_truncated_pbf_is_not_used_in_part(refused, tmp_path):
    write_town(tmp_path / "whole")
    with osmium.SimpleWriter(str(tmp_path / "town.osm.pbf")) as writer:
        for item in osmium.FileProcessor(str(tmp_path / "whole" / "town.osm")):
            writer.add(item)
    whole = (tmp_path / "town.osm.pbf").read_bytes()
    scenario = write_town(tmp_path / "input", scenario={'"town.osm"': '"town.osm.pbf"'}, map=None)
    (scenario.parent / "town.osm.pbf").write_bytes(whole[: len(whole) * 2 // 3])
    refused("town.osm.pbf", "cannot be read to its end", "download it again", scenario_path=scenario)


def test_xml_bomb_is_refused(refused):
    refused("town.osm", "entities are not supported", map=bad("bomb.osm"))


def test_map_of_rubbish_is_refused(refused):
    refused("town.osm", "cannot be read to its end", map=b"\x00\x01 this is no map")


def test_raster_of_heights_that_is_not_there_or_is_none(refused, tmp_path):
    named = {'osm = "town.osm"': 'osm = "town.osm"\nelevation = "h.tif"', "usable_kwh = 5.4": "usable_kwh = -1.0"}
    refused("h.tif", "does not exist", "usable_kwh", scenario=named)  # with the file's other faults
    (tmp_path / "input" / "h.tif").write_text("heights")
    del named["usable_kwh = 5.4"]
    refused("h.tif", "the raster cannot be read", scenario=named)


def test_map_without_roads_is_refused(refused):
    refused("town.osm", "the map has no road", map='<?xml version="1.0"?>\n<osm version="0.6"></osm>\n')


# ---- tables ----------------------------------------------------------------------------------------------------------


def test_wrong_columns_name_what_is_accepted_and_what_was_found(refused):
    text = refused(
        "3 faults in the input",
        "orders.csv, row 1: the column 'lon' is missing",
        "经度",
        "unknown headers found: order, east, north, number",
        orders=bad("wrong_columns.csv"),
    )
    assert "rename 'order', the nearest header found, to 'id'" in text


def test_coordinates_that_are_no_numbers(refused):
    refused(
        "orders.csv, row 3, column 'lon': 'NaN' is not a finite number",
        "orders.csv, row 4, column 'lat': 'inf' is not a finite number",
        orders=bad("nan_coordinates.csv"),
    )


def test_coordinates_out_of_range(refused):
    refused(
        "orders.csv, row 3, column 'lon': the longitude 212.431 is outside -180 to 180",
        "orders.csv, row 4, column 'lat': the latitude 94.5 is outside -90 to 90",
        orders=bad("out_of_range.csv"),
    )


def test_swapped_longitude_and_latitude(refused):
    refused(
        "orders.csv, row 2, column 'lat'",
        "the first at (34.662, 112.431)",
        "exchange the two columns",
        orders=bad("swapped_coordinates.csv"),
    )


def test_orders_off_the_map(refused):
    refused(
        "orders.csv, order 'o1'", "(116.40000, 39.90000) lies off the map", "larger map", orders=bad("off_the_map.csv")
    )


def test_undeclared_coordinate_system(refused):
    refused(
        "orders.csv: the coordinate system is not declared",
        "declare crs as one of wgs84, gcj02",
        scenario=bad("undeclared_crs.toml"),
    )


def test_depot_without_coordinate_system(refused):
    refused(
        "scenario.toml, depots[0] 'dc'.crs: the key is missing",
        "never assumed",
        scenario={'lat = 34.66\ncrs = "wgs84"': "lat = 34.66"},
    )


def test_negative_demand(refused):
    refused("orders.csv, row 3, column 'parcels': '-3' is below the minimum 0", orders=bad("negative_demand.csv"))


def test_window_that_ends_before_it_starts(refused):
    refused(
        "orders.csv, row 3, column 'window_end': the window ends at 09:30, before it starts at 18:00",
        "exchange the two times",
        orders=bad("window_backwards.csv"),
    )


def test_id_that_occurs_twice_names_both_rows(refused):
    refused(
        "orders.csv, row 4, column 'id': 'o1' occurs twice, first in row 2",
        "give each row its own",
        orders=bad("duplicate_ids.csv"),
    )


def test_many_repeated_ids_are_summed_up(refused):
    rows = "\n".join("same,112.431,34.662,1" for _ in range(30))
    text = refused("and 19 more rows repeat a value", orders=f"id,lon,lat,parcels\n{rows}\n")
    assert text.count("occurs twice") == 10


def test_order_for_a_channel_that_no_facility_takes(refused):
    refused(
        "orders.csv, row 3, column 'options': no facility of the scenario takes parcels for 'station' or 'locker'",
        "agree to 'door'",
        scenario=bad("sound.toml"),
        orders=bad("channel_of_nobody.csv"),
    )


def test_unknown_choice_lists_what_is_accepted(refused):
    refused("communities.csv, row 2, column 'kind': 'hamlet'", "village", areas=bad("unknown_area_kind.csv"))


def test_size_that_is_none_names_those_that_are(refused):
    refused(
        "orders.csv, row 2, column 'size': 'huge' is not a known choice",
        "accepted: S, M, L, XL",
        orders="id,lon,lat,options,size\na,112.436,34.664,locker;door,huge\n",
    )


def test_zone_polygon_that_crosses_itself(refused):
    refused(
        "zones.geojson, feature 1: the polygon is not valid: Self-intersection[112.434 34.664]",
        "redraw the boundary",
        zones=bad("bowtie.geojson"),
    )


def test_table_without_rows(refused):
    refused("orders.csv: the table has no rows", orders="id,lon,lat,parcels\n")


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (
            "e1,柜,residential,112.436,34.664,existing,",
            ("row 2, column 'facilities'", "name its facility: outlet, locker"),
        ),
        ("e1,柜,residential,112.436,34.664,candidate,loker", ("'loker' is no facility", "did you mean 'locker'?")),
        (
            "e1,柜,residential,113.9,35.9,existing,locker",
            ("candidate 'e1'", "m from any way on foot", "take a larger map"),
        ),
        (
            "e1,柜,residential,112.436,34.664,existing,locker,2",
            ("row 2, column 'chilled_modules'", "2 refrigerated modules", "parcels_per_chilled_module, or write 0"),
        ),
        ("e1,柜,residential,112.436,34.664,existing,locker,-1", ("'-1' is below the minimum 0",)),
    ],
)
def test_site_in_the_table_that_cannot_be(refused, tmp_path, row, words):
    table = '[candidates]\ntable = { file = "sites.csv", crs = "wgs84" }\n\n[search]'
    scenario = write_town(tmp_path / "input", scenario={"[search]": table})
    header = "id,name,host,lon,lat,status,facilities" + ",chilled_modules" * (row.count(",") == 7)
    (tmp_path / "input" / "sites.csv").write_text(f"{header}\n{row}\n", encoding="utf-8")
    refused("sites.csv", *words, scenario_path=scenario)


# ---- the scenario file -----------------------------------------------------------------------------------------------


def test_unknown_vehicle_class_names_the_nearest(refused):
    refused(
        "scenario.toml, vehicles[0] 'van'.vehicle_class: \"e_bike\" is not a known value",
        "did you mean 'e_trike'?",
        scenario=bad("unknown_class.toml"),
    )


def test_toml_that_is_none_names_the_line(refused):
    refused("scenario.toml: is no valid TOML", "line 7", "mend the line", scenario=bad("not_toml.toml"))


def test_every_fault_of_a_scenario_is_in_one_report(refused):
    text = refused("9 faults in the input", scenario=bad("many_faults.toml"))
    for place, cause, remedy in (
        ("seeed", "unknown key 'seeed'", "did you mean 'seed'?"),
        ("map.max_snap_m", 'found "500"', "without quotes"),
        ("facilities[0] 'locker'.parcels_per_module", "found -40.0", "write a number greater than 0"),
        ("facilities[0] 'locker'.hosts[0]", '"residental" is not a known value', "did you mean 'residential'?"),
        ("targets[0] 'lockers'.minimum", "found 2.5", "whole number"),
        ("depots[0] 'dc'.lon", "found 1124.3", "less than or equal to 180"),
        ("vehicles[0] 'van'.based_at", 'found "dc"', "a list in square brackets"),
        ("vehicles[1] 'trike'.shift", "'8 to 6' is no span of hours", "HH:MM-HH:MM"),
        ("vehicles[1] 'trike'.battery", "reserve_kwh 6.0 must be below usable_kwh 5.0", "mend"),
    ):
        lines = text.splitlines()
        at = next(i for i, line in enumerate(lines) if line.startswith(f"  scenario.toml, {place}: "))
        assert cause in lines[at]
        assert remedy in lines[at + 1]


def test_names_that_lead_nowhere_are_all_reported(refused):
    text = refused("8 faults in the input", scenario=bad("dangling_names.toml"))
    for fault in (
        "facilities[1].id: 'locker' occurs twice",
        "permits[0] 'marked'.zones: 'centre-dai' is no zone\n    remedy: did you mean 'centre-day'?",
        "zones[0] 'centre-day'.effect: a permit is required but no permit opens this zone",
        "vehicles[0] 'van'.based_at: 'dd' is no depot or dispatching facility\n    remedy: known here: dc",
        "targets[0] 'lockers'.facility: 'loker' is no facility\n    remedy: did you mean 'locker'?",
        "targets[1] 'holders'.permit: 'market' is no permit\n    remedy: did you mean 'marked'?",
        "zones[0] 'centre-day'.polygon: 'center' is no zone_id of zones.geojson\n    remedy: did you mean 'centre'?",
        "targets[0] 'lockers'.district: '河南区' is no district of districts.csv\n    remedy: did you mean '河南镇'?",
    ):
        assert f"scenario.toml, {fault}" in text


def test_faults_of_several_files_come_in_one_report(refused):
    text = refused(
        "6 faults in the input",
        scenario={"seed = 7": "sed = 7", 'osm = "town.osm"': 'osm = "town.pbf"'},
        orders=bad("negative_demand.csv"),
        areas=bad("unknown_area_kind.csv"),
        zones=bad("bowtie.geojson"),
        districts=None,
    )
    for place in (
        "scenario.toml, sed: unknown key",
        "town.pbf: the map file does not exist",
        "orders.csv, row 3",
        "communities.csv, row 2",
        "zones.geojson, feature 1",
        "districts.csv: the file does not exist",
    ):
        assert place in text


def test_rows_are_checked_against_each_other_although_another_table_is_at_fault(refused):
    refused(
        "2 faults in the input",
        "orders.csv, row 3, column 'window_end'",
        "communities.csv, row 2, column 'kind'",
        orders=bad("window_backwards.csv"),
        areas=bad("unknown_area_kind.csv"),
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({'["outlet"]\npayload': "[]\npayload"}, ("vehicles[0] 'trike'.based_at", "no base")),
        ({'hosts = ["shop"]\nsupply': "hosts = []\nsupply"}, ("facilities[0] 'outlet'.hosts", "stand nowhere")),
        ({"[search]": "[candidates]\nfrom_map = false\n\n[search]"}, ("scenario.toml, candidates", "from_map = true")),
        (
            {'effect = "permit"': 'effect = "permit"\nvalid_from = 2025-01-01\nvalid_to = 2024-01-01'},
            ("zones[0] 'centre-trucks'.valid_to", "2024-01-01, before it begins on 2025-01-01"),
        ),
        (
            {
                '[districts]\nfile = "districts.csv"\ncrs = "wgs84"': "",
                "minimum = 0.5": 'minimum = 0.5\ndistricts = ["x"]',
            },
            ("targets[2] 'near'", "no table of them", "add [districts]"),
        ),
        (
            {
                'measure = "coverage"': 'measure = "each_area"\narea_kind = "campus"',
            },
            ("targets[2] 'near'.area_kind", "communities.csv has no campus, only community"),
        ),
        (
            {'of = "modules"': 'of = "chilled_modules"'},
            ("targets[1] 'lockers'.of", "'locker' says nothing of refrigerated modules", "chilled_modules_max and"),
        ),
        (
            {"modules_max = 2": "modules_max = 2\nchilled_modules_max = 1"},
            ("facilities[1] 'locker'", "needs parcels_per_chilled_module"),
        ),
        (
            {"modules_max = 2": "modules_max = 2\ncompartments = { S = 20, XS = 3 }"},
            ("facilities[1] 'locker'.compartments.XS", "did you mean 'S'?"),
        ),
        ({"quota = 1": "quota = -1"}, ("permits[0] 'marked'.quota", "found -1", "greater than or equal to 0")),
        ({"maximum = 1": "maximum = 0"}, ("targets[0] 'outlets'.maximum", "maximum 0 is below minimum 1")),
        ({"reach_m = 400.0": "reach_m = nan"}, ("facilities[1] 'locker'.reach_m", "found NaN", "finite")),
        ({"day = 2024-03-05": 'day = "5 March"'}, ("scenario.toml, day", "YYYY-MM-DD")),
        ({"seed = 7": 'seed = 7\nmetric_crs = "EPSG:4326"'}, ("metric_crs", "no projected coordinate system")),
        ({"count = 6": 'count = "6"'}, ("vehicles[0] 'trike'.count", 'found "6"', "without quotes")),
        ({'energy = "diesel"': 'energy = "electric"'}, ("vehicles[1] 'truck'", "needs a [battery]")),
        ({ORDERS_KEY: ""}, ("scenario.toml, demand", "exactly one of 'orders'")),
        ({ORDERS_KEY: f"{ORDERS_KEY}\n{GENERATED}"}, ("scenario.toml, demand", "exactly one of 'orders'")),
        (
            {ORDERS_KEY: f'{GENERATED}\nfirms = [{{ id = "a", share = 0.5 }}, {{ id = "a", share = 0.5 }}]'},
            ("scenario.toml, demand.firms[1].id", "'a' occurs twice"),
        ),
        (
            {"[[depots]]": "[[demand.phases]]\nby = 2020-12-31\nfactor = 1.5\n\n[[depots]]"},
            ("scenario.toml, demand.phases[0].by", "2020-12-31 is no phase", "do not have several dates"),
        ),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)  # fmt: skip
def test_scenario_that_contradicts_itself(refused, changes, words):
    refused(*words, scenario=changes)


def test_depot_in_a_lake(refused):
    refused(
        "scenario.toml, depots[0] 'dc': (112.45834, 34.66000) is 1,199 m from the nearest road for e_van",
        "map.max_snap_m = 500",
        scenario=bad("depot_in_lake.toml"),
    )


def test_scenario_in_no_known_encoding(refused):
    refused("scenario.toml: is neither UTF-8 nor GB18030", scenario=b'name = "\xff\xff"\n')


# ---- what is unusual but right ---------------------------------------------------------------------------------------


def checked(scenario: Path) -> Ran:
    ran = run("check", scenario)
    assert ran.code == 0, ran.err
    return ran


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030"])
def test_scenario_and_tables_of_chinese_editors(tmp_path, encoding):
    scenario = write_town(tmp_path)
    for name in ("scenario.toml", "orders.csv", "communities.csv", "districts.csv"):
        path = tmp_path / name
        path.write_bytes(path.read_text(encoding="utf-8").encode(encoding))
    checked(scenario)
    assert run("plan", scenario, "-o", tmp_path / "plan", "--quiet").code == 0
    assert "第1小区" in (tmp_path / "plan" / "plan.json").read_text(encoding="utf-8")


def test_chinese_headers_and_values(tmp_path):
    headers = "订单号,收件人,经度,纬度,件数,重量,最早时间,最晚时间,配送方式"
    row = "1,张三,112.431,34.662,2,3.5,9:00,18:00,快递柜、上门"
    checked(write_town(tmp_path, orders=f"{headers}\n{row}\n"))


def test_shift_outside_its_depots_hours_is_noted(tmp_path):
    name = 'name = "分拨中心"'
    ran = checked(write_town(tmp_path, scenario={name: f'{name}\nhours = "18:00-22:00"'}))
    assert "note: vehicle truck: its shift 04:30-16:00 lies outside the hours 18:00-22:00 of depot dc" in ran.err
    # A night's hours end on the next morning, when the shift has begun.
    assert checked(write_town(tmp_path, scenario={name: f'{name}\nhours = "22:00-06:00"'})).err == ""


def test_sites_that_could_grow_only_in_phases_are_noted(tmp_path):
    grow = "modules_max = 2"
    ran = checked(write_town(tmp_path, scenario={grow: f"{grow}\nmodules_grow = true"}))
    assert "note: facility locker: modules_grow changes nothing" in ran.err
    dated = {'id = "outlets"': 'id = "outlets"\nby = 2022-12-31', 'id = "lockers"': 'id = "lockers"\nby = 2024-12-31'}
    assert checked(write_town(tmp_path, scenario={grow: f"{grow}\nmodules_grow = true"} | dated)).err == ""


def test_sound_minimal_scenario(tmp_path):
    checked(write_town(tmp_path, scenario=bad("sound.toml")))


# ---- plans that cannot be what was asked for -------------------------------------------------------------------------


def test_order_nobody_can_reach_is_unserved_with_the_reason_of_each_type(tmp_path, old_plan):
    scenario = write_town(tmp_path / "input", orders=orders() + island_order())
    ran = run("plan", scenario, "-o", old_plan, "--quiet")
    assert ran.code == 3
    away = "is 1,399 m from the nearest road for {}, the limit is 500 m"
    assert f"UNSERVED island (1 parcels): trike: {away.format('e_trike')}; truck from dc: " in ran.err
    assert away.format("truck_light") in ran.err
    assert "remedy: move the stop to a road, or raise map.max_snap_m to 1399" in ran.err
    assert "NOT feasible" in ran.out
    # The rest of the plan is made all the same, and replaces the old one.
    assert "90 parcels served" in ran.out
    assert "岛民" in (old_plan / "plan.gpkg").read_bytes().decode("utf-8", errors="ignore")
    assert list(old_plan.parent.iterdir()) == [old_plan]


@pytest.mark.parametrize(
    ("row", "reason", "remedy"),
    [
        ("1,0,400.0,08:00,18:00", "load exceeds the capacity by 250 kg", "split the order"),
        ("500,0,100.0,08:00,18:00", "load exceeds the capacity by 3 m³", "split the order"),
        ("1,0,1.0,01:00,02:00", "min after its window ends", "let the window end"),
    ],
)
def test_order_no_vehicle_can_carry_says_why_in_the_planners_units(tmp_path, row, reason, remedy):
    lon, lat = corner(1.5, 3.5)  # 150 kg and 1 m³ fit a trike; 500 parcels of 8 L are 4 m³
    scenario = write_town(tmp_path / "input", orders=f"{orders()}odd,收件人,{lon},{lat},{row},door\n")
    ran = run("plan", scenario, "-o", tmp_path / "plan", "--quiet")
    assert ran.code == 3
    assert "UNSERVED odd" in ran.err
    assert "trike from outlet:" in ran.err
    assert reason in ran.err
    assert f"remedy: {remedy}" in ran.err


def test_following_the_remedy_serves_the_order(tmp_path):
    scenario = write_town(
        tmp_path / "input", scenario=bad("sound.toml").replace("[map]", "[map]\nmax_snap_m = 1400.0"),
        orders=bad("island_order.csv"),
    )  # fmt: skip
    assert run("plan", scenario, "-o", tmp_path / "plan", "--quiet").code == 0


def test_targets_that_cannot_be_met_fall_short_by_the_least_and_say_by_how_much(tmp_path):
    scenario = write_town(tmp_path / "input", scenario=bad("unmeetable_targets.toml"))
    ran = run("plan", scenario, "-o", tmp_path / "plan", "--quiet")
    assert ran.code == 3
    # 10 compounds, a school and a hospital with two groups each make 24; there is one permit, and there are 4 vans.
    for line in (
        "MISSED lockers: 24 modules, required 500 modules; short by 476; 12 candidate places can hold one",
        "MISSED near: 0.0%, required 99.0% of parcels within 60 m; short by 99.0% of the parcels",
        "MISSED holders: 1 vehicles, required 3 vehicles; short by 2, the quota is 1",
        "MISSED fleet: 4 vehicles, required 9 vehicles; short by 5, the vehicle types' counts allow no more",
        "NOT feasible",
    ):
        assert line in ran.out
    plan = (tmp_path / "plan" / "plan.json").read_text(encoding="utf-8")
    assert "lockers: short by 476" in plan
    assert "near: short by 0.99" in plan
    report = (tmp_path / "plan" / "report.html").read_text(encoding="utf-8")
    assert "500 groups of lockers" in report
    assert "short by 476" in report


# ---- writing ---------------------------------------------------------------------------------------------------------


def test_crash_while_writing_leaves_the_old_plan_whole(tmp_path, old_plan, made_plan, monkeypatch):
    def crash(*_args: object, **_kwargs: object) -> str:
        raise RuntimeError("the pen broke")

    monkeypatch.setattr(output_folder, "draw_map", crash)
    ran = run("plan", write_town(tmp_path / "input"), "-o", old_plan, "--quiet")
    assert ran.code == 1
    assert "lastmile failed: the pen broke (RuntimeError)" in ran.err
    assert len(ran.err.splitlines()) == 2
    assert unharmed(old_plan, made_plan)


def test_crash_while_moving_into_place_brings_the_old_plan_back(tmp_path, old_plan, made_plan, monkeypatch):
    rename = Path.rename

    def refuse_the_new(self: Path, target: Path) -> Path:
        if "-new-" in self.name:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refuse_the_new)
    ran = run("plan", write_town(tmp_path / "input"), "-o", old_plan, "--quiet")
    assert ran.code == 2
    assert "cannot be written" in ran.err
    assert unharmed(old_plan, made_plan)


def test_full_disk_is_said_in_words(tmp_path, old_plan, made_plan, monkeypatch):
    def full(*_args: object, **_kwargs: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(output_folder, "write_plan", full)
    ran = run("plan", write_town(tmp_path / "input"), "-o", old_plan, "--quiet")
    assert ran.code == 2
    assert "No space left on device; nothing was changed" in ran.err
    assert "remedy: free some space" in ran.err
    assert unharmed(old_plan, made_plan)


@pytest.mark.parametrize("stage", ["prepare", "place_sites", "route_vehicles", "check"])
def test_stop_by_the_keyboard_writes_nothing(tmp_path, old_plan, made_plan, monkeypatch, stage):
    def stop(*_args: object, **_kwargs: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(f"lastmile.pipeline.{stage}", stop)
    ran = run("plan", write_town(tmp_path / "input"), "-o", old_plan, "--quiet")
    assert ran.code == 130
    assert ran.err == "stopped; nothing was written\n"
    assert unharmed(old_plan, made_plan)


def test_stop_by_the_keyboard_while_writing_leaves_the_old_plan(tmp_path, old_plan, made_plan, monkeypatch):
    def stop(*_args: object, **_kwargs: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(output_folder, "draw_map", stop)
    assert run("plan", write_town(tmp_path / "input"), "-o", old_plan, "--quiet").code == 130
    assert unharmed(old_plan, made_plan)


@pytest.mark.parametrize("beside_a_plan", [False, True])
def test_folder_with_other_files_is_not_replaced(tmp_path, old_plan, beside_a_plan):
    folder = old_plan if beside_a_plan else tmp_path / "mine"
    folder.mkdir(exist_ok=True)
    (folder / "thesis.docx").write_bytes(b"years of work")
    before = contents(folder)
    ran = run("plan", write_town(tmp_path / "input"), "-o", folder)
    assert ran.code == 2
    assert str(folder) in ran.err
    assert "thesis.docx" in ran.err
    assert "choose an empty or new folder with -o" in ran.err
    assert "siting" not in ran.err, "refused before planning, not after"
    assert contents(folder) == before


def test_file_is_no_output_folder(tmp_path):
    (tmp_path / "plan").write_text("a file")
    scenario = write_town(tmp_path / "input")
    for folder in (tmp_path / "plan", tmp_path / "plan" / "deeper" / "still"):
        ran = run("plan", scenario, "-o", folder)
        assert ran.code == 2
        assert f"{tmp_path / 'plan'}: is a file, a folder is needed" in ran.err
        assert "siting" not in ran.err
    assert (tmp_path / "plan").read_text() == "a file"


def test_folder_that_may_not_be_written_to_is_refused_before_planning(tmp_path, monkeypatch):
    # Asked of the system, which lets an administrator write anywhere.
    scenario = write_town(tmp_path / "input")
    locked = tmp_path / "locked"
    locked.mkdir()
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != locked)
    ran = run("plan", scenario, "-o", locked / "a" / "plan")
    assert ran.code == 2
    assert f"{locked}: may not be written to" in ran.err
    assert "siting" not in ran.err
    assert list(locked.iterdir()) == []


def test_folder_that_turns_out_to_be_protected(tmp_path, monkeypatch):
    def protected(*_args: object, **_kwargs: object) -> str:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(tempfile, "mkdtemp", protected)
    ran = run("plan", write_town(tmp_path / "input"), "-o", tmp_path / "plan", "--quiet")
    assert ran.code == 2
    assert "Permission denied" in ran.err
    assert "remedy: " in ran.err


def test_old_plan_is_replaced_as_a_whole(tmp_path, old_plan):
    (old_plan / "plan.gpkg-wal").write_bytes(b"left by a map program")
    scenario = write_town(tmp_path / "input", map=street_map().replace("第1超市", "新超市"))
    assert run("plan", scenario, "-o", old_plan, "--quiet").code == 0
    assert not (old_plan / "plan.gpkg-wal").exists()
    assert list(old_plan.parent.iterdir()) == [old_plan]


def test_zone_that_closes_everything_leaves_orders_unserved_with_the_reason(tmp_path):
    # The town's zone on all roads, for everyone, all day: nothing crashes, every door order says why it stays.
    shut = '[[zones]]\nid = "shut"\npolygon = "all"\n\n[[permits]]'
    square = "[[[112.3, 34.5], [112.6, 34.5], [112.6, 34.8], [112.3, 34.8], [112.3, 34.5]]]"
    everything = (
        '"features": [{"type": "Feature", "properties": {"zone_id": "all", "name": ""}, "geometry": '
        f'{{"type": "Polygon", "coordinates": {square}}}}},'
    )
    scenario = write_town(tmp_path / "input", scenario={"[[permits]]": shut}, zones={'"features": [': everything})
    ran = run("plan", scenario, "-o", tmp_path / "plan", "--quiet")
    assert ran.code == 3
    made = json.loads((tmp_path / "plan" / "plan.json").read_text(encoding="utf-8"))
    assert made["routes"] == []
    assert made["violations"] == []
    assert any("zone shut: every road of the map is in it" in warning for warning in made["warnings"])
    assert made["unserved"]
    for order in made["unserved"]:
        assert any("no permitted road leads there and back (closed to it: shut" in text for text in order["reasons"])
        assert order["remedy"]


def test_corrupt_prepared_network_is_made_again_and_said_so(tmp_path):
    scenario = write_town(tmp_path / "input")
    assert run("plan", scenario, "-o", tmp_path / "one").code == 0
    kept = tmp_path / "input" / "town.osm.roads"
    whole = kept.read_bytes()
    kept.write_bytes(whole[: len(whole) // 3])
    again = run("plan", scenario, "-o", tmp_path / "two")
    assert again.code == 0
    assert "town.osm.roads: it was damaged" in again.err
    assert kept.read_bytes() == whole
    third = run("plan", scenario, "-o", tmp_path / "three")
    assert "roads taken from town.osm.roads" in third.err
    one, two, three = (
        json.loads((tmp_path / name / "plan.json").read_text(encoding="utf-8")) | {"timings_s": None}
        for name in ("one", "two", "three")
    )
    assert one == two == three


def test_place_three_kilometres_from_any_road_is_a_fault(tmp_path, refused):
    # 0.027 degrees of latitude are 3.0 km.
    refused("2,9", "m from the nearest road", scenario={"lat = 34.66": "lat = 34.633"})
