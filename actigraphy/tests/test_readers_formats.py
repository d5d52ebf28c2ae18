"""What each format's reader takes from a file, on files built here."""

from __future__ import annotations

import builtins
import io
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from actigraphy.readers import READERS, ColumnMapping, UnreadableRecording, detect_format, read_recording, text
from actigraphy.tests.recording_files import SIMPLE, actilife, agd, awd, depresjon, minutes, read, table

UTC_ZONE = ZoneInfo("UTC")
NOON = minutes("2024-01-10 12:00", 3)


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (awd([1, 2, 3]), "actiwatch_awd"),
        (agd(NOON, [1, 2, 3]), "actigraph_agd"),
        (actilife(["1,2,3,4,5,6,7"]), "actilife_csv"),
        (depresjon(NOON), "depresjon_csv"),
        (depresjon(NOON).decode().encode("utf-16"), "depresjon_csv"),
        (table(["2024-01-10 12:00,1"]), "generic_csv"),
        (b"<?xml version='1.0'?>\n<a/>\n", None),
        (b"PK\x03\x04rest", "actigraph_gt3x"),
        (bytes(range(256)), None),
        (b"", None),
    ],
)
def test_the_format_shows_in_the_first_bytes(data: bytes, name: str | None) -> None:
    assert detect_format(data[:4096]) == name
    assert name is None or name in READERS


@pytest.mark.parametrize(
    ("code", "epoch_s"), [("1", 15), ("2", 30), ("4", 60), ("8", 120), ("20", 300), ("81", 2), ("C1", 5), ("C2", 10)]
)
def test_an_awd_epoch_code_gives_the_epoch(code: str, epoch_s: int) -> None:
    assert read(awd([1, 2, 3], code=code)).epoch_s == epoch_s


def test_an_awd_with_light_and_marker_keeps_both() -> None:
    recording = read(awd(["12 , 3.5", "0 , 0.25 M", "7 , 120"], serial="L123456"))
    assert np.array_equal(recording.activity, [12, 0, 7])
    assert np.array_equal(recording.channels["light"], np.float32([3.5, 0.25, 120]))
    assert np.array_equal(recording.channels["marker"], [0, 1, 0])
    assert recording.device_model == "Actiwatch-L"


def test_an_empty_line_in_an_awd_is_a_missing_epoch_and_trailing_ones_are_nothing() -> None:
    recording = read(awd([1, "", 3, "", "", ""]))
    assert np.array_equal(recording.activity, [1, np.nan, 3], equal_nan=True)


@pytest.mark.parametrize("make", [lambda: awd([1, 2]), lambda: agd(NOON, [1, 2, 3])])
def test_no_reader_carries_the_subject_s_name(make) -> None:
    assert "Jane" not in repr(read(make()))


def test_an_agd_gives_every_axis_and_its_device() -> None:
    recording = read(agd(NOON, [1.0, None, 3.0], axes=3))
    assert set(recording.channels) == {"axis1", "axis2", "axis3"}
    assert np.array_equal(recording.activity, [1, np.nan, 3], equal_nan=True)
    assert (recording.device_model, recording.device_serial, recording.epoch_s) == ("GT3X", "NEO1", 60)
    assert recording.start_s == int(datetime(2024, 1, 10, 11, tzinfo=UTC).timestamp())


def test_an_agd_writes_no_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    data = agd(NOON, [1, 2, 3])
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(builtins, "open", lambda *_, **__: pytest.fail("a file was opened"))
    read(data)
    assert not list(tmp_path.iterdir())


def test_an_agd_left_in_write_ahead_mode_is_read() -> None:
    data = bytearray(agd(NOON, [1, 2, 3]))
    data[18:20] = b"\x02\x02"
    assert len(read(bytes(data))) == 3


def test_an_actilife_export_without_stamps_counts_on_from_its_header() -> None:
    recording = read(actilife(["1,2,3,4,5,60,3.74", "2,0,0,0,0,60,2.00"]))
    assert recording.start_s == int(datetime(2014, 1, 23, 17, tzinfo=UTC).timestamp())
    assert set(recording.channels) == {
        "axis1", "axis2", "axis3", "steps", "light", "inclinometer_off", "vector_magnitude",
    }  # fmt: skip
    assert np.array_equal(recording.channels["vector_magnitude"], np.float32([3.74, 2]))
    assert (recording.device_model, recording.device_serial) == ("GT3XPlus", "NEO1C15110135")


