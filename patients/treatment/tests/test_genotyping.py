"""Genotypes: which result of a gene holds, and tables that are read once."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.core.files.storage import default_storage

from novamind.phi.uploads import sealed_upload, unseal
from patients.models import Genotype, GenotypeFile
from patients.services import StaleEdit
from patients.treatment.genotyping import enter_genotype, holding, ingest_results, mark_genotype_in_error
from patients.treatment.pages import genotype_lines
from patients.treatment.tables import UnreadableTable


def result(patient: Any, diplotype: str, reported_on: date | None = None, gene: str = "CYP2D6") -> Genotype:
    return enter_genotype(patient=patient, by=None, gene=gene, diplotype=diplotype, reported_on=reported_on)


def held(patient: Any) -> dict[str, str]:
    return {gene: one.diplotype for gene, one in holding(patient.genotypes.select_related("report")).items()}


def test_the_newest_report_holds_and_one_that_did_not_test_a_gene_says_nothing_of_it(patient):
    result(patient, "*1/*4", date(2025, 1, 1))
    result(patient, "*4/*4", date(2026, 1, 1))
    result(patient, "*1/*1", date(2024, 1, 1))
    result(patient, "not tested", date(2026, 6, 1))
    assert held(patient) == {"CYP2D6": "*4/*4"}
    newest = result(patient, "*1/*41", date(2026, 7, 1))
    assert held(patient) == {"CYP2D6": "*1/*41"}
    mark_genotype_in_error(newest, version=1, by=None, why="Another patient's.")
    assert held(patient) == {"CYP2D6": "*4/*4"}
    assert Genotype.objects.count() == 5
    with pytest.raises(StaleEdit):
        mark_genotype_in_error(newest, version=1, by=None, why="Again.")


@pytest.mark.parametrize("later", ["failed", "no-call", "Indeterminate", "N/A", "Not tested.", "see the letter"])
def test_no_later_text_without_a_call_takes_the_place_of_one(patient, later):
    result(patient, "*4/*4", date(2025, 1, 1))
    said = result(patient, later, date(2026, 1, 1))
    assert held(patient) == {"CYP2D6": "*4/*4"}
    (line,) = genotype_lines(patient)
    assert (line["held"].diplotype, line["later"], line["differs"]) == ("*4/*4", said, False)
    result(patient, "*1/*4", date(2026, 2, 1))
    assert held(patient) == {"CYP2D6": "*1/*4"}


def test_a_text_that_cannot_be_taken_apart_holds_where_there_is_nothing_else(patient):
    result(patient, "failed", date(2026, 2, 1))
    assert held(patient) == {"CYP2D6": "failed"}
    result(patient, "Intermediate", date(2026, 1, 1))
    assert held(patient) == {"CYP2D6": "Intermediate"}


TABLE = (
    b"Gene,Diplotype,Phenotype,Copy number,Lab,Date\n"
    b"CYP2D6,*1/*4,Intermediate,2,Zqxlab,2026-02-03\nCYP2C19,not tested,,,,\n"
)


def test_a_table_is_read_once_and_its_file_is_kept_encrypted(patient, psychiatrist, announced):
    report, created = ingest_results(
        patient=patient, by=psychiatrist, upload=sealed_upload(TABLE, "r.csv"), method="Chip"
    )
    again, twice = ingest_results(patient=patient, by=psychiatrist, upload=sealed_upload(TABLE, "r2.csv"))
    assert (created, twice, again.pk) == (True, False, report.pk)
    assert (report.lab, report.method, report.reported_on) == ("Zqxlab", "Chip", date(2026, 2, 3))
    assert {one.gene: (one.state, one.copy_number) for one in report.results.all()} == {
        "CYP2D6": ("called", 2), "CYP2C19": ("not_tested", None),
    }  # fmt: skip
    assert announced == [("genotype.recorded", {"report_id": report.pk, "patient_id": patient.pk})]
    file = GenotypeFile.objects.get()
    with default_storage.open(file.storage_name) as stored:
        assert b"CYP2D6" not in stored.read()
    with unseal(file.storage_name, file.file_key, table=file._meta.db_table, row=file.pk) as content:
        assert content.read() == TABLE


def test_of_a_table_that_is_wrong_nothing_is_kept(patient, psychiatrist):
    with pytest.raises(UnreadableTable) as wrong:
        ingest_results(patient=patient, by=psychiatrist, upload=sealed_upload(TABLE + b"CYP2D6,*1/*1,,,,\n", "r.csv"))
    assert (wrong.value.line, wrong.value.detail) == (4, "CYP2D6 stands in line 2 already.")
    assert not Genotype.objects.exists()
    assert not GenotypeFile.objects.exists()
