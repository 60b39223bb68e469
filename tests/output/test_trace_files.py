"""Files of a study of traces."""

import csv
import dataclasses
import json

import plan_fixture as city
import pytest
import shapely
import trace_fixture

from lastmile.errors import InputError
from lastmile.geo.distances import step_lengths
from lastmile.output import TRACES, check_target, write_study
from lastmile.output.trace_files import moment
from lastmile.traces.speeds import WaySpeed

ALL = {*TRACES.files}
WITHOUT_PLAN = ALL - {"rounds.csv", "visits.csv"}


@pytest.fixture(scope="module")
def network():
    return city.grid_network()


@pytest.fixture(scope="module")
def study(network):
    return trace_fixture.study(network)


@pytest.fixture(scope="module")
def folder(study, tmp_path_factory):
    target = tmp_path_factory.mktemp("studies") / "day"
    write_study(study, target)
    return target


def rows(folder, name):
    with (folder / name).open(encoding="utf-8-sig", newline="") as handle:
        return list(csv.DictReader(handle))


def test_all_files_are_written_and_without_a_plan_all_but_two(folder, network, tmp_path):
    assert {path.name for path in folder.iterdir()} == ALL
    write_study(trace_fixture.study(network, with_plan=False), tmp_path / "day")
    assert {path.name for path in (tmp_path / "day").iterdir()} == WITHOUT_PLAN


def test_same_study_is_the_same_to_the_byte(folder, network, tmp_path):
    write_study(trace_fixture.study(network), tmp_path / "day")
    for name in ALL:
        assert (tmp_path / "day" / name).read_bytes() == (folder / name).read_bytes(), name


def test_measured_speeds_have_the_columns_that_scenarios_read(study, tmp_path):
    assert study.ways == ()  # every way is passed once or twice only
    speed = WaySpeed(way_id=7, forward=False, period="peak", vehicle_class="e_van", kmh=17.04, table_kmh=15.0, passes=4)
    write_study(dataclasses.replace(study, ways=(speed,)), tmp_path / "day")
    text = (tmp_path / "day" / "measured-speeds.csv").read_text(encoding="utf-8-sig")
    assert text.splitlines() == ["way_id,direction,period,kmh,vehicle_class,passes", "7,backward,peak,17.0,e_van,4"]


def test_class_speeds_stand_beside_the_table(folder):
    found = {(row["road_class"], row["vehicle_class"]): row for row in rows(folder, "speeds-by-class.csv")}
    van = found["residential", "e_van"]
    # The plan drives 500 m in 60 s, in peak hours (08:00) when the table says 15 km/h; the way back takes 540 s.
    assert van["period"] == "peak"
    assert float(van["table_kmh"]) == pytest.approx(15.0, abs=0.1)
    assert float(van["ratio"]) == pytest.approx(float(van["measured_kmh"]) / 15.0, abs=0.02)
    assert float(van["km"]) == pytest.approx(5.0, abs=0.1)


def test_entries_tell_who_where_and_when(folder):
    (entry,) = rows(folder, "zone-entries.csv")
    assert entry["vehicle_id"] == city.XSS
    assert (entry["zone"], entry["name"], entry["citation"]) == ("core", "Core <b>zone</b>", "Notice 12 of 2016")
    assert entry["first_inside"].startswith("2016-11-11T08:0")
    assert entry["doubtful"] == "no"
    # Its way: junction (2, 1) to (2, 2), stop for 300 s, (2, 2) to (1, 2): the segments in the zone are 500 m each.
    assert 400 < float(entry["metres_driven"]) < 1600
    assert float(entry["seconds_inside"]) > 300


def test_rounds_and_visits_are_those_of_the_plan(folder):
    van, truck = rows(folder, "rounds.csv")
    assert (van["vehicle_id"], van["stops"], van["visited"], van["missed"]) == ("van-1", "3", "3", "0")
    assert (van["planned_km"], van["planned_h"], van["inversions"], van["kendall_tau"]) == ("5.0", "0.50", "0", "1.000")
    assert float(van["driven_km"]) == pytest.approx(5.0, abs=0.1)
    assert float(van["planned_roads_driven"]) > 0.98
    # The truck's id is another in the traces: nothing was recorded of it.
    assert (truck["vehicle_id"], truck["driven_km"], truck["driven_h"], truck["missed"]) == ("truck-1", "", "", "1")
    assert (truck["kendall_tau"], truck["median_late_min"]) == ("", "")
    visits = rows(folder, "visits.csv")
    assert [(v["vehicle_id"], v["stop_no"], v["outcome"]) for v in visits] == [
        ("van-1", "1", "visited"),
        ("van-1", "2", "visited"),
        ("van-1", "3", "visited"),
        ("truck-1", "1", "missed"),
    ]
    assert visits[0]["planned_arrive"] == "2016-11-11T08:01:00"
    assert visits[0]["arrive"].startswith("2016-11-11T08:0")
    assert (visits[3]["arrive"], visits[3]["late_min"]) == ("", "")


def test_text_that_a_spreadsheet_would_compute_is_marked(folder):
    assert rows(folder, "visits.csv")[1]["name"] == "'" + city.FORMULA


def test_ways_are_lines_on_the_roads(folder):
    document = json.loads((folder / "matched.geojson").read_text(encoding="utf-8"))
    assert document["attribution"].startswith("Map data © OpenStreetMap")
    assert "made up" in document["notice"]
    van, truck = document["features"]
    assert (van["properties"]["vehicle_id"], van["properties"]["part"]) == ("van-1", 0)
    assert van["properties"]["start"].startswith("2016-11-11T08:00")
    assert truck["properties"]["vehicle_type"] == "truck"
    line = shapely.geometry.shape(van["geometry"])
    points = shapely.get_coordinates(line)
    assert step_lengths(points[:, 0], points[:, 1]).sum() == pytest.approx(van["properties"]["km"] * 1000, abs=1)
    south, east = city.place(0, 0)[1], city.place(2500, 0)[0]
    assert abs(points[:, 1] - south).max() < 1e-5
    assert points[:, 0].max() <= east + 1e-5


def test_folder_of_something_else_is_not_replaced(study, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="other files than a study of traces"):
        write_study(study, tmp_path)
    plan = tmp_path / "plan"
    plan.mkdir()
    (plan / "plan.json").write_text("{}")
    with pytest.raises(InputError, match=r"study of traces \(plan.json\)"):
        check_target(plan, TRACES)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_study_is_replaced_by_the_next_one(folder, study, tmp_path):
    write_study(study, tmp_path / "day")
    (tmp_path / "day" / "traces.html").write_text("old")
    write_study(study, tmp_path / "day")
    assert (tmp_path / "day" / "traces.html").read_bytes() == (folder / "traces.html").read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["day"]


def test_moments_are_local_times_of_the_right_day(study):
    day = study.scenario.file.day
    assert moment(day, 0) == "2016-11-11T00:00:00"
    assert moment(day, 86_400 + 3661.4) == "2016-11-12T01:01:01"
    assert moment(day, -0.6) == "2016-11-10T23:59:59"
