"""One network, many questions: what is kept, shared and altered."""

import grid
import numpy as np
import pytest
from grid import HOUR
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lastmile.geo.access import Period
from lastmile.geo.paths import UNREACHABLE

PLACES = [(0, 0.25), (1.5, 2), (3, 2.75), (2, 0), (0.5, 3)]


@pytest.fixture
def network(write_map):
    return grid.streets(write_map, 4, 4)


@pytest.fixture
def whole(network):
    """Roads of a grid, its middle block closed from 10 to 12; a table of either hours."""
    file = grid.scenario(zones=(grid.zone("middle", "10:00-12:00"),), speeds=grid.Speeds(peak=("07:00-08:00",)))
    return grid.roads(network, file, {"middle": grid.box(1, 1, 1, 1)})


def span(start, end, regime="free"):
    return (Period(start_s=start * HOUR, end_s=end * HOUR, regime=regime),)


OPEN, SHUT, PEAK = span(8, 10), span(10, 12), span(7, 8, "peak")


def table(roads, over, kind="e_van"):
    at = grid.points(roads.network, PLACES, kind)
    return roads.matrices(at, profile=grid.profile(kind), over=over)


def test_order_of_an_earlier_run_is_used_as_it_is(network, whole):
    backwards = np.ascontiguousarray(whole.order[::-1])
    again = grid.roads(network, grid.scenario(), order=backwards)
    np.testing.assert_array_equal(again.order, backwards)
    np.testing.assert_array_equal(table(again, OPEN).duration_s, table(whole, OPEN).duration_s)
    with pytest.raises(ValueError, match="name every node"):
        _ = grid.roads(network, grid.scenario(), order=backwards[1:]).order


def test_closed_edge_is_driven_round_at_all_hours_and_the_old_roads_stay(whole):
    profile = grid.profile()
    before = [table(whole, over).duration_s for over in (OPEN, SHUT)]
    at = grid.points(whole.network, PLACES)
    path = whole.path(at, 0, 2, profile=profile, over=OPEN)
    middle = path[len(path) // 2]
    now = whole.altered([middle], [-1])
    assert middle not in now.path(at, 0, 2, profile=profile, over=OPEN)
    for over, table_before in zip((OPEN, SHUT), before, strict=True):
        assert now.weights(profile, over)[middle] == -1
        assert (table(now, over).duration_s >= table_before).all()
        np.testing.assert_array_equal(table(whole, over).duration_s, table_before)
        assert whole.weights(profile, over)[middle] >= 0 or over == SHUT
    with pytest.raises(ValueError, match=f"edge {middle} is closed"):
        now.drive(path, np.ones(len(path)), profile=profile, depart_s=9 * HOUR)
    assert whole.drive(path, np.ones(len(path)), profile=profile, depart_s=9 * HOUR) > 9 * HOUR


def test_live_time_replaces_the_tables_at_every_hour_but_opens_no_rule(whole):
    profile = grid.profile()
    closed = int(np.flatnonzero(whole.weights(profile, SHUT) < 0)[0])
    now = whole.altered([closed], [1234])
    assert now.weights(profile, OPEN)[closed] == 1234
    assert now.weights(profile, PEAK)[closed] == 1234
    assert now.weights(profile, SHUT)[closed] == -1
    drive = {"profile": profile, "depart_s": 9 * HOUR}
    assert now.drive(np.array([closed], dtype=np.int32), np.array([0.5]), **drive) == 9 * HOUR + 1  # 617 ms
    assert now.drive(np.array([closed], dtype=np.int32), np.array([1.0]), **drive) == 9 * HOUR + 2


def test_times_of_one_class_leave_the_others_alone(whole):
    vans, trikes = grid.profile("e_van"), grid.profile("e_trike")
    before = whole.weights(trikes, OPEN)
    metric = whole._metric(trikes, OPEN)
    now = whole.altered([0, 1], [5, -1], mode="e_van")
    assert now.weights(vans, OPEN)[:2].tolist() == [5, -1]
    np.testing.assert_array_equal(now.weights(trikes, OPEN), before)
    assert now._metric(trikes, OPEN) is metric


def test_what_is_altered_again_holds_on_top_and_of_two_times_the_last(whole):
    profile = grid.profile()
    once = whole.altered([3, 4, 4], [-1, 50, 60])
    twice = once.altered([3], [70])
    assert once.weights(profile, OPEN)[[3, 4]].tolist() == [-1, 60]
    assert twice.weights(profile, OPEN)[[3, 4]].tolist() == [70, 60]


@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
def test_altered_roads_answer_as_roads_that_are_laid_afresh(whole, data):
    profile, at = grid.profile(), grid.points(whole.network, PLACES)
    edge = st.integers(0, whole.network.edges - 1)
    time = st.one_of(st.just(-1), st.integers(1, 100_000))
    now = whole
    for over in (OPEN, SHUT, OPEN + PEAK):
        whole.matrices(at, profile=profile, over=over)  # laid before: copied and mended
    for changes in data.draw(st.lists(st.lists(st.tuples(edge, time), max_size=8), min_size=1, max_size=3)):
        now = now.altered([e for e, _ in changes], [t for _, t in changes])
    for over in (OPEN, SHUT, OPEN + PEAK):
        mended = now.matrices(at, profile=profile, over=over)
        fresh = now.altered([], [])
        fresh._metrics = {}
        laid = fresh.matrices(at, profile=profile, over=over)
        np.testing.assert_array_equal(mended.duration_s, laid.duration_s)
        np.testing.assert_array_equal(mended.distance_m, laid.distance_m)
        np.testing.assert_array_equal(mended.energy_wh, laid.energy_wh)
        # The path's edges take what the table says, to the second.
        for target in range(1, len(PLACES)):
            if mended.duration_s[0, target] == UNREACHABLE:
                continue
            edges = now.path(at, 0, target, profile=profile, over=over)
            inner = now.weights(profile, over)[edges[1:-1]].sum() / 1000
            assert inner <= mended.duration_s[0, target]


@pytest.mark.parametrize(
    ("edges", "times", "message"),
    [
        ([0, 1], [5], "one time per edge"),
        ([[0]], [[5]], "one time per edge"),
        ([-1], [5], "numbered from 0"),
        ([10**6], [5], "numbered from 0"),
        ([0], [0], "at least 1 ms"),
        ([0], [-2], "at least 1 ms"),
        ([0], [2**32 + 5], "at least 1 ms"),
    ],
)
def test_changes_that_cannot_be_are_refused(whole, edges, times, message):
    with pytest.raises(ValueError, match=message):
        whole.altered(edges, times)
