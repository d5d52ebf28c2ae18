"""One message leaves once, when it may, and says nothing of anybody."""

from __future__ import annotations

import logging
import re
from datetime import UTC, datetime, time, timedelta
from string import Formatter
from typing import Any
from urllib.parse import parse_qs

import pytest
from django.db import connection

from novamind import clock
from novamind.delivery.models import Delivery
from novamind.delivery.services import PatientContact, TooLate, cancel_about, deliver, resend
from novamind.delivery.templates import TEMPLATES, text_of
from novamind.delivery.tests.stub import answering
from novamind.jobs.models import AdminAlert, Job
from novamind.jobs.runner import run_waiting

pytestmark = pytest.mark.django_db(transaction=True)
NIGHT = datetime(2027, 3, 3, 23, 30, tzinfo=UTC)  # half past midnight in Oslo
NOON = datetime(2027, 3, 3, 11, tzinfo=UTC)
TAKEN = (201, {"sid": "SM1"})


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Set the clock everywhere."""

    def move(moment: datetime) -> None:
        for name in ("novamind.clock.now", "novamind.jobs.services.now", "novamind.jobs.runner.now",
                     "novamind.jobs.attempts.now", "novamind.delivery.models.now"):  # fmt: skip
            monkeypatch.setattr(name, lambda: moment)

    move(NOON)
    return move


@pytest.fixture
def twilio(settings: Any) -> Any:
    """Text messages go to a stub of Twilio."""
    settings.SMS_PROVIDER, settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN = "twilio", "AC1", "tok"
    settings.TWILIO_FROM = "+15550001"
    return settings


def sms(patient: Any, key: str = "r:1", **more: Any) -> Delivery:
    return deliver(key=key, recipient=PatientContact(patient.pk), channel="sms", template="reminder", **more)


def state(delivery: Delivery) -> str:
    delivery.refresh_from_db()
    return delivery.state


def whats(delivery: Delivery) -> list[str]:
    delivery.refresh_from_db()
    return [line["what"] for line in delivery.log]


def test_the_same_key_twice_is_one_delivery_and_one_message(at, patient, twilio):
    with answering(TAKEN) as stub:
        twilio.TWILIO_URL = stub.url
        first, second = sms(patient), sms(patient)
        run_waiting()
        assert sms(patient).pk == second.pk == first.pk
        run_waiting()
    [(path, headers, body)] = stub.got
    assert path == "/2010-04-01/Accounts/AC1/Messages.json"
    assert headers["Authorization"].startswith("Basic ")
    sent = parse_qs(body.decode())
    assert sent == {"To": ["+4799977810"], "From": ["+15550001"], "Body": [text_of("reminder").strip() + "\n"]}
    assert (state(first), first.provider_id, whats(first)) == ("sent", "SM1", ["sending", "sent"])


def test_texts_take_the_address_of_the_site_and_no_other_variable(settings):
    settings.SITE_URL = "https://n.test/"
    clinical = re.compile(r"(?i)patient|mood|depress|suicid|psych|clinic|score|phq|sleep|medic|symptom|diagnos|{")
    for name, template in TEMPLATES.items():
        fields = [field for text in (template.subject, template.text) for _, field, _, _ in Formatter().parse(text)]
        assert set(filter(None, fields)) == {"site"}
        assert not clinical.search(template.subject + text_of(name).replace("https://n.test/", ""))
    with pytest.raises(TypeError):
        text_of("reminder", name="x")  # type: ignore[call-arg]


def test_the_address_is_in_no_row_and_no_line_of_the_log(at, patient, twilio, caplog):
    caplog.set_level(logging.DEBUG)
    with answering((400, {"message": "+4799977810 is not a phone number"})) as stub:
        twilio.TWILIO_URL = stub.url
        delivery = sms(patient)
        run_waiting()
        deliver(key="m", recipient=PatientContact(patient.pk), channel="email", template="reminder")
        run_waiting()
    assert (state(delivery), whats(delivery)) == ("failed", ["sending", "http_400"])
    assert AdminAlert.objects.open().count() == 1
    rows = str(list(Delivery.objects.values())) + str(list(Job.objects.values()))
    for said in (rows, caplog.text):
        assert "99977810" not in said
        assert "zqx7781" not in said


def test_quiet_hours_hold_where_the_recipient_is_and_not_for_what_is_urgent(at, patient, psychiatrist, twilio):
    at(NIGHT)
    with answering(TAKEN) as stub:
        twilio.TWILIO_URL = stub.url
        delivery = sms(patient)
        urgent = deliver(key="a", recipient=psychiatrist, channel="email", template="alert")
        run_waiting()
        assert stub.got == []
        assert (state(delivery), state(urgent)) == ("waiting", "sent")
        assert delivery.due_at == datetime(2027, 3, 4, 7, tzinfo=UTC)  # eight in Oslo
        at(delivery.due_at)
        run_waiting()
        assert (state(delivery), len(stub.got)) == ("sent", 1)


def test_own_quiet_hours_go_before_the_clinics(at, patient, twilio):
    with answering(TAKEN) as stub:
        twilio.TWILIO_URL = stub.url
        delivery = sms(patient, quiet=(time(11), time(13)))
        run_waiting()
        assert state(delivery) == "waiting"
        assert delivery.due_at == datetime(2027, 3, 3, 12, tzinfo=UTC)


def test_what_expired_is_never_sent_nor_what_would_expire_in_quiet_hours(at, patient, twilio):
    with answering(TAKEN) as stub:
        twilio.TWILIO_URL = stub.url
        late = sms(patient, "r:late", expires_at=NOON)
        at(NIGHT)
        night = sms(patient, "r:night", expires_at=NIGHT + timedelta(hours=2))
        run_waiting()
    assert (state(late), state(night), stub.got) == ("expired", "expired", [])


def test_a_busy_provider_is_asked_again_later_and_then_the_administrators_are_told(at, patient, twilio):
    moment = NOON
    with answering((503, {})) as stub:
        twilio.TWILIO_URL = stub.url
        delivery = sms(patient)
        for _ in range(6):
            run_waiting()
            moment += timedelta(hours=2, minutes=1)
            at(moment)
            if moment.hour >= 19:  # not into the night
                moment += timedelta(hours=13)
                at(moment)
        assert state(delivery) == "failed"
    assert len(stub.got) == 5
    assert AdminAlert.objects.open().count() == 1


def test_a_provider_that_is_not_there_is_asked_again(at, patient, twilio):
    twilio.TWILIO_URL = "http://127.0.0.1:9"
    delivery = sms(patient)
    run_waiting()
    assert (state(delivery), delivery.log[-1]["why"]) == ("waiting", "no_connection")


def test_what_was_called_off_does_not_leave(at, patient, psychiatrist, twilio):
    with answering(TAKEN) as stub:
        twilio.TWILIO_URL = stub.url
        delivery = sms(patient, about=psychiatrist)
        assert cancel_about([psychiatrist.pk], "accounts.User") == 1
        run_waiting()
    assert (state(delivery), stub.got) == ("cancelled", [])


@pytest.mark.parametrize(("answer", "ends"), [((503, {}), "cancelled"), ((400, {}), "cancelled"), (TAKEN, "sent")])
def test_called_off_while_the_provider_is_asked_it_leaves_if_taken_and_is_not_tried_again(
    answer, ends, at, patient, psychiatrist, twilio
):
    with answering(answer, TAKEN) as stub:
        twilio.TWILIO_URL = stub.url
        delivery = sms(patient, about=psychiatrist)
        stub.meanwhile = lambda: (cancel_about([psychiatrist.pk], "accounts.User"), connection.close())
        run_waiting()
        assert state(delivery) == ends
        at(NOON + timedelta(hours=3))
        run_waiting()
    assert (state(delivery), len(stub.got)) == (ends, 1)
    assert not AdminAlert.objects.open().exists()


def test_called_off_after_a_worker_died_while_sending_it_does_not_leave(at, patient, psychiatrist, twilio):
    delivery = sms(patient, about=psychiatrist)
    Delivery.objects.filter(pk=delivery.pk).update(state="sending", attempts=1)
    assert cancel_about([psychiatrist.pk], "accounts.User") == 1
    with answering(TAKEN) as stub:
        twilio.TWILIO_URL = stub.url
        run_waiting()
    assert (state(delivery), stub.got) == ("cancelled", [])


def test_nobody_is_written_to_without_contact_or_account(at, make_patient, team, psychiatrist):
    nowhere = sms(make_patient(team), "r:nowhere")
    psychiatrist.is_active = False
    psychiatrist.save()
    gone = deliver(key="a", recipient=psychiatrist, channel="email", template="alert")
    run_waiting()
    assert [whats(one)[-1] for one in (nowhere, gone)] == ["no_contact", "no_contact"]


def test_after_a_worker_died_while_sending_it_is_sent_again_and_the_log_says_so(at, patient, twilio):
    delivery = sms(patient)
    Delivery.objects.filter(pk=delivery.pk).update(
        state="sending", attempts=1, log=[{"at": "x", "what": "sending", "attempt": 1}]
    )
    with answering(TAKEN) as stub:
        twilio.TWILIO_URL = stub.url
        run_waiting()
    assert state(delivery) == "sent"
    assert len(stub.got) == 1
    assert delivery.log[1]["may_repeat"] is True


def test_the_sending_stands_in_the_patients_trail(at, patient):
    from novamind.audit.models import AuditEventPatient

    AuditEventPatient.objects.all().delete()
    sms(patient)
    run_waiting()
    assert AuditEventPatient.objects.filter(patient_id=patient.pk, event__action="delivery.send").count() == 1


def test_a_repeat_is_a_message_of_its_own(at, patient):
    first = sms(patient)
    run_waiting()
    again, once_more = resend(first), resend(first)
    assert len({first.pk, again.pk, once_more.pk}) == 3
    run_waiting()
    assert [state(one) for one in (first, again, once_more)] == ["sent"] * 3


def test_a_repeat_keeps_its_quiet_hours_and_its_end(at, patient, twilio):
    with answering(TAKEN) as stub:
        twilio.TWILIO_URL = stub.url
        first = sms(patient, quiet=(time(14), time(16)), expires_at=NOON + timedelta(hours=6))  # noon is 12 in Oslo
        run_waiting()
        at(NOON + timedelta(hours=3))
        again = resend(first)
        run_waiting()
        assert (state(again), len(stub.got)) == ("waiting", 1)
        at(NOON + timedelta(hours=6))
        run_waiting()
    assert (state(again), len(stub.got)) == ("expired", 1)


def test_what_is_over_is_not_sent_again_by_hand(at, patient, signed_in, clinical_admin):
    delivery = sms(patient, expires_at=NOON + timedelta(hours=1))
    run_waiting()
    at(NOON + timedelta(hours=1))
    with pytest.raises(TooLate):
        resend(delivery)
    client = signed_in(clinical_admin)
    page = client.post(f"/deliveries/{delivery.pk}/resend/", follow=True).content.decode()
    assert "Its time is over: it would arrive after its use." in page
    assert Delivery.objects.count() == 1


def test_keys_and_templates_hold_no_text(patient):
    with pytest.raises(ValueError, match="made of ids"):
        sms(patient, "Ada Berg")
    with pytest.raises(ValueError, match="no template"):
        deliver(key="k", recipient=PatientContact(patient.pk), channel="sms", template="You are ill")


@pytest.mark.parametrize(
    ("provider", "answer", "answer_id", "path"),
    [
        ("postmark", {"ErrorCode": 0, "Message": "OK", "MessageID": "pm1", "To": "zqx7781@mail.test"}, "pm1", "/email"),
        ("resend", {"id": "re1"}, "re1", "/emails"),
        ("amazon_ses", {"MessageId": "ses1"}, "ses1", "/v2/email/outbound-emails"),
    ],
)
def test_mail_leaves_by_the_configured_provider(provider, answer, answer_id, path, at, patient, settings, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    with answering((200, answer)) as stub:
        mail(settings, provider, stub.url)
        delivery = deliver(key="m", recipient=PatientContact(patient.pk), channel="email", template="reminder")
        run_waiting()
    assert (state(delivery), delivery.provider_id) == ("sent", answer_id), delivery.log
    [(asked, _, body)] = stub.got
    assert asked == path
    assert b"zqx7781@mail.test" in body or b"enF4Nzc4MUBtYWlsLnRlc3" in body


def mail(settings: Any, provider: str, url: str) -> None:
    settings.EMAIL_PROVIDER = provider
    settings.EMAIL_BACKEND = f"anymail.backends.{provider}.EmailBackend"
    settings.ANYMAIL = {
        "POSTMARK_SERVER_TOKEN": "x", "RESEND_API_KEY": "x", f"{provider.upper()}_API_URL": url + "/",
        "AMAZON_SES_CLIENT_PARAMS": {"region_name": "eu-north-1", "endpoint_url": url},
    }  # fmt: skip


@pytest.mark.parametrize(("status", "code", "ends"), [(503, "http_503", "waiting"), (422, "http_422", "failed")])
def test_what_a_mail_provider_says_no_to(status, code, ends, at, patient, settings):
    with answering((status, {"message": "zqx7781@mail.test is no address"})) as stub:
        mail(settings, "resend", stub.url)
        delivery = deliver(key="m", recipient=PatientContact(patient.pk), channel="email", template="reminder")
        run_waiting()
    assert state(delivery) == ends
    assert code in str(delivery.log)
    assert "zqx" not in str(delivery.log)


def test_the_page_shows_no_recipient_and_sends_again(at, patient, signed_in, clinical_admin):
    delivery = sms(patient)
    run_waiting()
    client = signed_in(clinical_admin)
    page = client.get("/deliveries/").content.decode()
    assert str(delivery.pk)[:8] in page
    assert str(patient.pk) not in page
    assert client.post(f"/deliveries/{delivery.pk}/resend/").status_code == 302
    assert Delivery.objects.filter(resends=delivery.pk).count() == 1


def test_the_clock_has_moved(at):
    at(NIGHT)
    assert clock.now() == NIGHT
