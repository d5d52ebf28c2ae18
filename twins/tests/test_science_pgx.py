"""Genotype to phenotype, guidelines side by side, phenoconversion: what holds whatever file is beside the product.

The table is the summary of CPIC's and DPWG's guidelines that clinicians read, typed by hand; no row of it was computed.
"""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twins.science.pgx import (
    Question,
    RulesError,
    UnknownDrug,
    UnknownGene,
    UnknownPopulation,
    WrongDiplotype,
    answer,
    caution,
    load_conversions,
    load_rules,
    read_gene,
    read_panel,
    recommend,
    shipped_conversions,
    shipped_rules,
    weight,
)
from twins.science.pgx.conversion import SHIPPED as CONVERSIONS
from twins.science.pgx.rules import SHIPPED

POOR_2C19, INTERMEDIATE_2C19, NORMAL_2C19 = {"CYP2C19": "*2/*2"}, {"CYP2C19": "*1/*2"}, {"CYP2C19": "*1/*1"}
RAPID_2C19, ULTRA_2C19 = {"CYP2C19": "*1/*17"}, {"CYP2C19": "*17/*17"}
POOR, INTERMEDIATE, NORMAL, ULTRA = ({"CYP2D6": text} for text in ("*4/*5", "*1/*4", "*1/*1", "*1x2/*2x2"))

PHENOTYPES = ["Poor Metabolizer", "Intermediate Metabolizer", "Normal Metabolizer", "Ultrarapid Metabolizer"]

SUMMARY = [
    ("citalopram", POOR_2C19, "CPIC", "consider_alternative", "Strong", 0.5),
    ("escitalopram", POOR_2C19, "CPIC", "consider_alternative", "Strong", 0.5),
    ("citalopram", INTERMEDIATE_2C19, "CPIC", "slower_titration", "Moderate", None),
    ("citalopram", NORMAL_2C19, "CPIC", "standard_dosing", "Strong", None),
    ("citalopram", RAPID_2C19, "CPIC", "standard_dosing", "Optional", None),
    ("citalopram", ULTRA_2C19, "CPIC", "consider_alternative", "Strong", None),
    ("citalopram", ULTRA_2C19, "DPWG", "no_action", "N/A", None),
    ("escitalopram", ULTRA_2C19, "DPWG", "avoid", "N/A", None),
    ("sertraline", POOR_2C19, "CPIC", "reduced_dosing", "Moderate", 0.5),
    ("sertraline", {"CYP2B6": "*6/*6"}, "CPIC", "reduced_dosing", "Optional", 0.75),
    ("sertraline", POOR_2C19 | {"CYP2B6": "*6/*6"}, "CPIC", "consider_alternative", "Optional", None),
    ("sertraline", POOR_2C19, "DPWG", "dose_cap", "N/A", None),
    ("paroxetine", POOR, "CPIC", "reduced_dosing", "Moderate", 0.5),
    ("paroxetine", INTERMEDIATE, "CPIC", "reduced_dosing", "Optional", None),
    ("paroxetine", ULTRA, "CPIC", "consider_alternative", "Moderate", None),
    ("paroxetine", POOR, "DPWG", "no_action", "N/A", None),
    ("paroxetine", ULTRA, "DPWG", "avoid", "N/A", None),
    ("fluvoxamine", POOR, "CPIC", "reduced_dosing", "Optional", [0.5, 0.75]),
    ("fluvoxamine", ULTRA, "CPIC", "no_recommendation", "No recommendation", None),
    ("venlafaxine", POOR, "CPIC", "consider_alternative", "Optional", None),
    ("venlafaxine", INTERMEDIATE, "CPIC", "no_recommendation", "No recommendation", None),
    ("venlafaxine", INTERMEDIATE, "DPWG", "avoid", "N/A", None),
    ("vortioxetine", POOR, "CPIC", "reduced_dosing", "Moderate", 0.5),
    ("vortioxetine", ULTRA, "CPIC", "consider_alternative", "Optional", None),
    ("nortriptyline", POOR, "CPIC", "avoid", "Strong", 0.5),
    ("desipramine", POOR, "CPIC", "avoid", "Optional", 0.5),
    ("nortriptyline", {"CYP2D6": "*4/*10"}, "CPIC", "reduced_dosing", "Moderate", 0.75),
    ("nortriptyline", INTERMEDIATE, "CPIC", "reduced_dosing", "Optional", 0.75),
    ("nortriptyline", ULTRA, "DPWG", "increased_dosing", "N/A", 1.7),
    ("atomoxetine", POOR, "CPIC", "slower_titration", "Strong", None),
    ("atomoxetine", {"CYP2D6": "*10/*10"}, "CPIC", "slower_titration", "Moderate", None),
    ("atomoxetine", INTERMEDIATE, "CPIC", "standard_dosing", "Moderate", None),
    ("aripiprazole", POOR, "DPWG", "dose_cap", "N/A", None),
    ("aripiprazole", INTERMEDIATE, "DPWG", "no_action", "N/A", None),
    ("brexpiprazole", POOR, "DPWG", "reduced_dosing", "N/A", 0.5),
    ("risperidone", POOR, "DPWG", "reduced_dosing", "N/A", 0.67),
    ("haloperidol", POOR, "DPWG", "reduced_dosing", "N/A", 0.6),
    ("haloperidol", ULTRA, "DPWG", "increased_dosing", "N/A", 1.5),
    ("zuclopenthixol", POOR, "DPWG", "reduced_dosing", "N/A", 0.5),
    ("zuclopenthixol", INTERMEDIATE, "DPWG", "reduced_dosing", "N/A", 0.75),
    ("pimozide", POOR, "DPWG", "dose_cap", "N/A", None),
    ("quetiapine", {"CYP3A4": "*6/*20"}, "DPWG", "consider_alternative", "N/A", 0.3),
    ("carbamazepine", {"HLA-B": "*15:02 positive"}, "DPWG", "avoid", "N/A", None),
    ("lamotrigine", {"HLA-B": "*15:02/*07:02"}, "DPWG", "avoid", "N/A", None),
    ("phenytoin", {"CYP2C9": "*3/*3"}, "DPWG", "reduced_dosing", "N/A", 0.4),
    ("phenytoin", {"CYP2C9": "*2/*2"}, "DPWG", "reduced_dosing", "N/A", 0.5),
]


