"""Tracks of GPX files as tables."""

import pytest

from lastmile.tables import read_table
from lastmile.tables.schemas import TRACES

POINT = '<trkpt lat="34.66" lon="112.43"><ele>120</ele><time>2024-03-05T00:00:01Z</time></trkpt>'


def read(folder, text, name="van 1.gpx"):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_table(path, TRACES, crs="wgs84")


def gpx(body, version="1/1"):
    return f'<?xml version="1.0"?><gpx xmlns="http://www.topografix.com/GPX/{version}" creator="t">{body}</gpx>'


@pytest.mark.parametrize("version", ["1/0", "1/1"])
def test_points_of_all_tracks_are_rows(tmp_path, version):
    named = f"<trk><name>豫C·1</name><trkseg>{POINT}</trkseg><trkseg>{POINT}</trkseg></trk>"
    table = read(tmp_path, gpx(f'<wpt lat="0" lon="0"/>{named}<trk><trkseg>{POINT}</trkseg></trk>', version))
    assert table.faults == ()
    assert table.frame["vehicle_id"].tolist() == ["豫C·1", "豫C·1", "van 1"]
    assert table.frame["time"].tolist() == ["2024-03-05T00:00:01Z"] * 3
    assert [(p.x, p.y) for p in table.frame.geometry] == [(112.43, 34.66)] * 3


def test_every_bad_point_is_named(tmp_path):
    points = '<trkpt lat="x" lon="112.4"/><trkpt lon="112.4"><time>1</time></trkpt><trkpt lat="95" lon="1"/>'
    table = read(tmp_path, gpx(f"<trk><trkseg>{points}</trkseg></trk>"))
    assert [fault.place for fault in table.faults] == [
        "van 1.gpx, feature 1, column 'time'",
        "van 1.gpx, feature 1, column 'lat'",
        "van 1.gpx, feature 2, column 'lat'",
        "van 1.gpx, feature 3, column 'time'",
        "van 1.gpx, feature 3, column 'lat'",
    ]


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("", "the file is empty"),
        ("hello", "not readable as XML"),
        (gpx(f"<trk>{POINT}")[:-10], "not readable as XML"),
        (b"\xff\xfe\x00", "not readable as XML"),
        ("<kml/>", "outermost element is 'kml'"),
        (gpx(""), "no features"),
        (gpx(f"<rte>{POINT}</rte>"), "no features"),
        ('<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><gpx>&b;</gpx>', "not readable as XML"),
        ('<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><gpx>&a;</gpx>', "not readable as XML"),
    ],
    ids=["empty", "text", "cut", "bytes", "kml", "no track", "route only", "entities", "outside"],
)
def test_file_that_is_no_track_is_a_fault(tmp_path, text, cause):
    (fault,) = read(tmp_path, text).faults
    assert cause in fault.cause
