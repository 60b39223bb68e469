"""Heights on roads: planes, hills, noise, bridges, and rasters that cannot be used."""

import sys
from itertools import pairwise

import numpy as np
import pytest
from heights import write_raster
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyproj import Transformer
from rasterio.transform import Affine

from lastmile.errors import InputError
from lastmile.geo.elevation import THRESHOLD_M, climbs
from lastmile.geo.network import RoadNetwork

WEST, SOUTH, STEP = 113.0, 34.0, 0.0002  # some 18 m: closer than heights are taken between points


def row_of_points(write_map, count, **tags):
    """A street eastward whose points lie at the centres of the cells of a raster's middle row."""
    nodes = {k + 1: (round(WEST + (k + 1.5) * STEP, 7), round(SOUTH + 1.5 * STEP, 7)) for k in range(count)}
    return RoadNetwork.from_osm(write_map(nodes, {1: (tuple(nodes), {"highway": "residential"} | tags)}))


def raster_of(path, profile, **values):
    """A raster with this profile of heights, eastward."""
    cells = np.tile(np.concatenate(([profile[0]], profile, [profile[-1]])), (3, 1))
    given_values = {"west": WEST, "north": SOUTH + 3 * STEP, "step": STEP} | values
    return write_raster(path, cells, **given_values)


def along(network, found):
    """(ascent, descent) of the only segment, eastward."""
    up, down = found.along(network)
    east = network.node_lon[network.edge_target] > network.node_lon[network.edge_source]
    return float(up[east][0]), float(down[east][0])


@pytest.mark.parametrize(
    ("profile", "expected"),
    [
        ((100, 105, 110), (10, 0)),
        ((110, 105, 100), (0, 10)),
        ((100, 110, 100), (10, 10)),
        ((100, 100.4, 100, 100.4, 100), (0, 0)),  # noise
        ((100, 103, 102.8, 106), (6, 0)),  # noise on the way up
        ((100, 103, 102, 106), (7, 1)),  # a dip of a metre
        ((100, 100.3), (0.3, 0)),  # the ends always count
        ((100, 99.7, 104), (4, 0)),
        ((100, 104, 103.7), (3.7, 0)),
        ((100, 104, 103.4), (4, 0.6)),
    ],
)
def test_profile_rises_and_falls_without_its_noise(tmp_path, write_map, profile, expected):
    network = row_of_points(write_map, len(profile))
    found = along(network, climbs(network, raster_of(tmp_path / "h.tif", profile)))
    assert found == pytest.approx(expected, abs=0.01)


def turns(profile):
    """The profile's turns that count, one after the other, by taking the smallest wiggle out again and again."""
    points = [profile[0]]
    for a, b, c in zip(profile[:-2], profile[1:-1], profile[2:], strict=True):
        if (b - a) * (c - b) < 0 or (b - points[-1]) * (c - b) < 0:
            points.append(b)
    points.append(profile[-1])
    while len(points) > 2:
        sizes = [abs(b - a) for a, b in pairwise(points)]
        k = sizes.index(min(sizes))
        if sizes[k] >= THRESHOLD_M:
            break
        # A wiggle between two turns goes as a whole; one at an end takes its inner point along.
        first, last = max(k, 1), min(k + 1, len(points) - 2)
        del points[first : last + 1]
    return points


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, 40), min_size=2, max_size=14))
def test_wiggles_are_left_out_and_the_ends_kept(tmp_path, write_map, steps):
    profile = [100 + step * 0.11 for step in steps]
    network = row_of_points(write_map, len(profile))
    up, down = along(network, climbs(network, raster_of(tmp_path / "h.tif", profile)))
    assert up - down == pytest.approx(profile[-1] - profile[0], abs=1e-3)
    changes = np.diff(profile)
    assert up <= changes[changes > 0].sum() + 1e-3
    assert down <= -changes[changes < 0].sum() + 1e-3
    kept = np.diff(turns(profile))
    assert up == pytest.approx(kept[kept > 0].sum(), abs=1e-3)


def test_hill_between_two_points_of_a_street_is_found(tmp_path, write_map):
    nodes = {1: (WEST + 1.5 * STEP, SOUTH + 1.5 * STEP), 2: (WEST + 21.5 * STEP, SOUTH + 1.5 * STEP)}
    network = RoadNetwork.from_osm(write_map(nodes, {1: ((1, 2), {"highway": "residential"})}))
    profile = [100 + 10 * max(0, 1 - abs(k - 10) / 10) for k in range(21)]
    up, down = along(network, climbs(network, raster_of(tmp_path / "h.tif", profile)))
    # Heights are taken at most 30 m apart, so 15 m from the top at most; the slope is 10 m in 185 m.
    assert 10 - 15 * 10 / 184 <= up <= 10.01
    assert down == pytest.approx(up, abs=0.01)


@pytest.mark.parametrize("tags", [{"bridge": "yes", "layer": "1"}, {"tunnel": "yes", "layer": "-1"}])
def test_bridge_and_tunnel_are_straight_between_their_ends(tmp_path, write_map, tags):
    profile = (100, 60, 130, 80, 102)
    network = row_of_points(write_map, 5, **tags)
    assert along(network, climbs(network, raster_of(tmp_path / "h.tif", profile))) == pytest.approx((2, 0), abs=0.01)


