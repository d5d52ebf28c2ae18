"""Looks for canaries where nobody should find them, in every spelling a leak may have."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from urllib.parse import quote

from django.db import connection


def spellings(canary: str) -> set[bytes]:
    """A canary as text, upper, lower, URL-encoded, hex, UTF-16, reversed and in the three phases of base64."""
    found: set[bytes] = set()
    for text in {canary, canary.lower(), canary.upper(), canary[::-1], quote(canary, safe="")}:
        raw = text.encode()
        found |= {raw, raw.hex().encode(), raw.hex().upper().encode(), text.encode("utf-16-le")}
    for shift in range(3):
        # Whole groups of three bytes only: the edges of a base64 text depend on what stands around it.
        middle = canary.encode()[shift:]
        found.add(base64.b64encode(middle[: len(middle) // 3 * 3]))
    return {spelling for spelling in found if len(spelling) >= 6}


def find_in_bytes(content: bytes, canaries: Iterable[str]) -> list[str]:
    """Which canaries stand in these bytes."""
    return [canary for canary in canaries if any(spelling in content for spelling in spellings(canary))]


def find_in_database(canaries: Iterable[str]) -> list[str]:
    """Every ``table.column: canary`` of the whole database, whatever the column's type."""
    canaries, hits = list(canaries), []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            columns = [column[0] for column in cursor.description]
            found = set()
            for row in cursor.fetchall():
                for column, value in zip(columns, row, strict=True):
                    raw = bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()
                    found |= {f"{table}.{column}: {canary}" for canary in find_in_bytes(raw, canaries)}
            hits += sorted(found)
    return hits
