"""Biometric events through the API into PostgreSQL and out again, one web process."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

import numpy as np

from benchmarks.figures import Figure, seconds
from benchmarks.throwaway import postgres_clinic, signed_in

URL = "/api/v1/biometric-events"
START = datetime(2025, 1, 1, tzinfo=UTC)
#: Samples that are held when the cost of one more day is measured, in millions.
HELD_M = (1, 10, 100)
DAY, BATCH, CLIENTS, TOGETHER = 1440, 10_000, 8, 100_000
DEVICES, DAYS_EACH = 4, 60  # as many as the web server has threads


def measure() -> list[Figure]:
    """Events and columns per second beside parsing their JSON and a bare INSERT; eight clients; reading; growth."""
    with postgres_clinic():
        return _measure()


def _measure() -> list[Figure]:
    from django.conf import settings

    settings.RATE_LIMITING_ENABLED = False  # nobody sends so many batches a minute
    user, patients = _clinic()
    client, device = signed_in(user), _device(patients[0])
    lists, columns = _lists(patients[0]), _columns(patients[0])
    return [
        *_rates("a list of 10,000 events, new days", BATCH, client, lists, 20_000),
        *_rates("a column of 1,440, new days", DAY, client, columns, 100_000),
        *_rates("a column of 1,440 from a device's token, new days", DAY, device, columns, 100_000),
        *_rates("six columns of 1,440, new days", 6 * DAY, client, _six(columns), 100_000),
        *_devices_at_once(user),
        *_together(user, patients[1]),
        *_reading(patients[0]),
        *_growth(client, user),
    ]


def _clinic() -> tuple[Any, list[str]]:
    from django.contrib.auth.models import Group

    from novamind.accounts.models import User
    from patients.models import CareTeam
    from patients.services import join_team

    user = User.objects.create_user("a@benchmark.test", "benchmark", display_name="A")
    user.groups.add(Group.objects.get(name="psychiatrist"))
    team = CareTeam.objects.create(name="a")
    join_team(team=team, user=user)
    return user, [_patient(user) for _ in range(2)]


def _patient(user: Any) -> str:
    from patients.services import create_patient

    born = date(1980, 1, 1)
    return str(create_patient(by=user, first_name="Ada", last_name="Berg", date_of_birth=born).pk)


def _device(patient: str) -> Any:
    """A client with the token of a device of this patient, as a watch or a gateway sends."""
    from django.test import Client

    from novamind.audit.recording import recorded
    from patients.devices import DeviceKind, enrol
    from patients.models import Patient

    with recorded(actor_label="benchmark", request_id="benchmark"):
        token = enrol(patient=Patient.objects.get(pk=patient), kind=DeviceKind.WEARABLE)
    return Client(headers={"Authorization": f"Bearer {token}"})


def _beats(n: int, seed: int) -> list[float]:
    """A heart rate as a watch sends it: whole beats, restless, slower at night."""
    noise = np.random.default_rng(seed).normal(0, 4, n + 100)
    wander = np.convolve(noise, 0.9 ** np.arange(100), "valid")[:n]
    daily = -12 * np.cos(2 * np.pi * np.arange(n) / DAY)
    return np.clip(72 + daily + wander, 40, 190).round().tolist()


def _lists(patient: str) -> Any:
    """Bodies of ten thousand events each, one a minute; each body's days are new."""
    turn = 0
    while True:
        first = START + timedelta(minutes=turn * BATCH)
        yield json.dumps(
            [
                {
                    "patient_id": patient, "data_type": "heart_rate", "source": "watch",
                    "timestamp": (first + timedelta(minutes=k)).strftime("%Y-%m-%dT%H:%M:%SZ"), "data": {"bpm": beat},
                }
                for k, beat in enumerate(_beats(BATCH, turn))
            ]
        )  # fmt: skip
        turn += 1


