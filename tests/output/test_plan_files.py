import csv
import dataclasses
import json
from pathlib import Path

import geopandas
import numpy as np
import plan_fixture as city
import pyogrio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lastmile.errors import InputError
from lastmile.geo.distances import metres_per_degree
from lastmile.output.plan_files import plan_text, read_plan, safe_cell, write_plan
from lastmile.output.route_lines import leg_line, route_line
from lastmile.plans import Leg, Plan


@pytest.fixture(scope="module")
def network():
    return city.grid_network()


@pytest.fixture
def written(tmp_path, network):
    write_plan(city.plan(network), city.demand(), network, tmp_path)
    return tmp_path


def damaged(folder: Path, change) -> InputError:
    path = folder / "plan.json"
    raw = json.loads(path.read_text("utf-8"))
    change(raw)
    path.write_text(json.dumps(raw), "utf-8")
    with pytest.raises(InputError) as caught:
        read_plan(path)
    return caught.value


def test_plan_reads_back_equal(written, network):
    assert read_plan(written) == read_plan(written / "plan.json") == city.plan(network)


words = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
numbers = st.floats(allow_nan=False, allow_infinity=False)


@settings(deadline=None, max_examples=50)
@given(
    text=words,
    edges=st.lists(st.integers(0, 2**31 - 1)),
    fraction=st.floats(0, 1),
    metres=st.floats(0, 1e7),
    value=numbers,
    inputs=st.dictionaries(words, words, max_size=3),
)
def test_any_text_and_number_survives(one_folder, text, edges, fraction, metres, value, inputs):
    plan = city.plan()
    route = plan.routes[1]
    leg = Leg(
        edges=tuple(edges),
        start_fraction=fraction,
        end_fraction=1 - fraction,
        depart_s=28_800,
        arrive_s=29_000,
        distance_m=metres,
        energy_wh=7,
    )
    plan = dataclasses.replace(
        plan,
        manifest=dataclasses.replace(plan.manifest, title=text, inputs=inputs),
        routes=(dataclasses.replace(route, vehicle_id=text, legs=(leg, route.legs[1])),),
        warnings=(text,),
        targets=(dataclasses.replace(plan.targets[0], value=value, note=text),),
    )
    path = one_folder / "plan.json"
    path.write_text(plan_text(plan), encoding="utf-8", newline="\n")
    assert read_plan(path) == plan


def test_keys_stand_in_the_order_of_the_plan(written):
    raw = json.loads((written / "plan.json").read_text("utf-8"))
    keys = ["format", *(item.name for item in dataclasses.fields(Plan))]
    # A plan without phases is written as if there were no such thing.
    assert list(raw) == [key for key in keys if key != "phases"]
    assert raw["format"] == "lastmile-plan/1"
    assert "opens_by" not in raw["sites"][0]


def test_plan_with_phases_reads_back_equal(tmp_path, network):
    plan = city.phased_plan(network)
    write_plan(plan, city.demand(), network, tmp_path)
    assert read_plan(tmp_path) == plan
    raw = json.loads((tmp_path / "plan.json").read_text("utf-8"))
    assert list(raw) == ["format", *(item.name for item in dataclasses.fields(Plan))]
    assert [site.get("opens_by") for site in raw["sites"]] == ["2018-12-31", "2020-12-31", None]
    for frame in (
        geopandas.read_file(tmp_path / "sites.geojson"),
        geopandas.read_file(tmp_path / "plan.gpkg", layer="sites"),
    ):
        assert frame["opens_by"].astype(str).str[:10].tolist() == ["2018-12-31", "2020-12-31", ""]


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda raw: raw["sites"][0].update(opens_by="2018-13-31"), "sites[0].opens_by"),
        (lambda raw: raw["sites"][0].update(opens_by=20181231), "sites[0].opens_by"),
        (lambda raw: raw["phases"].reverse(), "phases"),
        (lambda raw: raw["phases"][1]["siting"].update(gap=0.0), "phases"),
        (lambda raw: raw["phases"][0].pop("by"), "phases[0].by"),
    ],
)
def test_damaged_phases_are_faults(tmp_path, network, change, place):
    write_plan(city.phased_plan(network), city.demand(), network, tmp_path)
    assert {fault.place for fault in damaged(tmp_path, change).faults} == {f"plan.json, {place}"}


@pytest.mark.parametrize("days", [["2020-12-31", "2018-12-31"], ["2018-12-30", "2020-12-31"], ["2018-12-31"] * 2])
def test_dates_of_a_site_that_grows_ascend_from_its_opening(tmp_path, network, days):
    write_plan(city.phased_plan(network), city.demand(), network, tmp_path)
    state = {"modules": 1, "chilled_modules": 0, "capacity_parcels": 50, "chilled_capacity_parcels": 0, "cost_fen": 1}

    def grow(*by):
        return lambda raw: raw["sites"][0].update(built=[{"by": day, **state} for day in by])

    assert {fault.place for fault in damaged(tmp_path, grow(*days)).faults} == {"plan.json, sites[0].built"}


