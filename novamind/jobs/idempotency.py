"""``Idempotency-Key``: the same write sent twice under one key happens once."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.crypto import salted_hmac

from novamind.clock import now
from novamind.jobs.models import IdempotencyKey

LONGEST = 255


class WrongKey(ValueError):
    """The header is no key: 1 to 255 visible ASCII characters."""


class KeyReused(Exception):
    """The key came before, with another body."""


class Once:
    """One write under a key; ``object_id`` is what the first one made, ``None`` while this is the first.

    Made and kept within the transaction of the write: of a refused one nothing stays, so that it may be sent again.
    """

    def __init__(self, row: IdempotencyKey | None) -> None:
        self._row = row

    @property
    def object_id(self) -> UUID | None:
        return self._row.object_id if self._row else None

    def keep(self, *, status: int, object_id: UUID) -> None:
        """What the write was answered and what it made; without a key nothing."""
        if self._row is not None:
            self._row.status, self._row.object_id = status, object_id
            self._row.save(update_fields=["status", "object_id"])


def once(*, user: Any, view: str, key: str | None, body: bytes) -> Once:
    """Claim a key for a write; a second caller at the same time waits for the first to commit.

    Raises
    ------
    WrongKey, KeyReused
    """
    if key is None:
        return Once(None)
    if not (0 < len(key) <= LONGEST and key.isascii() and key.isprintable()):
        raise WrongKey
    # Keyed digests: a body may be so short that its plain digest tells it.
    body_digest = _digest(body)
    found = {"user": user, "view": view, "key_digest": _digest(key.encode())}
    IdempotencyKey.objects.filter(**found, created_at__lt=now() - IdempotencyKey.KEPT).delete()
    try:
        with transaction.atomic():
            return Once(IdempotencyKey.objects.create(**found, body_digest=body_digest))
    except IntegrityError:
        row = IdempotencyKey.objects.get(**found)
    if row.body_digest != body_digest:
        raise KeyReused
    return Once(row)


def prune_keys() -> int:
    """Delete keys that are old enough to be forgotten; how many."""
    return IdempotencyKey.objects.filter(created_at__lt=now() - IdempotencyKey.KEPT).delete()[0]


def _digest(value: bytes) -> str:
    return salted_hmac("novamind.idempotency", value, algorithm="sha256").hexdigest()
