"""What every model that belongs to a patient inherits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, ClassVar, Self
from uuid import UUID

from django.core.exceptions import FieldError
from django.db import models
from django.db.models.query import ModelIterable

from novamind.audit.recording import expected, saw, unattributed, unseen
from novamind.inserts import insert_absent
from novamind.phi.fields import EncryptedField

_END = object()


class _NotedRows(ModelIterable):
    """Tells the oracle that the statement loads rows which note themselves."""

    def __iter__(self) -> Iterator[Any]:
        rows = super().__iter__()
        with expected():  # the statement runs before the first row comes
            first = next(rows, _END)
        if first is not _END:
            yield first
            yield from rows


class PatientRecordQuerySet(models.QuerySet):
    """Rows that note whose they are when loaded."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self._iterable_class is ModelIterable:
            self._iterable_class = _NotedRows

    def order_by(self, *names: Any) -> Self:
        """As ever, but never by an encrypted field: that would sort ciphertext."""
        for name in names:
            wanted = name if isinstance(name, str) else getattr(getattr(name, "expression", name), "name", "")
            field = self.model._meta._forward_fields_map.get(str(wanted).lstrip("-+"))
            if isinstance(field, EncryptedField):
                raise FieldError(f"{field.name} is encrypted and cannot be ordered by; sort in memory")
        return super().order_by(*names)

    def bulk_create(self, objs: Iterable[Any], *args: Any, **kwargs: Any) -> Any:
        """As ever, and notes whose rows these are."""
        with _noted(rows := list(objs)):
            return super().bulk_create(rows, *args, **kwargs)

    def insert_absent(self, objs: Iterable[Any], key: Sequence[str]) -> set[tuple[Any, ...]]:
        """:func:`novamind.inserts.insert_absent`, and notes whose rows these are."""
        with _noted(rows := list(objs)):
            return insert_absent(rows, key)

    def bulk_update(self, objs: Iterable[Any], *args: Any, **kwargs: Any) -> int:
        """As ever, and notes whose rows these are."""
        with _noted(rows := list(objs)):
            return super().bulk_update(rows, *args, **kwargs)


def _noted(rows: Iterable[Any]) -> AbstractContextManager[None]:
    for row in rows:
        saw(row.key_owner)
    return expected()


class PatientRecord(models.Model):
    """A row of a patient's chart: loading or saving it notes the patient in the ledger of the request or job."""

    #: The attribute that holds the patient's id.
    patient_attribute: ClassVar[str] = "patient_id"
    #: Whether the database notes each write (:mod:`novamind.audit.changes`); not of raw samples, which are many.
    writes_are_noted: ClassVar[bool] = True

    objects: ClassVar[Any] = PatientRecordQuerySet.as_manager()

    class Meta:
        abstract = True
        base_manager_name = "objects"

    @property
    def key_owner(self) -> UUID:
        """Whose data key encrypts this row's secrets."""
        return getattr(self, self.patient_attribute)

    @classmethod
    def from_db(cls, db: str | None, field_names: Any, values: Any) -> Self:
        row = super().from_db(db, field_names, values)
        if cls.patient_attribute in row.__dict__:
            saw(row.__dict__[cls.patient_attribute])
        else:
            unattributed(f"a {cls._meta.label} loaded without its patient")
        return row

    def refresh_from_db(self, *args: Any, **kwargs: Any) -> None:
        owner = self.__dict__.get(self.patient_attribute)
        if owner is None:  # deferred: the row that is loaded now brings it
            return super().refresh_from_db(*args, **kwargs)
        saw(owner)
        with unseen():  # a single deferred field comes in a row without its patient
            super().refresh_from_db(*args, **kwargs)

    def save(self, *args: Any, **kwargs: Any) -> None:
        saw(getattr(self, self.patient_attribute))
        with expected():
            super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        saw(getattr(self, self.patient_attribute))
        with expected():
            return super().delete(*args, **kwargs)
