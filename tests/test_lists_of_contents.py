"""Whoever reads charts by a list has opened them, as the weekly review counts; a list of names opens none."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction
from django.http import HttpResponse
from django.test import RequestFactory

from novamind import clock
from novamind.audit import activity
from novamind.audit.models import AuditEventPatient
from novamind.audit.recording import recorded, saw
from novamind.audit.showing import lists_names, says_names, shows_contents
from patients.services import join_team
from tests.one_of_everything import fill_chart
from tests.urls_of_novamind import every_view

MANY = activity.AN_HOUR + 1
ANALYSES = "/api/v1/actigraphy/analyses?page_size=500"


@pytest.fixture
def clinic(db: None, make_patient: Any, team: Any) -> list[Any]:
    """One more patient than may be opened within an hour, each with one analysis."""
    with transaction.atomic():
        patients = [make_patient(team) for _ in range(MANY)]
        for patient in patients:
            fill_chart(patient)
    return patients


@pytest.fixture
def browsers(make_user: Any, team: Any) -> Any:
    """A psychiatrist of the team by this name, signed in."""
    from django.test import Client

    def browser(name: str) -> Client:
        user = make_user(f"{name}@clinic.test", "psychiatrist")
        join_team(team=team, user=user)
        client = Client()
        client.force_login(user)
        return client

    return browser


def found(key: str = "many") -> dict[str, str]:
    rule = next(rule for rule in activity.rules() if rule.key == key)
    return {finding.who: finding.fact for finding in rule.find(activity.Week.of(clock.now()))}


def test_a_harvester_by_a_list_is_found_like_one_by_pages(clinic, browsers):
    pages, listing, names = browsers("pages"), browsers("listing"), browsers("names")
    for patient in clinic:
        assert pages.get(f"/patients/{patient.pk}/actigraphy/").status_code == 200
    assert len(listing.get(ANALYSES).json()["results"]) == MANY
    for number in (1, 2):
        assert names.get("/patients/", {"page": number}).status_code == 200
    assert len(names.get("/api/v1/patients?page_size=500").json()["results"]) == MANY
    said = f"{MANY} charts within an hour"
    assert found() == {"pages": said, "listing": said}
    opened = AuditEventPatient.objects.filter(event__action="api:analysis-list").values_list("opened", flat=True)
    assert set(opened) == {True}


def test_pages_of_a_list_add_up(clinic, browsers):
    listing = browsers("listing")
    address = "/api/v1/actigraphy/analyses?page_size=10"
    while address:
        assert not found()
        address = listing.get(address).json()["next"]
    assert found() == {"listing": f"{MANY} charts within an hour"}


def shown(view: Any, method: str = "GET", patients: int = 2, kind: str | None = None) -> bool:
    request = RequestFactory().generic(method, "/")
    request.resolver_match = type("Match", (), {"func": staticmethod(view)})()
    with recorded(actor_label="somebody", request_id="r") as ledger:
        for _ in range(patients):
            saw(uuid4())
        ledger.event_type = kind
        return shows_contents(request, ledger)


def test_a_list_that_says_nothing_shows_contents():
    def view(request: Any) -> HttpResponse: ...

    assert shown(view)
    assert not shown(view, patients=1)
    assert not shown(view, "POST")  # who joins a team has a hundred grants, and opened no chart
    assert shown(view, "POST", kind="DATA_ACCESS")
    assert not shown(lists_names(view))


def test_these_lists_tell_patients_apart_and_no_more():
    """A list that joins them is argued for here."""
    named = {url.name for url, view in every_view() if says_names(view)}
    assert {name for name in named if name.endswith(("list", "search"))} == {
        "patients:list",
        "patients:search",
        "api:patient-list",
        "admin:patients_patient_changelist",
        "admin:patients_grant_changelist",
        "admin:patients_careassignment_changelist",
    }
