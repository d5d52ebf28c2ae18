"""ActiGraph .gt3x: a ZIP of ``info.txt`` and a log of raw acceleration, old (``activity.bin``) or new (``log.bin``)."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator, Sequence
from typing import IO, BinaryIO, Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from actigraphy.science.counts import RATES
from novamind.limits import LIMITS, MB

from .raw import Info, Seconds, read_raw
from .reading import ReadRecording, Request, UnreadableRecording

INFO: Final = "info.txt"
LOG: Final = "log.bin"
OLD_LOG: Final = "activity.bin"
INFO_BYTES: Final = 64 << 10
ENCRYPTED: Final = 1  # bit of an entry's flags
PACKED_BY: Final = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}  # LZMA states how much memory it wants
HEAD_BYTES: Final = 4096
CHUNK_BYTES: Final = 4 << 20

TICKS_PER_S: Final = 10_000_000
TICKS_AT_1970: Final = 621_355_968_000_000_000
#: Steps of one g by the beginning of the serial number, where the file does not say.
SCALES: Final = {"NEO": 341.0, "MRA": 341.0, "CLE": 341.0, "MOS": 256.0, "TAS": 256.0}

SEPARATOR: Final = 0x1E
HEADER_BYTES: Final = 8  # separator, kind, time (4), length of what follows (2)
_OF_THE_KIND: Final = (0, 1, 6, 7)  # of a header: all but the time
PACKED, PLAIN = 0, 26  # kinds of record that hold a second: 12 bits in the order y, x, z; 16 bits in x, y, z
PACKED_BYTES_OF_TWO: Final = 9  # two samples of three axes of 12 bits

Samples = NDArray[np.int16]


def read_gt3x(file: BinaryIO, request: Request) -> ReadRecording:
    """Read a .gt3x file as ActiGraph counts per minute (Neishabouri 2022) and 5-second epochs; channels ``axis1 axis2
    axis3`` and ``vector_magnitude``.

    The clock is the wall's when the device was set, and does not follow summer time: time is counted on from the
    start, in the zone the request names. In idle sleep mode the device stores nothing: those minutes are missing, and
    so are records whose checksum is wrong.

    References
    ----------
    ActiGraph's own descriptions of both formats, "GT3X File Format" and "NHANES GT3X File Format".
    """
    try:
        with zipfile.ZipFile(file) as archive:
            names = _names(archive)
            info, start_s = _parse_info(_head(archive, INFO))
            name = LOG if LOG in names else OLD_LOG

            def pieces() -> Iterator[Seconds]:
                with archive.open(name) as log:
                    yield from _records(log, info.rate_hz) if name == LOG else _old_log(log, info.rate_hz, start_s)

            return read_raw(pieces, info, request)
    except zipfile.BadZipFile as error:
        raise UnreadableRecording("truncated" if _begins_like_one(file) else "archive_refused") from error
    except (zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise UnreadableRecording("truncated") from error


def _begins_like_one(file: BinaryIO) -> bool:
    """Whether a damaged archive begins with a file that these archives begin with."""
    file.seek(0)
    head = file.read(HEAD_BYTES)
    return any(name.encode() in head for name in (INFO, LOG, OLD_LOG, "autorun.inf"))


def check_archive(sizes: Sequence[tuple[int, int]]) -> None:
    """Refuse an archive that unpacks to more than a recording does; the sizes are (unpacked, packed) bytes.

    What an archive says of itself is enough: no more than that is ever unpacked of it.
    """
    unpacked, packed = sum(size for size, _ in sizes), sum(size for _, size in sizes)
    if (
        len(sizes) > LIMITS["archive_entries"].value
        or unpacked > LIMITS["archive_expanded"].value * MB
        or unpacked > LIMITS["archive_ratio"].value * packed
    ):
        raise UnreadableRecording("archive_too_large")


def _names(archive: zipfile.ZipFile) -> set[str]:
    entries = archive.infolist()
    check_archive([(entry.file_size, entry.compress_size) for entry in entries])
    names = {entry.filename for entry in entries}
    odd = any(entry.flag_bits & ENCRYPTED or entry.compress_type not in PACKED_BY for entry in entries)
    if odd or INFO not in names or not names & {LOG, OLD_LOG}:
        raise UnreadableRecording("archive_refused")
    return names


def _head(archive: zipfile.ZipFile, name: str) -> str:
    with archive.open(name) as entry:
        return entry.read(INFO_BYTES).decode("utf-8-sig", "replace")


def _parse_info(text: str) -> tuple[Info, int]:
    """The device, and the wall second of the start."""
    said = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in text.splitlines())}
    serial = said.get("Serial Number", "")[:64]
    try:
        rate_hz = int(said["Sample Rate"])
        start_s = (int(said["Start Date"]) - TICKS_AT_1970) // TICKS_PER_S
        scale = float(said.get("Acceleration Scale", "0").replace(",", ".")) or SCALES[serial[:3]]
    except (KeyError, ValueError) as error:
        raise UnreadableRecording("damaged_header") from error
    if rate_hz not in RATES:
        raise UnreadableRecording("unsupported_rate", rates=", ".join(map(str, RATES)))
    if not (0 <= start_s < 2**32 and 1 <= scale <= 1e5):
        raise UnreadableRecording("damaged_header")
    model = said.get("Device Type", "")[:64]
    clock = said.get("TimeZone", "")
    info = Info(
        "actigraph_gt3x", "actigraph", rate_hz, scale, model or None, serial or None, clock, _offset_s(clock)
    )  # fmt: skip
    return info, start_s


def _offset_s(said: str) -> int | None:
    sign, parts = (-1 if said.startswith("-") else 1), said.lstrip("+-").split(":")
    if len(parts) != 3 or not all(part.isascii() and part.isdecimal() and len(part) <= 2 for part in parts):
        return None
    hours, minutes, seconds = map(int, parts)
    return sign * (hours * 3600 + minutes * 60 + seconds)


def _old_log(log: IO[bytes], rate_hz: int, at: int) -> Iterator[Seconds]:
    """``activity.bin``: samples of 36 bits, one after another from the start; the last part of a second is left."""
    second_bytes = rate_hz * PACKED_BYTES_OF_TWO // 2
    while data := log.read(CHUNK_BYTES // second_bytes * second_bytes):
        n = len(data) // second_bytes
        yield Seconds(at, _unpacked(np.frombuffer(data[: n * second_bytes], np.uint8).reshape(n, second_bytes)))
        at += n


def _records(log: IO[bytes], rate_hz: int) -> Iterator[Seconds]:
    """``log.bin``: records of a second each, with others between them that hold no acceleration."""
    carry = b""
    while chunk := log.read(CHUNK_BYTES):
        data = carry + chunk
        places, end = _places(data, rate_hz)
        carry = data[end:]
        yield from _of_places(np.frombuffer(data, np.uint8), places, rate_hz)
    if len(carry) > HEADER_BYTES and carry[0] != SEPARATOR:
        raise UnreadableRecording("truncated")


def _places(data: bytes, rate_hz: int) -> tuple[dict[int, list[int]], int]:
    """Where the records of a second begin, by kind, and where the first that is not whole does."""
    sizes = {PACKED: rate_hz * PACKED_BYTES_OF_TWO // 2, PLAIN: rate_hz * 6}
    places: dict[int, list[int]] = {PACKED: [], PLAIN: []}
    at, last, kind_before = 0, len(data) - HEADER_BYTES, None
    while at <= last:
        if data[at] != SEPARATOR:
            at, kind_before = _next_separator(data, at), None
            continue
        kind, size = data[at + 1], data[at + 6] | data[at + 7] << 8
        whole = HEADER_BYTES + size + 1
        if at + whole > len(data):
            break
        # Most files hold thousands of seconds one after another; who has seen two looks for more of them at once.
        alike = _alike(data, at, whole) if kind == kind_before else 1
        if sizes.get(kind) == size:
            places[kind].extend(range(at, at + alike * whole, whole))
        at, kind_before = at + alike * whole, kind
    return places, min(at, len(data))


def _alike(data: bytes, at: int, whole: int) -> int:
    """How many whole records of this length follow one another from here with the same mark, kind and size."""
    found, looked_at, most = 0, 8, (len(data) - at) // whole
    while True:
        n = min(looked_at, most - found)
        rows = np.frombuffer(data, np.uint8, n * whole, at + found * whole).reshape(n, whole)
        same = (rows[:, _OF_THE_KIND] == [data[at + place] for place in _OF_THE_KIND]).all(axis=1)
        if not same.all():
            return found + int(same.argmin())
        found += n
        if found == most:
            return found
        looked_at *= 8


def _next_separator(data: bytes, at: int) -> int:
    """A damaged stretch is passed over; a record found in it by chance fails its checksum."""
    found = data.find(SEPARATOR, at)
    return found if found >= 0 else len(data)


def _of_places(data: NDArray[np.uint8], places: dict[int, list[int]], rate_hz: int) -> Iterator[Seconds]:
    stamps: list[NDArray[np.int64]] = []
    parts: list[Samples] = []
    for kind, size in ((PACKED, rate_hz * PACKED_BYTES_OF_TWO // 2), (PLAIN, rate_hz * 6)):
        if not places[kind]:
            continue
        rows = sliding_window_view(data, HEADER_BYTES + size + 1)[places[kind]]
        # The checksum is the complement of everything before it, taken together by exclusive or.
        rows = rows[np.bitwise_xor.reduce(rows, axis=1) == 0xFF]
        stamps.append(np.ascontiguousarray(rows[:, 2:6]).view("<u4").ravel().astype(np.int64))
        body = np.ascontiguousarray(rows[:, HEADER_BYTES:-1])
        samples = _unpacked(body) if kind == PACKED else body.view("<i2").reshape(-1, 3)
        parts.append(samples.reshape(len(rows), rate_hz, 3))
    if stamps:
        yield from _runs(np.concatenate(stamps), np.concatenate(parts))


def _runs(stamps: NDArray[np.int64], samples: Samples) -> Iterator[Seconds]:
    """Seconds without a gap together; a second that comes twice counts once."""
    if not len(stamps):
        return
    order = np.argsort(stamps, kind="stable")
    stamps, samples = stamps[order], samples[order]
    new = np.diff(stamps, prepend=stamps[0] - 1) > 0
    stamps, samples = stamps[new], samples[new]
    starts = np.flatnonzero(np.diff(stamps, prepend=stamps[0] - 2) != 1)
    for first, end in zip(starts, [*starts[1:], len(stamps)], strict=True):
        yield Seconds(int(stamps[first]), samples[first:end].reshape(-1, 3))


def _unpacked(rows: NDArray[np.uint8]) -> Samples:
    """Samples of y, x and z in 12 bits each, as x, y and z; shape (n · rate, 3)."""
    triples = rows.reshape(-1, 3).astype(np.int16)  # three bytes are two values
    values = np.empty((len(triples), 2), np.int16)
    values[:, 0] = triples[:, 0] << 4 | triples[:, 1] >> 4
    values[:, 1] = (triples[:, 1] & 0xF) << 8 | triples[:, 2]
    values -= (values > 2047).astype(np.int16) * np.int16(4096)
    return values.reshape(-1, 3)[:, [1, 0, 2]]
