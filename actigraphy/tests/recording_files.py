"""Small recordings in each format, as bytes, for the readers' tests."""

from __future__ import annotations

import io
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from actigraphy.readers import ColumnMapping, ReadRecording, read_recording

OSLO = ZoneInfo("Europe/Oslo")
SIMPLE = ColumnMapping(time="time", activity="activity")
TICKS = 621_355_968_000_000_000


def read(data: bytes, *, tz: ZoneInfo = OSLO, filename: str = "", **kwargs: object) -> ReadRecording:
    return read_recording(io.BytesIO(data), tz=tz, filename=filename, **kwargs)  # type: ignore[arg-type]


def minutes(start: str, n: int, step_s: int = 60) -> list[datetime]:
    first = datetime.fromisoformat(start)
    return [first + timedelta(seconds=step_s * at) for at in range(n)]


def depresjon(stamps: Iterable[datetime | str], values: Iterable[object] | None = None) -> bytes:
    stamps = [str(stamp) for stamp in stamps]
    values = range(len(stamps)) if values is None else values
    rows = [f"{stamp},{stamp[:10]},{value}" for stamp, value in zip(stamps, values, strict=True)]
    return "\n".join(["timestamp,date,activity", *rows, ""]).encode()


def table(rows: Sequence[str], header: str = "time,activity") -> bytes:
    return "\n".join([header, *rows, ""]).encode()


def awd(
    values: Iterable[object],
    *,
    date: str = "23-Jan-2018",
    time: str = "13:58",
    code: str = "4",
    serial: str = "V664055",
) -> bytes:
    return "\r\n".join(["Jane Doe", date, time, f" {code} ", "47", serial, "F", *map(str, values), ""]).encode()


def agd(
    stamps: Iterable[datetime],
    axis1: Iterable[object],
    *,
    epoch: str = "60",
    axes: int = 1,
    sql: Iterable[str] = (),
) -> bytes:
    with closing(sqlite3.connect(":memory:")) as database:
        names = [f"axis{at + 1}" for at in range(axes)]
        database.execute("CREATE TABLE settings (settingID INTEGER PRIMARY KEY, settingName, settingValue)")
        database.execute(f"CREATE TABLE data (dataTimestamp INTEGER, {', '.join(names)})")
        settings = {"subjectname": "Jane Doe", "devicename": "GT3X", "deviceserial": "NEO1", "epochlength": epoch}
        database.executemany("INSERT INTO settings (settingName, settingValue) VALUES (?, ?)", settings.items())
        rows = [
            (TICKS + round((stamp - datetime(1970, 1, 1)).total_seconds()) * 10_000_000, *[value] * axes)
            for stamp, value in zip(stamps, axis1, strict=True)
        ]
        database.executemany(f"INSERT INTO data VALUES ({', '.join('?' * (axes + 1))})", rows)
        for statement in sql:
            database.execute(statement)
        database.commit()
        return bytes(database.serialize())


def actilife(
    rows: Iterable[str],
    *,
    header: str | None = "Axis1,Axis2,Axis3,Steps,Lux,Inclinometer Off,Vector Magnitude",
    date: str = "1/23/2014",
    order: str = "M/d/yyyy",
    epoch: str = "00:01:00",
) -> bytes:
    lines = [
        f"------------ Data Table File Created By ActiGraph GT3XPlus ActiLife v6.13.3 Firmware v3.2.1 "
        f"date format {order} Filter Normal -----------",
        "Serial Number: NEO1C15110135",
        "Start Time 18:00:00",
        f"Start Date {date}",
        f"Epoch Period (hh:mm:ss) {epoch}",
        "Download Time 12:59:00",
        f"Download Date {date}",
        "Current Memory Address: 0",
        "Current Battery Voltage: 4.13     Mode = 61",
        "--------------------------------------------------",
    ]
    return "\r\n".join([*lines, *([header] if header else []), *rows, ""]).encode()
