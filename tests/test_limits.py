"""Every limit of ``novamind.limits``: what is at it is taken, what is one beyond is refused in its own words."""

from __future__ import annotations

import io
import json
import re
import struct
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import RequestFactory
from django.test.client import MULTIPART_CONTENT
from django.urls import resolve

from actigraphy.catalogue import TYPES
from actigraphy.exports import Asked, Collected, read_export
from actigraphy.exports.apple import CHUNK_BYTES
from actigraphy.exports.archives import open_archive
from actigraphy.exports.collecting import TooMuch
from actigraphy.exports.documents import items
from actigraphy.readers import ColumnMapping, Limits, UnreadableRecording, read_recording
from actigraphy.readers.grid import check_length, check_present, check_span
from actigraphy.readers.gt3x import check_archive
from actigraphy.serializers import UploadSerializer
from actigraphy.streams.sent import Sender, WrongBatch, check_days, oldest_of_device, read_batch
from actigraphy.tests.export_files import health
from insights.notes.attaching import check_number, check_size
from insights.notes.writing import WrongNote
from insights.own_charts.forms import OwnChartForm
from novamind import clock
from novamind.api import CursorPages
from novamind.audit.receiving import refuse_unread
from novamind.hardening import dangers
from novamind.limits import (
    ATTACHMENT_BYTES,
    ATTACHMENTS,
    FILE_MB,
    FORM_ROOM_BYTES,
    JSON_BYTES,
    LIMITS,
    LINE_BYTES,
    MB,
    PHARMCAT_BYTES,
    RESULTS_BYTES,
    STRANGER_BYTES,
)
from novamind.throttle.rates import RATES
from patients.forms import NoteForm
from patients.treatment.results import read_results
from patients.treatment.tables import UnreadableTable, read_table

DOCS = (Path(__file__).resolve().parents[1] / "docs" / "limits.md").read_text(encoding="utf-8")
DAY = 86_400


def read(content: bytes, **fields: Any) -> str:
    """The code a reader refuses a file with; empty when it takes it."""
    mapping = ColumnMapping(time="t", activity="a")
    try:
        read_recording(io.BytesIO(content), tz=ZoneInfo("UTC"), filename="w.csv", columns=mapping, **fields)
    except UnreadableRecording as error:
        return error.code
    return ""


def code_of(check: Callable[[], Any]) -> str:
    try:
        check()
    except (UnreadableRecording, WrongNote) as error:
        return error.code
    return ""


def rows(extra: str = "", header: str = "") -> bytes:
    stamps = (f"2024-01-08T12:{minute:02}:00Z,1{extra}" for minute in range(30))
    return "\n".join([f"t,a{header}", *stamps, ""]).encode()


def line(more: int) -> str:
    """A line of 64 kB with its end, and ``more`` bytes; one of its columns is long and is not wanted."""
    first = rows(",x", ",b").split(b"\n", 2)
    first[1] += b"x" * (LINE_BYTES - len(first[1]) - 1 + more)
    return read(b"\n".join(first))


def columns(more: int) -> str:
    n = LIMITS["columns"].value - 2 + more
    return read(rows(",1" * n, "".join(f",c{number}" for number in range(n))))


def file(more: int) -> str:
    """Whatever is in it: the size is looked at first."""
    return {"not_text": ""}.get(code := read(b"\x00" * (FILE_MB * MB + more)), code)


def span(days: int, more: int) -> str:
    seconds = np.arange(0, days * DAY + 1, DAY)
    return code_of(lambda: check_span(np.append(seconds[:-1], days * DAY + more), np.arange(len(seconds)), Limits()))


def gap(more: int) -> str:
    seconds = np.array([0, LIMITS["recording_gap"].value * DAY + more])
    return code_of(lambda: check_span(seconds, np.arange(2), Limits()))


def future(more: int) -> str:
    at = clock.now() + timedelta(minutes=LIMITS["future"].value, seconds=60 * more - 30)
    return code_of(lambda: check_present(int(at.timestamp())))


def batch(check: Callable[[], Any]) -> str:
    """The code that a batch or its first line is refused with."""
    try:
        taken = check()
    except WrongBatch as error:
        return error.code
    return taken.refused[0].code if taken is not None and taken.refused else ""


