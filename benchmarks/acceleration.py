"""Raw acceleration: seven days at 100 Hz, in pieces of an hour, by processor time."""

from __future__ import annotations

import io
import resource
import struct
import time
import zipfile
from collections.abc import Iterator
from zoneinfo import ZoneInfo

import numpy as np

from actigraphy.readers import read_recording
from actigraphy.science.acceleration import Epochs, EpochStream
from actigraphy.science.calibration import StillWindows
from actigraphy.science.counts import CountsStream
from actigraphy.science.raw_sleep import raw_sleep
from benchmarks.figures import Figure
from novamind.clock import local_times

RATE, HOURS = 100, 7 * 24


def hours() -> Iterator[np.ndarray]:
    """An hour of movement by day and of rest by night, again and again; shape (360000, 3), g."""
    rng = np.random.default_rng(1)
    noise = rng.normal(0, 1, (3600 * RATE, 3))
    day, rest = noise * 0.2 + [0.3, 0.1, 0.8], noise * 0.005 + [0.7, 0.1, 0.7]
    for hour in range(HOURS):
        yield rest if hour % 24 < 8 else day


def measure() -> list[Figure]:
    """Each step over the same hours, and the growth of memory over all of them."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    epochs, still, counted = EpochStream(RATE), StillWindows(RATE), CountsStream(RATE)
    counted.add(np.zeros((RATE, 3)))  # scipy is loaded here
    spent = dict.fromkeys(("epochs", "calibration", "counts"), 0.0)
    found = []
    for xyz in hours():
        begun = time.process_time()
        found.append(epochs.add(xyz))
        reduced = time.process_time()
        still.add(xyz)
        calibrated = time.process_time()
        counted.add(xyz)
        spent["epochs"] += reduced - begun
        spent["calibration"] += calibrated - reduced
        spent["counts"] += time.process_time() - calibrated
    whole = Epochs.missing(HOURS * 60)
    for hour, part in enumerate(found):
        whole.put(60 * hour, part)
    begun = time.process_time()
    raw_sleep(whole, local_times(1_704_672_000, 60, HOURS * 60, ZoneInfo("Europe/Oslo")))
    sleep = time.process_time() - begun
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    pipeline = spent["epochs"] + spent["calibration"] + sleep
    reading = _gt3x()
    return [
        Figure("ENMO, MAD, z angle and spread, 7 days at 100 Hz", spent["epochs"], spent["epochs"], "s of processor",
               spent["epochs"] / 0.6, "the target", "<= 0.6", spent["epochs"] <= 0.6),
        Figure("counts, 7 days at 100 Hz", spent["counts"], spent["counts"], "s of processor",
               spent["counts"] / 5, "the target", "<= 5", spent["counts"] <= 5),
        Figure("calibration, epochs, non-wear and sleep, 7 days at 100 Hz", pipeline, pipeline, "s of processor",
               pipeline / 8, "the target", "<= 8", pipeline <= 8),
        Figure("memory they add", grown, grown, "MB", grown / 300, "the target", "<= 300", grown <= 300),
        Figure("read 7 days of .gt3x at 30 Hz, with all of it", reading, reading, "s of processor",
               reading / 5, "the target", "<= 5", reading <= 5),
    ]  # fmt: skip


def _gt3x() -> float:
    second = np.random.default_rng(2).integers(-300, 300, (64, 90)).astype("<i2")
    records = []
    for at in range(7 * 86_400):
        body = second[at % 64].tobytes()
        head = struct.pack("<BBIH", 0x1E, 26, 1_704_672_000 + at, len(body))
        checksum = 0xFF ^ int(np.bitwise_xor.reduce(np.frombuffer(head + body, np.uint8)))
        records.append(head + body + bytes([checksum]))
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("log.bin", b"".join(records))
        said = "Serial Number: MOS2\nSample Rate: 30\nStart Date: 638403264000000000\nAcceleration Scale: 256"
        archive.writestr("info.txt", said)
    begun = time.process_time()
    read_recording(file, tz=ZoneInfo("Europe/Oslo"))
    return time.process_time() - begun
