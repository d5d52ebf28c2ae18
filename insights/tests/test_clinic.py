"""The numbers of the clinic: over whom the reader sees and who allows it, at a constant number of queries."""

from __future__ import annotations

from datetime import datetime, timedelta
from statistics import median
from typing import Any

import numpy as np
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from insights.clinic import NOT_KNOWN, clinic_numbers
from insights.cohort import DAYS, last_day
from insights.science.suppression import SMALLEST
from insights.tests import test_cohort
from novamind import clock
from novamind.audit.models import AuditEvent
from novamind.audit.recording import recorded
from patients.consent import record_consent
from patients.models import Alert, Assessment, Reminder, Schedule
from patients.services import share_patient

pytestmark = pytest.mark.django_db
ADDRESSES = ("/clinic/", "/api/v1/analytics/clinic")


@pytest.fixture
def people(make_patient: Any, clinical_admin: Any) -> list[Any]:
    """Thirty patients whom the clinical admin sees."""
    made = [make_patient(last_name=f"Zqx{number}") for number in range(30)]
    for one in made:
        share(one, clinical_admin)
    return made


def rate(patient: Any, mood: int, *, days: int = 15) -> None:
    """So many days up to yesterday; fifteen are just more than half of 28."""
    test_cohort.rate(patient, mood, days=days)


def share(patient: Any, user: Any) -> None:
    share_patient(patient=patient, user=user)


def table(user: Any, name: str) -> Any:
    with recorded(actor_label="system:test", request_id="test"):
        return next(one for one in clinic_numbers(user).tables if one.name == name)


def scored(
    patient: Any, score: int, *, days_ago: int = 3, version: str | None = None, at: datetime | None = None
) -> None:
    from patients.instruments import instrument

    Assessment.objects.create(
        patient=patient, at=at or clock.now() - timedelta(days=days_ago), by_patient=True, instrument="phq9",
        instrument_version=version or instrument("phq9").version, answers={}, score=score, result={}, code_version="0",
    )  # fmt: skip


def test_newest_totals_stand_in_their_published_bands_with_their_median(people, clinical_admin):
    # Bands of Kroenke et al. (2001): 0-4 minimal, 15-19 moderately severe, 20-27 severe.
    totals = [3] * 10 + [4] * 3 + [15] * 6 + [20] * 5
    with recorded(actor_label="system:test", request_id="test"):
        for one, total in zip(people, totals, strict=False):
            scored(one, 27, days_ago=9)  # an older one does not count
            scored(one, total)
        scored(people[24], 2, days_ago=100)
        scored(people[25], 2, version="another wording")
    phq9 = table(clinical_admin, "phq9")
    assert [people for _, people in phq9.cells] == [13, None, None, None, None, None]
    assert phq9.cells[0][0] == "minimal"
    assert phq9.median == median(totals) == 4.0


def test_series_are_counted_by_who_is_known_and_allows_it(people, clinical_admin):
    for at, one in enumerate(people[:16]):
        rate(one, 2 if at < 5 else 7)
    mood = table(clinical_admin, "mood")
    assert dict(mood.cells) == {"known": 16, NOT_KNOWN: 14}
    assert mood.median == 7.0
    with recorded(actor_label="system:test", request_id="test"):
        for one in people[:2]:
            record_consent(patient=one, purpose="treatment", stream="questionnaires", given=False, how="spoken",
                           by=clinical_admin)  # fmt: skip
    assert dict(table(clinical_admin, "mood").cells) == {"known": 14, NOT_KNOWN: 16}
    rate(people[20], 5, days=14)  # half of 28 days is not more than half
    assert dict(table(clinical_admin, "mood").cells) == {"known": 14, NOT_KNOWN: 16}


def test_engagement_and_alerts_are_partitions(people, clinical_admin):
    answered = [4] * 13 + [0] * 6 + [2] * 5 + [3] * 3  # of four; of three people nothing fell due
    became = [None] * 14 + [("resolved", "useful")] * 6 + [("resolved", "not_useful")] * 5 + [("open", "")] * 5
    at = clock.midnight(last_day() - timedelta(days=9), clock.zone("UTC"))
    with recorded(actor_label="system:test", request_id="test"):
        for one, done in zip(people, answered, strict=False):
            schedule = Schedule.objects.create(
                patient=one, what="check-in", starts_on="2026-01-01", local_time="09:00", window_min=60
            )
            for back in range(4):
                Reminder.objects.create(
                    patient=one, schedule=schedule, local_date=last_day() - timedelta(days=back), due_at=at,
                    expires_at=at, outcome="silent", done_at=at if back < done else None,
                )  # fmt: skip
        for one, what in zip(people, became, strict=True):
            more = {"patient": one, "monitored": True, "acknowledge_by": at}
            more["raised_at"] = at
            Alert.objects.create(**more, key=f"r{one.pk}", kind="rule", severity="low")  # is not counted
            if what:
                state, outcome = what
                Alert.objects.create(
                    **more, key=f"k{one.pk}", kind="self_harm", severity="high", state=state, outcome=outcome
                )
    engagement = table(clinical_admin, "answered")
    assert [people for _, people in engagement.cells] == [None, None, None, 13, None]
    assert engagement.median is None  # that of 27 people is 75 %, whose cell is hidden
    assert [people for _, people in table(clinical_admin, "alerts").cells] == [14, None, None, None, None]


