"""A patient made of canaries goes through all of Novamind; then every place that is not theirs is searched for them."""

from __future__ import annotations

import io
import logging
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client

from actigraphy.models import Recording
from actigraphy.tests.recording_files import awd
from novamind.accounts import tokens
from novamind.audit.models import AuditEvent
from novamind.jobs.models import Job
from novamind.jobs.runner import run_waiting
from novamind.phi.fields import EncryptedField
from novamind.phi.keys import forget_keys
from novamind.phi.logs import LineFormatter, SanitizingFilter
from novamind.phi.models import DataKey
from novamind.phi.tests.scanning import find_in_bytes, find_in_database
from patients.models import Patient

FIRST, LAST, BORN, MRN = "Zqxfirst", "Zqxlast", "1931-02-17", "ZQX-MRN-7781"
PHONE, MAIL = "99977810", "zqx7781@mail.test"
FILE, SERIAL, NOTE, QUERY = "ZQX-FILE-7781", "ZQXSER77810", "zqx-note-7781", "zqx-query-7781"
SUBJECT = "Zqxsubject Jane"
CANARIES = [FIRST, LAST, BORN, "17.02.1931", "02/17/1931", MRN, PHONE, MAIL, FILE, SERIAL, NOTE, QUERY, SUBJECT]


@pytest.fixture(autouse=True)
def own_cache(settings: Any) -> Iterator[None]:
    """A cache in memory that nobody has written to."""
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "leaks"}}
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Everything that is logged, as production would write it."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(LineFormatter())
    handler.addFilter(SanitizingFilter())
    root, level = logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield written
    root.removeHandler(handler)
    root.setLevel(level)


