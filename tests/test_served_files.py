"""Files that leave: under names made here; of those somebody sent the files of notes alone, looked through before."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from insights.notes.contents import Unsuitable, content_of
from tests.one_of_everything import CANARIES, fill_chart

ROOT = Path(__file__).resolve().parents[1]
APPS = ("novamind", "patients", "actigraphy", "twins", "insights")
SOURCES = {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
    for app in APPS
    for path in (ROOT / app).rglob("*.py")
    if "tests" not in path.parts
}
NAME = re.compile(r"attachment; filename=\"[A-Za-z0-9-]+[.](csv|pdf|zip)\"", re.ASCII)


def that_say(text: str) -> set[str]:
    return {path for path, source in SOURCES.items() if text in source}


def test_nothing_that_was_uploaded_is_served_but_files_of_notes_which_hold_nothing_active():
    """What opens a stored file reads it on the way to numbers; a file of a note is told by its bytes and looked through
    when it comes, no viruses are looked for (ASVS 5.4.3)."""
    assert that_say("unseal(") == {
        "novamind/phi/uploads.py", "actigraphy/services.py", "actigraphy/exports/storing.py",
        "insights/notes/attaching.py",
    }  # fmt: skip
    for hostile in (b"<html><script>x()</script>", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"MZ\x90\x00\x03"):
        with pytest.raises(Unsuitable):
            content_of(hostile)
    assert that_say("default_storage.open(") == {"novamind/phi/uploads.py", "novamind/phi/compliance.py"}
    assert that_say("FileResponse") == set()
    readers = [SOURCES["actigraphy/services.py"], SOURCES["actigraphy/exports/storing.py"]]
    imported = {name.name for source in readers for node in ast.walk(ast.parse(source))
                if isinstance(node, ast.ImportFrom) for name in node.names}  # fmt: skip
    assert not {name for name in imported if name.endswith("Response") or name == "HttpResponse"}


def test_what_names_a_file_that_leaves_is_known():
    assert that_say("Content-Disposition") == {
        "novamind/audit/exporting.py",
        "patients/printed.py",
        "insights/research_views.py",
        "insights/notes/views.py",
    }


@pytest.mark.django_db
def test_files_leave_under_names_of_ids_and_plain_letters(patient, psychiatrist, clinical_admin, nurse, client):
    """Of a patient whose every text is a canary; whatever is asked for in the address (ASVS 5.4.2)."""
    client.force_login(clinical_admin)
    answers = [client.post("/audit/account/export/", {"account": nurse.pk})]
    client.force_login(psychiatrist)
    fill_chart(patient)
    for page in ("brief/report/csv/", "actigraphy/report/csv/"):
        hostile = {"name": '"; filename="x.exe', "filename": "../../x\r\nX-Planted: 1"}
        answers.append(client.post(f"/patients/{patient.pk}/{page}", hostile))
    for answer in answers:
        assert answer.status_code == 200
        said = answer["Content-Disposition"]
        assert NAME.fullmatch(said), said
        assert not CANARIES.search(said.encode())
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert not answer.has_header("X-Planted")
