"""Attack 3, second part: texts that mean something to a database, a template, a browser, a header or a shell."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import transaction
from django.http import HttpResponse, QueryDict
from django.test import Client
from django.urls import reverse
from django.utils.datastructures import MultiValueDict
from django.utils.html import escape

from patients.models import Patient
from tests.test_attacks_fields import WRITERS, World, world, writer
from tests.test_role_url_table import ask, visitor
from tests.urls_of_novamind import Url, every_url, values_for

pytestmark = pytest.mark.exhaustive

__all__ = ["world"]
ROOT = Path(__file__).resolve().parents[1]

HOSTILE = (
    "zqx' OR '1'='1'; DROP TABLE patients_patient; --",
    "zqx\" UNION SELECT password FROM accounts_user --%' ESCAPE '\\",
    "\u202ezqx\U0001f600\ufeff{{ 77777777|add:1 }}{% debug %}",
    "../../../../etc/passwd",
    "zqx\x00",
    "zqx\r\nSet-Cookie: zqxcookie=1",
    '=HYPERLINK("http://evil.test")',
    '"><img src=x onerror=zqx()><script>zqx()</script>',
    "javascript:zqx()",
    "9" * 400,
)
#: What would stand in an answer in which one of them was taken for more than a text.
TAKEN = re.compile(
    rb"<script>zqx|<img src=x onerror=zqx|77777778|root:x:0|OperationalError|SyntaxError|ProgrammingError"
)
#: All of them in one, for what is asked in many places.
EVERYTHING = "zqx\x00'; \" -- {{ 77777777|add:1 }}\r\n<script>zqx()</script>"
#: Read where no page of the world is: closed but for two fields (tests/test_admin.py); with a provider of sign-ons.
TRIED_APART = ("app_label", "model_name", "field_name", "term", "process")
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


@contextmanager
def noting_what_is_read() -> Iterator[set[str]]:
    """The names that views look up among the parameters of a request."""
    names: set[str] = set()

    def noting(method: str) -> Callable[..., Any]:
        inner = getattr(MultiValueDict, method, None) or getattr(dict, method)

        def look_up(self: Any, name: Any, *args: Any) -> Any:
            if isinstance(self, QueryDict):
                names.add(name)
            return inner(self, name, *args)

        return look_up

    with pytest.MonkeyPatch.context() as patch:
        for method in ("get", "getlist", "__getitem__", "__contains__"):
            patch.setattr(MultiValueDict, method, noting(method), raising=False)
        yield names


def parameters_of(url: Url, address: str, client: Client) -> Iterable[str]:
    """What this page reads of its parameters, and of an admin's list what differs between them."""
    if url.name.startswith("admin:"):
        return OF_ADMIN if url.name == "admin:accounts_user_changelist" else ("q",)
    with noting_what_is_read() as read:
        for sent in ("", "zqx=1"):  # a form reads its fields when anything at all was sent
            ask(client, "GET", f"{address}?{sent}")
    return sorted(read - {"zqx"})


def parameters_in_the_code() -> set[str]:
    """What our views are written to read."""
    read = re.compile(r"GET(?:\.get)?[\[(]\"(\w+)\"")
    apps = ("novamind", "patients", "actigraphy", "twins", "insights")
    sources = [path for app in apps for path in ROOT.glob(f"{app}/**/*.py")]
    return {name for path in sources for name in read.findall(path.read_text(encoding="utf-8"))}


def test_a_parameter_is_only_ever_a_text(world):
    """Each parameter by itself, for a view may refuse the first of two and never read the second."""
    opened, wrong, asked = set(), [], Counter()
    for user in (world.admin, world.psychiatrist):
        client = visitor(user)
        client.raise_request_exception = False
        for url, address in pages(user, world):
            if url in opened or (url.name.startswith("admin:") and not url.name.endswith("_changelist")):
                continue
            opened.add(url)
            for name in parameters_of(url, address, client):
                asked[name] += 1
                if said := wrong_with(ask(client, "GET", f"{address}?{urlencode({name: EVERYTHING})}")):
                    wrong.append(f"{url.name} {name}: {said}")
    assert wrong == []
    assert parameters_in_the_code() <= {*asked, *TRIED_APART}
    assert asked.total() > 200


@pytest.mark.parametrize("name", WRITERS)
def test_a_field_is_only_ever_a_text(name, world):
    send, good = writer(name, world)
    wrong, body, known = [], good(), Patient.objects.count()
    for field in [field for field, value in body.items() if isinstance(value, str)]:
        for text in HOSTILE:
            with transaction.atomic():
                said = wrong_with(send(body | {field: text}))
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
