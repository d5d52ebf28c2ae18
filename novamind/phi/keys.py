"""Keys: one master key wraps a data key per patient; KMS, where configured, wraps only the master key.

Keys, the master key included, are kept in memory for five minutes, so that an outage of the key store shorter than that
goes unseen; after it, nothing can be decrypted and the answer is :class:`KeyUnavailable` (HTTP 503). A key whose row is
not committed yet is kept only as long as the block that created it is open: it may never come to exist.
"""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV
from cryptography.hazmat.primitives.hashes import SHA256, Hash
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db import IntegrityError, connection, transaction

from novamind.clock import now
from novamind.phi.models import DataKey

KEY_BYTES = 32
NONCE_BYTES = 12
REMEMBER_S = 300


class KeyUnavailable(Exception):
    """The key is destroyed, missing or cannot be unwrapped now; never an excuse to show ciphertext."""


class KeyLost(KeyUnavailable):
    """This one key is destroyed, missing or damaged; what other keys protect can be read."""


def derive(key: bytes, purpose: str) -> bytes:
    """A 32-byte subkey for one purpose (HKDF-SHA256)."""
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=purpose.encode()).derive(key)


def create_master_key_file(path: Path) -> None:
    """Write a new 32-byte master key, readable by its owner alone, unless there is one already."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(os.urandom(KEY_BYTES))
        os.link(draft, path)  # whole or not at all: another process that starts now never reads half a key
    except FileExistsError:
        return
    finally:
        draft.unlink()


def _master_key() -> tuple[str, bytes]:
    """The master key and its id; read again once what is in memory is five minutes old."""
    if (known := _memory.master()) is None:
        known = _read_master_key()
        _memory.keep_master(known)
    return known


def _read_master_key() -> tuple[str, bytes]:
    """From the file, unwrapped by KMS where ``KMS_KEY_ID`` is set."""
    path: Path = settings.MASTER_KEY_FILE
    if not path.is_file():
        # A new master key beside data of the old one would only hide that the old one is lost.
        if settings.HARDENED or DataKey.objects.exists():
            raise KeyUnavailable(f"MASTER_KEY_FILE does not exist: {path}")
        create_master_key_file(path)
    stored = path.read_bytes()
    key = _unwrap_by_kms(stored) if settings.KMS_KEY_ID else stored
    if len(key) != KEY_BYTES:
        raise KeyUnavailable(f"the master key has {len(key)} bytes; {KEY_BYTES} needed")
    digest = Hash(SHA256())
    digest.update(b"novamind master key id" + key)
    return digest.finalize().hex()[:16], key


def _unwrap_by_kms(wrapped: bytes) -> bytes:
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        patience = Config(connect_timeout=3, read_timeout=5, retries={"max_attempts": 1})
        client = boto3.client("kms", region_name=settings.AWS_REGION or None, config=patience)
        return client.decrypt(CiphertextBlob=wrapped, KeyId=settings.KMS_KEY_ID)["Plaintext"]
    except (BotoCoreError, ClientError) as error:
        raise KeyUnavailable("KMS did not unwrap the master key") from error


def _wrap(key: bytes, key_id: UUID) -> tuple[str, bytes]:
    master_id, master = _master_key()
    nonce = os.urandom(NONCE_BYTES)
    return master_id, nonce + AESGCMSIV(derive(master, "wrap")).encrypt(nonce, key, key_id.bytes)


def _unwrap(row: DataKey) -> bytes:
    master_id, master = _master_key()
    if row.destroyed_at is not None:
        raise KeyLost(f"key {row.number} was destroyed")
    if row.master_key_id != master_id:
        raise KeyLost(f"key {row.number} is wrapped by another master key")
    try:
        wrapped = bytes(row.wrapped)
        return AESGCMSIV(derive(master, "wrap")).decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], row.id.bytes)
    except (InvalidTag, ValueError, TypeError) as error:  # the last: text, planted in SQLite
        raise KeyLost(f"key {row.number} was altered") from error


class _Memory:
    """Unwrapped keys of the last five minutes, per process.

    Beside each key stands the innermost atomic block it was loaded in if its row is not known to be committed; it
    counts only while that block is open.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._master: tuple[float, tuple[str, bytes]] | None = None
        self._keys: dict[int, tuple[float, bytes, Any]] = {}
        self._numbers: dict[tuple[UUID | None, str], tuple[float, int, Any]] = {}
        self._uncommitted: set[int] = set()

    def master(self) -> tuple[str, bytes] | None:
        known = self._master
        return known[1] if known and known[0] > time.monotonic() else None

    def keep_master(self, master: tuple[str, bytes]) -> None:
        self._master = (time.monotonic() + REMEMBER_S, master)

    def key(self, number: int) -> bytes | None:
        with self._lock:
            known = self._keys.get(number)
        return known[1] if known and _holds(known[0], known[2]) else None

    def number(self, owner: tuple[UUID | None, str]) -> int | None:
        with self._lock:
            known = self._numbers.get(owner)
        return known[1] if known and _holds(known[0], known[2]) else None

    def keep(self, row: DataKey, key: bytes) -> None:
        until = time.monotonic() + REMEMBER_S
        with self._lock:
            blocks = connection.atomic_blocks if row.number in self._uncommitted else []
            if row.number in self._uncommitted and not blocks:
                return
            block = blocks[-1] if blocks else None
            self._keys[row.number] = (until, key, block)
            self._numbers[(row.patient_id, row.purpose)] = (until, row.number, block)

    def created(self, row: DataKey) -> None:
        """The row was just inserted; until its transaction commits it may still be taken back."""
        with self._lock:
            self._uncommitted.add(row.number)
        transaction.on_commit(partial(self._committed, row.number))

    def _committed(self, number: int) -> None:
        with self._lock:
            self._uncommitted.discard(number)

    def drop(self, patient_id: UUID) -> None:
        """Forget the keys of one patient."""
        with self._lock:
            for owner in [owner for owner in self._numbers if owner[0] == patient_id]:
                self._keys.pop(self._numbers.pop(owner)[1], None)

    def forget(self) -> None:
        with self._lock:
            self._master = None
            self._keys.clear()
            self._numbers.clear()
            self._uncommitted.clear()


