"""The cohort page: 500 patients, 90 days each, on PostgreSQL; wall time and the web process's own CPU time."""

from __future__ import annotations

import gc
import time
from datetime import date, timedelta
from typing import Any

import numpy as np

from benchmarks.figures import Figure
from benchmarks.throwaway import postgres_clinic, signed_in

PATIENTS, DAYS, TIMES = 500, 90, 40
TARGET_MS = 500.0
MEASURES = ("sleep_duration", "coverage", "phq9")


def measure() -> list[Figure]:
    """The 95th percentile of whole requests, and of CPU, for three measures."""
    with postgres_clinic():
        client = signed_in(_clinic())
        gc.collect()
        gc.freeze()
        return [figure for name in MEASURES for figure in _figures(client, name)]


def _figures(client: Any, name: str) -> list[Figure]:
    address = f"/cohort/?measure={name}"
    took, cpu, queries = [], [], set()
    for turn in range(TIMES + 2):
        from django.db import connection
        from django.test.utils import CaptureQueriesContext

        begun, worked = time.perf_counter(), time.process_time()
        if turn:
            answer = client.get(address)
            took.append(time.perf_counter() - begun)
            cpu.append(time.process_time() - worked)
        else:
            with CaptureQueriesContext(connection) as captured:
                answer = client.get(address)
            queries.add(len(captured))
        assert answer.status_code == 200
        assert answer.content.count(b'<th scope="row">') == PATIENTS
    wall, own = ([1e3 * one for one in many[1:]] for many in (took, cpu))
    p95, work = float(np.quantile(wall, 0.95)), float(np.quantile(own, 0.95))
    called = f"cohort, {name}, {PATIENTS} patients, {min(queries)} queries"
    return [
        Figure(f"{called}, p95", p95, float(np.median(wall)), "ms", None, "", f"<= {TARGET_MS:g} ms", p95 <= TARGET_MS),
        Figure(f"{called}, p95 of CPU", work, float(np.median(own)), "ms"),
    ]


def _clinic() -> Any:
    """A clinician whose team cares for 500 patients with 90 days of every series, and a PHQ-9 every second week."""
    from django.contrib.auth.models import Group
    from django.db import connection, transaction

    from insights.models import DayValues
    from insights.pages.cohort import last_day
    from insights.rules.series import FEATURES
    from novamind import clock
    from novamind.accounts.models import User
    from patients.models import Assessment, CareAssignment, CareTeam, Membership
    from patients.services import create_patient, sync_team_grants

    rng = np.random.default_rng(0)
    with transaction.atomic():
        people = [
            create_patient(by=None, first_name="Synthetic", last_name=f"Person {number:03d}",
                           date_of_birth=date(1940, 1, 1) + timedelta(days=number), mrn=f"SYN-{number:05d}")
            for number in range(PATIENTS)
        ]  # fmt: skip
        values = rng.normal(400, 60, (PATIENTS, len(FEATURES), DAYS))
        values[rng.random(values.shape) < 0.15] = np.nan
        DayValues.objects.bulk_create(
            _sealed(DayValues(patient=one, last=last_day(), series=list(FEATURES), code_version="0"), days)
            for one, days in zip(people, values, strict=True)
        )
        Assessment.objects.bulk_create(
            Assessment(patient=one, by_patient=True, at=clock.now() - timedelta(days=back), instrument="phq9",
                       instrument_version="1", answers={}, score=int(rng.integers(0, 28)), result={}, code_version="0")
            for one in people for back in range(1, DAYS, 14)
        )  # fmt: skip
    user = User.objects.create_user("cohort@benchmark.test", "benchmark", display_name="Cohort")
    user.groups.add(Group.objects.get(name="psychiatrist"))
    team = CareTeam.objects.create(name="Cohort")
    Membership.objects.create(team=team, user=user)
    CareAssignment.objects.bulk_create([CareAssignment(team=team, patient=patient) for patient in people])
    sync_team_grants()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return user


def _sealed(row: Any, days: Any) -> Any:
    row.seal(days)
    return row
