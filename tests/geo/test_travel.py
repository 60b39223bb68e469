"""Travel across changes of traffic and rules: nobody overtakes time, nobody is caught by a rule."""

from itertools import pairwise

import grid
import numpy as np
import pytest
from grid import HOUR
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lastmile.geo.access import Period
from lastmile.geo.travel import TOO_LATE, UNREACHABLE, Matrices, Travel

NEVER = UNREACHABLE


def matrices(duration):
    array = np.array(duration, dtype=np.int32)
    return Matrices(duration_s=array, distance_m=np.zeros(array.shape, np.float32),
                    energy_wh=np.zeros(array.shape, np.float32),
                    energy_wh_per_kg=np.zeros(array.shape, np.float32))  # fmt: skip


def pair_travel(ends, seconds, opens=None, through=None):
    """Travel from one place to another: seconds per period, period k ends at ``ends[k]``."""
    changes = len(ends) - 1
    opens, through = opens or [None] * changes, through or [None] * changes
    return Travel(
        periods=tuple(
            Period(start_s=a, end_s=b, regime="free") for a, b in pairwise([0, *ends])
        ),
        tables=tuple(matrices([[0, s], [s, 0]]) for s in seconds),
        stays_open=tuple(None if o is None else np.array([[True, o], [o, True]]) for o in opens),
        through=tuple(None if t is None else np.array([[0, t], [t, 0]], dtype=np.int32) for t in through),
    )  # fmt: skip


def test_trip_within_a_period_takes_the_time_of_its_table():
    travel = pair_travel([1000, 2000], [300, 100])
    assert travel.arrival(0, 1, [0, 700, 1000, 1900]).tolist() == [300, 1000, 1100, 2000]
    assert travel.arrival(0, 0, [0, 999, 1999]).tolist() == [0, 999, 1999]


def test_who_is_under_way_goes_on_at_the_pace_of_the_next_period():
    # 300 s in the first period, 100 s in the second. Leaving at 910: 90 s driven, 210/300 left: 70 s at the new pace.
    travel = pair_travel([1000, 2000], [300, 100])
    assert travel.arrival(0, 1, 910) == 1070
    # Of 201/300 are left 67 s exactly; of 200/300 66.67, rounded up.
    assert travel.arrival(0, 1, [901, 900]).tolist() == [1067, 1067]
    # From fast to slow: 90 of 100 s driven, 0.1 of 300 s left.
    assert pair_travel([1000, 2000], [100, 300]).arrival(0, 1, 910) == 1030


def test_pace_changes_again_in_a_short_period():
    # 90 of 300 s driven; 70 s left at the second pace, 50 of them driven; 20/100 left: 40 s at the third.
    travel = pair_travel([1000, 1050, 5000], [300, 100, 200])
    assert travel.arrival(0, 1, 910) == 1090


def test_trip_is_not_begun_on_a_path_that_is_about_to_close():
    # The path of 300 s closes at 1000 for good; round it 900 s. From 700 on 300 s would be in time.
    travel = pair_travel([1000, 5000], [300, 900], opens=[False], through=[900])
    assert travel.arrival(0, 1, [699, 700, 701, 999, 1000]).tolist() == [999, 1000, 1601, 1899, 1900]


def test_waiting_is_taken_where_it_is_better():
    # As above, but at 1000 a road opens that takes 50 s while the way round takes 900.
    travel = pair_travel([1000, 5000], [300, 50], opens=[False], through=[900])
    assert travel.arrival(0, 1, [700, 701, 999]).tolist() == [1000, 1050, 1050]
    # Nothing is open until the third period.
    travel = pair_travel([1000, 2000, 5000], [300, NEVER, 400], opens=[False, None], through=[NEVER, None])
    assert travel.arrival(0, 1, [700, 701, 1500]).tolist() == [1000, 2400, 2400]


def test_path_that_closes_at_a_second_change_is_not_begun_either():
    # Open at 1000, closed at 1100: from 1000 on 300 s would end at 1300. Leaving at 800 is in time.
    travel = pair_travel([1000, 1100, 5000], [300, 300, NEVER], opens=[None, False], through=[None, NEVER])
    assert travel.arrival(0, 1, [700, 800, 801]).tolist() == [1000, 1100, NEVER]
    # It stays open, but the table of the second period may be another path's: nobody knows, so nobody goes.
    travel = pair_travel([1000, 1100, 5000], [300, 300, 300], opens=[None, True], through=[None, 700])
    assert travel.arrival(0, 1, [800, 801, 900, 1000]).tolist() == [1100, 1300, 1300, 1300]
    # Unless both periods share one table: then it is one path.
    shared = Travel(
        periods=travel.periods, tables=(travel.tables[0], *travel.tables[:2][:1], travel.tables[2]),
        stays_open=travel.stays_open, through=travel.through,
    )  # fmt: skip
    assert shared.arrival(0, 1, 801) == 1101


