"""The clinical administrator's pages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils.html import escape

from novamind import clock
from novamind.audit.models import AuditEvent
from novamind.compliance.models import CheckResult, Finding, Incident
from tests.trail import the_request

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(signed_in: Any, clinical_admin: Any) -> Any:
    return signed_in(clinical_admin)


def test_the_page_shows_each_check_after_the_first_run(admin):
    assert "Nothing was checked yet" in admin.get("/compliance/").content.decode()
    assert admin.post("/compliance/run/").status_code == 302
    page = admin.get("/compliance/").content.decode()
    assert all(escape(result.title) in page for result in CheckResult.objects.all())
    assert "never verified" in page  # the chain, in a database that is minutes old
    assert "overdue since" not in page


def test_an_overdue_finding_comes_first_and_is_marked(admin):
    admin.post("/compliance/run/")
    late = Finding.objects.open().first()
    Finding.objects.filter(pk=late.pk).update(due_at=clock.now() - timedelta(days=1))
    page = admin.get("/compliance/").content.decode()
    assert page.count("overdue since") == 1
    others = CheckResult.objects.exclude(key=late.key)
    assert all(page.index(escape(late.title)) < page.index(escape(other.title)) for other in others)


def test_a_note_is_kept_shown_and_asked_for(admin, clinical_admin):
    admin.post("/compliance/run/")
    finding = Finding.objects.open().first()
    address = f"/compliance/findings/{finding.pk}/acknowledge/"
    empty = admin.post(address, {f"{finding.pk}-notes": ""})
    assert (empty.status_code, "This field is required" in empty.content.decode()) == (422, True)
    assert admin.post(address, {f"{finding.pk}-notes": "asked the hosting company"}).status_code == 302
    assert "asked the hosting company" in admin.get("/compliance/").content.decode()
    assert AuditEvent.objects.get(action="compliance:acknowledge", outcome="success").object_id == str(finding.pk)


NEW = {
    "title": "Sign-in shared",
    "what": "Two people, one account",
    "discovered_at": "2027-03-01T10:00",
    "others_affected": "0",
}


@pytest.fixture
def in_2027(monkeypatch: pytest.MonkeyPatch) -> None:
    moment = clock.now().replace(year=2027, month=4, day=1)
    monkeypatch.setattr("novamind.clock.now", lambda: moment)


def test_an_incident_is_recorded_with_whom_the_account_saw(client, psychiatrist, patient, clinical_admin):
    client.force_login(psychiatrist)
    client.get(f"/patients/{patient.pk}/actigraphy/")
    client.force_login(clinical_admin)
    today, yesterday = (f"{clock.now() - timedelta(hours=ago):%Y-%m-%dT%H:%M}" for ago in (0, 24))
    sent = NEW | {"account": str(psychiatrist.pk), "discovered_at": today, "since": yesterday}
    answer = client.post("/compliance/incidents/new/", sent)
    assert answer.status_code == 302, answer.content
    page = client.get(answer.url).content.decode()
    assert str(patient.pk)[:8] in page
    assert "everybody affected" in page.lower()
    assert Incident.objects.get().people == 1
    assert "Sign-in shared" in client.get("/compliance/incidents/").content.decode()
    event = AuditEvent.objects.get(action="compliance:new-incident", outcome="success")
    assert (event.event_type, event.object_id) == ("CREATION", str(Incident.objects.get().pk))


@pytest.mark.usefixtures("in_2027")
@pytest.mark.parametrize(
    "wrong",
    [
        {"discovered_at": "2028-01-01T00:00"},
        {"since": "2027-03-01T00:00"},
        {"title": ""},
        {"others_affected": "-1"},
        {"what": "x" * 100_001},
    ],
)
def test_what_cannot_be_is_refused_and_what_was_typed_is_kept(admin, wrong):
    answer = admin.post("/compliance/incidents/new/", NEW | wrong)
    assert answer.status_code == 422
    assert "Not saved yet" in answer.content.decode()
    assert not Incident.objects.exists()


@pytest.mark.usefixtures("in_2027")
def test_an_incident_is_closed_when_everybody_was_told(admin):
    page = admin.post("/compliance/incidents/new/", NEW | {"others_affected": "3"}).url
    kept = {"judgement": "presumed", "others_affected": "3"}
    early = admin.post(page, kept | {"close": "on"})
    assert (early.status_code, "still to be told" in early.content.decode()) == (422, True)
    dates = {"individuals_told_on": "2027-03-20", "hhs_told_on": "2027-03-21"}
    assert admin.post(page, kept | dates | {"close": "on"}).status_code == 302
    assert Incident.objects.get().closed_at is not None
    ahead = admin.post(page, kept | dates | {"hhs_told_on": "2027-09-01"})
    assert (ahead.status_code, "has not been yet" in ahead.content.decode()) == (422, True)


@pytest.mark.usefixtures("in_2027")
def test_a_closed_incident_stays_closed_when_its_page_is_kept_as_it_stands(admin):
    page = admin.post("/compliance/incidents/new/", NEW).url
    sent = {"judgement": "low", "reasons": "Encrypted.", "others_affected": "0"}
    admin.post(page, sent | {"close": "on"})
    form = admin.get(page).context["form"]
    assert form["close"].value() is True
    admin.post(page, sent)
    assert admin.get(page).context["form"]["close"].value() is False


def test_an_incident_is_typed_and_shown_in_the_clinics_time(admin, monkeypatch):
    monkeypatch.setattr("novamind.clock.now", lambda: datetime(2027, 6, 1, 22, 30, tzinfo=UTC))  # Wednesday in Oslo
    sent = NEW | {"discovered_at": "2027-06-02T00:15", "others_affected": "3"}
    page = admin.post("/compliance/incidents/new/", sent).url
    assert Incident.objects.get().discovered_at == datetime(2027, 6, 1, 22, 15, tzinfo=UTC)
    assert "Wed 2 Jun 2027" in admin.get("/compliance/incidents/").content.decode()
    shown = admin.get(page).content.decode()
    assert "discovered Wed 2 Jun 2027" in shown
    kept = {"judgement": "presumed", "others_affected": "3"}
    assert admin.post(page, kept | {"hhs_told_on": "2027-06-02"}).status_code == 302
    assert admin.post(page, kept | {"hhs_told_on": "2027-06-03"}).status_code == 422


def test_an_hour_that_the_clinics_clocks_show_twice_is_asked_for_again(admin, monkeypatch):
    monkeypatch.setattr("novamind.clock.now", lambda: datetime(2027, 11, 1, tzinfo=UTC))
    answer = admin.post("/compliance/incidents/new/", NEW | {"discovered_at": "2027-10-31T02:30"})
    assert (answer.status_code, "may be ambiguous" in answer.content.decode()) == (422, True)


def test_reading_an_incident_is_on_record(admin, clinical_admin):
    made = Incident.objects.create(title="t", what="w", discovered_at=clock.now(), recorded_by=clinical_admin)
    admin.get(f"/compliance/incidents/{made.pk}/")
    event = the_request()
    assert (event.object_label, event.object_id) == ("compliance.Incident", str(made.pk))
