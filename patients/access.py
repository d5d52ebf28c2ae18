"""The door of every page and endpoint of one patient."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404

from novamind.accounts.rights import Refused
from novamind.audit.recording import aggregates
from patients.models import Patient


def patient_for(user: Any, patient_id: UUID, *, changing: bool = False) -> Patient:
    """The patient, to be read or (``changing``) to be written about.

    Raises
    ------
    Http404
        Hidden from this user, or nobody.
    Refused
        403 ``emergency_read_only``: seen through emergency access alone, which changes nothing.
    """
    patient = Patient.objects.visible_to(user).filter(pk=patient_id).first()
    if patient is None:
        raise Http404
    if changing and not is_in_care_of(user, patient_id):
        raise Refused("emergency_read_only", "Emergency access is for reading: nothing in this chart can be changed.")
    return patient


def is_in_care_of(user: Any, patient_id: UUID) -> bool:
    """Whether the user sees the patient by more than emergency access."""
    with aggregates():
        return Patient.objects.changeable_by(user).filter(pk=patient_id).exists()
