"""Actiwatch .AWD: seven header lines, then one line per epoch."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import BinaryIO

import numpy as np

from .counts import to_numbers
from .grid import check_length, check_present, missing_notice, start_to_utc, year_notice
from .reading import FloatArray, Limits, Notice, ReadRecording, Request, UnreadableRecording
from .text import Block, split_columns, take_lines, text_blocks

HEADER_LINES = 7
EPOCH_S = {"1": 15, "2": 30, "4": 60, "8": 120, "20": 300, "81": 2, "C1": 5, "C2": 10}
MODELS = {
    "D": "Actiwatch-7", "I": "Actiwatch-Insomnia", "L": "Actiwatch-L", "M": "Actiwatch-Mini",
    "P": "Actiwatch-L-Plus", "S": "Actiwatch-S", "T": "Actiwatch-T", "V": "Actiwatch-4",
}  # fmt: skip
SECOND_CHANNEL = {"D": "light", "I": "pressure", "L": "light", "P": "light", "S": "sound", "T": "temperature"}
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")

_DATE = re.compile(r"(\d{1,2})-([A-Za-z]{3})[a-z]*-(\d{4})")
_TIME = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?")
_SERIAL = re.compile(r"[A-Za-z][0-9A-Fa-f]+")


def is_awd(lines: list[str]) -> bool:
    """Whether the first lines of a file look like an .AWD header."""
    return len(lines) >= 4 and bool(_DATE.fullmatch(lines[1].strip())) and bool(_TIME.fullmatch(lines[2].strip()))


def read_awd(file: BinaryIO, request: Request) -> ReadRecording:
    """Read an .AWD file; its start is wall-clock time, what follows is elapsed time.

    The header is: name (dropped), date, time, epoch code, age (dropped), serial number, sex (dropped). A line holds the
    counts, then on some models a comma and a second channel, then ``M`` where the wearer pressed the button.
    """
    blocks = text_blocks(file, request.limits)
    first = next(blocks, None)
    if first is None:
        raise UnreadableRecording("empty_file")
    header, first = take_lines(first, HEADER_LINES)
    epoch_s = EPOCH_S.get(header[3].strip().upper())
    if epoch_s is None:
        raise UnreadableRecording("epoch_unsupported", line=4)
    start_s = start_to_utc(_wall_start(header), request.tz)
    serial = header[5].strip()[:64] or None
    letter = serial[0].upper() if serial and _SERIAL.fullmatch(serial) else ""
    activity, second, marker = _read_lines((first, *blocks), epoch_s, request.limits)
    last = np.flatnonzero(~np.isnan(activity))
    n = int(last[-1]) + 1 if len(last) else 0
    check_length(n, epoch_s, request.limits)
    check_present(start_s + (n - 1) * epoch_s)
    channels = {"marker": marker[:n]}
    if second is not None:
        channels[SECOND_CHANNEL.get(letter, "second_channel")] = second[:n]
    pressed = int(channels["marker"].sum())
    notices = [Notice("marker_lines", f"The button was pressed in {pressed} epochs.")] if pressed else []
    return ReadRecording(
        format="actiwatch_awd",
        device_family="actiwatch",
        device_model=MODELS.get(letter),
        device_serial=serial,
        start_s=start_s,
        epoch_s=epoch_s,
        activity=activity[:n],
        channels=channels,
        zone=request.tz.key,
        zone_evidence="given",
        notices=(*year_notice(start_s), *notices, *missing_notice(activity[:n], n)),
    )


def _read_lines(
    blocks: Iterable[Block], epoch_s: int, limits: Limits
) -> tuple[FloatArray, FloatArray | None, FloatArray]:
    """Counts, second channel where there is one, and marker of each line."""
    counts: list[FloatArray] = []
    seconds: list[FloatArray] = []
    markers: list[FloatArray] = []
    n_columns = n = 0
    for block in blocks:
        if not block.data:
            continue
        plain, marker = _without_markers(block)
        n_columns = n_columns or 1 + (b"," in plain.data[: plain.data.find(b"\n")])
        columns, lines = split_columns(plain, ",", n_columns, range(n_columns), keep_blank=True)
        counts.append(to_numbers(columns[0], lines))
        seconds += [to_numbers(column, lines, negative=True) for column in columns[1:]]
        markers.append(marker[: len(lines)])
        n += len(lines)
        check_length(max(n, 2), epoch_s, limits)
    if not n:
        raise UnreadableRecording("truncated")
    return np.concatenate(counts), np.concatenate(seconds) if seconds else None, np.concatenate(markers)


def _without_markers(block: Block) -> tuple[Block, FloatArray]:
    """The block without its ``M``, and 1 for each line that had one."""
    cells = np.frombuffer(block.data, np.uint8)
    newlines = np.flatnonzero(cells == ord("\n"))
    marker = np.zeros(len(newlines), np.float32)
    pressed = np.flatnonzero(cells == ord("M"))
    if not len(pressed):
        return block, marker
    marker[np.searchsorted(newlines, pressed)] = 1
    return replace(block, data=re.sub(rb"[ \t]*M[ \t]*(?=\n)", b"", block.data)), marker


def _wall_start(header: list[str]) -> int:
    date, time = _DATE.fullmatch(header[1].strip()), _TIME.fullmatch(header[2].strip())
    if date is None or time is None:
        raise UnreadableRecording("damaged_header", line=2 if date is None else 3)
    try:
        wall = datetime(
            int(date[3]), MONTHS.index(date[2].lower()) + 1, int(date[1]),
            int(time[1]), int(time[2]), int(time[3] or 0), tzinfo=UTC,
        )  # fmt: skip
    except ValueError as error:
        raise UnreadableRecording("impossible_date", line=2) from error
    if not 1900 <= wall.year <= 2100:
        raise UnreadableRecording("impossible_date", line=2)
    return int(wall.timestamp())
