"""Alert rules of a clinic at night: the shipped ones on, check-ins and nights of a quarter; CPU of a patient's job."""

from __future__ import annotations

import os
import time
from datetime import date, timedelta
from uuid import UUID

import numpy as np

from benchmarks.figures import Figure
from benchmarks.queue import PROCESSES
from benchmarks.throwaway import NotHere, postgres_clinic, sqlite_clinic

CLINIC, NIGHT_S, DAYS, SAID = 10_000, 5 * 60, 110, 0.8
#: People whose rules are really asked; the night of the clinic is so many times theirs, for each is a job of its own.
PEOPLE = int(os.environ.get("RULES_PEOPLE") or 100)


def measure() -> list[Figure]:
    """CPU of the jobs of one night, with the statements that they raise alerts by, scaled to the clinic."""
    try:
        with postgres_clinic():
            return _measured("PostgreSQL")
    except NotHere:
        with sqlite_clinic():
            return _measured("SQLite")


def _measured(database: str) -> list[Figure]:
    took, alerts = _asked(_people())
    night_s = CLINIC * float(np.mean(took)) / PROCESSES
    words = f"6 rules on, {PEOPLE} people, {alerts} alerts raised, {database}"
    return [
        Figure(f"CPU of one patient's rules: {words}", 1e3 * float(np.mean(took)), 1e3 * float(np.median(took)), "ms"),
        Figure(f"rules of {CLINIC:,} people, {PROCESSES} processes, CPU without the database's", night_s, night_s, "s",
               target=f"≤ {NIGHT_S} s", met=night_s <= NIGHT_S),
    ]  # fmt: skip


def _asked(people: list[UUID]) -> tuple[list[float], int]:
    """Seconds of CPU of each job in this process, whatever else the machine does; the first warms up."""
    from novamind.audit.recording import aggregates
    from novamind.jobs.runner import run_job
    from novamind.jobs.services import enqueue
    from patients.models import Alert

    took = []
    for pk in people:
        job = enqueue("insights.alert_rules", key=f"insights.alert_rules:{pk}", patient_id=pk).pk
        begun = time.process_time()
        assert run_job(job)
        took.append(time.process_time() - begun)
    with aggregates():
        return took[1:], Alert.objects.count()


def _people() -> list[UUID]:
    """Patients who sleep and say how they are; one in ten has slept badly for five nights. The shipped rules are on."""
    from django.contrib.auth.models import Group

    from insights.models import AlertRule
    from novamind.accounts.models import User
    from novamind.audit.recording import recorded
    from novamind.jobs.models import Job
    from patients.services import create_patient

    user = User.objects.create_user("a@benchmark.test", "benchmark", display_name="A")
    user.groups.add(Group.objects.get(name="psychiatrist"))
    rng, made = np.random.default_rng(0), []
    with recorded(actor_label="operator:benchmark", request_id="people"):
        AlertRule.objects.update(active=True)
        for number in range(PEOPLE):
            patient = create_patient(
                by=user, first_name="A", last_name=f"B{number}", date_of_birth=date(1980, 1, 1), mrn=str(number)
            )
            _days(patient, rng, short=number % 10 == 0)
            made.append(patient.pk)
    Job.objects.all().delete()
    return made


def _days(patient: object, rng: np.random.Generator, *, short: bool) -> None:
    from actigraphy.models import Analysis, Night, Source
    from novamind import clock
    from patients.models import CheckIn

    source = Source.objects.create(patient=patient, kind="recording", device_type="actiwatch")
    analysis = Analysis.objects.create(
        patient=patient, source=source, window_start=clock.now() - timedelta(days=DAYS), window_end=clock.now(),
        zone="UTC", device_type="actiwatch", methods={}, results={}, input_hash="0", code_version="0",
    )  # fmt: skip
    today, said, nights = clock.now().date(), [], []
    for back in range(DAYS, 0, -1):
        day = today - timedelta(days=back)
        slept = 420 + 45 * rng.standard_normal() - (200 if short and back <= 5 else 0)
        nights.append(
            Night(
                patient=patient, analysis=analysis, date=day - timedelta(days=1), tst_min=slept, worn_h=24, method="m"
            )
        )
        if rng.random() < SAID:
            at = clock.midnight(day, clock.zone("UTC")) + timedelta(hours=9)
            mood, energy = (int(np.clip(round(5 + 1.5 * rng.standard_normal()), 0, 10)) for _ in range(2))
            said.append(CheckIn(patient=patient, at=at, by_patient=True, day=day, mood=mood, energy=energy))
    Night.objects.bulk_create(nights)
    CheckIn.objects.bulk_create(said)
