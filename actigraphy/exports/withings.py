"""Withings: the ZIP of "Download my data", with a table for each thing measured, and its single tables.

References
----------
The ``README.txt`` that Withings puts into the ZIP ("Below are the details of the data you've exported from Health
Mate"): ``raw_*`` tables have ``start`` with its offset and lists of durations in seconds and of values;
``raw_tracker_sleep-state`` 0 awake, 1 light, 2 deep; ``weight.csv`` in kg, ``bp.csv`` in mmHg. State 3 is REM by the
Withings API, "Sleep v2 - Get".
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Final

from actigraphy.exports.collecting import Collected
from actigraphy.exports.measures import (
    HEART_RATE,
    RESPIRATION,
    SPO2,
    Measure,
    keep,
    keep_point,
    keep_stage,
    keep_steps,
)
from actigraphy.exports.parts import ExportKind, Part, Readable, named
from actigraphy.exports.reading import Asked
from actigraphy.exports.tables import has_columns, rows
from actigraphy.exports.values import as_array, number, on_wall, utc_second
from actigraphy.streams.sent import Sender
from novamind.clock import DAY_S

WATCH, BEDSIDE = Sender("watch", "Withings"), Sender("bedside", "Withings")
SCALE, CUFF, ACCOUNT = Sender("scale", "Withings"), Sender("cuff", "Withings"), Sender("", "Withings")
STAGES: Final = {0: "awake", 1: "light", 2: "deep", 3: "rem"}
#: The sleep monitor of old told sleep from waking and no more.
OF_MONITOR: Final = {0: "awake", 1: "asleep"}
Told = Iterator[tuple[int | None, int, float | None]]
Read = Callable[[Readable, Asked, Collected], None]


def _series(file: Readable) -> Told:
    """(UTC second, length in seconds, value) of each value of each row; a row of which nothing can be told is one."""
    for start, lengths, values in rows(file, ("start", "duration", "value")):
        at_s, spans, said = utc_second(start), _list(lengths), _list(values)
        if at_s is None or not spans or len(spans) != len(said):
            yield None, 0, None
            continue
        for length, value in zip(spans, said, strict=True):
            span = number(length)
            if span is None or not 0 <= span <= DAY_S:
                yield None, 0, None
                break
            yield at_s, round(span), number(value)
            at_s += round(span)


def _list(cell: str) -> list[object]:
    try:
        return as_array(json.loads(cell))
    except (ValueError, RecursionError):
        return []


def _samples(measure: Measure, sender: Sender) -> Read:
    def read(file: Readable, asked: Asked, taken: Collected) -> None:
        for at_s, _, value in _series(file):
            keep(taken, sender, measure, at_s, value)

    return read


def _read_steps(file: Readable, asked: Asked, taken: Collected) -> None:
    for at_s, length_s, count in _series(file):
        keep_steps(taken, WATCH, at_s, length_s, count)


def _stages(stages: dict[int, str], sender: Sender) -> Read:
    def read(file: Readable, asked: Asked, taken: Collected) -> None:
        for at_s, length_s, value in _series(file):
            stage = stages.get(int(value)) if value is not None and abs(value) < 10 else None
            keep_stage(taken, sender, at_s, None if at_s is None else at_s + length_s, stage)

    return read


def _read_nights(file: Readable, asked: Asked, taken: Collected) -> None:
    for start, end in rows(file, ("from", "to")):
        keep_stage(taken, ACCOUNT, utc_second(start), utc_second(end), "in_bed")


def _read_weight(file: Readable, asked: Asked, taken: Collected) -> None:
    for date, weight in rows(file, ("date", "weight (kg)")):
        keep_point(taken, SCALE, "weight", on_wall(date, asked.tz), {"kg": number(weight)})


def _read_pressure(file: Readable, asked: Asked, taken: Collected) -> None:
    for date, rate, systolic, diastolic in rows(file, ("date", "heart rate", "systolic", "diastolic")):
        at_s = on_wall(date, asked.tz)
        pair = {"systolic": number(systolic), "diastolic": number(diastolic)}
        keep_point(taken, CUFF, "blood_pressure", at_s, pair)
        if rate:
            keep(taken, CUFF, HEART_RATE, at_s, number(rate))


def _raw(name: str, form: str, read: Read) -> Part:
    return Part(name, named(rf"raw_{form}\.csv"), has_columns("start", "duration", "value"), read, loose=False)


KIND: Final = ExportKind((
    _raw("heart rate", r"(?:tracker|hr)_hr", _samples(HEART_RATE, WATCH)),
    _raw("heart rate in bed", r"(?:bed|sleep-monitor)_hr", _samples(HEART_RATE, BEDSIDE)),
    _raw("oxygen", r"spo2_auto_spo2", _samples(SPO2, WATCH)),
    _raw("respiration", r"(?:bed|sleep-monitor)_respiratory-rate", _samples(RESPIRATION, BEDSIDE)),
    _raw("steps", r"tracker_steps", _read_steps),
    _raw("sleep", r"tracker_sleep-state", _stages(STAGES, WATCH)),
    _raw("sleep in bed", r"bed_sleep-state", _stages(STAGES, BEDSIDE)),
    _raw("sleep of a monitor", r"sleep-monitor_sleep-state", _stages(OF_MONITOR, BEDSIDE)),
    Part("nights", named(r"sleep\.csv"), has_columns("from", "to", "light (s)", "deep (s)"), _read_nights),
    Part("weight", named(r"weight\.csv"), has_columns("date", "weight (kg)"), _read_weight),
    Part("pressure", named(r"bp\.csv"), has_columns("date", "heart rate", "systolic", "diastolic"), _read_pressure),
))  # fmt: skip
