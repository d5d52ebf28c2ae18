"""How much of what one caller may ask for: one table, and the mark a view wears."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Rate:
    """At most ``limit`` in any ``window_s`` seconds."""

    limit: int
    window_s: int
    what: str


RATES: Final = MappingProxyType(
    {
        "read": Rate(300, 60, "pages and lists read, per person"),
        "write": Rate(120, 60, "changes, per person"),
        "search": Rate(30, 60, "searches for a patient, per person"),
        "upload": Rate(30, 60, "uploads, per person or device"),
        "message": Rate(30, 3600, "messages to or from patients, per person"),
        "export": Rate(5, 3600, "exports, per person"),
        "export_patients": Rate(500, 3600, "patients in exports, per person"),
        "export_patients_day": Rate(24 * 500, 86_400, "patients in exports, per person and day: 24 hours' shares"),
        "stranger": Rate(120, 60, "requests without a sign-in, per address"),
        "unproven": Rate(1200, 60, "requests with a token that only the database can judge, per address"),
    }
)


class TooMany(Exception):
    """429: the caller's rate is used up; ``wait_s`` until there is room again."""

    def __init__(self, kind: str, wait_s: int) -> None:
        super().__init__(kind)
        self.kind, self.wait_s = kind, wait_s


def rate(kind: str) -> Callable[[Any], Any]:
    """Marks a view whose requests count as this kind and not as a read or a write; on a class, all its methods."""
    if kind not in RATES:
        raise ValueError(f"no rate {kind!r}")

    def mark(view: Any) -> Any:
        view.rate = kind
        return view

    return mark


def waiting(wait_s: int) -> str:
    """The sentence of a refusal."""
    if wait_s < 90:
        return f"Too many requests. Try again in {wait_s} second{'' if wait_s == 1 else 's'}."
    return f"Too many requests. Try again in {-(-wait_s // 60)} minutes."
