"""What every write of a treatment shares: a row is changed from the version it was read at, and what stood there stays.

Each write is one transaction with its history, its event and its audit row.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final, TypeVar

from django.db import models, transaction

from novamind import clock
from novamind.accounts.models import User
from novamind.audit.models import EventType
from novamind.audit.recording import aggregates, note_object
from patients.models import CareAssignment, ConsentPurpose, ConsentStream, Patient, Treatment, TreatmentChange
from patients.services import StaleEdit
from patients.vocabularies import PartialDate

AHEAD: Final = timedelta(days=366)  # what is planned may begin or end within a year
T = TypeVar("T", bound=Treatment)
What = TreatmentChange.What

MEDICATION: Final = (ConsentPurpose.TREATMENT, ConsentStream.MEDICATION)
GENOTYPE: Final = (ConsentPurpose.TREATMENT, ConsentStream.GENOTYPE)
#: Conditions and visits are what clinicians write of a patient.
NOTES: Final = (ConsentPurpose.TREATMENT, ConsentStream.NOTES)


class WrongEntry(ValueError):
    """Something that was sent cannot be so; ``field`` says what, the text says why, fit for a page."""

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(detail)
        self.field, self.detail = field, detail


def dated(patient: Patient, field: str, day: PartialDate) -> PartialDate:
    """The same date; ``WrongEntry`` before the birth or more than a year ahead."""
    if day.last < patient.date_of_birth:
        raise WrongEntry(field, "This is before the patient was born.")
    if day.on > today(patient) + AHEAD:
        raise WrongEntry(field, "This is more than a year ahead.")
    return day


def today(patient: Patient) -> date:
    """The date where the patient is."""
    return clock.now().astimezone(patient.tz).date()


def is_in_programme(patient: Patient, by: User | None) -> bool:
    """Whether the user treats this patient in a substance use programme (42 CFR Part 2)."""
    if by is None:
        return False
    with aggregates():
        programmes = CareAssignment.objects.filter(patient=patient, team__part2_programme=True)
        return programmes.filter(team__memberships__user=by.pk).exists()


def create(row: T, *, by: User | None, label: str) -> T:
    """Keep a new row with the first line of its history, in the caller's transaction.

    Raises
    ------
    WrongEntry
        It is labelled, and Part 2 would not let its own writer read it.
    """
    row.recorded_by = by
    row.save(force_insert=True)
    _require_readable(row, by)
    _note(row, What.STARTED, {}, by=by, why=None)
    note_object(EventType.CREATION, label, row.pk)
    return row


def change(
    row: T, *, version: int, by: User | None, what: str, why: str | None = None,
    before: Mapping[str, Any] | None = None, **changes: Any,
) -> T:  # fmt: skip
    """Change fields of a row that still is of this version, in the caller's transaction; else ``StaleEdit``.

    ``before`` adds to the history what stood in other rows. ``WrongEntry`` where the label may not be changed so.
    """
    stood = {name: as_kept(getattr(row, name)) for name in changes}
    with aggregates():
        standing = type(row)._base_manager.filter(pk=row.pk, version=version, entered_in_error=False)
        if not standing.update(version=models.F("version") + 1):
            raise StaleEdit
    if row.part2 and not changes.get("part2", True):
        _require_programme(row, by)
    for name, value in changes.items():
        setattr(row, name, value)
    row.version = version + 1
    row.save()
    _require_readable(row, by)
    _note(row, what, stood | dict(before or {}), by=by, why=why)
    note_object(EventType.MODIFICATION, row._meta.label, row.pk)
    return row


def mark_in_error(row: T, *, version: int, by: User | None, why: str) -> T:
    """Say that a row should never have been written; it stays, marked, and counts nowhere. ``StaleEdit`` as ever."""
    with transaction.atomic():
        return change(row, version=version, by=by, what=What.IN_ERROR, why=why, entered_in_error=True)


def locked(patient: Patient) -> None:
    """Hold the patient until the transaction ends, so that of two writers at once the second sees the first's row."""
    with aggregates():
        list(Patient.objects.filter(pk=patient.pk).select_for_update().values_list("pk"))


def _require_readable(row: Treatment, by: User | None) -> None:
    if by is None or not row.part2:
        return
    with aggregates():
        readable = type(row).objects.filter(pk=row.pk).releasable_to(by).exists()
    if not readable:
        raise WrongEntry("part2", "Only who treats the patient in a programme, or with the patient's consent, may.")


def _require_programme(row: Treatment, by: User | None) -> None:
    """Who reads it by consent may not tell it on (42 CFR 2.32), and an entry without its label is told to all."""
    if not is_in_programme(row.patient, by):
        raise WrongEntry("part2", "Only who treats the patient in a programme may take this label off.")


def _note(row: Treatment, what: str, before: Mapping[str, Any], *, by: User | None, why: str | None) -> None:
    # What stood under the label is no less a record of the programme when the label is taken off.
    part2 = row.part2 or bool(before.get("part2"))
    TreatmentChange.objects.create(
        patient_id=row.patient_id, about_id=row.pk, what=what, by=by, before=dict(before), why=why or None,
        part2=part2,
    )  # fmt: skip


def as_kept(value: Any) -> Any:
    """A field as the history keeps it."""
    if isinstance(value, date | datetime):
        return value.isoformat()
    return value.pk and str(value.pk) if isinstance(value, models.Model) else value
