"""Speeds of known drives, in a city of 6 by 6 junctions 500 m apart; ways are its streets' segments."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from driving import Path, drive
from plan_fixture import edges_along, grid_network

from lastmile.geo.access import Profile
from lastmile.geo.matching import Matcher
from lastmile.scenario import Speeds, VehicleType
from lastmile.traces.journeys import Journey
from lastmile.traces.speeds import class_speeds, passes, way_speeds, way_uses
from lastmile.traces.stands import find_stands

NETWORK = grid_network()
FILE = SimpleNamespace(zones=(), permits=(), speeds=Speeds())
VAN = VehicleType(
    id="van", vehicle_class="e_van", based_at=("dc",), parcels=9.0, battery={"usable_kwh": 40.0, "kwh_per_km": 0.2}
)
FREE, PEAK, NIGHT = 36_000.0, 27_000.0, 82_800.0


def edges(*junctions):
    return edges_along(NETWORK, *(6 * y + x for x, y in junctions))


def journey(kmh, *, depart_s, junctions=((0, 1), (1, 1), (2, 1)), every_s=5.0, noise_m=0.0, stands=(), seed=0):
    """A drive at so many km/h on each edge."""
    made = np.array(edges(*junctions), dtype=np.int32)
    seconds = NETWORK.edge_length_m[made] / (np.broadcast_to(kmh, len(made)) / 3.6)
    path = Path(edges=made, start=0.0, end=1.0, seconds=seconds)
    trace = drive(NETWORK, path, every_s=every_s, noise_m=noise_m, depart_s=depart_s, stands=stands, seed=seed)
    (matched,) = Matcher(NETWORK, "e_van").match([trace])
    return Journey(
        vehicle_id="v", profile=Profile(vehicle=VAN), trace=trace, matched=matched, stands=find_stands(matched)
    )


def found(*journeys):
    return passes(journeys, NETWORK, FILE)


def way_of(*junctions):
    (edge,) = edges(*junctions)
    return int(NETWORK.segment_way[NETWORK.edge_segment[edge]])


def test_each_way_has_its_own_speed():
    table = found(journey([30.0, 15.0], depart_s=FREE))
    assert table["way_id"].tolist() == [way_of((0, 1), (1, 1)), way_of((1, 1), (2, 1))]
    np.testing.assert_allclose(table["kmh"], [30, 15], rtol=0.05)
    np.testing.assert_allclose(table["metres"], [500, 500], atol=30)
    # Residential streets of the built-in table: 18 km/h free.
    np.testing.assert_allclose(table["table_kmh"], [18, 18], rtol=1e-3)


@pytest.mark.parametrize(
    ("depart_s", "period", "table_kmh"), [(FREE, "free", 18), (PEAK, "peak", 15), (NIGHT, "night", 20)]
)
@pytest.mark.parametrize("day", [0, -1, 3])
def test_hours_decide_the_period_on_every_day(depart_s, period, table_kmh, day):
    table = found(journey(30.0, depart_s=depart_s + 86_400 * day))
    assert set(table["period"]) == {period}
    np.testing.assert_allclose(table["table_kmh"], table_kmh, rtol=1e-3)


def test_direction_is_that_of_the_way():
    there = found(journey(30.0, depart_s=FREE))
    back = found(journey(30.0, depart_s=FREE, junctions=((2, 1), (1, 1), (0, 1))))
    assert there["forward"].tolist() == [True, True]
    assert back["forward"].tolist() == [False, False]


def test_stand_is_no_part_of_the_speed():
    # It stands for ten minutes after 30 s, in the middle of the first street.
    table = found(journey(30.0, depart_s=FREE, stands=((30.0, 600.0),)))
    np.testing.assert_allclose(table["kmh"], 30, rtol=0.1)


def test_red_light_is_part_of_the_speed():
    # 500 m in 60 s of driving and 60 s of standing are 15 km/h.
    table = found(journey(30.0, depart_s=FREE, stands=((50.0, 60.0),)))
    assert table["kmh"].iloc[0] == pytest.approx(15, rel=0.1)


def test_short_pass_is_left_aside():
    # 30 m of the second street.
    made = journey(36.0, depart_s=FREE)
    keep = made.trace.second <= FREE + 53
    trace = type(made.trace)(lon=made.trace.lon[keep], lat=made.trace.lat[keep], second=made.trace.second[keep])
    (matched,) = Matcher(NETWORK, "e_van").match([trace])
    short = Journey(vehicle_id="v", profile=made.profile, trace=trace, matched=matched, stands=find_stands(matched))
    assert found(short)["way_id"].tolist() == [way_of((0, 1), (1, 1))]


def test_trace_without_a_way_has_no_pass():
    made = journey(30.0, depart_s=FREE)
    trace = type(made.trace)(lon=made.trace.lon[:1], lat=made.trace.lat[:1], second=made.trace.second[:1])
    (matched,) = Matcher(NETWORK, "e_van").match([trace])
    still = Journey(vehicle_id="v", profile=made.profile, trace=trace, matched=matched, stands=find_stands(matched))
    assert len(found(still)) == 0
    assert way_speeds(found(still)) == class_speeds(found(still)) == ()


def test_median_needs_three_passes():
    slow, middle, fast = (journey(kmh, depart_s=FREE + k * 600) for k, kmh in enumerate((10.0, 20.0, 40.0)))
    assert way_speeds(found(slow, fast)) == ()
    speeds = way_speeds(found(slow, fast, middle))
    assert [(s.way_id, s.forward, s.period, s.vehicle_class, s.passes) for s in speeds] == [
        (way_of((0, 1), (1, 1)), True, "free", "e_van", 3),
        (way_of((1, 1), (2, 1)), True, "free", "e_van", 3),
    ]
    for speed in speeds:
        assert speed.kmh == pytest.approx(20, rel=0.05)
        assert speed.table_kmh == pytest.approx(18, rel=1e-3)
    (street,) = class_speeds(found(slow, fast, middle))
    assert (street.road_class, street.period, street.passes) == ("residential", "free", 6)
    assert street.kmh == pytest.approx(20, rel=0.05)
    assert street.km == pytest.approx(3.0, rel=0.05)


def test_rows_are_in_the_order_of_ways_directions_and_hours():
    rows = [
        (7, False, "free"), (7, True, "night"), (7, True, "peak"), (7, True, "free"), (2, False, "night"),
    ]  # fmt: skip
    table = pd.DataFrame(
        [
            {
                "vehicle_class": "e_van", "way_id": way, "forward": forward, "period": period, "road": 11,
                "metres": 100.0, "seconds": 10.0, "table_s": 20.0, "kmh": 36.0, "table_kmh": 18.0,
            }
            for way, forward, period in rows * 3
        ]
    )  # fmt: skip
    assert [(s.way_id, s.forward, s.period) for s in way_speeds(table)] == [
        (2, False, "night"), (7, True, "free"), (7, True, "peak"), (7, True, "night"), (7, False, "free"),
    ]  # fmt: skip
    assert [s.period for s in class_speeds(table)] == ["free", "peak", "night"]


def test_noise_hardly_moves_the_median():
    junctions = ((0, 1), (1, 1), (2, 1), (3, 1), (4, 1))
    journeys = [journey(25.0, depart_s=FREE, junctions=junctions, noise_m=8.0, every_s=10.0, seed=k) for k in range(12)]
    for speed in way_speeds(found(*journeys)):
        assert speed.kmh == pytest.approx(25, rel=0.12)


def test_map_shows_every_way_that_was_driven():
    table = found(journey([30.0, 15.0], depart_s=FREE), journey([15.0, 30.0], depart_s=FREE))
    first, second, third = way_uses(table, np.array([way_of((1, 1), (2, 1)), 999, way_of((0, 1), (1, 1))]))
    assert (first.way_id, first.passes) == (way_of((0, 1), (1, 1)), 2)
    assert first.kmh[0] == pytest.approx(22.5, rel=0.05)
    assert first.kmh[1] is None
    assert first.ratio == pytest.approx(22.5 / 18, rel=0.05)
    assert second.way_id == way_of((1, 1), (2, 1))
    assert (third.way_id, third.ratio, third.passes, third.kmh) == (999, None, 0, (None, None))
