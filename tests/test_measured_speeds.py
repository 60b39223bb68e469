"""From traces to the next plan: what `lastmile traces` measures is what a scenario reads."""

import shutil

import numpy as np
import pytest
from command_line import run
from driving import as_csv, at_speed, drive
from town import SCENARIO, write_town

from lastmile.errors import InputError
from lastmile.geo.fixes import Trace
from lastmile.geo.network import RoadNetwork
from lastmile.loading import load_scenario
from lastmile.stages.prepare import prepare

MEASURED = {'[map]\nosm = "town.osm"': '[speeds]\nmeasured = { file = "measured.csv" }\n\n[map]\nosm = "town.osm"'}


def silent(_stage, _text):
    pass


def test_measured_speeds_of_traces_are_driven_in_the_next_plan(tmp_path):
    scenario = write_town(tmp_path / "town")
    network = RoadNetwork.from_osm(tmp_path / "town" / "town.osm")
    ends = network.node_osm[network.edge_source], network.node_osm[network.edge_target]
    edges = [next(e for e in range(network.edges) if (ends[0][e], ends[1][e]) == (n, n + 1)) for n in range(1, 8)]
    way = network.segment_way[network.edge_segment]
    slow = drive(network, at_speed(network, edges, kmh=9.0), every_s=4.0, noise_m=2.0, depart_s=36_000.0)
    three = {f"t{k}": Trace(lon=slow.lon, lat=slow.lat, second=slow.second + 1200 * k) for k in range(3)}
    (tmp_path / "fixes.csv").write_text(as_csv(three))
    ran = run("traces", scenario, tmp_path / "fixes.csv", "--crs", "wgs84", "--vehicle-type", "truck", "-o",
              tmp_path / "study", "--quiet")  # fmt: skip
    assert ran.code == 0, ran.err
    again = write_town(tmp_path / "again", scenario=MEASURED)
    shutil.copy(tmp_path / "study" / "measured-speeds.csv", tmp_path / "again" / "measured.csv")
    city = prepare(load_scenario(again), on_progress=silent)
    before = prepare(load_scenario(scenario), on_progress=silent)
    times, table = (c.access.times_ms("truck_light", "free") for c in (city, before))
    assert times[edges] / table[edges] == pytest.approx(18 * 0.85 / 9, rel=0.05)  # a residential street by the table
    elsewhere = way != way[edges[0]]
    np.testing.assert_array_equal(times[elsewhere], table[elsewhere])
    np.testing.assert_array_equal(city.access.times_ms("e_trike", "free"), before.access.times_ms("e_trike", "free"))
    assert run("plan", again, "-o", tmp_path / "plan", "--quiet").code == 0  # the referee drives at those speeds too


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("1,forward,peak,-3,,9", "kmh"),
        ("1,sideways,peak,12,,9", "direction"),
        ("1,forward,lunch,12,,9", "period"),
        ("1,forward,peak,12,bus,9", "vehicle_class"),
        (",forward,peak,12,,9", "needs either a way_id or an edge_id"),
    ],
)
def test_faults_of_a_table_of_measured_speeds_name_their_row(tmp_path, row, words):
    scenario = write_town(tmp_path, scenario=MEASURED)
    (tmp_path / "measured.csv").write_text(f"way_id,direction,period,kmh,vehicle_class,passes\n{row}\n")
    with pytest.raises(InputError, match=words) as caught:
        prepare(load_scenario(scenario), on_progress=silent)
    assert "measured.csv, row" in caught.value.faults[0].place


def test_scenario_of_the_town_has_the_line_that_is_changed():
    assert next(iter(MEASURED)) in SCENARIO
