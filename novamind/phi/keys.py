"""Keys: one master key wraps a data key per patient; KMS, where configured, wraps only the master key.

Keys, the master key included, count for five minutes, so that an outage of the key store shorter than that goes unseen;
after it, nothing can be decrypted and the answer is :class:`KeyUnavailable` (HTTP 503). A key that has stopped counting
is used on if its row, read again, is unchanged and its master key, read again, is there. A key whose row is not
committed yet is kept only as long as the block that created it is open: it may never come to exist.

A key is living (new data is encrypted with it), retired (a rotation gave its owner another; it still opens what names
it) or destroyed.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable
from functools import partial
from typing import Any
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV
from django.db import IntegrityError, connection, transaction

from novamind.clock import now
from novamind.phi.master import (
    KEY_BYTES,
    KeyLost,
    KeyUnavailable,
    create_master_key_file,
    derive,
    read_master_keys,
)
from novamind.phi.models import DataKey

NONCE_BYTES = 12
REMEMBER_S = 300
#: Keys in a process's memory: about 20 MB. A clinic of 10,000 patients fits twice.
REMEMBERED = 20_000


def _master_keys() -> dict[str, AESGCMSIV]:
    """What wraps data keys, the current one first; read again once what is in memory is five minutes old."""
    if (known := _memory.masters()) is None:
        known = read_master_keys()
        _memory.keep_masters(known)
    return known


def master_key_id() -> str:
    """The id of the master key that wraps new data keys."""
    return next(iter(_master_keys()))


def _wrap(key: bytes, key_id: UUID) -> tuple[str, bytes]:
    master_id, wrapper = next(iter(_master_keys().items()))
    nonce = os.urandom(NONCE_BYTES)
    return master_id, nonce + wrapper.encrypt(nonce, key, key_id.bytes)


def _unwrap(row: Any, masters: dict[str, AESGCMSIV]) -> bytes:
    if row.destroyed_at is not None:
        raise KeyLost(f"key {row.number} was destroyed")
    wrapper = masters.get(row.master_key_id)
    if wrapper is None:
        raise KeyLost(f"key {row.number} is wrapped by another master key")
    try:
        wrapped = bytes(row.wrapped)
        return wrapper.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], row.id.bytes)
    except (InvalidTag, ValueError, TypeError) as error:  # the last: text, planted in SQLite
        raise KeyLost(f"key {row.number} was altered") from error


def rewrap(row: DataKey) -> bool:
    """Wrap a data key by the current master key, if it still is as it was read; what it encrypted stays as it is."""
    before = row.master_key_id
    row.master_key_id, row.wrapped = _wrap(_unwrap(row, _master_keys()), row.id)
    unchanged = DataKey.objects.filter(number=row.number, master_key_id=before, destroyed_at__isnull=True)
    return bool(unchanged.update(master_key_id=row.master_key_id, wrapped=row.wrapped, wrapped_at=now()))


def _as_stored(row: Any) -> tuple[Any, ...]:
    """What must not have changed for an unwrapped key to be used on."""
    return row.master_key_id, row.wrapped, row.retired_at, row.destroyed_at


class _Held:
    """An unwrapped key in memory; ``block`` is the atomic block it was loaded in while its row is not committed."""

    __slots__ = ("_engine", "block", "key", "row", "until")  # there are thousands

    def __init__(self, row: Any, key: bytes, block: Any) -> None:
        self.until, self.key, self.block = time.monotonic() + REMEMBER_S, key, block
        self.row = _as_stored(row)
        self._engine: AESGCMSIV | None = None

    @property
    def engine(self) -> AESGCMSIV:
        """What opens and seals fields; made once, because deriving it takes longer than decrypting a name."""
        if self._engine is None:
            self._engine = AESGCMSIV(derive(self.key, "field"))
        return self._engine

    @property
    def counts(self) -> bool:
        """Whether it may still be used."""
        return self.until > time.monotonic() and (
            self.block is None or any(open_ is self.block for open_ in connection.atomic_blocks)
        )


class _Memory:
    """Unwrapped keys of the last five minutes, per process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._masters: tuple[float, dict[str, AESGCMSIV]] | None = None
        self._keys: dict[int, _Held] = {}
        self._numbers: dict[tuple[UUID | None, str], tuple[int, _Held]] = {}
        self._uncommitted: set[int] = set()

    def masters(self) -> dict[str, AESGCMSIV] | None:
        known = self._masters
        return known[1] if known and known[0] > time.monotonic() else None

    def keep_masters(self, masters: dict[str, AESGCMSIV]) -> None:
        self._masters = (time.monotonic() + REMEMBER_S, masters)

    def key(self, number: int) -> _Held | None:
        known = self._keys.get(number)
        return known if known is not None and known.counts else None

    def living(self, owner: tuple[UUID | None, str]) -> tuple[int, _Held] | None:
        """The number of the owner's living key, and the key."""
        known = self._numbers.get(owner)
        return known if known is not None and known[1].counts else None

    def keep(self, row: Any, key: bytes) -> _Held:
        with self._lock:
            held = self._keep(row, key)
            if row.retired_at is None and self._keys.get(row.number) is held:
                self._numbers[(row.patient_id, row.purpose)] = row.number, held
            return held

    def keep_all(self, opened: list[tuple[Any, bytes]]) -> None:
        """Many at once, to read with, so that a search of thousands locks once and asks for no owner."""
        with self._lock:
            for row, key in opened:
                self._keep(row, key)

    def _keep(self, row: Any, key: bytes) -> _Held:
        number, blocks = row.number, []
        if number in self._uncommitted and not (blocks := connection.atomic_blocks):
            return _Held(row, key, None)
        held = _Held(row, key, blocks[-1] if blocks else None)
        if len(self._keys) >= REMEMBERED:
            self._make_room()
        self._keys[number] = held
        return held

    def renew(self, row: Any) -> _Held | None:
        """The key held of a row that still is as it was unwrapped: to unwrap it again would give the same."""
        held = self._keys.get(row.number)
        if held is None or held.block is not None or held.row != _as_stored(row):
            return None
        held.until = time.monotonic() + REMEMBER_S
        return held

    def _make_room(self) -> None:
        """Forget what no longer counts, or all of it: a key costs one query to read again."""
        self._keys = {number: held for number, held in self._keys.items() if held.counts}
        if len(self._keys) >= REMEMBERED:
            self._keys = {}
        self._numbers = {owner: known for owner, known in self._numbers.items() if known[0] in self._keys}

    def created(self, row: DataKey) -> None:
        """The row was just inserted; until its transaction commits it may still be taken back."""
        with self._lock:
            self._uncommitted.add(row.number)
        transaction.on_commit(partial(self._committed, row.number))

    def _committed(self, number: int) -> None:
        with self._lock:
            self._uncommitted.discard(number)

    def drop(self, patient_id: UUID, numbers: Iterable[int] = ()) -> None:
        """Forget the keys of one patient; ``numbers`` are those that are not the living ones."""
        with self._lock:
            for number in numbers:
                self._keys.pop(number, None)
            for owner in [owner for owner in self._numbers if owner[0] == patient_id]:
                self._keys.pop(self._numbers.pop(owner)[0], None)

    def age(self) -> None:
        with self._lock:
            self._masters = None
            for held in self._keys.values():
                held.until = 0.0

    def forget(self) -> None:
        with self._lock:
            self._masters = None
            self._keys = {}
            self._numbers = {}
            self._uncommitted = set()


