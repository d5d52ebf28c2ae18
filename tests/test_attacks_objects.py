"""Attack 1: every visitor at every URL by every method, generated from the resolver; a chart made of canaries.

A stranger is whoever has no valid grant for the chart, or no role for its pages. To them a hidden object answers as one
that does not exist, and no answer holds a canary. Whoever treats the patient is shown the chart, and is on record.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from django.http import HttpResponse
from django.test import Client

from novamind import clock
from novamind.accounts import tokens
from novamind.audit.models import AuditEventPatient
from patients.devices import DeviceKind, enrol
from patients.emergency import end_emergency, open_emergency
from patients.models import Consent, Grant
from patients.services import join_team, leave_team, share_patient, update_patient, view_permission
from tests.one_of_everything import CANARIES
from tests.test_role_url_table import OF_THE_REQUEST, ask, methods, of_the_patient, visitor
from tests.urls_of_novamind import Url, every_url, unknown, values_for

pytestmark = pytest.mark.exhaustive

METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
#: Beside what the whole suite looks for: what is written about the patient in this chart, each in one place only.
WRITTEN = re.compile(rb"(?i)zqx(pronouns|remark|note|model|explanation)")
#: Who judges an emergency reads why the chart was opened; that is written about the emergency, not about the patient.
MEANT_TO_SEE = {("clinical admin", "patients:reviews"), ("clinical admin", "patients:review")} | {
    ("the patient", name)
    for name in ("patients:my-messages", "patients:my-thread", "api:messages", "api:thread", "api:read-thread")
}

#: What a patient sends about the own chart, and is told nothing of it.
OWN_TO_SEND = {"api:assessments", "api:check-ins", "api:check-in", "api:symptoms", "api:symptom"}


@pytest.fixture
def world(chart: Any, team: Any, other_team: Any, make_user: Any, make_patient: Any) -> SimpleNamespace:
    """The chart with a canary in everything that is written in it, and what visitors are made of."""
    patient = chart.patient
    update_patient(patient, version=1, pronouns="zqxpronouns")
    chart.note.text = "Zqxnote"
    chart.note.save()
    chart.source.device_model = "Zqxmodel"
    chart.source.save()
    chart.access.explanation = "Zqxexplanation"
    chart.access.save()
    Consent.objects.create(
        patient=patient, purpose="research", stream="heart", given=True, how="written", remark="Zqxremark"
    )
    return SimpleNamespace(
        chart=chart, patient=patient, team=team, other_team=other_team, make_user=make_user, make_patient=make_patient
    )


def signed_in(world: Any, *roles: str, team: Any = None, **fields: Any) -> tuple[Client, Any]:
    user = world.make_user("visitor@clinic.test", *roles, **fields)
    if team is not None:
        join_team(team=team, user=user)
    return visitor(user), user


def bearing(token: str) -> Client:
    return Client(headers={"Authorization": f"Bearer {token}"})


def patient_of(world: Any, patient: Any) -> tuple[Client, Any]:
    client, user = signed_in(world, "patient")
    Grant.objects.create(user=user, content_object=patient, permission=view_permission(), reason=Grant.Reason.SELF)
    return client, user


def revoked(world: Any) -> tuple[Client, Any]:
    client, user = signed_in(world, "psychiatrist", team=world.team)
    leave_team(team=world.team, user=user)
    return client, user


def deactivated(world: Any) -> tuple[Client, Any]:
    client, user = signed_in(world, "psychiatrist", team=world.team)
    user.is_active = False
    user.save()
    return client, user


def share_ended(world: Any) -> tuple[Client, Any]:
    client, user = signed_in(world, "nurse practitioner")
    share_patient(patient=world.patient, user=user)
    Grant.objects.filter(user=user).update(valid_until=clock.now() - timedelta(seconds=1))
    return client, user


def in_emergency(world: Any) -> tuple[Client, Any]:
    client, user = signed_in(world, "psychiatrist", team=world.other_team)
    open_emergency(patient=world.patient, user=user, reason="covering", explanation="Nobody else answers tonight.")
    return client, user


def emergency_over(world: Any) -> tuple[Client, Any]:
    client, user = in_emergency(world)
    Grant.objects.filter(user=user).update(valid_until=clock.now() - timedelta(seconds=1))
    return client, user


def emergency_closed(world: Any) -> tuple[Client, Any]:
    client, user = in_emergency(world)
    end_emergency(patient=world.patient, user=user)
    return client, user


def device_of(patient: Any) -> tuple[Client, Any]:
    token = enrol(patient=patient, kind=DeviceKind.PHONE)
    return bearing(token), Grant.objects.get(content_object=patient, reason=Grant.Reason.DEVICE).user


def with_token(world: Any, *roles: str, team: Any) -> tuple[Client, Any]:
    _, user = signed_in(world, *roles, team=team)
    return bearing(tokens.begin(user).access), user


def token_of_revoked(world: Any) -> tuple[Client, Any]:
    client, user = with_token(world, "psychiatrist", team=world.team)
    leave_team(team=world.team, user=user)
    return client, user


def token_of_deactivated(world: Any) -> tuple[Client, Any]:
    client, user = with_token(world, "psychiatrist", team=world.team)
    user.is_active = False
    user.save()
    return client, user


Visitor = Callable[[Any], tuple[Client, Any]]
STRANGERS: dict[str, Visitor] = {
    "anonymous": lambda world: (Client(), None),
    "no role": signed_in,
    "researcher": lambda world: signed_in(world, "researcher", team=world.team),
    "psychiatrist without a team": lambda world: signed_in(world, "psychiatrist"),
    "psychiatrist of another team": lambda world: signed_in(world, "psychiatrist", team=world.other_team),
    "nurse of another team": lambda world: signed_in(world, "nurse practitioner", team=world.other_team),
    "therapist of another team": lambda world: signed_in(world, "therapist", team=world.other_team),
    "clinical admin": lambda world: signed_in(world, "clinical admin", is_staff=True),
    "superuser": lambda world: signed_in(world, is_superuser=True, is_staff=True),
    "the patient": lambda world: patient_of(world, world.patient),
    "another patient": lambda world: patient_of(world, world.make_patient(world.other_team, last_name="Other")),
    "revoked": revoked,
    "deactivated": deactivated,
    "share that ended": share_ended,
    "emergency that is over": emergency_over,
    "emergency that was closed": emergency_closed,
    "device of the patient": lambda world: device_of(world.patient),
    "device of another patient": lambda world: device_of(world.make_patient(world.other_team, last_name="Other")),
    "token of another team": lambda world: with_token(world, "psychiatrist", team=world.other_team),
    "token of somebody revoked": token_of_revoked,
    "token of somebody deactivated": token_of_deactivated,
}  # fmt: skip
INSIDERS: dict[str, Visitor] = {
    "psychiatrist": lambda world: signed_in(world, "psychiatrist", team=world.team),
    "nurse": lambda world: signed_in(world, "nurse practitioner", team=world.team),
    "therapist": lambda world: signed_in(world, "therapist", team=world.team),
    "clinical admin in care": lambda world: signed_in(world, "clinical admin", team=world.team, is_staff=True),
    "emergency": in_emergency,
    "token": lambda world: with_token(world, "psychiatrist", team=world.team),
}
#: Who asks by every method, and for every other page too: who may open the most of them, and who is not in the table of
#: roles. The others ask by the methods that some view answers.
EVERYWHERE = {"the patient", "emergency that is over", "clinical admin", "clinical admin in care", "token"}


def object_urls() -> list[Url]:
    return [*of_the_patient(), *(url for url in every_url() if url.name == "patients:review")]


def admin_object_urls() -> list[Url]:
    """Django admin's pages of one row of a chart."""
    of_charts = re.compile(r"admin:(actigraphy_|patients_(patient|grant|careassignment|consent|emergencyaccess)_)")
    return [url for url in every_url() if of_charts.match(url.name) and "object_id" in url.parameters]


