"""What a device has stopped measuring is an alert, once, whatever else still comes from it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from actigraphy.models import Source, Sync
from actigraphy.streams.silence import raise_silent, withheld_alerts
from novamind import clock
from novamind.audit.recording import recorded
from novamind.delivery.models import Delivery
from novamind.delivery.templates import TEMPLATES
from novamind.jobs.runner import run_waiting
from patients.alerts import raise_alert
from patients.consent import record_consent
from patients.devices import DeviceKind, enrol, revoke
from patients.models import Alert, AlertEvent, Grant

NOW = datetime(2026, 3, 30, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture(autouse=True)
def noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)


@pytest.fixture
def ledger() -> Any:
    with recorded(actor_label="test", request_id="t") as ledger:
        yield ledger


class Watch:
    """A device of a patient that sends."""

    def __init__(self, client: Any, patient: Any) -> None:
        self.client, self.patient = client, patient
        self.token = enrol(patient=patient, kind=DeviceKind.WEARABLE)
        self.account = Grant.objects.get(reason=Grant.Reason.DEVICE, content_object=patient.pk).user

    def send(self, *events: tuple[str, datetime, dict[str, Any]], **more: Any) -> None:
        body = [
            {"patient_id": str(self.patient.pk), "source": "watch", "data_type": kind, "timestamp": at.isoformat(),
             "data": data, **more}
            for kind, at, data in events
        ]  # fmt: skip
        answer = self.client.post(
            "/api/v1/biometric-events", json.dumps(body), content_type="application/json",
            headers={"Authorization": f"Bearer {self.token}"},
        )  # fmt: skip
        assert answer.status_code == 201, answer.content
        Sync.objects.filter(created_at__gt=NOW + 30 * DAY).update(created_at=clock.now())  # by the machine's own clock


@pytest.fixture
def watch(client: Any, patient: Any) -> Watch:
    patient.zone = "Europe/Oslo"
    patient.save()
    return Watch(client, patient)


def beats(at: datetime) -> tuple[str, datetime, dict[str, Any]]:
    return "heart_rate", at, {"bpm": 60}


def steps(at: datetime) -> tuple[str, datetime, dict[str, Any]]:
    return "steps", at.replace(second=0), {"count": 7}


def said() -> list[str]:
    return [one.note for one in AlertEvent.objects.filter(what="raised").order_by("at")]


@pytest.mark.parametrize(("hours", "alerts"), [(47, 0), (49, 1), (13 * 24, 1), (15 * 24, 0)])
def test_a_device_that_measures_no_more_is_an_alert_once(watch, psychiatrist, ledger, hours, alerts):
    last = NOW - hours * HOUR
    watch.send(steps(last), beats(last))
    assert (raise_silent(), raise_silent()) == (alerts, 0)
    assert Alert.objects.filter(patient=watch.patient, kind="silent_stream").count() == alerts


@pytest.mark.parametrize(("told", "alerts"), [(NOW - 2 * DAY, 0), (NOW - 9 * DAY, 1)])
def test_a_silence_that_an_earlier_release_told_of_is_not_told_again(watch, psychiatrist, ledger, told, alerts):
    watch.send(beats(NOW - 4 * DAY))
    source = Source.objects.get()
    old = raise_alert(
        patient=watch.patient, kind="silent_stream", severity="low", key=f"silent:{source.pk}:{uuid4()}"
    )  # fmt: skip
    Alert.objects.filter(pk=old.pk).update(raised_at=told)
    assert raise_silent() == alerts


def test_heart_rate_that_stops_while_steps_go_on_is_named(watch, psychiatrist, ledger):
    watch.send(beats(NOW - 3 * DAY), steps(NOW - 3 * DAY), steps(NOW - HOUR))
    assert raise_silent() == 1
    assert said() == [
        "Watch: heart rate, last measured Fri 27 Mar 2026 13:00 (Europe/Oslo). Still measured: steps."
    ]  # fmt: skip
    [delivery] = Delivery.objects.all()
    assert delivery.template == "notice"
    assert "heart" not in str(TEMPLATES["notice"]) + str(delivery.log)


def test_a_watch_that_died_is_one_alert_that_names_all_it_measured(watch, psychiatrist, ledger):
    last = NOW - 4 * DAY
    watch.send(beats(last), steps(last + 13 * HOUR), ("hrv", last - 12 * HOUR, {"rmssd_ms": 40}))
    assert raise_silent() == 1
    assert said() == [
        "Watch: steps, heart rate and heart rate variability RMSSD, last measured Fri 27 Mar 2026 02:00 (Europe/Oslo)."
    ]  # fmt: skip


def test_what_falls_silent_later_is_an_alert_of_its_own(watch, ledger, monkeypatch):
    watch.send(beats(NOW - 3 * DAY), steps(NOW))
    assert raise_silent() == 1
    monkeypatch.setattr(clock, "now", lambda: NOW + 3 * DAY)
    assert raise_silent() == 1
    assert "heart rate, last" in said()[0]
    assert "steps, last" in said()[1]


def test_old_rows_sent_again_and_states_break_no_silence_and_begin_none(watch, ledger):
    watch.send(beats(NOW - 3 * DAY))
    assert raise_silent() == 1
    watch.send(beats(NOW - 3 * DAY), beats(NOW - 5 * DAY), ("device_status", NOW - HOUR, {"state": "worn"}))
    assert raise_silent() == 0
    assert Alert.objects.count() == 1


def test_it_fell_silent_though_it_tells_of_its_own_state(watch, ledger):
    watch.send(beats(NOW - 3 * DAY), ("device_status", NOW - HOUR, {"state": "worn"}))
    assert raise_silent() == 1


def test_a_device_that_only_ever_tells_of_its_own_state(watch, ledger, monkeypatch):
    watch.send(("device_status", NOW - DAY, {"state": "worn"}))
    assert raise_silent() == 0
    monkeypatch.setattr(clock, "now", lambda: NOW + 2 * DAY)
    assert (raise_silent(), raise_silent()) == (1, 0)
    assert "has measured nothing" in said()[0]


def test_an_app_that_tells_of_itself_beside_a_watch_that_measures_is_no_silence(watch, ledger, monkeypatch):
    watch.send(beats(NOW))
    watch.send(("device_status", NOW, {"state": "worn"}), source="phone")
    monkeypatch.setattr(clock, "now", lambda: NOW + 2 * DAY)
    watch.send(beats(NOW + 2 * DAY))
    assert raise_silent() == 0


def test_a_scale_is_silent_until_somebody_steps_on_it(watch, ledger):
    watch.send(("weight", NOW - 5 * DAY, {"kg": 70}))
    assert raise_silent() == 0


def test_sleep_that_comes_no_more(watch, ledger):
    start = NOW - 4 * DAY
    stages = [{"stage": "asleep", "start": start.isoformat(), "end": (start + 7 * HOUR).isoformat()}]
    watch.send(("sleep", start, {"end": (start + 7 * HOUR).isoformat(), "stages": stages}))
    assert raise_silent() == 1
    assert said() == ["Watch: sleep, last measured Thu 26 Mar 2026 20:00 (Europe/Oslo)."]


def decide(patient: Any, stream: str, *, given: bool) -> None:
    record_consent(patient=patient, purpose="treatment", stream=stream, given=given, how="spoken", by=None)


def test_each_kind_of_data_is_under_its_own_consent(watch, ledger):
    watch.send(beats(NOW - 3 * DAY), steps(NOW - 3 * DAY))
    decide(watch.patient, "heart", given=False)
    assert raise_silent() == 1
    assert said() == ["Watch: steps, last measured Fri 27 Mar 2026 13:00 (Europe/Oslo)."]
    [alert] = Alert.objects.all()
    assert withheld_alerts([alert]) == set()
    decide(watch.patient, "actigraphy", given=False)
    assert withheld_alerts([alert]) == {alert.pk}


def test_words_about_what_is_withheld_since_are_not_on_the_page(watch, ledger, signed_in, psychiatrist):
    watch.send(beats(NOW - 3 * DAY), steps(NOW))
    raise_silent()
    doctor = signed_in(psychiatrist)
    assert "heart rate, last measured" in doctor.get(f"/patients/{watch.patient.pk}/alerts/").content.decode()
    decide(watch.patient, "heart", given=False)
    page = doctor.get(f"/patients/{watch.patient.pk}/alerts/").content.decode()
    assert "heart rate" not in page
    assert "the patient withholds it now" in page


def test_no_alert_of_a_device_that_was_ended(watch, ledger, monkeypatch):
    monkeypatch.setattr("novamind.accounts.models.tokens.now", lambda: NOW)
    watch.send(beats(NOW - 3 * DAY))
    revoke(patient=watch.patient, device_id=watch.account.pk)
    assert raise_silent() == 0


def test_one_query_however_many_devices_and_days(watch, client, ledger, make_patient, team):
    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert raise_silent() == 0
        return len(asked)

    watch.send(beats(NOW), steps(NOW))
    few = queries()
    for _ in range(3):
        other = Watch(client, make_patient(team))
        other.send(*(beats(NOW - back * DAY) for back in range(6)), steps(NOW))
    assert queries() == few


def test_the_job_that_looks_for_silence_runs(watch):
    from novamind.jobs.services import enqueue

    watch.send(beats(NOW - 3 * DAY))
    enqueue("actigraphy.silent_streams", key="silent")
    run_waiting()
    assert Alert.objects.filter(patient=watch.patient).count() == 1
