"""What tests of exports share: files of a vendor, loose or in a ZIP, and what was kept of them."""

from __future__ import annotations

import io
import json
import random
import zipfile
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest

from actigraphy.exports import Asked, Collected, UnreadableExport, detect_export, read_export
from actigraphy.exports.reading import SENTENCES

OSLO: Final = ZoneInfo("Europe/Oslo")
ASKED: Final = Asked(0, int(datetime(2026, 6, 1, tzinfo=UTC).timestamp()), OSLO)
Samples = list[tuple[str, float]]
PIECES: Final = [
    b"",
    b"{",
    b"}",
    b"[",
    b"]",
    b'"',
    b",",
    b":",
    b"\n",
    b"null",
    b"9" * 30,
    b"-",
    b"\x00" * 5,
    b"\xff",
    b"1e999",
    b"[" * 3000,
]


def packed(files: dict[str, bytes | str]) -> bytes:
    """A ZIP of files by their paths."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


def document(value: Any) -> bytes:
    """JSON as vendors write it."""
    return json.dumps(value).encode()


def read(content: bytes, kind: str, asked: Asked = ASKED) -> Collected:
    """What is kept of an export, which must be found to be of this kind."""
    file = io.BytesIO(content)
    assert detect_export(file) == kind
    return read_export(file, kind, asked)


def refused(content: bytes, kind: str) -> str:
    """The code an export is refused with."""
    with pytest.raises(UnreadableExport) as refusal:
        read_export(io.BytesIO(content), kind, ASKED)
    assert refusal.value.detail
    assert "{" not in refusal.value.detail
    return refusal.value.code


def samples(taken: Collected, channel: str) -> Samples:
    """(UTC moment, value) of a channel, of whichever device."""
    parts = [part for (_, name), them in taken.batch().columns.items() if name == channel for part in them]
    return [
        (f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%S}", round(value, 3))
        for at_s, values in parts for at, value in zip(at_s.tolist(), values.tolist(), strict=True)
    ]  # fmt: skip


def points(taken: Collected) -> list[tuple[str, str, dict[str, Any]]]:
    """(type, UTC moment, values) of the point readings."""
    return [(one.data_type, f"{one.at:%Y-%m-%dT%H:%M:%S}", one.values) for one in taken.batch().points]


def nights(taken: Collected) -> list[tuple[str, str, list[list[Any]]]]:
    """(start, end, stages) of the sleep, in UTC."""
    return [
        (f"{one.start:%Y-%m-%dT%H:%M:%S}", f"{one.end:%Y-%m-%dT%H:%M:%S}", one.stages) for one in taken.batch().sessions
    ]


def fuzz(content: bytes, seed: int, times: int = 200) -> None:
    """Whatever is changed in a file, nothing but a named refusal escapes its reading."""
    draw, codes = random.Random(seed), set()
    for _ in range(times):
        changed = bytearray(content)
        for _ in range(draw.randrange(1, 5)):
            at = draw.randrange(max(1, len(changed)))
            changed[at : at + draw.randrange(9)] = draw.choice([*PIECES, bytes([draw.randrange(256)])])
        file = io.BytesIO(bytes(changed))
        try:
            kind = detect_export(file)
            if kind:
                read_export(file, kind, ASKED).batch()
        except UnreadableExport as error:
            codes.add(error.code)
    assert codes <= set(SENTENCES)
