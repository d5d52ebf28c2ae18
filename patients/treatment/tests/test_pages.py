"""The Medication page and its forms: who reads and who writes, what is kept after an error, and what is hidden."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from patients.models import Appointment, Condition, Consent, Genotype, Medication, TreatmentChange
from patients.treatment.diagnosing import record_condition
from patients.treatment.pages import medication_line
from patients.treatment.prescribing import change_dose
from patients.treatment.services import today
from patients.treatment.tests.test_services import HUNDRED, give, on, withdraw
from patients.vocabularies import PartialDate

COURSE = {
    "name": "Sertraline",
    "amount": "50",
    "unit": "mg",
    "frequency": "daily",
    "started": "2026-03",
    "route": "oral",
}


@pytest.fixture
def treating(signed_in: Any, psychiatrist: Any) -> Client:
    return signed_in(psychiatrist)


def page(client: Client, patient: Any, path: str = "medication/") -> Any:
    return client.get(f"/patients/{patient.pk}/{path}")


def send(client: Client, patient: Any, path: str, **fields: Any) -> Any:
    return client.post(f"/patients/{patient.pk}/{path}", {"once": str(uuid4())} | fields)


def test_a_course_is_typed_once_however_often_it_is_sent(treating, patient, psychiatrist):
    body = COURSE | {"once": str(uuid4())}
    assert [send(treating, patient, "medication/new/", **body).status_code for _ in range(2)] == [302, 302]
    row = Medication.objects.get()
    assert (row.drug, str(row.started), row.prescriber_text, row.steps()[0].dose.words) == (
        "sertraline", "2026-03", None, "50 mg once a day",
    )  # fmt: skip
    other = send(treating, patient, "medication/new/", **(body | {"name": "Lithium"}))
    assert (other.status_code, Medication.objects.count()) == (409, 1)
    shown = page(treating, patient).content.decode()
    assert "sertraline" in shown
    assert "Mar 2026" in shown
    assert 'data-figure="courses' in shown or "courses" in shown


def test_what_was_typed_stays_and_the_same_drug_needs_a_word(treating, patient, psychiatrist):
    give(patient, psychiatrist)
    answer = send(treating, patient, "medication/new/", **(COURSE | {"note": "Zqxnote"}))
    assert answer.status_code == 409
    assert b"Zqxnote" in answer.content
    assert b'type="checkbox" name="beside"' in answer.content
    assert send(treating, patient, "medication/new/", **(COURSE | {"beside": "on"})).status_code == 302
    assert Medication.objects.count() == 2


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        ({"started": "spring"}, "2027-03-05"),
        ({"amount": "-5"}, "more than nothing"),
        ({"ended": "2026-05"}, "why it was stopped"),
        ({"name": ""}, "required"),
        ({"started": "1901"}, "before the patient was born"),
    ],
)
def test_a_wrong_field_is_said_and_nothing_is_kept(treating, patient, sent, says):
    answer = send(treating, patient, "medication/new/", **(COURSE | sent))
    assert answer.status_code == 422
    assert says in answer.content.decode()
    assert not Medication.objects.exists()


def test_a_course_is_changed_stopped_and_marked_from_the_version_that_was_shown(treating, patient, psychiatrist):
    row = give(patient, psychiatrist)
    at = f"medication/{row.pk}/"
    for change in ("dose", "stop", "correct", "error"):
        assert page(treating, patient, f"{at}{change}/").status_code == 200
    dose = {"amount": "100", "unit": "mg", "frequency": "daily", "since": "2026-04-01", "version": 1}
    assert send(treating, patient, f"{at}dose/", **dose).status_code == 302
    assert send(treating, patient, f"{at}dose/", **dose).status_code == 409
    stopped = {"ended": "2026-06-01", "reason": "side_effects", "why": "Zqxwhy", "version": 2}
    assert send(treating, patient, f"{at}stop/", **stopped).status_code == 302
    detail = page(treating, patient, at).content.decode()
    assert "Zqxwhy" in detail
    assert "Side effects".lower() in detail
    assert send(treating, patient, f"{at}error/", version=3, why="Another patient's.").status_code == 302
    assert page(treating, patient, f"{at}dose/").status_code == 404
    assert b"entered in error" in page(treating, patient).content
    assert page(treating, patient, f"{at}nothing/").status_code == 404


def test_a_dose_to_come_is_next_and_not_the_dose_of_today(patient, psychiatrist):
    soon = PartialDate(today(patient) + timedelta(days=10))
    row = give(patient, psychiatrist, dose=None)
    line = medication_line(change_dose(row, version=1, by=psychiatrist, since=soon, dose=HUNDRED), patient)
    assert (line["dose"], line["next"].dose) == ("dose not stated", HUNDRED)
    planned = medication_line(give(patient, psychiatrist, "lithium", started=str(soon)), patient)
    assert (planned["state"], planned["dose"], planned["next"]) == ("planned", "50 mg once a day", None)


def test_a_stop_of_which_only_the_year_is_known_is_said_so_and_is_not_current(treating, patient, psychiatrist):
    now = today(patient)
    row = give(patient, psychiatrist, started="2024", ended=on(str(now.year)), stop_reason="cost")
    context = page(treating, patient).context
    assert ([line["state"] for line in context["past"]], context["current"]) == (["stopped"], [])
    last = context["chart"]["data"][-1]
    assert (last["x"][2], last["fillcolor"]) == (str(now + timedelta(days=1)), "var(--medication-soft)")
    assert f"stopped {now.year}, day not known" in last["hovertext"][0]
    for path in ("medication/", f"medication/{row.pk}/"):
        assert "stopped, day not known" in page(treating, patient, path).content.decode()
    assert treating.get(f"/api/v1/patients/{patient.pk}/medications/{row.pk}").json()["status"] == "stopped"


def test_who_reads_a_chart_reads_its_treatment_and_who_may_not_prescribe_is_offered_nothing(
    signed_in, therapist, patient, psychiatrist
):
    row = give(patient, psychiatrist)
    client = signed_in(therapist)
    shown = page(client, patient).content.decode()
    assert "sertraline" in shown
    assert "medication/new/" not in shown
    assert "conditions/new/" in shown
    assert page(client, patient, "medication/new/").status_code == 403
    assert send(client, patient, f"medication/{row.pk}/stop/", version=1).status_code == 403


def test_a_hidden_patient_and_an_entry_of_another_are_not_there(
    signed_in, nurse, psychiatrist, patient, make_patient, team
):
    row = give(patient, psychiatrist)
    client = signed_in(nurse)
    for path in ("medication/", "medication/new/", f"medication/{row.pk}/", f"medication/{row.pk}/dose/"):
        assert page(client, patient, path).status_code == 404
    client = signed_in(psychiatrist)
    assert page(client, make_patient(team), f"medication/{row.pk}/").status_code == 404


def test_each_part_is_shown_as_far_as_the_patient_consents(treating, patient, psychiatrist):
    give(patient, psychiatrist)
    send(treating, patient, "conditions/new/", text="Zqxcondition", status="active", certainty="confirmed")
    send(treating, patient, "genotypes/new/", gene="cyp2d6", diplotype="*1/*999")
    before = page(treating, patient).content.decode()
    assert all(words in before for words in ("sertraline", "Zqxcondition", "not in our table: *999"))
    withdraw(patient, "medication")
    shown = page(treating, patient).content.decode()
    assert "sertraline" not in shown
    assert "Zqxcondition" in shown
    withdraw(patient, "notes")
    withdraw(patient, "genotype")
    shown = page(treating, patient).content.decode()
    assert not re.search("sertraline|Zqxcondition|999", shown)
    assert shown.count("has not consented") == 4
    for path in ("medication/new/", "conditions/new/", "visits/new/", "genotypes/new/", "genotypes/upload/"):
        assert page(treating, patient, path).status_code == 403


def test_what_part_2_hides_is_not_there_and_what_it_shows_bears_the_notice(signed_in, psychiatrist, patient, programme):
    row = give(patient, programme, "naltrexone")
    client = signed_in(psychiatrist)
    assert b"naltrexone" not in page(client, patient).content
    assert page(client, patient, f"medication/{row.pk}/").status_code == 404
    client = signed_in(programme)
    shown = page(client, patient).content
    assert b"naltrexone" in shown
    assert b"42 CFR part 2 prohibits" in shown


def test_a_condition_and_a_visit_are_written_and_changed(treating, patient):
    send(treating, patient, "conditions/new/", text="Depression", code="f331", status="active", certainty="confirmed")
    condition = Condition.objects.get()
    changed = {"text": "Depression", "code": "F33.1", "status": "remission", "certainty": "confirmed", "version": 1}
    assert page(treating, patient, f"conditions/{condition.pk}/edit/").status_code == 200
    assert send(treating, patient, f"conditions/{condition.pk}/edit/", **changed).status_code == 302
    assert send(treating, patient, f"conditions/{condition.pk}/edit/", **changed).status_code == 409
    visit = {"at": "2026-03-02T10:30", "kind": "intake", "place": "clinic", "status": "kept"}
    patient.zone = "America/New_York"
    patient.save()
    assert send(treating, patient, "visits/new/", **visit).status_code == 302
    row = Appointment.objects.get()
    assert row.at.isoformat() == "2026-03-02T15:30:00+00:00"
    assert b'value="2026-03-02T10:30"' in page(treating, patient, f"visits/{row.pk}/edit/").content
    assert send(treating, patient, f"visits/{row.pk}/error/", version=1, why="Another patient's.").status_code == 302
    assert TreatmentChange.objects.filter(about_id=row.pk).count() == 2


def test_what_was_ruled_out_is_told_apart_and_never_as_active(treating, patient, psychiatrist):
    record_condition(patient=patient, by=psychiatrist, text="Zqxbipolar", certainty="refuted")
    known = record_condition(patient=patient, by=psychiatrist, text="Depression", certainty="provisional")
    shown = page(treating, patient)
    assert (shown.context["conditions"], [one.text for one in shown.context["ruled_out"]]) == ([known], ["Zqxbipolar"])
    said = " ".join(shown.content.decode().split())
    assert "1 ruled out</summary>" in said
    assert "Active" not in said.partition("1 ruled out</summary>")[2]
    assert "Active, provisional" in said


def test_a_table_is_uploaded_and_what_is_wrong_is_said_with_its_line(treating, patient):
    def upload(content: bytes) -> Any:
        return send(treating, patient, "genotypes/upload/", file=SimpleUploadedFile("r.csv", content))

    wrong = upload(b"gene,diplotype\nCYP2D6,\n")
    assert wrong.status_code == 422
    assert "Line 2: CYP2D6 has no diplotype" in wrong.content.decode()
    assert not Genotype.objects.exists()
    good = b"gene,diplotype\nCYP2D6,*1/*4\nMTHFR,C677T\nCYP2C19,not tested\n"
    assert upload(good).status_code == upload(good).status_code == 302
    assert Genotype.objects.count() == 3
    shown = page(treating, patient).content.decode()
    assert "no table of this gene here" in shown
    assert "Not tested" in shown
    result = Genotype.objects.get(gene="CYP2D6")
    assert send(treating, patient, f"genotypes/{result.pk}/error/", version=1, why="x").status_code == 302
    assert "no result that holds" in page(treating, patient).content.decode()


def test_a_table_of_which_all_results_were_errors_is_not_said_to_be_in_the_chart(treating, patient):
    def upload() -> Any:
        file = SimpleUploadedFile("r.csv", b"gene,diplotype\nCYP2D6,*1/*4\nCYP2C19,*1/*2\n")
        sent = treating.post(
            f"/patients/{patient.pk}/genotypes/upload/", {"once": str(uuid4()), "file": file}, follow=True
        )
        return sent.status_code, sent.content.decode()

    assert "The results are in the chart." in upload()[1]
    for row, says in zip(
        Genotype.objects.all(), ("This file was read before.", "all its results were marked"), strict=True
    ):
        assert send(treating, patient, f"genotypes/{row.pk}/error/", version=1, why="x").status_code == 302
        code, said = upload()
        assert says in said
        assert "The results are in the chart." not in said
    assert code == 422
    assert Genotype.objects.count() == 2


def test_the_page_asks_few_queries_however_much_there_is(
    treating, patient, psychiatrist, django_assert_max_num_queries
):
    for number in range(6):
        give(patient, psychiatrist, f"drug {number}")
    with django_assert_max_num_queries(45):
        page(treating, patient)


def test_consent_given_again_shows_it_again(treating, patient, psychiatrist):
    give(patient, psychiatrist, dose=HUNDRED, ended=on("2026-05"), stop_reason="cost")
    withdraw(patient, "medication")
    assert b"sertraline" not in page(treating, patient).content
    from patients.consent import record_consent

    record_consent(
        patient=patient, purpose="treatment", stream="medication", given=True, how=Consent.How.SPOKEN, by=None
    )
    assert b"sertraline" in page(treating, patient).content
