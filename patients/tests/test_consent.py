"""Consent: what holds, and that a withdrawal stops the stream and everything derived from it."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import DatabaseError, connection, transaction

from novamind import clock
from novamind.audit.models import AuditEventPatient
from patients.consent import ConsentWithheld, allowing, allows, in_short, record_consent, require_streams
from patients.models import DEFAULTS, Consent, ConsentPurpose, ConsentStream

DOCS = Path(__file__).resolve().parents[2] / "docs" / "consent.md"
ACTIGRAPHY = (ConsentPurpose.TREATMENT, ConsentStream.ACTIGRAPHY)


def decide(patient, given, purpose="treatment", stream="actigraphy", **more):
    return record_consent(patient=patient, purpose=purpose, stream=stream, given=given, how="written", by=None, **more)


def test_without_a_word_of_the_patient_only_treatment_is_allowed(patient):
    allowed = {(p, s) for p in ConsentPurpose for s in ConsentStream if allows(patient, p, s)}
    exempt = {ConsentStream.PART2, ConsentStream.LOCATION}
    assert allowed == {(ConsentPurpose.TREATMENT, s) for s in ConsentStream if s not in exempt}


def test_the_defaults_in_the_docs_are_the_ones_in_code():
    said = {}
    for purpose, stream, answer, why in re.findall(
        r"^\| `(\w+)`(?: of `(\w+)`)? \| (yes|no) \| (.+) \|$", DOCS.read_text(), re.MULTILINE
    ):
        said[purpose, stream or None] = (answer == "yes", why)
    assert said == dict(DEFAULTS)


def test_the_newest_decision_holds_for_its_purpose_and_stream_alone(patient, make_patient, team):
    other = make_patient(team)
    decide(patient, False)
    assert not allows(patient, *ACTIGRAPHY)
    assert allows(patient, "treatment", "heart")
    assert allowing([patient.pk, other.pk], *ACTIGRAPHY) == {other.pk}
    decide(patient, True)
    assert allows(patient, *ACTIGRAPHY)
    assert not allows(patient, "models", "actigraphy")
    decide(patient, True, purpose="models")
    assert allows(patient, "models", "actigraphy")


def test_a_consent_ends_at_its_time(patient, monkeypatch):
    until = clock.now() + timedelta(days=1)
    decide(patient, True, stream="part2", valid_until=until)
    assert allows(patient, "treatment", "part2")
    monkeypatch.setattr(clock, "now", lambda: until)
    assert not allows(patient, "treatment", "part2")


def test_of_two_decisions_at_one_moment_the_withdrawal_holds(patient, monkeypatch):
    moment = clock.now()
    monkeypatch.setattr(clock, "now", lambda: moment)
    for given in (True, False, True):
        Consent.objects.create(
            patient=patient, purpose="treatment", stream="actigraphy", given=given, how="spoken", at=moment
        )
    assert not allows(patient, *ACTIGRAPHY)
    assert in_short(patient) == "withdrawn: movement and rest"


def test_several_streams_at_once_are_asked_for_as_one_by_one(patient, monkeypatch):
    decide(patient, True, "models", "heart")
    decide(patient, False)
    decide(patient, True, "models", "notes", valid_until=clock.now() + timedelta(hours=1))
    moment = clock.now()
    for later in (timedelta(), timedelta(hours=2)):
        monkeypatch.setattr(clock, "now", lambda later=later: moment + later)
        for purpose in ConsentPurpose:
            for stream in ConsentStream:
                for streams in ({stream}, {stream, ConsentStream.HEART}):
                    want = all(allows(patient, purpose, one) for one in streams)
                    assert _passes(patient, purpose, streams) is want, (later, purpose, streams)


def _passes(patient, purpose, streams):
    try:
        require_streams(patient, purpose, streams)
    except ConsentWithheld:
        return False
    return True


def test_a_decision_is_never_changed_or_deleted(patient):
    consent = decide(patient, True)
    consent.given = False
    for change in (
        consent.save,
        consent.delete,
        Consent.objects.all().delete,
        lambda: Consent.objects.update(given=False),
    ):
        with pytest.raises(TypeError):
            change()
    assert Consent.objects.get().given


def test_the_page_records_a_decision_for_each_stream_and_shows_who_and_when(signed_in, psychiatrist, patient):
    client = signed_in(psychiatrist)
    address = f"/patients/{patient.pk}/consents/"
    sent = client.post(
        f"{address}record/",
        {
            "purpose": "research", "streams": ["heart", "notes"], "decision": "given", "how": "written",
            "remark": "Study 12, form kept",
        },
    )  # fmt: skip
    assert sent.status_code == 302
    assert {(c.purpose, c.stream, c.given, c.recorded_by) for c in Consent.objects.all()} == {
        ("research", "heart", True, psychiatrist),
        ("research", "notes", True, psychiatrist),
    }
    assert b"Study 12" not in bytes(Consent.objects.values_list("remark", flat=True)[0])
    page = client.get(address).content.decode()
    assert page.count("Study 12, form kept") == 2
    assert AuditEventPatient.objects.filter(patient_id=patient.pk, event__action="patients:record-consent").exists()


def test_the_api_adds_a_decision_and_lists_them_newest_first(signed_in, therapist, patient):
    client = signed_in(therapist)
    address = f"/api/v1/patients/{patient.pk}/consents"
    for given in (True, False):
        body = {"purpose": "sharing", "stream": "notes", "given": given, "how": "spoken"}
        assert client.post(address, body, content_type="application/json").status_code == 201
    assert [row["given"] for row in client.get(address).json()] == [False, True]
    wrong = client.post(address, {"purpose": "Zqx", "stream": "notes"}, content_type="application/json")
    assert wrong.status_code == 400
    assert "Zqx" not in wrong.content.decode()


def test_the_banner_says_what_is_withdrawn(signed_in, psychiatrist, patient):
    client = signed_in(psychiatrist)
    assert "withdrawn: " not in client.get(f"/patients/{patient.pk}/consents/").content.decode()
    decide(patient, False, stream="heart")
    assert "withdrawn: heart" in client.get(f"/patients/{patient.pk}/consents/").content.decode()


def test_the_database_itself_refuses_to_change_a_decision(patient):
    decision = decide(patient, False)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE patients_consent SET given = %s", [True])
    assert not Consent.objects.get(pk=decision.pk).given
