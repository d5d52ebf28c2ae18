"""A drug that is about to be entered, or was: what genes, present drugs and rules say of it, and whom that alerts."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from novamind.audit.models import AuditEvent, EventType
from novamind.audit.recording import recorded
from novamind.jobs.kinds import SUBSCRIPTIONS
from patients.alerts import resolve
from patients.consent import record_consent
from patients.models import Alert, AlertEvent, Genotype, Medication
from patients.services import join_team
from patients.treatment.entering import said_of
from patients.treatment.genotyping import mark_genotype_in_error
from patients.treatment.prescribing import prescribe, stop_medication
from patients.vocabularies import PartialDate
from twins.medication.confirming import say
from twins.medication.watching import watch
from twins.science.pgx import of_age, read_panel, recommend, shipped_conversions, shipped_rules
from twins.tests.test_medication import client, clinician, patient, withdraw

__all__ = ["client", "clinician", "patient"]
pytestmark = pytest.mark.django_db
AGAINST = "Avoid nortriptyline."


def entered(client: Any, patient: Any, name: str, **more: str) -> Any:
    sent = {"once": str(uuid4()), "name": name, "started": str(date.today()), "route": "oral"} | more
    return client.post(f"/patients/{patient.pk}/medication/new/", sent)


def shown(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def check(client: Any, patient: Any, name: str) -> list[dict[str, Any]]:
    path = f"/api/v1/patients/{patient.pk}/medications/check"
    answer = client.post(path, {"name": name}, content_type="application/json")
    assert answer.status_code == 200, answer.content
    return answer.json()["said"]


def words(day: date) -> str:
    return PartialDate(day).words


def alerts() -> list[tuple[str, str]]:
    return [(one.kind, one.state) for one in Alert.objects.order_by("raised_at")]


def look(patient: Any) -> None:
    with recorded(actor_label="system:test", request_id="test"):
        watch(patient)


# CPIC of nortriptyline, CYP2D6 poor (here by paroxetine): avoid. The published table of clinical.md, A3.
def test_what_speaks_against_a_drug_is_read_before_it_is_saved(client, patient):
    asked = entered(client, patient, "nortriptyline", check="1")
    assert (asked.status_code, AGAINST in shown(asked)) == (200, True)
    first = entered(client, patient, "nortriptyline")
    assert (first.status_code, AGAINST in shown(first)) == (409, True)
    assert not Medication.objects.filter(drug="nortriptyline").exists()
    mark = first.context["form"].data["seen"]
    assert entered(client, patient, "nortriptyline", seen="0" * 64).status_code == 409
    assert entered(client, patient, "nortriptyline", seen=mark).status_code == 302
    row = Medication.objects.get(drug="nortriptyline")
    assert AGAINST in shown(client.get(f"/patients/{patient.pk}/medication/{row.pk}/"))


def test_what_nobody_confirmed_is_said_with_both_possibilities_until_somebody_has(client, patient, clinician):
    """CPIC, tricyclics: paroxetine may make a normal metabolizer of CYP2D6 a poor one, who avoids nortriptyline."""
    with recorded(actor_label="system:test", request_id="test"):
        Medication.objects.filter(patient=patient).exclude(drug="paroxetine").delete()
    words = check(client, patient, "nortriptyline")
    (said,) = [one["text"] for one in words if (one["level"], one["by"]) == ("against", "CPIC")]
    assert "(CYP2D6 Poor Metabolizer beside the drugs taken, not confirmed)" in said
    alone = "CYP2D6 Normal Metabolizer: Start with the usual dose."
    assert f"If the drugs taken do not change the enzyme so: {alone}" in said
    told = client.get(f"/api/v1/patients/{patient.pk}/medication-recommendations").json()
    every = [row for one in told["not_assessed"] + told["excluded"] for row in one["guidelines"]]
    unsure = [one for one in every if one["basis"] == "phenoconversion"]
    assert unsure
    assert all(not one["confirmed"] and one["by_genotype"].startswith("CYP2D6 Normal") for one in unsure)
    assert all(one["confirmed"] and one["by_genotype"] is None for one in every if one["basis"] == "genotype")
    genes = f"/patients/{patient.pk}/twin/medication/"
    assert "beside the drugs taken, not confirmed</span>" in shown(client.get(genes))
    with recorded(actor_label="system:test", request_id="test"):
        say(confirmed=True, reason="Read in the appendix.", by=clinician)
    for text in (check(client, patient, "nortriptyline")[0]["text"], shown(client.get(genes))):
        assert "Avoid nortriptyline." in text
        assert "not confirmed" not in text


def test_an_alert_of_what_nobody_confirmed_says_so(patient, clinician):
    with recorded(actor_label="system:test", request_id="test"):
        prescribe(patient=patient, by=clinician, name="nortriptyline", started=PartialDate(date.today()))
    look(patient)
    notes = {one.note for one in AlertEvent.objects.filter(what="raised")}
    assert notes
    assert all(note.startswith("Not confirmed:") for note in notes)


def test_a_drug_that_nothing_speaks_against_is_saved_at_once(client, patient):
    assert entered(client, patient, "lithium").status_code == 302
    silent = check(client, patient, "lithium")
    silent = [one for one in silent if one["level"] != "history"]
    assert [one["level"] for one in silent] == ["unasked", "note"]
    assert "no word for the usual dose" in silent[1]["text"]
    unknown = check(client, patient, "Zqxherb")
    assert [(one["level"], one["text"].split(",")[0]) for one in unknown] == [("unasked", "It is not in the catalogue")]


# Phenelzine beside an antidepressant: no source here speaks of it, so that nothing may look as if it had been asked.
def test_what_was_not_asked_is_said_wherever_a_drug_is_judged(client, patient):
    unasked = "Other interactions (MAO inhibitors, serotonergic drugs, QT, lithium) and contraindications are not."
    for drug in ("phenelzine", "nortriptyline"):
        assert sum(unasked in one["text"] and one["level"] == "unasked" for one in check(client, patient, drug)) == 1
    form = shown(entered(client, patient, "phenelzine", check="1"))
    assert form.count(unasked) == 1
    assert '<span class="tag warn">not asked</span>' in form
    row = Medication.objects.get(patient=patient, drug="paroxetine")
    assert unasked in shown(client.get(f"/patients/{patient.pk}/medication/{row.pk}/"))
    genes = shown(client.get(f"/patients/{patient.pk}/twin/medication/")).replace("&#x27;", "'")
    assert unasked in genes
    assert unasked in shown(client.get(f"/patients/{patient.pk}/twin/medication/report/"))
    told = client.get(f"/api/v1/patients/{patient.pk}/medication-recommendations").json()
    assert unasked in told["disclaimer"]


def test_a_usual_dose_beside_an_inhibitor_is_not_told_as_another_one(client, patient):
    with recorded(actor_label="system:test", request_id="test"):
        Medication.objects.filter(patient=patient, drug="paroxetine").update(drug="sertraline")
    said = [one for one in check(client, patient, "nortriptyline") if one["by"] in {"CPIC", "DPWG"}]
    assert {one["level"] for one in said} == {"beside"}
    assert all("Unchanged by itself, but an inhibitor or inducer is taken: sertraline." in one["text"] for one in said)
    assert "unchanged by itself</span>" in shown(entered(client, patient, "nortriptyline", check="1"))


def test_whom_a_guideline_means_is_said_in_words(client, patient):
    with recorded(actor_label="system:test", request_id="test"):
        report = patient.genotypes.first().report
        Genotype.objects.create(
            patient=patient, report=report, gene="HLA-B", diplotype="*15:02 positive", state="called"
        )
    texts = " ".join(one["text"] for one in check(client, patient, "carbamazepine"))
    page = shown(client.get(f"/patients/{patient.pk}/twin/medication/"))
    for told in (texts, page):
        assert "carbamazepine not taken before" in told
        assert "CBZ" not in told


def test_what_trials_say_of_side_effects_is_said_before_a_drug_is_saved(client, patient):
    """Huhn 2019 and AHRQ: ziprasidone +9.7 ms of QTc; mirtazapine 0.8 to 3.0 kg more than four SSRIs."""
    of = {name: [one for one in check(client, patient, name) if one["level"] == "note"] for name in (
        "ziprasidone", "mirtazapine")}  # fmt: skip
    facts = of["ziprasidone"][0]
    for said in ("movement disorder 14.2 %", "sedation 11 %", "weight gain 3.4 %", "QTc +9.7 ms against placebo"):
        assert said in facts["text"]
    assert facts["url"].startswith("https://pmc.ncbi.nlm.nih.gov/")
    ssris = "citalopram, fluoxetine, paroxetine and sertraline"
    assert f"weight +0.8 to +3 kg in 6 to 8 weeks against {ssris}" in of["mirtazapine"][0]["text"]
    assert "QTc +9.7 ms against placebo" in shown(entered(client, patient, "ziprasidone", check="1"))
    assert not Medication.objects.filter(drug="ziprasidone").exists()


def test_who_is_told_nothing_of_genes_is_told_that(patient, make_user, team):
    therapist = make_user("therapist@clinic.test", "therapist")
    join_team(team=team, user=therapist)
    reader = Client()
    reader.force_login(therapist)
    row = Medication.objects.get(patient=patient, drug="paroxetine")
    page = shown(reader.get(f"/patients/{patient.pk}/medication/{row.pk}/")).replace("&#x27;", "'")
    assert "are not told to this role" in page
    assert "are not asked for anybody" in page


def history_of(said: list[dict[str, Any]]) -> list[str]:
    return [one["text"] for one in said if one["level"] == "history"]


def test_an_earlier_course_and_one_that_goes_on_are_said(client, patient):
    begun = date.today() - timedelta(days=90)
    assert history_of(check(client, patient, "lithium")) == []
    assert history_of(check(client, patient, "paroxetine")) == [f"Already taken: paroxetine since {words(begun)}."]
    tried = f"from {words(begun - timedelta(days=99))} to {words(begun)}. Why it ended: not effective enough."
    assert history_of(check(client, patient, "venlafaxine")) == [f"Taken before: venlafaxine {tried}"]
    assert tried in shown(entered(client, patient, "venlafaxine", check="1"))
    row = Medication.objects.get(patient=patient, drug="paroxetine")
    page = shown(client.get(f"/patients/{patient.pk}/medication/{row.pk}/"))
    assert "Already taken" not in page  # the course is no history of itself
    with recorded(actor_label="system:test", request_id="test"):
        Medication.objects.filter(pk=row.pk).update(entered_in_error=True)
    assert history_of(check(client, patient, "paroxetine")) == []


def test_a_drug_of_no_catalogue_has_a_history_too(client, patient):
    with recorded(actor_label="system:test", request_id="test"):
        Medication.objects.create(
            patient=patient, drug_text="Zqxherb", started_on=date.today() - timedelta(days=9), started_precision="day",
            ended_on=date.today() - timedelta(days=2), ended_precision="day", stop_reason="side_effects",
        )  # fmt: skip
    [said] = history_of(check(client, patient, " zqxHERB "))
    assert said.endswith("Why it ended: side effects.")


def test_a_labelled_course_is_history_with_its_notice_and_to_nobody_else(client, patient):
    with recorded(actor_label="system:test", request_id="test"):
        Medication.objects.filter(patient=patient).update(part2=True)
    assert history_of(check(client, patient, "venlafaxine")) == []
    with recorded(actor_label="system:test", request_id="test"):
        record_consent(patient=patient, purpose="treatment", stream="part2", given=True, how="written", by=None)
    told, notice = history_of(check(client, patient, "venlafaxine"))
    assert told.startswith("Taken before")
    assert "42 CFR" in notice


def test_without_consent_to_the_list_no_course_is_history(client, patient, clinician):
    withdraw(patient, "medication")
    assert [one for one in said_of(patient, clinician, "venlafaxine") if one.level == "history"] == []


def test_a_program_is_told_the_same_before_and_after(client, patient):
    said = check(client, patient, "nortriptyline")
    assert (said[0]["level"], said[0]["by"], AGAINST in said[0]["text"]) == ("against", "CPIC", True)
    event = AuditEvent.objects.order_by("-at").first()
    assert event.event_type == EventType.CLINICAL_DECISION_SUPPORT
    assert not Medication.objects.filter(drug="nortriptyline").exists()
    body = {"name": "nortriptyline", "started": str(date.today())}
    path = f"/api/v1/patients/{patient.pk}/medications"
    made = client.post(path, body, content_type="application/json")
    assert (made.status_code, made.json()["said"]) == (201, said)


def test_what_the_new_drug_does_to_those_taken_is_said(client, patient):
    with recorded(actor_label="system:test", request_id="test"):
        Medication.objects.filter(patient=patient, drug="paroxetine").update(drug="nortriptyline")
    assert not any(one["text"].startswith("Of nortriptyline") for one in check(client, patient, "lithium"))
    said = [one for one in check(client, patient, "bupropion") if one["text"].startswith("Of nortriptyline")]
    assert any(AGAINST in one["text"] and one["level"] == "against" for one in said)


def test_without_consent_to_genes_that_is_said_and_nothing_of_them(client, patient):
    withdraw(patient, "genotype")
    said = " ".join(one["text"] for one in check(client, patient, "citalopram"))
    assert "not consented to the use of genes" in said
    assert "Poor Metabolizer" not in said


def test_every_change_of_what_is_taken_is_looked_at():
    events = {
        event for event, listeners in SUBSCRIPTIONS.items()
        if any(one.kind == "twins.watch_medication" for one in listeners)
    }  # fmt: skip
    assert events == {
        "medication.prescribed", "medication.changed", "medication.stopped", "genotype.recorded", "consent.changed",
    }  # fmt: skip


@pytest.mark.parametrize("event", ["medication.prescribed", "medication.changed", "medication.stopped"])
def test_a_change_of_what_is_taken_re_evaluates_every_part_of_the_twin(event):
    asked = {one.kind for one in SUBSCRIPTIONS[event]}
    assert {"twins.correlate", "twins.forecast", "twins.watch", "twins.watch_medication"} <= asked


def test_an_alert_is_raised_once_and_ended_when_it_is_no_longer_so(patient, clinician):
    look(patient)
    assert alerts() == []  # venlafaxine is over, and of paroxetine no guideline says to avoid it
    with recorded(actor_label="system:test", request_id="test"):
        row = prescribe(patient=patient, by=clinician, name="nortriptyline", started=PartialDate(date.today()))
    for _ in range(2):
        look(patient)
    raised = Alert.objects.all()
    assert {(one.kind, one.state, one.severity, one.about_id) for one in raised} == {
        ("medication", "open", "medium", row.pk)
    }
    n = len(raised)
    with recorded(actor_label="system:test", request_id="test"):
        stop_medication(row, version=1, by=clinician, ended=PartialDate(date.today()), reason="interaction")
        days = [date.today() - timedelta(days=n) for n in (3, 1)]
        Medication.objects.filter(pk=row.pk).update(started_on=days[0], ended_on=days[1])
    look(patient)
    assert alerts() == [("medication", "resolved")] * n
    done = AlertEvent.objects.filter(what="resolved")
    assert {(one.by, one.note) for one in done} == {(None, "No rule says so any more.")}
    with recorded(actor_label="system:test", request_id="test"):
        Medication.objects.filter(pk=row.pk).update(ended_on=None, stop_reason="")
    look(patient)
    assert alerts() == [("medication", "resolved")] * n + [("medication", "open")] * n


def test_what_a_clinician_was_done_with_is_not_raised_again(patient, clinician):
    with recorded(actor_label="system:test", request_id="test"):
        prescribe(patient=patient, by=clinician, name="nortriptyline", started=PartialDate(date.today()))
        watch(patient)
        for alert in Alert.objects.all():
            resolve(alert, by=clinician, version=alert.version, note="On purpose, with levels.")
    look(patient)
    assert {state for _, state in alerts()} == {"resolved"}


def test_a_labelled_course_alerts_nobody(patient, clinician):
    with recorded(actor_label="system:test", request_id="test"):
        prescribe(patient=patient, by=clinician, name="nortriptyline", started=PartialDate(date.today()))
        Medication.objects.filter(patient=patient, drug="paroxetine").update(part2=True)
    look(patient)
    assert alerts() == []


def test_a_result_that_was_an_error_ends_its_alerts(patient, clinician):
    with recorded(actor_label="system:test", request_id="test"):
        Medication.objects.filter(patient=patient, drug="paroxetine").delete()
        prescribe(patient=patient, by=clinician, name="nortriptyline", started=PartialDate(date.today()))
        result = patient.genotypes.get(gene="CYP2D6")
        result.diplotype = "*4/*4"
        result.save()
    look(patient)
    assert {state for _, state in alerts()} == {"open"}
    with recorded(actor_label="system:test", request_id="test"):
        mark_genotype_in_error(patient.genotypes.get(gene="CYP2D6"), version=1, by=clinician, why="Another person's.")
    look(patient)
    assert {state for _, state in alerts()} == {"resolved"}


@pytest.mark.parametrize(("years", "kept"), [(40, "adults"), (18, "adults"), (17, "pediatrics"), (8, "pediatrics")])
def test_of_two_populations_that_of_the_age_is_told(years, kept):
    readings = read_panel({"CYP2D6": "*4/*4"}, shipped_rules())
    said = recommend("atomoxetine", readings, shipped_rules(), shipped_conversions())
    assert {one.population for one in said if one.source == "CPIC"} == {"adults", "pediatrics"}
    told = of_age(said, years)
    assert {one.population for one in told if one.source == "CPIC"} == {kept}
    assert [one for one in told if one.source == "DPWG"] == [one for one in said if one.source == "DPWG"]
