"""What the pages of messages show: threads as lines, a thread with what became of each message and of its notices."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db.models import F

from novamind.audit.models import EventType
from novamind.audit.recording import aggregates, note_object
from novamind.delivery.models import Delivery
from patients.coverage import clinicians_of
from patients.messaging.services import LABEL, THREAD, channel_to, patient_account
from patients.models import Message, MessageMark, MessageThread, Patient, ReplyTemplate, redisclosure_notice

SHOWN: Final = 100


def inbox_of(user: Any) -> dict[str, Any]:
    """The threads of everybody this user cares for: unread first, that which has waited longest before the others."""
    rows = MessageThread.objects.in_care_of(user).with_unread(by_patient=True).select_related("patient")
    found = list(rows.order_by(F("unread_since").asc(nulls_last=True), "-last_at")[: SHOWN + 1])
    notice = redisclosure_notice(found[:SHOWN])
    return {"threads": found[:SHOWN], "more": len(found) > SHOWN, "shown": SHOWN, "notice": notice}


def threads_of(patient: Patient, user: Any) -> dict[str, Any]:
    """One patient's threads, for staff."""
    rows = MessageThread.objects.visible_to(user).filter(patient=patient).with_unread(by_patient=True)
    found = list(rows[: SHOWN + 1])
    shown = found[:SHOWN]
    more = {"threads": shown, "more": len(found) > SHOWN, "shown": SHOWN, "has_account": patient_account(patient)}
    return more | {"notice": redisclosure_notice(shown)}


def own_threads(patient: Patient) -> dict[str, Any]:
    """The patient's own threads, the newest first."""
    found = list(MessageThread.objects.filter(patient=patient).with_unread(by_patient=False)[: SHOWN + 1])
    return {"threads": found[:SHOWN], "more": len(found) > SHOWN, "shown": SHOWN}


def thread_page(thread: MessageThread) -> dict[str, Any]:
    """A thread with all its messages, for staff: who read what, and how far the notices have come."""
    note_object(EventType.DATA_ACCESS, THREAD, thread.pk)
    lines = lines_of(thread)
    notices = _notices([line["message"].pk for line in lines])
    for line in lines:
        line["notices"] = notices.get(line["message"].pk, [])
    return {
        "thread": thread,
        "lines": lines,
        "newest": newest_of(lines),
        "has_unread": any(line["message"].by_patient and line["unread"] for line in lines),
        "has_account": patient_account(thread.patient),
        "has_contact": channel_to(thread.patient) is not None,
        "notice": redisclosure_notice([thread]),
        "templates": ReplyTemplate.objects.filter(withdrawn_at=None),
    }


def lines_of(thread: MessageThread) -> list[dict[str, Any]]:
    """Each message with its marks, the oldest first. Two queries."""
    rows = Message.objects.filter(thread=thread).select_related("by").prefetch_related("marks__by").order_by("at", "pk")
    return [_line(message) for message in rows]


def own_context(patient: Patient) -> dict[str, Any]:
    """What stands on every page on which a patient writes."""
    with aggregates():
        somebody_reads = clinicians_of(patient.pk).exists()
    return {
        "patient": patient,
        "crisis_text": settings.CRISIS_TEXT,
        "somebody_reads": somebody_reads,
    }


def newest_of(lines: list[dict[str, Any]]) -> UUID | None:
    """The newest message that a page shows."""
    return lines[-1]["message"].pk if lines else None


def _line(message: Message) -> dict[str, Any]:
    marks = {mark.what: mark for mark in message.marks.all()}
    read, error = marks.get(MessageMark.What.READ), marks.get(MessageMark.What.ERROR)
    return {"message": message, "read": read, "error": error, "unread": read is None and error is None}


def _notices(messages: list[UUID]) -> dict[UUID, list[Delivery]]:
    found: dict[UUID, list[Delivery]] = defaultdict(list)
    for row in (
        Delivery.objects.filter(about_label=LABEL, about_id__in=messages).select_related("user").order_by("created_at")
    ):
        found[row.about_id].append(row)  # type: ignore[index]
    return found
