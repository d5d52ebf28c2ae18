"""Triggers that let rows be added and read, and not changed (or deleted), on both databases."""

from __future__ import annotations

from typing import Any

TRAIL = ("audit_auditevent", "audit_auditeventpatient")
SEALS = ("audit_seal",)
REVIEWS = ("audit_activityreview",)
CHANGES = ("audit_change",)
STAGES = ("registry_stagechange",)  # who put which model into use, and why
TABLES = TRAIL + SEALS + REVIEWS + CHANGES + STAGES

_POSTGRESQL_FUNCTION = """
CREATE OR REPLACE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$
"""


def install(
    connection: Any,
    tables: tuple[str, ...] = TABLES,
    *,
    deletable: bool = False,
    sealed: tuple[str, ...] = (),
    emptied: str = "",
) -> None:
    """Make the tables append-only, or only unchangeable; harmless when they already are.

    ``sealed`` are columns of ciphertext that a rotation of keys encrypts anew: they open for their own row alone, so
    that what they say cannot be changed by writing to them. ``emptied`` is a column of bytes that may be emptied, when
    its time is over, and not written.
    """
    drop(connection, tables)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(_POSTGRESQL_FUNCTION)
        for table in tables:
            update = "UPDATE"
            if kept := {*sealed, *filter(None, [emptied])}:
                columns = [column.name for column in connection.introspection.get_table_description(cursor, table)]
                update = "UPDATE OF " + ", ".join(f'"{name}"' for name in columns if name not in kept)
            statements = _create(connection.vendor, table, deletable, update)
            for statement in [*statements, *([_emptying(connection.vendor, table, emptied)] if emptied else [])]:
                cursor.execute(statement)


def _emptying(vendor: str, table: str, column: str) -> str:
    written = f'CREATE TRIGGER {table}_emptied BEFORE UPDATE OF "{column}" ON {table}'
    if vendor != "postgresql":
        refused = f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        return f'{written} WHEN length(NEW."{column}") > 0 {refused}'
    when = f'FOR EACH ROW WHEN (octet_length(NEW."{column}") > 0)'
    return f"{written} {when} EXECUTE FUNCTION audit_append_only()"


def _create(vendor: str, table: str, deletable: bool, update: str) -> list[str]:
    verbs = [update] if deletable else [update, "DELETE"]
    if vendor != "postgresql":
        refused = f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        # INSERT OR REPLACE deletes without firing a DELETE trigger: the row of this key, and the one of this rowid.
        replacing = f"WHEN EXISTS (SELECT 1 FROM {table} WHERE id = NEW.id OR rowid = NEW.rowid)"  # nosec B608
        return [
            *(f"CREATE TRIGGER {table}_{verb.split()[0].lower()} BEFORE {verb} ON {table} {refused}" for verb in verbs),
            f"CREATE TRIGGER {table}_insert BEFORE INSERT ON {table} {replacing} {refused}",
        ]
    statements = [
        f"CREATE TRIGGER {table}_rows BEFORE {' OR '.join(verbs)} ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION audit_append_only()"
    ]
    if not deletable:
        statements.append(
            f"CREATE TRIGGER {table}_truncate BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only()"
        )
    return statements


def freeze(connection: Any, table: str, *, once: str, sealed: tuple[str, ...] = ()) -> None:
    """Make a row of the table unchangeable from when its column ``once`` is set; harmless when it already is so.

    ``sealed`` as in :func:`install`: what such a column says is held by a digest among the others. Rows may be deleted.
    """
    drop(connection, (table,))
    with connection.cursor() as cursor:
        columns = [column.name for column in connection.introspection.get_table_description(cursor, table)]
        update = "UPDATE OF " + ", ".join(f'"{name}"' for name in columns if name not in sealed)
        if connection.vendor == "postgresql":
            cursor.execute(_POSTGRESQL_FUNCTION)
            cursor.execute(
                f"CREATE TRIGGER {table}_rows BEFORE {update} ON {table} "
                f'FOR EACH ROW WHEN (OLD."{once}" IS NOT NULL) EXECUTE FUNCTION audit_append_only()'
            )
            return
        refused = f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        found = f'SELECT 1 FROM {table} WHERE (id = NEW.id OR rowid = NEW.rowid) AND "{once}" IS NOT NULL'  # nosec B608
        for statement in (
            f'CREATE TRIGGER {table}_update BEFORE {update} ON {table} WHEN OLD."{once}" IS NOT NULL {refused}',
            f"CREATE TRIGGER {table}_insert BEFORE INSERT ON {table} WHEN EXISTS ({found}) {refused}",
        ):
            cursor.execute(statement)


def drop(connection: Any, tables: tuple[str, ...] = TABLES) -> None:
    """Take the triggers away: for the migration's reverse, and for test suites that empty tables."""
    with connection.cursor() as cursor:
        for table in tables:
            if connection.vendor == "postgresql":
                for name in ("rows", "truncate", "emptied"):
                    cursor.execute(f"DROP TRIGGER IF EXISTS {table}_{name} ON {table}")
            else:
                for name in ("update", "delete", "insert", "emptied"):
                    cursor.execute(f"DROP TRIGGER IF EXISTS {table}_{name}")
