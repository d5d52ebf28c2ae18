"""GENEActiv .bin: text throughout; a header, then pages of 300 samples in hexadecimal, each with its stamp."""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from .raw import Info, Seconds, read_raw
from .reading import ReadRecording, Request, UnreadableRecording
from .resampling import Resampler, rate_for

MAGIC: Final = b"Device Identity"
PAGE: Final = b"Recorded Data"
HEADER_BYTES: Final = 16 << 10
CHUNK_BYTES: Final = 1 << 20
#: What lies between two pages is no longer than this; a longer stretch is damaged and passed over.
PAGE_BYTES: Final = 8 << 10
SAMPLES: Final = 300
HEX_DIGITS: Final = 12  # of a sample: three axes of 12 bits, light of 10, the button, one bit unused
STAMP: Final = re.compile(rb"(\d{4})-(\d{1,2})-(\d{1,2}) (\d{1,2}):(\d{1,2}):(\d{1,2}):(\d{1,3})\s*\Z")
OFFSET: Final = re.compile(r"GMT ?([+-]?)(\d{1,2}):(\d{2})\Z")
EPOCH: Final = datetime(1970, 1, 1)

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Header:
    """What the beginning says: the rate, and how raw steps of each axis become g."""

    rate_hz: float
    gain: Floats
    offset: Floats
    info: Info


def read_geneactiv(file: BinaryIO, request: Request) -> ReadRecording:
    """Read a .bin file as counts per minute and 5-second epochs.

    Each page's stamp is that of its first sample; the samples are interpolated to a regular grid between the stamps.
    The clock is the wall's when the device was set. A page that is damaged is missing, and so is one cut off at the
    end. Subject and notes are not read.

    References
    ----------
    Activinsights, "GENEActiv Instruction Manual", appendix on the .bin format.
    """
    file.seek(0)
    header = _parse(file.read(HEADER_BYTES))

    def pieces() -> Iterator[Seconds]:
        resampler = Resampler(header.rate_hz, header.info.rate_hz, outline=request.outline)
        for starts, samples in _pages(file, header):
            for start, block in zip(starts, samples, strict=True):
                yield from resampler.add(start, block)
            yield from resampler.piece()
        yield from resampler.piece(last=True)

    return read_raw(pieces, header.info, request)


def _parse(head: bytes) -> Header:
    text = head.partition(PAGE)[0].decode("latin-1")
    said: dict[str, str] = {}
    for line in text.splitlines():
        name, _, value = line.partition(":")
        said.setdefault(name.strip(), value.strip())
    try:
        rate_hz = float(said["Measurement Frequency"].removesuffix("Hz").replace(",", "."))
        gain = np.array([float(said[f"{axis} gain"]) for axis in "xyz"])
        offset = np.array([float(said[f"{axis} offset"]) for axis in "xyz"])
    except (KeyError, ValueError) as error:
        raise UnreadableRecording("damaged_header") from error
    if not (1 <= rate_hz <= 1000 and np.isfinite(offset).all() and (np.abs(offset) < 1e6).all()):
        raise UnreadableRecording("damaged_header")
    if not ((gain > 1e3) & (gain < 1e6)).all():
        raise UnreadableRecording("damaged_header")
    clock = said.get("Time Zone", "")
    info = Info(
        format="geneactiv_bin",
        family="geneactiv",
        rate_hz=rate_for(rate_hz),
        scale=1.0,
        model=said.get("Device Type", "")[:64] or None,
        serial=said.get("Device Unique Serial Code", "")[:64] or None,
        clock=clock[:16].removeprefix("GMT").strip(),
        offset_s=_offset_s(clock),
    )
    return Header(rate_hz, gain, offset, info)


def _offset_s(clock: str) -> int | None:
    found = OFFSET.match(clock)
    if found is None:
        return None
    sign, hours, minutes = found.groups()
    return (-1 if sign == "-" else 1) * (int(hours) * 3600 + int(minutes) * 60)


def _pages(file: BinaryIO, header: Header) -> Iterator[tuple[list[float], Floats]]:
    """Stamps and samples, g, shape (pages, 300, 3), some pages at a time."""
    file.seek(0)
    carry = b""
    while chunk := file.read(CHUNK_BYTES):
        parts = (carry + chunk).split(PAGE)
        carry = parts.pop()
        if len(carry) > PAGE_BYTES:
            carry = b""
        yield _decoded([*parts], header)
    yield _decoded([carry], header)


def _decoded(parts: list[bytes], header: Header) -> tuple[list[float], Floats]:
    starts, bodies = [], []
    for part in parts:
        found = _page(part, header)
        if found is not None:
            starts.append(found[0])
            bodies.append(found[1])
    raw = np.frombuffer(b"".join(bodies), np.uint8).reshape(-1, SAMPLES, HEX_DIGITS // 2).astype(np.int32)
    x = raw[:, :, 0] << 4 | raw[:, :, 1] >> 4
    y = (raw[:, :, 1] & 0xF) << 8 | raw[:, :, 2]
    z = raw[:, :, 3] << 4 | raw[:, :, 4] >> 4
    steps = np.stack([x, y, z], axis=-1)
    steps -= (steps > 2047) * 4096
    return starts, (steps * 100.0 - header.offset) / header.gain


def _page(part: bytes, header: Header) -> tuple[float, bytes] | None:
    """Stamp and bytes of the text after a page's title, None where it is not whole or not at the header's rate."""
    lines = part.split(b"\n", 11)
    stamp = rate = None
    for line in lines[1:]:
        name, _, value = line.partition(b":")
        if name == b"Page Time":
            stamp = _wall_s(value)
        elif name == b"Measurement Frequency":
            rate = _number(value)
    if stamp is None or rate is None or len(lines) < 2:
        return None
    body = next((line.strip() for line in lines if len(line) >= SAMPLES * HEX_DIGITS), b"")
    if len(body) != SAMPLES * HEX_DIGITS or rate != header.rate_hz:
        return None
    try:
        return stamp, binascii.unhexlify(body)
    except binascii.Error:
        return None


def _number(value: bytes) -> float | None:
    try:
        return float(value.replace(b",", b"."))
    except ValueError:
        return None


def _wall_s(value: bytes) -> float | None:
    found = STAMP.match(value.strip())
    if found is None:
        return None
    year, month, day, hour, minute, second, thousandth = map(int, found.groups())
    try:
        moment = datetime(year, month, day, hour, minute, second)
    except ValueError:
        return None
    return (moment - EPOCH).total_seconds() + thousandth / 1000
