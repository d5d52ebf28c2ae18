"""Users, roles, and the two ways to sign in."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.apps import apps
from django.contrib.auth.models import Group
from django.db import IntegrityError, transaction
from rest_framework_simplejwt.tokens import AccessToken

from novamind.accounts.models import User
from novamind.accounts.roles import RIGHTS, ROLES
from tests.signing_in import code_of

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery staple"  # noqa: S105  (make_user's)
AuditEvent = apps.get_model("audit.AuditEvent")  # accounts stands below audit and may not import it
LOGIN = "/api/v1/auth/login"


def token(client, email, password=PASSWORD):
    user = User.objects.filter(email=email).first()
    body = {"email": email, "password": password, "code": code_of(user) if user else "123456"}
    return client.post(LOGIN, body, content_type="application/json")


def bearer(client, access):
    return client.get("/api/v1/patients", headers={"Authorization": f"Bearer {access}"})


def test_every_role_is_a_group_and_every_right_belongs_to_roles():
    assert set(ROLES) == set(Group.objects.values_list("name", flat=True))
    assert all(roles <= set(ROLES) for roles in RIGHTS.values())


def test_a_right_that_does_not_exist_is_a_bug(psychiatrist):
    with pytest.raises(KeyError):
        psychiatrist.may("fly")


def test_an_inactive_user_may_nothing(make_user):
    leaver = make_user("x@clinic.test", *ROLES, is_active=False, is_superuser=True)
    assert not any(leaver.may(right) for right in RIGHTS)


def test_a_superuser_has_no_clinical_right(superuser):
    held = {right for right in RIGHTS if superuser.may(right)}
    assert held == {"operate_jobs", "read_audit", "use_admin", "manage_accounts"}


def test_one_address_is_one_user_whatever_its_letter_case(make_user):
    make_user("Someone@Clinic.test")
    with pytest.raises(IntegrityError), transaction.atomic():
        User(email="SOMEONE@clinic.TEST").save()
    assert User.objects.get_by_natural_key(" SOMEONE@CLINIC.TEST ").email == "someone@clinic.test"


def test_a_group_that_is_no_role_gives_nothing(make_user):
    user = make_user("x@clinic.test")
    user.groups.add(Group.objects.create(name="managers"))
    assert user.roles == frozenset()


def test_the_page_signs_in_and_out(client, psychiatrist):
    code = code_of(psychiatrist)
    answer = client.post("/accounts/login/", {"username": "PSYCHIATRIST@clinic.test", "password": PASSWORD})
    assert answer["Location"] == "/accounts/code/"
    assert client.get("/patients/").status_code == 302
    assert client.post("/accounts/code/", {"code": code})["Location"] == "/"
    assert client.get("/patients/").status_code == 200
    client.post("/accounts/logout/")
    assert client.get("/patients/").status_code == 302
    kinds = AuditEvent.objects.values_list("event_type", flat=True)
    assert {"SIGN_IN", "SIGN_OUT"} <= set(kinds)


@pytest.mark.parametrize("wanted", ["/accounts/login/", "/accounts/login/?next=/", "http://testserver/accounts/login/"])
def test_who_is_signed_in_and_asks_for_the_sign_in_page_does_not_go_round(client, psychiatrist, wanted):
    client.force_login(psychiatrist)
    assert client.get("/accounts/login/", {"next": wanted})["Location"] == "/"
    assert client.get("/accounts/login/", {"next": "/patients/?page=2"})["Location"] == "/patients/?page=2"


@pytest.mark.parametrize("case", ["wrong password", "nobody", "inactive"])
def test_every_failed_sign_in_reads_the_same_on_both_ways(client, psychiatrist, case):
    email = "nobody@clinic.test" if case == "nobody" else psychiatrist.email
    password = "wrong" if case == "wrong password" else PASSWORD
    if case == "inactive":
        User.objects.update(is_active=False)
    page = client.post("/accounts/login/", {"username": email, "password": password})
    assert "The e-mail address or the password is wrong." in page.content.decode()
    answer = token(client, email, password)
    assert (answer.status_code, answer.json()["code"]) == (401, "authentication_failed")
    assert AuditEvent.objects.filter(event_type="SIGN_IN_FAILED").count() == 2


def test_a_typed_address_that_is_nobodys_is_not_kept(client):
    token(client, "zqx-a-patient@mail.test")
    assert "zqx" not in str(list(AuditEvent.objects.values()))


@pytest.mark.parametrize("body", [{}, {"email": "x"}, {"email": "a@b.c", "password": "x" * 300}, {"email": None}])
def test_a_sign_in_that_is_no_sign_in_is_a_wrong_request(client, body):
    assert client.post(LOGIN, body, content_type="application/json").status_code == 400


def test_a_token_opens_the_api_and_names_its_user_in_the_trail(client, psychiatrist):
    answer = token(client, psychiatrist.email).json()
    assert answer["expires_in"] == 300
    assert bearer(client, answer["access"]).status_code == 200
    event = AuditEvent.objects.get(action="api:patient-list")
    assert (event.actor_id, event.role) == (psychiatrist.pk, "psychiatrist")


def test_a_token_dies_with_the_account_with_the_password_and_with_time(client, psychiatrist):
    access = token(client, psychiatrist.email).json()["access"]
    User.objects.update(is_active=False)
    assert bearer(client, access).status_code == 401
    User.objects.update(is_active=True)
    psychiatrist.set_password("another phrase 12345")
    psychiatrist.save()
    assert bearer(client, access).status_code == 401
    old = AccessToken(token(client, psychiatrist.email, "another phrase 12345").json()["access"])
    assert bearer(client, old).status_code == 200
    old.set_exp(lifetime=-timedelta(seconds=1))
    assert bearer(client, old).status_code == 401


def test_a_token_that_was_changed_or_signed_otherwise_is_refused(client, psychiatrist):
    import jwt

    access = token(client, psychiatrist.email).json()["access"]
    claims = jwt.decode(access, options={"verify_signature": False})
    forged = [
        access[:-4] + "AAAA",
        jwt.encode(claims, "another key that is long enough to be one", algorithm="HS256"),
        jwt.encode(claims, None, algorithm="none"),
    ]
    assert [bearer(client, one).status_code for one in forged] == [401, 401, 401]


def test_a_token_for_another_audience_is_refused(client, psychiatrist, settings):
    import jwt

    access = token(client, psychiatrist.email).json()["access"]
    claims = jwt.decode(access, options={"verify_signature": False}) | {"aud": "elsewhere"}
    assert bearer(client, jwt.encode(claims, settings.JWT_SECRET_KEY, algorithm="HS256")).status_code == 401
