"""A yes about self-harm in answers that are refused: they are not kept, and somebody is told all the same.

A refusal rolls its transaction back, so the alert is raised in one of its own, after that and before the answer leaves.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import uuid4

from django.db import transaction

from novamind.accounts.models import User
from novamind.audit.recording import aggregates, on_rollback
from patients.alerts import raise_alert
from patients.instruments import Instrument, UnknownInstrument, instrument
from patients.models import Alert, AlertKind, AlertSeverity, Patient, SymptomType

NOTE: Final = "The answers were refused and are not in the chart; one that could be read spoke of self-harm."


def endorses(asked: Instrument, answers: Mapping[str, Any]) -> bool:
    """Whether a safety item can be read, and is a yes; whatever else is wrong."""
    for rule in asked.safety:
        place, choices = _whole(answers.get(rule.item)), asked.item(rule.item).choices
        if place is not None and place < len(choices) and choices[place].score >= rule.at_least:
            return True
    return False


def reports_harm(said: Mapping[str, Any]) -> bool:
    """The same of a reported symptom."""
    return said.get("type") == SymptomType.SELF_HARM and bool(_whole(said.get("severity")))


def speaks_of_harm(body: Any) -> bool:
    """The same of what was sent to the API, of whatever form."""
    if not isinstance(body, Mapping):
        return False
    answers, name = body.get("answers"), body.get("instrument")
    if not isinstance(answers, Mapping) or not isinstance(name, str):
        return reports_harm(body)
    try:
        return endorses(instrument(name), answers)
    except UnknownInstrument:
        return False


def alert_all_the_same(patient: Patient, *, by: User, by_patient: bool) -> None:
    """Raise the alert when this request's transaction has been rolled back; one that waits already is enough."""

    def raise_it() -> None:
        key = f"refused:{patient.pk}:"
        with transaction.atomic():
            with aggregates():
                waits = Alert.objects.unacknowledged().filter(patient=patient, key__startswith=key).exists()
            if not waits:
                raise_alert(
                    patient=patient, kind=AlertKind.SELF_HARM, severity=AlertSeverity.HIGH, key=f"{key}{uuid4()}",
                    owner=None if by_patient else by, note=NOTE,
                )  # fmt: skip

    on_rollback(raise_it)


def _whole(value: Any) -> int | None:
    """A whole number from 0 on, also where it came as digits."""
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= 3:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
