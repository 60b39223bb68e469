"""The command `lastmile traces` as a user meets it."""

import csv
import json
import re
from pathlib import Path

import pytest
from command_line import contents, run
from driving import as_csv, at_speed, drive, follow
from town import write_town

from lastmile.geo.crs import from_wgs84
from lastmile.geo.fixes import Trace
from lastmile.geo.network import RoadNetwork
from lastmile.output.plan_files import read_plan

FIVE = {
    "measured-speeds.csv",
    "speeds-by-class.csv",
    "zone-entries.csv",
    "matched.geojson",
    "traces.html",
}


@pytest.fixture(scope="module")
def town(tmp_path_factory) -> Path:
    return write_town(tmp_path_factory.mktemp("town"))


@pytest.fixture(scope="module")
def network(town) -> RoadNetwork:
    return RoadNetwork.from_osm(town.parent / "town.osm")


def street(network, *names):
    """Edges from junction to junction of the town's grid; (row, column) has the number 8 row + column + 1."""
    source, target = network.node_osm[network.edge_source], network.node_osm[network.edge_target]
    junctions = [8 * row + column + 1 for row, column in names]
    return [
        next(e for e in range(network.edges) if (source[e], target[e]) == pair)
        for pair in zip(junctions[:-1], junctions[1:], strict=True)  # noqa: RUF007
    ]


@pytest.fixture(scope="module")
def through(network) -> Trace:
    """From 08:00 on through the centre, along row 3: 1,400 m at 25 km/h."""
    edges = street(network, *[(3, column) for column in range(8)])
    return drive(network, at_speed(network, edges, kmh=25.0), every_s=4.0, noise_m=4.0, depart_s=28_800.0)


@pytest.fixture(scope="module")
def around(network) -> Trace:
    """From 08:00 on around the centre, along row 0."""
    edges = street(network, *[(0, column) for column in range(8)])
    return drive(network, at_speed(network, edges, kmh=25.0), every_s=4.0, noise_m=4.0, depart_s=28_800.0)


def table(folder, text, name="traces.csv", encoding="utf-8"):
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


def traces(town, *words, crs="wgs84"):
    return run("traces", town, *words, "--crs", crs)


def rows(path):
    with path.open(encoding="utf-8-sig", newline="") as handle:
        return list(csv.DictReader(handle))


# ---- what is found ---------------------------------------------------------------------------------------------------


def test_vehicle_around_the_zone_has_broken_no_rule(town, around, tmp_path):
    file = table(tmp_path, as_csv({"t1": around}))
    ran = traces(town, file, "--vehicle-type", "truck", "-o", tmp_path / "out")
    assert ran.code == 0, ran.err
    assert {path.name for path in (tmp_path / "out").iterdir()} == FIVE
    assert re.match(r"1 vehicles, 51 fixes, 100.0% matched, 1\.4 km, 0 breaks\n", ran.out)
    assert ran.out.endswith("0 drives in closed zones\n")
    assert rows(tmp_path / "out" / "zone-entries.csv") == []
    for stage in ("traces", "map", "matching", "speeds", "zones", "output"):
        assert re.search(rf"^ *\d+\.\d s  {stage} ", ran.err, re.MULTILINE), stage


def test_vehicle_in_a_closed_zone_is_exit_code_3(town, through, tmp_path):
    file = table(tmp_path, as_csv({"t1": through}))
    ran = traces(town, file, "--vehicle-type", "truck", "-o", tmp_path / "out", "--quiet")
    assert ran.code == 3
    assert ran.out.endswith("1 drives in closed zones\n")
    assert re.search(r"CLOSED ZONE centre-trucks: t1 from 2024-03-05T08:00:\d\d, \d+ m in \d\.\d min", ran.err)
    (entry,) = rows(tmp_path / "out" / "zone-entries.csv")
    # The zone reaches from column 1.5 to 5.5 of row 3: five segments of 200 m are in it.
    assert float(entry["metres_driven"]) == pytest.approx(1000, abs=10)
    assert (tmp_path / "out" / "traces.html").stat().st_size > 100_000


