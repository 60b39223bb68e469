import json
import re
import zipfile
from pathlib import Path

import geopandas
import numpy as np
import openpyxl
import pandas as pd
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lastmile.geo.crs import to_wgs84
from lastmile.tables import Column, TableSchema, describe_schema, read_table

TABLES = Path(__file__).parents[1] / "data" / "tables"
ORDERS = TableSchema(
    name="orders",
    geometry="point",
    columns=(
        Column(name="order_id", kind="text", required=True, aliases=("订单号",)),
        Column(name="weight_g", kind="integer", minimum=0, maximum=50_000, unit="g", aliases=("weight", "重量")),
        Column(name="earliest", kind="time"),
        Column(name="kind", kind="choice", choices={"社区": "community", "校园": "campus"}, aliases=("类型",)),
        Column(name="signed", kind="flag", default=False),
        Column(name="skills", kind="list", aliases=("标签",)),
    ),
)
ZONES = TableSchema(name="zones", geometry="polygon", columns=(Column(name="name", kind="text", required=True),))


def read(name, schema=ORDERS, crs="wgs84", **options):
    return read_table(TABLES / name, schema, crs=crs, **options)


def write(folder, text, name="t.csv"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


BROKEN = [
    # file, place, what the cause says, what the remedy says
    ("empty.csv", "empty.csv", "the file is empty", "export the table again"),
    ("blank.csv", "blank.csv", "the file is empty", "header in its first row"),
    ("header_only.csv", "header_only.csv", "no rows below its header", "export the table again"),
    ("missing_column.csv", "missing_column.csv, row 1", "'order_id' is missing (accepted headers: order_id, 订单号)",
     "rename 'ordr_id', the nearest header found, to 'order_id'"),
    ("duplicate_header.csv", "duplicate_header.csv, row 1", "'Weight_G' occurs 2 times", "rename or remove"),
    ("two_aliases.csv", "two_aliases.csv, row 1", "'lng' and '经度' all name the column 'lon'", "rename or remove"),
    ("bad_number.csv", "bad_number.csv, row 2, column 'weight_g'", "'5oo' is not a number", "a whole number in g"),
    ("bad_number.csv", "bad_number.csv, row 3, column 'weight_g'", "'-3' is below the minimum 0 g", "at least 0 g"),
    ("bad_number.csv", "bad_number.csv, row 4, column 'weight_g'", "'90000' is above the maximum 50000 g", "at most"),
    ("bad_number.csv", "bad_number.csv, row 5, column 'weight_g'", "'nan' is not a finite number", "write a whole"),
    ("bad_number.csv", "bad_number.csv, row 6, column 'weight_g'", "'1.5' is not a whole number", "write a whole"),
    ("empty_cell.csv", "empty_cell.csv, row 4, column 'order_id'", "the cell is empty", "write a text"),
    ("bad_time.csv", "bad_time.csv, row 2, column 'earliest'", "'25:00' is not a time of day", "write HH:MM"),
    ("bad_time.csv", "bad_time.csv, row 3, column 'earliest'", "'noon' is not a time of day", "write HH:MM"),
    ("bad_time.csv", "bad_time.csv, row 4, column 'earliest'", "'09:60' is not a time of day", "write HH:MM"),
    ("unknown_choice.csv", "unknown_choice.csv, row 2, column 'kind'", "'comunity' is not a known choice",
     "did you mean 'community'? accepted: community, campus, 社区, 校园"),
    ("unknown_choice.csv", "unknown_choice.csv, row 2, column 'signed'", "'maybe' is neither yes nor no", "是, 否"),
    ("bad_place.csv", "bad_place.csv, row 3, column 'lat'", "the cell is empty", "write a number"),
    ("bad_place.csv", "bad_place.csv, row 4, column 'lon'", "'inf' is not a finite number", "write a number"),
    ("bad_place.csv", "bad_place.csv, row 5, column 'lon'", "longitude 212.45 is outside -180 to 180", "correct the"),
    ("swapped.csv", "swapped.csv, row 2, column 'lat'", "2 of 3 places lie in China only after swapping",
     "longitude and latitude look swapped: exchange the two columns"),
    ("swapped_west.csv", "swapped_west.csv, row 2, column 'lat'", "2 of 2 places lie in China only", "look swapped"),
    ("one_swapped.csv", "one_swapped.csv, row 3, column 'lat'", "latitude 112.46 is", "exchange the two values"),
    ("metres.csv", "metres.csv, row 2, column 'lon'", "longitude 500000 is outside", "EPSG:4547"),
    ("ragged.csv", "ragged.csv, row 3", "the row has 5 cells, the header has 4", "quotation marks"),
    ("open_quote.csv", "open_quote.csv", "row 3 is not readable", "quotation mark that is not closed"),
    ("unit.csv", "unit.csv, row 1, column '重量(kg)'", "the header says kg, the column 'weight_g' is read in g",
     "convert"),
    ("formula.csv", "formula.csv, row 2, column 'weight_g'", "the formula failed: #N/A", "mend the formula"),
    ("formula_error.xlsx", "formula_error.xlsx, row 3, column 'weight_g'", "the formula failed: #N/A", "mend the"),
    ("damaged_utf8.csv", "damaged_utf8.csv", "on line 3, is not utf-8", "save the file as UTF-8"),
    ("disguised.csv", "disguised.csv", "this is a spreadsheet or ZIP file", "rename it to .xlsx"),
    ("old.xls", "old.xls", "the format '.xls' is not read", "save it as .xlsx"),
    ("empty_cel.csv", "empty_cel.csv", "the file does not exist", "did you mean 'empty_cell.csv'"),
]  # fmt: skip

BROKEN_ZONES = [
    (
        "broken_zones.geojson",
        "broken_zones.geojson, feature 2",
        "Self-intersection[112.45 34.65]",
        "redraw the boundary",
    ),
    ("broken_zones.geojson", "broken_zones.geojson, feature 3", "the geometry is empty", "draw it as a polygon"),
    (
        "broken_zones.geojson",
        "broken_zones.geojson, feature 4",
        "the geometry is a Point",
        "use Polygon or MultiPolygon",
    ),
    ("broken_zones.geojson", "broken_zones.geojson, feature 5", "the geometry is empty", "draw it as a polygon"),
    ("broken_zones.geojson", "broken_zones.geojson, feature 6", "not nested as those of a Polygon", "draw this shape"),
    ("nested.geojson", "nested.geojson, feature 1", "not nested as those of a Polygon", "draw this shape again"),
    ("abyss.geojson", "abyss.geojson", "nested too deeply", "export the map again"),
    ("not_geojson.json", "not_geojson.json", "this JSON is not GeoJSON", "FeatureCollection"),
    ("cut.geojson", "cut.geojson", "this is not JSON", "export the map again"),
    ("header_only.csv", "header_only.csv", "polygons cannot be read", "give a .geojson"),
]


def assert_has_fault(table, place, cause, remedy):
    found = [fault for fault in table.faults if fault.place == place and cause in fault.cause]
    assert len(found) == 1, table.faults
    assert remedy in found[0].remedy


@pytest.mark.parametrize(("name", "place", "cause", "remedy"), BROKEN)
def test_a_broken_order_table_yields_its_fault(name, place, cause, remedy):
    assert_has_fault(read(name), place, cause, remedy)


@pytest.mark.parametrize(("name", "place", "cause", "remedy"), BROKEN_ZONES)
def test_a_broken_map_yields_its_fault(name, place, cause, remedy):
    assert_has_fault(read(name, ZONES), place, cause, remedy)


def test_each_row_of_a_table_is_complained_of_once():
    assert len(read("bad_number.csv").faults) == 5
    assert len(read("swapped.csv").faults) == 1
    assert len(read("broken_zones.geojson", ZONES).faults) == 5


@pytest.mark.parametrize("name", ["chinese_gb18030.csv", "chinese_utf16.csv"])
def test_chinese_headers_separators_and_widths_are_read(name):
    table = read(name, crs="高德")
    assert table.faults == ()
    row = table.frame.iloc[0]
    assert (row["order_id"], row["weight_g"], row["kind"], row["signed"]) == ("007", 1200, "community", False)
    lon, lat = to_wgs84(112.45, 34.62, "gcj02")
    assert (row.geometry.x, row.geometry.y) == (lon, lat)
    assert table.frame.crs == "EPSG:4326"


def test_a_list_is_cut_at_its_separators(tmp_path):
    assert read("chinese_gb18030.csv").frame["skills"][0] == ("冷藏", "易碎")
    path = write(tmp_path, 'order_id,lon,lat,skills\n1,113,34,"a, b; c|d、 "\n2,113,34,\n')
    assert read_table(path, ORDERS, crs="wgs84").frame["skills"].tolist() == [("a", "b", "c", "d"), ()]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("00:00", 0),
        ("8:30", 30600),
        ("08:30:15", 30615),
        ("24:00", 86400),
        ("０８：３０", 30600),
        ("2019-05-01 08:30:00", 30600),
        ("2019-05-01T08:30", 30600),
        ("2019年5月1日 8:30", 30600),
    ],
)
def test_times_are_seconds_after_midnight(tmp_path, text, seconds):
    table = read_table(write(tmp_path, f"order_id,lon,lat,earliest\n1,113,34,{text}\n"), ORDERS, crs="wgs84")
    assert table.faults == ()
    assert table.frame["earliest"].tolist() == [seconds]


