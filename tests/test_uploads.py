"""Uploads from somebody who means harm, by page and by API."""

from __future__ import annotations

import io
import json
import re
import threading
import uuid
import zipfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.client import BOUNDARY, MULTIPART_CONTENT, FakePayload, encode_multipart

from actigraphy.models import Recording, Signal, Source
from actigraphy.readers.reading import SENTENCES
from actigraphy.services import read_stored
from actigraphy.tests.recording_files import agd, awd, depresjon, minutes
from novamind.audit.models import AuditEvent
from novamind.jobs.models import Job
from novamind.phi.models import DataKey

API = "/api/v1/actigraphy/upload"
DAY = minutes("2024-01-08T12:00:00", 1440)
GOOD = depresjon(DAY, [(at * 37) % 400 for at in range(1440)])


@pytest.fixture(params=["page", "api"])
def road(request: pytest.FixtureRequest, patient: Any, psychiatrist: Any, client: Any) -> Any:
    """One of the two ways to send a file: ``road(content, name, **fields)``."""
    client.force_login(psychiatrist)
    client.raise_request_exception = False

    def send(content: bytes, name: str = "week.csv", to: Any = None, by: Client = client, **fields: Any) -> Any:
        to = patient.pk if to is None else to
        file = SimpleUploadedFile("placeholder", content)
        file._name = name  # past Django's own cleaning, as a hostile client would
        data = {"file": file} | fields
        if request.param == "page":
            return by.post(f"/patients/{to}/actigraphy/upload/", data)
        return by.post(API, data | {"patient_id": str(to)})

    send.kind = request.param
    return send


def stored_files(settings: Any) -> list[Path]:
    folder = Path(settings.STORAGES["default"]["OPTIONS"]["location"])
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.fixture
def nothing_left(settings: Any, patient: Any) -> Any:
    """Says that a refused file left nothing behind but the record of its refusal."""
    keys = set(DataKey.objects.values_list("number", flat=True))

    def check() -> None:
        assert stored_files(settings) == []
        assert not Recording.objects.exists()
        assert not Source.objects.exists()
        assert not Signal.objects.exists()
        assert not Job.objects.exists()
        assert set(DataKey.objects.values_list("number", flat=True)) == keys
        assert AuditEvent.objects.filter(method="POST", outcome="refused").count() == 1

    return check