def ask(diplotypes, *drugs, taking=(), population=None, known=None):
    return answer(Question(diplotypes, drugs, taking, population), shipped_rules(), known or shipped_conversions())


def said_by(source, answered, **wanted):
    found = [one for one in answered["recommendations"] if one["source"] == source]
    return [one for one in found if all(one[key] == value for key, value in wanted.items())]


@pytest.mark.parametrize(("drug", "diplotypes", "source", "action", "strength", "factor"), SUMMARY)
def test_a_guideline_is_given_as_its_published_summary_has_it(drug, diplotypes, source, action, strength, factor):
    asked = ask(diplotypes, drug, population="pediatrics" if drug == "atomoxetine" else None)
    said = [one for one in said_by(source, asked) if set(one["genes"]) & set(diplotypes)]
    assert [(one["action"], one["strength"], one["dose_factor"]) for one in said] == [(action, strength, factor)]
    assert said[0]["url"].startswith("https://www.clinpgx.org/guidelineAnnotation/")
    assert said[0]["version"] == shipped_rules().version
    assert said[0]["date"] in {"2024-03-25", "2025-11-05"}


@pytest.mark.parametrize(
    ("text", "score", "cpic", "dpwg"),
    [
        ("*1/*1", 2.0, "standard_dosing", "no_recommendation"),
        ("*1x2/*4", 2.0, "standard_dosing", "no_recommendation"),
        ("*1/*41x3", 1.75, "standard_dosing", "no_recommendation"),
        ("*1x2/*17", 2.5, "avoid", "no_recommendation"),
        ("*1x2/*41x3", 2.75, "avoid", "increased_dosing"),
        ("*1x3/*41x3", 3.75, "avoid", "increased_dosing"),
        ("*1x≥3/*41x3", "≥3.75", "avoid", "increased_dosing"),
        ("*1x>=3/*1x>=3", "≥6.0", "avoid", "increased_dosing"),
        ("*1x7/*1", 8.0, "avoid", "increased_dosing"),
    ],
)
def test_scores_are_matched_by_interval_and_each_body_cuts_its_own(text, score, cpic, dpwg):
    asked = ask({"CYP2D6": text}, "nortriptyline")
    assert asked["genes"]["CYP2D6"]["activity_score"] == score
    assert [one["action"] for one in said_by("CPIC", asked)] == [cpic]
    assert [one["action"] for one in said_by("DPWG", asked)] == [dpwg]


