"""A patient's genes and drugs: read with consent, on record with the rules' version, nothing dropped in silence."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client

from novamind.audit.models import AuditEvent, EventType
from novamind.audit.recording import recorded
from patients.consent import record_consent
from patients.models import Genotype, GenotypeReport, Medication
from patients.services import join_team
from twins.medication.advice import assessed
from twins.medication.context import known_of
from twins.medication.entering import age_of
from twins.medication.own_rules import write_rule
from twins.science.evidence import shipped_evidence
from twins.science.pgx import shipped_rules

pytestmark = pytest.mark.django_db


@pytest.fixture
def clinician(make_user: Any, team: Any) -> Any:
    user = make_user("doctor@clinic.test", "psychiatrist")
    join_team(team=team, user=user)
    return user


@pytest.fixture
def client(clinician: Any) -> Client:
    client = Client()
    client.force_login(clinician)
    return client


@pytest.fixture
def patient(make_patient: Any, team: Any) -> Any:
    """CYP2D6 normal, CYP2C19 poor, taking paroxetine; venlafaxine was tried without effect."""
    with recorded(actor_label="system:test", request_id="test"):
        made = make_patient(team)
        report = GenotypeReport.objects.create(patient=made)
        for gene, diplotype in (("CYP2D6", "*1/*1"), ("CYP2C19", "*2/*2"), ("COMT", "Val/Met")):
            Genotype.objects.create(patient=made, report=report, gene=gene, diplotype=diplotype, state="called")
        begun = date.today() - timedelta(days=90)
        Medication.objects.create(patient=made, drug="paroxetine", started_on=begun, started_precision="day")
        Medication.objects.create(
            patient=made, drug="venlafaxine", started_on=begun - timedelta(days=99), started_precision="day",
            ended_on=begun, ended_precision="day", stop_reason="no_effect",
        )  # fmt: skip
    return made


def page_of(client: Client, patient: Any, **asked: str) -> str:
    answer = client.get(f"/patients/{patient.pk}/twin/medication/", asked)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def answer_of(client: Client, patient: Any, **asked: Any) -> dict[str, Any]:
    answer = client.get(f"/api/v1/patients/{patient.pk}/medication-recommendations", asked)
    assert answer.status_code == 200, answer.content
    return answer.json()


def drug_of(told: dict[str, Any], name: str) -> dict[str, Any]:
    every = [*told["recommendations"], *told["not_assessed"], *told["excluded"]]
    return next(one for one in every if one["medication"] == name)


def withdraw(patient: Any, stream: str) -> None:
    with recorded(actor_label="system:test", request_id="test"):
        record_consent(patient=patient, purpose="treatment", stream=stream, given=False, how="written", by=None)


def test_the_page_shows_genotype_and_converted_phenotype_with_the_drug_and_its_source(client, patient):
    page = page_of(client, patient)
    assert "<strong>Normal Metabolizer</strong>" in page
    assert "<strong>Poor Metabolizer</strong>" in page
    assert "or still Normal Metabolizer" in page
    assert "paroxetine, strong inhibitor" in page
    assert "https://www.fda.gov/" in page
    assert "no guideline asks for this gene here" in page


def test_the_age_of_the_patient_stands_where_a_guideline_depends_on_it_and_nowhere_else(client, patient):
    page, years = page_of(client, patient), age_of(patient)
    rows = {row.split("<")[0]: row for row in page.split('id="trials"')[0].split('<th scope="row">')[1:]}
    said = f"depends on age; this patient is {years}"
    assert (said in rows["citalopram"], said in rows["atomoxetine"], said in rows["paroxetine"]) == (True, True, False)


def test_every_sentence_of_a_guideline_links_to_its_source(client, patient):
    page = page_of(client, patient)
    rows = page.split('id="guidelines"')[1].split('id="trials"')[0]
    said = [each.split("</p>")[0] for row in rows.split("<td")[1:] for each in row.split("<p>")[1:]]
    said += [each.split("</p>")[0] for row in rows.split("<td")[1:] for each in row.split('<p class="muted">')[1:]]
    assert len(said) > 40
    assert [each for each in said if each.count('href="https://') != 1] == []
    genes = page.split('id="genes"')[1].split("</table>")[0].split("<tbody>")[1].split("</tr>")
    known = [row for row in genes if "CYP" in row]
    assert [row.count('href="https://github.com/PharmGKB/PharmCAT/tree/') for row in known] == [1, 1]
    trials = page.split('id="trials"')[1].split("<tbody>")[1].split('<td data-label="')
    stated = [cell for cell in trials if any(unit in cell for unit in ("of 100</strong>", " %", " ms ", " kg "))]
    assert len(stated) > 20
    assert [cell for cell in stated if 'href="https://' not in cell] == []
    assert "beside the drugs taken" in rows
    assert "Avoid nortriptyline." in rows


def test_an_unchanged_drug_is_not_told_as_changed_because_an_inhibitor_is_taken(client, patient):
    # CPIC 2016, tricyclics: a normal metabolizer of CYP2D6 starts nortriptyline with the label's dose.
    with recorded(actor_label="system:test", request_id="test"):
        Medication.objects.filter(patient=patient, drug="paroxetine").update(drug="sertraline")
    heading = "Unchanged by genotype, but an inhibitor or inducer is taken"
    page = page_of(client, patient).split('id="trials"')[0]
    changed, unchanged = page.split("<h3>Against the drug, or given otherwise</h3>")[1].split(f"<h3>{heading}</h3>")
    assert (">citalopram<" in changed, ">nortriptyline<" in changed) == (True, False)
    row = next(row for row in unchanged.split("<tr>") if ">nortriptyline<" in row)
    assert row.count("unchanged, but an inhibitor or inducer is taken: sertraline</span>") == 1
    assert drug_of(answer_of(client, patient), "venlafaxine")["caution_level"] == "medium"
    report = client.get(f"/patients/{patient.pk}/twin/medication/report/").content.decode()
    assert f"<h2>{heading}</h2>" in report


def test_looking_is_on_record_as_decision_support_with_the_version_of_the_rules(client, patient):
    for look in (page_of, answer_of):
        look(client, patient)
        event = AuditEvent.objects.order_by("-at").first()
        assert event.event_type == EventType.CLINICAL_DECISION_SUPPORT
        assert event.object_id == f"{shipped_rules().version}@{shipped_rules().sha256[:16]}"
        assert [row.patient_id for row in event.patients.all()] == [patient.pk]


def test_without_consent_nothing_of_that_stream_is_read_or_told(client, patient):
    withdraw(patient, "genotype")
    told = answer_of(client, patient)
    assert told["genetic_data"] == {}
    assert told["genetic_data_quality"]["genotype_consent"] is False
    assert {said["action"] for said in drug_of(told, "citalopram")["guidelines"]} == {"no_recommendation"}
    assert "Poor Metabolizer" not in page_of(client, patient)
    withdraw(patient, "medication")
    told = answer_of(client, patient)
    assert drug_of(told, "venlafaxine")["history"] == []
    assert drug_of(told, "paroxetine")["current"] is False
    assert "paroxetine, strong" not in page_of(client, patient)


def test_a_course_of_a_programme_is_taken_by_nobody_who_may_not_read_it(clinician, patient):
    with recorded(actor_label="system:test", request_id="test"):
        Medication.objects.filter(patient=patient, drug="paroxetine").update(part2=True)
        known = known_of(patient, clinician)
    assert known.taking == ()


def test_the_page_says_what_trials_say_in_people_of_a_hundred_and_what_was_tried(client, patient):
    page = page_of(client, patient, sort="efficacy")
    assert "about <strong>52 of 100</strong> respond (48 to 55), 37 on placebo" in page
    assert "not effective enough" in page
    assert "none with a source that was read" in page  # lithium, for one
    assert page.index('scope="row">duloxetine') < page.index('scope="row">bupropion')


def test_an_unknown_condition_or_order_is_the_first_one(client, patient):
    odd, plain = (page_of(client, patient, **asked) for asked in ({"condition_type": "x", "sort": "y"}, {}))
    assert odd.split('id="trials"')[1] == plain.split('id="trials"')[1]


def test_the_api_predicts_nothing_and_states_what_the_population_did(client, patient):
    told = answer_of(client, patient, min_efficacy=0.5)
    one = drug_of(told, "duloxetine")
    assert one["predicted_efficacy"] is None
    assert one["abstentions"]["predicted_efficacy"]["abstained"] == "not_promoted"
    assert one["population_efficacy"]["share"] == pytest.approx(0.518, abs=0.001)
    assert one["population_efficacy"]["status"] == "computed"
    assert one["net_benefit"] is None
    assert told["genetic_data"]["CYP2D6"]["converted"] == "Poor Metabolizer"


def test_a_drug_that_a_guideline_or_the_clinic_speaks_against_is_not_the_best(clinician, client, patient):
    """Escitalopram responds most after duloxetine, and CPIC has a poor metabolizer of CYP2C19 take another drug."""
    with recorded(actor_label="system:test", request_id="test"):
        write_rule(
            by=clinician, name="duloxetine", against="drug", value="paroxetine", severity="avoid", text="Not here.",
            source="Minutes of the clinic", reason="Agreed.",
        )  # fmt: skip
    said = answer_of(client, patient)["comparative_analysis"]["highest_efficacy"]
    assert (said["medication"], said["passed_over"]) == ("mirtazapine", ["duloxetine", "escitalopram"])
    assert "speaks against" in said["derivation"]
    page = page_of(client, patient)
    assert "mirtazapine, the largest share" in page
    assert "passed over</span> duloxetine, escitalopram:" in page


def test_each_drug_has_the_fields_of_the_contract_or_a_reason(client, patient):
    told = answer_of(client, patient)
    one = drug_of(told, "escitalopram")
    assert one["efficacy"]["score"] == one["population_efficacy"]["share"]
    assert one["efficacy"]["percentile"] == pytest.approx(100 * 12 / 14)  # of 14 drugs duloxetine alone responds more
    assert (one["efficacy"]["confidence"], one["abstentions"]["efficacy.confidence"]["abstained"]) == (
        None, "not_promoted",
    )  # fmt: skip
    (factor,) = one["genetic_factors"]
    assert (factor["gene"], factor["diplotype"], factor["asked_by"]) == ("CYP2C19", "*2/*2", ["CPIC", "DPWG"])
    assert one["metabolizer_status"] == "CYP2C19 Poor Metabolizer"
    assert one["recommendation"]["action"] == "consider_alternative"
    assert one["recommendation"]["caution_level"] == "high"
    assert one["recommendation"]["rationale"].startswith("CPIC (CYP2C19 Poor Metabolizer): Consider another drug")
    beside = drug_of(told, "venlafaxine")["metabolizer_status"]
    assert beside == "CYP2D6 Normal Metabolizer (beside paroxetine: Poor Metabolizer, not confirmed)"
    lithium = drug_of(told, "lithium")
    assert lithium["recommendation"]["action"] == "no_recommendation"
    assert lithium["recommendation"]["caution_level"] is None
    assert {"efficacy", "side_effects", "genetic_factors", "metabolizer_status"} <= set(lithium["abstentions"])
    withdraw(patient, "genotype")
    hidden = drug_of(answer_of(client, patient), "escitalopram")
    assert (hidden["genetic_factors"], hidden["metabolizer_status"]) == ([], None)
    assert hidden["abstentions"]["metabolizer_status"]["abstained"] == "consent_withheld"


def test_what_is_unknown_is_neither_passed_nor_dropped(client, patient):
    told = answer_of(client, patient, min_efficacy=0.5, max_side_effect_risk=0.15)
    lists = {
        name: {one["medication"] for one in told[name]} for name in ("recommendations", "not_assessed", "excluded")
    }
    assert lists["recommendations"] == set()  # of no drug are both known
    assert {"duloxetine", "escitalopram", "lithium", "valproate", "aripiprazole"} <= lists["not_assessed"]
    assert {"fluoxetine", "bupropion"} <= lists["excluded"]
    assert "aripiprazole" not in lists["excluded"]
    assert drug_of(told, "bupropion")["assessment"] == {"state": "excluded", "by": ["min_efficacy"]}
    why = drug_of(told, "duloxetine")["assessment"]["why"]
    assert set(why) == {"max_side_effect_risk"}
    assert not lists["not_assessed"] & lists["excluded"]


def test_a_drug_with_known_side_effects_is_listed_whatever_the_condition_and_is_no_candidate(client, patient):
    told = answer_of(client, patient, max_side_effect_risk=0.15)
    assert drug_of(told, "haloperidol")["assessment"] == {"state": "excluded", "by": ["max_side_effect_risk"]}
    sertindole = drug_of(told, "sertindole")["average_changes"]
    assert [(one["effect_type"], one["change"], one["unit"]) for one in sertindole] == [("qtc", 23.9, "ms")]
    assert told["comparative_analysis"]["lowest_side_effects"]["medication"] is None
    assert "QTc +23.9 ms against placebo" in page_of(client, patient)


def test_points_of_a_scale_and_odds_are_no_number_of_people(client, patient):
    told = drug_of(answer_of(client, patient, condition_type="anxiety"), "duloxetine")
    assert told["population_difference"]["absolute"] is None
    assert "points of a scale" in told["abstentions"]["population_difference.absolute"]["reason"]
    assert "points of a scale" in told["assessment"]["why"]["min_efficacy"]["reason"]
    left = drug_of(answer_of(client, patient), "fluoxetine")
    assert (left["acceptability"]["odds_ratio"], left["acceptability"]["absolute"]) == (0.88, None)
    assert "odds ratio" in left["abstentions"]["acceptability.absolute"]["reason"]
    page = page_of(client, patient, condition_type="anxiety")
    assert "as people of 100 not assessed: no share of responders on placebo was verified" in page


def rows_of(page: str) -> list[str]:
    table = page.split('id="trials"')[1].split("<tbody>")[1]
    return [row.split("<")[0] for row in table.split('<th scope="row">')[1:]]


def test_the_table_is_filtered_by_class_guidelines_and_known_efficacy(client, patient):
    every = rows_of(page_of(client, patient))
    assert set(rows_of(page_of(client, patient, drug_class="Antipsychotic"))) < set(every)
    assert "haloperidol" in rows_of(page_of(client, patient, drug_class="Antipsychotic"))
    against = rows_of(page_of(client, patient, level="high"))
    assert {"citalopram", "escitalopram"} <= set(against)  # a poor metabolizer of CYP2C19
    assert "lithium" not in against
    assert "lithium" in rows_of(page_of(client, patient, level="none"))
    known = rows_of(page_of(client, patient, with_efficacy="1"))
    assert len(known) == len(shipped_evidence().drugs("depression"))
    assert rows_of(page_of(client, patient, drug_class="x", level="y")) == every


@pytest.mark.parametrize(
    ("sort", "first"),
    [
        ("qtc", ["lurasidone", "brexpiprazole", "cariprazine"]),  # -2.2, -1.5 and -1.5 ms
        ("sedation", ["cariprazine", "perphenazine", "paliperidone"]),  # 4.2, 4.2 and 5 %
        ("movement", ["clozapine", "sertindole", "olanzapine"]),  # 3.8, 7.7 and 8.5 %
        ("weight_gain", ["ziprasidone", "cariprazine", "lurasidone"]),  # 3.4, 3.8 and 4 %
        ("weight", ["bupropion", "fluoxetine", "citalopram"]),  # -0.22, -0.07 and 0.12 kg against sertraline
    ],
)
def test_the_table_is_sorted_by_a_side_effect_and_what_is_not_known_stands_last(client, patient, sort, first):
    rows = rows_of(page_of(client, patient, sort=sort))
    assert rows[:3] == first
    assert rows.index("lithium") > rows.index(first[2])


def test_a_drug_passes_where_both_are_known_and_within_the_limits():
    class One:
        compared = type("Known", (), {"efficacy": 0.5, "burden": 0.1})()

    assert assessed(One(), min_efficacy=0.5, max_risk=0.1) == {"state": "passed"}
    assert assessed(One(), min_efficacy=0.6, max_risk=0.05)["by"] == ["min_efficacy", "max_side_effect_risk"]


@pytest.mark.parametrize("asked", [{"condition_type": "gout"}, {"min_efficacy": 2}, {"max_side_effect_risk": "x"}])
def test_a_question_out_of_range_is_refused(client, patient, asked):
    assert client.get(f"/api/v1/patients/{patient.pk}/medication-recommendations", asked).status_code == 400


def test_evidence_is_only_what_was_read_or_recomputed():
    evidence = shipped_evidence()
    every = [one for by in (*evidence.responses.values(), *evidence.differences.values()) for one in by.values()]
    assert {one.source.status for one in (*every, *evidence.rates, *evidence.changes)} == {"verified", "computed"}
    assert all(one.low < one.high for one in every)


def ended(patient: Any, drug: str, days: int) -> None:
    with recorded(actor_label="system:test", request_id="test"):
        Medication.objects.create(
            patient=patient, drug=drug, started_on=date.today() - timedelta(days=200), started_precision="day",
            ended_on=date.today() - timedelta(days=days), ended_precision="day", stop_reason="no_effect",
        )  # fmt: skip


@pytest.mark.parametrize(("days", "acts"), [(3, True), (34, True), (40, False)])
def test_fluoxetine_that_ended_lately_still_inhibits(clinician, client, patient, days, acts):
    Medication.objects.filter(patient=patient, drug="paroxetine").update(drug="lithium")
    ended(patient, "fluoxetine", days)
    known = known_of(patient, clinician)
    assert ("fluoxetine" in known.acting) is acts
    assert "fluoxetine" not in known.taking
    told = answer_of(client, patient)
    assert (told["genetic_data"]["CYP2D6"]["converted"] == "Poor Metabolizer") is acts
    assert any("may still inhibit" in line for line in told["warnings"]) is acts
    assert ("fluoxetine ended on" in page_of(client, patient)) is acts


@pytest.mark.parametrize(("days", "named"), [(5, True), (20, False)])
def test_another_inhibitor_that_ended_lately_is_named_as_not_known(clinician, patient, days, named):
    ended(patient, "bupropion", days)
    known = known_of(patient, clinician)
    assert "bupropion" not in known.acting
    assert any("bupropion ended on" in line and "not known" in line for line in known.warnings()) is named


def test_interactions_without_a_class_stand_on_the_page_and_in_the_answer(client, patient):
    Medication.objects.filter(patient=patient, drug="paroxetine").update(drug="carbamazepine")
    assert "carbamazepine may induce CYP3A4" in page_of(client, patient)
    assert any("carbamazepine may induce CYP3A4" in line for line in answer_of(client, patient)["warnings"])


@pytest.mark.parametrize(
    ("diplotype", "copies", "phenotype"),
    [("*1/*1", 1, "Intermediate Metabolizer"), ("*1/*1", 0, "Indeterminate"), ("*1x2/*4", 4, "Indeterminate")],
)
def test_a_count_of_copies_below_or_against_the_diplotype_is_not_dropped(
    clinician, client, patient, diplotype, copies, phenotype
):
    with recorded(actor_label="system:test", request_id="test"):
        result = Genotype.objects.get(patient=patient, gene="CYP2D6")
        result.diplotype, result.copy_number = diplotype, copies
        result.save()
    known = known_of(patient, clinician)
    assert known.readings["CYP2D6"].phenotype == phenotype
    contradiction = f"{diplotype} does not go with {copies} cop"
    assert any(contradiction in line for line in known.warnings()) is (phenotype == "Indeterminate")
    assert (contradiction in page_of(client, patient)) is (phenotype == "Indeterminate")
