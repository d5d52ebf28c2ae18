"""ActiGraph .agd: an SQLite database of epochs, opened in memory."""

from __future__ import annotations

import io
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from .counts import check_values
from .grid import check_epoch, check_span, count_epochs, missing_notice, place_on_grid, wall_to_utc, year_notice
from .reading import FloatArray, ReadRecording, Request, UnreadableRecording
from .stamps import FIRST_YEAR, LAST_YEAR
from .text import CHUNK_BYTES

MAGIC = b"SQLite format 3\x00"
TICKS_PER_S = 10_000_000
UNIX_EPOCH_TICKS = 621_355_968_000_000_000  # .NET ticks count from 0001-01-01
CHANNELS = {
    "axis1": "axis1", "axis2": "axis2", "axis3": "axis3", "steps": "steps", "lux": "light",
    "inclineoff": "inclinometer_off", "inclinestanding": "inclinometer_standing",
    "inclinesitting": "inclinometer_sitting", "inclinelying": "inclinometer_lying",
}  # fmt: skip
QUERY_S = 20.0  # a hostile schema can make one row cost forever
BATCH = 20_000

_ALLOWED = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ}


def read_agd(file: BinaryIO, request: Request) -> ReadRecording:
    """Read an .agd file; its ticks are wall-clock time of the computer that set up the device.

    The database is loaded from bytes, so no plaintext file is written. Only two plain tables are read, under an
    authorizer that allows nothing else.
    """
    data = _whole(file)
    if len(data) < 100 or not data.startswith(MAGIC):
        raise UnreadableRecording("damaged_database")
    data[18:20] = b"\x01\x01"  # a database in WAL mode cannot be opened from memory
    try:
        with closing(sqlite3.connect(":memory:")) as database:
            database.deserialize(data)
            del data
            names = _open_plain(database)
            settings = _settings(database)
            ticks, columns = _epochs(database, names, request)
    except (sqlite3.Error, OverflowError) as error:
        raise UnreadableRecording("damaged_database") from error
    return _recording(settings, ticks, columns, request)


def _whole(file: BinaryIO) -> bytearray:
    """The file in one piece and no second copy of it; its size was checked before it came here."""
    data = bytearray(file.seek(0, io.SEEK_END))
    file.seek(0)
    room = memoryview(data)
    while room and (part := file.read(min(len(room), CHUNK_BYTES))):
        room[: len(part)] = part
        room = room[len(part) :]
    return data


def _open_plain(database: sqlite3.Connection) -> list[str]:
    """Confine what the file's schema can do; returns the column names of the table of epochs."""
    database.text_factory = bytes
    for pragma in ("trusted_schema=OFF", "cell_size_check=ON", "query_only=ON"):
        database.execute(f"PRAGMA {pragma}")
    database.setlimit(sqlite3.SQLITE_LIMIT_COLUMN, 256)
    database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 1_000_000)
    stop_at = time.monotonic() + QUERY_S
    database.set_progress_handler(lambda: time.monotonic() > stop_at, 100_000)
    database.set_authorizer(_authorize)
    _plain_columns(database, "settings")
    return _plain_columns(database, "data")


def _authorize(action: int, what: str | None, *_: object) -> int:
    allowed = action in _ALLOWED or (action == sqlite3.SQLITE_PRAGMA and what == "table_xinfo")
    return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY


def _plain_columns(database: sqlite3.Connection, table: str) -> list[str]:
    """Columns of a real table: a view, a virtual table or a generated column would run code of the file's choice."""
    found = database.execute(
        "SELECT rootpage, sql FROM sqlite_master WHERE type = 'table' AND name = ? COLLATE NOCASE", (table,)
    ).fetchall()
    # Before the table is first asked for its columns, which would start the module of a virtual one.
    if len(found) != 1 or not _is_plain(*found[0]):
        raise UnreadableRecording("damaged_database")
    columns = database.execute(f"PRAGMA table_xinfo({table})").fetchall()
    if not columns or any(hidden for *_, hidden in columns):
        raise UnreadableRecording("damaged_database")
    return [name.decode("utf-8", "replace") for _, name, *_ in columns]


