"""ActTrust .txt (Condor Instruments): a header between two rules, then one line per epoch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO, Final

from .delimited import TableRows
from .grid import check_epoch
from .reading import ColumnMapping, ReadRecording, Request, UnreadableRecording
from .text import Block, split_cells, take_lines, text_blocks

TITLE: Final = "Condor Instruments Report"
HEADER_LINES: Final = 200
STAMP: Final = "DATE/TIME"
#: Proportional integral mode: the area under the rectified acceleration, which ActStudio shows first.
ACTIVITY: Final = "PIM"
CHANNELS: Final = {
    "TAT": "time_above_threshold", "ZCM": "zero_crossings", "EVENT": "marker", "TEMPERATURE": "temperature",
    "EXT TEMPERATURE": "outer_temperature", "LIGHT": "light", "RED LIGHT": "red_light", "GREEN LIGHT": "green_light",
    "BLUE LIGHT": "blue_light", "IR LIGHT": "infrared_light", "UVA LIGHT": "uva_light", "UVB LIGHT": "uvb_light",
}  # fmt: skip


def is_acttrust(line: str) -> bool:
    """Whether a first line is that of an ActTrust file."""
    return TITLE in line


def read_acttrust(file: BinaryIO, request: Request) -> ReadRecording:
    """Read an ActTrust export; the activity is its proportional integral mode.

    Channels: ``time_above_threshold`` and ``zero_crossings`` (counts), ``marker``, ``temperature`` (at the skin, °C),
    ``outer_temperature`` (°C), ``light`` (lux), and the bands of light in µW/cm².
    """
    blocks = text_blocks(file, request.limits)
    header, names, first = _find_table(blocks)
    interval = header.get("INTERVAL", "")
    if not (interval.isascii() and interval.isdecimal() and len(interval) < 6):
        raise UnreadableRecording("damaged_header")
    check_epoch(int(interval))
    mapping = ColumnMapping(
        time=STAMP,
        activity=ACTIVITY,
        channels={name: column for column, name in CHANNELS.items() if column in names},
        delimiter=";",
        day_first=True,
    )
    table = TableRows(mapping, request.limits)
    table.set_columns(";", names)
    for block in (first, *blocks):
        table.add(block)
    return replace(
        table.finish(request, epoch_s=int(interval)),
        format="acttrust_txt",
        device_family="acttrust",
        device_model=header.get("DEVICE_MODEL", "")[:64] or None,
        device_serial=header.get("DEVICE_ID", "")[:64] or None,
    )


def _find_table(blocks: Iterator[Block]) -> tuple[dict[str, str], list[str], Block]:
    """The header by name, the names of the columns, and what follows."""
    block = next(blocks, None)
    if block is None:
        raise UnreadableRecording("empty_file")
    header: dict[str, str] = {}
    for _ in range(HEADER_LINES):
        (line,), block = take_lines(block, 1)
        if line.startswith(STAMP):
            names = split_cells(line, ";")
            if ACTIVITY not in names:
                raise UnreadableRecording("wrong_columns")
            return header, names, block
        name, _, value = line.partition(" : ")
        header[name.strip()] = value.strip()
    raise UnreadableRecording("damaged_header")
