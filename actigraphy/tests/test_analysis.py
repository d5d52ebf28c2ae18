"""From a file's reading to stored results: the window, the device, the unit of levels, the JSON of ``analyze``."""

import json
from datetime import date, timedelta
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from actigraphy.analysis import EmptyWindow, WrongDevice, analyze, cut, device_for, rhythm
from actigraphy.readers import ReadRecording, read_recording
from novamind.clock import from_epoch
from novamind.simulator import Persona, simulate, write_awd

OSLO = ZoneInfo("Europe/Oslo")
RHYTHM_OF_THE_PAPER = {"l5": "L5", "m10": "M10", "relative_amplitude": "RA", "interdaily_stability": "IS_60min"}


@pytest.fixture(scope="module")
def synthetic() -> bytes:
    return write_awd(simulate(Persona.draw(5), start=date(2026, 3, 23), days=9))


@pytest.fixture
def read(synthetic: bytes) -> ReadRecording:
    return read_recording(BytesIO(synthetic), tz=OSLO)


@pytest.fixture
def recording(synthetic: bytes, tmp_path: Path) -> Path:
    path = tmp_path / "SYNTHETIC.awd"
    path.write_bytes(synthetic)
    return path


def run(*args: Any, **options: Any) -> Any:
    out = StringIO()
    call_command("analyze", *map(str, args), stdout=out, stderr=StringIO(), **options)
    return json.loads(out.getvalue())


def test_a_window_keeps_the_epochs_that_begin_in_it(read: ReadRecording) -> None:
    start = from_epoch(read.start_s + 90)
    kept = cut(read, start, start + timedelta(minutes=10))
    assert (kept.start_s, len(kept)) == (read.start_s + 120, 10)
    assert kept.activity[0] == read.activity[2]


def test_a_window_beside_the_recording_is_refused(read: ReadRecording) -> None:
    with pytest.raises(EmptyWindow):
        cut(read, None, from_epoch(read.start_s - 1))


def test_a_device_that_cannot_have_written_the_file_is_refused(read: ReadRecording) -> None:
    assert device_for(read, None).key == "actiwatch"
    with pytest.raises(WrongDevice):
        device_for(read, "actigraph_hip")


