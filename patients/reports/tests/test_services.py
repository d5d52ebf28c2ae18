"""What patients say of themselves is checked, scored, kept once, announced; and whoever must know is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from novamind import clock
from novamind.accounts.rights import Refused
from novamind.delivery.models import Delivery
from novamind.jobs.kinds import SUBSCRIPTIONS, Subscription
from novamind.jobs.models import Job
from patients.alerts import acknowledge, resolve
from patients.consent import ConsentWithheld, record_consent
from patients.instruments import UnknownInstrument, WrongAnswers, WrongVersion
from patients.models import Alert, Assessment, CheckIn, Consent, SymptomReport
from patients.reports import services
from patients.reports.services import (
    KeyReused,
    NothingSaid,
    ScoresOnly,
    WrongMoment,
    correct,
    submit_assessment,
    submit_check_in,
    submit_symptom,
)
from patients.services import StaleEdit, link_own_account

CALM = {str(n): 0 for n in range(1, 10)}
SCALES = {"mood": 3, "anxiety": 7, "sleep_quality": None, "energy": 5, "irritability": 2, "note": "Tired."}
PANIC = {"type": "panic", "severity": 8, "context": "On the tram", "triggers": "", "notes": None}


@pytest.fixture
def own(make_user: Any, patient: Any) -> Any:
    user = make_user("self@clinic.test", "patient")
    link_own_account(patient=patient, user=user)
    return user


def fill_in(patient: Any, by: Any, answers: dict[str, Any] = CALM, **more: Any) -> Any:
    asked = {"instrument_id": "phq9", "by_patient": True} | more
    return submit_assessment(patient=patient, by=by, answers=answers, **asked)


def test_a_questionnaire_is_scored_at_once_and_its_answers_are_ciphertext(patient, own):
    taken = fill_in(patient, own, CALM | {"1": 3, "2": 2})
    kept = Assessment.objects.get(pk=taken.report.pk)
    assert (kept.score, kept.result["band"], kept.answers["2"], kept.by_patient) == (5, "mild", 2, True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT answers, result FROM patients_assessment")
        assert all(b"band" not in bytes(column) and b'"2"' not in bytes(column) for column in cursor.fetchone())


def test_a_score_that_is_not_there_is_null_with_its_reason(patient, own):
    kept = fill_in(patient, own, {"1": 3}).report
    assert kept.score is None
    assert kept.result["total"]["abstained"] == "items_missing"


def test_the_same_key_twice_is_one_report_and_one_alert(patient, own, psychiatrist):
    first = fill_in(patient, own, CALM | {"9": 1}, key="k")
    second = fill_in(patient, own, CALM | {"9": 1, "1": None} | {"1": 0}, key="k")
    assert (first.created, second.created) == (True, False)
    assert first.report.pk == second.report.pk
    assert second.alert == first.alert is not None
    assert (Assessment.objects.count(), Alert.objects.count()) == (1, 1)


def test_a_key_belongs_to_its_body_and_to_its_patient(patient, own, make_patient, team):
    fill_in(patient, own, key="k")
    with pytest.raises(KeyReused):
        fill_in(patient, own, CALM | {"1": 1}, key="k")
    assert fill_in(make_patient(team), None, CALM | {"1": 1}, key="k").created


@pytest.mark.parametrize(
    ("more", "error"),
    [({"instrument_id": "none"}, UnknownInstrument), ({"version": "2"}, WrongVersion),
     ({"instrument_id": "isi"}, ScoresOnly), ({"at": timedelta(minutes=6)}, WrongMoment),
     ({"at": timedelta(days=-8)}, WrongMoment)],
)  # fmt: skip
def test_what_cannot_be_taken_is_refused_and_nothing_is_kept(patient, own, more, error):
    if isinstance(more.get("at"), timedelta):
        more = {"at": clock.now() + more["at"]}
    with pytest.raises(error):
        fill_in(patient, own, **more)
    with pytest.raises(WrongAnswers):
        fill_in(patient, own, {"9": 4})
    assert not Assessment.objects.exists()


def test_what_was_before_the_birth_is_refused_and_the_day_itself_is_taken(patient, psychiatrist):
    born = clock.midnight(patient.date_of_birth, patient.tz)
    common: dict[str, Any] = {"patient": patient, "by": psychiatrist, "by_patient": False}
    for at in (born - timedelta(microseconds=1), datetime.min.replace(tzinfo=UTC)):
        for submit in (
            lambda at=at: fill_in(patient, psychiatrist, by_patient=False, at=at),
            lambda at=at: submit_check_in(said=SCALES, at=at, **common),
            lambda at=at: submit_symptom(said=PANIC, at=at, **common),
        ):
            with pytest.raises(WrongMoment, match="before the patient was born"):
                submit()
    assert not any(model.objects.exists() for model in (Assessment, CheckIn, SymptomReport))
    assert fill_in(patient, psychiatrist, by_patient=False, at=born).report.at == born


def test_a_clinician_enters_the_points_of_a_licensed_form(patient, psychiatrist):
    points = {str(n): 2 for n in range(1, 8)}
    taken = fill_in(patient, psychiatrist, points, instrument_id="isi", by_patient=False)
    assert (taken.report.score, taken.report.result["band"]) == (14, "subthreshold")


def test_without_consent_nothing_is_taken(patient, own):
    record_consent(
        patient=patient, purpose="treatment", stream="questionnaires", given=False, how=Consent.How.SPOKEN, by=None
    )
    for send in (
        lambda: fill_in(patient, own),
        lambda: submit_check_in(patient=patient, by=own, by_patient=True, said=SCALES),
        lambda: submit_symptom(patient=patient, by=own, by_patient=True, said=PANIC),
    ):
        with pytest.raises(ConsentWithheld):
            send()


@pytest.fixture
def listeners(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What is published of reports, by way of a job that takes anything."""
    heard: list[dict[str, Any]] = []
    monkeypatch.setattr(services, "publish", lambda event, **ids: heard.append({"event": event} | ids))
    return heard


