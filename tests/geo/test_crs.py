import os
from pathlib import Path

import geopandas
import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from lastmile.geo.crs import (
    CHINA,
    from_wgs84,
    geometry_to_wgs84,
    in_china,
    is_geographic,
    metric_crs,
    parse_crs,
    to_wgs84,
)

ZHENGZHOU = (113.625, 34.747)
LUOYANG = (112.454, 34.620)
GEOD = pyproj.Geod(ellps="WGS84")

# A tenth of a degree inside the bounds, where every system is one to one.
longitudes = st.floats(CHINA[0] + 0.1, CHINA[2] - 0.1)
latitudes = st.floats(CHINA[1] + 0.1, CHINA[3] - 0.1)


def offset_m(place, crs):
    lon, lat = from_wgs84(*place, crs)
    azimuth, _, distance = GEOD.inv(*place, float(lon), float(lat))
    return distance, azimuth


@pytest.mark.parametrize(("place", "expected_m"), [(ZHENGZHOU, 569), (LUOYANG, 584)])
def test_gcj02_offset_is_the_measured_one(place, expected_m):
    assert offset_m(place, "gcj02")[0] == pytest.approx(expected_m, abs=6)


def test_gcj02_offset_of_zhengzhou_points_east_and_a_little_south():
    distance, azimuth = offset_m(ZHENGZHOU, "gcj02")
    assert distance * np.sin(np.radians(azimuth)) == pytest.approx(553, abs=6)
    assert distance * np.cos(np.radians(azimuth)) == pytest.approx(-132, abs=6)


@pytest.mark.parametrize("place", [ZHENGZHOU, LUOYANG])
def test_bd09_offset_is_within_the_measured_range(place):
    assert 1268 <= offset_m(place, "bd09")[0] <= 1302


@given(lon=longitudes, lat=latitudes, crs=st.sampled_from(["wgs84", "gcj02", "bd09", "cgcs2000"]))
def test_out_and_back_is_exact_to_a_billionth_of_a_degree(lon, lat, crs):
    back = to_wgs84(*from_wgs84(lon, lat, crs), crs)
    assert back == pytest.approx((lon, lat), abs=1e-9)


@given(lon=longitudes, lat=latitudes, crs=st.sampled_from(["gcj02", "bd09"]))
def test_back_and_out_is_exact_to_a_billionth_of_a_degree(lon, lat, crs):
    assert from_wgs84(*to_wgs84(lon, lat, crs), crs) == pytest.approx((lon, lat), abs=1e-9)


@given(
    lon=st.floats(111.0, 117.0),
    lat=st.floats(30.0, 40.0),
    crs=st.sampled_from(["EPSG:4547", "EPSG:32649", "EPSG:3857"]),
)
def test_projected_systems_return_to_the_same_place(lon, lat, crs):
    assert to_wgs84(*from_wgs84(lon, lat, crs), crs) == pytest.approx((lon, lat), abs=1e-8)


@given(lon=st.floats(-180, 180), lat=st.floats(-90, 90), crs=st.sampled_from(["gcj02", "bd09"]))
def test_outside_china_nothing_is_shifted(lon, lat, crs):
    if not (CHINA[0] - 0.2 < lon < CHINA[2] + 0.2 and CHINA[1] - 0.2 < lat < CHINA[3] + 0.2):
        assert from_wgs84(lon, lat, crs) == (lon, lat)
        assert to_wgs84(lon, lat, crs) == (lon, lat)


def test_an_array_is_converted_like_its_elements_and_is_not_changed():
    lon, lat = np.array([113.6, 2.35, np.nan, np.inf]), np.array([34.7, 48.85, 34.0, 34.0])
    kept = lon.copy()
    got_lon, got_lat = to_wgs84(lon, lat, "gcj02")
    assert (got_lon[0], got_lat[0]) == to_wgs84(113.6, 34.7, "gcj02")
    assert got_lon[1] == 2.35
    assert np.isnan(got_lon[2])
    assert np.isinf(got_lon[3])
    assert got_lon.dtype == np.float64
    np.testing.assert_array_equal(lon, kept)


def test_no_points_give_no_points():
    lon, lat = to_wgs84([], [], "bd09")
    assert lon.shape == lat.shape == (0,)


