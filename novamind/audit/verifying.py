"""Walk the chain of seals from its first link and compare it with what was anchored outside."""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from novamind.audit import anchors
from novamind.audit.models import AuditEvent, ChainCheck, Seal
from novamind.audit.seal import GENESIS, in_order, mac_of, unsealed
from novamind.clock import now

SOON = timedelta(minutes=5)  # an event is sealed within seconds; one that is older and unsealed is a finding


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with the trail, and at which seal (``None``: with no seal at all)."""

    seq: int | None
    what: str


def findings() -> Iterator[Finding]:
    """Everything wrong, in the order of the chain; after a broken link the walk goes on from what is stored."""
    yield from broken_links()
    yield from _unsealed()
    yield from _anchors()


def broken_links() -> Iterator[Finding]:
    """Seals whose event was changed or deleted, and numbers that are missing."""
    previous, expected = GENESIS, 1
    for seq, event_id, mac, signed in in_order(Seal.objects.all()):
        if seq != expected:
            yield Finding(expected, f"seals {expected} to {seq - 1} are missing")
        elif signed is None:
            yield Finding(seq, f"event {event_id} was deleted")
        elif not hmac.compare_digest(mac_of(previous, seq, signed), mac):
            yield Finding(seq, f"event {event_id} or its seal was changed")
        previous, expected = mac, seq + 1


def verify() -> tuple[ChainCheck, list[Finding]]:
    """Look for everything that is wrong and keep the result."""
    found = list(findings())
    numbers = [finding.seq for finding in found if finding.seq is not None]
    check = ChainCheck.objects.create(
        seals=Seal.objects.count(),
        events=AuditEvent.objects.count(),
        findings=len(found),
        first_broken=min(numbers, default=None),
    )
    return check, found


def _unsealed() -> Iterator[Finding]:
    if late := unsealed().filter(at__lt=now() - SOON).count():
        yield Finding(None, f"{late} events are older than five minutes and have no seal")


def _anchors() -> Iterator[Finding]:
    outside = anchors.place()
    if outside is None:
        return
    try:
        known = {anchored.seq: anchored.mac for anchored in outside.read()}
    except Exception as error:  # unreadable or out of reach: the end of the trail was not verified, and that is said
        yield Finding(None, f"the anchors could not be read ({type(error).__name__})")
        return
    stored = dict(Seal.objects.filter(seq__in=list(known)).values_list("seq", "mac"))
    for seq, mac in sorted(known.items()):
        if seq not in stored:
            yield Finding(seq, f"seal {seq} was anchored and is gone: the end of the trail was cut off")
        elif bytes(stored[seq]).hex() != mac:
            yield Finding(seq, f"seal {seq} is not the one that was anchored")