def test_children_with_a_score_of_three_and_a_half_get_the_text_of_ultrarapid_metabolizers():
    said = ask({"CYP2D6": "*1x3/*17"}, "atomoxetine", population="pediatrics")["recommendations"]
    ultra = ask({"CYP2D6": "*1x2/*1"}, "atomoxetine", population="pediatrics")["recommendations"]
    assert said[0]["text"] == ultra[0]["text"]
    assert "increased_dosing" in said[0]["actions"]


def test_not_tested_and_indeterminate_are_two_things():
    untested = ask({"CYP2D6": "not tested", "CYP2C19": "*1/*1"}, "amitriptyline")
    unknown = ask({"CYP2D6": "*1/*22", "CYP2C19": "*1/*1"}, "amitriptyline")
    assert untested["genes"]["CYP2D6"]["phenotype"] == "No Result"
    assert unknown["genes"]["CYP2D6"]["phenotype"] == "Indeterminate"
    assert [one["action"] for one in said_by("CPIC", untested)] == ["standard_dosing"]  # CPIC has a row for it
    assert [one["action"] for one in said_by("CPIC", unknown)] == ["no_recommendation"]


def test_an_unknown_allele_gives_no_recommendation_and_is_named():
    asked = ask({"CYP2C19": "*1/*999"}, "citalopram")
    assert asked["genes"]["CYP2C19"]["status"] == "indeterminate"
    assert asked["genes"]["CYP2C19"]["unknown_alleles"] == ["*999"]
    assert {one["action"] for one in asked["recommendations"]} == {"no_recommendation"}


def test_a_drug_of_two_genes_is_answered_when_one_is_missing():
    assert said_by("CPIC", ask(POOR_2C19, "sertraline"))[0]["action"] == "reduced_dosing"
    assert said_by("CPIC", ask({"CYP2C9": "*1/*3"}, "phenytoin", population="naive"))[0]["dose_factor"] == 0.75


def test_with_no_gene_at_all_every_source_says_that_it_has_no_recommendation():
    for drug in shipped_rules().drugs:
        said = ask({}, drug)["recommendations"]
        assert {one["source"] for one in said} == {"CPIC", "DPWG"}
        assert {one["action"] for one in said} == {"no_recommendation"}


@pytest.mark.parametrize("drug", ["fluoxetine", "lithium", "bupropion"])
def test_a_drug_without_rules_gets_no_recommendation_of_each_source(drug):
    said = ask(POOR, drug)["recommendations"]
    assert [(one["source"], one["action"]) for one in said] == [
        ("CPIC", "no_recommendation"),
        ("DPWG", "no_recommendation"),
    ]


def test_tricyclic_advice_says_that_it_is_for_doses_of_depression():
    for drug in (
        "amitriptyline",
        "clomipramine",
        "desipramine",
        "doxepin",
        "imipramine",
        "nortriptyline",
        "trimipramine",
    ):
        said = said_by("CPIC", ask(NORMAL | NORMAL_2C19, drug))
        assert all("depression" in one["text"] for one in said)


