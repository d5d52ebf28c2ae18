"""``POST /api/v1/biometric-events``: one event, a batch, columns; kept exactly, once, or refused by name."""

from __future__ import annotations

import json
import random
import threading
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from django.db import connection
from django.test import Client

from actigraphy.catalogue import TYPES, Form
from actigraphy.channels import CHANNELS
from actigraphy.days import read_samples, together
from actigraphy.models import PointReading, Signal, SleepSession, Source, Sync
from actigraphy.streams.sent import WrongBatch, read_batch
from novamind import clock
from novamind.accounts.models import DeviceToken
from novamind.audit.models import AuditEvent
from novamind.jobs.kinds import SUBSCRIPTIONS
from novamind.jobs.models import IdempotencyKey
from novamind.limits import LIMITS
from patients.consent import record_consent
from patients.devices import DeviceKind, enrol, renew

URL = "/api/v1/biometric-events"
AT = datetime(2025, 4, 17, 14, 23, tzinfo=UTC)


@pytest.fixture
def api(signed_in, psychiatrist):
    return signed_in(psychiatrist)


def event(patient, **changes):
    return {
        "patient_id": str(patient.pk), "data_type": "heart_rate", "timestamp": "2025-04-17T14:23:00Z",
        "data": {"bpm": 72}, **changes,
    }  # fmt: skip


def events(patient, values, *, epoch_s=60, start=AT, **changes):
    return [
        event(patient, timestamp=(start + timedelta(seconds=k * epoch_s)).isoformat(), data={"bpm": value}, **changes)
        for k, value in enumerate(values)
    ]


def column(patient, values, **changes):
    return {
        "patient_id": str(patient.pk), "data_type": "heart_rate", "start": AT.isoformat(), "epoch_s": 60,
        "values": values, **changes,
    }  # fmt: skip


def send(client, body, **headers):
    return client.post(URL, json.dumps(body), content_type="application/json", headers=headers)


def held(channel="heart_rate"):
    """Every sample of the only source, as (seconds after AT, value to the digits that are kept)."""
    samples = together(list(Signal.objects.filter(channel=channel).order_by("day")))
    decimals = CHANNELS[channel].decimals
    return [
        (int(at - AT.timestamp()), round(float(value), decimals))
        for at, value in zip(samples.at_s, samples.values, strict=True)
    ]


def test_the_event_of_the_contract_is_kept(api, patient, psychiatrist):
    answer = send(api, event(patient))
    assert answer.status_code == 201, answer.content
    body = answer.json()
    assert (body["accepted"], body["stored"], body["conflicts"], body["refused"]) == (1, 1, 0, [])
    assert body["days"] == {"heart_rate": ["2025-04-17"]}
    assert held() == [(0, 72.0)]
    sync = Sync.objects.get(pk=body["id"])
    assert (sync.sent_by, sync.sources) == (psychiatrist.pk, [str(Source.objects.get().pk)])


def test_a_batch_is_one_event_of_the_trail_with_its_counts(api, patient):
    send(api, events(patient, [60, 61, 62]))
    row = AuditEvent.objects.get(action="api:biometric-events")
    assert (row.event_type, row.object_label) == ("DATA_COLLECTION", "actigraphy.Sync")
    assert row.details == {"lines": 3, "accepted": 3, "stored": 3, "refused": 0}
    assert {str(one.patient_id) for one in row.patients.all()} == {str(patient.pk)}


def test_the_banner_says_when_a_device_last_measured(api, patient):
    measured = datetime.now(UTC) - timedelta(hours=3)
    send(api, event(patient, timestamp=measured.isoformat()))
    assert "3 h ago" in api.get(f"/patients/{patient.pk}/data/").content.decode()
    record_consent(patient=patient, purpose="treatment", stream="actigraphy", given=False, how="spoken", by=None)
    assert "3 h ago" not in api.get(f"/patients/{patient.pk}/data/").content.decode()


