"""A file of results: a table, PharmCAT's JSON, or a sentence why it is neither; through the page and over the API."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import date
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from patients.models import Genotype
from patients.treatment.results import read_results
from patients.treatment.tables import UnreadableTable


def gene(first: str | None, second: str | None, source: str = "MATCHER", phenotypes: tuple[str, ...] = ()) -> Any:
    alleles = {"allele1": first and {"name": first}, "allele2": second and {"name": second}}
    return {"callSource": source, "sourceDiplotypes": [alleles | {"phenotypes": list(phenotypes)}]}


REPORT = {
    "genes": {
        "CYP2C19": gene("*2", "*2"),
        "CYP2B6": gene(None, None, source="NONE"),
        "HLA-B": gene(None, None, "OUTSIDE", ("*15:02 negative", "*15:11 positive")),
        "DPYD": gene("Reference", "Reference"),
    }
}
CONTENT = json.dumps(REPORT).encode()


def test_pharmcats_json_is_read_as_lines_of_the_genes_known_here():
    for mark in (b"", b"\xef\xbb\xbf", b"\n "):
        found = {line.gene: line.diplotype for line in read_results(mark + CONTENT)}
        assert found == {
            "CYP2C19": "*2/*2", "CYP2B6": "not tested", "HLA-B": "*15:02 negative; *15:11 positive",
        }  # fmt: skip
    assert [one.gene for one in read_results(b"gene,diplotype\nCYP2D6,*1/*4\n")] == ["CYP2D6"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "no JSON"),
        (b"{}", "no report of PharmCAT"),
        (b"[]", "no report of PharmCAT"),
        (b"[" * 100_000, "no JSON"),
        (b'{"genes": {"DPYD": {}}}', "none of the genes"),
        (json.dumps({"genes": {"CYP2D6": gene("*" + "1" * 200, "*1")}}).encode(), "more than 120 characters"),
        (b'{"genes": {"CYP2D6": {"sourceDiplotypes": [{"allele1": {"name": "\\ud800"}}]}}}', "no text"),
    ],
)
def test_what_is_no_report_is_refused_with_a_sentence(content, said):
    with pytest.raises(UnreadableTable, match=said) as wrong:
        read_results(content)
    assert wrong.value.detail.endswith(".")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["genes", "CPIC", "CYP2D6", "HLA-B", "callSource", "sourceDiplotypes", "allele1", "name",
                         "phenotypes"]),
        inner, max_size=4,
    ),
    max_leaves=20,
)  # fmt: skip


@given(said=JSON)
def test_any_json_is_lines_or_a_sentence(said):
    with suppress(UnreadableTable):
        read_results(json.dumps({"genes": said}).encode())


@pytest.mark.django_db
def test_a_report_of_pharmcat_is_uploaded_by_page_and_api_once(patient, psychiatrist):
    client = Client()
    client.force_login(psychiatrist)
    form = {
        "file": SimpleUploadedFile("a.report.json", CONTENT),
        "once": str(uuid4()),
        "reported_on": str(date.today()),
    }
    sent = client.post(f"/patients/{patient.pk}/genotypes/upload/", form)
    assert sent.status_code == 302, sent.content
    assert {one.gene: (one.state, one.diplotype) for one in Genotype.objects.filter(patient=patient)} == {
        "CYP2C19": ("called", "*2/*2"), "CYP2B6": ("not_tested", "not tested"),
        "HLA-B": ("called", "*15:02 negative; *15:11 positive"),
    }  # fmt: skip
    path = f"/api/v1/patients/{patient.pk}/genotypes/upload"
    assert client.post(path, {"file": SimpleUploadedFile("b.json", CONTENT)}).status_code == 200
    refused = client.post(path, {"file": SimpleUploadedFile("b.json", b"{}")})
    assert (refused.status_code, refused.json()["code"]) == (400, "unreadable")
