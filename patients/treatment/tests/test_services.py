"""Medication, conditions, genotypes and visits: entered, changed from what was read, kept, announced."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction

from novamind import clock
from novamind.jobs.kinds import SUBSCRIPTIONS, Subscription
from novamind.jobs.models import Job
from novamind.phi.uploads import sealed_upload
from patients.consent import ConsentWithheld, record_consent
from patients.models import (
    Appointment,
    Condition,
    Consent,
    Medication,
    MedicationDose,
    TreatmentChange,
)
from patients.services import StaleEdit
from patients.treatment.diagnosing import change_condition, mark_condition_in_error, record_condition
from patients.treatment.genotyping import enter_genotype, ingest_results
from patients.treatment.pages import medication_line
from patients.treatment.prescribing import (
    Beside,
    change_dose,
    correct_medication,
    mark_medication_in_error,
    prescribe,
    stop_medication,
)
from patients.treatment.services import WrongEntry, today
from patients.treatment.visiting import change_appointment, make_appointment
from patients.vocabularies import Dose, PartialDate

FIFTY, HUNDRED = Dose(Decimal(50), "mg", "daily"), Dose(Decimal(100), "mg", "daily")


def on(text: str) -> PartialDate:
    return PartialDate.parse(text)


def give(patient: Any, by: Any, name: str = "sertraline", started: str = "2026-03-02", **more: Any) -> Medication:
    return prescribe(patient=patient, by=by, name=name, started=on(started), **({"dose": FIFTY} | more))


def withdraw(patient: Any, stream: str) -> None:
    record_consent(patient=patient, purpose="treatment", stream=stream, given=False, how=Consent.How.SPOKEN, by=None)


def test_a_course_is_coded_where_the_catalogue_has_the_drug_and_its_texts_are_ciphertext(patient, psychiatrist):
    coded = give(patient, psychiatrist, "Sertraline", indication="Depression")
    free = give(patient, psychiatrist, "Sertralin 50", prescriber_text="Dr. Elsewhere")
    assert (coded.drug, coded.name, coded.coded.rxnorm) == ("sertraline", "sertraline", "36437")
    assert (free.drug, free.name, free.coded, free.prescriber) == ("", "Sertralin 50", None, None)
    with connection.cursor() as cursor:
        cursor.execute("SELECT drug_text, indication, prescriber_text FROM patients_medication")
        stored = b"".join(bytes(value) for row in cursor.fetchall() for value in row if value is not None)
    assert b"Sertralin" not in stored
    assert b"Depression" not in stored
    assert b"Elsewhere" not in stored


def test_only_what_begins_now_was_prescribed_by_who_writes_it_down(patient, psychiatrist):
    now = today(patient)
    for started, by in (
        (PartialDate(now), psychiatrist), (PartialDate(now + timedelta(days=3)), psychiatrist),
        (PartialDate(now - timedelta(days=1)), None), (PartialDate(date(now.year - 1, 1, 1), "year"), None),
    ):  # fmt: skip
        row = give(patient, psychiatrist, started=str(started), beside=True)
        assert (row.prescriber, medication_line(row, patient)["by"]) == (by, str(by or ""))
    elsewhere = give(patient, psychiatrist, "lithium", started=str(now), prescriber_text="Dr. Elsewhere")
    assert (elsewhere.prescriber, medication_line(elsewhere, patient)["by"]) == (None, "Dr. Elsewhere")


def test_a_course_is_announced_in_its_transaction(patient, psychiatrist, monkeypatch):
    heard = Subscription("medication.prescribed", "patients.phi_audit", None)
    monkeypatch.setitem(SUBSCRIPTIONS, "medication.prescribed", [heard])
    give(patient, psychiatrist)
    assert Job.objects.filter(kind="patients.phi_audit").count() == 1
    with transaction.atomic():
        give(patient, psychiatrist, "lithium")
        transaction.set_rollback(True)
    assert (Job.objects.filter(kind="patients.phi_audit").count(), Medication.objects.count()) == (1, 1)


def test_each_step_of_a_course_is_told(patient, psychiatrist, announced):
    row = give(patient, psychiatrist)
    change_dose(row, version=1, by=psychiatrist, since=on("2026-04-01"), dose=HUNDRED)
    stop_medication(row, version=2, by=psychiatrist, ended=on("2026-06"), reason="side_effects")
    correct_medication(row, version=3, by=psychiatrist, note="Nausea.")
    mark_medication_in_error(row, version=4, by=psychiatrist, why="Another patient's.")
    ids = {"medication_id": row.pk, "patient_id": patient.pk}
    assert announced == [
        ("medication.prescribed", ids), ("medication.changed", ids), ("medication.stopped", ids),
        ("medication.changed", ids), ("medication.changed", ids),
    ]  # fmt: skip
    assert list(TreatmentChange.objects.filter(about_id=row.pk).values_list("what", flat=True)) == [
        "started", "dose", "stopped", "changed", "in_error",
    ]  # fmt: skip


def test_doses_are_steps_and_a_corrected_one_stays(patient, psychiatrist):
    row = give(patient, psychiatrist)
    change_dose(row, version=1, by=psychiatrist, since=on("2026-04-01"), dose=HUNDRED)
    change_dose(row, version=2, by=psychiatrist, since=on("2026-04-01"), dose=Dose(Decimal(75), "mg", "daily"))
    assert [(str(one.since), one.dose.words) for one in row.steps()] == [
        ("2026-03-02", "50 mg once a day"), ("2026-04-01", "75 mg once a day"),
    ]  # fmt: skip
    assert MedicationDose.objects.filter(medication=row, replaced_at__isnull=False).count() == 1
    before = TreatmentChange.objects.filter(about_id=row.pk).last().before
    assert before["doses"][1] == {"since": "2026-04-01", "dose": "100 mg once a day"}


def test_a_dose_of_a_month_does_not_take_the_place_of_one_of_its_first_day(patient, psychiatrist):
    row = give(patient, psychiatrist, started="2026-03-01")
    change_dose(row, version=1, by=psychiatrist, since=on("2026-04"), dose=HUNDRED)
    for since, stands in (("2026-03", "1 Mar 2026"), ("2026-04-01", "Apr 2026")):
        with pytest.raises(WrongEntry, match=f"A dose stands since {stands}"), transaction.atomic():
            change_dose(row, version=2, by=psychiatrist, since=on(since), dose=FIFTY)
        row = Medication.objects.get(pk=row.pk)
    assert [(str(one.since), one.dose) for one in row.steps()] == [("2026-03-01", FIFTY), ("2026-04", HUNDRED)]
    change_dose(row, version=2, by=psychiatrist, since=on("2026-04"), dose=FIFTY)
    assert [str(one.since) for one in row.steps()] == ["2026-03-01", "2026-04"]


def test_a_change_from_an_older_version_is_refused_and_changes_nothing(patient, psychiatrist):
    row = give(patient, psychiatrist)
    other = Medication.objects.get(pk=row.pk)
    change_dose(row, version=1, by=psychiatrist, since=on("2026-04-01"), dose=HUNDRED)
    for write in (
        lambda: change_dose(other, version=1, by=psychiatrist, since=on("2026-05-01"), dose=FIFTY),
        lambda: stop_medication(other, version=1, by=psychiatrist, ended=on("2026-05-01"), reason="cost"),
        lambda: correct_medication(other, version=1, by=psychiatrist, note="x"),
        lambda: mark_medication_in_error(other, version=1, by=psychiatrist, why="x"),
    ):
        with pytest.raises(StaleEdit):
            write()
    assert (Medication.objects.get(pk=row.pk).version, len(row.steps())) == (2, 2)


def test_the_same_drug_twice_at_a_time_is_said_on_purpose_or_refused(patient, psychiatrist):
    first = give(patient, psychiatrist)
    with pytest.raises(Beside) as found:
        give(patient, psychiatrist, started="2026-05-01")
    assert found.value.known == first
    give(patient, psychiatrist, started="2026-05-01", beside=True)
    give(patient, psychiatrist, started="2026-05-01", route="nasal")
    give(patient, psychiatrist, "escitalopram")
    give(patient, psychiatrist, "own mixture")
    with pytest.raises(Beside):
        give(patient, psychiatrist, "Own  Mixture")


def test_one_course_may_follow_another_on_the_same_day(patient, psychiatrist):
    give(patient, psychiatrist, ended=on("2026-05-01"), stop_reason="no_effect")
    give(patient, psychiatrist, started="2026-05-01")
    assert Medication.objects.count() == 2


def test_what_was_entered_in_error_stands_in_nobodys_way(patient, psychiatrist):
    row = give(patient, psychiatrist)
    mark_medication_in_error(row, version=1, by=psychiatrist, why="Another patient's.")
    assert give(patient, psychiatrist).state_on(date(2026, 4, 1)) == "current"
    assert Medication.objects.get(pk=row.pk).state_on(date(2026, 4, 1)) == "error"
    with pytest.raises(StaleEdit):
        correct_medication(row, version=2, by=psychiatrist, note="x")


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"started": "1930"}, "started"),
        ({"started": "2100"}, "started"),
        ({"ended": on("2026-01-01"), "stop_reason": "cost"}, "ended"),
        ({"ended": on("2026-05-01")}, "stop_reason"),
        ({"stop_reason": "cost"}, "ended"),
        ({"name": "  "}, "drug"),
    ],
)
def test_what_cannot_be_so_is_said_by_its_field(patient, psychiatrist, sent, field):
    with pytest.raises(WrongEntry) as wrong:
        give(patient, psychiatrist, **sent)
    assert wrong.value.field == field
    assert not Medication.objects.exists()


def test_doses_stay_within_their_course(patient, psychiatrist):
    row = give(patient, psychiatrist)
    change_dose(row, version=1, by=psychiatrist, since=on("2026-04-01"), dose=HUNDRED)
    with pytest.raises(WrongEntry, match="begun later"):
        change_dose(row, version=2, by=psychiatrist, since=on("2026-02-01"), dose=FIFTY)
    with pytest.raises(WrongEntry, match="changed after"):
        stop_medication(row, version=2, by=psychiatrist, ended=on("2026-03-20"), reason="cost")
    with pytest.raises(WrongEntry, match="changed before"):
        correct_medication(row, version=2, by=psychiatrist, started=on("2026-04-02"))
    stop_medication(row, version=2, by=psychiatrist, ended=on("2026-06-01"), reason="cost")
    with pytest.raises(WrongEntry, match="stopped before"):
        change_dose(row, version=3, by=psychiatrist, since=on("2026-07-01"), dose=FIFTY)


def test_the_first_dose_moves_with_the_start_and_a_stop_can_be_taken_back(patient, psychiatrist):
    row = give(patient, psychiatrist)
    stop_medication(row, version=1, by=psychiatrist, ended=on("2026-06-01"), reason="cost")
    correct_medication(row, version=2, by=psychiatrist, started=on("2026-02"), ended=None)
    row = Medication.objects.get(pk=row.pk)
    assert (row.ended, row.stop_reason, str(row.started)) == (None, "", "2026-02")
    assert [str(one.since) for one in row.steps()] == ["2026-02"]


@pytest.mark.parametrize("precision", ["year", "month"])
def test_an_end_without_its_day_is_a_stop_once_it_was_said_of_a_time_that_has_begun(patient, psychiatrist, precision):
    now = today(patient)
    ended = PartialDate(now.replace(day=1) if precision == "month" else now.replace(month=1, day=1), precision)
    row = give(patient, psychiatrist, started="2024")
    stop_medication(row, version=1, by=psychiatrist, ended=ended, reason="cost")
    assert [row.state_on(day) for day in (ended.on - timedelta(days=1), now, ended.last + timedelta(days=1))] == [
        "current", "stopped", "past",
    ]  # fmt: skip
    correct_medication(row, version=2, by=psychiatrist, note="Told by the patient.")
    assert Medication.objects.get(pk=row.pk).state_on(now) == "stopped"
    correct_medication(row, version=3, by=psychiatrist, ended=PartialDate(now))
    assert row.state_on(now) == "current"  # the day it ends on


def test_a_planned_end_without_its_day_is_no_stop_when_that_month_comes(patient, psychiatrist):
    ahead = PartialDate((today(patient).replace(day=28) + timedelta(days=40)).replace(day=1), "month")
    row = give(patient, psychiatrist, ended=ahead, stop_reason="remission")
    assert [row.state_on(day) for day in (ahead.on, ahead.last, ahead.last + timedelta(days=1))] == [
        "current", "current", "past",
    ]  # fmt: skip


def test_nothing_is_written_or_read_that_the_patient_withdrew(patient, psychiatrist):
    row = give(patient, psychiatrist)
    condition = record_condition(patient=patient, by=psychiatrist, text="Depression", code="f33.1")
    for stream in ("medication", "genotype", "notes"):
        withdraw(patient, stream)
    for write in (
        lambda: give(patient, psychiatrist, "lithium"),
        lambda: change_dose(row, version=1, by=psychiatrist, since=on("2026-04-01"), dose=HUNDRED),
        lambda: enter_genotype(patient=patient, by=psychiatrist, gene="CYP2D6", diplotype="*1/*1"),
        lambda: ingest_results(patient=patient, by=psychiatrist, upload=sealed_upload(b"x", "x")),
        lambda: change_condition(condition, version=1, by=psychiatrist, status="remission"),
        lambda: make_appointment(patient=patient, by=psychiatrist, at=clock.now(), kind="intake", place="clinic"),
    ):
        with pytest.raises(ConsentWithheld):
            write()


def test_a_condition_keeps_its_code_in_one_form_and_its_history(patient, psychiatrist):
    row = record_condition(
        patient=patient, by=psychiatrist, text=" Recurrent  depression", code="f331", onset=on("2019")
    )
    change_condition(row, version=1, by=psychiatrist, status="resolved", resolved=on("2026-05"), why="Well.")
    row = Condition.objects.get(pk=row.pk)
    assert (row.code, row.text, row.onset.words, row.resolved.words, row.version) == (
        "F33.1", "Recurrent depression", "2019", "May 2026", 2,
    )  # fmt: skip
    change = TreatmentChange.objects.filter(about_id=row.pk).last()
    assert (change.before["status"], change.why, change.by) == ("active", "Well.", psychiatrist)
    with pytest.raises(WrongEntry):
        change_condition(row, version=2, by=psychiatrist, status="active")  # and still a day on which it was resolved
    with pytest.raises(WrongEntry):
        record_condition(patient=patient, by=psychiatrist, text="x", code="depression")
    mark_condition_in_error(row, version=2, by=psychiatrist, why="Another patient's.")
    assert not Condition.objects.all().standing().exists()


@pytest.mark.parametrize("field", ["onset", "resolved"])
def test_no_condition_began_or_was_over_in_a_time_to_come(patient, psychiatrist, field):
    said = {"text": "Depression", "status": "resolved" if field == "resolved" else "active"}
    now = today(patient)
    record_condition(patient=patient, by=psychiatrist, **said, **{field: on(str(now.year))})
    with pytest.raises(WrongEntry, match="still to come") as wrong:
        record_condition(patient=patient, by=psychiatrist, **said, **{field: PartialDate(now + timedelta(days=1))})
    assert wrong.value.field == field


def test_what_a_programme_writes_of_substance_use_is_labelled_and_hidden_without_consent(
    patient, psychiatrist, programme
):
    theirs = record_condition(patient=patient, by=programme, text="Alcohol dependence", code="F10.2")
    mine = record_condition(patient=patient, by=psychiatrist, text="Alcohol dependence", code="F10.2")
    drug = give(patient, programme, "naltrexone")
    assert (theirs.part2, mine.part2, drug.part2) == (True, False, True)
    assert list(Condition.objects.all().releasable_to(psychiatrist)) == [mine]
    assert not Medication.objects.all().releasable_to(psychiatrist).exists()
    give(patient, psychiatrist, "naltrexone")  # a refusal would tell of what is hidden
    record_consent(patient=patient, purpose="treatment", stream="part2", given=True, how=Consent.How.WRITTEN, by=None)
    assert Medication.objects.all().releasable_to(psychiatrist).count() == 2


def test_nobody_labels_what_they_could_not_read_afterwards(patient, psychiatrist):
    with pytest.raises(WrongEntry) as wrong:
        record_condition(patient=patient, by=psychiatrist, text="Alcohol dependence", part2=True)
    assert wrong.value.field == "part2"
    assert not Condition.objects.exists()
    assert not TreatmentChange.objects.exists()


def test_who_reads_by_consent_takes_no_label_off_and_the_programme_may(patient, psychiatrist, programme):
    record_consent(patient=patient, purpose="treatment", stream="part2", given=True, how=Consent.How.WRITTEN, by=None)
    visit = {"at": clock.now(), "kind": "intake", "place": "clinic", "part2": True}
    entries = (
        (give(patient, programme, "naltrexone"), correct_medication),
        (record_condition(patient=patient, by=programme, text="Alcohol dependence", code="F10.2"), change_condition),
        (make_appointment(patient=patient, by=programme, **visit), change_appointment),
    )
    for row, change in entries:
        with pytest.raises(WrongEntry) as wrong, transaction.atomic():
            change(row, version=1, by=psychiatrist, part2=False)
        assert wrong.value.field == "part2"
        row = type(row).objects.get(pk=row.pk)
        assert (row.part2, row.version) == (True, 1)
        change(row, version=1, by=psychiatrist, note="Read with consent.")
        change(row, version=2, by=programme, part2=False)
        assert not type(row).objects.get(pk=row.pk).part2


def test_a_visit_is_moved_and_kept_and_none_to_come_took_place(patient, psychiatrist):
    soon = clock.now() + timedelta(days=7)
    row = make_appointment(patient=patient, by=psychiatrist, at=soon, kind="follow_up", place="video")
    assert (row.clinician, row.status) == (psychiatrist, "planned")
    with pytest.raises(WrongEntry):
        change_appointment(row, version=1, by=psychiatrist, status="kept")
    change_appointment(row, version=1, by=psychiatrist, at=clock.now() - timedelta(days=1), status="missed")
    assert Appointment.objects.get(pk=row.pk).status == "missed"
    with pytest.raises(StaleEdit):
        change_appointment(row, version=1, by=psychiatrist, status="kept")