@pytest.mark.parametrize(
    ("text", "flag"),
    [
        ("yes", True),
        ("No", False),
        ("TRUE", True),
        ("0", False),
        ("１", True),
        ("是", True),
        ("否", False),
        ("", False),
    ],
)
def test_flags_are_read_in_english_and_chinese(tmp_path, text, flag):
    table = read_table(write(tmp_path, f"order_id,lon,lat,signed\n1,113,34,{text}\n"), ORDERS, crs="wgs84")
    assert table.faults == ()
    assert table.frame["signed"].tolist() == [flag]


@pytest.mark.parametrize("header", ["Weight_G", "WEIGHT G", '" weight-g "', "重量（g）", "重 量 [克]", "ｗｅｉｇｈｔ"])
def test_header_spelling_is_forgiven(tmp_path, header):
    table = read_table(write(tmp_path, f"order_id,lon,lat,{header}\n1,113,34,5\n"), ORDERS, crs="wgs84")
    assert table.faults == ()
    assert table.frame["weight_g"].tolist() == [5]


def test_long_identifiers_and_integers_keep_every_digit(tmp_path):
    schema = TableSchema(name="t", columns=(Column(name="id", kind="text"), Column(name="n", kind="integer")))
    table = read_table(write(tmp_path, "id,n\n007,9007199254740993\n"), schema, crs=None)
    assert table.frame.iloc[0].tolist() == ["007", 9007199254740993]
    path = write(tmp_path, json.dumps({"type": "FeatureCollection", "features": [
        {"type": "Feature", "properties": {"id": "007", "n": 9007199254740993}, "geometry": None},
        {"type": "Feature", "properties": {"id": None}, "geometry": None}]}), "t.geojson")  # fmt: skip
    frame = read_table(path, schema, crs=None).frame
    assert (frame["id"][0], frame["n"][0]) == ("007", 9007199254740993)
    assert frame["n"].isna().tolist() == [False, True]


