"""Code as a version: which files count, what makes a new version, and what serves."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import settings

from novamind.audit.recording import recorded
from novamind.measures import Abstained
from novamind.registry.code import Code, in_production
from novamind.registry.models import ModelVersion
from novamind.registry.services import move, register_version

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _acting():
    with recorded(actor_label="system:test", request_id="test-code"):
        yield


@pytest.fixture
def folder(settings, tmp_path):
    settings.BASE_DIR = tmp_path
    for name, text in {"science/one.py": "1", "science/two.py": "2", "science/notes.txt": "no", "a.py": ""}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_each_python_file_counts_once_in_the_order_of_its_path(folder):
    code = Code(folder / "science", folder / "a.py", folder / "science" / "two.py")
    assert [file.name for file in code.files] == ["a.py", "one.py", "two.py"]


@pytest.mark.parametrize("change", ["text", "name", "added"])
def test_a_changed_file_is_a_new_version(folder, change):
    known = Code(folder / "science").version
    assert known == Code(folder / "science").version
    assert known.startswith(f"{settings.VERSION}+")
    one = folder / "science" / "one.py"
    {
        "text": lambda: one.write_text("3"),
        "name": lambda: one.rename(one.with_name("first.py")),
        "added": lambda: (folder / "science" / "three.py").write_text(""),
    }[change]()
    assert Code(folder / "science").version != known


def test_other_files_are_no_code(folder):
    known = Code(folder / "science").version
    (folder / "science" / "notes.txt").write_text("other")
    assert Code(folder / "science").version == known


def _served(version: str) -> ModelVersion:
    registered, _ = register_version(
        name="method", version=version, kind="correlation", card={}, weights_sha256="0" * 64, weights_file="",
        training_data="none", by="system:test", reason="a test",
    )  # fmt: skip
    return registered


def test_what_serves_is_the_code_that_is_here(monkeypatch):
    code = Code(Path(__file__))
    with pytest.raises(Abstained, match="not_promoted"):
        code.serving("method")
    with pytest.raises(Abstained, match="not_promoted"):
        in_production("method")
    monkeypatch.setattr("novamind.registry.services._require_complete", lambda version: None)
    other = move(_served("0.0.0+0"), to=ModelVersion.Stage.PRODUCTION, by="system:test", reason="a test")
    assert in_production("method") == other
    with pytest.raises(Abstained, match="weights_mismatch"):
        code.serving("method")
    here = move(_served(code.version), to=ModelVersion.Stage.PRODUCTION, by="system:test", reason="a test")
    assert code.serving("method") == here
