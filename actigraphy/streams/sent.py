"""A batch of events as it was sent: every line is taken or refused by name; no database.

A line is an event, or a column of values on an even grid. What is refused is said with its number and without quoting
it: what stands in a wrong place may be a name.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np

from actigraphy.catalogue import LONGEST_H, SOURCES, STAGES, TYPES, DataType, DeviceStatus, Form, Key
from actigraphy.science.devices import DEVICES
from novamind import clock
from novamind.clock import DAY_S, from_epoch
from novamind.limits import JSON_ENTRIES, LIMITS

SHARED: Final = ("patient_id", "source", "source_device_id")
OF_EVENT: Final = frozenset({*SHARED, "data_type", "timestamp", "data"})
OF_COLUMN: Final = frozenset({*SHARED, "data_type", "start", "epoch_s", "values", "key"})
OF_BATCH: Final = frozenset({*SHARED, "events"})
MOST: Final = JSON_ENTRIES
LONGEST_EPOCH_S: Final = 3600
MAX_NAME: Final = 80
_QUARTER_S: Final = 900  # every local day since 1972 begins on a quarter of an hour of UTC
_NUMBERS: Final = frozenset({int, float})
_NUMBERS_OR_NOTHING: Final = frozenset({int, float, type(None)})


class WrongBatch(ValueError):
    """Nothing of the body can be read as a batch; ``code`` says why."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code, self.detail = code, detail


class WrongLine(ValueError):
    """One line is refused."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(code)
        self.code, self.detail = code, detail


class Floor(NamedTuple):
    """Before this UTC second nothing is taken: the code of the refusal, and why in words."""

    second: int
    code: str
    why: str


EPOCH: Final = Floor(0, "before_1970", "is before 1970")


def oldest_of_device() -> Floor:
    """From when on a device's token may send: the same for every patient, for an answer must not tell the birth."""
    most = LIMITS["past"].value
    return Floor(int(clock.now().timestamp()) - most * DAY_S, "too_long_ago", f"is more than {most:,} days ago")


class Sender(NamedTuple):
    """Which device measured, as the line says: its kind and its own id, both perhaps empty."""

    source: str
    device_id: str


class Refusal(NamedTuple):
    """A line that was refused, counted from 1."""

    line: int
    code: str
    detail: str


class Point(NamedTuple):
    """A point reading or a state of the device."""

    sender: Sender
    data_type: str
    at: datetime
    values: dict[str, Any]


class Session(NamedTuple):
    """A sleep session or nap; stages as ``[stage, from, to]`` in seconds after its start."""

    sender: Sender
    kind: str
    start: datetime
    end: datetime
    stages: list[list[Any]]


@dataclass
class Batch:
    """What may be true of a batch.

    ``seconds`` and ``values`` hold single samples and ``columns`` whole arrays (UTC seconds, float32) by (sender,
    channel). ``earliest_s`` is the oldest second that was named.
    """

    patient_id: UUID | None = None
    earliest_s: int | None = None
    lines: int = 0
    accepted: int = 0
    seconds: dict[tuple[Sender, str], list[int]] = field(default_factory=dict)
    values: dict[tuple[Sender, str], list[float]] = field(default_factory=dict)
    columns: dict[tuple[Sender, str], list[tuple[Any, Any]]] = field(default_factory=dict)
    points: list[Point] = field(default_factory=list)
    sessions: list[Session] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    data_types: set[str] = field(default_factory=set)

    def samples(self) -> Iterator[tuple[tuple[Sender, str], Any, Any]]:
        """``((sender, channel), seconds, values)`` as arrays, in the order sent, by sender and channel."""
        for where in sorted(self.seconds.keys() | self.columns.keys()):
            single = (np.array(self.seconds.get(where, []), dtype=np.int64),
                      np.array(self.values.get(where, []), dtype=np.float32))  # fmt: skip
            parts = [single, *self.columns.get(where, [])]
            yield where, np.concatenate([at for at, _ in parts]), np.concatenate([values for _, values in parts])