def test_row_numbers_are_those_of_the_spreadsheet(tmp_path):
    # Row 1 is blank, the header is row 2; the quoted cell holds a line break and is still one row; row 4 is blank.
    table = read_table(write(tmp_path, '\norder_id,lon,lat\n"a\nb",113,34\n\n,113,34\n'), ORDERS, crs="wgs84")
    assert table.rows.tolist() == [3, 5]
    assert [fault.place for fault in table.faults] == ["t.csv, row 5, column 'order_id'"]


def test_what_is_not_used_is_named_and_likely_misspellings_are_warned_of(tmp_path):
    table = read_table(write(tmp_path, "order_id,lon,lat,earlest,remark\n1,113,34,08:00,x\n"), ORDERS, crs="wgs84")
    assert table.unused_columns == ("earlest", "remark")
    assert any("'earlest' is not known; did you mean 'earliest'" in warning for warning in table.warnings)


@pytest.mark.parametrize(("limit", "listed"), [(50, 51), (3, 4), (100, 100)])
def test_faults_beyond_the_limit_are_counted(tmp_path, limit, listed):
    path = write(tmp_path, "order_id,lon,lat,weight_g\n" + "1,113,34,x\n" * 100)
    faults = read_table(path, ORDERS, crs="wgs84", max_faults=limit).faults
    assert len(faults) == listed
    if listed <= 100 and limit < 100:
        assert faults[-1].cause == f"and {100 - limit} more faults"


