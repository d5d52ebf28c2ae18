"""The Brief on paper: page, API, PDF and CSV give the same numbers; what is shared holds nothing of a model or rule."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.conf import settings
from django.test import Client

from actigraphy.models import Analysis, Night, Source
from insights.cohort import days_to_keep
from insights.deidentified import deidentified
from insights.models import Standing
from insights.pages.brief import FOUND_OF_100
from insights.rules.series import FEATURES
from insights.services import derive
from novamind import clock
from novamind.audit.models import AuditEvent
from novamind.audit.recording import recorded
from novamind.printing.tests.test_printing import needs_pango, text_of
from patients.alerts import raise_alert
from patients.consent import record_consent
from patients.models import CheckIn
from twins.departures import amount

pytestmark = pytest.mark.django_db


def plain(text: str) -> str:
    return " ".join(text.replace("\u202f", " ").replace("\u00a0", " ").split())


@pytest.fixture
def rated(patient: Any, psychiatrist: Any) -> Any:
    """Nine weeks of check-ins whose last week is lower in mood, and of nights; the standing and the statements of
    today, and the days that the cohort page shows."""
    rng = np.random.default_rng(3)
    with recorded(actor_label="system:test", request_id="test"):
        today = clock.now().astimezone(patient.tz).date()
        source = Source.objects.create(patient=patient, kind="recording", device_type="actiwatch")
        analysis = Analysis.objects.create(
            patient=patient, source=source, window_start=clock.now() - timedelta(days=63), window_end=clock.now(),
            zone=patient.zone, device_type="actiwatch", methods={}, results={}, input_hash="0", code_version="0",
        )  # fmt: skip
        Night.objects.bulk_create(
            Night(patient=patient, analysis=analysis, date=today - timedelta(days=back + 1), worn_h=24, method="m",
                  efficiency=round(float(rng.uniform(0.7, 0.95)), 2))
            for back in range(1, 64)
        )  # fmt: skip
        for back in range(1, 64):
            on = today - timedelta(days=back)
            mood = 2 if back <= 7 else int(rng.integers(6, 9))
            CheckIn.objects.create(
                patient=patient, at=clock.midnight(on, patient.tz) + timedelta(hours=20), day=on, by_patient=True,
                mood=mood, anxiety=int(rng.integers(2, 5)), energy=int(rng.integers(5, 8)),
            )  # fmt: skip
        derive(patient)()
        days_to_keep(patient)()
        raise_alert(patient=patient, kind="self_harm", severity="high", key="k")
    return patient


@pytest.fixture
def client(psychiatrist: Any) -> Client:
    found = Client()
    found.force_login(psychiatrist)
    return found


@needs_pango
def test_page_api_pdf_and_csv_give_the_same_numbers(client, rated):
    address = f"/patients/{rated.pk}/brief/report/"
    page = plain(client.get(address).content.decode())
    table = b"".join(client.post(f"{address}csv/").streaming_content).decode()
    rows = {row["series"]: row for row in csv.DictReader(io.StringIO(table))}
    answer = client.post(f"{address}pdf/")
    assert answer.status_code == 200
    paper = plain(text_of(answer.content))
    sent = client.get(f"/api/v1/analytics/aggregated?patient_id={rated.pk}").json()["channels"]
    checked = 0
    for name, row in rows.items():
        baseline = sent[name]["baseline"]
        assert (baseline is None) == bool(row["abstained"])
        if baseline is None:
            assert row["abstained"] == sent[name]["abstentions"]["baseline"]["reason"]
            continue
        checked += 1
        assert float(row["last_week_median"]) == baseline["last_week_median"]
        assert float(row["usual_median"]) == baseline["median"]
        assert float(row["standard_errors"]) == baseline["standard_errors"]
        assert int(row["last_week_days"]) == baseline["last_week_n"]
        for value in (baseline["last_week_median"], baseline["median"]):
            assert plain(amount(name, value)) in page
            assert plain(amount(name, value)) in paper
        assert FEATURES[name].label in paper
    assert checked == 4
    said = client.get(f"/api/v1/patients/{rated.pk}/clinical-insights").json()["insights"]
    assert said
    for one in said:
        assert plain(one["description"]) in plain(page.replace("&#x27;", "'"))
        assert plain(one["description"]) in paper
    assert Standing.objects.get().input_hash in paper.replace(" ", "")
    assert AuditEvent.objects.get(action="insights:brief-pdf").event_type == "EXPORT"


@pytest.mark.parametrize("series", ["sleep_efficiency", "mood"])
def test_cohort_page_its_csv_and_the_research_file_give_the_numbers_of_the_brief_and_the_api(
    client, rated, series, psychiatrist
):
    table = b"".join(client.post(f"/patients/{rated.pk}/brief/report/csv/").streaming_content).decode()
    brief = {row["series"]: row for row in csv.DictReader(io.StringIO(table))}[series]
    asked = f"/api/v1/analytics/aggregated?patient_id={rated.pk}&days=63&bucket=day"
    days = {one["first"]: one["median"] for one in client.get(asked).json()["channels"][series]["buckets"]}
    table = b"".join(client.post(f"/cohort/csv/?measure={series}").streaming_content).decode()
    (row,) = csv.DictReader(io.StringIO(table))
    assert len(days) == 63
    assert {on: float(row[on]) for on in days} == days
    assert float(row["last_week_median"]) == float(brief["last_week_median"])
    assert float(row["usual_median"]) == float(brief["usual_median"])
    (shown,) = client.get(f"/cohort/?measure={series}").context["rows"]
    told = plain(client.get(f"/patients/{rated.pk}/brief/report/").content.decode())
    assert plain(shown["last"]) in told
    assert plain(shown["usual"]) in told
    record_consent(
        patient=rated, purpose="research", stream=FEATURES[series].stream, given=True, how="written", by=psychiatrist
    )
    with recorded(actor_label="system:test", request_id="test"):
        file = zipfile.ZipFile(io.BytesIO(deidentified(psychiatrist).content))
    cells = [float(one[series]) for one in csv.DictReader(io.StringIO(file.read("days.csv").decode())) if one[series]]
    rounded = [float(f"{days[on]:.3g}") for on in sorted(days)]
    assert len(cells) >= 7
    assert cells in [rounded[at : at + len(cells)] for at in range(len(rounded))]


@pytest.mark.parametrize("path", ["brief/", "brief/report/"])
def test_no_mark_is_told_with_the_figures_that_were_measured(client, rated, path):
    standing = Standing.objects.get(patient=rated)  # as if sleep had been measured, for the page's rows
    standing.found["series"]["sleep_duration"] = standing.found["series"]["mood"]
    standing.save()
    page = plain(client.get(f"/patients/{rated.pk}/{path}").content.decode())
    low, high = FOUND_OF_100
    assert plain(f"No mark does not mean unchanged: in simulated people {low} to {high} of 100 shifts") in page
    figures = (Path(settings.BASE_DIR) / "docs" / "insights.md").read_text()
    assert re.search(rf"said within 14 days, measured \| {high} % .* \| {low} % ", figures)
    assert not re.search(r"statements? (on the left|above) first said", page)


@needs_pango
def test_what_is_shared_is_plain_and_holds_no_statement_alert_or_score(client, rated):
    page = client.get(f"/patients/{rated.pk}/brief/shared/")
    answer = client.post(f"/patients/{rated.pk}/brief/shared/pdf/")
    assert answer.status_code == 200
    paper = plain(text_of(answer.content))
    assert "Your mood, as you rated it" in paper
    assert "2 of 10" in paper
    told = [row.said["description"] for row in rated.insights.all()]
    assert told
    for words in (*told, "self-harm", "Self-harm", "alert", "standard errors", "forecast", "risk"):
        assert plain(words) not in paper
        assert words not in page.content.decode().split('class="card printed"')[1]


def test_what_was_sent_unasked_is_told_and_paper_sends_nobody_to_a_page(client, rated):
    with recorded(actor_label="system:test", request_id="test"):
        at = clock.now() - timedelta(hours=1)
        CheckIn.objects.create(patient=rated, at=at, day=at.date(), by_patient=False, mood=5)
    page = plain(client.get(f"/patients/{rated.pk}/brief/shared/").content.decode())
    sent = 28 if clock.now().astimezone(rated.tz).hour < 20 else 27  # each day's at 20:00
    assert f"No questions were scheduled in the last 28 days; you sent {sent} check-ins and 0 questionnaires." in page
    assert "call your local emergency number" in page
    assert "this page" not in page.split('class="card printed"')[1]


def test_what_is_withdrawn_is_on_no_paper(client, rated, psychiatrist):
    record_consent(
        patient=rated, purpose="treatment", stream="questionnaires", given=False, how="spoken", by=psychiatrist
    )
    table = b"".join(client.post(f"/patients/{rated.pk}/brief/report/csv/").streaming_content).decode()
    assert "mood" not in table
    for page in ("report", "shared"):
        assert "2 of 10" not in client.get(f"/patients/{rated.pk}/brief/{page}/").content.decode()
