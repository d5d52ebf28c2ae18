"""Rotation: owners get new keys, what the old ones encrypted is encrypted anew, and then they are destroyed.

All that is remembered is which keys are retired; so whatever interrupts a rotation, the next call goes on. A row is
written only if it still is what was read, and is never unreadable: its old key lives as long as anything names it.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.core.files.storage import default_storage
from django.db import IntegrityError, transaction

from novamind.clock import now
from novamind.phi import cipher, uploads
from novamind.phi.columns import BATCH, Columns, columns
from novamind.phi.documents import SealedJSON, documents
from novamind.phi.fields import Ciphertext, EncryptedField
from novamind.phi.keys import KeyLost, create_key, forget_keys, keys_by_number, master_key_id, rewrap
from novamind.phi.models import DataKey, ErasedFile

#: How long a retired key is kept at least: other processes know the old one for five minutes more, a job may hold rows
#: it has read for fifteen, and a file may just be read.
KEPT = timedelta(hours=1)
PASSES = 5
#: Told of the keys that one transaction changed, within it.
Note = Callable[[list[DataKey]], None]


@dataclass
class Counts:
    """What one walk over the columns did."""

    rows: int = 0
    renewed: int = 0
    files: int = 0
    lost_files: int = 0
    busy: int = 0
    unreadable: int = 0
    clashes: int = 0
    named: set[int] = field(default_factory=set)
    old_indexes: int = 0


def retire(owners: Any, note: Note) -> int:
    """Give the owners of these living keys new ones, a transaction each batch; how many keys were retired.

    Whoever has a retired key already is in the middle of a rotation and is passed over.
    """
    in_the_middle = set(DataKey.objects.retired().values_list("patient_id", "purpose"))
    chosen = owners.living().order_by("number").values_list("number", "patient_id", "purpose")
    numbers = [number for number, *owner in chosen if tuple(owner) not in in_the_middle]
    for start in range(0, len(numbers), BATCH):
        batch = DataKey.objects.living().filter(number__in=numbers[start : start + BATCH])
        with transaction.atomic():
            rows = list(batch.select_for_update().order_by("number"))
            for row in rows:
                DataKey.objects.filter(number=row.number).update(retired_at=now())
                create_key(row.patient_id, row.purpose)
            note(rows)
    forget_keys()
    return len(numbers)


def reencrypt(patient_id: uuid.UUID | None = None) -> Counts:
    """Encrypt anew what retired keys encrypted, of one patient or of everybody; rows in use are tried again."""
    counts = Counts()
    for _ in range(PASSES):
        again = walk(patient_id)
        for name in ("renewed", "files"):
            setattr(again, name, getattr(again, name) + getattr(counts, name))
        counts = again
        if not counts.busy:
            break
    return counts


def walk(patient_id: uuid.UUID | None = None) -> Counts:
    """One walk over all columns, and over the clinic's values in JSON where no patient is given.

    ``named`` are the retired keys that something still needs afterwards.
    """
    counts = Counts()
    retired = {key.number: key for key in DataKey.objects.retired()}
    keys_by_number(set(retired))
    for place in columns():
        for batch in place.batches(patient_id):
            _Batch(place, counts, retired).renew(batch)
    for document in documents() if patient_id is None else ():
        _Documents(document, counts, retired).renew()
    return counts


class _Batch:
    """Some rows of one table: what they need is made before the transaction, which only compares and writes."""

    def __init__(self, place: Columns, counts: Counts, retired: dict[int, DataKey]) -> None:
        self.place, self.counts, self.retired = place, counts, retired
        self.reindexing = any(key.purpose == DataKey.Purpose.INDEX for key in retired.values())

    def renew(self, batch: list[tuple[uuid.UUID, dict[str, Any]]]) -> None:
        """Replace what is old in these rows."""
        self.counts.rows += len(batch)
        changes = [(pk, stored, self._renewed(pk, stored)) for pk, stored in batch]
        with transaction.atomic():
            for pk, stored, new in changes:
                if new:
                    self._write(pk, stored, new)

    def _write(self, pk: uuid.UUID, stored: dict[str, Any], new: dict[str, Any]) -> None:
        files = [name for name in self.place.files if name in new]
        done = False
        try:
            with transaction.atomic():
                done = self.place.replace(pk, stored, new)
                for name in files if done else ():
                    ErasedFile.objects.create(name=stored[name], due_at=now() + KEPT)
            self.counts.busy += not done
        except IntegrityError:  # two charts came to have one number while two index keys were in use
            self.counts.clashes += 1
        if done:
            self.counts.renewed += 1
            self.counts.files += len(files)
            return
        self.counts.old_indexes += self.reindexing and bool(self.place.indexes)
        for column in self.place.sealed:
            if (number := _number(stored[column.attname])) in self.retired:
                self.counts.named.add(number)
        for name in files:
            default_storage.delete(new[name])

    def _renewed(self, pk: uuid.UUID, stored: dict[str, Any]) -> dict[str, Any]:
        """The new values of the columns that need one; a column that cannot be opened stays, and so does its key."""
        new: dict[str, Any] = {}
        for column in self.place.sealed:
            number = _number(stored[column.attname])
            if number not in self.retired:
                continue
            try:
                new |= self._resealed(column, pk, stored, self.retired[number])
            except (cipher.Altered, KeyLost):
                self.counts.unreadable += 1
                self.counts.named.add(number)
        for index in self.place.indexes if self.reindexing else ():
            try:
                new |= self._reindexed(index, pk, stored)
            except (cipher.Altered, KeyLost):  # nobody finds by it what nobody can open
                self.counts.unreadable += 1
        return new

    def _resealed(self, column: Any, pk: uuid.UUID, stored: dict[str, Any], key: DataKey) -> dict[str, Any]:
        place: dict[str, Any] = {"table": self.place.model._meta.db_table, "column": column.column, "row": pk}
        plain, files = cipher.decrypt(stored[column.attname], **place), {}
        if name := getattr(column, "file", ""):
            try:
                files[name], plain = uploads.reseal(stored[name], plain)
            except FileNotFoundError:  # the key of a file that storage has lost moves on all the same
                self.counts.lost_files += 1
        sealed = cipher.encrypt(plain, owner=key.patient_id, purpose=key.purpose, **place)
        return {column.attname: Ciphertext(sealed) if isinstance(column, EncryptedField) else sealed, **files}

    def _reindexed(self, index: Any, pk: uuid.UUID, stored: dict[str, Any]) -> dict[str, Any]:
        """The blind index, where it is not what the living index key makes of its source."""
        source: Any = self.place.model._meta.get_field(index.source)
        sealed, text = stored[source.attname], ""
        if sealed:
            table = self.place.model._meta.db_table
            text = cipher.decrypt(sealed, table=table, column=source.column, row=pk).decode()
        made = index.index_of(text) if text else None
        return {} if made == stored[index.attname] else {index.attname: made}


class _Documents:
    """The values that stand in one JSON column; a row at a time, for there are few."""

    def __init__(self, place: SealedJSON, counts: Counts, retired: dict[int, DataKey]) -> None:
        self.place, self.counts, self.retired = place, counts, retired

    def renew(self) -> None:
        """Replace what is old in all rows."""
        for batch in self.place.batches():
            self.counts.rows += len(batch)
            for pk, row, stored in batch:
                if old := self.place.numbers(stored) & self.retired.keys():
                    self._renew(pk, row, stored, old)

    def _renew(self, pk: Any, row: uuid.UUID, stored: dict[str, Any], old: set[int]) -> None:
        new = self.place.replaced(stored, lambda kept: self._resealed(kept, row))
        if new == stored:
            return
        with transaction.atomic():
            done = self.place.replace(pk, stored, new)
        if done:
            self.counts.renewed += 1
        else:
            self.counts.busy += 1
            self.counts.named |= old

    def _resealed(self, kept: str, row: uuid.UUID) -> str:
        """Under the living key; what cannot be opened stays, and so does its key."""
        if (number := self.place.number(kept)) not in self.retired:
            return kept
        try:
            return self.place.seal(self.place.open(kept, row), row)
        except (cipher.Altered, KeyLost):
            self.counts.unreadable += 1
            self.counts.named.add(number)
            return kept


def _number(stored: bytes | None) -> int | None:
    try:
        return cipher.key_number(stored) if stored else None
    except cipher.Altered:
        return None


def due() -> list[DataKey]:
    """Retired keys whose time is over."""
    return list(DataKey.objects.retired().filter(retired_at__lte=now() - KEPT))


def destroy_retired(note: Note) -> tuple[int, Counts]:
    """Destroy the retired keys that are due and that, after a walk over everything, nothing names: how many.

    Files whose place was taken by new ones are erased too.
    """
    uploads.erase_due()
    if not (waiting := due()):
        return 0, Counts()
    counts = reencrypt()
    ended = [key for key in waiting if not _needed(key, counts)]
    with transaction.atomic():
        retired = DataKey.objects.retired().filter(number__in=[key.number for key in ended])
        retired.update(wrapped=b"", destroyed_at=now())
        if ended:
            note(ended)
    forget_keys()
    return len(ended), counts


def _needed(key: DataKey, counts: Counts) -> bool:
    return bool(counts.old_indexes) if key.purpose == DataKey.Purpose.INDEX else key.number in counts.named


def rewrap_all(note: Note) -> tuple[int, int]:
    """Wrap every data key by the current master key, a transaction each batch: how many were, how many could not be."""
    done = lost = last = 0
    others = DataKey.objects.filter(destroyed_at__isnull=True).exclude(master_key_id=master_key_id())
    while True:
        with transaction.atomic():
            rows = list(others.filter(number__gt=last).select_for_update().order_by("number")[:BATCH])
            if not rows:
                return done, lost
            wrapped = [row for row in rows if _rewrapped(row)]
            if wrapped:
                note(wrapped)
        last, done, lost = rows[-1].number, done + len(wrapped), lost + len(rows) - len(wrapped)


def _rewrapped(row: DataKey) -> bool:
    try:
        return rewrap(row)
    except KeyLost:
        return False