def test_permit_opens_the_zone(town, through, tmp_path):
    file = table(tmp_path, as_csv({"t1": through}))
    ran = traces(town, file, "--vehicle-type", "truck", "--permit", "marked", "-o", tmp_path / "out", "--quiet")
    assert (ran.code, ran.err) == (0, "")
    trike = traces(town, file, "--vehicle-type", "trike", "-o", tmp_path / "out", "--quiet")
    assert trike.code == 0


def test_type_may_stand_in_the_table(town, through, around, tmp_path):
    text = (
        as_csv({"t1": through}, extra={"车型": "trike"})
        + as_csv({"t2": around}, extra={"x": "truck"}).split("\n", 1)[1]
    )
    ran = traces(town, table(tmp_path, text), "-o", tmp_path / "out", "--quiet")
    assert ran.code == 0, ran.err
    kinds = {
        feature["properties"]["vehicle_id"]: feature["properties"]["vehicle_type"]
        for feature in json.loads((tmp_path / "out" / "matched.geojson").read_text(encoding="utf-8"))["features"]
    }
    assert kinds == {"t1": "trike", "t2": "truck"}


def test_speeds_come_out_as_they_were_driven(town, around, tmp_path):
    again = [Trace(lon=around.lon, lat=around.lat, second=around.second + k * 1800) for k in range(3)]
    file = table(tmp_path, as_csv({f"t{k}": trace for k, trace in enumerate(again)}))
    assert traces(town, file, "--vehicle-type", "truck", "-o", tmp_path / "out", "--quiet").code == 0
    speeds = rows(tmp_path / "out" / "measured-speeds.csv")
    # Twice in the peak before 09:00, once after it: three passes of one period there are not.
    assert speeds == []
    again = [Trace(lon=around.lon, lat=around.lat, second=around.second + 7200 + k * 1800) for k in range(3)]
    file = table(tmp_path, as_csv({f"t{k}": trace for k, trace in enumerate(again)}))
    assert traces(town, file, "--vehicle-type", "truck", "-o", tmp_path / "out", "--quiet").code == 0
    speeds = rows(tmp_path / "out" / "measured-speeds.csv")
    assert {
        (row["way_id"], row["direction"], row["period"], row["vehicle_class"], row["passes"]) for row in speeds
    } == {("1", "forward", "free", "truck_light", "3")}
    assert float(speeds[0]["kmh"]) == pytest.approx(25, rel=0.05)


def test_plan_is_compared_with_what_was_driven(town, network, tmp_path):
    assert run("plan", town, "-o", tmp_path / "plan", "--quiet").code == 0
    routes = read_plan(tmp_path / "plan").routes
    driven = {route.vehicle_id: follow(network, route, every_s=5.0, noise_m=4.0) for route in routes}
    file = table(tmp_path, as_csv(driven))
    ran = traces(town, file, "--plan", tmp_path / "plan" / "plan.json", "-o", tmp_path / "out", "--quiet")
    assert ran.code == 0, ran.err
    assert {path.name for path in (tmp_path / "out").iterdir()} == FIVE | {"rounds.csv", "visits.csv"}
    rounds = rows(tmp_path / "out" / "rounds.csv")
    assert [row["vehicle_id"] for row in rounds] == [route.vehicle_id for route in routes]
    for row, route in zip(rounds, routes, strict=True):
        assert row["visited"] == row["stops"] == str(len(route.stops) - 2)
        assert row["inversions"] == "0"
        assert float(row["driven_km"]) == pytest.approx(route.distance_m / 1000, rel=0.05, abs=0.1)
        assert float(row["planned_roads_driven"]) > 0.95
        assert f"  {route.vehicle_id}: " in ran.out
    # Without the first vehicle's trace it is said that nothing was recorded of it.
    silent = dict(list(driven.items())[1:]) | {"stranger": driven[routes[0].vehicle_id]}
    file = table(tmp_path, as_csv(silent))
    words = ("--plan", tmp_path / "plan", "--vehicle-type", "truck", "-o", tmp_path / "out", "--quiet")
    ran = traces(town, file, *words)
    assert f"{routes[0].vehicle_id}: " in ran.out
    assert "nothing recorded" in ran.out
    assert "1 vehicles of the traces are not in the plan, the first is 'stranger'" in ran.err