_memory = _Memory()


def forget_keys() -> None:
    """Drop every unwrapped key of this process (rotation, disposal, tests)."""
    _memory.forget()


def let_keys_age() -> None:
    """Make this process look at every key's row, and the master key, again before it uses one (benchmarks)."""
    _memory.age()


def key_by_number(number: int) -> bytes:
    """The data key a ciphertext names; one query when it is not in memory."""
    return _held(number).key


def engine_by_number(number: int) -> AESGCMSIV:
    """What opens the fields that name this key."""
    return _held(number).engine


def _open(row: Any) -> _Held:
    """The key of this row; the master key it is wrapped by must be at hand, also where the row is in memory."""
    masters = _master_keys()
    if row.master_key_id in masters and (held := _memory.renew(row)) is not None:
        return held
    return _memory.keep(row, _unwrap(row, masters))


def _held(number: int) -> _Held:
    if (held := _memory.key(number)) is not None:
        return held
    row = DataKey.objects.filter(number=number).first()
    if row is None:
        raise KeyLost(f"key {number} does not exist")
    return _open(row)


#: What unwrapping a key needs of its row.
_ROW = ("number", "id", "master_key_id", "wrapped", "retired_at", "destroyed_at")


def keys_by_number(numbers: set[int]) -> None:
    """Bring many keys into memory with one query, so that a list of patients costs one and not one each.

    A key that is lost is passed over; whoever needs it is told.
    """
    missing = {number for number in numbers if _memory.key(number) is None}
    if not missing:
        return
    rows = DataKey.objects.filter(number__gte=min(missing), number__lte=max(missing))
    if len(missing) < 500 or max(missing) - min(missing) > 4 * len(missing):  # a list of thousands is slow to parse
        rows = DataKey.objects.filter(number__in=missing)
    masters, opened = _master_keys(), []
    for row in rows.values_list(*_ROW, named=True):  # no objects: making them takes longer than unwrapping
        if row.number in missing and (row.master_key_id not in masters or _memory.renew(row) is None):
            try:
                opened.append((row, _unwrap(row, masters)))
            except KeyLost:
                continue
    _memory.keep_all(opened)


