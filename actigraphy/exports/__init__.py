"""Exports of consumer wearables: the file a patient brings in, events of the catalogue out.

What is here knows no database but in :mod:`storing`. Whatever a file holds, the only thing that escapes a reader is
:class:`UnreadableExport`, with a sentence for the person who sent it.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import BinaryIO, Final

from actigraphy.exports import apple, fitabase, fitbit, openmhealth, oura, polar, samsung, withings
from actigraphy.exports.archives import ZIP, open_archive
from actigraphy.exports.collecting import Collected
from actigraphy.exports.parts import HEAD_BYTES, ExportKind
from actigraphy.exports.reading import Asked, UnreadableExport

__all__ = ["EXPORTS", "Asked", "Collected", "UnreadableExport", "detect_export", "read_export"]

EXPORTS: Final = MappingProxyType[str, ExportKind](
    {
        "apple_health": apple.KIND,
        "fitbit": fitbit.KIND,
        "fitabase": fitabase.KIND,
        "oura": oura.KIND,
        "withings": withings.KIND,
        "open_mhealth": openmhealth.KIND,
        "polar": polar.KIND,
        "samsung_health": samsung.KIND,
    }
)


def detect_export(file: BinaryIO) -> str | None:
    """The kind of export a seekable file is by its content, ``None`` if it is none.

    Raises
    ------
    UnreadableExport
        A ZIP whose directory is too long to be read, or lists too many files.
    """
    file.seek(0)
    head = file.read(HEAD_BYTES)
    packed = head.startswith(ZIP)
    archive = open_archive(file) if packed else None
    found = None
    if archive is not None or not packed:
        found = next((name for name, kind in EXPORTS.items() if kind.is_in(head, archive)), None)
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
    archive = open_archive(file) if packed else None
    if packed and archive is None:
        raise UnreadableExport("archive_refused")
    file.seek(0)
    return EXPORTS[kind].read(file, archive, asked)
