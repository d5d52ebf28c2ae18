"""The roles that ``deploy/postgres-init.sh`` makes, on a real server: what the application may not do to the trail."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import connection

SCRIPT = Path(__file__).resolve().parents[1] / "deploy" / "postgres-init.sh"

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="needs PostgreSQL: SQLite has no roles"),
]


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A connection as the application's role, to a database that the script prepared under a name of its own."""
    import psycopg

    server, name = settings.DATABASES["default"], f"novatest{uuid4().hex[:8]}"
    where = {"host": server["HOST"], "port": server["PORT"] or 5432, "user": server["USER"]}
    where["password"] = server["PASSWORD"] or ""
    with psycopg.connect(dbname="postgres", autocommit=True, **where) as admin:
        if not admin.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()[0]:
            pytest.skip("needs a superuser: roles are made")
        admin.execute(f"CREATE DATABASE {name}")
        try:
            environment = {
                "PGHOST": str(where["host"]),
                "PGPORT": str(where["port"]),
                "PGPASSWORD": where["password"],
                "POSTGRES_USER": where["user"],
                "POSTGRES_DB": name,
                "OWNER_PASSWORD": "owner",
                "APP_PASSWORD": "app",
                "PGDATA": str(tmp_path_factory.mktemp("pgdata")),
            }
            script = SCRIPT.read_text(encoding="utf-8").replace("novamind", name)
            subprocess.run(["bash", "-c", script], env=os.environ | environment, check=True, capture_output=True)
            with psycopg.connect(dbname=name, autocommit=True, **where) as database:
                database.execute(f"SET ROLE {name}_owner")
                database.execute("CREATE TABLE audit_auditevent (id int)")
                database.execute(f"RESET ROLE; SET ROLE {name}_app")
                yield database
        finally:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
            for role in (f"{name}_app", f"{name}_owner"):
                admin.execute(f"DROP ROLE IF EXISTS {role}")


def test_the_application_writes_rows(app):
    app.execute("INSERT INTO audit_auditevent VALUES (1)")
    assert app.execute("SELECT id FROM audit_auditevent").fetchall() == [(1,)]


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TEMP TABLE audit_auditevent (id int)",
        "CREATE TEMP VIEW audit_auditevent AS SELECT 1 AS id",
        "CREATE TABLE audit_other (id int)",
        "CREATE SCHEMA another",
        "DROP TABLE audit_auditevent",
        "ALTER TABLE audit_auditevent DISABLE TRIGGER ALL",
        "TRUNCATE audit_auditevent",
    ],
)
def test_the_application_puts_nothing_in_the_place_of_the_trail(app, statement):
    import psycopg

    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        app.execute(statement)
