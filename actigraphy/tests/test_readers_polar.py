"""Polar's files are read as they were written; asks no database."""

from __future__ import annotations

import pytest

from actigraphy.tests.export_vendors import document, fuzz, nights, packed, read, samples


def day(date: str, *told: tuple[object, object]) -> dict[str, object]:
    """A day of one device."""
    rates = [{"heartRate": rate, "secondsFromDayStart": second, "source": "OPTICAL_247"} for second, rate in told]
    return {"userId": 1, "deviceId": "5C2A", "date": date, "samples": rates}


def night(*changes: tuple[str, str], **more: object) -> dict[str, object]:
    """A night of one hour."""
    return {
        "night": "2026-02-02", "evaluation": {"sleepType": "SLEEP_PLUS_STAGES", "sleepSpan": "PT1H"},
        "sleepResult": {"hypnogram": {
            "sleepStart": "2026-02-01T23:10:30.000+01:00", "sleepEnd": "2026-02-02T00:10:30.000+01:00",
            "sleepStateChanges": [{"offsetFromStart": offset, "state": state} for offset, state in changes],
        } | more},
    }  # fmt: skip


HEART = document({"deviceDays": [day("2026-02-01", (5, 61), (3605, 64))]})
SLEEP = document([night(("PT0S", "NONREM2"), ("PT20M", "NONREM3"), ("PT30M30S", "REM"), ("PT1H", "WAKE"))])
ALL = packed({"247ohr_2026_02-1-abc.json": HEART, "sleep_result_1-abc.json": SLEEP, "account-data-1.json": "{}"})


def test_heart_rate_counts_seconds_of_a_local_day():
    taken = read(ALL, "polar")
    assert samples(taken, "heart_rate") == [("2026-01-31T23:00:05", 61), ("2026-02-01T00:00:05", 64)]
    assert [sender.device_id for sender, _ in taken.batch().columns] == ["Polar 5C2A"]


def test_a_double_hour_is_passed_twice():
    hours = [(7200, 60), (9000, 61), (7200, 62), (10_800, 63)]
    taken = read(document({"deviceDays": [day("2025-10-26", *hours)]}), "polar")
    assert samples(taken, "heart_rate") == [
        ("2025-10-26T00:00:00", 60), ("2025-10-26T00:30:00", 61), ("2025-10-26T01:00:00", 62),
        ("2025-10-26T02:00:00", 63),
    ]  # fmt: skip


def test_a_state_of_sleep_lasts_until_the_next_and_none_beyond_its_end():
    assert nights(read(ALL, "polar")) == [
        ("2026-02-01T22:10:30", "2026-02-01T23:10:30", [["light", 0, 1200], ["deep", 1200, 1830], ["rem", 1830, 3600]]),
    ]  # fmt: skip


def test_a_night_without_states_is_asleep_and_a_state_unknown_is_left_out():
    assert [one[2] for one in nights(read(document([night()]), "polar"))] == [[["asleep", 0, 3600]]]
    taken = read(document([night(("PT0S", "WAKE"), ("PT30M", "UNKNOWN"))]), "polar")
    assert [one[2] for one in nights(taken)] == [[["awake", 0, 1800]]]
    assert dict(taken.left_out) == {("sleep", "unknown_stage"): 1}


@pytest.mark.parametrize(
    ("told", "reason"),
    [((-1, 60), "wrong_time"), ((86_400, 60), "wrong_time"), ((None, 60), "wrong_time"), ((5, None), "not_a_number"),
     ((5, 5), "implausible_value")],
)  # fmt: skip
def test_what_cannot_be_true_is_left_out_by_name(told, reason):
    taken = read(document({"deviceDays": [day("2026-02-01", told)], "exportVersion": "1.2"}), "polar")
    assert dict(taken.left_out) == {("heart_rate", reason): 1}
    assert dict(read(document([night(sleepEnd="2026-02-02T00:10:30")]), "polar").left_out) == {
        ("sleep", "wrong_time"): 1
    }


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("content", [HEART, SLEEP, ALL], ids=["heart", "sleep", "zip"])
def test_whatever_is_changed_only_a_named_error_escapes(content, seed):
    fuzz(content, seed)