def read_batch(body: Any, since: Floor = EPOCH) -> Batch:
    """Read a body: one line, a list of lines, or ``{"events": [...]}`` with what they share.

    Lines from before ``since`` are refused, as all are from before 1970.

    Raises
    ------
    WrongBatch
        It is none of these, is too long, or is about more than one patient.
    """
    shared, lines = _lines(body)
    batch = Batch(lines=len(lines))
    reader = _Reader(batch, shared, since)
    for number, line in enumerate(lines, 1):
        try:
            reader.take(line)
        except WrongLine as error:
            batch.refused.append(Refusal(number, error.code, error.detail))
        if batch.accepted > MOST:
            raise WrongBatch("too_many_entries", f"A batch has at most {MOST:,} samples.")
    if len(reader.patients) > 1:
        raise WrongBatch("several_patients", "A batch is about one patient.")
    batch.patient_id = next(iter(reader.patients), None)
    return batch


def check_days(batch: Batch, tz: ZoneInfo) -> None:
    """``WrongBatch`` where a batch falls on more local days than it may: each can begin a stretch to be analyzed."""
    moments = [one.at for one in batch.points]
    moments += [moment for one in batch.sessions for moment in (one.start, one.end)]
    seconds = [at_s for _, at_s, _ in batch.samples()]
    seconds.append(np.array([moment.timestamp() for moment in moments], dtype=np.int64))
    quarters = np.unique(np.concatenate(seconds) // _QUARTER_S)
    most = LIMITS["batch_days"].value
    # So short a span needs no calendar: even days of 23 hours are fewer.
    if not len(quarters) or quarters[-1] - quarters[0] < (most - 5) * DAY_S // _QUARTER_S:
        return
    days = {clock.local(from_epoch(quarter * _QUARTER_S), tz).date() for quarter in quarters.tolist()}
    if len(days) > most:
        raise WrongBatch("too_many_days", f"A batch falls on at most {most:,} local days; send the others apart.")


def _lines(body: Any) -> tuple[dict[str, Any], list[Any]]:
    if isinstance(body, list):
        return {}, _few(body)
    if not isinstance(body, dict):
        raise WrongBatch("invalid", "Send an event, a list of events, or an object with events.")
    if "events" not in body:
        return {}, [body]
    if not body.keys() <= OF_BATCH:
        raise WrongBatch("unknown_field", f"A batch has {', '.join(sorted(OF_BATCH))} and no more.")
    if not isinstance(body["events"], list):
        raise WrongBatch("invalid", "events is a list.")
    return {name: body[name] for name in SHARED if name in body}, _few(body["events"])


def _few(lines: list[Any]) -> list[Any]:
    if not lines:
        raise WrongBatch("invalid", "The batch is empty.")
    if len(lines) > MOST:
        raise WrongBatch("too_many_entries", f"A batch has at most {MOST:,} samples.")
    return lines


class _Reader:
    """Takes the lines of one batch."""

    def __init__(self, batch: Batch, shared: dict[str, Any], since: Floor) -> None:
        self.batch, self.shared, self.since = batch, shared, since
        self.patients: set[UUID] = set()
        self.latest_s = clock.now().timestamp() + 60 * LIMITS["future"].value
        self._patients: dict[Any, UUID] = {}
        self._senders: dict[tuple[Any, Any], Sender] = {}

    def take(self, line: Any) -> None:
        """One line into the batch, or ``WrongLine``."""
        if not isinstance(line, dict):
            raise WrongLine("invalid", "A line is an object.")
        name = line.get("data_type")
        kind = TYPES.get(name) if isinstance(name, str) else None
        if kind is None:
            raise WrongLine("unknown_type", f"data_type is one of {', '.join(TYPES)}.")
        patient, sender = self._patient(line), self._sender(line)
        if "values" in line:
            self._take_column(line, kind, sender)
        else:
            self._take_event(line, kind, sender)
        self.patients.add(patient)
        self.batch.data_types.add(kind.name)

    def _patient(self, line: dict[str, Any]) -> UUID:
        said = line.get("patient_id", self.shared.get("patient_id"))
        if not isinstance(said, str):
            raise WrongLine("wrong_patient_id", "patient_id is the patient's UUID.")
        if (known := self._patients.get(said)) is None:
            try:
                known = self._patients[said] = UUID(said)
            except ValueError:
                raise WrongLine("wrong_patient_id", "patient_id is the patient's UUID.") from None
        return known

    def _sender(self, line: dict[str, Any]) -> Sender:
        source, device = (line.get(name, self.shared.get(name, "")) for name in ("source", "source_device_id"))
        if not (isinstance(source, str) and isinstance(device, str)):
            raise WrongLine("wrong_source", "source and source_device_id are texts.")
        if (known := self._senders.get((source, device))) is None:
            if source and source not in SOURCES and source not in DEVICES:
                raise WrongLine("unknown_source", f"source is one of {', '.join([*SOURCES, *DEVICES])}.")
            if len(device) > MAX_NAME or not device.isprintable():
                raise WrongLine("wrong_source", f"source_device_id has at most {MAX_NAME} printable characters.")
            known = self._senders[source, device] = Sender(source, device)
        return known

    def _take_event(self, line: dict[str, Any], kind: DataType, sender: Sender) -> None:
        if not line.keys() <= OF_EVENT:
            raise WrongLine("unknown_field", f"An event has {', '.join(sorted(OF_EVENT))}.")
        at_s, data = self._second(line.get("timestamp"), "timestamp"), line.get("data")
        if not isinstance(data, dict):
            raise WrongLine("invalid", "data is an object.")
        if kind.form is Form.SIGNAL:
            self._take_samples(kind, sender, at_s, data)
        elif kind.form is Form.SLEEP:
            self.batch.sessions.append(self._session(kind, sender, at_s, data))
        else:
            values = _status(data) if kind.form is Form.STATUS else _numbers(kind, data)
            self.batch.points.append(Point(sender, kind.name, from_epoch(at_s), values))
        self.batch.accepted += 1

    def _take_samples(self, kind: DataType, sender: Sender, at_s: int, data: dict[str, Any]) -> None:
        if at_s % kind.grid_s:
            raise WrongLine("off_grid", f"A timestamp of {kind.name} falls on a whole {_span(kind.grid_s)}.")
        for name, value in _numbers(kind, data).items():
            where = sender, kind.by_name[name].channel
            self.batch.seconds.setdefault(where, []).append(at_s)
            self.batch.values.setdefault(where, []).append(value)

    def _take_column(self, line: dict[str, Any], kind: DataType, sender: Sender) -> None:
        if not line.keys() <= OF_COLUMN:
            raise WrongLine("unknown_field", f"A column has {', '.join(sorted(OF_COLUMN))}.")
        if kind.form is not Form.SIGNAL:
            raise WrongLine("no_column", f"{kind.name} is sent as events.")
        key, epoch_s = _key_of(line, kind), line.get("epoch_s")
        start_s = self._second(line.get("start"), "start")
        if type(epoch_s) is not int or not 1 <= epoch_s <= LONGEST_EPOCH_S:
            raise WrongLine("wrong_epoch", f"epoch_s is a whole number of seconds from 1 to {LONGEST_EPOCH_S:,}.")
        if start_s % kind.grid_s or epoch_s % kind.grid_s or (kind.grid_s > 1 and epoch_s != kind.grid_s):
            raise WrongLine("off_grid", f"{kind.name} comes every {_span(kind.grid_s)}, from a whole one on.")
        values = _column(key, line["values"])
        if start_s + epoch_s * (len(values) - 1) > self.latest_s:
            raise WrongLine("in_the_future", "The last value is in the future.")
        there = np.flatnonzero(~np.isnan(values))
        where = sender, key.channel
        at_s = start_s + there.astype(np.int64) * epoch_s
        self.batch.columns.setdefault(where, []).append((at_s, values[there].astype(np.float32)))
        self.batch.accepted += len(there)

    def _second(self, said: Any, name: str) -> int:
        """UTC second; fractions of one are dropped."""
        if not isinstance(said, str):
            raise WrongLine("wrong_time", f"{name} is a time with its UTC offset, as 2026-02-03T04:05:06Z.")
        try:
            moment = datetime.fromisoformat(said)
        except ValueError:
            raise WrongLine("wrong_time", f"{name} is a time with its UTC offset, as 2026-02-03T04:05:06Z.") from None
        if moment.tzinfo is None:
            raise WrongLine("no_offset", f"{name} has no UTC offset.")
        try:
            second = int(moment.timestamp() // 1)
        except OverflowError:
            second = -1
        earliest = self.batch.earliest_s
        self.batch.earliest_s = second if earliest is None else min(earliest, second)
        for floor in (EPOCH, self.since):
            if second < floor.second:
                raise WrongLine(floor.code, f"{name} {floor.why}.")
        if second > self.latest_s:
            raise WrongLine("in_the_future", f"{name} is in the future.")
        return second

    def _session(self, kind: DataType, sender: Sender, start_s: int, data: dict[str, Any]) -> Session:
        if not data.keys() <= {"end", "stages"}:
            raise WrongLine("unknown_key", f"data of {kind.name} has end and stages.")
        end_s, most = self._second(data.get("end"), "end"), LONGEST_H[kind.name]
        if not 0 < end_s - start_s <= most * 3600:
            raise WrongLine("implausible_value", f"A {kind.name} ends after its start, and lasts at most {most} h.")
        stages = self._stages(data.get("stages", []), start_s, end_s)
        return Session(sender, kind.name, from_epoch(start_s), from_epoch(end_s), stages)

    def _stages(self, said: Any, start_s: int, end_s: int) -> list[list[Any]]:
        if not isinstance(said, list):
            raise WrongLine("invalid", "stages is a list.")
        found: list[list[Any]] = []
        before = start_s
        for stage in said:
            if not isinstance(stage, dict) or stage.keys() != {"stage", "start", "end"}:
                raise WrongLine("invalid", "A stage has stage, start and end.")
            if stage["stage"] not in STAGES:
                raise WrongLine("unknown_stage", f"A stage is one of {', '.join(STAGES)}.")
            first, last = self._second(stage["start"], "start"), self._second(stage["end"], "end")
            if not before <= first < last <= end_s:
                raise WrongLine("wrong_stages", "Stages follow each other within their session and do not overlap.")
            found.append([stage["stage"], first - start_s, last - start_s])
            before = last
        return found


def _numbers(kind: DataType, data: dict[str, Any]) -> dict[str, float]:
    """The numbers of an event, to the digits that are kept."""
    known = _KEYS[kind.name]
    if not data or not data.keys() <= known.keys() or (not kind.any_of and len(data) != len(known)):
        raise WrongLine("unknown_key", f"data of {kind.name} has {' or '.join(known)}."
                        if kind.any_of else f"data of {kind.name} has {' and '.join(known)}, and no more.")  # fmt: skip
    found = {}
    for name, value in data.items():
        key = known[name]
        if type(value) not in _NUMBERS:
            raise WrongLine("not_a_number", f"{name} is a number of {key.unit}.")
        if not key.low <= value <= key.high:
            raise _implausible(key)
        found[name] = round(value, key.decimals)
    return found


def _implausible(key: Key, which: int | None = None) -> WrongLine:
    of = f"Value {which}: " if which else ""
    return WrongLine("implausible_value", f"{of}{key.name} lies between {key.low:,.0f} and {key.high:,.0f} {key.unit}.")


_KEYS: Final = {kind.name: kind.by_name for kind in TYPES.values()}


def _status(data: dict[str, Any]) -> dict[str, Any]:
    state = data.get("state")
    if data.keys() != {"state"} or not isinstance(state, str) or state not in set(DeviceStatus):
        raise WrongLine("unknown_key", f"data of device_status has a state: one of {', '.join(DeviceStatus)}.")
    return {"state": state}


def _key_of(line: dict[str, Any], kind: DataType) -> Key:
    name = line.get("key", kind.keys[0].name if len(kind.keys) == 1 else None)
    key = kind.by_name.get(name) if isinstance(name, str) else None
    if key is None:
        raise WrongLine("unknown_key", f"key of {kind.name} is one of {', '.join(kind.by_name)}.")
    return key


def _column(key: Key, said: Any) -> Any:
    """(n,) float64, NaN where nothing was measured, to the digits that are kept."""
    if not isinstance(said, list) or not said or len(said) > MOST:
        raise WrongLine("invalid", f"values is a list of 1 to {MOST:,} numbers or nulls.")
    if not set(map(type, said)) <= _NUMBERS_OR_NOTHING:
        raise WrongLine("not_a_number", "values are numbers or nulls.")
    try:
        values = np.array(said, dtype=np.float64)
    except OverflowError:
        raise _implausible(key) from None
    wrong = np.flatnonzero(~((values >= key.low) & (values <= key.high)) & ~np.isnan(values))
    if len(wrong):
        raise _implausible(key, int(wrong[0]) + 1)
    return np.round(values, key.decimals)


def _span(seconds: int) -> str:
    return "minute" if seconds == 60 else f"{seconds} s"