def test_a_list_and_a_column_of_the_same_values_are_the_same_rows(api, patient):
    values = [60.25, 61, 72.5, 300, 20]
    assert send(api, events(patient, values)).json()["stored"] == 5
    again = send(api, column(patient, values)).json()
    assert (again["accepted"], again["stored"], again["conflicts"], again["days"]) == (5, 0, 0, {})
    assert held() == [(60 * k, value) for k, value in enumerate(values)]


def test_missing_values_of_a_column_are_no_samples(api, patient):
    assert send(api, column(patient, [60, None, 62])).json()["accepted"] == 2
    assert held() == [(0, 60.0), (120, 62.0)]


def test_a_second_keeps_its_first_value_and_another_one_is_counted(api, patient):
    send(api, event(patient))
    answer = send(api, [event(patient, data={"bpm": 73}), event(patient, timestamp="2025-04-17T14:23:00.700Z")]).json()
    assert (answer["stored"], answer["conflicts"]) == (0, 1)
    assert held() == [(0, 72.0)]


def test_samples_at_any_second_are_kept_and_found_again(api, patient):
    rng = random.Random(7)
    offsets = rng.sample(range(3 * 86_400), 400)
    truth = {}
    for chunk in range(4):
        lines = []
        for at in offsets[chunk::4]:
            truth[at] = rng.randint(2000, 29_999) / 100
            lines.append(event(patient, timestamp=(AT + timedelta(seconds=at)).isoformat(), data={"bpm": truth[at]}))
        assert send(api, lines).status_code == 201
    assert held() == sorted(truth.items())


@pytest.mark.parametrize("name", CHANNELS)
def test_every_digit_that_is_kept_comes_back(name):
    channel = CHANNELS[name]
    scale = 10**channel.decimals
    values = np.unique(np.linspace(channel.low * scale, channel.high * scale, 200_003).round()) / scale
    assert np.array_equal(np.round(values.astype(np.float32).astype(np.float64), channel.decimals), values)


def test_a_full_day_of_minutes_takes_at_most_two_bytes_a_sample(api, patient):
    rng = np.random.default_rng(1)
    beats = 70 + np.cumsum(rng.normal(0, 1, 1440)).round().clip(-30, 60)
    midnight = AT.replace(hour=0, minute=0).isoformat()
    assert send(api, column(patient, beats.tolist(), start=midnight)).status_code == 201
    row = Signal.objects.get()
    assert (row.valid, row.epoch_s) == (1440, 60)
    assert len(row.samples) <= 2 * 1440


def test_sleep_naps_and_point_readings_are_rows(api, patient):
    night = {
        "end": "2025-04-18T06:00:00Z",
        "stages": [
            {"stage": "light", "start": "2025-04-17T22:00:00Z", "end": "2025-04-18T01:00:00Z"},
            {"stage": "deep", "start": "2025-04-18T01:00:00Z", "end": "2025-04-18T02:30:00Z"},
        ],
    }
    lines = [
        event(patient, data_type="sleep", timestamp="2025-04-17T22:00:00Z", data=night),
        event(patient, data_type="nap", data={"end": "2025-04-17T15:00:00Z"}),
        event(patient, data_type="weight", data={"kg": 71.4}),
        event(patient, data_type="blood_pressure", data={"systolic": 121, "diastolic": 78}),
        event(patient, data_type="device_status", data={"state": "off_wrist"}),
    ]
    first = send(api, lines).json()
    assert (first["stored"], first["days"]["sleep"]) == (5, ["2025-04-17", "2025-04-18"])
    again = send(api, lines).json()
    assert (again["stored"], again["conflicts"]) == (0, 0)
    lines[2]["data"] = {"kg": 80}
    assert send(api, lines).json()["conflicts"] == 1
    assert (PointReading.objects.count(), SleepSession.objects.count()) == (3, 2)
    sleep = SleepSession.objects.get(kind="sleep")
    assert sleep.stages == [["light", 0, 10800], ["deep", 10800, 16200]]
    assert PointReading.objects.get(data_type="weight").values == {"kg": 71.4}


