"""Readers: a device's file in, a recording on a regular UTC grid out.

No Django, no plaintext temporary file. Whatever a file holds, the only thing that escapes is
:class:`UnreadableRecording`, with a sentence for the person who sent it.
"""

from __future__ import annotations

import codecs
import io
from pathlib import Path
from typing import BinaryIO
from zoneinfo import ZoneInfo

from novamind.limits import MB

from .actigraph import MAGIC, read_agd
from .actilife import is_actilife, read_actilife
from .actiware import is_actiware, read_actiware
from .actiwatch import is_awd, read_awd
from .acttrust import is_acttrust, read_acttrust
from .axivity import MAGIC as CWA
from .axivity import read_axivity
from .daqtometer import is_daqtometer, read_daqtometer
from .delimited import DELIMITERS, read_delimited, read_depresjon
from .geneactiv import MAGIC as GENEACTIV
from .geneactiv import read_geneactiv
from .gt3x import read_gt3x
from .motionwatch import ROOT as MOTIONFILE
from .motionwatch import read_motionwatch
from .reading import ColumnMapping, Limits, Notice, Raw, Reader, ReadRecording, Request, UnreadableRecording
from .readings import MAGIC as READINGS
from .readings import Readings, read_readings
from .text import decode

__all__ = [
    "READERS",
    "ColumnMapping",
    "Limits",
    "Notice",
    "Raw",
    "ReadRecording",
    "Readings",
    "UnreadableRecording",
    "detect_format",
    "read_recording",
    "text_of",
]

READERS: dict[str, Reader] = {
    "actiwatch_awd": read_awd,
    "actigraph_agd": read_agd,
    "actigraph_gt3x": read_gt3x,
    "geneactiv_bin": read_geneactiv,
    "axivity_cwa": read_axivity,
    "actilife_csv": read_actilife,
    "actiware_csv": read_actiware,
    "motionwatch_mtn": read_motionwatch,
    "acttrust_txt": read_acttrust,
    "daqtometer_csv": read_daqtometer,
    "depresjon_csv": read_depresjon,
    "generic_csv": read_delimited,
    "readings": read_readings,
}
#: Formats whose first line names the program that wrote it.
TITLES = {"actilife_csv": is_actilife, "actiware_csv": is_actiware, "acttrust_txt": is_acttrust}
HEAD_BYTES = 4096
TEXT_SUFFIXES = {".csv", ".txt", ".tsv", ".awd", ".mtn"}
ZIP = b"PK\x03\x04"
ARCHIVES = (ZIP, b"PK\x05\x06", b"\x1f\x8b", b"7z\xbc\xaf\x27\x1c", b"Rar!", b"BZh", b"\xfd7zXZ\x00")


def read_recording(
    source: Path | str | BinaryIO,
    *,
    tz: ZoneInfo,
    filename: str = "",
    columns: ColumnMapping | None = None,
    limits: Limits | None = None,
    outline: bool = False,
) -> ReadRecording:
    """Read a recording of any format in ``READERS``.

    Parameters
    ----------
    source : Path, str or binary file
        A seekable file is read from its beginning and left open.
    tz : ZoneInfo
        Zone of the clock that stamped the file: the patient's, or the clinic's. UTC offsets in the file go before it.
    filename : str
        The name it was uploaded under; it only helps to name the fault of a file that cannot be read.
    columns : ColumnMapping, optional
        Where a generic table keeps what.
    limits : Limits, optional
        Sizes to refuse; the public contract's by default.
    outline : bool
        Leave out what must be computed first (counts from acceleration): see :class:`Request`.

    Returns
    -------
    ReadRecording

    Raises
    ------
    UnreadableRecording
        Whatever is wrong with the file's content. Errors of the storage itself (``OSError``) pass.
    """
    if isinstance(source, Path | str):
        with Path(source).open("rb") as file:
            called = filename or Path(source).name
            return read_recording(file, tz=tz, filename=called, columns=columns, limits=limits, outline=outline)
    limits = limits or Limits()
    size = source.seek(0, io.SEEK_END)
    source.seek(0)
    if size == 0:
        raise UnreadableRecording("empty_file")
    if size > limits.max_bytes:
        raise UnreadableRecording("file_too_large", limit_mb=limits.max_bytes // MB)
    head = source.read(HEAD_BYTES)
    source.seek(0)
    name = detect_format(head, filename)
    if name is None:
        raise _unrecognized(head, filename)
    if columns is not None and name == "depresjon_csv":
        name = "generic_csv"
    return READERS[name](source, Request(tz, columns, limits, outline))


def detect_format(head: bytes, filename: str = "") -> str | None:
    """The format of a file by its first few thousand bytes; its name counts for nothing but a lone column of text."""
    if head.startswith(MAGIC):
        return "actigraph_agd"
    if head.startswith(ZIP):
        return "actigraph_gt3x"  # the one kind that is an archive; its reader refuses all others
    if head.startswith(CWA):
        return "axivity_cwa"
    if head.startswith(GENEACTIV):
        return "geneactiv_bin"
    if head.startswith(READINGS):
        return "readings"
    text = text_of(head)
    if text is None:
        return None
    lines = text.splitlines()
    if not lines:
        return None
    if MOTIONFILE in head:
        return "motionwatch_mtn"
    for name, is_title in TITLES.items():
        if is_title(lines[0]):
            return name
    if is_daqtometer(lines):
        return "daqtometer_csv"
    if is_awd(lines):
        return "actiwatch_awd"
    header = [cell.strip().strip('"').casefold() for cell in lines[0].split(",")]
    if header == ["timestamp", "date", "activity"]:
        return "depresjon_csv"
    first = next((line for line in lines if line.strip()), "")
    return "generic_csv" if any(first.count(delimiter) for delimiter in DELIMITERS) else None


def text_of(head: bytes) -> str | None:
    """The first bytes of a file as text; ``None`` if it is not text, or an archive."""
    if head.startswith(ARCHIVES):
        return None
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return head[: len(head) // 2 * 2].decode("utf-16", errors="replace")
    if any(byte < 9 or 13 < byte < 26 for byte in head):
        return None
    return decode(head.removeprefix(codecs.BOM_UTF8))


def _unrecognized(head: bytes, filename: str) -> UnreadableRecording:
    if head.startswith(ARCHIVES):
        return UnreadableRecording("archive_refused")
    suffix = Path(filename).suffix.casefold()
    if suffix == ".agd":
        return UnreadableRecording("damaged_database")
    if suffix in TEXT_SUFFIXES and text_of(head) is None:
        return UnreadableRecording("not_text")
    return UnreadableRecording("unknown_format")
