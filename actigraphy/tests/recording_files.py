"""Small recordings in each format, as bytes, for the readers' tests."""

from __future__ import annotations

import io
import sqlite3
import struct
import zipfile
from collections.abc import Iterable, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from actigraphy.readers import ColumnMapping, ReadRecording, read_recording

OSLO = ZoneInfo("Europe/Oslo")
SIMPLE = ColumnMapping(time="time", activity="activity")
TICKS = 621_355_968_000_000_000
#: Actiware's words: title, model, serial number, epoch, the names of the columns.
ENGLISH = (
    "Actiware Export File  (Version 05.00 )", "Actiwatch Type:", "Actiwatch Serial Number:", "Epoch Length:",
    '"Line","Date","Time","Off-Wrist Status","Activity","Marker","White Light","Sleep/Wake","Interval Status",',
)  # fmt: skip
FRENCH = (
    "Fichier d'exportation Actiware (Version 05.00)", "Type d'Actiwatch :", "Numéro de série de l'Actiwatch :",
    "Longueur de la période :",
    '"Ligne","Secondes","Date","Heure","Activité","Marqueur","Lumière blanche","Sommeil/Éveil","Statut",',
)  # fmt: skip
GERMAN = (
    "Actiware-Exportdatei (Version 05.00 )", "Actiwatch-Typ:", "Actiwatch-Seriennummer:", "Epochenlänge:",
    '"Zeile","Datum","Zeit","Status „Nicht am Handgelenk“","Aktivität","Markierung","Weißes Licht","Schlaf/Wach"',
)  # fmt: skip


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


def actiware(rows: Iterable[str], *, names: str = "", epoch: str = "60", words: Sequence[str] = ENGLISH) -> bytes:
    title, model, serial, length, table = words
    lines = [
        f'"{title}"', '"Identity:","Jane Doe"', "", f'"{model}","Actiwatch 2"', f'"{serial}","A1234"',
        f'"{length}","{epoch}","seconds",""', "", '"Line","Date","Time","Marker","Interval Status",', "",
        names or table, "",
    ]  # fmt: skip
    return "\r\n".join(["\ufeff" + lines[0], *lines[1:], *rows, ""]).encode()


def acttrust(stamps: Iterable[datetime], values: Iterable[object], *, interval: str = "60") -> bytes:
    rule = "+-------------------------------------------------------+"
    header = ["SUBJECT_NAME : Jane Doe", "DEVICE_ID : 77", "DEVICE_MODEL : ActTrust2", f"INTERVAL : {interval}", rule]
    rows = [f"{at:%d/%m/%Y %H:%M:%S};0;{value};31.5;12.25;1" for at, value in zip(stamps, values, strict=True)]
    names = "DATE/TIME;MS;PIM;TEMPERATURE;LIGHT;EVENT"
    return "\n".join(["+----+ Condor Instruments Report +----+", *header, names, *rows, ""]).encode()


def daqtometer(stamps: Sequence[datetime], values: Iterable[object], *, zone: str = " GMT") -> bytes:
    header = [
        f"Start: {stamps[0]}{zone}", f"End: {stamps[-1]}{zone}", "", "Serial number:,77,77",
        "Name:,Accelleration X+Y,Light", "", "Group:,0,1", "Store rate:,1,1", "",
    ]  # fmt: skip
    rows = [f"{at},{value},5" for at, value in zip(stamps, values, strict=True)]
    return "\n".join([*header, *rows, ""]).encode()


def motionwatch(
    values: str, *, light: str = "", start: str = "2024-01-10 12:00:00", epoch: str = "60", before: str = ""
) -> bytes:
    def channel(name: str, numbers: str) -> str:
        data = f'<data encoding="text">{numbers}</data>'
        return f"<channel><name>{name}</name><units>x</units><epoch>{epoch}</epoch><offset>0</offset>{data}</channel>"

    said = {"=Device": "MW8", "=SerialNo": "007565", "=StartTime": start, "+UserName": "Jane Doe"}
    told = [f"<property><name>{name}</name><content>{text}</content></property>" for name, text in said.items()]
    changes = [*told, channel("motion", values), *([channel("Light", light)] if light else [])]
    body = "".join(f'<change user="x" time="x">{change}</change>' for change in changes)
    return f'<?xml version="1.0" encoding="UTF-8"?>{before}<motionfile><log2>{body}</log2></motionfile>'.encode()


def gt3x_record(kind: int, second: int, body: bytes) -> bytes:
    head = struct.pack("<BBIH", 0x1E, kind, second, len(body))
    checksum = 0
    for byte in head + body:
        checksum ^= byte
    return head + body + bytes([~checksum & 0xFF])


def gt3x_packed(samples: Iterable[Sequence[int]]) -> bytes:
    """Samples of x, y, z as the format packs them: y, x, z of 12 bits each, written here as one long number."""
    bits = "".join(f"{value & 0xFFF:012b}" for x, y, z in samples for value in (y, x, z))
    return bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits), 8))


