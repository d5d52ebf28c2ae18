"""Cutting recordings into PAT weeks."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from actigraphy.science import pat
from novamind.clock import date_from_ordinal_day, local_times
from novamind.measures import Abstained

BERLIN = ZoneInfo("Europe/Berlin")
DAY = 1440


def recording(start, minutes, tz=BERLIN):
    """The wall clock of a recording that begins at a local time, worn throughout."""
    utc = datetime.fromisoformat(start).replace(tzinfo=tz).astimezone(UTC)
    return np.ones(minutes, dtype=bool), local_times(int(utc.timestamp()), 60, minutes, tz)


def test_seven_worn_days_from_midnight_are_one_week():
    worn, times = recording("2026-06-01", 7 * DAY)
    assert pat.week_starts(worn, times).tolist() == [0]


def test_a_recording_from_noon_begins_its_week_at_the_next_midnight():
    worn, times = recording("2026-06-01T12:00", 8 * DAY)
    (start,) = pat.week_starts(worn, times)
    assert start == DAY // 2
    assert times.second_of_day[start] == 0


def test_weeks_slide_by_a_day_and_keep_their_place_as_minutes_are_appended():
    worn, times = recording("2026-06-01", 8 * DAY)
    assert pat.week_starts(worn, times).tolist() == [0, DAY]
    worn, times = recording("2026-06-01", 10 * DAY)
    assert pat.week_starts(worn, times).tolist() == [0, DAY, 2 * DAY, 3 * DAY]


def test_sixteen_hours_are_a_valid_day_and_a_minute_less_breaks_the_week():
    worn, times = recording("2026-06-01", 8 * DAY)
    worn[DAY : DAY + 8 * 60] = False
    assert pat.week_starts(worn, times).tolist() == [0, DAY]
    worn[DAY + 8 * 60] = False
    with pytest.raises(Abstained) as caught:
        pat.week_starts(worn, times)
    assert caught.value == Abstained("too_few_days", needed=7, got=6)
    assert caught.value.reason == "6 valid days; 7 needed"


def test_a_week_begins_anew_after_a_day_not_worn():
    worn, times = recording("2026-06-01", 11 * DAY)
    worn[3 * DAY : 4 * DAY] = False
    assert pat.week_starts(worn, times).tolist() == [4 * DAY]


def test_seven_days_cut_at_both_ends_are_five_whole_ones():
    worn, times = recording("2026-06-01T06:00", 6 * DAY + 12 * 60)
    with pytest.raises(Abstained) as caught:
        pat.week_starts(worn, times)
    assert (caught.value.code, caught.value.got) == ("too_few_days", 5)


def test_no_minutes_are_no_days():
    worn, times = recording("2026-06-01", 0)
    with pytest.raises(Abstained, match="too_few_days"):
        pat.week_starts(worn, times)


def test_a_week_with_a_double_hour_ends_an_hour_before_its_seventh_day():
    worn, times = recording("2026-10-19", 14 * DAY + 60)  # clocks back on Sunday the 25th
    starts = pat.week_starts(worn, times)
    assert starts.tolist() == [day * DAY for day in range(7)] + [7 * DAY + 60]
    assert times.hour_of_day[starts[0] + pat.WEEK_MIN - 1] == 22
    assert not times.second_of_day[starts].any()


def test_a_week_with_a_skipped_hour_reaches_into_the_eighth_day():
    worn, times = recording("2026-03-23", 8 * DAY - 60)  # clocks forward on Sunday the 29th
    assert pat.week_starts(worn, times).tolist() == [0]
    assert date_from_ordinal_day(times.day[pat.WEEK_MIN - 1]).isoformat() == "2026-03-30"
    worn, times = recording("2026-03-23", 14 * DAY - 60)
    assert not times.second_of_day[pat.week_starts(worn, times)].any()


def test_a_recording_that_ends_with_the_shortened_week_abstains_and_says_why():
    worn, times = recording("2026-03-23", 7 * DAY - 60)
    with pytest.raises(Abstained) as caught:
        pat.week_starts(worn, times)
    assert caught.value.code == "indeterminate"
    assert "clocks went forward" in caught.value.reason


def test_a_day_without_a_midnight_begins_at_its_first_minute():
    tz = ZoneInfo("Africa/Cairo")  # clocks forward at midnight to Friday, 2026-04-24
    worn, times = recording("2026-04-23", 8 * DAY, tz)
    worn[:DAY] = False
    (start,) = pat.week_starts(worn, times)
    assert start == DAY
    assert times.second_of_day[start] == 3600


@pytest.mark.parametrize(
    ("worn", "sentence"),
    [(np.ones(5, dtype=bool), "5"), (np.ones(7 * DAY), "true or false"), (np.ones((7 * DAY, 1), dtype=bool), "shape")],
)
def test_wear_of_another_shape_or_type_is_refused(worn, sentence):
    _, times = recording("2026-06-01", 7 * DAY)
    with pytest.raises(ValueError, match=sentence):
        pat.week_starts(worn, times)


def test_a_grid_that_is_not_of_minutes_is_refused():
    times = local_times(0, 30, 7 * DAY, BERLIN)
    with pytest.raises(ValueError, match="gapless grid of minutes"):
        pat.week_starts(np.ones(7 * DAY, dtype=bool), times)


def test_cut_weeks_are_copies_and_miss_what_was_missing_or_not_worn():
    counts, worn = np.arange(15 * DAY, dtype=float), np.ones(15 * DAY, dtype=bool)
    counts[7 * DAY + 3] = np.nan
    worn[7 * DAY + 5] = False
    weeks = pat.cut_weeks(counts, worn, np.array([0, 7 * DAY]))
    assert weeks.shape == (2, pat.WEEK_MIN)
    assert weeks.dtype == np.float32
    assert weeks[0, -1] == pat.WEEK_MIN - 1
    assert np.flatnonzero(np.isnan(weeks[1])).tolist() == [3, 5]
    weeks[:] = 0
    assert counts[5] == 5


def test_weeks_apart_share_no_minute():
    day = 1440
    starts = np.array([0, 1, 2, 6, 7, 8, 13, 20, 21]) * day
    assert (pat.weeks_apart(starts) // day).tolist() == [0, 7, 20]
    assert pat.weeks_apart(starts[:0]).tolist() == []