def weight(at: datetime) -> dict[str, Any]:
    about = {"patient_id": "11111111-1111-4111-8111-111111111111", "data_type": "weight", "data": {"kg": 70}}
    return about | {"timestamp": at.isoformat()}


def batch_days(more: int) -> str:
    """Each at 23:30 in Oslo, which is the same UTC day as the next local day's first hours are."""
    first = datetime(2026, 1, 1, 22, 30, tzinfo=UTC)
    sent = read_batch([weight(first + timedelta(days=k)) for k in range(LIMITS["batch_days"].value + more)])
    return batch(lambda: check_days(sent, ZoneInfo("Europe/Oslo")))


def past(more: int) -> str:
    at = clock.now() - timedelta(days=LIMITS["past"].value, seconds=60 * more - 30)
    return batch(lambda: read_batch([weight(at)], oldest_of_device()))


def body(api: Any, content: bytes) -> str:
    """The code of the answer to JSON; empty when it was read, and only its fields are wrong."""
    answer = api.generic("POST", "/api/v1/patients", content, "application/json")
    assert answer.status_code in {400, 413}
    assert answer.json()["detail"]
    return {"invalid": ""}.get(code := answer.json()["code"], code)


def readings(api: Any, more: int) -> str:
    """The code of the answer to so many counts; empty when they were read, and only their patient is missing."""
    sent = {"readings": {"counts": [1] * (LIMITS["readings"].value + more)}}
    answer = api.generic("POST", "/api/v1/actigraphy/analyze", json.dumps(sent), "application/json")
    return {"invalid": ""}.get(code := answer.json()["code"], code)


def length(path: str, size: int, user: Any) -> str:
    """Asked of what refuses bodies: the length that is told is enough, and nothing is read."""
    request = RequestFactory().generic("POST", path, b"x", MULTIPART_CONTENT)
    request.META["CONTENT_LENGTH"] = str(size)
    request.user, request.resolver_match = user, resolve(path)
    refusal = refuse_unread(request)
    return json.loads(refusal.content)["code"] if refusal else ""


def form_room(more: int) -> str:
    patient = SimpleNamespace(is_authenticated=True, is_staff=False, is_superuser=False, roles={"patient"})
    return length("/api/v1/actigraphy/upload", FILE_MB * MB + FORM_ROOM_BYTES + more, patient)


def fields(api: Any, more: int) -> str:
    query = "&".join(f"a{number}=" for number in range(LIMITS["form_fields"].value + more))
    answer = api.get(f"/api/v1/patients?{query}")
    return "" if answer.status_code == 200 else answer.json()["code"]


def metadata(more: int) -> str:
    value = {"a": "x" * (LIMITS["metadata"].value - len('{"a": ""}') + more)}
    form = UploadSerializer(data={"metadata": value, "file": SimpleUploadedFile("a", b"x")})
    form.is_valid()
    return "invalid" if "metadata" in form.errors else ""


def note(more: int) -> str:
    form = NoteForm({"text": "x" * (LIMITS["note"].value + more)})
    return "invalid" if form.has_error("text", "max_length") else ""


def own_charts(more: int) -> str:
    form = OwnChartForm({"name": "n", "first": "mood", "days": "28"}, held=LIMITS["own_charts"].value - 1 + more)
    return "" if form.is_valid() else "invalid"


def page(more: int) -> str:
    asked = LIMITS["page"].value + more
    request = SimpleNamespace(query_params={"page_size": str(asked)})
    return "" if CursorPages().get_page_size(request) == asked else "cut"


def file_most(more: int) -> str:
    known = {name: getattr(settings, name) for name in dir(settings) if name.isupper()}
    found = dangers(known | {"UPLOAD_LIMIT_MB": LIMITS["file_most"].value + more})
    return "not_started" if any("UPLOAD_LIMIT_MB" in sentence for sentence in found) else ""


def results(more: int) -> str:
    """A table whose ignored column fills the file."""
    head = b"gene,diplotype,comment\n" + b"".join(b"A%d,*1/*4,%s\n" % (n, b"x" * 80_000) for n in (10, 11, 12))
    try:
        read_table(head + b"CYP2D6,*1/*4," + b"x" * (RESULTS_BYTES - len(head) - 13 + more))
    except UnreadableTable:
        return "unreadable"
    return ""


