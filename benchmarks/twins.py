"""Forecasts of a clinic at night, and one on request: a real worker on PostgreSQL and Redis, half a year of days."""

from __future__ import annotations

import os
import time
from uuid import UUID

import numpy as np

from benchmarks.figures import Figure
from benchmarks.queue import PROCESSES, forget_messages, watcher, worker
from benchmarks.throwaway import NotHere, postgres_clinic

CLINIC, NIGHT_S, REQUEST_MS = 5_000, 20 * 60, 300
#: People that are really computed; the night of the clinic is so many times theirs, for each is a job of its own.
PEOPLE = int(os.environ.get("TWINS_PEOPLE") or 300)
REQUESTS, WARM_UP, DAYS, SAID = 60, 8, 182, 0.8


def measure() -> list[Figure]:
    """Wall time of all forecasts with two processes, and p95 from the commit of one job until its result is stored."""
    if not os.environ.get("REDIS_URL"):
        raise NotHere("set REDIS_URL to a Redis database of the benchmark's own; it is emptied")
    with postgres_clinic(redis=True):
        people = _people()
        with worker(PROCESSES):
            _together(people[:WARM_UP])  # each process loads the forecaster
            night_s = _together(people[WARM_UP:]) / (len(people) - WARM_UP)
            _other_days()
            took = [1e3 * _together([one]) for one in people[:REQUESTS]]
        _other_days()
        cpu_ms = _alone(people[: REQUESTS // 2])
    p95, scaled = float(np.quantile(took, 0.95)), night_s * CLINIC
    what = f"forecasts of {CLINIC:,} people, scaled from {len(people) - WARM_UP}, {PROCESSES} processes"
    return [
        Figure(what, scaled, scaled, "s", target=f"≤ {NIGHT_S} s", met=scaled <= NIGHT_S),
        Figure("one forecast on request, warm: p95", p95, float(np.median(took)), "ms", target=f"≤ {REQUEST_MS} ms",
               met=p95 <= REQUEST_MS),
        Figure("CPU of its job, the database's not counted: p95", float(np.quantile(cpu_ms, 0.95)),
               float(np.median(cpu_ms)), "ms"),
    ]  # fmt: skip


def _people() -> list[UUID]:
    """Patients with a twin who allow it and say their mood on four days of five."""
    from datetime import date, timedelta

    from django.contrib.auth.models import Group

    from novamind import clock
    from novamind.accounts.models import User
    from novamind.audit.recording import recorded
    from novamind.jobs.models import Job
    from patients.consent import record_consent
    from patients.models import CheckIn
    from patients.services import create_patient
    from twins.installing import install_correlation, install_forecaster
    from twins.models import Twin

    user = User.objects.create_user("a@benchmark.test", "benchmark", display_name="A")
    user.groups.add(Group.objects.get(name="psychiatrist"))
    rng, made = np.random.default_rng(0), []
    with recorded(actor_label="operator:benchmark", request_id="people"):
        install_correlation()
        install_forecaster()
        for number in range(PEOPLE):
            patient = create_patient(
                by=user, first_name="A", last_name=f"B{number}", date_of_birth=date(1980, 1, 1), mrn=str(number)
            )
            record_consent(
                patient=patient, purpose="models", stream="questionnaires", given=True, how="written", by=None
            )
            today, mood, rows = clock.now().astimezone(patient.tz).date(), 5.0, []
            for back in range(DAYS, 0, -1):
                mood = 5 + 0.6 * (mood - 5) + 1.5 * rng.standard_normal()
                day = today - timedelta(days=back)
                if rng.random() < SAID:
                    at = clock.midnight(day, patient.tz) + timedelta(hours=9)
                    said = int(np.clip(round(mood), 0, 10))
                    rows.append(CheckIn(patient=patient, at=at, by_patient=True, day=day, mood=said))
            CheckIn.objects.bulk_create(rows)
            Twin.objects.create(patient=patient, created_by=user)
            made.append(patient.pk)
    Job.objects.all().delete()
    forget_messages()
    return made


def _alone(people: list[UUID]) -> list[float]:
    """Milliseconds of CPU of each job in this process, whatever else the machine does; the first warms up."""
    from novamind.jobs.runner import run_job
    from novamind.jobs.services import enqueue

    took = []
    for pk in people:
        job = enqueue("twins.forecast", key=f"alone:{pk}", patient_id=pk).pk
        begun = time.process_time()
        assert run_job(job)
        took.append(1e3 * (time.process_time() - begun))
    return took[1:]


def _other_days() -> None:
    """What everybody said last, changed: else a request recalls what the night has computed."""
    from django.db.models import F

    from novamind.audit.recording import aggregates, recorded
    from patients.models import CheckIn

    with recorded(actor_label="operator:benchmark", request_id="days"), aggregates():
        CheckIn.objects.filter(mood__lt=10).update(mood=F("mood") + 1)


def _together(people: list[UUID]) -> float:
    """Seconds until the forecasts of all these people are stored, from when the first was asked for."""
    from novamind.jobs.services import enqueue

    with watcher() as finished:
        begun = time.perf_counter()
        jobs = [enqueue("twins.forecast", key=f"timed:{begun}:{pk}", patient_id=pk).pk for pk in people]
        done: set[UUID] = set()
        while len(done) < len(jobs):
            time.sleep(0.002 if len(jobs) == 1 else 0.1)
            done.update(finished([job for job in jobs if job not in done]))
        return time.perf_counter() - begun
