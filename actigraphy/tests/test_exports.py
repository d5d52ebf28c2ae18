"""An export of a wearable is uploaded, read on a worker and kept as events: once, under consent, or not at all."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client

from actigraphy.days import opened
from actigraphy.exports import EXPORTS, storing
from actigraphy.models import Export, PointReading, Recording, Signal, SleepSession, Source, Sync
from actigraphy.pages.exports import FILES
from actigraphy.streams.silence import raise_silent
from actigraphy.tests.export_files import health, record, sleep, zipped
from actigraphy.tests.test_readers_fitbit import ALL as FITBIT
from novamind import clock
from novamind.audit.models import AuditEvent
from novamind.audit.recording import recorded
from novamind.jobs.models import Job
from novamind.jobs.runner import run_waiting
from patients.consent import record_consent
from patients.devices import DeviceKind, enrol
from patients.models import Alert
from patients.services import join_team

UPLOAD = "/api/v1/actigraphy/upload"
NINE, LATER = "2026-02-03 09:00:00 +0100", "2026-05-09 09:00:00 +0200"
FIRST = (
    record("HeartRate", 61, NINE),
    record("HeartRate", 64, LATER),
    record("StepCount", 120, NINE, "2026-02-03 09:05:00 +0100", "count"),
    record("OxygenSaturation", 0.97, NINE, "", "%"),
    record("BodyMass", 70.5, NINE, "", "kg"),
    record("ActiveEnergyBurned", 5, NINE, "", "kcal"),
    sleep("AsleepCore", "2026-02-03 23:00:00 +0100", "2026-02-04 06:00:00 +0100"),
)
MORE = record("HeartRate", 70, "2026-05-10 09:00:00 +0200")


@pytest.fixture
def ledger():
    with recorded(actor_label="test", request_id="t") as ledger:
        yield ledger


@pytest.fixture
def api(signed_in, psychiatrist):
    return signed_in(psychiatrist)


def send(client: Any, patient: Any, content: bytes, name: str = "export.zip") -> Any:
    return client.post(UPLOAD, {"file": SimpleUploadedFile(name, content), "patient_id": str(patient.pk)})


def decide(patient: Any, by: Any, stream: str, *, given: bool) -> None:
    record_consent(patient=patient, purpose="treatment", stream=stream, given=given, how="written", by=by)


def rows() -> Any:
    """Everything that is kept of what was measured, whichever ids it has."""
    return (
        sorted((str(one.source_id), one.channel, opened(one).at_s.tolist(), opened(one).values.tolist())
               for one in Signal.objects.all()),
        sorted((str(one.source_id), one.data_type, one.at, str(one.values)) for one in PointReading.objects.all()),
        sorted((str(one.source_id), one.start, one.end, str(one.stages)) for one in SleepSession.objects.all()),
    )  # fmt: skip


def stored_files(settings: Any) -> list[Path]:
    folder = Path(settings.STORAGES["default"]["OPTIONS"]["location"])
    return [path for path in folder.rglob("*") if path.is_file()]


def test_an_export_is_201_then_read_and_kept_as_events(api, patient):
    answer = send(api, patient, zipped(health(*FIRST)))
    assert (answer.status_code, answer.json()["status"]) == (201, "pending")
    run_waiting()
    body = api.get(answer.json()["status_url"]).json()
    assert (body["status"], body["detail"]) == ("stored", None)
    assert body["kept"] == {"steps": 5, "heart_rate": 2, "spo2": 1, "weight": 1, "sleep": 1}
    assert body["left_out"] == [{"data_type": "other", "reason": "not_kept_here", "n": 1}]
    steps = Signal.objects.get(channel="steps")
    assert opened(steps).values.tolist() == [24] * 5
    assert PointReading.objects.get().values == {"kg": 70.5}
    assert SleepSession.objects.get().stages == [["light", 0, 7 * 3600]]
    assert not Recording.objects.exists()


def test_the_page_takes_the_same_file_and_shows_what_became_of_it(client, psychiatrist, patient):
    client.force_login(psychiatrist)
    page = f"/patients/{patient.pk}/actigraphy/upload/"
    assert b"Apple Health export" in client.get(page).content
    answer = client.post(page, {"file": SimpleUploadedFile("export.xml", health(*FIRST))})
    assert answer.headers["Location"] == f"/patients/{patient.pk}/data/"
    assert b"waiting to be read" in client.get(answer.headers["Location"]).content
    run_waiting()
    shown = client.get(answer.headers["Location"]).content.decode()
    assert "Steps 5 · Heart rate 2 · " in shown  # in the order of the catalogue
    assert "Others: 1 of a kind that is not kept here" in shown
    assert "Nights, the twin and insights do not use it" in shown


def test_an_archive_of_fitbit_is_kept_on_the_wall_clock_of_the_patients_zone(api, patient):
    patient.zone = "America/New_York"
    patient.save(update_fields=["zone"])
    answer = send(api, patient, FITBIT, "takeout.zip")
    assert (answer.status_code, answer.json()["format"]) == (201, "fitbit")
    run_waiting()
    assert api.get(answer.json()["status_url"]).json()["kept"] == {
        "steps": 2, "heart_rate": 2, "hrv": 1, "spo2": 1, "respiratory_rate": 1, "sleep": 1,
    }  # fmt: skip
    assert SleepSession.objects.get().start == datetime(2026, 2, 2, 4, 10, 30, tzinfo=UTC)


def test_each_kind_of_export_is_named_on_the_page_where_it_is_sent(client, psychiatrist, patient):
    client.force_login(psychiatrist)
    shown = client.get(f"/patients/{patient.pk}/actigraphy/upload/").content.decode()
    assert FILES.keys() == EXPORTS.keys()
    assert all(name in shown for name, _ in FILES.values())


def test_the_same_file_twice_and_at_once_as_zip_leaves_the_same_rows(api, patient):
    content = zipped(health(*FIRST))
    first, again = send(api, patient, content), send(api, patient, content)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["export_id"] == again.json()["export_id"]
    run_waiting()
    before = rows()
    assert send(api, patient, health(*FIRST)).status_code == 201  # unpacked: another file, the same events
    run_waiting()
    assert rows() == before
    assert Source.objects.count() == 1


def test_a_later_export_adds_what_is_new_whoever_uploads_it(api, signed_in, make_user, team, patient):
    send(api, patient, health(*FIRST))
    run_waiting()
    colleague = make_user("colleague@clinic.test", "psychiatrist")
    join_team(team=team, user=colleague)
    assert send(signed_in(colleague), patient, health(*FIRST, MORE)).status_code == 201
    run_waiting()
    assert Source.objects.count() == 1
    values = np.concatenate([opened(one).values for one in Signal.objects.filter(channel="heart_rate").order_by("day")])
    assert values.tolist() == [61, 64, 70]
    newest = Export.objects.order_by("-created_at").first()
    assert sum(sync.stored for sync in newest.syncs.all()) == 1
    assert sum(sync.conflicts for sync in newest.syncs.all()) == 0


def test_no_piece_spans_more_days_than_a_device_may_send(api, patient):
    send(api, patient, health(*FIRST))
    run_waiting()
    days = [sorted(day for kinds in sync.days.values() for them in kinds.values() for day in them)
            for sync in Sync.objects.all()]  # fmt: skip
    assert len(days) == 2


def test_what_cannot_be_read_says_so_and_leaves_nothing_behind(
    api, patient, settings, django_capture_on_commit_callbacks
):
    answer = send(api, patient, health(*FIRST)[:-20])
    with django_capture_on_commit_callbacks(execute=True):
        run_waiting()
    body = api.get(answer.json()["status_url"]).json()
    assert (body["status"], body["detail"]) == (
        "failed", "The export is damaged, or stops too early. Export it again, and send it as it comes.",
    )  # fmt: skip
    assert rows() == ([], [], [])
    assert not Source.objects.exists()
    assert not Sync.objects.exists()
    assert stored_files(settings) == []
    export = Export.objects.get()
    assert (export.storage_name, bytes(export.file_key)) == ("", b"")


def test_an_export_that_failed_may_be_sent_again(api, patient):
    content = health(record("ActiveEnergyBurned", 5, NINE, "", "kcal"))
    first = send(api, patient, content)
    run_waiting()
    assert Export.objects.get().error_code == "nothing_kept"
    again = send(api, patient, content)
    assert (again.status_code, again.json()["export_id"]) == (201, first.json()["export_id"])
    assert again.json()["status"] == "pending"


@pytest.mark.parametrize("rest", ["quarantined", "failed"])
def test_an_export_whose_job_came_to_nothing_may_be_sent_again(
    api, patient, settings, django_capture_on_commit_callbacks, rest
):
    content = health(*FIRST)
    send(api, patient, content)
    assert send(api, patient, content).status_code == 200  # it waits
    Job.objects.update(state=rest, attempts=3)
    with django_capture_on_commit_callbacks(execute=True):
        again = send(api, patient, content)
    assert (again.status_code, again.json()["status"]) == (201, "pending")
    assert [path.name for path in stored_files(settings)] == [Path(Export.objects.get().storage_name).name]
    assert send(api, patient, content).status_code == 200  # it waits again
    run_waiting()
    assert Export.objects.get().state == "stored"


def test_a_failed_file_sent_again_by_many_at_once_is_stored_once(transactional_db, patient, psychiatrist, settings):
    if connection.vendor == "sqlite":
        pytest.skip("SQLite's test database lives in shared memory, where writers fail instead of waiting")
    client = Client()
    client.force_login(psychiatrist)
    send(client, patient, health(*FIRST))
    Export.objects.update(state="failed", error_code="consent_withheld")
    statuses, start = [], threading.Barrier(4)

    def again() -> None:
        client = Client(raise_request_exception=False)
        client.force_login(psychiatrist)
        start.wait(60)
        statuses.append(send(client, patient, health(*FIRST)).status_code)
        connection.close()

    threads = [threading.Thread(target=again) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200, 200, 200, 201]
    assert [path.name for path in stored_files(settings)] == [Path(Export.objects.get().storage_name).name]


def test_an_error_while_events_are_kept_keeps_none(api, patient, monkeypatch):
    send(api, patient, health(*FIRST))
    true, n = storing.store_batch, []

    def second_fails(**fields: Any) -> Any:
        n.append(1)
        if len(n) == 2:
            raise OSError("the database is away")
        return true(**fields)

    monkeypatch.setattr(storing, "store_batch", second_fails)
    run_waiting()
    assert len(n) == 2
    assert rows() == ([], [], [])
    assert Export.objects.get().state == "pending"


def test_what_the_patient_does_not_allow_is_left_out_and_read_once_they_do(api, patient, psychiatrist, ledger):
    decide(patient, psychiatrist, "heart", given=False)
    answer = send(api, patient, health(*FIRST))
    run_waiting()
    assert not Signal.objects.filter(channel="heart_rate").exists()
    body = api.get(answer.json()["status_url"]).json()
    assert body["left_out"][0] == {"data_type": "heart_rate", "reason": "not_allowed", "n": 2}
    decide(patient, psychiatrist, "heart", given=True)
    run_waiting()
    assert Signal.objects.filter(channel="heart_rate").count() == 2
    assert "heart_rate" in api.get(answer.json()["status_url"]).json()["kept"]


def test_without_consent_nothing_is_taken_and_what_waits_is_not_read(api, patient, psychiatrist, ledger):
    send(api, patient, health(*FIRST))
    decide(patient, psychiatrist, "actigraphy", given=False)
    run_waiting()
    assert (Export.objects.get().error_code, rows()) == ("consent_withheld", ([], [], []))
    refused = send(api, patient, health(*FIRST, MORE))
    assert (refused.status_code, refused.json()["code"]) == (403, "consent_withheld")
    decide(patient, psychiatrist, "actigraphy", given=True)
    run_waiting()
    assert Export.objects.get().state == "stored"


def test_what_was_before_the_patients_birth_is_left_out(api, patient):
    born = f"{patient.date_of_birth.year - 1}-01-01 09:00:00 +0100"
    send(api, patient, health(*FIRST, record("BodyMass", 60, born, "", "kg")))
    run_waiting()
    assert ["weight", "before_birth", 1] in Export.objects.get().left_out


def test_a_device_may_send_an_export_and_is_told_its_id_alone(patient, ledger, client):
    token = enrol(patient=patient, kind=DeviceKind.WEARABLE)
    upload = {"file": SimpleUploadedFile("export.xml", health(*FIRST)), "patient_id": str(patient.pk)}
    answer = client.post(UPLOAD, upload, headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, list(answer.json())) == (201, ["export_id"])


def test_nobody_is_alerted_that_a_file_sends_no_more(api, patient, monkeypatch, ledger):
    send(api, patient, health(*FIRST))
    run_waiting()
    later = clock.now() + timedelta(days=5)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert raise_silent() == 0
    assert not Alert.objects.exists()


def test_the_name_of_a_device_and_of_the_file_are_not_in_the_clear(api, patient):
    send(api, patient, health(*FIRST), name="ZQX-FILE-7781.zip")
    run_waiting()
    assert Source.objects.get().device_serial == "Ada's Apple Watch"
    with connection.cursor() as cursor:
        for table in ("actigraphy_source", "actigraphy_export", "actigraphy_sync", "jobs_job"):
            cursor.execute(f"SELECT * FROM {table}")
            said = str(cursor.fetchall())
            assert "Apple Watch" not in said
            assert "7781" not in said


def test_the_upload_and_the_reading_are_on_record(api, patient):
    answer = send(api, patient, health(*FIRST))
    event = AuditEvent.objects.get(object_label="actigraphy.Export")
    assert (event.event_type, event.object_id) == ("DATA_COLLECTION", answer.json()["export_id"])
    run_waiting()
    read = AuditEvent.objects.get(action="actigraphy.read_export")
    assert [row.patient_id for row in read.patients.all()] == [patient.pk]
    assert Job.objects.filter(kind="actigraphy.read_export").count() == 1
