"""Apple Health exports are read as they were written, or refused by name; asks no database."""

from __future__ import annotations

import io
import random
import struct
import subprocess
import sys
import textwrap
import zipfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from actigraphy.exports import Asked, UnreadableExport, archives, collecting, detect_export, read_export
from actigraphy.exports import apple as reader
from actigraphy.exports.reading import SENTENCES
from actigraphy.streams.sent import Batch
from actigraphy.tests.export_files import DTD, WATCH, health, plainly, record, sleep, zipped
from novamind.limits import LIMITS

ASKED = Asked(0, int(datetime(2026, 6, 1, tzinfo=UTC).timestamp()))
NINE = "2026-02-03 09:00:00 +0100"
AT = int(datetime(2026, 2, 3, 8, tzinfo=UTC).timestamp())


def read(content: bytes) -> Any:
    file = io.BytesIO(content)
    kind = detect_export(file)
    assert kind == "apple_health"
    return read_export(file, kind, ASKED)


def refused(content: bytes) -> str:
    file = io.BytesIO(content)
    with pytest.raises(UnreadableExport) as error:
        read_export(file, detect_export(file) or "apple_health", ASKED)
    assert error.value.detail
    assert "{" not in error.value.detail
    return error.value.code


def samples(batch: Batch, channel: str) -> tuple[list[int], list[float]]:
    parts = [part for (_, name), them in batch.columns.items() if name == channel for part in them]
    return [at for times, _ in parts for at in times.tolist()], [v for _, them in parts for v in them.tolist()]


@pytest.fixture(params=["apple-health-parser_export.xml", "grll_export.xml"])
def sample(request: pytest.FixtureRequest) -> bytes:
    path = Path(__file__).resolve().parents[3] / "shared" / "data" / "exports" / request.param
    if not path.exists():
        pytest.skip("needs ../shared/data/exports")
    return path.read_bytes()


@pytest.mark.data
@pytest.mark.parametrize(
    ("kind", "channel"),
    [("HeartRate", "heart_rate"), ("HeartRateVariabilitySDNN", "hrv_sdnn"), ("OxygenSaturation", "spo2"),
     ("RespiratoryRate", "respiratory_rate")],
)  # fmt: skip
def test_samples_of_real_exports_are_those_a_plain_parser_finds(sample, kind, channel):
    at_s, values = samples(read(sample).batch(), channel)
    expected = plainly(sample, kind)
    assert values == pytest.approx([value for *_, value in expected], rel=1e-6)
    assert at_s == [datetime.strptime(start, "%Y-%m-%d %H:%M:%S %z").timestamp() for start, *_ in expected]


@pytest.mark.data
def test_steps_of_real_exports_have_the_sum_a_plain_parser_finds(sample):
    at_s, values = samples(read(sample).batch(), "steps")
    assert sum(values) == sum(value for *_, value in plainly(sample, "StepCount"))
    assert all(at % 60 == 0 for at in at_s)


@pytest.mark.data
def test_weights_of_real_exports_are_those_a_plain_parser_finds(sample):
    weights = [one.values["kg"] for one in read(sample).batch().points if one.data_type == "weight"]
    assert weights == [value for *_, value in plainly(sample, "BodyMass")]


@pytest.mark.parametrize(
    ("kind", "unit", "value", "channel", "expected"),
    [
        ("HeartRate", "count/min", "61.5", "heart_rate", 61.5),
        ("HeartRate", "count/s", "1", "heart_rate", 60),
        ("OxygenSaturation", "%", "0.97", "spo2", 97),
        ("OxygenSaturation", "%", "97", "spo2", 97),
        ("HeartRateVariabilitySDNN", "ms", "45.31", "hrv_sdnn", 45.31),
        ("RespiratoryRate", "count/min", "14.5", "respiratory_rate", 14.5),
        ("AppleSleepingWristTemperature", "degF", "95", "skin_temperature", 35),
    ],
)
def test_each_unit_becomes_ours(kind, unit, value, channel, expected):
    batch = read(health(record(kind, value, NINE, "", unit))).batch()
    assert samples(batch, channel) == ([AT], [pytest.approx(expected, rel=1e-6)])


