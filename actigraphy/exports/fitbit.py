"""Fitbit: the account's archive, as fitbit.com exported it and Google Takeout does, and its single files.

References
----------
What the files are called and hold: the ``README`` files that Takeout puts beside them ("Time Series Data Export",
"Oxygen Saturation (SpO2)", "Heart Rate Variability"), and for sleep the Web API's "Get Sleep Log by Date" (levels
``wake``, ``light``, ``deep``, ``rem``, of devices without heart rate ``asleep``, ``restless``, ``awake``).

Times. ``heart_rate-*.json`` and ``steps-*.json`` bear the date of a local day and begin at that day's local midnight
told in UTC (``01/25/23 13:00:07`` opens 26 January at UTC+11): they are UTC. Tables whose stamps end in ``Z`` are too.
Sleep and the details of heart rate variability are on the wall clock without a zone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from actigraphy.exports.collecting import Collected
from actigraphy.exports.documents import begins_array, items
from actigraphy.exports.measures import (
    HEART_RATE,
    RESPIRATION,
    RMSSD,
    SPO2,
    Measure,
    Senders,
    keep,
    keep_point,
    keep_stage,
    keep_steps,
)
from actigraphy.exports.parts import ExportKind, Part, Readable, named
from actigraphy.exports.reading import Asked
from actigraphy.exports.tables import has_columns, rows
from actigraphy.exports.values import (
    as_array,
    as_object,
    number,
    of_month,
    on_wall,
    utc_second,
    wall_second,
    wall_to_utc,
)
from actigraphy.exports.walls import in_utc
from actigraphy.streams.sent import Sender
from novamind.clock import DAY_S

FITBIT: Final = Sender("", "Fitbit")
MINUTE_S: Final = 60
#: ``restless`` is movement in sleep, which Fitbit's own minutes asleep leave out.
STAGES: Final = {
    "wake": "awake", "awake": "awake", "restless": "awake", "asleep": "asleep", "light": "light", "deep": "deep",
    "rem": "rem",
}  # fmt: skip
#: What minutes without a reading bear instead of one.
NO_SPO2: Final = 50.0


def _read_heart_rate(file: Readable, asked: Asked, taken: Collected) -> None:
    """``[{"dateTime": "01/31/24 08:00:06", "value": {"bpm": 61, "confidence": 2}}]``; of confidence 0 none."""
    for _, item in items(file):
        said = as_object(as_object(item).get("value"))
        if said.get("confidence") == 0:
            taken.skip("heart_rate", "not_measured")
        else:
            keep(taken, FITBIT, HEART_RATE, of_month(as_object(item).get("dateTime")), number(said.get("bpm")))


def _read_steps(file: Readable, asked: Asked, taken: Collected) -> None:
    """``[{"dateTime": "01/31/24 08:00:00", "value": "12"}]``, UTC, of the minute that begins then."""
    for _, item in items(file):
        said = as_object(item)
        keep_steps(taken, FITBIT, of_month(said.get("dateTime")), MINUTE_S, number(said.get("value")))


def _read_sleep(file: Readable, asked: Asked, taken: Collected) -> None:
    """Logs of sleep; all stamps of one have the offset with which it began."""
    for _, item in items(file):
        log = as_object(item)
        levels = as_object(log.get("levels"))
        began_s = wall_second(log.get("startTime"))
        if began_s is None:
            taken.skip("sleep", "wrong_time")
            continue
        shift_s = wall_to_utc(began_s, asked.tz) - began_s
        for name in ("data", "shortData"):
            for level in as_array(levels.get(name)):
                _keep_level(taken, as_object(level), shift_s)


def _keep_level(taken: Collected, level: dict[str, Any], shift_s: int) -> None:
    at_s, length_s = wall_second(level.get("dateTime")), number(level.get("seconds"))
    if at_s is None or length_s is None or not 0 < length_s <= DAY_S:
        return taken.skip("sleep", "wrong_time")
    start_s = at_s + shift_s
    keep_stage(taken, FITBIT, start_s, start_s + round(length_s), STAGES.get(str(level.get("level"))))


def _read_variability(file: Readable, asked: Asked, taken: Collected) -> None:
    """RMSSD of five minutes of sleep each, on the wall clock, in order; a double hour is told by the step back."""
    told = ((wall_second(stamp), number(rmssd)) for stamp, rmssd in rows(file, ("timestamp", "rmssd")))
    for at_s, value in in_utc(told, "hrv", asked, taken):
        keep(taken, FITBIT, RMSSD, at_s, value)


def _read_minute_spo2(file: Readable, asked: Asked, taken: Collected) -> None:
    for stamp, value in rows(file, ("timestamp", "value")):
        if (percent := number(value)) == NO_SPO2:
            taken.skip("spo2", "not_measured")
        else:
            keep(taken, FITBIT, SPO2, utc_second(stamp), percent)


def _summary(measure: Measure, column: str) -> Callable[[Readable, Asked, Collected], None]:
    """A value of a whole night, at the moment the file gives; at local midnight where that is a date alone."""

    def read(file: Readable, asked: Asked, taken: Collected) -> None:
        for stamp, value in rows(file, ("timestamp", column)):
            keep(taken, FITBIT, measure, _of_night(stamp, asked), number(value))

    return read


def _of_night(stamp: str, asked: Asked) -> int | None:
    day, _, time = stamp.replace(" ", "T").partition("T")
    return on_wall(day if time.startswith("00:00:00") else stamp, asked.tz)


def _google(measure: Measure, column: str) -> Callable[[Readable, Asked, Collected], None]:
    """A table of Google's, each row with the device it is of."""

    def read(file: Readable, asked: Asked, taken: Collected) -> None:
        senders = Senders()
        for stamp, value, source in rows(file, ("timestamp", column, "data source")):
            keep(taken, senders.of(source), measure, utc_second(stamp), number(value))

    return read


