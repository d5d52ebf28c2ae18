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
#: Names so short that the bytes of pictures hold them by chance are asked for with what must follow them.
_ACTIVE: Final = re.compile(
    rb"/(?:JavaScript|Launch|EmbeddedFiles?|RichMedia|SubmitForm|Encrypt|XFA\s*[\[\d])(?![A-Za-z])"
)
_WRITTEN: Final = re.compile(rb"#([0-9A-Fa-f]{2})")
#: Packed objects, and ways of packing that are not undone here.
_PACKED: Final = re.compile(rb"/ObjStm")
_UNREAD: Final = re.compile(rb"/(?:ASCIIHexDecode|ASCII85Decode|LZWDecode|RunLengthDecode|Crypt)(?![A-Za-z])")
_LONGEST: Final = 64  # bytes of a name with each sign written out
_PIECE: Final = 64 * 1024
#: Bytes that are read and unpacked of one file, all its streams together; beyond it nobody can say what it holds.
_LOOKED_THROUGH: Final = 128 * 1024 * 1024
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
    """Look for active names wherever they may stand: in the bytes as they are, and in whatever can be unpacked.

    What is a stream, a comment or a text is not asked: readers of PDF disagree, and who hides something counts on it.
    """
    if b"%%EOF" not in data[-2048:]:
        raise Unsuitable("This PDF is cut off: it has no end.")
    _refuse_active(data)
    if _PACKED.search(_written(data)) and _UNREAD.search(_written(data)):
        raise Unsuitable("This PDF packs its objects in a way that cannot be looked into.")
    left = _LOOKED_THROUGH
    at = data.find(b"stream")
    while at >= 0:
        at += len(b"stream")
        left = _look_into(data, at + (data[at : at + 2] == b"\r\n") + 1, left)
        at = data.find(b"stream", at)


def _look_into(data: bytes, at: int, left: int) -> int:
    """Unpack what begins there, if it is packed by Flate; how many bytes may still be looked through."""
    engine, tail, size = zlib.decompressobj(), b"", len(data)
    while at < size and not engine.eof:
        piece = data[at : at + _PIECE]
        try:
            plain = engine.decompress(piece, _PIECE)
        except zlib.error:
            return left
        at += len(piece) - len(engine.unconsumed_tail)
        left -= len(piece) - len(engine.unconsumed_tail) + len(plain)
        if left < 0:
            raise Unsuitable("This PDF unpacks to more than can be looked through.")
        _refuse_active(tail + plain)
        tail = (tail + plain)[-_LONGEST:]
    return left


def _refuse_active(part: bytes) -> None:
    if _ACTIVE.search(_written(part)):
        raise Unsuitable("This PDF is locked, or holds a script, a form or another file. Print it to a plain PDF.")


def _written(part: bytes) -> bytes:
    return _WRITTEN.sub(lambda found: bytes([int(found[1], 16)]), part) if b"#" in part else part


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
