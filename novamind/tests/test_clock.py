"""Local time: days of 23 and 25 hours, nights, and the way back from a wall clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from novamind import clock

OSLO, LORD_HOWE, CAIRO, APIA = (
    ZoneInfo(n) for n in ("Europe/Oslo", "Australia/Lord_Howe", "Africa/Cairo", "Pacific/Apia")
)
ZONES = st.sampled_from(
    [
        "Europe/Oslo", "America/New_York", "America/St_Johns", "Australia/Lord_Howe", "Africa/Cairo",
        "Asia/Kolkata", "Asia/Kathmandu", "Pacific/Apia", "Pacific/Chatham", "America/Sao_Paulo",
        "Africa/Casablanca", "Asia/Tehran", "UTC",
        "Europe/Dublin", "America/Asuncion",
    ]
)  # fmt: skip


def stamp(*when: int) -> int:
    return int(datetime(*when, tzinfo=UTC).timestamp())


def hours_of(day: date, tz: ZoneInfo) -> float:
    return (clock.midnight(day + timedelta(days=1), tz) - clock.midnight(day, tz)) / timedelta(hours=1)


@pytest.mark.parametrize(
    ("tz", "day", "hours"),
    [
        (OSLO, date(2026, 3, 29), 23),
        (OSLO, date(2026, 10, 25), 25),
        (OSLO, date(2026, 6, 1), 24),
        (LORD_HOWE, date(2026, 4, 5), 24.5),
        (LORD_HOWE, date(2026, 10, 4), 23.5),
    ],
)
def test_a_day_is_as_long_as_its_place_makes_it(tz, day, hours):
    assert hours_of(day, tz) == hours


def test_where_midnight_does_not_exist_the_day_begins_after_the_gap():
    began = clock.midnight(date(2024, 4, 26), CAIRO)  # 00:00 became 01:00
    assert began == datetime(2024, 4, 25, 22, tzinfo=UTC)
    assert began.astimezone(CAIRO).hour == 1
    assert hours_of(date(2024, 4, 26), CAIRO) == 23


def test_where_midnight_comes_twice_the_day_begins_with_the_later_one_ended():
    assert hours_of(date(2024, 10, 31), CAIRO) == 25  # 24:00 became 23:00


def test_a_night_runs_noon_to_noon_and_bears_the_date_of_its_evening():
    start, end = clock.night_window(date(2026, 3, 28), OSLO)
    assert (end - start) == timedelta(hours=23)
    assert clock.night_of(start, OSLO) == date(2026, 3, 28)
    assert clock.night_of(end - timedelta(seconds=1), OSLO) == date(2026, 3, 28)
    assert clock.night_of(end, OSLO) == date(2026, 3, 29)


@given(name=ZONES, second=st.integers(stamp(1995, 1, 1), stamp(2037, 1, 1)))
def test_night_of_and_night_window_agree(name, second):
    tz, moment = clock.zone(name), clock.from_epoch(second)
    start, end = clock.night_window(clock.night_of(moment, tz), tz)
    assert start <= moment < end


def test_the_two_passes_of_a_double_hour_are_told_apart_by_fold():
    wall = datetime(2026, 10, 25, 2, 30)
    assert clock.resolve_local(wall, OSLO) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert clock.resolve_local(wall, OSLO, fold=1) == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)


def test_an_aware_time_is_no_wall_clock():
    with pytest.raises(ValueError, match="no zone"):
        clock.resolve_local(datetime(2026, 1, 1, tzinfo=UTC), OSLO)


@pytest.mark.parametrize("name", ["", "Nowhere/Town", "../etc/passwd", "Europe", "a\x00b", "/etc/localtime"])
def test_what_is_no_zone_is_refused(name):
    with pytest.raises(ValueError, match="unknown time zone"):
        clock.zone(name)


def test_the_zones_a_form_offers_all_exist():
    assert "Europe/Oslo" in clock.zone_names()
    assert len(clock.zone_names()) > 300
    for name in clock.zone_names():
        clock.zone(name)


@settings(max_examples=60, deadline=None)
@given(
    name=ZONES,
    start=st.integers(stamp(1995, 1, 1) // 60, stamp(2036, 1, 1) // 60),
    epoch_s=st.sampled_from([60, 900, 3600]),
)
def test_local_times_are_those_of_the_standard_library(name, start, epoch_s):
    tz = clock.zone(name)
    times = clock.local_times(60 * start, epoch_s, 400, tz)
    for k in range(0, 400, 7):
        local = datetime.fromtimestamp(60 * start + k * epoch_s, tz)
        assert clock.date_from_ordinal_day(times.day[k]) == local.date()
        assert times.second_of_day[k] == local.hour * 3600 + local.minute * 60 + local.second
        assert times.hour_of_day[k] == local.hour
        assert clock.date_from_ordinal_day(times.night[k]) == clock.night_of(local, tz)


@settings(max_examples=150, deadline=None)
@given(
    name=ZONES.filter(lambda name: name != "Pacific/Apia"),
    start=st.integers(stamp(1995, 1, 1) // 60, stamp(2036, 1, 1) // 60),
    days=st.integers(1, 40),
)
def test_a_recording_by_the_minute_finds_back_from_its_wall_clock(name, start, days):
    tz = clock.zone(name)
    times = clock.local_times(60 * start, 60, days * 1440, tz)
    back = clock.localize(times.local_s, tz)
    unsure = ambiguous_at_the_edge(times, tz)
    assert np.array_equal(back[~unsure], times.utc_s[~unsure])


def ambiguous_at_the_edge(times: clock.LocalTimes, tz: ZoneInfo) -> np.ndarray:
    """Stamps of a double hour of which the file holds one pass only: nothing in the file tells which."""
    unsure = np.zeros(len(times), dtype=bool)
    first, last = int(times.utc_s[0]), int(times.utc_s[-1])
    changes = clock.transitions(first - 2 * clock.DAY_S, last + 2 * clock.DAY_S, tz)
    for (_, old), (at, new) in pairwise(changes):
        if new < old and not first < at <= last:
            unsure |= (times.local_s >= at + new) & (times.local_s < at + old)
    return unsure


def test_a_wall_time_that_was_skipped_is_read_as_if_the_clock_had_not_been_moved():
    walls = np.array([stamp(2026, 3, 29, 1, 59), stamp(2026, 3, 29, 2, 30), stamp(2026, 3, 29, 3, 30)])
    found = clock.localize(walls, OSLO)
    assert found.tolist() == [stamp(2026, 3, 29, 0, 59), stamp(2026, 3, 29, 1, 30), stamp(2026, 3, 29, 1, 30)]


def test_a_double_hour_is_split_where_the_clock_steps_back():
    walls = [stamp(2026, 10, 25, 2, m) for m in (0, 30)] * 2 + [stamp(2026, 10, 25, 3, 0)]
    found = clock.localize(np.array(walls), OSLO)
    assert found.tolist() == [stamp(2026, 10, 25, h, m) for h in (0, 1) for m in (0, 30)] + [stamp(2026, 10, 25, 2, 0)]


def test_nothing_is_localized_to_nothing():
    assert len(clock.localize(np.array([], dtype=np.int64), OSLO)) == 0
    assert len(clock.local_times(0, 60, 0, OSLO)) == 0


def test_a_day_that_a_country_left_out_has_no_local_minutes():
    times = clock.local_times(stamp(2011, 12, 29, 12), 3600, 72, APIA)
    assert date(2011, 12, 30) not in {clock.date_from_ordinal_day(day) for day in times.day}