def test_gpx_and_tables_in_chinese_are_read(town, through, tmp_path):
    points = "".join(
        f'<trkpt lat="{lat:.7f}" lon="{lon:.7f}"><time>2024-03-05T00:{int(s - 28_800) // 60:02d}:'
        f"{int(s - 28_800) % 60:02d}Z</time></trkpt>"
        for lon, lat, s in zip(through.lon, through.lat, through.second, strict=True)
    )
    gpx = table(
        tmp_path,
        f'<gpx xmlns="http://www.topografix.com/GPX/1/1"><trk><trkseg>{points}</trkseg></trk></gpx>',
        name="g1.gpx",
    )
    words = ("--vehicle-type", "truck", "-o", tmp_path / "out", "--quiet")
    utc = traces(town, gpx, *words)
    assert (utc.code, "--utc-offset +08:00" in utc.err) == (2, True)
    assert traces(town, gpx, "--utc-offset", "+08:00", *words).code == 3
    (entry,) = rows(tmp_path / "out" / "zone-entries.csv")
    assert (entry["vehicle_id"], entry["first_inside"][:14]) == ("g1", "2024-03-05T08:")
    x, y = from_wgs84(through.lon, through.lat, "gcj02")
    text = as_csv({"豫C·1": Trace(lon=x, lat=y, second=through.second)})
    text = text.replace("vehicle_id,time,lon,lat", "车牌号,时间,经度,纬度")
    chinese = table(tmp_path, text, encoding="gb18030")
    assert traces(town, chinese, *words, crs="高德").code == 3
    (entry,) = rows(tmp_path / "out" / "zone-entries.csv")
    assert entry["vehicle_id"] == "豫C·1"


