"""What must happen when an answer speaks of self-harm: a rule, in the transaction of the answer, before any model."""

from __future__ import annotations

from typing import Final

from novamind.accounts.models import User
from novamind.audit.recording import aggregates
from patients.alerts import raise_alert
from patients.instruments import Safety, SafetyState
from patients.models import (
    Alert,
    AlertKind,
    AlertSeverity,
    Assessment,
    Patient,
    SymptomReport,
    SymptomType,
)

#: What a page says of the safety items. No answer is ever said to mean that there is no risk: of inpatients at risk,
#: 62.9 % did not endorse item 9 of the PHQ-9 (PMC8258235).
WORDS: Final = {
    SafetyState.FLAGGED: "An answer about self-harm or suicide was yes",
    SafetyState.NOT_ENDORSED: "Self-harm was asked about and not endorsed, which does not mean that there is no risk",
    SafetyState.UNANSWERED: "The question about self-harm was left unanswered: that is no answer, and not a no",
    SafetyState.NOT_ASKED: "Self-harm is not asked about in this questionnaire",
}


def alert_about_assessment(assessment: Assessment, safety: Safety, *, by: User | None) -> Alert | None:
    """An alert where a safety item was endorsed; the clinician who entered it owns it, else who is on call."""
    if safety.state != SafetyState.FLAGGED:
        return None
    return _alert(assessment.patient, assessment, f"assessment:{assessment.pk}", by)


def alert_about_symptom(report: SymptomReport, *, by: User | None) -> Alert | None:
    """The same where somebody reports thoughts of harming themselves.

    A correction alerts anew where it is worse than what it replaces, or where nobody is still to look at the first
    alert; else the alert that waits is about what was said last.
    """
    key = f"symptom:{report.thread}"
    with aggregates():
        standing = Alert.objects.unacknowledged().filter(patient=report.patient_id, key__startswith=key).first()
        before = SymptomReport.objects.filter(thread=report.thread, version__lt=report.version).order_by("-version")
        was = next((_harm(row) for row in before[:1]), 0)
    if standing is not None and _harm(report) <= was:
        Alert.objects.filter(pk=standing.pk).update(about_id=report.pk)
        standing.about_id = report.pk
        return standing
    if not _harm(report):
        return None
    return _alert(report.patient, report, f"{key}:{report.version}", by)


def _harm(report: SymptomReport) -> int:
    """How bad the thoughts of harming oneself are, as reported; 0 for any other symptom."""
    return report.severity if report.type == SymptomType.SELF_HARM else 0


def _alert(patient: Patient, about: Assessment | SymptomReport, key: str, by: User | None) -> Alert:
    owner = None if about.by_patient else by
    return raise_alert(
        patient=patient, kind=AlertKind.SELF_HARM, severity=AlertSeverity.HIGH, key=key, owner=owner, about=about
    )
