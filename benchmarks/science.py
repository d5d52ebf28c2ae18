"""A recording from its file to every number of sleep and rhythm."""

from __future__ import annotations

import io

import numpy as np

from benchmarks.figures import Figure, seconds
from benchmarks.recordings import synthetic, two_weeks

TARGET_MS = 50.0
#: pyActigraphy 1.2.2, example_01, parse + all its metrics, warm, on the machine the project was measured on: published
#: with the project's reference figures and not run here (it needs Python 3.10 and numba 0.57).
PEER_MS = 27.0 + 2474.0
LIMIT = "the file's digits to floats by numpy, one FFT"


def measure() -> list[Figure]:
    """Two weeks against the limit and the peer; nine weeks, whose minutes must not cost more than those of two."""
    from django.conf import settings

    if not settings.configured:  # analysis reads the program's version from there, and no more
        settings.configure(VERSION="benchmark")
    name, content = two_weeks()
    (best, median), (limit, _) = seconds(lambda: whole(content), lambda: least(content), times=25)
    nine = synthetic(63)
    (best_nine, median_nine), (limit_nine, _) = seconds(lambda: whole(nine), lambda: least(nine), times=9)
    minutes, minutes_nine = len(least(content)), len(least(nine))
    return [
        Figure(
            f"parse and all metrics, {name}, {minutes} minutes", 1e3 * best, 1e3 * median, "ms",
            best / limit, LIMIT, f"<= {TARGET_MS:g} ms", 1e3 * best <= TARGET_MS,
        ),
        Figure(
            "the same, peer figure, not run here (pyActigraphy)", PEER_MS, PEER_MS, "ms", PEER_MS / (1e3 * best), "ours"
        ),
        Figure(
            f"parse and all metrics, synthetic AWD, {minutes_nine} minutes", 1e3 * best_nine, 1e3 * median_nine, "ms",
            best_nine / limit_nine, LIMIT,
        ),
        Figure(
            "cost of a minute, nine weeks over two", best_nine / minutes_nine / (best / minutes),
            median_nine / minutes_nine / (median / minutes), "x", target="<= 1.5 x",
            met=best_nine / minutes_nine <= 1.5 * best / minutes,
        ),
    ]  # fmt: skip


def whole(content: bytes) -> object:
    """What the job does with an upload, but for the database."""
    from actigraphy.analysis import analyze
    from actigraphy.readers import read_recording
    from novamind.clock import zone

    return analyze(read_recording(io.BytesIO(content), tz=zone("Europe/Oslo"), filename="a.awd"))


def least(content: bytes) -> np.ndarray:
    """The minutes of the file, transformed: no program can look at their rhythm with less."""
    minutes = np.array(content.replace(b"M", b"").splitlines()[7:]).astype(np.float64)
    np.fft.rfft(minutes)
    return minutes
