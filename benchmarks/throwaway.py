"""A database that exists for one benchmark."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit


class NotHere(Exception):
    """The benchmark needs something that this machine does not have; the message says what."""


@contextmanager
def sqlite_clinic() -> Iterator[None]:
    """Django on an empty, migrated SQLite database in a temporary folder."""
    with tempfile.TemporaryDirectory() as folder:
        _start(Path(folder), f"sqlite:///{folder}/novamind.sqlite3")
        yield
        _close()


@contextmanager
def postgres_clinic() -> Iterator[None]:
    """Django on an empty, migrated PostgreSQL database that is dropped afterwards.

    Raises
    ------
    NotHere
        ``DATABASE_URL`` names no PostgreSQL server that lets us create a database.
    """
    import psycopg

    server = os.environ.get("DATABASE_URL", "")
    if not server.startswith("postgres"):
        raise NotHere("set DATABASE_URL to a PostgreSQL server on which databases may be created")
    name = f"novamind_benchmark_{os.getpid()}"
    try:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
    except psycopg.Error as error:
        raise NotHere(f"PostgreSQL refused: {error}") from None
    try:
        with tempfile.TemporaryDirectory() as folder:
            _start(Path(folder), urlunsplit(urlsplit(server)._replace(path=f"/{name}")))
            yield
            _close()
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def signed_in(user: Any) -> Any:
    """A test client of this user, the second factor given just now."""
    from django.test import Client

    from novamind.accounts.second_factor import record

    client = Client()
    client.force_login(user)
    session = client.session
    record(session, user, "totp")
    session.save()
    return client


@contextmanager
def no_clinic() -> Iterator[None]:
    """Django's settings in a temporary folder, for reading what the program itself fixes; no tables."""
    with tempfile.TemporaryDirectory() as folder:
        _settings(Path(folder), f"sqlite:///{folder}/novamind.sqlite3")
        yield


def _start(folder: Path, database_url: str) -> None:
    from django.core.management import call_command

    _settings(folder, database_url)
    call_command("migrate", verbosity=0)


def _settings(folder: Path, database_url: str) -> None:
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "novamind.settings",
        "ENVIRONMENT": "development",
        "DATA_DIR": str(folder),
        "MASTER_KEY_FILE": str(folder / "master.key"),
        "DATABASE_URL": database_url,
        "MIGRATE_DATABASE_URL": "",
        "REDIS_URL": "",
        "CACHE_URL": "",
        "ALLOWED_HOSTS": "testserver",
    }
    import django

    django.setup()


def _close() -> None:
    from django.db import connections

    connections.close_all()
