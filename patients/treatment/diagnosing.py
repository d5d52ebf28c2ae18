"""Conditions: recorded and changed."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from novamind.accounts.models import User
from patients.consent import require
from patients.models import Certainty, ClinicalStatus, Condition, Patient
from patients.treatment.services import (
    NOTES,
    What,
    WrongEntry,
    change,
    create,
    dated,
    is_in_programme,
    mark_in_error,
    today,
)
from patients.vocabularies import PartialDate, WrongCode, icd10, is_substance_use

FIELDS = frozenset({"code", "text", "status", "certainty", "onset", "resolved", "note", "part2"})


def record_condition(
    *, patient: Patient, by: User | None, text: str, part2: bool | None = None, **said: Any
) -> Condition:
    """A new condition. Of substance use (F10 to F19 without F17) it is labelled where a programme writes it.

    Raises
    ------
    WrongEntry, ConsentWithheld
    """
    require(patient, *NOTES)
    columns = _columns(patient, {"text": text, "status": ClinicalStatus.ACTIVE} | said)
    if part2 is None:
        part2 = is_substance_use(columns.get("code", "")) and is_in_programme(patient, by)
    with transaction.atomic():
        row = Condition(patient=patient, part2=part2, **columns)
        return create(row, by=by, label="patients.Condition")


def change_condition(
    condition: Condition, *, version: int, by: User | None, why: str | None = None, **said: Any
) -> Condition:
    """Change a condition from the version that was read. ``StaleEdit``, ``WrongEntry``, ``ConsentWithheld``."""
    require(condition.patient, *NOTES)
    standing = {name: getattr(condition, name) for name in FIELDS}
    columns = _columns(condition.patient, standing | said)
    with transaction.atomic():
        return change(condition, version=version, by=by, what=What.CHANGED, why=why, **columns)


def mark_condition_in_error(condition: Condition, *, version: int, by: User | None, why: str) -> Condition:
    """The patient never had it: it stays, marked."""
    require(condition.patient, *NOTES)
    return mark_in_error(condition, version=version, by=by, why=why)


def _columns(patient: Patient, said: dict[str, Any]) -> dict[str, Any]:
    if unknown := set(said) - FIELDS:
        raise TypeError(f"not a field of a condition: {', '.join(sorted(unknown))}")
    text = " ".join((said.get("text") or "").split())
    if not text:
        raise WrongEntry("text", "Say which condition.")
    columns: dict[str, Any] = {"text": text, "note": said.get("note") or None, "code": _code(said.get("code") or "")}
    columns["status"] = ClinicalStatus(said.get("status") or ClinicalStatus.ACTIVE)
    columns["certainty"] = Certainty(said.get("certainty") or Certainty.CONFIRMED)
    onset, resolved = said.get("onset"), said.get("resolved")
    for name, day in (("onset", onset), ("resolved", resolved)):
        if day is not None and day.on > today(patient):
            raise WrongEntry(name, "This is still to come.")
        columns |= _day(patient, name, day)
    if resolved is not None and columns["status"] != ClinicalStatus.RESOLVED:
        raise WrongEntry("resolved", "Only what is resolved has a day on which it was.")
    if onset is not None and resolved is not None and resolved.last < onset.on:
        raise WrongEntry("resolved", f"It began later: {onset.words}.")
    if said.get("part2") is not None:
        columns["part2"] = said["part2"]
    return columns


def _code(text: str) -> str:
    if not text:
        return ""
    try:
        return icd10(text)
    except WrongCode as error:
        raise WrongEntry("code", str(error)) from None


def _day(patient: Patient, name: str, day: PartialDate | None) -> dict[str, Any]:
    if day is None:
        return {f"{name}_on": None, f"{name}_precision": ""}
    dated(patient, name, day)
    return {f"{name}_on": day.on, f"{name}_precision": day.precision}
