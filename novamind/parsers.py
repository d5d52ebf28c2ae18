"""How the API reads JSON.

A module of its own: Django REST framework imports the default parsers while its views are being defined.
"""

from __future__ import annotations

from typing import Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser

from novamind.limits import JSON_DEPTH, JSON_ENTRIES


class BoundedJSONParser(JSONParser):
    """JSON of bounded depth and length; beyond the limits it is a wrong request, not an accident of ours."""

    def parse(self, *args: Any, **kwargs: Any) -> Any:
        try:
            parsed = super().parse(*args, **kwargs)
        except RecursionError:
            raise _too_deep() from None
        _check(parsed)
        return parsed


def _check(parsed: Any) -> None:
    """Level by level, so that no depth exhausts the stack."""
    level, depth = [parsed], 0
    while level := [value for value in level if isinstance(value, dict | list)]:
        depth += 1
        if depth > JSON_DEPTH:
            raise _too_deep()
        if any(isinstance(value, list) and len(value) > JSON_ENTRIES for value in level):
            raise ParseError(f"A list in the JSON has more than {JSON_ENTRIES:,} entries.", code="too_many_entries")
        level = [inner for value in level for inner in (value.values() if isinstance(value, dict) else value)]


def _too_deep() -> ParseError:
    return ParseError(f"The JSON is nested more than {JSON_DEPTH} levels deep.", code="too_deep")