def test_levels_are_per_minute_whatever_the_epoch(read: ReadRecording) -> None:
    every_two = {"start_s": read.start_s, "epoch_s": 120, "zone": read.zone, "channels": {}, "notices": ()}
    pairs = read.activity[: len(read) // 2 * 2].reshape(-1, 2).sum(axis=1)
    coarse = ReadRecording(
        format="generic_csv",
        device_family="generic",
        device_model=None,
        device_serial=None,
        activity=pairs,
        zone_evidence="given",
        **{name: every_two[name] for name in ("start_s", "epoch_s", "zone", "channels", "notices")},
    )
    fine, rough = (rhythm(analyze(one, assume_worn=True).rest)["mesor"] for one in (cut(read, None, None), coarse))
    assert rough == pytest.approx(fine, rel=0.01)


def test_the_same_input_has_the_same_hash_and_another_device_another(read: ReadRecording) -> None:
    assert analyze(read).input_hash == analyze(read).input_hash
    assert analyze(read).input_hash != analyze(read, assume_worn=True).input_hash


def test_one_file_is_an_object_and_several_are_an_array(recording: Path) -> None:
    one = run(recording, tz="Europe/Oslo")
    several = run(recording, recording, tz="Europe/Oslo")
    assert several == [one, one]
    assert set(one) == {"file", "recording", "nights", "rhythm", "pat", "provenance", "abstentions"}
    assert one["recording"]["time_zone"] == "Europe/Oslo"
    assert one["nights"][0]["date"] == "2026-03-22"  # it begins at midnight, within the night of the evening before


def test_onsets_carry_the_offset_of_their_day_across_a_clock_change(recording: Path) -> None:
    nights = {night["date"]: night for night in run(recording, tz="Europe/Oslo")["nights"]}
    assert nights["2026-03-26"]["onset"].endswith("+01:00")
    assert nights["2026-03-30"]["onset"].endswith("+02:00")
    assert "dst" in nights["2026-03-28"]["flags"]


def test_an_abstained_number_is_null_and_its_reason_stands_under_its_path(recording: Path) -> None:
    short = run(recording, tz="Europe/Oslo", days=3)
    assert short["rhythm"]["interdaily_stability"] is None
    assert "5 needed" in short["abstentions"]["rhythm.interdaily_stability"]
    assert short["pat"]["abstained"]


def test_a_bad_file_stands_in_its_place_and_the_exit_status_says_so(recording: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_bytes(b"PK\x03\x04 not a recording")
    out = StringIO()
    with pytest.raises(SystemExit) as end:
        call_command("analyze", str(bad), str(recording), str(tmp_path / "none"), stdout=out, stderr=StringIO())
    refused, fine, missing = json.loads(out.getvalue())
    assert end.value.code == 1
    assert refused["error"]["code"] == "archive_refused"
    assert fine["nights"]
    assert missing["error"]["code"] == "cannot_open"


@pytest.mark.parametrize("options", [{"tz": "Mars/Olympus"}, {"days": 0}, {"columns": "time"}])
def test_an_option_that_makes_no_sense_is_refused_with_a_sentence(recording: Path, options: dict[str, Any]) -> None:
    with pytest.raises(CommandError):
        run(recording, **options)


def test_the_page_of_a_file_needs_nothing_else(recording: Path) -> None:
    out = StringIO()
    call_command("analyze", str(recording), format="html", tz="Europe/Oslo", stdout=out, stderr=StringIO())
    page = out.getvalue()
    assert "Interdaily stability" in page
    assert "var(--sleep)" not in page.split("</style>")[1].split("<script type=")[0]
    assert 'src="/' not in page


def test_the_nights_of_several_files_are_one_table(recording: Path) -> None:
    out = StringIO()
    call_command(
        "analyze", str(recording), str(recording), format="csv", tz="Europe/Oslo", stdout=out, stderr=StringIO()
    )
    lines = out.getvalue().splitlines()
    nights = len(run(recording, tz="Europe/Oslo")["nights"])
    assert lines[0].startswith("file,date,onset,offset,tst_min")
    assert len(lines) == 1 + 2 * nights


def test_the_name_of_a_file_is_no_formula_of_the_table(recording: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(recording.parent)
    recording.rename("=cmd()" + recording.suffix)
    out = StringIO()
    call_command("analyze", "=cmd()" + recording.suffix, format="csv", stdout=out, stderr=StringIO())
    assert {line[:6] for line in out.getvalue().splitlines()[1:]} == {"'=cmd("}


@pytest.mark.data
@pytest.mark.parametrize("name", ["example_01.AWD", "example_02.AWD"])
def test_assume_worn_gives_the_papers_numbers_from_the_command_line(
    shared_data: Path, shared_reference: Path, name: str
) -> None:
    reference = json.loads((shared_reference / "actigraphy_values.json").read_text())["own_paper_formulae"]["files"]
    got = run(shared_data / "actiwatch" / name, assume_worn=True, tz="Europe/Brussels")["rhythm"]
    for ours, theirs in RHYTHM_OF_THE_PAPER.items():
        assert got[ours] == pytest.approx(reference[name][theirs], rel=1e-9), ours
    assert got["intradaily_variability"] == pytest.approx(reference[name]["IV_60min"], rel=1e-9)
    for part in ("mesor", "amplitude", "acrophase_h"):
        assert got[part] == pytest.approx(reference[name]["cosinor_raw"][part], rel=1e-9), part
    onset = reference[name]["L5_onset_s"] // 60
    assert got["l5_onset"] == f"{onset // 60:02d}:{onset % 60:02d}"


@pytest.mark.once
@pytest.mark.data
@pytest.mark.slow
def test_all_55_depresjon_recordings_run_through(shared_data: Path) -> None:
    folder = shared_data / "depresjon"
    files = sorted([*(folder / "condition").glob("*.csv"), *(folder / "control").glob("*.csv")])
    items = run(*files, tz="Europe/Oslo")
    assert len(items) == 55
    assert not [item["file"] for item in items if "error" in item]
    assert all(np.isfinite(item["rhythm"]["relative_amplitude"] or 0) for item in items)


def test_the_code_version_of_what_models_say_changes_with_their_code(monkeypatch):
    from pathlib import Path

    from actigraphy.analysis import OF_HEADS, OF_PAT, code_version

    plain, of_pat, of_heads = code_version(), code_version(OF_PAT), code_version(OF_HEADS)
    assert len({plain, of_pat, of_heads}) == 3
    read = Path.read_bytes
    changed = {"anomaly.py": (False, True, True), "features.py": (False, False, True), "rest.py": (True, True, True)}
    for name, expected in changed.items():
        monkeypatch.setattr(
            Path, "read_bytes", lambda self, name=name: read(self) + (b"#" if self.name == name else b"")
        )
        code_version.cache_clear()
        now = (code_version(), code_version(OF_PAT), code_version(OF_HEADS))
        assert tuple(a != b for a, b in zip(now, (plain, of_pat, of_heads), strict=True)) == expected
    monkeypatch.undo()
    code_version.cache_clear()
