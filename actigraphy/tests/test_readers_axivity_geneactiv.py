"""Axivity's and GENEActiv's files: packing, wandering clocks, damage; real samples against a second program."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from actigraphy.readers import ReadRecording, UnreadableRecording, axivity, geneactiv, read_recording
from actigraphy.readers.resampling import Resampler, rate_for
from actigraphy.science.acceleration import EpochStream
from actigraphy.science.counts import counts
from actigraphy.tests.recording_files import cwa, read
from actigraphy.tests.recording_files import geneactiv as geneactiv_file

NOON_IN_OSLO = int(datetime(2024, 1, 10, 11, tzinfo=UTC).timestamp())
RATE = 100


def moved(seconds: int) -> np.ndarray:
    rng = np.random.default_rng(1)
    t = np.arange(seconds * RATE) / RATE
    wave = np.stack([200 * np.sin(2 * np.pi * 1.5 * t), 150 * np.sin(2 * np.pi * t), 256 + 50 * np.sin(t)], axis=1)
    return (wave + rng.normal(0, 20, wave.shape)).astype(int)


SAMPLES = moved(240)
FILES = {
    "cwa": (cwa(SAMPLES.tolist()), SAMPLES / 256),
    "packed": (cwa(SAMPLES.tolist(), packing=0), SAMPLES / 256),
    "geneactiv": (geneactiv_file(SAMPLES.tolist()), (SAMPLES * 100 - [100, -200, 0]) / 25600),
}


def refused(data: bytes) -> str:
    with pytest.raises(UnreadableRecording) as error:
        read(data)
    return error.value.code


def axes(recording: ReadRecording) -> np.ndarray:
    return np.stack([recording.channels[name] for name in ("axis2", "axis1", "axis3")], axis=1)


@pytest.mark.parametrize("name", FILES)
def test_what_was_written_is_read(name: str) -> None:
    data, g = FILES[name]
    recording = read(data)
    whole = len(recording)
    assert (recording.start_s, recording.epoch_s) == (NOON_IN_OSLO, 60)
    assert whole in {3, 4}  # the last second has no sample after it
    # A grid point falls on a sample, but for rounding of the stamps: counts move by no more than the last figure does.
    np.testing.assert_allclose(axes(recording), counts(g, RATE)[:whole], atol=2)
    assert recording.raw is not None
    expected = EpochStream(RATE).add(g)
    np.testing.assert_allclose(recording.raw.epochs.enmo[:36], expected.enmo[:36], atol=1e-6)
    np.testing.assert_allclose(recording.raw.epochs.z_angle[:36], expected.z_angle[:36], atol=1e-4)
    assert "Jane" not in repr(recording)


def test_what_the_file_says_of_its_device() -> None:
    ours, theirs = read(FILES["cwa"][0]), read(FILES["geneactiv"][0])
    assert (ours.format, ours.device_family, ours.device_model, ours.device_serial) == (
        "axivity_cwa", "axivity", "AX3", "4242",
    )  # fmt: skip
    assert (theirs.format, theirs.device_family, theirs.device_model, theirs.device_serial) == (
        "geneactiv_bin", "geneactiv", "GENEActiv", "012967",
    )  # fmt: skip
    assert "set_elsewhere" in {
        notice.code for notice in read(FILES["geneactiv"][0], tz=ZoneInfo("America/Chicago")).notices
    }


@pytest.mark.parametrize("name", FILES)
def test_the_outline_is_the_recording_without_its_numbers(name: str) -> None:
    whole, outline = read(FILES[name][0]), read(FILES[name][0], outline=True)
    assert np.isnan(outline.activity).all()
    without = {"activity": whole.activity, "channels": whole.channels, "raw": None}
    assert replace(outline, **without) == replace(whole, raw=None)


@pytest.mark.parametrize(("name", "size"), [("cwa", 3), ("packed", 7), ("geneactiv", 9001)])
def test_a_file_in_many_pieces_is_read_as_one(name: str, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = read(FILES[name][0])
    monkeypatch.setattr(axivity, "SECTORS_AT_ONCE", size)
    monkeypatch.setattr(geneactiv, "CHUNK_BYTES", size)
    pieces = read(FILES[name][0])
    np.testing.assert_array_equal(axes(pieces), axes(whole))
    assert pieces.raw is not None
    assert whole.raw is not None
    np.testing.assert_allclose(pieces.raw.epochs.enmo, whole.raw.epochs.enmo, atol=1e-12)


def test_a_damaged_sector_is_a_gap_and_so_is_a_damaged_page() -> None:
    data = bytearray(FILES["cwa"][0])
    data[1024 + 512 * 100 + 200] ^= 1  # at 80 s
    assert np.isnan(read(bytes(data)).activity).tolist()[:3] == [False, True, False]
    text = FILES["geneactiv"][0]
    at = text.index(b"Sequence Number:30\r")  # at 90 s
    broken = text[: at + 400] + b"zz" + text[at + 402 :]
    assert np.isnan(read(broken).activity).tolist()[:3] == [False, True, False]


def test_a_rate_is_a_number_however_it_is_written() -> None:
    whole = read(FILES["geneactiv"][0])
    written = FILES["geneactiv"][0].replace(b"Frequency:100\r", b"Frequency:100.0\r").replace(b"100 Hz", b"100,00 Hz")
    assert written != FILES["geneactiv"][0]
    np.testing.assert_array_equal(axes(read(written)), axes(whole))
    assert refused(FILES["geneactiv"][0].replace(b"Frequency:100\r", b"Frequency:50\r")) == "no_values"


def test_a_clock_that_wanders_is_followed() -> None:
    true_hz = 98.0  # of a device set to 100
    resampler = Resampler(100.0, 100)
    found = []
    for block in range(100):
        t = (block * 80 + np.arange(80)) / true_hz
        wave = np.sin(2 * np.pi * 0.5 * t)
        found += list(resampler.add(block * 80 / true_hz, np.stack([wave] * 3, axis=1)))
    found += list(resampler.piece(last=True))
    assert [piece.at for piece in found] == [0]
    grid = np.arange(len(found[0].samples)) / 100
    assert len(grid) >= 8100
    np.testing.assert_allclose(found[0].samples[:8000, 0], np.sin(2 * np.pi * 0.5 * grid[:8000]), atol=2e-3)


def test_samples_are_brought_to_a_rate_that_counts_are_published_for() -> None:
    assert [rate_for(hz) for hz in (30, 40, 50, 66.7, 75, 85.7, 100, 200)] == [30, 40, 50, 60, 70, 80, 100, 100]
    assert refused(geneactiv_file(SAMPLES[:6000].tolist(), rate=25.0)) == "unsupported_rate"
    assert refused(cwa(SAMPLES.tolist(), rate=0x48)) == "unsupported_rate"  # 25 Hz


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (FILES["cwa"][0][:600], "truncated"),
        (FILES["cwa"][0][:1024], "no_values"),
        (FILES["cwa"][0][:1024] + b"AX\xfc\x01" + bytes(508), "no_values"),
        (FILES["cwa"][0][: 1024 + 512 * 10], "too_short"),
        (FILES["geneactiv"][0][:300], "damaged_header"),
        (FILES["geneactiv"][0].replace(b"x gain:25600", b"x gain:0"), "damaged_header"),
        (FILES["geneactiv"][0].replace(b"x gain:25600", b"x gain:nan"), "damaged_header"),
        (FILES["geneactiv"][0].replace(b"100 Hz", b"1e9 Hz"), "damaged_header"),
        (FILES["geneactiv"][0].partition(b"Recorded Data")[0], "no_values"),
        (FILES["geneactiv"][0].replace(b"2024-01-10", b"2124-01-10"), "in_the_future"),
        (cwa(SAMPLES.tolist(), start="2060-01-10 12:00:00"), "in_the_future"),
        (cwa(SAMPLES.tolist()) + cwa(SAMPLES.tolist(), start="2024-06-10 12:00:00")[1024:], "gap_too_long"),
        (cwa(SAMPLES.tolist()) + cwa(SAMPLES.tolist(), start="2023-06-10 12:00:00")[1024:], "unordered_timestamps"),
    ],
)
def test_what_is_no_recording_is_refused(data: bytes, code: str) -> None:
    assert refused(data) == code


def test_a_page_without_an_end_takes_no_memory() -> None:
    endless = FILES["geneactiv"][0][:40_000] + b"0" * 30_000_000
    tracemalloc.start()
    assert refused(endless) == "too_short"
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 15_000_000


@pytest.mark.data
def test_the_samples_of_a_real_axivity_file_are_those_of_a_second_program(shared_data: Path) -> None:
    with (shared_data / "raw/ax3_sample.cwa").open("rb") as file:
        parts = [part for sectors in axivity._sectors(file) for part in axivity._samples(sectors)]
    samples = np.concatenate(parts)
    # scikit-digital-health 0.17.18, ReadCwa, of the same file
    assert samples.shape == (58_800, 3)
    np.testing.assert_array_equal(samples[0], [-0.09375, -0.203125, 0.953125])
    np.testing.assert_allclose(samples.mean(axis=0), [-0.28592076, -0.8861934, 0.20068187], atol=5e-9)
    recording = read_recording(shared_data / "raw/ax3_sample.cwa", tz=ZoneInfo("Europe/London"))
    assert recording.start_s == int(datetime(2020, 2, 12, 9, 3, 38, tzinfo=UTC).timestamp())
    assert len(recording) == 4
    assert recording.device_serial == "51888"


@pytest.mark.data
def test_the_pages_of_a_real_geneactiv_file_are_read(shared_data: Path) -> None:
    with (shared_data / "raw/GENEActiv_testfile.bin").open("rb") as file:
        header = geneactiv._parse(file.read(geneactiv.HEADER_BYTES))
        pages = list(geneactiv._pages(file, header))
    starts, samples = [at for page, _ in pages for at in page], np.concatenate([page for _, page in pages])
    assert (len(starts), header.rate_hz) == (16, 85.7)  # the seventeenth is cut off
    np.testing.assert_allclose(np.diff(starts), 3.5)
    # scikit-digital-health 0.17.18, ReadBin, of the same pages repeated until it takes them: equal to the last bit.
    np.testing.assert_allclose(
        samples[0, 0], [0.7405217391304347, 0.014066993083080749, -0.643903203069935], atol=1e-15
    )
    means = [-0.5020225442834074, 0.29498345250122393, -0.46058406427023785]
    np.testing.assert_allclose(samples.mean(axis=(0, 1)), means, atol=1e-12)
