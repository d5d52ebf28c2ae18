"""Emergency access: how a hidden chart opens, what stays shut, and who looks at it afterwards."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from novamind import clock
from novamind.audit.models import AuditEvent
from novamind.delivery.models import Delivery
from novamind.jobs.runner import run_waiting
from novamind.templatetags.novamind import moment
from patients.compliance import checks
from patients.emergency import ATTEMPTS, OPEN_REVIEWS, TooManyReviews, open_emergency
from patients.models import EmergencyAccess, Grant, Patient
from patients.services import assign_patient, view_permission
from tests.one_of_everything import CANARIES, fill_chart

ASK = "/patients/emergency/"
WHY = {"reason": "acute_assessment", "explanation": "In our waiting room, cannot speak, team is gone."}


@pytest.fixture
def client_of(signed_in, nurse):
    return signed_in(nurse)


def ask(client, **who):
    return client.post(ASK, WHY | who)


def opened(patient, user, reason="acute_assessment"):
    return open_emergency(patient=patient, user=user, reason=reason, explanation="In our waiting room, alone.")


@pytest.mark.parametrize(
    "who",
    [{"mrn": "zqx-mrn-7781"}, {"last_name": "ZQXLAST", "date_of_birth": "1931-02-17"}],
    ids=["number", "surname and birth date"],
)
def test_a_hidden_chart_opens_for_four_hours_to_read(client_of, nurse, patient, who, monkeypatch):
    assert client_of.get(f"/patients/{patient.pk}/actigraphy/").status_code == 404
    before = clock.now()
    assert ask(client_of, **who).status_code == 302
    access, grant = EmergencyAccess.objects.get(), Grant.objects.get(user=nurse, content_object=patient)
    assert access.ends_at == grant.valid_until == access.opened_at + timedelta(hours=4)
    assert access.review_due_at == access.opened_at + timedelta(hours=72)
    assert before <= access.opened_at <= clock.now()
    page = client_of.get(f"/patients/{patient.pk}/actigraphy/").content.decode()
    assert "Emergency access" in page
    assert "Edit details" not in page
    assert "End it now" in page
    monkeypatch.setattr(clock, "now", lambda: access.ends_at)
    assert client_of.get(f"/patients/{patient.pk}/actigraphy/").status_code == 404


@pytest.mark.parametrize(
    "who",
    [
        {"mrn": "ZQX-MRN-7782"},
        {"last_name": "Zqxlast", "date_of_birth": "1931-02-18"},
        {"last_name": "Zqxlas", "date_of_birth": "1931-02-17"},
        {"last_name": "Zqxlast"},
        {},
    ],
)
def test_a_miss_opens_nothing_and_keeps_nothing_that_was_typed(client_of, patient, who):
    assert ask(client_of, **who).status_code == 422
    assert not EmergencyAccess.objects.exists()
    event = AuditEvent.objects.get(action="patients:emergency")
    assert (event.outcome, event.patients.count()) == ("refused", 0)
    kept = str(AuditEvent.objects.filter(pk=event.pk).values())
    assert not any(value in kept for value in who.values())


@pytest.mark.parametrize("missing", ["reason", "explanation"])
def test_without_a_reason_nobody_is_looked_up(client_of, patient, missing):
    def answer(mrn):
        sent = {"mrn": mrn, **WHY, missing: "too short"}
        body = client_of.post(ASK, sent).content.decode()
        return re.sub(r'(csrfmiddlewaretoken" value|X-CSRFToken)"?[=:] ?"[^"]*"', "", body.replace(mrn, ""))

    assert answer("ZQX-MRN-7781") == answer("NOBODY-11111")
    assert not EmergencyAccess.objects.exists()


def test_two_of_one_surname_and_birth_date_are_told_apart_by_number_only(client_of, patient, make_patient, team):
    make_patient(team)
    assert ask(client_of, last_name="Zqxlast", date_of_birth="1931-02-17").status_code == 422
    assert ask(client_of, mrn="ZQX-MRN-7781").status_code == 302


def test_ones_own_patient_needs_no_emergency(signed_in, psychiatrist, patient):
    assert ask(signed_in(psychiatrist), mrn="ZQX-MRN-7781").status_code == 302
    assert not EmergencyAccess.objects.exists()


def test_only_so_many_attempts_an_hour_are_answered(client_of, patient):
    for _ in range(ATTEMPTS):
        assert ask(client_of, mrn="X").status_code == 422
    assert ask(client_of, mrn="ZQX-MRN-7781").status_code == 429
    assert not EmergencyAccess.objects.exists()


def test_emergency_access_changes_nothing(client_of, nurse, patient):
    opened(patient, nurse)
    chart, api = f"/patients/{patient.pk}", f"/api/v1/patients/{patient.pk}"
    change = {"version": 1, "first_name": "Other"}
    answers = {
        "edit": client_of.get(f"{chart}/edit/"),
        "save": client_of.post(f"{chart}/edit/", change),
        "upload": client_of.post(f"{chart}/actigraphy/upload/"),
        "consent": client_of.post(f"{chart}/consents/record/"),
        "note": client_of.post(f"{chart}/psychotherapy/new/", {"text": "x"}),
        "api patch": client_of.patch(api, change, content_type="application/json"),
        "api consent": client_of.post(f"{api}/consents", {}, content_type="application/json"),
    }
    assert {name: answer.status_code for name, answer in answers.items()} == dict.fromkeys(answers, 403)
    assert answers["api patch"].json()["code"] == "emergency_read_only"
    assert "Emergency access is for reading" in answers["save"].content.decode()
    assert client_of.get(api).status_code == 200


def test_an_upload_by_the_api_is_refused_too(client_of, nurse, patient):
    from django.core.files.uploadedfile import SimpleUploadedFile

    opened(patient, nurse)
    sent = {"file": SimpleUploadedFile("a.csv", b"time,activity\n"), "patient_id": str(patient.pk)}
    answer = client_of.post("/api/v1/actigraphy/upload", sent)
    assert (answer.status_code, answer.json()["code"]) == (403, "emergency_read_only")


def test_an_administrator_by_emergency_alone_does_not_delete(signed_in, clinical_admin, patient):
    opened(patient, clinical_admin)
    assert signed_in(clinical_admin).delete(f"/api/v1/patients/{patient.pk}").status_code == 403


def test_who_joins_the_team_meanwhile_may_write(client_of, nurse, patient, other_team):
    opened(patient, nurse)
    assign_patient(team=other_team, patient=patient)
    page = client_of.get(f"/patients/{patient.pk}/edit/")
    assert page.status_code == 200
    assert "End it now" not in page.content.decode()


def test_ending_it_shuts_the_chart_at_once(client_of, nurse, patient):
    opened(patient, nurse)
    assert client_of.post(f"/patients/{patient.pk}/emergency/end/").status_code == 302
    assert client_of.get(f"/patients/{patient.pk}/actigraphy/").status_code == 404
    access = EmergencyAccess.objects.get()
    assert access.ended_at is not None
    assert access.verdict == ""


def test_opening_again_after_the_end_is_a_second_emergency(nurse, patient):
    first = opened(patient, nurse)
    assert opened(patient, nurse).ends_at >= first.ends_at
    assert EmergencyAccess.objects.count() == 2
    assert Grant.objects.filter(user=nurse, content_object=patient).count() == 1


def test_what_is_seen_by_emergency_alone_is_recorded_as_emergency_treatment(client_of, nurse, patient, make_patient):
    opened(patient, nurse)
    fill_chart(patient)
    client_of.get(f"/patients/{patient.pk}/actigraphy/")
    client_of.get(f"/api/v1/patients/{patient.pk}")
    of_patient = AuditEvent.objects.filter(patients__patient_id=patient.pk, actor_id=nurse.pk)
    assert set(of_patient.values_list("purpose", flat=True)) == {"ETREAT"}
    own = make_patient(nurse.care_teams.get(), mrn="OWN-1")
    client_of.get(f"/api/v1/patients/{own.pk}")
    assert AuditEvent.objects.get(patients__patient_id=own.pk, actor_id=nurse.pk).purpose == "TREAT"


def test_the_reviewers_hear_of_an_opening_by_e_mail_and_of_nothing_in_it(
    nurse, patient, clinical_admin, make_user, mailoutbox, settings
):
    settings.EMAIL_PROVIDER, settings.EMAIL_BACKEND = "postmark", "anymail.backends.test.EmailBackend"
    settings.QUIET_HOURS = ""
    gone = make_user("gone@clinic.test", "clinical admin", is_active=False)
    access = opened(patient, nurse)
    run_waiting()
    assert [sent.to for sent in mailoutbox] == [[clinical_admin.email]]
    said = f"{mailoutbox[0].subject} {mailoutbox[0].body} {mailoutbox[0].extra_headers}"
    assert "Emergency access" in said
    assert not CANARIES.search(said.encode())
    for private in (str(patient.pk), nurse.email, nurse.display_name, str(nurse.pk)):
        assert private not in said
    assert not Delivery.objects.filter(user=gone).exists()
    assert Delivery.objects.get().about_id == access.pk


def test_whoever_opened_it_is_not_asked_and_where_nobody_else_may_review_the_operators_hear(make_user, patient, caplog):
    both = make_user("both@clinic.test", "clinical admin", "nurse practitioner")
    access = opened(patient, both)
    run_waiting()
    assert not Delivery.objects.exists()
    assert f"EMERGENCY_UNREVIEWED {access.pk}" in caplog.text


def test_five_open_reviews_block_the_next_emergency(client_of, nurse, psychiatrist, make_patient, team):
    for number in range(OPEN_REVIEWS):
        opened(make_patient(team, mrn=f"M-{number}"), nurse)
    last = make_patient(team, mrn="M-LAST")
    with pytest.raises(TooManyReviews):
        opened(last, nurse)
    assert [ask(client_of, mrn=mrn).status_code for mrn in ("M-LAST", "NOBODY")] == [403, 403]
    opened(last, psychiatrist)
    access = EmergencyAccess.objects.filter(user=nurse)[0]
    access.verdict = "justified"
    access.save()
    opened(last, nurse)


def test_a_review_closes_the_task_and_says_why(signed_in, nurse, clinical_admin, patient):
    access = opened(patient, nurse)
    client = signed_in(clinical_admin)
    queue = client.get("/patients/emergency/reviews/").content.decode()
    assert f"on {moment(access.opened_at, 'Europe/Oslo')}" in queue
    assert "In our waiting room, alone." in queue
    address, name = f"/patients/emergency/reviews/{access.pk}/", f"{access.pk}-verdict"
    assert client.post(address, {name: "not_justified"}).status_code == 422
    sent = {name: "not_justified", f"{access.pk}-note": "The covering colleague was in the house."}
    assert client.post(address, sent).status_code == 302
    access.refresh_from_db()
    assert (access.verdict, access.reviewed_by) == ("not_justified", clinical_admin)
    assert "The covering colleague was in the house." in client.get("/patients/emergency/reviews/").content.decode()
    assert client.post(address, sent).status_code == 404


def test_nobody_reviews_their_own_emergency(signed_in, make_user, patient):
    both = make_user("both@clinic.test", "psychiatrist", "clinical admin")
    access = opened(patient, both)
    sent = {f"{access.pk}-verdict": "justified"}
    assert signed_in(both).post(f"/patients/emergency/reviews/{access.pk}/", sent).status_code == 403


def test_an_empty_search_shows_clinicians_the_way_and_nobody_else(signed_in, nurse, clinical_admin, patient):
    for user, shown in ((nurse, True), (clinical_admin, False)):
        body = signed_in(user).post("/patients/search/", {"q": "Zqxlast"}).content.decode()
        assert ("/patients/emergency/" in body.partition("<main")[2]) is shown


def test_the_database_refuses_an_emergency_without_an_end(nurse, patient):
    with pytest.raises(IntegrityError), transaction.atomic():
        Grant.objects.create(
            user=nurse, content_object=patient, permission=view_permission(), reason=Grant.Reason.BREAK_GLASS
        )


def test_the_checks_count_what_is_overdue_and_who_has_left(nurse, psychiatrist, patient, monkeypatch):
    def states():
        return {check.key: check.state for check in checks() if check.key not in {"crisis_text", "alerts_answerable"}}

    access = opened(patient, nurse)
    assert states() == {"emergency_reviews": "holds", "emergency_ends": "holds", "leavers_grants": "holds"}
    psychiatrist.is_active = False
    psychiatrist.save()
    monkeypatch.setattr(clock, "now", lambda: access.review_due_at)
    assert states() == {"emergency_reviews": "fails", "emergency_ends": "holds", "leavers_grants": "fails"}


def test_visible_and_changeable_are_nobodys_without_a_grant(nurse, patient):
    assert not Patient.objects.visible_to(nurse).exists()
    assert not Patient.objects.changeable_by(nurse).exists()
    opened(patient, nurse)
    assert Patient.objects.visible_to(nurse).exists()
    assert not Patient.objects.changeable_by(nurse).exists()
