"""Where a patient is reached, for the message that leaves now."""

from __future__ import annotations

from uuid import UUID

from novamind.delivery.contacts import Contact, Unwanted
from patients.consent import allows
from patients.models import ConsentPurpose, ConsentStream, Patient


def contact_of(patient_id: UUID, template: str) -> Contact | None:
    """The contacts of the chart, decrypted; ``Unwanted`` for a reminder that the patient no longer consents to."""
    patient = Patient.objects.filter(pk=patient_id, disposed_at__isnull=True).first()
    if patient is None:
        return None
    asked = (ConsentPurpose.TREATMENT, ConsentStream.QUESTIONNAIRES)
    if template == "reminder" and not allows(patient, *asked):
        raise Unwanted("consent_withheld")
    return Contact(patient.zone, email=patient.email, phone=patient.phone)
