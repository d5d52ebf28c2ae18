"""Two containers start at once: one migrates, the other waits."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.core.management import CommandError
from django.db import connection

from novamind.management.commands.migrate_locked import LOCK_KEY, migration_lock

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own_folder(settings, tmp_path):
    settings.DATA_DIR = tmp_path


def test_the_second_waits_says_so_and_gives_up_in_the_end():
    said: list[str] = []
    with (
        migration_lock(wait_s=1, say=said.append),
        pytest.raises(CommandError, match="gave up"),
        migration_lock(wait_s=0.3, say=said.append),
    ):
        pytest.fail("both hold the lock")
    assert said == ["Another process is migrating this database; waiting for it."]


def test_the_lock_is_free_again_after_a_failed_migration():
    def fail() -> None:
        with migration_lock(wait_s=1, say=print):
            raise RuntimeError("a migration failed")

    with pytest.raises(RuntimeError):
        fail()
    with migration_lock(wait_s=0, say=lambda _: pytest.fail("had to wait")):
        pass


def test_a_killed_migration_leaves_no_lock(tmp_path):
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL frees a session's locks itself")
    lock = tmp_path / "migrate.lock"
    code = "import fcntl, sys, time; f = open(sys.argv[1], 'a'); fcntl.flock(f, fcntl.LOCK_EX); time.sleep(600)"
    holder = subprocess.Popen([sys.executable, "-c", code, str(lock)])
    try:
        _wait_until_held(lock)
        with pytest.raises(CommandError), migration_lock(wait_s=0, say=lambda _: None):
            pytest.fail("both hold the lock")
    finally:
        os.kill(holder.pid, signal.SIGKILL)
        holder.wait()
    with migration_lock(wait_s=0, say=lambda _: None):
        pass


def _wait_until_held(lock: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            with migration_lock(wait_s=0, say=lambda _: None):
                time.sleep(0.02)
        except CommandError:
            return
    pytest.fail(f"nobody took {lock}")


def test_the_key_is_one_postgresql_takes():
    assert -(2**63) <= LOCK_KEY < 2**63
