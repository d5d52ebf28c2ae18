"""Files that are no recordings, or damaged ones: each is refused with a sentence, none by a crash."""

from __future__ import annotations

import gzip
import io
import re
import sqlite3
import struct
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from actigraphy.readers import ColumnMapping, Limits, UnreadableRecording, read_recording
from actigraphy.readers.reading import SENTENCES
from actigraphy.tests.recording_files import SIMPLE, TICKS, actilife, agd, awd, depresjon, minutes, read, table

NOON = minutes("2024-01-10 12:00", 4)
T = [f"2024-01-10 12:0{at}" for at in range(6)]
HEADER = b"timestamp,date,activity\n"
ROW = b"2024-01-10 12:00,2024-01-10,1\n"
LONG_AGO = minutes("2014-01-10 12:00", 2)
HALF_A_UNIT = b"\xff\xfe" + HEADER.decode().encode("utf-16-le") + b"\x00"
LAST_TICK = f"UPDATE data SET dataTimestamp = {2**63 - 1}"


def refusal(data: bytes, **kwargs: object) -> UnreadableRecording:
    with pytest.raises(UnreadableRecording) as refused:
        read(data, **kwargs)  # type: ignore[arg-type]
    error = refused.value
    assert error.detail.endswith(".")
    assert not re.search(r"[{}]|None|Error|Traceback|ndarray|int\(|float|string|NaN|b'", error.detail), error.detail
    return error


def zipped() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("a.csv", depresjon(NOON))
    return target.getvalue()


def bomb(name: str, entries: int = 2_000) -> bytes:
    """Half a megabyte that unpacks to 125 GB: every entry of its directory is the same 64 MB of zeros."""
    squeezed = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = squeezed.compress(bytes(64 << 20)) + squeezed.flush()
    checksum, title = zlib.crc32(bytes(64 << 20)), name.encode()
    sizes = struct.pack("<LLLHH", checksum, len(packed), 64 << 20, len(title), 0)
    local = struct.pack("<4s5H", b"PK\x03\x04", 20, 0, 8, 0, 33) + sizes + title + packed
    entry = struct.pack("<4s6H", b"PK\x01\x02", 20, 20, 0, 8, 0, 33) + sizes + bytes(12) + b"\0\0" + title
    assert len(entry) == 46 + len(title)
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, entries, entries, entries * len(entry), len(local), 0)
    return local + entry * entries + end


@pytest.mark.parametrize("name", ["log.bin", "info.txt"])
def test_a_bomb_is_refused_and_nothing_of_it_unpacked(name: str) -> None:
    """A GT3X is a zip of log.bin and info.txt, which says itself how far it unpacks."""
    data = bomb(name)
    with zipfile.ZipFile(io.BytesIO(data)) as whole:
        assert sum(entry.file_size for entry in whole.infolist()) > 100 * 2**30
        with whole.open(whole.infolist()[1999]) as last:
            assert last.read(10) == bytes(10)  # a real one
    tracemalloc.start()
    try:
        refused = refusal(data, filename="MOS2A.gt3x")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert refused.code == "archive_too_large"
    assert peak < 8 * len(data)  # its directory of 2,000 names


def with_sql(*statements: str) -> bytes:
    return agd(NOON, [1, 2, 3, 4], sql=statements)


