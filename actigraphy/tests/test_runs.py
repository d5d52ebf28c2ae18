"""What runs on a recording is on record, and so is what is put into production."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from actigraphy import pat
from actigraphy.analysis import code_version
from actigraphy.tests.recording_files import depresjon, minutes
from actigraphy.tests.test_science_pat_weights import random_tensors, write_weights
from novamind.audit.models import AuditEvent
from novamind.jobs.models import Job
from novamind.jobs.runner import run_waiting

pytestmark = pytest.mark.django_db


@pytest.fixture
def uploaded(signed_in, psychiatrist, patient):
    content = depresjon(minutes("2024-01-08T12:00:00", 1440), [(at * 37) % 400 for at in range(1440)])
    file = SimpleUploadedFile("a.csv", content)
    assert signed_in(psychiatrist).post(f"/patients/{patient.pk}/actigraphy/upload/", {"file": file}).status_code == 302


def runs():
    return AuditEvent.objects.filter(event_type="MODEL_INFERENCE").order_by("at")


def test_each_algorithm_of_an_analysis_is_on_record(uploaded, psychiatrist, patient, settings):
    run_waiting()
    assert [event.details for event in runs()] == [
        {"model": "sleep and rhythm", "version": code_version(), "status": "ok"},
        {"model": settings.PAT_MODEL_ID, "status": "abstained", "reason": "no_weights"},
    ]
    for event in runs():
        assert [row.patient_id for row in event.patients.all()] == [patient.pk]
        assert (event.actor_id, event.actor_label) == (psychiatrist.pk, "system:actigraphy.analyze")
        assert event.request_id == str(Job.objects.get(kind="actigraphy.analyze").pk)


def test_an_algorithm_that_breaks_is_on_record_with_its_time(uploaded, patient, monkeypatch):
    def breaks(*args, **kwargs):
        raise ZeroDivisionError

    monkeypatch.setattr("actigraphy.analysis.analyze", breaks)
    run_waiting(limit=1)
    event = runs().get()
    assert (event.outcome, event.details["status"]) == ("failed", "failed")
    assert event.duration_ms is not None
    assert [row.patient_id for row in event.patients.all()] == [patient.pk]


def test_what_goes_into_production_is_on_record_once(tmp_path, settings):
    settings.PAT_MODEL_ID = "PAT-S"
    path = tmp_path / "operator.h5"
    write_weights(path, random_tensors("S", 0))
    version, _ = pat.install(path, by="operator:kari", reason="A test.")
    pat.install(path, by="operator:kari", reason="A test.")
    events = AuditEvent.objects.filter(event_type="MODEL_PROMOTION").order_by("at")
    assert [(event.details.get("from"), event.details["to"]) for event in events] == [
        (None, "draft"),
        ("draft", "production"),
    ]
    for event in events:
        said = (event.actor_label, event.object_label, event.object_id)
        assert said == ("operator:kari", "model PAT-S", version.version)