REFUSED = [
    ({"data_type": "mood_ring"}, "unknown_type"),
    ({"data_type": ["heart_rate"]}, "unknown_type"),
    ({"data": {"bpm": 19}}, "implausible_value"),
    ({"data": {"bpm": 301}}, "implausible_value"),
    ({"data": {"bpm": 10**400}}, "implausible_value"),
    ({"data": {"bpm": "72"}}, "not_a_number"),
    ({"data": {"bpm": True}}, "not_a_number"),
    ({"data": {"beats": 72}}, "unknown_key"),
    ({"data": {"bpm": 72, "name": 1}}, "unknown_key"),
    ({"data": {}}, "unknown_key"),
    ({"data": [72]}, "invalid"),
    ({"timestamp": "2025-04-17T14:23:00"}, "no_offset"),
    ({"timestamp": "yesterday"}, "wrong_time"),
    ({"timestamp": 1744899780}, "wrong_time"),
    ({"timestamp": "1969-12-31T00:00:00Z"}, "before_1970"),
    ({"timestamp": "0001-01-01T00:00:00+14:00"}, "before_1970"),
    ({"timestamp": "9999-12-31T23:59:59-14:00"}, "in_the_future"),
    ({"comment": "x"}, "unknown_field"),
    ({"source": "toaster"}, "unknown_source"),
    ({"source": 7}, "wrong_source"),
    ({"source_device_id": "x" * 81}, "wrong_source"),
    ({"source_device_id": "\ud800"}, "wrong_source"),
    ({"patient_id": "7"}, "wrong_patient_id"),
    ({"patient_id": None}, "wrong_patient_id"),
    ({"data_type": "steps", "timestamp": "2025-04-17T14:23:30Z", "data": {"count": 7}}, "off_grid"),
    ({"data_type": "blood_pressure", "data": {"systolic": 120}}, "unknown_key"),
    ({"data_type": "sleep", "data": {"end": "2025-04-17T14:00:00Z"}}, "implausible_value"),
    ({"data_type": "nap", "data": {"end": "2025-04-18T14:00:00Z"}}, "implausible_value"),
    ({"data_type": "device_status", "data": {"state": "tired"}}, "unknown_key"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "code"), REFUSED)
def test_what_is_wrong_is_refused_by_name_and_line_and_nothing_is_kept(api, patient, change, code):
    answer = send(api, [event(patient), event(patient, **change)])
    assert (answer.status_code, answer.json()["code"], answer.json()["line"]) == (400, code, 2)
    assert (Signal.objects.count(), Sync.objects.count()) == (0, 0)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"values": []}, "invalid"),
        ({"values": [72, "72"]}, "not_a_number"),
        ({"values": [72, 19]}, "implausible_value"),
        ({"epoch_s": 0}, "wrong_epoch"),
        ({"epoch_s": 60.0}, "wrong_epoch"),
        ({"key": "beats"}, "unknown_key"),
        ({"data_type": "hrv"}, "unknown_key"),
        ({"data_type": "steps", "epoch_s": 30}, "off_grid"),
        ({"data_type": "steps", "epoch_s": 120}, "off_grid"),
        ({"data_type": "weight"}, "no_column"),
        ({"data": {}}, "unknown_field"),
        ({"start": "2999-01-01T00:00:00Z"}, "in_the_future"),
    ],
)
def test_what_is_wrong_with_a_column_is_refused_by_name(api, patient, change, code):
    answer = send(api, column(patient, [72, 73]) | change)
    assert (answer.status_code, answer.json()["code"]) == (400, code)


def test_where_it_is_asked_for_the_good_lines_are_kept_and_each_bad_one_is_named(api, patient):
    lines = [event(patient), event(patient, data={"bpm": 5}), event(patient, data_type="x"), *events(patient, [72, 80])]
    answer = send(api, lines, Prefer="handling=lenient")
    assert answer.status_code == 201
    assert [(one["line"], one["code"]) for one in answer.json()["refused"]] == [
        (2, "implausible_value"), (3, "unknown_type"),
    ]  # fmt: skip
    assert held() == [(0, 72.0), (60, 80.0)]
    assert Sync.objects.get().refused == 2
    nothing = send(api, [event(patient, data_type="x")], Prefer="handling=lenient")
    assert (nothing.status_code, nothing.json()["accepted"], nothing.json()["id"]) == (200, 0, None)


