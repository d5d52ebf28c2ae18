"""Work survives what happens to machines: real workers, killed for real.

``FAULT_REPEATS`` sets how often a worker is killed (default 3), ``FAULT_DATABASE_URL`` a database other than a
throw-away SQLite file.
"""

import itertools
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.processes, pytest.mark.slow]

ROOT = Path(__file__).resolve().parent.parent
REPEATS = int(os.environ.get("FAULT_REPEATS", "3"))
LEASE_S, TICK_S = 4, 1
HANG_S = 120  # nothing is measured here; a hang fails after this long
CELERY = [sys.executable, "-m", "celery", "-A", "novamind"]
CONSOLE = [sys.executable, "-m", "novamind.jobs.tests.drill"]
WORKER = [*CELERY, "worker", "-c", "2", "--without-gossip", "--without-mingle", "--without-heartbeat"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class House:
    """A database, a broker, a worker, the tick, and a console to ask them; everything in one folder."""

    def __init__(self, folder: Path, broker: str) -> None:
        self.folder = folder
        # Another house may have left its rows in the same database.
        self.numbers = itertools.count(int(time.time()) % 1_000_000 * 1000)
        self.processes: list[subprocess.Popen[Any]] = []
        self.env = os.environ | {
            "DJANGO_SETTINGS_MODULE": os.environ.get("FAULT_SETTINGS", "novamind.jobs.tests.drill.settings"),
            "ENVIRONMENT": "development",
            "DATA_DIR": str(folder),
            "DATABASE_URL": os.environ.get("FAULT_DATABASE_URL", f"sqlite:///{folder / 'drill.sqlite3'}"),
            "REDIS_URL": "",
            "JOB_LEASE_S": str(LEASE_S),
            "JOB_RENEW_S": "1",
            "TICK_S": str(TICK_S),
            "JOB_TIME_LIMIT_S": "3600",
        }
        self.redis_port = free_port() if broker == "redis" else 0

    def open(self, console: list[str] = CONSOLE) -> None:
        if self.redis_port:
            self.start_redis()
        migrate = [sys.executable, "manage.py", "migrate", "--run-syncdb", "-v0"]
        subprocess.run(migrate, cwd=ROOT, env=self.env, check=True)
        self.console = self.start(console, piped=True)
        self.answer()
        self.start([*CELERY, "beat", "--pidfile="])
        self.worker = self.start(WORKER)

    def start(self, command: list[str], *, piped: bool = False) -> subprocess.Popen[Any]:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE} if piped else {"stdout": self.log()}
        process = subprocess.Popen(
            command, cwd=ROOT, env=self.env, stderr=self.log(), start_new_session=True, text=True, **pipes
        )
        self.processes.append(process)
        return process

    def log(self) -> Any:
        return (self.folder / "log").open("a", encoding="utf-8")

    def start_redis(self) -> None:
        self.env["REDIS_URL"] = f"redis://127.0.0.1:{self.redis_port}/0"
        where = ["--bind", "127.0.0.1", "--port", str(self.redis_port), "--dir", str(self.folder)]
        self.broker = self.start(["redis-server", *where, "--save", ""])
        self.until(lambda: b"PONG" in self.redis("PING"), within_s=HANG_S)

    def redis(self, command: str) -> bytes:
        try:
            with socket.create_connection(("127.0.0.1", self.redis_port), timeout=HANG_S) as wire:
                wire.sendall(command.encode() + b"\r\n")
                return wire.recv(4096)
        except OSError:
            return b""

    def empty_broker(self) -> None:
        if self.redis_port:
            assert str(self.folder).encode() in self.redis("CONFIG GET dir"), "not our Redis"
            self.redis("FLUSHALL")
        else:
            shutil.rmtree(self.folder / "broker", ignore_errors=True)

    def answer(self) -> Any:
        return json.loads(self.console.stdout.readline())

    def tell(self, **command: Any) -> Any:
        self.console.stdin.write(json.dumps(command) + "\n")
        self.console.stdin.flush()
        return self.answer()

    def ask(self, kind: str = "drill.work", **args: int) -> str:
        """Enqueue a drill job; its number."""
        number = next(self.numbers)
        if kind == "drill.work":
            args.setdefault("milliseconds", 100)
        self.tell(do="ask", kind=kind, number=number, **args)
        return str(number)

    def starts(self, number: str) -> list[int]:
        """Process ids of the attempts that began."""
        started = self.folder / "started"
        lines = started.read_text(encoding="ascii").splitlines() if started.exists() else []
        return [int(line.split()[1]) for line in lines if line.split()[0] == number]

    def state(self, number: str) -> list[Any]:
        return self.tell(do="look")["states"][number]

    def is_done(self, *numbers: str) -> bool:
        states = self.tell(do="look")["states"]
        return all(states[number][0] == "done" for number in numbers)

    def until(self, condition: Callable[[], bool], *, within_s: float) -> float:
        began = time.monotonic()
        while not condition():
            waited = time.monotonic() - began
            assert waited < within_s, f"not within {within_s} s:\n{self.evidence()}"
            time.sleep(0.05)
        return time.monotonic() - began

    def evidence(self) -> str:
        return (self.folder / "log").read_text(encoding="utf-8")[-4000:]

    def kill_worker(self) -> None:
        os.killpg(self.worker.pid, signal.SIGKILL)
        self.worker.wait()

    def close(self) -> None:
        for process in reversed(self.processes):
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


