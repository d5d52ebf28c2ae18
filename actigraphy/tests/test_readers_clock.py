"""Wall clocks, summer time, gaps and offsets, as readers place them on a UTC grid."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from actigraphy.readers import ColumnMapping, UnreadableRecording, text
from actigraphy.tests.recording_files import OSLO, SIMPLE, actilife, agd, awd, depresjon, minutes, read, table
from novamind import clock

SPRING, AUTUMN = datetime(2024, 3, 31, 1, tzinfo=UTC), datetime(2024, 10, 27, 1, tzinfo=UTC)


def walls(first_utc: datetime, n: int, zone: ZoneInfo, step_s: int = 60) -> list[datetime]:
    """What a clock that follows the changes shows."""
    steps = (first_utc + timedelta(seconds=step_s * at) for at in range(n))
    return [moment.astimezone(zone).replace(tzinfo=None) for moment in steps]


def codes(recording: object) -> list[str]:
    return [notice.code for notice in recording.notices]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("zone", "change"),
    [
        ("Europe/Oslo", SPRING),
        ("Europe/Oslo", AUTUMN),
        ("America/New_York", datetime(2024, 3, 10, 7, tzinfo=UTC)),
        ("America/New_York", datetime(2024, 11, 3, 6, tzinfo=UTC)),
        ("Australia/Sydney", datetime(2024, 4, 6, 16, tzinfo=UTC)),
        ("Australia/Lord_Howe", datetime(2024, 4, 6, 15, tzinfo=UTC)),
        ("Australia/Lord_Howe", datetime(2024, 10, 5, 15, 30, tzinfo=UTC)),
    ],
)
def test_a_clock_that_follows_summer_time_gives_contiguous_utc(zone: str, change: datetime) -> None:
    first = change - timedelta(hours=5)
    recording = read(depresjon(walls(first, 600, ZoneInfo(zone))), tz=ZoneInfo(zone))
    assert recording.start_s == int(first.timestamp())
    assert np.array_equal(recording.activity, np.arange(600))


def test_an_autumn_night_keeps_both_passes_of_its_double_hour() -> None:
    recording = read(depresjon(walls(AUTUMN - timedelta(hours=2), 240, OSLO)))
    assert len(recording) == 240
    assert codes(recording) == ["double_hour"]
    local = clock.local_times(recording.start_s, 60, 240, OSLO)
    assert int((local.hour_of_day == 2).sum()) == 120


def test_a_double_hour_with_missing_minutes_keeps_them_missing() -> None:
    stamps = walls(AUTUMN - timedelta(hours=2), 240, OSLO)
    kept = [at for at in range(240) if not 100 <= at < 140]
    recording = read(depresjon([stamps[at] for at in kept], kept))
    expected = np.arange(240.0)
    expected[100:140] = np.nan
    assert np.array_equal(recording.activity, expected, equal_nan=True)


@pytest.mark.parametrize("change", [SPRING, AUTUMN])
def test_a_device_that_ignores_summer_time_is_read_in_elapsed_order(change: datetime) -> None:
    first = (change - timedelta(hours=5)).astimezone(OSLO).replace(tzinfo=None)
    recording = read(depresjon(minutes(str(first), 600)))
    assert recording.start_s == int((change - timedelta(hours=5)).timestamp())
    assert np.array_equal(recording.activity, np.arange(600))
    assert codes(recording) == ["clock_not_changed"]


def test_a_recording_begun_in_the_second_pass_runs_on_without_a_gap() -> None:
    recording = read(depresjon(minutes("2024-10-27 02:30", 120)))
    assert recording.start_s == int(datetime(2024, 10, 27, 1, 30, tzinfo=UTC).timestamp())
    assert not np.isnan(recording.activity).any()


def test_an_awd_counts_elapsed_time_through_the_change() -> None:
    recording = read(awd(range(2880), date="30-Mar-2024", time="12:00"))
    assert (len(recording), recording.epoch_s) == (2880, 60)
    assert recording.start_s == int(datetime(2024, 3, 30, 11, tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    "make",
    [lambda n: agd(minutes("2024-03-30 18:00", n), range(n)), lambda n: actilife(map(str, range(n)), header="Axis1")],
)
def test_an_actigraph_without_clock_change_has_no_gap(make) -> None:
    assert np.array_equal(read(make(1000)).activity, np.arange(1000))


def test_missing_minutes_are_missing_and_counted() -> None:
    stamps = minutes("2024-01-10 12:00", 400)
    kept = [at for at in range(400) if not (10 <= at < 15 or 100 <= at < 300)]
    recording = read(depresjon([stamps[at] for at in kept], kept))
    assert len(recording) == 400
    assert int(np.isnan(recording.activity).sum()) == 205
    assert np.array_equal(np.flatnonzero(~np.isnan(recording.activity)), kept)
    assert codes(recording) == ["short_gap_filled_missing", "clock_gap"]
    assert "5 minutes" in recording.notices[0].detail
    assert "3.3 hours" in recording.notices[1].detail


@pytest.mark.parametrize(
    "rows",
    [
        ["2024-01-10T12:00:00+01:00,1", "2024-01-10T12:01:00+01:00,2", "2024-01-10T12:02:00+01:00,3"],
        ["2024-01-10T11:00:00Z,1", "2024-01-10T11:01:00Z,2", "2024-01-10T11:02:00Z,3"],
        ["2024-01-10 12:00+0100,1", "2024-01-10 12:01+0100,2", "2024-01-10 12:02+0100,3"],
        ["2024-01-10 06:00:00.000 -05:00,1", "2024-01-10 06:01:00.000 -05:00,2", "2024-01-10 06:02:00.000 -05:00,3"],
        ["1704884400,1", "1704884460,2", "1704884520,3"],
    ],
)
def test_offsets_in_the_file_go_before_the_zone_given(rows: list[str]) -> None:
    recording = read(table(rows), tz=ZoneInfo("Asia/Tokyo"), columns=SIMPLE)
    assert recording.start_s == int(datetime(2024, 1, 10, 11, tzinfo=UTC).timestamp())
    assert (recording.zone, recording.zone_evidence) == ("Asia/Tokyo", "file")


@pytest.mark.parametrize(
    ("rows", "day_first"),
    [
        (["10/01/2024 12:00,1", "10/01/2024 12:01,2"], True),
        (["01/10/2024 12:00 PM,1", "01/10/2024 12:01 PM,2"], False),
        (["10.01.2024 12:00:00,1", "10.01.2024 12:01:00,2"], True),
        (["2024/1/10 12:00,1", "2024/1/10 12:01,2"], None),
        (["2024-01-10T12:00,1", "2024-01-10T12:01,2"], None),
    ],
)
def test_common_ways_to_write_a_wall_clock_are_understood(rows: list[str], day_first: bool | None) -> None:
    columns = ColumnMapping(time="time", activity="activity", day_first=day_first)
    assert read(table(rows), columns=columns).start_s == int(datetime(2024, 1, 10, 11, tzinfo=UTC).timestamp())


def test_the_order_of_day_and_month_is_found_in_the_dates() -> None:
    rows = [f"{moment:%d/%m/%Y %H:%M},1" for moment in minutes("2024-01-31 22:00", 300)]
    assert read(table(rows), columns=SIMPLE).start_s == int(datetime(2024, 1, 31, 21, tzinfo=UTC).timestamp())
    rows = [f"{moment:%m/%d/%Y %I:%M %p},1" for moment in minutes("2024-03-04 22:00", 300)]
    assert read(table(rows), columns=SIMPLE).start_s == int(datetime(2024, 3, 4, 21, tzinfo=UTC).timestamp())


def test_dates_that_leave_the_order_open_are_refused() -> None:
    with pytest.raises(UnreadableRecording) as refused:
        read(table(["03/04/2024 12:00,1", "03/04/2024 12:01,2"]), columns=SIMPLE)
    assert refused.value.code == "ambiguous_dates"


def test_stamps_that_wander_by_seconds_are_put_on_the_grid() -> None:
    stamps = minutes("2024-01-10 12:00", 100)
    stamps[50:] = [stamp + timedelta(seconds=5) for stamp in stamps[50:]]
    recording = read(depresjon(stamps))
    assert np.array_equal(recording.activity, np.arange(100))
    assert codes(recording) == ["off_grid"]


def test_a_clock_never_set_is_flagged_and_read() -> None:
    assert "year_before_2000" in codes(read(depresjon(minutes("1970-01-01 00:00", 100))))


def test_a_recording_may_end_now_but_not_in_the_future(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: datetime(2024, 1, 10, 12, 0, tzinfo=UTC))
    assert len(read(depresjon(minutes("2024-01-10 12:11", 60)))) == 60  # to 13:10 in Oslo, ten minutes ahead
    for data in (depresjon(minutes("2024-01-10 12:12", 60)), awd(range(60), date="10-Jan-2024", time="12:12")):
        with pytest.raises(UnreadableRecording) as refused:
            read(data)
        assert refused.value.code == "in_the_future"


def test_the_order_of_day_and_month_may_show_only_in_a_later_block(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [f"{moment:%d/%m/%Y %H:%M},{at}" for at, moment in enumerate(minutes("2024-02-11 12:00", 3000))]
    monkeypatch.setattr(text, "CHUNK_BYTES", 2000)
    recording = read(table(rows), columns=SIMPLE)
    assert recording.start_s == int(datetime(2024, 2, 11, 11, tzinfo=UTC).timestamp())
    assert np.array_equal(recording.activity, np.arange(3000))


def test_an_offset_that_appears_in_a_later_block_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [f"{moment}{'' if at < 500 else 'Z'},1" for at, moment in enumerate(minutes("2024-02-11 12:00", 1000))]
    monkeypatch.setattr(text, "CHUNK_BYTES", 200)
    with pytest.raises(UnreadableRecording) as refused:
        read(table(rows), columns=SIMPLE)
    assert (refused.value.code, refused.value.line) == ("mixed_offsets", 502)
