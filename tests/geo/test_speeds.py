"""How long an edge takes."""

import math

import numpy as np
import pytest

from lastmile.geo.network import RoadNetwork
from lastmile.geo.speeds import CAR_KMH, REGIMES, check_speeds, edge_times_ms
from lastmile.geo.tags import ROAD_CLASSES
from lastmile.scenario import Speeds

NODES = {1: (113.0, 34.0), 2: (113.01, 34.0)}


def time_ms(write_map, tags, mode, regime="free", speeds=None):
    network = RoadNetwork.from_osm(write_map(NODES, {1: ((1, 2), tags)}))
    times = edge_times_ms(network, mode, regime, speeds or Speeds())
    assert times.dtype == np.int32
    return int(times[0]), float(network.segment_length_m[0])


@pytest.mark.parametrize(
    ("tags", "mode", "regime", "kmh"),
    [
        ({"highway": "primary"}, "e_van", "free", 35),
        ({"highway": "primary"}, "e_van", "peak", 22),
        ({"highway": "primary"}, "e_van", "night", 42),
        ({"highway": "primary", "maxspeed": "30"}, "e_van", "free", 30),
        ({"highway": "primary", "maxspeed": "120"}, "e_van", "free", 35),
        ({"highway": "primary"}, "truck_light", "free", 35 * 0.85),
        ({"highway": "primary"}, "truck_medium", "peak", 22 * 0.85),
        ({"highway": "primary"}, "e_trike", "free", 15 * 0.85),
        ({"highway": "primary", "maxspeed": "10"}, "e_trike", "free", 10 * 0.85),
        ({"highway": "service"}, "e_van", "peak", 10),
        ({"highway": "primary"}, "walk", "peak", 4.5),
        ({"highway": "primary", "maxspeed": "3"}, "walk", "free", 4.5),
    ],
)
def test_time_is_length_over_speed_rounded_up(write_map, tags, mode, regime, kmh):
    found, metres = time_ms(write_map, tags, mode, regime)
    assert found == math.ceil(metres / kmh * 3600)


def test_measured_speeds_replace_the_built_in_ones(write_map):
    speeds = Speeds(kmh={"primary": (50.0, 10.0, 60.0)}, walk_kmh=5.0)
    found, metres = time_ms(write_map, {"highway": "primary"}, "e_van", "peak", speeds)
    assert found == math.ceil(metres / 10 * 3600)
    found, metres = time_ms(write_map, {"highway": "primary"}, "walk", "peak", speeds)
    assert found == math.ceil(metres / 5 * 3600)


def test_road_of_no_length_still_takes_a_moment(write_map):
    network = RoadNetwork.from_osm(write_map({1: (113, 34), 2: (113, 34)}, {1: ((1, 2), {"highway": "primary"})}))
    assert edge_times_ms(network, "e_van", "free", Speeds()).tolist() == [1, 1]


def test_absurd_limit_makes_a_road_endless_not_free(write_map):
    # 923.85 m at 0.0001 km/h are 3.3e10 ms, more than int32 holds.
    found, _ = time_ms(write_map, {"highway": "primary", "maxspeed": "0.0001"}, "e_van")
    assert found == np.iinfo(np.int32).max


def test_peak_is_never_faster_than_free_nor_free_than_night():
    for name, (free, peak, night) in CAR_KMH.items():
        assert name in ROAD_CLASSES
        assert peak <= free <= night
    assert REGIMES == ("free", "peak", "night")


def test_unknown_road_class_is_a_fault_with_its_place():
    faults = check_speeds(Speeds(kmh={"primery": (1.0, 1.0, 1.0), "primary": (1.0, 1.0, 1.0)}), place="city.toml")
    (fault,) = faults
    assert fault.place == "city.toml, speeds.kmh.primery"
    assert "primary" in fault.remedy
