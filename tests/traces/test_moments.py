"""Times as receivers write them."""

from datetime import date, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lastmile.traces.moments import parse_utc_offset, read_moments

DAY = date(2024, 3, 5)


def seconds(*texts, utc_offset_s=None):
    moments = read_moments(texts, DAY, utc_offset_s=utc_offset_s)
    assert moments.complaints == ()
    return moments.second.tolist()


@pytest.mark.parametrize(
    ("text", "second"),
    [
        ("2024-03-05T08:30:00", 30_600),
        ("2024-03-05 08:30", 30_600),
        ("2024/3/5 8:30:15", 30_615),
        ("2024年3月5日 08:30:00", 30_600),
        ("2024-03-05T08:30:00.250", 30_600.25),
        ("2024-03-05T08:30:00,5", 30_600.5),
        ("2024-03-06T00:00:01", 86_401),
        ("2024-03-04T23:59:59", -1),
        ("2024-03-05T24:00:00", 86_400),
        ("08:30:00", 30_600),
        (" 8:30 ", 30_600),
        ("25:10:00", 90_600),
        ("30600", 30_600),
        ("30600.5", 30_600.5),
        ("0", 0),
        ("2024-03-05T08:30:00+08:00", 30_600),
    ],
)
def test_time_is_seconds_after_the_planned_days_midnight(text, second):
    assert seconds(text) == [second]


def test_utc_becomes_local_time_with_the_offset_that_is_stated():
    # 00:30 UTC is 08:30 in China, and so is 03:30 in Moscow.
    texts = ("2024-03-05T00:30:00Z", "2024-03-05T03:30:00+03:00", "2024-03-05T00:30:00+00", "2024-03-04T19:30:00-0500")
    assert seconds(*texts, utc_offset_s=8 * 3600) == [30_600] * 4
    assert seconds("2024-03-05T08:30:00", utc_offset_s=8 * 3600) == [30_600]


@pytest.mark.parametrize(
    ("texts", "cause"),
    [
        (["noon"], "'noon' is no time"),
        ([""], "'' is no time"),
        (["08:60:00"], "hours run from 00:00 to 48:00"),
        (["49:00"], "hours run from 00:00 to 48:00"),
        (["2024-03-05T25:00"], "hours run from 00:00 to 24:00"),
        (["2024-02-30T08:00"], "there is no such day"),
        (["200000"], "more than 172,800 seconds"),
        (["1709600000"], "is no time"),
        (["-5"], "is no time"),
        (["1980-01-06T00:00:00"], "16,130 days from the planned day 2024-03-05"),
        (["2024-03-05T08:00:00Z"], "it is a time of UTC"),
        (["2024-03-05T08:00:00+00:00"], "it is a time of UTC"),
        (["2024-03-05T08:00:00+08:00", "2024-03-05T08:00:00+09:00"], "different offsets from UTC (+08:00, +09:00)"),
    ],
)
def test_text_that_is_no_time_is_complained_of(texts, cause):
    moments = read_moments(texts, DAY, utc_offset_s=None)
    assert [index for index, _, _ in moments.complaints] == list(range(len(texts)))
    assert cause in moments.complaints[0][1]
    assert np.isnan(moments.second).all()


def test_each_bad_row_is_named_and_good_ones_are_read():
    moments = read_moments(["x", "08:00", "x"], DAY, utc_offset_s=None)
    assert [index for index, _, _ in moments.complaints] == [0, 2]
    assert moments.second[1] == 28_800
    assert moments.dated.tolist() == [False, False, False]
    assert read_moments(["2024-03-05T08:00"], DAY, utc_offset_s=None).dated.tolist() == [True]


@given(st.datetimes(min_value=datetime(2023, 6, 1), max_value=datetime(2024, 12, 1)))
def test_every_local_time_is_read_as_written(moment):
    moment = moment.replace(microsecond=0)
    midnight = moment.replace(year=2024, month=3, day=5, hour=0, minute=0, second=0)
    assert seconds(moment.isoformat()) == [(moment - midnight).total_seconds()]


@given(st.text(max_size=30))
def test_no_text_breaks_the_reader(text):
    moments = read_moments([text], DAY, utc_offset_s=0)
    assert len(moments.complaints) == int(np.isnan(moments.second[0]))


@pytest.mark.parametrize(
    ("text", "second"), [("+08:00", 28_800), ("8", 28_800), ("-3", -10_800), ("+0530", 19_800), ("00:00", 0)]
)
def test_offset_from_utc_is_read(text, second):
    assert parse_utc_offset(text) == second


@pytest.mark.parametrize("text", ["", "CST", "+25:00", "+08:75", "8.5", "14:01"])
def test_what_is_no_offset_is_refused(text):
    with pytest.raises(ValueError, match="no offset from UTC"):
        parse_utc_offset(text)