@pytest.mark.parametrize(
    ("diplotypes", "population", "action", "strength"),
    [
        ({"HLA-B": "*15:02 positive", "HLA-A": "*31:01 positive"}, "naive", "avoid", "Strong"),
        ({"HLA-B": "*15:02 positive", "HLA-A": "*31:01 negative"}, "CBZ-no alternatives", "avoid", "Strong"),
        ({"HLA-B": "*15:02 negative", "HLA-A": "*31:01 positive"}, "CBZ naive", "avoid", "Strong"),
        ({"HLA-B": "*15:02 negative", "HLA-A": "*31:01 positive"}, "no alternatives", "careful_monitoring", "Optional"),
        ({"HLA-B": "*15:02 positive"}, "CBZ use >3mos", "careful_monitoring", "Optional"),
        ({"HLA-A": "*02:01/*24:02", "HLA-B": "*07:02/*08:01"}, "naive", "standard_dosing", "Strong"),
        ({"HLA-A": "*31:01 negative", "HLA-B": "indeterminate"}, "naive", "no_recommendation", "No recommendation"),
        ({"HLA-A": "*31:01 positive", "HLA-B": "indeterminate"}, "naive", "avoid", "Strong"),
        ({"HLA-A": "*31:01 positive", "HLA-B": "*15:11 negative"}, "naive", "avoid", "Strong"),
        ({"HLA-A": "*31:01 positive", "HLA-B": "*40:01/?"}, "naive", "avoid", "Strong"),
        ({"HLA-A": "*31:01 negative", "HLA-B": "*15:11 negative"}, "naive", "no_recommendation", "No recommendation"),
        ({"HLA-A": "indeterminate", "HLA-B": "*15:02 positive"}, "naive", "avoid", "Strong"),
    ],
)  # fmt: skip
def test_carbamazepine_by_hla_and_by_what_was_taken_before(diplotypes, population, action, strength):
    said = said_by("CPIC", ask(diplotypes, "carbamazepine", population=population))
    assert [(one["action"], one["strength"]) for one in said] == [(action, strength)]


def test_both_alleles_of_hla_b_are_a_case_of_which_dpwg_says_nothing():
    said = [
        one for one in said_by("DPWG", ask({"HLA-B": "*15:02/*15:11"}, "carbamazepine")) if one["genes"] == ["HLA-B"]
    ]
    assert [one["action"] for one in said] == ["no_recommendation"]


@pytest.mark.parametrize(
    ("gene", "text", "phenotypes"),
    [
        ("CYP2D6", "*1/*4 or *4/*4", {"Intermediate Metabolizer", "Poor Metabolizer"}),
        ("CYP2D6", "(*1/*4)x3", {"Normal Metabolizer", "Intermediate Metabolizer"}),
        ("CYP2D6", "*4/?", {*PHENOTYPES, "Indeterminate"}),
        ("CYP2D6", "*1xN/*4", {"Normal Metabolizer", "Ultrarapid Metabolizer"}),
        ("HLA-B", "*15/*07", {"*15:02 positive", "*15:02 negative; *15:11 positive", "*15:02 negative"}),
    ],
)  # fmt: skip
def test_an_ambiguous_or_partial_call_returns_every_candidate(gene, text, phenotypes):
    one = ask({gene: text}, "lithium")["genes"][gene]
    assert {candidate["phenotype"] for candidate in one["candidates"]} == phenotypes
    assert one["status"] == "ambiguous"
    assert set(one["phenotype"].split(" or ")) == phenotypes


@pytest.mark.parametrize(
    ("text", "phenotypes"),
    [
        ("*15:02 negative; *15:11 positive", ["*15:02 negative; *15:11 positive"]),
        ("HLA-B*15:02 positive and HLA-B*15:11 positive", ["*15:02 positive; *15:11 positive"]),
        ("*57:01 negative, *15:02 negative", ["*15:02 negative"]),
        ("*15:02 positive or *15:11 positive", ["*15:02 positive", "*15:11 positive"]),
        ("*15:02/*07:02; *15:11/*07:02", ["*15:02 positive", "*15:02 negative; *15:11 positive"]),
    ],
)
def test_several_calls_of_hla_hold_together_unless_or_stands_between_them(text, phenotypes):
    assert [state.phenotype for state in read_gene("HLA-B", text, shipped_rules()).states] == phenotypes


