"""The chain of seals: whatever the owner of the database does to the trail afterwards is found."""

from __future__ import annotations

import hmac
import json
import threading
from datetime import timedelta
from hashlib import sha256
from io import StringIO
from uuid import UUID, uuid4

import boto3
import pytest
from botocore.stub import ANY, Stubber
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction

from novamind import clock
from novamind.audit import anchors, compliance, seal
from novamind.audit.models import Anchor, AuditEvent, AuditEventPatient, ChainCheck, EventType, Seal
from novamind.audit.recording import recorded, saw, write_event
from novamind.audit.verifying import findings, verify


def event(patients=(), **more):
    with recorded(actor_label="system:test", request_id=str(uuid4())) as ledger:
        for patient_id in patients:
            saw(patient_id)
        return write_event(ledger, event_type=EventType.DATA_ACCESS, action="test", **more)


def execute(sql, *params):
    with connection.cursor() as cursor:
        cursor.execute(sql, params)


def key(pk):
    return pk if connection.vendor == "postgresql" else pk.hex


@pytest.fixture
def sealed(db):
    """Six events, two of them of patients, in a chain."""
    made = [event([uuid4(), uuid4()] if number in (2, 4) else ()) for number in range(6)]
    assert seal.seal_new() == 6
    assert list(findings()) == []
    return made


def first_found():
    return next(iter(findings())).seq


def as_the_docs_say(made):
    """The bytes of an event, from docs/audit.md alone, with no function of the sealer."""
    columns = {}
    for field in AuditEvent._meta.concrete_fields:
        value = getattr(made, field.attname)
        columns[field.attname] = str(value) if isinstance(value, UUID) else value
    columns["at"] = docs_time(made.at)
    rows = made.patients.all()
    columns["patients"] = sorted(f"{row.patient_id} {docs_time(row.at)}{docs_sight(row)}" for row in rows)
    if any(docs_sight(row) for row in rows):
        columns["format"] = 2
    if not columns["details"]:
        del columns["details"]
    return json.dumps(columns, sort_keys=True, separators=(",", ":")).encode()


def docs_sight(row):
    if not row.purpose and row.opened is None:
        return ""
    return f" {row.purpose} {'opened' if row.opened else 'listed' if row.opened is False else ''}"


def docs_time(at):
    return at.strftime("%Y-%m-%dT%H:%M:%S.%f+00:00")


def test_the_first_seal_is_what_the_docs_say(db, settings):
    patient = uuid4()
    made = event([patient], ip="192.0.2.7", query_params=["page"], status_code=200, duration_ms=12)
    seal.seal_new()
    made.refresh_from_db()
    at = docs_time(made.at)
    columns = {
        "id": str(made.pk), "at": at, "event_type": "DATA_ACCESS", "actor_id": None, "actor_label": "system:test",
        "role": "system", "action": "test", "object_label": "", "object_id": "", "purpose": "TREAT",
        "outcome": "success", "path": "", "method": "", "query_params": ["page"], "status_code": 200,
        "duration_ms": 12, "ip": "192.0.2.7", "user_agent": "", "session_hash": "", "request_id": made.request_id,
        "app_version": settings.VERSION, "patients": [f"{patient} {at} TREAT opened"], "format": 2,
    }  # fmt: skip
    text = json.dumps(columns, sort_keys=True, separators=(",", ":")).encode()
    expected = hmac.digest(settings.AUDIT_SEAL_KEY.encode(), bytes(32) + (1).to_bytes(8, "big") + text, sha256)
    assert bytes(Seal.objects.get(seq=1).mac) == expected
    assert as_the_docs_say(made) == text


