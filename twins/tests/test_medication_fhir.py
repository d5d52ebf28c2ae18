"""Genotypes and recommendations as FHIR: the elements the profiles require, every reference resolved, ids that stay."""

from __future__ import annotations

import json
import re
from datetime import date
from typing import Any
from uuid import UUID

from twins.medication.fhir import Called, bundle
from twins.science.pgx import recommend, shipped_conversions, shipped_rules
from twins.science.pgx.reading import read_panel

PATIENT = UUID("3f0c5f9e-7a43-4f0e-9c39-0f0a3b1f1a01")
GENES = {"CYP2D6": "*4/*4", "CYP2C19": "*2/*2"}
CALLED = [Called(UUID(int=n), gene, text, date(2026, 3, 5)) for n, (gene, text) in enumerate(GENES.items(), 1)]
IG = "http://hl7.org/fhir/uv/genomics-reporting"
LABORATORY = ("http://terminology.hl7.org/CodeSystem/observation-category", "laboratory")
#: By hand, from the differentials of the profiles (STU3): what must be there, and with which pattern.
REQUIRED: dict[str, dict[str, Any]] = {
    "genotype": {
        "resourceType": "Observation", "status": "final", "code": ("http://loinc.org", "84413-4"),
        "there": ("category", "valueCodeableConcept", "subject"), "not": ("derivedFrom",),
        "components": {("http://loinc.org", "48018-6")},
    },
    "therapeutic-implication": {
        "resourceType": "Observation", "status": "final",
        "code": (f"{IG}/CodeSystem/tbd-codes-cs", "therapeutic-implication"),
        "there": ("category", "derivedFrom", "subject"),
        "not": ("valueCodeableConcept", "valueString", "valueQuantity"),  # value[x] 0..0
        "components": {
            ("http://loinc.org", "51963-7"), (f"{IG}/CodeSystem/tbd-codes-cs", "therapeutic-implication")
        },
    },
    "medication-recommendation": {
        "resourceType": "Task", "status": "requested", "intent": "proposal", "there": ("for", "reasonReference"),
        "not": ("focus",), "components": set(),
    },
}  # fmt: skip


def drugs(*names: str, genes: dict[str, str] = GENES, taking: tuple[str, ...] = ()) -> list[Any]:
    rules = shipped_rules()
    panel, known = read_panel(genes, rules), shipped_conversions()
    return [one for name in names for one in recommend(name, panel, rules, known, taking=taking)]


def made(*names: str, **more: Any) -> list[dict[str, Any]]:
    found = bundle(PATIENT, CALLED, drugs(*names, **more), shipped_rules().version)
    assert (found["resourceType"], found["type"]) == ("Bundle", "collection")
    return [entry["resource"] for entry in found["entry"]]


def code_of(concept: dict[str, Any]) -> tuple[str, str]:
    (coding,) = concept["coding"]
    return coding["system"], coding["code"]


def profile_of(resource: dict[str, Any]) -> str:
    (profile,) = resource["meta"]["profile"]
    assert profile.startswith(f"{IG}/StructureDefinition/")
    return profile.rsplit("/", 1)[1]


def test_every_resource_has_what_its_profile_requires_and_nothing_it_forbids():
    resources = made("citalopram", "paroxetine", "nortriptyline", "sertraline")
    assert {profile_of(one) for one in resources} == set(REQUIRED)
    for one in resources:
        wanted = REQUIRED[profile_of(one)]
        for name in ("resourceType", "status", "intent"):
            assert one.get(name) == wanted.get(name)
        if one["resourceType"] == "Observation":
            assert code_of(one["code"]) == wanted["code"]
            assert LABORATORY in [code_of(each) for each in one["category"]]
        assert all(one.get(name) for name in wanted["there"])
        assert not set(one) & set(wanted["not"])
        components = {code_of(each["code"]) for each in one.get("component", ())}
        assert components == wanted["components"]
        assert all(each["valueCodeableConcept"]["text"] for each in one.get("component", ()))


def test_every_reference_is_to_a_resource_of_the_profile_it_may_be_of():
    found = bundle(PATIENT, CALLED, drugs("citalopram", "amitriptyline"), "1")
    by_url = {entry["fullUrl"]: entry["resource"] for entry in found["entry"]}
    assert len(by_url) == len(found["entry"])
    for url, one in by_url.items():
        assert url == f"urn:uuid:{UUID(one['id'])}"
        assert {profile_of(by_url[each["reference"]]) for each in one.get("derivedFrom", ())} <= {"genotype"}
        if "reasonReference" in one:
            assert profile_of(by_url[one["reasonReference"]["reference"]]) == "therapeutic-implication"


def test_the_same_contents_have_the_same_ids_and_another_patient_has_others():
    said = drugs("citalopram")
    one, again = (bundle(PATIENT, CALLED, said, "1") for _ in range(2))
    assert json.dumps(one) == json.dumps(again)
    other = bundle(UUID(int=9), CALLED, said, "1")
    assert not {entry["fullUrl"] for entry in one["entry"]} & {entry["fullUrl"] for entry in other["entry"]}


def test_no_code_of_loinc_is_there_that_was_not_verified():
    text = json.dumps(made("citalopram", "paroxetine", "atomoxetine", "carbamazepine"))
    found = set(re.findall(r'"system": "http://loinc.org", "code": "([^"]+)"', text))
    assert found == {"84413-4", "48018-6", "51963-7", "LA26421-0"}


def test_only_what_speaks_against_a_drug_is_coded_as_another_one_and_the_usual_dose_is_no_task():
    tasks = [one for one in made("nortriptyline") if one["resourceType"] == "Task"]
    coded = {"coding" in one["code"] for one in tasks if "avoid" in one["code"]["text"]}
    assert coded == {True}
    usual = made("citalopram", genes={"CYP2C19": "*1/*1"})
    assert [one for one in usual if one["resourceType"] == "Task"] == []


def test_what_nobody_confirmed_is_preliminary_and_its_task_a_draft_with_both_possibilities():
    found = made("nortriptyline", genes={"CYP2D6": "*1/*1"}, taking=("paroxetine",))
    of = [one for one in found if profile_of(one) == "therapeutic-implication"]
    implications = {one["note"][0]["text"]: one["status"] for one in of}
    assert sorted(implications.values()) == ["final", "preliminary", "preliminary"]
    for text, status in implications.items():
        assert ("Not confirmed" in text) is (status == "preliminary")
    drafts = [one for one in found if one["resourceType"] == "Task" and one["status"] == "draft"]
    assert [one["status"] for one in found if one["resourceType"] == "Task"] == ["requested", "draft", "draft"]
    assert "By the genotype alone: CYP2D6 Normal Metabolizer: Start with the usual dose." in drafts[0]["description"]


def test_what_rests_on_no_genotype_given_and_what_says_nothing_are_left_out():
    assert {profile_of(one) for one in made("bupropion")} == {"genotype"}
    found = bundle(PATIENT, CALLED[:1], drugs("citalopram"), "1")  # CYP2C19 is not among them
    assert [profile_of(entry["resource"]) for entry in found["entry"]] == ["genotype"]


def test_the_source_and_the_version_of_the_rules_are_named():
    one = next(one for one in made("citalopram") if profile_of(one) == "therapeutic-implication")
    (artifact,) = one["extension"]
    assert artifact["valueRelatedArtifact"]["url"].startswith("https://www.clinpgx.org/guidelineAnnotation/")
    assert artifact["valueRelatedArtifact"]["type"] == "citation"
    assert shipped_rules().version in one["note"][0]["text"]
