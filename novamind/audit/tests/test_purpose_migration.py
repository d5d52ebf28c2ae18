"""A trail from before charts had a purpose each: it comes over unchanged, sealed as it was, and stays append-only."""

from __future__ import annotations

import hmac
from uuid import uuid4

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.migrations.executor import MigrationExecutor

from novamind import clock
from novamind.audit import seal, triggers
from novamind.audit.models import AuditEvent, Seal
from novamind.audit.recording import recorded, saw, write_event
from novamind.audit.tests.test_seal import docs_time
from novamind.audit.verifying import findings

BEFORE, AFTER = ("audit", "0009_model_stages"), ("audit", "0010_purpose_of_each_patient")


def migrate(to=None):
    """To this migration, by default to the newest of everything, as the tests that follow expect it."""
    executor = MigrationExecutor(connection)
    targets = [to] if to else executor.loader.graph.leaf_nodes()
    executor.migrate(targets)
    return executor.loader.project_state(targets).apps


@pytest.fixture
def old(transactional_db):
    """The tables as they were, with their triggers."""
    apps = migrate(BEFORE)
    yield apps
    migrate()
    triggers.drop(connection)


def old_bytes(row, patients):
    """What was sealed then, by its documentation."""
    import json

    columns = {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}
    columns |= {"id": str(row.pk), "at": docs_time(row.at), "actor_id": None}
    columns["patients"] = sorted(f"{patient} {docs_time(row.at)}" for patient in patients)
    del columns["details"]
    return json.dumps(columns, sort_keys=True, separators=(",", ":")).encode()


def refused(table):
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE {table} SET at = at")  # noqa: S608
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {table}")  # noqa: S608


def test_what_was_sealed_before_verifies_beside_what_is_sealed_now(old, settings):
    patients = [uuid4(), uuid4()]
    row = old.get_model("audit", "AuditEvent").objects.create(
        at=clock.now(), event_type="DATA_ACCESS", actor_label="x", role="system", action="test", purpose="ETREAT",
        outcome="success", request_id="r", app_version="0",
    )  # fmt: skip
    touched = old.get_model("audit", "AuditEventPatient").objects
    for patient in patients:
        touched.create(event=row, patient_id=patient, at=row.at)
    row.refresh_from_db()
    signed = bytes(32) + (1).to_bytes(8, "big") + old_bytes(row, patients)
    mac = hmac.digest(settings.AUDIT_SEAL_KEY.encode(), signed, "sha256")
    old.get_model("audit", "Seal").objects.create(seq=1, event_id=row.pk, mac=mac, at=clock.now())

    migrate(AFTER)
    assert bytes(Seal.objects.get().mac) == mac
    assert {(each.purpose, each.why, each.opened) for each in AuditEvent.objects.get().patients.all()} == {
        ("", "ETREAT", None)
    }
    with recorded(actor_label="system:test", request_id="r") as ledger:
        saw(uuid4())
        write_event(ledger, event_type="DATA_ACCESS", action="test")
    assert seal.seal_new() == 1
    assert list(findings()) == []
    for table in triggers.TRAIL:
        refused(table)

    triggers.drop(connection)
    AuditEvent.objects.get(actor_label="system:test").patients.update(purpose="ETREAT")
    assert [finding.seq for finding in findings()] == [2]


@pytest.mark.exhaustive
def test_the_way_back_leaves_the_triggers_too(old):
    migrate(AFTER)
    migrate(BEFORE)
    row = old.get_model("audit", "AuditEvent").objects.create(
        at=clock.now(), event_type="DATA_ACCESS", actor_label="x", role="system", action="test", purpose="TREAT",
        outcome="success", request_id="r", app_version="0",
    )  # fmt: skip
    old.get_model("audit", "AuditEventPatient").objects.create(event=row, patient_id=uuid4(), at=row.at)
    for table in triggers.TRAIL:
        refused(table)
    triggers.drop(connection)