def list_urls() -> list[Url]:
    """Pages and endpoints without an object: lists, searches, forms."""
    return [url for url in every_url() if url.named and not url.parameters and not url.name.startswith("admin:")]


def cells(name: str) -> list[tuple[Url, str]]:
    """What this visitor asks for."""
    of_all = name in EVERYWHERE
    asked = [(url, method) for url in object_urls() for method in (METHODS if of_all else methods(url))]
    others = every_url() if of_all else list_urls()
    known = {url for url, _ in asked}
    return asked + [(url, "GET") for url in others if url not in known]


def test_the_matrix_has_every_url_and_is_as_large_as_was_promised():
    matrix = {name: cells(name) for name in (*STRANGERS, *INSIDERS)}
    assert {url for asked in matrix.values() for url, _ in asked} == set(every_url())
    assert len(object_urls()) >= 25
    assert sum(map(len, matrix.values())) >= 7000


def whole(answer: HttpResponse) -> bytes:
    """Body and headers, cookies included."""
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    heads = "\n".join([*(f"{name}: {value}" for name, value in answer.items()), answer.cookies.output()])
    return heads.encode() + b"\n\n" + body


def canaries(told: bytes) -> set[bytes]:
    return {found[0] for looked_for in (CANARIES, WRITTEN) for found in looked_for.finditer(told)}


