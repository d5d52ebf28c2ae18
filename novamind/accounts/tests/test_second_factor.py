"""Attack 7: no way in without the second factor: pages, admin, API, reset, sign-on, waiting."""

from __future__ import annotations

import re
import time
from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from django.apps import apps
from django.test import Client
from django.urls import reverse

from novamind import clock
from novamind.accounts import ending, second_factor
from novamind.accounts.models import SignIn, User
from novamind.phi.cipher import Altered
from tests.signing_in import PASSWORD, code_of, sign_in, tokens_of

pytestmark = pytest.mark.django_db
AuditEvent = apps.get_model("audit.AuditEvent")  # accounts stands below audit and may not import it
LOGIN, CODE, SET_UP = "/accounts/login/", "/accounts/code/", "/accounts/security/"


def password_only(client, user):
    return client.post(LOGIN, {"username": user.email, "password": PASSWORD})


def later(monkeypatch, **by):
    moment = clock.now() + timedelta(**by)
    for module in ("models.sign_ins", "models.tokens", "sessions"):
        monkeypatch.setattr(f"novamind.accounts.{module}.now", lambda: moment)


def eleven_minutes_later(monkeypatch):
    at = time.time() + 660
    monkeypatch.setattr(second_factor.time, "time", lambda: at)


PAGES = ["/", "/patients/", "/patients/new/", "/help/", "/admin/", "/admin/accounts/user/", "/jobs/", "/audit/"]
ENDPOINTS = ["/api/v1/patients", "/api/v1/actigraphy/recordings", "/api/schema", "/api/docs"]


@pytest.mark.parametrize("who", ["psychiatrist", "clinical_admin", "superuser", "researcher", "outsider"])
def test_a_password_alone_opens_nothing(who, request):
    user, client = request.getfixturevalue(who), Client()
    password_only(client, user)
    for page in PAGES:
        assert client.get(page)["Location"].startswith(SET_UP), page
    for endpoint in ENDPOINTS:
        assert client.get(endpoint).status_code == 403, endpoint
        assert client.get(endpoint).json()["code"] == "second_factor_required"
    assert client.post("/patients/new/", {"first_name": "x"})["Location"].startswith(SET_UP)
    assert not Authenticator.objects.exists()


def test_with_one_set_up_the_password_is_not_even_a_session(client, psychiatrist):
    code_of(psychiatrist)
    assert password_only(client, psychiatrist)["Location"] == CODE
    assert client.get("/patients/")["Location"].startswith(LOGIN)
    assert client.get("/api/v1/patients").status_code == 401
    assert client.get("/admin/")["Location"].startswith("/admin/login/")
    for path in ("/accounts/security/app/remove/", "/accounts/security/codes/", "/accounts/password/"):
        assert client.post(path)["Location"].startswith(LOGIN), path
    assert not SignIn.objects.exists()


def test_a_wrong_code_is_refused_and_recorded_and_a_used_one_is_wrong(client, psychiatrist):
    code = code_of(psychiatrist)
    password_only(client, psychiatrist)
    assert "wrong or was used" in client.post(CODE, {"code": "000000"}).content.decode()
    assert client.post(CODE, {"code": code})["Location"] == "/"
    assert client.get("/patients/").status_code == 200
    again = Client()
    password_only(again, psychiatrist)
    assert "wrong or was used" in again.post(CODE, {"code": code}).content.decode()
    failed = AuditEvent.objects.filter(event_type="SIGN_IN_FAILED")
    assert [event.actor_id for event in failed] == [psychiatrist.pk] * 2


