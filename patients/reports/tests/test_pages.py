"""The patient's own pages, the clinician's, and the API: who sends, who sees, what is said after an answer."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.db import OperationalError, connection, connections
from django.test import Client
from django.utils.html import escape

from novamind import clock
from novamind.audit.models import AuditEvent
from novamind.delivery.models import Delivery
from patients import compliance
from patients.alerts import resolve
from patients.consent import record_consent
from patients.instruments import WrongVersion, catalogue, instruments
from patients.models import Alert, Assessment, CheckIn, Consent, Grant, SymptomReport
from patients.reports import refused, services
from patients.reports.services import submit_assessment
from patients.services import join_team, link_own_account, view_permission

MINE = "/patients/mine/"
CRISIS = "call your local emergency number"
NO_RISK = ("no risk", "not at risk", "low risk", "safe")


@pytest.fixture
def own(make_user: Any, patient: Any) -> Any:
    user = make_user("self@clinic.test", "patient")
    link_own_account(patient=patient, user=user)
    return user


@pytest.fixture
def phone(own: Any) -> Client:
    client = Client()
    client.force_login(own)
    return client


@pytest.fixture
def clinician(psychiatrist: Any) -> Client:
    client = Client()
    client.force_login(psychiatrist)
    return client


def form(**said: Any) -> dict[str, Any]:
    return {"once": str(uuid4()), "version": "1"} | said  # the version of every instrument that is sent here


def phq9(*places: int) -> dict[str, Any]:
    return form(**{f"item_{n}": place for n, place in enumerate(places, 1)})


def test_a_patient_sees_what_can_be_told_and_whom_to_call(phone):
    page = phone.get(MINE).content.decode()
    assert CRISIS in page
    assert "Nobody is monitoring these pages right now." in page
    assert "/patients/mine/questionnaires/phq9/" in page
    assert "/patients/mine/questionnaires/isi/" not in page


def test_who_has_no_chart_of_their_own_finds_nothing(make_user):
    client = Client()
    client.force_login(make_user("alone@clinic.test", "patient"))
    assert {client.get(MINE + tail).status_code for tail in ("", "check-in/", "symptom/", "questionnaires/phq9/")} == {
        404
    }


@pytest.mark.parametrize("name", ["phq9", "phq2", "gad7", "auditc", "pcl5", "epds", "cssrs"])
def test_every_question_is_a_fieldset_and_the_crisis_text_stands_above(phone, name):
    from patients.instruments import instrument

    page = phone.get(f"{MINE}questionnaires/{name}/").content.decode()
    assert page.count('<fieldset class="item') == len(instrument(name).items)
    assert page.index(CRISIS) < page.index("<fieldset")
    assert instrument(name).citation[:20] in page.replace("&amp;", "&")


@pytest.mark.parametrize("name", ["isi", "nothing", "ess"])
def test_wording_that_is_not_ours_is_asked_of_nobody(phone, name):
    assert phone.get(f"{MINE}questionnaires/{name}/").status_code == 404


def test_an_answer_about_self_harm_is_answered_with_the_crisis_text(phone, patient, psychiatrist):
    answer = phone.post(f"{MINE}questionnaires/phq9/", phq9(0, 0, 0, 0, 0, 0, 0, 0, 1))
    page = answer.content.decode()
    assert answer.status_code == 200
    assert page.index(CRISIS) < page.index("Your answers have arrived")
    assert 'role="alert"' in page
    assert "Nobody is monitoring these pages right now." in page
    assert Alert.objects.get().about_id == Assessment.objects.get().pk
    assert AuditEvent.objects.filter(action="patients:my-questionnaire", event_type="CREATION").count() == 1


def test_that_no_clinician_could_be_told_is_said_to_patient_app_and_administrator(
    make_patient, make_user, team, clinical_admin
):
    join_team(team=team, user=clinical_admin)
    lonely, user = make_patient(team), make_user("lonely@clinic.test", "patient")
    link_own_account(patient=lonely, user=user)
    phone, office = Client(), Client()
    phone.force_login(user)
    office.force_login(clinical_admin)
    page = phone.post(f"{MINE}questionnaires/phq9/", phq9(0, 0, 0, 0, 0, 0, 0, 0, 1)).content.decode()
    assert "No clinician could be told." in page
    assert "Those who run the clinic were sent a message" in page
    assert "Your team was sent a message" not in page
    address = f"/api/v1/patients/{lonely.pk}/assessments"
    assert send(phone, address, {"instrument": "phq9", "answers": {"9": 1}}).json()["safety"]["alerted"] is False
    kept = Assessment.objects.earliest("recorded_at")
    seen = office.get(f"/patients/{lonely.pk}/assessments/{kept.pk}/").content.decode()
    assert "no clinician may answer it; the administrators were sent a message" in seen
    Delivery.objects.update(state="failed")
    seen = office.get(f"/patients/{lonely.pk}/assessments/{kept.pk}/").content.decode()
    assert "no message has reached anybody" in seen


def test_what_is_read_when_is_said_as_it_is_at_this_hour(phone, patient, psychiatrist, monkeypatch):
    alone = phone.get(MINE).content.decode()
    assert ("is sent to those who may answer it, and may be read only later" in alone, "at once" in alone) == (
        True,
        False,
    )
    monkeypatch.setattr("patients.reports.views.mine.monitored_now", lambda _: True)
    watched = phone.get(MINE).content.decode()
    assert "told at once to the clinician who is on call" in watched
    assert "Nobody is monitoring" not in watched
    for page in (alone, watched):
        assert page.count("nobody is told of it") == 1
        assert "at the latest" not in page
    assert "at the latest" not in phone.get(f"{MINE}check-in/").content.decode()


def test_answers_to_another_wording_are_refused(phone):
    answer = phone.post(f"{MINE}questionnaires/phq9/", phq9(1) | {"version": "0"})
    assert (answer.status_code, Assessment.objects.count()) == (422, 0)
    assert "The wording has changed" in answer.content.decode()


def test_a_yes_in_refused_answers_is_told_all_the_same(phone, clinician, patient, psychiatrist):
    calm, yes = phq9(*[0] * 9), {"item_9": 3}
    assert phone.post(f"{MINE}questionnaires/phq9/", calm).status_code == 200
    for status, said in ((409, calm | yes), (422, phq9(0) | yes | {"version": "0"}), (422, phq9(7) | yes)):
        answer = phone.post(f"{MINE}questionnaires/phq9/", said)
        alert = Alert.objects.unacknowledged().get()
        assert (answer.status_code, alert.kind, alert.owner) == (status, "self_harm", None)
        assert "is passed on all the same" in answer.content.decode()
        resolve(alert, by=psychiatrist, version=1, note="Called.")
    assert phone.post(f"{MINE}symptom/", form(type="self_harm", severity=3, once="x")).status_code == 422
    assert phone.post(f"{MINE}symptom/", form(type="self_harm", severity=3, once="x")).status_code == 422
    assert Alert.objects.unacknowledged().get().events.get().note == refused.NOTE
    assert (
        clinician.post(f"/patients/{patient.pk}/questionnaires/phq9/", calm | yes | {"version": "0"}).status_code == 422
    )
    assert (Alert.objects.count(), Assessment.objects.count(), SymptomReport.objects.count()) == (4, 1, 0)


@pytest.mark.parametrize("said", [{"item_9": 0, "item_1": 7}, {"item_9": 9}, {"item_9": "yes"}, {"item_9": "-1"}])
def test_what_is_no_yes_alerts_nobody_when_it_is_refused(phone, said):
    assert phone.post(f"{MINE}questionnaires/phq9/", form() | said).status_code == 422
    assert not Alert.objects.exists()


def test_a_yes_that_the_api_refuses_is_told_all_the_same(phone, clinician, patient, psychiatrist):
    address = f"/api/v1/patients/{patient.pk}"
    yes = {"instrument": "phq9", "answers": {"9": 3}}
    symptom = send(phone, f"{address}/symptoms", {"type": "panic", "severity": 3}).json()
    send(phone, f"{address}/assessments", {"instrument": "phq9", "answers": {"1": 3}}, idempotency_key="k")
    harm = {"type": "self_harm", "severity": 10}
    for status, name, body, headers in (
        (400, "assessments", yes | {"answers": {"9": 3, "1": 7}}, {}),
        (409, "assessments", yes | {"instrument_version": "0"}, {}),
        (422, "assessments", yes, {"idempotency_key": "k"}),
        (400, "assessments", yes | {"happened_at": "2001-02-03T04:05:06Z"}, {}),
        (400, "symptoms", harm | {"severity": 11}, {}),
    ):
        answer = send(phone, f"{address}/{name}", body, **headers)
        assert (answer.status_code, answer.json()["safety"]["alerted"]) == (status, True)
        resolve(Alert.objects.unacknowledged().get(), by=psychiatrist, version=1, note="Called.")
    stale = phone.put(f"{address}/symptoms/{symptom['id']}", harm | {"version": 7}, content_type="application/json")
    assert (stale.status_code, Alert.objects.unacknowledged().count()) == (409, 1)
    assert "safety" not in send(phone, f"{address}/symptoms", {"type": "panic", "severity": 11}).json()
    for body in ([], "3", {"instrument": [], "answers": {"9": 3}}, yes | {"instrument": "zzz"}):
        assert send(phone, f"{address}/assessments", body).status_code == 400
    assert Alert.objects.count() == 6


def test_a_refused_yes_that_cannot_be_told_is_no_mere_refusal(phone, patient, psychiatrist, monkeypatch):
    def broken(**_: Any) -> None:
        raise OperationalError

    monkeypatch.setattr("patients.reports.refused.raise_alert", broken)
    answer = phone.post(f"{MINE}questionnaires/phq9/", phq9(7) | {"item_9": 3})
    assert (answer.status_code, CRISIS in answer.content.decode()) == (503, True)


def test_a_negative_answer_is_never_said_to_be_no_risk(phone, clinician, patient):
    page = phone.post(f"{MINE}questionnaires/phq9/", phq9(*[0] * 9)).content.decode()
    kept = Assessment.objects.get()
    chart = clinician.get(f"/patients/{patient.pk}/symptoms/").content.decode()
    one = clinician.get(f"/patients/{patient.pk}/assessments/{kept.pk}/").content.decode()
    said = "which does not mean that there is no risk"
    for text in (page, chart.replace(said, ""), one.replace(said, "")):
        assert not any(word in text.lower() for word in NO_RISK)
    assert said in chart
    assert said in one


def test_a_score_leads_to_where_it_comes_from(clinician, patient, own, make_user, phone):
    answers = {str(n): 1 for n in range(1, 9)}
    kept = submit_assessment(patient=patient, by=own, by_patient=True, instrument_id="phq9", answers=answers).report
    address = f"/provenance/{kept.pk}/"
    assert address in clinician.get(f"/patients/{patient.pk}/symptoms/").content.decode()
    assert address in clinician.get(f"/patients/{patient.pk}/assessments/{kept.pk}/").content.decode()
    page = clinician.get(address).content.decode()
    for said in ("9 points", "8 \u00d7 9 / 8, rounded half up", "PHQ-9, version 1", "the patient", "mild: 5 to 9",
                 "Thoughts that you would be better off dead", "unanswered", "Several days, 1 points",
                 "A2663B"):  # fmt: skip
        assert said in page, said
    assert phone.get(address).status_code == 403
    stranger = Client()
    stranger.force_login(make_user("other@clinic.test", "psychiatrist"))
    assert stranger.get(address).status_code == 404
    record_consent(
        patient=patient, purpose="treatment", stream="questionnaires", given=False, how=Consent.How.SPOKEN, by=None
    )
    assert clinician.get(address).status_code == 404


def test_every_instrument_says_where_its_score_comes_from(clinician, patient, psychiatrist):
    for one in instruments().values():
        answers = {item.id: 1 for item in one.items}
        kept = submit_assessment(
            patient=patient, by=psychiatrist, by_patient=False, instrument_id=one.id, answers=answers
        ).report
        page = clinician.get(f"/provenance/{kept.pk}/").content.decode()
        assert escape(one.sources["missing"]) in page


@pytest.fixture
def second_wording(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., None]:
    """Put a PHQ-2 of two answers in the library in place of that of four, which is kept beside it or is not."""

    def put(*, keep: bool) -> None:
        shutil.copytree(catalogue._LIBRARY, tmp_path, dirs_exist_ok=True)
        first = json.loads((tmp_path / "phq2.json").read_text(encoding="utf-8"))
        if keep:
            (tmp_path / "phq2.1.json").write_text(json.dumps(first), encoding="utf-8")
        asked = [one | {"text": f"Now: {one['text']}"} for one in first["items"]]
        yes_no = [{"text": "No", "score": 0}, {"text": "Yes", "score": 1}]
        second = first | {"version": "2", "items": asked, "choices": yes_no, "range": [0, 2], "cutoffs": []}
        (tmp_path / "phq2.json").write_text(json.dumps(second), encoding="utf-8")
        monkeypatch.setattr(catalogue, "_LIBRARY", tmp_path)

    return put


@pytest.fixture
def of_four_answers(patient: Any, own: Any) -> Assessment:
    answers = {"1": 3, "2": 0}
    return submit_assessment(patient=patient, by=own, by_patient=True, instrument_id="phq2", answers=answers).report


def test_answers_are_shown_in_the_wording_they_were_given_to(clinician, patient, of_four_answers, second_wording):
    second_wording(keep=True)
    page = clinician.get(f"/patients/{patient.pk}/assessments/{of_four_answers.pk}/").content.decode()
    assert "Little interest or pleasure in doing things" in page
    assert "Nearly every day" in page
    assert "Now:" not in page
    said = clinician.get(f"/provenance/{of_four_answers.pk}/").content.decode()
    assert "Nearly every day, 3 points" in said
    assert "the sum of 2 items, 0 to 6" in said
    assert "PHQ-2, version 1" in said


def test_without_that_wording_the_numbers_of_the_answers_are_shown(clinician, patient, of_four_answers, second_wording):
    second_wording(keep=False)
    page = clinician.get(f"/patients/{patient.pk}/assessments/{of_four_answers.pk}/").content.decode()
    assert "The wording of this version is not kept" in page
    assert "printed answer 4" in page
    assert "Now:" not in page
    said = clinician.get(f"/provenance/{of_four_answers.pk}/").content.decode()
    assert "that of version 1, which is not kept" in said
    assert "printed answer 4" in said
    assert "3 points" in said
    assert clinician.get(f"/patients/{patient.pk}/symptoms/").status_code == 200


def test_only_the_newest_wording_can_be_filled_in(patient, own, second_wording):
    second_wording(keep=True)
    asked = {"patient": patient, "by": own, "by_patient": True, "instrument_id": "phq2"}
    with pytest.raises(WrongVersion):
        submit_assessment(**asked, answers={"1": 1, "2": 0}, version="1")
    assert submit_assessment(**asked, answers={"1": 1, "2": 0}).report.instrument_version == "2"
    assert len([one for one in instruments().values() if one.id == "phq2"]) == 1


def test_a_missing_safety_item_is_said_to_be_unanswered(phone, clinician, patient):
    phone.post(f"{MINE}questionnaires/phq9/", phq9(*[1] * 8))
    one = clinician.get(f"/patients/{patient.pk}/assessments/{Assessment.objects.get().pk}/").content.decode()
    assert "left unanswered: that is no answer, and not a no" in one
    assert "prorated: 1 unanswered" in one


def test_the_same_page_sent_twice_is_one_report(phone, patient):
    sent = phq9(*[1] * 9)
    for _ in range(2):
        assert phone.post(f"{MINE}questionnaires/phq9/", sent).status_code == 200
    assert Assessment.objects.count() == 1
    assert phone.post(f"{MINE}questionnaires/phq9/", sent | {"item_1": 3}).status_code == 409


def test_an_empty_or_invented_answer_is_said_at_its_question(phone):
    assert phone.post(f"{MINE}questionnaires/phq9/", form()).status_code == 422
    answer = phone.post(f"{MINE}questionnaires/phq9/", form(item_1=7))
    assert answer.status_code == 422
    assert "Choose one of the printed answers." in answer.content.decode()


def test_a_check_in_is_sent_and_corrected_within_the_hour(phone, own):
    answer = phone.post(f"{MINE}check-in/", form(mood=3, note="Zqxoutput"))
    kept = CheckIn.objects.get()
    assert f"/patients/mine/check-in/{kept.pk}/" in answer.content.decode()
    page = phone.get(f"{MINE}check-in/{kept.pk}/").content.decode()
    assert "Zqxoutput" in page
    assert phone.post(f"{MINE}check-in/{kept.pk}/", form(mood=5)).status_code == 200
    assert [row.mood for row in CheckIn.objects.current()] == [5]
    assert phone.get(f"{MINE}check-in/{kept.pk}/").status_code == 404


@pytest.fixture
def morning(monkeypatch: pytest.MonkeyPatch) -> datetime:
    moment = datetime(2027, 3, 2, 6, tzinfo=UTC)
    monkeypatch.setattr(clock, "now", lambda: moment)
    return moment


def test_what_was_answered_at_night_and_sent_in_the_morning_is_of_the_day_before(phone, patient, morning):
    night = morning - timedelta(hours=9)
    phone.post(f"{MINE}check-in/", form(mood=3, said_at=night.isoformat().replace("+00:00", ".000Z")))
    phone.post(f"{MINE}symptom/", form(type="panic", severity=4, said_at=night.isoformat()))
    phone.post(f"{MINE}questionnaires/phq9/", phq9(*[0] * 9) | {"said_at": night.isoformat()})
    kept = CheckIn.objects.get()
    assert (kept.at, kept.day) == (night, date(2027, 3, 1))
    assert (SymptomReport.objects.get().at, Assessment.objects.get().at) == (night, night)


def test_a_phone_whose_clock_is_ahead_sends_as_of_now(phone, morning):
    answer = phone.post(f"{MINE}check-in/", form(mood=3, said_at=(morning + timedelta(days=2)).isoformat()))
    assert answer.status_code == 200
    assert CheckIn.objects.get().at == morning


def test_what_was_answered_too_long_ago_is_looked_over_first(phone, morning):
    old = form(mood=3, said_at=(morning - timedelta(days=7, minutes=1)).isoformat())
    answer = phone.post(f"{MINE}check-in/", old)
    assert (answer.status_code, CheckIn.objects.count()) == (422, 0)
    assert "more than seven days ago" in answer.content.decode()
    assert phone.post(f"{MINE}check-in/", old | {"said_at": ""}).status_code == 200
    assert CheckIn.objects.get().at == morning


def test_a_symptom_needs_to_know_how_bad(phone):
    assert phone.post(f"{MINE}symptom/", form(type="panic")).status_code == 422
    assert phone.post(f"{MINE}symptom/", form(type="panic", severity=4)).status_code == 200
    assert SymptomReport.objects.get().severity == 4


def test_what_breaks_answers_with_the_crisis_text_and_keeps_nothing(phone, monkeypatch):
    def broken(**_: Any) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr("patients.reports.safety.raise_alert", broken)
    answer = phone.post(f"{MINE}questionnaires/phq9/", phq9(0, 0, 0, 0, 0, 0, 0, 0, 3))
    assert (answer.status_code, Assessment.objects.count()) == (503, 0)
    assert CRISIS in answer.content.decode()


def test_a_trail_that_cannot_be_written_answers_with_the_crisis_text_too(phone, monkeypatch):
    def broken(*_: Any, **__: Any) -> None:
        raise OperationalError("no room")

    monkeypatch.setattr("novamind.audit.middleware.write_event", broken)
    answer = phone.post(f"{MINE}questionnaires/phq9/", phq9(0, 0, 0, 0, 0, 0, 0, 0, 3))
    assert (answer.status_code, Assessment.objects.count(), Alert.objects.count()) == (503, 0, 0)
    assert CRISIS in answer.content.decode()


def test_the_chart_shows_scores_and_the_answers_behind_them(clinician, patient, own):
    for n in range(3):
        submit_assessment(
            patient=patient, by=own, by_patient=True, instrument_id="gad7", answers={str(i): 3 - n for i in range(1, 8)}
        )
    page = clinician.get(f"/patients/{patient.pk}/symptoms/").content.decode()
    assert "reliably lower" in page
    assert "figure-scores-gad7" in page
    kept = Assessment.objects.first()
    one = clinician.get(f"/patients/{patient.pk}/assessments/{kept.pk}/").content.decode()
    assert "Not being able to stop or control worrying" in one


def test_a_clinician_fills_in_and_emergency_access_does_not(clinician, nurse, patient):
    address = f"/patients/{patient.pk}/questionnaires/isi/"
    assert clinician.get(address).status_code == 200
    answer = clinician.post(address, form(**{f"item_{n}": 2 for n in range(1, 8)}))
    kept = Assessment.objects.get()
    assert (answer.status_code, kept.by_patient, kept.score) == (302, False, 14)
    Grant.objects.create(
        user=nurse, content_object=patient, permission=view_permission(), reason=Grant.Reason.BREAK_GLASS,
        valid_until=kept.recorded_at.replace(year=kept.recorded_at.year + 1),
    )  # fmt: skip
    other = Client()
    other.force_login(nurse)
    assert other.get(f"/patients/{patient.pk}/symptoms/").status_code == 200
    assert other.post(address, form(item_1=1)).status_code == 403


def test_without_consent_the_chart_shows_nothing_and_the_phone_asks_nothing(clinician, phone, patient, own):
    submit_assessment(patient=patient, by=own, by_patient=True, instrument_id="phq2", answers={"1": 1, "2": 1})
    kept = Assessment.objects.get()
    record_consent(
        patient=patient, purpose="treatment", stream="questionnaires", given=False, how=Consent.How.SPOKEN, by=None
    )
    page = clinician.get(f"/patients/{patient.pk}/symptoms/").content.decode()
    assert "has not consented" in page
    assert "PHQ-2" not in page
    assert clinician.get(f"/patients/{patient.pk}/assessments/{kept.pk}/").status_code == 404
    assert "<fieldset" not in phone.get(f"{MINE}questionnaires/phq9/").content.decode()
    assert CRISIS in phone.get(f"{MINE}questionnaires/phq9/").content.decode()
    api = f"/api/v1/patients/{patient.pk}"
    for name in ("assessments", "check-ins", "symptoms"):
        assert clinician.get(f"{api}/{name}").json()["code"] == "consent_withheld"


# The API


def send(client: Client, address: str, body: dict[str, Any], **headers: str) -> Any:
    return client.post(address, body, content_type="application/json", headers=headers)


def test_the_api_gives_instruments_and_what_is_due(phone, patient):
    library = phone.get("/api/v1/instruments").json()
    assert {one["id"] for one in library} >= {"phq9", "cssrs", "isi"}
    reverse = next(one for one in library if one["id"] == "epds")["items"][2]
    assert [choice["score"] for choice in reverse["choices"]] == [3, 2, 1, 0]
    due = phone.get("/api/v1/due").json()
    assert due["patient_id"] == str(patient.pk)
    assert due["monitored"] is False
    assert CRISIS in due["crisis_text"]


def test_the_api_takes_a_questionnaire_once_under_its_key(phone, patient, psychiatrist):
    address = f"/api/v1/patients/{patient.pk}/assessments"
    body = {"instrument": "phq9", "instrument_version": "1", "answers": {"1": 2, "9": 1}}
    first = send(phone, address, body, idempotency_key="a-1")
    again = send(phone, address, body, idempotency_key="a-1")
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"]
    assert first.json()["safety"]["alerted"] is again.json()["safety"]["alerted"] is True
    assert first.json()["score"] is None
    other = send(phone, address, body | {"answers": {"1": 0}}, idempotency_key="a-1")
    assert (other.status_code, other.json()["code"]) == (422, "key_reused")
    assert send(phone, address, body, idempotency_key="é").json()["code"] == "wrong_key"
    assert (Assessment.objects.count(), Alert.objects.count()) == (1, 2)  # the yes under the wrong key is told too


def test_a_refused_report_leaves_its_key_free_and_a_key_is_of_one_chart(phone, clinician, patient, make_patient, team):
    address = f"/api/v1/patients/{patient.pk}/check-ins"
    assert send(phone, address, {}, idempotency_key="c-1").status_code == 400
    assert send(phone, address, {"mood": 4}, idempotency_key="c-1").status_code == 201
    other = f"/api/v1/patients/{make_patient(team).pk}/check-ins"
    both = [send(clinician, one, {"mood": 5}, idempotency_key="c-2") for one in (address, other, address)]
    assert [answer.status_code for answer in both] == [201, 201, 200]
    assert both[0].json()["id"] == both[2].json()["id"] != both[1].json()["id"]


def test_two_phones_sending_one_key_at_once_store_one_report(transactional_db, patient, psychiatrist):
    if connection.vendor == "sqlite":
        pytest.skip("SQLite's test database lives in shared memory, where writers fail instead of waiting")
    address, body = f"/api/v1/patients/{patient.pk}/assessments", {"instrument": "phq9", "answers": {"9": 1}}
    answers: list[Any] = []
    start = threading.Barrier(2)

    def ask() -> None:
        client = Client()
        client.force_login(psychiatrist)
        start.wait()
        answers.append(send(client, address, body, idempotency_key="one"))
        connections.close_all()

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status_code for answer in answers) == [200, 201]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert (Assessment.objects.count(), Alert.objects.count()) == (1, 1)


@pytest.mark.parametrize("unknown", ["John Doe 1931", "\ud800", "", "x" * 10_000])
def test_an_item_that_does_not_exist_is_told_by_its_place_and_never_quoted(phone, patient, unknown):
    body = {"instrument": "phq9", "answers": {"1": None, "9": 3, unknown: 3}}
    answer = send(phone, f"/api/v1/patients/{patient.pk}/assessments", body)
    assert answer.status_code == 400, answer.content
    assert answer.json()["fields"] == {"answers": {"entry 3": "there is no such item"}}
    assert not Assessment.objects.exists()


@pytest.mark.parametrize(
    ("what", "body"),
    [("assessments", {"instrument": "phq9", "answers": {"1": 1}}), ("check-ins", {"mood": 3}),
     ("symptoms", {"type": "panic", "severity": 2})],
)  # fmt: skip
def test_a_report_from_before_the_birth_is_refused_in_words(clinician, patient, what, body):
    patient.zone = "America/New_York"
    patient.save()
    address = f"/api/v1/patients/{patient.pk}/{what}"
    for at in ("0001-01-01T00:00:00Z", "1850-06-01T00:00:00Z"):
        answer = send(clinician, address, body | {"happened_at": at})
        assert answer.status_code == 400, answer.content
        assert "this was before the patient was born" in answer.content.decode()


def test_rows_at_the_ends_of_the_calendar_are_shown_west_and_east_of_utc(clinician, patient, monkeypatch):
    """Such rows were once taken, and no row of these changes any more."""
    taken = services._moment
    ends = [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)]
    answers = {str(n): 1 for n in range(1, 10)}
    for at in ends:
        monkeypatch.setattr(services, "_moment", lambda *_, at=at: at)
        common: dict[str, Any] = {"patient": patient, "by": None, "by_patient": True}
        kept = services.submit_assessment(instrument_id="phq9", answers=answers, **common).report
        patient.zone = "UTC"
        services.submit_check_in(said={"mood": 3}, **common)
        services.submit_symptom(said={"type": "panic", "severity": 2}, **common)
    monkeypatch.setattr(services, "_moment", taken)
    for zone in ("America/New_York", "Pacific/Auckland"):
        patient.zone = zone
        patient.save()
        of_patient = f"/patients/{patient.pk}"
        for address in (f"{of_patient}/symptoms/", f"{of_patient}/assessments/{kept.pk}/", f"/provenance/{kept.pk}/"):
            assert clinician.get(address).status_code == 200, address
        for what in ("assessments", "check-ins", "symptoms"):
            assert len(clinician.get(f"/api/v1/patients/{patient.pk}/{what}").json()["results"]) == 2


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [({"instrument": "phq9", "answers": {"9": 4}}, 400, "invalid"),
     ({"instrument": "phq9", "answers": {"9": "1"}}, 400, "invalid"),
     ({"instrument": "phq9", "answers": {"1": None}}, 400, "invalid"),
     ({"instrument": "zzz", "answers": {}}, 400, "unknown_instrument"),
     ({"instrument": "phq9", "instrument_version": "9", "answers": {}}, 409, "wrong_version"),
     ({"instrument": "isi", "answers": {"1": 1}}, 403, "scores_only"),
     ({"instrument": "phq9", "answers": {"1": 1}, "happened_at": "2001-02-03T04:05:06Z"}, 400, "invalid")],
)  # fmt: skip
def test_the_api_names_what_is_wrong(phone, patient, body, status, code):
    answer = send(phone, f"/api/v1/patients/{patient.pk}/assessments", body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert not Assessment.objects.exists()


def test_the_api_corrects_within_the_hour_and_from_the_version(phone, clinician, patient):
    address = f"/api/v1/patients/{patient.pk}/symptoms"
    first = send(phone, address, {"type": "panic", "severity": 3}).json()
    change = {"type": "panic", "severity": 9, "version": 1}

    def put(client: Client, body: dict[str, Any]) -> Any:
        return client.put(f"{address}/{first['id']}", body, content_type="application/json")

    assert put(phone, {"type": "panic", "severity": 9}).json()["code"] == "version_needed"
    assert put(clinician, change).json()["code"] == "not_editable"
    assert put(phone, change).json()["severity"] == 9
    assert put(phone, change).status_code == 404
    listed = clinician.get(address).json()["results"]
    assert [(row["severity"], row["version"]) for row in listed] == [(9, 2)]
    assert phone.get(address).status_code == 403


@pytest.mark.parametrize(
    ("kind", "said", "changed"),
    [("check-ins", {"mood": 3}, {"mood": 5}),
     ("symptoms", {"type": "panic", "severity": 3}, {"type": "panic", "severity": 9})],
)  # fmt: skip
def test_a_correction_sent_again_under_its_key_gets_the_first_answer(phone, patient, kind, said, changed):
    address = f"/api/v1/patients/{patient.pk}/{kind}"
    first = send(phone, address, said).json()

    def put(body: dict[str, Any], key: str) -> Any:
        return phone.put(
            f"{address}/{first['id']}", body, content_type="application/json", headers={"Idempotency-Key": key}
        )

    answers = [put(changed | {"version": 1}, "k") for _ in range(2)]
    assert [one.status_code for one in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()
    assert answers[0].json()["version"] == 2
    assert put(said | {"version": 1}, "k").json()["code"] == "key_reused"
    assert put(changed | {"version": 1}, "another").status_code == 404
    model = CheckIn if kind == "check-ins" else SymptomReport
    assert model.objects.count() == 2


def test_a_patient_reports_about_nobody_else(phone, make_patient, team):
    other = make_patient(team)
    for name in ("assessments", "check-ins", "symptoms"):
        assert send(phone, f"/api/v1/patients/{other.pk}/{name}", {"mood": 1}).status_code == 404


def test_who_may_not_send_now_reads_whom_to_call(phone, patient, rf):
    from django.contrib.auth.models import AnonymousUser

    from novamind import answers

    def limited(path: str) -> str:
        request = rf.post(path)
        request.user = AnonymousUser()
        return answers.too_many(request, 60).content.decode()

    record_consent(
        patient=patient, purpose="treatment", stream="questionnaires", given=False, how=Consent.How.SPOKEN, by=None
    )
    answer = phone.post(f"{MINE}questionnaires/phq9/", phq9(0, 0, 0, 0, 0, 0, 0, 0, 3))
    assert (answer.status_code, Assessment.objects.count()) == (403, 0)
    assert CRISIS in answer.content.decode()
    assert CRISIS in limited(f"{MINE}check-in/")
    assert CRISIS not in limited("/accounts/login/")


def test_a_clinic_without_a_crisis_text_of_its_own_is_told(db, settings):
    def state() -> str:
        return next(check.state for check in compliance.checks() if check.key == "crisis_text")

    assert state() == "not configured"
    settings.CRISIS_TEXT = "Ring 12345."
    assert state() == "holds"
