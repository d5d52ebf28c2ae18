"""A provider on this machine: answers what it is told to and keeps what it got."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


class Stub:
    """``answers`` are given in turn, the last one ever after; ``got`` holds (path, headers, body)."""

    def __init__(self, *answers: tuple[int, Any]) -> None:
        self.answers, self.got = list(answers), list[tuple[str, dict[str, str], bytes]]()
        self.delay_s = 0.0  # between taking a message and saying so
        self.meanwhile: Callable[[], object] = lambda: None  # what happens then
        stub = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                stub.got.append((self.path, dict(self.headers), body))
                time.sleep(stub.delay_s)
                stub.meanwhile()
                status, said = stub.answers.pop(0) if len(stub.answers) > 1 else stub.answers[0]
                sent = json.dumps(said).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(sent)))
                self.end_headers()
                self.wfile.write(sent)

            def log_message(self, *_: Any) -> None:
                """Says nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"


@contextmanager
def answering(*answers: tuple[int, Any]) -> Iterator[Stub]:
    """A provider that gives these answers (status, JSON) while this lasts."""
    stub = Stub(*answers)
    thread = Thread(target=stub.server.serve_forever, daemon=True)
    thread.start()
    try:
        yield stub
    finally:
        stub.server.shutdown()
        stub.server.server_close()
        thread.join()
