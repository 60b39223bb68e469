import pytest
from hypothesis import given
from hypothesis import strategies as st

from lastmile.units import DAY_S, clock, fen, parse_clock, parse_hours


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "00:00"), (27_000, "07:30"), (86_399, "00:00+1"), (86_400, "00:00+1"), (91_800, "01:30+1"), (29, "00:00")],
)
def test_clock_rounds_to_minutes_and_carries_the_day(seconds, text):
    assert clock(seconds) == text


@pytest.mark.parametrize(("text", "seconds"), [("0:00", 0), ("07:30", 27_000), (" 9:05 ", 32_700), ("24:00", DAY_S)])
def test_time_of_day_is_seconds_after_midnight(text, seconds):
    assert parse_clock(text) == seconds


@pytest.mark.parametrize("text", ["", "7", "7.30", "07:60", "24:01", "25:00", "-1:00", "07:30:00", "٧:٣٠x", "noon"])
def test_what_is_no_time_of_day_is_refused(text):
    with pytest.raises(ValueError, match="no time of day"):
        parse_clock(text)


def test_hours_across_midnight_end_on_the_next_day():
    assert parse_hours("22:00-06:00") == (79_200, 108_000)
    assert parse_hours("07:00-09:30") == (25_200, 34_200)
    assert parse_hours("00:00-24:00") == (0, DAY_S)


@pytest.mark.parametrize(
    ("text", "cause"),
    [("08:00", "no span"), ("08:00-08:00", "empty span"), ("8 to 6", "no span"), ("08:00-26:00", "no time of day")],
)
def test_what_is_no_span_is_refused(text, cause):
    with pytest.raises(ValueError, match=cause):
        parse_hours(text)


@given(st.integers(0, 1439))
def test_every_minute_of_the_day_is_read_as_it_is_written(minute):
    assert parse_clock(clock(minute * 60)) == minute * 60


@given(st.integers(0, 1439), st.integers(0, 1439))
def test_a_span_is_never_empty_nor_longer_than_a_day(start, end):
    text = f"{clock(start * 60)}-{clock(end * 60)}"
    if start == end:
        with pytest.raises(ValueError, match="empty"):
            parse_hours(text)
    else:
        first, last = parse_hours(text)
        assert 0 < last - first < DAY_S
        assert (first, last % DAY_S) == (start * 60, end * 60)


def test_yuan_become_whole_fen():
    assert fen(0.1 + 0.2) == 30  # not 30.000000000000004
    assert fen(12.344) == 1234
    assert fen(-0.5) == -50