@pytest.mark.parametrize(("name", "schema"), [("one_swapped.csv", ORDERS), ("zones.geojson", ZONES)])
def test_an_undeclared_coordinate_system_is_a_fault(name, schema):
    assert_has_fault(read(name, schema, crs=None), name, "the coordinate system is not declared", "wgs84, gcj02, bd09")


def test_an_unknown_coordinate_system_is_a_fault_with_the_nearest():
    assert_has_fault(read("zones.geojson", ZONES, crs="gcj03"), "zones.geojson", "Did you mean gcj02?", "EPSG:n")


def test_degrees_declared_as_metres_are_a_fault():
    assert_has_fault(
        read("chinese_gb18030.csv", crs="EPSG:4547"),
        "chinese_gb18030.csv, row 2, column '经度'",
        "outside the area of EPSG:4547",
        "these look like degrees",
    )


def test_survey_axes_in_chinese_order_are_found_swapped(tmp_path):
    path = write(tmp_path, "order_id,x,y\n1,3841000,480000\n2,3841100,480100\n")
    fault = read_table(path, ORDERS, crs="EPSG:4547").faults[0]
    assert "look swapped" in fault.remedy


def test_a_workbook_is_read_by_sheet_and_keeps_times():
    table = read("formula_error.xlsx")
    assert table.frame["order_id"].tolist() == ["007", "8"]
    assert table.frame["earliest"][0] == 30600
    assert any("first of 2 sheets, 'Orders'" in warning for warning in table.warnings)
    fault = read("formula_error.xlsx", layer="Order").faults[0]
    assert "did you mean 'Orders'? its sheets: Orders, Stations" in fault.remedy


def test_a_whole_day_in_a_workbook_is_midnight_at_its_end(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["order_id", "lon", "lat", "earliest"])
    for row, (kind, number) in enumerate([("hh:mm", 1.0), ("[h]:mm", 1.0), ("hh:mm", 0.375)], start=2):
        book.active.append([row, 113, 34, number])
        book.active.cell(row, 4).number_format = kind
    book.save(tmp_path / "t.xlsx")
    table = read_table(tmp_path / "t.xlsx", ORDERS, crs="wgs84")
    assert table.faults == ()
    assert table.frame["earliest"].tolist() == [86400, 86400, 9 * 3600]


