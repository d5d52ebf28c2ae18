"""Alert rules while workers are killed: every rule alerts of every patient whom it finds, and once."""

from __future__ import annotations

import random
import sys
import time
from pathlib import Path

import pytest

from tests.test_faults_jobs import HANG_S, REPEATS, WORKER, House

pytestmark = [pytest.mark.processes, pytest.mark.slow]
PATIENTS = 40


def test_each_rule_alerts_once_of_each_patient_however_often_the_worker_is_killed(tmp_path: Path) -> None:
    dice = random.Random(8)
    house = House(tmp_path, "folder")
    house.env |= {"DJANGO_SETTINGS_MODULE": "novamind.settings", "JOB_TIME_LIMIT_S": "3600"}
    try:
        house.open(console=[sys.executable, "-m", "tests.ruling"])
        rules = house.tell(do="plan", number=PATIENTS)
        for _ in range(REPEATS):
            begun = house.tell(do="look")["alerts"]
            assert house.tell(do="ask") == PATIENTS
            if begun < rules * PATIENTS:  # while it raises
                house.until(lambda: house.tell(do="look")["alerts"] > begun, within_s=HANG_S)  # noqa: B023
            time.sleep(dice.uniform(0, 0.5))
            house.kill_worker()
            house.worker = house.start(WORKER)
        house.until(lambda: house.tell(do="look")["left"] == 0, within_s=HANG_S)
        first = house.tell(do="look")
        assert house.tell(do="ask") == PATIENTS  # as the next night
        house.until(lambda: house.tell(do="look")["left"] == 0, within_s=HANG_S)
        seen = house.tell(do="look")
    finally:
        house.close()
    assert first["repeated"] > 0, "no worker was killed while it worked"
    assert (seen["pairs"], seen["alerts"], seen["raised"]) == (rules * PATIENTS,) * 3
    assert seen["deliveries"] == first["deliveries"]
