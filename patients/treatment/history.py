"""What was done to an entry of a treatment: who, when, why, and what stood there before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from novamind.accounts.models import User
from novamind.audit.recording import aggregates
from patients.models import Treatment, TreatmentChange
from patients.models.treatment import partial
from patients.treatment.services import as_kept
from patients.vocabularies import PartialDate

#: What a change says by its kind, or what is kept for our own reckoning alone.
_NOT_TOLD: Final = frozenset({"entered_in_error", "ended_said_on"})
_LABELS: Final = {"part2": "42 CFR Part 2", "at": "time", "with_text": "with", "doses": "doses"}


@dataclass(frozen=True, slots=True)
class Stood:
    """A field as it stood before a change: its name in the API, what a page calls it, the value and its words.

    ``value``: a text, a number, a truth value, a moment or a ``PartialDate``; ``None`` where nothing stood there.
    ``words`` is empty where a page writes the value itself: a moment, which has the patient's time zone.
    """

    field: str
    label: str
    value: Any
    words: str


@dataclass(frozen=True, slots=True)
class Done:
    """One thing that was done to an entry, and what it changed."""

    change: TreatmentChange
    stood: tuple[Stood, ...]


def history(row: Treatment, user: Any) -> list[Done]:
    """What was done to an entry that this user may read, the first thing first. Three queries, four of a visit.

    A change keeps every field it wrote; told are those that it altered, as the next change or the entry itself says.
    What was done while the entry bore a label (42 CFR Part 2) is told to whom Part 2 lets read it.
    """
    done = TreatmentChange.objects.filter(about_id=row.pk)
    with aggregates():  # the rows themselves are read next
        told = set(done.releasable_to(user).values_list("pk", flat=True))
    changes = list(done.select_related("by"))
    people = _people(one.before.get("clinician") for one in changes)
    now = {field.name: _kept(row, field) for field in row._meta.fields}
    found = []
    for change in reversed(changes):
        altered = {name: value for name, value in change.before.items() if name == "doses" or value != now.get(name)}
        if change.pk in told:
            found.append(Done(change, tuple(_stood(row, _folded(altered, change.before), people))))
        now |= change.before
    return found[::-1]


def _kept(row: Treatment, field: Any) -> Any:
    value = field.value_from_object(row)
    return str(value) if field.is_relation and value is not None else as_kept(value)


def _people(ids: Iterable[str | None]) -> dict[str, str]:
    """Whom a visit was with before, by id."""
    wanted = {one for one in ids if one}
    return {str(one.pk): str(one) for one in User.objects.filter(pk__in=wanted)} if wanted else {}


def _folded(altered: Mapping[str, Any], stood: Mapping[str, Any]) -> dict[str, Any]:
    """Dates with how much of them is known as one value, where either was altered."""
    told: dict[str, Any] = {}
    for name, value in altered.items():
        base = name.removesuffix("_on").removesuffix("_precision")
        if f"{base}_precision" in stood and f"{base}_on" in stood:
            on = stood[f"{base}_on"]
            told[base] = partial(date.fromisoformat(on) if on else None, stood[f"{base}_precision"])
        elif name not in _NOT_TOLD:
            told[name] = value
    return told


def _stood(row: Treatment, told: Mapping[str, Any], people: Mapping[str, str]) -> Iterable[Stood]:
    columns = {field.name: field for field in row._meta.fields}
    for name, value in told.items():
        column = columns.get(name)
        label = _LABELS.get(name) or (str(column.verbose_name) if column else name)
        if name == "at":
            yield Stood(name, label, datetime.fromisoformat(value), "")
            continue
        if name == "clinician":
            value = people.get(value) if value else None
        yield Stood(name, label, value, _words(value, dict(getattr(column, "flatchoices", ()))))


def _words(value: Any, choices: Mapping[Any, Any]) -> str:
    if value is None or value == "":
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, PartialDate):
        return value.words
    if isinstance(value, list):
        return "; ".join(f"{step['dose']} since {step['since']}" for step in value) or "nothing"
    return str(choices.get(value, value))
