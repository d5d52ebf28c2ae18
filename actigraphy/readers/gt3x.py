"""ActiGraph .gt3x: a ZIP of ``info.txt`` and a log of raw acceleration, old (``activity.bin``) or new (``log.bin``).

The samples become counts by the second as they are read, so that memory does not grow with the recording.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import IO, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from actigraphy.science.counts import RATES, CountsStream
from novamind.limits import LIMITS, MB

from .grid import check_length, check_present, gap_notices, missing_notice, start_to_utc, year_notice
from .reading import FloatArray, Limits, Notice, ReadRecording, Request, UnreadableRecording

INFO: Final = "info.txt"
LOG: Final = "log.bin"
OLD_LOG: Final = "activity.bin"
INFO_BYTES: Final = 64 << 10
ENCRYPTED: Final = 1  # bit of an entry's flags
PACKED_BY: Final = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}  # LZMA states how much memory it wants
HEAD_BYTES: Final = 4096
CHUNK_BYTES: Final = 4 << 20
MINUTE_S: Final = 60
DAY_S: Final = 86_400

TICKS_PER_S: Final = 10_000_000
TICKS_AT_1970: Final = 621_355_968_000_000_000
#: Steps of one g by the beginning of the serial number, where the file does not say.
SCALES: Final = {"NEO": 341.0, "MRA": 341.0, "CLE": 341.0, "MOS": 256.0, "TAS": 256.0}

SEPARATOR: Final = 0x1E
HEADER_BYTES: Final = 8  # separator, kind, time (4), length of what follows (2)
PACKED, PLAIN = 0, 26  # kinds of record that hold a second: 12 bits in the order y, x, z; 16 bits in x, y, z
PACKED_BYTES_OF_TWO: Final = 9  # two samples of three axes of 12 bits

Samples = NDArray[np.int16]


@dataclass(frozen=True)
class Info:
    """What ``info.txt`` says of the device and its clock, which is set to the wall's."""

    rate_hz: int
    start_s: int
    scale: float
    model: str | None
    serial: str | None
    zone: str


@dataclass(frozen=True)
class Seconds:
    """Whole seconds without a gap: wall second of the first, and samples of shape (n · rate, 3) in x, y, z."""

    at: int
    samples: Samples


