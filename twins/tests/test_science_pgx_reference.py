"""Every genotype and every row of the reference export, against the rules that come with Novamind."""

from __future__ import annotations

import json
from itertools import combinations_with_replacement

import pytest

from twins.science.pgx import Question, answer, as_text, build, shipped_conversions, shipped_rules
from twins.science.pgx.rules import SHIPPED

pytestmark = pytest.mark.data

#: Rows whose tags do not say what their sentence says, with what it says.
READ_BY_EYE = {
    ("CPIC", "venlafaxine", frozenset({"no_recommendation", "no_action"})): {"no_recommendation"},
    ("CPIC", "carbamazepine", frozenset({"consider_alternative", "careful_monitoring"})): {"careful_monitoring"},
}


@pytest.fixture(scope="module")
def reference(shared_reference):
    return json.loads((shared_reference / "pgx_rules.json").read_text(encoding="utf-8"))


def expected_phenotype(table, first, second):
    """Written from the table of the reference and the cuts of CPIC, not from our code."""
    one, two = table["alleles"][first], table["alleles"][second]
    if one["activity_value"] is None:
        return table["function_pair_to_phenotype"].get(" + ".join(sorted([one["function"], two["function"]])))
    values = [one["activity_value"], two["activity_value"]]
    if "n/a" in values:
        return "Indeterminate"
    total = sum(float(value.lstrip("≥")) for value in values)
    key = ("≥" if "≥" in "".join(values) else "") + str(total)
    return table["activity_score_to_phenotype"].get(key) or (
        "Ultrarapid Metabolizer" if total > 2.25 else pytest.fail(f"no phenotype for {key}")
    )


@pytest.mark.parametrize("gene", ["CYP2D6", "CYP2C19", "CYP2B6", "CYP2C9", "CYP3A4"])
def test_every_pair_of_alleles_has_the_phenotype_of_the_reference(gene, reference):
    table, rules, known = reference["genes"][gene], shipped_rules(), shipped_conversions()
    pairs = list(combinations_with_replacement(table["alleles"], 2))
    assert len(pairs) == table["n_diplotypes_in_source"] or gene == "CYP2D6"
    wrong = {}
    for first, second in pairs:
        for text in {f"{first}/{second}", f"{second}/{first}"}:
            said = answer(Question({gene: text}, drugs=("lithium",)), rules, known)["genes"][gene]["phenotype"]
            if said != (expected_phenotype(table, first, second) or "Indeterminate"):
                wrong[text] = said
    assert wrong == {}


def diplotypes_of(reference, gene):
    """For each state that a row may ask for, a diplotype that has it, found in the tables of the reference."""
    found = {"No Result": "not tested"}
    if gene.startswith("HLA"):
        for name in ("*15:02", "*15:11", "*31:01"):
            found |= {f"{name} {sign}": f"{name} {sign}" for sign in ("positive", "negative")}
        return found | {"1511 and 1502": "*15:02/*15:11"}
    table = reference["genes"][gene]
    for first, second in combinations_with_replacement(table["alleles"], 2):
        phenotype, text = expected_phenotype(table, first, second), f"{first}/{second}"
        if gene in {"CYP2D6", "CYP2C9"} and phenotype != "Indeterminate":
            values = [table["alleles"][name]["activity_value"] for name in (first, second)]
            total = sum(float(value.lstrip("≥")) for value in values)
            found.setdefault(("≥" if "≥" in "".join(values) else "") + str(total), text)
        if gene == "CYP2C9" and {first, second} <= {"*1", "*2", "*3"} and second != "*1":
            continue  # DPWG has rows of their own for these
        found.setdefault(phenotype or "Indeterminate", text)
    if "Indeterminate" in found:
        found["n/a"] = found["Indeterminate"]
    return found


def text_of(value, found):
    if isinstance(value, dict):
        return "/".join(name for name, times in value.items() for _ in range(int(times)))
    return found[value]


def shares(dose):
    given = [(100 - share) / 100 for share in dose.get("reduction_pct", [])]
    given += [share / 100 for share in dose.get("pct_of_standard", [])]
    return sorted(given + ([dose["times_standard"]] if "times_standard" in dose else []))


def test_every_row_of_cpic_and_dpwg_is_given_for_every_genotype_it_names(reference):
    rules, known = shipped_rules(), shipped_conversions()
    found = {gene: diplotypes_of(reference, gene) for gene in rules.symbols}
    wrong, checked = [], 0
    for row in reference["recommendations"]:
        for lookup in row["lookups"]:
            if row["population"] == "pediatrics" and lookup == {"CYP2D6": "≥3.5"}:
                continue  # an error at the source
            diplotypes = {gene: text_of(value, found[gene]) for gene, value in lookup.items()}
            asked = Question(diplotypes, (row["drug"],), population=row["population"])
            said = [
                one
                for one in answer(asked, rules, known)["recommendations"]
                if one["source"] == row["source"] and set(one["genes"]) == set(row["genes"])
            ]
            checked += 1
            tags = frozenset(row["action_tags"])
            actions = READ_BY_EYE.get((row["source"], row["drug"], tags), set(tags))
            factor = said[0]["dose_factor"] if said else None
            factors = factor if isinstance(factor, list) else [factor] if factor else []
            fits = (
                len(said) == 1
                and (set(said[0]["actions"]) in ({*actions}, set(tags)))
                and said[0]["strength"] == (row["strength"] or "N/A")
                and said[0]["url"] == row["url"]
                and (not row["dose"] or factors == pytest.approx(shares(row["dose"])))
            )
            if not fits:
                wrong.append((row["source"], row["drug"], row["population"], diplotypes, said))
    assert checked > 1500
    assert wrong == []


def test_our_words_are_not_those_of_the_sources(reference):
    ours = {rule.text.casefold() for blocks in shipped_rules().blocks.values() for one in blocks for rule in one.rules}
    theirs = " ".join(row["recommendation"].casefold() for row in reference["recommendations"])
    shared = {
        sentence for text in ours for sentence in text.split(". ") if len(sentence.split()) > 5 and sentence in theirs
    }
    assert shared == set()


def test_the_shipped_file_is_what_the_reference_gives(reference):
    assert SHIPPED.read_text(encoding="utf-8") == as_text(build(reference, version=shipped_rules().version))