@pytest.mark.parametrize(
    ("body", "code"),
    [([], "invalid"), ("x", "invalid"), (7, "invalid"), (None, "invalid"), ({"events": {}}, "invalid"),
     ({"events": [], "more": 1}, "unknown_field")],
)  # fmt: skip
def test_what_is_no_batch_is_refused(api, body, code):
    answer = send(api, body)
    assert (answer.status_code, answer.json()["code"]) == (400, code)


def test_a_batch_has_at_most_ten_thousand_samples_of_one_patient(patient):
    one = column(patient, [72.0] * 5001)
    with pytest.raises(WrongBatch, match="10,000"):
        read_batch([one, one])
    with pytest.raises(WrongBatch, match="10,000"):
        read_batch([event(patient)] * 10_001)
    assert read_batch([event(patient)] * 10_000).accepted == 10_000
    with pytest.raises(WrongBatch, match="one patient"):
        read_batch([event(patient), event(patient) | {"patient_id": "11111111-1111-4111-8111-111111111111"}])


def test_what_the_lines_share_is_said_once(api, patient):
    body = {"patient_id": str(patient.pk), "source": "watch", "source_device_id": "W-1", "events": []}
    for line in events(patient, [60, 61]):
        del line["patient_id"]
        body["events"].append(line)
    assert send(api, body).status_code == 201
    source = Source.objects.get()
    assert (source.kind, source.device_type, source.device_serial) == ("stream", "watch", "W-1")


def test_nothing_is_taken_from_before_the_birth_and_the_line_is_named(api, patient):
    patient.date_of_birth = date(1987, 5, 3)
    patient.save()
    born = clock.midnight(patient.date_of_birth, patient.tz)
    early = (born - timedelta(seconds=1)).isoformat()
    lines = [event(patient), event(patient, timestamp=early), column(patient, [60], start=early)]
    answer = send(api, lines)
    assert (answer.status_code, answer.json()["code"], answer.json()["line"]) == (400, "before_birth", 2)
    assert not Sync.objects.exists()
    kept = send(api, lines, Prefer="handling=lenient").json()
    assert (kept["accepted"], [one["line"] for one in kept["refused"]]) == (1, [2, 3])
    nothing = send(api, lines[1:], Prefer="handling=lenient")
    assert (nothing.status_code, nothing.json()["accepted"], nothing.json()["id"]) == (200, 0, None)
    assert send(api, event(patient, timestamp=born.isoformat())).status_code == 201


def test_a_device_cannot_ask_for_the_date_of_birth(patient):
    """What it may send ends where it does for every patient."""
    device, bearer = Client(), {"Authorization": f"Bearer {enrol(patient=patient, kind=DeviceKind.WEARABLE)}"}
    ends = clock.now() - timedelta(days=LIMITS["past"].value)
    for born in (date(1950, 1, 1), (clock.now() - timedelta(days=900)).date()):
        patient.date_of_birth = born
        patient.save()
        answer = send(device, event(patient, timestamp=(ends - timedelta(minutes=1)).isoformat()), **bearer)
        assert (answer.status_code, answer.json()["code"]) == (400, "too_long_ago")
        answer = send(device, event(patient, timestamp=(ends + timedelta(minutes=1)).isoformat()), **bearer)
        assert answer.status_code == 201


