"""A clinic of real processes: web server, worker, scheduler, on the servers that the environment names.

Without ``DATABASE_URL`` on SQLite, without ``REDIS_URL`` on a folder of messages. What leaves for others (error
reports, a model outside) arrives at a sink of the test's own.
"""

from __future__ import annotations

import http.client
import os
import re
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from novamind.management.commands.demo import parts
from tests.running import HANG_S, READY_WITHIN_S, ROOT, free_port

CSRF = "c" * 32
SEED = """
import django; django.setup()
from django.test import Client
from novamind.accounts import demo
from novamind.accounts.models import User
from novamind.accounts.second_factor import record
from patients.models import CareTeam
from patients.services import join_team
demo.seed(lambda said: None)
for name in ("north", "south"):
    team = CareTeam.objects.create(name=name)
    for user in User.objects.filter(email__contains=f".{name}@"):
        join_team(team=team, user=user)
for user in User.objects.all():
    client = Client()
    client.force_login(user)
    session = client.session
    record(session, user, "totp")
    session.save()
    print(user.email.split("@")[0], session.session_key)
"""


class Sink:
    """An HTTP server that keeps what it is sent, as it came."""

    def __init__(self) -> None:
        self.got: list[tuple[str, bytes]] = []
        got = self.got

        class Keep(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                got.append((self.path, body + b"\n" + str(self.headers).encode()))
                self.send_response(200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_: Any) -> None:
                """Says nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Keep)
        self.port = self.server.server_address[1]
        Thread(target=self.server.serve_forever, daemon=True).start()

    def of(self, path: str) -> list[bytes]:
        """The bodies that were sent there."""
        return [body for where, body in self.got if where.startswith(path)]

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@dataclass(frozen=True)
class Answer:
    """What somebody was answered."""

    who: str
    asked: str
    status: int
    head: str
    location: str
    body: bytes


class Clinic:
    """See the module's first lines; every answer to anybody is kept in ``answers``."""

    def __init__(self, folder: Path, settings_module: str) -> None:
        self.folder, self.port, self.sink = folder, free_port(), Sink()
        self.answers: list[Answer] = []
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.server = os.environ.get("DATABASE_URL", "")
        self.database = self._own_database()
        (folder / "tmp").mkdir()
        self.environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": settings_module,
            "ENVIRONMENT": "development",
            "DATA_DIR": str(folder / "var"),
            "DATABASE_URL": self.database,
            "MASTER_KEY_FILE": "",
            "MIGRATE_DATABASE_URL": "",
            "TMPDIR": str(folder / "tmp"),
            "SENTRY_DSN": f"http://key@127.0.0.1:{self.sink.port}/1",
            "ACCIDENTS_MODEL_URL": f"http://127.0.0.1:{self.sink.port}/model",
            "TICK_S": "1",
            "RATE_LIMITING_ENABLED": "0",
            "EMAIL_PROVIDER": "postmark",
            "EMAIL_API_KEY": "key",
            "EMAIL_API_URL": f"http://127.0.0.1:{self.sink.port}/mail/",
            "QUIET_HOURS": "",
            "LOG_LEVEL": "DEBUG",  # more than any clinic writes
        }
        self.environment["MASTER_KEY_FILE"] = str(folder / "var" / "secrets" / "master.key")
        try:
            self.python("manage.py", "migrate_locked", "--verbosity", "0")
            lines = self.python("-c", SEED).splitlines()
            self.sessions: dict[str, str] = dict(line.split(" ", 1) for line in lines)  # type: ignore[misc]
            for part in parts("127.0.0.1", self.port, folder / "var"):
                self.start(part.name)
            self.until(lambda: self.ask("nobody", "GET", "/health/ready").status == 200, within_s=READY_WITHIN_S)
        except BaseException:
            self.stop()
            raise

    def start(self, name: str) -> None:
        """One of the processes, as the demo starts it."""
        part = next(part for part in parts("127.0.0.1", self.port, self.folder / "var") if part.name == name)
        part.log.parent.mkdir(parents=True, exist_ok=True)
        with part.log.open("ab") as log:
            self.processes[name] = subprocess.Popen(
                part.argv, cwd=ROOT, env=self.environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )

    def end(self, name: str) -> None:
        """SIGTERM, and by force if that is not heard."""
        process = self.processes.pop(name)
        process.terminate()
        try:
            process.wait(timeout=HANG_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def stop(self) -> None:
        for name in list(self.processes):
            self.end(name)
        self.sink.stop()
        if self.database.startswith("postgres"):
            self._psql(f'DROP DATABASE IF EXISTS "{urlsplit(self.database).path[1:]}" WITH (FORCE)')

    def python(self, *words: str) -> str:
        """What a Python of this clinic prints; standard error is kept with the logs."""
        log = self.folder / "var" / "log" / "commands.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as errors:
            done = subprocess.run(
                [sys.executable, *words], cwd=ROOT, env=self.environment, check=False, stdout=-1, stderr=errors
            )
        assert done.returncode == 0, f"{words[:2]}: {done.stdout.decode()}\n{log.read_text()[-3000:]}"
        return done.stdout.decode()

    def django(self, code: str) -> str:
        """The same with Django set up."""
        return self.python("-c", f"import django; django.setup()\n{code}")

    def until(self, condition: Callable[[], Any], *, within_s: float = HANG_S) -> Any:
        """What the condition finally returns."""
        deadline = time.monotonic() + within_s
        while not (found := condition()):
            dead = [name for name, process in self.processes.items() if process.poll() is not None]
            assert not dead, f"{dead} ended:\n{self.evidence()}"
            assert time.monotonic() < deadline, f"not within {within_s} s:\n{self.evidence()}"
            time.sleep(0.1)
        return found

    def evidence(self) -> str:
        """The ends of all logs."""
        logs = sorted((self.folder / "var" / "log").glob("*.log"))
        return "\n".join(f"== {log.name}\n{log.read_text(errors='replace')[-2000:]}" for log in logs)

    def ask(
        self, who: str, method: str, path: str, form: dict[str, Any] | None = None, *, body: bytes | None = None,
        kind: str = "application/json", file: tuple[str, bytes] | None = None, **headers: str,
    ) -> Answer:  # fmt: skip
        """One request of somebody's browser (or of ``nobody``'s); a form, a body of a kind, or a form with a file."""
        sent = {"Cookie": f"csrftoken={CSRF}", "X-CSRFToken": CSRF} | headers
        if who in getattr(self, "sessions", {}):
            sent["Cookie"] += f"; sessionid={self.sessions[who]}"
        if file is not None:
            body, kind = _multipart(form or {}, *file)
        elif form is not None:
            body, kind = urlencode(form, doseq=True).encode(), "application/x-www-form-urlencoded"
        if body is not None:
            sent["Content-Type"] = kind
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=HANG_S)
        try:
            connection.request(method, path, body, sent)
            got = connection.getresponse()
            answer = Answer(
                who, f"{method} {path}", got.status, str(got.headers), got.headers.get("Location", ""), got.read()
            )
        except OSError:
            return Answer(who, f"{method} {path}", 0, "", "", b"")  # nobody listens yet
        finally:
            connection.close()
        self.answers.append(answer)
        return answer

    def dump(self) -> bytes:
        """The whole database, as a backup would hold it."""
        if self.database.startswith("postgres"):
            return subprocess.run(["pg_dump", self.database], check=True, capture_output=True).stdout
        return b"".join(path.read_bytes() for path in sorted(self.folder.glob("clinic.sqlite3*")))

    def sql(self, statement: str) -> None:
        """One statement, past everything of ours."""
        self.django(f"from django.db import connection\nconnection.cursor().execute({statement!r})")

    def _own_database(self) -> str:
        if not self.server.startswith("postgres"):
            return f"sqlite:///{self.folder / 'clinic.sqlite3'}"
        name = f"{urlsplit(self.server).path[1:]}_{os.getpid()}_{uuid.uuid4().hex[:8]}"
        self._psql(f'CREATE DATABASE "{name}"')
        return urlunsplit(urlsplit(self.server)._replace(path=f"/{name}"))

    def _psql(self, statement: str) -> None:
        import psycopg

        with psycopg.connect(self.server, autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[call-overload]


def _multipart(form: dict[str, Any], name: str, content: bytes) -> tuple[bytes, str]:
    boundary = uuid.uuid4().hex
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
        for key, value in form.items()
    ]
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
    head += "Content-Type: application/octet-stream\r\n\r\n"
    parts += [head.encode() + content + b"\r\n", f"--{boundary}--\r\n".encode()]
    return b"".join(parts), f"multipart/form-data; boundary={boundary}"


def id_in(text: str) -> str:
    """The first identifier in an address."""
    found = re.search(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", text)
    assert found, text
    return found[0]
