"""What was sent is read again: exactly, one source a minute, by local day, under its consent; gaps say why."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from actigraphy.models import Analysis, Signal, Source, Sync
from actigraphy.pages.streams import coverage_context
from actigraphy.signals import pack
from actigraphy.streams.coverage import GapReason, facts_of, reason_for
from actigraphy.streams.held import last_measured
from actigraphy.streams.quality import quality_of
from actigraphy.streams.reading import days_of, read_series
from novamind import clock
from novamind.audit.recording import recorded
from novamind.measures import Abstained
from patients.consent import record_consent
from patients.devices import DeviceKind, enrol, revoke
from patients.models import Grant

NOW = datetime(2026, 3, 30, 12, tzinfo=UTC)
NIGHT = datetime(2026, 3, 28, 23, tzinfo=UTC)  # midnight in Oslo, of the day with 23 hours


@pytest.fixture(autouse=True)
def noon(monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: NOW)


@pytest.fixture
def api(signed_in, psychiatrist):
    return signed_in(psychiatrist)


@pytest.fixture
def patient(patient):
    patient.zone = "Europe/Oslo"
    patient.save()
    return patient


@pytest.fixture
def ledger():
    with recorded(actor_label="test", request_id="t") as ledger:
        yield ledger


def send(client, patient, values, start, **changes):
    body = {
        "patient_id": str(patient.pk), "data_type": "steps", "start": start.isoformat(), "epoch_s": 60,
        "values": values, **changes,
    }  # fmt: skip
    headers = body.pop("headers", {})
    answer = client.post("/api/v1/biometric-events", json.dumps(body), content_type="application/json", headers=headers)
    assert answer.status_code == 201, answer.content


def tell(client, patient, at, state):
    body = {"patient_id": str(patient.pk), "data_type": "device_status", "timestamp": at.isoformat(),
            "data": {"state": state}}  # fmt: skip
    assert client.post("/api/v1/biometric-events", json.dumps(body), content_type="application/json").status_code == 201


def address(patient, rest=""):
    return f"/api/v1/patients/{patient.pk}/biometrics{rest}"


def test_a_day_of_23_hours_has_its_own_total_and_says_who_gave_it(api, patient):
    send(api, patient, [10] * (23 * 60), NIGHT, source="watch", source_device_id="W")
    send(api, patient, [4] * 1440, NIGHT - timedelta(hours=1), source="phone", source_device_id="P")
    body = api.get(address(patient, "/steps/days?first=2026-03-28&last=2026-03-30")).json()
    before, day, after = body["keys"]["count"]["days"]
    assert (day["value"], day["n"], day["coverage"]) == (23 * 60 * 10, 23 * 60, 1.0)
    watch, phone = day["sources"]
    assert (watch["source"], watch["kept"], watch["dropped"], watch["alone"]) == ("Watch", 1380, 0, 13_800)
    assert (phone["source"], phone["kept"], phone["dropped"], phone["alone"]) == ("Phone", 0, 1380, 5520)
    assert (before["value"], before["n"], before["coverage"]) == (4 * 60, 60, 60 / 1440)
    assert after["value"] is None
    assert after["abstentions"]["value"]["abstained"] == "too_few_inputs"


def test_samples_are_read_back_to_the_digit_with_their_source(api, patient):
    hr = {"data_type": "heart_rate"}
    send(api, patient, [61.01, 62.02, None, 64.04], NIGHT, source="watch", source_device_id="W", **hr)
    send(api, patient, [71, 72, 73.5, 74], NIGHT, source="band", source_device_id="B", epoch_s=120, **hr)
    window = f"?start={NIGHT.isoformat()}&end={(NIGHT + timedelta(hours=1)).isoformat()}".replace("+", "%2B")
    body = api.get(address(patient, f"/heart_rate{window}")).json()["keys"]["bpm"]
    assert body["values"] == [71.0, 62.02, 72.0, 64.04, 73.5, 74.0]
    assert [body["sources"][whose]["source"] for whose in body["source"]] == [
        "band",
        "watch",
        "band",
        "watch",
        "band",
        "band",
    ]
    assert body["sources"][0]["source_device_id"] == "B"
    assert body["at"][0] == "2026-03-28T23:00:00Z"


def test_what_is_held_is_listed_by_type(api, patient):
    send(api, patient, [10] * 60, NIGHT)
    tell(api, patient, NIGHT, "worn")
    found = api.get(address(patient)).json()["data_types"]
    assert [(one["data_type"], one["sources"]) for one in found] == [("steps", 1), ("device_status", 1)]
    assert found[0]["first_day"] == found[0]["last_day"] == "2026-03-28"


@pytest.mark.parametrize(
    ("rest", "status"),
    [("/mood", 404), ("/weight/days", 400), ("/weight", 200), ("/steps?start=2026-01-01T00:00:00Z", 400),
     ("/steps?start=x", 400), ("/steps/days?first=2026-03-02&last=2026-03-01", 400),
     ("/steps/days?first=0001-01-01", 400),
     ("/steps/days?last=9999-12-31", 400), ("/steps", 200), ("/steps/days", 200)],
)  # fmt: skip
def test_what_can_be_asked(api, patient, rest, status):
    assert api.get(address(patient, rest)).status_code == status


def test_a_withdrawn_stream_is_read_no_more_and_the_others_are(api, patient):
    send(api, patient, [10] * 60, NIGHT)
    send(api, patient, [70] * 60, NIGHT, data_type="heart_rate")
    record_consent(patient=patient, purpose="treatment", stream="heart", given=False, how="spoken", by=None)
    assert api.get(address(patient, "/heart_rate")).json()["code"] == "consent_withheld"
    assert api.get(address(patient, "/heart_rate/days")).status_code == 403
    assert api.get(address(patient, "/steps")).status_code == 200
    assert [one["data_type"] for one in api.get(address(patient)).json()["data_types"]] == ["steps"]
    page = api.get(f"/patients/{patient.pk}/data/").content.decode()
    assert "Steps" in page
    assert "Heart rate" not in page
    assert "has not consented" in page
    assert api.get(f"/patients/{patient.pk}/data/heart_rate/").status_code == 403


def test_the_measures_of_a_series_are_those_of_its_samples(api, patient, ledger):
    hr = {"data_type": "heart_rate"}
    beats = [60 + 10 * (k % 2) for k in range(600)]
    beats[300] = 250
    send(api, patient, beats, NIGHT, source="watch", **hr)
    series = read_series(patient, "heart_rate", start=NIGHT, end=NIGHT + timedelta(minutes=1200))
    quality = quality_of(series, since=NIGHT)
    assert quality.outliers.value == pytest.approx(100 / 600)
    assert quality.consistency.value == pytest.approx(100 * 597 / 599)
    assert quality.completeness.value == pytest.approx(50)
    assert quality.targets == {"outliers": True, "consistency": True, "completeness": False}


def test_of_few_samples_quality_is_not_told(api, patient, ledger):
    send(api, patient, [70] * 20, NIGHT, data_type="heart_rate")
    quality = quality_of(read_series(patient, "heart_rate", start=NIGHT, end=NIGHT + timedelta(hours=4)), since=NIGHT)
    assert isinstance(quality.outliers, Abstained)
    assert isinstance(quality.consistency, Abstained)
    assert quality.targets["outliers"] is None


@pytest.mark.parametrize(
    ("path", "asked"),
    [("", "end=0001-01-01T00:00:00Z"), ("", "start=0001-01-01T00:00:00Z&end=0001-01-05T00:00:00Z"),
     ("", "start=0001-01-02T00:00:00Z"), ("", "start=9999-12-30T00:00:00Z&end=9999-12-31T23:59:59Z"),
     ("/days", "last=0001-01-02"), ("/days", "first=9999-12-31&last=9999-12-31"), ("/days", "first=9999-12-31")],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["heart_rate", "weight", "sleep"])
@pytest.mark.parametrize("zone", ["Pacific/Auckland", "America/New_York"])
def test_a_window_off_the_calendar_is_refused(api, patient, path, asked, kind, zone):
    patient.zone = zone
    patient.save()
    answer = api.get(f"/api/v1/patients/{patient.pk}/biometrics/{kind}{path}?{asked}")
    assert answer.status_code == 400, answer.content


@pytest.mark.parametrize(
    ("kind", "data"),
    [("weight", lambda at: {"kg": 70}), ("sleep", lambda at: {"end": (at + timedelta(minutes=1)).isoformat()})],
)
def test_readings_come_in_pages_that_split_no_moment(api, patient, monkeypatch, kind, data):
    moments = [NIGHT + timedelta(minutes=2 * k) for k in range(5)]
    lines = [
        {"patient_id": str(patient.pk), "data_type": kind, "timestamp": at.isoformat(), "source": source,
         "source_device_id": source, "data": data(at)}
        for at in moments for source in ("watch", "phone")
    ]  # fmt: skip
    assert api.post("/api/v1/biometric-events", json.dumps(lines), content_type="application/json").status_code == 201
    address = f"/api/v1/patients/{patient.pk}/biometrics/{kind}"
    whole = api.get(address, {"start": NIGHT.isoformat()}).json()
    assert (len(whole["readings"]), whole["truncated"], whole["next_start"]) == (10, False, None)
    monkeypatch.setattr("actigraphy.stream_api.MOST_ROWS", 5)
    found, start = [], NIGHT.isoformat()
    while start is not None:
        page = api.get(address, {"start": start}).json()
        assert page["truncated"] is (page["next_start"] is not None)
        assert 0 < len(page["readings"]) <= 5
        found, start = found + page["readings"], page["next_start"]
    assert found == whole["readings"]


def test_the_facts_of_a_patient_are_counted_in_the_database(api, patient, ledger):
    for hour in range(6):
        send(api, patient, [10] * 3, NIGHT + timedelta(hours=hour), source="watch")
        tell(api, patient, NIGHT + timedelta(hours=hour), "worn")
    tell(api, patient, NIGHT - timedelta(hours=1), "worn")
    tell(api, patient, NIGHT - timedelta(hours=2), "off_wrist")
    with CaptureQueriesContext(connection) as queries:
        facts = facts_of(patient)
    assert all("GROUP BY" in query["sql"] for query in queries if "sync" in query["sql"] or "point" in query["sql"])
    assert len(facts.received) == 2  # the watch, and what said that it was worn
    assert max(facts.received.values()) == Sync.objects.latest("created_at").created_at
    (states,) = facts.states.values()
    assert set(states) == {
        (NIGHT + timedelta(hours=5), "worn"), (NIGHT - timedelta(hours=1), "worn"),
        (NIGHT - timedelta(hours=2), "off_wrist"),
    }  # fmt: skip


def reason(patient, day):
    with recorded(actor_label="test", request_id="t"):
        start = clock.midnight(day, patient.tz)
        end = clock.midnight(day + timedelta(days=1), patient.tz)
        series = read_series(patient, "steps", start=NOW - timedelta(days=28), end=NOW)
        sources = {part.source.pk for part in series.parts}
        return reason_for(sources, facts_of(patient), start, end, measured=series.last_before(start))


def received(at):
    Sync.objects.update(created_at=at)


def test_a_gap_says_why(api, patient):
    send(api, patient, [10] * 60, NOW - timedelta(days=20))
    day = date(2026, 3, 20)
    noon = datetime(2026, 3, 20, 11, tzinfo=UTC)
    received(noon)
    assert reason(patient, day) == GapReason.NO_SYNC
    received(NOW)
    assert reason(patient, day) == GapReason.UNKNOWN
    tell(api, patient, noon, "off_wrist")
    assert reason(patient, day) == GapReason.OFF_WRIST
    tell(api, patient, noon + timedelta(hours=1), "worn")
    assert reason(patient, day) == GapReason.UNKNOWN
    tell(api, patient, noon + timedelta(hours=2), "battery_empty")
    assert reason(patient, day) == reason(patient, day + timedelta(days=1)) == GapReason.BATTERY
    assert reason(patient, day - timedelta(days=1)) == GapReason.UNKNOWN
    tell(api, patient, noon - timedelta(days=1), "permission_withdrawn")
    assert reason(patient, day) == GapReason.PERMISSION
    tell(api, patient, noon + timedelta(days=1), "permission_given")
    assert reason(patient, day) == GapReason.PERMISSION
    assert reason(patient, day + timedelta(days=2)) == GapReason.UNKNOWN  # it spoke again, so it had been charged
    tell(api, patient, noon + timedelta(days=2), "battery_empty")
    assert reason(patient, day + timedelta(days=4)) == GapReason.BATTERY
    send(api, patient, [10] * 60, noon + timedelta(days=3))
    assert reason(patient, day) == GapReason.PERMISSION
    assert reason(patient, day + timedelta(days=4)) == GapReason.UNKNOWN  # and it measured again


def of_a_device(client, patient, start):
    token = enrol(patient=patient, kind=DeviceKind.WEARABLE)
    send(client, patient, [10] * 60, start, headers={"Authorization": f"Bearer {token}"})
    return Grant.objects.get(reason=Grant.Reason.DEVICE, content_object=patient).user


def test_after_a_device_was_ended_the_study_has_ended(client, patient, monkeypatch):
    device = of_a_device(client, patient, NOW - timedelta(days=20))
    monkeypatch.setattr(clock, "now", lambda: NOW - timedelta(days=10))
    monkeypatch.setattr("novamind.accounts.models.tokens.now", lambda: NOW - timedelta(days=10))
    revoke(patient=patient, device_id=device.pk)
    monkeypatch.setattr(clock, "now", lambda: NOW)
    assert reason(patient, (NOW - timedelta(days=8)).date()) == GapReason.STUDY_ENDED
    assert reason(patient, (NOW - timedelta(days=12)).date()) != GapReason.STUDY_ENDED


def test_the_pages_show_coverage_reasons_and_parts(api, patient):
    send(api, patient, [10] * 1440, NIGHT - timedelta(days=8), source="watch", source_device_id="W")
    send(api, patient, [4] * 1440, NIGHT - timedelta(days=8), source="phone", source_device_id="P")
    send(api, patient, [10] * 1440, NIGHT, source="watch", source_device_id="W")
    received(NIGHT - timedelta(days=2))
    page = api.get(f"/patients/{patient.pk}/data/")
    assert page.status_code == 200
    text = " ".join(page.content.decode().split())
    assert "nothing received since" in text
    assert "misses its aim" in text
    days = " ".join(api.get(f"/patients/{patient.pk}/data/steps/").content.decode().split())
    assert "Watch, then Phone" in days
    assert "left out" in days
    assert "why this total?" in days
    assert api.get(f"/patients/{patient.pk}/data/weight/").status_code == 404


def column_of(patient, label):
    with recorded(actor_label="test", request_id="t"):
        return next((one for one in coverage_context(patient)["columns"] if one["label"] == label), None)


def completeness_of(column):
    return next(one["shown"] for one in column["measures"] if one["name"] == "completeness")


def test_a_channel_that_was_held_before_the_window_counts_from_its_first_day(api, patient):
    beats = {"data_type": "heart_rate", "source": "watch"}
    for back in (40, *range(14)):
        send(api, patient, [70] * 1440, NIGHT - timedelta(days=back), **beats)
    column = column_of(patient, "Heart rate")
    assert len(column["cells"]) == 28
    assert completeness_of(column).value == pytest.approx(100 * 14 / 28, abs=2.5)
    assert column["cells"][date(2026, 3, 5)]["reason"] == "received, but little or nothing of this kind"


def test_a_channel_that_began_in_the_window_counts_from_its_first_day(api, patient):
    send(api, patient, [70] * 720, NIGHT - timedelta(days=3, hours=-12), data_type="heart_rate", source="watch")
    for back in range(3):
        send(api, patient, [70] * 1440, NIGHT - timedelta(days=back), data_type="heart_rate", source="watch")
    column = column_of(patient, "Heart rate")
    assert list(column["cells"]) == [date(2026, 3, day) for day in (26, 27, 28, 29, 30)]
    assert (
        60 < completeness_of(column).value < 85
    )  # noon of the 26th to midnight of the 29th, of until noon of the 30th


def test_a_channel_without_a_day_in_the_window_keeps_its_column_and_says_why(api, patient):
    tell(api, patient, NOW - timedelta(days=41), "battery_empty")  # over: it measured after that
    send(api, patient, [70] * 60, NOW - timedelta(days=40), data_type="heart_rate")
    received(NOW - timedelta(days=40))
    column = column_of(patient, "Heart rate")
    assert completeness_of(column).value == 0
    assert [cell["reason"] for cell in column["cells"].values()] == 27 * ["nothing received since"] + [""]
    tell(api, patient, NOW - timedelta(days=39), "battery_empty")
    assert {cell["reason"] for cell in column_of(patient, "Heart rate")["cells"].values()} == {"battery empty", ""}


def test_a_channel_that_was_never_sent_has_no_column(api, patient):
    send(api, patient, [40] * 60, NOW - timedelta(days=2), data_type="hrv", key="rmssd_ms")
    assert column_of(patient, "Heart rate variability, RMSSD")
    assert column_of(patient, "Heart rate variability, SDNN") is None


def test_what_was_last_measured_is_told_to_the_second(api, patient, ledger):
    start = datetime(2026, 3, 10, 20, tzinfo=UTC)
    send(api, patient, [70] * 60, start - timedelta(days=3), data_type="heart_rate")
    assert last_measured(patient, "heart_rate", start) == start - timedelta(days=3) + timedelta(minutes=59)
    send(api, patient, [70] * 60, start, data_type="heart_rate")
    assert last_measured(patient, "heart_rate", start) == start - timedelta(days=3) + timedelta(minutes=59)
    assert last_measured(patient, "heart_rate", start + timedelta(minutes=3)) == start + timedelta(minutes=2)
    assert last_measured(patient, "heart_rate", start - timedelta(days=3)) is None


def test_the_page_of_a_patient_without_devices_says_so(api, patient):
    assert "No device has sent anything" in api.get(f"/patients/{patient.pk}/data/").content.decode()


def analyzed(source, **gap):
    """The newest analysis of a source, over the two days around NIGHT."""
    return Analysis.objects.create(
        patient=source.patient, source=source, window_start=NIGHT - timedelta(days=1),
        window_end=NIGHT + timedelta(days=1), zone="UTC", device_type=source.device_type, methods={},
        results={"quality": {"gaps": [gap] if gap else []}}, input_hash=f"{len(gap):064}", code_version="1",
    )  # fmt: skip


def test_only_the_newest_analysis_of_a_recording_says_when_it_was_worn(patient):
    source = Source.objects.create(patient=patient, kind="recording", device_type="actiwatch")
    start = NIGHT - timedelta(hours=23)
    Signal.objects.create(
        patient=patient, source=source, channel="activity", day=NIGHT.date(), start=start, epoch_s=60,
        samples=pack(np.arange(1440, dtype=np.float32)), valid=1440,
    )  # fmt: skip

    def day():
        series = read_series(patient, "activity", start=start, end=start + timedelta(days=1))
        return days_of(series, "UTC", NIGHT.date(), NIGHT.date())[0]

    assert day().value == Abstained("not_known_worn")
    at = {"start": (start + timedelta(hours=1)).isoformat(), "end": (start + timedelta(hours=23)).isoformat()}
    analyzed(source, reason="non_wear", **at)
    assert (day().value, day().n, day().high) == (np.r_[0:60, 1380:1440].mean(), 120, 1439)
    analyzed(source)
    assert (day().value, day().n) == (719.5, 1440)


@pytest.mark.parametrize(("epoch_s", "counts"), [(15, 3.0), (60, 12.0), (300, 60.0)])
def test_movement_of_an_uploaded_recording_is_told_per_minute_whatever_its_epoch(epoch_s, counts, patient):
    source = Source.objects.create(patient=patient, kind="recording", device_type="actiwatch")
    block = np.full(86_400 // epoch_s, counts, dtype=np.float32)
    Signal.objects.create(
        patient=patient, source=source, channel="activity", day=NIGHT.date(), start=NIGHT - timedelta(hours=23),
        epoch_s=epoch_s, samples=pack(block), valid=len(block),
    )  # fmt: skip
    analyzed(source)
    series = read_series(patient, "activity", start=NIGHT - timedelta(hours=23), end=NIGHT + timedelta(hours=1))
    day, *_ = days_of(series, "UTC", NIGHT.date(), NIGHT.date())
    assert (series.spec.unit, day.value) == ("counts/min", 12.0)
