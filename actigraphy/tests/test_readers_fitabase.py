"""Fitabase's tables are read as they were written; asks no database."""

from __future__ import annotations

import pytest

from actigraphy.tests.export_vendors import fuzz, nights, packed, read, refused, samples

HEART = "Id,Time,Value\r\n2022484408,1/12/2026 7:21:00 AM,97\r\n2022484408,1/12/2026 12:00:05 PM,102\r\n"
STEPS = "Id,ActivityMinute,Steps\r\n2022484408,1/12/2026 12:00:00 AM,0\r\n2022484408,1/12/2026 12:01:00 AM,14\r\n"
SLEEP = "Id,date,value,logId\r\n" + "".join(
    f"2022484408,1/12/2026 2:{minute:02}:30 AM,{value},11380564589\r\n"
    for minute, value in enumerate([3, 1, 1, 1, 2, 1])
)
ALL = packed({f"Fitabase Data/{name}_merged.csv": table for name, table in
              (("heartrate_seconds", HEART), ("minuteStepsNarrow", STEPS), ("minuteSleep", SLEEP))})  # fmt: skip


def test_each_table_is_on_the_wall_clock_of_the_patients_zone():
    taken = read(ALL, "fitabase")
    assert samples(taken, "heart_rate") == [("2026-01-12T06:21:00", 97), ("2026-01-12T11:00:05", 102)]
    assert samples(taken, "steps") == [("2026-01-11T23:00:00", 0), ("2026-01-11T23:01:00", 14)]


def test_minutes_of_sleep_are_stretches_of_one_stage():
    assert nights(read(SLEEP.encode(), "fitabase")) == [
        ("2026-01-12T01:00:30", "2026-01-12T01:06:30",
         [["awake", 0, 60], ["asleep", 60, 240], ["awake", 240, 300], ["asleep", 300, 360]]),
    ]  # fmt: skip


def test_a_double_hour_is_passed_twice():
    stamps = [*(f"2:{minute:02}:00 AM" for minute in range(60))] * 2
    table = "Id,ActivityMinute,Steps\n" + "".join(f"1,10/26/2025 {stamp},{n}\n" for n, stamp in enumerate(stamps))
    told = samples(read(table.encode(), "fitabase"), "steps")
    assert [value for _, value in told] == list(range(120))
    assert (told[0][0], told[60][0], told[-1][0]) == (
        "2025-10-26T00:00:00", "2025-10-26T01:00:00", "2025-10-26T01:59:00",
    )  # fmt: skip


def test_a_table_of_several_people_is_refused():
    assert refused((HEART + "4020332650,1/12/2026 7:21:00 AM,80\r\n").encode(), "fitabase") == "several_people"


def test_what_cannot_be_true_is_left_out_by_name():
    rows = ["1,13/12/2026 7:21:00 AM,97", "1,1/12/2026 13:21:00 AM,97", "1,1/12/2096 7:21:00 AM,97",
            "1,1/12/2026 7:21:00 AM,",
            "1,1/12/2026 7:21:00 AM,999", "1", "1,1/12/1950 7:21:00 AM,60"]  # fmt: skip
    taken = read(("Id,Time,Value\n" + "\n".join(rows)).encode(), "fitabase")
    assert dict(taken.left_out) == {
        ("heart_rate", "wrong_time"): 3, ("heart_rate", "in_the_future"): 1, ("heart_rate", "not_a_number"): 1,
        ("heart_rate", "implausible_value"): 1, ("heart_rate", "before_birth"): 1,
    }  # fmt: skip


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("content", [HEART.encode(), SLEEP.encode(), ALL], ids=["heart", "sleep", "zip"])
def test_whatever_is_changed_only_a_named_error_escapes(content, seed):
    fuzz(content, seed)
