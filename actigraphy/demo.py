"""Wrist recordings of the synthetic clinic: simulated, written as device files, uploaded by the same road as any."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from actigraphy.services import TREATING, ingest_recording
from novamind import clock
from novamind.audit.models import EventType
from novamind.audit.recording import aggregates, recorded, write_event
from novamind.phi.uploads import sealed_upload
from novamind.simulator import Persona, simulate, write_awd, write_depresjon_csv
from patients.consent import allows, record_consent
from patients.demo import PATIENTS, mrn_of
from patients.models import Consent, Patient

WEEKS = 9

#: What makes a patient worth looking at, by place in the list of patients.
STORIES: dict[int, dict[str, Any]] = {
    0: {"kind": "unipolar", "state_at_start": "depressed", "trend": -1.0},
    1: {"kind": "bipolar_2", "state_at_start": "euthymic"},
    2: {"kind": "unipolar", "insomnia": True},
    3: {"kind": "none", "chronotype_h": 3.2},
    4: {"kind": "unipolar", "trend": 1.5, "carelessness": 3.0},
    5: {"kind": "none", "shift_worker": True},
    6: {"kind": "bipolar_1", "state_at_start": "hypomanic"},
}
ONLY_DAYS = {8: 4}  # too short for a rhythm: every number abstains with its reason
TAIL_DAYS = {10: 6}  # the watch ran on in a drawer
NO_RECORDING = {13}
WITHDREW = 9  # after the upload: the job abstains, the page says so


def seed(say: Callable[[str], None]) -> None:
    """Upload a recording for every patient but one; the worker analyzes them once it runs."""
    today = clock.now().astimezone(clock.zone("Europe/Oslo")).date()
    with recorded(actor_label="system:demo", request_id="demo") as ledger:
        for number in range(len(PATIENTS)):
            if number not in NO_RECORDING:
                _upload(number, today)
                say(f"Recording {number + 1} of {len(PATIENTS)}.")
        _withdraw(Patient.objects.get(mrn_index=mrn_of(WITHDREW)))
        write_event(ledger, event_type=EventType.DATA_COLLECTION, action="demo")


def _upload(number: int, today: date) -> None:
    patient = Patient.objects.get(mrn_index=mrn_of(number))
    with aggregates():
        known = patient.recordings.exists()
    if known:
        return
    days, tail = ONLY_DAYS.get(number, WEEKS * 7), TAIL_DAYS.get(number, 0)
    persona = Persona.draw(1000 + number, **STORIES.get(number, {}))
    lived = simulate(persona, start=today - timedelta(days=days + tail), days=days, tail_days=tail)
    content, suffix = (write_depresjon_csv(lived), "csv") if number % 4 == 3 else (write_awd(lived), "awd")
    upload = sealed_upload(content, f"SYNTHETIC_{number + 1:02d}.{suffix}")
    ingest_recording(patient=patient, upload=upload, by=None, device_type="actiwatch")


def _withdraw(patient: Patient) -> None:
    if allows(patient, *TREATING):
        purpose, stream = TREATING
        record_consent(
            patient=patient, purpose=purpose, stream=stream, given=False, how=Consent.How.SPOKEN, by=None,
            remark="Synthetic: does not want the watch any more.",
        )  # fmt: skip