@pytest.mark.parametrize(
    ("data", "code", "line"),
    [
        pytest.param(b"", "empty_file", None, id="nothing"),
        pytest.param(b"\n\n  \n", "unknown_format", None, id="blank lines"),
        pytest.param(b"hello world\nthis is no recording\n", "unknown_format", None, id="prose"),
        pytest.param(HEADER, "too_short", None, id="header only"),
        pytest.param(depresjon(NOON[:1]), "too_short", None, id="one row"),
        pytest.param(zipped(), "archive_refused", None, id="zip"),
        pytest.param(gzip.compress(depresjon(NOON)), "archive_refused", None, id="gzip"),
        pytest.param(depresjon(NOON, [1, -2, 3, 4]), "negative_counts", 3, id="negative"),
        pytest.param(depresjon(NOON, [1, 2, "many", 4]), "not_a_number", 4, id="text for a number"),
        pytest.param(depresjon(NOON, [1, 2, "inf", 4]), "not_a_number", 4, id="infinite"),
        pytest.param(depresjon(NOON, [1, 2, "1.2.3", 4]), "not_a_number", 4, id="two points"),
        pytest.param(depresjon(NOON, [1, "1_0", 3, 4]), "not_a_number", 3, id="underscore"),
        pytest.param(depresjon(NOON, [1, 2, "9" * 40, 4]), "impossible_value", 4, id="forty digits"),
        pytest.param(depresjon(NOON, [1, "1e999", 3, 4]), "impossible_value", 3, id="beyond floating point"),
        pytest.param(depresjon(NOON, ["nan"] * 4), "no_values", None, id="only missing values"),
        pytest.param(depresjon([T[0], "soon", T[2], T[3]]), "no_timestamps", 3, id="a word for a time"),
        pytest.param(depresjon([T[0], "2024-02-30 12:00", T[2]]), "impossible_date", 3, id="30 February"),
        pytest.param(depresjon([T[0], "2023-02-29 12:00", T[2]]), "impossible_date", 3, id="29 February"),
        pytest.param(depresjon([T[0], "2024-01-10 25:00", T[2]]), "impossible_date", 3, id="25 o'clock"),
        pytest.param(depresjon(["0001-01-01 00:00", "0001-01-01 00:01"]), "impossible_date", 2, id="year 1"),
        pytest.param(depresjon(["9999-12-31 23:58", "9999-12-31 23:59"]), "impossible_date", 2, id="year 9999"),
        pytest.param(depresjon(minutes("2090-01-10 12:00", 4)), "in_the_future", None, id="future"),
        pytest.param(depresjon([*NOON, *LONG_AGO]), "unordered_timestamps", 6, id="ten years back"),
        pytest.param(depresjon([*LONG_AGO, *NOON]), "gap_too_long", 4, id="ten-year gap"),
        pytest.param(depresjon(T[::-1]), "unordered_timestamps", 3, id="backwards"),
        pytest.param(depresjon([T[0], T[1], T[1], T[2]], [1, 2, 3, 4]), "duplicate_timestamps", 4, id="duplicate"),
        pytest.param(
            depresjon([f"2024-01-10 12:{at}" for at in ("00:00", "00:17", "01:03", "01:59", "03:01")]),
            "irregular_timestamps", 3, id="uneven"),
        pytest.param(depresjon(minutes("2024-01-10 12:00", 5, 7200)), "epoch_unsupported", None, id="two-hour epochs"),
        pytest.param(depresjon(minutes("2021-01-10 12:00", 10_000, 3600)), "too_long", None, id="417 days"),
        pytest.param(HEADER + ROW + b"2024-01-10 12:01,2024\n", "wrong_columns", 3, id="ragged"),
        pytest.param(HEADER + ROW + b"2024-01-10 12:01,2024", "truncated", 3, id="cut off"),
        pytest.param(HEADER + b"2024-01-10 12:00,2024-01-10,1,2\n", "wrong_columns", 2, id="a cell too many"),
        pytest.param(HEADER + b"x" * 70_000 + b",,\n", "line_too_long", 2, id="long line"),
        pytest.param(HEADER + b"x" * 3_000_000, "line_too_long", 2, id="endless line"),
        pytest.param(HEADER + b"x" * 500 + b",,1\n", "wrong_columns", 2, id="long cell"),
        pytest.param(HEADER + b"2024-01-10 12:00,2024-01-10,1\x00\n", "not_text", None, id="NUL"),
        pytest.param(HALF_A_UNIT, "not_text", None, id="half a UTF-16 unit"),
        pytest.param(awd([]), "truncated", None, id="AWD header only"),
        pytest.param(b"\r\n".join(awd([]).split(b"\r\n")[:5]), "truncated", None, id="AWD in the header"),
        pytest.param(awd([1, 2], code="7"), "epoch_unsupported", 4, id="AWD epoch code"),
        pytest.param(awd([1, 2], date="31-Feb-2018"), "impossible_date", 2, id="AWD date"),
        pytest.param(awd([1, 2], date="31-Foo-2018"), "impossible_date", 2, id="AWD month"),
        pytest.param(awd([1, "M", "x", 4]), "not_a_number", 10, id="AWD text"),
        pytest.param(awd([1, -5, 4]), "negative_counts", 9, id="AWD negative"),
        pytest.param(awd(["1 , 2", "3"]), "wrong_columns", 9, id="AWD column lost"),
        pytest.param(awd(["1 , 2", "3 , 4"]) + b"0", "truncated", 10, id="AWD cut off in a line"),
        pytest.param(awd([""] * 50), "too_short", None, id="AWD blank"),
        pytest.param(actilife([]), "truncated", None, id="ActiLife names only"),
        pytest.param(actilife([], header=None), "truncated", None, id="ActiLife header only"),
        pytest.param(actilife(["1", "2"], header="Axis1", epoch="00:00:00"), "raw_not_supported", None, id="raw"),
        pytest.param(actilife(["1", "2"], header="Axis1", epoch="99:00:00"), "epoch_unsupported", None, id="99 hours"),
        pytest.param(actilife(["1", "2"], header="Axis1", date="23/23/2014"), "impossible_date", 4, id="ActiLife date"),
        pytest.param(actilife(["1", "2"], header="Axis1", date="soon"), "damaged_header", None, id="ActiLife no date"),
        pytest.param(actilife(["1,2", "-2,3"], header="Axis1,Steps"), "negative_counts", 13, id="ActiLife negative"),
        pytest.param(actilife(["1,2", "2"], header="Axis1,Steps"), "wrong_columns", 13, id="ActiLife ragged"),
        pytest.param(agd([], []), "too_short", None, id="agd empty"),
        pytest.param(agd(NOON, [1, -2, 3, 4]), "negative_counts", 2, id="agd negative"),
        pytest.param(agd(NOON, [1, "two", 3, 4]), "not_a_number", None, id="agd text"),
        pytest.param(agd(NOON, [1, b"2", 3, 4]), "not_a_number", None, id="agd blob"),
        pytest.param(agd(NOON, [1, 1e300, 3, 4]), "impossible_value", 2, id="agd huge"),
        pytest.param(agd(NOON, [1, 2, 3, 4], epoch="ten"), "damaged_database", None, id="agd epoch text"),
        pytest.param(agd(NOON, [1, 2, 3, 4], epoch="0"), "epoch_unsupported", None, id="agd epoch 0"),
        pytest.param(agd(NOON, [1, 2, 3, 4], epoch="7"), "irregular_timestamps", 2, id="agd epoch against stamps"),
        pytest.param(agd(NOON, [1, 2, 3, 4])[:5000], "damaged_database", None, id="agd cut off"),
        pytest.param(b"SQLite format 3\x00", "damaged_database", None, id="agd head only"),
        pytest.param(with_sql("DROP TABLE data"), "damaged_database", None, id="agd without data"),
        pytest.param(with_sql("UPDATE data SET dataTimestamp = 'x'"), "no_timestamps", None, id="agd stamp text"),
        pytest.param(with_sql("UPDATE data SET dataTimestamp = NULL"), "no_timestamps", None, id="agd no stamp"),
        pytest.param(with_sql(LAST_TICK), "impossible_date", None, id="agd last tick"),
    ],
)  # fmt: skip
def test_a_bad_file_is_refused_with_its_reason_and_line(data: bytes, code: str, line: int | None) -> None:
    error = refusal(data, filename="a.csv")
    assert (error.code, error.line) == (code, line)


