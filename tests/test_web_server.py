"""A real gunicorn on SQLite, with the deployed configuration: what only shows on a socket."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.running import ROOT, free_port

pytestmark = pytest.mark.processes

SIGNED_IN = """
import django; django.setup()
from django.contrib.auth.models import Group
from django.test import Client
from novamind.accounts.models import User
from novamind.accounts.second_factor import record
user = User.objects.create_user("p@clinic.test", "x", display_name="P")
user.groups.add(Group.objects.get(name="psychiatrist"))
client = Client()
client.force_login(user)
session = client.session
record(session, user, "totp")
session.save()
print(session.session_key)
"""
EVENTS = """
import django; django.setup()
from novamind.audit.models import AuditEvent
print(*(f"{e.method} {e.path} {e.status_code} {e.outcome}" for e in AuditEvent.objects.order_by("at")), sep="\\n")
"""


class Web:
    """gunicorn on a database of its own, with one user signed in."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.port = free_port()
        self.environment = (
            os.environ
            | {
                "ENVIRONMENT": "development",
                "DATA_DIR": str(folder / "var"),
                "DATABASE_URL": f"sqlite:///{folder / 'web.sqlite3'}",
                "DJANGO_SETTINGS_MODULE": "novamind.settings",
            }
            | settings
        )
        self.python("manage.py", "migrate", "--verbosity", "0")
        self.session = self.python("-c", SIGNED_IN).split()[-1]
        gunicorn = ["-m", "gunicorn", "novamind.wsgi:application", "--config", "deploy/gunicorn.conf.py"]
        self.process = subprocess.Popen(
            [sys.executable, *gunicorn, "--bind", f"127.0.0.1:{self.port}", "--workers", "1"],
            cwd=ROOT,
            env=self.environment,
        )

    def python(self, *words: str) -> str:
        done = subprocess.run(
            [sys.executable, *words], cwd=ROOT, env=self.environment, check=True, capture_output=True, text=True
        )
        return done.stdout

    def events(self) -> list[str]:
        return self.python("-c", EVENTS).strip().splitlines()

    def get(self, path: str, **headers: str) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("GET", path, headers=headers)
            return connection.getresponse().status
        finally:
            connection.close()

    def until_ready(self) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                if self.get("/health/live") == 200:
                    return
            except OSError:
                time.sleep(0.2)
        raise AssertionError("gunicorn did not start")

    @contextmanager
    def trickle(self, path: str, headers: str = "") -> Iterator[socket.socket]:
        """A form whose first byte is sent and whose rest is not."""
        head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nContent-Length: 1000\r\n{headers}"
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as slow:
            slow.sendall(f"{head}Content-Type: application/x-www-form-urlencoded\r\n\r\nq".encode())
            time.sleep(1)
            yield slow


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    server = Web(tmp_path_factory.mktemp("web"))
    try:
        server.until_ready()
        yield server
    finally:
        server.process.terminate()
        server.process.wait(timeout=60)


@pytest.mark.parametrize("header", ["SCRIPT_NAME", "Script_Name", "SCRIPT-NAME"])
def test_no_header_moves_an_address_out_of_the_trail(web, header):
    before = len(web.events())
    cookie = {"Cookie": f"sessionid={web.session}"}
    assert web.get("/static/patients/", **{header: "/static"}, **cookie) == 404
    assert web.get("/patients/", **cookie) == 200
    assert web.events()[before:] == ["GET  404 refused", "GET /patients/ 200 success"]


@pytest.mark.parametrize("path", ["/patients/search/", "/api/v1/patients", "/accounts/login/", "/nowhere/"])
@pytest.mark.parametrize("who", ["session", "token", "nobody"])
def test_who_sends_slowly_stops_nobody(web, path, who):
    # With a CSRF cookie, for without one Django refuses a form before it reads it.
    csrf = "csrftoken=" + "a" * 32
    headers = {
        "session": f"Cookie: sessionid={web.session}; {csrf}\r\n",
        "token": f"Authorization: Bearer nonsense\r\nCookie: {csrf}\r\n",
        "nobody": f"Cookie: {csrf}\r\n",
    }
    with web.trickle(path, headers[who]):
        assert web.get("/patients/", Cookie=f"sessionid={web.session}") == 200  # answered while the other still sends


def test_a_stranger_is_answered_before_the_body_is_sent(web):
    with web.trickle("/patients/search/") as slow:
        assert slow.recv(100).startswith(b"HTTP/1.1 302")
    with web.trickle("/api/v1/patients") as slow:
        assert slow.recv(100).startswith(b"HTTP/1.1 401")
