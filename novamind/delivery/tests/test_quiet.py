"""Quiet hours to the minute, in the nights in which clocks change too."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from novamind import clock
from novamind.delivery.quiet import end_of_quiet, hours_of


@pytest.mark.parametrize(
    ("zone", "hours", "begins", "ends"),
    [
        # The hour from 2 to 3 is skipped: 2:30 is the instant it would have been, 3:30.
        ("Europe/Oslo", "21:00-02:30", "2027-03-27 20:00", "2027-03-28 01:30"),
        ("America/New_York", "21:00-02:30", "2027-03-14 02:00", "2027-03-14 07:30"),
        ("Europe/Oslo", "02:15-02:45", "2027-03-28 01:15", "2027-03-28 01:45"),
        ("Europe/Oslo", "02:30-07:00", "2027-03-28 01:30", "2027-03-28 05:00"),
        ("Europe/Oslo", "21:00-08:00", "2027-03-27 20:00", "2027-03-28 06:00"),
        # It comes twice: from the first 2:15 on, to the second 2:30.
        ("Europe/Oslo", "21:00-02:30", "2027-10-30 19:00", "2027-10-31 01:30"),
        ("America/New_York", "21:00-01:30", "2027-11-07 01:00", "2027-11-07 06:30"),
        ("Europe/Oslo", "02:15-02:45", "2027-10-31 00:15", "2027-10-31 01:45"),
        ("America/New_York", "01:30-07:00", "2027-11-07 05:30", "2027-11-07 12:00"),
        ("America/New_York", "21:00-08:00", "2027-11-07 01:00", "2027-11-07 13:00"),
        # And in a night like any other.
        ("Europe/Oslo", "21:00-08:00", "2027-05-02 19:00", "2027-05-03 06:00"),
    ],
)
def test_quiet_hours_are_one_stretch_to_the_minute(zone, hours, begins, ends):
    first, last = (datetime.fromisoformat(one).replace(tzinfo=UTC) for one in (begins, ends))
    moment, stop = first - timedelta(hours=2), last + timedelta(hours=2)
    quiet = []
    while moment < stop:
        if (end := end_of_quiet(moment, hours_of(hours), clock.zone(zone))) is not None:
            assert end == last
            quiet.append(moment)
        moment += timedelta(minutes=1)
    assert (quiet[0], quiet[-1]) == (first, last - timedelta(minutes=1))
    assert len(quiet) == (last - first) / timedelta(minutes=1)


def test_without_hours_nothing_is_quiet():
    moment = datetime(2027, 5, 2, 23, tzinfo=UTC)
    assert end_of_quiet(moment, None, clock.zone("UTC")) is None
    assert end_of_quiet(moment, hours_of("21:00-21:00"), clock.zone("UTC")) is None