def test_nobody_arrives_after_the_last_period():
    travel = pair_travel([1000, 2000], [300, 100])
    assert travel.arrival(0, 1, [1900, 1901]).tolist() == [2000, NEVER]
    assert travel.latest_departure(0, 1, [2000, 5000, NEVER]).tolist() == [1900, 1900, 1900]


def test_latest_departure_is_the_inverse():
    travel = pair_travel([1000, 5000], [300, 900], opens=[False], through=[900])
    # Due at 1600: who leaves at 701 or later arrives at 1601 or later.
    assert travel.latest_departure(0, 1, [299, 300, 1000, 1600, 1601, 1900]).tolist() == [
        TOO_LATE, 0, 700, 700, 701, 1000,
    ]  # fmt: skip
    assert travel.latest_departure(0, [[0], [1]], [50, 1000]).tolist() == [[50, 1000], [TOO_LATE, 700]]


@pytest.mark.parametrize("second", [-1, 2000])
def test_departure_outside_the_periods_is_refused(second):
    with pytest.raises(ValueError, match="from 0 to 1999"):
        pair_travel([1000, 2000], [300, 100]).arrival(0, 1, second)


def test_periods_with_gaps_are_refused():
    whole = pair_travel([1000, 2000], [300, 100])
    gap = (whole.periods[0], Period(start_s=1001, end_s=2000, regime="free"))
    with pytest.raises(ValueError, match="without gaps"):
        Travel(periods=gap, tables=whole.tables, stays_open=whole.stays_open, through=whole.through)
    with pytest.raises(ValueError, match="one table per period"):
        Travel(periods=gap[:1], tables=whole.tables, stays_open=(), through=())
    with pytest.raises(ValueError, match="at least one"):
        Travel(periods=(), tables=(), stays_open=(), through=())


@st.composite
def travels(draw):
    """One pair of places over a few periods, some of which share a table; anything may open and close."""
    lengths = draw(st.lists(st.integers(1, 60), min_size=1, max_size=5))
    ends = np.cumsum(lengths).tolist()
    seconds = st.one_of(st.integers(1, 80), st.just(NEVER))
    tables = draw(st.lists(seconds, min_size=1, max_size=3).map(lambda list_: [matrices([[s]]) for s in list_]))
    changes = len(ends) - 1
    chosen = [draw(st.sampled_from(tables)) for _ in ends]
    opens, through = [], []
    for k in range(changes):
        flag = draw(st.sampled_from([None, False, True]))
        opens.append(None if flag is None else np.array([[flag]]))
        own = draw(st.booleans())
        both = chosen[k + 1].duration_s if own else np.array([[draw(seconds)]], dtype=np.int32)
        through.append(None if flag is None else both)
    return Travel(
        periods=tuple(Period(start_s=a, end_s=b, regime="free") for a, b in pairwise([0, *ends])),
        tables=tuple(chosen),
        stays_open=tuple(opens),
        through=tuple(through),
    )


