"""Readings as they come in a request: plain JSON values in, readings on a grid out, or a sentence why not.

Two forms are taken: a list of objects with a time each, and lists of numbers alone on an even grid from the start on.
Nothing is computed here but places on a grid; counts come from acceleration where the file is read, in a worker.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from actigraphy.analysis import EmptyWindow
from actigraphy.readers.counts import check_values
from actigraphy.readers.grid import check_span, count_epochs, gap_notices, missing_notice, place_on_grid, year_notice
from actigraphy.readers.reading import Limits, Notice, UnreadableRecording
from actigraphy.readers.readings import Readings, check_readings
from actigraphy.science.counts import RATES
from novamind.limits import LIMITS

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]  # of the readings as the sender counts them, from 1

AXES: Final = ("x", "y", "z")
#: What a reading may say; anything else is refused, so that a misspelt name is not silently left out.
NAMES: Final = {"timestamp", "counts", *AXES, "source_device"}
MOST: Final = LIMITS["readings"].value
OF_RATE: Final = 0.01  # how far a stated rate may be from a whole epoch
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class WrongShape(ValueError):
    """The readings are not in one of the two forms; the sentence says what is missing."""


def readings_of(
    sent: Any,
    *,
    start: datetime | None,
    end: datetime | None,
    rate_hz: float | None,
    device_model: str | None = None,
) -> Readings:
    """The readings of a request that begin in [start, end).

    Parameters
    ----------
    sent : list or dict
        ``[{"timestamp", "counts"} or {"timestamp", "x", "y", "z"}, …]``, each perhaps with ``source_device``; or
        ``{"counts": […]}`` or ``{"x": […], "y": […], "z": […]}``, the first at ``start``, ``rate_hz`` of them a second.
    rate_hz : float, optional
        Readings per second: required for acceleration and for lists of numbers.

    Raises
    ------
    WrongShape
        It is neither form, or something it needs is not there.
    UnreadableRecording
        The code and the sentence; ``line`` is the number of the reading, from 1.
    EmptyWindow
    """
    if start and end and end <= start:
        raise UnreadableRecording("end_before_start")
    if isinstance(sent, dict):
        kind, values = _columns(sent)
        times = None
    elif isinstance(sent, list):
        kind, values, times = _rows(sent)
        device_model = device_model or _source_device(sent)
    else:
        raise WrongShape("A list of readings, or an object of lists.")
    if not len(values):
        raise UnreadableRecording("too_short")
    every = _every(kind, rate_hz)
    if times is None:
        if start is None or every is None:
            raise WrongShape("Lists of numbers need start_time and sampling_rate_hz.")
        step_s = every if kind == "counts" else 1 / every
        times = (start - _EPOCH).total_seconds() + np.arange(len(values)) * step_s
    inside = _within(times, start, end)
    place = _counts if kind == "counts" else _acceleration
    return place(values[inside], times[inside], np.flatnonzero(inside) + 1, every, device_model)


def _limits() -> Limits:
    return Limits(max_bytes=settings.UPLOAD_LIMIT_MB * 1024 * 1024)


def _columns(sent: dict[str, Any]) -> tuple[str, Floats]:
    names = set(sent)
    if names not in ({"counts"}, set(AXES)):
        raise WrongShape("The lists are counts, or x, y and z.")
    lists = [sent[name] for name in (("counts",) if "counts" in sent else AXES)]
    if not all(isinstance(column, list) for column in lists):
        raise WrongShape("The lists are lists of numbers.")
    if len({len(column) for column in lists}) > 1:
        raise UnreadableRecording("mixed_lengths")
    return ("counts" if "counts" in sent else "acceleration"), np.stack([_numbers(column) for column in lists], axis=1)


def _rows(sent: list[Any]) -> tuple[str, Floats, Floats]:
    if not all(type(row) is dict for row in sent):
        raise WrongShape("Each reading is an object.")
    shapes = {frozenset(row) - {"source_device"} for row in sent}
    if any(unknown := shape - NAMES for shape in shapes):
        raise WrongShape(f"A reading has no {', '.join(sorted(name[:20] for name in unknown))}.")
    if len(shapes) > 1:
        raise UnreadableRecording("mixed_readings")
    names = set(next(iter(shapes), frozenset())) - {"timestamp"}
    if sent and ("timestamp" not in sent[0] or names not in ({"counts"}, set(AXES))):
        raise WrongShape("Each reading has a timestamp, and counts or x, y and z.")
    wanted = ("counts",) if "counts" in names else AXES
    columns = [_numbers([row[name] for row in sent]) for name in (wanted if sent else ())]
    values = np.stack(columns, axis=1) if columns else np.empty((0, 1))
    return ("counts" if wanted == ("counts",) else "acceleration"), values, _times([row["timestamp"] for row in sent])


def _numbers(values: Sequence[Any]) -> Floats:
    """A list of JSON numbers; null is missing. NaN cannot be said in JSON, and 1e999 is no number either."""
    if not {type(value) for value in values} <= {int, float, type(None)}:
        at = next(n for n, value in enumerate(values, 1) if type(value) not in {int, float, type(None)})
        raise UnreadableRecording("not_a_number", line=at)
    try:
        found = np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    except OverflowError:
        raise UnreadableRecording("impossible_value") from None
    infinite = np.isinf(found)
    if infinite.any():
        raise UnreadableRecording("impossible_value", line=int(infinite.argmax()) + 1)
    return found


def _times(stamps: list[Any]) -> Floats:
    """Seconds since 1970; every stamp is ISO 8601 with its UTC offset."""
    seconds = []
    for at, stamp in enumerate(stamps, 1):
        try:
            moment = datetime.fromisoformat(stamp)
            if moment.tzinfo is None:
                raise UnreadableRecording("no_offset", line=at)
            seconds.append((moment - _EPOCH) / timedelta(seconds=1))
        except (ValueError, TypeError, OverflowError):
            raise UnreadableRecording("no_timestamps", line=at) from None
    return np.array(seconds, dtype=np.float64)


def _source_device(sent: list[Any]) -> str | None:
    named = [row.get("source_device") for row in sent]
    if not all(name is None or type(name) is str for name in named):
        raise WrongShape("source_device is a text.")
    devices = {name for name in named if name is not None}
    if len(devices) > 1:
        raise UnreadableRecording("mixed_devices")
    return next(iter(devices), None)


def _every(kind: str, rate_hz: float | None) -> int | None:
    """Seconds of an epoch, or samples a second; ``None`` where counts leave it to their times."""
    if kind == "acceleration":
        if rate_hz is None:
            raise WrongShape("Acceleration needs sampling_rate_hz.")
        if rate_hz not in RATES:
            raise UnreadableRecording("unsupported_rate", rates=", ".join(map(str, RATES)))
        return int(rate_hz)
    if rate_hz is None:
        return None
    epoch = 1 / rate_hz if rate_hz > 1e-6 else 0.0
    if round(epoch) < 1 or abs(epoch - round(epoch)) > OF_RATE * epoch:
        raise UnreadableRecording("epoch_unsupported")
    return round(epoch)


def _within(times: Floats, start: datetime | None, end: datetime | None) -> NDArray[np.bool_]:
    inside = np.ones(len(times), dtype=bool)
    if start is not None:
        inside &= times >= (start - _EPOCH) / timedelta(seconds=1)
    if end is not None:
        inside &= times < (end - _EPOCH) / timedelta(seconds=1)
    if not inside.any():
        raise EmptyWindow("The stated start and end leave nothing of the readings.")
    return inside


def _counts(values: Floats, times: Floats, numbers: Numbers, every: int | None, device_model: str | None) -> Readings:
    if len(times) < 2:
        raise UnreadableRecording("too_short")
    utc_s = np.floor(times).astype(np.int64)
    if every is not None and abs(float(np.median(np.diff(utc_s))) - every) >= 1:
        raise UnreadableRecording("rate_mismatch")
    lines = numbers.astype(np.int32)
    columns = {"counts": check_values(values[:, 0], lines)}
    start_s, epoch_s, grid, notices = place_on_grid(utc_s, columns, lines, epoch_s=every, limits=_limits())
    missing = missing_notice(grid["counts"], count_epochs(utc_s))
    activity = grid["counts"].astype(np.float64)[:, None]
    found = (*year_notice(start_s), *notices, *missing)
    readings = Readings("counts", start_s, epoch_s, activity, found, device_model)
    check_readings(readings, _limits())
    return readings


def _acceleration(
    values: Floats, times: Floats, numbers: Numbers, every: int | None, device_model: str | None
) -> Readings:
    assert every is not None  # acceleration needs its rate
    place = np.rint((times - times[0]) * every).astype(np.int64)
    steps = np.diff(place)
    for wrong, code in ((steps < 0, "unordered_timestamps"), (steps == 0, "irregular_timestamps")):
        if wrong.any():
            raise UnreadableRecording(code, line=int(numbers[1:][wrong][0]))
    if len(times) > 1:
        check_span(np.floor(times).astype(np.int64), numbers.astype(np.int32), _limits())
    n = int(place[-1]) + 1
    if n > 2 * MOST:  # half of it may be missing
        raise UnreadableRecording("too_long", limit=f"{2 * MOST:,} samples, missing ones included")
    if len(steps) and float(np.median(steps)) != 1:
        raise UnreadableRecording("rate_mismatch")
    grid, numbered = np.full((n, 3), np.nan), np.zeros(n, dtype=np.int64)
    grid[place], numbered[place] = values, numbers
    start_s = int(np.floor(times[0]))
    notices: list[Notice] = [*year_notice(start_s), *gap_notices(steps[steps > every] // every, 1)]
    if times[0] != start_s:
        notices.append(Notice("off_grid", "The recording was moved to the full second before it."))
    readings = Readings("acceleration", start_s, every, grid, tuple(notices), device_model)
    check_readings(readings, _limits(), numbered)
    return readings
