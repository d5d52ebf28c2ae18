"""What a list shows of the charts on it: names alone, or what stands in them.

A page or endpoint that reads several charts at once is taken to show their contents, and each of them counts as opened
in the weekly review, like a chart whose page was opened. A list of names says that it is one.
"""

from __future__ import annotations

from typing import Any, TypeVar

from django.http import HttpRequest

from novamind.audit.models import EventType
from novamind.audit.recording import Ledger

_SAFE = {"GET", "HEAD", "OPTIONS", "TRACE"}
_View = TypeVar("_View")


def lists_names(view: _View) -> _View:
    """Marks a view, a class of endpoints or a page of Django admin whose lists tell patients apart and no more."""
    view.lists_names = True  # type: ignore[attr-defined]
    return view


def says_names(view: Any) -> bool:
    """Whether the view, or the class behind it, is marked."""
    return any(
        getattr(one, "lists_names", False)
        for one in (view, getattr(view, "cls", None), getattr(view, "model_admin", None))
    )


def shows_contents(request: HttpRequest, ledger: Ledger) -> bool:
    """Whether several charts were read and the view is no list of names."""
    reads = request.method in _SAFE or ledger.event_type == EventType.DATA_ACCESS
    match = request.resolver_match
    return len(ledger.patients) > 1 and reads and match is not None and not says_names(match.func)
