"""Two threads of the synthetic patient who signs in, and two replies of the clinic."""

from __future__ import annotations

from collections.abc import Callable

from novamind.accounts.models import User
from novamind.accounts.roles import CLINICAL_ADMIN
from novamind.audit.models import EventType
from novamind.audit.recording import aggregates, recorded, write_event
from patients.coverage import clinicians_of
from patients.demo import PATIENT_WHO_SIGNS_IN, mrn_of
from patients.messaging.services import keep_template, send_message, start_thread
from patients.models import MessageThread, Patient, ReplyTemplate

REPLIES = {
    "Thank you": "Thank you for writing. We have read your message and will talk about it at your next visit.",
    "Call the desk": "Please call the desk of the clinic to agree on a time; somebody answers from 9:00 to 15:00.",
}


def seed(say: Callable[[str], None]) -> None:
    """Once."""
    with recorded(actor_label="system:demo", request_id="demo") as ledger:
        if not ReplyTemplate.objects.exists():
            administrator = User.objects.filter(groups__name=CLINICAL_ADMIN).first()
            for name, text in REPLIES.items():
                keep_template(by=administrator, name=name, text=text)  # type: ignore[arg-type]
        patient = Patient.objects.get(mrn_index=mrn_of(0))
        with aggregates():
            known = MessageThread.objects.filter(patient=patient).exists()
            clinician = clinicians_of(patient.pk).order_by("email").first()
        if not known:
            _write(patient, User.objects.get(email=PATIENT_WHO_SIGNS_IN), clinician)
        write_event(ledger, event_type=EventType.CREATION, action="demo")
    say("Messages of one patient, and replies of the clinic.")


def _write(patient: Patient, own: User, clinician: User) -> None:
    about_sleep = start_thread(
        patient=patient, by=own, by_patient=True, subject="The watch at night",
        text="The strap itches at night. May I wear the watch on the other arm?",
    ).message.thread  # fmt: skip
    send_message(
        about_sleep, by=clinician, by_patient=False,
        text="Yes. Please write down the evening on which you change it, and keep to that arm.",
    )  # fmt: skip
    start_thread(
        patient=patient, by=own, by_patient=True, subject="My next visit",
        text="I shall be travelling next Thursday. Can the visit be moved to the week after?",
    )  # fmt: skip
