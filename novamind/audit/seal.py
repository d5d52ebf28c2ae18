"""The chain of seals: what the trail said once cannot be changed later without being found out.

Each event gets one :class:`Seal`: ``mac(n) = HMAC-SHA256(key, mac(n-1) | n | event and its patients)``. The key stands
outside the database (``AUDIT_SEAL_KEY``), so whoever owns the database cannot make seals. A tail that is cut off is
found by the anchors alone (:mod:`novamind.audit.anchors`).
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, QuerySet

from novamind.audit.models import AuditEvent, Seal
from novamind.clock import now

GENESIS = bytes(32)
#: Columns that events sealed before them do not have: sealed only where they say something.
LATER = {"details"}
BATCH = 2_000
#: A transaction that began earlier than this ago and has not committed yet would be found by ``verify_audit`` instead.
LOOK_BACK = timedelta(hours=1)


def seal_new(*, at_most: int = 20_000) -> int:
    """Seal events that have no seal yet, oldest first; how many. Of two sealers at once one does nothing.

    What commits late, with an earlier time than events already sealed, is sealed when it is seen: the chain has the
    order of arrival.
    """
    recent = unsealed().filter(at__gt=now() - LOOK_BACK).order_by("at", "id")
    ids = list(recent.values_list("id", flat=True)[:at_most])
    for start in range(0, len(ids), BATCH):
        if not _seal(ids[start : start + BATCH]):
            return start
    return len(ids)


def unsealed() -> QuerySet[AuditEvent]:
    """Events without a seal."""
    return AuditEvent.objects.filter(~Exists(Seal.objects.filter(event_id=OuterRef("pk"))))


def mac_of(previous: bytes, seq: int, event: AuditEvent) -> bytes:
    """The seal of an event; reads its patients, which the caller has prefetched."""
    signed = previous + seq.to_bytes(8, "big") + canonical(event)
    return hmac.new(settings.AUDIT_SEAL_KEY.encode(), signed, sha256).digest()


def canonical(event: AuditEvent) -> bytes:
    """Every column of an event and its patients, the same bytes on every database."""
    columns = {field.attname: _plain(getattr(event, field.attname)) for field in event._meta.concrete_fields}
    columns = {name: value for name, value in columns.items() if value or name not in LATER}
    columns["patients"] = sorted(f"{row.patient_id} {_plain(row.at)}" for row in event.patients.all())
    return json.dumps(columns, sort_keys=True, separators=(",", ":")).encode()


def in_order(seals: QuerySet[Seal]) -> Iterator[tuple[Seal, AuditEvent | None]]:
    """Seals with their events (``None`` where it is gone), by number; a few thousand are in memory at a time."""
    after = 0
    while rows := list(seals.filter(seq__gt=after).order_by("seq")[:BATCH]):
        events = _events(row.event_id for row in rows)
        yield from ((row, events.get(row.event_id)) for row in rows)
        after = rows[-1].seq


def _events(ids: Iterable[Any]) -> dict[Any, AuditEvent]:
    return AuditEvent.objects.prefetch_related("patients").in_bulk(list(ids))


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return value if value is None or isinstance(value, int | list | dict) else str(value)


def _seal(ids: list[Any]) -> bool:
    """Whether this batch was sealed here; if not, another sealer took the next number first."""
    events = _events(ids)
    try:
        with transaction.atomic():
            last = Seal.objects.order_by("-seq").first()
            seq, mac = (last.seq, bytes(last.mac)) if last else (0, GENESIS)
            seals = []
            for event in (events[pk] for pk in ids):
                seq += 1
                mac = mac_of(mac, seq, event)
                seals.append(Seal(seq=seq, event_id=event.pk, mac=mac))
            Seal.objects.bulk_create(seals)
    except IntegrityError:
        return False
    return True
