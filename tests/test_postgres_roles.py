"""The roles that ``deploy/postgres-init.sh`` makes, on a real server: what the application may not do to the trail."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from tests.two_roles import two_roles

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="needs PostgreSQL: SQLite has no roles"),
]


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A connection as the application's role, to a database that the script prepared under a name of its own."""
    with two_roles(tmp_path_factory.mktemp("pgdata")) as database:
        with database.connect("owner") as owner:
            owner.execute("CREATE TABLE audit_auditevent (id int)")
        with database.connect("app") as connection:
            yield connection


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
