"""The database notes every write to a chart by whatever road it comes, and what no event speaks of is found."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.apps import apps
from django.db import connection, transaction

from novamind import clock
from novamind.audit.changes import watched
from novamind.audit.models import Change, Reconciliation
from novamind.audit.reconciling import reconcile, unaudited
from novamind.audit.recording import recorded, write_event

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="needs PostgreSQL: SQLite notes no writes"),
]
HOUR = timedelta(hours=1)


def source(**fields):
    return apps.get_model("actigraphy.Source")(kind="recording", device_type="actiwatch", **fields)


def run(sql, *params):
    with connection.cursor() as cursor:
        cursor.execute(sql, params)


def noted(table):
    return [(row.op, row.columns) for row in Change.objects.filter(table_name=table).order_by("pk")]


def missing():
    return unaudited(clock.now() - HOUR, clock.now() + HOUR)


@pytest.fixture
def clean(patient):
    """The cast was made by nobody; what counts begins now."""
    run("DELETE FROM audit_change")
    return patient


def in_a_request(write, *, request_id=None, record=True):
    request_id = request_id or str(uuid4())
    actor = uuid4()
    with recorded(actor_label="somebody", actor_id=actor, request_id=request_id) as ledger:
        write()
        if record:
            write_event(ledger, event_type="MODIFICATION", action="test")
    return request_id, actor


@pytest.mark.django_db
def test_every_road_is_noted_by_names_of_columns_alone(clean):
    model = apps.get_model("actigraphy.Source")
    one = source(patient=clean)

    def write():
        one.save()
        model.objects.bulk_create([source(patient=clean) for _ in range(3)])
        model.objects.filter(pk=one.pk).update(device_model="Zqxlast")
        run("UPDATE actigraphy_source SET device_model = device_model")
        run("DELETE FROM actigraphy_source WHERE id <> %s", one.pk)

    request_id, actor = in_a_request(write, record=False)
    ops = noted("actigraphy_source")
    assert [op for op, _ in ops] == ["INSERT"] * 4 + ["UPDATE"] * 5 + ["DELETE"] * 3
    assert ops[4] == ("UPDATE", ["device_model"])
    assert {tuple(columns) for _, columns in ops[5:]} == {()}
    rows = Change.objects.filter(table_name="actigraphy_source")
    assert set(rows.values_list("patient_id", "request_id", "actor")) == {(clean.pk, request_id, str(actor))}
    assert "Zqxlast" not in str(list(rows.values()))


@pytest.mark.django_db
def test_raw_samples_are_not_noted_and_every_other_record_is():
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger WHERE tgname LIKE 'audit_change_%%'")
        have = {row[0] for row in cursor.fetchall()}
    assert have == {model._meta.db_table for model in watched()}
    assert "actigraphy_signal" not in have
    assert {"patients_patient", "actigraphy_night", "registry_inferencerecord"} <= have


@pytest.mark.django_db(transaction=True)
def test_a_write_past_the_application_is_found(clean):
    in_a_request(lambda: source(patient=clean).save())
    assert missing().count() == 0
    run("UPDATE patients_patient SET sex = 'female'")
    assert [(row.table_name, row.op, row.columns) for row in missing()] == [("patients_patient", "UPDATE", ["sex"])]


@pytest.mark.django_db
def test_an_event_that_names_another_patient_does_not_stand_for_the_write(clean, make_patient):
    in_a_request(lambda: None, request_id="one")
    in_a_request(lambda: source(patient=clean).save(), request_id="two", record=False)
    with recorded(actor_label="somebody", request_id="two") as ledger:
        ledger.patients.add(uuid4())
        write_event(ledger, event_type="MODIFICATION", action="test")
    assert [row.request_id for row in missing()] == ["two"]


@pytest.mark.django_db
def test_a_night_that_was_missed_is_made_up_for(clean, monkeypatch):
    reconcile()
    run("UPDATE patients_patient SET sex = 'female'")
    Change.objects.update(at=clock.now() - timedelta(days=3))
    Reconciliation.objects.update(until=clock.now() - timedelta(days=4))
    assert reconcile().unaudited == 1
    assert reconcile().unaudited == 0  # told once


@pytest.mark.django_db(transaction=True)
def test_what_is_written_without_a_transaction_is_signed_and_nothing_after_it(patient):
    run("DELETE FROM audit_change")
    in_a_request(lambda: source(patient=patient).save())
    run("UPDATE patients_patient SET sex = 'female'")
    assert [(row.table_name, row.request_id) for row in missing()] == [("patients_patient", "")]


@pytest.mark.django_db(transaction=True)
def test_what_is_rolled_back_was_not_written(patient):
    run("DELETE FROM audit_change")

    def write():
        with transaction.atomic():
            source(patient=patient).save()
            transaction.set_rollback(True)

    in_a_request(write)
    assert not Change.objects.exists()


def test_no_column_has_a_name_of_the_trigger_that_notes_writes():
    """PostgreSQL would take it for the rows before or after the statement, and refuse the write."""
    columns = {(model._meta.label, field.column) for model in apps.get_models() for field in model._meta.local_fields}
    assert ("patients.TreatmentChange", "stood_before") in columns
    assert not [found for found in columns if found[1] in {"before", "after"}]
