"""The demo's processes: started, watched, restarted and stopped together. Knows nothing of Django."""

from __future__ import annotations

import contextlib
import ctypes
import http.client
import ipaddress
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

Say = Callable[[str], None]
POLL_S = 0.1
STOP_S = 7.0  # then by force: with the rest of the way out this stays under ten seconds
SETTLED_S = 60.0  # a child that ran this long starts again without delay
LONGEST_DELAY_S = 30.0
GIVE_UP_AFTER = 3  # deaths before the site ever answered
PR_SET_PDEATHSIG = 1


class CannotStart(Exception):
    """The demo cannot run here; the message is a sentence for whoever typed the command."""


def loopback(host: str) -> str:
    """The address to bind for ``host``.

    Raises
    ------
    CannotStart
        If other machines could reach it: the demo's passwords are public and it speaks plain HTTP.
    """
    if host == "localhost":
        return "127.0.0.1"
    with contextlib.suppress(ValueError):
        if ipaddress.ip_address(host.strip("[]")).is_loopback:
            return host.strip("[]")
    raise CannotStart(
        f"The demo serves this machine only and {host} is not a loopback address: its passwords are public and it "
        "has no TLS. Use --host 127.0.0.1, through an SSH tunnel if you sit elsewhere."
    )


def require_free(host: str, port: int) -> None:
    """Raise `CannotStart` if nothing can be served on this port."""
    if not 0 < port < 65536:
        raise CannotStart(f"{port} is not a port; choose one from 1024 to 65535.")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # As gunicorn does; without it, connections that a stopped demo left in TIME_WAIT would count as "in use".
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except PermissionError:
            raise CannotStart(
                f"Port {port} needs more rights than you have; choose one above 1023 with --port."
            ) from None
        except OSError:
            raise CannotStart(f"Port {port} on {host} is in use. Choose another, as in --port {port + 1}.") from None


def answers(host: str, port: int, path: str, timeout_s: float = 5.0) -> bool:
    """Whether the site says 200 at ``path``."""
    connection = http.client.HTTPConnection(host, port, timeout=timeout_s)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


@dataclass(frozen=True, slots=True)
class Part:
    """One kind of process: what a person calls it, its command line, and the file that takes what it prints."""

    name: str
    argv: Sequence[str]
    log: Path


@dataclass(slots=True)
class Child:
    """A `Part` that runs, or waits to run again."""

    part: Part
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    start_again_at: float | None = None
    deaths: int = 0
    delay_s: float = 0.0
    output: IO[bytes] | None = field(default=None, repr=False)


