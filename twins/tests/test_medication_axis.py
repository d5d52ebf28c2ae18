"""One time axis: each number as its own page says it, what is withheld or empty in words, one number of queries."""

from __future__ import annotations

import html
import json
import re
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import plotly.graph_objects as go
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from actigraphy.models import Analysis, Night, Source
from novamind import clock
from novamind.audit.recording import recorded
from novamind.display import DASH
from patients.instruments import instrument
from patients.models import Alert, Appointment, CheckIn, Medication
from patients.reports.services import submit_assessment
from twins.medication import axis, charts
from twins.medication.axis import HEAD
from twins.tests.test_medication import client, clinician, patient, withdraw

__all__ = ["client", "clinician", "patient"]
pytestmark = pytest.mark.django_db
NIGHTS = 100


@pytest.fixture
def day(patient: Any) -> date:
    """The patient's day three days ago: two check-ins, a questionnaire, a night, an alert and a visit."""
    on = clock.now().astimezone(patient.tz).date() - timedelta(days=3)
    noon = clock.midnight(on, patient.tz) + timedelta(hours=12)
    with recorded(actor_label="system:test", request_id="test"):
        for hours, mood in ((0, 2), (1, 7)):
            CheckIn.objects.create(
                patient=patient, at=noon + timedelta(hours=hours), by_patient=True, day=on, mood=mood, anxiety=4
            )
        items = [item.id for item in instrument("phq9").items]
        answers = dict.fromkeys(items, 1) | {items[8]: 0}
        submit_assessment(patient=patient, by=None, by_patient=True, instrument_id="phq9", answers=answers, at=noon)
        source = Source.objects.create(patient=patient, kind="recording", device_type="actiwatch")
        analysis = Analysis.objects.create(
            patient=patient, source=source, window_start=noon - timedelta(days=NIGHTS), window_end=noon,
            zone=patient.zone, device_type="actiwatch", methods={}, results={}, input_hash="0", code_version="0",
        )  # fmt: skip
        Night.objects.create(
            patient=patient, analysis=analysis, date=on - timedelta(days=1), tst_min=432.4, worn_h=24, method="m"
        )
        Alert.objects.create(
            patient=patient, key="axis", kind="silent_stream", severity="low", monitored=True, raised_at=noon,
            acknowledge_by=noon + timedelta(days=7),
        )  # fmt: skip
        Appointment.objects.create(patient=patient, at=noon, kind="follow_up", place="video", status="kept")
    return on


def page_of(client: Client, patient: Any, asked: str = "90") -> str:
    answer = client.get(f"/patients/{patient.pk}/twin/medication/axis/", {"range": asked})
    assert answer.status_code == 200
    return " ".join(html.unescape(answer.content.decode()).split())


def figure_of(client: Client, patient: Any, asked: str = "90") -> dict[str, Any]:
    answer = client.get(f"/patients/{patient.pk}/twin/medication/axis/", {"range": asked})
    return answer.context["chart"]


def row_of(client: Client, patient: Any, day: date, asked: str = "90") -> dict[str, str]:
    words = f"{day:%a} {day.day} {day:%b %Y}"
    rows = figure_of(client, patient, asked)["layout"]["meta"]["table"]["rows"]
    return dict(zip(HEAD, next(row for row in rows if row[0] == words), strict=True))


def test_each_number_is_the_one_of_its_own_page(client, patient, day):
    """Symptoms, Medication, Alerts and the night's own number, against the line of that day."""
    row = row_of(client, patient, day)
    symptoms = client.get(reverse("patients:reports", args=[patient.pk]))
    (group,) = symptoms.context["groups"]
    line = group["lines"][0]
    assert row["Scores"] == f"{group['instrument'].short} {line['score'].value:g}, {line['band']}"
    assert line["score"].value == 8
    last = symptoms.context["check_ins"][0]
    assert (row["Mood"], row["Anxiety"]) == (str(last.mood), str(last.anxiety)) == ("7", "4")
    assert row["Sleep of the night before"] == "7 h 12 min"  # 432.4 minutes of the night that ended that morning
    alerts = " ".join(
        html.unescape(client.get(reverse("patients:patient-alerts", args=[patient.pk])).content.decode()).split()
    )
    kind = row["Alerts and visits"].split("Alert: ")[1].split(" (")[0]
    assert kind in alerts
    assert "Follow-up, 12:00, by video: took place" in row["Alerts and visits"]
    own = client.get(reverse("patients:treatment", args=[patient.pk])).context["chart"]["layout"]["meta"]["table"][
        "rows"
    ]
    rows = figure_of(client, patient, "365")["layout"]["meta"]["table"]["rows"]
    said = [cell for one in rows for cell in one[1].split("; ") if cell != DASH]
    assert {f"{name} {dose}, {course.split(', ')[0]}" for name, _, dose, course in own} <= set(said)


