"""Reminders and alerts while workers are killed: none lost, none asked for twice, and a repeat is owned up to."""

from __future__ import annotations

import random
import sys
import time
from collections import Counter
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from novamind.delivery.tests.stub import answering
from tests.test_faults_jobs import HANG_S, REPEATS, WORKER, House

pytestmark = [pytest.mark.processes, pytest.mark.slow]
PATIENTS, WITHIN_S = 24, 12.0


def test_every_reminder_leaves_however_often_the_worker_is_killed(tmp_path: Path) -> None:
    dice = random.Random(7)
    house = House(tmp_path, "folder")
    with answering((201, {"sid": "SM1"})) as stub:
        stub.delay_s = 0.3  # long enough to be killed in
        house.env |= {
            "DJANGO_SETTINGS_MODULE": "novamind.settings", "SMS_PROVIDER": "twilio", "TWILIO_ACCOUNT_SID": "AC1",
            "TWILIO_AUTH_TOKEN": "x", "TWILIO_FROM": "+1", "TWILIO_URL": stub.url, "QUIET_HOURS": "",
            "JOB_TIME_LIMIT_S": "3600",
        }  # fmt: skip
        try:
            house.open(console=[sys.executable, "-m", "tests.reminding"])
            assert house.tell(do="plan", number=PATIENTS, within_s=WITHIN_S) == PATIENTS
            for _ in range(REPEATS):
                time.sleep(dice.uniform(1.5, 4))
                house.kill_worker()
                house.worker = house.start(WORKER)
            house.until(lambda: house.tell(do="look")["sent"] == PATIENTS, within_s=HANG_S)
            house.until(lambda: house.tell(do="look")["escalations"] > 0, within_s=HANG_S)
            seen = house.tell(do="look")
        finally:
            house.close()
    assert seen["outcomes"] == ["reminded"] * PATIENTS
    assert seen["texts"] == PATIENTS
    assert (seen["levels"], seen["escalations"]) == ([1], 1)
    arrived = Counter(parse_qs(body.decode())["To"][0] for _, _, body in stub.got)
    assert set(arrived) == {f"+1555{n:04d}" for n in range(PATIENTS)}
    assert arrived.total() <= PATIENTS + seen["repeated"]
