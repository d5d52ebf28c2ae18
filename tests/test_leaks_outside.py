"""What providers of messages and of a model outside receive says nothing of whom it is about, but where to send it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import date
from typing import Any
from urllib.parse import parse_qs
from urllib.request import Request, urlopen

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from actigraphy.models import Recording
from actigraphy.pat import bedrock
from actigraphy.pat.shipped import install_shipped
from novamind.delivery.models import Delivery
from novamind.delivery.services import PatientContact, deliver
from novamind.delivery.templates import TEMPLATES
from novamind.delivery.tests.stub import Stub, answering
from novamind.jobs.runner import run_waiting
from novamind.phi.tests.scanning import find_in_bytes
from novamind.simulator import ALL, Persona, simulate, write_awd
from patients.consent import record_consent
from patients.models import Patient
from tests.test_leaks import CANARIES, FILE, LAST, MAIL, MRN, NOTE, PHONE, SUBJECT

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
SMS_TAKEN, MAIL_TAKEN = (201, {"sid": "SM1"}), (200, {"MessageID": "m-1", "ErrorCode": 0, "Message": "OK", "To": MAIL})
ADDRESSES = {"text messages": ("To", f"+47{PHONE}"), "e-mail": ("To", MAIL)}


class Outside:
    """Stubs of three providers, and what each got."""

    def __init__(self, sms: Stub, mail: Stub, aws: Stub) -> None:
        self.stubs = {"text messages": sms, "e-mail": mail, "Bedrock": aws}

    def places(self) -> dict[str, bytes]:
        """By provider: paths, heads and bodies, without the address that a message is for."""
        return {name: b"\n".join(map(self._without_address(name), stub.got)) for name, stub in self.stubs.items()}

    def _without_address(self, name: str) -> Callable[[tuple[str, dict[str, str], bytes]], bytes]:
        def said(got: tuple[str, dict[str, str], bytes]) -> bytes:
            path, heads, body = got
            if name in ADDRESSES:
                field, address = ADDRESSES[name]
                sent = json.loads(body) if "json" in heads["Content-Type"] else parse_qs(body.decode())
                assert address in str(sent.pop(field, "")) or "planted" in sent
                body = json.dumps(sent).encode()
            return f"{path} {heads}\n".encode() + body

        return said

    def found(self) -> set[str]:
        """``place: canary`` for all of them."""
        return {
            f"{place}: {canary}" for place, said in self.places().items() for canary in find_in_bytes(said, CANARIES)
        }


@pytest.fixture
def outside(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Outside]:
    with ExitStack() as stack:
        sms, mail, aws = (stack.enter_context(answering(answer)) for answer in (SMS_TAKEN, MAIL_TAKEN, (200, {})))
        settings.SMS_PROVIDER, settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN = "twilio", "AC1", "tok"
        settings.TWILIO_FROM, settings.TWILIO_URL, settings.QUIET_HOURS = "+15550001", sms.url, ""
        settings.EMAIL_PROVIDER, settings.EMAIL_BACKEND = "postmark", "anymail.backends.postmark.EmailBackend"
        settings.ANYMAIL = {"POSTMARK_SERVER_TOKEN": "x", "POSTMARK_API_URL": f"{mail.url}/"}
        settings.PAT_MODEL_ID, settings.PAT_MODEL_PROVIDER = "PAT-S", "bedrock"
        settings.PAT_BEDROCK_MODEL_MAPPING = json.dumps({bedrock.EMBEDS: "arn:pat-s"})
        settings.PAT_AWS_REGION, settings.PAT_BEDROCK_BUCKET, settings.PAT_BEDROCK_TABLE = (
            "eu-north-1",
            "clinic",
            "calls",
        )
        settings.PAT_BEDROCK_KMS_KEY_ID, settings.PAT_BEDROCK_ENDPOINT = "alias/clinic", aws.url
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "x")
        bedrock._client.cache_clear()
        bedrock._breaker.cache_clear()
        yield Outside(sms, mail, aws)
        bedrock._client.cache_clear()
        bedrock._breaker.cache_clear()


@pytest.fixture
def served(outside: Outside, signed_in: Any, psychiatrist: Any, clinical_admin: Any, patient: Patient) -> Outside:
    """A canary's recording went to Bedrock, and every template to the patient by both channels."""
    install_shipped(by=clinical_admin, reason="A test.")
    effects = ALL.without("missing", "episodes", "drift")
    persona = Persona.draw(62_000, zone="Europe/Oslo", kind="none")
    counts = simulate(persona, start=date(2026, 1, 5), days=15, effects=effects)
    content = b"\n".join([SUBJECT.encode(), *write_awd(counts).split(b"\n")[1:]])  # its first line says who
    record_consent(patient=patient, purpose="models", stream="actigraphy", given=True, how="written", by=None)
    sent = {"file": SimpleUploadedFile(f"{FILE}.awd", content), "device_type": "actiwatch"}
    assert signed_in(psychiatrist).post(f"/patients/{patient.pk}/actigraphy/upload/", sent).status_code == 302
    for channel in ("sms", "email"):
        for template in TEMPLATES:
            key = f"{channel}:{template}"
            deliver(key=key, recipient=PatientContact(patient.pk), channel=channel, template=template)
    run_waiting()
    assert Recording.objects.get(patient=patient).state == Recording.State.ANALYZED
    assert set(Delivery.objects.values_list("state", flat=True)) == {"sent"}
    return outside


def test_providers_are_told_nothing_of_the_patient(served):
    assert len(served.stubs["text messages"].got) == len(served.stubs["e-mail"].got) == len(TEMPLATES)
    asked = [path for path, _, _ in served.stubs["Bedrock"].got]
    assert "/model/arn%3Apat-s/invoke" in asked
    assert served.found() == set()


def plant(stub: Stub, sent: dict[str, str], **heads: str) -> None:
    body = json.dumps({"planted": "", **sent}).encode()
    with urlopen(Request(stub.url, body, {"Content-Type": "application/json", **heads}), timeout=60) as answer:
        answer.read()


LEAKS: dict[str, Callable[[Stub], None]] = {
    "text messages": lambda stub: plant(stub, {"Body": f"{LAST}: your check-in waits"}),
    "e-mail": lambda stub: plant(stub, {"Subject": MRN.lower()}),
    "Bedrock": lambda stub: plant(stub, {"weeks": ""}, **{"X-Amzn-Trace": NOTE}),
}


def test_a_leak_that_is_planted_is_found_at_each_of_them(served):
    assert set(LEAKS) == set(served.places())
    for place, leak in LEAKS.items():
        leak(served.stubs[place])
        assert [hit for hit in served.found() if hit.startswith(place)], place


def test_a_text_that_names_somebody_would_be_found_on_the_road_it_takes(served, monkeypatch, patient):
    monkeypatch.setattr("novamind.delivery.providers.text_of", lambda name: f"{LAST}, your doctor asks")
    for channel in ("sms", "email"):
        deliver(key=f"leak:{channel}", recipient=PatientContact(patient.pk), channel=channel, template="reminder")
    run_waiting()
    assert served.found() == {f"text messages: {LAST}", f"e-mail: {LAST}"}
