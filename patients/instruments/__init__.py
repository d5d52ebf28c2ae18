"""Questionnaires as data (``library/*.json``) and their scoring: pure Python, no Django, no database."""

from patients.instruments.catalogue import (
    SOURCED,
    Choice,
    Instrument,
    Item,
    SafetyRule,
    UnknownInstrument,
    WrongVersion,
    as_given,
    instrument,
    instruments,
)
from patients.instruments.scoring import Safety, SafetyState, Score, WrongAnswers, score

__all__ = [
    "SOURCED",
    "Choice",
    "Instrument",
    "Item",
    "Safety",
    "SafetyRule",
    "SafetyState",
    "Score",
    "UnknownInstrument",
    "WrongAnswers",
    "WrongVersion",
    "as_given",
    "instrument",
    "instruments",
    "score",
]