def slow_arrival(travel, second):
    """The definition, word for word."""
    k = next(k for k, period in enumerate(travel.periods) if second < period.end_s)
    last = len(travel.periods) - 1

    def go_on(p, left, whole, now, path):
        end = travel.periods[p].end_s
        if now + left <= end:
            return now + left
        if p == last:
            return NEVER
        opened = travel.stays_open[p]
        same_path = path is travel.tables[p].duration_s
        if opened is not None and not (same_path and opened[0, 0]):
            return NEVER
        following = int(travel.tables[p + 1].duration_s[0, 0])
        return go_on(p + 1, -((now + left - end) * following // -whole), following, end, path)

    def leave(p, now):
        found = [NEVER]
        whole = int(travel.tables[p].duration_s[0, 0])
        if whole < NEVER:
            found.append(go_on(p, whole, whole, now, travel.tables[p].duration_s))
        if p < last and travel.through[p] is not None and int(travel.through[p][0, 0]) < NEVER:
            # Open in both at one pace: the change at the end of p is not noticed.
            both, end = int(travel.through[p][0, 0]), travel.periods[p].end_s
            ahead = now + both
            found.append(ahead if ahead <= end else go_on(p + 1, ahead - end, both, end, travel.through[p]))
        return min(found)

    return min(leave(p, max(second, travel.periods[p].start_s)) for p in range(k, last + 1))


@given(travels())
def test_arrivals_are_as_defined_and_later_departures_never_arrive_earlier(travel):
    seconds = np.arange(travel.periods[-1].end_s)
    arrivals = travel.arrival(0, 0, seconds)
    assert arrivals.tolist() == [slow_arrival(travel, second) for second in seconds.tolist()]
    assert (np.diff(arrivals.astype(np.int64)) >= 0).all()
    assert (arrivals >= seconds).all()


@given(travels())
def test_latest_departure_is_the_last_that_is_in_time(travel):
    end = travel.periods[-1].end_s
    arrivals = travel.arrival(0, 0, np.arange(end))
    for due in range(end + 5):
        in_time = np.flatnonzero(arrivals <= due)
        expected = TOO_LATE if not len(in_time) else in_time[-1]
        assert travel.latest_departure(0, 0, due) == expected


# On streets: five by five, blocks of about 190 by 220 m at 18 km/h, its middle four blocks closed from 10 to 12.
PLACES = [(0, 0.25), (2, 1.5), (1.5, 2), (4, 3.75), (2.25, 4), (0.5, 3), (3, 2.75)]
DAY_PEAK = grid.Speeds(peak=("09:00-10:00", "11:00-11:05"), night=())


@pytest.fixture
def town(write_map):
    network = grid.streets(write_map, 5, 5)
    file = grid.scenario(zones=(grid.zone("middle", "10:00-12:00"),), speeds=DAY_PEAK)
    roads = grid.roads(network, file, {"middle": grid.box(1, 1, 2, 2)})
    return roads, grid.points(network, PLACES)


def test_equal_periods_share_tables_and_changes_that_close_nothing_have_none(town):
    roads, points = town
    travel = roads.travel(points, profile=grid.profile())
    by_start = {p.start_s / HOUR: k for k, p in enumerate(travel.periods)}
    assert sorted(by_start)[:7] == [0, 9, 10, 11, 11 + 5 / 60, 12, 33]
    free, peak, shut, shut_peak = (by_start[hour] for hour in (0, 9, 10, 11))
    assert travel.tables[by_start[12]] is travel.tables[free]
    assert travel.tables[by_start[11 + 5 / 60]] is travel.tables[shut]
    assert len({id(table) for table in travel.tables}) == 4
    # From peak and open to free and closed: the only change that closes; its ways through are at the peak's pace.
    assert [k for k, flag in enumerate(travel.stays_open) if flag is not None] == [peak, by_start[33]]
    assert travel.stays_open[peak] is travel.stays_open[by_start[33]]
    assert travel.through[peak] is travel.through[by_start[33]]
    assert (travel.through[peak] >= travel.tables[shut].duration_s).all()
    assert (travel.tables[shut_peak].duration_s >= travel.tables[shut].duration_s).all()


def test_ways_through_a_change_that_only_closes_are_those_of_the_later_period(write_map):
    network = grid.streets(write_map, 5, 5)
    file = grid.scenario(zones=(grid.zone("middle", "10:00-12:00"),))
    roads = grid.roads(network, file, {"middle": grid.box(1, 1, 2, 2)})
    travel = roads.travel(grid.points(network, PLACES), profile=grid.profile())
    assert travel.through[0] is travel.tables[1].duration_s
    assert travel.stays_open[1] is None


def test_path_stays_open_where_one_as_fast_and_short_avoids_what_closes(town):
    roads, points = town
    profile = grid.profile()
    travel = roads.travel(points, profile=profile)
    k = next(k for k, flag in enumerate(travel.stays_open) if flag is not None)
    before, after = travel.periods[k], travel.periods[k + 1]
    closing = np.flatnonzero(roads.weights(profile, (after,)) < 0)
    round_it = roads.altered(closing, np.full(len(closing), -1)).matrices(points, profile=profile, over=(before,))
    now = travel.tables[k]
    expected = (round_it.duration_s == now.duration_s) & (round_it.distance_m == now.distance_m)
    np.testing.assert_array_equal(travel.stays_open[k], expected | (now.duration_s == NEVER))
    assert 0 < travel.stays_open[k].sum() < expected.size


@pytest.mark.parametrize("depart_s", [3 * HOUR, 9 * HOUR - 60, 9 * HOUR + 1, 12 * HOUR, 21 * HOUR])
def test_arrival_is_that_of_driving_the_edges(town, depart_s):
    # All streets are of one class: the pace changes everywhere by one factor, and no path changes.
    roads, points = town
    profile = grid.profile()
    travel = roads.travel(points, profile=profile)
    period = next(p for p in travel.periods if depart_s < p.end_s)
    for i, j in np.ndindex(len(points), len(points)):
        edges = roads.path(points, i, j, profile=profile, over=(period,))
        if not len(edges):
            continue
        driven = roads.drive(edges, _shares(points, edges, i, j), profile=profile, depart_s=depart_s)
        assert abs(int(travel.arrival(i, j, depart_s)) - driven) <= 2


def _shares(points, edges, i, j):
    def along(place, edge):
        fraction = points.fraction[place]
        return fraction if edge == points.forward[place] else 1 - fraction

    shares = np.ones(len(edges))
    shares[0] -= along(i, edges[0])
    shares[-1] -= 1 - along(j, edges[-1])
    return shares


def test_nobody_drives_where_it_is_closed(town):
    # Second by second: whoever sets out on the path of the moment and arrives when travel says so is never on an edge
    # that is closed then.
    roads, points = town
    profile = grid.profile()
    travel = roads.travel(points, profile=profile)
    change = 10 * HOUR
    before, after = (next(p for p in travel.periods if second < p.end_s) for second in (change - 1, change))
    open_now, open_then = (roads.weights(profile, (p,)) >= 0 for p in (before, after))
    begun = waited = 0
    for i, j in np.ndindex(len(points), len(points)):
        edges = roads.path(points, i, j, profile=profile, over=(before,))
        closes = (~open_then[edges]).any()
        direct = int(travel.tables[travel.periods.index(before)].duration_s[i, j])
        for second in range(change - 700, change, 20):
            arrival = int(travel.arrival(i, j, second))
            assert open_now[edges].all()
            if second + direct <= change:
                assert arrival == second + direct
                begun += 1
            elif closes and not travel.stays_open[travel.periods.index(before)][i, j]:
                # Waiting, or the way that is open in both: at the peak's pace at the slowest.
                both = int(travel.through[travel.periods.index(before)][i, j])
                assert arrival == min(int(travel.arrival(i, j, change)), second + both, NEVER)
                waited += 1
    assert begun > 100
    assert waited > 100


@pytest.fixture
def busy_town(write_map):
    """Travel in a town with a fast road and rules that take turns, and the number of places."""
    network = grid.streets(
        write_map, 5, 5, lambda row, column, along: "primary" if row == 2 and along else "residential"
    )
    zones = (grid.zone("middle", "10:00-12:00"), grid.zone("west", "12:00-14:00"), grid.zone("middle", "14:00-14:03"))
    polygons = {"middle": grid.box(1, 1, 2, 2), "west": grid.box(0, 0, 4, 1)}
    roads = grid.roads(network, grid.scenario(zones=zones, speeds=DAY_PEAK), polygons)
    return roads.travel(grid.points(network, PLACES), profile=grid.profile()), len(PLACES)


@given(st.integers(0, 48 * HOUR - 1), st.integers(0, 700))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_in_a_town_later_departures_never_arrive_earlier(busy_town, second, more):
    travel, size = busy_town
    i, j = np.indices((size, size))
    later = min(second + more, 48 * HOUR - 1)
    first, then = travel.arrival(i, j, second), travel.arrival(i, j, later)
    assert (first <= then).all()
    back = travel.latest_departure(i, j, first)
    known = first < NEVER
    assert (back[known] >= second).all()
    assert (travel.arrival(i, j, np.maximum(back, 0))[known] <= first[known]).all()


def test_periods_of_travel_may_be_some_of_the_day(town):
    roads, points = town
    whole = roads.travel(points, profile=grid.profile())
    some = roads.travel(points, profile=grid.profile(), periods=roads.periods[1:3])
    assert some.arrival(0, 3, 9 * HOUR) == whole.arrival(0, 3, 9 * HOUR)
    with pytest.raises(ValueError, match="without gaps"):
        roads.travel(points, profile=grid.profile(), periods=(roads.periods[0], roads.periods[2]))
    with pytest.raises(ValueError, match="at least one"):
        roads.travel(points, profile=grid.profile(), periods=())
