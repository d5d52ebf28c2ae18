"""A statement about a patient: its words, what it rests on, how sure its method is, and until when it holds."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from enum import IntEnum
from typing import Any
from uuid import UUID

from django.db.models import TextChoices

from novamind.measures import Abstained, Window


class InsightType(TextChoices):
    """What a statement is about."""

    SLEEP = "sleep", "Sleep"
    ACTIVITY = "activity", "Activity"
    RHYTHM = "rhythm", "Rhythm"
    PHYSIOLOGY = "physiology", "Heart and body"
    SYMPTOM = "symptom", "Symptoms"
    CORRELATION = "correlation", "What moves with what"
    FORECAST = "forecast", "What is likely next"
    MEDICATION = "medication", "Medication"
    DATA_QUALITY = "data_quality", "Data"
    ADHERENCE = "adherence", "Answers and wear"


class Tier(IntEnum):
    """What a statement asks of a clinician; those that ask for more stand first."""

    KNOW = 1
    LOOK = 2
    ACT = 3


@dataclass(frozen=True, slots=True)
class Evidence:
    """One value behind a statement. ``low`` and ``high`` are its reference range, ``severity`` how many spreads it is
    from the middle of it; ``None`` where there is no such thing."""

    data_type: str
    at: datetime
    value: float | str
    unit: str = ""
    low: float | None = None
    high: float | None = None
    severity: float | None = None

    def as_json(self) -> dict[str, Any]:
        """The stored form."""
        return {name: value for name, value in asdict(self).items() if value is not None} | {"at": self.at.isoformat()}


@dataclass(frozen=True)
class Statement:
    """One thing that can be said of a patient.

    Attributes
    ----------
    key : str
        What it is about and which way: two of the same key are one.
    needs : tuple of (purpose, stream)
        What the patient must allow for it to be read.
    confidence : float or Abstained
        0 to 1 as its method defines it (``confidence_is``), or why the method has none.
    strength : float
        Orders statements of one tier; in the units of the method, larger is more.
    expires_at : datetime
        From when on it is shown to nobody, whatever becomes of the job that would renew it.
    record_id : UUID or None
        The record of the model that it quotes.
    """

    key: str
    type: InsightType
    description: str
    method: str
    needs: tuple[tuple[str, str], ...]
    tier: Tier
    strength: float
    confidence: float | Abstained
    confidence_is: str
    window: Window
    expires_at: datetime
    evidence: tuple[Evidence, ...] = field(default_factory=tuple)
    record_id: UUID | None = None

    def as_json(self) -> dict[str, Any]:
        """What is sealed of it."""
        why = self.confidence.as_json() if isinstance(self.confidence, Abstained) else None
        return {
            "description": self.description,
            "method": self.method,
            "confidence_is": self.confidence_is,
            "no_confidence": why,
            "evidence": [one.as_json() for one in self.evidence],
        }

    @property
    def digest(self) -> str:
        """SHA-256 of everything it says and rests on."""
        said = self.as_json() | {"window": [self.window.start.isoformat(), self.window.end.isoformat()]}
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def merged(statements: Iterable[Statement]) -> list[Statement]:
    """One statement for each key, the first to be read first: of several the strongest, with what the others add."""
    found: dict[str, Statement] = {}
    for one in sorted(statements, key=lambda one: (-one.tier, -one.strength, one.key)):
        held = found.get(one.key)
        found[one.key] = one if held is None else _joined(held, one)
    return list(found.values())


def _joined(first: Statement, other: Statement) -> Statement:
    return replace(
        first,
        description=f"{first.description} {other.description}",
        method=f"{first.method}; {other.method}",
        needs=tuple(dict.fromkeys(first.needs + other.needs)),
        evidence=tuple(dict.fromkeys(first.evidence + other.evidence)),
        expires_at=min(first.expires_at, other.expires_at),
    )