def test_a_batch_of_too_many_days_makes_nothing(api, patient):
    most = LIMITS["batch_days"].value
    patient.zone = "America/New_York"
    patient.save()
    first = datetime(2025, 1, 1, 12, tzinfo=UTC)
    scattered = [event(patient, data_type="activity", timestamp=(first + timedelta(days=7 * k)).isoformat(),
                       data={"counts": 5}) for k in range(most + 1)]  # fmt: skip
    answer = send(api, scattered)
    assert (answer.status_code, answer.json()["code"]) == (400, "too_many_days")
    assert f"at most {most} local days" in answer.json()["detail"]
    assert not Signal.objects.exists()
    assert send(api, scattered[1:]).status_code == 201
    weights = [event(patient, data_type="weight", timestamp=(first + timedelta(days=k)).isoformat(),
                     data={"kg": 70}) for k in range(most)]  # fmt: skip
    nap = event(patient, data_type="nap", timestamp=(first - timedelta(days=1)).isoformat(),
                data={"end": (first - timedelta(hours=22)).isoformat()})  # fmt: skip
    assert send(api, [*weights, nap]).json()["code"] == "too_many_days"
    assert send(api, weights).status_code == 201


def test_two_senders_never_share_a_source_and_nobody_is_first_for_another(api, patient, therapist):
    other = Client()
    other.force_login(therapist)
    named = {"source": "watch", "source_device_id": "SN-1"}
    tokens = [enrol(patient=patient, kind=DeviceKind.WEARABLE) for _ in range(2)]
    for value, token in enumerate(tokens):
        bearer = {"Authorization": f"Bearer {token}"}
        for _ in range(2):
            assert send(Client(), event(patient, **named, data={"bpm": 40 + value}), **bearer).status_code == 201
    for value, client in enumerate((api, other)):
        stored = send(client, event(patient, **named, data={"bpm": 60 + value})).json()
        assert (stored["stored"], stored["conflicts"]) == (1, 0)
    assert Source.objects.filter(device_serial__isnull=False).count() == Source.objects.count() == 4
    values = {float(together([row]).values[0]) for row in Signal.objects.all()}
    assert values == {40, 41, 60, 61}


def test_devices_of_one_patient_that_one_sends_for_are_kept_apart(api, patient):
    send(api, event(patient, source="watch", source_device_id="A"))
    send(api, event(patient, source="watch", source_device_id="B", data={"bpm": 80}))
    send(api, event(patient, source="watch", source_device_id="A"))
    assert (Source.objects.count(), Signal.objects.count()) == (2, 2)


def test_a_device_sends_for_its_patient_and_is_told_nothing(patient, make_patient, team):
    token = enrol(patient=patient, kind=DeviceKind.WEARABLE)
    device, bearer = Client(), {"Authorization": f"Bearer {token}"}
    answer = send(device, event(patient), **bearer)
    assert (answer.status_code, set(answer.json())) == (201, {"id", "accepted", "refused"})
    assert send(device, event(make_patient(team)), **bearer).status_code == 404
    assert device.get(f"/api/v1/patients/{patient.pk}/biometrics", headers=bearer).status_code == 403
    DeviceToken.objects.all().revoke()
    assert send(device, event(patient), **bearer).status_code == 401


def test_a_new_token_of_a_device_goes_on_with_its_source(patient):
    token, sources = enrol(patient=patient, kind=DeviceKind.WEARABLE), set()
    device = DeviceToken.objects.get().user
    for minute in (1, 2):
        bearer = {"Authorization": f"Bearer {token}"}
        send(Client(), event(patient, source="watch", timestamp=f"2025-04-17T14:0{minute}:00Z"), **bearer)
        sources |= set(Source.objects.values_list("pk", flat=True))
        token = renew(patient=patient, device_id=device.pk)
    assert len(sources) == 1
    assert Signal.objects.get().valid == 2


def test_a_day_from_a_known_device_costs_few_statements(patient, django_assert_max_num_queries):
    token = enrol(patient=patient, kind=DeviceKind.WEARABLE)
    device, bearer = Client(), {"Authorization": f"Bearer {token}"}
    send(device, column(patient, [60] * 100), **bearer)
    others = len(SUBSCRIPTIONS["biometrics.synced"]) - 1  # higher apps that listen: a job is looked for, then written
    with django_assert_max_num_queries(11 + 2 * others):
        assert send(device, column(patient, [60] * 100, start="2025-04-18T00:00:00Z"), **bearer).status_code == 201


