"""How long an edge takes."""

import math

import numpy as np
import pandas as pd
import pytest

from lastmile.errors import InputError
from lastmile.geo.network import RoadNetwork
from lastmile.geo.speeds import CAR_KMH, REGIMES, check_speeds, edge_times_ms, lay_measured
from lastmile.geo.tags import ROAD_CLASSES
from lastmile.scenario import Speeds

NODES = {1: (113.0, 34.0), 2: (113.01, 34.0)}


WAY = {1: ((1, 2), {"highway": "primary"})}


def measured(network, *rows):
    """Measured speeds from (column values) over an empty row."""
    empty = {"way_id": np.nan, "direction": "both", "edge_id": np.nan, "network": "", "period": "all",
             "kmh": 0.0, "vehicle_class": ""}  # fmt: skip
    return lay_measured(network, pd.DataFrame([{**empty, **row} for row in rows]), place="measured.csv")


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


def test_signals_humps_and_turns_hold_vehicles_up_and_walkers_not(write_map):
    # A crossroads with signals at node 5, and a hump on the western arm.
    arms = {1: (113.0, 34.01), 2: (113.01, 34.0), 3: (113.0, 33.99), 4: (112.99, 34.0)}
    places = {5: (113.0, 34.0), 6: (112.995, 34.0), **arms}
    path = write_map(places, {n: ((n, 5) if n < 4 else (4, 6, 5), {"highway": "primary"}) for n in arms})
    text = path.read_text()
    for node, key, value in ((5, "highway", "traffic_signals"), (6, "traffic_calming", "hump")):
        lon, lat = places[node]
        bare = f'<node id="{node}" lon="{lon}" lat="{lat}"'
        assert f"{bare}/>" in text
        text = text.replace(f"{bare}/>", f'{bare}><tag k="{key}" v="{value}"/></node>')
    path.write_text(text)
    network = RoadNetwork.from_osm(path)
    speeds = Speeds(signal_s=10, left_turn_s=7, right_turn_s=3, u_turn_s=30, calming_s=4)
    times = edge_times_ms(network, "e_van", "free", speeds)
    way = network.segment_way[network.edge_segment]
    roads = network.segment_turn[network.edge_segment] == 0
    metres = network.edge_length_m
    for edge in np.flatnonzero(roads):
        # Every way was drawn towards the signals: who goes along it waits there; the hump slows both directions.
        waits = 10_000 * bool(network.edge_forward[edge]) + 4_000 * (way[edge] == 4)
        assert times[edge] == math.ceil(metres[edge] / 35 * 3600 + waits)
    turns = network.segment_turn[network.edge_segment[~roads]]
    assert sorted(zip(turns.tolist(), times[~roads].tolist(), strict=True)) == sorted(
        [(1, 1)] * 4 + [(2, 3_000)] * 4 + [(3, 7_000)] * 4 + [(4, 30_000)] * 4
    )
    walk = edge_times_ms(network, "walk", "free", speeds)
    assert walk[roads].tolist() == [math.ceil(m / 4.5 * 3600) for m in metres[roads]]
    assert (walk[~roads] == 1).all()


def test_measured_speed_of_a_way_is_a_car_s_and_others_follow(write_map):
    network = RoadNetwork.from_osm(write_map(NODES, WAY))
    speeds, warnings = measured(network, {"way_id": 1, "kmh": 20.0}, {"way_id": 77, "kmh": 5.0})
    metres = float(network.segment_length_m[0])
    for mode, kmh in (("e_van", 20), ("truck_light", 20 * 0.85), ("e_trike", 15 * 0.85), ("walk", 4.5)):
        times = edge_times_ms(network, mode, "free", Speeds(), speeds)
        assert times.tolist() == [math.ceil(metres / kmh * 3600)] * 2
    assert warnings == ["measured.csv: 1 rows are about ways that the map does not have"]


def test_measured_speed_by_direction_period_and_class(write_map):
    network = RoadNetwork.from_osm(write_map(NODES, WAY))
    speeds, _ = measured(
        network,
        {"way_id": 1, "direction": "forward", "period": "peak", "kmh": 10.0},
        {"way_id": 1, "direction": "backward", "period": "peak", "kmh": 12.0, "vehicle_class": "truck_light"},
    )
    metres = float(network.segment_length_m[0])
    ahead = network.edge_forward

    def kmh(mode, regime):
        times = edge_times_ms(network, mode, regime, Speeds(), speeds)
        return [round(metres / float(time) * 3600, 1) for time in (times[ahead][0], times[~ahead][0])]

    assert kmh("e_van", "peak") == [10.0, 22.0]
    assert kmh("e_van", "free") == [35.0, 35.0]
    assert kmh("truck_light", "peak") == [8.5, 12.0]  # derived along the way, its own against it
    assert kmh("truck_medium", "peak") == [8.5, 18.7]


def test_measured_edges_belong_to_one_network(write_map):
    network = RoadNetwork.from_osm(write_map(NODES, WAY))
    speeds, _ = measured(network, {"edge_id": 1, "network": network.hash, "kmh": 9.0})
    times = edge_times_ms(network, "e_van", "free", Speeds(), speeds)
    assert times[1] == math.ceil(float(network.segment_length_m[0]) / 9 * 3600) != times[0]
    with pytest.raises(InputError) as caught:
        measured(
            network,
            {"edge_id": 1, "network": "another", "kmh": 9.0},
            {"edge_id": 2, "network": network.hash, "kmh": 9.0},
            {"kmh": 9.0},
            {"edge_id": 0, "way_id": 1, "network": network.hash, "kmh": 9.0},
        )
    assert [fault.place for fault in caught.value.faults] == [f"measured.csv, row {n}" for n in (2, 3, 4, 5)]


def test_every_class_of_road_has_a_speed():
    assert set(CAR_KMH) == set(ROAD_CLASSES)
