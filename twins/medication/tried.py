"""What a patient has taken of a drug: since when, why it ended, and what check-ins said around the start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID

from patients.models import Medication, Patient
from patients.treatment.services import today
from twins.medication.context import Known
from twins.medication.starts import Compared, starts_of
from twins.science.around import Around

#: What patients say of themselves by day; a response is read from nothing else here.
SAID: Final = ("mood", "anxiety")
NOT_RECORDED: Final = "response not recorded"
LABEL: Final = "observational: what was said before and after the start, and no effect of the drug"


@dataclass(frozen=True, slots=True)
class Tried:
    """One course; ``state`` as of ``Medication.state_on``, ``said``: series with a mean on both sides of its start."""

    course: Medication
    state: str
    said: tuple[Compared, ...]

    @property
    def words(self) -> str:
        """``5 Mar 2026 to 7 Apr 2026: not effective enough; mood 3.5 before, 4.0 from the start (observational)``."""
        row = self.course
        if self.state == "planned":
            return f"planned from {row.started.words}"
        said = [
            f"{one.label.lower()} {one.before.mean:.1f} before, {one.after.mean:.1f} from the start"
            for one in self.said
        ]
        response = f"{', '.join(said)} (observational)" if said else NOT_RECORDED
        if row.ended is None:
            return f"taken since {row.started.words}; {response}"
        why = row.get_stop_reason_display().lower()
        if self.state == "current":
            return f"taken since {row.started.words}, until {row.ended.words} ({why}); {response}"
        return f"{row.started.words} to {row.ended.words}: {why}; {response}"

    @property
    def json(self) -> dict[str, Any]:
        """The same for programs; ``response`` is empty where none is known, with why."""
        row, known = self.course, bool(self.said)
        return {
            "started": row.started.words, "ended": row.ended.words if row.ended else None,
            "stop_reason": row.stop_reason or None, "state": self.state,
            "response": {"label": LABEL, "series": [_series(one) for one in self.said]} if known else None,
            "response_reason": None if known else "not begun yet" if self.state == "planned" else NOT_RECORDED,
        }  # fmt: skip


def _series(one: Compared) -> dict[str, Any]:
    before, after = one.before.mean, one.after.mean
    found = one.found if isinstance(one.found, Around) else None
    return {
        "series": one.label, "unit": one.unit, "before": before, "after": after,
        "days_before": one.before.known, "days_after": one.after.known,
        "earlier_pairs": found.pairs if found else None, "earlier_as_large": found.as_large if found else None,
    }  # fmt: skip


def tried_of(patient: Patient, known: Known) -> Mapping[str, list[Tried]]:
    """Every course that is known, by drug; of those begun in the last year what check-ins said around the start."""
    said: dict[UUID, tuple[Compared, ...]] = {
        start.course.pk: tuple(one for one in start.series if not one.one_sided)
        for start in starts_of(patient, known, SAID)
    }
    on: date = today(patient)
    found: dict[str, list[Tried]] = {}
    for row in known.courses or ():
        if row.drug:
            found.setdefault(row.drug, []).append(Tried(row, row.state_on(on), said.get(row.pk, ())))
    return found