def _is_plain(root_page: object, sql: object) -> bool:
    """A table with pages of its own. The whole statement is searched: CREATE and VIRTUAL may stand a comment apart."""
    return isinstance(root_page, int) and root_page > 0 and isinstance(sql, bytes) and b"virtual" not in sql.lower()


def _settings(database: sqlite3.Connection) -> dict[str, str]:
    """The settings that describe the device; those of the subject are not even fetched."""
    wanted = ("epochlength", "devicename", "deviceserial")
    rows = database.execute(
        "SELECT settingName, settingValue FROM settings WHERE settingName IN (?, ?, ?) LIMIT 10",
        wanted,
    ).fetchall()
    return {
        name.decode("utf-8", "replace"): value.decode("utf-8", "replace")[:64]
        if isinstance(value, bytes)
        else str(value)
        for name, value in rows
        if isinstance(name, bytes)
    }


def _epochs(
    database: sqlite3.Connection, columns: list[str], request: Request
) -> tuple[NDArray[np.int64], dict[str, FloatArray]]:
    names = {name.casefold() for name in columns}
    if not {"datatimestamp", "axis1"} <= names:
        raise UnreadableRecording("damaged_database")
    known = [name for name in CHANNELS if name in names]
    # `known` is a choice among our own CHANNELS
    cursor = database.execute(f"SELECT {', '.join(['dataTimestamp', *known])} FROM data")  # nosec B608
    ticks: list[NDArray[np.int64]] = []
    values: list[NDArray[np.float64]] = []
    count = 0
    for batch in _batches(cursor):
        count += len(batch)
        if count > 2 * request.limits.max_samples:
            raise UnreadableRecording("too_long", limit=f"{request.limits.max_samples:,} epochs")
        stamps, *cells = zip(*batch, strict=True)
        if set(map(type, stamps)) != {int}:
            raise UnreadableRecording("no_timestamps")
        ticks.append(np.array(stamps, dtype=np.int64))
        values.append(np.array([_numbers(column) for column in cells]))
    if not ticks:
        raise UnreadableRecording("too_short")
    rows = np.arange(1, count + 1, dtype=np.int32)
    table = np.concatenate(values, axis=1)
    return np.concatenate(ticks), {
        CHANNELS[name]: check_values(column, rows) for name, column in zip(known, table, strict=True)
    }


def _batches(cursor: sqlite3.Cursor) -> Iterator[list[tuple[object, ...]]]:
    while batch := cursor.fetchmany(BATCH):
        yield batch


def _numbers(column: tuple[object, ...]) -> NDArray[np.float64]:
    if not set(map(type, column)) <= {int, float, type(None)}:
        raise UnreadableRecording("not_a_number")
    return np.array(column, dtype=np.float64)


def _recording(
    settings: dict[str, str], ticks: NDArray[np.int64], columns: dict[str, FloatArray], request: Request
) -> ReadRecording:
    text = settings.get("epochlength", "").strip()
    if not (text.isascii() and text.isdigit() and len(text) < 6):
        raise UnreadableRecording("damaged_database")
    epoch_s = int(text)
    check_epoch(epoch_s)
    rows = np.arange(1, len(ticks) + 1, dtype=np.int32)
    wall_s = (ticks - UNIX_EPOCH_TICKS) // TICKS_PER_S
    year = wall_s.astype("datetime64[s]").astype("datetime64[Y]").astype(np.int64) + 1970
    if (year < FIRST_YEAR).any() or (year > LAST_YEAR).any():
        raise UnreadableRecording("impossible_date")
    check_span(wall_s, rows, request.limits)
    utc_s, notices = wall_to_utc(wall_s, request.tz)
    start_s, epoch_s, grid, more = place_on_grid(utc_s, columns, rows, epoch_s=epoch_s, limits=request.limits)
    return ReadRecording(
        format="actigraph_agd",
        device_family="actigraph",
        device_model=settings.get("devicename") or None,
        device_serial=settings.get("deviceserial") or None,
        start_s=start_s,
        epoch_s=epoch_s,
        activity=grid["axis1"],
        channels=grid,
        zone=request.tz.key,
        zone_evidence="given",
        notices=(*year_notice(start_s), *notices, *more, *missing_notice(grid["axis1"], count_epochs(utc_s))),
    )
