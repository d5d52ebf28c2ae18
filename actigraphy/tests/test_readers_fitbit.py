"""Fitbit's archive and Google Takeout are read as they were written; asks no database."""

from __future__ import annotations

import io
import json

import pytest

from actigraphy.exports import detect_export
from actigraphy.tests.export_vendors import document, fuzz, nights, packed, points, read, refused, samples

EXPORT = "Takeout/Fitbit/Global Export Data/"
HEART = document([
    {"dateTime": "01/31/26 23:00:06", "value": {"bpm": 61, "confidence": 2}},
    {"dateTime": "01/31/26 23:00:11", "value": {"bpm": 70, "confidence": 0}},
    {"dateTime": "02/01/26 22:59:57", "value": {"bpm": 62, "confidence": 3}},
])  # fmt: skip
STEPS = document([{"dateTime": "02/01/26 08:00:00", "value": "12"}, {"dateTime": "02/01/26 08:01:00", "value": "0"}])
LOG = {
    "logId": 44632289206, "dateOfSleep": "2026-02-02", "startTime": "2026-02-01T23:10:30.000",
    "endTime": "2026-02-02T00:10:30.000", "duration": 3600000, "type": "stages", "mainSleep": True,
    "levels": {
        "summary": {"deep": {"count": 1, "minutes": 30}},
        "data": [
            {"dateTime": "2026-02-01T23:10:30.000", "level": "light", "seconds": 1800},
            {"dateTime": "2026-02-01T23:40:30.000", "level": "deep", "seconds": 1800},
        ],
        "shortData": [{"dateTime": "2026-02-01T23:20:30.000", "level": "wake", "seconds": 60}],
    },
}  # fmt: skip
SLEEP = document([LOG])
DETAILS = "timestamp,rmssd,coverage,low_frequency,high_frequency\n2026-02-02T03:00:00,38.25,0.93,512.1,301.2\n"
ALL = packed({
    f"{EXPORT}heart_rate-2026-02-01.json": HEART,
    f"{EXPORT}steps-2026-02-01.json": STEPS,
    f"{EXPORT}calories-2026-02-01.json": document([{"dateTime": "02/01/26 08:00:00", "value": "1.13"}]),
    f"{EXPORT}sleep-2026-02-01.json": SLEEP,
    "Takeout/Fitbit/Heart Rate Variability/Heart Rate Variability Details - 2026-02-02.csv": DETAILS,
    "Takeout/Fitbit/Heart Rate Variability/Daily Respiratory Rate Summary - 2026-02-02.csv":
        "timestamp,daily_respiratory_rate\n2026-02-02T00:00:00,14.2\n",
    "Takeout/Fitbit/Oxygen Saturation (SpO2)/Daily SpO2 - 2026-02-01-2026-02-28.csv":
        "timestamp,average_value,lower_bound,upper_bound\n2026-02-02T00:00:00Z,95.5,92.0,98.0\n",
})  # fmt: skip


def test_heart_rate_and_steps_are_utc_and_what_was_no_reading_is_left_out():
    taken = read(ALL, "fitbit")
    assert samples(taken, "heart_rate") == [("2026-01-31T23:00:06", 61), ("2026-02-01T22:59:57", 62)]
    assert taken.left_out["heart_rate", "not_measured"] == 1
    assert samples(taken, "steps") == [("2026-02-01T08:00:00", 12), ("2026-02-01T08:01:00", 0)]


def test_stages_of_sleep_are_on_the_patients_wall_clock_and_short_waking_counts():
    assert nights(read(ALL, "fitbit")) == [
        ("2026-02-01T22:10:30", "2026-02-01T23:10:30",
         [["light", 0, 600], ["awake", 600, 660], ["light", 660, 1800], ["deep", 1800, 3600]]),
    ]  # fmt: skip


def test_a_night_of_a_clock_change_keeps_its_length_and_the_offset_it_began_with():
    autumn = json.loads(
        SLEEP.decode().replace("2026-02-01", "2025-10-26").replace("T23:10", "T02:10").replace("T23:", "T02:")
    )
    (night,) = nights(read(document(autumn), "fitbit"))
    assert night[:2] == ("2025-10-26T00:10:30", "2025-10-26T01:10:30")


def test_sleep_without_stages_is_asleep_and_restless_minutes_are_awake():
    levels = {"data": [{"dateTime": "2026-02-01T23:10:00.000", "level": level, "seconds": 600} for level in ("asleep",)]
              + [{"dateTime": "2026-02-01T23:20:00.000", "level": "restless", "seconds": 60},
                 {"dateTime": "2026-02-01T23:21:00.000", "level": "dreaming", "seconds": 60}]}  # fmt: skip
    taken = read(document([LOG | {"type": "classic", "levels": levels}]), "fitbit")
    assert [night[2] for night in nights(taken)] == [[["asleep", 0, 600], ["awake", 600, 660]]]
    assert dict(taken.left_out) == {("sleep", "unknown_stage"): 1}


