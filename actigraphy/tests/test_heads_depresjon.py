"""Heads on the Depresjon study, one patient left out at a time: the figures that docs/methods.md records."""

from zoneinfo import ZoneInfo

import pytest

from actigraphy.labelled import Labelled, read_folder
from actigraphy.science import heads
from actigraphy.tests.science_files import depresjon_days

pytestmark = [pytest.mark.data, pytest.mark.slow, pytest.mark.once]


@pytest.fixture(scope="module")
def folder(shared_data):
    """Every recording, its first days as scores.csv has them; depressed is the outcome."""
    days = depresjon_days(shared_data)
    rows = [
        Labelled(f"{name.split('_')[0]}/{name}.csv", name.startswith("condition"), n, name) for name, n in days.items()
    ]
    return read_folder(shared_data / "depresjon", rows, zone=ZoneInfo("Europe/Oslo"))


def test_fifty_four_people_have_a_week_and_condition_8_has_none(folder):
    (refused,) = folder.refused
    assert (refused.file, refused.code) == ("condition/condition_8.csv", "too_few_days")
    assert refused.detail == "5 valid days; 7 needed"
    assert len(folder.rows) == 54
    assert sum(row.label for row in folder.rows) == 22


def test_circadian_features_alone_earn_what_is_on_record(folder):
    recordings = heads.gather(
        folder.materials, [row.label for row in folder.rows], [row.patient for row in folder.rows]
    )
    results = heads.evaluate(recordings, heads.make_folds(recordings), population="Depresjon")
    found = {each["metric"]: each for each in results["circadian"]["figures"]}
    assert found["auc"]["value"] == pytest.approx(0.87, abs=0.01)
    assert found["f1"]["value"] == pytest.approx(0.70, abs=0.02)
    assert found["mcc"]["value"] == pytest.approx(0.50, abs=0.04)
    assert found["auc"]["low"] == pytest.approx(0.76, abs=0.02)
    assert found["mcc"]["low"] == pytest.approx(0.25, abs=0.05)
    assert found["brier"]["value"] < 0.17
    dummy = {each["metric"]: each["value"] for each in results["dummy_majority"]["figures"]}
    assert (dummy["mcc"], dummy["auc"]) == (0, 0.5)
