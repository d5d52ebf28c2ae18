"""What is found, what counts at which level, and how overlaps are settled."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Level(StrEnum):
    """How much is taken for an identifier (``HIPAA_PHI_DETECTION_LEVEL``)."""

    STRICT = "strict"
    MODERATE = "moderate"
    RELAXED = "relaxed"


class Kind(StrEnum):
    """The identifiers of 45 CFR 164.514(b)(2); the value is what a redacted text shows in brackets."""

    NAME = "NAME"
    ADDRESS = "ADDRESS"
    ZIP = "ZIP"
    PLACE = "PLACE"
    DATE = "DATE"
    MONTH = "MONTH"
    AGE = "AGE"
    PHONE = "PHONE"
    FAX = "FAX"
    EMAIL = "EMAIL"
    NATIONAL_ID = "NATIONAL_ID"
    RECORD = "RECORD"
    PLAN = "PLAN"
    ACCOUNT = "ACCOUNT"
    LICENCE = "LICENCE"
    VEHICLE = "VEHICLE"
    DEVICE = "DEVICE"
    URL = "URL"
    IP = "IP"
    BIOMETRIC = "BIOMETRIC"
    CODE = "CODE"


NEVER: Final = 2.0
#: The least score that counts, per kind: (strict, moderate, relaxed). A patient's own identifiers count at every level.
LEAST_SCORE: Final[dict[Kind, tuple[float, float, float]]] = {
    #                  strict moderate relaxed
    Kind.NAME: (0.0, 0.6, 0.8),  # relaxed: only after a title, a relation, a label; strict: any two unknown capitals
    Kind.ADDRESS: (0.0, 0.0, 0.0),
    Kind.ZIP: (0.0, 0.0, NEVER),
    Kind.PLACE: (0.0, NEVER, NEVER),
    Kind.DATE: (0.0, 0.0, NEVER),
    Kind.MONTH: (0.0, NEVER, NEVER),
    Kind.AGE: (0.0, 0.0, NEVER),
    Kind.PHONE: (0.0, 0.0, 0.0),
    Kind.FAX: (0.0, 0.0, 0.0),
    Kind.EMAIL: (0.0, 0.0, 0.0),
    Kind.NATIONAL_ID: (0.0, 0.0, 0.0),
    Kind.RECORD: (0.0, 0.0, 0.0),
    Kind.PLAN: (0.0, 0.0, 0.0),
    Kind.ACCOUNT: (0.0, 0.0, 0.0),
    Kind.LICENCE: (0.0, 0.0, 0.0),
    Kind.VEHICLE: (0.0, 0.0, NEVER),
    Kind.DEVICE: (0.0, 0.0, NEVER),
    Kind.URL: (0.0, 0.0, NEVER),
    Kind.IP: (0.0, 0.0, NEVER),
    Kind.BIOMETRIC: (0.0, 0.0, 0.0),
    Kind.CODE: (0.0, NEVER, NEVER),
}


@dataclass(frozen=True, slots=True)
class Span:
    """``text[start:end]`` identifies somebody; ``score`` (0 to 1) says how sure the rule is, it is no probability."""

    start: int
    end: int
    kind: Kind
    layer: str
    score: float = 1.0


def counts(span: Span, level: Level) -> bool:
    """Whether this level takes the span for an identifier."""
    return span.layer == "known" or span.score >= LEAST_SCORE[span.kind][list(Level).index(level)]


def resolve(spans: Iterable[Span], order: tuple[str, ...]) -> list[Span]:
    """Disjoint spans that cover every character of the given ones.

    Overlapping spans become one; its kind is that of the earliest layer in ``order``, then the longest, then the
    first in the text. Nothing that any rule found stays visible.
    """
    joined: list[tuple[int, int, Span]] = []
    for span in sorted(spans, key=lambda s: (s.start, -s.end, order.index(s.layer), s.kind)):
        if joined and span.start < joined[-1][1]:
            start, end, best = joined[-1]
            joined[-1] = (start, max(end, span.end), min(best, span, key=lambda s: _rank(s, order)))
        else:
            joined.append((span.start, span.end, span))
    return [Span(start, end, best.kind, best.layer, best.score) for start, end, best in joined]


def _rank(span: Span, order: tuple[str, ...]) -> tuple[int, int, int, str]:
    return order.index(span.layer), span.start - span.end, span.start, span.kind