def _read_google_steps(file: Readable, asked: Asked, taken: Collected) -> None:
    senders = Senders()
    for stamp, count, source in rows(file, ("timestamp", "steps", "data source")):
        keep_steps(taken, senders.of(source), utc_second(stamp), MINUTE_S, number(count))


def _read_google_weight(file: Readable, asked: Asked, taken: Collected) -> None:
    senders = Senders()
    for stamp, grams, source in rows(file, ("timestamp", "weight grams", "data source")):
        weight = number(grams)
        kg = None if weight is None else weight / 1000
        keep_point(taken, senders.of(source), "weight", utc_second(stamp), {"kg": kg})


_DATE: Final = r"\d{4}-\d\d-\d\d"
_BY_GOOGLE: Final = "data source"
_HEART_RATE: Final = "beats per minute"
_RESPIRATION: Final = "daily_respiratory_rate"
KIND: Final = ExportKind((
    Part("google heart rate", named(rf"heart_rate_{_DATE}\.csv"), has_columns("timestamp", _HEART_RATE, _BY_GOOGLE),
         _google(HEART_RATE, _HEART_RATE), loose=False),
    Part("google steps", named(rf"steps_{_DATE}\.csv"), has_columns("timestamp", "steps", _BY_GOOGLE),
         _read_google_steps),
    Part("google weight", named(rf"weight(?:_{_DATE})?\.csv"), has_columns("timestamp", "weight grams", _BY_GOOGLE),
         _read_google_weight),
    Part("heart rate", named(rf"heart_rate-{_DATE}\.json"), begins_array(b'"dateTime"', b'"bpm"', b'"confidence"'),
         _read_heart_rate, unless="google heart rate"),
    Part("steps", named(rf"steps-{_DATE}\.json"), begins_array(b'"dateTime"', b'"value"'), _read_steps, loose=False,
         unless="google steps"),
    Part("sleep", named(rf"sleep-{_DATE}\.json"), begins_array(b'"logId"', b'"dateOfSleep"', b'"startTime"'),
         _read_sleep),
    Part("variability", named(rf"heart rate variability details - {_DATE}\.csv"),
         has_columns("timestamp", "rmssd", "coverage"), _read_variability),
    Part("oxygen by minute", named(rf"minute spo2 - {_DATE}\.csv"), has_columns("timestamp", "value"),
         _read_minute_spo2, loose=False),
    Part("oxygen by night", named(r"daily spo2 - .*\.csv"), has_columns("timestamp", "average_value", "lower_bound"),
         _summary(SPO2, "average_value"), unless="oxygen by minute"),
    Part("respiration", named(r"daily respiratory rate summary - .*\.csv"), has_columns("timestamp", _RESPIRATION),
         _summary(RESPIRATION, _RESPIRATION)),
))  # fmt: skip