class Supervisor:
    """Runs the parts, each in a session of its own, so that a Ctrl-C reaches the supervisor alone.

    Parameters
    ----------
    parts : sequence of Part
    say : callable
        Takes each sentence for the person who watches.
    env : mapping
        Environment of every part.
    cwd : Path
        Folder in which they run.
    stop_s : float
        Patience after SIGTERM, seconds; then SIGKILL.
    first_delay_s : float
        Pause before the first restart, seconds; doubles up to `LONGEST_DELAY_S`.
    """

    def __init__(
        self,
        parts: Sequence[Part],
        *,
        say: Say,
        env: Mapping[str, str],
        cwd: Path,
        stop_s: float = STOP_S,
        first_delay_s: float = 0.5,
    ) -> None:
        self.children = [Child(part) for part in parts]
        self.say = say
        self.env = dict(env)
        self.cwd = cwd
        self.stop_s = stop_s
        self.first_delay_s = first_delay_s
        self.asked_to_stop = 0

    def run(self, ready: Callable[[], bool], when_ready: Callable[[], None], ready_within_s: float = 90.0) -> None:
        """Start everything, call ``when_ready`` once ``ready()`` holds, watch until asked to stop, stop everything.

        Raises
        ------
        CannotStart
            If it does not get ready; everything is stopped by then.
        """
        with self._signals():
            try:
                for child in self.children:
                    self._start(child)
                if self._wait_for(ready, time.monotonic() + ready_within_s):
                    when_ready()
                while not self.asked_to_stop:
                    self.look_after()
                    time.sleep(POLL_S)
            finally:
                self.stop()

    def look_after(self) -> None:
        """Notice who died and start again whose pause is over."""
        now = time.monotonic()
        for child in self.children:
            if child.process is None:
                if child.start_again_at is not None and now >= child.start_again_at:
                    self._start(child)
            elif (status := child.process.poll()) is not None:
                self._died(child, status, now)

    def stop(self) -> None:
        """SIGTERM, patience, SIGKILL; a second request to stop ends the patience. Leaves no process behind."""
        first_requests = min(self.asked_to_stop, 1)  # none when it stops by itself
        if any(child.process for child in self.children):
            self.say("Stopping; Ctrl-C again kills.")
        for child in self.children:
            if child.process is not None:
                child.process.terminate()  # the leader alone: it lets its workers finish what they run
        deadline = time.monotonic() + self.stop_s
        while any(_runs(child) for child in self.children):
            if time.monotonic() >= deadline or self.asked_to_stop > first_requests:
                slow = ", ".join(child.part.name for child in self.children if _runs(child))
                self.say(f"Killing what did not stop: {slow}.")
                break
            time.sleep(POLL_S / 2)
        for child in self.children:
            self._clear(child)
        self.say("Stopped.")

    def _wait_for(self, ready: Callable[[], bool], deadline: float) -> bool:
        while not self.asked_to_stop:
            self.look_after()
            if ready():
                return True
            failing = next((child for child in self.children if child.deaths >= GIVE_UP_AFTER), None)
            if failing:
                raise CannotStart(f"{failing.part.name} keeps ending: {_last_line(failing.part.log)}")
            if time.monotonic() > deadline:
                raise CannotStart(f"The site did not get ready in time; see {self.children[0].part.log.parent}.")
            time.sleep(POLL_S)
        return False

    def _start(self, child: Child) -> None:
        child.part.log.parent.mkdir(parents=True, exist_ok=True)
        child.output = child.part.log.open("ab" if child.deaths else "wb")
        child.process = subprocess.Popen(
            child.part.argv,
            cwd=self.cwd,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=child.output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_end_with_parent,  # one thread runs here; no lock can be held across the fork
        )
        child.started_at, child.start_again_at = time.monotonic(), None

    def _died(self, child: Child, status: int, now: float) -> None:
        child.deaths += 1
        settled = now - child.started_at >= SETTLED_S
        child.delay_s = self.first_delay_s if settled or not child.delay_s else min(child.delay_s * 2, LONGEST_DELAY_S)
        self._clear(child)
        child.start_again_at = now + child.delay_s
        how = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
        self.say(f"{child.part.name} {how}; starting it again in {child.delay_s:.1f} s (see {child.part.log}).")

    def _clear(self, child: Child) -> None:
        """Kill what is left of the child's group: a dead leader may leave workers that hold the port."""
        if child.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.process.pid, signal.SIGKILL)
            child.process.wait()
            child.process = None
        if child.output is not None:
            child.output.close()
            child.output = None

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        def ask(_number: int, _frame: object) -> None:
            self.asked_to_stop += 1

        numbers = [signal.SIGINT, signal.SIGTERM]
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # under nohup the terminal may go
            numbers.append(signal.SIGHUP)
        before = {number: signal.signal(number, ask) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _end_with_parent() -> None:
    """Ask Linux for a SIGTERM should the supervisor itself be killed; elsewhere there is no such thing to ask for."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _runs(child: Child) -> bool:
    return child.process is not None and child.process.poll() is None


def _last_line(log: Path) -> str:
    lines = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    return f"{lines[-1].strip()} ({log})" if lines else f"it printed nothing ({log})"
