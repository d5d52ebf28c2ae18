"""The search for canaries finds them however they are packed, and nothing where there is nothing."""

from __future__ import annotations

import base64
import gzip
import html
import io
import json
import os
import zipfile
import zlib
from collections.abc import Callable
from urllib.parse import quote

import pytest

from novamind.phi.tests.scanning import find_in_bytes

CANARY = "Zqxlåst & Qvist"


def zipped(raw: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.txt", raw)
    return file.getvalue()


PACKED: dict[str, Callable[[bytes], bytes]] = {
    "as it is": bytes,
    "gzip": gzip.compress,
    "zlib within other bytes": lambda raw: b"%PDF stream\n" + zlib.compress(raw) + b"endstream",
    "zip": zipped,
    "hex": lambda raw: b"\\x" + raw.hex().encode(),
    "base64": lambda raw: b'{"body": "' + base64.b64encode(b"x" + raw) + b'"}',
    "base64 for addresses": lambda raw: base64.urlsafe_b64encode(b"\xff\xfe" + raw),
    "hex of gzip, as a dump has it": lambda raw: gzip.compress(raw).hex().encode(),
    "base64 of zlib": lambda raw: base64.b64encode(zlib.compress(raw)),
}
SPELLED: dict[str, Callable[[str], bytes]] = {
    "as it is": str.encode,
    "upper": lambda text: text.upper().encode(),
    "lower": lambda text: text.lower().encode(),
    "without accents": lambda text: text.replace("å", "a").encode(),
    "UTF-16": lambda text: text.encode("utf-16"),
    "Latin-1": lambda text: text.encode("latin-1"),
    "URL": lambda text: quote(text).encode(),
    "JSON": lambda text: json.dumps(text).encode(),
    "HTML": lambda text: html.escape(text).encode(),
    "Python": lambda text: repr(text.encode()).encode(),
    "reversed": lambda text: text[::-1].encode(),
}


@pytest.mark.parametrize("spelled", SPELLED)
@pytest.mark.parametrize("packed", PACKED)
def test_a_canary_is_found_in_every_spelling_and_wrapping(packed, spelled):
    around = b"the quick brown fox "
    assert find_in_bytes(PACKED[packed](around + SPELLED[spelled](CANARY) + around), [CANARY]) == [CANARY]


@pytest.mark.parametrize("packed", PACKED)
def test_nothing_is_found_in_noise(packed):
    assert find_in_bytes(PACKED[packed](os.urandom(100_000)), [CANARY, "1931-02-17"]) == []
