"""Looks for canaries where nobody should find them, in every spelling and wrapping a leak may have."""

from __future__ import annotations

import base64
import binascii
import html
import io
import json
import re
import unicodedata
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import lru_cache
from urllib.parse import quote

from django.db import connection

_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{16,}={0,2}")
_FOR_ADDRESSES = bytes.maketrans(b"-_", b"+/")
_HEX = re.compile(rb"(?:[0-9a-fA-F]{2}){12,}")
_COMPRESSED = re.compile(rb"\x1f\x8b\x08|\x78[\x01\x5e\x9c\xda]")
_GZIP_OR_ZLIB = 47  # zlib's word for "whichever it is"
_DEPTH = 3
_MOST_BYTES = 64 * 2**20


@lru_cache(maxsize=512)
def spellings(canary: str) -> frozenset[bytes]:
    """A canary as text, upper, lower, without accents, reversed, each escaped and encoded in the ways texts travel."""
    bare = "".join(letter for letter in unicodedata.normalize("NFKD", canary) if not unicodedata.combining(letter))
    found: set[bytes] = set()
    for text in {canary, canary.lower(), canary.upper(), canary[::-1], unicodedata.normalize("NFD", canary), bare}:
        raw = text.encode()
        escaped = {quote(text, safe=""), quote(text), html.escape(text), json.dumps(text)[1:-1], repr(raw)[2:-1]}
        found |= {raw, raw.hex().encode(), raw.hex().upper().encode(), *(one.encode() for one in escaped)}
        found |= {text.encode(code, "ignore") for code in ("utf-16-le", "utf-16-be", "latin-1")}
    for shift in range(3):
        # Whole groups of three bytes only: the edges of a base64 text depend on what stands around it.
        middle = canary.encode()[shift:]
        found.add(base64.b64encode(middle[: len(middle) // 3 * 3]))
    return frozenset(spelling for spelling in found if len(spelling) >= 6)


def opened(content: bytes, depth: int = _DEPTH) -> Iterator[bytes]:
    """The bytes, and whatever is packed in them: gzip, zlib (as in a PDF), zip, base64, hex; one in another too."""
    yield content
    if depth:
        for inner in _unpacked(content):
            yield from opened(inner, depth - 1)


def _unpacked(content: bytes) -> Iterator[bytes]:
    for start in _COMPRESSED.finditer(content):
        with suppress(zlib.error):
            if inner := zlib.decompressobj(_GZIP_OR_ZLIB).decompress(content[start.start() :], _MOST_BYTES):
                yield inner
    if content.startswith(b"PK\x03\x04"):
        with suppress(zipfile.BadZipFile), zipfile.ZipFile(io.BytesIO(content)) as archive:
            yield from (archive.read(name) for name in archive.namelist())
    for run in _BASE64.finditer(content):
        packed = run.group().rstrip(b"=").translate(_FOR_ADDRESSES)
        with suppress(binascii.Error):
            yield base64.b64decode(packed[: len(packed) // 4 * 4])
    for run in _HEX.finditer(content):
        yield bytes.fromhex(run.group().decode())


def find_in_bytes(content: bytes, canaries: Iterable[str]) -> list[str]:
    """Which canaries stand in these bytes, packed or not."""
    layers = list(opened(content))
    return [
        canary
        for canary in canaries
        if any(spelling in layer for layer in layers for spelling in spellings(canary) if len(layer) >= len(spelling))
    ]


def find_in_database(canaries: Iterable[str]) -> list[str]:
    """Every ``table.column: canary`` of the whole database, whatever the column's type."""
    canaries, hits = list(canaries), []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            columns = [column[0] for column in cursor.description]
            found = set()
            for row in cursor.fetchall():
                for column, value in zip(columns, row, strict=True):
                    raw = bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()
                    found |= {f"{table}.{column}: {canary}" for canary in find_in_bytes(raw, canaries)}
            hits += sorted(found)
    return hits
