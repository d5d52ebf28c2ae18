"""Tables with a stamp on every line: Depresjon's files, and any other with its columns named by the caller."""

from __future__ import annotations

from dataclasses import replace
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from .counts import to_numbers
from .grid import check_span, count_epochs, missing_notice, place_on_grid, wall_to_utc, year_notice
from .reading import ColumnMapping, FloatArray, Limits, ReadRecording, Request, UnreadableRecording
from .stamps import Stamps, join_stamps, parse_stamps, resolve_stamps
from .text import Block, Lines, split_cells, split_columns, take_lines, text_blocks

DEPRESJON = ColumnMapping(time="timestamp", activity="activity", delimiter=",", day_first=False)
DELIMITERS = ",;\t|"


def read_depresjon(file: BinaryIO, request: Request) -> ReadRecording:
    """Read ``timestamp,date,activity`` files as the Depresjon and Psykose data sets use (Actiwatch AW4, wall clock).

    References
    ----------
    Garcia-Ceja et al. (2018) Proc ACM MMSys, 472-477.
    """
    recording = read_delimited(file, replace(request, columns=DEPRESJON))
    return replace(recording, format="depresjon_csv", device_family="actiwatch")


def read_delimited(file: BinaryIO, request: Request) -> ReadRecording:
    """Read a table whose columns the request names; the stamps decide the epoch.

    Raises
    ------
    UnreadableRecording
        column_mapping_needed where the request names no columns or the file lacks them.
    """
    if request.columns is None:
        raise UnreadableRecording("column_mapping_needed")
    rows = TableRows(request.columns, request.limits)
    for block in text_blocks(file, request.limits):
        rows.add(block)
    return rows.finish(request)


class TableRows:
    """The wanted columns of a table, gathered block by block."""

    def __init__(self, mapping: ColumnMapping, limits: Limits) -> None:
        self.mapping = mapping
        self.limits = limits
        self.delimiter = ""
        self.n_columns = 0
        self.wanted: list[int] = []
        self.names = ["activity", *mapping.channels]
        self.count = 0
        self.seconds: list[NDArray[np.int64]] = []
        self.is_utc: bool | None = None
        self.undecided: list[Stamps] = []  # from the first date on that leaves the order of day and month open
        self.lines: list[Lines] = []
        self.values: dict[str, list[FloatArray]] = {name: [] for name in self.names}

    def add(self, block: Block) -> None:
        """Take the rows of the next block."""
        if not self.n_columns:
            block = self._read_header(block)
        if not block.data.strip() or not self.n_columns:
            return
        columns, lines = split_columns(block, self.delimiter, self.n_columns, self.wanted)
        if not len(lines):
            return
        self.count += len(lines)
        if self.count > 2 * self.limits.max_samples:  # twice: every line may stand there twice
            raise UnreadableRecording("too_long", limit=f"{self.limits.max_samples:,} epochs")
        texts = columns.pop(0)
        if self.mapping.date is not None:
            texts = np.strings.add(np.strings.add(columns.pop(0), b" "), texts)
        self._add_stamps(parse_stamps(texts, lines), lines)
        self.lines.append(lines)
        for name, column in zip(self.names, columns, strict=True):
            self.values[name].append(to_numbers(column, lines, negative=name != "activity"))

    def finish(self, request: Request, *, epoch_s: int | None = None) -> ReadRecording:
        """The recording, once every block was added; the epoch is the median step where it is not stated."""
        if not self.lines:
            raise UnreadableRecording("too_short")
        lines = np.concatenate(self.lines)
        if self.undecided:
            stamps, self.undecided = join_stamps(self.undecided), []
            self._add_seconds(stamps, lines[-len(stamps.year) :])
        seconds, is_utc = np.concatenate(self.seconds), bool(self.is_utc)
        self.seconds.clear()
        check_span(seconds, lines, self.limits)
        utc_s, notices = (seconds, []) if is_utc else wall_to_utc(seconds, request.tz)
        columns = {name: np.concatenate(parts) for name, parts in self.values.items()}
        start_s, epoch_s, grid, more = place_on_grid(utc_s, columns, lines, epoch_s=epoch_s, limits=self.limits)
        activity = grid.pop("activity")
        return ReadRecording(
            format="generic_csv",
            device_family="generic",
            device_model=None,
            device_serial=None,
            start_s=start_s,
            epoch_s=epoch_s,
            activity=activity,
            channels=grid,
            zone=request.tz.key,
            zone_evidence="file" if is_utc else "given",
            notices=(*year_notice(start_s), *notices, *more, *missing_notice(activity, count_epochs(utc_s))),
        )

    def _add_stamps(self, stamps: Stamps, lines: Lines) -> None:
        """Seconds at once where that is possible: they take a third of the memory."""
        if self.undecided or (self.mapping.day_first is None and stamps.ambiguous.any()):
            self.undecided.append(stamps)
        else:
            self._add_seconds(stamps, lines)

    def _add_seconds(self, stamps: Stamps, lines: Lines) -> None:
        seconds, is_utc = resolve_stamps(stamps, lines, self.mapping.day_first)
        if is_utc is not (self.is_utc if self.is_utc is not None else is_utc):
            raise UnreadableRecording("mixed_offsets", line=int(lines[0]))
        self.is_utc = is_utc
        self.seconds.append(seconds)

    def _read_header(self, block: Block) -> Block:
        """Find the columns in the first line that is not blank."""
        while block.data:
            (line,), rest = take_lines(block, 1)
            if line.strip():
                break
            block = rest
        else:
            return block
        delimiter = self.mapping.delimiter or max(DELIMITERS, key=line.count)
        if len(delimiter) != 1 or not delimiter.isascii() or delimiter in '"\n\r':
            raise UnreadableRecording("column_mapping_needed")
        self.set_columns(delimiter, split_cells(line, delimiter))
        return rest if self.mapping.has_header else block

    def set_columns(self, delimiter: str, header: list[str]) -> None:
        """State how lines are cut and what the columns are called."""
        if len(header) > self.limits.max_columns:
            raise UnreadableRecording("too_many_columns", limit=self.limits.max_columns)
        mapping = self.mapping
        asked = [mapping.time, *([] if mapping.date is None else [mapping.date]), mapping.activity]
        self.delimiter, self.n_columns = delimiter, len(header)
        self.wanted = [_column(header, name) for name in [*asked, *mapping.channels.values()]]


def _column(header: list[str], name: str | int) -> int:
    if isinstance(name, int):
        if 0 <= name < len(header):
            return name
    else:
        known = [cell.casefold() for cell in header]
        if known.count(name.strip().casefold()) == 1:
            return known.index(name.strip().casefold())
    raise UnreadableRecording("column_mapping_needed")
