"""Schedules of a patient: made, edited, what is due, what was done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import F

from novamind import clock
from novamind.accounts.models import User
from novamind.audit.models import EventType
from novamind.audit.recording import aggregates, note_object
from novamind.delivery.models import Channel
from novamind.delivery.quiet import end_of_quiet
from novamind.delivery.services import cancel_about
from patients import occurrences, planning
from patients.consent import allows
from patients.instruments import instruments
from patients.models import ConsentPurpose, ConsentStream, Patient, Reminder, Schedule
from patients.occurrences import Occurrence
from patients.services import StaleEdit

#: What a patient can be asked to do again and again: code -> words.
TASKS: Final = MappingProxyType(
    {"check-in": "Daily check-in"} | {one.id: one.title for one in instruments().values() if not one.scoring_only}
)
EDITABLE = frozenset(
    {"starts_on", "ends_on", "every_days", "weekdays", "local_time", "window_min", "quiet_from", "quiet_to", "channel",
     "active"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Due:
    """Something a patient can do now; ``expires_at`` is when that ends."""

    schedule_id: UUID
    what: str
    local_date: date
    due_at: datetime
    expires_at: datetime


def wrong_in(patient: Patient, fields: Mapping[str, Any]) -> dict[str, str]:
    """What cannot be meant in the fields of a schedule, by field; a form and the API refuse it with these words.

    Fields that are absent are not looked at: the caller adds what stands already to what is changed.
    """
    wrong = {}
    starts, ends = fields.get("starts_on"), fields.get("ends_on")
    if starts and ends and ends < starts:
        wrong["ends_on"] = "This is before it begins."
    quiet = fields.get("quiet_from"), fields.get("quiet_to")
    if (quiet[0] is None) != (quiet[1] is None):
        wrong["quiet_from" if quiet[0] is None else "quiet_to"] = "Quiet hours have a beginning and an end."
    channel = fields.get("channel")
    if channel and not {Channel.EMAIL: patient.email, Channel.SMS: patient.phone}[Channel(channel)]:
        wrong["channel"] = "The chart has no such contact. Add it under “Edit details” first."
    wall, window = fields.get("local_time"), fields.get("window_min")
    if channel and starts and wall and window and quiet[0] and quiet[1]:
        first = clock.resolve_local(datetime.combine(starts, wall), patient.tz)
        later = end_of_quiet(first, (quiet[0], quiet[1]), patient.tz)
        if later and later >= first + timedelta(minutes=window):
            wrong["quiet_to"] = "A reminder would wait in quiet hours until it is too late."
    return wrong


def plan_schedule(*, patient: Patient, by: User | None, what: str, **fields: Any) -> Schedule:
    """A new schedule; its first time is the next one from now on. ``TypeError`` for a field that is not one."""
    _refuse_unknown(fields)
    if what not in TASKS:
        raise ValueError(f"nothing is called {what!r}")
    fields.setdefault("starts_on", clock.now().astimezone(patient.tz).date())
    with transaction.atomic():
        schedule = Schedule.objects.create(patient=patient, what=what, created_by=by, **fields)
        planning.plan_next(schedule)
    note_object(EventType.CREATION, "patients.Schedule", schedule.pk)
    return schedule


def change_schedule(schedule: Schedule, *, version: int, **changes: Any) -> None:
    """Edit a schedule from now on. No date that was reminded of is reminded of again; ``StaleEdit`` as ever.

    What is open stays open, unless the schedule is stopped: then messages that have not left are called off.
    """
    _refuse_unknown(changes)
    with transaction.atomic():
        with aggregates():
            current = Schedule.objects.filter(pk=schedule.pk, version=version)
            if not current.update(version=F("version") + 1):
                raise StaleEdit
        for name, value in changes.items():
            setattr(schedule, name, value)
        schedule.version, schedule.planned_from = version + 1, clock.now()
        schedule.save()
        if not schedule.active:
            _call_off(schedule)
        planning.plan_next(schedule)
    note_object(EventType.MODIFICATION, "patients.Schedule", schedule.pk)


def due_for(patient: Patient, now: datetime | None = None) -> list[Due]:
    """What this patient can do now, the first to end first: by the schedules, whether or not a reminder left.

    Empty where the patient does not consent to questions, and without what is no longer in the library.
    """
    if not allows(patient, ConsentPurpose.TREATMENT, ConsentStream.QUESTIONNAIRES):
        return []
    moment = now or clock.now()
    found = []
    for schedule in Schedule.objects.filter(patient=patient, active=True, what__in=TASKS):
        found += [_due(schedule, row) for row in _open_rows(schedule, moment)]
        found += [_due(schedule, one) for one in planning.waiting(schedule, moment) if one.is_open(moment)]
    return sorted(found, key=lambda due: (due.expires_at, due.due_at, due.what))


def record_done(*, patient: Patient, what: str, at: datetime | None = None) -> int:
    """Say that the patient has done this, now or ``at`` an earlier moment: what was open then is done, and so is what
    falls due later on the same local date.

    A reminder of these that has not left is called off. How many times of schedules that were.
    """
    moment, done = at or clock.now(), 0
    active = Schedule.objects.filter(patient=patient, what=what, active=True).order_by("pk")
    with transaction.atomic():
        for schedule_id in [schedule.pk for schedule in active]:
            if (schedule := planning.locked(schedule_id)) is not None:
                done += _record_done(schedule, moment)
    return done


def _record_done(schedule: Schedule, moment: datetime) -> int:
    today = moment.astimezone(schedule.patient.tz).date()
    rows = [*_open_rows(schedule, moment), *_rows_later_on(schedule, today, moment)]
    for row in rows:
        row.done_at = moment
        row.save(update_fields=["done_at"])
    cancel_about([row.pk for row in rows], planning.LABEL)
    early = [one for one in planning.waiting(schedule, moment) if one.is_open(moment)]
    if occurrences.falls_on(schedule, today) and not _has_row(schedule, today):
        later = occurrences.on(schedule, today, schedule.patient.tz)
        early += [later] if moment < later.due_at >= schedule.planned_from else []
    for occurrence in early:
        planning.record(schedule, occurrence, Reminder.Outcome.DONE, done_at=moment)
    if early:
        planning.plan_next(schedule)
    return len(rows) + len(early)


def _open_rows(schedule: Schedule, moment: datetime) -> Any:
    return Reminder.objects.undone().filter(schedule=schedule, due_at__lte=moment, expires_at__gt=moment)


def _rows_later_on(schedule: Schedule, day: date, moment: datetime) -> Any:
    """What had not fallen due at that moment and has a row by now: it is told of late."""
    return Reminder.objects.undone().filter(schedule=schedule, local_date=day, due_at__gt=moment)


def _has_row(schedule: Schedule, day: date) -> bool:
    with aggregates():
        return Reminder.objects.filter(schedule=schedule, local_date=day).exists()


def _due(schedule: Schedule, one: Occurrence | Reminder) -> Due:
    return Due(schedule.pk, schedule.what, one.local_date, one.due_at, one.expires_at)


def _call_off(schedule: Schedule) -> None:
    open_rows = Reminder.objects.undone().filter(schedule=schedule, expires_at__gt=clock.now())
    cancel_about([row.pk for row in open_rows], planning.LABEL)


def _refuse_unknown(fields: dict[str, Any]) -> None:
    if unknown := set(fields) - EDITABLE:
        raise TypeError(f"not a field of a schedule: {', '.join(sorted(unknown))}")