def test_the_figure_is_valid_and_has_a_panel_for_all_that_is_known_on_one_axis(client, patient, day):
    drawn = figure_of(client, patient)
    go.Figure(drawn)
    words = " ".join(one["text"] for one in drawn["layout"]["annotations"])
    for part in ("paroxetine", "PHQ-9", "Mood", "Sleep duration", "Alerts"):
        assert part in words
    assert [name for name in drawn["layout"] if name.startswith("xaxis")] == ["xaxis"]
    domains = sorted(axis["domain"] for name, axis in drawn["layout"].items() if name.startswith("yaxis"))
    assert all(low[1] <= high[0] for low, high in pairwise(domains))
    assert json.dumps(drawn)


def test_what_is_withheld_is_said_and_none_of_it_is_in_the_page(client, patient, day):
    for stream, words, hidden in (
        ("medication", "Medication", "paroxetine"),
        ("questionnaires", "Mood and anxiety", "PHQ-9"),
        ("actigraphy", "Sleep duration", "7 h 12 min"),
        ("notes", "Visits", "Follow-up, 12:00"),
        ("genotype", "Genes", "Poor Metabolizer"),
    ):
        assert hidden in page_of(client, patient)
        withdraw(patient, stream)
        page = page_of(client, patient)
        assert hidden not in page
        assert re.search(rf"{words}(</h3>|:) ?<[^>]*>[Ww]ithheld: the patient has not consented", page), stream


def test_what_is_empty_is_said(client, patient):
    page = page_of(client, patient)
    for words in ("Questionnaires", "Mood and anxiety", "Sleep duration", "Movement", "Alerts", "Visits"):
        assert f'{words}: <span class="abstained">nothing in this time</span>' in page


def test_the_ranges_reach_as_far_back_as_they_say_and_an_unknown_one_is_the_first(client, patient, day):
    today = clock.now().astimezone(patient.tz).date()
    begun = today - timedelta(days=800)
    with recorded(actor_label="system:test", request_id="test"):
        Medication.objects.create(
            patient=patient, drug="lithium", started_on=begun, started_precision="day", stop_reason="no_effect",
            ended_on=today - timedelta(days=200), ended_precision="day",
        )  # fmt: skip
    assert "lithium" not in str(figure_of(client, patient, "90")["layout"]["annotations"])
    assert "lithium" in str(figure_of(client, patient, "365")["layout"]["annotations"])
    firsts = {
        asked: client.get(f"/patients/{patient.pk}/twin/medication/axis/", {"range": asked}).context["first"]
        for asked in ("90", "365", "all", "no such")
    }
    assert firsts == {
        "90": today - timedelta(days=90), "365": today - timedelta(days=365), "all": begun,
        "no such": today - timedelta(days=90),
    }  # fmt: skip


def test_a_labelled_course_is_on_the_axis_of_nobody_who_may_not_read_it(client, patient, day):
    with recorded(actor_label="system:test", request_id="test"):
        Medication.objects.create(
            patient=patient, drug="buprenorphine", started_on=day, started_precision="day", part2=True
        )
    assert "buprenorphine" not in page_of(client, patient)


def test_more_days_cost_no_more_queries(client, patient, day):
    def asked(what: str) -> int:
        with CaptureQueriesContext(connection) as found:
            page_of(client, patient, what)
        return len(found)

    few = asked("90")
    with recorded(actor_label="system:test", request_id="test"):
        noon = clock.midnight(day, patient.tz) + timedelta(hours=12)
        night = Night.objects.get()
        for back in range(1, 60):
            on = noon - timedelta(days=back)
            CheckIn.objects.create(patient=patient, at=on, by_patient=True, day=on.date(), mood=back % 10)
            Night.objects.create(
                patient=patient, analysis=night.analysis, date=night.date - timedelta(days=back), tst_min=400,
                worn_h=24, method="m",
            )  # fmt: skip
            Appointment.objects.create(patient=patient, at=on, kind="follow_up", place="video", status="kept")
            Medication.objects.create(patient=patient, drug="lithium", started_on=on.date(), started_precision="day")
    assert asked("90") == asked("all") == few


@pytest.mark.parametrize(
    ("status", "look"), [("planned", "planned"), ("kept", "visit"), ("missed", "not held"), ("cancelled", "not held")]
)
def test_a_visit_that_did_not_take_place_looks_like_none(status, look):
    assert axis._VISITS.get(status, "visit") == look
    assert look in charts._LOOKS
