"""What every model that belongs to a patient inherits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Self
from uuid import UUID

from django.db import models
from django.db.models.query import ModelIterable

from novamind.audit.recording import expected, saw

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


class PatientRecord(models.Model):
    """A row of a patient's chart: loading or saving it notes the patient in the ledger of the request or job."""

    #: The attribute that holds the patient's id.
    patient_attribute: ClassVar[str] = "patient_id"

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
        saw(row.__dict__.get(cls.patient_attribute))
        return row

    def save(self, *args: Any, **kwargs: Any) -> None:
        saw(getattr(self, self.patient_attribute))
        with expected():
            super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        saw(getattr(self, self.patient_attribute))
        with expected():
            return super().delete(*args, **kwargs)
