"""What a file is by its own bytes: PDF, PNG, JPEG or plain text that holds nothing a program would run."""

from __future__ import annotations

import re
import zlib
from typing import Final

from insights.models import Content

_PNG: Final = b"\x89PNG\r\n\x1a\n"
_SUFFIXES: Final = {
    Content.PDF: (".pdf",),
    Content.PNG: (".png",),
    Content.JPEG: (".jpg", ".jpeg"),
    Content.TEXT: (".txt", ".csv", ".log", ".md"),
}
#: What a reader of PDF would run, open, send or hide; a name may be written with ``#`` and two hexadecimal digits.
_ACTIVE: Final = re.compile(
    rb"/(?:JavaScript|JS|Launch|EmbeddedFiles?|RichMedia|XFA|SubmitForm|Encrypt)(?![A-Za-z0-9])"
)
_WRITTEN: Final = re.compile(rb"#([0-9A-Fa-f]{2})")
_STREAM: Final = re.compile(rb"(?<!end)stream\r?\n(.*?)endstream", re.DOTALL)
_UNPACKED: Final = 16 * 1024 * 1024  # bytes of one packed list of objects; beyond it nobody can say what it holds
_MARKUP: Final = re.compile(r"<\s*(?:!doctype|\?xml|html|head|body|svg|script|iframe|object|embed)\b", re.IGNORECASE)


class Unsuitable(ValueError):
    """It may not be attached; the text says why, fit for a page."""


def content_of(data: bytes) -> Content:
    """What these bytes are, whatever the file is called. ``Unsuitable`` for all but the four kinds."""
    if data.startswith(b"%PDF-"):
        _check_pdf(data)
        return Content.PDF
    if data.startswith(_PNG) and data[12:16] == b"IHDR":
        return Content.PNG
    if data.startswith(b"\xff\xd8\xff"):
        return Content.JPEG
    _check_text(data)
    return Content.TEXT


def name_as(name: str, content: Content) -> str:
    """The name that it is given back under: without signs that do not print, ending as its content says."""
    shown = "".join(one for one in name if one.isprintable()).strip() or "file"
    suffixes = _SUFFIXES[content]
    return shown[-200:] if shown.lower().endswith(suffixes) else f"{shown[:200]}{suffixes[0]}"


def _check_pdf(data: bytes) -> None:
    if b"%%EOF" not in data[-2048:]:
        raise Unsuitable("This PDF is cut off: it has no end.")
    for part in _objects(data):
        if _ACTIVE.search(_WRITTEN.sub(lambda found: bytes([int(found[1], 16)]), part)):
            raise Unsuitable("This PDF is locked, or holds a script, a form or another file. Print it to a plain PDF.")


def _objects(data: bytes) -> list[bytes]:
    """The parts of a PDF that say what it does: all but its streams, and the streams that are packed objects."""
    parts, end = [], 0
    for found in _STREAM.finditer(data):
        before = data[end : found.start()]
        parts.append(before)
        end = found.end()
        if b"ObjStm" in _WRITTEN.sub(lambda one: bytes([int(one[1], 16)]), before[-2048:]):
            parts.append(_unpacked(found[1]))
    return [*parts, data[end:]]


def _unpacked(packed: bytes) -> bytes:
    engine = zlib.decompressobj()
    try:
        plain = engine.decompress(packed, _UNPACKED)
    except zlib.error:
        raise Unsuitable("This PDF packs its objects in a way that cannot be looked into.") from None
    if engine.unconsumed_tail:
        raise Unsuitable("This PDF unpacks to more than can be looked through.")
    return plain


def _check_text(data: bytes) -> None:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Unsuitable("Only PDF, PNG, JPEG and plain text (UTF-8) can be attached.") from None
    if not text.strip():
        raise Unsuitable("There is nothing in this file.")
    if any(ord(one) < 32 and one not in "\t\n\r\f" for one in text):
        raise Unsuitable("Only PDF, PNG, JPEG and plain text (UTF-8) can be attached.")
    if _MARKUP.search(text):
        raise Unsuitable("This is a page or drawing that a browser would run (HTML, SVG). Attach it as PDF.")
