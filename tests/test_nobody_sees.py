"""Who has no patient gets no row: on every list, by every road, at once."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from novamind.accounts.roles import ROLES
from novamind.audit.records import PatientRecord
from patients.models import Grant, Patient, PsychotherapyNote
from patients.services import leave_team, share_patient
from tests.test_role_url_table import CANARIES, ask, of_the_patient, visitor
from tests.urls_of_novamind import every_url, values_for

pytestmark = pytest.mark.exhaustive

#: Rows of charts' tables that are about nobody: rules of the whole clinic.
NOBODYS: dict[str, dict[str, Any]] = {"insights.AlertRule": {"patient": None}}


def rows(chart: Any, user: Any) -> list[str]:
    """What of the chart this user can reach: querysets, pages, API, admin, search."""
    user = type(user).objects.get(pk=user.pk)
    found = [model.__name__ for model in apps.get_models() if issubclass(model, PatientRecord) and visible(model, user)]
    client = visitor(user)
    for url in every_url():
        if url in of_the_patient():
            answer = ask(client, "GET", url.of(values_for(url, chart, user)))
            if answer.status_code == 200:
                found.append(url.name)
        elif url.named and not url.parameters:
            answer = ask(client, "GET", url.of({}))
        else:
            continue
        if CANARIES.search(answer.content) or str(chart.patient.pk).encode() in answer.content:
            found.append(f"{url.name} names the patient")
    if search_finds(client):
        found.append("search")
    return found


def visible(model: Any, user: Any) -> bool:
    scope = getattr(model.objects.all(), "visible_to", None) or getattr(model.objects.all(), "readable_by", None)
    return scope is not None and scope(user).exclude(**NOBODYS.get(model._meta.label, {"pk": None})).exists()


def search_finds(client: Client) -> bool:
    """By name and number: a hit redirects to the chart."""
    answers = [client.post("/patients/search/", {"q": query}) for query in ("Zqxlast", "ZQX-MRN-7781")]
    return any(answer.status_code == 302 for answer in answers)


@pytest.fixture
def zero(make_user: Any) -> Any:
    """A psychiatrist without a team."""
    return make_user("zero@clinic.test", "psychiatrist")


def test_who_has_no_patient_reaches_no_row(chart, zero, psychiatrist):
    assert rows(chart, zero) == []
    assert len(rows(chart, psychiatrist)) > 10  # the same roads lead somewhere for whoever treats the patient


def test_who_runs_the_place_and_has_no_patient_finds_no_row_of_a_chart_in_any_list(chart, make_user):
    everything = make_user("all@clinic.test", *ROLES, is_staff=True, is_superuser=True)
    client, lists = visitor(everything), 0
    for model, page in admin.site._registry.items():
        # A run of a model is listed without whose it was, for whoever watches the models.
        if issubclass(model, PatientRecord) and model._meta.label != "registry.InferenceRecord":
            assert model._base_manager.exists(), model
            listed = client.get(reverse(f"admin:{page.opts.app_label}_{page.opts.model_name}_changelist"))
            nobodys = NOBODYS.get(model._meta.label)
            assert listed.context["cl"].result_count == (
                model._base_manager.filter(**nobodys).count() if nobodys else 0
            )
            lists += 1
    assert lists >= 8
    for address in ("/api/v1/patients", "/api/v1/actigraphy/recordings", "/api/v1/actigraphy/analyses"):
        assert client.get(address).json()["results"] == []
    assert client.get("/patients/").context["total"] == 0


def test_a_revoked_user_reaches_no_row_at_the_next_request(chart, psychiatrist, team):
    client = visitor(psychiatrist)
    page = f"/patients/{chart.patient.pk}/actigraphy/"
    assert ask(client, "GET", page).status_code == 200
    leave_team(team=team, user=psychiatrist)
    assert ask(client, "GET", page).status_code == 404
    assert rows(chart, psychiatrist) == []


def test_permissions_of_django_and_guardian_open_nothing_however_their_caches_stand(chart, zero):
    zero.user_permissions.set(Permission.objects.filter(content_type__app_label__in=["patients", "actigraphy"]))
    assert zero.has_perm("patients.view_patient")  # fills Django's cache
    assert rows(chart, zero) == []
    for cache in [name for name in zero.__dict__ if name.endswith("_cache")]:
        del zero.__dict__[cache]
    assert not Patient.objects.visible_to(zero).exists()
    assert rows(chart, zero) == []


def test_a_grant_counts_only_while_it_is_valid_and_its_user_active(chart, zero):
    share_patient(patient=chart.patient, user=zero)
    assert rows(chart, zero)
    zero.is_active = False
    zero.save()
    assert not Patient.objects.visible_to(zero).exists()
    assert not Patient.objects.changeable_by(zero).exists()
    assert not PsychotherapyNote.objects.readable_by(zero).exists()
    zero.is_active = True
    zero.save()
    Grant.objects.filter(user=zero).delete()
    assert rows(chart, zero) == []
