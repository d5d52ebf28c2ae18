"""One ciphertext format for fields: AES-256-GCM-SIV, bound to table, column and row.

``01 | key number (4) | nonce (12) | ciphertext and tag``; the header and ``table|column|row`` are authenticated, so
a value moved to another row, column or table does not decrypt.
"""

from __future__ import annotations

import os
from uuid import UUID

from cryptography.exceptions import InvalidTag

from novamind.phi.keys import (
    NONCE_BYTES,
    KeyLost,
    KeyUnavailable,
    engine_by_number,
    keys_by_number,
    living_engine,
)
from novamind.phi.models import DataKey

VERSION = b"\x01"
HEADER_BYTES = 5


class Altered(Exception):
    """A stored ciphertext is damaged, moved or forged."""


def _binding(header: bytes, table: str, column: str, row: UUID) -> bytes:
    return b"|".join([header, table.encode(), column.encode(), row.bytes])


def encrypt(
    plain: bytes, *, owner: UUID | None, table: str, column: str, row: UUID, purpose: str = DataKey.Purpose.DATA
) -> bytes:
    """Encrypt one value under the living key of its owner (a patient, or ``None`` for the clinic)."""
    number, engine = living_engine(owner, purpose)
    header = VERSION + number.to_bytes(4, "big")
    nonce = os.urandom(NONCE_BYTES)
    return header + nonce + engine.encrypt(nonce, plain, _binding(header, table, column, row))


def key_number(stored: bytes) -> int:
    """Which data key a ciphertext needs."""
    if stored[:1] != VERSION or len(stored) < HEADER_BYTES + NONCE_BYTES + 16:
        raise Altered("not a ciphertext of ours")
    return int.from_bytes(stored[1:HEADER_BYTES], "big")


def decrypt(stored: bytes, *, table: str, column: str, row: UUID) -> bytes:
    """The inverse; ``Altered`` when it was tampered with, ``KeyUnavailable`` when its key is gone."""
    engine = engine_by_number(key_number(stored))
    header, nonce, sealed = stored[:HEADER_BYTES], stored[HEADER_BYTES : HEADER_BYTES + 12], stored[HEADER_BYTES + 12 :]
    try:
        return engine.decrypt(nonce, sealed, _binding(header, table, column, row))
    except InvalidTag:
        raise Altered(f"{table}.{column} of row {row} does not decrypt") from None


def decrypt_many(rows: list[tuple[UUID, bytes]], *, table: str, column: str) -> list[str | None]:
    """One column of text of many rows, as :func:`open_many`."""
    return [None if one is None else one.decode() for one in open_many(rows, table=table, column=column)]


def open_many(rows: list[tuple[UUID, bytes]], *, table: str, column: str) -> list[bytes | None]:
    """One column of many rows, with one query for the keys that are not in memory; ``None`` for what does not open.

    ``KeyUnavailable`` still ends it all when no key can be unwrapped now.
    """
    numbers = [_number(stored) for _, stored in rows]
    keys_by_number({number for number in numbers if number is not None})
    where = b"|" + table.encode() + b"|" + column.encode() + b"|"
    found: list[bytes | None] = []
    for (row, stored), number in zip(rows, numbers, strict=True):
        try:
            engine = engine_by_number(key_number(stored) if number is None else number)
            nonce, sealed = stored[HEADER_BYTES : HEADER_BYTES + 12], stored[HEADER_BYTES + 12 :]
            found.append(engine.decrypt(nonce, sealed, stored[:HEADER_BYTES] + where + row.bytes))
        except (Altered, KeyLost, InvalidTag):
            found.append(None)
    return found


def _number(stored: bytes) -> int | None:
    try:
        return key_number(stored)
    except Altered:
        return None


__all__ = ["Altered", "KeyUnavailable", "decrypt", "decrypt_many", "encrypt", "key_number", "open_many"]
