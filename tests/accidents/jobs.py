"""A job that fails with the patient in its error, and one that asks a model outside about them."""

from __future__ import annotations

import os
from urllib.request import urlopen
from uuid import UUID

from novamind.jobs.finish import Finish
from novamind.jobs.kinds import job
from patients.identifiers import outbound
from patients.models import Patient
from tests.accidents.middleware import quoting

NOTE = (
    "{first} {last} ({mrn}), born {born}, sleeps badly. Reach {first} at {phone} or {email}. "
    "{LAST} was seen again; Mrs. {last} takes lithium."
)


@job("accidents.quote")
def quote(patient_id: UUID) -> None:
    """Fails at every attempt."""
    raise quoting(Patient.objects.get(pk=patient_id))


@job("accidents.outside")
def outside(patient_id: UUID) -> Finish:
    """Sends what the gate lets through to the model that the environment names."""
    patient = Patient.objects.get(pk=patient_id)
    note = NOTE.format(
        first=patient.first_name,
        last=patient.last_name,
        LAST=patient.last_name.upper(),
        mrn=patient.mrn,
        born=patient.date_of_birth,
        phone=patient.phone,
        email=patient.email,
    )
    sent = outbound(note, patient=patient, purpose="summary")
    with urlopen(os.environ["ACCIDENTS_MODEL_URL"], sent.encode(), timeout=60) as answer:
        answer.read()
    return Finish()
