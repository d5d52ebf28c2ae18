"""Axivity AX3 and AX6 .cwa: a header of 1024 bytes and sectors of 512, each with its samples and a stamp."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from .raw import Info, Seconds, read_raw
from .reading import ReadRecording, Request, UnreadableRecording
from .resampling import Resampler, rate_for

MAGIC: Final = b"MD\xfc\x03"
HEADER_BYTES: Final = 1024
SECTOR_BYTES: Final = 512
SECTORS_AT_ONCE: Final = 2048
PACKED, PLAIN = 0, 2  # ten bits an axis with a common exponent; 16 bits an axis
SECTOR: Final = np.dtype(
    [
        ("kind", "S2"), ("length", "<u2"), ("fraction", "<u2"), ("session", "<u4"), ("number", "<u4"),
        ("stamp", "<u4"), ("light", "<u2"), ("temperature", "<u2"), ("events", "u1"), ("battery", "u1"),
        ("rate", "u1"), ("packing", "u1"), ("offset", "<i2"), ("count", "<u2"), ("data", "V480"), ("checksum", "<u2"),
    ]
)  # fmt: skip

Floats = NDArray[np.float64]
Sectors = NDArray[Any]


def read_axivity(file: BinaryIO, request: Request) -> ReadRecording:
    """Read a .cwa file as counts per minute and 5-second epochs.

    The sensor's own clock paces the samples only nearly: they are interpolated to a regular grid between the stamps of
    their sectors. The clock is the wall's when the device was set. Sectors whose checksum is wrong, or that carry no
    stamp, are missing.

    References
    ----------
    Open Movement's description of the format, "CWA binary file".
    """
    file.seek(0)
    header = file.read(HEADER_BYTES)
    if len(header) < HEADER_BYTES:
        raise UnreadableRecording("truncated")
    first = next((sector for sectors in _sectors(file) for sector in sectors), None)
    if first is None:
        raise UnreadableRecording("no_values")
    nominal = 3200 / (1 << (15 - (int(first["rate"]) & 0x0F)))
    low, high = struct.unpack_from("<H", header, 5)[0], struct.unpack_from("<H", header, 11)[0]
    info = Info(
        format="axivity_cwa",
        family="axivity",
        rate_hz=rate_for(nominal),
        scale=1.0,
        model="AX6" if header[4] == 0x64 else "AX3",
        serial=str(low | (0 if high == 0xFFFF else high) << 16),
    )

    def pieces() -> Iterator[Seconds]:
        resampler = Resampler(nominal, info.rate_hz, outline=request.outline)
        for sectors in _sectors(file):
            alike = sectors[(sectors["rate"] == first["rate"]) & (sectors["packing"] == first["packing"])]
            for start, samples in zip(_starts(alike, nominal), _samples(alike), strict=True):
                yield from resampler.add(start, samples)
            yield from resampler.piece()
        yield from resampler.piece(last=True)

    return read_raw(pieces, info, request)


def _sectors(file: BinaryIO) -> Iterator[Sectors]:
    """The sound sectors, some at a time; what is no sector, or is damaged, is passed over."""
    file.seek(HEADER_BYTES)
    while chunk := file.read(SECTOR_BYTES * SECTORS_AT_ONCE):
        whole = chunk[: len(chunk) // SECTOR_BYTES * SECTOR_BYTES]
        sectors = np.frombuffer(whole, SECTOR)
        words = np.frombuffer(whole, "<u2").reshape(-1, SECTOR_BYTES // 2)
        summed = words.sum(axis=1, dtype=np.uint32) & 0xFFFF
        sound = (sectors["kind"] == b"AX") & (sectors["length"] == SECTOR_BYTES - 4) & (summed == 0)
        sound &= (sectors["stamp"] >> 22 & 0xF > 0) & (sectors["stamp"] >> 22 & 0xF <= 12)
        sound &= (sectors["stamp"] >> 17 & 0x1F) > 0
        sound &= (sectors["count"] > 0) & (sectors["count"] <= _room(sectors["packing"]))
        yield sectors[sound]


def _room(packing: NDArray[np.uint8]) -> NDArray[np.int64]:
    """How many samples a sector of this packing can hold; 0 of one that is unknown."""
    axes = packing >> 4
    room = np.zeros(len(packing), np.int64)
    room[(axes == 3) & (packing & 0xF == PACKED)] = 120
    for number, samples in ((3, 80), (6, 40), (9, 26)):
        room[(axes == number) & (packing & 0xF == PLAIN)] = samples
    return room


def _starts(sectors: Sectors, nominal: float) -> list[float]:
    """Wall second of the first sample of each sector."""
    stamp = sectors["stamp"].astype(np.int64)
    months = ((stamp >> 26) + 30) * 12 + (stamp >> 22 & 0xF) - 1  # from 1970; the stamp's years count from 2000
    days = months.astype("M8[M]").astype("M8[D]").astype(np.int64) + (stamp >> 17 & 0x1F) - 1
    seconds = days * 86_400 + (stamp >> 12 & 0x1F) * 3600 + (stamp >> 6 & 0x3F) * 60 + (stamp & 0x3F)
    has_fraction = sectors["fraction"] & 0x8000 > 0
    fraction = np.where(has_fraction, (sectors["fraction"] & 0x7FFF).astype(np.float64) / 0x8000, 0.0)
    # The sample at the offset has the stamp's whole second; where a fraction is given, the offset was moved by as much.
    offset = sectors["offset"] + np.floor(fraction * nominal)
    starts: list[float] = (seconds + fraction - offset / nominal).tolist()
    return starts


def _samples(sectors: Sectors) -> list[Floats]:
    """Samples of each sector, g, shape (count, 3)."""
    if not len(sectors):
        return []
    data = np.frombuffer(np.ascontiguousarray(sectors["data"]).tobytes(), np.uint8).reshape(len(sectors), -1)
    packing = int(sectors["packing"][0])
    if packing & 0xF == PACKED:
        values = _unpacked(data.view("<u4")) / 256.0
    else:
        axes = packing >> 4
        room = int(_room(sectors["packing"][:1])[0])
        at = 0 if axes == 3 else 3  # a gyroscope's three come first
        plain = data[:, : room * axes * 2].copy().view("<i2").reshape(len(sectors), room, axes)[:, :, at : at + 3]
        values = plain / (1 << (8 + (sectors["light"] >> 13).astype(np.int64)))[:, None, None]
    return [values[index, : int(count)] for index, count in enumerate(sectors["count"])]


def _unpacked(words: NDArray[np.uint32]) -> NDArray[np.int32]:
    """From the top: two bits of exponent, then ten each of z, y and x, with a sign; shape (..., 3)."""
    exponent = (words >> 30).astype(np.int32)
    axes = [(words << up).astype(np.uint32).view(np.int32) >> 22 << exponent for up in (22, 12, 2)]
    return np.stack(axes, axis=-1)
