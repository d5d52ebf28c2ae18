"""What a clinical admin answers for: the multipliers of phenoconversion, and the clinic's own contraindications."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from novamind.audit.models import AuditEvent
from novamind.audit.recording import recorded
from novamind.jobs.kinds import KINDS, SUBSCRIPTIONS
from novamind.jobs.models import Job
from patients.models import Alert, Condition
from patients.treatment.diagnosing import record_condition
from twins.medication import confirming
from twins.medication.confirming import AlreadySo, conversions, say
from twins.medication.context import known_of
from twins.medication.own_rules import Found, rules_of, write_rule
from twins.models import MultiplierConfirmation, SiteRule
from twins.science.pgx import shipped_conversions
from twins.tests.test_medication import answer_of, client, clinician, drug_of, page_of, patient, withdraw
from twins.tests.test_medication_entering import check, look

__all__ = ["client", "clinician", "patient"]
pytestmark = pytest.mark.django_db
PAGE = "/medication-rules/multipliers/"
READ = "Textbook, 3rd edition, page 12"


@pytest.fixture
def admin(clinical_admin: Any) -> Client:
    browser = Client()
    browser.force_login(clinical_admin)
    return browser


def send(admin: Client, **more: str) -> Any:
    return admin.post(PAGE, {"confirmed": "yes", "reason": READ, "data": shipped_conversions().sha256} | more)


def test_what_a_person_confirms_takes_the_place_of_the_genotype(client, patient, clinical_admin, admin):
    before = answer_of(client, patient)
    assert {one["basis"] for one in drug_of(before, "risperidone")["guidelines"]} == {"genotype", "phenoconversion"}
    assert "or still Normal Metabolizer" in page_of(client, patient)
    assert send(admin).status_code == 302
    row = MultiplierConfirmation.objects.get()
    assert (row.by, row.reason, row.confirmed) == (clinical_admin, READ, True)
    event = AuditEvent.objects.get(action="medication-rules:multipliers", method="POST")
    assert (event.object_label, event.object_id) == ("twins.MultiplierConfirmation", str(row.pk))
    after = drug_of(answer_of(client, patient), "risperidone")["guidelines"]
    assert {one["basis"] for one in after if one["genes"]} == {"phenoconversion"}
    shown = page_of(client, patient)
    assert "or still Normal Metabolizer" not in shown
    assert f"confirmed by {clinical_admin}" in shown
    assert send(admin, confirmed="no", reason="Another edition says otherwise.").status_code == 302
    assert drug_of(answer_of(client, patient), "risperidone") == drug_of(before, "risperidone")
    assert "Another edition says otherwise." in admin.get("/medication-rules/").content.decode()


@pytest.mark.parametrize("change", [{"version": "later"}, {"sha256": "f" * 64}])
def test_other_data_are_unconfirmed_again(clinical_admin, monkeypatch, change):
    say(confirmed=True, reason=READ, by=clinical_admin)
    assert conversions().confirmed["by"] == str(clinical_admin)
    other = replace(shipped_conversions(), **change)
    monkeypatch.setattr(confirming, "shipped_conversions", lambda: other)
    assert conversions() is other
    assert conversions().confirmed is None


def test_the_hash_is_of_what_is_confirmed(tmp_path):
    from twins.science.pgx import load_conversions
    from twins.science.pgx.conversion import SHIPPED

    text = SHIPPED.read_text(encoding="utf-8")
    changed = text.replace('"moderate": 0.5', '"moderate": 0.25')
    assert changed != text
    for name, said in (("same.json", text), ("other.json", changed)):
        (tmp_path / name).write_text(said, encoding="utf-8")
    assert load_conversions(tmp_path / "same.json").sha256 == shipped_conversions().sha256
    assert load_conversions(tmp_path / "other.json").sha256 != shipped_conversions().sha256


def test_the_same_twice_other_data_and_a_missing_reason_are_refused(admin, clinical_admin):
    assert send(admin, reason=" ").status_code == 422
    assert send(admin, data="f" * 64).status_code == 422
    assert send(admin, confirmed="no").status_code == 409
    assert not MultiplierConfirmation.objects.exists()
    say(confirmed=True, reason=READ, by=clinical_admin)
    assert send(admin).status_code == 409
    with pytest.raises(AlreadySo):
        say(confirmed=True, reason=READ, by=clinical_admin)


def test_it_asks_for_a_fresh_second_factor_and_the_right(client, admin, monkeypatch):
    assert client.get(PAGE).status_code == client.get("/medication-rules/").status_code == 403
    monkeypatch.setattr("novamind.accounts.second_factor.last_used", lambda request: None)
    answer = admin.get(PAGE)
    assert answer.status_code == 302
    assert answer["Location"].startswith("/accounts/security/")


RULE = {
    "name": "Lithium", "against": "condition", "value": "n18", "severity": "avoid", "text": "Zqxkidney: ask first.",
    "source": "House formulary 2026, 4.2", "reason": "Decided by the committee.",
}  # fmt: skip


def write(by: Any, **more: Any) -> SiteRule:
    with recorded(actor_label="system:test", request_id="test"):
        return write_rule(by=by, **RULE | more)


def found(patient: Any, user: Any) -> dict[str, list[tuple[str, bool]]]:
    with recorded(actor_label="system:test", request_id="test"):
        rules = rules_of(patient, user, known_of(patient, user))
    return {name: [(one.rule.value, one.sure) for one in several] for name, several in rules.items()}


def ill(patient: Any, by: Any, code: str, **more: Any) -> Condition:
    with recorded(actor_label="system:test", request_id="test"):
        return record_condition(patient=patient, by=by, text="Zqxill", code=code, **more)


def test_a_rule_is_entered_changed_and_ended_and_every_version_stays(admin, clinical_admin):
    assert admin.post("/medication-rules/new/", RULE).status_code == 302
    row = SiteRule.objects.get()
    assert (row.drug, row.value, row.version, row.by) == ("lithium", "N18", 1, clinical_admin)
    assert AuditEvent.objects.get(action="medication-rules:new").object_id == str(row.pk)
    path = f"/medication-rules/{row.rule}/"
    assert admin.post(path, RULE | {"version": "1", "severity": "careful"}).status_code == 302
    assert admin.post(path, RULE | {"version": "1"}).status_code == 409
    assert [(one.version, one.severity) for one in SiteRule.objects.standing()] == [(2, "careful")]
    assert admin.post(path, RULE | {"version": "2", "ended": "on"}).status_code == 302
    assert (SiteRule.objects.count(), SiteRule.objects.standing().count()) == (3, 0)
    assert admin.get(path).status_code == 404
    shown = admin.get("/medication-rules/").content.decode()
    assert shown.count("Zqxkidney") == 3


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"name": "Zqxherb"}, "name"),
        ({"value": "kidney"}, "value"),
        ({"against": "drug", "value": "lithium"}, "value"),
        ({"against": "drug", "value": "Zqxherb"}, "value"),
        ({"against": "phenotype", "value": "CYP2D6 Bad Metabolizer"}, "value"),
        ({"against": "phenotype", "value": "COMT Poor Metabolizer"}, "value"),
        ({"source": ""}, "source"),
        ({"reason": ""}, "reason"),
    ],
)
def test_a_rule_that_could_never_match_is_refused_at_its_field(admin, wrong, field):
    answer = admin.post("/medication-rules/new/", RULE | wrong)
    assert (answer.status_code, list(answer.context["form"].errors)) == (422, [field])
    assert not SiteRule.objects.exists()


def test_a_condition_counts_by_its_code_while_it_stands(patient, clinician, clinical_admin):
    write(clinical_admin)
    assert found(patient, clinician) == {}
    ill(patient, clinician, "N18.3", certainty="refuted")
    ill(patient, clinician, "N18.3", status="resolved")
    ill(patient, clinician, "N17.9")
    assert found(patient, clinician) == {}
    ill(patient, clinician, "N18.3")
    assert found(patient, clinician) == {"lithium": [("N18", True)]}
    withdraw(patient, "notes")
    assert found(patient, clinician) == {}


def test_a_labelled_condition_counts_for_nobody_it_is_hidden_from(patient, clinician, clinical_admin):
    write(clinical_admin, value="F10")
    row = ill(patient, clinician, "F10.2")
    assert "lithium" in found(patient, clinician)
    with recorded(actor_label="system:test", request_id="test"):
        Condition.objects.filter(pk=row.pk).update(part2=True)
    assert found(patient, clinician) == found(patient, None) == {}


# The patient's CYP2D6 is normal by genotype and takes paroxetine, a strong inhibitor; CYP2C19 is poor.
def test_a_phenotype_and_another_drug_count_and_an_open_genotype_is_said(patient, clinician, clinical_admin):
    write(clinical_admin, against="phenotype", value="cyp2c19 poor metabolizer")
    write(clinical_admin, against="phenotype", value="CYP2D6 Poor Metabolizer")
    write(clinical_admin, against="phenotype", value="CYP2D6 Ultrarapid Metabolizer")
    write(clinical_admin, against="drug", value="paroxetine")
    write(clinical_admin, against="drug", value="venlafaxine")  # was stopped
    assert sorted(found(patient, clinician)["lithium"]) == [
        ("CYP2C19 Poor Metabolizer", True), ("CYP2D6 Poor Metabolizer", False), ("paroxetine", True),
    ]  # fmt: skip
    say(confirmed=True, reason=READ, by=clinical_admin)
    assert ("CYP2D6 Poor Metabolizer", True) in found(patient, clinician)["lithium"]


def test_it_is_told_as_the_clinics_own_wherever_the_drug_is(client, patient, clinician, clinical_admin):
    rule = write(clinical_admin, against="drug", value="paroxetine")
    assert "this clinic's own" in page_of(client, patient)
    assert "Zqxkidney" in page_of(client, patient)
    [told] = answer_of(client, patient)["site_contraindications"]
    assert (told["medication"], told["severity"], told["rule"]) == ("lithium", "avoid", str(rule.rule))
    said = check(client, patient, "lithium")[0]
    assert (said["by"], said["level"]) == ("This clinic's rule", "against")
    assert "House formulary 2026, 4.2; version 1" in said["text"]
    backwards = write(clinical_admin, name="paroxetine", against="drug", value="bupropion")
    assert [one["text"] for one in check(client, patient, "bupropion") if "Zqxkidney" in one["text"]] == [
        f"Of paroxetine, which is taken: {Found(backwards, sure=True).words}"
    ]


@pytest.mark.parametrize(("severity", "raised"), [("contraindicated", 1), ("avoid", 1), ("careful", 0)])
def test_it_alerts_where_it_speaks_against_a_drug_that_is_taken(patient, clinical_admin, severity, raised):
    about = {"name": "paroxetine", "against": "phenotype", "severity": severity}
    write(clinical_admin, **about, value="CYP2C19 Ultrarapid Metabolizer")
    look(patient)
    assert not Alert.objects.exists()
    rule = write(clinical_admin, **about, value="CYP2C19 Poor Metabolizer")
    look(patient)
    assert Alert.objects.count() == raised
    write(clinical_admin, **about, value=rule.value, known=rule.rule, version=1, active=False)
    look(patient)
    assert {one.state for one in Alert.objects.all()} <= {"resolved"}


def test_a_new_rule_looks_at_everybody_who_takes_something(patient, clinical_admin):
    [listener] = SUBSCRIPTIONS["medication_rules.changed"]
    assert listener.kind == "twins.watch_medications"
    with recorded(actor_label="system:test", request_id="test"), transaction.atomic():
        KINDS[listener.kind].function().store()
    waiting = Job.objects.filter(kind="twins.watch_medication")
    assert [one.args for one in waiting] == [{"patient_id": str(patient.pk)}]
