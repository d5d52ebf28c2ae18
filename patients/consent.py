"""What a patient allows now; asked before every read of what a consent governs, never remembered."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from novamind.accounts.models import User
from novamind.accounts.rights import Refused
from novamind.audit.models import EventType
from novamind.audit.recording import aggregates, note_object, saw
from novamind.jobs.services import publish
from novamind.measures import Abstained
from patients.models import DEFAULTS, Consent, ConsentPurpose, ConsentStream, Patient, allowed, default_of

UNRESTRICTED = "treatment"  # the banner's word where nothing is withdrawn from it


class ConsentWithheld(Refused):
    """403: the patient has not consented to this use."""

    def __init__(self) -> None:
        super().__init__("consent_withheld", f"{Abstained('consent_withheld').reason.capitalize()}.")


def allows(patient: Patient | UUID, purpose: str, stream: str) -> bool:
    """Whether the patient's data of this stream may be used for this purpose now. One query."""
    patient_id = patient.pk if isinstance(patient, Patient) else patient
    return patient_id in allowing([patient_id], purpose, stream)


def allowing(patient_ids: Iterable[UUID], purpose: str, stream: str) -> set[UUID]:
    """Which of these patients allow it now. One query."""
    with aggregates():
        asked = Patient.objects.filter(pk__in=list(patient_ids)).alias(ok=allowed(purpose, stream, patient="pk"))
        return set(asked.filter(ok=True).order_by().values_list("pk", flat=True))


def allowed_pairs(patient: Patient) -> set[tuple[str, str]]:
    """Every (purpose, stream) that the patient, whom the caller has on record, allows now. One query."""
    newest: dict[tuple[str, str], Consent] = {}
    for row in Consent.objects.filter(patient=patient):  # the newest of each first
        newest.setdefault((row.purpose, row.stream), row)
    pairs = [(purpose, stream) for purpose in ConsentPurpose for stream in ConsentStream]
    return {pair for pair in pairs if _holds(*pair, newest.get(pair))}


def require(patient: Patient | UUID, purpose: str, stream: str) -> None:
    """``ConsentWithheld`` unless the patient allows it now."""
    if not allows(patient, purpose, stream):
        raise ConsentWithheld


def require_streams(patient: Patient, purpose: str, streams: Iterable[str]) -> None:
    """:func:`require` for several streams of one patient, whom the caller has on record. One query."""
    wanted = set(streams)
    rows = Consent.objects.filter(patient=patient, purpose=purpose, stream__in=wanted)
    newest: dict[str, Consent] = {}
    for row in rows:  # the newest of each first
        newest.setdefault(row.stream, row)
    if not all(_holds(purpose, stream, newest.get(stream)) for stream in wanted):
        raise ConsentWithheld


def record_consent(
    *,
    patient: Patient,
    purpose: str,
    stream: str,
    given: bool,
    how: str,
    by: User | None,
    valid_until: datetime | None = None,
    remark: str | None = None,
) -> Consent:
    """Add a decision of the patient. What was withdrawn stops at the next request; a job under way stores nothing."""
    with transaction.atomic():
        consent = Consent.objects.create(
            patient=patient,
            purpose=ConsentPurpose(purpose),
            stream=ConsentStream(stream),
            given=given,
            how=Consent.How(how),
            valid_until=valid_until,
            remark=remark or None,
            recorded_by=by,
        )
        publish("consent.changed", actor=by.pk if by else None, patient_id=patient.pk, stream=str(consent.stream))
    note_object(EventType.CREATION, "patients.Consent", consent.pk)
    return consent


def state_of(patient: Patient) -> list[dict[str, Any]]:
    """Every purpose with its streams: allowed or not, since when, or the default and why. One query."""
    newest: dict[tuple[str, str], Consent] = {}
    for row in Consent.objects.filter(patient=patient).select_related("recorded_by"):
        newest.setdefault((row.purpose, row.stream), row)
    return [
        {
            "purpose": purpose,
            "streams": [_state(purpose, stream, newest.get((purpose, stream))) for stream in ConsentStream],
        }
        for purpose in ConsentPurpose
    ]


def _state(purpose: ConsentPurpose, stream: ConsentStream, row: Consent | None) -> dict[str, Any]:
    return {
        "purpose": purpose,
        "stream": stream,
        "allowed": _holds(purpose, stream, row),
        "row": row,
        "ended": row is not None and row.has_ended,
        "why": default_of(purpose, stream)[1],
    }


def _holds(purpose: str, stream: str, newest: Consent | None) -> bool:
    """Whether it is allowed now, by the newest decision, else the default: as :func:`patients.models.allowed` asks the
    database."""
    return default_of(purpose, stream)[0] if newest is None else newest.given and not newest.has_ended


def defaults_in_words() -> list[str]:
    """The table of defaults, as a page says it."""
    said = []
    for (purpose, stream), (yes, why) in DEFAULTS.items():
        use = f"{purpose.label} of: {stream.label}" if stream else purpose.label
        said.append(f"{use}: {'yes' if yes else 'no'}, because {why}")
    return said


def in_short(patient: Patient) -> str:
    """For the banner: what the patient has withdrawn, or that treatment goes on."""
    saw(patient.pk)
    with aggregates():
        rows = Consent.objects.filter(patient=patient).order_by("at", "-given")
        newest = {(purpose, stream): given for purpose, stream, given in rows.values_list("purpose", "stream", "given")}
    withdrawn = [
        ConsentStream(stream).label.lower()
        for (purpose, stream), given in newest.items()
        if purpose == ConsentPurpose.TREATMENT and not given
    ]
    if withdrawn:
        return f"withdrawn: {', '.join(sorted(withdrawn))}"
    return UNRESTRICTED
