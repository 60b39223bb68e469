"""Breaks of a shift: which fall due, on which day, and windows that do not overlap."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lastmile.scenario import Break, VehicleType
from lastmile.stages.breaks import breaks_in_shift

HOUR = 3600


def vehicle(shift, *rests):
    return VehicleType(
        id="t", vehicle_class="truck_light", energy="diesel", based_at=("dc",), parcels=9.0, shift=shift,
        breaks=tuple(Break(minutes=minutes, window=window) for minutes, window in rests),
    )  # fmt: skip


def hours(shift, *rests):
    """(start and end of the window in hours, length in minutes) of every rest."""
    found = breaks_in_shift(vehicle(shift, *rests))
    return [(rest.window_s[0] / HOUR, rest.window_s[1] / HOUR, rest.duration_s / 60) for rest in found]


def test_window_is_what_is_left_of_it_within_the_shift():
    assert hours("08:00-12:30", (30, "11:00-14:00")) == [(11, 12.5, 30)]
    assert hours("12:30-20:00", (30, "11:00-14:00")) == [(12.5, 14, 30)]


def test_rest_without_room_in_the_shift_is_not_due():
    assert hours("08:00-11:20", (30, "11:00-14:00")) == []
    assert hours("08:00-11:30", (30, "11:00-14:00")) == [(11, 11.5, 30)]
    assert hours("08:00-18:00", (30, "22:00-23:00")) == []
    assert hours("08:00-18:00") == []


def test_night_shift_rests_on_the_day_that_leaves_most_room():
    assert hours("20:00-06:00", (30, "01:00-02:00")) == [(25, 26, 30)]
    # The window is the whole day: 4 h of the first day are in the shift, 6 h of the second.
    assert hours("20:00-06:00", (30, "00:00-24:00")) == [(24, 30, 30)]
    # The night before the planned day: 22:00-05:00 leaves one hour of an early shift.
    assert hours("04:00-12:00", (30, "22:00-05:00")) == [(4, 5, 30)]


def test_rests_are_in_the_sequence_of_their_windows():
    assert hours("08:00-18:00", (15, "15:00-16:00"), (30, "11:00-14:00")) == [(11, 14, 30), (15, 16, 15)]


def test_windows_that_overlap_are_cut_in_the_middle_of_the_room_there_is():
    # The first ends by 10:15 at the earliest, the second begins by 11:30 at the latest: the middle of 10:15 and 11:30,
    # but it does not begin before 11:00.
    assert hours("08:00-18:00", (15, "10:00-12:00"), (30, "11:00-12:00")) == [(10, 11.25, 15), (11.25, 12, 30)]
    # Both within one hour, half an hour each.
    assert hours("08:00-18:00", (30, "10:00-11:00"), (30, "10:00-11:00")) == [(10, 10.5, 30), (10.5, 11, 30)]


def test_rest_whose_window_ends_later_comes_first_where_nothing_else_fits():
    # 60 min from 10:00 on, by 12:00, and 15 min of which only 11:00-11:20 is left: 10:00-11:00, then by 11:05.
    assert hours("08:00-18:00", (60, "10:00-12:00"), (15, "11:00-11:20")) == [
        (10, 11 + 2.5 / 60, 60),
        (11 + 2.5 / 60, 11 + 20 / 60, 15),
    ]


def test_rests_that_find_no_room_one_after_another_are_refused():
    with pytest.raises(ValueError, match="the breaks of t find no room one after another within its shift 08:00-18:00"):
        hours("08:00-18:00", (40, "10:00-11:00"), (30, "10:00-11:00"))


@given(
    start=st.integers(0, 23),
    length=st.integers(1, 23),
    rests=st.lists(st.tuples(st.integers(1, 90), st.integers(0, 23), st.integers(1, 5)), max_size=5),
)
def test_windows_are_apart_and_each_is_part_of_what_the_scenario_says(start, length, rests):
    stated = [(minutes, f"{a:02d}:00-{(a + n) % 24:02d}:00") for minutes, a, n in rests]
    kind = vehicle(f"{start:02d}:00-{(start + length) % 24:02d}:00", *stated)
    try:
        found = breaks_in_shift(kind)
    except ValueError:
        return
    assert all(a.window_s[1] <= b.window_s[0] for a, b in pairwise(found))
    for rest in found:
        assert start * HOUR <= rest.window_s[0]
        assert rest.window_s[1] <= (start + length) * HOUR
        assert any(
            minutes * 60 == rest.duration_s
            and any(a * HOUR + day <= rest.window_s[0] and rest.window_s[1] <= (a + n) * HOUR + day
                    for day in (-24 * HOUR, 0, 24 * HOUR))
            for minutes, a, n in rests
        )  # fmt: skip
