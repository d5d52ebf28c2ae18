"""Fitabase: the tables it exports of a study's Fitbits, loose or in a ZIP.

References
----------
Fitabase, "Fitbit Data Dictionary": ``heartrate_seconds`` (``Id``, ``Time``, ``Value`` in beats per minute),
``minuteStepsNarrow`` (``Id``, ``ActivityMinute``, ``Steps``), ``minuteSleep`` (``Id``, ``date``, ``value``: 1 asleep,
2 restless, 3 awake, ``logId``). Times are the participant's wall clock, month first, without a zone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from actigraphy.exports.collecting import Collected
from actigraphy.exports.measures import HEART_RATE, keep, keep_stage, keep_steps
from actigraphy.exports.parts import ExportKind, Part, Readable, named
from actigraphy.exports.reading import Asked, UnreadableExport
from actigraphy.exports.tables import has_columns, rows
from actigraphy.exports.values import number, of_month
from actigraphy.exports.walls import in_utc
from actigraphy.streams.sent import Sender

FITBIT: Final = Sender("", "Fitbit")
MINUTE_S: Final = 60
STAGES: Final = {1: "asleep", 2: "awake", 3: "awake"}


def _told(
    file: Readable, columns: Sequence[str], what: str, asked: Asked, taken: Collected
) -> Iterator[tuple[int, float]]:
    """(UTC second, value) of each row.

    Raises
    ------
    UnreadableExport
        Rows of several people.
    """

    def told() -> Iterator[tuple[int | None, float | None]]:
        person = ""
        for who, stamp, said in rows(file, columns):
            person = person or who
            if who != person:
                raise UnreadableExport("several_people")
            yield of_month(stamp), number(said)

    return in_utc(told(), what, asked, taken)


def _read_heart_rate(file: Readable, asked: Asked, taken: Collected) -> None:
    for at_s, value in _told(file, ("id", "time", "value"), "heart_rate", asked, taken):
        keep(taken, FITBIT, HEART_RATE, at_s, value)


def _read_steps(file: Readable, asked: Asked, taken: Collected) -> None:
    for at_s, count in _told(file, ("id", "activityminute", "steps"), "steps", asked, taken):
        keep_steps(taken, FITBIT, at_s, MINUTE_S, count)


def _read_sleep(file: Readable, asked: Asked, taken: Collected) -> None:
    """A minute each; those of one stage that follow each other are one stretch."""
    start_s, end_s, stage = 0, 0, ""
    for at_s, value in _told(file, ("id", "date", "value"), "sleep", asked, taken):
        now = STAGES.get(int(value)) if abs(value) < 10 else None
        if now is None:
            taken.skip("sleep", "unknown_stage")
        elif now == stage and at_s == end_s:
            end_s += MINUTE_S
        else:
            _keep_stretch(taken, start_s, end_s, stage)
            start_s, end_s, stage = at_s, at_s + MINUTE_S, now
    _keep_stretch(taken, start_s, end_s, stage)


def _keep_stretch(taken: Collected, start_s: int, end_s: int, stage: str) -> None:
    if stage:
        keep_stage(taken, FITBIT, start_s, end_s, stage)


def _part(name: str, columns: Sequence[str], read: Callable[[Readable, Asked, Collected], None]) -> Part:
    return Part(name, named(rf".*{name.casefold()}.*\.csv"), has_columns(*columns), read)


KIND: Final = ExportKind(
    (
        _part("heartrate_seconds", ("id", "time", "value"), _read_heart_rate),
        _part("minuteStepsNarrow", ("id", "activityminute", "steps"), _read_steps),
        _part("minuteSleep", ("id", "date", "value", "logid"), _read_sleep),
    )
)
