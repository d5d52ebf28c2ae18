"""A PDF is made by a process that reaches nothing, and where it cannot be made the reason is said."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pypdf
import pytest

from novamind import printing
from novamind.printing import CannotPrint, printed, why_not

CHILD = Path(printing.__file__).with_name("child.py")
needs_pango = pytest.mark.skipif(bool(why_not()), reason=why_not() or "-")


def text_of(pdf: bytes) -> str:
    return "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages)


@needs_pango
def test_a_page_becomes_a_pdf_with_its_words_and_its_title_alone():
    pdf = printed("<title>report-1</title><meta name=author content=Somebody><p>7 h 12 min ≥ æøå</p>")
    assert "7 h 12 min ≥ æøå" in text_of(pdf)
    about = dict(pypdf.PdfReader(io.BytesIO(pdf)).metadata or {})
    assert about["/Title"] == "report-1"
    assert set(about) <= {"/Title", "/Producer", "/Author"}


@needs_pango
def test_what_a_page_names_is_not_fetched(tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("zqx-secret")
    pdf = printed(
        f"<link rel=stylesheet href='file://{secret}'><img src='file://{secret}'><img src='http://127.0.0.1:9/x'>"
        f"<link rel=attachment href='file://{secret}'><object data='file://{secret}'></object><p>kept"
        "<style>@import 'http://127.0.0.1:9/y'; p { background: url(http://127.0.0.1:9/z) }</style>"
    )
    assert "kept" in text_of(pdf)
    assert b"zqx-secret" not in pdf
    assert not pypdf.PdfReader(io.BytesIO(pdf)).attachments


@needs_pango
def test_a_font_of_a_page_would_need_a_folder_and_is_refused():
    with pytest.raises(CannotPrint, match="failed"):
        printed("<style>@font-face { font-family: x; src: url(file:///etc/passwd) }</style><p>x")


@pytest.mark.parametrize(
    "wanted",
    [
        "import socket; socket.create_connection(('127.0.0.1', 9))",
        "import socket; socket.getaddrinfo('localhost', 80)",
        "import subprocess; subprocess.run(['true'])",
        "import os; os.system('true')",
        "open('/etc/passwd').read()",
        "open('/proc/self/environ').read()",
        "import tempfile; tempfile.mkdtemp()",
        "import os, sys; os.open(sys.prefix + '/zqx', os.O_CREAT | os.O_WRONLY)",
    ],
)
def test_the_process_reaches_nothing(wanted):
    program = (
        f"import runpy; child = runpy.run_path({str(CHILD)!r}, run_name='child'); child['bound'](1024, 30); "
        f"child['close_in']()\n{wanted}\nprint('reached')"
    )
    done = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, timeout=60)
    assert done.returncode == 9, done.stderr
    assert "reached" not in done.stdout


def test_it_writes_no_file_even_where_nothing_looks(tmp_path):
    program = (
        f"import runpy; runpy.run_path({str(CHILD)!r}, run_name='c')['bound'](1024, 30)\n"
        "with open('x', 'w') as file: file.write('y')"
    )
    done = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, cwd=tmp_path, timeout=60)
    assert done.returncode == 1
    assert b"File too large" in done.stderr


@needs_pango
def test_too_much_time_is_said(monkeypatch):
    monkeypatch.setattr(printing, "TIMEOUT_S", 1)
    with pytest.raises(CannotPrint, match="failed"):
        printed("<p>word " * 100_000)


def test_memory_is_bounded():
    program = f"import runpy; runpy.run_path({str(CHILD)!r}, run_name='c')['bound'](300, 30); b'x' * (400 * 2**20)"
    done = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, timeout=60)
    assert b"MemoryError" in done.stderr


@pytest.mark.parametrize(
    ("code", "words"),
    [(3, "WeasyPrint is not installed"), (4, "libpango"), (5, "no font"), (1, "cannot print"), (9, "cannot print")],
)
def test_what_is_missing_on_a_machine_is_said(monkeypatch, tmp_path, code, words):
    child = tmp_path / "child.py"
    child.write_text(f"import sys; sys.stdin.buffer.read(); sys.exit({code})")
    monkeypatch.setattr(printing, "_CHILD", child)
    why_not.cache_clear()
    assert words in why_not()
    why_not.cache_clear()


def test_a_busy_machine_is_not_said_to_lack_anything(monkeypatch, tmp_path):
    child = tmp_path / "child.py"
    child.write_text("import time; time.sleep(60)")
    monkeypatch.setattr(printing, "_CHILD", child)
    monkeypatch.setattr(printing, "WAIT_S", 0.2)
    why_not.cache_clear()
    assert why_not() == ""
    why_not.cache_clear()


def test_a_program_that_dies_with_words_about_the_page_says_none_of_them(monkeypatch, tmp_path):
    child = tmp_path / "child.py"
    child.write_text("import sys; sys.stderr.write(sys.stdin.read()); print('half'); sys.exit(1)")
    monkeypatch.setattr(printing, "_CHILD", child)
    with pytest.raises(CannotPrint) as error:
        printed("<p>zqx")
    assert "zqx" not in str(error.value)