def test_a_number_that_is_none_is_refused(network):
    plan = dataclasses.replace(city.plan(network), timings_s={"siting": float("nan")})
    with pytest.raises(ValueError, match="not JSON compliant"):
        plan_text(plan)


def test_missing_file_names_itself(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_plan(tmp_path / "nothing.json")


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe\x00", b"[" * 100_000, b'{"a": NaN}', b'{"a": 1e999}'])
def test_no_json_is_a_fault(tmp_path, content):
    path = tmp_path / "plan.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match="valid JSON"):
        read_plan(path)


@pytest.mark.parametrize("content", ["[]", "{}", '{"format": "lastmile-plan/2"}'])
def test_other_format_is_a_fault(tmp_path, content):
    path = tmp_path / "plan.json"
    path.write_text(content)
    with pytest.raises(InputError, match="this version reads 'lastmile-plan/1'"):
        read_plan(path)


def test_cut_file_is_a_fault(written):
    path = written / "plan.json"
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(InputError, match="valid JSON"):
        read_plan(path)


def test_every_fault_is_reported_with_its_place(written):
    def change(raw):
        raw["routes"][1]["legs"][0]["edges"][2] = "7"
        del raw["sites"][0]["modules"]
        raw["checked"] = 1

    error = damaged(written, change)
    assert [fault.place for fault in error.faults] == [
        "plan.json, sites[0].modules",
        "plan.json, routes[1].legs[0].edges[2]",
        "plan.json, checked",
    ]
    assert error.faults[0].cause == "the key is missing"


def test_unknown_key_is_a_fault(written):
    error = damaged(written, lambda raw: raw["routes"][0]["stops"][1].update(colour="red"))
    assert [fault.place for fault in error.faults] == ["plan.json, routes[0].stops[1].colour"]


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda raw: raw["routes"][0]["legs"].pop(), "routes[0]"),
        (lambda raw: raw["routes"][0]["legs"][0].update(end_fraction=1.5), "routes[0].legs[0]"),
        (lambda raw: raw["routes"][0]["legs"][0].update(edges=[-1]), "routes[0].legs[0]"),
        (lambda raw: raw["routes"][0]["legs"][0].update(arrive_s=0), "routes[0].legs[0]"),
        (lambda raw: raw["routes"][0]["stops"][1].update(start_s=0), "routes[0].stops[1]"),
        (lambda raw: raw["sites"][0].update(lat=112.0), "sites[0]"),
        (lambda raw: raw["sites"].append(raw["sites"][0]), "sites"),
        (lambda raw: raw["services"][0].update(site_id="nowhere"), "services[0].site_id"),
    ],
)
def test_values_that_contradict_each_other_are_faults(written, change, place):
    assert [fault.place for fault in damaged(written, change).faults] == [f"plan.json, {place}"]


def test_leg_is_cut_at_its_fractions(network):
    # Edges 0 -> 1 -> 2 of 500 m each, from 0.2 of the first to 0.5 of the second: 100 m to 750 m.
    edges = city.edges_along(network, 0, 1, 2)
    leg = dataclasses.replace(city.plan(network).routes[0].legs[0], edges=edges, start_fraction=0.2, end_fraction=0.5)
    expected = [city.place(100, 0), city.place(500, 0), city.place(750, 0)]
    np.testing.assert_allclose(leg_line(network, leg), expected, atol=1e-9)


def test_fractions_count_from_the_tail_of_an_edge_against_its_segment(network):
    # Driving 2 -> 1 from 0.1 to 0.4 of the edge: from 1,000 - 50 = 950 m to 1,000 - 200 = 800 m.
    edges = city.edges_along(network, 2, 1)
    assert not network.edge_forward[edges[0]]
    leg = dataclasses.replace(city.plan(network).routes[0].legs[0], edges=edges, start_fraction=0.1, end_fraction=0.4)
    np.testing.assert_allclose(leg_line(network, leg), [city.place(950, 0), city.place(800, 0)], atol=1e-9)


def test_route_line_has_the_driven_length(network):
    route = city.plan(network).routes[0]
    line = route_line(network, route)
    per_lon, per_lat = metres_per_degree(line[:-1, 1])
    metres = np.hypot(np.diff(line[:, 0]) * per_lon, np.diff(line[:, 1]) * per_lat).sum()
    assert metres == pytest.approx(route.distance_m, rel=1e-3)  # 500 + 500 + 1,500 + 2,500 m


def test_plan_of_another_network_is_refused(network):
    leg = dataclasses.replace(city.plan(network).routes[0].legs[0], edges=(network.edges,))
    with pytest.raises(ValueError, match="do not fit the network"):
        leg_line(network, leg)