@pytest.mark.parametrize(("stream", "kind"), [("heart", "heart_rate"), ("body", "spo2"), ("actigraphy", "steps")])
def test_each_stream_of_data_has_its_own_consent(api, patient, stream, kind):
    record_consent(patient=patient, purpose="treatment", stream=stream, given=False, how="written", by=None)
    data = {"heart_rate": {"bpm": 72}, "spo2": {"percent": 97}, "steps": {"count": 12}}
    for name, values in data.items():
        answer = send(api, event(patient, data_type=name, data=values))
        assert answer.status_code == (403 if name == kind else 201)
        assert answer.json().get("code") == ("consent_withheld" if name == kind else None)
    kept = set(Signal.objects.values_list("channel", flat=True))
    assert kept == data.keys() - {kind}
    assert set(Signal.objects.consented().values_list("channel", flat=True)) == kept


def test_the_same_key_makes_nothing_new_and_another_body_is_422(api, patient):
    first = send(api, event(patient), **{"Idempotency-Key": "k-1"})
    again = send(api, event(patient), **{"Idempotency-Key": "k-1"})
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert Sync.objects.count() == 1
    other = send(api, event(patient, data={"bpm": 80}), **{"Idempotency-Key": "k-1"})
    assert (other.status_code, other.json()["code"]) == (422, "key_reused")
    assert send(api, event(patient, data={"bpm": 1}), **{"Idempotency-Key": "k-2"}).status_code == 400
    assert IdempotencyKey.objects.count() == 1


def test_every_type_can_be_sent(api, patient):
    for kind in TYPES.values():
        data = {key.name: key.low for key in kind.keys}
        if kind.form is Form.SLEEP:
            data = {"end": "2025-04-17T15:23:00Z"}
        elif kind.form is Form.STATUS:
            data = {"state": "worn"}
        answer = send(api, event(patient, data_type=kind.name, data=data))
        assert (answer.status_code, list(answer.json()["days"])) == (201, [kind.name])


def test_an_uploaded_recording_reads_like_a_stream(patient):
    from actigraphy.signals import merge

    source = Source.objects.create(patient=patient, kind="recording", device_type="actiwatch")
    merge(source, "activity", start_s=int(AT.timestamp()), epoch_s=30, values=np.array([1, np.nan, 3]))
    samples = read_samples(source, "activity", start=AT, end=AT + timedelta(hours=1))
    assert (samples.at_s - int(AT.timestamp())).tolist() == [0, 60]
    assert samples.values.tolist() == [1, 3]


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="needs PostgreSQL: SQLite has one writer")
def test_eight_clients_who_send_the_same_batches_in_any_order_store_each_sample_once(patient, psychiatrist):
    rng = random.Random(3)
    values = [rng.randint(2000, 29_999) / 100 for _ in range(20_000)]
    batches = []
    for at in range(0, 20_000, 2500):
        lines = events(patient, values[at : at + 2500], epoch_s=35, start=AT + timedelta(seconds=35 * at))
        rng.shuffle(lines)
        batches.append(json.dumps(lines))
    statuses, start = [], threading.Barrier(8)

    def client(number: int) -> None:
        browser = Client(raise_request_exception=False)
        browser.force_login(psychiatrist)
        mine = batches[:]
        random.Random(number).shuffle(mine)
        start.wait(60)
        for batch in mine:
            answer = browser.post(URL, batch, content_type="application/json")
            statuses.append((answer.status_code, answer.json().get("conflicts")))
        connection.close()

    threads = [threading.Thread(target=client, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(statuses) == {(201, 0)}
    assert len(statuses) == 64
    assert sum(Sync.objects.values_list("stored", flat=True)) == 20_000
    assert held() == [(35 * k, value) for k, value in enumerate(values)]
    assert Source.objects.count() == 1
    assert Signal.objects.count() == len({(AT + timedelta(seconds=35 * k)).date() for k in range(20_000)})
    assert min(Signal.objects.values_list("day", flat=True)) == date(2025, 4, 17)
