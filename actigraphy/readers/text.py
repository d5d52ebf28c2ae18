"""Text files in bounded pieces: line ends, encodings, and columns cut without a Python object per cell."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from .reading import Limits, UnreadableRecording

CHUNK_BYTES = 1 << 20
MAX_FIELD = 64  # the longest stamp or number anyone writes is half of this
NEWLINE, QUOTE = 10, 34

Texts = NDArray[np.bytes_]
Lines = NDArray[np.int32]


@dataclass(frozen=True)
class Block:
    """Whole lines, each ended by a single newline.

    Attributes
    ----------
    data : bytes
        UTF-8 or another superset of ASCII.
    first_line : int
        Number of the first line in the file, from 1.
    unterminated : bool
        Whether the last line had no line end in the file.
    """

    data: bytes
    first_line: int
    unterminated: bool = False


def text_blocks(file: BinaryIO, limits: Limits) -> Iterator[Block]:
    """The file's lines in pieces of about a megabyte; CR, LF and CRLF, UTF-8, Latin-1 and UTF-16 with a mark."""
    carry, line = b"", 1
    for chunk in _ascii_superset(file):
        chunk = carry + chunk
        held = b"\r" if chunk.endswith(b"\r") else b""  # its newline may open the next piece
        chunk = _unix_lines(chunk[: len(chunk) - len(held)])
        cut = chunk.rfind(b"\n") + 1
        body, carry = chunk[:cut], chunk[cut:] + held
        if len(carry) > limits.max_line_bytes:
            raise UnreadableRecording("line_too_long", line=line + body.count(b"\n"), limit_kb=_kb(limits))
        if body:
            yield _checked(Block(body, line), limits)
            line += body.count(b"\n")
    carry = carry.rstrip(b"\r\x1a")
    if carry:
        yield _checked(Block(carry + b"\n", line, unterminated=True), limits)


def take_lines(block: Block, n: int) -> tuple[list[str], Block]:
    """The first ``n`` lines of a block as text, and what follows them."""
    at = 0
    for _ in range(n):
        end = block.data.find(b"\n", at)
        if end < 0:
            raise UnreadableRecording("truncated")
        at = end + 1
    lines = decode(block.data[:at]).split("\n")[:n]
    return lines, replace(block, data=block.data[at:], first_line=block.first_line + n)


