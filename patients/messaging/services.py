"""Writing messages: sent once, read, marked as sent in error; the other side is told that something waits, no more.

A message goes to people alone: no rule reads it, and it is given to no model.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db import IntegrityError, transaction

from novamind import clock
from novamind.accounts.models import User
from novamind.accounts.rights import Refused
from novamind.audit.models import EventType
from novamind.audit.recording import aggregates, note_object
from novamind.delivery.models import Channel, Delivery
from novamind.delivery.services import PatientContact, cancel_about, deliver, resend
from patients.coverage import clinicians_of
from patients.models import Grant, Message, MessageMark, MessageThread, Patient, ReplyTemplate
from patients.reports.services import KeyReused
from patients.treatment.services import is_in_programme

LABEL: Final = "patients.Message"
THREAD: Final = "patients.MessageThread"
TEMPLATE: Final = "message"


class NobodyReads(Refused):
    """403: nobody on the other side could open it."""

    def __init__(self, detail: str) -> None:
        super().__init__("nobody_reads", detail)


class NotYours(Refused):
    """403: only who sent a message marks it as an error."""

    def __init__(self) -> None:
        super().__init__("not_yours", "Only whoever sent a message can mark it as sent in error.")


class WrongLabel(Refused):
    """403: 42 CFR Part 2 does not let this user set or take off the label."""

    def __init__(self) -> None:
        super().__init__(
            "part2_label", "Only who treats the patient in a programme, or with the patient's consent, may."
        )


@dataclass(frozen=True, slots=True)
class Sent:
    """What was kept; ``created`` is false where it had been sent before."""

    message: Message
    created: bool


def start_thread(
    *, patient: Patient, by: User | None, by_patient: bool, subject: str, text: str, part2: bool = False,
    key: str | None = None,
) -> Sent:  # fmt: skip
    """Begin a thread with its first message.

    Raises
    ------
    NobodyReads, WrongLabel
        Refused.
    KeyReused
        The key was sent before with another message.
    """
    _require_reader(patient, by_patient)

    def write() -> Message:
        thread = MessageThread.objects.create(patient=patient, subject=subject, part2=part2)
        _require_readable(thread, None if by_patient else by)
        return _write(thread, by, by_patient, text, key)

    return _once(patient, key, write, lambda kept: (kept.text, kept.thread.subject) == (text, subject))


def send_message(
    thread: MessageThread,
    *,
    by: User | None,
    by_patient: bool,
    text: str,
    key: str | None = None,
    seen: UUID | None = None,
) -> Sent:
    """Answer in a thread; what the other side wrote up to the message that was ``seen`` counts as read.
    ``NobodyReads``, ``KeyReused``."""
    _require_reader(thread.patient, by_patient)

    def write() -> Message:
        _hold(thread)
        mark_read(thread, by=by, by_patient=by_patient, seen=seen)
        return _write(thread, by, by_patient, text, key)

    return _once(thread.patient, key, write, lambda kept: (kept.thread_id, kept.text) == (thread.pk, text))


def mark_read(thread: MessageThread, *, by: User | None, by_patient: bool, seen: UUID | None) -> int:
    """Say that this side has read what the other wrote, up to the newest message it was shown; how many were new.

    Notices of them do not leave. What came after ``seen`` stays unread, and without it everything does: a page that was
    opened before a message came shows nothing of it.
    """
    with transaction.atomic():
        _hold(thread)
        last = Message.objects.filter(thread=thread, pk=seen).first()
        if last is None:
            return 0
        unread = Message.objects.unread(by_patient=not by_patient).filter(thread=thread, at__lte=last.at)
        fresh = [message for message in unread if (message.at, message.pk) <= (last.at, last.pk)]
        marks = [_mark(message, MessageMark.What.READ, by) for message in fresh]
        MessageMark.objects.bulk_create(marks, ignore_conflicts=True)  # of two readers at once the first is kept
        cancel_about([message.pk for message in fresh], LABEL)
    note_object(EventType.MODIFICATION, THREAD, thread.pk)
    return len(fresh)


def mark_in_error(message: Message, *, by: User, why: str) -> None:
    """Say that a message of one's own was sent in error: it stays, struck through. Twice is once. ``NotYours``."""
    if message.by_id != by.pk:
        raise NotYours
    with transaction.atomic():
        _hold(message.thread)
        mark = _mark(message, MessageMark.What.ERROR, by, why or None)
        MessageMark.objects.bulk_create([mark], ignore_conflicts=True)
        cancel_about([message.pk], LABEL)
        _notify(message)  # what else is unread was told of by the notice that does not leave now
    note_object(EventType.MODIFICATION, LABEL, message.pk)


def label_thread(thread: MessageThread, *, by: User, part2: bool) -> None:
    """Put the label of 42 CFR Part 2 on a thread, or take it off. ``WrongLabel``."""
    if thread.part2 and not part2 and not is_in_programme(thread.patient, by):
        raise WrongLabel
    with transaction.atomic():
        _hold(thread)
        thread.part2 = part2
        thread.save(update_fields=["part2"])
        _require_readable(thread, by)
        _call_off_notices(thread)
    note_object(EventType.MODIFICATION, THREAD, thread.pk)