def test_a_map_with_swapped_axes_is_one_fault(tmp_path):
    ring = [[34.6, 112.4], [34.7, 112.4], [34.7, 112.5], [34.6, 112.4]]
    shape = {"type": "Polygon", "coordinates": [ring]}
    features = [{"type": "Feature", "properties": {"name": str(n)}, "geometry": shape} for n in range(3)]
    path = write(tmp_path, json.dumps({"type": "FeatureCollection", "features": features}), "t.geojson")
    table = read_table(path, ZONES, crs="wgs84")
    assert [fault.place for fault in table.faults] == ["t.geojson, feature 1"]
    assert "3 of 3 places lie in China only after swapping" in table.faults[0].cause


@pytest.mark.parametrize("depth", [500, 900, 980, 2000])
def test_deep_properties_never_raise(tmp_path, depth):
    feature = '{"type":"Feature","geometry":null,"properties":{"name":%s}}' % ("[" * depth + "]" * depth)
    table = read_table(write(tmp_path, feature, "t.geojson"), ZONES, crs="wgs84")
    assert table.faults


def test_a_ring_that_does_not_close_is_a_fault(tmp_path):
    shape = {"type": "Polygon", "coordinates": [[[112.4, 34.6], [112.5, 34.6], [112.5, 34.7]]]}
    features = [{"type": "Feature", "properties": {"name": "a"}, "geometry": shape}]
    path = write(tmp_path, json.dumps({"type": "FeatureCollection", "features": features}), "t.geojson")
    assert_has_fault(read_table(path, ZONES, crs="wgs84"), "t.geojson, feature 1", "not readable", "draw this shape")


def test_the_canonical_header_wins_over_an_alias_with_a_warning(tmp_path):
    table = read_table(write(tmp_path, "order_id,lon,lat,x,y\n1,113,34,5,6\n"), ORDERS, crs="wgs84")
    assert table.faults == ()
    assert table.frame.geometry[0].coords[0] == (113, 34)
    assert "'lon' and 'x', all names of column 'lon', 'lon' is read" in table.warnings[0]


def test_a_declaration_that_the_file_contradicts_is_warned_of(tmp_path, zones):
    path = tmp_path / "zones.gpkg"
    zones.to_crs("EPSG:4547").to_file(path)
    assert any("though the file says EPSG:4547" in text for text in read_table(path, ZONES, crs="EPSG:4546").warnings)


def test_a_workbook_that_unpacks_too_large_is_refused_unopened(tmp_path):
    path = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("xl/a.xml", "w") as entry:
        for _ in range(501):
            entry.write(bytes(2**20))
    fault = read_table(path, ORDERS, crs="wgs84").faults[0]
    assert "the workbook unpacks to 501 MB" in fault.cause
    assert "CSV" in fault.remedy


def test_entities_in_a_workbook_are_refused(tmp_path):
    path = tmp_path / "entities.xlsx"
    bomb = '<?xml version="1.0"?><!DOCTYPE b [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>'
    with zipfile.ZipFile(TABLES / "formula_error.xlsx") as good, zipfile.ZipFile(path, "w") as bad:
        for entry in good.infolist():
            content = good.read(entry).decode("utf-8")
            if entry.filename == "xl/worksheets/sheet1.xml":
                content = bomb + re.sub(r"^<\?xml.*?\?>", "", content)
            bad.writestr(entry.filename, content)
    fault = read_table(path, ORDERS, crs="wgs84").faults[0]
    assert "the workbook cannot be read: EntitiesForbidden" in fault.cause


@pytest.fixture(scope="module")
def zones():
    return geopandas.GeoDataFrame(
        {"name": ["老城", "西工"]}, geometry=[shapely.box(112.4, 34.6, 112.5, 34.7)] * 2, crs=4326
    )


def test_a_geopackage_states_its_own_coordinate_system(tmp_path, zones):
    path = tmp_path / "zones.gpkg"
    zones.to_crs("EPSG:4547").to_file(path, layer="zones")
    table = read_table(path, ZONES, crs=None)
    assert table.faults == ()
    assert table.frame["name"].tolist() == ["老城", "西工"]
    np.testing.assert_allclose(table.frame.total_bounds, [112.4, 34.6, 112.5, 34.7], atol=1e-8)
    zones.to_file(path, layer="more")
    assert "name the layer to read: zones, more" in read_table(path, ZONES, crs=None).faults[0].remedy
    assert "did you mean 'zones'?" in read_table(path, ZONES, crs=None, layer="zone").faults[0].remedy


