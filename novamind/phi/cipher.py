"""One ciphertext format for fields: AES-256-GCM-SIV, bound to table, column and row.

``01 | key number (4) | nonce (12) | ciphertext and tag``; the header and ``table|column|row`` are authenticated, so
a value moved to another row, column or table does not decrypt.
"""

from __future__ import annotations

import os
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

from novamind.phi.keys import NONCE_BYTES, KeyUnavailable, derive, key_by_number, living_key
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
    number, key = living_key(owner, purpose)
    header = VERSION + number.to_bytes(4, "big")
    nonce = os.urandom(NONCE_BYTES)
    cipher = AESGCMSIV(derive(key, "field"))
    return header + nonce + cipher.encrypt(nonce, plain, _binding(header, table, column, row))


def key_number(stored: bytes) -> int:
    """Which data key a ciphertext needs."""
    if stored[:1] != VERSION or len(stored) < HEADER_BYTES + NONCE_BYTES + 16:
        raise Altered("not a ciphertext of ours")
    return int.from_bytes(stored[1:HEADER_BYTES], "big")


def decrypt(stored: bytes, *, table: str, column: str, row: UUID) -> bytes:
    """The inverse; ``Altered`` when it was tampered with, ``KeyUnavailable`` when its key is gone."""
    key = key_by_number(key_number(stored))
    header, nonce, sealed = stored[:HEADER_BYTES], stored[HEADER_BYTES : HEADER_BYTES + 12], stored[HEADER_BYTES + 12 :]
    try:
        return AESGCMSIV(derive(key, "field")).decrypt(nonce, sealed, _binding(header, table, column, row))
    except InvalidTag:
        raise Altered(f"{table}.{column} of row {row} does not decrypt") from None


__all__ = ["Altered", "KeyUnavailable", "decrypt", "encrypt", "key_number"]
