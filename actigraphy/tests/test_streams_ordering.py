"""Which source counts first: the clinic's order, or one patient's own, with who set it, when and why."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from actigraphy.models import Source, SourceOrder
from actigraphy.streams.ordering import OrderChanged, WrongOrder, set_order, streaming
from novamind import clock
from novamind.audit.models import AuditEvent
from novamind.audit.recording import recorded
from patients.consent import record_consent

NOW = datetime(2026, 3, 30, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def noon(monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: NOW)


@pytest.fixture
def api(signed_in, psychiatrist):
    return signed_in(psychiatrist)


@pytest.fixture
def two(api, patient):
    """A band that counts 100 beats and a ring that counts 60, over the same hour."""
    for source, value in (("band", 100), ("ring", 60)):
        body = {
            "patient_id": str(patient.pk), "data_type": "heart_rate", "source": source,
            "start": "2026-03-30T06:00:00Z", "epoch_s": 60, "values": [value] * 60,
        }  # fmt: skip
        answer = api.post("/api/v1/biometric-events", json.dumps(body), content_type="application/json")
        assert answer.status_code == 201
    return {row.device_type: row.pk for row in Source.objects.filter(patient=patient)}


def mean(api, patient):
    days = api.get(f"/api/v1/patients/{patient.pk}/biometrics/heart_rate/days").json()["keys"]["bpm"]["days"]
    return days[-1]["value"], {one["source"]: (one["kept"], one["dropped"]) for one in days[-1]["sources"]}


def page(patient):
    return f"/patients/{patient.pk}/data/heart_rate/"


def send(api, patient, places, *, version=0, reason="worn loosely", **more):
    sent = {f"heart_rate-place-{pk}": place for pk, place in places.items()}
    sent |= {"heart_rate-reason": reason, "heart_rate-version": version, **more}
    return api.post(f"{page(patient)}order/bpm/", sent)


def test_a_patients_own_order_decides_every_total_and_says_who_set_it_and_why(api, patient, two, psychiatrist):
    assert mean(api, patient) == (100, {"Chest or arm band": (60, 0), "Ring": (0, 60)})
    assert "set by" not in api.get(page(patient)).content.decode()
    assert send(api, patient, {two["ring"]: 1, two["band"]: 2}).status_code == 302
    assert mean(api, patient) == (60, {"Chest or arm band": (0, 60), "Ring": (60, 0)})
    shown = api.get(page(patient)).content.decode()
    assert f"own order, set by {psychiatrist} on" in shown
    assert "worn loosely" in shown
    event = AuditEvent.objects.get(action="data:order")
    order = SourceOrder.objects.get()
    assert (event.object_label, event.object_id) == ("actigraphy.SourceOrder", str(order.pk))
    assert [str(one.patient_id) for one in event.patients.all()] == [str(patient.pk)]
    assert (order.version, order.set_by) == (1, psychiatrist)


def test_the_order_of_one_patient_is_nobody_elses(api, patient, two, make_patient, team):
    other = make_patient(team)
    with recorded(actor_label="test", request_id="t"):
        assert streaming(other, "heart_rate") == []
    assert send(api, other, {two["ring"]: 1, two["band"]: 2}).status_code == 422
    assert mean(api, patient)[0] == 100


def test_the_clinics_order_comes_back_and_the_history_stays(api, patient, two):
    send(api, patient, {two["ring"]: 1, two["band"]: 2})
    answer = send(api, patient, {}, version=1, reason="a better strap", **{"heart_rate-clinic": "on"})
    assert answer.status_code == 302
    assert mean(api, patient)[0] == 100
    shown = api.get(page(patient)).content.decode()
    assert "own order, set by" not in shown
    for reason in ("worn loosely", "a better strap"):
        assert reason in shown
    assert list(SourceOrder.objects.values_list("version", flat=True)) == [2, 1]


@pytest.mark.parametrize("places", [(1, 1), (2, 2), (1, 3), (1, "")])
def test_places_that_are_no_order_are_refused(api, patient, two, places):
    assert send(api, patient, dict(zip(two.values(), places, strict=True))).status_code == 422
    assert send(api, patient, {two["ring"]: 1, two["band"]: 2}, reason=" ").status_code == 422
    assert not SourceOrder.objects.exists()


def test_two_who_decide_at_once_do_not_overwrite_each_other(api, patient, two, psychiatrist):
    assert send(api, patient, {two["ring"]: 1, two["band"]: 2}).status_code == 302
    late = send(api, patient, {two["band"]: 1, two["ring"]: 2}, reason="mine")
    assert (late.status_code, "meanwhile" in late.content.decode()) == (409, True)
    with recorded(actor_label="test", request_id="t"):
        asked = {"patient": patient, "channel": "heart_rate", "reason": "r", "by": psychiatrist}
        for version in (0, 5):  # an older one, and one that was never shown
            with pytest.raises(OrderChanged):
                set_order(sources=[two["band"], two["ring"]], version=version, **asked)
        with pytest.raises(WrongOrder):
            set_order(sources=[two["band"], uuid4()], version=1, **asked)
    assert SourceOrder.objects.get().sources == [str(two["ring"]), str(two["band"])]


def test_a_source_that_comes_later_stands_behind_the_order(api, patient, two):
    send(api, patient, {two["ring"]: 1, two["band"]: 2})
    body = {"patient_id": str(patient.pk), "data_type": "heart_rate", "source": "band", "source_device_id": "B2",
            "start": "2026-03-30T06:30:00Z", "epoch_s": 60, "values": [90] * 60}  # fmt: skip
    api.post("/api/v1/biometric-events", json.dumps(body), content_type="application/json")
    assert mean(api, patient)[0] == pytest.approx((60 * 60 + 30 * 90) / 90)
    assert "Chest or arm band B2" in api.get(page(patient)).content.decode()


def test_the_order_is_set_by_whoever_manages_devices_under_the_patients_consent(
    signed_in, api, patient, two, researcher
):
    places = {two["ring"]: 1, two["band"]: 2}
    assert send(signed_in(researcher), patient, places).status_code == 403
    record_consent(patient=patient, purpose="treatment", stream="heart", given=False, how="spoken", by=None)
    assert send(api, patient, places).status_code == 403
    assert not SourceOrder.objects.exists()


ORDER = "biometrics/heart_rate/order/bpm"


def over_the_api(api, patient, sources, *, version=0, reason="worn loosely"):
    body = {"sources": [str(pk) for pk in sources], "reason": reason, "version": version}
    return api.post(f"/api/v1/patients/{patient.pk}/{ORDER}", body, content_type="application/json")


def test_a_program_sets_the_order_and_reads_who_decided_what(api, patient, two, psychiatrist):
    read = api.get(f"/api/v1/patients/{patient.pk}/{ORDER}").json()
    assert (read["version"], read["own"], [one["source"] for one in read["sources"]]) == (
        0, False, ["Chest or arm band", "Ring"],
    )  # fmt: skip
    answer = over_the_api(api, patient, [two["ring"], two["band"]])
    assert (answer.status_code, mean(api, patient)[0]) == (201, 60)
    said = answer.json()
    assert said == api.get(f"/api/v1/patients/{patient.pk}/{ORDER}").json()
    assert (said["version"], said["own"], said["sources"][0]) == (1, True, {"id": str(two["ring"]), "source": "Ring"})
    assert [(one["reason"], one["set_by"]) for one in said["decisions"]] == [("worn loosely", str(psychiatrist))]
    event = AuditEvent.objects.get(action="api:biometric-order", method="POST")
    assert (event.object_label, event.object_id) == ("actigraphy.SourceOrder", str(SourceOrder.objects.get().pk))
    back = over_the_api(api, patient, [], version=1).json()
    assert (back["own"], mean(api, patient)[0], len(back["decisions"])) == (False, 100, 2)


def test_a_program_is_refused_what_a_page_is(api, patient, two, signed_in, researcher):
    both = [two["ring"], two["band"]]
    for wrong in ([two["ring"]], [two["ring"], two["ring"]], [two["ring"], uuid4()]):
        refused = over_the_api(api, patient, wrong)
        assert (refused.status_code, list(refused.json()["fields"])) == (400, ["sources"])
    stale = over_the_api(api, patient, both, version=3)
    assert (stale.status_code, stale.json()["code"]) == (409, "stale")
    record_consent(patient=patient, purpose="treatment", stream="heart", given=False, how="spoken", by=None)
    assert over_the_api(api, patient, both).json()["code"] == "consent_withheld"
    assert over_the_api(signed_in(researcher), patient, both).json()["code"] == "role_required"
    assert not SourceOrder.objects.exists()
