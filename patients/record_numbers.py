"""Record numbers that cannot be given: they must not tell who is a patient here.

A number is one patient's, so whoever gives a chart a number hears whether it is free. About a patient whom they may not
see that is one thing too many; so it is said in the same words of every number, a few times a day at most, on record
with the patient concerned, and named in the weekly review. A new chart with a free number counts as no try: it stays.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial

from django.db.models import Count, Min

from novamind import clock
from novamind.accounts.models import User
from novamind.audit.activity import Finding, Rule, Week
from novamind.audit.attempts import Claim, alone, note
from novamind.audit.models import AuditEvent, EventType, Outcome
from novamind.audit.questions import names_of
from novamind.audit.recording import current, on_rollback, unseen, write_event
from novamind.throttle.rates import TooMany
from patients.models import Patient

PER_DAY = 10  # taken numbers, and numbers given to charts that are there
ACTION = "record_number_of_a_hidden_patient"
TAKEN = "This number cannot be used. If it is the one on the papers, ask a clinical administrator."


class MrnTaken(Exception):
    """Another patient has this medical record number, whoever may see that patient."""

    def __init__(self) -> None:
        super().__init__(TAKEN)


def require_tries_left(by: User) -> None:
    """``TooMany`` where this person has none left today: then no number is taken from them, free or not.

    Until the request is over nothing else counts for them, so that many requests at once have no more tries than one.
    """
    claim = _claim(by)
    alone([claim])
    if claim.is_used_up():
        wait = claim.free_at() - clock.now()
        raise TooMany("record_number", max(1, int(wait.total_seconds())))


def count_try(by: User) -> None:
    """A number was given to a chart that is there, or could not be."""
    note(_claim(by))


def note_taken(by: User, mrn: str) -> None:
    """Count the try; of a hidden patient, put it on record with that patient."""
    count_try(by)
    with unseen():
        seen = Patient.objects.visible_to(by).values("pk")
        holder = Patient.objects.filter(mrn_index=mrn).exclude(pk__in=seen).first()
    ledger = current()
    if holder is None or ledger is None:
        return
    ledger.identify()
    apart = replace(ledger, patients={holder.pk}, unexplained=[], undo=[], ending=[])
    # The request is refused and rolled back; this stays.
    on_rollback(partial(write_event, apart, event_type=EventType.API_RESPONSE, action=ACTION, outcome=Outcome.REFUSED))


def _claim(by: User) -> Claim:
    return Claim("record_number", str(by.pk), PER_DAY, timedelta(days=1))


def hidden_numbers(week: Week) -> Iterator[Finding]:
    """Who typed record numbers of patients whom they may not see."""
    typed = AuditEvent.objects.filter(at__gte=week.start, at__lt=week.end, action=ACTION, actor_id__isnull=False)
    counted = typed.order_by().values("actor_id").annotate(times=Count("pk"), at=Min("at")).order_by("-times")
    found = list(counted)
    names = names_of(row["actor_id"] for row in found)
    for row in found:
        fact = f"numbers of hidden patients: {row['times']}"
        yield Finding(names.get(row["actor_id"], str(row["actor_id"])), fact, row["at"], row["actor_id"])


HIDDEN_NUMBERS = Rule(
    "hidden_numbers",
    "Record numbers of hidden patients",
    "Typed for another chart: a slip, a patient registered twice, or somebody who asks who is here.",
    hidden_numbers,
)
