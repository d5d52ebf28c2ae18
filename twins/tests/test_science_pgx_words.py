"""What the sentences of the rules must not leave out."""

from __future__ import annotations

import json
import re

import pytest

from patients.vocabularies import drugs
from twins.science.pgx import (
    Recommendation,
    caution,
    population_words,
    read_panel,
    recommend,
    shipped_conversions,
    shipped_rules,
    warnings,
    weight,
)
from twins.science.pgx.building import holds
from twins.science.pgx.rules import Rule

RISKY = ("*15:02 positive", "*15:11 positive", "*31:01 positive", "*15:02 and *15:11 positive")


def said_of(drug: str, *taking: str, population: str | None = None, **genes: str) -> list[Recommendation]:
    """What is recommended; a gene's name with a low line for its hyphen."""
    readings = read_panel({name.replace("_", "-"): text for name, text in genes.items()}, shipped_rules())
    known = shipped_conversions()
    return recommend(drug, readings, shipped_rules(), known, taking=taking, population=population)


def rules_of(*drugs: str, source: str | None = None) -> list[Rule]:
    return [
        rule
        for name, blocks in shipped_rules().blocks.items()
        for block in blocks
        if (not drugs or name in drugs) and source in {None, block.guideline.source}
        for rule in block.rules
    ]


def speaks_of(rule: Rule, *states: str) -> bool:
    return any(state in states for one in rule.when.values() for state in one)


def risky() -> list[Rule]:
    """The rows of people who carry an allele, without those for who has no other choice."""
    found = [rule for rule in rules_of() if any(set(states) and set(states) <= set(RISKY)
             for gene, states in rule.when.items() if gene.startswith("HLA"))]  # fmt: skip
    return [rule for rule in found if rule.actions[0] != "careful_monitoring" or "no alternatives" not in
            (rule.population or "")]  # fmt: skip


def test_every_row_of_an_hla_allele_names_the_relatives_that_are_no_safe_exchange():
    assert len(risky()) > 15
    bare = [(rule.guideline.source, rule.drug, rule.population) for rule in risky()
            if not {"lamotrigine", "phenytoin", "oxcarbazepine", "carbamazepine"} - {rule.drug}
            & set(rule.text.casefold().replace(",", " ").replace("(", " ").split())]  # fmt: skip
    assert bare == []


@pytest.mark.parametrize("drug", ["lamotrigine", "oxcarbazepine", "phenytoin"])
def test_carbamazepine_is_no_alternative_with_15_02(drug):
    said = [rule.text for rule in rules_of(drug, source="DPWG") if speaks_of(rule, "*15:02 positive")]
    assert len(said) == 1
    assert "Carbamazepine is none" in said[0]


def test_who_may_not_have_carbamazepine_is_warned_of_its_relatives():
    [dpwg] = [
        rule for rule in rules_of("carbamazepine", source="DPWG") if rule.when.get("HLA-B") == ("*15:02 positive",)
    ]
    assert "Phenytoin, lamotrigine and oxcarbazepine raise the risk of SJS/TEN" in dpwg.text
    cpic = {rule.population: rule.text for rule in rules_of("carbamazepine", source="CPIC")
            if rule.when["HLA-B"] == ("*15:02 positive",)}  # fmt: skip
    assert "choose among them with caution" in cpic["CBZ naive"]
    assert "Who tolerated carbamazepine need not tolerate other aromatic anticonvulsants" in cpic["CBZ use >3mos"]


UNTESTED = "HLA-B was not tested: this says nothing about *15:02."


def test_an_hla_gene_that_was_not_tested_is_named_and_never_reads_as_cleared():
    said = said_of("carbamazepine", population="naive", HLA_A="*31:01 negative")
    usual = [one for one in said if one.action == "standard_dosing"]
    assert usual
    assert all(UNTESTED in one.text and weight(one) == 2 for one in usual)
    assert caution(said) == "medium"
    both = said_of("carbamazepine", population="naive", HLA_A="*31:01 negative", HLA_B="*15:02 negative")
    assert UNTESTED not in " ".join(one.text for one in both)
    assert caution(both) == "low"


