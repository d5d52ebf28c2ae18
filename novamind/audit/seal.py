"""The chain of seals: what the trail said once cannot be changed later without being found out.

Each event gets one :class:`Seal`: ``mac(n) = HMAC-SHA256(key, mac(n-1) | n | event and its patients)``. The key stands
outside the database (``AUDIT_SEAL_KEY``), so whoever owns the database cannot make seals. A tail that is cut off is
found by the anchors alone (:mod:`novamind.audit.anchors`).

Rows are read as tuples and times as text, not as objects: a trail has millions.
"""

from __future__ import annotations

import hmac
import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import Exists, F, OuterRef, QuerySet, TextField
from django.db.models.functions import Cast

from novamind.audit.models import AuditEvent, AuditEventPatient, Seal
from novamind.clock import now

GENESIS = bytes(32)
_SIGHT = {True: "opened", False: "listed", None: ""}
#: Of events whose patients have a purpose each. The format before it says no number and is that of all other events, so
#: that what was sealed before opens as it did; an event of the one never has the bytes of the other.
FORMAT = 2
#: What events sealed before it do not have: sealed only where it says something.
LATER = {"details", "format"}
BATCH = 2_000
#: A transaction that began earlier than this ago and has not committed yet would be found by ``verify_audit`` instead.
LOOK_BACK = timedelta(hours=1)
_JSON = json.JSONEncoder(sort_keys=True, separators=(",", ":"))


def seal_new(*, at_most: int = 20_000) -> int:
    """Seal events that have no seal yet, oldest first, until there are ``at_most`` or more; how many.

    Of two sealers at once one does nothing. What commits late, with an earlier time than events already sealed, is
    sealed when it is seen: the chain has the order of arrival.
    """
    after: datetime | None = now() - LOOK_BACK
    sealed = 0
    while after is not None and sealed < at_most:
        try:
            number, after = _seal(unsealed().filter(at__gt=after), min(BATCH, at_most - sealed))
        except IntegrityError:  # another sealer took the next number first
            break
        sealed += number
    return sealed


def unsealed() -> QuerySet[AuditEvent]:
    """Events without a seal."""
    return AuditEvent.objects.filter(~Exists(Seal.objects.filter(event_id=OuterRef("pk"))))


def mac_of(previous: bytes, seq: int, signed: bytes) -> bytes:
    """The seal of an event, of its canonical bytes."""
    return hmac.digest(settings.AUDIT_SEAL_KEY.encode(), previous + seq.to_bytes(8, "big") + signed, "sha256")


def canonical(events: QuerySet[AuditEvent]) -> dict[str, bytes]:
    """Every column of each event and its patients, the same bytes on every database; by id, in order. Two queries.

    ``events`` must not be sliced: the second query may see events that the first did not, and never fewer.
    """
    rows = [dict(zip(_COLUMNS, row, strict=True)) for row in events.values_list(*_COLUMNS.values())]
    patients = defaultdict(list)
    touched = AuditEventPatient.objects.filter(event__in=events.order_by().values("pk"))
    newer = set()
    columns = (*map(_text, ("event_id", "patient_id", "at")), "purpose", "opened")
    for pk, patient_id, at, why, opened in touched.values_list(*columns):
        event_id, entry = _hyphened(pk), f"{_hyphened(patient_id)} {_iso(at)}"
        if why or opened is not None:
            newer.add(event_id)
            entry += f" {why} {_SIGHT[opened]}"
        patients[event_id].append(entry)
    for row in rows:
        for name, read in _READ_FROM_TEXT.items():
            if row[name] is not None:
                row[name] = read(row[name])
        row["patients"] = sorted(patients[row["id"]])
        row["format"] = FORMAT if row["id"] in newer else None
    return {row["id"]: _encode({name: row[name] for name in row if row[name] or name not in LATER}) for row in rows}


def in_order(seals: QuerySet[Seal]) -> Iterator[tuple[int, str, bytes, bytes | None]]:
    """Number, event, mac and the event's canonical bytes (``None`` where it is gone) of each seal, by number.

    A few thousand are in memory at a time.
    """
    after = 0
    columns = ("seq", _text("event_id"), "mac")
    while rows := list(seals.filter(seq__gt=after).order_by("seq").values_list(*columns)[:BATCH]):
        here = seals.filter(seq__gt=after, seq__lte=rows[-1][0])
        events = canonical(AuditEvent.objects.filter(pk__in=here.order_by().values("event_id")))
        for seq, text, mac in rows:
            event_id = _hyphened(text)
            yield seq, event_id, bytes(mac), events.get(event_id)
        after = rows[-1][0]


def _encode(columns: dict[str, Any]) -> bytes:
    return _JSON.encode(columns).encode()


def _text(name: str) -> Cast:
    return Cast(name, TextField())


def _iso(text: str) -> str:
    """A time as a database writes it (``2027-03-01 08:00:00.5+00``), in ISO 8601 with microseconds.

    Never a datetime: a time that Python cannot hold (``infinity``, a year before Christ) is to be found, not to fail.
    """
    seconds, _, fraction = text.removesuffix("+00").partition(".")
    return f"{seconds.replace(' ', 'T')}.{fraction:0<6}+00:00"


def _hyphened(text: str) -> str:
    return text if len(text) == 36 else str(UUID(text))  # SQLite keeps the digits alone


_READERS = {"DateTimeField": _iso, "UUIDField": _hyphened, "JSONField": lru_cache(json.loads)}
_FIELDS = {field.attname: field.get_internal_type() for field in AuditEvent._meta.concrete_fields}
_READ_FROM_TEXT = {name: _READERS[kind] for name, kind in _FIELDS.items() if kind in _READERS}
_COLUMNS = {name: _text(name) if name in _READ_FROM_TEXT else F(name) for name in _FIELDS}


@transaction.atomic
def _seal(pending: QuerySet[AuditEvent], wanted: int) -> tuple[int, datetime | None]:
    """Seal the oldest: how many, and up to what time (``None``: all there were).

    The last number is read first: whoever seals after that takes the number that is taken here.
    """
    seq, mac = Seal.objects.order_by("-seq").values_list("seq", "mac").first() or (0, GENESIS)
    until = pending.order_by("at").values_list("at", flat=True)[wanted - 1 : wanted].first()
    events = canonical((pending.filter(at__lte=until) if until else pending).order_by("at", "id"))
    macs, mac = [], bytes(mac)
    for number, signed in enumerate(events.values(), start=seq + 1):
        mac = mac_of(mac, number, signed)
        macs.append(mac)
    _store(seq + 1, list(events), macs)
    return len(macs), until


def _store(first: int, event_ids: list[str], macs: list[bytes]) -> None:
    numbers, at = range(first, first + len(macs)), now()
    if connection.vendor == "postgresql":  # bulk_create takes longer than all the rest
        rows = "SELECT %s, * FROM unnest(%s::bigint[], %s::uuid[], %s::bytea[])"
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO audit_seal (at, id, event_id, mac) {rows}", [at, list(numbers), event_ids, macs]
            )
        return
    made = zip(numbers, event_ids, macs, strict=True)
    Seal.objects.bulk_create(Seal(seq=seq, event_id=event_id, mac=mac, at=at) for seq, event_id, mac in made)
