"""PharmCAT's reports: the shape of versions 2 and 3, several calls, none, and what is no report."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from patients.vocabularies import NoPharmcatReport, read_pharmcat
from twins.science.pgx import (
    Question,
    answer,
    shipped_conversions,
    shipped_rules,
)

GENES = shipped_rules().symbols


def allele(name):
    return {"gene": "X", "name": name, "function": "Normal function", "reference": False, "activityValue": "n/a"}


def report(*pairs, source="MATCHER", phenotypes=()):
    """One gene as PharmCAT writes it, of what is read."""
    return {
        "callSource": source,
        "sourceDiplotypes": [
            {"allele1": first and allele(first), "allele2": second and allele(second), "phenotypes": list(phenotypes)}
            for first, second in pairs
        ],
        "recommendationDiplotypes": [],
    }


FLAT = {
    "CYP2C19": report(("*2", "*17")),
    "CYP2D6": report(("*1", "*4"), ("*2x2", "*4"), source="OUTSIDE"),
    "CYP2B6": report(("Unknown", "Unknown"), source="NONE"),
    "CYP2C9": report(),
    "CYP3A4": report(("*1", None)),
    "HLA-B": report((None, None), source="OUTSIDE", phenotypes=["*57:01 negative", "*15:02 positive"]),
    "HLA-A": report(("*31:01", "*02:01"), source="OUTSIDE"),
    "DPYD": report(("Reference", "c.1627A>G (*5)")),
}
READ = {
    "CYP2C19": "*2/*17",
    "CYP2D6": "*1/*4 or *2x2/*4",
    "CYP2B6": "not tested",
    "CYP2C9": "indeterminate",
    "CYP3A4": "*1/?",
    "HLA-B": "*15:02 positive",
    "HLA-A": "*31:01/*02:01",
}


@pytest.mark.parametrize(
    "said",
    [
        {"genes": FLAT},
        {"geneReports": FLAT},
        {"genes": {"DPWG": FLAT | {"CYP2C19": report(("*1", "*1"))}, "CPIC": FLAT}},
    ],
)
def test_a_report_of_either_version_is_read(said):
    assert read_pharmcat(said, GENES) == READ


@pytest.mark.parametrize(
    ("phenotypes", "text", "phenotype"),
    [
        (
            ["*15:02 negative", "*15:11 positive"],
            "*15:02 negative; *15:11 positive",
            "*15:02 negative; *15:11 positive",
        ),
        (["*58:01 negative", "*15:11 positive"], "*15:11 positive", "*15:11 positive"),
    ],
)
def test_every_hla_allele_that_a_rule_names_is_kept(phenotypes, text, phenotype):
    said = {"genes": {"HLA-B": report((None, None), source="OUTSIDE", phenotypes=phenotypes)}}
    assert read_pharmcat(said, GENES) == {"HLA-B": text}
    answered = answer(Question({"HLA-B": text}, ("carbamazepine",)), shipped_rules(), shipped_conversions())
    assert answered["genes"]["HLA-B"]["phenotype"] == text
    dpwg = [one["action"] for one in answered["recommendations"] if one["source"] == "DPWG" and "HLA-B" in one["genes"]]
    assert dpwg == ["consider_alternative"]


@pytest.mark.parametrize("said", [[], {}, {"genes": []}, {"genes": {}}, None, "x"])
def test_what_is_no_report_is_refused(said):
    with pytest.raises(NoPharmcatReport, match="no genes"):
        read_pharmcat(said, GENES)


def test_the_command_answers_a_report_and_names_what_it_cannot_read(tmp_path):
    path, out = tmp_path / "one.report.json", StringIO()
    path.write_text(json.dumps({"genes": FLAT}))
    call_command("pgx", "--pharmcat", str(path), "--drug", "escitalopram", "--format", "json", stdout=out)
    said = json.loads(out.getvalue())
    assert said["genes"]["CYP2C19"]["phenotype"] == "Intermediate Metabolizer"
    assert said["genes"]["CYP2D6"]["status"] == "ambiguous"
    assert said["recommendations"][0]["action"] == "slower_titration"
    path.write_text("{}")
    with pytest.raises(CommandError, match=r"one\.report\.json") as raised:
        call_command("pgx", "--pharmcat", str(path))
    assert raised.value.returncode == 2
