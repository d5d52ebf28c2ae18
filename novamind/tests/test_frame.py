"""The frame around every page: who is offered what, and whose newest signal counts."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from django.contrib.auth.models import AnonymousUser

from novamind import frame
from novamind.accounts.roles import RIGHTS


def offered(rf, user):
    request = rf.get("/")
    request.user = user
    return [entry["item"].label for entry in frame.context(request)["nav"]]


def test_a_stranger_is_offered_nothing(rf):
    assert offered(rf, AnonymousUser()) == []


def test_each_role_is_offered_what_it_may_open(rf, psychiatrist, clinical_admin, superuser, researcher):
    assert "Patients" in offered(rf, psychiatrist)
    assert "Audit" not in offered(rf, psychiatrist)
    assert {"Patients", "Jobs", "Audit"} <= set(offered(rf, clinical_admin))
    assert "Patients" not in offered(rf, superuser)
    assert offered(rf, researcher) == ["Clinic", "Models", "Research export"]


def test_whatever_is_offered_opens(client, psychiatrist, clinical_admin, superuser, rf):
    for user in (psychiatrist, clinical_admin, superuser):
        client.force_login(user)
        request = rf.get("/")
        request.user = user
        for entry in frame.context(request)["nav"]:
            assert client.get(entry["url"]).status_code == 200, entry["url"]


def test_every_entry_asks_for_a_right_that_exists_and_has_its_place():
    items = list(frame._declared("nav"))
    assert {item.right for item in items} <= set(RIGHTS)
    assert len({item.order for item in items}) == len(items)


def test_patient_tabs_stand_in_order_and_lead_to_the_patient(therapist, clinical_admin):
    patient = uuid4()
    tabs = frame.patient_tabs(patient, therapist)
    assert all(str(patient) in tab["url"] for tab in tabs)
    assert "Actigraphy" in [tab["label"] for tab in tabs]
    assert {tab["label"] for tab in tabs} - {tab["label"] for tab in frame.patient_tabs(patient, clinical_admin)} == {
        "Messages",
        "Notes",
        "Private notes",
    }


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
def test_the_newest_signal_of_all_apps_counts(monkeypatch, order):
    patient, unmeasured = uuid4(), uuid4()
    at = {n: datetime(2026, 1, n, tzinfo=UTC) for n in (1, 2)}
    monkeypatch.setattr(frame, "_declared", lambda name: iter(order))
    monkeypatch.setattr(frame, "import_string", lambda n: lambda ids: {patient: at[n]})
    assert frame.last_signals([patient, unmeasured]) == {patient: at[2]}


def test_nobody_shows_a_record_that_does_not_exist(psychiatrist):
    assert frame.provenance_of(uuid4(), psychiatrist) is None


def test_a_search_for_patients_is_offered_to_those_who_may_see_patients(rf, psychiatrist, researcher):
    searches = {}
    for user in (psychiatrist, researcher):
        request = rf.get("/")
        request.user = user
        searches[user] = frame.context(request)["searches"]
    assert searches == {psychiatrist: True, researcher: False}
