"""What identifies a patient, handed down to the detector, which knows no patients."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from novamind.audit.recording import aggregates, saw, unseen
from novamind.phi import gate, vault
from novamind.phi.detection import Identifiers
from novamind.phi.detection.many import Matcher
from novamind.phi.models import PhiScan
from novamind.phi.scanning import scan
from patients.models import DAMAGED, Patient


def of(patient: Patient) -> Identifiers:
    """Decrypts the head of the chart."""
    return Identifiers(
        first_names=(patient.first_name,),
        last_names=(patient.last_name,),
        born_on=patient.date_of_birth,
        numbers=(patient.mrn,) if patient.mrn else (),
        phones=(patient.phone,) if patient.phone else (),
        emails=(patient.email,) if patient.email else (),
    )


def outbound(text: str, *, patient: Patient, purpose: str) -> str:
    """A text about a patient as a model outside may see it; ``gate.Blocked`` when it may not leave."""
    try:
        known = of(patient)
    except DAMAGED:
        known = None
    return gate.outbound(text, patient_id=patient.pk, known=known, purpose=purpose)


def restore(text: str, *, patient: Patient, by: Any) -> str:
    """A tokenised text with its names again, for a user who may see the patient; ``Patient.DoesNotExist`` otherwise."""
    patient = Patient.objects.visible_to(by).get(pk=patient.pk)
    saw(patient.pk)
    return vault.restore(text, patient.pk)


def scan_everything() -> PhiScan:
    """Search all places for every patient's identifiers; they are decrypted in memory and nothing is written of them.

    Notes no patient in the ledger: no record is shown to anybody, and the whole clinic in one row tells nothing.
    """
    unreadable = 0

    def readable() -> Iterator[Identifiers]:
        nonlocal unreadable
        for patient in Patient.objects.filter(disposed_at=None).order_by().iterator(chunk_size=500):
            try:
                yield of(patient)
            except DAMAGED:
                unreadable += 1

    with unseen(), aggregates():
        matcher = Matcher(readable())
        return scan(matcher, unreadable=unreadable)
