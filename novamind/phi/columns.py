"""Where ciphertext stands: every column of every model, found in the registry of apps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID

from django.apps import apps
from django.db import models

from novamind.phi.fields import BlindIndexField, EncryptedField
from novamind.phi.sealed import SealedField

BATCH = 200


@dataclass(frozen=True)
class Columns:
    """A model's columns of ciphertext and of blind indexes."""

    model: type[models.Model]

    @cached_property
    def sealed(self) -> list[Any]:
        """Fields with ciphertext."""
        return [f for f in self.model._meta.local_concrete_fields if isinstance(f, EncryptedField | SealedField)]

    @cached_property
    def indexes(self) -> list[Any]:
        """Blind indexes."""
        return [field for field in self.model._meta.local_concrete_fields if isinstance(field, BlindIndexField)]

    @cached_property
    def files(self) -> list[str]:
        """Columns with the name of a stored file."""
        return [field.file for field in self.sealed if getattr(field, "file", "")]

    @cached_property
    def names(self) -> list[str]:
        """All of them."""
        return [*(field.attname for field in [*self.sealed, *self.indexes]), *self.files]

    @property
    def rows(self) -> models.QuerySet[Any]:
        """The rows as plain as they come: the model's own managers note, hide or refuse."""
        return models.QuerySet(self.model).order_by()

    def of(self, patient_id: UUID | None) -> models.QuerySet[Any]:
        """The rows of a patient, as far as the table says whose they are; of everybody for ``None``."""
        own = getattr(self.model, "patient_attribute", "patient_id")
        if patient_id is None or own not in {field.attname for field in self.model._meta.local_concrete_fields}:
            return self.rows
        return self.rows.filter(**{own: patient_id})

    def batches(self, patient_id: UUID | None = None) -> Iterator[list[tuple[UUID, dict[str, Any]]]]:
        """``(key of the row, value of each column)``, as stored, some rows at a time, in the order of their keys.

        One row at a time where it has a file, so that what is interrupted has not read many of them in vain.
        """
        size, last = 1 if self.files else BATCH, None
        while True:
            rows = self.of(patient_id).order_by("pk")
            found = list((rows if last is None else rows.filter(pk__gt=last)).values_list("pk", *self.names)[:size])
            if not found:
                return
            yield [(pk, dict(zip(self.names, map(_plain, values), strict=True))) for pk, *values in found]
            last = found[-1][0]

    def replace(self, pk: UUID, before: dict[str, Any], after: dict[str, Any]) -> bool:
        """Write these values if nobody has written the row meanwhile; the caller's transaction holds its lock."""
        row = self.rows.select_for_update(skip_locked=True).filter(pk=pk)
        stored = row.values_list(*self.names).first()
        if stored is None or dict(zip(self.names, map(_plain, stored), strict=True)) != before:
            return False
        self.rows.filter(pk=pk).update(**after)
        return True


def _plain(value: Any) -> Any:
    return bytes(value) if isinstance(value, bytes | memoryview) else value


def columns() -> Iterator[Columns]:
    """Of every model that has any."""
    for model in apps.get_models(include_auto_created=True):
        found = Columns(model)
        if model._meta.managed and not model._meta.proxy and (found.sealed or found.indexes):
            yield found
