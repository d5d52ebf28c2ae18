"""Activity that streams in is analyzed like an uploaded recording, and exactly where it has changed."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from actigraphy.analysis import analyze
from actigraphy.models import Analysis, Night, Recording, Signal, Sync
from actigraphy.services import read_stored
from actigraphy.streams.reading import days_of, read_series
from actigraphy.streams.stretches import stretches_of, window_of
from novamind import clock
from novamind.audit.recording import recorded
from novamind.jobs.models import Job
from novamind.jobs.runner import run_waiting
from novamind.measures import Abstained
from novamind.simulator import Persona, simulate
from patients.consent import record_consent

URL = "/api/v1/biometric-events"
OSLO = "Europe/Oslo"


@pytest.fixture
def api(signed_in, psychiatrist):
    return signed_in(psychiatrist)


@pytest.fixture
def lived():
    """Ten simulated days, counts by the minute from a UTC midnight on."""
    person = simulate(Persona.draw(5), start=date(2025, 3, 3), days=10)
    return np.nan_to_num(person.counts.astype(float))[: 9 * 1440]


START = datetime(2025, 3, 4, tzinfo=UTC)


def send(api, patient, counts, start=START):
    days = [
        {"patient_id": str(patient.pk), "data_type": "activity", "start": (start + timedelta(days=k)).isoformat(),
         "epoch_s": 60, "values": counts[1440 * k : 1440 * (k + 1)].round().tolist()}
        for k in range(-(-len(counts) // 1440))
    ]  # fmt: skip
    for at in range(0, len(days), 6):
        answer = api.post(URL, json.dumps(days[at : at + 6]), content_type="application/json")
        assert answer.status_code == 201, answer.content
    return answer.json()


def test_the_numbers_are_those_of_the_same_counts_in_a_file(api, patient, lived):
    send(api, patient, lived)
    run_waiting()
    recording = Recording.objects.select_related("source").get()
    assert (recording.state, recording.format, recording.source.device_type) == ("analyzed", "stream", "generic_wrist")
    with recorded(actor_label="test", request_id="t"):
        read = read_stored(recording)
    assert np.array_equal(read.activity, lived.round().astype(np.float32))
    expected = analyze(read, device_type="generic_wrist").rest
    nights = Night.objects.filter(analysis__source=recording.source)
    assert {night.date for night in nights} == {night.evening for night in expected.nights}
    assert [night.tst_min for night in nights if night.tst_min is not None]
    assert set(Signal.objects.values_list("source", flat=True)) == {recording.source.stream_id}  # kept once


def test_the_page_shows_a_stretch_like_any_recording(api, patient, lived):
    send(api, patient, lived)
    run_waiting()
    page = api.get(f"/patients/{patient.pk}/actigraphy/")
    assert page.status_code == 200
    assert b"sent by a device" in page.content
    analysis = Analysis.objects.get()
    assert b"Sent by" in api.get(f"/provenance/{analysis.pk}/?number=rhythm.l5").content


def test_a_batch_queues_the_stretch_that_it_changed_and_no_other(api, patient, lived):
    send(api, patient, lived)
    other = START + timedelta(days=112)
    send(api, patient, lived, start=other)
    run_waiting()
    assert Recording.objects.count() == 2
    before = {one.pk: one.source_id for one in Analysis.objects.all()}
    said = send(api, patient, lived[:1440], start=other + timedelta(days=9))
    assert said["days"] == {"activity": [(other + timedelta(days=9)).date().isoformat()]}
    run_waiting()
    new = Analysis.objects.exclude(pk__in=before)
    later = Recording.objects.order_by("start").last()
    assert [one.source_id for one in new] == [later.source_id]
    assert later.end == other + timedelta(days=10)
    done = Job.objects.filter(kind="actigraphy.analyze").count()
    said = send(api, patient, lived[:1440], start=other + timedelta(days=9))
    run_waiting()
    assert said["days"] == {}
    assert Job.objects.filter(kind="actigraphy.analyze").count() == done


def night_rows():
    newest = Analysis.objects.order_by("created_at").last()
    with recorded(actor_label="test", request_id="t"):
        rows = Night.objects.filter(analysis=newest).values()
        return {row["date"]: {key: row[key] for key in row if key not in {"id", "analysis_id"}} for row in rows}


def test_a_day_that_comes_late_changes_no_night_it_does_not_reach(api, patient):
    """Rest and wear look at the noons around a night and at the day before and after; the stretch is analyzed anew."""
    person = simulate(Persona.draw(5), start=date(2025, 3, 3), days=22)
    counts, late = np.nan_to_num(person.counts.astype(float))[: 21 * 1440], 10
    days = [START + timedelta(days=16 + k) for k in range(21)]  # within one stretch
    send(api, patient, counts[: late * 1440], start=days[0])
    send(api, patient, counts[(late + 1) * 1440 :], start=days[late + 1])
    run_waiting()
    first = night_rows()
    send(api, patient, counts[late * 1440 : (late + 1) * 1440], start=days[late])
    run_waiting()
    second, missed = night_rows(), days[late].date()
    far = [evening for evening in first if not -3 <= (evening - missed).days <= 2]
    assert len(far) == 16
    assert {evening: second[evening] for evening in far} == {evening: first[evening] for evening in far}
    assert second[missed] != first.get(missed)


def test_what_is_no_activity_analyzes_nothing(api, patient):
    body = {"patient_id": str(patient.pk), "data_type": "heart_rate", "start": START.isoformat(), "epoch_s": 60,
            "values": [70] * 1440}  # fmt: skip
    assert api.post(URL, json.dumps(body), content_type="application/json").status_code == 201
    run_waiting()
    assert not Recording.objects.exists()
    assert Job.objects.get(kind__startswith="actigraphy.").kind == "actigraphy.analyze_synced"


def test_without_consent_nothing_is_analyzed_and_with_it_again_everything_is(api, patient, lived):
    send(api, patient, lived)
    record_consent(patient=patient, purpose="treatment", stream="actigraphy", given=False, how="spoken", by=None)
    run_waiting()
    assert not Analysis.objects.exists()
    record_consent(patient=patient, purpose="treatment", stream="actigraphy", given=True, how="spoken", by=None)
    run_waiting()
    assert Analysis.objects.exists()
    assert Sync.objects.exists()


def test_stretches_lie_end_to_end_and_cut_no_night():
    for zone in (OSLO, "America/New_York", "Pacific/Apia"):
        assert window_of(357, zone)[1] == window_of(358, zone)[0]
        start, end = window_of(358, zone)
        assert stretches_of([start.date() + timedelta(days=3), end.date() - timedelta(days=3)], zone) == [358]
        assert stretches_of([end.date()], zone)[0] in (358, 359)
    assert stretches_of([window_of(358, OSLO)[0].date()], OSLO) == [357, 358]


def on(patient, day, channel="activity"):
    """The local day of a channel, as every model reads it."""
    start = datetime.combine(day, datetime.min.time(), UTC)
    with recorded(actor_label="test", request_id="t"):
        return days_of(read_series(patient, channel, start=start, end=start + timedelta(days=1)), "UTC", day, day)[0]


def test_an_unworn_watch_is_no_still_day(api, patient, lived):
    lived[4 * 1440 : 5 * 1440] = 0  # all of 8 March on a table
    lived[6 * 1440 : 6 * 1440 + 600] = 0
    send(api, patient, lived)
    before = on(patient, date(2025, 3, 6))
    assert (before.value, before.coverage, before.worn) == (Abstained("not_known_worn"), 1.0, 0.0)
    run_waiting()
    lying, cut, usual = (on(patient, date(2025, 3, day)) for day in (8, 10, 6))
    assert (lying.value, lying.coverage, lying.worn) == (Abstained("not_known_worn"), 1.0, 0.0)
    assert (lying.low, lying.n, lying.shares[0].unworn, lying.shares[0].alone) == (None, 0, 1440, lying.value)
    gaps = Analysis.objects.get().results["quality"]["gaps"]
    assert {gap["reason"] for gap in gaps} == {"non_wear"}
    assert 0.5 < cut.worn < 0.7
    rest = lived[6 * 1440 + 600 : 7 * 1440].round()
    assert cut.value == pytest.approx(rest.mean(), rel=0.1)  # and not of the whole day, two thirds of it
    assert usual.value == pytest.approx(lived[2 * 1440 : 3 * 1440].round().mean(), abs=0.1)


def test_the_page_and_the_api_say_how_long_it_was_worn(api, patient, lived, monkeypatch):
    patient.zone = "UTC"
    patient.save()
    lived[4 * 1440 : 5 * 1440] = 0
    send(api, patient, lived)
    run_waiting()
    monkeypatch.setattr(clock, "now", lambda: START + timedelta(days=9))
    url = f"/api/v1/patients/{patient.pk}/biometrics/activity/days?first=2025-03-08&last=2025-03-08"
    day = next(iter(api.get(url).json()["keys"].values()))["days"][0]
    assert (day["value"], day["worn"], day["coverage"]) == (None, 0.0, 1.0)
    assert day["abstentions"]["value"]["reason"] == "the device is not known to have been worn"
    assert (day["sources"][0]["unworn"], day["sources"][0]["alone"]) == (1440, None)
    page = api.get(f"/patients/{patient.pk}/data/activity/").content.decode()
    assert "the device is not known to have been worn" in page
    assert "100\u202f%, worn 0" in page or "100&nbsp;%, worn 0&nbsp;%" in page
    assert "worn 0 %" in api.get(f"/patients/{patient.pk}/data/").content.decode()


def of_device(patient, name, data_type, values, day):
    return {
        "patient_id": str(patient.pk), "data_type": data_type, "start": (START + timedelta(days=day)).isoformat(),
        "epoch_s": 60, "values": values.round().tolist(), "source": name, "source_device_id": name,
    }  # fmt: skip


def send_days(api, days):
    for at in range(0, len(days), 5):
        assert api.post(URL, json.dumps(days[at : at + 5]), content_type="application/json").status_code == 201


def test_steps_of_a_watch_follow_its_wear_and_those_of_a_phone_count_as_they_came(api, patient, lived):
    lived[4 * 1440 : 5 * 1440] = 0
    send_days(api, [of_device(patient, "watch", "activity", lived[1440 * k : 1440 * (k + 1)], k) for k in range(9)])
    send_days(api, [of_device(patient, "watch", "steps", np.zeros(1440), day) for day in (4, 5)])
    run_waiting()
    assert on(patient, date(2025, 3, 8), "steps").value == Abstained("not_known_worn")
    assert on(patient, date(2025, 3, 9), "steps").value == 0
    send_days(api, [of_device(patient, "phone", "steps", np.ones(1440), 4)])
    assert on(patient, date(2025, 3, 8), "steps").value == 1440


def test_where_the_preferred_watch_lay_on_a_table_the_other_one_counts(api, patient, lived):
    idle = lived.copy()
    idle[4 * 1440 : 5 * 1440] = 0
    for name, counts in (("watch", idle), ("band", lived * 2)):
        days = [of_device(patient, name, "activity", counts[1440 * k : 1440 * (k + 1)], k) for k in range(9)]
        send_days(api, days)
    run_waiting()
    labels = {day: [share.label for share in on(patient, date(2025, 3, day)).shares if share.kept] for day in (6, 8)}
    assert labels == {6: ["Watch"], 8: ["Chest or arm band"]}