@pytest.mark.parametrize(
    ("name", "code"),
    [("a.csv", "not_text"), ("a.AWD", "not_text"), ("a.agd", "damaged_database"), ("a", "unknown_format")],
)
def test_binary_junk_is_refused_by_what_its_name_promised(name: str, code: str) -> None:
    assert refusal(bytes(range(256)) * 50, filename=name).code == code


def test_an_endless_view_in_the_place_of_a_table_is_refused() -> None:
    endless = (
        "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x AS dataTimestamp, x AS axis1 FROM n"
    )
    error = refusal(with_sql("DROP TABLE data", f"CREATE VIEW data AS {endless}"))
    assert error.code == "damaged_database"


@pytest.mark.parametrize(
    "written", ["CREATE VIRTUAL", "CREATE virtual", f"CREATE /* {'x' * 60} */ VIRTUAL", "CREATE --\n\tVIRTUAL"]
)
@pytest.mark.parametrize("root_page", [0, 2])
def test_a_virtual_table_is_refused_however_its_statement_is_written(written: str, root_page: int) -> None:
    table = "TABLE data USING rtree_i32(dataTimestamp, axis1, axis2)"
    data = with_sql(
        "DROP TABLE data",
        f"CREATE VIRTUAL {table}",
        *[f"INSERT INTO data VALUES ({TICKS + minute * 600_000_000}, 1, 1)" for minute in range(4)],
        "PRAGMA writable_schema = ON",
        f"UPDATE sqlite_master SET sql = '{written} {table}', rootpage = {root_page} WHERE name = 'data'",
    )
    assert refusal(data).code == "damaged_database"


@pytest.mark.parametrize("expression", ["length(zeroblob(900000000))", "dataTimestamp % 7"])
def test_a_generated_column_is_never_computed(expression: str) -> None:
    ticks = [TICKS + round((stamp - datetime(1970, 1, 1)).total_seconds()) * 10_000_000 for stamp in NOON]
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute("CREATE TABLE settings (settingName, settingValue)")
        database.execute("INSERT INTO settings VALUES ('epochlength', '60')")
        database.execute(f"CREATE TABLE data (dataTimestamp INTEGER, axis1 AS ({expression}))")
        database.executemany("INSERT INTO data VALUES (?)", [(tick,) for tick in ticks])
        database.commit()
        data = bytes(database.serialize())
    assert refusal(data).code == "damaged_database"


