"""ActiGraph's raw files, old and new: packing, clock, gaps, damage, and ActiLife's own sums of a real recording."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from actigraphy.readers import ReadRecording, UnreadableRecording, read_recording
from actigraphy.science.counts import counts
from actigraphy.tests.recording_files import gt3x, gt3x_packed, gt3x_plain, gt3x_record, read

START = int(datetime(2024, 1, 10, 12, tzinfo=UTC).timestamp())  # the device writes its wall clock as if it were UTC
NOON_IN_OSLO = int(datetime(2024, 1, 10, 11, tzinfo=UTC).timestamp())
PACKED, PLAIN, EVENT = 0, 26, 3
RATE = 30


def moved(seconds: int, seed: int = 1) -> np.ndarray:
    """Whole steps of acceleration, shape (seconds, 30, 3): gravity on z, and a hand that waves."""
    rng = np.random.default_rng(seed)
    t = np.arange(seconds * RATE) / RATE
    wave = np.stack([300 * np.sin(2 * np.pi * 1.5 * t), 150 * np.sin(2 * np.pi * t), 256 + 50 * np.sin(t)], axis=1)
    return (wave + rng.normal(0, 20, wave.shape)).astype(int).reshape(seconds, RATE, 3)


def log(samples: np.ndarray, *, kind: int = PLAIN, start: int = START) -> list[bytes]:
    write = gt3x_packed if kind == PACKED else gt3x_plain
    return [gt3x_record(kind, start + at, write(second.tolist())) for at, second in enumerate(samples)]


def expected(samples: np.ndarray) -> np.ndarray:
    return counts(samples.reshape(-1, 3) / 256.0, RATE, epoch_s=60)


def refused(data: bytes, **kwargs: object) -> str:
    with pytest.raises(UnreadableRecording) as error:
        read(data, **kwargs)  # type: ignore[arg-type]
    return error.value.code


def axes(recording: ReadRecording) -> np.ndarray:
    return np.stack([recording.channels[name] for name in ("axis2", "axis1", "axis3")], axis=1)


@pytest.mark.parametrize("kind", [PACKED, PLAIN])
def test_both_kinds_of_record_give_the_same_counts(kind: int) -> None:
    samples = moved(180)
    recording = read(gt3x(b"".join(log(samples, kind=kind))))
    assert (recording.format, recording.device_family, recording.device_model) == (
        "actigraph_gt3x", "actigraph", "wGT3XBT",
    )  # fmt: skip
    assert (recording.start_s, recording.epoch_s, len(recording)) == (NOON_IN_OSLO, 60, 3)
    np.testing.assert_array_equal(axes(recording), expected(samples))
    np.testing.assert_array_equal(recording.activity, recording.channels["axis1"])
    assert "Jane" not in repr(recording)


def test_the_old_generation_is_one_stream_from_the_start() -> None:
    samples = moved(125)
    data = gt3x_packed(samples.reshape(-1, 3).tolist())
    recording = read(gt3x(data, name="activity.bin", Serial_Number="NEO1C04110003", Acceleration_Scale="256.0"))
    np.testing.assert_array_equal(axes(recording), expected(samples[:120]))
    scaled = read(gt3x(data, name="activity.bin", Serial_Number="NEO1C04110003", Acceleration_Scale="0"))
    np.testing.assert_array_equal(axes(scaled), counts(samples[:120].reshape(-1, 3) / 341.0, RATE))


def test_idle_sleep_is_a_gap_and_no_stillness() -> None:
    samples = moved(600)
    records = log(samples)
    kept = records[:120] + records[200:]  # 80 s without a record: minutes 2 and 3 are not whole
    recording = read(gt3x(b"".join(kept)))
    assert np.isnan(recording.activity).tolist() == [False, False, True, True, *[False] * 6]
    np.testing.assert_array_equal(axes(recording)[:2], expected(samples[:120]))
    np.testing.assert_array_equal(axes(recording)[4:], expected(samples[240:]))
    assert "short_gap_filled_missing" in {notice.code for notice in recording.notices}


def test_other_records_are_passed_over_and_a_wrong_checksum_is_missing() -> None:
    samples = moved(180)
    records = log(samples)
    records.insert(30, gt3x_record(EVENT, START + 30, b"\x08\x00\x00\x00"))
    damaged = bytearray(records[100])
    damaged[40] ^= 0x10
    records[100] = bytes(damaged)
    recording = read(gt3x(b"".join(records)))
    assert np.isnan(recording.activity).tolist() == [False, True, False]
    np.testing.assert_array_equal(axes(recording)[0], expected(samples[:60])[0])


def test_rubbish_between_records_costs_only_itself() -> None:
    samples = moved(180)
    records = log(samples)
    records.insert(90, b"\x00\x1e\x1a\xff\xff\xff\xff\x05\x00garbage")
    recording = read(gt3x(b"".join(records)))
    np.testing.assert_array_equal(axes(recording), expected(samples))


def test_a_log_in_many_pieces_is_read_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    data = gt3x(b"".join(log(moved(240))))
    whole = axes(read(data))
    monkeypatch.setattr("actigraphy.readers.gt3x.CHUNK_BYTES", 1000)
    np.testing.assert_array_equal(axes(read(data)), whole)


def test_a_watch_set_on_another_continent_is_said() -> None:
    records = b"".join(log(moved(120)))
    assert "set_elsewhere" not in {notice.code for notice in read(gt3x(records)).notices}
    notices = read(gt3x(records, TimeZone="-05:00:00")).notices
    assert [notice.detail for notice in notices if notice.code == "set_elsewhere"] == [
        "The device was set by a clock -05:00:00 from UTC; its times are read in Europe/Oslo."
    ]


def test_the_outline_is_the_recording_without_its_counts() -> None:
    records = log(moved(600))
    data = gt3x(b"".join(records[:120] + records[200:]))
    whole, outline = read(data), read(data, outline=True)
    assert np.isnan(outline.activity).all()
    assert all(np.isnan(values).all() for values in outline.channels.values())
    without = {"activity": whole.activity, "channels": whole.channels, "raw": None}
    assert replace(outline, **without) == replace(whole, **without)


def archive(**entries: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as into:
        for name, data in entries.items():
            into.writestr(name.replace("_", "."), data)
    return file.getvalue()


WHOLE = gt3x(b"".join(log(moved(180))))


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (archive(readme_txt=b"hello"), "archive_refused"),
        (archive(info_txt=b"Sample Rate: 30"), "archive_refused"),
        (archive(info_txt=b"", log_bin=b""), "damaged_header"),
        (WHOLE[: len(WHOLE) // 2], "truncated"),
        (WHOLE[:3000] + b"\xff" * 200 + WHOLE[3200:], "truncated"),
        (gt3x(b""), "no_values"),
        (gt3x(b"\x00" * 5000), "no_values"),
        (gt3x(b"".join(log(moved(60)))), "too_short"),
        (gt3x(b"".join(log(moved(180))), rate=31), "unsupported_rate"),
        (gt3x(b"".join(log(moved(180))), Acceleration_Scale="nan"), "damaged_header"),
        (gt3x(b"".join(log(moved(180))), Start_Date="-1"), "damaged_header"),
        (gt3x(b"".join(log(moved(180), start=2**32 - 500))), "in_the_future"),
        (gt3x(b"".join([*log(moved(60)), *log(moved(60), start=START + 5 * 366 * 86_400)])), "too_long"),
        (gt3x(b"".join(log(moved(30)) + log(moved(30), start=START - 600))), "no_values"),
    ],
)
def test_what_is_no_recording_is_refused(data: bytes, code: str) -> None:
    assert refused(data) == code


def test_an_archive_that_unpacks_without_end_is_refused_before_it_is_unpacked() -> None:
    bomb = gt3x(b"\x00" * 50_000_000)
    assert len(bomb) < 100_000
    tracemalloc.start()
    assert refused(bomb) == "archive_too_large"
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2_000_000


def test_an_archive_that_lies_about_its_size_unpacks_no_further_than_it_says() -> None:
    log_bin = b"".join(log(moved(600)))
    honest = gt3x(log_bin)
    lying = honest.replace(struct.pack("<I", len(log_bin)), struct.pack("<I", 20_000))
    assert lying != honest
    assert refused(lying) == "truncated"  # the sum of what was unpacked is not the one it states


@pytest.mark.data
def test_the_sums_of_a_real_recording_at_100_hz_are_those_of_actilife(shared_data: Path) -> None:
    recording = read_recording(shared_data / "raw/10min_recording.gt3x", tz=ZoneInfo("Europe/Paris"))
    sums = [float(recording.channels[f"axis{axis}"].sum()) for axis in (1, 2, 3)]
    assert sums == [2616, 4474, 3359]  # ActiLife 6, the same file, epochs of 1 s
    assert len(recording) == 10
    assert recording.device_serial == "MOS2C06152277"


@pytest.mark.data
def test_a_real_recording_with_idle_sleep_keeps_its_gaps_and_agrees_where_it_recorded(shared_data: Path) -> None:
    recording = read_recording(shared_data / "raw/small.gt3x", tz=ZoneInfo("America/Chicago"))
    assert len(recording) == 815
    # agcounts 0.2.6 over the same samples, axes x, y, z; from the third minute on it fills the gaps.
    np.testing.assert_array_equal(axes(recording)[:2], [[2202, 2360, 1962], [1691, 2302, 2808]])
    assert np.isnan(recording.activity[2:5]).all()


@pytest.mark.data
def test_a_real_recording_of_the_old_generation_is_read(shared_data: Path) -> None:
    recording = read_recording(shared_data / "raw/neo.gt3x", tz=ZoneInfo("America/Chicago"))
    assert len(recording) == 10
    assert datetime.fromtimestamp(recording.start_s, UTC) == datetime(2021, 12, 20, 17, 55, tzinfo=UTC)
    assert not np.isnan(recording.activity).any()


@pytest.mark.parametrize("how", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_only_what_the_device_packs_with_is_unpacked(how: int) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", how) as into, zipfile.ZipFile(io.BytesIO(WHOLE)) as whole:
        for name in whole.namelist():
            into.writestr(name, whole.read(name))
    assert refused(file.getvalue()) == "archive_refused"
