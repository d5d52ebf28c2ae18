"""The safety net under the trail (PostgreSQL): the database itself notes every row of a chart that is written.

Triggers on the tables of patients' records add a :class:`~novamind.audit.models.Change` for each row, whatever road the
statement came by: names of columns and never a value. :mod:`novamind.audit.reconciling` compares them with the events.
"""

from __future__ import annotations

from typing import Any

from django.apps import apps

REQUEST, ACTOR = "novamind.request", "novamind.actor"  # what a transaction says of itself, to the triggers

# Once for each statement and not for each row: the transition tables hold all rows that it wrote. Names of settings
# alone are put into it.
_FUNCTION = f"""
CREATE OR REPLACE FUNCTION audit_note_change() RETURNS trigger LANGUAGE plpgsql AS $body$
DECLARE
  said text := 'INSERT INTO audit_change (at, op, table_name, row_id, patient_id, columns, actor, request_id) '
    'SELECT clock_timestamp(), $1, $2, %1$s.%2$I::text, %1$s.%3$I, %4$s, $3, $4 FROM %5$s';
  differing text := '(SELECT coalesce(jsonb_agg(n.key ORDER BY n.key), ''[]'') FROM jsonb_each(to_jsonb(after)) n '
    'WHERE n.value IS DISTINCT FROM to_jsonb(before) -> n.key)';
BEGIN
  said := CASE TG_OP
    WHEN 'INSERT' THEN format(said, 'after', TG_ARGV[0], TG_ARGV[1], '''[]''::jsonb', 'after')
    WHEN 'DELETE' THEN format(said, 'before', TG_ARGV[0], TG_ARGV[1], '''[]''::jsonb', 'before')
    ELSE format(said, 'after', TG_ARGV[0], TG_ARGV[1], differing,
                format('after LEFT JOIN before ON before.%1$I = after.%1$I', TG_ARGV[0]))
  END;
  EXECUTE said USING TG_OP, TG_TABLE_NAME,
    coalesce(current_setting('{ACTOR}', true), ''), coalesce(current_setting('{REQUEST}', true), '');
  RETURN NULL;
END $body$
"""  # nosec B608
_TABLES = {
    "INSERT": "REFERENCING NEW TABLE AS after",
    "UPDATE": "REFERENCING OLD TABLE AS before NEW TABLE AS after",
    "DELETE": "REFERENCING OLD TABLE AS before",
}


def watched(app_label: str | None = None) -> list[Any]:
    """The models whose writes are noted: records of patients, but for raw samples."""
    from novamind.audit.records import PatientRecord

    models = apps.get_app_config(app_label).get_models() if app_label else apps.get_models()
    return [model for model in models if issubclass(model, PatientRecord) and model.writes_are_noted]


def install_after_migrations(sender: Any, using: str, **kwargs: Any) -> None:
    """Receiver of ``post_migrate``: a new table of patients' records is watched from its first day."""
    from django.db import connections

    connection = connections[using]
    if connection.vendor == "postgresql" and (models := watched(sender.label)):
        install(connection, models)


def install(connection: Any, models: list[Any]) -> None:
    """Put the triggers on these tables; those that have them are left alone."""
    tables = [model._meta.db_table for model in models]
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('audit_change') IS NOT NULL")
        if not cursor.fetchone()[0]:
            return  # migrated only in part
        cursor.execute(
            "SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = 'audit_change_insert' "
            "AND tgrelid::regclass::text = ANY(%s::text[])",
            [tables],
        )
        have = {row[0] for row in cursor.fetchall()}
        if have != set(tables):
            cursor.execute(_FUNCTION)
        for model in models:
            if model._meta.db_table not in have:
                for statement in _create(model):
                    cursor.execute(statement)


def _create(model: Any) -> list[str]:
    table, key = model._meta.db_table, model._meta.pk.column
    owner = next(field.column for field in model._meta.concrete_fields if field.attname == model.patient_attribute)
    return [
        f"CREATE OR REPLACE TRIGGER audit_change_{op.lower()} AFTER {op} ON {table} {rows} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION audit_note_change('{key}', '{owner}')"
        for op, rows in _TABLES.items()
    ]


def drop(connection: Any, models: list[Any]) -> None:
    """Take the triggers away: to measure what they cost."""
    with connection.cursor() as cursor:
        for model in models:
            for op in _TABLES:
                cursor.execute(f"DROP TRIGGER IF EXISTS audit_change_{op.lower()} ON {model._meta.db_table}")


def is_write(sql: str) -> bool:
    """Whether a statement may write rows."""
    return sql.lstrip()[:6].upper().startswith(("INSERT", "UPDATE", "DELETE", "WITH", "MERGE"))


def say(connection: Any, *, request_id: str, actor: str) -> bool:
    """Tell the triggers who writes. Whether it must be taken back: outside a transaction it would stay.

    One short statement more for each that writes a chart.
    """
    inside = connection.in_atomic_block
    with connection.connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config(%s, %s, %s), set_config(%s, %s, %s)",
            [REQUEST, request_id, inside, ACTOR, actor, inside],
        )
    return not inside