def test_a_negative_result_is_only_spoken_of_where_there_is_one():
    negative = "A negative HLA-B*15:02 leaves some risk"
    untested = " ".join(one.text for one in said_of("phenytoin", CYP2C9="*1/*1"))
    assert negative not in untested
    assert UNTESTED in untested
    tested = " ".join(one.text for one in said_of("phenytoin", CYP2C9="*1/*1", HLA_B="*15:02 negative"))
    assert negative in tested
    assert UNTESTED not in tested


def test_only_the_action_that_leads_speaks_against_a_drug():
    assert caution(said_of("citalopram", CYP2C19="*1/*17")) == "medium"  # another drug only if it does not work
    assert caution(said_of("citalopram", CYP2C19="*2/*2")) == "high"
    assert caution(said_of("lithium", CYP2C19="*2/*2")) is None


@pytest.mark.data
def test_a_lower_start_at_the_source_is_a_lower_start_here(shared_reference):
    reference = json.loads((shared_reference / "pgx_rules.json").read_text(encoding="utf-8"))
    lower = [row for row in reference["recommendations"] if "lower starting dose" in row["recommendation"].casefold()]
    assert {row["drug"] for row in lower} >= {"citalopram", "escitalopram", "sertraline", "paroxetine", "fluvoxamine"}
    silent = [
        (row["drug"], rule.when, rule.text)
        for row in lower
        for rule in shipped_rules().blocks[row["drug"]][0].rules
        if rule.guideline.id == row["guideline_id"]
        for lookup in row["lookups"]
        if all(_asks(rule, gene, value) for gene, value in lookup.items())
        and not re.search(r"Start with less than usual|[Gg]ive [\d %to]+ of the usual starting dose", rule.text, re.I)
    ]
    assert silent == []


def _asks(rule: Rule, gene: str, value: str) -> bool:
    scored = re.fullmatch(r"[0-9.]+", value)
    return any("AS" in one and holds(one, float(value)) if scored else one == value for one in rule.when[gene])


@pytest.mark.parametrize(
    ("drug", "genes"),
    [
        ("citalopram", {"CYP2C19": "*2/*2"}),
        ("escitalopram", {"CYP2C19": "*2/*2"}),
        ("sertraline", {"CYP2C19": "*2/*2"}),
        ("sertraline", {"CYP2C19": "*2/*2", "CYP2B6": "*1/*1"}),
    ],
)
def test_poor_metabolizers_start_lower_rise_slower_and_stay_at_half(drug, genes):
    [said] = [one.text.casefold() for one in said_of(drug, **genes) if one.source == "CPIC"]
    assert "start with less than usual. give 50 % of the usual maintenance dose." in said
    assert "raise the dose more slowly than usual" in said


@pytest.mark.parametrize("diplotype", ["*1/*4", "*1x2/*2x2"])
def test_evidence_too_thin_to_act_on_is_no_word_for_the_usual_dose(diplotype):
    [said] = [one for one in said_of("venlafaxine", CYP2D6=diplotype) if one.source == "CPIC"]
    assert (said.action, said.strength) == ("no_recommendation", "No recommendation")
    assert "too thin to act on" in said.text
    assert weight(said) == 0


def test_no_rule_without_a_recommendation_reads_as_no_change():
    silent = [rule for rule in rules_of() if rule.strength == "No recommendation"]
    assert silent
    assert {rule.actions for rule in silent} == {("no_recommendation",)}
    assert not [rule.text for rule in silent if "no change" in rule.text or "usual dose." in rule.text.split(". ")[0]]


def warned_of(*taking: str, **genes: str) -> str:
    return " ".join(warnings(taking, read_panel(genes, shipped_rules()), shipped_rules(), shipped_conversions()))


@pytest.mark.parametrize("inducer", ["carbamazepine", "phenytoin"])
def test_an_inducer_of_the_enzyme_of_quetiapine_is_warned_of_and_weighs(inducer):
    assert f"{inducer} may induce CYP3A4" in warned_of(inducer)
    assert "quetiapine" in warned_of(inducer)
    assert all(one.beside == (inducer,) for one in said_of("quetiapine", inducer, CYP3A4="*1/*22") if one.genes)


@pytest.mark.parametrize("taken", ["fluvoxamine", "omeprazole", "rifampin"])
def test_beside_a_drug_that_changes_the_enzyme_caution_is_never_low(taken):
    assert caution(said_of("citalopram", CYP2C19="*1/*1")) == "low"
    assert caution(said_of("citalopram", taken, CYP2C19="*1/*1")) == "medium"
    assert caution(said_of("citalopram", "lithium", CYP2C19="*1/*1")) == "low"


