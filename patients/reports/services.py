"""What patients say of themselves, taken in: checked, scored, kept once, announced; and whoever must know is told.

Everything about one report (row, score, alert, event, reminder) is one transaction: all of it is kept, or none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Generic, TypeVar
from uuid import UUID

from django.conf import settings
from django.db import transaction

from novamind import clock
from novamind.accounts.models import User
from novamind.accounts.rights import Refused
from novamind.audit.models import EventType
from novamind.audit.recording import aggregates, note_object
from novamind.jobs.services import publish
from novamind.measures import Abstained
from patients.consent import require
from patients.instruments import Score, instrument, score
from patients.models import (
    Alert,
    Assessment,
    CheckIn,
    ConsentPurpose,
    ConsentStream,
    Patient,
    SymptomReport,
)
from patients.reports import safety
from patients.schedules import record_done
from patients.services import StaleEdit
from patients.telling import Told, told

CHECK_IN: Final = "check-in"  # as a schedule names it
#: A phone without a network sends late; and its clock may be ahead by this much.
LATEST, AHEAD = timedelta(days=7), timedelta(minutes=5)
R = TypeVar("R", Assessment, CheckIn, SymptomReport)


class KeyReused(Exception):
    """The key was sent before, with something else."""


class WrongMoment(ValueError):
    """When it was so lies in the future, before the patient's birth, or longer ago than a phone may send late."""


class NothingSaid(ValueError):
    """A questionnaire or a check-in without a single answer: it would count as done."""


class NotEditable(Refused):
    """403: somebody else's, or older than an hour."""

    def __init__(self) -> None:
        super().__init__("not_editable", "Only whoever sent it can correct it, within an hour.")


class ScoresOnly(Refused):
    """403: the wording needs a licence and is not here."""

    def __init__(self) -> None:
        super().__init__("scores_only", "A clinician enters the points of this questionnaire from its printed form.")


@dataclass(frozen=True, slots=True)
class Taken(Generic[R]):
    """What was kept; ``created`` is false where it had been sent before. ``alert``: what it has raised, if anything."""

    report: R
    created: bool
    alert: Alert | None = None

    @property
    def alerted(self) -> bool:
        """Whether a clinician is being told: the alert waits, and messages about it leave for clinicians."""
        return self.alert is not None and self.alert.is_waiting and told(self.alert) == Told.CLINICIANS


def submit_assessment(
    *,
    patient: Patient,
    by: User | None,
    by_patient: bool,
    instrument_id: str,
    answers: Mapping[str, Any],
    key: str | None = None,
    version: str | None = None,
    at: datetime | None = None,
    locale: str = "en",
) -> Taken[Assessment]:
    """Take in a filled-in questionnaire, score it, and alert where the answers say so.

    Raises
    ------
    UnknownInstrument, WrongVersion, NothingSaid, WrongAnswers, WrongMoment
        Nothing was kept.
    ScoresOnly, ConsentWithheld
        Refused.
    KeyReused
        The key was sent before with other answers.
    """
    require(patient, ConsentPurpose.TREATMENT, ConsentStream.QUESTIONNAIRES)
    found = instrument(instrument_id, version)
    if found.scoring_only and by_patient:
        raise ScoresOnly
    kept_answers = {item: place for item, place in answers.items() if place is not None}
    if not kept_answers:
        raise NothingSaid("nothing is answered yet")
    scored = score(found, answers, sex=patient.sex)
    assessment = Assessment(
        patient=patient,
        key=key,
        at=_moment(patient, at, by, by_patient),
        recorded_by=by,
        by_patient=by_patient,
        instrument=found.id,
        instrument_version=found.version,
        locale=locale,
        answers=kept_answers,
        score=scored.total if isinstance(scored.total, int) else None,
        result=as_json(scored),
        code_version=settings.VERSION,
    )

    def announce(kept: Assessment) -> Alert | None:
        alert = safety.alert_about_assessment(kept, scored.safety, by=by)
        publish("assessment.completed", actor=by.pk if by else None, assessment_id=kept.pk, patient_id=patient.pk)
        record_done(patient=patient, what=found.id, at=kept.at)
        return alert

    def same(kept: Assessment) -> bool:
        return (kept.instrument, kept.answers) == (found.id, kept_answers)

    return _take(assessment, same, announce)


def submit_check_in(
    *, patient: Patient, by: User | None, by_patient: bool, said: Mapping[str, Any], key: str | None = None,
    at: datetime | None = None,
) -> Taken[CheckIn]:  # fmt: skip
    """Take in a daily check-in: any of :attr:`CheckIn.SCALES`, and a note. ``NothingSaid`` without any."""
    require(patient, ConsentPurpose.TREATMENT, ConsentStream.QUESTIONNAIRES)
    moment = _moment(patient, at, by, by_patient)
    check_in = CheckIn(
        patient=patient, key=key, at=moment, recorded_by=by, by_patient=by_patient,
        day=moment.astimezone(patient.tz).date(), **_said_of_check_in(said),
    )  # fmt: skip
    same = _says(check_in, (*CheckIn.SCALES, "note"))
    return _take(check_in, same, lambda kept: _announce(kept, by))


