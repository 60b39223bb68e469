"""Traces from the user's files."""

from datetime import date

import numpy as np
import openpyxl
import pytest

from lastmile.errors import InputError
from lastmile.geo.crs import from_wgs84
from lastmile.traces.reading import read_recordings

DAY = date(2024, 3, 5)
HEAD = "vehicle_id,time,lon,lat"


def write(folder, *rows, head=HEAD, name="traces.csv", encoding="utf-8"):
    path = folder / name
    path.write_bytes("\n".join((head, *rows, "")).encode(encoding))
    return path


def read(*paths, crs="wgs84", **options):
    return read_recordings(paths, crs=crs, day=DAY, **options)


def faults(*paths, **options):
    with pytest.raises(InputError) as caught:
        read(*paths, **options)
    return caught.value.faults


def test_rows_become_one_trace_per_vehicle(tmp_path):
    path = write(tmp_path, "b,08:00:10,112.44,34.66", "a,08:00:00,112.43,34.66", "b,08:00:20,112.45,34.67")
    found = read(path)
    assert [vehicle.vehicle_id for vehicle in found.vehicles] == ["b", "a"]
    assert found.fixes == 3
    trace = found.vehicles[0].trace
    assert trace.second.tolist() == [28_810, 28_820]
    assert (trace.lon.tolist(), trace.lat.tolist()) == ([112.44, 112.45], [34.66, 34.67])
    assert trace.deviation_m is None
    assert found.warnings == ()


def test_chinese_headers_in_gb18030_and_places_in_gcj02(tmp_path):
    x, y = from_wgs84(112.43, 34.66, "gcj02")
    path = write(
        tmp_path,
        f"豫C12345,2024/3/5 8:00:00,{float(x):.9f},{float(y):.9f},厢式",
        head="车牌号,定位时间,经度,纬度,车型",
        encoding="gb18030",
    )
    (vehicle,) = read(path, crs="高德").vehicles
    assert (vehicle.vehicle_id, vehicle.vehicle_type) == ("豫C12345", "厢式")
    np.testing.assert_allclose([vehicle.trace.lon[0], vehicle.trace.lat[0]], [112.43, 34.66], atol=1e-7)


def test_a_workbook_and_a_gpx_file_are_read_alike(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(HEAD.split(","))
    book.active.append(["v", "2024-03-05 08:00:00", 112.43, 34.66])
    book.save(tmp_path / "traces.xlsx")
    gpx = tmp_path / "v.gpx"
    gpx.write_text(
        '<gpx xmlns="http://www.topografix.com/GPX/1/1"><trk><trkseg><trkpt lat="34.66" lon="112.44">'
        "<time>2024-03-05T00:00:10Z</time></trkpt></trkseg></trk></gpx>"
    )
    (vehicle,) = read(tmp_path / "traces.xlsx", gpx, utc_offset_s=28_800).vehicles
    assert vehicle.trace.second.tolist() == [28_800, 28_810]
    assert vehicle.trace.lon.tolist() == [112.43, 112.44]


def test_accuracy_is_the_radius_of_two_thirds(tmp_path):
    path = write(tmp_path, "v,08:00:00,112.43,34.66,15.096", head=HEAD + ",accuracy_m")
    (vehicle,) = read(path).vehicles
    assert vehicle.trace.deviation_m.tolist() == pytest.approx([10.0])


def test_accuracy_that_is_missing_is_estimated_for_the_whole_vehicle(tmp_path):
    rows = ("v,08:00:00,112.43,34.66,5", "v,08:00:10,112.43,34.66,", "v,08:00:20,112.43,34.66,0")
    found = read(write(tmp_path, *rows, head=HEAD + ",精度"))
    assert found.vehicles[0].trace.deviation_m is None
    assert found.warnings == (
        "traces.csv: the accuracy of vehicle 'v' is missing for 2 of 3 fixes, so it is estimated for all",
    )
    no_words = read(write(tmp_path, "v,08:00:00,112.43,34.66,", head=HEAD + ",精度"))
    assert no_words.warnings == ()


def test_times_that_run_back_are_put_in_order(tmp_path):
    rows = ("v,08:00:20,112.45,34.66", "v,08:00:10,112.44,34.66", "v,08:00:30,112.46,34.66")
    found = read(write(tmp_path, *rows))
    assert found.vehicles[0].trace.second.tolist() == [28_810, 28_820, 28_830]
    assert found.vehicles[0].trace.lon.tolist() == [112.44, 112.45, 112.46]
    (warning,) = found.warnings
    assert "1 times of vehicle 'v' are before the one above, first in row 3" in warning


def test_of_equal_times_the_first_is_kept(tmp_path):
    rows = ("v,08:00:10,112.44,34.66", "v,08:00:10,112.45,34.66", "v,08:00:20,112.46,34.66")
    found = read(write(tmp_path, *rows))
    assert found.vehicles[0].trace.lon.tolist() == [112.44, 112.46]
    (warning,) = found.warnings
    assert "1 fixes of vehicle 'v' have the time of another" in warning


def test_clock_that_falls_back_to_morning_is_a_fault(tmp_path):
    (fault,) = faults(write(tmp_path, "v,23:59:50,112.44,34.66", "v,00:00:10,112.45,34.66"))
    assert fault.place == "traces.csv, row 3, column 'time'"
    assert "does not say whether the next day has begun" in fault.cause
    assert "24:00:00" in fault.remedy
    dated = read(write(tmp_path, "v,2024-03-05 23:59:50,112.44,34.66", "v,2024-03-06 00:00:10,112.45,34.66"))
    assert dated.vehicles[0].trace.second.tolist() == [86_390, 86_410]


def test_every_bad_row_of_every_file_is_named(tmp_path):
    one = write(tmp_path, "v,8 am,112.44,34.66", "v,08:00,112.44,34.66", "v,late,112.44,34.66", name="one.csv")
    two = write(tmp_path, ",08:00,112.44,abc", name="two.csv")
    assert [fault.place for fault in faults(one, two, tmp_path / "three.csv")] == [
        "two.csv, row 2, column 'vehicle_id'",
        "two.csv, row 2, column 'lat'",
        "three.csv",
        "one.csv, row 2, column 'time'",
        "one.csv, row 4, column 'time'",
    ]


def test_many_bad_times_are_summed_up(tmp_path):
    found = faults(write(tmp_path, *["v,x,112.44,34.66"] * 80))
    assert len(found) == 51
    assert found[-1].cause == "and 30 more rows"


def test_vehicle_of_two_types_is_a_fault(tmp_path):
    rows = ("v,08:00:00,112.43,34.66,van", "v,08:00:10,112.43,34.66,truck", "v,08:00:20,112.43,34.66,")
    (fault,) = faults(write(tmp_path, *rows, head=HEAD + ",vehicle_type"))
    assert "2 types: van, truck" in fault.cause


@pytest.mark.parametrize(
    ("content", "cause"), [("", "the file is empty"), (HEAD + "\n", "no rows below its header")], ids=["empty", "head"]
)
def test_file_without_rows_is_a_fault(tmp_path, content, cause):
    path = tmp_path / "traces.csv"
    path.write_text(content)
    (fault,) = faults(path)
    assert cause in fault.cause


def test_unknown_system_is_a_fault(tmp_path):
    (fault,) = faults(write(tmp_path, "v,08:00,112.44,34.66"), crs="gps84x")
    assert "'gps84x'" in fault.cause