def living_key(patient_id: UUID | None, purpose: str = DataKey.Purpose.DATA) -> tuple[int, bytes]:
    """The key new data of this owner is encrypted with, created on first use: ``(number, key)``."""
    number, held = _living(patient_id, purpose)
    return number, held.key


def living_engine(patient_id: UUID | None, purpose: str = DataKey.Purpose.DATA) -> tuple[int, AESGCMSIV]:
    """The same key as what seals fields: ``(number, engine)``."""
    number, held = _living(patient_id, purpose)
    return number, held.engine


def _living(patient_id: UUID | None, purpose: str) -> tuple[int, _Held]:
    if (known := _memory.living((patient_id, purpose))) is not None:
        return known
    row = _find(patient_id, purpose) or create_key(patient_id, purpose)
    return row.number, _open(row)


def index_keys() -> list[bytes]:
    """Under which a blind index may have been made: the living key and, during its rotation, the retired one.

    Asks the database each time, for a process that has not heard of a rotation would not find what was indexed anew.
    """
    kept = DataKey.objects.filter(patient_id=None, purpose=DataKey.Purpose.INDEX, destroyed_at__isnull=True)
    numbers = list(kept.order_by("-number").values_list("number", flat=True))
    return [key_by_number(number) for number in numbers] or [living_key(None, DataKey.Purpose.INDEX)[1]]


def _find(patient_id: UUID | None, purpose: str) -> DataKey | None:
    return DataKey.objects.living().filter(patient_id=patient_id, purpose=purpose).first()


def create_key(patient_id: UUID | None, purpose: str) -> DataKey:
    """A new living key of an owner who has none; what another process made meanwhile, where one was first."""
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


def destroy_key(patient_id: UUID) -> int:
    """Make everything encrypted for this patient unreadable for ever; how many keys that were.

    The rows stay, as tombstones. Other processes may still remember the keys for five minutes.
    """
    rows = DataKey.objects.filter(patient_id=patient_id, destroyed_at__isnull=True)
    numbers = list(rows.values_list("number", flat=True))
    rows.update(wrapped=b"", destroyed_at=now())
    _memory.drop(patient_id, numbers)
    # Again: until the commit another thread can still read the key from its row.
    transaction.on_commit(partial(_memory.drop, patient_id, numbers))
    return len(numbers)


__all__ = ["KEY_BYTES", "KeyLost", "KeyUnavailable", "create_master_key_file", "derive"]  # of the module below, too
