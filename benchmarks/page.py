"""From a file in the browser to its numbers on the page, in a running demo (``make demo``).

``BENCHMARK_URL`` names the demo (http://127.0.0.1:8000 by default). Each turn uploads another synthetic recording.
"""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import time
import uuid
from http.cookiejar import CookieJar
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode, urlparse
from urllib.request import HTTPCookieProcessor, Request, build_opener

from benchmarks.figures import Figure
from benchmarks.recordings import synthetic
from benchmarks.throwaway import NotHere, no_clinic

TARGET_S, GIVE_UP_S, POLL_S, TURNS, DAYS = 3.0, 120.0, 0.1, 5, 15


class Browser:
    """Cookies, the form token, and nothing else of one."""

    def __init__(self, origin: str) -> None:
        parsed = urlparse(origin)
        if parsed.hostname not in {"127.0.0.1", "localhost", "::1"}:
            raise NotHere("BENCHMARK_URL is not this machine; the benchmark uploads synthetic recordings")
        self.origin = origin.rstrip("/")
        self.cookies = CookieJar()
        self.opener = build_opener(HTTPCookieProcessor(self.cookies))

    def get(self, path: str) -> tuple[str, str]:
        """(address after redirects, text) of a page."""
        with self.opener.open(f"{self.origin}{path}", timeout=30) as answer:
            return answer.url, answer.read().decode()

    def post(self, path: str, body: bytes, kind: str) -> tuple[str, str]:
        """Send a form as its page would."""
        token = next(cookie.value for cookie in self.cookies if cookie.name.endswith("csrftoken"))
        headers = {"Content-Type": kind, "X-CSRFToken": token or "", "Referer": self.origin + path}
        with self.opener.open(Request(self.origin + path, body, headers), timeout=30) as answer:
            return answer.url, answer.read().decode()


def measure() -> list[Figure]:
    """Seconds of whole turns: upload, wait, read the page."""
    with no_clinic():
        from novamind.accounts.demo import PASSWORD, PEOPLE

    browser = Browser(os.environ.get("BENCHMARK_URL", "http://127.0.0.1:8000"))
    try:
        browser.get("/accounts/login/")
    except (URLError, HTTPError) as error:
        raise NotHere(f"no demo answers at {browser.origin} ({error}); start one with `make demo`") from None
    login = urlencode({"username": PEOPLE[0][0], "password": PASSWORD, "next": "/patients/"}).encode()
    where, text = browser.post("/accounts/login/", login, "application/x-www-form-urlencoded")
    code = subprocess.run(
        [sys.executable, "manage.py", "demo_code", PEOPLE[0][0]], check=True, capture_output=True, text=True
    ).stdout.split()[0]
    where, text = browser.post(
        "/accounts/code/", urlencode({"code": code}).encode(), "application/x-www-form-urlencoded"
    )
    if "/accounts/" in where:
        raise NotHere("the demo did not let its psychiatrist in")
    _, text = browser.get("/patients/")
    patient = re.search(r"/patients/([0-9a-f-]{36})/", text)
    if patient is None:
        raise NotHere("the demo has no patients")
    took = [turn(browser, f"/patients/{patient[1]}/actigraphy/") for _ in range(TURNS)]
    whole, posted = zip(*took, strict=True)
    return [
        Figure(
            f"upload of {DAYS} days to numbers on the page", min(whole), statistics.median(whole), "s",
            target=f"<= {TARGET_S:g} s", met=min(whole) <= TARGET_S,
        ),
        Figure("of which the upload was answered after", min(posted), statistics.median(posted), "s"),
    ]  # fmt: skip


def turn(browser: Browser, page: str) -> tuple[float, float]:
    """(seconds to the numbers, seconds to the answer) of one upload."""
    file = synthetic(DAYS, seed=uuid.uuid4().int % 2**31)
    browser.get(f"{page}upload/")
    boundary = uuid.uuid4().hex
    body = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="SYNTHETIC.awd"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    ).encode() + file + f"\r\n--{boundary}--\r\n".encode()  # fmt: skip
    begun = time.perf_counter()
    where, _ = browser.post(f"{page}upload/", body, f"multipart/form-data; boundary={boundary}")
    posted = time.perf_counter() - begun
    recording = urlparse(where).query.removeprefix("recording=")
    while time.perf_counter() - begun < GIVE_UP_S:
        _, status = browser.get(f"{page}recordings/{recording}/status/")
        if "is analyzed" in status:
            browser.get(f"{page}?recording={recording}")
            return time.perf_counter() - begun, posted
        if "Not analyzed" in status:
            raise RuntimeError("the demo could not analyze a synthetic recording")
        time.sleep(POLL_S)
    raise RuntimeError(f"no result after {GIVE_UP_S:g} s")
