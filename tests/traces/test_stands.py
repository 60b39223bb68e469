"""Where a vehicle stood."""

import numpy as np
import pytest
from driving import at_speed, drive
from hypothesis import given
from hypothesis import strategies as st
from plan_fixture import STEP_M, grid_network

from lastmile.geo.driven import MATCHED, MatchedTrace
from lastmile.geo.matching import Matcher
from lastmile.traces.stands import find_stands, moving


@pytest.fixture(scope="module")
def network():
    return grid_network()


def matched(at_s, at_m, at_part=None):
    """A trace of one edge that is all the way there is."""
    at_m = np.asarray(at_m, dtype=np.float64)
    part = np.zeros(len(at_m), dtype=np.int32) if at_part is None else np.asarray(at_part, dtype=np.int32)
    return MatchedTrace(
        edge=np.zeros(1, dtype=np.int32),
        start=np.zeros(1),
        end=np.ones(1),
        metres=np.array([at_m.max(initial=0.0)]),
        enter_s=np.asarray(at_s[:1], dtype=np.float64),
        leave_s=np.asarray(at_s[-1:], dtype=np.float64),
        part=np.zeros(1, dtype=np.int32),
        at_s=np.asarray(at_s, dtype=np.float64),
        at_m=at_m,
        at_part=part,
        state=np.full(len(at_m), MATCHED, dtype=np.int8),
        sigma_m=5.0,
    )


def test_two_minutes_in_one_place_are_a_stand():
    # 100 m in 10 s, 120 s within 5 m, 100 m in 10 s.
    trace = matched([0, 10, 70, 130, 140], [0, 100, 103, 105, 205])
    stands = find_stands(trace)
    assert (stands.start_s.tolist(), stands.end_s.tolist()) == ([10.0], [130.0])
    metres, seconds = moving(trace, stands)
    assert (metres.tolist(), seconds.tolist()) == ([200.0], [20.0])


def test_red_light_is_none():
    assert len(find_stands(matched([0, 10, 70, 125, 135], [0, 100, 103, 105, 205]))) == 0


def test_slow_queue_is_none():
    # 21 m every two minutes.
    assert len(find_stands(matched(np.arange(10) * 120, np.arange(10) * 21.0))) == 0


def test_long_stand_is_one_even_where_nothing_is_recorded_in_it():
    stands = find_stands(matched([0, 10, 7210, 7220], [0, 100, 101, 201]))
    assert (stands.start_s.tolist(), stands.end_s.tolist()) == ([10.0], [7210.0])


def test_silence_between_two_parts_is_no_stand():
    assert len(find_stands(matched([0, 10, 7210, 7220], [0, 100, 100, 200], [0, 0, 1, 1]))) == 0


def test_no_fix_has_no_stand():
    assert len(find_stands(matched([], []))) == 0


@given(st.lists(st.tuples(st.floats(1, 200), st.floats(0, 80)), min_size=1, max_size=30))
def test_stands_are_apart_and_long_and_time_is_shared_out(steps):
    at_s, at_m = np.cumsum([step[0] for step in steps]), np.cumsum([step[1] for step in steps])
    trace = matched(at_s, at_m)
    stands = find_stands(trace)
    assert (stands.end_s - stands.start_s >= 120).all()
    assert (stands.end_m - stands.start_m <= 20 + 1e-9).all()
    assert (stands.start_s[1:] > stands.end_s[:-1]).all()
    _, seconds = moving(trace, stands)
    assert seconds.sum() + (stands.end_s - stands.start_s).sum() == pytest.approx(at_s[-1] - at_s[0])


def test_stop_in_a_noisy_trace_is_found(network):
    edges = [int(network.first_out[0])]
    while len(edges) < 4:  # along the southern edge, eastwards
        node = int(network.edge_target[edges[-1]])
        out = range(network.first_out[node], network.first_out[node + 1])
        edges.append(next(e for e in out if network.node_lon[network.edge_target[e]] > network.node_lon[node] + 1e-6))
    # 500 m an edge at 36 km/h are 50 s: it stops for 300 s after 125 s, in the middle of the third.
    path = at_speed(network, edges, end=0.8)
    assert path.metres(network) == pytest.approx(3.8 * STEP_M)
    trace = drive(network, path, every_s=5.0, noise_m=6.0, stands=((125.0, 300.0),), seed=4)
    (found,) = Matcher(network, "e_van").match([trace])
    assert found.edge.tolist() == edges
    stands = find_stands(found)
    assert len(stands) == 1
    assert stands.start_s[0] == pytest.approx(125, abs=10)
    assert stands.end_s[0] == pytest.approx(425, abs=10)
    metres, seconds = moving(found, stands)
    assert metres[2] / seconds[2] * 3.6 == pytest.approx(36, rel=0.15)
