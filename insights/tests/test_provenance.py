"""Where numbers of the last week come from, the rest of what is on record, and the version that said it."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.test import Client

from insights import services
from insights.jobs import derive
from insights.models import Standing
from insights.rules import records
from insights.science.own_week import against_own_weeks
from novamind import clock, display
from novamind.audit.recording import recorded
from novamind.registry.code import Code
from patients.models import Medication
from patients.models.medications import MedicationDose


@pytest.fixture
def patient(make_patient: Any, team: Any) -> Any:
    with recorded(actor_label="system:test", request_id="test"):
        yield make_patient(team)


def page_of(standing: Standing, number: str, user: Any) -> str:
    client = Client()
    client.force_login(user)
    answer = client.get(f"/provenance/{standing.pk}/", {"number": number})
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.django_db
def test_a_number_of_the_last_week_says_its_usual_and_spread(patient, psychiatrist):
    derive(patient.pk).store()
    standing = Standing.objects.get(patient=patient)
    days = np.concatenate([420 + 20.0 * np.tile([0, 1, -1, 1, 0, -1, 0], 8), np.full(7, 400.0)])
    week = against_own_weeks(days)
    standing.found["series"]["sleep_duration"] = asdict(week)
    standing.save()
    page = page_of(standing, "sleep_duration", psychiatrist)
    assert "7 h 00 min" in page  # the usual: the median of the 56 days
    assert f"{week.spread:.4g} min" in page
    assert f"{display.MINUS}{abs(week.z):.3f} standard errors" in page
    assert "7 and 56 days" in page


@pytest.mark.django_db
def test_a_number_that_is_not_known_says_why(patient, psychiatrist):
    derive(patient.pk).store()
    standing = Standing.objects.get(patient=patient)
    page = page_of(standing, "heart_rate", psychiatrist)
    assert "28 needed" in page
    assert "Spread" not in page
    assert "28 needed" not in page_of(standing, "nothing", psychiatrist).split("Days known")[0]


@pytest.mark.django_db
def test_an_end_and_a_new_dose_are_told_with_their_day(patient):
    today = clock.now().astimezone(patient.tz).date()
    known = {"patient": patient, "drug": "", "started_precision": "day", "started_on": today - timedelta(days=90)}
    stopped = {"ended_on": today, "stop_reason": "remission"}
    Medication.objects.create(drug_text="Zqxended", ended_precision="day", **stopped, **known)
    Medication.objects.create(drug_text="Zqxvague", ended_precision="month", **stopped, **known)
    raised = Medication.objects.create(drug_text="Zqxraised", **known)
    for days_ago, amount in ((90, 50), (1, 100)):
        MedicationDose.objects.create(
            patient=patient, medication=raised, from_on=today - timedelta(days=days_ago), from_precision="day",
            amount=amount, unit="mg", frequency="daily",
        )  # fmt: skip
    ended, changed = sorted(one.description for one in records.medication_statements(patient))
    assert ended.startswith("Zqxended was ended on ")
    assert ended.endswith(", today.")
    assert changed.startswith("Zqxraised was changed to 100 mg once a day on ")
    assert changed.endswith(", yesterday.")


@pytest.mark.parametrize("name", ["statements.py", "features.py", "series.py", "normal.py"])
def test_a_changed_rule_is_a_new_version(name, monkeypatch):
    known, read = Code(*services.CODE.files).version, Path.read_bytes
    assert services.CODE.version == known
    monkeypatch.setattr(Path, "read_bytes", lambda self: read(self) + (b"#" if self.name == name else b""))
    assert Code(*services.CODE.files).version != known
