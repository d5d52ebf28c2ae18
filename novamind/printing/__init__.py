"""A page as a PDF, made by WeasyPrint in a process of its own that can reach nothing.

The process (:mod:`novamind.printing.child`) gets the finished page by its standard input and gives the PDF by its
standard output. It has no environment of ours, no network, no other program, no file but the program's own and the
fonts, writes none, and is bounded in memory and time. One is printed at a time in each web process.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from functools import cache
from pathlib import Path
from typing import Final

#: The system's part of it, on Debian; README and Dockerfile name the same.
APT: Final = "apt-get install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-dejavu-core"
TIMEOUT_S: Final = 30  # of its own CPU time
#: By the clock, on a busy machine; with the turn that is waited for, below what the web server gives a request (60 s).
WAIT_S: Final = 45
TURN_S: Final = 10
#: Address space, of which most is the libraries'; a report of 30 pages takes a third of it.
MEMORY_MB: Final = 1024

_CHILD: Final = Path(__file__).with_name("child.py")
_one_at_a_time = threading.BoundedSemaphore(1)
_WHY: Final = {
    3: "WeasyPrint is not installed on this machine",
    4: f"the system libraries of WeasyPrint are not installed on this machine ({APT})",
    5: f"no font is installed on this machine ({APT})",
}


class CannotPrint(Exception):
    """No PDF; the words are fit for a page and hold nothing of what was to be printed."""


class TookTooLong(CannotPrint):
    """It says nothing of the machine but that it is busy."""


def printed(html: str) -> bytes:
    """The page as a PDF.

    Raises
    ------
    CannotPrint
        What is missing here, or that it took too long, or too much memory.
    """
    if not _one_at_a_time.acquire(timeout=TURN_S):
        raise CannotPrint("other reports are being printed; try again in a minute")
    try:
        return _run("print", html.encode())
    finally:
        _one_at_a_time.release()


@cache
def why_not() -> str:
    """What is missing on this machine to print, found out once by printing a word; empty where nothing is.

    That it took too long says nothing of the machine: whoever prints then is told. That it fails by a single word says
    that some library is missing which WeasyPrint looks for only when it prints.
    """
    try:
        _run("try", b"<p>Novamind</p>")
    except TookTooLong:
        return ""
    except CannotPrint as why:
        return str(why) if str(why) in _WHY.values() else f"WeasyPrint cannot print on this machine ({APT})"
    return ""


def _run(what: str, page: bytes) -> bytes:
    # What it says of itself is thrown away: it could quote the page.
    try:
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-I", str(_CHILD), what, str(MEMORY_MB), str(TIMEOUT_S)],
            input=page, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=WAIT_S, env={"LANG": "C.UTF-8"},
            cwd="/", check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise TookTooLong(f"it took longer than {WAIT_S} s") from None
    if done.returncode or not done.stdout.startswith(b"%PDF-"):
        raise CannotPrint(_WHY.get(done.returncode, "the program that prints it failed or needed too much memory"))
    return done.stdout
