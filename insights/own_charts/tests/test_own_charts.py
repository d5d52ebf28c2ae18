"""Charts of one's own: kept by one person, of nobody in particular, drawn of any patient in sight as far as allowed."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from insights.models import OwnChart
from insights.own_charts.page import chart_of
from insights.own_charts.series import drawable
from novamind import clock
from novamind.measures import Abstained
from patients.consent import record_consent
from patients.models import Assessment, CheckIn
from patients.reports.services import submit_assessment

pytestmark = pytest.mark.django_db
LIST = "/charts/"
SENT = {"name": "Mood and sleep", "first": "mood", "second": "score:phq9", "third": "sleep_duration", "days": "28"}


@pytest.fixture
def kept(psychiatrist: Any) -> OwnChart:
    return OwnChart.objects.create(
        user=psychiatrist, name="Mine", series=["mood", "score:phq9", "sleep_duration"], days=28
    )


@pytest.fixture
def answers(patient: Any, psychiatrist: Any) -> None:
    """A mood on three of the last days, and two PHQ-9."""
    now = clock.now()
    for back, mood in ((9, 2), (5, 6), (4, 8)):
        at = now - timedelta(days=back)
        CheckIn.objects.create(patient=patient, at=at, by_patient=True, day=at.astimezone(patient.tz).date(), mood=mood)
    for back in (20, 6):
        submit_assessment(
            patient=patient, instrument_id="phq9", answers={str(n): 2 for n in range(1, 10)}, by=psychiatrist,
            by_patient=False, at=now - timedelta(days=back),
        )  # fmt: skip


def figures(html: str) -> dict[str, Any]:
    found = re.findall(r'<script id="figure-own-chart-([\w-]+)-data" type="application/json">(.*?)</script>', html)
    return {name: json.loads(text) for name, text in found}


def test_a_chart_is_kept_renamed_opened_and_deleted(signed_in, psychiatrist, patient, answers):
    browser = signed_in(psychiatrist)
    assert browser.post(LIST, SENT).url == LIST
    row = OwnChart.objects.get()
    assert (row.user, row.series, row.days) == (psychiatrist, ["mood", "score:phq9", "sleep_duration"], 28)
    assert "PHQ-9, total" in browser.get(LIST).content.decode()
    browser.post(f"{LIST}{row.pk}/rename/", {f"{row.pk}-name": "Other words"})
    page = browser.get(f"/patients/{patient.pk}/charts/", {"chart": str(row.pk)}).content.decode()
    assert "Other words" in page
    assert figures(page).keys() == {"mood", "score-phq9"}
    assert "0 valid days; 2 needed" in page  # no night was measured
    browser.post(f"{LIST}{row.pk}/delete/")
    assert not OwnChart.objects.exists()
    assert "You keep no chart yet" in browser.get(f"/patients/{patient.pk}/charts/").content.decode()


def test_each_series_has_its_own_axis_its_unit_its_gaps_and_its_table(kept, patient, answers):
    mood, score, _ = (one["chart"] for one in chart_of(kept, patient))
    points = mood["data"][1]
    assert len(points["x"]) == 28
    import base64

    values = np.frombuffer(base64.b64decode(points["y"]["bdata"]), dtype="<f4")
    assert np.isfinite(values).sum() == 3
    assert values[np.isfinite(values)].tolist() == [2.0, 6.0, 8.0]
    assert mood["data"][0]["connectgaps"] is False
    assert mood["layout"]["yaxis"]["title"]["text"] == "points"
    assert mood["layout"]["meta"]["table"]["head"][0] == "Day"
    assert mood["layout"]["xaxis"]["range"] == score["layout"]["xaxis"]["range"]
    assert mood["layout"]["meta"]["linked"] == score["layout"]["meta"]["linked"] == "days"
    assert [row[1] for row in score["layout"]["meta"]["table"]["rows"]] == ["18", "18"]


def test_every_series_that_is_offered_is_drawn_or_says_why_not(psychiatrist, patient, answers):
    for name in drawable():
        chart = OwnChart(user=psychiatrist, name="n", series=[name], days=14)
        (one,) = chart_of(chart, patient)
        assert one["label"]
        assert isinstance(one["chart"], Abstained | dict)


def test_what_the_patient_withholds_is_not_drawn(kept, patient, answers, psychiatrist):
    record_consent(
        patient=patient, purpose="treatment", stream="questionnaires", given=False, how="spoken", by=psychiatrist
    )
    mood, score, sleep = (one["chart"] for one in chart_of(kept, patient))
    assert mood.code == score.code == "consent_withheld"
    assert sleep.code == "too_few_days"


def test_a_chart_is_its_owners_alone(kept, signed_in, therapist, patient):
    browser = signed_in(therapist)
    assert "Mine" not in browser.get(LIST).content.decode()
    assert browser.post(f"{LIST}{kept.pk}/rename/", {f"{kept.pk}-name": "Theirs"}).status_code == 404
    assert browser.post(f"{LIST}{kept.pk}/delete/").status_code == 404
    page = browser.get(f"/patients/{patient.pk}/charts/", {"chart": str(kept.pk)}).content.decode()
    assert "You keep no chart yet" in page
    kept.refresh_from_db()
    assert kept.name == "Mine"


def test_it_is_opened_of_patients_in_sight_alone(kept, signed_in, psychiatrist, nurse, make_patient, other_team):
    hidden = make_patient(other_team, mrn="H-1")
    assert signed_in(psychiatrist).get(f"/patients/{hidden.pk}/charts/", {"chart": str(kept.pk)}).status_code == 404


@pytest.mark.parametrize(
    ("field", "value"),
    [("name", ""), ("name", "x" * 61), ("first", ""), ("first", "weight"), ("second", "score:none"),
     ("days", "13"), ("days", "366"), ("days", "many")],
)  # fmt: skip
def test_what_cannot_be_drawn_is_not_kept(signed_in, psychiatrist, field, value):
    assert signed_in(psychiatrist).post(LIST, SENT | {field: value}).status_code == 422
    assert not OwnChart.objects.exists()


def test_a_series_chosen_twice_is_drawn_once(signed_in, psychiatrist):
    signed_in(psychiatrist).post(LIST, SENT | {"second": "mood", "third": ""})
    assert OwnChart.objects.get().series == ["mood"]


def test_a_series_that_the_program_does_not_know_any_more_says_so(psychiatrist, patient, signed_in):
    chart = OwnChart.objects.create(user=psychiatrist, name="n", series=["gone", "mood"], days=14)
    page = signed_in(psychiatrist).get(f"/patients/{patient.pk}/charts/", {"chart": str(chart.pk)}).content.decode()
    assert "Not drawn any more: the program does not know this series." in page
    assert "does not know this series" in signed_in(psychiatrist).get(LIST).content.decode()


def test_a_wrong_new_name_changes_nothing(kept, signed_in, psychiatrist):
    signed_in(psychiatrist).post(f"{LIST}{kept.pk}/rename/", {f"{kept.pk}-name": ""})
    assert OwnChart.objects.get().name == "Mine"


def test_a_score_beyond_the_days_asked_for_is_not_drawn(kept, patient, answers):
    Assessment.objects.update(at=clock.now() - timedelta(days=40))
    _, score, _ = (one["chart"] for one in chart_of(kept, patient))
    assert (score.code, score.got) == ("too_few_inputs", 0)