def pharmcat(more: int) -> str:
    """A report whose ignored part fills the file."""
    gene = {"callSource": "NONE", "sourceDiplotypes": []}
    head = json.dumps({"genes": {"CYP2D6": gene}, "x": ""}).encode()
    try:
        read_results(head[:-2] + b"x" * (PHARMCAT_BYTES - len(head) + more) + head[-2:])
    except UnreadableTable:
        return "unreadable"
    return ""


def exported(content: bytes) -> str:
    """The code an export is refused with; empty when it is read."""
    try:
        read_export(io.BytesIO(content), "apple_health", Asked(0, 2**33)).batch()
    except UnreadableRecording as error:
        return error.code
    return ""


def export_rows(more: int) -> str:
    taken, sender = Collected(0, 2**33), Sender("scale", "")
    try:
        for second in range(LIMITS["export_rows"].value + more):
            taken.point(sender, "weight", second, kg=70)
    except TooMuch:
        return "too_many_entries"
    return ""


def export_samples(more: int) -> str:
    taken, sender, key = Collected(0, 2**33), Sender("watch", ""), TYPES["heart_rate"].keys[0]
    taken._n_samples = LIMITS["export_samples"].value - 1  # what came before
    try:
        for second in range(1 + more):
            taken.sample(sender, "heart_rate", key, second, 60)
    except TooMuch:
        return "too_many_entries"
    return ""


def export_directory(more: int) -> str:
    size = LIMITS["export_directory"].value * MB + more
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, size, 4, 0)
    return code_of(lambda: open_archive(io.BytesIO(b"PK\x03\x04" + end)))


def export_entries(more: int) -> str:
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, LIMITS["export_entries"].value + more, 4, 4, 0)
    return code_of(lambda: open_archive(io.BytesIO(b"PK\x03\x04" + end)))


def export_piece(more: int) -> str:
    """An element that ends within the chunk that is read next is there before it can be too long."""
    text = "x" * (LIMITS["export_piece"].value * 1024 + more * 2 * CHUNK_BYTES)
    return exported(health(f'<Record type="{text}"/>'))


def export_item(more: int) -> str:
    """An item that ends within what is read next is there before it can be too long."""
    text = b"x" * ((LIMITS["export_item"].value * 1024 - 64) * (1 + more))
    return code_of(lambda: list(items(io.BytesIO(b'[{"x":"' + text + b'"}]'))))


def export_names(more: int) -> str:
    """``HealthData`` and its ``locale`` are two of the names."""
    return exported(health(*(f"<e{n}/>" for n in range(LIMITS["export_names"].value - 2 + more))))


def export_depth(more: int) -> str:
    levels = LIMITS["export_depth"].value - 1 + more
    return exported(health("<a>" * levels + "</a>" * levels))


#: For each limit in force: what is answered this much beyond it (0 is the limit itself).
CASES: dict[str, Callable[[Any, int], str]] = {
    "file": lambda api, more: file(more),
    "form_room": lambda api, more: form_room(more),
    "stranger": lambda api, more: length("/api/v1/auth/login", STRANGER_BYTES + more, AnonymousUser()),
    "form_fields": fields,
    "line": lambda api, more: line(more),
    "columns": lambda api, more: columns(more),
    "recording_days": lambda api, more: span(LIMITS["recording_days"].value, more),
    "recording_epochs": lambda api, more: code_of(
        lambda: check_length(LIMITS["recording_epochs"].value + more, 1, Limits())
    ),
    "recording_gap": lambda api, more: gap(more),
    "future": lambda api, more: future(more),
    "past": lambda api, more: past(more),
    "batch_days": lambda api, more: batch_days(more),
    "json": lambda api, more: body(api, b'{"a": "' + b"x" * (JSON_BYTES - 9 + more) + b'"}'),
    "json_depth": lambda api, more: body(
        api, ('{"a": ' + "[" * (LIMITS["json_depth"].value - 1 + more) + "]" * (31 + more) + "}").encode()
    ),
    "json_entries": lambda api, more: body(
        api, json.dumps({"samples": [1] * (LIMITS["json_entries"].value + more)}).encode()
    ),
    "readings": readings,
    "metadata": lambda api, more: metadata(more),
    "note": lambda api, more: note(more),
    "pharmcat": lambda api, more: pharmcat(more),
    "results": lambda api, more: results(more),
    "attachment": lambda api, more: code_of(lambda: check_size(ATTACHMENT_BYTES + more)),
    "own_charts": lambda api, more: own_charts(more),
    "attachments": lambda api, more: code_of(lambda: check_number(ATTACHMENTS + more)),
    "archive_expanded": lambda api, more: code_of(
        lambda: check_archive([(LIMITS["archive_expanded"].value * MB + more, 100 * MB)])
    ),
    "archive_ratio": lambda api, more: code_of(
        lambda: check_archive([(LIMITS["archive_ratio"].value * MB + more, MB)])
    ),
    "archive_entries": lambda api, more: code_of(
        lambda: check_archive([(1, 1)] * (LIMITS["archive_entries"].value + more))
    ),
    "export_directory": lambda api, more: export_directory(more),
    "export_entries": lambda api, more: export_entries(more),
    "export_piece": lambda api, more: export_piece(more),
    "export_item": lambda api, more: export_item(more),
    "export_depth": lambda api, more: export_depth(more),
    "export_names": lambda api, more: export_names(more),
    "export_samples": lambda api, more: export_samples(more),
    "export_rows": lambda api, more: export_rows(more),
    "page": lambda api, more: page(more),
    "file_most": lambda api, more: file_most(more),
}


