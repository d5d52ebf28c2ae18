"""A demo that really runs: web server, worker, scheduler, started as a person would and spoken to over HTTP."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PASSWORD = "synthetic-clinic-2027"  # noqa: S105  (the demo prints it)
READY_WITHIN_S = 300
HANG_S = 120  # nothing is measured with these: a hang fails after this long


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Demo:
    """``manage.py demo`` in a folder of its own; leases are short, so that recovery is quick to watch."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        quick = {"JOB_LEASE_S": "4", "JOB_RENEW_S": "1", "TICK_S": "1", "ENVIRONMENT": "development"}
        quick["RATE_LIMITING_ENABLED"] = "0"  # a drill asks more in a minute than any person
        self.log = (folder / "demo.log").open("wb")
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "demo", "--port", str(self.port), "--data-dir", str(folder / "var")],
            cwd=ROOT,
            env=os.environ | quick,
            stdout=self.log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            self.until(lambda: b"Ready." in self.printed(), within_s=READY_WITHIN_S)
        except BaseException:
            self.stop()  # nobody else has it yet
            raise

    def printed(self) -> bytes:
        """Everything the demo has said so far."""
        return (self.folder / "demo.log").read_bytes()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def until(self, condition: Callable[[], Any], *, within_s: float) -> Any:
        """What the condition finally returns; fails with the logs when it never holds."""
        deadline = time.monotonic() + within_s
        while not (found := condition()):
            assert self.process.poll() is None, f"the demo ended:\n{self.evidence()}"
            assert time.monotonic() < deadline, f"not within {within_s} s:\n{self.evidence()}"
            time.sleep(0.05)
        return found

    def evidence(self) -> str:
        """The ends of all logs."""
        logs = [self.folder / "demo.log", *sorted((self.folder / "var" / "log").glob("*.log"))]
        return "\n".join(f"== {log.name}\n{log.read_text(errors='replace')[-3000:]}" for log in logs if log.exists())

    def stop(self) -> bool:
        """Ctrl-C; whether it ended by itself (else it is killed)."""
        ended = True
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(timeout=HANG_S)
            except subprocess.TimeoutExpired:
                ended = False
                self.process.kill()
                self.process.wait()
        self.log.close()
        return ended

    def processes(self) -> list[int]:
        """Everything this demo has started that still runs."""
        return [pid for pid, _ in self._descendants()]

    def worker_pids(self) -> list[int]:
        """The Celery worker of this demo and its children."""
        return [pid for pid, words in self._descendants() if "celery" in words and " worker " in words]

    def _descendants(self) -> list[tuple[int, str]]:
        found, parents = [], {self.process.pid}
        table = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    ppid = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
                    table[int(entry.name)] = (ppid, (entry / "cmdline").read_text().replace("\0", " "))
                except OSError:
                    continue
        grown = True
        while grown:
            grown = False
            for pid, (ppid, words) in table.items():
                if ppid in parents and pid not in parents:
                    parents.add(pid)
                    found.append((pid, words))
                    grown = True
        return found

    def kill_worker(self) -> None:
        """``kill -9`` of the worker and its children, all at once; only processes this demo started."""
        for pid in self.worker_pids():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue

    def caller(self, email: str) -> Caller:
        """A client of the API, signed in."""
        return Caller(self, email)

    def code(self, email: str) -> str:
        """The second factor of somebody here, as a person gets it; waits until it counts."""
        command = [sys.executable, "manage.py", "demo_code", email, "--data-dir", str(self.folder / "var")]
        printed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=HANG_S).stdout
        code, wait_s = re.fullmatch(r"(\d{6})(?:\s+\(counts in (\d+) s\))?\s*", printed).groups()  # type: ignore[union-attr]
        time.sleep(int(wait_s or 0))
        return str(code)


class Caller:
    """Speaks to the API with a bearer token, renewed when it has run out."""

    def __init__(self, demo: Demo, email: str) -> None:
        self.demo, self.port, self.email, self.token = demo, demo.port, email, ""
        self.sign_in()

    def sign_in(self) -> None:
        given = {"email": self.email, "password": PASSWORD, "code": self.demo.code(self.email)}
        body = json.dumps(given).encode()
        status, answer = self._send("POST", "/api/v1/auth/login", body, "application/json")
        assert status == 200, answer
        self.token = answer["access"]

    def get(self, path: str) -> tuple[int, Any]:
        return self._send("GET", path)

    def upload(self, patient_id: str, name: str, content: bytes) -> tuple[int, Any]:
        boundary = uuid.uuid4().hex
        parts = [
            f'--{boundary}\r\nContent-Disposition: form-data; name="patient_id"\r\n\r\n{patient_id}\r\n'.encode(),
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n".encode()
            + content
            + b"\r\n",
            f"--{boundary}--\r\n".encode(),
        ]
        kind = f"multipart/form-data; boundary={boundary}"
        return self._send("POST", "/api/v1/actigraphy/upload", b"".join(parts), kind)

    def _send(self, method: str, path: str, body: bytes | None = None, kind: str = "") -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=HANG_S)
        headers = {"Content-Type": kind} if kind else {}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        path = re.sub(r"^http://[^/]+", "", path)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return response.status, json.loads(response.read() or b"null")
        finally:
            connection.close()
