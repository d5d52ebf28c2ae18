"""A table of text of an export, row by row: little of it is ever in memory."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from actigraphy.exports.parts import Readable
from actigraphy.exports.reading import UnreadableExport
from novamind.limits import LIMITS

CHUNK_BYTES: Final = 64 * 1024
PIECE_BYTES: Final = LIMITS["export_piece"].value * 1024


def header_of(head: bytes, line: int = 0) -> list[str]:
    """The names of the columns, in lower case, of a table that begins so; none where it is no table of text."""
    try:
        lines = head.decode("utf-8-sig", errors="ignore").splitlines()  # its last character may be cut in two
        return _names(next(csv.reader([lines[line]]))) if len(lines) > line else []
    except (csv.Error, StopIteration):
        return []


def has_columns(*names: str, line: int = 0) -> Callable[[bytes], bool]:
    """Whether a table that begins so has these columns, named in its first line or a later one."""
    return lambda head: set(names) <= set(header_of(head, line))


def rows(file: Readable, columns: Sequence[str], skip: int = 0) -> Iterator[tuple[str, ...]]:
    """The cells of these columns, told by their names without regard to case, of each row; empty where there is none.

    ``skip``: so many lines stand before the names.

    Raises
    ------
    UnreadableExport
        No text, a line or a cell that is too long, or a column that is missing.
    """
    try:
        reader = csv.reader(_lines(file, skip))
        names = _names(next(reader, []))
        places = [names.index(column.casefold()) for column in columns]
        for row in reader:
            if row:
                yield tuple(row[place].strip() if place < len(row) else "" for place in places)
    except (csv.Error, ValueError) as error:  # the latter of a column that is missing, or of no UTF-8
        raise UnreadableExport("damaged_export") from error


def _names(row: list[str]) -> list[str]:
    return [name.strip().casefold() for name in row]


def _lines(file: Readable, skip: int) -> Iterator[str]:
    """Lines with their ends, the first few passed over, none longer than a piece may be."""
    for number, line in enumerate(_raw_lines(file)):
        if number >= skip:
            yield line.decode("utf-8-sig" if number == 0 else "utf-8")


def _raw_lines(file: Readable) -> Iterator[bytes]:
    held = b""
    while chunk := file.read(CHUNK_BYTES):
        *whole, held = (held + chunk).split(b"\n")
        for line in whole:
            yield line + b"\n"
        if len(held) > PIECE_BYTES:
            raise UnreadableExport("piece_too_long", limit_kb=PIECE_BYTES // 1024)
    if held:
        yield held