def notify_again(message: Message) -> bool:
    """Send the notices of an unread message once more; false where there is none to repeat, or one still waits."""
    may_read = {user.pk for user in readers(message.thread)} | {None}
    rows = Delivery.objects.filter(about_label=LABEL, about_id=message.pk)
    rows = [row for row in rows if row.user_id in may_read]
    if not rows or any(row.is_open for row in rows):
        return False
    for row in rows:
        if row.resends is None:
            resend(row)
    return True


def channel_to(patient: Patient) -> Channel | None:
    """How the patient is told that something waits; ``None`` without e-mail and phone."""
    return Channel.EMAIL if patient.email else Channel.SMS if patient.phone else None


def patient_account(patient: Patient) -> bool:
    """Whether the patient has an account here with which a message can be read."""
    own = Grant.objects.valid().filter(reason=Grant.Reason.SELF, content_object=patient.pk, user__is_active=True)
    with aggregates():
        return own.exists()


def readers(thread: MessageThread) -> list[User]:
    """The clinicians in regular care of the patient who may open this thread."""
    with aggregates():
        people = list(clinicians_of(thread.patient_id))
        if not thread.part2:
            return people
        rows = MessageThread.objects.filter(pk=thread.pk)
        return [user for user in people if rows.releasable_to(user).exists()]


def keep_template(*, by: User, name: str, text: str) -> ReplyTemplate:
    """A reply of the clinic, from now on."""
    template = ReplyTemplate.objects.create(by=by, name=name, text=text)
    note_object(EventType.CREATION, "patients.ReplyTemplate", template.pk)
    return template


def withdraw_template(template: ReplyTemplate) -> None:
    """Nobody is offered it any more; it stays on record."""
    template.withdrawn_at = clock.now()
    template.save(update_fields=["withdrawn_at"])
    note_object(EventType.MODIFICATION, "patients.ReplyTemplate", template.pk)


def _once(patient: Patient, key: str | None, write: Callable[[], Message], same: Callable[[Message], bool]) -> Sent:
    """Kept once for each key; of two at once the database decides, and the second is told what the first kept."""
    if (kept := _kept(patient, key)) is None:
        try:
            with transaction.atomic():
                message = write()
        except IntegrityError:
            if (kept := _kept(patient, key)) is None:
                raise
        else:
            note_object(EventType.CREATION, LABEL, message.pk)
            return Sent(message, created=True)
    if not same(kept):
        raise KeyReused
    return Sent(kept, created=False)


def _kept(patient: Patient, key: str | None) -> Message | None:
    if key is None:
        return None
    found: Message | None = Message.objects.select_related("thread").filter(patient=patient, key=key).first()
    return found


def _write(thread: MessageThread, by: User | None, by_patient: bool, text: str, key: str | None) -> Message:
    message = Message(
        patient_id=thread.patient_id, thread=thread, by=by, by_patient=by_patient, text=text, key=key, at=clock.now()
    )
    message.save(force_insert=True)
    thread.last_at = message.at
    thread.save(update_fields=["last_at"])
    _notify(message)
    return message


def _notify(message: Message) -> None:
    """One notice for each reader and thread until it is read: the key is that of the oldest message still unread, which
    may be another than this; none where nothing is."""
    unread = Message.objects.unread(by_patient=message.by_patient).filter(thread=message.thread_id)
    oldest = unread.order_by("at", "pk").first()
    if oldest is None:
        return
    key = f"message:{oldest.pk}"
    if message.by_patient:
        for user in sorted(readers(message.thread), key=lambda one: one.pk):
            deliver(key=f"{key}:{user.pk}", recipient=user, channel=Channel.EMAIL, template=TEMPLATE, about=oldest)
        return
    patient = message.thread.patient
    channel = channel_to(patient)
    if channel is not None:
        recipient = PatientContact(patient.pk)
        deliver(key=f"{key}:patient", recipient=recipient, channel=channel, template=TEMPLATE, about=oldest)


def _call_off_notices(thread: MessageThread) -> None:
    """Of clinicians who may not read the thread any more."""
    with aggregates():
        messages = list(Message.objects.filter(thread=thread).values_list("pk", flat=True))
    cancel_about(messages, LABEL, but_to=readers(thread))


def _hold(thread: MessageThread) -> None:
    """Until the transaction ends nobody else writes to this thread, or reads what is unread in it to tell of it."""
    held = MessageThread.objects.select_for_update().get(pk=thread.pk)
    thread.part2, thread.last_at = held.part2, held.last_at


def _mark(message: Message, what: str, by: User | None, why: str | None = None) -> MessageMark:
    return MessageMark(patient_id=message.patient_id, message=message, what=what, by=by, why=why)


def _require_reader(patient: Patient, by_patient: bool) -> None:
    if not by_patient:
        if not patient_account(patient):
            raise NobodyReads("The patient has no account here, so nobody would read it.")
        return
    with aggregates():
        if not clinicians_of(patient.pk).exists():
            raise NobodyReads("Nobody of your care team can read messages now. Call the clinic.")


def _require_readable(thread: MessageThread, by: Any) -> None:
    with aggregates():
        if (
            thread.part2
            and by is not None
            and not MessageThread.objects.filter(pk=thread.pk).releasable_to(by).exists()
        ):
            raise WrongLabel
