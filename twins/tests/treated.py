"""A patient with a course, totals around its start, and consent for models: for the tests of treatment models."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from novamind import clock
from patients.consent import record_consent
from patients.models import Assessment, Medication, Patient
from patients.treatment.services import today
from twins.science.treatment import TreatmentModel, model_bytes

PEOPLE = 240
STREAMS = ("medication", "questionnaires", "actigraphy", "genotype", "notes")


def allow(patient: Patient, *streams: str, given: bool = True) -> None:
    """What models may use of this patient."""
    for stream in streams or STREAMS:
        record_consent(patient=patient, purpose="models", stream=stream, given=given, how="written", by=None)


def day_of(patient: Patient, back: int) -> date:
    """So many days before today, where the patient is."""
    return today(patient) - timedelta(days=back)


def begin(patient: Patient, back: int, *, drug: str = "sertraline", **more: Any) -> Medication:
    """A course that began so many days ago."""
    about = {"started_on": day_of(patient, back), "started_precision": "day"}
    return Medication.objects.create(patient=patient, drug=drug, **(about | more))


def fill_in(patient: Patient, back: int, places: list[int], *, instrument: str = "phq9") -> Assessment:
    """A questionnaire of so many days ago, its answers by their place as printed."""
    at = clock.midnight(day_of(patient, back), patient.tz) + timedelta(hours=9)
    answers = {str(item): place for item, place in enumerate(places, 1)}
    return Assessment.objects.create(
        patient=patient, at=at, by_patient=True, instrument=instrument, instrument_version="1", answers=answers,
        score=sum(places), result={}, code_version="test",
    )  # fmt: skip


def of_a_clinic(model: TreatmentModel) -> TreatmentModel:
    """The same trees with the card of a clinic's own training."""
    data = model.card["data"] | {"simulated": False, "who": "patients of this clinic who allow models"}
    return replace(model, card=model.card | {"data": data})


def write(model: TreatmentModel, folder: Path) -> Path:
    """The model as a file."""
    path = folder / f"{model.target}.xgb"
    path.write_bytes(model_bytes(model))
    return path
