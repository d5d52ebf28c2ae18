"""What a clinical administrator looks through every week (45 CFR 164.308(a)(1)(ii)(D)), computed from the trail.

A finding is a reason to look, no verdict. Apps add rules that only they can compute (``activity`` on their AppConfig:
dotted names of a :class:`Rule`).
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from statistics import median
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Count, Min, Q, QuerySet
from django.db.models.functions import ExtractHour, TruncDate
from django.utils.module_loading import import_string

from novamind import clock, frame
from novamind.accounts.roles import DEVICE, PATIENT
from novamind.audit.models import AuditEvent, AuditEventPatient, EventPatientQuerySet, EventType, Outcome, Purpose
from novamind.audit.questions import SHOWN, names_of

NIGHT = (22, 6)  # local hours: from, until
AN_HOUR = 50  # charts opened within any 60 minutes; more are a finding
TIMES_MEDIAN = 3  # charts on a day, against the person's own median day
DAYS_BEFORE, DAYS_KNOWN, DAY_FLOOR = timedelta(weeks=8), 5, 10
BURST, BURST_WITHIN = 10, timedelta(minutes=5)
DENIED = (403, 404, 429)


@dataclass(frozen=True, slots=True)
class Week:
    """Monday to Sunday, in the clinic's zone."""

    monday: date

    @classmethod
    def of(cls, moment: datetime) -> Week:
        day = moment.astimezone(zone()).date()
        return cls(day - timedelta(days=day.weekday()))

    @property
    def start(self) -> datetime:
        return clock.midnight(self.monday, zone())

    @property
    def end(self) -> datetime:
        return clock.midnight(self.monday + timedelta(weeks=1), zone())

    @property
    def is_over(self) -> bool:
        return self.end <= clock.now()

    def back(self, weeks: int) -> Week:
        return Week(self.monday - timedelta(weeks=weeks))


@dataclass(frozen=True, slots=True)
class Finding:
    """Somebody, what was counted, and when it began."""

    who: str
    fact: str
    at: datetime
    actor_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing to look for."""

    key: str
    title: str
    about: str
    find: Callable[[Week], Iterable[Finding]]


def zone() -> ZoneInfo:
    return clock.zone(settings.CLINIC_TIME_ZONE)


def rules() -> list[Rule]:
    """Ours, and those of the apps above."""
    return [*OWN, *(import_string(name) for name in frame.activity_rules())]


def chart_rows(start: datetime, end: datetime) -> EventPatientQuerySet:
    """Charts that people who work here touched, without jobs and what was not shown (index ``audit_by_time``)."""
    rows = AuditEventPatient.objects.filter(event__at__gte=start, event__at__lt=end, event__actor_id__isnull=False)
    rows = rows.exclude(event__actor_label__startswith="system:").exclude(event__role__in=[PATIENT, DEVICE])
    return rows.filter(SHOWN)


def opened(start: datetime, end: datetime) -> QuerySet[AuditEventPatient]:
    """Charts opened one at a time, or on a list that shows what stands in them; a list of names opens none."""
    # The time twice: of the row itself there is an index of what was opened.
    return chart_rows(start, end).filter(at__gte=start, at__lt=end).opened()


def emergencies(week: Week) -> Iterator[Finding]:
    """Charts opened by emergency access."""
    rows = chart_rows(week.start, week.end).touched_for(Purpose.EMERGENCY)
    yield from _by_person(rows, "charts by emergency access: {charts}, in events: {events}")


def after_hours(week: Week) -> Iterator[Finding]:
    """Charts touched at night."""
    rows = chart_rows(week.start, week.end).annotate(hour=ExtractHour("event__at", tzinfo=zone()))
    late = rows.filter(Q(hour__gte=NIGHT[0]) | Q(hour__lt=NIGHT[1]))
    yield from _by_person(late, f"charts between {NIGHT[0]}:00 and {NIGHT[1]:02}:00: {{charts}}, in events: {{events}}")


def _by_person(rows: QuerySet[AuditEventPatient], fact: str) -> Iterator[Finding]:
    people = rows.order_by().values("event__actor_id")
    counted = people.annotate(
        charts=Count("patient_id", distinct=True), events=Count("event", distinct=True), at=Min("event__at")
    )
    found = list(counted.order_by("-charts", "event__actor_id"))
    names = names_of(row["event__actor_id"] for row in found)
    for row in found:
        actor = row["event__actor_id"]
        said = fact.format(charts=row["charts"], events=row["events"])
        yield Finding(names.get(actor, str(actor)), said, row["at"], actor)


def many_in_an_hour(week: Week) -> Iterator[Finding]:
    """More than ``AN_HOUR`` different charts opened within any 60 minutes.

    Three queries, whoever is found; in memory is what those people opened in the week. No server-side cursor:
    PostgreSQL plans one for its first rows, and takes longer for all of them.
    """
    rows = opened(week.start, week.end).order_by()
    many = rows.values("event__actor_id").annotate(charts=Count("patient_id", distinct=True)).filter(charts__gt=AN_HOUR)
    actors = list(many.values_list("event__actor_id", flat=True))
    names = names_of(actors)
    seen = rows.filter(event__actor_id__in=actors).order_by("event__actor_id", "event__at")
    each = seen.values_list("event__actor_id", "event__at", "patient_id")
    for actor, theirs in groupby(each, lambda row: row[0]):
        most, at = most_within(((at, patient) for _, at, patient in theirs), timedelta(hours=1))
        if most > AN_HOUR:
            yield Finding(names.get(actor, str(actor)), f"{most} charts within an hour", at, actor)


def unusual_days(week: Week) -> Iterator[Finding]:
    """Days with more than ``TIMES_MEDIAN`` times the charts of the person's median day of the eight weeks before."""
    before = defaultdict(list)
    for actor, _, charts in _days(week.start - DAYS_BEFORE, week.start):
        before[actor].append(charts)
    days = [row for row in _days(week.start, week.end) if len(before[row[0]]) >= DAYS_KNOWN and row[2] > DAY_FLOOR]
    names = names_of(actor for actor, _, _ in days)
    for actor, day, charts in days:
        usual = median(before[actor])
        if charts > TIMES_MEDIAN * usual:
            fact = f"{charts} charts on {day:%Y-%m-%d}; the person's median day has {usual:g}"
            yield Finding(names.get(actor, str(actor)), fact, clock.midnight(day, zone()), actor)


