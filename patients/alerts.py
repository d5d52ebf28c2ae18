"""Alerts: raised in the transaction of what caused them, sent to whoever is on call, escalated until somebody answers.

The timer is a job that waits (``patients.escalate_alert``), so it survives whatever happens to workers. It never ends
by itself: an alert that nobody takes is sent again after each interval, to the next person on call, then to every
clinician of the patient, then once more to whoever is on call by then. Where no clinician may answer at all, it goes
to the administrators each time.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final, cast
from uuid import UUID

from django.db import models, transaction
from django.db.models import F

from novamind import clock
from novamind.accounts.models import User
from novamind.audit.models import EventType
from novamind.audit.recording import aggregates, note_object, saw
from novamind.delivery.models import Delivery
from novamind.delivery.services import cancel_about
from novamind.jobs.services import enqueue, publish
from patients.coverage import clinicians_of, on_call
from patients.models import Alert, AlertEvent, AlertKind, AlertSeverity, Patient
from patients.services import StaleEdit
from patients.telling import LABEL, clinicians, tell

#: Until when somebody must have taken an alert; then it is escalated, and again after as long.
ACKNOWLEDGE_WITHIN: Final = MappingProxyType(
    {
        AlertSeverity.HIGH: timedelta(minutes=15),
        AlertSeverity.MEDIUM: timedelta(hours=4),
        AlertSeverity.LOW: timedelta(hours=24),
    }
)


#: Until when whoever has taken it must be done; then it is passed on as if nobody had. No source gives these times: the
#: first is a working shift, so that nobody goes home with it; the others are those that the severity names.
RESOLVE_WITHIN: Final = MappingProxyType(
    {
        AlertSeverity.HIGH: timedelta(hours=8),
        AlertSeverity.MEDIUM: timedelta(hours=24),
        AlertSeverity.LOW: timedelta(days=7),
    }
)


#: A rule's alert that nobody has taken on for so long is noise: it ends, and its rule is charged with it. Ours. No
#: other alert ever ends by itself.
IGNORED_AFTER: Final = timedelta(days=14)


class NoteNeeded(ValueError):
    """An alert about self-harm is done only with what was done."""


class NotPossible(Exception):
    """What was asked does not fit the state that the alert is in."""


def raise_alert(
    *,
    patient: Patient,
    kind: str,
    severity: str,
    key: str,
    owner: User | None = None,
    about: models.Model | None = None,
    note: str = "",
) -> Alert:
    """An alert for a clinician, in the caller's transaction; the same key twice is one alert.

    Whoever owns it is told at once: the named owner if that person may answer for this patient, else the first who is
    on call, else (nobody is on call) every clinician of the patient, else (there is none) the administrators.
    """
    called = on_call(patient)
    may_answer = owner is not None and _may_answer(owner.pk, patient.pk)
    first = owner if may_answer else next(iter(called), None)
    moment = clock.now()
    alert = Alert(
        patient=patient,
        key=key,
        kind=AlertKind(kind),
        severity=AlertSeverity(severity),
        about_label=about._meta.label if about else "",
        about_id=about.pk if about else None,
        owner=first,
        monitored=bool(called),
        raised_at=moment,
        acknowledge_by=moment + ACKNOWLEDGE_WITHIN[AlertSeverity(severity)],
    )
    with transaction.atomic():
        Alert.objects.bulk_create([alert], ignore_conflicts=True)
        kept = Alert.objects.select_related("owner").get(key=key)
        if kept.pk == alert.pk:
            _note(kept, AlertEvent.What.RAISED, note=note)
            tell(kept, [first] if first else clinicians(patient.pk))
            start_timer(kept)
            publish("alert.raised", alert_id=kept.pk, patient_id=patient.pk)
    return kept


def acknowledge(alert: Alert, *, by: User, version: int) -> None:
    """Take an alert on: from now on it is this person's, who has :data:`RESOLVE_WITHIN` to be done.

    Raises
    ------
    StaleEdit
        Somebody has changed it since.
    NotPossible
        Somebody has it already, or it is done.
    """
    if not alert.is_waiting:
        raise NotPossible
    moment = clock.now()
    changes = {"state": Alert.State.ACKNOWLEDGED, "owner": by, "acknowledged_by": by, "acknowledged_at": moment}
    changes["resolve_by"] = moment + RESOLVE_WITHIN[AlertSeverity(alert.severity)]
    with transaction.atomic():
        _change(alert, version, AlertEvent.What.ACKNOWLEDGED, by, **changes)
        cancel_about([alert.pk], LABEL)
        start_timer(alert)


def resolve(alert: Alert, *, by: User | None, version: int, note: str = "", outcome: str = "") -> None:
    """Say that it is done, how, and what it was worth; errors as of :func:`acknowledge`. One that nobody took is taken
    on by this.

    ``by`` is ``None`` where what it was about is no longer so. ``NoteNeeded`` without a note on self-harm.
    """
    if alert.state == Alert.State.RESOLVED:
        raise NotPossible
    if alert.kind == AlertKind.SELF_HARM and not note.strip():
        raise NoteNeeded
    moment = clock.now()
    taken = {"owner": by, "acknowledged_by": by, "acknowledged_at": moment} if by and alert.is_waiting else {}
    changes = taken | {"state": Alert.State.RESOLVED, "resolved_at": moment, "outcome": outcome}
    _change(alert, version, AlertEvent.What.RESOLVED, by, note=note, **changes)
    cancel_about([alert.pk], LABEL)


def end_if_ignored(alert: Alert) -> bool:
    """Whether a rule's alert, that nobody has taken on for :data:`IGNORED_AFTER`, is ended as ignored by this."""
    if alert.kind != AlertKind.RULE or not alert.is_waiting or alert.raised_at + IGNORED_AFTER > clock.now():
        return False
    changes = {"state": Alert.State.RESOLVED, "resolved_at": clock.now(), "outcome": Alert.Outcome.IGNORED}
    _change(alert, alert.version, AlertEvent.What.RESOLVED, None, **changes)
    cancel_about([alert.pk], LABEL)
    return True


