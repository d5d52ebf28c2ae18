"""Tries at what must not be guessed (a password, a code, a hidden patient), counted exactly however many come at once.

A try is written before its outcome is known, while nobody else counts the same; one that turned out well is taken back.
Counted in the database, so for every process alike, and refused when the database fails.

Nobody else counts: on PostgreSQL by an advisory lock, until the count is committed, or, where the try is part of a
request's transaction, until the request has ended (its row may be rolled back and written anew). On SQLite the one
writer there is at a time does it, but for the moment between such a rollback and the row written anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256

from django.db import Error, connection, transaction
from django.db.models import QuerySet
from django.utils.crypto import salted_hmac

from novamind import clock
from novamind.audit.models import Attempt
from novamind.audit.recording import at_the_end, current, on_rollback


@dataclass(frozen=True, slots=True)
class Claim:
    """One try of somebody: at most so many within this time. ``at_most`` of ``None`` is counted and never refused."""

    kind: str
    who: str
    at_most: int | None
    within: timedelta

    @property
    def digest(self) -> str:
        """Tells the counted apart and names nobody."""
        return salted_hmac("novamind.audit.attempts", f"{self.kind} {self.who}", algorithm="sha256").hexdigest()[:32]

    def used(self) -> int:
        """How many there were within the time."""
        return self._counted().count()

    def is_used_up(self) -> bool:
        """Whether there is none left."""
        return self.at_most is not None and self.used() >= self.at_most

    def free_at(self) -> datetime:
        """When the oldest of those that count will count no more."""
        oldest = self._counted().order_by("at").values_list("at", flat=True).first()
        return (oldest or clock.now()) + self.within

    def _counted(self) -> QuerySet[Attempt]:
        return Attempt.objects.filter(kind=self.kind, who=self.digest, at__gt=clock.now() - self.within)


def take(claims: Sequence[Claim]) -> list[Attempt] | None:
    """Write one try of each claim; ``None``, and nothing is written, where one of them is used up."""
    with transaction.atomic():
        alone(claims)
        return None if any(claim.is_used_up() for claim in claims) else [note(claim) for claim in claims]


def alone(claims: Sequence[Claim]) -> None:
    """Let nobody else count these until the open transaction is over, or the request if the transaction is its own."""
    if connection.vendor != "postgresql":
        return
    of_the_request = current() is not None and len(connection.atomic_blocks) > 1
    for number in sorted({_number(claim) for claim in claims}):  # in order: two who wait for each other wait for ever
        with connection.cursor() as cursor:
            if of_the_request:
                cursor.execute("SELECT pg_advisory_lock(%s)", [number])
                at_the_end(partial(_unlock, number))
            else:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [number])


def note(claim: Claim) -> Attempt:
    """Write one try; again, where the request around it is rolled back."""
    row = Attempt.objects.create(kind=claim.kind, who=claim.digest)
    on_rollback(partial(_again, row))
    return row


def take_back(rows: Sequence[Attempt]) -> None:
    """These turned out well."""
    Attempt.objects.filter(pk__in=[row.pk for row in rows]).delete()


def forget_old(within: timedelta = timedelta(days=2)) -> int:
    """Delete what counts for nobody any more; how many rows."""
    return Attempt.objects.filter(at__lt=clock.now() - within).delete()[0]


def _again(row: Attempt) -> None:
    row.save(force_insert=True)


def _unlock(number: int) -> None:
    with suppress(Error), connection.cursor() as cursor:  # a connection that broke has let go of it
        cursor.execute("SELECT pg_advisory_unlock(%s)", [number])


def _number(claim: Claim) -> int:
    return int.from_bytes(sha256(f"{claim.kind} {claim.who}".encode()).digest()[:8], "big", signed=True)
