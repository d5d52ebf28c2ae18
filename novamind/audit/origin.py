"""What the trail keeps of a request: its path, its session, text of the caller's."""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache

from django.http import HttpRequest
from django.urls import get_resolver

_IDENTIFIER = re.compile(r"[0-9a-f-]{36}|[0-9]{1,19}")


def plain(text: str, length: int) -> str:
    """Text of the caller's that any database takes: shortened, without NUL."""
    return text.replace("\x00", "")[:length]


def session_hash(request: HttpRequest) -> str:
    """Tells sessions apart in the trail without giving one away."""
    key = getattr(getattr(request, "session", None), "session_key", None)
    return hashlib.sha256(key.encode()).hexdigest()[:32] if key else ""


def kept_path(request: HttpRequest) -> str:
    """The path, where it is one of our addresses; of any other the first segment, if one of ours begins like that.

    What somebody types into the address bar may be a patient's name.
    """
    match = request.resolver_match
    if match is not None and not any(map(_typed, (*match.args, *match.kwargs.values()))):
        return plain(request.path_info, 300)
    first = request.path_info.lstrip("/").partition("/")[0]
    return f"/{first}/" if first in _first_segments() else ""


def _typed(captured: object) -> bool:
    return isinstance(captured, str) and not _IDENTIFIER.fullmatch(captured)


@lru_cache(maxsize=1)
def _first_segments() -> frozenset[str]:
    routes = (str(pattern.pattern).removeprefix("^") for pattern in get_resolver().url_patterns)
    return frozenset(route.partition("/")[0] for route in routes) - {""}