@pytest.mark.parametrize(("unit", "value", "kg"), [("kg", 70, 70), ("lb", 154.3236, 70), ("st", 11.0231, 70)])
def test_a_weight_is_in_kilograms(unit, value, kg):
    (point,) = read(health(record("BodyMass", value, NINE, "", unit))).batch().points
    assert point.values["kg"] == pytest.approx(kg, abs=0.001)  # 1 lb = 0.45359237 kg (NIST), 14 lb = 1 st


def test_pressures_of_one_moment_are_one_reading_and_half_a_pair_is_left_out():
    both = [
        record("BloodPressureSystolic", 136, NINE, "", "mmHg"),
        record("BloodPressureDiastolic", 69, NINE, "", "mmHg"),
    ]
    inside = f"<Correlation>{''.join(both)}</Correlation>"  # they stand twice in Apple's own exports
    alone = record("BloodPressureSystolic", 120, "2026-02-04 09:00:00 +0100", "", "mmHg")
    taken = read(health(inside, *both, alone))
    assert [one.values for one in taken.batch().points] == [{"systolic": 136, "diastolic": 69}]
    assert taken.left_out == {("blood_pressure", "half_a_pair"): 1}


def test_steps_are_spread_over_their_minutes_and_those_of_one_minute_added_up():
    first = record("StepCount", 100, "2026-02-03 09:00:30 +0100", "2026-02-03 09:02:30 +0100", "count")
    second = record("StepCount", 7, "2026-02-03 09:02:40 +0100", "2026-02-03 09:02:50 +0100", "count")
    at_s, values = samples(read(health(first, second)).batch(), "steps")
    assert (at_s, values) == ([AT, AT + 60, AT + 120], [25, 50, 32])


def test_steps_of_a_whole_day_in_one_record_are_left_out_by_name():
    day = record("StepCount", 9000, "2026-02-03 00:00:00 +0100", "2026-02-04 00:00:00 +0100", "count")
    taken = read(health(day))
    assert not taken.batch().columns
    assert taken.left_out == {("steps", "too_coarse"): 1}


def test_stages_are_one_session_until_sleep_pauses_for_more_than_an_hour():
    night = read(health(
        sleep("InBed", "2026-02-02 23:00:00 +0100", "2026-02-03 07:00:00 +0100"),
        sleep("AsleepCore", "2026-02-02 23:10:00 +0100", "2026-02-03 01:00:00 +0100"),
        sleep("AsleepDeep", "2026-02-03 01:00:00 +0100", "2026-02-03 02:00:00 +0100"),
        sleep("Awake", "2026-02-03 02:00:00 +0100", "2026-02-03 02:05:00 +0100"),
        sleep("AsleepREM", "2026-02-03 02:05:00 +0100", "2026-02-03 07:00:00 +0100"),
        sleep("Asleep", "2026-02-03 13:00:00 +0100", "2026-02-03 13:30:00 +0100"),
    )).batch().sessions  # fmt: skip
    assert [(one.start.isoformat(), (one.end - one.start)) for one in night] == [
        ("2026-02-02T22:00:00+00:00", timedelta(hours=8)), ("2026-02-03T12:00:00+00:00", timedelta(minutes=30)),
    ]  # fmt: skip
    assert night[0].stages == [
        ["in_bed", 0, 600], ["light", 600, 7200], ["deep", 7200, 10800], ["awake", 10800, 11100], ["rem", 11100, 28800],
    ]  # fmt: skip


def test_whatever_overlaps_stages_follow_each_other_within_their_session():
    draw = random.Random(5)
    start = datetime(2026, 2, 2, 20, tzinfo=UTC)
    records = []
    for _ in range(300):
        first = start + timedelta(seconds=draw.randrange(20 * 3600))
        last = first + timedelta(seconds=draw.randrange(1, 3000))
        stage = draw.choice(list(reader.SLEEP_STAGES)).removeprefix("HKCategoryValueSleepAnalysis")
        records.append(sleep(stage, f"{first:%Y-%m-%d %H:%M:%S} +0000", f"{last:%Y-%m-%d %H:%M:%S} +0000"))
    sessions = read(health(*records)).batch().sessions
    assert sessions == read(health(*draw.sample(records, len(records)))).batch().sessions
    for one in sessions:
        edges = [edge for _, first, last in one.stages for edge in (first, last)]
        assert edges == sorted(edges)
        assert edges[0] == 0
        assert edges[-1] == (one.end - one.start).total_seconds()


