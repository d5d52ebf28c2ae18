"""The second factor, asked for again before what reveals or gives away much."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpResponse

View = Callable[..., HttpResponse]


def fresh_second_factor(view: View) -> Any:
    """Marks a page that asks for a fresh second factor; the sign-in that has one enforces it."""
    view.fresh_second_factor = True  # type: ignore[attr-defined]
    return view
