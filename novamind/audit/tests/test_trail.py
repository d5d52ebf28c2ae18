"""The trail's rows: who can write them, what they hold, who stands in them."""

from __future__ import annotations

import pytest
from auditlog.models import LogEntry
from django.apps import apps
from django.db import DatabaseError, connection, transaction
from django.test import Client

from novamind.accounts import tokens
from novamind.audit import compliance
from novamind.audit.models import AuditEvent, AuditEventPatient, Change
from novamind.audit.recording import recorded, saw, write_event

PASSWORD = "correct horse battery staple"  # noqa: S105
NEW = {"first_name": "Zqxnew", "last_name": "Zqxnewlast", "date_of_birth": "1931-02-17", "mrn": "ZQX-NEW-1"}

CHANGES = [
    "UPDATE audit_auditevent SET actor_label = 'nobody'",
    "DELETE FROM audit_auditevent",
    "UPDATE audit_auditeventpatient SET at = at",
    "DELETE FROM audit_auditeventpatient",
    "INSERT OR REPLACE INTO audit_auditevent SELECT * FROM audit_auditevent",
    "TRUNCATE audit_auditevent CASCADE",
]
ONLY_ON = {"INSERT OR": "sqlite", "TRUNCATE": "postgresql"}


@pytest.fixture
def event(patient):
    with recorded(actor_label="test", request_id="r") as ledger:
        saw(patient.pk)
        return write_event(ledger, event_type="API_ACCESS", action="test")


@pytest.mark.parametrize("statement", CHANGES)
def test_the_database_refuses_to_change_the_trail(audit_triggers, event, statement):
    vendor = next((vendor for verb, vendor in ONLY_ON.items() if statement.startswith(verb)), connection.vendor)
    if vendor != connection.vendor:
        pytest.skip(f"this is no statement of {connection.vendor}")
    before = list(AuditEvent.objects.order_by("pk").values_list())
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert list(AuditEvent.objects.order_by("pk").values_list()) == before
    assert AuditEventPatient.objects.filter(event=event).count() == 1


@pytest.mark.skipif(connection.vendor != "sqlite", reason="a row's hidden number is SQLite's")
def test_a_row_is_not_replaced_by_its_hidden_number_either(audit_triggers):
    with recorded(actor_label="test", request_id="r") as ledger:
        event = write_event(ledger, event_type="API_ACCESS", action="test")
    rest = ", ".join(field.column for field in AuditEvent._meta.concrete_fields if not field.primary_key)
    statement = f"INSERT OR REPLACE INTO audit_auditevent (rowid, id, {rest}) SELECT rowid, 'new', {rest}"
    with pytest.raises(DatabaseError, match="append-only"), connection.cursor() as cursor:
        cursor.execute(f"{statement} FROM audit_auditevent")
    assert AuditEvent.objects.get() == event


def test_the_orm_cannot_change_the_trail_either(audit_triggers, event):
    event.actor_label = "nobody"
    for change in (event.save, event.delete, AuditEvent.objects.all().delete):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()
    assert AuditEvent.objects.get(pk=event.pk).actor_label == "test"


@pytest.mark.django_db
def test_a_sign_in_is_on_record(client, psychiatrist):
    client.post("/accounts/login/", {"username": psychiatrist.email, "password": PASSWORD})
    event = AuditEvent.objects.get(event_type="SIGN_IN")
    assert (event.actor_id, event.actor_label, event.role) == (psychiatrist.pk, psychiatrist.email, "psychiatrist")
    client.post("/accounts/logout/")
    assert AuditEvent.objects.filter(event_type="SIGN_OUT", actor_id=psychiatrist.pk).exists()


@pytest.mark.django_db
def test_a_failed_sign_in_names_an_account_or_nobody(client, psychiatrist):
    client.post("/accounts/login/", {"username": psychiatrist.email, "password": "wrong"})
    client.post("/accounts/login/", {"username": "zqx7781@mail.test", "password": "wrong"})
    client.post("/api/v1/auth/login", {"email": "zqx7781@mail.test", "password": "x"}, content_type="application/json")
    labels = sorted(AuditEvent.objects.filter(event_type="SIGN_IN_FAILED").values_list("actor_label", flat=True))
    assert labels == [psychiatrist.email, "unknown address", "unknown address"]


def bearer(user) -> dict[str, str]:
    return {"HTTP_AUTHORIZATION": f"Bearer {tokens.begin(user).access}"}


@pytest.mark.django_db
@pytest.mark.parametrize("token", [True, False])
def test_a_field_diff_names_who_changed_it_and_no_secret(psychiatrist, token):
    client, more = Client(), {}
    if token:
        more = bearer(psychiatrist)
    else:
        client.force_login(psychiatrist)
    answer = client.post("/api/v1/patients", NEW, content_type="application/json", **more)
    assert answer.status_code == 201, answer.content
    made = apps.get_model("patients.Patient").objects.get(pk=answer.json()["id"])
    entries = LogEntry.objects.get_for_object(made)
    assert {entry.actor_id for entry in entries} == {psychiatrist.pk}
    written = " ".join(f"{entry.changes} {entry.object_repr} {entry.additional_data}" for entry in entries)
    assert entries
    for value in NEW.values():
        assert value not in written
    event = AuditEvent.objects.get(method="POST")
    assert (event.actor_id, event.event_type) == (psychiatrist.pk, "CREATION")
    assert {entry.cid for entry in entries} == {event.request_id}


@pytest.mark.django_db
def test_a_field_diff_of_nobody_has_no_actor(patient):
    assert {entry.actor_id for entry in LogEntry.objects.get_for_object(patient)} == {None}


@pytest.mark.django_db
@pytest.mark.skipif(connection.vendor == "postgresql", reason="of databases that note no write by themselves")
def test_where_the_database_notes_no_write_the_compliance_page_says_so(patient):
    line = next(check for check in compliance.checks() if check.key == "audit_reconciled")
    assert line.state == "not configured"
    assert not Change.objects.exists()