@pytest.fixture
def api(signed_in: Any, psychiatrist: Any) -> Any:
    client = signed_in(psychiatrist)
    client.raise_request_exception = False
    return client


def test_every_limit_in_force_has_its_case():
    assert set(CASES) == {key for key, limit in LIMITS.items() if limit.code}


@pytest.mark.parametrize("key", CASES)
def test_what_is_at_the_limit_is_taken(api, key):
    assert CASES[key](api, 0) == ""


@pytest.mark.parametrize("key", CASES)
def test_what_is_beyond_the_limit_is_refused_with_its_code(api, key):
    assert CASES[key](api, 1) == LIMITS[key].code


def test_a_depth_that_no_parser_survives_is_too_deep(api):
    assert body(api, b"[" * 200_000) == "too_deep"


def test_a_long_list_is_found_wherever_it_lies(api):
    assert body(api, json.dumps({"a": [{"b": [1] * 10_001}]}).encode()) == "too_many_entries"


BEFORE_ANY_VIEW: dict[str, dict[str, Any]] = {
    "a host that is not ours": {"HTTP_HOST": "evil.test"},
    "a host that is none": {"HTTP_HOST": "a b\x00"},
    "too many parameters": {"QUERY_STRING": "&".join(f"a{n}=" for n in range(1200))},
}


@pytest.mark.parametrize("name", BEFORE_ANY_VIEW)
def test_a_400_before_any_view_is_json_on_the_api_and_a_page_elsewhere(api, name):
    answer = api.get("/api/v1/patients", **BEFORE_ANY_VIEW[name])
    assert (answer.status_code, answer.json()["code"]) == (400, "parse_error")
    assert answer.json()["request_id"] == answer["X-Request-ID"]
    answer = api.get("/patients/", **BEFORE_ANY_VIEW[name])
    assert (answer.status_code, answer["Content-Type"]) == (400, "text/html; charset=utf-8")


def test_an_error_outside_every_view_is_json_on_the_api(api, monkeypatch):
    def fail(*args: Any) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr("novamind.audit.middleware.require_room", fail)
    answer = api.get("/api/v1/patients")
    assert (answer.status_code, answer.json()["code"]) == (500, "unexpected")
    assert b"a bug" not in answer.content
    assert api.get("/patients/").status_code == 500


def table(header: str) -> dict[str, list[str]]:
    lines = DOCS[DOCS.index(header) :].split("\n\n")[0].splitlines()[2:]
    cells = [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in lines]
    return {row[0].strip("`"): row[1:] for row in cells}


def test_the_page_of_limits_is_the_table_in_code():
    shown = table("| Limit | At most")
    assert shown == {
        key: [f"{limit.value:,} {limit.unit}", limit.what, f"`{limit.code}`" if limit.code else "not in force"]
        for key, limit in LIMITS.items()
    }


def test_the_page_of_rates_is_the_table_in_code():
    shown = table("| Kind | At most")
    assert shown == {kind: [f"{rate.limit:,}", f"{rate.window_s:,} s", rate.what] for kind, rate in RATES.items()}


def test_every_code_is_a_word():
    assert all(re.fullmatch(r"[a-z_]*", limit.code) for limit in LIMITS.values())
