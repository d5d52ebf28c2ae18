"""Each run of a model is on record: with its version, how it ended, how long it took, and whose data it used."""

from __future__ import annotations

from uuid import uuid4

import pytest

from novamind.audit.models import AuditEvent, EventType, Purpose
from novamind.audit.recording import recorded, write_event
from novamind.audit.runs import NobodyActs, model_run
from novamind.measures import Abstained

pytestmark = pytest.mark.django_db


@pytest.fixture
def ledger():
    with recorded(actor_label="system:test", request_id="r") as ledger:
        yield ledger


def the_run():
    return AuditEvent.objects.get()


def test_a_run_leaves_model_version_duration_and_patients(ledger, patient):
    with model_run(model="M", version="7", patients=[patient.pk]):
        pass
    event = the_run()
    assert (event.event_type, event.outcome, event.purpose) == ("MODEL_INFERENCE", "success", Purpose.TREATMENT)
    assert event.details == {"model": "M", "version": "7", "status": "ok"}
    assert (event.object_label, event.object_id, event.actor_label) == ("model M", "7", "system:test")
    assert [row.patient_id for row in event.patients.all()] == [patient.pk]
    assert event.duration_ms is not None


def test_a_run_that_fails_is_on_record_without_what_the_error_said_and_goes_on(ledger, patient):
    with pytest.raises(ValueError, match="Zqxlast"), model_run(model="M", version="7", patients=[patient.pk]):
        raise ValueError("Zqxlast is not a number")
    event = the_run()
    assert (event.outcome, event.details["status"], event.details["reason"]) == ("failed", "failed", "ValueError")
    assert event.duration_ms is not None
    assert event.patients.count() == 1
    assert "Zqxlast" not in str(event.details)


def test_an_abstention_is_no_failure_and_has_its_reason(ledger):
    with pytest.raises(Abstained), model_run(model="M", version="7"):
        raise Abstained("too_few_days")
    assert (the_run().outcome, the_run().details["status"]) == ("success", "abstained")
    assert the_run().details["reason"] == "too_few_days"


def test_training_and_decision_support_say_what_they_are_and_why(ledger):
    with model_run(model="M", version="8", kind=EventType.MODEL_TRAINING, purpose=Purpose.RESEARCH):
        pass
    assert (the_run().event_type, the_run().purpose) == ("MODEL_TRAINING", "HRESCH")


def test_a_run_does_not_mix_its_patients_with_those_of_its_request(ledger):
    ledger.patients.add(uuid4())
    with model_run(model="M", version="7"):
        pass
    assert the_run().patients.count() == 0
    assert write_event(ledger, event_type="API_ACCESS", action="x").patients.count() == 1


def test_nobody_runs_a_model_for_nobody():
    with pytest.raises(NobodyActs), model_run(model="M", version="7"):
        raise AssertionError("it ran")
    assert not AuditEvent.objects.exists()


def test_in_a_request_the_event_names_who_asked(psychiatrist):
    with recorded(actor_label="anonymous", request_id="r", role="") as ledger:
        ledger.identify = lambda: setattr(ledger, "actor_id", psychiatrist.pk)
        with model_run(model="M", version="7"):
            pass
    assert the_run().actor_id == psychiatrist.pk
