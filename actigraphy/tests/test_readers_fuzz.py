"""Whatever bytes come, a reader gives a sound recording or a refusal."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actigraphy.readers import ColumnMapping, Limits, Readings, ReadRecording, UnreadableRecording
from actigraphy.tests.recording_files import (
    OSLO,
    actilife,
    actiware,
    acttrust,
    agd,
    awd,
    cwa,
    daqtometer,
    depresjon,
    geneactiv,
    gt3x,
    gt3x_record,
    minutes,
    motionwatch,
    read,
    table,
)

# few samples allowed: a changed digit may open a gap, and the fuzzing should not spend its time on filling it
LIMITS = Limits(max_samples=200_000)
STAMPS = minutes("2024-03-31 00:30", 40, 300)
AUTUMN = [*minutes("2024-10-27 01:00", 120), *minutes("2024-10-27 02:00", 120)]
COLUMNS = ColumnMapping(time=0, activity=1, channels={"light": 2})
MOVED = np.random.default_rng(3).integers(-300, 300, (18_500, 3)).tolist()
SEEDS = {
    "awd": awd([0, 12, "5 M", 7] * 10),
    "awd with light": awd(["0 , 1.5", "12 , 3 M"] * 10, serial="L12"),
    "agd": agd(STAMPS, range(40), axes=3, epoch="300"),
    "actilife": actilife(["1,2,3,4,5,60,3.74"] * 20),
    "actilife with stamps": actilife(
        [f"{at:%m/%d/%Y},{at:%H:%M:%S},1,2,3" for at in STAMPS], header="Date,Time,Axis1,Axis2,Axis3", epoch="00:05:00"
    ),
    "actiware": actiware(
        [f'"{n}","{at:%d/%m/%Y}","{at:%H:%M:%S}","0","{n}","0","1.5","NaN","ACTIVE",' for n, at in enumerate(STAMPS)],
        epoch="300",
    ),
    "acttrust": acttrust(STAMPS, range(40), interval="300"),
    "daqtometer": daqtometer(STAMPS, range(40)),
    "motionwatch": motionwatch("1,2,3,\n" * 13, light="0.5,1,2,\n" * 13),
    "gt3x": gt3x(b"".join(gt3x_record(26, 1_710_000_000 + at, b"\x10\x00\x20\x00\xff\x00" * 30) for at in range(180))),
    "gt3x of old": gt3x(np.random.default_rng(1).bytes(135 * 180), name="activity.bin"),
    "cwa": cwa(MOVED),
    "cwa packed": cwa(MOVED, packing=0),
    "geneactiv": geneactiv(MOVED),
    "depresjon": depresjon(STAMPS),
    "double hour": depresjon(AUTUMN),
    "utf-16": depresjon(STAMPS).decode().encode("utf-16"),
    "generic": table([f"{at:%d/%m/%Y %I:%M %p};{n},5;3" for n, at in enumerate(STAMPS)], header="t;a;l"),
    "offsets": table([f'"{at.isoformat()}+02:00","{n}","-3"' for n, at in enumerate(STAMPS)], header="t,a,l"),
    "readings": Readings("counts", 1_710_000_000, 60, np.arange(40.0)[:, None]).as_file(),
    "acceleration": Readings("acceleration", 1_710_000_000, 30, np.tile([0.1, 0.2, 1.0], (3700, 1))).as_file(),
}
PIECES = st.sampled_from(
    [
        *(
            b"",
            b"\x00",
            b"\n",
            b"\r",
            b",",
            b'"',
            b" ",
            b"-",
            b".",
            b"/",
            b":",
            b"M",
            b"Z",
            b"AM",
            b"nan",
            b"-1",
            b"1e9",
        ),
        *(b"1e400", b"9" * 30, b"\xff", b"\xff\xfe", b"\xc3", b"\x1a", b"\xd9\xa3", b"+99:99", b"0000-00-00"),
        b"1900-01-01 00:00:00",
    ]
)
QUICK = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


def attempt(data: bytes, zone: ZoneInfo = OSLO, columns: ColumnMapping | None = None) -> None:
    try:
        recording = read(data, tz=zone, columns=columns, limits=LIMITS)
    except UnreadableRecording:
        return
    assert_sound(recording)


def assert_sound(recording: ReadRecording) -> None:
    assert 2 <= len(recording) <= LIMITS.max_samples
    assert 1 <= recording.epoch_s <= 3600
    assert recording.activity.dtype == np.float32
    assert not (recording.activity < 0).any()
    assert not np.isinf(recording.activity).any()
    assert not np.isnan(recording.activity).all()
    assert all(len(values) == len(recording) for values in recording.channels.values())


@st.composite
def damaged(draw: st.DrawFn, seed: bytes) -> bytes:
    data = bytearray(seed)
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        stop = min(len(data), start + draw(st.integers(0, 12)))
        match draw(st.sampled_from(["replace", "flip", "cut", "repeat", "digit"])):
            case "replace":
                data[start:stop] = draw(PIECES)
            case "flip" if start < len(data):
                data[start] ^= 1 << draw(st.integers(0, 7))
            case "cut":
                del data[start:]
            case "repeat":
                data[start:start] = data[start : start + draw(st.integers(0, 200))]
            case "digit" if start < len(data):
                data[start] = draw(st.integers(48, 57))
    return bytes(data)


@QUICK
@given(st.binary(max_size=2000))
def test_random_bytes_are_refused(data: bytes) -> None:
    attempt(data)
    attempt(data, columns=COLUMNS)


@QUICK
@given(st.text(alphabet='0123456789-:/., ;\n"TZ+MAP', max_size=400))
def test_random_stamps_and_numbers_never_crash(text: str) -> None:
    attempt(b"t,a,l\n" + text.encode(), columns=COLUMNS)
    attempt(SEEDS["depresjon"] + text.encode())
    attempt(SEEDS["awd"] + text.encode())


@pytest.mark.parametrize("name", SEEDS)
def test_the_undamaged_file_is_read(name: str) -> None:
    columns = COLUMNS if name in {"generic", "offsets"} else None
    assert_sound(read(SEEDS[name], columns=columns, limits=LIMITS))


@pytest.mark.parametrize("name", SEEDS)
@QUICK
@given(data=st.data(), zone=st.sampled_from(["Europe/Oslo", "Australia/Lord_Howe", "UTC", "America/New_York"]))
def test_a_damaged_file_is_read_soundly_or_refused(name: str, data: st.DataObject, zone: str) -> None:
    columns = COLUMNS if name in {"generic", "offsets"} else None
    attempt(data.draw(damaged(SEEDS[name])), ZoneInfo(zone), columns)
