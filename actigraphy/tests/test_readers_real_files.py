"""Readers against real recordings and the values other software found in them."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from actigraphy.readers import ColumnMapping, read_recording

pytestmark = pytest.mark.data
OSLO = ZoneInfo("Europe/Oslo")
BRUSSELS = ZoneInfo("Europe/Brussels")
DST_FILES = ("control_1", "control_6", "control_7", "control_31", "control_32")
GOLD_CHANNELS = {
    "axis1": "axis1",
    "axis2": "axis2",
    "axis3": "axis3",
    "steps": "steps",
    "light": "lux",
    "inclinometer_off": "inclineoff",
    "inclinometer_standing": "inclinestanding",
    "inclinometer_sitting": "inclinesitting",
    "inclinometer_lying": "inclinelying",
}


def wall_start(start_s: int, zone: ZoneInfo) -> str:
    return datetime.fromtimestamp(start_s, zone).strftime("%Y-%m-%d %H:%M:%S")


@pytest.mark.parametrize(
    ("entry", "path", "zone"),
    [
        ("example_01.AWD", "actiwatch/example_01.AWD", BRUSSELS),
        ("example_02.AWD", "actiwatch/example_02.AWD", BRUSSELS),
        ("depresjon/condition_1.csv", "depresjon/condition/condition_1.csv", OSLO),
        ("depresjon/condition_5.csv", "depresjon/condition/condition_5.csv", OSLO),
        ("depresjon/condition_16.csv", "depresjon/condition/condition_16.csv", OSLO),
        ("test_sample.agd", "actigraph/test_sample.agd", BRUSSELS),
    ],
)
def test_start_epoch_count_and_sum_are_those_the_reference_found(
    entry: str, path: str, zone: ZoneInfo, shared_data: Path, shared_reference: Path
) -> None:
    known = json.loads((shared_reference / "actigraphy_values.json").read_text())["pyActigraphy"]["files"][entry]
    assert hashlib.sha256((shared_data / path).read_bytes()).hexdigest() == known["sha256"]
    recording = read_recording(shared_data / path, tz=zone)
    assert wall_start(recording.start_s, zone) == known["start"]
    assert recording.epoch_s == known["epoch_s"]
    assert len(recording) == known["n_epochs"]
    counts = recording.activity.astype(float)
    if recording.format == "actigraph_agd":  # the reference sums the vector magnitude
        counts = np.sqrt(sum(recording.channels[f"axis{at}"].astype(float) ** 2 for at in (1, 2, 3)))
    assert counts.sum() == pytest.approx(known["sum_counts"], rel=1e-9)


def test_all_55_depresjon_files_are_read_without_loss(shared_data: Path) -> None:
    paths = sorted((shared_data / "depresjon").glob("c*/c*.csv"))
    assert len(paths) == 55
    for path in paths:
        rows = path.read_text().splitlines()[1:]
        recording = read_recording(path, tz=OSLO)
        assert recording.format == "depresjon_csv"
        assert len(recording) == len(rows)
        assert not np.isnan(recording.activity).any()
        assert recording.activity.sum(dtype=float) == sum(int(row.rsplit(",", 1)[1]) for row in rows)
        assert wall_start(recording.start_s, OSLO) == rows[0][:19]
        assert wall_start(recording.start_s + 60 * (len(recording) - 1), OSLO) == rows[-1][:19]
        assert recording.notices == ()


@pytest.mark.parametrize("name", DST_FILES)
def test_the_hour_that_oslo_skipped_is_not_missing_data(name: str, shared_data: Path) -> None:
    path = shared_data / "depresjon" / "control" / f"{name}.csv"
    recording = read_recording(path, tz=OSLO)
    before = int(datetime(2003, 3, 30, 0, 59, tzinfo=UTC).timestamp())
    rows = path.read_text().splitlines()[1:]
    at = next(n for n, row in enumerate(rows) if row.startswith("2003-03-30 01:59"))
    assert recording.start_s + 60 * at == before
    assert rows[at + 1].startswith("2003-03-30 03:00")
    assert wall_start(before + 60, OSLO) == "2003-03-30 03:00:00"
    assert recording.notices == ()


@pytest.mark.parametrize("name", DST_FILES)
def test_in_a_zone_without_summer_time_that_same_hour_is_a_gap(name: str, shared_data: Path) -> None:
    recording = read_recording(shared_data / "depresjon" / "control" / f"{name}.csv", tz=ZoneInfo("UTC"))
    assert int(np.isnan(recording.activity).sum()) == 60
    assert [notice.code for notice in recording.notices] == ["short_gap_filled_missing"]


def test_the_button_presses_of_an_actiwatch_are_kept_and_the_name_is_not(shared_data: Path) -> None:
    recording = read_recording(shared_data / "actiwatch" / "example_01.AWD", tz=BRUSSELS)
    pressed = np.flatnonzero(recording.channels["marker"])
    assert len(pressed) == 22
    assert (pressed[0], recording.activity[pressed[0]]) == (1198 - 8, 71)
    assert recording.device_serial == "V664055"
    assert recording.device_model == "Actiwatch-4"
    assert [notice.code for notice in recording.notices] == ["year_before_2000", "marker_lines"]
    assert "example_01" not in repr(recording)


@pytest.mark.parametrize("name", ["GT3XPlus-RawData-Day01", "ActiSleepPlus-RawData-Day01"])
def test_an_agd_and_its_csv_twin_agree_channel_by_channel(name: str, shared_data: Path) -> None:
    gold = shared_data / "actigraph" / "actilife_gold"
    database = read_recording(gold / f"{name}.agd", tz=ZoneInfo("UTC"))
    columns = ColumnMapping(time="timestamp", activity="axis1", channels=GOLD_CHANNELS)
    twin = read_recording(gold / f"{name}.csv", tz=OSLO, columns=columns)
    assert (twin.start_s, twin.epoch_s, twin.zone_evidence) == (database.start_s, database.epoch_s, "file")
    assert np.array_equal(twin.activity, database.activity)
    assert set(database.channels) == set(GOLD_CHANNELS)
    for channel in GOLD_CHANNELS:
        assert np.array_equal(twin.channels[channel], database.channels[channel]), channel


@pytest.mark.parametrize("name", ["GT3XPlus-RawData-Day01", "ActiSleepPlus-RawData-Day01"])
def test_six_ten_second_epochs_sum_to_actilife_s_minute(name: str, shared_data: Path) -> None:
    gold = shared_data / "actigraph" / "actilife_gold"
    fine = read_recording(gold / f"{name}.agd", tz=ZoneInfo("UTC"))
    columns = ColumnMapping(time="timestamp", activity="axis1", channels={"axis2": "axis2", "axis3": "axis3"})
    coarse = read_recording(gold / f"{name}-10sec60sec.csv", tz=OSLO, columns=columns)
    whole = len(fine) // 6
    assert np.array_equal(fine.activity[: whole * 6].reshape(whole, 6).sum(axis=1), coarse.activity[:whole])
    for axis in ("axis2", "axis3"):
        sums = fine.channels[axis][: whole * 6].reshape(whole, 6).sum(axis=1)
        assert np.array_equal(sums, coarse.channels[axis][:whole])


def test_actilife_s_own_table_with_am_and_pm_starts_when_its_database_does(shared_data: Path) -> None:
    gold = shared_data / "actigraph" / "actilife_gold"
    columns = ColumnMapping(date="Date", time="Time", activity="Axis1", channels={"vector_magnitude": "VM"})
    minute = read_recording(gold / "GT3XPlus-RawData-Day01-Sadeh.csv", tz=OSLO, columns=columns)
    database = read_recording(gold / "GT3XPlus-RawData-Day01.agd", tz=OSLO)
    assert (minute.start_s, len(minute)) == (database.start_s, 1500)
    assert minute.activity.sum(dtype=float) == database.activity.sum(dtype=float) == 470640