def read_gt3x(file: BinaryIO, request: Request) -> ReadRecording:
    """Read a .gt3x file as ActiGraph counts per minute (Neishabouri 2022); channels ``axis1 axis2 axis3`` and
    ``vector_magnitude``.

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
            info = _parse_info(_head(archive, INFO))
            minutes = MinuteCounts(info, request.limits, Uncounted if request.outline else CountsStream)
            name = LOG if LOG in names else OLD_LOG
            with archive.open(name) as log:
                pieces = _records(log, info.rate_hz) if name == LOG else _old_log(log, info)
                for piece in pieces:
                    minutes.add(piece)
    except zipfile.BadZipFile as error:
        raise UnreadableRecording("truncated" if _begins_like_one(file) else "archive_refused") from error
    except (zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise UnreadableRecording("truncated") from error
    return minutes.recording(request)


class Uncounted:
    """A :class:`CountsStream` that only says which epochs are whole."""

    def __init__(self, rate_hz: int, *, epoch_s: int) -> None:
        self._per_epoch, self._left = rate_hz * epoch_s, 0

    def add(self, xyz: NDArray[np.float64]) -> NDArray[np.int64]:
        """Zeros for the epochs that these samples complete, shape (m, 3)."""
        epochs, self._left = divmod(self._left + len(xyz), self._per_epoch)
        return np.zeros((epochs, 3), np.int64)


class MinuteCounts:
    """Counts of whole minutes, from seconds in the order of time.

    Each stretch without a gap is counted as a recording of its own, from its first whole minute on.
    """

    def __init__(self, info: Info, limits: Limits, counter: type[CountsStream | Uncounted] = CountsStream) -> None:
        self.info, self.limits, self._counter = info, limits, counter
        self._first: int | None = None
        self._next = self._minute = 0
        self._stream: CountsStream | Uncounted | None = None
        self._found: list[tuple[int, NDArray[np.int64]]] = []

    def add(self, seconds: Seconds) -> None:
        """Take the next seconds."""
        if self._first is None:
            self._first = self._next = seconds.at
        at, samples = seconds.at - self._first, seconds.samples
        if seconds.at < self._next:
            raise UnreadableRecording("unordered_timestamps")
        if at > self.limits.max_days * DAY_S:
            raise UnreadableRecording("too_long", limit=f"{self.limits.max_days} days")
        if seconds.at - self._next > self.limits.max_gap_days * DAY_S:
            raise UnreadableRecording("gap_too_long", limit_days=self.limits.max_gap_days)
        if seconds.at > self._next:
            self._stream = None
        self._next = seconds.at + len(samples) // self.info.rate_hz
        if self._stream is None:
            skipped = -at % MINUTE_S
            samples = samples[skipped * self.info.rate_hz :]
            if not len(samples):
                return
            self._minute = (at + skipped) // MINUTE_S
            self._stream = self._counter(self.info.rate_hz, epoch_s=MINUTE_S)
        counted = self._stream.add(samples / self.info.scale)
        self._found.append((self._minute, counted))
        self._minute += len(counted)

    def recording(self, request: Request) -> ReadRecording:
        """What was counted, on a grid of minutes."""
        if self._first is None:
            raise UnreadableRecording("no_values")
        n = (self._next - self._first) // MINUTE_S
        check_length(n, MINUTE_S, self.limits)
        grid = np.full((n, 3), np.nan, np.float32)
        for minute, counted in self._found:
            grid[minute : minute + len(counted)] = counted
        missing = missing_notice(grid[:, 0], n)
        if self._counter is Uncounted:
            grid[:] = np.nan
        x, y, z = (np.ascontiguousarray(axis) for axis in grid.T)  # ActiLife's axis 1 is the sensor's y, axis 2 its x
        start_s = start_to_utc(self._first, request.tz)
        check_present(start_s + (n - 1) * MINUTE_S)
        return ReadRecording(
            format="actigraph_gt3x",
            device_family="actigraph",
            device_model=self.info.model,
            device_serial=self.info.serial,
            start_s=start_s,
            epoch_s=MINUTE_S,
            activity=y,
            channels={"axis1": y, "axis2": x, "axis3": z, "vector_magnitude": _magnitude(grid)},
            zone=request.tz.key,
            zone_evidence="given",
            notices=(*year_notice(start_s), *self._gaps(), *missing, *self._other_zone(request, start_s)),
        )

    def _gaps(self) -> list[Notice]:
        """Between the stretches; a minute they begin or end in is missing with the gap."""
        counted = [(minute, minute + len(counts)) for minute, counts in self._found if len(counts)]
        steps = [1 + after - end for (_, end), (after, _) in pairwise(counted)]
        return gap_notices(np.array(steps, np.int64) * MINUTE_S, MINUTE_S)

    def _other_zone(self, request: Request, start_s: int) -> list[Notice]:
        """The offset of the computer that set the device is in the file, but not always with its summer time."""
        said = _offset_s(self.info.zone)
        wall = self._first
        assert wall is not None
        if said is None or abs(wall - start_s - said) <= 3600:
            return []
        detail = f"The device was set by a clock {self.info.zone} from UTC; its times are read in {request.tz.key}."
        return [Notice("set_elsewhere", detail)]


def _magnitude(grid: FloatArray) -> FloatArray:
    return np.sqrt((grid.astype(np.float64) ** 2).sum(axis=1)).astype(np.float32)


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


def _parse_info(text: str) -> Info:
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
    return Info(rate_hz, start_s, scale, model or None, serial or None, said.get("TimeZone", ""))


def _offset_s(said: str) -> int | None:
    sign, parts = (-1 if said.startswith("-") else 1), said.lstrip("+-").split(":")
    if len(parts) != 3 or not all(part.isascii() and part.isdecimal() and len(part) <= 2 for part in parts):
        return None
    hours, minutes, seconds = map(int, parts)
    return sign * (hours * 3600 + minutes * 60 + seconds)


def _old_log(log: IO[bytes], info: Info) -> Iterator[Seconds]:
    """``activity.bin``: samples of 36 bits, one after another from the start; the last part of a second is left."""
    second_bytes = info.rate_hz * PACKED_BYTES_OF_TWO // 2
    at = info.start_s
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
    at, last = 0, len(data) - HEADER_BYTES
    while at <= last:
        if data[at] != SEPARATOR:
            at = _next_separator(data, at)
            continue
        kind, size = data[at + 1], data[at + 6] | data[at + 7] << 8
        if at + HEADER_BYTES + size >= len(data):
            break
        if sizes.get(kind) == size:
            places[kind].append(at)
        at += HEADER_BYTES + size + 1
    return places, min(at, len(data))


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
        rows = data[np.array(places[kind])[:, None] + np.arange(HEADER_BYTES + size + 1)]
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
