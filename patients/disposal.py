"""Disposal of a chart by destroying its keys: what stays is a row without content, and the trail."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

from django.apps import apps
from django.db import connection, models, transaction
from django.db.models import F

from novamind import clock
from novamind.accounts.ending import end_access, forget_person
from novamind.audit import persons
from novamind.audit.models import AuditEventPatient, EventType, Purpose
from novamind.audit.recording import aggregates, recorded, saw, write_event
from novamind.phi.columns import Columns, columns
from novamind.phi.fields import BlindIndexField, Ciphertext, EncryptedField
from novamind.phi.keys import destroy_key
from novamind.phi.models import DataKey, ErasedFile
from novamind.phi.uploads import erase_due
from patients.models import Grant, Patient

#: What says that somebody was here, and not who: the trail, and the tombstones of the keys.
KEPT = (AuditEventPatient, DataKey)


class Reason(StrEnum):
    """Why a chart is disposed of; the trail keeps the code, so that nobody writes a name there."""

    RETENTION = "retention-ended"
    REQUEST = "patient-request"
    ERROR = "entered-in-error"
    ORDER = "court-order"


@dataclass(frozen=True, slots=True)
class Disposed:
    """What a disposal did; ``files_left`` are still in storage and are tried again every night."""

    rows: int
    keys: int
    files_left: int


def dispose(patient_id: UUID, *, reason: Reason, by: str) -> Disposed:
    """Destroy the patient's keys, delete the chart and its files; a second call goes on with files that are left.

    Raises
    ------
    Patient.DoesNotExist
        There is no such patient.
    """
    rows = keys = 0
    with transaction.atomic(), aggregates():
        tombstone = Columns(Patient).rows.select_for_update().filter(pk=patient_id)
        if not tombstone.values_list("pk"):
            raise Patient.DoesNotExist
        if tombstone.filter(disposed_at=None).exists():
            _put_up_for_erasure(patient_id)
            _end_devices(patient_id)
            _forget_own_accounts(patient_id)
            rows = sum(_delete(model, column, patient_id) for model, column in _chart())
            keys = destroy_key(patient_id)
            tombstone.update(**_nothing(), version=F("version") + 1, disposed_at=clock.now())
            _record(patient_id, reason, by)
    erase_due()
    return Disposed(rows, keys, ErasedFile.objects.filter(due_at__lte=clock.now()).count())


def _end_devices(patient_id: UUID) -> None:
    for grant in Grant.objects.filter(content_object=patient_id, reason=Grant.Reason.DEVICE).select_related("user"):
        end_access(grant.user)


def _forget_own_accounts(patient_id: UUID) -> None:
    """The patient's own accounts, also of a grant that has ended; who is of staff too, or sees a chart of their own
    elsewhere (this one was a double), stays, without this chart."""
    own = Grant.objects.filter(reason=Grant.Reason.SELF)
    for grant in own.filter(content_object=patient_id).select_related("user"):
        elsewhere = own.valid().filter(user=grant.user).exclude(content_object=patient_id)
        if not grant.user.is_of_staff and not elsewhere.exists():
            forget_person(grant.user)
            persons.forget(grant.user)


def _put_up_for_erasure(patient_id: UUID) -> None:
    for place in columns():
        for name in place.files:
            for stored in place.of(patient_id).exclude(**{name: ""}).values_list(name, flat=True):
                ErasedFile.objects.create(name=stored, due_at=clock.now())


def _chart() -> Iterator[tuple[type[models.Model], str]]:
    """Every table with rows of one patient, and the column that says whose."""
    for model in apps.get_models(include_auto_created=True):
        if model in KEPT or model is Patient or model._meta.proxy or not model._meta.managed:
            continue
        for field in model._meta.local_concrete_fields:
            if field.attname == "patient_id" or field.related_model is Patient:
                yield model, field.attname


def _delete(model: type[models.Model], column: str, patient_id: UUID) -> int:
    # Raw: models that refuse deletion, and foreign keys that protect, mean everybody but a disposal. At the commit the
    # database checks that nothing points at what is gone.
    return Columns(model).rows.filter(**{column: patient_id})._raw_delete(connection.alias) or 0


def _nothing() -> dict[str, Any]:
    """An empty value for every column of a patient that says something of a person."""
    empty: dict[str, Any] = {"sex": Patient.Sex.UNKNOWN, "pronouns": "", "zone": "UTC"}
    for field in Patient._meta.local_concrete_fields:
        if isinstance(field, EncryptedField):
            empty[field.attname] = None if field.null else Ciphertext()
        elif isinstance(field, BlindIndexField):
            empty[field.attname] = None
    return empty


def _record(patient_id: UUID, reason: Reason, by: str) -> None:
    with recorded(actor_label=by, request_id=str(uuid4())) as ledger:
        ledger.purpose = Purpose.OPERATIONS
        saw(patient_id)
        write_event(
            ledger,
            event_type=EventType.DELETION,
            action=f"dispose_patient:{reason}",
            object_label="patients.Patient",
            object_id=patient_id,
        )