def gt3x_plain(samples: Iterable[Sequence[int]]) -> bytes:
    return b"".join(struct.pack("<hhh", *sample) for sample in samples)


def gt3x(
    log: bytes, *, name: str = "log.bin", rate: int = 30, start: str = "2024-01-10 12:00:00", **said: str
) -> bytes:
    ticks = TICKS + round((datetime.fromisoformat(start) - datetime(1970, 1, 1)).total_seconds()) * 10_000_000
    about = {"Serial Number": "MOS2C06152277", "Device Type": "wGT3XBT", "Sample Rate": str(rate)}
    about |= {
        "Start Date": str(ticks),
        "TimeZone": "01:00:00",
        "Acceleration Scale": "256.0",
        "Subject Name": "Jane Doe",
    }
    about |= {key.replace("_", " "): value for key, value in said.items()}
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, log)
        archive.writestr("info.txt", "\r\n".join(f"{key}: {value}" for key, value in about.items()))
    return file.getvalue()


def cwa_stamp(moment: datetime) -> int:
    date = (moment.year - 2000) << 26 | moment.month << 22 | moment.day << 17
    return date | moment.hour << 12 | moment.minute << 6 | moment.second


def cwa_sector(
    samples: Sequence[Sequence[int]], number: int, second: datetime, offset: int, *, rate: int = 0x4A, packing: int = 2
) -> bytes:
    """A sector whose sample ``offset`` is taken at ``second``; plain 16 bits in steps of 1/256 g, or packed."""
    if packing == 2:
        body = b"".join(struct.pack("<hhh", *sample) for sample in samples)
    else:
        words = [(x & 0x3FF) | (y & 0x3FF) << 10 | (z & 0x3FF) << 20 for x, y, z in samples]
        body = struct.pack(f"<{len(words)}I", *words)
    head = struct.pack(
        "<2sHHIIIHHBBBBhH", b"AX", 508, 0, 7, number, cwa_stamp(second), 0, 265, 0, 200, rate, 0x30 | packing, offset,
        len(samples),
    )  # fmt: skip
    sector = (head + body).ljust(510, b"\0")
    checksum = -sum(struct.unpack("<255H", sector)) & 0xFFFF
    return sector + struct.pack("<H", checksum)


def cwa(
    samples: Sequence[Sequence[int]], *, start: str = "2024-01-10 12:00:00", rate_hz: int = 100, **kwargs: int
) -> bytes:
    """Samples in steps of 1/256 g from a whole second on."""
    room = 120 if kwargs.get("packing") == 0 else 80
    first, sectors = datetime.fromisoformat(start), []
    for number, at in enumerate(range(0, len(samples), room)):
        second = -(-at // rate_hz)  # the first whole second in or after this sector's first sample
        moment = first + timedelta(seconds=second)
        sectors.append(cwa_sector(samples[at : at + room], number, moment, second * rate_hz - at, **kwargs))
    header = struct.pack("<2sHBHIH", b"MD", 1020, 0x17, 4242, 7, 0xFFFF).ljust(36, b"\xff") + bytes([0x4A])
    return header.ljust(64, b"\xff") + b"_s=Jane%20Doe".ljust(960) + b"".join(sectors)


GENEACTIV_HEADER = """Device Identity
Device Unique Serial Code:012967
Device Type:GENEActiv

Configuration Info
Measurement Frequency:{rate:g} Hz
Start Time:{start}
Time Zone:GMT +01:00

Subject Info
Subject Code:Jane Doe

Calibration Data
x gain:25600
x offset:100
y gain:25600
y offset:-200
z gain:25600
z offset:0

Memory Status
Number of Pages:{pages}

"""


def geneactiv(samples: Sequence[Sequence[int]], *, start: str = "2024-01-10 12:00:00", rate: float = 100.0) -> bytes:
    """Samples in the device's own steps; only whole pages of 300 are written."""
    first, pages = datetime.fromisoformat(start), []
    for number, at in enumerate(range(0, len(samples) // 300 * 300, 300)):
        moment = first + timedelta(seconds=at / rate)
        stamp = f"{moment:%Y-%m-%d %H:%M:%S}:{moment.microsecond // 1000:03d}"
        hexed = "".join(f"{x & 0xFFF:03X}{y & 0xFFF:03X}{z & 0xFFF:03X}000" for x, y, z in samples[at : at + 300])
        pages.append(
            f"Recorded Data\nDevice Unique Serial Code:012967\nSequence Number:{number}\nPage Time:{stamp}\n"
            f"Unassigned:\nTemperature:21.5\nBattery voltage:4.1493\nDevice Status:Recording\n"
            f"Measurement Frequency:{rate:g}\n{hexed}\n"
        )
    header = GENEACTIV_HEADER.format(rate=rate, start=f"{start}:000", pages=len(pages))
    return (header + "".join(pages)).replace("\n", "\r\n").encode()
