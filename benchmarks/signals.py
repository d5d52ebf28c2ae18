"""Signals into the database and out again (SQLite in a temporary folder)."""

from __future__ import annotations

import zlib
from datetime import date, timedelta

import numpy as np

from benchmarks.figures import Figure, seconds
from benchmarks.recordings import synthetic
from benchmarks.throwaway import sqlite_clinic

DAYS = 30


def measure() -> list[Figure]:
    """30 days of minutes: first merge, repeated merge, read, and what they take on disk."""
    with sqlite_clinic():
        return _measure()


def _measure() -> list[Figure]:
    from actigraphy.models import Signal, Source
    from actigraphy.signals import merge, pack, read
    from novamind.clock import from_epoch
    from patients.services import create_patient

    patient = create_patient(by=None, first_name="Synthetic", last_name="Benchmark", date_of_birth=date(1980, 1, 1))
    start_s = 1_704_672_000
    lines = synthetic(DAYS).splitlines()[7:]
    values = np.array(lines[: DAYS * 1440], dtype=np.float32)
    days = [values[at : at + 1440] for at in range(0, len(values), 1440)]
    packed = [pack(day) for day in days]

    def first() -> None:
        source = Source.objects.create(patient=patient, kind=Source.Kind.STREAM, device_type="actiwatch")
        merge(source, "activity", start_s=start_s, epoch_s=60, values=values)

    source = Source.objects.create(patient=patient, kind=Source.Kind.STREAM, device_type="actiwatch")
    merge(source, "activity", start_s=start_s, epoch_s=60, values=values)
    start = from_epoch(start_s)
    got = read(source, "activity", start=start, end=start + timedelta(days=DAYS))
    assert got is not None
    assert np.array_equal(got[2], values, equal_nan=True)
    times = seconds(
        first,
        lambda: merge(source, "activity", start_s=start_s, epoch_s=60, values=values),
        lambda: read(source, "activity", start=start, end=start + timedelta(days=DAYS)),
        lambda: [zlib.compress(day.tobytes(), 1) for day in days],
        lambda: [np.frombuffer(zlib.decompress(block), dtype="<f4").copy() for block in packed],
    )
    (new, new_mid), (again, again_mid), (out, out_mid), (squeeze, _), (unpack, _) = times
    rows = Signal.objects.filter(source=source)
    held = sum(len(row.samples) for row in rows) / len(values)

    def rate(took: float) -> float:
        return len(values) / took / 1e6

    return [
        Figure("merge, 30 new days", rate(new), rate(new_mid), "M samples/s", new / squeeze, "zlib level 1 alone"),
        Figure(
            "merge, the same 30 days again", rate(again), rate(again_mid), "M samples/s",
            again / squeeze, "zlib level 1 alone",
        ),
        Figure("read 30 days", rate(out), rate(out_mid), "M samples/s", out / unpack, "decompressing alone"),
        Figure("read 30 days", 1e3 * out, 1e3 * out_mid, "ms", out / unpack, "decompressing alone"),
        Figure("bytes per sample stored", held, held, "bytes", held / 4, "float32", "<= 2", held <= 2),
    ]  # fmt: skip
