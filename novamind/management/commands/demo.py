"""``manage.py demo``: a clinic with synthetic patients on this machine, with web server, worker and scheduler."""

import fcntl
import os
import shutil
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import IO

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connections
from django.utils.module_loading import import_string

from novamind import frame
from novamind.audit.commands import WatchedCommand
from novamind.supervisor import CannotStart, Part, Supervisor, answers, loopback, require_free

MARKER = ".demo"  # the folder was filled by this command: names the parts that did
DATABASE = "novamind.sqlite3"
MADE_HERE = (DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm", MARKER, "secrets/master.key")
FOLDERS_MADE_HERE = ("files", "broker", "log", "models/shipped")


class Command(WatchedCommand):
    """Check, prepare, fill, run. SQLite and a folder of messages stand in for the servers."""

    help = "Run Novamind on this machine with synthetic patients: no servers, nothing to configure."
    requires_system_checks = ()  # the settings that count are those after the restart below

    def add_arguments(self, parser):
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--host", default="127.0.0.1", help="a loopback address")
        parser.add_argument("--reset", action="store_true", help="throw the demo's clinic away and make a new one")
        parser.add_argument("--data-dir", type=Path, default=settings.BASE_DIR / "var", help="where it keeps its data")

    def handle(self, *args, **options):
        self.started_at = time.monotonic()
        try:
            host = loopback(options["host"])
            require_free(host, options["port"])
            env = demo_environment(options["data_dir"].resolve(), host)
            if any(os.environ.get(name) != value for name, value in env.items()):
                # Settings were read before this line; they must be the demo's in this process too.
                self.stdout.flush()
                os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | env)
            with only_demo_in(settings.DATA_DIR):
                self._prepare(reset=options["reset"])
                self._run(host, options["port"])
        except CannotStart as error:
            raise CommandError(str(error)) from None
        except KeyboardInterrupt:
            self.say("Stopped before the clinic was ready. The next start goes on from here.")
            sys.exit(130)

    def say(self, sentence: str) -> None:
        """One line of progress with the seconds since the start."""
        self.stdout.write(f"[{time.monotonic() - self.started_at:5.1f} s] {sentence}")
        self.stdout.flush()

    def _prepare(self, *, reset: bool) -> None:
        if reset:
            self.say("Throwing the old clinic away.")
            forget(settings.DATA_DIR)
        marker = settings.DATA_DIR / MARKER
        parts = "\n".join(frame.demo_parts())
        there = (
            (settings.DATA_DIR / DATABASE).exists() and marker.exists() and marker.read_text(encoding="utf-8") == parts
        )
        self.say("Preparing the database.")
        call_command("migrate_locked", verbosity=0)
        if there:
            self.say("The clinic is already there (--reset makes a new one).")
        else:
            self.say("Filling the clinic with synthetic patients.")
            for name in frame.demo_parts():
                import_string(name)(self.say)
            marker.write_text(parts, encoding="utf-8")
        settings.BROKER_DIR.mkdir(
            parents=True, exist_ok=True
        )  # else the site calls itself degraded until the worker is up
        connections.close_all()

    def _run(self, host: str, port: int) -> None:
        supervisor = Supervisor(
            parts(host, port, settings.DATA_DIR), say=self.say, env=os.environ, cwd=settings.BASE_DIR
        )
        self.say("Starting web server, worker and scheduler.")
        supervisor.run(lambda: answers(host, port, "/health/ready"), lambda: self._welcome(host, port))

    def _welcome(self, host: str, port: int) -> None:
        # A passkey is bound to a name; at a number no browser makes one.
        shown = "localhost" if host == "127.0.0.1" else f"[{host}]" if ":" in host else host
        folder = "" if settings.DATA_DIR == settings.BASE_DIR / "var" else f" --data-dir {settings.DATA_DIR}"
        self.say("Ready.")
        self.stdout.write(f"\n  Novamind     http://{shown}:{port}/\n\n")
        logins = import_module("novamind.accounts.demo").logins()
        widths = [max(map(len, column)) for column in zip(*logins, strict=True)]
        for login in logins:
            self.stdout.write("  " + "   ".join(map(str.ljust, login, widths)) + "\n")
        self.stdout.write(
            f"\n  The second factor: .venv/bin/python manage.py demo_code EMAIL{folder} prints the current code.\n"
            f"  Every patient is synthetic. Logs are in {settings.DATA_DIR / 'log'}. Ctrl-C stops it.\n\n"
        )
        self.stdout.flush()