def test_reports_are_announced(patient, own, listeners):
    taken = fill_in(patient, own)
    check_in = submit_check_in(patient=patient, by=own, by_patient=True, said=SCALES)
    symptom = submit_symptom(patient=patient, by=own, by_patient=True, said=PANIC)
    assert listeners == [
        {"event": "assessment.completed", "actor": own.pk, "assessment_id": taken.report.pk, "patient_id": patient.pk},
        {"event": "symptom.recorded", "actor": own.pk, "check_in_id": check_in.report.pk, "patient_id": patient.pk},
        {"event": "symptom.recorded", "actor": own.pk, "symptom_id": symptom.report.pk, "patient_id": patient.pk},
    ]


def test_an_event_is_a_job_in_the_same_transaction(patient, own, monkeypatch):
    heard = Subscription("assessment.completed", "patients.phi_audit", None)
    monkeypatch.setitem(SUBSCRIPTIONS, "assessment.completed", [heard])
    fill_in(patient, own)
    assert Job.objects.filter(kind="patients.phi_audit").count() == 1


def test_a_check_in_bears_the_local_day_and_leaves_out_what_was_not_said(patient, own, monkeypatch):
    patient.zone = "Pacific/Auckland"
    late = clock.now().replace(hour=20, minute=0)
    monkeypatch.setattr(clock, "now", lambda: late)
    kept = submit_check_in(patient=patient, by=own, by_patient=True, said=SCALES).report
    assert kept.day == (late + timedelta(days=1)).date()
    assert (kept.mood, kept.sleep_quality, kept.note) == (3, None, "Tired.")
    with pytest.raises(NothingSaid):
        submit_check_in(patient=patient, by=own, by_patient=True, said={"note": ""})


def test_a_correction_within_the_hour_keeps_what_stood_before(patient, own):
    first = submit_check_in(patient=patient, by=own, by_patient=True, said=SCALES, key="k").report
    newer = correct(first, by=own, version=1, said=SCALES | {"mood": 9}).report
    assert [row.mood for row in CheckIn.objects.current()] == [9]
    assert {(row.version, row.mood) for row in CheckIn.objects.all()} == {(1, 3), (2, 9)}
    assert (newer.thread, newer.day, newer.begun_at) == (first.thread, first.day, first.begun_at)
    first.refresh_from_db()
    with pytest.raises(Refused):
        correct(first, by=own, version=1, said=SCALES)