@pytest.mark.parametrize("text", ["*15:02 positive; *15:02 negative", "*15:02 positive; *07:02/*08:01"])
def test_calls_of_hla_that_contradict_each_other_are_refused(text):
    with pytest.raises(WrongDiplotype, match="HLA-B"):
        read_gene("HLA-B", text, shipped_rules())


def test_each_candidate_has_its_recommendation():
    said = said_by("CPIC", ask({"CYP2D6": "*1/*1 or *4/*4"}, "nortriptyline"))
    assert {(one["for"]["CYP2D6"], one["action"]) for one in said} == {
        ("Normal Metabolizer", "standard_dosing"),
        ("Poor Metabolizer", "avoid"),
    }


def test_a_score_of_at_least_may_reach_further_and_every_phenotype_is_a_candidate():
    one = ask({"CYP2D6": "*9x≥3/*4"}, "lithium")["genes"]["CYP2D6"]
    assert one["phenotype"] == "Intermediate Metabolizer or Normal Metabolizer or Ultrarapid Metabolizer"


def test_paroxetine_converts_for_other_drugs_and_both_possibilities_stand_side_by_side():
    asked = ask(NORMAL, "nortriptyline", taking=("paroxetine",))
    gene = asked["genes"]["CYP2D6"]
    assert (gene["phenotype"], gene["converted"]) == ("Normal Metabolizer", "Poor Metabolizer")
    assert gene["conversion_confirmed"] is False
    assert [(one["drug"], one["class"]) for one in gene["inhibitors"]] == [("paroxetine", "strong")]
    assert all(one["source"] and one["url"].startswith("https://") for one in gene["inhibitors"])
    assert [(one["basis"], one["action"]) for one in said_by("CPIC", asked)] == [
        ("genotype", "standard_dosing"),
        ("phenoconversion", "avoid"),
    ]


def test_of_a_partial_call_the_known_candidates_are_converted_and_the_unknown_one_is_said():
    """``*1/?`` has scores from 1 up; a moderate inhibitor halves each of them, and what is unknown stays so."""
    asked = ask({"CYP2D6": "*1/?"}, "nortriptyline", taking=("duloxetine",))
    gene = asked["genes"]["CYP2D6"]
    assert gene["status"] == "ambiguous"
    assert set(gene["converted"].split(" or ")) == {*PHENOTYPES[1:], "Indeterminate"}
    beside = [one for one in said_by("CPIC", asked) if one["basis"] == "phenoconversion"]
    assert {one["for"]["CYP2D6"]: one["action"] for one in beside} == {
        "Intermediate Metabolizer": "reduced_dosing",
        "Normal Metabolizer": "standard_dosing",
        "Ultrarapid Metabolizer": "avoid",  # "three or more" copies beside *1: 4 or more, of which half is left
        "Indeterminate": "no_recommendation",
    }


def test_once_the_multipliers_are_confirmed_the_converted_phenotype_speaks_alone():
    confirmed = replace(shipped_conversions(), confirmed={"by": "Dr North", "on": "2026-11-21"})
    asked = ask(NORMAL, "nortriptyline", taking=("duloxetine",), known=confirmed)
    assert [(one["basis"], one["action"]) for one in said_by("CPIC", asked)] == [("phenoconversion", "reduced_dosing")]
    assert asked["genes"]["CYP2D6"]["conversion_confirmed"] is True
    assert asked["genes"]["CYP2D6"]["phenotype"] == "Normal Metabolizer"


def test_a_drug_does_not_convert_the_enzyme_for_itself():
    asked = ask(NORMAL, "paroxetine", taking=("paroxetine",))
    assert {one["basis"] for one in asked["recommendations"]} == {"genotype"}


def test_an_enzyme_without_a_score_is_warned_of_and_not_converted():
    gene = ask(NORMAL_2C19, "citalopram", taking=("fluvoxamine",))["genes"]["CYP2C19"]
    assert gene["converted"] is None
    assert [one["drug"] for one in gene["inhibitors"]] == ["fluvoxamine"]