RANDOM = re.compile(rb"(?im)^x-request-id: .*$|^set-cookie: .*$|^expires: .*$")


def compared(answer: HttpResponse, values: dict[str, Any]) -> tuple[int, bytes]:
    """What tells two answers apart, without what names the request or what was asked for."""
    told = OF_THE_REQUEST.sub(b"", RANDOM.sub(b"", whole(answer)))
    for value in values.values():
        told = told.replace(f"/{value}/".encode() if isinstance(value, int) else str(value).encode(), b"<id>")
    return answer.status_code, told


@pytest.mark.parametrize("name", STRANGERS)
def test_a_stranger_is_told_nothing_of_the_chart_by_any_url_and_method(name, world):
    client, user = STRANGERS[name](world)
    wrong, hidden_ones = [], {*object_urls(), *admin_object_urls()}
    for url, method in cells(name):
        values = values_for(url, world.chart, user or world.patient)
        answer = ask(client, method, url.of(values))
        if answer.status_code >= 500:
            wrong.append(f"{url.name} {method}: {answer.status_code}")
        if (found := canaries(whole(answer))) and (name, url.name) not in MEANT_TO_SEE:
            wrong.append(f"{url.name} {method}: {answer.status_code} tells {found}")
        if url not in hidden_ones or answer.status_code == 405 or (name, url.name) in MEANT_TO_SEE:
            continue
        if name == "the patient" and url.name in OWN_TO_SEND and method in {"POST", "PUT", "OPTIONS"}:
            continue
        if answer.status_code < 300 and method != "OPTIONS":
            wrong.append(f"{url.name} {method}: {answer.status_code}")
        nobody = unknown(values) | {"object_id": UUID(int=7) if isinstance(values["object_id"], UUID) else 10**9}
        if compared(answer, values) != compared(ask(client, method, url.of(nobody)), nobody):
            wrong.append(f"{url.name} {method}: {answer.status_code} differs from an object that does not exist")
    assert wrong == []


REFUSED = {401, 403, 404, 405, 415}


@pytest.mark.parametrize("name", INSIDERS)
def test_whoever_is_shown_the_chart_is_on_record_with_it_and_refusals_show_nothing(name, world):
    client, user = INSIDERS[name](world)
    wrong, shown = [], 0
    for url, method in cells(name):
        noted: list[set[Any]] = []
        answer = ask(
            client,
            method,
            url.of(values_for(url, world.chart, user)),
            lambda told, to=noted: to.append(patients_of(told)),
        )
        found = canaries(whole(answer))
        if answer.status_code >= 500 or (found and answer.status_code in REFUSED):
            wrong.append(f"{url.name} {method}: {answer.status_code} {found}")
        if found and noted != [{world.patient.pk}]:
            wrong.append(f"{url.name} {method}: shows {found}, and the trail names {noted}")
        shown += bool(found)
    assert wrong == []
    assert shown >= {"token": 3, "emergency": 9}.get(name, 15)


def patients_of(answer: HttpResponse) -> set[Any]:
    """The patients whom the trail names for this request."""
    noted = AuditEventPatient.objects.filter(event__request_id=answer.headers.get("X-Request-ID", ""))
    return set(noted.values_list("patient_id", flat=True))


def test_every_canary_is_shown_to_whoever_treats_the_patient(world):
    """Or the matrix looked for what is nowhere."""
    _, user = INSIDERS["psychiatrist"](world)
    author = visitor(world.chart.note.author)
    told = b"".join(
        whole(ask(client, "GET", url.of(values_for(url, world.chart, user))))
        for client in (visitor(user), author)
        for url in object_urls()
    )
    for canary in (b"Zqxfirst", b"Zqxlast", b"ZQX-MRN-7781", b"zqx7781@mail.test", b"4799977810", b"1931-02-17",
                   b"Zqxfile", b"zqxpronouns", b"Zqxnote", b"Zqxremark"):  # fmt: skip
        assert canary in told, canary
