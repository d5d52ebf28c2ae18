"""Fifty clinicians at once, a page each ten seconds, over gunicorn on PostgreSQL among 10,000 patients.

``LOAD_PATIENTS``, ``LOAD_USERS`` and ``LOAD_SECONDS`` for less. The clients are threads of this process, which wait
most of the time; what they cost is a part of what is measured, as on a machine that does both.
"""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np

from benchmarks.figures import Figure
from benchmarks.throwaway import postgres_clinic, signed_in

PATIENTS = int(os.environ.get("LOAD_PATIENTS", "10000"))
USERS = int(os.environ.get("LOAD_USERS", "50"))
SECONDS = float(os.environ.get("LOAD_SECONDS", "180"))
EVERY_S, BADGE_S, DAYS = 10.0, 60.0, 60
TARGET_MS = 300.0
ROOT = Path(__file__).resolve().parents[1]
#: What a clinician opens of a patient, after the worklist and before the next one.
PAGES = ("brief", "timeline", "symptoms", "medication", "notes")


@dataclass
class Session:
    """One clinician's browser: a cookie, a connection that is kept, and what each page took."""

    port: int
    cookie: str
    patients: list[str]
    took: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    failed: list[str] = field(default_factory=list)

    def work(self, begins: float, ends: float, seed: int) -> None:
        """Open a page every ten seconds until the end: the worklist, then pages of one patient, then the next."""
        rng = np.random.default_rng(seed)
        due = begins + float(rng.uniform(0, EVERY_S))
        badge = begins + float(rng.uniform(0, BADGE_S))
        for kind, path in self._way(rng):
            while badge < min(due, ends):
                _sleep_until(badge)
                self._open("badge", "/patients/alerts/waiting/")
                badge += BADGE_S
            if due >= ends:
                return
            _sleep_until(due)
            self._open(kind, path)
            due += EVERY_S

    def _way(self, rng: np.random.Generator) -> Iterator[tuple[str, str]]:
        while True:
            yield "worklist", "/worklist/"
            patient = self.patients[int(rng.integers(len(self.patients)))]
            for page in PAGES:
                yield page, f"/patients/{patient}/{page}/"

    def _open(self, kind: str, path: str) -> None:
        headers = {"Host": "testserver", "Cookie": self.cookie}
        if kind == "badge":
            headers["X-Background"] = "1"
        begun = time.perf_counter()
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            answer.read()
            connection.close()
        except OSError as error:
            self.failed.append(f"{kind}: {type(error).__name__}")
            return
        self.took[kind].append(time.perf_counter() - begun)
        if answer.status != 200:
            self.failed.append(f"{kind}: {answer.status}")


def measure() -> list[Figure]:
    """The 95th percentile of each kind of page; anything but 200 is an error."""
    with postgres_clinic(redis=bool(os.environ.get("REDIS_URL"))):
        cookies = _clinic()
        with _web() as port:
            sessions = [Session(port, cookie, patients) for cookie, patients in cookies]
            for page in ("/worklist/", *(f"/patients/{sessions[0].patients[0]}/{name}/" for name in PAGES)):
                for _ in range(4):  # each process has its modules, templates and keys before anything is counted
                    sessions[0]._open("warm", page)
            if wrong := sessions[0].failed:
                raise RuntimeError(f"pages do not open: {wrong[:5]}")
            _run(sessions)
    failed = [one for session in sessions for one in session.failed]
    if failed:
        raise RuntimeError(f"{len(failed)} requests failed: {sorted(set(failed))[:5]}")
    return [_figure(kind, [one for session in sessions for one in session.took[kind]])
            for kind in ("worklist", *PAGES, "badge")]  # fmt: skip