ODD = {
    "plain": {},
    "letters": {"path": "/søvn/\U0001f634", "user_agent": 'a "b" \\ \x7f ü', "action": "é"},
    "details": {"details": {"z": [1, 2.5, None, {"b": True, "a": "ø"}], "rows": 12, "sha256": "00"}},
    "numbers": {"status_code": 0, "duration_ms": 0, "query_params": ["b", "a"]},
    "sixth version": {"ip": "2001:db8::1"},
    "fourth in sixth": {"ip": "::ffff:192.0.2.7"},
    "somebody": {"actor": uuid4()},
    "a whole second": {"fraction": 0},
    "half a second": {"fraction": 500_000},
    "a microsecond": {"fraction": 1},
}


def test_every_seal_is_what_the_docs_say(db, settings, monkeypatch):
    """Whatever stands in the columns, and on every database."""
    moment = clock.now() - timedelta(minutes=1)
    for number, facts in enumerate(ODD.values()):
        at = (moment + timedelta(seconds=number)).replace(microsecond=facts.get("fraction", 123_456))
        with recorded(actor_label="x", request_id=str(uuid4()), actor_id=facts.get("actor")) as ledger:
            more = {name: facts[name] for name in facts.keys() - {"actor", "fraction", "action"}}
            made = write_event(ledger, event_type="DATA_ACCESS", action=facts.get("action", "test"), at=at, **more)
        for patient in sorted((uuid4() for _ in range(number % 4)), reverse=True):
            AuditEventPatient.objects.create(event=made, patient_id=patient, at=at)
    monkeypatch.setattr(seal, "BATCH", 3)
    assert seal.seal_new() == len(ODD)
    mac, seals = bytes(32), Seal.objects.order_by("seq")
    for number, (name, made) in enumerate(zip(ODD, AuditEvent.objects.order_by("at"), strict=True), start=1):
        signed = mac + number.to_bytes(8, "big") + as_the_docs_say(made)
        mac = hmac.digest(settings.AUDIT_SEAL_KEY.encode(), signed, sha256)
        assert (seals[number - 1].event_id, bytes(seals[number - 1].mac)) == (made.pk, mac), name
    assert list(findings()) == []


def test_every_column_of_an_event_is_sealed(sealed):
    """Each is changed in the database, and found."""
    other = {"DateTimeField": clock.now(), "UUIDField": uuid4(), "JSONField": ["x"], "GenericIPAddressField": "::2"}
    for field in AuditEvent._meta.concrete_fields:
        if not field.primary_key:
            sid = transaction.savepoint()
            number = 7 if "Integer" in field.get_internal_type() else "x"
            AuditEvent.objects.filter(pk=sealed[3].pk).update(
                **{field.attname: other.get(field.get_internal_type(), number)}
            )
            assert [finding.seq for finding in findings()] == [4], field.name
            transaction.savepoint_rollback(sid)
    assert list(findings()) == []


def test_a_changed_event_is_found_at_its_seal(sealed):
    execute("UPDATE audit_auditevent SET actor_label = %s WHERE id = %s", "somebody else", key(sealed[3].pk))
    assert [finding.seq for finding in findings()] == [4]


def test_a_patient_taken_from_an_event_is_found(sealed):
    row = AuditEventPatient.objects.filter(event=sealed[2]).first()
    execute("DELETE FROM audit_auditeventpatient WHERE id = %s", row.pk)
    assert first_found() == 3


@pytest.mark.parametrize("change", [{"purpose": "ETREAT"}, {"purpose": ""}, {"opened": True}, {"opened": None}])
def test_a_purpose_or_a_sight_that_was_changed_or_taken_away_is_found(sealed, change):
    AuditEventPatient.objects.filter(pk=sealed[2].patients.first().pk).update(**change)
    assert first_found() == 3


def test_an_old_and_a_new_event_stand_in_one_chain_and_neither_passes_for_the_other(db):
    old, new = event([uuid4(), uuid4()]), event([uuid4()], purpose="ETREAT")
    old.patients.update(purpose="", opened=None)  # as rows from before the column
    assert seal.seal_new() == 2
    assert list(findings()) == []
    old.patients.update(purpose="TREAT")  # what they would say today
    assert [finding.seq for finding in findings()] == [1]
    old.patients.update(purpose="")
    new.patients.update(purpose="", opened=None)
    assert [finding.seq for finding in findings()] == [2]