def escalate(alert: Alert, *, by: User | None = None, version: int, note: str = "") -> None:
    """Tell whoever is next, by hand or because the time to answer is over; errors as of :func:`acknowledge`."""
    if not alert.is_waiting:
        raise NotPossible
    _pass_on(alert, by, version, note)


def escalate_if_due(alert_id: UUID) -> None:
    """The timer has run out: escalate, unless somebody has answered, ended or escalated it since."""
    alert = Alert.objects.select_for_update(of=("self",)).filter(pk=alert_id).first()
    if alert is not None and (alert.is_overdue or _is_left(alert)):
        _pass_on(alert, None, alert.version)


def owner_left(user_id: UUID, patient_id: UUID | None = None) -> None:
    """Somebody may have lost access, to one chart or altogether: what they had taken on is looked at now."""
    with aggregates():
        theirs = Alert.objects.filter(owner=user_id, state=Alert.State.ACKNOWLEDGED)
        for alert in theirs.filter(patient=patient_id) if patient_id else theirs:
            if _is_left(alert):
                start_timer(alert)


def is_late(alert: Alert, before: datetime) -> bool:
    """Whether its timer should have run before this moment, or its owner has left."""
    due = alert.acknowledge_by if alert.is_waiting else alert.resolve_by
    return due is None or due <= before or _is_left(alert)


def _is_left(alert: Alert) -> bool:
    """Whether it was taken on by somebody who can no longer answer it."""
    taken = alert.state == Alert.State.ACKNOWLEDGED
    return taken and (alert.owner_id is None or not _may_answer(alert.owner_id, alert.patient_id))


def _pass_on(alert: Alert, by: User | None, version: int, note: str = "") -> None:
    """Tell whoever is next, and whoever had taken it on; from now on it waits again."""
    people = next_people(alert)
    changes: dict[str, Any] = {
        "state": Alert.State.ESCALATED,
        "level": alert.level + 1,
        "acknowledge_by": clock.now() + ACKNOWLEDGE_WITHIN[AlertSeverity(alert.severity)],
    }
    if len(people) == 1:
        changes["owner"] = people[0]
    elif _is_left(alert):
        changes["owner"] = None
    if not alert.is_waiting and not _is_left(alert) and alert.owner not in people:
        people = [*people, cast(User, alert.owner)]
    with transaction.atomic():
        _change(alert, version, AlertEvent.What.ESCALATED, by, note=note, **changes)
        tell(alert, people, again=True)
        start_timer(alert)


def next_people(alert: Alert) -> list[User]:
    """Who is told next: on call and not told yet; else every clinician not told yet; else whoever is on call again."""
    told = set(Delivery.objects.filter(about_label=LABEL, about_id=alert.pk).values_list("user", flat=True))
    called = on_call(alert.patient_id)
    if fresh := [user for user in called if user.pk not in told]:
        return fresh[:1]
    everybody = clinicians(alert.patient_id)
    return [user for user in everybody if user.pk not in told] or called or everybody


def _may_answer(user_id: UUID, patient_id: UUID) -> bool:
    with aggregates():
        return clinicians_of(patient_id).filter(pk=user_id).exists()


def start_timer(alert: Alert) -> None:
    """Let a job wait until the time to answer, or to be done, is over."""
    key, due_at = f"alert:{alert.pk}:{alert.level}", alert.acknowledge_by
    if _is_left(alert):  # a job of its own: the one that waits for the end of the time waits on
        key, due_at = f"{key}:left:{alert.version}", clock.now()
    elif not alert.is_waiting:
        key, due_at = f"{key}:done", alert.resolve_by or clock.now()
    enqueue("patients.escalate_alert", key=key, due_at=due_at, alert_id=alert.pk)


def _note(alert: Alert, what: str, by: User | None = None, note: str = "") -> None:
    AlertEvent.objects.create(patient_id=alert.patient_id, alert=alert, what=what, by=by, note=note or None)


def _change(alert: Alert, version: int, what: str, by: User | None, *, note: str = "", **changes: Any) -> None:
    """Change it if it is still that version; else ``StaleEdit``."""
    saw(alert.patient_id)
    with transaction.atomic():
        with aggregates():
            current = Alert.objects.filter(pk=alert.pk, version=version)
            if not current.update(version=F("version") + 1, **changes):
                raise StaleEdit
        for name, value in (changes | {"version": version + 1}).items():
            setattr(alert, name, value)
        _note(alert, what, by, note)
    note_object(EventType.MODIFICATION, LABEL, alert.pk)
