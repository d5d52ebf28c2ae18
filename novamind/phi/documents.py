"""Ciphertext that stands as text inside a JSON column of somebody else's table.

An app that seals such values names them on its AppConfig (``sealed_json``: dotted names of :class:`SealedJSON`), so
that a rotation of the clinic's key encrypts them anew and nobody destroys the key they still need.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.apps import apps
from django.db import models
from django.utils.module_loading import import_string

from novamind import frame
from novamind.phi import cipher

BATCH = 200
#: The key of a row, the id its values are bound to, and the document.
Row = tuple[Any, UUID, dict[str, Any]]


@dataclass(frozen=True)
class SealedJSON:
    """Values of ``keys`` (a text, or a list of texts) in a JSON column, sealed under the clinic's key.

    ``model`` is a label (``app.Model``), ``bound_to`` the column with the id that the values are bound to.
    """

    model: str
    column: str
    keys: tuple[str, ...]
    bound_to: str

    @property
    def rows(self) -> models.QuerySet[Any]:
        """All rows, as plain as they come."""
        return models.QuerySet(apps.get_model(self.model)).order_by()

    def seal(self, text: str, row: UUID) -> str:
        """A text as it is kept."""
        return _packed(cipher.encrypt(text.encode(), owner=None, **self._place(row)))

    def open(self, kept: str, row: UUID) -> str:
        """The inverse; ``cipher.Altered`` when it was planted, moved or damaged."""
        return cipher.decrypt(_unpacked(kept), **self._place(row)).decode()

    def numbers(self, document: dict[str, Any]) -> set[int]:
        """Which data keys a document needs."""
        return {number for text in self.texts(document) if (number := self.number(text)) is not None}

    def number(self, kept: str) -> int | None:
        """Which data key a kept text needs; ``None`` for what is no ciphertext."""
        try:
            return cipher.key_number(_unpacked(kept))
        except cipher.Altered:
            return None

    def texts(self, document: dict[str, Any]) -> Iterator[str]:
        """The sealed values of a document."""
        for key in self.keys:
            found = document.get(key, [])
            yield from [found] if isinstance(found, str) else found

    def replaced(self, document: dict[str, Any], by: Callable[[str], str]) -> dict[str, Any]:
        """The document with each of its sealed values given through ``by``."""
        new = {
            key: by(found) if isinstance(found, str) else [by(text) for text in found]
            for key in self.keys
            if (found := document.get(key)) is not None
        }
        return document | new

    def batches(self) -> Iterator[list[Row]]:
        """The rows, some at a time, in the order of their keys."""
        last = None
        while True:
            rows = self.rows.order_by("pk")
            rows = rows if last is None else rows.filter(pk__gt=last)
            found = list(rows.values_list("pk", self.bound_to, self.column)[:BATCH])
            if not found:
                return
            yield found
            last = found[-1][0]

    def replace(self, pk: Any, before: dict[str, Any], after: dict[str, Any]) -> bool:
        """Write the document if nobody has written it meanwhile; the caller's transaction holds the row's lock."""
        row = self.rows.select_for_update(skip_locked=True).filter(pk=pk)
        if row.values_list(self.column, flat=True).first() != before:
            return False
        self.rows.filter(pk=pk).update(**{self.column: after})
        return True

    def _place(self, row: UUID) -> dict[str, Any]:
        return {"table": apps.get_model(self.model)._meta.db_table, "column": self.column, "row": row}


def documents() -> Iterator[SealedJSON]:
    """All that the apps declare."""
    for name in frame.sealed_json():
        yield import_string(name)


def _packed(sealed: bytes) -> str:
    return base64.b64encode(sealed).decode()


def _unpacked(kept: str) -> bytes:
    try:
        return base64.b64decode(kept, validate=True)
    except ValueError:
        raise cipher.Altered("no ciphertext of ours") from None