class Tour:
    """Every page, endpoint, refusal and accident, with what came back."""

    def __init__(self, doctor: Any, stranger: Any, patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
        self.patient, self.monkeypatch = patient, monkeypatch
        self.doctor, self.stranger, self.nobody = (Client(raise_request_exception=False) for _ in range(3))
        self.doctor.force_login(doctor)
        self.stranger.force_login(stranger)
        self.token = {"HTTP_AUTHORIZATION": f"Bearer {tokens.begin(doctor).access}"}
        self.refusals: list[bytes] = []
        self.heads: list[str] = []

    def call(self, client: Client, method: str, path: str, data: Any = None, **more: Any) -> Any:
        answer = getattr(client, method)(path, data, **more)
        self.heads.append(f"{path} {dict(answer.headers)}")
        own_form = client is self.doctor and answer.status_code == 422  # under the banner of the doctor's own patient
        if (answer.status_code >= 400 and not own_form) or client is not self.doctor:
            self.refusals.append(answer.content)
        return answer

    def upload(self) -> Recording:
        counts = [(at * 37) % 400 if 480 < at % 1440 < 1380 else 0 for at in range(7 * 1440)]
        content = awd(counts, serial=SERIAL).replace(b"Jane Doe", SUBJECT.encode())
        for name, path, fields in (
            (
                f"{FILE}.awd",
                "/api/v1/actigraphy/upload",
                {"patient_id": self.patient.pk, "metadata": f'{{"note": "{NOTE}"}}'},
            ),
            (f"{FILE}-2.awd", f"/patients/{self.patient.pk}/actigraphy/upload/", {}),
        ):
            answer = self.call(self.doctor, "post", path, {"file": SimpleUploadedFile(name, content)} | fields)
            assert answer.status_code in {201, 302}, answer.content
        broken = {"file": SimpleUploadedFile(f"{FILE}.csv", f"{SUBJECT},{SERIAL}\n".encode() * 50)}
        assert (
            self.call(self.doctor, "post", f"/patients/{self.patient.pk}/actigraphy/upload/", broken).status_code == 422
        )
        return Recording.objects.get(patient=self.patient)

    def read(self, recording: Recording) -> None:
        chart, pk = f"/patients/{self.patient.pk}/", self.patient.pk
        pages = ["/", "/help/", "/patients/", "/patients/new/", chart, f"{chart}edit/", f"{chart}actigraphy/",
                 f"{chart}actigraphy/upload/", f"{chart}actigraphy/recordings/{recording.pk}/status/"]  # fmt: skip
        endpoints = ["/api/v1/patients", f"/api/v1/patients/{pk}", "/api/v1/actigraphy/recordings",
                     f"/api/v1/actigraphy/recordings/{recording.pk}",
                     f"/api/v1/actigraphy/recordings/{recording.pk}/results",
                     "/api/v1/actigraphy/analyses"]  # fmt: skip
        for path in [*pages, *endpoints]:
            for client in (self.doctor, self.stranger, self.nobody):
                self.call(client, "get", path)
        for path in endpoints:
            self.call(self.nobody, "get", path, **self.token)
            self.refusals.pop()  # a token's answer is the chart
        for client in (self.doctor, self.stranger):
            self.call(client, "post", "/patients/search/", {"q": QUERY})
        self.refusals.pop()  # shows the searcher what was searched
        assert LAST in self.doctor.get(f"{chart}actigraphy/").content.decode()

    def change(self) -> None:
        chart = f"/api/v1/patients/{self.patient.pk}"
        json = {"content_type": "application/json"}
        known = {"first_name": FIRST, "last_name": LAST, "date_of_birth": BORN}
        version = self.doctor.get(chart).json()["version"]
        self.call(self.doctor, "patch", chart, {"version": version, "pronouns": "they", "phone": PHONE}, **json)
        self.call(self.doctor, "patch", chart, {"version": version, "last_name": LAST}, **json)
        self.call(self.doctor, "patch", chart, {"version": version + 1, "date_of_birth": f"{BORN}x"}, **json)
        self.call(self.doctor, "post", "/api/v1/patients", known | {"mrn": MRN}, **json)
        self.call(self.doctor, "post", "/patients/new/", known | {"mrn": MRN, "zone": "Nowhere/Zqx"})
        self.call(self.doctor, "delete", chart)
        for client in (self.stranger, self.nobody):
            for method in ("patch", "delete"):
                self.call(client, method, chart, {"version": 1, "last_name": LAST}, **json)

    def fail(self, recording: Recording) -> None:
        """Accidents whose messages quote the patient, in five places."""
        chart = f"/patients/{self.patient.pk}/actigraphy/"

        def accident(*args: Any, **kwargs: Any) -> None:
            raise ValueError(f"{FIRST} {LAST}, born {BORN}, {MRN}: {FILE} {SERIAL}")

        for place, method, path in (
            ("actigraphy.views.page_context", "get", chart),
            ("patients.views.people.rows", "get", "/patients/"),
            ("patients.views.people.find_patients", "post", "/patients/search/"),
            ("patients.api.PatientViewSet.get_queryset", "get", "/api/v1/patients"),
            ("actigraphy.api.RecordingViewSet.get_queryset", "get", f"/api/v1/actigraphy/recordings/{recording.pk}"),
        ):
            with self.monkeypatch.context() as broken:
                broken.setattr(place, accident)
                answer = self.call(self.doctor, method, path, *([{"q": QUERY}] if method == "post" else []))
                assert answer.status_code == 500, (path, answer.content)
        with self.monkeypatch.context() as broken:
            broken.setattr("actigraphy.services.read_stored", accident)
            Recording.objects.filter(pk=recording.pk).update(state="pending")
            from novamind.jobs.services import enqueue

            enqueue("actigraphy.analyze", key=f"again:{recording.pk}", recording_id=recording.pk)
            run_waiting()
            assert Job.objects.filter(error_code="unexpected").exists()
        keys = list(DataKey.objects.filter(patient_id=self.patient.pk).values_list("number", "wrapped"))
        DataKey.objects.filter(patient_id=self.patient.pk).update(wrapped=b"destroyed")
        forget_keys()
        for path in (chart, f"/api/v1/patients/{self.patient.pk}"):
            assert self.call(self.doctor, "get", path).status_code == 503
        assert self.call(self.doctor, "get", "/patients/").status_code == 200  # the others are still listed
        for number, wrapped in keys:
            DataKey.objects.filter(number=number).update(wrapped=bytes(wrapped))
        forget_keys()


@pytest.fixture
def toured(
    db: None, psychiatrist: Any, nurse: Any, patient: Any, monkeypatch: pytest.MonkeyPatch, log: io.StringIO
) -> Tour:
    tour = Tour(psychiatrist, nurse, patient, monkeypatch)
    recording = tour.upload()
    run_waiting()
    recording.refresh_from_db()
    assert recording.state == Recording.State.ANALYZED, recording.error_detail
    tour.read(recording)
    tour.change()
    tour.fail(recording)
    assert AuditEvent.objects.count() > 40
    return tour


def cached() -> list[bytes]:
    """Keys and values of the cache, as it keeps them."""
    return [key.encode() + b" " + value for key, value in cache._cache.items()]


def found_anywhere(tour: Tour, log: io.StringIO, folders: list[Path]) -> list[str]:
    """Every place that holds a canary, as ``place: canary``."""
    places = {
        "log": log.getvalue().encode(),
        "headers": "\n".join(tour.heads).encode(),
        **{f"refusal {number}": body for number, body in enumerate(tour.refusals)},
        **{
            f"file {path.name}": path.read_bytes() for folder in folders for path in folder.rglob("*") if path.is_file()
        },
    }
    places |= {f"cache {number}": content for number, content in enumerate(cached())}
    if connection.vendor == "sqlite":
        connection.ensure_connection()
        database: sqlite3.Connection = connection.connection
        places["database bytes"] = database.serialize()
    hits = [f"{place}: {canary}" for place, content in places.items() for canary in find_in_bytes(content, CANARIES)]
    return hits + find_in_database(CANARIES)


@pytest.mark.slow
def test_a_patient_is_found_nowhere_but_in_their_chart(toured, log, tmp_path, capfd):
    assert found_anywhere(toured, log, [tmp_path]) == []
    out, err = capfd.readouterr()
    assert find_in_bytes(_as_production_would(out + err), CANARIES) == []
    assert log.getvalue()
    assert any(tmp_path.rglob("sealed/*"))


def _as_production_would(text: str) -> bytes:
    """Lines of our own formatter; the test client prints none of its own to production's standard error."""
    return "\n".join(line for line in text.splitlines() if line.startswith("{")).encode()


LEAKS = {
    "an audit row": lambda tour, log, folder: AuditEvent.objects.filter(pk=AuditEvent.objects.first().pk).update(
        action=LAST
    ),
    "a job": lambda tour, log, folder: Job.objects.update(error_detail=f"ValueError: {MRN.lower()}"),
    "a plain column": lambda tour, log, folder: Patient.objects.update(pronouns=FIRST.upper()),
    "a log line": lambda tour, log, folder: logging.getLogger("novamind.leak").error("opened %s", LAST),
    "a stored file": lambda tour, log, folder: (folder / "plain").write_bytes(SUBJECT.encode("utf-16-le")),
    "a message": lambda tour, log, folder: (folder / "message").write_text("Wlhwc3RhcnQ=" + MRN.encode().hex()),
    "a cached value": lambda tour, log, folder: cache.set("page", f"<td>{LAST}</td>"),
    "the key of a cached value": lambda tour, log, folder: cache.set(f"patient:{MRN}", 1),
    "a refusal": lambda tour, log, folder: tour.refusals.append(f"no access to {LAST}".encode()),
    "an address": lambda tour, log, folder: tour.heads.append("/patients/?q=zqx7781%40mail.test {}"),
}


@pytest.mark.slow
def test_every_planted_leak_is_found(toured, log, tmp_path):
    for name, plant in LEAKS.items():
        before = found_anywhere(toured, log, [tmp_path])
        plant(toured, log, tmp_path)
        assert len(found_anywhere(toured, log, [tmp_path])) > len(before), name


@pytest.mark.slow
def test_the_search_would_find_a_field_that_is_not_encrypted(db, monkeypatch, make_patient, team):
    monkeypatch.setattr("novamind.phi.cipher.encrypt", lambda plain, **where: b"\x01" + plain)
    monkeypatch.setattr(EncryptedField, "from_db_value", lambda self, value, *rest: value and bytes(value)[1:].decode())
    make_patient(team)
    assert find_in_database([LAST]) == [f"patients_patient.{name}: {LAST}" for name in ("last_name", "search_text")]
