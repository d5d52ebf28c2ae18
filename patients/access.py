"""The door of every page and endpoint of one patient."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.http import Http404

from novamind.accounts.rights import Refused
from novamind.audit.models import Purpose
from novamind.audit.recording import aggregates, note_treatment
from patients.models import Grant, Patient, PatientQuerySet


def patient_for(user: Any, patient_id: UUID, *, changing: bool = False) -> Patient:
    """The patient, to be read or (``changing``) to be written about.

    Raises
    ------
    Http404
        Hidden from this user, or nobody.
    Refused
        403 ``emergency_read_only``: seen through emergency access alone, which changes nothing.
    """
    if not changing:
        return _the_one(Patient.objects.visible_to(user), patient_id)
    try:
        patient = _the_one(Patient.objects.changeable_by(user), patient_id)
    except Http404:
        _the_one(Patient.objects.visible_to(user), patient_id)
        raise Refused(
            "emergency_read_only", "Emergency access is for reading: nothing in this chart can be changed."
        ) from None
    note_treatment(patient.pk)
    return patient


def _the_one(patients: PatientQuerySet, patient_id: UUID) -> Patient:
    patient = patients.filter(pk=patient_id).order_by().first()
    if patient is None:
        raise Http404
    return patient


def is_in_care_of(user: Any, patient_id: UUID) -> bool:
    """Whether the user sees the patient by more than emergency access."""
    with aggregates():
        return Patient.objects.changeable_by(user).filter(pk=patient_id).exists()


def is_own_chart(user: Any, patient_id: UUID) -> bool:
    """Whether the user is this patient, who opens it by the patient's pages alone."""
    with aggregates():
        return Patient.objects.own_of(user).filter(pk=patient_id).exists()


def purposes_of(actor_id: UUID, patients: Iterable[UUID]) -> dict[UUID, str]:
    """Where it is not treatment: ``PATRQT`` for one's own chart, ``ETREAT`` for emergency access alone.

    One query, two if there is an emergency.
    """
    valid, wanted = Grant.objects.valid().filter(user_id=actor_id), set(patients)
    special = valid.filter(reason__in=[Grant.Reason.SELF, Grant.Reason.BREAK_GLASS])
    found = [row for row in special.values_list("content_object_id", "reason") if row[0] in wanted]
    own = {patient for patient, reason in found if reason == Grant.Reason.SELF}
    opened = {patient for patient, _ in found} - own
    if opened:
        lasting = valid.exclude(reason=Grant.Reason.BREAK_GLASS).filter(content_object__in=opened)
        opened -= set(lasting.values_list("content_object_id", flat=True))
    return dict.fromkeys(own, str(Purpose.PATIENT)) | dict.fromkeys(opened, str(Purpose.EMERGENCY))
