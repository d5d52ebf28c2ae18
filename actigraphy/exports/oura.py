"""Oura: JSON of the API v2 and of the account's export, in which the same documents stand in lists by their names.

References
----------
Oura API Documentation, v2 (cloud.ouraring.com/v2/docs): ``sleep``, ``heartrate``, ``daily_spo2``; and v1
(cloud.ouraring.com/docs), whose ``sleep`` has ``hypnogram_5min``, ``hr_5min`` and ``rmssd_5min``. A hypnogram has a
digit for each interval: 1 deep, 2 light, 3 REM, 4 awake. Stamps have their offsets.
"""

from __future__ import annotations

from typing import Any, Final

from actigraphy.exports.collecting import Collected
from actigraphy.exports.documents import items
from actigraphy.exports.measures import HEART_RATE, RESPIRATION, RMSSD, SPO2, Measure, keep, keep_stage
from actigraphy.exports.parts import ExportKind, Part, Readable, named
from actigraphy.exports.reading import Asked
from actigraphy.exports.values import as_array, as_object, number, on_wall, utc_second
from actigraphy.streams.sent import Sender

RING: Final = Sender("ring", "Oura")
STAGES: Final = {"1": "deep", "2": "light", "3": "rem", "4": "awake"}
#: Where a hypnogram stands, and how long each of its digits lasts.
HYPNOGRAMS: Final = (("sleep_phase_5_min", 300), ("hypnogram_5min", 300), ("sleep_phase_30_sec", 30))
FIVE_MIN_S: Final = 300
#: An export is an object of lists by their names, perhaps within another.
LEVELS: Final = 2


def is_oura(head: bytes) -> bool:
    """Whether a document that begins so is Oura's."""
    if head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] not in {b"{", b"["}:
        return False
    return any(
        all(b'"%s"' % word in head for word in words)
        for words in (
            (b"bedtime_start", b"bedtime_end"), (b"bpm", b"source", b"timestamp"), (b"spo2_percentage",),
            (b"class_5_min",), (b"class_5min",),
        )
    )  # fmt: skip


def read_oura(file: Readable, asked: Asked, taken: Collected) -> None:
    """Read documents, each told by what it has."""
    for _, item in items(file, LEVELS):
        said = as_object(item)
        if "bedtime_start" in said:
            _read_sleep(said, taken)
        elif "bpm" in said:
            keep(taken, RING, HEART_RATE, utc_second(said.get("timestamp")), number(said["bpm"]))
        elif "spo2_percentage" in said:
            average = number(as_object(said["spo2_percentage"]).get("average"))
            keep(taken, RING, SPO2, on_wall(said.get("day"), asked.tz), average)
        elif said:
            taken.skip("other", "not_kept_here")


def _read_sleep(said: dict[str, Any], taken: Collected) -> None:
    start_s, end_s = utc_second(said["bedtime_start"]), utc_second(said.get("bedtime_end"))
    if start_s is None or end_s is None:
        return taken.skip("sleep", "wrong_time")
    if said.get("type") == "deleted":
        return taken.skip("sleep", "not_kept_here")
    _keep_stages(said, start_s, end_s, taken)
    _keep_series(taken, HEART_RATE, said.get("heart_rate"))
    _keep_series(taken, RMSSD, said.get("hrv"))
    for measure, name in ((HEART_RATE, "hr_5min"), (RMSSD, "rmssd_5min")):
        _keep_values(taken, measure, start_s, FIVE_MIN_S, as_array(said.get(name)))
    breath = number(said.get("average_breath", said.get("breath_average")))
    if breath is not None:
        keep(taken, RING, RESPIRATION, start_s, breath)


def _keep_stages(said: dict[str, Any], start_s: int, end_s: int, taken: Collected) -> None:
    """The hypnogram in stretches of one stage, no longer than the time in bed; that alone where there is none."""
    digits, length_s = next(
        ((said[name], length) for name, length in HYPNOGRAMS if isinstance(said.get(name), str) and said[name]), ("", 0)
    )
    if not digits:
        return keep_stage(taken, RING, start_s, end_s, "in_bed")
    first = 0
    for place in range(1, len(digits) + 1):
        if place == len(digits) or digits[place] != digits[first]:
            at_s, to_s = start_s + first * length_s, min(start_s + place * length_s, end_s)
            if at_s < end_s:
                keep_stage(taken, RING, at_s, to_s, STAGES.get(digits[first]))
            first = place


def _keep_series(taken: Collected, measure: Measure, said: Any) -> None:
    """``{"interval": 300, "items": [51, null, 54], "timestamp": "..."}``."""
    series = as_object(said)
    if not series:
        return
    start_s, interval_s = utc_second(series.get("timestamp")), number(series.get("interval"))
    if start_s is None or interval_s is None or not 1 <= interval_s <= 3600:
        return taken.skip(measure.data_type, "wrong_time")
    _keep_values(taken, measure, start_s, round(interval_s), as_array(series.get("items")))


def _keep_values(taken: Collected, measure: Measure, start_s: int, interval_s: int, values: list[Any]) -> None:
    """Values of intervals; where nothing was measured stands nothing, or 0."""
    for place, value in enumerate(values):
        if value is not None and value != 0:
            keep(taken, RING, measure, start_s + place * interval_s, number(value))


KIND: Final = ExportKind((Part("documents", named(r".*\.json"), is_oura, read_oura),))
