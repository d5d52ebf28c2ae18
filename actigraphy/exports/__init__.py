"""Exports of consumer wearables: the file a patient brings in, events of the catalogue out.

What is here knows no database but in :mod:`storing`. Whatever a file holds, the only thing that escapes a reader is
:class:`UnreadableExport`, with a sentence for the person who sent it.
"""

from __future__ import annotations

import zipfile
from types import MappingProxyType
from typing import BinaryIO, Final

from actigraphy.exports.apple import is_apple, read_apple
from actigraphy.exports.archives import ZIP, Unpacked, head_of, open_archive
from actigraphy.exports.collecting import Collected
from actigraphy.exports.reading import Asked, ExportReader, UnreadableExport
from actigraphy.readers import text_of

__all__ = ["EXPORTS", "Asked", "Collected", "UnreadableExport", "detect_export", "read_export"]

EXPORTS: Final = MappingProxyType[str, ExportReader]({"apple_health": read_apple})
HEAD_BYTES: Final = 4096
#: Apple's ZIP holds another XML file, the clinical document, and folders of workouts and electrocardiograms.
CANDIDATES: Final = 20


def detect_export(file: BinaryIO) -> str | None:
    """The kind of export a seekable file is by its content, ``None`` if it is none.

    Raises
    ------
    UnreadableExport
        A ZIP whose directory is too long to be read, or lists too many files.
    """
    file.seek(0)
    head = file.read(HEAD_BYTES)
    found = "apple_health" if _begins_apple(head) or (head.startswith(ZIP) and _apple_entry(file)) else None
    file.seek(0)
    return found


def read_export(file: BinaryIO, kind: str, asked: Asked) -> Collected:
    """Read an export of a kind in ``EXPORTS``, unpacked where it is a ZIP.

    Raises
    ------
    UnreadableExport
        Whatever is wrong with the file's content. Errors of the storage itself (``OSError``) pass.
    """
    file.seek(0)
    packed = file.read(len(ZIP)) == ZIP
    file.seek(0)
    if not packed:
        return EXPORTS[kind](file, asked)
    found = _apple_entry(file)
    if found is None:
        raise UnreadableExport("archive_refused")
    with Unpacked(*found) as content:
        return EXPORTS[kind](content, asked)


def _begins_apple(head: bytes) -> bool:
    text = text_of(head)
    return text is not None and is_apple(text)


def _apple_entry(file: BinaryIO) -> tuple[zipfile.ZipFile, zipfile.ZipInfo] | None:
    """Apple's ZIP and the export within it; its name is in the phone's language, so its content decides."""
    archive = open_archive(file)
    if archive is None:
        return None
    named = [entry for entry in archive.infolist() if entry.filename.casefold().endswith(".xml")]
    for entry in named[:CANDIDATES]:
        if _begins_apple(head_of(archive, entry, HEAD_BYTES)):
            return archive, entry
    return None
