"""``manage.py pgx`` and ``build_pgx_rules``: what they print, and that what is wrong is named with status 2."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from twins.science.pgx import shipped_rules


def pgx(*args, **options):
    out, err = StringIO(), StringIO()
    call_command("pgx", *args, stdout=out, stderr=err, **options)
    return out.getvalue()


def test_one_question_is_answered_in_the_promised_form():
    said = json.loads(
        pgx("--diplotype", "CYP2D6=*1/*4", "CYP2C19=*2/*2", "--drug", "citalopram", "--taking", "paroxetine",
            "--format", "json")
    )  # fmt: skip
    assert said["genes"]["CYP2D6"]["phenotype"] == "Intermediate Metabolizer"
    assert said["genes"]["CYP2D6"]["activity_score"] == 1.0
    assert said["genes"]["CYP2D6"]["converted"] == "Poor Metabolizer"
    assert said["genes"]["CYP2C19"]["converted"] is None
    promised = {"drug", "source", "genes", "population", "action", "strength", "dose_factor", "text", "url"}
    assert all(promised <= set(one) for one in said["recommendations"])
    assert [one["source"] for one in said["recommendations"]] == ["CPIC", "DPWG"]


def test_without_a_drug_all_that_the_genes_concern_are_answered():
    said = json.loads(pgx("--diplotype", "CYP3A4=*1/*1", "--format", "json"))
    assert {one["drug"] for one in said["recommendations"]} == {"quetiapine"}


def test_the_table_says_the_same_in_lines():
    lines = pgx(
        "--diplotype", "CYP2D6=*1/*1", "--drug", "nortriptyline", "--taking", "paroxetine, lithium"
    ).splitlines()
    assert lines[0] == "CYP2D6   *1/*1: Normal Metabolizer, activity score 2.0"
    assert lines[1].strip() == "beside paroxetine (strong): Poor Metabolizer, not confirmed: it may be either"
    assert lines[-1].startswith(f"rules {shipped_rules().version}")


@pytest.mark.parametrize(
    ("args", "named"),
    [
        (["--diplotype", "CYP2D6"], "CYP2D6"),
        (["--diplotype", "CYP2D6=1-4"], "CYP2D6: '1-4'"),
        (["--diplotype", "COMT=*1/*1"], "COMT"),
        (["--diplotype", "CYP2D6=*1/*1", "--drug", "prozium"], "prozium"),
        (["--diplotype", "CYP2D6=*1/*1", "--taking", "soma"], "soma"),
        (["--diplotype", "CYP2D6=*1/*1", "--population", "elves"], "elves"),
        (["--diplotype", "CYP2D6=*1/*1", "CYP2D6=*1/*2"], "twice"),
        (["--batch", "nowhere.json"], "nowhere.json"),
        ([], "Name a genotype"),
    ],
)
def test_what_is_wrong_is_named_and_ends_with_two(args, named):
    with pytest.raises(CommandError, match=named) as raised:
        pgx(*args)
    assert raised.value.returncode == 2


def test_a_batch_is_answered_in_order_with_its_ids_and_a_wrong_entry_in_its_place(tmp_path, capsys):
    path = tmp_path / "batch.json"
    path.write_text(json.dumps([
        {"id": "b", "diplotypes": {"CYP2C19": "*17/*17"}, "drug": "escitalopram"},
        {"id": 7, "diplotypes": {"CYP2D6": "*4/*4"}, "taking": ["fluoxetine"], "population": "adults"},
        {"id": "wrong", "diplotypes": {"CYP2D6": "four"}},
        {"id": "odd", "diplotypes": {}, "drugs": ["lithium"]},
    ]))  # fmt: skip
    out = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("pgx", "--batch", str(path), stdout=out, stderr=StringIO())
    said = json.loads(out.getvalue())
    assert ended.value.code == 2
    assert [one["id"] for one in said] == ["b", 7, "wrong", "odd"]
    assert [one["action"] for one in said[0]["recommendations"]] == ["consider_alternative", "avoid"]
    assert said[1]["genes"]["CYP2D6"]["phenotype"] == "Poor Metabolizer"
    assert {one["population"] for one in said[1]["recommendations"] if one["drug"] == "atomoxetine"} == {"adults", None}
    assert said[2]["error"]["code"] == "malformed_diplotype"
    assert said[3]["error"]["code"] == "malformed_question"


def test_a_batch_without_mistakes_ends_well(tmp_path):
    path = tmp_path / "batch.json"
    path.write_text(json.dumps([{"id": 1, "diplotypes": {"CYP2D6": "*1/*1"}, "drug": "paroxetine"}]))
    assert json.loads(pgx("--batch", str(path)))[0]["id"] == 1


def test_building_rules_of_what_is_no_export_is_refused(tmp_path):
    path = tmp_path / "export.json"
    path.write_text('{"genes": {}}')
    with pytest.raises(CommandError, match="No rules were built") as raised:
        call_command("build_pgx_rules", str(path), str(tmp_path / "out.json"), "--rules-version", "1")
    assert raised.value.returncode == 2
