"""Whom an incident affects, by the trail; and every date that follows from it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from novamind.audit.models import AuditEvent, AuditEventPatient
from novamind.compliance import checks
from novamind.compliance.clocks import deadlines, discovered_on, may_close, overdue
from novamind.compliance.incidents import NotToldYet, record_incident, seen_by, update_incident
from novamind.compliance.models import Affected, Incident

pytestmark = pytest.mark.django_db
START = datetime(2027, 3, 1, 11, tzinfo=UTC)


def opened(actor: Any, patients: list[UUID], at: datetime, outcome: str = "success", status: int = 200) -> None:
    event = AuditEvent.objects.create(
        event_type="DATA_ACCESS", actor_id=actor.pk, actor_label=actor.email, role="", action="a", outcome=outcome,
        purpose="TREAT", request_id="r", app_version="0", at=at, status_code=status,
    )  # fmt: skip
    AuditEventPatient.objects.bulk_create(AuditEventPatient(event=event, patient_id=pk, at=at) for pk in patients)


@pytest.fixture
def today(monkeypatch: pytest.MonkeyPatch) -> Any:
    def set_day(year: int, month: int, day: int, hour: int = 12) -> None:
        monkeypatch.setattr("novamind.clock.now", lambda: datetime(year, month, day, hour, tzinfo=UTC))

    return set_day


@pytest.fixture
def incident(clinical_admin: Any) -> Any:
    def make(people: int = 1, at: datetime = START, **fields: Any) -> Incident:
        known = {"title": "t", "what": "A laptop was lost", "discovered_at": at, "others_affected": people}
        return record_incident(by=clinical_admin, **(known | fields))

    return make


def test_the_trail_says_whom_an_account_saw(psychiatrist, nurse):
    a, b, c, d, e = (uuid4() for _ in range(5))
    opened(psychiatrist, [a, b], START)
    opened(psychiatrist, [a], START + timedelta(hours=2))
    opened(psychiatrist, [c], START - timedelta(seconds=1))
    opened(psychiatrist, [c], START + timedelta(hours=3, seconds=1))
    opened(psychiatrist, [c], START, outcome="refused", status=403)
    opened(psychiatrist, [e], START, outcome="refused", status=422)  # the form came back, in its chart
    opened(nurse, [d], START)
    found = {row["patient_id"]: row for row in seen_by(psychiatrist, START, START + timedelta(hours=3))}
    assert set(found) == {a, b, e}
    assert (found[a]["first_at"], found[a]["last_at"], found[a]["events"]) == (START, START + timedelta(hours=2), 2)


def test_the_list_is_frozen_and_the_words_are_not_in_the_clear(psychiatrist, incident):
    a, b = uuid4(), uuid4()
    opened(psychiatrist, [a], START)
    made = incident(
        people=2, what="Zqxlast was seen", account=psychiatrist, since=START, until=START + timedelta(hours=1)
    )
    opened(psychiatrist, [b], START)
    assert list(made.affected.values_list("patient_id", flat=True)) == [a]
    assert made.people == 3
    assert Incident.objects.get().what == "Zqxlast was seen"
    assert b"Zqxlast" not in bytes(Incident.objects.get().__dict__["what"])


def test_an_incident_without_an_account_affects_those_who_were_counted(incident):
    assert (incident(people=40).people, Affected.objects.count()) == (40, 0)


@pytest.mark.parametrize(
    ("at", "people", "individuals", "hhs", "media"),
    [
        (datetime(2027, 3, 1, 11, tzinfo=UTC), 1, date(2027, 4, 30), date(2028, 2, 29), None),
        (datetime(2026, 3, 1, 11, tzinfo=UTC), 499, date(2026, 4, 30), date(2027, 3, 1), None),
        (datetime(2027, 3, 1, 11, tzinfo=UTC), 500, date(2027, 4, 30), date(2027, 4, 30), date(2027, 4, 30)),
        (datetime(2027, 12, 31, 12, tzinfo=UTC), 1, date(2028, 2, 29), date(2028, 2, 29), None),
        # Half past eleven in the evening of UTC is the next year in Oslo.
        (datetime(2027, 12, 31, 23, 30, tzinfo=UTC), 1, date(2028, 3, 1), date(2029, 3, 1), None),
    ],
)
def test_the_dates(incident, at, people, individuals, hhs, media):
    due = {deadline.field: deadline.due_on for deadline in deadlines(incident(people, at))}
    assert due == {"individuals_told_on": individuals, "hhs_told_on": hhs} | ({"media_told_on": media} if media else {})


def test_nobody_is_told_of_what_was_not_compromised_or_concerns_nobody(incident):
    assert deadlines(incident(judgement="low", reasons="The disk was encrypted.")) == []
    assert deadlines(incident(people=0)) == []


def test_a_date_is_overdue_the_day_after_until_somebody_was_told(incident, today):
    made = incident()
    today(2027, 4, 30, 21)
    assert (overdue(made), deadlines(made)[0].days_left) == (False, 0)
    today(2027, 4, 30, 22)  # midnight in Oslo
    assert (overdue(made), deadlines(made)[0].days_left) == (True, -1)
    made.individuals_told_on = date(2027, 4, 30)
    assert not overdue(made)


def test_the_day_of_discovery_is_the_clinics(incident):
    assert discovered_on(incident(at=datetime(2027, 6, 1, 22, 30, tzinfo=UTC))) == date(2027, 6, 2)


def notices(made: Incident, **fields: Any) -> Incident:
    kept = {name: getattr(made, name) for name in ("judgement", "reasons", "others_affected")}
    dates = dict.fromkeys(("individuals_told_on", "hhs_told_on", "media_told_on"))
    return update_incident(made, **(kept | dates | {"close": True} | fields))


def test_it_closes_only_when_everybody_was_told_or_the_reasons_are_there(incident):
    made = incident()
    with pytest.raises(NotToldYet):
        notices(made, individuals_told_on=date(2027, 4, 1))
    assert Incident.objects.get().closed_at is None
    assert notices(made, individuals_told_on=date(2027, 4, 1), hhs_told_on=date(2027, 4, 1)).closed_at
    assert notices(made, close=False).closed_at is None
    assert not may_close(Incident(judgement="low", reasons=None))
    assert notices(made, judgement="low", reasons="Encrypted.").closed_at


def test_a_presumed_breach_that_nobody_was_counted_for_needs_its_reasons(incident):
    made = incident(people=0)
    with pytest.raises(NotToldYet):
        notices(made)
    assert notices(made, reasons="The trail shows that nothing was opened.").closed_at


def test_what_is_kept_after_the_end_leaves_the_end_as_it_was(incident, today):
    today(2027, 4, 1)
    closed_at = notices(incident(), judgement="low", reasons="Encrypted.").closed_at
    today(2027, 4, 2)
    assert notices(Incident.objects.get(), judgement="low", reasons="It was encrypted.").closed_at == closed_at


def test_a_late_notice_fails_on_the_page_of_checks(incident, today):
    incident()
    today(2027, 4, 1)
    assert next(checks.of_incidents()).state == "holds"
    today(2027, 5, 1)
    found = next(checks.of_incidents())
    assert (found.state, found.fact) == ("fails", "1 of 1 open incidents overdue")
