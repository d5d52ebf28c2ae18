"""The ZIP of an export: what is in it, as far as its directory can be believed, and one file of it as a stream."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from typing import Any, BinaryIO, Final

from actigraphy.exports.reading import UnreadableExport
from novamind.limits import LIMITS, MB

ZIP: Final = b"PK\x03\x04"
ENCRYPTED: Final = 1  # bit of an entry's flags
PACKED_BY: Final = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}  # LZMA states how much memory it wants
_END: Final = struct.Struct("<4s4H2LH")
_END_MARK: Final = b"PK\x05\x06"
_END64_MARK: Final = b"PK\x06\x07"
_COMMENT_BYTES: Final = 1 << 16


def open_archive(file: BinaryIO) -> zipfile.ZipFile | None:
    """A ZIP with its directory, which is read once and here; ``None`` where it is damaged. The file stays open.

    Raises
    ------
    UnreadableExport
        Its directory is longer, or lists more, than any export's: so much is not even read.
    """
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - _END.size - 20 - _COMMENT_BYTES))
    tail = file.read()
    at = tail.rfind(_END_MARK)
    if at < 0 or len(tail) - at < _END.size:
        return None
    n_entries, directory_bytes = _END.unpack_from(tail, at)[4:6]
    check_directory(n_entries, directory_bytes)
    # The 64-bit form says its length elsewhere, and is for archives beyond what is taken here.
    if _END64_MARK in tail[max(0, at - 20) : at]:
        raise UnreadableExport("archive_too_large")
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, ValueError, NotImplementedError, UnicodeDecodeError):
        return None
    check_directory(len(archive.infolist()), directory_bytes)  # the end may say fewer than there are
    return archive


def check_directory(n_entries: int, n_bytes: int) -> None:
    """Refuse a directory that is longer, or lists more, than any export's."""
    if n_entries > LIMITS["export_entries"].value or n_bytes > LIMITS["export_directory"].value * MB:
        raise UnreadableExport("archive_too_large")


def head_of(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, n_bytes: int) -> bytes:
    """The first bytes of a file within a ZIP; none of one that cannot be unpacked here."""
    if _odd(entry):
        return b""
    try:
        with archive.open(entry) as content:
            return content.read(n_bytes)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError):
        return b""


class Unpacked:
    """A file within a ZIP as a stream of bytes, of no more than its directory says and the limits allow."""

    def __init__(self, archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> None:
        check_size(entry.file_size, entry.compress_size)
        if _odd(entry):
            raise UnreadableExport("archive_refused")
        self._content = archive.open(entry)

    def __enter__(self) -> Unpacked:
        return self

    def __exit__(self, *_: object) -> None:
        self._content.close()

    def read(self, n_bytes: int = -1) -> bytes:
        """The next bytes; what is damaged is said as an export that is."""
        try:
            return self._content.read(n_bytes)
        except (zipfile.BadZipFile, zlib.error, EOFError, ValueError) as error:
            raise UnreadableExport("damaged_export") from error


def check_size(unpacked: int, packed: int) -> None:
    """Refuse what unpacks to more than an export does; no more than it says of itself is ever unpacked."""
    if unpacked > LIMITS["archive_expanded"].value * MB or unpacked > LIMITS["archive_ratio"].value * packed:
        raise UnreadableExport("archive_too_large")


def _odd(entry: Any) -> bool:
    return bool(entry.flag_bits & ENCRYPTED) or entry.compress_type not in PACKED_BY