def demo_environment(data_dir: Path, host: str) -> dict[str, str]:
    """What the demo fixes, whatever the environment and ``.env`` say: it must never touch a real clinic's servers."""
    local = dict.fromkeys(
        ("REDIS_URL", "CACHE_URL", "S3_BUCKET", "S3_ENDPOINT_URL", "KMS_KEY_ID", "MIGRATE_DATABASE_URL"), ""
    )
    return local | {
        "DEMO": "1",
        "ENVIRONMENT": "development",
        "DATA_DIR": str(data_dir),
        "DATABASE_URL": f"sqlite:///{data_dir / DATABASE}",
        "MASTER_KEY_FILE": str(data_dir / "secrets" / "master.key"),
        "ALLOWED_HOSTS": f"127.0.0.1,localhost,[::1],{f'[{host}]' if ':' in host else host}",
        "TRUSTED_PROXY_COUNT": "0",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        # What the demo can install by itself; an operator with published weights of another size names it.
        "PAT_MODEL_ID": os.environ.get("PAT_MODEL_ID", "PAT-S"),
    }


def parts(host: str, port: int, data_dir: Path) -> list[Part]:
    """Web server, worker and scheduler as they run here."""
    celery = [sys.executable, "-m", "celery", "-A", "novamind"]
    bind = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    web = [
        *(sys.executable, "-m", "gunicorn", "novamind.wsgi:application", "--config", "deploy/gunicorn.conf.py"),
        *("--bind", bind, "--workers", "1", "--threads", "4", "--graceful-timeout", "3"),
    ]
    worker = [
        *(*celery, "worker", "--hostname", "demo@%h", "--pool", "prefork", "--concurrency", "2"),
        *("--queues", "notify,default,ml,batch", "--loglevel", "INFO"),
        *("--without-gossip", "--without-mingle", "--without-heartbeat"),
    ]
    # No pid file: one left by a killed scheduler would stop the next from starting.
    scheduler = [*celery, "beat", "--pidfile", "", "--loglevel", "INFO"]
    return [
        Part("The web server", web, data_dir / "log" / "web.log"),
        Part("The worker", worker, data_dir / "log" / "worker.log"),
        Part("The scheduler", scheduler, data_dir / "log" / "scheduler.log"),
    ]


def forget(data_dir: Path) -> None:
    """Delete what the demo made in its folder; operators' model files stay.

    Raises
    ------
    CannotStart
        If the database there was not made by the demo.
    """
    if (data_dir / DATABASE).exists() and not (data_dir / MARKER).exists():
        raise CannotStart(
            f"{data_dir} holds a database that no finished demo made, so --reset leaves it alone. Delete the folder "
            "yourself, or choose another with --data-dir."
        )
    for name in MADE_HERE:
        (data_dir / name).unlink(missing_ok=True)
    for name in FOLDERS_MADE_HERE:
        shutil.rmtree(data_dir / name, ignore_errors=True)


class only_demo_in:  # noqa: N801 - reads as the context manager it is
    """Hold the folder: two workers and two schedulers on one folder would take each other's messages."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.file: IO[str] | None = None

    def __enter__(self) -> None:
        self.data_dir.mkdir(parents=True, exist_ok=True)
        self.file = (self.data_dir / "demo.lock").open("a")
        try:
            fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.file.close()
            raise CannotStart(
                f"A demo already runs from {self.data_dir}; stop it, or choose another --data-dir."
            ) from None

    def __exit__(self, *_: object) -> None:
        if self.file is not None:
            self.file.close()