def decode(data: bytes) -> str:
    """Text for reading names: UTF-8, else Latin-1, which never fails."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def split_cells(line: str, delimiter: str) -> list[str]:
    """The cells of one line, stripped of quotes and blanks."""
    cells = next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])
    return [cell.strip() for cell in cells]


def split_columns(
    block: Block, delimiter: str, n_columns: int, wanted: Sequence[int], *, keep_blank: bool = False
) -> tuple[list[Texts], Lines]:
    """Cut the wanted columns out of a block.

    Parameters
    ----------
    block : Block
        Data lines only.
    delimiter : str
        One ASCII character.
    n_columns : int
        Columns every line must have.
    wanted : sequence of int
        Columns to return, from 0.
    keep_blank : bool
        Keep empty lines as empty cells: where a line's place is its time, none may be skipped.

    Returns
    -------
    columns : list of ndarray of bytes, each shape (n_rows,)
    lines : ndarray of int32, shape (n_rows,)
        Line number of each row.

    Raises
    ------
    UnreadableRecording
        wrong_columns or truncated, with the line.
    """
    data = block.data if keep_blank and not block.unterminated else block.data.rstrip(b"\n") + b"\n"
    if data == b"\n" and not keep_blank:
        return [np.empty(0, "S1") for _ in wanted], np.empty(0, np.int32)
    ends = _field_ends(data.replace(b'"', b""), delimiter, n_columns)
    if ends is None or (n_columns == 1 and not keep_blank):
        columns, lines = _cut_slowly(replace(block, data=data), delimiter, n_columns, wanted, keep_blank)
    else:
        cells = np.frombuffer(data.replace(b'"', b""), np.uint8)
        lines = block.first_line + np.arange(len(ends), dtype=np.int32)
        columns = [_cut(cells, ends, column, lines) for column in wanted]
    if keep_blank:
        return columns, lines
    filled = np.logical_or.reduce([column != b"" for column in columns])
    if filled.all():
        return columns, lines
    return [column[filled] for column in columns], lines[filled]


def _field_ends(data: bytes, delimiter: str, n_columns: int) -> NDArray[np.int64] | None:
    """Where each cell ends, shape (n_rows, n_columns); None unless every line has that many cells."""
    cells = np.frombuffer(data, np.uint8)
    newline = cells == NEWLINE
    ends = np.flatnonzero(newline | (cells == ord(delimiter))) if n_columns > 1 else np.flatnonzero(newline)
    n_rows = int(np.count_nonzero(newline))
    if len(ends) != n_rows * n_columns:
        return None
    table = ends.reshape(n_rows, n_columns)
    return table if bool(newline[table[:, -1]].all()) else None


def _cut(cells: NDArray[np.uint8], ends: NDArray[np.int64], column: int, lines: Lines) -> Texts:
    stop = ends[:, column]
    start = np.empty_like(stop)
    if column:
        start[:] = ends[:, column - 1] + 1
    else:
        start[0] = 0
        start[1:] = ends[:-1, -1] + 1
    length = stop - start
    width = max(int(length.max()), 1)
    if width > MAX_FIELD:
        raise UnreadableRecording("wrong_columns", line=int(lines[int(length.argmax())]))
    offset = np.arange(width)
    chars = cells[np.minimum(start[:, None] + offset, len(cells) - 1)]
    chars[offset >= length[:, None]] = 0
    blank_edge = bool((chars[:, 0] == 32).any()) or bool((cells[np.maximum(stop - 1, 0)] == 32).any())
    texts = np.ascontiguousarray(chars).view(f"S{width}").ravel()
    return np.strings.strip(texts) if blank_edge else texts


def _cut_slowly(
    block: Block, delimiter: str, n_columns: int, wanted: Sequence[int], keep_blank: bool
) -> tuple[list[Texts], Lines]:
    """Line by line, for tables with blank lines, delimiters in quotes, or a fault to point at."""
    rows: list[list[str]] = []
    lines: list[int] = []
    texts = block.data.decode("latin-1").split("\n")[:-1]
    for number, text in enumerate(texts, block.first_line):
        if not text.strip() and not keep_blank:
            continue
        cells = split_cells(text, delimiter) or [""]
        if len(cells) != n_columns:
            cut_off = block.unterminated and number == block.first_line + len(texts) - 1
            raise UnreadableRecording("truncated" if cut_off else "wrong_columns", line=number)
        chosen = [cells[column] for column in wanted]
        if max(map(len, chosen)) > MAX_FIELD:
            raise UnreadableRecording("wrong_columns", line=number)
        rows.append(chosen)
        lines.append(number)
    if not rows:
        return [np.empty(0, "S1") for _ in wanted], np.empty(0, np.int32)
    columns = [np.array([cell.encode("latin-1") for cell in column]) for column in zip(*rows, strict=True)]
    return columns, np.array(lines, np.int32)


def _ascii_superset(file: BinaryIO) -> Iterator[bytes]:
    """Pieces of the file in which every ASCII character is one byte."""
    chunk = _read_fully(file)
    if chunk.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        decoder = codecs.getincrementaldecoder("utf-16")()
        try:
            while chunk:
                yield decoder.decode(chunk).encode("utf-8")
                chunk = _read_fully(file)
            yield decoder.decode(b"", final=True).encode("utf-8")
        except UnicodeError as error:
            raise UnreadableRecording("not_text") from error
        return
    chunk = chunk.removeprefix(codecs.BOM_UTF8)
    while chunk:
        yield chunk
        chunk = _read_fully(file)


def _read_fully(file: BinaryIO) -> bytes:
    parts, missing = [], CHUNK_BYTES
    while missing and (part := file.read(missing)):
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)


def _unix_lines(data: bytes) -> bytes:
    if b"\r" not in data:
        return data
    return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def _checked(block: Block, limits: Limits) -> Block:
    """The block, if it is text and its lines are of a length that a recording's lines have."""
    cells = np.frombuffer(block.data, np.uint8)
    control = cells < 9
    if control.any() or ((cells > 13) & (cells < 32) & (cells != 26)).any():
        raise UnreadableRecording("not_text")
    newlines = np.flatnonzero(cells == NEWLINE)
    lengths = np.diff(newlines, prepend=-1)
    if int(lengths.max()) > limits.max_line_bytes:
        line = block.first_line + int(lengths.argmax())
        raise UnreadableRecording("line_too_long", line=line, limit_kb=_kb(limits))
    return block


def _kb(limits: Limits) -> int:
    return limits.max_line_bytes // 1024