@pytest.fixture(scope="module", params=["folder", "redis"])
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    if request.param == "redis" and shutil.which("redis-server") is None:
        pytest.skip("needs redis-server, which is not installed")
    house = House(tmp_path_factory.mktemp(request.param), request.param)
    try:
        house.open()
        first = house.ask()
        house.until(lambda: house.is_done(first), within_s=HANG_S)
        yield house
    finally:
        house.close()


def test_a_worker_killed_at_any_moment_leaves_every_job_with_exactly_one_result(house: House) -> None:
    dice = random.Random(11)
    numbers, recoveries = [], []
    for _ in range(REPEATS):
        running, queued = house.ask(milliseconds=800), [house.ask(milliseconds=50) for _ in range(3)]
        numbers += [running, *queued]
        time.sleep(dice.uniform(0, 1.2))
        house.kill_worker()
        house.worker = house.start(WORKER)
        recoveries.append(house.until(lambda: house.is_done(*numbers), within_s=HANG_S))  # noqa: B023
    results = house.tell(do="look")["results"]
    print(f"recovery: worst {max(recoveries):.1f} s, median {sorted(recoveries)[len(recoveries) // 2]:.1f} s")
    assert {number: results.get(number, 0) for number in numbers} == dict.fromkeys(numbers, 1)


def test_a_killed_child_costs_one_attempt_and_not_the_worker(house: House) -> None:
    number = house.ask(milliseconds=3000)
    house.until(lambda: bool(house.starts(number)), within_s=HANG_S)
    os.kill(house.starts(number)[0], signal.SIGKILL)
    house.until(lambda: house.is_done(number), within_s=HANG_S)
    assert house.state(number)[1] == 2
    assert house.tell(do="look")["results"][number] == 1
    assert house.worker.poll() is None


def test_a_poison_job_is_quarantined_after_three_runs_while_others_finish(house: House) -> None:
    poison = house.ask("drill.poison")
    others = [house.ask() for _ in range(20)]
    house.until(lambda: house.state(poison)[0] == "quarantined", within_s=HANG_S)
    house.until(lambda: house.is_done(*others), within_s=HANG_S)
    assert house.state(poison) == ["quarantined", 3, "worker_lost"]
    assert len(house.starts(poison)) == 3
    assert house.tell(do="look")["alerts"] >= 1


def test_messages_that_vanish_are_sent_again(house: House) -> None:
    house.kill_worker()
    numbers = [house.ask() for _ in range(5)]
    house.empty_broker()
    house.worker = house.start(WORKER)
    house.until(lambda: house.is_done(*numbers), within_s=HANG_S)
    assert [len(house.starts(number)) for number in numbers] == [1] * 5


def test_a_message_delivered_five_times_runs_its_job_once(house: House) -> None:
    numbers = [house.ask(milliseconds=300, messages=5) for _ in range(4)]
    house.until(lambda: house.is_done(*numbers), within_s=HANG_S)
    time.sleep(1)
    results = Counter({number: house.tell(do="look")["results"][number] for number in numbers})
    assert results == Counter(dict.fromkeys(numbers, 1))
    assert [len(house.starts(number)) for number in numbers] == [1] * 4


def test_a_job_that_does_not_end_is_ended_by_its_limit_and_says_so(house: House) -> None:
    number = house.ask("drill.endless")
    house.until(lambda: house.state(number)[2] == "time_limit", within_s=HANG_S)
    assert house.worker.poll() is None


def test_a_broker_that_is_away_delays_work_and_loses_none(house: House) -> None:
    if not house.redis_port:
        pytest.skip("a folder does not go away")
    house.broker.kill()
    house.broker.wait()
    numbers = [house.ask() for _ in range(5)]
    time.sleep(3)
    house.start_redis()
    house.until(lambda: house.is_done(*numbers), within_s=HANG_S)
    assert [len(house.starts(number)) for number in numbers] == [1] * 5
