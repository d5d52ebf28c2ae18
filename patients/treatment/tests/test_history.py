"""What was done to an entry, as its page and the API tell it: who, when, why, and what stood there before."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from patients.models import Appointment, Condition
from patients.treatment.diagnosing import change_condition, mark_condition_in_error, record_condition
from patients.treatment.history import history
from patients.treatment.prescribing import change_dose, correct_medication
from patients.treatment.tests.test_services import HUNDRED, give, on
from patients.treatment.visiting import change_appointment, make_appointment


def told(row: Any, user: Any) -> list[tuple[str, str | None, dict[str, str]]]:
    """Each change: what it was, why, and the fields it altered in words."""
    row = type(row).objects.get(pk=row.pk)
    return [
        (one.change.what, one.change.why, {stood.field: stood.words or stood.value for stood in one.stood})
        for one in history(row, user)
    ]


@pytest.fixture
def condition(patient: Any, psychiatrist: Any) -> Condition:
    row = record_condition(patient=patient, by=psychiatrist, text="Depression", code="F32.1", onset=on("2019"))
    change_condition(row, version=1, by=psychiatrist, code="F33.1", onset=on("2019-03"), why="A second episode.")
    change_condition(row, version=2, by=psychiatrist, status="resolved", resolved=on("2026-05"))
    mark_condition_in_error(row, version=3, by=psychiatrist, why="Another patient's.")
    return row


def test_a_condition_tells_what_each_change_altered_and_nothing_else(condition, psychiatrist):
    assert told(condition, psychiatrist) == [
        ("started", None, {}),
        ("changed", "A second episode.", {"code": "F32.1", "onset": "2019"}),
        ("changed", None, {"status": "Active", "resolved": "nothing"}),
        ("in_error", "Another patient's.", {}),
    ]


def test_a_visit_tells_whom_it_was_with_and_when_it_was_to_be(patient, psychiatrist, therapist):
    at = datetime(2026, 3, 2, 10, 30, tzinfo=UTC)
    row = make_appointment(patient=patient, by=psychiatrist, at=at, kind="intake", place="clinic", clinician=therapist)
    moved = at.replace(hour=12)
    change_appointment(row, version=1, by=psychiatrist, at=moved, with_text="Dr. Elsewhere", why="Asked to move.")
    row = Appointment.objects.get(pk=row.pk)
    change_appointment(row, version=2, by=psychiatrist, status="missed")
    assert told(row, psychiatrist)[1:] == [
        ("changed", "Asked to move.", {"at": at, "clinician": str(therapist), "with_text": "nothing"}),
        ("changed", None, {"status": "Planned"}),
    ]


def test_a_course_tells_its_doses_and_what_was_corrected(patient, psychiatrist):
    row = give(patient, psychiatrist, indication="Sleep")
    change_dose(row, version=1, by=psychiatrist, since=on("2026-04-01"), dose=HUNDRED)
    correct_medication(row, version=2, by=psychiatrist, indication="Depression", why="Written wrongly.")
    assert told(row, psychiatrist)[1:] == [
        ("dose", None, {"doses": "50 mg once a day since 2026-03-02"}),
        ("changed", "Written wrongly.", {"indication": "Sleep"}),
    ]


def test_the_page_and_the_api_tell_the_same(signed_in, condition, patient, psychiatrist):
    client = signed_in(psychiatrist)
    shown = " ".join(client.get(f"/patients/{patient.pk}/conditions/{condition.pk}/").content.decode().split())
    assert f"Changed by {psychiatrist}: A second episode." in shown
    assert "before: ICD-10 code F32.1; onset 2019" in shown
    assert f'/conditions/{condition.pk}/"' in client.get(f"/patients/{patient.pk}/medication/").content.decode()
    said = client.get(f"/api/v1/patients/{patient.pk}/conditions/{condition.pk}/history").json()
    assert [(one["what"], one["by"], one["why"], one["stood"]) for one in said][1:3] == [
        ("changed", str(psychiatrist), "A second episode.", {"code": "F32.1", "onset": "2019"}),
        ("changed", str(psychiatrist), None, {"status": "active", "resolved": None}),
    ]


def test_what_was_done_under_a_label_is_told_to_nobody_it_is_hidden_from(signed_in, patient, psychiatrist, programme):
    row = record_condition(patient=patient, by=programme, text="Zqxdependence", code="F10.2")
    assert row.part2
    client = signed_in(psychiatrist)
    assert client.get(f"/api/v1/patients/{patient.pk}/conditions/{row.pk}/history").status_code == 404
    assert client.get(f"/patients/{patient.pk}/conditions/{row.pk}/").status_code == 404
    change_condition(row, version=1, by=programme, text="Insomnia", code="G47.0", part2=False)
    assert [one.change.what for one in history(row, programme)] == ["started", "changed"]
    shown = client.get(f"/patients/{patient.pk}/conditions/{row.pk}/")
    assert shown.status_code == 200
    assert b"Zqxdependence" not in shown.content
