import hashlib
from pathlib import Path

import numpy as np
import pytest
from town import GENERATED, ORDERS_KEY, corner, orders, write_town

from lastmile.errors import Fault, InputError
from lastmile.geo.crs import from_wgs84
from lastmile.loading import depot_places, load_scenario


def test_tables_are_frames_in_wgs84_with_every_column(tmp_path):
    scenario = load_scenario(write_town(tmp_path))
    assert len(scenario.orders) == 30
    assert scenario.orders.crs.to_epsg() == 4326
    first = scenario.orders.iloc[0]
    assert (first["id"], first["parcels"], first["window_start"], first["options"]) == ("o00", 2, 9 * 3600, ("door",))
    assert list(scenario.zones["zone_id"]) == ["centre", "town"]
    assert list(scenario.districts["kind"]) == ["urban", "county"]
    assert len(scenario.areas) == 10
    assert scenario.population is None
    assert scenario.candidates is None


def test_metric_system_is_the_utm_zone_unless_stated(tmp_path):
    assert load_scenario(write_town(tmp_path)).metric_crs == "EPSG:32649"  # 112 E lies in zone 49
    stated = write_town(tmp_path, scenario={"seed = 7": 'seed = 7\nmetric_crs = "EPSG:4547"'})
    assert load_scenario(stated).metric_crs == "EPSG:4547"


def test_inputs_are_named_with_their_hash(tmp_path):
    scenario = load_scenario(write_town(tmp_path))
    assert set(scenario.inputs) == {
        "scenario.toml", "town.osm", "orders.csv", "districts.csv", "communities.csv", "zones.geojson"
    }  # fmt: skip
    for name, digest in scenario.inputs.items():
        assert hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() == digest


def test_raster_of_heights_is_an_input(tmp_path):
    (tmp_path / "h.tif").write_bytes(b"heights")
    named = {'osm = "town.osm"': 'osm = "town.osm"\nelevation = "h.tif"'}
    scenario = load_scenario(write_town(tmp_path, scenario=named))
    assert scenario.elevation_path == tmp_path / "h.tif"
    assert scenario.inputs["h.tif"] == hashlib.sha256(b"heights").hexdigest()
    assert load_scenario(write_town(tmp_path)).elevation_path is None


def test_paths_start_in_the_scenarios_folder(tmp_path, monkeypatch):
    write_town(tmp_path / "town")
    monkeypatch.chdir(tmp_path)
    scenario = load_scenario("town/scenario.toml")
    assert scenario.folder == Path("town")
    assert scenario.map_path == Path("town/town.osm")
    (tmp_path / "maps").mkdir()
    (tmp_path / "town" / "town.osm").rename(tmp_path / "maps" / "town.osm")
    write_town(tmp_path / "town", scenario={'osm = "town.osm"': 'osm = "../maps/town.osm"'}, map=None)
    assert load_scenario("town/scenario.toml").map_path == Path("town/../maps/town.osm")


@pytest.mark.parametrize("crs", ["gcj02", "bd09", "EPSG:32649"])
def test_declared_systems_are_converted(tmp_path, crs):
    lon, lat = corner(0, 0)
    x, y = (float(part[0]) for part in from_wgs84(np.array([lon]), np.array([lat]), crs))
    head, *rows = orders().splitlines()
    east, north = from_wgs84(*np.array([[float(c) for c in row.split(",")[2:4]] for row in rows]).T, crs)
    shifted = [
        ",".join((*row.split(",")[:2], f"{a:.8f}", f"{b:.8f}", *row.split(",")[4:]))
        for row, a, b in zip(rows, east, north, strict=True)
    ]
    changes = {ORDERS_KEY: ORDERS_KEY.replace("wgs84", crs)}
    if not crs.startswith("EPSG"):
        changes[f'lon = {lon}\nlat = {lat}\ncrs = "wgs84"'] = f'lon = {x!r}\nlat = {y!r}\ncrs = "{crs}"'
    here = load_scenario(write_town(tmp_path / "here"))
    there = load_scenario(write_town(tmp_path / "there", scenario=changes, orders="\n".join([head, *shifted])))
    # 1e-6 degrees are 0.1 m.
    assert np.allclose(there.orders.geometry.x, here.orders.geometry.x, atol=1e-6)
    assert np.allclose(there.orders.geometry.y, here.orders.geometry.y, atol=1e-6)
    assert np.allclose(depot_places(there.file), depot_places(here.file), atol=1e-6)


def test_columns_that_are_not_used_are_no_fault(tmp_path):
    text = "\n".join(f"{row},{'colour' if k == 0 else 'red'}" for k, row in enumerate(orders().splitlines()))
    assert len(load_scenario(write_town(tmp_path, orders=text)).orders) == 30


def test_generated_demand_needs_no_orders(tmp_path):
    scenario = load_scenario(write_town(tmp_path, scenario={ORDERS_KEY: GENERATED}, orders=None))
    assert scenario.orders is None
    assert "orders.csv" not in scenario.inputs


def test_faults_are_values_a_program_can_use(tmp_path):
    with pytest.raises(InputError) as caught:
        load_scenario(write_town(tmp_path, scenario={"seed = 7": "sede = 7"}))
    assert caught.value.faults == (
        Fault(place="scenario.toml, sede", cause="unknown key 'sede'", remedy="did you mean 'seed'?"),
    )
    assert str(caught.value).startswith("1 fault in the input:\n  scenario.toml, sede: unknown key")


def test_an_error_without_faults_is_a_mistake():
    with pytest.raises(ValueError, match="at least one fault"):
        InputError([])


@pytest.mark.parametrize("entry", ['orders = "orders.csv"', 'orders = { fil = "orders.csv" }', "orders = 3"])
def test_table_that_is_named_wrongly_is_one_fault_of_the_file(tmp_path, entry):
    with pytest.raises(InputError) as caught:
        load_scenario(write_town(tmp_path, scenario={ORDERS_KEY: entry}))
    assert all(fault.place.startswith("scenario.toml, demand.orders") for fault in caught.value.faults)
