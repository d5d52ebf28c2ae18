"""The trail as FHIR R4 AuditEvent: what a receiver requires is there, and taking it out is on record."""

from __future__ import annotations

import json
from hashlib import sha256
from io import StringIO
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command

from novamind.audit.fhir import ACTIONS, resource
from novamind.audit.models import AuditEvent, EventType, Outcome, Purpose
from novamind.audit.recording import recorded, saw, write_event

pytestmark = pytest.mark.django_db


def event(*patients, **facts):
    known = {"event_type": "DATA_ACCESS", "action": "actigraphy:patient"} | facts
    with recorded(actor_label="a@clinic.test", actor_id=uuid4(), role="therapist", request_id=str(uuid4())) as ledger:
        for pk in patients:
            saw(pk)
        return write_event(ledger, **known)


def written(first, last):
    out = StringIO()
    call_command("export_audit", "--from", first, "--to", last, "--by", "operator:kari", stdout=out)
    return out.getvalue()


@pytest.mark.parametrize("kind", EventType.values)
@pytest.mark.parametrize("outcome", Outcome.values)
def test_every_kind_and_outcome_has_what_r4_requires(kind, outcome):
    made = resource(event(uuid4(), event_type=kind, outcome=outcome, ip="192.0.2.7"))
    assert made["resourceType"] == "AuditEvent"
    assert {"type", "recorded", "agent", "source"} <= set(made)  # 1..1 and 1..* of the resource
    assert made["action"] in set("CRUDE")
    assert made["outcome"] in {"0", "4", "8", "12"}
    assert made["agent"][0]["requestor"] is True
    assert made["source"]["observer"]
    assert all(detail["valueString"] for entity in made["entity"] for detail in entity.get("detail", []))
    json.dumps(made)


def test_a_read_in_an_emergency_says_who_whose_why_and_how():
    patient = uuid4()
    one = event(patient, purpose=Purpose.EMERGENCY, status_code=200)
    made = resource(one)
    assert made["entity"][0]["what"] == {"reference": f"Patient/{patient}"}
    assert made["agent"][0]["who"]["identifier"]["value"] == str(one.actor_id)
    assert made["purposeOfEvent"][0]["coding"][0]["code"] == "ETREAT"
    assert [subtype["code"] for subtype in made["subtype"]] == ["DATA_ACCESS", "110127"]
    assert (made["action"], made["outcome"]) == (ACTIONS[EventType.DATA_ACCESS], "0")


def test_of_a_list_with_one_emergency_each_chart_has_its_own_purpose():
    treated, opened = sorted([uuid4(), uuid4()], key=str)
    one = event(treated, opened)
    one.patients.filter(patient_id=opened).update(purpose=Purpose.EMERGENCY)
    made = resource(one)
    assert [[detail["valueString"] for detail in entity["detail"]] for entity in made["entity"][:2]] == [
        ["TREAT", "listed"],
        ["ETREAT", "listed"],
    ]
    assert [why["coding"][0]["code"] for why in made["purposeOfEvent"]] == ["ETREAT", "TREAT"]
    assert "110127" in [subtype["code"] for subtype in made["subtype"]]


def test_the_file_has_a_line_for_each_event_of_the_days_and_is_on_record(settings):
    settings.CLINIC_TIME_ZONE = "Europe/Oslo"
    inside, before = event(uuid4(), details={"rows": 3}), event()
    AuditEvent.objects.filter(pk=inside.pk).update(at="2027-03-01T23:30:00Z")
    AuditEvent.objects.filter(pk=before.pk).update(at="2027-03-01T22:30:00Z")
    text = written("2027-03-02", "2027-03-02")
    lines = [json.loads(line) for line in text.splitlines()]
    assert [line["id"] for line in lines] == [str(inside.pk)]
    assert {"type": "rows", "valueString": "3"} in lines[0]["entity"][1]["detail"]
    end = AuditEvent.objects.get(event_type="EXPORT")
    assert end.details == {"rows": 1, "sha256": sha256(text.encode()).hexdigest()}
    assert (end.actor_label, end.object_id) == ("operator:kari", "2027-03-02/2027-03-02")


def test_days_the_wrong_way_round_are_refused():
    with pytest.raises(CommandError, match="after"):
        written("2027-03-02", "2027-03-01")