def test_default_folder_is_named_after_the_scenario(town, around, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = table(tmp_path, as_csv({"t1": around}))
    assert traces(town, file, "--vehicle-type", "truck", "--quiet").code == 0
    assert {path.name for path in (tmp_path / "maps" / "town-traces").iterdir()} == FIVE


def test_same_traces_give_the_same_files(town, through, tmp_path):
    file = table(tmp_path, as_csv({"t1": through}))
    for name in ("one", "two"):
        traces(town, file, "--vehicle-type", "truck", "-o", tmp_path / name, "--quiet")
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


# ---- what is refused -------------------------------------------------------------------------------------------------


@pytest.fixture
def refused(town, around, tmp_path):
    """Run with a table and words, expect a refusal in which all ``said`` stand, and nothing written."""

    def refuse(text, *words, said, crs="wgs84"):
        file = table(tmp_path, text if text is not None else as_csv({"t1": around}))
        ran = traces(town, file, *words, "-o", tmp_path / "out", "--quiet", crs=crs)
        assert ran.code == 2, ran
        for word in said:
            assert word in ran.err, ran.err
        assert "Traceback" not in ran.err
        assert not (tmp_path / "out").exists()

    return refuse


TRUCK = ("--vehicle-type", "truck")


def test_traces_off_every_road_are_refused(refused, around):
    far = Trace(lon=around.lon, lat=around.lat + 0.06, second=around.second)
    refused(as_csv({"t1": far}), *TRUCK, said=["no fix lies near a road of town.osm", "--crs", "remedy: "])


def test_system_that_does_not_fit_is_named(town, around, tmp_path):
    x, y = from_wgs84(around.lon, around.lat, "gcj02")
    file = table(tmp_path, as_csv({"t1": Trace(lon=x, lat=y, second=around.second)}))
    ran = traces(town, file, *TRUCK, "-o", tmp_path / "out", "--quiet")
    assert "read as gcj02 it would be" in ran.err
    assert "check --crs" in ran.err


def test_unknown_words_are_refused(refused):
    refused(None, said=["1 of 1 vehicles have no type", "--vehicle-type", "trike, truck"])
    refused(None, "--vehicle-type", "lorry", said=["'lorry' is no vehicle type of the scenario"])
    refused(None, *TRUCK, "--permit", "mark", said=["'mark' is no permit", "marked"])
    refused(None, *TRUCK, "--utc-offset", "CST", said=["'CST' is no offset from UTC"])
    refused(None, *TRUCK, crs="wgs48", said=["unknown coordinate system 'wgs48'", "wgs84"])
    refused(None, *TRUCK, "--plan", "none.json", said=["none.json", "cannot be read"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", ["traces.csv: the file is empty"]),
        ("vehicle_id,time,lon,lat\n", ["no rows below its header"]),
        ("vehicle_id,lon,lat\nv,112.43,34.66\n", ["'time' is missing"]),
        ("vehicle_id,time,lon,lat\nv,soon,112.43,34.66\n", ["row 2, column 'time'", "'soon' is no time"]),
        ("vehicle_id,time,lon,lat\nv,08:00,x,34.66\n", ["row 2, column 'lon'"]),
        ("vehicle_id,time,lon,lat\nv,1980-01-06 00:00,112.43,34.66\n", ["days from the planned day 2024-03-05"]),
    ],
    ids=["empty", "head only", "no time", "bad time", "bad place", "1980"],
)
def test_bad_tables_are_refused(refused, text, said):
    refused(text, *TRUCK, said=[*said, "remedy: "])


def test_one_fix_is_read_and_leads_nowhere(town, tmp_path):
    file = table(tmp_path, "vehicle_id,time,lon,lat\nv,08:00,112.4344,34.66\n")
    ran = traces(town, file, *TRUCK, "-o", tmp_path / "out", "--quiet")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("1 vehicles, 1 fixes, 100.0% matched, 0.0 km, 0 breaks\n")


def test_times_that_run_back_or_are_equal_are_told(town, around, tmp_path):
    lines = as_csv({"t1": around}).splitlines()
    lines[3], lines[4] = lines[4], lines[3]
    lines.insert(10, lines[10])
    ran = traces(town, table(tmp_path, "\n".join(lines)), *TRUCK, "-o", tmp_path / "out", "--quiet")
    assert ran.code == 0
    assert "1 times of vehicle 't1' are before the one above" in ran.err
    assert "1 fixes of vehicle 't1' have the time of another" in ran.err


def test_plan_of_another_map_is_refused(town, around, tmp_path):
    assert run("plan", town, "-o", tmp_path / "plan", "--quiet").code == 0
    other = write_town(tmp_path / "other", map={'highway" v="trunk': 'highway" v="primary'})
    file = table(tmp_path, as_csv({"t1": around}))
    words = ("--plan", tmp_path / "plan", *TRUCK, "-o", tmp_path / "out", "--quiet")
    ran = traces(other, file, *words)
    assert ran.code == 2
    assert "the plan was made on another road network" in ran.err
    assert not (tmp_path / "out").exists()


def test_folder_with_other_files_is_left_alone(town, around, tmp_path):
    target = tmp_path / "out"
    target.mkdir()
    (target / "notes.txt").write_text("mine")
    ran = traces(town, table(tmp_path, as_csv({"t1": around})), *TRUCK, "-o", target)
    assert ran.code == 2
    assert "other files than a study of traces" in ran.err
    assert contents(target) == {"notes.txt": b"mine"}


def test_failing_run_keeps_the_old_study(town, around, tmp_path):
    file = table(tmp_path, as_csv({"t1": around}))
    assert traces(town, file, *TRUCK, "-o", tmp_path / "out", "--quiet").code == 0
    before = contents(tmp_path / "out")
    assert traces(town, tmp_path / "none.csv", *TRUCK, "-o", tmp_path / "out", "--quiet").code == 2
    assert contents(tmp_path / "out") == before
