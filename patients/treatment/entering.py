"""What is known of a drug for a patient when it is entered: said by the apps above, which know genes and guidelines."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.utils.module_loading import import_string

from novamind.frame import drug_checks
from patients.consent import allows
from patients.models import Medication, Patient, redisclosure_notice
from patients.treatment.services import MEDICATION, today
from patients.vocabularies import drug

AGAINST: Final = "against"
CHANGES: Final = "changes"
BESIDE: Final = "beside"
HISTORY: Final = "history"
UNASKED: Final = "unasked"
NOTE: Final = "note"
LEVELS: Final = (AGAINST, CHANGES, BESIDE, HISTORY, UNASKED, NOTE)
UNCODED: Final = (
    "It is not in the catalogue, so nothing is known of it here: neither genes nor interactions nor contraindications "
    "were asked."
)


@dataclass(frozen=True, slots=True)
class Word:
    """One thing that is said of a drug: by whom, in a sentence, where to read it.

    ``level``: ``against`` speaks against the drug; ``changes`` changes how it is given or watched; ``beside`` changes
    nothing by itself, while a drug is taken that acts on an enzyme of it or a gene of it was not tested; ``history``
    is what this patient's own courses of it say; ``unasked`` names what nobody looked for; ``note`` is what else is
    known of the drug, or is not.
    """

    by: str
    text: str
    level: str
    url: str | None = None


def said_of(patient: Patient, user: Any, name: str, *, but: UUID | None = None) -> list[Word]:
    """What is said of a drug for this patient, as far as the user may know, the weightiest first.

    ``but``: the course that is asked about, where it is on the list already; it is no history of itself.
    """
    coded = drug(name)
    found = [*_own_courses(patient, user, coded.id if coded else name, but)]
    if coded is None:
        found.append(Word("Novamind", UNCODED, UNASKED))
    else:
        found += [word for path in drug_checks() for word in import_string(path)(patient, user, coded.id)]
    return sorted(found, key=lambda word: LEVELS.index(word.level))


def _own_courses(patient: Patient, user: Any, wanted: str, but: UUID | None) -> Iterator[Word]:
    """Each other course of the same ingredient that this user may read, with its dates and why it ended."""
    if not allows(patient, *MEDICATION):
        return
    rows = Medication.objects.releasable_to(user).filter(patient=patient).exclude(pk=but)
    same = [
        row for row in rows
        if not row.entered_in_error and (row.drug or row.name.strip()).casefold() == wanted.strip().casefold()
    ]  # fmt: skip
    for row in same:
        yield Word("This chart", _told(row, row.state_on(today(patient))), HISTORY)
    if notice := redisclosure_notice(same):
        yield Word("This chart", notice, HISTORY)


def _told(row: Medication, state: str) -> str:
    """A course in one sentence."""
    if state == "planned":
        return f"Already planned: {row.name} from {row.started.words}."
    if row.ended is None:
        return f"Already taken: {row.name} since {row.started.words}."
    why = row.get_stop_reason_display().lower()
    if state == "current":
        return f"Already taken: {row.name} since {row.started.words}, until {row.ended.words} ({why})."
    return f"Taken before: {row.name} from {row.started.words} to {row.ended.words}. Why it ended: {why}."


def digest(words: Iterable[Word]) -> str:
    """What speaks against the drug, as a mark by which a form knows that it was shown; empty where nothing does."""
    against = [f"{word.by} {word.text}" for word in words if word.level == AGAINST]
    return hashlib.sha256("\n".join(against).encode()).hexdigest() if against else ""