@pytest.mark.parametrize(
    "columns",
    [
        ColumnMapping(time="when", activity="activity"),
        ColumnMapping(time="time", activity=9),
        ColumnMapping(time="time", activity="activity", delimiter="\n"),
        ColumnMapping(time="time", activity="activity", channels={"light": "lux"}),
    ],
)
def test_a_mapping_that_does_not_fit_the_file_is_said_so(columns: ColumnMapping) -> None:
    assert refusal(table([f"{T[0]},1", f"{T[1]},2"]), columns=columns).code == "column_mapping_needed"


def test_a_channel_cannot_take_the_name_of_the_activity() -> None:
    with pytest.raises(ValueError, match="activity"):
        ColumnMapping(time="time", activity="a", channels={"activity": "b"})


def test_stamps_with_and_without_offset_are_not_mixed() -> None:
    error = refusal(table([f"{T[0]}Z,1", f"{T[1]},2"]), columns=SIMPLE)
    assert (error.code, error.line) == ("mixed_offsets", 3)


def test_257_columns_are_too_many() -> None:
    wide = table([",".join(["1"] * 257)], header=",".join(["time", "activity", *["x"] * 255]))
    assert refusal(wide, columns=SIMPLE).code == "too_many_columns"
    assert refusal(actilife([], header=",".join(["Axis1"] * 257))).code == "too_many_columns"


def test_a_file_above_the_limit_is_refused_before_it_is_read() -> None:
    class TwoGigabytes(io.RawIOBase):
        def seek(self, offset: int, whence: int = 0) -> int:
            return 2_000_000_000 if whence == io.SEEK_END else 0

        def read(self, size: int = -1) -> bytes:
            pytest.fail("it was read")

    with pytest.raises(UnreadableRecording) as refused:
        read_recording(TwoGigabytes(), tz=ZoneInfo("UTC"))  # type: ignore[arg-type]
    assert refused.value.code == "file_too_large"
    assert "50 MB" in refused.value.detail


def test_an_endless_line_is_given_up_early() -> None:
    file = io.BytesIO(HEADER + b"x" * 20_000_000)
    with pytest.raises(UnreadableRecording) as refused:
        read_recording(file, tz=ZoneInfo("UTC"))
    assert (refused.value.code, refused.value.line) == ("line_too_long", 2)
    assert file.tell() < 3_000_000


def test_few_lines_cannot_ask_for_a_huge_grid() -> None:
    lines = [f"2023-{month:02}-01 00:00:{second:02}" for month in range(1, 13) for second in range(20)]
    lines += [f"2024-{month:02}-01 00:00:{second:02}" for month in range(1, 2) for second in range(20)]
    assert refusal(depresjon(lines)).code in {"gap_too_long", "too_long"}
    small = Limits(max_samples=1000)
    assert refusal(depresjon(minutes("2024-01-01 00:00", 1001)), limits=small).code == "too_long"
    assert refusal(awd([1] * 1001), limits=small).code == "too_long"
    assert refusal(actilife(["1"] * 1001, header="Axis1"), limits=small).code == "too_long"
    assert refusal(agd(minutes("2024-01-01 00:00", 1001), [1] * 1001), limits=small).code == "too_long"


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: HEADER + b"2024-01-10 12:00,2024-01-10,1\n" * 660_000, id="the same row"),
        pytest.param(lambda: HEADER + b"\n" * 20_000_000, id="newlines"),
        pytest.param(lambda: HEADER + b",,\n" * 6_600_000, id="empty rows"),
        pytest.param(lambda: awd([]) + b"1\r\n" * 6_600_000, id="AWD of years"),
        pytest.param(lambda: HEADER + b'"' * 60_000 + b"\n" + b"1,1,1\n" * 3_000_000, id="quotes"),
    ],
)
def test_twenty_megabytes_of_nonsense_take_little_memory(make: Callable[[], bytes]) -> None:
    file = io.BytesIO(make())
    tracemalloc.start()
    try:
        with pytest.raises(UnreadableRecording):
            read_recording(file, tz=ZoneInfo("UTC"))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 150_000_000


@pytest.mark.parametrize("code", SENTENCES)
def test_every_reason_is_a_sentence_a_nurse_understands(code: str) -> None:
    facts = {"limit_mb": 50, "limit_kb": 64, "limit": "400 days", "limit_days": 30, "rates": "30, 40"}
    detail = UnreadableRecording(code, line=7, **facts).detail
    assert re.match(r"[A-Z].+\. See line 7\.$", detail)
    assert not re.search(r"[{}_]|NaN|null|parse|byte|string|index|array|exception|invalid", detail)
