"""What every page of one patient has: the access check, the banner, the tabs."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest

from novamind import clock, frame
from novamind.audit.recording import aggregates
from patients.access import is_in_care_of, patient_for
from patients.consent import UNRESTRICTED, in_short
from patients.emergency import running_emergency
from patients.models import Alert, CareTeam, Patient


def patient_page(
    request: HttpRequest, patient_id: UUID, active_tab: str, *, changing: bool = False
) -> tuple[Patient, dict[str, Any]]:
    """The patient, if visible to this user (else 404), and the context of ``patients/patient_base.html``.

    ``changing``: the page writes about the patient, which emergency access does not (403).
    """
    patient = patient_for(request.user, patient_id, changing=changing)
    in_care = changing or is_in_care_of(request.user, patient.pk)
    context = {
        "patient": patient,
        "banner": banner(patient),
        "emergency": None if in_care else running_emergency(request.user, patient),
        "may_change": in_care,
        "tabs": frame.patient_tabs(patient.pk, request.user, in_care=in_care),
        "active_tab": active_tab,
    }
    return patient, context


def banner(patient: Patient) -> dict[str, Any]:
    """What is always on sight: who this is, who cares, how fresh the data are."""
    consent = in_short(patient)
    last_signal = frame.last_signals([patient.pk]).get(patient.pk)
    with aggregates():
        open_alerts = Alert.objects.filter(patient=patient).unresolved().count()
        teams = list(CareTeam.objects.filter(assignments__patient=patient).values_list("name", flat=True))
    return {
        "name": patient.name,
        "age": patient.age,
        "pronouns": patient.pronouns,
        "mrn": patient.mrn,
        "teams": teams,
        "open_alerts": open_alerts,
        "zone": patient.zone,
        "last_signal": last_signal,
        "freshness": freshness(last_signal) if last_signal or consent == UNRESTRICTED else "no signals shown",
        "consent": consent,
    }


def freshness(last_signal: Any) -> str:
    """How long ago the last signal was measured, in words."""
    if last_signal is None:
        return "no signals yet"
    hours = (clock.now() - last_signal).total_seconds() / 3600
    if hours < 1:
        return "within the hour"
    if hours < 48:
        return f"{hours:.0f} h ago"
    if hours < 24 * 365:
        return f"{hours / 24:.0f} days ago"
    return f"{hours / 24 / 365.25:.1f} years ago"