def _run(sessions: list[Session]) -> None:
    begins = time.monotonic() + 1
    threads = [
        Thread(target=session.work, args=(begins, begins + SECONDS, seed)) for seed, session in enumerate(sessions)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _figure(kind: str, took: list[float]) -> Figure:
    many = 1e3 * np.array(took)
    if not len(many):
        raise RuntimeError(f"no {kind} was opened: LOAD_SECONDS is too short")
    p95 = float(np.quantile(many, 0.95))
    name = f"{kind}, p95 of {len(many)}, {USERS} sessions, {PATIENTS:,} patients"
    if kind == "badge":  # asked by the page itself, and waited for by nobody
        return Figure(name, p95, float(np.median(many)), "ms")
    return Figure(name, p95, float(np.median(many)), "ms", None, "", f"<= {TARGET_MS:g} ms", p95 <= TARGET_MS)


@contextmanager
def _web() -> Iterator[int]:
    """gunicorn as it is deployed, on the database of this run; ``WEB_CONCURRENCY`` as ever."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [sys.executable, "-m", "gunicorn", "novamind.wsgi:application", "--config", "deploy/gunicorn.conf.py"]
    process = subprocess.Popen(
        [*command, "--bind", f"127.0.0.1:{port}", "--log-level", "warning"], cwd=ROOT, stderr=subprocess.DEVNULL
    )
    try:
        _wait_for(port, process)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=60)


def _wait_for(port: int, process: Any) -> None:
    for _ in range(600):
        if process.poll() is not None:
            raise RuntimeError("gunicorn did not start")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("gunicorn does not answer")


def _sleep_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.monotonic()))


def _clinic() -> list[tuple[str, list[str]]]:
    """(cookie, ids of patients) of each clinician: teams of two, who share the patients of the clinic equally."""
    from django.conf import settings
    from django.contrib.auth.models import Group
    from django.db import connection

    from novamind.accounts.models import User
    from patients.models import CareAssignment, CareTeam, Membership
    from patients.services import sync_team_grants

    people = _people()
    role, users = Group.objects.get(name="psychiatrist"), []
    teams = [CareTeam.objects.create(name=f"Team {number}") for number in range(max(1, USERS // 2))]
    for number in range(USERS):
        user = User.objects.create_user(f"load-{number}@benchmark.test", "benchmark", display_name=f"Load {number}")
        user.groups.add(role)
        Membership.objects.create(team=teams[number % len(teams)], user=user)
        users.append(user)
    CareAssignment.objects.bulk_create(
        [CareAssignment(team=teams[number % len(teams)], patient=one) for number, one in enumerate(people)]
    )
    sync_team_grants()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    found = []
    for number, user in enumerate(users):
        key = signed_in(user).session.session_key
        own = [str(one.pk) for one in people[number % len(teams) :: len(teams)]]
        found.append((f"{settings.SESSION_COOKIE_NAME}={key}", own))
    return found


def _people() -> list[Any]:
    """Patients with two months of check-ins, a PHQ-9 every second week, a medicine, a condition and two visits; of
    one in twenty an alert waits."""
    from datetime import date

    from django.db import transaction

    from novamind import clock
    from patients.models import Alert, Appointment, Assessment, CheckIn, Condition, Medication, TreatmentChange
    from patients.services import create_patient

    rng, now, people = np.random.default_rng(0), clock.now(), []
    result = {"total": 9, "band": "mild", "prorated": False, "missing": [], "says": [], "level": "",
              "safety": {"state": "not_asked", "endorsed": [], "unanswered": []}}  # fmt: skip
    for start in range(0, PATIENTS, 500):
        with transaction.atomic():
            batch = [
                create_patient(by=None, first_name="Synthetic", last_name=f"Person {number:05d}",
                               date_of_birth=date(1940, 1, 1) + timedelta(days=number), mrn=f"SYN-{number:05d}")
                for number in range(start, min(start + 500, PATIENTS))
            ]  # fmt: skip
            CheckIn.objects.bulk_create(
                CheckIn(patient=one, at=now - timedelta(days=back), by_patient=True, mood=int(rng.integers(0, 11)),
                        day=(now - timedelta(days=back)).date())
                for one in batch for back in range(1, DAYS) if rng.random() < 0.7
            )  # fmt: skip
            Assessment.objects.bulk_create(
                Assessment(patient=one, by_patient=True, at=now - timedelta(days=back), instrument="phq9", answers={},
                           instrument_version="1", score=9, result=result, code_version="0")
                for one in batch for back in range(3, DAYS, 14)
            )  # fmt: skip
            courses = Medication.objects.bulk_create(
                Medication(patient=one, drug="sertraline", started_on=now.date() - timedelta(days=40),
                           started_precision="day") for one in batch
            )  # fmt: skip
            TreatmentChange.objects.bulk_create(
                TreatmentChange(patient_id=one.patient_id, about_id=one.pk, what="started", before={})
                for one in courses
            )
            Condition.objects.bulk_create(Condition(patient=one, code="F33.1", text="Depression") for one in batch)
            Appointment.objects.bulk_create(
                Appointment(patient=one, at=now - timedelta(days=back), kind="follow_up", place="clinic", status="kept")
                for one in batch for back in (10, 38)
            )  # fmt: skip
            Alert.objects.bulk_create(
                Alert(patient=one, key=f"load:{one.pk}", kind="silent_stream", severity="low", monitored=True,
                      acknowledge_by=now + timedelta(days=2)) for one in batch[::20]
            )  # fmt: skip
            people += batch
    return people
