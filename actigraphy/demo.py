"""Wrist recordings of the synthetic clinic: simulated, written as device files, uploaded by the same road as any."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import numpy as np

from actigraphy.catalogue import TYPES
from actigraphy.pat.shipped import install_shipped
from actigraphy.services import TREATING, ingest_recording
from actigraphy.streams.sent import read_batch
from actigraphy.streams.storing import store_batch
from novamind import clock
from novamind.accounts.models import User
from novamind.audit.models import EventType
from novamind.audit.recording import aggregates, recorded, write_event
from novamind.phi.uploads import sealed_upload
from novamind.simulator import SimulatedPatient, simulate, write_awd, write_depresjon_csv
from patients.consent import allows, record_consent
from patients.demo import PATIENTS, mrn_of, persona_of
from patients.devices import DeviceKind, devices_of, enrol
from patients.models import Consent, Patient

WEEKS = 9
PROMOTES = "admin@demo.novamind.test"
WHY = "Synthetic: so that the demo's weeks are read. Trained on simulated people, for simulated patients only."

ONLY_DAYS = {8: 4}  # too short for a rhythm: every number abstains with its reason
TAIL_DAYS = {10: 6}  # the watch ran on in a drawer
NO_RECORDING = {13}
STREAMS = {0, 2, 4}  # whose watch and phone also send heart rate and steps
STREAMED_DAYS = 28
BATTERY_EMPTY = {2: 9}  # days ago
SILENT_DAYS = {4: 4}
WITHDREW = 9  # after the upload: the job abstains, the page says so


def seed(say: Callable[[str], None]) -> None:
    """Install the shipped models and upload a recording for every patient but one; the worker analyzes them."""
    today = clock.now().astimezone(clock.zone("Europe/Oslo")).date()
    with recorded(actor_label="system:demo", request_id="demo") as ledger:
        for version in install_shipped(by=User.objects.get(email=PROMOTES), reason=WHY):
            say(f"{version.name}: {version.training_data}.")
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
    lived = simulate(persona_of(number), start=today - timedelta(days=days + tail), days=days, tail_days=tail)
    content, suffix = (write_depresjon_csv(lived), "csv") if number % 4 == 3 else (write_awd(lived), "awd")
    upload = sealed_upload(content, f"SYNTHETIC_{number + 1:02d}.{suffix}")
    ingest_recording(patient=patient, upload=upload, by=None, device_type="actiwatch")
    if number in STREAMS:
        _stream(number, lived)


def _stream(number: int, lived: SimulatedPatient) -> None:
    """Four weeks of heart rate and steps from a watch, and of steps from a phone that is not always carried."""
    patient = Patient.objects.get(mrn_index=mrn_of(number))
    enrol(patient=patient, kind=DeviceKind.WEARABLE)
    user = devices_of(patient)[0]["user"]
    silent, empty = SILENT_DAYS.get(number, 0), BATTERY_EMPTY.get(number)
    days = lived.utc_s // clock.DAY_S
    for back in range(STREAMED_DAYS, silent, -1):
        today = days == days[-1] - back
        start = clock.from_epoch(int(lived.utc_s[today][0])).isoformat()
        beats = lived.heart_bpm[today] if back != empty else np.full(int(today.sum()), np.nan)
        carried = np.where(np.arange(int(today.sum())) % 600 < 400, np.round(0.9 * lived.steps[today]), np.nan)
        lines = [
            _column(patient, "watch", "heart_rate", start, beats),
            _column(patient, "watch", "steps", start, lived.steps[today]),
            _column(patient, "phone", "steps", start, carried),
        ]
        if back == empty:
            lines.append({
                "patient_id": str(patient.pk), "data_type": "device_status", "source": "watch",
                "source_device_id": f"SYNTHETIC-watch-{patient.pk}", "timestamp": start,
                "data": {"state": "battery_empty"},
            })  # fmt: skip
        store_batch(patient=patient, batch=read_batch(lines), by=user)


def _column(patient: Patient, source: str, kind: str, start: str, values: Any) -> dict[str, Any]:
    low, high = (TYPES[kind].keys[0].low, TYPES[kind].keys[0].high)
    sent = [None if value != value else min(max(round(value), low), high) for value in values.tolist()]
    return {
        "patient_id": str(patient.pk), "data_type": kind, "source": source,
        "source_device_id": f"SYNTHETIC-{source}-{patient.pk}", "start": start, "epoch_s": 60, "values": sent,
    }  # fmt: skip


def _withdraw(patient: Patient) -> None:
    if allows(patient, *TREATING):
        purpose, stream = TREATING
        record_consent(
            patient=patient, purpose=purpose, stream=stream, given=False, how=Consent.How.SPOKEN, by=None,
            remark="Synthetic: does not want the watch any more.",
        )  # fmt: skip
