"""Readings that were sent as JSON, as they are kept: one line that says what they are, then their numbers.

A file of our own, because what was sent is kept, sealed and analyzed like a device's file. Acceleration becomes
counts here, where the file is read.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, BinaryIO, Final, Literal

import numpy as np
from numpy.typing import NDArray

from actigraphy.science.counts import RATES, CountsStream

from .counts import check_values
from .grid import check_epoch, check_length, check_present
from .reading import FloatArray, Limits, Notice, ReadRecording, Request, UnreadableRecording

MAGIC: Final = b"NOVAMIND READINGS 1\n"
HEADER_BYTES: Final = 200
MINUTE_S: Final = 60
LARGEST_G: Final = 32.0  # no wrist sensor measures beyond
ACTIVITY_AXIS: Final = 1  # ActiLife's axis 1 is the sensor's y; axes 2 and 3 are x and z
Kind = Literal["counts", "acceleration"]
WIDTH: Final[dict[Kind, int]] = {"counts": 1, "acceleration": 3}


@dataclass(frozen=True, eq=False)
class Readings:
    """Readings on their grid.

    Attributes
    ----------
    kind : "counts" or "acceleration"
    start_s : int
        UTC second of the first.
    every : int
        Counts: seconds of an epoch. Acceleration: samples per second (Hz).
    values : ndarray of float64, shape (n, 1) or (n, 3)
        Counts per epoch, or x, y and z in g; NaN where there is none, in a whole row.
    notices : tuple of Notice
    device_model : str or None
        As the sender names it.
    """

    kind: Kind
    start_s: int
    every: int
    values: NDArray[np.float64]
    notices: tuple[Notice, ...] = ()
    device_model: str | None = None

    @property
    def epoch_s(self) -> int:
        """Seconds of an epoch of the recording that they become."""
        return self.every if self.kind == "counts" else MINUTE_S

    def __len__(self) -> int:
        """Epochs of that recording."""
        return len(self.values) if self.kind == "counts" else len(self.values) // (self.every * MINUTE_S)

    def as_file(self) -> bytes:
        """The file that is kept; the same readings are the same bytes."""
        head = {"kind": self.kind, "start_s": self.start_s, "every": self.every}
        return MAGIC + json.dumps(head).encode() + b"\n" + np.ascontiguousarray(self.values, "<f8").tobytes()

    def outline(self, zone: str) -> ReadRecording:
        """The recording as :func:`read_readings` will give it, without what is to be computed first."""
        if self.kind == "counts":
            return self._recording(zone, self.values[:, 0].astype(np.float32), {})
        return self._recording(zone, np.full(len(self), np.nan, np.float32), {})

    def recording(self, zone: str) -> ReadRecording:
        """The recording: counts as they are, acceleration as ActiGraph counts per minute."""
        if self.kind == "counts":
            return self.outline(zone)
        counts = counts_per_minute(self.values, self.every)
        x, y, z = counts.T.astype(np.float32)
        channels = {"axis1": y, "axis2": x, "axis3": z}
        channels["vector_magnitude"] = np.sqrt((counts**2).sum(axis=1)).astype(np.float32)
        return self._recording(zone, counts[:, ACTIVITY_AXIS].astype(np.float32), channels)

    def _recording(self, zone: str, activity: FloatArray, channels: dict[str, FloatArray]) -> ReadRecording:
        return ReadRecording(
            format="readings",
            device_family="generic" if self.kind == "counts" else "actigraph",
            device_model=self.device_model,
            device_serial=None,
            start_s=self.start_s,
            epoch_s=self.epoch_s,
            activity=activity,
            channels=channels,
            zone=zone,
            zone_evidence="file",
            notices=self.notices,
        )


def counts_per_minute(xyz: NDArray[np.float64], rate_hz: int) -> NDArray[np.float64]:
    """ActiGraph counts of each minute, (n_minutes, 3); NaN where a sample of the minute is missing.

    Each stretch without a gap is counted as a recording of its own, from its first whole minute on.
    """
    per_minute = rate_hz * MINUTE_S
    whole = whole_minutes(xyz, rate_hz)
    found = np.full((len(whole), 3), np.nan)
    stream: CountsStream | None = None
    for minute in range(len(whole)):
        if not whole[minute]:
            stream = None
            continue
        stream = stream or CountsStream(rate_hz, epoch_s=MINUTE_S)
        found[minute] = stream.add(xyz[minute * per_minute : (minute + 1) * per_minute])[0]
    return found


def whole_minutes(xyz: NDArray[np.float64], rate_hz: int) -> NDArray[np.bool_]:
    """Which minutes, counted from the first sample, lack none."""
    per_minute = rate_hz * MINUTE_S
    minutes = len(xyz) // per_minute
    present = np.isfinite(xyz[: minutes * per_minute]).all(axis=1)
    return np.asarray(present.reshape(minutes, per_minute).all(axis=1), dtype=np.bool_)


def read_readings(file: BinaryIO, request: Request) -> ReadRecording:
    """Read what :meth:`Readings.as_file` wrote, trusting nothing of it.

    Raises
    ------
    UnreadableRecording
        damaged_header, truncated, and whatever :func:`check_readings` raises.
    """
    file.seek(len(MAGIC))
    line = file.readline(HEADER_BYTES)
    kind, start_s, every = _header(line)
    body = file.read()
    row = 8 * WIDTH[kind]
    if not line.endswith(b"\n") or len(body) % row:
        raise UnreadableRecording("truncated")
    readings = Readings(kind, start_s, every, np.frombuffer(body, "<f8").reshape(-1, WIDTH[kind]).astype(np.float64))
    check_readings(readings, request.limits)
    return readings.recording(request.tz.key)


def _header(line: bytes) -> tuple[Kind, int, int]:
    try:
        head: Any = json.loads(line)
        kind, start_s, every = head["kind"], head["start_s"], head["every"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise UnreadableRecording("damaged_header") from None
    if kind not in WIDTH or type(start_s) is not int or type(every) is not int or not 1 <= every <= 3600:
        raise UnreadableRecording("damaged_header")
    return kind, start_s, every


def check_readings(readings: Readings, limits: Limits, numbers: NDArray[np.int64] | None = None) -> None:
    """Refuse readings that nothing measures, or that are too many or too few.

    ``numbers`` is what the sender counts each row as, for errors; by default from 1.

    Raises
    ------
    UnreadableRecording
        unsupported_rate, before_1970, epoch_unsupported, too_short, too_long, in_the_future, not_a_number,
        negative_counts, impossible_value, wrong_unit or no_values; ``line`` is the number of the reading, from 1.
    """
    values = readings.values
    numbers = np.arange(1, len(values) + 1) if numbers is None else numbers
    if readings.kind == "acceleration" and readings.every not in RATES:
        raise UnreadableRecording("unsupported_rate", rates=", ".join(map(str, RATES)))
    if not 0 <= readings.start_s < 2**33:
        raise UnreadableRecording("before_1970" if readings.start_s < 0 else "in_the_future")
    check_epoch(readings.epoch_s)
    check_length(len(readings), readings.epoch_s, limits)
    check_present(readings.start_s + (len(readings) - 1) * readings.epoch_s)
    present = np.asarray(np.isfinite(values).all(axis=1), dtype=np.bool_)
    wrong = ~present & ~np.isnan(values).all(axis=1)  # infinite, or a row with a part of its axes
    if wrong.any():
        raise UnreadableRecording("not_a_number", line=int(numbers[wrong][0]))
    if not (present if readings.kind == "counts" else whole_minutes(values, readings.every)).any():
        raise UnreadableRecording("no_values")
    if readings.kind == "counts":
        check_values(values[:, 0], numbers.astype(np.int32))
        return
    largest = np.abs(np.where(present[:, None], values, 0.0)).max(axis=1)
    # Standing still is 1 g, or 0 where gravity is taken out: 9.8 is m/s², 1,000 is mg.
    if np.median(np.sqrt((values[present] ** 2).sum(axis=1))) > 4:
        raise UnreadableRecording("wrong_unit")
    if (largest > LARGEST_G).any():
        raise UnreadableRecording("impossible_value", line=int(numbers[largest > LARGEST_G][0]))
