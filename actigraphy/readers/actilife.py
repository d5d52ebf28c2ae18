"""ActiLife .csv: ten header lines, perhaps a line of column names, then one line per epoch."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import BinaryIO

import numpy as np

from .counts import to_numbers
from .delimited import DELIMITERS, TableRows
from .grid import check_epoch, check_length, check_present, missing_notice, start_to_utc, year_notice
from .reading import ColumnMapping, FloatArray, Notice, ReadRecording, Request, UnreadableRecording
from .text import Block, split_cells, split_columns, take_lines, text_blocks

HEADER_LINES = 10
CHANNELS = {
    "axis1": "axis1", "axis2": "axis2", "axis3": "axis3", "activity": "axis1", "vector magnitude": "vector_magnitude",
    "vm": "vector_magnitude", "steps": "steps", "lux": "light", "inclinometer off": "inclinometer_off",
    "inclinometer standing": "inclinometer_standing", "inclinometer sitting": "inclinometer_sitting",
    "inclinometer lying": "inclinometer_lying",
}  # fmt: skip

_TITLE = re.compile(r"-+ *data (?:table )?file created by actigraph", re.IGNORECASE)
_MODEL = re.compile(r"created by actigraph +(.{1,40}?) +actilife", re.IGNORECASE)
_ORDER = re.compile(r"date format +([dmy]+)[-/.]([dmy]+)[-/.]([dmy]+)", re.IGNORECASE)
_SERIAL = re.compile(r"serial number: *([^,;\s]{1,64})", re.IGNORECASE)
_START_TIME = re.compile(r"start time +(\d{1,2}):(\d{2}):(\d{2})(?: *([ap]m))?", re.IGNORECASE)
_START_DATE = re.compile(r"start date +(\d{1,4})[-/.](\d{1,2})[-/.](\d{1,4})", re.IGNORECASE)
_EPOCH = re.compile(
    r"(?:epoch|window|cycle) (?:period|length) *(?:\(hh:mm:ss\))? *(\d{1,2}):(\d{2}):(\d{2})", re.IGNORECASE
)


@dataclass(frozen=True)
class Header:
    """What the ten lines say about the device and its clock."""

    wall_s: int
    epoch_s: int
    model: str | None
    serial: str | None
    day_first: bool


def is_actilife(line: str) -> bool:
    """Whether a first line is that of an ActiLife export."""
    return _TITLE.search(line) is not None


def read_actilife(file: BinaryIO, request: Request) -> ReadRecording:
    """Read an ActiLife export; rows without stamps are counted on from the start in the header."""
    blocks = text_blocks(file, request.limits)
    first = next(blocks, None)
    if first is None:
        raise UnreadableRecording("empty_file")
    lines, first = take_lines(first, HEADER_LINES)
    header = _parse_header("\n".join(lines))
    check_epoch(header.epoch_s)
    if not first.data.strip():
        first = next(blocks, None) or first
    if not first.data.strip():
        raise UnreadableRecording("truncated")
    (line,), rest = take_lines(first, 1)
    delimiter = max(DELIMITERS, key=line.count)
    cells = [cell.casefold().replace(".", " ") for cell in split_cells(line, delimiter)]
    if len(cells) > request.limits.max_columns:
        raise UnreadableRecording("too_many_columns", limit=request.limits.max_columns)
    named = any(cell in CHANNELS for cell in cells)
    names = cells if named else _names_by_place(cells)
    columns = {CHANNELS[name]: at for at, name in reversed(list(enumerate(names))) if name in CHANNELS}
    if "axis1" not in columns:
        raise UnreadableRecording("wrong_columns", line=HEADER_LINES + 1)
    body = (rest if named else first, *blocks)
    mapping = _stamped(names, columns, header, delimiter)
    if mapping is None:
        recording = _read_elapsed(body, delimiter, len(cells), columns, header, request)
    else:
        table = TableRows(mapping, request.limits)
        table.set_columns(delimiter, names)
        for block in body:
            table.add(block)
        recording = table.finish(request, epoch_s=header.epoch_s)
        recording.channels["axis1"] = recording.activity
    return replace(
        recording,
        format="actilife_csv",
        device_family="actigraph",
        device_model=header.model,
        device_serial=header.serial,
        notices=(*recording.notices, *_ignored(names, columns)),
    )


def _parse_header(text: str) -> Header:
    order, start_time, start_date = _ORDER.search(text), _START_TIME.search(text), _START_DATE.search(text)
    epoch = _EPOCH.search(text)
    if start_time is None or start_date is None or epoch is None:
        raise UnreadableRecording("damaged_header")
    hours, minutes, seconds = map(int, epoch.groups())
    epoch_s = hours * 3600 + minutes * 60 + seconds
    if epoch_s == 0:
        raise UnreadableRecording("raw_not_supported")
    letters = "".join(part[0].lower() for part in order.groups()) if order else "mdy"
    if sorted(letters) != ["d", "m", "y"]:
        raise UnreadableRecording("damaged_header", line=1)
    date = dict(zip(letters, map(int, start_date.groups()), strict=True))
    hour = int(start_time[1])
    if start_time[4]:
        hour = hour % 12 + (12 if start_time[4].lower() == "pm" else 0)
    try:
        wall = datetime(date["y"], date["m"], date["d"], hour, int(start_time[2]), int(start_time[3]), tzinfo=UTC)
    except ValueError as error:
        raise UnreadableRecording("impossible_date", line=4) from error
    if not 1900 <= wall.year <= 2100:
        raise UnreadableRecording("impossible_date", line=4)
    model, serial = _MODEL.search(text), _SERIAL.search(text)
    return Header(
        wall_s=int(wall.timestamp()),
        epoch_s=epoch_s,
        model=model[1] if model else None,
        serial=serial[1] if serial else None,
        day_first=letters.index("d") < letters.index("m"),
    )


def _names_by_place(cells: list[str]) -> list[str]:
    """Names of a table without a line of names: stamps if there are any, then the axes; the rest is left unnamed."""
    stamps = ["date", "time"] if len(cells) > 2 and re.search(r"\d[-/.]\d", cells[0]) and ":" in cells[1] else []
    if not stamps and re.search(r"\d[-/.]\d.*:", cells[0]):
        stamps = ["timestamp"]
    n_values = len(cells) - len(stamps)
    axes = ["axis1", "axis2", "axis3"] if n_values >= 3 else ["axis1"]
    return [*stamps, *axes, *[""] * (n_values - len(axes))]


def _stamped(names: list[str], columns: dict[str, int], header: Header, delimiter: str) -> ColumnMapping | None:
    """Where the stamps are, if the table has any."""
    channels = {name: at for name, at in columns.items() if name != "axis1"}
    if "date" in names and "time" in names:
        time, date = names.index("time"), names.index("date")
    elif "timestamp" in names:
        time, date = names.index("timestamp"), None
    else:
        return None
    return ColumnMapping(
        time=time, date=date, activity=columns["axis1"], channels=channels, delimiter=delimiter,
        day_first=header.day_first, has_header=False,
    )  # fmt: skip


def _read_elapsed(
    body: tuple[Block, ...], delimiter: str, n_columns: int, columns: dict[str, int], header: Header, request: Request
) -> ReadRecording:
    parts: dict[str, list[FloatArray]] = {name: [] for name in columns}
    n = 0
    for block in body:
        if not block.data:
            continue
        texts, lines = split_columns(block, delimiter, n_columns, list(columns.values()), keep_blank=n_columns == 1)
        for name, text in zip(columns, texts, strict=True):
            parts[name].append(to_numbers(text, lines))
        n += len(lines)
        check_length(max(n, 2), header.epoch_s, request.limits)
    if not n:
        raise UnreadableRecording("truncated")
    channels = {name: np.concatenate(values) for name, values in parts.items()}
    last = np.flatnonzero(~np.isnan(channels["axis1"]))
    n = int(last[-1]) + 1 if len(last) else 0
    check_length(n, header.epoch_s, request.limits)
    start_s = start_to_utc(header.wall_s, request.tz)
    check_present(start_s + (n - 1) * header.epoch_s)
    channels = {name: values[:n] for name, values in channels.items()}
    return ReadRecording(
        format="actilife_csv",
        device_family="actigraph",
        device_model=None,
        device_serial=None,
        start_s=start_s,
        epoch_s=header.epoch_s,
        activity=channels["axis1"],
        channels=channels,
        zone=request.tz.key,
        zone_evidence="given",
        notices=(*year_notice(start_s), *missing_notice(channels["axis1"], n)),
    )


def _ignored(names: list[str], columns: dict[str, int]) -> list[Notice]:
    n = sum(name not in CHANNELS and name not in {"date", "time", "timestamp"} for name in names)
    return [Notice("columns_ignored", f"{n} columns were not read.")] if n else []
