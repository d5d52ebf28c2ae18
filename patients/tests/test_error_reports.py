"""What an error report carries away, read from the envelopes themselves."""

from __future__ import annotations

import io
import logging

import pytest
import sentry_sdk
from sentry_sdk.transport import Transport

from novamind.phi import errors
from novamind.phi.tests.scanning import find_in_bytes
from patients.models import PatientQuerySet

CANARIES = ["Zqxfirst", "1931-02-17", "ZQX-MRN-7781", "zqx7781@mail.test", "hunter2zqx"]


class Kept(Transport):
    """Serialises every envelope as it would travel, and keeps it."""

    def __init__(self) -> None:
        super().__init__({})
        self.sent: list[bytes] = []

    def capture_envelope(self, envelope) -> None:
        out = io.BytesIO()
        envelope.serialize_into(out)
        self.sent.append(out.getvalue())


@pytest.fixture
def kept():
    transport = Kept()
    errors.start("https://key@errors.example/1", environment="test", release="1", transport=transport)
    yield transport
    sentry_sdk.get_client().close()
    sentry_sdk.init()


def fail(name: str) -> None:
    born, secret = CANARIES[1], {"password": CANARIES[4]}
    raise ValueError(f"{name} {born} {secret}")


def test_an_error_leaves_with_its_type_and_place_and_no_value(kept, rf):
    with sentry_sdk.new_scope() as scope:
        scope.set_user({"email": CANARIES[3]})
        scope.set_tag("mrn", CANARIES[2])
        scope.set_extra("note", CANARIES[0])
        scope.set_context("chart", {"name": CANARIES[0]})
        scope.add_attachment(CANARIES[0].encode(), filename="note.txt")
        sentry_sdk.add_breadcrumb(message=CANARIES[0])
        logging.getLogger("novamind.test").info("read %s", CANARIES[0])
        try:
            fail(CANARIES[0])
        except ValueError:
            logging.getLogger("novamind.test").exception("could not read %s", CANARIES[2])
            sentry_sdk.capture_exception()
        sentry_sdk.capture_message(CANARIES[0])
    sentry_sdk.flush()
    sent = b"".join(kept.sent)
    assert len(kept.sent) >= 2
    assert b"ValueError" in sent
    assert b"test_error_reports" in sent
    assert find_in_bytes(sent, CANARIES) == []


def test_a_page_that_fails_reports_no_request(kept, settings, client, psychiatrist, patient, monkeypatch):
    monkeypatch.setattr(PatientQuerySet, "visible_to", lambda *args: fail(CANARIES[0]))
    client.force_login(psychiatrist)
    client.raise_request_exception = False
    answer = client.get(f"/patients/?q={CANARIES[0]}", headers={"cookie2": CANARIES[4]})
    sentry_sdk.flush()
    assert answer.status_code == 500
    assert b"ValueError" in b"".join(kept.sent)
    assert find_in_bytes(b"".join(kept.sent), CANARIES) == []


def test_a_planted_value_would_be_seen_in_an_envelope(kept, monkeypatch):
    """The test tests itself: a report that was not rebuilt carries the canary."""
    monkeypatch.setitem(sentry_sdk.get_client().options, "before_send", lambda event, hint: event)
    try:
        fail(CANARIES[0])
    except ValueError:
        sentry_sdk.capture_exception()
    sentry_sdk.flush()
    assert CANARIES[0] in find_in_bytes(b"".join(kept.sent), CANARIES)