def test_the_device_is_told_by_the_record_and_its_name_kept_on_one_line():
    said = [("", "watch", WATCH), ("&lt;&lt;HKDevice&gt;&gt;, name:iPhone", "phone", "iPhone von Jörg"),
            ("", "ring", "Oura"), ("", "", "Spring monitoring")]  # fmt: skip
    batch = read(health(*(record("HeartRate", 60, NINE, sourceName=name, device=device) for device, _, name in said)))
    assert [(sender.source, sender.device_id) for sender, _ in batch.batch().columns] == [
        ("watch", "Ada's Apple Watch"), ("phone", "iPhone von Jörg"), ("ring", "Oura"), ("", "Spring monitoring"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"startDate": "2026-02-03 09:00:00"}, "wrong_time"),
        ({"startDate": "2026-02-30 09:00:00 +0100"}, "wrong_time"),
        ({"startDate": "03/02/2026 09:00"}, "wrong_time"),
        ({"startDate": "2026-02-03 09:00:00 +2500"}, "wrong_time"),
        ({"startDate": "2096-02-03 09:00:00 +0100", "endDate": "2096-02-03 09:00:00 +0100"}, "in_the_future"),
        ({"startDate": "1966-02-03 09:00:00 +0100"}, "before_birth"),
        ({"startDate": "0001-01-01 00:00:00 +1400"}, "before_birth"),
        ({"value": "60,5"}, "not_a_number"),
        ({"value": ""}, "not_a_number"),
        ({"value": "nan"}, "implausible_value"),
        ({"value": "1e400"}, "implausible_value"),
        ({"unit": "beats"}, "unknown_unit"),
    ],
)
def test_a_record_that_cannot_be_true_is_left_out_by_name_and_the_others_are_kept(changed, reason):
    taken = read(health(record("HeartRate", 60, NINE, **changed), record("HeartRate", 61, NINE)))
    assert dict(taken.left_out) == {("heart_rate", reason): 1}
    assert samples(taken.batch(), "heart_rate") == ([AT], [61])


def test_steps_without_a_number_are_left_out():
    taken = read(health(*(record("StepCount", said, NINE, "", "count") for said in ("nan", "inf", "-1", "9e99"))))
    assert dict(taken.left_out) == {("steps", "implausible_value"): 4}


def test_a_zip_is_read_by_its_content_in_any_language():
    assert samples(read(zipped(health(record("HeartRate", 60, NINE)))).batch(), "heart_rate") == ([AT], [60])


@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16", "ISO-8859-1"])
def test_an_encoding_that_is_stated_is_read(encoding):
    content = health(record("HeartRate", 60, NINE, sourceName="Zoë"), encoding=encoding)
    ((sender, _),) = read(content).batch().columns
    assert sender.device_id == "Zoë"


LAUGHS = '<!DOCTYPE HealthData [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
OUTSIDE = '<!DOCTYPE HealthData [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
PARAMETER = '<!DOCTYPE HealthData [<!ENTITY % a SYSTEM "http://localhost/a">%a;]>'
UNPARSED = '<!DOCTYPE HealthData [<!NOTATION n SYSTEM "n"><!ENTITY a SYSTEM "a" NDATA n>]>'


@pytest.mark.parametrize("dtd", [LAUGHS, OUTSIDE, PARAMETER, UNPARSED])
def test_a_file_that_declares_an_entity_is_refused(dtd):
    assert refused(health(record("HeartRate", 60, NINE), dtd=dtd)) == "declares_entities"


def test_an_outer_dtd_is_not_fetched_and_a_default_of_a_dtd_stands_for_nothing(monkeypatch):
    monkeypatch.setattr("socket.socket.connect", lambda *_: pytest.fail("asked for something outside"))
    dtd = ('<!DOCTYPE HealthData SYSTEM "http://localhost/a.dtd" [<!ATTLIST Record value CDATA "99" '
           'unit CDATA "count/min">]>')  # fmt: skip
    bare = f'<Record type="HKQuantityTypeIdentifierHeartRate" startDate="{NINE}" endDate="{NINE}"/>'
    taken = read(health(bare, dtd=dtd))
    assert dict(taken.left_out) == {("heart_rate", "not_a_number"): 1}


def nested(levels: int) -> bytes:
    return health("<a>" * (levels - 1) + "</a>" * (levels - 1))


