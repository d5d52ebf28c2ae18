"""The audit trail: sealing and verifying, what an account saw among a million events, the database's own notes."""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable
from datetime import date, timedelta
from hashlib import sha256
from typing import Any
from uuid import uuid4

from benchmarks.figures import Figure, seconds
from benchmarks.throwaway import postgres_clinic

SEALED, EVENTS, ACTORS, ROWS = 20_000, 1_000_000, 50, 5_000
HMAC = "an HMAC of the same bytes, in a loop"
FILL = """
INSERT INTO audit_auditevent (id, at, event_type, actor_id, actor_label, role, action, object_label, object_id, purpose,
  outcome, path, method, query_params, status_code, duration_ms, ip, user_agent, session_hash, request_id, app_version,
  details)
SELECT gen_random_uuid(), now() - n * interval '1 second' * %s, 'DATA_ACCESS', (%s::uuid[])[1 + n %% %s], 'x', 'x',
  'test', '', '', 'TREAT', 'success', '/patients/', 'GET', '[]', 200, 12, '192.0.2.7', 'x', '', n::text, '0', '{}'
FROM generate_series(1, %s) n
"""
PATIENTS = """
INSERT INTO audit_auditeventpatient (event_id, patient_id, at, purpose, opened)
SELECT id, md5((random() * 5000)::int::text)::uuid, at, 'TREAT', random() < 0.25
FROM audit_auditevent, generate_series(1, 2)
"""


def measure() -> list[Figure]:
    """All three, on one PostgreSQL database."""
    with postgres_clinic():
        return [*_chain(), *_notes(), *_questions()]


def _chain() -> list[Figure]:
    from django.conf import settings

    from novamind.audit import seal, triggers
    from novamind.audit.models import AuditEvent
    from novamind.audit.verifying import broken_links

    _fill(SEALED, 0.1)  # within the hour that the sealer looks back
    lines = list(seal.canonical(AuditEvent.objects.all()).values())
    key = settings.AUDIT_SEAL_KEY.encode()

    def loop() -> None:
        mac = bytes(32)
        for number, line in enumerate(lines):
            mac = hmac.new(key, mac + number.to_bytes(8, "big") + line, sha256).digest()

    (limit, _), (sealed, sealed_median), (verified, verified_median) = seconds(
        loop, _sealing(triggers), lambda: _none(list(broken_links())), times=3
    )
    return [
        _figure(f"seal {SEALED} events, database included", sealed, sealed_median, limit),
        _figure(f"verify {SEALED} events, database included", verified, verified_median, limit),
        Figure(f"HMAC of {SEALED} events alone", limit, limit, "s"),
    ]


def _figure(name: str, best: float, median: float, limit: float) -> Figure:
    return Figure(name, best, median, "s", best / limit, HMAC)


def _sealing(triggers: Any) -> Callable[[], None]:
    from django.db import connection

    from novamind.audit.seal import seal_new

    def run() -> None:
        triggers.drop(connection, triggers.SEALS)
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE audit_seal")
        assert seal_new(at_most=SEALED) == SEALED

    return run


def _none(found: list[Any]) -> None:
    assert found == []


def _questions() -> list[Figure]:
    from django.db import connection

    from novamind.accounts.models import User
    from novamind.audit import activity, questions
    from novamind.clock import now, zone
    from patients.services import create_patient

    actors = _fill(EVENTS, 1)
    names = [f"Ann Name{number}" for number in range(ACTORS)]
    User.objects.bulk_create(
        User(pk=actor, email=f"{name}@clinic.test", display_name=name)
        for actor, name in zip(actors, names, strict=True)
    )
    for name in names:
        create_patient(by=None, first_name="A", last_name=name.split()[1], date_of_birth=date(1980, 1, 1))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    days = questions.Days(None, None, zone("Europe/Oslo"))
    user = User.objects.create_user("benchmark@clinic.test")
    patient = questions.what_they_saw(actors[0], days, at_most=1).charts[0].patient_id
    week = activity.Week.of(now() - timedelta(days=7))
    asked = {
        f"what an account saw, {EVENTS // ACTORS} of {EVENTS} events": (
            lambda: questions.what_they_saw(actors[0], days, at_most=200), 60.0),
        "the same as lines of a file": (
            lambda: sum(1 for _ in questions.lines_of(questions.what_they_did(actors[0], days))), 60.0),
        "who saw a chart, newest 50": (
            lambda: list(questions.who_saw(patient, questions.Narrowed(days))[:50]), 1.0),
        "an account without events": (lambda: questions.what_they_saw(user.pk, days, at_most=200), 1.0),
        "all rules of the weekly review": (lambda: [list(rule.find(week)) for rule in activity.rules()], 10.0),
    }  # fmt: skip
    took = seconds(*(ask for ask, _ in asked.values()), times=1)
    return [
        Figure(name, best, median, "s", target=f"<= {target:g} s", met=best <= target)
        for (name, (_, target)), (best, median) in zip(asked.items(), took, strict=True)
    ]


def _fill(number: int, apart_s: float) -> list[Any]:
    from django.db import connection

    actors = [uuid4() for _ in range(ACTORS)]
    with connection.cursor() as cursor:
        cursor.execute(FILL, [apart_s, actors, ACTORS, number])
        cursor.execute(PATIENTS)
    return actors


def _notes() -> list[Figure]:
    """One statement that writes 5,000 rows of a chart, with and without the database's notes of it."""
    from django.db import connection, transaction

    from actigraphy.models import Source
    from novamind.audit import changes
    from patients.services import create_patient

    patient = create_patient(by=None, first_name="A", last_name="B", date_of_birth=date(1980, 1, 1))

    def write(noted: bool) -> tuple[float, float]:
        (changes.install if noted else changes.drop)(connection, [Source])
        took = []
        for what in ("insert", "update"):
            with transaction.atomic():
                rows = [Source(patient=patient, kind="recording", device_type="actiwatch") for _ in range(ROWS)]
                begun = time.perf_counter()
                if what == "insert":
                    Source.objects.bulk_create(rows)
                else:
                    Source.objects.bulk_create(rows)
                    begun = time.perf_counter()
                    Source.objects.all().update(device_model="x")
                took.append(time.perf_counter() - begun)
                transaction.set_rollback(True)
        return took[0], took[1]

    runs = {noted: [write(noted) for _ in range(5)] for noted in (True, False, True)}
    figures = []
    for place, what in enumerate(("insert", "update")):
        noted, bare = (sorted(run[place] for run in runs[way]) for way in (True, False))
        limit = f"the same {what} without notes"
        figures.append(Figure(f"{what} {ROWS} rows, noted", noted[0], noted[2], "s", noted[0] / bare[0], limit))
    return figures
