"""How the API reads JSON.

A module of its own: Django REST framework imports the default parsers while its views are being defined.
"""

from __future__ import annotations

from itertools import chain
from typing import Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser

from novamind.limits import JSON_DEPTH, JSON_ENTRIES, LIMITS


class BoundedJSONParser(JSONParser):
    """JSON of bounded depth and length; beyond the limits it is a wrong request, not an accident of ours."""

    entries = JSON_ENTRIES

    def parse(self, *args: Any, **kwargs: Any) -> Any:
        try:
            parsed = super().parse(*args, **kwargs)
        except RecursionError:
            raise _too_deep() from None
        _check(parsed, self.entries)
        return parsed


class ReadingsJSONParser(BoundedJSONParser):
    """The same where readings are sent, whose lists are longer, and whose texts are quoted when they are refused."""

    entries = LIMITS["readings"].value

    def parse(self, *args: Any, **kwargs: Any) -> Any:
        parsed = super().parse(*args, **kwargs)
        _refuse_broken(parsed)
        return parsed


def _check(parsed: Any, most: int) -> None:
    """Level by level, so that no depth exhausts the stack."""
    level, depth = [parsed], 0
    while level := [value for value in level if isinstance(value, dict | list)]:
        depth += 1
        if depth > JSON_DEPTH:
            raise _too_deep()
        if any(isinstance(value, list) and len(value) > most for value in level):
            raise ParseError(f"A list in the JSON has more than {most:,} entries.", code="too_many_entries")
        level = _inner(level)


def _inner(level: list[Any]) -> list[Any]:
    """What stands in the lists and objects of a level."""
    return [inner for value in level for inner in (value.values() if isinstance(value, dict) else value)]


def _refuse_broken(parsed: Any) -> None:
    """Of bounded depth, as :func:`_check` has found."""
    level = [parsed]
    while level:
        inside = [value for value in level if isinstance(value, dict | list)]
        names = (name for value in inside if isinstance(value, dict) for name in value)
        if any(_is_broken(value) for value in chain(level, names)):
            raise ParseError("A text in the JSON holds half a character.")
        level = _inner(inside)


def _is_broken(value: Any) -> bool:
    """Whether a text has half of a pair (``\\ud800``): Python takes it, and nothing can answer or keep it."""
    if not isinstance(value, str) or value.isascii():
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return True
    return False


def _too_deep() -> ParseError:
    return ParseError(f"The JSON is nested more than {JSON_DEPTH} levels deep.", code="too_deep")
