"""The report of a recording: the page, the API, the PDF and the CSV give the same numbers."""

from __future__ import annotations

import csv
import io
from hashlib import sha256

import numpy as np
import pytest
from django.urls import reverse

from actigraphy.charts.printed import printed_trend
from actigraphy.models import Analysis, Night, Recording
from actigraphy.tests.test_pages import awd, send, words
from novamind import display, printing
from novamind.audit.models import AuditEvent
from novamind.jobs.runner import run_waiting
from novamind.measures import Abstained
from novamind.printing.tests.test_printing import needs_pango, text_of
from patients.consent import record_consent

pytestmark = pytest.mark.django_db


def plain(text: str) -> str:
    return " ".join(text.replace("\u202f", " ").replace("\u00a0", " ").split())


@pytest.fixture
def recorded_patient(client, patient, psychiatrist):
    client.force_login(psychiatrist)
    assert send(client, patient, awd(12)).status_code == 302
    run_waiting()
    return patient


def address(patient, name="report"):
    return reverse(f"actigraphy:{name}", args=[patient.pk])


@needs_pango
def test_page_api_pdf_and_csv_give_the_same_numbers(client, recorded_patient):
    patient = recorded_patient
    page = client.get(address(patient))
    said = plain(words(page))
    pdf = client.post(address(patient, "report-pdf"))
    assert (pdf.status_code, pdf["Content-Type"]) == (200, "application/pdf")
    paper = plain(text_of(pdf.content))
    table = b"".join(client.post(address(patient, "report-csv")).streaming_content)
    rows = list(csv.DictReader(io.StringIO(table.decode())))
    sent = client.get(f"/api/v1/actigraphy/recordings/{Recording.objects.get().pk}/results").json()
    analysis = Analysis.objects.get()

    nights = [row for row in rows if row["part"] == "night"]
    assert len(nights) == len(sent["nights"]) == Night.objects.count() >= 11
    measured = 0
    for row, night in zip(nights, sent["nights"], strict=True):
        for name in ("tst_min", "sol_min", "waso_min", "efficiency", "midsleep", "awakenings"):
            assert (float(row[name]) if row[name] else None) == night[name]
        if night["tst_min"] is not None:
            shown = plain(display.duration(night["tst_min"]))
            assert shown in said
            assert shown in paper
            measured += 1
    assert measured >= 9
    by_label = {row["name"]: row for row in rows if row["part"] == "rhythm"}
    for row in page.context["rhythm"]:
        shown, cell = row["measure"], by_label[row["label"]]
        if isinstance(shown, Abstained):
            assert cell["abstained"] == shown.reason
            assert plain(shown.reason) in paper
            continue
        assert float(cell["value"]) == shown.value
        digits = plain(display.in_words(shown.value, shown.unit))
        assert digits in said
        assert digits in paper
    for fact in (str(analysis.pk), analysis.input_hash, analysis.code_version):
        assert fact in paper.replace(" ", "") or fact in paper
        assert fact in said
    assert plain(patient.name) in paper


@needs_pango
def test_a_pdf_is_an_export_on_record_and_says_nobodys_name_outside_its_pages(client, recorded_patient, psychiatrist):
    answer = client.post(address(recorded_patient, "report-pdf"))
    assert "no-store" in answer["Cache-Control"]
    begun = AuditEvent.objects.get(action="actigraphy:report-pdf")
    ended = AuditEvent.objects.get(action="export")
    assert (begun.event_type, ended.event_type) == ("EXPORT", "EXPORT")
    assert [row.patient_id for row in begun.patients.all()] == [recorded_patient.pk]
    assert ended.details == {"rows": 1, "sha256": sha256(answer.content).hexdigest()}
    name = f"actigraphy-{begun.request_id[:8]}"
    assert answer["Content-Disposition"] == f'attachment; filename="{name}.pdf"'
    import pypdf

    assert (pypdf.PdfReader(io.BytesIO(answer.content)).metadata or {})["/Title"] == name


def test_without_the_library_the_button_says_why_and_nothing_breaks(client, recorded_patient, monkeypatch):
    monkeypatch.setattr("patients.printed.why_not", lambda: "WeasyPrint is not installed on this machine")
    page = client.get(address(recorded_patient))
    assert "disabled" in page.content.decode()
    assert "WeasyPrint is not installed on this machine" in words(page)

    def broken(html):
        raise printing.CannotPrint("it took longer than 30 s")

    monkeypatch.setattr("patients.printed.printed", broken)
    answer = client.post(address(recorded_patient, "report-pdf"))
    assert answer.status_code == 503
    assert "it took longer than 30 s" in words(answer)
    assert not AuditEvent.objects.filter(event_type="EXPORT").exists()


def test_what_is_withdrawn_is_not_printed(client, recorded_patient, psychiatrist):
    record_consent(patient=recorded_patient, purpose="treatment", stream="actigraphy", given=False, how="spoken",
                   by=psychiatrist)  # fmt: skip
    assert "has not consented" in words(client.get(address(recorded_patient)))
    for name in ("report-pdf", "report-csv"):
        assert client.post(address(recorded_patient, name)).status_code == 403


def test_a_therapist_reads_it_and_takes_nothing_out(client, recorded_patient, therapist):
    client.force_login(therapist)
    page = client.get(address(recorded_patient))
    assert page.status_code == 200
    assert "Take out" not in words(page)
    assert client.post(address(recorded_patient, "report-pdf")).status_code == 403


def test_whoever_comes_back_from_the_second_factor_finds_the_report(client, recorded_patient, monkeypatch):
    monkeypatch.setattr("novamind.accounts.second_factor.FRESH_S", 0)
    asked = client.post(address(recorded_patient, "report-pdf"))
    assert (asked.status_code, "next=" in asked["Location"]) == (302, True)
    monkeypatch.undo()
    assert client.get(address(recorded_patient, "report-pdf"))["Location"] == address(recorded_patient)


def test_a_trend_is_broken_where_a_night_was_not_measured():
    from datetime import date, timedelta

    evenings = [date(2027, 3, 1) + timedelta(days=n) for n in range(5)]
    drawn = printed_trend(evenings, np.array([400.0, 420.0, np.nan, 380.0, 410.0]), None)
    path = drawn.split('d="')[-1].split('"')[0]
    assert path.count("M") == 2
    assert drawn.count("<circle") == 4
    with pytest.raises(Abstained):
        printed_trend(evenings[:1], np.array([400.0]), None)