def zipped(content: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("week.csv", content)
    return target.getvalue()


TWICE = depresjon([*DAY[:700], *DAY[690:]], range(1450))
GAP = depresjon([*DAY[:700], *(at + timedelta(days=3653) for at in DAY[700:])])
HOSTILE = {
    "empty": ("invalid", b""),
    "one byte": ("not_text", b"\x00"),
    "truncated database": ("damaged_database", agd(DAY, range(1440))[:2000]),
    "a header alone": ("too_short", GOOD[:23]),
    "binary": ("not_text", bytes(range(256)) * 40),
    "a picture": ("not_text", b"\x89PNG\r\n\x1a\n" + bytes(1000)),
    "a zip": ("archive_refused", zipped(GOOD)),
    "a program": ("not_text", b"MZ" + bytes(2000)),
    "nan counts": ("no_values", depresjon(DAY, ["nan"] * 1440)),
    "negative counts": ("negative_counts", depresjon(DAY, [-5] * 1440)),
    "endless counts": ("not_a_number", depresjon(DAY, ["inf"] * 1440)),
    "huge counts": ("wrong_columns", depresjon(DAY, ["9" * 400] * 1440)),
    "a ten-year gap": ("gap_too_long", GAP),
    "times that come twice": ("unordered_timestamps", TWICE),
    "the future": ("impossible_date", depresjon(minutes("2999-01-01T00:00:00", 1440))),
    "no times": ("no_timestamps", depresjon(["not a time at all"] * 100)),
    "html": ("unknown_format", b"<html><script>alert(1)</script></html>" * 100),
    "a long line": ("line_too_long", b"timestamp,date,activity\n" + b"1" * 200_000),
    "nul in a table": ("not_text", GOOD.replace(b",37\n", b",\x0037\n")),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_with_its_own_sentence_and_leaves_nothing(road, nothing_left, name):
    code, content = HOSTILE[name]
    # A sentence up to its first number; Django's form field says the first one itself.
    sentence = "The submitted file is empty." if code == "invalid" else SENTENCES[code].split("{")[0]
    answer = road(content)
    text = answer.content.decode()
    if road.kind == "api":
        said = answer.json()
        text = said["detail"] + json.dumps(said.get("fields", ""))
        assert (answer.status_code, said["code"]) == (400, code)
    else:
        assert answer.status_code == 422
    assert sentence in text
    assert "Traceback" not in text
    nothing_left()


NAMES = [
    "../../etc/passwd",
    "..\\..\\windows\\system32\\week.csv",
    "/etc/cron.d/week.csv",
    "n" * 300 + ".csv",
    "wöche \u202egpj.exe 睡眠 😴.csv",
    "week\x00.csv",
    "<script>alert(1)</script>.csv",
    "%2e%2e%2fweek.csv",
    "CON",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_hostile_file_name_is_kept_harmless_or_refused(road, settings, patient, name):
    answer = road(GOOD, name)
    assert answer.status_code < 500
    for path in stored_files(settings):
        assert path.parent.name == "sealed"
        assert len(path.name) == 32
    for recording in Recording.objects.all():
        assert len(recording.file_name) <= 255
        assert not set(recording.file_name) & {"/", "\\", "\x00"}
    assert Recording.objects.count() == (1 if answer.status_code < 400 else 0)


def test_a_good_file_is_stored_sealed_and_read_again(road, settings, patient):
    answer = road(GOOD, "ZQX-FILE-7781.csv")
    assert answer.status_code in {201, 302}, answer.content
    recording = Recording.objects.get()
    (path,) = stored_files(settings)
    raw = path.read_bytes()
    assert b"2024-01-08" not in raw
    assert len(raw) > len(GOOD)
    assert len(read_stored(recording)) == 1440
    assert recording.file_name == "ZQX-FILE-7781.csv"
    assert Job.objects.get().args == {"recording_id": str(recording.pk)}
    event = AuditEvent.objects.get(method="POST")
    assert [row.patient_id for row in event.patients.all()] == [patient.pk]
    assert (event.object_label, event.object_id) == ("actigraphy.Recording", str(recording.pk))


def test_the_same_file_twice_is_one_recording(road, settings):
    first, second = road(GOOD), road(GOOD, "another name.csv")
    assert second.status_code == (302 if road.kind == "page" else 200)
    if road.kind == "page":
        assert first.url == second.url
    else:
        assert first.json()["recording_id"] == second.json()["recording_id"]
    assert (Recording.objects.count(), Source.objects.count(), Job.objects.count()) == (1, 1, 1)
    assert len(stored_files(settings)) == 1


def test_the_same_file_for_two_patients_is_two_recordings(road, make_patient, team):
    other = make_patient(team, first_name="Other", last_name="Person")
    road(GOOD)
    road(GOOD, to=other.pk)
    assert {recording.patient_id for recording in Recording.objects.all()} >= {other.pk}
    assert Recording.objects.count() == 2


@pytest.mark.slow
@pytest.mark.postgres
@pytest.mark.parametrize("kind", ["page", "api"])
def test_two_clients_at_once_make_one_recording(transactional_db, kind, patient, psychiatrist, settings):
    if connection.vendor == "sqlite":
        pytest.skip("SQLite's test database lives in shared memory, where writers fail instead of waiting")
    answers, start = [], threading.Barrier(4)

    def send() -> None:
        client = Client(raise_request_exception=False)
        client.force_login(psychiatrist)
        file = SimpleUploadedFile("week.csv", GOOD)
        start.wait(60)
        if kind == "page":
            answers.append(client.post(f"/patients/{patient.pk}/actigraphy/upload/", {"file": file}).status_code)
        else:
            answers.append(client.post(API, {"file": file, "patient_id": str(patient.pk)}).status_code)
        connection.close()

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == ([302] * 4 if kind == "page" else [200, 200, 200, 201])
    assert (Recording.objects.count(), Source.objects.count(), Job.objects.count()) == (1, 1, 1)
    assert len(stored_files(settings)) == 1


class Unread(FakePayload):
    """A body that must not be read."""

    def read(self, *args: Any, **kwargs: Any) -> bytes:
        raise AssertionError("the body was read")


@pytest.mark.parametrize("path", [API, "/patients/{}/actigraphy/upload/", "/api/v1/patients"])
def test_too_large_is_said_before_the_body_is_read(signed_in, psychiatrist, patient, settings, path):
    client = signed_in(psychiatrist)
    length = settings.UPLOAD_LIMIT_MB * 1024 * 1024 + 70_000
    answer = client.generic(
        "POST", path.format(patient.pk), b"x", MULTIPART_CONTENT, CONTENT_LENGTH=str(length), **{"wsgi.input": Unread()}
    )
    assert answer.status_code == 413
    assert str(settings.UPLOAD_LIMIT_MB) in answer.content.decode()
    if path.startswith("/api/"):
        assert set(answer.json()) == {"code", "detail", "request_id"}
        assert answer.json()["code"] == "too_large"
    assert AuditEvent.objects.get(status_code=413).outcome == "refused"


def test_a_file_over_the_limit_in_a_small_form_is_refused_too(road, settings, nothing_left):
    settings.UPLOAD_LIMIT_MB = 0
    assert 400 <= road(GOOD).status_code < 500
    nothing_left()


def test_a_hidden_patient_is_answered_like_one_that_does_not_exist(road, signed_in, nurse, nothing_left):
    client = signed_in(nurse)
    hidden = road(GOOD, by=client)
    AuditEvent.objects.all().delete()
    unknown = road(GOOD, by=client, to=uuid.uuid4())
    assert hidden.status_code == unknown.status_code == 404
    assert without_ids(hidden) == without_ids(unknown)
    nothing_left()


def without_ids(answer: Any) -> str:
    return re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|[A-Za-z0-9]{64}", "ID", answer.content.decode())


@pytest.mark.parametrize("who", ["researcher", "outsider", "superuser"])
def test_the_wrong_role_is_refused(road, request, signed_in, nothing_left, who):
    answer = road(GOOD, by=signed_in(request.getfixturevalue(who)))
    assert answer.status_code == 403
    nothing_left()


def test_nobody_is_refused(road, nothing_left):
    answer = road(GOOD, by=Client())
    assert answer.status_code == (302 if road.kind == "page" else 401)
    assert not Recording.objects.exists()


BROKEN = {
    "nothing": (b"", MULTIPART_CONTENT),
    "no boundary": (b"x", "multipart/form-data"),
    "an endless boundary": (b"x", "multipart/form-data; boundary=" + "b" * 300),
    "cut off": (encode_multipart(BOUNDARY, {"file": SimpleUploadedFile("a.csv", GOOD)})[:500], MULTIPART_CONTENT),
    "no file": (encode_multipart(BOUNDARY, {"device_type": "actiwatch"}), MULTIPART_CONTENT),
    "a file that is text": (encode_multipart(BOUNDARY, {"file": "text"}), MULTIPART_CONTENT),
    "a thousand fields": (encode_multipart(BOUNDARY, {f"f{n}": "1" for n in range(1500)}), MULTIPART_CONTENT),
    "a long field": (encode_multipart(BOUNDARY, {"columns": "x" * 6_000_000}), MULTIPART_CONTENT),
    "bad base64": (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n'
        f"Content-Transfer-Encoding: base64\r\n\r\n%%%\r\n--{BOUNDARY}--\r\n".encode(),
        MULTIPART_CONTENT,
    ),
    "json": (b'{"file": "x"}', "application/json"),
    "no type": (b"x", ""),
}


@pytest.mark.parametrize("kind", ["page", "api"])
@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_form_is_a_mistake_of_the_sender(client, psychiatrist, patient, nothing_left, kind, name):
    client.force_login(psychiatrist)
    client.raise_request_exception = False
    body, content_type = BROKEN[name]
    path = API if kind == "api" else f"/patients/{patient.pk}/actigraphy/upload/"
    answer = client.generic("POST", path, body, content_type)
    assert 400 <= answer.status_code < 500, answer.content
    if kind == "api":
        assert answer.json()["code"]
    nothing_left()


WRONG_FIELDS: dict[str, dict[str, str]] = {
    "metadata that is no json": {"metadata": "{"},
    "metadata that is a list": {"metadata": "[1]"},
    "metadata nested without end": {"metadata": "[" * 100_000},
    "metadata that is long": {"metadata": json.dumps({"a": "x" * 10_001})},
    "metadata that is nan": {"metadata": '{"a": NaN'},
    "start after end": {"start_time": "2024-01-09T00:00:00Z", "end_time": "2024-01-08T13:00:00Z"},
    "start after the recording": {"start_time": "2025-01-09T00:00:00Z"},
    "end before the recording": {"end_time": "1999-01-09T00:00:00Z"},
    "end of time": {"start_time": "9999-12-31T23:59:59Z"},
    "beginning of time": {"end_time": "0001-01-01T00:00:00+14:00"},
    "a time that is none": {"start_time": "tomorrow"},
    "a device that is none": {"device_type": "' OR 1=1 --"},
    "a device that cannot be": {"device_type": "actigraph", "columns": ""},
    "columns without a time": {"columns": "activity=activity"},
    "columns that are unknown": {"columns": "time=timestamp,activity=activity,__class__=x"},
    "columns that are not there": {"columns": "time=nowhere,activity=activity"},
    "a delimiter that is a word": {"columns": "time=timestamp,activity=activity,delimiter=abc"},
    "a nul": {"columns": "time=\x00,activity=activity"},
}


@pytest.mark.parametrize("name", WRONG_FIELDS)
def test_wrong_fields_are_refused_by_the_api(client, psychiatrist, patient, nothing_left, name):
    client.force_login(psychiatrist)
    client.raise_request_exception = False
    content = awd(range(1440)) if name == "a device that cannot be" else GOOD
    fields = {"file": SimpleUploadedFile("week.csv", content), "patient_id": str(patient.pk)} | WRONG_FIELDS[name]
    answer = client.post(API, fields)
    assert answer.status_code == 400, answer.content
    assert answer.json()["code"]
    nothing_left()


@pytest.mark.parametrize("wrong", ["", "1", "not-a-uuid", "' OR 1=1 --", "\x00", "null"])
def test_a_patient_id_that_is_none_is_refused(client, psychiatrist, nothing_left, wrong):
    client.force_login(psychiatrist)
    answer = client.post(API, {"file": SimpleUploadedFile("week.csv", GOOD), "patient_id": wrong})
    assert answer.status_code == 400
    assert "patient_id" in answer.json()["fields"]
    nothing_left()


@pytest.mark.parametrize("text", ["x" * 5000, "a\x00b", "\ud7ff\U0001f634" * 50])
def test_a_device_may_say_anything_of_itself(road, text):
    content = agd(
        DAY, range(1440),
        sql=["UPDATE settings SET settingValue = '" + text.replace("\x00", "' || char(0) || '") + "'"
             " WHERE settingName IN ('devicename', 'deviceserial')"],
    )  # fmt: skip
    answer = road(content, "week.agd")
    assert answer.status_code < 500, answer.content
    for recording in Recording.objects.select_related("source"):
        assert len(recording.source.device_model) <= 80


def test_a_change_that_fails_after_the_file_was_stored_deletes_the_file(road, settings, monkeypatch, nothing_left):
    def fail(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("between file and commit")

    monkeypatch.setattr("actigraphy.services.enqueue", fail)
    assert road(GOOD).status_code == 500
    assert stored_files(settings) == []
    assert not Recording.objects.exists()
    assert AuditEvent.objects.get(method="POST").outcome == "failed"


def test_metadata_is_kept_and_hidden(client, psychiatrist, patient):
    client.force_login(psychiatrist)
    fields = {
        "file": SimpleUploadedFile("a.csv", GOOD),
        "patient_id": str(patient.pk),
        "metadata": '{"note": "\\ud800"}',
    }
    assert client.post(API, fields).status_code == 201
    assert Recording.objects.get().metadata == {"note": "\ud800"}


def test_a_window_cuts_the_recording(client, psychiatrist, patient):
    client.force_login(psychiatrist)
    start = datetime.fromisoformat("2024-01-08T12:00:00+00:00")
    fields = {"file": SimpleUploadedFile("a.csv", GOOD), "patient_id": str(patient.pk), "start_time": start.isoformat()}
    answer = client.post(API, fields)
    assert answer.status_code == 201, answer.content
    assert Recording.objects.get().start == start
    assert len(read_stored(Recording.objects.get())) < 1440
