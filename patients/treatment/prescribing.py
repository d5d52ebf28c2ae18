"""Medication: begun, its dose changed, stopped, corrected. Each announces itself with ids only."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from novamind import clock
from novamind.accounts.models import User
from novamind.jobs.services import publish
from patients.consent import require
from patients.models import Medication, MedicationDose, Patient, Route, StopReason
from patients.treatment.services import (
    MEDICATION,
    What,
    WrongEntry,
    change,
    create,
    dated,
    is_in_programme,
    locked,
    mark_in_error,
    today,
)
from patients.vocabularies import Dose, PartialDate, drug

#: What a correction may change; the drug itself is another course.
CORRECTABLE = frozenset({"route", "started", "ended", "stop_reason", "prescriber_text", "indication", "note", "part2"})


class Beside(ValueError):
    """The same drug is given in that time already; ``known`` is the entry."""

    def __init__(self, known: Medication) -> None:
        super().__init__(f"{known.name} is there already, since {known.started.words}.")
        self.known = known


def prescribe(
    *,
    patient: Patient,
    by: User | None,
    name: str,
    started: PartialDate,
    dose: Dose | None = None,
    route: str = Route.ORAL,
    ended: PartialDate | None = None,
    stop_reason: str = "",
    prescriber_text: str | None = None,
    indication: str | None = None,
    note: str | None = None,
    part2: bool | None = None,
    beside: bool = False,
) -> Medication:
    """Enter a course of a drug, begun, planned or long past.

    Parameters
    ----------
    name : str
        A name, id or RxNorm code of the catalogue; anything else is kept as a free text, not coded.
    dose : Dose, optional
        From the beginning; ``None`` where it is not known.
    prescriber_text : str, optional
        Who prescribed it elsewhere; else it was ``by``, if it begins today or later. Of one that began before, who
        writes it down need not have prescribed it: nobody is named.
    part2 : bool, optional
        The label; by default, of a drug for substance use that is entered by who treats the patient in a programme.
    beside : bool
        It is given on purpose beside the same drug (a depot, a second formulation).

    Raises
    ------
    Beside
        The same drug by the same route overlaps and ``beside`` is not set.
    WrongEntry, ConsentWithheld
    """
    require(patient, *MEDICATION)
    coded = drug(name)
    text = " ".join(name.split())
    if not text:
        raise WrongEntry("drug", "Say which drug.")
    if part2 is None:
        part2 = coded is not None and coded.substance_use and is_in_programme(patient, by)
    now = started.on >= today(patient)
    row = Medication(
        patient=patient, drug=coded.id if coded else "", drug_text=None if coded else text, route=Route(route),
        prescriber=by if now and not prescriber_text else None, prescriber_text=prescriber_text or None,
        indication=indication or None, note=note or None, part2=part2, **_started(patient, started),
        **_ended(patient, started, ended, stop_reason),
    )  # fmt: skip
    with transaction.atomic():
        locked(patient)
        if not beside and (known := _same(row, by)):
            raise Beside(known)
        create(row, by=by, label="patients.Medication")
        if dose is not None:
            _add_step(row, started, dose, by)
        _announce("medication.prescribed", row, by)
    return row


def change_dose(
    medication: Medication, *, version: int, by: User | None, since: PartialDate, dose: Dose, why: str | None = None
) -> Medication:
    """Another dose from a day on. Of the same date as a step that is there, it corrects that step; the old one is kept.

    Raises
    ------
    StaleEdit, WrongEntry, ConsentWithheld
    """
    patient = medication.patient
    require(patient, *MEDICATION)
    dated(patient, "since", since)
    if since.on < medication.started_on:
        raise WrongEntry("since", f"The drug was begun later: {medication.started.words}.")
    if medication.ended is not None and since.on > medication.ended.last:
        raise WrongEntry("since", f"The drug was stopped before: {medication.ended.words}.")
    with transaction.atomic():
        stood = [{"since": str(one.since), "dose": one.dose.words} for one in medication.steps()]
        change(medication, version=version, by=by, what=What.DOSE, why=why, before={"doses": stood})
        for step in medication.doses.filter(replaced_at__isnull=True, from_on=since.on):
            if step.since != since:  # "Mar 2026" says nothing of what was given from 1 Mar 2026 on
                raise WrongEntry("since", f"A dose stands since {step.since.words}: write that date to correct it.")
            _replace(step)
        _add_step(medication, since, dose, by)
        _announce("medication.changed", medication, by)
    return medication


def stop_medication(
    medication: Medication, *, version: int, by: User | None, ended: PartialDate, reason: str, why: str | None = None
) -> Medication:
    """Stop a course, now, on a day past or planned. ``StaleEdit``, ``WrongEntry``, ``ConsentWithheld``."""
    require(medication.patient, *MEDICATION)
    if medication.ended is not None:
        raise WrongEntry("ended", f"It was stopped already: {medication.ended.words}.")
    columns = _ended(medication.patient, medication.started, ended, reason)
    _require_no_later_step(medication, ended)
    with transaction.atomic():
        change(medication, version=version, by=by, what=What.STOPPED, why=why, **columns)
        _announce("medication.stopped", medication, by)
    return medication


def correct_medication(
    medication: Medication, *, version: int, by: User | None, why: str | None = None, **changes: Any
) -> Medication:
    """Correct what was written; ``ended=None`` says that it goes on after all. The first dose moves with the start.

    Raises
    ------
    TypeError
        A field that no correction may change.
    StaleEdit, WrongEntry, ConsentWithheld
    """
    if unknown := set(changes) - CORRECTABLE:
        raise TypeError(f"not to be corrected: {', '.join(sorted(unknown))}")
    patient = medication.patient
    require(patient, *MEDICATION)
    started = changes.pop("started", medication.started)
    ended = changes.pop("ended", medication.ended)
    reason = changes.pop("stop_reason", medication.stop_reason) if ended else ""
    for name in {"prescriber_text", "indication", "note"} & set(changes):
        changes[name] = changes[name] or None
    changes |= _started(patient, started) | _ended(patient, started, ended, reason)
    if ended == medication.ended:
        changes["ended_said_on"] = medication.ended_said_on
    old, steps = medication.started, medication.steps()
    first = steps.pop(0) if steps and steps[0].from_on == old.on else None
    if steps and started.on >= steps[0].from_on:
        raise WrongEntry("started", f"The dose was changed before that: {steps[0].since.words}.")
    if ended is not None:
        _require_no_later_step(medication, ended)
    with transaction.atomic():
        change(medication, version=version, by=by, what=What.CHANGED, why=why, **changes)
        if first is not None and started != old:
            _replace(first)
            _add_step(medication, started, first.dose, by)
        _announce("medication.changed", medication, by)
    return medication


def mark_medication_in_error(medication: Medication, *, version: int, by: User | None, why: str) -> Medication:
    """It was never given, or to somebody else: it stays, marked, and counts nowhere."""
    require(medication.patient, *MEDICATION)
    with transaction.atomic():
        mark_in_error(medication, version=version, by=by, why=why)
        _announce("medication.changed", medication, by)
    return medication


def _started(patient: Patient, started: PartialDate) -> dict[str, Any]:
    dated(patient, "started", started)
    return {"started_on": started.on, "started_precision": started.precision}


def _ended(patient: Patient, started: PartialDate, ended: PartialDate | None, reason: str) -> dict[str, Any]:
    if ended is None:
        if reason:
            raise WrongEntry("ended", "Say when it was stopped.")
        return {"ended_on": None, "ended_precision": "", "ended_said_on": None, "stop_reason": ""}
    dated(patient, "ended", ended)
    if ended.last < started.on:
        raise WrongEntry("ended", f"It was begun later: {started.words}.")
    if not reason:
        raise WrongEntry("stop_reason", "Say why it was stopped.")
    return {
        "ended_on": ended.on, "ended_precision": ended.precision, "ended_said_on": today(patient),
        "stop_reason": StopReason(reason),
    }  # fmt: skip


def _require_no_later_step(medication: Medication, ended: PartialDate) -> None:
    later = [one for one in medication.steps() if one.from_on > ended.last]
    if later:
        raise WrongEntry("ended", f"The dose was changed after that: {later[-1].since.words}.")


def _same(row: Medication, by: User | None) -> Medication | None:
    """An overlapping course of the same drug by the same route, among those that the writer may read.

    One that Part 2 hides from the writer is not told by a refusal either.
    """
    rows = Medication.objects.filter(patient=row.patient, route=row.route, drug=row.drug).standing()
    if by is not None:
        rows = rows.releasable_to(by)
    wanted = (row.drug_text or "").casefold()
    for known in rows:
        if (known.drug_text or "").casefold() == wanted and _overlap(row, known):
            return known
    return None


def _overlap(one: Medication, other: Medication) -> bool:
    """Whether both can have been given on one day beside the day on which one follows the other."""
    return _begins_before_end(one, other) and _begins_before_end(other, one)


def _begins_before_end(one: Medication, other: Medication) -> bool:
    return other.ended is None or one.started.on < other.ended.last


def _add_step(medication: Medication, since: PartialDate, dose: Dose, by: User | None) -> None:
    MedicationDose.objects.create(
        patient_id=medication.patient_id, medication=medication, from_on=since.on, from_precision=since.precision,
        amount=dose.amount, unit=dose.unit, frequency=dose.frequency, recorded_by=by,
    )  # fmt: skip


def _replace(step: MedicationDose) -> None:
    step.replaced_at = clock.now()
    step.save(update_fields=["replaced_at"])


def _announce(event: str, medication: Medication, by: User | None) -> None:
    publish(event, actor=by.pk if by else None, medication_id=medication.pk, patient_id=medication.patient_id)
