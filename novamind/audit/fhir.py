"""Events as FHIR R4 AuditEvent resources, for a SIEM or a repository of audit records (IHE ATNA)."""

from __future__ import annotations

from datetime import UTC
from typing import Any

from novamind.audit.models import AuditEvent, AuditEventPatient, EventType, Outcome, Purpose

TERMS = "http://terminology.hl7.org/CodeSystem/"
DICOM = "http://dicom.nema.org/resources/ontology/DCM"
OURS = "urn:novamind:audit"
#: Kind of event -> the DICOM code of its type, where it is not a request of our own API or pages.
TYPES = {
    EventType.SIGN_IN: ("110114", "User Authentication"),
    EventType.SIGN_OUT: ("110114", "User Authentication"),
    EventType.SIGN_IN_FAILED: ("110114", "User Authentication"),
    EventType.EXPORT: ("110106", "Export"),
    EventType.DATA_COLLECTION: ("110107", "Import"),
}
EMERGENCY = {"system": DICOM, "code": "110127", "display": "Emergency Override Started"}
ACTIONS = {
    EventType.CREATION: "C",
    EventType.DATA_COLLECTION: "C",
    EventType.DATA_ACCESS: "R",
    EventType.EXPORT: "R",
    EventType.API_ACCESS: "R",
    EventType.MODIFICATION: "U",
    EventType.MODEL_PROMOTION: "U",
    EventType.DELETION: "D",
}
OUTCOMES = {Outcome.SUCCESS: "0", Outcome.REFUSED: "4", Outcome.FAILED: "8"}


def resource(event: AuditEvent) -> dict[str, Any]:
    """One event; reads its patients, which the caller has prefetched."""
    subtypes = [{"system": OURS, "code": event.event_type, "display": event.get_event_type_display()}]
    purposes = sorted({row.why for row in event.patients.all()} or {event.purpose})
    if Purpose.EMERGENCY in purposes:
        subtypes.append(EMERGENCY)
    return {
        "resourceType": "AuditEvent",
        "id": str(event.pk),
        "type": _type(event),
        "subtype": subtypes,
        "action": ACTIONS.get(EventType(event.event_type), "E"),
        "recorded": event.at.astimezone(UTC).isoformat(),
        "outcome": OUTCOMES[Outcome(event.outcome)],
        "outcomeDesc": f"{event.get_outcome_display()} {event.status_code or ''}".strip(),
        "purposeOfEvent": [{"coding": [{"system": f"{TERMS}v3-ActReason", "code": code}]} for code in purposes],
        "agent": [_agent(event)],
        "source": {
            "observer": {"display": f"Novamind {event.app_version}"},
            "type": [{"system": f"{TERMS}security-source-type", "code": "4", "display": "Application Server"}],
        },
        "entity": [*_patients(event), *_objects(event)],
    }


def _type(event: AuditEvent) -> dict[str, str]:
    if (known := TYPES.get(EventType(event.event_type))) is not None:
        return {"system": DICOM, "code": known[0], "display": known[1]}
    return {"system": f"{TERMS}audit-event-type", "code": "rest", "display": "RESTful Operation"}


def _agent(event: AuditEvent) -> dict[str, Any]:
    who: dict[str, Any] = {"display": event.actor_label or "nobody signed in"}
    if event.actor_id is not None:
        who["identifier"] = {"system": f"{OURS}:account", "value": str(event.actor_id)}
    agent: dict[str, Any] = {"who": who, "requestor": True}
    if event.role:
        agent["role"] = [{"text": event.role}]
    if event.ip:
        agent["network"] = {"address": str(event.ip), "type": "2"}
    return agent


def _patients(event: AuditEvent) -> list[dict[str, Any]]:
    return [
        {
            "what": {"reference": f"Patient/{row.patient_id}"},
            "type": {"system": f"{TERMS}audit-entity-type", "code": "1", "display": "Person"},
            "role": {"system": f"{TERMS}object-role", "code": "1", "display": "Patient"},
            "detail": [{"type": "purpose", "valueString": row.why}, *_sight(row)],  # R4 has no elements for them
        }
        for row in sorted(event.patients.all(), key=lambda row: str(row.patient_id))
    ]


def _sight(row: AuditEventPatient) -> list[dict[str, str]]:
    return [] if row.opened is None else [{"type": "sight", "valueString": "opened" if row.opened else "listed"}]


def _objects(event: AuditEvent) -> list[dict[str, Any]]:
    """What was asked for: the object by its id, the request, and the facts of a run or a file."""
    facts = {"action": event.action, "request": event.request_id} | event.details
    entity: dict[str, Any] = {
        "type": {"system": f"{TERMS}audit-entity-type", "code": "2", "display": "System Object"},
        "detail": [{"type": name, "valueString": str(value)} for name, value in sorted(facts.items()) if value != ""],
    }
    if event.object_id:
        entity["what"] = {"identifier": {"value": event.object_id}, "display": event.object_label or "object"}
    return [entity]