def test_projected_coordinates_are_east_then_north():
    # Gauss-Krueger zone with central meridian 114 E: x is 500 km at 114 E, y is the metres from the equator.
    x, y = from_wgs84(114.0, 34.7, "EPSG:4547")
    assert x == pytest.approx(500_000, abs=0.01)
    assert 3_840_000 < y < 3_845_000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("wgs84", "wgs84"),
        ("WGS 84", "wgs84"),
        ("WGS-84", "wgs84"),
        ("CRS84", "wgs84"),
        ("urn:ogc:def:crs:OGC:1.3:CRS84", "wgs84"),
        ("EPSG:4326", "wgs84"),
        ("epsg：4326", "wgs84"),
        ("urn:ogc:def:crs:EPSG::4547", "EPSG:4547"),
        ("http://www.opengis.net/def/crs/EPSG/0/32649", "EPSG:32649"),
        ("GCJ-02", "gcj02"),
        ("gcj_02", "gcj02"),
        ("高德", "gcj02"),
        ("高德地图", "gcj02"),
        ("火星坐标", "gcj02"),
        ("火星坐标系", "gcj02"),
        ("百度", "bd09"),
        ("BD-09", "bd09"),
        ("CGCS 2000", "cgcs2000"),
        ("国家2000坐标系", "cgcs2000"),
        ("EPSG:4490", "cgcs2000"),
        (" epsg:4547 ", "EPSG:4547"),
    ],
)
def test_spellings_of_coordinate_systems(text, expected):
    assert parse_crs(text) == expected


@pytest.mark.parametrize(
    ("text", "nearest"),
    [("gcj03", "gcj02"), ("wsg84", "wgs84"), ("4547", "EPSG:4547"), ("EPSG:45477", "EPSG:4"), ("bd90", "bd09")],
)
def test_an_unknown_system_is_refused_with_the_nearest_known(text, nearest):
    with pytest.raises(ValueError, match=f"Did you mean {nearest}"):
        parse_crs(text)


@pytest.mark.parametrize("text", ["", "坐标系", "local grid", "EPSG:5773", "EPSG:4978", "EPSG:" + "9" * 30])
def test_what_is_no_horizontal_system_is_refused_with_the_accepted_ones(text):
    with pytest.raises(ValueError, match="Accepted: wgs84, gcj02, bd09, cgcs2000, EPSG:n"):
        parse_crs(text)


@pytest.mark.parametrize(
    ("lon", "lat", "expected"),
    [
        (*LUOYANG, "EPSG:32649"),
        (*ZHENGZHOU, "EPSG:32649"),
        (114.0, 34.7, "EPSG:32650"),
        (-51.2, -30.0, "EPSG:32722"),
        (-180.0, 0.0, "EPSG:32601"),
        (180.0, 0.0, "EPSG:32660"),
    ],
)
def test_metric_crs_is_the_utm_zone(lon, lat, expected):
    assert metric_crs(lon, lat) == expected


@pytest.mark.parametrize(("lon", "lat"), [(float("nan"), 0.0), (0.0, 89.0), (200.0, 0.0)])
def test_metric_crs_refuses_what_utm_does_not_cover(lon, lat):
    with pytest.raises(ValueError, match="no UTM zone"):
        metric_crs(lon, lat)


def test_geographic_systems_are_told_from_projected_ones():
    assert is_geographic("gcj02")
    assert is_geographic("EPSG:4610")
    assert not is_geographic("EPSG:4547")


def test_china_contains_zhengzhou_but_not_nan_or_paris():
    assert in_china([113.6, 2.35, np.nan], [34.7, 48.85, 34.7]).tolist() == [True, False, False]


def test_polygon_lines_and_gaps_are_converted_vertex_by_vertex():
    square = shapely.box(113.60, 34.70, 113.61, 34.71)
    series = geopandas.GeoSeries([square, None, square.exterior], index=[5, 6, 7], crs="EPSG:4326")
    converted = geometry_to_wgs84(series, "gcj02")
    assert converted.crs == "EPSG:4326"
    assert converted.index.tolist() == [5, 6, 7]
    assert converted[6] is None
    lon, lat = to_wgs84(*square.exterior.xy, "gcj02")
    np.testing.assert_array_equal(shapely.get_coordinates(converted[5]), np.column_stack([lon, lat]))
    as_array = geometry_to_wgs84(np.array([square]), "gcj02")
    assert as_array[0].equals(converted[5])


@pytest.mark.skipif("LASTMILE_DATA" not in os.environ, reason="LASTMILE_DATA is not set")
def test_luoyang_districts_in_gcj02_and_wgs84_agree_after_conversion():
    folder = Path(os.environ["LASTMILE_DATA"]) / "henan"
    shifted = geopandas.read_file(folder / "luoyang_districts_gcj02.geojson").geometry
    expected = shapely.get_coordinates(geopandas.read_file(folder / "luoyang_districts_wgs84.geojson").geometry)
    got = shapely.get_coordinates(geometry_to_wgs84(shifted, "gcj02"))
    _, _, distance = GEOD.inv(got[:, 0], got[:, 1], expected[:, 0], expected[:, 1])
    assert np.median(distance) < 5
