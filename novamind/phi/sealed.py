"""Columns of ciphertext that are opened by hand: beside the fields that decrypt themselves, which need the keys."""

from __future__ import annotations

from typing import Any

from django.db import models


class SealedField(models.BinaryField):
    """Bytes that :mod:`novamind.phi.cipher` sealed for this table, column and row, so that a rotation finds them.

    ``file`` names the column with the stored file that these bytes are the key of. To the database it is a column of
    bytes like any other.
    """

    def __init__(self, *args: Any, file: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.file = file

    def deconstruct(self) -> tuple[str, str, list[Any], dict[str, Any]]:
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.BinaryField", args, kwargs