def test_a_drug_with_a_class_for_one_enzyme_is_still_warned_of_for_another():
    assert "fluoxetine may inhibit CYP2C19" in warned_of("fluoxetine", CYP2D6="*1/*1")
    assert "may" not in warned_of("paroxetine", CYP2D6="*1/*1")


@pytest.mark.parametrize("genes", [{}, {"CYP2D6": "not tested"}, {"CYP2D6": "indeterminate"}])
def test_a_strong_inhibitor_decides_whatever_the_genotype_and_is_named(genes):
    assert "paroxetine may leave nothing of CYP2D6" in warned_of("paroxetine", **genes)
    assert "(not confirmed)" in warned_of("paroxetine", **genes)
    said = [one for one in said_of("nortriptyline", "paroxetine", **genes) if one.source == "CPIC"]
    assert [(one.basis, one.action) for one in said] == [
        ("genotype", "no_recommendation"),
        ("phenoconversion", "avoid"),
    ]
    moderate = [one for one in said_of("nortriptyline", "duloxetine", **genes) if one.source == "CPIC"]
    assert {one.basis for one in moderate} == {"genotype"}


def test_every_drug_that_changes_an_enzyme_can_be_written_in_a_chart():
    assert [name for name in shipped_conversions().drugs if name not in drugs()] == []


@pytest.mark.parametrize("drug", ["amitriptyline", "nortriptyline", "doxepin", "imipramine"])
def test_what_ultrarapid_metabolizers_make_of_a_tricyclic_is_called_cardiotoxic(drug):
    assert [
        one
        for one in said_of(drug, CYP2D6="*1x2/*2x2")
        if one.source == "DPWG" and "cardiotoxic" in one.text.casefold()
    ]


def test_quetiapine_for_depression_is_another_drug_and_for_other_uses_a_share():
    [said] = [one for one in said_of("quetiapine", CYP3A4="*20/*20") if one.source == "DPWG"]
    assert said.text == (
        "For depression choose another drug: aripiprazole depends less on CYP3A4, olanzapine not at all. "
        "For other uses give 30 % of the usual dose."
    )


def test_no_page_shows_a_population_by_the_code_of_its_source():
    assert population_words("CBZ-no alternatives") == "no alternative to carbamazepine"
    assert population_words("CBZ use >3mos") == "carbamazepine taken for over 3 months"
    assert population_words("OXC use >3 mos") == "oxcarbazepine taken for over 3 months"
    assert population_words("PHT naive") == "phenytoin not taken before"
    assert (population_words("general"), population_words(None)) == ("", "")
    every = {rule.population for blocks in shipped_rules().blocks.values() for one in blocks for rule in one.rules}
    told = {population_words(one) for one in every}
    assert len(told) == len(every - {None})  # no two of them become one; None is what "general" is
    assert not any(code in words for words in told for code in ("CBZ", "PHT", "OXC", "mos", "naive"))


def test_atomoxetine_of_ultrarapid_metabolizers_tells_of_the_dose_and_of_no_higher_target():
    """CPIC: a peak under 200 ng/mL, then in proportion towards 400; over 100 mg a day may be needed in adults."""
    for population in ("adults", "pediatrics"):
        (one,) = [
            each for each in said_of("atomoxetine", population=population, CYP2D6="*1x2/*2x2") if each.source == "CPIC"
        ]
        assert "below 200 ng/mL the dose may be raised in proportion, in adults above 100 mg a day" in one.text
        assert "target" not in one.text


def test_citalopram_of_poor_metabolizers_names_the_age_the_label_names():
    (one,) = [each for each in said_of("citalopram", CYP2C19="*2/*2") if each.source == "CPIC"]
    assert "everybody over 60 years, at most 20 mg a day" in one.text


def test_an_unknown_allele_gets_no_recommendation_and_never_the_usual_dose():
    said = said_of("atomoxetine", CYP2D6="*1/*999") + said_of("citalopram", CYP2C19="*1/*999")
    assert {one.action for one in said} == {"no_recommendation"}
    assert not any("usual dose" in one.text.lower() for one in said)