def _holds(until: float, block: Any) -> bool:
    return until > time.monotonic() and (block is None or any(open_ is block for open_ in connection.atomic_blocks))


_memory = _Memory()


def forget_keys() -> None:
    """Drop every unwrapped key of this process (rotation, disposal, tests)."""
    _memory.forget()


def key_by_number(number: int) -> bytes:
    """The data key a ciphertext names; one query when it is not in memory."""
    if (key := _memory.key(number)) is not None:
        return key
    row = DataKey.objects.filter(number=number).first()
    if row is None:
        raise KeyLost(f"key {number} does not exist")
    key = _unwrap(row)
    _memory.keep(row, key)
    return key


def keys_by_number(numbers: set[int]) -> None:
    """Bring many keys into memory with one query, so that a list of patients costs one and not one each.

    A key that is lost is passed over; whoever needs it is told.
    """
    missing = [number for number in numbers if _memory.key(number) is None]
    for row in DataKey.objects.filter(number__in=missing):
        with suppress(KeyLost):
            _memory.keep(row, _unwrap(row))


def living_key(patient_id: UUID | None, purpose: str = DataKey.Purpose.DATA) -> tuple[int, bytes]:
    """The key new data of this owner is encrypted with, created on first use: ``(number, key)``."""
    number = _memory.number((patient_id, purpose))
    if number is not None and (key := _memory.key(number)) is not None:
        return number, key
    row = _find(patient_id, purpose) or _create(patient_id, purpose)
    key = _unwrap(row)
    _memory.keep(row, key)
    return row.number, key


def _find(patient_id: UUID | None, purpose: str) -> DataKey | None:
    return DataKey.objects.filter(patient_id=patient_id, purpose=purpose, destroyed_at__isnull=True).first()


def _create(patient_id: UUID | None, purpose: str) -> DataKey:
    row = DataKey(patient_id=patient_id, purpose=purpose)
    row.master_key_id, row.wrapped = _wrap(os.urandom(KEY_BYTES), row.id)
    try:
        with transaction.atomic():
            row.save(force_insert=True)
            _memory.created(row)
    except IntegrityError:  # another process was first
        found = _find(patient_id, purpose)
        if found is None:
            raise
        return found
    return row


def destroy_key(patient_id: UUID) -> None:
    """Make everything encrypted for this patient unreadable for ever, in backups of the data too.

    The row stays, as the tombstone. Other processes may still remember the key for five minutes.
    """
    DataKey.objects.filter(patient_id=patient_id, destroyed_at__isnull=True).update(wrapped=b"", destroyed_at=now())
    _memory.drop(patient_id)
    # Again: until the commit another thread can still read the key from its row.
    transaction.on_commit(partial(_memory.drop, patient_id))
