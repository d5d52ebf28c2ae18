"""The cohort page: the days of all patients of a user, as far as allowed, at a constant number of queries."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from insights.cohort import DAYS, cohort_values, days_to_keep, last_day
from insights.models import SavedView
from insights.pages.cohort import cuts_of, heat
from novamind.audit.models import AuditEvent
from novamind.audit.recording import recorded
from patients.consent import record_consent
from patients.emergency import open_emergency
from patients.models import CheckIn, Reminder, Schedule
from patients.services import leave_team

pytestmark = pytest.mark.django_db
PAGE = "/cohort/?measure=mood"


@pytest.fixture
def client(psychiatrist: Any) -> Client:
    found = Client()
    found.force_login(psychiatrist)
    return found


def rate(patient: Any, mood: int, *, days: int = 30) -> None:
    """Check-ins of so many days up to yesterday; the days of the cohort page kept."""
    from novamind import clock

    with recorded(actor_label="system:test", request_id="test"):
        for back in range(days):
            on = last_day() - timedelta(days=back)
            at = clock.midnight(on, patient.tz) + timedelta(hours=9)
            CheckIn.objects.create(patient=patient, at=at, by_patient=True, day=on, mood=mood)
        days_to_keep(patient)()


def rows(answer: Any) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))


def test_one_row_a_patient_with_the_days_that_were_kept(client, make_patient, team, other_team):
    made = make_patient(team, last_name="Lowmood")
    rate(made, 3)
    rate(make_patient(team, last_name="Fine"), 8, days=10)
    rate(make_patient(other_team, last_name="Hidden"), 1)
    page = client.get(PAGE)
    told = {row["name"].split(",")[0]: row for row in page.context["rows"]}
    assert set(told) == {"Lowmood", "Fine"}
    assert (told["Lowmood"]["last"], told["Lowmood"]["known"]) == ("3 of 10", 30)
    assert (told["Fine"]["last"], told["Fine"]["usual"]) == ("8 of 10", "")  # 3 of 56 days say nothing
    assert "Hidden" not in page.content.decode()
    assert f'href="/patients/{made.pk}/data/"' in page.content.decode()  # channel by day, with the reasons of gaps
    seen = AuditEvent.objects.filter(action="insights:cohort").latest("at")
    assert seen.patients.count() == 2
    assert all(row.opened for row in seen.patients.all())


def test_filters_and_orders(client, make_patient, team, other_team, psychiatrist):
    for name, mood, days in (("Bo", 7, 40), ("Al", 2, 60), ("Cy", 5, 3)):
        rate(make_patient(team, last_name=name), mood, days=days)

    def listed(**asked: Any) -> list[str]:
        answer = client.get("/cohort/", {"measure": "mood"} | asked)
        return [row["name"].split(",")[0] for row in answer.context["rows"]]

    assert listed() == ["Al", "Bo", "Cy"]
    assert listed(sort="last") == ["Al", "Bo", "Cy"]  # of three days of seven nothing is said: last
    assert listed(sort="known", least="28") == ["Al", "Bo"]
    assert listed(team=str(team.pk)) == ["Al", "Bo", "Cy"]
    assert listed(team=str(other_team.pk)) == ["Al", "Bo", "Cy"]  # not a team of the user: not a choice
    assert listed(measure="nonsense", sort="'; DROP", least="-1", page="9" * 40) == ["Al", "Bo", "Cy"]
    shown = AuditEvent.objects.filter(action="insights:cohort").order_by("at")[2]
    assert shown.patients.count() == 2  # whom the filter leaves out was not seen


def test_what_is_withdrawn_is_gone_at_once(client, make_patient, team, psychiatrist):
    made = make_patient(team)
    rate(made, 4)
    assert client.get(PAGE).context["rows"][0]["known"] == 30
    record_consent(patient=made, purpose="treatment", stream="questionnaires", given=False, how="spoken",
                   by=psychiatrist)  # fmt: skip
    assert client.get(PAGE).context["rows"][0]["known"] == 0
    assert "4.0" not in str(rows(client.post("/cohort/csv/?measure=mood"))[0].values())


def test_answers_are_counted_of_what_fell_due_and_is_over(make_patient, team):
    made, on = make_patient(team), last_day() - timedelta(days=5)
    with recorded(actor_label="system:test", request_id="test"):
        for number in range(4):
            schedule = Schedule.objects.create(
                patient=made, what=f"s{number}", starts_on="2026-01-01", local_time="09:00", window_min=60
            )
            from novamind import clock

            at = clock.midnight(on, made.tz)
            Reminder.objects.create(
                patient=made, schedule=schedule, local_date=on, due_at=at, expires_at=at + timedelta(hours=1),
                outcome="withheld" if number == 3 else "silent", done_at=at if number == 0 else None,
            )  # fmt: skip
        values, _ = cohort_values([made.pk], "adherence", last_day())
    found = values[made.pk]
    assert found[DAYS - 6] == pytest.approx(1 / 3)
    assert np.isfinite(found).sum() == 1


def test_days_that_were_read_earlier_stand_at_their_dates(make_patient, team):
    made = make_patient(team)
    rate(made, 6, days=2)
    with recorded(actor_label="system:test", request_id="test"):
        values, read_at = cohort_values([made.pk], "mood", last_day() + timedelta(days=3))
    assert np.flatnonzero(np.isfinite(values[made.pk])).tolist() == [DAYS - 5, DAYS - 4]
    assert read_at is not None


def test_the_number_of_queries_does_not_depend_on_the_number_of_patients(client, make_patient, team):
    counts = []
    for _ in range(2):
        for _ in range(4):
            rate(make_patient(team), 5, days=1)
        client.get(PAGE)  # keys in memory
        with CaptureQueriesContext(connection) as queries:
            assert client.get(PAGE).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 20


def test_a_file_is_safe_from_formulas_and_names_every_patient_on_record(client, make_patient, team):
    for start in ("=1+1", "+1", "-1", "@a", "\ta", "\ra"):
        rate(make_patient(team, last_name=f"{start}x"), 5, days=7)
    answer = client.post("/cohort/csv/?measure=mood")
    told = rows(answer)
    assert len(told) == 6
    assert all(row["name"].startswith("'") or row["name"].strip()[0] not in "=+-@" for row in told)
    assert {float(row["last_week_median"]) for row in told} == {5.0}
    assert {row[str(last_day())] for row in told} == {"5.0"}
    event = AuditEvent.objects.get(action="insights:cohort-csv")
    assert (event.event_type, event.patients.count()) == ("EXPORT", 6)
    assert AuditEvent.objects.get(action="export").details["rows"] == 6


def test_a_chart_that_emergency_access_alone_opens_is_shown_and_not_taken_out(
    client, make_patient, team, other_team, psychiatrist
):
    rate(make_patient(team), 5)
    emergency = make_patient(other_team, last_name="Elsewhere")
    rate(emergency, 2)
    open_emergency(patient=emergency, user=psychiatrist, reason="acute_assessment", explanation="In our waiting room.")
    assert "Elsewhere" in client.get(PAGE).content.decode()
    assert [row["last_week_median"] for row in rows(client.post("/cohort/csv/?measure=mood"))] == ["5.0"]


def test_the_file_of_a_page_has_the_people_of_the_page(
    client, make_patient, team, other_team, psychiatrist, monkeypatch
):
    monkeypatch.setattr("insights.pages.cohort.SHOWN", 2)
    emergency = make_patient(other_team, last_name="Aa")
    open_emergency(patient=emergency, user=psychiatrist, reason="acute_assessment", explanation="In our waiting room.")
    for name in ("Bb", "Cc", "Dd"):
        make_patient(team, last_name=name)
    for page, listed, taken in ((1, ["Aa", "Bb"], ["Bb"]), (2, ["Cc", "Dd"], ["Cc", "Dd"])):
        shown = client.get(f"{PAGE}&page={page}").context["rows"]
        assert [row["name"].split(",")[0] for row in shown] == listed
        file = rows(client.post(f"/cohort/csv/?measure=mood&page={page}"))
        assert [row["name"].split(",")[0] for row in file] == taken


def test_a_view_of_a_team_one_has_left_is_not_listed(client, team, psychiatrist):
    client.post(f"/cohort/views/?measure=mood&team={team.pk}&sort=name")
    client.post("/cohort/views/?measure=mood&sort=known")
    assert len(client.get("/cohort/").context["views"]) == 2
    leave_team(team=team, user=psychiatrist)
    assert [one["label"].split(", ")[1] for one in client.get("/cohort/").context["views"]] == ["all teams"]


def test_views_are_ones_own(client, make_user, team, psychiatrist):
    kept = client.post("/cohort/views/?measure=mood&least=28&sort=known")
    assert kept["Location"] == "/cohort/?measure=mood&team=&least=28&sort=known"
    client.post("/cohort/views/?measure=mood&least=28&sort=known")
    one = SavedView.objects.get()
    assert "at least 28 days" in client.get("/cohort/").content.decode()
    other = Client()
    other.force_login(make_user("other@clinic.test", "psychiatrist"))
    assert "at least 28 days, days known" not in other.get("/cohort/").content.decode()
    assert other.post(f"/cohort/views/{one.pk}/forget/").status_code == 404
    assert client.post(f"/cohort/views/{one.pk}/forget/").status_code == 302
    assert not SavedView.objects.exists()


def test_a_row_of_cells_has_a_gap_where_nothing_is_known_and_fifths_of_all():
    days = np.array([1, 2, np.nan, 3, 4, 5, 5])
    cuts = cuts_of([days])
    drawn = dict(heat(days, cuts))
    covered = sorted(
        at + n
        for path in drawn.values()
        for at, length in (
            (int(one.split(" ")[0]), int(one.split("h")[1].split("v")[0])) for one in path.split("M")[1:]
        )
        for n in range(length)
    )
    assert covered == [0, 1, 3, 4, 5, 6]
    assert drawn[1] == "M0 0h1v1h-1z"
    assert drawn[5] == "M5 0h2v1h-2z"
    assert heat(days, cuts_of([])) == []