@pytest.mark.parametrize("label", ["GBK", None, "UTF-8"])
def test_a_shapefile_in_gbk_is_read_with_without_and_against_its_label(tmp_path, zones, label):
    path = tmp_path / "zones.shp"
    zones.to_file(path, encoding="GBK")
    path.with_suffix(".cpg").unlink(missing_ok=True)
    if label:
        path.with_suffix(".cpg").write_text(label)
    table = read_table(path, ZONES, crs="gcj02")
    assert table.faults == ()
    assert table.frame["name"].tolist() == ["老城", "西工"]


def test_a_shapefile_without_its_attributes_is_a_fault(tmp_path, zones):
    path = tmp_path / "zones.shp"
    zones.to_file(path, encoding="UTF-8")
    path.with_suffix(".dbf").unlink()
    assert_has_fault(read_table(path, ZONES, crs="wgs84"), "zones.shp", "lacks its zones.dbf", "copy all files")


@pytest.mark.parametrize("suffix", [".xlsx", ".gpkg", ".shp", ".geojson", ".csv"])
def test_noise_under_any_suffix_is_a_fault(tmp_path, suffix):
    path = tmp_path / f"noise{suffix}"
    path.write_bytes(np.random.default_rng(1).bytes(3000))
    assert read_table(path, ORDERS, crs="wgs84").faults


def test_contradictory_schemas_are_refused():
    with pytest.raises(ValueError, match="a choice without choices"):
        Column(name="a", kind="choice")
    with pytest.raises(ValueError, match="minimum 2 is above maximum 1"):
        Column(name="a", kind="number", minimum=2, maximum=1)
    with pytest.raises(ValueError, match="'b' names both a and b"):
        TableSchema(name="t", columns=(Column(name="a", kind="text", aliases=("B",)), Column(name="b", kind="text")))
    with pytest.raises(ValueError, match="lon would clash"):
        TableSchema(name="t", columns=(Column(name="lon", kind="number"),), geometry="point")


def test_the_description_lists_every_column_with_unit_and_aliases():
    text = describe_schema(ORDERS)
    assert "| `weight_g` | integer | g |  | `weight`, `重量` | at least 0, at most 50000 |" in text
    assert "| `signed` | flag |  | `False` |" in text
    assert "`lon`" in text
    assert "`lon`" not in describe_schema(ZONES)


NUMBERS = TableSchema(name="numbers", columns=(Column(name="a", kind="number"), Column(name="数量", kind="integer")))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    rows=st.lists(
        st.tuples(st.floats(allow_nan=False, allow_infinity=False), st.integers(-(2**63), 2**63 - 1)), min_size=1
    ),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le"]),
    delimiter=st.sampled_from([",", ";", "\t"]),
)
def test_numbers_written_as_csv_come_back_equal(tmp_path, rows, encoding, delimiter):
    frame = pd.DataFrame(rows, columns=["a", "数量"]).astype({"a": "float64", "数量": "int64"})
    path = tmp_path / "numbers.csv"
    frame.to_csv(path, index=False, encoding=encoding, sep=delimiter)
    table = read_table(path, NUMBERS, crs=None)
    assert table.faults == ()
    pd.testing.assert_frame_equal(table.frame, frame, check_exact=True)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(content=st.binary(max_size=300), headed=st.booleans())
def test_arbitrary_bytes_never_raise(tmp_path, content, headed):
    path = tmp_path / "noise.csv"
    path.write_bytes(b"order_id,lon,lat,weight_g\n" * headed + content)
    assert read_table(path, ORDERS, crs="gcj02").source == "noise.csv"
