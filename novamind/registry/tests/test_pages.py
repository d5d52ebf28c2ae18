"""The Models pages: all staff read them, one role moves versions, and nobody's data stands there."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from django.urls import reverse

from novamind.audit.models import AuditEvent
from novamind.clock import now
from novamind.measures import Window
from novamind.registry.inference import infer_or_recall
from novamind.registry.models import ModelVersion
from novamind.registry.services import move
from tests.one_of_everything import CANARIES

pytestmark = pytest.mark.django_db
WINDOW = Window(now() - timedelta(days=7), now())


def page(client, version, name="version"):
    return client.get(reverse(f"models:{name}", args=[version.pk]))


def send(client, version, **fields):
    known = {"to": "production", "reason": "It agrees with the older.", "seen": version.stage}
    return client.post(reverse("models:move", args=[version.pk]), known | fields)


def infer(version, patient, number=1.0):
    return infer_or_recall(
        version=version, patient_id=patient.pk, array=np.array([number]), window=WINDOW,
        run=lambda array: {"score": float(array[0])},
    )  # fmt: skip


def stage(version):
    return ModelVersion.objects.get(pk=version.pk).stage


def test_the_list_has_every_version_by_name_the_one_that_serves_first(register, signed_in, therapist):
    register("1", "retired"), register("2", "production"), register("3", "shadow"), register("9", name="Anomaly")
    content = signed_in(therapist).get("/models/").content.decode()
    places = [content.index(text) for text in ("Anomaly", "<code>9<", "<code>2<", "<code>3<", "<code>1<")]
    assert places == sorted(places)
    assert "Says does." in content
    assert "operator:kari" in content
    assert 'href="/models/" aria-current="page"' in content


def test_the_list_says_what_to_do_where_nothing_is_registered(signed_in, therapist):
    assert b"install_pat_weights" in signed_in(therapist).get("/models/").content


def test_the_number_of_queries_does_not_grow_with_the_versions(
    register, signed_in, therapist, django_assert_max_num_queries
):
    client = signed_in(therapist)
    client.get("/models/")
    for number in range(12):
        register(str(number), name=f"Head {number % 3}")
    with django_assert_max_num_queries(25):
        assert client.get("/models/").status_code == 200


def test_a_version_says_what_it_does_what_not_its_card_and_its_history(register, signed_in, therapist, card, settings):
    version = register("1", "production", card=card | {"funding": {"not_available": "Nobody says."}})
    content = page(signed_in(therapist), version).content.decode()
    for said in (
        "Says does.", "Says must_not.", "Not available:</strong> Nobody says.", "interval 0.62\u20130.79, n = 120",
        "Quantitative measures of performance", "To be used.", "Trained.", "It has not run.",
    ):  # fmt: skip
        assert said in content, said
    assert "not answered" not in content
    assert "Move it to another stage" not in content
    assert f"Version {settings.VERSION}" in content, "the frame's own version"


def test_a_version_with_half_a_card_says_so(register, signed_in, therapist):
    content = page(signed_in(therapist), register("1", card={"licence": "MIT"})).content.decode()
    assert "Its card leaves 34 things unsaid" in content
    assert content.count("not answered") == 2 * 34
    assert "Its card does not say." in content


def test_runs_comparison_and_drift_are_on_the_page_and_no_patient(register, signed_in, therapist, patient):
    serving, trial = register("1", "production"), register("2", "shadow")
    for number in range(11):
        infer(serving, patient, number), infer(trial, patient, number)
    infer(trial, patient, 1.0)
    response = page(signed_in(therapist), trial)
    content = response.content.decode()
    assert "Inputs both answered</dt><dd>11</dd>" in content
    assert "the same input again</span></dt><dd>1</dd>" in content
    assert "declares no distribution" in content
    assert not CANARIES.search(response.content)
    assert str(patient.pk) not in content
    event = AuditEvent.objects.order_by("-at").first()
    assert (event.path, event.patients.count()) == (f"/models/{trial.pk}/", 0)


def test_a_trial_without_anything_that_serves_says_so(register, signed_in, therapist):
    assert b"there is nothing to compare with" in page(signed_in(therapist), register("1", "shadow")).content


def test_an_administrator_moves_a_version_with_a_reason(register, signed_in, clinical_admin):
    older, version = register("1", "production"), register("2", "shadow")
    client = signed_in(clinical_admin)
    assert b"Move it to another stage" in page(client, version).content
    assert page(client, version, "move").status_code == 200
    assert send(client, version).status_code == 302
    assert (stage(version), stage(older)) == ("production", "retired")
    change = version.changes.first()
    assert (change.by_user, change.reason) == (clinical_admin, "It agrees with the older.")
    event = AuditEvent.objects.filter(event_type="MODEL_PROMOTION", actor_id=clinical_admin.pk).order_by("-at").first()
    assert event.details["to"] == "production"


@pytest.mark.parametrize("who", ["psychiatrist", "researcher", "superuser"])
def test_nobody_else_moves_one(register, signed_in, request, who):
    version = register("1", "shadow")
    client = signed_in(request.getfixturevalue(who))
    assert page(client, version, "move").status_code == send(client, version).status_code == 403
    assert stage(version) == "shadow"


def test_moving_asks_for_the_second_factor_again(register, signed_in, clinical_admin):
    version, client = register("1", "shadow"), signed_in(clinical_admin)
    session = client.session
    for record in session["account_authentication_methods"]:
        record["at"] -= 601
    session.save()
    for response in (page(client, version, "move"), send(client, version)):
        assert response.status_code == 302
        assert "next=%2Fmodels%2F" in response["Location"]
    assert stage(version) == "shadow"


def test_an_incomplete_card_is_refused_with_what_is_missing_and_what_was_typed(
    register, signed_in, clinical_admin, card
):
    version = register("1", card=card | {"licence": "", "funding": " "})
    response = send(signed_in(clinical_admin), version)
    content = response.content.decode()
    assert (response.status_code, stage(version)) == (422, "draft")
    assert "Its card leaves 2 things unsaid." in content
    assert "Licence: not answered." in content
    assert "It agrees with the older." in content
    assert AuditEvent.objects.order_by("-at").first().outcome == "refused"


@pytest.mark.parametrize("fields", [{"reason": " "}, {"to": ""}, {"to": "draft"}, {"reason": "x" * 1001}])
def test_a_form_with_something_missing_moves_nothing(register, signed_in, clinical_admin, fields):
    version = register("1", "shadow")
    assert send(signed_in(clinical_admin), version, **fields).status_code == 422
    assert stage(version) == "shadow"


def test_a_version_moved_meanwhile_is_answered_409_and_can_be_sent_again(register, signed_in, clinical_admin):
    version, client = register("1"), signed_in(clinical_admin)
    move(ModelVersion.objects.get(pk=version.pk), to="shadow", by="operator:ola", reason="To be tried.")
    response = send(client, version)
    assert response.status_code == 409
    assert b"it is in shadow now" in response.content
    assert b"It agrees with the older." in response.content
    assert stage(version) == "shadow"
    seen = response.context["form"]["seen"].value()
    assert send(client, version, seen=seen).status_code == 302
    assert stage(version) == "production"


def test_the_api_has_what_the_page_has(register, signed_in, researcher, card):
    version = register("1", card=card | {"licence": ""})
    client = signed_in(researcher)
    (listed,) = client.get("/api/v1/models").json()["results"]
    one = client.get(f"/api/v1/models/{version.pk}").json()
    assert listed == one
    assert (one["stage"], one["moved_by"], one["missing"]) == ("draft", "operator:kari", ["Licence: not answered."])
    assert one["card"]["does"] == "Says does."
    assert client.post("/api/v1/models", {}).status_code == 405
    assert client.patch(f"/api/v1/models/{version.pk}", {}).status_code == 405
