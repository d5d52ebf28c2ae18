"""Actiware's export in three languages, MotionWatch, ActTrust, Daqtometer: on files built here and on real ones."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from actigraphy.analysis import analyze
from actigraphy.readers import Limits, UnreadableRecording, detect_format, read_recording
from actigraphy.readers import actiware as actiware_reader
from actigraphy.tests.recording_files import (
    ENGLISH,
    FRENCH,
    GERMAN,
    actiware,
    acttrust,
    daqtometer,
    minutes,
    motionwatch,
    read,
)
from novamind.measures import Abstained

NOON = minutes("2024-07-10 12:00", 3)
IN_ENGLISH = [
    '"1","20/07/2024","12:00:00","0","7","0","1.50","NaN","ACTIVE",',
    '"2","20/07/2024","12:01:00","1","NaN","0","2.25","0","EXCLUDED",',
    '"3","20/07/2024","12:02:00","0","12","1","0.00","1","ACTIVE"',
]
IN_FRENCH = [
    f'"{n}","{60 * n}","10/07/2024","12:0{n}:00","{count}","0","1.50","NAN","ACTIVITÉ",'
    for n, count in enumerate((7, 0, 12))
]
IN_GERMAN = [
    '1,10.07.2024,12:00:00,0,7,0,"184,25",kZ', '2,10.07.2024,12:01:00,1,kZ,0,"6117,08",kZ',
    '3,10.07.2024,12:02:00,0,12,1,"0,00",1',
]  # fmt: skip


def refused(data: bytes, **kwargs: object) -> str:
    with pytest.raises(UnreadableRecording) as error:
        read(data, **kwargs)  # type: ignore[arg-type]
    return error.value.code


@pytest.mark.parametrize(
    ("words", "rows", "counts", "light"),
    [
        (ENGLISH, IN_ENGLISH, [7, np.nan, 12], [1.5, 2.25, 0]),
        (FRENCH, IN_FRENCH, [7, 0, 12], [1.5, 1.5, 1.5]),
        (GERMAN, IN_GERMAN, [7, np.nan, 12], [184.25, 6117.08, 0]),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "utf-16"])
def test_actiware_is_read_in_its_languages(words, rows, counts, light, encoding) -> None:
    text = actiware(rows, words=words).decode()
    data = text.encode("utf-8") if encoding == "utf-8" else text.removeprefix("\ufeff").encode(encoding)
    recording = read(data)
    assert (recording.format, recording.device_family, recording.device_model) == (
        "actiware_csv", "actiwatch", "Actiwatch 2",
    )  # fmt: skip
    assert recording.device_serial == "A1234"
    assert recording.epoch_s == 60
    day = 20 if words is ENGLISH else 10  # the 10th of the 7th could be American, in English alone
    assert datetime.fromtimestamp(recording.start_s, UTC) == datetime(2024, 7, day, 10, tzinfo=UTC)  # noon in Oslo
    np.testing.assert_array_equal(recording.activity, np.float32(counts))
    np.testing.assert_array_equal(recording.channels["light"], np.float32(light))


@pytest.mark.parametrize(("words", "rows"), [(ENGLISH, IN_ENGLISH), (GERMAN, IN_GERMAN)])
def test_what_the_watch_felt_of_the_wrist_is_kept(words, rows) -> None:
    assert read(actiware(rows, words=words)).channels["off_wrist"].tolist() == [0, 1, 0]


def test_the_watch_that_felt_no_wrist_is_believed() -> None:
    stamps = minutes("2024-07-10 12:00", 3 * 1440)
    counts = np.random.default_rng(7).integers(20, 400, len(stamps))
    rows = [
        f'"{n}","{at:%d/%m/%Y}","{at:%H:%M:%S}","{int(600 <= n < 700)}","{counts[n]}","0","1","1","ACTIVE",'
        for n, at in enumerate(stamps)
    ]
    analyzed = analyze(read(actiware(rows)))
    assert not analyzed.rest.worn[600:700].any()
    assert analyzed.rest.worn[700:800].all()
    elsewhere = [row.replace('"1","' + str(counts[n]), '"0","' + str(counts[n])) for n, row in enumerate(rows)]
    assert analyze(read(actiware(elsewhere))).input_hash != analyzed.input_hash


def test_an_american_watch_puts_the_month_first_and_one_day_alone_is_ambiguous() -> None:
    american = [row.replace("20/07/2024", "07/20/2024") for row in IN_ENGLISH]
    assert read(actiware(american)).start_s == read(actiware(IN_ENGLISH)).start_s
    assert refused(actiware([row.replace("20/07/2024", "10/07/2024") for row in IN_ENGLISH])) == "ambiguous_dates"


def test_the_list_of_markers_is_not_taken_for_the_epochs() -> None:
    assert len(read(actiware(IN_ENGLISH))) == 3


def test_an_actiware_file_that_ends_before_its_epochs_is_refused() -> None:
    assert refused(actiware([], names='"Line","Date","Time"')) == "truncated"
    assert refused(actiware(IN_ENGLISH, epoch="soon")) == "damaged_header"
    assert refused(actiware([*IN_ENGLISH[:2], '"3","20/07/2024"'])) in {"truncated", "wrong_columns"}


def test_an_acttrust_is_read_by_its_integral_mode() -> None:
    recording = read(acttrust(NOON, [1851, 2683, 5260]))
    assert (recording.format, recording.device_model, recording.device_serial) == ("acttrust_txt", "ActTrust2", "77")
    assert recording.activity.tolist() == [1851, 2683, 5260]
    assert recording.channels["temperature"].tolist() == [31.5] * 3
    assert recording.channels["marker"].tolist() == [1] * 3
    assert recording.start_s == int(datetime(2024, 7, 10, 10, tzinfo=UTC).timestamp())
    assert refused(acttrust(NOON, [1, 2, 3], interval="")) == "damaged_header"


@pytest.mark.parametrize(("zone", "hour", "evidence"), [(" GMT", 12, "file"), ("", 10, "given")])
def test_a_daqtometer_in_gmt_is_read_in_utc(zone: str, hour: int, evidence: str) -> None:
    recording = read(daqtometer(NOON, [26, 36, 9], zone=zone))
    assert recording.start_s == int(datetime(2024, 7, 10, hour, tzinfo=UTC).timestamp())
    assert recording.zone_evidence == evidence
    assert (recording.format, recording.device_serial) == ("daqtometer_csv", "77")
    assert recording.activity.tolist() == [26, 36, 9]
    assert recording.channels["light"].tolist() == [5, 5, 5]


def test_a_motionwatch_is_read_with_its_light() -> None:
    recording = read(motionwatch("0,5,\n17,", light="0.5,1,2.25,"))
    assert (recording.format, recording.device_model, recording.device_serial) == ("motionwatch_mtn", "MW8", "007565")
    assert recording.activity.tolist() == [0, 5, 17]
    assert recording.channels["light"].tolist() == [0.5, 1, 2.25]
    assert recording.start_s == int(datetime(2024, 1, 10, 11, tzinfo=UTC).timestamp())


ENTITIES = '<!DOCTYPE motionfile [<!ENTITY a "1,1,1,1,"><!ENTITY b "&a;&a;&a;&a;">]>'
OUTSIDE = '<!DOCTYPE motionfile [<!ENTITY a SYSTEM "file:///etc/hostname">]>'


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (motionwatch("&b;2,3", before=ENTITIES), "damaged_header"),
        (motionwatch("&a;2,3", before=OUTSIDE), "damaged_header"),
        (motionwatch("1,2,3")[:-40], "truncated"),
        (motionwatch("1,2,3").replace(b"</channel>", b""), "damaged_header"),
        (motionwatch("1,2,3").replace(b"motion</name>", b"other</name>"), "truncated"),
        (motionwatch("1,2,3").replace(b'encoding="text"', b'encoding="base64"'), "not_text"),
        (motionwatch("1,two,3"), "not_a_number"),
        (motionwatch("1,-2,3"), "negative_counts"),
        (motionwatch("1,2,3", epoch="0"), "epoch_unsupported"),
        (motionwatch("1,2,3", start="yesterday"), "damaged_header"),
        (motionwatch("1,2,3", start="3024-01-10 12:00:00"), "impossible_date"),
        (motionwatch("1," + "<a>" * 50 + "</a>" * 50), "damaged_header"),
    ],
)
def test_a_motionwatch_that_is_damaged_or_hostile_is_refused(data: bytes, code: str) -> None:
    assert refused(data) == code


def test_a_motionwatch_longer_than_allowed_is_refused() -> None:
    assert refused(motionwatch("1," * 50), limits=Limits(max_samples=20)) == "too_long"


@pytest.mark.parametrize("device", ["motionwatch", "acttrust", "daqtometer"])
def test_sleep_is_not_scored_by_a_threshold_made_for_other_counts(device: str) -> None:
    stamps = minutes("2024-07-10 12:00", 8 * 1440)
    hours = np.array([at.hour for at in stamps])
    rng = np.random.default_rng(3)
    counts = np.where((hours >= 23) | (hours < 7), rng.poisson(2, len(stamps)), rng.integers(50, 500, len(stamps)))
    build = {
        "motionwatch": lambda: motionwatch(",".join(map(str, counts)), start="2024-07-10 12:00:00"),
        "acttrust": lambda: acttrust(stamps, counts),
        "daqtometer": lambda: daqtometer(stamps, counts),
    }[device]
    analyzed = analyze(read(build()))
    assert analyzed.device.key == device
    assert np.isnan(analyzed.rest.sleep[analyzed.rest.worn]).any()
    assert {night.valid for night in analyzed.rest.nights} == {False}
    assert not isinstance(analyzed.rest.rhythm["IS"], Abstained)


FILES = {
    "test_sample_rpx_eng.csv": "actiware_csv", "test_sample.mtn": "motionwatch_mtn",
    "test_sample_atr.txt": "acttrust_txt", "test_sample_dqt.csv": "daqtometer_csv",
}  # fmt: skip


@pytest.mark.data
@pytest.mark.parametrize("name", FILES)
def test_a_real_file_has_the_start_epochs_and_sum_another_program_found(
    name: str, shared_data: Path, shared_reference: Path
) -> None:
    known = json.loads((shared_reference / "actigraphy_values.json").read_text())["pyActigraphy"]["files"][name]
    path = shared_data / "actiwatch" / name
    assert detect_format(path.read_bytes()[:4096]) == FILES[name]
    recording = read_recording(path, tz=ZoneInfo("UTC"))
    assert datetime.fromtimestamp(recording.start_s, UTC).strftime("%Y-%m-%d %H:%M:%S") == known["start"]
    assert (recording.epoch_s, len(recording)) == (known["epoch_s"], known["n_epochs"])
    assert recording.activity.sum(dtype=float) == known["sum_counts"]


@pytest.mark.parametrize("encoding", ["nonesuch", "hex", "rot13", "idna", "punycode", "utf-7"])
def test_a_motionwatch_in_no_encoding_is_refused(encoding: str) -> None:
    data = motionwatch("1,2,3").replace(b'encoding="UTF-8"', f'encoding="{encoding}"'.encode())
    assert refused(data) == "damaged_header"


def test_an_interval_of_five_thousand_digits_is_no_number() -> None:
    assert refused(acttrust(NOON, [1, 2, 3], interval="1" * 5000)) == "damaged_header"


def test_a_run_of_delimiters_is_looked_at_once() -> None:
    """Each piece of such a run once took another look at all that follows: 64 kB took twenty seconds."""
    looks = [match.span() for match in actiware_reader._LAST_COMMA.finditer(b"a, ;\n" + b" " * 50 + b"x\nb,\n")]
    assert looks == [(1, 4), (58, 59)]
    assert actiware_reader._LAST_COMMA.match(b" " * 10 + b"\n", 5) is None  # none begins within a run
