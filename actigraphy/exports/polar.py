"""Polar: the ZIP of "Download your data" (account.polar.com), and its single files of heart rate and of sleep.

References
----------
Polar's own words for what the files hold are those of its AccessLink API (polar.com/accesslink-api): continuous heart
rate, and sleep with ``WAKE``, ``REM``, ``NONREM1``, ``NONREM2`` (light), ``NONREM3`` (deep) and ``UNKNOWN``.
``247ohr_*.json`` counts seconds of a local day; boundaries of sleep have their offsets.
"""

from __future__ import annotations

from typing import Any, Final

from actigraphy.exports.collecting import Collected
from actigraphy.exports.documents import begins_array, begins_object, items
from actigraphy.exports.measures import HEART_RATE, Senders, keep, keep_stage
from actigraphy.exports.parts import ExportKind, Part, Readable, named
from actigraphy.exports.reading import Asked
from actigraphy.exports.values import as_array, as_object, number, seconds_of, utc_second, wall_second
from actigraphy.exports.walls import in_utc
from actigraphy.streams.sent import Sender
from novamind.clock import DAY_S

POLAR: Final = Sender("", "Polar")
STAGES: Final = {"WAKE": "awake", "REM": "rem", "NONREM1": "light", "NONREM2": "light", "NONREM3": "deep"}


def _read_heart_rate(file: Readable, asked: Asked, taken: Collected) -> None:
    """``{"deviceDays": [{"deviceId", "date", "samples": [{"heartRate", "secondsFromDayStart"}]}]}``."""
    senders = Senders()
    for path, item in items(file, levels=1):
        if path != ("deviceDays",):
            continue
        day = as_object(item)
        device, midnight_s = day.get("deviceId"), wall_second(day.get("date"))
        sender = senders.of(f"Polar {device}") if isinstance(device, str) else POLAR
        told = (_sample(as_object(one), midnight_s) for one in as_array(day.get("samples")))
        for at_s, rate in in_utc(told, "heart_rate", asked, taken):
            keep(taken, sender, HEART_RATE, at_s, rate)


def _sample(said: dict[str, Any], midnight_s: int | None) -> tuple[int | None, float | None]:
    second = number(said.get("secondsFromDayStart"))
    known = midnight_s is not None and second is not None and 0 <= second < DAY_S
    return (midnight_s or 0) + int(second or 0) if known else None, number(said.get("heartRate"))


def _read_sleep(file: Readable, asked: Asked, taken: Collected) -> None:
    """A state lasts until the next one, or until sleep ends; one that is named after that end says no more."""
    for _, item in items(file):
        hypnogram = as_object(as_object(as_object(item).get("sleepResult")).get("hypnogram"))
        start_s, end_s = utc_second(hypnogram.get("sleepStart")), utc_second(hypnogram.get("sleepEnd"))
        if start_s is None or end_s is None:
            taken.skip("sleep", "wrong_time")
            continue
        changes = [as_object(one) for one in as_array(hypnogram.get("sleepStateChanges"))]
        if not changes:
            keep_stage(taken, POLAR, start_s, end_s, "asleep")
        _keep_states(taken, start_s, end_s, changes)


def _keep_states(taken: Collected, start_s: int, end_s: int, changes: list[dict[str, Any]]) -> None:
    offsets = [seconds_of(one.get("offsetFromStart")) for one in changes]
    for place, (change, offset_s) in enumerate(zip(changes, offsets, strict=True)):
        following = offsets[place + 1] if place + 1 < len(offsets) else end_s - start_s
        if offset_s is None or following is None:
            taken.skip("sleep", "wrong_time")
        elif start_s + offset_s < end_s:
            until_s = min(start_s + following, end_s)
            keep_stage(taken, POLAR, start_s + offset_s, until_s, STAGES.get(str(change.get("state"))))


KIND: Final = ExportKind(
    (
        Part("heart rate", named(r"247ohr_.*\.json"), begins_object(b'"deviceDays"'), _read_heart_rate),
        Part("sleep", named(r"sleep_result_.*\.json"), begins_array(b'"night"', b'"sleepResult"'), _read_sleep),
    )
)
