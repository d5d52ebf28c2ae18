"""Withings' tables are read as they were written; asks no database."""

from __future__ import annotations

import io

import pytest

from actigraphy.exports import detect_export
from actigraphy.tests.export_vendors import fuzz, nights, packed, points, read, samples

RAW = "start,duration,value\n"
HEART = f'{RAW}2026-02-01T12:50:26+01:00,[60],[71]\n2026-02-01T13:45:36+01:00,"[60,10]","[80,82]"\n'
WEIGHT = 'Date,"Weight (kg)","Fat mass (kg)","Bone mass (kg)","Muscle mass (kg)","Hydration (kg)",Comments\n' \
         '"2026-02-02 07:00:00",70.50,14.1,3.1,53.2,,\n'  # fmt: skip
PRESSURE = (
    'Date,"Heart rate",Systolic,Diastolic,Comments\n"2026-02-02 07:05:00",64,121,79,\n"2026-02-02 07:06:00",,130,,\n'
)
NIGHT = 'from,to,"light (s)","deep (s)","rem (s)","awake (s)"\n' \
        "2026-02-01T23:10:00+01:00,2026-02-02T06:10:00+01:00,14400,7200,3600,0\n"  # fmt: skip
STATES = f'{RAW}2026-02-01T23:10:00+01:00,"[300,600,60]","[1,2,0]"\n2026-02-01T23:26:00+01:00,[60],[3]\n'
ALL = packed({
    "data_ADA_1/README.txt": "Below are the details of the data you've exported from Health Mate:",
    "data_ADA_1/raw_tracker_hr.csv": HEART,
    "data_ADA_1/raw_tracker_distance.csv": f"{RAW}2026-02-01T12:50:26+01:00,[60],[41.2]\n",
    "data_ADA_1/raw_tracker_steps.csv": f"{RAW}2026-02-01T12:50:00+01:00,[120],[60]\n",
    "data_ADA_1/raw_tracker_sleep-state.csv": STATES,
    "data_ADA_1/raw_bed_respiratory-rate.csv": f"{RAW}2026-02-02T01:00:00+01:00,[60],[13]\n",
    "data_ADA_1/raw_spo2_auto_spo2.csv": f"{RAW}2026-02-02T01:00:00+01:00,[60],[96]\n",
    "data_ADA_1/weight.csv": WEIGHT,
    "data_ADA_1/bp.csv": PRESSURE,
})  # fmt: skip


def test_values_of_a_list_follow_each_other_by_their_durations():
    taken = read(ALL, "withings")
    assert samples(taken, "heart_rate")[1:] == [
        ("2026-02-01T11:50:26", 71), ("2026-02-01T12:45:36", 80), ("2026-02-01T12:46:36", 82),
    ]  # fmt: skip
    assert samples(taken, "spo2") == [("2026-02-02T00:00:00", 96)]
    assert samples(taken, "respiratory_rate") == [("2026-02-02T00:00:00", 13)]


def test_steps_are_spread_over_their_minutes():
    assert samples(read(ALL, "withings"), "steps") == [("2026-02-01T11:50:00", 30), ("2026-02-01T11:51:00", 30)]


def test_states_of_sleep_are_stages_and_a_sleep_monitor_tells_sleep_alone():
    assert nights(read(ALL, "withings")) == [
        ("2026-02-01T22:10:00", "2026-02-01T22:27:00",
         [["light", 0, 300], ["deep", 300, 900], ["awake", 900, 960], ["rem", 960, 1020]]),
    ]  # fmt: skip
    monitor = packed({"raw_sleep-monitor_sleep-state.csv": f"{RAW}2026-02-01T23:10:00+01:00,[300],[1]\n"})
    assert [night[2] for night in nights(read(monitor, "withings"))] == [[["asleep", 0, 300]]]


def test_a_night_without_its_states_is_time_in_bed():
    assert nights(read(NIGHT.encode(), "withings")) == [
        ("2026-02-01T22:10:00", "2026-02-02T05:10:00", [["in_bed", 0, 25_200]]),
    ]  # fmt: skip


def test_weight_and_pressure_are_on_the_wall_clock_and_half_a_pair_is_left_out():
    taken = read(ALL, "withings")
    assert points(taken) == [
        ("blood_pressure", "2026-02-02T06:05:00", {"systolic": 121, "diastolic": 79}),
        ("weight", "2026-02-02T06:00:00", {"kg": 70.5}),
    ]  # fmt: skip
    assert samples(taken, "heart_rate")[0] == ("2026-02-02T06:05:00", 64)
    assert dict(taken.left_out) == {("blood_pressure", "half_a_pair"): 1}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("2026-02-01T12:50:26,[60],[71]", "wrong_time"),
        ("2026-02-01T12:50:26+01:00,[60],[71,72]", "wrong_time"),
        ("2026-02-01T12:50:26+01:00,60,71", "wrong_time"),
        ("2026-02-01T12:50:26+01:00,[-60],[71]", "wrong_time"),
        ("2026-02-01T12:50:26+01:00,[60],[null]", "not_a_number"),
        ("2026-02-01T12:50:26+01:00,[60],[7]", "implausible_value"),
    ],
)
def test_what_cannot_be_true_is_left_out_by_name(row, reason):
    taken = read(
        packed({"raw_hr_hr.csv": f"{RAW}{row.replace('[71,72]', chr(34) + '[71,72]' + chr(34))}\n"}), "withings"
    )
    assert dict(taken.left_out) == {("heart_rate", reason): 1}


def test_a_table_whose_name_alone_says_what_it_is_is_none_without_it():
    assert detect_export(io.BytesIO(HEART.encode())) is None
    assert detect_export(io.BytesIO(WEIGHT.replace("(kg)", "(lb)").encode())) is None
    assert detect_export(io.BytesIO(PRESSURE.encode())) == "withings"


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "content", [ALL, WEIGHT.encode(), packed({"raw_hr_hr.csv": HEART})], ids=["zip", "weight", "heart"]
)
def test_whatever_is_changed_only_a_named_error_escapes(content, seed):
    fuzz(content, seed)
