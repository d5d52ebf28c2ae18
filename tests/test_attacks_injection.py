"""Attack 3, second part: texts that mean something to a database, a template, a browser, a header or a shell."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import transaction
from django.http import HttpResponse
from django.urls import reverse
from django.utils.html import escape

from patients.models import Patient
from tests.test_attacks_fields import WRITERS, World, world, writer
from tests.test_role_url_table import ask, visitor
from tests.urls_of_novamind import Url, every_url, values_for

pytestmark = pytest.mark.exhaustive

__all__ = ["world"]
ROOT = Path(__file__).resolve().parents[1]

HOSTILE = (
    "zqx' OR '1'='1",
    "zqx'; DROP TABLE patients_patient; --",
    'zqx" UNION SELECT password FROM accounts_user --',
    "zqx%' ESCAPE '\\",
    "zqx{{ 77777777|add:1 }}{% debug %}",
    "../../../../etc/passwd",
    "zqx\x00",
    "zqx\r\nSet-Cookie: zqxcookie=1",
    '=HYPERLINK("http://evil.test")',
    "<script>zqx()</script>",
    '"><img src=x onerror=zqx()>',
    "javascript:zqx()",
    "\u202ezqx\U0001f600\ufeff",
    "9" * 400,
)
#: What would stand in an answer in which one of them was taken for more than a text.
TAKEN = re.compile(
    rb"<script>zqx|<img src=x onerror=zqx|77777778|root:x:0|OperationalError|SyntaxError|ProgrammingError"
)
#: All of them in one, for what is asked in many places.
EVERYTHING = "zqx\x00'; \" -- {{ 77777777|add:1 }}\r\n<script>zqx()</script>"
#: Every parameter that a view of ours or the API's pages read; Django admin's lists have their own.
PARAMETERS = (
    "q", "page", "patient", "actor", "kind", "state", "who", "what", "first", "last", "account", "week", "number",
    "recording", "days", "layer", "cursor", "page_size", "next", "analysis_types", "include_raw_metrics",
    "generate_visualizations", "start", "end", "version", "minimum_correlation", "symptom_type", "forecast_days",
    "insight_types", "patient_id", "bucket",
)  # fmt: skip
OF_COMPLETION = ("app_label", "model_name", "field_name", "term")  # closed but for two fields: tests/test_admin.py
OF_ADMIN = ("q", "o", "p", "e", "_changelist_filters")
ELSEWHERE = (
    "//evil.test/", "https://evil.test/", "/\\evil.test", "javascript:zqx()", "\t//evil.test",
    "/\r\nSet-Cookie: zqxcookie=1",
)  # fmt: skip
OTHER_FILES = (
    "/static/../manage.py", "/static/%2e%2e/manage.py", "/static/..%2fmanage.py", "/static//etc/passwd",
    "/static/css/%2e%2e%2f%2e%2e%2fmanage.py", "/..%2f..%2fetc/passwd", "/static/css/..\\..\\manage.py",
    "/static/css/novamind.css%00.html",
)  # fmt: skip


def wrong_with(answer: HttpResponse) -> str:
    """What a hostile text did to this answer; empty where it was only a text."""
    if answer.status_code >= 500:
        return f"{answer.status_code}"
    if "zqxcookie" in answer.cookies or answer.headers.get("Location", "").startswith(("//", "http", "javascript")):
        return f"header: {answer.headers} {answer.cookies}"
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    is_page = answer.headers.get("Content-Type", "").startswith("text/html")
    taken = TAKEN.search(body) if is_page else None
    return f"{answer.status_code} holds {taken[0]!r}" if taken else ""


def pages(user: Any, world: World) -> list[tuple[Url, str]]:
    """What this user may open, by URL and address."""
    client = visitor(user)
    found = [(url, url.of(values_for(url, world.chart, user))) for url in every_url() if "logout" not in url.name]
    return [(url, address) for url, address in found if ask(client, "GET", address).status_code == 200]


def test_every_parameter_that_a_view_reads_is_attacked():
    read = re.compile(r"GET(?:\.get)?[\[(]\"(\w+)\"")
    sources = [
        path
        for app in ("novamind", "patients", "actigraphy", "twins", "insights")
        for path in ROOT.glob(f"{app}/**/*.py")
    ]
    named = {name for path in sources for name in read.findall(path.read_text(encoding="utf-8"))}
    assert named
    assert named <= {*PARAMETERS, *OF_COMPLETION}


def test_a_parameter_is_only_ever_a_text(world):
    opened, wrong, asked = set(), [], 0
    for user in (world.admin, world.psychiatrist):
        client = visitor(user)
        client.raise_request_exception = False
        for url, address in pages(user, world):
            if url in opened or (url.name.startswith("admin:") and not url.name.endswith("_changelist")):
                continue
            opened.add(url)
            for name in OF_ADMIN if url.name.startswith("admin:") else PARAMETERS:
                asked += 1
                if said := wrong_with(ask(client, "GET", f"{address}?{urlencode({name: EVERYTHING})}")):
                    wrong.append(f"{url.name} {name}: {said}")
    assert wrong == []
    assert asked > 500


@pytest.mark.parametrize("name", WRITERS)
def test_a_field_is_only_ever_a_text(name, world):
    send, good = writer(name, world)
    wrong, known = [], Patient.objects.count()
    for field in [field for field, value in good().items() if isinstance(value, str)]:
        for text in HOSTILE:
            with transaction.atomic():
                said = wrong_with(send(good() | {field: text}))
                transaction.set_rollback(True)
            if said:
                wrong.append(f"{field} {text!r}: {said}")
    assert wrong == []
    assert Patient.objects.count() == known


@pytest.mark.parametrize("text", [text for text in HOSTILE if len(text) < 80 and not set(text) & set("\x00\r")])
def test_a_text_comes_back_as_it_was_sent(text, world):
    client = visitor(world.psychiatrist)
    address = reverse("api:patient-detail", args=[world.patient.pk])
    told = client.patch(address, {"version": 1, "last_name": text}, content_type="application/json").json()
    assert told["last_name"] == client.get(address).json()["last_name"] == text
    page = client.get(reverse("patients:edit", args=[world.patient.pk])).content.decode()
    assert f'value="{escape(text)}"' in page


@pytest.mark.parametrize("wanted", ELSEWHERE)
@pytest.mark.parametrize("name", ["account_login", "admin:login", "account_reauthenticate", "mfa_reauthenticate"])
def test_no_address_sends_a_browser_elsewhere(name, wanted, world):
    for user in (None, world.psychiatrist, world.admin):
        for method in ("GET", "POST"):
            answer = ask(visitor(user), method, f"{reverse(name)}?{urlencode({'next': wanted})}")
            assert wrong_with(answer) == ""
            assert re.match(r"/(?![/\\])", answer.headers.get("Location", "/"))


@pytest.mark.parametrize("path", OTHER_FILES)
def test_no_address_is_a_path_to_other_files(path, client, db):
    answer = client.get(path)
    assert answer.status_code in {302, 404}
    assert b"execute_from_command_line" not in answer.getvalue()
