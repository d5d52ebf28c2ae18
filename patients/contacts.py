"""Where a patient is reached, for the message that leaves now."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from novamind.delivery.contacts import Contact, Unwanted
from patients.consent import allows
from patients.models import ConsentPurpose, ConsentStream, Patient

#: Template -> the stream that the patient must allow, for treatment, to be sent it.
_ASKED: Final = {"reminder": ConsentStream.QUESTIONNAIRES, "appointment": ConsentStream.NOTES}


def contact_of(patient_id: UUID, template: str) -> Contact | None:
    """The contacts of the chart, decrypted; ``Unwanted`` for a reminder that the patient no longer consents to."""
    patient = Patient.objects.filter(pk=patient_id, disposed_at__isnull=True).first()
    if patient is None:
        return None
    asked = _ASKED.get(template)
    if asked is not None and not allows(patient, ConsentPurpose.TREATMENT, asked):
        raise Unwanted("consent_withheld")
    return Contact(patient.zone, email=patient.email, phone=patient.phone)
