"""Rows inserted where they are absent, and told which those were: one statement."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connections, models, router
from django.db.models.constants import OnConflict
from django.db.models.sql import InsertQuery


def insert_absent(rows: Sequence[models.Model], key: Sequence[str]) -> set[tuple[Any, ...]]:
    """Insert rows of one model; those that a unique constraint stops stay away. The keys of the new ones.

    ``bulk_create(ignore_conflicts=True)`` does not say which they were. Like it, this sends no signals, and leaves an
    automatic primary key unknown. Who inserts beside others does so in the order of the key: a row that another
    transaction is about to insert is waited for.

    Parameters
    ----------
    key : names of fields (``source_id`` for the foreign key ``source``)
        Of which each row's values are returned.
    """
    if not rows:
        return set()
    model = type(rows[0])
    meta = model._meta
    using = router.db_for_write(model)
    connection = connections[using]
    fields = [field for field in meta.concrete_fields if not isinstance(field, models.AutoField)]
    asked = [_named(model, name) for name in key]
    columns = [field.get_col(meta.db_table) for field in asked]
    most = connection.ops.bulk_batch_size(fields, rows)
    found: set[tuple[Any, ...]] = set()
    for at in range(0, len(rows), most):
        query = InsertQuery(model, on_conflict=OnConflict.IGNORE)
        query.insert_values(fields, rows[at : at + most])
        compiler = query.get_compiler(using)
        compiler.returning_fields = asked
        ((sql, params),) = compiler.as_sql()
        with connection.cursor() as cursor:
            cursor.execute(sql, params)
            told = cursor.fetchall()
        found |= set(map(tuple, compiler.apply_converters(told, compiler.get_converters(columns))))
    return found


def _named(model: type[models.Model], name: str) -> Any:
    return next(field for field in model._meta.concrete_fields if field.attname == name)
