"""The pharmacogenomic summary: page, API, PDF and CSV say the same of the same genes."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from typing import Any

import pytest

from novamind.audit.models import AuditEvent
from novamind.printing.tests.test_printing import needs_pango, text_of
from patients.consent import record_consent
from patients.models.part2 import REDISCLOSURE_NOTICE
from twins.medication.context import known_of
from twins.medication.printed import HEAD, summary_rows
from twins.tests.test_medication import client, clinician, patient  # noqa: F401

pytestmark = pytest.mark.django_db


def plain(text: str) -> str:
    return "".join(text.split()).replace("\u2019", "'")


def rows_of(answer: Any) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))


@needs_pango
def test_page_api_pdf_and_csv_say_the_same(client, patient):  # noqa: F811
    address = f"/patients/{patient.pk}/twin/medication/report/"
    page = plain(client.get(address).content.decode().replace("&#x27;", "'").replace("&gt;", ">").replace("&lt;", "<"))
    sent = client.get(f"/api/v1/patients/{patient.pk}/medication-recommendations?condition_type=depression").json()
    rows = rows_of(client.post(f"{address}csv/"))
    answer = client.post(f"{address}pdf/")
    assert answer.status_code == 200
    paper = plain(text_of(answer.content))

    genes = {row["gene_or_drug"]: row for row in rows if row["part"] == "gene"}
    assert set(genes) >= set(sent["genetic_data"]) == {"CYP2D6", "CYP2C19"}
    for gene, told in sent["genetic_data"].items():
        row = genes[gene]
        assert row["reported"].lstrip("'") == told["diplotype"]
        assert (row["phenotype"], row["converted"]) == (told["phenotype"], told["converted"] or "")
        assert row["activity_score"] == ("" if told["activity_score"] is None else str(told["activity_score"]))
        for words in (told["phenotype"], told["converted"] or ""):
            assert plain(words) in page
            assert plain(words) in paper

    said = {
        (one["drug"], one["source"], one["text"], one["strength"], one["url"], one["date"])
        for drug in [*sent["recommendations"], *sent["not_assessed"], *sent["excluded"]]
        for one in drug["guidelines"]
    }
    lines = [row for row in rows if row["part"] == "recommendation"]
    ours = {
        (one["gene_or_drug"], one["source"], one["text"], one["strength"], one["url"], one["date"]) for one in lines
    }
    drugs = {drug for drug, *_ in ours}
    same = {tuple(part or "" for part in one) for one in said if one[0] in drugs}
    assert same <= ours
    assert len(same) > 20
    assert {one["rules_version"] for one in lines} == {sent["rules_version"]}
    checked = 0
    for one in lines:
        if one["action"] != "no_recommendation":
            assert plain(one["text"]) in paper
            assert plain(one["url"]) in paper
            checked += 1
    assert checked > 20
    assert plain(sent["rules_version"]) in paper
    assert AuditEvent.objects.get(action="twins:genes-pdf").event_type == "EXPORT"


def test_without_consent_nothing_of_genes_leaves(client, patient, clinician):  # noqa: F811
    record_consent(patient=patient, purpose="treatment", stream="genotype", given=False, how="spoken", by=clinician)
    address = f"/patients/{patient.pk}/twin/medication/report/"
    assert "has not consented" in client.get(address).content.decode()
    assert rows_of(client.post(f"{address}csv/")) == []


def test_what_tells_of_a_programme_leaves_with_its_notice(patient, clinician):  # noqa: F811
    known = known_of(patient, clinician)
    rows = summary_rows(known)
    assert "notice" not in {row[0] for row in rows}
    *others, last = summary_rows(replace(known, notice=REDISCLOSURE_NOTICE))
    assert others == rows
    assert {name: cell for name, cell in zip(HEAD, last, strict=True) if cell} == {
        "part": "notice",
        "text": REDISCLOSURE_NOTICE,
    }