@pytest.mark.parametrize(
    ("order", "date"), [("M/d/yyyy", "1/23/2014"), ("dd/MM/yyyy", "23/01/2014"), ("yyyy-MM-dd", "2014-01-23")]
)
def test_an_actilife_export_is_dated_by_the_order_its_header_states(order: str, date: str) -> None:
    recording = read(actilife(["1,2,3", "4,5,6"], header=None, order=order, date=date))
    assert recording.start_s == int(datetime(2014, 1, 23, 17, tzinfo=UTC).timestamp())
    assert np.array_equal(recording.channels["axis3"], [3, 6])


def test_an_actilife_export_with_stamps_is_placed_by_them() -> None:
    rows = ["1/23/2014,18:00:00,5,1,1", "1/23/2014,18:01:00,6,1,1", "1/23/2014,18:03:00,8,1,1"]
    for header in ("Date,Time,Axis1,Axis2,Axis3", None):
        recording = read(actilife(rows, header=header))
        assert np.array_equal(recording.activity, [5, 6, np.nan, 8], equal_nan=True)
        assert np.array_equal(recording.channels["axis1"], recording.activity, equal_nan=True)
        assert recording.start_s == int(datetime(2014, 1, 23, 17, tzinfo=UTC).timestamp())
        assert recording.device_family == "actigraph"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_encodings_and_line_ends_make_no_difference(encoding: str, newline: str) -> None:
    text = "Zeit;Aktivität;Größe\n" + "".join(f"{stamp};{at};ä\n" for at, stamp in enumerate(NOON)) + "\n\n"
    columns = ColumnMapping(time="zeit", activity="Aktivität")
    recording = read(text.replace("\n", newline).encode(encoding), columns=columns)
    assert np.array_equal(recording.activity, [0, 1, 2])


def test_quotes_decimal_commas_and_empty_cells_are_read() -> None:
    rows = ['"2024-01-10 12:00:00","1,5","a, b"', '"2024-01-10 12:01:00","","c"', '"2024-01-10 12:02:00","3,25","d"']
    recording = read(table(rows, header='"time","activity","note"'), columns=SIMPLE)
    assert np.array_equal(recording.activity, np.float32([1.5, np.nan, 3.25]), equal_nan=True)
    assert [notice.code for notice in recording.notices] == ["missing_values"]


def test_a_table_without_header_is_read_by_column_numbers() -> None:
    data = b"2024-01-10,12:00,5\n2024-01-10,12:01,6\n,,\n"
    recording = read(data, columns=ColumnMapping(date=0, time=1, activity=2, has_header=False))
    assert np.array_equal(recording.activity, [5, 6])


def test_an_identical_line_twice_is_left_out_with_a_notice() -> None:
    recording = read(depresjon([NOON[0], NOON[1], NOON[1], NOON[2]], [1, 2, 2, 3]))
    assert np.array_equal(recording.activity, [1, 2, 3])
    assert [notice.code for notice in recording.notices] == ["duplicate_stamps"]


@pytest.mark.parametrize("size", [1, 2, 3, 16, 97])
def test_where_a_block_ends_makes_no_difference(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "CHUNK_BYTES", size)
    assert np.array_equal(read(depresjon(NOON, [7, 8, 9]).replace(b"\n", b"\r\n")).activity, [7, 8, 9])


def test_a_line_end_cut_in_two_is_one_line_end(monkeypatch: pytest.MonkeyPatch) -> None:
    data = awd([1, "2 M", 3, 4])
    for size in range(len(awd([])), len(data)):  # the header lies in the first block, as it does in a megabyte
        monkeypatch.setattr(text, "CHUNK_BYTES", size)
        assert np.array_equal(read(data).activity, [1, 2, 3, 4])


def test_a_file_in_many_blocks_is_read_as_one() -> None:
    n = 120_000
    recording = read(depresjon(minutes("2023-01-10 12:00", n), (at % 1000 for at in range(n))), tz=UTC_ZONE)
    assert np.array_equal(recording.activity, np.arange(n) % 1000)


def test_a_file_object_that_gives_few_bytes_at_a_time_is_read_whole() -> None:
    class Slow(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:  # type: ignore[override]
            return super().read(min(size, 97) if size and size > 0 else 97)

    recording = read_recording(Slow(depresjon(minutes("2024-01-10 12:00", 500))), tz=UTC_ZONE)
    assert len(recording) == 500


def test_a_depresjon_file_with_a_mapping_follows_the_mapping() -> None:
    columns = ColumnMapping(time="timestamp", activity="activity")
    assert read(depresjon(NOON), columns=columns).format == "generic_csv"


def test_a_table_of_unknown_columns_asks_for_them() -> None:
    with pytest.raises(UnreadableRecording) as refused:
        read(table(["2024-01-10 12:00,1", "2024-01-10 12:01,2"]))
    assert refused.value.code == "column_mapping_needed"