def test_each_hostile_shape_is_refused_by_its_name():
    long = "x" * (LIMITS["export_piece"].value * 1024 * 2)
    assert refused(health(f'<Record type="{long}"/>')) == "piece_too_long"
    assert refused(health(f"<!-- {long} -->")) == "piece_too_long"
    assert refused(health(dtd=DTD.replace("]>", f"<!-- {long} -->]>"))) == "piece_too_long"
    assert (
        refused(health(dtd=DTD.replace("]>", "<!ATTLIST Record a CDATA #IMPLIED>\n" * 60_000 + "]>")))
        == "piece_too_long"
    )
    assert refused(nested(LIMITS["export_depth"].value + 1)) == "too_deep"
    assert refused(health(*(f"<e{n}/>" for n in range(LIMITS["export_names"].value + 1)))) == "too_many_names"
    devices = (record("HeartRate", 60, NINE, sourceName=f"watch {n}") for n in range(LIMITS["export_names"].value + 1))
    assert refused(health(*devices)) == "too_many_names"
    assert refused(health()[:-30]) == "damaged_export"
    assert refused(health(encoding="UTF-8").replace(b'"UTF-8"', b'"UTF-77"', 1)) == "damaged_export"
    assert refused(b'<?xml version="1.0"?><!DOCTYPE HealthData><Other/>') == "not_an_export"


def test_a_bomb_in_a_zip_is_not_unpacked():
    spaces = health(" " * 30_000_000)
    assert refused(zipped(spaces)) == "archive_too_large"


def test_a_zip_whose_directory_is_vast_or_of_the_64_bit_form_is_not_even_listed():
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, (LIMITS["export_directory"].value << 20) + 1, 4, 0)
    assert refused(b"PK\x03\x04" + end) == "archive_too_large"
    assert (
        refused(b"PK\x03\x04" + b"PK\x06\x07" + bytes(16) + end.replace(b"\x01\x00\x40\x00", bytes(4)))
        == "archive_too_large"
    )


def test_the_directory_of_a_zip_is_read_once(monkeypatch):
    true, read_directories = zipfile.ZipFile._RealGetContents, []
    monkeypatch.setattr(zipfile.ZipFile, "_RealGetContents", lambda one: (read_directories.append(one), true(one)))
    others = {f"a{n}.xml": b"<other/>" for n in range(10)}
    file = io.BytesIO(zipped(health(record("HeartRate", 60, NINE)), "z.xml", **others))
    read_directories.clear()  # what was written
    assert detect_export(file) == "apple_health"
    assert len(read_directories) == 1
    assert samples(read_export(file, "apple_health", ASKED).batch(), "heart_rate") == ([AT], [60])
    assert len(read_directories) == 2


@pytest.mark.parametrize("told", ["as it is", "as one"])
def test_a_zip_that_lists_more_than_an_export_does_is_refused(monkeypatch, told):
    monkeypatch.setattr(archives, "LIMITS", LIMITS | {"export_entries": replace(LIMITS["export_entries"], value=4)})
    content = bytearray(zipped(health(record("HeartRate", 60, NINE)), a=b""))
    assert read(bytes(content))
    content = bytearray(zipped(health(record("HeartRate", 60, NINE)), a=b"", b=b""))
    if told == "as one":
        content[-12:-10] = struct.pack("<H", 1)
    with pytest.raises(UnreadableExport) as error:
        detect_export(io.BytesIO(content))
    assert error.value.code == "archive_too_large"


def test_a_zip_without_an_export_is_none():
    other = io.BytesIO()
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("info.txt", "Serial Number: NEO1\n")
    for content in (other.getvalue(), b"PK\x03\x04 and nothing more", b"", b"time,activity\n1,2\n", b"\x00\x01"):
        assert detect_export(io.BytesIO(content)) is None


def test_a_zip_that_is_damaged_within_is_refused():
    records = [record("HeartRate", 60 + n % 40, NINE, sourceName=f"w{n % 50} {n * 7919 % 9973}") for n in range(900)]
    content = bytearray(zipped(health(*records)))
    middle = len(content) // 2
    content[middle : middle + 40] = bytes(40)
    assert refused(bytes(content)) in {"damaged_export", "archive_refused"}