def test_days_end_with_yesterday_and_begin_at_midnight_in_the_clinic(people, clinical_admin, settings, monkeypatch):
    monkeypatch.setattr("insights.clinic.suppressed", list)
    settings.CLINIC_TIME_ZONE = "Pacific/Auckland"  # its day begins eleven to thirteen hours before that of UTC
    today = clock.midnight(last_day() + timedelta(days=1), clock.zone(settings.CLINIC_TIME_ZONE))
    start = clock.midnight(last_day() - timedelta(days=89), clock.zone(settings.CLINIC_TIME_ZONE))
    with recorded(actor_label="system:test", request_id="test"):
        for one in people[:15]:
            for at, total in ((start, 3), (start - timedelta(seconds=1), 27), (today, 27)):
                scored(one, total, at=at)
        for number, one in enumerate(people):
            inside, outside = (start, today - timedelta(seconds=1)), (start - timedelta(seconds=1), today)
            at = (inside if number < 10 else outside)[number % 2]
            Alert.objects.create(
                patient=one, monitored=True, acknowledge_by=at, key=f"k{one.pk}", kind="self_harm", severity="high",
                state="open", raised_at=at,
            )  # fmt: skip
    phq9 = dict(table(clinical_admin, "phq9").cells)
    assert (phq9["minimal"], phq9["severe"], phq9[NOT_KNOWN]) == (15, 0, 15)
    assert [people for _, people in table(clinical_admin, "alerts").cells][:2] == [20, 10]


def test_movement_of_several_devices_has_a_count_and_no_median(people, clinical_admin, monkeypatch):
    days = dict.fromkeys(("activity", "steps"), np.full(DAYS, 300.0))
    monkeypatch.setattr("insights.clinic.kept_series", lambda patients, last: {one.pk: days for one in people[:16]})
    assert (table(clinical_admin, "steps").cells[0], table(clinical_admin, "steps").median) == (("known", 16), 300.0)
    assert table(clinical_admin, "activity").cells[0] == ("known", 16)
    assert table(clinical_admin, "activity").median is None


def test_a_researcher_counts_whom_they_see_and_who_allow_research(people, researcher, clinical_admin):
    for one in people:
        share(one, researcher)
        rate(one, 6)
    assert dict(table(researcher, "mood").cells) == {"known": None, NOT_KNOWN: None}
    assert table(researcher, "mood").median is None
    with recorded(actor_label="system:test", request_id="test"):
        for one in people[:15]:
            record_consent(patient=one, purpose="research", stream="questionnaires", given=True, how="written",
                           by=clinical_admin)  # fmt: skip
    assert dict(table(researcher, "mood").cells) == {"known": 15, NOT_KNOWN: 15}


@pytest.mark.parametrize("address", ADDRESSES)
def test_ten_patients_are_too_few_for_any_number(make_patient, clinical_admin, signed_in, address):
    for number in range(SMALLEST - 1):
        share(make_patient(last_name=f"Zqx{number}"), clinical_admin)
    answer = signed_in(clinical_admin).get(address)
    assert answer.status_code == 200
    assert "fewer than 11 people" in answer.content.decode()
    if address.startswith("/api"):
        assert (answer.json()["people"], answer.json()["tables"]) == (None, [])


@pytest.mark.parametrize("address", ADDRESSES)
def test_nothing_can_be_chosen_and_nobody_is_on_it(people, clinical_admin, signed_in, address):
    for one in people[:12]:
        rate(one, 6)
    client: Client = signed_in(clinical_admin)
    plain = client.get(address)
    asked = client.get(address, {"team": "1", "patient_id": str(people[0].pk), "least": "28", "sex": "female"})
    assert plain.status_code == asked.status_code == 200
    if address.startswith("/api"):
        assert plain.json() == asked.json()
        assert plain.json()["people"] == len(people)
    else:
        assert plain.context["groups"] == asked.context["groups"]
    assert "Zqx" not in plain.content.decode()
    assert all(str(one.pk) not in plain.content.decode() for one in people)
    assert not AuditEvent.objects.latest("at").patients.exists()


def test_the_number_of_queries_is_the_same_for_any_number_of_patients(people, make_patient, clinical_admin):
    def queries() -> int:
        with CaptureQueriesContext(connection) as found, recorded(actor_label="system:test", request_id="test"):
            clinic_numbers(clinical_admin)
        return len(found)

    queries()  # the roles of the reader are read once
    few = queries()
    for number in range(4):
        made = make_patient(last_name=f"Zqy{number}")
        share(made, clinical_admin)
        rate(made, 4)
    assert queries() == few
    assert few <= 24
