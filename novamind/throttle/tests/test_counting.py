"""The sliding window, the same in Redis and in the process; and what a dead Redis does to it."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from redis import Redis

from novamind.throttle import counter as counting
from novamind.throttle.counter import SHARE, Counter
from novamind.throttle.rates import Rate
from novamind.throttle.window import KEYS, SLOTS, Claim, Windows

TEN = Rate(10, 3600, "a test")
HANG_S = 60


class Server:
    """A redis-server of this test's own, killed by its process id."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.folder = folder
        self.start()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder)]
        command += ["--save", "", "--appendonly", "no"]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        client, deadline = Redis.from_url(self.url), time.monotonic() + HANG_S
        while time.monotonic() < deadline:
            try:
                # Whoever is killed here is the one that was started here.
                assert client.info()["process_id"] == self.process.pid
                return
            except OSError:
                time.sleep(0.02)
            except Exception as error:
                if "onnect" not in str(error) and "loading" not in str(error):
                    raise
                time.sleep(0.02)
        raise AssertionError("no redis-server")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(HANG_S)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    if subprocess.run(["which", "redis-server"], capture_output=True).returncode:
        pytest.skip("needs redis-server")
    started = Server(tmp_path)
    yield started
    started.kill()


@pytest.fixture(params=["redis", "process"])
def counter(request: pytest.FixtureRequest) -> Counter:
    return Counter(request.getfixturevalue("server").url if request.param == "redis" else "")


def claim(key: str = "a", rate: Rate = TEN, cost: int = 1) -> Claim:
    return Claim(f"novamind:rate:test:{key}", rate, cost)


def test_the_limit_is_reached_and_not_passed(counter):
    assert [counter.take([claim()]) for _ in range(10)] == [None] * 10
    refused, wait = counter.take([claim()])
    assert refused == 0
    assert 0 < wait <= 3600 + 3600 / SLOTS
    assert counter.take([claim("b")]) is None


def test_a_cost_counts_as_many(counter):
    assert counter.take([claim(cost=9)]) is None
    assert counter.take([claim(cost=2)])[0] == 0
    assert counter.take([claim(cost=1)]) is None
    assert counter.take([claim("big", cost=11)]) == (0, 3600.0)


def test_all_claims_are_counted_or_none(counter):
    assert counter.take([claim("a"), claim("b", cost=11)])[0] == 1
    assert counter.take([claim("a", cost=10)]) is None


def test_there_is_room_again_after_the_window(counter):
    quick = Rate(2, 1, "a test")
    assert counter.take([claim(rate=quick, cost=2)]) is None
    refused, wait = counter.take([claim(rate=quick)])
    assert refused == 0
    time.sleep(wait + 0.01)
    assert counter.take([claim(rate=quick)]) is None


def test_many_at_once_take_no_more_than_the_limit(counter):
    answers: list[Any] = []

    def ask() -> None:
        answers.extend(counter.take([claim()]) for _ in range(5))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(HANG_S)
    # Eight at once may wait longer for this machine than the counter has patience; then a quarter counts beside it.
    assert answers.count(None) in range(10, 10 + 10 // SHARE + 1)


def test_no_span_of_the_windows_length_holds_more_than_the_limit():
    at = [1000.0]
    windows, taken = Windows(lambda: at[0]), []
    for step in range(2000):
        at[0] = 1000 + step * 0.7
        if windows.take([claim(rate=Rate(10, 60, "a test"))]) is None:
            taken.append(at[0])
    assert len(taken) > 100
    assert max(sum(1 for other in taken if 0 <= other - one < 60) for one in taken) == 10


def test_the_wait_that_is_told_is_enough_and_not_much_more_than_needed():
    at = [1000.0]
    windows, minute = Windows(lambda: at[0]), Rate(10, 60, "a test")
    for _ in range(10):
        windows.take([claim(rate=minute)])
    _, wait = windows.take([claim(rate=minute)])
    at[0] += wait - 0.01
    assert windows.take([claim(rate=minute)]) is not None
    at[0] += 0.02
    assert windows.take([claim(rate=minute)]) is None


def test_a_process_forgets_the_callers_it_has_not_seen_longest():
    windows = Windows()
    for number in range(KEYS + 5):
        windows.take([claim(str(number))])
    assert len(windows._used) == KEYS


def test_the_counters_in_redis_end_by_themselves(server):
    Counter(server.url).take([claim()])
    client = Redis.from_url(server.url)
    assert [client.ttl(key) for key in client.scan_iter()] == [7200]


def test_a_killed_redis_leaves_a_quarter_and_its_return_is_noticed(server, monkeypatch, caplog):
    moment = [1000.0]
    monkeypatch.setattr(counting.time, "monotonic", lambda: moment[0])
    counter, key = Counter(server.url), uuid4().hex
    assert counter.take([claim(key)]) is None
    server.kill()
    answers = [counter.take([claim(key)]) for _ in range(20)]
    assert answers.count(None) == 10 // SHARE
    assert len(caplog.records) == 1  # one asked, the others did not
    server.start()
    assert counter.take([claim(key)]) is not None  # still resting
    moment[0] += counting.REST_S + 1
    assert [counter.take([claim(key)]) for _ in range(10)] == [None] * 10
    assert counter.take([claim(key)])[0] == 0


def test_a_redis_that_does_not_answer_is_asked_once(monkeypatch, caplog):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        counter = Counter(f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        assert [counter.take([claim()]) for _ in range(6)].count(None) == 10 // SHARE
    assert [record.getMessage().split(": ")[1] for record in caplog.records] == ["TimeoutError"]


def test_a_connection_that_redis_closed_is_no_outage(server, caplog):
    counter = Counter(server.url)
    assert counter.take([claim()]) is None
    server.kill()
    server.start()
    assert counter.take([claim(cost=10)]) is None  # a quarter would be two
    assert caplog.records == []
