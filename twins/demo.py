"""Twins of some of the synthetic patients, who allow it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from novamind.accounts.models import User
from novamind.audit.models import EventType
from novamind.audit.recording import aggregates, recorded, write_event
from patients.consent import record_consent
from patients.demo import mrn_of
from patients.models import Consent, ConsentPurpose, ConsentStream, Patient
from twins.models import Twin
from twins.services import create_twin

WHO: Final = (0, 2, 4)  # by place in the list of patients: those who check in daily
STREAMS: Final = (ConsentStream.ACTIGRAPHY, ConsentStream.HEART, ConsentStream.QUESTIONNAIRES)
MAKES: Final = "ada.north@demo.novamind.test"


def seed(say: Callable[[str], None]) -> None:
    """Consents and twins, once; the worker fills them."""
    by = User.objects.get(email=MAKES)
    with recorded(actor_label="system:demo", request_id="demo") as ledger:
        for number in WHO:
            patient = Patient.objects.get(mrn_index=mrn_of(number))
            with aggregates():
                known = Twin.objects.filter(patient=patient).exists()
            if not known:
                _allow(patient)
                create_twin(patient=patient, by=by)
        write_event(ledger, event_type=EventType.CREATION, action="demo")
    say(f"Digital twins of {len(WHO)} patients.")


def _allow(patient: Patient) -> None:
    for stream in STREAMS:
        with aggregates():
            known = Consent.objects.filter(patient=patient, purpose=ConsentPurpose.MODELS, stream=stream).exists()
        if not known:
            record_consent(
                patient=patient, purpose=ConsentPurpose.MODELS, stream=stream, given=True,
                how=Consent.How.SPOKEN, by=None,
            )  # fmt: skip
