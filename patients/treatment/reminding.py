"""Reminders of visits: one message before each planned visit, called off with it, and sent anew where it is moved."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import Final

from django.conf import settings

from novamind import clock
from novamind.audit.recording import aggregates
from novamind.delivery.models import Channel, Delivery
from novamind.delivery.services import PatientContact, cancel_about, deliver
from patients.models import Appointment, AppointmentStatus, Patient, Schedule

LABEL: Final = "patients.Appointment"


def remind_of(visit: Appointment) -> None:
    """Plan the message of a visit as it now stands, and call off what was planned for another time; in the caller's
    transaction. The same time is reminded of once, however often the rest is edited.

    None is sent of a visit that has begun, and none where the chart has no contact or ``APPOINTMENT_REMINDER_HOURS``
    is 0.
    """
    about = Delivery.objects.filter(about_label=LABEL, about_id=visit.pk)
    key = f"appointment:{visit.pk}:{visit.at.astimezone(UTC):%Y%m%dT%H%M%SZ}:"  # pages and the API say it in two zones
    if not _is_to_come(visit):
        cancel_about([visit.pk], LABEL)
        return
    newest = about.exclude(state=Delivery.State.CANCELLED).order_by("-created_at").first()
    if newest is not None and newest.key.startswith(key):
        return
    cancel_about([visit.pk], LABEL)
    channel = channel_of(visit.patient)
    if channel is not None and settings.APPOINTMENT_REMINDER_HOURS:
        # Numbered: a visit that is moved and moved back was called off once under its first time.
        deliver(
            key=f"{key}{about.count()}", recipient=PatientContact(visit.patient_id), channel=channel,
            template="appointment", about=visit, expires_at=visit.at,
            due_at=max(clock.now(), visit.at - timedelta(hours=settings.APPOINTMENT_REMINDER_HOURS)),
        )  # fmt: skip


def _is_to_come(visit: Appointment) -> bool:
    planned = visit.status == AppointmentStatus.PLANNED and not visit.entered_in_error
    return planned and visit.at > clock.now()


def channel_of(patient: Patient) -> str | None:
    """How the newest schedule that sends anything reaches the patient; without one by e-mail, else by text message, as
    far as the chart has the contact."""
    reached = {Channel.EMAIL.value: patient.email, Channel.SMS.value: patient.phone}
    with aggregates():
        schedules = Schedule.objects.filter(patient=patient, active=True).exclude(channel="")
        chosen = schedules.order_by("-created_at").values_list("channel", flat=True).first()
    wanted = [chosen, Channel.EMAIL.value, Channel.SMS.value]
    return next((channel for channel in wanted if channel is not None and reached[channel]), None)
