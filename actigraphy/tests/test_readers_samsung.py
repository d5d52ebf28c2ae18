"""Samsung Health's heart rate is read as it was written; asks no database."""

from __future__ import annotations

import pytest

from actigraphy.tests.export_vendors import document, fuzz, packed, read, samples

MINUTE = {"end_time": 1770019259999, "heart_rate": 71.5, "heart_rate_max": 74.0, "heart_rate_min": 66.0,
          "start_time": 1770019200999}  # fmt: skip
BINS = document([MINUTE, MINUTE | {"start_time": 1770019260000, "heart_rate": 73.0}])
FOLDER = "samsunghealth_ada_20260203/jsons/com.samsung.shealth.tracker.heart_rate/"
ALL = packed({
    f"{FOLDER}9/9a.com.samsung.health.heart_rate.binning_data.json": BINS,
    "samsunghealth_ada_20260203/com.samsung.health.sleep_stage.20260203.csv":
        "com.samsung.health.sleep_stage,7006011,7\n",
})  # fmt: skip


@pytest.mark.parametrize("content", [BINS, ALL], ids=["loose", "zip"])
def test_bins_stand_at_the_second_they_begin(content):
    assert samples(read(content, "samsung_health"), "heart_rate") == [
        ("2026-02-02T08:00:00", 71.5), ("2026-02-02T08:01:00", 73),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "reason"),
    [({"start_time": None}, "wrong_time"), ({"start_time": 1e30}, "wrong_time"),
     ({"start_time": 1e14}, "in_the_future"),
     ({"heart_rate": None}, "not_a_number"), ({"heart_rate": 0}, "implausible_value")],
)  # fmt: skip
def test_what_cannot_be_true_is_left_out_by_name(changed, reason):
    assert dict(read(document([MINUTE | changed]), "samsung_health").left_out) == {("heart_rate", reason): 1}


@pytest.mark.parametrize("seed", range(3))
def test_whatever_is_changed_only_a_named_error_escapes(seed):
    fuzz(ALL if seed else BINS, seed)