def test_variability_passes_a_double_hour_twice():
    walls = ("02:50:00", "02:55:00", "02:00:00", "02:05:00", "03:00:00")
    table = "timestamp,rmssd,coverage,low_frequency,high_frequency\n" + "".join(
        f"2025-10-26T{wall},{40 + n},0.9,1,1\n" for n, wall in enumerate(walls)
    )
    assert samples(read(table.encode(), "fitbit"), "hrv_rmssd") == [
        ("2025-10-26T00:50:00", 40), ("2025-10-26T00:55:00", 41), ("2025-10-26T01:00:00", 42),
        ("2025-10-26T01:05:00", 43), ("2025-10-26T02:00:00", 44),
    ]  # fmt: skip


def test_a_value_of_a_night_that_has_a_date_alone_stands_at_local_midnight():
    taken = read(ALL, "fitbit")
    assert samples(taken, "respiratory_rate") == [("2026-02-01T23:00:00", 14.2)]
    assert samples(taken, "spo2") == [("2026-02-01T23:00:00", 95.5)]


def test_oxygen_by_the_minute_takes_the_place_of_the_nights_and_leaves_out_what_was_not_measured():
    folder = "Takeout/Fitbit/Oxygen Saturation (SpO2)/"
    taken = read(packed({
        f"{folder}Daily SpO2 - 2026-02-01-2026-02-28.csv":
            "timestamp,average_value,lower_bound,upper_bound\n2026-02-02T00:00:00Z,95.5,92.0,98.0\n",
        f"{folder}Minute SpO2 - 2026-02-02.csv":
            "timestamp,value\n2026-02-02T01:00:00Z,96.4\n2026-02-02T01:01:00Z,50.0\n2026-02-02T01:02:00,95\n",
    }), "fitbit")  # fmt: skip
    assert samples(taken, "spo2") == [("2026-02-02T01:00:00", 96.4)]
    assert dict(taken.left_out) == {("spo2", "not_measured"): 1, ("spo2", "wrong_time"): 1}


def test_googles_tables_take_the_place_of_the_same_in_json_and_tell_the_devices_apart():
    folder = "Takeout/Fitbit/Physical Activity_GoogleData/"
    taken = read(packed({
        f"{EXPORT}heart_rate-2026-02-01.json": HEART,
        f"{EXPORT}steps-2026-02-01.json": STEPS,
        f"{folder}heart_rate_2026-02-01.csv": "timestamp,beats per minute,data source\n"
                                              "2026-02-01T08:00:03Z,72.0,Charge 5\n",
        f"{folder}resting_heart_rate_2026-02-01.csv": "timestamp,beats per minute,data source\n"
                                                      "2026-02-01T08:00:00Z,51,App\n",
        f"{folder}steps_2026-02-01.csv": "timestamp,steps,data source\n2026-02-01T08:00:00Z,20,Pixel Watch\n"
                                         "2026-02-01T08:00:00Z,18,Phone\n",
        f"{folder}weight.csv": "timestamp,weight grams,data source\n2026-02-01T06:00:00Z,69500,Aria\n",
    }), "fitbit")  # fmt: skip
    assert samples(taken, "heart_rate") == [("2026-02-01T08:00:03", 72)]
    assert sorted((sender.device_id, parts[0][1].tolist()) for (sender, channel), parts in taken.batch().columns.items()
                  if channel == "steps") == [("Phone", [18]), ("Pixel Watch", [20])]  # fmt: skip
    assert points(taken) == [("weight", "2026-02-01T06:00:00", {"kg": 69.5})]


@pytest.mark.parametrize("content", [HEART, SLEEP, DETAILS.encode(), b"\xef\xbb\xbf" + HEART])
def test_a_single_file_is_found_by_what_it_says(content):
    assert detect_export(io.BytesIO(content)) == "fitbit"


@pytest.mark.parametrize("content", [STEPS, b"[]", b'[{"dateTime": 1}]', b"timestamp,value\n2026-02-02T01:00:00Z,96\n"])
def test_a_single_file_that_could_be_many_things_is_none(content):
    assert detect_export(io.BytesIO(content)) is None


def test_a_file_that_stops_too_early_is_damaged():
    assert refused(HEART[:-20], "fitbit") == "damaged_export"
    assert refused(packed({f"{EXPORT}heart_rate-2026-02-01.json": HEART + b"]"}), "fitbit") == "damaged_export"


def test_an_item_that_never_ends_is_refused_before_it_is_gathered():
    head = HEART[:-1] + b', {"x": "'
    assert refused(head + b"x" * (9 << 20), "fitbit") == "item_too_long"
    assert refused(head[:-5] + b"," + b"[" * 200_000, "fitbit") in {"too_deep", "damaged_export"}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("content", [HEART, SLEEP, DETAILS.encode(), ALL], ids=["heart", "sleep", "details", "zip"])
def test_whatever_is_changed_only_a_named_error_escapes(content, seed):
    fuzz(content, seed)
