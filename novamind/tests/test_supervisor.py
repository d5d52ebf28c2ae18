"""The demo's supervisor, with small stand-ins for web server, worker and scheduler: real processes, real signals."""

import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from novamind.supervisor import CannotStart, Part, Supervisor, answers, loopback, require_free

ROOT = Path(__file__).resolve().parents[2]
HANG_S = 60.0  # nothing is measured here; a hang fails after this long

# Writes its pid and a grandchild's into a file per start, then waits.
OBEDIENT = """
import os, subprocess, sys, time
grandchild = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
open(sys.argv[1] + f"/{os.getpid()}.{grandchild.pid}", "w").close()
time.sleep(600)
"""
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + OBEDIENT
DOOMED = "print('no such table: patients'); raise SystemExit(3)"

DRIVER = """
import os, sys
from pathlib import Path
from novamind.supervisor import Part, Supervisor
folder = Path(sys.argv[1])
parts = [Part(f"part {n}", [sys.executable, "-c", code, str(folder)], folder / "log" / f"{n}.log")
         for n, code in enumerate(sys.argv[3:])]
say = lambda sentence: print(sentence, flush=True)
supervisor = Supervisor(parts, say=say, env=os.environ, cwd=folder, stop_s=float(sys.argv[2]), first_delay_s=0.05)
supervisor.run(lambda: len(list(folder.glob("*.*"))) >= len(parts), lambda: say("ready"))
"""


def drive(folder: Path, stop_s: float, *codes: str) -> subprocess.Popen[str]:
    codes = tuple(textwrap.dedent(code) for code in codes)
    process = subprocess.Popen(
        [sys.executable, "-c", DRIVER, str(folder), str(stop_s), *codes],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    while (line := process.stdout.readline().strip()) != "ready":
        assert line, "the supervisor ended before it was ready"
    return process


def pids(folder: Path) -> list[int]:
    return [int(pid) for path in folder.glob("*.*") for pid in path.name.split(".")]


def runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def wait_until(condition, within_s: float = HANG_S) -> bool:
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def all_gone(processes: list[int]) -> bool:
    """A killed process that is nobody's child here takes a moment to vanish."""
    return wait_until(lambda: not any(map(runs, processes)))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_one_signal_stops_every_child_and_grandchild(tmp_path, number):
    supervisor = drive(tmp_path, 600.0, OBEDIENT, OBEDIENT)
    everyone = pids(tmp_path)
    assert len(everyone) == 4
    assert all(map(runs, everyone))

    os.kill(supervisor.pid, number)
    said, _ = supervisor.communicate(timeout=HANG_S)

    assert supervisor.returncode == 0
    assert said.splitlines() == ["Stopping; Ctrl-C again kills.", "Stopped."]
    assert all_gone(everyone)


def test_a_child_that_ignores_the_signal_is_killed_after_the_patience(tmp_path):
    supervisor = drive(tmp_path, 0.5, STUBBORN)
    os.kill(supervisor.pid, signal.SIGINT)
    said, _ = supervisor.communicate(timeout=HANG_S)
    assert "Killing what did not stop: part 0." in said
    assert all_gone(pids(tmp_path))


def test_a_second_ctrl_c_does_not_wait_for_the_patience(tmp_path):
    supervisor = drive(tmp_path, 600.0, STUBBORN)
    os.kill(supervisor.pid, signal.SIGINT)
    assert supervisor.stdout is not None
    assert supervisor.stdout.readline().startswith("Stopping")
    os.kill(supervisor.pid, signal.SIGINT)
    supervisor.communicate(timeout=HANG_S)
    assert all_gone(pids(tmp_path))


def test_a_child_that_dies_is_started_again_without_its_leftovers(tmp_path):
    supervisor = drive(tmp_path, 600.0, OBEDIENT)
    leader, grandchild = pids(tmp_path)
    os.kill(leader, signal.SIGKILL)
    assert supervisor.stdout is not None
    assert "part 0 was killed by signal 9; starting it again in 0.1 s" in supervisor.stdout.readline()
    assert wait_until(lambda: len(pids(tmp_path)) == 4)
    assert wait_until(lambda: not runs(grandchild))
    os.kill(supervisor.pid, signal.SIGTERM)
    supervisor.communicate(timeout=HANG_S)
    assert all_gone(pids(tmp_path))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent died")
def test_a_killed_supervisor_takes_its_children_along(tmp_path):
    alone = "import os, sys, time; open(sys.argv[1] + f'/{os.getpid()}.0', 'w').close(); time.sleep(600)"
    supervisor = drive(tmp_path, 600.0, alone)
    (child,) = [pid for pid in pids(tmp_path) if pid]
    supervisor.kill()
    supervisor.communicate(timeout=HANG_S)
    assert wait_until(lambda: not runs(child))


def test_pauses_between_restarts_double(tmp_path):
    said: list[str] = []
    part = Part("part", [sys.executable, "-c", DOOMED], tmp_path / "part.log")
    supervisor = Supervisor([part], say=said.append, env=os.environ, cwd=tmp_path, first_delay_s=0.05)
    (child,) = supervisor.children
    delays = []
    supervisor._start(child)
    while len(delays) < 3:
        deaths = child.deaths
        supervisor.look_after()
        if child.deaths > deaths:
            delays.append(child.delay_s)
        time.sleep(0.01)
    supervisor.stop()
    assert delays == [0.05, 0.1, 0.2]


def test_a_child_that_never_lives_ends_the_demo_with_its_last_words(tmp_path):
    part = Part("The web server", [sys.executable, "-c", DOOMED], tmp_path / "web.log")
    supervisor = Supervisor([part], say=lambda _: None, env=os.environ, cwd=tmp_path, first_delay_s=0.01)
    with pytest.raises(CannotStart, match="The web server keeps ending: no such table: patients"):
        supervisor.run(lambda: False, lambda: None)
    assert supervisor.children[0].process is None


def test_children_that_never_get_ready_end_the_demo(tmp_path):
    part = Part("part", [sys.executable, "-c", OBEDIENT, str(tmp_path)], tmp_path / "log" / "part.log")
    supervisor = Supervisor([part], say=lambda _: None, env=os.environ, cwd=tmp_path)
    with pytest.raises(CannotStart, match="did not get ready in time"):
        supervisor.run(lambda: False, lambda: None, ready_within_s=0.5)
    assert all_gone(pids(tmp_path))


@pytest.mark.parametrize(
    ("host", "bound"),
    [("localhost", "127.0.0.1"), ("127.0.0.1", "127.0.0.1"), ("127.3.2.1", "127.3.2.1"), ("[::1]", "::1")],
)
def test_loopback_addresses_are_served(host, bound):
    assert loopback(host) == bound


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.4", "clinic.example", ""])
def test_addresses_that_others_could_reach_are_refused(host):
    with pytest.raises(CannotStart, match="this machine only"):
        loopback(host)


def test_a_port_in_use_is_named_with_a_way_out():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(CannotStart, match=f"Port {port} on 127.0.0.1 is in use. Choose another, as in --port"):
            require_free("127.0.0.1", port)
    require_free("127.0.0.1", port)


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_a_number_that_is_no_port_is_refused(port):
    with pytest.raises(CannotStart, match="is not a port"):
        require_free("127.0.0.1", port)


def test_a_closed_port_does_not_answer():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert not answers("127.0.0.1", port, "/health/ready")
