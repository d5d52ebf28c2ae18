"""What a job sees and changes is on record like what a request does."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection, transaction

from novamind.audit import compliance, reconciling
from novamind.audit.models import AuditEvent, Reconciliation
from novamind.jobs import kinds
from novamind.jobs.kinds import job
from novamind.jobs.models import AdminAlert, Job
from novamind.jobs.runner import run_waiting
from novamind.jobs.services import enqueue
from patients.models import Patient


@pytest.mark.django_db
def test_a_job_leaves_an_event_with_the_patients_it_touched(patient, psychiatrist, monkeypatch):
    monkeypatch.setattr(kinds, "KINDS", dict(kinds.KINDS))

    @job("audit.drill")
    def drill(patient_id) -> None:
        assert Patient.objects.get(pk=patient_id).first_name

    with transaction.atomic():
        made = enqueue("audit.drill", key="audit.drill", actor=psychiatrist.pk, patient_id=patient.pk)
    run_waiting()
    event = AuditEvent.objects.get(action="audit.drill")
    assert (event.actor_label, event.actor_id, event.object_id) == ("system:audit.drill", psychiatrist.pk, str(made.pk))
    assert [row.patient_id for row in event.patients.all()] == [patient.pk]


@pytest.mark.django_db
def test_a_job_that_reads_charts_and_notes_nobody_does_not_finish(patient, monkeypatch):
    monkeypatch.setattr(kinds, "KINDS", dict(kinds.KINDS))

    @job("audit.drill")
    def drill() -> None:
        assert list(Patient.objects.values("sex"))

    enqueue("audit.drill", key="audit.drill")
    run_waiting(limit=1)
    assert Job.objects.get().state == Job.State.PENDING
    assert AuditEvent.objects.get(action="audit.drill").outcome == "failed"


@pytest.mark.postgres
@pytest.mark.skipif(connection.vendor != "postgresql", reason="needs PostgreSQL: SQLite notes no writes")
def test_a_write_that_nobody_stands_for_is_told_by_the_nightly_job(transactional_db, patient, monkeypatch):
    def state():
        return next(check.state for check in compliance.checks() if check.key == "audit_reconciled")

    monkeypatch.setattr(reconciling, "SETTLED", -timedelta(hours=1))
    assert state() == "fails"
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM audit_change")
    enqueue("audit.reconcile", key="one")
    run_waiting()
    assert (state(), AdminAlert.objects.count()) == ("holds", 0)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE patients_patient SET sex = 'female'")
    enqueue("audit.reconcile", key="two")
    run_waiting()
    assert Job.objects.get(key="two").state == "done"
    assert AdminAlert.objects.get().job.key == "two"
    assert (state(), Reconciliation.objects.first().by_table) == ("fails", {"patients_patient": 1})