def _columns(patient: str) -> Any:
    """Bodies of one day of minutes each."""
    turn = 0
    while True:
        day = START + timedelta(days=turn % 600)
        yield json.dumps(
            {
                "patient_id": patient, "data_type": "heart_rate", "source": "ring",
                "source_device_id": str(turn // 600), "start": day.isoformat(), "epoch_s": 60,
                "values": _beats(DAY, turn),
            }
        )  # fmt: skip
        turn += 1


def _six(columns: Any) -> Any:
    """Bodies of six columns each: what a watch that was away for six days sends."""
    while True:
        yield f"[{','.join(next(columns) for _ in range(6))}]"


def _rates(what: str, n: int, client: Any, bodies: Any, target: int) -> list[Figure]:
    """Samples per second through the whole request, beside parsing the same JSON and inserting the same packed days."""
    ready = [next(bodies) for _ in range(16)]
    mine, parsed, packed = iter(ready), iter(ready * 2), _packed(n)

    def request() -> None:
        answer = client.post(URL, next(mine), content_type="application/json")
        # A device is told nothing of what is held.
        assert (answer.status_code, answer.json()["accepted"]) == (201, n), answer.content
        assert answer.json().get("stored", n) == n

    (took, middle), (parse, _), (insert, _) = seconds(request, lambda: json.loads(next(parsed)), packed)
    name = f"{what}, one request"
    return [
        Figure(name, n / took, n / middle, "samples/s", took / insert, "a bare INSERT of the packed days",
               f">= {target:,}", n / took >= target),
        Figure(name, 1e3 * took, 1e3 * middle, "ms", took / parse, "parsing its JSON alone"),
    ]  # fmt: skip


def _packed(n: int) -> Callable[[], None]:
    """Insert as many packed days as n samples fill, into a table without an index, and commit."""
    from django.db import connection

    from actigraphy.signals import pack

    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS bare (day integer, samples bytea)")
    days = [pack(np.array(_beats(DAY, k), dtype=np.float32)) for k in range(-(-n // DAY))]

    def insert() -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO bare SELECT * FROM unnest(%s::int[], %s::bytea[])", [list(range(len(days))), days]
            )

    return insert


def _devices_at_once(user: Any) -> list[Figure]:
    """Devices of as many patients send one day a request, all at once, until each has sent its days."""
    devices = []
    for _ in range(DEVICES):
        patient = _patient(user)
        bodies = _columns(patient)
        devices.append((_device(patient), [next(bodies) for _ in range(DAYS_EACH)]))

    def send(device: Any, bodies: list[str]) -> None:
        for body in bodies:
            assert device.post(URL, body, content_type="application/json").status_code == 201

    took = _at_once([partial(send, device, bodies) for device, bodies in devices])
    rate = DEVICES * DAYS_EACH * DAY / took
    what = f"a column of 1,440 a request, {DEVICES} devices at once"
    return [Figure(what, rate, rate, "samples/s", target=">= 100,000", met=rate >= 100_000)]


def _at_once(work: list[Callable[[], None]]) -> float:
    """Seconds until all of these, each in a thread of its own, are done; what one of them raises is raised."""
    from django.db import connection

    failed: list[BaseException] = []
    start = threading.Barrier(len(work) + 1)

    def run(one: Callable[[], None]) -> None:
        try:
            start.wait()
            one()
        except BaseException as error:
            failed.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(one,)) for one in work]
    for thread in threads:
        thread.start()
    start.wait()
    begun = time.perf_counter()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - begun
    if failed:
        raise failed[0]
    return took


def _together(user: Any, patient: str) -> list[Figure]:
    """Eight clients send 100,000 samples once each, shuffled; the values are compared one by one."""
    from actigraphy.days import together
    from actigraphy.models import Signal

    values = [random.Random(1).randint(2000, 29_999) / 100 for _ in range(TOGETHER)]
    lines = [
        {"patient_id": patient, "data_type": "heart_rate", "data": {"bpm": value},
         "timestamp": (START + timedelta(seconds=30 * k)).isoformat()}
        for k, value in enumerate(values)
    ]  # fmt: skip
    random.Random(2).shuffle(lines)
    bodies = [json.dumps(lines[at : at + 5000]) for at in range(0, TOGETHER, 5000)]
    lock, clients = threading.Lock(), [signed_in(user) for _ in range(CLIENTS)]

    def send(client: Any) -> None:
        while True:
            with lock:
                if not bodies:
                    return
                body = bodies.pop()
            answer = client.post(URL, body, content_type="application/json")
            assert answer.status_code == 201, answer.content

    took = _at_once([partial(send, client) for client in clients])
    held = together(list(Signal.objects.filter(patient=patient).order_by("day")))
    assert (held.at_s == int(START.timestamp()) + 30 * np.arange(TOGETHER)).all()
    assert np.round(held.values.astype(np.float64), 2).tolist() == values
    what = "8 clients, 100,000 shuffled samples, each value compared"
    return [Figure(what, took, took, "s", target="<= 10 s", met=took <= 10)]


def _reading(patient: str) -> list[Figure]:
    """30 days of one channel of one source, and what its days take."""
    from django.db import connection

    from actigraphy.days import opened, read_samples
    from actigraphy.models import Signal, Source

    ring = Source.objects.get(patient=patient, device_type="watch")
    rows = list(Signal.objects.filter(source=ring, day__gte=START.date()).order_by("day")[:30])
    end = START + timedelta(days=30)
    assert len(read_samples(ring, "heart_rate", start=START, end=end)) == 30 * DAY
    (took, middle), (bare, _) = seconds(
        lambda: read_samples(ring, "heart_rate", start=START, end=end), lambda: [opened(row) for row in rows]
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sum(length(samples))::float / sum(valid) FROM actigraphy_signal WHERE valid = 1440 AND epoch_s = 60"
        )
        held = float(cursor.fetchone()[0])
    return [
        Figure("read 30 days of one channel", 1e3 * took, 1e3 * middle, "ms", took / bare, "opening the blocks alone",
               "<= 5 ms", 1e3 * took <= 5),
        Figure("bytes per sample, full days of minutes", held, held, "bytes", held / 4, "float32", "<= 2", held <= 2),
    ]  # fmt: skip


def _growth(client: Any, user: Any) -> list[Figure]:
    """What a day more costs, and 30 days read, among ever more samples of other people."""
    from django.db import connection

    from actigraphy.days import read_samples
    from actigraphy.models import Source

    patient, figures, base = _patient(user), [], 0.0
    bodies = _columns(patient)
    for held_m in HELD_M:
        _fill(user, held_m * 10**6)
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE actigraphy_signal")
            cursor.execute(
                "SELECT sum(valid), pg_total_relation_size('actigraphy_signal')::float / sum(valid) "
                "FROM actigraphy_signal"
            )
            count, size = cursor.fetchone()

        def request() -> None:
            assert client.post(URL, next(bodies), content_type="application/json").status_code == 201

        request()
        source = Source.objects.filter(patient=patient).latest("created_at")
        (took, middle), (read, read_mid) = seconds(
            request,
            lambda source=source: read_samples(source, "heart_rate", start=START, end=START + timedelta(days=30)),
        )
        base = base or took
        million = f"{count / 1e6:.0f} M samples held"
        figures += [
            Figure(f"a day of minutes more, {million}", 1e6 * took / DAY, 1e6 * middle / DAY, "us/sample",
                   took / base, "that of the first row", "flat", took <= 1.25 * base),
            Figure(f"read 30 days, {million}", 1e3 * read, 1e3 * read_mid, "ms"),
            Figure(f"table and indexes, {million}", float(size), float(size), "bytes/sample"),
        ]  # fmt: skip
    return figures


def _fill(user: Any, samples: int) -> None:
    """More patients' days until so many samples are held, packed as they always are."""
    from django.db.models import Sum

    from actigraphy.models import Signal, Source
    from actigraphy.signals import pack
    from novamind.audit.recording import aggregates

    blocks = [pack(np.array(_beats(DAY, k), dtype=np.float32)) for k in range(50)]
    with aggregates():
        held = Signal.objects.aggregate(n=Sum("valid"))["n"] or 0
    while held < samples:
        source = Source.objects.create(patient_id=_patient(user), kind="stream", device_type="watch")
        days = [START + timedelta(days=k) for k in range(360)]
        Signal.objects.bulk_create(
            [
                Signal(
                    patient_id=source.patient_id, source=source, channel="heart_rate", day=day.date(), start=day,
                    epoch_s=60, samples=blocks[k % 50], valid=DAY,
                )
                for k, day in enumerate(days)
            ],
            batch_size=500,
        )  # fmt: skip
        held += 360 * DAY