def test_a_deleted_event_is_found(sealed):
    execute("DELETE FROM audit_auditevent WHERE id = %s", key(sealed[1].pk))
    assert [finding.seq for finding in findings()] == [2]


def test_an_event_deleted_with_its_seal_is_found(sealed):
    execute("DELETE FROM audit_auditevent WHERE id = %s", key(sealed[1].pk))
    execute("DELETE FROM audit_seal WHERE id = 2")
    assert first_found() == 2


def test_two_events_that_changed_places_are_found(sealed):
    one, other = Seal.objects.get(seq=2), Seal.objects.get(seq=3)
    execute("UPDATE audit_seal SET event_id = %s WHERE id = 2", key(uuid4()))
    execute("UPDATE audit_seal SET event_id = %s WHERE id = 3", key(one.event_id))
    execute("UPDATE audit_seal SET event_id = %s WHERE id = 2", key(other.event_id))
    assert [finding.seq for finding in findings()] == [2, 3]


def test_a_chain_made_anew_without_the_key_is_found(sealed, settings):
    right = settings.AUDIT_SEAL_KEY
    execute("DELETE FROM audit_seal")
    settings.AUDIT_SEAL_KEY = "guessed" * 8
    seal.seal_new()
    settings.AUDIT_SEAL_KEY = right
    assert first_found() == 1


def test_an_old_event_without_a_seal_is_found(sealed):
    AuditEvent.objects.create(
        at=clock.now() - timedelta(hours=3), event_type="DATA_ACCESS", actor_label="planted", action="test",
        outcome="success", purpose="TREAT", request_id="x", role="", app_version="0",
    )  # fmt: skip
    assert seal.seal_new() == 0
    assert [(finding.seq, finding.what.split()[0]) for finding in findings()] == [(None, "1")]


def test_an_event_that_commits_late_is_sealed_when_it_is_seen(sealed):
    late = event()
    execute("UPDATE audit_auditevent SET at = %s WHERE id = %s", clock.now() - timedelta(minutes=3), key(late.pk))
    assert seal.seal_new() == 1
    assert Seal.objects.get(event_id=late.pk).seq == 7
    assert list(findings()) == []


def test_a_tail_that_was_cut_off_is_found_by_the_anchor_alone(sealed, settings, tmp_path):
    settings.AUDIT_ANCHOR_URL = f"file://{tmp_path}/anchors.jsonl"
    assert anchors.anchor_if_due()
    assert not anchors.anchor_if_due()  # nothing new
    for made, number in zip(sealed[4:], (5, 6), strict=True):
        execute("DELETE FROM audit_auditeventpatient WHERE event_id = %s", key(made.pk))
        execute("DELETE FROM audit_seal WHERE id = %s", number)
        execute("DELETE FROM audit_auditevent WHERE id = %s", key(made.pk))
    assert [finding.seq for finding in findings()] == [6]
    settings.AUDIT_ANCHOR_URL = ""
    assert list(findings()) == []


def test_another_chain_of_the_same_length_is_not_the_anchored_one(sealed, settings, tmp_path):
    settings.AUDIT_ANCHOR_URL = f"file://{tmp_path}/anchors.jsonl"
    anchors.anchor_if_due()
    execute("DELETE FROM audit_seal")
    execute("UPDATE audit_auditevent SET action = %s", "nothing")
    assert seal.seal_new() == 6
    assert [finding.seq for finding in findings()] == [6]


def test_anchors_that_cannot_be_read_are_a_finding_and_no_crash(sealed, settings, tmp_path):
    (tmp_path / "anchors.jsonl").write_text("{broken")
    settings.AUDIT_ANCHOR_URL = f"file://{tmp_path}/anchors.jsonl"
    assert "could not be read" in next(iter(findings())).what


