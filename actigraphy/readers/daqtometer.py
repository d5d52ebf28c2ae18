"""Daqtometer .csv (Daqtix): a header of channels, then one line per stored value."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO, Final

from .delimited import TableRows
from .reading import ColumnMapping, ReadRecording, Request, UnreadableRecording
from .text import Block, split_cells, take_lines, text_blocks

HEADER_LINES: Final = 60
LIGHT: Final = "light"


def is_daqtometer(lines: list[str]) -> bool:
    """Whether the first lines of a file are a Daqtometer's."""
    return lines[0].startswith("Start: ") and any(line.startswith("Store rate:") for line in lines[:HEADER_LINES])


def read_daqtometer(file: BinaryIO, request: Request) -> ReadRecording:
    """Read a Daqtometer file; the activity is its first channel of acceleration, the sum over what is stored.

    A file that says GMT is read as UTC. Channel: ``light`` (in the logger's own unit, no lux).
    """
    blocks = text_blocks(file, request.limits)
    header, first = _find_table(blocks)
    named = [name.casefold() for name in header.get("Name:", [])]
    activity = next((at for at, name in enumerate(named) if name.startswith(("accel", "accell"))), None)
    if activity is None:
        raise UnreadableRecording("wrong_columns")
    names = ["time", *(f"channel {at}" for at in range(len(named)))]
    mapping = ColumnMapping(
        time=0,
        activity=1 + activity,
        channels={LIGHT: 1 + named.index(LIGHT)} if LIGHT in named else {},
        delimiter=",",
        day_first=False,
    )
    table = TableRows(mapping, request.limits)
    table.set_columns(",", names)
    in_utc = all(stamp[0].endswith(" GMT") for stamp in (header.get("Start:", [""]), header.get("End:", [""])))
    for block in (first, *blocks):
        table.add(block)
    if in_utc:
        table.is_utc = True
    serials = [serial for serial in header.get("Serial number:", []) if serial]
    return replace(
        table.finish(request),
        format="daqtometer_csv",
        device_family="daqtometer",
        device_serial=serials[0][:64] if serials else None,
    )


def _find_table(blocks: Iterator[Block]) -> tuple[dict[str, list[str]], Block]:
    """The header by name, and what follows it: the first line that begins with a digit."""
    block = next(blocks, None)
    if block is None:
        raise UnreadableRecording("empty_file")
    header: dict[str, list[str]] = {}
    for _ in range(HEADER_LINES):
        (line,), rest = take_lines(block, 1)
        if line[:1].isdigit():
            return header, block
        if line.startswith(("Start:", "End:")):
            name, _, value = line.partition(": ")
            header[name + ":"] = [value.strip()]
        else:
            name, *values = split_cells(line, ",") or [""]
            header[name] = values
        block = rest
    raise UnreadableRecording("damaged_header")