def test_two_corrections_from_one_version_are_one(patient, own):
    first = submit_symptom(patient=patient, by=own, by_patient=True, said=PANIC).report
    stale = SymptomReport.objects.get(pk=first.pk)
    correct(first, by=own, version=1, said=PANIC | {"severity": 2})
    with pytest.raises(StaleEdit):
        correct(stale, by=own, version=1, said=PANIC | {"severity": 3})


def test_after_an_hour_or_by_somebody_else_nothing_is_corrected(patient, own, psychiatrist, monkeypatch):
    first = submit_symptom(patient=patient, by=own, by_patient=True, said=PANIC).report
    with pytest.raises(Refused):
        correct(first, by=psychiatrist, version=1, said=PANIC)
    later = clock.now() + timedelta(hours=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    with pytest.raises(Refused):
        correct(first, by=own, version=1, said=PANIC)


@pytest.mark.parametrize(
    ("instrument_id", "answers"),
    [("phq9", {"9": 1}), ("phq9", CALM | {"9": 3}), ("epds", {"10": 2}), ("cssrs", {"1": 1}), ("cssrs", {"6": 1}),
     ("cssrs", {"1": 0, "2": 1, "5": 1})],
)  # fmt: skip
def test_an_answer_about_self_harm_alerts_a_clinician(patient, own, psychiatrist, instrument_id, answers):
    alert = fill_in(patient, own, answers, instrument_id=instrument_id).alert
    assert (alert.kind, alert.severity, alert.state) == ("self_harm", "high", "open")
    assert Job.objects.filter(kind="patients.escalate_alert").count() == 1


@pytest.mark.parametrize(
    ("instrument_id", "answers"),
    [("phq9", CALM), ("phq9", {"1": 3}), ("epds", {"10": 3}), ("cssrs", {"1": 0, "2": 0, "6": 0})],
)
def test_no_alert_without_such_an_answer(patient, own, instrument_id, answers):
    assert fill_in(patient, own, answers, instrument_id=instrument_id).alert is None


def test_a_correction_for_the_worse_alerts_again_and_any_other_moves_the_alert_that_waits(patient, own, psychiatrist):
    said = {"type": "self_harm", "severity": 1}
    first = submit_symptom(patient=patient, by=own, by_patient=True, said=said | {"severity": 0})
    assert first.alert is None
    second = correct(first.report, by=own, version=1, said=said)
    third = correct(second.report, by=own, version=2, said=said | {"notes": "Since noon."})
    assert second.alert == third.alert is not None
    assert Alert.objects.get().about_id == third.report.pk
    worse = correct(third.report, by=own, version=3, said=said | {"severity": 6})
    assert worse.alert not in (None, third.alert)
    better = correct(worse.report, by=own, version=4, said=said | {"severity": 0})
    assert (better.alert, better.alerted, Alert.objects.count()) == (worse.alert, True, 2)


def test_a_correction_after_the_alert_was_answered_alerts_anew(patient, own, psychiatrist):
    said = {"type": "self_harm", "severity": 4}
    first = submit_symptom(patient=patient, by=own, by_patient=True, said=said)
    resolve(first.alert, by=psychiatrist, version=1, note="Called.")
    assert not first.alerted
    sent = Delivery.objects.count()
    worse = correct(first.report, by=own, version=1, said=said | {"severity": 10})
    assert (worse.alert.state, worse.alerted, Delivery.objects.count()) == ("open", True, sent + 1)
    acknowledge(worse.alert, by=psychiatrist, version=1)
    less = correct(worse.report, by=own, version=2, said=said | {"severity": 2})
    assert (less.alert.state, Alert.objects.count()) == ("open", 3)
    resolve(less.alert, by=psychiatrist, version=1, note="Called.")
    assert correct(less.report, by=own, version=3, said=said | {"severity": 0}).alert is None


def test_a_clinician_who_enters_it_owns_the_alert(patient, psychiatrist, therapist):
    alert = fill_in(patient, therapist, CALM | {"9": 2}, by_patient=False).alert
    assert alert.owner == therapist


def test_an_alert_that_cannot_be_raised_keeps_no_answer(patient, own, monkeypatch):
    def broken(**_: Any) -> None:
        raise RuntimeError("no alert")

    monkeypatch.setattr("patients.reports.safety.raise_alert", broken)
    with pytest.raises(RuntimeError):
        fill_in(patient, own, CALM | {"9": 1})
    assert not Assessment.objects.exists()
