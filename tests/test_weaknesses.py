"""``make check`` looks for known weaknesses, and never takes silence for safety."""

from __future__ import annotations

import json
import subprocess
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
SPEC = spec_from_file_location("weaknesses", ROOT / ".ci" / "weaknesses.py")
assert SPEC is not None
assert SPEC.loader is not None
weaknesses: Any = module_from_spec(SPEC)
SPEC.loader.exec_module(weaknesses)

FINE = {"name": "a", "version": "1", "vulns": []}
WEAK = {"name": "b", "version": "1", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2"]}]}
UNKNOWN = {"name": "c", "skip_reason": "Dependency not found on PyPI"}


@pytest.mark.parametrize(
    ("packages", "weak"),
    [([FINE], 0), ([FINE, WEAK], 1), ([UNKNOWN, WEAK], 1), ([FINE, UNKNOWN], None), ([UNKNOWN], None)],
)
def test_packages_nobody_knows_are_no_result(packages, weak, capsys):
    assert weaknesses.report_packages({"dependencies": packages}) == weak
    said = capsys.readouterr().out
    assert ("NOT COMPARED" in said) == (UNKNOWN in packages)
    assert ("PYSEC-1, mended in 2" in said) == (WEAK in packages)


def test_a_silent_network_is_said_aloud(monkeypatch, capsys):
    def fail(*args: Any, **kwargs: Any) -> Any:
        return subprocess.CompletedProcess(args, 1, stdout="", stderr="ConnectionError")

    monkeypatch.setattr(weaknesses.subprocess, "run", fail)
    assert weaknesses.pip_audit() is None
    assert "NOT COMPARED" in capsys.readouterr().out


def test_what_is_ignored_has_its_reason():
    assert all(len(reason) > 20 for reason in weaknesses.IGNORED.values())


@pytest.mark.slow
def test_bandit_finds_a_planted_weakness(tmp_path, capsys, monkeypatch):
    (tmp_path / "weak.py").write_text("import subprocess\nsubprocess.run('ls ' + input(), shell=True)\n")
    monkeypatch.setattr(weaknesses, "CODE", (str(tmp_path),))
    assert weaknesses.bandit() == 1
    assert "weak.py:2: B602" in capsys.readouterr().out


def test_make_check_asks_and_a_result_is_kept(tmp_path, monkeypatch):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert "$(BIN)/python .ci/weaknesses.py" in makefile
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    weaknesses.keep(0, None)
    kept = json.loads((tmp_path / "checks" / "security.json").read_text())
    assert (kept["bandit"], kept["pip_audit"]) == (0, None)