def _days(start: datetime, end: datetime) -> Iterator[tuple[UUID, date, int]]:
    rows = opened(start, end).order_by().annotate(day=TruncDate("event__at", tzinfo=zone()))
    counted = rows.values("event__actor_id", "day").annotate(charts=Count("patient_id", distinct=True))
    yield from counted.order_by("event__actor_id", "day").values_list("event__actor_id", "day", "charts")


def taken_out(week: Week) -> Iterator[Finding]:
    """Every file that left."""
    for event in AuditEvent.objects.filter(
        at__gte=week.start, at__lt=week.end, event_type=EventType.EXPORT, action="export"
    ).order_by("at"):
        fact = f"{event.object_label}, {event.details.get('rows', '?')} rows, {event.get_outcome_display().lower()}"
        yield Finding(event.actor_label, fact, event.at, event.actor_id)


def own_accounts(week: Week) -> Iterator[Finding]:
    """Administrators who changed what their own account may do, or how it signs in."""
    events = AuditEvent.objects.filter(at__gte=week.start, at__lt=week.end, outcome=Outcome.SUCCESS)
    # One's own password has a page of its own, which is everybody's.
    for event in events.filter(action__startswith="admin:", details__own_account=True).order_by("at"):
        fact = f"{event.get_event_type_display().lower()}: {event.object_label}"
        yield Finding(event.actor_label, fact, event.at, event.actor_id)


def denied_bursts(week: Week) -> Iterator[Finding]:
    """``BURST`` refusals within five minutes: of a signed-in person, or of failed sign-ins from one address."""
    refused = AuditEvent.objects.filter(at__gte=week.start, at__lt=week.end, outcome=Outcome.REFUSED)
    of_people = refused.filter(actor_id__isnull=False, status_code__in=DENIED)
    failed = refused.filter(event_type=EventType.SIGN_IN_FAILED)
    yield from _bursts(of_people, "actor_id", "refusals")
    yield from _bursts(failed, "ip", "failed sign-ins")


def _bursts(events: QuerySet[AuditEvent], by: str, what: str) -> Iterator[Finding]:
    rows = events.order_by(by, "at").values_list(by, "at", "pk")
    for key, group in groupby(rows.iterator(), lambda row: row[0]):
        most, at = most_within(((at, pk) for _, at, pk in group), BURST_WITHIN)
        if most >= BURST:
            actor = key if by == "actor_id" else None
            who = names_of([actor]).get(actor, str(key)) if actor else str(key or "unknown address")
            yield Finding(who, f"{most} {what} within five minutes", at, actor)


def most_within(rows: Iterable[tuple[datetime, Any]], span: timedelta) -> tuple[int, datetime]:
    """The most different things in any window of this length, and when that window began; rows come by time."""
    window: deque[tuple[datetime, Any]] = deque()
    inside: Counter[Any] = Counter()
    most, began = 0, datetime.min
    for at, what in rows:
        window.append((at, what))
        inside[what] += 1
        while window[0][0] <= at - span:
            _, gone = window.popleft()
            inside[gone] -= 1
            if not inside[gone]:
                del inside[gone]
        if len(inside) > most:
            most, began = len(inside), window[0][0]
    return most, began


OWN = [
    Rule("emergency", "Emergency access", "Each is reviewed under Emergencies too.", emergencies),
    Rule("after_hours", "After hours", "Charts touched between 22:00 and 06:00, the clinic's time.", after_hours),
    Rule(
        "many",
        "Many charts in an hour",
        f"More than {AN_HOUR} opened within any hour, by page or by list.",
        many_in_an_hour,
    ),
    Rule(
        "unusual",
        "More than is usual for this person",
        f"More than {TIMES_MEDIAN} times the median day of the eight weeks before, and more than {DAY_FLOOR}; "
        f"said only of people with {DAYS_KNOWN} such days.",
        unusual_days,
    ),
    Rule("denied", "Refused again and again", f"{BURST} refusals or failed sign-ins in five minutes.", denied_bursts),
    Rule("own_account", "Their own account", "Rights or sign-in of one's own account, by Django admin.", own_accounts),
    Rule("taken_out", "Taken out", "Every file that left.", taken_out),
]
