"""``manage.py migrate_locked``: what is done once at every start, when every container starts at once.

Migrations, and then what apps declare as ``at_start`` (registering mounted model files).
"""

import fcntl
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils.module_loading import import_string

from novamind import frame
from novamind.audit.commands import WatchedCommand
from novamind.audit.recording import unseen

LOCK_KEY = 0x6E6F76616D696E64  # "novamind" in ASCII: a bigint that nothing else here locks
POLL_S = 0.25


class Command(WatchedCommand):
    """Migrate under a lock, as the role that owns the tables where ``MIGRATE_DATABASE_URL`` names one."""

    help = "Apply migrations; where several processes start at once, one does it and the others wait."

    def add_arguments(self, parser):
        parser.add_argument("--wait", type=float, default=300.0, help="seconds to wait for another process (300)")

    def handle(self, *args, **options):
        owner = settings.MIGRATE_DATABASE_URL
        if owner and owner != settings.DATABASE_URL:
            # A new process rather than a second database alias: data migrations use the default connection.
            sys.stdout.flush()
            os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | {"DATABASE_URL": owner})
        with migration_lock(wait_s=options["wait"], say=self.stdout.write):
            with unseen():  # tables take another form, and nobody is shown what stands in them
                call_command("migrate", interactive=False, verbosity=options["verbosity"])
            for name in frame.start_parts():
                import_string(name)(self.stdout.write)


@contextmanager
def migration_lock(*, wait_s: float, say: Callable[[str], object]) -> Iterator[None]:
    """Hold the lock of this database: PostgreSQL's advisory lock, or a locked file beside SQLite's.

    Both vanish with the process that holds them, so a killed migration blocks nobody.
    """
    held = _advisory_lock if connection.vendor == "postgresql" else _file_lock
    with held() as acquire:
        deadline = time.monotonic() + wait_s
        told = False
        while not acquire():
            if not told:
                say("Another process is migrating this database; waiting for it.")
                told = True
            if time.monotonic() > deadline:
                raise CommandError(f"Another process has been migrating this database for {wait_s:.0f} s; gave up.")
            time.sleep(POLL_S)
        yield


@contextmanager
def _advisory_lock() -> Iterator[Callable[[], bool]]:
    # Its own connection: the lock belongs to the session, and a migration may close the default one.
    session: BaseDatabaseWrapper = connection.copy()

    def acquire() -> bool:
        with session.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK_KEY])
            return bool(cursor.fetchone()[0])

    try:
        yield acquire
    finally:
        session.close()


@contextmanager
def _file_lock() -> Iterator[Callable[[], bool]]:
    settings.DATA_DIR.mkdir(parents=True, exist_ok=True)
    with (settings.DATA_DIR / "migrate.lock").open("a") as file:

        def acquire() -> bool:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            return True

        yield acquire
