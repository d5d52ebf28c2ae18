"""Oura's documents are read as they were written; asks no database."""

from __future__ import annotations

import pytest

from actigraphy.tests.export_vendors import document, fuzz, nights, packed, read, samples

NIGHT = {
    "id": "a1", "average_breath": 15.125, "average_heart_rate": 49.875, "bedtime_end": "2026-02-02T00:27:00.000+01:00",
    "bedtime_start": "2026-02-02T00:10:00.000+01:00", "day": "2026-02-02",
    "heart_rate": {"interval": 300.0, "items": [51.0, None, 54.0], "timestamp": "2026-02-02T00:10:00.000+01:00"},
    "hrv": {"interval": 300.0, "items": [None, 66, 70], "timestamp": "2026-02-02T00:10:00.000+01:00"},
    "readiness": {"temperature_deviation": -0.2}, "sleep_phase_5_min": "4221", "type": "long_sleep",
}  # fmt: skip
BEATS = [{"bpm": 60, "source": "awake", "timestamp": "2026-02-02T08:00:05+00:00"}]
SPO2 = [{"id": "b2", "day": "2026-02-02", "spo2_percentage": {"average": 97.2}}]
PAGE = document({"data": [NIGHT], "next_token": None})
EXPORT = document({"sleep": [NIGHT], "heartrate": BEATS, "daily_spo2": SPO2, "workout": [{"activity": "walking"}]})


def test_a_night_has_its_stages_and_no_more_than_its_time_in_bed():
    assert nights(read(PAGE, "oura")) == [
        ("2026-02-01T23:10:00", "2026-02-01T23:27:00", [["awake", 0, 300], ["light", 300, 900], ["deep", 900, 1020]]),
    ]  # fmt: skip


def test_heart_rate_and_variability_of_a_night_stand_at_their_intervals():
    taken = read(PAGE, "oura")
    assert samples(taken, "heart_rate") == [("2026-02-01T23:10:00", 51), ("2026-02-01T23:20:00", 54)]
    assert samples(taken, "hrv_rmssd") == [("2026-02-01T23:15:00", 66), ("2026-02-01T23:20:00", 70)]
    assert samples(taken, "respiratory_rate") == [("2026-02-01T23:10:00", pytest.approx(15.12, abs=0.01))]


def test_an_export_has_all_documents_and_counts_those_that_are_not_kept():
    taken = read(EXPORT, "oura")
    assert samples(taken, "heart_rate")[-1] == ("2026-02-02T08:00:05", 60)
    assert samples(taken, "spo2") == [("2026-02-01T23:00:00", pytest.approx(97.2))]
    assert dict(taken.left_out) == {("other", "not_kept_here"): 1}
    assert {sender for sender, _ in taken.batch().columns} == {("ring", "Oura")}
    assert samples(read(packed({"oura/export.json": EXPORT}), "oura"), "heart_rate") == samples(taken, "heart_rate")


def test_documents_of_the_first_version_are_read_and_0_is_no_reading():
    old = {"bedtime_start": "2020-02-02T00:10:00+01:00", "bedtime_end": "2020-02-02T00:20:00+01:00",
           "hypnogram_5min": "23", "hr_5min": [0, 52], "rmssd_5min": [40, 0], "breath_average": 14.5}  # fmt: skip
    taken = read(document({"sleep": [old]}), "oura")
    assert nights(taken) == [("2020-02-01T23:10:00", "2020-02-01T23:20:00", [["light", 0, 300], ["rem", 300, 600]])]
    assert samples(taken, "heart_rate") == [("2020-02-01T23:15:00", 52)]
    assert samples(taken, "hrv_rmssd") == [("2020-02-01T23:10:00", 40)]
    assert samples(taken, "respiratory_rate") == [("2020-02-01T23:10:00", 14.5)]


@pytest.mark.parametrize(
    ("changed", "left_out"),
    [
        ({"bedtime_start": "2026-02-02T00:10:00"}, ("sleep", "wrong_time")),
        ({"bedtime_end": None}, ("sleep", "wrong_time")),
        ({"type": "deleted"}, ("sleep", "not_kept_here")),
        ({"sleep_phase_5_min": "4227"}, ("sleep", "unknown_stage")),
        ({"hrv": {"interval": 0, "items": [1], "timestamp": "2026-02-02T00:10:00+01:00"}}, ("hrv", "wrong_time")),
        ({"average_breath": 900}, ("respiratory_rate", "implausible_value")),
    ],
)
def test_what_cannot_be_true_is_left_out_by_name(changed, left_out):
    assert dict(read(document({"data": [NIGHT | changed]}), "oura").left_out) == {left_out: 1}


def test_a_night_without_a_hypnogram_is_time_in_bed():
    (night,) = nights(read(document({"data": [NIGHT | {"sleep_phase_5_min": None}]}), "oura"))
    assert night[2] == [["in_bed", 0, 1020]]


@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_changed_only_a_named_error_escapes(seed):
    fuzz(EXPORT, seed)