def test_geojson_names_source_and_says_that_the_city_is_made_up(written):
    raw = json.loads((written / "routes.geojson").read_text("utf-8"))
    assert raw["type"] == "FeatureCollection"
    assert "OpenStreetMap" in raw["attribution"]
    assert "made up" in raw["notice"]
    assert raw["features"][0]["properties"] == {
        "vehicle_id": "van-1",
        "type": "van",
        "base": "hub",
        "permits": "",
        "distance_km": 5.0,
        "duration_min": 30.0,
        "trips": 1,
        "parcels": 30,
        "cost_yuan": 113.3,
        "energy_kwh": 1.0,
        "charged_kwh": 0.0,
    }
    frame = geopandas.read_file(written / "sites.geojson")
    assert frame["name"].tolist() == ["a 站", "b 站", "c 站"]
    assert frame.geometry.iloc[0].x == pytest.approx(city.place(500, 0)[0], abs=1e-6)


def test_real_city_carries_no_notice(tmp_path, network):
    plan = city.plan(network)
    plan = dataclasses.replace(plan, manifest=dataclasses.replace(plan.manifest, synthetic_map=False))
    write_plan(plan, city.demand(), network, tmp_path)
    assert "notice" not in json.loads((tmp_path / "sites.geojson").read_text("utf-8"))


def test_geopackage_has_all_layers(written):
    layers = dict(pyogrio.list_layers(written / "plan.gpkg").tolist())
    assert layers == {
        "sites": "Point",
        "routes": "LineString",
        "stops": "Point",
        "demand": "Point",
        "unserved": "Point",
    }
    orders = geopandas.read_file(written / "plan.gpkg", layer="demand")
    assert orders["name"].tolist()[:3] == [city.XSS, city.FORMULA, "王小明"]
    assert orders["served_by"].tolist() == ["station", "locker", "door", "", "door"]


def test_empty_plan_is_written_and_read(tmp_path, network):
    plan = dataclasses.replace(
        city.plan(network), sites=(), services=(), routes=(), unserved=(), fleet=(), siting=None, targets=()
    )
    write_plan(plan, city.demand(), network, tmp_path)
    assert read_plan(tmp_path) == plan
    assert len(geopandas.read_file(tmp_path / "plan.gpkg", layer="routes")) == 0


def test_vehicle_that_never_leaves_its_position_has_no_line(tmp_path, network):
    plan = city.plan(network)
    still = tuple(dataclasses.replace(leg, edges=()) for leg in plan.routes[0].legs)
    plan = dataclasses.replace(plan, routes=(dataclasses.replace(plan.routes[0], legs=still),))
    write_plan(plan, city.demand(), network, tmp_path)
    assert json.loads((tmp_path / "routes.geojson").read_text("utf-8"))["features"][0]["geometry"] is None


def test_same_plan_gives_same_bytes(tmp_path, network):
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
        write_plan(city.plan(network), city.demand(), network, folder)
    one, two = ({path.name: path.read_bytes() for path in folder.iterdir()} for folder in folders)
    assert one == two


def test_driver_sheet_opens_in_a_spreadsheet(written):
    raw = (written / "stops.csv").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(raw.decode("utf-8-sig").splitlines()))
    assert len(rows) == 8
    assert rows[0].keys() == {
        "vehicle_id", "vehicle_type", "trip", "stop_no", "kind", "name", "location_id", "arrive", "start", "depart",
        "parcels", "pickups", "kg", "charged_kwh", "lon", "lat",
    }  # fmt: skip
    # 8:00 and 900 s = 8:15 arrival; 300 s of waiting; a minute at the door.
    assert [rows[3][key] for key in ("arrive", "start", "depart", "pickups")] == ["08:15", "08:20", "08:21", "5"]
    assert rows[2]["name"] == "'=HYPERLINK(1)"
    assert rows[6]["name"] == "王小明"


def test_driver_sheet_tells_reloads_and_charges(tmp_path, network):
    plan = city.plan_with_halts(network)
    write_plan(plan, city.demand(), network, tmp_path)
    rows = list(csv.DictReader((tmp_path / "stops.csv").read_bytes().decode("utf-8-sig").splitlines()))
    truck = [(row["trip"], row["kind"], row["charged_kwh"]) for row in rows if row["vehicle_id"] == "truck-1"]
    # The reload ends the first trip.
    kinds = [("1", "base"), ("1", "door"), ("1", "reload"), ("2", "charge"), ("2", "base")]
    assert truck == [(*kind, "2.5" if kind[1] == "charge" else "0.0") for kind in kinds]
    routes = json.loads((tmp_path / "routes.geojson").read_text("utf-8"))["features"]
    assert [(r["properties"]["trips"], r["properties"]["charged_kwh"]) for r in routes] == [(1, 0.0), (2, 2.5)]
    assert read_plan(tmp_path) == plan


def test_plan_that_charges_nothing_has_no_key_for_it(network):
    assert "charged_wh" not in plan_text(city.plan(network))
    assert '"charged_wh":2500' in plan_text(city.plan_with_halts(network))


@pytest.mark.parametrize("text", ["=1+1", "+86 10", "-1", "@SUM(A1)", "\tx", "\rx"])
def test_formula_cannot_start_a_cell(text):
    assert safe_cell(text) == "'" + text
    assert safe_cell("洛阳") == "洛阳"
