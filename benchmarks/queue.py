"""Weeks through the queue: a real worker on PostgreSQL and Redis while eight clients ask, and what recalling saves."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np

from benchmarks.figures import Figure, seconds
from benchmarks.recordings import synthetic
from benchmarks.throwaway import NotHere, postgres_clinic

CLIENTS, EACH, SIZES, TARGET_MS = 8, 12, ("S", "M"), 150
PROCESSES = 2
SAME = "the same week recalled by the index"


def measure() -> list[Figure]:
    """p95 from the moment a job is committed until its result is, for requests that compute a new week each."""
    if not os.environ.get("REDIS_URL"):
        raise NotHere("set REDIS_URL to a Redis database of the benchmark's own; it is emptied")
    figures = []
    with postgres_clinic(redis=True):
        recordings = _recordings()
        for size in SIZES:
            _serve(size)
            with worker(PROCESSES):
                took = _ask(recordings)
            p95 = float(np.quantile(took, 0.95))
            aim = {"target": f"≤ {TARGET_MS} ms", "met": p95 <= TARGET_MS}
            what = f"PAT-{size}, {CLIENTS} clients, {PROCESSES} processes: p95 of a request"
            figures.append(Figure(what, p95, float(np.median(took)), "ms", **aim))
        figures += _recalled(recordings[0][0])
    return figures


def _recordings() -> list[list[UUID]]:
    """For each client its recordings of one week, one patient each."""
    from datetime import date

    from django.contrib.auth.models import Group

    from actigraphy.services import ingest_recording
    from novamind.accounts.models import User
    from novamind.audit.recording import recorded
    from novamind.jobs.models import Job
    from novamind.jobs.runner import run_waiting
    from novamind.phi.uploads import sealed_upload
    from patients.consent import record_consent
    from patients.services import create_patient

    user = User.objects.create_user("a@benchmark.test", "benchmark", display_name="A")
    user.groups.add(Group.objects.get(name="psychiatrist"))
    made = []
    for number in range(CLIENTS * EACH):
        with recorded(actor_label="operator:benchmark", request_id=str(number)):
            patient = create_patient(
                by=user, first_name="A", last_name=f"B{number}", date_of_birth=date(1980, 1, 1), mrn=str(number)
            )
            record_consent(
                patient=patient, purpose="models", stream="actigraphy", given=True, how="written", by=user
            )  # fmt: skip
            upload = sealed_upload(synthetic(7, seed=number), "a.awd")
            made.append(ingest_recording(patient=patient, upload=upload, by=user, device_type="actiwatch")[0].pk)
    run_waiting()
    Job.objects.all().delete()
    forget_messages()
    return [made[at * EACH : (at + 1) * EACH] for at in range(CLIENTS)]


def _serve(size: str) -> None:
    """Random weights of that size, and a cohort of simulated people."""
    from datetime import date

    from django.conf import settings

    from actigraphy.pat import cohorts, installing
    from actigraphy.science import pat
    from actigraphy.tests.test_science_pat_weights import random_tensors, write_weights
    from novamind.jobs.models import Job
    from novamind.simulator import Persona, simulate

    os.environ["PAT_MODEL_ID"] = settings.PAT_MODEL_ID = f"PAT-{size}"
    with tempfile.TemporaryDirectory() as folder:
        path = write_weights(Path(folder) / "w.h5", random_tensors(size))
        installing.install(path, by="operator:benchmark", reason="To be timed.")
        people = [simulate(Persona.draw(seed), start=date(2024, 1, 8), days=8).counts for seed in range(12)]
        weeks = np.array([counts[: pat.WEEK_MIN] for counts in people], np.float32)
        cohort = Path(folder) / "cohort.json"
        label = "12 simulated people"
        cohort.write_bytes(pat.cohort_bytes(pat.build_cohort(weeks, device="actiwatch", label=label, synthetic=True)))
        cohorts.install(cohort, by="operator:benchmark", reason="To be timed.")
    Job.objects.all().delete()  # they would read everything again
    forget_messages()


def forget_messages() -> None:
    """Of jobs that are gone; the worker would look for each of them."""
    from redis import Redis

    with Redis.from_url(os.environ["REDIS_URL"]) as broker:
        broker.flushdb()


@contextmanager
def worker(processes: int) -> Iterator[None]:
    """A Celery worker as it is deployed, ended with its children."""
    command = [sys.executable, "-m", "celery", "-A", "novamind", "worker", "--pool", "prefork", "--loglevel", "ERROR"]
    command += ["--concurrency", str(processes), "--queues", "ml", "--without-gossip", "--without-mingle"]
    process = subprocess.Popen([*command, "--without-heartbeat"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait(timeout=60)


def _ask(recordings: list[list[UUID]]) -> list[float]:
    """Milliseconds of each request; the first of each client warms the worker up and is not counted.

    A client asks for its next recording when the one before is done. One connection looks for all of them what is
    done, every two milliseconds: eight that look would take more of this machine than the worker does.
    """
    waiting = dict(enumerate(map(iter, recordings)))
    under_way: dict[UUID, tuple[int, float, bool]] = {}
    took: list[float] = []

    def ask(client: int, *, counts: bool = True) -> None:
        for recording_id in waiting[client]:
            begun = time.perf_counter()
            under_way[_enqueue(recording_id)] = client, begun, counts
            return

    for client in waiting:
        ask(client, counts=False)
    with watcher() as finished:
        while under_way:
            time.sleep(0.002)
            now = time.perf_counter()
            for job in finished(list(under_way)):
                client, begun, counts = under_way.pop(job)
                took += [1e3 * (now - begun)] * counts
                ask(client)
    return took


def _enqueue(recording_id: UUID) -> UUID:
    from novamind.jobs.services import enqueue

    return enqueue("actigraphy.embed", key=f"timed:{recording_id}", recording_id=recording_id).pk


@contextmanager
def watcher() -> Iterator[Callable[[list[UUID]], list[UUID]]]:
    """Tells which of these jobs are done; raises if one failed."""
    import psycopg
    from django.db import connection

    parameters = connection.get_connection_params()
    wanted = {name: parameters[name] for name in ("dbname", "user", "host", "port") if name in parameters}
    with psycopg.connect(**wanted, autocommit=True) as own:

        def finished(jobs: list[UUID]) -> list[UUID]:
            rows = own.execute("SELECT id, state FROM jobs_job WHERE id = ANY(%s) AND state <> ALL(%s)",
                               [jobs, ["pending", "running"]]).fetchall()  # fmt: skip
            assert all(state == "done" for _, state in rows)
            return [job for job, _ in rows]

        yield finished


def _recalled(recording_id: UUID) -> list[Figure]:
    """A record found by the cache (hit) and by the database's index (miss)."""
    from django.core.cache import cache

    from actigraphy.models import Recording
    from novamind.audit.recording import recorded
    from novamind.registry.inference import recall
    from novamind.registry.models import InferenceRecord

    with recorded(actor_label="operator:benchmark", request_id="recall"):
        patient_id = Recording.objects.get(pk=recording_id).patient_id
        known = (
            InferenceRecord.objects.filter(patient_id=patient_id).select_related("model_version").latest("created_at")
        )

        def ask() -> Any:
            return recall(known.model_version, patient_id, known.input_hash, shadow=False)

        def missed() -> Any:
            cache.clear()
            return ask()

        ask()
        (miss, miss_median), (hit, hit_median) = seconds(missed, lambda: (ask(), ask())[1], times=30)
    return [
        Figure("a record recalled, not in the cache", 1e3 * miss, 1e3 * miss_median, "ms"),
        Figure("a record recalled twice, then in the cache", 1e3 * hit, 1e3 * hit_median, "ms", hit / miss, SAME),
    ]