def submit_symptom(
    *, patient: Patient, by: User | None, by_patient: bool, said: Mapping[str, Any], key: str | None = None,
    at: datetime | None = None,
) -> Taken[SymptomReport]:  # fmt: skip
    """Take in one symptom: type, severity, and what was said of it; thoughts of self-harm alert."""
    require(patient, ConsentPurpose.TREATMENT, ConsentStream.QUESTIONNAIRES)
    moment = _moment(patient, at, by, by_patient)
    report = SymptomReport(
        patient=patient, key=key, at=moment, recorded_by=by, by_patient=by_patient, **_texts(said)
    )  # fmt: skip
    same = _says(report, ("type", "severity", "context", "triggers", "notes"))
    return _take(report, same, lambda kept: _announce(kept, by))


def correct(report: R, *, by: User, version: int, said: Mapping[str, Any]) -> Taken[R]:
    """Replace a check-in or symptom by what its sender says now; the earlier row stays.

    Raises
    ------
    NotEditable
        Another's, or older than an hour.
    StaleEdit
        Corrected meanwhile.
    """
    require(report.patient, ConsentPurpose.TREATMENT, ConsentStream.QUESTIONNAIRES)
    if not report.is_editable_by(by):
        raise NotEditable
    clean = _said_of_check_in(said) if isinstance(report, CheckIn) else _texts(said)
    kept_fields = {"day": report.day} if isinstance(report, CheckIn) else {}
    moment = clock.now()
    with transaction.atomic():
        with aggregates():
            standing = type(report).objects.filter(pk=report.pk, version=version, replaced_at__isnull=True)
            if not standing.update(replaced_at=moment):
                raise StaleEdit
        newer = type(report)(
            patient=report.patient, at=report.at, recorded_by=by, by_patient=report.by_patient, thread=report.thread,
            begun_at=report.begun_at, version=version + 1, **kept_fields, **clean,
        )  # fmt: skip
        newer.save(force_insert=True)
        alert = _announce(newer, by)
    note_object(EventType.MODIFICATION, newer._meta.label, newer.pk)
    return Taken(newer, created=True, alert=alert)


def as_json(scored: Score) -> dict[str, Any]:
    """A score as it is stored and as the API gives it."""
    told = asdict(scored) | {"safety": asdict(scored.safety)}
    told["total"] = scored.total.as_json() if isinstance(scored.total, Abstained) else scored.total
    told["safety"]["state"] = str(scored.safety.state)
    return told


def _take(report: R, same: Callable[[R], bool], announce: Callable[[R], Alert | None]) -> Taken[R]:
    """Keep the report once for each key; the first of two at once decides, and the second is told what it kept."""
    model = type(report)
    with transaction.atomic():
        if report.key is not None:
            model.objects.bulk_create([report], ignore_conflicts=True)
            kept = model.objects.select_related("patient").get(patient=report.patient_id, key=report.key)
        else:
            report.save(force_insert=True)
            kept = report
        if kept.pk != report.pk:
            if not same(kept):
                raise KeyReused
            return Taken(kept, created=False, alert=alert_of(kept))
        alert = announce(kept)
    note_object(EventType.CREATION, kept._meta.label, kept.pk)
    return Taken(kept, created=True, alert=alert)


def _announce(kept: CheckIn | SymptomReport, by: User | None) -> Alert | None:
    actor = by.pk if by else None
    if isinstance(kept, CheckIn):
        publish("symptom.recorded", actor=actor, check_in_id=kept.pk, patient_id=kept.patient_id)
        record_done(patient=kept.patient, what=CHECK_IN, at=kept.at)
        return None
    alert = safety.alert_about_symptom(kept, by=by)
    publish("symptom.recorded", actor=actor, symptom_id=kept.pk, patient_id=kept.patient_id)
    return alert


def alert_of(kept: Assessment | CheckIn | SymptomReport) -> Alert | None:
    """The alert that this report has raised, if any."""
    about: UUID = kept.pk
    return Alert.objects.filter(patient=kept.patient_id, about_id=about).first()


def _says(report: R, names: tuple[str, ...]) -> Callable[[R], bool]:
    said = [getattr(report, name) for name in names]
    return lambda kept: [getattr(kept, name) for name in names] == said


def _moment(patient: Patient, at: datetime | None, by: User | None, by_patient: bool) -> datetime:
    """When it was so. A clinician may enter a printed form of long ago, from the day of birth on; a phone sends at most
    a week late."""
    moment = clock.now()
    if at is None:
        return moment
    if at > moment + AHEAD:
        raise WrongMoment("this moment is still to come")
    if by_patient and by is not None and at < moment - LATEST:
        raise WrongMoment("this was more than seven days ago")
    if at < clock.midnight(patient.date_of_birth, patient.tz):
        raise WrongMoment("this was before the patient was born")
    return min(at, moment)


def _said_of_check_in(said: Mapping[str, Any]) -> dict[str, Any]:
    clean = {name: said.get(name) for name in CheckIn.SCALES} | {"note": said.get("note") or None}
    if all(value is None for value in clean.values()):
        raise NothingSaid("answer at least one of them, or write a note")
    return clean


def _texts(said: Mapping[str, Any]) -> dict[str, Any]:
    texts = {name: said.get(name) or None for name in ("context", "triggers", "notes")}
    return {"type": said["type"], "severity": said["severity"]} | texts
