"""Appointments: made, moved, kept or not."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import transaction

from novamind import clock
from novamind.accounts.models import User
from patients.consent import require
from patients.models import Appointment, AppointmentKind, AppointmentStatus, Patient, Place
from patients.treatment.reminding import LABEL, remind_of
from patients.treatment.services import NOTES, What, WrongEntry, change, create, mark_in_error

FIELDS = frozenset({"at", "kind", "place", "status", "clinician", "with_text", "note", "part2"})
LATEST = timedelta(days=3 * 366)
SOON = timedelta(hours=24)  # a visit may be said to have taken place a little before its time


def make_appointment(*, patient: Patient, by: User | None, **said: Any) -> Appointment:
    """A new visit, to come or past. ``WrongEntry``, ``ConsentWithheld``."""
    require(patient, *NOTES)
    columns = _columns(patient, {"clinician": by} | said)
    with transaction.atomic():
        made = create(Appointment(patient=patient, **columns), by=by, label=LABEL)
        remind_of(made)
    return made


def change_appointment(
    appointment: Appointment, *, version: int, by: User | None, why: str | None = None, **said: Any
) -> Appointment:
    """Move a visit or say what became of it. ``StaleEdit``, ``WrongEntry``, ``ConsentWithheld``."""
    require(appointment.patient, *NOTES)
    standing = {name: getattr(appointment, name) for name in FIELDS}
    columns = _columns(appointment.patient, standing | said)
    with transaction.atomic():
        changed = change(appointment, version=version, by=by, what=What.CHANGED, why=why, **columns)
        remind_of(changed)
    return changed


def mark_appointment_in_error(appointment: Appointment, *, version: int, by: User | None, why: str) -> Appointment:
    """It was another patient's: it stays, marked."""
    require(appointment.patient, *NOTES)
    with transaction.atomic():
        marked = mark_in_error(appointment, version=version, by=by, why=why)
        remind_of(marked)
    return marked


def _columns(patient: Patient, said: dict[str, Any]) -> dict[str, Any]:
    if unknown := set(said) - FIELDS:
        raise TypeError(f"not a field of an appointment: {', '.join(sorted(unknown))}")
    at, now = said["at"], clock.now()
    if at > now + LATEST:
        raise WrongEntry("at", "This is more than three years ahead.")
    if at.date() < patient.date_of_birth:
        raise WrongEntry("at", "This is before the patient was born.")
    status = AppointmentStatus(said.get("status") or AppointmentStatus.PLANNED)
    if status in {AppointmentStatus.KEPT, AppointmentStatus.MISSED} and at > now + SOON:
        raise WrongEntry("status", "This visit is still to come.")
    with_text = said.get("with_text") or None
    return {
        "at": at,
        "kind": AppointmentKind(said["kind"]),
        "place": Place(said["place"]),
        "status": status,
        "clinician": None if with_text else said.get("clinician"),
        "with_text": with_text,
        "note": said.get("note") or None,
        "part2": bool(said.get("part2")),
    }
