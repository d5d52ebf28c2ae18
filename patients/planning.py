"""Schedules at work: what fell due becomes a row and a message, once for each local date, and the next time is planned.

A job waits for the next time of each schedule (``patients.remind``). Whatever wakes it, and however often, it does what
is to be done by then and plans what comes next, so that a second one finds nothing to do.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from novamind import clock
from novamind.audit.recording import aggregates
from novamind.delivery.services import PatientContact, deliver
from novamind.jobs.services import enqueue
from patients import occurrences
from patients.consent import allows
from patients.models import ConsentPurpose, ConsentStream, Patient, Reminder, Schedule
from patients.occurrences import Occurrence

LABEL = "patients.Reminder"


def remind(schedule_id: UUID) -> None:
    """Do what has fallen due of this schedule and plan the next time; in the caller's transaction."""
    schedule = locked(schedule_id)
    if schedule is None:  # the chart was disposed of
        return
    if schedule.active:
        moment = clock.now()
        for occurrence in waiting(schedule, moment):
            _fall_due(schedule, occurrence, moment)
    plan_next(schedule)


def locked(schedule_id: UUID) -> Schedule | None:
    """The schedule, held until the transaction ends: reminders and answers of one schedule take turns."""
    return Schedule.objects.select_for_update(of=("self",)).filter(pk=schedule_id).first()


def waiting(schedule: Schedule, moment: datetime) -> list[Occurrence]:
    """What has fallen due by now and has no row yet."""
    with aggregates():
        there = set(Reminder.objects.filter(schedule=schedule).order_by().values_list("local_date", flat=True))
    due = occurrences.due_by(schedule, moment, schedule.patient.tz, since=schedule.next_due_at)
    return [occurrence for occurrence in due if occurrence.local_date not in there]


def _fall_due(schedule: Schedule, occurrence: Occurrence, moment: datetime) -> None:
    if occurrence.expires_at <= moment:
        outcome = Reminder.Outcome.MISSED
    elif not allows(schedule.patient_id, ConsentPurpose.TREATMENT, ConsentStream.QUESTIONNAIRES):
        outcome = Reminder.Outcome.WITHHELD
    else:
        outcome = Reminder.Outcome.REMINDED if schedule.channel else Reminder.Outcome.SILENT
    reminder = record(schedule, occurrence, outcome)
    if outcome == Reminder.Outcome.REMINDED:
        deliver(
            key=f"reminder:{schedule.pk}:{occurrence.local_date}",
            recipient=PatientContact(schedule.patient_id),
            channel=schedule.channel,
            template="reminder",
            about=reminder,
            expires_at=occurrence.expires_at,
            quiet=schedule.quiet,
        )


def record(schedule: Schedule, occurrence: Occurrence, outcome: str, *, done_at: datetime | None = None) -> Reminder:
    """The row of one time of a schedule; the database refuses a second one of the same local date."""
    return Reminder.objects.create(
        patient_id=schedule.patient_id,
        schedule=schedule,
        local_date=occurrence.local_date,
        due_at=occurrence.due_at,
        expires_at=occurrence.expires_at,
        outcome=outcome,
        done_at=done_at,
    )


def plan_next(schedule: Schedule) -> None:
    """Let a job wait for the next time, or run now where something has fallen due already (after a trip, say)."""
    found = None
    if schedule.active:
        moment = clock.now()
        late = waiting(schedule, moment)
        found = late[0] if late else _first_without_row(schedule, moment)
    schedule.next_due_at = found.due_at if found else None
    schedule.save(update_fields=["next_due_at"])
    if found:
        wake(schedule)


def _first_without_row(schedule: Schedule, moment: datetime) -> Occurrence | None:
    """The next time; one of a date that has its row already (done early, or before a trip west) is passed over."""
    with aggregates():
        today = moment.astimezone(schedule.patient.tz).date()
        later = Reminder.objects.filter(schedule=schedule, local_date__gte=today)
        there = set(later.order_by().values_list("local_date", flat=True))
    found = occurrences.next_after(schedule, moment, schedule.patient.tz)
    while found is not None and found.local_date in there:
        found = occurrences.next_after(schedule, found.due_at, schedule.patient.tz)
    return found


def wake(schedule: Schedule) -> None:
    """Queue the job for the time that is planned; twice for the same time is once."""
    due_at = schedule.next_due_at
    assert due_at is not None
    enqueue(
        "patients.remind", key=f"remind:{schedule.pk}:{due_at.timestamp():.0f}", due_at=due_at, schedule_id=schedule.pk
    )


def plan_all(patient: Patient) -> None:
    """The patient's zone has changed: every schedule follows."""
    active = Schedule.objects.filter(patient=patient, active=True).order_by("pk")
    for schedule_id in [schedule.pk for schedule in active]:
        if (schedule := locked(schedule_id)) is not None:
            schedule.patient = patient
            plan_next(schedule)