def test_an_anchor_in_a_bucket_is_locked_for_six_years(sealed):
    client = boto3.client("s3", region_name="eu-north-1", aws_access_key_id="x", aws_secret_access_key="x")  # noqa: S106
    wanted = {
        "Bucket": "anchors", "Key": "clinic/000000000000006.json", "Body": ANY, "ObjectLockMode": "COMPLIANCE",
        "ObjectLockRetainUntilDate": ANY, "ChecksumAlgorithm": "SHA256",
    }  # fmt: skip
    with Stubber(client) as stub:
        stub.add_response("put_object", {}, wanted)
        anchors.AnchorBucket("anchors", "clinic/", client).write(anchors.Anchored(6, "00"))
        stub.assert_no_pending_responses()
    assert timedelta(days=6 * 365) <= anchors.KEPT


def test_a_bucket_of_anchors_is_asked_with_the_stores_own_keys(settings, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "for-kms")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "for-kms")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # it remembers the keys of whoever asked first
    settings.AUDIT_ANCHOR_URL, settings.AWS_REGION = "s3://anchors/clinic", "eu-north-1"
    for own, taken in (("for-the-store", "for-the-store"), ("", "for-kms")):
        settings.S3_ACCESS_KEY_ID = settings.S3_SECRET_ACCESS_KEY = own
        credentials = anchors._s3()._request_signer._credentials
        assert (credentials.access_key, credentials.secret_key) == (taken, taken)


def test_an_unknown_kind_of_place_is_refused(settings):
    settings.AUDIT_ANCHOR_URL = "http://somewhere"
    with pytest.raises(ValueError, match="AUDIT_ANCHOR_URL"):
        anchors.place()


@pytest.mark.django_db(transaction=True)
def test_two_sealers_at_once_make_one_chain():
    for _ in range(40):
        event()
    barrier = threading.Barrier(4)

    def run():
        barrier.wait()
        try:
            seal.seal_new()
        except DatabaseError:  # SQLite in memory shares one lock and says so
            assert connection.vendor == "sqlite"
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seal.seal_new()
    assert Seal.objects.count() == 40
    assert list(findings()) == []


@pytest.mark.usefixtures("audit_triggers")
def test_a_seal_is_neither_changed_nor_deleted(transactional_db):
    event()
    seal.seal_new()
    for statement in ("UPDATE audit_seal SET mac = mac", "DELETE FROM audit_seal"):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            execute(statement)


def test_the_command_says_what_is_wrong_and_exits_1(sealed):
    said = StringIO()
    call_command("verify_audit", stdout=said)
    assert "the chain holds" in said.getvalue()
    execute("UPDATE audit_auditevent SET role = %s WHERE id = %s", "nobody", key(sealed[5].pk))
    with pytest.raises(SystemExit):
        call_command("verify_audit", stdout=(said := StringIO()))
    assert f"event {sealed[5].pk} or its seal was changed" in said.getvalue()
    assert (ChainCheck.objects.first().findings, ChainCheck.objects.first().first_broken) == (1, 6)


def states():
    return {check.key: check.state for check in compliance.checks() if check.key in {"audit_chain", "audit_anchor"}}


def test_the_compliance_lines_are_computed(sealed, settings, tmp_path):
    assert states() == {"audit_chain": "fails", "audit_anchor": "not configured"}
    settings.AUDIT_ANCHOR_URL = f"file://{tmp_path}/anchors.jsonl"
    assert states()["audit_anchor"] == "fails"
    anchors.anchor_if_due()
    verify()
    assert states() == {"audit_chain": "holds", "audit_anchor": "holds"}
    execute("UPDATE audit_auditevent SET role = %s", "nobody")
    verify()
    Anchor.objects.update(at=clock.now() - timedelta(hours=1))
    event()
    seal.seal_new()
    Seal.objects.filter(seq=7).update(at=clock.now() - timedelta(minutes=6))
    assert states() == {"audit_chain": "fails", "audit_anchor": "fails"}