@pytest.mark.parametrize(("steps", "counts"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_code_counts_one_step_to_either_side(client, psychiatrist, steps, counts, monkeypatch):
    monkeypatch.setattr(time, "time", lambda: 1_800_000_015.0)
    code = code_of(psychiatrist, steps)
    password_only(client, psychiatrist)
    assert (client.post(CODE, {"code": code}).status_code == 302) is counts


def test_codes_are_those_of_rfc_6238():
    """Appendix B, SHA-1, the last six of its eight digits."""
    import base64

    from novamind.accounts.codes import code_at

    secret = base64.b32encode(b"12345678901234567890").decode()
    published = {59: "94287082", 1111111109: "07081804", 1234567890: "89005924", 20000000000: "65353130"}
    assert {at: code_at(secret, at // 30) for at in published} == {at: code[2:] for at, code in published.items()}


def test_ten_wrong_codes_from_anywhere_stop_the_account_and_no_colleague(client, psychiatrist, therapist):
    code_of(psychiatrist)
    for number in range(12):
        attacker = Client(REMOTE_ADDR=f"203.0.113.{number}")
        password_only(attacker, psychiatrist)
        attacker.post(CODE, {"code": "000000"})
    code = code_of(psychiatrist)
    password_only(client, psychiatrist)
    assert "Too many attempts" in client.post(CODE, {"code": code}).content.decode()
    assert sign_in(Client(), therapist).status_code == 302


def test_a_recovery_code_works_once(client, psychiatrist):
    from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes

    from novamind.accounts.adapters import secrets_of

    code_of(psychiatrist)
    with secrets_of(psychiatrist):
        code = RecoveryCodes.activate(psychiatrist).get_unused_codes()[0]
    password_only(client, psychiatrist)
    assert client.post(CODE, {"code": code})["Location"] == "/"
    again = Client()
    password_only(again, psychiatrist)
    assert again.post(CODE, {"code": code}).status_code == 200


def test_setting_one_up_by_the_page_opens_the_door(transactional_db, client, psychiatrist):
    from novamind.accounts.codes import code_at

    password_only(client, psychiatrist)
    page = client.get("/accounts/security/app/")
    if page.status_code == 302:  # set up by whoever knows the password
        page = client.post(page["Location"], {"password": PASSWORD}, follow=True)
    secret = re.search(r"Key: <code>(\w+)</code>", page.content.decode())[1]
    answer = client.post("/accounts/security/app/", {"code": code_at(secret, int(time.time()) // 30)})
    assert answer["Location"] == "/accounts/security/codes/"
    shown = re.findall(r"<code>(\d{8})</code>", client.get("/accounts/security/codes/").content.decode())
    assert len(set(shown)) == 10
    assert not re.findall(r"<code>\d{8}</code>", client.get("/accounts/security/codes/").content.decode())
    assert client.get("/patients/").status_code == 200
    stored = str(list(Authenticator.objects.values_list("data", flat=True)))
    assert secret not in stored
    assert not [code for code in shown if code in stored]


def test_a_secret_moved_to_another_account_or_planted_in_clear_opens_nothing(client, psychiatrist, therapist):
    code_of(psychiatrist), code_of(therapist)
    theirs = Authenticator.objects.get(user=therapist, type="totp").data
    for data in (theirs, {"secret": "JBSWY3DPEHPK3PXP"}):
        Authenticator.objects.filter(user=psychiatrist).update(data=data)
        with pytest.raises(Altered):
            code_of(psychiatrist)
        password_only(client, psychiatrist)
        assert client.post(CODE, {"code": "123456"}).status_code == 503


def test_another_sign_in_from_before_the_set_up_must_give_it_too(client, psychiatrist):
    password_only(client, psychiatrist)
    code = code_of(psychiatrist)
    assert client.get("/patients/")["Location"].startswith("/accounts/confirm/code/?next=")
    assert client.get("/accounts/security/app/remove/")["Location"].startswith("/accounts/confirm/code/")
    assert client.get("/accounts/confirm/")["Location"].startswith("/accounts/confirm/code/")  # not by password
    assert client.post("/accounts/confirm/code/", {"code": code, "next": "/patients/"})["Location"] == "/patients/"
    assert client.get("/patients/").status_code == 200


def test_staff_keep_one(client, psychiatrist):
    sign_in(client, psychiatrist)
    client.post("/accounts/confirm/code/", {"code": code_of(psychiatrist)})
    assert client.post("/accounts/security/app/remove/").status_code == 200
    assert Authenticator.objects.filter(user=psychiatrist, type="totp").exists()


def test_the_account_page_offers_only_what_can_be_removed(client, psychiatrist):
    sign_in(client, psychiatrist)
    remove = reverse("mfa_deactivate_totp")
    assert remove not in client.get(SET_UP).content.decode()
    assert "This is your only second factor" in client.post(remove).content.decode()
    Authenticator.objects.create(user=psychiatrist, type="webauthn", data={"name": "key", "credential": {}})
    assert remove in client.get(SET_UP).content.decode()


def test_recovery_codes_are_made_and_shown_without_a_second_voice(client, psychiatrist):
    sign_in(client, psychiatrist)
    new = reverse("mfa_generate_recovery_codes")
    assert "stop" not in client.get(new).content.decode().split("<main")[1]
    page = client.post(new, follow=True).content.decode()
    assert "they are not shown again" in page
    assert "Save them" not in page
    assert "The 10 unused ones you have stop working" in client.get(new).content.decode()


def test_a_patient_may_do_without(client, make_user):
    patient = make_user("someone@mail.test", "patient")
    assert password_only(client, patient)["Location"] == "/"
    assert client.get("/help/").status_code == 200
    assert not second_factor.is_required_of(patient)
    assert second_factor.is_required_of(make_user("both@clinic.test", "patient", "therapist"))


# waiting


@pytest.mark.parametrize(("minutes", "seconds", "open_"), [(14, 59, True), (15, 1, False)])
def test_fifteen_idle_minutes_end_a_sign_in(client, psychiatrist, monkeypatch, minutes, seconds, open_):
    sign_in(client, psychiatrist)
    assert client.get("/patients/").status_code == 200
    later(monkeypatch, minutes=minutes, seconds=seconds)
    assert (client.get("/patients/").status_code == 200) is open_
    assert (client.get("/api/v1/patients").status_code == 200) is open_
    assert AuditEvent.objects.filter(event_type="SIGN_OUT").exists() is not open_


def test_polling_keeps_nobody_signed_in(client, psychiatrist, monkeypatch):
    sign_in(client, psychiatrist)
    for seconds in (30, 300, 899):
        later(monkeypatch, seconds=seconds)
        assert client.get("/help/", headers={"X-Background": "1"}).status_code == 200, seconds
    later(monkeypatch, seconds=901)
    assert client.get("/help/", headers={"X-Background": "1"}).status_code == 302
    assert client.get("/help/").status_code == 302


def test_what_a_person_does_keeps_them_signed_in_for_twelve_hours_at_most(client, psychiatrist, monkeypatch):
    sign_in(client, psychiatrist)
    for minutes in range(14, 12 * 60, 14):
        later(monkeypatch, minutes=minutes)
        assert client.get("/help/").status_code == 200, minutes
    later(monkeypatch, hours=12, seconds=1)
    assert client.get("/help/").status_code == 302


def test_a_session_copied_before_it_ended_is_dead(client, psychiatrist):
    sign_in(client, psychiatrist)
    thief = Client()
    thief.cookies = client.cookies.copy()
    assert thief.get("/patients/").status_code == 200
    client.post("/accounts/logout/")
    assert thief.get("/patients/").status_code == 302


# step-up


def test_what_reveals_much_asks_again_after_ten_minutes(client, psychiatrist, patient, monkeypatch):
    sign_in(client, psychiatrist)
    page = reverse("patients:new-psychotherapy-note", args=[patient.pk])
    assert client.get(page).status_code == 200
    eleven_minutes_later(monkeypatch)
    for path in (page, reverse("patients:emergency"), "/accounts/password/"):
        for method in ("get", "post"):
            answer = getattr(client, method)(path, {"reason": "Zqx"})
            assert answer.status_code == 302, (path, method)
            assert answer["Location"].startswith("/accounts/confirm/code/?next="), path
    assert "Zqx" not in str(dict(client.session))
    assert client.get("/patients/").status_code == 200


def test_accounts_are_administered_with_a_fresh_one(client, clinical_admin, psychiatrist, monkeypatch):
    sign_in(client, clinical_admin)
    pages = [
        reverse("admin:accounts_user_change", args=[psychiatrist.pk]),
        reverse("admin:accounts_user_add"),
        reverse("admin:auth_user_password_change", args=[psychiatrist.pk]),
        reverse("admin:patients_careteam_add"),
    ]
    assert [client.get(page).status_code for page in pages] == [200] * 4
    eleven_minutes_later(monkeypatch)
    for page in pages:
        for answer in (client.get(page), client.post(page, {})):
            assert answer["Location"].startswith("/accounts/confirm/code/"), page


# ending


def test_one_action_ends_every_way_in(client, clinical_admin, psychiatrist, make_user):
    pair, browser = tokens_of(Client(), psychiatrist), Client()
    sign_in(browser, psychiatrist)
    bearer = {"Authorization": f"Bearer {pair['access']}"}
    assert Client().get("/api/v1/patients", headers=bearer).status_code == 200
    client.force_login(clinical_admin)
    form = {
        "email": psychiatrist.email,
        "display_name": "x",
        "groups": [psychiatrist.groups.get().pk],
    }
    assert client.post(reverse("admin:accounts_user_change", args=[psychiatrist.pk]), form).status_code == 302
    for _ in range(2):
        assert browser.get("/patients/").status_code == 302
        assert Client().get("/api/v1/patients", headers=bearer).status_code == 401
        refresh = Client().post("/api/v1/auth/refresh", {"refresh": pair["refresh"]}, content_type="application/json")
        assert refresh.status_code == 401
        User.objects.filter(pk=psychiatrist.pk).update(is_active=True)  # and none comes back with the account


def test_a_reset_is_not_a_way_round(client, clinical_admin, psychiatrist):
    browser = Client()
    sign_in(browser, psychiatrist)
    client.force_login(clinical_admin)
    form = {
        "email": psychiatrist.email,
        "display_name": "x",
        "is_active": "on",
        "groups": [psychiatrist.groups.get().pk],
        "reset_second_factor": "on",
    }
    assert client.post(reverse("admin:accounts_user_change", args=[psychiatrist.pk]), form).status_code == 302
    assert browser.get("/patients/").status_code == 302
    fresh = Client()
    password_only(fresh, psychiatrist)
    assert fresh.get("/patients/")["Location"].startswith(SET_UP)
    ending.end_access(User.objects.get(pk=psychiatrist.pk))
    assert password_only(Client(), psychiatrist).status_code == 200


def test_a_new_password_ends_the_other_sign_ins(client, psychiatrist):
    here, there = Client(), Client()
    sign_in(here, psychiatrist)
    sign_in(there, psychiatrist)
    new = "a longer phrase than before"
    form = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
    assert here.post("/accounts/password/", form).status_code == 302
    assert here.get("/patients/").status_code == 200
    assert there.get("/patients/").status_code == 302


def test_guesses_at_ones_old_password_are_counted_and_on_record(client, psychiatrist):
    sign_in(client, psychiatrist)
    new = {"new_password1": "a longer phrase than before", "new_password2": "a longer phrase than before"}
    for number in range(5):
        answer = client.post("/accounts/password/", new | {"old_password": f"guess {number}"})
        assert (answer.status_code, "Too many" in answer.content.decode()) == (422, False)
    assert AuditEvent.objects.filter(event_type="SIGN_IN_FAILED", actor_id=psychiatrist.pk).count() == 5
    assert "Too many" in client.post("/accounts/password/", new | {"old_password": PASSWORD}).content.decode()


def test_the_others_can_be_signed_out(psychiatrist):
    here, there = Client(), Client()
    sign_in(here, psychiatrist)
    sign_in(there, psychiatrist)
    here.post("/accounts/security/end-others/")
    assert here.get("/patients/").status_code == 200
    assert there.get("/patients/").status_code == 302


@pytest.mark.parametrize("address", ["//evil.test/", "https://evil.test/", "javascript:alert(1)", "/\\evil.test"])
def test_signing_in_leads_nowhere_else(client, psychiatrist, address):
    code = code_of(psychiatrist)
    client.post(LOGIN, {"username": psychiatrist.email, "password": PASSWORD, "next": address})
    assert client.post(CODE, {"code": code})["Location"] == "/"


@pytest.mark.parametrize("wanted", ["/accounts/login/?next=/", "/accounts/security/passkeys/9/remove/"])
def test_a_code_counts_once_wherever_it_leads(wanted, client, psychiatrist, monkeypatch):
    sign_in(client, psychiatrist)
    eleven_minutes_later(monkeypatch)
    client.post("/accounts/security/passkeys/9/remove/")  # waits for the code, then is answered 404
    code = code_of(psychiatrist)
    client.post("/accounts/confirm/code/", {"code": code, "next": wanted})
    again = client.post("/accounts/confirm/code/", {"code": code, "next": wanted})
    assert "wrong or was used" in again.content.decode()


def test_signing_out_cannot_be_undone_by_where_it_leads(client, psychiatrist):
    sign_in(client, psychiatrist)
    cookie = client.cookies["sessionid"].value
    client.post("/accounts/logout/", {"next": "/accounts/login/?next=/"})
    assert not SignIn.objects.alive().exists()
    copied = Client()
    copied.cookies["sessionid"] = cookie
    assert copied.get("/patients/")["Location"].startswith(LOGIN)
    assert AuditEvent.objects.filter(event_type="SIGN_OUT", actor_id=psychiatrist.pk).count() == 1