def test_a_drug_of_which_no_source_was_read_is_named_and_counts_nowhere():
    asked = ask(NORMAL | NORMAL_2C19, "nortriptyline", taking=("cimetidine", "omeprazole"))
    assert [one["converted"] for one in asked["genes"].values()] == [None, None]
    assert [one.split()[0] for one in asked["warnings"]] == ["cimetidine", "omeprazole"]
    assert {one["basis"] for one in asked["recommendations"]} == {"genotype"}


def test_only_classes_with_a_source_are_used():
    shipped = json.loads(CONVERSIONS.read_text(encoding="utf-8"))
    assert {one["source"] for one in shipped["inhibitors"]} <= set(shipped["sources"])
    assert shipped["multipliers"]["confirmed"] is None
    assert not {"rifampin", "ticlopidine", "cimetidine", "citalopram"} & {one["drug"] for one in shipped["inhibitors"]}


ALLELES = sorted(shipped_rules().genes["CYP2D6"].alleles)
INHIBITORS = sorted(shipped_conversions().drugs)


@settings(deadline=None, max_examples=200)
@given(
    st.sampled_from(ALLELES), st.sampled_from([*ALLELES, "?"]), st.sets(st.sampled_from(INHIBITORS), max_size=3),
    st.sampled_from(INHIBITORS),
)  # fmt: skip
def test_an_inhibitor_more_never_raises_a_score(first, second, taking, more):
    def lowest_and_highest(drugs):
        gene = ask({"CYP2D6": f"{first}/{second}"}, "lithium", taking=tuple(drugs))["genes"]["CYP2D6"]
        named = (gene["converted"] or gene["phenotype"]).split(" or ")
        scores.append(gene["activity_score"] if gene["converted"] is None else gene["converted_activity_score"])
        return [PHENOTYPES.index(one) for one in named if one in PHENOTYPES]

    scores: list[float | str | None] = []
    fewer, all_of_them = lowest_and_highest(taking), lowest_and_highest(taking | {more})
    before, after = (None if one is None else float(str(one).lstrip("≥")) for one in scores)
    assert after is None or after == 0 or (before is not None and after <= before)
    assert all_of_them or not fewer
    if not fewer:  # of what is not known only "nothing" is left
        assert set(all_of_them) <= {0}
    else:
        assert min(all_of_them) <= min(fewer)
        assert max(all_of_them) <= max(fewer)


CALLED = {
    "CYP2D6": ["*1/*1", "*1/*4", "*4/*4", "*1x3/*1", "*10/*41"],
    "CYP2C19": ["*1/*1", "*1/*2", "*2/*2", "*1/*17", "*17/*17"],
    "CYP2B6": ["*1/*1", "*1/*6", "*6/*6", "*4/*4"],
    "CYP2C9": ["*1/*1", "*1/*3", "*3/*3"],
    "CYP3A4": ["*1/*1", "*1/*22", "*22/*22"],
    "HLA-A": ["*31:01 positive", "*31:01 negative"],
    "HLA-B": ["*15:02 positive", "*15:02 negative"],
}


@settings(deadline=None, max_examples=150)
@given(
    st.fixed_dictionaries({}, optional={gene: st.sampled_from(texts) for gene, texts in CALLED.items()}),
    st.sampled_from(shipped_rules().drugs), st.sampled_from(sorted(CALLED)),
)  # fmt: skip
def test_taking_a_called_gene_away_never_turns_no_recommendation_into_advice(panel, drug, gone):
    def advised(diplotypes):
        said = ask(diplotypes, drug)["recommendations"]
        return {
            (one["source"], tuple(one["genes"]), one["population"])
            for one in said
            if one["action"] != "no_recommendation"
        }

    assert advised({gene: text for gene, text in panel.items() if gene != gone}) <= advised(panel)


OF_TWO_GENES = [
    pytest.param(drug, block.genes, id=f"{block.guideline.source} {drug}")
    for drug, blocks in shipped_rules().blocks.items()
    for block in blocks
    if len(block.genes) > 1
]


