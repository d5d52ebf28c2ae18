"""Alerts where a rule says to avoid a drug that is taken: one for each finding, done when it is no longer so."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from patients.alerts import raise_alert, resolve
from patients.models import Alert, AlertEvent, AlertKind, AlertSeverity, Medication, Patient
from patients.treatment.services import today
from twins.medication.context import Known, known_of
from twins.medication.entering import age_of, said_of_drug
from twins.medication.own_rules import SPEAKS_AGAINST, rules_of

#: No word of genes: an alert's history may be read where they are withheld.
NOT_CONFIRMED: Final = (
    "Not confirmed: it holds if the drugs taken change an enzyme as much as assumed here. Without that the guideline "
    "may say otherwise; the page Genes shows both."
)


@dataclass(frozen=True, slots=True)
class Finding:
    """A course that is given, and what says to avoid its drug; ``note``: how sure that is, where it is not."""

    course: Medication
    what: str
    note: str = ""

    @property
    def key(self) -> str:
        """The same finding of the same course has one key, whatever else is in the chart."""
        return f"medication:{self.course.pk}:{hashlib.sha256(self.what.encode()).hexdigest()[:16]}"


def watch(patient: Patient) -> None:
    """Raise what is new and end what is no longer so, in the caller's transaction.

    Only of what any clinician of the patient may read: a labelled course (42 CFR Part 2) and what it does is told to
    its prescriber when it is entered, never by an alert.
    """
    known = known_of(patient, None)
    found = {one.key: one for one in findings(patient, known)}
    alerts = list(Alert.objects.filter(patient=patient, kind=AlertKind.MEDICATION).order_by("raised_at"))
    for alert in alerts:
        if alert.state != Alert.State.RESOLVED and _finding_of(alert) not in found:
            resolve(alert, by=None, version=alert.version, note="No rule says so any more.")
    for key, one in found.items():
        before = [alert for alert in alerts if _finding_of(alert) == key]
        if before and (before[-1].state != Alert.State.RESOLVED or _was_answered(before[-1])):
            continue
        again = f":{len(before)}" if before else ""
        raise_alert(
            patient=patient, kind=AlertKind.MEDICATION, severity=AlertSeverity.MEDIUM, key=f"{key}{again}",
            owner=one.course.recorded_by, about=one.course, note=one.note,
        )  # fmt: skip


def findings(patient: Patient, known: Known) -> Iterator[Finding]:
    """Of each course that is given now, each thing that says to avoid its drug."""
    on, years, own = today(patient), age_of(patient), rules_of(patient, None, known)
    for course in known.courses or ():
        if course.coded is None or course.state_on(on) != "current":
            continue
        for one in said_of_drug(known, course.drug, years):
            if one.action == "avoid":
                note = "" if one.confirmed else NOT_CONFIRMED
                yield Finding(course, f"{one.source} {one.basis} {one.of} {one.text}", note)
        for found in own.get(course.drug, ()):
            if found.rule.severity in SPEAKS_AGAINST:
                yield Finding(course, f"own rule {found.rule.rule}")


def _finding_of(alert: Alert) -> str:
    return ":".join(alert.key.split(":")[:3])


def _was_answered(alert: Alert) -> bool:
    """Whether a person was done with it, who is not asked again."""
    done = AlertEvent.objects.filter(alert=alert, what=AlertEvent.What.RESOLVED).order_by("at").last()
    return done is not None and done.by_id is not None