def test_bridge_passes_over_cells_without_height(tmp_path, write_map):
    network = row_of_points(write_map, 5, bridge="yes")
    path = raster_of(tmp_path / "h.tif", (100, 100, -1, 104, 104), nodata=-1)
    assert along(network, climbs(network, path)) == pytest.approx((4, 0), abs=0.01)


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:32649", "EPSG:3857"])
def test_plane_in_any_system_gives_the_same_climb(tmp_path, write_map, crs):
    # 100 m higher for every hundredth of a degree eastward; far from the raster's edges.
    places = [(113.0, 34.0), (113.01, 34.004), (113.004, 34.01)]
    nodes = dict(enumerate(places, 1))
    network = RoadNetwork.from_osm(write_map(nodes, {1: ((1, 2, 3, 1), {"highway": "residential"})}))
    project = Transformer.from_crs("EPSG:4326", crs, always_xy=True)
    x, y = project.transform([112.98, 113.03], [33.98, 34.03])
    size = 200
    step_x, step_y = (x[1] - x[0]) / size, (y[1] - y[0]) / size
    columns, rows = np.meshgrid(np.arange(size) + 0.5, np.arange(size) + 0.5)
    lon, _ = project.transform(x[0] + columns * step_x, y[1] - rows * step_y, direction="INVERSE")
    path = write_raster(tmp_path / "h.tif", 500 + (lon - 113) * 10_000, west=0, north=0, step=0, crs=crs,
                        transform=Affine(step_x, 0, x[0], 0, -step_y, y[1]))  # fmt: skip
    found = climbs(network, path)
    rise = np.zeros(network.segments)
    for segment in range(network.segments):
        line = network.segment_line(segment)
        rise[segment] = (line[-1, 0] - line[0, 0]) * 10_000
    np.testing.assert_allclose(found.ascent_m - found.descent_m, rise, atol=0.05)


def test_scale_and_offset_of_the_raster_are_applied(tmp_path, write_map):
    network = row_of_points(write_map, 3)
    path = raster_of(tmp_path / "h.tif", (1, 2, 3))
    import rasterio

    with rasterio.open(path, "r+") as raster:
        raster.scales, raster.offsets = (10.0,), (400.0,)
    assert along(network, climbs(network, path)) == pytest.approx((20, 0), abs=0.01)


def fault(network, path):
    with pytest.raises(InputError) as caught:
        climbs(network, path)
    (found,) = caught.value.faults
    assert str(path) in found.place
    assert found.remedy
    return found.cause


@pytest.mark.parametrize(
    ("profile", "values", "cause"),
    [
        ((100, 101, 102), {"crs": None}, "does not say its coordinate system"),
        ((100, 101, 102), {"west": WEST + 1}, "does not cover the roads: 3 of 3 points"),
        ((100, 101, 102), {"step": STEP / 2, "north": SOUTH + 3 * STEP}, "does not cover the roads"),
        ((100, 101, 102), {"crs": "EPSG:32649"}, "does not cover the roads"),
        ((100, -1, 102), {"nodata": -1}, "no height on the road at lon 113.0005"),
        ((100, float("nan"), 102), {}, "no height on the road"),
        ((100, -32_768, 102), {}, "the height -32,768 m on the road"),
        ((100, 3e38, 102), {}, "the height"),
        ((100, 101, 102), {"transform": Affine(0, 0, WEST, 0, 0, SOUTH)}, "raster"),
    ],
)
def test_raster_that_cannot_be_used_is_a_fault(tmp_path, write_map, profile, values, cause):
    assert cause in fault(row_of_points(write_map, 3), raster_of(tmp_path / "h.tif", profile, **values))


def test_file_that_is_no_raster_is_a_fault(tmp_path, write_map):
    network = row_of_points(write_map, 3)
    text = tmp_path / "h.tif"
    text.write_text("heights")
    assert "cannot be read" in fault(network, text)
    assert "cannot be read" in fault(network, tmp_path / "none.tif")
    whole = write_raster(tmp_path / "whole.tif", np.full((99, 99), 100), west=WEST, north=SOUTH + STEP * 4, step=STEP)
    text.write_bytes(whole.read_bytes()[:1500])  # the head is there, the heights are not
    assert "cannot be read" in fault(network, text)


def test_file_that_names_other_files_is_not_followed(tmp_path, write_map):
    raster_of(tmp_path / "h.tif", (100, 101, 102))
    other = tmp_path / "h.vrt"
    other.write_text(
        '<VRTDataset rasterXSize="5" rasterYSize="3"><SRS>EPSG:4326</SRS>'
        f"<GeoTransform>{WEST}, {STEP}, 0, {SOUTH + 3 * STEP}, 0, -{STEP}</GeoTransform>"
        '<VRTRasterBand dataType="Float32" band="1"><SimpleSource>'
        '<SourceFilename relativeToVRT="1">h.tif</SourceFilename></SimpleSource></VRTRasterBand></VRTDataset>'
    )
    assert "cannot be read" in fault(row_of_points(write_map, 3), other)


def test_missing_rasterio_is_named_with_the_extra_that_brings_it(tmp_path, write_map, monkeypatch):
    path = raster_of(tmp_path / "h.tif", (100, 101, 102))
    monkeypatch.setitem(sys.modules, "rasterio", None)
    with pytest.raises(InputError, match=r"lastmile\[elevation\]"):
        climbs(row_of_points(write_map, 3), path)