@pytest.mark.parametrize("seed", range(6))
def test_whatever_is_changed_in_an_export_only_a_named_error_escapes(seed):
    draw = random.Random(seed)
    good = health(
        *(record("HeartRate", 60 + n, NINE) for n in range(20)),
        record("StepCount", 30, NINE, "2026-02-03 09:05:00 +0100", "count"),
        sleep("AsleepREM", NINE, "2026-02-03 09:30:00 +0100"), record("BodyMass", 70, NINE, "", "kg"),
    )  # fmt: skip
    codes = set()
    for base in (good, zipped(good), good.decode().encode("utf-16")):
        for _ in range(150):
            content = bytearray(base)
            for _ in range(draw.randrange(1, 6)):
                at = draw.randrange(len(content))
                change = draw.choice(
                    [bytes([draw.randrange(256)]), b"", b"<", b'"', b"&", b"]>", b"9" * 30, b"\x00" * 9]
                )
                content[at : at + draw.randrange(1, 9)] = change
            file = io.BytesIO(bytes(content))
            try:
                kind = detect_export(file)
                if kind:
                    read_export(file, kind, ASKED).batch()
            except UnreadableExport as error:
                codes.add(error.code)
    assert codes
    assert codes <= set(SENTENCES)


def test_memory_does_not_grow_with_what_is_not_kept():
    """Sixty megabytes of records of which nothing is kept, in a process of its own that says its own peak."""
    script = """
        import resource
        from actigraphy.exports import Asked, Collected
        from actigraphy.exports.apple import read_apple
        class File:
            left = 60 << 20
            head = b"<HealthData>"
            def read(self, n):
                if self.head:
                    head, self.head = self.head, b""
                    return head
                if self.left <= 0:
                    return b""
                piece = b'<Record type="HKQuantityTypeIdentifierVO2Max" value="1"/>' * (n // 56)
                self.left -= len(piece)
                return piece if self.left > 0 else piece + b"</HealthData>"
        asked, taken = Asked(0, 2**33), Collected(0, 2**33)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        read_apple(File(), asked, taken)
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 8 * 1024  # kB


def test_what_is_gathered_of_steps_is_added_up_as_it_comes(monkeypatch):
    monkeypatch.setattr("actigraphy.exports.collecting._WAITING", 50)
    records = [record("StepCount", 3, NINE, "2026-02-03 09:10:00 +0100", "count") for _ in range(40)]
    at_s, values = samples(read(health(*records)).batch(), "steps")
    assert len(at_s) == 10
    assert sum(values) == 120
    assert np.all(np.diff(at_s) == 60)


def minutes_apart(n: int, **more: str) -> list[str]:
    """Records of steps, each of a minute of its own."""
    first = datetime(2026, 2, 3, 8, tzinfo=UTC)
    stamps = [f"{first + timedelta(minutes=k):%Y-%m-%d %H:%M:%S} +0000" for k in range(n)]
    return [record("StepCount", 3, stamp, stamp, "count", **more) for stamp in stamps]


def test_steps_of_ever_new_minutes_are_added_up_only_when_they_have_doubled(monkeypatch):
    true, lengths = collecting._added_up, []

    def counted(minutes: Any, counts: Any) -> Any:
        lengths.append(len(minutes))
        return true(minutes, counts)

    monkeypatch.setattr(collecting, "_WAITING", 50)
    monkeypatch.setattr(collecting, "_added_up", counted)
    at_s, _ = samples(read(health(*minutes_apart(1000))).batch(), "steps")
    assert len(at_s) == 1000
    assert lengths == [50, 100, 200, 400, 800, 1000, 1000]  # the last two: at the end, and as a batch


@pytest.mark.parametrize("devices", [1, 20])
def test_more_minutes_than_an_export_may_have_are_refused_over_all_devices(monkeypatch, devices):
    monkeypatch.setattr(collecting, "_WAITING", 50)
    monkeypatch.setattr(collecting, "LIMITS", LIMITS | {"export_samples": replace(LIMITS["export_samples"], value=100)})
    per_device = 100 // devices

    def sent(more: int) -> bytes:
        return health(*(one for k in range(devices) for one in minutes_apart(per_device + more, sourceName=f"w {k}")))

    assert len(samples(read(sent(0)).batch(), "steps")[0]) == 100
    assert refused(sent(1)) == "too_many_entries"
    assert refused(health(*minutes_apart(101), *minutes_apart(101))) == "too_many_entries"
    assert len(samples(read(health(*minutes_apart(90) * 9)).batch(), "steps")[0]) == 90