@pytest.mark.parametrize(("drug", "genes"), OF_TWO_GENES)
def test_taking_any_result_away_never_turns_no_recommendation_into_a_clearance(drug, genes):
    """CPIC answers some drugs of two genes where one was not tested, and not where it is indeterminate."""
    rules, known = shipped_rules(), shipped_conversions()

    def advised(diplotypes):
        said = recommend(drug, read_panel(diplotypes, rules), rules, known)
        return {(one.source, one.genes, one.population): one for one in said if one.action != "no_recommendation"}

    for texts in product(*(["not tested", "indeterminate", *CALLED[gene]] for gene in genes)):
        panel = dict(zip(genes, texts, strict=True))
        before = advised(panel).keys()
        for gone in genes:
            fewer = advised({gene: text for gene, text in panel.items() if gene != gone})
            for one in (fewer[key] for key in fewer.keys() - before):
                assert weight(one) > 1
                if one.action == "standard_dosing":
                    assert f"{gone} was not tested" in one.text


def test_a_usual_dose_with_an_untested_gene_of_two_is_no_clearance():
    said = recommend("amitriptyline", read_panel(NORMAL, shipped_rules()), shipped_rules(), shipped_conversions())
    (cpic,) = [one for one in said if one.source == "CPIC"]
    assert (cpic.action, cpic.text.endswith("Not cleared: CYP2C19 was not tested.")) == ("standard_dosing", True)
    assert (weight(cpic), caution([cpic])) == (2, "medium")
    both = recommend(
        "amitriptyline", read_panel(NORMAL | NORMAL_2C19, shipped_rules()), shipped_rules(), shipped_conversions()
    )
    assert caution([one for one in both if one.source == "CPIC"]) == "low"


@pytest.mark.parametrize("text", ["1/4", "*1", "*1/*2/*3", "", "*1//*4", "foo", "*x/*1", "?/?", "(*1/*4)x1", "*1/*4x0"])
def test_a_text_that_is_no_diplotype_is_refused_or_read_as_partial(text):
    if text == "*1":
        assert read_gene("CYP2D6", text, shipped_rules()).status == "ambiguous"
        return
    with pytest.raises(WrongDiplotype, match="CYP2D6"):
        read_gene("CYP2D6", text, shipped_rules())


def test_what_is_not_known_is_refused_by_name():
    with pytest.raises(UnknownGene, match="SLC6A4"):
        ask({"SLC6A4": "L/S"}, "citalopram")
    with pytest.raises(UnknownDrug, match="sertralin is"):
        ask({}, "sertralin")
    with pytest.raises(UnknownDrug, match="ibuprofenn"):
        ask({}, "sertraline", taking=("ibuprofenn",))
    with pytest.raises(UnknownPopulation, match="martians"):
        ask({}, "sertraline", population="martians")


def test_a_rule_file_that_names_what_is_not_there_is_refused(tmp_path):
    said = json.loads(SHIPPED.read_text(encoding="utf-8"))
    for change in (
        {"when": {"CYP2D6": ["AS ~ 2"]}},
        {"actions": ["cure"]},
        {"when": {"COMT": ["x"]}},
        {"guideline": "none"},
    ):
        path = tmp_path / "rules.json"
        path.write_text(json.dumps(said | {"rules": [said["rules"][0] | change]}), encoding="utf-8")
        with pytest.raises(RulesError, match=r"rules\.json"):
            load_rules(path)


def test_a_rule_file_with_two_answers_for_one_score_is_refused(tmp_path):
    path = tmp_path / "rules.json"
    path.write_text(SHIPPED.read_text(encoding="utf-8").replace("AS > 2.5", "AS > 2.25"), encoding="utf-8")
    with pytest.raises(RulesError, match=r"two answers for AS 2\.375"):
        load_rules(path)


def test_multipliers_that_would_raise_a_score_are_refused(tmp_path):
    said = json.loads(CONVERSIONS.read_text(encoding="utf-8"))
    said["multipliers"]["moderate"] = 1.5
    path = tmp_path / "conversion.json"
    path.write_text(json.dumps(said), encoding="utf-8")
    with pytest.raises(ValueError, match="between 0 and 1"):
        load_conversions(path)
